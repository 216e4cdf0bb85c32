"""Documents of a period for an accounting system: workbook, CSV, Parquet, CommerceML and Odoo files.

`export_documents` is the door. One module a format; `columns` holds the names a person sees, `files` how a
file gets into its place.

What is not here: SQL (`warehouse.export`), rules of bookkeeping (`books`), commands and assets that start an
export.
"""

from __future__ import annotations

from keycrm_pipeline.exports.documents import (
    FORMATS,
    ExportProfile,
    ExportResult,
    HeldBack,
    export_documents,
)
from keycrm_pipeline.exports.errors import ColumnMapError, ExportError

__all__ = [
    "FORMATS",
    "ColumnMapError",
    "ExportError",
    "ExportProfile",
    "ExportResult",
    "HeldBack",
    "export_documents",
]
