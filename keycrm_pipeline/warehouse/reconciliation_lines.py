"""Reads the reconciliation (R15): how many lines of each kind a period has, and the lines.

What is not here: making them (`reconciliation`). polars is not loaded, since the page reads them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class KindCount:
    """The lines of one kind in one currency.

    Attributes:
        kind: See `kinds.RECONCILIATION_NAMES`.
        currency: Currency of the sums.
        lines: How many there are.
        paid: Sum of the payments.
        received: Sum of the money, before fees.
        fee: Sum of the fees.
    """

    kind: str
    currency: str
    lines: int
    paid: Decimal
    received: Decimal
    fee: Decimal


@dataclass(frozen=True)
class ReconciliationLine:
    """One line of `accounting.reconciliation`, whose columns these are, with the name of the buyer."""

    line_key: str
    kind: str
    day: date
    order_id: int | None
    payment_id: int | None
    account: str | None
    organisation: str | None
    paid_day: date | None
    received_day: date | None
    days_in_transit: int | None
    paid: Decimal | None
    received: Decimal | None
    difference: Decimal | None
    fee: Decimal | None
    expected_fee: Decimal | None
    currency: str
    received_currency: str | None
    matched_by: str | None
    source: str | None
    file_name: str | None
    line: int | None
    transaction_id: int | None
    text: str | None
    candidates: str | None
    partner_name: str | None


def counts_by_kind(connection: duckdb.DuckDBPyConnection, period: Period) -> list[KindCount]:
    """How many lines of each kind and currency a period has; a kind without lines has no count."""
    found = connection.execute(statement("reconciliation", "counts"), period_parameters(period))
    return typed_rows(KindCount, found)


def lines_of_period(
    connection: duckdb.DuckDBPyConnection,
    period: Period,
    kinds: Sequence[str] | None = None,
    *,
    most: int = 1_000_000,
) -> list[ReconciliationLine]:
    """The lines of a period by day, only of these kinds if any are given, at most so many."""
    found = connection.execute(
        statement("reconciliation", "lines"),
        period_parameters(period) | {"kinds": None if kinds is None else list(kinds), "most": most},
    )
    return typed_rows(ReconciliationLine, found)


def reconciled_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """When the reconciliation was made; None if the profile compares nothing, or no exchange has done so yet."""
    (moment,) = single_row(connection.execute(statement("reconciliation", "state")))
    return moment if isinstance(moment, datetime) else None
