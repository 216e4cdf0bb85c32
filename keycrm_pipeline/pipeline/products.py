"""Finds or creates the product cards that a period's orders need (R4, R5), asking KeyCRM's catalogue where it must."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from keycrm_pipeline.accounting.names import characteristics, name_key, sku_key
from keycrm_pipeline.accounting.products import (
    CatalogueOffer,
    CatalogueProduct,
    Category,
    ProductCard,
    ProductCards,
    ProductLink,
    ProductVariant,
    SoldItem,
    needs_catalogue,
)
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.values import flag, options, text, whole
from keycrm_pipeline.pipeline.registers import CardCounts
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.warehouse import cards as card_store
from keycrm_pipeline.warehouse.connection import Warehouse

if TYPE_CHECKING:
    import duckdb

DELIVERY_ITEM = "delivery"
"""Key of the item that stands for paid delivery: its card carries the profile's `delivery_service` (R7)."""

STORED_TOGETHER = 500
"""Products that are asked for and stored together: a kill repeats no more than their ten or twenty requests."""


def read_items(connection: duckdb.DuckDBPyConnection) -> list[SoldItem]:
    """The distinct items of the selected orders, in order of first appearance."""
    return [
        SoldItem(
            key=key,
            sku=sku,
            name=name or "",
            unit=unit,
            offer_id=offer_id,
            offer_sku=offer_sku,
            offer_barcode=barcode,
            crm_product_id=crm_product_id,
            characteristics=offer_characteristics or line_characteristics,
            has_properties=bool(offer_characteristics or line_characteristics),
        )
        for (
            key,
            sku,
            name,
            unit,
            offer_id,
            offer_sku,
            barcode,
            crm_product_id,
            line_characteristics,
            offer_characteristics,
        ) in card_store.sold_items(connection, DELIVERY_ITEM)
    ]


def read_catalogue(connection: duckdb.DuckDBPyConnection) -> dict[int, CatalogueProduct]:
    """KeyCRM's catalogue as stored; a product that KeyCRM does not know is left out."""
    products, offers = card_store.known_catalogue(connection)
    offers_of: dict[int, list[CatalogueOffer]] = {}
    for offer_id, crm_product_id, payload in offers:
        row = msgspec.json.decode(payload)
        offers_of.setdefault(crm_product_id, []).append(
            CatalogueOffer(
                offer_id=offer_id,
                sku=text(row.get("sku")),
                barcode=text(row.get("barcode")),
                characteristics=characteristics(options(row.get("properties"))),
            )
        )
    catalogue = {}
    for crm_product_id, payload_or_none in products.items():
        if payload_or_none is None:
            continue
        row = msgspec.json.decode(payload_or_none)
        catalogue[crm_product_id] = CatalogueProduct(
            crm_product_id=crm_product_id,
            name=text(row.get("name")),
            unit=text(row.get("unit_type")),
            has_offers=flag(row.get("has_offers")),
            category_id=whole(row.get("category_id")),
            sku=text(row.get("sku")),
            offers=tuple(sorted(offers_of.get(crm_product_id, ()), key=lambda offer: offer.offer_id)),
        )
    return catalogue


def read_categories(connection: duckdb.DuckDBPyConnection) -> dict[int, Category]:
    """KeyCRM's categories as stored, also those that its list no longer has."""
    categories = {}
    for category_id, payload, _listed in card_store.reference_rows(connection, "categories"):
        row = msgspec.json.decode(payload)
        categories[category_id] = Category(
            category_id=category_id, name=text(row.get("name")), parent_id=whole(row.get("parent_id"))
        )
    return categories


def missing_products(connection: duckdb.DuckDBPyConnection, items: Iterable[SoldItem]) -> list[int]:
    """KeyCRM product ids to ask for: not known yet, or contradicted by a line (R5).

    A product that KeyCRM answered nothing for is not asked for again: the line decides (R5).
    """
    known, _offers = card_store.known_catalogue(connection)
    absent = {crm_product_id for crm_product_id, payload in known.items() if payload is None}
    catalogue = read_catalogue(connection)
    return sorted(
        {
            item.crm_product_id
            for item in items
            # KeyCRM's ids begin at 1; it refuses a whole request for one that is none.
            if item.crm_product_id is not None
            and item.crm_product_id > 0
            and item.crm_product_id not in absent
            and needs_catalogue(item, catalogue)
        }
    )


