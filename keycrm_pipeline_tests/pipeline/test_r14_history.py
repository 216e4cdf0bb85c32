"""R14: every version of an order is kept, and what changed between them stands in the books, dated, for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from keycrm_pipeline.reading import books_of
from keycrm_pipeline_tests.payloads import offer_payload, order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

COLUMNS = "kind, subject_id, amount_before, amount_after"
APRIL_1 = date(2026, 4, 1)


def at(hour: int, minute: int = 0) -> str:
    """A moment of 1 April in UTC, as KeyCRM writes it; the first load is at 9:00."""
    return f"2026-04-01T{hour:02d}:{minute:02d}:00.000000Z"


def paid_order(updated_at: str, **changes: Any) -> dict[str, Any]:
    """Order 1 of 2 March: two cups at 150 hryvnias and a saucer at 90, in all 390, paid in advance with 100."""
    lines = [
        {"id": 11, "name": "Чашка", "price": 150, "quantity": 2},
        {"id": 12, "name": "Блюдце", "price": 90, "quantity": 1},
    ]
    payments = [{"id": 71, "amount": 100, "payment_date": at(8)}]
    return order_payload(
        1, **{"lines": lines, "payments": payments, "status_id": 1, "updated_at": updated_at, **changes}
    )


def movements(books: Books, columns: str = COLUMNS) -> list[tuple[Any, ...]]:
    return books.rows("order_movements", columns)


def test_an_order_first_seen_has_no_movements(books: Books) -> None:
    """Paid, sent and cancelled before anybody looked: that is how it begins, not what happened to it."""
    books.shop.add_order(paid_order(at(8), status_id=19, shipping={"shipping_status": "delivered"}))
    books.load()
    assert movements(books) == []
    assert books.rows("raw.order_versions") == []


def test_a_payment_comes_and_is_cancelled(books: Books) -> None:
    """290 came at 10:20 and were cancelled at 11:40; the first 100 stay. Each is dated by us and by KeyCRM."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    first = {"id": 71, "amount": 100, "payment_date": at(8)}
    second = {"id": 72, "amount": 290, "payment_date": at(10, 20), "payment_method_id": 5}
    books.shop.add_order(paid_order(at(10, 21), payments=[first, second]))
    books.load()
    cancelled = {**second, "status": "canceled", "updated_at": at(11, 40)}
    books.shop.add_order(paid_order(at(11, 41), payments=[first, cancelled]))
    books.load()
    assert movements(books) == [
        ("payment_came", 72, Decimal(0), Decimal(290)),
        ("payment_cancelled", 72, Decimal(290), Decimal(0)),
    ]
    assert movements(books, "version_no, seen_day, first_seen_at, crm_at, method_id, currency") == [
        (
            2,
            APRIL_1,
            datetime(2026, 4, 1, 10, tzinfo=UTC),
            datetime(2026, 4, 1, 10, 20, tzinfo=UTC),
            5,
            "UAH",
        ),
        (
            3,
            APRIL_1,
            datetime(2026, 4, 1, 11, tzinfo=UTC),
            datetime(2026, 4, 1, 11, 40, tzinfo=UTC),
            5,
            "UAH",
        ),
    ]
    assert books.value(1, "paid_total") == Decimal(100)


