"""The shop as a whole: the same for everyone, never ahead of its clock, and changeable by hand."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.sandbox.payloads import category_payload, product_payload, source_payload, status_payload
from keycrm_pipeline.sandbox.shop import CreatedBetween, OrderFilter, Selection, read_moment
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import offer_payload, order_payload
from keycrm_pipeline_tests.sandbox.asking import NOW

KYIV = ZoneInfo("Europe/Kyiv")
_FINGERPRINT = """
import hashlib, json
from datetime import UTC, datetime
from keycrm_pipeline.sandbox.shop import OrderFilter, Shop
shop = Shop(lambda: datetime(2026, 11, 24, 12, 0, tzinfo=UTC))
window = (datetime(2025, 3, 29, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))
found = shop.select(OrderFilter(created=window))
records = shop.records(found.ids(0, len(found)))
print(hashlib.sha256(json.dumps(records, default=str, sort_keys=True).encode()).hexdigest())
"""


def _between(shop: EditableShop, first: datetime, last: datetime) -> list[dict[str, Any]]:
    found = shop.select(OrderFilter(created=(first, last)))
    return shop.records(found.ids(0, len(found)))


def test_two_processes_see_the_same_shop() -> None:
    """Python's hashes differ between processes; orders based on them would change at every start."""
    seen = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", _FINGERPRINT], env=environment, capture_output=True, text=True, check=True
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def test_a_day_does_not_depend_on_what_was_asked_before() -> None:
    """The orders of a day do not depend on which days were generated before it."""
    first, last = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 6, 3, tzinfo=UTC)
    fresh, used = EditableShop(lambda: NOW), EditableShop(lambda: NOW)
    used.select(OrderFilter(updated=(NOW - timedelta(days=3), NOW)))
    used.records(range(1, 300))
    assert _between(fresh, first, last) == _between(used, first, last)


def test_another_seed_is_another_shop() -> None:
    """Two seeds give two different shops."""
    first, last = datetime(2024, 6, 1, tzinfo=UTC), datetime(2024, 6, 3, tzinfo=UTC)
    assert _between(EditableShop(lambda: NOW, seed=1), first, last) != _between(
        EditableShop(lambda: NOW, seed=2), first, last
    )


def test_a_settled_order_looks_the_same_whenever_one_looks() -> None:
    """Orders of spring do not change between two loads in autumn."""
    first, last = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    later = NOW + timedelta(days=200)
    assert _between(EditableShop(lambda: NOW), first, last) == _between(
        EditableShop(lambda: later), first, last
    )


def test_a_usual_year_has_about_forty_orders_a_day_and_seasons() -> None:
    """The demo looks like a small shop: busier before New Year than in summer, quiet on Sundays."""
    shop = EditableShop(lambda: NOW)
    per_day = {
        start: len(
            shop.select(
                OrderFilter(
                    created=(
                        datetime(start.year, start.month, start.day, tzinfo=KYIV),
                        datetime(start.year, start.month, start.day, tzinfo=KYIV) + timedelta(days=1),
                    )
                )
            )
        )
        for start in (date(2025, 1, 1) + timedelta(days=number) for number in range(365))
    }
    assert 38 <= sum(per_day.values()) / 365 <= 42
    assert min(per_day.values()) > 15
    july = sum(count for day, count in per_day.items() if day.month == 7)
    december = sum(count for day, count in per_day.items() if day.month == 12)
    assert december > 1.3 * july
    sundays = [count for day, count in per_day.items() if day.weekday() == 6]
    fridays = [count for day, count in per_day.items() if day.weekday() == 4]
    assert sum(sundays) / len(sundays) < 0.85 * sum(fridays) / len(fridays)


