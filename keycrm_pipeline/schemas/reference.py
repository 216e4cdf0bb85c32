"""The table reference of the docs, written from `TABLES`: what a reader of the database finds in it.

`docs/tables.md` is this module's output and nothing else; a test compares the two. Renew it with

    python -m keycrm_pipeline.schemas.reference docs/tables.md

The views of schema `reports` are not tables of ours to fill; `docs/reports.md` lists them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from keycrm_pipeline.schemas import TABLES, Table
from keycrm_pipeline.schemas.raw import REFERENCE_LISTS

SCHEMA_INTRODUCTIONS: Mapping[str, str] = {
    "raw": (
        "What KeyCRM answered, kept as it came. Everything else in the file can be derived from here again "
        "without a request (`keycrm-pipeline rebuild`). Each reference list is a view, too: "
        + ", ".join(f"`raw.{name}`" for name in REFERENCE_LISTS)
        + "."
    ),
    "validated": (
        "Orders as typed rows that passed their checks; a step on the way, written anew at any time. "
        "Read `accounting` instead."
    ),
    "accounting": "The books: cards of partners and products, and the order documents. This is what to read.",
    "ops": "The exchange log, what waits for a person, and what a load needs to go on after a crash.",
}
"""One paragraph a schema, in the order of the reference."""

_INTRODUCTION = """\
# Tables of a profile's database

*Written from `keycrm_pipeline/schemas`; change it there and run `make docs`.*

Each profile has one DuckDB file, `data/<profile>.duckdb`. Open it read-only, from any program that reads
DuckDB, and close it soon: while a program holds it open, an exchange cannot write.

```python
import duckdb

with duckdb.connect("data/demo.duckdb", read_only=True) as books:
    books.sql("SELECT order_day, currency, sum(grand_total) FROM accounting.orders GROUP BY ALL").show()
```

- Money is `DECIMAL(18,2)`, quantity `DECIMAL(18,3)`, an instant `TIMESTAMPTZ`, a day `DATE`. Sums are in the
  `currency` of their order and are never added across currencies.
- A column marked *required* is never empty. An empty value means that there is none; it is never 0 or a
  blank text.
- `created_at` is when the exchange made the row, `updated_at` when it last really changed it. Loading the
  same data again moves neither.
- The same comments stand in the file itself: `SELECT * FROM duckdb_columns()`.
- Names are a promise: columns may be added, none is renamed or dropped without a migration of the file.
- Views for reports are in schema `reports`; see [reports.md](reports.md).
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _table_section(table: Table) -> str:
    """The heading, what a row is, the key, and one row a column."""
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


def table_reference(tables: Sequence[Table] = TABLES) -> str:
    """The whole reference as Markdown; the text of `docs/tables.md`.

    Args:
        tables: The tables to describe; all of them by default.

    Raises:
        KeyError: A table is in a schema that `SCHEMA_INTRODUCTIONS` does not know.
    """
    sections = [_INTRODUCTION]
    described: set[str] = set()
    for table in sorted(tables, key=lambda table: list(SCHEMA_INTRODUCTIONS).index(table.schema)):
        if table.schema not in described:
            described.add(table.schema)
            sections.append(f"## Schema `{table.schema}`\n\n{SCHEMA_INTRODUCTIONS[table.schema]}\n")
        sections.append(_table_section(table))
    return "\n".join(sections)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table_reference(), encoding="utf-8")
