"""Opens a profile's DuckDB file, for writing or for reading, and says in words why when it cannot.

DuckDB lets one process write and refuses every other, readers too. So a connection is held for one piece of work
and closed at once, also on an exception; when somebody else holds the file we wait a little and then name them.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from keycrm_pipeline.warehouse.errors import (
    DatabaseBusyError,
    DatabaseMissingError,
    DatabaseUnreadableError,
    DiskFullError,
    WarehouseError,
)
from keycrm_pipeline.warehouse.migrations import is_up_to_date, migrate

STORAGE_VERSION = "v1.5.0"
"""Format of new files: readable by every DuckDB since 1.5, and strings are compressed (the default keeps 1.0's)."""

BLOCK_SIZE = 65_536
"""Bytes; of new files: one that has DuckDB's own 262,144 keeps them until it is copied. Each column that is written
takes a whole block of memory (measured: 36,000 orders take a quarter less of the file and a tenth less memory)."""

ROW_GROUP_SIZE = 16_384
"""Rows that DuckDB keeps, compresses and hands to a thread together. Smaller than its default of 122,880: a day's
orders are a small part of a file, and both cores share a batch of them (measured: half the time of a load)."""

_DATABASE = "warehouse"

STAGING = "staging"
"""A database in memory for what the connections of `beside` share; it goes with the last of them."""

WAIT_SECONDS = 30.0
"""How long a write waits for another program to let go of the file. A BI query is over by then."""

MEMORY_LIMIT = "1500MB"
"""Ceiling for DuckDB's own memory. A load must fit beside the page and the daemon on a small machine."""

PAGES_KEPT = 8_000_000
"""Bytes of the file's pages that DuckDB may keep in memory between two rounds of batches: some batches' worth."""

GIVEN_BACK_AT = "1MB"
"""DuckDB gives freed memory back to the system at once when it frees this much together; its default of 512 MB is more
than a batch has, and what one batch had freed lay beside what the next one took (measured: 150 MB of a year's load, for
a twentieth more work)."""

WRITTEN_AT_ONCE = "1MB"
"""What a transaction writes goes straight into the file when it is more than this. With DuckDB's default of 16 MB a
load writes its payloads to the log first, uncompressed, and then again, and keeps in memory what is only in the log
(measured: 30,000 orders write 6 MB instead of 112 MB)."""

_HOLDER = re.compile(r"held in (.+?)(?: by user .*)?\. ")
_HELD = ("Could not set lock", "Conflicting lock", "Unique file handle conflict")
"""What DuckDB says of a file that is open elsewhere; the last, when this process has it open itself."""

_NO_SPACE = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "Could not write all required bytes",
)
_DAMAGED = ("not a valid DuckDB", "corrupt", "Failed to load", "Could not read")


