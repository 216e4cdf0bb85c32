"""Writes the orders as CSV files for Odoo's own import, with External IDs, so that a second import updates.

The files are numbered in the order of import. Headers are the technical names of Odoo's fields, which its import
recognises: UTF-8 with BOM, commas, a decimal point, times in the profile's time zone. Odoo guesses the encoding of a
file without BOM, and a single emoji makes it guess wrong.

What is not here: taxes, and confirming or cancelling an order; the bookkeeper decides about those in Odoo, and its
import does not write the state of an order.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import polars as pl

from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.texts import clean_column, harmless_column
from keycrm_pipeline.kinds import DELIVERY, PRODUCT_WITH_SKU, SERVICE, SERVICE_LINE_NAMES, TAX, WRAP
from keycrm_pipeline.profile import OdooSettings, Profile

_LABELS = (
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

_CANCELLED_TAG = "Скасовано в KeyCRM"
_TAGS = (("stage", "Стадія"), ("source_name", "Джерело"))
"""Columns that become a tag of the order, with the word before the value: a tag of the user's own keeps its name."""

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
    "м3": "uom.product_uom_cubic_meter",
    "м³": "uom.product_uom_cubic_meter",
    "куб. м": "uom.product_uom_cubic_meter",
    "год": "uom.product_uom_hour",
    "день": "uom.product_uom_day",
}
"""Units of the books -> External IDs that every Odoo has. Odoo has no pair, package or set; these are its Units."""

_PIECES = "uom.product_uom_unit"

_EXTERNAL_ID = r"^(?:__export__|[a-z][a-z0-9_]*)\.[A-Za-z_][A-Za-z0-9_.-]*$"
"""An id of Odoo's own, as its export writes it when the box for updating data is ticked."""

_TEMPLATE = "__export__.product_template_"
"""Begins the ids of Odoo's list of products; an order refers to the list of variants."""

_OWN_PRICELIST_SEQUENCE, _FOREIGN_PRICELIST_SEQUENCE = "20", "100"
"""An order without a price list gets the first one by sequence (Odoo's own has 10), which must not be a foreign one."""

_DISCOUNT_PRODUCT = "keycrm_service_discount"
_SURCHARGE = "Націнка"
"""Name of the discount line when the buyer pays more than the list prices."""
_DISCOUNT = "Знижка"
_SERVICE_NAMES = {
    **{kind: SERVICE_LINE_NAMES[kind] for kind in (WRAP, TAX)},
    "discount": _DISCOUNT,
}
"""Lines without a card -> their names."""


@dataclass(frozen=True)
class _Choices:
    """What the profile says about these files: its time zone, the company's currency, and `export.odoo`."""

    timezone: str
    currency: str
    settings: OdooSettings


def _external_id(kind: str, column: str) -> pl.Expr:
    return pl.concat_str(pl.lit(f"keycrm_{kind}_"), pl.col(column).cast(pl.String))


def _text(name: str) -> pl.Expr:
    return harmless_column(clean_column(name))


def _in_odoo(catalogue_id: str) -> pl.Expr:
    """The card's External ID in Odoo, if the accounting catalogue (R12) has it; else null."""
    known = pl.col(catalogue_id).str.strip_chars()
    return pl.when(known.str.contains(_EXTERNAL_ID)).then(known)


def _partner_reference(catalogue_id: str) -> pl.Expr:
    return pl.coalesce(_in_odoo(catalogue_id), _external_id("partner", "partner_id"))


def _product_reference() -> pl.Expr:
    """A line's product: the variant if it has one, since Odoo sells variants."""
    return pl.coalesce(
        _external_id("variant", "variant_id"),
        _in_odoo("product_catalogue_id"),
        _external_id("product", "product_id"),
        pl.concat_str(pl.lit("keycrm_service_"), pl.col("kind")),
    )


def _checked_products(frames: Mapping[str, pl.DataFrame]) -> None:
    templates = frames["products"].filter(
        pl.col("catalogue_id").str.strip_chars().str.starts_with(_TEMPLATE).fill_null(False)
    )
    if templates.height:
        first = templates["catalogue_id"].to_list()[0]
        raise ExportError(
            f"{templates.height} products of catalogue/products have an id of Odoo's list Products, such as {first}. "
            "Orders refer to product variants: in Odoo, export the list Product Variants instead, with the box for "
            "updating data ticked, use its ids, load again and repeat the export."
        )


