"""The orders as CSV files for Odoo's own import, with External IDs, so that a second import updates.

The files are numbered in the order of import. Headers are the technical names of Odoo's fields, which its import
recognises: UTF-8 with BOM, commas, a decimal point, times in the profile's time zone. Odoo guesses the encoding of a
file without BOM, and a single emoji makes it guess wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import polars as pl

from keycrm_pipeline.custom_fields import fields_of_table
from keycrm_pipeline.exports.odoo.cards import (
    companies,
    contacts_of_companies,
    partners,
    pricelists,
    products,
)
from keycrm_pipeline.exports.odoo.notes import notes_of_cards, notes_of_orders
from keycrm_pipeline.exports.odoo.orders import (
    order_heads,
    order_lines,
    orders_with_lines,
    tags_of_orders,
)
from keycrm_pipeline.exports.odoo.payments import payments
from keycrm_pipeline.exports.odoo.references import check_product_ids, pricelist_id
from keycrm_pipeline.profile import Profile


def odoo_tables(
    frames: Mapping[str, pl.DataFrame], profile: Profile, discounted: Collection[int] = ()
) -> dict[str, pl.DataFrame]:
    """The files of an import, by Odoo model and in the order of import, as columns of text.

    Orders in another currency than the company's are a file of their own, since only they have a price list: Odoo
    refuses a file that gives one to an order which was confirmed. Cards of the accounting catalogue whose id is one of
    Odoo's own are referred to and not written.

    External IDs: `keycrm_tag_cancelled`, `keycrm_tag_stage_<digest>`, `keycrm_tag_source_<digest>`,
    `keycrm_partner_<card>`, `keycrm_company_<number>`, `keycrm_product_<card>`, `keycrm_variant_<variant>`,
    `keycrm_service_wrap`, `keycrm_service_tax`, `keycrm_service_discount`, `keycrm_pricelist_<currency>`,
    `keycrm_payment_<payment>`, `keycrm_order_<number>`, and with this before them `_line_<KeyCRM line>`, `_delivery`,
    `_wrap`, `_tax`, `_discount`, `_note`.

    Args:
        frames: The tables of `warehouse.export`.
        profile: Its `export.odoo`, its currency and its time zone; the importing Odoo user must have the same zone.
        discounted: Changed orders that were handed over with a discount.

    Raises:
        ExportError: A product of the accounting catalogue has an id of another list of Odoo.
    """
    check_product_ids(frames["products"])
    settings = profile.export.odoo
    company_currency = settings.currency or profile.currency
    lines = order_lines(frames, discounted)
    custom_fields = tuple(fields_of_table("orders", profile.custom_fields).values())
    heads = order_heads(frames["orders"], settings, profile.timezone, custom_fields)
    is_foreign = pl.col("currency") != company_currency
    foreign = heads.frame.filter(is_foreign).with_columns(
        pricelist_id(pl.col("currency")).alias("pricelist_id/id")
    )
    cards = {
        "res.partner": partners(frames["partners"]),
        "product.product": products(frames, lines),
    }
    notes = {"sale.order-notes": notes_of_orders(heads.notes)} if settings.notes == "internal" else {}
    of_companies = {
        "res.partner-companies": companies(frames["partners"]),
        "res.partner-contacts": contacts_of_companies(frames["partners"]),
    }
    return {
        "crm.tag": tags_of_orders(heads.tags),
        **cards,
        "product.pricelist": pricelists(frames["orders"], company_currency),
        "sale.order": orders_with_lines(heads.frame.filter(~is_foreign), lines),
        "sale.order-foreign": orders_with_lines(foreign, lines),
        "account.payment": payments(frames, profile.timezone),
        **notes,
        # Files of their own, since an empty cell would clear what a user entered; last, since most shops have none.
        **(of_companies if of_companies["res.partner-companies"].height else {}),
        **(notes_of_cards(frames, cards, profile.custom_fields) if settings.notes != "none" else {}),
    }


def write_odoo(
    directory: Path,
    stem: str,
    frames: Mapping[str, pl.DataFrame],
    profile: Profile,
    discounted: Collection[int] = (),
) -> list[str]:
    """Writes the files of an import and returns their names, in the order of import; see `odoo_tables`.

    Raises:
        ExportError: See `odoo_tables`.
    """
    names: list[str] = []
    for number, (model, table) in enumerate(odoo_tables(frames, profile, discounted).items(), start=1):
        name = f"{stem}_odoo_{number}_{model}.csv"
        table.write_csv(directory / name, include_bom=True, separator=",", line_terminator="\r\n")
        names.append(name)
    return names