def test_ids_grow_with_time_and_have_gaps() -> None:
    """KeyCRM numbers its orders in sequence, and deleted ones leave gaps."""
    shop = EditableShop(lambda: NOW)
    found = shop.select()
    ids = found.ids(0, len(found))
    assert ids == sorted(set(ids))
    first_day = [number for number in ids if number < 130]
    assert set(range(1, max(first_day))) - set(first_day)
    entered = [record["created_at"] for record in shop.records(ids[-500:])]
    assert entered == sorted(entered)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2023, 1, 1, 12, 0, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 0, tzinfo=UTC),
        NOW,
    ],
)
def test_nothing_is_later_than_now(now: datetime) -> None:
    """An order created or changed in the future would make the next sync start from there."""
    shop = EditableShop(lambda: now)
    records = _between(shop, now - timedelta(days=50), now + timedelta(days=50))
    assert records
    for record in records:
        for key in ("created_at", "updated_at", "status_changed_at", "closed_at"):
            moment = read_moment(record[key])
            assert moment is None or moment <= now, (record["id"], key)


def test_orders_grow_older_step_by_step() -> None:
    """Hour by hour, statuses only move forward in time and `updated_at` never goes back."""
    clock = [datetime(2026, 11, 2, 8, 0, tzinfo=UTC)]
    shop = EditableShop(lambda: clock[0])
    order_id = next(
        record["id"]
        for record in _between(shop, clock[0] - timedelta(hours=5), clock[0])
        if record["status_id"] == 1 and record["ordered_at"] is not None
    )
    seen: list[tuple[Any, Any]] = []
    for _ in range(24 * 40):
        clock[0] += timedelta(hours=1)
        order = shop.order(order_id)
        assert order is not None
        seen.append((order["updated_at"], order["status_id"]))
    assert seen == sorted(seen, key=lambda pair: pair[0])
    assert shop.order(order_id)["status_group_id"] in (5, 6)  # type: ignore[index]
    assert len({status for _, status in seen}) >= 2


def test_a_renamed_status_has_its_new_name_inside_orders_too() -> None:
    """R9: the new name appears in the list as well as in the order's include."""
    shop = EditableShop(lambda: NOW)
    order_id = shop.select(OrderFilter(status_ids=frozenset({8}))).ids(0, 1)[0]
    shop.add_status(status_payload(8, "Передано перевізнику"))
    assert shop.order(order_id)["status"]["name"] == "Передано перевізнику"  # type: ignore[index]


def test_an_order_that_does_not_exist_yet_is_not_found() -> None:
    """An order of tomorrow cannot be requested by its id."""
    today = EditableShop(lambda: NOW)
    tomorrow = EditableShop(lambda: NOW + timedelta(days=1))
    found = tomorrow.select()
    newest = found.ids(len(found) - 1, len(found))[0]
    assert tomorrow.order(newest) is not None
    assert today.order(newest) is None
    assert today.order(10**12) is None
    assert today.order(0) is None
    assert today.order(-5) is None


def test_orders_are_created_a_quarter_of_an_hour_later_and_some_weeks_apart(
    two_months: list[dict[str, Any]],
) -> None:
    """A client that takes one of the two dates for the other puts orders on the wrong day, and some far away."""
    delays = [
        read_moment(record["created_at"]) - read_moment(record["ordered_at"])  # type: ignore[operator]
        for record in two_months
        if record["ordered_at"] is not None
    ]
    assert len(delays) < len(two_months)
    usual = [delay for delay in delays if timedelta(minutes=12) <= delay <= timedelta(minutes=18)]
    assert len(usual) > 0.8 * len(delays)
    assert len(set(usual)) > 100
    assert delays.count(timedelta(0)) > 100
    imported = [delay for delay in delays if delay >= timedelta(weeks=2)]
    ahead = [delay for delay in delays if delay < timedelta(0)]
    assert 3 <= len(imported) <= 20
    assert 3 <= len(ahead) <= 20
    assert max(imported) <= timedelta(weeks=8)
    assert all(timedelta(weeks=2) <= -delay <= timedelta(weeks=6) for delay in ahead)
    assert sum(timedelta(days=1) < delay < timedelta(days=7) for delay in delays) >= 5


