"""Opens a profile's database for writing or for reading; if it cannot, it says why in words.

It is a DuckDB file, or else a lake. DuckDB lets one process write to a file and refuses all others, even readers. So a
connection is held for one piece of work and closed at once, also on an exception; an exchange keeps the file open from
one piece to the next, but never while it waits for KeyCRM. If another program holds the file, we wait a little and then
name it. A lake is read by anybody at any time, and written to under its lock.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.stopping import undisturbed
from keycrm_pipeline.warehouse.closing import close, close_all, closed_at_the_end
from keycrm_pipeline.warehouse.engines import catalog_lock
from keycrm_pipeline.warehouse.engines.catalog_lock import Hold
from keycrm_pipeline.warehouse.engines.engine import engine_of
from keycrm_pipeline.warehouse.engines.file import attach_file
from keycrm_pipeline.warehouse.engines.lake import (
    Lake,
    attach_lake,
    connect_for_lake,
    is_not_there,
    other_place,
)
from keycrm_pipeline.warehouse.engines.lake_readers import attached
from keycrm_pipeline.warehouse.errors import (
    DatabaseBusyError,
    DatabaseMissingError,
    DatabaseUnreadableError,
    DirectoryUnusableError,
    DiskFullError,
    FileForbiddenError,
    ForeignLogError,
    LakeElsewhereError,
    LakeFilesError,
    LakeMissingError,
    NeverPublishedError,
    WarehouseError,
)
from keycrm_pipeline.warehouse.migrations import has_tables, is_up_to_date, migrate

_DATABASE = "warehouse"

STAGING = "staging"
"""An in-memory database for what the connections to one file share; it ends with the last of them."""

WAIT_SECONDS = 30.0
"""How long a write waits for another program to release the file. A BI query is over by then."""

MEMORY_LIMIT = "1500MB"
"""Ceiling for DuckDB's own memory. A load must fit next to the page and the daemon on a small machine."""

PAGES_KEPT = 8_000_000
"""Bytes of the file's pages that DuckDB may keep in memory between two rounds of batches: enough for some batches."""

GIVEN_BACK_AT = "1MB"
"""DuckDB returns freed memory to the system at once when it frees this much together. Its default of 512 MB is more
than a batch has, so what one batch had freed stayed allocated next to what the next one took (measured: saves 37 of
489 MB when 100,000 orders are derived, for at most 4 % more CPU time)."""

WRITTEN_AT_ONCE = "1MB"
"""A transaction that writes more than this goes straight into the file. With DuckDB's default of 16 MB, a load would
write its payloads to the log first, uncompressed, and then again, and keep in memory what is only in the log (measured:
30,000 orders write 6 MB instead of 112 MB)."""

SMALL_FILE = 8_000_000
"""Bytes. A smaller file, of some five thousand orders, is worked on by one thread: what the others take to start and
to wait for each other is a fifth of the CPU time of the stages of a small load (0.56 s instead of 0.68 s)."""

_HOLDER = re.compile(r"held in (.+?)(?: by user .*)?\. ")
_HELD = ("Could not set lock", "Conflicting lock", "Unique file handle conflict")
"""What DuckDB says about a file that is open elsewhere; the last one, if this process itself has it open."""

_NO_SPACE = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "Could not write all required bytes",
)
_READ_ONLY = "Read-only file system"
_FOREIGN_LOG = "replaying WAL"
"""DuckDB's words for any log that does not fit its file."""
_INTERRUPTED = "Query interrupted"
"""What DuckDB raises, as a RuntimeError, when Ctrl-C is pressed while it works."""
_DAMAGED = ("not a valid DuckDB", "corrupt", "Failed to load", "Could not read")


@dataclass
class _Kept:
    """A database that stays open from one piece of work to the next.

    Attributes:
        opened: The connection that keeps it open, and with it all others; none while it is closed.
        since: When it was opened, on the monotonic clock.
        uses: Pieces of work that are being done with it.
    """

    opened: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    since: float = 0.0
    uses: int = 0

    def close(self) -> None:
        # A stop in between would leave a closed connection to whoever writes down that the exchange was stopped.
        with undisturbed():
            close_all(self.opened)
            self.opened.clear()


