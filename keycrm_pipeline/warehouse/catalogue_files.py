"""Stores the cards of the accounting catalogue's files (R12), and records which files were imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCTS
from keycrm_pipeline.schemas.ops import CATALOGUE_CONFLICTS
from keycrm_pipeline.warehouse.cards import PARTNER_COLUMNS, PRODUCT_COLUMNS, table_frame
from keycrm_pipeline.warehouse.frames import registered
from keycrm_pipeline.warehouse.statements import single_row, statement


@dataclass(frozen=True)
class KnownFiles:
    """The files of the catalogue that were imported.

    Attributes:
        digests: File name -> digest of the content that was imported last.
        has_conflicts: Whether a SKU of products.csv could not be assigned to its card then.
    """

    digests: Mapping[str, str]
    has_conflicts: bool


def known_files(connection: duckdb.DuckDBPyConnection) -> KnownFiles:
    """Which files were imported."""
    digests = dict(connection.execute(statement("catalogue_files", "digests")).fetchall())
    (has_conflicts,) = single_row(connection.execute(statement("catalogue_files", "has_conflicts")))
    return KnownFiles(digests, bool(has_conflicts))


def all_partners(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Every partner card, in the order of the fields of `PartnerCard`."""
    return connection.execute(statement("catalogue_files", "partners")).fetchall()


def _execute_with(
    connection: duckdb.DuckDBPyConnection, view: str, frame: pl.DataFrame, sql: str, now: datetime | None
) -> None:
    if frame.is_empty():
        return
    with registered(connection, view, frame):
        connection.execute(sql, {} if now is None else {"now": now})


def _cards(table: Table, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> pl.DataFrame:
    return table.checked(table_frame(table, rows, columns))


def store_catalogue_partners(
    connection: duckdb.DuckDBPyConnection,
    *,
    created: Sequence[dict[str, Any]],
    changed: Sequence[dict[str, Any]],
    joined: Sequence[int],
    now: datetime,
) -> None:
    """Stores partner cards of the catalogue, and marks the links of cards that the exchange had created for review.

    Args:
        connection: A connection for writing.
        created: New cards.
        changed: Cards to update.
        joined: Ids of cards that the exchange had created and that belong to the catalogue now.
        now: Time of the exchange.
    """
    for rows, sql in (
        (created, statement("cards", "insert_partners")),
        (changed, statement("catalogue_files", "update_partners")),
    ):
        _execute_with(connection, "cards_frame", _cards(PARTNERS, rows, PARTNER_COLUMNS), sql, now)
    if joined:
        connection.execute(statement("catalogue_files", "mark_links"), [list(joined)])


def store_catalogue_products(
    connection: duckdb.DuckDBPyConnection,
    *,
    created: Sequence[dict[str, Any]],
    changed: Sequence[dict[str, Any]],
    conflicts: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Stores product cards of the catalogue, and the SKUs that could not be assigned to their cards."""
    # Changed cards first: a SKU that the file moves must leave its old card first.
    for rows, sql in (
        (changed, statement("catalogue_files", "update_products")),
        (created, statement("cards", "insert_products")),
    ):
        _execute_with(connection, "cards_frame", _cards(PRODUCTS, rows, PRODUCT_COLUMNS), sql, now)
    connection.execute(statement("catalogue_files", "forget_conflicts"))
    frame = table_frame(CATALOGUE_CONFLICTS, conflicts, CATALOGUE_CONFLICTS.column_names)
    _execute_with(
        connection, "conflicts_frame", frame, statement("catalogue_files", "insert_conflicts"), None
    )


def forget_files(connection: duckdb.DuckDBPyConnection, file_names: Sequence[str]) -> None:
    """Forgets files that no longer exist, with their conflicts; a file that comes back is imported again."""
    connection.execute(statement("catalogue_files", "forget_files"), [list(file_names)])
    if "products.csv" in file_names:
        connection.execute(statement("catalogue_files", "forget_conflicts"))


def record_file(
    connection: duckdb.DuckDBPyConnection, *, file_name: str, digest: str, cards: int, now: datetime
) -> None:
    """Records that a file was imported with this content."""
    connection.execute(
        statement("catalogue_files", "record_file"),
        {"file_name": file_name, "digest": digest, "cards": cards, "now": now},
    )
