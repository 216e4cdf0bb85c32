"""Reads from KeyCRM: orders, bank transactions, reference lists, products; one client per load.

What belongs here: routes, parameters, and the check that an answer is what was requested. What does not: sending
and retrying (see `connection`), the pace (see `budget`), decoding (see `pages`), paging (see `paging`), and what
is done with the rows.

Nothing here costs a request per order, per day or per product: orders come 50 per page with all their details,
and products and offers are requested 50 ids at a time.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from keycrm_pipeline.crm.budget import RequestBudget, Statistics, never
from keycrm_pipeline.crm.connection import (
    LARGEST_ANSWER_BYTES,
    LONGEST_ANSWER_SECONDS,
    NOT_FOUND,
    TIMEOUT,
    Connection,
)
from keycrm_pipeline.crm.errors import (
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    UnexpectedAnswer,
)
from keycrm_pipeline.crm.pages import (
    PAGE_SIZE,
    CrmRow,
    Envelope,
    ErrorAnswer,
    OrderPage,
    OrderRow,
    PageRecord,
    decode_any,
    decode_envelope,
    decode_order,
    decode_row,
    parse_id,
)
from keycrm_pipeline.crm.paging import (
    FetchedPage,
    PagedList,
    PageWorkers,
    may_be_overstated,
    warn_of_total,
)
from keycrm_pipeline.crm.reference_lists import INCLUDES
from keycrm_pipeline.crm.values import parse_instant
from keycrm_pipeline.sentences.client import Advice, Client

Content = TypeVar("Content")
Window = tuple[datetime, datetime]
"""Start and end, both aware and both included."""

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
"""Everything KeyCRM can add to an order, in one request. Without its include a key is absent, not null."""

CLOCK_SLACK: Final = timedelta(seconds=2)
"""How far KeyCRM's clock may be behind ours before an order created during a listing looks older than the listing."""

SLACK: Final = timedelta(days=1)
"""How far outside the requested window a row's dates may lie. KeyCRM does not document which date it selects by, or
whether the ends are included; an ignored filter returns orders of many years."""

ORDER_ROUTE: Final = "/order"
TRANSACTIONS_ROUTE: Final = "/payments/external-transactions"

NO_PAGES: Final[Mapping[int, PageRecord]] = MappingProxyType({})
"""Nothing to resume from."""

SORTED_ROUTES: Final = (ORDER_ROUTE, "/offers")
"""Prefixes of the routes that support `sort=id`; elsewhere it is undocumented and left out."""


