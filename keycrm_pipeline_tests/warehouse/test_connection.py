"""Opening a profile's file: who holds it, what is wrong with it, who may read it, and what a failure leaves."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.warehouse import connection as connections
from keycrm_pipeline.warehouse.connection import Warehouse, free_pages, transaction
from keycrm_pipeline.warehouse.errors import (
    DatabaseBusyError,
    DatabaseMissingError,
    DatabaseUnreadableError,
    FileForbiddenError,
)

HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""

WRITER_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DiskFullError

warehouse = Warehouse(Path(sys.argv[1]), "Europe/Kyiv")
with warehouse.writing():
    pass
size = warehouse.path.stat().st_size
# The nearest thing to a full disk that needs no disk: the file may not grow any more.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))
try:
    with warehouse.transaction() as connection:
        connection.execute("CREATE TABLE ops.filler AS SELECT md5(range::VARCHAR) AS text FROM range(500000)")
except DiskFullError as error:
    print(error)
    sys.exit(7)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A file of its own that nobody is waited for."""
    return Warehouse(tmp_path / "data" / "shop.duckdb", "Europe/Kyiv", wait_seconds=0)


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another program that has the file open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdin is not None
        assert program.stdout.readline() == "held\n"
        try:
            yield program
        finally:
            program.stdin.close()
            program.wait(timeout=30)


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_program_that_holds_the_file_is_named(warehouse: Warehouse, way: str) -> None:
    """A forgotten notebook or SQL shell is named by its process, and what to do about it."""
    with warehouse.writing():
        pass
    with (
        held(warehouse.path) as program,
        pytest.raises(DatabaseBusyError) as caught,
        getattr(warehouse, way)(),
    ):
        pass
    assert f"PID {program.pid}" in str(caught.value)
    assert "Close the file there" in str(caught.value)


