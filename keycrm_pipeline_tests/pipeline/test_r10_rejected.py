"""R10: what fails validation goes to the rejected records, whole and with every reason; nothing else suffers."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv, make_books, person

GOOD = 1
NO_DEFAULT_PARTNER = "The order has no buyer, and the profile has no default partner (default_partner)."

BROKEN: dict[int, tuple[dict[str, Any], list[str]]] = {
    10: ({"grand_total": None}, ["The order has no total (grand_total)."]),
    11: ({"grand_total": "багато"}, ["Not a number: grand_total «багато»."]),
    12: ({"status_id": None, "status": None}, ["The order has no readable status (status_id)."]),
    13: ({}, ["The order has no list of lines (products)."]),
    14: ({"buyer": None}, [NO_DEFAULT_PARTNER]),
    15: (
        {"buyer": {**person(5), "id": None}, "client_id": None},
        ["The buyer has no readable id (buyer.id)."],
    ),
    16: ({"shipping_price": "сім"}, ["Not a number: shipping_price «сім»."]),
    20: ({"lines": [{"name": ""}]}, ["Line 1: the product has no name."]),
    21: ({"lines": [{}, {"quantity": "два"}]}, ["Line 2: the quantity is not a number «два»."]),
    22: ({"lines": [{"quantity": 0}]}, ["Line 1: the quantity is not above zero."]),
    23: (
        {"lines": [{"price": None, "price_sold": None}]},
        ["Line 1 has no price."],
    ),
    24: ({"lines": [{"price_sold": "безкоштовно"}]}, ["Line 1: not a number: price_sold «безкоштовно»."]),
    25: ({"lines": [{"price": 10**11}], "grand_total": 1}, ["Line 1: the sum is impossibly large."]),
    26: ({"payments": [{"amount": "сто"}]}, ["Payment 1: the amount is not a number «сто»."]),
    27: (
        {
            "grand_total": 10**15,
            "lines": [{"quantity": 10**14, "price": 0}],
            "payments": [{"amount": 10**15}],
        },
        [
            "Not a number: grand_total «1000000000000000».",
            "Line 1: the sum is impossibly large.",
            "Payment 1: the amount is not a number «1000000000000000».",
        ],
    ),
    28: (
        {"payments": [{"amount": 100, "actual_amount": "сто"}]},
        ["Payment 1: not a number: actual_amount «сто»."],
    ),
    # Every reason, not only the first.
    30: (
        {"grand_total": None, "lines": [{"name": None}, {"quantity": None}], "buyer": None},
        [
            "The order has no total (grand_total).",
            NO_DEFAULT_PARTNER,
            "Line 1: the product has no name.",
            "Line 2 has no quantity.",
        ],
    ),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """One good order among many broken ones, loaded once without a default partner."""
    books = make_books(tmp_path_factory.mktemp("rejected"), default_partner=None, statuses={"load": [1]})
    books.order(GOOD, buyer=person(917))
    for order_id, (parts, _reasons) in BROKEN.items():
        books.order(order_id, **{"buyer": person(order_id), **parts})
    # What a forgotten include looks like.
    books.shop.replace_order(13, {"products": None})
    books.load()
    return books


@pytest.mark.parametrize("order_id", BROKEN)
def test_every_reason_stands_in_words(books: Books, order_id: int) -> None:
    """A bookkeeper reads what is wrong and where, and finds it in KeyCRM."""
    assert sorted(books.reasons()[order_id]) == sorted(BROKEN[order_id][1])


def test_good_order_of_the_day_is_booked_and_the_rest_makes_no_card(books: Books) -> None:
    """One bad order never stops the day; rejected ones leave no trace in the books, whatever their status."""
    assert books.rows("orders", "order_id") == [(GOOD,)]
    assert books.rows("partner_links", "buyer_id") == [(917,)]
    assert books.rows("validated.orders", "order_id") == [(GOOD,)]
    assert books.rows("ops.exchanges", "orders_seen, orders_created, orders_rejected") == [
        (len(BROKEN) + 1, 1, len(BROKEN))
    ]
    assert sorted(books.review("rejected_order")) == sorted(map(str, BROKEN))


def test_rejected_record_keeps_the_whole_payload(books: Books) -> None:
    """Nothing is lost: the payload stands there as it came."""
    payload = books.rows("ops.rejected_records", "payload", "order_id = 16")[0][0]
    assert json.loads(payload)["shipping_price"] == "сім"
    assert json.loads(payload)["products"][0]["name"] == "Чашка керамічна"


def test_loading_again_leaves_the_list_as_it_is(books: Books) -> None:
    """Neither order of reasons nor time of rejection moves."""
    before = books.rows("ops.rejected_records")
    books.load()
    assert books.rows("ops.rejected_records") == before


def test_mended_order_leaves_the_list_and_enters_the_books(new_books: Any) -> None:
    """Mended in KeyCRM, it is loaded by the next load."""
    books = new_books()
    books.order(1, grand_total=None)
    books.load()
    assert books.review("rejected_order") == ["1"]
    books.shop.replace_order(1, {"grand_total": 100})
    exchange = books.load()
    assert books.reasons() == {}
    assert books.review("rejected_order") == []
    assert (exchange.orders_created, exchange.orders_rejected) == (1, 0)


def test_booked_order_that_fails_later_keeps_its_good_version(new_books: Any) -> None:
    """The document stays as it was and the order is listed; back to good, all is as before."""
    books = new_books()
    books.order(1, lines=[{"name": "Чашка", "price": 100}])
    books.load()
    before = books.tables(["accounting"])
    good = books.shop.order(1)
    assert good is not None
    books.shop.replace_order(1, {"products": [{**good["products"][0], "quantity": "багато"}]})
    exchange = books.load()
    assert books.tables(["accounting"]) == before
    assert (exchange.orders_rejected, exchange.orders_updated) == (1, 0)
    assert books.reasons() == {1: ["Line 1: the quantity is not a number «багато»."]}
    books.load()
    assert books.tables(["accounting"]) == before
    books.shop.add_order(good)
    books.load()
    assert books.reasons() == {}
    assert books.tables(["accounting"]) == before


def test_default_partner_taken_away_stops_no_load(new_books: Any) -> None:
    """Booked orders without a buyer are listed and keep their document; gone from KeyCRM, they are marked."""
    books = new_books()
    books.order(1, buyer=None)
    books.order(2)
    books.load()
    before = books.rows("orders")
    books.profile = books.profile.model_copy(update={"default_partner": None})
    exchange = books.load()
    assert (exchange.orders_seen, exchange.orders_unchanged, exchange.orders_rejected) == (2, 1, 1)
    assert books.reasons() == {1: [NO_DEFAULT_PARTNER]}
    assert books.rows("orders") == before
    books.shop.delete_order(1)
    books.load()
    assert books.reasons() == {}
    assert books.document(1, "partner_id, missing_in_crm") == {"partner_id": 1, "missing_in_crm": True}


def test_order_without_any_date_is_rejected_under_no_day(new_books: Any) -> None:
    """It belongs to no day, so the changes sync brings it; it is listed, and leaves when it gets a date."""
    books = new_books()
    books.order(1)
    books.load()
    books.shop.add_order({**order_payload(2), "ordered_at": "незабаром", "created_at": None})
    books.shop.add_order({**order_payload(3), "ordered_at": None, "created_at": "незабаром"})
    books.changes()
    assert books.reasons() == {
        2: ["The order date (ordered_at) is not a valid date: «незабаром»."],
        3: ["Cannot be read: created_at «незабаром»."],
    }
    books.load()
    assert list(books.reasons()) == [2, 3]
    for order_id in (2, 3):
        books.shop.replace_order(order_id, {"ordered_at": "2026-03-02T10:00:00.000000Z"})
    books.load()
    assert books.reasons() == {}
    assert books.value(2, "order_day") == MARCH_2


def test_record_without_id_is_kept_for_a_person(new_books: Any) -> None:
    """It cannot be named, but is not lost, and is no order of the books; gone in KeyCRM, it goes here."""
    books = new_books()
    books.order(1)
    books.shop.add_order({**order_payload(2), "id": None}, order_id=2)
    exchange = books.load()
    assert books.reasons() == {None: ["The record has no readable order id (id)."]}
    # Two were seen: one is booked, one rejected, and none is left over.
    assert (exchange.orders_seen, exchange.orders_created, exchange.orders_rejected) == (2, 1, 1)
    assert books.rows("orders", "order_id") == [(1,)]
    met_again = books.changes()
    assert (met_again.orders_seen, met_again.orders_unchanged, met_again.orders_rejected) == (2, 1, 1)
    before = books.rows("ops.rejected_records")
    books.load()
    assert books.rows("ops.rejected_records") == before
    books.shop.delete_order(2)
    books.load()
    assert books.reasons() == {}
    assert books.review("rejected_order") == []


def test_half_a_letter_harms_nobody(new_books: Any) -> None:
    """A comment cut in the middle of an emoji is shown with a mark in its place; all orders are booked."""
    books = new_books()
    books.rewritten = {b"HALF": rb"\ud83d"}
    books.order(1)
    books.order(2, buyer_comment="Дякую HALF")
    exchange = books.load()
    assert (exchange.orders_seen, exchange.orders_created, exchange.orders_rejected) == (2, 2, 0)
    assert books.value(2, "comment") == "Дякую \ufffd"
    before = books.tables()
    books.load()
    assert books.tables() == before


def test_numbers_as_text_and_empty_objects_as_lists_are_fine(new_books: Any) -> None:
    """KeyCRM's oddities are no mistakes: ids and money as text, `[]` for objects, unknown keys."""
    books = new_books()
    books.order(
        1,
        grand_total="150.50",
        shipping_price="50.50",
        source_id="2",
        status_id="12",
        status=[],
        status_group_id="5",
        shipping=[],
        discount_data=[],
        lines=[{"quantity": "1.000", "price": "100.00", "price_sold": "100", "picture": [], "offer": []}],
        payments=[{"amount": "150.50", "payment_method_id": "2"}],
        a_key_of_tomorrow={"deep": [1, 2, {"x": None}]},
    )
    books.load()
    assert books.reasons() == {}
    document = books.document(1, "grand_total, services_total, paid_total, source_id, status_id, difference")
    assert [str(value) for value in document.values()] == ["150.50", "50.50", "150.50", "2", "12", "0.00"]
    assert "a_key_of_tomorrow" in books.rows("raw.orders", "payload")[0][0]


