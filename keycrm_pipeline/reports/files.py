"""Writes the exchange report of a period to a file. What the report shows is in `page`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from keycrm_pipeline.formatting import Language
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.reports.page import render_report, write_report
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.run.output import REPORTS, OutputError, deliver
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.sentences.exports import ExportFailure
from keycrm_pipeline.sentences.failures import Cause, cause_of


class ReportError(MessageError):
    """A report could not be written; the text says why and what to do."""


def report_path(workspace: Workspace, period: Period, language: Language) -> Path:
    """Where a report goes when nobody names a file; the English one is next to the Ukrainian one."""
    suffix = "" if language == "uk" else f"_{language}"
    name = f"{workspace.profile.name}_{period.first}_{period.last}{suffix}.html"
    return workspace.reports_directory / name


def report_period(
    workspace: Workspace, period: Period, *, language: Language, path: Path | None = None, now: datetime
) -> Path:
    """Writes the exchange report of a period and returns its file.

    Args:
        workspace: The profile with its database and directories.
        period: The local days.
        language: `uk` or `en`.
        path: The file; by default `report_path`, and also where KEYCRM_OUTPUT says.
        now: The time, timezone-aware.

    Raises:
        ReportError: The file cannot be written, or cannot be put where KEYCRM_OUTPUT says.
        WarehouseError: The database is missing, busy or unreadable.
    """
    is_named = path is not None
    path = path or report_path(workspace, period, language)
    # Checked before the log is read: an exchange that ends in between then reads as ended, not as killed.
    is_working = is_held(place_of(workspace))
    document = render_report(
        books_of(workspace),
        period,
        now=now,
        language=language,
        is_working=is_working,
    )
    try:
        # The report takes the place of what is there, and an administrator's machine would have no /dev/null any more.
        if path.exists() and not path.is_file():
            raise ReportError(
                ExportFailure.REPORT_NOT_WRITTEN.message(path=path, reason=Cause.IS_NO_FILE.message())
            )
        # Created here: the shop's figures are for their owner only.
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # A link stays, and the file that it leads to is replaced: /dev/stdout may be one.
        write_report(path.resolve(), document)
    except OSError as error:
        raise ReportError(
            ExportFailure.REPORT_NOT_WRITTEN.message(path=path, reason=cause_of(error))
        ) from None
    if not is_named:
        try:
            deliver([path], workspace.settings, REPORTS)
        except OutputError as error:
            raise ReportError(error.message) from None
    return path
