"""External IDs: which record of Odoo a card or an order is, so that a second import updates it.

What is not here: the files (`cards`, `orders`, `payments`).
"""

from __future__ import annotations

import polars as pl

from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.texts import clean_column, harmless_column
from keycrm_pipeline.sentences.exports import ExportFailure

_EXTERNAL_ID = r"^(?:__export__|[a-z][a-z0-9_]*)\.[A-Za-z_][A-Za-z0-9_.-]*$"
"""An id of Odoo's own, as its export writes it when the box for updating data is ticked."""

_TEMPLATE = "__export__.product_template_"
"""Begins the ids of Odoo's list of products; an order refers to the list of variants."""


def external_id(kind: str, column: str) -> pl.Expr:
    """`keycrm_<kind>_<number>` of the numbers in a column."""
    return pl.concat_str(pl.lit(f"keycrm_{kind}_"), pl.col(column).cast(pl.String))


def text(name: str) -> pl.Expr:
    """A text column as a cell that no spreadsheet takes for a formula."""
    return harmless_column(clean_column(name))


def in_odoo(catalogue_id: str) -> pl.Expr:
    """The card's External ID in Odoo, if the accounting catalogue (R12) has it; else null."""
    known = pl.col(catalogue_id).str.strip_chars()
    return pl.when(known.str.contains(_EXTERNAL_ID)).then(known)


def partner_reference(catalogue_id: str) -> pl.Expr:
    """The partner of a row: Odoo's own record, or the one that these files make."""
    return pl.coalesce(in_odoo(catalogue_id), external_id("partner", "partner_id"))


def product_reference() -> pl.Expr:
    """A line's product: the variant if it has one, since Odoo sells variants."""
    return pl.coalesce(
        external_id("variant", "variant_id"),
        in_odoo("product_catalogue_id"),
        external_id("product", "product_id"),
        pl.concat_str(pl.lit("keycrm_service_"), pl.col("kind")),
    )


def pricelist_id(currency: pl.Expr) -> pl.Expr:
    """The price list of a currency."""
    return pl.concat_str(pl.lit("keycrm_pricelist_"), currency.str.to_lowercase())


def check_product_ids(products: pl.DataFrame) -> None:
    """Checks that the catalogue's products have ids of Odoo's variants, which orders refer to.

    Raises:
        ExportError: One has an id of the list of products.
    """
    templates = products.filter(
        pl.col("catalogue_id").str.strip_chars().str.starts_with(_TEMPLATE).fill_null(False)
    )
    if templates.height:
        first = templates["catalogue_id"].to_list()[0]
        raise ExportError(ExportFailure.IDS_OF_TEMPLATES.message(count=templates.height, first=first))
