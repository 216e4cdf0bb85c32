"""Moving books from a file to a lake and back."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline.profile import load_profile
from keycrm_pipeline.run.errors import BooksMovedError
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.commands.place import Place
from keycrm_pipeline_tests.lake.books import LakeBooks, commands_of, everything
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv, make_books
from keycrm_pipeline_tests.postgres import query


@pytest.fixture
def books(tmp_path: Path, catalog: str) -> LakeBooks:
    """Books in a file, of three orders and three rejected ones, in an installation that has a lake."""
    file = make_books(tmp_path)
    for order_id in (1, 2, 3):
        file.order(order_id, kyiv(2026, 3, 2 + order_id % 2))
        file.order(10 + order_id, lines=[{"price": "much"}])
    file.load(MARCH_2, date(2026, 3, 4))
    return LakeBooks(
        tmp_path, file.profile, file.shop, file.api, file.now, catalog=catalog, place=str(tmp_path / "lakes")
    )


@pytest.fixture
def place(books: LakeBooks) -> Place:
    """Where commands find them."""
    return commands_of(books)


def _now_in(books: LakeBooks, place: Place) -> LakeBooks:
    """The books where the profile says that they are."""
    settings = books.settings
    profile = load_profile("shop", type(settings)(place.directory / "profiles", settings.data_directory))
    return LakeBooks(
        books.directory, profile, books.shop, books.api, books.now, catalog=books.catalog, place=books.place
    )


def test_moves_there_and_back(books: LakeBooks, place: Place) -> None:
    """Every row arrives, the profile says where, exchanges go on there, and the old books stay as they were."""
    before = everything(books)
    path = books.warehouse.path
    content = path.read_bytes()
    result = place.run("move", "--to", "lake", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.output)
    assert (said["old"], said["new"]) == (str(path), f"{books.place}/shop/")
    assert said["copied"]["rows"] > 20
    moved = _now_in(books, place)
    assert moved.profile.database == "lake"
    assert everything(moved) == before
    assert path.read_bytes() == content
    moved.order(4)
    assert moved.load().orders_created == 1
    after = everything(moved)

    # The file of before is in the way.
    result = place.run("move", "--to", "file")
    assert result.exit_code == 1
    assert f"There are books in {path} already. Rename the file" in result.output
    assert everything(moved) == after
    path.rename(path.with_name("shop.before.duckdb"))
    result = place.run("move", "--to", "file")
    assert result.exit_code == 0, result.output
    assert "equal in number and content" in result.output
    back = _now_in(books, place)
    assert back.profile.database is None
    assert everything(back) == after
    back.order(5)
    assert back.load().orders_created == 1
    assert everything(moved) == after


def test_a_load_that_waited_meanwhile_writes_nothing(books: LakeBooks, place: Place) -> None:
    """It was started with the old place: neither there, where nobody looks any more, nor half in both."""
    content = books.warehouse.path.read_bytes()
    (books.settings.profiles_directory / "shop.yaml").symlink_to(place.directory / "profiles" / "shop.yaml")
    assert place.run("move", "--to", "lake").exit_code == 0
    books.order(4)
    # What has waited has the profile with which it was started.
    assert not books.profile.is_in_lake
    with pytest.raises(BooksMovedError, match=r"The books of shop were moved .* start it again"):
        Books(books.directory, books.profile, books.shop, books.api, books.now).load()
    assert books.warehouse.path.read_bytes() == content
    assert _now_in(books, place).load().orders_created == 1


def test_tables_and_columns_of_the_user_come_along(books: LakeBooks, place: Place) -> None:
    """What a person has added to the file is not lost."""
    with books.warehouse.writing() as connection:
        connection.execute("CREATE TABLE main.notes AS SELECT 1 AS order_id, 'call back' AS note")
        connection.execute("ALTER TABLE accounting.partners ADD COLUMN mood VARCHAR DEFAULT 'good'")
    assert place.run("move", "--to", "lake").exit_code == 0
    moved = _now_in(books, place)
    assert moved.query("FROM main.notes") == [(1, "call back")]
    assert set(moved.query("SELECT mood FROM accounting.partners")) == {("good",)}


def test_refusals_change_nothing(place: Place, catalog: str) -> None:
    """Books that are there already, a copy for readers, a lake that nobody has set up or that is unreachable."""
    profile = place.directory / "profiles" / "shop.yaml"
    text = profile.read_text("utf-8")

    def refused(*arguments: str) -> str:
        result = place.run("move", *arguments)
        assert result.exit_code in (1, 2)
        return str(result.output)

    assert "The books of shop are in a file already." in refused("--to", "file")
    profile.write_text(text + "publish: true\n", "utf-8")
    assert "a lake has no copy" in refused("--to", "lake")
    profile.write_text(text, "utf-8")
    for words, expected in (
        ("", "KEYCRM_LAKE_CATALOG is not set"),
        (f"{catalog} password=secret", "KEYCRM_LAKE_CATALOG holds a password; set it as PGPASSWORD"),
        ("postgresql://db.example/books", "KEYCRM_LAKE_CATALOG is an address; write it as words of libpq"),
        ("host=127.0.0.1 port=1 dbname=books", "cannot be used"),
    ):
        place.variables["KEYCRM_LAKE_CATALOG"] = words
        said = refused("--to", "lake")
        assert expected in said
        assert "secret" not in said
    assert profile.read_text("utf-8") == text
    assert query(catalog, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'") == [(0,)]


def test_copy_that_differs_is_undone(books: LakeBooks, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that does not arrive as it was leaves the lake empty and the profile with its file."""

    def losing(file: str, name: str) -> str:
        text = statement(file, name)
        return (
            text.replace(" FROM {old}", " FROM {old} WHERE hash({columns}) % 2 = 0")
            if name == "copy"
            else text
        )

    monkeypatch.setattr("keycrm_pipeline.warehouse.moving.statement", losing)
    result = place.run("move", "--to", "lake")
    assert result.exit_code == 1
    assert "was not the same after it was copied" in result.output
    monkeypatch.undo()
    assert "database" not in (place.directory / "profiles" / "shop.yaml").read_text("utf-8")
    assert place.run("move", "--to", "lake").exit_code == 0
    assert everything(_now_in(books, place)) == everything(books)


def test_books_type(books: LakeBooks) -> None:
    """The fixture's books are in a file until they are moved."""
    assert isinstance(books, Books)
    assert open_warehouse(books.workspace).lake is None
