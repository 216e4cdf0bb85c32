"""Makes one request to KeyCRM, as many times as it takes, and judges what came back.

What belongs here: headers, timeouts, retries, and which answer is which error. What does not: the pace (see
`budget`), routes and parameters (see `client`), and what a good answer means (see `pages`).

The policy, by what came back:

| Answer | Then |
|---|---|
| 401, 403 | `AuthenticationError` at once |
| 3xx | never followed; `TransportFailure` at once, the address in the profile is wrong |
| 429 | everybody waits (see `budget`), then again |
| 408, 425, 5xx, a timeout, no or a broken connection | again after 1, 2, 4, ... seconds |
| no JSON, whatever the status | again likewise |
| other 4xx in JSON | `RequestRefused` at once |
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx

from keycrm_pipeline.crm.budget import (
    LONGEST_PAUSE,
    SLICE_SECONDS,
    Cancelled,
    Grant,
    RequestBudget,
    Statistics,
    is_exhausted,
    never,
    reset_seconds,
    retry_after_seconds,
    wait_after_refusal,
)
from keycrm_pipeline.crm.errors import (
    AuthenticationError,
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    body_excerpt,
    clean_text,
)
from keycrm_pipeline.crm.pages import BrokenBody, decode_any

Answer = TypeVar("Answer")

TIMEOUT: Final = httpx.Timeout(connect=10.0, read=60.0, write=10.0, pool=60.0)
"""A page with all includes takes seconds; a minute of silence means that nothing will come."""

LONGEST_ANSWER_SECONDS: Final = 180.0
"""An answer that trickles in never runs into the read timeout; this ends it."""

FIRST_RETRY_SECONDS: Final = 1.0
"""Wait before the first repetition after a fault; it doubles with each further one."""

LONGEST_RETRY_SECONDS: Final = 60.0
"""Ceiling of the doubling."""

RETRY_JITTER: Final = 0.25
"""At most this part is added to a wait, so that threads that failed together do not come back together."""

NOT_FOUND: Final = 404
TOO_MANY_REQUESTS: Final = 429
KEY_REFUSED: Final = frozenset({401, 403})
PASSING_STATUSES: Final = frozenset({408, 425, TOO_MANY_REQUESTS, *range(500, 600)})
"""Statuses that say that the same request may succeed later."""

WHERE_THE_KEY_IS: Final = (
    "Put the account's key into the environment variable KEYCRM_API_KEY_<PROFILE> (the profile's name in "
    "upper case) or KEYCRM_API_KEY."
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why an attempt brought no usable answer.

    Attributes:
        words: What happened, to follow "it" or a comma.
        status: The answer's status, if one came.
        excerpt: What of the body a message may show.
        retry_after: Seconds the answer asks to wait.
        is_final: Whether another attempt is of no use.
        is_unreachable: Whether not even a connection came about.
    """

    words: str
    status: int | None = None
    excerpt: str = ""
    retry_after: float | None = None
    is_final: bool = False
    is_unreachable: bool = False