@pytest.mark.parametrize(("reading", "other"), [("ordered_at", "created_at"), ("created_at", "ordered_at")])
def test_the_filter_by_date_finds_exactly_the_orders_of_the_window(
    reading: CreatedBetween, other: CreatedBetween
) -> None:
    """The same as checking every order: orders entered late belong to the day they were placed, or entered."""
    shop = EditableShop(lambda: NOW, created_between=reading)
    first, last = datetime(2026, 10, 24, 21, tzinfo=UTC), datetime(2026, 10, 25, 22, tzinfo=UTC)
    found = shop.select(OrderFilter(created=(first, last)))
    around = _between(shop, first - timedelta(days=80), last + timedelta(days=80))
    expected = [
        record["id"]
        for record in around
        if first <= (read_moment(record[reading]) or read_moment(record[other])) <= last  # type: ignore[operator]
    ]
    assert found.ids(0, len(found)) == sorted(expected)


@pytest.mark.parametrize(
    "wanted",
    [
        OrderFilter(updated=(NOW - timedelta(days=2), NOW)),
        OrderFilter(shipped=(datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 12, tzinfo=UTC))),
        OrderFilter(status_ids=frozenset({8})),
        OrderFilter(status_ids=frozenset({12}), created=(NOW - timedelta(days=9), NOW)),
        OrderFilter(source_id=6, created=(NOW - timedelta(days=30), NOW)),
        OrderFilter(payment_statuses=frozenset({"part_paid"}), created=(NOW - timedelta(days=9), NOW)),
        OrderFilter(has_tracking_code=True, created=(NOW - timedelta(days=9), NOW)),
    ],
)
def test_filters_agree_with_what_the_records_say(
    wanted: OrderFilter, two_months: list[dict[str, Any]]
) -> None:
    """Filters use a short form of the record; if the two differed, a sync would lose orders."""
    shop = EditableShop(lambda: NOW, created_between="created_at")

    def inside(value: object, window: tuple[datetime, datetime] | None) -> bool:
        moment = read_moment(value)
        return window is None or (moment is not None and window[0] <= moment <= window[1])

    expected = [
        record["id"]
        for record in two_months
        if inside(record["created_at"], wanted.created)
        and inside(record["updated_at"], wanted.updated)
        and inside((record["shipping"] or {}).get("shipping_date_actual"), wanted.shipped)
        and (wanted.status_ids is None or record["status_id"] in wanted.status_ids)
        and wanted.source_id in (None, record["source_id"])
        and (wanted.payment_statuses is None or record["payment_status"] in wanted.payment_statuses)
        and (not wanted.has_tracking_code or (record["shipping"] or {}).get("tracking_code"))
    ]
    found = shop.select(wanted)
    assert expected
    assert found.ids(0, len(found)) == expected


def test_the_payment_status_agrees_with_the_payments(two_months: list[dict[str, Any]]) -> None:
    """Paid means that the payments that are not cancelled equal the total."""
    for record in two_months:
        paid = sum(
            payment["amount"]
            for payment in record["payments"]
            if payment["status"] == "paid" and not payment["is_expense"]
        )
        assert paid == record["payments_total"]
        if isinstance(record["grand_total"], str) or record["grand_total"] is None:
            continue
        total = record["grand_total"]
        word = (
            "not_paid"
            if not paid
            else "part_paid"
            if paid < total
            else "paid"
            if paid == total
            else "overpaid"
        )
        assert record["payment_status"] == word, record["id"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=8), st.integers(0, 40), st.integers(0, 40))
def test_a_selection_slices_like_one_long_list(
    shape: Sequence[Sequence[int]], start: int, length: int
) -> None:
    """With empty days, pages across days and past the end, a page has the same ids as a slice of a plain list."""
    numbers = iter(range(1000))
    runs = [[next(numbers) for _ in run] for run in shape]
    flat = [number for run in runs for number in run]
    selection = Selection(runs)
    assert len(selection) == len(flat)
    assert selection.ids(start, start + length) == flat[start : start + length]
    assert selection.newest_first(start, start + length) == flat[::-1][start : start + length]


