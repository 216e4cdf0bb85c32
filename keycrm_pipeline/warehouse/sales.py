"""Sales figures of a period, as the exchange report and the summary of a load read them.

Every figure comes from a view of schema `reports` (see `report_views`). Sums are in hryvnias or in the currency of the
row, and sums of different currencies are never added. Cancelled orders (status group 6) count only where a docstring
says so. How a figure is shown is up to package `reports`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class DaySales:
    """Orders of one day in one currency that are not cancelled."""

    order_day: date
    currency: str
    orders: int
    grand_total: Decimal
    paid_total: Decimal


class NamedSales(NamedTuple):
    """Orders of one source, manager, stage or status group, in one currency."""

    name: str | None
    currency: str
    orders: int
    amount: Decimal


@dataclass(frozen=True)
class PeriodTotals:
    """The figures of a period in one currency; cancelled orders count only in the two figures named after them."""

    currency: str
    orders: int = 0
    grand_total: Decimal = Decimal(0)
    goods_total: Decimal = Decimal(0)
    services_total: Decimal = Decimal(0)
    delivery_total: Decimal = Decimal(0)
    discount_total: Decimal = Decimal(0)
    difference: Decimal = Decimal(0)
    paid_total: Decimal = Decimal(0)
    due: Decimal = Decimal(0)
    cancelled_orders: int = 0
    cancelled_total: Decimal = Decimal(0)
    returned_orders: int = 0
    returned_total: Decimal = Decimal(0)


@dataclass(frozen=True)
class ItemSales:
    """Sales of one card or category in one currency; `item_kind` as in the views."""

    item_kind: str
    name: str | None
    currency: str
    quantity: Decimal
    discount: Decimal
    amount: Decimal
    sku: str | None = None


@dataclass(frozen=True)
class Discounts:
    """Discounts of a period in one currency."""

    currency: str
    orders_with_discount: int
    list_total: Decimal
    discount_total: Decimal
    goods_discount: Decimal
    services_discount: Decimal


@dataclass(frozen=True)
class Delivery:
    """Orders sent with one service, in one currency; `amount` is what buyers are charged for delivery.

    `orders_returned` counts the returned parcels of cancelled orders, too; the other figures are of sales.
    """

    name: str | None
    currency: str
    orders: int
    orders_charged: int
    orders_returned: int
    amount: Decimal


@dataclass(frozen=True)
class Payments:
    """Payments received by one method, in the currency of the payments."""

    name: str
    currency: str
    payments: int
    amount: Decimal


@dataclass(frozen=True)
class LostSales:
    """Orders of one stage that are cancelled or whose parcel was returned, in one currency."""

    is_returned: bool
    name: str
    currency: str
    orders: int
    amount: Decimal
    paid: Decimal


@dataclass(frozen=True)
class Margins:
    """Cost and margin of one source in one currency, of orders of which any line has a cost.

    Attributes:
        source: The source; None for orders without one.
        currency: The currency of the sums.
        grand_total: What the buyers pay.
        cost_total: Cost of the lines that have one.
        expenses_total: Expenses of the orders.
        margin: What is left.
        margin_difference: How much more that is than KeyCRM's own margin.
        orders_differing: Orders whose margin is another one in KeyCRM.
        lines: Lines of goods and services, also of orders without any cost.
        lines_with_cost: Those that have a cost.
    """

    source: str | None
    currency: str
    grand_total: Decimal
    cost_total: Decimal
    expenses_total: Decimal
    margin: Decimal
    margin_difference: Decimal
    orders_differing: int
    lines: int
    lines_with_cost: int


@dataclass(frozen=True)
class BuyerSales:
    """Orders of new or returning buyers, in one currency; `buyer_kind` as in the view."""

    buyer_kind: str
    currency: str
    orders: int
    amount: Decimal


@dataclass(frozen=True)
class Buyers:
    """Buyers with an order in the period: all, those with several in it, and those with an order before it."""

    buyers: int
    bought_again_in_period: int
    bought_before: int


_Row = TypeVar("_Row")


def _query(name: str, row_type: type[_Row]) -> Callable[[duckdb.DuckDBPyConnection, Period], list[_Row]]:
    """Reads the rows of a period with the statement of that name in `sql/sales.sql`."""

    def rows(connection: duckdb.DuckDBPyConnection, period: Period) -> list[_Row]:
        return typed_rows(row_type, connection.execute(statement("sales", name), period_parameters(period)))

    return rows


sales_by_day = _query("sales_by_day", DaySales)
"""Orders that are not cancelled, by day and currency; days without orders are left out."""

sales_by_source = _query("sales_by_source", NamedSales)
"""Orders that are not cancelled, by source and currency, largest sum first."""

sales_by_manager = _query("sales_by_manager", NamedSales)
"""Orders that are not cancelled, by responsible and currency, largest sum first."""

sales_by_stage = _query("sales_by_stage", NamedSales)
"""All orders, including cancelled ones, by stage and currency, in the order of the status groups."""

orders_by_status_group = _query("orders_by_status_group", NamedSales)
"""All orders, including cancelled ones, by status group and currency."""

sales_by_product = _query("sales_by_product", ItemSales)
"""Sales by card, largest amount first; includes delivery, wrap, tax and differences."""

sales_by_category = _query("sales_by_category", ItemSales)
"""Sales by category, largest amount first; includes delivery, wrap, tax and differences."""

discounts = _query("discounts", Discounts)
"""Discounts of the period by currency."""

delivery = _query("delivery", Delivery)
"""Orders, returned parcels and charged delivery by service and currency."""

payments = _query("payments", Payments)
"""Payments received for the period's orders, by method and currency, without expenses."""

returns_and_cancellations = _query("returns_and_cancellations", LostSales)
"""The period's orders that are cancelled or whose parcel was returned; each order counts once."""

repeat_buyers = _query("repeat_buyers", BuyerSales)
"""The period's orders by whether the buyer had ordered before."""

margins = _query("margins", Margins)
"""Orders that are not cancelled, by source and currency, largest margin first."""

_totals = _query("period_totals", PeriodTotals)
_buyers = _query("buyers", Buyers)


def cancelled_by_day(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[date, int]:
    """Day -> how many of its orders are cancelled."""
    return dict(
        connection.execute(statement("sales", "cancelled_by_day"), period_parameters(period)).fetchall()
    )


def period_totals(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[str, PeriodTotals]:
    """Currency -> the figures of the period."""
    return {row.currency: row for row in _totals(connection, period)}


def buyers(connection: duckdb.DuckDBPyConnection, period: Period) -> Buyers:
    """How many buyers ordered in the period, more than once in it, and before it."""
    return _buyers(connection, period)[0]
