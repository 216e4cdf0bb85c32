"""Sensors of a profile: the changes sync every few minutes, one alert for each streak of failures, a tidy history."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import dagster as dg

from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.dagster_internals import has_backfill_under_way
from keycrm_pipeline.orchestration.history import tidy_history
from keycrm_pipeline.orchestration.instance import end_dead_runs, end_dead_runs_of_lake
from keycrm_pipeline.orchestration.profile_assets import PROFILE_TAG, ProfileAssets
from keycrm_pipeline.run.alerts import send_alert
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.warehouse import exchanges
from keycrm_pipeline.warehouse.errors import DatabaseBusyError, DatabaseMissingError, WarehouseError

FAILURE_POLL_SECONDS = 60
TIDY_SECONDS = 3600
TIDY_WITHIN_SECONDS = 20.0
"""Dagster gives a tick a minute; a history that has grown for years takes several ticks."""

NEWEST_BACKFILLS = 50
"""Backfills that are looked at, newest first: one that is under way is among them, and each may be large."""

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def build_sensors(assets: ProfileAssets) -> list[dg.SensorDefinition]:
    """The changes sync every few minutes, one alert for each streak of failures, and the tidying of the history."""
    profile = assets.profile
    name = profile.name
    enabled = profile.changes.enabled and profile.schedule.enabled

    @dg.sensor(
        name=f"{name}_changes_sensor",
        job_name=f"{name}_changes",
        minimum_interval_seconds=profile.changes.every_minutes * 60,
        default_status=dg.DefaultSensorStatus.RUNNING if enabled else dg.DefaultSensorStatus.STOPPED,
        description=_("Picks up changed orders."),
    )
    def changes_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        reason = assets.missing_key() or _work_under_way(context.instance, assets)
        if reason is not None:
            return dg.SkipReason(reason)
        try:
            with assets.reading() as connection:
                is_loaded = exchanges.is_anything_loaded(connection)
        except WarehouseError as error:
            return dg.SkipReason(str(error))
        if not is_loaded:
            return dg.SkipReason("Nothing was loaded yet: load a period first.")
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={PROFILE_TAG: name})])

    @dg.sensor(
        name=f"{name}_failures",
        minimum_interval_seconds=FAILURE_POLL_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_(
            "Raises one alert when exchanges begin to fail; a later success clears it. Ends runs that were killed, "
            "so that nothing waits for them."
        ),
    )
    def failures(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        end_dead_runs(context.instance, assets.workspace.settings)
        end_dead_runs_of_lake(context.instance, assets.workspace)
        with assets.speaking():
            standing = _nothing_is_loaded(assets) or _standing_failure(context.instance, assets)
        alerted = json.loads(context.cursor)["alerted"] if context.cursor else False
        if standing is None:
            context.update_cursor(json.dumps({"alerted": False}))
            return dg.SkipReason("The last exchange did not fail.")
        if alerted:
            return dg.SkipReason("The failure was reported already.")
        alert = send_alert(profile, standing)
        # An alert that no hook accepted is sent again at the next tick: nobody knows of the failure yet.
        context.update_cursor(json.dumps({"alerted": alert.is_delivered}))
        return dg.SkipReason(alert.text)

    @dg.sensor(
        name=f"{name}_history",
        minimum_interval_seconds=TIDY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Deletes old runs from Dagster's history, as the profile's `history` says. Loaded days stay so.",
    )
    def history(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        tidied = tidy_history(context.instance, assets, datetime.now(UTC), seconds=TIDY_WITHIN_SECONDS)
        return dg.SkipReason(f"Runs deleted: {tidied.deleted}, left for the next time: {tidied.left}.")

    return [changes_sensor, failures, history]


def _work_under_way(instance: dg.DagsterInstance, assets: ProfileAssets) -> str | None:
    """Why a changes sync need not be queued now, in words; None when nothing of the profile waits or runs.

    A sync queued behind a backfill would fetch what the backfill is about to load; the next tick comes soon.
    """
    name = assets.profile.name
    if instance.get_run_records(dg.RunsFilter(tags={PROFILE_TAG: name}, statuses=_UNFINISHED), limit=1):
        return "An exchange of this profile is waiting or running."
    if has_backfill_under_way(instance, name, NEWEST_BACKFILLS):
        return "A backfill of this profile is under way."
    return None


def _nothing_is_loaded(assets: ProfileAssets) -> str | None:
    """Why a profile that was loaded before is loaded no more, in words: it has lost its key, and is skipped.

    A new profile that waits for its first key needs no alert.
    """
    profile = assets.profile
    missing_key = assets.missing_key()
    if missing_key is None or not profile.schedule.enabled:
        return None
    try:
        with assets.reading() as connection:
            was_loaded = exchanges.last_succeeded_exchange(connection) is not None
    except WarehouseError:
        return None
    if not was_loaded:
        return None
    return _(
        "Profile {profile} is not loaded any more. {reason}",
        profile=profile.name,
        reason=missing_key,
    )


def _newest_exchanges(assets: ProfileAssets) -> tuple[exchanges.Exchange | None, exchanges.Exchange | None]:
    """The exchange that began last, and the one that ended last."""
    with assets.reading() as connection:
        return exchanges.last_exchange(connection), exchanges.last_ended_exchange(connection)


def _standing_failure(instance: dg.DagsterInstance, assets: ProfileAssets) -> str | None:
    """Why the exchange that ended last failed, or why its log cannot be read, in words; None when neither is so.

    What runs or waits proves nothing yet: if it counted as no failure, each retry would end the streak and cause
    another alert. Only Dagster knows of a run that died before or after it could write the log.
    """
    profile = assets.profile
    try:
        newest, last = _newest_exchanges(assets)
        is_killed = False
        if newest is not None and newest.status == "running" and not is_held(place_of(assets.workspace)):
            # It may have ended, as usual, after the log was read and before its lock was asked for.
            newest, last = _newest_exchanges(assets)
            is_killed = newest is not None and newest.status == "running"
    except (DatabaseMissingError, DatabaseBusyError):
        # Nothing was loaded yet, or an exchange is writing.
        newest = last = None
        is_killed = False
    except WarehouseError as error:
        return _(
            "The books of profile {profile} cannot be read: {error}",
            profile=profile.name,
            error=error.message.text(current_formatter()),
        )
    if newest is not None and newest.status == "running":
        if is_killed:
            return _failed(newest, exchanges.KILLED.text(current_formatter()))
    elif last is not None and last.status == "failed" and not _goes_on(instance, last.run_id):
        return _failed(last, last.error_text(current_formatter()))
    if last is not None and last.status == "failed" and newest != last:
        return _failed(last, last.error_text(current_formatter()))
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
            return _(
                "Run {run} of profile {profile} failed; see it in Dagster.",
                run=records[0].dagster_run.run_id,
                profile=profile.name,
            )
    return None


def _failed(exchange: exchanges.Exchange, error: str) -> str:
    return _(
        "Exchange {number} of profile {profile} failed: {error}",
        number=exchange.exchange_id,
        profile=exchange.profile,
        error=error,
    )


def _goes_on(instance: dg.DagsterInstance, run_id: str | None) -> bool:
    """Whether the run of a failed exchange tries its step again."""
    run = instance.get_run_by_id(run_id) if run_id is not None else None
    return run is not None and not run.is_finished