class KeyCrmClient:
    """Reads one KeyCRM account. A context manager: leaving it ends all requests and threads.

    Only GET requests are made. `connection` describes which faults lead to a retry, and after how long.

    Args:
        base_url: Address of the API with its version, such as `https://openapi.keycrm.app/v1`.
        api_key: The account's key. It is sent in the Authorization header and shown nowhere.
        budget: Paces the requests, and waits before retries; shared by all clients that use the key (see
            `shared_budget`).
        transport: Carries the requests instead of the network; closed with the client.
        concurrency: Requests that may be in flight at once, 1 or more. The budget decides when each begins.
        timeout: Limits of connecting, reading and writing.
        longest_answer: Seconds after which an answer that is still arriving is given up.
        largest_answer: Bytes of an answer, unpacked, after which the rest is not read.

    Raises:
        AuthenticationError: The key is empty, or contains characters that no key has.
        KeyCrmError: A variable of the environment that concerns the network is unusable (see `network`).
        ValueError: `base_url` is neither an https address nor an http address of this machine, or
            `concurrency` is too small.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        transport: httpx.BaseTransport | None = None,
        concurrency: int = 8,
        timeout: httpx.Timeout = TIMEOUT,
        longest_answer: float = LONGEST_ANSWER_SECONDS,
        largest_answer: int = LARGEST_ANSWER_BYTES,
    ) -> None:
        self._connection = Connection(
            base_url=base_url,
            api_key=api_key,
            budget=budget,
            transport=transport,
            concurrency=concurrency,
            timeout=timeout,
            longest_answer=longest_answer,
            largest_answer=largest_answer,
        )
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._is_closed = False
        self._open_workers: set[PageWorkers] = set()

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

    def end(self, error: KeyCrmError) -> None:
        """End all requests that wait, and all later ones, with this error: what they are for has failed."""
        self._connection.end(error)

    def close(self) -> None:
        """End all listings and connections, once requests in flight are answered. No thread is left."""
        with self._lock:
            self._is_closed = True
            open_workers = list(self._open_workers)
        self._connection.end(KeyCrmError(Client.CLIENT_CLOSED.message()))
        for workers in open_workers:
            workers.close()
        self._connection.close()

    @property
    def statistics(self) -> Statistics:
        """What this client has cost so far: requests, retries, seconds waited, refusals."""
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
        """All orders of a window, with everything KeyCRM knows about them; without filters all orders.

        Pages come as they arrive, in no particular order. If the list changes while it is read, pages are
        requested and yielded again; the newest is valid, and no order that was in the list all the time is
        missed. N orders cost ceil(N / 50) requests while the list does not change.

        Args:
            created_between: Start and end, aware; full times, both ends included. KeyCRM selects by
                `ordered_at` or by `created_at`, so a row's own day may lie outside; such rows are kept.
            updated_between: The same by `updated_at`.
            status_id: Only orders that are in this status now.
            pages_done: Pages that an interrupted listing with the same filters stored, by number. Only
                missing ones are requested, unless the list has changed since. A page with rows that have no
                readable id is requested again.
            is_open: The list may have grown since the pages in `pages_done` were answered: one of them is
                requested again even if they form a whole list.
            pages_since: When the oldest of `pages_done` was requested; if an order was created since then,
                they are checked again.

        Raises:
            AuthenticationError: The key was refused.
            RequestRefused: KeyCRM refused the request.
            TransportFailure: A fault survived all attempts, or the list keeps changing.
            UnexpectedAnswer: The answer is not a list of orders, or the filter or the sort order was ignored.
            ValueError: A window has no time zone, or ends before it begins.
        """
        query = {"include": ",".join(ORDER_INCLUDES), **_window_filters(created_between, updated_between)}
        if status_id is not None:
            query["filter[status_id]"] = str(status_id)

        def content(envelope: Envelope, rows: tuple[OrderRow, ...]) -> OrderPage:
            if len(rows) >= envelope.page_size:
                # Fewer rows prove nothing: KeyCRM does not document which date it selects by.
                _check_window("created_between", created_between, envelope.page, _created_dates(rows))
                _check_window("updated_between", updated_between, envelope.page, _updated_dates(rows))
                _check_status(status_id, envelope.page, rows)
            return OrderPage(envelope.page, envelope.total, rows)

        read = _order_reader(content, since=pages_since)
        stored = {page: (record.total, record.order_ids) for page, record in pages_done.items()}
        return self._order_list(query, read, stored, is_open=is_open)

    def order_headers(self) -> Iterator[OrderPage]:
        """All orders of the account without any include, for the sweep (R1, R11): only ids and dates are of use.

        As with `orders`, a page may come twice; an order that was there all the time is on one of the pages.

        Raises:
            KeyCrmError: As for `orders`.
        """

        def content(envelope: Envelope, rows: tuple[OrderRow, ...]) -> OrderPage:
            return OrderPage(envelope.page, envelope.total, rows)

        return self._order_list({}, _order_reader(content), {})

    def order(self, order_id: int) -> OrderRow | None:
        """One order with everything KeyCRM knows about it; None if KeyCRM says that there is no such order.

        Raises:
            TransportFailure: Also for a 404 that is some web server's page: it says nothing about the order.
            UnexpectedAnswer: The answer is not that order.
            KeyCrmError: As for `orders`.
        """
        route = f"{ORDER_ROUTE}/{order_id}"
        try:
            row = self._connection.get(route, {"include": ",".join(ORDER_INCLUDES)}, _single_order)
        except RequestRefused as refusal:
            # A wrong path is a 404 too; it must never be read as "the order was deleted".
            if refusal.status == NOT_FOUND and not refusal.is_without_route:
                return None
            raise
        if row.order_id != order_id:
            raise UnexpectedAnswer(
                Client.NOT_THAT_ORDER.message(route=route, advice=Advice.ANSWER_NOT_USED.message())
            )
        return row

    # Bank transactions

    def external_transactions(self, created_between: Window) -> list[CrmRow]:
        """The bank transactions of a window that the account's payment gateways have brought, each id once.

        Args:
            created_between: Start and end, aware; KeyCRM does not document which date of a transaction it selects by.

        Raises:
            RequestRefused: Also if this key may not read them, or the account lacks the route.
            TransportFailure: Also if the list changed while it was read, twice in a row.
            UnexpectedAnswer: Also if the filter was ignored, as routes other than `/order` ignore unknown ones.
            KeyCrmError: As for `orders`.
        """

        def check(envelope: Envelope) -> None:
            if len(envelope.rows) >= envelope.page_size:
                rows = [row for row in map(decode_row, envelope.rows) if row is not None]
                _check_window(
                    "created_between", created_between, envelope.page, _dates(rows), TRANSACTIONS_ROUTE
                )

        query = {"filter[created_between]": _window_text(created_between)}
        return self._all_rows(TRANSACTIONS_ROUTE, query, check=check)

    # Reference lists and products

    def reference_rows(self, route: str) -> list[CrmRow]:
        """All rows of a reference list, each id once.

        Args:
            route: Such as `/order/status`, `/order/source`, `/users` or `/products/categories`.

        Raises:
            TransportFailure: Also if the list changed while it was read, twice in a row.
            KeyCrmError: As for `orders`.
        """
        includes = INCLUDES.get(route)
        return self._all_rows(route, {} if includes is None else {"include": includes})

    def products(self, product_ids: Sequence[int]) -> list[CrmRow]:
        """The products with these ids, including archived ones; an id unknown to KeyCRM has no row.

        Args:
            product_ids: KeyCRM's product ids; 50 cost one request, and one more for those not returned.

        Raises:
            UnexpectedAnswer: Also if other products were returned: the filter was ignored.
            KeyCrmError: As for `orders`.
        """
        return self._rows_of_products("/products", {"include": "custom_fields"}, product_ids, "id")

    def offers(self, *, product_ids: Sequence[int]) -> list[CrmRow]:
        """All variants (offers) of these products, with their product, including archived products.

        Archived variants are requested only for a product that has no others: its order lines then refer to
        one.

        Args:
            product_ids: KeyCRM's product ids, 50 per request; more requests if they have more than 50
                variants.

        Raises:
            UnexpectedAnswer: Also if offers of other products were returned: the filter was ignored.
            KeyCrmError: As for `orders`.
        """
        return self._rows_of_products("/offers", {"include": "product"}, product_ids, "product_id")

    def buyers(self, buyer_ids: Sequence[int]) -> list[CrmRow]:
        """The buyers with these ids, with their custom fields; an id unknown to KeyCRM has no row.

        Args:
            buyer_ids: KeyCRM's buyer ids; 50 cost one request.

        Raises:
            UnexpectedAnswer: Also if other buyers were returned: the filter was ignored.
            KeyCrmError: As for `orders`.
        """
        query = {"include": "custom_fields"}
        return self._rows_by_id("/buyer", query, sorted(set(buyer_ids)), "id", "buyer_id")

    def _rows_of_products(
        self, route: str, query: Mapping[str, str], product_ids: Sequence[int], key: str
    ) -> list[CrmRow]:
        requested = sorted(set(product_ids))
        rows = self._rows_by_id(route, query, requested, key)
        returned = {_id_of(row, key) for row in rows}
        absent = [product_id for product_id in requested if product_id not in returned]
        return rows + self._rows_by_id(route, {**query, "filter[is_archived]": "true"}, absent, key)

    def _rows_by_id(
        self, route: str, query: Mapping[str, str], ids: Sequence[int], key: str, filtered: str = "product_id"
    ) -> list[CrmRow]:
        chunks = [ids[start : start + PAGE_SIZE] for start in range(0, len(ids), PAGE_SIZE)]
        rows: list[CrmRow] = []
        with self._workers() as workers:

            def fetch(number: int) -> list[CrmRow]:
                requested = chunks[number]
                listed = ",".join(map(str, requested))
                found = self._all_rows(route, {**query, f"filter[{filtered}]": listed}, workers.stopped)
                unexpected = sum(_id_of(row, key) not in requested for row in found)
                if unexpected:
                    ignored = (
                        Client.FILTER_OF_PRODUCTS_IGNORED
                        if filtered == "product_id"
                        else Client.FILTER_OF_BUYERS_IGNORED
                    )
                    raise UnexpectedAnswer(
                        ignored.message(
                            route=route, unexpected=unexpected, advice=Advice.ANSWER_NOT_USED.message()
                        )
                    )
                return found

            for found in workers.results(fetch, range(len(chunks))):
                rows.extend(found)
        return sorted(rows, key=lambda row: row.row_id or 0)

    def _all_rows(
        self,
        route: str,
        query: Mapping[str, str],
        stopped: Callable[[], bool] = never,
        *,
        check: Callable[[Envelope], None] = lambda _envelope: None,
    ) -> list[CrmRow]:
        """All pages of a short list, each id once; read twice if they do not add up to its total.

        If the total is a little too high in two equal readings, they are taken with a note. `check` raises for a page
        that is not what was requested.
        """
        previous: list[bytes] = []
        for _ in range(2):
            envelope = self._get_page(route, query, 1, stopped)
            check(envelope)
            # The first page shows how long pages are even if the answers themselves do not say so.
            page, page_size = 1, envelope.page_size
            payloads, totals = [*envelope.rows], {envelope.total}
            read: set[bytes] = set()
            # A page that brings nothing new ends the list, whatever it says of more: it may say so for ever.
            while not read.issuperset(envelope.rows) and (
                page * page_size < envelope.total or envelope.has_more
            ):
                read.update(envelope.rows)
                page += 1
                envelope = self._get_page(route, query, page, stopped)
                check(envelope)
                payloads += envelope.rows
                totals.add(envelope.total)
            unique: dict[object, CrmRow | None] = {}
            for payload in payloads:
                row = decode_row(payload)
                row_id = None if row is None else row.row_id
                unique[payload if row_id is None else row_id] = row
            rows = [row for row in unique.values() if row is not None]
            if len(unique) == len(payloads) and totals == {len(unique)}:
                return rows
            is_second, previous = payloads == previous, payloads
        # On a single page a duplicate row hides no other: KeyCRM's list itself has it twice.
        if len(unique) >= envelope.total or (page == 1 and len(payloads) == envelope.total):
            return rows
        is_whole = is_second and not envelope.has_more and len(unique) == len(payloads)
        if is_whole and may_be_overstated(envelope.total, len(payloads), page_size):
            warn_of_total(route, envelope.total, len(payloads))
            return rows
        raise TransportFailure(
            Client.LIST_CHANGES.message(route=route, total=envelope.total, found=len(unique))
        )

    # Paging

    def _order_list(
        self,
        query: Mapping[str, str],
        read: Callable[[Envelope], FetchedPage[Content]],
        stored: Mapping[int, tuple[int, tuple[int, ...]]],
        *,
        is_open: bool = False,
    ) -> Iterator[Content]:
        with self._workers() as workers:

            def fetch(page: int) -> FetchedPage[Content]:
                return read(self._get_page(ORDER_ROUTE, query, page, workers.stopped))

            yield from PagedList(
                fetch, workers=workers, route=ORDER_ROUTE, stored=stored, is_open=is_open
            ).pages()

    @contextlib.contextmanager
    def _workers(self) -> Iterator[PageWorkers]:
        """Threads for one listing, ended with it."""
        with self._lock:
            if self._is_closed:
                raise KeyCrmError(Client.CLIENT_CLOSED.message())
            workers = PageWorkers(self._concurrency)
            self._open_workers.add(workers)
        try:
            yield workers
        finally:
            workers.close()
            with self._lock:
                self._open_workers.discard(workers)

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
                lambda text: decode_envelope(text, route=route, page=page),
                place=f" (page {page})",
                stopped=stopped,
            )
        except RequestRefused as refusal:
            if refusal.status != NOT_FOUND or page == 1:
                raise
            # The list may have become shorter: what KeyCRM answers for a page past its end is undocumented.
            first = self._get_page(route, query, 1, stopped)
            if page <= -(-first.total // first.page_size):
                raise
            return Envelope(page, first.total, first.page_size, ())


def _single_order(text: bytes) -> OrderRow:
    # `decode_order` tolerates an unreadable row; here that is a broken answer, and worth a retry.
    content = decode_any(text)
    row = decode_order(text)
    if row.order_id is None and isinstance(content, dict) and content.get("status") is False:
        raise ErrorAnswer(content)
    return row


def _order_reader(
    content: Callable[[Envelope, tuple[OrderRow, ...]], Content], *, since: datetime | None = None
) -> Callable[[Envelope], FetchedPage[Content]]:
    """Reads the pages of one list of orders.

    Args:
        content: Makes what is yielded for a page from its rows, or rejects the page.
        since: When the oldest page of the list was requested; now by default.
    """
    began = (since or datetime.now(UTC)) - CLOCK_SLACK

    def read(envelope: Envelope) -> FetchedPage[Content]:
        rows = tuple(decode_order(payload) for payload in envelope.rows)
        ids = _identities(envelope.page, (row.order_id for row in rows))
        _check_sorted(envelope.page, ids)
        has_new_rows = any(row.created_at is not None and row.created_at >= began for row in rows)
        return FetchedPage(
            envelope.page,
            envelope.total,
            envelope.page_size,
            ids,
            content(envelope, rows),
            has_new_rows=has_new_rows,
            has_more=envelope.has_more,
        )

    return read


def _id_of(row: Mapping[str, Any], key: str) -> int | None:
    return parse_id(row.get(key))


def _identities(page: int, ids: Iterable[int | None]) -> tuple[int, ...]:
    """What identifies each row: its id, or a negative number made of its position if it has none."""
    return tuple(
        -(page * PAGE_SIZE + place) if row_id is None else row_id for place, row_id in enumerate(ids)
    )


def _check_sorted(page: int, ids: Sequence[int]) -> None:
    readable = [row_id for row_id in ids if row_id > 0]
    if readable != sorted(readable):
        raise UnexpectedAnswer(
            Client.NOT_SORTED.message(route=ORDER_ROUTE, page=page, advice=Advice.ANSWER_NOT_USED.message())
        )


def _window_filters(created_between: Window | None, updated_between: Window | None) -> dict[str, str]:
    windows = {"filter[created_between]": created_between, "filter[updated_between]": updated_between}
    return {name: _window_text(window) for name, window in windows.items() if window is not None}


def _window_text(window: Window) -> str:
    """Both ends in UTC, in KeyCRM's format; widened to whole seconds, never narrowed."""
    start, end = window
    if start.tzinfo is None or end.tzinfo is None:
        raise ValueError("The ends of a window need a time zone.")
    if end < start:
        raise ValueError(f"The window ends ({end}) before it begins ({start}).")
    if end.microsecond:
        end += timedelta(seconds=1)
    return ",".join(f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for moment in (start, end))


