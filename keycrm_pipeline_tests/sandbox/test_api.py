"""The API behaves like KeyCRM's: envelope, paging, includes, filters, sorting, errors, rate limit."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline.sandbox.shop import CreatedBetween
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import offer_payload, order_payload
from keycrm_pipeline_tests.sandbox.asking import EVERYTHING, KEY, NOW
from keycrm_pipeline_tests.scripted_api import ScriptedApi

ClientOf = Callable[[ScriptedApi], httpx.Client]
PARTS = {
    "buyer",
    "products",
    "manager",
    "assigned",
    "tags",
    "status",
    "marketing",
    "payments",
    "shipping",
    "expenses",
    "custom_fields",
    "attachments",
}


LAST_MONTH = {
    "filter[created_between]": f"{NOW - timedelta(days=30):%Y-%m-%d %H:%M:%S},{NOW:%Y-%m-%d %H:%M:%S}"
}


@pytest.fixture
def demo(demo_shop: EditableShop, client_of: ClientOf) -> httpx.Client:
    """A client of the demo shop."""
    return client_of(ScriptedApi(demo_shop))


@pytest.fixture
def filled(empty_shop: EditableShop, client_of: ClientOf) -> httpx.Client:
    """A client of a shop with the orders 1 to 120, one per hour."""
    for number in range(1, 121):
        ordered_at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number)
        empty_shop.add_order(order_payload(order_id=number, ordered_at=ordered_at))
    return client_of(ScriptedApi(empty_shop))


def _ids(answer: httpx.Response) -> list[int]:
    return [row["id"] for row in answer.json()["data"]]


def test_walking_thirty_days_by_pages_gives_each_order_once(demo: httpx.Client) -> None:
    """In the demo month every order is on exactly one page, `total` is correct on each, and no page is too long."""
    seen: list[int] = []
    page, last_page = 1, 1
    while page <= last_page:
        query: dict[str, str | int] = {"page": page, "limit": 50, "sort": "id", **LAST_MONTH}
        answer = demo.get("/order", params=query).json()
        assert answer["per_page"] == 50
        assert answer["current_page"] == page
        seen += [row["id"] for row in answer["data"]]
        last_page = answer["last_page"]
        page += 1
    assert seen == sorted(set(seen))
    assert len(seen) == answer["total"] > 1000
    assert last_page == -(-len(seen) // 50)


def test_the_envelope_has_every_key_on_the_top_level(filled: httpx.Client) -> None:
    """Clients depend on `last_page` as much as on the documented keys; the addresses repeat the whole query."""
    between = "2026-03-01 00:00:00,2026-03-31 00:00:00"
    query: dict[str, str | int] = {"sort": "id", "filter[created_between]": between, "page": 2, "limit": 50}
    answer = filled.get("/order", params=query).json()
    data, links = answer.pop("data"), answer.pop("links")
    path = "http://sandbox.invalid/v1/order"
    url = (
        f"{path}?sort=id&filter%5Bcreated_between%5D=2026-03-01+00%3A00%3A00%2C2026-03-31+00%3A00%3A00"
        "&limit=50&page="
    )
    assert [row["id"] for row in data] == list(range(51, 101))
    assert answer == {
        "total": 120,
        "current_page": 2,
        "per_page": 50,
        "last_page": 3,
        "from": 51,
        "to": 100,
        "path": path,
        "first_page_url": f"{url}1",
        "last_page_url": f"{url}3",
        "next_page_url": f"{url}3",
        "prev_page_url": f"{url}1",
    }
    assert links == [
        {"url": f"{url}1", "label": "&laquo; Previous", "active": False},
        {"url": f"{url}1", "label": "1", "active": False},
        {"url": f"{url}2", "label": "2", "active": True},
        {"url": f"{url}3", "label": "3", "active": False},
        {"url": f"{url}3", "label": "Next &raquo;", "active": False},
    ]


def test_the_links_of_a_long_list_are_few(filled: httpx.Client) -> None:
    """Hundreds of pages do not make hundreds of addresses in each answer."""
    links = filled.get("/order?limit=1&page=60").json()["links"]
    labels = ["1", "2", "...", "57", "58", "59", "60", "61", "62", "63", "...", "119", "120"]
    assert [link["label"] for link in links[1:-1]] == labels


def test_following_the_next_page_stays_in_the_same_list(filled: httpx.Client) -> None:
    """Filters, sort and limit are in the address of the next page."""
    query: dict[str, str | int] = {"sort": "id", "limit": 7}
    query["filter[created_between][from]"] = "2026-03-01 05:00:00"
    query["filter[created_between][to]"] = "2026-03-02 05:00:00"
    page = filled.get("/order", params=query).json()
    seen = [row["id"] for row in page["data"]]
    while page["next_page_url"]:
        page = filled.get(page["next_page_url"]).json()
        seen += [row["id"] for row in page["data"]]
    assert seen == list(range(5, 30))


def test_the_last_page_has_no_next_and_a_page_past_it_is_empty(filled: httpx.Client) -> None:
    """A page past the end is empty, with status 200, not an error."""
    last = filled.get("/order", params={"sort": "id", "page": 3, "limit": 50}).json()
    past = filled.get("/order", params={"sort": "id", "page": 4, "limit": 50})
    assert (last["next_page_url"], last["to"], len(last["data"])) == (None, 120, 20)
    assert (past.status_code, past.json()["data"], past.json()["from"]) == (200, [], None)
    assert past.json()["total"] == 120


@pytest.mark.parametrize(("limit", "rows"), [(None, 15), ("200", 50), ("7", 7), ("0", 1), ("many", 15)])
def test_the_limit_is_clamped_without_a_word(filled: httpx.Client, limit: str | None, rows: int) -> None:
    """A client that asks for 200 gets 50 without an error."""
    answer = filled.get("/order", params={} if limit is None else {"limit": limit}).json()
    assert (len(answer["data"]), answer["per_page"]) == (rows, rows)


def test_orders_come_newest_first_unless_sorted(filled: httpx.Client) -> None:
    """KeyCRM does not document the order, so a client that forgets `sort` must not work by luck."""
    assert _ids(filled.get("/order"))[:3] == [120, 119, 118]
    assert _ids(filled.get("/order?sort=id"))[:3] == [1, 2, 3]
    assert _ids(filled.get("/order?sort=-id"))[:3] == [120, 119, 118]
    assert _ids(filled.get("/order?sort=updated_at"))[:2] == [1, 2]
    assert _ids(filled.get("/order?sort=-created_at&page=2"))[:2] == [105, 104]
    # Several keys are accepted and ignored.
    assert _ids(filled.get("/order?sort=created_at,id"))[:2] == [120, 119]


def test_an_unknown_sort_key_is_refused(filled: httpx.Client) -> None:
    """The error is a JSON message."""
    answer = filled.get("/order?sort=price")
    assert answer.status_code == 400
    assert "`price`" in answer.json()["message"]


def test_without_include_the_parts_are_absent_not_null(demo: httpx.Client) -> None:
    """An order "without lines" usually means a forgotten include."""
    row = demo.get("/order").json()["data"][0]
    assert not PARTS & set(row)
    assert {"id", "client_id", "grand_total", "ordered_at", "warehouse"} <= set(row)


def test_each_include_adds_its_own_key(demo: httpx.Client) -> None:
    """`products` has no offers, and `shipping` no service and history, unless requested."""
    for part in sorted(PARTS):
        row = demo.get("/order", params={"include": part}).json()["data"][0]
        assert PARTS & set(row) == {part}
    lines = demo.get("/order?include=products").json()["data"][0]["products"]
    assert lines
    assert all("offer" not in line for line in lines)
    query = {"include": "shipping", "filter[has_tracking_code]": "true", **LAST_MONTH}
    shipped = demo.get("/order", params=query).json()["data"][0]["shipping"]
    assert not {"delivery_service", "last_history"} & set(shipped)


def test_every_include_at_once(demo: httpx.Client) -> None:
    """The includes that a load requests for each page."""
    answer = demo.get(
        "/order", params={"include": EVERYTHING, "filter[has_tracking_code]": "true", **LAST_MONTH}
    )
    row = answer.json()["data"][0]
    assert PARTS - {"attachments"} <= set(row)
    assert all("offer" in line for line in row["products"])
    assert row["shipping"]["delivery_service"]["name"] in ("Нова Пошта", "Укрпошта")
    assert row["shipping"]["last_history"]["tracking_code"] == row["shipping"]["tracking_code"]
    assert row["status"]["id"] == row["status_id"]


def test_relations_can_be_counted(filled: httpx.Client) -> None:
    """The server's variants of includes for counts and existence."""
    row = filled.get("/order?include=productsCount,paymentsExists,buyerExists").json()["data"][0]
    assert (row["products_count"], row["payments_exists"], row["buyer_exists"]) == (1, False, True)
    assert "products" not in row


