"""Stage `raw_orders`: fetches orders and reference lists from KeyCRM and stores them exactly as they came."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from keycrm_pipeline.accounting.days import order_day, spans
from keycrm_pipeline.accounting.statuses import status_name
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.crm.pages import CrmRow, OrderPage, OrderRow, PageRecord
from keycrm_pipeline.crm.readings import Evidence
from keycrm_pipeline.crm.reference_lists import OPTIONAL, REFERENCE_ROUTES
from keycrm_pipeline.crm.shapes import is_whole_row, takes_away
from keycrm_pipeline.crm.values import text, whole
from keycrm_pipeline.crm.versions import says_the_same
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.external_transactions import fetch_transactions
from keycrm_pipeline.pipeline.results import StageNumbers
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.errors import UnmappedStatusesError
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences.client import Client
from keycrm_pipeline.warehouse import cards, days, raw, readings, reference_lists

if TYPE_CHECKING:
    import duckdb

RESUME_HOURS = 24
"""Pages of an unfinished listing are reused up to this age; older ones are requested again."""

FLUSH_SECONDS = 0.2
"""Pages that arrive faster than this are stored together; a slow CRM's pages are stored one by one."""

FLUSH_PAGES = 40
REFRESH_HOURS = 12
"""How old a list may be that no document needs immediately, such as users, categories and companies."""

KEYS_OF_LISTS: Mapping[str, tuple[str, ...]] = {
    "statuses": ("name", "alias", "group_id"),
    "sources": ("name", "driver", "currency_code"),
    "payment_methods": ("name",),
    "delivery_services": ("name",),
    "expense_types": ("name", "alias"),
    "users": ("full_name",),
    "categories": ("name", "parent_id"),
    "companies": ("name",),
}
"""What the books and reports use of each list."""

LISTS_AT_ONCE = 2
"""Reference lists that are read concurrently. One after the other, they would take as long as that many slow pages; all
at once, they would delay the first page of orders, which all other pages wait for."""

EVERY_LOAD = ("statuses", "sources", "payment_methods")