@pytest.mark.parametrize(
    ("payments", "expected"),
    [
        ([], ("payment_cancelled", 71, Decimal(100), Decimal(0))),
        (
            [{"id": 71, "amount": 100, "status": "not_paid"}],
            ("payment_cancelled", 71, Decimal(100), Decimal(0)),
        ),
        (
            [{"id": 71, "amount": 80, "payment_date": at(8)}],
            ("payment_sum_changed", 71, Decimal(100), Decimal(80)),
        ),
    ],
    ids=["deleted", "set to unpaid", "another sum"],
)
def test_money_that_is_no_longer_there(
    books: Books, payments: list[dict[str, Any]], expected: tuple[Any, ...]
) -> None:
    """However KeyCRM takes a payment back, it was there."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(9), payments=payments))
    books.load()
    assert movements(books) == [expected]


def test_a_payment_expected_and_cancelled_never_was_money(books: Books) -> None:
    """KeyCRM cancels the unpaid payments of a cancelled order: only the order's own movement stands."""
    waiting = [{"id": 71, "amount": 390, "status": "not_paid"}]
    books.shop.add_order(paid_order(at(8), payments=waiting))
    books.load()
    books.shop.add_order(
        paid_order(
            at(9), status_id=19, status_changed_at=at(8, 50), payments=[{**waiting[0], "status": "canceled"}]
        )
    )
    books.load()
    assert movements(books) == [("order_cancelled", 1, Decimal(390), Decimal(0))]
    assert movements(books, "value_before, value_after, crm_at") == [
        ("Новий", "Скасовано", datetime(2026, 4, 1, 8, 50, tzinfo=UTC))
    ]


def test_an_expense_is_no_payment(books: Books) -> None:
    """A fee of 12 and a refund entered as an expense of 50, then the fee is put right."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(9), expenses=[{"id": 81, "amount": 12}, {"id": 82, "amount": 50}]))
    books.load()
    books.shop.add_order(
        paid_order(at(10), expenses=[{"id": 81, "amount": Decimal("12.5")}, {"id": 82, "amount": 50}])
    )
    books.load()
    assert movements(books) == [
        ("expense_came", 81, Decimal(0), Decimal(12)),
        ("expense_came", 82, Decimal(0), Decimal(50)),
        ("expense_sum_changed", 81, Decimal(12), Decimal("12.50")),
    ]


def test_a_payment_is_of_another_day(books: Books) -> None:
    """The 100 were entered for 31 March and are of 2 March, the 12 of a fee of the 3rd: sums stay, months change."""

    def load_order(hour: int, paid_at: str, spent_at: str) -> None:
        books.shop.add_order(
            paid_order(
                at(hour),
                payments=[{"id": 71, "amount": 100, "payment_date": paid_at}],
                expenses=[{"id": 81, "amount": 12, "payment_date": spent_at}],
            )
        )
        books.load()

    load_order(8, "2026-03-31T22:30:00.000000Z", at(7))
    load_order(9, "2026-03-02T10:00:00.000000Z", "2026-03-03T10:00:00.000000Z")
    # 22:30 UTC of 31 March is 1:30 of 1 April in Kyiv.
    expected = [
        ("expense_date_changed", 81, Decimal(12), Decimal(12), "2026-04-01", "2026-03-03"),
        ("payment_date_changed", 71, Decimal(100), Decimal(100), "2026-04-01", "2026-03-02"),
    ]
    columns = f"{COLUMNS}, value_before, value_after"
    assert movements(books, columns) == expected
    # Another hour of the same day is no other day.
    load_order(10, "2026-03-02T12:00:00.000000Z", "2026-03-03T10:00:00.000000Z")
    books.rebuild()
    assert movements(books, columns) == expected


def test_an_order_vanishes_comes_back_and_vanishes_again(books: Books) -> None:
    """Each time is told, dated by us alone, and no load, comparison or rebuild tells it twice."""
    record = paid_order(at(8))
    seen: list[datetime] = []
    books.shop.add_order(record)
    books.order(2)
    books.load()
    for is_there in (False, True, False):
        if is_there:
            books.shop.add_order(record)
        else:
            books.shop.delete_order(1)
        seen.append(books.now)
        books.load()
    expected = [
        ("order_listed_again", 1, seen[1], APRIL_1, None, None, None),
        ("order_vanished", 1, seen[0], APRIL_1, None, None, None),
        ("order_vanished", 2, seen[2], APRIL_1, None, None, None),
    ]
    columns = "kind, subject_id, first_seen_at, seen_day, crm_at, amount_before, amount_after"
    assert movements(books, columns) == expected
    before = books.tables()
    books.load()
    books.sweep()
    assert books.tables() == before
    books.rebuild()
    assert movements(books, columns) == expected


def test_the_sweep_tells_of_a_vanished_order(books: Books) -> None:
    """Of a day that nobody loads any more, with a payment cancelled before: both are told, each once."""
    books.shop.add_order(paid_order(at(8)))
    books.order(2)
    books.load()
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.changes()
    books.shop.delete_order(1)
    books.sweep()
    assert movements(books) == [
        ("order_vanished", 1, None, None),
        ("payment_cancelled", 71, Decimal(100), Decimal(0)),
    ]


def test_a_mark_of_an_older_program_is_told_too(books: Books) -> None:
    """Its file knows since when, and has no row of that time; once the order is back, it has both."""
    record = paid_order(at(8))
    books.shop.add_order(record)
    books.order(2)
    books.load()
    since = books.now
    books.shop.delete_order(1)
    books.load()
    with books.warehouse.writing() as connection:
        connection.execute("DELETE FROM raw.order_absences")
        connection.execute("DELETE FROM accounting.order_movements")
    books.rebuild()
    assert movements(books, "kind, first_seen_at") == [("order_vanished", since)]
    books.shop.add_order(record)
    back = books.now
    books.load()
    assert movements(books, "kind, first_seen_at") == [
        ("order_listed_again", back),
        ("order_vanished", since),
    ]


def test_lines_are_deleted_changed_and_added_in_place(books: Books) -> None:
    """The saucer goes, of the cups one is left, a lid of 45.50 comes: 390 becomes 195.50."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(
        paid_order(
            at(9),
            lines=[
                {"id": 11, "name": "Чашка", "price": 150, "quantity": 1},
                {"id": 13, "name": "Кришка", "price": Decimal("45.5"), "quantity": 1},
            ],
        )
    )
    books.load()
    columns = f"{COLUMNS}, name, quantity_before, quantity_after"
    assert movements(books, columns) == [
        ("line_added", 13, Decimal(0), Decimal("45.50"), "Кришка", None, Decimal(1)),
        ("line_changed", 11, Decimal(300), Decimal(150), "Чашка", Decimal(2), Decimal(1)),
        ("line_removed", 12, Decimal(90), Decimal(0), "Блюдце", Decimal(1), None),
        ("sum_changed", 1, Decimal(390), Decimal("195.50"), None, None, None),
    ]


