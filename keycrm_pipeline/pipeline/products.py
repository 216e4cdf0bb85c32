"""Stage `products`: finds or creates the product cards of what orders sold (R4, R5), and queries KeyCRM's catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from keycrm_pipeline.accounting.names import Skus, characteristics, name_key
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
from keycrm_pipeline.crm.pages import CrmRow
from keycrm_pipeline.crm.shapes import read_options, takes_away
from keycrm_pipeline.crm.values import flag, options, plain_text, whole
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.results import CardCounts, StageNumbers
from keycrm_pipeline.pipeline.selection import selection
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.warehouse import cards as card_store
from keycrm_pipeline.warehouse.cards import ProductKeys

if TYPE_CHECKING:
    import duckdb

DELIVERY_ITEM = "delivery"
"""Key of the item that represents paid delivery: its card is named after the profile's `delivery_service` (R7)."""

PRODUCT_KEYS = ("name", "has_offers", "category_id")
OFFER_KEYS = ("sku", "barcode", "properties")
"""What the books use of KeyCRM's catalogue; a product without variants also has a `sku`."""

STORED_TOGETHER = 500
"""Products that are requested and stored together: after a kill, only their ten or twenty requests are repeated."""


def run(session: Session, period: Period | None) -> StageNumbers:
    """Finds or creates the cards of what the orders of a period sold, and of those that this exchange touched.

    KeyCRM's catalogue is queried, 50 products at a time, only for products that are not known yet or that a line
    contradicts; a rebuild uses it as it is stored.
    """
    chosen = selection(session, period)
    skus = Skus(session.profile.placeholder_skus)
    unknown: list[int] = []
    with session.warehouse.writing() as connection:
        card_store.select_orders(connection, chosen)
        items = read_items(connection)
        catalogue = read_catalogue(connection, items)
        if not session.is_rebuild:
            unknown = missing_products(items, catalogue, skus)
        if not unknown:
            counts = derive_products(connection, session.profile, items, catalogue, skus, now=session.now)
    if unknown:
        with session.client() as client:
            fetch_catalogue(session, client, unknown)
        with session.warehouse.writing() as connection:
            catalogue = read_catalogue(connection, items)
            counts = derive_products(connection, session.profile, items, catalogue, skus, now=session.now)
    session.add(products_created=counts.created)
    return counts.numbers(products_requested_from_KeyCRM=len(unknown))


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


@dataclass(frozen=True)
class KnownCatalogue:
    """What is known about the products of some items.

    Attributes:
        products: KeyCRM's products by id.
        absent: Ids for which KeyCRM returned nothing.
    """

    products: Mapping[int, CatalogueProduct]
    absent: Collection[int]


def read_catalogue(connection: duckdb.DuckDBPyConnection, items: Iterable[SoldItem]) -> KnownCatalogue:
    """The part of KeyCRM's stored catalogue that these items can need."""
    wanted = {item.crm_product_id for item in items if item.crm_product_id is not None}
    products, offers = card_store.known_catalogue(connection, sorted(wanted))
    offers_of: dict[int, list[CatalogueOffer]] = {}
    for offer_id, crm_product_id, payload in offers:
        row = msgspec.json.decode(payload)
        offers_of.setdefault(crm_product_id, []).append(
            CatalogueOffer(
                offer_id=offer_id,
                sku=plain_text(row.get("sku")),
                barcode=plain_text(row.get("barcode")),
                characteristics=characteristics(options(read_options(row.get("properties")))),
            )
        )
    known = {}
    for crm_product_id, payload_or_none in products.items():
        if payload_or_none is None:
            continue
        row = msgspec.json.decode(payload_or_none)
        known[crm_product_id] = CatalogueProduct(
            crm_product_id=crm_product_id,
            name=plain_text(row.get("name")),
            unit=plain_text(row.get("unit_type")),
            has_offers=flag(row.get("has_offers")),
            category_id=whole(row.get("category_id")),
            sku=plain_text(row.get("sku")),
            offers=tuple(sorted(offers_of.get(crm_product_id, ()), key=lambda offer: offer.offer_id)),
        )
    return KnownCatalogue(known, products.keys() - known.keys())


