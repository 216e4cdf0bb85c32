"""What the stages of a load return: numbers by day and of the whole run, for the log, the page and the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class StageNumbers:
    """What a stage did.

    Attributes:
        days: Day -> its own numbers, by words; `rows` is how many rows the stage's table has of that day.
        totals: Numbers of the whole run, by words.
    """

    days: Mapping[date, Mapping[str, Any]] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CardCounts:
    """Cards created, cards changed, and cards that the orders use."""

    created: int
    updated: int
    used: int

    def numbers(self, **more: int) -> StageNumbers:
        """The same for the page; cards are not of a day."""
        return StageNumbers(
            totals={
                "cards created": self.created,
                "cards changed": self.updated,
                "cards used": self.used,
                **{name.replace("_", " "): number for name, number in more.items()},
            }
        )
