"""Files that people take away: the export of a period and the exchange report, as one call each.

Where the files go when nobody says, and which period is meant then. Commands and assets call it; what stands in
the files is in `exports` and `reports`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from keycrm_pipeline.profile import Profile, Settings, lock_path
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.run.session import open_warehouse

if TYPE_CHECKING:
    from keycrm_pipeline.exports import ExportResult
    from keycrm_pipeline.reports.formatting import Language

LAST_DAYS = 30
"""Days of a period that nobody named, today included."""


class HandoverError(Exception):
    """A file could not be made; the text says why and what to do."""


def exports_directory(settings: Settings) -> Path:
    """Where exports go when nobody says."""
    return settings.data_directory / "exports"


def report_path(
    profile: Profile, settings: Settings, first_day: date, last_day: date, language: Language
) -> Path:
    """Where the report of a period goes when nobody says: one in English stands beside the Ukrainian one."""
    suffix = "" if language == "uk" else f"_{language}"
    return settings.data_directory / "reports" / f"{profile.name}_{first_day}_{last_day}{suffix}.html"


def period_or_last_days(
    profile: Profile, first_day: date | None, last_day: date | None, now: datetime
) -> tuple[date, date]:
    """The period, completed where a day is missing: up to today, and 30 days long, but not before `start_date`.

    Args:
        profile: The profile, for its time zone and first day.
        first_day: First local day, when one was named.
        last_day: Last local day, when one was named.
        now: The time, aware.
    """
    last_day = last_day or now.astimezone(profile.zone).date()
    if first_day is None:
        first_day = min(last_day, max(profile.start_date, last_day - timedelta(days=LAST_DAYS - 1)))
    return first_day, last_day


def export_period(
    profile: Profile,
    settings: Settings,
    first_day: date,
    last_day: date,
    *,
    export_format: str,
    directory: Path | None = None,
    now: datetime,
) -> ExportResult:
    """Writes the documents of a period, both days included, for the accounting system.

    Args:
        profile: The profile.
        settings: Where profiles and data are.
        first_day: First local day.
        last_day: Last local day.
        export_format: One of `exports.FORMATS`.
        directory: Where the files go; `exports_directory` by default.
        now: The time, aware.

    Raises:
        ExportError: The format, the column map or the directory cannot be used.
        WarehouseError: The database is missing, busy or unreadable.
    """
    from keycrm_pipeline.exports import export_documents

    return export_documents(
        profile=profile,
        warehouse=open_warehouse(profile, settings),
        period_from=first_day,
        period_to=last_day,
        export_format=export_format,
        out_directory=directory or exports_directory(settings),
        now=now,
    )


def report_period(
    profile: Profile,
    settings: Settings,
    first_day: date,
    last_day: date,
    *,
    language: Language,
    path: Path | None = None,
    now: datetime,
) -> Path:
    """Writes the exchange report of a period, both days included, and returns its file.

    Args:
        profile: The profile.
        settings: Where profiles and data are.
        first_day: First local day.
        last_day: Last local day.
        language: `uk` or `en`.
        path: The file; `report_path` by default.
        now: The time, aware.

    Raises:
        HandoverError: The file cannot be written.
        WarehouseError: The database is missing, busy or unreadable.
    """
    from keycrm_pipeline.reports.page import render_report, write_report

    path = path or report_path(profile, settings, first_day, last_day, language)
    # Asked before the log is read: an exchange that ends in between is then read as ended, not as killed.
    is_working = is_held(lock_path(profile, settings))
    document = render_report(
        profile=profile,
        warehouse=open_warehouse(profile, settings),
        period_from=first_day,
        period_to=last_day,
        now=now,
        language=language,
        is_working=is_working,
    )
    try:
        # Made here, since figures of the shop are for its owner only.
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_report(path, document)
    except OSError as error:
        raise HandoverError(
            f"The report cannot be written to {path}: {error.strerror}. Choose another file with --out."
        ) from None
    return path