def test_what_goes_and_comes_back_as_it_was_is_told_twice(books: Books) -> None:
    """The saucer and the payment go and come again: the third version has the same lists as the first."""
    cups = [{"id": 11, "name": "Чашка", "price": 150, "quantity": 2}]
    for answer in (paid_order(at(8)), paid_order(at(9), lines=cups, payments=[]), paid_order(at(10))):
        books.shop.add_order(answer)
        books.load()
    assert movements(books, "version_no, kind, subject_id, amount_before, amount_after") == [
        (2, "line_removed", 12, Decimal(90), Decimal(0)),
        (2, "payment_cancelled", 71, Decimal(100), Decimal(0)),
        (2, "sum_changed", 1, Decimal(390), Decimal(300)),
        (3, "line_added", 12, Decimal(0), Decimal(90)),
        (3, "payment_came", 71, Decimal(0), Decimal(100)),
        (3, "sum_changed", 1, Decimal(300), Decimal(390)),
    ]


def test_the_states_that_matter_and_a_parcel(books: Books) -> None:
    """Sent, not taken, cancelled, restored, completed, reopened: each once, however often the order is read."""
    steps: Sequence[dict[str, Any]] = [
        {"status_id": 1},
        {"status_id": 8, "shipping": {"tracking_code": "59000", "shipping_status": "invoice"}},
        {"status_id": 11, "shipping": {"tracking_code": "59000", "shipping_status": "transit"}},
        {"status_id": 11, "shipping": {"tracking_code": "59000", "shipping_status": "pickup"}},
        {"status_id": 19, "shipping": {"tracking_code": "59000", "shipping_status": "return"}},
        {"status_id": 19, "shipping": {"tracking_code": "59000", "shipping_status": "returned"}},
        {"status_id": 2, "shipping": {"tracking_code": "59000", "shipping_status": "returned"}},
        {"status_id": 12, "shipping": {"tracking_code": "59000", "shipping_status": "returned"}},
        {"status_id": 4, "shipping": {"tracking_code": "59000", "shipping_status": "returned"}},
    ]
    for hour, step in enumerate(steps, start=8):
        shipping = {"shipping": {**step["shipping"], "delivery_service": None}} if "shipping" in step else {}
        books.shop.add_order(paid_order(at(hour), **{**step, **shipping}))
        books.load()
        books.load()
    assert movements(books, f"version_no, {COLUMNS}, name, value_before, value_after") == [
        (3, "parcel_sent", 1, None, None, "59000", "invoice", "transit"),
        (5, "order_cancelled", 1, Decimal(390), Decimal(0), None, "В дорозі", "Скасовано"),
        (5, "parcel_came_back", 1, None, None, "59000", "pickup", "return"),
        (7, "order_restored", 1, Decimal(0), Decimal(390), None, "Скасовано", "Наявність підтверджено"),
        (8, "order_completed", 1, Decimal(390), Decimal(390), None, "Наявність підтверджено", "Виконано"),
        (9, "order_reopened", 1, Decimal(390), Decimal(390), None, "Виконано", "Очікування передоплати"),
    ]


