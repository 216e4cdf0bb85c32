"""Підключення: whether the profile has a key; storing, replacing, removing and testing it. The key is never shown.

What is not here: where keys are looked for (`profile.keys`), and the request that tests one (`run.client`).
"""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _, message
from keycrm_pipeline.page.profile_settings import setting_tabs
from keycrm_pipeline.page.rendering import render, written
from keycrm_pipeline.page.shops import NotFoundError, workspace_of
from keycrm_pipeline.profile import (
    SANDBOX,
    FoundKey,
    MissingKeyError,
    UnusableKeyError,
    Workspace,
    remove_stored_key,
    store_key,
)
from keycrm_pipeline.run.client import count_statuses
from keycrm_pipeline.sentences import MessageError

_DONE = {"stored": message("The key is stored. Check it."), "removed": message("The key is removed.")}


def connection(request: Request) -> Response:
    """Whether there is a key and where it comes from, and the forms that change it."""
    workspace = workspace_of(request)
    return _page(request, workspace, good=_done(request))


def _done(request: Request) -> str:
    done = _DONE.get(request.query_params.get("done", ""))
    return _(done) if done else ""


def change_connection(request: Request) -> Response:
    """Stores the key that was typed, removes the stored one, or tests the one that is used.

    Raises:
        NotFoundError: There is no such action.
    """
    workspace = workspace_of(request)
    profile = workspace.profile
    form: dict[str, str] = request.state.form
    action = form.get("action")
    data = workspace.settings.data_directory
    try:
        if action == "store" and profile.base_url != SANDBOX:
            store_key(profile.name, form.get("key", ""), data)
            return RedirectResponse(f"/profiles/{profile.name}/connection?done=stored", 303)
        if action == "remove":
            remove_stored_key(profile.name, data)
            return RedirectResponse(f"/profiles/{profile.name}/connection?done=removed", 303)
        if action == "test":
            statuses = count_statuses(workspace, os.environ)
            return _page(
                request,
                workspace,
                good=_(
                    "The key works: KeyCRM has answered, statuses in the account: {count}.", count=statuses
                ),
            )
    except MessageError as error:
        return _page(request, workspace, bad=written(error.message))
    raise NotFoundError


def _page(request: Request, workspace: Workspace, *, good: str = "", bad: str = "") -> Response:
    found: FoundKey | None = None
    unusable = ""
    try:
        found = workspace.find_key(os.environ)
    except UnusableKeyError as error:
        unusable = written(error.message)
    except MissingKeyError:
        pass
    return render(
        request,
        "connection",
        422 if bad else 200,
        profile=workspace.profile,
        pages=setting_tabs(workspace.profile.name),
        is_sandbox=workspace.profile.base_url == SANDBOX,
        has_key=found is not None,
        place=found.place if found else "",
        is_stored=found.is_stored if found else False,
        unusable=unusable,
        good=good,
        bad=bad,
    )
