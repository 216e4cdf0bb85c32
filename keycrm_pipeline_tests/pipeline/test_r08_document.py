"""R8: every field of the order document. All orders stand in one load; each test reads the ones it is about."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.sandbox.payloads import product_payload, source_payload
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.export import read_export_sources
from keycrm_pipeline_tests.payloads import offer_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, MakeBooks, kyiv, make_books, person

EURO_SOURCE, SOURCE_WITHOUT_CURRENCY = 6, 5
NOVA_POSHTA = {"id": 1, "name": "Нова Пошта", "source_name": "novaposhta", "alias": "nova_posta"}

ORDERS: dict[int, dict[str, Any]] = {
    1: {
        "ordered_at": kyiv(2026, 3, 2, 9, 58, 31),
        "buyer": person(917, "Олена Тестова", "0500000001"),
        "source_uuid": "№1042",
        "buyer_comment": "Подзвоніть перед відправкою",
        "manager_comment": "Постійна",
        "manager": {"id": 5, "full_name": "Олена Менеджер"},
        "status_id": 12,
        "lines": [{"price": 1000}],
        "payments": [
            {"id": 70, "amount": 500, "payment_method_id": 3, "status": "canceled"},
            {"id": 71, "amount": 600, "payment_method_id": 2, "payment_date": "2026-03-02T08:05:00.000000Z"},
            {"id": 72, "amount": 250, "payment_method_id": 1},
            {"id": 73, "amount": 50, "payment_method_id": 1, "status": "not_paid"},
            {"id": 74, "amount": 20, "payment_method_id": 1, "actual_currency": "EUR"},
        ],
        "expenses": [{"id": 75, "amount": 85, "payment_method_id": 2}],
        "shipping": {
            "delivery_service_id": 1,
            "delivery_service": NOVA_POSHTA,
            "tracking_code": "20450000000001",
            "shipping_status": "delivered",
            "was_shipped": True,
            "shipping_date_actual": "2026-03-04T00:00:00.000000Z",
            "shipping_address_country": "Україна",
            "shipping_address_country_code": "UA",
            "shipping_address_region": "Полтавська",
            "shipping_address_city": "Полтава",
            "shipping_address_zip": "36000",
            "shipping_receive_point": "Відділення №5, Полтава",
            "shipping_address": "вул. Соборності, 1",
            "shipping_secondary_line": "кв. 2",
            "recipient_full_name": "Іван Тестовий",
            "recipient_phone": "+380500000002",
            "address_payload": [],
        },
        "warehouse": {"id": 1, "name": "Основний"},
    },
    # A manager whom the profile does not know; the first payment's method is not mapped; no comment.
    2: {
        "manager": {"id": 3},
        "payments": [{"amount": 100, "payment_method_id": 4}],
        "source_uuid": None,
        "shipping": None,
    },
    # The source's currency comes first, then the first payment's, then the profile's.
    3: {"source_id": EURO_SOURCE, "payments": [{"amount": 40, "actual_currency": "USD"}, {"amount": 60,
        "actual_currency": "EUR"}]},
    4: {"source_id": SOURCE_WITHOUT_CURRENCY, "payments": [{"amount": 100, "actual_currency": "usd"},
        {"amount": 20, "actual_currency": "USD"}]},
    5: {"source_id": SOURCE_WITHOUT_CURRENCY},
    # The first payment in the CRM's order is an expense; client_comment is the older twin of buyer_comment.
    6: {
        "payments": [
            {"id": 90, "amount": 5, "payment_method_id": 3, "is_expense": True},
            {"id": 91, "amount": 100, "payment_method_id": 2},
        ],
        "client_comment": "Давній коментар",
        "buyer_comment": "",
        "shipping": {"shipping_address_country": "Польща", "shipping_address_country_code": "PL",
            "shipping_address_city": "Краків", "shipping_receive_point": "Краків"},
    },
    # Neither a cancelled payment nor an expense decides the currency.
    8: {"source_id": SOURCE_WITHOUT_CURRENCY, "payments": [
        {"amount": 100, "actual_currency": "EUR", "status": "canceled"},
        {"amount": 5, "actual_currency": "USD", "is_expense": True},
        {"amount": 100, "actual_currency": "PLN"}]},
    # One payment, two amounts: 900 hryvnias of the order were paid as 20 euros, and the other way round.
    9: {"lines": [{"price": 1000}], "payments": [
        {"id": 900, "amount": 900, "source_currency": "UAH", "actual_amount": 20, "actual_currency": "EUR"},
        {"id": 901, "amount": 2, "source_currency": "EUR", "actual_amount": 90, "actual_currency": "UAH"},
        {"id": 902, "amount": 10, "source_currency": None, "actual_amount": 10, "actual_currency": "UAH"},
        {"id": 903, "amount": 30, "source_currency": "USD", "actual_amount": 25, "actual_currency": "EUR"}]},
    # Nothing known but what must be; empty objects as KeyCRM sends them.
    7: {"shipping": [], "manager": [], "payments": [], "expenses": [], "status": [], "source_id": None},
}  # fmt: skip


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """All orders, loaded once."""
    books = make_books(
        tmp_path_factory.mktemp("document"),
        author="Оператор",
        managers={5: "olena"},
        account="Каса магазину",
        accounts={2: "ПриватБанк ФОП", 3: "LiqPay"},
        source_number_in_comment=True,
        statuses={"stages": {12: "Закрито"}},
    )
    for order_id, parts in ORDERS.items():
        books.order(order_id, **parts)
    books.load()
    return books


def test_header_says_all_of_the_order(books: Books) -> None:
    """The whole document of an order with everything filled."""
    document = books.document(1)
    for column in ("created_at", "updated_at", "crm_updated_at"):
        del document[column]
    assert document == {
        "order_id": 1,
        "order_day": MARCH_2,
        "ordered_at": datetime(2026, 3, 2, 7, 58, 31, tzinfo=UTC),
        "partner_id": 1,
        "status_id": 12,
        "stage": "Закрито",
        "source_id": 1,
        "source_number": "№1042",
        "author": "Оператор",
        "responsible": "olena",
        # The canceled payment does not count; the first other one was by method 2.
        "account": "ПриватБанк ФОП",
        "organisation": None,
        "currency": "UAH",
        "comment": "Номер джерела: №1042\nПодзвоніть перед відправкою\nПостійна",
        # No Ukraine, and the city once: the receive point names it.
        "delivery_address": "Полтавська, 36000, Відділення №5, Полтава, вул. Соборності, 1, кв. 2",
        "recipient_name": "Іван Тестовий",
        "recipient_phone": "+380500000002",
        "delivery_service": "Нова Пошта",
        "tracking_code": "20450000000001",
        "shipping_status": "delivered",
        "was_shipped": True,
        "shipped_on": date(2026, 3, 4),
        "warehouse": "Основний",
        "goods_total": Decimal(1000),
        "services_total": Decimal(0),
        "discount_total": Decimal(0),
        "grand_total": Decimal(1000),
        "difference": Decimal(0),
        # 600 + 250: neither the canceled, nor the unpaid, nor the euros, nor the expense.
        "paid_total": Decimal(850),
        "rounding": None,
        "expenses_total": Decimal(85),
        "cost_total": None,
        "margin": None,
        "margin_in_crm": Decimal(0),
        "payment_status": "part_paid",
        "missing_in_crm": False,
        "company_id": None,
        "custom_fields": None,
        "tags": None,
        **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")),
        "manager_id": 5,
    }


@pytest.mark.parametrize(
    ("sent", "timezone", "day"),
    [
        # A day alone is that day everywhere, also west of Greenwich.
        ("2026-03-04T00:00:00.000000Z", "Europe/Kyiv", date(2026, 3, 4)),
        ("2026-03-04T00:00:00.000000Z", "America/New_York", date(2026, 3, 4)),
        ("2026-03-04 00:00:00", "Europe/Kyiv", date(2026, 3, 4)),
        ("2026-03-04", "Europe/Kyiv", date(2026, 3, 4)),
        # A moment is of the shop's own day: 22:00 UTC is midnight in Kyiv, in summer 21:00.
        ("2026-03-03T22:00:00.000000Z", "Europe/Kyiv", date(2026, 3, 4)),
        ("2026-03-03T21:59:59.000000Z", "Europe/Kyiv", date(2026, 3, 3)),
        ("2026-07-03T21:00:00.000000Z", "Europe/Kyiv", date(2026, 7, 4)),
        (None, "Europe/Kyiv", None),
        ("", "Europe/Kyiv", None),
        ([], "Europe/Kyiv", None),
    ],
)
def test_day_of_shipment_is_the_shops_own(
    new_books: MakeBooks, sent: Any, timezone: str, day: date | None
) -> None:
    """The day on which the parcel really left, whichever form KeyCRM gives it."""
    books = new_books(timezone=timezone)
    shipping = {"delivery_service": NOVA_POSHTA, "shipping_date_actual": sent, "was_shipped": True}
    books.order(1, kyiv(2026, 3, 2, 12, 0), shipping=shipping)
    books.load()
    assert (books.value(1, "shipped_on"), books.value(1, "was_shipped")) == (day, True)


def test_day_of_shipment_follows_the_time_zone_at_a_rebuild(new_books: MakeBooks) -> None:
    """A shop that had the wrong zone corrects its profile and rebuilds."""
    books = new_books(timezone="UTC")
    shipping = {"delivery_service": NOVA_POSHTA, "shipping_date_actual": "2026-03-03T22:00:00.000000Z"}
    books.order(1, kyiv(2026, 3, 2, 12, 0), shipping=shipping)
    books.load()
    assert books.value(1, "shipped_on") == date(2026, 3, 3)
    books.profile = books.profile.model_copy(update={"timezone": "Europe/Kyiv"})
    books.rebuild()
    assert books.value(1, "shipped_on") == date(2026, 3, 4)


def test_lines_have_warehouses_of_their_own(new_books: MakeBooks) -> None:
    """An order may leave from two warehouses; neither must be named, and none is sent for what is not stored."""
    books = new_books()
    books.order(
        1,
        warehouse={"id": 1, "name": "Основний"},
        lines=[
            {"name": "Чай", "warehouse": {"id": 2, "name": " Магазин "}, "stock_status": "reserved"},
            {"name": "Кава", "warehouse": {"id": 1, "name": "Основний"}, "stock_status": "fulfilled"},
            {"name": "Мед", "warehouse": None},
            {"name": "Сіль", "warehouse": [], "stock_status": ""},
        ],
    )
    books.order(2, warehouse=None)
    books.load()
    assert books.rows("order_lines", "line_no, warehouse, stock_status", "order_id = 1") == [
        (1, "Магазин", "reserved"),
        (2, "Основний", "fulfilled"),
        (3, None, None),
        (4, None, None),
    ]
    assert (books.value(1, "warehouse"), books.value(2, "warehouse")) == ("Основний", None)


@pytest.mark.parametrize("sent", ["скоро", "2026-02-30", {"date": "2026-03-04"}, 20260304])
def test_day_of_shipment_that_cannot_be_read_is_not_none(new_books: MakeBooks, sent: Any) -> None:
    """R10: an order that left in March is not taken for one that did not leave."""
    books = new_books()
    shipping = {"delivery_service": NOVA_POSHTA, "shipping_date_actual": sent}
    books.order(1, kyiv(2026, 3, 2, 12, 0), shipping=shipping)
    books.load()
    ((reason,),) = books.reasons().values()
    assert "shipping.shipping_date_actual" in reason


def test_payments_and_expenses_stand_with_their_accounts(books: Books) -> None:
    """Canceled ones keep their status; expenses are told apart; the method's name is the list's."""
    columns = "payment_id, method, account, amount, currency, status, is_expense"
    assert books.rows("order_payments", columns, "order_id = 1") == [
        (70, "LiqPay", "LiqPay", Decimal(500), "UAH", "canceled", False),
        (71, "Рахунок ФОП (IBAN)", "ПриватБанк ФОП", Decimal(600), "UAH", "paid", False),
        (72, "Готівка", "Каса магазину", Decimal(250), "UAH", "paid", False),
        (73, "Готівка", "Каса магазину", Decimal(50), "UAH", "not_paid", False),
        (74, "Готівка", "Каса магазину", Decimal(20), "EUR", "paid", False),
        (75, "Рахунок ФОП (IBAN)", "ПриватБанк ФОП", Decimal(85), "UAH", "paid", True),
    ]
    assert books.rows("order_payments", "paid_at", "payment_id = 71") == [
        (datetime(2026, 3, 2, 8, 5, tzinfo=UTC),)
    ]


def test_expenses_have_a_kind_and_what_was_typed(new_books: MakeBooks) -> None:
    """KeyCRM's own kinds come as keys, the shop's own with their names; one that no list names keeps its number."""
    books = new_books()
    books.order(
        1,
        payments=[{"id": 70, "amount": 100, "description": " Передоплата "}],
        expenses=[
            {"id": 71, "amount": 60.5, "expense_type_id": 1, "description": None},
            {"id": 72, "amount": 3, "expense_type_id": 3, "description": "Комісія банку"},
            {"id": 73, "amount": 12.5, "expense_type_id": 20, "description": ""},
            {"id": 74, "amount": 1, "expense_type_id": 99},
            {"id": 75, "amount": 2, "expense_type_id": None},
        ],
    )
    books.load()
    columns = "payment_id, amount, is_expense, expense_type_id, expense_type, description"
    assert books.rows("order_payments", columns) == [
        (70, Decimal(100), False, None, None, "Передоплата"),
        (71, Decimal("60.50"), True, 1, "Доставка", None),
        (72, Decimal(3), True, 3, "Комісія за оплату", "Комісія банку"),
        (73, Decimal("12.50"), True, 20, "Стрічки й коробки", None),
        (74, Decimal(1), True, 99, "Вид витрати 99", None),
        (75, Decimal(2), True, None, None, None),
    ]
    # They make the order neither cheaper nor more paid.
    assert (books.value(1, "grand_total"), books.value(1, "paid_total")) == (Decimal(100), Decimal(100))


def test_an_account_without_the_list_of_kinds_is_loaded(new_books: MakeBooks) -> None:
    """The exchange can do without it: kinds keep their numbers."""
    books = new_books()
    books.order(1, expenses=[{"id": 71, "amount": 5, "expense_type_id": 1}])
    books.api.faults.path_prefix = "/order/expense-type"
    books.api.faults.server_errors = 1_000
    assert books.load().status == "succeeded"
    assert books.rows("order_payments", "expense_type") == [("Вид витрати 1",)]


def test_cost_and_margin_as_of_the_order(new_books: MakeBooks) -> None:
    """2 x 210.005 = 420.01 and 0.333 x 99.99 = 33.30 (33.29667) and 45 of the service: 498.31 of 1,377.50.

    Less 85 of delivery and 3 of the bank's fee the margin is 791.19. A cancelled expense and one in euros do not count.
    """
    books = new_books()
    books.shop.add_product(product_payload(32, "Вишивка", has_offers=False, category_id=7))
    books.order(
        1,
        lines=[
            {"name": "Футболка", "quantity": 2, "price": 475, "purchased_price": 210.005},
            {"name": "Стрічка", "quantity": 0.333, "price": 1000, "purchased_price": "99.99"},
            {"name": "Листівка", "price": 47.5, "purchased_price": 0},
            {"name": "Вишивка", "price": 47, "purchased_price": 45, "offer": offer_payload(31, 32, sku="V")},
        ],
        grand_total=1377.5,
        products_total=1377.5,
        margin_sum=791.2,
        payments=[{"id": 70, "amount": 3, "is_expense": True}],
        expenses=[
            {"id": 71, "amount": 85},
            {"id": 72, "amount": 40, "status": "canceled"},
            {"id": 73, "amount": 5, "actual_currency": "EUR"},
        ],
    )
    books.order(2, lines=[{"purchased_price": None}], margin_sum=None)
    books.load()
    assert books.rows("order_lines", "line_no, purchased_price, cost", "order_id = 1") == [
        (1, Decimal("210.01"), Decimal("420.01")),
        (2, Decimal("99.99"), Decimal("33.30")),
        (3, None, None),
    ]
    assert books.rows("order_services", "purchased_price, cost", "order_id = 1") == [
        (Decimal(45), Decimal(45))
    ]
    columns = "cost_total, expenses_total, margin, margin_in_crm"
    assert books.document(1, columns) == {
        "cost_total": Decimal("498.31"),
        "expenses_total": Decimal(88),
        "margin": Decimal("791.19"),
        "margin_in_crm": Decimal("791.20"),
    }
    assert set(books.document(2, columns).values()) == {None}
    # A difference is shown where costs are, and floods no list.
    assert books.query("SELECT kind FROM ops.review WHERE details LIKE '%791%'") == []


@pytest.mark.parametrize("sent", ["за домовленістю", [], {"a": 1}, -5, 1e30, "1_000"])
def test_a_cost_that_cannot_be_read_is_none(new_books: MakeBooks, sent: Any) -> None:
    """No document depends on it: the order is booked."""
    books = new_books()
    books.order(1, lines=[{"purchased_price": sent}])
    assert books.load().orders_created == 1
    assert books.rows("order_lines", "purchased_price, cost") == [(None, None)]


def test_custom_fields_tags_and_utm_marks(new_books: MakeBooks) -> None:
    """Filled fields by their ids; several options are one text; of a field that comes twice the first counts."""
    books = new_books()
    books.order(
        1,
        custom_fields=[
            {
                "id": 12,
                "uuid": "OR_1012",
                "name": "Пакування",
                "type": "select",
                "value": ["Коробка", "Пакет"],
            },
            {"id": 13, "uuid": "OR_1013", "name": "Дата свята", "type": "date", "value": "2026-12-25"},
            {"id": 13, "uuid": "OR_1013", "name": "Дата свята", "type": "date", "value": "2026-12-26"},
            {"id": 14, "uuid": "OR_1014", "name": "Вага", "type": "float", "value": 1.5},
            {"id": 15, "uuid": "OR_1015", "name": "Порожнє", "type": "text", "value": " "},
            {"id": 16, "uuid": "OR_1016", "name": "Не обрано", "type": "select", "value": []},
        ],
        tags=[{"id": 4, "name": "Оптовий"}, {"id": 2, "name": " Терміново "}],
        marketing={"utm_source": "google", "utm_medium": "cpc", "utm_campaign": None},
    )
    # Nothing of the books depends on them: absent or in another shape they are none.
    books.order(2, custom_fields="немає", tags={"name": "x"}, marketing=[])
    absent = books.shop.records([books.order(3)])[0]
    for key in ("custom_fields", "tags", "marketing"):
        del absent[key]
    books.shop.add_order(absent)
    assert books.load().orders_created == 3
    columns = "custom_fields, tags, utm_source, utm_medium, utm_campaign"
    found = books.document(1, columns)
    assert json.loads(found.pop("custom_fields")) == {
        "OR_1012": "Коробка; Пакет",
        "OR_1013": "2026-12-25",
        "OR_1014": "1.5",
    }
    assert found == {
        "tags": "Оптовий; Терміново", "utm_source": "google", "utm_medium": "cpc", "utm_campaign": None,
    }  # fmt: skip
    assert set(books.document(2, columns).values()) == set(books.document(3, columns).values()) == {None}


@pytest.mark.parametrize(
    ("order_id", "currency", "paid_total"),
    [(3, "EUR", 60), (4, "USD", 120), (5, "UAH", 0), (8, "PLN", 100), (9, "UAH", 1000)],
)
def test_currency_of_source_then_payment_then_profile(
    books: Books, order_id: int, currency: str, paid_total: int
) -> None:
    """Sums of different currencies are never added: only payments in the order's own count, however it is spelt."""
    assert books.document(order_id, "currency, paid_total") == {
        "currency": currency,
        "paid_total": Decimal(paid_total),
    }


