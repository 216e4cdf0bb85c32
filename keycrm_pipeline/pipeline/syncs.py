"""The passes that keep the books right between loads: changes, recent window, sweep, catalogue, rebuild.

Each is plain Python over an open client and a running exchange; assets and commands call them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.accounting.days import order_day, period_instants, spans
from keycrm_pipeline.accounting.statuses import CLOSING_GROUPS
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.values import parse_instant
from keycrm_pipeline.pipeline import review
from keycrm_pipeline.pipeline.extraction import (
    ExtractionCounts,
    ask_for,
    refresh_reference_lists,
    walk_orders,
)
from keycrm_pipeline.pipeline.period import NO_DAYS, derive_everything, select_and_read_items
from keycrm_pipeline.pipeline.products import fetch_catalogue, missing_products
from keycrm_pipeline.pipeline.validation import validate_period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.errors import ExchangeError, ManyMissingError
from keycrm_pipeline.run.session import Step
from keycrm_pipeline.warehouse import exchanges
from keycrm_pipeline.warehouse import syncs as stored
from keycrm_pipeline.warehouse.connection import keep_freed_memory
from keycrm_pipeline.warehouse.documents import DayCounts

if TYPE_CHECKING:
    import duckdb

BEGINNING_OF_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any order of KeyCRM."""

END_OF_TIME = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)
"""Upper end of `updated_between`: a constant, so that a wrong local clock loses no change."""

CREATED_LOOK_BACK = timedelta(days=1)
"""New orders were reported missing from `updated_between`: those of the last day are asked for by creation too."""

REBUILD_ORDERS = 200_000
"""Orders that a rebuild takes through all its steps together: two rounds of batches, so that no worker waits long."""


@dataclass(frozen=True)
class PassCounts:
    """What a pass did, for the log, the page and the summary.

    Attributes:
        days: Documents made and changed, by day.
        metadata: Further numbers, by words.
    """

    days: tuple[DayCounts, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)


def _derive_met(step: Step, profile: Profile, client: KeyCrmClient, counts: ExtractionCounts) -> PassCounts:
    """Derives the orders that this exchange met, whatever their day, and adds the numbers to its row."""
    step.walks |= counts.walks
    with step.warehouse.writing() as connection:
        validate_period(connection, profile, *NO_DAYS, exchange_id=step.exchange_id, now=step.now)
        items = select_and_read_items(connection, profile, *NO_DAYS, exchange_id=step.exchange_id)
        unknown = missing_products(connection, items)
    fetch_catalogue(step.warehouse, client, unknown, now=step.now)
    with step.warehouse.writing() as connection:
        derived = derive_everything(connection, profile, *NO_DAYS, exchange_id=step.exchange_id, now=step.now)
    documents = derived.documents
    rejected = derived.validation.rejected + counts.rejected
    step.count(
        orders_seen=counts.orders_seen,
        orders_created=documents.created,
        orders_updated=documents.updated,
        orders_unchanged=max(0, counts.orders_seen - documents.created - documents.updated - rejected),
        orders_rejected=rejected,
        partners_created=derived.partners.created,
        products_created=derived.products.created,
    )
    return PassCounts(
        days=tuple(documents.days.values()),
        metadata={
            "orders seen": counts.orders_seen,
            "payloads new": counts.created,
            "payloads changed": counts.updated,
            "documents new": documents.created,
            "documents changed": documents.updated,
            "orders rejected": rejected,
            "orders gone from KeyCRM": counts.missing,
            "days touched": len(documents.days),
        },
    )


def _add(total: ExtractionCounts, more: ExtractionCounts) -> None:
    total.order_ids |= more.order_ids
    total.nameless_keys |= more.nameless_keys
    total.walks |= more.walks
    total.created += more.created
    total.updated += more.updated
    total.missing += more.missing
    total.orders_seen = len(total.order_ids) + len(total.nameless_keys)
    if more.began_at is not None:
        total.began_at = min(more.began_at, total.began_at or more.began_at)
    if more.newest_updated_at is not None and (
        total.newest_updated_at is None or more.newest_updated_at > total.newest_updated_at
    ):
        total.newest_updated_at = more.newest_updated_at


def _local_day(instant: datetime, profile: Profile) -> date:
    return instant.astimezone(profile.zone).date()


