"""The page about exports names what there really is."""

from __future__ import annotations

import re
from pathlib import Path

from keycrm_pipeline.exports.columns import TABLES
from keycrm_pipeline.kinds import EXPORT_FORMATS

PAGE = (Path(__file__).parents[2] / "docs" / "exports.md").read_text(encoding="utf-8")


def _columns(section: str) -> dict[str, list[str]]:
    """The table of columns that follows a sentence of the page."""
    _, _, rest = PAGE.partition(section)
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", rest.split("\n\n")[1], re.MULTILINE)
    return {table: re.findall(r"`(\w+)`", columns) for table, columns in rows}


def test_column_names_are_those_of_the_export() -> None:
    """A name copied from the page into a profile must work."""
    assert _columns("Default columns by name:") == {
        table.name: [column.name for column in table.columns if column.is_default] for table in TABLES
    }
    assert _columns("columns that are not there by default:") == {
        table.name: [column.name for column in table.columns if not column.is_default] for table in TABLES
    }


def test_sheets_and_formats_are_named() -> None:
    """The page has every sheet and every format."""
    for table in TABLES:
        assert f"| `{table.name}` | {table.title} |" in PAGE
    for name in EXPORT_FORMATS:
        assert f"**`{name}`**" in PAGE
