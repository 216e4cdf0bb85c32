"""Real commands that are killed, or meet each other: the next load equals a clean one."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.run.errors import StoppedError
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import (
    FIRST_DAY,
    LAST_DAY,
    NOON,
    CommandLine,
    Kill,
    command_line,
    kill,
    make_order,
    order_pages,
    read_contents,
    read_log,
    stored_order_pages,
)
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books, person
from keycrm_pipeline_tests.product import PATIENCE_SECONDS
from keycrm_pipeline_tests.scripted_api import ScriptedApi

pytestmark = pytest.mark.process

SECONDS_OF_A_STAGE = {"raw_orders": 1.5, "changes": 1.5, "rebuild": 0.8}
"""How long after its beginning a stage may be killed: it then is at work, or the next one has begun."""

SECONDS_OF_OTHER_STAGES = 0.4


def random_kills(dice: random.Random, *stages: tuple[str, str]) -> list[Kill]:
    """One kill at a random moment of each (command, stage)."""
    return [
        Kill(command, stage, dice.uniform(0, SECONDS_OF_A_STAGE.get(stage, SECONDS_OF_OTHER_STAGES)))
        for command, stage in stages
    ]


def change_the_shop(shop: EditableShop) -> None:
    """Orders of all days change, one comes late, and one has a buyer and a product that nobody knows yet."""
    for order_id in range(1, 61):
        shop.replace_order(order_id, {"manager_comment": "Подзвонити", "status_id": 4})
    shop.add_order(make_order(301, ordered_at=NOON - timedelta(days=20)))
    shop.add_order(
        make_order(
            302,
            buyer=person(99, "Нова Покупчиня", "+380671112233"),
            lines=[{"name": "Новий товар", "sku": "SKU-99", "price": 15, "quantity": 1}],
        )
    )


def kill_again_and_again(line: CommandLine, api: ScriptedApi, profile: str, kills: Sequence[Kill]) -> int:
    """Kills commands one after another; how many of them were alive until then.

    After each death no page that was stored before may have been asked for again.
    """
    killed = 0
    for when in kills:
        stored = stored_order_pages(line.database(profile))
        api.forget_requests()
        killed += kill(line, profile, when)
        assert not stored & set(order_pages(api)), when
    return killed


def survives(
    line: CommandLine,
    api: ScriptedApi,
    profile: str,
    loads: Sequence[Kill],
    passes: Sequence[Kill],
    books: Books,
) -> int:
    """A life of kills: the load ends as a quiet one, then what changed is picked up as by a quiet pass.

    Returns:
        How many commands were killed.
    """
    killed = kill_again_and_again(line, api, profile, loads)
    stored = stored_order_pages(line.database(profile))
    api.forget_requests()
    printed = line.load(profile)
    assert printed["status"] == "succeeded", printed
    assert not stored & set(order_pages(api))
    books.load(FIRST_DAY, LAST_DAY)
    assert read_contents(line.database(profile)) == read_contents(books.warehouse.path)

    change_the_shop(api.shop)
    killed += kill_again_and_again(line, api, profile, passes)
    printed = line.run("changes", profile)
    assert printed["status"] == "succeeded", printed
    books.changes()
    assert read_contents(line.database(profile)) == read_contents(books.warehouse.path)

    with duckdb.connect(str(line.database(profile)), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM ops.extraction_pages").fetchall() == [(0,)]
        log = connection.execute("SELECT status, error FROM ops.exchanges ORDER BY exchange_id").fetchall()
    assert log[-1] == ("succeeded", None)
    # A command may die before its exchange begins, or after it has ended.
    failed = [str(error) for status, error in log if status == "failed"]
    assert all("killed" in error for error in failed), failed
    assert len(log) - 2 - killed <= len(failed) <= killed
    assert {status for status, _ in log} == {"failed", "succeeded"}
    return killed


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Killed with -9 wherever it is: the next load's books are right, and no page that was stored is asked again.

    The killed exchanges read failed, and none of their runs is left to hold up the queue.
    """
    dice = random.Random(20260302)
    derived = dice.sample([stage.name for stage in STAGES[1:]], 3)
    loads = random_kills(dice, ("load", "raw_orders"), *(("load", stage) for stage in derived))
    passes = random_kills(dice, ("changes", "changes"), ("rebuild", "rebuild"))
    with command_line(tmp_path) as (line, api):
        line.profile("shop")
        (tmp_path / "quiet").mkdir()
        books = make_books(tmp_path / "quiet", api.shop)
        assert survives(line, api, "shop", loads, passes, books) >= len(loads)
        with sqlite3.connect(tmp_path / "home" / "history" / "runs.db") as history:
            statuses = [status for (status,) in history.execute("SELECT status FROM runs")]
        # The last command has ended those that died before it.
        assert set(statuses) == {"FAILURE", "SUCCESS"}


