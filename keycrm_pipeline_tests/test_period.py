"""Periods: whole local days, and the instants that they span."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from keycrm_pipeline.period import Period, contiguous_periods, day_from_text

KYIV = ZoneInfo("Europe/Kyiv")


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    """The message names both days, since a person typed them."""
    with pytest.raises(ValueError, match="begins on 2026-03-03 and ends before that, on 2026-03-02"):
        Period(date(2026, 3, 3), date(2026, 3, 2))


def test_days_of_a_period() -> None:
    """Both ends belong to it."""
    period = Period(date(2026, 2, 27), date(2026, 3, 1))
    assert period.days == [date(2026, 2, 27), date(2026, 2, 28), date(2026, 3, 1)]
    assert [day in period for day in (date(2026, 2, 26), *period.days, date(2026, 3, 2))] == [
        False, True, True, True, False,
    ]  # fmt: skip
    assert (str(period), str(Period(period.first, period.first))) == (
        "2026-02-27 to 2026-03-01",
        "2026-02-27",
    )


@pytest.mark.parametrize("text", ["26.10.2026", "2026-10-26", " 26.10.2026 "])
def test_a_day_is_read_as_it_is_written(text: str) -> None:
    """As an accountant writes it, and as a program does."""
    assert day_from_text(text) == date(2026, 10, 26)


def test_the_day_comes_first() -> None:
    """The third of April, not the fourth of March; a zero in front is not needed."""
    assert day_from_text("03.04.2026") == day_from_text("3.4.2026") == date(2026, 4, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("30.02.2026", "There is no 30 February 2026."),
        ("2026-02-30", "There is no 30 February 2026."),
        ("29.02.2026", "There is no 29 February 2026."),
        ("00.01.2026", "There is no 0 January 2026."),
        ("10.26.2026", "«10.26.2026» is not a date: there is no such month or year."),
        ("01.01.0000", "«01.01.0000» is not a date: there is no such month or year."),
        ("26.10.26", "«26.10.26» is not a date. Write it as 26.10.2026 or 2026-10-26."),
        ("26/10/2026", "«26/10/2026» is not a date. Write it as 26.10.2026 or 2026-10-26."),
        ("", "«» is not a date. Write it as 26.10.2026 or 2026-10-26."),
    ],
)
def test_a_day_that_does_not_exist(text: str, words: str) -> None:
    """The message says what is wrong, or how a date is written."""
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        day_from_text(text)


@pytest.mark.parametrize(
    ("day", "start", "end"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC), datetime(2026, 3, 29, 21, tzinfo=UTC)),
        (date(2026, 10, 25), datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 10, 25, 22, tzinfo=UTC)),
    ],
    ids=["23 hours", "25 hours"],
)
def test_instants_on_the_days_the_clock_changes(day: date, start: datetime, end: datetime) -> None:
    """From local midnight to local midnight, whatever lies between."""
    assert Period(day, day).instants(KYIV) == (start, end)


def test_neighbouring_days_are_one_period() -> None:
    """Two periods for days that follow each other would be two runs; order and repetition do not matter."""
    days = [date(2026, 4, 3), date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 1)]
    assert contiguous_periods(days) == [
        Period(date(2026, 3, 31), date(2026, 4, 1)),
        Period(date(2026, 4, 3), date(2026, 4, 3)),
    ]
    assert contiguous_periods([]) == []
