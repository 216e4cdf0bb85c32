"""Keeps a lake small: forgets old snapshots, merges small files, and removes those that nothing needs any more.

Each transaction leaves a snapshot and, for every table that it wrote, a file; without this a lake would grow with the
number of loads. Callers decide when, and hold the lock: it then is the only writer. Readers are not disturbed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.errors import LakeChangedError
from keycrm_pipeline.warehouse.statements import single_row, statement

KEPT_DAYS = 7
"""How long a snapshot, and with it every earlier state of the books, can still be read."""

SHELVED_DAYS = 1
"""How long a file that no snapshot needs stays: a reader may have begun before it was replaced."""


@dataclass(frozen=True)
class Maintained:
    """What a maintenance has done.

    Attributes:
        snapshots: How many snapshots were forgotten.
        files: How many data files the tables had fewer.
        removed: How many files were removed.
    """

    snapshots: int
    files: int
    removed: int

    @property
    def has_done_something(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.snapshots or self.files or self.removed)


def maintain(connection: duckdb.DuckDBPyConnection, profile: str) -> Maintained:
    """Maintains the lake that the connection writes into.

    The rows of all tables are counted before and after. If a count differs, everything is undone and no file removed.

    Args:
        connection: A writing connection outside of a transaction; the lake is attached as `warehouse`.
        profile: The profile, for the error.

    Raises:
        LakeChangedError: The number of rows of a table would have changed.
    """
    with transaction(connection):
        rows, files = _rows(connection), _files(connection)
        expired = connection.execute(statement("maintenance", "expire"), [KEPT_DAYS]).fetchall()
        connection.execute(statement("maintenance", "rewrite"))
        connection.execute(statement("maintenance", "merge"))
        changed = sorted(table for table, count in _rows(connection).items() if rows[table] != count)
        if changed:
            raise LakeChangedError(profile, changed)
    removed = connection.execute(statement("maintenance", "remove"), [SHELVED_DAYS]).fetchall()
    return Maintained(snapshots=len(expired), files=max(0, files - _files(connection)), removed=len(removed))


def _rows(connection: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Table -> how many rows it has now."""
    counts = {}
    for schema, table in connection.execute(statement("maintenance", "tables")).fetchall():
        name = f"{schema}.{table}"
        (counts[name],) = single_row(
            connection.execute(statement("maintenance", "rows").format(table=f'"{schema}"."{table}"'))
        )
    return counts


def _files(connection: duckdb.DuckDBPyConnection) -> int:
    (files,) = single_row(connection.execute(statement("maintenance", "files")))
    return int(files)
