"""The whole product as `make run` starts it, with a full queue, loads by command next to it, and one that was killed.

What is not here: backfills (`test_backfill`), and commands without a page (`test_processes`).
"""

from __future__ import annotations

import contextlib
import threading
from itertools import pairwise
from pathlib import Path

import dagster as dg
import psutil
import pytest

from keycrm_pipeline.orchestration.dagster_internals import RANGE_END_TAG, RANGE_START_TAG
from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG, PROFILE_TAG
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import (
    FIRST_DAY,
    LAST_DAY,
    CommandLine,
    WatchedApi,
    fill,
    read_log,
)
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, Product, wait_for_runs, wait_until

pytestmark = pytest.mark.process


class Meeting:
    """KeyCRM's first answers to two shops, each held back until the other has been asked, too."""

    def __init__(self, *apis: WatchedApi) -> None:
        self._barrier = threading.Barrier(len(apis))
        self.happened = threading.Event()
        for api in apis:
            api.watch = self._watch

    def _watch(self, _listing: str, page: int) -> None:
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
            shop = EditableShop.empty()
            fill(shop, 60)
            apis.append(WatchedApi(shop))
            servers.append(stack.enter_context(SandboxServer(apis[-1])))
        line = CommandLine(places, servers[0].url)
        stack.callback(line.end)
        for name, server in zip(names, servers, strict=True):
            line.profile(name, base_url=server.url, schedule={"enabled": False})
        product = Product(places / "home", line.environment())
        product.start()
        # On a busy machine a run's process may take minutes to start. If the daemon gave up before the monitoring
        # does, it would start a second process of the run, and show a load that goes on as failed.
        patience = psutil.Process(product.daemon()).environ()["DAGSTER_GRPC_TIMEOUT_SECONDS"]
        with open_instance() as instance:
            assert float(patience) >= instance.run_monitoring_start_timeout_seconds

        meeting = Meeting(apis[0], apis[1])
        asks, is_over = threading.Event(), threading.Event()
        stack.callback(is_over.set)

        def hold(_listing: str, _page: int) -> None:
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
        with open_instance() as instance:
            # Commands look for dead ones when they begin: here the page alone is to do it.
            wait_until(lambda: len(_of_commands(instance)) == len(commands), "all commands have begun")
            commands[2].kill()
            commands[2].communicate()
            is_over.set()
            waiting = product.launch("dead_load", period)
            printed = [command.communicate() for command in commands[:2]]
            assert all('"status": "succeeded"' in output for output, _ in printed), printed
            expected = [*launched["shop"], *launched["other"], waiting]
            wait_for_runs(instance, product.said)
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
        record.dagster_run for record in instance.get_run_records() if COMMAND_TAG in record.dagster_run.tags
    ]