@dataclass(frozen=True)
class Warehouse:
    """The database of one profile.

    Attributes:
        path: The DuckDB file; of a lake, the name under which what belongs to this machine is kept beside the files.
        timezone: IANA zone in which the file's instants are shown.
        wait_seconds: How long to wait for another program that holds the file.
        is_copy: Whether it is a published copy, which is read as it is: the next exchange brings it up to date.
        sleep: Waits; replaced in tests.
        lake: Where the books are, if they are in no file.
        hold: The lake's lock, if the exchange that writes holds it; any other writing takes it for as long as it lasts.
    """

    path: Path
    timezone: str
    wait_seconds: float = WAIT_SECONDS
    is_copy: bool = False
    sleep: Callable[[float], None] = time.sleep
    lake: Lake | None = None
    hold: Hold | None = None
    _kept: _Kept | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """How messages call it: the path of the file, or the place of the lake's files."""
        return str(self.path) if self.lake is None else self.lake.data

    def waiting_at_most(self, seconds: float) -> Warehouse:
        """The same database with another waiting time."""
        return replace(self, wait_seconds=seconds)

    def exists(self) -> bool:
        """Whether there is a database: something was loaded once.

        Raises:
            FileForbiddenError: Its directory may not be looked into.
            WarehouseError: The lake cannot be reached.
        """
        if self.lake is None:
            try:
                return self.path.exists()
            except PermissionError:
                raise FileForbiddenError(self.path) from None
        try:
            with self.reading():
                return True
        except LakeMissingError:
            return False

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[Warehouse]:
        """The same database, which stays open from its first use inside to the end of the block, unless `released`."""
        if self._kept is not None:
            yield self
            return
        kept = _Kept()
        try:
            yield replace(self, _kept=kept)
            kept.close()
        finally:
            # Again, as in `closed_at_the_end`.
            kept.close()

    @contextlib.contextmanager
    def released(self) -> Iterator[Warehouse]:
        """The same database, its file open for single pieces of work only: while something else is waited for.

        A lake stays open, which keeps nobody from it.
        """
        self.release()
        yield replace(self, _kept=None) if self._can_be_released else self

    def release(self, after_seconds: float = 0.0) -> None:
        """Closes a file that was kept open for so long and with which no work is being done; the next use opens it."""
        if (
            self._kept is not None
            and self._can_be_released
            and time.monotonic() - self._kept.since >= after_seconds
        ):
            self._kept.close()

    @property
    def _can_be_released(self) -> bool:
        return self.lake is None and (self._kept is None or self._kept.uses == 0)

    @contextlib.contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection to the migrated file, closed at the end; a missing file is created.

        Raises:
            WarehouseError: The file is busy, unreadable, newer than this program, or the disk is full.
        """
        if self._kept is not None:
            with self._of_the_kept_one(self._kept) as connection:
                yield connection
            return
        with (
            self._holding() as hold,
            self._translated(),
            for_the_owner_only(),
            closed_at_the_end() as opened,
        ):
            yield self._open_to_write(hold, opened)

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, closed at the end.

        Raises:
            WarehouseError: As for `writing`, and if there is no file yet.
        """
        if self._kept is not None:
            with self._of_the_kept_one(self._kept) as connection:
                yield connection
            return
        if self.lake is not None:
            with self._reading_lake(self.lake) as connection:
                yield connection
            return
        if not self.exists():
            raise NeverPublishedError(self.path) if self.is_copy else DatabaseMissingError(self.path)
        with self._translated(), closed_at_the_end() as opened:
            with self._opening():
                connection = self._connect(self._read_only, opened)
                is_current = is_up_to_date(connection, self.path, self.timezone) or self.is_copy
            if not is_current:
                connection.close()
                with self.writing():
                    pass
                connection = self._connect(self._read_only, opened)
            yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection inside one transaction: all of it is stored, or none."""
        with self.writing() as connection, transaction(connection):
            yield connection

    @contextlib.contextmanager
    def _of_the_kept_one(self, kept: _Kept) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own to what is kept open, as whoever opens it again would get."""
        with self._translated():
            if not kept.opened:
                try:
                    with for_the_owner_only():
                        self._open_to_write(self.hold, kept.opened)
                except BaseException:
                    kept.close()
                    raise
                kept.since = time.monotonic()
            kept.uses += 1
            try:
                with second_connection(kept.opened[0]) as connection:
                    yield connection
            finally:
                kept.uses -= 1

    @contextlib.contextmanager
    def _holding(self) -> Iterator[Hold | None]:
        """The lock of a lake; a file has none here."""
        if self.lake is None or self.hold is not None:
            yield self.hold
            return
        with catalog_lock.held(self.lake, "command", wait_seconds=self.wait_seconds) as hold:
            yield hold

    def _open_to_write(
        self, hold: Hold | None, opened: list[duckdb.DuckDBPyConnection]
    ) -> duckdb.DuckDBPyConnection:
        """Opens it, migrated, and adds it at once to what the caller has to close."""
        if self.lake is not None:
            return self._open_lake(self.lake, hold, opened)
        self._make_directory()
        with self._opening():
            connection = self._connect(self._attached, opened)
            _prepare_for_writing(connection)
            migrate(connection, self.path, self.timezone)
        return connection

    def _open_lake(
        self, lake: Lake, hold: Hold | None, opened: list[duckdb.DuckDBPyConnection]
    ) -> duckdb.DuckDBPyConnection:
        """Attaches it, to be written to and migrated if its lock is held."""
        with self._opening():
            connection = connect_for_lake()
            opened.append(connection)
            _set_limits(connection)
            self._make_directory()
            connection.execute("SET temp_directory = ?", [str(self._spill_directory)])
            attach_lake(connection, lake, _DATABASE, hold)
            connection.execute(f"ATTACH ':memory:' AS {STAGING}")
            if hold is not None:
                _prepare_for_writing(connection)
                catalog_lock.install_fence(lake)
                migrate(connection, self.path, self.timezone)
        return connection

    @contextlib.contextmanager
    def _reading_lake(self, lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
        def attach() -> duckdb.DuckDBPyConnection:
            opened: list[duckdb.DuckDBPyConnection] = []
            try:
                with for_the_owner_only():
                    return self._open_lake(lake, None, opened)
            except BaseException:
                close_all(opened)
                raise

        def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
            with self._opening():
                _prepare_for_reading(connection, self.timezone)
                # One transaction: one state of the books, and its catalogue is asked for once and not each time.
                connection.execute("BEGIN")
                if not has_tables(connection):
                    # An exchange has just begun to make it.
                    raise LakeMissingError(lake.schema)
                return is_up_to_date(connection, self.path, self.timezone)

        for is_last in (False, True):
            with self._translated(), attached((lake, self.path), attach, is_current) as (connection, current):
                if current or is_last:
                    yield connection
                    return
            with self.writing():
                pass

    def _make_directory(self) -> None:
        # The file contains people's names and phones: for its owner only.
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def _spill_directory(self) -> Path:
        """Where DuckDB writes what does not fit in memory."""
        return Path(f"{self.path}.tmp")

    def _connect(
        self,
        open_file: Callable[[list[duckdb.DuckDBPyConnection]], duckdb.DuckDBPyConnection],
        opened: list[duckdb.DuckDBPyConnection],
    ) -> duckdb.DuckDBPyConnection:
        """Opens the file once no other program has it open, and adds it at once to what the caller has to close."""
        started = time.monotonic()
        while True:
            try:
                connection = open_file(opened)
                break
            except (duckdb.IOException, duckdb.BinderException) as error:
                close_all(opened)
                opened.clear()
                message = str(error)
                if not any(text in message for text in _HELD):
                    raise
                waited = time.monotonic() - started
                if waited >= self.wait_seconds:
                    holder = _HOLDER.search(message)
                    raise DatabaseBusyError(self.path, holder.group(1) if holder else None, waited) from None
                self.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - spreads waiting programs, no secret
        _set_limits(connection)
        if self.path.stat().st_size < SMALL_FILE:
            connection.execute("SET threads = 1")
        return connection

    def _read_only(self, opened: list[duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path), read_only=True)
        opened.append(connection)
        connection.execute("SET TimeZone = ?", [self.timezone])
        return connection

    def _attached(self, opened: list[duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        """A DuckDB instance with the file attached for writing."""
        instance = duckdb.connect()
        opened.append(instance)
        attach_file(instance, self.path, _DATABASE, self._spill_directory)
        instance.execute(f"ATTACH ':memory:' AS {STAGING}")
        return instance

    @contextlib.contextmanager
    def _opening(self) -> Iterator[None]:
        """Whatever goes wrong before the first query of the caller is a fault of the file, and told as one.

        Raises:
            WarehouseError: Always, but for what is no fault of the file: memory, an interruption, the disk.
        """
        try:
            with self._translated():
                yield
        except (WarehouseError, OSError, MemoryError, duckdb.OutOfMemoryException, duckdb.InterruptException):
            raise
        except Exception as error:
            if _INTERRUPTED in str(error):
                raise
            # A failed migration quotes values, which may be personal data: only what the system says is repeated.
            reason = (
                Cause.CAUSE_IN_WORDS.message(text=str(error).splitlines()[0][:200])
                if isinstance(error, duckdb.IOException)
                else Cause.NOT_UNDERSTOOD.message(kind=type(error).__name__)
            )
            raise DatabaseUnreadableError(self.path, reason) from None

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except WarehouseError:
            raise
        except (OSError, duckdb.Error) as error:
            told = (
                self._refused_by_the_disk(error) or self._fault_of_the_file(error)
                if self.lake is None
                else self._refused_by_the_disk(error) or _fault_of_the_lake(self.lake, self.hold, error)
            )
            if told is None:
                raise
            raise told from None

    def _refused_by_the_disk(self, error: Exception) -> WarehouseError | None:
        message = str(error)
        path = self.path if self.lake is None or self.lake.is_in_s3 else Path(self.lake.data)
        if any(text in message for text in _NO_SPACE):
            return DiskFullError(path)
        if _READ_ONLY in message:
            return DirectoryUnusableError(path.parent, OSError(errno.EROFS, _READ_ONLY))
        return None

    def _fault_of_the_file(self, error: Exception) -> WarehouseError | None:
        message = str(error)
        if not isinstance(error, duckdb.Error):
            return None
        if _FOREIGN_LOG in message:
            return ForeignLogError(self.path)
        if isinstance(error, duckdb.IOException | duckdb.SerializationException) and (
            any(text in message or text in message.lower() for text in _DAMAGED)
        ):
            cause = Cause.CAUSE_IN_WORDS.message(text=message.splitlines()[0][:200])
            return DatabaseUnreadableError(self.path, cause)
        if isinstance(error, duckdb.IOException) and "Permission denied" in message:
            return FileForbiddenError(self.path)
        return None


def _fault_of_the_lake(lake: Lake, hold: Hold | None, error: Exception) -> WarehouseError | None:
    if is_not_there(error):
        return LakeMissingError(lake.schema)
    elsewhere = other_place(error)
    if elsewhere is not None:
        return LakeElsewhereError(lake.schema, elsewhere, lake.data)
    refused = catalog_lock.refusal(error, lake, hold)
    if refused is None and isinstance(error, duckdb.IOException):
        # S3 refuses or does not answer, or the directory cannot be used; DuckDB may quote the statement.
        status = getattr(error, "status_code", None)
        return LakeFilesError(lake.schema, lake.data, f"HTTP {status}" if status else type(error).__name__)
    return refused


def _set_limits(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the settings that all connections to an open database share."""
    connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])
    connection.execute("SET allocator_bulk_deallocation_flush_threshold = ?", [GIVEN_BACK_AT])
    connection.execute("SET checkpoint_threshold = ?", [WRITTEN_AT_ONCE])
    connection.execute("SET preserve_insertion_order = false")
    # A program started with `python -c`, as Dagster's runs are, counts as interactive: after two seconds DuckDB would
    # draw a progress bar on standard output, into the JSON of a command.
    connection.execute("SET enable_progress_bar = false")


def free_pages(connection: duckdb.DuckDBPyConnection) -> None:
    """Frees pages of the file that were read and are not in use, if there are many: reading them again is quick.

    DuckDB keeps what it has read until its memory is full, so a load of years would keep the whole file. It frees
    pages when the limit is lowered for a moment; by no more than they take, or it would also spill rows to the disk.
    """
    others, pages = connection.execute(
        "SELECT sum(memory_usage_bytes) FILTER (tag <> 'BASE_TABLE')::BIGINT, "
        "sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE')::BIGINT FROM duckdb_memory()"
    ).fetchall()[0]
    if pages <= PAGES_KEPT:
        return
    # If more than that is in use, DuckDB refuses to lower the limit, and the pages stay.
    with contextlib.suppress(duckdb.OutOfMemoryException):
        connection.execute("SET memory_limit = ?", [f"{others + PAGES_KEPT // 4}B"])
    connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])


def _prepare_for_writing(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the settings of a single connection; all others belong to the open file as a whole."""
    connection.execute(f"USE {_DATABASE}")
    # Texts of KeyCRM are cast here, where a time without a zone means UTC; a reader sees local times.
    connection.execute("SET TimeZone = 'UTC'")


def _prepare_for_reading(connection: duckdb.DuckDBPyConnection, timezone: str) -> None:
    """Makes the settings of a single connection to a lake; one to a file reads the file by its name anyway."""
    connection.execute(f"USE {_DATABASE}")
    connection.execute("SET TimeZone = ?", [timezone])


@contextlib.contextmanager
def second_connection(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A second connection to a file that is open for writing: for work in another thread, closed at the end.

    It has its own transactions and temporary tables. What both connections must see is in the file or in `staging`.
    """
    second = connection.cursor()
    try:
        _prepare_for_writing(second)
        yield second
    finally:
        close(second)


@contextlib.contextmanager
def for_the_owner_only() -> Iterator[None]:
    """Files created inside, including the write-ahead log, are readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


_ONE_AT_A_TIME = threading.Lock()
"""A lake refuses a commit if another one has deleted from the same table since the transaction began."""


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """BEGIN, then COMMIT, or ROLLBACK if anything is raised inside."""
    one_at_a_time = contextlib.nullcontext() if engine_of(connection).commits_side_by_side else _ONE_AT_A_TIME
    with one_at_a_time:
        connection.execute("BEGIN")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(duckdb.Error):
                connection.execute("ROLLBACK")
            raise
