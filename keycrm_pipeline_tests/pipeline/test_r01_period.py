"""R1: to which day an order belongs, and what a load of a period asks for, keeps and leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.stages import STAGES, run_load
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def days_of(books: Books) -> dict[int, date]:
    return dict(books.rows("orders", "order_id, order_day"))


@pytest.mark.parametrize(
    ("day", "starts", "ends"),
    [
        # Winter: Kyiv is two hours ahead of UTC. Summer: three.
        (date(2026, 3, 2), "2026-03-01T22:00:00Z", "2026-03-02T22:00:00Z"),
        (date(2026, 7, 1), "2026-06-30T21:00:00Z", "2026-07-01T21:00:00Z"),
        # 23 hours: at 03:00 it becomes 04:00.
        (date(2026, 3, 29), "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"),
        # 25 hours: 04:00 becomes 03:00.
        (date(2026, 10, 25), "2026-10-24T21:00:00Z", "2026-10-25T22:00:00Z"),
    ],
)
def test_first_and_last_second_of_a_day_are_its_own(books: Books, day: date, starts: str, ends: str) -> None:
    """An order of a minute to midnight, or of a clock-change night, is on the day the shop's clock showed."""
    first, after = datetime.fromisoformat(starts), datetime.fromisoformat(ends)
    for order_id, moment in enumerate((first - SECOND, first, after - SECOND, after), start=1):
        books.order(order_id, moment)
    books.load(day - DAY, day + DAY)
    assert days_of(books) == {1: day - DAY, 2: day, 3: day, 4: day + DAY}


