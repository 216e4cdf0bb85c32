"""Налаштування: the settings of a profile are shown, changed and saved into its file.

What is not here: which settings there are (`setting_fields`), what a form says (`setting_forms`), and how a file is
changed (`profile.editing`).
"""

from __future__ import annotations

import contextlib
import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _, message
from keycrm_pipeline.orchestration.remote import DagsterError, RemoteDagster
from keycrm_pipeline.page.kept_settings import KeptSettings
from keycrm_pipeline.page.rendering import render, written
from keycrm_pipeline.page.setting_fields import FILE_PAGE, ONLY_IN_THE_FILE, SETTING_PAGES, SettingPage
from keycrm_pipeline.page.setting_forms import (
    Entered,
    changes_of,
    names_of,
    problem_beside,
    problems_by_field,
    shown_groups,
    with_names,
)
from keycrm_pipeline.page.shops import NotFoundError, page_settings, reading, workspace_of
from keycrm_pipeline.profile import (
    FileChangedError,
    NotEditableError,
    NotWrittenError,
    Profile,
    ProfileError,
    ProfileFile,
    Setting,
    Workspace,
    changes_documents,
    read_profile_file,
    with_changes,
    write_profile_file,
)
from keycrm_pipeline.reading.databases import has_books
from keycrm_pipeline.run.account import Account, fetch_account, stored_account
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.warehouse.errors import WarehouseError

WAIT_SECONDS = 2.0
"""How long the lists of the account are waited for while an exchange writes; without them the form has no names."""

_DIGEST = "digest"

_DONE: Mapping[str, str] = {
    "saved": message("Saved. Dagster works with the new settings within a minute."),
    "unchanged": message("All is as it was: there was nothing to change."),
    "created": message(
        "The profile is created. Map statuses, accounts and services here, then load a month that you know well: "
        "“Load orders”."
    ),
    "created-alone": message(
        "The profile is created, but Dagster does not answer now. Start it (make run), then load the first month: "
        "“Load orders”."
    ),
}
_WRONG = message("Not saved: correct what is marked below.")
_CHANGED_MEANWHILE = message(
    "Not saved: somebody else has changed the profile's file meanwhile. See below what; the form keeps what you have "
    "entered, the rest is from the new file. Check it and save again."
)
_NOT_KNOWN = message(
    "Not saved: the form was opened too long ago, and it is no longer known what was changed in it. Below is what the "
    "file says now; enter the changes again."
)
_UNREADABLE = message(
    "The profile's file could not be written: check the permissions of the directory of profiles and the free disk "
    "space."
)


@dataclass(frozen=True)
class _Answer:
    """What is said about a form besides its fields.

    Attributes:
        entered: What somebody has entered; None to show the file.
        good: What was done.
        bad: Why nothing was saved.
        problems: Field -> what is wrong with it.
        elsewhere: What is wrong with settings that are not on this page.
        difference: Lines of the file that somebody else has changed, each with `-` or `+` before it.
        offers_rebuild: Whether documents follow only at a rebuild.
        status_code: Status of the answer.
    """

    entered: Entered | None = None
    good: str = ""
    bad: str = ""
    problems: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Sequence[str] = ()
    difference: Sequence[str] = ()
    offers_rebuild: bool = False
    status_code: int = 200


def settings(request: Request) -> Response:
    """A page of settings as the file has them."""
    workspace, page = _asked(request)
    asked = request.query_params
    return _page(
        request,
        workspace,
        page,
        _file(workspace),
        _Answer(
            good=_(_DONE[asked["done"]]) if asked.get("done") in _DONE else "",
            offers_rebuild="rebuild" in asked,
        ),
    )


def change_settings(request: Request) -> Response:
    """Saves what was changed in a form, or has the lists of the account read from KeyCRM.

    Raises:
        NotFoundError: There is no such page.
        ProfileError: The file on disk has a mistake.
    """
    workspace, page = _asked(request)
    form: dict[str, str] = request.state.form
    now = _file(workspace)
    without_saving = {"lists": _with_new_lists, "names": _with_names}.get(form.get("action", ""))
    if without_saving:
        return without_saving(request, workspace, page, now)
    made_from = _kept(request).file(now.name, form.get(_DIGEST, ""))
    if made_from is None:
        return _page(request, workspace, page, now, _Answer(bad=_(_NOT_KNOWN), status_code=409))
    changes = changes_of(page, form, made_from)
    if made_from.content != now.content:
        return _changed_meanwhile(request, workspace, page, made_from, now)
    if not changes:
        return _saved(request, workspace, "unchanged", ())
    entered = Entered(form)
    try:
        write_profile_file(made_from, with_changes(made_from, changes))
    except ProfileError as error:
        beside, elsewhere = problems_by_field(page, error.problems)
        answer = _Answer(entered, bad=_(_WRONG), problems=beside, elsewhere=elsewhere, status_code=422)
    except NotEditableError as error:
        answer = _Answer(entered, bad=_(_WRONG), problems=problem_beside(page, error), status_code=422)
    except FileChangedError:
        return _changed_meanwhile(request, workspace, page, made_from, _file(workspace))
    except NotWrittenError:
        answer = _Answer(entered, bad=_(_UNREADABLE), status_code=500)
    else:
        return _saved(request, workspace, "saved", tuple(changes))
    return _page(request, workspace, page, now, answer)


