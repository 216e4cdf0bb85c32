"""What KeyCRM documents, held against what we ask in a whole week's work, and against the demo shop."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline_tests.crm.routes import (
    FLAG,
    NUMBER,
    NUMBERS,
    PAYMENT_STATUSES,
    RANGE,
    ROUTES,
    objections,
    route_of,
)
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books, shop_clock
from keycrm_pipeline_tests.sandbox.asking import KEY
from keycrm_pipeline_tests.scripted_api import ScriptedApi

_EXAMPLES = {
    NUMBER: "1",
    NUMBERS: "1,2",
    FLAG: "true",
    PAYMENT_STATUSES: "paid,part_paid",
    RANGE: "2026-03-01 00:00:00, 2026-03-31 23:59:59",
    "true": "true",
}
"""Form of a filter -> a value; any text for the others."""


def test_we_ask_only_what_keycrm_documents(tmp_path: Path) -> None:
    """A load and all syncs, with a deleted order and a deleted product: every request is in KeyCRM's documents."""
    books = make_books(tmp_path, EditableShop(shop_clock, orders_per_day=12, first_day=date(2026, 3, 1)))
    books.load(date(2026, 3, 28), date(2026, 3, 30))
    orders = books.shop.records(order_id for (order_id,) in books.rows("orders", "order_id"))
    books.shop.delete_order(orders[0]["id"])
    offers = (line["offer"] for order in orders for line in order["products"])
    books.shop.remove_product(next(offer["product_id"] for offer in offers if offer is not None))
    for sync in (books.changes, books.recent, books.sweep, books.catalogue):
        assert sync().status == "succeeded"
    requests = books.api.requests
    assert [
        objection
        for request in requests
        for objection in objections(request.method, request.path, request.query)
    ] == []
    routes = Counter(route_of(request.path) for request in requests)
    assert {"/order", "/order/{id}", "/order/status", "/products", "/products/categories", "/offers"} <= set(
        routes
    )
    filters = {name for request in requests for name, _value in request.query if name.startswith("filter")}
    assert {
        "filter[created_between]",
        "filter[updated_between]",
        "filter[status_id]",
        "filter[product_id]",
        "filter[is_archived]",
    } <= filters


@pytest.mark.parametrize(
    ("method", "path", "query", "objection"),
    [
        ("POST", "/order", "", "no such request: POST /order"),
        ("GET", "/orders", "", "no such request: GET /orders"),
        ("GET", "/order", "limit=200", "/order: limit=200 is not documented"),
        ("GET", "/order", "page=0", "/order: page=0 is not documented"),
        ("GET", "/order", "sort=updated_at", "/order: sort=updated_at is not documented"),
        ("GET", "/products", "sort=id", "/products: sort=id is not documented"),
        ("GET", "/users", "include=role", "/users: include=role is not documented"),
        ("GET", "/order/7", "limit=50", "/order/{id}: limit=50 is not documented"),
        ("GET", "/order/7", "include=buyer,source", "/order/{id}: include=buyer,source is not documented"),
        ("GET", "/order", "filter[manager_id]=3", "/order: filter[manager_id]=3 is not documented"),
        ("GET", "/order", "filter[status_id]=1,2", "/order: filter[status_id]=1,2 is not documented"),
        ("GET", "/order", "limit=7&limit=8", "limit is given twice"),
    ],
)
def test_what_is_undocumented_is_noticed(method: str, path: str, query: str, objection: str) -> None:
    """The table would object to what other clients were seen to get wrong."""
    pairs = [(name, value) for name, _, value in (part.rpartition("=") for part in query.split("&")) if name]
    assert objections(method, path, pairs) == [objection]


@pytest.mark.parametrize("path", ROUTES)
def test_demo_shop_answers_what_keycrm_documents(path: str) -> None:
    """Every documented parameter of every route, each alone and all at once."""
    shop = EditableShop(shop_clock, orders_per_day=12, first_day=date(2026, 3, 1))
    (newest,) = shop.select().newest_first(0, 1)
    numbers = {"/order/{id}": newest, "/products/{id}": 1001, "/buyer/{id}": 2, "/companies/{id}": 1}
    route, api = ROUTES[path], ScriptedApi(shop)
    pairs = [
        *((f"filter[{name}]", _EXAMPLES.get(form, "any")) for name, form in route.filters.items()),
        *(("include", ",".join(route.includes)) for _ in route.includes[:1]),
        *(("sort", f"-{key}") for key in route.sorts),
        *((("page", "1"), ("limit", "50")) if route.is_paged else ()),
    ]
    address = path.replace("{id}", str(numbers.get(path)))
    for query in ([], *([pair] for pair in pairs), pairs):
        answer = api.handle("GET", f"/v1{address}", query, KEY)
        assert answer.status == 200, (query, answer.body)
        body = json.loads(answer.body)
        assert ("data" in body) == route.is_paged
        assert objections("GET", address, query) == []
