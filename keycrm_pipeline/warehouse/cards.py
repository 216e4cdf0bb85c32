"""Reads the cards that a load can match and writes the cards that it created or changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import (
    PARTNER_LINKS,
    PARTNERS,
    PRODUCT_LINKS,
    PRODUCT_VARIANTS,
    PRODUCTS,
    SOURCES,
    STATUSES,
)
from keycrm_pipeline.schemas.columns import frame_type
from keycrm_pipeline.schemas.ops import AMBIGUOUS_NAMES, PROMOTED_PRODUCTS, SHARED_SKUS
from keycrm_pipeline.schemas.validated import SOLD_ITEMS
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import frame_of, registered
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement


def table_frame(table: Table, rows: Sequence[dict[str, Any]], names: Sequence[str]) -> pl.DataFrame:
    """A frame of some columns of a table; also right when there are no rows."""
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in names},
        schema={name: frame_type(table.column(name).type) for name in names},
    )


def _execute_with(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    frame: pl.DataFrame,
    name: str,
    values: dict[str, Any] | None = None,
) -> None:
    if frame.is_empty():
        return
    with registered(connection, view, frame):
        connection.execute(statement("cards", name), values or {})


@dataclass(frozen=True)
class Selection:
    """The orders that a stage works on (R1, R2).

    Attributes:
        period: Days whose orders are selected; None for none.
        exchange_id: Exchange whose orders of other days are selected as well; None for none.
        is_loaded: Whether the days of the period count as loaded: a load is about to book them.
        start_date: First day whose orders enter the books.
        status_ids: Statuses whose orders enter the books; None for all.
    """

    period: Period | None
    exchange_id: int | None
    is_loaded: bool
    start_date: date
    status_ids: Sequence[int] | None

    @property
    def days(self) -> dict[str, Any]:
        """The parameters of a query for these orders, whatever their status."""
        return {**period_parameters(self.period), "exchange_id": self.exchange_id}


def select_orders(connection: duckdb.DuckDBPyConnection, selection: Selection) -> None:
    """Chooses the orders whose cards and documents are derived (R1, R2)."""
    connection.execute(
        statement("cards", "select_orders"),
        {
            **selection.days,
            "is_loaded": selection.is_loaded,
            "start_date": selection.start_date,
            "all_statuses": selection.status_ids is None,
            "status_ids": list(selection.status_ids or ()),
        },
    )


def buyers_on_orders(connection: duckdb.DuckDBPyConnection, period: Period) -> list[tuple[Any, ...]]:
    """(order id, date, buyer id, name, phone, e-mail) of selected orders of some days that can change a card."""
    found = connection.execute(statement("cards", "buyers_on_orders"), period_parameters(period))
    # Through a frame: DuckDB's own fetchall takes three times as long to create times.
    return frame_of(found).rows()


def partners_used(connection: duckdb.DuckDBPyConnection) -> int:
    """How many partner cards the selected orders belong to."""
    row = connection.execute(statement("cards", "partners_used")).fetchone()
    return int(row[0]) if row else 0


def partner_candidates(
    connection: duckdb.DuckDBPyConnection, keys: pl.DataFrame, default_partner_key: str | None
) -> tuple[list[tuple[Any, ...]], dict[int, int], int]:
    """Cards that buyers with these keys can match, the links of those buyers, and the next free number.

    Args:
        connection: The open file.
        keys: Columns `buyer_id`, `phone_key`, `email_key`.
        default_partner_key: Key of the default partner's name.
    """
    with registered(connection, "keys_frame", keys):
        found = connection.execute(
            statement("cards", "partner_candidates"), {"default_partner_key": default_partner_key}
        )
        # Through a frame, as in `buyers_on_orders`.
        cards = frame_of(found).rows()
        links = dict(connection.execute(statement("cards", "partner_link_candidates")).fetchall())
    (next_partner_id,) = single_row(connection.execute(statement("cards", "next_partner_id")))
    return cards, links, next_partner_id


PARTNER_COLUMNS = (
    "partner_id",
    "name",
    "phone",
    "email",
    "origin",
    "catalogue_id",
    "name_key",
    "phone_key",
    "email_key",
    "as_of_ordered_at",
    "as_of_order_id",
)
PRODUCT_COLUMNS = (
    "product_id",
    "name",
    "sku",
    "kind",
    "unit",
    "category_id",
    "category_name",
    "origin",
    "catalogue_id",
    "name_key",
    "sku_key",
)
_VARIANT_COLUMNS = ("variant_id", "product_id", "sku", "barcode", "characteristics", "offer_id", "sku_key")


def store_partners(
    connection: duckdb.DuckDBPyConnection,
    *,
    created: Sequence[dict[str, Any]],
    changed: Sequence[dict[str, Any]],
    confirmed: Sequence[tuple[int, datetime | None, int | None]],
    links: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Stores new and changed partner cards and new links in one transaction.

    Args:
        connection: A connection for writing.
        created: New cards.
        changed: Cards whose contents have changed.
        confirmed: (partner id, date, order id) of cards that only follow a newer order now, which leaves
            `updated_at` unchanged.
        links: New links of buyers.
        now: Time of the exchange.
    """
    created_frame = PARTNERS.checked(table_frame(PARTNERS, created, PARTNER_COLUMNS))
    changed_frame = PARTNERS.checked(table_frame(PARTNERS, changed, PARTNER_COLUMNS))
    confirmed_frame = pl.DataFrame(
        confirmed,
        schema={
            name: frame_type(PARTNERS.column(name).type)
            for name in ("partner_id", "as_of_ordered_at", "as_of_order_id")
        },
        orient="row",
    )
    links_frame = table_frame(
        PARTNER_LINKS, links, ("buyer_id", "partner_id", "name_conflict", "conflict_order_id")
    )
    with transaction(connection):
        _execute_with(connection, "cards_frame", created_frame, "insert_partners", {"now": now})
        _execute_with(connection, "cards_frame", changed_frame, "update_partners", {"now": now})
        _execute_with(connection, "cards_frame", confirmed_frame, "confirm_partners")
        _execute_with(connection, "links_frame", links_frame, "insert_partner_links", {"now": now})


