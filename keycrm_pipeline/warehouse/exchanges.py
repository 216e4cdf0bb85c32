"""Writes and reads the exchange log (R13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

import duckdb

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import Message, ShowTyped, as_typed, stored_text
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement


def error_columns(error: Message | None) -> dict[str, str | None]:
    """The columns that say why an exchange failed; empty ones if it did not."""
    if error is None:
        return {"error": None, "error_coded": None}
    return {"error": str(error), "error_coded": error.dump()}


KILLED = Failure.KILLED.message()
"""Why an exchange failed that is marked as running although its process no longer exists."""


OUTCOMES = ("running", "succeeded", "failed", "stopped", "killed")
"""How an exchange is shown: what its status says, and of a failed one whether it failed by itself."""

_OUTCOME_OF_ERROR = {str(Failure.STOPPED.message()): "stopped", str(KILLED): "killed"}


def outcome_of(status: str, error: str | None) -> str:
    """How an exchange ended, one of `OUTCOMES`; the status of one that was stopped or killed is `failed` too (R13).

    Args:
        status: Its status in the log.
        error: Its error in the log.
    """
    return _OUTCOME_OF_ERROR.get(error or "", status) if status == "failed" else status


@dataclass(frozen=True)
class ExchangeCounts:
    """The counts of an exchange's row; every list of them is derived from these fields."""

    orders_seen: int = 0
    orders_created: int = 0
    orders_updated: int = 0
    orders_unchanged: int = 0
    orders_rejected: int = 0
    partners_created: int = 0
    products_created: int = 0
    requests: int = 0

    def plus(self, other: ExchangeCounts) -> ExchangeCounts:
        """The counts of two stages together."""
        return ExchangeCounts(**{name: count + getattr(other, name) for name, count in asdict(self).items()})


COUNTS = tuple(field.name for field in fields(ExchangeCounts))
"""Names of the counts, in order."""


@dataclass(frozen=True, kw_only=True)
class Exchange(ExchangeCounts):
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
    error: str | None
    error_coded: str | None = None

    def error_text(self, write: Formatter, typed: ShowTyped = as_typed) -> str:
        """Why it failed, in the language of a formatter; empty if it did not. `typed` shows what somebody typed."""
        return stored_text(self.error, self.error_coded, write, typed)

    @property
    def outcome(self) -> str:
        """How it ended, see `outcome_of`."""
        return outcome_of(self.status, self.error)

    @property
    def counts(self) -> dict[str, int]:
        """The counts alone, by name."""
        return {name: getattr(self, name) for name in COUNTS}

    @property
    def period(self) -> Period | None:
        """The days of a load; None for a sync or a rebuild."""
        if self.period_from is None or self.period_to is None:
            return None
        return Period(self.period_from, self.period_to)


_COLUMNS = tuple(field.name for field in fields(Exchange))


def _assignment(count: str) -> str:
    """How a count is written at the end of an exchange: counts of orders are replaced, see `end_exchange`."""
    return f"{count} = ${count}" if count.startswith("orders_") else f"{count} = {count} + ${count}"


def begin_exchange(
    connection: duckdb.DuckDBPyConnection,
    *,
    profile: str,
    run_id: str,
    kind: str,
    period: Period | None,
    now: datetime,
) -> int:
    """Returns the exchange of this run: writes its row, or sets the existing one running again on a retry.

    Rows that other, killed runs left running are closed as failed. The caller holds the profile's lock.
    """
    with transaction(connection):
        standing = connection.execute(statement("exchanges", "standing"), {"run_id": run_id}).fetchall()
        if not all(is_ours for _exchange_id, _status, is_ours in standing):
            connection.execute(
                statement("exchanges", "close_killed"),
                {"now": now, "run_id": run_id, **error_columns(KILLED)},
            )
        for exchange_id, status, is_ours in standing:
            if is_ours:
                if status != "running":
                    connection.execute(statement("exchanges", "restart"), [exchange_id])
                return int(exchange_id)
        connection.execute(
            statement("exchanges", "start").format(zeros=", ".join(f"0 AS {name}" for name in COUNTS)),
            {
                "profile": profile,
                "run_id": run_id,
                "kind": kind,
                **period_parameters(period),
                "now": now,
            },
        )
        (exchange_id,) = single_row(connection.execute(statement("exchanges", "of_run"), [run_id]))
    return int(exchange_id)


