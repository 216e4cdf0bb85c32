"""Notes for colleagues: what Odoo has no field for.

Each is a file of its own: an empty cell would clear what a user wrote, and an order whose cells for messages are empty
loses all its messages.

What is not here: what an order's note says (`orders`).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import polars as pl

from keycrm_pipeline.custom_fields import EDRPOU, fields_of_table
from keycrm_pipeline.exports.odoo.references import external_id
from keycrm_pipeline.exports.texts import clean_column, harmless_column


def note(texts: Mapping[str, str | None], labels: Sequence[tuple[str, str]]) -> str:
    """The note as HTML, the format of Odoo's field; texts of the shop are escaped."""
    return "<br/>".join(
        f"{label}: " + html.escape(value).replace("\n", "<br/>")
        for name, label in labels
        if (value := (texts[name] or "").replace("\r\n", "\n").strip())
    )


def notes_of_orders(notes: pl.DataFrame) -> pl.DataFrame:
    """Notes that no customer sees, each with an id, so that a second import updates it."""
    return notes.filter(pl.col("note") != "").select(
        "id",
        pl.concat_str("id", pl.lit("_note")).alias("message_ids/id"),
        pl.col("note").alias("message_ids/body"),
        pl.lit("mail.mt_note").alias("message_ids/subtype_id/id"),
        pl.lit("comment").alias("message_ids/message_type"),
        pl.lit("sale.order").alias("message_ids/model"),
    )


def notes_of_cards(
    frames: Mapping[str, pl.DataFrame], written: Mapping[str, pl.DataFrame], names: Mapping[str, str]
) -> dict[str, pl.DataFrame]:
    """The custom fields of products and of partners, as the internal notes of their records; without rows, no file.

    Args:
        frames: The tables of `warehouse.export`.
        written: The files of cards by Odoo model: records that these make, and no others, have notes. A variant is a
            product of its own, with the fields of its card.
        names: The profile's `custom_fields`.
    """
    products = frames["products"]
    variants = frames["product_variants"].select("variant_id", "product_id").join(products, on="product_id")
    of_partners = [name for name in fields_of_table("partners", names).values() if name != EDRPOU]
    of_products = list(fields_of_table("products", names).values())
    files = {
        "product.product-notes": _notes(
            pl.concat(
                [
                    products.select(external_id("product", "product_id").alias("id"), *of_products),
                    variants.select(external_id("variant", "variant_id").alias("id"), *of_products),
                ]
            ).join(written["product.product"], on="id", how="semi", maintain_order="left"),
            "description",
        ),
        "res.partner-notes": _notes(
            frames["partners"]
            .select(external_id("partner", "partner_id").alias("id"), *of_partners)
            .join(written["res.partner"], on="id", how="semi", maintain_order="left"),
            "comment",
        ),
    }
    return {name: file for name, file in files.items() if file.height}


def _notes(cards: pl.DataFrame, field: str) -> pl.DataFrame:
    """`id`, and in the field of Odoo all other columns with their names; only rows in which one of them is filled."""
    labels = [(name, name) for name in cards.columns if name != "id"]
    texts = cards.select("id", *(clean_column(name) for name, _ in labels)).to_dicts()
    notes = pl.Series(field, [note(card, labels) for card in texts], dtype=pl.String)
    return cards.select("id", harmless_column(pl.lit(notes)).alias(field)).filter(pl.col(field) != "")
