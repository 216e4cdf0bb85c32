"""`order`: single orders, loaded again by their numbers with a request each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keycrm_pipeline.pipeline.derivation import derive_met
from keycrm_pipeline.pipeline.extraction import ExtractionCounts, ask_for, refresh_reference_lists
from keycrm_pipeline.run.errors import ExchangeError, UnknownOrdersError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse import raw


def run(session: Session) -> Mapping[str, Any]:
    """Requests the orders of the plan by id and brings them into the books, as every sync does.

    A single order must not make its day look loaded: one of a day that was never loaded is kept raw (R1). One that is
    stored and no longer in KeyCRM is marked (R11).

    Raises:
        ExchangeError: No order was named.
        UnknownOrdersError: KeyCRM has none of that number, and none is stored; the others are in the books.
    """
    order_ids = sorted(set(session.plan.order_ids))
    if not order_ids:
        raise ExchangeError(Failure.NO_ORDER_NAMED.message())
    counts = ExtractionCounts()
    with session.client() as client:
        refresh_reference_lists(session, client)
        ask_for(session, client, order_ids, counts)
    numbers = derive_met(session, counts)
    with session.warehouse.reading() as connection:
        unknown = set(order_ids) - set(raw.stored_orders(connection, order_ids))
    if unknown:
        raise UnknownOrdersError(sorted(unknown))
    return numbers
