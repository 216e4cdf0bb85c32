"""Stage `statuses`: order statuses with their stage in the accounting system (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from keycrm_pipeline.accounting.statuses import group_name, status_name
from keycrm_pipeline.crm.values import plain_text, whole
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.results import CardCounts, StageNumbers
from keycrm_pipeline.pipeline.selection import selection
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import cards
from keycrm_pipeline.warehouse.cards import Selection

if TYPE_CHECKING:
    import duckdb


def run(session: Session, period: Period | None) -> StageNumbers:
    """Brings the statuses up to date for the orders of a period and those that this exchange touched."""
    with session.warehouse.writing() as connection:
        return derive_statuses(connection, session.profile, selection(session, period)).numbers()


def derive_statuses(
    connection: duckdb.DuckDBPyConnection, profile: Profile, chosen_orders: Selection
) -> CardCounts:
    """Brings the statuses up to date (R9): KeyCRM's list, and statuses that only orders still have."""
    stored = {row["status_id"]: row for row in cards.stored_statuses(connection)}
    known: dict[int, tuple[str | None, str | None, int | None]] = {
        status_id: (row["name"], row["alias"], row["group_id"]) for status_id, row in stored.items()
    }
    carried = cards.statuses_of_orders(connection, chosen_orders)
    for status_id, name, alias, group_id in carried:
        earlier = known.get(status_id, (None, None, None))
        known[status_id] = (name or earlier[0], alias or earlier[1], group_id or earlier[2])
    for status_id, payload, listed in cards.reference_rows(connection, "statuses"):
        row = msgspec.json.decode(payload)
        # An order's own copy of a status may be older than the list; the list takes precedence while it has the status.
        if listed or status_id not in known:
            earlier = known.get(status_id, (None, None, None))
            known[status_id] = (
                plain_text(row.get("name")) or earlier[0],
                plain_text(row.get("alias")) or earlier[1],
                whole(row.get("group_id")) or earlier[2],
            )
    chosen = chosen_orders.status_ids
    rows = []
    for status_id, (name, alias, group_id) in sorted(known.items()):
        shown = status_name(name, alias) or f"Статус {status_id}"
        rows.append(
            {
                "status_id": status_id,
                "name": shown,
                "alias": alias,
                "group_id": group_id,
                "group_name": group_name(group_id),
                "stage": profile.statuses.stages.get(status_id, shown),
                "is_mapped": status_id in profile.statuses.stages,
                "is_loaded": chosen is None or status_id in chosen,
            }
        )
    changed = [row for row in rows if stored.get(row["status_id"]) != row]
    cards.store_statuses(connection, changed)
    created = sum(row["status_id"] not in stored for row in changed)
    return CardCounts(created=created, updated=len(changed) - created, used=len(carried))
