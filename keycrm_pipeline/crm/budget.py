"""How many requests may be sent, and when: one budget for everything that uses one API key.

What belongs here: the pace, and the pauses KeyCRM asks for. What does not: which answers are refusals, and how
often one request is retried (see `connection`).
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PACE_MARGIN = 1.01
"""The pace stays below the allowed rate by this factor. The network delays requests unevenly: at the full rate
the server sometimes sees one request too many in a minute, and one refusal costs more than this margin."""

CATCH_UP = 0.1
"""Part of an interval by which the pace may catch up after a late request, so that late wake-ups do not add up."""

WAITS_AFTER_REFUSAL = (10.0, 20.0, 40.0, 60.0)
"""Seconds to wait after the first, second, ... consecutive refusal that does not say how long to wait."""

WAIT_JITTER = 0.2
"""At most this part is added to such a wait, so that several programs do not come back at the same moment."""

LONGEST_PAUSE = 600.0
"""Longest pause in seconds. If a server asks for more, a later run had better try again."""

WINDOW_SECONDS = 60.0
"""The rate limit counts per minute; no header about a reset makes us wait longer."""

BURST_PART = 0.5
"""Part of a minute's requests that may be sent at once after a minute without requests."""

LOWEST_PART = 1 / 8
"""The rate is never reduced below this part of the configured one."""

SUCCESSES_PER_STEP = 10
"""Answers without a refusal after which the rate rises by one step."""

STEP = 0.1
"""One step up: this part of the configured rate."""

SLICE_SECONDS = 0.25
"""A wait is divided into parts of this length in seconds, so that a cancelled listing ends soon."""

RETRY_JITTER = 0.25
"""At most this part is added to a wait before a retry, so that threads that failed together do not all come back
at once."""


class Cancelled(Exception):  # noqa: N818 - not an error: the caller asked for it
    """The wait was given up because the request is no longer needed."""


def never() -> bool:
    """The `stopped` of a wait that cannot be cancelled."""
    return False


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission to send one request.

    Attributes:
        generation: How often the budget had slowed down when this was granted.
        waited_seconds: Time that only this request waited; concurrent waits are not counted twice.
    """

    generation: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters of a client.

    Attributes:
        requests: Requests sent, including retries.
        retries: Requests that were sent again.
        waited_seconds: Seconds spent on the pace, on pauses and before retries.
        refusals: Answers with status 429.
    """

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    refusals: int = 0


