"""Обміни: the exchange log."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from keycrm_pipeline.page.rendering import query, render
from keycrm_pipeline.page.shops import read_number, reading, workspace_of
from keycrm_pipeline.reading.rebuild_due import rebuild_due
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.warehouse.page import exchange_page


def exchanges(request: Request) -> Response:
    """The log, newest first."""
    workspace = workspace_of(request)
    after = read_number(request.query_params.get("after"))
    # Checked before the log is read: an exchange that ends in between then reads as ended, not as killed.
    is_working = is_held(place_of(workspace))
    with reading(workspace) as connection:
        found, following = exchange_page(connection, after)
        due = rebuild_due(connection, workspace.profile)
    return render(
        request,
        "exchanges",
        profile=workspace.profile,
        found=found,
        is_working=is_working,
        following=query(request.url.path, [("after", following)]) if following else None,
        is_first=after is None,
        first_page=request.url.path,
        rebuild_due=due,
    )
