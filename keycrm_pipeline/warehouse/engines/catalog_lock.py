"""The lock of a profile whose books are in a lake, and the fence that stops a writer who no longer holds it.

The lock is an advisory lock of PostgreSQL, held by a session of its own: PostgreSQL frees it when the session ends,
however it ends. Keep-alives are set in the session, so a cut cable or a machine that vanished frees it in about
20 seconds; PostgreSQL's own take two hours.

A session can end while its process lives: the network was cut, an administrator ended it, the machine slept. Such a
writer does not know that another one has taken over. So each holder takes the next number, which travels in the options
of every session that DuckDB opens for it, and a trigger in the catalogue refuses, inside DuckLake's own commit, every
number but the newest. Reading needs neither lock nor number.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Protocol

from keycrm_pipeline.warehouse.errors import (
    CatalogCutError,
    CatalogUnreachableError,
    FencedOffError,
    LakeBusyError,
    WarehouseError,
    WithoutNumberError,
)
from keycrm_pipeline.warehouse.statements import statement

POLL_SECONDS = 0.25
SAY_EVERY_SECONDS = 10.0

KEEP_ALIVES = (
    "connect_timeout=10 keepalives_idle=10 keepalives_interval=5 keepalives_count=2 tcp_user_timeout=20000"
)
"""This end of a session: it finds out within 20 seconds that the server is gone."""

_SERVERS_KEEP_ALIVES = " ".join(
    f"-c {setting}"
    for setting in (
        "tcp_keepalives_idle=10",
        "tcp_keepalives_interval=5",
        "tcp_keepalives_count=2",
        "tcp_user_timeout=20000",
    )
)
"""The server's end: it finds out within 20 seconds that a client is gone, and frees what it held."""

_FENCED_OFF = "keycrm: fenced off"
_WITHOUT_NUMBER = "keycrm: without a number"
_UNREACHABLE = "Unable to connect to Postgres at"
_CUT = (
    "terminating connection",
    "server closed the connection",
    "connection not open",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
    "SSL connection has been closed",
    "SSL SYSCALL error",
    'Failed to execute query "ROLLBACK"',
)
"""What DuckDB and libpq say about a session that has ended; the last one, if it ended in the middle of a commit."""

_UNSIGNED = 0xFFFFFFFFFFFFFFFF

_log = logging.getLogger(__name__)


class Catalog(Protocol):
    """Where a lake's catalogue is: `engines.lake.Lake`."""

    @property
    def catalog(self) -> str:
        """What libpq needs to connect to it."""

    @property
    def schema(self) -> str:
        """Its schema in PostgreSQL, one for each profile."""


@dataclass(frozen=True)
class Hold:
    """A lock that is held.

    Attributes:
        schema: The schema of the profile's catalogue.
        fence: Number of this holder; every later one has a higher number.
    """

    schema: str
    fence: int


@contextlib.contextmanager
def held(lake: Catalog, run_id: str, *, wait_seconds: float | None = None) -> Iterator[Hold]:
    """Holds the lock for a run; waits while another run holds it, and logs whom it waits for.

    Sessions in which an earlier holder could still be writing are ended: the number refuses them, and one that was
    stopped in the middle of its commit must not be waited for.

    Args:
        lake: The catalogue.
        run_id: The run, or the command, that takes the lock.
        wait_seconds: How long to wait at most; None for as long as it takes.

    Raises:
        LakeBusyError: Another run still held it after that time.
        CatalogUnreachableError: PostgreSQL cannot be reached or refuses what the lock needs.
    """
    with session_of(lake) as session:
        _take(session, lake, wait_seconds)
        with in_words(lake):
            session.execute(statement("catalog", "end_earlier_sessions"), [_sessions_of(lake.schema)])
            number = _next_number(session, lake, run_id)
        try:
            yield Hold(lake.schema, number)
        finally:
            # Before the lock is freed, or it might be the row of the next holder. A session that was cut has no lock
            # to free, and its row tells who held it last.
            with contextlib.suppress(_driver().Error):
                session.execute(statement_of(lake, "leave"), {"number": number})


def is_held(lake: Catalog) -> bool:
    """Whether some process, this one included, is working on the profile right now.

    Raises:
        CatalogUnreachableError: PostgreSQL cannot be reached.
    """
    with session_of(lake) as session, in_words(lake):
        session.execute(statement("catalog", "is_held"), _key_parts(lake))
        return bool(session.fetchone()[0])


def holder(lake: Catalog) -> str:
    """Who holds the lock, in words."""
    with contextlib.suppress(WarehouseError), session_of(lake) as session:
        return _holder(session, lake)
    return "another process"


def install_fence(lake: Catalog) -> None:
    """Puts the trigger on the catalogue's tables, once DuckLake has made them; the lock must be held.

    Raises:
        CatalogUnreachableError: PostgreSQL cannot be reached or refuses it.
    """
    with session_of(lake) as session, in_words(lake):
        session.execute(statement_of(lake, "fence"))


