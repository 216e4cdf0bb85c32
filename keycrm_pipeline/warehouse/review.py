"""The review list: what needs attention, derived from the current state of the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from keycrm_pipeline.schemas import sentences
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.statements import statement

_SENTENCES = {
    "unmapped_status": sentences.UNMAPPED_STATUS,
    "unmapped_manager": sentences.UNMAPPED_MANAGER,
    "names_disagree": sentences.NAMES_DISAGREE,
    "names_disagree_in_order": sentences.NAMES_DISAGREE_IN_ORDER,
    "ambiguous_name": sentences.AMBIGUOUS_NAME,
    "product_promoted": sentences.PRODUCT_PROMOTED,
    "order_difference": sentences.ORDER_DIFFERENCE,
    "paid_without_payment": sentences.PAID_WITHOUT_PAYMENT,
    "payment_in_several_orders": sentences.PAYMENT_IN_SEVERAL_ORDERS,
    "line_in_several_orders": sentences.LINE_IN_SEVERAL_ORDERS,
    "currency_conflict": sentences.CURRENCY_CONFLICT,
    "order_rejected": sentences.ORDER_REJECTED,
    "record_rejected": sentences.RECORD_REJECTED,
    "missing_in_crm": sentences.MISSING_IN_CRM,
    "day_before_start": sentences.DAY_BEFORE_START,
    "day_far_ahead": sentences.DAY_FAR_AHEAD,
}
"""Parameter of the statement -> its sentence."""


FAR_AHEAD = timedelta(days=366)
"""An order dated further ahead than this was dated by mistake."""


@dataclass(frozen=True)
class ReviewRow:
    """One item of the review list."""

    kind: str
    subject: str
    details: str
    first_seen_at: datetime


def name_conflicts(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, list[str | None]]]:
    """(partner id, name on the card, newest names of all its buyers) of cards with a link marked as a name conflict."""
    return connection.execute(statement("review", "name_conflicts")).fetchall()


def settle_conflicts(connection: duckdb.DuckDBPyConnection, partner_ids: Sequence[int]) -> None:
    """Removes the mark from the links of cards whose buyers' names agree by now."""
    connection.execute(statement("review", "settle_conflicts"), [list(partner_ids)])


def refresh_review(
    connection: duckdb.DuckDBPyConnection, *, manager_ids: Sequence[int], start_date: date, now: datetime
) -> None:
    """Brings `ops.review` up to date; a row whose cause remains keeps its `first_seen_at`.

    Args:
        connection: A connection for writing.
        manager_ids: Managers that the profile maps to a user.
        start_date: First day that the profile loads.
        now: Time of the exchange.
    """
    with transaction(connection):
        connection.execute(
            statement("review", "standing"),
            {
                "manager_ids": list(manager_ids),
                "start_date": start_date,
                "last_day": now.date() + FAR_AHEAD,
                **{name: sentence.positional for name, sentence in _SENTENCES.items()},
            },
        )
        connection.execute(statement("review", "keep_earlier"))
        connection.execute(statement("review", "delete_gone"))
        connection.execute(statement("review", "insert_new"), {"now": now})


def owners_of_shared(connection: duckdb.DuckDBPyConnection, *, now: datetime, most: int) -> list[int]:
    """Orders whose payment or line was found in another document by this exchange, which did not write theirs.

    Args:
        connection: The open file, after `refresh_review` of this exchange.
        now: Time of the exchange.
        most: At most that many.
    """
    found = connection.execute(statement("review", "owners_of_shared"), {"now": now, "most": most})
    return [row[0] for row in found.fetchall()]


def review_rows(
    connection: duckdb.DuckDBPyConnection, kind: str | None = None, *, most: int = 1_000_000
) -> list[ReviewRow]:
    """The review list, or its items of one kind, at most `most` rows."""
    if kind is None:
        rows = connection.execute(statement("review", "rows")).fetchmany(most)
    else:
        rows = connection.execute(statement("review", "rows_of_kind"), [kind, most]).fetchall()
    return [ReviewRow(*row) for row in rows]


def tick_off_promotion(connection: duckdb.DuckDBPyConnection, product_id: int) -> bool:
    """Removes a promoted product from the list; False when it is not on it (R5)."""
    with transaction(connection):
        removed = connection.execute(statement("review", "tick_off"), [product_id]).fetchone()
        if removed is None:
            return False
        connection.execute(statement("review", "delete_row"), ["product_promoted", str(product_id)])
    return True
