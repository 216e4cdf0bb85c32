"""Money by the local day of its payment in KeyCRM: what was received, and the shop's expenses.

Payments of any order count, also of a cancelled one: the money came in. What is not here: payments by the day of their
order (`sales`), and what is still due (`receivables`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class AccountPayments:
    """Money of one bank account or cash desk, in one currency.

    Attributes:
        organisation: The legal entity; None if the profile determines none.
        account: The bank account or cash desk.
        currency: The currency of the amounts.
        payments: How many payments were received.
        received: Their sum.
        received_for_cancelled: The part of it that was paid for orders that are cancelled by now.
        expenses: The shop's expenses, as a positive sum.
    """

    organisation: str | None
    account: str | None
    currency: str
    payments: int
    received: Decimal
    received_for_cancelled: Decimal
    expenses: Decimal


@dataclass(frozen=True)
class OrganisationPayments:
    """Payments received by one legal entity in one currency, without expenses."""

    organisation: str | None
    currency: str
    received: Decimal


@dataclass(frozen=True)
class ExpensesOfKind:
    """Expenses of one kind in one currency, as a positive sum; the kind is None for expenses without any."""

    kind: str | None
    currency: str
    expenses: int
    amount: Decimal


@dataclass(frozen=True)
class SourceMoney:
    """What came in for the orders of one source and what was spent on them, in one currency.

    Attributes:
        source: The source; None for orders without one.
        currency: The currency of the amounts.
        received: Payments received.
        expenses: The shop's expenses, as a positive sum.
    """

    source: str | None
    currency: str
    received: Decimal
    expenses: Decimal


@dataclass(frozen=True)
class UndatedPayments:
    """Payments received in one currency for which KeyCRM gave no date."""

    currency: str
    payments: int
    received: Decimal


def payments_by_account(connection: duckdb.DuckDBPyConnection, period: Period) -> list[AccountPayments]:
    """Payments and expenses dated in a period, by organisation, account and currency; those of none come last."""
    found = connection.execute(statement("payments", "by_account"), period_parameters(period))
    return typed_rows(AccountPayments, found)


def payments_by_organisation(
    connection: duckdb.DuckDBPyConnection, period: Period
) -> list[OrganisationPayments]:
    """Payments dated in a period, by organisation and currency."""
    found = connection.execute(statement("payments", "by_organisation"), period_parameters(period))
    return typed_rows(OrganisationPayments, found)


def expenses_by_kind(connection: duckdb.DuckDBPyConnection, period: Period) -> list[ExpensesOfKind]:
    """Expenses dated in a period, by kind and currency, the largest first; those without a kind come last."""
    found = connection.execute(statement("payments", "expenses_by_kind"), period_parameters(period))
    return typed_rows(ExpensesOfKind, found)


def money_by_source(connection: duckdb.DuckDBPyConnection, period: Period) -> list[SourceMoney]:
    """Payments and expenses dated in a period, by source and currency, the largest first."""
    found = connection.execute(statement("payments", "money_by_source"), period_parameters(period))
    return typed_rows(SourceMoney, found)


def undated_payments(connection: duckdb.DuckDBPyConnection) -> list[UndatedPayments]:
    """Payments without a date, of all orders in the books: they are of no period."""
    return typed_rows(UndatedPayments, connection.execute(statement("payments", "undated")))
