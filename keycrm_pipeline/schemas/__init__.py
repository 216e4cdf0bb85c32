"""The tables of a profile's database: names, types, comments and checks of every column, each written once.

What is not here: SQL (`warehouse`), accounting rules (`accounting`).
"""

from __future__ import annotations

from keycrm_pipeline.schemas import accounting, ops, raw, validated
from keycrm_pipeline.schemas.columns import Column, Table

TABLES: tuple[Table, ...] = tuple(
    value
    for module in (raw, validated, accounting, ops)
    for value in vars(module).values()
    if isinstance(value, Table)
)
"""Every table, raw first."""

__all__ = ["TABLES", "Column", "Table"]
