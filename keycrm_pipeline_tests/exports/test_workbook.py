"""Workbooks, read back by openpyxl and, where openpyxl hides something, from the XML itself."""

from __future__ import annotations

import re
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports import workbook
from keycrm_pipeline.exports.errors import SheetTooLongError
from keycrm_pipeline.exports.workbook import write_workbook
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.exports.small_shop import FORMULA_NAME, Export, SmallShop, empty_overview


def _rows(sheet: Worksheet) -> list[dict[str, object]]:
    header, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def test_one_sheet_a_table_cards_first(export: Export) -> None:
    """A bookkeeper opens one file and finds every table by its Ukrainian name."""
    (file,) = export("xlsx").files
    assert file.name == "demo_2026-03-01_2026-03-31.xlsx"
    assert openpyxl.load_workbook(file).sheetnames == [
        "Зведення",
        "Контрагенти",
        "Номенклатура",
        "Характеристики",
        "Замовлення",
        "Товари замовлень",
        "Послуги замовлень",
        "Оплати й витрати",
        "Не вивантажено",
        "Змінено після вивантаження",
        "Зміни в закритому періоді",
        "Потребує уваги",
    ]


def test_numbers_dates_and_texts_keep_their_nature(export: Export) -> None:
    """Sums can be summed and dates sorted; a SKU keeps its zero, a phone its plus."""
    book = openpyxl.load_workbook(export("xlsx").files[0])
    order = _rows(book["Замовлення"])[0]
    assert order["Номер"] == 101
    assert order["Дата"] == datetime(2026, 3, 1, 0, 15)  # noqa: DTZ001 - Excel's dates have no zone
    assert Decimal(str(order["Сума документа"])) == Decimal("599.99")
    assert order["Телефон контрагента"] == "+380501112233"
    assert order["Номер ТТН (ЕН)"] == "20450000000123"
    line = _rows(book["Товари замовлень"])[0]
    assert line["Артикул"] == "0012"
    assert line["Дата замовлення"] == datetime(2026, 3, 1)  # noqa: DTZ001
    sheet = book["Замовлення"]
    columns = {cell.value: cell.column for cell in sheet[1]}
    assert sheet.cell(2, columns["Сума документа"]).number_format == "#,##0.00"
    assert sheet.cell(2, columns["Дата"]).number_format == "dd.mm.yyyy hh:mm"
    assert sheet.cell(2, columns["Номер ТТН (ЕН)"]).number_format == "@"


def test_local_time_after_the_clock_change(export: Export) -> None:
    """01:30 UTC on 29 March is 04:30 in Kyiv, not 03:30: that hour does not exist."""
    book = openpyxl.load_workbook(export("xlsx").files[0])
    assert _rows(book["Замовлення"])[1]["Дата"] == datetime(2026, 3, 29, 4, 30)  # noqa: DTZ001


