"""A list that moves while it is paged: nothing that lasted is lost, and quiet lists cost no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.crm import AuthenticationError, KeyCrmError, TransportFailure
from keycrm_pipeline.crm.ledger import PageLedger
from keycrm_pipeline.crm.walk import Crew, FetchedPage, ListWalk

Ids = tuple[int, ...]
Done = dict[int, tuple[int, Ids]]
Script = Mapping[int, Callable[[list[int]], None]]


class MovingList:
    """A list of ids in their order, paged by offset, and changed by a script between requests."""

    def __init__(self, ids: list[int], script: Script | None = None) -> None:
        self.ids = ids
        self.script = dict(script or {})
        self.asked: list[int] = []
        self.lasting = set(ids)
        self.before_walk: set[int] | None = None

    def fetch(self, page: int) -> FetchedPage[tuple[int, int, Ids]]:
        change = self.script.get(len(self.asked))
        if change is not None:
            change(self.ids)
            self.ids.sort()
            self.lasting &= set(self.ids)
        if self.before_walk is None:
            self.before_walk = set(self.ids)
        self.asked.append(page)
        ids = tuple(self.ids[(page - 1) * 50 : page * 50])
        newcomers = not self.before_walk.issuperset(ids)
        return FetchedPage(page, len(self.ids), 50, ids, (page, len(self.ids), ids), newcomers)


def crew() -> Crew:
    return Crew(1)


def walk(
    moving: MovingList, done: Done | None = None, *, is_open: bool = False
) -> Iterator[tuple[int, int, Ids]]:
    threads = crew()
    if not done:
        moving.before_walk = None
    try:
        yield from ListWalk(
            moving.fetch, crew=threads, route="/order", done=done or {}, is_open=is_open
        ).contents()
    finally:
        threads.close()


def all_ids(pages: list[tuple[int, int, Ids]]) -> set[int]:
    return {order_id for _, _, ids in pages for order_id in ids}


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (1, 1), (49, 1), (50, 1), (51, 2), (100, 2), (101, 3), (1000, 20)]
)
def test_a_quiet_list_costs_one_request_for_each_50_rows(count: int, requests: int) -> None:
    moving = MovingList(list(range(1, count + 1)))
    pages = list(walk(moving))
    assert sorted(moving.asked) == list(range(1, requests + 1))
    assert len(pages) == requests
    assert all_ids(pages) == set(range(1, count + 1))


def test_new_orders_at_the_end_cost_two_requests_more_not_a_new_walk() -> None:
    """Two orders come in after page 2 of 6: pages 6 and 2 are looked at again, the rest is known to have stayed."""
    moving = MovingList(list(range(1, 291)), {3: lambda ids: ids.extend([1001, 1002])})
    pages = list(walk(moving))
    assert moving.asked == [1, 6, 2, 3, 4, 5, 6, 2]
    assert all_ids(pages) == {*range(1, 291), 1001, 1002}


def test_new_orders_that_open_a_new_page_are_fetched() -> None:
    moving = MovingList(list(range(1, 101)), {1: lambda ids: ids.extend(range(201, 206))})
    pages = list(walk(moving))
    assert moving.asked == [1, 2, 3, 2, 1]
    assert all_ids(pages) == {*range(1, 101), *range(201, 206)}


def test_an_order_that_slips_into_a_page_already_read_is_found() -> None:
    """Order 3 is deleted after page 1 was read: 51 slips from page 2 to page 1 and would never be seen."""
    moving = MovingList(list(range(1, 151)), {1: lambda ids: ids.remove(3)})
    pages = list(walk(moving))
    assert 51 in all_ids(pages)
    assert moving.lasting <= all_ids(pages)
    assert len(moving.asked) <= 5


def test_a_page_that_shrinks_to_nothing_is_no_error() -> None:
    moving = MovingList(list(range(1, 61)), {1: lambda ids: ids.__delitem__(slice(40, 60))})
    pages = list(walk(moving))
    assert moving.lasting <= all_ids(pages)
    assert max(page for page in moving.asked) == 2


def test_a_list_that_is_emptied_in_the_middle_ends() -> None:
    moving = MovingList(list(range(1, 161)), {2: lambda ids: ids.clear()})
    list(walk(moving))
    assert len(moving.asked) < 12


def test_a_short_page_is_asked_again() -> None:
    """A page of 10 rows where 50 belong is no page: KeyCRM hiccuped."""
    moving = MovingList(list(range(1, 151)))
    honest = moving.fetch

    def fetch(page: int) -> FetchedPage[tuple[int, int, Ids]]:
        answer = honest(page)
        if moving.asked == [1, 3, 2]:
            return FetchedPage(page, answer.total, 50, answer.ids[:10], (page, answer.total, answer.ids[:10]))
        return answer

    moving.fetch = fetch  # type: ignore[method-assign]
    pages = list(walk(moving))
    assert moving.asked == [1, 3, 2, 2]
    assert all_ids(pages) == set(range(1, 151))


def test_a_list_that_never_rests_is_given_up_in_words() -> None:
    script = {turn: (lambda ids: ids.pop(0)) for turn in range(400)}
    moving = MovingList(list(range(1, 1001)), script)
    with pytest.raises(TransportFailure, match="keeps changing"):
        list(walk(moving))
    assert len(moving.asked) < 200


def test_rows_that_change_without_the_total_are_found_by_their_ids() -> None:
    """One order deleted, another added between the same two requests: the doubled id gives it away."""

    def swap(ids: list[int]) -> None:
        ids.remove(140)
        ids.append(1)

    moving = MovingList(list(range(2, 152)), {1: swap})
    pages = list(walk(moving))
    assert all_ids(pages) >= moving.lasting | {1}


def test_an_order_that_keycrm_itself_lists_twice_is_no_moving_list() -> None:
    """A list that stands still with a row in it twice could never be loaded: "keeps changing", each time anew.

    All is read twice, three pages each time, and every order is there.
    """
    moving = MovingList([*range(1, 61), *range(60, 121)])
    pages = list(walk(moving))
    assert all_ids(pages) == set(range(1, 121))
    assert sorted(moving.asked) == [1, 1, 2, 2, 3, 3]


def test_rows_in_no_order_with_one_of_them_twice_are_not_trusted() -> None:
    """Where rows have no order, the second place of one may be that of another, which no page has shown."""
    moving = MovingList([*range(1, 41), *range(80, 40, -1), 41, *range(81, 120)])
    with pytest.raises(TransportFailure):
        list(walk(moving))


def swap(place: int, new: int) -> Callable[[list[int]], None]:
    """An order is deleted and another comes in, both between the same two requests."""

    def change(ids: list[int]) -> None:
        if ids:
            del ids[place % len(ids)]
        ids.append(new)

    return change


@pytest.mark.parametrize("turn", [1, 2, 3, 4, 5])
def test_a_deletion_that_a_new_order_hides_loses_nothing(turn: int) -> None:
    """The total stays, and the first order of the next page slips into one that was read: it is found."""
    moving = MovingList(list(range(1, 291)), {turn: swap(2, 1001)})
    pages = list(walk(moving))
    assert moving.lasting <= all_ids(pages)
    assert len(moving.asked) <= 13


def test_a_deletion_that_a_new_order_hides_in_a_list_of_two_pages() -> None:
    """Only the first page was read before it: it alone is read again."""
    moving = MovingList(list(range(1, 91)), {1: swap(2, 1001)})
    pages = list(walk(moving))
    assert moving.asked == [1, 2, 1]
    assert 51 in all_ids(pages)


@given(
    st.integers(0, 330),
    st.dictionaries(st.integers(0, 8), st.integers(0, 3000), max_size=3),
)
@settings(deadline=None, max_examples=200)
def test_whatever_is_hidden_by_new_orders_nothing_that_lasted_is_lost(
    count: int, deleted: dict[int, int]
) -> None:
    """Deletions at any moment, each with a new order in the same moment, so that no total ever tells."""
    moving = MovingList(
        list(range(1, count + 1)), {turn: swap(place, 1001 + turn) for turn, place in deleted.items()}
    )
    pages = list(walk(moving))
    assert moving.lasting <= all_ids(pages)


def done_from(moving: MovingList, pages: list[int]) -> Done:
    return {page: (len(moving.ids), tuple(moving.ids[(page - 1) * 50 : page * 50])) for page in pages}


def test_a_resumed_walk_asks_only_for_what_is_missing() -> None:
    moving = MovingList(list(range(1, 501)))
    pages = list(walk(moving, done_from(moving, [1, 2, 3, 5, 6, 9])))
    assert moving.asked == [4, 10, 7, 8]
    assert all_ids(pages) == {*range(151, 201), *range(301, 401), *range(451, 501)}


def test_a_walk_that_was_complete_costs_nothing_when_resumed() -> None:
    moving = MovingList(list(range(1, 121)))
    assert list(walk(moving, done_from(moving, [1, 2, 3]))) == []
    assert moving.asked == []


def test_a_walk_that_was_complete_asks_one_page_of_a_list_that_can_have_grown() -> None:
    moving = MovingList(list(range(1, 121)))
    done = done_from(moving, [1, 2, 3])
    list(walk(moving, done, is_open=True))
    assert moving.asked == [3]
    moving.ids.extend(range(121, 153))
    pages = list(walk(moving, done, is_open=True))
    assert moving.asked == [3, 3, 4, 3, 2]
    assert all_ids(pages) >= {*range(101, 153)}


def test_a_resumed_walk_looks_at_one_stored_page_when_only_new_orders_came() -> None:
    moving = MovingList(list(range(1, 501)))
    done = done_from(moving, [1, 2, 3, 4, 5, 6])
    moving.ids.extend([1001, 1002])
    pages = list(walk(moving, done))
    assert moving.asked == [7, 11, 8, 9, 10, 6]
    assert {1001, 1002} <= all_ids(pages)


def test_a_resumed_walk_asks_stored_pages_again_from_where_the_list_moved() -> None:
    """Order 120 of page 3 was deleted meanwhile: pages 6 to 3 are asked again; page 2 vouches for 1."""
    moving = MovingList(list(range(1, 501)))
    done = done_from(moving, [1, 2, 3, 4, 5, 6])
    moving.ids.remove(120)
    list(walk(moving, done))
    assert moving.asked == [7, 10, 8, 9, 6, 5, 4, 3, 2]


def test_stored_pages_of_different_moments_are_each_looked_at() -> None:
    moving = MovingList(list(range(1, 301)))
    done = done_from(moving, [1, 2, 3])
    moving.ids.append(1001)
    done |= done_from(moving, [4, 5])
    pages = list(walk(moving, done))
    assert moving.asked == [5, 7, 6, 4, 3]
    assert 1001 in all_ids(pages)


def test_a_page_that_stayed_does_not_vouch_for_moves_that_cancel_out_below_it() -> None:
    """5 was added to page 1, 1200 removed from page 3: page 4 stayed, but 1000 slipped from page 2 to 3.

    Pages 1 and 2 are read after that, so only a second look at the lower end of the stored pages finds 1000.
    """
    moving = MovingList(list(range(10, 3010, 10)))
    done = done_from(moving, [3, 4])
    moving.ids.remove(1200)
    moving.ids.extend([5, 5001])
    moving.ids.sort()
    pages = list(walk(moving, done))
    assert moving.asked == [1, 7, 2, 5, 6, 4, 3]
    assert 1000 in all_ids(pages)


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Changes before some requests; before each only additions or only removals, as totals can show."""

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
def test_whatever_moves_nothing_that_lasted_is_lost(ids: list[int], script: Script) -> None:
    """Orders that were in the list from the first request to the last are all yielded, and the walk ends."""
    moving = MovingList(list(ids), script)
    pages = list(walk(moving))
    assert moving.lasting <= all_ids(pages)


