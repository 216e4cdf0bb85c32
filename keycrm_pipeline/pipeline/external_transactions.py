"""Fetches the bank transactions that payment gateways have brought to KeyCRM (R15), if the profile says so.

An account may lack them, or the key may not be allowed to read them: that stops no exchange, and is on the review
list until they can be read. One that KeyCRM no longer lists is kept and marked: it is no money any more. What they are
compared with is in `reconciliation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.crm.client import KeyCrmClient, Window
from keycrm_pipeline.crm.errors import AuthenticationError, KeyCrmError
from keycrm_pipeline.crm.pages import CrmRow
from keycrm_pipeline.crm.values import flag, parse_instant, plain_text, whole
from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.registers import RegisterFailure
from keycrm_pipeline.warehouse import reconciliation as store

if TYPE_CHECKING:
    import duckdb

EXTERNAL_TRANSACTIONS = "external_transactions"
"""Subject of the review list."""

LONGEST_WINDOW = timedelta(days=31)
"""A list that grows while it is read is read again: so only the newest of several windows is."""

_LARGEST_AMOUNT = Decimal(10) ** 14
MOST_TOLD = 20


def fetch_transactions(session: Session, client: KeyCrmClient, period: Period) -> None:
    """Fetches the transactions of a period, and of the days after it in which its payments may bring money.

    KeyCRM does not document which date of a transaction it selects by: a day more is requested on both sides, and rows
    of other days are kept.

    Args:
        session: The running exchange.
        client: An open client.
        period: Days of payments.

    Raises:
        AuthenticationError: The key was refused, not only for this list.
    """
    settings = session.profile.reconciliation
    if not settings.external_transactions:
        return
    start, end = period.instants(session.profile.zone)
    window = start - DAY, min(end + timedelta(days=settings.days + 1), session.now + DAY)
    problem: Message | None = None
    listed: set[int] = set()
    without_number = 0
    try:
        for part in _parts(window):
            rows = client.external_transactions(part)
            listed.update(row.row_id for row in rows if row.row_id is not None)
            without_number += sum(row.row_id is None for row in rows)
            with session.warehouse.writing() as connection:
                store.store_transactions(connection, _typed(rows), now=session.now)
    except AuthenticationError:
        raise
    except KeyCrmError as error:
        problem = RegisterFailure.TRANSACTIONS_NOT_READ.message(reason=error.message)
    with session.warehouse.writing() as connection:
        if problem is None:
            problem = _mark_absent(session, connection, window, listed)
        unreadable = store.unreadable_transactions(connection)
        if problem is None and without_number:
            problem = RegisterFailure.TRANSACTIONS_WITHOUT_NUMBER.message(count=without_number)
        if problem is None and unreadable:
            problem = RegisterFailure.TRANSACTIONS_UNREADABLE.message(transaction_ids=unreadable[:MOST_TOLD])
        store.record_problem(connection, EXTERNAL_TRANSACTIONS, problem)


def _mark_absent(
    session: Session, connection: duckdb.DuckDBPyConnection, window: Window, listed: set[int]
) -> Message | None:
    """Marks what a complete list of a window lacks; of the first and the last day nothing can be said.

    Returns:
        Why nothing was marked: a list that lacks very much proves nothing.
    """
    start, end = window[0] + DAY, window[1] - DAY
    absent = [
        transaction_id
        for transaction_id, received_at, created_at in store.listed_transactions(connection, start, end)
        if transaction_id not in listed and start <= (parse_instant(created_at) or received_at) <= end
    ]
    most = session.profile.sweep.most_missing
    if len(absent) > most:
        return RegisterFailure.TRANSACTIONS_MANY_ABSENT.message(count=len(absent), most=most)
    store.mark_absent(connection, absent, now=session.now)
    return None


def _parts(window: Window) -> Iterator[Window]:
    start, end = window
    while start <= end:
        yield start, min(start + LONGEST_WINDOW, end)
        start += LONGEST_WINDOW


def _typed(rows: list[CrmRow]) -> list[dict[str, Any]]:
    """Columns of `raw.external_transactions`; a row without a readable id cannot be told from another."""
    return [_transaction(row.row_id, row) for row in rows if row.row_id is not None]


def _transaction(transaction_id: int, row: CrmRow) -> dict[str, Any]:
    return {
        "transaction_id": transaction_id,
        "uuid": plain_text(row.get("uuid")),
        "gateway_id": whole(row.get("gateway_id")),
        "received_at": _moment(row),
        "amount": _kopiykas(row.get("amount")),
        "currency": (plain_text(row.get("currency")) or "").upper() or None,
        "description": plain_text(row.get("description")),
        "is_attached": flag(row.get("is_attached")),
        "payload": row.payload.decode(),
    }


def _moment(row: Mapping[str, Any]) -> datetime | None:
    """When the money moved; if KeyCRM does not say, when it learned of it."""
    if plain_text(row.get("transaction_date")) is None:
        return parse_instant(row.get("created_at"))
    return parse_instant(row.get("transaction_date"))


def _kopiykas(value: Any) -> int | None:
    try:
        amount = Decimal(plain_text(value) or "")
    except InvalidOperation:
        return None
    if not amount.is_finite() or abs(amount) > _LARGEST_AMOUNT:
        return None
    kopiykas = amount * 100
    return int(kopiykas) if kopiykas == kopiykas.to_integral_value() else None