def test_payment_shows_its_amount_in_the_currency_of_the_order(books: Books) -> None:
    """900 + 90 + 10 hryvnias; the payment that has no hryvnias at all shows what was really paid."""
    assert books.rows("order_payments", "payment_id, amount, currency", "order_id = 9") == [
        (900, Decimal(900), "UAH"),
        (901, Decimal(90), "UAH"),
        (902, Decimal(10), "UAH"),
        (903, Decimal(25), "EUR"),
    ]


def test_booked_document_keeps_its_currency(new_books: Any) -> None:
    """A source sells in another currency from today on: the past stays as it was, and the disagreement is listed."""
    books = new_books()
    books.order(1, source_id=EURO_SOURCE)
    books.load()
    books.shop.add_source(source_payload(EURO_SOURCE, "Shopify", currency_code="USD"))
    books.order(2, source_id=EURO_SOURCE)
    books.shop.replace_order(1, {"manager_comment": "Змінено"})
    for again in (books.load, books.rebuild):
        again()
        assert books.document(1, "currency, comment") == {"currency": "EUR", "comment": "Змінено"}
        assert books.value(2, "currency") == "USD"
        assert books.review("currency_conflict") == ["1"]
    # An order that moves to another source follows it.
    books.shop.replace_order(1, {"source_id": 1})
    books.load()
    assert books.value(1, "currency") == "UAH"
    assert books.review("currency_conflict") == []


