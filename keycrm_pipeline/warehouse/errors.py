"""What can go wrong with a profile's database file, in words a user can act on."""

from __future__ import annotations

from pathlib import Path

from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.failures import Cause, Failure, cause_of


class WarehouseError(MessageError):
    """Something is wrong with the database file of a profile; nothing was lost."""


class DatabaseBusyError(WarehouseError):
    """Another program has the file open."""

    def __init__(self, path: Path, holder: str | None, waited_seconds: float) -> None:
        super().__init__(
            Failure.DATABASE_BUSY.message(
                path=path,
                holder=Cause.UNKNOWN_PROGRAM.message() if holder is None else holder,
                seconds=round(waited_seconds),
            )
        )


class DatabaseUnreadableError(WarehouseError):
    """The file is not a DuckDB database, or is damaged."""

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__(Failure.DATABASE_UNREADABLE.message(path=path, reason=reason))


class ForeignLogError(WarehouseError):
    """The write-ahead log next to the file belongs to another copy of it, such as one that a backup replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.FOREIGN_LOG.message(path=path, log=f"{path}.wal"))


class DatabaseNewerError(WarehouseError):
    """The file was written by a newer version of the program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(Failure.DATABASE_NEWER.message(path=path, found=found, known=known))


class DatabaseMissingError(WarehouseError):
    """The file does not exist yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.DATABASE_MISSING.message(path=path))


class DiskFullError(WarehouseError):
    """The disk is full."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.DISK_FULL.message(path=path))


class DirectoryUnusableError(WarehouseError):
    """The directory of the database cannot be written to."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(Failure.DIRECTORY_UNUSABLE.message(path=path, reason=cause_of(error)))


class PublicationError(WarehouseError):
    """The published copy could not be made."""

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__(Failure.NOT_PUBLISHED.message(path=path, reason=reason))


class NeverPublishedError(WarehouseError):
    """There is no published copy yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.NEVER_PUBLISHED.message(path=path))


class CompactionError(WarehouseError):
    """The file could not be compacted."""

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__(Failure.NOT_COMPACTED.message(path=path, reason=reason))
