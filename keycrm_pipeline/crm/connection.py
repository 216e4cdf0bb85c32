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

from keycrm_pipeline.crm.bodies import ENCODING, DamagedBody, TooLargeBody, read_body
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
    is_known_sentence,
)
from keycrm_pipeline.crm.network import Deadline, is_certificate_refused, is_loopback, open_transport
from keycrm_pipeline.crm.pages import BrokenBody, ErrorAnswer, decode_any, repaired_json
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.client import Advice, Client, Fault, RefusalWords, Times

Answer = TypeVar("Answer")

ATTEMPTS: Final = 6
"""How often one request is sent before it counts as failed."""

TIMEOUT: Final = httpx.Timeout(connect=10.0, read=60.0, write=10.0, pool=60.0)
"""A page with all includes takes seconds; after a minute of silence nothing more will come."""

LONGEST_ANSWER_SECONDS: Final = 180.0
"""Ends an answer that trickles in, headers included, which never runs into the read timeout."""

BYTES_PER_MEGABYTE: Final = 1024 * 1024
LARGEST_ANSWER_BYTES: Final = 64 * BYTES_PER_MEGABYTE
"""Ends an answer without end, unpacked; a full page of orders has a few hundred kilobytes."""

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


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why an attempt brought no usable answer.

    Attributes:
        description: What happened.
        status: The answer's status, if there was an answer.
        excerpt: The part of the body that a message may show.
        retry_after: Seconds the answer asks to wait.
        is_final: Whether another attempt is useless.
        is_unreachable: Whether not even a connection could be made.
    """

    description: Message
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
        largest_answer: int,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base_url must be an http or https address, not {base_url!r}.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("base_url must begin with https://: the key would travel unencrypted.")
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
        self._largest_answer = largest_answer
        self._requests = 0
        self._retries = 0
        self._refusals = 0
        self._waited_seconds = 0.0
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {self._key}",
                "Accept": "application/json",
                "Accept-Encoding": ENCODING,
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
            return _Fault(Fault.REDIRECTED.message(status=status), status, is_final=True)
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
            words = _reason(error.content, self._key).rstrip(".")
            said = (
                Fault.ERROR_ANSWER_WITH_WORDS.message(status=status, words=words)
                if words
                else Fault.ERROR_ANSWER.message(status=status)
            )
            return _Fault(said, status)
        except BrokenBody:
            if status in (UNAUTHORIZED, FORBIDDEN):
                what = Fault.WEB_PAGE
            else:
                # A server that is not KeyCRM's API always answers like this; one that is restarting, for a moment.
                what = Fault.NOT_JSON_NOT_FOUND if status == NOT_FOUND else Fault.NOT_JSON
            return _Fault(what.message(status=status, size=len(body)), status, body_excerpt(body, self._key))

    def _send(self, url: str) -> tuple[int, httpx.Headers, bytes] | _Fault:
        """Send once, and read the whole answer."""
        self._deadline.at = time.monotonic() + self._longest_answer
        try:
            with self._http.stream("GET", url) as response:
                return response.status_code, response.headers, read_body(response, self._largest_answer)
        except TooLargeBody:
            megabytes = self._largest_answer // BYTES_PER_MEGABYTE
            return _Fault(Fault.ANSWER_TOO_LARGE.message(megabytes=megabytes), is_final=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return _unreachable(error)
        except httpx.TimeoutException:
            if self._deadline.has_passed:
                return _Fault(Fault.NOT_COMPLETE_IN_TIME.message(seconds=round(self._longest_answer)))
            return _Fault(Fault.NO_ANSWER_IN_TIME.message())
        except DamagedBody:
            return _Fault(Fault.ANSWER_DAMAGED.message())
        except httpx.ProxyError:
            # Such as one that wants a password: KeyCRM was never asked.
            return _Fault(Fault.PROXY_REFUSED.message(), is_unreachable=True)
        except httpx.TransportError:
            return _Fault(Fault.CONNECTION_LOST.message())
        except RuntimeError:
            # httpx refuses to send once it is closed, which another thread may do at any time.
            if self._http.is_closed:
                raise KeyCrmError(Client.CLIENT_CLOSED_MEANWHILE.message()) from None
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
        is_refusal = status == TOO_MANY_REQUESTS
        wait = wait_after_refusal(headers) if is_refusal else retry_after_seconds(headers)
        is_too_long = wait is not None and wait > LONGEST_PAUSE
        if wait is not None and is_too_long:
            what = Fault.TOO_MANY_REQUESTS_FOR_LONG if is_refusal else Fault.INTERNAL_ERROR_FOR_LONG
            description = what.message(status=status, minutes=round(wait / 60))
        else:
            what = Fault.TOO_MANY_REQUESTS if is_refusal else Fault.INTERNAL_ERROR
            description = what.message(status=status)
        return _Fault(description, status, body_excerpt(body, self._key), wait, is_final=is_too_long)

    def _failure(self, request: str, fault: _Fault, attempts: int) -> TransportFailure:
        times = Times.TRIED_ONCE.message() if attempts == 1 else Times.TRIED_TIMES.message(count=attempts)
        excerpt = (
            Fault.ANSWER_BEGINS.message(excerpt=fault.excerpt)
            if fault.excerpt
            else Fault.ANSWER_NOT_SHOWN.message()
        )
        what = Client.UNREACHABLE if fault.is_unreachable else Client.NO_USABLE_ANSWER
        return TransportFailure(
            what.message(
                host=self._host, fault=fault.description, request=request, times=times, excerpt=excerpt
            )
        )

    def _refusal(self, request: str, status: int, content: object) -> KeyCrmError:
        """The error for a 4xx; ends everything if the key was refused."""
        words = _reason(content, self._key)
        if words:
            reason = RefusalWords.REFUSAL_WITH_WORDS.message(words=_ended(words))
        elif status in (UNAUTHORIZED, FORBIDDEN):
            reason = RefusalWords.REFUSAL_ENDS.message()
        else:
            reason = RefusalWords.REFUSAL_WITHOUT_REASON.message()
        if status == UNAUTHORIZED:
            error = AuthenticationError(
                Client.KEY_REFUSED.message(
                    request=request, status=status, reason=reason, advice=Advice.WHERE_THE_KEY_IS.message()
                )
            )
            self.end(error)
            return error
        if status == FORBIDDEN:
            refused = Client.ACCESS_REFUSED.message(request=request, status=status, reason=reason)
        else:
            refused = Client.REQUEST_REFUSED.message(
                request=request, status=status, reason=reason, advice=Advice.CHECK_THE_ADDRESS.message()
            )
        return RequestRefused(refused, status=status, is_without_route=_names_route(content))

    def _wait_before_retry(
        self, attempt: int, retry_after: float | None, stopped: Callable[[], bool]
    ) -> None:
        """Wait after a fault that concerns this request alone."""
        doubled = min(FIRST_RETRY_SECONDS * 2 ** (attempt - 1), LONGEST_RETRY_SECONDS)
        waited = self._budget.wait_before_retry(max(doubled, retry_after or 0.0), stopped=stopped)
        with self._lock:
            self._waited_seconds += waited


def _unreachable(error: httpx.TransportError) -> _Fault:
    """Why no connection could be made; a certificate that is refused now is refused at the next attempt too."""
    if is_certificate_refused(error):
        return _Fault(Fault.CERTIFICATE_REFUSED.message(), is_final=True, is_unreachable=True)
    is_late = isinstance(error, httpx.ConnectTimeout)
    what = Fault.NO_CONNECTION_IN_TIME if is_late else Fault.NO_CONNECTION
    return _Fault(what.message(), is_unreachable=True)


def _checked_key(api_key: str) -> str:
    """The key without surrounding spaces; one that a header cannot carry is refused without showing it."""
    key = api_key.strip()
    if not key:
        raise AuthenticationError(Client.NO_KEY_GIVEN.message(advice=Advice.WHERE_THE_KEY_IS.message()))
    if not key.isascii() or not key.isprintable() or " " in key:
        raise AuthenticationError(Client.KEY_IMPOSSIBLE.message(advice=Advice.WHERE_THE_KEY_IS.message()))
    return key


def _reason(content: object, api_key: str) -> str:
    """KeyCRM's own words in a refusal, cleaned and shortened; empty if there are none, or any that are not known."""
    if not isinstance(content, dict):
        return ""
    words = next((content[key] for key in ("message", "error") if isinstance(content.get(key), str)), "")
    reason = clean_text(words, api_key)
    if not is_known_sentence(reason):
        return ""
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON].rstrip()}…"


def _names_route(content: object) -> bool:
    """Whether an answer says that there is no such route, and not that there is no such order."""
    words = content.get("message") if isinstance(content, dict) else None
    return isinstance(words, str) and "route" in words.lower()


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
