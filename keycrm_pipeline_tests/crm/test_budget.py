"""The pace of requests: even, slower after refusals, never faster than configured."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import httpx
import pytest

from keycrm_pipeline.crm.budget import (
    Cancelled,
    RequestBudget,
    is_exhausted,
    reset_seconds,
    retry_after_seconds,
    shared_budget,
    wait_after_refusal,
)
from keycrm_pipeline_tests.virtual_time import VirtualTime


def budget_in(time: VirtualTime, rate: float = 60) -> RequestBudget:
    return RequestBudget(rate, time.clock, time.sleep, jitter=lambda: 0.0)


def rate_of(budget: RequestBudget, time: VirtualTime) -> float:
    """Requests per minute at the current pace, measured between two requests."""
    budget.acquire()
    budget.acquire()
    first = time.now
    budget.acquire()
    return 60 * 1.01 / (time.now - first)


def moments(budget: RequestBudget, time: VirtualTime, count: int) -> list[float]:
    found = []
    for _ in range(count):
        budget.acquire()
        budget.succeeded()
        found.append(time.now)
    return found


@pytest.mark.parametrize("rate", [20, 60, 300])
def test_no_minute_sees_more_requests_than_allowed_and_the_rate_is_used_to_95_percent(rate: int) -> None:
    """A load of thousands of orders is never refused because of its own pace, and uses the rate it is allowed."""
    time = VirtualTime()
    late = random.Random(7)
    budget = RequestBudget(
        rate, time.clock, lambda seconds: time.sleep(seconds + late.uniform(0, 0.002) * 60 / rate)
    )
    at = moments(budget, time, rate * 4)
    assert all(sum(start <= moment < start + 60 for moment in at) <= rate for start in at)
    assert (len(at) - 1) / (at[-1] - at[0]) >= 0.95 * rate / 60


def test_requests_are_not_bunched_after_an_idle_time(virtual_time: VirtualTime) -> None:
    """After ten idle minutes the next requests come once a second, not ten minutes' worth at once."""
    budget = budget_in(virtual_time)
    moments(budget, virtual_time, 3)
    virtual_time.now += 600
    at = moments(budget, virtual_time, 4)
    assert [round(later - earlier, 1) for earlier, later in pairwise(at)] == [0.9, 1.0, 1.0]


def test_a_refusal_halves_the_rate_and_pauses_all_requests_as_long_as_asked(
    virtual_time: VirtualTime,
) -> None:
    budget = budget_in(virtual_time)
    grant = budget.acquire()
    assert budget.refused(grant, retry_after=30) == 30
    refused_at = virtual_time.now
    budget.acquire()
    assert virtual_time.now - refused_at == pytest.approx(30)
    assert rate_of(budget, virtual_time) == pytest.approx(30)


def test_refusals_of_requests_sent_together_slow_down_once(virtual_time: VirtualTime) -> None:
    """Eight pages in flight are refused within the same minute: the rate is 30 afterwards, not 7."""
    budget = budget_in(virtual_time)
    grants = [budget.acquire() for _ in range(8)]
    for grant in grants:
        budget.refused(grant)
    assert rate_of(budget, virtual_time) == pytest.approx(30)


def test_waits_grow_10_20_40_60_if_the_server_does_not_say_how_long(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time)
    waits = [budget.refused(budget.acquire()) for _ in range(6)]
    assert waits == [10, 20, 40, 60, 60, 60]


def test_waits_of_unknown_length_are_spread_by_at_most_a_fifth(virtual_time: VirtualTime) -> None:
    budget = RequestBudget(60, virtual_time.clock, virtual_time.sleep, jitter=lambda: 1.0)
    assert budget.refused(budget.acquire()) == 12


def test_an_answer_in_between_starts_the_waits_from_scratch(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time)
    assert budget.refused(budget.acquire()) == 10
    budget.acquire()
    budget.succeeded()
    assert budget.refused(budget.acquire()) == 10


def test_the_rate_comes_back_in_steps_and_never_above_the_configured_one(
    virtual_time: VirtualTime,
) -> None:
    """60 -> 30 after a refusal; ten good answers add 6, fifty restore 60, and a thousand do not exceed it."""
    budget = budget_in(virtual_time)
    budget.refused(budget.acquire())
    for _ in range(10):
        budget.succeeded()
    assert rate_of(budget, virtual_time) == pytest.approx(36)
    for _ in range(1000):
        budget.succeeded()
    assert rate_of(budget, virtual_time) == pytest.approx(60)


def test_a_storm_of_refusals_never_stops_requests_for_good(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time)
    for _ in range(30):
        budget.refused(budget.acquire())
    assert rate_of(budget, virtual_time) == pytest.approx(60 / 8)


def test_all_requests_wait_for_the_reset_when_none_remains(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time)
    budget.acquire()
    budget.exhausted(17)
    before = virtual_time.now
    budget.acquire()
    assert virtual_time.now - before == pytest.approx(17)
    assert rate_of(budget, virtual_time) == pytest.approx(60)


def test_concurrent_waits_are_not_counted_twice() -> None:
    """Four threads wait together for three intervals: that long is reported, not the sum over threads."""
    budget = RequestBudget(1200)
    with ThreadPoolExecutor(4) as pool:
        grants = list(pool.map(lambda _: budget.acquire(), range(4)))
    assert len(grants) == 4
    assert 0.1 < sum(grant.waited_seconds for grant in grants) < 2


def test_a_cancelled_wait_ends_and_leaves_the_turn_to_others(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time)
    budget.acquire()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        budget.acquire(stopped=stop.is_set)
    budget.acquire()
    assert virtual_time.now - 1000 == pytest.approx(1.01)


def test_one_account_has_one_budget_which_follows_the_configured_rate() -> None:
    budget = shared_budget("account", 20)
    assert shared_budget("account", 60) is budget
    assert budget.configured == 60
    assert shared_budget("other account", 20) is not budget


@pytest.mark.parametrize("rate", [0, -5, float("nan")])
def test_an_impossible_rate_is_rejected(rate: float) -> None:
    with pytest.raises(ValueError, match="requests_per_minute"):
        RequestBudget(rate)


NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def http_date(seconds: int) -> str:
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-3"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
        # The server's clock counts, not ours, which may be a year off.
        (
            {
                "Retry-After": format_datetime(NOW + timedelta(seconds=42), usegmt=True),
                "Date": format_datetime(NOW),
            },
            42,
        ),
        (
            {
                "Retry-After": format_datetime(NOW, usegmt=True),
                "Date": format_datetime(NOW + timedelta(hours=1)),
            },
            0,
        ),
        ({"X-RateLimit-Reset": "12"}, 12),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 9), "Date": http_date(0)}, 9),
        ({"X-RateLimit-Reset": "12", "Retry-After": "5"}, 5),
    ],
)
def test_headers_say_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_after_refusal(httpx.Headers(headers)) == seconds


def test_only_a_remaining_count_of_zero_means_exhausted() -> None:
    assert is_exhausted(httpx.Headers({"X-RateLimit-Remaining": "0"}))
    assert not is_exhausted(httpx.Headers({"X-RateLimit-Remaining": "1"}))
    assert not is_exhausted(httpx.Headers({"X-RateLimit-Remaining": "many"}))
    assert reset_seconds(httpx.Headers({})) is None
    assert retry_after_seconds(httpx.Headers({"X-RateLimit-Reset": "5"})) is None
