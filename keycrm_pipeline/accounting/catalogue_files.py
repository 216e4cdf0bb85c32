"""Cards that the accounting system has already, read from the cells of its files (R12).

A file of products has the columns `id, name, sku, kind, unit`, one of partners the columns `id, name, phone, email`,
with the names of the columns in the first row that is not blank. This module turns the cells of a workbook, or the text
of a CSV file separated by commas or semicolons, into cards, or into a list of everything that is wrong with it. Where
the files lie, how a workbook is opened, and how their rows become cards, is decided elsewhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from keycrm_pipeline.accounting.names import Skus, name_key, tidied
from keycrm_pipeline.kinds import PRODUCT, PRODUCT_KIND_NAMES, PRODUCT_WITH_SKU, named_kinds
from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.catalogue import CatalogueFailure, CatalogueMistake

Row = TypeVar("Row")
Cells = Iterable[tuple[int, list[str]]]
"""The rows of a file that are not blank: the number of the line or row, from 1, and the texts of its cells."""

PRODUCT_COLUMNS = ("id", "name", "sku", "kind", "unit")
PARTNER_COLUMNS = ("id", "name", "phone", "email")
REQUIRED_COLUMNS = ("id", "name")

KINDS: Mapping[str, str] = {
    key: kind for kind, name in PRODUCT_KIND_NAMES.items() for key in (name_key(kind), name_key(name)) if key
}
"""Accepted words, as names are compared, and the kinds they mean (R5)."""

_PIECES = ("шт", "шт.", "штука", "pcs")
"""Units that mean pieces; a card of pieces has no unit."""

_BYTE_ORDER_MARK = "\ufeff"
_EXCEL_HINT = "sep="
"""What Excel writes into a first line of its own to name the separator."""

WORKBOOK = ".xlsx"
WORKBOOKS = (WORKBOOK, ".xls")
"""How the names of workbooks end; their rows are what a spreadsheet counts, not lines of a text."""

_MOST_PROBLEMS_SHOWN = 20
"""A file of another kind has a problem in every line; nobody reads thousands of sentences."""


@dataclass(frozen=True, slots=True)
class CatalogueProductRow:
    """One card of a file of products.

    Attributes:
        line: Line or row of the file where it stands, counted from 1.
        catalogue_id: Its id in the accounting system, as written.
        name: Its name.
        sku: Its article; None when it has none.
        kind: `product`, `product_with_sku` or `service`; `product` when the file does not say.
        unit: Its unit of measure; None for pieces.
    """

    line: int
    catalogue_id: str
    name: str
    sku: str | None
    kind: str
    unit: str | None


@dataclass(frozen=True, slots=True)
class CataloguePartnerRow:
    """One card of a file of partners.

    Attributes:
        line: Line or row of the file where it stands, counted from 1.
        catalogue_id: Its id in the accounting system, as written.
        name: Its name.
        phone: Its phone as written.
        email: Its e-mail as written.
    """

    line: int
    catalogue_id: str
    name: str
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class CatalogueProblem:
    """One thing that is wrong with a file.

    Attributes:
        line: Line of the file, or row of the sheet, counted from 1.
        column: Name of the column; None when it is about the whole line.
        message: What is wrong and what to do, without the values of a person's card.
    """

    line: int
    column: str | None
    message: Message

    def described(self, *, in_sheet: bool) -> Message:
        """Return the problem with its place; the rows of a sheet are called so."""
        if self.column is None:
            place = CatalogueFailure.AT_ROW if in_sheet else CatalogueFailure.AT_LINE
            return place.message(line=self.line, problem=self.message)
        place = CatalogueFailure.AT_CELL if in_sheet else CatalogueFailure.AT_COLUMN
        return place.message(line=self.line, column=self.column, problem=self.message)


class CatalogueFileError(MessageError):
    """A file of the accounting catalogue cannot be used as it is.

    Attributes:
        file_name: The file.
        problems: Everything that is wrong with it, in order of lines.
    """

    def __init__(self, file_name: str, problems: list[CatalogueProblem]) -> None:
        self.file_name = file_name
        self.problems = problems
        in_sheet = file_name.lower().endswith(WORKBOOKS)
        shown = [problem.described(in_sheet=in_sheet) for problem in problems[:_MOST_PROBLEMS_SHOWN]]
        if len(problems) > _MOST_PROBLEMS_SHOWN:
            shown.append(CatalogueFailure.MORE_PROBLEMS.message(count=len(problems) - _MOST_PROBLEMS_SHOWN))
        super().__init__(CatalogueFailure.CATALOGUE_FILE_WRONG.message(file=file_name, problems=shown))


def read_products(cells: Cells, file_name: str, skus: Skus) -> list[CatalogueProductRow]:
    """Read the accounting catalogue's product cards, in the order of the file.

    Columns `id` and `name` are required; `sku`, `kind` and `unit` may be missing or empty. Blank lines are
    skipped. A `product_with_sku` has no SKU of its own, and a placeholder is none.

    Raises:
        CatalogueFileError: When anything is wrong, with all problems: a missing or unknown column, a missing
            id or name, an unknown kind, an id or SKU that stands twice, broken quotes.
    """
    problems: list[CatalogueProblem] = []
    seen_ids, seen_skus = _Seen("id"), _Seen("sku")
    rows: list[CatalogueProductRow] = []
    for line, fields in _records(cells, PRODUCT_COLUMNS, problems):
        kind_key = name_key(fields["kind"])
        kind = PRODUCT if kind_key is None else KINDS.get(kind_key)
        if kind is None:
            problems.append(
                CatalogueProblem(
                    line,
                    "kind",
                    CatalogueMistake.NO_KIND_OF_PRODUCT.message(kinds=named_kinds(PRODUCT_KIND_NAMES)),
                )
            )
        sku = skus.tidied(fields["sku"])
        if sku is not None and kind == PRODUCT_WITH_SKU:
            message = CatalogueMistake.SKU_OF_PRODUCT_WITH_SKU.message()
            problems.append(CatalogueProblem(line, "sku", message))
        seen_ids.check(fields["id"], id_key, line, problems)
        seen_skus.check(sku, skus.key, line, problems)
        unit = tidied(fields["unit"])
        if unit is not None and unit.lower() in _PIECES:
            unit = None
        rows.append(
            CatalogueProductRow(line, fields["id"], tidied(fields["name"]) or "", sku, kind or PRODUCT, unit)
        )
    return _unless_wrong(rows, file_name, problems)


def read_partners(cells: Cells, file_name: str) -> list[CataloguePartnerRow]:
    """Read the accounting catalogue's partner cards, in the order of the file.

    Columns `id` and `name` are required; `phone` and `email` may be missing or empty. Blank lines are
    skipped. Two cards may have one phone or e-mail: the books may have doubles, and the first is taken (R3).

    Raises:
        CatalogueFileError: When anything is wrong, with all problems: a missing or unknown column, a missing
            id or name, an id that stands twice, broken quotes.
    """
    problems: list[CatalogueProblem] = []
    seen_ids = _Seen("id")
    rows: list[CataloguePartnerRow] = []
    for line, fields in _records(cells, PARTNER_COLUMNS, problems):
        seen_ids.check(fields["id"], id_key, line, problems)
        rows.append(
            CataloguePartnerRow(
                line,
                fields["id"],
                tidied(fields["name"]) or "",
                tidied(fields["phone"]),
                tidied(fields["email"]),
            )
        )
    return _unless_wrong(rows, file_name, problems)


def _unless_wrong(rows: list[Row], file_name: str, problems: list[CatalogueProblem]) -> list[Row]:
    """Return the rows, or raise what is wrong with the file."""
    if problems:
        raise CatalogueFileError(file_name, sorted(problems, key=lambda problem: problem.line))
    return rows


class _Seen:
    """Finds values of a column that stand in two lines."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._lines: dict[str, int] = {}

    def check(
        self,
        value: str | None,
        key_of: Callable[[str | None], str | None],
        line: int,
        problems: list[CatalogueProblem],
    ) -> None:
        """Note the value, and add a problem when an earlier line has it."""
        key = key_of(value)
        if key is None:
            return
        first = self._lines.setdefault(key, line)
        if first != line:
            message = CatalogueMistake.STANDS_TWICE.message(line=first, column=self._column)
            problems.append(CatalogueProblem(line, self._column, message))


