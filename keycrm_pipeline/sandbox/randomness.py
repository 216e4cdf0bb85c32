"""Chance that is the same on every machine: a tiny generator of random numbers fed by words.

Only the generator belongs here; what is drawn with it is decided where the thing is made. The standard
library's `random` promises the same numbers only for `random()`, not for `choice` and its kin, and the shop
must look the same on every Python, so the few draws needed are written out.
"""

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Generic, TypeVar

Item = TypeVar("Item")

_MASK = (1 << 64) - 1
_GOLDEN_STEP = 0x9E3779B97F4A7C15
"""The step of the SplitMix64 generator: one addition and two multiplications a draw, good enough here."""


class SeededRandom:
    """A stream of draws that depends on nothing but the words it was made with.

    Args:
        words: What the stream is for, such as the shop's seed and an order id. Equal words give equal draws.
    """

    __slots__ = ("_state",)

    def __init__(self, *words: object) -> None:
        text = "\x1f".join(map(str, words))
        self._state = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")

    def below(self, bound: int) -> int:
        """A whole number from 0 to `bound - 1`; `bound` is at least 1."""
        self._state = state = (self._state + _GOLDEN_STEP) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((state ^ (state >> 31)) * bound) >> 64

    def between(self, lowest: int, highest: int) -> int:
        """A whole number from `lowest` to `highest`, both possible."""
        return lowest + self.below(highest - lowest + 1)

    def happens(self, per_mille: int) -> bool:
        """True in `per_mille` of 1,000 cases."""
        return self.below(1000) < per_mille

    def choice(self, items: Sequence[Item]) -> Item:
        """One of the items, each as likely as the others."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[Item], count: int) -> list[Item]:
        """`count` different items of the sequence, in its order; all of them when there are fewer."""
        left = min(count, len(items))
        chosen: list[Item] = []
        for index, item in enumerate(items):
            if self.below(len(items) - index) < left:
                chosen.append(item)
                left -= 1
        return chosen


class WeightedChoice(Generic[Item]):
    """Items that are drawn with different weights; made once, drawn from often.

    Args:
        weights: Each item with its weight, a whole number.
    """

    __slots__ = ("_bounds", "_items", "_total")

    def __init__(self, weights: Sequence[tuple[Item, int]]) -> None:
        self._items = [item for item, _ in weights]
        self._bounds = list(accumulate(weight for _, weight in weights))
        self._total = self._bounds[-1]

    def draw(self, random: SeededRandom) -> Item:
        """One item, as often as its weight says."""
        return self._items[bisect_right(self._bounds, random.below(self._total))]
