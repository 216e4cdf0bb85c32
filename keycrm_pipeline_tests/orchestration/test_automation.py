"""What Dagster loads and runs by itself: names, schedules, sensors, alerts, ranges. A real instance, no mocks."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import dropwhile, islice
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

# A backfill, and the daemon's own reckoning of when a cron is due; they have no public names.
from dagster._core.execution.backfill import PartitionBackfill
from dagster._utils.schedules import schedule_execution_time_iterator

from keycrm_pipeline.assets.stage import STEPS, ProfileAssets
from keycrm_pipeline.orchestration.automation import (
    PROFILE_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
    build_schedules,
    build_sensors,
    contiguous_ranges,
)
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.profile import Profile, Settings, load_profiles
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts, begin_exchange, fail_exchange, finish_step

NOW = datetime(2026, 3, 30, 9, 0, tzinfo=UTC)


def make_profile(name: str = "shop", **settings: Any) -> Profile:
    return Profile.model_validate(
        {
            "name": name,
            "base_url": "sandbox",
            "start_date": date(2026, 1, 1),
            "default_partner": "Роздрібний покупець",
            **settings,
        }
    )


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(profiles_directory=tmp_path / "profiles", data_directory=tmp_path / "data")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def loaded(profile: Profile, settings: Settings, days: list[date]) -> None:
    """Notes days as loaded, as a load does at its end."""
    with open_warehouse(profile, settings).writing() as connection:
        raw.record_loaded_days(connection, dict.fromkeys(days, 0), exchange_id=1, now=NOW)


def exchange(profile: Profile, settings: Settings, run_id: str, error: str | None) -> None:
    """Writes an ended exchange into the log."""
    with open_warehouse(profile, settings).writing() as connection:
        exchange_id = begin_exchange(
            connection,
            profile=profile.name,
            run_id=run_id,
            kind="changes",
            period_from=None,
            period_to=None,
            steps=["changes"],
            now=NOW,
        )
        if error is None:
            finish_step(connection, exchange_id, "changes", ExchangeCounts(), now=NOW)
        else:
            fail_exchange(connection, exchange_id, error, ExchangeCounts(), now=NOW)


def daily_ranges(profile: Profile, settings: Settings, at: datetime) -> list[tuple[str, str]]:
    """The ranges of days that the daily schedule asks for."""
    (daily, *_) = build_schedules(ProfileAssets(profile, settings))
    context = dg.build_schedule_context(scheduled_execution_time=at)
    requests = daily.evaluate_tick(context).run_requests or []
    return [(request.tags[RANGE_START_TAG], request.tags[RANGE_END_TAG]) for request in requests]


def test_everything_has_its_name(settings: Settings) -> None:
    """Asset keys, jobs, schedules and sensors are public: people's bookmarks and scripts use them."""
    repository = build_definitions([make_profile()], settings).get_repository_def()
    keys = {"/".join(key.path) for key in repository.asset_graph.get_all_asset_keys()}
    passes = ("changes", "recent", "sweep", "catalogue", "rebuild")
    assert keys >= {f"shop/{name}" for name in (*STEPS, *passes)}
    assert set(repository.job_names) >= {f"shop_{name}" for name in ("load", *passes)}
    assert {schedule.name for schedule in repository.schedule_defs} >= {
        "shop_daily", "shop_recent_nightly", "shop_sweep_weekly", "shop_catalogue_weekly",
    }  # fmt: skip
    assert {sensor.name for sensor in repository.sensor_defs} >= {"shop_changes_sensor", "shop_failures"}


def test_every_asset_is_described(settings: Settings) -> None:
    """Group, kinds, owner and description on each; partitions, policy and columns on each stage."""
    repository = build_definitions([make_profile()], settings).get_repository_def()
    for key in repository.asset_graph.get_all_asset_keys():
        node = repository.asset_graph.get(key)
        assert node.group_name == "shop", key
        assert node.kinds, key
        assert node.owners == ["team:accounting"], key
        assert node.description, key
        if key.path[-1] in STEPS:
            assert isinstance(node.partitions_def, dg.DailyPartitionsDefinition), key
            assert node.backfill_policy == dg.BackfillPolicy.multi_run(31), key
            assert node.metadata["dagster/column_schema"].columns, key


