"""The sheets «Зведення» and «Потребує уваги»: figures worked out by hand, and the words of the report."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from keycrm_pipeline.exports import export_period
from keycrm_pipeline.exports.overview import written_days
from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.accounting import PARTNER_LINKS
from keycrm_pipeline.schemas.ops import EXCHANGE_COUNTS, EXCHANGES, REVIEW
from keycrm_pipeline.sentences.review import Review
from keycrm_pipeline.warehouse.sales import period_totals
from keycrm_pipeline_tests.documents import MADE_AT, Documents
from keycrm_pipeline_tests.exports.small_shop import MARCH, NOW, Export, SmallShop, shop_in

HEADINGS = ("Вивантаження документів", "Показник", "Чому не вивантажено", "Аркуш")


def _blocks(file: Path) -> dict[str, list[list[object]]]:
    """Heading -> the rows below it, up to an empty row; empty cells at the end are left out."""
    blocks: dict[str, list[list[object]]] = {}
    rows: list[list[object]] = []
    for row in openpyxl.load_workbook(file)["Зведення"].iter_rows(values_only=True):
        filled = [value for value in row if value not in (None, "")]
        if row[0] in HEADINGS:
            rows = blocks.setdefault(str(row[0]), [])
        elif filled:
            rows.append(filled)
    return blocks


def _figures(file: Path) -> list[tuple[object, ...]]:
    return [
        (name, currency, orders, Decimal(str(amount)))
        for name, currency, orders, amount in (row for row in _blocks(file)["Показник"] if len(row) == 4)
    ]


def test_figures_are_those_worked_out_by_hand(export: Export) -> None:
    """Which sum is which is written next to it, euros and hryvnias are never added."""
    assert _figures(export("xlsx").files[0]) == [
        # 599.99 + 33.30 + 10.00 + 15.00 + 10.00 + 11.00 + 10.00
        ("Продажі (без скасованих)", "UAH", 7, Decimal("689.29")),
        ("Скасовано", "UAH", 0, Decimal(0)),
        ("Разом замовлень", "UAH", 7, Decimal("689.29")),
        ("Вивантажено", "UAH", 2, Decimal("633.29")),
        ("Не вивантажено", "UAH", 5, Decimal(56)),
        ("Продажі (без скасованих)", "EUR", 0, Decimal(0)),
        ("Скасовано", "EUR", 1, Decimal("48.55")),
        ("Разом замовлень", "EUR", 1, Decimal("48.55")),
        ("Вивантажено", "EUR", 1, Decimal("48.55")),
        ("Не вивантажено", "EUR", 0, Decimal(0)),
    ]


def test_sales_are_those_of_the_report(shop: SmallShop, export: Export) -> None:
    """Two sums of one month under one word would make both worthless."""
    figures = _figures(export("xlsx").files[0])
    with shop.warehouse.reading() as connection:
        totals = period_totals(connection, MARCH)
    for currency, total in totals.items():
        assert ("Продажі (без скасованих)", currency, total.orders, total.grand_total) in figures
        assert ("Скасовано", currency, total.cancelled_orders, total.cancelled_total) in figures


def test_what_is_not_exported_is_told_with_its_reason_and_sum(export: Export) -> None:
    """The accountant sees how much money is missing in the files, and what to do about it."""
    assert _blocks(export("xlsx").files[0])["Чому не вивантажено"] == [
        ["Замовлення не пройшло перевірку: виправте його в KeyCRM", "UAH", 1, 10],
        ["Сума рядків і послуг не дорівнює сумі замовлення в KeyCRM", "UAH", 1, 15],
        ["Замовлення більше немає в KeyCRM", "UAH", 1, 10],
        [
            "Картка або сума замовлення в базі неповна: переформуйте дані й вивантажте ще раз",
            "UAH",
            2,
            21,
        ],
        ["Відхилено, тому немає в жодній із цих сум", 2, "невідома"],
    ]


def test_sheet_says_what_was_exported(export: Export) -> None:
    """A printed workbook still tells whose orders of which days these are, and how many."""
    blocks = _blocks(export("xlsx").files[0])
    assert blocks["Вивантаження документів"] == [
        ["Профіль", "demo"],
        ["Організація", "усі"],
        ["Період", "01.03.2026 – 31.03.2026"],
        ["Дані станом на", "обміну ще не було"],
        ["Дні, які ще не завантажено (їхні замовлення невідомі)", "31.03.2026"],
    ]
    assert blocks["Аркуш"] == [
        ["Контрагенти", 3],
        ["Номенклатура", 4],
        ["Характеристики", 1],
        ["Замовлення", 3],
        ["Товари замовлень", 4],
        ["Послуги замовлень", 3],
        ["Оплати й витрати", 2],
        ["Не вивантажено", 7],
        ["Змінено після вивантаження", 0],
        ["Зміни в закритому періоді", 0],
        ["Потребує уваги", 0],
    ]


def test_data_is_as_of_the_exchange_that_last_asked_for_changes(shop: SmallShop, export: Export) -> None:
    """Not of the export's own time, and not of a rebuild, which asks KeyCRM for nothing."""
    exchanges = Documents(shop.warehouse)
    for number, (kind, hour, status) in enumerate(
        [
            ("period", 8, "succeeded"),
            ("changes", 9, "succeeded"),
            ("changes", 10, "failed"),
            ("rebuild", 11, "succeeded"),
        ],
        start=1,
    ):
        exchanges.add(
            EXCHANGES,
            exchange_id=number,
            profile="demo",
            kind=kind,
            period_from=MARCH.first,
            period_to=MARCH.last,
            started_at=datetime(2026, 4, 1, hour, 30, tzinfo=UTC),
            finished_at=datetime(2026, 4, 1, hour, 40, tzinfo=UTC),
            status=status,
            **dict.fromkeys(EXCHANGE_COUNTS, 0),
        )
    exchanges.save()
    # 9:30 UTC.
    local = datetime(2026, 4, 1, 12, 30)  # noqa: DTZ001 - Excel's dates have no zone
    assert ["Дані станом на", local] in _blocks(export("xlsx").files[0])["Вивантаження документів"]


