"""The files of orders for Odoo: tags, orders with their lines, and what their notes say.

What is not here: taxes, and the state of an order, which the import does not write; the bookkeeper decides about both
in Odoo.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import polars as pl

from keycrm_pipeline.exports.odoo.cards import DISCOUNT, DISCOUNT_PRODUCT, named
from keycrm_pipeline.exports.odoo.notes import note
from keycrm_pipeline.exports.odoo.references import external_id, partner_reference, product_reference, text
from keycrm_pipeline.exports.texts import clean_column, harmless_column
from keycrm_pipeline.kinds import DELIVERY, TAX, WRAP
from keycrm_pipeline.profile import OdooSettings

_LABELS = (
    ("responsible", "Відповідальний"),
    ("account", "Банк. рахунок/Каса"),
    ("payment_status_name", "Оплата"),
    ("payment_method", "Спосіб оплати"),
    ("delivery_service", "Служба доставки"),
    ("tracking_code", "ТТН"),
    ("shipped_on", "Дата відвантаження"),
    ("warehouse", "Склад"),
    ("delivery_address", "Адреса доставки"),
    ("recipient_name", "Отримувач"),
    ("recipient_phone", "Телефон отримувача"),
    ("comment", "Коментар"),
)
"""Values for which not every edition of Odoo has a field; each is a line of the order's note."""

_CANCELLED_TAG = "Скасовано в KeyCRM"

_TAGS = (("stage", "Стадія"), ("source_name", "Джерело"))
"""Columns that become a tag of the order, with the word before the value: a tag of the user's own keeps its name."""

_SURCHARGE = "Націнка"
"""Name of the discount line when the buyer pays more than the list prices."""


def order_lines(frames: Mapping[str, pl.DataFrame], discounted: Collection[int] = ()) -> pl.DataFrame:
    """All lines of all orders; a discount is one negative line, as Odoo itself discounts an order.

    Odoo would round a percentage on each line to two decimals and miss the total by kopiykas; lines at list prices
    and the discount as an amount always add up to KeyCRM's total.

    Args:
        frames: The tables of `warehouse.export`.
        discounted: Orders that Odoo has with such a line: an import cannot delete it, so it becomes 0.00.
    """
    goods = frames["order_lines"].with_columns(pl.lit(None, dtype=pl.String).alias("kind"))
    services = frames["order_services"].with_columns(pl.lit(None, dtype=pl.Int64).alias("variant_id"))
    positions = pl.concat(
        frame.select(
            "order_id",
            "line_no",
            "crm_line_id",
            "kind",
            product_reference().alias("order_line/product_id/id"),
            named("name").alias("order_line/name"),
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
        .filter((pl.col("reduction") != 0) | pl.col("order_id").is_in(list(discounted)))
        .select(
            "order_id",
            # After every line of the order.
            pl.lit(2**31 - 1, dtype=pl.Int32).alias("line_no"),
            pl.lit("discount").alias("suffix"),
            pl.lit(DISCOUNT_PRODUCT).alias("order_line/product_id/id"),
            pl.when(pl.col("reduction") >= 0)
            .then(pl.lit(DISCOUNT))
            .otherwise(pl.lit(_SURCHARGE))
            .alias("order_line/name"),
            pl.lit("1.000").alias("quantity"),
            (-pl.col("reduction")).cast(pl.Decimal(18, 2)).cast(pl.String).alias("price"),
        )
    )
    return pl.concat([written, reductions]).sort("order_id", "line_no", maintain_order=True)


@dataclass(frozen=True)
class Heads:
    """The orders' own fields, their notes (`id`, `note`), and the tags that they use (External ID -> name)."""

    frame: pl.DataFrame
    notes: pl.DataFrame
    tags: Mapping[str, str]


def order_heads(
    orders: pl.DataFrame, settings: OdooSettings, timezone: str, custom_fields: Sequence[str] = ()
) -> Heads:
    """The orders' own fields.

    Args:
        orders: The orders to export.
        settings: The profile's `export.odoo`.
        timezone: IANA zone of their times.
        custom_fields: Columns of the orders' custom fields, which are lines of the note too.
    """
    labels = (*_LABELS, *((name, name) for name in custom_fields))
    written = orders.with_columns(pl.col("shipped_on").dt.to_string("%d.%m.%Y"))
    texts = written.select(clean_column(name) for name in (*dict(labels), *dict(_TAGS))).to_dicts()
    tags = [
        _tags_of(order, is_cancelled=is_cancelled)
        for order, is_cancelled in zip(texts, orders["is_cancelled"], strict=True)
    ]
    identifier = external_id("order", "order_id")
    columns = {
        "id": identifier,
        "name": pl.col("order_id").cast(pl.String),
        "partner_id/id": partner_reference("partner_catalogue_id"),
        "date_order": pl.col("ordered_at").dt.convert_time_zone(timezone).dt.to_string("%Y-%m-%d %H:%M:%S"),
        "client_order_ref": text("source_number"),
        "origin": pl.concat_str(pl.lit("KeyCRM "), pl.col("order_id").cast(pl.String)),
        "tag_ids/id": pl.lit(pl.Series([",".join(of_order) for of_order in tags], dtype=pl.String)),
    }
    if settings.users:
        columns["user_id"] = pl.col("responsible").replace_strict(
            settings.users, default=None, return_dtype=pl.String
        )
    notes = orders.select(
        identifier.alias("id"),
        harmless_column(pl.lit(pl.Series([note(order, labels) for order in texts], dtype=pl.String))).alias(
            "note"
        ),
    )
    if settings.notes == "printed":
        columns["note"] = pl.lit(notes["note"])
    frame = orders.select(
        "order_id", "currency", *(expression.alias(name) for name, expression in columns.items())
    )
    return Heads(frame, notes, {tag: name for of_order in tags for tag, name in of_order.items()})


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


def tags_of_orders(tags: Mapping[str, str]) -> pl.DataFrame:
    """The tags that the orders use, from External ID -> name."""
    return pl.DataFrame(
        {"id": list(tags), "name": list(tags.values())}, schema={"id": pl.String, "name": pl.String}
    ).sort("name", "id")


def orders_with_lines(heads: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """One row per line; the order's own fields are on its first row only, as Odoo's import requires."""
    head_columns = [name for name in heads.columns if name not in ("order_id", "currency")]
    joined = (
        heads.join(lines, on="order_id", how="left", maintain_order="left_right")
        .with_columns(pl.col("line_no").cum_count().over("order_id").alias("position"))
        .with_columns(
            pl.concat_str(external_id("order", "order_id"), pl.lit("_"), pl.col("suffix")).alias(
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
