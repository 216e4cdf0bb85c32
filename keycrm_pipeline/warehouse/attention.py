"""The exchange report's account of the loads: review list, rejected orders, days not loaded, latest exchanges."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Exchange:
    """One exchange of the log; `seconds` is its duration."""

    exchange_id: int
    kind: str
    period_from: date | None
    period_to: date | None
    started_at: datetime
    seconds: float | None
    status: str
    orders_seen: int
    orders_created: int
    orders_updated: int
    orders_unchanged: int
    orders_rejected: int
    requests: int
    error: str | None


@dataclass(frozen=True)
class ReviewItem:
    """One item of the review list, with an order that shows it, when there is one."""

    kind: str
    subject: str
    details: str
    first_seen_at: datetime
    order_id: int | None


@dataclass(frozen=True)
class RejectedRecord:
    """One order that could not be loaded."""

    order_id: int | None
    order_day: date | None
    reasons: list[str]
    rejected_at: datetime


def exchanges(connection: duckdb.DuckDBPyConnection, most: int) -> list[Exchange]:
    """The latest exchanges, at most `most`, newest first."""
    return typed_rows(Exchange, connection.execute(statement("attention", "exchanges"), {"most": most}))


def review_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Kind of review item -> how many items need attention."""
    return dict(connection.execute(statement("attention", "review_counts")).fetchall())


def review_items(connection: duckdb.DuckDBPyConnection, most: int) -> list[ReviewItem]:
    """The review list, at most `most` items per kind, oldest first."""
    return typed_rows(ReviewItem, connection.execute(statement("attention", "review"), {"most": most}))


def count_rejected(connection: duckdb.DuckDBPyConnection) -> int:
    """How many orders are currently rejected."""
    (orders,) = single_row(connection.execute(statement("attention", "count_rejected")))
    return int(orders)


def rejected_records(connection: duckdb.DuckDBPyConnection, most: int) -> list[RejectedRecord]:
    """The most recently rejected orders, at most `most`."""
    return typed_rows(RejectedRecord, connection.execute(statement("attention", "rejected"), {"most": most}))


def rejections_of_period(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[str, int]:
    """Reason -> how many orders of the period have it, most frequent first."""
    return dict(
        connection.execute(
            statement("attention", "rejections_of_period"), period_parameters(period)
        ).fetchall()
    )


def days_not_loaded(connection: duckdb.DuckDBPyConnection, period: Period) -> list[date]:
    """Days of the period that no load has finished; a day loaded without orders is not one of them (R1)."""
    rows = connection.execute(statement("attention", "days_not_loaded"), period_parameters(period)).fetchall()
    return [row[0] for row in rows]
