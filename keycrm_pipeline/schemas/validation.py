"""What an order must fulfil to enter the books (R10), as pandera schemas whose failures are reasons.

The frames are the `*_checks` statements of the warehouse: the columns that are checked, and those that say which row
it is and what came (no column of a schema: each costs a millisecond a batch). Money is in whole kopiykas; prices and
quantities are floating point here, because they are only compared and may be too large to be counted. Each failure
becomes one reason in `ops.rejected_records`, read by a bookkeeper: the error of a check is the code of its sentence.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from keycrm_pipeline.sentences.reasons import Reason

MOST_AMOUNT = 9_000_000_000
"""A price, quantity or line above nine billion is a mistake of typing; larger ones would leave 64-bit billionths."""

MOST_LINES = 10_000
"""More lines than any order has; the sharing of discounts is exact up to here."""


def _is_empty(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) == "")


def _nothing_unreadable(reason: Reason) -> pa.Check:
    return pa.Check(_is_empty, error=reason.code)


def _is_true(reason: Reason) -> pa.Check:
    return pa.Check.eq(True, error=reason.code)


ORDER_CHECKS = pa.DataFrameSchema(
    {
        "ordered_at": pa.Column(pl.Datetime("us", "UTC")),
        "status_id": pa.Column(pl.Int64),
        "grand_total": pa.Column(pl.Int64),
        "has_lines": pa.Column(pl.Boolean, checks=_is_true(Reason.NO_LINES)),
        "has_partner": pa.Column(pl.Boolean, checks=_is_true(Reason.NO_PARTNER)),
        "buyer_has_id": pa.Column(pl.Boolean, checks=_is_true(Reason.NO_BUYER_ID)),
        "unreadable_fields": pa.Column(pl.String, checks=_nothing_unreadable(Reason.NOT_A_NUMBER)),
        "unreadable_date": pa.Column(pl.String, checks=_nothing_unreadable(Reason.DATE_UNREADABLE)),
        "unreadable_values": pa.Column(pl.String, checks=_nothing_unreadable(Reason.VALUE_UNREADABLE)),
    },
    name="orders",
)

LINE_CHECKS = pa.DataFrameSchema(
    {
        "line_no": pa.Column(pl.Int32, checks=pa.Check.le(MOST_LINES, error=Reason.TOO_MANY_LINES.code)),
        "is_object": pa.Column(pl.Boolean, checks=_is_true(Reason.LINE_UNREADABLE)),
        "has_name": pa.Column(pl.Boolean, checks=_is_true(Reason.LINE_WITHOUT_NAME)),
        "quantity": pa.Column(pl.Float64, checks=pa.Check.gt(0, error=Reason.LINE_QUANTITY_TOO_SMALL.code)),
        "price_sold": pa.Column(pl.Float64),
        "size": pa.Column(
            pl.Float64,
            nullable=True,
            checks=pa.Check.lt(MOST_AMOUNT, error=Reason.LINE_TOO_LARGE.code),
        ),
        "unreadable_fields": pa.Column(pl.String, checks=_nothing_unreadable(Reason.LINE_NOT_A_NUMBER)),
        "unreadable_values": pa.Column(pl.String, checks=_nothing_unreadable(Reason.LINE_VALUE_UNREADABLE)),
    },
    name="order lines",
)

PAYMENT_CHECKS = pa.DataFrameSchema(
    {
        "amount": pa.Column(pl.Int64),
        "unreadable_fields": pa.Column(
            pl.String, checks=_nothing_unreadable(Reason.PAYMENT_FIELD_NOT_A_NUMBER)
        ),
        "unreadable_values": pa.Column(
            pl.String, checks=_nothing_unreadable(Reason.PAYMENT_VALUE_UNREADABLE)
        ),
    },
    name="payments",
)

MISSING_REASONS = {
    "ordered_at": Reason.NO_DATE,
    "status_id": Reason.NO_STATUS,
    "grand_total": Reason.NO_TOTAL,
    "quantity": Reason.LINE_WITHOUT_QUANTITY,
    "price_sold": Reason.LINE_WITHOUT_PRICE,
    "amount": Reason.PAYMENT_WITHOUT_AMOUNT,
}
"""Sentences for a column that must have a value and has none."""

UNREADABLE_REASONS = {
    "quantity": Reason.LINE_QUANTITY_NOT_A_NUMBER,
    "amount": Reason.PAYMENT_NOT_A_NUMBER,
}
"""Sentences for such a column when something came all the same; it stands in the column of that name with `_text`."""
