"""The records of KeyCRM: the keys of each with ordinary values, and how KeyCRM writes money and times.

This module has the keys of orders, lines, payments and the catalogue. Which orders the demo shop has is in
`orders`; which keys a request returns is in `api`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, overload

Payload = dict[str, Any]
"""A record as KeyCRM would send it: JSON values, with `Decimal` allowed for JSON numbers."""


def money(kopiykas: int) -> int | Decimal:
    """Hryvnias as KeyCRM writes them, without trailing zeros: `19000` gives `190`, `137750` gives `1377.5`."""
    if kopiykas % 100 == 0:
        return kopiykas // 100
    if kopiykas % 10 == 0:
        return Decimal(kopiykas // 10).scaleb(-1)
    return Decimal(kopiykas).scaleb(-2)


@overload
def timestamp(moment: datetime) -> str: ...
@overload
def timestamp(moment: None) -> None: ...
@overload
def timestamp(moment: datetime | None) -> str | None: ...
def timestamp(moment: datetime | None) -> str | None:
    """A moment in KeyCRM's usual form, `2026-01-29T18:53:35.000000Z`; `None` stays `None`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def blank_timestamp(moment: datetime | None) -> str | None:
    """A moment in KeyCRM's other form, `2026-01-29 18:53:35`, in UTC without an offset."""
    if moment is None:
        return None
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


BUYER: Final[Payload] = {
    "id": 917,
    "company_id": None,
    "full_name": "Олена Тестова",
    "birthday": None,
    "phone": "+380500000001",
    "email": "olena.testova@example.com",
    "note": None,
    "picture": [],
    "image": None,
    "orders_sum": "0.00",
    "discount": 0,
    "currency": "UAH",
    "orders_count": 1,
    "has_duplicates": 0,
    "manager_id": None,
    "deleted_at": None,
    "created_at": "2025-11-03T09:00:00.000000Z",
    "updated_at": "2025-11-03T09:00:00.000000Z",
}

OFFER: Final[Payload] = {
    "id": 3302,
    "product_id": 1207,
    "sku": None,
    "barcode": None,
    "thumbnail_url": None,
    "price": 100,
    "purchased_price": 0,
    "quantity": 0,
    "in_reserve": 0,
    "weight": None,
    "length": None,
    "width": None,
    "height": None,
    "properties": [],
    "is_default": True,
    "is_archived": False,
    "created_at": "2025-10-01T12:00:00.000000Z",
    "updated_at": "2026-02-11T06:30:00.000000Z",
}

LINE: Final[Payload] = {
    "id": None,
    "sku": None,
    "name": "Чашка керамічна",
    "quantity": 1,
    "unit_type": None,
    "price": 100,
    "price_sold": 100,
    "discount_amount": 0,
    "discount_percent": 0,
    "individual_discount": 0,
    "loyalty_discount": 0,
    "total_discount": 0,
    "purchased_price": 0,
    "upsale": False,
    "comment": None,
    "properties": [],
    "picture": [],
    "product_status_id": None,
    "stock_status": None,
    "shipment_type": "warehouse",
    "variation_id": None,
    "publication_source_uuid": None,
    "offer": None,
    "created_at": None,
    "updated_at": None,
}

PAYMENT: Final[Payload] = {
    "id": 71,
    "destination_id": None,
    "destination_type": "order",
    "amount": 100,
    "actual_amount": None,
    "source_currency": "UAH",
    "actual_currency": "UAH",
    "is_expense": False,
    "payment_method_id": 2,
    "expense_type_id": None,
    "transaction_uuid": None,
    "description": None,
    "invoice_url": None,
    "register_id": None,
    "bill_id": None,
    "bill_type": None,
    "related_payment_id": None,
    "fiscal_result": [],
    "fiscal_status": None,
    "status": "paid",
    "payment_date": None,
    "created_at": None,
    "updated_at": None,
}

SHIPPING: Final[Payload] = {
    "address_id": None,
    "delivery_service_id": 1,
    "tracking_code": None,
    "return_tracking_code": None,
    "tracking_code_send_at": None,
    "shipping_status": None,
    "shipping_price": None,
    "shipping_address": None,
    "shipping_address_country": "Україна",
    "shipping_address_country_code": "UA",
    "shipping_address_region": None,
    "shipping_address_city": None,
    "shipping_address_zip": None,
    "shipping_receive_point": None,
    "shipping_secondary_line": None,
    "full_address": None,
    "is_warehouse": False,
    "shipping_preferred_method": None,
    "address_payload": [],
    "shipment_payload": [],
    "recipient_full_name": None,
    "recipient_phone": None,
    "shipping_date": None,
    "shipping_date_actual": None,
    "shipping_date_actual_has_owner": False,
    "was_shipped": False,
    "last_history_id": None,
    "created_at": None,
    "updated_at": None,
    "deleted_at": None,
    "delivery_service": None,
    "last_history": None,
}

