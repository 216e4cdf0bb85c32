"""The copy for readers: whole at any moment, kept open while loads run, replaced when there is news."""

from __future__ import annotations

import contextlib
import logging
import signal
import stat
import subprocess
import sys
from collections import namedtuple
from datetime import date
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline import books_of
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.errors import NeverPublishedError, PublicationError
from keycrm_pipeline.warehouse.publication import publish
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books

_PUBLISH = """
import os, shutil, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse import publication

def killed(*_arguments):
    os.kill(os.getpid(), signal.SIGKILL)

def half(source, target):
    content = Path(source).read_bytes()
    Path(target).write_bytes(content[: len(content) // 2])
    killed()

moment = sys.argv[3]
if moment == "half":
    shutil.copyfile = half
elif moment == "complete":
    publication._write_through = killed
else:
    calls = []
    publication._write_through = lambda path: killed() if calls else calls.append(path)
publication.publish(Warehouse(Path(sys.argv[1]), "Europe/Kyiv"), Path(sys.argv[2]))
"""


_DASHBOARD = """
import sys, duckdb
def count(connection):
    print(connection.execute("SELECT count(*) FROM accounting.orders").fetchone()[0], flush=True)
connection = duckdb.connect(sys.argv[1], read_only=True)
count(connection)
sys.stdin.readline()
count(connection)
sys.stdin.readline()
connection.close()
count(duckdb.connect(sys.argv[1], read_only=True))
"""


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Books with an order, whose profile publishes."""
    books = make_books(tmp_path, publish=True)
    books.order(1)
    books.load()
    return books


def published_orders(books: Books) -> list[int]:
    read = books_of(books.workspace, published=True).arrow("accounting.orders", columns=["order_id"])
    return sorted(read["order_id"].to_pylist())


def test_the_copy_holds_everything(books: Books) -> None:
    """Every table and every view, as in the file that loads write; readable by its owner alone."""
    copy = books.workspace.published
    assert copy == books.directory / "shop.published.duckdb"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    names = [table.qualified_name for table in TABLES]
    with books.warehouse.reading() as connection:
        names += [
            f"{schema}.{view}"
            for schema, view in connection.execute(
                "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
            ).fetchall()
        ]
        of_the_books = {
            name: sorted(map(repr, connection.execute(f"FROM {name}").fetchall())) for name in names
        }
    with contextlib.closing(duckdb.connect(str(copy), read_only=True)) as connection:
        connection.execute("SET TimeZone = 'Europe/Kyiv'")
        of_the_copy = {
            name: sorted(map(repr, connection.execute(f"FROM {name}").fetchall())) for name in names
        }
    assert of_the_copy == of_the_books
    assert len(of_the_books["accounting.orders"]) == 1


def test_a_reader_keeps_it_open_while_loads_run(books: Books) -> None:
    """What a dashboard needs: it stops no load, waits for none, and never sees half of one."""
    assert published_orders(books) == [1]
    with subprocess.Popen(
        [sys.executable, "-c", _DASHBOARD, str(books.workspace.published)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as dashboard:
        assert dashboard.stdout is not None
        assert dashboard.stdin is not None
        assert dashboard.stdout.readline() == "1\n"
        books.order(2)
        books.load()
        with books.warehouse.writing():
            # In the middle of a load: the file itself is closed to everybody.
            assert published_orders(books) == [1, 2]
        dashboard.stdin.write("again\n")
        dashboard.stdin.flush()
        assert dashboard.stdout.readline() == "1\n"
        printed, _ = dashboard.communicate("open it again\n")
        assert printed == "2\n"


def test_it_is_replaced_when_there_is_news_and_only_then(books: Books) -> None:
    """A pass that finds nothing, every few minutes, copies nothing."""
    copy = books.workspace.published
    first = copy.stat().st_ino
    books.changes()
    assert copy.stat().st_ino == first
    books.order(2)
    books.changes()
    second = copy.stat().st_ino
    assert second != first
    assert published_orders(books) == [1, 2]


def test_without_the_setting_there_is_none(tmp_path: Path) -> None:
    """Nobody's disk is filled with a second file that nobody reads."""
    books = make_books(tmp_path)
    books.order(1)
    books.load()
    assert not books.workspace.published.exists()
    with pytest.raises(NeverPublishedError, match=r"publish: true"):
        published_orders(books)


def test_it_is_made_at_once_after_the_setting_was_added(tmp_path: Path) -> None:
    """The next pass makes it, although it finds nothing new."""
    books = make_books(tmp_path)
    books.order(1)
    books.load()
    books.changes()
    books.profile = books.profile.model_copy(update={"publish": True})
    books.changes()
    assert published_orders(books) == [1]


@pytest.mark.parametrize(("moment", "orders"), [("half", [1]), ("complete", [1]), ("replaced", [1, 2])])
def test_killed_at_any_moment_it_leaves_a_whole_copy(books: Books, moment: str, orders: list[int]) -> None:
    """The earlier one or the new one; what the killed process left is removed by the next exchange."""
    copy = books.workspace.published
    books.profile = books.profile.model_copy(update={"publish": False})
    books.order(2)
    books.load()
    done = subprocess.run(
        [sys.executable, "-c", _PUBLISH, str(books.workspace.database), str(copy), moment],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert published_orders(books) == orders
    left = [path for path in copy.parent.iterdir() if path.name.startswith(f".{copy.name}.")]
    assert len(left) == (0 if moment == "replaced" else 1)
    publish(open_warehouse(books.workspace), copy)
    assert published_orders(books) == [1, 2]
    assert [path for path in copy.parent.iterdir() if path.name.startswith(f".{copy.name}.")] == []


def test_a_disk_without_room_keeps_the_earlier_copy(
    books: Books, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The exchange has succeeded; the run says what was not done and what that needs."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: usage(100, 99, 1))
    size = round(books.workspace.database.stat().st_size / 1e6)
    with pytest.raises(PublicationError, match=f"no {size} MB free for a copy"):
        publish(open_warehouse(books.workspace), books.workspace.published)
    books.order(2)
    with caplog.at_level(logging.WARNING):
        assert books.load().status == "succeeded"
    assert "could not be made" in caplog.text
    assert published_orders(books) == [1]
    monkeypatch.undo()
    books.load(date(2026, 3, 3))
    assert published_orders(books) == [1, 2]


def test_a_copy_of_an_earlier_version_is_read_as_it_is(books: Books) -> None:
    """After an upgrade it waits for the next exchange: whoever has it open must not see it change."""
    copy = books.workspace.published
    with contextlib.closing(duckdb.connect(str(copy))) as connection:
        connection.execute("DROP VIEW reports.sales_by_day")
    before = copy.read_bytes()
    assert published_orders(books) == [1]
    assert copy.read_bytes() == before
