"""R10: absent is not none, and another shape is not none. What was booked is never lost to half an answer."""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from keycrm_pipeline.sandbox.payloads import product_payload, source_payload, status_payload
from keycrm_pipeline_tests.payloads import expense_payload, offer_payload, order_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, make_books, person


class Absent(Enum):
    """In place of a value: the key is left out."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

OFFER = offer_payload(1010, 101, sku="BAG-01", barcode="4820000000017")


def full_order(order_id: int, **parts: Any) -> dict[str, Any]:
    """An order with something in each part: 400 paid, an expense of 7, an address, a line with an offer and options."""
    return order_payload(
        order_id,
        **{
            "buyer": person(917, email="olena@shop.example"),
            "lines": [
                {
                    "name": "Сумка полотняна",
                    "price": 400,
                    "offer": OFFER,
                    "properties": [{"name": "Колір", "value": "Синій"}],
                }
            ],
            "payments": [payment_payload(order_id * 10, 400)],
            "expenses": [expense_payload(order_id * 10 + 1, 7)],
            "shipping": {
                "delivery_service_id": 1,
                "delivery_service": {"id": 1, "name": "Нова пошта"},
                "tracking_code": "20450000000001",
                "shipping_address_city": "Полтава",
                "shipping_receive_point": "Відділення №3",
            },
            "manager": {"id": 5, "full_name": "Марко Менеджер"},
            "source_uuid": "№77",
            "buyer_comment": "Подзвоніть",
            **parts,
        },
    )


def changed(order: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """The order, or a part of it, with one part replaced, or left out."""
    key, *rest = place
    copy: Any = list(order) if isinstance(order, list) else dict(order)
    if rest:
        copy[key] = changed(copy[key], tuple(rest), value)
    elif value is ABSENT:
        del copy[key]
    else:
        copy[key] = value
    return copy


def absent(part: str) -> str:
    return f"KeyCRM sent the order without {part}, although it was requested."


def unreadable(part: str, expected: str) -> str:
    return f"KeyCRM sent {part} in a form that cannot be read for certain ({expected} was expected)."


LINE = ("products", 0)
ODD: list[tuple[tuple[str | int, ...], Any, str]] = [
    # Absent although its include was requested.
    *(
        ((key,), ABSENT, absent(key))
        for key in ("buyer", "manager", "status", "shipping", "payments", "expenses")
    ),
    (("products",), ABSENT, "The order has no list of lines (products)."),
    ((*LINE, "offer"), ABSENT, absent("products[1].offer")),
    (("shipping", "delivery_service"), ABSENT, absent("shipping.delivery_service")),
    # Something else in the place of an object.
    *(
        ((key,), value, unreadable(key, "an object"))
        for key in ("buyer", "manager", "status", "shipping")
        for value in ("error", 5, True, [[1]], {"1": {"id": 5}}, [{"id": 5}])
    ),
    ((*LINE, "offer"), "error", unreadable("products[1].offer", "an object")),
    ((*LINE, "offer"), [OFFER], unreadable("products[1].offer", "an object")),
    (("shipping", "delivery_service"), "Нова пошта", unreadable("shipping.delivery_service", "an object")),
    # Something else in the place of a list.
    *(
        ((key,), value, unreadable(key, "a list"))
        for key in ("products", "payments", "expenses")
        for value in ("error", "", 5, False, {}, {"id": 71, "amount": 400}, {"1": [1]})
    ),
    (("payments",), None, unreadable("payments", "a list")),
    (("expenses",), None, unreadable("expenses", "a list")),
    (("products",), None, "The order has no list of lines (products)."),
    (("payments",), [[1]], "Payment 1 has no amount."),
    *(
        ((*LINE, "properties"), value, unreadable("products[1].properties", "a list"))
        for value in (
            "Колір: Синій",
            5,
            [["Колір", "Синій"]],
            ["Синій"],
            [{"Колір": "Синій"}],
            {"name": "Колір", "value": "Синій"},
            {"Колір": {"a": 1}},
            {"1": "Синій"},
            [{"name": "Колір", "value": ["Синій"]}],
        )
    ),
    ((*LINE, "offer", "properties"), "S", unreadable("products[1].offer.properties", "a list")),
    # A list or an object in the place of a single value.
    *(
        (place, value, unreadable(name, "a single value"))
        for place, name in (
            (("source_uuid",), "source_uuid"),
            (("payment_status",), "payment_status"),
            (("buyer_comment",), "buyer_comment"),
            (("buyer", "full_name"), "buyer.full_name"),
            (("status", "name"), "status.name"),
            (("shipping", "shipping_address_city"), "shipping.shipping_address_city"),
            (("shipping", "delivery_service", "name"), "shipping.delivery_service.name"),
            ((*LINE, "sku"), "products[1].sku"),
            ((*LINE, "offer", "barcode"), "products[1].offer.barcode"),
            (("payments", 0, "status"), "payments[1].status"),
            (("payments", 0, "actual_currency"), "payments[1].actual_currency"),
            (("expenses", 0, "is_expense"), "expenses[1].is_expense"),
        )
        for value in (["x"], {"a": "x"})
    ),
    (("buyer", "email"), [{"value": "olena@shop.example"}], unreadable("buyer.email", "a single value")),
    (("buyer", "phone"), {"mobile": "0501112233"}, unreadable("buyer.phone", "a single value")),
    # Ids and dates that are filled and cannot be read.
    (("source_id",), "перше", "Cannot be read: source_id «перше»."),
    (("manager", "id"), "n/a", "Cannot be read: manager.id «n/a»."),
    (("updated_at",), "вчора", "Cannot be read: updated_at «вчора»."),
    (("status_changed_at",), 1769712815, "Cannot be read: status_changed_at «1769712815»."),
    (("deleted_at",), "так", "Cannot be read: deleted_at «так»."),
    (("payments", 0, "payment_date"), "28.03.2026", "Payment 1: cannot be read: payment_date «28.03.2026»."),
    (("payments", 0, "id"), "x71", "Payment 1: cannot be read: id «x71»."),
    (("payments", 0, "payment_method_id"), [2], "Payment 1: cannot be read: payment_method_id «[2]»."),
    ((*LINE, "id"), "12.5", "Line 1: cannot be read: id «12.5»."),
    ((*LINE, "offer", "id"), "1e3", "Line 1: cannot be read: offer.id «1e3»."),
    ((*LINE, "offer", "product_id"), "сумка", "Line 1: cannot be read: offer.product_id «сумка»."),
]
"""Where something is replaced, by what, and the reason that a bookkeeper reads."""


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Books, dict[str, Any]]:
    """One good order for each of `ODD`, booked and then loaded again with that one part replaced."""
    books = make_books(tmp_path_factory.mktemp("odd"), default_partner="Роздрібний покупець")
    for order_id in range(1, len(ODD) + 1):
        books.shop.add_order(full_order(order_id))
    books.load()
    before = books.tables(["accounting"])
    for order_id, (place, value, _reason) in enumerate(ODD, start=1):
        books.shop.add_order(changed(full_order(order_id), place, value))
    books.load()
    return books, before


@pytest.fixture(scope="module")
def reasons(reloaded: tuple[Books, dict[str, Any]]) -> dict[int | None, list[str]]:
    """What is listed about these orders, read once: a file takes longer to open than to read."""
    return reloaded[0].reasons()


@pytest.mark.parametrize("number", range(len(ODD)), ids=lambda number: f"{ODD[number][0]}-{ODD[number][1]!r}")
def test_what_cannot_be_read_is_said_and_not_taken_for_nothing(
    reasons: dict[int | None, list[str]], number: int
) -> None:
    """The order is listed with the one thing that is the matter, by its name in KeyCRM."""
    assert reasons[number + 1] == [ODD[number][2]]


def test_what_was_booked_stays_as_it_was(reloaded: tuple[Books, dict[str, Any]]) -> None:
    """No payment, address, partner or card is lost or moved, and no card is added."""
    books, before = reloaded
    assert books.tables(["accounting"]) == before
    assert [str(paid) for (paid,) in books.rows("orders", "paid_total")] == ["400.00"] * len(ODD)
    assert books.rows("products", "name") == [("Сумка полотняна",)]
    assert books.rows("product_variants", "sku") == [("BAG-01",)]


def test_the_usual_shape_again_and_the_list_is_empty(new_books: Any) -> None:
    """KeyCRM answers whole again: the order leaves the list at the next load, and nothing has changed."""
    books = new_books()
    books.shop.add_order(full_order(1))
    books.load()
    before = books.tables(["accounting"])
    books.shop.add_order(changed(full_order(1), ("payments",), ABSENT))
    assert books.load().orders_rejected == 1
    books.shop.add_order(full_order(1))
    books.load()
    assert books.reasons() == {}
    assert books.tables(["accounting"]) == before


def test_first_load_of_an_order_without_its_parts_books_nothing(new_books: Any) -> None:
    """Every part that is absent is named, and the order of the same day that is whole is booked."""
    books = new_books()
    books.shop.add_order(full_order(1))
    bare = full_order(2)
    for key in ("buyer", "shipping", "payments"):
        del bare[key]
    books.shop.add_order(bare)
    books.load()
    assert books.rows("orders", "order_id") == [(1,)]
    assert books.reasons() == {2: [absent("buyer"), absent("shipping"), absent("payments")]}


CERTAIN: list[tuple[tuple[str | int, ...], Any]] = [
    (("payments",), {"1": full_order(1)["payments"][0]}),
    (("expenses",), {"3": full_order(1)["expenses"][0]}),
    (("products",), {"1": full_order(1)["products"][0]}),
    ((*LINE, "properties"), {"Колір": "Синій"}),
    ((*LINE, "properties"), {"0": {"name": "Колір", "value": "Синій"}}),
    (("buyer", "email"), ["olena@shop.example"]),
    (("buyer", "email"), [None, "", "olena@shop.example", "other@shop.example"]),
    (("buyer", "email"), {"1": "olena@shop.example"}),
    (("buyer", "phone"), ["", "+380500000917", "+380670000000"]),
    (("tags",), "error"),
    (("tags",), ABSENT),
    (("marketing",), ABSENT),
    (("custom_fields",), {"1": {"id": 1}}),
    (("assigned",), ABSENT),
]
"""Other shapes with one certain meaning, which is that of the full order."""


@pytest.fixture(scope="module")
def books_of_the_whole_order(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """The accounting tables of an account with the full order, in its usual shape."""
    books = make_books(tmp_path_factory.mktemp("whole"))
    books.shop.add_order(full_order(1))
    books.load()
    return books.tables(["accounting"])


@pytest.mark.parametrize(
    ("place", "value"), CERTAIN, ids=[f"{place}-{value!r}"[:60] for place, value in CERTAIN]
)
def test_another_shape_with_one_meaning_changes_nothing(
    books: Books,
    books_of_the_whole_order: dict[str, list[tuple[Any, ...]]],
    place: tuple[str | int, ...],
    value: Any,
) -> None:
    """An account that always sends the order so has the same books, and a rebuild finds it unchanged."""
    books.shop.add_order(changed(full_order(1), place, value))
    books.load()
    assert books.reasons() == {}
    assert books.tables(["accounting"]) == books_of_the_whole_order
    assert books.rebuild().orders_unchanged == 1


def test_a_list_with_a_gap_is_read_in_order_of_its_numbers(new_books: Any) -> None:
    """Lines 2 and 10 of KeyCRM are lines 1 and 2 here, though the text has them the other way round."""
    books = new_books()
    first, second = order_payload(1, lines=[{"name": "Чашка"}, {"name": "Тарілка"}])["products"]
    books.shop.add_order({**order_payload(1), "grand_total": 200, "products": {"10": second, "2": first}})
    books.load()
    assert books.rows("order_lines", "line_no, name") == [(1, "Чашка"), (2, "Тарілка")]


@pytest.mark.parametrize("nothing", [None, "", " ", [], {}])
def test_nothing_in_the_place_of_an_object_is_none(new_books: Any, nothing: Any) -> None:
    """An order without manager, address and buyer, however KeyCRM writes that."""
    books = new_books()
    books.shop.add_order(
        {**full_order(1), "buyer": nothing, "client_id": None, "manager": nothing, "shipping": nothing}
    )
    books.load()
    assert books.reasons() == {}
    document = books.document(1, "delivery_address, manager_id, partner_id")
    assert document == {"delivery_address": None, "manager_id": None, "partner_id": 1}
    assert books.rows("partners", "name") == [("Роздрібний покупець",)]


def test_payments_in_four_shapes(new_books: Any) -> None:
    """Four orders of 400 paid. Then a list with a gap, no list, a text, and as before: 400 stays paid in each."""
    books = new_books()
    for order_id in range(6000, 6004):
        books.shop.add_order(full_order(order_id))
    books.load()
    books.shop.add_order(changed(full_order(6000), ("payments",), {"1": payment_payload(60000, 400)}))
    books.shop.add_order(changed(full_order(6001), ("payments",), ABSENT))
    books.shop.add_order(changed(full_order(6002), ("payments",), "error"))
    books.load()
    assert [str(paid) for (paid,) in books.rows("orders", "paid_total")] == ["400.00"] * 4
    assert books.reasons() == {6001: [absent("payments")], 6002: [unreadable("payments", "a list")]}
    assert books.review("rejected_order") == ["6001", "6002"]


def test_buyers_with_one_email_in_two_shapes_are_one_partner(new_books: Any) -> None:
    """An e-mail in a list is the same e-mail."""
    books = new_books()
    books.order(1, buyer=person(950, "Петро Масив", "", email=["petro@shop.example"]))
    books.order(2, buyer=person(951, "Петро Масив", "", email="petro@shop.example"))
    books.load()
    assert books.rows("partners", "name, email") == [("Петро Масив", "petro@shop.example")]


def test_options_as_an_object_stand_on_the_line(new_books: Any) -> None:
    """With the names and values, in KeyCRM's order."""
    books = new_books()
    books.order(1, lines=[{"name": "Стрічка", "properties": {"Колір": "Синій", "Ширина": 12}}])
    books.load()
    assert books.rows("order_lines", "characteristics") == [("Колір: Синій; Ширина: 12",)]


