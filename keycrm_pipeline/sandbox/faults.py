"""What can be made to go wrong between the demo shop and its reader.

What belongs here: the switches, and the bookkeeping of what is still to go wrong. What does not: the answers
themselves (`api`), and how a connection is really dropped (`transport`, `server`).
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, Literal

FaultKind = Literal["dropped", "too_many_requests", "server_error", "html_page", "cut_off"]
"""What one request meets."""

_COUNTERS: Final[tuple[tuple[str, FaultKind], ...]] = (
    ("dropped_connections", "dropped"),
    ("too_many_requests", "too_many_requests"),
    ("server_errors", "server_error"),
    ("html_pages", "html_page"),
    ("cut_off_bodies", "cut_off"),
)
"""Counter -> what it causes, in the order in which they are used up when several are set."""


@dataclass
class Faults:
    """The switches. Each counter says how many of the next requests meet that fault; set one at any time.

    Attributes:
        dropped_connections: Requests whose connection is closed without an answer.
        too_many_requests: Requests answered 429.
        retry_after: What those answers say in `Retry-After`, seconds; null leaves the header out.
        server_errors: Requests answered with `server_error_status`.
        server_error_status: A status from 500 up.
        html_pages: Requests answered with a web page instead of JSON, under `html_status`.
        html_status: 200 for the treacherous kind, 502 for a gateway's.
        cut_off_bodies: Requests whose good answer breaks off in the middle of its JSON.
        slow_seconds: How long an answer is held back.
        slow_requests: How many answers are held back; null means all of them while `slow_seconds` is above 0.
        key_revoked_after: The key works for so many more requests, then it gives 401; null means for ever.
        path_prefix: Only requests whose path, without `/v1`, begins with this meet a fault or call `on_page`.
        on_page: Called with page number and path (without `/v1`) before a request is answered, so that a test
            can change the shop in the middle of a walk.
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

    def concerns(self, path: str) -> bool:
        """Whether a path, without `/v1`, is one that faults are switched on for."""
        return path.startswith(self.path_prefix)

    def revokes_key(self) -> bool:
        """Count one request against `key_revoked_after`; true when the key no longer works for it."""
        with self._lock:
            if self.key_revoked_after is None:
                return False
            if self.key_revoked_after <= 0:
                return True
            self.key_revoked_after -= 1
            return False

    def take(self) -> FaultKind | None:
        """Use up the fault that the next request meets, if any."""
        with self._lock:
            for counter, kind in _COUNTERS:
                left = getattr(self, counter)
                if left > 0:
                    setattr(self, counter, left - 1)
                    return kind
        return None

    def take_delay(self) -> float:
        """Use up the seconds by which the next answer is held back; 0 for none."""
        with self._lock:
            if self.slow_seconds <= 0 or self.slow_requests == 0:
                return 0.0
            if self.slow_requests is not None:
                self.slow_requests -= 1
            return self.slow_seconds

    def update(self, switches: Mapping[str, Any]) -> None:
        """Set switches by name, as they come from another process.

        Args:
            switches: Names of the attributes above, `on_page` excepted, with their values.

        Raises:
            ValueError: A name that is none, or a value of a kind that its switch does not take; nothing is
                set then.
        """
        for name, value in switches.items():
            kinds = _KINDS.get(name)
            if kinds is None:
                raise ValueError(f"there is no fault switch {name!r}; there are: {', '.join(_KINDS)}")
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise ValueError(f"the fault switch {name!r} does not take {value!r}")  # noqa: TRY004 - bad input
        with self._lock:
            for name, value in switches.items():
                setattr(self, name, value)

    def clear(self) -> None:
        """Switch every fault off, `on_page` too."""
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
"""Switch -> what it takes."""
