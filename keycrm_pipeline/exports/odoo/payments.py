"""The file of buyers' payments for Odoo.

What is not here: expenses, and reconciling a payment with an invoice.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keycrm_pipeline.exports.odoo.references import partner_reference, text


def payments(frames: Mapping[str, pl.DataFrame], timezone: str) -> pl.DataFrame:
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
            pl.coalesce(pl.col("paid_at").dt.convert_time_zone(timezone).dt.date(), "order_day")
            .dt.to_string("%Y-%m-%d")
            .alias("date"),
            pl.when(pl.col("amount") > 0)
            .then(pl.lit("inbound"))
            .otherwise(pl.lit("outbound"))
            .alias("payment_type"),
            pl.lit("customer").alias("partner_type"),
            partner_reference("partner_catalogue_id").alias("partner_id/id"),
            pl.col("amount").abs().cast(pl.String).alias("amount"),
            pl.col("currency").alias("currency_id"),
            text("account").alias("journal_id"),
            pl.concat_str(pl.lit("KeyCRM "), order_id).alias("memo"),
        )
        # KeyCRM can show one payment in two orders (R6), and its money was received once.
        .unique("id", keep="first", maintain_order=True)
    )
