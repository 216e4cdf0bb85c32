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
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb

from keycrm_pipeline.crm.versions import says_the_same
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.rebuild import run as run_rebuild
from keycrm_pipeline.pipeline.stages import DERIVED_STAGES, run_load, stages_named
from keycrm_pipeline.profile import Profile, Workspace, settings_from_environment
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.session import Plan, Services, Session, open_warehouse
from keycrm_pipeline.warehouse import cards, days, raw
from keycrm_pipeline.warehouse.compaction import compact_when_grown
from keycrm_pipeline_tests.benchmarks.generator import PRODUCTS, orders_of_days, text
from keycrm_pipeline_tests.product import AS_INSTALLED

FIRST_DAY = date(2022, 1, 1)
PAGE = 50
FLUSH_PAGES = 200
"""Pages stored together when they are at hand at once."""


def _workspace(directory: Path, name: str) -> Workspace:
    """A profile with a database of its own and without a key: local work that made a request would fail.

    The database is a file, or a lake where the environment names one. No request is needed for products: it says that
    KeyCRM does not know them, so that the order lines decide (R5).
    """
    given = settings_from_environment(os.environ)
    settings = replace(given, profiles_directory=directory, data_directory=directory)
    profile = Profile(
        name="bench",
        start_date=FIRST_DAY,
        base_url="https://crm.invalid/v1",
        database=f"{name}.duckdb" if settings.lake_catalog is None else "lake",
    )
    workspace = Workspace(profile, settings)
    warehouse = open_warehouse(workspace)
    if not warehouse.exists():
        with warehouse.writing() as connection:
            products = dict.fromkeys(range(1, PRODUCTS + 1))
            cards.store_catalogue(connection, products, [], now=datetime.now(UTC))
    return workspace


def _plan(kind: str, period: Period | None = None) -> Plan:
    return Plan(kind, str(uuid4()), period)


def _days(first_day: date, number: int) -> Period:
    return Period(first_day, first_day + timedelta(days=number - 1))


def _peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _pages(period: Period, orders_a_day: int, *, first_id: int = 1) -> Iterator[raw.FetchedPage]:
    """Pages of 50 as the client hands them over, decoded no further than the client does."""
    waiting: list[raw.FetchedRow] = []
    number = 0
    total = len(period.days) * orders_a_day
    generated = orders_of_days(period.first, len(period.days), orders_a_day, first_id=first_id)
    for day, payloads in zip(period.days, generated, strict=True):
        for payload in payloads:
            waiting.append(raw.FetchedRow(payload["id"], day, text(payload).encode(), datetime.now(UTC)))
            if len(waiting) == PAGE:
                number += 1
                yield raw.FetchedPage(number, total, waiting)
                waiting = []
    if waiting:
        yield raw.FetchedPage(number + 1, total, waiting)


def _changed(
    pages: Iterator[raw.FetchedPage], number: int, order_ids: Collection[int]
) -> list[raw.FetchedPage]:
    """The same pages, with a new comment in some of the orders."""
    before, after = "Подзвоніть перед".encode(), f"Змінено {number}, перед".encode()
    return [
        replace(
            page,
            rows=[
                replace(row, payload=row.payload.replace(before, after)) if row.order_id in order_ids else row
                for row in page.rows
            ],
        )
        for page in pages
    ]


def _store(session: Session, pages: Iterator[raw.FetchedPage], period: Period) -> float:
    """Stores the pages of a period, as its extraction does, and returns the seconds that this took.

    Making the pages is not counted.
    """
    seconds = 0.0
    waiting: list[raw.FetchedPage] = []

    def flush() -> float:
        started = time.perf_counter()
        with session.warehouse.writing() as connection:
            raw.store_pages(
                connection,
                None,
                waiting,
                exchange_id=session.exchange_id,
                now=session.now,
                asked_day=period.first,
                says_the_same=says_the_same,
            )
        waiting.clear()
        return time.perf_counter() - started

    for page in pages:
        waiting.append(page)
        if len(waiting) >= FLUSH_PAGES:
            seconds += flush()
    if waiting:
        seconds += flush()
    with session.warehouse.writing() as connection:
        days.record_fetched(connection, period, exchange_id=session.exchange_id, now=session.now)
    return seconds