def test_document_keeps_its_currency_when_its_source_names_none_any_more(new_books: Any) -> None:
    """Neither an emptied currency of the source nor the profile's own restates it."""
    books = new_books()
    books.order(1, source_id=EURO_SOURCE)
    books.load()
    books.shop.add_source(source_payload(EURO_SOURCE, "Shopify", currency_code=None))
    books.load()
    assert books.value(1, "currency") == "EUR"


def test_paid_order_without_a_payment_is_listed(new_books: Any) -> None:
    """KeyCRM says paid, and no money is seen; a free order needs none."""
    books = new_books()
    books.order(1, payment_status="paid")
    books.order(2, payment_status="paid", payments=[{"amount": 100}])
    books.order(3, payment_status="paid", lines=[{"price": 0}])
    books.load()
    assert books.review("payment_conflict") == ["1"]
    books.shop.replace_order(1, {"payment_status": "not_paid"})
    books.load()
    assert books.review("payment_conflict") == []


@pytest.mark.parametrize(
    "shared", [{"payments": [{"id": 500, "amount": 10}]}, {"lines": [{"id": 600}]}], ids=["payment", "line"]
)
def test_payment_or_line_in_two_documents_is_listed(new_books: Any, shared: dict[str, Any]) -> None:
    """It moved in KeyCRM to another order while the older document still has it: both are listed."""
    books = new_books()
    books.order(1, **shared)
    books.order(2, **shared)
    books.order(3)
    books.load()
    assert books.review("payment_conflict") == ["1", "2"]
    (details,) = books.query("SELECT DISTINCT details FROM ops.review WHERE kind = 'payment_conflict'")
    assert "1, 2" in details[0]
    books.order(1, payments=[], lines=[{}])
    books.load()
    assert books.review("payment_conflict") == []


