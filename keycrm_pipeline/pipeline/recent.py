"""Sync `recent`: the recent days and every open order, compared again whatever their updated_at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from keycrm_pipeline.accounting.days import spans
from keycrm_pipeline.accounting.statuses import CLOSING_GROUPS
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline import movements
from keycrm_pipeline.pipeline.derivation import derive_met
from keycrm_pipeline.pipeline.external_transactions import fetch_transactions
from keycrm_pipeline.pipeline.extraction import (
    SECOND,
    ExtractionCounts,
    Listing,
    ask_for,
    created_listing,
    read_listing,
    refresh_reference_lists,
)
from keycrm_pipeline.run.errors import ManyMissingError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import syncs

BEGINNING_OF_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any order of KeyCRM."""


def run(session: Session) -> Mapping[str, Any]:
    """Compares the recent days and every order that is not closed again, whatever updated_at says.

    updated_at is not proven to move on every change. Three kinds of listings are read, none with a request per order:
    the recent window; before it, each status outside the closing groups that stored orders have; and the days of open
    stored orders that were in neither. Orders absent from all of them are requested by id, up to the ceiling of the
    sweep (R11).

    Raises:
        ManyMissingError: More orders are absent than that ceiling. None was requested or marked; what the listings
            returned is in the books.
    """
    profile = session.profile
    today = session.now.astimezone(profile.zone).date()
    window = Period(today - timedelta(days=profile.recent.days), today)
    start, end = window.instants(profile.zone)
    counts = ExtractionCounts()
    with session.warehouse.writing() as connection:
        open_orders = syncs.open_orders(connection, CLOSING_GROUPS)
    with session.client() as client:
        refresh_reference_lists(session, client)

        def read(listings: Iterable[Listing]) -> list[syncs.OpenOrder]:
            """Reads listings and returns the open orders that are absent from everything read so far."""
            for listing in listings:
                counts.add(read_listing(session, client, listing))
            return [order for order in open_orders if order.order_id not in counts.order_ids]

        absent = read(
            [Listing(f"recent {start:%Y-%m-%dT%H:%M:%SZ}", window.first, created_between=(start, end))]
        )
        absent = read(
            Listing(
                # Named after the start of the window: on another night it is another listing.
                f"status {status_id} before {start:%Y-%m-%dT%H:%M:%SZ}",
                window.first,
                status_id=status_id,
                created_between=(BEGINNING_OF_TIME, start + SECOND),
            )
            for status_id in sorted({order.status_id for order in absent})
        )
        absent = read(
            created_listing(first, last, window.first)
            # Whichever of the two dates the filter goes by.
            for first, last in spans([moment for order in absent for moment in order.dates])
        )
        most = profile.sweep.most_missing
        if len(absent) <= most:
            ask_for(session, client, [order.order_id for order in absent], counts)
        fetch_transactions(session, client, window)
    numbers = derive_met(session, counts)
    movements.forget_old_versions(session)
    if len(absent) > most:
        # Raised last: the changes are worth keeping, and repeating the sync does not settle what vanished.
        raise ManyMissingError([order.order_id for order in absent], most)
    return {**numbers, "open orders compared": len(open_orders)}
