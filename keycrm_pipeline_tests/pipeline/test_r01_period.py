"""R1: to which day an order belongs, and what a load of a period asks for, keeps and leaves alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.crm.pages import OrderRow
from keycrm_pipeline.crm.readings import Evidence, Reading
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.stages import STAGES, run_load
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.sandbox.payloads import timestamp
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse.days import LeftOut, left_out
from keycrm_pipeline.warehouse.readings import current_reading, learn_reading
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.pipeline.bookkeeping import (
    MARCH_2,
    Books,
    MakeBooks,
    kyiv,
    make_books,
    person,
    shop_clock,
)

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


def test_load_of_the_short_day_asks_for_23_hours(new_books: MakeBooks) -> None:
    """What KeyCRM is asked for is the local day in UTC, a second wider on each side."""
    books = new_books(created_margin_days=0)
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


@pytest.mark.parametrize("loaded_day", [date(2026, 3, 2), date(2026, 3, 4)])
def test_order_that_moves_to_another_day(books: Books, loaded_day: date) -> None:
    """A corrected date moves the document, whichever of the two days is loaded; it is never there twice."""
    books.order(1, kyiv(2026, 3, 2))
    books.order(2, kyiv(2026, 3, 2))
    books.load(MARCH_2)
    books.shop.replace_order(1, {"ordered_at": "2026-03-04T10:00:00.000000Z"})
    exchange = books.load(loaded_day)
    assert days_of(books) == {1: date(2026, 3, 4), 2: MARCH_2}
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
            raise ExchangeError(Failure.DISK_FULL.message(path="shop.duckdb"))


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
    """Days that are over: the next load makes the books of what is stored, and the one after it requests all again."""
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
    # The last page shows that the list has grown, the one before it that nothing moved below.
    assert _pages_asked(books) == [2, 3]


def test_pages_of_yesterdays_failure_are_not_trusted(books: Books) -> None:
    """More than a day later everything is requested again: too much may have changed."""
    for order_id in range(1, 61):
        books.order(order_id)
    _fail_after_fetching(books, MARCH_2, MARCH_2)
    assert _pages_asked(books) == [1, 2]
    books.now += timedelta(hours=25)
    assert books.load().orders_created == 60
    assert _pages_asked(books) == [1, 2]


# Which date the filter created_between goes by

READINGS: tuple[Reading, ...] = ("created_at", "ordered_at")
"""KeyCRM's documentation names the second, the answers of live accounts follow the first."""


def _books_of_reading(directory: Path, reading: Reading, **settings: Any) -> Books:
    return make_books(directory, EditableShop.empty(shop_clock, created_between=reading), **settings)


def _dated(books: Books, order_id: int, ordered_at: datetime, created_at: datetime, **more: Any) -> None:
    books.order(order_id, ordered_at, created_at=timestamp(created_at), **more)


def _windows(books: Books) -> list[str]:
    """What was requested with `created_between` since this was last called, without repetitions."""
    asked = [
        dict(request.query).get("filter[created_between]", "")
        for request in books.api.requests
        if request.path == "/order"
    ]
    books.api.forget_requests()
    return list(dict.fromkeys(filter(None, asked)))


def _reading(books: Books) -> str | None:
    with books.warehouse.reading() as connection:
        known = current_reading(connection)
    return known.reading if known else None


@pytest.mark.parametrize("reading", READINGS)
def test_period_is_complete_whichever_date_keycrm_selects_by(tmp_path: Path, reading: Reading) -> None:
    """An order of 23:50, entered at 00:05, is of its own day; one imported weeks earlier is found by the sweep.

    An order of 27 February that the margin of March brings stays raw, and is booked with February even if KeyCRM does
    not return it again.
    """
    books = _books_of_reading(tmp_path, reading)
    _dated(books, 4101, kyiv(2026, 3, 30, 23, 50), kyiv(2026, 3, 31, 0, 5))
    _dated(books, 4102, kyiv(2026, 3, 11, 11), kyiv(2026, 2, 5, 11))
    _dated(books, 4103, kyiv(2026, 2, 27, 23, 50), kyiv(2026, 2, 28, 0, 5))
    books.load(date(2026, 3, 1), date(2026, 3, 30))
    of_march = {4101: date(2026, 3, 30), 4102: date(2026, 3, 11)}
    assert days_of(books).items() <= of_march.items()
    assert 4101 in days_of(books)
    assert (4103, date(2026, 2, 27)) in books.rows("raw.orders", "order_id, order_day")
    books.sweep()
    assert days_of(books) == of_march
    books.shop.delete_order(4103)
    books.load(date(2026, 2, 27))
    assert days_of(books) == {**of_march, 4103: date(2026, 2, 27)}


