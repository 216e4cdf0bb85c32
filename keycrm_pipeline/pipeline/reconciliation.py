"""The reconciliation (R15) after an exchange, or by itself: payments of KeyCRM beside the money that came for them.

Nothing is compared again while payments, money and settings are the same. What is not here: the rules
(`accounting.reconciliation`), and where the money comes from (`external_transactions`, `registers`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from keycrm_pipeline.accounting.reconciliation import Line, Money, Payment, Rules, reconcile
from keycrm_pipeline.pipeline import review
from keycrm_pipeline.pipeline.documents import organisation_choice
from keycrm_pipeline.pipeline.registers import bring_in_registers
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.run.session import holding
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.warehouse import reconciliation as store
from keycrm_pipeline.warehouse.connection import Warehouse

MOST_AFTER_CHANGES = 100_000
"""Payments and pieces of money that are compared after a sync of changes, which must stay short. Larger books wait for
the next load or the night."""

RULES_VERSION = 9
"""To be raised when the same payments and money would give other lines."""


def reconcile_again(workspace: Workspace, *, now: datetime) -> list[Message]:
    """Reads the registers and compares, without an exchange.

    Args:
        workspace: The profile and its places.
        now: The time, timezone-aware.

    Returns:
        What could not be read: file, column, line, and what to do.

    Raises:
        WarehouseError: The database is missing, busy or unreadable.
    """
    with holding(workspace, "reconcile") as warehouse:
        problems = bring_in_registers(workspace, warehouse, now=now)
        refresh(workspace.profile, warehouse, now=now)
        with warehouse.writing() as connection:
            review.refresh(connection, workspace.profile, now=now)
    return problems


def refresh(profile: Profile, warehouse: Warehouse, *, now: datetime, most: int | None = None) -> None:
    """Compares payments and money, if anything has changed since they were compared last.

    Args:
        profile: The profile.
        warehouse: The profile's database.
        now: The time.
        most: Most payments and pieces of money that are compared; of more, the stored lines stay. None for no limit.

    Raises:
        WarehouseError: The database cannot be used.
    """
    settings = profile.reconciliation
    with warehouse.reading() as connection:
        stored = store.reconciled_digest(connection)
        if not settings.is_used:
            digest = None
        elif most is not None and store.count_compared(connection) > most:
            return
        else:
            fees = {method: str(percent) for method, percent in sorted(profile.expected_fees.items())}
            said = settings.model_dump_json() + json.dumps(
                [profile.timezone, RULES_VERSION, _organisations_of_accounts(profile), fees], sort_keys=True
            )
            digest = store.inputs_digest(connection, said)
    if digest == stored:
        return
    with warehouse.writing() as connection:
        rows: Iterable[dict[str, Any]] = ()
        if settings.is_used:
            sources = _sources(profile)
            money, payments = store.read_for_comparison(connection, sources)
            rows = _lines(money, payments, profile, sources.accounts)
        store.store_reconciliation(connection, rows, digest, now=now, closed_until=profile.closed_until)


def _sources(profile: Profile) -> store.MoneySources:
    settings = profile.reconciliation
    gateways = settings.gateways if settings.external_transactions else {}
    accounts = {*gateways.values(), *(register.account for register in settings.registers.values())}
    return store.MoneySources(
        timezone=profile.timezone,
        with_transactions=settings.external_transactions,
        gateways=gateways,
        accounts=sorted(accounts),
    )


def _lines(
    money: Sequence[tuple[Any, ...]],
    payments: Sequence[tuple[Any, ...]],
    profile: Profile,
    accounts: Iterable[str],
) -> Iterator[dict[str, Any]]:
    """Columns of `accounting.reconciliation`."""
    settings = profile.reconciliation
    # A register without a column of fees says nothing about them.
    silent = {name for name, register in settings.registers.items() if register.columns.fee is None}
    compared = [
        Money(
            *(
                key,
                day,
                amount,
                currency,
                account,
                reference,
                tuple(orders),
                tuple(mentioned),
                text,
                is_other,
            ),
            fee=None if rest[0] in silent else rest[-1],
        )
        for key, day, amount, currency, account, reference, orders, mentioned, text, is_other, *rest in money
    ]
    places = {row[0]: _Place(*row[-5:]) for row in money}
    organisations = _Organisations(payments, profile)
    expected = profile.expected_fees
    found = reconcile(
        [
            replace(Payment(*fields), fee_percent=expected.get(method_id))
            for *fields, method_id, _organisation in payments
        ],
        compared,
        Rules(
            days=settings.days,
            tolerance=int(settings.tolerance * 100),
            accounts=frozenset(accounts),
            since=settings.since,
        ),
    )
    return (_row(line, places, organisations) for line in found)


def _organisations_of_accounts(profile: Profile) -> dict[str, str]:
    """The legal entities of accounts: named with the account or with its methods, or that of everything else.

    An account whose methods are of several has none.
    """
    choice = organisation_choice(profile)
    of_methods: dict[str, set[str | None]] = {account: set() for account in _sources(profile).accounts}
    for method, account in profile.method_accounts.items():
        of_methods.setdefault(account, set()).add(choice.by_method.get(method))
    found: dict[str, str | None] = {}
    for account, names in of_methods.items():
        if names <= {None}:
            found[account] = choice.otherwise
        elif len(names) == 1:
            (found[account],) = names
    for name, organisation in profile.organisations.items():
        found |= dict.fromkeys(organisation.accounts, name)
    return {account: name for account, name in found.items() if name is not None}


class _Organisations:
    """Which legal entity a line belongs to: that of the payment, or the one whose account the money came to."""

    def __init__(self, payments: Sequence[tuple[Any, ...]], profile: Profile) -> None:
        self._of_payments = {(row[0], row[1]): row[-1] for row in payments}
        self._of_accounts = _organisations_of_accounts(profile)

    def of(self, line: Line) -> str | None:
        """Its name; None if the profile determines none."""
        if line.payment is not None:
            found: str | None = self._of_payments[line.payment.order_id, line.payment.payment_id]
            return found
        account = None if line.money is None else line.money.account
        return None if account is None else self._of_accounts.get(account)


class _Place:
    """Where money was found."""

    def __init__(
        self,
        source: str,
        file_name: str | None,
        line: int | None,
        transaction_id: int | None,
        fee: int | None,
    ) -> None:
        self.source, self.file_name, self.line = source, file_name, line
        self.transaction_id, self.fee = transaction_id, fee

    def __str__(self) -> str:
        """As a person finds it."""
        return f"{self.file_name}:{self.line}" if self.file_name else f"KeyCRM {self.transaction_id}"


def _row(line: Line, places: dict[str, _Place], organisations: _Organisations) -> dict[str, Any]:
    payment, money = line.payment, line.money
    place = None if money is None else places[money.key]
    is_pair = payment is not None and money is not None
    named = () if money is None else money.order_ids
    candidates = [str(places[piece.key]) for piece in line.candidate_money]
    candidates += [str(other.order_id) for other in line.candidate_payments]
    paid_day = None if payment is None else payment.paid_day
    received_day = None if money is None else money.received_day
    return {
        "line_key": f"{payment.order_id}/{payment.payment_id}"
        if payment is not None
        else (money.key if money is not None else ""),
        "kind": line.kind,
        "day": paid_day or received_day,
        # Money that names a single order is told with it, whether or not that has a payment.
        "order_id": payment.order_id if payment is not None else (named[0] if len(named) == 1 else None),
        "payment_id": None if payment is None else payment.payment_id,
        "account": payment.account if payment is not None else (None if money is None else money.account),
        "organisation": organisations.of(line),
        "paid_day": paid_day,
        "received_day": received_day,
        "days_in_transit": _distance(paid_day, received_day),
        "paid": None if payment is None else payment.amount,
        "received": None if money is None else money.amount,
        "difference": money.amount - payment.amount
        if is_pair and money is not None and payment is not None and money.currency == payment.currency
        else None,
        "fee": None if place is None else place.fee,
        "expected_fee": line.expected_fee,
        "currency": payment.currency
        if payment is not None
        else (money.currency if money is not None else ""),
        "received_currency": None if money is None else money.currency,
        "matched_by": line.matched_by,
        "source": None if place is None else place.source,
        "file_name": None if place is None else place.file_name,
        "line": None if place is None else place.line,
        "transaction_id": None if place is None else place.transaction_id,
        "text": None if money is None else money.text,
        "candidates": ", ".join(dict.fromkeys(candidates)) or None,
    }


def _distance(paid_day: date | None, received_day: date | None) -> int | None:
    if paid_day is None or received_day is None:
        return None
    return (received_day - paid_day).days
