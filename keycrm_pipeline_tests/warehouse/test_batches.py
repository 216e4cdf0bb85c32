"""The batches of a step are processed concurrently."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.warehouse.batches import ROUND, WORKERS, work_on_batches
from keycrm_pipeline.warehouse.connection import Warehouse, transaction

NOTE = "INSERT INTO ops.status_history (order_id, status_id, seen_at) VALUES (?, 1, now())"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv", wait_seconds=0)


def _note(connection: duckdb.DuckDBPyConnection, order_id: int) -> int:
    with transaction(connection):
        connection.execute(NOTE, [order_id])
    return order_id * 10


def _noted(connection: duckdb.DuckDBPyConnection) -> list[int]:
    rows = connection.execute("SELECT order_id FROM ops.status_history ORDER BY order_id").fetchall()
    return [order_id for (order_id,) in rows]


def test_results_come_in_the_order_of_the_batches(warehouse: Warehouse) -> None:
    """Every batch is done once, whichever finishes first, and what it wrote is stored."""
    with warehouse.writing() as connection:
        assert work_on_batches(connection, range(1, 21), _note) == [number * 10 for number in range(1, 21)]
        assert _noted(connection) == [*range(1, 21)]


def test_two_batches_run_at_once(warehouse: Warehouse) -> None:
    """Each waits for the other: one after the other they would never finish."""
    together = threading.Barrier(WORKERS, timeout=30)
    with warehouse.writing() as connection:
        places = work_on_batches(connection, range(WORKERS), lambda _connection, _batch: together.wait())
    assert sorted(places) == [*range(WORKERS)]


def test_nothing_runs_between_two_rounds(warehouse: Warehouse) -> None:
    """Only then does DuckDB move rows from memory into the file: a load of years must not keep them all to the end."""
    together = threading.Barrier(WORKERS, timeout=30)
    ended: list[int] = []
    ended_before: dict[int, int] = {}

    def work(connection: duckdb.DuckDBPyConnection, batch: int) -> None:
        ended_before[batch] = len(ended)
        if together.wait() != 0:
            # The others finish at once, and would start the next ones.
            _note(connection, batch)
        ended.append(batch)

    with warehouse.writing() as connection:
        work_on_batches(connection, range(ROUND * 3), work)
    started_first = [batch for batch in range(ROUND * 3) if batch % ROUND < WORKERS]
    assert [ended_before[batch] for batch in started_first] == [
        batch - batch % ROUND for batch in started_first
    ]


def test_a_time_without_a_zone_means_utc_in_every_batch(warehouse: Warehouse) -> None:
    """KeyCRM's times are UTC; read as local times, orders around midnight would move to another day."""

    def read(connection: duckdb.DuckDBPyConnection, text: str) -> datetime:
        row = connection.execute("SELECT CAST(? AS TIMESTAMPTZ)", [text]).fetchone()
        assert row is not None
        instant: datetime = row[0]
        return instant.astimezone(UTC)

    with warehouse.writing() as connection:
        times = work_on_batches(connection, ["2026-03-01 22:30:00", "2026-03-02 22:30:00"], read)
    assert times == [datetime(2026, 3, day, 22, 30, tzinfo=UTC) for day in (1, 2)]


def test_error_of_one_batch_ends_the_work(warehouse: Warehouse) -> None:
    """A batch that fails writes nothing and ends the work; the file stays usable, and the rest can be done later."""

    def work(connection: duckdb.DuckDBPyConnection, order_id: int) -> int:
        if order_id == 3:
            with transaction(connection):
                connection.execute(NOTE, [order_id])
                raise ValueError("batch 3")
        return _note(connection, order_id)

    with warehouse.writing() as connection:
        with pytest.raises(ValueError, match="batch 3"):
            work_on_batches(connection, range(1, 100), work)
        done = _noted(connection)
        assert 3 not in done
        assert len(done) < 98
        again = work_on_batches(connection, [number for number in range(1, 100) if number not in done], _note)
        assert len(again) + len(done) == 99
        assert _noted(connection) == [*range(1, 100)]
