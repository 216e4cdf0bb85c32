"""Reads the versions of orders, and stores what changed between them (R14); unchanged rows are not written.

The rules are not here: which version follows which, and what counts as a change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.accounting import ORDER_MOVEMENTS
from keycrm_pipeline.warehouse.batches import WORKERS
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import differing_orders, read_frame, registered, stage_frame
from keycrm_pipeline.warehouse.ranges import LARGE_PAYLOAD, OrderRange, orders_that_fit, ranges_of_orders
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement

READING = (
    "structure", "read_versions", "plain_values", "type_versions", "versions", "lines", "payments", "absences",
)  # fmt: skip
"""The statements that read versions."""


@dataclass(frozen=True)
class ReadVersions:
    """The columns that the rules of movements need, for one batch of orders; see `accounting.movements`."""

    versions: pl.DataFrame
    lines: pl.DataFrame
    payments: pl.DataFrame
    absences: pl.DataFrame


_STORED = f"(bit_xor(hash(ROW({', '.join(ORDER_MOVEMENTS.column_names)}))) >> 1)::BIGINT"
"""SQL: the movements of an order as one number."""


def batches_with_versions(
    connection: duckdb.DuckDBPyConnection,
    period: Period | None,
    *,
    rules: str,
    exchange_id: int | None,
    batch_versions: int,
) -> list[OrderRange]:
    """Chooses the booked orders that have an earlier version or were absent, and cuts them into batches.

    Orders whose versions, rules and stored movements are as they were when they were derived are left out.

    Args:
        connection: The open file.
        period: Days whose orders are chosen; None for none.
        rules: Digest of the rules; other rules derive every order again.
        exchange_id: Exchange whose orders of other days are chosen as well; None for none.
        batch_versions: Versions of a batch at most, unless one order has more; fewer when they are large.
    """
    connection.execute(
        statement("movements", "choose_orders"), period_parameters(period) | {"exchange_id": exchange_id}
    )
    measured = statement("movements", "measure_inputs").format(stored=_STORED)
    said = _digest_of_statements() + rules
    connection.execute(measured, {"rules": said})
    connection.execute(statement("movements", "leave_out_unchanged"))
    connection.execute(statement("movements", "keep_inputs"))
    (payload_size,) = single_row(connection.execute(statement("movements", "payload_size")))
    most = orders_that_fit(batch_versions, payload_size, LARGE_PAYLOAD)
    parts = connection.execute(statement("movements", "order_parts"), {"most": most}).fetchall()
    return ranges_of_orders(parts, most, workers=WORKERS)


@cache
def _digest_of_statements() -> str:
    """Digest of the SQL that reads versions: it decides what they say as the rules do."""
    texts = [statement("validation", "macros")]
    texts += [statement("movements", name) for name in READING]
    return sha256("\n".join(texts).encode()).hexdigest()


def read_versions(
    connection: duckdb.DuckDBPyConnection, batch: OrderRange, *, mended: Callable[[str], str | None]
) -> ReadVersions:
    """The versions of a batch that can be read; call `batches_with_versions` first.

    Args:
        connection: A connection of this batch alone.
        batch: The batch.
        mended: Called with a payload in which a part of the order is absent or has another shape than KeyCRM's; returns
            the payload to read in its place, or None if it cannot be read.
    """
    connection.execute(statement("validation", "macros"))
    structure = {"structure": " ".join(statement("movements", "structure").split())}
    connection.execute(statement("movements", "read_versions"), structure | batch.parameters)
    odd = connection.execute(statement("movements", "odd_versions")).fetchall()
    if odd:
        frame = pl.DataFrame(
            [(order_id, version_no, mended(payload)) for order_id, version_no, payload in odd],
            schema={"order_id": pl.Int64, "version_no": pl.Int32, "payload": pl.String},
            orient="row",
        )
        with registered(connection, "mended_frame", frame):
            connection.execute(statement("movements", "mend_versions"), structure)
    connection.execute(statement("movements", "plain_values"))
    connection.execute(statement("movements", "type_versions"))
    return ReadVersions(
        **{
            name: read_frame(connection.execute(statement("movements", name)))
            for name in ("versions", "lines", "payments", "absences")
        }
    )


def store_movements(connection: duckdb.DuckDBPyConnection, movements: pl.DataFrame) -> None:
    """Stores the movements of the batch that was read last, in one transaction.

    An order whose movements are unchanged is not written. Movements of versions that are no longer stored stay.
    """
    stage_frame(connection, "new_order_movements", ORDER_MOVEMENTS, movements)
    connection.execute(statement("movements", "keep_given_up"))
    connection.execute(statement("movements", "batch_orders"))
    comparison = differing_orders(
        "new_order_movements", ORDER_MOVEMENTS, ORDER_MOVEMENTS.column_names, orders="batch_orders"
    )
    with transaction(connection):
        connection.execute(statement("movements", "differing").format(comparison=comparison))
        connection.execute(statement("movements", "delete_movements"))
        connection.execute(statement("movements", "insert_movements"))
        connection.execute(statement("movements", "forget_derived"))
        connection.execute(statement("movements", "record_derived").format(stored=_STORED))
