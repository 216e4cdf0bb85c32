"""The views of schema `reports`, and what the exchange report and the summary of a load read from them.

What belongs here: the views with the comment of every column, and typed rows of the report's queries. What
does not: how a figure is shown (see `reports`). Sums of different currencies are never added; cancelled
orders stand apart in every view that adds orders up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from keycrm_pipeline.kinds import (
    CANCELLED_GROUP,
    COMPLETED_GROUP,
    DELIVERY_GROUP,
    SERVICE_LINE_NAMES,
    STATUS_GROUP_NAMES,
)
from keycrm_pipeline.warehouse.statements import statement

if TYPE_CHECKING:
    import duckdb


COLUMN_COMMENTS: Mapping[str, str] = {
    "account": "Bank account or cash desk (Банк. рахунок/Каса).",
    "amount": "Sum, in `currency`.",
    "buyer_kind": "first_order (the buyer's first in the books), repeat_order or no_buyer.",
    "category_id": "Category in KeyCRM, the current one; empty when there is none.",
    "category_name": "Its name.",
    "currency": "Currency of all sums of the row; never add rows of different currencies.",
    "delivery_service": "Delivery service (Служба доставки); empty when the order names none.",
    "delivery_total": "Delivery charged to buyers; a part of services_total.",
    "difference": "grand_total minus goods and services; 0 unless KeyCRM's order does not add up.",
    "discount": "Discount of the lines.",
    "discount_total": "Discounts, of goods and services.",
    "due": "grand_total minus paid_total, never below 0.",
    "error": "What went wrong, in words.",
    "exchange_id": "Number of the exchange.",
    "finished_at": "When it ended; empty while it runs.",
    "goods_discount": "Discounts of goods.",
    "goods_total": "Goods.",
    "grand_total": "What the buyers pay, by KeyCRM.",
    "has_buyer": "Whether the partner is a buyer of KeyCRM; false for the default partner.",
    "is_cancelled": (
        f"Whether the status is in group {CANCELLED_GROUP} ({STATUS_GROUP_NAMES[CANCELLED_GROUP]}); "
        "such orders are not sales."
    ),
    "is_cash_on_delivery": "Whether an open payment is by a method named so, or the parcel is tracked so.",
    "is_expense": "Whether it is an expense of the shop.",
    "is_returned": "Whether the parcel went back (shipping status return, returned, refused or disposal).",
    "is_shipped": (
        f"Whether the parcel has left: a waybill, a status in group {DELIVERY_GROUP} or {COMPLETED_GROUP}, "
        "or tracked on its way."
    ),
    "item_kind": "goods, service, delivery, wrap, tax, or difference for what does not add up.",
    "kind": "Kind of the exchange, or of the thing to review.",
    "line_no": "Position in the document; empty for a difference.",
    "list_total": "Goods and services at list prices, before discounts.",
    "manager_id": "Manager in KeyCRM.",
    "method": "Payment method.",
    "oldest_at": "When the oldest of them was first met.",
    "order_day": "Local day of the order.",
    "order_id": "Number of the document: KeyCRM's order id.",
    "ordered_at": "Date of the document.",
    "orders": "Number of orders; an order with several items counts once in each row it is in.",
    "orders_charged": "Orders whose buyer pays for the delivery.",
    "orders_created": "New documents.",
    "orders_rejected": "Orders that failed validation.",
    "orders_returned": "Orders whose parcel went back.",
    "orders_seen": "All orders returned for the period, chosen or not.",
    "orders_unchanged": "Documents that were right already.",
    "orders_updated": "Changed documents.",
    "orders_with_discount": "Orders with a discount on any item.",
    "paid_total": "Payments received in the order's currency.",
    "partner_id": "Partner card.",
    "partners_created": "New partner cards.",
    "payment_status": "not_paid, part_paid, paid or overpaid.",
    "payments": "Number of payments.",
    "period_from": "First day of the period.",
    "period_to": "Last day of the period.",
    "product_id": "Card; empty for wrap, tax and difference.",
    "product_name": "Name of the card, else of the line; a fixed word for what is no product.",
    "products_created": "New product cards.",
    "quantity": "Quantity.",
    "reason": "Why an order could not be loaded, in words.",
    "requests": "Requests made to KeyCRM.",
    "responsible": "Responsible (Відповідальний).",
    "rows": "How many.",
    "seconds": "How long it took.",
    "services_discount": "Discounts of services.",
    "services_total": "The services tab: services, delivery, wrap and tax.",
    "shipping_status": "Where the parcel is, in KeyCRM's words.",
    "sku": "SKU (article) of the card, or of the line when there is no card.",
    "source_id": "Source (Джерело).",
    "source_name": "Its name.",
    "stage": "Stage (Етап).",
    "started_at": "When it started.",
    "status": "Status of the exchange or of the payment.",
    "status_group_id": f"Group of the status, 1 (new) to {CANCELLED_GROUP} (cancelled).",
    "status_group_name": "Its name.",
    "status_id": "Status in KeyCRM.",
    "status_name": "Its name.",
}
"""Column of any view -> its comment: the same name means the same everywhere."""

VIEWS: Mapping[str, str] = {
    "order_facts": "One order with what all other views need of it.",
    "order_items": (
        "One item of an order: a line of goods, a line of the services tab, or what the order does "
        "not add up by. The amounts of an order's items add up to its grand_total."
    ),
    "sales_by_day": "Orders and sums of one day.",
    "sales_by_source": "Orders and sums of one day and source.",
    "sales_by_manager": "Orders and sums of one day and manager.",
    "sales_by_status": "Orders and sums of one day and status.",
    "sales_by_product": (
        "Sales of one day and card; delivery, wrap, tax and differences have rows of their own, so "
        "that the amounts of a day add up to its grand_total."
    ),
    "sales_by_category": (
        "Sales of one day and category, goods and services of it together; delivery, wrap, tax and "
        "differences have rows of their own, so that the amounts of a day add up to its grand_total."
    ),
    "discounts_by_day": "Discounts of one day.",
    "delivery_by_service": "Orders of one day and delivery service, and the delivery charged to buyers.",
    "payments_by_method": (
        "Payments and expenses of the orders of one day, by method, in the currency of the payment."
    ),
    "payments_due": "One order that is not cancelled and not paid in full.",
    "cash_on_delivery_out": (
        "One order to be paid on delivery whose parcel has left, did not go back, and whose money has "
        "not come."
    ),
    "returns_and_cancellations": (
        "Orders of one day that are cancelled, or whose parcel went back, by stage and source."
    ),
    "repeat_buyers": "Orders of one day that are not cancelled, by whether the buyer had ordered before.",
    "exchange_summary": "One exchange of the log, with its duration.",
    "review_summary": "Things that wait for a person, of one kind.",
    "rejections_by_reason": (
        "Orders of one day that could not be loaded, by reason; an order with two reasons is in two rows."
    ),
}
"""View -> what one row of it is; its SELECT is the statement of that name in `report_views.sql`. Each view
stands after those it builds on."""


_KINDS = {
    "delivery_group": DELIVERY_GROUP,
    "completed_group": COMPLETED_GROUP,
    "cancelled_group": CANCELLED_GROUP,
    **SERVICE_LINE_NAMES,
}
"""Names in braces in `report_views.sql` -> what stands in the view."""


def create_report_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates or replaces the views of schema `reports` with their comments; the tables are there already."""
    for view, comment in VIEWS.items():
        query = statement("report_views", view).format(**_KINDS)
        connection.execute(f"CREATE OR REPLACE VIEW reports.{view} AS {query}")
        connection.execute(f"COMMENT ON VIEW reports.{view} IS {_quoted_text(comment)}")
        for column, *_ in connection.execute(f"DESCRIBE reports.{view}").fetchall():
            connection.execute(
                f"COMMENT ON COLUMN reports.{view}.{column} IS {_quoted_text(COLUMN_COMMENTS[column])}"
            )


