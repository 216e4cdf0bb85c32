"""R14, the rules: which version follows which, whatever order they arrive in. Words and tables are tested elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.movements import Versions, derive_movements

APRIL_1 = datetime(2026, 4, 1, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")

PAYMENTS = st.dictionaries(
    st.integers(71, 73),
    st.tuples(st.sampled_from(["paid", "canceled"]), st.sampled_from([100, 150])),
    max_size=3,
)
"""Payment id -> its status and kopiykas."""
LINES = st.dictionaries(st.integers(11, 13), st.integers(1, 2), min_size=1, max_size=3)
"""Line id -> quantity, at 10 kopiykas a piece."""
VERSION = st.tuples(
    PAYMENTS, LINES, st.sampled_from([1, 4, 5, 6]), st.sampled_from([None, "transit", "return"])
)
SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(
        ("order_id", "version_no", "payment_id", "amount", "actual_amount", "method_id"), pl.Int64()
    ),
    **dict.fromkeys(("tracking_code", "shipping_status", "sku", "status"), pl.String()),
    **dict.fromkeys(("source_currency", "actual_currency"), pl.String()),
    **dict.fromkeys(("parcel_at", "line_created_at", "paid_at", "payment_updated_at"), INSTANT),
    "is_expense": pl.Boolean(),
}
"""Types that polars cannot guess from empty values."""
PAYMENT_COLUMNS = (
    "order_id", "version_no", "payment_id", "is_expense", "status", "amount", "source_currency", "actual_amount",
    "actual_currency", "method_id", "paid_at", "payment_updated_at",
)  # fmt: skip
ABSENCE_COLUMNS: dict[str, pl.DataType] = {
    **dict.fromkeys(("order_id", "version_no", "absence_no"), pl.Int64()),
    **dict.fromkeys(("absent_since", "listed_again_at"), INSTANT),
    "currency": pl.String(),
}
LIFE = st.lists(VERSION, min_size=2, max_size=6)


def read(life: Sequence[Any], arrival: Sequence[int], *, has_first: bool = True) -> Versions:
    """Order 1, of which KeyCRM updated one version an hour, as the versions arrived in another order."""
    versions, lines, payments = [], [], []
    for number, hour in enumerate(arrival, start=1):
        paid, sold, group, parcel = life[hour]
        updated_at = APRIL_1 + timedelta(hours=hour)
        versions.append(
            {
                "order_id": 1, "version_no": number, "crm_updated_at": updated_at,
                "first_seen_at": APRIL_1 + timedelta(days=1, hours=number), "has_first": has_first, "currency": "UAH",
                "status_group_id": group, "status_name": str(group), "status_changed_at": updated_at,
                "grand_total": 10 * sum(sold.values()), "tracking_code": None, "shipping_status": parcel,
                "parcel_at": None, "was_shipped": False, "lines_digest": hash(tuple(sorted(sold.items()))),
                "payments_digest": hash(tuple(sorted(paid.items()))),
            }
        )  # fmt: skip
        lines += [
            {
                "order_id": 1, "version_no": number, "line_id": line_id, "name": "Чашка", "sku": None,
                "quantity": quantity * 10**9, "price_sold": 10**8, "line_created_at": None,
                "line_updated_at": updated_at,
            }
            for line_id, quantity in sold.items()
        ]  # fmt: skip
        payments += [
            {
                "order_id": 1, "version_no": number, "payment_id": payment_id, "is_expense": False, "status": status,
                "amount": amount, "source_currency": "UAH", "actual_amount": amount, "actual_currency": "UAH",
                "method_id": 2, "paid_at": APRIL_1, "payment_updated_at": updated_at,
            }
            for payment_id, (status, amount) in paid.items()
        ]  # fmt: skip
    return Versions(
        pl.DataFrame(versions, schema_overrides=SCHEMA),
        pl.DataFrame(lines, schema_overrides=SCHEMA),
        pl.DataFrame(payments, schema={name: SCHEMA[name] for name in PAYMENT_COLUMNS}),
        pl.DataFrame(schema=ABSENCE_COLUMNS),
    )


def told(life: Sequence[Any], arrival: Sequence[int], **more: Any) -> list[tuple[Any, ...]]:
    """The movements without what depends on the arrival: kind, subject, KeyCRM's time, quantities and amounts."""
    columns = (
        "crm_at", "kind", "subject_id", "quantity_before", "quantity_after", "amount_before", "amount_after",
        "value_before", "value_after",
    )  # fmt: skip
    movements = derive_movements(read(life, arrival, **more), "Europe/Kyiv")
    return sorted(movements.select(columns).rows(), key=str)


