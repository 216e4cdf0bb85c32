"""Jobs, schedules and sensors of a profile: what runs by itself, and when.

Times are local and at 05:00 or later: an earlier cron moves on the days the clock changes. What a run does is in
`assets`; what an exchange does is in `exchange`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from keycrm_pipeline.assets.stage import STEPS, ProfileAssets
from keycrm_pipeline.orchestration.instance import end_orphaned_runs
from keycrm_pipeline.profile import Profile, lock_path
from keycrm_pipeline.run.alerts import send_alert
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse import exchanges
from keycrm_pipeline.warehouse.errors import WarehouseError

if TYPE_CHECKING:
    # What dg.define_asset_job returns has no public name; needed for types alone.
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

PROFILE_TAG = "keycrm/profile"
"""Runs of one profile wait for each other in the queue: `dagster.yaml` limits this tag to one a value."""

FAILURE_POLL_SECONDS = 60
NEWEST_BACKFILLS = 50
"""Backfills that are looked at, newest first: one that is under way is among them, and each may be large."""

RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
HANDOVER_JOBS = ("exports", "report")
PASS_JOBS = ("changes", "recent", "sweep", "catalogue", "rebuild")
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def build_jobs(assets: ProfileAssets) -> list[UnresolvedAssetJobDefinition]:
    """`<profile>_load` for a period, one job for each pass, and one for each kind of file to take away."""
    name = assets.profile.name
    tags = {PROFILE_TAG: name}
    return [
        dg.define_asset_job(
            f"{name}_load",
            selection=dg.AssetSelection.assets(*(assets.key(step) for step in STEPS)),
            description="Loads a period: one day, or a range of days in one run.",
            tags=tags,
            executor_def=dg.in_process_executor,
        ),
        *(
            dg.define_asset_job(
                f"{name}_{pass_name}",
                selection=dg.AssetSelection.assets(assets.key(pass_name)).without_checks(),
                tags=tags,
                executor_def=dg.in_process_executor,
            )
            for pass_name in (*PASS_JOBS, *HANDOVER_JOBS)
        ),
    ]


def _status(profile: Profile, *, wanted: bool = True) -> dg.DefaultScheduleStatus:
    running = wanted and profile.schedule.enabled
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED


def contiguous_ranges(days: Sequence[date]) -> list[tuple[date, date]]:
    """Joins days that follow each other into ranges, so that each range is one run."""
    ranges: list[tuple[date, date]] = []
    for day in sorted(set(days)):
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def days_to_load(assets: ProfileAssets, yesterday: date) -> list[date]:
    """Yesterday, and days since the first loaded one that were never loaded to the end, newest first up to a limit.

    After downtime a schedule catches up only a few missed ticks, so the missing days are found in the log.
    """
    from keycrm_pipeline.warehouse import raw

    profile = assets.profile
    try:
        with open_warehouse(profile, assets.settings).reading() as connection:
            loaded = set(raw.loaded_days(connection, profile.start_date, yesterday))
    except WarehouseError:
        loaded = set()
    missing: list[date] = []
    if loaded:
        day = yesterday
        while day >= min(loaded) and len(missing) < profile.schedule.most_days_to_complete:
            if day not in loaded:
                missing.append(day)
            day -= timedelta(days=1)
    return [*{yesterday, *missing}] if yesterday >= profile.start_date else []


def build_schedules(assets: ProfileAssets) -> list[dg.ScheduleDefinition]:
    """Daily load, nightly recent window, weekly sweep and weekly refresh of the catalogue."""
    profile = assets.profile
    name = profile.name
    hour, minute = (int(part) for part in profile.schedule.daily_at.split(":"))

    @dg.schedule(
        name=f"{name}_daily",
        job_name=f"{name}_load",
        cron_schedule=f"{minute} {hour} * * *",
        execution_timezone=profile.timezone,
        default_status=_status(profile),
        description="Loads yesterday, and completes days that are missing or failed.",
    )
    def daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        today = context.scheduled_execution_time.astimezone(profile.zone).date()
        for first_day, last_day in contiguous_ranges(days_to_load(assets, today - timedelta(days=1))):
            yield dg.RunRequest(
                run_key=f"{today}:{first_day}:{last_day}",
                tags={RANGE_START_TAG: first_day.isoformat(), RANGE_END_TAG: last_day.isoformat()},
            )

    later = (hour + 1) % 24
    weekday = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday").index(
        profile.sweep.weekday
    )
    return [
        daily,
        dg.ScheduleDefinition(
            name=f"{name}_recent_nightly",
            job_name=f"{name}_recent",
            cron_schedule=f"{minute} {later} * * *",
            execution_timezone=profile.timezone,
            default_status=_status(profile),
            description="Compares the recent days and all open orders again.",
        ),
        dg.ScheduleDefinition(
            name=f"{name}_sweep_weekly",
            job_name=f"{name}_sweep",
            cron_schedule=f"{minute} {(hour + 2) % 24} * * {weekday}",
            execution_timezone=profile.timezone,
            default_status=_status(profile, wanted=profile.sweep.enabled),
            description="Looks for orders that KeyCRM no longer has.",
        ),
        dg.ScheduleDefinition(
            name=f"{name}_catalogue_weekly",
            job_name=f"{name}_catalogue",
            cron_schedule=f"{minute} {(hour + 3) % 24} * * {weekday}",
            execution_timezone=profile.timezone,
            default_status=_status(profile),
            description="Refreshes products, offers and categories.",
        ),
    ]


def build_sensors(assets: ProfileAssets) -> list[dg.SensorDefinition]:
    """The changes pass every few minutes, and one alert for each streak of failures."""
    profile = assets.profile
    name = profile.name
    enabled = profile.changes.enabled and profile.schedule.enabled

    @dg.sensor(
        name=f"{name}_changes_sensor",
        job_name=f"{name}_changes",
        minimum_interval_seconds=profile.changes.every_minutes * 60,
        default_status=dg.DefaultSensorStatus.RUNNING if enabled else dg.DefaultSensorStatus.STOPPED,
        description="Picks up changed orders.",
    )
    def changes_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        busy = _work_under_way(context.instance, assets)
        if busy is not None:
            return dg.SkipReason(busy)
        try:
            with open_warehouse(profile, assets.settings).reading() as connection:
                is_loaded = exchanges.newest_crm_updated_at(connection) is not None
        except WarehouseError as error:
            return dg.SkipReason(str(error))
        if not is_loaded:
            return dg.SkipReason("Nothing was loaded yet: load a period first.")
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={PROFILE_TAG: name})])

    @dg.sensor(
        name=f"{name}_failures",
        minimum_interval_seconds=FAILURE_POLL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Raises one alert when exchanges begin to fail; a later success clears it. Ends runs of commands "
        "that were killed, so that nothing waits for them.",
    )
    def failures(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        end_orphaned_runs(context.instance)
        standing = _standing_failure(context.instance, assets)
        alerted = json.loads(context.cursor)["alerted"] if context.cursor else False
        if standing is None:
            context.update_cursor(json.dumps({"alerted": False}))
            return dg.SkipReason("The last exchange did not fail.")
        if alerted:
            return dg.SkipReason("The failure was told already.")
        alert = send_alert(profile, standing)
        # An alert that no hook took is sent again at the next tick: nobody knows of the failure yet.
        context.update_cursor(json.dumps({"alerted": alert.is_delivered}))
        return dg.SkipReason(alert.text)

    return [changes_sensor, failures]


def _work_under_way(instance: dg.DagsterInstance, assets: ProfileAssets) -> str | None:
    """Why a changes pass need not be queued now, in words; None when nothing of the profile waits or runs.

    A pass queued behind a backfill would ask for what the backfill is about to load; the next tick comes soon.
    """
    name = assets.profile.name
    if instance.get_run_records(dg.RunsFilter(tags={PROFILE_TAG: name}, statuses=_UNFINISHED), limit=1):
        return "An exchange of this profile is waiting or running."
    for backfill in instance.get_backfills(limit=NEWEST_BACKFILLS):
        # By its name: the filter of statuses and their names are not public.
        is_under_way = backfill.status.name == "REQUESTED"
        if is_under_way and any(key.path[0] == name for key in backfill.asset_selection or ()):
            return "A backfill of this profile is under way."
    return None


def _standing_failure(instance: dg.DagsterInstance, assets: ProfileAssets) -> str | None:
    """Why the exchange that ended last failed, in words; None when it did not.

    What runs or waits proves nothing yet: counted as no failure, each new try would end one streak and begin another
    alert. A run that died before or after it could write the log is seen by Dagster alone.
    """
    profile = assets.profile
    try:
        with open_warehouse(profile, assets.settings).reading() as connection:
            newest, last = exchanges.last_exchange(connection), exchanges.last_ended_exchange(connection)
    except WarehouseError:
        newest = last = None
    if newest is not None and newest.status == "running":
        if not is_held(lock_path(profile, assets.settings)):
            return f"Exchange {newest.exchange_id} of profile {profile.name} failed: {exchanges.KILLED}"
    elif last is not None and last.status == "failed" and not _goes_on(instance, last.run_id):
        return f"Exchange {last.exchange_id} of profile {profile.name} failed: {last.error}"
    if last is not None and last.status == "failed" and newest != last:
        return f"Exchange {last.exchange_id} of profile {profile.name} failed: {last.error}"
    records = instance.get_run_records(
        dg.RunsFilter(
            tags={PROFILE_TAG: profile.name},
            statuses=[dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE],
        ),
        limit=1,
    )
    if records and records[0].dagster_run.status == dg.DagsterRunStatus.FAILURE:
        ended = records[0].end_time
        finished_later = (
            last is not None
            and last.status == "succeeded"
            and last.finished_at is not None
            and ended is not None
            and last.finished_at > datetime.fromtimestamp(ended, UTC)
        )
        if not finished_later:
            return f"Run {records[0].dagster_run.run_id} of profile {profile.name} failed; see it in Dagster."
    return None


def _goes_on(instance: dg.DagsterInstance, run_id: str | None) -> bool:
    """Whether the run of a failed exchange tries its step again."""
    run = instance.get_run_by_id(run_id) if run_id is not None else None
    return run is not None and not run.is_finished
