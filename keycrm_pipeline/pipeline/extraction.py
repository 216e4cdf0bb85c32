"""Fetches orders and reference lists from KeyCRM and keeps them as they came."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from keycrm_pipeline.accounting.days import order_day, period_instants
from keycrm_pipeline.accounting.statuses import status_name
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.crm.pages import CrmRow, OrderPage, OrderRow, PageRecord
from keycrm_pipeline.crm.values import text, whole
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.errors import UnmappedStatusesError
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.connection import Warehouse

RESUME_HOURS = 24
"""How old the pages of an unfinished walk may be to go on from; older ones are asked for again."""

FLUSH_SECONDS = 0.2
"""Pages that arrive faster than this are stored together; a slow CRM's pages are each stored at once."""

FLUSH_PAGES = 40
REFRESH_HOURS = 12
"""How old a list that no document needs at once may be: users, delivery services, categories."""

REFERENCE_ROUTES: Mapping[str, str] = {
    "statuses": "/order/status",
    "sources": "/order/source",
    "payment_methods": "/order/payment-method",
    "delivery_services": "/order/delivery-service",
    "users": "/users",
    "categories": "/products/categories",
}
LISTS_AT_ONCE = 2
"""Lists that are asked for side by side. In turn they would take the time of as many slow pages; all at once they would
go before the first page of orders, whose answer all other pages wait for."""

EVERY_LOAD = ("statuses", "sources", "payment_methods")
OPTIONAL = ("users", "delivery_services")
"""Lists that an exchange can do without: an account that has no such route, or one that fails, stops nothing."""


@dataclass
class ExtractionCounts:
    """What a walk brought.

    Attributes:
        orders_seen: Orders that the walk returned, without repetition.
        created: Payloads that were new.
        updated: Payloads that replaced an older one.
        pages_resumed: Pages that an earlier attempt had stored.
        missing: Booked orders for which KeyCRM answered 404.
        unchanged_outside: Booked orders of other days that a period's walk brought as they were stored already.
        unconfirmed: Booked orders that did not come back and were too many to ask for one by one; counted up to one
            above the ceiling of the sweep.
        newest_updated_at: The newest updated_at met that is not after `began_at`: later ones are changes behind the
            page they were read from, or an order dated ahead by mistake.
        began_at: When the oldest page was asked for, also by an earlier attempt; None when no page was kept.
        walks: Names of the walks; their pages are kept until the exchange has succeeded.
    """

    orders_seen: int = 0
    created: int = 0
    updated: int = 0
    pages_resumed: int = 0
    missing: int = 0
    unchanged_outside: int = 0
    unconfirmed: int = 0
    newest_updated_at: datetime | None = None
    began_at: datetime | None = None
    order_ids: set[int] = field(default_factory=set)
    nameless_keys: set[str] = field(default_factory=set)
    walks: set[str] = field(default_factory=set)

    @property
    def rejected(self) -> int:
        """Records without a readable id: they are orders seen, and no later step meets them."""
        return len(self.nameless_keys)


Progress = Callable[[int, int], None]
"""Called with (orders stored, orders in all)."""


def no_progress(_done: int, _total: int) -> None:
    """Shows nothing."""


