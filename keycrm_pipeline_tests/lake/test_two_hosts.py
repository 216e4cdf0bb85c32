"""Two hosts with lakes that die in the middle of a backfill: one comes back with its disk, the other one never does.

Whatever happens, every day is loaded, and the books equal those of one load on a single machine with a file.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.faults.scene import Contents, WatchedApi, printed, read_contents
from keycrm_pipeline_tests.faults.winter import (
    BACKFILL_DAYS,
    NEW_YEAR,
    SECOND_RANGE,
    Cut,
    shop_of_a_winter,
)
from keycrm_pipeline_tests.lake.hosts import Control, Host, storage_variables
from keycrm_pipeline_tests.lake.test_real_loads import LakeCommandLine
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books
from keycrm_pipeline_tests.postgres import Server, query
from keycrm_pipeline_tests.product import (
    PATIENCE_SECONDS,
    free_port,
    launch_backfill,
    locations,
    wait_until,
)

pytestmark = pytest.mark.process

DAYS = [str(NEW_YEAR + timedelta(day)) for day in range(BACKFILL_DAYS)]
SHOPS = ("one", "two")


@pytest.fixture
def hosts(
    tmp_path: Path, postgres: Server, catalog: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Control, Host, Host, Host]]:
    """Daemon and page, the hosts of both shops, and one more in place of the second; none has been started."""
    storage = storage_variables(postgres, postgres.new_database().partition("dbname=")[2])
    ports = free_port(), free_port()

    def host(name: str, share: str, port: int) -> Host:
        (tmp_path / name).mkdir()
        return Host(
            tmp_path / name,
            "",
            catalog=catalog,
            shared=tmp_path / "shared",
            location=f"host_{share}",
            share=share,
            port=port,
            storage=storage,
        )

    (tmp_path / "control").mkdir()
    control = Control(tmp_path / "control", storage, postgres.port)
    made = host("first", "one", ports[0]), host("second", "two", ports[1]), host("third", "two", ports[1])
    # This process looks into Dagster's storage too.
    for name, value in {**storage, "DAGSTER_HOME": str(control.home)}.items():
        monkeypatch.setenv(name, value)
    try:
        yield (control, *made)
    finally:
        for each in (*made, control):
            each.kill()


@pytest.fixture
def books(tmp_path: Path) -> Contents:
    """The books of one load on a single machine with a file."""
    (tmp_path / "single").mkdir()
    single = make_books(tmp_path / "single", shop_of_a_winter())
    assert single.load(NEW_YEAR, NEW_YEAR + timedelta(BACKFILL_DAYS - 1)).orders_created == 62 * 4 + 8 * 20
    return read_contents(single.warehouse.path)


def test_one_host_comes_back_and_the_other_is_lost_with_its_disk(
    hosts: tuple[Control, Host, Host, Host], books: Contents, tmp_path: Path, postgres: Server, catalog: str
) -> None:
    """Both are killed in the second month, with all that runs on them; on the second one a command is waiting then.

    The first one comes back. The second one is gone for good: a third one, with an empty disk, takes its profile over,
    ends its runs, and does them again.
    """
    control, first, second, third = hosts
    apis = {shop: WatchedApi(shop_of_a_winter()) for shop in SHOPS}
    line = LakeCommandLine(tmp_path / "shared", "", catalog=catalog)
    line.directory.mkdir()
    with contextlib.ExitStack() as stack:
        for shop, api in apis.items():
            server = stack.enter_context(SandboxServer(api))
            line.profile(shop, base_url=server.url, database="lake", schedule={"enabled": False})
        for host in (first, second):
            host.begin(storage_port=postgres.port)
        # Everybody and everything is met on the first day: cards have their numbers whatever is loaded next.
        begun = [host.start("load", "--profile", host.share, *days(0, 0)) for host in (first, second)]
        assert [printed(load)["status"] for load in begun] == ["succeeded"] * 2
        control.begin({first.location: first.port, second.location: second.port})
        wait_until(lambda: locations(control.address) == len(SHOPS), "Dagster's page shows both locations")

        cuts = {shop: Cut(api, SECOND_RANGE) for shop, api in apis.items()}
        backfills = [
            launch_backfill(control.address, [(shop, stage.name) for stage in STAGES], DAYS) for shop in SHOPS
        ]
        for cut in cuts.values():
            assert cut.reached.wait(PATIENCE_SECONDS)
        second.start("load", "--profile", "two", *days(3, 5))
        with open_instance() as instance:
            wait_until(
                lambda: len(marks(catalog, "two")) > 1 and marks(catalog, *SHOPS) == under_way(instance),
                "the command of the second host waits, and all runs are marked",
            )
            died = under_way(instance)
            for host in (first, second):
                host.kill()
            shutil.rmtree(second.directory)
            for cut in cuts.values():
                cut.over.set()

            first.begin(storage_port=postgres.port)
            third.begin(storage_port=postgres.port)
            beside = [host.start("load", "--profile", host.share, *days(3, 5)) for host in (first, third)]
            assert [printed(load)["status"] for load in beside] == ["succeeded"] * 2
            wait_until(lambda: not died & under_way(instance), "the runs that died are ended")
            wait_until(
                lambda: not any(status(instance, backfill) == "REQUESTED" for backfill in backfills),
                "both backfills end",
            )
            assert [status(instance, backfill) for backfill in backfills] == ["COMPLETED_SUCCESS"] * 2
            for run in instance.get_runs():
                assert run.status == (
                    dg.DagsterRunStatus.FAILURE if run.run_id in died else dg.DagsterRunStatus.SUCCESS
                )
            for shop in SHOPS:
                for stage in STAGES:
                    loaded = instance.get_materialized_partitions(dg.AssetKey([shop, stage.name]))
                    assert loaded == set(DAYS), (shop, stage.name)
    for shop in SHOPS:
        # No key is there twice, either.
        assert line.contents(shop) == books, shop
    assert marks(catalog, *SHOPS) == set()
    assert list((third.directory / "data" / "runs").iterdir()) == []


def days(first: int, last: int) -> tuple[str, ...]:
    """Arguments of a command that loads some days of the winter, the first one 0."""
    return ("--from", DAYS[first], "--to", DAYS[last], "--json")


def marks(catalog: str, *shops: str) -> set[str]:
    """The runs that are marked in the catalogue of the lakes of some shops."""
    return {
        run_id
        for shop in shops
        for (run_id,) in query(catalog, f'SELECT run_id FROM "{shop}".keycrm_runs')  # noqa: S608
    }


def under_way(instance: dg.DagsterInstance) -> set[str]:
    """The runs that Dagster takes for running."""
    return {run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))}


def status(instance: dg.DagsterInstance, backfill: str) -> str:
    """How a backfill fares."""
    found = instance.get_backfill(backfill)
    assert found is not None
    return found.status.value
