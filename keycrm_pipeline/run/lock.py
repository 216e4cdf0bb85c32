"""Keeps two exchanges of one profile apart, with a lock of the kernel's that a dying process cannot keep.

No limit of the orchestrator sees a run that a command starts by itself, and a killed run would hold its slot. The
kernel frees a file lock when the process ends, however it ends. It is held for a whole run: taken by the first step,
given back after the last one or when a step fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from keycrm_pipeline.warehouse.errors import DirectoryUnusableError

POLL_SECONDS = 0.25
TELL_EVERY_SECONDS = 10.0

_held: dict[Path, tuple[str, FileLock]] = {}
_guard = threading.Lock()


def _holder_path(path: Path) -> Path:
    return path.with_suffix(path.suffix + ".holder")


def holder(path: Path) -> str:
    """Who holds the lock, in words."""
    try:
        told = json.loads(_holder_path(path).read_text("utf-8"))
        return f"run {told['run_id']}, process {told['process']}, since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def is_held(path: Path) -> bool:
    """Whether some process, this one too, works on the profile at this moment."""
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False, mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except PermissionError:
        # Another user's exchange: only what its holder wrote can be seen.
        return _holder_path(path).exists()
    lock.release()
    return False


def acquire(path: Path, run_id: str, *, waiting: Callable[[str], None]) -> None:
    """Takes the lock for a run, waiting as long as another run holds it; at once when this run has it.

    Args:
        path: The profile's lock file.
        run_id: The run that works.
        waiting: Told in words, every few seconds, who is waited for.

    Raises:
        DirectoryUnusableError: The lock's directory cannot be made or written to.
    """
    with _guard:
        held = _held.get(path)
        if held is not None and held[0] == run_id:
            return
    lock = FileLock(path, thread_local=False, mode=0o600)
    waited = 0.0
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock.acquire(timeout=TELL_EVERY_SECONDS if waited else POLL_SECONDS, poll_interval=POLL_SECONDS)
            break
        except Timeout:
            waiting(f"Another exchange of this profile is running ({holder(path)}); waiting for it to end.")
            waited += TELL_EVERY_SECONDS
        except OSError as error:
            raise DirectoryUnusableError(path.parent, error) from None
    with _guard:
        _held[path] = (run_id, lock)
    # It only tells others whom they wait for: on a full disk the exchange goes on, and says itself what is wrong.
    with contextlib.suppress(OSError):
        _holder_path(path).write_text(
            json.dumps(
                {
                    "run_id": run_id,
                    "process": os.getpid(),
                    "since": datetime.now(UTC).isoformat(timespec="seconds"),
                }
            ),
            "utf-8",
        )


def release(path: Path, run_id: str) -> None:
    """Gives the lock back when this run holds it."""
    with _guard:
        held = _held.get(path)
        if held is None or held[0] != run_id:
            return
        del _held[path]
    with contextlib.suppress(OSError):
        _holder_path(path).unlink()
    held[1].release()