def read_categories(connection: duckdb.DuckDBPyConnection) -> dict[int, Category]:
    """KeyCRM's categories as stored, including those that its list no longer has."""
    categories = {}
    for category_id, payload, _listed in card_store.reference_rows(connection, "categories"):
        row = msgspec.json.decode(payload)
        categories[category_id] = Category(
            category_id=category_id, name=plain_text(row.get("name")), parent_id=whole(row.get("parent_id"))
        )
    return categories


def missing_products(items: Iterable[SoldItem], catalogue: KnownCatalogue, skus: Skus) -> list[int]:
    """KeyCRM product ids to request: not known yet, or contradicted by a line (R5).

    A product for which KeyCRM returned nothing is not requested again: the line decides (R5).
    """
    return sorted(
        {
            item.crm_product_id
            for item in items
            # KeyCRM's ids begin at 1; it refuses a whole request for one that does not.
            if item.crm_product_id is not None
            and item.crm_product_id > 0
            and item.crm_product_id not in catalogue.absent
            and needs_catalogue(item, catalogue.products, skus)
        }
    )


def fetch_catalogue(session: Session, client: KeyCrmClient, crm_product_ids: Sequence[int]) -> None:
    """Requests products and all their offers, 50 ids at a time, and stores each group as it arrives.

    A product without variants needs no list of its offers: it has a single one, which the order line itself contains.
    """
    total = len(crm_product_ids)
    for start in range(0, total, STORED_TOGETHER):
        progress.products(start, total)
        _fetch_together(session, client, crm_product_ids[start : start + STORED_TOGETHER])
        progress.products(min(start + STORED_TOGETHER, total), total)


def _fetch_together(session: Session, client: KeyCrmClient, crm_product_ids: Sequence[int]) -> None:
    with session.warehouse.writing() as connection:
        known_products, known_offers = card_store.known_catalogue(connection, crm_product_ids)
    products: dict[int, str | None] = {}
    with_offers = []
    for row in client.products(crm_product_ids):
        product_id = whole(row.get("id"))
        if product_id is None or _is_less(row, known_products.get(product_id), _keys_of_product(row)):
            continue
        products[product_id] = row.payload.decode()
        if flag(row.get("has_offers")):
            with_offers.append(product_id)
    offers: dict[int, tuple[int, int, str]] = {}
    stored_offers = {offer_id: payload for offer_id, _product_id, payload in known_offers}
    for row in client.offers(product_ids=with_offers) if with_offers else ():
        offer_id, product_id = whole(row.get("id")), whole(row.get("product_id"))
        if offer_id is not None and product_id is not None:
            stored = stored_offers.get(offer_id)
            is_less = _is_less(row, stored, OFFER_KEYS)
            payload = stored if is_less and stored is not None else row.payload.decode()
            offers[offer_id] = (offer_id, product_id, payload)
    # A product with variants has at least one: an empty list of them is no news (R10).
    answered = {product_id for _offer_id, product_id, _payload in offers.values()}
    for offer in known_offers:
        if offer[1] in with_offers and offer[1] not in answered:
            offers[offer[0]] = offer
    # A product that KeyCRM does not return is absent, unless it is known: nothing known is lost to an empty list.
    unknown = {product_id for product_id in crm_product_ids if known_products.get(product_id) is None}
    products = dict.fromkeys(sorted(unknown - products.keys())) | products
    with session.warehouse.writing() as connection:
        card_store.store_catalogue(connection, products, list(offers.values()), now=session.now)


def _keys_of_product(row: CrmRow) -> tuple[str, ...]:
    return PRODUCT_KEYS if flag(row.get("has_offers")) else (*PRODUCT_KEYS, "sku")


