"""Writes a table as Parquet for programs: decimals, times with their zone, text exactly as in the books.

What is not here: escaping text for spreadsheets; no program takes a Parquet value for a formula.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from keycrm_pipeline.export_tables import ExportTable, Kind


def write_parquet(path: Path, table: ExportTable, frame: pl.DataFrame, *, timezone: str) -> None:
    """Writes one table as Parquet; without a column map of its own, under the columns' technical names."""
    frame.select(
        (
            pl.col(column.name).dt.convert_time_zone(timezone)
            if column.kind is Kind.INSTANT
            else pl.col(column.name)
        ).alias(column.header if table.is_mapped else column.name)
        for column in table.columns
    ).write_parquet(path, compression="zstd", statistics=True)
