"""Payments still due for the orders in the books, for the exchange report: by age, the oldest orders, rounded cash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from keycrm_pipeline.warehouse.statements import statement, typed_rows

if TYPE_CHECKING:
    import duckdb


DueAge = Literal["week", "month", "quarter", "older"]
"""Age of an order: up to 7, 30 or 90 days, or more."""


@dataclass(frozen=True)
class DueOfAge:
    """What is still due for orders of one age, in one currency; returned parcels counted separately."""

    currency: str
    age: DueAge
    orders: int
    due: Decimal
    cash_on_delivery_orders: int
    cash_on_delivery_due: Decimal
    returned_orders: int
    returned_due: Decimal


@dataclass(frozen=True)
class DueOrder:
    """One order that is not paid in full."""

    order_id: int
    order_day: date
    currency: str
    stage: str
    due: Decimal
    delivery_service: str | None
    is_cash_on_delivery_out: bool


@dataclass(frozen=True)
class RoundedCash:
    """Orders whose cash was rounded, in one currency; cancelled ones are left out.

    Attributes:
        currency: The currency.
        orders: How many.
        rounding: What that has added to their totals; below zero if it has lowered them.
    """

    currency: str
    orders: int
    rounding: Decimal


def due_ages(connection: duckdb.DuckDBPyConnection, today: date) -> list[DueOfAge]:
    """What is still due for all orders in the books, by currency and age as of `today`."""
    return typed_rows(DueOfAge, connection.execute(statement("receivables", "due_ages"), {"today": today}))


def oldest_due(connection: duckdb.DuckDBPyConnection, most: int) -> list[DueOrder]:
    """The oldest unpaid orders, at most `most`, without those whose parcel was returned."""
    return typed_rows(DueOrder, connection.execute(statement("receivables", "oldest_due"), {"most": most}))


def rounded_cash(connection: duckdb.DuckDBPyConnection) -> list[RoundedCash]:
    """What rounding cash has added to the totals of all orders in the books, by currency; it is nobody's debt."""
    return typed_rows(RoundedCash, connection.execute(statement("receivables", "rounded_cash")))
