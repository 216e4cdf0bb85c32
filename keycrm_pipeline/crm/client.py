"""Asks KeyCRM: orders by period, single orders, reference lists, the catalogue; one object a load.

What belongs here: routes, parameters, and the check that an answer is what was asked for. What does not:
sending and repeating (see `connection`), the pace (see `budget`), decoding (see `pages`), paging (see
`walk`), and what is done with the rows.

Nothing here costs a request per order, per day or per product: orders come 50 a page with everything about
them, and products and offers are asked 50 ids at a time.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from keycrm_pipeline.crm.budget import RequestBudget, Statistics, never
from keycrm_pipeline.crm.connection import NOT_FOUND, TIMEOUT, Connection
from keycrm_pipeline.crm.errors import (
    NOT_WHAT_WAS_ASKED,
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    UnexpectedAnswer,
)
from keycrm_pipeline.crm.pages import (
    PAGE_SIZE,
    CrmRow,
    Envelope,
    IdPage,
    OrderPage,
    OrderRow,
    PageRecord,
    decode_any,
    decode_envelope,
    decode_order,
    decode_row,
    parse_id,
)
from keycrm_pipeline.crm.walk import Crew, FetchedPage, ListWalk

Answer = TypeVar("Answer")
Window = tuple[datetime, datetime]
"""From and to, both aware and both included."""

ORDER_INCLUDES: Final = (
    "buyer",
    "products.offer",
    "manager",
    "tags",
    "status",
    "marketing",
    "payments",
    "shipping.lastHistory",
    "shipping.deliveryService",
    "expenses",
    "custom_fields",
    "assigned",
)
"""Everything KeyCRM adds to an order, in one request. Without its include a key is absent, not null."""

CLOCK_SLACK: Final = timedelta(seconds=2)
"""How far KeyCRM's clock may be behind ours before an order made during a walk looks older than it."""

SLACK: Final = timedelta(days=1)
"""How far outside the asked window a row's dates may lie. KeyCRM does not say which date it selects by, nor
whether the ends count; a filter that was ignored brings orders of years."""

NO_PAGES: Final[Mapping[int, PageRecord]] = MappingProxyType({})
"""Nothing to resume from."""

SORTED_ROUTES: Final = ("/order", "/offers")
"""Routes that take `sort=id` start with one of these; elsewhere it is not documented, and left out."""