@given(ID_LISTS, scripts(), st.integers(0, 6), st.data())
@settings(deadline=None, max_examples=200)
def test_a_walk_that_is_cut_off_and_resumed_loses_nothing(
    ids: list[int], script: Script, cut_after: int, data: st.DataObject
) -> None:
    """The list moves before the crash, and between crash and resumption."""
    moving = MovingList(list(ids), script)
    stored: Done = {}
    first = walk(moving)
    for count, (page, total, page_ids) in enumerate(first):
        if count >= cut_after:
            break
        stored[page] = (total, page_ids)
    first.close()  # type: ignore[attr-defined]
    before = set(stored)
    # What an answer on its way at the crash saw is not known to anybody: from here on the list only grows.
    moving.script = {}
    if data.draw(st.booleans()):
        moving.ids.extend(
            new for new in data.draw(st.lists(st.integers(5001, 6000), unique=True, max_size=60))
        )
        moving.ids.sort()
    second = list(walk(moving, {page: stored[page] for page in before}))
    for page, total, page_ids in second:
        stored[page] = (total, page_ids)
    seen = {order_id for _, page_ids in stored.values() for order_id in page_ids} | all_ids(second)
    assert moving.lasting & set(moving.ids) <= seen


def test_an_error_is_raised_after_what_arrived_and_no_thread_goes_on() -> None:
    """Page 4 fails while others are on their way: what had come is kept, the rest is cancelled."""
    both_on_their_way = threading.Barrier(2, timeout=10)

    def fetch(page: int) -> FetchedPage[int]:
        if page in (3, 4):
            both_on_their_way.wait()
        if page == 4:
            raise AuthenticationError("refused")
        return FetchedPage(page, 1000, 50, tuple(range(page * 50 - 49, page * 50 + 1)), page)

    threads = Crew(2)
    seen: list[int] = []
    with pytest.raises(AuthenticationError):
        # `extend` keeps what came before the error.
        seen.extend(answer.content for answer in threads.results(fetch, range(1, 21)))
    threads.close()
    assert {1, 2, 3} <= set(seen)
    assert max(seen) < 12
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keycrm")]


