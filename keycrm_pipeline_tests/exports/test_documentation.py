"""docs/exports.md names the tables, columns and formats that an export really has."""

from __future__ import annotations

import re
from pathlib import Path

from keycrm_pipeline.export_tables import TABLES
from keycrm_pipeline.kinds import EXPORT_FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)
"""A table with a list of its columns."""


def test_column_names_are_those_of_the_export() -> None:
    """Every column can be found on the page, in its order, and a name copied from there into a profile works."""
    rows = {(table, *re.findall(r"\w+", columns)) for table, columns in _ROW.findall(PAGE)}
    assert rows == {
        (table.name, *(column.name for column in table.columns if column.is_default is is_default))
        for table in TABLES
        for is_default in (True, False)
    }


def test_sheets_and_formats_are_named() -> None:
    """The page has every sheet and every format."""
    for table in TABLES:
        assert f"| `{table.name}` | {table.title} |" in PAGE
    for name in EXPORT_FORMATS:
        assert f"`{name}`" in PAGE