NASTY = "Роберт'); DROP TABLE accounting.orders;--\t\x01 \x00 «\"\\'»"


def test_names_full_of_sql_and_control_characters_are_just_names(new_books: Any) -> None:
    """Whatever people type is text: nothing runs, nothing breaks, nothing is rejected."""
    books = new_books()
    books.order(
        1,
        buyer=person(1, NASTY),
        buyer_comment=NASTY,
        source_uuid=NASTY,
        lines=[{"name": NASTY, "sku": "x'; --", "properties": [{"name": NASTY, "value": NASTY}]}],
        shipping={"shipping_address_city": NASTY, "recipient_full_name": NASTY},
    )
    books.load()
    assert books.reasons() == {}
    for shown in (
        books.value(1, "comment"),
        books.rows("partners", "name", "partner_id = 1")[0][0],
        books.rows("products", "name", "product_id = 1")[0][0],
    ):
        assert "DROP TABLE accounting.orders" in shown
    before = books.tables()
    books.load()
    assert books.tables() == before


def test_absurd_numbers_stop_no_load(new_books: Any) -> None:
    """Whatever somebody typed into a number field, the rest of the day is loaded."""
    books = new_books()
    books.order(1)
    huge = ("1e30", "9" * 40, "-" + "9" * 12, "0.0000000001", "1e-30", "٣", "1,5", "0x10", "NaN", "Infinity")
    for order_id, number in enumerate(huge, start=10):
        good = order_payload(order_id, payments=[{}])
        line, payment = good["products"][0], good["payments"][0]
        for shift, parts in (
            (0, {"shipping_price": number}),
            (20, {"products": [{**line, "price": number}]}),
            (40, {"products": [{**line, "quantity": number}]}),
            (60, {"payments": [{**payment, "amount": number}], "discount_percent": number}),
            (80, {"source_id": number, "source_uuid": number, "client_id": number}),
        ):
            books.shop.add_order({**good, **parts, "id": order_id + shift})
    books.load()
    assert books.value(1, "grand_total") == 100
    assert len(books.rows("orders")) + len(books.reasons()) == 1 + 5 * len(huge)


