"""What runs automatically, and for which days: both clock changes, gaps after downtime."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import dropwhile, islice
from pathlib import Path

import dagster as dg
import pytest

# The daemon's own calculation of when a cron is due; it has no public name.
from dagster._utils.schedules import schedule_execution_time_iterator

from keycrm_pipeline.orchestration.dagster_internals import RANGE_END_TAG, RANGE_START_TAG
from keycrm_pipeline.orchestration.profile_assets import PERIOD_TAG, ProfileAssets
from keycrm_pipeline.orchestration.schedules import build_schedules
from keycrm_pipeline.profile import Workspace, store_key
from keycrm_pipeline_tests.orchestration.shop import loaded, make_workspace


def daily_ranges(workspace: Workspace, at: datetime) -> list[tuple[str, str]]:
    """The ranges of days that the daily schedule asks for."""
    (daily, *_) = build_schedules(ProfileAssets(workspace))
    context = dg.build_schedule_context(scheduled_execution_time=at)
    requests = daily.evaluate_tick(context).run_requests or []
    return [(request.tags[RANGE_START_TAG], request.tags[RANGE_END_TAG]) for request in requests]


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)], ids=["spring", "autumn"])
def test_daily_runs_once_on_the_days_the_clock_changes(tmp_path: Path, day: date) -> None:
    """At 05:30 local on the day itself, for the day before; and the next day for the day of 23 or 25 hours."""
    workspace = make_workspace(tmp_path)
    profile = workspace.profile
    (daily, *_) = build_schedules(ProfileAssets(workspace))
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
    assert daily_ranges(workspace, first) == [(before, before)]
    assert daily_ranges(workspace, second) == [(after, after)]


def test_daily_completes_missing_days(tmp_path: Path) -> None:
    """After days without power the gaps are loaded, each as one range, the newest first up to the limit."""
    workspace = make_workspace(tmp_path, schedule={"most_days_to_complete": 4})
    loaded(workspace, date(2026, 3, 1), date(2026, 3, 10), date(2026, 3, 13))
    # Missing until 15 March: 14, 15; 11, 12; and 2 to 9, for which the limit leaves nothing.
    at = datetime(2026, 3, 16, 5, 30, tzinfo=workspace.profile.zone)
    assert daily_ranges(workspace, at) == [
        ("2026-03-11", "2026-03-12"),
        ("2026-03-14", "2026-03-15"),
    ]


def test_every_run_shows_its_period(tmp_path: Path) -> None:
    """In the list of runs one sees which days a run is for, without opening it."""
    workspace = make_workspace(tmp_path)
    loaded(workspace, date(2026, 3, 10), date(2026, 3, 13))
    (daily, *_) = build_schedules(ProfileAssets(workspace))
    at = datetime(2026, 3, 15, 5, 30, tzinfo=workspace.profile.zone)
    requests = daily.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at)).run_requests or []
    assert [request.tags[PERIOD_TAG] for request in requests] == ["2026-03-11 to 2026-03-12", "2026-03-14"]


def test_a_profile_without_a_key_is_skipped(tmp_path: Path) -> None:
    """Every schedule says why; with a stored key each of them runs at its next time."""
    workspace = make_workspace(tmp_path, base_url="http://127.0.0.1:9/v1")
    at = datetime(2026, 3, 15, 5, 30, tzinfo=workspace.profile.zone)
    schedules = build_schedules(ProfileAssets(workspace))
    assert len(schedules) == 4
    for schedule in schedules:
        skipped = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at))
        assert not skipped.run_requests
        assert str(skipped.skip_message).startswith("No API key is set for profile shop.")
    store_key("shop", "the-key", workspace.settings.data_directory)
    for schedule in schedules:
        tick = schedule.evaluate_tick(dg.build_schedule_context(scheduled_execution_time=at))
        assert len(tick.run_requests or ()) == 1
