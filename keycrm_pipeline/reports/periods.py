"""Periods of a report: the previous period, and days grouped into bars so that long periods stay readable.

Which local day an order belongs to is in `accounting.days`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

Span = Literal["day", "week", "month"]
"""What one bar of a chart stands for."""

MOST_DAILY_BARS = 92
"""A quarter of days; at the width of a page more bars become a grey blur."""
MOST_WEEKLY_BARS = 170
"""A little over three years of weeks, the longest period that is usually loaded at once."""

Amount = TypeVar("Amount", int, Decimal)


def period_before(period_from: date, period_to: date) -> tuple[date, date]:
    """The period of the same number of days that ends on the day before `period_from`."""
    length = period_to - period_from
    last = period_from - timedelta(days=1)
    return last - length, last


def days_of(period_from: date, period_to: date) -> Iterator[date]:
    """Every day of a period, both ends included; none if it ends before it begins."""
    for offset in range((period_to - period_from).days + 1):
        yield period_from + timedelta(days=offset)


def readable_span(days: int) -> Span:
    """What one bar should stand for in a chart of this many days."""
    if days <= MOST_DAILY_BARS:
        return "day"
    if days <= MOST_WEEKLY_BARS * 7:
        return "week"
    return "month"


def span_start(day: date, span: Span) -> date:
    """The first day of the bar of a day: the day itself, the Monday of its week, or the first of its month."""
    if span == "week":
        return day - timedelta(days=day.weekday())
    if span == "month":
        return day.replace(day=1)
    return day


def span_starts(period_from: date, period_to: date, span: Span) -> list[date]:
    """The first day of each bar of a period, in order; the first may be before `period_from`."""
    return sorted({span_start(day, span) for day in days_of(period_from, period_to)})


def sums_by_span(values: Iterable[tuple[date, Amount]], span: Span) -> dict[date, Amount]:
    """Values by day added up by the first day of their bar; bars without values are missing."""
    sums: dict[date, Amount] = {}
    for day, value in values:
        start = span_start(day, span)
        sums[start] = sums[start] + value if start in sums else value
    return sums
