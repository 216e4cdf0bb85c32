"""The sheet «Звірка» of an export: there if the profile compares payments, and for one legal entity only its own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl

from keycrm_pipeline.exports import export_period
from keycrm_pipeline.sandbox.payloads import source_payload
from keycrm_pipeline.warehouse.reconciliation_lines import counts_by_kind
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books
from keycrm_pipeline_tests.pipeline.compared_shop import BANK, MARCH, SETTINGS, bank, fill, order

ORGANISATIONS = {"ФОП Банк": {"accounts": [BANK]}, "ФОП Перевізник": {"default": True}}


def sheet_of(books: Books, **asked: Any) -> list[tuple[Any, ...]]:
    """Result, order, payment, money and fee of each row, without the totals."""
    result = export_period(books.workspace, MARCH, export_format="xlsx", now=books.now, **asked)
    book = openpyxl.load_workbook(result.files[0])
    assert book.sheetnames.index("Звірка") == book.sheetnames.index("Не вивантажено") + 1
    header, *rows = book["Звірка"].iter_rows(values_only=True)
    columns = [
        header.index(name)
        for name in ("Результат", "Номер замовлення", "Оплата в KeyCRM", "Надходження", "Комісія")
    ]
    return [tuple(row[place] for place in columns) for row in rows if row[1] is not None]


def test_the_workbook_has_the_lines_of_its_period(tmp_path: Path) -> None:
    """The nine lines of March; with an organisation those of its account, with money that has no payment too."""
    books = make_books(tmp_path, **SETTINGS, organisations=ORGANISATIONS)
    fill(books)
    books.load()
    rows = sheet_of(books)
    assert len(rows) == 9
    assert rows[:4] == [
        ("суми збігаються", 501, 500, 500, None),
        ("оплата без надходження", 502, 300, None, None),
        ("суми збігаються", 503, 250, 250, 12.5),
        ("розбіжність сум", 504, 400, 390, 20),
    ]
    assert sorted(sheet_of(books, organisation="ФОП Банк"), key=str) == [
        ("надходження без оплати", None, None, 33, None),
        ("оплата без надходження", 502, 300, None, None),
        ("суми збігаються", 501, 500, 500, None),
        ("суми збігаються", 505, 180, 180, None),
        ("суми збігаються", 506, 95, 95, None),
    ]


def test_money_of_nobody_is_in_the_sheet_of_its_organisation(tmp_path: Path) -> None:
    """60 that came and 15 that went out at the carrier, whose account no organisation names.

    They are of the organisation of the carrier's method, else of the default one. With neither each organisation lists
    them: no one's export may lose them.
    """
    of_nobody = [("надходження без оплати", None, None, 60, 0), ("списання", None, None, -15, 0)]
    bank, other = {"accounts": [BANK]}, "ФОП Банк"
    for number, (carrier, expected) in enumerate(
        (
            ({"payment_methods": [5]}, {"ФОП Перевізник"}),
            ({"default": True}, {"ФОП Перевізник"}),
            ({"accounts": ["Каса магазину"]}, {"ФОП Перевізник", other}),
        )
    ):
        directory = tmp_path / str(number)
        directory.mkdir()
        books = make_books(directory, **SETTINGS, organisations={other: bank, "ФОП Перевізник": carrier})
        fill(books)
        books.load()
        listing = {
            name
            for name in books.profile.organisations
            if all(row in sheet_of(books, organisation=name) for row in of_nobody)
        }
        assert listing == expected, carrier


def test_hryvnias_that_came_for_euros_are_never_added_to_them(tmp_path: Path) -> None:
    """45.50 and 10 euros are paid; the bank has 2,331.17 hryvnias and 10 euros: in euros, 55.50 beside 10."""
    books = make_books(tmp_path, **SETTINGS)
    of_euros = {"source_id": 6, "actual_currency": "EUR"}
    order(books, 601, Decimal("45.50"), 2, transaction_uuid="u-1", **of_euros)
    order(books, 602, 10, 2, transaction_uuid="u-2", **of_euros)
    bank(books, 1, "2331.17", is_attached=True)
    bank(books, 2, 11, currency="EUR", is_attached=True)
    books.load()
    with books.warehouse.reading() as connection:
        counts = [
            (count.kind, count.currency, count.lines, count.paid, count.received)
            for count in counts_by_kind(connection, MARCH)
        ]
    assert counts == [
        ("sum_differs", "EUR", 2, Decimal("55.50"), Decimal(11)),
        ("sum_differs", "UAH", 0, Decimal(0), Decimal("2331.17")),
    ]
    result = export_period(books.workspace, MARCH, export_format="xlsx", now=books.now)
    header, *rows = openpyxl.load_workbook(result.files[0], data_only=True)["Звірка"].iter_rows(
        values_only=True
    )
    columns = [
        header.index(name) for name in ("Оплата в KeyCRM", "Надходження", "Валюта", "Валюта надходження")
    ]
    assert [tuple(row[place] for place in columns) for row in rows if row[1] is None and any(row)] == [
        (45.5, 2331.17, "EUR", "UAH"),
        (10, 11, "EUR", "EUR"),
    ]


def test_an_order_in_dollars_is_paid_with_the_hryvnias_of_the_bank(tmp_path: Path) -> None:
    """100 dollars, paid with 4,100 hryvnias: one line. Where the bank has dollars, the dollars are compared."""
    books = make_books(tmp_path, **SETTINGS)
    books.shop.add_source(source_payload(9, "Shopify", currency_code="USD"))
    in_hryvnias = {"actual_amount": 4100, "actual_currency": "UAH", "source_currency": "USD"}
    paid = [payment_payload(6110, 100, payment_date="2026-03-02T12:00:00.000000Z", **in_hryvnias)]
    books.order(611, source_id=9, lines=[{"price": 100}], payments=paid)
    for money, currency, expected in (
        ("4100.00", "UAH", ("matched", 611, Decimal(4100), Decimal(4100), "UAH")),
        ("100.00", "USD", ("matched", 611, Decimal(100), Decimal(100), "USD")),
    ):
        bank(books, 1, money, currency=currency, description="Оплата за товар, ТЕСТОВА ОЛЕНА")
        books.load()
        assert books.query(
            "SELECT kind, order_id, paid, received, currency FROM accounting.reconciliation"
        ) == [expected]
    assert books.value(611, "paid_total") == Decimal(100)


def test_a_profile_that_compares_nothing_has_no_such_sheet(tmp_path: Path) -> None:
    books = make_books(tmp_path)
    books.order(1)
    books.load()
    result = export_period(books.workspace, MARCH, export_format="xlsx", now=books.now)
    assert "Звірка" not in openpyxl.load_workbook(result.files[0]).sheetnames
    assert "reconciliation" not in result.counts
