"""What an installation takes, and where two files of books differ."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import psutil

OF_CARDS = {"partner_id", "product_id", "variant_id"}
"""Numbers of cards follow the order in which buyers and products were met."""

OF_TIME = {
    "created_at",
    "updated_at",
    "rejected_at",
    "extracted_at",
    "first_seen_at",
    "exchange_id",
    "missing_since",
}
"""Say when this file learned of something."""

OF_VERSIONS = {"version_no"}
"""Whoever loads afresh meets each order's last version as its first. Hence `raw.order_versions` and
`accounting.order_movements` cannot be compared either; that no version is lost, the numbers of a file tell alone."""

COMPARED = {
    "raw.orders": ("order_id",),
    "accounting.orders": ("order_id",),
    "accounting.order_services": ("order_id", "line_no"),
    "accounting.order_payments": ("order_id", "payment_id"),
    "ops.rejected_records": ("record_key",),
}
"""Table -> its key."""

_MISSING = "(SELECT order_id FROM lived.raw.orders WHERE missing_since IS NOT NULL)"

_WITHOUT_A_VERSION = """
SELECT order_id, version_no, coalesce(earlier, []) AS earlier
FROM lived.raw.orders
LEFT JOIN (
    SELECT order_id, list(version_no ORDER BY version_no) AS earlier FROM lived.raw.order_versions GROUP BY order_id
) USING (order_id)
WHERE coalesce(earlier, []) <> range(1, version_no)
ORDER BY order_id
"""


@dataclass(frozen=True)
class Measure:
    """What an installation of two profiles takes at a moment.

    Attributes:
        day: The simulated day.
        database_bytes: The file of the first profile.
        data_files: Files in the data directory.
        history_bytes: DAGSTER_HOME.
        history_files: Files in it.
        runs: Runs in Dagster's history.
        exchanges: Exchanges in the log of the first profile.
        orders: Orders that it has stored.
        handles: Open files and sockets of this process, which runs all exchanges.
        threads: Its threads.
        memory_bytes: Its memory.
        pass_seconds: Mean of the last passes of `changes`.
    """

    day: date
    database_bytes: int
    data_files: int
    history_bytes: int
    history_files: int
    runs: int
    exchanges: int
    orders: int
    handles: int
    threads: int
    memory_bytes: int
    pass_seconds: float


def measure(
    day: date,
    directory: Path,
    database: Path,
    instance: dg.DagsterInstance,
    pass_seconds: Sequence[float],
) -> Measure:
    """Measures an installation."""
    history = [path for path in (directory / "home").rglob("*") if path.is_file()]
    with contextlib.closing(duckdb.connect(str(database), read_only=True)) as connection:
        ((exchanges, orders),) = connection.execute(
            "SELECT (SELECT count(*) FROM ops.exchanges), (SELECT count(*) FROM raw.orders)"
        ).fetchall()
    process = psutil.Process()
    last = pass_seconds[-30:]
    return Measure(
        day=day,
        database_bytes=database.stat().st_size,
        data_files=sum(path.is_file() for path in (directory / "data").rglob("*")),
        history_bytes=sum(path.stat().st_size for path in history),
        history_files=len(history),
        runs=len(instance.get_runs()),
        exchanges=exchanges,
        orders=orders,
        handles=process.num_fds(),
        threads=process.num_threads(),
        memory_bytes=process.memory_info().rss,
        pass_seconds=sum(last) / len(last) if last else 0.0,
    )


def differences(lived: Path, fresh: Path, first: date, last: date) -> dict[str, list[str]]:
    """Table -> its rows of a period that differ, each with its key and the columns, such as "17, 2: name, quantity".

    Numbers of cards, times and numbers of versions are left out. Orders that KeyCRM no longer has are only in the books
    that saw them. `raw.order_versions` is not compared: an order is named there if one of its versions is not kept.
    """
    found = {}
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{lived}' AS lived (READ_ONLY)")
        connection.execute(f"ATTACH '{fresh}' AS fresh (READ_ONLY)")
        for table, key in COMPARED.items():
            columns = [
                str(name)
                for (name, *_rest) in connection.execute(f"DESCRIBE lived.{table}").fetchall()
                if name not in OF_CARDS | OF_TIME | OF_VERSIONS
            ]
            rows = connection.execute(_comparison(table, key, columns), [first, last] * 2).fetchall()
            found[table] = [
                f"{', '.join(map(str, values))}: {', '.join(differing)}" for *values, differing in rows
            ]
        rows = connection.execute(_WITHOUT_A_VERSION).fetchall()
        found["raw.order_versions"] = [
            f"{order_id}: version {version_no} after {earlier}" for order_id, version_no, earlier in rows
        ]
    return found


def _comparison(table: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """A query for the keys of rows that differ, with the names of the columns that do."""
    # Names of this module and of the program's own tables; the days are parameters.
    sides = [
        f"SELECT {', '.join(columns)} FROM {side}.{table} WHERE order_id NOT IN {_MISSING} "  # noqa: S608
        f"AND order_id IN (SELECT order_id FROM {side}.raw.orders WHERE order_day BETWEEN ? AND ?)"
        for side in ("lived", "fresh")
    ]
    differing = ", ".join(
        f"CASE WHEN mine.{name} IS DISTINCT FROM other.{name} THEN '{name}' END" for name in columns
    )
    return (
        f"SELECT {', '.join(key)}, CASE WHEN other.{key[0]} IS NULL THEN ['only in the year''s books'] "  # noqa: S608
        f"WHEN mine.{key[0]} IS NULL THEN ['only in the fresh load'] "
        f"ELSE list_filter([{differing}], name -> name IS NOT NULL) END AS differing "
        f"FROM ({sides[0]}) AS mine FULL JOIN ({sides[1]}) AS other USING ({', '.join(key)}) "
        f"WHERE len(differing) > 0 ORDER BY ALL"
    )