@settings(max_examples=30, deadline=None)
@given(LIFE, st.data())
def test_any_order_of_arrival_tells_the_same(life: list[Any], data: st.DataObject) -> None:
    """KeyCRM's `updated_at` orders the versions."""
    arrival = data.draw(st.permutations(range(len(life))))
    assert told(life, arrival) == told(life, range(len(life)))


@settings(max_examples=30, deadline=None)
@given(LIFE, st.data())
def test_answers_that_come_again_tell_nothing_new(life: list[Any], data: st.DataObject) -> None:
    """A copy that lags behind may answer with any version again, at any time."""
    again = data.draw(st.lists(st.sampled_from(range(len(life))), max_size=3))
    assert told(life, [*range(len(life)), *again]) == told(life, range(len(life)))


@settings(max_examples=30, deadline=None)
@given(LIFE)
def test_what_moved_is_the_difference_of_the_ends(life: list[Any]) -> None:
    """Money, total and quantities: all movements together lead from the first version to the last."""
    movements = derive_movements(read(life, range(len(life))), "Europe/Kyiv")

    def moved(kind: str, column: str = "amount") -> int:
        chosen = movements.filter(pl.col("kind").str.starts_with(kind))
        after, before = chosen[f"{column}_after"].fill_null(0), chosen[f"{column}_before"].fill_null(0)
        return int((after - before).sum())

    (paid, sold, group, _), (paid_last, sold_last, group_last, _) = life[0], life[-1]

    def money(payments: dict[int, tuple[str, int]]) -> int:
        return sum(amount for status, amount in payments.values() if status == "paid")

    assert moved("payment") == money(paid_last) - money(paid)
    assert moved("line", "quantity") == 1000 * (sum(sold_last.values()) - sum(sold.values()))
    assert moved("line") == moved("sum_changed") == 10 * (sum(sold_last.values()) - sum(sold.values()))
    cancelled = movements.filter(pl.col("kind") == "order_cancelled").height
    restored = movements.filter(pl.col("kind") == "order_restored").height
    assert cancelled - restored == (group_last == 6) - (group == 6)


@settings(max_examples=30, deadline=None)
@given(LIFE)
def test_one_version_tells_nothing(life: list[Any]) -> None:
    """An order first seen has no movements, whatever it says."""
    assert told(life[:1], [0]) == []


def test_another_currency_is_other_money() -> None:
    """100 hryvnias become 100 euros: the first are cancelled, the others came."""
    one = ({71: ("paid", 100)}, {11: 1}, 1, None)
    versions = read([one, one], [0, 1])
    second = pl.col("version_no") == 2
    euros = versions.payments.with_columns(
        pl.when(second).then(pl.lit("EUR")).otherwise(name).alias(name)
        for name in ("source_currency", "actual_currency")
    )
    digests = versions.versions.with_columns(payments_digest=pl.col("version_no"))
    movements = derive_movements(Versions(digests, versions.lines, euros, versions.absences), "Europe/Kyiv")
    assert movements.select("kind", "amount_before", "amount_after", "currency").rows() == [
        ("payment_came", 0, 100, "EUR"),
        ("payment_cancelled", 100, 0, "UAH"),
    ]


def test_what_comes_before_all_that_is_left_is_not_placed() -> None:
    """Version 1 was given up; the last answer is older than both that are left: its neighbours are not known."""
    paid: Any = ({71: ("paid", 100)}, {11: 1}, 1, None)
    life: list[Any] = [paid, ({}, {11: 1}, 1, None), paid]
    assert [row[1] for row in told(life, [1, 2, 0], has_first=False)] == ["payment_came"]
    assert [row[1] for row in told(life, [1, 2, 0])] == ["payment_came", "payment_cancelled"]
