"""R2: only orders of the chosen statuses enter the books; what is in the books always follows KeyCRM."""

from __future__ import annotations

from typing import Any

from keycrm_pipeline_tests.pipeline.bookkeeping import Books, person


def booked(books: Books) -> list[tuple[int, int]]:
    return books.rows("orders", "order_id, status_id")


def test_orders_of_other_statuses_stay_out_until_they_are_chosen(new_books: Any) -> None:
    """With `load: [12]` a new order is kept raw, makes no card, and enters the books when it is completed.

    Once there, it follows KeyCRM whatever its status: a cancelled order must not stay "completed" for ever.
    """
    books = new_books(statuses={"load": [12]})
    books.order(1, status_id=12, buyer=person(1, "Перша"), lines=[{"name": "Чашка"}])
    books.order(2, status_id=1, buyer=person(2, "Друга"), lines=[{"name": "Тарілка"}], shipping_price=50)
    exchange = books.load()
    assert booked(books) == [(1, 12)]
    assert books.rows("raw.orders", "order_id") == [(1,), (2,)]
    assert books.rows("partners", "name") == [("Перша",)]
    assert books.rows("products", "name") == [("Чашка",)]
    assert (exchange.orders_seen, exchange.orders_created, exchange.orders_rejected) == (2, 1, 0)

    books.shop.replace_order(1, {"status_id": 19})
    books.shop.replace_order(2, {"status_id": 12})
    exchange = books.load()
    assert booked(books) == [(1, 19), (2, 12)]
    assert (exchange.orders_created, exchange.orders_updated) == (1, 1)
    assert books.rows("ops.status_history", "order_id, status_id") == [(1, 12), (1, 19), (2, 12)]
    assert books.rows("products", "name, kind") == [
        ("Чашка", "product"),
        ("Тарілка", "product"),
        ("Послуги доставки", "service"),
    ]


def test_register_of_statuses_says_which_are_loaded(new_books: Any) -> None:
    """The list shows every status, chosen or not."""
    books = new_books(statuses={"load": [1, 12]})
    books.order(1, status_id=19)
    books.load()
    assert booked(books) == []
    assert books.rows("statuses", "status_id", "is_loaded") == [(1,), (12,)]
    assert (19, False) in books.rows("statuses", "status_id, is_loaded")


def test_choosing_a_further_status_brings_its_orders_from_what_is_stored(new_books: Any) -> None:
    """When the profile is widened later, a rebuild enters the orders that were kept, without a request."""
    books = new_books(statuses={"load": [12]})
    books.order(1, status_id=1)
    books.load()
    books.profile = books.profile.model_copy(
        update={"statuses": books.profile.statuses.model_copy(update={"load": "all"})}
    )
    exchange = books.rebuild()
    assert booked(books) == [(1, 1)]
    assert exchange.requests == 0
