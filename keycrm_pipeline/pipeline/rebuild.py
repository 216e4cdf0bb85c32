"""`rebuild`: all accounting tables derived again from the raw payloads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from keycrm_pipeline.accounting.days import order_day
from keycrm_pipeline.crm.values import parse_instant
from keycrm_pipeline.pipeline import review
from keycrm_pipeline.pipeline.derivation import derive
from keycrm_pipeline.profile import document_settings
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import syncs
from keycrm_pipeline.warehouse.rebuild_due import record_rebuild

REBUILD_ORDERS = 200_000
"""Orders that a rebuild takes through all its stages together: two batches for each worker, so that none waits long."""


def run(session: Session) -> Mapping[str, Any]:
    """Derives all accounting tables again from the raw payloads, without a request, keeping card ids.

    To be run after a rule or the profile was corrected. If nothing changed, the tables stay the same.
    """
    zone = session.profile.zone

    def day_of(ordered_at: str | None, created_at: str | None) -> date | None:
        return order_day(parse_instant(ordered_at), parse_instant(created_at), zone)

    with session.warehouse.writing() as connection:
        syncs.refile_orders(connection, session.profile.timezone, day_of)
        # Last, the orders without a day.
        for period in (*syncs.derived_ranges(connection, REBUILD_ORDERS), None):
            derive(session, period)
        review.refresh(connection, session.profile, now=session.now)
        record_rebuild(connection, document_settings(session.profile))
    row = session.counts
    session.set(
        orders_seen=row.orders_created + row.orders_updated + row.orders_unchanged + row.orders_rejected
    )
    return {
        "documents new": row.orders_created,
        "documents changed": row.orders_updated,
        "documents unchanged": row.orders_unchanged,
        "orders rejected": row.orders_rejected,
        "days changed": len(session.written_days),
    }
