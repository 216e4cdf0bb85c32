"""Stage `sources`: where orders come from, with the currency of each source (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from keycrm_pipeline.accounting.statuses import source_name
from keycrm_pipeline.crm.values import plain_text
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.results import CardCounts, StageNumbers
from keycrm_pipeline.pipeline.selection import selection
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import cards
from keycrm_pipeline.warehouse.cards import Selection

if TYPE_CHECKING:
    import duckdb


def run(session: Session, period: Period | None) -> StageNumbers:
    """Brings the sources up to date for the orders of a period and those that this exchange touched."""
    with session.warehouse.writing() as connection:
        return derive_sources(connection, selection(session, period)).numbers()


def derive_sources(connection: duckdb.DuckDBPyConnection, chosen_orders: Selection) -> CardCounts:
    """Brings the sources up to date (R9): KeyCRM's list, and sources that only orders still have."""
    stored = {row["source_id"]: row for row in cards.stored_sources(connection)}
    rows: dict[int, dict[str, Any]] = dict(stored)
    for source_id, payload, _listed in cards.reference_rows(connection, "sources"):
        row = msgspec.json.decode(payload)
        rows[source_id] = {
            "source_id": source_id,
            "name": source_name(source_id, plain_text(row.get("name"))),
            "driver": plain_text(row.get("driver")),
            # «uah» and «UAH» are one currency: their sums belong together.
            "currency": (plain_text(row.get("currency_code")) or "").upper() or None,
        }
    carried = cards.sources_of_orders(connection, chosen_orders)
    for source_id in carried:
        rows.setdefault(
            source_id,
            {"source_id": source_id, "name": source_name(source_id, None), "driver": None, "currency": None},
        )
    changed = [row for source_id, row in sorted(rows.items()) if stored.get(source_id) != row]
    cards.store_sources(connection, changed)
    created = sum(row["source_id"] not in stored for row in changed)
    return CardCounts(created=created, updated=len(changed) - created, used=len(carried))
