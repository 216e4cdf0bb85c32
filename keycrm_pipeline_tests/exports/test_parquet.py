"""Parquet files, read back by DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import duckdb

from keycrm_pipeline_tests.exports.small_shop import FORMULA_NAME, TOTALS, Export


def test_types_are_exact(export: Export) -> None:
    """A program gets decimals and moments, not texts and binary floats."""
    file = next(file for file in export("parquet").files if file.name.endswith("_orders.parquet"))
    with duckdb.connect() as connection:
        rows = connection.execute(
            'SELECT "Номер", "Сума документа", "Дата", "Контрагент" FROM read_parquet(?) ORDER BY 1',
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
    assert types["Сума документа"] == "DECIMAL(18,2)"
    assert types["Дата"] == "TIMESTAMP WITH TIME ZONE"


def test_column_map_names_the_columns(export: Export) -> None:
    """The names are those of the column map, so a form fitted once fits every format."""
    file = next(
        file
        for file in export("parquet", columns={"products": {"sku": "sku", "is_new": "new"}}).files
        if file.name.endswith("_products.parquet")
    )
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT sku, new FROM read_parquet(?)", [str(file)]).fetchall()
    assert rows == [("0012", True), (None, True), (None, True), ("-5", False)]