def changes_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Up to which updated_at the books are known to be right; None when nothing was loaded.

    What the last good changes pass noted. Before the first one: the newest updated_at stored, yet not after the
    first exchange began. Long loads take hours, and an order that changes behind the page it was read from is known
    to nobody else; a backfill that begins with the oldest days must not make the first pass read all years again.
    """
    noted = exchanges.newest_watermark(connection)
    return noted if noted is not None else stored.first_watermark(connection)


def changes(step: Step, profile: Profile, client: KeyCrmClient) -> PassCounts:
    """Picks up orders changed since the last exchange, whatever their day, and new ones entered late.

    Asks `updated_between` from the watermark minus the profile's overlap, and never from the local clock. The
    watermark moves only when the exchange succeeds, to the newest updated_at met that is not after the moment when
    the oldest page was asked for: what changes behind a page that was read already is met by the next pass.

    Raises:
        ExchangeError: Nothing was loaded yet.
    """
    with step.warehouse.writing() as connection:
        watermark = changes_watermark(connection)
    if watermark is None:
        raise ExchangeError(
            "Nothing was loaded for this profile yet: load a period first, changes come after it."
        )
    since = watermark - timedelta(minutes=profile.changes.overlap_minutes)
    refresh_reference_lists(step.warehouse, profile, client, now=step.now)
    counts = ExtractionCounts()
    windows: tuple[tuple[str, dict[str, Any]], ...] = (
        (f"updated {since:%Y-%m-%dT%H:%M:%SZ}", {"updated_between": (since, END_OF_TIME)}),
        (
            f"created since {since:%Y-%m-%dT%H:%M:%SZ}",
            {"created_between": (since - CREATED_LOOK_BACK, END_OF_TIME)},
        ),
    )
    for walk, window in windows:
        _add(
            counts,
            walk_orders(
                step.warehouse,
                profile,
                client,
                walk=walk,
                **window,
                exchange_id=step.exchange_id,
                now=step.now,
                asked_day=_local_day(since, profile),
            ),
        )
    result = _derive_met(step, profile, client, counts)
    newest = counts.newest_updated_at or watermark
    with step.warehouse.writing() as connection:
        exchanges.set_watermark(connection, step.exchange_id, max(watermark, newest))
    return result


def recent(step: Step, profile: Profile, client: KeyCrmClient) -> PassCounts:
    """Compares the recent days and every order that is not closed again, whatever updated_at says.

    updated_at is not proven to move on every change. Three kinds of walks, none of them one request an order: the
    recent window; before it, each status outside the closing groups that stored orders are in; and the days of
    orders that were open here and came back in neither. What is absent from all of them is asked for by id, up to
    the ceiling of the sweep (R11).

    Raises:
        ManyMissingError: More orders are absent than that ceiling. None was asked for or marked; what the walks
            brought is in the books.
    """
    refresh_reference_lists(step.warehouse, profile, client, now=step.now)
    today = _local_day(step.now, profile)
    first_day = today - timedelta(days=profile.recent.days)
    start, end = period_instants(first_day, today, profile.zone)
    common: dict[str, Any] = {"exchange_id": step.exchange_id, "now": step.now, "asked_day": first_day}
    counts = ExtractionCounts()
    with step.warehouse.writing() as connection:
        open_orders = stored.open_orders(connection, CLOSING_GROUPS)
    _add(
        counts,
        walk_orders(
            step.warehouse,
            profile,
            client,
            walk=f"recent {start:%Y-%m-%dT%H:%M:%SZ}",
            created_between=(start, end),
            **common,
        ),
    )
    for status_id in sorted(
        {order.status_id for order in open_orders if order.order_id not in counts.order_ids}
    ):
        _add(
            counts,
            walk_orders(
                step.warehouse,
                profile,
                client,
                # Dated like the window before it: a walk of another night is another list.
                walk=f"status {status_id} before {start:%Y-%m-%dT%H:%M:%SZ}",
                status_id=status_id,
                created_between=(BEGINNING_OF_TIME, start + timedelta(seconds=1)),
                **common,
            ),
        )
    absent = [order for order in open_orders if order.order_id not in counts.order_ids]
    for span_start, span_end in spans([order.ordered_at for order in absent]):
        _add(
            counts,
            walk_orders(
                step.warehouse,
                profile,
                client,
                walk=f"span {span_start:%Y-%m-%dT%H:%M:%SZ} {span_end:%Y-%m-%dT%H:%M:%SZ}",
                created_between=(span_start - timedelta(seconds=1), span_end + timedelta(seconds=1)),
                **common,
            ),
        )
    gone = [order.order_id for order in absent if order.order_id not in counts.order_ids]
    most = profile.sweep.most_missing
    if len(gone) <= most:
        ask_for(step.warehouse, profile, client, gone, counts, exchange_id=step.exchange_id, now=step.now)
        counts.orders_seen = len(counts.order_ids) + len(counts.nameless_keys)
    result = _derive_met(step, profile, client, counts)
    if len(gone) > most:
        # At the end: what changed is worth having, and what vanished needs a person however often it is repeated.
        raise ManyMissingError(gone, most)
    result.metadata["open orders compared"] = len(open_orders)
    return result


def sweep(step: Step, profile: Profile, client: KeyCrmClient) -> PassCounts:
    """Finds orders that KeyCRM no longer has: lists all ids, and confirms each absent one by a 404 (R11).

    Orders marked as missing that are listed again are read again, which takes the mark off.

    Raises:
        ManyMissingError: More orders are absent than the profile's ceiling; nothing was marked.
    """
    seen: set[int] = set()
    for page in client.order_ids():
        seen.update(page.order_ids)
    with step.warehouse.writing() as connection:
        absent = stored.absent_orders(connection, sorted(seen))
        returned = stored.returned_orders(connection, sorted(seen))
    most = profile.sweep.most_missing
    if len(absent) > most:
        step.count(orders_seen=len(seen))
        raise ManyMissingError(absent, most)
    counts = ExtractionCounts()
    ask_for(
        step.warehouse,
        profile,
        client,
        [*absent, *returned[:most]],
        counts,
        exchange_id=step.exchange_id,
        now=step.now,
    )
    result = _derive_met(step, profile, client, counts)
    step.count(orders_seen=len(seen))
    result.metadata["orders listed by KeyCRM"] = len(seen)
    return result


def catalogue(step: Step, profile: Profile, client: KeyCrmClient) -> PassCounts:
    """Refreshes KeyCRM's categories and the products and offers that orders have met."""
    refresh_reference_lists(step.warehouse, profile, client, now=step.now, everything=True)
    with step.warehouse.writing() as connection:
        known = stored.known_product_ids(connection)
    fetch_catalogue(step.warehouse, client, known, now=step.now)
    with step.warehouse.writing() as connection:
        derived = derive_everything(connection, profile, *NO_DAYS, exchange_id=step.exchange_id, now=step.now)
    return PassCounts(
        days=tuple(derived.documents.days.values()), metadata={"products refreshed": len(known)}
    )


