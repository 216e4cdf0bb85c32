"""Faults that can be switched on between the demo shop and its client.

This module has the switches and counts down the faults still to come. The faulty responses are built in
`api`; connections are dropped in `transport` and `server`.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

FaultKind = Literal["dropped", "too_many_requests", "server_error", "html_page", "cut_off"]
"""The fault of one request."""

_COUNTERS: Final[tuple[tuple[str, FaultKind], ...]] = (
    ("dropped_connections", "dropped"),
    ("too_many_requests", "too_many_requests"),
    ("server_errors", "server_error"),
    ("html_pages", "html_page"),
    ("cut_off_bodies", "cut_off"),
)
"""Counter -> the fault it causes, in the order in which they are used up when several are set."""


@dataclass
class Faults:
    """The fault switches, which can be set at any time; each counter applies to that many of the next requests.

    Attributes:
        dropped_connections: Requests whose connection is closed without a response.
        too_many_requests: Requests answered with 429.
        retry_after: The `Retry-After` header of those responses, seconds; None leaves the header out.
        server_errors: Requests answered with `server_error_status`.
        server_error_status: A status of 500 or above.
        html_pages: Requests answered with a web page instead of JSON, with `html_status`.
        html_status: 502 as from a gateway, or 200, which looks like success.
        cut_off_bodies: Requests whose correct response ends in the middle of its JSON.
        slow_seconds: How long a response is delayed.
        slow_requests: How many responses are delayed; None delays all while `slow_seconds` is above 0.
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
    key_revoked_after: int | None = None
    path_prefix: str = ""
    on_page: Callable[[int, str], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    def applies_to(self, path: str) -> bool:
        """Whether faults apply to a path (without `/v1`)."""
        return path.startswith(self.path_prefix)

    def revokes_key(self) -> bool:
        """Count one request against `key_revoked_after`; True when the key no longer works for it."""
        with self._lock:
            if self.key_revoked_after is None:
                return False
            if self.key_revoked_after <= 0:
                return True
            self.key_revoked_after -= 1
            return False

    def take(self) -> FaultKind | None:
        """Return the fault of the next request, if any, and count it down."""
        with self._lock:
            for counter, kind in _COUNTERS:
                left = getattr(self, counter)
                if left > 0:
                    setattr(self, counter, left - 1)
                    return kind
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
        """Set switches by name, as received from another process.

        Args:
            switches: Names and values of the attributes above, except `on_page`.

        Raises:
            ValueError: An unknown name, or a value of the wrong type; nothing is set then.
        """
        for name, value in switches.items():
            kinds = _KINDS.get(name)
            if kinds is None:
                raise ValueError(f"there is no fault switch {name!r}; the switches are {', '.join(_KINDS)}")
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise ValueError(f"{value!r} is not a valid value of the fault switch {name!r}")  # noqa: TRY004 - bad input
        with self._lock:
            for name, value in switches.items():
                setattr(self, name, value)

    def clear(self) -> None:
        """Switch all faults and `on_page` off."""
        fresh = Faults()
        with self._lock:
            for switch in fields(self):
                if switch.init:
                    setattr(self, switch.name, getattr(fresh, switch.name))


_NUMBER: Final = (int, float)
_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "dropped_connections": (int,),
    "too_many_requests": (int,),
    "retry_after": (*_NUMBER, type(None)),
    "server_errors": (int,),
    "server_error_status": (int,),
    "html_pages": (int,),
    "html_status": (int,),
    "cut_off_bodies": (int,),
    "slow_seconds": _NUMBER,
    "slow_requests": (int, type(None)),
    "key_revoked_after": (int, type(None)),
    "path_prefix": (str,),
}
"""Switch -> the types of its values."""
