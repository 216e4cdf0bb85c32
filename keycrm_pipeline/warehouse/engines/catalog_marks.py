"""Which runs of a profile whose books are in a lake are under way, for hosts that do not see each other's disks.

A run has a row in the catalogue's PostgreSQL and holds an advisory lock of its own there, in a session of its own. One
whose row is there and whose lock is free has died, on whichever machine it ran. But the session of a living run ends
too if PostgreSQL restarts or the network is away: the run takes its lock again as soon as it can, and counts as dead
only if it was found without it twice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from keycrm_pipeline.warehouse.engines.catalog_lock import (
    Catalog,
    in_words,
    key_of,
    session_of,
    statement_of,
)
from keycrm_pipeline.warehouse.errors import WarehouseError

LOOK_SECONDS = 10.0
"""How often a run looks whether its session still is there: it has lost its lock for no longer than that."""

GIVEN_UP_SECONDS = 30.0
"""How long a run must have been without its lock; so it has had three chances to take it again."""

_PATIENCE_SECONDS = 15.0
"""How long the beginning and the end of a run wait for a PostgreSQL that does not answer."""

_NAME = "mark"


@contextlib.contextmanager
def marked(lake: Catalog, run_id: str) -> Iterator[None]:
    """Marks a run as being under way until the block ends.

    What keeps it from being marked keeps it from its work too, and its work says so in words. The first run of a lake
    makes the table of marks when it begins to write, and is marked a few seconds later.

    Args:
        lake: The catalogue.
        run_id: The run.
    """
    tried, ended = threading.Event(), threading.Event()
    keeper = threading.Thread(target=_keep, args=(lake, run_id, tried, ended), name=_NAME, daemon=True)
    keeper.start()
    try:
        tried.wait(_PATIENCE_SECONDS)
        yield
    finally:
        ended.set()
        keeper.join(_PATIENCE_SECONDS)


def _keep(lake: Catalog, run_id: str, tried: threading.Event, ended: threading.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(WarehouseError), session_of(lake, _NAME) as session, in_words(lake):
            # The lock before the row: nobody ever sees a living run without its lock, but for a session that was cut.
            session.execute("SELECT pg_advisory_lock(%s)", [_key(run_id)])
            session.execute(statement_of(lake, "mark"), {"run_id": run_id})
            tried.set()
            while not ended.wait(LOOK_SECONDS):
                session.execute("SELECT 1")
            # The row before the lock, for the same reason.
            session.execute(statement_of(lake, "unmark"), {"run_id": run_id})
        tried.set()
        ended.wait(LOOK_SECONDS)


def abandoned(lake: Catalog) -> Iterator[str]:
    """The runs that died: twice, with time enough between, nobody held their locks.

    A run's lock is held until the next one is asked for, so that it is found once; then its mark is removed.

    Args:
        lake: The catalogue.

    Raises:
        CatalogUnreachableError: PostgreSQL cannot be reached, or nothing has been stored in this lake yet.
    """
    with session_of(lake, _NAME) as session, in_words(lake):
        session.execute(statement_of(lake, "marked_runs"))
        for (run_id,) in session.fetchall():
            session.execute("SELECT pg_try_advisory_lock(%s)", [_key(run_id)])
            if not session.fetchone()[0]:
                continue
            session.execute(
                statement_of(lake, "is_given_up"), {"run_id": run_id, "seconds": GIVEN_UP_SECONDS}
            )
            if session.fetchone() == (True,):
                yield run_id
                session.execute(statement_of(lake, "unmark"), {"run_id": run_id})
            session.execute("SELECT pg_advisory_unlock(%s)", [_key(run_id)])


def _key(run_id: str) -> int:
    # No profile can have such a name.
    return key_of(f"run {run_id}")
