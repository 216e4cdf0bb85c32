"""Lakes that this process has attached to read them, kept for its next reading, which takes less than attaching.

Each reading gets a connection of its own. A lake is attached anew after a minute, so that neither a lake that was moved
nor keys of S3 that have expired are met for longer, and at once if it does not answer.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from keycrm_pipeline.warehouse.closing import close

KEPT_SECONDS = 60.0
MOST_KEPT = 8
"""Lakes; each keeps a connection to PostgreSQL, which by default has a hundred for everybody."""

_Prepared = TypeVar("_Prepared")


@dataclass(frozen=True)
class _Attached:
    instance: duckdb.DuckDBPyConnection
    since: float


_kept: dict[Hashable, _Attached] = {}
"""The one that was used last is the last."""

_lock = threading.Lock()


@contextlib.contextmanager
def attached(
    key: Hashable,
    attach: Callable[[], duckdb.DuckDBPyConnection],
    prepare: Callable[[duckdb.DuckDBPyConnection], _Prepared],
) -> Iterator[tuple[duckdb.DuckDBPyConnection, _Prepared]]:
    """A connection to a lake for one reading, closed at its end, and what `prepare` made of it.

    Args:
        key: What the lake is known by.
        attach: Attaches it.
        prepare: Makes a connection ready to read. If it fails on a lake that was attached before, because PostgreSQL
            was restarted or the lake is another one now, the lake is attached anew.
    """
    earlier = _take(key)
    if earlier is not None:
        connection = earlier.instance.cursor()
        try:
            prepared = prepare(connection)
        except Exception:  # noqa: BLE001 - whatever it is, the lake is asked again
            close(connection)
            close(earlier.instance)
        else:
            with _kept_afterwards(key, earlier, connection):
                yield connection, prepared
            return
    fresh = _Attached(attach(), time.monotonic())
    connection = fresh.instance.cursor()
    with _kept_afterwards(key, fresh, connection):
        yield connection, prepare(connection)


def _take(key: Hashable) -> _Attached | None:
    """What was attached before, unless it is too old; readers at the same time each have their own."""
    with _lock:
        found = _kept.pop(key, None)
    if found is not None and time.monotonic() - found.since > KEPT_SECONDS:
        close(found.instance)
        return None
    return found


@contextlib.contextmanager
def _kept_afterwards(key: Hashable, used: _Attached, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keeps a lake for the next reading unless this one fails."""
    try:
        yield
    except BaseException:
        close(connection)
        close(used.instance)
        raise
    close(connection)
    with _lock:
        left = [_kept.pop(key)] if key in _kept else []
        _kept[key] = used
        while len(_kept) > MOST_KEPT:
            left.append(_kept.pop(next(iter(_kept))))
    for one in left:
        close(one.instance)
