"""Stages a batch of payloads, hands out the columns to check, and stores what passed as typed rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.validated import (
    VALIDATED_ORDER_LINES,
    VALIDATED_ORDER_PAYMENTS,
    VALIDATED_ORDERS,
)
from keycrm_pipeline.sentences import Message, dump_messages
from keycrm_pipeline.warehouse.batches import WORKERS
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import differing_orders, read_frame, registered
from keycrm_pipeline.warehouse.ranges import LARGE_PAYLOAD, OrderRange, orders_that_fit, ranges_of_orders
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement


@dataclass(frozen=True)
class SingleOrders:
    """Orders that are derived together though they are of any day, or of none."""

    order_ids: tuple[int, ...]

    def split_at(self, order_id: int) -> tuple[SingleOrders, SingleOrders]:
        """The orders with lower numbers, and the others."""
        return (
            SingleOrders(tuple(each for each in self.order_ids if each < order_id)),
            SingleOrders(tuple(each for each in self.order_ids if each >= order_id)),
        )


Batch = OrderRange | SingleOrders
"""Orders whose payloads are validated together."""


def plan_batches(
    connection: duckdb.DuckDBPyConnection,
    period: Period | None,
    *,
    exchange_id: int | None,
    start_date: date,
    batch_orders: int,
) -> list[Batch]:
    """Cuts a period into batches, those of days first, then the orders that this exchange touched outside of it.

    Args:
        connection: The open file.
        period: The period; None for no days.
        exchange_id: Exchange whose payloads outside the period belong to it; None for a rebuild.
        start_date: First day whose orders enter the books.
        batch_orders: Orders of a batch at most; fewer when they are large.
    """
    days = period_parameters(period)
    (payload_size,) = single_row(connection.execute(statement("validation", "payload_size"), days))
    most = orders_that_fit(batch_orders, payload_size, LARGE_PAYLOAD)
    parts = connection.execute(statement("validation", "day_parts"), days | {"most": most}).fetchall()
    outside = [
        row[0]
        for row in connection.execute(
            statement("validation", "outside_orders"),
            days
            | {
                "exchange_id": exchange_id,
                "with_undated": exchange_id is not None or period is None,
                "start_date": start_date,
            },
        ).fetchall()
    ]
    return [
        *ranges_of_orders(parts, most, workers=WORKERS),
        *(
            SingleOrders(tuple(outside[begin : begin + batch_orders]))
            for begin in range(0, len(outside), batch_orders)
        ),
    ]


@dataclass(frozen=True)
class StagedChecks:
    """The columns that are checked; see `schemas.validation` for their units."""

    orders: pl.DataFrame
    lines: pl.DataFrame
    payments: pl.DataFrame


def _orders_of(batch: Batch) -> tuple[str, dict[str, object]]:
    """The condition that selects a batch's orders, and its parameters."""
    if isinstance(batch, OrderRange):
        return (
            "order_day BETWEEN $first_day AND $last_day AND order_id BETWEEN $first_id AND $last_id",
            dict(batch.parameters),
        )
    return "order_id IN (SELECT unnest($order_ids))", {"order_ids": list(batch.order_ids)}


def orders_of_batch(connection: duckdb.DuckDBPyConnection, batch: Batch) -> list[int]:
    """The numbers of all orders that a batch may have in any stage, in order.

    An order whose payload is of another day than its typed rows belongs to both.
    """
    orders, values = _orders_of(batch)
    found = connection.execute(statement("validation", "orders_of_batch").format(orders=orders), values)
    return [row[0] for row in found.fetchall()]


def stage_batch(
    connection: duckdb.DuckDBPyConnection,
    batch: Batch,
    *,
    mended: Callable[[int, str], str | None],
    has_default_partner: bool,
) -> StagedChecks:
    """Reads a batch of payloads into temporary typed tables and returns the columns to check.

    Args:
        connection: A connection of this batch alone.
        batch: The batch.
        mended: Called with order id and payload if a part of the order may come in another shape than KeyCRM's;
            returns the payload to read in its place, or None if it is to be read as it is.
        has_default_partner: Whether an order without a buyer has a partner (R3).
    """
    connection.execute(statement("validation", "macros"))
    connection.execute(statement("validation", "custom_field_macros"))
    structure = {"structure": " ".join(statement("validation", "structure").split())}
    orders, values = _orders_of(batch)
    connection.execute(statement("validation", "stage_payloads").format(orders=orders), structure | values)
    _mend(connection, mended, structure)
    for name in ("stage_orders", "stage_lines", "stage_payments", "drop_payloads"):
        connection.execute(statement("validation", name))
    return StagedChecks(
        orders=read_frame(
            connection.execute(
                statement("validation", "order_checks"), {"has_default_partner": has_default_partner}
            )
        ),
        lines=read_frame(connection.execute(statement("validation", "line_checks"))),
        payments=read_frame(connection.execute(statement("validation", "payment_checks"))),
    )


