"""Fetches all pages of a list, several at a time, until they form one consistent list.

What belongs here: threads, how they end, and the order of requests. What does not: what a page means, when to
request it again (see `page_tracker`), how one request is made (see `connection`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from queue import SimpleQueue
from typing import Generic, TypeVar

from keycrm_pipeline.crm.budget import Cancelled
from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError, TransportFailure
from keycrm_pipeline.crm.page_tracker import PageAnswer, PageTracker, StaleRange
from keycrm_pipeline.sentences.client import Client

Content = TypeVar("Content")
Result = TypeVar("Result")

ROUNDS = 6
"""How often the pages of a changing list are completed before giving up: once, and five times more. Each round
requests a few pages only, so a list that still changes after six will not settle at all."""

READINGS = 3
"""How often a list whose total is wrong is read from its first page to its end until two readings are equal."""

MISCOUNTED_ROWS = 2
"""A total that is too high by no more than this is a miscount, even of an empty list."""

SUBMITTED_PER_THREAD = 2
"""Pages submitted per thread ahead of the consumer: enough to keep the threads busy, and few enough that a slow
consumer does not let pages pile up in memory."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[Content]):
    """One answered page.

    Attributes:
        page: Number of the page, from 1.
        total: Rows of the whole list, according to the answer.
        page_size: Rows of a full page, according to the answer.
        ids: Identities of all rows, in page order; a row without a readable id has a unique negative one.
        content: What `PagedList.pages` yields for the page.
        has_new_rows: Whether a row on it was created after the first page of the list was requested.
        has_more: Whether the answer says that more pages follow, whatever its total.
    """

    page: int
    total: int
    page_size: int
    ids: tuple[int, ...]
    content: Content
    has_new_rows: bool = False
    has_more: bool = False


class PageWorkers:
    """The threads that fetch one list. Closing them ends them in every case."""

    def __init__(self, concurrency: int) -> None:
        self._stop = threading.Event()
        self._most_submitted = concurrency * SUBMITTED_PER_THREAD
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="keycrm")

    def stopped(self) -> bool:
        """Whether reading has ended, so that waiting requests should give up."""
        return self._stop.is_set()

    def close(self) -> None:
        """Cancel requests that have not begun and wait for the others; no thread is left afterwards."""
        self._stop.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def results(self, fetch: Callable[[int], Result], numbers: Iterable[int]) -> Iterator[Result]:
        """The answers in the order in which they arrive.

        Args:
            fetch: Makes one request; called in a thread.
            numbers: What to call it with, such as page numbers.

        Raises:
            KeyCrmError: Raised by a request. Answers that had arrived or were in flight are yielded first, so
                that nothing fetched is lost; the rest is cancelled.
        """
        remaining = iter(numbers)
        # Not `concurrent.futures.wait`: it never learns of futures that the executor's shutdown cancels.
        arrived: SimpleQueue[Future[Result]] = SimpleQueue()
        pending = self._submit(fetch, islice(remaining, self._most_submitted), arrived)
        failures: list[KeyCrmError] = []
        while pending:
            future = arrived.get()
            pending.discard(future)
            try:
                answer = future.result()
            except (CancelledError, Cancelled):
                failures.append(KeyCrmError(Client.READING_STOPPED.message()))
            except KeyCrmError as failure:
                failures.append(failure)
            else:
                yield answer
            if failures:
                self._stop.set()
                for other in pending:
                    other.cancel()
            else:
                free = self._most_submitted - len(pending)
                pending |= self._submit(fetch, islice(remaining, free), arrived)
        if failures:
            # A refused key explains all other failures of the moment.
            raise min(failures, key=lambda failure: not isinstance(failure, AuthenticationError))

    def _submit(
        self,
        fetch: Callable[[int], Result],
        numbers: Iterable[int],
        arrived: SimpleQueue[Future[Result]],
    ) -> set[Future[Result]]:
        submitted = set()
        for number in numbers:
            try:
                future = self._executor.submit(fetch, number)
            except RuntimeError:
                # The client was closed while the list was being read.
                future = Future()
                future.cancel()
            future.add_done_callback(arrived.put)
            submitted.add(future)
        return submitted


