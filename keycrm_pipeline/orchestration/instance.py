"""The Dagster instance shared by the page and the commands: its location, its creation, and runs that died.

What is not here: what Dagster loads (`definitions`), and what a command runs (`commands`). The instance's own
settings are in `dagster.yaml`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import psutil
from filelock import FileLock

from keycrm_pipeline.orchestration.dagster_internals import end_run, is_history_of_this_machine
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG
from keycrm_pipeline.profile import HOME_VARIABLE, Settings, Workspace, dagster_home
from keycrm_pipeline.reading.databases import lake_of
from keycrm_pipeline.run.marks import abandoned, is_marked
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.sentences.failures import NO_SPACE, Failure, cause_of
from keycrm_pipeline.warehouse.engines import catalog_marks
from keycrm_pipeline.warehouse.errors import WarehouseError

CONFIGURATION = "dagster.yaml"
WORKSPACE = "workspace.yaml"

_OPENING_LOCK = ".opening.lock"
"""In DAGSTER_HOME. Dagster creates and migrates its SQLite files when an instance is first opened, and fails if
two processes do so at the same time."""

_SHIPPED_RECORD = ".dagster.yaml.sha256"
"""Contains the hash of the copied configuration, to distinguish an old copy from one that a person edited."""

_LEAST_FREE_BYTES = 1_000_000
"""Less is a full disk to SQLite, which also needs room for its logs."""

_RUNNING = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_ENDED = "Its process no longer exists: the program was stopped or killed while it ran. Load the same period again."


class HomeUnusableError(MessageError):
    """DAGSTER_HOME cannot be written to, or its disk is full."""

    def __init__(self, home: Path, error: OSError) -> None:
        super().__init__(
            Failure.HOME_FULL.message(path=home)
            if error.errno in NO_SPACE
            else Failure.HOME_UNUSABLE.message(path=home, reason=cause_of(error))
        )


@contextmanager
def full_home_in_words(home: Path) -> Iterator[None]:
    """Tells what keeps Dagster from storing its history, because of the disk of DAGSTER_HOME, in words.

    Raises:
        HomeUnusableError: It is full, or cannot be written to.
    """
    try:
        yield
    except MessageError:
        raise
    except Exception as error:
        if (refused := _refusal(error, home)) is not None:
            raise HomeUnusableError(home, refused) from None
        raise


def _refusal(error: BaseException | None, home: Path) -> OSError | None:
    """What the system refused in DAGSTER_HOME, if an error came of that; the books tell of their own files."""
    while error is not None:
        if isinstance(error, sqlite3.OperationalError):
            name = error.sqlite_errorname
            # SQLite also calls it an error of the disk, or a file that cannot be opened, when its log cannot grow.
            if name == "SQLITE_FULL" or shutil.disk_usage(home).free < _LEAST_FREE_BYTES:
                return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if name.startswith("SQLITE_READONLY"):
                return OSError(errno.EROFS, os.strerror(errno.EROFS))
        if isinstance(error, OSError) and (
            error.errno in NO_SPACE or str(error.filename or "").startswith(str(home))
        ):
            return error
        error = error.__cause__ or error.__context__
    return None


def shipped_configuration() -> Path:
    """The `dagster.yaml` of this package."""
    return Path(__file__).with_name(CONFIGURATION)


def shipped_workspace() -> Path:
    """The `workspace.yaml` of this package: what the page and the daemon load."""
    return Path(__file__).with_name(WORKSPACE)


def prepare_dagster_home(home: Path) -> None:
    """Creates the directory, accessible only to its owner, and copies the package's `dagster.yaml` there.

    An unedited copy is updated when the package's file changes; an edited copy, or a file that existed before, is
    left alone.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    copy, record = home / CONFIGURATION, home / _SHIPPED_RECORD
    content = shipped_configuration().read_bytes()
    if copy.exists():
        present = copy.read_bytes()
        copied = record.read_text("ascii").strip() if record.exists() else ""
        if present == content or copied != hashlib.sha256(present).hexdigest():
            return
    _replace(copy, content)
    _replace(record, f"{hashlib.sha256(content).hexdigest()}\n".encode("ascii"))


def _replace(path: Path, content: bytes) -> None:
    """Writes a file atomically: two commands may start at the same time."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(path)


def _remove_parts(home: Path) -> None:
    """Removes what processes left that were killed in `_replace`."""
    for part in home.glob("*.part"):
        number = part.suffixes[-2].removeprefix(".") if len(part.suffixes) > 1 else ""
        if number.isdigit() and not psutil.pid_exists(int(number)):
            part.unlink(missing_ok=True)


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """The instance that the page uses too; DAGSTER_HOME is set for child processes.

    Commands may open a new home at the same time: one creates its files while the others wait.
    """
    home = dagster_home(os.environ)
    os.environ[HOME_VARIABLE] = str(home)
    with full_home_in_words(home):
        prepare_dagster_home(home)
        with FileLock(home / _OPENING_LOCK, mode=0o600):
            _remove_parts(home)
            prepare_dagster_home(home)
            opened = dg.DagsterInstance.get()
        with opened as instance:
            yield instance


def end_dead_runs(
    instance: dg.DagsterInstance, settings: Settings, *, at_start_of_page: bool = False
) -> list[str]:
    """Ends runs whose process no longer exists; a dead run would block its profile's queue for ever.

    A run is dead when its mark lies in the data directory and nobody holds it, wherever it ran. So this may be called
    at any time, on every host, and ends no run of a host that has other data.

    Args:
        instance: The instance that contains the runs.
        settings: Where the data are.
        at_start_of_page: The page is about to start, or has just been stopped. If the instance belongs to this machine
            alone, there is no daemon now: runs that it launched died with it, also those that had no mark yet.

    Returns:
        The ids of the ended runs.
    """
    marks = settings.marks_directory
    ended = [run_id for run_id in abandoned(marks) if _end(instance, run_id)]
    if at_start_of_page and is_history_of_this_machine(instance):
        for record in instance.get_run_records(dg.RunsFilter(statuses=list(_RUNNING))):
            run = record.dagster_run
            if (
                COMMAND_TAG not in run.tags
                and not is_marked(marks, run.run_id)
                and _end(instance, run.run_id)
            ):
                ended.append(run.run_id)
    return ended


def end_dead_runs_of_lake(instance: dg.DagsterInstance, workspace: Workspace) -> list[str]:
    """Ends runs of a profile in a lake that died with their host and its disk; of any other profile, none.

    To be called again and again: a run is dead when it was found without its lock twice. A catalogue that cannot be
    reached tells of no dead run.

    Args:
        instance: The instance that contains the runs.
        workspace: The profile and its places.

    Returns:
        The ids of the ended runs.
    """
    with suppress(WarehouseError):
        if (lake := lake_of(workspace)) is not None:
            return [run_id for run_id in catalog_marks.abandoned(lake) if _end(instance, run_id)]
    return []


def _end(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Ends a run that is dead, and returns whether it had not ended by itself."""
    run = instance.get_run_by_id(run_id)
    # A command killed right after Dagster had made its run leaves one that has not even started; it would keep the
    # changes sensor waiting until somebody deletes it.
    if run is None or run.is_finished:
        return False
    end_run(instance, run, _ENDED)
    return True
