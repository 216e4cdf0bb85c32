"""Writes the orders as CSV files for Odoo's own import, with External IDs, so that a second import updates.

The files are numbered in the order of import. Headers are the technical names of Odoo's fields, which its
import recognises: UTF-8, commas, a decimal point, times in the profile's time zone.

What is not here: taxes, payments and confirming an order; the bookkeeper decides about those in Odoo.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from keycrm_pipeline.exports.texts import clean_column, harmless_column
from keycrm_pipeline.kinds import PRODUCT_WITH_SKU, SERVICE, SERVICE_LINE_NAMES, TAX, WRAP

_LABELS = (
    ("stage", "Стадія"),
    ("source_name", "Джерело"),
    ("responsible", "Відповідальний"),
    ("account", "Банк. рахунок/Каса"),
    ("payment_status_name", "Оплата"),
    ("payment_method", "Спосіб оплати"),
    ("delivery_service", "Служба доставки"),
    ("tracking_code", "ТТН"),
    ("delivery_address", "Адреса доставки"),
    ("recipient_name", "Отримувач"),
    ("recipient_phone", "Телефон отримувача"),
    ("comment", "Коментар"),
)
"""Values for which not every edition of Odoo has a field; each is a line of the order's note."""

_DISCOUNT_PRODUCT = "keycrm_service_discount"
_SURCHARGE = "Націнка"
"""Name of the discount line when the buyer pays more than the list prices."""
_DISCOUNT = "Знижка"
_SERVICE_NAMES = {
    **{kind: SERVICE_LINE_NAMES[kind] for kind in (WRAP, TAX)},
    "discount": _DISCOUNT,
}
"""Lines without a card -> their names."""


def _external_id(kind: str, column: str) -> pl.Expr:
    return pl.concat_str(pl.lit(f"keycrm_{kind}_"), pl.col(column).cast(pl.String))


def _text(name: str) -> pl.Expr:
    return harmless_column(clean_column(name))


def _product_reference() -> pl.Expr:
    """A line's product: the variant if it has one, since Odoo sells variants."""
    return pl.coalesce(
        _external_id("variant", "variant_id"),
        _external_id("product", "product_id"),
        pl.concat_str(pl.lit("keycrm_service_"), pl.col("kind")),
    )