def test_every_requested_key_is_in_every_order(demo: httpx.Client) -> None:
    """Nothing there is null or an empty list, never a missing key."""
    query = {"include": EVERYTHING + ",attachments", "limit": "50", **LAST_MONTH}
    page, seen = demo.get("/order", params=query).json(), 0
    while True:
        for row in page["data"]:
            assert set(row) >= PARTS
            assert all("offer" in line for line in row["products"])
            assert row["shipping"] is None or {"delivery_service", "last_history"} <= set(row["shipping"])
        seen += len(page["data"])
        if page["next_page_url"] is None:
            break
        page = demo.get(page["next_page_url"]).json()
    assert seen > 1000


def test_both_names_of_custom_fields_work(filled: httpx.Client) -> None:
    """The server itself uses camel case."""
    assert filled.get("/order/1?include=customFields").json()["custom_fields"] == []


def test_a_wrong_include_is_refused_in_keycrms_words(filled: httpx.Client) -> None:
    """A client must not retry it."""
    for path in ("/order?include=source,buyer", "/order/1?include=source"):
        answer = filled.get(path)
        assert answer.status_code == 400
        message = answer.json()["message"]
        assert message.startswith(
            "Requested include(s) `source` are not allowed. Allowed include(s) are `buyer,"
        )


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ("2026-03-01 05:00:00, 2026-03-01 07:00:00", [5, 6, 7]),
        ("2026-03-01 05:00:01,2026-03-01 06:59:59", [6]),
        ("2026-03-01T05:00:00Z,2026-03-01T06:00:00Z", [5, 6]),
        ("2026-03-01,2026-03-02", list(range(1, 25))),
    ],
)
def test_periods_are_read_in_every_form(filled: httpx.Client, between: str, expected: list[int]) -> None:
    """Both ends are included; a bare end date is its midnight, which excludes that day."""
    for name in ("created_between", "updated_between"):
        answer = filled.get("/order", params={"sort": "id", "limit": 50, f"filter[{name}]": between})
        assert _ids(answer) == expected
        begin, end = between.split(",")
        array = {f"filter[{name}][from]": begin, f"filter[{name}][to]": end}
        assert _ids(filled.get("/order", params={"sort": "id", "limit": 50, **array})) == expected


