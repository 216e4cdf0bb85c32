"""Закриття місяця: what is left to do before a month is closed, its money, and the workbook of both.

What is not here: what is read (`exports.month`), and which step is done (`accounting.month`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.kinds import StepName
from keycrm_pipeline.page.rendering import query, render
from keycrm_pipeline.page.shops import WAIT_SECONDS, NotFoundError, today, workspace_of
from keycrm_pipeline.period import DAY, Period, month_from_text, month_of
from keycrm_pipeline.profile import Profile

if TYPE_CHECKING:
    from keycrm_pipeline.exports.month import MonthEnd

MOST_MONTHS: Final = 36
"""Months to choose from, the newest."""

MOST_SHOWN: Final = 100
"""Rows of a list; the workbook has all of them."""

LISTS: Final[Mapping[StepName, str]] = {
    "days": "load",
    "rejected": "attention#rejected_order",
    "unmapped": "attention#unmapped_status",
    "receipts": "attention#receipt_conflict",
    "reconciliation": "reconciliation",
    "closed_period": "attention#closed-period",
    "handed_over": "files",
}
"""Step -> the page of the profile that lists what is open in it."""

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def month(request: Request) -> Response:
    """The check list of a month: of the one that was chosen, else of the last one that is over.

    Raises:
        NotFoundError: There is no such month for this profile.
        WarehouseError: Nothing is loaded yet, or the books cannot be read now.
    """
    workspace = workspace_of(request)
    profile = workspace.profile
    months = _months(profile, today(request, profile))
    chosen = _chosen(months, request.query_params.get("month"))
    found = _read(request, chosen)
    return render(
        request,
        "month",
        profile=profile,
        months=months,
        chosen=chosen,
        found=found,
        lists={line.step.name: _list_of(found, line.step.name) for line in found.lines},
        most=MOST_SHOWN,
    )


def choose_month(request: Request) -> Response:
    """Leads to the month that was chosen.

    Raises:
        NotFoundError: There is no such month for this profile.
    """
    profile = workspace_of(request).profile
    chosen = _chosen(_months(profile, today(request, profile)), request.state.form.get("month"))
    return RedirectResponse(f"/profiles/{profile.name}/month?month={chosen.first:%Y-%m}", 303)


def workbook(request: Request) -> Response:
    """The workbook of a month, to keep; it is made for the answer and not stored.

    Raises:
        NotFoundError: There is no such month for this profile.
        WarehouseError: Nothing is loaded yet, or the books cannot be read now.
    """
    from keycrm_pipeline.exports.month_workbook import month_workbook

    workspace = workspace_of(request)
    months = _months(workspace.profile, today(request, workspace.profile))
    found = _read(request, _chosen(months, request.path_params["month"]))
    name = f"{workspace.profile.name}_{found.month.first}_{found.month.last}_month.xlsx"
    return Response(
        month_workbook(workspace, found),
        media_type=_XLSX,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


def _read(request: Request, chosen: Period) -> MonthEnd:
    # Reading the ledger needs polars, which no other page does.
    from keycrm_pipeline.exports.month import read_month

    workspace = workspace_of(request)
    now = today(request, workspace.profile)
    return read_month(workspace, chosen, today=now, wait_seconds=WAIT_SECONDS)


def _months(profile: Profile, now: date) -> list[Period]:
    """The months from the profile's first day on, newest first."""
    found = [month_of(now)]
    while found[-1].first > profile.start_date and len(found) < MOST_MONTHS:
        found.append(month_of(found[-1].first - DAY))
    return found


def _chosen(months: list[Period], typed: str | None) -> Period:
    if not typed:
        return months[min(1, len(months) - 1)]
    try:
        chosen = month_from_text(typed)
    except ValueError:
        raise NotFoundError from None
    if chosen not in months:
        raise NotFoundError
    return chosen


def _list_of(found: MonthEnd, step: StepName) -> str:
    address = f"/profiles/{found.profile}/{LISTS[step]}"
    hand_over = found.hand_over
    days = {"from": found.past.first.isoformat(), "to": found.past.last.isoformat()}
    asked: Mapping[StepName, Mapping[str, str]] = {
        "reconciliation": days,
        "handed_over": {
            **days,
            "format": hand_over.export_format,
            "by": hand_over.decided_by,
            "since_last": "on",
        },
    }
    return query(address, asked[step].items()) if step in asked else address