def may_be_overstated(total: int, rows: int, page_size: int) -> bool:
    """Whether a list of so many rows may be whole although its total says more.

    A total that is off by a row or two occurs in lists of any length. Otherwise less than a page may be missing, and
    fewer rows than there are.
    """
    missing = total - rows
    return missing <= MISCOUNTED_ROWS or (missing < page_size and missing < rows)


def warn_of_total(route: str, total: int, rows: int) -> None:
    """Notes that a list was taken although its total is wrong."""
    _log.warning(
        "KeyCRM says that the list GET %s has %d rows, and returned %d in two equal readings. These were taken.",
        route,
        total,
        rows,
    )


class PagedList(Generic[Content]):
    """Reads one list in full: every row that is in it all the time is yielded, however the list changes.

    A list of N rows that does not change costs ceil(N / page size) requests, an empty one 1.

    Additions and removals that cancel out between two answers leave the total as it was. So the last page is
    read before those below it, and alone, since pages requested at the same moment are answered in any order:
    when a row is removed in the meantime, the first row of the last page slips into the page below, is seen
    twice, and reveals the change. Only the first page and the `stored` ones were read before the last one; each
    of them is checked again when the last page has a row that was created meanwhile.

    Args:
        fetch: Requests one page; called in a thread.
        workers: The threads to fetch in.
        route: The path of the list, for messages.
        stored: Pages that an earlier reading stored: page -> (total, ids). They are requested again only if
            the list has changed.
        is_open: The list may have grown since the `stored` pages were answered: one page is requested even
            if they form a whole list.
    """

    def __init__(
        self,
        fetch: Callable[[int], FetchedPage[Content]],
        *,
        workers: PageWorkers,
        route: str,
        stored: Mapping[int, tuple[int, tuple[int, ...]]],
        is_open: bool = False,
    ) -> None:
        self._fetch = fetch
        self._workers = workers
        self._route = route
        self._tracker = PageTracker(stored)
        self._is_open = is_open
        self._has_read_last_page = False
        self._previous_ids: tuple[int, ...] | None = None
        self._accepts_duplicates = False
        self._is_contradicted = False

    def pages(self) -> Iterator[Content]:
        """The contents of the pages as they arrive. A page may come more than once; the newest is valid.

        Raises:
            TransportFailure: The list keeps changing, or its pages contradict its total by a page or by half.
            KeyCrmError: Raised by a page's request.
        """
        if self._tracker.is_complete() and not self._is_open:
            return
        yield from self._first_page()
        for _ in range(ROUNDS):
            yield from self._missing_pages()
            if self._is_contradicted:
                break
            if self._tracker.is_complete():
                return
            yield from self._stale_pages()
            if self._tracker.is_complete() or self._accepts_duplicates:
                return
        yield from self._whole_readings()

    def _whole_readings(self) -> Iterator[Content]:
        """Read the list from its first page to its end, whatever its total, until two readings are equal."""
        previous: tuple[int, ...] | None = None
        for _ in range(READINGS):
            ids, last = yield from self._whole_reading()
            if (
                ids == previous
                and not last.has_more
                and may_be_overstated(last.total, len(ids), self._tracker.page_size)
            ):
                warn_of_total(self._route, last.total, len(ids))
                return
            previous = ids
        raise TransportFailure(Client.PAGES_CHANGE.message(route=self._route, total=last.total))

    def _whole_reading(self) -> Generator[Content, None, tuple[tuple[int, ...], FetchedPage[Content]]]:
        """Page after page, until one is empty, is short with no notice of more, or repeats what was read."""
        ids: tuple[int, ...] = ()
        page = 1
        while True:
            (answer,) = self._workers.results(self._fetch, [page])
            yield answer.content
            is_full = len(answer.ids) >= self._tracker.page_size
            if not answer.ids or (ids and answer.ids[0] < ids[-1]):
                return ids, answer
            ids += answer.ids
            if not is_full and not answer.has_more:
                return ids, answer
            page += 1

    def _first_page(self) -> Iterator[Content]:
        for answer in self._workers.results(
            self._fetch, [self._tracker.first_to_request(is_open=self._is_open)]
        ):
            if answer.page_size != self._tracker.page_size:
                # The server uses another page size: the numbers of earlier pages mean nothing.
                self._tracker = PageTracker({}, page_size=answer.page_size)
            yield self._recorded(answer)

    def _missing_pages(self) -> Iterator[Content]:
        """Each missing page once, including those that appear meanwhile; the very last page alone and first."""
        requested: set[int] = set()
        while missing := [page for page in self._tracker.missing() if page not in requested]:
            if missing[-1] == self._tracker.last_page:
                del missing[:-1]
            requested.update(missing)
            for answer in self._workers.results(self._fetch, missing):
                yield self._recorded(answer)

    def _stale_pages(self) -> Iterator[Content]:
        """As many of the stale pages as are needed to be sure of all of them."""
        ranges = self._tracker.stale_ranges()
        for stale in ranges:
            yield from self._recheck(stale)
        if not ranges and not self._tracker.missing():
            # The ids do not add up and no total shows where: everything is requested again.
            self._check_for_duplicates()
            if not self._accepts_duplicates:
                self._tracker.discard(1, self._tracker.last_page)

    def _check_for_duplicates(self) -> None:
        """Accept the list as it is if KeyCRM itself has a row in it twice.

        A row that was seen twice because the list changed is elsewhere, or present once, when everything is
        read again. A row that is next to its duplicate in two whole readings, with all rows in order of their
        ids, hides no other.
        """
        ids = self._tracker.ids()
        if ids is None:
            return
        in_order = all(before <= after for before, after in pairwise(row_id for row_id in ids if row_id > 0))
        self._accepts_duplicates = in_order and ids == self._previous_ids
        self._previous_ids = ids

    def _recheck(self, stale: StaleRange) -> Iterator[Content]:
        """Request the pages of a range again, the highest first, until one has not moved: nor has the rest."""
        for page in range(stale.last, stale.first - 1, -1):
            if not self._tracker.is_stale(page):
                continue
            reference = yield from self._unmoved(page)
            if reference is not None:
                yield from self._recheck_below(StaleRange(stale.first, page - 1), reference)
                return

    def _recheck_below(self, rest: StaleRange, reference: PageAnswer) -> Iterator[Content]:
        """Confirm the rest of a range, below a page that has not moved, once its first page has not either."""
        if 1 < rest.first <= rest.last:
            # An addition and a removal below the reference page leave it in place, but not the first page.
            if (yield from self._unmoved(rest.first)) is None:
                self._tracker.discard(rest.first + 1, rest.last)
                return
            rest = StaleRange(rest.first + 1, rest.last)
        self._tracker.confirm(rest.first, rest.last, reference)

    def _unmoved(self, page: int) -> Generator[Content, None, PageAnswer | None]:
        """Request a page again; its answer if it begins with the rows it had, so that nothing moved below it."""
        before = self._tracker.answer(page)
        for fetched in self._workers.results(self._fetch, [page]):
            yield self._recorded(fetched)
        now = self._tracker.answer(page)
        if before is None or now is None or not before.ids or now.ids[: len(before.ids)] != before.ids:
            return None
        return now

    def _recorded(self, answer: FetchedPage[Content]) -> Content:
        if answer.page == self._tracker.last_page and not self._has_read_last_page:
            # Once is enough: it reveals changes to the pages that are read after it.
            self._has_read_last_page = self._tracker.total == answer.total
            if answer.has_new_rows and self._has_read_last_page:
                self._tracker.doubt_epoch()
        rows_from_here = max(0, answer.total - (answer.page - 1) * self._tracker.page_size)
        if len(answer.ids) > rows_from_here or (
            answer.has_more and rows_from_here <= self._tracker.page_size
        ):
            self._is_contradicted = True
        self._tracker.record(answer.page, answer.total, answer.ids)
        return answer.content
