"""What people read about the loads: review list, rejected orders, days not loaded, latest exchanges.

The report, the `review` command and the workbook read the review list from here, with the names of people that decide
an item. What is not here: how the list is derived, and its rows without names for Dagster (`review`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import Message, ShowTyped, as_typed, stored_text, stored_texts
from keycrm_pipeline.sentences.review import Review, ReviewPart
from keycrm_pipeline.warehouse.exchanges import outcome_of
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
    error_coded: str | None

    def error_text(self, write: Formatter, typed: ShowTyped = as_typed) -> str:
        """Why it failed, in the language of a formatter; empty if it did not. `typed` shows what somebody typed."""
        return stored_text(self.error, self.error_coded, write, typed)

    @property
    def outcome(self) -> str:
        """How it ended, see `outcome_of`."""
        return outcome_of(self.status, self.error)


@dataclass(frozen=True)
class ReviewItem:
    """One item of the review list, as people read it.

    Attributes:
        kind: Its kind.
        subject: What it is about: an id or a name.
        details: The stored details, in English and without names of people.
        details_coded: The same as a stored message; None in a row of an earlier version.
        first_seen_at: When it was first found.
        order_id: An order that shows it, when there is one.
        card_name: The name on the partner card, when it disagrees with a buyer's (R3).
        buyer_names: The newest names of the card's buyers that are not the card's.
        manager_name: The name of a manager without a user, as KeyCRM listed it last; None if it did not.
    """

    kind: str
    subject: str
    details: str
    details_coded: str | None
    first_seen_at: datetime
    order_id: int | None
    card_name: str | None
    buyer_names: list[str]
    manager_name: str | None

    def text(self, write: Formatter, typed: ShowTyped = as_typed) -> str:
        """What decides the item and what to do, in the language of a formatter.

        It may contain names of people: for the terminal, the report and the workbook, never for Dagster or a log.

        Args:
            write: Writes it in its language.
            typed: How what somebody typed is shown, the names of people included.
        """
        details = stored_text(self.details, self.details_coded, write, typed)
        who = self._people()
        return details if who is None else f"{details} {who.text(write, typed)}"

    def _people(self) -> Message | None:
        """Whom the item is about, if it is about people whose names are known."""
        if self.manager_name is not None:
            return Review.MANAGER_IN_CRM.message(name=self.manager_name)
        if self.card_name is None or not self.buyer_names:
            return None
        names = [ReviewPart.NAME.message(name=name) for name in self.buyer_names]
        return Review.NAMES_ON_CARD_AND_IN_CRM.message(card_name=self.card_name, buyer_names=names)

    def plain(self, typed: ShowTyped) -> str:
        """The stored details in English, without names of people; `typed` shows what somebody typed."""
        return stored_text(self.details, self.details_coded, None, typed)


@dataclass(frozen=True)
class RejectedRecord:
    """One order that could not be loaded."""

    order_id: int | None
    order_day: date | None
    reasons: list[str]
    reasons_coded: str | None
    rejected_at: datetime

    def reason_texts(self, write: Formatter, typed: ShowTyped = as_typed) -> list[str]:
        """Every reason, in the language of a formatter; `typed` shows what somebody typed."""
        return stored_texts(self.reasons, self.reasons_coded, write, typed)


@dataclass(frozen=True)
class Rejection:
    """Why orders of a period could not be loaded, and how many; `reason_coded` is the reason as a stored message."""

    reason: str
    reason_coded: str | None
    orders: int

    def text(self, write: Formatter, typed: ShowTyped) -> str:
        """The reason in the language of a formatter; `typed` shows what somebody typed."""
        return stored_text(self.reason, self.reason_coded, write, typed)


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


def rejections_of_period(connection: duckdb.DuckDBPyConnection, period: Period) -> list[Rejection]:
    """Reasons for which orders of the period could not be loaded, most frequent first."""
    found = connection.execute(statement("attention", "rejections_of_period"), period_parameters(period))
    return typed_rows(Rejection, found)


def days_not_loaded(connection: duckdb.DuckDBPyConnection, period: Period) -> list[date]:
    """Days of the period that no load has finished; a day loaded without orders is not one of them (R1)."""
    rows = connection.execute(statement("attention", "days_not_loaded"), period_parameters(period)).fetchall()
    return [row[0] for row in rows]
