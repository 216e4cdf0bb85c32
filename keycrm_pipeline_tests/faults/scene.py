"""A small shop behind a real server, and loads of it: by the real command, or by the steps in this process.

What is not here: what goes wrong, and what the tests expect of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.sandbox.api import SandboxResponse
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import KEY, Books, make_books, person
from keycrm_pipeline_tests.product import PATIENCE_SECONDS
from keycrm_pipeline_tests.scripted_api import ScriptedApi
from keycrm_pipeline_tests.virtual_time import VirtualTime

FIRST_DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 3, 4)
NOON = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
_TIMES = ("created_at", "updated_at", "first_seen_at", "seen_at", "seen_day")

BEGIN = "from keycrm_pipeline.cli import main; main()"
"""What the installed `keycrm-pipeline` does."""

Contents = dict[str, list[tuple[Any, ...]]]


def make_order(order_id: int, **overrides: Any) -> dict[str, Any]:
    """Order number `order_id` of the small shop: three days, forty buyers, seven products."""
    arguments: dict[str, Any] = {
        "ordered_at": NOON + timedelta(days=order_id % 3),
        "buyer": person(order_id % 40 + 1, f"Покупець {order_id % 40 + 1}"),
        "lines": [
            {
                "name": f"Товар {order_id % 7}",
                "sku": f"SKU-{order_id % 7}",
                "price": 10 + order_id,
                "quantity": 2,
            }
        ],
    }
    return order_payload(order_id, **{**arguments, **overrides})


def fill(shop: EditableShop, orders: int) -> None:
    """Puts the small shop's orders into an account."""
    for order_id in range(1, orders + 1):
        shop.add_order(make_order(order_id))


