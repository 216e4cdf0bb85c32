"""Ctrl-C, SIGTERM and Dagster's own interruption: how one is recognised, and what it must not disturb.

What is not here: what becomes of the exchange (`session`) and of its run (`orchestration.failures`).
"""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Handler = Callable[[int, FrameType | None], Any]

SAME_STOP_SECONDS = 5.0
"""Signals within this time are one stop: a service manager, Dagster and the terminal may each send one. A later one
interrupts again, should the first have been lost in a library."""

_NAMES = ("KeyboardInterrupt", "DagsterExecutionInterruptedError", "Query interrupted", "INTERRUPT Error")
"""How interruptions are called; and what DuckDB and polars, which make an error of their own of one, leave of it."""


def is_stop(error: BaseException) -> bool:
    """Whether an error is an interruption, or what a library made of one."""
    if any(kind.__name__ in _NAMES for kind in type(error).__mro__):
        return True
    return isinstance(error, Exception) and any(name in str(error) for name in _NAMES)


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Of several signals in a row, the first alone interrupts what is done inside.

    A second one would interrupt what the first one has begun: closing the file, without which nobody can write down
    that the exchange was stopped.
    """
    asked_at: float | None = None

    def interrupt(earlier: _Handler, number: int, frame: FrameType | None) -> None:
        nonlocal asked_at
        now = time.monotonic()
        if asked_at is None or now - asked_at > SAME_STOP_SECONDS:
            asked_at = now
            earlier(number, frame)

    with _handled_by(interrupt):
        yield


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What is done inside is done to its end: a stop that is asked for meanwhile takes effect afterwards.

    For short work only. A signal that nobody handles still ends the process at once.
    """
    asked: list[tuple[_Handler, int, FrameType | None]] = []
    with _handled_by(lambda *given: asked.append(given)):
        yield
    for earlier, number, frame in asked[:1]:
        earlier(number, frame)


@contextlib.contextmanager
def _handled_by(handle: Callable[[_Handler, int, FrameType | None], None]) -> Iterator[None]:
    """Gives the signals that somebody handles to a function instead, together with what handled them before."""
    if threading.current_thread() is not threading.main_thread():
        # Signals interrupt the main thread only.
        yield
        return
    handlers = {number: found for number in _SIGNALS if callable(found := signal.getsignal(number))}
    for taken, handler in handlers.items():
        signal.signal(taken, functools.partial(handle, handler))
    try:
        yield
    finally:
        for taken, handler in handlers.items():
            signal.signal(taken, handler)
