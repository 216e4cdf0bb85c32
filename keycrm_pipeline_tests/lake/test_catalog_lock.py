"""The lock and the fence of a lake in a real PostgreSQL: who was killed, stopped or cut off stores nothing late."""

from __future__ import annotations

import contextlib
import logging
import re
import signal
import threading
from collections.abc import Callable, Iterator

import duckdb
import psycopg2
import pytest

from keycrm_pipeline.warehouse.engines import catalog_lock
from keycrm_pipeline.warehouse.engines.catalog_lock import Hold
from keycrm_pipeline.warehouse.errors import (
    CatalogCutError,
    CatalogUnreachableError,
    FencedOffError,
    LakeBusyError,
    WithoutNumberError,
)
from keycrm_pipeline_tests.lake.plain_lake import PlainLake
from keycrm_pipeline_tests.postgres import query

pytestmark = pytest.mark.process

LOCKS = "application_name LIKE 'keycrm lock %'"
WRITERS = "application_name ~ '^keycrm [0-9a-f]{16} '"


def end_sessions(lake: PlainLake, which: str) -> int:
    """Ends sessions as an administrator does; how many there were."""
    ended = query(
        lake.catalog,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "  # noqa: S608 - ours
        f"WHERE datname = current_database() AND {which}",
    )
    return len(ended)


def refused(lake: PlainLake, hold: Hold | None, write: Callable[[], object]) -> Exception | None:
    """How an error of DuckDB is told."""
    with pytest.raises(duckdb.Error) as caught:
        write()
    return catalog_lock.refusal(caught.value, lake, hold)


def test_a_second_writer_is_told_who_holds_the_lock(lake: PlainLake) -> None:
    assert not catalog_lock.is_held(lake)
    with lake.writer("run-7") as first:
        assert first.answer() == "held"
        assert catalog_lock.is_held(lake)
        with pytest.raises(LakeBusyError) as caught, catalog_lock.held(lake, "run-8", wait_seconds=0):
            pytest.fail("Two writers hold one lock.")
        assert re.search(
            rf"run run-7, process {first.process.pid} on host \S+, since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\)",
            str(caught.value),
        )
        assert "shop" in str(caught.value)
        first.process.communicate()
    assert not catalog_lock.is_held(lake)
    assert catalog_lock.holder(lake) == "another process"