def test_a_bad_profile_is_shown_and_the_others_work(settings: Settings) -> None:
    """One mistake in one file must not take the other shops' exchanges from the page."""
    settings.profiles_directory.mkdir()
    (settings.profiles_directory / "good.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n")
    (settings.profiles_directory / "bad.yaml").write_text("base_url: sandbox\nstart: 2026-01-01\n")
    profiles, refused = load_profiles(settings)
    repository = build_definitions(profiles, settings, refused).get_repository_def()
    assert "good_load" in repository.job_names
    node = repository.asset_graph.get(dg.AssetKey(["refused_profiles", "bad"]))
    assert "start_date" in str(node.description)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
def test_daily_runs_once_on_the_days_the_clock_changes(settings: Settings, day: date) -> None:
    """At 05:30 local on the day itself, for the day before; and the next day for the day of 23 or 25 hours."""
    profile = make_profile()
    (daily, *_) = build_schedules(ProfileAssets(profile, settings))
    midnight = datetime(day.year, day.month, day.day, tzinfo=profile.zone)
    ticks = schedule_execution_time_iterator(
        (midnight - timedelta(hours=1)).timestamp(), str(daily.cron_schedule), daily.execution_timezone, True
    )
    first, second = islice(dropwhile(lambda tick: tick < midnight, ticks), 2)
    assert [(tick.date(), tick.hour, tick.minute) for tick in (first, second)] == [
        (day, 5, 30),
        (day + timedelta(days=1), 5, 30),
    ]
    before, after = str(day - timedelta(days=1)), str(day)
    assert daily_ranges(profile, settings, first) == [(before, before)]
    assert daily_ranges(profile, settings, second) == [(after, after)]


def test_daily_completes_missing_days(settings: Settings) -> None:
    """After days without power the gaps are loaded, each as one range, the newest first up to the limit."""
    profile = make_profile(schedule={"most_days_to_complete": 4})
    loaded(profile, settings, [date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 13)])
    # Missing until 15 March: 14, 15; 11, 12; and 2 to 9, for which the limit leaves nothing.
    at = datetime(2026, 3, 16, 5, 30, tzinfo=profile.zone)
    assert daily_ranges(profile, settings, at) == [
        ("2026-03-11", "2026-03-12"),
        ("2026-03-14", "2026-03-15"),
    ]


def test_neighbouring_days_are_one_range() -> None:
    """Two ranges for days that touch would be two runs."""
    days = [date(2026, 3, 31), date(2026, 4, 1), date(2026, 4, 3)]
    assert contiguous_ranges(days) == [(days[0], days[1]), (days[2], days[2])]
    assert contiguous_ranges([]) == []


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
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """Nothing loaded: nothing to compare with. Something of the profile queued: no second one behind it."""
    profile = make_profile()
    changes, _ = build_sensors(ProfileAssets(profile, settings))
    assert "no database" in tick(changes, instance).skip_message
    with open_warehouse(profile, settings).writing() as connection:
        page = raw.FetchedPage(1, 1, [raw.FetchedRow(1, date(2026, 3, 2), b"{}", NOW)])
        raw.store_pages(connection, None, [page], exchange_id=1, now=NOW, asked_day=None)
    assert len(tick(changes, instance).run_requests) == 1
    instance.create_run_for_job(
        some_job, status=dg.DagsterRunStatus.STARTED, tags={PROFILE_TAG: "shop"}
    )  # fmt: skip
    assert "waiting or running" in tick(changes, instance).skip_message


