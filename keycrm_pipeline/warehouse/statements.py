"""Reads the SQL files of this package, and turns rows into typed values.

A file holds statements, each under a `-- name: <name>` line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, TypeVar

import duckdb

from keycrm_pipeline.period import Period

_NAME = re.compile(r"^-- name: (\w+)[ \t]*$", re.MULTILINE)

_Row = TypeVar("_Row")


@cache
def _statements(file: str) -> dict[str, str]:
    text = resources.files("keycrm_pipeline.warehouse").joinpath("sql", f"{file}.sql").read_text("utf-8")
    parts = _NAME.split(text)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def statement(file: str, name: str) -> str:
    """The statement with that name in `sql/<file>.sql`; KeyError when there is none."""
    return _statements(file)[name]


def period_parameters(period: Period | None) -> dict[str, date | None]:
    """A period for a query, `$first_day` and `$last_day`; no day lies between them when there is none."""
    return {"first_day": period.first if period else None, "last_day": period.last if period else None}


def quoted_text(text: str) -> str:
    """The text as an SQL literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def column_list(names: Iterable[str]) -> str:
    """The names, quoted and separated by commas."""
    return ", ".join(f'"{name}"' for name in names)


def single_row(answer: duckdb.DuckDBPyConnection) -> tuple[Any, ...]:
    """The row of a statement that always returns one, such as a count; LookupError when it returned none."""
    # All rows, since a statement with rows left keeps its transaction open, and with it what others have deleted.
    rows = answer.fetchall()
    if not rows:
        raise LookupError("A statement that must return one row returned none.")
    return rows[0]


def typed_rows(row_type: type[_Row], answer: duckdb.DuckDBPyConnection) -> list[_Row]:
    """The rows of a statement, its columns matched to the fields of `row_type` by name."""
    columns = [column[0] for column in answer.description]
    return [row_type(**dict(zip(columns, row, strict=True))) for row in answer.fetchall()]