def test_loading_again_changes_nothing(books: Books) -> None:
    """The same answers twice: no version, no movement, no time of one is written anew."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load()
    before = books.tables()
    books.load()
    books.recent()
    assert books.tables() == before


def test_stock_and_the_buyers_other_orders_are_no_version(books: Books) -> None:
    """Somebody else bought the same cup: the payload differs, the order does not; and what is seen first stays."""
    stocked = {"id": 11, "name": "Чашка", "price": 390, "offer": offer_payload(5, 6, sku="CUP", quantity=9)}
    books.shop.add_order(paid_order(at(8), lines=[stocked]))
    books.load()
    books.shop.add_order(paid_order(at(9), lines=[stocked], payments=[]))
    books.load()
    seen = movements(books, "kind, first_seen_at")
    sold = {**stocked, "offer": offer_payload(5, 6, sku="CUP", quantity=8, in_reserve=1)}
    record = paid_order(at(9), lines=[sold], payments=[])
    record["buyer"] = {**record["buyer"], "orders_count": 7, "orders_sum": "4100.00"}
    books.shop.add_order(record)
    books.load()
    assert books.query("SELECT payload ->> '$.products[0].offer.quantity' FROM raw.orders") == [("8",)]
    assert books.rows("raw.order_versions", "order_id, version_no") == [(1, 1)]
    assert movements(books, "kind, first_seen_at") == seen


def test_an_unmoved_updated_at_hides_no_change(books: Books) -> None:
    """A payment was deleted and `updated_at` stayed: what came later counts as later."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(8), payments=[]))
    books.load()
    assert movements(books) == [("payment_cancelled", 71, Decimal(100), Decimal(0))]


def test_an_older_answer_that_comes_later_makes_no_movement(books: Books) -> None:
    """A copy of KeyCRM that lags behind answers once more with the order before its payment, then catches up."""
    books.shop.add_order(paid_order(at(8), payments=[]))
    books.load()
    books.shop.add_order(paid_order(at(9)))
    books.load()
    once = movements(books)
    assert once == [("payment_came", 71, Decimal(0), Decimal(100))]
    books.shop.add_order(paid_order(at(8), payments=[]))
    books.load()
    assert movements(books) == once
    books.shop.add_order(paid_order(at(9)))
    books.load()
    assert movements(books) == once


