"""Cuts counted days into ranges that are derived together. What is counted, and why, is said by the callers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date


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