def test_older_owner_of_a_payment_is_asked_for_again(new_books: MakeBooks) -> None:
    """Order 1 of 1 March was merged into order 2 of the 2nd: the load of the 2nd alone reads both, by one request more.

    An owner that KeyCRM still returns with the payment stays on the list, and is not asked for again.
    """
    books = new_books()
    payment = {"id": 500, "amount": 10, "status": "paid"}
    books.order(1, kyiv(2026, 2, 20), payments=[payment])
    books.order(2)
    books.load(date(2026, 2, 20))
    books.load()
    books.order(1, kyiv(2026, 2, 20), payments=[])
    books.order(2, payments=[payment])
    books.api.forget_requests()
    books.load()
    assert [request.path for request in books.api.requests if request.path.startswith("/order/1")] == [
        "/order/1"
    ]
    assert (books.value(1, "paid_total"), books.value(2, "paid_total")) == (0, 10)
    assert books.review("payment_conflict") == []

    books.order(3, payments=[payment])
    books.order(2, payments=[payment], manager_comment="Об'єднано")
    books.load()
    assert books.review("payment_conflict") == ["2", "3"]
    books.api.forget_requests()
    books.load(date(2026, 2, 20))
    assert not [request for request in books.api.requests if request.path in ("/order/2", "/order/3")]