def rebuild(step: Step, profile: Profile) -> PassCounts:
    """Derives all accounting tables anew from the raw payloads, without a request, keeping card ids.

    What one runs after a rule or the profile was corrected. When nothing changed, the tables equal the old ones.
    """
    created = updated = unchanged = rejected = partners = products = 0
    changed_days: list[DayCounts] = []

    def day_of(ordered_at: str | None, created_at: str | None) -> date | None:
        return order_day(parse_instant(ordered_at), parse_instant(created_at), profile.zone)

    with step.warehouse.writing() as connection:
        keep_freed_memory(connection)
        stored.refile_orders(connection, profile.timezone, day_of)
        for first_day, last_day in stored.raw_ranges(connection, REBUILD_ORDERS):
            derived = derive_everything(
                connection,
                profile,
                first_day,
                last_day,
                exchange_id=step.exchange_id,
                now=step.now,
                compare_all=True,
                with_review=False,
            )
            documents = derived.documents
            created += documents.created
            updated += documents.updated
            unchanged += documents.unchanged
            rejected += derived.validation.rejected
            partners += derived.partners.created
            products += derived.products.created
            changed_days += [day for day in documents.days.values() if day.created or day.updated]
        review.refresh(connection, profile, now=step.now)
    step.count(
        orders_seen=created + updated + unchanged + rejected,
        orders_created=created,
        orders_updated=updated,
        orders_unchanged=unchanged,
        orders_rejected=rejected,
        partners_created=partners,
        products_created=products,
    )
    return PassCounts(
        days=tuple(changed_days),
        metadata={
            "documents new": created,
            "documents changed": updated,
            "documents unchanged": unchanged,
            "orders rejected": rejected,
            "days changed": len(changed_days),
        },
    )
