"""What the syncs between loads read: open orders, absent ids, known products, stored days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.ranges import ranges_of_days
from keycrm_pipeline.warehouse.statements import statement


@dataclass(frozen=True)
class OpenOrder:
    """A stored order that is still open."""

    order_id: int
    status_id: int
    ordered_at: datetime


def open_orders(connection: duckdb.DuckDBPyConnection, closing_groups: Sequence[int]) -> list[OpenOrder]:
    """Stored orders whose status is in none of the closing groups, oldest first."""
    return [
        OpenOrder(*row)
        for row in connection.execute(
            statement("syncs", "open_orders"), {"closing_groups": list(closing_groups)}
        ).fetchall()
    ]


def absent_orders(connection: duckdb.DuckDBPyConnection, seen: Sequence[int]) -> list[int]:
    """Stored orders, not marked as missing, that a list of all ids does not have."""
    return _compared_with(connection, seen, "absent_orders")


def returned_orders(connection: duckdb.DuckDBPyConnection, seen: Sequence[int]) -> list[int]:
    """Orders marked as missing that a list of all ids has again."""
    return _compared_with(connection, seen, "returned_orders")


def _compared_with(connection: duckdb.DuckDBPyConnection, seen: Sequence[int], name: str) -> list[int]:
    connection.register("seen_frame", pl.DataFrame({"order_id": list(seen)}, schema={"order_id": pl.Int64}))
    try:
        return [row[0] for row in connection.execute(statement("syncs", name)).fetchall()]
    finally:
        connection.unregister("seen_frame")


def adopt_unfinished(connection: duckdb.DuckDBPyConnection, exchange_id: int) -> None:
    """Assigns to this exchange what failed exchanges stored but did not derive, so that it is derived now.

    A payload that is already stored looks unchanged when it is fetched again: without this, an exchange that died
    between storing and deriving would leave its orders out of the books until they change once more.
    """
    for name in ("adopt_payloads", "adopt_rows"):
        connection.execute(statement("syncs", name), {"exchange_id": exchange_id})


def first_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The newest updated_at stored that is not after the first exchange began; None when nothing is stored."""
    row = connection.execute(statement("syncs", "first_watermark")).fetchone()
    return row[0] if row else None


def known_product_ids(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Products of KeyCRM's catalogue that occur in orders."""
    return [row[0] for row in connection.execute(statement("syncs", "known_product_ids")).fetchall()]


def refile_orders(
    connection: duckdb.DuckDBPyConnection,
    timezone: str,
    day_of: Callable[[str | None, str | None], date | None],
) -> None:
    """Files every stored payload under its local day again: the profile's time zone may have been changed (R1).

    Args:
        connection: The open file.
        timezone: Name of the profile's time zone.
        day_of: The day of an order by the texts of its `ordered_at` and `created_at`.
    """
    connection.execute(statement("syncs", "refile_orders"), {"timezone": timezone})
    for order_id, order_day, *dates in connection.execute(
        statement("syncs", "dates_without_rows")
    ).fetchall():
        day = day_of(*dates)
        if day is not None and day != order_day:
            connection.execute(statement("syncs", "refile_order"), {"order_id": order_id, "order_day": day})


def raw_ranges(connection: duckdb.DuckDBPyConnection, most_orders: int) -> list[Period]:
    """Ranges of days that cover all stored payloads, each with at most `most_orders` unless one day is larger."""
    return ranges_of_days(connection.execute(statement("syncs", "raw_days")).fetchall(), most_orders)
