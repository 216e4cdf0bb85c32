"""What a person sees on the terminal while a command waits: a bar for each activity, and what the exchange logs.

What is not here: what is reported, and when (`run.progress` and those who call it).
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from keycrm_pipeline.language import _
from keycrm_pipeline.run.progress import ORDERS, PROGRESS, SENTENCES, Progress

if TYPE_CHECKING:
    from rich.progress import TaskID

_LOG = logging.getLogger("keycrm_pipeline")


class _Printed(logging.Handler):
    """Passes log records to a function that prints them."""

    def __init__(self, printed: Callable[[logging.LogRecord], None], level: int) -> None:
        super().__init__(level)
        self._printed = printed

    def emit(self, record: logging.LogRecord) -> None:
        self._printed(record)


@contextlib.contextmanager
def _printing(
    logger: logging.Logger, printed: Callable[[logging.LogRecord], None], level: int
) -> Iterator[None]:
    """Prints the records of a logger at or above a level while the block runs."""
    handler, before = _Printed(printed, level), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


@contextlib.contextmanager
def shown_progress(requests_per_minute: int, *, bars: bool = True, stays: bool = True) -> Iterator[None]:
    """Prints what is logged while the block runs to standard error, with a bar for each activity if it is a terminal.

    Args:
        requests_per_minute: The profile's, for the time that the remaining orders take at least.
        bars: Whether bars are wanted; a program that reads the output gets the lines alone.
        stays: Whether the bars remain on the terminal afterwards.
    """
    if not (bars and sys.stderr.isatty()):
        with _printing(_LOG, lambda record: click.echo(record.getMessage(), err=True), logging.INFO):
            yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    tasks: dict[str, TaskID] = {}
    with (
        # Dagster redirects the streams of the process, by their numbers, while a run works: the bars would stand still
        # on standard error itself.
        os.fdopen(
            os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding, errors="replace"
        ) as terminal,
        Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[time_left]}"),
            console=Console(file=terminal),
            transient=not stays,
        ) as drawn,
    ):

        def advance(record: logging.LogRecord) -> None:
            progress: Progress = vars(record)["progress"]
            if progress.activity not in tasks:
                tasks[progress.activity] = drawn.add_task("", total=None, time_left="")
            task = tasks[progress.activity]
            drawn.update(task, completed=progress.done, total=progress.total, description=described(progress))
            if progress.activity == ORDERS:
                measured = next(shown for shown in drawn.tasks if shown.id == task).time_remaining
                drawn.update(task, time_left=time_left(progress, measured, requests_per_minute))

        def say(record: logging.LogRecord) -> None:
            drawn.console.print(record.getMessage(), markup=False, highlight=False)

        with _printing(PROGRESS, advance, logging.DEBUG), _printing(_LOG, say, logging.INFO):
            yield


def described(progress: Progress) -> str:
    """What an activity is, and how far it has come."""
    return _(SENTENCES[progress.activity], done=progress.done, total=progress.total)


def time_left(progress: Progress, measured_seconds: float | None, requests_per_minute: int) -> str:
    """How long the remaining orders take, in words; empty when none remain.

    The request limit decides: half a minute's requests go at once, so the measured speed promises too much at first.

    Args:
        progress: How many orders there are, and how many of them were read.
        measured_seconds: What the speed so far promises; None if it is not known yet.
        requests_per_minute: The profile's limit.
    """
    # `status` and its like answer at once, and import nothing that only a load needs.
    from keycrm_pipeline.crm.pages import PAGE_SIZE

    remaining = max(0, progress.total - progress.done)
    if not remaining:
        return ""
    by_limit = -(-remaining // PAGE_SIZE) * 60 / requests_per_minute
    return _("about {time} left", time=timedelta(seconds=round(max(by_limit, measured_seconds or 0))))
