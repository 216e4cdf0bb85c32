"""Stores KeyCRM's answers: order payloads by page, reference lists, and the progress of an unfinished listing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import dump_messages
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import in_chunks, registered
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement


@dataclass(frozen=True)
class FetchedRow:
    """One order of a page.

    Attributes:
        order_id: KeyCRM's id; None when unreadable.
        order_day: Local day; None when the order has no readable date.
        payload: The order's JSON text as it came, in UTF-8.
        crm_updated_at: updated_at, aware, or None.
        is_deleted: Whether KeyCRM says that the order was deleted.
    """

    order_id: int | None
    order_day: date | None
    payload: bytes
    crm_updated_at: datetime | None
    is_deleted: bool = False


@dataclass(frozen=True)
class FetchedPage:
    """One page of a listing, with its orders."""

    page: int
    total: int
    rows: Sequence[FetchedRow]


@dataclass(frozen=True)
class StoredPage:
    """A page that an earlier attempt stored safely."""

    page: int
    total: int
    order_ids: tuple[int, ...]
    fetched_at: datetime


@dataclass(frozen=True)
class StoredCounts:
    """What was stored.

    Attributes:
        created: Payloads that were new.
        updated: Payloads that replaced an older one.
        deleted: Orders that KeyCRM says were deleted, whether or not that is news.
        nameless_keys: Keys of records without a readable id.
    """

    created: int
    updated: int
    deleted: int
    nameless_keys: tuple[str, ...]


def _digest(payload: bytes) -> str:
    return hashlib.md5(payload, usedforsecurity=False).hexdigest()


def store_pages(
    connection: duckdb.DuckDBPyConnection,
    listing: str | None,
    pages: Sequence[FetchedPage],
    *,
    exchange_id: int,
    now: datetime,
    asked_day: date | None,
    says_the_same: Callable[[str, bytes], bool],
) -> StoredCounts:
    """Stores pages in one transaction: payloads under their own days, and the pages as done.

    A payload that equals the stored one is not written. One that replaces another version of the order leaves that
    version in `raw.order_versions` (R14). An order that KeyCRM says was deleted keeps its last version
    and is marked, as after a 404 (R11); one that was never stored is stored and marked.

    Args:
        connection: A connection for writing.
        listing: Name of the listing, so that it can continue after a crash; None if it is not to be resumed.
        pages: The pages.
        exchange_id: The exchange that fetched them.
        now: Time of the exchange.
        asked_day: First day requested; records without an id are stored under it.
        says_the_same: Whether two payloads of an order are one version of it.
    """
    context = _StoreContext(exchange_id, now, asked_day, says_the_same)
    try:
        return _store_pages(connection, listing, pages, set(), context)
    except duckdb.ConversionException:
        # Payloads that our JSON reader accepts and DuckDB's does not are only looked for if there are any: it costs.
        invalid = _invalid_payloads(connection, pages)
        if not invalid:
            raise
        return _store_pages(connection, listing, pages, invalid, context)


@dataclass(frozen=True)
class _StoreContext:
    """The last four arguments of `store_pages`."""

    exchange_id: int
    now: datetime
    asked_day: date | None
    says_the_same: Callable[[str, bytes], bool]


def _store_pages(
    connection: duckdb.DuckDBPyConnection,
    listing: str | None,
    pages: Sequence[FetchedPage],
    invalid: Collection[bytes],
    context: _StoreContext,
) -> StoredCounts:
    """Stores pages once; `invalid` are the payloads that DuckDB cannot read."""
    exchange_id, now = context.exchange_id, context.now
    fetched = [row for page in pages for row in page.rows]
    # The same order on two pages: the later answer is the newer one.
    rows = {
        row.order_id: row
        for row in fetched
        if row.order_id is not None and not (invalid and row.payload in invalid)
    }
    deleted = [order_id for order_id, row in rows.items() if row.is_deleted]
    for order_id in stored_orders(connection, deleted):
        del rows[order_id]
    digest_of = {order_id: _digest(row.payload) for order_id, row in rows.items()}
    digests = pl.DataFrame(
        {
            "order_id": list(rows),
            "order_day": [row.order_day for row in rows.values()],
            "payload_hash": list(digest_of.values()),
        },
        schema={"order_id": pl.Int64, "order_day": pl.Date, "payload_hash": pl.String},
    )
    with registered(connection, "digests_frame", digests), transaction(connection):
        connection.execute(statement("raw", "mark_stored"))
        changed = {row[0]: row[1:] for row in connection.execute(statement("raw", "changed_ids")).fetchall()}
        returned = [order_id for order_id, (was_missing, *_version) in changed.items() if was_missing]
        if returned:
            # Before their rows, which say since when, are replaced.
            connection.execute(statement("raw", "note_absences"), {"order_ids": returned})
            connection.execute(statement("raw", "end_absences"), {"order_ids": returned, "now": now})
        if changed:
            replaced = _keep_versions(connection, rows, context)
            connection.execute(statement("raw", "delete_changed"))
            versions = {
                order_id: (version_no + 1, now) if order_id in replaced else (version_no, seen_at or now)
                for order_id, (_was_missing, version_no, seen_at) in changed.items()
            }
            _insert_payloads(
                connection,
                [row for order_id, row in rows.items() if order_id in changed],
                [digest for order_id, digest in digest_of.items() if order_id in changed],
                [versions[order_id] for order_id in rows if order_id in changed],
                context,
            )
        if returned:
            connection.execute(
                statement("raw", "touch_orders"), {"order_ids": returned, "exchange_id": exchange_id}
            )
        if deleted:
            _mark_missing(connection, deleted, exchange_id=exchange_id, now=now)
        nameless = _store_nameless(connection, fetched, invalid, asked_day=context.asked_day, now=now)
        if listing is not None:
            _record_pages(connection, listing, pages, now)
        created, updated = single_row(connection.execute(statement("raw", "fetched_counts")))
    return StoredCounts(created=created, updated=updated, deleted=len(deleted), nameless_keys=nameless)


def stored_orders(connection: duckdb.DuckDBPyConnection, order_ids: Sequence[int]) -> list[int]:
    """Which of these orders are stored, in the books or raw."""
    if not order_ids:
        return []
    found = connection.execute(statement("raw", "stored_ids"), {"order_ids": list(order_ids)})
    return [row[0] for row in found.fetchall()]


def _keep_versions(
    connection: duckdb.DuckDBPyConnection, rows: Mapping[int, FetchedRow], context: _StoreContext
) -> set[int]:
    """Keeps the stored versions that these rows replace, and returns their orders."""
    stored = connection.execute(statement("raw", "replaced_payloads")).fetchall()
    replaced = {
        order_id for order_id, payload in stored if not context.says_the_same(payload, rows[order_id].payload)
    }
    if replaced:
        connection.execute(
            statement("raw", "keep_versions"), {"order_ids": sorted(replaced), "now": context.now}
        )
    return replaced


def forget_versions(connection: duckdb.DuckDBPyConnection, *, before: datetime) -> None:
    """Forgets earlier versions of orders that were replaced before a moment (R14)."""
    connection.execute(statement("raw", "forget_versions"), {"before": before})


def _payload_frame(rows: Sequence[FetchedRow]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_id": [row.order_id for row in rows],
            "order_day": [row.order_day for row in rows],
            "payload": pl.Series([row.payload for row in rows], dtype=pl.Binary).cast(pl.String),
            "crm_updated_at": [row.crm_updated_at for row in rows],
        },
        schema={
            "order_id": pl.Int64,
            "order_day": pl.Date,
            "payload": pl.String,
            "crm_updated_at": pl.Datetime("us", "UTC"),
        },
    )


def _insert_payloads(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[FetchedRow],
    digests: Sequence[str],
    versions: Sequence[tuple[int, datetime]],
    context: _StoreContext,
) -> None:
    """Inserts payloads, each with its digest, the number of its version, and when that was first fetched."""
    # Sorted by day, so that a day's payloads are close together in the file.
    frame = (
        _payload_frame(rows)
        .with_columns(
            pl.Series("payload_hash", digests, dtype=pl.String),
            pl.Series("version_no", [number for number, _seen_at in versions], dtype=pl.Int32),
            pl.Series(
                "first_seen_at", [seen_at for _number, seen_at in versions], dtype=pl.Datetime("us", "UTC")
            ),
        )
        .sort("order_day", "order_id")
    )
    with registered(connection, "rows_frame", in_chunks(frame)):
        connection.execute(
            statement("raw", "insert_changed"), {"now": context.now, "exchange_id": context.exchange_id}
        )


def _invalid_payloads(connection: duckdb.DuckDBPyConnection, pages: Sequence[FetchedPage]) -> set[bytes]:
    rows = [row for page in pages for row in page.rows if row.order_id is not None]
    with registered(connection, "rows_frame", _payload_frame(rows)):
        invalid = {row[0] for row in connection.execute(statement("raw", "invalid_ids")).fetchall()}
    return {row.payload for row in rows if row.order_id in invalid}


def _store_nameless(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[FetchedRow],
    invalid: Collection[bytes],
    *,
    asked_day: date | None,
    now: datetime,
) -> tuple[str, ...]:
    records: dict[str, tuple[str, int | None, date | None, list[str], str, str, datetime]] = {}
    for row in rows:
        if row.order_id is None:
            reason, day = Reason.NO_ORDER_ID.message(), asked_day
        elif row.payload in invalid:
            reason, day = Reason.NO_JSON.message(), row.order_day
        else:
            continue
        key = _digest(row.payload) if row.order_id is None else str(row.order_id)
        coded = dump_messages([reason])
        records[key] = (key, row.order_id, day, [str(reason)], coded, row.payload.decode(), now)
    if not records:
        return ()
    frame = pl.DataFrame(
        list(records.values()),
        schema={
            "record_key": pl.String,
            "order_id": pl.Int64,
            "order_day": pl.Date,
            "reasons": pl.List(pl.String),
            "reasons_coded": pl.String,
            "payload": pl.String,
            "rejected_at": pl.Datetime("us", "UTC"),
        },
        orient="row",
    )
    with registered(connection, "nameless_frame", frame):
        connection.execute(statement("raw", "store_nameless"))
    return tuple(key for key, record in records.items() if record[1] is None)


def _record_pages(
    connection: duckdb.DuckDBPyConnection, listing: str, pages: Sequence[FetchedPage], now: datetime
) -> None:
    # The same page twice, as when orders moved while the list was read: the later answer is the newer one.
    pages = list({page.page: page for page in pages}.values())
    frame = pl.DataFrame(
        {
            "listing": [listing] * len(pages),
            "page": [page.page for page in pages],
            "total": [page.total for page in pages],
            "order_ids": [[row.order_id for row in page.rows if row.order_id is not None] for page in pages],
            "fetched_at": [now] * len(pages),
        },
        schema={
            "listing": pl.String,
            "page": pl.Int64,
            "total": pl.Int64,
            "order_ids": pl.List(pl.Int64),
            "fetched_at": pl.Datetime("us", "UTC"),
        },
    )
    with registered(connection, "pages_frame", frame):
        connection.execute(statement("raw", "record_pages"))


def stored_pages(
    connection: duckdb.DuckDBPyConnection, listing: str, *, not_before: datetime
) -> dict[int, StoredPage]:
    """The pages of a listing that an earlier attempt stored since `not_before`."""
    rows = connection.execute(
        statement("raw", "pages"), {"listing": listing, "not_before": not_before}
    ).fetchall()
    return {
        page: StoredPage(page, total, tuple(order_ids), fetched_at)
        for page, total, order_ids, fetched_at in rows
    }


def forget_old_pages(connection: duckdb.DuckDBPyConnection, *, not_before: datetime) -> None:
    """Forgets pages that are too old to continue from."""
    connection.execute(statement("raw", "forget_old_pages"), {"not_before": not_before})


def forget_nameless(connection: duckdb.DuckDBPyConnection, period: Period, seen: Sequence[str]) -> None:
    """Forgets records without an id of a period that the newest listing no longer returned."""
    connection.execute(statement("raw", "forget_nameless"), period_parameters(period) | {"seen": list(seen)})


def orders_by_day(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[date, int]:
    """Stored payloads by day."""
    return dict(connection.execute(statement("raw", "days_seen"), period_parameters(period)).fetchall())


def store_reference_lists(
    connection: duckdb.DuckDBPyConnection, lists: Mapping[str, Mapping[int, str]], *, now: datetime
) -> None:
    """Stores reference lists in one transaction; rows that a list no longer has stay, marked as not listed (R9).

    Args:
        connection: A connection for writing.
        lists: One of `schemas.raw.REFERENCE_LISTS` -> row id -> JSON text.
        now: Time of the exchange.
    """
    frame = pl.DataFrame(
        [(name, row_id, payload) for name, rows in lists.items() for row_id, payload in rows.items()],
        schema={"list_name": pl.String, "row_id": pl.Int64, "payload": pl.String},
        orient="row",
    )
    names = {"list_names": list(lists)}
    with registered(connection, "reference_frame", frame), transaction(connection):
        connection.execute(statement("raw", "reference_changes"), {"now": now})
        connection.execute(statement("raw", "unlist_rows"), names)
        connection.execute(statement("raw", "record_reference_lists"), names | {"now": now})


def booked_orders_not_seen(
    connection: duckdb.DuckDBPyConnection, period: Period, seen: Sequence[int], *, most: int
) -> list[int]:
    """Booked orders of a period that the listing did not return, at most `most` (R11)."""
    return [
        row[0]
        for row in connection.execute(
            statement("raw", "booked_not_seen"),
            period_parameters(period) | {"seen": list(seen), "most": most},
        ).fetchall()
    ]


def created_outside(
    connection: duckdb.DuckDBPyConnection,
    period: Period,
    seen: Sequence[int],
    *,
    window: tuple[datetime, datetime],
) -> list[datetime]:
    """When the stored orders of a period that a listing did not return were created, if outside of its window."""
    start, end = window
    found = connection.execute(
        statement("raw", "created_outside"),
        period_parameters(period) | {"seen": list(seen), "window_start": start, "window_end": end},
    )
    return [row[0] for row in found.fetchall()]


def seen_in_period(connection: duckdb.DuckDBPyConnection, period: Period, seen: Sequence[int]) -> int:
    """How many of these orders are of a period's days."""
    (found,) = single_row(
        connection.execute(
            statement("raw", "seen_in_period"), period_parameters(period) | {"seen": list(seen)}
        )
    )
    return int(found)


def mark_missing(
    connection: duckdb.DuckDBPyConnection, order_ids: Sequence[int], *, exchange_id: int, now: datetime
) -> None:
    """Marks orders for which KeyCRM answered 404; their documents are derived again by this exchange (R11)."""
    with transaction(connection):
        _mark_missing(connection, order_ids, exchange_id=exchange_id, now=now)


def _mark_missing(
    connection: duckdb.DuckDBPyConnection, order_ids: Sequence[int], *, exchange_id: int, now: datetime
) -> None:
    """Marks the orders that are not marked yet, inside a transaction."""
    not_marked = connection.execute(statement("raw", "not_marked"), {"order_ids": list(order_ids)})
    found = {"order_ids": [row[0] for row in not_marked.fetchall()]}
    connection.execute(statement("raw", "mark_missing"), found | {"now": now})
    connection.execute(statement("raw", "note_absences"), found)
    connection.execute(statement("raw", "forget_rejected"), found)
    connection.execute(statement("raw", "touch_orders"), found | {"exchange_id": exchange_id})