def test_unmapped_manager_and_method_take_the_profiles_own(books: Books) -> None:
    """The author answers for the order, the default account has the money, and the review list says so."""
    assert books.document(2, "responsible, account, comment, delivery_address") == {
        "responsible": "Оператор",
        "account": "Каса магазину",
        "comment": None,
        "delivery_address": None,
    }
    assert books.review("unmapped_manager") == ["3"]


def test_expense_decides_no_account_and_older_comment_is_read(books: Books) -> None:
    """An expense is no payment of the buyer; a foreign country is part of the address."""
    assert books.document(6, "account, comment, delivery_address, paid_total") == {
        "account": "ПриватБанк ФОП",
        "comment": "Давній коментар",
        "delivery_address": "Польща, Краків",
        "paid_total": Decimal(100),
    }


def test_order_with_nothing_but_the_necessary_is_booked(books: Books) -> None:
    """Empty objects arrive as `[]`; that is nothing, not a mistake."""
    assert books.reasons() == {}
    assert books.document(7, "source_id, source_number, responsible, tracking_code, recipient_name") == {
        "source_id": None,
        "source_number": None,
        "responsible": "Оператор",
        "tracking_code": None,
        "recipient_name": None,
    }


def test_comment_without_the_source_number_unless_asked_for(new_books: Any) -> None:
    """The setting is off by default; the number has a column of its own all the same."""
    books = new_books()
    books.order(1, source_uuid="№7", buyer_comment=" Так ")
    books.load()
    assert books.document(1, "comment, source_number") == {"comment": "Так", "source_number": "№7"}


