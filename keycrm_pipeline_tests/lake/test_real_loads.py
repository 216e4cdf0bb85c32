"""Real commands that load into a lake while they are killed, put to sleep, or cut off; and profiles side by side.

Whatever happens, the books then equal those of a quiet life with a file, and no key is there twice.
"""

from __future__ import annotations

import contextlib
import random
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.profile import Settings, Workspace, load_profile
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.errors import LakeMissingError
from keycrm_pipeline.warehouse.integrity import offenders
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import (
    CommandLine,
    Contents,
    Kill,
    contents_of,
    fill,
    kill,
    printed,
    quiet_contents,
)
from keycrm_pipeline_tests.lake.test_catalog_lock import LOCKS
from keycrm_pipeline_tests.postgres import query
from keycrm_pipeline_tests.product import PATIENCE_SECONDS
from keycrm_pipeline_tests.scripted_api import ScriptedApi

pytestmark = pytest.mark.process

ORDERS = 60


@dataclass
class LakeCommandLine(CommandLine):
    """The command, with its books in a lake.

    Attributes:
        catalog: What libpq needs to connect to the catalogue.
    """

    catalog: str = ""

    def environment(self) -> dict[str, str]:
        """Where everything is, and the key."""
        return super().environment() | {
            "KEYCRM_LAKE_CATALOG": self.catalog,
            "KEYCRM_LAKE_DATA": str(self.directory / "lakes"),
        }

    @contextlib.contextmanager
    def reading(self, profile: str) -> Iterator[duckdb.DuckDBPyConnection]:
        """A reader of the books of a profile."""
        settings = Settings(
            self.directory / "profiles",
            self.directory / "data",
            lake_catalog=self.catalog,
            lake_data=str(self.directory / "lakes"),
        )
        with open_warehouse(Workspace(load_profile(profile, settings), settings)).reading() as connection:
            yield connection

    def contents(self, profile: str) -> Contents:
        """All accounting tables; no key is twice in any table."""
        with self.reading(profile) as connection:
            assert keys_that_are_there_twice(connection) == []
            return contents_of(connection)

    def log(self, profile: str) -> list[tuple[str, str | None]]:
        """Status and error of each exchange, the oldest first."""
        with self.reading(profile) as connection:
            return connection.execute(
                "SELECT status, error FROM ops.exchanges ORDER BY exchange_id"
            ).fetchall()


def keys_that_are_there_twice(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, object]]:
    """The tables, each with such a key: a lake itself has no primary keys."""
    return [
        (table.qualified_name, key)
        for table in TABLES
        for key in connection.execute(
            f"SELECT {', '.join(table.primary_key)} FROM {table.qualified_name} "  # noqa: S608 - ours
            f"GROUP BY ALL HAVING count(*) > 1"
        ).fetchall()
    ]


@pytest.fixture
def served(tmp_path: Path, catalog: str) -> Iterator[tuple[LakeCommandLine, ScriptedApi]]:
    """The command on a server with the small shop; whatever it started is ended."""
    shop = EditableShop.empty()
    fill(shop, ORDERS)
    api = ScriptedApi(shop)
    with SandboxServer(api) as server:
        line = LakeCommandLine(tmp_path, server.url, catalog=catalog)
        try:
            yield line, api
        finally:
            line.end()


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """The books of a quiet life with a file."""
    shop = EditableShop.empty()
    fill(shop, ORDERS)
    return quiet_contents(tmp_path_factory.mktemp("quiet"), shop)


def test_killed_at_every_stage(served: tuple[LakeCommandLine, ScriptedApi], quiet: Contents) -> None:
    """With -9, one load after the other, each a moment after another stage has begun."""
    line, _api = served
    line.profile("shop", database="lake")
    dice = random.Random(20261130)
    stages = [stage.name for stage in STAGES]
    for stage in stages:
        assert kill(line, "shop", Kill("load", stage, dice.uniform(0, 0.4)))
    assert line.load("shop")["status"] == "succeeded"
    assert line.contents("shop") == quiet
    log = line.log("shop")
    assert log[-1] == ("succeeded", None)
    # A command may die before its exchange has its row.
    assert 1 <= len(log) - 1 <= len(stages)
    assert all(status == "failed" and "killed" in str(error) for status, error in log[:-1])


def test_a_load_that_slept_while_another_took_over(
    served: tuple[LakeCommandLine, ScriptedApi], quiet: Contents
) -> None:
    """Its machine sleeps, an administrator ends its session, and the other load does all of its work meanwhile."""
    line, api = served
    line.profile("shop", database="lake")
    asks, goes_on = threading.Event(), threading.Event()

    def hold(_page: int, path: str) -> None:
        if path == "/order" and not asks.is_set():
            asks.set()
            goes_on.wait(PATIENCE_SECONDS)

    api.faults.on_page = hold
    late = line.start_load("shop")
    assert asks.wait(PATIENCE_SECONDS)
    late.send_signal(signal.SIGSTOP)
    ended = query(
        line.catalog,
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND {LOCKS}",  # noqa: S608
    )
    assert ended == [(True,)]
    assert line.load("shop")["status"] == "succeeded"
    assert line.contents("shop") == quiet
    late.send_signal(signal.SIGCONT)
    goes_on.set()
    said = printed(late)
    assert said["status"] == "failed"
    assert "lost its lock in PostgreSQL" in said["error"]
    assert line.contents("shop") == quiet
    # It could not even write into the log that it failed; the load that took over has found it unfinished.
    assert [status for status, _ in line.log("shop")] == ["failed", "succeeded"]


def test_profiles_side_by_side_and_a_reader(
    served: tuple[LakeCommandLine, ScriptedApi], quiet: Contents
) -> None:
    """Each transaction is whole to a reader: no sum is ever there without its parts."""
    line, _api = served
    names = ["one", "two", "three", "four"]
    for name in names:
        line.profile(name, database="lake")
    loads = [line.start_load(name) for name in names]
    pause = threading.Event()
    looks = 0
    while any(load.poll() is None for load in loads):
        for name in names:
            with contextlib.suppress(LakeMissingError), line.reading(name) as connection:
                for check in ("sums", "skus_once", "links_once"):
                    assert offenders(connection, check, status_ids=None) == []
                looks += 1
        pause.wait(0.2)
    for load in loads:
        assert printed(load)["status"] == "succeeded"
    assert looks > 0
    for name in names:
        assert line.contents(name) == quiet, name
