"""Stage `validated_orders`: payloads become typed rows; orders that fail go to the rejected records (R10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandera.polars as pa
import polars as pl

from keycrm_pipeline.crm.shapes import Defect, UnreadablePart, read_shape
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.refusals import work_on_orders
from keycrm_pipeline.pipeline.results import StageNumbers
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.schemas.validation import (
    LINE_CHECKS,
    MISSING_REASONS,
    ORDER_CHECKS,
    PAYMENT_CHECKS,
    UNREADABLE_REASONS,
)
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.reasons import Reason, ReasonPart
from keycrm_pipeline.warehouse.batches import batch_orders
from keycrm_pipeline.warehouse.ranges import OrderRange
from keycrm_pipeline.warehouse.syncs import adopt_unfinished
from keycrm_pipeline.warehouse.validated import (
    Batch,
    StagedChecks,
    StoredBatch,
    accepted_by_day,
    plan_batches,
    rejected_by_day,
    stage_batch,
    store_batch,
)

if TYPE_CHECKING:
    import duckdb


def _reason(check: str, column: str, row: Mapping[str, Any], case: Any) -> Message:
    """The reason for a failure of a check in a row; `case` is the value that failed."""
    if check == "not_nullable":
        reasons = UNREADABLE_REASONS if row.get(f"{column}_text") else MISSING_REASONS
        reason = reasons[column]
    else:
        reason = Reason[check.upper()]
    came = {
        "value": case,
        # As `written` and `unreadable` in the SQL put them together.
        "values": [
            ReasonPart.FIELD_TEXT.message(field=field, text=text)
            for field, _, text in (entry.partition("\x1e") for entry in str(case).split("\x1f"))
        ],
        "line": row.get("line_no"),
        "position": row.get("position"),
        "text": row.get(f"{column}_text"),
    }
    return reason.message(**{name: came[name] for name in reason.fields})


def _failures(schema: pa.DataFrameSchema, frame: pl.DataFrame) -> Iterable[tuple[int, Message]]:
    """(order id, reason) for every failure in a frame."""
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
        # A wrong type or a missing column is a bug in the program, not a mistake in an order.
        raise TypeError(f"The frame of {schema.name} does not match its schema: {without_row.to_dicts()}")
    for case in cases.iter_rows(named=True):
        row = frame.row(case["index"], named=True)
        yield row["order_id"], _reason(str(case["check"]), case["column"], row, case["failure_case"])


_REASONS = {
    Defect.ABSENT: Reason.PART_ABSENT,
    Defect.NO_OBJECT: Reason.PART_NO_OBJECT,
    Defect.NO_LIST: Reason.PART_NO_LIST,
    Defect.NO_VALUE: Reason.PART_NO_VALUE,
}
_IMPLIED = {"buyer": (Reason.NO_PARTNER, Reason.NO_BUYER_ID), "status": (Reason.NO_STATUS,)}
"""What an order lacks because that part of it cannot be read, which is said already."""


def rejection_reasons(
    checks: StagedChecks, unreadable: Mapping[int, Sequence[UnreadablePart]]
) -> dict[int, list[Message]]:
    """Every reason for each order of a batch that fails its checks (R10).

    Args:
        checks: The columns to check.
        unreadable: Order id -> parts of the order that cannot be read.
    """
    reasons = {
        order_id: [_REASONS[part.defect].message(part=part.name) for part in parts]
        for order_id, parts in unreadable.items()
    }
    implied = {
        order_id: {reason for part in parts for reason in _IMPLIED.get(part.name, ())}
        for order_id, parts in unreadable.items()
    }
    for schema, frame in (
        (ORDER_CHECKS, checks.orders),
        (LINE_CHECKS, checks.lines),
        (PAYMENT_CHECKS, checks.payments),
    ):
        for order_id, reason in _failures(schema, frame):
            if reason.sentence in implied.get(order_id, ()):
                continue
            known = reasons.setdefault(order_id, [])
            if reason not in known:
                known.append(reason)
    return reasons


def run(session: Session, period: Period | None) -> StageNumbers:
    """Validates the stored payloads of a period, and those this exchange touched outside of it (R1, R10).

    Orders that a failed exchange left unfinished count as touched by this one.
    """
    profile, everything = session.profile, session.is_rebuild

    def reasons(connection: duckdb.DuckDBPyConnection, batch: Batch) -> Mapping[int, Sequence[Message]]:
        # The checked columns end with this function: they need not stay in memory while the batch is stored.
        unreadable: dict[int, tuple[UnreadablePart, ...]] = {}

        def mended(order_id: int, payload: str) -> str | None:
            shape = read_shape(payload)
            if shape.unreadable:
                unreadable[order_id] = shape.unreadable
            return shape.payload

        checks = stage_batch(
            connection,
            batch,
            mended=mended,
            has_default_partner=profile.default_partner is not None,
        )
        return rejection_reasons(checks, unreadable)

    def validate(connection: duckdb.DuckDBPyConnection, batch: Batch) -> tuple[Batch, StoredBatch]:
        return batch, store_batch(
            connection,
            reasons(connection, batch),
            exchange_id=session.exchange_id,
            now=session.now,
            compare_all=everything,
        )

    with session.warehouse.writing() as connection:
        adopt_unfinished(connection, session.exchange_id)
        batches = plan_batches(
            connection,
            period,
            exchange_id=None if everything else session.exchange_id,
            start_date=profile.start_date,
            batch_orders=batch_orders(everything=everything),
        )
        results = work_on_orders(session, connection, batches, validate)
        accepted = accepted_by_day(connection, period) if period else {}
        rejected = rejected_by_day(connection, period) if period else {}
    stored = [result for _batch, result in results]
    of_period = [result for batch, result in results if period is None or isinstance(batch, OrderRange)]
    session.add(orders_rejected=sum(result.rejected for result in of_period))
    return StageNumbers(
        days={
            day: {"rows": accepted.get(day, 0), "rejected": rejected.get(day, 0)}
            for day in (period.days if period else ())
        },
        totals={
            "orders accepted": sum(result.accepted for result in stored),
            "orders rejected": sum(result.rejected for result in stored),
            "rows rewritten": sum(result.rewritten for result in stored),
        },
    )
