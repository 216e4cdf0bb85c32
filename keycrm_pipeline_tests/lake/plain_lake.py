"""A lake with one table, as DuckDB itself writes it: what lock, fence and maintenance are tried on.

Also a program, `python -m keycrm_pipeline_tests.lake.plain_lake <catalog> <data> <schema> <run>`: a writer of its own,
who takes the lock and then does what each line of its standard input says, and answers each with a line.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb_extensions import import_extension

from keycrm_pipeline.warehouse.engines import catalog_lock
from keycrm_pipeline.warehouse.engines.catalog_lock import Hold
from keycrm_pipeline.warehouse.errors import WarehouseError


@dataclass(frozen=True)
class PlainLake:
    """A lake of a test.

    Attributes:
        catalog: What libpq needs to connect to its catalogue.
        data: The directory of its files.
        schema: The schema of its catalogue.
    """

    catalog: str
    data: Path
    schema: str = "shop"

    @contextlib.contextmanager
    def attached(self, hold: Hold | None, *, words: str | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that writes with a number, or only reads without one.

        Args:
            hold: The lock that is held; None to read.
            words: What libpq gets besides the catalogue, instead of what the product adds; for writing.
        """
        read_only = ", READ_ONLY" if hold is None and words is None else ""
        words = catalog_lock.connection_options(hold) if words is None else words
        source = f"ducklake:postgres:{self.catalog} {words}".replace("'", "''")
        with contextlib.closing(duckdb.connect()) as connection:
            for name in ("ducklake", "postgres_scanner"):
                import_extension(name, con=connection)
                connection.execute(f"LOAD {name}")
            connection.execute(
                f"ATTACH '{source}' AS warehouse (DATA_PATH '{self.data}/', METADATA_SCHEMA '{self.schema}', "
                f"DATA_INLINING_ROW_LIMIT 0{read_only})"
            )
            connection.execute("USE warehouse")
            yield connection

    def create(self) -> None:
        """Makes the lake with its fence and one table, `sales`."""
        with catalog_lock.held(self, "create") as hold, self.attached(hold) as connection:
            catalog_lock.install_fence(self)
            connection.execute("CREATE TABLE sales (sale_id INTEGER, amount DECIMAL(18, 2))")

    def sales(self) -> list[tuple[int, int]]:
        """The sales as a reader sees them, in order: number and whole amount."""
        with self.attached(None) as connection:
            return connection.execute("SELECT sale_id, amount::INTEGER FROM sales ORDER BY ALL").fetchall()

    def writer(self, run_id: str, *wrapped_in: str) -> Writer:
        """Starts a writer in a process of its own; it waits for the lock at once."""
        return Writer(
            subprocess.Popen(
                [*wrapped_in, sys.executable, "-m", __name__, self.catalog, self.data, self.schema, run_id],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )


@dataclass(frozen=True)
class Writer:
    """A writer in a process of its own."""

    process: subprocess.Popen[str]

    def answer(self) -> str:
        """The next line that it has written; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, sql: str) -> None:
        """Tells it what to do, without waiting for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{sql}\n")
        self.process.stdin.flush()

    def do(self, sql: str) -> str:
        """Tells it what to do, and returns its answer."""
        self.tell(sql)
        return self.answer()

    def __enter__(self) -> Writer:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it, however it fares."""
        self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate()


def _obey(lake: PlainLake, run_id: str) -> None:
    with catalog_lock.held(lake, run_id) as hold, lake.attached(hold) as connection:
        print("held", flush=True)
        for line in sys.stdin:
            try:
                connection.execute(line)
                print("done", flush=True)
            except duckdb.Error as error:
                told = catalog_lock.refusal(error, lake, hold)
                print(f"{type(told or error).__name__}: {told or error}".replace("\n", " "), flush=True)
                with contextlib.suppress(duckdb.Error):
                    connection.execute("ROLLBACK")


if __name__ == "__main__":
    try:
        _obey(PlainLake(sys.argv[1], Path(sys.argv[2]), sys.argv[3]), sys.argv[4])
    except WarehouseError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
