"""The passes between loads: what they find, what they leave alone, what they cost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keycrm_pipeline.crm.errors import TransportFailure
from keycrm_pipeline.pipeline.changes import changes_watermark
from keycrm_pipeline.run.errors import ExchangeError, UnknownOrdersError
from keycrm_pipeline.warehouse.exchanges import is_anything_loaded
from keycrm_pipeline.warehouse.raw import mark_missing
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv

MARCH_1 = kyiv(2026, 3, 1).date()
MARCH_10 = kyiv(2026, 3, 10).date()
OLD_UPDATE = {"updated_at": "2026-03-02T10:00:00.000000Z"}
"""A change that KeyCRM says nothing of."""


def watermark(books: Books) -> object:
    with books.warehouse.reading() as connection:
        return changes_watermark(connection)


def three_days(books: Books) -> None:
    """Six orders on three days, loaded."""
    for order_id in range(1, 7):
        books.order(order_id, kyiv(2026, 3, 2 + order_id % 3))
    books.load(MARCH_1, MARCH_10)


def test_changes_touch_changed_orders_only(books: Books) -> None:
    """One order changed: one document is written, all other rows stay as they are."""
    three_days(books)
    before = {row[0]: row for row in books.rows("orders")}
    books.shop.replace_order(2, {"manager_comment": "Подарунок"})
    exchange = books.changes()
    assert (exchange.orders_updated, exchange.orders_created) == (1, 0)
    after = {row[0]: row for row in books.rows("orders")}
    assert [order_id for order_id in after if after[order_id] != before[order_id]] == [2]
    assert books.changes().orders_updated == 0


def test_order_entered_late(books: Books) -> None:
    """An order of a loaded day that was typed in weeks later arrives, under its own day."""
    three_days(books)
    books.order(99, kyiv(2026, 3, 3), updated_at="2026-03-30T08:00:00.000000Z")
    assert books.changes().orders_created == 1
    assert str(books.value(99, "order_day")) == "2026-03-03"


def test_order_of_a_day_that_was_never_loaded_stays_raw(books: Books) -> None:
    """R1: one order must not make its day look loaded; it enters the books with the load of its day."""
    three_days(books)
    books.order(99, kyiv(2026, 2, 3), updated_at="2026-03-30T08:00:00.000000Z")
    assert books.changes().orders_created == 0
    assert books.rows("orders", "order_id", "order_id = 99") == []
    assert books.rows("raw.orders", "order_id", "order_id = 99") == [(99,)]
    for work in (books.recent, books.sweep, books.rebuild):
        work()
        assert books.rows("orders", "order_id", "order_id = 99") == []
    books.load(kyiv(2026, 2, 3).date())
    assert books.rows("orders", "order_id", "order_id = 99") == [(99,)]


def test_changes_carry_the_loaded_days_forward_to_today(books: Books) -> None:
    """Yesterday is loaded: today's orders are in the books within minutes, and today counts as loaded so far."""
    yesterday, today = (books.now - timedelta(days=1)).date(), books.now.date()
    books.order(1, books.now - timedelta(days=1))
    books.load(yesterday)
    books.order(2, books.now - timedelta(minutes=5))
    assert books.changes().orders_created == 1
    assert books.rows("ops.loaded_days", "order_day, orders_seen") == [(yesterday, 1), (today, 1)]


def test_changes_load_no_day_that_they_did_not_ask_for_whole(books: Books) -> None:
    """Loaded until 10 March, with changes known until the 25th: the days between were never asked for as a whole."""
    three_days(books)
    books.shop.replace_order(1, {"updated_at": "2026-03-25T10:00:00.000000Z"})
    books.load(MARCH_1, MARCH_10)
    loaded = books.rows("ops.loaded_days", "order_day")
    books.order(50, kyiv(2026, 3, 11))
    books.order(51, kyiv(2026, 3, 31))
    books.changes()
    assert books.rows("ops.loaded_days", "order_day") == loaded
    assert books.rows("orders", "order_id", "order_id >= 50") == []


def test_new_order_that_changes_do_not_list(books: Books) -> None:
    """A brand-new order was seen missing from KeyCRM's list of changes: it is found by its making."""
    three_days(books)
    books.order(99, kyiv(2026, 3, 4, 18), updated_at="2026-01-01T00:00:00.000000Z")
    assert books.changes().orders_created == 1


def test_watermark_moves_after_success_only(books: Books) -> None:
    """A pass that failed is repeated from where the last good one ended; what it stored enters the books."""
    three_days(books)
    books.changes()
    books.api.forget_requests()
    start = watermark(books)
    books.shop.replace_order(2, {"manager_comment": "раз"})
    # The first list comes whole, the second never does.
    books.api.faults.on_page = lambda _page, path: (
        setattr(books.api.faults, "server_errors", 1000)
        if path == "/order" and any("updated_between" in str(r.query) for r in books.api.requests)
        else None
    )
    with pytest.raises(TransportFailure):
        books.changes()
    assert watermark(books) == start
    assert books.value(2, "comment") is None
    books.api.faults.clear()
    assert books.changes().status == "succeeded"
    assert books.value(2, "comment") == "раз"
    assert watermark(books) > start  # type: ignore[operator]


def test_watermark_never_passes_the_moment_of_reading(books: Books) -> None:
    """An order dated far ahead by mistake must not hide all changes until then."""
    three_days(books)
    books.shop.replace_order(1, {"updated_at": "2031-01-01T00:00:00.000000Z"})
    books.changes()
    assert watermark(books) <= books.now  # type: ignore[operator]
    books.shop.replace_order(2, {"manager_comment": "після"})
    books.changes()
    assert books.value(2, "comment") == "після"


