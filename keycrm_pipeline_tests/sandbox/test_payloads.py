"""The builders of records: their records are valid, add up and share no parts."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from keycrm_pipeline.sandbox.payloads import blank_timestamp, money, product_payload, timestamp
from keycrm_pipeline_tests.payloads import offer_payload, order_payload, payment_status


@pytest.mark.parametrize(
    ("kopiykas", "hryvnias"),
    [(19000, 190), (137750, Decimal("1377.5")), (1, Decimal("0.01")), (0, 0), (-250, Decimal("-2.5"))],
)
def test_money_is_written_as_keycrm_writes_it(kopiykas: int, hryvnias: object) -> None:
    """KeyCRM sends 190, not 190.00, and 1377.5, not 1377.50."""
    assert money(kopiykas) == hryvnias
    assert str(money(kopiykas)) == str(hryvnias)


def test_times_are_written_in_utc_in_both_forms() -> None:
    """In winter noon in Kyiv is ten o'clock in KeyCRM."""
    noon = datetime(2026, 1, 29, 12, 30, 5, tzinfo=timezone(timedelta(hours=2)))
    assert timestamp(noon) == "2026-01-29T10:30:05.000000Z"
    assert blank_timestamp(noon) == "2026-01-29 10:30:05"
    assert timestamp(None) is None
    assert blank_timestamp(None) is None


def test_an_order_without_anything_given_is_one_cup_for_a_hundred() -> None:
    """The default is an ordinary valid order, so that a test shows only what it is about."""
    order = order_payload()
    assert (order["id"], order["grand_total"], order["payment_status"]) == (4821, 100, "not_paid")
    assert order["ordered_at"] == order["created_at"] == "2026-03-02T08:00:00.000000Z"
    assert [line["name"] for line in order["products"]] == ["Чашка керамічна"]
    assert (order["client_id"], order["buyer"]["phone"]) == (917, "+380500000001")
    assert (order["status"]["name"], order["status_group_id"]) == ("new", 1)


def test_totals_follow_the_lines_and_the_discount() -> None:
    """3 x 33.33 = 99.99, 0.125 x 80.20 = 10.025 -> 10.03; 110.02 - 10 + 60 + 5.5 = 165.52; 100 is paid."""
    order = order_payload(
        lines=[{"price": Decimal("33.33"), "quantity": 3}, {"price": "80.20", "quantity": Decimal("0.125")}],
        discount_amount=10,
        shipping_price="60.00",
        wrap_price=Decimal("5.5"),
        payments=[{"amount": 100}, {"amount": 50, "status": "canceled"}],
        expenses=[{"amount": Decimal("7.5")}],
    )
    assert order["grand_total"] == Decimal("165.52")
    assert order["products_total"] == Decimal("110.02")
    assert order["total_discount"] == 10
    assert (order["payments_total"], order["payment_status"]) == (100, "part_paid")
    assert order["expenses_sum"] == Decimal("7.5")


def test_a_percent_discount_is_taken_off_the_lines_sum() -> None:
    """5 % of 99.99 is 4.9995, rounded half up 5.00; 94.99 is left."""
    order = order_payload(lines=[{"price": Decimal("33.33"), "quantity": 3}], discount_percent=5)
    assert order["grand_total"] == Decimal("94.99")


def test_a_discount_inside_the_lines_is_no_discount_of_the_order() -> None:
    """2 x 500 sold at 475: 950 to pay, which is the lines' total, and the order's own discount is 0."""
    order = order_payload(lines=[{"price": 500, "price_sold": 475, "quantity": 2}])
    assert (order["grand_total"], order["products_total"], order["total_discount"]) == (950, 950, 0)


def test_whatever_is_given_stays_even_when_it_is_wrong() -> None:
    """Rule tests build broken orders on purpose; the builder must not fix them."""
    order = order_payload(
        grand_total=None,
        status_group_id=9,
        payment_status="odd",
        lines=[{"quantity": "два", "name": None, "unknown": 1}],
        extra={"a": 1},
        ordered_at=None,
    )
    assert order["grand_total"] is None
    assert (order["status_group_id"], order["payment_status"], order["extra"]) == (9, "odd", {"a": 1})
    assert (order["products"][0]["quantity"], order["products"][0]["unknown"]) == ("два", 1)
    assert order["ordered_at"] is None


def test_an_offer_gives_the_line_its_sku_and_properties_unless_told_otherwise() -> None:
    """KeyCRM copies both to the line when it is created."""
    offer = offer_payload(3302, 1207, sku="TS-RED-M", properties=[{"name": "Колір", "value": "Червоний"}])
    copied, own = order_payload(lines=[{"offer": offer}, {"offer": offer, "sku": ""}])["products"]
    assert (copied["sku"], copied["properties"]) == ("TS-RED-M", [{"name": "Колір", "value": "Червоний"}])
    assert own["sku"] == ""


def test_an_order_may_have_no_buyer() -> None:
    """An order without a buyer has no buyer id either."""
    order = order_payload(buyer=None)
    assert (order["buyer"], order["client_id"]) == (None, None)


def test_two_records_share_nothing_that_can_be_changed() -> None:
    """A tag appended to one order does not appear in the next one."""
    order_payload()["tags"].append({"id": 1})
    order_payload()["products"][0]["properties"].append({"name": "x", "value": "y"})
    order_payload()["buyer"]["picture"].append("x")
    fresh = order_payload()
    assert (fresh["tags"], fresh["products"][0]["properties"], fresh["buyer"]["picture"]) == ([], [], [])


def test_a_product_with_variants_lacks_the_keys_of_plain_ones() -> None:
    """KeyCRM omits the keys instead of sending null."""
    plain, varied = product_payload(has_offers=False), product_payload(has_offers=True)
    assert set(plain) - set(varied) == {"sku", "barcode", "price", "purchased_price"}


@pytest.mark.parametrize(
    ("paid", "total", "word"),
    [
        (0, 100, "not_paid"),
        (40, 100, "part_paid"),
        (100, 100, "paid"),
        (101, 100, "overpaid"),
        (0, 0, "paid"),
    ],
)
def test_the_payment_status_compares_paid_and_total(paid: int, total: int, word: str) -> None:
    """There are four statuses; an order with nothing to pay is paid."""
    assert payment_status(paid, total) == word


def test_ids_of_lines_and_payments_are_made_from_the_orders_id() -> None:
    """The orders of one test never share an id of a line or payment by accident."""
    order = order_payload(order_id=7, lines=[{}, {"id": 5}], payments=[{}], expenses=[{}])
    assert [line["id"] for line in order["products"]] == [701, 5]
    assert (order["payments"][0]["id"], order["payments"][0]["destination_id"]) == (701, 7)
    assert (order["expenses"][0]["id"], order["expenses"][0]["is_expense"]) == (751, True)


def test_a_moment_is_written_as_given_when_it_is_text() -> None:
    """Dates can be in KeyCRM's other form."""
    assert order_payload(ordered_at="2026-03-02 08:00:00")["ordered_at"] == "2026-03-02 08:00:00"
    moment = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert order_payload(ordered_at=moment)["created_at"] == "2026-03-02T08:00:00.000000Z"
