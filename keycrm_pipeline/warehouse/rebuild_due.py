"""What only a rebuild brings into documents that are booked already: changed settings, and columns of a newer program.

What is not here: which columns those are (`migrations`), and what a digest is made of (`profile.document_settings`).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from keycrm_pipeline.warehouse.statements import statement


def derived_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Setting -> its digest at the last rebuild, or when the first documents were derived; empty before that."""
    return dict(connection.execute(statement("rebuild_due", "settings")).fetchall())


def unfilled_columns(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """Columns that a newer program has added, and that rows from before have empty: `accounting.orders.tags`."""
    return tuple(name for (name,) in connection.execute(statement("rebuild_due", "columns")).fetchall())


def record_first_settings(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, str]) -> None:
    """Records the settings of an exchange that derives the first documents; those are kept until a rebuild."""
    if (
        not derived_settings(connection)
        or not connection.execute(statement("rebuild_due", "any_document")).fetchone()
    ):
        _record(connection, settings)


def record_rebuild(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, str]) -> None:
    """Records that all documents were derived with these settings, and that every column is filled."""
    _record(connection, settings)
    connection.execute(statement("rebuild_due", "forget_columns"))


def _record(connection: duckdb.DuckDBPyConnection, settings: Mapping[str, str]) -> None:
    connection.execute(statement("rebuild_due", "forget_settings"))
    connection.execute(
        statement("rebuild_due", "record_settings"),
        {"settings": list(settings), "digests": list(settings.values())},
    )
