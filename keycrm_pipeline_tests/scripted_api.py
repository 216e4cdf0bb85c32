"""The sandbox's API with faults that a test switches on, and a log of its requests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from keycrm_pipeline.sandbox.api import API_ROOT, Query, SandboxApi, SandboxResponse
from keycrm_pipeline_tests.editable_shop import EditableShop

_GATEWAY_PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>KeyCRM</title></head>"
    b"<body><h1>The page is being prepared</h1></body></html>\n"
)
_COUNTERS = (
    "dropped_connections",
    "too_many_requests",
    "server_errors",
    "html_pages",
    "cut_off_bodies",
)
"""The counters of faults in the order in which they are used up when several are set."""


@dataclass(slots=True)
class Faults:
    """The fault switches, which can be set at any time; each counter applies to that many of the next requests.

    Attributes:
        dropped_connections: Requests whose connection is closed without a response; only over a real server.
        too_many_requests: Requests answered with 429.
        retry_after: The `Retry-After` header of those responses, seconds; None leaves the header out.
        server_errors: Requests answered with `server_error_status`.
        server_error_status: A status of 500 or above.
        html_pages: Requests answered with a web page instead of JSON, with `html_status`.
        html_status: 502 as from a gateway, or 200, which looks like success.
        cut_off_bodies: Requests whose correct response ends in the middle of its JSON.
        slow_seconds: How long a response is delayed.
        slow_requests: How many responses are delayed; None delays all while `slow_seconds` is above 0.
        refusal_status: The status, such as 403, of all answers; 0 for none.
        key_revoked_after: Number of further requests before the key gives 401; None for never.
        path_prefix: Only requests whose path (without `/v1`) starts with this have faults or call `on_page`.
        on_page: Called with page number and path (without `/v1`) before a request is answered, so that a test
            can change the shop in the middle of a listing.
    """

    dropped_connections: int = 0
    too_many_requests: int = 0
    retry_after: float | None = None
    server_errors: int = 0
    server_error_status: int = 503
    html_pages: int = 0
    html_status: int = 200
    cut_off_bodies: int = 0
    slow_seconds: float = 0.0
    slow_requests: int | None = None
    refusal_status: int = 0
    key_revoked_after: int | None = None
    path_prefix: str = ""
    on_page: Callable[[int, str], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def revokes_key(self) -> bool:
        """Count one request against `key_revoked_after`; True when the key no longer works for it."""
        with self._lock:
            if self.key_revoked_after is None:
                return False
            self.key_revoked_after -= 1
            return self.key_revoked_after < 0

    def take(self) -> str | None:
        """Return the counter of the next request's fault, if any, and count it down."""
        with self._lock:
            for counter in _COUNTERS:
                left = getattr(self, counter)
                if left > 0:
                    setattr(self, counter, left - 1)
                    return counter
        return None

    def take_delay(self) -> float:
        """Return the delay of the next response in seconds, 0 for none, and count it down."""
        with self._lock:
            if self.slow_seconds <= 0 or self.slow_requests == 0:
                return 0.0
            if self.slow_requests is not None:
                self.slow_requests -= 1
            return self.slow_seconds

    def update(self, switches: Mapping[str, Any]) -> None:
        """Set switches by name."""
        with self._lock:
            for name, value in switches.items():
                setattr(self, name, value)

    def clear(self) -> None:
        """Switch all faults and `on_page` off."""
        fresh = Faults()
        self.update({name: getattr(fresh, name) for name in self.__slots__ if name != "_lock"})


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that was made.

    Attributes:
        method: The HTTP method.
        path: The path without `/v1`.
        query: The decoded query in its original order.
        status: The status of the response; 0 for a dropped connection.
        at: When, by the shop's clock.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    status: int
    at: datetime


class ScriptedApi(SandboxApi):
    """The API over a shop, with faults and a log.

    Args:
        shop: The shop.
        faults: The fault switches; by default a new set, all off.
        named: The other arguments of `SandboxApi`.
    """

    shop: EditableShop

    def __init__(self, shop: EditableShop, *, faults: Faults | None = None, **named: Any) -> None:
        super().__init__(shop, **named)
        self.faults = faults if faults is not None else Faults()
        self._log: list[RequestRecord] = []

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, the oldest first."""
        with self._lock:
            return list(self._log)

    @property
    def request_count(self) -> int:
        """The number of requests, including refused and dropped ones."""
        return len(self._log)

    def forget_requests(self) -> None:
        """Clear the log and the state of the rate limit."""
        with self._lock:
            self._log.clear()
            self._rates.clear()

    def handle(
        self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> SandboxResponse:
        """Answer one request and log it.

        Raises:
            ConnectionResetError: A fault drops the connection; a server then closes it.
        """
        route = path.removeprefix(API_ROOT).rstrip("/")
        if self.faults.on_page is not None and route.startswith(self.faults.path_prefix):
            self.faults.on_page(int(dict(query).get("page", 1)), route)
        status = 0
        try:
            response = super().handle(method, path, query, headers)
            status = response.status
        finally:
            record = RequestRecord(method, route, tuple(query), status, self.shop.now())
            with self._lock:
                self._log.append(record)
        return response

    def answer(
        self, method: str, route: str, asked: Query, rate_headers: Mapping[str, str]
    ) -> SandboxResponse:
        if not route.startswith(self.faults.path_prefix):
            return super().answer(method, route, asked, rate_headers)
        if self.faults.revokes_key():
            return _message(401, "Unauthenticated.", {})
        if self.faults.refusal_status:
            return _message(self.faults.refusal_status, "This action is not allowed.", {})
        fault = self.faults.take()
        delay = self.faults.take_delay()
        if delay:
            threading.Event().wait(delay)
        match fault:
            case "dropped_connections":
                raise ConnectionResetError
            case "too_many_requests":
                wait = self.faults.retry_after
                return _message(
                    429, "Too Many Attempts.", {} if wait is None else {"Retry-After": f"{wait:g}"}
                )
            case "server_errors":
                return _message(self.faults.server_error_status, "Server Error", rate_headers)
            case "html_pages":
                html = {"Content-Type": "text/html; charset=UTF-8"}
                return SandboxResponse(self.faults.html_status, html, _GATEWAY_PAGE)
        response = super().answer(method, route, asked, rate_headers)
        if fault == "cut_off_bodies":
            return SandboxResponse(
                response.status, response.headers, response.body[: len(response.body) * 2 // 3]
            )
        return response


def _message(status: int, text: str, headers: Mapping[str, str]) -> SandboxResponse:
    body = json.dumps({"message": text}).encode()
    return SandboxResponse(status, {"Content-Type": "application/json", **headers}, body)
