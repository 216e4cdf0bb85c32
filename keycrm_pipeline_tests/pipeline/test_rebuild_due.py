"""Whoever changes a setting or installs a newer program is told that older documents need a rebuild."""

from __future__ import annotations

from typing import Any

import pytest

from keycrm_pipeline.commands.status import print_status, read_status, status_as_json
from keycrm_pipeline.language import speaking
from keycrm_pipeline.reading.rebuild_due import RebuildDue, rebuild_due
from keycrm_pipeline.run.errors import UnmappedStatusesError
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks

COLUMN = "accounting.order_payments.dated_by"


@pytest.fixture
def loaded(new_books: MakeBooks) -> Books:
    """An order with a payment, loaded."""
    books = new_books(reconciliation={"external_transactions": True})
    books.order(501, payments=[payment_payload(71, 100, payment_method_id=2)])
    books.load()
    return books


def due(books: Books) -> RebuildDue:
    with books.warehouse.reading() as connection:
        return rebuild_due(connection, books.profile)


def change(books: Books, **settings: Any) -> None:
    books.profile = books.profile.model_validate(books.profile.model_dump() | {"name": "shop"} | settings)


def test_a_changed_setting_is_told_until_a_rebuild(loaded: Books) -> None:
    """Another load follows the new setting and leaves the documents of other days as they are."""
    assert not due(loaded)
    change(loaded, account="Сейф", statuses={"stages": {1: "Нове"}})
    loaded.load()
    assert due(loaded) == RebuildDue(settings=("account", "statuses.stages"))
    loaded.rebuild()
    assert not due(loaded)
    change(loaded, account="Каса")
    assert due(loaded).settings == ("account",)


@pytest.mark.parametrize(
    "settings",
    [
        {"show_cost": True, "hand_over": {"paid": True}},
        {"payment_methods": {2: {"fee_percent": "1.5"}}},
        {"payment_methods": {2: {"receipt": "none", "date": "payment"}}},
        {"account": "Каса"},
    ],
)
def test_what_changes_no_document_asks_for_none(loaded: Books, settings: dict[str, Any]) -> None:
    """Neither other settings, nor an expected fee, nor a default that is written out."""
    change(loaded, **settings)
    assert not due(loaded)


def test_a_column_of_a_newer_program_is_told_until_a_rebuild(
    loaded: Books, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of an older program has orders and lacks the column; the status names it, for people and programs."""
    change(loaded, payment_methods={2: {"date": "transaction"}})
    loaded.rebuild()
    with loaded.warehouse.writing() as connection:
        connection.execute("ALTER TABLE accounting.order_payments DROP COLUMN dated_by")
        connection.execute("ALTER TABLE ops.review DROP COLUMN details_coded")
        connection.execute("UPDATE ops.schema_version SET digest = 'of an older program'")
    assert due(loaded) == RebuildDue(columns=(COLUMN,))
    status = read_status(loaded.workspace)
    assert status_as_json(status)["rebuild_due"] == {"settings": (), "columns": (COLUMN,)}
    with speaking("en"):
        print_status(status)
    assert f"empty in older documents: {COLUMN}." in capsys.readouterr().out
    assert loaded.query("SELECT dated_by FROM accounting.order_payments") == [(None,)]
    loaded.rebuild()
    assert loaded.query("SELECT dated_by FROM accounting.order_payments") == [("transaction",)]
    assert not due(loaded)


def test_an_empty_file_needs_none(new_books: MakeBooks) -> None:
    """Nothing was booked before."""
    books = new_books()
    books.order(501)
    books.load()
    assert not due(books)


def test_stages_that_are_filled_in_before_the_first_document_need_none(new_books: MakeBooks) -> None:
    """The first load is refused for a status without a stage; no document was derived without it."""
    books = new_books(statuses={"stages": {1: "Нове"}, "require_mapping": True})
    books.order(1)
    with pytest.raises(UnmappedStatusesError):
        books.load()
    change(books, statuses={"require_mapping": False, "stages": {1: "Нове", 12: "Виконано"}})
    books.load()
    assert due(books).settings == ()