def test_a_refused_key_is_named_even_when_another_page_failed_first() -> None:
    together = threading.Barrier(2, timeout=10)

    def fetch(page: int) -> FetchedPage[int]:
        together.wait()
        if page == 1:
            raise TransportFailure("timeout")
        raise AuthenticationError("refused")

    threads = Crew(2)
    with pytest.raises(AuthenticationError):
        list(threads.results(fetch, [1, 2]))
    threads.close()


def test_a_closed_crew_ends_a_walk_in_words() -> None:
    threads = Crew(1)
    moving = MovingList(list(range(1, 501)))
    pages = ListWalk(moving.fetch, crew=threads, route="/order", done={}).contents()
    next(pages)
    threads.close()
    with pytest.raises(KeyCrmError, match="ended"):
        list(pages)


def test_another_page_size_than_asked_is_followed() -> None:
    """KeyCRM clamps `limit` silently: with pages of 15, 40 rows are three pages."""
    ids = list(range(1, 41))

    def fetch(page: int) -> FetchedPage[Ids]:
        rows = tuple(ids[(page - 1) * 15 : page * 15])
        return FetchedPage(page, 40, 15, rows, rows)

    threads = crew()
    pages = list(ListWalk(fetch, crew=threads, route="/order", done={}).contents())
    threads.close()
    assert sorted(order_id for page in pages for order_id in page) == ids


def test_ledger_counts_a_page_beyond_the_end_as_gone() -> None:
    ledger = PageLedger({})
    ledger.note(1, 60, tuple(range(1, 51)))
    ledger.note(2, 60, tuple(range(51, 61)))
    assert ledger.is_settled()
    ledger.note(1, 50, tuple(range(1, 51)))
    assert ledger.last_page == 1
    assert ledger.is_settled()