def test_header_is_bold_frozen_and_filtered(export: Export) -> None:
    """A thousand rows down the header is still there."""
    sheet = openpyxl.load_workbook(export("xlsx").files[0])["Замовлення"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:AD4"
    assert all(cell.font.bold for cell in sheet[1])
    assert sheet.column_dimensions["D"].width > len("Контрагент")


def test_formula_in_a_name_stays_a_text(export: Export) -> None:
    """A buyer who calls himself =HYPERLINK(…) must not get a link into the bookkeeper's workbook."""
    file = export("xlsx").files[0]
    cell = openpyxl.load_workbook(file)["Контрагенти"]["C3"]
    assert cell.value == FORMULA_NAME
    assert cell.data_type == "s"
    assert cell.quotePrefix
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            assert b"HYPERLINK" not in b"".join(re.findall(rb"<f>.*?</f>", archive.read(name)))


def test_control_characters_are_gone(export: Export) -> None:
    """A stray control character would show as _x0001_ or make the file unreadable."""
    book = openpyxl.load_workbook(export("xlsx").files[0])
    assert _rows(book["Товари замовлень"])[2]["Номенклатура"] == "Тканина"


def test_money_is_written_digit_by_digit(tmp_path: Path) -> None:
    """0.1 + 0.2 has no place in a ledger: the file holds the decimal's own digits."""
    table = ExportTable("orders", "Суми", (ExportColumn("amount", "Сума", Kind.MONEY),))
    frame = pl.DataFrame({"amount": [Decimal("9999999999999.07"), Decimal("-0.10")]})
    path = tmp_path / "book.xlsx"
    write_workbook(path, [table], {"orders": frame}, empty_overview(), timezone="Europe/Kyiv")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
    assert "<v>9999999999999.07</v>" in sheet
    assert "<v>-0.10</v>" in sheet


def test_too_long_text_ends_with_an_ellipsis(tmp_path: Path) -> None:
    """A cell holds 32,767 characters; the rest of a longer comment must not take the whole cell with it."""
    table = ExportTable("orders", "Коментарі", (ExportColumn("comment", "Коментар"),))
    path = tmp_path / "book.xlsx"
    frame = pl.DataFrame({"comment": ["к" * 40_000]})
    write_workbook(path, [table], {"orders": frame}, empty_overview(), timezone="Europe/Kyiv")
    value = openpyxl.load_workbook(path)["Коментарі"]["A2"].value
    assert isinstance(value, str)
    assert len(value) == 32_767
    assert value.endswith("к…")


def test_large_workbook_holds_the_same_as_a_small_one(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From some size on rows are streamed to disk; a reader must see no difference."""
    small = openpyxl.load_workbook(export("xlsx", out="small").files[0])
    monkeypatch.setattr(workbook, "STREAMED_CELLS", 0)
    large = openpyxl.load_workbook(export("xlsx", out="large").files[0])
    for sheet in small:
        assert _rows(large[sheet.title]) == _rows(sheet)


def test_too_many_rows_are_refused_in_words(
    shop: SmallShop, export: Export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows past the sheet's end would vanish without a word."""
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(SheetTooLongError, match=r"hold 2. Export a shorter period, or choose the format csv"):
        export("xlsx")
    assert list((tmp_path / "out").iterdir()) == []
    assert shop.warehouse.path.exists()


def test_period_without_orders_has_headers_only(export: Export) -> None:
    """An empty month is a workbook with empty sheets, not an error."""
    day = date(2026, 6, 1)
    book = openpyxl.load_workbook(export("xlsx", Period(day, day)).files[0])
    assert [sheet.title for sheet in book if sheet.max_row > 1] == ["Зведення"]


def test_every_sheet_is_printed_on_a4(export: Export) -> None:
    """As they came, the columns of an order were spread over several portrait pages."""
    for sheet in openpyxl.load_workbook(export("xlsx").files[0]):
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
        assert sheet.sheet_properties.pageSetUpPr is not None
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        # One page wide, which is the default of the format, and as many as needed in length.
        assert sheet.page_setup.fitToWidth in (None, 1)
        assert sheet.oddFooter.left.text == "demo · 01.03.2026 – 31.03.2026"
        assert str(sheet.oddFooter.center.text).startswith("&A")
        assert sheet.oddFooter.right.text == "Сторінка &P з &N"
        if sheet.title != "Зведення":
            assert sheet.print_title_rows == "$1:$1"
            assert sheet.page_setup.fitToHeight == 0


def test_paper_says_which_columns_it_leaves_out(export: Export) -> None:
    """All 27 columns of an order on one page could not be read; what is missing is told at the foot."""
    sheet = openpyxl.load_workbook(export("xlsx").files[0])["Замовлення"]
    assert sheet.print_area == "'Замовлення'!$A$1:$U$7"
    assert sheet["U1"].value == "Спосіб оплати"
    assert sheet.oddFooter.center.text == "&A (до стовпця «Спосіб оплати»)"


def test_mapped_columns_are_all_printed(export: Export) -> None:
    """Whoever chose the columns wants them."""
    columns = {"orders": {"delivery_address": "Адреса", "order_id": "№"}}
    sheet = openpyxl.load_workbook(export("xlsx", columns=columns).files[0])["Замовлення"]
    assert not sheet.print_area
