"""Frees the space that changed rows leave in a profile's file, by copying the current rows into a new file.

DuckDB writes a changed row to a new place and, in a table with a primary key, never reuses the old one: a file whose
orders keep changing would grow without bound. A copy is as small as a file after its first load. Callers decide when
to compact, and hold the lock.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.warehouse.connection import MEMORY_LIMIT, Warehouse, for_the_owner_only
from keycrm_pipeline.warehouse.engines.file import BLOCK_SIZE, ROW_GROUP_SIZE, STORAGE_VERSION, quoted
from keycrm_pipeline.warehouse.errors import CompactionError
from keycrm_pipeline.warehouse.statements import single_row, statement

WASTED_SHARE = 0.2
"""A file is compacted when this share of it holds no current rows: when it is 1.25 times as large as necessary."""

LEAST_WASTED_BYTES = 1_000_000
"""Less than this is never worth compacting."""

_SUFFIX = ".compact"


@dataclass(frozen=True)
class Usage:
    """How the space in a file is used.

    Attributes:
        total_bytes: Size of the file.
        wasted_bytes: What a copy would not contain: free blocks, and the share of deleted rows in the others.
    """

    total_bytes: int
    wasted_bytes: int

    @property
    def is_worth_compacting(self) -> bool:
        """Whether a copy would free enough."""
        return self.wasted_bytes >= max(LEAST_WASTED_BYTES, WASTED_SHARE * self.total_bytes)


@dataclass(frozen=True)
class Compacted:
    """A file that was compacted: its size before and after, in bytes."""

    before_bytes: int
    after_bytes: int


def usage(connection: duckdb.DuckDBPyConnection) -> Usage:
    """How large the open file is, and how much of it no current row needs.

    Takes some hundredths of a second even for a million orders: rows are counted from DuckDB's own statistics, and a
    deleted row is assumed to be as large as the others.
    """
    block_size, total_blocks, free_blocks = single_row(connection.execute(statement("compaction", "blocks")))
    stored = current = 0
    for schema, table, rows in connection.execute(statement("compaction", "stored_rows")).fetchall():
        stored += rows
        current += _current_rows(connection, f'"{schema}"."{table}"')
    deleted_share = 1 - current / stored if stored else 0.0
    wasted_blocks = free_blocks + (total_blocks - free_blocks) * deleted_share
    return Usage(total_bytes=total_blocks * block_size, wasted_bytes=int(wasted_blocks * block_size))


def _current_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (rows,) = single_row(connection.execute(statement("compaction", "current_rows").format(table=table)))
    return int(rows)


def remove_killed_copy(warehouse: Warehouse) -> None:
    """Removes the copy that a killed process left; the caller must hold the profile's lock."""
    path = warehouse.path.resolve()
    with contextlib.suppress(OSError):
        _remove(path.with_name(path.name + _SUFFIX))


def compact_when_grown(warehouse: Warehouse) -> Compacted | None:
    """Compacts the file when that frees enough; None when it does not.

    Raises:
        WarehouseError: The file is busy or unreadable, or could not be copied; it is unchanged.
    """
    with warehouse.reading() as connection:
        is_due = usage(connection).is_worth_compacting
    return compact(warehouse) if is_due else None


def compact(warehouse: Warehouse) -> Compacted:
    """Copies the current rows of the file into a new one and replaces the file with it.

    Killed at any moment it leaves the old file or the new one, intact. The caller must hold the profile's lock and no
    connection to the file. Programs that only read may continue: they see the old file until they close it.

    Raises:
        WarehouseError: The file is busy or unreadable, or could not be copied; it is unchanged.
    """
    path = warehouse.path.resolve()
    copy = path.with_name(path.name + _SUFFIX)
    with warehouse.writing() as connection:
        # Once the file is replaced, a write-ahead log of the old one could not be used any more.
        connection.execute("CHECKPOINT")
    before = path.stat().st_size
    try:
        _remove(copy)
        if shutil.disk_usage(path.parent).free < before:
            raise CompactionError(path, Cause.NO_ROOM_FOR_COPY.message(megabytes=round(before / 1e6)))
        with _copying(path, copy) as connection:
            _copy(connection, path)
            shutil.copymode(path, copy)
            _write_through(copy)
            # The old file stays open, which keeps writers out, until the new one is in its place.
            copy.replace(path)
            _write_through(path.parent)
    except (duckdb.Error, OSError) as error:
        raise CompactionError(path, Cause.CAUSE_IN_WORDS.message(text=type(error).__name__)) from None
    finally:
        with contextlib.suppress(OSError):
            _remove(copy)
    return Compacted(before_bytes=before, after_bytes=path.stat().st_size)


@contextlib.contextmanager
def _copying(path: Path, copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to both files, `grown` being read-only; from its first byte only its owner can read the copy."""
    with for_the_owner_only(), contextlib.closing(duckdb.connect()) as connection:
        connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])
        connection.execute("SET temp_directory = ?", [str(_spilled(copy))])
        connection.execute(f"ATTACH '{quoted(path)}' AS grown (READ_ONLY)")
        connection.execute(
            f"ATTACH '{quoted(copy)}' AS compacted "
            f"(BLOCK_SIZE {BLOCK_SIZE}, ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}')"
        )
        yield connection


def _copy(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    if path.with_name(path.name + ".wal").exists():
        raise CompactionError(path, Cause.WRITTEN_MEANWHILE.message())
    connection.execute(statement("compaction", "copy"))
    for schema, table in connection.execute(statement("compaction", "tables")).fetchall():
        name = f'"{schema}"."{table}"'
        if _current_rows(connection, f"grown.{name}") != _current_rows(connection, f"compacted.{name}"):
            raise CompactionError(path, Cause.COPY_DIFFERS.message(table=name))
    connection.execute(statement("compaction", "close_copy"))


def _write_through(path: Path) -> None:
    """Returns once the file, or the names in the directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(copy: Path) -> None:
    """Removes what a killed copy left behind."""
    for name in (copy.name, f"{copy.name}.wal"):
        copy.with_name(name).unlink(missing_ok=True)
    shutil.rmtree(_spilled(copy), ignore_errors=True)


def _spilled(copy: Path) -> Path:
    """Where DuckDB temporarily puts what does not fit in memory."""
    return copy.with_name(f"{copy.name}.tmp")