def _quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@dataclass(frozen=True)
class DaySales:
    """Orders of one day and currency that are not cancelled."""

    order_day: date
    currency: str
    orders: int
    grand_total: Decimal
    paid_total: Decimal


class NamedSales(NamedTuple):
    """Orders of one source, manager, stage or group of statuses, in one currency."""

    name: str | None
    currency: str
    orders: int
    amount: Decimal


@dataclass(frozen=True)
class PeriodTotals:
    """The figures of a period in one currency; cancelled orders only in the two figures named so."""

    currency: str
    orders: int
    grand_total: Decimal
    goods_total: Decimal
    services_total: Decimal
    delivery_total: Decimal
    discount_total: Decimal
    difference: Decimal
    paid_total: Decimal
    due: Decimal
    cancelled_orders: int
    cancelled_total: Decimal
    returned_orders: int
    returned_total: Decimal


@dataclass(frozen=True)
class ItemSales:
    """What was sold of one card or category in one currency; `item_kind` as in the views."""

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
    """Orders sent with one service, in one currency; `amount` is what buyers pay for the delivery."""

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


DueAge = Literal["week", "month", "quarter", "older"]
"""How old an order is: up to 7, 30, 90 days, or more."""


@dataclass(frozen=True)
class DueOfAge:
    """What is still to be paid for orders of one age, in one currency; returned parcels apart."""

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
    """One order still to be paid."""

    order_id: int
    order_day: date
    currency: str
    stage: str
    due: Decimal
    delivery_service: str | None
    is_cash_on_delivery_out: bool


