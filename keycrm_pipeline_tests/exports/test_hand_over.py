"""What is handed over when: the ledger of documents, what changed since, what is ready, and what is closed.

The shop of these tests has three orders of September and two of October 2026, each of one line.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline.exports import ExportError, ExportResult, documents, export_period
from keycrm_pipeline.exports.errors import OutputDirectoryError
from keycrm_pipeline.exports.month import read_month
from keycrm_pipeline.kinds import EXPORT_FORMATS, ExportFormat
from keycrm_pipeline.period import Period
from keycrm_pipeline.sandbox.payloads import SHIPPING
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCTS, STATUSES
from keycrm_pipeline_tests.documents import Documents, Item, Payment, new_warehouse
from keycrm_pipeline_tests.exports.small_shop import SmallShop, shop_in
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books

SEPTEMBER = Period(date(2026, 9, 1), date(2026, 9, 30))
OCTOBER = Period(date(2026, 10, 1), date(2026, 10, 31))
NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
FIRST = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
"""When the months are first handed over; each further export happens an hour later."""

Row = dict[str, str]


@pytest.fixture
def autumn(tmp_path: Path) -> SmallShop:
    shop = shop_in(tmp_path)
    rows = Documents(new_warehouse(shop.workspace.database))
    rows.add(PARTNERS, partner_id=1, name="Коваленко Олена", phone="+380501112233")
    rows.add(PRODUCTS, product_id=1, name="Чай")
    rows.add(STATUSES, status_id=1, name="Новий", stage="Нове", group_id=1)
    rows.add(STATUSES, status_id=12, name="Виконано", stage="Виконано", group_id=5)
    completed: dict[str, Any] = {"status_id": 12, "stage": "Виконано"}

    def paid(number: int, amount: str, day: date) -> Payment:
        at = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
        return Payment(amount, columns={"payment_id": number, "paid_at": at})

    shipped: dict[str, Any] = {"was_shipped": True, "shipped_on": date(2026, 10, 1), "warehouse": "Основний"}
    rows.order(
        1,
        date(2026, 9, 5),
        [_tea("100.00", 11)],
        [paid(71, "100.00", date(2026, 9, 6))],
        **completed,
        **shipped,
    )
    rows.order(
        2, date(2026, 9, 20), [_tea("250.50", 12)], [paid(72, "250.50", date(2026, 10, 2))], **completed
    )
    rows.order(3, date(2026, 9, 30), [_tea("40.00", 13)])
    rows.order(
        4, date(2026, 10, 1), [_tea("60.00", 14)], [paid(74, "60.00", date(2026, 10, 31))], **completed
    )
    rows.order(
        5,
        date(2026, 10, 31),
        [_tea("75.25", 15)],
        [paid(75, "75.00", date(2026, 11, 1))],
        payment_status="part_paid",
    )
    rows.loaded(Period(SEPTEMBER.first, NOVEMBER.last))
    rows.save()
    return shop


def _tea(amount: str, line: int) -> Item:
    return Item(amount, name="Чай", columns={"crm_line_id": line})


HandOver = Callable[..., ExportResult]


@pytest.fixture
def hand_over(autumn: SmallShop, tmp_path: Path) -> HandOver:
    """Exports a month, an hour later each time."""
    hours = iter(range(1000))

    def run(
        period: Period,
        export_format: ExportFormat = "csv",
        *,
        out: str = "out",
        profile: dict[str, Any] | None = None,
        **asked: Any,
    ) -> ExportResult:
        shop = shop_in(tmp_path, **profile) if profile else autumn
        return export_period(
            shop.workspace,
            period,
            export_format=export_format,
            directory=tmp_path / out,
            now=FIRST + timedelta(hours=next(hours)),
            **asked,
        )

    return run


def _rows(result: ExportResult, table: str) -> list[Row]:
    (file,) = [file for file in result.files if file.name.endswith(f"_{table}.csv")]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def _orders(result: ExportResult) -> list[int]:
    return [int(row["Номер"]) for row in _rows(result, "orders")]


def _counts(result: ExportResult) -> tuple[int, int, int, int]:
    """New, changed, unchanged, withdrawn."""
    found = result.hand_over
    return found.count("new"), found.count("changed"), found.unchanged, found.count("withdrawn")


def _digests(result: ExportResult) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in result.files}


def _change(shop: SmallShop, *statements: str) -> None:
    with shop.warehouse.writing() as connection:
        for statement in statements:
            connection.execute(statement)


def _ledger(shop: SmallShop) -> list[tuple[Any, ...]]:
    with shop.warehouse.reading() as connection:
        return connection.execute(
            "SELECT hand_over_id, order_id, kind FROM ops.handed_over_documents ORDER BY ALL"
        ).fetchall()


DEARER = (
    "UPDATE accounting.order_lines SET amount = 110, price = 110 WHERE order_id = 1",
    "UPDATE accounting.orders SET goods_total = 110, grand_total = 110 WHERE order_id = 1",
)
"""Order 1 costs 110 hryvnias in place of 100."""


def test_only_what_is_new_or_changed_goes_out(autumn: SmallShop, hand_over: HandOver) -> None:
    """A month that was handed over, changed, and got one more order: the accountant enters two documents, not four."""
    first = hand_over(SEPTEMBER)
    assert (_orders(first), _counts(first)) == ([1, 2, 3], (3, 0, 0, 0))
    late = Documents(autumn.warehouse)
    late.order(6, date(2026, 9, 12), [_tea("33.30", 16)])
    late.save()
    _change(autumn, *DEARER)
    since = hand_over(SEPTEMBER, since_last=True)
    assert (_orders(since), _counts(since)) == ([1, 6], (1, 1, 2, 0))
    assert all("since_last_2" in file.name for file in since.files)
    assert [
        (row["Номер замовлення"], row["Де"], row["Реквізит"], row["Було"], row["Стало"], row["Зміна суми"])
        for row in _rows(since, "changed_after_export")
    ] == [
        ("1", "Замовлення", "Сума товарів", "100,00", "110,00", "10,00"),
        ("1", "Замовлення", "Сума документа", "100,00", "110,00", "10,00"),
        ("1", "Товари замовлень", "Ціна", "100,00", "110,00", ""),
        ("1", "Товари замовлень", "Сума", "100,00", "110,00", "10,00"),
    ]
    assert _rows(since, "changed_after_export")[0]["У файлі"] == "demo_2026-09-01_2026-09-30_partners.csv"
    assert _ledger(autumn) == [
        (1, 1, "document"),
        (1, 2, "document"),
        (1, 3, "document"),
        (2, 1, "document"),
        (2, 6, "document"),
    ]


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
@pytest.mark.parametrize("since_last", [False, True])
def test_repeated_export_gives_the_same_files(
    autumn: SmallShop, hand_over: HandOver, export_format: ExportFormat, since_last: bool
) -> None:
    """Whoever lost a file exports again, even after another month went out; the ledger says that nothing is new."""
    hand_over(SEPTEMBER, export_format)
    _change(autumn, *DEARER)
    first = hand_over(SEPTEMBER, export_format, since_last=since_last)
    hand_over(OCTOBER, export_format)
    ledger = _ledger(autumn)
    again = hand_over(SEPTEMBER, export_format, since_last=since_last, out="again")
    assert _digests(again) == _digests(first)
    assert _counts(again) == (0, 0, 3, 0)
    assert again.hand_over.repeated_at == FIRST + timedelta(hours=1)
    assert _ledger(autumn) == ledger


def test_second_change_is_compared_with_the_second_hand_over(autumn: SmallShop, hand_over: HandOver) -> None:
    """The accountant has 110 by now, so 110 stands before, not 100."""
    hand_over(SEPTEMBER)
    _change(autumn, *DEARER)
    hand_over(SEPTEMBER, since_last=True)
    _change(autumn, "UPDATE accounting.orders SET comment = 'Подарунок' WHERE order_id = 1")
    third = hand_over(SEPTEMBER, since_last=True)
    assert [(row["Реквізит"], row["Було"], row["Стало"]) for row in _rows(third, "changed_after_export")] == [
        ("Коментар", "", "Подарунок")
    ]
    _change(autumn, "UPDATE accounting.orders SET comment = NULL WHERE order_id = 1")
    assert _counts(hand_over(SEPTEMBER, since_last=True)) == (0, 1, 2, 0)


def test_sums_in_two_currencies_have_no_difference(autumn: SmallShop, hand_over: HandOver) -> None:
    """100 hryvnias that are 110 euros now are not 10 of either; the change of the currency is told as one."""
    hand_over(SEPTEMBER)
    _change(autumn, *DEARER, "UPDATE accounting.orders SET currency = 'EUR' WHERE order_id = 1")
    changes = _rows(hand_over(SEPTEMBER, since_last=True), "changed_after_export")
    assert [(row["Реквізит"], row["Було"], row["Стало"], row["Зміна суми"]) for row in changes] == [
        ("Валюта", "UAH", "EUR", ""),
        ("Сума товарів", "100,00", "110,00", ""),
        ("Сума документа", "100,00", "110,00", ""),
        ("Ціна", "100,00", "110,00", ""),
        ("Сума", "100,00", "110,00", ""),
    ]


def test_card_that_was_handed_over_is_not_new_again(autumn: SmallShop, hand_over: HandOver) -> None:
    """The changed order brings the card of its buyer once more, which the accountant has already."""
    assert hand_over(SEPTEMBER).new_partners == 1
    _change(autumn, *DEARER)
    assert [row["Нова картка"] for row in _rows(hand_over(SEPTEMBER, since_last=True), "partners")] == ["ні"]


def test_each_format_has_its_own_ledger(hand_over: HandOver) -> None:
    """A workbook to look at hands nothing to 1C."""
    hand_over(SEPTEMBER, "xlsx")
    assert _counts(hand_over(SEPTEMBER, "commerceml", since_last=True)) == (3, 0, 0, 0)


def test_lines_and_payments_that_went_are_told(autumn: SmallShop, hand_over: HandOver) -> None:
    """KeyCRM drops a line and cancels a payment in place: 250.50 become 0.50 less, and nothing is paid."""
    _change(
        autumn,
        "INSERT INTO accounting.order_lines (order_id, line_no, crm_line_id, product_id, name, quantity, price, "
        "discount, amount) VALUES (2, 2, 22, 1, 'Цукор', 1, 0.50, 0, 0.50)",
        "UPDATE accounting.order_lines SET amount = 250, price = 250 WHERE crm_line_id = 12",
    )
    hand_over(SEPTEMBER)
    _change(
        autumn,
        "DELETE FROM accounting.order_lines WHERE crm_line_id = 22",
        "UPDATE accounting.orders SET goods_total = 250, grand_total = 250, paid_total = 0, "
        "payment_status = 'not_paid' WHERE order_id = 2",
        "UPDATE accounting.order_payments SET status = 'canceled' WHERE payment_id = 72",
    )
    changed = _rows(hand_over(SEPTEMBER, since_last=True), "changed_after_export")
    assert [
        (row["Рядок"], row["Реквізит"], row["Було"], row["Стало"], row["Зміна суми"]) for row in changed
    ] == [
        ("", "Сума товарів", "250,50", "250,00", "-0,50"),
        ("", "Сума документа", "250,50", "250,00", "-0,50"),
        ("", "Оплачено", "250,50", "0,00", "-250,50"),
        ("", "Стан оплати", "Оплачено", "Не оплачено", ""),
        ("Цукор", "Увесь рядок", "0,50", "", "-0,50"),
        ("LiqPay", "Стан", "Оплачено", "Скасовано", ""),
    ]


def test_document_that_is_no_longer_exported_is_told_once(autumn: SmallShop, hand_over: HandOver) -> None:
    """It stands in the accountant's books; nobody may learn of that only at the year's end."""
    hand_over(SEPTEMBER)
    _change(
        autumn,
        "UPDATE accounting.orders SET missing_in_crm = true WHERE order_id = 1",
        "UPDATE accounting.orders SET order_day = '2026-11-03' WHERE order_id = 3",
    )
    since = hand_over(SEPTEMBER, since_last=True)
    assert (_orders(since), _counts(since)) == ([], (0, 0, 1, 2))
    assert [
        (row["Номер замовлення"], row["Стало"])
        for row in _rows(since, "changed_after_export")
        if row["Реквізит"] == "Вивантажується"
    ] == [("1", "Замовлення більше немає в KeyCRM"), ("3", "Замовлення вже не належить до цих днів")]
    assert [row["Номер замовлення"] for row in _rows(since, "held_back")] == ["1"]
    assert _counts(hand_over(SEPTEMBER)) == (0, 0, 1, 0)
    _change(autumn, "UPDATE accounting.orders SET missing_in_crm = false WHERE order_id = 1")
    assert _orders(hand_over(SEPTEMBER, since_last=True)) == [1]


def test_order_of_another_organisation_is_told_to_both(autumn: SmallShop, hand_over: HandOver) -> None:
    """Its only payment is cancelled, so that it goes to the organisation of orders without one."""
    two: dict[str, Any] = {"organisations": {"ФОП Коваль": {}, "ТОВ «Вишня»": {}}}
    _change(
        autumn,
        "UPDATE accounting.orders SET organisation = 'ТОВ «Вишня»'",
        "UPDATE accounting.orders SET organisation = 'ФОП Коваль' WHERE order_id = 2",
    )
    assert _orders(hand_over(SEPTEMBER, profile=two, organisation="ФОП Коваль")) == [2]
    assert _orders(hand_over(SEPTEMBER, profile=two, organisation="ТОВ «Вишня»")) == [1, 3]
    _change(
        autumn,
        "UPDATE accounting.order_payments SET status = 'canceled' WHERE order_id = 2",
        "UPDATE accounting.orders SET organisation = 'ТОВ «Вишня»', paid_total = 0 WHERE order_id = 2",
    )
    left = hand_over(SEPTEMBER, profile=two, organisation="ФОП Коваль", since_last=True)
    assert (_orders(left), _counts(left)) == ([], (0, 0, 0, 1))
    assert [
        (row["Номер замовлення"], row["Стало"])
        for row in _rows(left, "changed_after_export")
        if row["Реквізит"] in ("Вивантажується", "Організація")
    ] == [("2", "Замовлення вже не належить до цієї організації"), ("2", "ТОВ «Вишня»")]
    came = hand_over(SEPTEMBER, profile=two, organisation="ТОВ «Вишня»", since_last=True)
    assert (_orders(came), _counts(came)) == ([2], (1, 0, 2, 0))


def test_order_of_no_organisation_is_not_lost_between_them(autumn: SmallShop, hand_over: HandOver) -> None:
    """No export of one organisation contains it: each says so, the month stays open, and nobody's sales have it."""
    two: dict[str, Any] = {"organisations": {"ФОП Коваль": {}, "ТОВ «Вишня»": {}}}
    _change(
        autumn,
        "UPDATE accounting.orders SET organisation = 'ФОП Коваль' WHERE order_id = 1",
        "UPDATE accounting.orders SET organisation = 'ТОВ «Вишня»' WHERE order_id = 2",
    )
    for organisation, order_id in (("ФОП Коваль", 1), ("ТОВ «Вишня»", 2)):
        result = hand_over(SEPTEMBER, profile=two, organisation=organisation)
        assert _orders(result) == [order_id]
        assert [(one.cause, one.order_ids) for one in result.held_back] == [("organisation", (3,))]
    (file,) = hand_over(SEPTEMBER, "xlsx", profile=two, organisation="ФОП Коваль").files
    rows = openpyxl.load_workbook(file)["Зведення"].iter_rows(values_only=True)
    assert [row[1:3] for row in rows if row[0] == "Разом замовлень"] == [("UAH", 1)]
    workspace = shop_in(autumn.workspace.database.parent, **two).workspace
    month = read_month(workspace, SEPTEMBER, today=date(2026, 11, 2), export_format="csv")
    assert month.hand_over.held_back == {"organisation": (3,)}
    assert [(line.step.state, line.step.open) for line in month.lines if line.step.name == "handed_over"] == [
        ("open", 1)
    ]


