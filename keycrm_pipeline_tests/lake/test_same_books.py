"""A lake and a file hold the same books, to the row and to the byte, after everything that can be done with them."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline.pipeline.catalogue import take_over_names
from keycrm_pipeline.warehouse.integrity import INTEGRITY_CHECKS, doubled_keys, offenders
from keycrm_pipeline_tests.lake.books import commands_of, everything, lake_books
from keycrm_pipeline_tests.payloads import line_payload, payment_payload
from keycrm_pipeline_tests.pipeline import compared_shop
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv, make_books, person


@pytest.fixture
def both(tmp_path: Path, catalog: str) -> tuple[Books, Books]:
    """The same account twice: with its books in a file, and in a lake."""
    for name in ("file", "lake"):
        (tmp_path / name).mkdir()
    return (
        make_books(tmp_path / "file", **compared_shop.SETTINGS),
        lake_books(tmp_path / "lake", catalog, **compared_shop.SETTINGS),
    )


def _live(books: Books) -> list[str]:
    """Loads, lets orders change and vanish, and runs every exchange; what commands print in between."""
    place = commands_of(books)
    compared_shop.fill(books)
    books.order(1, buyer=person(1), lines=[{"price": 100, "sku": "A-1", "name": "Чашка"}])
    books.order(2, buyer=person(2), lines=[{"price": 40, "name": "Чашка"}, {"price": 60, "name": "Блюдце"}])
    books.order(3, ordered_at="no day at all", created_at="neither is this")
    books.order(4, kyiv(2026, 3, 3), buyer=None, shipping={"shipping_price": 55})
    books.order(5, kyiv(2026, 3, 4), lines=[{"price": "a hundred"}])
    said = [str(books.load(MARCH_2, date(2026, 3, 5)).status)]
    books.shop.replace_order(1, {"products": [line_payload(price=120, sku="A-1", name="Чашка")]})
    books.shop.replace_order(2, {"buyer": person(7, "Інша Людина")})
    books.order(6, kyiv(2026, 3, 4), payments=[payment_payload(61, 100)])
    said.append(str(books.changes().orders_updated))
    books.shop.delete_order(4)
    books.shop.replace_order(5, {"products": [line_payload(price=100)]})
    said.append(str(books.recent().status))
    said.append(str(books.sweep().status))
    books.catalogue()
    take_over_names(books.workspace, now=books.now)
    books.sync("order", 6)
    books.load(MARCH_2)
    books.rebuild()
    for command in (
        ("status",),
        ("review",),
        ("review", "--json"),
        ("export", "--from", "2026-03-01", "--to", "2026-03-31"),
        ("export", "--format", "commerceml", "--from", "2026-03-01", "--to", "2026-03-31"),
        ("report", "--from", "2026-03-01", "--to", "2026-03-31"),
        ("month", "2026-03"),
        ("reconcile", "--month", "2026-03"),
        ("rebuild", "--dry-run"),
    ):
        result = place.run(*command, "--profile", "shop")
        assert result.exception is None or isinstance(result.exception, SystemExit), command
        said += [
            f"{command}: {result.exit_code}",
            *result.output.replace(str(books.directory), "").splitlines(),
        ]
    return said


def _files(books: Books) -> dict[str, str]:
    """What was handed over, and the report without the name of the database and the time at which it was made."""
    return {
        str(path.relative_to(books.directory)): re.sub(
            r"shop\.(lake|duckdb)|\d\d:\d\d(:\d\d)?", "", path.read_text("utf-8")
        )
        if path.suffix == ".html"
        else path.read_text("utf-8")
        for folder in ("exports", "reports")
        for path in sorted((books.directory / folder).rglob("*"))
        if path.suffix in (".csv", ".xml", ".html")
    }


def test_lake_and_file_hold_the_same_books(both: tuple[Books, Books]) -> None:
    """Every row of every table and view, every figure that a command prints, and the files that are handed over."""
    file, lake = both
    of_file, of_lake = (_live(books) for books in both)
    space = ("Database ", "Dagster's history ", "The books are in a lake")
    assert [line for line in of_lake if not line.startswith(space)] == [
        line for line in of_file if not line.startswith(space)
    ]
    expected, found = everything(file), everything(lake)
    assert len(expected["accounting.orders"]) >= 10
    for name, rows in expected.items():
        assert found[name] == rows, name
    assert _files(lake) == _files(file)
    assert not lake.warehouse.path.exists()
    # Of such a shop one check has something to say, of both in the same way.
    wrong = []
    for books in both:
        with books.warehouse.reading() as connection:
            wrong.append({check: offenders(connection, check, status_ids=None) for check in INTEGRITY_CHECKS})
            assert doubled_keys(connection) == {}
    assert wrong[0] == wrong[1]
    assert wrong[0]["sums"] == wrong[0]["lines_once"] == wrong[0]["references_exist"] == []
