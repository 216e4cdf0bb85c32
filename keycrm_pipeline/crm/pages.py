"""Reads the JSON that KeyCRM answers: the envelope of a list, its rows, the few fields the client needs.

What belongs here: decoding, as tolerant of a single row as it is strict about the envelope. What does not:
the meaning of an order (see `books`), and requests (see `client`).

A row's JSON text is kept as it came: everything later can be derived from it anew, and not decoding it is
twice as fast.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from keycrm_pipeline.crm.errors import UnexpectedAnswer
from keycrm_pipeline.crm.values import parse_instant, whole

PAGE_SIZE: Final = 50
"""Rows a page: the most KeyCRM gives, larger numbers are clamped silently."""

LARGEST_ID: Final = 2**63 - 1
"""The largest id a BIGINT column holds; anything above is no id of KeyCRM's."""

# Whole pairs and other escapes are consumed as they are, so that what is left as `half` has no partner.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class BrokenBody(Exception):  # noqa: N818 - becomes a TransportFailure when it does not go away
    """The body is not JSON: an error page, a text, or JSON that breaks off. Asking again may help."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What has to be remembered of a stored page so that a walk can be resumed.

    Attributes:
        page: Number of the page, from 1.
        total: How many rows the whole list had when the page was answered.
        order_ids: Ids of the page's orders, in the page's order.
    """

    page: int
    total: int
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order of an answer.

    Attributes:
        order_id: KeyCRM's id; None when the row has no readable one, or is no object.
        ordered_at: The business date, in UTC; None when null or unreadable.
        created_at: When KeyCRM made the order, in UTC; None when null or unreadable.
        updated_at: When KeyCRM changed it last, in UTC; None when null or unreadable.
        payload: The order's JSON text exactly as it came.
        status_id: KeyCRM's id of the order's status; None when null or unreadable.
    """

    order_id: int | None
    ordered_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    payload: bytes
    status_id: int | None = None


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders.

    Attributes:
        page: Number of the page, from 1.
        total: How many orders the whole list had when the page was answered.
        rows: The page's orders, in the page's order.
    """

    page: int
    total: int
    rows: tuple[OrderRow, ...]

    @property
    def record(self) -> PageRecord:
        """What to store beside the orders so that a walk can be resumed."""
        order_ids = tuple(row.order_id for row in self.rows if row.order_id is not None)
        return PageRecord(self.page, self.total, order_ids)


@dataclass(frozen=True, slots=True)
class IdPage:
    """One page of order ids.

    Attributes:
        page: Number of the page, from 1.
        total: How many orders the account had when the page was answered.
        order_ids: The readable ids, in the page's order.
    """

    page: int
    total: int
    order_ids: tuple[int, ...]


class CrmRow(dict[str, Any]):
    """One row of a reference list or of the catalogue: its decoded fields, and its JSON text as it came.

    Numbers with a decimal point are `Decimal`, never binary floating point; `json.dumps` does not know them,
    so store `payload`, not the decoded fields.

    Attributes:
        payload: The row's JSON text exactly as it came.
    """

    __slots__ = ("payload",)

    def __init__(self, fields: dict[str, Any], payload: bytes) -> None:
        super().__init__(fields)
        self.payload = payload

    @property
    def row_id(self) -> int | None:
        """KeyCRM's id of the row; None when there is no readable one."""
        return parse_id(self.get("id"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What KeyCRM wraps around the rows of a page.

    Attributes:
        page: Number of the page that was asked for.
        total: How many rows the whole list has.
        page_size: Rows a full page has, as the answer says. When it does not: as many as the first page of a
            longer list brought, else `PAGE_SIZE`.
        rows: JSON text of each row.
    """

    page: int
    total: int
    page_size: int
    rows: tuple[bytes, ...]


class _EnvelopeFields(msgspec.Struct):
    total: Any = None
    per_page: Any = None
    current_page: Any = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _OrderFields(msgspec.Struct):
    id: Any = None
    ordered_at: Any = None
    created_at: Any = None
    updated_at: Any = None
    status_id: Any = None


_ENVELOPE = msgspec.json.Decoder(_EnvelopeFields)
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_ORDER = msgspec.json.Decoder(_OrderFields)
_FIELDS = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_UNREADABLE = (msgspec.DecodeError, RecursionError)
"""What reading a JSON text may raise: it is no JSON, or nested thousands of levels deep."""

_ANYTHING = msgspec.json.Decoder()


def parse_id(value: object) -> int | None:
    """An id of KeyCRM's: a whole number (see `values.whole`) of 1 or more.

    Args:
        value: The value of a field.

    Returns:
        The id; None when the value is no such number.
    """
    number = whole(value)
    return number if number is not None and number > 0 else None


def parse_count(value: object) -> int | None:
    """A whole number of 0 or more, or the same as text; None when the value is none.

    Args:
        value: The value of a field.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str):
        digits = value.strip()
        # More digits than any id has would make `int` slow or refuse.
        if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST_ID)):
            return int(digits)
    return None