class KeyCrmClient:
    """Reads one KeyCRM account. A context manager: leaving it ends all requests and threads.

    Only GET requests are made. Which faults make one be sent again, and after how long, stands in `connection`.

    Args:
        base_url: Address of the API with its version, such as `https://openapi.keycrm.app/v1`.
        api_key: The account's key. It is sent in the Authorization header and shown nowhere.
        budget: Paces the requests; shared by all clients that use the key (see `shared_budget`).
        transport: Carries the requests instead of the network; closed with the client.
        concurrency: Requests that may be on their way at once, 1 or more. The budget decides when each
            begins.
        attempts: How often one request is sent before it counts as failed, 1 or more.
        timeout: Limits of connecting, reading and writing.
        sleep: Waits that many seconds before a request is repeated.
        jitter: A random number of 0 to 1.

    Raises:
        AuthenticationError: The key is empty, or has characters that no key has.
        ValueError: `base_url` is no http address, or a number is too small.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        transport: httpx.BaseTransport | None = None,
        concurrency: int = 8,
        attempts: int = 6,
        timeout: httpx.Timeout = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._connection = Connection(
            base_url=base_url,
            api_key=api_key,
            budget=budget,
            transport=transport,
            concurrency=concurrency,
            attempts=attempts,
            timeout=timeout,
            sleep=sleep,
            jitter=jitter,
        )
        self._base_url = base_url
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._is_closed = False
        self._crews: set[Crew] = set()

    def __repr__(self) -> str:
        """The client without its key."""
        return f"KeyCrmClient(base_url={self._base_url!r})"

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    def close(self) -> None:
        """End all walks and connections, once the requests on their way are answered. No thread goes on."""
        with self._lock:
            self._is_closed = True
            crews = list(self._crews)
        for crew in crews:
            crew.close()
        self._connection.close()

    @property
    def statistics(self) -> Statistics:
        """What this client has cost so far: requests, repetitions, seconds waited, refusals."""
        return self._connection.statistics

    # Orders

    def orders(
        self,
        *,
        created_between: Window | None = None,
        updated_between: Window | None = None,
        status_id: int | None = None,
        pages_done: Mapping[int, PageRecord] = NO_PAGES,
        is_open: bool = False,
        pages_since: datetime | None = None,
    ) -> Iterator[OrderPage]:
        """All orders of a window, with everything KeyCRM knows about them; without filters all there are.

        Pages come as they arrive, in no order. When the list moves while it is read, pages are asked and
        yielded again; the newest holds, and no order that was in the list all the time is missed. N orders
        cost ceil(N / 50) requests while the list keeps still.

        Args:
            created_between: From and to, aware; full times, both ends included. KeyCRM selects by
                `ordered_at` or by `created_at`, so a row's own day may lie outside; such rows are kept.
            updated_between: The same by `updated_at`.
            status_id: Only orders that are in this status now.
            pages_done: Pages that an interrupted walk with the same filters stored, by number. Only missing
                ones are asked, unless the list has moved since. A page with rows that have no readable id
                is asked again.
            is_open: The list may have grown since the pages in `pages_done` were answered: one of them is
                asked again also when they are a whole list.
            pages_since: When the oldest of `pages_done` was asked for; an order made since then makes them be
                looked at again.

        Raises:
            AuthenticationError: The key was refused.
            RequestRefused: KeyCRM refused the request.
            TransportFailure: A fault survived all attempts, or the list keeps changing.
            UnexpectedAnswer: The answer is no list of orders, or the filter or the order of rows was ignored.
            ValueError: A window has no time zone, or ends before it begins.
        """
        query = {"include": ",".join(ORDER_INCLUDES), **_window_filters(created_between, updated_between)}
        if status_id is not None:
            query["filter[status_id]"] = str(status_id)

        def content(envelope: Envelope, rows: tuple[OrderRow, ...]) -> OrderPage:
            if len(rows) >= envelope.page_size:
                # Fewer rows are no proof: KeyCRM does not say which date it selects by.
                _check_window("created_between", created_between, envelope.page, _created_dates(rows))
                _check_window("updated_between", updated_between, envelope.page, _updated_dates(rows))
                _check_status(status_id, envelope.page, rows)
            return OrderPage(envelope.page, envelope.total, rows)

        read = _order_reader(content, since=pages_since)
        done = {page: (record.total, record.order_ids) for page, record in pages_done.items()}
        return self._walk("/order", query, read, done, is_open=is_open)

    def order_ids(self) -> Iterator[IdPage]:
        """The ids of all orders of the account, for the sweep that finds vanished ones (R11); no includes.

        Like `orders`, a page can come twice; an id that was there all the time is in one of them.

        Raises:
            KeyCrmError: As for `orders`.
        """

        def content(envelope: Envelope, rows: tuple[OrderRow, ...]) -> IdPage:
            readable = tuple(row.order_id for row in rows if row.order_id is not None)
            return IdPage(envelope.page, envelope.total, readable)

        return self._walk("/order", {}, _order_reader(content), {})

    def order(self, order_id: int) -> OrderRow | None:
        """One order with everything KeyCRM knows about it; None when KeyCRM says that there is no such order.

        Args:
            order_id: KeyCRM's id.

        Raises:
            TransportFailure: Also for a 404 that is a page of some web server: it says nothing about the
                order.
            UnexpectedAnswer: The answer is not that order.
            KeyCrmError: As for `orders`.
        """
        route = f"/order/{order_id}"
        try:
            body = self._connection.get(route, {"include": ",".join(ORDER_INCLUDES)}, _checked_json)
        except RequestRefused as refusal:
            # A wrong path is a 404 too; it must never read as "the order was deleted".
            if refusal.status == NOT_FOUND and "route" not in refusal.reason.lower():
                return None
            raise
        row = decode_order(body)
        if row.order_id != order_id:
            raise UnexpectedAnswer(
                f"KeyCRM answered GET {route} with something that is not that order. {NOT_WHAT_WAS_ASKED}",
                route=route,
            )
        return row

    # Reference lists and the catalogue

    def reference_rows(self, route: str) -> list[CrmRow]:
        """All rows of a reference list, each id once.

        Args:
            route: Such as `/order/status`, `/order/source`, `/users` or `/products/categories`.

        Raises:
            TransportFailure: Also when the list changed while it was read, twice in a row.
            KeyCrmError: As for `orders`.
        """
        return self._all_rows(route, {})

    def products(self, product_ids: Sequence[int]) -> list[CrmRow]:
        """The products of these ids, archived ones too; an id that KeyCRM does not know has no row.

        Args:
            product_ids: KeyCRM's product ids; 50 cost one request, and one more for those that did not come.

        Raises:
            UnexpectedAnswer: Also when other products came: the filter was ignored.
            KeyCrmError: As for `orders`.
        """
        return self._by_product("/products", {}, product_ids, "id")

    def offers(self, *, product_ids: Sequence[int]) -> list[CrmRow]:
        """All variants (offers) of these products, with their product, archived ones too.

        Variants of a product are asked with the archived ones only when it has no other: its lines then
        name one.

        Args:
            product_ids: KeyCRM's product ids, 50 a request; more requests when they have more than 50
                variants.

        Raises:
            UnexpectedAnswer: Also when offers of other products came: the filter was ignored.
            KeyCrmError: As for `orders`.
        """
        return self._by_product("/offers", {"include": "product"}, product_ids, "product_id")

    def catalogue(self) -> Iterator[list[CrmRow]]:
        """All variants (offers) of the account with their products, page by page; archived ones too.

        Whether KeyCRM lists archived rows by itself is not documented: when it did not, they are asked for.

        Raises:
            KeyCrmError: As for `orders`.
        """
        archived_seen = False
        for rows in self._walk("/offers", {"include": "product"}, _read_rows, {}):
            archived_seen = archived_seen or any(row.get("is_archived") is True for row in rows)
            yield rows
        if archived_seen:
            return
        for rows in self._walk(
            "/offers", {"include": "product", "filter[is_archived]": "true"}, _read_rows, {}
        ):
            if rows and not any(row.get("is_archived") is True for row in rows):
                # The filter is ignored here, so all there is has come already.
                return
            yield rows

    def _by_product(
        self, route: str, query: Mapping[str, str], product_ids: Sequence[int], key: str
    ) -> list[CrmRow]:
        wanted = sorted(set(product_ids))
        rows = self._for_ids(route, query, wanted, key)
        came = {_id_of(row, key) for row in rows}
        absent = [product_id for product_id in wanted if product_id not in came]
        return rows + self._for_ids(route, {**query, "filter[is_archived]": "true"}, absent, key)

    def _for_ids(self, route: str, query: Mapping[str, str], ids: Sequence[int], key: str) -> list[CrmRow]:
        chunks = [ids[start : start + PAGE_SIZE] for start in range(0, len(ids), PAGE_SIZE)]
        rows: list[CrmRow] = []
        with self._crew() as crew:

            def fetch(number: int) -> list[CrmRow]:
                asked = chunks[number]
                listed = ",".join(map(str, asked))
                found = self._all_rows(route, {**query, "filter[product_id]": listed}, crew.stopped)
                strangers = sum(_id_of(row, key) not in asked for row in found)
                if strangers:
                    raise UnexpectedAnswer(
                        f"KeyCRM was asked GET {route} for given products and answered with rows of others "
                        f"({strangers}): the filter product_id was ignored. {NOT_WHAT_WAS_ASKED}",
                        route=route,
                    )
                return found

            for found in crew.results(fetch, range(len(chunks))):
                rows.extend(found)
        return sorted(rows, key=lambda row: row.row_id or 0)

    def _all_rows(
        self, route: str, query: Mapping[str, str], stopped: Callable[[], bool] = never
    ) -> list[CrmRow]:
        """All pages of a short list, each id once; walked twice when they do not add up to its total."""
        unique: dict[object, CrmRow | None] = {}
        for _ in range(2):
            totals: set[int] = set()
            count, page, last_page, page_size = 0, 1, 1, PAGE_SIZE
            while page <= last_page:
                envelope = self._get_page(route, query, page, stopped)
                totals.add(envelope.total)
                count += len(envelope.rows)
                # The first page tells how long pages are even where the answers themselves do not say so.
                page_size = envelope.page_size if page == 1 else page_size
                last_page = -(-envelope.total // page_size)
                for payload in envelope.rows:
                    row = decode_row(payload)
                    row_id = None if row is None else row.row_id
                    unique[payload if row_id is None else row_id] = row
                page += 1
            if len(totals) == 1 and len(unique) == count == envelope.total:
                break
        # On a single page a row that stands there twice hides no other: KeyCRM's list has it twice.
        is_one_page = last_page == 1 and len(envelope.rows) == envelope.total
        if len(unique) < envelope.total and not is_one_page:
            raise TransportFailure(
                f"The list GET {route} keeps changing while it is read: it has {envelope.total} rows, two "
                f"walks brought {len(unique)} of them. Nothing of it was used. Load again later.",
                route=route,
            )
        return [row for row in unique.values() if row is not None]

    # Walking

    def _walk(
        self,
        route: str,
        query: Mapping[str, str],
        read: Callable[[Envelope], FetchedPage[Answer]],
        done: Mapping[int, tuple[int, tuple[int, ...]]],
        *,
        is_open: bool = False,
    ) -> Iterator[Answer]:
        with self._crew() as crew:

            def fetch(page: int) -> FetchedPage[Answer]:
                return read(self._get_page(route, query, page, crew.stopped))

            yield from ListWalk(fetch, crew=crew, route=route, done=done, is_open=is_open).contents()

    @contextlib.contextmanager
    def _crew(self) -> Iterator[Crew]:
        """Threads for one walk; gone at its end."""
        with self._lock:
            if self._is_closed:
                raise KeyCrmError("The client is closed; make a new one.")
            crew = Crew(self._concurrency)
            self._crews.add(crew)
        try:
            yield crew
        finally:
            crew.close()
            with self._lock:
                self._crews.discard(crew)

    def _get_page(
        self, route: str, query: Mapping[str, str], page: int, stopped: Callable[[], bool]
    ) -> Envelope:
        parameters = {"limit": str(PAGE_SIZE), "page": str(page)}
        if route.startswith(SORTED_ROUTES):
            parameters["sort"] = "id"
        try:
            return self._connection.get(
                route,
                {**parameters, **query},
                lambda body: decode_envelope(body, route=route, page=page),
                place=f" (page {page})",
                stopped=stopped,
            )
        except RequestRefused as refusal:
            if refusal.status != NOT_FOUND or page == 1:
                raise
            # The list may have become shorter: what KeyCRM answers for a page past its end is not documented.
            first = self._get_page(route, query, 1, stopped)
            if page <= -(-first.total // first.page_size):
                raise
            return Envelope(page, first.total, first.page_size, ())


def _checked_json(body: bytes) -> bytes:
    decode_any(body)
    return body


def _order_reader(
    content: Callable[[Envelope, tuple[OrderRow, ...]], Answer], *, since: datetime | None = None
) -> Callable[[Envelope], FetchedPage[Answer]]:
    """Reads the pages of a walk over `/order`.

    Args:
        content: Makes of a page and its rows what the reader of the walk gets, or refuses it.
        since: When the oldest page of the walk was asked for; now by default.
    """
    began = (since or datetime.now(UTC)) - CLOCK_SLACK

    def read(envelope: Envelope) -> FetchedPage[Answer]:
        rows = tuple(decode_order(payload) for payload in envelope.rows)
        ids = _identities(envelope.page, (row.order_id for row in rows))
        _check_sorted("/order", envelope.page, ids)
        newcomers = any(row.created_at is not None and row.created_at >= began for row in rows)
        return FetchedPage(
            envelope.page, envelope.total, envelope.page_size, ids, content(envelope, rows), newcomers
        )

    return read


def _read_rows(envelope: Envelope) -> FetchedPage[list[CrmRow]]:
    """A page of `/offers`; what is no object is left out, but counted."""
    rows = [decode_row(payload) for payload in envelope.rows]
    ids = _identities(envelope.page, (None if row is None else row.row_id for row in rows))
    _check_sorted("/offers", envelope.page, ids)
    content = [row for row in rows if row is not None]
    return FetchedPage(envelope.page, envelope.total, envelope.page_size, ids, content)


def _id_of(row: Mapping[str, Any], key: str) -> int | None:
    return parse_id(row.get(key))


def _identities(page: int, ids: Iterable[int | None]) -> tuple[int, ...]:
    """Something to tell rows apart by: their ids, or a negative number for the place of a row without one."""
    return tuple(
        -(page * PAGE_SIZE + place) if row_id is None else row_id for place, row_id in enumerate(ids)
    )


def _check_sorted(route: str, page: int, ids: Sequence[int]) -> None:
    readable = [row_id for row_id in ids if row_id > 0]
    if readable != sorted(readable):
        raise UnexpectedAnswer(
            f"KeyCRM answered GET {route} (page {page}) with rows that are not in the order of their ids: "
            "the parameter sort was ignored, and without it rows could be lost between pages. "
            f"{NOT_WHAT_WAS_ASKED}",
            route=route,
        )


def _window_filters(created_between: Window | None, updated_between: Window | None) -> dict[str, str]:
    windows = {"filter[created_between]": created_between, "filter[updated_between]": updated_between}
    return {name: _window_text(window) for name, window in windows.items() if window is not None}


def _window_text(window: Window) -> str:
    """Both ends in UTC, the way KeyCRM takes them; widened to whole seconds, never narrowed."""
    start, end = window
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("The ends of a window need a time zone.")
    if end < start:
        raise ValueError(f"The window ends ({end}) before it begins ({start}).")
    if end.microsecond:
        end += timedelta(seconds=1)
    return ",".join(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for moment in (start, end))


def _created_dates(rows: Sequence[OrderRow]) -> list[list[datetime]]:
    """Each row's dates that KeyCRM may have selected it by."""
    return [[date for date in (row.ordered_at, row.created_at) if date is not None] for row in rows]


