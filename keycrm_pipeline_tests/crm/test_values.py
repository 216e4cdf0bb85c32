"""Single values of KeyCRM's rows, in every form they may have: Python and SQL read them alike."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.names import characteristics
from keycrm_pipeline.crm.values import flag, options, parse_instant, text, whole
from keycrm_pipeline.warehouse.statements import statement

BLANKS = "".join(character for character in map(chr, range(0x10000)) if character.isspace())

TEXTS: Sequence[tuple[str, str | None]] = [
    *(('"Чашка"', "Чашка"), ('" Чашка\\n"', "Чашка"), ('"\\u00a0\\tx\\u2028"', "x"), ('"a  b"', "a  b")),
    *(("null", None), ('""', None), ('" \\u3000\\n"', None), ("[]", None), ("{}", None), ('"[]"', None)),
    *(('" [] "', None), ('"{}"', None), ('"[x]"', "[x]"), ('"\\u200b"', "\u200b"), ('"\\u0000"', "\0")),
    *(("12", "12"), ("12.0", "12.0"), ("12.50", "12.5"), ("1e16", "1e+16"), ("0.00001", "1e-05")),
    *(("true", "true"), ("false", "false"), ('[1, "і"]', '[1,"і"]'), ('{"a": null}', '{"a":null}')),
]
IDS: Sequence[tuple[str, int | None]] = [
    *(("12", 12), ('"12"', 12), ('" 12 "', 12), ('"\\u00a012\\n"', 12), ("12.0", 12), ('"12.000"', 12)),
    *(("-3", -3), ('"-3"', -3), ('"007"', 7), ("1e2", 100), ("0", 0), ('"-0"', 0)),
    *((str(2**63 - 1), 2**63 - 1), (f'"{2**63 - 1}.0"', 2**63 - 1), (f'"-{2**63}"', -(2**63))),
    *((str(2**63), None), (f'"{-(2**63) - 1}"', None), ("1" + "0" * 30, None), (f'"{"9" * 5000}"', None)),
    *(("12.5", None), ('"12.5"', None), ('"12."', None), ('"1e2"', None), ("1e20", None), ('"+12"', None)),
    *(('"1_2"', None), ('"1 2"', None), ('"--5"', None), ('"№12"', None), ('"١٢"', None), ('"１２"', None)),
    *(("null", None), ('""', None), ("true", None), ("[]", None), ("[12]", None), ('{"id": 12}', None)),
]
FLAGS: Sequence[tuple[str, bool]] = [
    *(("true", True), ("1", True), ('"1"', True), ('"true"', True), ('" True\\n"', True), ('"TRUE"', True)),
    *(("false", False), ("0", False), ("null", False), ("[]", False), ('""', False), ('"yes"', False)),
    *(("2", False), ("1.0", False), ('"١"', False), ("[true]", False)),
]
TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
DATES: Sequence[tuple[str, datetime | None]] = [
    *(("2026-03-02T10:00:00.000000Z", TEN), ("2026-03-02 10:00:00", TEN), ("2026-03-02T10:00", TEN)),
    *(("2026-03-02T10:00Z", TEN), ("2026-03-02 10:00Z", TEN), ("2026-03-02T12:00+02:00", TEN)),
    *(
        ("2026-03-02T12:00:00+02:00", TEN),
        ("2026-03-02 04:30:00.0-05:30", TEN),
        ("\t2026-03-02T10:00Z\n", TEN),
    ),
    *(
        (" 2026-03-02T10:00:00Z", TEN),
        ("2026-03-02T10:00:00 ", TEN),
        ("\u00a02026-03-02T10:00:00\u2003", TEN),
    ),
    ("2026-03-02T10:00:00.5Z", TEN.replace(microsecond=500000)),
    ("2026-03-02T10:00:00.123456", TEN.replace(microsecond=123456)),
    *(("2026-03-02", TEN.replace(hour=0)), ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC))),
    ("0002-01-01", datetime(2, 1, 1, tzinfo=UTC)),
    ("9998-12-31T01:00:00+01:00", datetime(9998, 12, 31, tzinfo=UTC)),
    *(
        (unreadable, None)
        for unreadable in ("2026-3-2", "2026-03-2", "26-03-02", "02.03.2026", "2026-03-02T")
    ),
    *((unreadable, None) for unreadable in ("2026-03-02 10:00:00 Europe/Kyiv", "2026-03-02 10:00:00 UTC")),
    *((unreadable, None) for unreadable in ("2026-03-02 10:00:00 EET", "2026-03-02T10:00:00 Z", "epoch")),
    *((unreadable, None) for unreadable in ("2026-03-02T10:00:00+0200", "2026-03-02T10:00:00+02", "today")),
    *((unreadable, None) for unreadable in ("2026-03-02T10:00:00+15:00", "2026-03-02T10:00:00z", "infinity")),
    *((unreadable, None) for unreadable in ("2026-03-02t10:00:00Z", "2026-03-02  10:00", "2026-03-02Z")),
    *(
        (unreadable, None)
        for unreadable in ("2026-03-02T24:00:00Z", "2026-03-02T10:60", "2026-03-02T10:00:60Z")
    ),
    *(
        (unreadable, None)
        for unreadable in ("2026-02-30T10:00:00Z", "2026-02-29", "2026-13-01", "2026-03-02T1:00")
    ),
    *(
        (unreadable, None)
        for unreadable in ("2026-03-02T10:00:00.Z", "2026-03-02T10:00:00.1234567Z", "-infinity")
    ),
    *((unreadable, None) for unreadable in ("0000-00-00 00:00:00", "0001-12-31", "0001-01-01T00:00+05:00")),
    *(
        (unreadable, None)
        for unreadable in ("9999-12-31T23:59:59Z", "12026-03-02", "-2026-03-02", "٢٠٢٦-٠٣-٠٢")
    ),
    *((unreadable, None) for unreadable in ("２０２６-03-02", "2026-03-02 (BC)", "вчора", "", "20260302")),
]
OPTIONS: Sequence[tuple[Any, str | None]] = [
    ([("Колір", "Червоний"), ("Розмір", "M")], "Колір: Червоний; Розмір: M"),
    ([("Розмір", "M"), ("Колір", "Червоний")], "Розмір: M; Колір: Червоний"),
    ([("Колір", None), ("Розмір", "M")], "Розмір: M"),
    ([("Колір", ""), ("Розмір", " "), ("Вид", [])], None),
    ([(None, "подарунок"), ("", "M"), (" ", "L")], "подарунок; M; L"),
    ([(" Колір ", " Темно  синій\n"), ("Розмір\t", "\u00a0M")], "Колір: Темно синій; Розмір: M"),
    ([("Ко\u00adлір", "Черво\u200bний"), ("\ufeff", "M"), ("Вид", "\u2060")], "Колір: Червоний; M"),
    ([("Довжина", 12), ("Вага", 1.50), ("Новий", True)], "Довжина: 12; Вага: 1.5; Новий: true"),
    ([("Розмір", "[S]"), ("Набір", "{}"), ("Вид", "[]")], "Розмір: [S]"),
    ([("Розмір", "S: M; L")], "Розмір: S: M; L"),
    ([("Größe", "Ärmel")], "Größe: Ärmel"),
    *(([], None), (None, None), ({}, None), ({"name": "Колір", "value": "Синій"}, None), ("Колір", None)),
    ([None, 5, "x", [1]], None),
]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the macros that type orders."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(statement("validation", "macros"))
        yield connection


def _by_macros(
    database: duckdb.DuckDBPyConnection, expression: str, values: Sequence[str], kind: str = '"VARCHAR"'
) -> list[Any]:
    """What an expression of the macros makes of JSON values, in their order."""
    rows = database.execute(
        f"""SELECT {expression} FROM (
            SELECT from_json(payload, $kind).value AS value, place
            FROM (SELECT unnest($payloads) AS payload, generate_subscripts($payloads, 1) AS place)
        ) ORDER BY place""",  # noqa: S608 - expressions of this file
        {"payloads": [f'{{"value": {value}}}' for value in values], "kind": f'{{"value": {kind}}}'},
    ).fetchall()
    return [value for (value,) in rows]


def _macros(database: duckdb.DuckDBPyConnection, macro: str, values: Sequence[str]) -> list[Any]:
    found = _by_macros(database, f"{macro}(value)", values)
    return [value.astimezone(UTC) if isinstance(value, datetime) else value for value in found]


def _options_by_macros(database: duckdb.DuckDBPyConnection, values: Sequence[str]) -> list[Any]:
    return _by_macros(database, "options(value)", values, '[{"name": "VARCHAR", "value": "VARCHAR"}]')


def _in_python(value: str) -> Any:
    return msgspec.json.decode(value)


READERS = {"filled": text, "whole": whole, "flag": flag, "instant": parse_instant}


@pytest.mark.parametrize(
    ("macro", "examples"),
    [
        ("filled", TEXTS),
        ("whole", IDS),
        ("flag", FLAGS),
        ("instant", [(json.dumps(written), moment) for written, moment in DATES]),
        (
            "instant",
            [(value, None) for value in ("null", "1769712815", "20260302", "[]", "true", '{"date": "x"}')],
        ),
    ],
)
def test_both_readers_give_a_value_its_one_meaning(
    database: duckdb.DuckDBPyConnection, macro: str, examples: Sequence[tuple[str, Any]]
) -> None:
    """The table of `crm.values`: an order is filed under the day its document has, a card is found by one id."""
    values = [value for value, _meaning in examples]
    expected = dict(examples)
    assert {value: READERS[macro](_in_python(value)) for value in values} == expected
    assert dict(zip(values, _macros(database, macro, values), strict=True)) == expected


def test_options_have_one_form_on_lines_and_cards(database: duckdb.DuckDBPyConnection) -> None:
    """A variant bought is the variant of the catalogue, however its options were typed (R5)."""
    forms = [
        [{"name": pair[0], "value": pair[1]} if isinstance(pair, tuple) else pair for pair in properties]
        if isinstance(properties, list)
        else properties
        for properties, _meaning in OPTIONS
    ]
    expected = [meaning for _properties, meaning in OPTIONS]
    assert [characteristics(options(form)) for form in forms] == expected
    assert _options_by_macros(database, [json.dumps(form) for form in forms]) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("12", "12"), ('"12.50"', "12.50"), ("12.5", "12.5"), ('" 12\\n"', "12"), ('"\\u00a012"', "12")),
        *(("1e-05", "0.00001"), ('"1E3"', "1000"), ('".5"', "0.5"), ('"+5"', "5"), ("-7", "-7")),
        *(("null", None), ('""', None), ("[]", None), ("true", None), ('"1,5"', None), ('"1 000"', None)),
        *(('"1_000"', None), ('"NaN"', None), ('"Infinity"', None), ('"0x10"', None), ('"٣"', None)),
        *(('"１２"', None), ("1000000000000000", None), ('"1e30"', None)),
    ],
)
def test_a_number_is_read_or_reported(
    database: duckdb.DuckDBPyConnection, value: str, expected: str | None
) -> None:
    """What is no number is named with its field, and only what is nothing is not."""
    (number,) = _macros(database, "number", [value])
    assert number == (Decimal(expected) if expected is not None else None)
    (reported,) = _by_macros(database, "not_a_number('taxes', value)", [value])
    written = text(_in_python(value))
    assert (reported is None) == (expected is not None or written is None)
    if reported is not None:
        assert reported == f"taxes\x1e{written}"


def test_a_decimal_reads_as_the_number_that_orders_show() -> None:
    """Rows of lists keep `Decimal`; their texts are those that the macros read from the same JSON."""
    assert [text(Decimal(number)) for number in ("12.50", "12.0", "1E+2")] == ["12.5", "12.0", "100.0"]
    assert whole(Decimal("12.0")) == 12


def _spoiled(examples: Sequence[str]) -> st.SearchStrategy[str]:
    """Examples with a few characters put in, taken out or replaced."""
    characters = st.sampled_from(
        ["", *"0123459-:TZtz+. ./_eE", "\t", "\n", "\u00a0", "\u200b", "٢", "２", "і"]
    )
    edits = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 2), characters), max_size=3)

    def spoil(example: str, changes: list[tuple[int, int, str]]) -> str:
        for place, taken, put_in in changes:
            example = example[:place] + put_in + example[place + taken :]
        return example

    return st.builds(spoil, st.sampled_from(examples), edits)


BLANK_OR_NOT = st.text(st.sampled_from([*BLANKS, *"aЯ1[]{}:;\u200b\u00ad\0"]), max_size=6)
STRINGS = st.one_of(
    _spoiled([written for written, moment in DATES if moment is not None]),
    _spoiled(["12", "12.0", "-3", "1e5", str(2**63 - 1), "true", "1"]),
    BLANK_OR_NOT,
)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.one_of(
    STRINGS, NUMBERS, st.booleans(), st.none(), st.sampled_from([[], {}, [1, "і"], {"a": [None]}])
)


@given(values=st.lists(VALUES, min_size=10, max_size=60))
@settings(deadline=None, max_examples=25)
def test_any_value_reads_alike_in_python_and_in_sql(
    database: duckdb.DuckDBPyConnection, values: list[Any]
) -> None:
    """Whatever was typed into a field, no order is filed under one day and booked on another."""
    written = [json.dumps(value, ensure_ascii=False) for value in values]
    for macro, reader in READERS.items():
        expected = [reader(_in_python(value)) for value in written]
        assert _macros(database, macro, written) == expected, macro


# Without the two separators that the macro puts between plain options: nobody types them.
TYPED = st.text(
    st.sampled_from([*BLANKS.replace("\x1e", "").replace("\x1f", ""), *"aЯё1[]{}:;\u200b\u00ad"]), max_size=6
)


@given(
    st.lists(
        st.lists(
            st.fixed_dictionaries(
                {}, optional={"name": TYPED | st.none() | NUMBERS, "value": TYPED | st.none()}
            )
            | st.none(),
            max_size=4,
        ),
        min_size=5,
        max_size=30,
    )
)
@settings(deadline=None, max_examples=20)
def test_any_options_read_alike_in_python_and_in_sql(
    database: duckdb.DuckDBPyConnection, lines: list[list[dict[str, Any] | None]]
) -> None:
    """A variant is made once, not once for its lines and once for the catalogue."""
    written = [json.dumps(line, ensure_ascii=False) for line in lines]
    expected = [characteristics(options(_in_python(line))) for line in written]
    assert _options_by_macros(database, written) == expected
