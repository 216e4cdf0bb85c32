"""Tells whether pages that were fetched one by one are one list, and which to ask for again if not.

What belongs here: the reasoning about a list that moves while it is paged; plain data, no requests, no
threads. What does not: fetching (see `walk`).

Paging is by offset. When a row is added or removed below a page, that page's rows change place, and a row
can slip from a page not yet fetched into one already fetched: it would be lost. Each answer says how many
rows the list has, so:

- Answers of one total that follow each other saw one list (an *epoch*). A list cannot be seen to change
  without its total, but for one thing: what is added and what is removed between two answers cancel out.
  When the last page was read before the others, that shows as an id met twice (see `walk`).
- A page that was answered in an older epoch is *stale*. When it is asked again and begins with the rows it
  had, then nothing moved below it, because rows are in the order of their ids; new orders only made the
  list longer.
- A run of neighbouring pages of one epoch saw one list. When its two ends did not move, no row can have
  slipped out of it. When it begins at page 1, its upper end is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from keycrm_pipeline.crm.pages import PAGE_SIZE


@dataclass(frozen=True, slots=True)
class SeenPage:
    """The newest answer for one page.

    Attributes:
        total: Rows of the whole list, as this answer said.
        ids: Identities of the page's rows, in their order.
        epoch: Which state of the list the answer saw; pages of one epoch saw the same list.
    """

    total: int
    ids: tuple[int, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class StaleRun:
    """Neighbouring pages that saw one list, which has moved since.

    Attributes:
        first: The lowest page.
        last: The highest page.
    """

    first: int
    last: int


class PageLedger:
    """The newest answer of every page of one list, and what is missing from them.

    Args:
        done: Pages of an earlier walk over the same list: page -> (total, ids). They may stem from
            different moments.
        page_size: Rows of a full page.

    Attributes:
        total: Rows of the whole list by the newest answer; None while there is none.
        epoch: The list's present state; answers of the same epoch saw the same list.
    """

    def __init__(
        self, done: Mapping[int, tuple[int, tuple[int, ...]]], *, page_size: int = PAGE_SIZE
    ) -> None:
        self.page_size = page_size
        self.total: int | None = None
        self.epoch = 0
        self._pages: dict[int, SeenPage] = {}
        self._adopt(done)

    def _adopt(self, done: Mapping[int, tuple[int, tuple[int, ...]]]) -> None:
        """Take over pages of an earlier walk; when each was answered is not known."""
        totals = {total for total, _ in done.values()}
        if len(totals) == 1:
            (self.total,) = totals
        # Pages are asked upwards, so neighbours of one total saw one list; others of that total perhaps not.
        epoch, total_before = 0, None
        for page in sorted(done):
            total, ids = done[page]
            if len(totals) > 1 and total != total_before:
                epoch -= 1
            self._pages[page] = SeenPage(total, ids, epoch)
            total_before = total

    @property
    def last_page(self) -> int:
        """Number of the list's last page by the newest total; 1 for an empty list."""
        return max(1, -(-(self.total or 0) // self.page_size))

    def first_to_ask(self) -> int:
        """The page that tells the list's present total: the first missing one, else the highest."""
        if self.total is None and self._pages:
            highest = max(self._pages)
            return next((page for page in range(1, highest) if not self._is_whole(page)), highest)
        return next(iter(self.missing()), self.last_page)

    def distrust(self) -> None:
        """Take it that the list may have moved without its total: all answers so far are stale."""
        self.epoch += 1

    def note(self, page: int, total: int, ids: tuple[int, ...]) -> None:
        """Take an answer down.

        Args:
            page: Number of the page.
            total: Rows of the whole list, as the answer says.
            ids: Identities of the page's rows, in their order.
        """
        if total != self.total:
            self.epoch += 1
            self.total = total
        self._pages[page] = SeenPage(total, ids, self.epoch)
        for beyond in [number for number in self._pages if number > self.last_page]:
            del self._pages[beyond]

    def missing(self) -> list[int]:
        """Pages that were not answered, or with more or fewer rows than their own total says; ascending."""
        return [page for page in range(1, self.last_page + 1) if not self._is_whole(page)]

    def _is_whole(self, page: int) -> bool:
        seen = self._pages.get(page)
        return seen is not None and len(seen.ids) == max(
            0, min(self.page_size, seen.total - (page - 1) * self.page_size)
        )

    def stale_runs(self) -> list[StaleRun]:
        """Runs of pages whose list has moved since, the highest first."""
        runs: list[StaleRun] = []
        epoch_above: int | None = None
        for page in sorted(self._pages, reverse=True):
            epoch = self._pages[page].epoch
            if epoch != self.epoch:
                if runs and epoch == epoch_above and runs[-1].first == page + 1:
                    runs[-1] = replace(runs[-1], first=page)
                else:
                    runs.append(StaleRun(page, page))
            epoch_above = epoch
        return runs

    def is_stale(self, page: int) -> bool:
        """Whether the page has an answer, and the list has moved since."""
        return page in self._pages and self._pages[page].epoch != self.epoch

    def seen(self, page: int) -> SeenPage:
        """The newest answer for a page; KeyError when there is none."""
        return self._pages[page]

    def seen_or_none(self, page: int) -> SeenPage | None:
        """The newest answer for a page; None when there is none, or the list has become too short for it."""
        return self._pages.get(page)

    def confirm(self, first: int, last: int, witness: SeenPage) -> None:
        """Take it that the pages had not moved when another one was answered.

        The list may have moved again since then; the pages then stay stale, though of a later epoch.

        Args:
            first: The lowest page.
            last: The highest page.
            witness: The answer that showed it.
        """
        for page in self._numbers(first, last):
            self._pages[page] = replace(self._pages[page], epoch=witness.epoch, total=witness.total)

    def forget(self, first: int, last: int) -> None:
        """Drop the answers of these pages: they count as missing.

        Args:
            first: The lowest page.
            last: The highest page.
        """
        for page in self._numbers(first, last):
            del self._pages[page]

    def _numbers(self, first: int, last: int) -> Iterator[int]:
        return (page for page in range(first, last + 1) if page in self._pages)

    def is_settled(self) -> bool:
        """Whether the pages are one list: all there, of one epoch, distinct ids, as many as the total."""
        if self.total is None or self.missing() or self.stale_runs():
            return False
        ids = [identity for seen in self._pages.values() for identity in seen.ids]
        return len(ids) == len(set(ids)) == self.total

    def listing(self) -> tuple[int, ...] | None:
        """The ids of all pages, in their order; None while pages are missing or of more than one list."""
        if self.total is None or self.missing() or self.stale_runs():
            return None
        return tuple(identity for _, seen in sorted(self._pages.items()) for identity in seen.ids)
