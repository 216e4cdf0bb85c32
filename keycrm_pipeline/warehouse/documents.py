"""Reads what the document rules need, and replaces changed documents; unchanged rows are not written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import ORDER_LINES, ORDER_PAYMENTS, ORDER_SERVICES, ORDERS
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS
from keycrm_pipeline.warehouse.batches import WORKERS
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import differing_orders, read_frame, stage_frame
from keycrm_pipeline.warehouse.hand_over import keep_closed_documents
from keycrm_pipeline.warehouse.ranges import (
    MANY_LINES,
    OrderRange,
    orders_that_fit,
    ranges_of_days,
    ranges_of_orders,
)
from keycrm_pipeline.warehouse.statements import column_list, period_parameters, single_row, statement

_CHILDREN = (ORDER_LINES, ORDER_SERVICES, ORDER_PAYMENTS)
_CARRIED = ", ".join(
    f'validated."{name}"' for name in ORDERS.column_names if name in VALIDATED_ORDERS.column_names
)
"""Columns that a document takes over from the validated order: those with the same name in both tables."""


@dataclass(frozen=True)
class DocumentSources:
    """The columns that the document rules need, for one batch of orders."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    payments: pl.DataFrame


@dataclass(frozen=True)
class DayCounts:
    """Documents of one day: created, changed and unchanged."""

    order_day: date
    created: int
    updated: int
    unchanged: int

    def plus(self, other: DayCounts) -> DayCounts:
        """The counts of two batches of the same day."""
        return DayCounts(
            self.order_day,
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
        )


@dataclass(frozen=True)
class DayTotal:
    """Documents of one day in one currency."""

    order_day: date
    currency: str
    orders: int
    grand_total: Decimal


def selected_batches(connection: duckdb.DuckDBPyConnection, batch_orders: int) -> list[OrderRange]:
    """Ranges of the selected orders, at most `batch_orders` each; a larger day is split into several.

    Fewer orders go together when they have many lines.
    """
    (lines,) = single_row(connection.execute(statement("documents", "selected_lines")))
    most = orders_that_fit(batch_orders, lines, MANY_LINES)
    return ranges_of_orders(
        connection.execute(statement("documents", "selected_day_parts"), {"most": most}).fetchall(),
        most,
        workers=WORKERS,
    )


def selected_days(connection: duckdb.DuckDBPyConnection, most_orders: int) -> list[Period]:
    """Ranges of whole days with the selected orders, at most `most_orders` each unless one day has more."""
    return ranges_of_days(connection.execute(statement("documents", "selected_days")).fetchall(), most_orders)


def read_sources(
    connection: duckdb.DuckDBPyConnection,
    batch: OrderRange,
    *,
    default_partner_id: int | None,
) -> DocumentSources:
    """The selected orders of a batch, with their lines and payments; call `select_orders` first."""
    connection.execute(statement("documents", "batch_orders"), batch.parameters)
    days = {"first_day": batch.first_day, "last_day": batch.last_day}
    return DocumentSources(
        orders=read_frame(
            connection.execute(
                statement("documents", "orders").format(carried=_CARRIED),
                days | {"default_partner_id": default_partner_id},
            )
        ),
        lines=read_frame(connection.execute(statement("documents", "lines"), days)),
        payments=read_frame(connection.execute(statement("documents", "payments"), days)),
    )


StagedColumns = Mapping[Table, Sequence[str]]
"""The columns of each table's staged documents."""


def stage_documents(
    connection: duckdb.DuckDBPyConnection, documents: Mapping[Table, pl.DataFrame]
) -> StagedColumns:
    """Puts a batch of documents into temporary tables, for `replace_documents` on the same connection."""
    for table, frame in documents.items():
        stage_frame(connection, f"new_{table.name}", table, frame)
    return {table: frame.columns for table, frame in documents.items()}


def replace_documents(
    connection: duckdb.DuckDBPyConnection,
    staged: StagedColumns,
    *,
    closed_until: date | None = None,
    now: datetime,
) -> list[DayCounts]:
    """Stores a batch of staged documents in one transaction and returns what changed, by day.

    A document whose header, lines, services and payments are all unchanged is not written (R1). One that changes in the
    period closed until `closed_until` is kept as it was before its first change.
    """
    connection.execute(statement("documents", "booked_orders"))
    (booked,) = single_row(connection.execute(statement("documents", "count_booked")))
    comparisons = (
        "\nUNION ALL\n".join(
            differing_orders(f"new_{table.name}", table, columns, orders="booked_orders")
            for table, columns in staged.items()
        )
        if booked
        # A first load has nothing to compare.
        else "SELECT order_id FROM booked_orders"
    )
    with transaction(connection):
        connection.execute(statement("documents", "differing").format(comparisons=comparisons))
        connection.execute(statement("documents", "document_changes"))
        days = [
            DayCounts(*row)
            for row in connection.execute(statement("documents", "batch_day_counts")).fetchall()
        ]
        if closed_until is not None and any(day.created or day.updated for day in days):
            keep_closed_documents(connection, closed_until, now=now)
        if any(day.updated for day in days):
            for table in (*_CHILDREN, ORDERS):
                connection.execute(statement("documents", "delete_documents").format(table=table.name))
        if any(day.created or day.updated for day in days):
            connection.execute(statement("documents", "insert_orders"), {"now": now})
            for table in _CHILDREN:
                connection.execute(
                    statement("documents", "insert_children").format(
                        table=table.name, key=column_list(table.primary_key)
                    )
                )
            connection.execute(statement("documents", "insert_status_history"), {"now": now})
    return days


def day_totals(connection: duckdb.DuckDBPyConnection, period: Period) -> list[DayTotal]:
    """Documents and their grand totals (hryvnias) by day and currency."""
    rows = connection.execute(statement("documents", "day_totals"), period_parameters(period)).fetchall()
    return [DayTotal(*row) for row in rows]


def default_partner_id(connection: duckdb.DuckDBPyConnection, name_key: str) -> int | None:
    """The partner card of orders without a buyer, by the key of its name."""
    row = connection.execute(statement("documents", "default_partner_id"), [name_key]).fetchone()
    return row[0] if row else None


def delivery_product_id(connection: duckdb.DuckDBPyConnection, name_key: str) -> int | None:
    """The card of charged delivery, by the key of its name: a service if there is one."""
    row = connection.execute(statement("documents", "delivery_product_id"), [name_key]).fetchone()
    return row[0] if row else None