def _updated_dates(rows: Sequence[OrderRow]) -> list[list[datetime]]:
    return [[row.updated_at] for row in rows if row.updated_at is not None]


def _check_window(name: str, window: Window | None, page: int, dates: Sequence[Sequence[datetime]]) -> None:
    """Refuse a page most of whose rows lie outside the asked window, with all of their dates.

    KeyCRM ignores filters it does not know, and then sends everything. Single rows outside are kept.
    """
    if window is None:
        return
    start, end = window[0] - SLACK, window[1] + SLACK
    dated = [row for row in dates if row]
    outside = sum(not any(start <= date <= end for date in row) for row in dated)
    _refuse_if_most(outside, len(dated), name, page)


def _check_status(status_id: int | None, page: int, rows: Sequence[OrderRow]) -> None:
    """Refuse a page most of whose rows are of another status than was asked for."""
    if status_id is not None:
        _refuse_if_most(sum(row.status_id != status_id for row in rows), len(rows), "status_id", page)


def _refuse_if_most(strangers: int, count: int, name: str, page: int) -> None:
    if strangers * 2 > count:
        raise UnexpectedAnswer(
            f"KeyCRM answered GET /order (page {page}) with orders that were not asked for, {strangers} of "
            f"{count}: the filter {name} was ignored, and the answer would be the whole account. "
            f"{NOT_WHAT_WAS_ASKED}",
            route="/order",
        )