def test_a_period_that_is_none_is_refused(filled: httpx.Client) -> None:
    """Returning everything would hide the mistake."""
    assert filled.get("/order?filter[created_between]=yesterday").status_code == 400
    assert filled.get("/order?filter[updated_between]=2026-03-01").status_code == 400
    assert filled.get("/order?filter[updated_between][from]=2026-03-01").status_code == 400


@pytest.mark.parametrize(
    ("reading", "of_march", "of_april"), [("ordered_at", [1], [2]), ("created_at", [], [1, 2])]
)
def test_created_between_goes_by_the_date_that_the_shop_was_given(
    client_of: ClientOf, reading: CreatedBetween, of_march: list[int], of_april: list[int]
) -> None:
    """An order of March entered in April is found in one of the months; without a date it belongs to April."""
    shop = EditableShop.empty(lambda: NOW, created_between=reading)
    april = "2026-04-05T10:00:00.000000Z"
    shop.add_order(order_payload(order_id=1, created_at=april))
    shop.add_order(order_payload(order_id=2, ordered_at=None, created_at=april))
    client = client_of(ScriptedApi(shop))
    for month, expected in (("2026-03-01,2026-04-01", of_march), ("2026-04-01,2026-05-01", of_april)):
        query = {"filter[created_between]": month, "sort": "id"}
        assert _ids(client.get("/order", params=query)) == expected


