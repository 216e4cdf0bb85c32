"""Decoding: tolerant of a row, strict about the envelope, and the payload kept to the byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.crm.errors import UnexpectedAnswer
from keycrm_pipeline.crm.pages import (
    BrokenBody,
    OrderRow,
    decode_envelope,
    decode_order,
    decode_row,
    parse_id,
    repaired_json,
)
from keycrm_pipeline.crm.values import parse_instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-29T18:53:35.000000Z", datetime(2026, 1, 29, 18, 53, 35, tzinfo=UTC)),
        ("2026-01-29 18:53:35", datetime(2026, 1, 29, 18, 53, 35, tzinfo=UTC)),
        ("2026-01-29T18:53:35+02:00", datetime(2026, 1, 29, 16, 53, 35, tzinfo=UTC)),
        ("2026-01-29T18:53:35.5-01:30", datetime(2026, 1, 29, 20, 23, 35, 500000, tzinfo=UTC)),
        ("2026-01-29T18:53:35.5-0130", None),
        ("2026-01-29T18:53:35.123456Z", datetime(2026, 1, 29, 18, 53, 35, 123456, tzinfo=UTC)),
        ("2026-01-29T18:53:35.123456789Z", None),
        (" 2026-01-29 18:53 ", datetime(2026, 1, 29, 18, 53, tzinfo=UTC)),
        ("2026-01-29", datetime(2026, 1, 29, tzinfo=UTC)),
        ("2026-01-29T", None),
        ("0000-00-00 00:00:00", None),
        ("2026-02-30T10:00:00Z", None),
        ("0001-01-01T00:00:00+05:00", None),
        ("9999-12-31T23:59:59.000000Z", None),
        ("infinity", None),
        ("вчора", None),
        ("", None),
        (None, None),
        (1769712815, None),
        ([], None),
    ],
)
def test_instants_of_both_forms_are_read_as_utc(text: object, expected: datetime | None) -> None:
    assert parse_instant(text) == expected


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001 - zone is added
    st.integers(-12 * 60, 14 * 60),
)
@settings(deadline=None)
def test_any_iso_moment_is_read_exactly(moment: datetime, offset_minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    found = parse_instant(aware.isoformat())
    assert found == aware
    assert found is not None
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((12, 12), ("12", 12), (" 12 ", 12), (2**63 - 1, 2**63 - 1)),
        *(
            (0, None),
            (-1, None),
            (True, None),
            (1.0, 1),
            ("12.0", 12),
            ("12.5", None),
            ("№12", None),
            (None, None),
            ("", None),
        ),
        *(([], None), (2**63, None), ("9" * 30, None), ("١٢", None)),
    ],
)
def test_ids_are_numbers_or_numbers_as_text(value: object, expected: int | None) -> None:
    assert parse_id(value) == expected


def test_a_row_keeps_its_text_to_the_byte() -> None:
    """Numbers keep their zeros, keys their order, letters their form: later rules see what KeyCRM sent."""
    payload = '{"id": 7, "b": 1.50,"a": "\\u0456ї", "note": "  ", "id2":1e2}'.encode()
    envelope = decode_envelope(b'{"total": 1, "data": [ ' + payload + b" ]}", route="/order", page=1)
    assert envelope.rows == (payload,)
    assert decode_order(envelope.rows[0]).order_id == 7


def test_the_fields_the_client_needs_are_read() -> None:
    at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    payload = (
        b'{"id": "5", "ordered_at": "2026-03-02 08:00:00", '
        b'"created_at": "2026-03-02T08:00:00Z", "updated_at": null}'
    )
    assert decode_order(payload) == OrderRow(5, at, at, None, payload)


@pytest.mark.parametrize("payload", [b"null", b"7", b'"text"', b"[]", b'{"id": {}}', b'{"no": 1}', b"[1,2]"])
def test_one_broken_row_does_not_fail_its_page(payload: bytes) -> None:
    body = b'{"total": 2, "data": [{"id": 1}, ' + payload + b"]}"
    first, second = (decode_order(row) for row in decode_envelope(body, route="/order", page=1).rows)
    assert first.order_id == 1
    assert (second.order_id, second.payload) == (None, payload)


def test_dates_of_a_wrong_type_are_none_and_the_id_stays() -> None:
    row = decode_order(b'{"id": 3, "ordered_at": [], "created_at": 5, "updated_at": {"date": "x"}}')
    assert (row.order_id, row.ordered_at, row.created_at, row.updated_at) == (3, None, None, None)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"total": 3}', "`data` is missing"),
        (b'{"total": 3, "data": null}', "`data` is not a list"),
        (b'{"total": 3, "data": {"id": 1}}', "`data` is not a list"),
        (b'{"total": 3, "data": {}}', "`data` is not a list"),
        (b'{"total": 3, "data": "error"}', "`data` is not a list"),
        (b'{"data": []}', "`total` is null"),
        (b'{"total": -1, "data": []}', "`total` is -1"),
        (b'{"total": "many", "data": []}', "`total` is a str"),
        (b'{"total": 1000000000000000000, "data": []}', "`total` is 1000000000000000000"),
        (b'{"total": 3, "current_page": 2, "data": []}', "it is page 2"),
        (b'[{"full_name": "Marker Person"}]', "JSON list"),
        (b'"Marker Person"', "JSON str"),
    ],
)
def test_json_that_is_not_a_keycrm_list_is_an_error_that_names_the_route(body: bytes, word: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        decode_envelope(body, route="/order", page=1)
    assert word in str(caught.value)
    assert "GET /order (page 1)" in str(caught.value)
    assert "Marker" not in str(caught.value)


def test_rows_with_numbers_as_keys_are_a_list() -> None:
    """PHP sends a list with a gap so; the rows come in order of the numbers."""
    envelope = decode_envelope(
        b'{"total": 2, "data": {"10": {"id": 8}, "2": {"id": 7}}}', route="/order", page=1
    )
    assert envelope.rows == (b'{"id": 7}', b'{"id": 8}')


@pytest.mark.parametrize(
    ("deleted_at", "is_deleted"),
    [
        *((b"null", False), (b'""', False), (b"[]", False), (b"false", False), (b'"soon"', False)),
        *((b'"2026-03-20T10:00:00.000000Z"', True), (b'"2026-03-20 10:00:00"', True)),
    ],
)
def test_a_date_of_deletion_says_that_the_order_is_gone(deleted_at: bytes, is_deleted: bool) -> None:
    assert decode_order(b'{"id": 3, "deleted_at": ' + deleted_at + b"}").is_deleted == is_deleted


def test_total_may_be_a_text_and_the_page_size_is_read() -> None:
    envelope = decode_envelope(
        b'{"total": "1312", "per_page": "15", "current_page": "4", "data": []}', route="/order", page=4
    )
    assert (envelope.total, envelope.page_size) == (1312, 15)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502</html>",
        b'{"total": 1, "data": [{"id": 1}',
        b'{"total": 1, "data": [{"id": 1, "a": nul}]}',
        b'{"total": 1, "data": [{"id": 1, "a": "\xff\xfe"}]}',
        b"[1, 2",
        b'{"total": 1, "data": []} trailing',
    ],
)
def test_incomplete_json_is_a_broken_body_and_not_an_answer(body: bytes) -> None:
    with pytest.raises(BrokenBody):
        decode_envelope(repaired_json(body), route="/order", page=1)


def test_half_an_emoji_in_one_row_does_not_cost_the_page() -> None:
    """A comment cut in the middle of an emoji: the half becomes a replacement character, whole emojis stay."""
    body = rb'{"total": 1, "data": [{"id": 1, "a": "x\ud83d", "b": "\ud83d\ude00", "c": "\\ud83d"}]}'
    (row,) = decode_envelope(repaired_json(body), route="/order", page=1).rows
    assert json.loads(row) == {"id": 1, "a": "x\ufffd", "b": "😀", "c": "\\ud83d"}


def test_a_byte_order_mark_is_ignored() -> None:
    body = repaired_json(b'\xef\xbb\xbf{"total": 0, "data": []}')
    assert decode_envelope(body, route="/users", page=1).total == 0


def test_fractions_of_reference_rows_are_decimal() -> None:
    """A price of 377.10 never becomes 377.1000000000000227."""
    row = decode_row(b'{"id": "9", "price": 377.10, "quantity": 2}')
    assert row is not None
    assert row == {"id": "9", "price": Decimal("377.10"), "quantity": 2}
    assert str(row["price"]) == "377.10"
    assert (row.row_id, row.payload) == (9, b'{"id": "9", "price": 377.10, "quantity": 2}')
    assert decode_row(b"[]") is None
