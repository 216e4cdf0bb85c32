"""Every use of Dagster that is not its public API, each with the version it was checked against.

When Dagster moves one of these names, this is the only module to look at.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

# 1.13.28: where a run gets its logger for the console.
from dagster._core.execution import context_creation_job

# 1.13.28: the origin of a run has no public type.
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

# 1.13.28: where the default storage keeps the events of a run.
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

# 1.13.28: what every process does that was started for a run, by the code server as in a container.
from dagster._grpc.impl import core_execute_run

if TYPE_CHECKING:
    from starlette.middleware import Middleware

# 1.13.28: what dg.define_asset_job returns has no public name.
AssetJob: TypeAlias = UnresolvedAssetJobDefinition

# 1.13.28: documented as run tags, without a public constant.
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
MAX_RETRIES_TAG = "dagster/max_retries"

HIDDEN_TAG_PREFIX = ".dagster/"
"""1.13.28: the page does not show tags that begin with it."""

DAEMON_MODULE = "dagster._daemon"
"""1.13.28: `python -m` runs the daemon with it, as `dagster dev` does."""

DAEMON_VARIABLES = {
    "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "true",
    "DAGSTER_GRPC_TIMEOUT_SECONDS": "300",
}
"""1.13.28: what a daemon needs in its environment; in no documentation of Dagster.

A backfill waits for a code location that cannot be reached or loaded. Without the first, the daemon ends the whole
backfill at its next look, every half minute, and cancels its queued runs.

A run's process may take as long to start as `start_timeout_seconds` of the monitoring says. Without the second it is a
minute, and a busy machine takes longer: the daemon then starts a second process of the same run and takes its end for
that of the run, so that a load which goes on, and succeeds, is shown as failed."""

IMPLICIT_ASSET_JOB = "__ASSET_JOB"
"""1.13.28: job of the runs that were started from assets or by a backfill."""

REPOSITORY = "__repository__"
"""1.13.28: name that Dagster gives to the one repository of a code location."""


@contextlib.contextmanager
def runs_with_origin(instance: dg.DagsterInstance, module: str, location: str) -> Iterator[None]:
    """Gives runs executed in this process the same origin as runs started from the page.

    The Overview shows only runs that come from a code location. 1.13.28: `execute_in_process` creates its run by
    `instance.create_run_for_job` and passes no origin.

    Args:
        instance: The instance.
        module: Module that the code location loads.
        location: The name of the code location.
    """
    origin_of_location = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(executable_path=sys.executable, module_name=module), location
    )
    repository = RemoteRepositoryOrigin(origin_of_location, REPOSITORY)
    create: Callable[..., dg.DagsterRun] = instance.create_run_for_job

    def create_with_origin(job_def: dg.JobDefinition, **arguments: Any) -> dg.DagsterRun:
        origin = RemoteJobOrigin(repository, job_def.name)
        return create(job_def=job_def, **{**arguments, "remote_job_origin": origin})

    # Set on this object only; once deleted, the method of its class is found again.
    vars(instance)["create_run_for_job"] = create_with_origin
    try:
        yield
    finally:
        del vars(instance)["create_run_for_job"]


def run_of_this_process() -> dg.DagsterRun | None:
    """The run for which this process loads the definitions; None if for something else, or if that cannot be told.

    1.13.28: `DefinitionsLoadContext` says that it is a run, but not which. It is known to the function that asks for
    the definitions, so it is read from there.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code is core_execute_run.__code__:
            run = frame.f_locals.get("dagster_run")
            return run if isinstance(run, dg.DagsterRun) else None
        frame = frame.f_back
    return None


def tag_run(instance: dg.DagsterInstance, run_id: str, tags: dict[str, str]) -> None:
    """Adds tags to a run that is under way. 1.13.28: `add_run_tags` is not marked as public."""
    instance.add_run_tags(run_id, tags)


def end_run(instance: dg.DagsterInstance, run: dg.DagsterRun, message: str) -> None:
    """Ends a run whose process no longer exists, and frees its place in every pool.

    1.13.28: `report_run_canceled`, `report_run_failed` and the storage's slots are not marked as public.
    """
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, message=message)
    else:
        instance.report_run_failed(run, message=message)
    with contextlib.suppress(NotImplementedError):
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def is_history_of_this_machine(instance: dg.DagsterInstance) -> bool:
    """Whether the instance keeps its history in files of this machine, and not in a database that hosts share.

    1.13.28: neither the storage of an instance nor its class is public.
    """
    return isinstance(instance.event_log_storage, SqliteEventLogStorage)