def test_workbook_adds_up_with_what_was_handed_over_before(autumn: SmallShop, hand_over: HandOver) -> None:
    """110 now and 290.50 before (250.50 + 40.00) are the month's 400.50."""
    hand_over(SEPTEMBER, "xlsx")
    _change(autumn, *DEARER)
    (file,) = hand_over(SEPTEMBER, "xlsx", since_last=True).files
    book = openpyxl.load_workbook(file)
    rows = {row[0]: row[1:] for row in reversed(list(book["Зведення"].iter_rows(values_only=True)))}
    assert rows["Що вивантажено"][0] == "лише нове і змінене після попереднього вивантаження"
    assert [(rows[name][1], Decimal(str(rows[name][2]))) for name in ("Вивантажено", "Не вивантажено")] == [
        (1, Decimal(110)),
        (2, Decimal("290.5")),
    ]
    assert rows["Уже вивантажено, відтоді без змін"][1] == 2
    assert book["Не вивантажено"].max_row == 1
    assert book["Змінено після вивантаження"].cell(2, 1).value == 1


@pytest.mark.parametrize("export_format", ["commerceml", "odoo"])
def test_formats_of_a_fixed_content_have_the_changes_next_to_them(
    autumn: SmallShop, hand_over: HandOver, export_format: ExportFormat
) -> None:
    """Neither format can say that a document was something else before."""
    assert not [file for file in hand_over(SEPTEMBER, export_format).files if "changed" in file.name]
    _change(autumn, *DEARER)
    since = hand_over(SEPTEMBER, export_format, since_last=True)
    assert [row["Стало"] for row in _rows(since, "changed_after_export")] == ["110,00"] * 4
    assert since.counts["orders"] == 1