class RequestBudget:
    """Paces requests, and more slowly after a refusal; safe to use from any number of threads.

    After a minute without requests, half of a minute's requests may be sent at once, so that a command that makes
    few requests does not wait. The other half is spread over the rest of that minute; after that, there is one
    request every `60 / rate` seconds. No 60 seconds ever see more requests than configured.

    A refusal (429) halves the rate and pauses all requests for as long as KeyCRM says; answers without a refusal
    raise the rate again step by step, never above the configured one. A reduced rate allows no burst.

    Args:
        requests_per_minute: The configured rate, more than zero.
        clock: Monotonic seconds. Never the wall clock, which jumps.
        sleep: Waits that many seconds.
        jitter: A random number from 0 to 1.

    Raises:
        ValueError: The rate is not more than zero.
    """

    def __init__(
        self,
        requests_per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._turn = threading.Lock()  # held by the one request that waits for its moment
        self._lock = threading.Lock()  # guards everything below
        self._next_at = clock()
        self._sent: deque[float] = deque()  # when the requests of the last minute were granted
        self._burst_left = 0
        self._paused_until = self._next_at
        self._granted_at = self._next_at
        self._generation = 0
        self._consecutive_refusals = 0
        self._successes = 0
        self.configure(requests_per_minute)

    def configure(self, requests_per_minute: float) -> None:
        """Use another configured rate because the profile was changed; the current rate starts from it.

        Args:
            requests_per_minute: The rate, more than zero.

        Raises:
            ValueError: The rate is not more than zero.
        """
        if not requests_per_minute > 0:
            raise ValueError(f"requests_per_minute must be more than zero, not {requests_per_minute}.")
        with self._lock:
            self._configured = float(requests_per_minute)
            self._rate = self._configured

    @property
    def configured(self) -> float:
        """The configured rate: the upper limit of the current one."""
        with self._lock:
            return self._configured

    def acquire(self, *, stopped: Callable[[], bool] = never) -> Grant:
        """Wait until a request may be sent.

        Args:
            stopped: Called several times a second; true gives up the wait.

        Returns:
            The permission to send exactly one request; pass it to `refused` if KeyCRM refuses the request.

        Raises:
            Cancelled: `stopped` became true.
        """
        called_at = self._clock()
        while not self._turn.acquire(timeout=SLICE_SECONDS):
            if stopped():
                raise Cancelled
        try:
            while True:
                if stopped():
                    raise Cancelled
                with self._lock:
                    now = self._clock()
                    until = max(self._next_moment(now), self._paused_until)
                    if until <= now:
                        return self._grant(now, called_at)
                self._sleep(min(until - now, SLICE_SECONDS))
        finally:
            self._turn.release()

    def _next_moment(self, now: float) -> float:
        """When the next request may be sent, as far as the pace is concerned."""
        while self._sent and self._sent[0] <= now - WINDOW_SECONDS * PACE_MARGIN:
            self._sent.popleft()
        is_slowed = self._rate < self._configured
        if not self._sent:
            self._burst_left = 0 if is_slowed else int(self._configured * BURST_PART)
        if self._burst_left > 0:
            return now
        if len(self._sent) < max(1.0, self._configured):
            return self._next_at
        return max(self._next_at, self._sent[0] + WINDOW_SECONDS * PACE_MARGIN)

    def _grant(self, now: float, called_at: float) -> Grant:
        minute = WINDOW_SECONDS * PACE_MARGIN
        interval = minute / self._rate
        self._burst_left = max(0, self._burst_left - 1)
        self._sent.append(now)
        # What the minute still allows is spread until its first request no longer counts.
        left = max(0.0, self._configured - len(self._sent))
        interval = max(interval, (self._sent[0] + minute - now) / (left + 1))
        self._next_at = max(min(self._next_at, now), now - interval * CATCH_UP) + interval
        waited = max(0.0, now - max(called_at, self._granted_at))
        self._granted_at = now
        return Grant(self._generation, waited)

    def wait_before_retry(self, seconds: float, *, stopped: Callable[[], bool] = never) -> float:
        """Wait before one request is repeated, and return the seconds waited; other requests go on.

        Args:
            seconds: How long at least; up to `RETRY_JITTER` of it is added.
            stopped: Called several times a second; true gives up the wait.

        Raises:
            Cancelled: `stopped` became true.
        """
        wait = remaining = seconds * (1 + RETRY_JITTER * self._jitter())
        while remaining > 0:
            if stopped():
                raise Cancelled
            self._sleep(min(remaining, SLICE_SECONDS))
            remaining -= SLICE_SECONDS
        return wait

    def succeeded(self) -> None:
        """Record an answer that was not a refusal: the rate may rise again."""
        with self._lock:
            self._consecutive_refusals = 0
            if self._rate >= self._configured:
                return
            self._successes += 1
            if self._successes >= SUCCESSES_PER_STEP:
                self._successes = 0
                self._rate = min(self._configured, self._rate + STEP * self._configured)

    def refused(self, grant: Grant, *, retry_after: float | None = None) -> float:
        """Record a refusal (429): all requests that share the budget pause, and continue more slowly.

        Requests that were in flight together are refused together; they slow the budget down once.

        Args:
            grant: The permission with which the refused request was sent.
            retry_after: Seconds KeyCRM asks to wait; None if it does not say.

        Returns:
            The length of the pause for this refusal, in seconds.
        """
        with self._lock:
            if grant.generation == self._generation:
                self._generation += 1
                self._burst_left = 0
                self._successes = 0
                self._consecutive_refusals += 1
                self._rate = max(self._configured * LOWEST_PART, self._rate / 2)
            if retry_after is None:
                place = min(max(self._consecutive_refusals, 1), len(WAITS_AFTER_REFUSAL)) - 1
                pause = WAITS_AFTER_REFUSAL[place] * (1 + WAIT_JITTER * self._jitter())
            else:
                pause = min(max(retry_after, 0.0), LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, self._clock() + pause)
            return pause

    def exhausted(self, reset_after: float) -> None:
        """Record an answer that says no request remains for now: all requests pause until the window resets.

        Args:
            reset_after: Seconds until then, according to the server; at most the length of the window is
                waited.
        """
        with self._lock:
            pause = min(max(reset_after, 0.0), WINDOW_SECONDS)
            self._paused_until = max(self._paused_until, self._clock() + pause)


_SHARED: dict[str, RequestBudget] = {}
_SHARED_LOCK = threading.Lock()


def shared_budget(key: str, requests_per_minute: float) -> RequestBudget:
    """The one budget of this process for that key, created on first use.

    Args:
        key: Identifies the account; the API key must not be readable from it.
        requests_per_minute: The configured rate; if it differs from the previous one, the budget adopts it.
    """
    with _SHARED_LOCK:
        budget = _SHARED.get(key)
        if budget is None:
            budget = _SHARED[key] = RequestBudget(requests_per_minute)
        elif budget.configured != requests_per_minute:
            budget.configure(requests_per_minute)
        return budget


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the `Retry-After` of an answer asks to wait: a number of seconds, or an HTTP date.

    Args:
        headers: The answer's headers, looked up case-insensitively.

    Returns:
        Seconds, never negative; None if the header is absent or unreadable.
    """
    text = headers.get("Retry-After", "").strip()
    if text:
        seconds = _number(text)
        if seconds is not None:
            return max(0.0, _until(seconds, headers))
        moment = _moment(text)
        if moment is not None:
            return max(0.0, (moment - _answered_at(headers)).total_seconds())
    return None


def wait_after_refusal(headers: Mapping[str, str]) -> float | None:
    """Seconds that a refusal asks to wait: `Retry-After`, else `X-RateLimit-Reset`; None if it has neither."""
    seconds = retry_after_seconds(headers)
    return reset_seconds(headers) if seconds is None else seconds


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until the rate limit resets, from `X-RateLimit-Reset`; at most the minute for which the limit counts.

    The header is not standardized: it may hold seconds or milliseconds until then, or a Unix time in either unit.

    Args:
        headers: The answer's headers, looked up case-insensitively.

    Returns:
        Seconds above zero; None if the header is absent, unreadable, or names a moment that has passed.
    """
    number = _number(headers.get("X-RateLimit-Reset", ""))
    if number is None:
        return None
    seconds = _until(number, headers)
    if seconds == number and number > _LONGEST_RESET:
        seconds /= 1000
    return min(seconds, WINDOW_SECONDS) if seconds > 0 else None


def is_exhausted(headers: Mapping[str, str]) -> bool:
    """Whether the answer says that no request remains in the current window."""
    remaining = _number(headers.get("X-RateLimit-Remaining", ""))
    return remaining is not None and remaining <= 0


_LONGEST_RESET = 3600
"""A larger number in `X-RateLimit-Reset` is in milliseconds: the limit counts per minute."""

_LONGEST_DURATION = 100_000_000
"""A larger number of seconds (three years) is a point in time, not a duration."""

_LONGEST_NUMBER = 20
"""Characters of the longest number that is read: more than any time has."""

_LATEST_TIME = 10_000_000_000
"""A larger Unix time (the year 2286) is in milliseconds."""


def _until(number: float, headers: Mapping[str, str]) -> float:
    """Seconds until then: a duration as it is, a Unix time less the time of the answer."""
    if number <= _LONGEST_DURATION:
        return number
    moment = number / 1000 if number > _LATEST_TIME else number
    return moment - _answered_at(headers).timestamp()


def _answered_at(headers: Mapping[str, str]) -> datetime:
    # The server's own clock, if it sends the time: ours may be wrong.
    return _moment(headers.get("Date", "")) or datetime.now(UTC)


def _number(text: str) -> float | None:
    text = text.strip()
    is_number = text.replace(".", "", 1).isdecimal() and text.isascii()
    return float(text) if is_number and len(text) <= _LONGEST_NUMBER else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
