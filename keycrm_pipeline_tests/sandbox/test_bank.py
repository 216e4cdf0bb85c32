"""The demo shop's bank transactions: most belong to a payment, some differ, some are missing, some are nobody's."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from keycrm_pipeline.sandbox.shop import Shop

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)


def shop(now: datetime = NOW) -> Shop:
    return Shop(lambda: now, first_day=date(2026, 1, 1))


def payments_of(found: Shop, first: datetime, last: datetime) -> dict[int, dict[str, Any]]:
    """Payments of orders that were entered between two moments, by id."""
    selection = found.select()
    return {
        payment["id"]: payment
        for order in found.records(selection.ids(0, len(selection)))
        for payment in order["payments"]
        if payment["payment_date"] is not None
        and first <= datetime.fromisoformat(payment["payment_date"]) <= last
    }


def test_money_of_every_kind_comes() -> None:
    """Attached with the same sum, with another sum, not attached, missing, and money without a payment."""
    found = shop()
    rows = {row["id"]: row for row in found.external_transactions(None)}
    payments = payments_of(found, *MARCH)
    kinds: Counter[str] = Counter()
    for payment_id, payment in payments.items():
        row = rows.get(payment_id)
        if payment["payment_method_id"] not in (2, 3, 4) or payment["is_expense"]:
            assert row is None
        elif row is None:
            kinds["missing"] += 1
        elif not row["is_attached"]:
            assert payment["transaction_uuid"] is None
            kinds["not attached"] += 1
        else:
            assert payment["transaction_uuid"] == row["uuid"]
            kinds["same sum" if payment["amount"] == row["amount"] else "other sum"] += 1
    given_back = {number for number, row in rows.items() if row["amount"] < 0}
    every = payments_of(found, datetime.min.replace(tzinfo=UTC), NOW)
    kinds["nobody's"] = len(rows.keys() - every.keys() - given_back)
    assert set(kinds) == {"same sum", "other sum", "not attached", "missing", "nobody's"}
    assert kinds["same sum"] > sum(kinds.values()) * 3 // 4


def test_what_the_shop_gives_back_goes_out_again() -> None:
    """All of a cancelled payment, or what a line that was sent back had cost: never more than was paid."""
    found = shop()
    payments = payments_of(found, datetime.min.replace(tzinfo=UTC), NOW)
    refunds = {row["id"] - 5: row for row in found.external_transactions(None) if row["amount"] < 0}
    whole = 0
    for payment_id, row in refunds.items():
        payment = payments[payment_id]
        assert payment["status"] == "canceled"
        assert row["transaction_date"] > payment["updated_at"]
        assert not row["is_attached"]
        assert 0 < -row["amount"] <= payment["amount"]
        whole += -row["amount"] == payment["amount"]
    assert 0 < whole < len(refunds)


def test_a_window_has_what_the_whole_list_has() -> None:
    """A client that asks month by month misses nothing, and nothing comes from the future."""
    found = shop()
    inside = [
        row
        for row in found.external_transactions(None)
        if MARCH[0] <= datetime.fromisoformat(row["created_at"]) <= MARCH[1]
    ]
    asked = [row for row in found.external_transactions(MARCH) if row in inside]
    assert asked == inside
    assert all(datetime.fromisoformat(row["created_at"]) <= NOW for row in inside)


def test_what_was_there_stays_as_it_was() -> None:
    """A week later there is more, and what an exchange has read is unchanged."""
    before = {row["id"]: row for row in shop().external_transactions(MARCH)}
    after = {row["id"]: row for row in shop(NOW + timedelta(days=7)).external_transactions(MARCH)}
    assert {key: after[key] for key in before} == before