def _readable(payload: bytes) -> bytes:
    """The same text; what is no UTF-8 in it, as a replacement character."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return payload.decode("utf-8", errors="replace").encode()
    return payload


def _fetched(row: OrderRow, profile: Profile) -> raw.FetchedRow:
    return raw.FetchedRow(
        order_id=row.order_id,
        order_day=order_day(row.ordered_at, row.created_at, profile.zone),
        payload=_readable(row.payload),
        crm_updated_at=row.updated_at,
    )


def _store(
    warehouse: Warehouse,
    profile: Profile,
    walk: str | None,
    pages: Sequence[OrderPage],
    counts: ExtractionCounts,
    *,
    exchange_id: int,
    now: datetime,
    asked_day: date | None,
) -> None:
    fetched = [
        raw.FetchedPage(page.page, page.total, [_fetched(row, profile) for row in page.rows])
        for page in pages
    ]
    with warehouse.writing() as connection:
        stored = raw.store_pages(
            connection, walk, fetched, exchange_id=exchange_id, now=now, asked_day=asked_day
        )
    counts.created += stored.created
    counts.updated += stored.updated
    counts.nameless_keys.update(stored.nameless_keys)
    for page in pages:
        for row in page.rows:
            if row.order_id is not None:
                counts.order_ids.add(row.order_id)
            if row.updated_at is None or row.updated_at > (counts.began_at or now):
                continue
            if counts.newest_updated_at is None or row.updated_at > counts.newest_updated_at:
                counts.newest_updated_at = row.updated_at


def walk_orders(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    *,
    walk: str,
    created_between: tuple[datetime, datetime] | None = None,
    updated_between: tuple[datetime, datetime] | None = None,
    status_id: int | None = None,
    exchange_id: int,
    now: datetime,
    asked_day: date | None,
    progress: Progress = no_progress,
) -> ExtractionCounts:
    """Walks one list of orders and stores its pages as they come; goes on where a killed attempt stopped.

    Pages that an attempt has stored are not asked for again until an exchange with this walk has succeeded. Only
    where the list can have grown since they were fetched, one of them is asked again to learn whether it has.

    Args:
        warehouse: The profile's database.
        profile: The profile.
        client: An open client.
        walk: Name of the walk; a walk of the same name goes on.
        created_between: UTC instants of `created_between`.
        updated_between: UTC instants of `updated_between`.
        status_id: Only orders of this status.
        exchange_id: The exchange that fetches.
        now: Time of the exchange, aware.
        asked_day: First day asked for; records without id are kept under it.
        progress: Told after every write.
    """
    counts = ExtractionCounts(walks={walk})
    not_before = now - timedelta(hours=RESUME_HOURS)
    with warehouse.writing() as connection:
        raw.forget_old_pages(connection, not_before=not_before)
        done = raw.stored_pages(connection, walk, not_before=not_before)
    counts.pages_resumed = len(done)
    counts.began_at = min((page.fetched_at for page in done.values()), default=now)
    counts.order_ids.update(order_id for page in done.values() for order_id in page.order_ids)
    waiting: list[OrderPage] = []
    last_write = time.monotonic()
    total = 0

    def flush() -> None:
        nonlocal last_write
        if waiting:
            _store(
                warehouse,
                profile,
                walk,
                waiting,
                counts,
                exchange_id=exchange_id,
                now=now,
                asked_day=asked_day,
            )
            waiting.clear()
            progress(len(counts.order_ids), total)
        last_write = time.monotonic()

    pages = client.orders(
        created_between=created_between,
        updated_between=updated_between,
        status_id=status_id,
        pages_done={
            number: PageRecord(page=page.page, total=page.total, order_ids=page.order_ids)
            for number, page in done.items()
        },
        # Orders of days that were over then can only have changed, and changes have a pass of their own.
        is_open=created_between is None or status_id is not None or created_between[1] > counts.began_at,
        pages_since=counts.began_at if done else None,
    )
    try:
        for page in pages:
            total = page.total
            waiting.append(page)
            if len(waiting) >= FLUSH_PAGES or time.monotonic() - last_write >= FLUSH_SECONDS:
                flush()
    finally:
        # Whatever ended the walk, the pages that came are stored: they need not be asked for again.
        flush()
    counts.orders_seen = len(counts.order_ids) + len(counts.nameless_keys)
    return counts


def period_walk(profile: Profile, first_day: date, last_day: date) -> str:
    """Name of the walk over the orders of a period."""
    start, end = period_instants(first_day, last_day, profile.zone)
    return f"created {start:%Y-%m-%dT%H:%M:%SZ} {end:%Y-%m-%dT%H:%M:%SZ}"


def extract_period(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int,
    now: datetime,
    progress: Progress = no_progress,
) -> ExtractionCounts:
    """Fetches the orders of a period (R1) and, beside them, the reference lists.

    Booked orders of the period that did not come back are then asked for by id (R11).

    Raises:
        UnmappedStatusesError: See `reading_reference_lists`.
        KeyCrmError: The pages that came are stored all the same.
    """
    start, end = period_instants(first_day, last_day, profile.zone)
    with reading_reference_lists(warehouse, profile, client, now=now) as raise_failure_of_lists:

        def go_on(done: int, total: int) -> None:
            # Not at the end only: pages of an hour would be asked for although the load cannot succeed.
            raise_failure_of_lists()
            progress(done, total)

        counts = walk_orders(
            warehouse,
            profile,
            client,
            walk=period_walk(profile, first_day, last_day),
            # Whether the ends are included is undocumented: a second more on each side.
            created_between=(start - timedelta(seconds=1), end + timedelta(seconds=1)),
            exchange_id=exchange_id,
            now=now,
            asked_day=first_day,
            progress=go_on,
        )
    with warehouse.writing() as connection:
        raw.forget_nameless(connection, first_day, last_day, sorted(counts.nameless_keys))
        counts.unchanged_outside = raw.unchanged_outside(
            connection, first_day, last_day, sorted(counts.order_ids), exchange_id=exchange_id
        )
    confirm_missing(warehouse, profile, client, first_day, last_day, counts, exchange_id=exchange_id, now=now)
    return counts


def confirm_missing(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    first_day: date,
    last_day: date,
    counts: ExtractionCounts,
    *,
    exchange_id: int,
    now: datetime,
) -> None:
    """Asks by id for booked orders of a period that the walk did not bring (R11).

    A 404 marks the order as missing; an answer is stored under the order's own day. Above the sweep's ceiling
    nothing is asked and nothing marked: a short list is no proof.
    """
    most = profile.sweep.most_missing
    with warehouse.writing() as connection:
        absent = raw.booked_orders_not_seen(
            connection, first_day, last_day, sorted(counts.order_ids), most=most + 1
        )
    if len(absent) > most:
        counts.unconfirmed = len(absent)
        return
    ask_for(warehouse, profile, client, absent, counts, exchange_id=exchange_id, now=now)


def ask_for(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    order_ids: Sequence[int],
    counts: ExtractionCounts,
    *,
    exchange_id: int,
    now: datetime,
) -> None:
    """Asks for single orders; stores what is there and marks what KeyCRM answers 404 for (R11)."""
    missing: list[int] = []
    found: list[OrderRow] = []
    for order_id in order_ids:
        row = client.order(order_id)
        if row is None:
            missing.append(order_id)
        else:
            found.append(row)
    if found:
        _store(
            warehouse,
            profile,
            None,
            [OrderPage(page=1, total=len(found), rows=tuple(found))],
            counts,
            exchange_id=exchange_id,
            now=now,
            asked_day=None,
        )
    if missing:
        with warehouse.writing() as connection:
            raw.mark_missing(connection, missing, exchange_id=exchange_id, now=now)
    counts.missing += len(missing)


def unmapped_statuses(profile: Profile, rows: Iterable[Mapping[str, object]]) -> list[tuple[int, str]]:
    """Statuses that KeyCRM lists and the profile maps to no stage, with their display names (R9)."""
    unmapped = []
    for row in rows:
        status_id = whole(row.get("id"))
        if status_id is not None and status_id not in profile.statuses.stages:
            name = status_name(text(row.get("name")), text(row.get("alias")))
            unmapped.append((status_id, name or str(status_id)))
    return unmapped


def _reference_rows(client: KeyCrmClient, profile: Profile, list_name: str) -> list[CrmRow] | None:
    """A reference list; None when KeyCRM does not give one that an exchange can do without.

    Categories decide what is a service (R5), so a profile that names service categories cannot do without them.
    """
    try:
        return client.reference_rows(REFERENCE_ROUTES[list_name])
    except KeyCrmError:
        if list_name in OPTIONAL or (list_name == "categories" and not profile.service_categories):
            return None
        raise


@contextlib.contextmanager
def reading_reference_lists(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    *,
    now: datetime,
    everything: bool = False,
) -> Iterator[Callable[[], None]]:
    """Reads the reference lists that a load needs beside what is done inside, and stores them at its end.

    One request a list; the statuses come before anything else. Statuses, sources and payment methods are read each
    time, the others when they are older than `REFRESH_HOURS` or when `everything` is asked for.

    Yields:
        Raises what has befallen a list so far; to be called now and then by work that takes long.

    Raises:
        UnmappedStatusesError: The profile demands a stage for every status; raised before anything is stored.
        KeyCrmError: A list could not be read; none of them is stored then.
    """
    with warehouse.writing() as connection:
        refreshed_at = raw.reference_lists_refreshed_at(connection)
    oldest = now - timedelta(hours=REFRESH_HOURS)
    due = [
        list_name
        for list_name in REFERENCE_ROUTES
        if everything or list_name in EVERY_LOAD or refreshed_at.get(list_name, oldest) <= oldest
    ]
    # The first request goes alone: a wrong key is told after one refusal, and nothing is stored before the mapping
    # of the statuses is known to be whole.
    fetched = {"statuses": client.reference_rows(REFERENCE_ROUTES["statuses"])}
    if profile.statuses.require_mapping:
        unmapped = unmapped_statuses(profile, fetched["statuses"])
        if unmapped:
            raise UnmappedStatusesError(unmapped)
    waiting = [list_name for list_name in due if list_name not in fetched]
    with ThreadPoolExecutor(LISTS_AT_ONCE, thread_name_prefix="lists") as threads:
        answers = {name: threads.submit(_reference_rows, client, profile, name) for name in waiting}

        def raise_failure() -> None:
            for answer in answers.values():
                if answer.done():
                    answer.result()

        try:
            yield raise_failure
        except BaseException:
            # Those on their way are waited for; nobody needs the others any more.
            threads.shutdown(cancel_futures=True)
            raise
        for list_name, answer in answers.items():
            rows = answer.result()
            if rows is not None:
                fetched[list_name] = rows
    with warehouse.writing() as connection:
        for list_name, list_rows in fetched.items():
            raw.store_reference_list(
                connection,
                list_name,
                {
                    row_id: row.payload.decode()
                    for row in list_rows
                    if (row_id := whole(row.get("id"))) is not None
                },
                now=now,
            )


def refresh_reference_lists(
    warehouse: Warehouse,
    profile: Profile,
    client: KeyCrmClient,
    *,
    now: datetime,
    everything: bool = False,
) -> None:
    """Reads and stores the reference lists with nothing beside them; see `reading_reference_lists`."""
    with reading_reference_lists(warehouse, profile, client, now=now, everything=everything):
        pass
