"""Whether the parts of an order have the shape that KeyCRM gives them: nothing is taken for nothing (R10).

A part is a list, an object or a text. One that comes in another shape is read where its meaning is certain, and so
mended; otherwise it is reported, because an order without its payments, address or offers looks like a good one. What
single values mean is in `values`.

| Part | Comes as | Is read as |
|---|---|---|
| an object | `null`, blanks, `[]`, `{}` | none |
| an object | anything else without the keys of that object | reported |
| a list | an object with numbers as keys, as PHP sends a list with a gap | the list, in order of the numbers |
| a list | `null`, a text, a number, any other object | reported |
| options (`properties`) | absent, `null`, blanks, `[]`, `{}` | none |
| options | `{"Колір": "Синій"}` | `[{"name": "Колір", "value": "Синій"}]` |
| options | anything else, or with a member that is no option | reported |
| a phone | a list of texts or numbers | all of them in one text: the first valid one counts (R3) |
| an e-mail | a list of texts | the first that is an address, else the first |
| another text | a list or an object that is not empty | reported |
| a part that was requested with an include | absent | reported |

A row of a reference list or of the catalogue that lacks what its stored version has is no news: `takes_away`.

Only parts on which the books depend are looked at, so tags, marks of marketing, assigned users and custom fields may
come in any shape, or not at all: what cannot be read of them is none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from keycrm_pipeline.crm.values import text

Fields = dict[str, Any]

_ORDER_TEXTS: Final = ("source_uuid", "payment_status", "buyer_comment", "client_comment", "manager_comment")
_STATUS_TEXTS: Final = ("name", "alias")
_SHIPPING_TEXTS: Final = (
    "tracking_code",
    "shipping_status",
    "shipping_address_country",
    "shipping_address_country_code",
    "shipping_address_region",
    "shipping_address_city",
    "shipping_address_zip",
    "shipping_receive_point",
    "shipping_address",
    "shipping_secondary_line",
    "recipient_full_name",
    "recipient_phone",
    "was_shipped",
)
_LINE_TEXTS: Final = ("sku", "name", "unit_type", "stock_status")
_OFFER_TEXTS: Final = ("sku", "barcode")
_PAYMENT_VALUES: Final = ("source_currency", "actual_currency", "status", "is_expense")


class Defect(Enum):
    """What is the matter with a part of an order."""

    ABSENT = "absent"
    NO_OBJECT = "no object"
    NO_LIST = "no list"
    NO_VALUE = "no single value"


@dataclass(frozen=True, slots=True)
class UnreadablePart:
    """A part of an order that cannot be read for certain.

    Attributes:
        name: Where it is, such as `payments` or `products[2].offer`; the first of a list is number 1.
        defect: What is the matter.
    """

    name: str
    defect: Defect


@dataclass(frozen=True, slots=True)
class OrderShape:
    """An order whose parts have the shape that KeyCRM gives them.

    Attributes:
        payload: The order's JSON text with its parts mended; None if it needs no mending. What cannot be read is
            empty in it, and numbers may be texts.
        unreadable: The parts that cannot be read. If there are any, the order must not be booked.
    """

    payload: str | None
    unreadable: tuple[UnreadablePart, ...]


def read_shape(payload: str) -> OrderShape:
    """Reads the parts of an order (R10).

    Args:
        payload: The order's JSON text. A text that is no JSON object is left to those who read it next.
    """
    try:
        # Numbers as their texts: every field is read as text later, and no digit may be lost on the way.
        order = json.loads(payload, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return OrderShape(None, ())
    if not isinstance(order, dict):
        return OrderShape(None, ())
    parts = _Parts()
    parts.read_order(order)
    mended = json.dumps(order, ensure_ascii=False) if parts.is_mended else None
    return OrderShape(mended, tuple(parts.unreadable))


def takes_away(fresh: Mapping[str, Any], stored: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether a row of a list says less than its stored version: one of these keys is absent, or has another shape.

    Null is an answer, and no loss.

    Args:
        fresh: The row as it came now.
        stored: The row as it is stored.
        keys: The keys that the books use.
    """
    return any(_says(stored, key) and not _says(fresh, key) for key in keys)


def is_whole_row(row: Mapping[str, Any], keys: Sequence[str]) -> bool:
    """Whether a row of a list says something under each of these keys, so that it cannot take anything away."""
    return all(_says(row, key) for key in keys)


def _says(row: Mapping[str, Any], key: str) -> bool:
    if key == "properties":
        return key in row and read_options(row[key]) is not None
    return key in row and not isinstance(row[key], dict | list)


def read_options(found: Any) -> list[Any] | None:
    """The options (`properties`) of a line or an offer as a list of objects; None if they cannot be read."""
    if text(found) is None:
        return []
    listed = found if isinstance(found, list) else _options_of(found)
    return listed if listed is not None and all(map(_is_option, listed)) else None