def fetch_catalogue(
    warehouse: Warehouse, client: KeyCrmClient, crm_product_ids: list[int], *, now: datetime
) -> None:
    """Asks KeyCRM for products and all their offers, 50 ids at a time, and stores them as each group has come.

    A product without variants needs no list of its offers: it has one, which the order line names itself.
    """
    for start in range(0, len(crm_product_ids), STORED_TOGETHER):
        _fetch_together(warehouse, client, crm_product_ids[start : start + STORED_TOGETHER], now=now)


def _fetch_together(
    warehouse: Warehouse, client: KeyCrmClient, crm_product_ids: list[int], *, now: datetime
) -> None:
    products: dict[int, str | None] = dict.fromkeys(crm_product_ids)
    with_offers = []
    for row in client.products(crm_product_ids):
        product_id = whole(row.get("id"))
        if product_id is not None:
            products[product_id] = row.payload.decode()
            if flag(row.get("has_offers")):
                with_offers.append(product_id)
    offers = []
    for row in client.offers(product_ids=with_offers) if with_offers else ():
        offer_id, product_id = whole(row.get("id")), whole(row.get("product_id"))
        if offer_id is not None and product_id is not None:
            offers.append((offer_id, product_id, row.payload.decode()))
    with warehouse.writing() as connection:
        card_store.store_catalogue(connection, products, offers, now=now)


def card_row(card: ProductCard) -> dict[str, Any]:
    """A product card as a row of its table, with the keys it is found by."""
    return asdict(card) | {
        "name_key": name_key(card.name),
        "sku_key": sku_key(card.sku) if card.sku else None,
    }


def _variant_row(variant: ProductVariant) -> dict[str, Any]:
    return asdict(variant) | {"sku_key": sku_key(variant.sku) if variant.sku else None}


def derive_products(
    connection: duckdb.DuckDBPyConnection, profile: Profile, items: list[SoldItem], *, now: datetime
) -> CardCounts:
    """Finds or creates the card of every item (R4, R5), and the service card of paid delivery (R7)."""
    cards, variants, links = card_store.product_cards(connection)
    register = ProductCards(
        [ProductCard(*card) for card in cards],
        [ProductVariant(*variant) for variant in variants],
        [ProductLink(*link) for link in links],
        catalogue=read_catalogue(connection),
        categories=read_categories(connection),
        service_categories=frozenset(profile.service_categories),
        next_product_id=max((card[0] for card in cards), default=0) + 1,
        next_variant_id=max((variant[0] for variant in variants), default=0) + 1,
    )
    # Cards get their numbers in the order in which the items are first met, delivery among them: so a load by
    # days and one by the whole range make the same cards.
    for item in items:
        if item.key == DELIVERY_ITEM:
            register.meet_delivery(profile.delivery_service)
        else:
            register.meet(item)
    settled = register.meet_all(item for item in items if item.key != DELIVERY_ITEM)
    found = [
        {"item_key": key, "product_id": product_id, "variant_id": variant_id}
        for key, (product_id, variant_id) in settled.items()
    ]
    card_store.store_products(
        connection,
        created_cards=[card_row(card) for card in register.created_cards.values()],
        changed_cards=[card_row(card) for card in register.updated_cards.values()],
        created_variants=[_variant_row(variant) for variant in register.created_variants.values()],
        changed_variants=[_variant_row(variant) for variant in register.updated_variants.values()],
        links=[asdict(link) for link in register.new_links],
        items=found,
        ambiguous_names=[
            {"name": name, "product_ids": list(product_ids)}
            for name, product_ids in register.ambiguous_names.items()
        ],
        promoted=sorted(register.promoted),
        now=now,
    )
    return CardCounts(
        created=len(register.created_cards),
        updated=len(register.updated_cards),
        used=len({row["product_id"] for row in found}),
    )
