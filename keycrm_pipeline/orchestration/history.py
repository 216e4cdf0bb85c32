"""Which runs stay in Dagster's history, and for how long: without this it would grow by gigabytes a year.

What is not here: the exchange log, which is in the database and keeps every exchange, and ticks of schedules and
sensors, which `dagster.yaml` limits.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from keycrm_pipeline.orchestration.dagster_internals import (
    IMPLICIT_ASSET_JOB,
    remove_files_of_deleted_runs,
    runs_that_materialized_last,
)
from keycrm_pipeline.orchestration.profile_assets import (
    CHANGED_TAG,
    NOTHING,
    PROFILE_TAG,
    ProfileAssets,
)

PAGE = 500
"""Runs that are read at a time."""

COMMAND_SECONDS = 2.0
"""How long a person waits for it after a command, once a day."""

_DAY_SECONDS = 24 * 60 * 60

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Tidied:
    """What was deleted.

    Attributes:
        deleted: Number of runs.
        left: Runs that are due but were not reached in time; the next call goes on with them.
    """

    deleted: int
    left: int


def tidy_history(
    instance: dg.DagsterInstance,
    assets: ProfileAssets,
    now: datetime,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Tidied:
    """Deletes runs of a profile that are older than its settings say, the oldest first.

    Never deleted are the newest run of each kind (the same job with the same outcome), and runs that materialized a
    day last: deleting a run deletes its materializations, and the day would no longer be shown as loaded.

    Args:
        instance: The instance that contains the runs.
        assets: The profile.
        now: The time, timezone-aware.
        seconds: How long it may take: the rest is left for the next call.
        clock: Seconds that only go forward.
    """
    deadline = clock() + seconds
    due = _due(instance, assets, now)
    if due:
        needed = runs_that_materialized_last(instance, instance.get_asset_keys(prefix=[assets.name]))
        due = [run_id for run_id in due if run_id not in needed]
    deleted = 0
    for run_id in due:
        if clock() >= deadline:
            break
        instance.delete_run(run_id)
        deleted += 1
    # Also those that an interrupted call left.
    remove_files_of_deleted_runs(instance)
    return Tidied(deleted, len(due) - deleted)


def tidy_when_due(instance: dg.DagsterInstance, assets: ProfileAssets, now: datetime) -> None:
    """Tidies after a command, once a day: where commands are all that runs, nothing else does.

    Args:
        instance: The instance that contains the runs; its directory remembers when this was done last.
        assets: The profile.
        now: The time, timezone-aware.
    """
    done = Path(instance.root_directory) / f".tidied_{assets.name}"
    # A clock that was set back must not put it off for years.
    if done.exists() and abs(now.timestamp() - done.stat().st_mtime) < _DAY_SECONDS:
        return
    if not tidy_history(instance, assets, now, seconds=COMMAND_SECONDS).left:
        done.touch()
        os.utime(done, (now.timestamp(), now.timestamp()))


def _due(instance: dg.DagsterInstance, assets: ProfileAssets, now: datetime) -> list[str]:
    """The runs whose time is over, the oldest first."""
    settings = assets.profile.history
    longest = {
        "unchanged": timedelta(days=settings.unchanged_days),
        "failed": timedelta(days=settings.failed_days),
        "changed": timedelta(days=settings.days),
    }
    seen: set[tuple[str, str]] = set()
    due: list[tuple[datetime, str]] = []
    runs = [
        *_ended_runs(instance, dg.RunsFilter(statuses=_ENDED, tags={PROFILE_TAG: assets.name})),
        # Backfills, and what was started from an asset, do not have our tag.
        *(
            record
            for record in _ended_runs(instance, dg.RunsFilter(statuses=_ENDED, job_name=IMPLICIT_ASSET_JOB))
            if PROFILE_TAG not in record.dagster_run.tags and _is_of_profile(record.dagster_run, assets)
        ),
    ]
    runs.sort(key=_ended_at, reverse=True)
    for number, record in enumerate(runs, start=1):
        outcome = _outcome(record.dagster_run)
        kind = (record.dagster_run.job_name, outcome)
        is_newest = kind not in seen
        seen.add(kind)
        ended = _ended_at(record)
        if not is_newest and (number > settings.most_runs or ended < now - longest[outcome]):
            due.append((ended, record.dagster_run.run_id))
    return [run_id for _, run_id in sorted(due)]


def _ended_runs(instance: dg.DagsterInstance, wanted: dg.RunsFilter) -> Iterator[dg.RunRecord]:
    cursor = None
    while page := instance.get_run_records(wanted, limit=PAGE, cursor=cursor):
        yield from page
        cursor = page[-1].dagster_run.run_id


def _ended_at(record: dg.RunRecord) -> datetime:
    if record.end_time is not None:
        return datetime.fromtimestamp(record.end_time, UTC)
    return record.create_timestamp.astimezone(UTC)


def _outcome(run: dg.DagsterRun) -> str:
    if run.status != dg.DagsterRunStatus.SUCCESS:
        return "failed"
    return "unchanged" if run.tags.get(CHANGED_TAG) == NOTHING else "changed"


def _is_of_profile(run: dg.DagsterRun, assets: ProfileAssets) -> bool:
    """Whether a run without our tag materialized assets of the profile and nothing else."""
    chosen = {*(run.asset_selection or ()), *(key.asset_key for key in run.asset_check_selection or ())}
    return bool(chosen) and all(key.path[0] == assets.name for key in chosen)