class _Parts:
    """Reads the parts of one order, mends them in place, and collects those that cannot be read."""

    def __init__(self) -> None:
        self.unreadable: list[UnreadablePart] = []
        self.is_mended = False

    def read_order(self, order: Fields) -> None:
        self._texts(order, "", _ORDER_TEXTS)
        buyer = self._object(order, "", "buyer", ("id",))
        self._texts(buyer, "buyer.", ("full_name",))
        self._contact(buyer, "phone")
        self._contact(buyer, "email")
        self._object(order, "", "manager", ("id",))
        self._texts(self._object(order, "", "status", ("id",)), "status.", _STATUS_TEXTS)
        self._shipping(order)
        # Without its list of lines an order is rejected anyway, in words of its own.
        lines = [] if order.get("products") is None else self._objects(order, "products")
        for place, line in lines:
            self._texts(line, place, _LINE_TEXTS)
            self._options(line, place)
            offer = self._object(line, place, "offer", ("id",))
            self._texts(offer, f"{place}offer.", _OFFER_TEXTS)
            self._options(offer, f"{place}offer.")
        for key in ("payments", "expenses"):
            for place, payment in self._objects(order, key):
                self._texts(payment, place, _PAYMENT_VALUES)

    def _report(self, name: str, defect: Defect) -> None:
        self.unreadable.append(UnreadablePart(name, defect))

    def _mend(self, parent: Fields, key: str, value: Any) -> None:
        parent[key] = value
        self.is_mended = True

    def _object(self, parent: Fields, place: str, key: str, known_by: Sequence[str]) -> Fields:
        """An object with at least one of the keys in `known_by`; empty for none."""
        if key not in parent:
            self._report(f"{place}{key}", Defect.ABSENT)
            return {}
        found = parent[key]
        if isinstance(found, dict) and any(name in found for name in known_by):
            return found
        if found is not None:
            if text(found) is not None:
                self._report(f"{place}{key}", Defect.NO_OBJECT)
            self._mend(parent, key, None)
        return {}

    def _objects(self, parent: Fields, key: str) -> list[tuple[str, Fields]]:
        """The members of a list that are objects, each with its place; the others are left to the checks of rows."""
        if key not in parent:
            self._report(key, Defect.ABSENT)
            return []
        listed = parent[key]
        if not isinstance(listed, list):
            listed = _numbered(listed)
            if listed is None:
                self._report(key, Defect.NO_LIST)
            self._mend(parent, key, listed or [])
        return [
            (f"{key}[{number}].", member)
            for number, member in enumerate(listed or (), start=1)
            if isinstance(member, dict)
        ]

    def _shipping(self, order: Fields) -> None:
        shipping = self._object(
            order, "", "shipping", (*_SHIPPING_TEXTS, "delivery_service", "delivery_service_id")
        )
        self._texts(shipping, "shipping.", _SHIPPING_TEXTS)
        # An address without a delivery service need not name one.
        if "delivery_service" in shipping or text(shipping.get("delivery_service_id")) is not None:
            service = self._object(shipping, "shipping.", "delivery_service", ("name",))
            self._texts(service, "shipping.delivery_service.", ("name",))

    def _options(self, parent: Fields, place: str) -> None:
        found = parent.get("properties")
        listed = read_options(found)
        if listed is None:
            self._report(f"{place}properties", Defect.NO_LIST)
        if text(found) is not None and listed is not found:
            self._mend(parent, "properties", listed or [])

    def _contact(self, buyer: Fields, key: str) -> None:
        found = buyer.get(key)
        entries = found if isinstance(found, list) else _in_order_of_numbers(found)
        if entries is None:
            self._texts(buyer, "buyer.", (key,))
        elif any(isinstance(entry, dict | list) and entry for entry in entries):
            self._report(f"buyer.{key}", Defect.NO_VALUE)
            self._mend(buyer, key, None)
        else:
            written = [entry for entry in map(text, entries) if entry is not None]
            if key == "email":
                written = [entry for entry in written if "@" in entry][:1] or written[:1]
            self._mend(buyer, key, ", ".join(written) or None)

    def _texts(self, parent: Fields, place: str, keys: Sequence[str]) -> None:
        for key in keys:
            found = parent.get(key)
            if isinstance(found, dict | list) and found:
                self._report(f"{place}{key}", Defect.NO_VALUE)
                self._mend(parent, key, None)


def _in_order_of_numbers(found: Any) -> list[Any] | None:
    """The values of an object with numbers as keys, in order of the numbers; None for anything else."""
    if not isinstance(found, dict) or not found:
        return None
    if not all(key.isascii() and key.isdecimal() and len(key) < 10 for key in found):
        return None
    return [found[key] for key in sorted(found, key=int)]


def _numbered(found: Any) -> list[Any] | None:
    """A list of objects that came as an object with numbers as keys; None for anything else."""
    listed = _in_order_of_numbers(found)
    return listed if listed is not None and all(isinstance(member, dict) for member in listed) else None


def _options_of(found: Any) -> list[Any] | None:
    """A list of options that came as an object; None for anything else."""
    if not isinstance(found, dict):
        return None
    listed = _numbered(found)
    if listed is not None:
        return listed
    are_names = _in_order_of_numbers(found) is None and not {"name", "value"} & found.keys()
    if not are_names or any(isinstance(value, dict | list) and value for value in found.values()):
        return None
    return [{"name": name, "value": value} for name, value in found.items()]


def _is_option(member: Any) -> bool:
    if not member:
        return member is None or isinstance(member, dict | list)
    return (
        isinstance(member, Mapping)
        and ("name" in member or "value" in member)
        and not any(isinstance(member.get(key), dict | list) and member.get(key) for key in ("name", "value"))
    )