def test_odoo_is_not_given_payments_again_that_it_has(autumn: SmallShop, hand_over: HandOver) -> None:
    """A payment that was posted makes Odoo refuse the file, and with it the buyer's next payment."""

    def payments(result: ExportResult) -> list[tuple[str, str, str]]:
        (file,) = [file for file in result.files if file.name.endswith("_account.payment.csv")]
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return [(row["id"], row["amount"], row["partner_id/id"]) for row in csv.DictReader(opened)]

    both = [
        ("keycrm_payment_71", "100.00", "keycrm_partner_1"),
        ("keycrm_payment_72", "250.50", "keycrm_partner_1"),
    ]
    assert payments(hand_over(SEPTEMBER, "odoo")) == both
    more = Documents(autumn.warehouse)
    more.add(PARTNERS, partner_id=2, name="Петренко Іван")
    more.save()
    # Order 1 gets its receipt and a second payment; only the receipt of order 2 came.
    _change(
        autumn,
        "UPDATE accounting.order_payments SET fiscal_status = 'done' WHERE payment_id IN (71, 72)",
        "INSERT INTO accounting.order_payments BY NAME "
        "SELECT * REPLACE (79 AS payment_id, 5.00 AS amount) FROM accounting.order_payments WHERE payment_id = 71",
    )
    asked = {"since_last": True, "out": "since"}
    since = hand_over(SEPTEMBER, "odoo", **asked)
    assert since.counts["orders"] == 2
    assert payments(since) == [("keycrm_payment_79", "5.00", "keycrm_partner_1")]
    assert _digests(hand_over(SEPTEMBER, "odoo", **asked)) == _digests(since)
    # The whole period is whole.
    assert len(payments(hand_over(SEPTEMBER, "odoo"))) == 3
    # Another sum or another buyer is a change of the payment.
    _change(
        autumn,
        "UPDATE accounting.order_payments SET amount = 6 WHERE payment_id = 79",
        "UPDATE accounting.orders SET partner_id = 2 WHERE order_id = 2",
    )
    assert payments(hand_over(SEPTEMBER, "odoo", **asked)) == [
        ("keycrm_payment_79", "6.00", "keycrm_partner_1"),
        ("keycrm_payment_72", "250.50", "keycrm_partner_2"),
    ]


