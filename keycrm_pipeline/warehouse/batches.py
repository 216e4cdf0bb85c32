"""Processes the batches of a step concurrently. Callers say what a batch is and what to do with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import numpy as np
import polars as pl

from keycrm_pipeline.warehouse.connection import free_pages, second_connection


@dataclass(frozen=True)
class Pace:
    """How much memory batches may take in order to be fast.

    Attributes:
        batch_orders: Maximum orders per batch: memory stays flat whatever the period, and a batch is large enough to
            be fast.
        card_orders: Orders whose partner cards are in memory together. With fewer, the same buyers would come up, and
            their cards be read and written, more often.
        is_frugal: Whether memory counts more than time, as in a load, which waits for KeyCRM most of the time.
    """

    batch_orders: int
    card_orders: int
    is_frugal: bool


FRUGAL = Pace(batch_orders=8_000, card_orders=16_000, is_frugal=True)
"""For loads and syncs."""

QUICK = Pace(batch_orders=50_000, card_orders=100_000, is_frugal=False)
"""For rebuilding everything: a batch has a fixed cost of a third of a second of one core (measured: a million orders
in 47 s instead of 70 s with batches of 12,500), and years of orders are worth the memory."""


def pace_of(*, everything: bool) -> Pace:
    """The pace of a step: QUICK when it rebuilds everything, else FRUGAL."""
    return QUICK if everything else FRUGAL


_alone = threading.Lock()


def alone(pace: Pace) -> contextlib.AbstractContextManager[object]:
    """Held by the one batch that does the part of its work that takes most memory; the other batch waits for it.

    That part is half of the work or less, so both are seldom idle. A pace that is quick does not wait.
    """
    return _alone if pace.is_frugal else contextlib.nullcontext()


WORKERS = 2
"""Batches processed at the same time: one per core of a small machine. More would take more memory."""

ROUND = 2 * WORKERS
"""Batches per round: a worker that finishes early has another batch to do before all wait for each other."""

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def work_on_batches(
    connection: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    work: Callable[[duckdb.DuckDBPyConnection, Batch], Result],
    *,
    pace: Pace = FRUGAL,
) -> list[Result]:
    """Does the same work on several batches, some concurrently, and returns the results in the order of the batches.

    A batch goes through SQL, frames and checks in turn, and most of these keep one core busy. Two batches with a core
    each are faster than one whose every statement DuckDB spreads over both (measured: 4.5 s instead of 6.7 s).

    Each batch has its own connection to the same open file, so the work must not depend on the order of the batches,
    and they must not write the same rows. When one fails, the batches that have not started are skipped and its error
    is raised.

    The batches run in rounds: DuckDB keeps rows uncompressed in memory until it moves them from its log into the file,
    and does so only at the end of a transaction while no other one is open. Without pauses that never happened, and
    memory grew with the period. A frugal pace also drops the cached pages of the file between rounds.

    Args:
        connection: A connection for writing, outside a transaction; a single batch runs on it.
        batches: The batches.
        work: What to do with each of them.
        pace: How much memory the batches may take.
    """
    if len(batches) < 2:
        return [work(connection, batch) for batch in batches]

    def work_in_thread(batch: Batch) -> Result:
        with second_connection(connection) as second:
            return work(second, batch)

    # Polars loads numpy at its first use, and two threads that cause this at the same time fail (polars 2.1.0).
    pl.Series(np.zeros(1))
    results: list[Result] = []
    connection.execute("SET threads = 1")
    try:
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="batch") as pool:
            for begin in range(0, len(batches), ROUND):
                results += pool.map(work_in_thread, batches[begin : begin + ROUND])
                if pace.is_frugal:
                    free_pages(connection)
    finally:
        connection.execute("RESET threads")
    return results
