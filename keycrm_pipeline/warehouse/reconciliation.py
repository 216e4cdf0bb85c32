"""The reconciliation (R15) as it is stored: the money, the payments it is compared with, and the lines.

What is not here: which money belongs to which payment (`accounting.reconciliation`), and reading the lines
(`reconciliation_lines`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

import duckdb
import polars as pl

from keycrm_pipeline.schemas.accounting import RECONCILIATION
from keycrm_pipeline.schemas.raw import RAW_EXTERNAL_TRANSACTIONS, RAW_REGISTER_ROWS
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.warehouse.cards import table_frame
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import stage_frame
from keycrm_pipeline.warehouse.hand_over import keep_closed_before_money_moves
from keycrm_pipeline.warehouse.statements import single_row, statement

_TRANSACTION_COLUMNS = tuple(
    name
    for name in RAW_EXTERNAL_TRANSACTIONS.column_names
    if name not in ("extracted_at", "not_listed_since")
)


LINES_AT_ONCE = 50_000
"""Lines that are turned into columns together."""


@dataclass(frozen=True)
class MoneySources:
    """Where money comes from.

    Attributes:
        timezone: The profile's zone, which decides about days.
        with_transactions: Whether KeyCRM's bank transactions are compared.
        gateways: Payment gateway of KeyCRM -> account.
        accounts: All accounts whose money is known.
    """

    timezone: str
    with_transactions: bool
    gateways: Mapping[int, str]
    accounts: Sequence[str]


def store_transactions(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[dict[str, Any]], *, now: datetime
) -> None:
    """Stores bank transactions of KeyCRM; those that have not changed are not written.

    Args:
        connection: A connection for writing.
        rows: Columns of `raw.external_transactions`, amounts in kopiykas.
        now: Time of the exchange.
    """
    frame = RAW_EXTERNAL_TRANSACTIONS.checked(
        table_frame(RAW_EXTERNAL_TRANSACTIONS, rows, _TRANSACTION_COLUMNS)
    )
    stage_frame(connection, "transactions_to_store", RAW_EXTERNAL_TRANSACTIONS, frame)
    connection.execute(statement("reconciliation", "store_transactions"), {"now": now})


def listed_transactions(
    connection: duckdb.DuckDBPyConnection, start: datetime, end: datetime
) -> list[tuple[int, datetime, str | None]]:
    """Transactions of a range that KeyCRM listed at last: id, when the money moved, and `created_at` as sent."""
    found = connection.execute(
        statement("reconciliation", "listed_transactions"), {"start": start, "end": end}
    )
    return found.fetchall()


def mark_absent(
    connection: duckdb.DuckDBPyConnection, transaction_ids: Sequence[int], *, now: datetime
) -> None:
    """Marks transactions that KeyCRM no longer lists; one that it lists again loses its mark when it is stored."""
    connection.execute(
        statement("reconciliation", "mark_absent"), {"transaction_ids": list(transaction_ids), "now": now}
    )


def unreadable_transactions(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Bank transactions of KeyCRM whose day, amount or currency could not be read."""
    found = connection.execute(statement("reconciliation", "unreadable_transactions"))
    return [row[0] for row in found.fetchall()]


