"""Reads the stored copies of KeyCRM's reference lists; no column is built for it, so polars is not loaded.

What is not here: storing them (`raw`).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.warehouse.statements import statement

if TYPE_CHECKING:
    import duckdb


def reference_rows(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int, str]]:
    """List name, row id and JSON text of every row that the newest lists contain, by list and id."""
    return connection.execute(statement("raw", "reference_rows")).fetchall()


def reference_lists_refreshed_at(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """When each reference list was read last."""
    return dict(connection.execute(statement("raw", "reference_refreshed_at")).fetchall())