def test_date_of_a_payment_falls_back_only_when_it_has_none(new_books: Any) -> None:
    """Empty, it is the day on which the payment was entered; unreadable, it is no day at all."""
    books = new_books()
    entered = "2026-03-05T10:00:00.000000Z"
    for order_id, paid in ((1, None), (2, "пізніше")):
        books.shop.add_order(
            full_order(order_id, payments=[payment_payload(order_id, 400, created_at=entered)])
        )
        books.shop.replace_order(
            order_id,
            {"payments": [payment_payload(order_id, 400, payment_date=paid, created_at=entered)]},
        )
    books.load()
    assert books.query(
        "SELECT DISTINCT CAST(paid_at AT TIME ZONE 'UTC' AS VARCHAR) FROM accounting.order_payments "
        "WHERE NOT is_expense"
    ) == [("2026-03-05 10:00:00",)]
    assert books.reasons() == {2: ["Payment 1: cannot be read: payment_date «пізніше»."]}


def test_an_unreadable_order_date_of_a_booked_order_moves_it_nowhere(new_books: Any) -> None:
    """Created months later: it stays on its day, is listed, and a load of either day finds the same."""
    books = new_books()
    books.shop.add_order(full_order(1))
    books.load()
    before = books.tables(["accounting"])
    books.shop.add_order(
        {
            **full_order(1),
            "ordered_at": "2-3-2026",
            "created_at": "2026-03-06T10:00:00.000000Z",
            "updated_at": "2026-03-31T10:00:00.000000Z",
        }
    )
    books.changes()
    books.load(MARCH_2)
    assert books.reasons() == {1: ["The order date (ordered_at) is not a valid date: «2-3-2026»."]}
    assert books.tables(["accounting"]) == before


