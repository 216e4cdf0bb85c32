"""Orders are split into ranges that are processed together."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.ranges import (
    LARGE_PAYLOAD,
    MANY_LINES,
    OrderRange,
    orders_that_fit,
    ranges_of_days,
    ranges_of_orders,
)


def _march(day: int) -> date:
    return date(2026, 3, day)


def test_fewer_large_orders_go_together() -> None:
    """3.5 KB is not large; at 16 KB half as many fit, at thirty lines eight thirtieths; one always does."""
    assert orders_that_fit(50_000, 3_500, LARGE_PAYLOAD) == 50_000
    assert orders_that_fit(50_000, 16_384, LARGE_PAYLOAD) == 25_000
    assert orders_that_fit(4_500, 30, MANY_LINES) == 1_200
    assert orders_that_fit(4_500, 0, MANY_LINES) == 4_500
    assert orders_that_fit(3, 1_000_000, LARGE_PAYLOAD) == 1


def test_days_go_together_while_they_fit() -> None:
    """Forty, fifty and ten orders fit into a hundred; the next sixty start another range."""
    counts = [(_march(1), 40), (_march(2), 50), (_march(5), 10), (_march(6), 60)]
    assert ranges_of_days(counts, 100) == [
        Period(_march(1), _march(5)),
        Period(_march(6), _march(6)),
    ]


def test_a_day_with_very_many_orders_is_split() -> None:
    """A shop that imported its whole history on one day has all orders there: memory must not grow with such a day.

    The days before and after it get ranges of their own, so that none of its orders is in two ranges.
    """
    parts = [
        (_march(1), 11, 14, 4),
        (_march(2), 15, 108, 5),
        (_march(2), 109, 230, 5),
        (_march(2), 231, 233, 3),
        (_march(3), 240, 241, 2),
        (_march(4), 250, 252, 3),
    ]
    assert ranges_of_orders(parts, 5, workers=2) == [
        OrderRange(_march(1), _march(1)),
        OrderRange(_march(2), _march(2), 15, 108),
        OrderRange(_march(2), _march(2), 109, 230),
        OrderRange(_march(2), _march(2), 231, 233),
        OrderRange(_march(3), _march(4)),
    ]


def _days(counts: list[int]) -> list[tuple[date, int, int, int]]:
    return [(_march(1 + offset), 0, count - 1, count) for offset, count in enumerate(counts)]


def test_a_month_keeps_two_workers_busy() -> None:
    """2,728 orders would fit into one range of 4,000; sixteen days (1,408) and fifteen (1,320) run concurrently."""
    assert ranges_of_orders(_days([88] * 31), 4_000, workers=2) == [
        OrderRange(_march(1), _march(16)),
        OrderRange(_march(17), _march(31)),
    ]


def test_few_orders_stay_together() -> None:
    """930 orders: a second range would cost more than it saves."""
    assert ranges_of_orders(_days([30] * 31), 4_000, workers=2) == [OrderRange(_march(1), _march(31))]


def test_ranges_are_of_about_the_same_size() -> None:
    """6,200 orders in ranges of at most 4,000: not 4,000 and 2,200, where one worker would wait for the other."""
    assert ranges_of_orders(_days([200] * 31), 4_000, workers=2) == [
        OrderRange(_march(1), _march(16)),
        OrderRange(_march(17), _march(31)),
    ]


@given(
    st.lists(st.integers(min_value=1, max_value=2_000), max_size=31),
    st.integers(min_value=2_000, max_value=9_000),
    st.integers(min_value=1, max_value=4),
)
def test_ranges_of_days_hold_every_order_once(counts: list[int], most: int, workers: int) -> None:
    """For any month and any number of workers: each day is in one range, in order, and no range is too large."""
    ranges = ranges_of_orders(_days(counts), most, workers=workers)
    days = [
        [offset for offset in range(len(counts)) if one.first_day <= _march(1 + offset) <= one.last_day]
        for one in ranges
    ]
    assert [offset for found in days for offset in found] == list(range(len(counts)))
    assert all(0 < sum(counts[offset] for offset in found) <= most for found in days)


@given(st.lists(st.integers(min_value=1, max_value=23), max_size=12), st.integers(min_value=1, max_value=10))
def test_every_order_is_in_one_range_that_is_not_too_large(orders_of_days: list[int], most: int) -> None:
    """For any number of orders per day: none is left out, none is processed twice."""
    orders = [
        (_march(1 + offset), 1000 * offset + number)
        for offset, count in enumerate(orders_of_days)
        for number in range(count)
    ]
    parts = []
    for offset, count in enumerate(orders_of_days):
        for begin in range(0, count, most):
            end = min(begin + most, count)
            parts.append((_march(1 + offset), 1000 * offset + begin, 1000 * offset + end - 1, end - begin))
    ranges = ranges_of_orders(parts, most, workers=2)
    found = [
        [
            order_id
            for day, order_id in orders
            if one.first_day <= day <= one.last_day and one.first_id <= order_id <= one.last_id
        ]
        for one in ranges
    ]
    assert [order_id for ids in found for order_id in ids] == [order_id for _day, order_id in orders]
    assert all(0 < len(ids) <= most for ids in found)
