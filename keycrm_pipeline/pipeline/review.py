"""Keeps the review list up to date after a load: adds what needs attention and removes what is settled."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.accounting.names import names_disagree
from keycrm_pipeline.accounting.partners import conflict_stands
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.warehouse import review

if TYPE_CHECKING:
    import duckdb


def refresh(connection: duckdb.DuckDBPyConnection, profile: Profile, *, now: datetime) -> None:
    """Derives the review list again from the books and the profile."""
    settled = [conflict for conflict in review.name_conflicts(connection) if not _stands(conflict)]
    if settled:
        review.settle_conflicts(connection, settled)
    review.keep_renamed(connection, renamed_cards(connection))
    review.refresh_review(
        connection, manager_ids=sorted(profile.managers), start_date=profile.start_date, now=now
    )


def renamed_cards(connection: duckdb.DuckDBPyConnection) -> list[review.NameInCrm]:
    """Cards made from KeyCRM whose product has another name there by now; case and blanks make no difference (R4)."""
    return [card for card in review.names_in_crm(connection) if names_disagree(card.name, card.crm_name)]


def _stands(conflict: review.NameConflict) -> bool:
    """Whether the names still disagree (R3, R4.1)."""
    if conflict.partner_id is not None:
        return conflict_stands([conflict.card_name, *conflict.names])
    return any(names_disagree(conflict.card_name, name) for name in conflict.names)
