"""R14: versions are compared again only if something of them, of the rules or of the result has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from keycrm_pipeline.pipeline import movements
from keycrm_pipeline.warehouse import movements as store
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks

MOVEMENTS = "SELECT * FROM accounting.order_movements ORDER BY ALL"
PAID = payment_payload(71, 100, status="paid")
CANCELLED = PAID | {"status": "canceled"}


@pytest.fixture
def books(new_books: MakeBooks) -> Books:
    """Two orders with a movement each: a payment that was cancelled."""
    books = new_books()
    for order_id in (501, 502):
        books.order(order_id, payments=[PAID | {"id": order_id}])
    books.load()
    for order_id in (501, 502):
        books.shop.replace_order(order_id, {"payments": [CANCELLED | {"id": order_id}]})
    books.load()
    return books


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The orders whose versions are read."""
    read: list[int] = []
    original: Callable[..., Any] = store.read_versions

    def noted(*given: Any, **named: Any) -> Any:
        found = original(*given, **named)
        read.extend(found.versions["order_id"].unique().sort())
        return found

    monkeypatch.setattr(store, "read_versions", noted)
    return read


def test_nothing_is_compared_again_while_nothing_changed(books: Books, compared: list[int]) -> None:
    """A rebuild and a load leave all movements as they are, without reading a version."""
    found = books.query(MOVEMENTS)
    assert [row[2] for row in found] == ["payment_cancelled"] * 2
    books.rebuild()
    books.load()
    assert compared == []
    assert books.query(MOVEMENTS) == found


def test_only_the_order_that_changed_is_compared(books: Books, compared: list[int]) -> None:
    """A third version of one of two orders."""
    books.shop.replace_order(502, {"payments": [PAID | {"id": 502}]})
    books.load()
    assert compared == [502]
    books.rebuild()
    assert compared == [502]


def test_a_movement_that_was_lost_is_derived_again(books: Books, compared: list[int]) -> None:
    """Somebody deleted one row, and changed another, with a program of their own."""
    found = books.query(MOVEMENTS)
    with books.warehouse.writing() as connection:
        connection.execute("DELETE FROM accounting.order_movements WHERE order_id = 501")
        connection.execute("UPDATE accounting.order_movements SET amount_before = 1 WHERE order_id = 502")
    books.rebuild()
    assert compared == [501, 502]
    assert books.query(MOVEMENTS) == found


def test_other_rules_compare_everything(
    books: Books, compared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer program, and another time zone: both decide what a movement says."""
    monkeypatch.setattr(movements, "_rules", lambda _timezone: "of a newer program")
    books.rebuild()
    assert compared == [501, 502]
