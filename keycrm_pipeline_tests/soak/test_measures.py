"""The soak's comparison names what differs, and passes over what may."""

from __future__ import annotations

from pathlib import Path

from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, make_books
from keycrm_pipeline_tests.soak.measures import COMPARED, differences


def books_in(directory: Path) -> Books:
    """Books of two orders, as KeyCRM has them now, loaded once."""
    directory.mkdir()
    books = make_books(directory)
    books.order(1, manager_comment="передзвонити", updated_at="2026-03-20T10:00:00.000000Z")
    books.order(2, payments=[payment_payload(7, 100)])
    books.load()
    return books


def lived_books(directory: Path) -> Books:
    """The same books of a shop in which the first order was another one before."""
    directory.mkdir()
    books = make_books(directory)
    books.order(1)
    books.load()
    books.order(1, manager_comment="передзвонити", updated_at="2026-03-20T10:00:00.000000Z")
    books.order(2, payments=[payment_payload(7, 100)])
    books.load()
    return books


def found(lived: Books, fresh: Books) -> dict[str, list[str]]:
    """What differs on the day of the orders, without the tables in which nothing does."""
    tables = differences(lived.workspace.database, fresh.workspace.database, MARCH_2, MARCH_2)
    assert set(tables) == {*COMPARED, "raw.order_versions"}
    return {table: rows for table, rows in tables.items() if rows}


def test_when_and_in_which_version_an_order_came_is_no_difference(tmp_path: Path) -> None:
    """One of the books saw an earlier version of the first order, and the second order an hour later."""
    lived = lived_books(tmp_path / "lived")
    assert lived.rows("raw.orders", "order_id, version_no") == [(1, 2), (2, 1)]
    assert found(lived, books_in(tmp_path / "fresh")) == {}


def test_rows_and_columns_that_differ_are_named(tmp_path: Path) -> None:
    """KeyCRM changed a payment that one of the books missed, and has an order that the other one missed."""
    lived, fresh = lived_books(tmp_path / "lived"), books_in(tmp_path / "fresh")
    fresh.order(2, payments=[payment_payload(7, 90)])
    fresh.load()
    lived.order(3)
    lived.load()
    rows = found(lived, fresh)
    assert rows["raw.orders"] == ["2: payload, payload_hash", "3: only in the year's books"]
    assert rows["accounting.order_payments"] == ["2, 7: amount"]
    assert rows["accounting.orders"][-1] == "3: only in the year's books"


def test_a_version_that_is_lost_is_named(tmp_path: Path) -> None:
    """The second version says that there was a first."""
    lived, fresh = lived_books(tmp_path / "lived"), books_in(tmp_path / "fresh")
    with lived.warehouse.writing() as connection:
        connection.execute("DELETE FROM raw.order_versions")
    assert found(lived, fresh) == {"raw.order_versions": ["1: version 2 after []"]}
