"""How many requests may be sent, and when: one budget for everything that uses one API key.

What belongs here: the pace, the pauses KeyCRM asks for, and their counters. What does not: which answers are
refusals, and how often one request is tried again (see `client`).
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

PACE_MARGIN = 1.01
"""The pace stays this much below the allowed rate. The network delays requests unevenly: at the full rate a
minute sometimes sees one request too many at the server, and one refusal costs more than this margin."""

CATCH_UP = 0.1
"""Part of an interval by which a late request may be made up for, so that waking late does not add up."""

WAITS_AFTER_REFUSAL = (10.0, 20.0, 40.0, 60.0)
"""Seconds to wait after the first, second, ... refusal in a row that does not say how long."""

WAIT_JITTER = 0.2
"""At most this part is added to such a wait, so that several programs do not come back at one moment."""

LONGEST_PAUSE = 600.0
"""Seconds that a pause may last. A server that asks for more is better asked again by a later run."""

WINDOW_SECONDS = 60.0
"""The rate limit counts by the minute; no remaining-requests header makes us wait longer."""

LOWEST_PART = 1 / 8
"""The rate is never slowed below this part of the configured one."""

SUCCESSES_PER_STEP = 10
"""Answers without a refusal after which the rate rises again by one step."""

STEP = 0.1
"""One step up: this part of the configured rate."""

SLICE_SECONDS = 0.25
"""A wait is cut into parts of this length, so that a cancelled walk ends soon."""


class Cancelled(Exception):  # noqa: N818 - no error: the caller asked for it
    """The wait was given up because nobody needs the request any more."""


def never() -> bool:
    """The answer of a wait that nobody can cancel."""
    return False


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to send one request.

    Attributes:
        generation: How often the budget had slowed down when this was given.
        waited_seconds: Time that only this request waited; grants that wait side by side do not count it
            twice.
    """

    generation: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counters of a client or a budget.

    Attributes:
        requests: Requests sent, repeated ones included.
        retries: Requests that were sent again.
        waited_seconds: Seconds spent on the pace, on pauses and before repeating.
        refusals: Answers with status 429.
    """

    requests: int = 0
    retries: int = 0
    waited_seconds: float = 0.0
    refusals: int = 0


class RequestBudget:
    """Paces requests evenly, and slower after a refusal; safe for use from any number of threads.

    There are no bursts: one request each `60 / rate` seconds. A refusal (429) halves the rate and stops
    everybody for as long as KeyCRM says; answers without a refusal bring the rate back step by step, never
    above the configured one.

    Args:
        requests_per_minute: The configured rate, more than zero.
        clock: Seconds that only go forward. Never the wall clock: that one jumps.
        sleep: Waits that many seconds.
        jitter: A random number of 0 to 1.

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
        self._paused_until = self._next_at
        self._granted_at = self._next_at
        self._generation = 0
        self._refusals_in_a_row = 0
        self._successes = 0
        self._requests = 0
        self._retries = 0
        self._refusals = 0
        self._waited_seconds = 0.0
        self.configure(requests_per_minute)

    def configure(self, requests_per_minute: float) -> None:
        """Take another configured rate, because the profile was changed; the working rate starts from it.

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
        """The configured rate: the ceiling of the working one."""
        with self._lock:
            return self._configured

    @property
    def requests_per_minute(self) -> float:
        """The rate the budget works at now: the configured one, or less after refusals."""
        with self._lock:
            return self._rate

    @property
    def statistics(self) -> Statistics:
        """Counters since the budget was made, over all clients that share it."""
        with self._lock:
            return Statistics(self._requests, self._retries, self._waited_seconds, self._refusals)

    def acquire(self, *, is_retry: bool = False, stopped: Callable[[], bool] = never) -> Grant:
        """Wait until a request may be sent.

        Args:
            is_retry: Whether the request was sent before; only counted.
            stopped: Asked several times a second; true gives the wait up.

        Returns:
            The leave to send exactly one request; hand it to `succeeded` or `refused`.

        Raises:
            Cancelled: `stopped` became true.
        """
        asked_at = self._clock()
        while not self._turn.acquire(timeout=SLICE_SECONDS):
            if stopped():
                raise Cancelled
        try:
            while True:
                if stopped():
                    raise Cancelled
                with self._lock:
                    now = self._clock()
                    until = max(self._next_at, self._paused_until)
                    if until <= now:
                        return self._grant(now, asked_at, is_retry=is_retry)
                self._sleep(min(until - now, SLICE_SECONDS))
        finally:
            self._turn.release()

    def _grant(self, now: float, asked_at: float, *, is_retry: bool) -> Grant:
        interval = 60.0 * PACE_MARGIN / self._rate
        self._next_at = max(self._next_at, now - interval * CATCH_UP) + interval
        waited = max(0.0, now - max(asked_at, self._granted_at))
        self._granted_at = now
        self._requests += 1
        self._retries += is_retry
        self._waited_seconds += waited
        return Grant(self._generation, waited)

    def succeeded(self) -> None:
        """Note an answer that was no refusal: the rate may rise again."""
        with self._lock:
            self._refusals_in_a_row = 0
            if self._rate >= self._configured:
                return
            self._successes += 1
            if self._successes >= SUCCESSES_PER_STEP:
                self._successes = 0
                self._rate = min(self._configured, self._rate + STEP * self._configured)

    def refused(self, grant: Grant, *, retry_after: float | None = None) -> float:
        """Note a refusal (429): everybody who shares the budget waits, and goes on more slowly.

        Requests that were on their way together are refused together; they slow the budget down once.

        Args:
            grant: The leave under which the refused request was sent.
            retry_after: Seconds KeyCRM asks to wait; None when it does not say.

        Returns:
            The seconds of the pause that this refusal asks for.
        """
        with self._lock:
            self._refusals += 1
            is_first_of_its_kind = grant.generation == self._generation
            if is_first_of_its_kind:
                self._generation += 1
                self._successes = 0
                self._refusals_in_a_row += 1
                self._rate = max(self._configured * LOWEST_PART, self._rate / 2)
            if retry_after is None:
                place = min(max(self._refusals_in_a_row, 1), len(WAITS_AFTER_REFUSAL)) - 1
                pause = WAITS_AFTER_REFUSAL[place] * (1 + WAIT_JITTER * self._jitter())
            else:
                pause = min(max(retry_after, 0.0), LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, self._clock() + pause)
            return pause

    def exhausted(self, reset_after: float) -> None:
        """Note an answer that says no request remains for now: everybody waits until the window begins anew.

        Args:
            reset_after: Seconds until then, as the server says; never waited longer than the window is.
        """
        with self._lock:
            pause = min(max(reset_after, 0.0), WINDOW_SECONDS)
            self._paused_until = max(self._paused_until, self._clock() + pause)


_SHARED: dict[str, RequestBudget] = {}
_SHARED_LOCK = threading.Lock()


def budget_key(base_url: str, api_key: str) -> str:
    """The name under which clients of one account find their common budget; the key cannot be read from it.

    Args:
        base_url: Address of the API.
        api_key: The account's key.
    """
    return hashlib.sha256(f"{base_url.rstrip('/')}\n{api_key}".encode()).hexdigest()


def shared_budget(key: str, requests_per_minute: float) -> RequestBudget:
    """The one budget of this process for that key, made when it is first asked for.

    Args:
        key: What `budget_key` gave.
        requests_per_minute: The configured rate; when it differs from the last one, the budget takes it over.
    """
    with _SHARED_LOCK:
        budget = _SHARED.get(key)
        if budget is None:
            budget = _SHARED[key] = RequestBudget(requests_per_minute)
        elif budget.configured != requests_per_minute:
            budget.configure(requests_per_minute)
        return budget


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the `Retry-After` of an answer asks to wait: seconds, or a moment as HTTP writes it.

    Args:
        headers: The answer's headers, found whatever their case.

    Returns:
        Seconds, never negative; None when the headers do not say, or not readably.
    """
    text = headers.get("Retry-After", "").strip()
    if text:
        seconds = _number(text)
        if seconds is not None:
            return max(0.0, seconds)
        moment = _moment(text)
        if moment is not None:
            return max(0.0, (moment - _answered_at(headers)).total_seconds())
    return None


