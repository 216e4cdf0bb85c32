"""Periods of a report: the previous period, and days grouped into bars so that long periods stay readable.

Which local day an order belongs to is in `accounting.days`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

from keycrm_pipeline.period import DAY, Period

Span = Literal["day", "week", "month"]
"""What one bar of a chart stands for."""

MOST_DAILY_BARS = 92
"""A quarter of days; at the width of a page more bars become a grey blur."""
MOST_WEEKLY_BARS = 170
"""A little over three years of weeks, the longest period that is usually loaded at once."""

Amount = TypeVar("Amount", int, Decimal)


def period_before(period: Period) -> Period:
    """The period of the same number of days that ends on the day before this one begins."""
    last = period.first - DAY
    return Period(last - (period.last - period.first), last)


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


def span_starts(period: Period, span: Span) -> list[date]:
    """The first day of each bar of a period, in order; the first may be before its first day."""
    return sorted({span_start(day, span) for day in period.days})


def sums_by_span(values: Iterable[tuple[date, Amount]], span: Span) -> dict[date, Amount]:
    """Values by day added up by the first day of their bar; bars without values are missing."""
    sums: dict[date, Amount] = {}
    for day, value in values:
        start = span_start(day, span)
        sums[start] = sums[start] + value if start in sums else value
    return sums
