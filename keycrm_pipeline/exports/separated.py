"""Writes a table as CSV that Excel with Ukrainian settings opens with a double click.

UTF-8 with BOM, `;` between fields, CRLF line ends, a decimal comma, days as 2026-03-01 and times as
2026-03-01 14:05:00 in the profile's time zone. With a decimal point, Excel with Ukrainian settings would read 12.05
as the 12th of May.

What is not here: CSV for Odoo (`odoo`), which is read by a program and not by Excel.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports.texts import clean_column, harmless_column, harmless_text


def _with_comma(decimal: pl.Expr) -> pl.Expr:
    return decimal.cast(pl.String).str.replace(".", ",", literal=True)


def _cell(column: ExportColumn, timezone: str) -> pl.Expr:
    value = pl.col(column.name)
    match column.kind:
        case Kind.TEXT | Kind.CODE:
            return harmless_column(clean_column(column.name))
        case Kind.MONEY | Kind.PRICE:
            return _with_comma(value)
        case Kind.QUANTITY:
            # `2,000` pieces would be read as two thousand.
            return _with_comma(value).str.strip_chars_end("0").str.strip_chars_end(",")
        case Kind.DAY:
            return value.dt.to_string("%Y-%m-%d")
        case Kind.INSTANT:
            return value.dt.convert_time_zone(timezone).dt.to_string("%Y-%m-%d %H:%M:%S")
        case Kind.FLAG:
            return pl.when(value).then(pl.lit("так")).otherwise(pl.lit("ні"))
        case Kind.INTEGER:
            return value.cast(pl.String)


def write_separated(path: Path, table: ExportTable, frame: pl.DataFrame, *, timezone: str) -> None:
    """Writes one table as CSV."""
    frame.select(
        _cell(column, timezone).alias(f"column_{position}") for position, column in enumerate(table.columns)
    ).rename(
        {f"column_{position}": harmless_text(column.header) for position, column in enumerate(table.columns)}
    ).write_csv(path, include_bom=True, separator=";", line_terminator="\r\n", null_value="")
