"""Works on the batches of a step side by side. What a batch is, and what is done with it, is said by the callers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import duckdb

from keycrm_pipeline.warehouse.connection import beside, let_go_of_pages


@dataclass(frozen=True)
class Pace:
    """How much memory batches may take to be quick.

    Attributes:
        batch_orders: Orders of a batch at most: memory stays flat whatever the period, and a batch is large enough to
            be quick.
        card_orders: Orders whose partner cards are in memory together. Fewer would meet the same buyers, and read and
            write their cards, more often.
        is_frugal: Whether memory counts more than time, as in a load, which waits for KeyCRM most of the time.
    """

    batch_orders: int
    card_orders: int
    is_frugal: bool


FRUGAL = Pace(batch_orders=4_500, card_orders=16_000, is_frugal=True)
"""For loads and passes."""

QUICK = Pace(batch_orders=50_000, card_orders=100_000, is_frugal=False)
"""When everything is derived anew: what a batch costs beside its orders is a third of a second of one core (measured: a
million orders in 47 s instead of 70 s with batches of 12,500), and years of orders are worth the memory."""


def pace_of(*, everything: bool) -> Pace:
    """The pace of a step: of one that derives everything anew, or of any other."""
    return QUICK if everything else FRUGAL


WORKERS = 2
"""Batches in work at the same time: one a core of a small machine. More would take more memory."""

ROUND = 2 * WORKERS
"""Batches of a round: a worker that is ready sooner has another one to do before all wait for each other."""

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def work_on_batches(
    connection: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    work: Callable[[duckdb.DuckDBPyConnection, Batch], Result],
    *,
    pace: Pace = FRUGAL,
) -> list[Result]:
    """Does the same work on several batches, some at a time, and returns the results in the order of the batches.

    A batch goes through SQL, frames and checks in turn, and most of these keep one core busy. Two batches on a core
    each are quicker than one whose every statement DuckDB spreads over both (measured: 4.5 s instead of 6.7 s).

    Each batch has a connection of its own to the same open file, so the work must not depend on the order of the
    batches, and they must not write the same rows. When one fails, those not begun are left out and its error is
    raised.

    The batches go in rounds: DuckDB keeps rows unpacked in memory until it moves them from its log into the file, and
    does that only at the end of a transaction beside which no other one is open. Without pauses it never came to it,
    and memory grew with the period. A frugal pace lets go of the pages of the file between two rounds, too.

    Args:
        connection: A connection for writing, outside of a transaction; a single batch is done on it.
        batches: The batches.
        work: What to do with one of them.
        pace: How much memory the batches may take.
    """
    if len(batches) < 2:
        return [work(connection, batch) for batch in batches]

    def work_beside(batch: Batch) -> Result:
        with beside(connection) as further:
            return work(further, batch)

    results: list[Result] = []
    connection.execute("SET threads = 1")
    try:
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="batch") as pool:
            for begin in range(0, len(batches), ROUND):
                results += pool.map(work_beside, batches[begin : begin + ROUND])
                if pace.is_frugal:
                    let_go_of_pages(connection)
    finally:
        connection.execute("RESET threads")
    return results
