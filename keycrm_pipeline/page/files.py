"""Файли: makes a report or an export with the same job as Dagster's page, and hands out what was made.

A file is named in an address by a digest of its name: nothing that a browser sends becomes a path, and the name of a
legal entity stays out of addresses.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from keycrm_pipeline.kinds import DECIDING_DAYS, EXPORT_FORMATS
from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.remote import RemoteDagster
from keycrm_pipeline.page.rendering import render
from keycrm_pipeline.page.shops import (
    NotFoundError,
    WrongEntryError,
    page_settings,
    read_day,
    read_period,
    today,
    workspace_of,
)
from keycrm_pipeline.page.wording import DECIDING_DAY_NAMES, FORMATS
from keycrm_pipeline.profile import Profile, Workspace

MOST_SHOWN = 200

_REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
"""A report has its style inside and no script."""

Kind = Literal["report", "export"]


@dataclass(frozen=True)
class MadeFile:
    """One file that a report or an export left.

    Attributes:
        path: Where it is.
        kind: What made it.
        first_day: First day of its period.
        last_day: Last day, included.
        made_at: When it was written, UTC.
        size: Bytes.
    """

    path: Path
    kind: Kind
    first_day: date
    last_day: date
    made_at: datetime
    size: int

    @property
    def number(self) -> str:
        """What stands for it in an address."""
        return hashlib.sha256(f"{self.kind}/{self.path.name}".encode()).hexdigest()[:24]

    @property
    def is_page(self) -> bool:
        """Whether a browser shows it."""
        return self.kind == "report" and self.path.suffix == ".html"


def made_files(workspace: Workspace) -> list[MadeFile]:
    """The profile's files in the directories of reports and exports, newest first.

    Links are left out: they may lead anywhere.
    """
    pattern = re.compile(
        re.escape(workspace.profile.name) + r"_(\d{4}-\d\d-\d\d)_(\d{4}-\d\d-\d\d)(?![0-9]).*", re.DOTALL
    )
    found = []
    directories: tuple[tuple[Kind, Path], ...] = (
        ("report", workspace.reports_directory),
        ("export", workspace.exports_directory),
    )
    for kind, directory in directories:
        for path in directory.iterdir() if directory.is_dir() else ():
            match = pattern.fullmatch(path.name)
            if match is None or path.is_symlink() or not path.is_file():
                continue
            try:
                first, last = map(date.fromisoformat, match.groups())
                state = path.stat()
            except (ValueError, OSError):
                continue
            made_at = datetime.fromtimestamp(state.st_mtime, UTC)
            found.append(MadeFile(path, kind, first, last, made_at, state.st_size))
    return sorted(found, key=lambda file: (file.made_at, file.path.name), reverse=True)


def files(request: Request) -> Response:
    """The forms of a report and an export, and the files that were made."""
    return _page(request, "")


def _page(request: Request, problem: str) -> Response:
    workspace = workspace_of(request)
    profile = workspace.profile
    now = today(request, profile)
    made = made_files(workspace)
    return render(
        request,
        "files",
        200 if not problem else 422,
        profile=profile,
        first=max(profile.start_date, now.replace(day=1)),
        last=now,
        formats=FORMATS,
        organisations=list(profile.organisations),
        deciding_days=DECIDING_DAY_NAMES,
        stages=_stages(profile),
        made=made[:MOST_SHOWN],
        hidden=max(0, len(made) - MOST_SHOWN),
        problem=problem,
    )


def _stages(profile: Profile) -> list[str]:
    """The stages that the profile names, in its order."""
    return list(dict.fromkeys((*profile.hand_over.stages, *profile.statuses.stages.values())))


def make_file(request: Request) -> Response:
    """Starts the job that makes a report or an export.

    Raises:
        DagsterError: Dagster does not answer.
    """
    workspace = workspace_of(request)
    profile = workspace.profile
    form: dict[str, str] = request.state.form
    try:
        period = read_period(
            request,
            profile,
            read_day(form.get("from", ""), _("First day")),
            read_day(form.get("to", ""), _("Last day")),
        )
    except WrongEntryError as error:
        return _page(request, str(error))
    config: dict[str, object] = {
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
    }
    kind = request.path_params["kind"]
    if kind == "report":
        job = "report"
    elif kind == "export":
        job = "exports"
        if form.get("format") not in EXPORT_FORMATS:
            return _page(request, _("There is no such format. Choose one from the list."))
        config["format"] = form["format"]
        organisation = form.get("organisation", "")
        if organisation:
            if organisation not in profile.organisations:
                return _page(
                    request, _("The profile has no such organisation. Refresh the page and choose again.")
                )
            config["organisation"] = organisation
        decided_by = form.get("by", DECIDING_DAYS[0])
        stage = form.get("stage", "")
        if decided_by not in DECIDING_DAYS or (stage and stage not in _stages(profile)):
            return _page(
                request, _("There is no such day or no such stage. Refresh the page and choose again.")
            )
        config["decided_by"] = decided_by
        if stage:
            config["stages"] = [stage]
        if form.get("since_last") == "on":
            config["since_last"] = True
    else:
        raise NotFoundError
    run_id = RemoteDagster(page_settings(request).dagster).launch_file(profile.name, job, config)
    return RedirectResponse(f"/profiles/{profile.name}/runs/{run_id}", 303)


def download(request: Request) -> Response:
    """One file, to keep or, a report, to look at.

    Raises:
        NotFoundError: There is no such file.
    """
    workspace = workspace_of(request)
    number = request.path_params["number"]
    file = next((file for file in made_files(workspace) if file.number == number), None)
    if file is None:
        raise NotFoundError
    if request.path_params["way"] == "view" and file.is_page:
        return FileResponse(
            file.path, media_type="text/html", headers={"content-security-policy": _REPORT_POLICY}
        )
    return FileResponse(file.path, filename=file.path.name, content_disposition_type="attachment")