def register_files(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The files of registers that were read -> digest of what was read."""
    return dict(connection.execute(statement("reconciliation", "register_files")).fetchall())


def forget_register_files(connection: duckdb.DuckDBPyConnection, file_names: Sequence[str]) -> None:
    """Forgets files with their rows."""
    for name in ("forget_rows", "forget_files"):
        connection.execute(statement("reconciliation", name), {"file_names": list(file_names)})


def store_register(
    connection: duckdb.DuckDBPyConnection,
    *,
    file_name: str,
    register: str,
    digest: str,
    rows: Sequence[dict[str, Any]],
    now: datetime,
) -> None:
    """Stores the rows of a file in place of those that it had before; call it inside a transaction.

    Args:
        connection: A connection for writing.
        file_name: The file.
        register: Its register.
        digest: Digest of the file and of what decides how it is read.
        rows: Columns of `raw.register_rows`, amounts in kopiykas.
        now: The time.
    """
    frame = RAW_REGISTER_ROWS.checked(table_frame(RAW_REGISTER_ROWS, rows, RAW_REGISTER_ROWS.column_names))
    stage_frame(connection, "register_rows_to_store", RAW_REGISTER_ROWS, frame)
    forget_register_files(connection, [file_name])
    connection.execute(statement("reconciliation", "insert_rows"))
    connection.execute(
        statement("reconciliation", "record_file"),
        {"file_name": file_name, "register": register, "digest": digest, "rows": len(rows), "now": now},
    )


def known_problems(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What could not be read -> the stored message about it."""
    return dict(connection.execute(statement("reconciliation", "problems")).fetchall())


def record_problem(connection: duckdb.DuckDBPyConnection, subject: str, problem: Message | None) -> None:
    """Notes what could not be read, once, or that it can be read now."""
    if problem is None:
        connection.execute(statement("reconciliation", "forget_problem"), {"subject": subject})
        return
    connection.execute(
        statement("reconciliation", "record_problem"),
        {"subject": subject, "details": str(problem), "details_coded": problem.dump()},
    )


def inputs_digest(connection: duckdb.DuckDBPyConnection, settings: str) -> str:
    """Digest of the payments, the money and the settings that a reconciliation is made of."""
    (digest,) = single_row(
        connection.execute(statement("reconciliation", "inputs_digest"), {"settings": settings})
    )
    return str(digest)


def count_compared(connection: duckdb.DuckDBPyConnection) -> int:
    """How many payments and pieces of money there are."""
    (count,) = single_row(connection.execute(statement("reconciliation", "compared_count")))
    return int(count)


def reconciled_digest(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Digest of what the stored reconciliation was made of; None if there is none."""
    row = connection.execute(statement("reconciliation", "reconciled_digest")).fetchone()
    return None if row is None else str(row[0])


def read_for_comparison(
    connection: duckdb.DuckDBPyConnection, sources: MoneySources
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The money, and the payments that it may belong to; amounts in kopiykas.

    Returns:
        Rows of money: the fields of `accounting.reconciliation.Money`, then source, file, line, transaction and fee.
        Rows of payments: the fields of `Payment`, then the organisation.
    """
    connection.execute(statement("reconciliation", "macros"))
    connection.execute(
        statement("reconciliation", "stage_money"),
        {
            "timezone": sources.timezone,
            "with_transactions": sources.with_transactions,
            "gateway_ids": list(sources.gateways),
            "gateway_accounts": list(sources.gateways.values()),
        },
    )
    for name in ("stage_named_orders", "stage_mentioned_orders"):
        connection.execute(statement("reconciliation", name))
    money = connection.execute(statement("reconciliation", "money")).fetchall()
    payments = connection.execute(
        statement("reconciliation", "payments"),
        {"timezone": sources.timezone, "accounts": list(sources.accounts)},
    ).fetchall()
    connection.execute(statement("reconciliation", "drop_staged"))
    return money, payments


def store_reconciliation(
    connection: duckdb.DuckDBPyConnection,
    rows: Iterable[dict[str, Any]],
    digest: str | None,
    *,
    now: datetime,
    closed_until: date | None = None,
) -> None:
    """Stores the lines in place of the earlier ones, in one transaction.

    A document of the closed period whose payments get another day by them is kept as it was.

    Args:
        connection: A connection for writing.
        rows: Columns of `accounting.reconciliation`, amounts in kopiykas.
        digest: What they were made of; None if nothing is compared any more.
        now: The time.
        closed_until: Last day of the closed period; None if none is closed.
    """
    names = RECONCILIATION.column_names
    # As dictionaries, a million lines would take more than a gigabyte.
    remaining = iter(rows)
    frames = [
        table_frame(RECONCILIATION, part, names)
        for part in iter(lambda: list(islice(remaining, LINES_AT_ONCE)), [])
    ]
    frame = RECONCILIATION.checked(pl.concat(frames or [table_frame(RECONCILIATION, [], names)]))
    stage_frame(connection, "reconciliation_to_store", RECONCILIATION, frame)
    with transaction(connection):
        if closed_until is not None:
            keep_closed_before_money_moves(connection, closed_until, now=now)
        for name in ("forget_lines", "insert_lines", "forget_reconciled"):
            connection.execute(statement("reconciliation", name))
        if digest is not None:
            connection.execute(
                statement("reconciliation", "record_reconciled"), {"digest": digest, "now": now}
            )
