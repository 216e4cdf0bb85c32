"""The single measurements. Each runs in a process of its own, so that memory and caches are its own, and prints JSON.

Usage: python -m keycrm_pipeline_tests.benchmarks.measurements NAME DIRECTORY [ARGUMENT ...].
"""

from __future__ import annotations

import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from keycrm_pipeline.pipeline import syncs
from keycrm_pipeline.pipeline.period import derive_everything
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.session import Step
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.compaction import compact_when_grown
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts, begin_exchange, finish_step
from keycrm_pipeline_tests.benchmarks.generator import orders_of_days, text

FIRST_DAY = date(2022, 1, 1)
PAGE = 50
FLUSH_PAGES = 200
"""Pages stored together when they are at hand at once."""


def _profile() -> Profile:
    return Profile(name="bench", start_date=FIRST_DAY, base_url="sandbox")


def _warehouse(directory: Path, name: str) -> Warehouse:
    return Warehouse(directory / f"{name}.duckdb", "Europe/Kyiv")


def _peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _pages(
    days: int, a_day: int, *, first_day: date = FIRST_DAY, first_id: int = 1
) -> Iterator[raw.FetchedPage]:
    """Pages of 50 as the client hands them over, decoded no further than the client does."""
    waiting: list[raw.FetchedRow] = []
    number = 0
    for offset, day in enumerate(
        orders_of_days(first_day, days, a_day, first_id=first_id, buyers=max(1, days * a_day * 2 // 5))
    ):
        for payload in day:
            waiting.append(
                raw.FetchedRow(
                    payload["id"],
                    first_day + timedelta(days=offset),
                    text(payload).encode(),
                    datetime.now(UTC),
                )
            )
            if len(waiting) == PAGE:
                number += 1
                yield raw.FetchedPage(number, days * a_day, waiting)
                waiting = []
    if waiting:
        yield raw.FetchedPage(number + 1, days * a_day, waiting)


def _begin(warehouse: Warehouse, run_id: str) -> int:
    with warehouse.writing() as connection:
        return begin_exchange(
            connection,
            profile="bench",
            run_id=run_id,
            kind="period",
            period_from=None,
            period_to=None,
            steps=["orders"],
            now=datetime.now(UTC),
        )


def _store(warehouse: Warehouse, pages: Iterator[raw.FetchedPage], exchange_id: int) -> float:
    """Stores pages and returns the seconds that storing took, without making them."""
    seconds = 0.0
    waiting: list[raw.FetchedPage] = []

    def flush() -> float:
        started = time.perf_counter()
        with warehouse.writing() as connection:
            raw.store_pages(
                connection, None, waiting, exchange_id=exchange_id, now=datetime.now(UTC), asked_day=FIRST_DAY
            )
        waiting.clear()
        return time.perf_counter() - started

    for page in pages:
        waiting.append(page)
        if len(waiting) >= FLUSH_PAGES:
            seconds += flush()
    return seconds + (flush() if waiting else 0.0)


def _derive(warehouse: Warehouse, first_day: date, last_day: date, exchange_id: int) -> float:
    started = time.perf_counter()
    with warehouse.writing() as connection:
        derive_everything(
            connection, _profile(), first_day, last_day, exchange_id=exchange_id, now=datetime.now(UTC)
        )
        finish_step(connection, exchange_id, "orders", ExchangeCounts(), now=datetime.now(UTC))
    return time.perf_counter() - started


def first_load(directory: Path, orders: int, a_day: int) -> dict[str, Any]:
    """Local work of a first load: payloads at hand to all accounting tables, validated."""
    warehouse = _warehouse(directory, f"first_{orders}")
    exchange_id = _begin(warehouse, "first")
    days = orders // a_day
    stored = _store(warehouse, _pages(days, a_day), exchange_id)
    derived = _derive(warehouse, FIRST_DAY, FIRST_DAY + timedelta(days=days - 1), exchange_id)
    return {
        "orders": orders,
        "store_seconds": stored,
        "derive_seconds": derived,
        "seconds": stored + derived,
        "megabytes": _peak_megabytes(),
        "file_megabytes": warehouse.path.stat().st_size / 1e6,
    }


def rebuild(directory: Path, orders: int) -> dict[str, Any]:
    """Rebuild of all accounting tables of a file that `first_load` made."""
    warehouse = _warehouse(directory, f"first_{orders}")
    exchange_id = _begin(warehouse, f"rebuild {time.time_ns()}")
    started = time.perf_counter()
    counts = syncs.rebuild(
        Step(exchange_id=exchange_id, warehouse=warehouse, now=datetime.now(UTC)), _profile()
    )
    return {
        "orders": orders,
        "seconds": time.perf_counter() - started,
        "megabytes": _peak_megabytes(),
        "documents_changed": counts.metadata["documents changed"],
    }


def reload_day(directory: Path, beside: int, a_day: int) -> dict[str, Any]:
    """Reload of one day of 3,000 orders, one in ten of them changed, beside `beside` stored orders."""
    warehouse = _warehouse(directory, f"first_{beside}" if beside else "alone")
    first_id = 10_000_000
    day = date(2021, 6, 1)
    exchange_id = _begin(warehouse, f"day {time.time_ns()}")
    _store(warehouse, _pages(1, a_day, first_day=day, first_id=first_id), exchange_id)
    _derive(warehouse, day, day, exchange_id)
    rounds = []
    for round_number in range(5):
        exchange_id = _begin(warehouse, f"day {round_number} {time.time_ns()}")
        changed = [
            raw.FetchedPage(
                page.page,
                page.total,
                [
                    raw.FetchedRow(
                        row.order_id,
                        row.order_day,
                        row.payload.replace(
                            "Подзвоніть перед".encode(), f"Змінено {round_number}, перед".encode()
                        )
                        if row.order_id is not None and row.order_id % 10 == round_number
                        else row.payload,
                        row.crm_updated_at,
                    )
                    for row in page.rows
                ],
            )
            for page in _pages(1, a_day, first_day=day, first_id=first_id)
        ]
        started = time.perf_counter()
        _store(warehouse, iter(changed), exchange_id)
        _derive(warehouse, day, day, exchange_id)
        rounds.append(time.perf_counter() - started)
    return {"beside": beside, "seconds": sorted(rounds)[len(rounds) // 2]}


def file_growth(directory: Path, reloads: int, changed_of_twenty: int) -> dict[str, Any]:
    """Size of the file after many reloads of the same 30 days of 100 orders, some of twenty changed each time.

    After each reload the file is looked at as after the pass of a night.
    """
    warehouse = _warehouse(directory, f"growth_{changed_of_twenty}")
    last_day = FIRST_DAY + timedelta(days=29)
    sizes = []
    for number in range(reloads + 1):
        exchange_id = _begin(warehouse, f"growth {number}")
        pages = [
            raw.FetchedPage(
                page.page,
                page.total,
                [
                    raw.FetchedRow(
                        row.order_id,
                        row.order_day,
                        row.payload.replace("Подзвоніть перед".encode(), f"Змінено {number}, перед".encode())
                        if number
                        and row.order_id is not None
                        and (row.order_id + number) % 20 < changed_of_twenty
                        else row.payload,
                        row.crm_updated_at,
                    )
                    for row in page.rows
                ],
            )
            for page in _pages(30, 100)
        ]
        _store(warehouse, iter(pages), exchange_id)
        _derive(warehouse, FIRST_DAY, last_day, exchange_id)
        compact_when_grown(warehouse)
        sizes.append(warehouse.path.stat().st_size / 1e6)
    return {"first_megabytes": sizes[0], "last_megabytes": sizes[-1], "reloads": reloads}


def write_pages(directory: Path, orders: int, a_day: int) -> dict[str, Any]:
    """Writes the pages that dlt loads."""
    path = directory / f"pages_{orders}.jsonl"
    with path.open("wb") as file:
        for page in _pages(orders // a_day, a_day):
            file.write(b"[" + b",".join(row.payload for row in page.rows) + b"]\n")
    return {"file": str(path), "bytes_an_order": path.stat().st_size // orders}


@contextmanager
def _environment(directory: Path, profile: str) -> Iterator[dict[str, str]]:
    profiles = directory / "profiles"
    profiles.mkdir(exist_ok=True, parents=True)
    (profiles / "bench.yaml").write_text(profile, "utf-8")
    home = directory / "dagster_home"
    home.mkdir(exist_ok=True)
    yield {
        **os.environ,
        "KEYCRM_PROFILES_DIR": str(profiles),
        "KEYCRM_DATA_DIR": str(directory / "data"),
        "DAGSTER_HOME": str(home),
        "KEYCRM_API_KEY": "bench",
    }


def paced_load(directory: Path, orders: int) -> dict[str, Any]:
    """A load against a server with 2 s a page and 60 requests a minute, beside the floor that the limit allows."""
    from keycrm_pipeline.crm.budget import RequestBudget
    from keycrm_pipeline.crm.client import KeyCrmClient
    from keycrm_pipeline.pipeline.extraction import extract_period
    from keycrm_pipeline.sandbox.server import SandboxServer
    from keycrm_pipeline_tests.editable_shop import EditableShop
    from keycrm_pipeline_tests.scripted_api import Faults, ScriptedApi

    shop = EditableShop.empty(lambda: datetime(2022, 1, 2, 12, tzinfo=UTC))
    for payload in next(iter(orders_of_days(FIRST_DAY, 1, orders))):
        shop.add_order(payload)
    api = ScriptedApi(shop, faults=Faults(slow_seconds=2.0), requests_per_minute=60)
    warehouse = _warehouse(directory, "paced")
    exchange_id = _begin(warehouse, "paced")
    now = datetime.now(UTC)
    with (
        SandboxServer(api) as server,
        KeyCrmClient(
            base_url=server.url,
            api_key="bench",
            budget=RequestBudget(60, time.monotonic, time.sleep),
        ) as client,
    ):
        started = time.perf_counter()
        extract_period(warehouse, _profile(), client, FIRST_DAY, FIRST_DAY, exchange_id=exchange_id, now=now)
        seconds = time.perf_counter() - started
        statistics = client.statistics
    # The first request leaves at once, each further one a second later, and the last takes its 2 s.
    floor = (statistics.requests - 1) * 1.0 + 2.0
    return {
        "orders": orders,
        "requests": statistics.requests,
        "floor_requests": -(-orders // PAGE),
        "seconds": seconds,
        "floor_seconds": floor,
        "refusals": statistics.refusals,
    }


def range_run(directory: Path, days: int, orders_a_day: int) -> dict[str, Any]:
    """One range run through Dagster; its own share is the time outside of the exchange's steps."""
    import keycrm_pipeline.assets.orders
    import keycrm_pipeline.assets.raw_orders
    import keycrm_pipeline.assets.registers
    import keycrm_pipeline.assets.validated_orders  # noqa: F401 - reached through the package below
    import keycrm_pipeline.sandbox.transport as sandbox_transport
    from keycrm_pipeline import assets
    from keycrm_pipeline.run import session
    from keycrm_pipeline.sandbox.api import SandboxApi
    from keycrm_pipeline.sandbox.shop import Shop

    last_day = date(2026, 6, 30)
    first_day = last_day - timedelta(days=days - 1)
    shop = Shop(lambda: datetime(2026, 7, 1, 9, tzinfo=UTC), orders_per_day=orders_a_day)
    api = SandboxApi(shop)
    sandbox_transport.demo_transport = lambda: sandbox_transport.SandboxTransport(api)
    own = [0.0]

    @contextmanager
    def timed(*arguments: Any, **named: Any) -> Iterator[Step]:
        started = time.perf_counter()
        with session.exchange_step(*arguments, **named) as step:
            yield step
        own[0] += time.perf_counter() - started

    for module in (
        assets.orders,
        assets.raw_orders,
        assets.registers,
        assets.validated_orders,
    ):
        module.exchange_step = timed  # type: ignore[attr-defined]
    profile = "base_url: sandbox\nstart_date: 2023-01-01\ndefault_partner: Покупець\n"
    with _environment(directory, profile) as environment:
        os.environ.update(environment)
        from keycrm_pipeline.orchestration.launch import period_tags, run_job
        from keycrm_pipeline.profile import load_profile, settings_from_environment

        settings = settings_from_environment(os.environ)
        started = time.perf_counter()
        outcome = run_job(
            load_profile("bench", settings), settings, "load", period_tags(first_day, last_day), quiet=True
        )
        seconds = time.perf_counter() - started
    if not outcome.succeeded or outcome.summary is None:
        raise RuntimeError(outcome.error)
    return {
        "days": days,
        "orders": outcome.summary.exchange.orders_seen,
        "seconds": seconds,
        "exchange_seconds": own[0],
        "dagster_milliseconds_a_day": (seconds - own[0]) / days * 1000,
        "requests": outcome.summary.exchange.requests,
        "megabytes": _peak_megabytes(),
    }


def memory_of_load(directory: Path, days: int, orders_a_day: int) -> dict[str, Any]:
    """The most memory that `keycrm-pipeline load` takes for a period, all of Dagster in it; the shop runs elsewhere."""
    from keycrm_pipeline.profile import MOST_REQUESTS_PER_MINUTE
    from keycrm_pipeline_tests.product import free_port, wait_until

    command = [sys.executable, "-m", "keycrm_pipeline.cli"]
    port = free_port()
    profile = (
        f"base_url: http://127.0.0.1:{port}/v1\nstart_date: 2023-01-01\ndefault_partner: Покупець\n"
        f"requests_per_minute: {MOST_REQUESTS_PER_MINUTE}\n"
    )
    last_day = date(2026, 6, 30)
    first_day = last_day - timedelta(days=days - 1)

    def answers() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    with (
        _environment(directory / f"memory_{days}", profile) as environment,
        subprocess.Popen(
            [*command, "sandbox", "--port", str(port), "--orders-per-day", str(orders_a_day)],
            env=environment,
            stdout=subprocess.DEVNULL,
        ) as shop,
    ):
        try:
            wait_until(answers, "the shop answers")
            load = subprocess.Popen(
                [
                    *command,
                    "load",
                    "--profile",
                    "bench",
                    "--from",
                    str(first_day),
                    "--to",
                    str(last_day),
                    "--json",
                ],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert load.stdout is not None
            printed = json.loads(load.stdout.read())
            # Of this process alone; RUSAGE_CHILDREN would tell of the largest of all.
            _, _, used = os.wait4(load.pid, 0)
        finally:
            shop.terminate()
    return {
        "days": days,
        "orders": printed["orders_seen"],
        "status": printed["status"],
        "megabytes": used.ru_maxrss // 1024,
    }


def status(directory: Path) -> dict[str, Any]:
    """`keycrm-pipeline status`, the whole process, best of five; and whether Dagster was imported on its way."""
    with _environment(directory, "base_url: sandbox\nstart_date: 2023-01-01\n") as environment:
        command = [sys.executable, "-m", "keycrm_pipeline.cli", "status", "--profile", "bench", "--json"]
        rounds = []
        for _round in range(5):
            started = time.perf_counter()
            subprocess.run(command, env=environment, check=False, capture_output=True)
            rounds.append(time.perf_counter() - started)
        traced = subprocess.run(
            [sys.executable, "-X", "importtime", *command[1:]],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
    return {
        "seconds": sorted(rounds)[len(rounds) // 2],
        "imports_dagster": any(line.rstrip().endswith(" dagster") for line in traced.stderr.splitlines()),
    }


def definitions(directory: Path, few: int, many: int) -> dict[str, Any]:
    """`dagster definitions validate` with few and with many profiles in turns, the whole process, best of three each.

    In turns, because a machine that others use too may be quick for the one and slow for the other.
    """
    text_of_profile = "base_url: sandbox\nstart_date: 2023-01-01\n"
    seconds: dict[int, list[float]] = {few: [], many: []}
    for _round in range(3):
        for profiles in (few, many):
            with _environment(directory / f"profiles_{profiles}", text_of_profile) as environment:
                folder = Path(environment["KEYCRM_PROFILES_DIR"])
                for number in range(1, profiles):
                    (folder / f"bench{number}.yaml").write_text(text_of_profile, "utf-8")
                started = time.perf_counter()
                subprocess.run(
                    [
                        str(Path(sys.executable).with_name("dagster")),
                        "definitions", "validate", "-m", "keycrm_pipeline.orchestration.definitions",
                    ],
                    env=environment,
                    check=True,
                    capture_output=True,
                )  # fmt: skip
                seconds[profiles].append(time.perf_counter() - started)
    return {"few": few, "many": many, "few_seconds": min(seconds[few]), "many_seconds": min(seconds[many])}


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    function.__name__: function
    for function in (
        first_load, rebuild, reload_day, file_growth, write_pages, paced_load, range_run, memory_of_load, status,
        definitions,
    )
}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))))