def test_filters_of_orders(empty_shop: EditableShop, client_of: ClientOf) -> None:
    """Phones match as stored or by their digits; lists work where clients use them, elsewhere only the first counts."""
    buyer = {"id": 5, "phone": "380500000009", "email": "a@example.com"}
    empty_shop.add_order(order_payload(order_id=1, status_id=12, source_id=2, source_uuid="№9", buyer=buyer))
    empty_shop.add_order(order_payload(order_id=2, status_id=13, payments=[{"amount": 40}]))
    client = client_of(ScriptedApi(empty_shop))
    cases = {
        ("status_id", "12"): [1],
        ("status_id", "13, 12"): [1, 2],
        ("status_id", "x"): [],
        ("source_id", "2"): [1],
        ("source_id", "1,2"): [2],
        ("source_uuid", "№9"): [1],
        ("payment_status", "paid,part_paid"): [2],
        ("payment_status", "not_paid,part_paid"): [1, 2],
        ("buyer_phone", "380500000009,+380500000001"): [1, 2],
        ("buyer_phone", "+380500000009"): [],
        ("buyer_email", "a@example.com"): [1],
        ("has_tracking_code", "true"): [],
        ("buyer_phone", "380500000001"): [2],
    }
    for (name, value), expected in cases.items():
        answer = client.get("/order", params={"sort": "id", f"filter[{name}]": value})
        assert _ids(answer) == expected, (name, value)


@pytest.mark.parametrize(
    "query",
    [
        "filter[manager_id]=3",
        "filter[status_id]=1&filter[created_at_from]=2030-01-01",
        "filter[created_at][from]=2030-01-01&filter[created_at][to]=2030-02-01",
        "filter[ordered_between]=2026-03-01,2026-03-02",
    ],
)
def test_an_unknown_filter_of_orders_is_refused_in_keycrms_words(filled: httpx.Client, query: str) -> None:
    """A misspelt filter does not return everything; elsewhere it does."""
    answer = filled.get(f"/order?{query}")
    assert answer.status_code == 400
    name = query.split("filter[")[-1].split("]")[0]
    assert answer.json()["message"] == (
        f"Requested filter(s) `{name}` are not allowed. Allowed filter(s) are `status_id, source_id, buyer_email, "
        "buyer_phone, has_tracking_code, created_between, updated_between, payment_status, source_uuid, "
        "shipping_between`."
    )
    assert filled.get(f"/users?{query}").json()["total"] == 6


