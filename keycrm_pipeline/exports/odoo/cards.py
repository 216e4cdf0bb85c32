"""The files of cards for Odoo: partners, products, price lists.

Cards that Odoo has already are referred to and not written: an empty cell would clear what is on them.

What is not here: the documents that use them (`orders`, `payments`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keycrm_pipeline.custom_fields import EDRPOU
from keycrm_pipeline.exports.odoo.references import external_id, in_odoo, pricelist_id, text
from keycrm_pipeline.exports.texts import clean_column, harmless_column
from keycrm_pipeline.kinds import PRODUCT_WITH_SKU, SERVICE, SERVICE_LINE_NAMES, TAX, WRAP

_UNITS = {
    "шт": "uom.product_uom_unit",
    "дюжина": "uom.product_uom_dozen",
    "кг": "uom.product_uom_kgm",
    "г": "uom.product_uom_gram",
    "гр": "uom.product_uom_gram",
    "т": "uom.product_uom_ton",
    "л": "uom.product_uom_litre",
    "м": "uom.product_uom_meter",
    "пог. м": "uom.product_uom_meter",
    "см": "uom.product_uom_cm",
    "мм": "uom.product_uom_millimeter",
    "км": "uom.product_uom_km",
    "м2": "uom.uom_square_meter",
    "м²": "uom.uom_square_meter",
    "кв. м": "uom.uom_square_meter",
    "м3": "uom.product_uom_cubic_meter",
    "м³": "uom.product_uom_cubic_meter",
    "куб. м": "uom.product_uom_cubic_meter",
    "год": "uom.product_uom_hour",
    "день": "uom.product_uom_day",
    "доба": "uom.product_uom_day",
}
"""Units of the books -> External IDs that every Odoo has. Odoo has no pair, package, set or
millilitre; what is measured in one of these has its unit Units."""

_PIECES = "uom.product_uom_unit"

_OWN_PRICELIST_SEQUENCE, _FOREIGN_PRICELIST_SEQUENCE = "20", "100"
"""An order without a price list gets the first one by sequence (Odoo's own has 10), which must not be a foreign one."""

DISCOUNT_PRODUCT = "keycrm_service_discount"
DISCOUNT = "Знижка"
_SERVICE_NAMES = {
    **{kind: SERVICE_LINE_NAMES[kind] for kind in (WRAP, TAX)},
    "discount": DISCOUNT,
}
"""Lines without a card -> their names."""


def partners(cards: pl.DataFrame) -> pl.DataFrame:
    """The partners that Odoo does not have yet."""
    return cards.filter(in_odoo("catalogue_id").is_null()).select(
        external_id("partner", "partner_id").alias("id"),
        text("name").alias("name"),
        text("phone").alias("phone"),
        text("email").alias("email"),
        text("catalogue_id").alias("ref"),
    )


def companies(cards: pl.DataFrame) -> pl.DataFrame:
    """The companies of the partners; one that KeyCRM's list lacks has no name, and no record.

    The ЄДРПОУ is Odoo's «Company ID» and not the tax number, which is the ІПН in Ukraine.
    """
    edrpou = pl.col(EDRPOU) if EDRPOU in cards.columns else pl.lit(None, pl.String)
    return (
        _of_companies(cards)
        .with_columns(edrpou.alias(EDRPOU))
        .sort("company_id", "partner_id")
        .unique("company_id", keep="first", maintain_order=True)
        .select(
            external_id("company", "company_id").alias("id"),
            pl.coalesce(text("company_title"), text("company_name")).alias("name"),
            pl.lit("True").alias("is_company"),
            text(EDRPOU).alias("company_registry"),
        )
    )


def contacts_of_companies(cards: pl.DataFrame) -> pl.DataFrame:
    """Which company a partner belongs to; those without one, and those that Odoo has already, stay as they are."""
    return (
        _of_companies(cards)
        .filter(in_odoo("catalogue_id").is_null())
        .select(
            external_id("partner", "partner_id").alias("id"),
            external_id("company", "company_id").alias("parent_id/id"),
        )
    )


def _of_companies(cards: pl.DataFrame) -> pl.DataFrame:
    return cards.filter(pl.coalesce("company_title", "company_name").is_not_null())


def _unit() -> pl.Expr:
    spelt = pl.col("unit").str.strip_chars().str.strip_chars_end(".").str.to_lowercase()
    return spelt.replace_strict(_UNITS, default=_PIECES, return_dtype=pl.String)


def products(frames: Mapping[str, pl.DataFrame], lines: pl.DataFrame) -> pl.DataFrame:
    """The products that Odoo does not have yet, each variant as a product of its own.

    Odoo creates the variants of a template itself, under External IDs that cannot be known in advance. Only a separate
    product for each variant can be found by a second import.
    """
    nothing = pl.lit(None, dtype=pl.String)
    used = lines["order_line/product_id/id"].unique().to_list()
    reference = external_id("product", "product_id")
    has_variants = pl.col("kind") == PRODUCT_WITH_SKU
    of_cards = (
        frames["products"]
        # A card that later became `product_with_sku` may still have older lines without a variant.
        .filter(in_odoo("catalogue_id").is_null() & (~has_variants | reference.is_in(used)))
        .sort(has_variants, "product_id")
        .select(
            reference.alias("id"),
            text("name").alias("name"),
            pl.when(~has_variants).then(text("sku")).alias("default_code"),
            nothing.alias("barcode"),
            pl.when(pl.col("kind") == SERVICE)
            .then(pl.lit("service"))
            .otherwise(pl.lit("consu"))
            .alias("type"),
            _unit().alias("uom_id/id"),
            pl.col("price").cast(pl.String).alias("list_price"),
        )
    )
    of_variants = frames["product_variants"].select(
        external_id("variant", "variant_id").alias("id"),
        named("product_name").alias("name"),
        text("sku").alias("default_code"),
        # Odoo refuses the whole file when two products share a barcode: the oldest variant keeps it.
        pl.when("is_barcode_owner").then(text("barcode")).alias("barcode"),
        pl.lit("consu").alias("type"),
        _unit().alias("uom_id/id"),
        pl.col("price").cast(pl.String).alias("list_price"),
    )
    without_card = pl.DataFrame(
        [
            (f"keycrm_service_{kind}", name, None, None, "service", _PIECES, None)
            for kind, name in _SERVICE_NAMES.items()
            if f"keycrm_service_{kind}" in used
        ],
        schema=dict.fromkeys(of_cards.columns, pl.String),
        orient="row",
    )
    return pl.concat([of_cards, of_variants, without_card])


def named(name: str) -> pl.Expr:
    """A name with its characteristics in brackets, if there are any."""
    return harmless_column(
        pl.concat_str(
            clean_column(name),
            pl.when(pl.col("characteristics").is_not_null())
            .then(pl.concat_str(pl.lit(" ("), clean_column("characteristics"), pl.lit(")")))
            .otherwise(pl.lit("")),
        )
    )


def pricelists(orders: pl.DataFrame, company_currency: str) -> pl.DataFrame:
    """One price list per currency, and that of the company before the others."""
    currency = pl.col("currency")
    own = pl.DataFrame({"currency": [company_currency]})
    return (
        pl.concat([own, orders.select("currency")])
        .unique()
        .sort("currency")
        .select(
            pricelist_id(currency).alias("id"),
            pl.concat_str(pl.lit("KeyCRM "), currency).alias("name"),
            currency.alias("currency_id"),
            pl.when(currency == company_currency)
            .then(pl.lit(_OWN_PRICELIST_SEQUENCE))
            .otherwise(pl.lit(_FOREIGN_PRICELIST_SEQUENCE))
            .alias("sequence"),
        )
    )
