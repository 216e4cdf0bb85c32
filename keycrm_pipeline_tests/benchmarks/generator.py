"""Generates orders for the benchmarks: about 3 KB each, three lines, repeat buyers, 300 products with variants.

Fast and repeatable, and not realistic in its variety, which is the job of the demo shop. The size is part of what is
measured: orders of the sandbox's `order_payload` have every key of KeyCRM and would be nearly twice as large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

PRODUCTS = 300
VARIANT_EVERY = 3
"""Every third product has variants with their own SKUs."""

_SIZES = ("S", "M", "L", "XL")


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def _line(order_id: int, place: int, moment: str) -> tuple[dict[str, Any], int]:
    product = (order_id * 7 + place * 101) % PRODUCTS
    size = (order_id + place) % len(_SIZES)
    has_variants = product % VARIANT_EVERY == 0
    quantity = 1 + (order_id + place) % 3
    price = 100 + product * 3
    # Every third order has 5 % off each line.
    sold_kopiykas = price * 95 if order_id % 3 == 0 else price * 100
    offer_id = product * 10 + (size if has_variants else 0) + 1
    options = (
        [{"name": "Колір", "value": "Синій"}, {"name": "Розмір", "value": _SIZES[size]}]
        if has_variants
        else []
    )
    line = {
        "id": order_id * 10 + place, "sku": f"SKU-{offer_id}", "name": f"Товар номер {product}",
        "quantity": quantity, "unit_type": None, "price": price, "price_sold": sold_kopiykas / 100,
        "discount_percent": 0, "discount_amount": 0, "total_discount": 0, "purchased_price": 210, "upsale": False,
        "comment": None, "properties": options, "picture": [], "product_status_id": None, "stock_status": None,
        "shipment_type": "warehouse", "variation_id": None, "created_at": moment, "updated_at": moment,
        "offer": {
            "id": offer_id, "product_id": product + 1, "sku": f"SKU-{offer_id}", "barcode": None, "price": price,
            "purchased_price": 220, "quantity": 41, "in_reserve": 3, "is_default": not has_variants,
            "is_archived": False, "properties": options,
        },
    }  # fmt: skip
    return line, sold_kopiykas * quantity


def order(order_id: int, ordered_at: datetime, *, buyers: int) -> dict[str, Any]:
    """One order that adds up."""
    moment = _instant(ordered_at)
    buyer = (order_id * 2_654_435_761) % buyers + 1
    lines = [_line(order_id, place, moment) for place in range(3)]
    total = sum(kopiykas for _line_payload, kopiykas in lines) / 100
    return {
        "id": order_id, "parent_id": None, "source_id": 1 + order_id % 3, "source_uuid": f"№{order_id}",
        "client_id": buyer, "status_id": (1, 8, 12, 12, 12, 19)[order_id % 6],
        "status_group_id": (1, 4, 5, 5, 5, 6)[order_id % 6], "status_changed_at": moment, "grand_total": total,
        "products_total": total, "total_discount": 0, "discount_percent": 0, "discount_amount": 0,
        "discount_data": [], "shipping_price": None, "taxes": None, "wrap_price": None, "payments_total": total,
        "payment_status": "paid", "manager_comment": None, "buyer_comment": "Подзвоніть перед відправкою",
        "fiscal_result": [], "ordered_at": moment, "created_at": moment,
        "updated_at": _instant(ordered_at + timedelta(hours=5)), "closed_at": None, "deleted_at": None,
        "buyer": {
            "id": buyer, "full_name": f"Олена Тестова {buyer}", "phone": f"+38050{buyer % 10_000_000:07d}",
            "email": f"b{buyer}@shop.example" if buyer % 2 else None, "orders_sum": "3120.00", "currency": "UAH",
        },
        "products": [line for line, _kopiykas in lines],
        "shipping": {
            "delivery_service_id": 2, "tracking_code": f"2000{order_id:010d}", "shipping_status": "delivered",
            "shipping_address_city": "Полтава", "shipping_receive_point": f"Відділення №{order_id % 90 + 1}",
            "delivery_service": {"id": 2, "name": "Нова Пошта", "source_name": "novaposhta"},
        },
        "payments": [
            {
                "id": order_id * 2, "amount": total, "actual_currency": "UAH", "payment_method_id": 2,
                "status": "paid", "is_expense": False, "payment_date": moment,
            }
        ],
        "expenses": [], "manager": None, "tags": [], "custom_fields": [],
        "status": {"id": 12, "name": "completed", "alias": "completed", "group_id": 5},
    }  # fmt: skip


def orders_of_days(
    first_day: date, days: int, a_day: int, *, first_id: int = 1, buyers: int | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Days of orders, spread over the middle of each day, ids ascending."""
    buyers = buyers or max(1, days * a_day * 2 // 5)
    order_id = first_id
    for offset in range(days):
        noon = datetime.combine(first_day + timedelta(days=offset), time(6), tzinfo=UTC)
        day = []
        for place in range(a_day):
            day.append(order(order_id, noon + timedelta(seconds=place * 36_000 // a_day), buyers=buyers))
            order_id += 1
        yield day


def text(payload: dict[str, Any]) -> str:
    """An order's JSON text, as KeyCRM would send it."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
