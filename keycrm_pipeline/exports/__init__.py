"""Documents of a period for an accounting system: workbook, CSV, Parquet, CommerceML and Odoo files.

`export_period` is the entry point. Each format has a module of its own; `columns` holds the headers that users see,
`files` moves finished files into place.

What is not here: SQL (`warehouse.export`), accounting rules (`accounting`), the commands and assets that start an
export.
"""

from __future__ import annotations

from keycrm_pipeline.exports.documents import ExportResult, HeldBack, export_period
from keycrm_pipeline.exports.errors import ColumnMapError, ExportError

__all__ = [
    "ColumnMapError",
    "ExportError",
    "ExportResult",
    "HeldBack",
    "export_period",
]
