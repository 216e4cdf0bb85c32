"""R11: an order that KeyCRM no longer has is marked after a 404 for its id, and never deleted."""

from __future__ import annotations

from typing import Any

import pytest

from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv


def missing(books: Books) -> list[int]:
    return [row[0] for row in books.rows("orders", "order_id", "missing_in_crm")]


def asked_by_id(books: Books) -> list[str]:
    return [request.path for request in books.api.requests if request.path.startswith("/order/") and
            request.path.removeprefix("/order/").isdigit()]  # fmt: skip


def test_deleted_order_is_marked_and_kept(books: Books) -> None:
    """A reload asks for it by id, once; the document stays with all its lines and waits for a person."""
    books.order(1)
    books.order(2)
    books.load()
    before = books.rows("order_lines")
    books.shop.delete_order(2)
    exchange = books.load()
    assert missing(books) == [2]
    assert asked_by_id(books) == ["/order/2"]
    assert books.review("missing_in_crm") == ["2"]
    assert books.rows("order_lines") == before
    assert (exchange.orders_seen, exchange.orders_updated, exchange.orders_unchanged) == (1, 1, 1)
    # It is not asked for, or marked, again.
    state = books.tables()
    books.load()
    assert books.tables() == state
    assert asked_by_id(books) == ["/order/2"]


def booked_and_gone(books: Books, order_id: int) -> dict[str, Any]:
    """Books an order, deletes it in KeyCRM, sees it marked, and returns it as it was."""
    record = books.shop.order(order_id)
    assert record is not None
    books.load()
    books.shop.delete_order(order_id)
    books.load()
    assert missing(books) == [order_id]
    return record


def test_order_that_comes_back_is_no_longer_missing(books: Books) -> None:
    """Restored in KeyCRM as it was: the mark and the entry go."""
    books.order(1)
    books.shop.add_order(booked_and_gone(books, 1))
    books.load()
    assert missing(books) == []
    assert books.review("missing_in_crm") == []


def test_order_that_comes_back_and_is_rejected_is_not_missing(books: Books) -> None:
    """It waits for a correction in KeyCRM: nobody may cancel its document because KeyCRM had lost it."""
    books.order(1)
    booked_and_gone(books, 1)
    books.order(1, lines=[{"price": None}])
    books.load()
    assert missing(books) == []
    assert (books.review("missing_in_crm"), books.review("rejected_order")) == ([], ["1"])
    assert books.value(1, "grand_total") == 100
    # Nothing more to do.
    state = books.tables()
    books.load()
    assert books.tables() == state


@pytest.mark.parametrize("name", ["changes", "sweep"])
def test_order_that_comes_back_is_seen_by_the_passes(books: Books, name: str) -> None:
    """Changes and the sweep see it again, too, though nothing about it changed."""
    books.order(1)
    books.order(2)
    books.shop.add_order(booked_and_gone(books, 2))
    getattr(books, name)()
    assert missing(books) == []


def test_short_list_is_no_proof(books: Books) -> None:
    """An order that is still there under its id, but not in the period's list, is not marked."""
    books.order(1, kyiv(2026, 3, 2))
    books.load()
    books.shop.replace_order(1, {"ordered_at": "2026-03-20T10:00:00.000000Z"})
    books.load()
    assert missing(books) == []


def test_more_than_the_ceiling_is_neither_asked_for_nor_marked(new_books: Any) -> None:
    """When a period comes back nearly empty, something is wrong with the list and not with the orders."""
    books = new_books(sweep={"most_missing": 2})
    for order_id in range(1, 5):
        books.order(order_id)
    books.load()
    for order_id in (1, 2, 3):
        books.shop.delete_order(order_id)
    books.load()
    assert missing(books) == []
    assert asked_by_id(books) == []
    with pytest.raises(ExchangeError, match=r"sweep\.most_missing"):
        books.sweep()
    assert missing(books) == []
    assert books.rows("ops.exchanges", "kind, status, orders_seen", "exchange_id = 3") == [
        ("sweep", "failed", 1)
    ]
    # Two are within the ceiling.
    books.order(1)
    books.load()
    assert missing(books) == [2, 3]


def test_nightly_comparison_tells_of_more_than_the_ceiling(new_books: Any) -> None:
    """Open orders vanish in numbers: none is asked for or marked, they are named, all else is booked and counted."""
    books = new_books(sweep={"most_missing": 2}, recent={"days": 14})
    for order_id in range(1, 5):
        books.order(order_id, kyiv(2026, 1, 15))
    books.order(9, kyiv(2026, 3, 30))
    books.load(kyiv(2026, 1, 1).date(), kyiv(2026, 3, 31).date())
    for order_id in (1, 2, 3):
        books.shop.delete_order(order_id)
    books.shop.replace_order(9, {"status_id": 12})
    books.api.forget_requests()
    with pytest.raises(
        ExchangeError,
        match=r"lacks orders that were loaded: 3 .*1, 2, 3.*ceiling of 2 \(sweep\.most_missing\)",
    ):
        books.recent()
    assert missing(books) == []
    assert asked_by_id(books) == []
    assert books.value(9, "status_id") == 12
    columns = "kind, status, orders_seen, orders_updated, orders_unchanged, requests, error"
    ((*row, error),) = books.rows("ops.exchanges", columns, "exchange_id = 2")
    assert row == ["recent", "failed", 2, 1, 1, books.api.request_count]
    assert "sweep.most_missing" in error
    # Who tries again gets a new list, not the short one.
    assert books.rows("ops.extraction_pages") == []
    # Two are within the ceiling.
    books.order(1, kyiv(2026, 1, 15))
    assert books.recent().status == "succeeded"
    assert missing(books) == [2, 3]


def test_sweep_finds_what_no_reload_asks_for(books: Books) -> None:
    """Orders of any day: the list of ids is compared with the books, each absent one confirmed."""
    books.order(1, kyiv(2026, 3, 2))
    books.order(2, kyiv(2026, 3, 9))
    books.load(kyiv(2026, 3, 1).date(), kyiv(2026, 3, 10).date())
    books.shop.delete_order(2)
    books.sweep()
    assert missing(books) == [2]
    assert books.review("missing_in_crm") == ["2"]


def test_rejected_order_that_vanishes_waits_for_nobody(books: Books) -> None:
    """An order that never entered the books and is gone from KeyCRM leaves nothing to fix there."""
    books.order(1, grand_total=None)
    books.load()
    assert books.review("rejected_order") == ["1"]
    books.shop.delete_order(1)
    books.sweep()
    assert books.review("rejected_order") == []


def test_merged_orders_stay_two_documents(books: Books) -> None:
    """The secondary order keeps its own document and follows its cancelled status; its lines moved away."""
    books.order(1, lines=[{"name": "А"}])
    books.order(2, lines=[{"name": "Б"}])
    books.load()
    first, second = books.shop.order(1), books.shop.order(2)
    assert first is not None
    assert second is not None
    books.shop.replace_order(1, {"products": first["products"] + second["products"], "grand_total": 200})
    books.shop.replace_order(2, {"products": [], "grand_total": 0, "status_id": 19})
    books.load()
    assert books.rows("orders", "order_id, status_id, goods_total") == [(1, 1, 200), (2, 19, 0)]
    assert books.rows("order_lines", "order_id, name") == [(1, "А"), (1, "Б")]
    assert missing(books) == []