def test_changes_wait_for_a_backfill(settings: Settings, instance: dg.DagsterInstance) -> None:
    """A pass queued behind a backfill of years would ask for what the backfill is about to load anyway."""
    profile = make_profile()
    assets = ProfileAssets(profile, settings)
    with open_warehouse(profile, settings).writing() as connection:
        page = raw.FetchedPage(1, 1, [raw.FetchedRow(1, date(2026, 3, 2), b"{}", NOW)])
        raw.store_pages(connection, None, [page], exchange_id=1, now=NOW, asked_day=None)
    graph = build_definitions([profile], settings).resolve_asset_graph()
    instance.add_backfill(
        PartitionBackfill.from_asset_partitions(
            backfill_id="years",
            asset_graph=graph,
            partition_names=["2026-03-01", "2026-03-02"],
            asset_selection=[assets.key(step) for step in STEPS],
            backfill_timestamp=NOW.timestamp(),
            tags={},
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
    )
    changes, _ = build_sensors(assets)
    assert "backfill" in tick(changes, instance).skip_message


def test_a_range_run_puts_its_own_numbers_on_each_day(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    """Three days in one run: each day shows its own orders, and together they are the orders of the books."""
    profile = make_profile(requests_per_minute=6000)
    result = (
        build_definitions([profile], settings)
        .resolve_job_def("shop_load")
        .execute_in_process(
            instance=instance, tags={RANGE_START_TAG: "2026-03-28", RANGE_END_TAG: "2026-03-30"}
        )
    )
    assert result.success
    with open_warehouse(profile, settings).reading() as connection:
        booked = dict(
            connection.execute(
                "SELECT order_day::VARCHAR, count(*) FROM accounting.orders GROUP BY order_day"
            ).fetchall()
        )
    shown = {
        event.partition: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["shop", "orders"])
    }
    assert sorted(shown, key=str) == ["2026-03-28", "2026-03-29", "2026-03-30"]
    assert {day: metadata["created"].value for day, metadata in shown.items()} == booked
    assert all(
        {"updated", "unchanged", "rejected", "sum UAH"} <= set(metadata) for metadata in shown.values()
    )


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


def test_one_alert_for_a_streak(
    settings: Settings, instance: dg.DagsterInstance, webhook: Any, tmp_path: Path
) -> None:
    """Told once by both hooks, not again at the next failures; a success ends the streak."""
    told = tmp_path / "told"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + '\\n')"
    profile = make_profile(
        alert={
            "command": f'{sys.executable} -c "{script}"',
            "webhook": f"http://127.0.0.1:{webhook.server_port}/",
        }
    )
    _, failures = build_sensors(ProfileAssets(profile, settings))
    cursor = None
    for run_id, error in (
        ("1", None),
        ("2", "KeyCRM is away"),
        ("3", "KeyCRM is away"),
        ("4", None),
        ("5", "No"),
    ):
        exchange(profile, settings, run_id, error)
        cursor = tick(failures, instance, cursor).cursor
        cursor = tick(failures, instance, cursor).cursor
    texts = [
        f"Exchange {number} of profile shop failed: {why}"
        for number, why in ((2, "KeyCRM is away"), (5, "No"))
    ]
    assert [taken["text"] for taken in webhook.taken] == texts
    assert {taken["profile"] for taken in webhook.taken} == {"shop"}
    assert told.read_text().splitlines() == texts


def test_an_alert_that_nobody_took_is_sent_again(
    settings: Settings, instance: dg.DagsterInstance, webhook: Any
) -> None:
    """The chat was down at the moment: the alert comes when it is back, once."""
    profile = make_profile(alert={"webhook": f"http://127.0.0.1:{webhook.server_port}/"})
    _, failures = build_sensors(ProfileAssets(profile, settings))
    exchange(profile, settings, "1", "KeyCRM is away")
    webhook.answer = 503
    first = tick(failures, instance)
    assert "the webhook answered 503" in first.skip_message
    webhook.answer = 200
    second = tick(failures, instance, first.cursor)
    third = tick(failures, instance, second.cursor)
    assert "told already" in third.skip_message
    assert len(webhook.taken) == 2


def test_a_killed_exchange_raises_an_alert(settings: Settings, instance: dg.DagsterInstance) -> None:
    """Power failed: the log says that it runs, nobody does, and no later exchange has said so yet."""
    profile = make_profile()
    with open_warehouse(profile, settings).writing() as connection:
        begin_exchange(
            connection,
            profile="shop",
            run_id="1",
            kind="changes",
            period_from=None,
            period_to=None,
            steps=["changes"],
            now=NOW,
        )
    _, failures = build_sensors(ProfileAssets(profile, settings))
    assert "killed" in tick(failures, instance).skip_message
