"""How far an exchange has come, as log records: a terminal draws bars from them, and they are shown nowhere else.

What people should know while a load runs goes through the modules' own loggers, which Dagster shows with the run.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from keycrm_pipeline.language import message

PROGRESS = logging.getLogger("keycrm_pipeline.run.progress")
"""One record for each step forward, with a `Progress` as its attribute `progress`; on DEBUG, not passed on."""
PROGRESS.propagate = False


@dataclass(frozen=True)
class Progress:
    """How far one of the activities of an exchange has come.

    Attributes:
        activity: Its name; a later record with the same name is about the same activity.
        done: How much of it is done.
        total: How much there is to do.
    """

    activity: str
    done: int
    total: int


ORDERS = "orders"
"""The activity that waits for KeyCRM's request limit."""


SENTENCES = {
    "lists": message("KeyCRM is asked ({done} of {total} lists)"),
    ORDERS: message("Orders from KeyCRM ({done} of {total})"),
    "products": message("Products from KeyCRM ({done} of {total})"),
    "stages": message("Documents are prepared ({done} of {total} steps)"),
}
"""Activity -> what a person reads while it goes on."""


def _report(activity: str, done: int, total: int) -> None:
    sentence = SENTENCES[activity].format(done=done, total=total)
    PROGRESS.debug("%s", sentence, extra={"progress": Progress(activity, done, total)})


def lists(done: int, total: int) -> None:
    """Reports that KeyCRM has answered with `done` of `total` reference lists."""
    _report("lists", done, total)


def orders(done: int, total: int) -> None:
    """Reports that `done` of `total` orders are stored."""
    _report(ORDERS, done, total)


def products(done: int, total: int) -> None:
    """Reports that KeyCRM was asked for `done` of `total` products."""
    _report("products", done, total)


def stages(done: int, total: int) -> None:
    """Reports that `done` of `total` stages have derived the documents."""
    _report("stages", done, total)
