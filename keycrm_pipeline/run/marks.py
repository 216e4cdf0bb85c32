"""Which runs are under way: each holds a file of its own, which the kernel lets go however its process ends.

The profile's lock would not tell: a run that waits for it, an export, a report and the checks do not hold it. Whose
mark lies in the data directory and is held by nobody has died, on whichever host it ran that has this directory. A run
whose mark lies elsewhere cannot be judged by it, and is not.

A run of a profile whose books are in a lake is marked in the lake's catalogue as well, see
`warehouse.engines.catalog_marks`: it can be judged wherever that is reached, also if its host is gone with its disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.reading.databases import lake_of
from keycrm_pipeline.warehouse.engines import catalog_marks
from keycrm_pipeline.warehouse.errors import DirectoryUnusableError, WarehouseError


@contextlib.contextmanager
def under_way(workspace: Workspace, run_id: str) -> Iterator[None]:
    """Marks a run wherever a dead run of its profile is looked for, until the block ends.

    Args:
        workspace: The profile and its places.
        run_id: The run.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(marked(workspace.settings.marks_directory, run_id))
        # A lake whose settings are wrong is reported by whoever opens it.
        with contextlib.suppress(WarehouseError):
            if (lake := lake_of(workspace)) is not None:
                stack.enter_context(catalog_marks.marked(lake, run_id))
        yield


@contextlib.contextmanager
def marked(directory: Path, run_id: str) -> Iterator[None]:
    """Marks a run as being under way until the block ends.

    On a disk that is full or read-only the run is not marked: its own work reports that better.

    Args:
        directory: Where the marks are, see `Settings.marks_directory`.
        run_id: The run.
    """
    path = directory / run_id
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, unfinished = tempfile.mkstemp(dir=directory, prefix=f".{run_id}.")
            stack.callback(os.close, handle)
            # Held before it has its name: nobody ever sees a mark of a living run that is not held.
            fcntl.flock(handle, fcntl.LOCK_EX)
            Path(unfinished).replace(path)
            # Removed before it is let go, for the same reason.
            stack.callback(_remove, path)
        yield


def is_marked(directory: Path, run_id: str) -> bool:
    """Whether a run is under way: some process holds its mark."""
    try:
        with (directory / run_id).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def abandoned(directory: Path) -> Iterator[str]:
    """The runs that died: their marks are held by nobody. A mark is removed when the next one is asked for.

    Args:
        directory: Where the marks are.

    Raises:
        DirectoryUnusableError: The marks cannot be read, so that dead runs would never be found.
    """
    try:
        paths = sorted(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise DirectoryUnusableError(directory, error) from None
    for path in paths:
        if path.name.startswith("."):
            continue
        with contextlib.suppress(OSError), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The run may have ended in order since the list was read, or another process may have been first.
            if not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                continue
            yield path.name
            _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
