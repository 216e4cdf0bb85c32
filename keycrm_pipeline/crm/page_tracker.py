"""Decides whether pages that were fetched one by one form one consistent list, and which to request again if not.

What belongs here: the reasoning about a list that changes while it is paged; plain data, no requests, no
threads. What does not: fetching (see `paging`).

Paging is by offset. When a row is added or removed below a page, the rows of that page shift, and a row can
slip from a page not yet fetched into one already fetched: it would be lost. Each answer gives the number of
rows in the list, so:

- Consecutive answers with the same total saw the same list (an *epoch*). A list cannot change without its
  total changing, with one exception: additions and removals between two answers cancel out. For pages that
  are read after the last page, that shows as an id that appears twice; those read before it are doubted when
  the last page has new rows (see `paging`).
- A page that was answered in an older epoch is *stale*. If it is requested again and begins with the rows it
  had, nothing moved below it, because rows are sorted by id; new orders only made the list longer.
- Consecutive pages of one epoch saw the same list. If the first and the last of them did not move, no row can
  have slipped out of the range. If the range begins at page 1, its last page is enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count

from keycrm_pipeline.crm.pages import PAGE_SIZE


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The newest answer for one page.

    Attributes:
        total: Rows of the whole list, according to this answer.
        ids: Identities of the page's rows, in page order.
        epoch: Which state of the list the answer saw; pages of one epoch saw the same list.
    """

    total: int
    ids: tuple[int, ...]
    epoch: int


@dataclass(frozen=True, slots=True)
class StaleRange:
    """Consecutive pages that saw the same list, which has changed since."""

    first: int
    last: int


class PageTracker:
    """The newest answer for every page of one list, and which pages are missing.

    Args:
        stored: Pages that an earlier reading of the same list stored: page -> (total, ids). They may come
            from different moments.
        page_size: Rows of a full page.

    Attributes:
        total: Rows of the whole list according to the newest answer; None before the first one.
        epoch: The current state of the list; answers of the same epoch saw the same list.
    """

    def __init__(
        self, stored: Mapping[int, tuple[int, tuple[int, ...]]], *, page_size: int = PAGE_SIZE
    ) -> None:
        self.page_size = page_size
        self.total: int | None = None
        self.epoch = 0
        self._past_epochs = count(-1, -1)
        self._answers: dict[int, PageAnswer] = {}
        self._add_stored(stored)

    def _add_stored(self, stored: Mapping[int, tuple[int, tuple[int, ...]]]) -> None:
        """Add pages of an earlier reading; when each was answered is unknown."""
        totals = {total for total, _ in stored.values()}
        if len(totals) == 1:
            (self.total,) = totals
        # Pages are requested in ascending order, so neighbors with one total saw one list; other pages with
        # that total may not have.
        epoch, previous_total = 0, None
        for page in sorted(stored):
            total, ids = stored[page]
            if len(totals) > 1 and total != previous_total:
                epoch = next(self._past_epochs)
            self._answers[page] = PageAnswer(total, ids, epoch)
            previous_total = total

    @property
    def last_page(self) -> int:
        """Number of the list's last page by the newest total; 1 for an empty list."""
        return max(1, -(-(self.total or 0) // self.page_size))

    def first_to_request(self, *, is_open: bool) -> int:
        """The page to learn the list's current total from.

        Args:
            is_open: The list may have new rows: its last page, so that all others are read after it.

        Returns:
            Else the first missing page. While the totals of the stored pages differ, nobody knows which is the last:
            then the first missing one below the highest, else the highest.
        """
        if self.total is None and self._answers:
            highest = max(self._answers)
            return next((page for page in range(1, highest) if not self._is_whole(page)), highest)
        return self.last_page if is_open else next(iter(self.missing()), self.last_page)

    def doubt_epoch(self) -> None:
        """Assume that the list may have changed between any two answers of this epoch, although its total did not.

        None of them proves anything of another: each of the pages is stale, and is checked by itself.
        """
        for page, answer in self._answers.items():
            if answer.epoch == self.epoch:
                self._answers[page] = replace(answer, epoch=next(self._past_epochs))
        self.epoch += 1

    def record(self, page: int, total: int, ids: tuple[int, ...]) -> None:
        """Record an answer."""
        if total != self.total:
            self.epoch += 1
            self.total = total
        self._answers[page] = PageAnswer(total, ids, self.epoch)
        for beyond in [number for number in self._answers if number > self.last_page]:
            del self._answers[beyond]

    def missing(self) -> list[int]:
        """Pages without an answer, or with more or fewer rows than their own total implies; ascending."""
        return [page for page in range(1, self.last_page + 1) if not self._is_whole(page)]

    def _is_whole(self, page: int) -> bool:
        answer = self._answers.get(page)
        return answer is not None and len(answer.ids) == max(
            0, min(self.page_size, answer.total - (page - 1) * self.page_size)
        )

    def stale_ranges(self) -> list[StaleRange]:
        """Ranges of pages whose list has changed since, the highest first."""
        ranges: list[StaleRange] = []
        epoch_above: int | None = None
        for page in sorted(self._answers, reverse=True):
            epoch = self._answers[page].epoch
            if epoch != self.epoch:
                if ranges and epoch == epoch_above and ranges[-1].first == page + 1:
                    ranges[-1] = replace(ranges[-1], first=page)
                else:
                    ranges.append(StaleRange(page, page))
            epoch_above = epoch
        return ranges

    def is_stale(self, page: int) -> bool:
        """Whether the page has an answer, and the list has changed since."""
        return page in self._answers and self._answers[page].epoch != self.epoch

    def answer(self, page: int) -> PageAnswer | None:
        """The newest answer for a page; None if there is none, or the list is now too short for the page."""
        return self._answers.get(page)

    def confirm(self, first: int, last: int, reference: PageAnswer) -> None:
        """Record that these pages had not moved when the reference page was answered.

        The list may have changed again since then; the pages then stay stale, but of a later epoch.
        """
        for page in self._answered(first, last):
            self._answers[page] = replace(self._answers[page], epoch=reference.epoch, total=reference.total)

    def discard(self, first: int, last: int) -> None:
        """Discard the answers for these pages, so that they count as missing."""
        for page in self._answered(first, last):
            del self._answers[page]

    def _answered(self, first: int, last: int) -> Iterator[int]:
        return (page for page in range(first, last + 1) if page in self._answers)

    def is_complete(self) -> bool:
        """Whether the pages form one list: all present, of one epoch, ids distinct and as many as the total."""
        ids = self.ids()
        return ids is not None and len(ids) == len(set(ids)) == self.total

    def ids(self) -> tuple[int, ...] | None:
        """The ids of all pages, in list order; None while pages are missing or stale."""
        if self.total is None or self.missing() or self.stale_ranges():
            return None
        return tuple(identity for _, answer in sorted(self._answers.items()) for identity in answer.ids)