def test_orders_are_found_by_any_number_of_the_buyers_card(
    demo: httpx.Client, two_months: list[dict[str, Any]]
) -> None:
    """The second number of a card is not in the order, and yet it finds it."""
    order = next(order for order in two_months if order["buyer"] and order["buyer"]["id"] % 25 == 0)
    buyer = order["buyer"]
    other = demo.get(f"/buyer/{buyer['id']}").json()["phone"][-1].removeprefix("+")
    assert other not in (buyer["phone"] or "")
    query = {"filter[buyer_phone]": other, "include": "buyer", "limit": 50}
    found = demo.get("/order", params=query).json()["data"]
    assert order["id"] in [row["id"] for row in found]
    assert {row["buyer"]["id"] for row in found} == {buyer["id"]}
    assert _ids(demo.get("/buyer", params={"filter[buyer_phone]": other})) == [buyer["id"]]


def test_one_order_is_bare_and_a_missing_one_404(filled: httpx.Client, empty_shop: EditableShop) -> None:
    """Nothing else shows that an order was deleted."""
    assert filled.get("/order/7?include=buyer").json()["buyer"]["id"] == 917
    empty_shop.delete_order(7)
    assert filled.get("/order/7").status_code == 404
    assert filled.get("/order?sort=id&limit=50").json()["total"] == 119


def test_numbers_are_json_numbers_and_times_have_microseconds(demo: httpx.Client) -> None:
    """Money has no trailing zeros and is never a computed float."""
    text = demo.get("/order", params={"include": "products", "limit": 50}).text
    rows = json.loads(text, parse_float=str)["data"]
    prices = [line["price"] for row in rows for line in row["products"]]
    assert any(isinstance(price, int) for price in prices)
    decimals = [price for price in prices if isinstance(price, str)]
    assert decimals
    assert all(len(price.split(".")[1]) <= 2 and not price.endswith("0") for price in decimals)
    assert all(datetime.strptime(row["created_at"], "%Y-%m-%dT%H:%M:%S.%fZ") for row in rows)  # noqa: DTZ007


def test_without_a_key_everything_is_refused(demo_shop: EditableShop) -> None:
    """The error is Laravel's 401; a shop without its own key accepts any."""
    api = ScriptedApi(demo_shop)
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Basic x"}):
        answer = api.handle("GET", "/v1/order", [], headers)
        assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthenticated."})
    assert api.handle("GET", "/v1/order", [], {"authorization": "Bearer x"}).status == 200


def test_only_the_right_key_opens_a_shop_that_has_one(demo_shop: EditableShop) -> None:
    """The key of another account is rejected."""
    api = ScriptedApi(demo_shop, api_key="right")
    assert api.handle("GET", "/v1/users", [], {"Authorization": "Bearer wrong"}).status == 401
    assert api.handle("GET", "/v1/users", [], {"Authorization": "Bearer right"}).status == 200


def test_wrong_paths(demo: httpx.Client) -> None:
    """Without /v1 the web server responds, with it the API, which can only be read."""
    outside = demo.get("http://shop/order")
    assert (outside.status_code, "nginx" in outside.text) == (404, True)
    inside = demo.get("/orders")
    assert (inside.status_code, inside.json()) == (404, {"message": "Not Found"})
    assert demo.get("/order/abc").status_code == 404
    assert demo.post("/order").status_code == 405


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("/order/status", {"id", "name", "alias", "group_id", "is_closing_order", "expiration_period"}),
        ("/order/source", {"id", "name", "alias", "driver", "currency_code", "deleted_at"}),
        ("/order/tag", {"id", "name", "alias", "color"}),
        ("/order/delivery-service", {"id", "name", "source_name", "alias"}),
        ("/order/payment-method", {"id", "name", "alias", "is_active"}),
        ("/order/expense-type", {"id", "name", "alias", "is_reserved", "by_order"}),
        ("/order/product-status", {"id", "name", "alias", "position"}),
        ("/users", {"id", "full_name", "username", "status", "role_id"}),
        ("/companies", {"id", "name", "title", "bank_account"}),
        ("/products/categories", {"id", "name", "parent_id"}),
    ],
)
def test_dictionaries_are_paged_lists(demo: httpx.Client, path: str, keys: set[str]) -> None:
    """Every list that a load requests once."""
    answer = demo.get(path, params={"limit": 50}).json()
    assert answer["total"] == len(answer["data"])
    assert all(keys <= set(row) for row in answer["data"])