@pytest.mark.parametrize("reading", READINGS)
def test_reading_is_learned_from_the_rows_that_come(tmp_path: Path, reading: Reading) -> None:
    """With the margin, 28 February to 4 March is requested for the 2nd.

    An order created on the 4th and dated the 5th proves `created_at`; one dated the 4th and created on the 5th proves
    `ordered_at`, and from then on no margin is requested.
    """
    books = _books_of_reading(tmp_path, reading)
    _dated(books, 1, kyiv(2026, 3, 2, 12), kyiv(2026, 3, 2, 12, 15))
    books.load()
    assert _reading(books) is None
    _dated(books, 2, kyiv(2026, 3, 5, 0, 5), kyiv(2026, 3, 4, 23, 50))
    _dated(books, 3, kyiv(2026, 3, 4, 23, 50), kyiv(2026, 3, 5, 0, 5))
    books.load()
    assert _reading(books) == reading
    _windows(books)
    learned_at = books.query("SELECT learned_at FROM ops.created_between_readings")
    books.load()
    assert _windows(books) == [
        "2026-02-27 21:59:59,2026-03-04 22:00:01"
        if reading == "created_at"
        else "2026-03-01 21:59:59,2026-03-02 22:00:01"
    ]
    assert books.query("SELECT learned_at FROM ops.created_between_readings") == learned_at


def test_account_that_turns_out_to_select_by_created_at_gets_its_margin_in_the_same_load(
    tmp_path: Path,
) -> None:
    """The margin was left out because of an earlier proof; an order that contradicts it brings the margin back."""
    books = _books_of_reading(tmp_path, "created_at")
    with books.warehouse.writing() as connection:
        learn_reading(connection, "ordered_at", order_id=7, now=books.now - DAY)
    _dated(books, 1, kyiv(2026, 3, 1, 23, 50), kyiv(2026, 3, 2, 0, 5))
    _dated(books, 2, kyiv(2026, 3, 2, 23, 50), kyiv(2026, 3, 3, 0, 5))
    books.load()
    assert days_of(books) == {2: MARCH_2}
    assert _reading(books) == "created_at"


def test_row_that_no_date_explains_proves_nothing() -> None:
    """Order 3 lies outside the window with both dates: the filter is not what it seems, and the margin stays."""
    window = (kyiv(2026, 3, 2, 0), kyiv(2026, 3, 3, 0))
    evidence = Evidence()

    def row(order_id: int, ordered_at: datetime, created_at: datetime) -> OrderRow:
        return OrderRow(order_id, ordered_at, created_at, None, b"{}")

    proofs: list[tuple[Reading, int] | None] = []
    for ordered_at, created_at in (
        (kyiv(2026, 3, 2, 12), kyiv(2026, 3, 2, 12, 15)),
        (kyiv(2026, 3, 2, 23, 50), kyiv(2026, 3, 3, 0, 5)),
        (kyiv(2026, 3, 3, 1), kyiv(2026, 3, 3, 1, 15)),
        (kyiv(2026, 3, 1, 23, 50), kyiv(2026, 3, 2, 0, 5)),
    ):
        evidence.add_row(window, row(len(proofs) + 1, ordered_at, created_at))
        proofs.append(evidence.proof)
    assert proofs == [None, ("ordered_at", 2), None, ("created_at", 4)]


def test_many_unseen_orders_are_not_fetched_one_by_one(tmp_path: Path) -> None:
    """Three orders of March were imported in January: the sweep says which days to load, and that load brings them."""
    books = _books_of_reading(tmp_path, "created_at", sweep={"most_unseen": 2})
    books.order(1)
    books.load(date(2026, 3, 1), date(2026, 3, 5))
    for order_id in (11, 12, 13):
        _dated(books, order_id, kyiv(2026, 3, order_id - 9), kyiv(2026, 1, 20, order_id))
    books.api.forget_requests()
    with pytest.raises(
        ExchangeError, match=r"returned: 3 \(for example 11, 12, 13\).*ceiling of 2.*days: 2026-01-20\."
    ):
        books.sweep()
    assert not [request for request in books.api.requests if request.path.startswith("/order/1")]
    assert days_of(books) == {1: MARCH_2}
    books.load(date(2026, 1, 20))
    assert days_of(books) == {1: MARCH_2, 11: MARCH_2, 12: date(2026, 3, 3), 13: date(2026, 3, 4)}
    books.sweep()