@dataclass(frozen=True)
class LostSales:
    """Orders of one stage that are cancelled or whose parcel went back, in one currency."""

    is_returned: bool
    name: str
    currency: str
    orders: int
    amount: Decimal
    paid: Decimal


@dataclass(frozen=True)
class BuyerSales:
    """Orders of new or returning buyers, in one currency; `buyer_kind` as in the view."""

    buyer_kind: str
    currency: str
    orders: int
    amount: Decimal


@dataclass(frozen=True)
class Buyers:
    """Buyers with an order in the period: all, with several in it, and with an order before it."""

    buyers: int
    bought_again_in_period: int
    bought_before: int


@dataclass(frozen=True)
class Exchange:
    """One exchange of the log."""

    exchange_id: int
    kind: str
    period_from: date | None
    period_to: date | None
    started_at: datetime
    seconds: float | None
    status: str
    orders_seen: int
    orders_created: int
    orders_updated: int
    orders_unchanged: int
    orders_rejected: int
    requests: int
    error: str | None


@dataclass(frozen=True)
class ReviewItem:
    """One thing to look at, with an order to look at it in, when there is one."""

    kind: str
    subject: str
    details: str
    first_seen_at: datetime
    order_id: int | None


@dataclass(frozen=True)
class RejectedRecord:
    """One order that could not be loaded."""

    order_id: int | None
    order_day: date | None
    reasons: list[str]
    rejected_at: datetime


_Row = TypeVar("_Row")


def _rows(
    connection: duckdb.DuckDBPyConnection, row_type: type[_Row], name: str, parameters: Mapping[str, Any]
) -> list[_Row]:
    """Rows of a statement of `reports.sql`, its columns matched to the fields by name."""
    result = connection.execute(statement("reports", name), parameters)
    columns = [column[0] for column in result.description]
    return [row_type(**dict(zip(columns, row, strict=True))) for row in result.fetchall()]


def _period(period_from: date, period_to: date) -> dict[str, date]:
    return {"period_from": period_from, "period_to": period_to}