def test_recent_sees_what_updated_at_hides(new_books: object) -> None:
    """A status that changed without updated_at: found for the recent days and for older orders that are open."""
    books: Books = new_books(recent={"days": 14})  # type: ignore[operator]
    books.order(1, kyiv(2026, 3, 25))
    books.order(2, kyiv(2026, 1, 15))
    books.load(kyiv(2026, 1, 1).date(), kyiv(2026, 3, 31).date())
    for order_id in (1, 2):
        books.shop.replace_order(order_id, {"status_id": 12, **OLD_UPDATE})
    books.changes()
    assert books.value(2, "status_id") == 1
    books.recent()
    assert books.rows("orders", "order_id, status_id") == [(1, 12), (2, 12)]
    assert books.query("SELECT order_id, status_id FROM ops.status_history ORDER BY ALL") == [
        (1, 1), (1, 12), (2, 1), (2, 12),
    ]  # fmt: skip


def test_recent_costs_pages_not_orders(books: Books) -> None:
    """240 orders, half of them old and open, on as many days and in three statuses: within ceil(orders/50) + 10."""
    for order_id in range(1, 241):
        moment = kyiv(2026, 3, 31) - timedelta(days=(order_id % 120))
        books.order(order_id, moment, status_id=(1, 2, 8)[order_id % 3])
    books.load(kyiv(2025, 12, 1).date(), kyiv(2026, 3, 31).date())
    books.api.forget_requests()
    exchange = books.recent()
    assert exchange.orders_seen == 240
    assert books.api.request_count <= 5 + 10
    assert exchange.requests == books.api.request_count


def test_a_failed_pass_leaves_no_mark_behind(books: Books) -> None:
    """The sweep marked an order and died before the document said so: the next exchange says it."""
    three_days(books)
    books.shop.delete_order(3)
    with books.warehouse.writing() as connection:
        connection.execute(
            "INSERT INTO ops.exchanges BY NAME SELECT 90 AS exchange_id, 'shop' AS profile, 'dead' AS run_id, "
            "'sweep' AS kind, now() AS started_at, 'running' AS status, 0 AS orders_seen, 0 AS orders_created, "
            "0 AS orders_updated, 0 AS orders_unchanged, 0 AS orders_rejected, 0 AS partners_created, "
            "0 AS products_created, 0 AS requests"
        )
        mark_missing(connection, [3], exchange_id=90, now=books.now)
    books.changes()
    assert books.rows("orders", "order_id", "missing_in_crm") == [(3,)]


def test_nothing_loaded(books: Books) -> None:
    """Changes before the first load say what to do."""
    with pytest.raises(ExchangeError, match="load a period first"):
        books.changes()


def test_first_order_of_a_new_shop(books: Books) -> None:
    """Loaded while there was no order at all: the first one comes with the next changes, not with tomorrow's load."""
    books.now = kyiv(2026, 3, 2, 12)
    assert books.load().orders_seen == 0
    with books.warehouse.reading() as connection:
        assert is_anything_loaded(connection)
    books.order(1, kyiv(2026, 3, 2, 12, 30))
    assert books.changes().orders_created == 1
    assert books.value(1, "order_day") == MARCH_2


# Single orders


def test_one_order_is_loaded_alone(books: Books) -> None:
    """Two orders of its day changed in KeyCRM: the one that was named is written, with one request for it."""
    three_days(books)
    for order_id in (2, 5):
        books.shop.replace_order(order_id, {"manager_comment": "Подарунок", **OLD_UPDATE})
    books.api.forget_requests()
    exchange = books.sync("order", 2)
    assert (exchange.kind, exchange.status) == ("order", "succeeded")
    assert (exchange.orders_seen, exchange.orders_updated, exchange.orders_created) == (1, 1, 0)
    assert [request.path for request in books.api.requests if "/order/2" in request.path] == ["/order/2"]
    assert not [request for request in books.api.requests if request.path == "/order"]
    assert "Подарунок" in str(books.value(2, "comment"))
    assert "Подарунок" not in str(books.value(5, "comment"))


def test_one_order_of_a_day_that_was_never_loaded_stays_raw(books: Books) -> None:
    """R1: pressed on an order, it does not make the order's day look loaded."""
    three_days(books)
    books.order(99, kyiv(2026, 2, 3))
    exchange = books.sync("order", 99)
    assert (exchange.orders_seen, exchange.orders_created, exchange.status) == (1, 0, "succeeded")
    assert books.rows("orders", "order_id", "order_id = 99") == []
    assert books.rows("raw.orders", "order_id", "order_id = 99") == [(99,)]


def test_a_rejected_order_that_was_mended_enters_the_books(books: Books) -> None:
    books.order(1, grand_total="скільки завгодно")
    books.order(2)
    books.load()
    assert books.rows("orders", "order_id") == [(2,)]
    books.order(1)
    assert books.sync("order", 1).orders_created == 1
    assert books.rows("orders", "order_id") == [(1,), (2,)]
    assert books.rows("ops.rejected_records", "order_id") == []


def test_one_order_that_is_gone_is_marked_and_kept(books: Books) -> None:
    """R11."""
    three_days(books)
    books.shop.delete_order(2)
    assert books.sync("order", 2).status == "succeeded"
    assert books.value(2, "missing_in_crm")


def test_a_number_that_nobody_knows(books: Books) -> None:
    """The others that were named are in the books."""
    three_days(books)
    books.shop.replace_order(2, {"manager_comment": "Подарунок"})
    with pytest.raises(UnknownOrdersError, match="no order 777,"):
        books.sync("order", 2, 777)
    assert "Подарунок" in str(books.value(2, "comment"))