def _created_dates(rows: Sequence[OrderRow]) -> list[list[datetime]]:
    """The dates of each row that KeyCRM may have selected it by."""
    return [[date for date in (row.ordered_at, row.created_at) if date is not None] for row in rows]


def _updated_dates(rows: Sequence[OrderRow]) -> list[list[datetime]]:
    return [[row.updated_at] for row in rows if row.updated_at is not None]


def _dates(rows: Sequence[CrmRow]) -> list[list[datetime]]:
    """The dates of each bank transaction that KeyCRM may have selected it by."""
    moments = ([parse_instant(row.get(key)) for key in ("created_at", "transaction_date")] for row in rows)
    return [[moment for moment in found if moment is not None] for found in moments]


def _check_window(
    name: str,
    window: Window | None,
    page: int,
    dates: Sequence[Sequence[datetime]],
    route: str = ORDER_ROUTE,
) -> None:
    """Reject a page if most of its rows lie outside the requested window with all of their dates.

    KeyCRM ignores unknown filters and then returns everything. Single rows outside are kept.
    """
    if window is None:
        return
    start, end = window[0] - SLACK, window[1] + SLACK
    dated = [row for row in dates if row]
    outside = sum(not any(start <= date <= end for date in row) for row in dated)
    _reject_if_most(outside, len(dated), name, page, route)


def _check_status(status_id: int | None, page: int, rows: Sequence[OrderRow]) -> None:
    """Reject a page if most of its rows have another status than requested."""
    if status_id is not None:
        unexpected = sum(row.status_id != status_id for row in rows)
        _reject_if_most(unexpected, len(rows), "status_id", page, ORDER_ROUTE)


def _reject_if_most(unexpected: int, count: int, name: str, page: int, route: str) -> None:
    if unexpected * 2 > count:
        raise UnexpectedAnswer(
            Client.FILTER_IGNORED.message(
                route=route,
                page=page,
                unexpected=unexpected,
                count=count,
                name=name,
                advice=Advice.ANSWER_NOT_USED.message(),
            )
        )