def decode_any(body: bytes) -> Any:
    """The JSON value of a body.

    Args:
        body: The body of an answer.

    Raises:
        BrokenBody: The body is not JSON.
    """
    try:
        return _ANYTHING.decode(_text_checked(body))
    except _UNREADABLE:
        raise BrokenBody from None


def decode_envelope(body: bytes, *, route: str, page: int) -> Envelope:
    """The envelope of a list.

    Args:
        body: The body of an answer.
        route: The path that was asked, for messages.
        page: The page that was asked for.

    Raises:
        BrokenBody: The body is not JSON.
        UnexpectedAnswer: It is JSON, but no list of KeyCRM's: `data` or `total` is missing or odd, or it is
            another page than was asked for.
    """
    body = _text_checked(body)
    try:
        fields = _ENVELOPE.decode(body)
    except msgspec.ValidationError:
        found = type(decode_any(body)).__name__
        raise _odd_list(route, page, f"a JSON {found} instead of an object with `total` and `data`") from None
    except _UNREADABLE:
        raise BrokenBody from None
    if fields.data is msgspec.UNSET:
        raise _odd_list(route, page, "`data` is missing")
    try:
        rows = _RAW_ROWS.decode(fields.data)
    except _UNREADABLE:
        raise _odd_list(route, page, "`data` is no list") from None
    total = parse_count(fields.total)
    if total is None:
        raise _odd_list(route, page, f"`total` is {_shown(fields.total)} instead of a number")
    answered_page = parse_count(fields.current_page)
    if answered_page is not None and answered_page != page:
        raise _odd_list(route, page, f"it is page {answered_page}")
    is_full = page == 1 and 0 < len(rows) < total
    page_size = parse_count(fields.per_page) or (len(rows) if is_full else PAGE_SIZE)
    return Envelope(page, total, page_size, tuple(bytes(row) for row in rows))


def decode_order(payload: bytes) -> OrderRow:
    """The fields of an order that the client needs; an unreadable row keeps its payload and has no id.

    Args:
        payload: The order's JSON text.
    """
    try:
        fields = _ORDER.decode(payload)
    except _UNREADABLE:
        return OrderRow(None, None, None, None, payload)
    return OrderRow(
        parse_id(fields.id),
        parse_instant(fields.ordered_at),
        parse_instant(fields.created_at),
        parse_instant(fields.updated_at),
        payload,
        parse_id(fields.status_id),
    )


def decode_row(payload: bytes) -> CrmRow | None:
    """A row of a reference list or of the catalogue; None when it is no object.

    Args:
        payload: The row's JSON text.
    """
    try:
        return CrmRow(_FIELDS.decode(payload), payload)
    except _UNREADABLE:
        return None


def _text_checked(body: bytes) -> bytes:
    """The body fit for msgspec: UTF-8, without a byte order mark, without half of an escaped surrogate pair.

    msgspec does not check the encoding of the texts it skips, and refuses a whole page for half an emoji in
    one row.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise BrokenBody from None
    body = body.removeprefix(b"\xef\xbb\xbf")
    if b"\\ud" in body or b"\\uD" in body:
        body = _ESCAPE.sub(_without_half_pair, body)
    return body


def _without_half_pair(escape: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if escape["half"] else escape[0]


def _shown(value: object) -> str:
    """A value of the envelope as a message may show it: numbers and null, no text and no record."""
    return (
        json.dumps(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"
    )


def _odd_list(route: str, page: int, what: str) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"KeyCRM answered GET {route} (page {page}) with something that is not that list: {what}. Nothing of "
        "this "
        "answer was used. Check base_url in the profile; when it is right, KeyCRM's API has changed and the "
        "program "
        "needs an update.",
        route=route,
    )