SECOND = timedelta(seconds=1)
"""It is undocumented whether `created_between` includes its ends, so a second is added on each side."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """One list of orders to read page by page.

    Attributes:
        name: Name of the listing; a later attempt continues from the stored pages of a listing with the same name.
        asked_day: First local day requested; records without an id are stored under it.
        created_between: UTC instants of `created_between`.
        updated_between: UTC instants of `updated_between`.
        status_id: Only orders of this status.
    """

    name: str
    asked_day: date
    created_between: tuple[datetime, datetime] | None = None
    updated_between: tuple[datetime, datetime] | None = None
    status_id: int | None = None


@dataclass
class ExtractionCounts:
    """What was fetched by reading listings.

    Attributes:
        created: Payloads that were new.
        updated: Payloads that replaced an older one.
        pages_resumed: Pages that an earlier attempt had stored.
        missing: Booked orders for which KeyCRM answered 404.
        deleted: Orders that KeyCRM returned as deleted.
        newest_updated_at: The newest updated_at seen that is not after `began_at`: later ones are changes made after
            the page was read, or orders dated ahead by mistake.
        began_at: When the oldest page was requested, even by an earlier attempt; None if no page was kept.
        order_ids: The orders, without duplicates.
        nameless_keys: Records without a readable id, which no later stage sees.
        evidence: What the orders prove about the filter `created_between`.
    """

    created: int = 0
    updated: int = 0
    pages_resumed: int = 0
    missing: int = 0
    deleted: int = 0
    newest_updated_at: datetime | None = None
    began_at: datetime | None = None
    order_ids: set[int] = field(default_factory=set)
    nameless_keys: set[str] = field(default_factory=set)
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def orders_seen(self) -> int:
        """Orders and records without an id."""
        return len(self.order_ids) + len(self.nameless_keys)

    def count(self, row: OrderRow, now: datetime) -> None:
        """Counts an order that was stored."""
        if row.order_id is not None:
            self.order_ids.add(row.order_id)
        if row.updated_at is None or row.updated_at > (self.began_at or now):
            return
        if self.newest_updated_at is None or row.updated_at > self.newest_updated_at:
            self.newest_updated_at = row.updated_at

    def add(self, more: ExtractionCounts) -> None:
        """Adds the counts of another listing."""
        self.order_ids |= more.order_ids
        self.nameless_keys |= more.nameless_keys
        self.created += more.created
        self.updated += more.updated
        self.pages_resumed += more.pages_resumed
        self.missing += more.missing
        self.deleted += more.deleted
        self.evidence.add(more.evidence)
        self.began_at = min(filter(None, (self.began_at, more.began_at)), default=None)
        self.newest_updated_at = max(
            filter(None, (self.newest_updated_at, more.newest_updated_at)), default=None
        )


def _readable(payload: bytes) -> bytes:
    """The same text, with replacement characters for bytes that are not valid UTF-8."""
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
        is_deleted=row.is_deleted,
    )


def _store(
    session: Session, pages: Sequence[OrderPage], counts: ExtractionCounts, listing: Listing | None
) -> None:
    """Stores pages and, if they belong to a listing, its progress; counts what is in them."""
    fetched = [
        raw.FetchedPage(page.page, page.total, [_fetched(row, session.profile) for row in page.rows])
        for page in pages
    ]
    with session.warehouse.writing() as connection:
        stored = raw.store_pages(
            connection,
            listing.name if listing else None,
            fetched,
            exchange_id=session.exchange_id,
            now=session.now,
            asked_day=listing.asked_day if listing else None,
            says_the_same=says_the_same,
        )
        session.log_requests(connection)
    counts.created += stored.created
    counts.updated += stored.updated
    counts.deleted += stored.deleted
    counts.nameless_keys.update(stored.nameless_keys)
    for page in pages:
        for row in page.rows:
            counts.count(row, session.now)
            if listing is not None and listing.created_between is not None:
                counts.evidence.add_row(listing.created_between, row)


def read_listing(
    session: Session,
    client: KeyCrmClient,
    listing: Listing,
    *,
    after_write: Callable[[int, int], None] = progress.orders,
) -> ExtractionCounts:
    """Reads one list of orders and stores its pages as they arrive; continues where a killed attempt stopped.

    Stored pages are not requested again until an exchange with this listing has succeeded. Only if the list may have
    grown since they were fetched, one of them is requested again to find out.

    Args:
        session: The running exchange.
        client: An open client.
        listing: What to read.
        after_write: Called with (orders stored, total orders) after every write.
    """
    session.listings.add(listing.name)
    not_before = session.now - timedelta(hours=RESUME_HOURS)
    with session.warehouse.writing() as connection:
        raw.forget_old_pages(connection, not_before=not_before)
        done = raw.stored_pages(connection, listing.name, not_before=not_before)
    counts = ExtractionCounts(
        pages_resumed=len(done),
        began_at=min((page.fetched_at for page in done.values()), default=session.now),
        order_ids={order_id for page in done.values() for order_id in page.order_ids},
    )
    began_at = counts.began_at or session.now
    created_between = listing.created_between
    waiting: list[OrderPage] = []
    last_write = time.monotonic()
    total = 0

    def flush() -> None:
        nonlocal last_write
        if waiting:
            _store(session, waiting, counts, listing)
            waiting.clear()
            after_write(len(counts.order_ids), total)
        last_write = time.monotonic()

    pages = client.orders(
        created_between=created_between,
        updated_between=listing.updated_between,
        status_id=listing.status_id,
        pages_done={
            number: PageRecord(page=page.page, total=page.total, order_ids=page.order_ids)
            for number, page in done.items()
        },
        # Orders of days that were already over can only have changed, and the changes sync picks those up.
        is_open=created_between is None or listing.status_id is not None or created_between[1] > began_at,
        pages_since=began_at if done else None,
    )
    try:
        for page in pages:
            total = page.total
            waiting.append(page)
            if len(waiting) >= FLUSH_PAGES or time.monotonic() - last_write >= FLUSH_SECONDS:
                flush()
    finally:
        # However the listing ended, the pages that arrived are stored and need not be requested again.
        flush()
        if counts.evidence.proof is not None:
            reading, order_id = counts.evidence.proof
            with session.warehouse.writing() as connection:
                readings.learn_reading(connection, reading, order_id=order_id, now=session.now)
    return counts


def created_listing(first: datetime, last: datetime, asked_day: date) -> Listing:
    """Orders between two instants, both included, whichever date KeyCRM's filter goes by."""
    start, end = first - SECOND, last + SECOND
    return Listing(
        f"created {start:%Y-%m-%dT%H:%M:%SZ} {end:%Y-%m-%dT%H:%M:%SZ}",
        asked_day,
        created_between=(start, end),
    )


