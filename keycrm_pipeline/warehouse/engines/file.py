"""Opens a DuckDB file, and says how a new one is made."""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb

STORAGE_VERSION = "v1.5.0"
"""Format of new files: every DuckDB since 1.5 reads it, and strings are compressed (the default format is that of 1.0).
"""

BLOCK_SIZE = 65_536
"""Bytes, for new files: one with DuckDB's default of 262,144 keeps it until it is copied. Each column that is written
takes a whole block of memory (measured with 36,000 orders: a quarter less file and a tenth less memory)."""

ROW_GROUP_SIZE = 16_384
"""Rows that DuckDB stores, compresses and assigns to a thread together. Smaller than its default of 122,880: a day's
orders are a small part of a file, and both cores share a batch of them (measured: half the time of a load)."""


def quoted(path: Path | str) -> str:
    """A path as it is written between quotes in SQL; ATTACH takes no parameter."""
    return str(path).replace("'", "''")


def attach_file(instance: duckdb.DuckDBPyConnection, path: Path, alias: str, spill_directory: Path) -> None:
    """Attaches the file for writing to an empty DuckDB instance; a missing file is created."""
    # As an option of ATTACH, it would make DuckDB refuse a file with another block size.
    instance.execute(f"SET default_block_size = {BLOCK_SIZE}")
    # Personal data too: what does not fit in memory goes next to the file, not into the working directory.
    instance.execute("SET temp_directory = ?", [str(spill_directory)])
    # The row group size can only be set here, and applies only as long as the file is attached with it.
    instance.execute(
        f"ATTACH '{quoted(path)}' AS {alias} "
        f"(ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}')"
    )
    _remove_left_over(spill_directory)


def _remove_left_over(directory: Path) -> None:
    """Removes what a killed process had spilled; DuckDB itself does so only after it has spilled something again.

    To be called only just after the file was opened for writing: no other process then uses the directory.
    """
    with contextlib.suppress(OSError):
        for file in directory.glob("duckdb_temp_*"):
            file.unlink()
        directory.rmdir()