def test_every_field_follows_keycrm_on_a_reload(books: Books) -> None:
    """Status, comment, payment, address and partner of order 2 change in KeyCRM, and so in the books."""
    record = books.shop.order(2)
    assert record is not None
    books.shop.replace_order(
        2,
        {
            "status_id": 12,
            "manager": {"id": 5},
            "manager_comment": "Готово",
            "buyer": person(55, "Ігор"),
            "payments": [{**record["payments"][0], "payment_method_id": 2}],
            "shipping": {"shipping_address_city": "Суми", "tracking_code": "TTN"},
        },
    )
    books.load()
    columns = "stage, responsible, comment, account, delivery_address, tracking_code"
    assert list(books.document(2, columns).values()) == [
        "Закрито", "olena", "Готово", "ПриватБанк ФОП", "Суми", "TTN",
    ]  # fmt: skip
    assert books.rows("partners", "name", f"partner_id = {books.value(2, 'partner_id')}") == [("Ігор",)]
    assert books.review("unmapped_manager") == []


def test_exported_method_is_the_one_that_the_account_is_of(tmp_path: Path) -> None:
    """The first payment in KeyCRM's list decides about both, though another one has a lower number."""
    books = make_books(tmp_path, account="Каса", accounts={2: "ПриватБанк ФОП"})
    books.order(1, payments=[payment_payload(90, 60), payment_payload(15, 40, payment_method_id=1)])
    books.load()
    with books.warehouse.reading() as connection:
        march = Period(MARCH_2, MARCH_2)
        choose_documents(connection, march, EVERYTHING)
        sources = read_export_sources(connection, march, export_format="csv", currency="UAH")
    (order,) = sources.tables["orders"].select("account", "payment_method_id").rows()
    assert order == ("ПриватБанк ФОП", 2)


