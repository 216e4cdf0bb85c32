"""Cuts counted orders into ranges that are derived together. What is counted, and why, is said by the callers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter

FIRST_ID, LAST_ID = -(2**63), 2**63 - 1
"""The ends of a BIGINT: all orders of a day."""

LARGE_PAYLOAD = 8_192
"""Bytes of a payload on average from which on fewer orders are worked on together."""

MANY_LINES = 8
"""Lines of an order on average from which on fewer orders are worked on together: about those of such a payload."""


def orders_that_fit(most: int, size: float, large: int) -> int:
    """How many orders are worked on together, at least one: fewer, the larger they are.

    So a wholesale shop with thirty lines an order takes no more memory than others (measured: else a rebuild of 120,000
    such orders took 3.5 GB instead of 1.6 GB).

    Args:
        most: Orders together when they are not large.
        size: What these orders have on average: bytes, or lines.
        large: From where on orders are large, in the same unit.
    """
    return max(1, most if size <= large else int(most * large / size))


@dataclass(frozen=True)
class OrderRange:
    """Orders that are worked on together: those of some days, or a part of the orders of one day.

    Attributes:
        first_day: First local day.
        last_day: Last local day.
        first_id: Lowest order id.
        last_id: Highest order id.
    """

    first_day: date
    last_day: date
    first_id: int = FIRST_ID
    last_id: int = LAST_ID

    @property
    def parameters(self) -> dict[str, date | int]:
        """The same for a query: `$first_day`, `$last_day`, `$first_id`, `$last_id`."""
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "first_id": self.first_id,
            "last_id": self.last_id,
        }


def ranges_of_days(counts: Iterable[tuple[date, int]], most: int) -> list[tuple[date, date]]:
    """Ranges of whole days, each holding at most `most` orders unless one day holds more.

    Args:
        counts: Days in order, each with its orders.
        most: Orders of a range.
    """
    ranges: list[tuple[date, date]] = []
    size = 0
    for day, count in counts:
        if ranges and size + count <= most:
            ranges[-1] = (ranges[-1][0], day)
            size += count
        else:
            ranges.append((day, day))
            size = count
    return ranges


SMALLEST_SHARE = 500
"""Orders below which a range is not cut only to keep another worker busy: what a range costs beside its orders would
be more than half of the work."""


def _evened(sizes: Sequence[int], most: int, workers: int) -> int:
    """How many orders a range may hold so that whole rounds of workers have ranges of about the same size."""
    total = sum(sizes)
    rounds = max(1, -(-total // (most * workers)))
    if not total or total < rounds * workers * SMALLEST_SHARE:
        return most
    # Each range that is closed before its end then holds its share at least: there are no more ranges than shares.
    return min(most, -(-total // (rounds * workers)) + max(sizes) - 1)


def ranges_of_orders(
    parts: Iterable[tuple[date, int, int, int]], most: int, *, workers: int
) -> list[OrderRange]:
    """Ranges that hold at most `most` orders each: a day that holds more is worked on in parts.

    Args:
        parts: Days in order, each with its lowest id, highest id and number of orders; a day that holds more than
            `most` in several parts, by id.
        most: Orders of a range.
        workers: How many ranges are worked on side by side: a month of one range would leave all but one idle.
    """
    ranges: list[OrderRange] = []
    together: list[tuple[date, int]] = []
    parts = list(parts)
    share = _evened([count for _, _, _, count in parts], most, workers)

    def close() -> None:
        ranges.extend(OrderRange(first, last) for first, last in ranges_of_days(together, share))
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
