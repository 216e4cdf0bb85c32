"""How a document differs from what the accountant was given: field by field, before and after.

Pure functions over the contents of two documents, as `warehouse.hand_over` reads them: a header (`orders`) and the
lists `order_lines`, `order_services` and `order_payments`, whose entries have a `key` that stays the same when they
change places. Sums and quantities are decimals written as text, instants are microseconds since 1970 in UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

HEADER = "orders"
PARTS = ("order_lines", "order_services", "order_payments")
PRESENCE = "presence"
"""Field of a part that was added or removed as a whole: its value is its amount."""

_SUMS = frozenset(
    {
        "goods_total",
        "services_total",
        "discount_total",
        "grand_total",
        "paid_total",
        "amount",
        "discount",
        PRESENCE,
    }
)

Content = Mapping[str, Any]


@dataclass(frozen=True)
class FieldChange:
    """One field of a document that is not as it was.

    Attributes:
        part: `orders` for the header, else the table of the line, service or payment.
        name: Name of the line, service or payment; None for the header.
        field: The column; `PRESENCE` if the whole line, service or payment came or went.
        before: Its value before; None if it was empty, or not there.
        after: Its value now.
        difference: How much more it is now; None for what is no sum, or a sum in another currency.
        currency: Currency of the difference: that of the document, or of the payment.
    """

    part: str
    name: str | None
    field: str
    before: Any
    after: Any
    difference: Decimal | None
    currency: str


def document_changes(before: Content | None, after: Content) -> list[FieldChange]:
    """The fields that differ: of the header first, then of lines, services and payments.

    A field that only one of the two versions knows is not compared: an older program did not write it, and an update of
    the program is no change of a document. A new document has one change, its total.

    Args:
        before: The document as it was; None if there was none.
        after: The document now.
    """
    header = after[HEADER]
    currency = header["currency"]
    if before is None:
        total = header["grand_total"]
        return [FieldChange(HEADER, None, "grand_total", None, total, Decimal(total), currency)]
    currencies = before[HEADER].get("currency", currency), currency
    changes = list(_field_changes(HEADER, None, before[HEADER], header, currencies))
    for part in PARTS:
        changes += _entry_changes(part, before.get(part, ()), after.get(part, ()), currencies)
    return changes


def _field_changes(
    part: str,
    name: str | None,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    currencies: tuple[str, str],
) -> Iterator[FieldChange]:
    """The fields that differ; `currencies` are those before and after, and sums in two are no difference."""
    was, currency = currencies
    for field, now in after.items():
        if field == "key" or field not in before or before[field] == now:
            continue
        is_sum = field in _SUMS and was == currency
        difference = Decimal(now or 0) - Decimal(before[field] or 0) if is_sum else None
        yield FieldChange(part, name, field, before[field], now, difference, currency)


def _by_key(entries: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Entries by their key and, should two have the same one, by which of them it is."""
    found: dict[tuple[str, int], Mapping[str, Any]] = {}
    for entry in entries:
        number = 0
        while (entry["key"], number) in found:
            number += 1
        found[entry["key"], number] = entry
    return found


def _entry_changes(
    part: str,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    currencies: tuple[str, str],
) -> list[FieldChange]:
    was, currency = currencies
    earlier, now = _by_key(before), _by_key(after)
    changes: list[FieldChange] = []
    for key in {**earlier, **now}:
        old, new = earlier.get(key), now.get(key)
        if old is not None and new is not None:
            own = old.get("currency", was), new.get("currency", currency)
            changes += _field_changes(part, new["name"], old, new, own)
            continue
        entry, sign = (new, 1) if new is not None else (old or {}, -1)
        amount = entry["amount"]
        changes.append(
            FieldChange(
                part,
                entry["name"],
                PRESENCE,
                amount if new is None else None,
                amount if new is not None else None,
                sign * Decimal(amount),
                entry.get("currency", was if new is None else currency),
            )
        )
    return changes
