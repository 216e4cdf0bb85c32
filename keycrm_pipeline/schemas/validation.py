"""What an order must fulfil to enter the books (R10), as pandera schemas whose failures are sentences.

The frames are the `*_checks` statements of the warehouse: only the columns that are checked, money in whole
kopiykas, quantities in thousandths, prices and percents in millionths. Each failure becomes one reason in
`ops.rejected_records`, read by a bookkeeper; `{value}` in a sentence stands for what came.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

MOST_AMOUNT = 9_000_000_000
"""A line above nine billion is a mistake of typing; larger products would also leave 64-bit kopiykas."""

MOST_LINES = 10_000
"""More lines than any order has; the sharing of discounts is exact up to here."""


def _is_empty(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) == "")


def _nothing_unreadable(sentence: str) -> pa.Check:
    return pa.Check(_is_empty, error=sentence)


ORDER_CHECKS = pa.DataFrameSchema(
    {
        "order_id": pa.Column(pl.Int64),
        "order_day": pa.Column(pl.Date, nullable=True),
        "ordered_at": pa.Column(pl.Datetime("us", "UTC")),
        "status_id": pa.Column(pl.Int64),
        "grand_total": pa.Column(pl.Int64),
        "has_lines": pa.Column(
            pl.Boolean,
            checks=pa.Check.eq(True, error="The order came without its list of lines (products)."),
        ),
        "has_partner": pa.Column(
            pl.Boolean,
            checks=pa.Check.eq(
                True,
                error="The order has no buyer, and the profile names no default partner (default_partner).",
            ),
        ),
        "buyer_has_id": pa.Column(
            pl.Boolean, checks=pa.Check.eq(True, error="The buyer has no readable id (buyer.id).")
        ),
        "unreadable_fields": pa.Column(pl.String, checks=_nothing_unreadable("Not a number: {value}.")),
    },
    strict=True,
    unique=["order_id"],
    name="orders",
)

LINE_CHECKS = pa.DataFrameSchema(
    {
        "order_id": pa.Column(pl.Int64),
        "line_no": pa.Column(
            pl.Int32, checks=pa.Check.le(MOST_LINES, error="The order has more than 10 000 lines.")
        ),
        "is_object": pa.Column(pl.Boolean, checks=pa.Check.eq(True, error="Line {line}: it cannot be read.")),
        "has_name": pa.Column(
            pl.Boolean, checks=pa.Check.eq(True, error="Line {line}: the product has no name.")
        ),
        "quantity": pa.Column(
            pl.Int64, checks=pa.Check.gt(0, error="Line {line}: the quantity is not above zero.")
        ),
        "quantity_text": pa.Column(pl.String, nullable=True),
        "price_sold": pa.Column(pl.Int64),
        "size": pa.Column(
            pl.Float64,
            nullable=True,
            checks=pa.Check.lt(MOST_AMOUNT, error="Line {line}: the sum is impossibly large."),
        ),
        "unreadable_fields": pa.Column(
            pl.String, checks=_nothing_unreadable("Line {line}: not a number: {value}.")
        ),
    },
    strict=True,
    name="order lines",
)

PAYMENT_CHECKS = pa.DataFrameSchema(
    {
        "order_id": pa.Column(pl.Int64),
        "position": pa.Column(pl.Int32),
        "amount": pa.Column(pl.Int64),
        "amount_text": pa.Column(pl.String, nullable=True),
    },
    strict=True,
    name="payments",
)

MISSING_REASONS = {
    "order_day": "The order has no readable date (ordered_at or created_at).",
    "ordered_at": "The order has no readable date (ordered_at or created_at).",
    "status_id": "The order has no readable status (status_id).",
    "grand_total": "The order has no final sum (grand_total).",
    "quantity": "Line {line}: the quantity is not a number «{quantity_text}».",
    "price_sold": "Line {line}: it has no price.",
    "amount": "Payment {position}: the amount is not a number «{amount_text}».",
}
"""Sentences for a column that must have a value and has none."""
