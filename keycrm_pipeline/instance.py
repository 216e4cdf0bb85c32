"""The Dagster instance of the page and of the commands: where it is, how it is made, and runs that died with it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

HOME_VARIABLE = "DAGSTER_HOME"
DEFAULT_HOME = ".dagster_home"
PROCESS_TAG = "keycrm/process"
HOST_TAG = "keycrm/host"
_UNFINISHED = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def dagster_home(environ: Mapping[str, str]) -> Path:
    """DAGSTER_HOME, else `.dagster_home` in the working directory, as an absolute path."""
    return Path(environ.get(HOME_VARIABLE) or DEFAULT_HOME).absolute()


def shipped_configuration() -> Path:
    """The `dagster.yaml` of this project."""
    return Path(__file__).resolve().parent.parent / "dagster.yaml"


def prepare_dagster_home(home: Path) -> None:
    """Makes the directory, readable by the owner only, and puts `dagster.yaml` there when it has none."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    configuration = home / "dagster.yaml"
    if not configuration.exists() and shipped_configuration().exists():
        shutil.copyfile(shipped_configuration(), configuration)


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """The instance that the page uses too."""
    home = dagster_home(os.environ)
    prepare_dagster_home(home)
    os.environ[HOME_VARIABLE] = str(home)
    with dg.DagsterInstance.get() as instance:
        yield instance


def process_tags(process: int, host: str) -> dict[str, str]:
    """Tags that tell which process does a run's work."""
    return {PROCESS_TAG: str(process), HOST_TAG: host}


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Ends runs whose process is gone, and returns their ids; a dead run would block the queue for ever.

    To be called at a start of the page, before the daemon: runs that an earlier daemon launched died with it. A run
    that a command started on this machine is alive as long as its process is.
    """
    ended = []
    for record in instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED)):
        run = record.dagster_run
        process, host = run.tags.get(PROCESS_TAG), run.tags.get(HOST_TAG)
        if process is not None and host is not None and (host != socket.gethostname() or _is_alive(int(process))):
            continue
        instance.report_run_failed(run, "Its process is gone: the program was stopped or killed while it ran.")
        ended.append(run.run_id)
    return ended