def id_key(text: str | None) -> str | None:
    """Return an id of the catalogue as it is compared: `007` and `7` would become one card number."""
    if not text:
        return None
    return str(int(text)) if text.isascii() and text.isdigit() else text


def _records(
    cells: Cells, columns: tuple[str, ...], problems: list[CatalogueProblem]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and fields of each card; a column that the file lacks is empty."""
    lines = iter(cells)
    try:
        yield from _cards(lines, columns, problems)
    except UnreadableLineError as error:
        problems.append(CatalogueProblem(error.line, None, error.message))


def _cards(
    lines: Iterator[tuple[int, list[str]]], columns: tuple[str, ...], problems: list[CatalogueProblem]
) -> Iterator[tuple[int, dict[str, str]]]:
    header_line, header = next(lines, (1, []))
    names = [name.strip().lower() for name in header]
    if not _header_is_right(header_line, names, columns, problems):
        return
    for line, values in lines:
        if len(values) > len(names) and any(value.strip() for value in values[len(names) :]):
            message = CatalogueMistake.TOO_MANY_FIELDS.message(fields=len(values), columns=len(names))
            problems.append(CatalogueProblem(line, None, message))
            continue
        fields = dict.fromkeys(columns, "") | dict(
            zip(names, (value.strip() for value in values), strict=False)
        )
        problems.extend(
            CatalogueProblem(line, column, CatalogueMistake.MISSING_IN_CARD.message(column=column))
            for column in REQUIRED_COLUMNS
            if tidied(fields[column]) is None
        )
        yield line, fields


def _header_is_right(
    line: int, names: list[str], columns: tuple[str, ...], problems: list[CatalogueProblem]
) -> bool:
    """Tell whether the first line names the columns; add what is wrong with it."""
    if not any(names):
        message = CatalogueMistake.EMPTY_FILE.message(columns=columns)
        problems.append(CatalogueProblem(line, None, message))
        return False
    before = len(problems)
    for column in REQUIRED_COLUMNS:
        if column not in names:
            message = CatalogueMistake.NO_COLUMN.message(column=column, columns=columns)
            problems.append(CatalogueProblem(line, column, message))
    for position, name in enumerate(names):
        if name not in columns:
            close = get_close_matches(name, columns, n=1)
            message = (
                CatalogueMistake.UNKNOWN_COLUMN_NEAR.message(near=close[0], columns=columns)
                if close
                else CatalogueMistake.UNKNOWN_COLUMN.message(columns=columns)
            )
            # Not by its name: without a first line of names, that is the name or phone of a person.
            problems.append(CatalogueProblem(line, f"number {position + 1}", message))
        elif name in names[:position]:
            problems.append(CatalogueProblem(line, name, CatalogueMistake.COLUMN_TWICE.message()))
    return len(problems) == before


class UnreadableLineError(MessageError):
    """The quotes of a CSV file are broken from this line on."""

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        super().__init__(CatalogueMistake.BROKEN_QUOTES.message(reason=reason))


def cells_of_csv(text: str, separator: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the fields of each line that is not blank, with the line where they begin.

    Comma or semicolon, whichever the first line has, unless a separator is given; a byte order mark and Excel's line
    `sep=;` are skipped.

    Raises:
        UnreadableLineError: A quote is not closed, or stands inside a quoted field.
    """
    text = text.removeprefix(_BYTE_ORDER_MARK)
    hint, _, rest = text.partition("\n")
    skipped = 0
    if hint.strip().lower().startswith(_EXCEL_HINT):
        text, skipped = rest, 1
    header = next((line for line in text.splitlines() if line.strip()), "")
    if separator is None:
        separator = ";" if ";" in header else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = skipped + 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield line, values
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise UnreadableLineError(line, str(error)) from None