def sales_by_day(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> list[DaySales]:
    """Orders that are not cancelled, by day and currency; days without any are left out."""
    return _rows(connection, DaySales, "sales_by_day", _period(period_from, period_to))


def cancelled_by_day(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> dict[date, int]:
    """Day -> how many of its orders are cancelled."""
    return dict(
        connection.execute(
            statement("reports", "cancelled_by_day"), _period(period_from, period_to)
        ).fetchall()
    )


def period_totals(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> dict[str, PeriodTotals]:
    """Currency -> the figures of the period."""
    rows = _rows(connection, PeriodTotals, "period_totals", _period(period_from, period_to))
    return {row.currency: row for row in rows}


def _named_sales(
    connection: duckdb.DuckDBPyConnection, name: str, period_from: date, period_to: date
) -> list[NamedSales]:
    return _rows(connection, NamedSales, name, _period(period_from, period_to))


def sales_by_source(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[NamedSales]:
    """Orders that are not cancelled, by source and currency, the largest sum first."""
    return _named_sales(connection, "sales_by_source", period_from, period_to)


def sales_by_manager(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[NamedSales]:
    """Orders that are not cancelled, by responsible and currency, the largest sum first."""
    return _named_sales(connection, "sales_by_manager", period_from, period_to)


def sales_by_stage(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[NamedSales]:
    """All orders, cancelled ones too, by stage and currency, in the order of the status groups."""
    return _named_sales(connection, "sales_by_stage", period_from, period_to)


def orders_by_status_group(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[NamedSales]:
    """All orders, cancelled ones too, by group of statuses and currency."""
    return _named_sales(connection, "orders_by_status_group", period_from, period_to)


def sales_by_product(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[ItemSales]:
    """What was sold by card, the largest amount first; delivery, wrap, tax and differences too."""
    return _rows(connection, ItemSales, "sales_by_product", _period(period_from, period_to))


def sales_by_category(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[ItemSales]:
    """What was sold by category, the largest amount first; delivery, wrap, tax and differences too."""
    return _rows(connection, ItemSales, "sales_by_category", _period(period_from, period_to))


def discounts(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> list[Discounts]:
    """Discounts of the period by currency."""
    return _rows(connection, Discounts, "discounts", _period(period_from, period_to))


def delivery(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> list[Delivery]:
    """Orders and charged delivery by service and currency."""
    return _rows(connection, Delivery, "delivery", _period(period_from, period_to))


def payments(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> list[Payments]:
    """Payments received for the period's orders, by method and currency; no expenses."""
    return _rows(connection, Payments, "payments", _period(period_from, period_to))


def due_ages(connection: duckdb.DuckDBPyConnection, today: date) -> list[DueOfAge]:
    """What is still to be paid for all orders in the books, by currency and age on that day."""
    return _rows(connection, DueOfAge, "due_ages", {"today": today})


def oldest_due(connection: duckdb.DuckDBPyConnection, most: int) -> list[DueOrder]:
    """The orders that have waited longest for their payment, at most `most`; returned parcels left out."""
    return _rows(connection, DueOrder, "oldest_due", {"most": most})


def returns_and_cancellations(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[LostSales]:
    """The period's orders that are cancelled or whose parcel went back; each order once."""
    return _rows(connection, LostSales, "returns_and_cancellations", _period(period_from, period_to))


def repeat_buyers(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> list[BuyerSales]:
    """The period's orders by whether the buyer had ordered before."""
    return _rows(connection, BuyerSales, "repeat_buyers", _period(period_from, period_to))


def buyers(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> Buyers:
    """How many buyers ordered in the period, again in it, and before it."""
    return _rows(connection, Buyers, "buyers", _period(period_from, period_to))[0]


def exchanges(connection: duckdb.DuckDBPyConnection, most: int) -> list[Exchange]:
    """The newest exchanges, at most `most`."""
    return _rows(connection, Exchange, "exchanges", {"most": most})


def review_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Kind of review -> how many things of it wait for a person."""
    return dict(connection.execute(statement("reports", "review_counts")).fetchall())


def review_items(connection: duckdb.DuckDBPyConnection, most: int) -> list[ReviewItem]:
    """The review list, at most `most` of each kind, the oldest first."""
    return _rows(connection, ReviewItem, "review", {"most": most})


def count_rejected(connection: duckdb.DuckDBPyConnection) -> int:
    """How many orders are rejected now."""
    row = connection.execute(statement("reports", "count_rejected")).fetchone()
    return int(row[0]) if row else 0


def rejected_records(connection: duckdb.DuckDBPyConnection, most: int) -> list[RejectedRecord]:
    """The orders that were rejected last, at most `most`."""
    return _rows(connection, RejectedRecord, "rejected", {"most": most})


def rejections_of_period(
    connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date
) -> dict[str, int]:
    """Reason -> how many orders of the period have it, the most frequent first."""
    return dict(
        connection.execute(
            statement("reports", "rejections_of_period"), _period(period_from, period_to)
        ).fetchall()
    )


def days_not_loaded(connection: duckdb.DuckDBPyConnection, period_from: date, period_to: date) -> list[date]:
    """Days of the period that no load has finished; a day loaded without orders is not one of them (R1)."""
    rows = connection.execute(
        statement("reports", "days_not_loaded"), _period(period_from, period_to)
    ).fetchall()
    return [row[0] for row in rows]
