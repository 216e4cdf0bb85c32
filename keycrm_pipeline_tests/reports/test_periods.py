"""The previous period, and days grouped into bars."""

from __future__ import annotations

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.reports.periods import period_before, readable_span, span_start


def test_the_period_before_march_is_as_long() -> None:
    """March is compared with the 31 days before it, not with the shorter February."""
    assert period_before(Period(date(2026, 3, 1), date(2026, 3, 31))) == Period(
        date(2026, 1, 29), date(2026, 2, 28)
    )
    assert period_before(Period(date(2026, 3, 1), date(2026, 3, 1))) == Period(
        date(2026, 2, 28), date(2026, 2, 28)
    )


@settings(deadline=None)
@given(st.dates(date(2001, 1, 1), date(2090, 1, 1)), st.integers(0, 800))
def test_the_period_before_ends_where_the_period_begins(first: date, more: int) -> None:
    """No day is in both periods, and none between them is left out."""
    period = Period(first, first + DAY * more)
    before = period_before(period)
    assert before.last + DAY == first
    assert len(before.days) == len(period.days)


def test_a_long_period_is_drawn_by_weeks_then_months() -> None:
    """A quarter by days, three years by weeks, ten years by months."""
    assert [readable_span(days) for days in (1, 92, 93, 1100, 1191, 3650)] == [
        "day",
        "day",
        "week",
        "week",
        "month",
        "month",
    ]
    assert span_start(date(2026, 3, 1), "week") == date(2026, 2, 23)  # a Sunday belongs to the week before
    assert span_start(date(2026, 3, 31), "month") == date(2026, 3, 1)
