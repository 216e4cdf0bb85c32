"""Validates payloads and stores what passed as typed rows; the rest goes to the rejected records (R10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from keycrm_pipeline.profile import Profile
from keycrm_pipeline.schemas.validation import (
    LINE_CHECKS,
    MISSING_REASONS,
    ORDER_CHECKS,
    PAYMENT_CHECKS,
    UNREADABLE_REASONS,
)
from keycrm_pipeline.warehouse.batches import pace_of, work_on_batches
from keycrm_pipeline.warehouse.syncs import adopt_unfinished
from keycrm_pipeline.warehouse.validated import (
    Batch,
    StagedChecks,
    StoredBatch,
    plan_batches,
    stage_batch,
    store_batch,
)

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class ValidationCounts:
    """Orders of a period that passed, were written anew, and failed."""

    accepted: int
    rewritten: int
    rejected: int


def _failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> Iterable[tuple[int, str]]:
    """(order id, sentence) of every failure of a frame."""
    if frame.is_empty():
        return
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
    else:
        return
    without_row = cases.filter(pl.col("index").is_null())
    if not without_row.is_empty():
        # A wrong type or a missing column is a mistake of the program, not of an order.
        raise TypeError(f"The frame of {schema.name} is not what its schema says: {without_row.to_dicts()}")
    for case in cases.iter_rows(named=True):
        row = frame.row(case["index"], named=True)
        sentence = str(case["check"])
        if case["check"] == "not_nullable":
            reasons = UNREADABLE_REASONS if row.get(f"{case['column']}_text") else MISSING_REASONS
            sentence = reasons[case["column"]].english
        yield (
            row["order_id"],
            sentence.format(
                value=case["failure_case"],
                line=row.get("line_no"),
                quantity_text=row.get("quantity_text"),
                position=row.get("position"),
                amount_text=row.get("amount_text"),
            ),
        )


def rejection_reasons(checks: StagedChecks) -> dict[int, list[str]]:
    """Every reason, in words, for each order of a batch that fails its checks (R10)."""
    reasons: dict[int, list[str]] = {}
    for schema, frame in (
        (ORDER_CHECKS, checks.orders),
        (LINE_CHECKS, checks.lines),
        (PAYMENT_CHECKS, checks.payments),
    ):
        for order_id, sentence in _failures(schema, frame):
            known = reasons.setdefault(order_id, [])
            if sentence not in known:
                known.append(sentence)
    return reasons


def validate_period(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int,
    now: datetime,
    compare_all: bool = False,
) -> ValidationCounts:
    """Validates the stored payloads of a period, and those this exchange met outside of it (R1, R10).

    What a failed exchange met and left behind counts as met by this one.

    Args:
        connection: A connection for writing.
        profile: The profile.
        first_day: First local day.
        last_day: Last local day.
        exchange_id: The exchange that writes.
        now: Time of the exchange.
        compare_all: Compare the rows of unchanged payloads too, for `rebuild`.
    """
    adopt_unfinished(connection, exchange_id)
    pace = pace_of(everything=compare_all)

    def validate(connection: duckdb.DuckDBPyConnection, batch: Batch) -> StoredBatch:
        checks = stage_batch(
            connection,
            batch,
            has_default_partner=profile.default_partner is not None,
            reads_alone=pace.is_frugal,
        )
        return store_batch(
            connection, rejection_reasons(checks), exchange_id=exchange_id, now=now, compare_all=compare_all
        )

    batches = plan_batches(
        connection,
        first_day,
        last_day,
        exchange_id=exchange_id,
        batch_orders=pace.batch_orders,
    )
    stored = work_on_batches(connection, batches, validate, pace=pace)
    return ValidationCounts(
        accepted=sum(batch.accepted for batch in stored),
        rewritten=sum(batch.rewritten for batch in stored),
        rejected=sum(batch.rejected for batch in stored),
    )
