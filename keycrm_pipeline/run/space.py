"""What a profile takes on the disk, and whether there is room for more. Reads sizes only, and no database."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from keycrm_pipeline.profile import Workspace

LEAST_FREE_BYTES = 1_000_000_000
"""A load of years and the history of some weeks fit into it."""

COPIES = 2
"""Compacting copies the database, and so does a backup next to it."""


@dataclass(frozen=True)
class Space:
    """What a profile takes, in bytes.

    Attributes:
        database_bytes: The DuckDB file; 0 when there is none yet, or when the books are in a lake.
        history_bytes: Dagster's history of all profiles.
        history_files: Number of its files.
        free_bytes: What is free on the disk of the database.
    """

    database_bytes: int
    history_bytes: int
    history_files: int
    free_bytes: int

    @property
    def needed_bytes(self) -> int:
        """What should be free."""
        return max(LEAST_FREE_BYTES, COPIES * self.database_bytes)

    @property
    def is_short(self) -> bool:
        """Whether the disk will soon be too full to work."""
        return self.free_bytes < self.needed_bytes


def read_space(workspace: Workspace, history: Path) -> Space:
    """Measures a profile.

    Args:
        workspace: The profile and its places.
        history: DAGSTER_HOME.
    """
    sizes = [size for path in _files(history) if (size := _size(path)) is not None]
    place = workspace.database.parent
    while not place.exists():
        place = place.parent
    return Space(
        database_bytes=_size(workspace.database) or 0,
        history_bytes=sum(sizes),
        history_files=len(sizes),
        free_bytes=shutil.disk_usage(place).free,
    )


def _files(directory: Path) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(directory) for name in names]


def _size(path: Path) -> int | None:
    """The size of a file; None when it is gone, as Dagster's files of a moment are."""
    try:
        return path.stat().st_size
    except OSError:
        return None
