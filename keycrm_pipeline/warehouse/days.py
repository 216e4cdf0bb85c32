"""Which days were fetched, which stages have finished for them, which are loaded, and what stays outside (R1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement


def record_fetched(
    connection: duckdb.DuckDBPyConnection, period: Period, *, exchange_id: int, now: datetime
) -> None:
    """Records that all orders of these days were fetched; no later stage has finished for them yet."""
    connection.execute(
        statement("days", "record_fetched"),
        period_parameters(period) | {"exchange_id": exchange_id, "now": now},
    )


def record_stages(connection: duckdb.DuckDBPyConnection, period: Period, stages: Sequence[str]) -> None:
    """Records that stages have finished for those of these days that were fetched, since they were last fetched."""
    connection.execute(
        statement("days", "record_stages"), period_parameters(period) | {"stages": list(stages)}
    )


def days_lacking(
    connection: duckdb.DuckDBPyConnection, period: Period, stages: Sequence[str]
) -> list[tuple[date, bool]]:
    """(day, whether it was fetched) of days that some of these stages lack; those never fetched come first."""
    return connection.execute(
        statement("days", "lacking"), period_parameters(period) | {"stages": list(stages)}
    ).fetchall()


def record_loaded(
    connection: duckdb.DuckDBPyConnection, period: Period, *, exchange_id: int, now: datetime
) -> None:
    """Records that these days were fetched and booked completely, including those without orders (R1)."""
    connection.execute(
        statement("days", "record_loaded"),
        period_parameters(period) | {"exchange_id": exchange_id, "now": now},
    )


def loaded_days(connection: duckdb.DuckDBPyConnection, period: Period) -> list[date]:
    """The days of a period that were loaded completely at least once."""
    return [
        row[0]
        for row in connection.execute(statement("days", "loaded"), period_parameters(period)).fetchall()
    ]


def newest_loaded_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The last day that is loaded; None if nothing is loaded."""
    (day,) = single_row(connection.execute(statement("days", "newest_loaded")))
    return day if isinstance(day, date) else None


def missing_days(connection: duckdb.DuckDBPyConnection, until: date) -> list[date]:
    """Days from the first loaded one to `until` that were never loaded completely (R1), in order."""
    return [row[0] for row in connection.execute(statement("days", "missing"), {"until": until}).fetchall()]


@dataclass(frozen=True)
class LeftOut:
    """Stored orders that stay out of the books because of their day (R1).

    Attributes:
        before_start_date: Orders of days before the profile's `start_date`.
        days_not_loaded: Orders of later days that were never loaded.
    """

    before_start_date: int
    days_not_loaded: int


def left_out(
    connection: duckdb.DuckDBPyConnection, start_date: date, order_ids: Sequence[int] | None = None
) -> LeftOut:
    """How many stored orders, or of these ones, stay out of the books because of their day."""
    values = {"start_date": start_date, "of_all": order_ids is None, "order_ids": list(order_ids or ())}
    return LeftOut(*single_row(connection.execute(statement("days", "left_out"), values)))
