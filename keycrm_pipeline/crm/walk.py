"""Fetches all pages of a list, several at a time, until they are one list.

What belongs here: threads, their end, and the order of asking. What does not: what a page means, when to ask again
(see `ledger`), how one request is made (see `client`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from keycrm_pipeline.crm.budget import Cancelled
from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError, TransportFailure
from keycrm_pipeline.crm.ledger import PageLedger, SeenPage, StaleRun

Content = TypeVar("Content")

ROUNDS = 6
"""How often a moving list is mended before the walk gives up: the first time and five more. Each round asks for a few
pages only, so a list that still moved after six does not come to rest at all."""

SUBMITTED_PER_THREAD = 2
"""Pages handed to the threads ahead of the reader, for each thread: enough to keep them busy, and few enough that a
slow reader does not pile pages up in memory."""


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[Content]):
    """One answered page.

    Attributes:
        page: Number of the page, from 1.
        total: Rows of the whole list, as the answer says.
        page_size: Rows of a full page, as the answer says.
        ids: Identities of all rows, in their order; a row without a readable id has a negative one of its own.
        content: What the reader of the walk gets.
    """

    page: int
    total: int
    page_size: int
    ids: tuple[int, ...]
    content: Content


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

    def results(
        self, fetch: Callable[[int], FetchedPage[Content]], pages: list[int]
    ) -> Iterator[FetchedPage[Content]]:
        """The answers in the order in which they come.

        Args:
            fetch: Asks for one page; called in a thread.
            pages: The pages to ask for.

        Raises:
            KeyCrmError: What a page raised, after the pages that had arrived were yielded; the rest is cancelled.
        """
        waiting = iter(pages)
        running: set[Future[FetchedPage[Content]]] = set()
        failures: list[KeyCrmError] = []
        while True:
            while not failures and len(running) < self._window:
                page = next(waiting, None)
                if page is None:
                    break
                running.add(self._submit(fetch, page))
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                try:
                    answer = future.result()
                except (CancelledError, Cancelled):
                    failures.append(KeyCrmError("The walk was ended before all pages were fetched."))
                except KeyCrmError as failure:
                    failures.append(failure)
                else:
                    yield answer
            if failures and not self.stopped():
                self._stop.set()
                for future in running:
                    future.cancel()
        if failures:
            # A refused key explains all other failures of the moment.
            raise min(failures, key=lambda failure: not isinstance(failure, AuthenticationError))

    def _submit(
        self, fetch: Callable[[int], FetchedPage[Content]], page: int
    ) -> Future[FetchedPage[Content]]:
        try:
            return self._executor.submit(fetch, page)
        except RuntimeError:
            # The client was closed while its walk was being read.
            ended: Future[FetchedPage[Content]] = Future()
            ended.set_exception(Cancelled())
            return ended


def walk(
    fetch: Callable[[int], FetchedPage[Content]],
    *,
    crew: Crew,
    route: str,
    done: Mapping[int, tuple[int, tuple[int, ...]]] | None = None,
) -> Iterator[Content]:
    """Fetch a list in full: what it holds from the walk's beginning to its end is yielded, however it moves meanwhile.

    A list of N rows that keeps still costs ceil(N / page size) requests, an empty one 1. A page can be yielded more
    than once; the last one holds.

    Args:
        fetch: Asks for one page.
        crew: The threads to fetch in.
        route: The path that is asked, for messages.
        done: Pages that an earlier walk stored: page -> (total, ids). They are asked again only when the list has moved.

    Raises:
        TransportFailure: The list keeps changing, or its pages never add up to its total.
        KeyCrmError: What a page raised.
    """
    ledger = PageLedger(done or {})
    if ledger.is_settled():
        return
    for answer in crew.results(fetch, [ledger.first_to_ask()]):
        if answer.page_size != ledger.page_size:
            # The server gives pages of its own size: numbers of earlier pages mean nothing.
            ledger = PageLedger({}, page_size=answer.page_size)
        _note(ledger, answer)
        yield answer.content
    for _ in range(ROUNDS):
        asked: set[int] = set()
        while missing := [page for page in ledger.missing() if page not in asked]:
            asked.update(missing)
            for answer in crew.results(fetch, missing):
                _note(ledger, answer)
                yield answer.content
        if ledger.is_settled():
            return
        runs = ledger.stale_runs()
        for run in runs:
            for answer in _examine(ledger, run, fetch, crew):
                yield answer.content
        if ledger.is_settled():
            return
        if not runs and not ledger.missing():
            # The ids do not add up and no total tells where: everything is asked anew.
            ledger.forget(1, ledger.last_page)
    raise TransportFailure(
        f"The list GET {route} keeps changing while it is read: its pages were asked again {ROUNDS - 1} times and still do "
        "not add up to the number of rows KeyCRM gives. What was fetched is kept; load again at a quieter time.",
        route=route,
    )


def _examine(
    ledger: PageLedger, run: StaleRun, fetch: Callable[[int], FetchedPage[Content]], crew: Crew
) -> Iterator[FetchedPage[Content]]:
    """Ask the pages of a run again, from the highest down, until one has not moved; the rest then has not either."""
    for page in range(run.last, run.first - 1, -1):
        if not ledger.is_stale(page):
            continue
        before = ledger.seen(page)
        answer = yield from _ask(ledger, page, fetch, crew)
        if not _begins_with(answer, before):
            continue
        rest = StaleRun(run.first, page - 1)
        witness = SeenPage(answer.total, answer.ids, ledger.epoch)
        if rest.first > 1 and rest.first <= rest.last:
            # Something may have been added and something else removed below this page; then the lower end moved.
            before = ledger.seen(rest.first)
            answer = yield from _ask(ledger, rest.first, fetch, crew)
            if not _begins_with(answer, before):
                ledger.forget(rest.first + 1, rest.last)
                return
            rest = StaleRun(rest.first + 1, rest.last)
        ledger.confirm(rest.first, rest.last, witness)
        return


def _ask(
    ledger: PageLedger, page: int, fetch: Callable[[int], FetchedPage[Content]], crew: Crew
) -> Generator[FetchedPage[Content], None, FetchedPage[Content]]:
    for answer in crew.results(fetch, [page]):
        _note(ledger, answer)
        yield answer
        return answer
    raise AssertionError("A page that was asked for is answered or raises.")


def _note(ledger: PageLedger, answer: FetchedPage[Content]) -> None:
    ledger.note(answer.page, answer.total, answer.ids)


def _begins_with(answer: FetchedPage[Content], before: SeenPage) -> bool:
    return bool(before.ids) and answer.ids[: len(before.ids)] == before.ids
