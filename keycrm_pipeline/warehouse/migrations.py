"""Creates a profile's tables, and brings an older file up to this version in place.

A new file is made from `schemas`. An older one gets, in one transaction: every table and column that `schemas` has
and the file has not, then the numbered steps it lacks, and the views of schemas `raw` and `reports`. A newer one is
refused. The order is DuckDB's: within a transaction it takes changed rows after a changed table, not before. So a
column that gets another name is a new one, filled by a step from the old, which stays for those who read it.
Comments are written anew whenever the version moves, so they always say what `schemas` says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from keycrm_pipeline.schemas import TABLES, Column, Table
from keycrm_pipeline.schemas.raw import REFERENCE_LISTS, REFERENCE_VIEW_COMMENTS
from keycrm_pipeline.warehouse.errors import DatabaseNewerError
from keycrm_pipeline.warehouse.reports import create_report_views
from keycrm_pipeline.warehouse.statements import statement

SCHEMA_VERSION = 2
"""Version of the tables that this program writes. Raise it with every change of `schemas` or of the views."""

MIGRATIONS: Mapping[int, Sequence[str]] = {}
"""Statements that bring a file of version key - 1 to version key, for what is not just a new table or column."""

_SCHEMAS = ("raw", "validated", "accounting", "ops", "reports")
_COMPRESSION = {("raw", "orders", "payload"): " USING COMPRESSION zstd"}
"""Payloads repeat each other: zstd makes the file ten times smaller and writing three times quicker (measured)."""


def _quoted_text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _column_definition(table: Table, column: Column) -> str:
    compression = _COMPRESSION.get((table.schema, table.name, column.name), "")
    required = "" if column.nullable else " NOT NULL"
    return f'"{column.name}" {column.type}{compression}{required}'


def create_table_statement(table: Table) -> str:
    """The statement that creates a table when it is not there."""
    columns = ", ".join(_column_definition(table, column) for column in table.columns)
    key = ", ".join(f'"{name}"' for name in table.primary_key)
    return f"CREATE TABLE IF NOT EXISTS {table.qualified_name} ({columns}, PRIMARY KEY ({key}))"


def _comment_statements(table: Table) -> list[str]:
    return [
        f"COMMENT ON TABLE {table.qualified_name} IS {_quoted_text(table.comment)}",
        *(
            f'COMMENT ON COLUMN {table.qualified_name}."{column.name}" IS {_quoted_text(column.comment)}'
            for column in table.columns
        ),
    ]


def file_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the open file; 0 when it holds no tables of ours."""
    known = connection.execute(statement("migrations", "has_version_table")).fetchone()
    if known is None:
        return 0
    row = connection.execute(statement("migrations", "version")).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


def migrate(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Sequence[str]] = MIGRATIONS,
) -> None:
    """Brings the open file to `version`; does nothing when it is there.

    Raises:
        DatabaseNewerError: The file was written by a newer program.
    """
    found = file_version(connection)
    if found == version:
        return
    if found > version:
        raise DatabaseNewerError(path, found, version)
    connection.execute("BEGIN")
    try:
        for schema in _SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        if found == 0:
            connection.execute(statement("migrations", "create_version_table"))
            connection.execute(statement("migrations", "describe_version_table"))
        _complete_tables(connection)
        if found > 0:
            for step in range(found + 1, version + 1):
                for command in migrations.get(step, ()):
                    connection.execute(command)
        _create_reference_views(connection)
        create_report_views(connection)
        connection.execute(statement("migrations", "record_version"), [version])
        connection.execute("COMMIT")
    except BaseException:
        # A COMMIT that is refused has ended the transaction already; the reason must not be hidden by that.
        with contextlib.suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK")
        raise


def _complete_tables(connection: duckdb.DuckDBPyConnection) -> None:
    for table in TABLES:
        connection.execute(create_table_statement(table))
        existing = {
            row[0]
            for row in connection.execute(
                statement("migrations", "columns_of"), [table.schema, table.name]
            ).fetchall()
        }
        for column in table.columns:
            if column.name not in existing:
                # DuckDB adds no NOT NULL column to a table that has rows; the schema check still demands a value.
                connection.execute(
                    f'ALTER TABLE {table.qualified_name} ADD COLUMN "{column.name}" {column.type}'
                )
        for command in _comment_statements(table):
            connection.execute(command)


def _create_reference_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Shows each reference list of KeyCRM as a table of its own, `raw.statuses` and so on."""
    view = statement("raw", "reference_view")
    for list_name, id_column in REFERENCE_LISTS.items():
        connection.execute(view.format(list_name=list_name, id_column=id_column))
        comments = {id_column: "KeyCRM's id.", **REFERENCE_VIEW_COMMENTS}
        connection.execute(
            f"COMMENT ON VIEW raw.{list_name} IS {_quoted_text(f'KeyCRM list {list_name}, as fetched last.')}"
        )
        for column, comment in comments.items():
            connection.execute(f"COMMENT ON COLUMN raw.{list_name}.{column} IS {_quoted_text(comment)}")
