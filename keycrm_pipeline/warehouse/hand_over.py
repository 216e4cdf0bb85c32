"""The ledger of handed-over documents: what the accountant has, what differs from it now, and what is handed over.

How two versions of a document differ is a rule (`accounting.hand_over`), and how it is written belongs to `exports`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.kinds import HANDED_OVER_KINDS, DecidingDay, HandedOverKind
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb

_FIRST_AFTER_ALL = 2**62
"""A number that no hand-over has: everything was before it."""


@dataclass(frozen=True)
class HandOverRequest:
    """What an export was asked for; the same request on the same books gives the same files.

    Attributes:
        period: The local days.
        export_format: The format: each accounting system has its own documents.
        organisation: Only the orders of this legal entity; an empty text for all orders.
        decided_by: Whose day decides whether an order belongs to the period.
        stages: Only orders in these stages; empty for all.
        since_last: Whether only new and changed documents are written.
        is_for_some: Whether the stages stand in place of the profile's: documents in other ones are not asked about.
    """

    period: Period
    export_format: str
    organisation: str
    decided_by: DecidingDay
    stages: tuple[str, ...]
    since_last: bool
    is_for_some: bool = False

    @property
    def parameters(self) -> dict[str, Any]:
        """All of it, for a query."""
        return {
            **period_parameters(self.period),
            **self.ledger,
            "decided_by": self.decided_by,
            "stages": list(self.stages),
            "since_last": self.since_last,
        }

    @property
    def ledger(self) -> dict[str, str]:
        """Whose documents these are, for a query."""
        return {"format": self.export_format, "organisation": self.organisation}


@dataclass(frozen=True)
class ComparedDocument:
    """One document that is not as it was handed over.

    Attributes:
        order_id: Its number.
        order_day: Its local day now.
        state: `new`, `changed` or `withdrawn`: it was handed over and is exported no longer.
        cause: Why it is withdrawn: a cause that holds orders back, `other_days` or `other_organisation`.
        decides_on: The local day that puts it into the period.
        content_before: The document as it was in a file last, as JSON; None if it never was.
        content_after: The document now.
        content_hash: SHA-256 of the latter.
        handed_over_at: When it was last handed over, timezone-aware.
        file: The first of the files it was in.
    """

    order_id: int
    order_day: date
    state: str
    cause: str | None
    decides_on: date
    content_before: str | None
    content_after: str
    content_hash: str
    handed_over_at: datetime | None
    file: str | None


@dataclass(frozen=True)
class ClosedChange:
    """One document of the closed period that is not as it was when the period was closed.

    Attributes:
        order_id: Its number.
        order_day: Its local day in the closed period.
        content_before: The document as the accountant was last told of it, else as it was before its first change, as
            JSON; None if there was no such document.
        content_after: The document now.
        content_hash: SHA-256 of the latter.
        changed_at: When it was first changed after its period was closed, timezone-aware.
        handed_over_at: When the accountant was last told of it.
        file: The first of the files that did.
    """

    order_id: int
    order_day: date
    content_before: str | None
    content_after: str
    content_hash: str
    changed_at: datetime
    handed_over_at: datetime | None
    file: str | None


@dataclass(frozen=True)
class Comparison:
    """The documents of a request beside the ledger.

    Attributes:
        documents: Those that differ, by day and number.
        closed: Documents of the closed period that differ, by day and number.
        exportable: How many documents can be exported, differing or not.
        newest: Number of the newest hand-over that any of them stands in; 0 for none.
    """

    documents: tuple[ComparedDocument, ...]
    closed: tuple[ClosedChange, ...]
    exportable: int
    newest: int


@dataclass(frozen=True)
class EarlierHandOver:
    """A hand-over of the same request."""

    hand_over_id: int
    handed_over_at: datetime


@dataclass(frozen=True)
class HandedOverDocument:
    """A row of the ledger to write."""

    order_id: int
    kind: HandedOverKind
    decides_on: date
    content_hash: str
    content: str


def _read_contents(connection: duckdb.DuckDBPyConnection, contents: str, orders: str) -> None:
    connection.execute(statement("hand_over", "contents").format(contents=contents, orders=orders))


def compare_with_ledger(
    connection: duckdb.DuckDBPyConnection,
    request: HandOverRequest,
    *,
    closed_until: date | None,
    before: int | None = None,
) -> Comparison:
    """Compares the documents that `choose_documents` has chosen with what was handed over.

    Args:
        connection: An open connection; reading is enough.
        request: What the export was asked for.
        closed_until: Last day of the closed period; None if none is closed.
        before: Compare with the ledger as it was before this hand-over; None for the ledger of today.
    """
    ledger = request.ledger | {"before": _FIRST_AFTER_ALL if before is None else before}
    for target, kinds in (("handed_over", ("document", "withdrawn")), ("told", HANDED_OVER_KINDS)):
        connection.execute(
            statement("hand_over", "handed_over").format(target=target, kinds=" or ".join(kinds)),
            ledger | {"kinds": list(kinds)},
        )
    connection.execute(
        statement("hand_over", "scope"),
        period_parameters(request.period)
        | {
            "organisation": request.organisation,
            "decided_by": request.decided_by,
            "asked_stages": list(request.stages) if request.is_for_some else None,
        },
    )
    _read_contents(connection, "current_contents", "scope_orders")
    documents = typed_rows(ComparedDocument, connection.execute(statement("hand_over", "compared")))
    exportable, newest = single_row(connection.execute(statement("hand_over", "scope_state")))
    closed: list[ClosedChange] = []
    if closed_until is not None:
        _choose_closed(connection, closed_until)
        closed = _closed_changes(connection, request.organisation)
        (told,) = single_row(connection.execute(statement("hand_over", "closed_state")))
        newest = max(newest, told)
    return Comparison(tuple(documents), tuple(closed), exportable, newest)


def closed_changes_not_exported(
    connection: duckdb.DuckDBPyConnection, closed_until: date
) -> list[ClosedChange]:
    """Documents of the closed period that are not as the newest export of any format has them, by day and number.

    Args:
        connection: An open connection; reading is enough.
        closed_until: Last day of the closed period.
    """
    _choose_closed(connection, closed_until)
    connection.execute(statement("hand_over", "told_by_any_export"))
    return _closed_changes(connection, "")


def _choose_closed(connection: duckdb.DuckDBPyConnection, closed_until: date) -> None:
    connection.execute(statement("hand_over", "closed_orders"), {"closed_until": closed_until})
    _read_contents(connection, "closed_contents", "closed_orders")


def _closed_changes(connection: duckdb.DuckDBPyConnection, organisation: str) -> list[ClosedChange]:
    found = connection.execute(statement("hand_over", "closed_changes"), {"organisation": organisation})
    return typed_rows(ClosedChange, found)


def earlier_hand_over(
    connection: duckdb.DuckDBPyConnection, request: HandOverRequest
) -> EarlierHandOver | None:
    """The newest hand-over of the same request; None if there is none."""
    found = typed_rows(
        EarlierHandOver,
        connection.execute(statement("hand_over", "same_request"), request.parameters),
    )
    return found[0] if found else None


def next_number(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of the hand-over that comes next."""
    (number,) = single_row(connection.execute(statement("hand_over", "next_number")))
    return int(number)


