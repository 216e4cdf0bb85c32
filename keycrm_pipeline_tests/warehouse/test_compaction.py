"""A file whose orders keep changing: how large it gets, what a copy keeps, and what a kill in the middle leaves."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keycrm_pipeline.warehouse.compaction import compact, compact_when_grown, usage
from keycrm_pipeline.warehouse.connection import Warehouse, transaction
from keycrm_pipeline.warehouse.errors import CompactionError, DatabaseBusyError

ORDERS = 4_000

COMPACT_AND_DIE = """
import os, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse import compaction
from keycrm_pipeline.warehouse.connection import Warehouse

name, call = sys.argv[2], int(sys.argv[3])
original, calls = getattr(compaction, name), []

def die(*arguments):
    calls.append(arguments)
    if len(calls) == call:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)

setattr(compaction, name, die)
compaction.compact(Warehouse(Path(sys.argv[1]), "Europe/Kyiv"))
"""

COMPACT_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse.compaction import compact
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import CompactionError

# The closest to a full disk that needs no disk of its own: no file may grow beyond this.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    compact(Warehouse(Path(sys.argv[1]), "Europe/Kyiv"))
except CompactionError as error:
    print(error)
    sys.exit(7)
"""

READER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print("reading", flush=True)
sys.stdin.read()
print(connection.execute("SELECT count(*) FROM raw.orders").fetchone()[0], flush=True)
"""


def change(warehouse: Warehouse, number: int, first_order: int, orders: int) -> None:
    """Replaces orders of some kilobytes each, as a load does with changed orders."""
    with warehouse.writing() as connection, transaction(connection):
        numbers = {"first": first_order, "last": first_order + orders - 1}
        connection.execute("DELETE FROM raw.orders WHERE order_id BETWEEN $first AND $last", numbers)
        connection.execute(
            """
            INSERT INTO raw.orders BY NAME
            SELECT range AS order_id, DATE '2026-03-01' + (range // 300)::INTEGER AS order_day, now() AS extracted_at,
                '"' || array_to_string([md5((range * 100 + part + $number * 7919)::VARCHAR)
                    for part in generate_series(1, 60)], '') || '"' AS payload,
                md5((range + $number)::VARCHAR) AS payload_hash, 1 AS exchange_id
            FROM range($first, $last + 1)
            """,
            numbers | {"number": number},
        )


def contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, every key, comment and view."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        tables = connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
        ).fetchall()
        found = {
            f"{schema}.{table}": connection.execute(f"FROM {schema}.{table} ORDER BY ALL").fetchall()
            for schema, table in tables
        }
        for name, query in {
            "tables": "SELECT schema_name, table_name, comment, sql FROM duckdb_tables()",
            "columns": "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal",
            "views": "SELECT schema_name, view_name, comment, sql FROM duckdb_views() WHERE NOT internal",
            "keys": "SELECT schema_name, table_name, constraint_text FROM duckdb_constraints()",
        }.items():
            found[name] = connection.execute(f"{query} ORDER BY ALL").fetchall()
    return found


@contextmanager
def reader_of(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that reads the file."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "reading\n"
        yield program
        program.communicate(timeout=30)


@pytest.fixture(scope="module")
def grown_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file half of whose rows are deleted."""
    warehouse = Warehouse(tmp_path_factory.mktemp("grown") / "shop.duckdb", "Europe/Kyiv")
    for number in range(2):
        change(warehouse, number, 1, ORDERS)
    return warehouse.path.read_bytes()


@pytest.fixture
def grown(tmp_path: Path, grown_file: bytes) -> Warehouse:
    """A copy of that file with the permissions that the program gives it: owner only."""
    path = tmp_path / "shop's data.duckdb"
    path.write_bytes(grown_file)
    path.chmod(0o600)
    return Warehouse(path, "Europe/Kyiv", wait_seconds=0)


def test_file_stays_small_while_orders_keep_changing(tmp_path: Path) -> None:
    """A twentieth of the orders changes every day; every night the file is at most 1.3 times its first size."""
    untouched, cared_for = (
        Warehouse(tmp_path / name, "Europe/Kyiv") for name in ("untouched.duckdb", "shop.duckdb")
    )
    change(cared_for, 0, 1, ORDERS)
    first_size = cared_for.path.stat().st_size
    untouched.path.write_bytes(cared_for.path.read_bytes())
    twentieth = ORDERS // 20
    for night in range(5):
        for warehouse in (untouched, cared_for):
            change(warehouse, night + 1, 1 + night * twentieth, twentieth)
        compact_when_grown(cared_for)
        assert cared_for.path.stat().st_size <= 1.3 * first_size
    assert untouched.path.stat().st_size > 1.4 * first_size
    with cared_for.reading() as connection:
        assert connection.execute("SELECT count(*) FROM raw.orders").fetchone() == (ORDERS,)


def test_copy_keeps_everything_but_deleted_rows(grown: Warehouse) -> None:
    """Rows, keys, comments and views are unchanged, half of the file is freed, and no other file is left next to it."""
    before = contents(grown.path)
    with grown.reading() as connection:
        assert usage(connection).is_worth_compacting
    compacted = compact_when_grown(grown)
    assert compacted is not None
    assert compacted.after_bytes == grown.path.stat().st_size
    assert compacted.after_bytes < 0.6 * compacted.before_bytes
    assert contents(grown.path) == before
    assert len(before["keys"]) > 100
    assert [path.name for path in grown.path.parent.iterdir()] == [grown.path.name]
    with grown.reading() as connection:
        assert usage(connection).wasted_bytes < 0.1 * compacted.after_bytes
    assert compact_when_grown(grown) is None


def test_copy_can_be_written_to(grown: Warehouse) -> None:
    """The next load continues in the new file, whose keys still refuse a second row for an order."""
    compact(grown)
    change(grown, 9, 1, 10)
    with grown.writing() as connection:
        assert connection.execute("SELECT count(*) FROM raw.orders").fetchone() == (ORDERS,)
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("INSERT INTO raw.orders SELECT * FROM raw.orders LIMIT 1")


@pytest.mark.parametrize(
    ("function", "call", "is_small"),
    [
        # While rows are compared; when the copy is written but not renamed yet; when it has just been renamed.
        ("_current_rows", 1, False),
        ("_write_through", 1, False),
        ("_write_through", 2, True),
    ],
)
def test_kill_in_the_middle_loses_nothing(grown: Warehouse, function: str, call: int, is_small: bool) -> None:
    """Killed with -9, the program leaves the old file or the new one, intact; the next copy removes the leftovers."""
    before, size = contents(grown.path), grown.path.stat().st_size
    done = subprocess.run(
        [sys.executable, "-c", COMPACT_AND_DIE, str(grown.path), function, str(call)],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (grown.path.stat().st_size < 0.6 * size) is is_small
    assert contents(grown.path) == before
    compact(grown)
    assert contents(grown.path) == before
    assert [path.name for path in grown.path.parent.iterdir()] == [grown.path.name]


@pytest.mark.parametrize("mode", [0o600, 0o640])
def test_permissions_of_the_file_are_kept(grown: Warehouse, mode: int) -> None:
    """Owner only, or also the group of a BI tool when the owner granted it access."""
    grown.path.chmod(mode)
    compact(grown)
    assert stat.S_IMODE(grown.path.stat().st_mode) == mode


def test_symbolic_link_stays_a_link(grown: Warehouse, tmp_path: Path) -> None:
    """A data file on another disk, reached through a link, is compacted there."""
    link = tmp_path / "link.duckdb"
    link.symlink_to(grown.path)
    compact(Warehouse(link, "Europe/Kyiv"))
    assert link.is_symlink()
    with grown.reading() as connection:
        assert not usage(connection).is_worth_compacting


def test_program_that_reads_the_file_is_left_alone(grown: Warehouse) -> None:
    """A BI tool that has the file open keeps what it sees; the error names it, and the file is compacted later."""
    inode = grown.path.stat().st_ino
    with reader_of(grown.path) as program, pytest.raises(DatabaseBusyError, match=f"PID {program.pid}"):
        compact(grown)
    assert grown.path.stat().st_ino == inode


def test_full_disk_is_reported_and_loses_nothing(grown: Warehouse) -> None:
    """The file is unchanged, and half a copy does not take up the last space."""
    before = contents(grown.path)
    done = subprocess.run(
        [sys.executable, "-c", COMPACT_ON_A_FULL_DISK, str(grown.path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert "Nothing was lost and the file was not changed" in done.stdout
    assert contents(grown.path) == before
    assert [path.name for path in grown.path.parent.iterdir()] == [grown.path.name]


def test_disk_without_room_for_a_copy_is_not_filled(
    grown: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy that cannot be finished is not started."""
    disk = os.statvfs(grown.path.parent)
    monkeypatch.setattr(
        "keycrm_pipeline.warehouse.compaction.shutil.disk_usage",
        lambda _path: type("Usage", (), {"free": 4096, "total": disk.f_blocks})(),
    )
    with pytest.raises(CompactionError, match=r"has no \d+ MB free for a copy"):
        compact(grown)


def test_file_that_did_not_grow_is_left_alone(tmp_path: Path) -> None:
    """After a first load there is nothing to free."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    change(warehouse, 0, 1, ORDERS)
    inode = warehouse.path.stat().st_ino
    assert compact_when_grown(warehouse) is None
    assert warehouse.path.stat().st_ino == inode


def test_older_file_is_opened_as_it_is_and_its_copy_has_small_blocks(tmp_path: Path) -> None:
    """A file with DuckDB's default block size keeps working, and takes less space once it was copied."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{warehouse.path}' AS old (BLOCK_SIZE 262144, STORAGE_VERSION 'v1.5.0')")
    change(warehouse, 0, 1, 10)
    size = warehouse.path.stat().st_size
    compact(warehouse)
    assert warehouse.path.stat().st_size < 0.5 * size
    with warehouse.reading() as connection:
        assert connection.execute("SELECT count(*) FROM raw.orders").fetchone() == (10,)
