"""Keeps the review list up to date after a load: adds what needs attention and removes what is settled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.accounting.partners import conflict_stands
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.warehouse import review

if TYPE_CHECKING:
    import duckdb


def refresh(connection: duckdb.DuckDBPyConnection, profile: Profile, *, now: datetime) -> None:
    """Derives the review list again from the books and the profile."""
    settled = [
        partner_id
        for partner_id, card_name, buyer_names in review.name_conflicts(connection)
        if not conflict_stands([card_name, *buyer_names])
    ]
    if settled:
        review.settle_conflicts(connection, settled)
    review.refresh_review(
        connection, manager_ids=sorted(profile.managers), start_date=profile.start_date, now=now
    )