def _derive(session: Session, period: Period) -> float:
    """Runs all stages after the extraction and returns the seconds that they took."""
    started = time.perf_counter()
    for _result in run_load(session, period, DERIVED_STAGES):
        pass
    return time.perf_counter() - started


def first_load(directory: Path, orders: int, orders_a_day: int) -> dict[str, Any]:
    """Local work of a first load: payloads at hand to all accounting tables, validated."""
    workspace = _workspace(directory, f"first_{orders}")
    period = _days(FIRST_DAY, orders // orders_a_day)
    with exchange(workspace, _plan("period", period)) as session:
        stored = _store(session, _pages(period, orders_a_day), period)
        derived = _derive(session, period)
    return {
        "orders": orders,
        "store_seconds": stored,
        "derive_seconds": derived,
        "seconds": stored + derived,
        "megabytes": _peak_megabytes(),
        "file_megabytes": workspace.database.stat().st_size / 1e6 if workspace.database.exists() else None,
    }


def rebuild(directory: Path, orders: int) -> dict[str, Any]:
    """Rebuild of all accounting tables of a file that `first_load` made."""
    with exchange(_workspace(directory, f"first_{orders}"), _plan("rebuild")) as session:
        started = time.perf_counter()
        numbers = run_rebuild(session)
        seconds = time.perf_counter() - started
    return {
        "orders": orders,
        "seconds": seconds,
        "megabytes": _peak_megabytes(),
        "documents_changed": numbers["documents changed"],
    }


def rebuild_with_versions(directory: Path, orders: int, versions: int) -> dict[str, Any]:
    """CPU seconds of a rebuild of orders with so many versions each, next to the same orders with one; three rounds.

    Each version has a line, a payment and a parcel that differ from the version before. Its rebuilds are one after
    which nothing has changed, and one for which the versions are read again, as by a program with other rules.
    """
    period = _days(FIRST_DAY, orders // 1000)
    for name, most in (("one_version", 1), ("versions", versions)):
        workspace = _workspace(directory, name)
        for number in range(most):
            with exchange(workspace, _plan("period", period)) as session:
                _store(session, (_version(page, number) for page in _pages(period, 1000)), period)
                _derive(session, period)
    seconds: dict[str, list[float]] = {"one_version": [], "unchanged": [], "read_again": []}
    for _round in range(3):
        for kind, of_round in seconds.items():
            workspace = _workspace(directory, "one_version" if kind == "one_version" else "versions")
            if kind == "read_again":
                with open_warehouse(workspace).writing() as connection:
                    connection.execute("DELETE FROM ops.derived_movements")
            with exchange(workspace, _plan("rebuild")) as session:
                started = time.process_time()
                run_rebuild(session)
                of_round.append(time.process_time() - started)
    with open_warehouse(workspace).reading() as connection:
        stored, movements = connection.execute(
            "SELECT (SELECT count(*) FROM raw.order_versions), (SELECT count(*) FROM accounting.order_movements)"
        ).fetchall()[0]
    medians = {kind: sorted(of_round)[1] for kind, of_round in seconds.items()}
    return {"orders": orders, "earlier_versions": stored, "movements": movements, **medians}


def _version(page: raw.FetchedPage, number: int) -> raw.FetchedPage:
    """A page whose orders have changed `number` times."""
    rows = []
    for row in page.rows:
        payload = json.loads(row.payload)
        updated_at = (row.crm_updated_at or datetime.now(UTC)) + timedelta(hours=number)
        payload["updated_at"] = updated_at.isoformat()
        payload["products"][0]["quantity"] += number
        payload["payments"][0]["status"] = "canceled" if number % 2 else "paid"
        payload["shipping"]["tracking_code"] += str(number)
        rows.append(replace(row, payload=text(payload).encode(), crm_updated_at=updated_at))
    return replace(page, rows=rows)


def read_orders(directory: Path, orders: int) -> dict[str, Any]:
    """Reads the header columns of all orders of `first_load`: as a pandas frame, and with DuckDB alone, in turns."""
    workspace = _workspace(directory, f"first_{orders}")
    books = books_of(workspace)
    books_seconds, duckdb_seconds = [], []
    for _ in range(3):
        started = time.perf_counter()
        rows = len(books.table("accounting.orders"))
        books_seconds.append(time.perf_counter() - started)
        started = time.perf_counter()
        with duckdb.connect(str(workspace.database), read_only=True) as connection:
            rows_of_duckdb = connection.execute("FROM accounting.orders").to_arrow_table().num_rows
        duckdb_seconds.append(time.perf_counter() - started)
        assert rows == rows_of_duckdb
    return {"orders": rows, "seconds": min(books_seconds), "duckdb_seconds": min(duckdb_seconds)}


def reload_day(directory: Path, stored: int, orders_a_day: int) -> dict[str, Any]:
    """Reload of one day, one in ten of its orders changed, in a file with `stored` other orders; median of five."""
    workspace = _workspace(directory, f"first_{stored}" if stored else "alone")
    first_id = 10_000_000
    period = _days(date(2021, 6, 1), 1)
    with exchange(workspace, _plan("period", period)) as session:
        _store(session, _pages(period, orders_a_day, first_id=first_id), period)
        _derive(session, period)
    rounds = []
    for number in range(5):
        every_tenth = range(first_id + number, first_id + orders_a_day, 10)
        pages = _changed(_pages(period, orders_a_day, first_id=first_id), number, every_tenth)
        with exchange(workspace, _plan("period", period)) as session:
            rounds.append(_store(session, iter(pages), period) + _derive(session, period))
    return {"stored": stored, "seconds": sorted(rounds)[len(rounds) // 2]}


def file_growth(directory: Path, reloads: int, changed_of_twenty: int) -> dict[str, Any]:
    """Size of the file after many reloads of the same 30 days of 100 orders, some of twenty changed each time.

    After each reload the file is compacted if it has grown, as after the syncs of a night.
    """
    workspace = _workspace(directory, f"growth_{changed_of_twenty}")
    period = _days(FIRST_DAY, 30)
    sizes = []
    for number in range(reloads + 1):
        some = {
            order_id for order_id in range(1, 3001) if number and (order_id + number) % 20 < changed_of_twenty
        }
        pages = _changed(_pages(period, 100), number, some)
        with exchange(workspace, _plan("period", period)) as session:
            _store(session, iter(pages), period)
            _derive(session, period)
        compact_when_grown(open_warehouse(workspace))
        sizes.append(workspace.database.stat().st_size / 1e6)
    return {"first_megabytes": sizes[0], "last_megabytes": sizes[-1], "reloads": reloads}


def write_pages(directory: Path, orders: int, orders_a_day: int) -> dict[str, Any]:
    """Writes the pages that dlt loads."""
    path = directory / f"pages_{orders}.jsonl"
    with path.open("wb") as file:
        for page in _pages(_days(FIRST_DAY, orders // orders_a_day), orders_a_day):
            file.write(b"[" + b",".join(row.payload for row in page.rows) + b"]\n")
    return {"file": str(path), "bytes_an_order": path.stat().st_size // orders}


@contextmanager
def environment_of(directory: Path, profile: str) -> Iterator[dict[str, str]]:
    """The environment of commands in a directory of their own, with one profile."""
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
        # What only a developer has would be loaded, too.
        "PYTHONPATH": os.pathsep.join([str(AS_INSTALLED), *sys.path]),
    }


def paced_load(directory: Path, orders: int) -> dict[str, Any]:
    """Extraction from a server with 2 s a page and 60 requests a minute, and the least time that this limit allows."""
    from keycrm_pipeline.crm.budget import RequestBudget
    from keycrm_pipeline.crm.client import KeyCrmClient
    from keycrm_pipeline.sandbox.server import SandboxServer
    from keycrm_pipeline_tests.editable_shop import EditableShop
    from keycrm_pipeline_tests.scripted_api import Faults, ScriptedApi

    shop = EditableShop.empty(lambda: datetime(2022, 1, 2, 12, tzinfo=UTC))
    for payload in next(iter(orders_of_days(FIRST_DAY, 1, orders))):
        shop.add_order(payload)
    api = ScriptedApi(shop, faults=Faults(slow_seconds=2.0), requests_per_minute=60)
    period = _days(FIRST_DAY, 1)
    with SandboxServer(api) as server:
        client = KeyCrmClient(
            base_url=server.url, api_key="bench", budget=RequestBudget(60, time.monotonic, time.sleep)
        )
        services = Services(open_client=lambda _workspace: client)
        with exchange(_workspace(directory, "paced"), _plan("period", period), services) as session:
            (result,) = run_load(session, period, stages_named({"raw_orders"}))
    statistics = client.statistics
    # The first request leaves at once, each further one a second later, and the last takes its 2 s.
    floor = (statistics.requests - 1) * 1.0 + 2.0
    return {
        "orders": orders,
        "requests": statistics.requests,
        "floor_requests": -(-orders // PAGE),
        "seconds": result.seconds,
        "floor_seconds": floor,
        "refusals": statistics.refusals,
    }


def range_run(directory: Path, number_of_days: int, orders_a_day: int) -> dict[str, Any]:
    """One run over a range of days through Dagster; its own share is the time outside of the stages.

    The time inside is the sum of the seconds that each asset's metadata of the last day shows. The share is all the
    rest: building the definitions, the events, the asset checks, the summary, the start and end of the exchange.
    """
    import keycrm_pipeline.sandbox.transport as sandbox_transport
    from keycrm_pipeline.sandbox.api import SandboxApi
    from keycrm_pipeline.sandbox.shop import Shop

    last_day = date(2026, 6, 30)
    period = Period(last_day - timedelta(days=number_of_days - 1), last_day)
    shop = Shop(lambda: datetime(2026, 7, 1, 9, tzinfo=UTC), orders_per_day=orders_a_day)
    api = SandboxApi(shop)
    sandbox_transport.demo_transport = lambda: sandbox_transport.SandboxTransport(api)
    profile = "base_url: sandbox\nstart_date: 2023-01-01\ndefault_partner: Покупець\n"
    with environment_of(directory, profile) as environment:
        os.environ.update(environment)
        import dagster as dg

        from keycrm_pipeline.orchestration.instance import open_instance
        from keycrm_pipeline.orchestration.launch import run_job
        from keycrm_pipeline.profile import load_profile, settings_from_environment

        settings = settings_from_environment(os.environ)
        workspace = Workspace(load_profile("bench", settings), settings)
        started = time.perf_counter()
        outcome = run_job(workspace, "load", period)
        seconds = time.perf_counter() - started
        if not outcome.succeeded or outcome.summary is None:
            raise RuntimeError(outcome.error)
        row = outcome.summary.exchange
        with open_instance() as instance:
            entries = instance.all_logs(row.run_id or "", of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        shown = [entry.asset_materialization.metadata for entry in entries if entry.asset_materialization]
        inside = sum(float(str(metadata["seconds"].value)) for metadata in shown if "seconds" in metadata)
    return {
        "days": number_of_days,
        "orders": row.orders_seen,
        "seconds": seconds,
        "stages_seconds": inside,
        "dagster_milliseconds_a_day": (seconds - inside) / number_of_days * 1000,
        "requests": row.requests,
        "megabytes": _peak_megabytes(),
    }


def memory_of_load(directory: Path, days: int, orders_a_day: int) -> dict[str, Any]:
    """Peak memory of `keycrm-pipeline load` for a period, including Dagster; the shop runs in another process."""
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
        environment_of(directory / f"memory_{days}", profile) as environment,
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
            # Of this process alone; RUSAGE_CHILDREN would be the largest of all.
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
    """`keycrm-pipeline status`, the whole process, median of five; and whether it imports Dagster."""
    with environment_of(directory, "base_url: sandbox\nstart_date: 2023-01-01\n") as environment:
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
    """`dagster definitions validate` with few and with many profiles, the whole process, best of three each.

    Measured alternately, because the speed of a shared machine varies.
    """
    text_of_profile = "base_url: sandbox\nstart_date: 2023-01-01\n"
    seconds: dict[int, list[float]] = {few: [], many: []}
    for _round in range(3):
        for profiles in (few, many):
            with environment_of(directory / f"profiles_{profiles}", text_of_profile) as environment:
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
        first_load, rebuild, rebuild_with_versions, read_orders, reload_day, file_growth, write_pages, paced_load,
        range_run, memory_of_load, status, definitions,
    )
}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))))
