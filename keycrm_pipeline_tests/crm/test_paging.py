"""A list that changes while it is paged: no row that stayed is lost, and unchanging lists cost no more."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError, TransportFailure
from keycrm_pipeline.crm.page_tracker import PageTracker
from keycrm_pipeline.crm.paging import FetchedPage, PagedList, PageWorkers, Result
from keycrm_pipeline.sentences.client import Client

Ids = tuple[int, ...]
Stored = dict[int, tuple[int, Ids]]
Script = Mapping[int, Callable[[list[int]], None]]


class ChangingList:
    """A sorted list of ids, paged by offset, and changed by a script between requests."""

    def __init__(self, ids: list[int], script: Script | None = None) -> None:
        self.ids = ids
        self.script = dict(script or {})
        self.requested: list[int] = []
        self.stayed = set(ids)
        self.at_start: set[int] | None = None

    def fetch(self, page: int) -> FetchedPage[tuple[int, int, Ids]]:
        change = self.script.get(len(self.requested))
        if change is not None:
            change(self.ids)
            self.ids.sort()
            self.stayed &= set(self.ids)
        if self.at_start is None:
            self.at_start = set(self.ids)
        self.requested.append(page)
        ids = tuple(self.ids[(page - 1) * 50 : page * 50])
        has_new_rows = not self.at_start.issuperset(ids)
        return FetchedPage(page, len(self.ids), 50, ids, (page, len(self.ids), ids), has_new_rows)


class UnorderedWorkers(PageWorkers):
    """Requests made at the same moment are answered in any order, and their answers arrive in any other."""

    def __init__(self, seed: int) -> None:
        super().__init__(1)
        self._random = random.Random(seed)

    def results(self, fetch: Callable[[int], Result], numbers: Iterable[int]) -> Iterator[Result]:
        numbers = list(numbers)
        self._random.shuffle(numbers)
        answers = [fetch(number) for number in numbers]
        self._random.shuffle(answers)
        yield from answers


def read(
    changing: ChangingList,
    stored: Stored | None = None,
    *,
    is_open: bool = False,
    workers: PageWorkers | None = None,
) -> Iterator[tuple[int, int, Ids]]:
    workers = workers or PageWorkers(1)
    if not stored:
        changing.at_start = None
    try:
        yield from PagedList(
            changing.fetch, workers=workers, route="/order", stored=stored or {}, is_open=is_open
        ).pages()
    finally:
        workers.close()


def all_ids(pages: list[tuple[int, int, Ids]]) -> set[int]:
    return {order_id for _, _, ids in pages for order_id in ids}


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3), (1000, 20)]
)
def test_an_unchanging_list_costs_one_request_per_50_rows(count: int, requests: int) -> None:
    changing = ChangingList(list(range(1, count + 1)))
    pages = list(read(changing))
    assert sorted(changing.requested) == list(range(1, requests + 1))
    assert len(pages) == requests
    assert all_ids(pages) == set(range(1, count + 1))


def test_new_orders_at_the_end_cost_two_more_requests_not_a_new_listing() -> None:
    """Two orders come in after page 2 of 6: pages 6 and 2 are checked again, and the rest cannot have moved."""
    changing = ChangingList(list(range(1, 291)), {3: lambda ids: ids.extend([1001, 1002])})
    pages = list(read(changing))
    assert changing.requested == [1, 6, 2, 3, 4, 5, 6, 2]
    assert all_ids(pages) == {*range(1, 291), 1001, 1002}


def test_new_orders_that_open_a_new_page_are_fetched() -> None:
    changing = ChangingList(list(range(1, 101)), {1: lambda ids: ids.extend(range(201, 206))})
    pages = list(read(changing))
    assert changing.requested == [1, 2, 3, 2, 1]
    assert all_ids(pages) == {*range(1, 101), *range(201, 206)}


def test_an_order_that_slips_into_a_page_already_read_is_found() -> None:
    """Order 3 is deleted after page 1 was read: 51 slips from page 2 to page 1 and would never be seen."""
    changing = ChangingList(list(range(1, 151)), {1: lambda ids: ids.remove(3)})
    pages = list(read(changing))
    assert 51 in all_ids(pages)
    assert changing.stayed <= all_ids(pages)
    assert len(changing.requested) <= 5


def test_a_page_that_shrinks_to_nothing_is_not_an_error() -> None:
    changing = ChangingList(list(range(1, 61)), {1: lambda ids: ids.__delitem__(slice(40, 60))})
    pages = list(read(changing))
    assert changing.stayed <= all_ids(pages)
    assert max(page for page in changing.requested) == 2


def test_reading_a_list_that_is_emptied_meanwhile_ends() -> None:
    changing = ChangingList(list(range(1, 161)), {2: lambda ids: ids.clear()})
    list(read(changing))
    assert len(changing.requested) < 12


def test_a_short_page_is_requested_again() -> None:
    """A page of 10 rows where there must be 50 is a hiccup of KeyCRM's."""
    changing = ChangingList(list(range(1, 151)))
    original = changing.fetch

    def fetch(page: int) -> FetchedPage[tuple[int, int, Ids]]:
        answer = original(page)
        if changing.requested == [1, 3, 2]:
            return FetchedPage(page, answer.total, 50, answer.ids[:10], (page, answer.total, answer.ids[:10]))
        return answer

    changing.fetch = fetch  # type: ignore[method-assign]
    pages = list(read(changing))
    assert changing.requested == [1, 3, 2, 2]
    assert all_ids(pages) == set(range(1, 151))


