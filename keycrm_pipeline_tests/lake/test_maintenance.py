"""The maintenance of a lake: it becomes small, its rows stay, and it stops when a count would change."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.warehouse.engines import catalog_lock, maintenance
from keycrm_pipeline.warehouse.engines.maintenance import maintain
from keycrm_pipeline.warehouse.errors import LakeChangedError
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.lake.books import LakeBooks, lake_books
from keycrm_pipeline_tests.lake.plain_lake import PlainLake
from keycrm_pipeline_tests.pipeline.bookkeeping import kyiv
from keycrm_pipeline_tests.postgres import query

LOADS = 12


@pytest.fixture
def writing(lake: PlainLake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writer in a lake that has lived for a while: each load has left a file and a snapshot."""
    with catalog_lock.held(lake, "run-1") as hold, lake.attached(hold) as connection:
        for load in range(LOADS):
            connection.execute("INSERT INTO sales SELECT ? * 100 + range, 1 FROM range(100)", [load])
        connection.execute("DELETE FROM sales WHERE sale_id < 99")
        yield connection


def age(lake: PlainLake | LakeBooks, days: int) -> None:
    """Lets what the lake has done so far have been done earlier."""
    for table, column in (
        ("ducklake_snapshot", "snapshot_time"),
        ("ducklake_files_scheduled_for_deletion", "schedule_start"),
    ):
        query(
            lake.catalog,
            f'ALTER TABLE "shop".{table} DISABLE TRIGGER keycrm_fence; '  # noqa: S608
            f"UPDATE \"shop\".{table} SET {column} = {column} - {days} * INTERVAL '1 day'; "
            f'ALTER TABLE "shop".{table} ENABLE TRIGGER keycrm_fence',
        )


def files(lake: PlainLake) -> set[Path]:
    return {path for path in lake.data.rglob("*") if path.is_file()}


def snapshots(lake: PlainLake | LakeBooks) -> int:
    return int(query(lake.catalog, 'SELECT count(*) FROM "shop".ducklake_snapshot')[0][0])


def test_a_lake_becomes_small_and_keeps_its_rows(lake: PlainLake, writing: duckdb.DuckDBPyConnection) -> None:
    before, grown = lake.sales(), files(lake)
    assert len(before) == LOADS * 100 - 99
    assert len(grown) == LOADS + 1, "A file for each load, and one that says which rows were deleted."
    # Empty, its table, 12 loads and a deletion.
    assert snapshots(lake) == LOADS + 3

    age(lake, 8)
    done = maintain(writing, "shop")
    assert done.snapshots == LOADS + 2, "All but the newest one."
    assert done.files == LOADS - 2, "Left: what was merged, and the first one without its deleted rows."
    assert done.removed == 0, "A reader may still have them open."
    assert lake.sales() == before

    age(lake, 8)
    done = maintain(writing, "shop")
    assert (done.files, done.removed) == (1, LOADS - 1), (
        "Two files become one, and what was merged before is removed."
    )
    age(lake, 8)
    maintain(writing, "shop")
    assert len(files(lake)) == 1
    assert lake.sales() == before
    assert not maintain(writing, "shop").has_done_something


def test_a_week_can_still_be_read(lake: PlainLake, writing: duckdb.DuckDBPyConnection) -> None:
    age(lake, 6)
    assert maintain(writing, "shop").snapshots == 0
    (rows,) = writing.execute("SELECT count(*) FROM sales AT (VERSION => 3)").fetchall()
    assert rows == (200,), "After the second load."


def test_a_reader_goes_on_with_what_it_has_begun(lake: PlainLake, writing: duckdb.DuckDBPyConnection) -> None:
    with lake.attached(None) as reader:
        reader.execute("BEGIN")
        (before,) = reader.execute("SELECT count(*), sum(amount) FROM sales").fetchall()
        age(lake, 8)
        maintain(writing, "shop")
        assert reader.execute("SELECT count(*), sum(amount) FROM sales").fetchall() == [before]


@pytest.mark.parametrize("step", ["expire", "rewrite", "merge"])
def test_a_count_that_would_change_stops_it(
    lake: PlainLake, writing: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """No fault of DuckLake is known that loses rows here; so one is made."""
    age(lake, 8)
    before, grown = lake.sales(), files(lake)

    def losing(file: str, name: str) -> str:
        lost = "DELETE FROM sales WHERE sale_id = 150; " if name == step else ""
        return lost + statement(file, name)

    monkeypatch.setattr(maintenance, "statement", losing)
    with pytest.raises(LakeChangedError, match=r"main\.sales") as caught:
        maintain(writing, "shop")
    assert "shop" in str(caught.value)
    assert lake.sales() == before
    assert snapshots(lake) == LOADS + 3
    assert grown <= files(lake)


def test_whoever_has_lost_the_lock_maintains_nothing(
    lake: PlainLake, writing: duckdb.DuckDBPyConnection
) -> None:
    age(lake, 8)
    query(lake.catalog, 'UPDATE "shop".keycrm_holder SET number = number + 1')
    grown = files(lake)
    with pytest.raises(duckdb.Error, match="fenced off"):
        maintain(writing, "shop")
    assert grown <= files(lake)
    assert snapshots(lake) == LOADS + 3


def test_the_nightly_comparison_maintains_the_lake(
    tmp_path: Path, catalog: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If rows would vanish, it fails, so the sensor for failures alerts; the books stay, and the next one maintains."""
    books = lake_books(tmp_path, catalog)
    for order_id in (1, 2, 3):
        books.order(order_id, kyiv(2026, 3, 30, 10 + order_id))
    books.load(kyiv(2026, 3, 30).date())
    age(books, 8)
    schemas = ("raw", "validated", "accounting")
    before = books.tables(schemas)

    def losing(file: str, name: str) -> str:
        lost = "DELETE FROM warehouse.accounting.orders WHERE order_id = 2; " if name == "merge" else ""
        return lost + statement(file, name)

    with monkeypatch.context() as faulty:
        faulty.setattr(maintenance, "statement", losing)
        with pytest.raises(LakeChangedError, match=r"accounting\.orders"):
            books.recent()
    assert books.query("SELECT status, error FROM ops.exchanges ORDER BY exchange_id DESC LIMIT 1") == [
        (
            "failed",
            "While the files of shop were merged, the number of rows of accounting.orders changed. The merge was "
            "undone and nothing was removed. Keep the data as they are, make a backup, and report this.",
        )
    ]
    assert books.tables(schemas) == before

    caplog.set_level(logging.INFO)
    grown = snapshots(books)
    assert books.recent().status == "succeeded"
    assert [line for line in caplog.messages if line.startswith("The lake was maintained")]
    assert snapshots(books) < grown
    assert books.tables(schemas) == before
