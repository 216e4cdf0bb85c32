"""The custom fields of KeyCRM that a profile names: which table each is a column of, and which names are taken.

What is not here: reading them from KeyCRM's payloads (`warehouse`), and writing them (`exports`).
"""

from __future__ import annotations

from collections.abc import Mapping

from keycrm_pipeline.export_tables import TABLES

OF_ORDERS = "OR_"
"""What the id of an order's field begins with; any other is one of products, unless its name begins with a table."""

OF_BUYERS = "buyers"
"""Stands before the name of a column of partners whose field is the buyer's own, which KeyCRM is asked for."""

EDRPOU = "edrpou"
"""The column of partners that holds the ЄДРПОУ of their company: formats with a place for it put it there."""

OTHER_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "orders": (
        *("custom_fields", "difference", "manager_id", "missing_in_crm"),
        *("partner_has_namesakes", "payment_method_id", "payment_method_kind"),
    ),
    "partners": ("as_of_order_id", "as_of_ordered_at", "custom_fields", "email_key", "name_key", "phone_key"),
    "products": ("custom_fields", "name_key", "sku_key"),
}
"""Table -> its columns that no column map can name: those of the books alone, and those meant for one format."""


def column_of(field: str, name: str) -> tuple[str, str]:
    """Table and column of a custom field.

    Args:
        field: Its id in KeyCRM.
        name: What the profile calls it: a column, or a table and a column with a dot between them.
    """
    named, _, column = name.rpartition(".")
    if not named:
        return "orders" if field.startswith(OF_ORDERS) else "products", column
    return "partners" if named == OF_BUYERS else named, column


def fields_of_table(table: str, names: Mapping[str, str]) -> dict[str, str]:
    """Id in KeyCRM -> name of the column, of the fields that a table has.

    Args:
        table: Name of an exported table.
        names: The profile's `custom_fields`.
    """
    columns = {field: column_of(field, name) for field, name in names.items()}
    return {field: column for field, (of, column) in columns.items() if of == table}


def is_taken(table: str, column: str) -> bool:
    """Whether the table has a column of this name already, in an export or in the books."""
    exported = (
        known.name for known_table in TABLES if known_table.name == table for known in known_table.columns
    )
    return column in exported or column in OTHER_COLUMNS.get(table, ())