def test_rejected_order_of_another_day_does_not_hide(new_books: Any) -> None:
    """An order that fails on its new day is listed there, and its old document stays."""
    books = new_books()
    books.order(1, kyiv(2026, 3, 2))
    books.load()
    books.shop.replace_order(1, {"ordered_at": "2026-03-04T10:00:00.000000Z", "grand_total": None})
    books.load(date(2026, 3, 4))
    assert list(books.reasons()) == [1]
    assert books.value(1, "order_day") == MARCH_2


def test_a_date_beyond_all_days_stops_no_load(new_books: Any) -> None:
    """The last second of the year 9999 has no day in Kyiv, and infinity none anywhere: the orders are listed."""
    books = new_books()
    made = "2026-03-02T10:00:00.000000Z"
    for order_id, ordered_at in enumerate(("9999-12-31T23:59:59.000000Z", "Infinity", "2026-03-02"), start=1):
        books.order(order_id)
        record = books.shop.order(order_id)
        assert record is not None
        books.shop.add_order({**record, "ordered_at": ordered_at, "created_at": made})
    books.load()
    books.changes()
    assert books.reasons() == {
        1: ["The order date (ordered_at) is not a valid date: «9999-12-31T23:59:59.000000Z»."],
        2: ["The order date (ordered_at) is not a valid date: «Infinity»."],
    }
    assert books.rows("orders", "order_id, order_day") == [(3, MARCH_2)]