def test_the_status_list_leaves_out_what_orders_still_carry(demo: httpx.Client) -> None:
    """`/order/status` lists only active statuses; an order contains the same record."""
    listed = _ids(demo.get("/order/status?limit=50"))
    assert listed == [*range(1, 20), 21, 22]
    assert _ids(demo.get("/order/status?limit=50&sort=-id"))[0] == 22
    window = f"{NOW - timedelta(days=60):%Y-%m-%d %H:%M:%S},{NOW:%Y-%m-%d %H:%M:%S}"
    query = {"filter[status_id]": "24", "include": "status", "filter[created_between]": window}
    row = demo.get("/order", params=query).json()["data"][0]
    assert row["status"]["name"] == "Дубль замовлення"


def test_products_and_their_filters(empty_shop: EditableShop, client_of: ClientOf) -> None:
    """The requests of a load for the catalogue, fifty ids at a time."""
    options = [{"name": "Колір", "value": "Синій"}]
    variants = [
        offer_payload(11, sku="A", properties=options),
        offer_payload(12, sku="B", properties=options),
    ]
    empty_shop.add_product(product_payload(1, "Капці", has_offers=True, category_id=2), variants)
    empty_shop.add_product(
        product_payload(2, "Кухоль", sku="K", is_archived=True), [offer_payload(13, sku="K")]
    )
    client = client_of(ScriptedApi(empty_shop))
    varied, plain = client.get("/products").json()["data"]
    assert ("sku" in varied, plain["sku"]) == (False, "K")
    assert "custom_fields" not in plain
    assert client.get("/products/2?include=custom_fields").json()["custom_fields"] == []
    assert client.get("/products/3").status_code == 404
    assert client.get("/products?include=offers").status_code == 400
    assert _ids(client.get("/products?filter[product_id]=2,9")) == [2]
    assert _ids(client.get("/products?filter[category_id]=2")) == [1]
    assert _ids(client.get("/products?filter[is_archived]=true")) == [2]
    assert _ids(client.get("/products?filter[is_archived]=false")) == [1]
    assert _ids(client.get("/offers?filter[product_id]=1&sort=-id")) == [12, 11]
    assert _ids(client.get("/offers?filter[id]=11,13")) == [11, 13]
    assert _ids(client.get("/offers?filter[sku]=K,B")) == [12, 13]
    assert "product" not in client.get("/offers").json()["data"][0]
    product = client.get("/offers?include=product&filter[id]=12").json()["data"][0]["product"]
    assert (product["name"], product["properties_agg"]) == ("Капці", {"Колір": ["Синій"]})


def test_stocks_have_details_when_asked(empty_shop: EditableShop, client_of: ClientOf) -> None:
    """Quantities by warehouse add up to the offer's."""
    empty_shop.add_offer(offer_payload(13, sku="K", quantity=41, in_reserve=3))
    client = client_of(ScriptedApi(empty_shop))
    row = client.get("/offers/stocks?filter[details]=true&filter[offers_id]=13&include=anything").json()[
        "data"
    ][0]
    assert (row["quantity"], row["reserve"]) == (41, 3)
    assert [(place["quantity"], place["reserve"]) for place in row["warehouse"]] == [(31, 3), (10, 0)]
    assert "warehouse" not in client.get("/offers/stocks?filter[offers_sku]=K").json()["data"][0]


def test_categories_know_their_parents(demo: httpx.Client) -> None:
    """The service category with its child and grandchild."""
    assert _ids(demo.get("/products/categories?filter[parent_id]=7")) == [10]
    assert _ids(demo.get("/products/categories?filter[parent_id]=10")) == [11]
    assert demo.get("/products/categories?filter[category_id]=7").json()["data"][0]["name"] == "Послуги"