ORDER: Final[Payload] = {
    "id": 4821,
    "parent_id": None,
    "source_id": 1,
    "source_uuid": None,
    "global_source_uuid": None,
    "status_on_source": None,
    "client_id": 917,
    "status_id": 1,
    "status_group_id": 1,
    "status_changed_at": None,
    "status_expired_at": None,
    "closed_from": None,
    "grand_total": 0,
    "products_total": 0,
    "payments_total": 0,
    "total_discount": 0,
    "discount_amount": 0,
    "discount_percent": 0,
    "discount_data": [],
    "margin_sum": 0,
    "expenses_sum": 0,
    "shipping_price": None,
    "wrap_price": None,
    "taxes": None,
    "gift_wrap": False,
    "is_gift": False,
    "gift_message": None,
    "promocode": None,
    "payment_status": "not_paid",
    "manager_comment": None,
    "buyer_comment": None,
    "client_comment": None,
    "register_id": None,
    "fiscal_result": [],
    "fiscal_status": None,
    "shipping_type_id": None,
    "has_reserves": False,
    "is_expired": False,
    "ordered_at": None,
    "created_at": None,
    "updated_at": None,
    "closed_at": None,
    "last_synced_at": None,
    "source_updated_at": None,
    "deleted_at": None,
    "warehouse": None,
    "buyer": None,
    "products": [],
    "manager": None,
    "assigned": [],
    "tags": [],
    "status": None,
    "marketing": None,
    "payments": [],
    "expenses": [],
    "shipping": None,
    "custom_fields": [],
    "attachments": [],
}

PRODUCT: Final[Payload] = {
    "id": 1207,
    "name": "Чашка керамічна",
    "description": None,
    "thumbnail_url": None,
    "attachments_data": [],
    "quantity": 0,
    "in_reserve": 0,
    "unit_type": None,
    "currency_code": "UAH",
    "sku": None,
    "barcode": None,
    "price": 100,
    "purchased_price": 0,
    "min_price": 100,
    "max_price": 100,
    "weight": None,
    "length": None,
    "width": None,
    "height": None,
    "has_offers": False,
    "is_archived": False,
    "category_id": None,
    "created_at": "2025-10-01T12:00:00.000000Z",
    "updated_at": "2026-02-11T06:30:00.000000Z",
    "custom_fields": [],
}

KEYS_OF_PLAIN_PRODUCTS_ONLY: Final = ("sku", "barcode", "price", "purchased_price")
"""Keys that a product with variants does not have: they are on its offers."""

STATUS: Final[Payload] = {
    "id": 1,
    "name": "new",
    "alias": "new",
    "is_active": True,
    "group_id": 1,
    "is_closing_order": False,
    "is_reserved": False,
    "expiration_period": None,
    "created_at": "2022-11-01T08:00:00.000000Z",
    "updated_at": "2022-11-01T08:00:00.000000Z",
    "deleted_at": None,
}

SOURCE: Final[Payload] = {
    "id": 1,
    "name": "Інтернет-магазин",
    "alias": "internet-mahazyn",
    "driver": "opencart",
    "source_uuid": None,
    "source_name": "opencart",
    "currency_code": "UAH",
    "created_at": "2022-11-01T08:00:00.000000Z",
    "updated_at": "2022-11-01T08:00:00.000000Z",
    "deleted_at": None,
}

GROUPS_OF_STANDARD_STATUSES: Final[Mapping[int, int]] = {
    1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 3, 7: 3, 8: 4, 9: 4, 10: 4, 11: 4, 12: 5,
    13: 6, 14: 6, 15: 6, 16: 6, 17: 6, 18: 6, 19: 6,
}  # fmt: skip
"""Status id -> group of the nineteen standard statuses of a new account."""


def status_payload(status_id: int = 1, name: str = "new", **overrides: Any) -> Payload:
    """A status as in `/order/status` and in an order; standard statuses get their own group.

    Args:
        status_id: KeyCRM's id of the status.
        name: Its name; the name of a standard status is its English key until it is renamed.
        overrides: Any key with its value.
    """
    group_id = overrides.get("group_id", GROUPS_OF_STANDARD_STATUSES.get(status_id, 2))
    derived = {"group_id": group_id, "is_closing_order": group_id in (5, 6)}
    return {**STATUS, "id": status_id, "name": name, "alias": name, **derived, **overrides}


def source_payload(source_id: int = 1, name: str | None = "Інтернет-магазин", **overrides: Any) -> Payload:
    """A source as in `/order/source`."""
    return {**SOURCE, "id": source_id, "name": name, **overrides}


def category_payload(category_id: int, name: str, parent_id: int | None = None) -> Payload:
    """A category of products as in `/products/categories`; `parent_id` is None at the root."""
    return {"id": category_id, "name": name, "parent_id": parent_id}


def product_payload(product_id: int = 1207, name: str = "Чашка керамічна", **overrides: Any) -> Payload:
    """A product as in `/products`; with `has_offers=True` it has no keys of plain products."""
    product = {**PRODUCT, "id": product_id, "name": name, **overrides}
    if product["has_offers"]:
        for key in KEYS_OF_PLAIN_PRODUCTS_ONLY:
            product.pop(key, None)
    return product


STANDARD_STATUS_KEYS: Final[Mapping[int, str]] = {
    1: "new",
    2: "presence_confirmed",
    3: "waiting_for_email_response",
    4: "waiting_for_prepayment",
    5: "transferred_to_production",
    6: "manufacturing",
    7: "manufactured",
    8: "delivered_to_delivery",
    9: "delivered",
    10: "departing",
    11: "in_transit",
    12: "completed",
    13: "incorrect_data",
    14: "underbid",
    15: "not_available",
    16: "bought_elsewhere",
    17: "delivery_did_not_arrange",
    18: "did_not_arrange_price",
    19: "canceled",
}
"""Status id -> key of the nineteen standard statuses; the key is the name until the status is renamed."""