def test_payment_then_source_then_account_names_the_organisation(tmp_path: Path) -> None:
    """Each legal entity gets its own sales and money; what names no entity goes to the default one."""
    books = make_books(
        tmp_path,
        account="Каса",
        accounts={2: "ПриватБанк ФОП"},
        organisations={
            "ФОП Коваль": {"accounts": ["ПриватБанк ФОП"]},
            "ФОП Сова": {"payment_methods": [3], "default": True},
            "ТОВ Вишня": {"sources": [2]},
        },
    )
    by_bank, by_card, in_cash = (
        {"id": 10 + method, "payment_method_id": method, "amount": 100, "status": "paid"}
        for method in (2, 3, 1)
    )
    # The account of the method, though the source is another's; then the method itself.
    books.order(1, source_id=2, payments=[by_bank])
    books.order(2, source_id=1, payments=[by_card])
    # A method that names nobody: the source does, for the order and for its payment.
    books.order(3, source_id=2, payments=[in_cash])
    # A cancelled payment and an expense decide nothing about the order.
    books.order(4, source_id=1, payments=[by_bank | {"id": 21, "status": "canceled"}])
    books.load()
    assert [books.document(order_id, "organisation")["organisation"] for order_id in (1, 2, 3, 4)] == [
        "ФОП Коваль",
        "ФОП Сова",
        "ТОВ Вишня",
        "ФОП Сова",
    ]
    assert books.rows("order_payments", "payment_id, organisation", "true") == [
        (12, "ФОП Коваль"),
        (13, "ФОП Сова"),
        (11, "ТОВ Вишня"),
        (21, "ФОП Коваль"),
    ]


def test_the_account_of_unpaid_orders_names_the_organisation_last(tmp_path: Path) -> None:
    """The cash desk belongs to one entity, and still a source that belongs to another one is asked first."""
    books = make_books(
        tmp_path,
        account="Каса",
        organisations={"ФОП Коваль": {"accounts": ["Каса"]}, "ТОВ Вишня": {"sources": [2], "default": True}},
    )
    books.order(1, source_id=1, payments=[])
    books.order(2, source_id=2, payments=[])
    books.load()
    assert [books.document(order_id, "organisation")["organisation"] for order_id in (1, 2)] == [
        "ФОП Коваль",
        "ТОВ Вишня",
    ]


METHODS: dict[int, dict[str, str]] = {
    1: {"account": "Каса", "kind": "cash"},
    3: {"kind": "card", "receipt": "own"},
    5: {"account": "НоваПей", "kind": "cash_on_delivery", "receipt": "by_carrier"},
}


def test_payment_method_gives_account_kind_receipt_and_organisation(tmp_path: Path) -> None:
    """One table for each method; a method that is not in it, and an expense, get no kind or receipt of it."""
    books = make_books(
        tmp_path,
        account="Сейф",
        accounts={3: "LiqPay"},
        payment_methods={**METHODS, 5: METHODS[5] | {"organisation": "ТОВ Вишня"}},
        organisations={"ФОП Коваль": {"default": True}, "ТОВ Вишня": {}},
    )
    amounts = {"amount": 100, "status": "paid"}
    payments = [{"id": 10 + method, "payment_method_id": method, **amounts} for method in (1, 2, 3, 5)]
    books.order(1, payments=payments, expenses=[{"id": 30, "payment_method_id": 5, "amount": 7}])
    books.load()
    columns = "payment_id, account, method_kind, receipt, organisation"
    assert books.rows("order_payments", columns) == [
        (11, "Каса", "cash", None, "ФОП Коваль"),
        (12, "Сейф", None, None, "ФОП Коваль"),
        (13, "LiqPay", "card", "own", "ФОП Коваль"),
        (15, "НоваПей", "cash_on_delivery", "by_carrier", "ТОВ Вишня"),
        (30, "НоваПей", "cash_on_delivery", None, "ТОВ Вишня"),
    ]


@pytest.mark.parametrize(
    ("total", "paid", "rounding"),
    [
        ("100.24", "100", "-0.24"),
        ("100.25", "100.50", "0.25"),
        ("100.25", "100", "-0.25"),
        ("100.26", "100", None),
        ("99.70", "100", None),
        ("100", "100", None),
    ],
)
def test_rounded_cash_is_neither_debt_nor_overpayment(
    new_books: Any, total: str, paid: str, rounding: str | None
) -> None:
    """Cash is rounded to 50 kopiykas: up to 0.25 of difference is that; the same by card is a debt."""
    books = new_books(payment_methods=METHODS)
    for order_id, method in ((1, 1), (2, 3)):
        payment = {"payment_method_id": method, "amount": Decimal(paid), "status": "paid"}
        books.order(order_id, lines=[{"price": Decimal(total)}], payments=[payment])
    books.load()
    expected = Decimal(rounding) if rounding else None
    assert books.rows("orders", "rounding") == [(expected,), (None,)]
    short = max(Decimal(total) - Decimal(paid), Decimal(0))
    due = dict(books.query("SELECT order_id, due FROM reports.payments_due"))
    by_cash = {} if rounding or not short else {1: short}
    assert due == by_cash | ({2: short} if short else {})


