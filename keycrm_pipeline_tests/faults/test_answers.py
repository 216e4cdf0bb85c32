"""KeyCRM misbehaves during a load: the books come out as from a quiet one, or the next load makes them so."""

from __future__ import annotations

import multiprocessing
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keycrm_pipeline.crm.errors import AuthenticationError, TransportFailure
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DatabaseBusyError, DiskFullError
from keycrm_pipeline_tests.faults.scene import (
    FIRST_DAY,
    LAST_DAY,
    Contents,
    PlainBooks,
    ServedBooks,
    make_order,
    read_contents,
    served_books,
)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a load without any fault makes of the shop."""
    with served_books(tmp_path_factory.mktemp("clean")) as books:
        books.load(FIRST_DAY, LAST_DAY)
        return books.contents()


@pytest.fixture
def books(tmp_path: Path) -> Iterator[ServedBooks]:
    with served_books(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "switches",
    [
        {"too_many_requests": 3, "retry_after": 0.01},
        {"too_many_requests": 3},
        {"server_errors": 3},
        {"server_errors": 3, "server_error_status": 500},
        {"html_pages": 3},
        {"html_pages": 3, "html_status": 502},
        {"cut_off_bodies": 3},
        {"dropped_connections": 3},
        {"path_prefix": "/order", "too_many_requests": 1, "cut_off_bodies": 2, "dropped_connections": 2},
    ],
    ids=str,
)
def test_passing_faults_are_not_noticed(
    books: ServedBooks, clean: Contents, switches: dict[str, Any]
) -> None:
    """A few bad answers, of every kind: the load succeeds and the books are right to the kopiyka."""
    books.api.faults.update(switches)
    assert books.load(FIRST_DAY, LAST_DAY).status == "succeeded"
    assert books.contents() == clean


@pytest.mark.parametrize("fault", ["too_many_requests", "server_errors", "html_pages", "dropped_connections"])
def test_a_long_outage_is_told_and_costs_nothing(books: ServedBooks, clean: Contents, fault: str) -> None:
    """KeyCRM stays away: the load fails in words, and the next one makes the same books."""
    books.api.faults.update({fault: 100_000, "path_prefix": "/order"})
    with pytest.raises(TransportFailure):
        books.load(FIRST_DAY, LAST_DAY, run_id="away")
    failed = books.exchange("away")
    assert failed.status == "failed"
    assert failed.error
    books.api.faults.clear()
    assert books.load(FIRST_DAY, LAST_DAY).status == "succeeded"
    assert books.contents() == clean


def _order_pages(books: ServedBooks) -> list[str]:
    return sorted(
        dict(request.query)["page"]
        for request in books.api.requests
        if request.path.endswith("/order") and request.status == 200
    )


def test_key_revoked_in_the_middle(books: ServedBooks, clean: Contents) -> None:
    """The load stops and says where the key is set; with a new key no stored page is asked for again."""
    books.api.faults.on_page = lambda page, path: (
        setattr(books.api.faults, "key_revoked_after", 0) if path == "/order" and page == 3 else None
    )
    with pytest.raises(AuthenticationError):
        books.load(FIRST_DAY, LAST_DAY, run_id="refused")
    assert books.exchange("refused").status == "failed"
    books.api.faults.clear()
    assert books.load(FIRST_DAY, LAST_DAY).status == "succeeded"
    assert books.contents() == clean
    pages = _order_pages(books)
    assert len(pages) == len(set(pages)) == 4


def test_orders_move_while_the_list_is_read(books: ServedBooks) -> None:
    """One order is made, one changed and one deleted between two pages: no other order is lost for it.

    One made and one deleted at the same moment leave the total as it was: what slipped away meanwhile is found by
    the next pass that compares the days.
    """

    def meddle(page: int, path: str) -> None:
        if path == "/order" and page == 2:
            books.api.faults.on_page = None
            books.shop.add_order(make_order(900))
            books.shop.replace_order(3, {"manager_comment": "Змінено під час обміну"})
            books.shop.delete_order(5)

    books.api.faults.on_page = meddle
    books.load(FIRST_DAY, LAST_DAY)
    # What changed behind a page that was read is the matter of the changes pass.
    books.changes()
    assert books.value(3, "comment") == "Змінено під час обміну"
    books.load(FIRST_DAY, LAST_DAY)
    there = {order_id for (order_id,) in books.rows("orders", "order_id")}
    assert there - {5} == {*range(1, 161), 900} - {5}
    assert books.rows("orders", "order_id", "missing_in_crm") == ([(5,)] if 5 in there else [])
    assert books.query("SELECT sum(amount) FROM accounting.order_lines WHERE order_id NOT IN (5)") == [
        (sum(2 * (10 + order_id) for order_id in [*range(1, 161), 900] if order_id != 5),)
    ]


def test_a_page_that_shrinks(books: ServedBooks) -> None:
    """Sixty orders vanish while the list is read: those that stay are all there, none is marked unasked."""
    gone = range(20, 80)

    def meddle(page: int, path: str) -> None:
        if path == "/order" and page == 2:
            books.api.faults.on_page = None
            for order_id in gone:
                books.shop.delete_order(order_id)

    books.api.faults.on_page = meddle
    books.load(FIRST_DAY, LAST_DAY)
    there = {order_id for (order_id,) in books.rows("orders", "order_id")}
    assert there >= {*range(1, 161)} - {*gone}
    assert books.rows("orders", "order_id", "missing_in_crm") == []


@pytest.mark.parametrize("jump", [timedelta(days=400), timedelta(days=-400)], ids=["ahead", "behind"])
def test_a_clock_that_jumps_loses_no_change(books: ServedBooks, jump: timedelta) -> None:
    """This machine's clock is a year off for one pass: what changed at KeyCRM still arrives, then and later."""
    books.load(FIRST_DAY, LAST_DAY)
    books.now += jump
    books.shop.replace_order(3, {"manager_comment": "раз"})
    assert books.changes().orders_updated == 1
    books.now -= jump
    books.shop.replace_order(4, {"manager_comment": "два"})
    assert books.changes().orders_updated == 1
    assert (books.value(3, "comment"), books.value(4, "comment")) == ("раз", "два")


