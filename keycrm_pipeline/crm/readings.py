"""Which date KeyCRM's filter `created_between` goes by: learned from the rows that it returns.

KeyCRM's documentation says `ordered_at`; the answers of live accounts say `created_at`. Neither is relied on: a load
requests more than its period until the account's own rows have proven that the filter goes by `ordered_at` (R1).

What belongs here: what a row proves. What does not: how much more is requested, and where the result is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from keycrm_pipeline.crm.pages import OrderRow

Reading = Literal["created_at", "ordered_at"]
"""The date that `created_between` goes by."""

_TOLERANCE: Final = timedelta(seconds=1)
"""Fractions of a second and the ends of a window prove nothing."""


@dataclass
class Evidence:
    """What the rows of one or more windows prove.

    Attributes:
        by_created_at: An order that only `created_at` explains: its `ordered_at` lies outside the window.
        by_ordered_at: An order that only `ordered_at` explains.
        is_unexplained: Whether neither date of some row lies in its window.
    """

    by_created_at: int | None = None
    by_ordered_at: int | None = None
    is_unexplained: bool = False

    def add_row(self, window: tuple[datetime, datetime], row: OrderRow) -> None:
        """Adds a row that was returned for a window; both ends are aware and included."""
        if row.ordered_at is None or row.created_at is None or row.order_id is None:
            return
        start, end = window[0] - _TOLERANCE, window[1] + _TOLERANCE
        is_ordered, is_created = start <= row.ordered_at <= end, start <= row.created_at <= end
        if is_created and not is_ordered:
            self.by_created_at = self.by_created_at or row.order_id
        elif is_ordered and not is_created:
            self.by_ordered_at = self.by_ordered_at or row.order_id
        elif not is_ordered:
            self.is_unexplained = True

    def add(self, more: Evidence) -> None:
        """Adds the evidence of other windows."""
        self.by_created_at = self.by_created_at or more.by_created_at
        self.by_ordered_at = self.by_ordered_at or more.by_ordered_at
        self.is_unexplained |= more.is_unexplained

    @property
    def proof(self) -> tuple[Reading, int] | None:
        """The reading and an order that proves it; None if nothing is proven.

        `ordered_at` allows a load to request less, so every row must agree with it.
        """
        if self.by_created_at is not None:
            return "created_at", self.by_created_at
        if self.by_ordered_at is not None and not self.is_unexplained:
            return "ordered_at", self.by_ordered_at
        return None