def end_exchange(
    connection: duckdb.DuckDBPyConnection,
    exchange_id: int,
    counts: ExchangeCounts,
    *,
    error: Message | None,
    forgotten_listings: Sequence[str] = (),
    now: datetime,
) -> None:
    """Completes the row of an exchange: it has succeeded, or failed with an error.

    The pages of its listings are forgotten in the same transaction. Until then another attempt continues from them:
    an exchange that dies while it derives has already requested everything. A retried run reads its orders again, so
    those counts are replaced; the cards that an earlier attempt created and its requests stay counted.

    Args:
        connection: A connection for writing.
        exchange_id: The exchange.
        counts: What its finished stages did.
        error: Why it failed; None when it succeeded.
        forgotten_listings: Listings whose pages are forgotten.
        now: Time of its end.
    """
    with transaction(connection):
        connection.execute(
            statement("exchanges", "end").format(counts=", ".join(map(_assignment, COUNTS))),
            asdict(counts)
            | {
                "exchange_id": exchange_id,
                "status": "succeeded" if error is None else "failed",
                **error_columns(error),
                "now": now,
            },
        )
        if forgotten_listings:
            connection.execute(statement("raw", "forget_pages"), {"listings": list(forgotten_listings)})


def add_requests(connection: duckdb.DuckDBPyConnection, exchange_id: int, requests: int) -> None:
    """Adds requests that a running exchange has made to its row."""
    connection.execute(
        statement("exchanges", "add_requests"), {"exchange_id": exchange_id, "requests": requests}
    )


def set_watermark(connection: duckdb.DuckDBPyConnection, exchange_id: int, watermark: datetime) -> None:
    """Records the updated_at up to which this exchange has stored changes; it counts once the exchange succeeds."""
    connection.execute(
        statement("exchanges", "set_watermark"), {"exchange_id": exchange_id, "watermark": watermark}
    )


def newest_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The updated_at up to which changes are safely stored; None if no changes sync has succeeded yet."""
    row = connection.execute(statement("exchanges", "newest_watermark")).fetchone()
    return row[0] if row else None


def is_anything_loaded(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is a stored order, or a day that was loaded and had none."""
    row = connection.execute(statement("exchanges", "is_anything_loaded")).fetchone()
    return row is not None and bool(row[0])


def _exchange(
    connection: duckdb.DuckDBPyConnection, name: str, values: Sequence[Any] = ()
) -> Exchange | None:
    query = statement("exchanges", name).format(columns=", ".join(_COLUMNS))
    row = connection.execute(query, list(values)).fetchone()
    return Exchange(**dict(zip(_COLUMNS, row, strict=True))) if row else None


def read_exchange(connection: duckdb.DuckDBPyConnection, exchange_id: int) -> Exchange | None:
    """One exchange of the log."""
    return _exchange(connection, "exchange", [exchange_id])


def exchange_of_run(connection: duckdb.DuckDBPyConnection, run_id: str) -> Exchange | None:
    """The exchange that a Dagster run wrote; None if the run did not get that far."""
    row = connection.execute(statement("exchanges", "of_run"), [run_id]).fetchone()
    return read_exchange(connection, row[0]) if row else None


def last_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange (F28)."""
    return _exchange(connection, "last_exchange")


def last_ended_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange that is no longer running, however it ended."""
    return _exchange(connection, "last_ended")


def last_succeeded_exchange(connection: duckdb.DuckDBPyConnection) -> Exchange | None:
    """The newest exchange that succeeded."""
    return _exchange(connection, "last_succeeded")


def review_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """What needs attention, by kind."""
    return dict(connection.execute(statement("exchanges", "review_counts")).fetchall())


def rejected_count(connection: duckdb.DuckDBPyConnection) -> int:
    """Orders on the list of rejected records."""
    row = connection.execute(statement("exchanges", "rejected_count")).fetchone()
    return int(row[0]) if row else 0
