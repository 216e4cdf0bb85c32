"""Звірка: the payments of a period beside the money that came for them (R15).

What is not here: how the lines are made; they are only read (`warehouse.reconciliation_lines`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.kinds import OPEN_RECONCILIATION_KINDS, RECONCILIATION_NAMES
from keycrm_pipeline.language import _
from keycrm_pipeline.page.rendering import query, render
from keycrm_pipeline.page.shops import (
    WrongEntryError,
    read_day,
    read_period,
    reading,
    today,
    workspace_of,
)
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.reconciliation_lines import counts_by_kind, lines_of_period, reconciled_at

MOST_LINES: Final = 200
"""Lines that are shown, the oldest; the workbook has all of them."""


def reconciliation(request: Request) -> Response:
    """How many lines of each kind a period has, and those that a person has to look at, or those of one kind."""
    workspace = workspace_of(request)
    profile = workspace.profile
    given = request.query_params
    now = datetime.combine(today(request, profile), time(12), UTC)
    period = workspace.period_or_last_days(None, None, now)
    problem = ""
    try:
        if given.get("from") or given.get("to"):
            period = _period(request, given.get("from", ""), given.get("to", ""))
    except WrongEntryError as error:
        problem = str(error)
    kind = given.get("kind") if given.get("kind") in RECONCILIATION_NAMES else None
    with reading(workspace) as connection:
        counts = counts_by_kind(connection, period)
        lines = lines_of_period(
            connection, period, OPEN_RECONCILIATION_KINDS if kind is None else (kind,), most=MOST_LINES
        )
        compared_at = reconciled_at(connection)
    chosen = sum(
        count.lines
        for count in counts
        if count.kind == kind or (kind is None and count.kind in OPEN_RECONCILIATION_KINDS)
    )
    days = [("from", period.first.isoformat()), ("to", period.last.isoformat())]
    return render(
        request,
        "reconciliation",
        profile=profile,
        shown_period=period,
        problem=problem,
        counts=counts,
        addresses={name: query(request.url.path, [*days, ("kind", name)]) for name in RECONCILIATION_NAMES},
        open_address=query(request.url.path, days),
        kind=kind,
        lines=lines,
        chosen=chosen,
        compared_at=compared_at,
    )


def choose_period(request: Request) -> Response:
    """Leads to the period that was chosen."""
    workspace = workspace_of(request)
    form: dict[str, str] = request.state.form
    address = query(
        f"/profiles/{workspace.profile.name}/reconciliation",
        [(name, form.get(name, "").strip()[:20]) for name in ("from", "to")],
    )
    return RedirectResponse(address, 303)


def _period(request: Request, first: str, last: str) -> Period:
    days: list[date | None] = [read_day(first, _("First day")), read_day(last, _("Last day"))]
    return read_period(request, workspace_of(request).profile, *days)
