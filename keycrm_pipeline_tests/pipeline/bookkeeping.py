"""A KeyCRM account to fill, the books that an exchange makes of it, and readers of their tables.

Loads and syncs are the shipped ones, on a real file and over HTTP of the demo shop. What is not here: rules, and what
the tests expect.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx

from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES, Stage, run_load
from keycrm_pipeline.pipeline.syncs import SYNCS
from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.run.session import Plan, Services, Session, open_warehouse
from keycrm_pipeline.sandbox.transport import SandboxTransport
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import Exchange, exchange_of_run
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import buyer_payload, order_payload
from keycrm_pipeline_tests.scripted_api import ScriptedApi

KYIV = ZoneInfo("Europe/Kyiv")
KEY = "a-key-of-the-tests"
BASE_URL = "https://crm.example/v1"
MARCH_2 = date(2026, 3, 2)
"""The Monday on which built orders happen unless told otherwise."""

LOG_TABLES = (
    "ops.exchanges",
    "ops.fetched_days",
    "ops.loaded_days",
    "ops.extraction_pages",
    "ops.derived_settings",
    "ops.unfilled_columns",
    "raw.reference_lists",
)
"""Tables that tell about loads and rebuilds and not about the shop."""


def kyiv(year: int, month: int, day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A local moment."""
    return datetime(year, month, day, hour, minute, second, tzinfo=KYIV)


class RewritingTransport(httpx.BaseTransport):
    """Carries requests to the demo shop and puts bytes into its answers that no JSON encoder would write."""

    def __init__(self, api: ScriptedApi, rewritten: Mapping[bytes, bytes]) -> None:
        self._inner = SandboxTransport(api)
        self._rewritten = rewritten

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = answer.content
        for before, after in self._rewritten.items():
            body = body.replace(before, after)
        headers = {"Content-Type": answer.headers.get("Content-Type", "application/json")}
        return httpx.Response(answer.status_code, headers=headers, content=body, request=request)


