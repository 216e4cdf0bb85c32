"""The columns that a profile exports: its column map, and its custom fields behind the columns of a table.

What is not here: which tables and columns there are (`export_tables`), and how a value is written in a format
(`workbook`, `separated`, `parquet`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

from keycrm_pipeline.custom_fields import fields_of_table
from keycrm_pipeline.export_tables import TABLES, ExportColumn, ExportTable
from keycrm_pipeline.exports.errors import ColumnMapError
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.exports import ColumnMistake
from keycrm_pipeline.words import WordSet, in_words_of


def _with_custom_fields(table: ExportTable, custom_fields: Mapping[str, str]) -> ExportTable:
    """The table with the columns of custom fields behind its own."""
    names = fields_of_table(table.name, custom_fields).values()
    columns = (ExportColumn(name, name, is_printed=False) for name in names)
    return replace(table, columns=(*table.columns, *columns))


def _in_words_of(words: WordSet, table: ExportTable) -> ExportTable:
    columns = (replace(column, header=in_words_of(words, column.header)) for column in table.columns)
    return replace(table, title=in_words_of(words, table.title), columns=tuple(columns))


def _unknown_table(name: str) -> Message:
    known = [table.name for table in TABLES]
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return ColumnMistake.UNKNOWN_EXPORT_TABLE_NEAR.message(table=name, near=near[0], tables=known)
    return ColumnMistake.UNKNOWN_EXPORT_TABLE.message(table=name, tables=known)


def _unknown_column(table: str, name: str, known: list[str]) -> Message:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return ColumnMistake.UNKNOWN_EXPORT_COLUMN_NEAR.message(
            table=table, column=name, near=near[0], columns=known
        )
    return ColumnMistake.UNKNOWN_EXPORT_COLUMN.message(table=table, column=name, columns=known)


def _chosen_table(table: ExportTable, headers: Mapping[str, str], problems: list[Message]) -> ExportTable:
    available = {column.name: column for column in table.columns}
    columns: list[ExportColumn] = []
    for name, header in headers.items():
        column = available.get(name)
        if column is None:
            problems.append(_unknown_column(table.name, name, list(available)))
        elif not header.strip():
            problems.append(ColumnMistake.HEADER_EMPTY.message(table=table.name, column=name))
        else:
            columns.append(ExportColumn(name, header.strip(), column.kind))
    seen: set[str] = set()
    for column in columns:
        # Excel's tables and DuckDB compare headers without regard to case, so an import form would find only
        # one of the two.
        folded = column.header.casefold()
        if folded in seen:
            problems.append(ColumnMistake.HEADER_TWICE.message(header=column.header, table=table.name))
        seen.add(folded)
    return replace(table, columns=tuple(columns), is_mapped=True)


def chosen_tables(
    column_map: Mapping[str, Mapping[str, str]],
    words: WordSet = "bas",
    *,
    with_cost: bool = False,
    custom_fields: Mapping[str, str] | None = None,
) -> tuple[ExportTable, ...]:
    """The tables to write, with their columns in order.

    A table named in the column map has the columns, order and headers given there; with an empty map it is
    left out. The other tables have the defaults.

    Args:
        column_map: Table -> column -> header, in order; the `export.columns` of the profile.
        words: Whose words titles and default headers use.
        with_cost: Whether cost and margin are among the defaults. A column map may always name them.
        custom_fields: Field of KeyCRM -> name of its column, which is among the defaults too and, as the profile has
            checked, no name of another column.

    Raises:
        ColumnMapError: A table or column does not exist, or a header is empty or appears twice.
    """
    known = {table.name for table in TABLES}
    problems = [_unknown_table(name) for name in column_map if name not in known]
    chosen: list[ExportTable] = []
    for table in (_with_custom_fields(_in_words_of(words, table), custom_fields or {}) for table in TABLES):
        headers = column_map.get(table.name)
        if headers is None:
            chosen.append(
                replace(
                    table,
                    columns=tuple(
                        column
                        for column in table.columns
                        if column.is_default or (with_cost and column.is_cost)
                    ),
                )
            )
        elif headers:
            chosen.append(_chosen_table(table, headers, problems))
    if not problems and not chosen:
        problems.append(ColumnMistake.EVERY_TABLE_LEFT_OUT.message())
    if problems:
        raise ColumnMapError(problems)
    return tuple(chosen)
