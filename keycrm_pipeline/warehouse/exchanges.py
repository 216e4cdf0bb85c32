"""Writes and reads the exchange log (R13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from keycrm_pipeline.schemas import failures
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.statements import single_row, statement

KILLED = failures.KILLED.english
"""Error of an exchange that says it runs although no process does its work."""


@dataclass(frozen=True)
class ExchangeCounts:
    """What one step of an exchange adds to its row."""

    orders_seen: int = 0
    orders_created: int = 0
    orders_updated: int = 0
    orders_unchanged: int = 0
    orders_rejected: int = 0
    partners_created: int = 0
    products_created: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Exchange:
    """One row of the exchange log."""

    exchange_id: int
    profile: str
    run_id: str | None
    kind: str
    period_from: date | None
    period_to: date | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    orders_seen: int
    orders_created: int
    orders_updated: int
    orders_unchanged: int
    orders_rejected: int
    partners_created: int
    products_created: int
    requests: int
    error: str | None


_COLUMNS = ", ".join(field.name for field in fields(Exchange))


def begin_exchange(
    connection: duckdb.DuckDBPyConnection,
    *,
    profile: str,
    run_id: str,
    kind: str,
    period_from: date | None,
    period_to: date | None,
    steps: Sequence[str],
    now: datetime,
) -> int:
    """The exchange of this run: its row is written when the run has none, and set running again on a retry.

    Rows that other, killed runs left running are closed as failed. The caller holds the profile's lock.
    """
    with transaction(connection):
        standing = connection.execute(statement("exchanges", "standing"), {"run_id": run_id}).fetchall()
        if not all(is_ours for _exchange_id, _status, is_ours in standing):
            connection.execute(
                statement("exchanges", "close_killed"), {"now": now, "run_id": run_id, "error": KILLED}
            )
        for exchange_id, status, is_ours in standing:
            if is_ours:
                if status != "running":
                    connection.execute(statement("exchanges", "restart"), [exchange_id])
                return int(exchange_id)
        (exchange_id,) = single_row(
            connection.execute(
                statement("exchanges", "start"),
                {
                    "profile": profile,
                    "run_id": run_id,
                    "kind": kind,
                    "period_from": period_from,
                    "period_to": period_to,
                    "now": now,
                    "steps_pending": list(steps),
                },
            )
        )
    return int(exchange_id)


def finish_step(
    connection: duckdb.DuckDBPyConnection,
    exchange_id: int,
    step: str,
    counts: ExchangeCounts,
    *,
    now: datetime,
    walks: Sequence[str] = (),
) -> bool:
    """Adds a step's counts; returns whether no step is pending any more: then the exchange has succeeded.

    With it the pages of its walks are forgotten. Until then another attempt goes on from them: an exchange that dies
    while it derives has asked for everything already.

    A step that a retry of the run does again has its orders and cards counted already: only what it asked of
    KeyCRM is added.
    """
    with transaction(connection):
        row = connection.execute(
            statement("exchanges", "finish_step"),
            asdict(counts) | {"exchange_id": exchange_id, "step": step, "now": now},
        ).fetchone()
        is_complete = bool(row and row[0])
        if is_complete and walks:
            connection.execute(statement("raw", "forget_pages"), {"walks": list(walks)})
    return is_complete


def fail_exchange(
    connection: duckdb.DuckDBPyConnection,
    exchange_id: int,
    error: str,
    counts: ExchangeCounts,
    *,
    now: datetime,
) -> None:
    """Closes an exchange as failed, with the reason in words."""
    with transaction(connection):
        connection.execute(
            statement("exchanges", "add_counts"), asdict(counts) | {"exchange_id": exchange_id}
        )
        connection.execute(
            statement("exchanges", "fail"), {"exchange_id": exchange_id, "error": error, "now": now}
        )


def set_watermark(connection: duckdb.DuckDBPyConnection, exchange_id: int, watermark: datetime) -> None:
    """Notes up to which updated_at this exchange has stored changes; it counts once the exchange succeeds."""
    connection.execute(
        statement("exchanges", "set_watermark"), {"exchange_id": exchange_id, "watermark": watermark}
    )


def newest_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """Up to which updated_at changes are safely stored; None when no changes pass has succeeded yet."""
    row = connection.execute(statement("exchanges", "newest_watermark")).fetchone()
    return row[0] if row else None


def newest_crm_updated_at(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The newest updated_at among the stored payloads."""
    row = connection.execute(statement("exchanges", "newest_crm_updated_at")).fetchone()
    return row[0] if row else None


def _exchange(
    connection: duckdb.DuckDBPyConnection, name: str, values: Sequence[Any] = ()
) -> Exchange | None:
    row = connection.execute(statement("exchanges", name).format(columns=_COLUMNS), list(values)).fetchone()
    return Exchange(*row) if row else None


def read_exchange(connection: duckdb.DuckDBPyConnection, exchange_id: int) -> Exchange | None:
    """One exchange of the log."""
    return _exchange(connection, "exchange", [exchange_id])


def exchange_of_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> Exchange | None:
    """The exchange that a Dagster run wrote; None when it never came that far."""
    row = connection.execute(statement("exchanges", "of_run"), [run_id]).fetchone()
    return read_exchange(connection, row[0]) if row else None


def last_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange (F28)."""
    return _exchange(connection, "last_exchange")


def last_ended_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange that does not run any more, however it ended."""
    return _exchange(connection, "last_ended")


def last_succeeded_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange that ended well."""
    return _exchange(connection, "last_succeeded")


def totals(connection: duckdb.DuckDBPyConnection, first_day: date, last_day: date) -> dict[str, Decimal]:
    """Grand totals of the documents of a period by currency, in that currency."""
    return dict(connection.execute(statement("exchanges", "totals"), [first_day, last_day]).fetchall())


def review_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What waits for a person, by kind."""
    return dict(connection.execute(statement("exchanges", "review_counts")).fetchall())


def missing_days(connection: duckdb.DuckDBPyConnection, until: date) -> list[date]:
    """Days from the first loaded one to `until` that were never loaded to the end (R1)."""
    return [row[0] for row in connection.execute(statement("exchanges", "missing_days"), [until]).fetchall()]


def rejected_count(connection: duckdb.DuckDBPyConnection) -> int:
    """Orders on the list of rejected records."""
    row = connection.execute(statement("exchanges", "rejected_count")).fetchone()
    return int(row[0]) if row else 0
