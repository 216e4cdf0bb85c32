"""Fetches all pages of a list, several at a time, until they are one list.

What belongs here: threads, their end, and the order of asking. What does not: what a page means, when to ask
again (see `ledger`), how one request is made (see `connection`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, pairwise
from queue import SimpleQueue
from typing import Generic, TypeVar

from keycrm_pipeline.crm.budget import Cancelled
from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError, TransportFailure
from keycrm_pipeline.crm.ledger import PageLedger, SeenPage, StaleRun

Content = TypeVar("Content")
Result = TypeVar("Result")

ROUNDS = 6
"""How often a moving list is mended before the walk gives up: the first time and five more. Each round asks
for a few pages only, so a list that still moved after six does not come to rest at all."""

SUBMITTED_PER_THREAD = 2
"""Pages handed to the threads ahead of the reader, for each thread: enough to keep them busy, and few enough
that a slow reader does not pile pages up in memory."""


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[Content]):
    """One answered page.

    Attributes:
        page: Number of the page, from 1.
        total: Rows of the whole list, as the answer says.
        page_size: Rows of a full page, as the answer says.
        ids: Identities of all rows, in their order; a row without a readable id has a negative one of its
            own.
        content: What the reader of the walk gets.
        has_newcomers: Whether a row of it was made after the first page of the walk was asked for.
    """

    page: int
    total: int
    page_size: int
    ids: tuple[int, ...]
    content: Content
    has_newcomers: bool = False


class Crew:
    """The threads of one walk. They end with it, whatever happens.

    Args:
        concurrency: How many requests may be on their way at once.
    """

    def __init__(self, concurrency: int) -> None:
        self._stop = threading.Event()
        self._window = concurrency * SUBMITTED_PER_THREAD
        self._executor = ThreadPoolExecutor(concurrency, thread_name_prefix="keycrm")

    def stopped(self) -> bool:
        """Whether the walk has ended: whoever waits gives up."""
        return self._stop.is_set()

    def close(self) -> None:
        """Cancel what has not begun, and wait for what has: afterwards no thread goes on."""
        self._stop.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def results(self, fetch: Callable[[int], Result], numbers: Iterable[int]) -> Iterator[Result]:
        """The answers in the order in which they come.

        Args:
            fetch: Makes one request; called in a thread.
            numbers: What to call it with, such as page numbers.

        Raises:
            KeyCrmError: What a request raised. What had arrived or was on its way is yielded before, so that
                nothing fetched is lost; the rest is cancelled.
        """
        waiting = iter(numbers)
        # Not `concurrent.futures.wait`: it never learns of futures that the executor's shutdown cancels.
        arrived: SimpleQueue[Future[Result]] = SimpleQueue()
        running = self._submit(fetch, islice(waiting, self._window), arrived)
        failures: list[KeyCrmError] = []
        while running:
            future = arrived.get()
            running.discard(future)
            try:
                answer = future.result()
            except (CancelledError, Cancelled):
                failures.append(KeyCrmError("The walk was ended before everything was fetched."))
            except KeyCrmError as failure:
                failures.append(failure)
            else:
                yield answer
            if failures:
                self._stop.set()
                for other in running:
                    other.cancel()
            else:
                running |= self._submit(fetch, islice(waiting, self._window - len(running)), arrived)
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
                # The client was closed while its walk was being read.
                future = Future()
                future.cancel()
            future.add_done_callback(arrived.put)
            submitted.add(future)
        return submitted


class ListWalk(Generic[Content]):
    """Fetches one list in full: what is in it during all of the walk is yielded, however the list moves.

    A list of N rows that keeps still costs ceil(N / page size) requests, an empty one 1.

    A row added and another removed between two answers leave the total as it was. So the last page is read
    before those below it: when a row is removed meanwhile, the first row of the last page slips into the page
    below, is met twice, and tells on it. Only the first page, and those of `done`, were read before the last
    one; they are looked at again when the last page has a row that was made meanwhile.

    Args:
        fetch: Asks for one page; called in a thread.
        crew: The threads to fetch in.
        route: The path that is asked, for messages.
        done: Pages that an earlier walk stored: page -> (total, ids). They are asked again only when the list
            has moved.
        is_open: The list may have grown since the pages in `done` were answered: one page is asked also when
            they are a whole list.
    """

    def __init__(
        self,
        fetch: Callable[[int], FetchedPage[Content]],
        *,
        crew: Crew,
        route: str,
        done: Mapping[int, tuple[int, tuple[int, ...]]],
        is_open: bool = False,
    ) -> None:
        self._fetch = fetch
        self._crew = crew
        self._route = route
        self._ledger = PageLedger(done)
        self._is_open = is_open
        self._has_read_last_page = False
        self._listing_before: tuple[int, ...] | None = None
        self._rests_with_repetitions = False

    def contents(self) -> Iterator[Content]:
        """The pages as they arrive. A page can come more than once; the newest holds.

        Raises:
            TransportFailure: The list keeps changing, or its pages never add up to its total.
            KeyCrmError: What a page raised.
        """
        if self._ledger.is_settled() and not self._is_open:
            return
        yield from self._first_page()
        for _ in range(ROUNDS):
            yield from self._missing_pages()
            if self._ledger.is_settled():
                return
            yield from self._stale_pages()
            if self._ledger.is_settled() or self._rests_with_repetitions:
                return
        raise TransportFailure(
            f"The list GET {self._route} keeps changing while it is read: its pages were asked again "
            f"{ROUNDS - 1} times and still do not add up to the number of rows KeyCRM gives. What was "
            "fetched "
            "is kept; load again at a quieter time.",
            route=self._route,
        )

    def _first_page(self) -> Iterator[Content]:
        for answer in self._crew.results(self._fetch, [self._ledger.first_to_ask()]):
            if answer.page_size != self._ledger.page_size:
                # The server gives pages of its own size: the numbers of earlier pages mean nothing.
                self._ledger = PageLedger({}, page_size=answer.page_size)
            yield self._noted(answer)

    def _missing_pages(self) -> Iterator[Content]:
        """Each missing page once, also those that come into being meanwhile; the last page of all first."""
        asked: set[int] = set()
        while missing := [page for page in self._ledger.missing() if page not in asked]:
            asked.update(missing)
            if missing[-1] == self._ledger.last_page:
                missing.insert(0, missing.pop())
            for answer in self._crew.results(self._fetch, missing):
                yield self._noted(answer)

    def _stale_pages(self) -> Iterator[Content]:
        """What is needed of the stale pages to be sure of them."""
        runs = self._ledger.stale_runs()
        for run in runs:
            yield from self._examine(run)
        if not runs and not self._ledger.missing():
            # The ids do not add up and no total tells where: everything is asked anew.
            self._look_for_repetitions()
            if not self._rests_with_repetitions:
                self._ledger.forget(1, self._ledger.last_page)

    def _look_for_repetitions(self) -> None:
        """Take the list as it is when KeyCRM itself has a row in it twice.

        A row that was met twice because the list moved is elsewhere, or once, when all is asked anew. One that
        stands twice beside itself in two whole readings, every row in the order of its id, hides no other.
        """
        listing = self._ledger.listing()
        if listing is None:
            return
        in_order = all(
            before <= after for before, after in pairwise(row_id for row_id in listing if row_id > 0)
        )
        self._rests_with_repetitions = in_order and listing == self._listing_before
        self._listing_before = listing

    def _examine(self, run: StaleRun) -> Iterator[Content]:
        """Ask the pages of a run again, the highest first, until one has not moved: nor has the rest then."""
        for page in range(run.last, run.first - 1, -1):
            if not self._ledger.is_stale(page):
                continue
            before = self._ledger.seen(page)
            yield from self._ask(page)
            if _has_stayed(self._ledger, page, before):
                yield from self._examine_rest(StaleRun(run.first, page - 1), self._ledger.seen(page))
                return

    def _examine_rest(self, rest: StaleRun, witness: SeenPage) -> Iterator[Content]:
        """Confirm the rest of a run, below a page that has stayed, once its lower end has stayed too."""
        if 1 < rest.first <= rest.last:
            # Something added and something removed below the witness leave it where it was; the lower end
            # not.
            before = self._ledger.seen(rest.first)
            yield from self._ask(rest.first)
            if not _has_stayed(self._ledger, rest.first, before):
                self._ledger.forget(rest.first + 1, rest.last)
                return
            rest = StaleRun(rest.first + 1, rest.last)
        self._ledger.confirm(rest.first, rest.last, witness)

    def _ask(self, page: int) -> Generator[Content, None, None]:
        for answer in self._crew.results(self._fetch, [page]):
            yield self._noted(answer)

    def _noted(self, answer: FetchedPage[Content]) -> Content:
        if answer.page == self._ledger.last_page and not self._has_read_last_page:
            # Once is enough: pages that are read after this one are told by it.
            self._has_read_last_page = self._ledger.total == answer.total
            if answer.has_newcomers:
                self._ledger.distrust()
        self._ledger.note(answer.page, answer.total, answer.ids)
        return answer.content


def _has_stayed(ledger: PageLedger, page: int, before: SeenPage) -> bool:
    """Whether the page's newest answer begins with the rows it had: then nothing moved below it."""
    now = ledger.seen_or_none(page)
    return now is not None and bool(before.ids) and now.ids[: len(before.ids)] == before.ids
