"""What can go wrong with an export, in words a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class ExportError(Exception):
    """An export failed; the files of earlier exports were left unchanged."""


class ColumnMapError(ExportError):
    """The column map of the profile (`export.columns`) cannot be used.

    Attributes:
        problems: One sentence each.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("The profile's export.columns cannot be used. " + " ".join(self.problems))


class OutputDirectoryError(ExportError):
    """The output directory cannot be written to."""

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(
            f"The directory {directory} cannot be written to: {reason}. Choose another one, or fix its "
            "permissions."
        )


class SheetTooLongError(ExportError):
    """A table has more rows than a worksheet can hold."""

    def __init__(self, table: str, rows: int, most: int) -> None:
        super().__init__(
            f"The table {table} has {rows} rows; a worksheet can hold {most}. Export a shorter "
            "period, or choose the format csv or parquet."
        )
