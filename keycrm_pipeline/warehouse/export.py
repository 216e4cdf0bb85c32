"""Reads the documents of a period that may be handed over, and remembers which cards were.

What is not here: names of columns and files, and how a file is written (see `exports`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from keycrm_pipeline.kinds import CANCELLED_GROUP
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.statements import statement

_CARD_TABLES = ("partners", "products", "product_variants")
_DOCUMENT_TABLES = ("orders", "order_lines", "order_services", "order_payments")
_PARAMETERS = {"orders": {"cancelled_group": CANCELLED_GROUP}}


@dataclass(frozen=True)
class ExportSources:
    """What one export hands over, as frames with the columns of `sql/export.sql`, in a fixed order of rows.

    Attributes:
        tables: `partners`, `products`, `product_variants`, `orders`, `order_lines`, `order_services`,
            `order_payments` and `held_back`. Money and quantities are decimals, instants carry the profile's
            zone.
        days_not_loaded: Days of the period that were never loaded to the end: they are not empty, they are
            unknown.
    """

    tables: Mapping[str, pl.DataFrame]
    days_not_loaded: tuple[date, ...]


def read_export_sources(
    connection: duckdb.DuckDBPyConnection, *, period_from: date, period_to: date, export_format: str
) -> ExportSources:
    """Reads the complete, valid orders of a period with the cards they use, and lists the orders held back.

    An order is held back when its newest payload was rejected (R10), when it does not add up (R6), when
    KeyCRM no longer has it (R11), or when a card or a sum of it is not as the books demand. A card is new
    when no earlier export of this format, of another period, held it; cards of the accounting catalogue
    (R12) are never new.

    Args:
        connection: An open connection; reading is enough.
        period_from: First local day.
        period_to: Last local day, included.
        export_format: The format, since each accounting system has its own memory of cards.
    """
    period = {"period_from": period_from, "period_to": period_to}
    connection.execute(statement("export", "choose_orders"), period)
    connection.execute(statement("export", "exportable_orders"))
    tables = {
        name: connection.execute(statement("export", name), period | {"format": export_format}).pl()
        for name in _CARD_TABLES
    }
    tables |= {
        name: connection.execute(statement("export", name), _PARAMETERS.get(name, {})).pl()
        for name in _DOCUMENT_TABLES
    }
    tables["held_back"] = connection.execute(statement("export", "held_back"), period).pl()
    days = connection.execute(statement("export", "days_not_loaded"), period).fetchall()
    return ExportSources(tables=tables, days_not_loaded=tuple(row[0] for row in days))


def record_exported_cards(
    connection: duckdb.DuckDBPyConnection,
    card_ids: Mapping[str, pl.Series],
    *,
    period_from: date,
    period_to: date,
    export_format: str,
    now: datetime,
) -> None:
    """Remembers the cards of an export; a card that an earlier export held keeps that one.

    Args:
        connection: A connection that may write.
        card_ids: Kind of card (`partner`, `product`, `product_variant`) -> the cards' numbers.
        period_from: First day of the export.
        period_to: Last day of the export.
        export_format: The format.
        now: Time of the export, timezone-aware.
    """
    with transaction(connection):
        for card_kind, identifiers in card_ids.items():
            # As a frame: thousands of numbers as a parameter take seconds.
            connection.register("cards_to_record", pl.DataFrame({"card_id": identifiers}))
            connection.execute(
                statement("export", "record_exported_cards"),
                {
                    "format": export_format,
                    "card_kind": card_kind,
                    "period_from": period_from,
                    "period_to": period_to,
                    "now": now,
                },
            )
            connection.unregister("cards_to_record")