def wait_after_refusal(headers: Mapping[str, str]) -> float | None:
    """How long the headers of a refusal ask to wait: `Retry-After`, else `X-RateLimit-Reset`; None: no word.

    Args:
        headers: The answer's headers, found whatever their case.
    """
    seconds = retry_after_seconds(headers)
    return reset_seconds(headers) if seconds is None else seconds


def reset_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until the rate limit counts anew, from `X-RateLimit-Reset`: seconds, or a moment as Unix time.

    Args:
        headers: The answer's headers, found whatever their case.
    """
    seconds = _number(headers.get("X-RateLimit-Reset", ""))
    if seconds is None:
        return None
    if seconds > _LARGEST_SPAN:
        seconds -= _answered_at(headers).timestamp()
    return max(0.0, seconds)


def is_exhausted(headers: Mapping[str, str]) -> bool:
    """Whether the answer says that no request remains in the present window.

    Args:
        headers: The answer's headers, found whatever their case.
    """
    remaining = _number(headers.get("X-RateLimit-Remaining", ""))
    return remaining is not None and remaining <= 0


_LARGEST_SPAN = 100_000_000
"""A larger number of seconds (three years) is a moment, not a span."""


def _answered_at(headers: Mapping[str, str]) -> datetime:
    # The server's own clock, when it tells it: ours may be wrong.
    return _moment(headers.get("Date", "")) or datetime.now(UTC)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.replace(".", "", 1).isdecimal() and text.isascii() else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