def test_users_can_be_filtered_and_include_is_ignored(demo: httpx.Client) -> None:
    """A manager who left is blocked, but still listed."""
    assert _ids(demo.get("/users?filter[status]=blocked&include=nonsense")) == [6]
    assert _ids(demo.get("/users?filter[id]=2,3")) == [2, 3]
    assert _ids(demo.get("/users?filter[created_between]=2026-01-01,2026-02-01")) == []
    assert len(_ids(demo.get("/users?filter[last_logged_between]=2024-02-12,2024-02-13"))) == 6


def test_buyers_have_lists_of_phones(demo: httpx.Client, demo_shop: EditableShop) -> None:
    """Unlike the buyer in an order; pages continue across the gap between old and new ids."""
    row = demo.get("/buyer/2").json()
    inside = demo_shop.buyer(2)
    assert inside is not None
    assert (row["phone"], isinstance(row["email"], list)) == ([inside["phone"]], True)
    assert demo.get("/buyer/700").status_code == 404
    assert _ids(demo.get("/buyer?limit=50&page=14"))[8:12] == [659, 660, 1000, 1001]
    assert _ids(demo.get("/buyer?filter[buyer_id]=3,700,2")) == [2, 3]
    assert demo.get("/buyer/2?include=company,loyalty").json()["loyalty"] == []
    assert demo.get("/buyer?include=orders").status_code == 400


def test_buyers_can_be_found_by_phone_email_and_date(empty_shop: EditableShop, client_of: ClientOf) -> None:
    """Phones are found as stored or by their digits, the rest only as stored."""
    empty_shop.add_order(order_payload())
    client = client_of(ScriptedApi(empty_shop))
    for query in (
        {"filter[buyer_phone]": "+380500000001,1"},
        {"filter[buyer_phone]": "380500000001"},
        {"filter[buyer_email]": "olena.testova@example.com"},
        {"filter[created_between]": "2025-11-03 00:00:00,2025-11-04 00:00:00"},
        {"filter[updated_between]": "2025-11-03 00:00:00,2025-11-04 00:00:00"},
    ):
        assert _ids(client.get("/buyer", params=query)) == [917]
    assert _ids(client.get("/buyer?filter[buyer_phone]=0500000001")) == []
    empty_shop.remove_buyer(917)
    assert client.get("/buyer/917").status_code == 404


def test_companies(demo: httpx.Client) -> None:
    """Companies are found by list and by id."""
    assert demo.get("/companies/1").json()["name"] == "ТОВ «Вигадка»"
    assert demo.get("/companies/99").status_code == 404
    assert _ids(demo.get("/companies?filter[company_id]=2")) == [2]
    assert _ids(demo.get("/companies?filter[created_between]=2022-11-01,2022-11-02")) == [1, 2, 3]
    assert _ids(demo.get("/companies?filter[updated_between]=2026-01-01,2026-02-01")) == []
    assert demo.get("/companies/1?include=buyer").json()["buyer"] == []


def test_some_products_have_a_custom_field(demo: httpx.Client) -> None:
    """The demo profile has a column for their УКТЗЕД, which would be empty otherwise."""
    products = demo.get("/products?include=custom_fields").json()["data"]
    filled = [product["custom_fields"] for product in products if product["custom_fields"]]
    assert 0 < len(filled) < len(products)
    assert {field["uuid"] for fields in filled for field in fields} == {"CT_1015"}


def test_custom_fields_are_a_plain_array(demo: httpx.Client) -> None:
    """The only list without an envelope."""
    rows = demo.get("/custom-fields?filter[model]=order&include=options").json()
    assert [row["uuid"] for row in rows] == ["OR_1012", "OR_1013"]
    backwards = demo.get("/custom-fields?sort=-position").json()
    assert [row["uuid"] for row in backwards] == [
        "CT_1016", "CT_1015", "CT_1014", "OR_1013", "OR_1012",
    ]  # fmt: skip
    assert [option["value"] for option in rows[0]["options"]] == ["Коробка", "Пакет", "Подарункове"]
    assert "options" not in demo.get("/custom-fields").json()[0]


