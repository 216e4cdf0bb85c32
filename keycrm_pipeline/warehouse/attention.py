"""What people read about the loads: review list, rejected orders, days not loaded, latest exchanges.

The report, the `review` command and the workbook read the review list from here, with the names of people that decide
an item. What is not here: how the list is derived, and its rows without names for Dagster (`review`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas import failures
from keycrm_pipeline.schemas.sentences import NAMES_ON_CARD_AND_IN_CRM, Sentence, in_ukrainian
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Exchange:
    """One exchange of the log; `seconds` is its duration."""

    exchange_id: int
    kind: str
    period_from: date | None
    period_to: date | None
    started_at: datetime
    seconds: float | None
    status: str
    orders_seen: int
    orders_created: int
    orders_updated: int
    orders_unchanged: int
    orders_rejected: int
    requests: int
    error: str | None

    @property
    def outcome(self) -> str:
        """How it ended, see `failures.outcome_of`."""
        return failures.outcome_of(self.status, self.error)


@dataclass(frozen=True)
class ReviewItem:
    """One item of the review list, as people read it.

    Attributes:
        kind: Its kind.
        subject: What it is about: an id or a name.
        details: The stored sentence, in English and without names of people.
        first_seen_at: When it was first found.
        order_id: An order that shows it, when there is one.
        card_name: The name on the partner card, when it disagrees with a buyer's (R3).
        buyer_names: The newest names of the card's buyers that are not the card's.
    """

    kind: str
    subject: str
    details: str
    first_seen_at: datetime
    order_id: int | None
    card_name: str | None
    buyer_names: list[str]

    @property
    def sentence(self) -> Sentence:
        """What decides the item and what to do, in both languages.

        It may contain names of people: for the terminal, the report and the workbook, never for Dagster or a log.
        """
        english, ukrainian = self.details, in_ukrainian(self.details)
        if self.card_name is not None and self.buyer_names:
            values = {
                "card_name": self.card_name,
                "buyer_names": ", ".join(f"«{name}»" for name in self.buyer_names),
            }
            english += f" {NAMES_ON_CARD_AND_IN_CRM.english.format(**values)}"
            ukrainian += f" {NAMES_ON_CARD_AND_IN_CRM.ukrainian.format(**values)}"
        return Sentence(english, ukrainian)


@dataclass(frozen=True)
class RejectedRecord:
    """One order that could not be loaded."""

    order_id: int | None
    order_day: date | None
    reasons: list[str]
    rejected_at: datetime


def exchanges(connection: duckdb.DuckDBPyConnection, most: int) -> list[Exchange]:
    """The latest exchanges, at most `most`, newest first."""
    return typed_rows(Exchange, connection.execute(statement("attention", "exchanges"), {"most": most}))


def review_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Kind of review item -> how many items need attention."""
    return dict(connection.execute(statement("attention", "review_counts")).fetchall())


def review_items(
    connection: duckdb.DuckDBPyConnection, *, kind: str | None = None, most: int | None = None
) -> list[ReviewItem]:
    """The review list by kind, oldest first.

    Args:
        connection: The open file.
        kind: Only this kind.
        most: At most so many items of each kind.
    """
    found = connection.execute(statement("attention", "review"), {"kind": kind, "most": most})
    return typed_rows(ReviewItem, found)


def count_rejected(connection: duckdb.DuckDBPyConnection) -> int:
    """How many orders are currently rejected."""
    (orders,) = single_row(connection.execute(statement("attention", "count_rejected")))
    return int(orders)


def rejected_records(connection: duckdb.DuckDBPyConnection, most: int) -> list[RejectedRecord]:
    """The most recently rejected orders, at most `most`."""
    return typed_rows(RejectedRecord, connection.execute(statement("attention", "rejected"), {"most": most}))


def rejections_of_period(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[str, int]:
    """Reason -> how many orders of the period have it, most frequent first."""
    return dict(
        connection.execute(
            statement("attention", "rejections_of_period"), period_parameters(period)
        ).fetchall()
    )


def days_not_loaded(connection: duckdb.DuckDBPyConnection, period: Period) -> list[date]:
    """Days of the period that no load has finished; a day loaded without orders is not one of them (R1)."""
    rows = connection.execute(statement("attention", "days_not_loaded"), period_parameters(period)).fetchall()
    return [row[0] for row in rows]
