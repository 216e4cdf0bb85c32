"""DuckDB stays between two pieces of work; nothing of the one is in the other, and no file stays open for it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.warehouse.connection import Warehouse, beside, transaction

OTHER_PROGRAM = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as connection:
    print(connection.execute("SELECT text FROM ops.note").fetchall())
"""


def _warehouse(directory: Path, name: str = "shop") -> Warehouse:
    return Warehouse(directory / f"{name}.duckdb", "Europe/Kyiv", wait_seconds=0)


def test_the_file_is_free_after_each_piece_of_work(tmp_path: Path) -> None:
    """Another program may write to it while this one goes on living, and finds all in the file, no log beside it."""
    warehouse = _warehouse(tmp_path)
    for number in range(3):
        with warehouse.writing() as connection:
            connection.execute("CREATE OR REPLACE TABLE ops.note AS SELECT ? AS text", [f"note {number}"])
        assert not Path(f"{warehouse.path}.wal").exists()
        found = subprocess.run(
            [sys.executable, "-c", OTHER_PROGRAM, str(warehouse.path)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert found.stdout == f"[('note {number}',)]\n"


def test_nothing_of_one_piece_of_work_is_in_the_next(tmp_path: Path) -> None:
    """Temporary tables, those in `staging`, a transaction that was not ended, the other shop's rows: all are gone."""
    with _warehouse(tmp_path, "one").writing() as connection:
        connection.execute("CREATE TABLE ops.note AS SELECT 'one' AS text")
        connection.execute("CREATE TEMP TABLE found AS SELECT 1 AS number")
        connection.execute("CREATE TABLE staging.found AS SELECT 1 AS number")
        connection.execute("SET TimeZone = 'Europe/Kyiv'")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM ops.note")
    with _warehouse(tmp_path, "two").writing() as connection:
        for name in ("found", "staging.found", "ops.note"):
            with pytest.raises(duckdb.CatalogException):
                connection.table(name)
        assert connection.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
        with transaction(connection):
            pass
    with _warehouse(tmp_path, "one").reading() as connection:
        assert connection.execute("SELECT text FROM ops.note").fetchall() == [("one",)]


def test_several_files_at_the_same_time(tmp_path: Path) -> None:
    """More profiles at once than are kept at rest: each has its own."""

    def work(number: int) -> list[tuple[int]]:
        warehouse = _warehouse(tmp_path, f"shop{number}")
        for _ in range(3):
            with warehouse.writing() as connection:
                connection.execute(f"CREATE OR REPLACE TABLE ops.note AS SELECT {number} AS number")
        with warehouse.writing() as connection:
            return connection.execute("SELECT number FROM ops.note").fetchall()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(8))) == [[(number,)] for number in range(8)]


def test_work_that_fails_leaves_a_working_duckdb(tmp_path: Path) -> None:
    """Also in the middle of a transaction of a second connection."""
    warehouse = _warehouse(tmp_path)

    def work() -> None:
        with warehouse.writing() as connection, beside(connection) as further:
            further.execute("BEGIN")
            further.execute("CREATE TABLE ops.note AS SELECT 1 AS number")
            raise RuntimeError("stopped")

    for _ in range(3):
        with pytest.raises(RuntimeError, match="stopped"):
            work()
    with warehouse.writing() as connection:
        assert connection.execute(
            "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'note'"
        ).fetchall() == [(0,)]
