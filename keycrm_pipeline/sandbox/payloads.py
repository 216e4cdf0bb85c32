"""Builders of KeyCRM records: each makes a valid record of which a caller can override any key.

This module has the keys of orders, lines, payments and the catalogue with ordinary values, and the arithmetic
that makes an order add up (R6). Which orders the demo shop has is in `orders`; which keys a request returns
is in `api`.

Money in a built record is what the caller passed, or an integer or `Decimal` of hryvnias; the API writes both
as JSON numbers. Every builder returns a new dictionary that the caller may change.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final, overload

Payload = dict[str, Any]
"""A record as KeyCRM would send it: JSON values, with `Decimal` allowed for JSON numbers."""

_KOPIYKA = Decimal("0.01")

DEFAULT_MOMENT: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The default date of a built record: a Monday, 10:00 in Kyiv."""


def money(kopiykas: int) -> int | Decimal:
    """An amount as KeyCRM writes it: hryvnias, an integer if possible, without trailing zeros.

    Args:
        kopiykas: The amount in kopiykas.

    Returns:
        Hryvnias: `19000` gives `190`, `137750` gives `Decimal("1377.5")`.
    """
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


def _fresh(template: Mapping[str, Any]) -> Payload:
    """A copy of a template with new empty lists: two records must never share one."""
    return {key: [] if value == [] else value for key, value in template.items()}


def buyer_payload(buyer_id: int = 917, **overrides: Any) -> Payload:
    """A buyer as it appears in an order: one phone and one e-mail, each a string or None.

    Args:
        buyer_id: KeyCRM's id of the buyer.
        overrides: Any key of the record with its value; unknown keys are added.
    """
    return {**_fresh(BUYER), "id": buyer_id, **overrides}


def offer_payload(offer_id: int = 3302, product_id: int = 1207, **overrides: Any) -> Payload:
    """An offer (a sellable variant) as it appears in an order line and in `/offers`.

    Args:
        offer_id: KeyCRM's id of the offer.
        product_id: The product it is a variant of.
        overrides: Any key with its value, such as `sku` or `properties`.
    """
    return {**_fresh(OFFER), "id": offer_id, "product_id": product_id, **overrides}


def line_payload(**overrides: Any) -> Payload:
    """An order line: by default one ceramic cup for 100 hryvnias that is not in the catalogue.

    `price_sold` defaults to `price`, `sku` and `properties` default to those of the offer.

    Args:
        overrides: Any key with its value.
    """
    followed: Payload = {}
    if "price" in overrides:
        followed["price_sold"] = overrides["price"]
    offer = overrides.get("offer")
    if isinstance(offer, Mapping):
        followed["sku"] = offer.get("sku")
        followed["properties"] = list(offer.get("properties") or [])
    return {**_fresh(LINE), **followed, **overrides}


def payment_payload(payment_id: int = 71, amount: Any = 100, **overrides: Any) -> Payload:
    """A payment: by default paid in hryvnias by method 2; in one currency, `actual_currency`, unless two are given.

    Args:
        payment_id: KeyCRM's id of the payment.
        amount: Hryvnias.
        overrides: Any key with its value, such as `status`, `payment_method_id` or `actual_currency`.
    """
    followed: Payload = {"actual_amount": amount}
    if "actual_currency" in overrides:
        followed["source_currency"] = overrides["actual_currency"]
    return {**_fresh(PAYMENT), "id": payment_id, "amount": amount, **followed, **overrides}


def expense_payload(payment_id: int = 72, amount: Any = 10, **overrides: Any) -> Payload:
    """An expense of the shop on an order: like a payment, with `is_expense` set.

    Args:
        payment_id: KeyCRM's id of the expense; payments and expenses share one sequence of ids.
        amount: Hryvnias.
        overrides: Any key with its value.
    """
    expense = {"is_expense": True, "payment_method_id": None, "expense_type_id": 1}
    return payment_payload(payment_id, amount, **{**expense, **overrides})


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
    """A source as in `/order/source`.

    Args:
        source_id: KeyCRM's id of the source.
        name: Its name, or None.
        overrides: Any key with its value, such as `currency_code`.
    """
    return {**SOURCE, "id": source_id, "name": name, **overrides}


def category_payload(category_id: int, name: str, parent_id: int | None = None) -> Payload:
    """A category of products as in `/products/categories`; `parent_id` is None at the root."""
    return {"id": category_id, "name": name, "parent_id": parent_id}


def product_payload(product_id: int = 1207, name: str = "Чашка керамічна", **overrides: Any) -> Payload:
    """A product as in `/products`; with `has_offers=True` it has no keys of plain products.

    Args:
        product_id: KeyCRM's id of the product.
        name: Its name in the catalogue.
        overrides: Any key with its value.
    """
    product = {**_fresh(PRODUCT), "id": product_id, "name": name, **overrides}
    if product["has_offers"]:
        for key in KEYS_OF_PLAIN_PRODUCTS_ONLY:
            product.pop(key, None)
    return product


