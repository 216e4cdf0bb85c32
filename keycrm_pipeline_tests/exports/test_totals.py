"""The totals under the sheets of a workbook, and where there are none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from keycrm_pipeline_tests.exports.small_shop import Export, SmallShop


def _totals(sheet: Worksheet) -> list[dict[str, object]]:
    """The rows under the table: header -> value, empty cells left out."""
    header, *rows = sheet.iter_rows(values_only=True)
    return [
        {str(name): value for name, value in zip(header, row, strict=True) if value is not None}
        for row in rows
        if row[0] == "Разом"
    ]


def _values(file: Path, sheet: str) -> list[dict[str, object]]:
    """What a reader that computes nothing shows."""
    return _totals(openpyxl.load_workbook(file, data_only=True)[sheet])


def test_orders_are_added_up_by_currency(export: Export) -> None:
    """599.99 + 33.30 hryvnias are one sum, 48.55 euros another; a reader without formulas sees both."""
    assert _values(export("xlsx").files[0], "Замовлення") == [
        {
            "Номер": "Разом",
            "Валюта": "UAH",
            "Сума товарів": 563.29,
            "Сума послуг": 70,
            "Сума знижок": 20,
            "Сума документа": 633.29,
            "Оплачено": 599.99,
            "Заокруглення": 0,
        },
        {
            "Номер": "Разом",
            "Валюта": "EUR",
            "Сума товарів": 45.05,
            "Сума послуг": 3.5,
            "Сума знижок": -0.05,
            "Сума документа": 48.55,
            "Оплачено": 0,
            "Заокруглення": 0,
        },
    ]


def test_prices_are_not_added_up(export: Export) -> None:
    """The sum of prices per unit means nothing."""
    totals = _values(export("xlsx").files[0], "Товари замовлень")
    assert [(row["Валюта"], row["Сума"], row["Знижка"]) for row in totals] == [
        ("UAH", 563.29, 20),
        ("EUR", 45.05, -0.05),
    ]
    assert all("Ціна" not in row for row in totals)


def test_payments_and_expenses_are_not_added_up(export: Export) -> None:
    """599.99 received and 6.10 spent do not make 606.09; without rates, hryvnias have no total."""
    assert _values(export("xlsx").files[0], "Оплати й витрати") == [
        {"Номер замовлення": "Разом", "Вид": "Оплата", "Сума": 599.99, "Валюта": "UAH", "Стан": "Оплачено"},
        {"Номер замовлення": "Разом", "Вид": "Витрата", "Сума": 6.1, "Валюта": "UAH", "Стан": "Оплачено"},
    ]


def test_sheet_of_one_currency_has_a_plain_subtotal(shop: SmallShop, export: Export) -> None:
    """The formula that every accountant knows, and the fastest one."""
    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.orders SET currency = 'UAH'")
    (total,) = _totals(openpyxl.load_workbook(export("xlsx").files[0])["Послуги замовлень"])
    assert total["Сума"] == "=SUBTOTAL(109,L$2:L$4)"
    (value,) = _values(export("xlsx").files[0], "Послуги замовлень")
    assert Decimal(str(value["Сума"])) == Decimal("73.50")


def test_totals_stand_apart_from_the_filtered_rows(export: Export) -> None:
    """A total that is filtered or sorted like an order would be lost, or added again."""
    sheet = openpyxl.load_workbook(export("xlsx").files[0])["Замовлення"]
    assert sheet.auto_filter.ref == "A1:AD4"
    assert [cell.value for cell in sheet[5]] == [None] * sheet.max_column
    assert [sheet.cell(row, 1).value for row in (6, 7)] == ["Разом", "Разом"]


def test_sheet_of_an_import_form_has_no_totals(export: Export) -> None:
    """A program would take the total for one more order, and the summary for the table."""
    book = openpyxl.load_workbook(
        export(
            "xlsx", columns={"orders": {"order_id": "№", "currency": "Валюта", "grand_total": "Сума"}}
        ).files[0]
    )
    assert list(book["Замовлення"].iter_rows(values_only=True)) == [
        ("№", "Валюта", "Сума"),
        (101, "UAH", 599.99),
        (102, "UAH", 33.3),
        (103, "EUR", 48.55),
    ]
    assert book.sheetnames[0] == "Контрагенти"
    assert book.sheetnames[-2:] == ["Зведення", "Потребує уваги"]
    # The other tables are still for people.
    assert len(_totals(book["Товари замовлень"])) == 2
