"""The custom fields of KeyCRM that a profile names, as columns of the exported tables.

What is not here: reading them from KeyCRM's payloads (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

OF_ORDERS = "OR_"
"""What the id of an order's field begins with; any other is one of products, unless its name begins with a table."""

FIELDS = "custom_fields"
"""The column of a frame that holds all fields of a row, as a JSON object."""


def fields_of_table(table: str, names: Mapping[str, str]) -> dict[str, str]:
    """Id in KeyCRM -> name of the column, of the fields that a table has.

    Args:
        table: Name of an exported table.
        names: The profile's `custom_fields`.
    """
    found = {}
    for field, name in names.items():
        named, dot, column = name.rpartition(".")
        of = named if dot else "orders" if field.startswith(OF_ORDERS) else "products"
        if of == table:
            found[field] = column
    return found


def with_custom_fields(table: str, frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame with a text column for each field that the table has; its rows hold all fields in `FIELDS`."""
    return frame.with_columns(
        pl.col(FIELDS).str.json_path_match(f"$.{field}").alias(name)
        for field, name in fields_of_table(table, names).items()
    )
