"""Makes one request to KeyCRM, with as many attempts as it takes, and classifies the answer.

What belongs here: headers, timeouts, retries, and which answer is which error. What does not: the pace (see
`budget`), routes and parameters (see `client`), and what a good answer means (see `pages`).

The policy, by answer:

| Answer | Action |
|---|---|
| 401 in JSON or empty | `AuthenticationError` at once |
| 403 in JSON or empty | `RequestRefused` at once: the key may be right, access is refused |
| 3xx | never followed; `TransportFailure` at once: the address in the profile is wrong |
| 429 | all requests wait (see `budget`), then a retry |
| 408, 425, 5xx, a timeout, no connection or a lost one | a retry after 1, 2, 4, ... seconds |
| not JSON, whatever the status, such as a firewall's page | a retry likewise |
| 200 with `"status": false` in place of what was requested | a retry likewise |
| other 4xx in JSON | `RequestRefused` at once |

A refused key, and a 429 that asks for more patience than a load has, concern all requests: those that wait end at
once with the same error, and no more are sent.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx

from keycrm_pipeline.crm.budget import (
    LONGEST_PAUSE,
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
from keycrm_pipeline.crm.network import Deadline, open_transport
from keycrm_pipeline.crm.pages import BrokenBody, ErrorAnswer, decode_any, repaired_json

Answer = TypeVar("Answer")

ATTEMPTS: Final = 6
"""How often one request is sent before it counts as failed."""

TIMEOUT: Final = httpx.Timeout(connect=10.0, read=60.0, write=10.0, pool=60.0)
"""A page with all includes takes seconds; after a minute of silence nothing more will come."""

LONGEST_ANSWER_SECONDS: Final = 180.0
"""Ends an answer that trickles in, headers included, which never runs into the read timeout."""

FIRST_RETRY_SECONDS: Final = 1.0
"""Wait before the first retry after a fault; it doubles with each further one."""

LONGEST_RETRY_SECONDS: Final = 60.0
"""Upper limit of the doubling."""

NOT_FOUND: Final = 404
TOO_MANY_REQUESTS: Final = 429
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403

LONGEST_REASON: Final = 200
"""Characters of KeyCRM's own words that a message shows."""

TRANSIENT_STATUSES: Final = frozenset({408, 425, TOO_MANY_REQUESTS, *range(500, 600)})
"""Statuses that mean that the same request may succeed later."""