def test_reload_refreshes_orders_that_were_created_elsewhere(tmp_path: Path) -> None:
    """Three imported orders of March, more than may be asked for by id: a reload of their day reads them."""
    books = _books_of_reading(tmp_path, "created_at", sweep={"most_missing": 2})
    for order_id in (11, 12, 13):
        _dated(books, order_id, kyiv(2026, 3, 2, order_id), kyiv(2026, 1, 20, order_id))
    books.load(date(2026, 1, 20))
    books.load()
    assert days_of(books) == dict.fromkeys((11, 12, 13), MARCH_2)
    books.shop.replace_order(12, {"manager_comment": "Передзвонити"})
    books.api.forget_requests()
    books.load()
    assert books.value(12, "comment") == "Передзвонити"
    assert not [request for request in books.api.requests if request.path.startswith("/order/1")]
    assert books.recent().status == "succeeded"


# Days out of reach


def test_orders_before_start_date_stay_raw_whatever_brings_them(new_books: MakeBooks) -> None:
    """Two old orders change in KeyCRM: the sync keeps them raw and says how many; no card is made of them."""
    books = new_books(start_date=date(2026, 1, 1))
    books.order(6000, kyiv(2026, 3, 10))
    books.order(5001, kyiv(2025, 12, 30), buyer=person(2))
    books.order(5002, kyiv(2024, 2, 1), buyer=person(3), lines=[{"name": "Старе", "sku": "OLD"}])
    books.load(date(2026, 3, 10))
    partners = books.rows("partners")
    for order_id in (5001, 5002):
        books.shop.replace_order(order_id, {"manager_comment": "Змінено"})
    exchange = books.changes()
    assert (exchange.orders_created, exchange.orders_unchanged) == (0, 1)
    assert days_of(books) == {6000: date(2026, 3, 10)}
    assert books.rows("raw.orders", "order_id") == [(5001,), (5002,), (6000,)]
    assert books.rows("partners") == partners
    with books.warehouse.reading() as connection:
        assert left_out(connection, books.profile.start_date) == LeftOut(2, 0)
    books.rebuild()
    assert days_of(books) == {6000: date(2026, 3, 10)}
    assert books.review("day_out_of_reach") == []


def test_invalid_order_of_a_day_that_is_not_loaded_is_not_reported(books: Books) -> None:
    """The margin brings an order of the next day that has no total: it is reported once its day is loaded."""
    books.order(1)
    books.order(2, kyiv(2026, 3, 3), grand_total="a lot")
    books.load()
    assert books.reasons() == {}
    books.rebuild()
    assert books.reasons() == {}
    books.load(MARCH_2 + DAY)
    assert list(books.reasons()) == [2]


def test_order_dated_out_of_reach_is_on_the_review_list(new_books: MakeBooks) -> None:
    """One entered in March and dated 2016 by mistake, one dated 2062; a date of next month is no mistake."""
    books = new_books(start_date=date(2026, 1, 1))
    books.order(1)
    books.load()
    _dated(books, 2, kyiv(2016, 3, 2), kyiv(2026, 3, 2))
    _dated(books, 3, kyiv(2062, 3, 2), kyiv(2026, 3, 2))
    _dated(books, 4, kyiv(2026, 5, 2), kyiv(2026, 3, 2))
    books.shop.now = lambda: books.now
    for order_id in (2, 3, 4):
        books.shop.replace_order(order_id, {"manager_comment": "Змінено"})
    books.changes()
    assert books.review("day_out_of_reach") == ["2", "3"]
    assert days_of(books) == {1: MARCH_2}
    books.shop.replace_order(2, {"ordered_at": timestamp(kyiv(2026, 3, 2, 15))})
    books.changes()
    assert books.review("day_out_of_reach") == ["3"]
    assert days_of(books) == {1: MARCH_2, 2: MARCH_2}
