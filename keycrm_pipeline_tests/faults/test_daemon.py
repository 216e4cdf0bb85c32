"""The whole product as `make run` starts it: a backfill that is cut off, a full queue, a command that was killed.

What is not here: commands without a page (`test_processes`), and what KeyCRM answers wrongly (`test_answers`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from keycrm_pipeline.assets.stage import STEPS
from keycrm_pipeline.automation import PROFILE_TAG, RANGE_END_TAG, RANGE_START_TAG
from keycrm_pipeline.instance import PROCESS_TAG, open_instance
from keycrm_pipeline.sandbox.payloads import buyer_payload
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline.sandbox.shop import Shop
from keycrm_pipeline_tests.exchange.bookkeeping import make_books
from keycrm_pipeline_tests.faults.scene import (
    FIRST_DAY,
    LAST_DAY,
    CommandLine,
    ServedBooks,
    WatchedApi,
    fill,
    make_order,
    order_pages,
    stored_order_pages,
)
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, Product, wait_until

NEW_YEAR = date(2026, 1, 1)
BACKFILL_DAYS = 70
"""Three runs: 31, 31 and 8 days."""

SECOND_RANGE = date(2026, 2, 1)
THIRD_RANGE = date(2026, 3, 4)
SLOWLY = 0.4
"""Longer than pages are kept to be stored together: KeyCRM's usual pace."""


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Directories of one installation; whatever runs on them is killed at the end."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    yield tmp_path
    Product(tmp_path / "home", {}).kill()


def installed(places: Path, line: CommandLine) -> Product:
    """The product on the places of a command line."""
    return Product(places / "home", line.environment())


@contextlib.contextmanager
def history() -> Iterator[dg.DagsterInstance]:
    """What Dagster has written down."""
    with open_instance() as instance:
        yield instance


def shop_of_a_winter() -> Shop:
    """70 days of orders.

    Everyone and everything is met on the first day, so that cards have the same numbers in whichever order the
    months are loaded.
    """
    shop = Shop.empty()
    order_id = 0
    for day in range(BACKFILL_DAYS):
        for _ in range(4 if NEW_YEAR + timedelta(day) < THIRD_RANGE else 20):
            order_id += 1
            shop.add_order(
                make_order(
                    order_id,
                    ordered_at=datetime(2026, 1, 1, 10, 0, tzinfo=UTC) + timedelta(day),
                    buyer=buyer_payload(
                        order_id % 4 + 1,
                        full_name=f"Покупець {order_id % 4 + 1}",
                        phone=f"+38050{order_id % 4 + 1:07d}",
                        email=None,
                    ),
                    lines=[
                        {
                            "name": f"Товар {order_id % 3}",
                            "sku": f"SKU-{order_id % 3}",
                            "price": 10 + order_id,
                            "quantity": 2,
                        }
                    ],
                )
            )
    return shop


def read_log(path: Path, columns: str) -> list[tuple[Any, ...]]:
    """The exchange log, the oldest first."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            f"SELECT {columns} FROM ops.exchanges ORDER BY started_at, exchange_id"  # noqa: S608 - ours
        ).fetchall()


class Cut:
    """Holds KeyCRM's answer to a later page of one month, so that the exchange can be cut off there.

    The first page is answered at KeyCRM's usual pace, and so it is stored before.
    """

    def __init__(self, api: WatchedApi, first_day: date) -> None:
        self._begins = f"{first_day - timedelta(days=1)} 21:59:59"
        self.reached = threading.Event()
        self.over = threading.Event()
        api.watch = self._watch

    def _watch(self, walk: str, page: int) -> None:
        # Winter: local midnight is 22:00 UTC of the day before, and the list is asked a second wider.
        if not walk.startswith(self._begins):
            return
        if page == 1:
            self.over.wait(SLOWLY)
        else:
            self.reached.set()
            self.over.wait(PATIENCE_SECONDS)


def test_backfill_goes_on_after_a_power_failure_and_after_a_stop(places: Path) -> None:
    """Everything is killed in the second month, and the daemon is stopped in the third.

    The backfill ends completed, the books equal a quiet load's, nothing blocks the queue, and no page that was stored
    is asked for again.
    """
    api = WatchedApi(shop_of_a_winter())
    last_day = NEW_YEAR + timedelta(BACKFILL_DAYS - 1)
    clean = make_books(places, api.shop)
    with SandboxServer(clean.api) as server:
        quiet = ServedBooks(places, clean.profile, clean.shop, clean.api, url=server.url)
        assert quiet.load(NEW_YEAR, last_day).orders_created == 62 * 4 + 8 * 20
        expected = quiet.contents()

    with SandboxServer(api) as server:
        line = CommandLine(places, server.url)
        line.profile("shop", schedule={"enabled": False})
        product = installed(places, line)
        database = line.database("shop")

        power_failure = Cut(api, SECOND_RANGE)
        product.start()
        backfill = product.backfill(
            [("shop", step) for step in STEPS],
            [str(NEW_YEAR + timedelta(day)) for day in range(BACKFILL_DAYS)],
        )
        assert power_failure.reached.wait(PATIENCE_SECONDS), product.said()
        product.kill()
        power_failure.over.set()
        kept = {1: stored_order_pages(database)}

        stop = Cut(api, THIRD_RANGE)
        product.start()
        assert stop.reached.wait(PATIENCE_SECONDS), product.said()
        os.kill(product.daemon(), signal.SIGTERM)
        stop.over.set()
        assert product.wait() == 1
        assert "The daemon ended by itself" in product.said()
        kept[2] = stored_order_pages(database)

        product.start()
        with history() as instance:
            wait_until(lambda: _status(instance, backfill) != "REQUESTED", "the backfill ends")
            assert _status(instance, backfill) == "COMPLETED_SUCCESS"
            runs = [record.dagster_run for record in instance.get_run_records()]
            slots = instance.event_log_storage.get_concurrency_info("keycrm_shop")
        product.kill()

    assert ServedBooks(places / "data", clean.profile, clean.shop, clean.api).contents() == expected
    # Three ranges; those that were cut off were done by a second run each.
    assert sorted(run.tags[RANGE_START_TAG] for run in runs if run.is_success) == [
        str(NEW_YEAR),
        str(SECOND_RANGE),
        str(THIRD_RANGE),
    ]
    assert all(run.is_finished for run in runs)
    # The run of the third may have come to its end while the product was stopping.
    assert len(runs) in (4, 5)
    assert (slots.active_slot_count, slots.pending_step_count) == (0, 0)
    asked = order_pages(api)
    assert all(kept.values())
    for walk, page in kept[1] | kept[2]:
        assert asked.count((walk, page)) == 1, (walk, page)
    assert [(status, seen) for status, seen in read_log(database, "status, orders_seen")] == [
        ("succeeded", 31 * 4),
        ("succeeded", 31 * 4),
        ("succeeded", 8 * 20),
    ]


def _status(instance: dg.DagsterInstance, backfill: str) -> str:
    found = instance.get_backfill(backfill)
    assert found is not None
    return found.status.value


class Meeting:
    """KeyCRM's first answers to two shops, each held back until the other has been asked, too."""

    def __init__(self, *apis: WatchedApi) -> None:
        self._barrier = threading.Barrier(len(apis))
        self.happened = threading.Event()
        for api in apis:
            api.watch = self._watch

    def _watch(self, _walk: str, page: int) -> None:
        if page == 1 and not self.happened.is_set():
            self._barrier.wait(PATIENCE_SECONDS)
            self.happened.set()


