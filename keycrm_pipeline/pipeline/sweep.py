"""Sync `sweep`: orders that KeyCRM no longer has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keycrm_pipeline.pipeline.derivation import derive_met
from keycrm_pipeline.pipeline.extraction import ExtractionCounts, ask_for
from keycrm_pipeline.run.errors import ManyMissingError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import syncs


def run(session: Session) -> Mapping[str, Any]:
    """Finds orders that KeyCRM no longer has: lists all ids, and confirms each absent one by a 404 (R11).

    Orders marked as missing that are listed again are fetched again, which removes the mark.

    Raises:
        ManyMissingError: More orders are absent than the profile's ceiling; nothing was marked.
    """
    counts = ExtractionCounts()
    most = session.profile.sweep.most_missing
    with session.client() as client:
        seen = {order_id for page in client.order_ids() for order_id in page.order_ids}
        with session.warehouse.writing() as connection:
            absent = syncs.absent_orders(connection, sorted(seen))
            returned = syncs.returned_orders(connection, sorted(seen))
        if len(absent) > most:
            session.set(orders_seen=len(seen))
            raise ManyMissingError(absent, most)
        ask_for(session, client, [*absent, *returned[:most]], counts)
    numbers = derive_met(session, counts)
    session.set(orders_seen=len(seen))
    return {**numbers, "orders listed by KeyCRM": len(seen)}
