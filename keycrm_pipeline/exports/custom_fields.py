"""The custom fields of KeyCRM that a profile names, as columns of the exported tables.

What is not here: which field is a column of which table (`keycrm_pipeline.custom_fields`), and reading them from
KeyCRM's payloads (`warehouse`).
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from keycrm_pipeline.custom_fields import fields_of_table

FIELDS = "custom_fields"
"""The column of a frame that holds all fields of a row, as a JSON object."""


def with_custom_fields(table: str, frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """The frame with a text column for each field that the table has; its rows hold all fields in `FIELDS`."""
    return frame.with_columns(
        pl.col(FIELDS).str.json_path_match(f"$.{field}").alias(name)
        for field, name in fields_of_table(table, names).items()
    )