def test_a_list_that_never_stops_changing_is_given_up_with_a_message() -> None:
    script = {turn: (lambda ids: ids.pop(0)) for turn in range(400)}
    changing = ChangingList(list(range(1, 1001)), script)
    with pytest.raises(TransportFailure, match="keeps changing"):
        list(read(changing))
    assert len(changing.requested) < 200


def test_rows_that_change_without_the_total_are_found_by_their_ids() -> None:
    """One order is deleted and another added between the same two requests: the duplicate id reveals it."""

    def swap(ids: list[int]) -> None:
        ids.remove(140)
        ids.append(1)

    changing = ChangingList(list(range(2, 152)), {1: swap})
    pages = list(read(changing))
    assert all_ids(pages) >= changing.stayed | {1}


def test_an_order_that_keycrm_itself_lists_twice_is_not_a_changing_list() -> None:
    """An unchanging list with a duplicate row could never be loaded: every time it "keeps changing".

    Everything is read twice, three pages each time, and every order is there.
    """
    changing = ChangingList([*range(1, 61), *range(60, 121)])
    pages = list(read(changing))
    assert all_ids(pages) == set(range(1, 121))
    assert sorted(changing.requested) == [1, 1, 2, 2, 3, 3]


def test_unsorted_rows_with_a_duplicate_are_not_trusted() -> None:
    """If rows are not sorted, the duplicate may have taken the place of an order that no page has shown."""
    changing = ChangingList([*range(1, 41), *range(80, 40, -1), 41, *range(81, 120)])
    with pytest.raises(TransportFailure):
        list(read(changing))


def swap(place: int, new: int) -> Callable[[list[int]], None]:
    """An order is deleted and another added, both between the same two requests."""

    def change(ids: list[int]) -> None:
        if ids:
            del ids[place % len(ids)]
        ids.append(new)

    return change


@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5])
def test_a_deletion_that_a_new_order_hides_loses_nothing(turn: int) -> None:
    """The total stays the same, and the first order of the next page slips into one already read: it is found."""
    changing = ChangingList(list(range(1, 291)), {turn: swap(2, 1001)})
    pages = list(read(changing))
    assert changing.stayed <= all_ids(pages)
    assert len(changing.requested) <= 13


def test_a_deletion_that_a_new_order_hides_in_a_list_of_two_pages() -> None:
    """Only the first page was read before the change, so it alone is read again."""
    changing = ChangingList(list(range(1, 91)), {1: swap(2, 1001)})
    pages = list(read(changing))
    assert changing.requested == [1, 2, 1]
    assert 51 in all_ids(pages)


@given(
    st.integers(0, 330),
    st.dictionaries(st.integers(0, 8), st.integers(0, 3000), max_size=3),
)
@settings(deadline=None, max_examples=200)
def test_whatever_new_orders_hide_no_order_that_stayed_is_lost(count: int, deleted: dict[int, int]) -> None:
    """Deletions at any moment, each with a new order at the same moment, so that no total ever shows them."""
    changing = ChangingList(
        list(range(1, count + 1)), {turn: swap(place, 1001 + turn) for turn, place in deleted.items()}
    )
    pages = list(read(changing))
    assert changing.stayed <= all_ids(pages)


@given(
    st.integers(0, 330),
    st.dictionaries(st.integers(0, 8), st.integers(0, 3000), max_size=3),
    st.integers(0, 10**6),
)
@settings(deadline=None, max_examples=400)
def test_pages_answered_out_of_order_lose_nothing(count: int, deleted: dict[int, int], seed: int) -> None:
    """As above, with pages that are requested at the same moment: answered, and arriving, in any order."""
    changing = ChangingList(
        list(range(1, count + 1)), {turn: swap(place, 1001 + turn) for turn, place in deleted.items()}
    )
    pages = list(read(changing, workers=UnorderedWorkers(seed)))
    assert changing.stayed <= all_ids(pages)


