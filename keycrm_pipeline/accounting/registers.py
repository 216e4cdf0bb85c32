"""Registers of carriers, acquirers and banks, read from the cells of their files (R15).

A register has a header somewhere in its first rows, with the names that the profile maps; what stands above it, and
rows of totals and notes below, is left out. This module finds the columns, reads days and sums, and tells rows apart.
Where the files lie and how they are opened is decided elsewhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from hashlib import sha256

from keycrm_pipeline.accounting.catalogue_files import CatalogueFileError, CatalogueProblem, Cells
from keycrm_pipeline.accounting.names import DIRECTIONS, name_key, tidied
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.catalogue import CatalogueMistake
from keycrm_pipeline.sentences.registers import RegisterMistake

MOST_ROWS_ABOVE = 40
"""How far from the top the header may stand."""

_DAY_FIRST = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4}|\d{2})(?:\D.*)?", re.DOTALL)
_YEAR_FIRST = re.compile(r"(\d{4})[./-](\d{1,2})[./-](\d{1,2})(?:\D.*)?", re.DOTALL)
_WITH_OFFSET = re.compile(
    r"(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)"
)
"""A moment that says how far it is from UTC, as payment services on the web write it."""
_BALANCES = re.compile(
    r"(?:вхідн\w+|вихідн\w+|початков\w+|кінцев\w+) (?:залишок|сальдо)(?:\s*:?$| (?:на|по|рахунку)\b)"
    r"|(?:залишок|сальдо) на (?:початок|кінець)\b",
    re.IGNORECASE,
)
"""Of a day, only these are no money: a buyer may pay «Вихідний залишок за замовлення 1042»."""
_TOTALS = re.compile(
    r"(?:разом|всього|усього|загалом|загальна сума|підсумок|підсумки|обороти?|сальдо|итого|всего|total"
    r"|(?:вхідний|вихідний) залишок|залишок на)\b|залишок:?$",
    re.IGNORECASE,
)
_CURRENCY = re.compile(r"(?:грн\.?|uah|₴|eur|€|usd|\$|pln|zł)\s*$", re.IGNORECASE)
_BLANKS = re.compile(r"[\s\u00a0\u202f\u2009']")
_MINUSES = str.maketrans({"−": "-", "–": "-"})
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:(?P<mark>[.,])\d{3})(?:(?P=mark)\d{3})*[.,]\d{1,2}")
_AMBIGUOUS = re.compile(r"[+-]?\d{1,3}[.,]\d{3}")
_DIRECTIONS = str.maketrans(dict.fromkeys(DIRECTIONS))

_NO_FEE = ("-", "–", "—")
_MOST_KOPIYKAS = 10**18
"""More than is counted in 64 bits is the number of something else."""


@dataclass(frozen=True, slots=True)
class RegisterForm:
    """What a register's file looks like.

    Attributes:
        columns: `date`, `sum` and, if there are such columns, `fee`, `order`, `waybill`, `reference`, `text` -> their
            names in the file.
        is_net: Whether the sums are after the fee.
        zone: Time zone of the shop, whose days moments with an offset are told in; None for their own days.
    """

    columns: Mapping[str, str]
    is_net: bool = False
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """One row of a register.

    Attributes:
        line: Line or row of the file, from 1.
        row_key: The same for the same row in another file of the register.
        received_day: Its day.
        amount: What the buyer paid, in kopiykas; below zero for money that went out.
        fee: What was kept of it, in kopiykas; below zero if it was given back with money that went out.
        order_number: Number of the order, as written.
        waybill: Waybill number, as written.
        reference: Code of the operation, as written.
        text: What it was paid for.
    """

    line: int
    row_key: str
    received_day: date
    amount: int
    fee: int
    order_number: str | None
    waybill: str | None
    reference: str | None
    text: str | None


def finds_header(cells: Iterable[tuple[int, Sequence[str]]], form: RegisterForm) -> bool:
    """Whether one of the first rows names all columns of the form."""
    return _header(list(cells)[:MOST_ROWS_ABOVE], form) is not None


def read_register(cells: Cells, file_name: str, form: RegisterForm) -> list[RegisterRow]:
    """The rows of a register, in the order of the file.

    Rows without a sum, those of totals and the header of a further page are left out. A row with a code of the
    operation is one, however often it is listed. Without one, equal rows of a file are as many pieces of money: they
    are told apart by their number among them.

    Raises:
        CatalogueFileError: With all problems: a column that is missing, a day or a sum that cannot be read.
    """
    rows = list(cells)
    header = _header(rows[:MOST_ROWS_ABOVE], form)
    if header is None:
        raise CatalogueFileError(file_name, _problems_of_header(rows, form))
    place, positions = header
    width = len(rows[place][1])
    problems: list[CatalogueProblem] = []
    found: list[RegisterRow] = []
    without_sum: list[int] = []
    for line, values in rows[place + 1 :]:
        fields = {
            field: tidied(values[position]) if position < len(values) else None
            for field, position in positions.items()
        }
        if fields["sum"] is None:
            # What went out, in a statement whose debit has a column of its own; or a note.
            if read_day(fields["date"] or "") is not None:
                without_sum.append(line)
            continue
        if (
            _is_total(fields, values)
            or name_key(fields["sum"]) == name_key(form.columns["sum"])
            or _adds_up(fields, found)
        ):
            continue
        if any(value.strip() for value in values[width:]):
            # A decimal comma between commas: every field after it stands in the column of another.
            message = CatalogueMistake.TOO_MANY_FIELDS.message(fields=len(values), columns=width)
            problems.append(CatalogueProblem(line, None, message))
            continue
        row = _row(line, fields, form, problems)
        if row is not None:
            found.append(row)
    if not found and not problems and without_sum:
        # Rows, and no sum in any of them: the profile names another column.
        problems.append(
            CatalogueProblem(without_sum[0], form.columns["sum"], RegisterMistake.CELL_EMPTY.message())
        )
    if problems:
        raise CatalogueFileError(file_name, problems)
    return _numbered(_with_fees(found, form))


def read_day(text: str, zone: tzinfo | None = None) -> date | None:
    """A day such as 31.10.2026, 31/10/26 or 2026-10-31, with or without a time; None for anything else.

    A moment with an offset, such as 2026-10-31T22:30:00Z, is of the day that it is in the zone, if one is given.
    """
    written = text.translate(_DIRECTIONS).strip()
    moment = _WITH_OFFSET.fullmatch(written)
    if zone is not None and moment is not None:
        try:
            offset = moment[2].replace("UTC", "Z")
            return datetime.fromisoformat(moment[1] + offset).astimezone(zone).date()
        except (ValueError, OverflowError):
            return None
    match = _YEAR_FIRST.fullmatch(written)
    if match is not None:
        year, month, day = (int(part) for part in match.groups())
    else:
        match = _DAY_FIRST.fullmatch(written)
        if match is None:
            return None
        day, month, year = (int(part) for part in match.groups())
        if year < 100:
            year += 2000
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_sum(text: str) -> int | None:
    """A sum in kopiykas, such as 1 234,50 or 1,234.50 грн; None if it cannot be read for certain.

    `1,234` may be a thousand or one with three decimals, so it is not read.
    """
    written = _BLANKS.sub("", _CURRENCY.sub("", text.translate(_DIRECTIONS).strip()).translate(_MINUSES))
    if _GROUPED.fullmatch(written):
        last = max(written.rfind(","), written.rfind("."))
        written = re.sub(r"[.,]", "", written[:last]) + "." + written[last + 1 :]
    elif _AMBIGUOUS.fullmatch(written) or not _NUMBER.fullmatch(written):
        return None
    try:
        amount = Decimal(written.replace(",", ".")) * 100
    except InvalidOperation:
        return None
    whole = amount.to_integral_value()
    # A spreadsheet writes 12.34 as 12.340000000000002.
    is_certain = abs(amount - whole) < Decimal("0.0001") and abs(whole) < _MOST_KOPIYKAS
    return int(whole) if is_certain else None


def _header(
    rows: Sequence[tuple[int, Sequence[str]]], form: RegisterForm
) -> tuple[int, Mapping[str, int]] | None:
    """Place of the header among the rows, and the position of each column."""
    wanted = {field: name_key(name) for field, name in form.columns.items()}
    for place, (_line, values) in enumerate(rows):
        names = [name_key(value) for value in values]
        if all(names.count(name) == 1 for name in wanted.values()):
            return place, {field: names.index(name) for field, name in wanted.items()}
    return None


def _problems_of_header(
    rows: Sequence[tuple[int, Sequence[str]]], form: RegisterForm
) -> list[CatalogueProblem]:
    """What is missing in the row that is most like a header; no cell of the file is told."""
    if not rows:
        return [CatalogueProblem(1, None, RegisterMistake.EMPTY_REGISTER.message())]
    wanted = {name: name_key(name) for name in form.columns.values()}

    def known(row: tuple[int, Sequence[str]]) -> int:
        return len({name_key(value) for value in row[1]} & set(wanted.values()))

    best = max(rows[:MOST_ROWS_ABOVE], key=known)
    if not known(best):
        columns = list(form.columns.values())
        return [CatalogueProblem(best[0], None, RegisterMistake.NO_HEADER.message(columns=columns))]
    names = [name_key(value) for value in best[1]]
    return [
        CatalogueProblem(
            best[0],
            name,
            (
                RegisterMistake.REGISTER_LACKS_COLUMN
                if key not in names
                else RegisterMistake.TWO_SUCH_COLUMNS
            ).message(),
        )
        for name, key in wanted.items()
        if names.count(key) != 1
    ]


def _is_total(fields: Mapping[str, str | None], values: Sequence[str]) -> bool:
    """Whether a row only adds up the others: it says so, and is of no day unless it is a balance."""
    is_of_day = read_day(fields["date"] or "") is not None
    told = _BALANCES if is_of_day else _TOTALS
    return any(told.match(value.strip()) for value in values)


def _adds_up(fields: Mapping[str, str | None], found: Iterable[RegisterRow]) -> bool:
    """Whether a row has nothing but the sum of all rows above it: a row of totals that does not say so."""
    if any(value for field, value in fields.items() if field not in ("sum", "fee")):
        return False
    return read_sum(fields["sum"] or "") == sum(row.amount for row in found)


def _row(
    line: int, fields: Mapping[str, str | None], form: RegisterForm, problems: list[CatalogueProblem]
) -> RegisterRow | None:
    """A row with its sum and its fee as they are written."""

    def read(field: str, value: int | date | None, mistake: Message) -> bool:
        if value is None:
            message = mistake if fields[field] else RegisterMistake.CELL_EMPTY.message()
            problems.append(CatalogueProblem(line, form.columns[field], message))
        return value is not None

    received_day = read_day(fields["date"] or "", form.zone)
    amount = read_sum(fields["sum"] or "")
    written_fee = fields.get("fee")
    fee = read_sum(written_fee) if written_fee and written_fee not in _NO_FEE else 0
    # All of them, so that one reading of the file tells everything.
    is_read = [
        read("date", received_day, RegisterMistake.NO_DAY.message()),
        read("sum", amount, RegisterMistake.NO_SUM.message()),
        fee is not None or read("fee", fee, RegisterMistake.NO_SUM.message()),
    ]
    if not all(is_read) or received_day is None or amount is None or fee is None:
        return None
    return RegisterRow(
        line,
        "",
        received_day,
        amount,
        fee,
        fields.get("order"),
        fields.get("waybill"),
        fields.get("reference"),
        fields.get("text"),
    )


def _with_fees(rows: Sequence[RegisterRow], form: RegisterForm) -> list[RegisterRow]:
    """The rows with the fees that were kept, and with sums before them.

    Whether fees are written above or below zero, the rows of money that came show. One of the other sign beside money
    that went out was given back.
    """
    usual = sum(row.fee for row in rows if row.amount > 0)
    found: list[RegisterRow] = []
    for row in rows:
        is_given_back = row.amount < 0 and row.fee * usual < 0
        fee = -abs(row.fee) if is_given_back else abs(row.fee)
        found.append(replace(row, amount=row.amount + fee if form.is_net else row.amount, fee=fee))
    return found


def _numbered(rows: Iterable[RegisterRow]) -> list[RegisterRow]:
    """The rows with their keys."""
    seen: Counter[str] = Counter()
    found: list[RegisterRow] = []
    for row in rows:
        content = repr(
            (
                row.received_day.isoformat(),
                *(row.amount, row.fee, row.order_number, row.waybill, row.reference, row.text),
            )
        )
        digest = sha256(content.encode()).hexdigest()[:24]
        seen[digest] += 1
        number = 1 if row.reference else seen[digest]
        found.append(replace(row, row_key=f"{digest}.{number}"))
    return found
