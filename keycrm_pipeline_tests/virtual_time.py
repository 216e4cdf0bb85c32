"""A clock for tests of code that waits: nothing really waits, and the waiting can be counted."""

from __future__ import annotations


class VirtualTime:
    """A clock that advances only when something sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
