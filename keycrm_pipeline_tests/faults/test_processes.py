"""Real commands that are killed, or meet each other: the next load equals a clean one."""

from __future__ import annotations

import random
import sqlite3
import threading
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline_tests.faults.scene import LAST_DAY, command_line, read_contents

KILLS_WHILE_FETCHING = (2, 7, 9)
"""Requests during which the process dies: of a reference list, of an early and of a late page of orders."""

KILLS_WHILE_DERIVING = 3


def test_killed_at_every_stage(tmp_path: Path) -> None:
    """Killed with -9 while fetching and while deriving: the books are right and each killed exchange reads failed."""
    with command_line(tmp_path) as (line, api):
        line.profile("clean")
        line.profile("shop")
        assert line.load("clean")["status"] == "succeeded"
        clean = read_contents(line.database("clean"))
        seconds = random.Random(20260302)
        kills = [
            *((request, 0.0) for request in KILLS_WHILE_FETCHING),
            *((9, seconds.uniform(0.02, 0.6)) for _ in range(KILLS_WHILE_DERIVING)),
        ]
        api.forget_requests()
        for at_request, delay in kills:
            asked = threading.Event()
            count = api.request_count + at_request

            def notice(_page: int, _path: str, count: int = count, asked: threading.Event = asked) -> None:
                if api.request_count >= count:
                    asked.set()

            api.faults.on_page = notice
            process = line.start_load("shop")
            # A load that needs fewer requests, because pages are kept, is killed a little later than it asks.
            asked.wait(timeout=4)
            threading.Event().wait(delay)
            process.kill()
            process.communicate()
        api.faults.on_page = None
        printed = line.load("shop")
        assert printed["status"] == "succeeded", printed
        assert read_contents(line.database("shop")) == clean
        with duckdb.connect(str(line.database("shop")), read_only=True) as connection:
            log = connection.execute(
                "SELECT status, error FROM ops.exchanges ORDER BY exchange_id"
            ).fetchall()
        assert log[-1] == ("succeeded", None)
        assert {status for status, _ in log[:-1]} <= {"failed", "succeeded"}
        assert any("killed" in str(error) for status, error in log if status == "failed")
        # The books say what Dagster says: no run is left that holds the queue.
        end = line.start("status", "--profile", "shop", "--json")
        assert '"status": "succeeded"' in end.communicate()[0]


def test_two_loads_of_one_profile_at_the_same_time(tmp_path: Path) -> None:
    """The second waits, says who is working, and then finds everything loaded."""
    with command_line(tmp_path) as (line, api):
        line.profile("shop")
        first_asks = threading.Event()
        second_waits = threading.Event()

        def hold(_page: int, path: str) -> None:
            if path == "/order":
                first_asks.set()
                second_waits.wait(timeout=30)

        api.faults.on_page = hold
        first = line.start_load("shop")
        assert first_asks.wait(timeout=60)
        second = line.start(
            "load", "--profile", "shop", "--from", str(LAST_DAY), "--to", str(LAST_DAY)
        )  # fmt: skip
        assert second.stderr is not None
        said = ""
        for text in second.stderr:
            said = text
            if "waiting" in text:
                break
        second_waits.set()
        assert str(first.pid) in said
        assert '"status": "succeeded"' in first.communicate()[0]
        second.communicate()
        assert second.returncode == 0
        with duckdb.connect(str(line.database("shop")), read_only=True) as connection:
            log = connection.execute(
                "SELECT status, finished_at, started_at, orders_created FROM ops.exchanges ORDER BY exchange_id"
            ).fetchall()
        assert [row[0] for row in log] == ["succeeded", "succeeded"]
        assert log[1][2] >= log[0][1]
        assert [row[3] for row in log] == [160, 0]


def test_two_profiles_side_by_side(tmp_path: Path) -> None:
    """One profile does not wait for another: both ask at the same moment."""
    with command_line(tmp_path) as (line, api):
        line.profile("shop")
        line.profile("other")
        together = threading.Event()
        asked: list[str] = []

        def meet(_page: int, path: str) -> None:
            if path == "/order/status":
                asked.append(path)
                if len(asked) == 2:
                    together.set()
                together.wait(timeout=20)

        api.faults.on_page = meet
        processes = [line.start_load(name) for name in ("shop", "other")]
        printed = [process.communicate() for process in processes]
        assert all('"status": "succeeded"' in output for output, _ in printed), printed
        assert together.is_set()
        assert read_contents(line.database("shop")) == read_contents(line.database("other"))


MARKS = ("0671234509", "671234509", "Маркуша", "markusha", "МАРКУША", "КЛЮЧ-9f1e", "key-9f1e7c")


@pytest.mark.parametrize("fault", ["none", "cut_off_bodies"])
def test_nothing_of_a_person_or_the_key_leaves_the_database(tmp_path: Path, fault: str) -> None:
    """Everything written outside the DuckDB file is searched: output, Dagster's history, its logs."""
    person = {
        "buyer": {
            "id": 1,
            "full_name": "Маркуша Ім'я'); DROP TABLE accounting.orders; --\x01\x1b[31m",
            "phone": "+380671234509",
            "email": "markusha@example.com",
        },
        "buyer_comment": "Дзвоніть Маркуші 0671234509",
    }

    def prepare(shop: object) -> None:
        from keycrm_pipeline.sandbox.shop import Shop
        from keycrm_pipeline_tests.faults.scene import make_order

        assert isinstance(shop, Shop)
        shop.add_order(make_order(1, **person))
        # Rejected: its payload is told in words, and the words must not repeat it.
        shop.add_order(make_order(2, **person, grand_total="Маркуша 0671234509"))
        shop.add_order(make_order(3, **person, ordered_at="Маркуша 0671234509"))

    with command_line(tmp_path, 20, prepare=prepare) as (line, api):
        line.key = "key-9f1e7c-Markusha"
        line.profile("shop")
        said: list[str] = []
        if fault != "none":
            api.faults.update({"html_pages": 1, "cut_off_bodies": 1, "key_revoked_after": 8})
        for arguments in (
            ["load", "--from", "2026-03-01", "--to", "2026-03-05", "--json"],
            ["load", "--from", "2026-03-01", "--to", "2026-03-05"],
            ["status"],
        ):
            said += line.start(arguments[0], "--profile", "shop", *arguments[1:]).communicate()
        if fault == "none":
            with duckdb.connect(str(line.database("shop")), read_only=True) as connection:
                names = connection.execute("SELECT name FROM accounting.partners").fetchall()
            # A name is a name, whatever is in it.
            assert any("DROP TABLE" in name for (name,) in names)
        for path in sorted((tmp_path / "home").rglob("*")):
            if path.suffix == ".db" or path.name.endswith(".sqlite"):
                with sqlite3.connect(path) as history:
                    said += list(history.iterdump())
            elif path.is_file():
                said.append(path.read_bytes().decode("utf-8", errors="replace"))
        everything = "\n".join(said)
        assert "raw_orders" in everything
        # An escaped text is a text too.
        spellings = [
            *MARKS,
            *(mark.encode("unicode_escape").decode() for mark in MARKS if not mark.isascii()),
        ]
        found = {line for line in everything.splitlines() for mark in spellings if mark in line}
        assert found == set()
