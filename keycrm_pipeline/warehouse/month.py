"""The month's end as the tables have it: what is open, the money of its days, and payments that were cancelled in it.

What is not here: which step is done (`accounting.month`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keycrm_pipeline.kinds import DecidingDay, ExportFormat
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


class OpenCounts(NamedTuple):
    """What is open in the orders of a month; see `accounting.month.MonthCounts`."""

    rejected: int
    unmapped_statuses: int
    unmapped_managers: int
    receipt_conflicts: int


@dataclass(frozen=True)
class LastHandOver:
    """The newest export whose days overlap a month.

    Attributes:
        format: Its format.
        organisation: The legal entity whose orders it had; an empty text for all orders.
        decided_by: Whose day decided which orders it had.
        handed_over_at: When it was made, timezone-aware.
    """

    format: ExportFormat
    organisation: str
    decided_by: DecidingDay
    handed_over_at: datetime


@dataclass(frozen=True)
class DayPayments:
    """Money of one bank account or cash desk on one day, in one currency.

    Attributes:
        organisation: The legal entity; None if the profile determines none.
        account: The bank account or cash desk.
        currency: The currency of the amounts.
        day: The local day of payment in KeyCRM.
        payments: How many payments were received.
        received: Their sum.
        received_for_cancelled: The part of it that was paid for orders that are cancelled by now.
        expenses: The shop's expenses, as a positive sum.
    """

    organisation: str | None
    account: str | None
    currency: str
    day: date
    payments: int
    received: Decimal
    received_for_cancelled: Decimal
    expenses: Decimal


@dataclass(frozen=True)
class CancelledPayment:
    """A payment that was seen to be cancelled, or to become less: a refund, or a mistake put right; nobody can tell.

    Attributes:
        order_id: Its order.
        order_day: The order's local day.
        payment_id: The payment in KeyCRM; minus its position if it has no id.
        kind: `payment_cancelled` or `payment_sum_changed`.
        seen_day: Local day on which the exchange first saw it.
        crm_at: KeyCRM's own time of it.
        paid_day: Local day of the payment; None if KeyCRM gave no date or no longer has the payment.
        method: The payment method.
        account: Its bank account or cash desk.
        organisation: The legal entity.
        amount_before: What was paid.
        amount_after: What is still paid.
        amount: The difference, as a positive sum.
        currency: Currency of the amounts.
    """

    order_id: int
    order_day: date
    payment_id: int
    kind: str
    seen_day: date
    crm_at: datetime | None
    paid_day: date | None
    method: str | None
    account: str | None
    organisation: str | None
    amount_before: Decimal
    amount_after: Decimal | None
    amount: Decimal
    currency: str


def open_counts(
    connection: duckdb.DuckDBPyConnection, month: Period, manager_ids: Sequence[int]
) -> OpenCounts:
    """What is open in the orders of a month; `manager_ids` are those that have a user."""
    found = connection.execute(
        statement("month", "counts"), period_parameters(month) | {"manager_ids": list(manager_ids)}
    )
    return OpenCounts(*single_row(found))


def last_hand_over(
    connection: duckdb.DuckDBPyConnection, month: Period, export_format: str | None
) -> LastHandOver | None:
    """The newest export that has days of a month, of one format or, with None, of any."""
    found = connection.execute(
        statement("month", "newest_hand_over"), period_parameters(month) | {"format": export_format}
    )
    rows = typed_rows(LastHandOver, found)
    return rows[0] if rows else None


def held_back_orders(connection: duckdb.DuckDBPyConnection) -> dict[str, list[int]]:
    """Cause -> the orders that it holds back, of those that `choose_documents` has chosen."""
    return dict(connection.execute(statement("month", "held_back")).fetchall())


def day_payments(connection: duckdb.DuckDBPyConnection, month: Period) -> list[DayPayments]:
    """Payments and expenses dated in a month, by organisation, account, currency and day; those of none come last."""
    return typed_rows(
        DayPayments, connection.execute(statement("month", "payments"), period_parameters(month))
    )


def cancelled_payments(connection: duckdb.DuckDBPyConnection, month: Period) -> list[CancelledPayment]:
    """Payments that were first seen cancelled, or less, in a month, by day and order."""
    found = connection.execute(statement("month", "cancelled_payments"), period_parameters(month))
    return typed_rows(CancelledPayment, found)
