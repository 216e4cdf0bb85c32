"""Writes the tables as one XLSX workbook, one sheet each: real numbers, real local dates, text that stays text.

What is not here: the choice of rows and columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from keycrm_pipeline.exports.columns import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports.errors import SheetTooLongError
from keycrm_pipeline.exports.texts import clean_column, looks_like_formula, shortened

MOST_ROWS = 1_048_576
"""Rows of a sheet, including the header; the limit of the format."""

MOST_CHARACTERS = 32_767
"""Characters of a cell; the limit of the format. A longer comment is cut and ends with an ellipsis."""

STREAMED_CELLS = 2_000_000
"""From this size on, rows go to disk while they are written. Below it, strings are shared between cells, which more
XLSX readers understand than inline strings."""

_WIDEST = 60
_NARROWEST = 8
_FILTER_BUTTON = 4
"""Width of the filter button, in characters."""

_CellWriter = Callable[[Worksheet, int, int, Any], None]


def _formats(workbook: xlsxwriter.Workbook) -> dict[str, Format]:
    return {
        "header": workbook.add_format({"bold": True, "bottom": 1, "text_wrap": False, "valign": "vcenter"}),
        "code": workbook.add_format({"num_format": "@"}),
        # Excel's own text prefix: the cell shows the text, and editing it does not make it a formula.
        "formula_text": workbook.add_format({"quote_prefix": True}),
        "money": workbook.add_format({"num_format": "#,##0.00"}),
        "day": workbook.add_format({"num_format": "dd.mm.yyyy"}),
        "instant": workbook.add_format({"num_format": "dd.mm.yyyy hh:mm"}),
    }


def _text_writer(plain: Format | None, formula_text: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: str) -> None:
        cell_format = formula_text if plain is None and looks_like_formula(value) else plain
        sheet.write_string(row, column, shortened(value, MOST_CHARACTERS), cell_format)

    return write


def _number_writer(cell_format: Format | None) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: Any) -> None:
        # A Decimal is written digit by digit and never becomes a binary float here.
        sheet.write_number(row, column, value, cell_format)

    return write


def _moment_writer(cell_format: Format) -> _CellWriter:
    def write(sheet: Worksheet, row: int, column: int, value: datetime | date) -> None:
        sheet.write_datetime(row, column, value, cell_format)

    return write


def _flag(sheet: Worksheet, row: int, column: int, value: bool) -> None:
    sheet.write_string(row, column, "так" if value else "ні")


def _writer(column: ExportColumn, formats: dict[str, Format]) -> _CellWriter:
    match column.kind:
        case Kind.TEXT:
            return _text_writer(None, formats["formula_text"])
        case Kind.CODE:
            return _text_writer(formats["code"], formats["formula_text"])
        case Kind.INTEGER | Kind.QUANTITY:
            return _number_writer(None)
        case Kind.MONEY:
            return _number_writer(formats["money"])
        case Kind.DAY:
            return _moment_writer(formats["day"])
        case Kind.INSTANT:
            return _moment_writer(formats["instant"])
        case Kind.FLAG:
            return _flag


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


def _widths(table: ExportTable, cells: pl.DataFrame) -> list[int]:
    longest = cells.select(pl.all().cast(pl.String).str.len_chars().max()).row(0)
    fixed = {Kind.DAY: 10, Kind.INSTANT: 16}
    return [
        min(
            _WIDEST,
            max(_NARROWEST, len(column.header) + _FILTER_BUTTON, fixed.get(column.kind, content or 0) + 1),
        )
        for column, content in zip(table.columns, longest, strict=True)
    ]


def _write_sheet(
    workbook: xlsxwriter.Workbook,
    formats: dict[str, Format],
    table: ExportTable,
    cells: pl.DataFrame,
) -> None:
    sheet = workbook.add_worksheet(table.title)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, cells.height, len(table.columns) - 1)
    for position, width in enumerate(_widths(table, cells)):
        sheet.set_column(position, position, width)
    for position, column in enumerate(table.columns):
        sheet.write_string(0, position, column.header, formats["header"])
    writers = [_writer(column, formats) for column in table.columns]
    for row_number, row in enumerate(cells.iter_rows(), start=1):
        for position, value in enumerate(row):
            if value is not None:
                writers[position](sheet, row_number, position, value)


def write_workbook(
    path: Path,
    tables: Sequence[ExportTable],
    frames: dict[str, pl.DataFrame],
    *,
    timezone: str,
    created: datetime,
) -> None:
    """Writes one workbook with a sheet per table: bold frozen headers, a filter, fitting widths.

    Args:
        path: The file to create.
        tables: Tables with their columns and headers, in the order of the sheets.
        frames: Table -> rows, in order.
        timezone: IANA zone in which times are shown.
        created: The creation date in the file; fixed, so that the same rows give the same bytes.

    Raises:
        SheetTooLongError: A table has more rows than a sheet can hold.
    """
    for table in tables:
        if frames[table.name].height >= MOST_ROWS:
            raise SheetTooLongError(table.name, frames[table.name].height, MOST_ROWS - 1)
    cells = {table.name: _local_cells(table, frames[table.name], timezone) for table in tables}
    workbook = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": sum(frame.height * frame.width for frame in cells.values()) > STREAMED_CELLS,
            "tmpdir": str(path.parent),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    workbook.set_properties({"created": created})
    formats = _formats(workbook)
    for table in tables:
        _write_sheet(workbook, formats, table, cells[table.name])
    workbook.close()