def test_hour_that_happens_twice_in_autumn_is_one_day(books: Books) -> None:
    """03:30 comes twice on 25 October; both orders are of that day and keep their order."""
    books.order(1, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
    books.order(2, datetime(2026, 10, 25, 1, 30, tzinfo=UTC))
    books.load(date(2026, 10, 25))
    assert days_of(books) == {1: date(2026, 10, 25), 2: date(2026, 10, 25)}


def test_load_of_the_short_day_asks_for_23_hours(books: Books) -> None:
    """What KeyCRM is asked for is the local day in UTC, a second wider on each side."""
    books.load(date(2026, 3, 29))
    asked = [dict(request.query) for request in books.api.requests if request.path == "/order"]
    assert {query["filter[created_between]"].replace(", ", ",") for query in asked} == {
        "2026-03-28 21:59:59,2026-03-29 21:00:01"
    }


def test_order_without_ordered_at_is_of_the_day_it_was_made(books: Books) -> None:
    """`ordered_at` null: 22:30 UTC of 1 March is half past midnight of the 2nd in Kyiv."""
    books.order(1, ordered_at=None, created_at="2026-03-01T22:30:00.000000Z")
    record = books.shop.order(1)
    assert record is not None
    books.shop.add_order({**record, "ordered_at": None, "created_at": "2026-03-01T22:30:00.000000Z"})
    books.load()
    assert books.document(1)["order_day"] == MARCH_2
    assert books.document(1)["ordered_at"] == datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


def test_both_forms_of_a_date_are_utc(books: Books) -> None:
    """KeyCRM writes `2026-03-02 21:59:59` too, without a zone: a second before midnight in Kyiv."""
    books.order(1, "2026-03-02 21:59:59")
    books.order(2, "2026-03-02 22:00:00")
    books.order(3, "2026-03-02T21:59:59.000000Z")
    books.load(MARCH_2, MARCH_2 + DAY)
    assert days_of(books) == {1: MARCH_2, 2: MARCH_2 + DAY, 3: MARCH_2}


def test_order_of_another_day_is_kept_raw_until_its_day_is_loaded(books: Books) -> None:
    """What is asked for is a second wider than the day; what it brings must not make the day before look loaded."""
    books.order(1, kyiv(2026, 3, 1, 23, 59, 59))
    books.order(2, kyiv(2026, 3, 2))
    exchange = books.load(MARCH_2)
    assert dict(books.rows("raw.orders", "order_id, order_day")) == {1: MARCH_2 - DAY, 2: MARCH_2}
    assert days_of(books) == {2: MARCH_2}
    assert (exchange.orders_seen, exchange.orders_created) == (1, 1)
    assert books.rows("ops.loaded_days", "order_day") == [(MARCH_2,)]
    assert books.rebuild().orders_created == 0
    books.load(MARCH_2 - DAY)
    assert days_of(books) == {1: MARCH_2 - DAY, 2: MARCH_2}


def test_changed_order_of_another_loaded_day_is_updated_at_once(books: Books) -> None:
    """Its day is in the books, so what this load happens to bring of it enters them, and the log counts it once."""
    books.order(1, kyiv(2026, 3, 1, 23, 59, 59))
    books.order(2, kyiv(2026, 3, 2))
    books.load(MARCH_2 - DAY, MARCH_2)
    books.shop.replace_order(1, {"manager_comment": "Передзвонити"})
    exchange = books.load(MARCH_2)
    assert books.value(1, "comment") == "Передзвонити"
    assert (exchange.orders_seen, exchange.orders_updated, exchange.orders_unchanged) == (2, 1, 1)
    again = books.load(MARCH_2)
    assert (again.orders_seen, again.orders_updated, again.orders_unchanged) == (1, 0, 1)


@pytest.mark.parametrize("loaded_day", [date(2026, 3, 2), date(2026, 3, 5)])
def test_order_that_moves_to_another_day(books: Books, loaded_day: date) -> None:
    """A corrected date moves the document, whichever of the two days is loaded; it is never there twice."""
    books.order(1, kyiv(2026, 3, 2))
    books.order(2, kyiv(2026, 3, 2))
    books.load(MARCH_2)
    books.shop.replace_order(1, {"ordered_at": "2026-03-05T10:00:00.000000Z"})
    exchange = books.load(loaded_day)
    assert days_of(books) == {1: date(2026, 3, 5), 2: MARCH_2}
    assert exchange.orders_updated == 1
    assert books.rows("order_lines", "order_id") == [(1,), (2,)]
    assert books.review("missing_in_crm") == []


def test_second_load_changes_nothing(books: Books) -> None:
    """A re-load of the same data: no row, no time of change, no card; the log says 0 created, 0 updated."""
    books.order(1, shipping_price=70)
    books.order(2, buyer=None, payments=[{"amount": 100}])
    books.load()
    before = books.tables()
    exchange = books.load()
    assert books.tables() == before
    assert (exchange.orders_created, exchange.orders_updated, exchange.orders_unchanged) == (0, 0, 2)
    assert (exchange.partners_created, exchange.products_created) == (0, 0)


def test_reload_updates_what_changed_and_only_that(books: Books) -> None:
    """A changed order is updated and keeps the time it was made; its neighbour's times stay."""
    books.order(1)
    books.order(2)
    books.load()
    made = books.document(1)["created_at"]
    books.shop.replace_order(1, {"manager_comment": "Передзвонити"})
    exchange = books.load()
    assert (exchange.orders_created, exchange.orders_updated, exchange.orders_unchanged) == (0, 1, 1)
    assert books.document(1)["comment"] == "Передзвонити"
    assert books.document(1)["created_at"] == made
    assert books.document(1)["updated_at"] == made + timedelta(hours=1)
    assert books.document(2)["updated_at"] == made


def test_never_loaded_loaded_empty_and_failed_are_three_things(books: Books) -> None:
    """A day without orders reads as loaded; one whose load failed, or that nobody loaded, does not."""
    books.load(date(2026, 3, 3))
    with pytest.raises(KeyCrmError):
        books.load(date(2026, 3, 4), key="another-key")
    assert books.rows("ops.loaded_days", "order_day, orders_seen") == [(date(2026, 3, 3), 0)]
    assert books.rows("ops.exchanges", "period_from, status") == [
        (date(2026, 3, 3), "succeeded"),
        (date(2026, 3, 4), "failed"),
    ]


def test_day_that_became_empty_loses_no_document_without_proof(books: Books) -> None:
    """An empty answer deletes nothing: the order is still there when it is asked for by id."""
    books.order(1)
    books.load()
    books.shop.replace_order(1, {"ordered_at": "2026-03-09T10:00:00.000000Z"})
    books.load()
    assert days_of(books) == {1: date(2026, 3, 9)}


def _facts(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("orders", "order_id, order_day, grand_total")


def test_profile_of_another_zone_has_other_days(new_books: Any) -> None:
    """23:30 in Kyiv is 22:30 in Warsaw and 05:30 of the next day in Tokyo."""
    for zone, day in (("Europe/Warsaw", MARCH_2), ("Asia/Tokyo", MARCH_2 + DAY)):
        books = new_books(timezone=zone)
        books.order(1, kyiv(2026, 3, 2, 23, 30))
        books.load(MARCH_2 - DAY, MARCH_2 + DAY)
        assert [row[1] for row in _facts(books)] == [day]


def test_rebuild_after_a_change_of_the_zone_moves_orders_to_their_days(books: Books) -> None:
    """The zone of a profile was wrong: once corrected, a rebuild gives the days that a first load would have."""
    books.order(1, datetime(2026, 3, 2, 3, 0, tzinfo=UTC))
    books.order(2, datetime(2026, 3, 2, 15, 0, tzinfo=UTC))
    books.order(3, datetime(2026, 3, 2, 3, 0, tzinfo=UTC), grand_total="a lot")
    books.load()
    books.profile = books.profile.model_copy(update={"timezone": "America/New_York"})
    exchange = books.rebuild()
    assert days_of(books) == {1: MARCH_2 - DAY, 2: MARCH_2}
    assert books.rows("ops.rejected_records", "order_id, order_day") == [(3, MARCH_2 - DAY)]
    assert (exchange.orders_updated, exchange.orders_unchanged) == (1, 1)
    assert books.rebuild().orders_updated == 0


def _fail_after_fetching(books: Books, first_day: date, last_day: date) -> None:
    """A load that stores all orders of a period and dies before the books are made of them."""
    with pytest.raises(ExchangeError, match="full"):
        _fetch_and_fail(books, Period(first_day, last_day))


def _fetch_and_fail(books: Books, period: Period) -> None:
    with books.session("period", period) as session:
        for _result in run_load(session, period, STAGES[:1]):
            raise ExchangeError("The disk is full.")


def _pages_asked(books: Books) -> list[int]:
    """Pages of orders that were asked for since this was last called."""
    pages = [int(dict(request.query)["page"]) for request in books.api.requests if request.path == "/order"]
    books.api.forget_requests()
    return sorted(pages)


def test_what_a_failed_load_left_of_another_day_is_counted_once(books: Books) -> None:
    """An order of the day before that had changed is updated by the next load, and not unchanged as well."""
    books.order(1, kyiv(2026, 3, 1, 23, 59, 59))
    books.order(2, kyiv(2026, 3, 2))
    books.load(MARCH_2 - DAY, MARCH_2)
    books.shop.replace_order(1, {"manager_comment": "Передзвонити"})
    _fail_after_fetching(books, MARCH_2, MARCH_2)
    exchange = books.load(MARCH_2)
    assert (exchange.orders_seen, exchange.orders_updated, exchange.orders_unchanged) == (2, 1, 1)


def test_load_that_failed_after_its_last_page_asks_for_none_again(books: Books) -> None:
    """Days that are over: the next load makes the books of what is stored, the one after it asks for all anew."""
    for order_id in range(1, 121):
        books.order(order_id)
    _fail_after_fetching(books, MARCH_2, MARCH_2)
    assert _pages_asked(books) == [1, 2, 3]
    loaded = books.load()
    assert _pages_asked(books) == []
    assert (loaded.status, loaded.orders_seen, loaded.orders_created) == ("succeeded", 120, 120)
    books.load()
    assert _pages_asked(books) == [1, 2, 3]


def test_load_of_today_that_failed_asks_whether_orders_came_since(books: Books) -> None:
    """A day that goes on: the end of the list is asked again, and what was bought meanwhile is in the books."""
    today = books.now.astimezone(books.profile.zone).date()
    for order_id in range(1, 121):
        books.order(order_id, books.now - timedelta(hours=1))
    _fail_after_fetching(books, today, today)
    assert _pages_asked(books) == [1, 2, 3]
    books.order(121, books.now + timedelta(minutes=5))
    books.now += timedelta(minutes=10)
    assert books.load(today).orders_created == 121
    # The last page tells that the list has grown, the one before it that nothing moved below.
    assert _pages_asked(books) == [2, 3]


def test_pages_of_yesterdays_failure_are_not_trusted(books: Books) -> None:
    """More than a day later everything is asked anew: too much may have changed."""
    for order_id in range(1, 61):
        books.order(order_id)
    _fail_after_fetching(books, MARCH_2, MARCH_2)
    assert _pages_asked(books) == [1, 2]
    books.now += timedelta(hours=25)
    assert books.load().orders_created == 60
    assert _pages_asked(books) == [1, 2]
