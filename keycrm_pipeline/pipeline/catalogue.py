"""Sync `catalogue`: KeyCRM's categories, and the products and offers that occur in orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keycrm_pipeline.pipeline.derivation import derive
from keycrm_pipeline.pipeline.extraction import refresh_reference_lists
from keycrm_pipeline.pipeline.products import fetch_catalogue
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import syncs


def run(session: Session) -> Mapping[str, Any]:
    """Refreshes KeyCRM's categories and the products and offers that occur in orders."""
    with session.client() as client:
        refresh_reference_lists(session, client, everything=True)
        with session.warehouse.writing() as connection:
            known = syncs.known_product_ids(connection)
        fetch_catalogue(session, client, known)
    derive(session)
    return {"products refreshed": len(known)}
