"""Gives back the room that changed rows leave in a profile's file, by copying what lives into a new file.

DuckDB writes a changed row anew and, in a table with a primary key, never uses the place of the old one again: a file
whose orders keep changing would grow without bound. What is copied into a new file is as small as after a first load.
When that is due, and under whose lock, is said by the callers.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from keycrm_pipeline.warehouse.connection import (
    BLOCK_SIZE,
    MEMORY_LIMIT,
    ROW_GROUP_SIZE,
    STORAGE_VERSION,
    Warehouse,
    for_the_owner_only,
    quoted,
)
from keycrm_pipeline.warehouse.errors import CompactionError
from keycrm_pipeline.warehouse.statements import single_row, statement

WASTED_SHARE = 0.2
"""A copy is made when this share of a file holds no living rows: when it is 1.25 x as long as it needs to be."""

LEAST_WASTED_BYTES = 1_000_000
"""Less than this is never worth a copy."""

_SUFFIX = ".compact"


@dataclass(frozen=True)
class Room:
    """How large a file is.

    Attributes:
        total_bytes: All of it.
        wasted_bytes: What a copy would not have: free blocks, and the share of dead rows in the others.
    """

    total_bytes: int
    wasted_bytes: int

    @property
    def is_worth_a_copy(self) -> bool:
        """Whether enough would be given back."""
        return self.wasted_bytes >= max(LEAST_WASTED_BYTES, WASTED_SHARE * self.total_bytes)


@dataclass(frozen=True)
class Compacted:
    """A file that was made smaller: its bytes before and after."""

    before_bytes: int
    after_bytes: int


def room(connection: duckdb.DuckDBPyConnection) -> Room:
    """How much of the open file is taken, and how much of that no living row needs.

    Takes some hundredths of a second also for a million orders: rows are counted from what DuckDB notes of them, and
    a dead row is taken to be as large as the others.
    """
    block_size, total_blocks, free_blocks = single_row(connection.execute(statement("compaction", "blocks")))
    stored = living = 0
    for schema, table, rows in connection.execute(statement("compaction", "stored_rows")).fetchall():
        stored += rows
        living += _living_rows(connection, f'"{schema}"."{table}"')
    dead_share = 1 - living / stored if stored else 0.0
    wasted_blocks = free_blocks + (total_blocks - free_blocks) * dead_share
    return Room(total_bytes=total_blocks * block_size, wasted_bytes=int(wasted_blocks * block_size))


def _living_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (rows,) = single_row(connection.execute(statement("compaction", "living_rows").format(table=table)))
    return int(rows)


def compact_when_grown(warehouse: Warehouse) -> Compacted | None:
    """Makes the file smaller when that gives back enough; None when it does not.

    Raises:
        WarehouseError: The file is busy or unreadable, or could not be copied; it stays as it is.
    """
    with warehouse.reading() as connection:
        is_due = room(connection).is_worth_a_copy
    return compact(warehouse) if is_due else None


def compact(warehouse: Warehouse) -> Compacted:
    """Copies what lives in the file into a new one and puts that in its place.

    Killed at any moment it leaves the old file or the new one, each whole. The caller holds the profile's lock and no
    connection to the file. Programs that only read may go on: they see the old file until they close it.

    Raises:
        WarehouseError: The file is busy or unreadable, or could not be copied; it stays as it is.
    """
    path = warehouse.path.resolve()
    copy = path.with_name(path.name + _SUFFIX)
    with warehouse.writing() as connection:
        # What stands in the write-ahead log would not be found again beside another file.
        connection.execute("CHECKPOINT")
    before = path.stat().st_size
    try:
        _remove(copy)
        if shutil.disk_usage(path.parent).free < before:
            raise CompactionError(path, f"the disk has no {before / 1e6:,.0f} MB for a copy of it")
        with _copying(path, copy) as connection:
            _copy(connection, path)
            shutil.copymode(path, copy)
            _write_through(copy)
            # The old file is open, and so closed to every writer, until the new one has its name for good.
            copy.replace(path)
            _write_through(path.parent)
    except (duckdb.Error, OSError) as error:
        raise CompactionError(path, type(error).__name__) from None
    finally:
        with contextlib.suppress(OSError):
            _remove(copy)
    return Compacted(before_bytes=before, after_bytes=path.stat().st_size)


@contextlib.contextmanager
def _copying(path: Path, copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to both files, `grown` for reading; the copy is its owner's alone from the first byte on."""
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
        raise CompactionError(path, "another program wrote to it at the same moment")
    connection.execute(statement("compaction", "copy"))
    for schema, table in connection.execute(statement("compaction", "tables")).fetchall():
        name = f'"{schema}"."{table}"'
        if _living_rows(connection, f"grown.{name}") != _living_rows(connection, f"compacted.{name}"):
            raise CompactionError(path, f"the copy of {name} has another number of rows")
    connection.execute(statement("compaction", "close_copy"))


def _write_through(path: Path) -> None:
    """Returns when the file, or the names in the directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(copy: Path) -> None:
    """Removes what a killed copy left."""
    for name in (copy.name, f"{copy.name}.wal"):
        copy.with_name(name).unlink(missing_ok=True)
    shutil.rmtree(_spilled(copy), ignore_errors=True)


def _spilled(copy: Path) -> Path:
    """Where DuckDB puts for a moment what has no place in memory."""
    return copy.with_name(f"{copy.name}.tmp")
