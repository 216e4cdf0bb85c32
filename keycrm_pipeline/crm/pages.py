"""Decodes KeyCRM's JSON answers: the envelope of a list, its rows, and the few fields the client needs.

What belongs here: decoding, as tolerant of a single row as it is strict about the envelope. What does not:
the meaning of an order (see `accounting`), and requests (see `client`).

A row's JSON text is kept as it came: everything else can be derived from it again later, and not decoding it is
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
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.client import Advice, Answer, Client

PAGE_SIZE: Final = 50
"""Rows per page: the most KeyCRM returns; it silently clamps larger numbers."""

LARGEST_ID: Final = 2**63 - 1
"""The largest id a BIGINT column holds; anything larger is not a KeyCRM id."""

# Whole pairs and other escapes match first, so that what matches as `half` has no partner.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


class ErrorAnswer(Exception):  # noqa: N818 - becomes a TransportFailure when it does not go away
    """The answer says itself that the request failed, although its status is that of success.

    Attributes:
        content: The answer, for its own words.
    """

    def __init__(self, content: object) -> None:
        super().__init__()
        self.content = content


class BrokenBody(Exception):  # noqa: N818 - becomes a TransportFailure when it does not go away
    """The body is not JSON: an error page, plain text, or truncated JSON. Retrying may help."""


@dataclass(frozen=True, slots=True)
class PageRecord:
    """What must be stored about a page so that reading its list can be resumed.

    Attributes:
        page: Number of the page, from 1.
        total: How many rows the whole list had when the page was answered.
        order_ids: Ids of the page's orders, in page order.
    """

    page: int
    total: int
    order_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order from an answer.

    Attributes:
        order_id: KeyCRM's id; None if the row has no readable id, or is not an object.
        ordered_at: The business date, in UTC; None if null or unreadable.
        created_at: When KeyCRM created the order, in UTC; None if null or unreadable.
        updated_at: When KeyCRM last changed it, in UTC; None if null or unreadable.
        payload: The order's JSON text as it came; only half of an escaped surrogate pair is repaired.
        status_id: KeyCRM's id of the order's status; None if null or unreadable.
        is_deleted: Whether the order says that it was deleted (`deleted_at`).
    """

    order_id: int | None
    ordered_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    payload: bytes
    status_id: int | None = None
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of orders.

    Attributes:
        page: Number of the page, from 1.
        total: How many orders the whole list had when the page was answered.
        rows: The page's orders, in page order.
    """

    page: int
    total: int
    rows: tuple[OrderRow, ...]


class CrmRow(dict[str, Any]):
    """One row of a reference list, a product or an offer: its decoded fields, and its JSON text as it came.

    Numbers with a decimal point are `Decimal`, never binary floating point; `json.dumps` does not support
    them, so store `payload`, not the decoded fields.

    Attributes:
        payload: The row's JSON text as it came; only half of an escaped surrogate pair is repaired.
    """

    __slots__ = ("payload",)

    def __init__(self, fields: dict[str, Any], payload: bytes) -> None:
        super().__init__(fields)
        self.payload = payload

    @property
    def row_id(self) -> int | None:
        """KeyCRM's id of the row; None if there is no readable one."""
        return parse_id(self.get("id"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """What KeyCRM wraps around the rows of a page.

    Attributes:
        page: Number of the page that was requested.
        total: How many rows the whole list has.
        page_size: Rows of a full page, according to the answer. If it does not say: the number of rows on the
            first page of a longer list, else `PAGE_SIZE`.
        rows: JSON text of each row.
        has_more: Whether `last_page` or `next_page_url` say that more pages follow.
    """

    page: int
    total: int
    page_size: int
    rows: tuple[bytes, ...]
    has_more: bool = False


class _EnvelopeFields(msgspec.Struct):
    total: Any = None
    per_page: Any = None
    current_page: Any = None
    last_page: Any = None
    next_page_url: Any = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    status: Any = None


class _OrderFields(msgspec.Struct):
    id: Any = None
    ordered_at: Any = None
    created_at: Any = None
    updated_at: Any = None
    status_id: Any = None
    deleted_at: Any = None


_ENVELOPE = msgspec.json.Decoder(_EnvelopeFields)
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_NUMBERED_ROWS = msgspec.json.Decoder(dict[int, msgspec.Raw])
_ORDER = msgspec.json.Decoder(_OrderFields)
_FIELDS = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_UNREADABLE = (msgspec.DecodeError, RecursionError)
"""What decoding may raise: the text is not JSON, or is nested thousands of levels deep."""

_ANYTHING = msgspec.json.Decoder()


def parse_id(value: object) -> int | None:
    """An id of KeyCRM's: a whole number (see `values.whole`) of 1 or more.

    Returns:
        The id, 1 or more and small enough for a BIGINT; None if the value is not such a number.
    """
    number = whole(value)
    return number if number is not None and number > 0 else None


MOST_ROWS = 100_000_000
"""More rows than any account has: whoever reads that many pages one by one would first run out of memory."""


def parse_count(value: object) -> int | None:
    """A whole number of 0 or more, as a number or as text; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    if isinstance(value, str):
        digits = value.strip()
        # With more digits than any id has, `int` would be slow or raise an error.
        if digits.isascii() and digits.isdecimal() and len(digits) <= len(str(LARGEST_ID)):
            return int(digits)
    return None


def repaired_json(body: bytes) -> bytes:
    """The body of an answer made fit for msgspec; every answer goes through here before it is decoded.

    Removes a byte order mark, and replaces half of an escaped surrogate pair (an emoji that KeyCRM cut in the
    middle) with the replacement character: msgspec refuses a whole page because of one such half. Also checks
    the encoding, because msgspec does not check the texts it skips.

    Raises:
        BrokenBody: The body is not UTF-8.
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


def decode_any(text: bytes) -> Any:
    """The JSON value of an answer.

    Args:
        text: What `repaired_json` returned.

    Raises:
        BrokenBody: The text is not JSON.
    """
    try:
        return _ANYTHING.decode(text)
    except _UNREADABLE:
        raise BrokenBody from None


def decode_envelope(text: bytes, *, route: str, page: int) -> Envelope:
    """The envelope of a list.

    Args:
        text: What `repaired_json` returned.
        route: The path that was requested, for messages.
        page: The page that was requested.

    Raises:
        BrokenBody: The text is not JSON.
        ErrorAnswer: Its `status` says that the request failed.
        UnexpectedAnswer: It is JSON, but not a KeyCRM list: `data` or `total` is missing or malformed, or it
            is another page than requested.
    """
    try:
        fields = _ENVELOPE.decode(text)
    except msgspec.ValidationError:
        found = type(decode_any(text)).__name__
        raise _unexpected_list(route, page, Answer.ANSWER_OF_ANOTHER_KIND.message(kind=found)) from None
    except _UNREADABLE:
        raise BrokenBody from None
    if fields.status is False:
        raise ErrorAnswer(decode_any(text))
    if fields.data is msgspec.UNSET:
        raise _unexpected_list(route, page, Answer.ANSWER_WITHOUT_DATA.message())
    rows = _rows(fields.data)
    if rows is None:
        raise _unexpected_list(route, page, Answer.ANSWER_DATA_NO_LIST.message())
    total = parse_count(fields.total)
    if total is None or total > MOST_ROWS:
        raise _unexpected_list(route, page, Answer.ANSWER_TOTAL_NO_NUMBER.message(value=_shown(fields.total)))
    answered_page = parse_count(fields.current_page)
    if answered_page is not None and answered_page != page:
        raise _unexpected_list(route, page, Answer.ANSWER_OF_ANOTHER_PAGE.message(page=answered_page))
    is_full = page == 1 and 0 < len(rows) < total
    page_size = parse_count(fields.per_page) or (len(rows) if is_full else PAGE_SIZE)
    has_more = bool(fields.next_page_url) or page < (parse_count(fields.last_page) or 0)
    return Envelope(page, total, page_size, tuple(bytes(row) for row in rows), has_more)


def _rows(data: msgspec.Raw) -> list[msgspec.Raw] | None:
    """The rows of a list; PHP sends one with a gap as an object with numbers as keys. None for anything else."""
    try:
        return _RAW_ROWS.decode(data)
    except _UNREADABLE:
        pass
    try:
        numbered = _NUMBERED_ROWS.decode(data)
    except _UNREADABLE:
        return None
    return [row for _, row in sorted(numbered.items())] or None


def decode_order(payload: bytes) -> OrderRow:
    """The fields of an order that the client needs; an unreadable row keeps its payload and has no id."""
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
        parse_instant(fields.deleted_at) is not None,
    )


def decode_row(payload: bytes) -> CrmRow | None:
    """A row of a reference list, a product or an offer; None if it is not an object."""
    try:
        return CrmRow(_FIELDS.decode(payload), payload)
    except _UNREADABLE:
        return None


def _shown(value: object) -> str:
    """A value of the envelope as a message may show it: numbers and null, but no text and no record."""
    return (
        json.dumps(value) if value is None or isinstance(value, int | float) else f"a {type(value).__name__}"
    )


def _unexpected_list(route: str, page: int, found: Message) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        Client.NOT_THAT_LIST.message(
            route=route, page=page, found=found, advice=Advice.CHECK_THE_ADDRESS.message()
        )
    )