def test_figures_of_one_organisation(shop: SmallShop, tmp_path: Path) -> None:
    """The workbook of one ФОП says its own sums, and whose they are."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            "UPDATE accounting.orders SET organisation = 'ФОП Коваль' WHERE order_id IN (101, 105)"
        )
    chosen = shop_in(tmp_path, organisations={"ФОП Коваль": {}})
    result = export_period(
        chosen.workspace,
        MARCH,
        export_format="xlsx",
        organisation="ФОП Коваль",
        directory=tmp_path / "out",
        now=NOW,
    )
    assert _figures(result.files[0]) == [
        ("Продажі (без скасованих)", "UAH", 2, Decimal("614.99")),
        ("Скасовано", "UAH", 0, Decimal(0)),
        ("Разом замовлень", "UAH", 2, Decimal("614.99")),
        ("Вивантажено", "UAH", 1, Decimal("599.99")),
        ("Не вивантажено", "UAH", 1, Decimal(15)),
    ]
    assert ["Організація", "ФОП Коваль"] in _blocks(result.files[0])["Вивантаження документів"]


def test_period_without_orders_says_zero(export: Export) -> None:
    """Nothing sold is a figure too; an empty sheet would look like a failure."""
    day = date(2026, 6, 1)
    file = export("xlsx", Period(day, day)).files[0]
    assert {row[1:] for row in _figures(file)} == {("UAH", 0, Decimal(0))}
    assert _blocks(file)["Чому не вивантажено"] == [["Вивантажено всі замовлення"]]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ((), ""),
        ((1,), "01.03.2026"),
        ((1, 2, 3, 9), "01.03.2026 – 03.03.2026, 09.03.2026"),
    ],
)
def test_days_in_a_row_are_one_entry(days: tuple[int, ...], words: str) -> None:
    """Half a year that was never loaded fits into a cell."""
    assert written_days(date(2026, 3, day) for day in days) == words


def test_review_list_is_the_last_sheet(shop: SmallShop, export: Export) -> None:
    """In Ukrainian, with the names that disagree: nobody has to look them up to decide."""
    review = Documents(shop.warehouse)
    for kind, subject, details in (
        ("partner_name_conflict", "1", Review.NAMES_DISAGREE.message(buyer_ids=[7], partner_id=1)),
        (
            "order_difference",
            "105",
            Review.ORDER_DIFFERENCE.message(order_id=105, difference="5.00", currency="UAH"),
        ),
    ):
        review.add(
            REVIEW,
            kind=kind,
            subject=subject,
            details=str(details),
            details_coded=details.dump(),
            first_seen_at=MADE_AT,
        )
    review.add(PARTNER_LINKS, buyer_id=7, partner_id=1, name_conflict=True, conflict_order_id=101)
    review.save()
    with shop.warehouse.writing() as connection:
        connection.execute(
            """
            INSERT INTO validated.orders BY NAME
            SELECT 101 AS order_id, DATE '2026-03-01' AS order_day, now() AS ordered_at, 1 AS status_id, 7 AS buyer_id,
                'Бойко Іван' AS buyer_name, 0 AS grand_total, 0 AS shipping_price, 0 AS wrap_price, 0 AS taxes,
                0 AS discount_amount, 0 AS discount_percent, 0 AS total_discount, '' AS payload_hash, 1 AS exchange_id
            """
        )
    book = openpyxl.load_workbook(export("xlsx").files[0])
    assert book.sheetnames[-1] == "Потребує уваги"
    header, *rows = book["Потребує уваги"].iter_rows(values_only=True)
    assert header == ("Що саме", "Номер замовлення", "Подробиці і що зробити", "З якого дня")
    assert [row[:2] for row in rows] == [
        ("Один контакт, різні імена", 101),
        ("Замовлення з розбіжністю", 105),
    ]
    assert str(rows[0][2]).endswith("На картці: «Коваленко Олена»; у KeyCRM: «Бойко Іван».")
    assert "розбіжність 5,00\u00a0₴" in str(rows[1][2])
    assert rows[1][3] == datetime(2026, 3, 31)  # noqa: DTZ001 - Excel's dates have no zone
