"""Which day an order belongs to (R1), and instants joined into spans. No clock: "now" is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def order_day(ordered_at: datetime | None, created_at: datetime | None, zone: ZoneInfo) -> date | None:
    """The local day of an order: of `ordered_at`, else of `created_at`; None when it has neither (R1)."""
    instant = ordered_at or created_at
    return instant.astimezone(zone).date() if instant is not None else None


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
