"""Builders of KeyCRM records for tests: each makes a valid record of which a caller can override any key.

The keys with their ordinary values are the demo shop's; here is the arithmetic that makes an order add up (R6).

Money in a built record is what the caller passed, or an integer or `Decimal` of hryvnias; the API writes both
as JSON numbers. Every builder returns a new dictionary that the caller may change.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from keycrm_pipeline.sandbox.payloads import (
    BUYER,
    LINE,
    OFFER,
    ORDER,
    PAYMENT,
    STANDARD_STATUS_KEYS,
    Payload,
    money,
    status_payload,
    timestamp,
)

_KOPIYKA = Decimal("0.01")

DEFAULT_MOMENT: Final = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""The default date of a built record: a Monday, 10:00 in Kyiv."""


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
