"""Opens a profile's DuckDB file for writing or for reading; if it cannot, it says why in words.

DuckDB lets one process write and refuses all others, even readers. So a connection is held for one piece of work and
closed at once, also on an exception; if another program holds the file, we wait a little and then name it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.warehouse.errors import (
    DatabaseBusyError,
    DatabaseMissingError,
    DatabaseUnreadableError,
    DirectoryUnusableError,
    DiskFullError,
    ForeignLogError,
    NeverPublishedError,
    WarehouseError,
)
from keycrm_pipeline.warehouse.migrations import is_up_to_date, migrate

STORAGE_VERSION = "v1.5.0"
"""Format of new files: every DuckDB since 1.5 reads it, and strings are compressed (the default format is that of 1.0).
"""

BLOCK_SIZE = 65_536
"""Bytes, for new files: one with DuckDB's default of 262,144 keeps it until it is copied. Each column that is written
takes a whole block of memory (measured with 36,000 orders: a quarter less file and a tenth less memory)."""

ROW_GROUP_SIZE = 16_384
"""Rows that DuckDB stores, compresses and assigns to a thread together. Smaller than its default of 122,880: a day's
orders are a small part of a file, and both cores share a batch of them (measured: half the time of a load)."""

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


@dataclass(frozen=True)
class Warehouse:
    """The database of one profile.

    Attributes:
        path: The DuckDB file.
        timezone: IANA zone in which the file's instants are shown.
        wait_seconds: How long to wait for another program that holds the file.
        is_copy: Whether it is a published copy, which is read as it is: the next exchange brings it up to date.
        sleep: Waits; replaced in tests.
    """

    path: Path
    timezone: str
    wait_seconds: float = WAIT_SECONDS
    is_copy: bool = False
    sleep: Callable[[float], None] = time.sleep
    _open: duckdb.DuckDBPyConnection | None = field(default=None, repr=False, compare=False)

    def waiting_at_most(self, seconds: float) -> Warehouse:
        """The same database with another waiting time."""
        return replace(self, wait_seconds=seconds)

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[Warehouse]:
        """The same database, opened once for all work inside; no other program can open the file meanwhile.

        Raises:
            WarehouseError: As for `writing`.
        """
        with self.writing() as connection:
            yield replace(self, _open=connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection to the migrated file, closed at the end; a missing file is created.

        Raises:
            WarehouseError: The file is busy, unreadable, newer than this program, or the disk is full.
        """
        if self._open is not None:
            yield self._open
            return
        with self._translated(), for_the_owner_only():
            self._make_directory()
            with _closed_at_the_end() as opened:
                with self._opening():
                    connection = self._connect(self._attached, opened)
                    _prepare_for_writing(connection)
                    migrate(connection, self.path)
                yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, closed at the end.

        Raises:
            WarehouseError: As for `writing`, and if there is no file yet.
        """
        if self._open is not None:
            yield self._open
            return
        if not self.path.exists():
            raise NeverPublishedError(self.path) if self.is_copy else DatabaseMissingError(self.path)
        with self._translated(), _closed_at_the_end() as opened:
            with self._opening():
                connection = self._connect(self._read_only, opened)
                is_current = is_up_to_date(connection, self.path) or self.is_copy
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

    def _make_directory(self) -> None:
        # The file contains people's names and phones: for its owner only.
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def _spill_directory(self) -> Path:
        """Where DuckDB writes what does not fit in memory."""
        return Path(f"{self.path}.tmp")

    def _connect(
        self,
        open_file: Callable[[], duckdb.DuckDBPyConnection],
        opened: list[duckdb.DuckDBPyConnection],
    ) -> duckdb.DuckDBPyConnection:
        """Opens the file once no other program has it open, and adds it at once to what the caller has to close."""
        started = time.monotonic()
        while True:
            try:
                connection = open_file()
                opened.append(connection)
                break
            except (duckdb.IOException, duckdb.BinderException) as error:
                message = str(error)
                if not any(text in message for text in _HELD):
                    raise
                waited = time.monotonic() - started
                if waited >= self.wait_seconds:
                    holder = _HOLDER.search(message)
                    raise DatabaseBusyError(self.path, holder.group(1) if holder else None, waited) from None
                self.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - spreads waiting programs, no secret
        connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])
        connection.execute("SET allocator_bulk_deallocation_flush_threshold = ?", [GIVEN_BACK_AT])
        connection.execute("SET checkpoint_threshold = ?", [WRITTEN_AT_ONCE])
        connection.execute("SET preserve_insertion_order = false")
        if self.path.stat().st_size < SMALL_FILE:
            connection.execute("SET threads = 1")
        # A program started with `python -c`, as Dagster's runs are, counts as interactive: after two seconds DuckDB
        # would draw a progress bar on standard output, into the JSON of a command.
        connection.execute("SET enable_progress_bar = false")
        return connection

    def _read_only(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path), read_only=True)
        connection.execute("SET TimeZone = ?", [self.timezone])
        return connection

    def _attached(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB instance with the file attached for writing."""
        instance = duckdb.connect()
        try:
            # As an option of ATTACH, it would make DuckDB refuse a file with another block size.
            instance.execute(f"SET default_block_size = {BLOCK_SIZE}")
            # Personal data too: what does not fit in memory goes next to the file, not into the working directory.
            instance.execute("SET temp_directory = ?", [str(self._spill_directory)])
            # The row group size can only be set here, and applies only as long as the file is attached with it.
            instance.execute(
                f"ATTACH '{quoted(self.path)}' AS {_DATABASE} "
                f"(ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            _remove_left_over(self._spill_directory)
            instance.execute(f"ATTACH ':memory:' AS {STAGING}")
        except BaseException:
            _close(instance)
            raise
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
            told = self._refused_by_the_disk(error) or self._fault_of_the_file(error)
            if told is None:
                raise
            raise told from None

    def _refused_by_the_disk(self, error: Exception) -> WarehouseError | None:
        message = str(error)
        if any(text in message for text in _NO_SPACE):
            return DiskFullError(self.path)
        if _READ_ONLY in message:
            return DirectoryUnusableError(self.path.parent, OSError(errno.EROFS, _READ_ONLY))
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
            return DatabaseUnreadableError(self.path, Cause.PERMISSION_DENIED.message())
        return None


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


def quoted(path: Path) -> str:
    """A path as it is written between quotes in SQL; ATTACH takes no parameter."""
    return str(path).replace("'", "''")


def _remove_left_over(directory: Path) -> None:
    """Removes what a killed process had spilled; DuckDB itself does so only after it has spilled something again.

    To be called only just after the file was opened for writing: no other process then uses the directory.
    """
    with contextlib.suppress(OSError):
        for file in directory.glob("duckdb_temp_*"):
            file.unlink()
        directory.rmdir()


@contextlib.contextmanager
def _closed_at_the_end() -> Iterator[list[duckdb.DuckDBPyConnection]]:
    """Connections that are closed at the end, however that comes: a file left open could not be opened again."""
    opened: list[duckdb.DuckDBPyConnection] = []
    try:
        yield opened
        _close_all(opened)
    finally:
        # Again, because an interruption may have come in the middle of closing; closing twice does no harm.
        _close_all(opened)


def _close_all(connections: Sequence[duckdb.DuckDBPyConnection]) -> None:
    for connection in connections:
        _close(connection)


def _close(connection: duckdb.DuckDBPyConnection) -> None:
    """Closes a connection, and with it the file.

    A query that Ctrl-C interrupted would keep the file open as long as the process lives; the next query ends it.
    """
    with contextlib.suppress(duckdb.Error):
        connection.execute("SELECT 1")
    connection.close()


def _prepare_for_writing(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the settings of a single connection; all others belong to the open file as a whole."""
    connection.execute(f"USE {_DATABASE}")
    # Texts of KeyCRM are cast here, where a time without a zone means UTC; a reader sees local times.
    connection.execute("SET TimeZone = 'UTC'")


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
        second.close()


@contextlib.contextmanager
def for_the_owner_only() -> Iterator[None]:
    """Files created inside, including the write-ahead log, are readable by their owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """BEGIN, then COMMIT, or ROLLBACK if anything is raised inside."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
