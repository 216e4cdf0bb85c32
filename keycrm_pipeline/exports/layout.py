"""How a sheet of the workbook looks on screen and on paper: widths of columns, height of the header, page setup.

What is not here: what stands in the cells (`workbook`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import polars as pl
from xlsxwriter.worksheet import Worksheet

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports.totals import TotalRow

_NARROWEST, _WIDEST = 8, 60
_NARROWEST_TEXT = 12
"""Of a text column that is made narrower to fit a sheet on paper."""

_WIDEST_PAGE = 240
"""Characters side by side that can still be read on A4, landscape: letters of about 7 points."""

_FIXED_WIDTHS = {Kind.DAY: 10, Kind.INSTANT: 16}
_SUMS = (Kind.MONEY, Kind.PRICE)

_LINE_HEIGHT, _HIGHEST = 15, 409
"""Points of a line, and of the highest row of the format; the header has a line more, for the buttons of the filter."""

_A4 = 9
_MARGIN, _FOOT_MARGIN = 0.4, 0.6
"""Inches at three sides, and below, where the foot stands."""


@dataclass(frozen=True)
class Layout:
    """Sizes of a sheet.

    Attributes:
        widths: Width of each column in characters.
        wrapped: Positions of the columns whose longer texts take several lines.
        header_height: Points.
        row_heights: Points of each row below the header; empty if all have one line.
    """

    widths: Sequence[int]
    wrapped: Set[int]
    header_height: int
    row_heights: Sequence[int]


def layout_of(table: ExportTable, cells: pl.DataFrame, totals: Iterable[TotalRow]) -> Layout:
    """Columns as wide as their contents; if these are too wide for paper, texts are wrapped.

    Args:
        table: The columns with their headers.
        cells: The rows, one column each.
        totals: The rows under them; a total is wider than what it adds up.
    """
    longest = list(cells.select(pl.all().cast(pl.String).str.len_chars().max().fill_null(0)).row(0))
    for row in totals:
        for position, total in row.totals.items():
            longest[position] = max(longest[position], len(str(total.amount)))
    needed = [
        max(_header_width(column), _content_width(column, content))
        for column, content in zip(table.columns, longest, strict=True)
    ]
    widths = [min(_WIDEST, width) for width in needed]
    printed = range(table.printed_columns)
    if sum(widths[position] for position in printed) > _WIDEST_PAGE:
        for position in printed:
            if table.columns[position].kind is Kind.TEXT:
                narrow = max(_NARROWEST_TEXT, widths[position] // 2, _header_width(table.columns[position]))
                widths[position] = min(widths[position], narrow)
    wrapped = frozenset(position for position in printed if widths[position] < needed[position])
    header_lines = (
        len(textwrap.wrap(column.header, width - 1))
        for column, width in zip(table.columns, widths, strict=True)
    )
    return Layout(
        widths,
        wrapped,
        _LINE_HEIGHT * (max(header_lines, default=1) + 1),
        _row_heights(cells, {position: widths[position] for position in wrapped}),
    )


def _header_width(column: ExportColumn) -> int:
    """Of its longest word, in bold letters."""
    return max(_NARROWEST, *(len(word) + 2 for word in column.header.split()))


def _content_width(column: ExportColumn, longest: int) -> int:
    if column.kind in _SUMS:
        # 1234567.00 is shown as 1 234 567,00.
        longest += longest // 4
    return _FIXED_WIDTHS.get(column.kind, longest) + 2


def _row_heights(cells: pl.DataFrame, wrapped: Mapping[int, int]) -> list[int]:
    """Points of each row; LibreOffice does not find them when it opens a file that names none.

    Args:
        cells: The rows.
        wrapped: Position of a wrapped column -> its width in characters.
    """
    if not wrapped:
        return []
    heights = cells.select(
        pl.max_horizontal(
            pl.lit(_LINE_HEIGHT), *(_heights(cells.to_series(at), width) for at, width in wrapped.items())
        )
    )
    return heights.to_series().to_list()


def _heights(texts: pl.Series, width: int) -> pl.Expr:
    # Most texts of such a column are the same few.
    known = {text: _height(text, width) for text in texts.drop_nulls().unique().to_list()}
    return pl.lit(texts.replace_strict(known, default=None, return_dtype=pl.Int64))


def height_of(row: Sequence[object], widths: Sequence[int]) -> int:
    """Points of a row whose texts are wrapped in columns of that many characters."""
    heights = [_height(value, widths[at]) for at, value in enumerate(row) if isinstance(value, str)]
    return max(heights, default=_LINE_HEIGHT)


def _height(text: str, width: int) -> int:
    lines = sum(max(1, len(textwrap.wrap(line, width - 2))) for line in text.split("\n"))
    return min(_HIGHEST, _LINE_HEIGHT * lines)


def set_up_page(sheet: Worksheet, foot: str, note: str = "") -> None:
    """A4, landscape, as wide as the page; at its foot stand `foot`, the sheet's name with a note, and the page."""
    sheet.set_paper(_A4)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=_MARGIN, right=_MARGIN, top=_MARGIN, bottom=_FOOT_MARGIN)
    # `&` begins a command, such as the number of the page.
    left, after = foot.replace("&", "&&"), note.replace("&", "&&")
    sheet.set_footer(f"&L{left}&C&A{after}&RСторінка &P з &N")
