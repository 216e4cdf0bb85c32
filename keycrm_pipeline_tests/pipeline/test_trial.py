"""A rebuild that is tried first: it says what the rebuild then does, and leaves everything as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from keycrm_pipeline.pipeline.trial import try_rebuild
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.warehouse.errors import DatabaseMissingError
from keycrm_pipeline.warehouse.trial import MovementChanges
from keycrm_pipeline_tests.page.shops import SETTINGS
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books, person


def changed(books: Books, **settings: object) -> Books:
    """The same books under a profile that somebody has changed."""
    return replace(books, profile=books.profile.model_copy(update=settings))


def test_it_says_what_the_rebuild_then_does(tmp_path: Path) -> None:
    """Another stage for status 12, another account for method 2: two documents of three, one part each."""
    books = make_books(tmp_path, **SETTINGS)
    books.order(1, buyer=person(1), payments=[payment_payload(71, 100)])
    books.order(2, buyer=person(1), status_id=12)
    books.order(3, buyer=person(1))
    books.load()
    before = books.tables()
    statuses = books.profile.statuses.model_copy(update={"stages": {1: "Нове", 12: "Виконано"}})
    later = changed(books, statuses=statuses, accounts={2: "Каса"})
    trial = try_rebuild(later.workspace)
    documents = trial.documents
    assert (documents.created, documents.updated, documents.unchanged, documents.leaving) == (0, 2, 1, 0)
    assert {name: (part.orders, part.examples) for name, part in documents.parts.items()} == {
        "stage": (1, (2,)),
        "account": (1, (1,)),
        "organisation": (1, (1,)),
        "payments": (1, (1,)),
    }
    assert books.tables() == before
    assert not list(tmp_path.rglob("*.trial"))
    exchange = later.rebuild()
    assert (exchange.orders_created, exchange.orders_updated, exchange.orders_unchanged) == (0, 2, 1)
    again = try_rebuild(later.workspace).documents
    assert (again.updated, again.unchanged, again.parts) == (0, 3, {})


def test_it_counts_movements(tmp_path: Path) -> None:
    """Those of order 1 were lost with an older program: the rebuild brings back the cancelled payment, and says so."""
    books = make_books(tmp_path)
    books.order(1, payments=[payment_payload(71, 100)], updated_at="2026-04-01T08:00:00.000000Z")
    books.load()
    books.order(
        1, payments=[payment_payload(71, 100, status="canceled")], updated_at="2026-04-01T09:00:00.000000Z"
    )
    books.load()
    assert try_rebuild(books.workspace).movements == MovementChanges(added=0, removed=0, examples=())
    with books.warehouse.writing() as connection:
        connection.execute("DELETE FROM accounting.order_movements")
    trial = try_rebuild(books.workspace)
    assert trial.movements == MovementChanges(added=1, removed=0, examples=(1,))
    assert trial.documents.updated == 0
    assert books.rows("order_movements") == []
    with books.warehouse.writing() as connection:
        connection.execute(
            "INSERT INTO accounting.order_movements BY NAME SELECT 1 AS order_id, 2 AS version_no, "
            "'line_added' AS kind, 9 AS subject_id, DATE '2026-04-01' AS seen_day, now() AS first_seen_at, "
            "'UAH' AS currency"
        )
    assert try_rebuild(books.workspace).movements == MovementChanges(added=1, removed=1, examples=(1,))


def test_before_the_first_load(tmp_path: Path) -> None:
    books = make_books(tmp_path)
    workspace = Workspace(books.profile.model_copy(update={"database": "none.duckdb"}), books.settings)
    with pytest.raises(DatabaseMissingError):
        try_rebuild(workspace)
    assert not list(tmp_path.rglob("*.trial"))
