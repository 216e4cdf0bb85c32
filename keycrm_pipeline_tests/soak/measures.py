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

OF_TIME = {"created_at", "updated_at", "rejected_at", "extracted_at", "exchange_id", "missing_since"}

COMPARED = {
    "raw.orders": ("order_id",),
    "accounting.orders": ("order_id",),
    "accounting.order_services": ("order_id", "line_no"),
    "accounting.order_payments": ("order_id", "payment_id"),
    "ops.rejected_records": ("record_key",),
}
"""Table -> its key."""

_MISSING = "(SELECT order_id FROM lived.raw.orders WHERE missing_since IS NOT NULL)"


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


def differences(lived: Path, fresh: Path, first: date, last: date) -> dict[str, int]:
    """Table -> rows of a period that only one of the two files has, cards' numbers and times left out.

    Orders that KeyCRM no longer has are only in the books that saw them.
    """
    found = {}
    with contextlib.closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{lived}' AS lived (READ_ONLY)")
        connection.execute(f"ATTACH '{fresh}' AS fresh (READ_ONLY)")
        for table in COMPARED:
            columns = [
                str(name)
                for (name, *_rest) in connection.execute(f"DESCRIBE lived.{table}").fetchall()
                if name not in OF_CARDS | OF_TIME
            ]
            order_days = "SELECT order_id FROM {}.raw.orders WHERE order_day BETWEEN ? AND ?"
            sides = [
                f"SELECT {', '.join(columns)} FROM {side}.{table} "  # noqa: S608 - names of this module
                f"WHERE order_id NOT IN {_MISSING} AND order_id IN ({order_days.format(side)})"
                for side in ("lived", "fresh")
            ]
            ((number,),) = connection.execute(
                f"SELECT count(*) FROM (({sides[0]} EXCEPT {sides[1]}) UNION ALL ({sides[1]} EXCEPT {sides[0]}))",  # noqa: S608
                [first, last] * 4,
            ).fetchall()
            found[table] = number
    return found
