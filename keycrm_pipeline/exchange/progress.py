"""How far a load is, for whoever watches in the same process: the progress bar of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[int, int], None]] = []


def report(done: int, total: int) -> None:
    """Tells the listeners that `done` of `total` orders are stored."""
    for listener in _listeners:
        listener(done, total)


@contextmanager
def listening(listener: Callable[[int, int], None]) -> Iterator[None]:
    """Tells a listener about progress while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