# Deleted orders


def test_r11_a_booked_order_listed_as_deleted_is_marked_and_kept(new_books: Any) -> None:
    """As after a 404, whatever KeyCRM emptied in it; loading again changes nothing; restored, it is as before."""
    books = new_books()
    books.shop.add_order(full_order(1))
    books.load()
    before = books.document(1, "* EXCLUDE (updated_at, missing_in_crm)")
    books.shop.add_order({**full_order(1), "deleted_at": "2026-03-20T10:00:00.000000Z", "payments": []})
    exchange = books.load()
    assert (exchange.orders_updated, exchange.orders_rejected) == (1, 0)
    assert books.value(1, "missing_in_crm") is True
    assert books.document(1, "* EXCLUDE (updated_at, missing_in_crm)") == before
    assert books.review("missing_in_crm") == ["1"]
    marked = books.tables()
    books.load()
    books.sweep()
    assert books.tables() == marked
    books.shop.add_order(full_order(1))
    books.load()
    assert books.value(1, "missing_in_crm") is False
    assert books.document(1, "* EXCLUDE (updated_at, missing_in_crm)") == before


def test_r11_a_new_order_that_is_deleted_already_stays_out_of_the_books(new_books: Any) -> None:
    """It is kept raw and makes no card, at every load; restored in KeyCRM, it is booked."""
    books = new_books()
    books.order(1)
    books.shop.add_order({**full_order(2), "deleted_at": "2026-03-20 10:00:00"})
    for _ in range(2):
        exchange = books.load()
        assert (exchange.orders_seen, exchange.orders_rejected) == (2, 0)
        assert books.rows("orders", "order_id") == [(1,)]
        assert books.rows("products", "name") == [("Чашка керамічна",)]
        assert books.rows("raw.orders", "order_id, missing_since IS NOT NULL") == [(1, False), (2, True)]
    books.rebuild()
    assert books.rows("orders", "order_id") == [(1,)]
    books.shop.add_order(full_order(2))
    books.load()
    assert books.rows("orders", "order_id, missing_in_crm") == [(1, False), (2, False)]


