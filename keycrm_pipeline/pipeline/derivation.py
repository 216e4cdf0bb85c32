"""Brings what a sync has fetched into the books: the stages of a load, for the orders that its exchange touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.extraction import ExtractionCounts
from keycrm_pipeline.pipeline.stages import DERIVED_STAGES, run_load
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import days


def derive(session: Session, period: Period | None = None) -> None:
    """Runs all stages after the extraction for the orders that this exchange touched and for the days of a period.

    What they wrote is recorded in the session, for automations that watch the tables. Days that are not loaded are
    left out, even if one of their booked orders has changed.
    """
    for result in run_load(session, period, DERIVED_STAGES):
        totals = result.numbers.totals
        if totals.get("cards created") or totals.get("cards changed"):
            session.changed_cards.add(result.stage.name)
        if result.stage.name != "orders":
            continue
        written = {
            day: numbers
            for day, numbers in result.numbers.days.items()
            if numbers["created"] or numbers["updated"]
        }
        if written:
            with session.warehouse.reading() as connection:
                loaded = days.loaded_days(connection, Period(min(written), max(written)))
            session.written_days |= {day: written[day] for day in loaded if day in written}


def derive_met(session: Session, counts: ExtractionCounts, period: Period | None = None) -> Mapping[str, Any]:
    """Brings the orders that a sync has fetched into the books, and completes its row of the log.

    Args:
        session: The running exchange.
        counts: What was fetched.
        period: Days that the sync has fetched completely and therefore loads.

    Returns:
        The numbers of the sync, by label.
    """
    derive(session, period)
    session.add(orders_rejected=len(counts.nameless_keys))
    with session.warehouse.reading() as connection:
        outside = days.left_out(connection, session.profile.start_date, sorted(counts.order_ids))
    row = session.counts
    unchanged = counts.orders_seen - row.orders_created - row.orders_updated - row.orders_rejected
    unchanged -= outside.before_start_date + outside.days_not_loaded
    session.set(orders_seen=counts.orders_seen, orders_unchanged=max(0, unchanged))
    return {
        "orders seen": counts.orders_seen,
        "payloads new": counts.created,
        "payloads changed": counts.updated,
        "documents new": row.orders_created,
        "documents changed": row.orders_updated,
        "orders rejected": row.orders_rejected,
        "orders no longer in KeyCRM": counts.missing,
        "orders deleted in KeyCRM": counts.deleted,
        "orders before start_date, kept raw": outside.before_start_date,
        "orders of days not loaded, kept raw": outside.days_not_loaded,
        "days touched": len(session.written_days),
    }