def test_a_lock_is_waited_for(lake: PlainLake, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with lake.writer("run-1") as first:
        assert first.answer() == "held"
        threading.Timer(0.6, lambda: first.process.communicate("INSERT INTO sales VALUES (1, 10)")).start()
        with catalog_lock.held(lake, "run-2"):
            assert lake.sales() == [(1, 10)]
    (said,) = caplog.messages
    assert said.startswith("Another exchange of this profile is running (run run-1, process ")


def test_profiles_of_one_database_do_not_wait_for_each_other(lake: PlainLake) -> None:
    other = PlainLake(lake.catalog, lake.data.with_name("other"), "other")
    with (
        catalog_lock.held(lake, "run-1"),
        catalog_lock.held(other, "run-2", wait_seconds=0),
    ):
        assert catalog_lock.is_held(other)
    assert not catalog_lock.is_held(other)


def test_readers_need_neither_lock_nor_number(lake: PlainLake) -> None:
    with lake.writer("run-1") as writer:
        assert writer.answer() == "held"
        assert writer.do("BEGIN") == "done"
        assert writer.do("INSERT INTO sales VALUES (1, 10), (2, 20)") == "done"
        assert lake.sales() == []
        assert writer.do("COMMIT") == "done"
        assert lake.sales() == [(1, 10), (2, 20)]


def test_each_holder_has_a_higher_number(lake: PlainLake) -> None:
    numbers = []
    for run_id in ("run-1", "run-2"):
        with catalog_lock.held(lake, run_id) as hold:
            numbers.append(hold.fence)
    assert numbers == [2, 3], "The lake was made by the first one."


def test_the_lock_of_a_killed_writer_is_free_at_once(lake: PlainLake) -> None:
    with lake.writer("run-1") as writer:
        assert writer.answer() == "held"
        assert writer.do("INSERT INTO sales VALUES (1, 10)") == "done"
        assert writer.do("BEGIN") == "done"
        assert writer.do("INSERT INTO sales VALUES (2, 20)") == "done"
        writer.process.kill()
        writer.process.wait()
        with (
            catalog_lock.held(lake, "run-2", wait_seconds=5) as hold,
            lake.attached(hold) as connection,
        ):
            connection.execute("INSERT INTO sales VALUES (2, 21)")
    assert lake.sales() == [(1, 10), (2, 21)]


def test_a_stopped_writer_keeps_its_lock(lake: PlainLake) -> None:
    """A machine that is slow is not dead: whoever wants to write waits, or is told of it."""
    with lake.writer("run-1") as writer:
        assert writer.answer() == "held"
        writer.process.send_signal(signal.SIGSTOP)
        with pytest.raises(LakeBusyError, match="run-1"), catalog_lock.held(lake, "run-2", wait_seconds=0):
            pytest.fail("Two writers hold one lock.")
        writer.process.send_signal(signal.SIGCONT)
        assert writer.do("INSERT INTO sales VALUES (1, 10)") == "done"


def test_a_writer_who_wakes_up_late_is_refused(lake: PlainLake) -> None:
    """It slept in the middle of a transaction, its session was ended, and another one has stored the same sale."""
    with lake.writer("run-1") as late:
        assert late.answer() == "held"
        assert late.do("BEGIN") == "done"
        assert late.do("INSERT INTO sales VALUES (1, 10)") == "done"
        late.process.send_signal(signal.SIGSTOP)
        assert end_sessions(lake, LOCKS) == 1
        with (
            catalog_lock.held(lake, "run-2", wait_seconds=5) as hold,
            lake.attached(hold) as connection,
        ):
            late.tell("COMMIT")
            late.process.send_signal(signal.SIGCONT)
            assert "run-1" not in catalog_lock.holder(lake)
            assert late.answer().startswith(
                "FencedOffError: This exchange of shop lost its lock in PostgreSQL"
            )
            # As often as it tries: DuckDB has opened a new session by now.
            for _ in range(2):
                assert late.do("INSERT INTO sales VALUES (1, 10)").startswith("FencedOffError")
            connection.execute("INSERT INTO sales VALUES (1, 10)")
    assert lake.sales() == [(1, 10)]


def test_a_writer_who_stopped_in_its_commit_is_not_waited_for(lake: PlainLake) -> None:
    """The trigger has let it pass already, so its session would keep the next number from being given."""
    with (
        lake.writer("run-1") as late,
        contextlib.closing(psycopg2.connect(lake.catalog)) as administrator,
        administrator.cursor() as cursor,
    ):
        assert late.answer() == "held"
        # DuckLake inserts into this table at the end of its commit, and now waits there.
        cursor.execute('LOCK TABLE "shop".ducklake_snapshot_changes IN EXCLUSIVE MODE')
        late.tell("INSERT INTO sales VALUES (1, 10)")
        while not query(
            lake.catalog,
            f"SELECT pid FROM pg_stat_activity WHERE {WRITERS} AND wait_event_type = 'Lock'",  # noqa: S608 - ours
        ):
            pass
        late.process.send_signal(signal.SIGSTOP)
        assert end_sessions(lake, LOCKS) == 1
        with catalog_lock.held(lake, "run-2", wait_seconds=5) as hold:
            administrator.rollback()
            late.process.send_signal(signal.SIGCONT)
            assert late.answer().startswith("FencedOffError")
            assert lake.sales() == []
            with lake.attached(hold) as connection:
                connection.execute("INSERT INTO sales VALUES (1, 11)")
    assert lake.sales() == [(1, 11)]


def test_the_fence_refuses_a_commit_that_nothing_else_stops(lake: PlainLake) -> None:
    """Its sessions live on, as if they were those of another role, which PostgreSQL does not let a holder end."""
    with (
        catalog_lock.held(lake, "run-1") as hold,
        lake.attached(hold) as connection,
    ):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO sales VALUES (1, 10)")
        query(lake.catalog, 'UPDATE "shop".keycrm_holder SET number = number + 1')
        error = refused(lake, hold, lambda: connection.execute("COMMIT"))
        assert isinstance(error, FencedOffError)
        # A number from a catalogue that was put back from a backup is as wrong as an old one.
        query(lake.catalog, 'UPDATE "shop".keycrm_holder SET number = 1')
        error = refused(lake, hold, lambda: connection.execute("INSERT INTO sales VALUES (1, 10)"))
        assert isinstance(error, FencedOffError)
    assert lake.sales() == []


@pytest.mark.parametrize("words", ["", "application_name=notebook", "options='-c keycrm.fence='"])
def test_whoever_writes_without_a_number_is_refused(lake: PlainLake, words: str) -> None:
    with lake.attached(None, words=words) as connection:
        for sql in (
            "INSERT INTO sales VALUES (1, 10)",
            "CREATE TABLE mine (id INTEGER)",
            "CALL ducklake_expire_snapshots('warehouse', older_than => now() + INTERVAL 1 DAY)",
        ):
            error = refused(lake, None, lambda sql=sql: connection.execute(sql))  # type: ignore[misc]
            assert isinstance(error, WithoutNumberError), sql
    assert lake.sales() == []


def test_a_role_that_may_only_read(lake: PlainLake) -> None:
    """As docs/scaling.md makes it for BI: it sees the books, and can change neither them nor who holds the lock."""
    with lake.writer("run-1") as writer:
        assert writer.answer() == "held"
        assert writer.do("INSERT INTO sales VALUES (1, 10)") == "done"
        query(
            lake.catalog,
            "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN; "
            'GRANT USAGE ON SCHEMA "shop" TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA "shop" TO reader; '
            'ALTER DEFAULT PRIVILEGES IN SCHEMA "shop" GRANT SELECT ON TABLES TO reader',
        )
        reader = PlainLake(lake.catalog.replace("user=postgres", "user=reader"), lake.data)
        assert writer.do("CREATE TABLE later AS SELECT 5 AS five") == "done"
        with reader.attached(None) as connection:
            assert connection.execute("SELECT * FROM later").fetchall() == [(5,)]
        assert reader.sales() == [(1, 10)]
        assert catalog_lock.is_held(reader)
        assert "run-1" in catalog_lock.holder(reader)
        for words in ("", catalog_lock.connection_options(Hold("shop", 2))):
            with reader.attached(None, words=words) as connection, pytest.raises(duckdb.Error):
                connection.execute("INSERT INTO sales VALUES (2, 20)")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query(reader.catalog, 'UPDATE "shop".keycrm_holder SET number = 9')
    assert lake.sales() == [(1, 10)]


@pytest.fixture
def writing(lake: PlainLake) -> Iterator[tuple[Hold, duckdb.DuckDBPyConnection]]:
    with (
        catalog_lock.held(lake, "run-1") as hold,
        lake.attached(hold) as connection,
    ):
        yield hold, connection


def test_a_session_that_is_ended_in_a_transaction_stores_nothing(
    lake: PlainLake, writing: tuple[Hold, duckdb.DuckDBPyConnection]
) -> None:
    hold, connection = writing
    connection.execute("BEGIN")
    connection.execute("INSERT INTO sales VALUES (1, 10)")
    assert end_sessions(lake, WRITERS) == 1
    error = refused(lake, hold, lambda: connection.execute("COMMIT"))
    assert isinstance(error, CatalogCutError)
    # Nobody has taken over, so it may go on.
    connection.execute("INSERT INTO sales VALUES (1, 10)")
    assert lake.sales() == [(1, 10)]


def test_a_refusal_tells_nothing_of_the_books(
    lake: PlainLake, writing: tuple[Hold, duckdb.DuckDBPyConnection]
) -> None:
    """DuckDB quotes the statement of DuckLake's commit, and with it the least and the greatest value of a column."""
    hold, connection = writing
    connection.execute("CREATE TABLE buyers (name VARCHAR)")
    query(lake.catalog, 'UPDATE "shop".keycrm_holder SET number = 99')
    with pytest.raises(duckdb.Error, match="Марія") as caught:
        connection.execute("INSERT INTO buyers VALUES ('Марія')")
    told = catalog_lock.refusal(caught.value, lake, hold)
    assert told is not None
    assert "Марія" not in str(told)


def test_other_errors_are_left_alone(
    lake: PlainLake, writing: tuple[Hold, duckdb.DuckDBPyConnection]
) -> None:
    hold, connection = writing
    assert refused(lake, hold, lambda: connection.execute("SELECT 1/x FROM nowhere")) is None


@pytest.mark.parametrize(
    ("replaced", "by", "reason"),
    [
        (r"port=\d+", "port=1", "port 1 failed: Connection refused"),
        ("user=postgres", "user=nobody", 'role "nobody" does not exist'),
    ],
)
def test_a_catalogue_that_cannot_be_reached_is_told(
    lake: PlainLake, replaced: str, by: str, reason: str
) -> None:
    gone = PlainLake(re.sub(replaced, by, lake.catalog), lake.data)
    with pytest.raises(CatalogUnreachableError) as caught, catalog_lock.held(gone, "run-1"):
        pytest.fail("There is nothing to hold.")
    assert reason in str(caught.value)
    assert "KEYCRM_LAKE_CATALOG" in str(caught.value)
    told = refused(gone, None, lambda: gone.attached(None).__enter__())
    assert isinstance(told, CatalogUnreachableError)
    assert reason in str(told)
    assert catalog_lock.holder(gone) == "another process"


def test_sessions_find_out_in_20_seconds_that_the_other_end_is_gone(
    lake: PlainLake, writing: tuple[Hold, duckdb.DuckDBPyConnection]
) -> None:
    """As PostgreSQL itself sees them; what happens to a cut cable is in `test_cut_network`."""
    hold, _connection = writing
    for words in (catalog_lock.connection_options(hold), catalog_lock.connection_options(None)):
        with (
            contextlib.closing(psycopg2.connect(f"{lake.catalog} {words}")) as session,
            session.cursor() as cursor,
        ):
            cursor.execute(
                "SELECT name, setting::int FROM pg_settings WHERE name LIKE 'tcp_%%' ORDER BY name"
            )
            settings = dict(cursor.fetchall())
            assert settings["tcp_user_timeout"] == 20_000
            idle, interval, count = (
                settings[f"tcp_keepalives_{name}"] for name in ("idle", "interval", "count")
            )
            assert idle + interval * count == 20
