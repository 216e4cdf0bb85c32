"""Files that lie beside the demo shop's profile: registers of a carrier and an acquirer, and daily rates of the euro.

The carrier's sums are before its fee, those of the marketplace's acquirer after it. Both have the faults that people
look for in them: a payout that is missing, one with another sum, one without an order; and one file is there twice. All
of it is decided by the id of the payment. The rates are invented like everything else here. Where the files are put is
decided elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from keycrm_pipeline.sandbox.bank import given_back, is_entered_anew
from keycrm_pipeline.sandbox.days import SHOP_ZONE
from keycrm_pipeline.sandbox.dictionaries import CASH_ON_DELIVERY_METHOD, MARKETPLACE_METHOD
from keycrm_pipeline.sandbox.payloads import Payload
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

Fault = Literal["none", "missing", "other_sum"]

_FAULT: Final = WeightedChoice[Fault]([("none", 960), ("missing", 20), ("other_sum", 20)])
_FIXED_FEE: Final = Decimal(20)
_CARRIER_PERCENT: Final = Decimal(2)
_ACQUIRER_PERCENT: Final = Decimal("1.7")
_KOPIYKA: Final = Decimal("0.01")
_LONGEST_PAYOUT_DAYS: Final = 3
_EURO: Final = 978
"""Number of the currency in ISO 4217."""


@dataclass(frozen=True, slots=True)
class Payout:
    """Money that a carrier or an acquirer passes on, or takes back.

    Attributes:
        day: Local day.
        amount: What the buyer paid, hryvnias; below zero for money that goes back.
        fee: What is kept of it, hryvnias.
        order: Number of the order, as the payer knows it.
        waybill: Number of the parcel, or an empty text.
        reference: Code of the operation.
        text: What it is for.
    """

    day: date
    amount: Decimal
    fee: Decimal
    order: str
    waybill: str
    reference: str
    text: str


def fault_of(payment_id: int) -> Fault:
    """What is wrong with the payout of a payment by cash on delivery or through the marketplace."""
    return _FAULT.draw(SeededRandom("register", payment_id))


def payouts_of(orders: Iterable[Payload], method_id: int, last_day: date) -> list[Payout]:
    """What is paid out for the payments of a method in hryvnias, up to a day, in order of time.

    Args:
        orders: The orders as they are now.
        method_id: Cash on delivery or the marketplace.
        last_day: Last local day of the register.
    """
    found: list[Payout] = []
    for order in orders:
        payments = [
            payment
            for payment in order["payments"]
            if payment["payment_method_id"] == method_id and payment["actual_currency"] == "UAH"
        ]
        for payment in payments:
            dated = payment["payment_date"]
            if dated is None or is_entered_anew(payment) or fault_of(payment["id"]) == "missing":
                continue
            random = SeededRandom("payout", payment["id"])
            day = _local_day(datetime.fromisoformat(dated)) + timedelta(
                days=random.between(1, _LONGEST_PAYOUT_DAYS)
            )
            amount = Decimal(payment["amount"])
            if fault_of(payment["id"]) == "other_sum":
                amount = max(amount - random.between(5, 50), Decimal(1))
            found.append(_payout(order, day, amount, method_id, f"P{payment['id']}", "Виплата"))
        found += [
            _payout(order, _local_day(moment), -Decimal(amount), method_id, f"R{payment['id']}", "Повернення")
            for payment, amount, moment in given_back(order)
            if payment in payments
        ]
    found = [payout for payout in found if payout.day <= last_day]
    return sorted(found, key=lambda payout: (payout.day, payout.order, payout.reference))


def register_files(orders: Sequence[Payload], last_day: date) -> dict[str, bytes]:
    """Name -> content of each register, for orders of the last weeks.

    Args:
        orders: The orders as they are now.
        last_day: Last local day of the registers: today.
    """
    stray = Payout(
        last_day - timedelta(days=9),
        Decimal(640),
        _fee(Decimal(640), CASH_ON_DELIVERY_METHOD),
        "",
        "20999999999999",
        "P-1",
        "Виплата",
    )
    carried = [*payouts_of(orders, CASH_ON_DELIVERY_METHOD, last_day), stray]
    nobodys = Payout(
        last_day - timedelta(days=6),
        Decimal(1250),
        _fee(Decimal(1250), MARKETPLACE_METHOD),
        "199999999",
        "",
        "P-2",
        "Виплата",
    )
    acquired = [*payouts_of(orders, MARKETPLACE_METHOD, last_day), nobodys]
    of_carrier = _carrier_file(sorted(carried, key=lambda payout: payout.day))
    return {
        "novapay.csv": of_carrier,
        # The same once more, as a carrier sends it on request.
        "novapay_copy.csv": of_carrier,
        "prom.csv": _acquirer_file(sorted(acquired, key=lambda payout: payout.day)),
    }


def rates_file(first_day: date, last_day: date) -> bytes:
    """Rates of the euro for each day, in the form of the service of the НБУ."""
    days = (first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1))
    records = [
        {
            "r030": _EURO,
            "txt": "Євро (вигаданий курс демонстраційного магазину)",
            "rate": (44_0000 + SeededRandom("rate", day).below(2_0000)) / 10_000,
            "cc": "EUR",
            "exchangedate": f"{day:%d.%m.%Y}",
        }
        for day in days
    ]
    return json.dumps(records, ensure_ascii=False, indent=1).encode()


def _payout(order: Payload, day: date, amount: Decimal, method_id: int, reference: str, text: str) -> Payout:
    shipping = order["shipping"] or {}
    is_carried = method_id == CASH_ON_DELIVERY_METHOD
    return Payout(
        day=day,
        amount=amount,
        fee=_fee(amount, method_id) if amount > 0 else Decimal(0),
        order=str(order["id"] if is_carried else order["source_uuid"]),
        waybill=shipping.get("tracking_code") or "",
        reference=reference,
        text=text,
    )


def _fee(amount: Decimal, method_id: int) -> Decimal:
    if method_id == CASH_ON_DELIVERY_METHOD:
        return (_FIXED_FEE + amount * _CARRIER_PERCENT / 100).quantize(_KOPIYKA)
    return (amount * _ACQUIRER_PERCENT / 100).quantize(_KOPIYKA)


def _carrier_file(payouts: Sequence[Payout]) -> bytes:
    """Sums before the fee, as Windows writes text, below a title and above a row of totals."""
    lines = [
        "Реєстр виплат за післяплатою;;;;;",
        "Дата виплати;Номер ЕН;Замовлення;Сума;Комісія;Призначення",
        *(
            f"{payout.day:%d.%m.%Y};{payout.waybill};{payout.order};{_comma(payout.amount)};{_comma(payout.fee)};"
            f"{payout.text}"
            for payout in payouts
        ),
        f"Разом;;;{_comma(_added(payout.amount for payout in payouts))};"
        f"{_comma(_added(payout.fee for payout in payouts))};",
    ]
    return "\r\n".join([*lines, ""]).encode("cp1251")


def _acquirer_file(payouts: Sequence[Payout]) -> bytes:
    """Sums after the fee, with a code of each operation."""
    lines = [
        "Дата операції,Зараховано,Комісія,Замовлення,ID операції,Операція",
        *(
            f"{payout.day},{payout.amount - payout.fee:.2f},{payout.fee:.2f},{payout.order},{payout.reference},"
            f"{payout.text}"
            for payout in payouts
        ),
    ]
    return "\n".join([*lines, ""]).encode()


def _comma(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _added(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _local_day(moment: datetime) -> date:
    return moment.astimezone(SHOP_ZONE).date()
