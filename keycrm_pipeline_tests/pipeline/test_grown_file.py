"""A database file that has grown: when an exchange makes it smaller, and what it logs about that."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.run import session
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.run.session import Plan, Services
from keycrm_pipeline.warehouse.compaction import compact_when_grown
from keycrm_pipeline_tests.pipeline.bookkeeping import Books
from keycrm_pipeline_tests.warehouse.test_compaction import ORDERS, change, reader_of


def _exchange(books: Books, kind: str, wait_seconds: float = 30.0) -> None:
    """An exchange without work of its own, which opens the file as those of people do."""
    services = Services(open_warehouse=lambda _workspace: books.warehouse.waiting_at_most(wait_seconds))
    with exchange(books.workspace, Plan(kind, str(uuid4())), services):
        pass


def test_syncs_of_the_night_look_at_the_file(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load, for which somebody waits, and the sync of every quarter of an hour do not; nobody else works then."""
    looked: list[tuple[Path, bool]] = []

    def look(warehouse: Any) -> Any:
        looked.append((warehouse.path, is_held(books.workspace.lock)))
        return compact_when_grown(warehouse)

    monkeypatch.setattr(session, "compact_when_grown", look)
    for kind in ("period", "changes"):
        _exchange(books, kind)
    assert looked == []
    for kind in ("recent", "sweep"):
        _exchange(books, kind)
    assert looked == [(books.warehouse.path, True)] * 2
    assert not is_held(books.workspace.lock)


def test_copy_is_logged_and_a_failed_one_fails_nothing(
    books: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Sizes before and after are logged; a file that is held stays as it is, with the program that holds it."""
    caplog.set_level(logging.INFO, "keycrm_pipeline")
    warehouse = books.warehouse
    change(warehouse, 0, 1, ORDERS)
    _exchange(books, "sweep")
    assert caplog.messages == []
    change(warehouse, 1, 1, ORDERS)
    size = warehouse.path.stat().st_size
    with monkeypatch.context() as patched:
        patched.setattr(session, "compact_when_grown", _while_somebody_reads)
        _exchange(books, "sweep", wait_seconds=0)
    (sentence,) = caplog.messages
    assert "PID" in sentence
    assert warehouse.path.stat().st_size >= size
    caplog.clear()
    size = warehouse.path.stat().st_size
    _exchange(books, "sweep")
    (sentence,) = caplog.messages
    assert f"had grown to {size / 1e6:.0f} MB" in sentence
    assert f"was compacted to {warehouse.path.stat().st_size / 1e6:.0f} MB" in sentence
    assert [status for (status,) in books.rows("ops.exchanges", "status")] == ["succeeded"] * 3


def _while_somebody_reads(warehouse: Any) -> Any:
    with reader_of(warehouse.path):
        return compact_when_grown(warehouse)
