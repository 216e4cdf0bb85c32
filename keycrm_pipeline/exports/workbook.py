"""Writes one XLSX workbook, one sheet per table: real numbers, real local dates, text that stays text.

What is not here: the choice of rows and columns (`columns`), the words of the summary (`overview`), the formulas of
totals (`totals`), and how sheets fit on paper (`layout`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports.errors import SheetTooLongError
from keycrm_pipeline.exports.layout import height_of, layout_of, set_up_page
from keycrm_pipeline.exports.overview import (
    OVERVIEW_TEXTS,
    OVERVIEW_TITLE,
    OVERVIEW_WIDTHS,
    REVIEW_TABLE,
    Overview,
    OverviewRow,
    overview_rows,
)
from keycrm_pipeline.exports.texts import (
    clean_column,
    looks_like_formula,
    shortened,
    without_control_characters,
)
from keycrm_pipeline.exports.totals import TotalRow, total_rows

MOST_ROWS = 1_048_576
"""Rows of a sheet, including the header; the limit of the format."""

MOST_CHARACTERS = 32_767
"""Characters of a cell; the limit of the format. A longer comment is cut and ends with an ellipsis."""

STREAMED_CELLS = 2_000_000
"""From this size on, rows go to disk while they are written. Below it, strings are shared between cells, which more
XLSX readers understand than inline strings."""

_TOTAL = "Разом"
_NUMBERS = (Kind.INTEGER, Kind.QUANTITY, Kind.MONEY, Kind.PRICE)
_ROWS_BEFORE_TOTALS = 1
"""An empty row keeps the totals out of what Excel filters and sorts with the rows above."""

_CellWriter = Callable[[Worksheet, int, int, Any], None]

_MONEY = {"num_format": "#,##0.00"}
# Apart from the number to the left.
_LEFT = {"align": "left", "indent": 1}
_STYLES: Mapping[str, Mapping[str, Any]] = {
    # The filter's button is at the bottom of the cell, below the words.
    "header": {"bold": True, "bottom": 1, "text_wrap": True, **_LEFT},
    "number_header": {"bold": True, "bottom": 1, "text_wrap": True, "align": "right"},
    "text": _LEFT,
    "wrapped": {"text_wrap": True, **_LEFT},
    # Excel's own text prefix: the cell shows the text, and editing it does not make it a formula.
    "text_formula": {"quote_prefix": True, **_LEFT},
    "wrapped_formula": {"quote_prefix": True, "text_wrap": True, **_LEFT},
    "code": {"num_format": "@", **_LEFT},
    "number": {},
    "number_word": {"align": "right"},
    "money": _MONEY,
    "day": {"num_format": "dd.mm.yyyy", **_LEFT},
    "instant": {"num_format": "dd.mm.yyyy hh:mm", **_LEFT},
    "total": {"bold": True, **_LEFT},
    "total_money": {"bold": True, **_MONEY},
}


def _formats(workbook: xlsxwriter.Workbook) -> dict[str, Format]:
    return {name: workbook.add_format({"valign": "top", **style}) for name, style in _STYLES.items()}


def _text_writer(plain: Format, formula_text: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: str) -> None:
        cell_format = formula_text if looks_like_formula(value) else plain
        sheet.write_string(row, column, shortened(value, MOST_CHARACTERS), cell_format)

    return write


def _number_writer(cell_format: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
        # A Decimal is written digit by digit and never becomes a binary float here.
        sheet.write_number(row, column, value, cell_format)

    return write


def _moment_writer(cell_format: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: datetime | date) -> None:
        sheet.write_datetime(row, column, value, cell_format)

    return write


def _flag_writer(cell_format: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: bool) -> None:
        sheet.write_string(row, column, "так" if value else "ні", cell_format)

    return write


def _writer(column: ExportColumn, is_wrapped: bool, formats: Mapping[str, Format]) -> _CellWriter:
    match column.kind:
        case Kind.TEXT:
            style = "wrapped" if is_wrapped else "text"
            return _text_writer(formats[style], formats[f"{style}_formula"])
        case Kind.CODE:
            # A cell that Excel knows as text never becomes a formula.
            return _text_writer(formats["code"], formats["code"])
        case Kind.INTEGER | Kind.QUANTITY:
            return _number_writer(formats["number"])
        case Kind.MONEY | Kind.PRICE:
            return _number_writer(formats["money"])
        case Kind.DAY:
            return _moment_writer(formats["day"])
        case Kind.INSTANT:
            return _moment_writer(formats["instant"])
        case Kind.FLAG:
            return _flag_writer(formats["text"])


def _local_cells(table: ExportTable, frame: pl.DataFrame, timezone: str) -> pl.DataFrame:
    cells: list[pl.Expr] = []
    for position, column in enumerate(table.columns):
        match column.kind:
            case Kind.TEXT | Kind.CODE:
                cell = clean_column(column.name)
            case Kind.INSTANT:
                cell = (
                    pl.col(column.name)
                    .dt.convert_time_zone(timezone)
                    .dt.replace_time_zone(None)
                    .dt.truncate("1s")
                )
            case _:
                cell = pl.col(column.name)
        cells.append(cell.alias(f"column_{position}"))
    return frame.select(cells)


def _write_table(
    workbook: xlsxwriter.Workbook,
    formats: Mapping[str, Format],
    table: ExportTable,
    cells: pl.DataFrame,
    totals: Sequence[TotalRow],
    foot: str,
) -> None:
    sheet = workbook.add_worksheet(table.title)
    note = ""
    if table.printed_columns < len(table.columns):
        note = f" (до стовпця «{table.columns[table.printed_columns - 1].header}»)"
        last_row = cells.height + (_ROWS_BEFORE_TOTALS + len(totals) if totals else 0)
        sheet.print_area(0, 0, last_row, table.printed_columns - 1)
    set_up_page(sheet, foot, note)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, cells.height, len(table.columns) - 1)
    layout = layout_of(table, cells, totals)
    for position, width in enumerate(layout.widths):
        sheet.set_column(position, position, width)
    sheet.set_row(0, layout.header_height)
    for position, column in enumerate(table.columns):
        header_format = formats["number_header" if column.kind in _NUMBERS else "header"]
        sheet.write_string(0, position, column.header, header_format)
    writers = [
        _writer(column, position in layout.wrapped, formats) for position, column in enumerate(table.columns)
    ]
    for row_number, row in enumerate(cells.iter_rows(), start=1):
        if layout.row_heights:
            sheet.set_row(row_number, layout.row_heights[row_number - 1])
        for position, value in enumerate(row):
            if value is not None:
                writers[position](sheet, row_number, position, value)
    for row_number, total_row in enumerate(totals, start=cells.height + 1 + _ROWS_BEFORE_TOTALS):
        _write_total(sheet, row_number, total_row, formats)


def _write_total(sheet: Worksheet, row: int, total_row: TotalRow, formats: Mapping[str, Format]) -> None:
    sheet.write_string(row, 0, _TOTAL, formats["total"])
    for position in sorted(total_row.values.keys() | total_row.totals.keys()):
        total = total_row.totals.get(position)
        if total is None:
            sheet.write_string(row, position, total_row.values[position], formats["total"])
        else:
            sheet.write_formula(row, position, total.formula, formats["total_money"], total.amount)


def _write_summary(
    workbook: xlsxwriter.Workbook,
    formats: Mapping[str, Format],
    title: str,
    rows: Sequence[OverviewRow],
    foot: str,
) -> None:
    sheet = workbook.add_worksheet(title)
    set_up_page(sheet, foot)
    for position, width in enumerate(OVERVIEW_WIDTHS):
        sheet.set_column(position, position, width)
    # On one page: figures that are compared with each other.
    sheet.fit_to_pages(1, 1)
    write_text = _text_writer(formats["wrapped"], formats["wrapped_formula"])
    for row_number, row in enumerate(rows):
        sheet.set_row(row_number, height_of(row.cells, OVERVIEW_WIDTHS))
        for position, value in enumerate(row.cells):
            is_words = position < OVERVIEW_TEXTS
            match value:
                case str() if row.is_heading:
                    heading = formats["header" if is_words else "number_header"]
                    sheet.write_string(row_number, position, value, heading)
                case str() if is_words:
                    write_text(sheet, row_number, position, without_control_characters(value))
                case str():
                    sheet.write_string(row_number, position, value, formats["number_word"])
                case int():
                    sheet.write_number(row_number, position, value, formats["number"])
                case Decimal():
                    sheet.write_number(row_number, position, value, formats["money"])
                case datetime():
                    sheet.write_datetime(row_number, position, value, formats["instant"])


def _workbook(target: Path | BytesIO, day: date, **options: Any) -> xlsxwriter.Workbook:
    """A new workbook, dated by a day, so that the same rows give the same bytes."""
    workbook = xlsxwriter.Workbook(
        target if isinstance(target, BytesIO) else str(target),
        {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, **options},
    )
    workbook.set_properties({"created": datetime.combine(day, time())})
    return workbook


def _checked_totals(
    tables: Sequence[ExportTable], frames: Mapping[str, pl.DataFrame]
) -> dict[str, list[TotalRow]]:
    """The totals under each sheet.

    Raises:
        SheetTooLongError: A table has more rows than a sheet can hold.
    """
    totals = {table.name: total_rows(table, frames[table.name]) for table in tables}
    for table in tables:
        under = len(totals[table.name]) + _ROWS_BEFORE_TOTALS if totals[table.name] else 0
        most = MOST_ROWS - 1 - under
        if frames[table.name].height > most:
            raise SheetTooLongError(table.name, frames[table.name].height, most)
    return totals


def write_sheets(
    target: Path | BytesIO,
    tables: Sequence[ExportTable],
    frames: Mapping[str, pl.DataFrame],
    *,
    foot: str,
    day: date,
    timezone: str,
    summary: tuple[str, Sequence[OverviewRow]] | None = None,
) -> None:
    """Writes one workbook for people: a sheet with totals for each table, after a summary if there is one.

    Args:
        target: The file to create, or where its bytes go.
        tables: Tables with their columns and headers, in the order of the sheets.
        frames: Table -> rows, in order.
        foot: What stands at the foot of each printed page.
        day: The day by which the workbook is dated.
        timezone: IANA zone in which times are shown.
        summary: Name and rows of the first sheet.

    Raises:
        SheetTooLongError: A table has more rows than a sheet can hold.
    """
    totals = _checked_totals(tables, frames)
    workbook = _workbook(target, day, in_memory=isinstance(target, BytesIO))
    formats = _formats(workbook)
    if summary is not None:
        _write_summary(workbook, formats, *summary, foot)
    for table in tables:
        cells = _local_cells(table, frames[table.name], timezone)
        _write_table(workbook, formats, table, cells, totals[table.name], foot)
    workbook.close()


def write_workbook(
    path: Path,
    tables: Sequence[ExportTable],
    frames: Mapping[str, pl.DataFrame],
    overview: Overview,
    *,
    timezone: str,
) -> None:
    """Writes one workbook: a summary, a sheet per table, and the review list.

    Sheets have bold frozen headers, a filter and fitting widths, and are printed on A4 with their header on each page.
    Under them stand totals that follow the filter, except where the column map of the profile chose the columns: a
    program reads such a sheet. As programs read the first sheet, the summary then stands behind the tables.

    Args:
        path: The file to create.
        tables: Tables with their columns and headers, in the order of the sheets.
        frames: Table -> rows, in order.
        overview: The content of the summary and the review list. The workbook is dated by the last day of its period,
            so that the same rows give the same bytes.
        timezone: IANA zone in which times are shown.

    Raises:
        SheetTooLongError: A table has more rows than a sheet can hold.
    """
    sheets = [*tables, REVIEW_TABLE]
    frames = {**frames, REVIEW_TABLE.name: overview.review}
    totals = _checked_totals(sheets, frames)
    cells = {table.name: _local_cells(table, frames[table.name], timezone) for table in sheets}
    workbook = _workbook(
        path,
        overview.period.last,
        constant_memory=sum(frame.height * frame.width for frame in cells.values()) > STREAMED_CELLS,
        tmpdir=str(path.parent),
    )
    formats = _formats(workbook)
    counts = {table.title: frames[table.name].height for table in sheets}
    is_for_people = not any(table.is_mapped for table in tables)
    if is_for_people:
        _write_summary(workbook, formats, OVERVIEW_TITLE, overview_rows(overview, counts), overview.heading)
    for table in tables:
        _write_table(workbook, formats, table, cells[table.name], totals[table.name], overview.heading)
    if not is_for_people:
        _write_summary(workbook, formats, OVERVIEW_TITLE, overview_rows(overview, counts), overview.heading)
    _write_table(workbook, formats, REVIEW_TABLE, cells[REVIEW_TABLE.name], [], overview.heading)
    workbook.close()