def _partners(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return frames["partners"].select(
        _external_id("partner", "partner_id").alias("id"),
        _text("name").alias("name"),
        _text("phone").alias("phone"),
        _text("email").alias("email"),
        _text("catalogue_id").alias("ref"),
    )


def _products(frames: Mapping[str, pl.DataFrame], lines: pl.DataFrame) -> pl.DataFrame:
    cards = frames["products"].filter(pl.col("kind") != PRODUCT_WITH_SKU)
    variants = frames["product_variants"]
    plain = cards.select(
        _external_id("product", "product_id").alias("id"),
        _text("name").alias("name"),
        _text("sku").alias("default_code"),
        pl.lit(None, dtype=pl.String).alias("barcode"),
        pl.when(pl.col("kind") == SERVICE).then(pl.lit("service")).otherwise(pl.lit("consu")).alias("type"),
    )
    # Odoo creates the variants of a template itself, under External IDs that cannot be known in advance. Only a
    # separate product for each variant can be found by a second import.
    of_variants = variants.select(
        _external_id("variant", "variant_id").alias("id"),
        harmless_column(
            pl.when(pl.col("characteristics").is_null())
            .then(clean_column("product_name"))
            .otherwise(
                pl.concat_str(
                    clean_column("product_name"), pl.lit(" ("), clean_column("characteristics"), pl.lit(")")
                )
            )
        ).alias("name"),
        _text("sku").alias("default_code"),
        # Odoo refuses the whole file when two products share a barcode: the oldest variant keeps it.
        pl.when("is_barcode_owner").then(_text("barcode")).alias("barcode"),
        pl.lit("consu").alias("type"),
    )
    # A card that later became `product_with_sku` may still have older lines without a variant.
    used = lines["order_line/product_id/id"].unique().to_list()
    remaining = frames["products"].filter(
        (pl.col("kind") == PRODUCT_WITH_SKU) & _external_id("product", "product_id").is_in(used)
    )
    of_cards = remaining.select(
        _external_id("product", "product_id").alias("id"),
        _text("name").alias("name"),
        pl.lit(None, dtype=pl.String).alias("default_code"),
        pl.lit(None, dtype=pl.String).alias("barcode"),
        pl.lit("consu").alias("type"),
    )
    without_card = pl.DataFrame(
        [
            (f"keycrm_service_{kind}", name, None, None, "service")
            for kind, name in _SERVICE_NAMES.items()
            if f"keycrm_service_{kind}" in used
        ],
        schema=dict.fromkeys(plain.columns, pl.String),
        orient="row",
    )
    return pl.concat([plain, of_cards, of_variants, without_card])


def _pricelist_id() -> pl.Expr:
    return pl.concat_str(pl.lit("keycrm_pricelist_"), pl.col("currency").str.to_lowercase())


def _pricelists(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return (
        frames["orders"]
        .select("currency")
        .unique()
        .sort("currency")
        .select(
            _pricelist_id().alias("id"),
            pl.concat_str(pl.lit("KeyCRM "), pl.col("currency")).alias("name"),
            pl.col("currency").alias("currency_id"),
        )
    )


def _order_lines(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """All lines of all orders; a discount is one negative line, as Odoo itself discounts an order.

    Odoo would round a percentage on each line to two decimals and miss the total by kopiykas; lines at list prices
    and the discount as an amount always add up to KeyCRM's total.
    """
    shape = [
        "order_id",
        "line_no",
        "suffix",
        "order_line/product_id/id",
        "order_line/name",
        "quantity",
        "price",
    ]
    goods = frames["order_lines"].with_columns(pl.lit(None, dtype=pl.String).alias("kind"))
    services = frames["order_services"].with_columns(pl.lit(None, dtype=pl.Int64).alias("variant_id"))
    positions = [
        frame.with_columns(
            pl.concat_str(pl.lit("line_"), pl.col("line_no").cast(pl.String)).alias("suffix"),
            _product_reference().alias("order_line/product_id/id"),
            harmless_column(
                pl.concat_str(
                    clean_column("name"),
                    pl.when(pl.col("characteristics").is_not_null())
                    .then(pl.concat_str(pl.lit(" ("), clean_column("characteristics"), pl.lit(")")))
                    .otherwise(pl.lit("")),
                )
            ).alias("order_line/name"),
            (pl.col("listed_amount") - pl.col("amount")).alias("reduction"),
        )
        for frame in (goods, services)
    ]
    reductions = (
        pl.concat([frame.select("order_id", "reduction") for frame in positions])
        .group_by("order_id")
        .agg(pl.col("reduction").sum())
        .filter(pl.col("reduction") != 0)
        .select(
            "order_id",
            # After every line of the order.
            pl.lit(2**31 - 1, dtype=pl.Int32).alias("line_no"),
            pl.lit("discount").alias("suffix"),
            pl.lit(_DISCOUNT_PRODUCT).alias("order_line/product_id/id"),
            pl.when(pl.col("reduction") > 0)
            .then(pl.lit(_DISCOUNT))
            .otherwise(pl.lit(_SURCHARGE))
            .alias("order_line/name"),
            pl.lit("1.000").alias("quantity"),
            (-pl.col("reduction")).cast(pl.Decimal(18, 2)).cast(pl.String).alias("price"),
        )
    )
    written = [
        frame.with_columns(pl.col("quantity").cast(pl.String), pl.col("price").cast(pl.String)).select(shape)
        for frame in positions
    ]
    return pl.concat([*written, reductions.select(shape)]).sort("order_id", "line_no", maintain_order=True)


def _note(order: Mapping[str, str | None]) -> str:
    """The note as HTML, the format of Odoo's field; texts of the shop are escaped."""
    return "<br/>".join(
        f"{label}: " + html.escape(value).replace("\n", "<br/>")
        for name, label in _LABELS
        if (value := (order[name] or "").replace("\r\n", "\n").strip())
    )


def _orders(frames: Mapping[str, pl.DataFrame], lines: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """One row per line; the order's own fields are on its first row only, as Odoo's import requires."""
    orders = frames["orders"]
    notes = [
        _note(order)
        for order in orders.select(clean_column(name) for name, _ in _LABELS).iter_rows(named=True)
    ]
    heads = orders.with_columns(pl.Series("note", notes, dtype=pl.String)).select(
        "order_id",
        "order_day",
        _external_id("order", "order_id").alias("id"),
        pl.col("order_id").cast(pl.String).alias("name"),
        _external_id("partner", "partner_id").alias("partner_id/id"),
        pl.col("ordered_at")
        .dt.convert_time_zone(timezone)
        .dt.to_string("%Y-%m-%d %H:%M:%S")
        .alias("date_order"),
        _text("source_number").alias("client_order_ref"),
        pl.concat_str(pl.lit("KeyCRM "), pl.col("order_id").cast(pl.String)).alias("origin"),
        _pricelist_id().alias("pricelist_id/id"),
        harmless_column(pl.col("note")).alias("note"),
    )
    head_columns = [name for name in heads.columns if name not in ("order_id", "order_day")]
    joined = (
        heads.join(lines, on="order_id", how="left", maintain_order="left_right")
        .with_columns(pl.col("line_no").cum_count().over("order_id").alias("position"))
        .with_columns(
            pl.concat_str(_external_id("order", "order_id"), pl.lit("_"), pl.col("suffix")).alias(
                "order_line/id"
            )
        )
    )
    return joined.select(
        *(pl.when(pl.col("position") <= 1).then(pl.col(name)).alias(name) for name in head_columns),
        "order_line/id",
        "order_line/product_id/id",
        "order_line/name",
        pl.col("quantity").alias("order_line/product_uom_qty"),
        pl.col("price").alias("order_line/price_unit"),
    )


def _cancelled(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    return (
        frames["orders"]
        .filter("is_cancelled")
        .select(_external_id("order", "order_id").alias("id"), pl.lit("cancel").alias("state"))
    )


def odoo_tables(frames: Mapping[str, pl.DataFrame], *, timezone: str) -> dict[str, pl.DataFrame]:
    """The files of an import, by Odoo model and in the order of import, as columns of text.

    External IDs: `keycrm_partner_<card>`, `keycrm_product_<card>`, `keycrm_variant_<variant>`,
    `keycrm_service_wrap`, `keycrm_service_tax`, `keycrm_service_discount`, `keycrm_pricelist_<currency>`,
    `keycrm_order_<number>`, `keycrm_order_<number>_line_<position>`, `keycrm_order_<number>_discount`.

    Args:
        frames: The tables of `warehouse.export`.
        timezone: IANA zone of the times; the importing Odoo user must have the same one.
    """
    lines = _order_lines(frames)
    return {
        "res.partner": _partners(frames),
        "product.product": _products(frames, lines),
        "product.pricelist": _pricelists(frames),
        "sale.order": _orders(frames, lines, timezone),
        "sale.order.cancelled": _cancelled(frames),
    }


def write_odoo(directory: Path, stem: str, frames: Mapping[str, pl.DataFrame], *, timezone: str) -> list[str]:
    """Writes the files of an import and returns their names, in the order of import."""
    names: list[str] = []
    for number, (model, table) in enumerate(odoo_tables(frames, timezone=timezone).items(), start=1):
        name = f"{stem}_odoo_{number}_{model}.csv"
        table.write_csv(directory / name, separator=",", line_terminator="\r\n")
        names.append(name)
    return names
