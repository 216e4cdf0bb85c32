"""Which date KeyCRM's filter `created_between` was found to go by, and since when (R1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from keycrm_pipeline.warehouse.statements import statement


@dataclass(frozen=True)
class KnownReading:
    """What an account was found to follow.

    Attributes:
        reading: `created_at` or `ordered_at`.
        learned_at: Time of the exchange that found it.
        order_id: The order that proved it.
    """

    reading: str
    learned_at: datetime
    order_id: int


def current_reading(connection: duckdb.DuckDBPyConnection) -> KnownReading | None:
    """What the account follows according to the newest proof; None while nothing is proven."""
    row = connection.execute(statement("readings", "current")).fetchone()
    return KnownReading(*row) if row else None


def learn_reading(
    connection: duckdb.DuckDBPyConnection, reading: str, *, order_id: int, now: datetime
) -> None:
    """Stores a proven reading if it is another one than the account followed so far."""
    connection.execute(statement("readings", "learn"), {"reading": reading, "order_id": order_id, "now": now})
