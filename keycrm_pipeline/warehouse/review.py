"""The review list: what needs attention, derived from the current state of the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from keycrm_pipeline.sentences import stored_text
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.statements import single_row, statement

FAR_AHEAD = timedelta(days=366)
"""An order dated further ahead than this was dated by mistake."""


@dataclass(frozen=True)
class ReviewRow:
    """One item of the review list."""

    kind: str
    subject: str
    details: str
    first_seen_at: datetime


@dataclass(frozen=True)
class NameConflict:
    """Names that disagreed when a buyer or a product of KeyCRM was given a card (R3, R4.1).

    Attributes:
        partner_id: The buyer's card; None for a product.
        product_id: The product's card; None for a buyer.
        crm_product_id: The product of KeyCRM that shares the card's SKU; None for a buyer.
        card_name: The name on the card.
        names: The newest names of all the card's buyers, or of that product.
    """

    partner_id: int | None
    product_id: int | None
    crm_product_id: int | None
    card_name: str
    names: list[str | None]


@dataclass(frozen=True)
class NameInCrm:
    """A card that the exchange made, and what its product is called in KeyCRM now.

    Attributes:
        product_id: The card.
        name: The name on it.
        crm_name: The name in KeyCRM's catalogue as it is stored.
    """

    product_id: int
    name: str
    crm_name: str


def names_in_crm(connection: duckdb.DuckDBPyConnection) -> list[NameInCrm]:
    """Cards whose product is not written in KeyCRM as on the card."""
    return [NameInCrm(*row) for row in connection.execute(statement("review", "names_in_crm")).fetchall()]


def keep_renamed(connection: duckdb.DuckDBPyConnection, renamed: Sequence[NameInCrm]) -> None:
    """Notes the cards whose products were renamed; one that was ticked off stays so until it is renamed again."""
    values = [[card.product_id for card in renamed], [card.crm_name for card in renamed]]
    connection.execute(statement("review", "forget_renamed"), values)
    if renamed:
        connection.execute(statement("review", "keep_renamed"), values)


def take_over_names(
    connection: duckdb.DuckDBPyConnection, names: Sequence[tuple[int, str, str | None]], *, now: datetime
) -> None:
    """Renames cards.

    Args:
        connection: A connection for writing.
        names: Cards with their new names, as written and as compared.
        now: The time.
    """
    for product_id, name, key in names:
        connection.execute(statement("review", "take_over_name"), [name, key, now, product_id])
        connection.execute(statement("review", "delete_renamed_entry"), [str(product_id)])
    keep_renamed(connection, [])


def name_conflicts(connection: duckdb.DuckDBPyConnection) -> list[NameConflict]:
    """The conflicts that have not been settled, with the names of today."""
    return [
        NameConflict(*row) for row in connection.execute(statement("review", "name_conflicts")).fetchall()
    ]


def settle_conflicts(connection: duckdb.DuckDBPyConnection, settled: Sequence[NameConflict]) -> None:
    """Forgets the conflicts whose names agree by now."""
    partner_ids = [conflict.partner_id for conflict in settled if conflict.partner_id is not None]
    if partner_ids:
        connection.execute(statement("review", "settle_conflicts"), [partner_ids])
    shared = [conflict for conflict in settled if conflict.product_id is not None]
    if shared:
        connection.execute(
            statement("review", "settle_shared_skus"),
            [
                [conflict.product_id for conflict in shared],
                [conflict.crm_product_id for conflict in shared],
            ],
        )


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
        connection.execute(statement("review", "macros"))
        connection.execute(
            statement("review", "standing"),
            {
                "manager_ids": list(manager_ids),
                "start_date": start_date,
                "last_day": now.date() + FAR_AHEAD,
            },
        )
        connection.execute(statement("review", "keep_earlier"))
        connection.execute(statement("review", "delete_gone"))
        _insert_new(connection, now)


def _insert_new(connection: duckdb.DuckDBPyConnection, now: datetime) -> None:
    # Slow to load, and commands that only read need this module, too.
    import polars as pl

    entries = [
        (kind, subject, details or stored_text(None, coded, None), coded)
        for kind, subject, coded, details in connection.execute(statement("review", "new_entries")).fetchall()
    ]
    if not entries:
        return
    frame = pl.DataFrame(
        entries,
        schema=dict.fromkeys(("kind", "subject", "details", "details_coded"), pl.String),
        orient="row",
    )
    connection.register("new_entries_frame", frame)
    try:
        connection.execute(statement("review", "insert_new"), {"now": now})
    finally:
        connection.unregister("new_entries_frame")


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


def tick_off_product(connection: duckdb.DuckDBPyConnection, product_id: int) -> bool:
    """Takes a product that was promoted (R5), was renamed or has a shared SKU (R4) off the list; False if not on it."""
    with transaction(connection):
        ticked_off = 0
        for name in ("tick_off_promoted", "tick_off_renamed", "tick_off_shared"):
            (rows,) = single_row(connection.execute(statement("review", name), [product_id]))
            ticked_off += rows
        connection.execute(statement("review", "delete_ticked_off"), [str(product_id)])
    return ticked_off > 0
