"""Days of a report: the period before, and how days are drawn together so that a long period stays readable.

What is not here: which local day an order belongs to (see `books.days`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal

Span = Literal["day", "week", "month"]
"""What one bar of a chart stands for."""

MOST_DAILY_BARS = 92
"""A quarter of days; more bars than that become a grey blur at the width of a page."""
MOST_WEEKLY_BARS = 170
"""A little over three years of weeks, the longest period that is usually loaded at once."""


def period_before(period_from: date, period_to: date) -> tuple[date, date]:
    """The period of the same number of days that ends on the day before `period_from`."""
    length = period_to - period_from
    last = period_from - timedelta(days=1)
    return last - length, last


def days_of(period_from: date, period_to: date) -> Iterator[date]:
    """Every day of a period, both ends included; none when it ends before it begins."""
    for offset in range((period_to - period_from).days + 1):
        yield period_from + timedelta(days=offset)


def readable_span(days: int) -> Span:
    """What one bar should stand for in a chart of so many days."""
    if days <= MOST_DAILY_BARS:
        return "day"
    if days <= MOST_WEEKLY_BARS * 7:
        return "week"
    return "month"


def span_start(day: date, span: Span) -> date:
    """The first day of the day's bar: itself, the Monday of its week, or the first of its month."""
    if span == "week":
        return day - timedelta(days=day.weekday())
    if span == "month":
        return day.replace(day=1)
    return day
