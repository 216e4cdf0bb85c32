"""What an export hands over: what is new, changed or no longer exported, and what changed in the closed period.

An export that is repeated although nothing changed compares with the ledger as it was before the first time, so that
its files are the same. What is not here: how two versions of a document differ (`accounting.hand_over`), SQL
(`warehouse.hand_over`), and how a file is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.accounting.hand_over import HEADER, PRESENCE, FieldChange, document_changes
from keycrm_pipeline.export_tables import TABLES
from keycrm_pipeline.kinds import (
    ORDER_PAYMENT_STATE_NAMES,
    PAYMENT_KIND_NAMES,
    PAYMENT_STATE_NAMES,
    RECEIPT_ISSUER_NAMES,
    SERVICE_LINE_NAMES,
)
from keycrm_pipeline.language import Language
from keycrm_pipeline.warehouse.hand_over import (
    ClosedChange,
    ComparedDocument,
    Comparison,
    HandedOverDocument,
    HandOverRequest,
    compare_with_ledger,
    earlier_hand_over,
    next_number,
)
from keycrm_pipeline.words import WordSet, in_words_of

if TYPE_CHECKING:
    import duckdb

_EXPORTED = "is_exported"
_FIELD_NAMES: Final[Mapping[tuple[str, str], str]] = {
    **{(table.name, column.name): column.header for table in TABLES for column in table.columns},
    (HEADER, "missing_in_crm"): "Зникло з KeyCRM",
    (HEADER, "payment_status"): "Стан оплати",
    ("order_payments", "status"): "Стан",
    (HEADER, _EXPORTED): "Вивантажується",
    ("order_services", "kind"): "Вид",
    ("order_payments", "name"): "Спосіб оплати",
    ("order_payments", "method_kind"): "Вид оплати",
    ("order_payments", "receipt"): "Чек видає",
    ("order_lines", PRESENCE): "Увесь рядок",
    ("order_services", PRESENCE): "Увесь рядок",
    ("order_payments", PRESENCE): "Уся оплата",
}
_PART_NAMES: Final = {table.name: table.title for table in TABLES}
_VALUE_NAMES: Final[Mapping[tuple[str, str], Mapping[str, str]]] = {
    (HEADER, "payment_status"): ORDER_PAYMENT_STATE_NAMES,
    ("order_payments", "status"): PAYMENT_STATE_NAMES,
    ("order_payments", "method_kind"): PAYMENT_KIND_NAMES,
    ("order_payments", "receipt"): RECEIPT_ISSUER_NAMES,
    ("order_services", "kind"): SERVICE_LINE_NAMES,
}
_YES_AND_NO: Final[Mapping[Language, tuple[str, str]]] = {"uk": ("так", "ні"), "en": ("yes", "no")}
_NUMBERS: Final = frozenset(
    {"goods_total", "services_total", "discount_total", "grand_total", "paid_total"}
    | {"amount", "discount", "price", "quantity", PRESENCE}
)
_INSTANTS: Final = frozenset({"ordered_at", "paid_at"})
_AS_POSTED: Final = ("is_expense", "status", "amount", "currency", "account", "paid_at")
"""What a payment is in the books of whoever posts it: a receipt that came later is no change of it."""
_DAYS: Final = frozenset({"order_day", "shipped_on"})
_KOPIYKA: Final = Decimal("0.01")
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

_Changed = tuple[ComparedDocument, list[FieldChange]]
_ChangedClosed = tuple[ClosedChange, list[FieldChange]]


@dataclass(frozen=True)
class DocumentDifference:
    """One document of an export that is not as it was handed over.

    Attributes:
        order_id: Its number.
        state: `new`, `changed` or `withdrawn`.
        cause: Why it is withdrawn.
    """

    order_id: int
    state: str
    cause: str | None


@dataclass(frozen=True)
class HandOver:
    """What an export hands over.

    Attributes:
        number: Number of the hand-over; of the first one, if it is repeated.
        repeated_at: When it was first made; None if it is not repeated.
        exported: The orders that are new or changed.
        differences: What differs from the ledger of today; nothing if it is repeated.
        unchanged: How many documents are as they were handed over.
        corrections: How many documents of the closed period the accountant is told of for the first time.
        to_record: Rows for the ledger.
        changed: Changes after an earlier hand-over, with the document.
        returned: Documents that were withdrawn and are handed over again.
        closed: Changes in the closed period, with the document.
    """

    number: int
    repeated_at: datetime | None
    exported: tuple[int, ...]
    differences: tuple[DocumentDifference, ...]
    unchanged: int
    corrections: int
    to_record: tuple[HandedOverDocument, ...]
    changed: tuple[_Changed, ...]
    returned: tuple[ComparedDocument, ...]
    closed: tuple[_ChangedClosed, ...]

    def count(self, state: str) -> int:
        """How many documents are `new`, `changed` or `withdrawn` beside the ledger of today."""
        return sum(one.state == state for one in self.differences)

    def orders_handed_over_with_a_discount(self) -> frozenset[int]:
        """Documents whose lines and services together were sold above or below their list prices before."""
        known = (*(one for one, _ in self.changed), *self.returned)
        return frozenset(one.order_id for one in known if _reduction(one.content_before))

    def payments_as_handed_over(self) -> frozenset[tuple[int, int]]:
        """Order and id of payments of changed documents that are as they were handed over, from the same buyer."""
        return frozenset(
            (one.order_id, int(payment["key"]))
            for one, _ in self.changed
            for payment in _same_payments(one.content_before, one.content_after)
        )


@dataclass(frozen=True)
class _Confirmed:
    documents: tuple[_Changed, ...]
    closed: tuple[_ChangedClosed, ...]
    exportable: int
    newest: int


def _changes(before: str | None, after: str) -> list[FieldChange]:
    return document_changes(None if before is None else json.loads(before), json.loads(after))


def _reduction(content: str | None) -> Decimal:
    parts = json.loads(content or "{}")
    return sum(
        (
            (Decimal(entry["price"]) * Decimal(entry["quantity"])).quantize(_KOPIYKA, ROUND_HALF_UP)
            - Decimal(entry["amount"])
            for part in ("order_lines", "order_services")
            for entry in parts.get(part, ())
        ),
        Decimal(0),
    )


def _same_payments(before: str | None, after: str) -> list[dict[str, Any]]:
    was, now = json.loads(before or "{}"), json.loads(after)
    if not was or any(was[HEADER][name] != now[HEADER][name] for name in ("partner_id", "order_day")):
        return []
    earlier = {payment["key"]: payment for payment in was["order_payments"]}
    return [
        payment
        for payment in now["order_payments"]
        if (old := earlier.get(payment["key"])) is not None
        and all(old.get(name) == payment[name] for name in _AS_POSTED)
    ]


def _confirmed(found: Comparison) -> _Confirmed:
    """Without documents whose text differs and whose fields do not: an older program wrote them."""
    documents = tuple(
        (one, changes)
        for one in found.documents
        if (changes := [] if one.state == "new" else _changes(one.content_before, one.content_after))
        or one.state != "changed"
    )
    closed = tuple(
        (one, changes) for one in found.closed if (changes := _changes(one.content_before, one.content_after))
    )
    return _Confirmed(documents, closed, found.exportable, found.newest)


def find_hand_over(
    connection: duckdb.DuckDBPyConnection, request: HandOverRequest, *, closed_until: date | None
) -> HandOver:
    """What an export of the chosen documents hands over; call `choose_documents` first.

    Args:
        connection: An open connection; reading is enough.
        request: What the export was asked for.
        closed_until: Last day of the closed period; None if none is closed.
    """
    today = _confirmed(compare_with_ledger(connection, request, closed_until=closed_until))
    earlier = earlier_hand_over(connection, request)
    is_repeated = (
        earlier is not None and not (today.documents or today.closed) and today.newest <= earlier.hand_over_id
    )
    shown = today
    if earlier is not None and is_repeated:
        shown = _confirmed(
            compare_with_ledger(connection, request, closed_until=closed_until, before=earlier.hand_over_id)
        )
    exported = tuple(one.order_id for one, _ in shown.documents if one.state != "withdrawn")
    differing = {one.order_id for one, _ in today.documents}
    corrections = [one for one, _ in today.closed if one.order_id not in differing]
    return HandOver(
        number=earlier.hand_over_id if earlier is not None and is_repeated else next_number(connection),
        repeated_at=earlier.handed_over_at if earlier is not None and is_repeated else None,
        exported=exported,
        differences=tuple(
            DocumentDifference(one.order_id, one.state, one.cause) for one, _ in today.documents
        ),
        unchanged=today.exportable - sum(one.state != "withdrawn" for one, _ in today.documents),
        corrections=len(today.closed),
        to_record=(
            *(
                HandedOverDocument(
                    one.order_id,
                    "withdrawn" if one.state == "withdrawn" else "document",
                    one.decides_on,
                    one.content_hash,
                    one.content_after,
                )
                for one, _ in today.documents
            ),
            *(
                HandedOverDocument(
                    one.order_id, "correction", one.order_day, one.content_hash, one.content_after
                )
                for one in corrections
            ),
        ),
        changed=tuple(pair for pair in shown.documents if pair[0].state != "new"),
        returned=tuple(
            one for one, _ in shown.documents if one.state == "new" and one.content_before is not None
        ),
        closed=shown.closed,
    )


@dataclass(frozen=True)
class WrittenChange:
    """One changed field as people read it; `name` is that of the line, service or payment."""

    part: str
    name: str | None
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ChangeWriter:
    """Writes changes as rows for people.

    In English, fields have the names of their columns and values their codes, as docs/tables.md has them.

    Attributes:
        zone: Time zone in which instants are shown.
        words: Whose words names use.
        causes: Cause -> why an order is not exported.
    """

    zone: ZoneInfo
    words: WordSet
    causes: Mapping[str, str]
    language: Language = "uk"

    def changed_after_export(self, changed: Iterable[_Changed]) -> pl.DataFrame:
        """The rows of the table `changed_after_export`."""
        rows: list[dict[str, Any]] = []
        for one, changes in changed:
            known = {"handed_over_at": one.handed_over_at, "file": one.file}
            if one.state == "withdrawn":
                reason = self.causes[one.cause or ""]
                rows.append(
                    self._row(one, FieldChange(HEADER, None, _EXPORTED, True, reason, None, "")) | known
                )
            rows += [self._row(one, change) | known for change in changes]
        return self._frame("changed_after_export", rows)

    def closed_period_changes(self, closed: Iterable[_ChangedClosed]) -> pl.DataFrame:
        """The rows of the table `closed_period_changes`."""
        rows = [
            self._row(one, change)
            | {"changed_at": one.changed_at, "handed_over_at": one.handed_over_at, "file": one.file}
            for one, changes in closed
            for change in changes
        ]
        return self._frame("closed_period_changes", rows)

    def written(self, change: FieldChange) -> WrittenChange:
        """One change in words."""
        if self.language == "uk":
            part = in_words_of(self.words, _PART_NAMES[change.part])
            field = in_words_of(self.words, _FIELD_NAMES[change.part, change.field])
        else:
            whole = {PRESENCE: "the whole line"}.get(change.field, change.field)
            part, field = (text.replace("_", " ") for text in (change.part, whole))
        return WrittenChange(
            part,
            change.name,
            field,
            self._written(change, change.before),
            self._written(change, change.after),
        )

    def _row(self, one: ComparedDocument | ClosedChange, change: FieldChange) -> dict[str, Any]:
        shown = self.written(change)
        return {
            "order_id": one.order_id,
            "order_day": one.order_day,
            "part": change.part,
            "part_name": shown.part,
            "name": change.name,
            "field": change.field,
            "field_name": shown.field,
            "before": shown.before,
            "after": shown.after,
            "difference": change.difference,
            "currency": change.currency if change.difference is not None else None,
        }

    def _written(self, change: FieldChange, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, bool):
            return _YES_AND_NO[self.language][not value]
        if change.field in _NUMBERS:
            return str(value).replace(".", ",") if self.language == "uk" else str(value)
        if change.field in _INSTANTS:
            instant = _BEGINNING + timedelta(microseconds=value)
            return f"{instant.astimezone(self.zone):%d.%m.%Y %H:%M}"
        if change.field in _DAYS:
            return f"{date.fromisoformat(value):%d.%m.%Y}"
        names = _VALUE_NAMES.get((change.part, change.field), {}) if self.language == "uk" else {}
        return names.get(str(value), str(value))

    @staticmethod
    def _frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        (found,) = (one for one in TABLES if one.name == table)
        types: dict[str, pl.DataType] = {
            "order_id": pl.Int64(),
            "order_day": pl.Date(),
            "difference": pl.Decimal(18, 2),
            "handed_over_at": pl.Datetime("us", "UTC"),
            "changed_at": pl.Datetime("us", "UTC"),
        }
        schema = {column.name: types.get(column.name, pl.String()) for column in found.columns}
        return pl.DataFrame(
            [{name: _exact(row[name]) for name in schema} for row in rows], schema=schema, orient="row"
        )


def _exact(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value
