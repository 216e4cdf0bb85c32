"""What can go wrong with a profile's database file, in words a user can act on."""

from __future__ import annotations

from pathlib import Path

from keycrm_pipeline.schemas import failures
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.failures import Failure


class WarehouseError(Exception):
    """Something is wrong with the database file of a profile; nothing was lost."""


class DatabaseBusyError(WarehouseError):
    """Another program has the file open."""

    def __init__(self, path: Path, holder: str, waited_seconds: float) -> None:
        super().__init__(
            failures.DATABASE_BUSY.english.format(path=path, holder=holder, seconds=f"{waited_seconds:.0f}")
        )


class DatabaseUnreadableError(WarehouseError):
    """The file is not a DuckDB database, or is damaged."""

    def __init__(self, path: Path, reason: str | Message) -> None:
        super().__init__(failures.DATABASE_UNREADABLE.english.format(path=path, reason=reason))


class ForeignLogError(WarehouseError):
    """The write-ahead log next to the file belongs to another copy of it, such as one that a backup replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.FOREIGN_LOG.message(path=path, log=f"{path}.wal"))


class DatabaseNewerError(WarehouseError):
    """The file was written by a newer version of the program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"The database {path} has version {found}, but this program only knows versions up to {known}. "
            "Update the program. The file was not changed."
        )


class DatabaseMissingError(WarehouseError):
    """The file does not exist yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no database {path} yet: nothing was loaded for this profile.")


class DiskFullError(WarehouseError):
    """The disk is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(failures.DISK_FULL.english.format(path=path))


class DirectoryUnusableError(WarehouseError):
    """The directory of the database cannot be written to."""

    def __init__(self, path: Path, error: OSError) -> None:
        reason = {FileExistsError: "it is a file, not a directory", PermissionError: "permission denied"}.get(
            type(error), error.strerror or type(error).__name__
        )
        super().__init__(failures.DIRECTORY_UNUSABLE.english.format(path=path, reason=reason))


class CompactionError(WarehouseError):
    """The file could not be compacted."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The database {path} has grown, but could not be compacted: {reason}. Nothing was lost and the file "
            "was not changed; the next exchange will try again."
        )
