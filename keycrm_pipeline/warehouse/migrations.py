"""Creates the tables and views of a profile's file, and brings an older file up to date in place.

Whether a file is up to date is decided by a digest of everything that this program defines: all tables and their
comments (see `schemas`), and the views of schemas `raw` and `reports`. When the file has another digest, it gets every
table and column that it lacks, the comments, and the views, in one transaction. Tables and columns that this program
does not know stay as they are.

An older program that opens the file of a newer one with the same SCHEMA_VERSION therefore damages nothing: it restores
its own views and comments, and the newer program replaces them again the next time. At worst DuckDB refuses its rows,
when a column that it does not know requires a value.

The digest does not change existing data. A change of a column's type, nullability or primary key, a removed table or
column, and every change of rows needs a number: raise SCHEMA_VERSION and add the statements to MIGRATIONS. A program
refuses files with a higher number than its own.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import duckdb

from keycrm_pipeline.period import contiguous_periods
from keycrm_pipeline.schemas import TABLES, Column, Table
from keycrm_pipeline.schemas.accounting import RECONCILIATION
from keycrm_pipeline.schemas.ops import EXPORTED_CARDS, EXTRACTION_PAGES
from keycrm_pipeline.schemas.raw import REFERENCE_LISTS, REFERENCE_VIEW_COMMENTS
from keycrm_pipeline.warehouse.engines.engine import FILE, Engine, engine_of
from keycrm_pipeline.warehouse.errors import DatabaseNewerError
from keycrm_pipeline.warehouse.report_views import COLUMN_COMMENTS, create_report_views, view_statements
from keycrm_pipeline.warehouse.statements import quoted_text, statement

_log = logging.getLogger(__name__)

SCHEMA_VERSION = 6
"""Number of the newest migration. A new table, column or view needs no number."""


def _restart_unfinished_listings(connection: duckdb.DuckDBPyConnection) -> None:
    """Their pages are forgotten, which costs their requests again: the table has a new key."""
    connection.execute("DROP TABLE ops.extraction_pages")
    for command in (_create_table_statement(EXTRACTION_PAGES), *_comment_statements(EXTRACTION_PAGES)):
        connection.execute(command)


def _tell_exported_cards_by_organisation(connection: duckdb.DuckDBPyConnection) -> None:
    """The cards exported so far were those of all organisations together: the table has a new key."""
    connection.execute(statement("migrations", "keep_exported_cards"))
    connection.execute("DROP TABLE ops.exported_cards")
    for command in (_create_table_statement(EXPORTED_CARDS), *_comment_statements(EXPORTED_CARDS)):
        connection.execute(command)
    connection.execute(statement("migrations", "return_exported_cards"))


def _keep_fetched_days_only(connection: duckdb.DuckDBPyConnection) -> None:
    """Days that were marked as loaded without a request to KeyCRM no longer count as loaded; the others are fetched.

    Materializing one stage for a day that was never fetched used to mark the day (R1).
    """
    forgotten = connection.execute(statement("migrations", "forget_days_never_fetched")).fetchall()
    if forgotten:
        _log.warning(
            "An earlier version marked these days as loaded although their orders were never fetched from KeyCRM: %s. "
            "They no longer count as loaded; load them.",
            ", ".join(map(str, contiguous_periods(day for (day,) in forgotten))),
        )
    connection.execute(statement("migrations", "record_fetched_days"))


MIGRATIONS: Mapping[int, Sequence[str | Callable[[duckdb.DuckDBPyConnection], None]]] = {
    3: (
        "ALTER TABLE ops.exchanges DROP COLUMN IF EXISTS steps_pending",
        *(
            f"ALTER TABLE validated.order_lines ALTER COLUMN {column} TYPE DECIMAL(19,9)"
            for column in ("quantity", "price", "price_sold")
        ),
        _restart_unfinished_listings,
        _keep_fetched_days_only,
    ),
    4: (
        statement("migrations", "skus_of_sold_items"),
        statement("migrations", "shared_skus_so_far"),
        statement("migrations", "collapsed_sku_keys"),
        statement("migrations", "collapse_product_skus"),
        statement("migrations", "collapse_variant_skus"),
    ),
    5: (_tell_exported_cards_by_organisation,),
    6: (
        statement("migrations", "shipments_of_validated_orders"),
        statement("migrations", "shipments_of_documents"),
    ),
}
"""Number -> the steps that bring a file from the number before to this one, once; new files do not need them.