def test_an_updated_at_of_the_future_is_not_believed(books: Books) -> None:
    """KeyCRM once said 2099: the versions after it are still later."""
    books.shop.add_order(paid_order(at(8), payments=[]))
    books.load()
    books.shop.add_order(paid_order("2099-01-01T00:00:00.000000Z"))
    books.load()
    books.shop.add_order(paid_order(at(11), payments=[{"id": 71, "amount": 130, "payment_date": at(8)}]))
    books.load()
    assert movements(books) == [
        ("payment_came", 71, Decimal(0), Decimal(100)),
        ("payment_sum_changed", 71, Decimal(100), Decimal(130)),
    ]


def test_half_an_answer_cancels_nothing(books: Books) -> None:
    """The list of payments is absent once: nothing is said about them, and nothing came when it is back."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    half = paid_order(at(9))
    del half["payments"]
    books.shop.add_order(half)
    books.load()
    assert list(books.reasons()) == [1]
    books.shop.add_order(paid_order(at(10)))
    books.load()
    assert movements(books) == []
    assert books.rows("raw.order_versions", "version_no") == [(1,), (2,)]


def test_a_payment_whose_status_is_absent_once_is_not_cancelled(books: Books) -> None:
    """Nobody knows then whether it is money: its order has 0 paid, and nothing was cancelled, nor came again."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    unknown = paid_order(at(9))
    del unknown["payments"][0]["status"]
    books.shop.add_order(unknown)
    books.load()
    assert books.value(1, "paid_total") == Decimal(0)
    books.shop.add_order(paid_order(at(10)))
    books.load()
    assert books.value(1, "paid_total") == Decimal(100)
    assert movements(books) == []
    assert books.rows("raw.order_versions", "version_no") == [(1,), (2,)]


def test_history_of_an_order_begins_when_it_enters_the_books(books: Books) -> None:
    """Its day is loaded late: what was stored of it before is not lost, and nothing stands in the books earlier."""
    books.shop.add_order(paid_order(at(8)))
    books.order(2, "2026-03-03T10:00:00.000000Z")
    books.load(date(2026, 3, 3))
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load(date(2026, 3, 3))
    assert movements(books) == []
    assert books.rows("raw.order_versions", "order_id") == [(1,)]
    books.load()
    assert movements(books) == [("payment_cancelled", 71, Decimal(100), Decimal(0))]


def test_what_a_failed_exchange_stored_is_part_of_the_history(books: Books) -> None:
    """The payment was there only while the load died before its documents: it was there."""
    books.shop.add_order(paid_order(at(8), payments=[]))
    books.load()
    books.shop.add_order(paid_order(at(9)))
    with books.session() as session:
        from keycrm_pipeline.pipeline.extraction import ExtractionCounts, ask_for

        with session.client() as client:
            ask_for(session, client, [1], ExtractionCounts())
    books.now += timedelta(hours=1)
    books.shop.add_order(paid_order(at(10), payments=[]))
    books.changes()
    assert movements(books) == [
        ("payment_came", 71, Decimal(0), Decimal(100)),
        ("payment_cancelled", 71, Decimal(100), Decimal(0)),
    ]


def test_movements_stay_when_their_versions_are_given_up(new_books: Any) -> None:
    """After 90 days the first two versions go; a rebuild and a further change leave their movement as it is."""
    books = new_books(keep_versions_days=90)
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load()
    books.shop.add_order(paid_order(at(10), payments=[], manager_comment="передзвонити"))
    books.load()
    kept = movements(books, "*")
    books.now += timedelta(days=95)
    books.recent()
    assert books.rows("raw.order_versions") == []
    books.rebuild()
    assert movements(books, "*") == kept
    books.shop.add_order(paid_order("2026-07-05T10:00:00.000000Z", status_id=19, payments=[]))
    books.load()
    # An answer from before all that is left has no neighbours any more.
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.rebuild()
    assert movements(books) == [
        ("payment_cancelled", 71, Decimal(100), Decimal(0)),
        ("order_cancelled", 1, Decimal(390), Decimal(0)),
    ]