@dataclass(frozen=True)
class Warehouse:
    """The database of one profile.

    Attributes:
        path: The DuckDB file.
        timezone: IANA zone in which the file's instants are shown.
        wait_seconds: How long to wait for another program that holds the file.
        sleep: Waits; replaced in tests.
    """

    path: Path
    timezone: str
    wait_seconds: float = WAIT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    _ready: list[duckdb.DuckDBPyConnection] | None = field(default=None, repr=False, compare=False)
    _open: duckdb.DuckDBPyConnection | None = field(default=None, repr=False, compare=False)

    def waiting_at_most(self, seconds: float) -> Warehouse:
        """The same database with another patience."""
        return replace(self, wait_seconds=seconds)

    @contextlib.contextmanager
    def kept_ready(self) -> Iterator[Warehouse]:
        """The same database, with a DuckDB that stays between two pieces of work, without the file.

        Starting DuckDB takes three times as long as opening a file with it (measured: 22 ms with a new one each time,
        6 ms with one that stays), and an exchange opens its file some fifteen times.
        """
        ready: list[duckdb.DuckDBPyConnection] = []
        try:
            yield replace(self, _ready=ready)
        finally:
            for instance in ready:
                _end(instance)

    @contextlib.contextmanager
    def kept_open(self) -> Iterator[Warehouse]:
        """The same database, opened once for all that is done inside; nobody else can open the file meanwhile.

        Raises:
            WarehouseError: As for `writing`.
        """
        with self.writing() as connection:
            yield replace(self, _open=connection)

    @contextlib.contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection to the migrated file, closed at the end; the file is made when missing.

        Raises:
            WarehouseError: The file is busy, unreadable, newer than this program, or the disk is full.
        """
        if self._open is not None:
            yield self._open
            return
        with self._translated(), for_the_owner_only():
            self._make_directory()
            instance = self._connect(self._attached)
            connection = instance.cursor()
            try:
                _prepare_for_writing(connection)
                migrate(connection, self.path)
                yield connection
            finally:
                _close(connection)
                self._let_go(instance)

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection, closed at the end.

        Raises:
            WarehouseError: As for `writing`, and when there is no file yet.
        """
        if self._open is not None or self._ready is not None:
            # An exchange has the profile to itself, and a DuckDB that can write.
            with self.writing() as connection:
                yield connection
            return
        if not self.path.exists():
            raise DatabaseMissingError(self.path)
        with self._translated():
            connection = self._connect(self._read_only)
            try:
                if not is_up_to_date(connection, self.path):
                    connection.close()
                    with self.writing():
                        pass
                    connection = self._connect(self._read_only)
                yield connection
            finally:
                _close(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-write connection inside one transaction: all of it is stored, or none."""
        with self.writing() as connection, transaction(connection):
            yield connection

    def _make_directory(self) -> None:
        # People's names and phones are inside: for the owner only.
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def _put_aside(self) -> Path:
        """Where DuckDB puts what has no place in memory."""
        return Path(f"{self.path}.tmp")

    def _connect(self, open_file: Callable[[], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
        """Opens the file, as soon as nobody else has it open."""
        started = time.monotonic()
        while True:
            try:
                connection = open_file()
                break
            except (duckdb.IOException, duckdb.BinderException) as error:
                message = str(error)
                if not any(text in message for text in _HELD):
                    raise
                waited = time.monotonic() - started
                if waited >= self.wait_seconds:
                    holder = _HOLDER.search(message)
                    raise DatabaseBusyError(
                        self.path, holder.group(1) if holder else "unknown", waited
                    ) from None
                self.sleep(random.uniform(0.05, 0.5))  # noqa: S311 - spreads waiting programs, no secret
        connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])
        connection.execute("SET allocator_bulk_deallocation_flush_threshold = ?", [GIVEN_BACK_AT])
        connection.execute("SET checkpoint_threshold = ?", [WRITTEN_AT_ONCE])
        connection.execute("SET preserve_insertion_order = false")
        # A program that was begun with `python -c`, as Dagster's runs are, counts as a person at a prompt: after two
        # seconds DuckDB would draw a bar on standard output, into the JSON of a command.
        connection.execute("SET enable_progress_bar = false")
        return connection

    def _read_only(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(str(self.path), read_only=True)
        connection.execute("SET TimeZone = ?", [self.timezone])
        return connection

    def _attached(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB to which the file is attached for writing."""
        instance = self._ready.pop() if self._ready else duckdb.connect()
        try:
            # Asked for in ATTACH, a file of another block size would be refused.
            instance.execute(f"SET default_block_size = {BLOCK_SIZE}")
            # People's data, too: what has no place in memory goes beside the file, not to wherever one happens to work.
            instance.execute("SET temp_directory = ?", [str(self._put_aside)])
            # The size of row groups can be given only here, and counts only while it is given.
            instance.execute(
                f"ATTACH '{quoted(self.path)}' AS {_DATABASE} "
                f"(ROW_GROUP_SIZE {ROW_GROUP_SIZE}, STORAGE_VERSION '{STORAGE_VERSION}')"
            )
            _remove_left_over(self._put_aside)
            instance.execute(f"ATTACH ':memory:' AS {STAGING}")
        except BaseException:
            _end(instance)
            raise
        return instance

    def _let_go(self, instance: duckdb.DuckDBPyConnection) -> None:
        """Closes the file; a DuckDB that is kept ready stays for the next piece of work."""
        # What was put aside next to the file goes with the DuckDB that put it there.
        if self._ready is not None and not self._put_aside.exists() and _is_detached(instance):
            self._ready.append(instance)
        else:
            _end(instance)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except WarehouseError:
            raise
        except OSError as error:
            if any(text in str(error) for text in _NO_SPACE):
                raise DiskFullError(self.path) from None
            raise
        except duckdb.Error as error:
            message = str(error)
            if any(text in message for text in _NO_SPACE):
                raise DiskFullError(self.path) from None
            if isinstance(error, duckdb.IOException | duckdb.SerializationException) and (
                any(text in message or text in message.lower() for text in _DAMAGED)
            ):
                raise DatabaseUnreadableError(self.path, message.splitlines()[0][:200]) from None
            if isinstance(error, duckdb.IOException) and "Permission denied" in message:
                raise DatabaseUnreadableError(self.path, "permission denied") from None
            raise


def keep_freed_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Lets DuckDB keep what it frees while this file is open: a quarter quicker, where memory is not what counts."""
    connection.execute("RESET allocator_bulk_deallocation_flush_threshold")


def let_go_of_pages(connection: duckdb.DuckDBPyConnection) -> None:
    """Lets go of pages of the file that were read and are not in use, when there are many: they are quickly read again.

    DuckDB keeps what it has read until its memory is full, so a load of years would keep the file. It lets go of pages
    when the limit is lowered for a moment; by no more than they take, or it would put rows aside on the disk as well.
    """
    others, pages = connection.execute(
        "SELECT sum(memory_usage_bytes) FILTER (tag <> 'BASE_TABLE')::BIGINT, "
        "sum(memory_usage_bytes) FILTER (tag = 'BASE_TABLE')::BIGINT FROM duckdb_memory()"
    ).fetchall()[0]
    if pages <= PAGES_KEPT:
        return
    # Where more than that is in use, it stays, and the limit is not lowered.
    with contextlib.suppress(duckdb.OutOfMemoryException):
        connection.execute("SET memory_limit = ?", [f"{others + PAGES_KEPT // 4}B"])
    connection.execute("SET memory_limit = ?", [MEMORY_LIMIT])


def quoted(path: Path) -> str:
    """A path as it stands between quotes in SQL; ATTACH takes no parameter."""
    return str(path).replace("'", "''")


def _remove_left_over(put_aside: Path) -> None:
    """Removes what a killed process had put aside; DuckDB itself does so only after it has put something aside again.

    Only for who has just opened the file for writing: then nobody else has it open, and so nobody uses the directory.
    """
    with contextlib.suppress(OSError):
        for file in put_aside.glob("duckdb_temp_*"):
            file.unlink()
        put_aside.rmdir()


def _close(connection: duckdb.DuckDBPyConnection) -> None:
    """Closes a connection, and with it the file.

    A query that Ctrl-C broke off would keep the file open as long as the process lives; the next query ends it.
    """
    with contextlib.suppress(duckdb.Error):
        connection.execute("SELECT 1")
    connection.close()


def _is_detached(instance: duckdb.DuckDBPyConnection) -> bool:
    """Whether a DuckDB has let go of its file and still answers; after a fatal error it does not."""
    try:
        for name in (_DATABASE, STAGING):
            instance.execute(f"DETACH {name}")
        instance.execute("SELECT 1").fetchall()
    except duckdb.Error:
        return False
    return True


def _end(instance: duckdb.DuckDBPyConnection) -> None:
    """Ends a DuckDB, and closes what is attached to it."""
    with contextlib.suppress(duckdb.Error):
        instance.close()


def _prepare_for_writing(connection: duckdb.DuckDBPyConnection) -> None:
    """What each connection needs for itself; other settings belong to the whole of the open file."""
    connection.execute(f"USE {_DATABASE}")
    # Texts of KeyCRM are cast here, where a time without a zone means UTC; a reader sees local times.
    connection.execute("SET TimeZone = 'UTC'")


@contextlib.contextmanager
def beside(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A further connection to the file that a writing one holds open: for work in another thread, closed at the end.

    It has transactions and temporary tables of its own. What both must see stands in the file or in `staging`.
    """
    further = connection.cursor()
    try:
        _prepare_for_writing(further)
        yield further
    finally:
        further.close()


@contextlib.contextmanager
def for_the_owner_only() -> Iterator[None]:
    """Files made inside, the write-ahead log too, are readable by their owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """BEGIN, then COMMIT, or ROLLBACK when anything is raised inside."""
    connection.execute("BEGIN")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")
        raise
