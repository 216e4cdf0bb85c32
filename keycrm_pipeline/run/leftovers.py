"""Removes files that a killed process was writing: the next exchange of the profile finds the directories clean.

What is not here: files of the database itself, which DuckDB and `warehouse.compaction` look after.
"""

from __future__ import annotations

import re
import shutil
from datetime import datetime, timedelta
from pathlib import Path

from keycrm_pipeline.profile import Workspace

AGE = timedelta(hours=1)
"""Whatever is younger may still be written, by another process."""

_UNFINISHED = re.compile(r"\.(?:.+\.[a-z0-9_]{8}(?:\.part)?|export-[a-z0-9_]{8})")
"""Names of files that become a report, an export, a key, a password or a mark once they are complete; `tempfile` ends
them with eight characters."""


def remove_leftovers(workspace: Workspace, now: datetime) -> list[Path]:
    """Removes unfinished files that are older than an hour from the profile's directories, and returns them.

    Args:
        workspace: The profile and its places.
        now: The time, timezone-aware.
    """
    removed = []
    data = workspace.settings.data_directory
    for directory in (
        data,
        workspace.exports_directory,
        workspace.reports_directory,
        workspace.stored_key.parent,
        workspace.settings.marks_directory,
    ):
        for path in directory.iterdir() if directory.is_dir() else ():
            if _UNFINISHED.fullmatch(path.name) and _is_old(path, now):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
                removed.append(path)
    return removed


def _is_old(path: Path, now: datetime) -> bool:
    try:
        changed = path.stat().st_mtime
    except OSError:
        # Its process has just completed it.
        return False
    return changed < (now - AGE).timestamp()