def _limited(shop: EditableShop, seconds: list[float]) -> Callable[[], tuple[int, dict[str, str]]]:
    api = ScriptedApi(shop, requests_per_minute=3, clock=lambda: seconds[0])

    def ask() -> tuple[int, dict[str, str]]:
        answer = api.handle("GET", "/v1/users", [], KEY)
        return answer.status, dict(answer.headers)

    return ask


def test_the_rate_limit_is_a_sliding_minute(demo_shop: EditableShop) -> None:
    """With three per minute, at 0, 10 and 20 s, the fourth is accepted when the first is 60 s old."""
    seconds = [0.0]
    ask = _limited(demo_shop, seconds)
    for moment in (0.0, 10.0, 20.0):
        seconds[0] = moment
        assert ask()[0] == 200
    seconds[0] = 30.5
    status, headers = ask()
    assert status == 429
    assert (headers["Retry-After"], headers["X-RateLimit-Remaining"]) == ("30", "0")
    assert headers["X-RateLimit-Reset"] == str(int(NOW.timestamp()) + 30)
    seconds[0] = 59.9
    assert ask()[0] == 429
    seconds[0] = 60.0
    assert ask()[0] == 200
    assert ask()[0] == 429
    seconds[0] = 70.0
    assert ask()[0] == 200


def test_good_answers_say_how_many_requests_are_left(demo_shop: EditableShop) -> None:
    """Of three allowed requests two, one and none are left."""
    ask = _limited(demo_shop, [0.0])
    assert [ask()[1]["X-RateLimit-Remaining"] for _ in range(3)] == ["2", "1", "0"]


def test_each_key_has_its_own_limit(demo_shop: EditableShop) -> None:
    """Two accounts do not slow each other down."""
    api = ScriptedApi(demo_shop, requests_per_minute=1, clock=lambda: 0.0)
    for key, status in (("a", 200), ("b", 200), ("a", 429)):
        assert api.handle("GET", "/v1/users", [], {"Authorization": f"Bearer {key}"}).status == status


def test_requests_are_counted_and_remembered_without_the_key(demo_shop: EditableShop) -> None:
    """The log shows how many requests a load made, and which, but not the key."""
    api = ScriptedApi(demo_shop)
    api.handle("GET", "/v1/order", [("page", "2")], {"Authorization": "Bearer secret-key"})
    api.handle("GET", "/v1/nowhere", [], KEY)
    assert api.request_count == 2
    assert [(record.path, record.query, record.status) for record in api.requests] == [
        ("/order", (("page", "2"),), 200),
        ("/nowhere", (), 404),
    ]
    assert all(record.at == NOW for record in api.requests)
    assert "secret-key" not in repr(api.requests)
    api.forget_requests()
    assert (api.request_count, api.requests) == (0, [])


def test_many_threads_may_ask_at_once() -> None:
    """Pages are fetched concurrently; each thread gets what it would get alone."""
    opened = date(2026, 10, 20)
    api = ScriptedApi(EditableShop(lambda: NOW, first_day=opened))
    alone = [_page(ScriptedApi(EditableShop(lambda: NOW, first_day=opened)), page) for page in range(1, 9)]
    together: list[list[int]] = [[] for _ in range(8)]

    def ask(place: int) -> None:
        together[place] = _page(api, place + 1)

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
    assert api.request_count == 8


def _page(api: ScriptedApi, page: int) -> list[int]:
    query = [("page", str(page)), ("limit", "50"), ("sort", "id"), ("include", EVERYTHING)]
    answer = api.handle("GET", "/v1/order", query, KEY)
    return [row["id"] for row in json.loads(answer.body)["data"]]
