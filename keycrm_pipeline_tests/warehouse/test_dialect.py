"""All SQL is what both engines understand: a lake has no keys, and returns no rows of what is written to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from keycrm_pipeline import warehouse

POSTGRESQL = "catalog.sql"
"""What PostgreSQL runs, for the lock of a lake."""
SQL = sorted(
    file for file in (Path(warehouse.__file__).parent / "sql").glob("*.sql") if file.name != POSTGRESQL
)
FILES_ALONE = re.compile(r"\bINSERT\s+OR\b|\bON\s+CONFLICT\b|\bRETURNING\b", re.IGNORECASE)


@pytest.mark.parametrize("file", SQL, ids=lambda file: file.stem)
def test_no_statement_is_for_files_alone(file: Path) -> None:
    """The one that is left brings files of an old version up to date; no lake was ever made by that version."""
    statements = file.read_text("utf-8").split("-- name: ")
    found = [text.split(None, 1)[0] for text in statements if FILES_ALONE.search(text)]
    assert found == (["forget_days_never_fetched"] if file.stem == "migrations" else [])
