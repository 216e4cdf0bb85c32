"""Reads the documents of a period that can be exported, and records which cards were exported.

Names of columns and files, and how a file is written, belong to package `exports`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb
import polars as pl

from keycrm_pipeline.kinds import CANCELLED_GROUP
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.frames import registered
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement
from keycrm_pipeline.warehouse.sums import PeriodSums, count_never_booked, sums_of_chosen

_TABLES = (
    *("partners", "products", "product_variants"),
    *("orders", "order_lines", "order_services", "order_payments"),
)
_ALL_ORGANISATIONS = ""
_PARAMETERS = {"orders": {"cancelled_group": CANCELLED_GROUP}}


@dataclass(frozen=True)
class ExportSources:
    """The content of one export, as frames with the columns of `sql/export.sql`, in a fixed order of rows.

    Attributes:
        tables: `partners`, `products`, `product_variants`, `orders`, `order_lines`, `order_services`,
            `order_payments` and `held_back`. Money (in the order's currency) and quantities are decimals, instants are
            in the profile's time zone.
        sums: Currency -> the sums of all booked orders of the period, as the report has them.
        never_booked: Rejected orders of the period that are not in the books.
        as_of: When KeyCRM was last asked for changes in the period; None if it never was. Timezone-aware.
        days_not_loaded: Days of the period that were never loaded completely: they are not empty but unknown.
    """

    tables: Mapping[str, pl.DataFrame]
    sums: Mapping[str, PeriodSums]
    never_booked: int
    as_of: datetime | None
    days_not_loaded: tuple[date, ...]


def read_export_sources(
    connection: duckdb.DuckDBPyConnection,
    period: Period,
    *,
    export_format: str,
    currency: str,
    organisation: str | None = None,
    since_last: bool = False,
    repeated_at: datetime | None = None,
) -> ExportSources:
    """Reads the orders that `choose_documents` has chosen with the cards they use, and lists the orders held back.

    A card is new unless an export of the same format for another period contained it first; cards of the accounting
    catalogue (R12) are never new.

    Args:
        connection: An open connection; reading is enough.
        period: The local days.
        export_format: The format, since each accounting system has its own set of known cards.
        currency: Currency of the list prices on the cards; sales in another one give a card no price.
        organisation: The legal entity, whose books have their own set of known cards too.
        since_last: Whether only what changed since the last export is read: a card that was exported is not new then.
        repeated_at: When the same export was made that this one repeats; its cards are as new as they were.
    """
    days = period_parameters(period)
    asked = {
        "format": export_format,
        "organisation": organisation or _ALL_ORGANISATIONS,
        "since_last": since_last,
        "repeated_at": repeated_at,
    }
    connection.execute(statement("export", "known_cards"), days | asked)
    connection.execute(statement("export", "exportable_orders"))
    connection.execute(statement("export", "exported_products"))
    connection.execute(
        statement("export", "last_sales"), {"currency": currency, "cancelled_group": CANCELLED_GROUP}
    )
    tables = {
        name: connection.execute(statement("export", name), _PARAMETERS.get(name, {})).pl()
        for name in _TABLES
    }
    tables["held_back"] = connection.execute(statement("export", "held_back"), days).pl()
    not_loaded = connection.execute(statement("export", "days_not_loaded"), days).fetchall()
    return ExportSources(
        tables=tables,
        sums=sums_of_chosen(connection),
        never_booked=count_never_booked(connection, period),
        as_of=last_asked(connection, period),
        days_not_loaded=tuple(row[0] for row in not_loaded),
    )


def last_asked(connection: duckdb.DuckDBPyConnection, period: Period) -> datetime | None:
    """When KeyCRM was last asked for changes in a period, timezone-aware; None if it never was."""
    (as_of,) = single_row(connection.execute(statement("export", "as_of"), period_parameters(period)))
    return as_of  # type: ignore[no-any-return]


def record_exported_cards(
    connection: duckdb.DuckDBPyConnection,
    card_ids: Mapping[str, pl.Series],
    period: Period,
    *,
    export_format: str,
    organisation: str | None,
    now: datetime,
) -> None:
    """Records the cards of an export; a card that an earlier export contained keeps its record.

    Call it inside a transaction.

    Args:
        connection: A connection that may write.
        card_ids: Kind of card (`partner`, `product`, `product_variant`) -> ids of the cards.
        period: The days of the export.
        export_format: The format.
        organisation: The legal entity whose orders were exported; None for all of them.
        now: Time of the export, timezone-aware.
    """
    for card_kind, identifiers in card_ids.items():
        # As a frame: thousands of ids as a parameter take seconds.
        with registered(connection, "cards_to_record", pl.DataFrame({"card_id": identifiers})):
            connection.execute(
                statement("export", "record_exported_cards"),
                {
                    **period_parameters(period),
                    "format": export_format,
                    "organisation": organisation or _ALL_ORGANISATIONS,
                    "card_kind": card_kind,
                    "now": now,
                },
            )
