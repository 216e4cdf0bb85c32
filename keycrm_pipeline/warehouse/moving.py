"""Copies all books of a profile from one database to another, empty one: from a file to a lake, or back.

All of it is one transaction of the new database, which is compared with the old one before it is committed. The old one
is only read. Callers hold both locks.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from keycrm_pipeline.warehouse.connection import Warehouse, transaction
from keycrm_pipeline.warehouse.engines.file import quoted
from keycrm_pipeline.warehouse.engines.lake import attach_lake
from keycrm_pipeline.warehouse.errors import BooksDifferError, BooksInTheWayError
from keycrm_pipeline.warehouse.statements import single_row, statement

_OLD = "moved"
"""Name of the old database in SQL."""


@dataclass(frozen=True)
class Copied:
    """What was copied: tables with rows, and all of their rows."""

    tables: int
    rows: int


def copy_books(old: Warehouse, new: Warehouse) -> Copied:
    """Copies every table; views and comments are made anew by the migrations.

    Args:
        old: The database with the books.
        new: Where they are to be: a database that is missing or has no rows.

    Raises:
        BooksInTheWayError: The new database has books already.
        BooksDifferError: A table differs after it was copied; the new database has no rows then.
        WarehouseError: One of them cannot be used.
    """
    # Brings the old one up to date, so that both have the same tables.
    with old.reading():
        pass
    with new.writing() as connection:
        if single_row(connection.execute(statement("moving", "exchanges")))[0]:
            raise BooksInTheWayError(new.name)
        _attach(connection, old)
        copied = Copied(0, 0)
        with transaction(connection):
            for schema, table in connection.execute(statement("moving", "tables"), [_OLD]).fetchall():
                rows = _copy(connection, f'"{schema}"."{table}"')
                copied = Copied(copied.tables + (rows > 0), copied.rows + rows)
        return copied


def _attach(connection: duckdb.DuckDBPyConnection, old: Warehouse) -> None:
    if old.lake is None:
        connection.execute(f"ATTACH '{quoted(old.path)}' AS {_OLD} (READ_ONLY)")
    else:
        attach_lake(connection, old.lake, _OLD, None)


def _copy(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Copies one table, and returns the number of its rows."""
    known = {
        name: [row[:2] for row in connection.execute(f"DESCRIBE {name}").fetchall()]
        for name in _existing(connection, table)
    }
    old, new = f"{_OLD}.{table}", table
    if new not in known:
        # Tables and columns of the user's own come along.
        connection.execute(statement("moving", "create").format(new=new, old=old))
        known[new] = known[old]
    for name, column_type in known[old]:
        if name not in dict(known[new]):
            connection.execute(f'ALTER TABLE {new} ADD COLUMN "{name}" {column_type}')
    columns = ", ".join(f'"{name}"' for name, _type in known[old])
    names = [name for name, _type in known[old]]
    order = "ORDER BY order_day, order_id" if {"order_day", "order_id"} <= {*names} else ""
    connection.execute(f"DELETE FROM {new}")  # noqa: S608 - a name of the database's own catalogue
    connection.execute(statement("moving", "copy").format(new=new, old=old, columns=columns, order=order))
    counted = [
        single_row(connection.execute(statement("moving", "digest").format(table=name, columns=columns)))
        for name in (old, new)
    ]
    if counted[0] != counted[1]:
        raise BooksDifferError(table)
    return int(counted[0][0])


def _existing(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    schema, _, name = table.replace('"', "").partition(".")
    found = connection.execute(statement("moving", "exists"), [schema, name]).fetchall()
    return [f"{_OLD}.{table}", *([table] if found else [])]
