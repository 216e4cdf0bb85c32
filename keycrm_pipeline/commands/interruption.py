"""Ctrl-C while modules are imported: it counts once the import has ended.

The first seconds of a command are imports, of Dagster above all. An interrupt inside of one is swallowed there, or
becomes another error, so that the command went on, or ended with a traceback and any exit code.
"""

from __future__ import annotations

import signal
from types import FrameType

from keycrm_pipeline.stopping import waits_for_import

INTERRUPTED = 130
"""What a shell shows for a program that Ctrl-C ended; SIGTERM ends ours in the same way."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not waits_for_import(number, frame):
        raise KeyboardInterrupt


def interrupt_after_imports() -> None:
    """From here on Ctrl-C raises KeyboardInterrupt as always, but not inside of an import."""
    # A shell that started this in the background has it ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def output_is_complete() -> None:
    """The command has said everything: a stop changes neither that nor its exit code any more."""
    # Whoever runs a command inside of a process of their own keeps their handlers.
    if signal.getsignal(signal.SIGINT) is _interrupt:
        ignore_from_now_on()


def ignore_from_now_on() -> None:
    """The command has ended: Ctrl-C and SIGTERM change its exit code no more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
