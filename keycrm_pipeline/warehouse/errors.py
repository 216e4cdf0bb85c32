"""What can be wrong with a profile's database file, in words a user can act on."""

from __future__ import annotations

from pathlib import Path


class WarehouseError(Exception):
    """Something is wrong with the database file of a profile; nothing was lost."""


class DatabaseBusyError(WarehouseError):
    """Another program holds the file."""

    def __init__(self, path: Path, holder: str, waited_seconds: float) -> None:
        super().__init__(
            f"The database {path} is held by another program ({holder}). Waited {waited_seconds:.0f} s. "
            "Close the file there (a notebook, a BI tool, a SQL shell) and load again; nothing was lost."
        )


class DatabaseUnreadableError(WarehouseError):
    """The file is no DuckDB database, or is damaged."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The file {path} cannot be opened as a DuckDB database: {reason}. It was left as it is. Put a "
            "backup in its place, or move it away and load again: a new file is made."
        )


class DatabaseNewerError(WarehouseError):
    """The file was written by a newer version of the program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"The database {path} has version {found}; this program knows versions up to {known}. "
            "Update the program; the file was left as it is."
        )


class DatabaseMissingError(WarehouseError):
    """The file does not exist yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no database {path} yet: nothing was loaded for this profile.")


class DiskFullError(WarehouseError):
    """The disk is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The disk that holds {path} is full. What was stored before is safe; free some space and load "
            "again: the load goes on from there."
        )


class CompactionError(WarehouseError):
    """The file could not be made smaller."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The database {path} has grown and was not made smaller: {reason}. It is complete and stays as it "
            "is; the next exchange tries again."
        )