def make_pools_known(instance: dg.DagsterInstance, pools: Iterable[str]) -> None:
    """Gives pools their default limit before the daemon sees a run that uses them.

    Dagster sets it when it first finds such a run in its queue, after it has read which pools have a limit: two runs
    of the very first backfill would start at once, and the second would wait for the lock of its profile. A limit
    that a pool already has stays. 1.13.28: limits are set through the storage, which is not public.

    Args:
        instance: The instance.
        pools: Names of pools, see `ProfileAssets.pool`.
    """
    for pool in set(pools) - instance.event_log_storage.get_concurrency_keys():
        instance.event_log_storage.initialize_concurrency_limit_to_default(pool)


def has_backfill_under_way(instance: dg.DagsterInstance, prefix: str, newest: int) -> bool:
    """Whether a backfill of assets whose keys begin with `prefix` is under way.

    1.13.28: `get_backfills` and the statuses are not public, so the status is compared by its name.

    Args:
        instance: The instance.
        prefix: First part of the assets' keys.
        newest: How many backfills to look at, newest first; each may be large.
    """
    return any(
        backfill.status.name == "REQUESTED"
        and any(key.path[0] == prefix for key in backfill.asset_selection or ())
        for backfill in instance.get_backfills(limit=newest)
    )


def keep_events_off_the_console() -> None:
    """Leaves the errors of runs of this process to their events: a run that somebody stops is pages of traceback.

    1.13.28: the configuration of a run can do that for this run alone, `python_log_level` would take what the exchange
    logs out of the events too, and a logger of the code location counts only for runs that configure it.
    """

    def quiet(_instance: dg.DagsterInstance | None) -> list[tuple[dg.LoggerDefinition, dict[str, str]]]:
        return [(dg.colored_console_logger, {"name": "dagster", "log_level": "CRITICAL"})]

    vars(context_creation_job)["default_system_loggers"] = quiet


def serve_dagster_page(middleware: Sequence[Middleware], arguments: Sequence[str]) -> None:
    """Serves Dagster's page as its own command does, with middleware of ours around all of its routes.

    1.13.28: `build_middleware` is the hook of the webserver's class, but the command takes no class of others. So the
    name by which it finds its own is set to ours, in this process.

    Args:
        middleware: The outermost first.
        arguments: Those of `dagster-webserver`.
    """
    from dagster_webserver import app, cli
    from dagster_webserver.webserver import DagsterWebserver

    class Webserver(DagsterWebserver):
        def build_middleware(self) -> list[Middleware]:
            return [*middleware, *super().build_middleware()]

    vars(app)["DagsterWebserver"] = Webserver
    cli.dagster_webserver(list(arguments), auto_envvar_prefix="DAGSTER_WEBSERVER")


def runs_that_materialized_last(instance: dg.DagsterInstance, keys: Iterable[dg.AssetKey]) -> set[str]:
    """The runs whose materialization is the newest of an asset or of one of its partitions.

    1.13.28: `delete_run` deletes a run's materializations with it, and a day of which none is left is no longer shown
    as loaded. Which is the newest of each partition, only the storage tells without reading all of them.
    """
    runs = set()
    for record in instance.get_asset_records(list(keys)):
        newest = record.asset_entry.last_materialization_record
        if newest is not None:
            runs.add(newest.run_id)
        key = record.asset_entry.asset_key
        found = list(
            instance.event_log_storage.get_latest_storage_id_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION
            ).values()
        )
        for first in range(0, len(found), _IDS_OF_A_QUERY):
            some = found[first : first + _IDS_OF_A_QUERY]
            result = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=key, storage_ids=some), limit=len(some)
            )
            runs |= {materialized.run_id for materialized in result.records}
    return runs


_IDS_OF_A_QUERY = 500
"""SQLite takes a limited number of values in one statement."""

_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def remove_files_of_deleted_runs(instance: dg.DagsterInstance) -> None:
    """Removes what `delete_run` leaves: a SQLite file for each run, emptied, and the directory of its outputs.

    1.13.28: the default storage keeps one file per run, and neither its path nor the list of run ids is public. Other
    storages have no such files.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return
    databases = list(Path(storage.path_for_shard("index")).parent.glob("*.db*"))
    outputs = Path(instance.storage_directory())
    directories = list(outputs.iterdir()) if outputs.is_dir() else []
    # Listed after the files: a run is known before its file is made.
    known = set(instance.run_storage.get_run_ids())
    for path in (*databases, *directories):
        run_id = path.name.partition(".")[0]
        if not _RUN_ID.fullmatch(run_id) or run_id in known:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
