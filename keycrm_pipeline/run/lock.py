"""Prevents two exchanges of one profile from running at the same time, with a kernel file lock.

The orchestrator's limits do not cover a run that a command starts by itself, and a killed run would keep its slot. The
kernel releases a file lock when the process ends, however it ends. Books in a lake are locked where their catalogue is,
for all machines, see `warehouse.engines.catalog_lock`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.reading.databases import lake_of
from keycrm_pipeline.warehouse.engines import catalog_lock
from keycrm_pipeline.warehouse.engines.catalog_lock import Hold
from keycrm_pipeline.warehouse.engines.lake import Lake
from keycrm_pipeline.warehouse.errors import DirectoryUnusableError, FileForbiddenError

POLL_SECONDS = 0.25
SAY_EVERY_SECONDS = 10.0

_log = logging.getLogger(__name__)


def _holder_path(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".holder")


def place_of(workspace: Workspace) -> Path | Lake:
    """Where the lock of a profile is.

    Raises:
        LakeSettingsError: Its books are in a lake, and the settings do not say where that is.
    """
    return lake_of(workspace) or workspace.lock


def holder(path: Path) -> str:
    """Who holds the lock, in words."""
    try:
        written = json.loads(_holder_path(path).read_text("utf-8"))
        return f"run {written['run_id']}, process {written['process']}, since {written['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def is_held(place: Path | Lake) -> bool:
    """Whether some process, this one included, is working on the profile right now.

    Raises:
        WarehouseError: The catalogue of its lake cannot be reached.
    """
    return catalog_lock.is_held(place) if isinstance(place, Lake) else _is_file_held(place)


def _is_file_held(path: Path) -> bool:
    try:
        # Opened for reading: whoever only looks may do so on a disk that is read-only.
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except PermissionError:
        # Another user's exchange: only the file that its holder wrote can be seen.
        return os.access(_holder_path(path), os.F_OK)
    return False


@contextlib.contextmanager
def held(place: Path | Lake, run_id: str) -> Iterator[Hold | None]:
    """Holds the lock for a run; waits as long as another run holds it, and logs whom it waits for.

    Args:
        place: The profile's lock file, or its lake.
        run_id: The run that takes the lock.

    Yields:
        What shows a lake that the lock is held; None for a file.

    Raises:
        DirectoryUnusableError: The lock's directory cannot be created or written to.
        WarehouseError: The catalogue of the lake cannot be reached.
    """
    if isinstance(place, Lake):
        with catalog_lock.held(place, run_id) as hold:
            yield hold
        return
    with _held_file(place, run_id):
        yield None


@contextlib.contextmanager
def _held_file(path: Path, run_id: str) -> Iterator[None]:
    lock = FileLock(path, thread_local=False, mode=0o600)
    timeout = POLL_SECONDS
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire(timeout=timeout, poll_interval=POLL_SECONDS)
            break
        except Timeout:
            _log.info(
                "Another exchange of this profile is running (%s); waiting for it to end.", holder(path)
            )
            timeout = SAY_EVERY_SECONDS
        except OSError as error:
            # Whoever ran the program once with more rights left a lock that nobody else may open.
            if isinstance(error, PermissionError) and os.access(path, os.F_OK):
                raise FileForbiddenError(path) from None
            raise DirectoryUnusableError(path.parent, error) from None
    try:
        _write_holder(path, run_id)
        yield
    finally:
        with contextlib.suppress(OSError):
            _holder_path(path).unlink()
        lock.release()


def _write_holder(path: Path, run_id: str) -> None:
    # It only informs those who wait: on a full disk the exchange continues and reports the problem itself.
    written = _holder_path(path)
    with contextlib.suppress(OSError):
        # Made anew: what is there may be a link, and its target would be overwritten.
        written.unlink(missing_ok=True)
        with written.open("x", encoding="utf-8") as file:
            json.dump(
                {
                    "run_id": run_id,
                    "process": os.getpid(),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                },
                file,
            )