def test_discount_that_is_gone_is_none_in_odoo(autumn: SmallShop, hand_over: HandOver) -> None:
    """An import deletes no line: without this one Odoo would go on taking 20 hryvnias off what the buyer pays."""

    def lines(result: ExportResult) -> list[tuple[str, str, str]]:
        (file,) = [file for file in result.files if file.name.endswith("_sale.order.csv")]
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return [
                (row["order_line/id"], row["order_line/name"], row["order_line/price_unit"])
                for row in csv.DictReader(opened)
                if row["order_line/id"].startswith("keycrm_order_1_")
            ]

    tea, discount = "keycrm_order_1_line_11", "keycrm_order_1_discount"
    _change(autumn, "UPDATE accounting.order_lines SET price = 120, discount = 20 WHERE order_id = 1")
    assert lines(hand_over(SEPTEMBER, "odoo")) == [(tea, "Чай", "120.00"), (discount, "Знижка", "-20.00")]
    _change(
        autumn,
        "UPDATE accounting.order_lines SET amount = 120, discount = 0 WHERE order_id = 1",
        "UPDATE accounting.orders SET goods_total = 120, grand_total = 120 WHERE order_id = 1",
    )
    asked = {"since_last": True, "out": "since"}
    since = hand_over(SEPTEMBER, "odoo", **asked)
    assert lines(since) == [(tea, "Чай", "120.00"), (discount, "Знижка", "0.00")]
    assert _digests(hand_over(SEPTEMBER, "odoo", **asked)) == _digests(since)
    # Odoo has been told.
    assert lines(hand_over(SEPTEMBER, "odoo")) == [(tea, "Чай", "120.00")]


