"""The sensors: when the changes sync is queued, and who is alerted how often. A real instance, no mocks."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

# A backfill has no public name.
from dagster._core.execution.backfill import PartitionBackfill

from keycrm_pipeline.crm.versions import says_the_same
from keycrm_pipeline.orchestration import sensors
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.profile_assets import PROFILE_TAG, ProfileAssets
from keycrm_pipeline.orchestration.sensors import build_sensors
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.profile import Workspace, remove_stored_key, store_key
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.sentences.client import Client
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts, end_exchange
from keycrm_pipeline_tests.orchestration.shop import NOW, make_workspace, write_exchange

AWAY = Client.READING_STOPPED.message()
FULL = Failure.DISK_FULL.message(path="shop.duckdb")


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None = None) -> Any:
    return sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=cursor))


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def some_job() -> None:
    """Has a step."""
    nothing()


def test_changes_wait_for_a_first_load_and_for_each_other(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """Nothing loaded: nothing to compare with. Something of the profile queued: no second one behind it."""
    changes, *_ = build_sensors(ProfileAssets(workspace))
    assert "no database" in tick(changes, instance).skip_message
    with open_warehouse(workspace).writing() as connection:
        page = raw.FetchedPage(1, 1, [raw.FetchedRow(1, date(2026, 3, 2), b"{}", NOW)])
        raw.store_pages(
            connection, None, [page], exchange_id=1, now=NOW, asked_day=None, says_the_same=says_the_same
        )
    assert len(tick(changes, instance).run_requests) == 1
    instance.create_run_for_job(
        some_job, status=dg.DagsterRunStatus.STARTED, tags={PROFILE_TAG: "shop"}
    )  # fmt: skip
    assert "waiting or running" in tick(changes, instance).skip_message


def test_changes_wait_for_a_backfill(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """A pass queued behind a backfill of years would ask for what the backfill is about to load anyway."""
    assets = ProfileAssets(workspace)
    with open_warehouse(workspace).writing() as connection:
        page = raw.FetchedPage(1, 1, [raw.FetchedRow(1, date(2026, 3, 2), b"{}", NOW)])
        raw.store_pages(
            connection, None, [page], exchange_id=1, now=NOW, asked_day=None, says_the_same=says_the_same
        )
    graph = build_definitions([workspace.profile], workspace.settings).resolve_asset_graph()
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id="years",
            asset_graph=graph,
            partition_names=["2026-03-01", "2026-03-02"],
            asset_selection=[assets.key(step.name) for step in STAGES],
            backfill_timestamp=NOW.timestamp(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
    )
    changes, *_ = build_sensors(assets)
    assert "backfill" in tick(changes, instance).skip_message


def without_key(directory: Path, **settings: Any) -> Workspace:
    """A profile of a real account, in which something was loaded and which has no key."""
    workspace = make_workspace(directory, base_url="http://127.0.0.1:9/v1", **settings)
    write_exchange(workspace, "1", None)
    with open_warehouse(workspace).writing() as connection:
        page = raw.FetchedPage(1, 1, [raw.FetchedRow(1, date(2026, 3, 2), b"{}", NOW)])
        raw.store_pages(
            connection, None, [page], exchange_id=1, now=NOW, asked_day=None, says_the_same=says_the_same
        )
    return workspace


def test_a_profile_without_a_key_is_skipped(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """It failed every quarter of an hour; now the page says why, and a stored key is used at the next tick."""
    workspace = without_key(tmp_path)
    changes, *_ = build_sensors(ProfileAssets(workspace))
    assert tick(changes, instance).skip_message.startswith("No API key is set for profile shop.")
    path = store_key("shop", "the-key", workspace.settings.data_directory)
    assert len(tick(changes, instance).run_requests) == 1
    path.chmod(0o644)
    assert "others on this machine can read" in tick(changes, instance).skip_message


def test_a_profile_that_lost_its_key_raises_one_alert(
    instance: dg.DagsterInstance, webhook: Any, tmp_path: Path
) -> None:
    """Nothing fails any more, so nobody would notice that nothing is loaded; a key ends it."""
    alert = {"webhook": f"http://127.0.0.1:{webhook.server_port}/"}
    workspace = without_key(tmp_path, alert=alert)
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    cursor = None
    for _ in range(3):
        cursor = tick(failures, instance, cursor).cursor
    assert len(webhook.taken) == 1
    assert webhook.taken[0]["text"].startswith(
        "Profile shop is not loaded any more. No API key is set for profile shop."
    )
    data = workspace.settings.data_directory
    store_key("shop", "the-key", data)
    cursor = tick(failures, instance, cursor).cursor
    assert len(webhook.taken) == 1
    remove_stored_key("shop", data)
    tick(failures, instance, cursor)
    assert len(webhook.taken) == 2


@pytest.mark.parametrize("reason", ["new", "by hand"])
def test_a_profile_that_waits_for_no_key_raises_no_alert(
    instance: dg.DagsterInstance, webhook: Any, tmp_path: Path, reason: str
) -> None:
    """One that was never loaded, or that runs nothing automatically."""
    alert = {"webhook": f"http://127.0.0.1:{webhook.server_port}/"}
    if reason == "new":
        workspace = make_workspace(tmp_path, base_url="http://127.0.0.1:9/v1", alert=alert)
    else:
        workspace = without_key(tmp_path, alert=alert, schedule={"enabled": False})
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    tick(failures, instance)
    assert webhook.taken == []


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self.send_response(self.server.answer)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def webhook() -> Iterator[Any]:
    server: Any = HTTPServer(("127.0.0.1", 0), _Webhook)
    server.taken = []
    server.answer = 200
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_one_alert_for_a_streak(instance: dg.DagsterInstance, webhook: Any, tmp_path: Path) -> None:
    """Reported once by both hooks, not again at the next failures; a success ends the streak."""
    reported = tmp_path / "reported"
    script = f"import sys; open({str(reported)!r}, 'a').write(sys.stdin.read() + '\\n')"
    workspace = make_workspace(
        tmp_path,
        alert={
            "command": f'{sys.executable} -c "{script}"',
            "webhook": f"http://127.0.0.1:{webhook.server_port}/",
        },
    )
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    cursor = None
    for run_id, error in (
        ("1", None),
        ("2", AWAY),
        ("3", AWAY),
        ("4", None),
        ("5", FULL),
    ):
        write_exchange(workspace, run_id, error)
        cursor = tick(failures, instance, cursor).cursor
        cursor = tick(failures, instance, cursor).cursor
    texts = [f"Exchange {number} of profile shop failed: {why}" for number, why in ((2, AWAY), (5, FULL))]
    assert [taken["text"] for taken in webhook.taken] == texts
    assert {taken["profile"] for taken in webhook.taken} == {"shop"}
    assert reported.read_text().splitlines() == texts


def test_an_alert_that_nobody_took_is_sent_again(
    instance: dg.DagsterInstance, webhook: Any, tmp_path: Path
) -> None:
    """The chat was down at the moment: the alert comes when it is back, once."""
    workspace = make_workspace(tmp_path, alert={"webhook": f"http://127.0.0.1:{webhook.server_port}/"})
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    write_exchange(workspace, "1", AWAY)
    webhook.answer = 503
    first = tick(failures, instance)
    assert "the webhook answered 503" in first.skip_message
    webhook.answer = 200
    second = tick(failures, instance, first.cursor)
    third = tick(failures, instance, second.cursor)
    assert "reported already" in third.skip_message
    assert len(webhook.taken) == 2


def test_a_killed_exchange_raises_an_alert(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """Power failed: the log says that it runs, nobody does, and no later exchange has said so yet."""
    write_exchange(workspace, "1", ends=False)
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    assert "killed" in tick(failures, instance).skip_message


def test_an_exchange_that_ends_while_it_is_looked_at_raises_no_alert(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs when the log is read, and has ended and let go of its lock when that is asked for."""
    write_exchange(workspace, "1", ends=False)

    def ended_meanwhile(_place: object) -> bool:
        with open_warehouse(workspace).writing() as connection:
            end_exchange(connection, 1, ExchangeCounts(), error=None, now=NOW)
        return False

    monkeypatch.setattr(sensors, "is_held", ended_meanwhile)
    _, failures, _ = build_sensors(ProfileAssets(workspace))
    assert "killed" not in tick(failures, instance).skip_message
