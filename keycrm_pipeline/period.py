"""A period: whole local days, from the first to the last, and a day as people type it.

Plain dates; no clock, no time zone of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from keycrm_pipeline.language import _, current_language

DAY = timedelta(days=1)
MONTHS = 12

_WRITTEN_DAYS = (
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
)


def day_from_text(text: str) -> date:
    """The day that a person has typed, as `26.10.2026` or as `2026-10-26`.

    Raises:
        ValueError: It is written otherwise, or there is no such day; the text says which.
    """
    for written in _WRITTEN_DAYS:
        found = written.fullmatch(text.strip())
        if found is not None:
            day, month, year = (int(found[part]) for part in ("day", "month", "year"))
            break
    else:
        raise ValueError(_("«{text}» is not a date. Write it as 26.10.2026 or 2026-10-26.", text=text))
    try:
        return date(year, month, day)
    except ValueError:
        if 1 <= month <= MONTHS and year:
            from babel.dates import get_month_names

            name = get_month_names("wide", locale=current_language())[month]
            raise ValueError(_("There is no {day} {month} {year}.", day=day, month=name, year=year)) from None
        raise ValueError(_("«{text}» is not a date: there is no such month or year.", text=text)) from None


@dataclass(frozen=True, order=True)
class Period:
    """Local days, both ends included.

    Attributes:
        first: First local day.
        last: Last local day, not before the first.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        """Checks that the period does not end before it begins.

        Raises:
            ValueError: The last day is before the first.
        """
        if self.last < self.first:
            raise ValueError(
                _(
                    "The period begins on {first} and ends before that, on {last}.",
                    first=self.first,
                    last=self.last,
                )
            )

    def __str__(self) -> str:
        """`2026-03-02 to 2026-03-08`, or the day alone."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    def __contains__(self, day: date) -> bool:
        """Whether a day is one of the period's."""
        return self.first <= day <= self.last

    @property
    def days(self) -> list[date]:
        """All days, in order."""
        return [self.first + DAY * offset for offset in range((self.last - self.first).days + 1)]

    def instants(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The UTC instants from the first local midnight to the midnight after the last day (R1).

        Both clock changes are handled: 2026-03-29 has 23 hours in Kyiv, 2026-10-25 has 25.
        """
        start = datetime.combine(self.first, time.min, tzinfo=zone)
        end = datetime.combine(self.last + DAY, time.min, tzinfo=zone)
        return start.astimezone(UTC), end.astimezone(UTC)


_WRITTEN_MONTHS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})"),
    re.compile(r"(?P<month>\d{1,2})\.(?P<year>\d{4})"),
)


def month_of(day: date) -> Period:
    """The month of a day, from its first day to its last."""
    first = day.replace(day=1)
    return Period(first, (first + 31 * DAY).replace(day=1) - DAY)


def month_from_text(text: str) -> Period:
    """The month that a person has typed, as `2026-10` or as `10.2026`.

    Raises:
        ValueError: It is written otherwise, or there is no such month; the text says which.
    """
    for written in _WRITTEN_MONTHS:
        found = written.fullmatch(text.strip())
        if found is not None:
            try:
                return month_of(date(int(found["year"]), int(found["month"]), 1))
            except (ValueError, OverflowError):
                break
    raise ValueError(_("«{text}» is not a month. Write it as 2026-10 or 10.2026.", text=text))


def contiguous_periods(days: Iterable[date]) -> list[Period]:
    """Joins consecutive days into periods, in order."""
    return list(_joined(sorted(set(days))))


def _joined(days: list[date]) -> Iterator[Period]:
    first = last = None
    for day in days:
        if first is None or last is None:
            first = day
        elif day - last > DAY:
            yield Period(first, last)
            first = day
        last = day
    if first is not None and last is not None:
        yield Period(first, last)
