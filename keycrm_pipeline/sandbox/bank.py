"""What the demo shop's payment gateways know of its payments: the list behind `/payments/external-transactions`.

Most payments by card or transfer have a transaction that KeyCRM attached to them. Of some the transaction is there but
not attached, of some its sum differs, and of some there is none; now and then money comes that no payment tells of.
What the shop gives back goes out again. All of it is decided by the id of the payment or of the order. What is not
here: payments themselves (`orders`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from keycrm_pipeline.sandbox.payloads import Payload, timestamp
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

Behaviour = Literal["attached", "other_sum", "names_order", "names_buyer", "missing"]
"""What the bank knows of a payment; `other_sum` is attached as well."""

_BEHAVIOUR: Final = WeightedChoice[Behaviour](
    [("attached", 860), ("other_sum", 20), ("names_order", 60), ("names_buyer", 30), ("missing", 30)]
)
_STRAY_PER_MILLE: Final = 6
"""Orders next to which money comes that no payment tells of."""

GATEWAYS: Final = {2: 1, 3: 2, 4: 3}
"""Payment method of the account -> the gateway that brings its transactions."""

_FIRST_STRAY: Final = 10_000_000_000
"""Ids of money that belongs to no payment begin here."""

_REFUND: Final = 5
"""What is added to the id of a payment for the money that went back."""

LONGEST_WAY: Final = timedelta(days=2)
"""From the payment to its transaction."""


def behaviour(payment_id: int) -> Behaviour:
    """What the bank knows of a payment by one of the methods in `GATEWAYS`."""
    return _BEHAVIOUR.draw(SeededRandom("bank", payment_id))


def uuid_of(payment_id: int) -> str:
    """The uuid of the transaction of a payment."""
    random = SeededRandom("transaction", payment_id)
    return str(UUID(int=random.below(1 << 62) << 64 | random.below(1 << 62)))


def attached_uuid(payment_id: int, method_id: int | None) -> str | None:
    """What a payment holds as `transaction_uuid`; None if no transaction is attached to it."""
    is_attached = method_id in GATEWAYS and behaviour(payment_id) in ("attached", "other_sum")
    return uuid_of(payment_id) if is_attached else None


def transactions_of(order: Payload) -> list[Payload]:
    """The transactions that belong to an order's payments, and the one that came next to it.

    Args:
        order: The order at the end of its lifecycle. A payment that was cancelled later has brought its money before.
    """
    moved = [payment for payment in order["payments"] if payment["payment_method_id"] in GATEWAYS]
    found = [
        _transaction(order, payment)
        for payment in moved
        if payment["payment_date"] is not None
        and not payment["is_expense"]
        and not is_entered_anew(payment)
        and behaviour(payment["id"]) != "missing"
    ]
    found += [
        _row(
            payment["id"] + _REFUND,
            GATEWAYS[payment["payment_method_id"]],
            -amount,
            payment["actual_currency"],
            f"Повернення коштів, замовлення {order['source_uuid'] or order['id']}",
            moment,
        )
        for payment, amount, moment in given_back(order)
        if payment in moved
    ]
    random = SeededRandom("stray", order["id"])
    if random.happens(_STRAY_PER_MILLE):
        moment = datetime.fromisoformat(order["created_at"]) + timedelta(hours=random.between(1, 24))
        found.append(
            _row(_FIRST_STRAY + order["id"], 1, random.between(200, 3000), "UAH", "Повернення позики", moment)
        )
    return found


def is_entered_anew(payment: Payload) -> bool:
    """Whether a payment is what is left of a cancelled one: it was entered later than its day and brought nothing."""
    dated = payment["payment_date"]
    return dated is not None and payment["status"] == "paid" and payment["updated_at"] > dated


def given_back(order: Payload) -> list[tuple[Payload, Any, datetime]]:
    """The payments of which money went back, with how much of it and when."""
    kept = sum(payment["amount"] for payment in order["payments"] if is_entered_anew(payment))
    return [
        (
            payment,
            payment["amount"] - kept,
            datetime.fromisoformat(payment["updated_at"]) + timedelta(hours=3),
        )
        for payment in order["payments"]
        if payment["payment_date"] is not None and payment["status"] == "canceled"
    ]


def _transaction(order: Payload, payment: Payload) -> Payload:
    kind = behaviour(payment["id"])
    random = SeededRandom("sum", payment["id"])
    moment = datetime.fromisoformat(payment["payment_date"]) + random.between(1, 46) * timedelta(hours=1)
    buyer = order["buyer"]["full_name"] if order["buyer"] else None
    description = {
        "names_order": f"Оплата замовлення {order['source_uuid'] or order['id']}",
        "names_buyer": f"Оплата за товар, {(buyer or 'платник невідомий').upper()}",
    }.get(kind, "Зарахування від еквайра")
    amount = payment["amount"]
    if kind == "other_sum":
        # A hryvnia or two that the gateway kept.
        amount = amount - min(amount, random.between(1, 2)) if amount > 2 else amount + 1
    return _row(
        payment["id"],
        GATEWAYS[payment["payment_method_id"]],
        amount,
        payment["actual_currency"],
        description,
        moment,
        is_attached=kind in ("attached", "other_sum"),
    )


def _row(
    transaction_id: int,
    gateway_id: int,
    amount: object,
    currency: str,
    description: str,
    moment: datetime,
    *,
    is_attached: bool = False,
) -> Payload:
    return {
        "id": transaction_id,
        "uuid": uuid_of(transaction_id),
        "gateway_id": gateway_id,
        "amount": amount,
        "currency": currency,
        "description": description,
        "transaction_date": timestamp(moment),
        "is_attached": is_attached,
        "created_at": timestamp(moment + timedelta(minutes=10)),
        "updated_at": timestamp(moment + timedelta(minutes=10)),
    }
