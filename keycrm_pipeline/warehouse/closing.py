"""Closes connections to DuckDB, whatever interrupts: a file that is left open cannot be opened again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import duckdb

from keycrm_pipeline.stopping import undisturbed


@contextlib.contextmanager
def closed_at_the_end() -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """Connections that are closed at the end, however that comes: a file left open could not be opened again."""
    opened: list[duckdb.DuckDBPyConnection] = []
    try:
        yield opened
        close_all(opened)
    finally:
        # Again, because an interruption may have come in the middle of closing; closing twice does no harm.
        close_all(opened)


def close_all(connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
    """Closes connections, the first one first."""
    for connection in connections:
        close(connection)


def close(connection: duckdb.DuckDBPyConnection) -> None:
    """Closes a connection, and with it the file.

    A query that Ctrl-C interrupted would keep the file open as long as the process lives; the next query ends it.
    """
    with undisturbed():
        with contextlib.suppress(duckdb.Error):
            connection.execute("SELECT 1")
        connection.close()