def test_r11_an_order_listed_as_deleted_counts_as_absent_in_the_sweep(new_books: Any) -> None:
    """The list of all ids shows it, and still it is found, asked for by id, and marked."""
    books = new_books()
    books.shop.add_order(full_order(1))
    books.load()
    books.shop.add_order({**full_order(1), "deleted_at": "2026-03-20T10:00:00.000000Z"})
    books.sweep()
    assert books.value(1, "missing_in_crm") is True


def test_r09_a_deleted_status_needs_no_stage(new_books: Any) -> None:
    """The mapping must be complete for the statuses that KeyCRM still has."""
    stages = dict.fromkeys(range(1, 30), "Нове")
    books = new_books(statuses={"require_mapping": True, "stages": stages})
    books.shop.add_status(
        status_payload(77, "Старий", deleted_at="2026-01-01T00:00:00.000000Z", is_active=True)
    )
    books.order(1)
    books.load()
    assert books.rows("orders", "order_id") == [(1,)]


# Reference lists and the catalogue


@pytest.mark.parametrize("loss", [ABSENT, {"uk": "?"}, ["?"]], ids=["absent", "object", "list"])
def test_half_a_row_of_a_list_wipes_nothing(new_books: Any, loss: Any) -> None:
    """A status, a source and a payment method that come without their names keep them, and so do the documents."""
    books = new_books(service_categories=[7])
    shop = books.shop
    shop.add_status(status_payload(40, "Пакується", group_id=3))
    shop.add_source(source_payload(9, "Rozetka", currency_code="USD"))
    shop.add_category({"id": 70, "name": "Курси", "parent_id": 7})
    product = product_payload(101, "Майстер-клас", category_id=70, sku="MK")
    shop.add_product(product, [offer_payload(1010, 101, sku="MK")])
    sold: dict[str, Any] = {
        "status_id": 40,
        "source_id": 9,
        "lines": [{"name": "Майстер-клас", "price": 400, "offer": offer_payload(1010, 101, sku="MK")}],
    }
    shop.add_order(full_order(1, **sold))
    books.load()
    before = books.tables(["accounting"])
    assert books.document(1, "stage, currency, services_total") == {
        "stage": "Пакується",
        "currency": "USD",
        "services_total": 400,
    }
    lists: Any = shop._lists
    for name, record_id, keys in (
        ("statuses", 40, ("name", "group_id")),
        ("sources", 9, ("name", "currency_code")),
        ("payment_methods", 2, ("name",)),
        ("categories", 70, ("name", "parent_id")),
        ("products", 101, ("name", "has_offers", "category_id", "sku")),
    ):
        for key in keys:
            lists[name][record_id] = changed(lists[name][record_id], (key,), loss)
    # Another order of the same product: its card is asked for again in every respect.
    shop.add_order(full_order(2, **sold))
    books.catalogue()
    books.load()
    assert books.document(2, "stage, currency, services_total") == {
        "stage": "Пакується",
        "currency": "USD",
        "services_total": 400,
    }
    shop.delete_order(2)
    after = books.tables(["accounting"])
    for table in ("accounting.statuses", "accounting.sources", "accounting.products"):
        assert after[table] == before[table]
    methods = {method for (method,) in books.rows("order_payments", "method", "NOT is_expense")}
    assert methods == {before["accounting.order_payments"][0][5]} or len(methods) == 1