def test_an_added_order_is_found_by_every_filter(empty_shop: EditableShop) -> None:
    """An added order is found by every request of the pipeline."""
    order = order_payload(
        order_id=77,
        source_uuid="№5",
        shipping={"tracking_code": "20", "shipping_date_actual": "2026-03-03T00:00:00.000000Z"},
    )
    assert empty_shop.add_order(order) == 77
    day = (datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC))
    for wanted in (
        OrderFilter(),
        OrderFilter(created=day),
        OrderFilter(updated=day),
        OrderFilter(shipped=day),
        OrderFilter(status_ids=frozenset({1})),
        OrderFilter(source_id=1),
        OrderFilter(source_uuid="№5"),
        OrderFilter(payment_statuses=frozenset({"not_paid"})),
        OrderFilter(buyer_phones=frozenset({"+380500000001"})),
        OrderFilter(buyer_phones=frozenset({"380500000001"})),
        OrderFilter(buyer_emails=frozenset({"olena.testova@example.com"})),
        OrderFilter(has_tracking_code=True),
    ):
        assert empty_shop.select(wanted).ids(0, 10) == [77], wanted
    later = (day[1] + timedelta(days=1), day[1] + timedelta(days=2))
    for wanted in (
        OrderFilter(created=later),
        OrderFilter(updated=later),
        OrderFilter(shipped=later),
        OrderFilter(status_ids=frozenset({2})),
        OrderFilter(source_id=2),
        OrderFilter(source_uuid="№6"),
        OrderFilter(payment_statuses=frozenset({"paid"})),
        OrderFilter(buyer_phones=frozenset({"0500000001"})),
    ):
        assert len(empty_shop.select(wanted)) == 0, wanted
    assert empty_shop.order(77) == order


def test_an_order_without_dates_or_id_can_be_kept_and_is_found_in_any_window(
    empty_shop: EditableShop,
) -> None:
    """R10 rejects such orders, so a test must be able to serve them."""
    broken = order_payload(id="x", ordered_at=None, created_at=None, updated_at=None)
    with pytest.raises(ValueError, match="order_id"):
        empty_shop.add_order(broken)
    assert empty_shop.add_order(broken, order_id=5) == 5
    assert empty_shop.select(OrderFilter(created=(NOW, NOW))).ids(0, 9) == [5]


def test_added_orders_do_not_share_anything_with_the_caller(empty_shop: EditableShop) -> None:
    """Changing the caller's dictionary later does not change the shop, and vice versa."""
    order = order_payload(order_id=1)
    empty_shop.add_order(order)
    order["products"][0]["name"] = "changed"
    taken = empty_shop.order(1)
    assert taken is not None
    assert taken["products"][0]["name"] == "Чашка керамічна"
    taken["products"].clear()
    assert empty_shop.order(1) != taken


def test_replacing_moves_updated_at_and_brings_the_status_along() -> None:
    """What happens in KeyCRM when a user changes a status."""
    shop = EditableShop(lambda: NOW)
    order_id = shop.select(OrderFilter(created=(NOW - timedelta(days=90), NOW))).ids(0, 1)[0]
    before = shop.order(order_id)
    changed = shop.replace_order(order_id, {"status_id": 21, "grand_total": 1})
    assert before is not None
    assert changed == shop.order(order_id)
    assert changed["updated_at"] == changed["status_changed_at"] == "2026-11-24T12:00:00.000000Z"
    assert (changed["status_group_id"], changed["status"]["name"]) == (4, "Чекає в магазині")
    assert changed["grand_total"] == 1
    assert changed["products"] == before["products"]
    assert shop.select(OrderFilter(updated=(NOW, NOW))).ids(0, 5)[0] == order_id
    silent = shop.replace_order(order_id, {"grand_total": 2, "updated_at": before["updated_at"]})
    assert silent["updated_at"] == before["updated_at"]


def test_a_deleted_order_vanishes_without_a_trace_and_can_come_back() -> None:
    """KeyCRM keeps no list of deleted orders."""
    shop = EditableShop(lambda: NOW)
    found = shop.select()
    gone = found.ids(1000, 1001)[0]
    assert shop.delete_order(gone) is True
    assert shop.delete_order(gone) is False
    assert shop.order(gone) is None
    assert len(shop.select()) == len(found) - 1
    with pytest.raises(LookupError, match=str(gone)):
        shop.replace_order(gone, {})
    shop.add_order(order_payload(order_id=gone))
    assert shop.select().ids(1000, 1001) == [gone]


