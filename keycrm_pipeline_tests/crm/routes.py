"""What KeyCRM documents about the requests that read an account: routes, parameters, and what their values may be.

Written from KeyCRM's own documents and from what live accounts were seen to accept, apart from the client and
from the demo shop: both are held against this table. Routes that neither of them has are left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

NUMBER: Final = r"\d+"
NUMBERS: Final = r"\d+(,\d+)*"
TEXT: Final = r".+"
FLAG: Final = r"true|false"
_MOMENT: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
RANGE: Final = rf"{_MOMENT}, ?{_MOMENT}"
"""Bare days are documented as well, but not whether the last one is included: we send full times."""
PAYMENT_STATUSES: Final = r"(not_paid|part_paid|paid|overpaid)(,(not_paid|part_paid|paid|overpaid))*"

GREATEST_LIMIT: Final = 50
_PAGING: Final = ("page", "limit")


@dataclass(frozen=True)
class Route:
    """What one route takes.

    Attributes:
        filters: Filter -> the form of its value.
        includes: What `include` may name.
        sorts: What `sort` may name, with or without a minus sign.
        is_paged: Whether it takes `page` and `limit`.
    """

    filters: Mapping[str, str] = field(default_factory=dict)
    includes: Sequence[str] = ()
    sorts: Sequence[str] = ()
    is_paged: bool = True


_ORDER_INCLUDES: Final = (
    "buyer",
    "products",
    "products.offer",
    "manager",
    "assigned",
    "tags",
    "status",
    "marketing",
    "payments",
    "expenses",
    "shipping",
    "shipping.deliveryService",
    "shipping.lastHistory",
    "custom_fields",
)
_BUYER_INCLUDES: Final = ("manager", "shipping", "company", "loyalty", "custom_fields")
_COMPANY_INCLUDES: Final = ("manager", "buyer", "custom_fields")
_DATES: Final = {"created_between": RANGE, "updated_between": RANGE}

ROUTES: Final[Mapping[str, Route]] = {
    "/order": Route(
        filters={
            "status_id": NUMBER,
            "source_id": NUMBER,
            "source_uuid": TEXT,
            "buyer_phone": TEXT,
            "buyer_email": TEXT,
            "shipping_between": RANGE,
            "payment_status": PAYMENT_STATUSES,
            "has_tracking_code": "true",
            **_DATES,
        },
        includes=_ORDER_INCLUDES,
        sorts=("id",),
    ),
    "/order/{id}": Route(includes=_ORDER_INCLUDES, is_paged=False),
    "/order/status": Route(sorts=("id",)),
    "/order/source": Route(sorts=("id",)),
    "/order/tag": Route(sorts=("id",)),
    "/order/delivery-service": Route(sorts=("id",)),
    "/order/payment-method": Route(sorts=("id",)),
    "/order/expense-type": Route(sorts=("id",)),
    "/order/product-status": Route(sorts=("id",)),
    "/products": Route(
        filters={"product_id": NUMBERS, "category_id": NUMBERS, "is_archived": FLAG},
        includes=("custom_fields",),
    ),
    "/products/{id}": Route(includes=("custom_fields",), is_paged=False),
    "/products/categories": Route(filters={"category_id": NUMBERS, "parent_id": NUMBERS}),
    "/offers": Route(
        filters={"id": NUMBERS, "product_id": NUMBERS, "sku": TEXT, "is_archived": FLAG},
        includes=("product",),
        sorts=("id",),
    ),
    "/offers/stocks": Route(filters={"offers_id": NUMBERS, "offers_sku": TEXT, "details": "true"}),
    "/users": Route(
        filters={
            "id": NUMBERS,
            "full_name": TEXT,
            "role_id": NUMBERS,
            "status": TEXT,
            "email": TEXT,
            "phone": TEXT,
            "created_between": RANGE,
            "last_logged_between": RANGE,
        }
    ),
    "/buyer": Route(
        filters={"buyer_id": NUMBERS, "buyer_phone": TEXT, "buyer_email": TEXT, **_DATES},
        includes=_BUYER_INCLUDES,
    ),
    "/buyer/{id}": Route(includes=_BUYER_INCLUDES, is_paged=False),
    "/companies": Route(filters={"company_id": NUMBERS, **_DATES}, includes=_COMPANY_INCLUDES),
    "/companies/{id}": Route(includes=_COMPANY_INCLUDES, is_paged=False),
    "/payments/external-transactions": Route(
        filters={
            "id": NUMBERS,
            "transaction_uuid": TEXT,
            "gateway_id": NUMBERS,
            "is_attached": FLAG,
            "created_between": RANGE,
        }
    ),
    "/custom-fields": Route(
        filters={"model": TEXT}, includes=("options",), sorts=("position",), is_paged=False
    ),
}


def route_of(path: str) -> str:
    """The route of a path without `/v1`, such as `/order/{id}` for `/order/7`."""
    return re.sub(r"/\d+$", "/{id}", path)


def objections(method: str, path: str, query: Sequence[tuple[str, str]]) -> list[str]:
    """What is undocumented in a request; empty if nothing is.

    Args:
        method: The HTTP method.
        path: The path without `/v1`.
        query: The decoded query.
    """
    route = ROUTES.get(route_of(path))
    if method != "GET" or route is None:
        return [f"no such request: {method} {path}"]
    names = [name for name, _value in query]
    found = [f"{name} is given twice" for name in sorted(set(names)) if names.count(name) > 1]
    for name, value in query:
        objection = _objection(route, name, value)
        if objection is not None:
            found.append(f"{route_of(path)}: {objection}")
    return found


def _objection(route: Route, name: str, value: str) -> str | None:
    """What is undocumented in one parameter, or None."""
    filtered = re.fullmatch(r"filter\[(\w+)\]", name)
    if filtered is not None and filtered[1] in route.filters:
        is_known = re.fullmatch(route.filters[filtered[1]], value) is not None
    elif name == "include":
        is_known = set(value.split(",")) <= set(route.includes)
    elif name == "sort":
        is_known = value.removeprefix("-") in route.sorts
    elif name in _PAGING and route.is_paged:
        highest = GREATEST_LIMIT if name == "limit" else 10**6
        is_known = value.isdecimal() and 1 <= int(value) <= highest
    else:
        is_known = False
    return None if is_known else f"{name}={value} is not documented"