@dataclass
class Books:
    """One KeyCRM account and the books that are made of it.

    Attributes:
        directory: Where the file is.
        shop: The account; fill it with `order` or its own methods.
        profile: The profile.
        api: KeyCRM's API over the account.
        now: Time of the next load; each load moves it on by an hour.
        rewritten: Bytes of KeyCRM's answers and what comes in their place.
    """

    directory: Path
    profile: Profile
    shop: EditableShop
    api: ScriptedApi
    now: datetime = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
    rewritten: dict[bytes, bytes] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Where profiles and data are."""
        return Settings(profiles_directory=self.directory, data_directory=self.directory)

    @property
    def workspace(self) -> Workspace:
        """The profile and its places."""
        return Workspace(self.profile, self.settings)

    @property
    def warehouse(self) -> Warehouse:
        """The profile's database."""
        return open_warehouse(self.workspace)

    def order(self, order_id: int, ordered_at: datetime | str | None = None, **overrides: Any) -> int:
        """Puts an order into KeyCRM; on 2 March, one line of 100 hryvnias, unless told otherwise."""
        arguments = overrides if ordered_at is None else {"ordered_at": ordered_at, **overrides}
        return self.shop.add_order(order_payload(order_id, **arguments))

    def client(self, key: str = KEY) -> KeyCrmClient:
        """A client of the account that never waits."""
        return KeyCrmClient(
            base_url=BASE_URL,
            api_key=key,
            budget=RequestBudget(600_000, sleep=lambda _seconds: None, jitter=lambda: 0.0),
            transport=RewritingTransport(self.api, self.rewritten),
            concurrency=2,
        )

    @contextlib.contextmanager
    def session(
        self,
        kind: str = "period",
        period: Period | None = None,
        *,
        key: str = KEY,
        run_id: str | None = None,
        order_ids: tuple[int, ...] = (),
    ) -> Iterator[Session]:
        """A running exchange; its file is in use to the end, because opening it again for each page takes time."""
        with self.warehouse.kept_open() as kept, kept.writing():
            services = Services(
                clock=lambda: self.now,
                open_client=lambda _workspace: self.client(key),
                open_warehouse=lambda _workspace: kept,
            )
            plan = Plan(kind, run_id or str(uuid4()), period, order_ids)
            with exchange(self.workspace, plan, services) as session:
                yield session

    def load(
        self,
        first_day: date = MARCH_2,
        last_day: date | None = None,
        *,
        stages: Sequence[Stage] = STAGES,
        key: str = KEY,
        run_id: str | None = None,
    ) -> Exchange:
        """Loads a period and returns its row of the log."""
        run_id = run_id or str(uuid4())
        period = Period(first_day, last_day or first_day)
        with self.session("period", period, key=key, run_id=run_id) as session:
            for _result in run_load(session, period, stages):
                pass
        self.now += timedelta(hours=1)
        return self.exchange(run_id)

    def exchange(self, run_id: str) -> Exchange:
        """The row of the log that a run wrote."""
        with self.warehouse.reading() as connection:
            exchange = exchange_of_run(connection, run_id)
        assert exchange is not None
        return exchange

    def sync(self, name: str, *order_ids: int) -> Exchange:
        """Runs a sync and returns its row of the log; `order_ids` are those of `order`."""
        (work,) = (sync.run for sync in SYNCS if sync.name == name)
        run_id = str(uuid4())
        with self.session(name, run_id=run_id, order_ids=order_ids) as session:
            work(session)
        self.now += timedelta(hours=1)
        return self.exchange(run_id)

    def changes(self) -> Exchange:
        """What changed since the last exchange."""
        return self.sync("changes")

    def recent(self) -> Exchange:
        """The nightly comparison of recent days and open orders."""
        return self.sync("recent")

    def sweep(self) -> Exchange:
        """The search for orders that KeyCRM no longer has."""
        return self.sync("sweep")

    def catalogue(self) -> Exchange:
        """The refresh of products and categories."""
        return self.sync("catalogue")

    def rebuild(self) -> Exchange:
        """All accounting tables derived again from the payloads."""
        return self.sync("rebuild")

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What the file answers to a question."""
        with self.warehouse.reading() as connection:
            return connection.execute(sql, list(values)).fetchall()

    def rows(self, table: str, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        """Rows of a table by its primary key; `accounting` unless another schema is named."""
        name = table if "." in table else f"accounting.{table}"
        order = ", ".join(next(known.primary_key for known in TABLES if known.qualified_name == name))
        return self.query(f"SELECT {columns} FROM {name} WHERE {where} ORDER BY {order}")  # noqa: S608 - ours

    def document(self, order_id: int, columns: str = "*") -> dict[str, Any]:
        """The header of a document, by column."""
        with self.warehouse.reading() as connection:
            cursor = connection.execute(
                f"SELECT {columns} FROM accounting.orders WHERE order_id = ?",  # noqa: S608 - ours
                [order_id],
            )
            names = [column[0] for column in cursor.description]
            row = cursor.fetchone()
        assert row is not None, f"no document {order_id}"
        return dict(zip(names, row, strict=True))

    def value(self, order_id: int, column: str) -> Any:
        """One column of a document."""
        return self.document(order_id, column)[column]

    def review(self, kind: str) -> list[str]:
        """What stands on the review list of that kind."""
        return [
            row[0]
            for row in self.query("SELECT subject FROM ops.review WHERE kind = ? ORDER BY subject", [kind])
        ]

    def reasons(self) -> dict[int | None, list[str]]:
        """Rejected orders with their reasons."""
        return dict(self.query("SELECT order_id, reasons FROM ops.rejected_records ORDER BY record_key"))

    def tables(
        self, schemas: Sequence[str] = ("raw", "validated", "accounting", "ops"), without: Sequence[str] = ()
    ) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, those of the loads themselves left out."""
        with self.warehouse.reading() as connection:
            return {
                table.qualified_name: connection.execute(
                    f"FROM {table.qualified_name} ORDER BY {', '.join(table.primary_key)}"
                ).fetchall()
                for table in TABLES
                if table.schema in schemas and table.qualified_name not in (*LOG_TABLES, *without)
            }


MakeBooks = Callable[..., Books]
"""The fixture `new_books`."""


@cache
def _empty_file() -> bytes:
    """A file with all tables and no rows; making its tables takes longer than a load."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.duckdb"
        with Warehouse(path, "Europe/Kyiv").writing():
            pass
        return path.read_bytes()


def shop_clock() -> datetime:
    """When it is in the shops of these tests, always."""
    return datetime(2026, 4, 1, 8, 0, tzinfo=UTC)


def make_books(directory: Path, shop: EditableShop | None = None, **settings: Any) -> Books:
    """An account, empty unless given, with an empty book; settings are those of the profile file."""
    shop = shop or EditableShop.empty(shop_clock)
    profile = Profile.model_validate(
        {
            "name": "shop",
            "language": "en",
            "base_url": BASE_URL,
            "start_date": date(2023, 1, 1),
            "default_partner": "Роздрібний покупець",
            "service_categories": [7],
            **settings,
        }
    )
    books = Books(directory, profile, shop, ScriptedApi(shop, api_key=KEY))
    books.warehouse.path.write_bytes(_empty_file())
    return books


def person(
    buyer_id: int, name: str | None = "Олена Тестова", phone: str | None = None, **more: Any
) -> dict[str, Any]:
    """A buyer with a phone of its own and no e-mail, unless told otherwise."""
    return buyer_payload(
        buyer_id,
        full_name=name,
        phone=f"+38050{buyer_id:07d}" if phone is None else (phone or None),
        **{"email": None, **more},
    )
