"""Ctrl-C, SIGTERM, SIGHUP and Dagster's own interruption: how one is recognised, and what it must not disturb.

What is not here: what becomes of the exchange (`session`) and of its run (`orchestration.failures`).
"""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from types import FrameType
from typing import Any, TypeVar

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What a terminal, a service manager and a terminal that is closed send."""

_Handler = Callable[[int, FrameType | None], Any]
_Result = TypeVar("_Result")

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


def waits_for_import(number: int, frame: FrameType | None) -> bool:
    """Whether a signal came during an import; this process then gets it again as soon as that has ended.

    An interruption inside of an import is swallowed there, or becomes another error: DuckDB, which imports pandas as it
    is given its first parameter, goes on as if nothing had happened.

    Args:
        number: The signal.
        frame: What was running, as a handler is given it.
    """
    importing = None
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            importing = frame.f_back
        frame = frame.f_back
    if importing is None:
        return False

    def send_again(*_event: Any) -> None:
        sys.settrace(None)
        signal.raise_signal(number)

    # As debuggers do it: called at the next line of the function that imports, whatever the import led to.
    importing.f_trace = send_again
    sys.settrace(lambda *_event: None)
    return True


class _OneStop:
    """Lets the first of several signals in a row interrupt, not inside of an import, and keeps the others from it."""

    def __init__(self) -> None:
        self._asked_at: float | None = None

    def interrupt(self, earlier: _Handler, number: int, frame: FrameType | None) -> None:
        if waits_for_import(number, frame):
            return
        now = time.monotonic()
        if self._asked_at is None or now - self._asked_at > SAME_STOP_SECONDS:
            self._asked_at = now
            earlier(number, frame)


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Of several signals in a row, the first alone interrupts what is done inside.

    A second one would interrupt what the first one has begun: closing the file, without which nobody can write down
    that the exchange was stopped.
    """
    with _handled_by(_OneStop().interrupt):
        yield


def each_once(work: Generator[_Result, None, None]) -> Generator[_Result, None, None]:
    """Gives the results of a generator, of which several signals in a row interrupt the first alone, as in `once`.

    Dagster takes the signals over anew for each result that it asks for (1.13.28), so a generator would be rid of the
    handlers that it has set as soon as it has given its first.
    """
    stop = _OneStop()
    try:
        while True:
            with _handled_by(stop.interrupt):
                try:
                    result = next(work)
                except StopIteration:
                    return
            yield result
    finally:
        with _handled_by(stop.interrupt):
            work.close()


def close_what_was_closing(error: BaseException) -> None:
    """Closes the context managers that an interruption has hit as they began to close: they did not do it.

    The frame in which that happened, and so the traceback, is what still holds them.
    """
    seen: BaseException | None = error
    while seen is not None:
        for frame, _line in traceback.walk_tb(seen.__traceback__):
            if frame.f_code.co_name == "__exit__":
                # One that is still running is closing what it holds.
                with contextlib.suppress(RuntimeError):
                    frame.clear()
        seen = seen.__context__


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """What is done inside is done to its end: a stop that is asked for meanwhile takes effect afterwards.

    For short work only. A signal that nobody handles still ends the process at once.
    """
    asked: list[int] = []
    with _handled_by(lambda _earlier, number, _frame: asked.append(number)):
        yield
    for number in asked[:1]:
        # Sent again, since what was running when it came is no longer.
        signal.raise_signal(number)


@contextlib.contextmanager
def _handled_by(handle: Callable[[_Handler, int, FrameType | None], None]) -> Iterator[None]:
    """Gives the signals that somebody handles to a function instead, together with what handled them before."""
    if threading.current_thread() is not threading.main_thread():
        # Signals interrupt the main thread only.
        yield
        return
    handlers = {number: found for number in STOP_SIGNALS if callable(found := signal.getsignal(number))}
    for taken, handler in handlers.items():
        signal.signal(taken, functools.partial(handle, handler))
    try:
        yield
    finally:
        for taken, handler in handlers.items():
            signal.signal(taken, handler)
