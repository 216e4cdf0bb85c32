"""The pace of requests: a short burst, then even; slower after refusals, never more in a minute than configured."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
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


class StrictServer:
    """Refuses each request above a number within any 60 seconds, like the strictest reading of the limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.seen: list[float] = []

    def refuses(self, now: float) -> bool:
        """Counts a request, refused or not."""
        self.seen = [*(at for at in self.seen if at > now - 60), now]
        return len(self.seen) > self.limit


def most_in_a_minute(at: Sequence[float]) -> int:
    """The most requests within any 60 seconds."""
    return max(sum(start <= moment < start + 60 for moment in at) for start in at)


def spend_burst(budget: RequestBudget) -> None:
    """Sends what may be sent at once, and two minutes' worth more."""
    for _ in range(int(budget.configured * 2.5)):
        budget.acquire()


def rate_of(budget: RequestBudget, time: VirtualTime) -> float:
    """Requests per minute at the current pace, measured between two requests of a long load."""
    spend_burst(budget)
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
    assert most_in_a_minute(at) <= rate
    assert (len(at) - 1) / (at[-1] - at[0]) >= 0.95 * rate / 60


@pytest.mark.parametrize("rate", [4, 20, 60, 300])
def test_half_of_an_unused_minute_goes_at_once(rate: int) -> None:
    """A check makes six requests: at 20 per minute they take no time, instead of 15 silent seconds."""
    time = VirtualTime()
    budget = budget_in(time, rate)
    for _ in range(3):
        at = moments(budget, time, rate // 2 + 1)
        assert at[-2] == at[0]
        assert at[-1] > at[0]
        time.now += 600


def test_after_a_burst_the_rest_of_the_minute_is_shared_out(virtual_time: VirtualTime) -> None:
    """No standstill at the end of the minute: 10 at once, then one every 6 s, and after a minute one every 3 s."""
    at = moments(budget_in(virtual_time, 20), virtual_time, 60)
    gaps = [round(later - earlier, 1) for earlier, later in pairwise(at)]
    assert gaps[:9] == [0.0] * 9
    assert max(gaps) <= 6.1
    assert gaps[-20:] == [3.0] * 20


@pytest.mark.parametrize("rate", [1, 2, 3, 7, 20, 60, 300])
@pytest.mark.parametrize("seed", range(5))
def test_a_strict_server_never_refuses_bursts_steady_load_and_idle_times(rate: int, seed: int) -> None:
    """Commands and loads of any length, after pauses of any length: no 60 seconds see more than the limit."""
    time, server, chance = VirtualTime(), StrictServer(rate), random.Random(seed)
    budget = budget_in(time, rate)
    for _ in range(40):
        for _ in range(chance.randrange(1, rate * 2 + 2)):
            budget.acquire()
            assert not server.refuses(time.now)
            budget.succeeded()
        time.now += chance.choice([0, 1, 20, 59, 61, 300]) * chance.random()


@pytest.mark.parametrize("rate", [2, 20, 60])
def test_a_strict_server_is_obeyed_after_refusals(rate: int) -> None:
    """Another program has used the limit: after the refusal nothing goes at once, until the rate is back."""
    time, server = VirtualTime(), StrictServer(rate)
    budget = budget_in(time, rate)
    for _ in range(rate):
        server.refuses(time.now)
    grant = budget.acquire()
    assert server.refuses(time.now)
    budget.refused(grant, retry_after=61)
    at = []
    for _ in range(40):
        budget.acquire()
        assert not server.refuses(time.now)
        budget.succeeded()
        at.append(time.now)
    time.now += 600
    at += moments(budget, time, 9)
    assert min(later - earlier for earlier, later in pairwise(at)) >= 60 / rate * 0.9
    moments(budget, time, 50)
    time.now += 600
    assert len(set(moments(budget, time, rate // 2))) == 1


@pytest.mark.parametrize("rate", [3, 20, 60])
def test_a_strict_server_never_refuses_several_threads(rate: int) -> None:
    """Eight threads share the burst and the pace: together they send no more than the limit."""
    time, read = VirtualTime(), threading.local()

    def clock() -> float:
        read.now = time.now
        return time.now

    budget = RequestBudget(rate, clock, time.sleep, jitter=lambda: 0.0)

    def send(_number: int) -> float:
        budget.acquire()
        # What the thread read last is the moment at which it was let go.
        return float(read.now)

    with ThreadPoolExecutor(8) as pool:
        at = sorted(pool.map(send, range(rate * 5)))
    assert at[: rate // 2] == [at[0]] * (rate // 2)
    assert most_in_a_minute(at) <= rate


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
    """Four threads wait together for four intervals after a burst: that long is reported, not the sum over threads."""
    budget = RequestBudget(1200)
    for _ in range(600):
        budget.acquire()
    with ThreadPoolExecutor(4) as pool:
        grants = list(pool.map(lambda _: budget.acquire(), range(4)))
    assert len(grants) == 4
    assert 0.1 < sum(grant.waited_seconds for grant in grants) < 2


def test_a_cancelled_wait_ends_and_leaves_the_turn_to_others(virtual_time: VirtualTime) -> None:
    budget = budget_in(virtual_time, 1)
    budget.acquire()
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        budget.acquire(stopped=stop.is_set)
    budget.acquire()
    assert virtual_time.now - 1000 == pytest.approx(60.6)


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
        # Milliseconds until the reset, and Unix times in milliseconds.
        ({"X-RateLimit-Reset": "30000"}, 30),
        ({"X-RateLimit-Reset": str((int(NOW.timestamp()) + 9) * 1000), "Date": http_date(0)}, 9),
        ({"Retry-After": str(int(NOW.timestamp()) + 9), "Date": http_date(0)}, 9),
        # Never longer than the minute for which the limit counts, whatever the clocks say.
        ({"X-RateLimit-Reset": "900"}, 60),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 3600), "Date": http_date(0)}, 60),
        # A moment that has passed says nothing: the growing waits are used.
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) - 5), "Date": http_date(0)}, None),
        ({"X-RateLimit-Reset": "0"}, None),
        ({"X-RateLimit-Reset": "9" * 400}, None),
        ({"Retry-After": "9" * 400}, None),
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
