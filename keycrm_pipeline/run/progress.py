"""How far a load is and what it waits for, for whoever watches in the same process: the terminal of a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[int, int], None]] = []
_readers: list[Callable[[str], None]] = []


def report(done: int, total: int) -> None:
    """Tells the listeners that `done` of `total` orders are stored."""
    for listener in _listeners:
        listener(done, total)


def say(sentence: str) -> None:
    """Tells the readers what a person who waits should know."""
    for reader in _readers:
        reader(sentence)


@contextmanager
def reading(reader: Callable[[str], None]) -> Iterator[None]:
    """Gives a reader the sentences that are said while the block runs."""
    _readers.append(reader)
    try:
        yield
    finally:
        _readers.remove(reader)


@contextmanager
def listening(listener: Callable[[int, int], None]) -> Iterator[None]:
    """Tells a listener about progress while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