def random_life(random: Random) -> list[dict[str, Any]]:
    """What one order says at each of four hours of its life."""
    return [
        {
            "payments": [
                {
                    "id": 70 + number,
                    "amount": random.choice([100, 150]),
                    "status": random.choice(["paid", "canceled"]),
                }
                for number in range(1, 4)
                if random.random() < 0.6
            ],
            "lines": [
                {"id": 10 + number, "quantity": random.choice([1, 2])}
                for number in range(1, 4)
                if number == 1 or random.random() < 0.6
            ],
            "status_id": random.choice([1, 8, 12, 19]),
        }
        for _hour in range(4)
    ]


def test_any_order_of_arrival_gives_the_same_movements(new_books: Any) -> None:
    """Thirty orders, once as they happened and once in any order; and a rebuild gives what the loads gave."""
    random = Random(14)
    lives = {order_id: random_life(random) for order_id in range(1, 31)}
    in_order = {order_id: [0, 1, 2, 3] for order_id in lives}
    shuffled = {order_id: random.sample(range(4), 4) for order_id in lives}
    found = []
    for arrival in (in_order, shuffled):
        books = new_books()
        for turn in range(4):
            for order_id, life in lives.items():
                hour = arrival[order_id][turn]
                books.shop.add_order({**paid_order(at(hour), **life[hour]), "id": order_id})
            books.load()
        found.append(
            sorted(
                movements(
                    books,
                    "order_id, kind, subject_id, crm_at, name, quantity_before, quantity_after, amount_before, "
                    "amount_after, value_before, value_after",
                ),
                key=str,
            )
        )
        before = books.tables(["raw", "accounting"])
        books.rebuild()
        assert books.tables(["raw", "accounting"]) == before
    assert len(found[0]) > 300
    assert found[0] == found[1]


def test_a_rebuild_reads_the_stored_versions_again(books: Books) -> None:
    """Movements that were lost, or made by a program with a mistake, are those of the versions again."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load()
    right = movements(books, "*")
    with books.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.order_movements SET amount_before = 1")
        connection.execute(
            "INSERT INTO accounting.order_movements BY NAME SELECT * REPLACE ('sum_changed' AS kind) "
            "FROM accounting.order_movements"
        )
    books.rebuild()
    assert movements(books, "*") == right


def test_times_of_a_day_are_local(books: Books) -> None:
    """Fetched at 22:30 UTC: in Kyiv it is the next day already."""
    books.now = datetime(2026, 4, 1, 20, 30, tzinfo=UTC)
    books.shop.add_order(paid_order(at(8)))
    books.load()
    books.now = datetime(2026, 4, 1, 22, 30, tzinfo=UTC)
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load()
    assert movements(books, "seen_day") == [(date(2026, 4, 2),)]


def test_programs_read_the_movements(books: Books) -> None:
    """A payment of 100 is deleted between two loads: as a frame it is one row, and the schema finds it right."""
    books.shop.add_order(paid_order(at(8)))
    books.load()
    empty = books_of(books.workspace).table("accounting.order_movements", validate=True)
    assert empty.empty
    books.shop.add_order(paid_order(at(9), payments=[]))
    books.load()
    frame = books_of(books.workspace).table("accounting.order_movements", validate=True)
    columns = ["order_id", "version_no", "kind", "subject_id", "seen_day", "amount_before", "amount_after"]
    assert frame[columns].values.tolist() == [
        [1, 2, "payment_cancelled", 71, APRIL_1, Decimal("100.00"), Decimal("0.00")]
    ]
