"""Splits orders into ranges that are processed together, from counts that the callers provide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from operator import itemgetter

from keycrm_pipeline.period import Period

FIRST_ID, LAST_ID = -(2**63), 2**63 - 1
"""The limits of a BIGINT: all orders of a day."""

LARGE_PAYLOAD = 8_192
"""Average bytes per payload above which fewer orders are processed together."""

MANY_LINES = 8
"""Average lines per order above which fewer orders are processed together: about as many as such a payload has."""


def orders_that_fit(most: int, size: float, large: int) -> int:
    """How many orders are processed together, at least one: the larger they are, the fewer.

    This way a wholesale shop with thirty lines per order takes no more memory than others (measured: a rebuild of
    120,000 such orders takes 1.6 GB instead of 3.5 GB).

    Args:
        most: Number of orders when they are not large.
        size: Average size of these orders: bytes or lines.
        large: Size above which orders are large, in the same unit.
    """
    return max(1, most if size <= large else int(most * large / size))


@dataclass(frozen=True)
class OrderRange:
    """Orders that are processed together: those of several days, or some of them by number."""

    first_day: date
    last_day: date
    first_id: int = FIRST_ID
    last_id: int = LAST_ID

    @property
    def parameters(self) -> dict[str, date | int]:
        """The range as query parameters: `$first_day`, `$last_day`, `$first_id`, `$last_id`."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "first_id": self.first_id,
            "last_id": self.last_id,
        }

    def split_at(self, order_id: int) -> tuple[OrderRange, OrderRange]:
        """The orders with lower numbers, and the others."""
        return replace(self, last_id=order_id - 1), replace(self, first_id=order_id)


def ranges_of_days(counts: Iterable[tuple[date, int]], most: int) -> list[Period]:
    """Ranges of whole days, each holding at most `most` orders unless one day holds more.

    Args:
        counts: Days in order, each with its number of orders.
        most: Orders per range.
    """
    ranges: list[Period] = []
    size = 0
    for day, count in counts:
        if ranges and size + count <= most:
            ranges[-1] = Period(ranges[-1].first, day)
            size += count
        else:
            ranges.append(Period(day, day))
            size = count
    return ranges


SMALLEST_SHARE = 500
"""A range is not split below this number of orders only to keep another worker busy: the fixed cost of a range would be
more than half of the work."""


def _evened(sizes: Sequence[int], most: int, workers: int) -> int:
    """How many orders a range may hold so that all workers get ranges of about the same size in every round."""
    total = sum(sizes)
    rounds = max(1, -(-total // (most * workers)))
    if not total or total < rounds * workers * SMALLEST_SHARE:
        return most
    # A range that ends because the next day does not fit holds at least its share: no more ranges than shares.
    return min(most, -(-total // (rounds * workers)) + max(sizes) - 1)


def ranges_of_orders(
    parts: Iterable[tuple[date, int, int, int]], most: int, *, workers: int
) -> list[OrderRange]:
    """Ranges of at most `most` orders each; a day with more orders is split into parts.

    Args:
        parts: Days in order, each with its lowest id, highest id and number of orders; a day with more than `most`
            orders comes in several parts, ordered by id.
        most: Orders per range.
        workers: How many ranges are processed concurrently: a single range per month would leave all but one idle.
    """
    ranges: list[OrderRange] = []
    together: list[tuple[date, int]] = []
    parts = list(parts)
    share = _evened([count for _, _, _, count in parts], most, workers)

    def close() -> None:
        ranges.extend(OrderRange(days.first, days.last) for days in ranges_of_days(together, share))
        together.clear()

    for day, found in groupby(parts, key=itemgetter(0)):
        parts_of_day = list(found)
        if len(parts_of_day) == 1:
            together.append((day, parts_of_day[0][3]))
        else:
            close()
            ranges.extend(OrderRange(day, day, first_id, last_id) for _, first_id, last_id, _ in parts_of_day)
    close()
    return ranges