They run after missing tables and columns were added and before the views are created, in the same transaction. Within
one number, put ALTER statements before statements that change rows: DuckDB refuses to alter a table whose rows were
changed in the same transaction. A renamed column is a new column that a migration fills from the old one; the old one
stays for those who read it.
"""

_SCHEMAS = ("raw", "validated", "accounting", "ops", "reports")

_DERIVED_SCHEMAS = ("validated", "accounting")
_MADE_ANEW = (RECONCILIATION,)
"""Tables of derived schemas that follow a newer program without a rebuild."""

_COMPRESSION = {
    ("raw", table, "payload"): " USING COMPRESSION zstd" for table in ("orders", "order_versions")
}
"""Payloads resemble each other: zstd makes the file ten times smaller and writing three times faster (measured)."""


def _column_definition(table: Table, column: Column, engine: Engine) -> str:
    compression = (
        _COMPRESSION.get((table.schema, table.name, column.name), "") if engine.holds_compression else ""
    )
    required = "" if column.nullable else " NOT NULL"
    return f'"{column.name}" {column.type}{compression}{required}'


def _create_table_statement(table: Table, engine: Engine = FILE) -> str:
    columns = ", ".join(_column_definition(table, column, engine) for column in table.columns)
    key = ", ".join(f'"{name}"' for name in table.primary_key)
    index = f", PRIMARY KEY ({key})" if table.has_index and engine.holds_keys else ""
    return f"CREATE TABLE IF NOT EXISTS {table.qualified_name} ({columns}{index})"


def _comment_statements(table: Table) -> list[str]:
    return [
        f"COMMENT ON TABLE {table.qualified_name} IS {quoted_text(table.comment)}",
        *(
            f'COMMENT ON COLUMN {table.qualified_name}."{column.name}" IS {quoted_text(column.comment)}'
            for column in table.columns
        ),
    ]


def _reference_view_statements(engine: Engine = FILE) -> list[str]:
    """Statements that show each of KeyCRM's reference lists as a view of its own: `raw.statuses` and so on."""
    view = statement("raw", "reference_view")
    commands: list[str] = []
    for list_name, id_column in REFERENCE_LISTS.items():
        comments = {}
        if engine.comments_on_view_columns:
            comments = {id_column: "KeyCRM's id.", **REFERENCE_VIEW_COMMENTS}
        commands += [
            view.format(list_name=list_name, id_column=id_column),
            f"COMMENT ON VIEW raw.{list_name} IS {quoted_text(f'KeyCRM list {list_name}, as last fetched.')}",
            *(
                f"COMMENT ON COLUMN raw.{list_name}.{column} IS {quoted_text(comment)}"
                for column, comment in comments.items()
            ),
        ]
    return commands


@cache
def schema_digest(timezone: str) -> str:
    """Digest of every table, column, comment and view that this program defines (measured: 1 ms, once per process)."""
    tables = [
        command
        for table in TABLES
        for command in (_create_table_statement(table), *_comment_statements(table))
    ]
    comments = [f"{column}: {comment}" for column, comment in COLUMN_COMMENTS.items()]
    definition = "\n".join(
        (*_SCHEMAS, *tables, *_reference_view_statements(), *view_statements(timezone), *comments)
    )
    return sha256(definition.encode()).hexdigest()


