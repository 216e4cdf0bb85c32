"""What becomes of an order that the program fails on, in whichever stage: it is rejected, and the others go on (R10).

What is not here: orders in which something is wrong that a rule knows (`validation`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

import pandera.errors
import polars as pl

from keycrm_pipeline.run.errors import kind_and_places
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.stopping import is_stop
from keycrm_pipeline.warehouse.batches import OF_ROWS, work_on_batches
from keycrm_pipeline.warehouse.ranges import OrderRange
from keycrm_pipeline.warehouse.validated import SingleOrders, orders_of_batch, reject

if TYPE_CHECKING:
    import duckdb

MOST_REFUSED = 20
"""Orders that a stage may fail on: if it fails on more of them, the program is wrong and not they."""

OF_AN_ORDER = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    pandera.errors.SchemaErrors,
    pl.exceptions.PolarsError,
    *OF_ROWS,
)
"""What rules and statements raise about an order that nobody foresaw. A full disk is no matter of an order."""

Batch = TypeVar("Batch", OrderRange, SingleOrders, OrderRange | SingleOrders)
Result = TypeVar("Result")


def work_on_orders(
    session: Session,
    connection: duckdb.DuckDBPyConnection,
    batches: Sequence[Batch],
    work: Callable[[duckdb.DuckDBPyConnection, Batch], Result],
) -> list[Result]:
    """Does the work of a stage on batches, which a single order cannot end, and returns the results in their order.

    A batch that fails is divided until the order is alone, so it may have several results. The order is rejected; its
    typed rows, its document and its movements stay as they are.

    Args:
        session: The exchange.
        connection: A connection for writing, outside a transaction.
        batches: The batches.
        work: What a stage does with a batch; what it has written when it fails is undone.
    """
    refused: list[int] = []
    counting = Lock()

    def apart(connection: duckdb.DuckDBPyConnection, batch: Batch) -> list[Result]:
        try:
            return [work(connection, batch)]
        except OF_AN_ORDER as error:
            if isinstance(error, MessageError) or is_stop(error):
                raise
            order_ids = orders_of_batch(connection, batch)
            if not order_ids:
                raise
            if len(order_ids) == 1:
                with counting:
                    refused.extend(order_ids)
                    if len(refused) > MOST_REFUSED:
                        raise
                    session.add(orders_rejected=1)
                reason = Reason.UNFORESEEN.message(**kind_and_places(error))
                reject(connection, order_ids[0], reason, now=session.now)
                return []
        halves = batch.split_at(order_ids[len(order_ids) // 2])
        return [result for half in halves for result in apart(connection, half)]

    parts = work_on_batches(connection, batches, apart, everything=session.is_rebuild)
    return [result for of_batch in parts for result in of_batch]