def read_period(
    session: Session,
    client: KeyCrmClient,
    period: Period,
    *,
    after_write: Callable[[int, int], None] = progress.orders,
) -> ExtractionCounts:
    """Reads the orders of a period, complete whichever date KeyCRM's filter `created_between` goes by (R1).

    An order is usually entered some minutes after its `ordered_at`, so one of the period's last minutes may be created
    on the next day. The profile's margin is therefore requested on both sides, unless the account's own rows have
    proven that the filter goes by `ordered_at`. Orders of other days that it brings are kept raw.

    Orders of the period that are stored, and were created outside of all that, are read around their `created_at`.
    """
    start, end = period.instants(session.profile.zone)
    margin = timedelta(days=session.profile.created_margin_days)
    counts = ExtractionCounts()

    def read(first: datetime, last: datetime) -> None:
        listing = created_listing(first, last, period.first)
        counts.add(read_listing(session, client, listing, after_write=after_write))

    with session.warehouse.reading() as connection:
        known = readings.current_reading(connection)
    if known is not None and known.reading == "ordered_at":
        read(start, end)
        if counts.evidence.by_created_at is None:
            return counts
    window = start - margin, end + margin
    read(*window)
    with session.warehouse.reading() as connection:
        created_elsewhere = raw.created_outside(connection, period, sorted(counts.order_ids), window=window)
    for span in spans(created_elsewhere):
        read(*span)
    return counts


def run(session: Session, period: Period) -> StageNumbers:
    """Fetches the orders of a period (R1) and, at the same time, the reference lists.

    Booked orders of the period that the listing did not return are then requested by id (R11). Only then do its days
    count as fetched.

    Raises:
        UnmappedStatusesError: See `reading_reference_lists`.
        KeyCrmError: A request failed; the pages that arrived are stored all the same.
    """
    with session.client() as client:
        with reading_reference_lists(session, client) as raise_failure_of_lists:

            def after_write(done: int, total: int) -> None:
                # After every write: otherwise pages would be requested for an hour although the load cannot succeed.
                raise_failure_of_lists()
                progress.orders(done, total)

            counts = read_period(session, client, period, after_write=after_write)
        unconfirmed = _confirm_missing(session, client, period, counts)
        fetch_transactions(session, client, period)
        statistics = client.statistics
    with session.warehouse.writing() as connection:
        raw.forget_nameless(connection, period, sorted(counts.nameless_keys))
        seen = raw.seen_in_period(connection, period, sorted(counts.order_ids)) + len(counts.nameless_keys)
        days.record_fetched(connection, period, exchange_id=session.exchange_id, now=session.now)
        stored = raw.orders_by_day(connection, period)
    session.add(orders_seen=seen, orders_rejected=len(counts.nameless_keys))
    return StageNumbers(
        days={day: {"rows": stored.get(day, 0)} for day in period.days},
        totals={
            "orders seen": seen,
            "payloads new": counts.created,
            "payloads changed": counts.updated,
            "pages kept from an earlier attempt": counts.pages_resumed,
            "orders no longer in KeyCRM": counts.missing,
            "orders deleted in KeyCRM": counts.deleted,
            "orders not confirmed": unconfirmed,
            "requests": statistics.requests,
            "retries": statistics.retries,
            "seconds waited for the request limit": round(statistics.waited_seconds, 1),
        },
    )


def _confirm_missing(session: Session, client: KeyCrmClient, period: Period, counts: ExtractionCounts) -> int:
    """Requests the booked orders of a period that the listing did not return, by id (R11).

    A 404 marks the order as missing; an answer is stored under the order's own day. Above the sweep's ceiling
    nothing is requested and nothing is marked: a short list proves nothing.

    Returns:
        How many booked orders remain unconfirmed, counted up to one above the ceiling.
    """
    most = session.profile.sweep.most_missing
    with session.warehouse.writing() as connection:
        absent = raw.booked_orders_not_seen(connection, period, sorted(counts.order_ids), most=most + 1)
    if len(absent) > most:
        _log.warning(
            "KeyCRM's list lacks more than %d booked orders of %s (sweep.most_missing). A short list proves nothing, "
            "so none of them was marked; the sweep lists them.",
            most,
            period,
        )
        return len(absent)
    ask_for(session, client, absent, counts)
    return 0


def ask_for(
    session: Session, client: KeyCrmClient, order_ids: Sequence[int], counts: ExtractionCounts
) -> None:
    """Requests orders by id; stores those found and marks those for which KeyCRM answers 404 (R11)."""
    missing: list[int] = []
    found: list[OrderRow] = []
    for order_id in order_ids:
        row = client.order(order_id)
        if row is None:
            missing.append(order_id)
        else:
            found.append(row)
    if found:
        _store(session, [OrderPage(page=1, total=len(found), rows=tuple(found))], counts, None)
    if missing:
        with session.warehouse.writing() as connection:
            raw.mark_missing(connection, missing, exchange_id=session.exchange_id, now=session.now)
    counts.missing += len(missing)


def unmapped_statuses(profile: Profile, rows: Iterable[Mapping[str, object]]) -> list[tuple[int, str]]:
    """Statuses that KeyCRM lists and the profile maps to no stage, with their display names (R9)."""
    unmapped = []
    for row in rows:
        status_id = whole(row.get("id"))
        if text(row.get("deleted_at")) is not None:
            continue
        if status_id is not None and status_id not in profile.statuses.stages:
            name = status_name(text(row.get("name")), text(row.get("alias")))
            unmapped.append((status_id, name or str(status_id)))
    return unmapped