_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_file_held_by_another_program(books: ServedBooks, clean: Contents) -> None:
    """A notebook has the file open: whoever is waited for is named, nothing is lost, the next load is right."""
    path = books.warehouse.path
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        impatient = Warehouse(path, "Europe/Kyiv", wait_seconds=0.1, sleep=lambda _seconds: None)
        with (
            pytest.raises(DatabaseBusyError, match=re.escape("held by another program")),
            impatient.writing(),
        ):
            pass
        holder.kill()
    assert books.load(FIRST_DAY, LAST_DAY).status == "succeeded"
    assert books.contents() == clean


def _load_on_a_small_disk(directory: Path, url: str, told: Any) -> None:
    from keycrm_pipeline_tests.exchange.bookkeeping import make_books

    made = make_books(directory)
    small = PlainBooks(made.directory, made.profile, made.shop, made.api, url=url)
    # No file of this process may grow beyond this: what a full disk answers, without making one.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = small.warehouse.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, size // 2))
    try:
        small.load(FIRST_DAY, LAST_DAY)
    except DiskFullError as error:
        told.send(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it was is told to the test
        told.send(f"{type(error).__name__}: {error}")
    else:
        told.send("nothing went wrong")


def test_full_disk(books: ServedBooks, clean: Contents) -> None:
    """No room while writing: said in words, the file stays whole, and with room the next load is right."""
    receiver, sender = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_load_on_a_small_disk, args=(books.directory, books.url, sender)
    )
    process.start()
    told = receiver.recv()
    process.join()
    assert "is full" in told
    assert "load again" in " ".join(told.split())
    with duckdb.connect(str(books.warehouse.path)) as connection:
        assert connection.execute("SELECT count(*) FROM accounting.orders").fetchall() == [(0,)]
    assert books.load(FIRST_DAY, LAST_DAY).status == "succeeded"
    assert read_contents(books.warehouse.path) == clean