class WatchedApi(ScriptedApi):
    """KeyCRM's API that reports which page of which list of orders is asked for, before it answers."""

    def __init__(self, shop: EditableShop) -> None:
        super().__init__(shop)
        self.watch: Callable[[str, int], None] = lambda _listing, _page: None

    def handle(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> SandboxResponse:
        """Reports, and answers."""
        if path.endswith("/order"):
            self.watch(*_listing_and_page(query))
        return super().handle(method, path, query, headers)


def _listing_and_page(query: Sequence[tuple[str, str]]) -> tuple[str, int]:
    asked = dict(query)
    window = asked.get("filter[created_between]") or asked.get("filter[updated_between]") or ""
    return window, int(asked["page"])


def order_pages(api: ScriptedApi) -> list[tuple[str, int]]:
    """The pages of orders that were answered: what was asked for, and the page's number."""
    return [
        _listing_and_page(request.query)
        for request in api.requests
        if request.path.endswith("/order") and request.status == 200
    ]


def stored_order_pages(path: Path) -> set[tuple[str, int]]:
    """The pages of unfinished loads of a period that are safely stored, named as `order_pages` names them.

    Of the lists of a pass, which have no end, a page is asked again to learn whether they have grown.
    """
    if not path.exists():
        return set()
    with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
        try:
            stored = connection.execute(
                "SELECT listing, page FROM ops.extraction_pages "
                "WHERE regexp_matches(listing, '^created \\S+Z \\S+Z$')"
            ).fetchall()
        except duckdb.CatalogException:
            # Killed before its tables were made.
            return set()
    pages = set()
    for listing, page in stored:
        window = (datetime.fromisoformat(instant) for instant in listing.split()[-2:])
        pages.add((",".join(f"{instant:%Y-%m-%d %H:%M:%S}" for instant in window), page))
    return pages


@dataclass
class ServedBooks(Books):
    """Books whose KeyCRM is asked over real connections."""

    url: str = ""

    def client(self, key: str = KEY) -> KeyCrmClient:
        """A client of the server that waits in a time of its own, which moves only when it waits."""
        time = VirtualTime()
        return KeyCrmClient(
            base_url=self.url,
            api_key=key,
            budget=RequestBudget(600_000, time.clock, time.sleep, jitter=lambda: 0.0),
            concurrency=2,
        )

    def contents(self) -> Contents:
        """All accounting tables and what waits for a person."""
        return read_contents(self.warehouse.path)


def quiet_contents(
    directory: Path, shop: EditableShop, *lives: Callable[[EditableShop], None], **settings: Any
) -> Contents:
    """What a life without any fault makes of a shop: a load, and another one after each thing that happens to it.

    The steps run in this process; settings are those of the profile file.
    """
    books = make_books(directory, shop, **settings)
    books.load(FIRST_DAY, LAST_DAY)
    for happens in lives:
        happens(shop)
        books.load(FIRST_DAY, LAST_DAY)
    return read_contents(books.warehouse.path)


def read_contents(path: Path) -> Contents:
    """Every row of the accounting tables of a file, times of making and changing left out."""
    with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
        return contents_of(connection)


def contents_of(connection: duckdb.DuckDBPyConnection) -> Contents:
    """Every row of the accounting tables, times of making and changing left out."""
    contents: Contents = {}
    for table in TABLES:
        if table.schema != "accounting" and table.name not in ("review", "rejected_records"):
            continue
        columns = ", ".join(
            column.name
            for column in table.columns
            if column.name not in _TIMES and not column.name.endswith("rejected_at")
        )
        order = ", ".join(table.primary_key)
        contents[table.qualified_name] = connection.execute(
            f"SELECT {columns} FROM {table.qualified_name} ORDER BY {order}"  # noqa: S608 - ours
        ).fetchall()
    return contents


def read_log(path: Path, columns: str) -> list[tuple[Any, ...]]:
    """The exchange log, the oldest first."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            f"SELECT {columns} FROM ops.exchanges ORDER BY started_at, exchange_id"  # noqa: S608 - ours
        ).fetchall()


@dataclass
class CommandLine:
    """The command, with directories of its own, on a server.

    Attributes:
        directory: Holds profiles, data and Dagster's home.
        url: The server.
        key: The API key in the environment.
    """

    directory: Path
    url: str
    key: str = KEY
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def profile(self, name: str, **settings: Any) -> None:
        """Writes a profile file."""
        folder = self.directory / "profiles"
        folder.mkdir(exist_ok=True)
        values = {
            "base_url": self.url,
            "start_date": "2026-01-01",
            "default_partner": "Роздрібний покупець",
            "requests_per_minute": 600,
            **settings,
        }
        # JSON is YAML too.
        (folder / f"{name}.yaml").write_text(json.dumps(values, ensure_ascii=False), "utf-8")

    def database(self, name: str) -> Path:
        """A profile's file."""
        return self.directory / "data" / f"{name}.duckdb"

    def environment(self) -> dict[str, str]:
        """Where everything is, and the key."""
        return {
            "KEYCRM_PROFILES_DIR": str(self.directory / "profiles"),
            "KEYCRM_DATA_DIR": str(self.directory / "data"),
            "DAGSTER_HOME": str(self.directory / "home"),
            "KEYCRM_API_KEY": self.key,
        }

    def start(
        self, *arguments: str, begin: str = BEGIN, before: Callable[[], object] | None = None
    ) -> subprocess.Popen[str]:
        """Starts a command.

        Args:
            arguments: What stands behind its name.
            begin: The program that calls it.
            before: Done in the new process before it becomes the command.
        """
        process = subprocess.Popen(
            [sys.executable, "-c", begin, *arguments],
            env=os.environ | self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Ends whatever was started."""
        for process in self.started:
            process.kill()
            process.communicate()

    def start_load(self, profile: str, **how: Any) -> subprocess.Popen[str]:
        """Starts a load of the small shop's three days; `how` as for `start`."""
        return self.start(
            "load", "--profile", profile, "--from", str(FIRST_DAY), "--to", str(LAST_DAY), "--json", **how
        )

    def load(self, profile: str, **how: Any) -> dict[str, Any]:
        """Loads the three days and returns what the command printed; `how` as for `start`."""
        return printed(self.start_load(profile, **how))

    def run(self, command: str, profile: str, **how: Any) -> dict[str, Any]:
        """Runs another command for a profile and returns what it printed; `how` as for `start`."""
        return printed(self.start(command, "--profile", profile, "--json", **how))


def printed(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a command prints with `--json`, when it has ended; its exit code says the same."""
    output, errors = process.communicate()
    assert output, errors
    result: dict[str, Any] = json.loads(output)
    if "status" in result:
        assert process.returncode == (0 if result["status"] == "succeeded" else 1), result
    return result


@dataclass(frozen=True)
class Kill:
    """A command that is killed with -9, or told to end.

    Attributes:
        command: `load` for the small shop's three days, or a command without a period.
        stage: Stage of a load, or the sync, whose beginning is waited for.
        delay: Seconds from there to its death: inside of the stage, or after it.
        signals: What it is sent, one right after the other.
    """

    command: str
    stage: str
    delay: float
    signals: tuple[signal.Signals, ...] = (signal.SIGKILL,)


def kill(line: CommandLine, profile: str, when: Kill) -> bool:
    """Starts a command and kills it at its moment; whether that ended it."""
    runs = line.directory / "home" / "history" / "runs"
    earlier = set(runs.glob("*.db"))
    process = (
        line.start_load(profile)
        if when.command == "load"
        else line.start(when.command, "--profile", profile, "--json")
    )
    pause = threading.Event()
    # The command knows nothing of this: how far it is, is read where Dagster writes it down.
    while process.poll() is None and not any(
        _has_begun(run, profile, when) for run in set(runs.glob("*.db")) - earlier
    ):
        pause.wait(0.01)
    pause.wait(when.delay)
    is_alive = process.poll() is None
    for number in when.signals:
        process.send_signal(number)
    process.communicate(timeout=PATIENCE_SECONDS)
    return is_alive and process.returncode != 0


def _has_begun(run: Path, profile: str, when: Kill) -> bool:
    """Whether a run is where its command is to be killed: its op has begun, or the stage before has been reported."""
    names = [stage.name for stage in STAGES]
    if when.stage in names[1:]:
        event, column = "ASSET_MATERIALIZATION", "asset_key"
        value = json.dumps([profile, names[names.index(when.stage) - 1]])
    else:
        event, column, value = "STEP_START", "step_key", f"{profile}__{when.command}"
    try:
        with contextlib.closing(sqlite3.connect(f"file:{run}?mode=ro", uri=True)) as history:
            return bool(
                history.execute(
                    f"SELECT 1 FROM event_logs WHERE dagster_event_type = ? AND {column} = ?",  # noqa: S608 - ours
                    [event, value],
                ).fetchone()
            )
    except sqlite3.OperationalError:
        # Being made at this moment.
        return False


@contextlib.contextmanager
def command_line(
    directory: Path, orders: int = 160, *, prepare: Callable[[EditableShop], None] = lambda _shop: None
) -> Iterator[tuple[CommandLine, ScriptedApi]]:
    """The command on a server with the small shop; whatever it started is ended."""
    shop = EditableShop.empty()
    fill(shop, orders)
    prepare(shop)
    api = ScriptedApi(shop)
    with SandboxServer(api) as server:
        line = CommandLine(directory, server.url)
        try:
            yield line, api
        finally:
            line.end()
