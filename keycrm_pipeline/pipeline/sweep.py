"""Sync `sweep`: the list of all orders compared with what is stored: orders that are gone, and unseen ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.accounting.days import order_day
from keycrm_pipeline.period import contiguous_periods
from keycrm_pipeline.pipeline.derivation import derive_met
from keycrm_pipeline.pipeline.extraction import ExtractionCounts, ask_for
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.errors import ManyMissingError, ManyUnseenError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import readings, syncs

if TYPE_CHECKING:
    from keycrm_pipeline.crm.client import KeyCrmClient


def run(session: Session) -> Mapping[str, Any]:
    """Lists all orders, without their details, and compares them with what is stored.

    An absent order is confirmed by a 404 and marked (R11). Orders marked as missing that are listed again are fetched
    again, which removes the mark. An order of a loaded day that no load has returned, because it was created in
    KeyCRM months before or after that day, is fetched by id (R1).

    Raises:
        ManyMissingError: More orders are absent than the profile's ceiling; nothing was marked.
        ManyUnseenError: More orders of loaded days are unseen than the profile's ceiling; none of them was fetched,
            and everything else is done.
    """
    counts = ExtractionCounts()
    limits = session.profile.sweep
    with session.client() as client:
        listed = _listed(session, client)
        with session.warehouse.writing() as connection:
            found = syncs.compare_with_list(connection, listed, start_date=session.profile.start_date)
        seen = len(set(listed.order_ids))
        if len(found.absent) > limits.most_missing:
            session.set(orders_seen=seen)
            raise ManyMissingError(found.absent, limits.most_missing)
        is_bounded = len(found.unseen) <= limits.most_unseen
        unseen = [order.order_id for order in found.unseen]
        asked = [*found.absent, *found.returned[: limits.most_missing], *(unseen if is_bounded else ())]
        ask_for(session, client, asked, counts)
    numbers = derive_met(session, counts)
    session.set(orders_seen=seen)
    if not is_bounded:
        raise _many_unseen(session, found.unseen)
    return {**numbers, "orders listed by KeyCRM": seen, "orders that no load had returned": len(unseen)}


def _listed(session: Session, client: KeyCrmClient) -> syncs.ListedOrders:
    zone = session.profile.zone
    listed = syncs.ListedOrders([], [], [])
    for page in client.order_headers():
        progress.orders(min(len(listed.order_ids) + len(page.rows), page.total), page.total)
        for row in page.rows:
            # One that is listed as deleted counts as absent.
            if row.order_id is not None and not row.is_deleted:
                listed.order_ids.append(row.order_id)
                listed.order_days.append(order_day(row.ordered_at, row.created_at, zone))
                listed.created_days.append(order_day(row.created_at, None, zone))
    return listed


def _many_unseen(session: Session, unseen: Sequence[syncs.UnseenOrder]) -> ManyUnseenError:
    """The error, with the days whose load brings the orders: by the date that KeyCRM's filter goes by."""
    with session.warehouse.reading() as connection:
        known = readings.current_reading(connection)
    by_own_day = known is not None and known.reading == "ordered_at"
    wanted = [order.order_day if by_own_day else order.created_day for order in unseen]
    periods = contiguous_periods(day for day in wanted if day is not None)
    return ManyUnseenError([order.order_id for order in unseen], periods, session.profile.sweep.most_unseen)
