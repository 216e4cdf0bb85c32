"""Workbook and CSV in LibreOffice: what it prints, computes and reads, against values worked out by hand."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from pypdf import PageObject, PdfReader

from keycrm_pipeline.exports import export_period
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.documents import Documents
from keycrm_pipeline_tests.exports.small_shop import MARCH, NOW, plain_order, small_shop
from keycrm_pipeline_tests.libreoffice import EACH_SHEET_AS_CSV, LibreOffice

pytestmark = [pytest.mark.libreoffice, pytest.mark.process]

TWENTIETH = Period(date(2026, 3, 20), date(2026, 3, 20))
PLAIN_ORDERS = range(1001, 1101)
"""A hundred orders of 10.00 hryvnias on the 20th, so that the orders fill several pages."""

TEXT, STANDARD = 2, 1
UKRAINIAN = 1058
A4_LANDSCAPE = (842, 595)
"""Points."""
FOOT = re.compile(r"demo · 01\.03\.2026 – 31\.03\.2026 (.+) Сторінка (\d+ з \d+)")


@dataclass(frozen=True)
class Opened:
    """What LibreOffice made of the exports of March and of its 20th.

    Attributes:
        directory: The results: `march.pdf`, a CSV file per sheet, and a workbook per CSV file.
        stems: Name of an export without its ending, by `march`, `filtered`, `day` and `filtered_day`.
    """

    directory: Path
    stems: dict[str, str]

    def totals(self, export: str, sheet: str) -> list[dict[str, str]]:
        """The rows «Разом» of a sheet, as LibreOffice computed them."""
        with (self.directory / f"{self.stems[export]}-{sheet}.csv").open(
            encoding="utf-8", newline=""
        ) as file:
            return [row for row in csv.DictReader(file, delimiter=";") if "Разом" in row.values()]

    def imported(self, table: str) -> list[dict[str, object]]:
        """The rows of a CSV file of March, as LibreOffice read them."""
        header, *rows = (
            openpyxl.load_workbook(self.directory / f"{self.stems['march']}_{table}.xlsx")
            .worksheets[0]
            .iter_rows(values_only=True)
        )
        return [dict(zip(map(str, header), row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    directory = tmp_path_factory.mktemp("libreoffice")
    office = LibreOffice(directory / "profile")
    shop = small_shop(directory)
    documents = Documents(shop.warehouse)
    for order_id in PLAIN_ORDERS:
        plain_order(documents, order_id, TWENTIETH.first)
    documents.save()
    workbooks: dict[str, Path] = {}
    for name, period in (("march", MARCH), ("day", TWENTIETH)):
        result = export_period(
            shop.workspace, period, export_format="xlsx", directory=directory / "out", now=NOW
        )
        workbooks[name] = result.files[0]
    for name, hidden in (("march", "filtered"), ("day", "filtered_day")):
        book = openpyxl.load_workbook(workbooks[name])
        # What the filter does: the first order is out of sight.
        book["Замовлення"].row_dimensions[2].hidden = True
        workbooks[hidden] = directory / f"{hidden}.xlsx"
        book.save(workbooks[hidden])
    tables = export_period(
        shop.workspace, MARCH, export_format="csv", directory=directory / "out", now=NOW
    ).files
    office.convert([workbooks["march"]], "pdf", directory)
    office.convert(list(workbooks.values()), EACH_SHEET_AS_CSV, directory)
    for table, texts in (
        ("orders", ("Телефон контрагента", "Номер ТТН (ЕН)")),
        ("order_lines", ("Артикул",)),
    ):
        (file,) = (file for file in tables if file.name.endswith(f"_{table}.csv"))
        header = file.read_text(encoding="utf-8-sig").splitlines()[0].split(";")
        kinds = "/".join(
            f"{number}/{TEXT if name in texts else STANDARD}" for number, name in enumerate(header, start=1)
        )
        office.convert([file], "xlsx", directory, read_as=f"CSV:59,34,76,1,{kinds},{UKRAINIAN}")
    return Opened(directory, {name: path.stem for name, path in workbooks.items()})


@pytest.fixture(scope="module")
def pages(opened: Opened) -> list[PageObject]:
    """The printed pages of March."""
    return list(PdfReader(opened.directory / f"{opened.stems['march']}.pdf").pages)


def test_workbook_is_printed_on_few_pages(pages: list[PageObject]) -> None:
    """Portrait pages, several for each row of an order, made a heap of paper of every month."""
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in pages} == {A4_LANDSCAPE}
    assert len(pages) <= 20


def test_every_page_has_the_header_and_tells_where_it_belongs(pages: list[PageObject]) -> None:
    """A page that fell on the floor can be put back."""
    texts = [page.extract_text() for page in pages]
    feet = [FOOT.search(text) for text in texts]
    assert [foot and foot[2] for foot in feet] == [
        f"{page} з {len(pages)}" for page in range(1, len(pages) + 1)
    ]
    sheets = [foot[1] for foot in feet if foot]
    assert list(dict.fromkeys(sheets)) == [
        "Зведення",
        "Контрагенти (до стовпця «Нова картка»)",
        "Номенклатура",
        "Характеристики",
        "Замовлення (до стовпця «Спосіб оплати»)",
        "Товари замовлень (до стовпця «Валюта»)",
        "Послуги замовлень",
        "Оплати й витрати (до стовпця «Стан»)",
        "Не вивантажено",
        "Змінено після вивантаження",
        "Зміни в закритому періоді",
        "Потребує уваги",
    ]
    orders = [text for text, sheet in zip(texts, sheets, strict=True) if sheet.startswith("Замовлення")]
    assert len(orders) > 1
    assert all("Відповідальний" in text for text in orders)


def test_totals_are_computed_as_they_were_written(opened: Opened) -> None:
    """633.29 and a hundred times 10.00 in hryvnias; 48.55 in euros."""
    totals = opened.totals("march", "Замовлення")
    assert [(row["Валюта"], Decimal(row["Сума документа"])) for row in totals] == [
        ("UAH", Decimal("1633.29")),
        ("EUR", Decimal("48.55")),
    ]
    payments = opened.totals("march", "Оплати й витрати")
    assert [(row["Вид"], Decimal(row["Сума"])) for row in payments] == [
        ("Оплата", Decimal("599.99")),
        ("Витрата", Decimal("6.1")),
    ]
    (day,) = opened.totals("day", "Замовлення")
    assert Decimal(day["Сума документа"]) == 1000


def test_totals_follow_the_filter(opened: Opened) -> None:
    """Without order 101 of 599.99, and without one of the hundred."""
    totals = opened.totals("filtered", "Замовлення")
    assert [(row["Валюта"], Decimal(row["Сума документа"])) for row in totals] == [
        ("UAH", Decimal("1033.30")),
        ("EUR", Decimal("48.55")),
    ]
    (day,) = opened.totals("filtered_day", "Замовлення")
    assert Decimal(day["Сума документа"]) == 990


def test_phones_and_codes_of_the_workbook_stay_texts(opened: Opened) -> None:
    """A plus, a leading zero and fourteen digits are still there when the workbook is saved again."""
    sheets: dict[str, list[dict[str, str]]] = {}
    for sheet in ("Контрагенти", "Товари замовлень", "Замовлення"):
        path = opened.directory / f"{opened.stems['march']}-{sheet}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            sheets[sheet] = list(csv.DictReader(file, delimiter=";"))
    assert sheets["Контрагенти"][0]["Телефон"] == "+380501112233"
    assert sheets["Товари замовлень"][0]["Артикул"] == "0012"
    assert sheets["Замовлення"][0]["Номер ТТН (ЕН)"] == "20450000000123"


def test_csv_is_read_right_with_the_options_that_the_docs_name(opened: Opened) -> None:
    """UTF-8, `;`, Ukrainian, and text for codes: letters, sums and digits arrive as they were."""
    order = opened.imported("orders")[0]
    assert (order["Контрагент"], order["Телефон контрагента"]) == ("Коваленко Олена", "+380501112233")
    assert order["Сума документа"] == 599.99
    assert order["Номер ТТН (ЕН)"] == "20450000000123"
    assert order["Коментар"] == "Номер джерела: №1042\nПодзвонити <до> обіду & після"
    line = opened.imported("order_lines")[0]
    assert (line["Артикул"], line["Кількість"], line["Ціна"]) == ("0012", 2, 100)
