"""A database file that has grown: when an exchange makes it smaller, and what it says of that."""

from __future__ import annotations

from pathlib import Path

from keycrm_pipeline.profile import lock_path
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.run.session import give_room_back
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.pipeline.bookkeeping import Books
from keycrm_pipeline_tests.warehouse.test_compaction import ORDERS, change, reader_of


def test_passes_of_the_night_look_at_the_file(books: Books) -> None:
    """A load, for which somebody waits, and the pass of every quarter of an hour do not; nobody else works then."""
    looked: list[tuple[Path, bool]] = []
    books.give_room_back = lambda warehouse, _tell: looked.append(
        (warehouse.path, is_held(lock_path(books.profile, books.settings)))
    )
    books.order(1)
    books.load()
    books.changes()
    assert looked == []
    books.recent()
    books.sweep()
    assert looked == [(books.warehouse.path, True)] * 2
    assert not is_held(lock_path(books.profile, books.settings))


def test_copy_is_told_and_a_failed_one_fails_nothing(tmp_path: Path) -> None:
    """Sizes before and after are shown; a file that is held stays as it is, with the program that holds it."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv", wait_seconds=0)
    told: list[str] = []
    change(warehouse, 0, 1, ORDERS)
    give_room_back(warehouse, told.append)
    assert told == []
    change(warehouse, 1, 1, ORDERS)
    size = warehouse.path.stat().st_size
    with reader_of(warehouse.path) as program:
        give_room_back(warehouse, told.append)
    assert f"PID {program.pid}" in told.pop()
    assert warehouse.path.stat().st_size == size
    give_room_back(warehouse, told.append)
    (sentence,) = told
    assert f"had grown to {size / 1e6:.0f} MB" in sentence
    assert f"{warehouse.path.stat().st_size / 1e6:.0f} MB now" in sentence
