"""Generates the table reference of the docs from `TABLES`.

`docs/tables.md` is the output of this module; a test compares the two. Regenerate it with

    python -m keycrm_pipeline.schemas.reference docs/tables.md

The views of schema `reports` are listed in `docs/reports.md`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from keycrm_pipeline.schemas import TABLES, Table
from keycrm_pipeline.schemas.raw import REFERENCE_LISTS

SCHEMA_INTRODUCTIONS: Mapping[str, str] = {
    "raw": (
        "What KeyCRM returned, unchanged. Everything else in the file can be derived from it again without a "
        "request (`keycrm-pipeline rebuild`). Each reference list is also a view: "
        + ", ".join(f"`raw.{name}`" for name in REFERENCE_LISTS)
        + "."
    ),
    "validated": (
        "Orders as typed rows that passed their checks; an intermediate step that can be rewritten at any time. "
        "Read `accounting` instead."
    ),
    "accounting": "The books: partner and product cards, and the order documents. Read these tables.",
    "ops": "The exchange log, the review list, and what a load needs to continue after a crash.",
}
"""One paragraph per schema, in the order of the reference."""

_INTRODUCTION = """\
# Tables of a profile's database

*Generated from `keycrm_pipeline/schemas`; change it there and run `make docs`.*

Each profile has one DuckDB file, `data/<profile>.duckdb`. Open it read-only, with any program that reads
DuckDB, and close it soon: while a program has it open, an exchange cannot write.

```python
import duckdb

with duckdb.connect("data/demo.duckdb", read_only=True) as books:
    books.sql("SELECT order_day, currency, sum(grand_total) FROM accounting.orders GROUP BY ALL").show()
```

- Money is `DECIMAL(18,2)`, a quantity `DECIMAL(18,3)`, a time `TIMESTAMPTZ`, a day `DATE`. Sums are in the
  `currency` of their order and are never added across currencies.
- A column marked *required* is never empty. An empty value means that there is none; it is never 0 or an
  empty text.
- `created_at` is when the exchange created the row, `updated_at` when it last changed a value in it. Loading the
  same data again changes neither.
- The same comments are in the file itself: `SELECT * FROM duckdb_columns()`.
- Names are stable: columns may be added, but none is renamed or dropped without a migration of the file.
- Views for reports are in schema `reports`; see [reports.md](reports.md).
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table_section(table: Table) -> str:
    """The heading, what a row is, the key, and one row per column."""
    rows = "\n".join(
        f"| `{column.name}` | `{column.type}` | {'' if column.nullable else 'required'} "
        f"| {_cell(column.comment)} |"
        for column in table.columns
    )
    key = ", ".join(f"`{name}`" for name in table.primary_key)
    return (
        f"### `{table.qualified_name}`\n\n{table.comment} Key: {key}.\n\n"
        f"| Column | Type | | Meaning |\n|---|---|---|---|\n{rows}\n"
    )


def table_reference() -> str:
    """The whole reference as Markdown; the text of `docs/tables.md`.

    Raises:
        KeyError: A table is in a schema that `SCHEMA_INTRODUCTIONS` does not know.
    """
    sections = [_INTRODUCTION]
    described: set[str] = set()
    for table in sorted(TABLES, key=lambda table: list(SCHEMA_INTRODUCTIONS).index(table.schema)):
        if table.schema not in described:
            described.add(table.schema)
            sections.append(f"## Schema `{table.schema}`\n\n{SCHEMA_INTRODUCTIONS[table.schema]}\n")
        sections.append(_table_section(table))
    return "\n".join(sections)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table_reference(), encoding="utf-8")