def test_discount_of_an_order_that_was_withdrawn_is_none_in_odoo(
    autumn: SmallShop, hand_over: HandOver
) -> None:
    """Odoo has kept the order with its discount of 20; it comes back without."""

    def discount(result: ExportResult) -> list[str]:
        (file,) = [file for file in result.files if file.name.endswith("_sale.order.csv")]
        with file.open(encoding="utf-8-sig", newline="") as opened:
            return [
                row["order_line/price_unit"]
                for row in csv.DictReader(opened)
                if row["order_line/id"] == "keycrm_order_1_discount"
            ]

    _change(autumn, "UPDATE accounting.order_lines SET price = 120, discount = 20 WHERE order_id = 1")
    assert discount(hand_over(SEPTEMBER, "odoo")) == ["-20.00"]
    _change(
        autumn,
        "UPDATE accounting.order_lines SET amount = 120, discount = 0 WHERE order_id = 1",
        "UPDATE accounting.orders SET goods_total = 120, grand_total = 120, missing_in_crm = true "
        "WHERE order_id = 1",
    )
    asked = {"since_last": True, "out": "since"}
    assert _counts(hand_over(SEPTEMBER, "odoo", **asked)) == (0, 0, 2, 1)
    _change(autumn, "UPDATE accounting.orders SET missing_in_crm = false WHERE order_id = 1")
    assert discount(hand_over(SEPTEMBER, "odoo", **asked)) == ["0.00"]