def record_hand_over(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    request: HandOverRequest,
    documents: Iterable[HandedOverDocument],
    files: Sequence[str],
    *,
    now: datetime,
) -> None:
    """Writes a hand-over and the documents whose content it is the first to contain; call it inside a transaction.

    Args:
        connection: A connection that may write.
        number: Its number.
        request: What was asked for.
        documents: Documents that differ from the ledger.
        files: Names of the files.
        now: Time of the export, timezone-aware.
    """
    # `status` reads what changed in the closed period from this module, and must answer at once.
    import polars as pl

    from keycrm_pipeline.warehouse.frames import registered

    connection.execute(
        statement("hand_over", "record_hand_over"),
        request.parameters | {"hand_over_id": number, "files": list(files), "now": now},
    )
    rows = [(one.order_id, one.kind, one.decides_on, one.content_hash, one.content) for one in documents]
    schema = {
        "order_id": pl.Int64,
        "kind": pl.String,
        "decides_on": pl.Date,
        "content_hash": pl.String,
        "content": pl.String,
    }
    with registered(connection, "documents_to_record", pl.DataFrame(rows, schema=schema, orient="row")):
        connection.execute(statement("hand_over", "record_documents"), {"hand_over_id": number})


def keep_closed_documents(
    connection: duckdb.DuckDBPyConnection, closed_until: date, *, now: datetime
) -> None:
    """Keeps documents of the closed period as they are before this batch changes them for the first time.

    Args:
        connection: Inside the transaction that replaces documents, before anything is deleted.
        closed_until: Last day of the closed period.
        now: Time of the exchange, timezone-aware.
    """
    _keep_closed(connection, "closed_before_change", closed_until, now)


def keep_closed_before_money_moves(
    connection: duckdb.DuckDBPyConnection, closed_until: date, *, now: datetime
) -> None:
    """The same of documents whose payments get another day from the money of a new reconciliation.

    Args:
        connection: Inside the transaction that replaces its lines, with the new ones staged.
        closed_until: Last day of the closed period.
        now: Time of the exchange, timezone-aware.
    """
    _keep_closed(connection, "closed_before_money_moves", closed_until, now)


def _keep_closed(
    connection: duckdb.DuckDBPyConnection, choice: str, closed_until: date, now: datetime
) -> None:
    connection.execute(statement("hand_over", choice), {"closed_until": closed_until})
    (changing,) = single_row(connection.execute("SELECT count(*) FROM closing_orders"))
    if changing:
        _read_contents(connection, "closing_contents", "closing_orders")
        connection.execute(statement("hand_over", "keep_closed"), {"now": now})