def test_an_order_is_inserted_where_its_id_belongs() -> None:
    """`sort=id` includes orders added by hand, in gaps and after the end."""
    shop = EditableShop(lambda: NOW)
    total = len(shop.select())
    ids = shop.select().ids(0, 200)
    gap = next(number for number in range(1, 500) if number not in ids)
    shop.add_order(order_payload(order_id=gap))
    shop.add_order(order_payload(order_id=10_000_000))
    found = shop.select()
    assert found.ids(0, 201) == sorted([*ids, gap])
    assert found.newest_first(0, 1) == [10_000_000]
    assert len(found) == total + 2


def test_lists_of_the_account_can_be_changed(empty_shop: EditableShop) -> None:
    """Rule tests rename a status, add a source and build their own catalogue."""
    empty_shop.add_status(status_payload(1, "Новий"))
    empty_shop.add_source(source_payload(44, "Ярмарок"))
    empty_shop.add_category(category_payload(90, "Нова", 7))
    variants = [offer_payload(1, sku="A"), offer_payload(2, sku="B")]
    empty_shop.add_product(product_payload(500, "Капці", has_offers=True), variants)
    assert empty_shop.records_of("statuses")[0]["name"] == "Новий"
    assert empty_shop.records_of("sources")[-1]["name"] == "Ярмарок"
    assert empty_shop.records_of("categories")[-1] == {"id": 90, "name": "Нова", "parent_id": 7}
    assert [offer["product_id"] for offer in empty_shop.records_of("offers")] == [500, 500]
    assert "sku" not in empty_shop.records_of("products")[0]
    assert empty_shop.remove_product(500) is True
    assert empty_shop.remove_product(500) is False
    assert empty_shop.records_of("offers") == []
    assert empty_shop.remove_record("sources", 44) is True


def test_an_empty_shop_knows_no_buyers_but_those_of_its_orders(empty_shop: EditableShop) -> None:
    """The buyer routes of a test's shop show the test's buyers."""
    assert empty_shop.buyer_ids() == []
    assert empty_shop.buyer(917) is None
    empty_shop.add_order(order_payload())
    assert empty_shop.buyer_ids() == [[917]]
    assert empty_shop.buyer(917)["full_name"] == "Олена Тестова"  # type: ignore[index]
    empty_shop.remove_buyer(917)
    assert empty_shop.buyer(917) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-29T18:53:35.000000Z", datetime(2026, 1, 29, 18, 53, 35, tzinfo=UTC)),
        ("2026-01-29 18:53:35", datetime(2026, 1, 29, 18, 53, 35, tzinfo=UTC)),
        (" 2026-01-29", datetime(2026, 1, 29, tzinfo=UTC)),
        ("2026-01-29T20:53:35+02:00", datetime(2026, 1, 29, 18, 53, 35, tzinfo=UTC)),
        ("soon", None),
        (None, None),
        (5, None),
    ],
)
def test_dates_are_read_in_every_form(text: object, moment: datetime | None) -> None:
    """Both forms of KeyCRM and the bare date of a filter, all UTC."""
    assert read_moment(text) == moment


def test_a_window_to_the_end_of_time_is_no_problem() -> None:
    """People use 9999-12-31 for "until now"."""
    shop = EditableShop(lambda: NOW, first_day=date(2026, 9, 1))
    forever = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC))
    assert len(shop.select(OrderFilter(created=forever))) == len(shop.select())
    assert len(shop.select(OrderFilter(updated=forever))) == len(shop.select())


def test_the_pinned_day_is_still_the_pinned_day() -> None:
    """The demo shop only changes on purpose, together with the number here."""
    shop = EditableShop(lambda: NOW, created_between="created_at")
    records = _between(shop, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    text = json.dumps(records, default=str, sort_keys=True, ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "4d35f0a0ae47267b"