def test_dry_run_writes_nothing(autumn: SmallShop, hand_over: HandOver, tmp_path: Path) -> None:
    """It counts as the export would, and leaves no trace."""
    tried = hand_over(SEPTEMBER, dry_run=True)
    assert (tried.files, tried.counts["orders"], _counts(tried)) == ((), 3, (3, 0, 0, 0))
    assert not (tmp_path / "out").exists()
    assert _ledger(autumn) == []
    assert hand_over(SEPTEMBER).new_partners == 1


def test_export_that_fails_has_handed_nothing_over(
    autumn: SmallShop, hand_over: HandOver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither at the last table, nor when the files cannot be put in place."""

    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(documents, "write_workbook", full_disk)
        with pytest.raises(OutputDirectoryError, match="is full"):
            hand_over(SEPTEMBER, "xlsx")
    (tmp_path / "out" / "demo_2026-09-01_2026-09-30.xlsx").mkdir()
    with pytest.raises(OutputDirectoryError):
        hand_over(SEPTEMBER, "xlsx")
    assert _ledger(autumn) == []
    (tmp_path / "out" / "demo_2026-09-01_2026-09-30.xlsx").rmdir()
    retried = hand_over(SEPTEMBER, "xlsx")
    assert (_counts(retried), retried.new_partners) == ((3, 0, 0, 0), 1)


@pytest.mark.parametrize(
    ("decided_by", "september", "october"),
    [
        ("order", [1, 2, 3], [4, 5]),
        ("payment", [1], [2, 4]),
        ("shipment", [], [1]),
        ("completed", [1, 2], [4]),
    ],
)
def test_another_day_can_decide(
    hand_over: HandOver, decided_by: str, september: list[int], october: list[int]
) -> None:
    """Order 2 of 20 September was paid on 2 October, and order 5 of October in November; 3 and 5 are not completed.

    Order 1 left on 1 October, and no other order has left.
    """
    assert _orders(hand_over(SEPTEMBER, decided_by=decided_by)) == september
    assert _orders(hand_over(OCTOBER, decided_by=decided_by)) == october


def test_day_of_shipping_decides(tmp_path: Path) -> None:
    """KeyCRM's date has no time: 31 October is October, the order of 30 October that left on 1 November is not."""
    books = make_books(tmp_path)
    for order_id, ordered, shipped in (
        (1, date(2026, 9, 30), "2026-10-01"),
        (2, date(2026, 10, 5), "2026-10-31"),
        (3, date(2026, 10, 30), "2026-11-01"),
        (4, date(2026, 10, 6), None),
    ):
        books.order(
            order_id,
            datetime(ordered.year, ordered.month, ordered.day, 9, tzinfo=UTC),
            shipping={**SHIPPING, "shipping_date_actual": shipped},
        )
    books.load(SEPTEMBER.first, OCTOBER.last)

    def shipped_in(period: Period) -> list[int]:
        workspace, out = books.workspace, tmp_path / "out"
        found = export_period(
            workspace, period, export_format="csv", decided_by="shipment", directory=out, now=FIRST
        )
        return _orders(found)

    assert [shipped_in(month) for month in (SEPTEMBER, OCTOBER, NOVEMBER)] == [[], [1, 2], [3]]


def test_another_day_of_shipment_or_warehouse_is_a_change(autumn: SmallShop, hand_over: HandOver) -> None:
    """Both are requisites that an accountant has entered."""
    hand_over(SEPTEMBER)
    _change(
        autumn,
        "UPDATE accounting.orders SET shipped_on = DATE '2026-10-02', warehouse = 'Магазин' WHERE order_id = 1",
    )
    since = hand_over(SEPTEMBER, since_last=True)
    assert [
        (row["Номер замовлення"], row["Реквізит"], row["Було"], row["Стало"])
        for row in _rows(since, "changed_after_export")
    ] == [("1", "Дата відвантаження", "01.10.2026", "02.10.2026"), ("1", "Склад", "Основний", "Магазин")]


def test_files_say_what_was_asked_for(hand_over: HandOver) -> None:
    """Two exports of one month that were asked for otherwise do not replace each other."""
    paid = hand_over(OCTOBER, decided_by="payment", stages=("Виконано",))
    assert all(file.name.startswith("demo_2026-10-01_2026-10-31_by_payment_Виконано_") for file in paid.files)


def test_unknown_day_is_refused(hand_over: HandOver) -> None:
    """The message says which days there are."""
    with pytest.raises(ExportError, match="The days are order, payment, shipment"):
        hand_over(OCTOBER, decided_by="delivery")


def test_unknown_stage_is_refused(hand_over: HandOver) -> None:
    """A mistyped one would write files without orders. A stage of the profile that no order has is no mistake."""
    with pytest.raises(ExportError, match=r"stage 'Виконанно'.+The stages are .*Виконано"):
        hand_over(OCTOBER, stages=("Виконано", "Виконанно"))
    rule = {"hand_over": {"stages": ["Архів"]}}
    assert _orders(hand_over(OCTOBER, profile=rule, stages=("Архів",))) == []


def test_a_stage_that_is_asked_for_takes_back_no_other(hand_over: HandOver, autumn: SmallShop) -> None:
    """Order 5 was handed over as «Нове»: an export of what is completed is silent about it, and so is the ledger.

    Order 4 was handed over as completed; once it is no longer, whoever asks for completed orders is told.
    """
    hand_over(OCTOBER)
    completed = hand_over(OCTOBER, stages=("Виконано",), since_last=True)
    assert (_counts(completed), _rows(completed, "changed_after_export")) == ((0, 0, 1, 0), [])
    assert _counts(hand_over(OCTOBER, since_last=True)) == (0, 0, 2, 0)
    _change(autumn, "UPDATE accounting.orders SET status_id = 1, stage = 'Нове' WHERE order_id = 4")
    assert _counts(hand_over(OCTOBER, stages=("Виконано",), since_last=True, dry_run=True)) == (0, 0, 0, 1)
    rule = {"hand_over": {"stages": ["Виконано"]}}
    assert _counts(hand_over(OCTOBER, profile=rule, since_last=True, dry_run=True)) == (0, 0, 0, 2)


def test_what_is_not_ready_is_listed_with_the_reason(hand_over: HandOver) -> None:
    """By the rule of the profile: completed and paid. Order 5 has 75.00 of 75.25 and is new."""
    rule = {"hand_over": {"stages": ["Виконано", "Нове"], "paid": True}}
    october = hand_over(OCTOBER, profile=rule)
    assert _orders(october) == [4]
    assert [(one.cause, one.order_ids) for one in october.held_back] == [("unpaid", (5,))]
    (row,) = _rows(october, "held_back")
    assert (row["Чому не вивантажено"], row["Подробиці"]) == (
        "Ще не готове: оплачено не повністю",
        "Оплачено 75,00\u00a0₴ з 75,25\u00a0₴",
    )
    stages = hand_over(OCTOBER, profile=rule, stages=("Виконано",))
    (row,) = _rows(stages, "held_back")
    assert (row["Чому не вивантажено"], row["Подробиці"]) == (
        "Ще не готове: стадія не з тих, які вивантажуються",
        "Стадія «Нове»",
    )


def test_order_paid_in_rounded_cash_is_ready(tmp_path: Path) -> None:
    """100.00 for 100.20 is settled, though KeyCRM calls it paid in part; 100.00 for 100.30 is a debt."""
    books = make_books(
        tmp_path, hand_over={"paid": True}, payment_methods={1: {"account": "Каса", "kind": "cash"}}
    )
    for order_id, price in ((1, "100.20"), (2, "100.30")):
        books.order(
            order_id,
            datetime(2026, 10, 5, 9, tzinfo=UTC),
            lines=[{"price": Decimal(price)}],
            payments=[{"amount": 100, "payment_method_id": 1}],
        )
    books.load(date(2026, 10, 5))
    assert books.rows("orders", "payment_status, rounding") == [
        ("part_paid", Decimal("-0.20")),
        ("part_paid", None),
    ]
    result = export_period(
        books.workspace, OCTOBER, export_format="csv", directory=tmp_path / "out", now=FIRST
    )
    assert _orders(result) == [1]
    assert [(one.cause, one.order_ids) for one in result.held_back] == [("unpaid", (2,))]


RECEIPTS: dict[str, Any] = {"hand_over": {"receipt": True}}


def test_order_without_the_receipt_of_the_shop_is_not_ready(autumn: SmallShop, hand_over: HandOver) -> None:
    """Only a paid payment whose receipt the shop issues needs one: order 2 lacks it.

    Order 1 has it, in September only order 3 is unpaid; in October the carrier issues that of 4, and 5 needs none.
    """
    _change(
        autumn,
        "UPDATE accounting.order_payments SET receipt = 'own' WHERE payment_id IN (71, 72)",
        "UPDATE accounting.order_payments SET fiscal_result = '{}' WHERE payment_id = 71",
        "UPDATE accounting.order_payments SET receipt = 'by_carrier' WHERE payment_id = 74",
    )
    september = hand_over(SEPTEMBER, profile=RECEIPTS)
    assert _orders(september) == [1, 3]
    assert [(one.cause, one.order_ids) for one in september.held_back] == [("no_receipt", (2,))]
    (row,) = _rows(september, "held_back")
    assert (row["Чому не вивантажено"], row["Подробиці"]) == (
        "Ще не готове: немає чека за проведеною оплатою, який видає магазин",
        "Оплата 72",
    )
    assert _orders(hand_over(OCTOBER, profile=RECEIPTS)) == [4, 5]
    assert _orders(hand_over(SEPTEMBER)) == [1, 2, 3]


def test_receipt_that_came_is_a_change(autumn: SmallShop, hand_over: HandOver) -> None:
    """The accountant was given the payment without it, and as cash on delivery."""
    _change(
        autumn,
        "UPDATE accounting.order_payments SET receipt = 'by_carrier', method_kind = 'cash_on_delivery' "
        "WHERE payment_id = 71",
    )
    hand_over(SEPTEMBER)
    _change(
        autumn,
        "UPDATE accounting.order_payments SET receipt = 'own', method_kind = 'card', fiscal_result = '{}', "
        "fiscal_status = 'DONE' WHERE payment_id = 71",
    )
    changed = _rows(hand_over(SEPTEMBER, since_last=True), "changed_after_export")
    assert [(row["Рядок"], row["Реквізит"], row["Було"], row["Стало"]) for row in changed] == [
        ("LiqPay", "Вид оплати", "післяплата", "картка"),
        ("LiqPay", "Чек видає", "перевізник", "магазин"),
        ("LiqPay", "Чек є", "ні", "так"),
        ("LiqPay", "Стан чека", "", "DONE"),
    ]