def _is_less(row: CrmRow, stored: str | None, keys: Sequence[str]) -> bool:
    """Whether a row of the catalogue lacks what is known already (R10): then the stored row stays."""
    return stored is not None and takes_away(row, msgspec.json.decode(stored), keys)


def card_row(card: ProductCard, skus: Skus) -> dict[str, Any]:
    """A product card as a row of its table, with the keys it is found by."""
    return asdict(card) | {
        "name_key": name_key(card.name),
        "sku_key": skus.key(card.sku),
    }


def _variant_row(variant: ProductVariant, skus: Skus) -> dict[str, Any]:
    return asdict(variant) | {"sku_key": skus.key(variant.sku)}


def _keys(
    items: Sequence[SoldItem], catalogue: KnownCatalogue, delivery_service: str, skus: Skus
) -> ProductKeys:
    """Everything that a card of these items can be found by (R4)."""
    products = catalogue.products.values()
    typed_skus = {
        *(sku for item in items for sku in (item.sku, item.offer_sku)),
        *(product.sku for product in products),
        *(offer.sku for product in products for offer in product.offers),
    }
    names = {delivery_service, *(item.name for item in items), *(product.name for product in products)}
    return ProductKeys(
        sku_keys=sorted(set(filter(None, map(skus.key, typed_skus)))),
        name_keys=sorted(filter(None, map(name_key, names))),
        offer_ids=sorted({item.offer_id for item in items if item.offer_id is not None}),
        crm_product_ids=sorted({item.crm_product_id for item in items if item.crm_product_id is not None}),
    )


def derive_products(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    items: Sequence[SoldItem],
    catalogue: KnownCatalogue,
    skus: Skus,
    *,
    now: datetime,
) -> CardCounts:
    """Finds or creates the card of every item (R4, R5), and the service card of paid delivery (R7)."""
    cards, variants, links = card_store.product_candidates(
        connection, _keys(items, catalogue, profile.delivery_service, skus)
    )
    next_product_id, next_variant_id = card_store.next_product_ids(connection)
    found = ProductCards(
        [ProductCard(*card) for card in cards],
        [ProductVariant(*variant) for variant in variants],
        [ProductLink(*link) for link in links],
        catalogue=catalogue.products,
        categories=read_categories(connection),
        service_categories=frozenset(profile.service_categories),
        next_product_id=next_product_id,
        next_variant_id=next_variant_id,
        skus=skus,
    )
    # Cards are numbered in the order in which the items first appear, including delivery, so that a load day by day
    # and a load of the whole range create the same cards.
    for item in items:
        if item.key == DELIVERY_ITEM:
            found.meet_delivery(profile.delivery_service)
        else:
            found.meet(item)
    settled = found.meet_all(item for item in items if item.key != DELIVERY_ITEM)
    typed_skus = {item.key: (item.sku, item.offer_sku) for item in items}
    items_found = [
        {
            "item_key": key,
            "product_id": product_id,
            "variant_id": variant_id,
            "sku": next(filter(skus.key, typed_skus[key]), None),
        }
        for key, (product_id, variant_id) in settled.items()
    ]
    card_store.store_products(
        connection,
        created_cards=[card_row(card, skus) for card in found.created_cards.values()],
        changed_cards=[card_row(card, skus) for card in found.updated_cards.values()],
        created_variants=[_variant_row(variant, skus) for variant in found.created_variants.values()],
        changed_variants=[_variant_row(variant, skus) for variant in found.updated_variants.values()],
        links=[asdict(link) for link in found.new_links],
        items=items_found,
        ambiguous_names=[
            {"name": name, "product_ids": list(product_ids)}
            for name, product_ids in found.ambiguous_names.items()
        ],
        promoted=sorted(set(found.promoted)),
        shared_skus=[asdict(shared) | {"is_ticked_off": False} for shared in found.shared_skus],
        now=now,
    )
    return CardCounts(
        created=len(found.created_cards),
        updated=len(found.updated_cards),
        used=len({row["product_id"] for row in items_found}),
    )