def _mend(
    connection: duckdb.DuckDBPyConnection,
    mended: Callable[[int, str], str | None],
    structure: Mapping[str, str],
) -> None:
    """Reads the payloads again that are mended; `mended` is that of `stage_batch`."""
    odd = connection.execute(statement("validation", "odd_payloads")).fetchall()
    replaced = [
        (order_id, text) for order_id, payload in odd if (text := mended(order_id, payload)) is not None
    ]
    if replaced:
        frame = pl.DataFrame(replaced, schema={"order_id": pl.Int64, "payload": pl.String}, orient="row")
        with registered(connection, "mended_frame", frame):
            connection.execute(statement("validation", "mend_payloads"), structure)


def _differing_statement() -> str:
    comparisons = "\nUNION ALL\n".join(
        differing_orders(
            staged,
            table,
            (name for name in table.column_names if name != "exchange_id"),
            orders="accepted_orders",
        )
        for staged, table in (
            ("staged_orders", VALIDATED_ORDERS),
            ("staged_lines", VALIDATED_ORDER_LINES),
            ("staged_payments", VALIDATED_ORDER_PAYMENTS),
        )
    )
    return statement("validation", "differing_orders").format(comparisons=comparisons)


@dataclass(frozen=True)
class StoredBatch:
    """What became of a batch."""

    accepted: int
    rewritten: int
    rejected: int


def store_batch(
    connection: duckdb.DuckDBPyConnection,
    reasons: Mapping[int, Sequence[Message]],
    *,
    exchange_id: int,
    now: datetime,
    compare_all: bool,
) -> StoredBatch:
    """Stores the staged batch in one transaction: accepted orders as typed rows, the others as rejected records.

    Args:
        connection: The connection that staged the batch.
        reasons: Order id -> why it failed, for the orders that did.
        exchange_id: The exchange that writes.
        now: Time of the exchange.
        compare_all: Compare the rows also of payloads that did not change (after a correction of the program).
    """
    rejected = sorted(reasons)
    with transaction(connection):
        connection.execute(statement("validation", "drop_rejected"), {"rejected": rejected})
        connection.execute(
            _differing_statement() if compare_all else statement("validation", "changed_orders")
        )
        accepted, rewritten, replaced = single_row(
            connection.execute(statement("validation", "batch_counts"))
        )
        if replaced:
            for table in ("orders", "order_lines", "order_payments"):
                connection.execute(statement("validation", "delete_changed").format(table=table))
        if rewritten:
            connection.execute(statement("validation", "insert_orders"), {"exchange_id": exchange_id})
            connection.execute(statement("validation", "insert_lines"))
            connection.execute(statement("validation", "insert_payments"))
        connection.execute(statement("validation", "forget_fixed"))
        if rejected:
            _store_rejected(connection, reasons, now)
    return StoredBatch(accepted=accepted, rewritten=rewritten, rejected=len(rejected))


def reject(connection: duckdb.DuckDBPyConnection, order_id: int, reason: Message, *, now: datetime) -> None:
    """Puts an order among the rejected records; its typed rows and its document stay as they are.

    An order that is not stored, or that KeyCRM no longer has, is left out.

    Args:
        connection: A connection for writing.
        order_id: The order.
        reason: Why.
        now: Time of the exchange.
    """
    with transaction(connection):
        _store_rejected(connection, {order_id: [reason]}, now)


def _store_rejected(
    connection: duckdb.DuckDBPyConnection, reasons: Mapping[int, Sequence[Message]], now: datetime
) -> None:
    frame = pl.DataFrame(
        {
            "order_id": list(reasons),
            "reasons": [[str(reason) for reason in of_order] for of_order in reasons.values()],
            "reasons_coded": [dump_messages(of_order) for of_order in reasons.values()],
        },
        schema={"order_id": pl.Int64, "reasons": pl.List(pl.String), "reasons_coded": pl.String},
    )
    with registered(connection, "rejected_frame", frame):
        connection.execute(statement("validation", "store_rejected"), {"now": now})


def accepted_by_day(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[date, int]:
    """Orders with valid rows, by day."""
    return dict(
        connection.execute(statement("validation", "accepted_by_day"), period_parameters(period)).fetchall()
    )


def rejected_by_day(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[date, int]:
    """Rejected records by day."""
    return dict(
        connection.execute(statement("validation", "rejected_by_day"), period_parameters(period)).fetchall()
    )
