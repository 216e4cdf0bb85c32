"""Dagster's event log in SQLite, with the events of many days written together.

Dagster's own SQLite storage makes an engine, compiles its statements, opens a database, writes and commits twice for
each event. A range run has an event for each day and asset when it is planned and one when it is done: over years
that cost more than the exchange itself. Dagster hands such events over as a batch when the environment allows it
(`allow_event_batches`); this storage writes a batch in one transaction, and keeps its files open. Files and tables
stay Dagster's own, so an instance can go back to Dagster's storage at any time.

What is not here: where the instance is and how it is made (`instance`).
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from dagster import Field, StringSource
from dagster._core.events import ASSET_EVENTS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqlEventLogStorageTable, SqliteEventLogStorage
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.event import listen
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

BATCH_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster reads it at each event; unset, every event is written at once."""

BATCH_EVENTS = 1000
"""Events of one transaction: about five months of one asset."""

MOST_ENGINES = 8
"""Files that are kept open, each of one run; the page looks into many runs over its life."""

_DIRECTORY = ("history", "runs")
"""Where Dagster's own storage keeps the same files under DAGSTER_HOME."""


def allow_event_batches(environment: MutableMapping[str, str]) -> None:
    """Lets Dagster hand over events of one run in batches; a size that somebody chose stays."""
    environment.setdefault(BATCH_VARIABLE, str(BATCH_EVENTS))


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """Dagster's SQLite event log that writes a batch of events in one transaction a file.

    Named in `dagster.yaml`. `base_dir` is where the files are, without it where Dagster has them by default.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """See the class.

        Args:
            base_dir: Directory of the files.
            inst_data: What Dagster remembers the configuration by.
        """
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        """A transaction on the file of one run, or on the index of all runs; the one place that opens them."""
        with self._db_lock, self._engine_of(shard).begin() as connection:
            yield connection

    def _engine_of(self, shard: str) -> Engine:
        """The engine of a file, with its one connection; the one made first goes when there are too many."""
        if shard not in self._engines:
            if len(self._engines) >= MOST_ENGINES:
                self._engines.pop(next(iter(self._engines))).dispose()
            engine = create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                # Behind the lock one is in use at a time; making the tables takes a second one.
                pool_size=1,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
            )
            listen(engine, "connect", _write_behind)
            self._initdb(engine)
            self._engines[shard] = engine
        return self._engines[shard]

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Makes the tables of a new file.

        Dagster looks at each file that it opens for what its newest revision is, which reads a hundred files of its
        own, and then leaves a file alone that has any.
        """
        if not _has_revision(engine):
            super()._initdb(engine, for_index_shard)

    def wipe(self) -> None:
        """Deletes all events; the files are made anew when they are needed."""
        self._forget_engines()
        super().wipe()

    def dispose(self) -> None:
        """Closes the files."""
        self._forget_engines()
        super().dispose()

    def _forget_engines(self) -> None:
        with self._db_lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The settings in `dagster.yaml`."""
        return {"base_dir": Field(StringSource, is_required=False)}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> BatchedSqliteEventLogStorage:
        """The storage of an instance; of one without DAGSTER_HOME in a directory that nobody looks for again.

        Dagster makes such an instance for one command, as `dagster definitions validate`, and forgets it.
        """
        directory = config_value.get("base_dir")
        if directory is None:
            home = os.environ.get("DAGSTER_HOME") or tempfile.mkdtemp(prefix="dagster_")
            directory = str(Path(home, *_DIRECTORY))
        return cls(base_dir=directory, inst_data=inst_data)

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events in their order: those of assets together, each other one by itself."""
        for (run_id, is_of_asset), group in groupby(
            events, key=lambda event: (event.run_id, _is_of_asset(event))
        ):
            entries = list(group)
            if is_of_asset:
                self._store_asset_events(run_id, entries)
            else:
                for entry in entries:
                    self.store_event(entry)

    def _store_asset_events(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Events in the run's own file and in the index of all runs, as `store_event` does with one."""
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_id) as connection:
            connection.execute(SqlEventLogStorageTable.insert(), rows)
        # An asset's own row tells the newest event of each type only.
        newest = {
            (event.get_dagster_event().asset_key, event.dagster_event_type): place
            for place, event in enumerate(events)
        }
        insert = SqlEventLogStorageTable.insert().returning(
            SqlEventLogStorageTable.c.id, sort_by_parameter_order=True
        )
        with self.index_transaction() as connection:
            event_ids = list(connection.execute(insert, rows).scalars())
            self._store_asset_event_tags(connection, events, event_ids)
            for place in newest.values():
                self._store_asset_event(connection, events[place], event_ids[place])


def _write_behind(connection: sqlite3.Connection, _record: object) -> None:
    """Lets an event be written without waiting for the disk.

    With the write-ahead log that Dagster uses, `synchronous=NORMAL` keeps the files whole; a power cut may lose the
    last events of a run, never a document of the books.
    """
    connection.execute("PRAGMA synchronous = NORMAL")


def _has_revision(engine: Engine) -> bool:
    """Whether a file was made to the end; one that somebody is making at this moment was not."""
    try:
        with engine.connect() as connection:
            return (
                inspect(connection).has_table("alembic_version")
                and connection.execute(text("SELECT 1 FROM alembic_version")).first() is not None
            )
    except DatabaseError:
        return False


def _is_of_asset(event: EventLogEntry) -> bool:
    return (
        event.is_dagster_event
        and event.dagster_event_type in ASSET_EVENTS
        and event.get_dagster_event().asset_key is not None
    )