def _recorded(connection: duckdb.DuckDBPyConnection) -> tuple[int, str | None]:
    """Number and digest recorded in the open file: 0 when it has no tables yet, None when it is from before digests."""
    try:
        answer = connection.execute(statement("migrations", "newest_version"))
    except duckdb.CatalogException:
        return 0, None
    # All of them: a row that is left would keep the transaction open.
    rows = answer.fetchall()
    if not rows:
        return 0, None
    values = dict(zip((column[0] for column in answer.description), rows[0], strict=True))
    return values["version"], values.get("digest")


def is_up_to_date(connection: duckdb.DuckDBPyConnection, path: Path, timezone: str) -> bool:
    """Whether the open file has everything that this program defines, with one query.

    Args:
        connection: The open file.
        path: Where it is.
        timezone: IANA name of the profile's zone, which the views have in them.

    Raises:
        DatabaseNewerError: The file was written by a newer program.
    """
    version, digest = _recorded(connection)
    if version > SCHEMA_VERSION:
        raise DatabaseNewerError(path, version, SCHEMA_VERSION)
    return (version, digest) == (SCHEMA_VERSION, schema_digest(timezone))


def has_tables(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether tables were ever made in the open database; they all were then, in one transaction."""
    version, _ = _recorded(connection)
    return version > 0


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, timezone: str) -> None:
    """Brings the open file up to date in one transaction; writes nothing if it already is.

    The arguments are those of `is_up_to_date`.

    Raises:
        DatabaseNewerError: The file was written by a newer program.
    """
    if is_up_to_date(connection, path, timezone):
        return
    version, _ = _recorded(connection)
    engine = engine_of(connection)
    connection.execute("BEGIN")
    try:
        for schema in _SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        key = "PRIMARY KEY" if engine.holds_keys else "NOT NULL"
        connection.execute(statement("migrations", "create_version_table").format(key=key))
        _complete_tables(connection, engine)
        if version > 0:
            for number in range(version + 1, SCHEMA_VERSION + 1):
                for step in MIGRATIONS.get(number, ()):
                    if isinstance(step, str):
                        connection.execute(step)
                    else:
                        step(connection)
        for command in _reference_view_statements(engine):
            connection.execute(command)
        create_report_views(connection, engine, timezone)
        connection.execute(
            statement("migrations", "record_version"),
            {"version": SCHEMA_VERSION, "digest": schema_digest(timezone)},
        )
        connection.execute("COMMIT")
    except BaseException:
        # A refused COMMIT has already ended the transaction; the ROLLBACK must not hide the reason.
        with contextlib.suppress(duckdb.TransactionException):
            connection.execute("ROLLBACK")
        raise


def _complete_tables(connection: duckdb.DuckDBPyConnection, engine: Engine) -> None:
    """Adds what the file lacks; columns of derived tables that have rows are told until a rebuild has filled them."""
    unfilled: list[str] = []
    for table in TABLES:
        connection.execute(_create_table_statement(table, engine))
        existing = {
            row[0]
            for row in connection.execute(
                statement("migrations", "columns_of"), [table.schema, table.name]
            ).fetchall()
        }
        for column in table.columns:
            if column.name not in existing:
                if (
                    table.schema in _DERIVED_SCHEMAS
                    and table not in _MADE_ANEW
                    and _has_rows(connection, table)
                ):
                    unfilled.append(f"{table.qualified_name}.{column.name}")
                # DuckDB cannot add a NOT NULL column to a table; `Table.checked` still demands a value.
                connection.execute(
                    f'ALTER TABLE {table.qualified_name} ADD COLUMN "{column.name}" {column.type}'
                )
        for command in _comment_statements(table):
            connection.execute(command)
    for name in unfilled:
        connection.execute(statement("rebuild_due", "record_column"), {"column_name": name})


def _has_rows(connection: duckdb.DuckDBPyConnection, table: Table) -> bool:
    return connection.execute(f"SELECT 1 FROM {table.qualified_name} LIMIT 1").fetchone() is not None  # noqa: S608
