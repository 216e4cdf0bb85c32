"""Файли: makes a report or an export with the job of Dagster's page, tries an export, and hands out what was made.

A file is named in an address by a digest of its name: nothing that a browser sends becomes a path, and the name of a
legal entity stays out of addresses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from keycrm_pipeline.kinds import DECIDING_DAYS, EXPORT_FORMATS
from keycrm_pipeline.language import _, message
from keycrm_pipeline.orchestration.remote import RemoteDagster
from keycrm_pipeline.page.rendering import render, written
from keycrm_pipeline.page.shops import (
    NotFoundError,
    WrongEntryError,
    page_settings,
    read_day,
    read_period,
    today,
    workspace_of,
)
from keycrm_pipeline.page.wording import DECIDING_DAY_NAMES, DIFFERENCE_NAMES, FORMATS
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Workspace

if TYPE_CHECKING:
    from keycrm_pipeline.exports import ExportResult

MOST_SHOWN = 200

_REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
"""A report has its style inside and no script."""

MOST_ORDERS_SHOWN = 100
"""Orders of one state or cause that are linked to."""

_FIELDS = ("from", "to", "format", "organisation", "by", "stage", "since_last")
"""Fields of the form of an export."""

_JOBS = {"report": "report", "export": "exports"}

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
    return _page(request, given=_given(request.query_params))


def _given(values: Mapping[str, str]) -> dict[str, str]:
    """What the form of an export shows, of an address or of a form that was sent."""
    given = {name: values[name] for name in _FIELDS if values.get(name)}
    for name in ("from", "to"):
        try:
            day = read_day(given.pop(name, ""), name)
        except WrongEntryError:
            continue
        if day is not None:
            given[name] = day.isoformat()
    return given


def _page(
    request: Request,
    problem: str = "",
    *,
    given: Mapping[str, str] | None = None,
    tried: ExportResult | None = None,
) -> Response:
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
        given=given or {},
        tried=tried,
        tried_counts=() if tried is None else _counts(tried),
        differing={} if tried is None else _differing(tried),
        difference_names=DIFFERENCE_NAMES,
        most_orders=MOST_ORDERS_SHOWN,
    )


def _counts(tried: ExportResult) -> list[tuple[str, int]]:
    hand_over = tried.hand_over
    return [
        (message("Documents"), tried.counts["orders"]),
        *((DIFFERENCE_NAMES[state], hand_over.count(state)) for state in DIFFERENCE_NAMES),
        (message("Unchanged since the last export"), hand_over.unchanged),
        (message("Not exported"), tried.orders_held_back),
        (message("Changes in the closed period"), len(hand_over.closed)),
        (message("New partners"), tried.new_partners),
        (message("New products"), tried.new_products),
    ]


def _differing(tried: ExportResult) -> dict[str, list[int]]:
    """State -> orders that are so beside what was handed over; the states that occur."""
    found: dict[str, list[int]] = {}
    for one in tried.hand_over.differences:
        found.setdefault(one.state, []).append(one.order_id)
    return found


def _stages(profile: Profile) -> list[str]:
    """The stages that the profile names, in its order."""
    return list(dict.fromkeys((*profile.hand_over.stages, *profile.statuses.stages.values())))


def make_file(request: Request) -> Response:
    """Starts the job that makes a report or an export, or says what an export would contain.

    Raises:
        DagsterError: Dagster does not answer.
        WarehouseError: The books cannot be read now.
    """
    workspace = workspace_of(request)
    profile = workspace.profile
    form: dict[str, str] = request.state.form
    kind = request.path_params["kind"]
    given = _given(form) if kind != "report" else {}
    try:
        period = read_period(
            request,
            profile,
            read_day(form.get("from", ""), _("First day")),
            read_day(form.get("to", ""), _("Last day")),
        )
        config: dict[str, object] = {
            "period_from": period.first.isoformat(),
            "period_to": period.last.isoformat(),
        }
        if kind in ("export", "check"):
            config |= _export_config(profile, form)
    except WrongEntryError as error:
        return _page(request, str(error), given=given)
    if kind == "check":
        return _check(request, period, config, given)
    if kind not in _JOBS:
        raise NotFoundError
    run_id = RemoteDagster(page_settings(request).dagster).launch_file(profile.name, _JOBS[kind], config)
    return RedirectResponse(f"/profiles/{profile.name}/runs/{run_id}", 303)


def _export_config(profile: Profile, form: Mapping[str, str]) -> dict[str, object]:
    """What the form of an export asks for, as the job takes it.

    Raises:
        WrongEntryError: The profile has no such format, organisation, day or stage.
    """
    if form.get("format") not in EXPORT_FORMATS:
        raise WrongEntryError(_("There is no such format. Choose one from the list."))
    config: dict[str, object] = {"format": form["format"]}
    organisation = form.get("organisation", "")
    if organisation:
        if organisation not in profile.organisations:
            raise WrongEntryError(
                _("The profile has no such organisation. Refresh the page and choose again.")
            )
        config["organisation"] = organisation
    decided_by = form.get("by", DECIDING_DAYS[0])
    stage = form.get("stage", "")
    if decided_by not in DECIDING_DAYS or (stage and stage not in _stages(profile)):
        raise WrongEntryError(_("There is no such day or no such stage. Refresh the page and choose again."))
    config["decided_by"] = decided_by
    if stage:
        config["stages"] = [stage]
    if form.get("since_last") == "on":
        config["since_last"] = True
    return config


def _check(request: Request, period: Period, config: Mapping[str, Any], given: Mapping[str, str]) -> Response:
    """Says what an export would contain and what not: read here, so that Dagster need not run."""
    # Needs polars, which no other page does but the month's end.
    from keycrm_pipeline.exports import ExportError, export_period

    try:
        tried = export_period(
            workspace_of(request),
            period,
            export_format=config["format"],
            organisation=config.get("organisation"),
            decided_by=config["decided_by"],
            stages=config.get("stages", ()),
            since_last=config.get("since_last", False),
            dry_run=True,
            now=page_settings(request).clock(),
        )
    except ExportError as error:
        return _page(request, written(error.message), given=given)
    return _page(request, given=given, tried=tried)


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