def test_ten_queued_runs_of_two_shops_and_a_killed_command(places: Path) -> None:
    """Ten runs are launched from the page, two loads by command, and a third command is killed.

    Runs of one shop never meet, the shops run side by side, all succeed, and nothing waits for the dead one until
    tomorrow.
    """
    names = ("shop", "other", "dead")
    with contextlib.ExitStack() as stack:
        apis, servers = [], []
        for _ in names:
            shop = Shop.empty()
            fill(shop, 60)
            apis.append(WatchedApi(shop))
            servers.append(stack.enter_context(SandboxServer(apis[-1])))
        line = CommandLine(places, servers[0].url)
        stack.callback(line.end)
        for name, server in zip(names, servers, strict=True):
            line.profile(name, base_url=server.url, schedule={"enabled": False})
        product = installed(places, line)
        product.start()

        meeting = Meeting(apis[0], apis[1])
        asks, is_over = threading.Event(), threading.Event()
        stack.callback(is_over.set)

        def hold(_walk: str, _page: int) -> None:
            asks.set()
            is_over.wait(PATIENCE_SECONDS)

        apis[2].watch = hold
        commands = [line.start_load(name) for name in names]
        period = {RANGE_START_TAG: str(FIRST_DAY), RANGE_END_TAG: str(LAST_DAY)}
        launched = {
            name: [
                product.launch(f"{name}_{job}", period if job == "load" else {})
                for job in ("load", "rebuild", "recent", "rebuild", "rebuild")
            ]
            for name in ("shop", "other")
        }
        assert asks.wait(PATIENCE_SECONDS), product.said()
        with history() as instance:
            # Commands look for dead ones when they begin: here the page alone is to do it.
            wait_until(lambda: len(_of_commands(instance)) == len(commands), "all commands have begun")
            commands[2].kill()
            commands[2].communicate()
            is_over.set()
            waiting = product.launch("dead_load", period)
            printed = [command.communicate() for command in commands[:2]]
            assert all('"status": "succeeded"' in output for output, _ in printed), printed
            expected = [*launched["shop"], *launched["other"], waiting]
            wait_until(lambda: _unfinished(instance) == 0, "the queue is empty")
            records = {record.dagster_run.run_id: record for record in instance.get_run_records()}
            assert [records[run_id].dagster_run.status.value for run_id in expected] == ["SUCCESS"] * 11
            (dead,) = [run for run in _of_commands(instance) if run.tags[PROFILE_TAG] == "dead"]
            assert dead.status == dg.DagsterRunStatus.FAILURE
        product.kill()

    assert meeting.happened.is_set()
    for name in ("shop", "other"):
        runs = sorted(
            (records[run_id].start_time or 0, records[run_id].end_time or 0) for run_id in launched[name]
        )
        log = read_log(line.database(name), "started_at, finished_at, status")
        assert [status for *_, status in log] == ["succeeded"] * 6
        for spans in (runs, [(started, finished) for started, finished, _ in log]):
            assert all(ended <= began for (_, ended), (began, _) in pairwise(spans)), spans
    first, second = (
        read_log(line.database(name), "started_at, finished_at")[0] for name in ("shop", "other")
    )
    assert max(first[0], second[0]) < min(first[1], second[1])
    assert [status for (status,) in read_log(line.database("dead"), "status")] == ["failed", "succeeded"]


def _of_commands(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return [
        record.dagster_run for record in instance.get_run_records() if PROCESS_TAG in record.dagster_run.tags
    ]


def _unfinished(instance: dg.DagsterInstance) -> int:
    return sum(not record.dagster_run.is_finished for record in instance.get_run_records())