def test_only_hryvnias_that_were_paid_in_cash_are_rounded(new_books: Any) -> None:
    """A cash payment that has not come, or in euros, rounds nothing; one of several that has come does."""
    books = new_books(payment_methods=METHODS)
    cash = {"payment_method_id": 1, "status": "paid"}
    card = {"payment_method_id": 3, "status": "paid", "amount": 60}
    books.order(
        1, payments=[card | {"amount": Decimal("99.80")}, cash | {"amount": 10, "status": "canceled"}]
    )
    books.order(
        2,
        source_id=EURO_SOURCE,
        payments=[cash | {"amount": Decimal("99.80"), "actual_currency": "EUR"}],
    )
    books.order(3, lines=[{"price": Decimal("100.20")}], payments=[card, cash | {"amount": 40}])
    books.load()
    assert books.rows("orders", "order_id, rounding") == [(1, None), (2, None), (3, Decimal("-0.20"))]


RECEIPT = {"id": "a1", "fiscal_code": "QWERTY", "url": "https://check.example/a1"}


def test_receipts_of_keycrm_are_on_the_payments(new_books: Any) -> None:
    """What KeyCRM sent stays as it is; an empty object, sent as a list, is no receipt."""
    books = new_books()
    books.order(
        1,
        payments=[
            {"id": 11, "amount": 50, "fiscal_result": RECEIPT, "fiscal_status": "done"},
            {"id": 12, "amount": 30, "fiscal_result": [], "fiscal_status": None},
            {"id": 13, "amount": 20, "fiscal_result": {}, "fiscal_status": "error"},
        ],
    )
    books.load()
    found = books.rows("order_payments", "payment_id, fiscal_status, fiscal_result")
    assert [(number, status, result and json.loads(result)) for number, status, result in found] == [
        (11, "done", RECEIPT),
        (12, None, None),
        (13, "error", None),
    ]


def test_receipts_that_do_not_fit_the_profile_are_listed(new_books: Any) -> None:
    """Paid by card without the shop's receipt, and cash on delivery with one: a person looks at both."""
    books = new_books(payment_methods=METHODS)
    card = {"payment_method_id": 3, "amount": 100, "status": "paid"}
    on_delivery = {"payment_method_id": 5, "amount": 100, "status": "paid"}
    books.order(1, payments=[card | {"id": 11}])
    books.order(2, payments=[card | {"id": 12, "fiscal_result": RECEIPT}])
    books.order(3, payments=[card | {"id": 13, "status": "not_paid"}])
    books.order(4, payments=[on_delivery | {"id": 14, "fiscal_result": RECEIPT}])
    books.order(5, payments=[on_delivery | {"id": 15}])
    books.order(6, payments=[{"id": 16, "payment_method_id": 2, "amount": 100, "status": "paid"}])
    books.load()
    listed = "SELECT subject, details FROM ops.review WHERE kind = 'receipt_conflict' ORDER BY subject"
    (missing, missing_text), (doubled, doubled_text) = books.query(listed)
    assert (missing, doubled) == ("1", "4")
    assert missing_text.startswith("Order 1: payment 11 is paid, but has no receipt in KeyCRM")
    assert doubled_text.startswith("Order 4: payment 14 has a receipt of the shop")
    # The receipt is issued, and the doubled one is gone: both leave the list.
    books.order(1, payments=[card | {"id": 11, "fiscal_result": RECEIPT}])
    books.order(4, payments=[on_delivery | {"id": 14}])
    books.load()
    assert books.query(listed) == []


def test_receipts_follow_the_profile_at_a_rebuild(new_books: Any) -> None:
    """Orders that were booked before the profile said who issues receipts are not listed until they are rebuilt."""
    books = new_books()
    books.order(1, payments=[{"payment_method_id": 3, "amount": 100, "status": "paid"}])
    books.load()
    settings = {**books.profile.model_dump(), "name": "shop", "payment_methods": METHODS}
    books.profile = Profile.model_validate(settings)
    books.load(date(2026, 3, 3))
    assert books.review("receipt_conflict") == []
    books.rebuild()
    assert books.review("receipt_conflict") == ["1"]