def sold_items(connection: duckdb.DuckDBPyConnection, delivery_item: str) -> list[tuple[Any, ...]]:
    """The distinct items of the selected orders, in order of first appearance; see the statement for columns.

    Paid delivery is among them under the key `delivery_item`, with nothing else filled.
    """
    return connection.execute(statement("cards", "sold_items"), {"delivery_item": delivery_item}).fetchall()


@dataclass(frozen=True)
class ProductKeys:
    """What items can be found by, see R4.

    Attributes:
        sku_keys: SKUs as they are compared.
        name_keys: Names as they are compared.
        offer_ids: KeyCRM's offers.
        crm_product_ids: KeyCRM's products.
    """

    sku_keys: list[str]
    name_keys: list[str]
    offer_ids: list[int]
    crm_product_ids: list[int]


def product_cards(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """All product cards, variants and links."""
    return (
        connection.execute(statement("cards", "products")).fetchall(),
        connection.execute(statement("cards", "product_variants")).fetchall(),
        connection.execute(statement("cards", "product_links")).fetchall(),
    )


def store_products(
    connection: duckdb.DuckDBPyConnection,
    *,
    created_cards: Sequence[dict[str, Any]],
    changed_cards: Sequence[dict[str, Any]],
    created_variants: Sequence[dict[str, Any]],
    changed_variants: Sequence[dict[str, Any]],
    links: Sequence[dict[str, Any]],
    items: Sequence[dict[str, Any]],
    ambiguous_names: Sequence[dict[str, Any]],
    promoted: Sequence[int],
    shared_skus: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Stores cards, variants, links, which item belongs to which card, and what needs attention.

    Eleven parameters: the rows of each kind are separate, and all are stored in one transaction.
    """
    values = {"now": now}

    def cards(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        return PRODUCTS.checked(table_frame(PRODUCTS, rows, PRODUCT_COLUMNS))

    def variants(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
        return table_frame(PRODUCT_VARIANTS, rows, _VARIANT_COLUMNS)

    with transaction(connection):
        _execute_with(connection, "cards_frame", cards(created_cards), "insert_products", values)
        _execute_with(connection, "cards_frame", cards(changed_cards), "update_products", values)
        _execute_with(
            connection, "variants_frame", variants(created_variants), "insert_product_variants", values
        )
        _execute_with(
            connection, "variants_frame", variants(changed_variants), "update_product_variants", values
        )
        _execute_with(
            connection,
            "links_frame",
            table_frame(PRODUCT_LINKS, links, PRODUCT_LINKS.column_names),
            "upsert_product_links",
        )
        _execute_with(
            connection,
            "items_frame",
            table_frame(SOLD_ITEMS, items, SOLD_ITEMS.column_names),
            "upsert_sold_items",
        )
        _execute_with(
            connection,
            "names_frame",
            table_frame(AMBIGUOUS_NAMES, ambiguous_names, AMBIGUOUS_NAMES.column_names),
            "upsert_ambiguous_names",
        )
        _execute_with(
            connection,
            "promoted_frame",
            table_frame(
                PROMOTED_PRODUCTS, [{"product_id": product_id} for product_id in promoted], ("product_id",)
            ),
            "insert_promoted_products",
        )
        _execute_with(
            connection,
            "shared_frame",
            table_frame(SHARED_SKUS, shared_skus, SHARED_SKUS.column_names),
            "insert_shared_skus",
        )


def product_candidates(
    connection: duckdb.DuckDBPyConnection, keys: ProductKeys
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The product cards that items with these keys can match, with all their variants and links."""
    connection.execute(statement("cards", "met_products"), asdict(keys))
    return (
        connection.execute(statement("cards", "candidate_products")).fetchall(),
        connection.execute(statement("cards", "candidate_variants")).fetchall(),
        connection.execute(statement("cards", "candidate_links")).fetchall(),
    )


def next_product_ids(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """The next free number of a product card, and of a variant."""
    next_product_id, next_variant_id = single_row(connection.execute(statement("cards", "next_product_ids")))
    return next_product_id, next_variant_id


def known_catalogue(
    connection: duckdb.DuckDBPyConnection, crm_product_ids: Sequence[int]
) -> tuple[dict[int, str | None], list[tuple[int, int, str]]]:
    """Some of KeyCRM's products as known: id -> JSON text (None: KeyCRM has none), and (offer, product, JSON)."""
    wanted = {"crm_product_ids": list(crm_product_ids)}
    return (
        dict(connection.execute(statement("cards", "known_catalogue_products"), wanted).fetchall()),
        connection.execute(statement("cards", "known_catalogue_offers"), wanted).fetchall(),
    )


def store_catalogue(
    connection: duckdb.DuckDBPyConnection,
    products: dict[int, str | None],
    offers: Sequence[tuple[int, int, str]],
    *,
    now: datetime,
) -> None:
    """Stores products of KeyCRM with all their offers; offers of these products that no longer exist are deleted."""
    products_frame = pl.DataFrame(
        {"crm_product_id": list(products), "payload": list(products.values())},
        schema={"crm_product_id": pl.Int64, "payload": pl.String},
    )
    offers_frame = pl.DataFrame(
        [list(offer) for offer in offers],
        schema={"offer_id": pl.Int64, "crm_product_id": pl.Int64, "payload": pl.String},
        orient="row",
    )
    with (
        registered(connection, "products_frame", products_frame),
        registered(connection, "offers_frame", offers_frame),
        transaction(connection),
    ):
        connection.execute(statement("cards", "upsert_catalogue_products"), {"now": now})
        connection.execute(statement("cards", "delete_vanished_offers"))
        connection.execute(statement("cards", "upsert_catalogue_offers"), {"now": now})


def reference_rows(connection: duckdb.DuckDBPyConnection, list_name: str) -> list[tuple[int, str, bool]]:
    """(id, JSON text, whether still listed) of a reference list as stored."""
    return connection.execute(statement("cards", "reference_rows"), [list_name]).fetchall()


def statuses_of_orders(
    connection: duckdb.DuckDBPyConnection, selection: Selection
) -> list[tuple[int, str | None, str | None, int | None]]:
    """(status id, name, alias, group) that the orders of a selection have, chosen or not."""
    return connection.execute(statement("cards", "selected_statuses"), selection.days).fetchall()


def sources_of_orders(connection: duckdb.DuckDBPyConnection, selection: Selection) -> list[int]:
    """Source ids that the orders of a selection have, whatever their status."""
    return [
        row[0]
        for row in connection.execute(statement("cards", "selected_sources"), selection.days).fetchall()
    ]


def stored_statuses(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The statuses, one mapping per row."""
    rows = connection.execute(statement("cards", "statuses")).fetchall()
    return [dict(zip(STATUSES.column_names, row, strict=True)) for row in rows]


def store_statuses(connection: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Stores new and changed statuses."""
    frame = STATUSES.checked(table_frame(STATUSES, rows, STATUSES.column_names))
    _execute_with(connection, "statuses_frame", frame, "upsert_statuses")


def stored_sources(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The sources, one mapping per row."""
    rows = connection.execute(statement("cards", "sources")).fetchall()
    return [dict(zip(SOURCES.column_names, row, strict=True)) for row in rows]


def store_sources(connection: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Stores new and changed sources."""
    frame = SOURCES.checked(table_frame(SOURCES, rows, SOURCES.column_names))
    _execute_with(connection, "sources_frame", frame, "upsert_sources")
