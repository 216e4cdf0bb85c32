"""What can go wrong with a profile's database file, in words a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
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


class FileForbiddenError(WarehouseError):
    """The user that runs this program may not read and write the database, or its lock."""

    def __init__(self, path: Path) -> None:
        super().__init__(Failure.FILE_FORBIDDEN.message(path=path))


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


class LakeMissingError(DatabaseMissingError):
    """Nothing was ever written to the lake of a profile."""

    def __init__(self, profile: str) -> None:
        WarehouseError.__init__(self, Failure.LAKE_MISSING.message(profile=profile))


class LakeSettingsError(WarehouseError):
    """The settings of the installation do not say where a lake is, or say what they must not."""

    def __init__(self, variable: str, reason: Message) -> None:
        super().__init__(Failure.LAKE_SETTING.message(variable=variable, reason=reason))


class LakeNameError(WarehouseError):
    """A profile has a name that no schema of PostgreSQL can have."""

    def __init__(self, profile: str) -> None:
        super().__init__(Failure.LAKE_NAME.message(profile=profile))


class LakeElsewhereError(WarehouseError):
    """The files of a lake are in another place than the settings say."""

    def __init__(self, profile: str, found: str, named: str) -> None:
        super().__init__(Failure.LAKE_ELSEWHERE.message(profile=profile, found=found, named=named))


class BooksInTheWayError(WarehouseError):
    """Books were to be moved to where there are books already."""

    def __init__(self, place: str) -> None:
        super().__init__(Failure.BOOKS_IN_THE_WAY.message(place=place))


class BooksDifferError(WarehouseError):
    """Books that were moved are not what they were."""

    def __init__(self, table: str) -> None:
        super().__init__(Failure.BOOKS_DIFFER.message(table=table))


class LakeFilesError(WarehouseError):
    """The files of a lake cannot be read or written."""

    def __init__(self, profile: str, place: str, reason: str) -> None:
        super().__init__(Failure.LAKE_FILES.message(profile=profile, place=place, reason=reason))


class LakePackageError(WarehouseError):
    """A package that a lake needs is not installed for this version of DuckDB."""

    def __init__(self, package: str, version: str) -> None:
        super().__init__(Failure.LAKE_PACKAGE.message(package=package, version=version))


class LakeKeysError(WarehouseError):
    """There are no keys for S3, or DuckDB does not take them."""

    def __init__(self) -> None:
        super().__init__(Failure.LAKE_KEYS.message())


class CompactionError(WarehouseError):
    """The file could not be compacted."""

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__(Failure.NOT_COMPACTED.message(path=path, reason=reason))


class LakeBusyError(WarehouseError):
    """Another run holds the lock of a profile whose books are in a lake."""

    def __init__(self, profile: str, holder: str, waited_seconds: float) -> None:
        super().__init__(
            Failure.LAKE_BUSY.message(profile=profile, holder=holder, seconds=round(waited_seconds))
        )


class FencedOffError(WarehouseError):
    """A later run holds the lock, so what this one wanted to write was refused."""

    def __init__(self, profile: str) -> None:
        super().__init__(Failure.FENCED_OFF.message(profile=profile))


class WithoutNumberError(WarehouseError):
    """Something wrote into a lake without holding its lock, and was refused."""

    def __init__(self, profile: str) -> None:
        super().__init__(Failure.WITHOUT_NUMBER.message(profile=profile))


class CatalogUnreachableError(WarehouseError):
    """The catalogue of a lake in PostgreSQL cannot be reached, or refuses what was asked."""

    def __init__(self, profile: str, reason: str) -> None:
        super().__init__(Failure.CATALOG_UNREACHABLE.message(profile=profile, reason=reason))


class CatalogCutError(WarehouseError):
    """The session with the catalogue of a lake ended while it was used."""

    def __init__(self, profile: str) -> None:
        super().__init__(Failure.CATALOG_CUT.message(profile=profile))


class LakeChangedError(WarehouseError):
    """The maintenance of a lake would have changed the number of rows of some tables."""

    def __init__(self, profile: str, tables: Sequence[str]) -> None:
        super().__init__(Failure.LAKE_CHANGED.message(profile=profile, tables=list(tables)))
