"""Sync `changes`: orders of any day that changed since the last exchange, and new ones up to today."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.pipeline.derivation import derive_met
from keycrm_pipeline.pipeline.extraction import (
    ExtractionCounts,
    Listing,
    read_listing,
    refresh_reference_lists,
)
from keycrm_pipeline.run.errors import ExchangeError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse import days, exchanges, syncs

if TYPE_CHECKING:
    import duckdb

END_OF_TIME = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Upper end of `updated_between`: a constant, so that a wrong local clock cannot lose a change."""

CREATED_LOOK_BACK = timedelta(days=1)
"""New orders have been reported missing from `updated_between`: those of the last day are also requested by date."""


def changes_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The updated_at up to which the books are known to be complete; None if nothing was loaded.

    The value recorded by the last successful `changes`. Before the first one: the newest stored updated_at that is
    not after the start of the first exchange. A long load takes hours, and nothing else notices an order that changes
    after its page was read; and a backfill that starts with the oldest days must not make the first sync read all
    years again. If no loaded day had an order, it is that start.
    """
    recorded = exchanges.newest_watermark(connection)
    return recorded if recorded is not None else syncs.first_watermark(connection)


def run(session: Session) -> Mapping[str, Any]:
    """Picks up orders of any day that changed since the last exchange, and new ones entered late.

    Requests `updated_between` from the watermark minus the profile's overlap, never from the local clock. The
    watermark moves only when the exchange succeeds, to the newest updated_at seen that is not after the time when the
    oldest page was requested: an order that changes after its page was read is picked up by the next sync.

    It also loads the days after the newest loaded one, up to today, if it has requested all their orders. So today's
    orders are in the books within minutes, and tomorrow's load compares them again (R1).

    Raises:
        ExchangeError: Nothing was loaded yet.
    """
    profile = session.profile
    with session.warehouse.writing() as connection:
        watermark = changes_watermark(connection)
        newest_loaded = days.newest_loaded_day(connection)
    if watermark is None:
        raise ExchangeError(Failure.NOTHING_LOADED_YET.message())
    since = watermark - timedelta(minutes=profile.changes.overlap_minutes)
    created_since = since - CREATED_LOOK_BACK
    asked_day = since.astimezone(profile.zone).date()
    counts = ExtractionCounts()
    with session.client() as client:
        refresh_reference_lists(session, client)
        for listing in (
            Listing(f"updated {since:%Y-%m-%dT%H:%M:%SZ}", asked_day, updated_between=(since, END_OF_TIME)),
            Listing(
                f"created since {since:%Y-%m-%dT%H:%M:%SZ}",
                asked_day,
                created_between=(created_since, END_OF_TIME),
            ),
        ):
            counts.add(read_listing(session, client, listing))
    fetched = None
    if newest_loaded is not None:
        first = max(newest_loaded + DAY, profile.start_date)
        today = session.now.astimezone(profile.zone).date()
        if first <= today and created_since <= Period(first, today).instants(profile.zone)[0]:
            fetched = Period(first, today)
    with session.warehouse.writing() as connection:
        if fetched is not None:
            days.record_fetched(connection, fetched, exchange_id=session.exchange_id, now=session.now)
    numbers = derive_met(session, counts, fetched)
    newest = counts.newest_updated_at or watermark
    with session.warehouse.writing() as connection:
        exchanges.set_watermark(connection, session.exchange_id, max(watermark, newest))
    return {**numbers, "days loaded": str(fetched) if fetched else "none"}
