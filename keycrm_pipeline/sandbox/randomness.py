"""Seeded random numbers that are the same on every machine and every Python version.

The standard library guarantees stable results only for `random.random()`, not for `choice`, `sample` and the
like, so the few methods the demo shop needs are implemented here.
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Generic, TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_GOLDEN_STEP = 0x9E3779B97F4A7C15
"""The increment of the SplitMix64 generator, which is fast and good enough here."""


class SeededRandom:
    """A stream of random numbers determined only by its seed.

    Args:
        seed: What the stream is for, such as the shop's seed and an order id. Equal seeds give equal numbers.
    """

    __slots__ = ("_state",)

    def __init__(self, *seed: object) -> None:
        text = "\x1f".join(map(str, seed))
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def below(self, bound: int) -> int:
        """Return an integer from 0 to `bound - 1`; `bound` must be at least 1."""
        self._state = state = (self._state + _GOLDEN_STEP) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) * bound) >> 64

    def between(self, lowest: int, highest: int) -> int:
        """Return an integer from `lowest` to `highest`, both included."""
        return lowest + self.below(highest - lowest + 1)

    def happens(self, per_mille: int) -> bool:
        """Return True in `per_mille` out of 1,000 cases."""
        return self.below(1000) < per_mille

    def choice(self, items: Sequence[Item]) -> Item:
        """Return one of the items, all equally likely."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return `count` different items in their original order, or all items if there are fewer."""
        left = min(count, len(items))
        chosen: list[Item] = []
        for index, item in enumerate(items):
            if self.below(len(items) - index) < left:
                chosen.append(item)
                left -= 1
        return chosen


class WeightedChoice(Generic[Item]):
    """A choice between items of different weights; created once, used often."""

    __slots__ = ("_bounds", "_items", "_total")

    def __init__(self, weights: Sequence[tuple[Item, int]]) -> None:
        self._items = [item for item, _ in weights]
        self._bounds = list(accumulate(weight for _, weight in weights))
        self._total = self._bounds[-1]

    def draw(self, random: SeededRandom) -> Item:
        """Return an item with a probability proportional to its weight."""
        return self._items[bisect_right(self._bounds, random.below(self._total))]