WHERE_THE_KEY_IS: Final = (
    "Store the account's key with `keycrm-pipeline key`, or set it where the environment has it: in "
    "KEYCRM_API_KEY_<PROFILE> (the profile's name in upper case) or KEYCRM_API_KEY."
)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why an attempt brought no usable answer.

    Attributes:
        description: What happened, as a clause that continues a sentence.
        status: The answer's status, if there was an answer.
        excerpt: The part of the body that a message may show.
        retry_after: Seconds the answer asks to wait.
        is_final: Whether another attempt is useless.
        is_unreachable: Whether not even a connection could be made.
    """

    description: str
    status: int | None = None
    excerpt: str = ""
    retry_after: float | None = None
    is_final: bool = False
    is_unreachable: bool = False


class Connection:
    """Sends GET requests with the account's key, and repeats them after transient faults.

    Its arguments, and the errors it raises for wrong ones, are those of `KeyCrmClient`.
    """

    def __init__(
        self,
        *,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        transport: httpx.BaseTransport | None,
        concurrency: int,
        timeout: httpx.Timeout,
        longest_answer: float,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must be an http or https address, not {base_url!r}.")
        if concurrency < 1:
            raise ValueError("concurrency must be 1 or more.")
        self._key = _checked_key(api_key)
        self._host = parts.hostname
        self._base_url = base_url.rstrip("/")
        self._budget = budget
        self._lock = threading.Lock()
        self._end: KeyCrmError | None = None
        self._deadline = Deadline()
        self._longest_answer = longest_answer
        self._requests = 0
        self._retries = 0
        self._refusals = 0
        self._waited_seconds = 0.0
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {self._key}",
                "Accept": "application/json",
                "User-Agent": "keycrm-pipeline",
            },
            timeout=timeout,
            transport=transport or open_transport(base_url, self._deadline, limits),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def end(self, error: KeyCrmError) -> None:
        """End all requests that wait, and all later ones, with this error; the first call counts."""
        with self._lock:
            self._end = self._end or error

    @property
    def statistics(self) -> Statistics:
        """Counters of requests and waits so far."""
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
        """One answer as `decode` returned it, after as many attempts as it takes.

        Args:
            route: Path below the base address, beginning with a slash.
            query: Parameters, not yet encoded.
            decode: Decodes the text of a good answer (see `repaired_json`); raises `BrokenBody` if it is not
                JSON.
            place: Appended to the route in messages, such as the page.
            stopped: Called while waiting; true gives up the request.

        Raises:
            AuthenticationError: 401.
            RequestRefused: Another 4xx, in JSON.
            TransportFailure: A fault survived all attempts.
            KeyCrmError: The error with which `end` was called.
            Cancelled: `stopped` became true.
            UnexpectedAnswer: Raised by `decode`.
        """
        url = f"{self._base_url}{route}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        request = f"GET {route}{place}"

        def ended() -> bool:
            return self._end is not None or stopped()

        try:
            return self._answer(url, request, decode, ended)
        except Cancelled:
            if self._end is None:
                raise
            # A copy, because several threads raise it.
            error = copy.copy(self._end)
            if isinstance(error, RequestRefused):
                # It did not answer this request: a 404 would mean that an order was deleted.
                error.status = None
            raise error from None

    def _answer(
        self, url: str, request: str, decode: Callable[[bytes], Answer], stopped: Callable[[], bool]
    ) -> Answer:
        attempt = 1
        while True:
            grant = self._acquire(is_retry=attempt > 1, stopped=stopped)
            answer = self._attempt(url, grant, request, decode)
            if not isinstance(answer, _Fault):
                return answer
            if answer.is_final or attempt >= ATTEMPTS:
                failure = self._failure(request, answer, attempt)
                if answer.is_final:
                    self.end(failure)
                raise failure
            if answer.status != TOO_MANY_REQUESTS:
                self._wait_before_retry(attempt, answer.retry_after, stopped)
            attempt += 1

    def _acquire(self, *, is_retry: bool, stopped: Callable[[], bool]) -> Grant:
        grant = self._budget.acquire(stopped=stopped)
        with self._lock:
            self._requests += 1
            self._retries += is_retry
            self._waited_seconds += grant.waited_seconds
        return grant

    def _attempt(
        self, url: str, grant: Grant, request: str, decode: Callable[[bytes], Answer]
    ) -> Answer | _Fault:
        """Send once, and classify the answer."""
        response = self._send(url)
        if isinstance(response, _Fault):
            return response
        status, headers, body = response
        self._report_limits(grant, status, headers)
        if 300 <= status < 400:
            return _Fault(
                f"it redirected to another address (status {status}), which is not followed. Check base_url in "
                "the profile",
                status,
                is_final=True,
            )
        if status in TRANSIENT_STATUSES:
            return self._transient_fault(status, headers, body)
        try:
            if status in (UNAUTHORIZED, FORBIDDEN) and not body.strip():
                raise self._refusal(request, status, None)
            text = repaired_json(body)
            if 200 <= status < 300:
                return decode(text)
            raise self._refusal(request, status, decode_any(text))
        except ErrorAnswer as error:
            reason = _reason(error.content, self._key).rstrip(".")
            words = f": {reason}" if reason else ", without giving a reason"
            return _Fault(f"it answered with an error (status {status}){words}", status)
        except BrokenBody:
            if status in (UNAUTHORIZED, FORBIDDEN):
                return _Fault(
                    f"a web page came instead of KeyCRM's answer (status {status}, {len(body)} bytes): a firewall "
                    "or a proxy blocks the requests",
                    status,
                    body_excerpt(body, self._key),
                )
            # A server that is not KeyCRM's API always answers like this; one that is restarting, for a moment.
            hint = (
                ". If this keeps happening, base_url in the profile is wrong" if status == NOT_FOUND else ""
            )
            return _Fault(
                f"the answer (status {status}, {len(body)} bytes) was not complete JSON{hint}",
                status,
                body_excerpt(body, self._key),
            )

    def _send(self, url: str) -> tuple[int, httpx.Headers, bytes] | _Fault:
        """Send once, and read the whole answer."""
        self._deadline.at = time.monotonic() + self._longest_answer
        try:
            with self._http.stream("GET", url) as response:
                return response.status_code, response.headers, response.read()
        except httpx.ConnectError:
            return _Fault("no connection could be made", is_unreachable=True)
        except httpx.ConnectTimeout:
            return _Fault("no connection could be made in time", is_unreachable=True)
        except httpx.TimeoutException:
            if self._deadline.has_passed:
                return _Fault(f"the answer was not complete after {self._longest_answer:.0f} s")
            return _Fault("no answer arrived in time")
        except httpx.DecodingError:
            return _Fault("the compressed answer was damaged")
        except httpx.TransportError:
            return _Fault("the connection was lost before the answer was complete")
        except RuntimeError:
            # httpx refuses to send once it is closed, which another thread may do at any time.
            if self._http.is_closed:
                raise KeyCrmError("The KeyCRM client was closed during a request.") from None
            raise

    def _report_limits(self, grant: Grant, status: int, headers: httpx.Headers) -> None:
        """Report to the budget what the answer says about the rate."""
        if status == TOO_MANY_REQUESTS:
            with self._lock:
                self._refusals += 1
            self._budget.refused(grant, retry_after=wait_after_refusal(headers))
            return
        self._budget.succeeded()
        reset_after = reset_seconds(headers)
        if reset_after is not None and is_exhausted(headers):
            self._budget.exhausted(reset_after)

    def _transient_fault(self, status: int, headers: httpx.Headers, body: bytes) -> _Fault:
        description = (
            "it refused because of too many requests"
            if status == TOO_MANY_REQUESTS
            else "it reported an internal error"
        )
        wait = wait_after_refusal(headers) if status == TOO_MANY_REQUESTS else retry_after_seconds(headers)
        is_too_long = wait is not None and wait > LONGEST_PAUSE
        if wait is not None and is_too_long:
            description += f" and asked to try again in {wait / 60:.0f} minutes"
        return _Fault(
            f"{description} (status {status})",
            status,
            body_excerpt(body, self._key),
            wait,
            is_final=is_too_long,
        )

    def _failure(self, request: str, fault: _Fault, attempts: int) -> TransportFailure:
        times = "once" if attempts == 1 else f"{attempts} times"
        if fault.is_unreachable:
            message = (
                f"KeyCRM did not answer at {self._host}: {fault.description} ({request}, tried {times}). Check "
                "the network and base_url in the profile. Nothing was lost; the load can be repeated."
            )
        else:
            message = (
                f"KeyCRM at {self._host} gave no usable answer to {request}, tried {times}; the last time, "
                f"{fault.description}. Nothing was lost; the load can be repeated, which usually helps after a "
                "while."
            )
        if fault.excerpt:
            message += f" The answer begins: {fault.excerpt}"
        return TransportFailure(message)

    def _refusal(self, request: str, status: int, content: object) -> KeyCrmError:
        """The error for a 4xx; ends everything if the key was refused."""
        reason = _reason(content, self._key)
        words = f": {_ended(reason)}" if reason else "."
        if status == UNAUTHORIZED:
            error = AuthenticationError(
                f"KeyCRM refused the API key ({request}, status {status}){words} {WHERE_THE_KEY_IS} Keys are "
                "created in KeyCRM under Settings, General. Retrying with the same key does not help."
            )
            self.end(error)
            return error
        if status == FORBIDDEN:
            return RequestRefused(
                f"KeyCRM refused access ({request}, status {status}){words} The key may be right: the account's plan "
                "may not include the API, or a firewall may block this computer. Ask KeyCRM's support; retrying does "
                "not help.",
                status=status,
                reason=reason,
            )
        return RequestRefused(
            f"KeyCRM refused {request} with status {status}"
            + (words if reason else ", without giving a reason.")
            + " Retrying does not help. Check base_url in the profile; if it is right, KeyCRM's API has changed and "
            "the program needs an update.",
            status=status,
            reason=reason,
        )

    def _wait_before_retry(
        self, attempt: int, retry_after: float | None, stopped: Callable[[], bool]
    ) -> None:
        """Wait after a fault that concerns this request alone."""
        doubled = min(FIRST_RETRY_SECONDS * 2 ** (attempt - 1), LONGEST_RETRY_SECONDS)
        waited = self._budget.wait_before_retry(max(doubled, retry_after or 0.0), stopped=stopped)
        with self._lock:
            self._waited_seconds += waited


def _checked_key(api_key: str) -> str:
    """The key without surrounding spaces; one that a header cannot carry is refused without showing it."""
    key = api_key.strip()
    if not key:
        raise AuthenticationError(f"There is no API key. {WHERE_THE_KEY_IS}")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise AuthenticationError(
            "The API key contains characters that no key has: a space, a line break, or a letter that is not "
            f"Latin. {WHERE_THE_KEY_IS}"
        )
    return key


def _reason(content: object, api_key: str) -> str:
    """KeyCRM's own words in a refusal, cleaned and shortened; empty if there are none."""
    if not isinstance(content, dict):
        return ""
    words = next((content[key] for key in ("message", "error") if isinstance(content.get(key), str)), "")
    reason = clean_text(words, api_key)
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON].rstrip()}…"


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
