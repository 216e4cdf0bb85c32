"""Which day an order belongs to, and which instants a period spans (R1). No clock: "now" is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def order_day(ordered_at: datetime | None, created_at: datetime | None, zone: ZoneInfo) -> date | None:
    """The local day of an order: of `ordered_at`, else of `created_at`; None when it has neither (R1).

    Args:
        ordered_at: Aware instant, or None.
        created_at: Aware instant, or None.
        zone: The profile's time zone.
    """
    instant = ordered_at or created_at
    return instant.astimezone(zone).date() if instant is not None else None


def period_instants(first_day: date, last_day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The UTC instants from the first local midnight to the midnight after the last day (R1).

    Both clock changes come out right: 2026-03-29 has 23 hours in Kyiv, 2026-10-25 has 25.
    """
    start = datetime.combine(first_day, time.min, tzinfo=zone)
    end = datetime.combine(last_day + timedelta(days=1), time.min, tzinfo=zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def days_between(first_day: date, last_day: date) -> list[date]:
    """All days of a period, both ends included."""
    return [first_day + timedelta(days=offset) for offset in range((last_day - first_day).days + 1)]


def spans(
    instants: Sequence[datetime], *, gap: timedelta = timedelta(days=1), most: int = 8
) -> list[tuple[datetime, datetime]]:
    """Joins instants into few spans: neighbours closer than `gap`, and then the closest ones until `most` are left.

    Each span costs requests of its own, so there must be few; a wide span costs pages of orders nobody asked for.
    """
    joined: list[tuple[datetime, datetime]] = []
    for instant in sorted(instants):
        if joined and instant - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], instant)
        else:
            joined.append((instant, instant))
    while len(joined) > most:
        nearest = min(range(1, len(joined)), key=lambda place: joined[place][0] - joined[place - 1][1])
        joined[nearest - 1 : nearest + 1] = [(joined[nearest - 1][0], joined[nearest][1])]
    return joined
