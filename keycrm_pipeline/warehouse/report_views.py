"""The views of schema `reports`, with the comment of every view and column.

Sums of different currencies are never added. Views that add orders up keep cancelled orders in rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keycrm_pipeline.kinds import (
    CANCELLED_GROUP,
    COMPLETED_GROUP,
    DELIVERY_GROUP,
    SERVICE_LINE_NAMES,
    STATUS_GROUP_NAMES,
)
from keycrm_pipeline.warehouse.statements import quoted_text, statement

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.warehouse.engines.engine import Engine

COLUMN_COMMENTS: Mapping[str, str] = {
    "account": "Bank account or cash desk (Банк. рахунок/Каса).",
    "amount": "Sum, in `currency`.",
    "buyer_kind": "first_order (the buyer's first in the books), repeat_order or no_buyer.",
    "category_id": "Current category in KeyCRM; empty when there is none.",
    "category_name": "Its name.",
    "company_bank_account": "Its bank account, as typed in KeyCRM.",
    "company_id": "Company in KeyCRM.",
    "company_name": "Its name.",
    "company_title": "Its full name (title).",
    "cost_total": "Cost of the lines that have one in KeyCRM.",
    "currency": "Currency of all sums of the row; never add rows of different currencies.",
    "custom_fields": "Its custom fields in KeyCRM that are filled, as a JSON object: id of the field -> value.",
    "delivery_service": "Delivery service (Служба доставки); empty when the order has none.",
    "delivery_total": "Delivery charged to buyers; a part of services_total.",
    "difference": "grand_total minus goods and services; 0 unless KeyCRM's order does not add up.",
    "discount": "Discount on the lines.",
    "discount_total": "Discounts on goods and services.",
    "due": "grand_total with its rounding, minus paid_total; never below 0.",
    "error": "What went wrong, in English.",
    "error_coded": "Code and values of what went wrong, from which every page shows it in its language.",
    "exchange_id": "Number of the exchange.",
    "expense_type": "Kind of the expense (Вид витрати); empty for payments, and if the expense has none.",
    "expenses_total": "Expenses of the orders with a cost, in their currency.",
    "finished_at": "When it ended; empty while it is running.",
    "goods_discount": "Discounts on goods.",
    "goods_total": "Sum of the goods.",
    "grand_total": "What the buyers pay, according to KeyCRM.",
    "has_buyer": "Whether the partner is a buyer of KeyCRM; false for the default partner.",
    "is_cancelled": (
        f"Whether the status is in group {CANCELLED_GROUP} ({STATUS_GROUP_NAMES[CANCELLED_GROUP]}); "
        "such orders are not sales."
    ),
    "is_cash_on_delivery": "Whether an open payment has a method of that kind, or the parcel is tracked so.",
    "is_expense": "Whether the payment is an expense of the shop.",
    "is_returned": "Whether the parcel was returned (shipping status return, returned, refused or disposal).",
    "is_shipped": (
        f"Whether the parcel was sent: a waybill, a status in group {DELIVERY_GROUP} or {COMPLETED_GROUP}, "
        "or tracked on its way."
    ),
    "item_kind": "goods, service, delivery, wrap, tax, or difference for what does not add up.",
    "kind": "Kind of the exchange or of the review item.",
    "line_no": "Position in the document; empty for a difference.",
    "lines": "Lines of goods and services.",
    "lines_with_cost": "Those of them that have a cost in KeyCRM.",
    "list_total": "Goods and services at list prices, before discounts.",
    "manager_id": "Manager in KeyCRM.",
    "margin": "grand_total less cost_total and expenses_total.",
    "margin_difference": "How much more that is than KeyCRM's own margin.",
    "method": "Payment method.",
    "oldest_at": "When the oldest of them was first seen.",
    "order_day": "Local day of the order.",
    "order_id": "Number of the document: KeyCRM's order id.",
    "ordered_at": "Date of the document.",
    "orders": "Number of orders; an order with several items counts once in every row it is in.",
    "orders_charged": "Orders whose buyer pays for the delivery.",
    "orders_created": "New documents.",
    "orders_differing": "Orders whose margin is another one in KeyCRM.",
    "orders_rejected": "Orders that failed validation.",
    "orders_returned": "Orders whose parcel was returned.",
    "orders_seen": "All orders that KeyCRM returned for the period, selected or not.",
    "orders_unchanged": "Documents that needed no change.",
    "orders_updated": "Changed documents.",
    "orders_with_cost": "Orders of which any line has a cost in KeyCRM; the sums of the row are theirs.",
    "orders_with_discount": "Orders with a discount on any item.",
    "organisation": "Legal entity (Організація); empty if the profile determines none.",
    "paid_day": (
        "Day of the payment in KeyCRM (за датою оплати в KeyCRM), in the time zone of the connection; empty when "
        "KeyCRM gave none. Of a payment that is dated by its money, the day of that: money_days."
    ),
    "paid_total": "Payments received in the order's currency.",
    "partner_id": "Partner card.",
    "partners_created": "New partner cards.",
    "payment_id": "The payment, as in order_payments.",
    "payment_status": "not_paid, part_paid, paid or overpaid.",
    "payments": "Number of payments.",
    "period_from": "First day of the period.",
    "period_to": "Last day of the period.",
    "product_id": "Card; empty for wrap, tax and difference.",
    "product_name": "Name of the card, else of the line; a fixed word for what is not a product.",
    "products_created": "New product cards.",
    "quantity": "Quantity.",
    "reason": "Why an order could not be loaded, in English.",
    "reason_coded": "Code and values of the reason, from which every page shows it in its language.",
    "received_day": "Day of the money.",
    "requests": "Requests made to KeyCRM.",
    "responsible": "Responsible (Відповідальний).",
    "rounding": "What rounding cash has added to the total (Заокруглення); empty when nothing.",
    "rows": "Number of items.",
    "seconds": "Duration in seconds.",
    "services_discount": "Discounts on services.",
    "services_total": "Sum of the services tab: services, delivery, wrap and tax.",
    "shipping_status": "Where the parcel is, in KeyCRM's words.",
    "sku": "SKU (article) of the card, or of the line when there is no card.",
    "source_id": "Source (Джерело).",
    "source_name": "Its name.",
    "stage": "Stage (Стадія).",
    "started_at": "When it started.",
    "status": "Status of the exchange or of the payment.",
    "status_group_id": f"Group of the status, 1 (new) to {CANCELLED_GROUP} (cancelled).",
    "status_group_name": "Its name.",
    "status_id": "Status in KeyCRM.",
    "status_name": "Its name.",
}
"""Column of any view -> its comment: the same name means the same in every view."""


VIEWS: Mapping[str, str] = {
    "order_facts": "One order with everything that the other views need.",
    "order_items": (
        "One item of an order: a line of goods, a line of the services tab, or the difference by which the order "
        "does not add up. The amounts of an order's items add up to its grand_total."
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
    "money_days": (
        "The day of the money of one payment that is dated by it (`date: transaction` of its method), as the "
        "reconciliation has found it."
    ),
    "payments_by_day": (
        "Payments and expenses of one day of payment, whatever the day of the order, by organisation, account and "
        "method, in the currency of the payment."
    ),
    "payments_by_source": (
        "Payments and expenses of one day of payment, whatever the day of the order, by source and kind of expense, in "
        "the currency of the payment."
    ),
    "margins_by_source": (
        "Cost and margin of the orders of one day and source. Orders without any cost count for the lines alone."
    ),
    "partner_companies": "The company of one partner card: that of its newest order whose buyer has one.",
    "partner_custom_fields": (
        "The custom fields of one partner card, those of its buyer and of the company, if there are any."
    ),
    "product_custom_fields": "The custom fields of one product card, if it has any.",
    "payments_due": "One order that is not cancelled and not paid in full.",
    "cash_on_delivery_out": (
        "One order to be paid on delivery: its parcel was sent and not returned, its money has not been received."
    ),
    "returns_and_cancellations": (
        "Orders of one day that are cancelled or whose parcel was returned, by stage and source."
    ),
    "repeat_buyers": "Orders of one day that are not cancelled, by whether the buyer had ordered before.",
    "exchange_summary": "One exchange of the log, with its duration.",
    "review_summary": "Items of the review list, of one kind.",
    "rejections_by_reason": (
        "Orders of one day that could not be loaded, by reason; an order with two reasons is in two rows."
    ),
}
"""View -> what one row of it is. Its SELECT is the statement of that name in `report_views.sql`. Each view comes after
those it builds on."""


_CUSTOM_VALUE = (
    "nullif(trim(CASE WHEN unicode(field.value) = 91 "
    "THEN array_to_string(from_json(field.value, '[\"VARCHAR\"]'), '; ') ELSE field.value END), '')"
)
_LISTED_FIELDS = (
    'from_json({payload} -> \'$.custom_fields\', \'[{{"uuid": "VARCHAR", "value": "VARCHAR"}}]\')'
)
_CUSTOM_FIELDS = (
    "nullif(CAST(to_json(map_from_entries(list_transform(list_filter({listed}, (field, place) -> "
    "field.uuid IS NOT NULL AND {value} IS NOT NULL "
    "AND list_position(list_transform({listed}, other -> other.uuid), field.uuid) = place), "
    "field -> {{'k': field.uuid, 'v': {value}}}))) AS VARCHAR), '{{}}')"
)


def _custom_fields(payload: str) -> str:
    """SQL: the filled custom fields of a payload as a JSON object, as `validation.sql` reads those of orders."""
    return _CUSTOM_FIELDS.format(listed=_LISTED_FIELDS.format(payload=payload), value=_CUSTOM_VALUE)


_NAMES = {
    "custom_fields_of_company": _custom_fields("company.payload"),
    "custom_fields_of_buyer": _custom_fields("buyer.payload"),
    "custom_fields_of_product": _custom_fields("product.payload"),
    "delivery_group": DELIVERY_GROUP,
    "completed_group": COMPLETED_GROUP,
    "cancelled_group": CANCELLED_GROUP,
    **SERVICE_LINE_NAMES,
}
"""Names in braces in `report_views.sql` -> what stands in the view."""


def view_statements(timezone: str) -> list[str]:
    """The statements that create or replace every view with its comment; a view comes after those it builds on.

    Days are those of the profile's zone, whatever zone the program has that reads them.
    """
    names = {**_NAMES, "timezone": quoted_text(timezone)}
    return [
        command
        for view, comment in VIEWS.items()
        for command in (
            f"CREATE OR REPLACE VIEW reports.{view} AS {statement('report_views', view).format(**names)}",
            f"COMMENT ON VIEW reports.{view} IS {quoted_text(comment)}",
        )
    ]


def create_report_views(connection: duckdb.DuckDBPyConnection, engine: Engine, timezone: str) -> None:
    """Creates or replaces the views of schema `reports` with their comments; the tables must exist already."""
    for command in view_statements(timezone):
        connection.execute(command)
    if not engine.comments_on_view_columns:
        return
    for view in VIEWS:
        for column, *_ in connection.execute(f"DESCRIBE reports.{view}").fetchall():
            connection.execute(
                f"COMMENT ON COLUMN reports.{view}.{column} IS {quoted_text(COLUMN_COMMENTS[column])}"
            )