@pytest.mark.parametrize("loss", ["sku absent", "has_offers absent", "no offers", "no product"])
def test_half_a_catalogue_moves_no_line(new_books: Any, loss: str) -> None:
    """A product with variants keeps its card and its variants when KeyCRM's catalogue answers half."""
    books = new_books()
    shop = books.shop
    sizes = [
        offer_payload(number, 7, sku=f"TS-{size}", properties=[{"name": "Розмір", "value": size}])
        for number, size in ((71, "S"), (72, "M"))
    ]
    shop.add_product(product_payload(7, "Футболка", has_offers=True), sizes)
    books.order(1, lines=[{"name": "Футболка", "offer": sizes[0]}])
    books.load()
    lists: Any = shop._lists
    if loss == "sku absent":
        for number in (71, 72):
            del lists["offers"][number]["sku"]
    elif loss == "has_offers absent":
        del lists["products"][7]["has_offers"]
    elif loss == "no offers":
        lists["offers"].clear()
    else:
        lists["offers"].clear()
        lists["products"].clear()
    books.catalogue()
    books.order(2, lines=[{"name": "Футболка", "offer": sizes[1]}])
    books.load()
    assert books.rows("products", "name, kind") == [("Футболка", "product_with_sku")]
    assert books.rows("product_variants", "sku") == [("TS-S",), ("TS-M",)]
    assert books.rows("order_lines", "order_id, product_id, variant_id") == [(1, 1, 1), (2, 1, 2)]


