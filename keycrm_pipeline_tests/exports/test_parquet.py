"""Parquet files, read back by DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from keycrm_pipeline.exports import ExportResult
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline_tests.exports.small_shop import FORMULA_NAME, TOTALS, Export


def test_types_are_exact(export: Export) -> None:
    """A program gets decimals and moments, not texts and binary floats."""
    file = next(file for file in export("parquet").files if file.name.endswith("_orders.parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT order_id, grand_total, ordered_at, partner_name FROM read_parquet(?) ORDER BY 1",
            [str(file)],
        ).fetchall()
        types = dict(
            connection.execute(
                "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet(?))", [str(file)]
            ).fetchall()
        )
    assert {row[0]: row[1] for row in rows} == TOTALS
    assert isinstance(rows[0][1], Decimal)
    assert rows[0][2].astimezone(UTC) == datetime(2026, 2, 28, 22, 15, tzinfo=UTC)
    # Nothing takes a Parquet value for a formula, so it is handed over as it is.
    assert rows[1][3] == FORMULA_NAME
    assert types["grand_total"] == "DECIMAL(18,2)"
    assert types["ordered_at"] == "TIMESTAMP WITH TIME ZONE"


def _columns(result: ExportResult, table: str) -> list[str]:
    (file,) = [file for file in result.files if file.name.endswith(f"_{table}.parquet")]
    with duckdb.connect() as connection:
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
    return [row[0] for row in described]


def test_columns_have_their_technical_names(export: Export) -> None:
    """A program is written against `order_id`, and a header reworded for people must not break it."""
    result = export("parquet")
    # The shop compares nothing with a bank.
    for table in (table for table in chosen_tables({}) if table.name != "reconciliation"):
        assert _columns(result, table.name) == [column.name for column in table.columns]


def test_column_map_names_the_columns(export: Export) -> None:
    """The names of a mapped table are those of the map, so a form fitted once fits every format."""
    result = export("parquet", columns={"products": {"sku": "Артикул товару", "is_new": "new"}})
    assert _columns(result, "products") == ["Артикул товару", "new"]
    assert _columns(result, "partners")[0] == "partner_id"
    file = next(file for file in result.files if file.name.endswith("_products.parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute("FROM read_parquet(?)", [str(file)]).fetchall()
    assert rows == [("0012", True), (None, True), (None, True), ("-5", False)]