def order_payload(
    order_id: int = 4821,
    ordered_at: datetime | str | None = DEFAULT_MOMENT,
    lines: Sequence[Mapping[str, Any]] | None = None,
    buyer: Mapping[str, Any] | None = BUYER,
    payments: Sequence[Mapping[str, Any]] = (),
    expenses: Sequence[Mapping[str, Any]] = (),
    **overrides: Any,
) -> Payload:
    """A valid order with every include, which adds up; any part of it can be overridden.

    Missing values are derived: `grand_total` is the sum of the lines (`price_sold` x `quantity`, each rounded
    half up to kopiykas) minus `discount_percent` of it and `discount_amount`, plus `shipping_price`, `wrap_price`
    and `taxes` (R6); `products_total` (the lines after their own discounts), `total_discount` (the order's own
    discount alone), `payments_total` and `payment_status` are computed in the same way;
    `created_at` and `updated_at` are `ordered_at`, `client_id` is the buyer's id, `status_group_id` and
    `status` are those of `status_id`, and missing ids of lines and payments are derived from the order's id.
    Values that are not numbers count as zero, so that a test can build a broken order.

    Seven parameters, so that a test names only the parts of the order that it is about.

    Args:
        order_id: KeyCRM's id of the order.
        ordered_at: The business date, timezone-aware, or any text KeyCRM might send, or None.
        lines: Order lines, complete or in part (see `line_payload`); by default one line of 100 hryvnias.
        buyer: The buyer, or None for an order without one.
        payments: Payments, complete or in part (see `payment_payload`).
        expenses: Expenses, complete or in part (see `expense_payload`).
        overrides: Any key of the order with its value; unknown keys are added.
    """
    moment = timestamp(ordered_at) if isinstance(ordered_at, datetime) else ordered_at
    products = _numbered(
        [line_payload(**line) for line in ([{}] if lines is None else lines)],
        order_id * 100 + 1,
        {"created_at": moment, "updated_at": moment},
    )
    paid_parts = _numbered(
        [payment_payload(**{"payment_id": None, **_payment_arguments(payment)}) for payment in payments],
        order_id * 100 + 1,
        {"destination_id": order_id, "payment_date": moment, "created_at": moment, "updated_at": moment},
    )
    spent_parts = _numbered(
        [expense_payload(**{"payment_id": None, **_payment_arguments(expense)}) for expense in expenses],
        order_id * 100 + 51,
        {"destination_id": order_id, "payment_date": moment, "created_at": moment, "updated_at": moment},
    )
    status_id = overrides.get("status_id", 1)
    order: Payload = {
        **_fresh(ORDER),
        "id": order_id,
        "ordered_at": moment,
        "created_at": moment,
        "updated_at": moment,
        "status_changed_at": moment,
        "client_id": None if buyer is None else buyer.get("id"),
        "buyer": None if buyer is None else _fresh(buyer),
        "products": products,
        "payments": paid_parts,
        "expenses": spent_parts,
        "status": status_payload(status_id, STANDARD_STATUS_KEYS.get(status_id, f"Статус {status_id}")),
        **overrides,
    }
    _fill_totals(order, overrides)
    if "status_group_id" not in overrides and isinstance(order["status"], Mapping):
        order["status_group_id"] = order["status"].get("group_id")
    return order


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


def _payment_arguments(payment: Mapping[str, Any]) -> Payload:
    """A payment record as keyword arguments of its builder, which calls the id `payment_id`."""
    arguments = dict(payment)
    if "id" in arguments:
        arguments["payment_id"] = arguments.pop("id")
    return arguments


def _numbered(records: list[Payload], first_id: int, missing: Mapping[str, Any]) -> list[Payload]:
    """Number records without an id from `first_id` on, and replace nulls by the values in `missing`."""
    for offset, record in enumerate(records):
        if record["id"] is None:
            record["id"] = first_id + offset
        for key, value in missing.items():
            if record[key] is None:
                record[key] = value
    return records


def _amount(value: Any) -> Decimal:
    """A value as a decimal; None and anything that is not a number count as zero."""
    try:
        return Decimal(str(value)) if value is not None else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_KOPIYKA, rounding=ROUND_HALF_UP)


def _line_sum(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    """The sum of price sold x quantity over the lines, each line rounded half up to kopiykas."""
    return sum(
        (_rounded(_amount(line.get("price_sold")) * _amount(line.get("quantity"))) for line in lines),
        Decimal(0),
    )


def _fill_totals(order: Payload, overrides: Mapping[str, Any]) -> None:
    """Add the totals that the caller did not pass (R6) to the order."""
    sold_sum = _line_sum(order["products"])
    percent = _amount(order["discount_percent"])
    discount = _rounded(sold_sum * percent / 100) + _amount(order["discount_amount"])
    additions = _amount(order["shipping_price"]) + _amount(order["wrap_price"]) + _amount(order["taxes"])
    paid = sum(
        (
            _amount(payment["amount"])
            for payment in order["payments"]
            if payment["status"] == "paid" and not payment["is_expense"]
        ),
        Decimal(0),
    )
    grand_total = sold_sum - discount + additions
    totals = {
        "grand_total": grand_total,
        "products_total": sold_sum,
        "total_discount": discount,
        "payments_total": paid,
        "expenses_sum": sum((_amount(expense["amount"]) for expense in order["expenses"]), Decimal(0)),
    }
    for key, total in totals.items():
        if key not in overrides:
            order[key] = money(int(_rounded(total) * 100))
    if "payment_status" not in overrides:
        order["payment_status"] = payment_status(
            int(_rounded(paid) * 100), int(_rounded(_amount(order["grand_total"])) * 100)
        )


def payment_status(paid: int, grand_total: int) -> str:
    """KeyCRM's payment status of an order.

    Args:
        paid: Kopiykas paid so far.
        grand_total: Kopiykas to pay.
    """
    if paid == 0 and grand_total > 0:
        return "not_paid"
    if paid < grand_total:
        return "part_paid"
    return "paid" if paid == grand_total else "overpaid"
