"""What can go wrong with an export, in words a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from keycrm_pipeline.sentences import Message, MessageError
from keycrm_pipeline.sentences.exports import ExportFailure
from keycrm_pipeline.sentences.failures import NO_SPACE, cause_of


class ExportError(MessageError):
    """An export failed; the files of earlier exports were left unchanged."""


class ColumnMapError(ExportError):
    """The column map of the profile (`export.columns`) cannot be used.

    Attributes:
        problems: What is wrong with it.
    """

    def __init__(self, problems: Sequence[Message]) -> None:
        self.problems = tuple(problems)
        super().__init__(ExportFailure.COLUMN_MAP_UNUSABLE.message(problems=self.problems))


class OutputDirectoryError(ExportError):
    """The output directory cannot be written to, or its disk is full."""

    def __init__(self, directory: Path, error: OSError) -> None:
        super().__init__(
            ExportFailure.DISK_OF_FILES_FULL.message(path=directory)
            if error.errno in NO_SPACE
            else ExportFailure.DIRECTORY_CLOSED.message(path=directory, reason=cause_of(error))
        )


class SheetTooLongError(ExportError):
    """A table has more rows than a worksheet can hold."""

    def __init__(self, table: str, rows: int, most: int) -> None:
        super().__init__(ExportFailure.SHEET_TOO_LONG.message(table=table, rows=rows, most=most))