def test_file_is_waited_for(tmp_path: Path) -> None:
    """A query of a BI tool that ends in time delays a load and does not fail it."""
    path = tmp_path / "shop.duckdb"
    waits: list[float] = []
    with Warehouse(path, "Europe/Kyiv").writing():
        pass
    with held(path) as program:

        def wait(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 2:
                program.communicate(timeout=30)

        with Warehouse(path, "Europe/Kyiv", sleep=wait).writing() as connection:
            assert connection.execute("SELECT count(*) FROM accounting.orders").fetchall() == [(0,)]
    assert len(waits) == 2
    assert all(0 < seconds < 1 for seconds in waits)


@pytest.mark.parametrize("content", [b"id;name\n1;Something\n" * 500, b"\x00" * 20_000])
@pytest.mark.parametrize("way", ["writing", "reading"])
def test_file_that_is_no_database_is_told_and_left_alone(
    warehouse: Warehouse, way: str, content: bytes
) -> None:
    """Somebody put another file in its place: it is not overwritten, and its path is named."""
    warehouse.path.parent.mkdir()
    warehouse.path.write_bytes(content)
    with (
        pytest.raises(DatabaseUnreadableError, match="It was left unchanged") as caught,
        getattr(warehouse, way)(),
    ):
        pass
    assert str(warehouse.path) in str(caught.value)
    assert warehouse.path.read_bytes() == content


def test_damaged_file_is_told_and_left_alone(warehouse: Warehouse) -> None:
    """A file that was cut off, by a full disk or a broken copy, is no crash of the program."""
    with warehouse.writing():
        pass
    content = warehouse.path.read_bytes()[:9000]
    warehouse.path.write_bytes(content)
    with pytest.raises(DatabaseUnreadableError, match="Put a backup in its place"), warehouse.writing():
        pass
    assert warehouse.path.read_bytes() == content


def test_file_of_another_user_is_not_called_damaged(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Putting a backup in its place would lose what came since; the right to read it is all that is missing."""
    with warehouse.writing():
        pass

    def refuse(*_arguments: object, **_named: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{warehouse.path}": Permission denied')

    monkeypatch.setattr("keycrm_pipeline.warehouse.connection.attach_file", refuse)
    with (
        pytest.raises(FileForbiddenError, match="Allow the user that runs this program"),
        warehouse.writing(),
    ):
        pass


def test_directory_of_another_user_is_not_an_empty_one(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can be entered by nobody else, so whether there is a database cannot be seen."""

    def refuse(*_arguments: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", str(warehouse.path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(FileForbiddenError), warehouse.reading():
        pass
    with pytest.raises(FileForbiddenError):
        warehouse.exists()


def test_reading_before_the_first_load_says_so(warehouse: Warehouse) -> None:
    """No file is made by looking."""
    with pytest.raises(DatabaseMissingError, match="nothing was loaded"), warehouse.reading():
        pass
    assert not warehouse.path.exists()


def test_full_disk_is_told_in_words_and_loses_nothing(tmp_path: Path) -> None:
    """What was stored before is there; the message says what to do."""
    path = tmp_path / "shop.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", WRITER_ON_A_FULL_DISK, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert f"The disk that holds {path} is full" in done.stdout
    with Warehouse(path, "Europe/Kyiv").reading() as connection:
        assert connection.execute("FROM duckdb_tables() WHERE table_name = 'filler'").fetchall() == []


def test_file_and_directory_are_the_owners_alone(warehouse: Warehouse) -> None:
    """Names and phones of buyers are inside: nobody else on the machine reads them."""
    with warehouse.writing() as connection:
        connection.execute("INSERT INTO accounting.sources VALUES (1, 'Магазин', NULL, NULL)")
        for path in warehouse.path.parent.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path.name
    assert stat.S_IMODE(warehouse.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(warehouse.path.parent.stat().st_mode) == 0o700


def test_what_has_no_place_in_memory_goes_beside_the_file(warehouse: Warehouse) -> None:
    """Buyers' data that DuckDB puts aside for a moment lies in the data directory, and only as long as it must."""
    with warehouse.writing() as connection:
        connection.execute("SET memory_limit = '40MB'")
        connection.execute(
            "CREATE TEMP TABLE much AS SELECT range AS number, md5(range::VARCHAR) AS text FROM range(1500000)"
        )
        aside = warehouse.path.with_name(f"{warehouse.path.name}.tmp")
        assert list(aside.iterdir())
        assert stat.S_IMODE(aside.stat().st_mode) & 0o077 == 0
    assert not aside.exists()


def test_what_a_killed_program_had_put_aside_is_removed(warehouse: Warehouse) -> None:
    """Gigabytes of people's data do not stay: the next writer that has the file for itself removes them."""
    left_over = Path(f"{warehouse.path}.tmp")

    def die() -> None:
        left_over.mkdir(parents=True)
        (left_over / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"data")

    die()
    with warehouse.writing():
        assert not left_over.exists()
    with warehouse.reading():
        die()
        # Whoever reads has it in use: a writer that has to wait touches nothing.
        other = "from pathlib import Path; from keycrm_pipeline.warehouse.connection import Warehouse; "
        other += f"Warehouse(Path({str(warehouse.path)!r}), 'UTC', wait_seconds=0).writing().__enter__()"
        refused = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
        assert "DatabaseBusyError" in refused.stderr
        assert left_over.exists()
    (left_over / "mine.txt").write_text("", "utf-8")
    with warehouse.writing():
        assert [path.name for path in left_over.iterdir()] == ["mine.txt"]


def test_failure_inside_closes_the_file_and_stores_nothing(warehouse: Warehouse) -> None:
    """After an error the next program can open the file at once, and half a transaction is none."""

    def fail() -> None:
        with warehouse.transaction() as connection:
            connection.execute("INSERT INTO accounting.sources VALUES (1, 'Магазин', NULL, NULL)")
            raise LookupError("in the middle")

    with pytest.raises(LookupError):
        fail()
    with held(warehouse.path):
        pass
    with warehouse.reading() as connection:
        assert connection.execute("SELECT count(*) FROM accounting.sources").fetchall() == [(0,)]


def test_a_small_file_takes_one_core_and_a_large_one_all(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small load has nothing to divide; a large file is still read by all cores."""
    threads = "SELECT current_setting('threads')"
    with warehouse.writing() as connection:
        all_cores = duckdb.execute(threads).fetchall()
        assert connection.execute(threads).fetchall() == [(1,)]
    with warehouse.reading() as connection:
        assert connection.execute(threads).fetchall() == [(1,)]
    monkeypatch.setattr(connections, "SMALL_FILE", 0)
    with warehouse.writing() as connection:
        assert connection.execute(threads).fetchall() == all_cores


def test_ctrl_c_in_a_query_closes_the_file(warehouse: Warehouse) -> None:
    """The step that was stopped must still write into the log that it was, and the next one must find the file free."""
    ended = threading.Event()
    signals: list[int] = []

    def stop(number: int, _frame: object) -> None:
        signals.append(number)
        # The first may come before the query has begun.
        if len(signals) > 1:
            raise KeyboardInterrupt

    def press() -> None:
        while not ended.wait(0.2):
            os.kill(os.getpid(), signal.SIGINT)

    def count(connection: duckdb.DuckDBPyConnection) -> None:
        # With a helper that takes all the work, the thread that hears of signals would wait for the end of the query.
        connection.execute("SET threads = 1")
        pressing.start()
        try:
            connection.execute(
                "CREATE TABLE staging.digests AS SELECT md5(range::VARCHAR) AS digest, count(*) "
                "FROM range(20000000) GROUP BY digest"
            )
        finally:
            ended.set()

    pressing = threading.Thread(target=press)
    before = signal.signal(signal.SIGINT, stop)
    try:
        with pytest.raises((KeyboardInterrupt, RuntimeError)), warehouse.writing() as connection:
            count(connection)
        pressing.join()
    finally:
        signal.signal(signal.SIGINT, before)
    with replace(warehouse, wait_seconds=0).writing() as connection:
        assert connection.execute("SELECT 42").fetchone() == (42,)


def test_ctrl_c_while_the_file_is_opened_closes_it(warehouse: Warehouse) -> None:
    """Under load an exchange that was stopped here kept its file open, and nobody could write that it was stopped.

    The moment decides, so many are tried: without the fix about every twentieth leaves the file open.
    """

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    dice = random.Random(20261130)
    at_once = replace(warehouse, wait_seconds=0)
    with warehouse.writing():
        pass
    before = signal.signal(signal.SIGALRM, stop)
    stopped = 0
    try:
        for _ in range(60):
            began = time.perf_counter()
            with at_once.writing():
                seconds = time.perf_counter() - began
            with contextlib.suppress(KeyboardInterrupt, RuntimeError):
                try:
                    signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.0001, seconds))
                    with at_once.writing():
                        signal.setitimer(signal.ITIMER_REAL, 0)
                except BaseException:
                    stopped += 1
                    raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert stopped > 30
    with at_once.writing() as connection:
        assert connection.execute("SELECT 42").fetchone() == (42,)


def test_a_file_that_is_kept_open_is_let_go_of(warehouse: Warehouse) -> None:
    """Between two pieces of work when that is asked for, while something is waited for, and at the end."""
    reader = replace(warehouse)

    def is_free() -> bool:
        with contextlib.suppress(DatabaseBusyError), reader.reading():
            return True
        return False

    with warehouse.kept_open() as kept:
        with kept.writing() as connection:
            connection.execute("CREATE TABLE ops.kept AS SELECT 42 AS answer")
            kept.release()
            # Work is being done with it.
            assert not is_free()
        assert not is_free()
        kept.release(after_seconds=3600)
        assert not is_free()
        kept.release()
        assert is_free()
        with kept.reading() as connection:
            assert connection.execute("SELECT answer FROM ops.kept").fetchall() == [(42,)]
        with kept.released() as waiting:
            assert is_free()
            with waiting.writing() as connection:
                connection.execute("UPDATE ops.kept SET answer = 43")
            assert is_free()
        with kept.reading() as connection:
            assert connection.execute("SELECT answer FROM ops.kept").fetchall() == [(43,)]
        assert not is_free()
    assert is_free()


def test_failing_transaction_leaves_the_connection_usable(warehouse: Warehouse) -> None:
    """A refused row does not poison what comes after it."""
    with warehouse.writing() as connection:
        with pytest.raises(duckdb.ConstraintException), transaction(connection):
            connection.execute(
                "INSERT INTO accounting.sources VALUES (1, 'А', NULL, NULL), (1, 'Б', NULL, NULL)"
            )
        connection.execute("INSERT INTO accounting.sources VALUES (2, 'В', NULL, NULL)")
    with warehouse.reading() as connection:
        assert connection.execute("SELECT name FROM accounting.sources").fetchall() == [("В",)]


def test_reader_sees_local_times_and_writer_reads_utc(warehouse: Warehouse) -> None:
    """A person who opens the file sees the shop's clock; a time without a zone in a payload is UTC."""
    with warehouse.writing() as connection:
        connection.execute(
            "INSERT INTO raw.reference_lists VALUES ('sources', CAST('2026-03-02 08:00:00' AS TIMESTAMPTZ))"
        )
    with warehouse.reading() as connection:
        assert connection.execute(
            "SELECT refreshed_at, CAST(refreshed_at AS VARCHAR) FROM raw.reference_lists"
        ).fetchall() == [(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), "2026-03-02 10:00:00+02")]


SAY_WHETHER_A_BAR_IS_DRAWN = """
import sys
from pathlib import Path
from keycrm_pipeline.warehouse.connection import Warehouse

warehouse = Warehouse(Path(sys.argv[1]), "Europe/Kyiv")
for opened in (warehouse.writing, warehouse.reading):
    with opened() as connection:
        print(connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()[0])
"""


def test_no_bar_is_drawn_into_what_a_command_prints(tmp_path: Path) -> None:
    """On a slow machine DuckDB drew a progress bar on standard output: what reads `--json` could not read it."""
    said = subprocess.run(
        [sys.executable, "-c", SAY_WHETHER_A_BAR_IS_DRAWN, str(tmp_path / "shop.duckdb")],
        check=True,
        capture_output=True,
        text=True,
    )
    assert said.stdout.split() == ["False", "False"]


def _megabytes(connection: duckdb.DuckDBPyConnection, tag: str) -> float:
    row = connection.execute(
        "SELECT memory_usage_bytes / 1e6 FROM duckdb_memory() WHERE tag = ?", [tag]
    ).fetchone()
    assert row is not None
    return float(row[0])


def test_what_was_read_of_the_file_is_let_go_of(warehouse: Warehouse) -> None:
    """A load of three years had all that it had read in memory at its end; its own tables stay there, and are whole."""
    with warehouse.writing() as connection:
        connection.execute(
            "INSERT INTO raw.orders (order_id, payload, payload_hash, extracted_at, exchange_id) "
            "SELECT range, to_json([md5(concat(range, place)) FOR place IN range(50)]), '', now(), 1 FROM range(50_000)"
        )
    with warehouse.writing() as connection:
        connection.execute("CREATE TEMP TABLE own AS SELECT range FROM range(100_000)")
        connection.execute("SELECT sum(length(CAST(payload AS VARCHAR))) FROM raw.orders").fetchall()
        assert _megabytes(connection, "BASE_TABLE") > 40
        free_pages(connection)
        assert _megabytes(connection, "BASE_TABLE") < 8
        # And it reads on as before, with as much memory as before.
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("1.3 GiB",)]
        assert connection.execute("SELECT count(*), sum(range) FROM own").fetchall() == [
            (100_000, 4_999_950_000)
        ]


def test_what_is_in_use_stays_when_pages_are_let_go_of(warehouse: Warehouse) -> None:
    """More may be in use than is to be kept: then nothing is lost, nothing fails, and the limit is what it was."""
    with warehouse.writing() as connection:
        with connection.cursor() as other:
            result = other.execute(
                "SELECT range, md5(range::VARCHAR) AS text FROM range(2_000_000) ORDER BY text"
            )
            free_pages(connection)
            assert len(result.fetchmany(10)) == 10
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("1.3 GiB",)]