def _reference_rows(client: KeyCrmClient, profile: Profile, list_name: str) -> list[CrmRow] | None:
    """A reference list; None if KeyCRM does not provide one that an exchange can do without.

    Categories decide what is a service (R5), so a profile that names service categories cannot do without them.
    """
    try:
        return client.reference_rows(REFERENCE_ROUTES[list_name])
    except KeyCrmError as error:
        if list_name in OPTIONAL or (list_name == "categories" and not profile.service_categories):
            return None
        # The pages of orders are read at the same time: none of them waits for the request limit any longer.
        client.end(error)
        raise


def _report_answers(answers: Sequence[Future[list[CrmRow] | None]], *, before: int) -> None:
    """Reports each list that arrives; `before` of them were there already."""

    def report(_answer: Future[list[CrmRow] | None]) -> None:
        progress.lists(before + sum(answer.done() for answer in answers), before + len(answers))

    for answer in answers:
        answer.add_done_callback(report)


@contextlib.contextmanager
def reading_reference_lists(
    session: Session, client: KeyCrmClient, *, everything: bool = False
) -> Iterator[Callable[[], None]]:
    """Reads the reference lists that a load needs while the block does its work, and stores them at its end.

    One request per list; the statuses come before anything else. Statuses, sources and payment methods are read each
    time, the others if they are older than `REFRESH_HOURS` or with `everything`.

    Yields:
        A function that raises the error of a list that has failed so far; long work calls it now and then.

    Raises:
        UnmappedStatusesError: The profile requires a stage for every status; raised before anything is stored.
        KeyCrmError: A list could not be read; none of them is stored then.
    """
    profile, now = session.profile, session.now
    with session.warehouse.writing() as connection:
        refreshed_at = reference_lists.reference_lists_refreshed_at(connection)
    oldest = now - timedelta(hours=REFRESH_HOURS)
    due = [
        list_name
        for list_name in REFERENCE_ROUTES
        if everything or list_name in EVERY_LOAD or refreshed_at.get(list_name, oldest) <= oldest
    ]
    # The first request is made alone: a wrong key is reported after one refusal, and nothing is stored before the
    # mapping of the statuses is known to be complete.
    progress.lists(0, len(due))
    fetched = {"statuses": client.reference_rows(REFERENCE_ROUTES["statuses"])}
    progress.lists(1, len(due))
    if profile.statuses.require_mapping:
        unmapped = unmapped_statuses(profile, fetched["statuses"])
        if unmapped:
            raise UnmappedStatusesError(unmapped)
    waiting = [list_name for list_name in due if list_name not in fetched]
    with ThreadPoolExecutor(LISTS_AT_ONCE, thread_name_prefix="lists") as threads:
        answers = {name: threads.submit(_reference_rows, client, profile, name) for name in waiting}
        _report_answers(tuple(answers.values()), before=1)

        def raise_failure() -> None:
            for answer in answers.values():
                if answer.done():
                    answer.result()

        try:
            yield raise_failure
        except BaseException:
            # Requests under way are waited for; the others are no longer needed.
            client.end(KeyCrmError(Client.READING_STOPPED.message()))
            threads.shutdown(cancel_futures=True)
            raise
        for list_name, answer in answers.items():
            rows = answer.result()
            if rows is not None:
                fetched[list_name] = rows
    with session.warehouse.writing() as connection:
        lists = {name: _rows_to_store(connection, name, rows) for name, rows in fetched.items()}
        raw.store_reference_lists(connection, lists, now=now)


def _rows_to_store(
    connection: duckdb.DuckDBPyConnection, list_name: str, rows: Iterable[CrmRow]
) -> dict[int, str]:
    """Row id -> JSON text; of a row that lacks what is known already, its stored text (R10)."""
    keys = KEYS_OF_LISTS[list_name]
    found = {row_id: row for row in rows if (row_id := whole(row.get("id"))) is not None}
    texts = {row_id: row.payload.decode() for row_id, row in found.items()}
    if not all(is_whole_row(row, keys) for row in found.values()):
        texts |= {
            row_id: stored
            for row_id, stored, _listed in cards.reference_rows(connection, list_name)
            if row_id in found and takes_away(found[row_id], msgspec.json.decode(stored), keys)
        }
    return texts


def refresh_reference_lists(session: Session, client: KeyCrmClient, *, everything: bool = False) -> None:
    """Reads and stores only the reference lists; see `reading_reference_lists`."""
    with reading_reference_lists(session, client, everything=everything):
        pass
