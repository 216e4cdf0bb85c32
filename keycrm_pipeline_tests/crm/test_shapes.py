"""The shape of an order: what is mended, what is reported, and that SQL lets nothing odd pass unseen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.crm.shapes import is_whole_row, read_options, read_shape, takes_away
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.payloads import offer_payload, order_payload

ORDER = order_payload(
    7,
    lines=[
        {"offer": offer_payload(1, 2, sku="A"), "properties": [{"name": "Колір", "value": "Синій"}]},
        {"offer": None},
    ],
    payments=[{"amount": 400}],
    expenses=[{"amount": 7}],
    shipping={
        "delivery_service_id": 1,
        "delivery_service": {"name": "Нова пошта"},
        "tracking_code": None,
        "shipping_address_city": "Полтава",
    },
    manager={"id": 5},
)


def test_the_usual_order_is_left_as_it_is() -> None:
    """Also one of which every part is none."""
    for order in (ORDER, order_payload(7, buyer=None, shipping=None, manager=None)):
        shape = read_shape(json.dumps(order))
        assert (shape.payload, shape.unreadable) == (None, ())


@pytest.mark.parametrize("payload", ["", "nonsense", "5", "[]", '"text"', "[" * 100_000])
def test_what_is_no_order_is_left_to_others(payload: str) -> None:
    shape = read_shape(payload)
    assert (shape.payload, shape.unreadable) == (None, ())


def test_numbers_of_a_mended_order_keep_their_digits() -> None:
    """Beyond what a floating point number holds, and with their zeros."""
    text = json.dumps({**ORDER, "payments": {}}).replace('"amount": 7', '"amount": 12345678901234567890.10')
    mended = read_shape(text).payload
    assert mended is not None
    assert json.loads(mended)["expenses"][0]["amount"] == "12345678901234567890.10"


@pytest.mark.parametrize(
    ("fresh", "is_less"),
    [
        ({"name": "Каса", "parent_id": 7}, False),
        ({"name": "Каса", "parent_id": None}, False),
        ({"name": "Інша", "parent_id": 8, "more": 1}, False),
        ({"name": "Каса"}, True),
        ({"name": "Каса", "parent_id": {"id": 7}}, True),
        ({"name": ["Каса"], "parent_id": 7}, True),
    ],
)
def test_a_row_that_says_less_than_before(fresh: dict[str, Any], is_less: bool) -> None:
    """A key that was there and is not, or a list in its place; null is an answer."""
    keys = ("name", "parent_id")
    assert takes_away(fresh, {"name": "Каса", "parent_id": 7}, keys) == is_less
    assert is_whole_row(fresh, keys) != is_less
    assert not takes_away(fresh, {}, keys)


def test_options_of_every_form() -> None:
    listed = [{"name": "Колір", "value": "Синій"}]
    assert read_options(listed) == listed
    assert read_options({"Колір": "Синій"}) == listed
    assert read_options({"1": listed[0]}) == listed
    nothing: list[Any] = [None, "", [], {}]
    assert list(map(read_options, nothing)) == [[]] * 4
    odd: list[Any] = ["Колір", 5, ["Синій"], [listed], {"1": "Синій"}]
    assert list(map(read_options, odd)) == [None] * 5


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the macros that type orders, and a table for payloads."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(statement("validation", "macros"))
        connection.execute(
            "CREATE SCHEMA raw; CREATE TABLE raw.orders "
            "(order_id BIGINT, order_day DATE, payload_hash VARCHAR, payload JSON)"
        )
        yield connection


def odd_orders(database: duckdb.DuckDBPyConnection, payloads: list[str]) -> set[int]:
    """Which of these payloads SQL hands on to be looked at, by their places."""
    database.execute("DELETE FROM raw.orders")
    database.executemany(
        "INSERT INTO raw.orders VALUES (?, DATE '2026-03-02', 'x', ?)",
        [(place, payload) for place, payload in enumerate(payloads)],
    )
    structure = " ".join(statement("validation", "structure").split())
    database.execute(
        statement("validation", "stage_payloads").format(orders="true"), {"structure": structure}
    )
    return {row[0] for row in database.execute(statement("validation", "odd_payloads")).fetchall()}


def test_usual_orders_are_not_looked_at(database: duckdb.DuckDBPyConnection) -> None:
    """Whatever of them is none: only odd orders cost the time of Python."""
    usual = [
        ORDER,
        order_payload(7, buyer=None, shipping=None, manager=None, lines=[{"offer": None}]),
        {**ORDER, "shipping": {"tracking_code": None, "delivery_service": None}},
        {**ORDER, "payments": [], "expenses": [], "products": []},
        {key: value for key, value in ORDER.items() if key not in ("tags", "marketing", "assigned")},
    ]
    assert odd_orders(database, [json.dumps(order, ensure_ascii=False) for order in usual]) == set()


def paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """All places in a JSON value."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*path, key))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from paths(member, (*path, number))


PARTS = ("buyer", "manager", "status", "shipping", "products", "payments", "expenses")
PLACES = [path for path in paths(ORDER) if path[0] in PARTS or len(path) == 1]
ABSENT = "<absent>"
values = st.recursive(
    st.sampled_from([None, True, 0, 12.5, "", " ", "[]", "{}", "x", "[x", ABSENT]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["1", "2", "id", "name", "value", "Колір"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """The value with what is at the path replaced, or left out."""
    key, *rest = path
    copy: Any = list(value) if isinstance(value, list) else dict(value)
    if rest:
        copy[key] = replaced(copy[key], tuple(rest), new)
    elif new == ABSENT:
        del copy[key]
    else:
        copy[key] = new
    return copy


@given(st.lists(st.tuples(st.sampled_from(PLACES), values), min_size=100, max_size=200))
@settings(deadline=None, max_examples=15)
def test_nothing_odd_passes_unseen(
    database: duckdb.DuckDBPyConnection, changes: list[tuple[tuple[str | int, ...], Any]]
) -> None:
    """What must be mended or reported is handed on by SQL, which reads a million orders and not each of its parts."""
    payloads = [json.dumps(replaced(ORDER, *change), ensure_ascii=False) for change in changes]
    seen = odd_orders(database, payloads)
    shapes = [read_shape(payload) for payload in payloads]
    missed = [
        changes[place]
        for place, shape in enumerate(shapes)
        if (shape.unreadable or shape.payload is not None) and place not in seen
    ]
    assert missed == []