def test_an_order_date_that_cannot_be_read_is_never_replaced_by_another(new_books: Any) -> None:
    """The load of the day on which KeyCRM made the order lists it; fixed, it is booked under its own date."""
    books = new_books()
    books.order(1)
    record = books.shop.order(1)
    assert record is not None
    made = "2026-03-02T10:00:00.000000Z"
    unreadable = "2026-03-05 10:00:00 Europe/Kyiv"
    books.shop.add_order({**record, "ordered_at": unreadable, "created_at": made})
    exchange = books.load()
    assert (exchange.orders_seen, exchange.orders_rejected) == (1, 1)
    assert books.reasons() == {1: [f"The order date (ordered_at) is not a valid date: «{unreadable}»."]}
    assert books.rows("orders", "order_id") == []
    books.shop.add_order({**record, "ordered_at": None, "created_at": made})
    books.load()
    assert books.reasons() == {}
    assert books.value(1, "order_day") == MARCH_2


@pytest.mark.parametrize("blank", [None, "", " ", []])
def test_an_order_without_a_date_of_its_own_has_that_of_its_making(new_books: Any, blank: object) -> None:
    """Nothing is not unreadable: `created_at` decides then (R1)."""
    books = new_books()
    books.order(1)
    record = books.shop.order(1)
    assert record is not None
    books.shop.add_order({**record, "ordered_at": blank, "created_at": "2026-03-02T10:00:00.000000Z"})
    books.load()
    assert books.reasons() == {}
    assert books.value(1, "order_day") == MARCH_2


@pytest.mark.parametrize("blank", ["\n", "\t \r\n", "\u00a0", "\u200b", "\ufeff\u2003", " \x0b\x1f\u2028"])
def test_a_name_that_nobody_can_see_is_none(new_books: Any, blank: str) -> None:
    """Blanks of every kind: the line has no name, the buyer is nobody, and the load ends."""
    books = new_books(default_partner=None)
    books.order(1, lines=[{"name": blank, "sku": None}])
    books.order(2, buyer=person(7, blank, "", email=blank))
    books.order(3)
    assert books.load().orders_created == 1
    assert books.reasons() == {
        1: ["Line 1: the product has no name."],
        2: ["The order has no buyer, and the profile has no default partner (default_partner)."],
    }
