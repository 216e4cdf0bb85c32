"""What changed in an order after it was first seen (R14): dated movements, from the versions of its payload.

Pure functions over columns (polars frames): money in whole kopiykas, prices and quantities in billionths; in movements,
quantities are thousandths. An order first seen has no movements: its document is its beginning. How versions are stored
and read is not decided here; no database, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from keycrm_pipeline.accounting.discounts import BILLIONTHS, line_amounts
from keycrm_pipeline.accounting.documents import ONE_UNIT, amount_in_order_currency
from keycrm_pipeline.accounting.statuses import STANDARD_NAMES
from keycrm_pipeline.kinds import CANCELLED_GROUP, COMPLETED_GROUP

BELIEVED_AHEAD = timedelta(days=1)
"""An `updated_at` further than this after its answer came is a mistake: an exchange takes hours, not days. Such a
version is ordered by when it came, or it would stay the newest for ever."""

SENT = ("transit", "pickup", "delivered", "cash_on_delivery", "cash_received")
CAME_BACK = ("return", "returned", "refused", "disposal")
"""KeyCRM's `shipping_status` of a parcel that left the shop, and of one that the buyer did not take. The list is open:
one that is in neither says nothing."""

COLUMNS: Mapping[str, type[pl.DataType] | pl.DataType] = {
    "order_id": pl.Int64,
    "version_no": pl.Int32,
    "kind": pl.String,
    "subject_id": pl.Int64,
    "seen_day": pl.Date,
    "first_seen_at": pl.Datetime("us", "UTC"),
    "crm_at": pl.Datetime("us", "UTC"),
    "name": pl.String,
    "method_id": pl.Int64,
    "value_before": pl.String,
    "value_after": pl.String,
    "quantity_before": pl.Int64,
    "quantity_after": pl.Int64,
    "amount_before": pl.Int64,
    "amount_after": pl.Int64,
    "currency": pl.String,
}
"""Columns of a movement."""

_OF_VERSION = (
    "order_id",
    "version_no",
    "version_before",
    "first_seen_at",
    "crm_updated_at",
    "crm_updated_at_before",
    "currency",
)


@dataclass(frozen=True)
class Versions:
    """Versions of some orders: every version of each, in any order.

    Attributes:
        versions: One row per version that can be read: `order_id`, `version_no`, `crm_updated_at`, `first_seen_at`,
            `has_first` (whether the order's version 1 is still stored), `currency` of the order,
            `status_group_id`, `status_name`, `status_changed_at`, `grand_total`, `tracking_code`, `shipping_status`,
            `parcel_at`, `was_shipped`, and `lines_digest`, `payments_digest`.
        lines: `order_id`, `version_no`, `line_id`, `name`, `sku`, `quantity`, `price_sold`, `line_created_at`,
            `line_updated_at`. Those of an order whose versions all have one `lines_digest` may be left out.
        payments: `order_id`, `version_no`, `payment_id`, `is_expense`, `status`, `amount`, `source_currency`,
            `actual_amount`, `actual_currency`, `method_id`, `paid_at`, `payment_updated_at`; may be left out likewise.
        absences: One row per time for which KeyCRM did not have an order: `order_id`, `version_no` that was stored
            then, `absence_no` from 1, `absent_since`, `listed_again_at` or empty, `currency`.
    """

    versions: pl.DataFrame
    lines: pl.DataFrame
    payments: pl.DataFrame
    absences: pl.DataFrame


def derive_movements(read: Versions, timezone: str) -> pl.DataFrame:
    """The movements of some orders, sorted by order, version, kind and subject.

    Versions follow each other by KeyCRM's `updated_at`, and if that is equal by arrival, whatever order they were
    stored in: an older answer that arrives later takes its place between the others and makes no movement that was
    none. Two versions that say the same make none.

    Args:
        read: The versions.
        timezone: IANA name of the profile's zone, for the local day on which a movement was first seen.
    """
    pairs = _pairs(read.versions)
    found = [
        *_order_movements(pairs),
        *_parcel_movements(pairs),
        _line_movements(pairs, read.lines),
        *_payment_movements(pairs, read.payments, timezone),
        *_absence_movements(read.absences),
    ]
    return (
        pl.concat([_completed(frame) for frame in found], how="vertical")
        .with_columns(seen_day=pl.col("first_seen_at").dt.convert_time_zone(timezone).dt.date())
        .sort("order_id", "version_no", "kind", "subject_id")
    )


def _pairs(versions: pl.DataFrame) -> pl.DataFrame:
    """Each version with the one before it: its columns are named `…_before`. The first of an order is left out."""
    latest = pl.col("first_seen_at") + BELIEVED_AHEAD
    believed = pl.when(pl.col("crm_updated_at") <= latest).then("crm_updated_at").otherwise("first_seen_at")
    in_order = versions.with_columns(believed=believed).sort("order_id", "believed", "version_no")
    # Once earlier versions were given up, one that belongs before those that are left has no neighbours any more.
    is_first_left = pl.col("version_no") == pl.col("version_no").min().over("order_id")
    in_order = in_order.filter(
        pl.col("has_first") | (is_first_left.cast(pl.Int32).cum_sum().over("order_id") > 0)
    )
    before = in_order.select(pl.all().shift(1).name.suffix("_before"))
    return (
        pl.concat([in_order, before], how="horizontal")
        .filter(pl.col("order_id") == pl.col("order_id_before"))
        .rename({"version_no_before": "version_before"})
    )


def _completed(movements: pl.DataFrame) -> pl.DataFrame:
    """The same movements with every column, those that a kind does not have being empty."""
    missing = [pl.lit(None, COLUMNS[name]).alias(name) for name in COLUMNS if name not in movements.columns]
    return movements.with_columns(missing).select(
        pl.col(name).cast(column_type) for name, column_type in COLUMNS.items()
    )


def _own_time(at: pl.Expr) -> pl.Expr:
    """KeyCRM's time of a part that changed, if it moved with the change; else the order's `updated_at`."""
    moved = (at > pl.col("crm_updated_at_before")).fill_null(value=True)
    return pl.coalesce(pl.when(moved).then(at), "crm_updated_at")


def _of_the_order(pairs: pl.DataFrame, kind: str, happened: pl.Expr, crm_at: pl.Expr) -> pl.DataFrame:
    return pairs.filter(happened).with_columns(
        kind=pl.lit(kind), subject_id=pl.col("order_id"), crm_at=_own_time(crm_at)
    )


def _order_movements(pairs: pl.DataFrame) -> list[pl.DataFrame]:
    """The order's total, and its status where it matters: cancelled, completed, and no longer so.

    A cancelled order has a total too: what counts as sold falls to 0 with `order_cancelled`.
    """
    total, total_before = pl.col("grand_total"), pl.col("grand_total_before")
    changed_sum = _of_the_order(pairs, "sum_changed", total != total_before, pl.col("crm_updated_at")).select(
        *_IN_EVERY, amount_before="grand_total_before", amount_after="grand_total"
    )

    group, group_before = pl.col("status_group_id"), pl.col("status_group_id_before")
    is_cancelled, was_cancelled = group == CANCELLED_GROUP, group_before == CANCELLED_GROUP
    is_completed, was_completed = group == COMPLETED_GROUP, group_before == COMPLETED_GROUP
    named = {
        "value_before": pl.col("status_name_before").replace(STANDARD_NAMES),
        "value_after": pl.col("status_name").replace(STANDARD_NAMES),
    }
    statuses = {
        "order_cancelled": (is_cancelled & ~was_cancelled, total, pl.lit(0)),
        "order_restored": (was_cancelled & ~is_cancelled, pl.lit(0), total),
        "order_completed": (is_completed & ~was_completed, total, total),
        "order_reopened": (was_completed & ~is_completed & ~is_cancelled, total, total),
    }
    return [
        changed_sum,
        *(
            _of_the_order(pairs, kind, happened, pl.col("status_changed_at")).select(
                *_IN_EVERY, **named, amount_before=amount_before, amount_after=amount_after
            )
            for kind, (happened, amount_before, amount_after) in statuses.items()
        ),
    ]


_IN_EVERY = ("order_id", "version_no", "kind", "subject_id", "first_seen_at", "crm_at", "currency")


def _parcel_movements(pairs: pl.DataFrame) -> list[pl.DataFrame]:
    """A parcel that left the shop, and one that the buyer did not take."""

    def has_left(suffix: str) -> pl.Expr:
        status = pl.col(f"shipping_status{suffix}")
        return pl.col(f"was_shipped{suffix}") | status.is_in((*SENT, *CAME_BACK)).fill_null(False)

    def came_back(suffix: str) -> pl.Expr:
        return pl.col(f"shipping_status{suffix}").is_in(CAME_BACK).fill_null(False)

    return [
        _of_the_order(pairs, kind, state("") & ~state("_before"), pl.col("parcel_at")).select(
            *_IN_EVERY,
            name=pl.coalesce("tracking_code", "tracking_code_before"),
            value_before="shipping_status_before",
            value_after="shipping_status",
        )
        for kind, state in (("parcel_sent", has_left), ("parcel_came_back", came_back))
    ]


def _both_sides(pairs: pl.DataFrame, members: pl.DataFrame, digest: str, key: Sequence[str]) -> pl.DataFrame:
    """The members of each pair of versions that may differ, joined by their key: those after and, `…_before`, before.

    `is_there` and `was_there` say on which side a member is.
    """
    differing = pairs.filter(pl.col(digest) != pl.col(f"{digest}_before")).select(*_OF_VERSION)
    members = members.unique(["order_id", "version_no", *key], keep="first", maintain_order=True)
    own = [name for name in members.columns if name not in ("order_id", "version_no", *key)]
    after = differing.join(members, on=["order_id", "version_no"], how="inner").select(
        "order_id", "version_no", *key, *own, is_there=pl.lit(True)
    )
    before = differing.join(
        members, left_on=["order_id", "version_before"], right_on=["order_id", "version_no"], how="inner"
    ).select(
        "order_id",
        "version_no",
        *key,
        *(pl.col(name).alias(f"{name}_before") for name in own),
        was_there=pl.lit(True),
    )
    return (
        after.join(before, on=["order_id", "version_no", *key], how="full", coalesce=True)
        .join(differing, on=["order_id", "version_no"], how="inner")
        .with_columns(pl.col("is_there", "was_there").fill_null(False))
    )


def _line_movements(pairs: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Lines added, removed and changed, by KeyCRM's id: other goods, another quantity, another amount."""
    priced = lines.with_columns(
        amount=pl.Series(line_amounts(lines["price_sold"].to_numpy(), lines["quantity"].to_numpy())),
        quantity=(pl.col("quantity") + BILLIONTHS // ONE_UNIT // 2) // (BILLIONTHS // ONE_UNIT),
    )
    sides = _both_sides(pairs, priced, "lines_digest", ["line_id"])
    is_there, was_there = pl.col("is_there"), pl.col("was_there")
    is_other = pl.any_horizontal(
        pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in ("name", "sku", "quantity", "amount")
    )
    renamed = is_there & was_there & pl.col("name").ne_missing(pl.col("name_before"))
    kind = (
        pl.when(~was_there)
        .then(pl.lit("line_added"))
        .when(~is_there)
        .then(pl.lit("line_removed"))
        .when(is_other)
        .then(pl.lit("line_changed"))
    )
    at = pl.when(~was_there).then("line_created_at").when(is_there).then("line_updated_at")
    return (
        sides.with_columns(kind=kind)
        .filter(pl.col("kind").is_not_null())
        .select(
            "order_id",
            "version_no",
            "kind",
            "first_seen_at",
            "currency",
            subject_id="line_id",
            crm_at=_own_time(at),
            name=pl.coalesce("name", "name_before"),
            value_before=pl.when(renamed).then("name_before"),
            value_after=pl.when(renamed).then("name"),
            quantity_before="quantity_before",
            quantity_after="quantity",
            amount_before=pl.col("amount_before").fill_null(0),
            amount_after=pl.col("amount").fill_null(0),
        )
    )


def _absence_movements(absences: pl.DataFrame) -> list[pl.DataFrame]:
    """An order that KeyCRM has no longer, and one that it has again; KeyCRM gives no time of it."""
    return [
        absences.filter(pl.col(at).is_not_null()).select(
            "order_id", "version_no", "currency", kind=pl.lit(kind), subject_id="absence_no", first_seen_at=at
        )
        for kind, at in (("order_vanished", "absent_since"), ("order_listed_again", "listed_again_at"))
    ]


def _payment_movements(
    pairs: pl.DataFrame, payments: pl.DataFrame, timezone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Money that came, was cancelled, became another sum or is of another day; the same for expenses of the shop.

    Only a payment with the status `paid` is money. Whether one that was cancelled, deleted or set to unpaid is a refund
    or a mistake put right, nobody can tell from what KeyCRM sends (R14).
    """
    currencies = pairs.select("order_id", order_currency="currency").unique("order_id")
    amount, currency = amount_in_order_currency(actual_currency="actual_currency")
    paid = (
        payments.filter(pl.col("status") == "paid")
        .unique(["order_id", "version_no", "payment_id", "is_expense"], keep="first", maintain_order=True)
        .join(currencies, on="order_id", how="inner")
        .select(
            "order_id",
            "version_no",
            "payment_id",
            "is_expense",
            "method_id",
            "paid_at",
            "payment_updated_at",
            amount=amount,
            paid_currency=currency,
        )
    )
    unpaid = payments.filter(pl.col("status").fill_null("") != "paid").select(
        "order_id", "version_no", "payment_id", "is_expense", cancelled_at="payment_updated_at"
    )
    key = ["order_id", "version_no", "payment_id", "is_expense"]
    # In another currency it is other money: what was paid before is cancelled.
    sides = _both_sides(pairs, paid, "payments_digest", [*key[2:], "paid_currency"]).join(
        unpaid.unique(key), on=key, how="left"
    )
    is_there, was_there = pl.col("is_there"), pl.col("was_there")
    is_other = pl.col("amount") != pl.col("amount_before")
    what = pl.when("is_expense").then(pl.lit("expense")).otherwise(pl.lit("payment"))
    happened = (
        pl.when(~was_there)
        .then(pl.lit("_came"))
        .when(~is_there)
        .then(pl.lit("_cancelled"))
        .when(is_other)
        .then(pl.lit("_sum_changed"))
    )
    at = pl.when(is_there).then("payment_updated_at").otherwise("cancelled_at")
    day, day_before = (
        pl.col(name).dt.convert_time_zone(timezone).dt.date() for name in ("paid_at", "paid_at_before")
    )
    moved = sides.filter(is_there & was_there & (day != day_before)).select(
        "order_id",
        "version_no",
        "first_seen_at",
        kind=what + "_date_changed",
        subject_id="payment_id",
        crm_at=_own_time(pl.col("payment_updated_at")),
        method_id=pl.coalesce("method_id", "method_id_before"),
        value_before=day_before.cast(pl.String),
        value_after=day.cast(pl.String),
        amount_before="amount_before",
        amount_after="amount",
        currency="paid_currency",
    )
    changed = (
        sides.with_columns(kind=what + happened)
        .filter(pl.col("kind").is_not_null())
        .select(
            "order_id",
            "version_no",
            "kind",
            "first_seen_at",
            subject_id="payment_id",
            # The date of a payment is what the shop says it is, also when it was entered later.
            crm_at=pl.when(was_there).then(_own_time(at)).otherwise(pl.coalesce("paid_at", "crm_updated_at")),
            method_id=pl.coalesce("method_id", "method_id_before"),
            amount_before=pl.col("amount_before").fill_null(0),
            amount_after=pl.col("amount").fill_null(0),
            currency="paid_currency",
        )
    )
    return changed, moved