class Connection:
    """Sends GET requests with the account's key, and repeats them after faults that pass.

    Its arguments, and what it raises for wrong ones, are those of `KeyCrmClient`, which hands them on.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        transport: httpx.BaseTransport | None,
        concurrency: int,
        attempts: int,
        timeout: httpx.Timeout,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must be an http or https address, not {base_url!r}.")
        if concurrency < 1 or attempts < 1:
            raise ValueError("concurrency and attempts must be 1 or more.")
        self._key = _checked_key(api_key)
        self._host = parts.hostname
        self._base_url = base_url.rstrip("/")
        self._budget = budget
        self._attempts = attempts
        self._sleep = sleep
        self._jitter = jitter
        self._lock = threading.Lock()
        self._requests = 0
        self._retries = 0
        self._refusals = 0
        self._waited_seconds = 0.0
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {self._key}",
                "Accept": "application/json",
                "User-Agent": "keycrm-pipeline",
            },
            timeout=timeout,
            transport=transport,
            follow_redirects=False,
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    def __repr__(self) -> str:
        """The address, without the key."""
        return f"{type(self).__name__}(base_url={self._base_url!r})"

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    @property
    def statistics(self) -> Statistics:
        """What has been sent and waited here so far."""
        with self._lock:
            return Statistics(self._requests, self._retries, self._waited_seconds, self._refusals)

    def get(
        self,
        route: str,
        query: Mapping[str, str],
        decode: Callable[[bytes], Answer],
        *,
        place: str = "",
        stopped: Callable[[], bool] = never,
    ) -> Answer:
        """One answer, after as many attempts as it takes.

        Args:
            route: Path below the base address, beginning with a slash.
            query: Parameters, not yet encoded.
            decode: Reads the body of a good answer; raises `BrokenBody` when it is no JSON.
            place: Added to the route in messages, such as the page.
            stopped: Asked while waiting; true gives the request up.

        Returns:
            What `decode` made of the body.

        Raises:
            AuthenticationError: 401 or 403.
            RequestRefused: Another 4xx, in JSON.
            TransportFailure: A fault survived all attempts.
            Cancelled: `stopped` became true.
            UnexpectedAnswer: From `decode`.
        """
        url = f"{self._base_url}{route}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        asked = f"GET {route}{place}"
        attempt = 1
        while True:
            grant = self._granted(is_retry=attempt > 1, stopped=stopped)
            answer = self._answer(url, grant, asked, route, decode)
            if not isinstance(answer, _Fault):
                return answer
            if answer.is_final or attempt >= self._attempts:
                raise self._failure(route, asked, answer, attempt)
            if answer.status != TOO_MANY_REQUESTS:
                self._rest(attempt, answer.retry_after, stopped)
            attempt += 1

    def _granted(self, *, is_retry: bool, stopped: Callable[[], bool]) -> Grant:
        grant = self._budget.acquire(is_retry=is_retry, stopped=stopped)
        with self._lock:
            self._requests += 1
            self._retries += is_retry
            self._waited_seconds += grant.waited_seconds
        return grant

    def _answer(
        self, url: str, grant: Grant, asked: str, route: str, decode: Callable[[bytes], Answer]
    ) -> Answer | _Fault:
        """Send once, and judge what came."""
        response = self._send(url)
        if isinstance(response, _Fault):
            return response
        status, headers, body = response
        self._note_limits(grant, status, headers)
        if status in KEY_REFUSED:
            raise AuthenticationError(
                f"KeyCRM refused the API key ({asked}, status {status}). {WHERE_THE_KEY_IS} In KeyCRM, keys "
                "are made under Settings, General. Trying again with the same key does not help.",
                route=route,
                status=status,
            )
        if 300 <= status < 400:
            return _Fault(
                f"it points to another address (status {status}), which is not followed. Check base_url in "
                "the profile",
                status,
                is_final=True,
            )
        if status in PASSING_STATUSES:
            return self._passing_fault(status, headers, body)
        try:
            if 200 <= status < 300:
                return decode(body)
            raise _refusal(route, asked, status, decode_any(body), self._key)
        except BrokenBody:
            # A server that is not KeyCRM's API answers so for good; one that is being restarted, for a moment.
            hint = ". When this goes on, base_url in the profile is wrong" if status == NOT_FOUND else ""
            return _Fault(
                f"the answer (status {status}, {len(body)} bytes) was no complete JSON{hint}",
                status,
                body_excerpt(body, self._key),
            )

    def _send(self, url: str) -> tuple[int, httpx.Headers, bytes] | _Fault:
        """Send once, and read all of the answer."""
        deadline = time.monotonic() + LONGEST_ANSWER_SECONDS
        try:
            with self._http.stream("GET", url) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if time.monotonic() > deadline:
                        return _Fault(f"the answer was not complete after {LONGEST_ANSWER_SECONDS:.0f} s")
                return response.status_code, response.headers, bytes(body)
        except httpx.ConnectError:
            return _Fault("no connection came about", is_unreachable=True)
        except httpx.ConnectTimeout:
            return _Fault("no connection came about in time", is_unreachable=True)
        except httpx.TimeoutException:
            return _Fault("no answer came in time")
        except httpx.DecodingError:
            return _Fault("the answer's compression was damaged")
        except httpx.TransportError:
            return _Fault("the connection broke off before the answer was complete")
        except RuntimeError:
            # httpx refuses to send once it is closed, which another thread may do at any time.
            if self._http.is_closed:
                raise KeyCrmError("The client was closed while it was asked.") from None
            raise

    def _note_limits(self, grant: Grant, status: int, headers: httpx.Headers) -> None:
        """Tell the budget what the answer says about the rate."""
        if status == TOO_MANY_REQUESTS:
            with self._lock:
                self._refusals += 1
            self._budget.refused(grant, retry_after=wait_after_refusal(headers))
            return
        self._budget.succeeded()
        reset_after = reset_seconds(headers)
        if reset_after is not None and is_exhausted(headers):
            self._budget.exhausted(reset_after)

    def _passing_fault(self, status: int, headers: httpx.Headers, body: bytes) -> _Fault:
        words = (
            "it refused because of too many requests"
            if status == TOO_MANY_REQUESTS
            else "it reported a fault of its own"
        )
        wait = wait_after_refusal(headers) if status == TOO_MANY_REQUESTS else retry_after_seconds(headers)
        is_too_long = wait is not None and wait > LONGEST_PAUSE
        if wait is not None and is_too_long:
            words += f" and asked to come back in {wait / 60:.0f} minutes"
        return _Fault(
            f"{words} (status {status})", status, body_excerpt(body, self._key), wait, is_final=is_too_long
        )

    def _failure(self, route: str, asked: str, fault: _Fault, attempts: int) -> TransportFailure:
        times = "once" if attempts == 1 else f"{attempts} times"
        if fault.is_unreachable:
            words = (
                f"KeyCRM did not answer at {self._host}: {fault.words} ({asked}, tried {times}). Check the "
                "network and base_url in the profile. Nothing was lost; the load can be repeated."
            )
        else:
            words = (
                f"KeyCRM at {self._host} gave no usable answer to {asked}, asked {times}; the last time "
                f"{fault.words}. Nothing was lost; the load can be repeated, which usually helps after a "
                "while."
            )
        if fault.excerpt:
            words += f" The answer began: {fault.excerpt}"
        return TransportFailure(
            words, route=route, status=fault.status, attempts=attempts, excerpt=fault.excerpt
        )

    def _rest(self, attempt: int, retry_after: float | None, stopped: Callable[[], bool]) -> None:
        """Wait before an attempt is repeated after a fault that concerns nobody else."""
        doubled = min(FIRST_RETRY_SECONDS * 2 ** (attempt - 1), LONGEST_RETRY_SECONDS)
        left = max(doubled * (1 + RETRY_JITTER * self._jitter()), retry_after or 0.0)
        with self._lock:
            self._waited_seconds += left
        while left > 0:
            if stopped():
                raise Cancelled
            self._sleep(min(left, SLICE_SECONDS))
            left -= SLICE_SECONDS


def _checked_key(api_key: str) -> str:
    """The key without blanks around it; one that cannot stand in a header is refused without showing it."""
    key = api_key.strip()
    if not key:
        raise AuthenticationError(f"There is no API key. {WHERE_THE_KEY_IS}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise AuthenticationError(
            "The API key has characters that no key has: a blank, a line break, or a letter that is not "
            f"Latin. {WHERE_THE_KEY_IS}"
        )
    return key


def _refusal(route: str, asked: str, status: int, content: object, api_key: str) -> RequestRefused:
    message = content.get("message") if isinstance(content, dict) else None
    reason = clean_text(message, api_key) if isinstance(message, str) else ""
    return RequestRefused(
        f"KeyCRM refused {asked} with status {status}"
        + (f": {reason.rstrip('.')}." if reason else ", without saying why.")
        + " Trying again does not help. Check base_url in the profile; when it is right, KeyCRM's API has "
        "changed and the program needs an update.",
        route=route,
        status=status,
        reason=reason,
    )