def test_stopped_at_random_moments(tmp_path: Path) -> None:
    """Ctrl-C, SIGTERM, and both in a row, wherever it is: the log says that it was stopped, and nothing is lost."""
    dice = random.Random(20260402)
    stages = [("load", "raw_orders"), ("load", "partners"), ("load", "products"), ("load", "orders")]
    ways = [(signal.SIGINT,), (signal.SIGTERM,), (signal.SIGINT, signal.SIGTERM)]
    stopped = 0
    with command_line(tmp_path) as (line, _api):
        line.profile("shop")
        for number, when in enumerate(random_kills(dice, *stages, ("rebuild", "rebuild"))):
            stopped += kill(line, "shop", replace(when, signals=ways[number % len(ways)]))
        assert stopped >= len(stages)
        ended = {(status, error) for status, error in read_log(line.database("shop"), "status, error")}
        assert ended - {("succeeded", None)} == {("failed", str(StoppedError()))}
        assert line.load("shop")["status"] == "succeeded"


def test_two_loads_of_one_profile_at_the_same_time(tmp_path: Path) -> None:
    """The second waits, says who is working, and then finds everything loaded."""
    with command_line(tmp_path) as (line, api):
        line.profile("shop")
        first_asks = threading.Event()
        second_waits = threading.Event()

        def hold(_page: int, path: str) -> None:
            if path == "/order":
                first_asks.set()
                second_waits.wait(PATIENCE_SECONDS)

        api.faults.on_page = hold
        first = line.start_load("shop")
        assert first_asks.wait(PATIENCE_SECONDS)
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


MARKS = ("0671234509", "671234509", "Маркуша", "markusha", "МАРКУША", "КЛЮЧ-9f1e", "key-9f1e7c")


def test_nothing_of_a_person_or_the_key_leaves_the_database(tmp_path: Path) -> None:
    """Everything written outside the DuckDB file is searched: output, Dagster's history, its logs.

    Of a load that meets broken answers and fails when its key is refused, and of one that succeeds.
    """
    person = {
        "buyer": {
            "id": 1,
            "full_name": "Маркуша Ім'я'); DROP TABLE accounting.orders; --\x01\x1b[31m",
            "phone": "+380671234509",
            "email": "markusha@example.com",
        },
        "buyer_comment": "Дзвоніть Маркуші 0671234509",
    }

    def prepare(shop: EditableShop) -> None:
        shop.add_order(make_order(1, **person))
        # Rejected: its payload is reported in words, and the words must not repeat it.
        shop.add_order(make_order(2, **person, grand_total="Маркуша 0671234509"))
        shop.add_order(make_order(3, **person, ordered_at="Маркуша 0671234509"))

    with command_line(tmp_path, 20, prepare=prepare) as (line, api):
        line.key = "key-9f1e7c-Markusha"
        line.profile("shop")
        days = ("--profile", "shop", "--from", "2026-03-01", "--to", "2026-03-05")
        api.faults.update({"html_pages": 1, "cut_off_bodies": 1, "key_revoked_after": 3})
        said = [*line.start("load", *days, "--json").communicate()]
        assert '"status": "failed"' in said[0]
        said += line.start("status", "--profile", "shop").communicate()
        api.faults.clear()
        said += line.start("load", *days).communicate()
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