# Whatever comes

OBJECTS = ("buyer", "manager", "status", "shipping", "offer", "delivery_service")
PLACES: list[tuple[str | int, ...]] = [
    *((key,) for key in ("buyer", "manager", "status", "shipping", "products", "payments", "expenses")),
    *((*LINE, "offer"), (*LINE, "properties"), ("shipping", "delivery_service")),
]
json_values = st.recursive(
    st.sampled_from([True, False, 0, 5, 400, "", " ", "error", "paid", "[]", "{}", "400"])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=2)
        | st.dictionaries(st.sampled_from(["1", "2", "name", "value", "amount", "Колір"]), inner, max_size=3)
    ),
    max_leaves=5,
)
"""JSON without an empty list and null, which are KeyCRM's own ways to say that there is nothing."""


def is_nothing(value: Any) -> bool:
    return isinstance(value, str | dict) and str(value).strip() in ("", "[]", "{}")


def is_list_of_objects(value: Any) -> bool:
    members = list(value.values()) if isinstance(value, dict) else value
    return isinstance(members, list) and all(isinstance(member, dict) for member in members)


SHOWN = "order_id, paid_total, delivery_address, tracking_code, goods_total, grand_total"


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Each example is two loads: to make a failing one smaller would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(st.lists(st.tuples(st.sampled_from(PLACES), json_values | st.just(ABSENT)), min_size=60, max_size=90))
def test_no_replaced_part_takes_anything_away_in_silence(
    replaced: list[tuple[tuple[str | int, ...], Any]],
) -> None:
    """The document is the same, or the order is listed and its last good version stays.

    Left out is what says another thing in KeyCRM's own shape: an object that is empty, other payments or lines.
    """
    said = [
        (place, value)
        for place, value in replaced
        if not (place[-1] in OBJECTS and is_nothing(value))
        and not (place[-1] in ("products", "payments", "expenses") and is_list_of_objects(value) and value)
    ]
    with tempfile.TemporaryDirectory() as directory:
        books = make_books(Path(directory))
        for order_id in range(1, len(said) + 1):
            books.shop.add_order(full_order(order_id))
        books.load()
        lines = "order_id, product_id, variant_id, sku"
        before = books.rows("orders", SHOWN), books.rows("order_lines", lines), books.rows("products")
        documents = {row[0]: row for row in books.rows("orders", "* EXCLUDE (updated_at)")}
        for order_id, (place, value) in enumerate(said, start=1):
            books.shop.add_order(changed(full_order(order_id), place, value))
        books.load()
        assert (
            books.rows("orders", SHOWN),
            books.rows("order_lines", lines),
            books.rows("products"),
        ) == before
        after = {row[0]: row for row in books.rows("orders", "* EXCLUDE (updated_at)")}
        assert [order_id for order_id in books.reasons() if after[order_id] != documents[order_id]] == []
