"""Keeps what people search for out of addresses: an address holds a number of the search, not a name or a phone.

What is not here: the search itself (`warehouse.page`).
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping

MOST_KEPT = 2000
LONGEST = 200
"""Characters of one value."""


class Searches:
    """The values of recent searches by their random number; after a restart of the page they are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Mapping[str, str]] = OrderedDict()
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def keep(self, values: Mapping[str, str]) -> str | None:
        """The number under which the values that are not blank are kept; None if all are."""
        given = {name: value.strip()[:LONGEST] for name, value in values.items() if value.strip()}
        if not given:
            return None
        number = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[number] = given
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return number

    def find(self, number: str | None) -> Mapping[str, str] | None:
        """The values under a number; None if it is not known any more."""
        with self._lock:
            return self._kept.get(number or "")