def connection_options(hold: Hold | None) -> str:
    """What the sessions of DuckDB need besides the catalogue, as words of libpq: keep-alives, and a writer's number.

    Args:
        hold: The lock that is held; None to read.
    """
    if hold is None:
        return f"{KEEP_ALIVES} application_name='keycrm reader' options='{_SERVERS_KEEP_ALIVES}'"
    return (
        f"{KEEP_ALIVES} application_name='{_sessions_of(hold.schema)}{hold.fence} {hold.schema}' "
        f"options='-c keycrm.fence={hold.fence} {_SERVERS_KEEP_ALIVES}'"
    )


def refusal(error: Exception, lake: Catalog, hold: Hold | None = None) -> WarehouseError | None:
    """An error of DuckDB in words, if the fence, or a session with the catalogue, was its cause; None for any other.

    DuckDB quotes the whole statement, and with it values of the books: none of them is repeated.

    Args:
        error: What DuckDB raised.
        lake: The catalogue.
        hold: The lock that was held; None if the lake was only read.
    """
    text = str(error)
    if _FENCED_OFF in text:
        return FencedOffError(lake.schema)
    if _WITHOUT_NUMBER in text:
        return WithoutNumberError(lake.schema)
    if _UNREACHABLE in text:
        return CatalogUnreachableError(lake.schema, _first_line(text.rpartition('": ')[2]))
    if any(words in text for words in _CUT):
        return FencedOffError(lake.schema) if _has_successor(lake, hold) else CatalogCutError(lake.schema)
    return None


def _has_successor(lake: Catalog, hold: Hold | None) -> bool:
    """Whether a later holder has ended the session that was used; False if that cannot be found out."""
    if hold is None:
        return False
    with contextlib.suppress(WarehouseError), session_of(lake) as session, in_words(lake):
        session.execute(statement_of(lake, "newest"))
        return bool(session.fetchone()[0] != hold.fence)
    return False


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")[:200]


def _driver() -> Any:
    # A part of the extra `distributed`: files need no PostgreSQL.
    import psycopg2

    return psycopg2


@contextlib.contextmanager
def session_of(lake: Catalog, purpose: str = "lock") -> Iterator[Any]:
    """A cursor in a session of its own, in which every statement is a transaction.

    Args:
        lake: The catalogue.
        purpose: A word for whoever looks at the sessions of PostgreSQL.

    Raises:
        CatalogUnreachableError: PostgreSQL cannot be reached.
    """
    with in_words(lake):
        connection = _driver().connect(
            f"{lake.catalog} {KEEP_ALIVES} application_name='keycrm {purpose} {lake.schema}' "
            f"options='{_SERVERS_KEEP_ALIVES}'"
        )
        connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextlib.contextmanager
def in_words(lake: Catalog) -> Iterator[None]:
    """Tells an error of PostgreSQL in words.

    Raises:
        CatalogUnreachableError: There was one.
    """
    try:
        yield
    except _driver().Error as error:
        # The address, the user or a right that is missing; no password, and nothing of the books.
        reason = _first_line(str(error)) or type(error).__name__
        raise CatalogUnreachableError(lake.schema, reason) from None


def _take(session: Any, lake: Catalog, wait_seconds: float | None) -> None:
    started = time.monotonic()
    say_at = started
    while True:
        with in_words(lake):
            session.execute("SELECT pg_try_advisory_lock(%s)", [key_of(lake.schema)])
            if session.fetchone()[0]:
                return
            now = time.monotonic()
            if wait_seconds is not None and now - started >= wait_seconds:
                raise LakeBusyError(lake.schema, _holder(session, lake), now - started)
            if now >= say_at:
                _log.info(
                    "Another exchange of this profile is running (%s); waiting for it to end.",
                    _holder(session, lake),
                )
                say_at = now + SAY_EVERY_SECONDS
        time.sleep(POLL_SECONDS)


def _next_number(session: Any, lake: Catalog, run_id: str) -> int:
    session.execute(statement_of(lake, "prepare"))
    session.execute(
        statement_of(lake, "next_number"),
        {"run_id": run_id, "host": socket.gethostname(), "process": os.getpid()},
    )
    return int(session.fetchone()[0])


def _holder(session: Any, lake: Catalog) -> str:
    with contextlib.suppress(_driver().Error):
        session.execute(statement_of(lake, "holder"))
        row = session.fetchone()
        if row is not None:
            run_id, process, host, since = row
            return (
                f"run {run_id}, process {process} on host {host}, "
                f"since {since.astimezone(UTC).isoformat(timespec='seconds')}"
            )
    return "another process"


def statement_of(lake: Catalog, name: str) -> str:
    """A statement about the tables of the lake's schema."""
    return statement("catalog", name).replace("{schema}", '"' + lake.schema.replace('"', '""') + '"')


def _sessions_of(schema: str) -> str:
    """How the names begin under which PostgreSQL lists the sessions of a profile's writers.

    PostgreSQL cuts names off at 63 characters, so what has to be exact comes first.
    """
    return f"keycrm {key_of(schema) & _UNSIGNED:016x} "


def key_of(name: str) -> int:
    """The number that PostgreSQL knows the lock of a profile, or of a run, by; the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"keycrm:{name}".encode()).digest()[:8], "big", signed=True)


def _key_parts(lake: Catalog) -> list[int]:
    """The number as `pg_locks` shows it, in two halves."""
    key = key_of(lake.schema) & _UNSIGNED
    return [key >> 32, key & 0xFFFFFFFF]