def _partners(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The cards that Odoo does not have yet: an empty cell would clear what is on a card of its own."""
    return (
        frames["partners"]
        .filter(_in_odoo("catalogue_id").is_null())
        .select(
            _external_id("partner", "partner_id").alias("id"),
            _text("name").alias("name"),
            _text("phone").alias("phone"),
            _text("email").alias("email"),
            _text("catalogue_id").alias("ref"),
        )
    )


def _unit() -> pl.Expr:
    spelt = pl.col("unit").str.strip_chars().str.strip_chars_end(".").str.to_lowercase()
    return spelt.replace_strict(_UNITS, default=_PIECES, return_dtype=pl.String)


def _products(frames: Mapping[str, pl.DataFrame], lines: pl.DataFrame) -> pl.DataFrame:
    """The cards that Odoo does not have yet, each variant as a product of its own.

    Odoo creates the variants of a template itself, under External IDs that cannot be known in advance. Only a separate
    product for each variant can be found by a second import.
    """
    nothing = pl.lit(None, dtype=pl.String)
    used = lines["order_line/product_id/id"].unique().to_list()
    reference = _external_id("product", "product_id")
    has_variants = pl.col("kind") == PRODUCT_WITH_SKU
    of_cards = (
        frames["products"]
        # A card that later became `product_with_sku` may still have older lines without a variant.
        .filter(_in_odoo("catalogue_id").is_null() & (~has_variants | reference.is_in(used)))
        .sort(has_variants, "product_id")
        .select(
            reference.alias("id"),
            _text("name").alias("name"),
            pl.when(~has_variants).then(_text("sku")).alias("default_code"),
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
        _external_id("variant", "variant_id").alias("id"),
        _named("product_name").alias("name"),
        _text("sku").alias("default_code"),
        # Odoo refuses the whole file when two products share a barcode: the oldest variant keeps it.
        pl.when("is_barcode_owner").then(_text("barcode")).alias("barcode"),
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


def _named(name: str) -> pl.Expr:
    """A name with its characteristics in brackets, if there are any."""
    return harmless_column(
        pl.concat_str(
            clean_column(name),
            pl.when(pl.col("characteristics").is_not_null())
            .then(pl.concat_str(pl.lit(" ("), clean_column("characteristics"), pl.lit(")")))
            .otherwise(pl.lit("")),
        )
    )


def _pricelist_id(currency: pl.Expr) -> pl.Expr:
    return pl.concat_str(pl.lit("keycrm_pricelist_"), currency.str.to_lowercase())


def _pricelists(orders: pl.DataFrame, choices: _Choices) -> pl.DataFrame:
    """One price list per currency, and that of the company before the others."""
    currency = pl.col("currency")
    own = pl.DataFrame({"currency": [choices.currency]})
    return (
        pl.concat([own, orders.select("currency")])
        .unique()
        .sort("currency")
        .select(
            _pricelist_id(currency).alias("id"),
            pl.concat_str(pl.lit("KeyCRM "), currency).alias("name"),
            currency.alias("currency_id"),
            pl.when(currency == choices.currency)
            .then(pl.lit(_OWN_PRICELIST_SEQUENCE))
            .otherwise(pl.lit(_FOREIGN_PRICELIST_SEQUENCE))
            .alias("sequence"),
        )
    )


def _order_lines(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """All lines of all orders; a discount is one negative line, as Odoo itself discounts an order.

    Odoo would round a percentage on each line to two decimals and miss the total by kopiykas; lines at list prices
    and the discount as an amount always add up to KeyCRM's total.
    """
    goods = frames["order_lines"].with_columns(pl.lit(None, dtype=pl.String).alias("kind"))
    services = frames["order_services"].with_columns(pl.lit(None, dtype=pl.Int64).alias("variant_id"))
    positions = pl.concat(
        frame.select(
            "order_id",
            "line_no",
            "crm_line_id",
            "kind",
            _product_reference().alias("order_line/product_id/id"),
            _named("name").alias("order_line/name"),
            pl.col("quantity").cast(pl.String),
            pl.col("price").cast(pl.String),
            (pl.col("listed_amount") - pl.col("amount")).alias("reduction"),
        )
        for frame in (goods, services)
    )
    written = positions.select(
        "order_id",
        "line_no",
        # By KeyCRM's id, not by position: Odoo refuses another product on a line of a confirmed order.
        pl.when(pl.col("crm_line_id").is_not_null() & (pl.len().over("order_id", "crm_line_id") == 1))
        .then(pl.concat_str(pl.lit("line_"), pl.col("crm_line_id").cast(pl.String)))
        .when(pl.col("kind").is_in((DELIVERY, WRAP, TAX)))
        .then("kind")
        .otherwise(pl.concat_str(pl.lit("position_"), pl.col("line_no").cast(pl.String)))
        .alias("suffix"),
        "order_line/product_id/id",
        "order_line/name",
        "quantity",
        "price",
    )
    reductions = (
        positions.group_by("order_id")
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
    return pl.concat([written, reductions]).sort("order_id", "line_no", maintain_order=True)


def _tag_id(kind: str, name: str) -> str:
    # Odoo wants each name once, and neither a stage nor a renamed source has a number that stays with its name.
    return f"keycrm_tag_{kind}_{sha256(name.encode()).hexdigest()[:12]}"


def _tags_of(order: Mapping[str, str | None], *, is_cancelled: bool) -> dict[str, str]:
    """External ID -> name of an order's tags."""
    tags = {"keycrm_tag_cancelled": _CANCELLED_TAG} if is_cancelled else {}
    for column, word in _TAGS:
        value = " ".join((order[column] or "").split())
        if value:
            tags[_tag_id(column.removesuffix("_name"), value)] = f"{word}: {value}"
    return tags


def _note(order: Mapping[str, str | None]) -> str:
    """The note as HTML, the format of Odoo's field; texts of the shop are escaped."""
    return "<br/>".join(
        f"{label}: " + html.escape(value).replace("\n", "<br/>")
        for name, label in _LABELS
        if (value := (order[name] or "").replace("\r\n", "\n").strip())
    )


@dataclass(frozen=True)
class _Heads:
    """The orders' own fields, their notes (`id`, `note`), and the tags that they use (External ID -> name)."""

    frame: pl.DataFrame
    notes: pl.DataFrame
    tags: Mapping[str, str]


def _heads(orders: pl.DataFrame, choices: _Choices) -> _Heads:
    texts = orders.select(clean_column(name) for name in (*dict(_LABELS), *dict(_TAGS))).to_dicts()
    tags = [
        _tags_of(order, is_cancelled=is_cancelled)
        for order, is_cancelled in zip(texts, orders["is_cancelled"], strict=True)
    ]
    external_id = _external_id("order", "order_id")
    columns = {
        "id": external_id,
        "name": pl.col("order_id").cast(pl.String),
        "partner_id/id": _partner_reference("partner_catalogue_id"),
        "date_order": pl.col("ordered_at")
        .dt.convert_time_zone(choices.timezone)
        .dt.to_string("%Y-%m-%d %H:%M:%S"),
        "client_order_ref": _text("source_number"),
        "origin": pl.concat_str(pl.lit("KeyCRM "), pl.col("order_id").cast(pl.String)),
        "tag_ids/id": pl.lit(pl.Series([",".join(of_order) for of_order in tags], dtype=pl.String)),
    }
    if choices.settings.users:
        columns["user_id"] = pl.col("responsible").replace_strict(
            choices.settings.users, default=None, return_dtype=pl.String
        )
    notes = orders.select(
        external_id.alias("id"),
        harmless_column(pl.lit(pl.Series([_note(order) for order in texts], dtype=pl.String))).alias("note"),
    )
    if choices.settings.notes == "printed":
        columns["note"] = pl.lit(notes["note"])
    frame = orders.select(
        "order_id", "currency", *(expression.alias(name) for name, expression in columns.items())
    )
    return _Heads(frame, notes, {tag: name for of_order in tags for tag, name in of_order.items()})


def _internal_notes(notes: pl.DataFrame) -> pl.DataFrame:
    """Notes that no customer sees, each with an id, so that a second import updates it.

    They are a file of their own: an order whose cells for messages are empty loses all its messages in Odoo.
    """
    return notes.filter(pl.col("note") != "").select(
        "id",
        pl.concat_str("id", pl.lit("_note")).alias("message_ids/id"),
        pl.col("note").alias("message_ids/body"),
        pl.lit("mail.mt_note").alias("message_ids/subtype_id/id"),
        pl.lit("comment").alias("message_ids/message_type"),
        pl.lit("sale.order").alias("message_ids/model"),
    )


def _orders(heads: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """One row per line; the order's own fields are on its first row only, as Odoo's import requires."""
    head_columns = [name for name in heads.columns if name not in ("order_id", "currency")]
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


def _payments(frames: Mapping[str, pl.DataFrame], choices: _Choices) -> pl.DataFrame:
    """The buyers' payments that KeyCRM calls paid, as drafts; a sum below zero was paid back."""
    order_id, payment_id = pl.col("order_id").cast(pl.String), pl.col("payment_id").cast(pl.String)
    return (
        frames["order_payments"]
        .filter(~pl.col("is_expense") & (pl.col("status") == "paid") & (pl.col("amount") != 0))
        .join(
            frames["orders"].select("order_id", "partner_id", "partner_catalogue_id"),
            on="order_id",
            maintain_order="left",
        )
        .select(
            # A payment without an id of its own has its position in the order, below zero.
            pl.when(pl.col("payment_id") > 0)
            .then(pl.concat_str(pl.lit("keycrm_payment_"), payment_id))
            .otherwise(
                pl.concat_str(
                    pl.lit("keycrm_order_"), order_id, pl.lit("_payment_"), payment_id.str.strip_prefix("-")
                )
            )
            .alias("id"),
            pl.coalesce(pl.col("paid_at").dt.convert_time_zone(choices.timezone).dt.date(), "order_day")
            .dt.to_string("%Y-%m-%d")
            .alias("date"),
            pl.when(pl.col("amount") > 0)
            .then(pl.lit("inbound"))
            .otherwise(pl.lit("outbound"))
            .alias("payment_type"),
            pl.lit("customer").alias("partner_type"),
            _partner_reference("partner_catalogue_id").alias("partner_id/id"),
            pl.col("amount").abs().cast(pl.String).alias("amount"),
            pl.col("currency").alias("currency_id"),
            _text("account").alias("journal_id"),
            pl.concat_str(pl.lit("KeyCRM "), order_id).alias("memo"),
        )
        # KeyCRM can show one payment in two orders (R6), and its money was received once.
        .unique("id", keep="first", maintain_order=True)
    )


def _tags(tags: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": list(tags), "name": list(tags.values())}, schema={"id": pl.String, "name": pl.String}
    ).sort("name", "id")


def odoo_tables(frames: Mapping[str, pl.DataFrame], profile: Profile) -> dict[str, pl.DataFrame]:
    """The files of an import, by Odoo model and in the order of import, as columns of text.

    Orders in another currency than the company's are a file of their own, since only they have a price list: Odoo
    refuses a file that gives one to an order which was confirmed. Cards of the accounting catalogue whose id is one of
    Odoo's own are referred to and not written.

    External IDs: `keycrm_tag_cancelled`, `keycrm_tag_stage_<digest>`, `keycrm_tag_source_<digest>`,
    `keycrm_partner_<card>`, `keycrm_product_<card>`, `keycrm_variant_<variant>`, `keycrm_service_wrap`,
    `keycrm_service_tax`, `keycrm_service_discount`, `keycrm_pricelist_<currency>`, `keycrm_payment_<payment>`,
    `keycrm_order_<number>`, and with this before them `_line_<KeyCRM line>`, `_delivery`, `_wrap`, `_tax`, `_discount`,
    `_note`.

    Args:
        frames: The tables of `warehouse.export`.
        profile: Its `export.odoo`, its currency and its time zone; the importing Odoo user must have the same zone.

    Raises:
        ExportError: A product of the accounting catalogue has an id of another list of Odoo.
    """
    _checked_products(frames)
    settings = profile.export.odoo
    choices = _Choices(profile.timezone, settings.currency or profile.currency, settings)
    lines = _order_lines(frames)
    heads = _heads(frames["orders"], choices)
    is_foreign = pl.col("currency") != choices.currency
    foreign = heads.frame.filter(is_foreign).with_columns(
        _pricelist_id(pl.col("currency")).alias("pricelist_id/id")
    )
    notes = {"sale.order-notes": _internal_notes(heads.notes)} if settings.notes == "internal" else {}
    return {
        "crm.tag": _tags(heads.tags),
        "res.partner": _partners(frames),
        "product.product": _products(frames, lines),
        "product.pricelist": _pricelists(frames["orders"], choices),
        "sale.order": _orders(heads.frame.filter(~is_foreign), lines),
        "sale.order-foreign": _orders(foreign, lines),
        "account.payment": _payments(frames, choices),
        **notes,
    }


def write_odoo(directory: Path, stem: str, frames: Mapping[str, pl.DataFrame], profile: Profile) -> list[str]:
    """Writes the files of an import and returns their names, in the order of import.

    Raises:
        ExportError: See `odoo_tables`.
    """
    names: list[str] = []
    for number, (model, table) in enumerate(odoo_tables(frames, profile).items(), start=1):
        name = f"{stem}_odoo_{number}_{model}.csv"
        table.write_csv(directory / name, include_bom=True, separator=",", line_terminator="\r\n")
        names.append(name)
    return names
