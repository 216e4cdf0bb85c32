"""What the stages of a load return: numbers per day and for the whole run, for the log, the page and the summary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class StageNumbers:
    """What a stage did.

    Attributes:
        days: Day -> its numbers by label; `rows` is how many rows the stage's table has for that day.
        totals: Numbers of the whole run, by label.
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
        """The same as numbers of a stage; cards do not belong to a day."""
        return StageNumbers(
            totals={
                "cards created": self.created,
                "cards changed": self.updated,
                "cards used": self.used,
                **{name.replace("_", " "): number for name, number in more.items()},
            }
        )
