"""The files beside the demo shop's profile: what a carrier and an acquirer pay out, and rates of the euro."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from keycrm_pipeline.sandbox.registers import fault_of, rates_file, register_files
from keycrm_pipeline.sandbox.shop import OrderFilter, Shop

NOW = datetime(2026, 4, 1, 8, tzinfo=UTC)
TODAY = date(2026, 4, 1)
CARRIER = "Дата виплати;Номер ЕН;Замовлення;Сума;Комісія;Призначення"


@pytest.fixture(scope="module")
def orders() -> list[dict[str, Any]]:
    shop = Shop(lambda: NOW, first_day=date(2026, 1, 1))
    found = shop.select(OrderFilter(created=(NOW - timedelta(days=60), NOW)))
    return shop.records(found.ids(0, len(found)))


@pytest.fixture(scope="module")
def files(orders: list[dict[str, Any]]) -> dict[str, bytes]:
    return register_files(orders, TODAY)


def carried(content: bytes) -> list[list[str]]:
    """The rows of the carrier's file, without title, header and totals."""
    lines = list(csv.reader(io.StringIO(content.decode("cp1251")), delimiter=";"))
    assert lines[1] == CARRIER.split(";")
    return lines[2:-1]


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def test_a_carrier_pays_out_what_it_collected(orders: list[dict[str, Any]], files: dict[str, bytes]) -> None:
    """Before a fee of 20 hryvnias and 2 percent, within three days; some are missing, some differ, one is nobody's."""
    payments = {
        str(order["id"]): payment
        for order in orders
        for payment in order["payments"]
        if payment["payment_method_id"] == 5 and payment["status"] == "paid"
    }
    found: Counter[str] = Counter()
    rows = carried(files["novapay.csv"])
    for day, waybill, order, received, fee, _text in rows:
        assert amount(fee) == (20 + amount(received) / 50).quantize(Decimal("0.01"))
        if not order:
            assert waybill == "20999999999999"
            found["nobody's"] += 1
            continue
        payment = payments[order]
        paid_at = datetime.fromisoformat(payment["payment_date"])
        assert timedelta(0) < datetime.strptime(day, "%d.%m.%Y").replace(tzinfo=UTC) - paid_at < timedelta(4)
        found["same sum" if amount(received) == payment["amount"] else "other sum"] += 1
    last_paid = NOW - timedelta(days=4)
    listed = {row[2] for row in rows}
    due = {
        order
        for order, payment in payments.items()
        if datetime.fromisoformat(payment["payment_date"]) < last_paid
    }
    found["missing"] = len(due - listed)
    assert set(found) == {"same sum", "other sum", "missing", "nobody's"}
    assert min(found.values()) > 0
    assert found["same sum"] > sum(found.values()) * 9 // 10


def test_one_file_was_saved_twice(files: dict[str, bytes]) -> None:
    """The reconciliation must not count its money twice."""
    assert sorted(files) == ["novapay.csv", "novapay_copy.csv", "prom.csv"]
    assert files["novapay_copy.csv"] == files["novapay.csv"]


def test_totals_stand_below_the_rows(files: dict[str, bytes]) -> None:
    rows = carried(files["novapay.csv"])
    total = files["novapay.csv"].decode("cp1251").splitlines()[-1].split(";")
    assert amount(total[3]) == sum((amount(row[3]) for row in rows), Decimal(0))
    assert amount(total[4]) == sum((amount(row[4]) for row in rows), Decimal(0))


def test_an_acquirer_pays_after_its_fee_and_takes_refunds_back(
    orders: list[dict[str, Any]], files: dict[str, bytes]
) -> None:
    """What came and 1.7 percent are what the buyer paid; a cancelled payment goes out again, by its own code."""
    of_payment = {
        payment["id"]: payment
        for order in orders
        for payment in order["payments"]
        if payment["payment_method_id"] == 6
    }
    rows = list(csv.DictReader(io.StringIO(files["prom.csv"].decode())))
    assert len({row["ID операції"] for row in rows}) == len(rows)
    refunds = 0
    for row in rows:
        code = row["ID операції"]
        gross = Decimal(row["Зараховано"]) + Decimal(row["Комісія"])
        if code == "P-2":
            assert (gross, row["Замовлення"]) == (Decimal(1250), "199999999")
            continue
        payment = of_payment[int(code[1:])]
        if code.startswith("R"):
            assert payment["status"] == "canceled"
            assert -payment["amount"] <= gross < 0
            refunds += 1
        elif fault_of(payment["id"]) == "none":
            assert gross == payment["amount"]
    assert refunds > 0


def test_every_day_has_a_rate_in_the_form_of_the_bank() -> None:
    """And the same day always has the same rate."""
    rates = json.loads(rates_file(date(2026, 2, 27), date(2026, 3, 2)))
    assert [rate["exchangedate"] for rate in rates] == [
        "27.02.2026",
        "28.02.2026",
        "01.03.2026",
        "02.03.2026",
    ]
    assert {rate["cc"] for rate in rates} == {"EUR"}
    assert all(44 <= rate["rate"] < 46 and "вигаданий" in rate["txt"] for rate in rates)
    assert json.loads(rates_file(date(2026, 3, 1), date(2026, 3, 1))) == [rates[2]]