def only_in_the_file(request: Request) -> Response:
    """What is changed in the file alone: what each setting does and how it is written."""
    workspace = workspace_of(request)
    profile = workspace.profile
    return render(
        request,
        "settings_file",
        profile=profile,
        pages=setting_tabs(profile.name),
        file_name=f"{profile.name}.yaml",
        settings=ONLY_IN_THE_FILE,
    )


def setting_tabs(profile: str) -> dict[str, str]:
    """Address -> title of every page of settings."""
    titles = {name: page.title for name, page in SETTING_PAGES.items()} | {"file": FILE_PAGE}
    addresses = {_path(profile, name): title for name, title in titles.items()}
    return {f"/profiles/{profile}/connection": message("Connection"), **addresses}


def _asked(request: Request) -> tuple[Workspace, SettingPage]:
    workspace = workspace_of(request)
    page = SETTING_PAGES.get(request.path_params["page"])
    if page is None:
        raise NotFoundError
    return workspace, page


def _kept(request: Request) -> KeptSettings:
    kept: KeptSettings = request.app.state.kept_settings
    return kept


def _path(profile: str, page: str) -> str:
    return f"/profiles/{profile}/settings/{page}"


def _file(workspace: Workspace) -> ProfileFile:
    """The file as it is now.

    Raises:
        NotFoundError: It has gone.
        ProfileError: It has a mistake.
    """
    try:
        file = read_profile_file(workspace.profile.name, workspace.settings)
    except OSError:
        raise NotFoundError from None
    # A form can only be made of a file without mistakes.
    _profile: Profile = file.profile
    return file


def _tell(dagster: str) -> None:
    """Has Dagster's page show the change: its daemon reads profiles every minute, its page only when it is told."""
    with contextlib.suppress(DagsterError):
        RemoteDagster(dagster).read_profiles_again()


def _saved(request: Request, workspace: Workspace, done: str, changed: Sequence[Setting]) -> Response:
    # Before the first load there is nothing to rebuild.
    has_documents = has_books(workspace)
    rebuild = "&rebuild=1" if has_documents and any(map(changes_documents, changed)) else ""
    # After the answer: Dagster needs some seconds, and nobody has to wait for them.
    told = BackgroundTask(_tell, page_settings(request).dagster) if changed else None
    return RedirectResponse(f"{request.url.path}?done={done}{rebuild}", 303, background=told)


def _changed_meanwhile(
    request: Request, workspace: Workspace, page: SettingPage, made_from: ProfileFile, now: ProfileFile
) -> Response:
    """Shows what somebody else has changed, and the form with the changes of this person on top of it."""
    form: dict[str, str] = request.state.form
    mine = names_of(changes_of(page, form, made_from))
    difference = [
        line
        for line in difflib.ndiff(made_from.text.splitlines(), now.text.splitlines())
        if line.startswith(("+ ", "- "))
    ]
    answer = _Answer(Entered(form, mine), bad=_(_CHANGED_MEANWHILE), difference=difference, status_code=409)
    return _page(request, workspace, page, now, answer)


def _with_new_lists(request: Request, workspace: Workspace, page: SettingPage, file: ProfileFile) -> Response:
    entered = Entered(request.state.form)
    try:
        account = fetch_account(workspace, os.environ, page_settings(request).clock)
    except MessageError as error:
        bad = f"{_('No lists were received.')} {written(error.message)}"
        return _page(request, workspace, page, file, _Answer(entered, bad=bad, status_code=502))
    _kept(request).keep_account(workspace.profile.name, account)
    return _page(
        request, workspace, page, file, _Answer(entered, good=_("The lists were received from KeyCRM."))
    )


def _with_names(request: Request, workspace: Workspace, page: SettingPage, file: ProfileFile) -> Response:
    account = _account(request, workspace)
    if account is None:
        answer = _Answer(
            Entered(request.state.form),
            bad=_("No lists have been received yet. Press “Refresh the lists from KeyCRM”."),
            status_code=409,
        )
    else:
        filled = with_names(page, request.state.form, account)
        answer = _Answer(Entered(filled), good=_("What was empty is filled. Check it and press “Save”."))
    return _page(request, workspace, page, file, answer)


def _account(request: Request, workspace: Workspace) -> Account | None:
    """The newest lists that are known: those of the last load, or those that somebody has asked for since."""
    asked_for = _kept(request).account(workspace.profile.name)
    stored = None
    try:
        if has_books(workspace):
            with reading(workspace, WAIT_SECONDS) as connection:
                stored = stored_account(connection)
    except WarehouseError:
        pass
    known = [account for account in (asked_for, stored) if account is not None]
    return max(known, key=lambda account: account.read_at, default=None)


def _page(
    request: Request, workspace: Workspace, page: SettingPage, file: ProfileFile, answer: _Answer
) -> Response:
    _kept(request).keep_file(file)
    account = _account(request, workspace) if page.shows_account else None
    profile = file.profile
    return render(
        request,
        "settings",
        answer.status_code,
        profile=profile,
        pages=setting_tabs(profile.name),
        page=page,
        groups=shown_groups(page, file, account, answer.entered, answer.problems),
        account=account,
        digest=file.digest,
        file_name=file.path.name,
        answer=answer,
    )