def test_a_page_read_after_a_hidden_deletion_proves_nothing_of_the_page_before_it() -> None:
    """Pages 1 and 2 of 4 are stored; then 41 is deleted and 900 comes in; page 3 is requested next.

    Page 3 does not move any more, although 51 has slipped into page 1 and 101 into page 2.
    """
    changing = ChangingList(list(range(1, 161)))
    changing.at_start = set(changing.ids)
    stored = stored_from(changing, [1, 2])
    swap(40, 900)(changing.ids)
    pages = list(read(changing, stored))
    assert {51, 101} <= all_ids(pages)


def stored_from(changing: ChangingList, pages: list[int]) -> Stored:
    return {page: (len(changing.ids), tuple(changing.ids[(page - 1) * 50 : page * 50])) for page in pages}


def test_a_resumed_listing_requests_only_what_is_missing() -> None:
    changing = ChangingList(list(range(1, 501)))
    pages = list(read(changing, stored_from(changing, [1, 2, 3, 5, 6, 9])))
    assert changing.requested == [4, 10, 7, 8]
    assert all_ids(pages) == {*range(151, 201), *range(301, 401), *range(451, 501)}


def test_a_complete_listing_costs_nothing_when_resumed() -> None:
    changing = ChangingList(list(range(1, 121)))
    assert list(read(changing, stored_from(changing, [1, 2, 3]))) == []
    assert changing.requested == []


def test_a_complete_listing_requests_one_page_if_the_list_may_have_grown() -> None:
    changing = ChangingList(list(range(1, 121)))
    stored = stored_from(changing, [1, 2, 3])
    list(read(changing, stored, is_open=True))
    assert changing.requested == [3]
    changing.ids.extend(range(121, 153))
    pages = list(read(changing, stored, is_open=True))
    assert changing.requested == [3, 3, 4, 3, 2]
    assert all_ids(pages) >= {*range(101, 153)}


def test_a_resumed_listing_checks_one_stored_page_when_only_new_orders_were_added() -> None:
    changing = ChangingList(list(range(1, 501)))
    stored = stored_from(changing, [1, 2, 3, 4, 5, 6])
    changing.ids.extend([1001, 1002])
    pages = list(read(changing, stored))
    assert changing.requested == [7, 11, 8, 9, 10, 6]
    assert {1001, 1002} <= all_ids(pages)


def test_a_resumed_listing_requests_stored_pages_again_from_where_the_list_changed() -> None:
    """Order 120 on page 3 was deleted meanwhile: pages 6 to 3 are requested again; page 2 confirms page 1."""
    changing = ChangingList(list(range(1, 501)))
    stored = stored_from(changing, [1, 2, 3, 4, 5, 6])
    changing.ids.remove(120)
    list(read(changing, stored))
    assert changing.requested == [7, 10, 8, 9, 6, 5, 4, 3, 2]


def test_stored_pages_of_different_moments_are_each_checked() -> None:
    changing = ChangingList(list(range(1, 301)))
    stored = stored_from(changing, [1, 2, 3])
    changing.ids.append(1001)
    stored |= stored_from(changing, [4, 5])
    pages = list(read(changing, stored))
    assert changing.requested == [5, 7, 6, 4, 3]
    assert 1001 in all_ids(pages)


