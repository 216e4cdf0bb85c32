"""What each column of the accounting assets is derived from: columns of the assets before it.

A document takes over the columns that the validated order has under the same name, so only what a rule computes is
listed. A test changes every field of a payload and compares what moves with this list. What a validated column is read
from is in the warehouse's `lineage`, which takes it from the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping

_ADDRESS = tuple(
    f"validated_orders.address_{part}"
    for part in (
        "country", "country_code", "region", "city", "zip", "receive_point", "street", "second_line",
    )
)  # fmt: skip

_SHARED_DISCOUNT = (
    "validated_orders.grand_total",
    "validated_orders.discount_amount",
    "validated_orders.discount_percent",
    "validated_orders.total_discount",
    "validated_orders.shipping_price",
    "validated_orders.wrap_price",
    "validated_orders.taxes",
)
"""What decides how much discount a line bears (R6)."""

_LINES_SOLD = (
    "products.kind",
    "validated_orders.order_lines.quantity",
    "validated_orders.order_lines.price_sold",
)

_DECIDING_PAYMENT = (
    "validated_orders.order_payments.position",
    "validated_orders.order_payments.is_expense",
    "validated_orders.order_payments.status",
)
"""Which payment decides about its order: the first that is neither cancelled nor an expense (R8)."""

_COST = ("validated_orders.order_lines.purchased_price", "validated_orders.order_lines.quantity")

_SPENT = (
    "validated_orders.order_payments.is_expense",
    "validated_orders.order_payments.status",
    "validated_orders.order_payments.amount",
    "validated_orders.order_payments.actual_amount",
    "validated_orders.order_payments.source_currency",
    "validated_orders.order_payments.currency",
    "sources.currency",
)
"""What decides the expenses in the order's currency."""

_SOLD_ITEM = (
    "validated_orders.order_lines.sku",
    "validated_orders.order_lines.offer_id",
    "validated_orders.order_lines.offer_sku",
    "validated_orders.order_lines.crm_product_id",
    "validated_orders.order_lines.name",
)
"""What finds the card of a line (R4)."""

_BUYER = (
    "validated_orders.buyer_id",
    "validated_orders.buyer_name",
    "validated_orders.buyer_phone",
    "validated_orders.buyer_email",
)

_STATUS_NAME = ("validated_orders.status_name", "validated_orders.status_alias")

ACCOUNTING_SOURCES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "statuses": {
        "status_id": ("validated_orders.status_id",),
        "name": ("validated_orders.status_id", *_STATUS_NAME),
        "alias": ("validated_orders.status_id", "validated_orders.status_alias"),
        "group_id": ("validated_orders.status_id", "validated_orders.status_group_id"),
        "group_name": ("validated_orders.status_id", "validated_orders.status_group_id"),
        "stage": ("validated_orders.status_id", *_STATUS_NAME),
        "is_mapped": ("validated_orders.status_id",),
        "is_loaded": ("validated_orders.status_id",),
    },
    "sources": {
        "source_id": ("validated_orders.source_id",),
        "name": ("validated_orders.source_id",),
        "driver": ("validated_orders.source_id",),
        "currency": ("validated_orders.source_id",),
    },
    "partners": {
        "partner_id": _BUYER,
        "name": _BUYER[1:],
        "phone": ("validated_orders.buyer_phone",),
        "email": ("validated_orders.buyer_email",),
        "name_key": _BUYER[1:],
        "phone_key": ("validated_orders.buyer_phone",),
        "email_key": ("validated_orders.buyer_email",),
        "as_of_ordered_at": ("validated_orders.ordered_at",),
        "as_of_order_id": ("validated_orders.order_id",),
    },
    "products": {
        "product_id": _SOLD_ITEM,
        "name": ("validated_orders.order_lines.name", "validated_orders.order_lines.crm_product_id"),
        "sku": ("validated_orders.order_lines.sku", "validated_orders.order_lines.offer_sku"),
        "kind": ("validated_orders.order_lines.crm_product_id",),
        "unit": ("validated_orders.order_lines.unit",),
        "category_id": ("validated_orders.order_lines.crm_product_id",),
        "category_name": ("validated_orders.order_lines.crm_product_id",),
        "name_key": ("validated_orders.order_lines.name", "validated_orders.order_lines.crm_product_id"),
        "sku_key": ("validated_orders.order_lines.sku", "validated_orders.order_lines.offer_sku"),
    },
    "orders": {
        "partner_id": ("partners.partner_id", "validated_orders.buyer_id"),
        "stage": ("statuses.stage",),
        "responsible": ("validated_orders.manager_id",),
        "account": ("validated_orders.order_payments.method_id", *_DECIDING_PAYMENT),
        "organisation": (
            "validated_orders.order_payments.method_id",
            *_DECIDING_PAYMENT,
            "validated_orders.source_id",
        ),
        "currency": ("sources.currency", "validated_orders.order_payments.currency", *_DECIDING_PAYMENT),
        "comment": (
            "validated_orders.source_number",
            "validated_orders.buyer_comment",
            "validated_orders.manager_comment",
        ),
        "delivery_address": _ADDRESS,
        "shipped_on": ("validated_orders.shipped_at",),
        "goods_total": (*_LINES_SOLD, *_SHARED_DISCOUNT),
        "services_total": (*_LINES_SOLD, *_SHARED_DISCOUNT),
        "discount_total": (
            "validated_orders.order_lines.price",
            "validated_orders.order_lines.price_sold",
            "validated_orders.order_lines.quantity",
            *_SHARED_DISCOUNT,
        ),
        "difference": (
            "validated_orders.order_lines.price_sold",
            "validated_orders.order_lines.quantity",
            *_SHARED_DISCOUNT,
        ),
        "paid_total": (
            *_DECIDING_PAYMENT[1:],
            "validated_orders.order_payments.amount",
            "validated_orders.order_payments.actual_amount",
            "validated_orders.order_payments.source_currency",
            "validated_orders.order_payments.currency",
            "sources.currency",
        ),
        "rounding": (
            *_DECIDING_PAYMENT[1:],
            "validated_orders.grand_total",
            "validated_orders.order_payments.method_id",
            "validated_orders.order_payments.amount",
            "validated_orders.order_payments.actual_amount",
            "validated_orders.order_payments.source_currency",
            "validated_orders.order_payments.currency",
            "sources.currency",
        ),
        "expenses_total": _SPENT,
        "cost_total": _COST,
        "margin": ("validated_orders.grand_total", *_COST, *_SPENT),
        "missing_in_crm": ("raw_orders.missing_since",),
    },
}
"""Asset -> column -> what it is computed from, as `asset.column`; of an asset's second table, `asset.table.column`.

Columns of `orders` that are not listed and that the validated order has are taken over; the others come from the
profile or from the exchange itself, such as `author` and `created_at`.
"""
