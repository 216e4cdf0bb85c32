"""Sync `catalogue`: KeyCRM's categories, and the products and offers that occur in orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.accounting.names import name_key, tidied
from keycrm_pipeline.pipeline import review
from keycrm_pipeline.pipeline.derivation import derive
from keycrm_pipeline.pipeline.extraction import refresh_reference_lists
from keycrm_pipeline.pipeline.products import fetch_catalogue
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import Session, holding
from keycrm_pipeline.warehouse import review as review_store
from keycrm_pipeline.warehouse import syncs

if TYPE_CHECKING:
    import duckdb


def run(session: Session) -> Mapping[str, Any]:
    """Refreshes KeyCRM's categories and the products and offers that occur in orders; renames cards if asked to."""
    with session.client() as client:
        refresh_reference_lists(session, client, everything=True)
        with session.warehouse.writing() as connection:
            known = syncs.known_product_ids(connection)
        fetch_catalogue(session, client, known)
    derive(session)
    numbers = {"products refreshed": len(known)}
    if session.plan.takes_new_names:
        with session.warehouse.transaction() as connection:
            numbers["cards renamed"] = _take_over(connection, now=session.now)
    return numbers


def take_over_names(workspace: Workspace, *, now: datetime) -> int:
    """Gives cards that the exchange made the names that their products have in KeyCRM now, and returns how many.

    A line never renames a card, and a card from the accounting catalogue keeps its name whatever happens in KeyCRM
    (R4, R12). Documents keep the names as sold.

    Args:
        workspace: The profile and its places; the names are those that the last sync `catalogue` read.
        now: The time, timezone-aware.

    Raises:
        WarehouseError: The database is busy or unreadable.
    """
    with holding(workspace, "catalogue --rename") as warehouse, warehouse.transaction() as connection:
        return _take_over(connection, now=now)


def _take_over(connection: duckdb.DuckDBPyConnection, *, now: datetime) -> int:
    renamed = review.renamed_cards(connection)
    names = [
        (card.product_id, tidied(card.crm_name) or card.name, name_key(card.crm_name)) for card in renamed
    ]
    review_store.take_over_names(connection, names, now=now)
    return len(renamed)