def test_an_unmoved_page_does_not_prove_that_no_changes_cancelled_out_below_it() -> None:
    """5 was added to page 1, 1200 removed from page 3: page 4 did not move, but 1000 slipped from page 2 to 3.

    Pages 1 and 2 are read after that, so only checking the first of the stored pages again finds 1000.
    """
    changing = ChangingList(list(range(10, 3010, 10)))
    stored = stored_from(changing, [3, 4])
    changing.ids.remove(1200)
    changing.ids.extend([5, 5001])
    changing.ids.sort()
    pages = list(read(changing, stored))
    assert changing.requested == [1, 7, 2, 5, 6, 4, 3]
    assert 1000 in all_ids(pages)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Changes before some requests; before each only additions or only removals, which totals can show."""

    def added(new: list[int]) -> Callable[[list[int]], None]:
        return lambda ids: ids.extend(sorted(set(new) - set(ids)))

    def removed(places: list[int]) -> Callable[[list[int]], None]:
        def change(ids: list[int]) -> None:
            for place in places:
                if ids:
                    del ids[place % len(ids)]

        return change

    turns = draw(st.lists(st.integers(0, 14), max_size=4, unique=True))
    script: dict[int, Callable[[list[int]], None]] = {}
    for turn in turns:
        if draw(st.booleans()):
            script[turn] = added(draw(st.lists(st.integers(1, 3000), min_size=1, max_size=60)))
        else:
            script[turn] = removed(draw(st.lists(st.integers(0, 3000), min_size=1, max_size=60)))
    return script


ID_LISTS = st.integers(0, 330).map(lambda count: list(range(5, 5 + 5 * count, 5)))


@given(ID_LISTS, scripts())
@settings(deadline=None, max_examples=300)
def test_whatever_changes_no_order_that_stayed_is_lost(ids: list[int], script: Script) -> None:
    """Orders that were in the list from the first request to the last are all yielded, and reading ends."""
    changing = ChangingList(list(ids), script)
    pages = list(read(changing))
    assert changing.stayed <= all_ids(pages)


@given(ID_LISTS, scripts(), st.integers(0, 6), st.data())
@settings(deadline=None, max_examples=200)
def test_an_interrupted_and_resumed_listing_loses_nothing(
    ids: list[int], script: Script, cut_after: int, data: st.DataObject
) -> None:
    """The list changes before the crash, and between the crash and the resumption."""
    changing = ChangingList(list(ids), script)
    stored: Stored = {}
    first = read(changing)
    for count, (page, total, page_ids) in enumerate(first):
        if count >= cut_after:
            break
        stored[page] = (total, page_ids)
    first.close()  # type: ignore[attr-defined]
    before = set(stored)
    # What an answer in flight at the crash saw is unknown: from here on the list only grows.
    changing.script = {}
    if data.draw(st.booleans()):
        changing.ids.extend(
            new for new in data.draw(st.lists(st.integers(5001, 6000), unique=True, max_size=60))
        )
        changing.ids.sort()
    second = list(read(changing, {page: stored[page] for page in before}))
    for page, total, page_ids in second:
        stored[page] = (total, page_ids)
    seen = {order_id for _, page_ids in stored.values() for order_id in page_ids} | all_ids(second)
    assert changing.stayed & set(changing.ids) <= seen


def test_an_error_is_raised_after_what_arrived_and_no_thread_is_left() -> None:
    """Page 4 fails while others are in flight: what had arrived is kept, the rest is cancelled."""
    both_in_flight = threading.Barrier(2, timeout=10)

    def fetch(page: int) -> FetchedPage[int]:
        if page in (3, 4):
            both_in_flight.wait()
        if page == 4:
            raise AuthenticationError(Client.CLIENT_CLOSED.message())
        return FetchedPage(page, 1000, 50, tuple(range(page * 50 - 49, page * 50 + 1)), page)

    workers = PageWorkers(2)
    seen: list[int] = []
    with pytest.raises(AuthenticationError):
        # `extend` keeps what came before the error.
        seen.extend(answer.content for answer in workers.results(fetch, range(1, 21)))
    workers.close()
    assert {1, 2, 3} <= set(seen)
    assert max(seen) < 12
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keycrm")]


def test_a_refused_key_is_reported_even_if_another_page_failed_first() -> None:
    together = threading.Barrier(2, timeout=10)

    def fetch(page: int) -> FetchedPage[int]:
        together.wait()
        if page == 1:
            raise TransportFailure(Client.READING_STOPPED.message())
        raise AuthenticationError(Client.CLIENT_CLOSED.message())

    workers = PageWorkers(2)
    with pytest.raises(AuthenticationError):
        list(workers.results(fetch, [1, 2]))
    workers.close()


def test_closing_the_workers_ends_a_listing_with_a_message() -> None:
    workers = PageWorkers(1)
    changing = ChangingList(list(range(1, 501)))
    pages = PagedList(changing.fetch, workers=workers, route="/order", stored={}).pages()
    next(pages)
    workers.close()
    with pytest.raises(KeyCrmError, match="stopped"):
        list(pages)


def test_another_page_size_than_requested_is_followed() -> None:
    """KeyCRM clamps `limit` silently: with pages of 15, 40 rows are three pages."""
    ids = list(range(1, 41))

    def fetch(page: int) -> FetchedPage[Ids]:
        rows = tuple(ids[(page - 1) * 15 : page * 15])
        return FetchedPage(page, 40, 15, rows, rows)

    workers = PageWorkers(1)
    pages = list(PagedList(fetch, workers=workers, route="/order", stored={}).pages())
    workers.close()
    assert sorted(order_id for page in pages for order_id in page) == ids


def test_a_page_beyond_the_end_no_longer_counts() -> None:
    tracker = PageTracker({})
    tracker.record(1, 60, tuple(range(1, 51)))
    tracker.record(2, 60, tuple(range(51, 61)))
    assert tracker.is_complete()
    tracker.record(1, 50, tuple(range(1, 51)))
    assert tracker.last_page == 1
    assert tracker.is_complete()
