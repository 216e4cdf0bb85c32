"""Новий профіль: name and key, what the account has, then the same file that `keycrm-pipeline init` writes.

A key that was typed waits in memory until the profile is created, and is never put into a page. What is not here: the
file itself (`run.new_profile`), and changing its settings.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from datetime import date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _, message
from keycrm_pipeline.orchestration.remote import DagsterError
from keycrm_pipeline.page.loading import dagster_of
from keycrm_pipeline.page.rendering import render, written
from keycrm_pipeline.page.shops import WrongEntryError, page_settings, read_day
from keycrm_pipeline.profile import SANDBOX, KeyNotStoredError, MissingKeyError
from keycrm_pipeline.run.account import account_of
from keycrm_pipeline.run.new_profile import (
    DEFAULT_PARTNER,
    Choices,
    Connection,
    NameTakenError,
    NewProfile,
    NewProfileError,
    WrongDayError,
    WrongKeyError,
    WrongNameError,
    check_first_day,
    checked_key,
    default_choices,
    earlier_books,
    new_workspace,
    read_new_profile,
    write_new_profile,
)
from keycrm_pipeline.sentences import MessageError

PATH = "/new-profile"
WAITS_FOR = timedelta(minutes=30)
"""How long an account that was read waits for its profile; then the key is typed again."""

MOST_WAITING = 20

_WRONG_NAME = message(
    "The name may only have lower-case Latin letters, digits and _, and begins with a letter, such as my_shop."
)
_TAKEN = message("There is a profile of this name already. Choose another name.")
_WRONG_KEY = message(
    "This does not look like an API key: it is empty, or has spaces or letters that keys do not have."
)
_NO_KEY = message("Paste the API key: KeyCRM, Settings - General - API key.")
_FORGOTTEN = message(
    "The check is forgotten: too much time has passed, or the page was restarted. Check the key again."
)


class WaitingProfiles:
    """Accounts that were read and whose profile is not created yet, by visitor and name: a browser has several tabs."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[str, str], tuple[datetime, NewProfile]] = OrderedDict()
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def keep(self, visitor: str, new: NewProfile, now: datetime) -> None:
        """Keeps what a visitor has read, in the place of what he had read before for a profile of this name."""
        key = visitor, new.workspace.profile.name
        with self._lock:
            self._waiting.pop(key, None)
            self._waiting[key] = (now, new)
            while len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)

    def of(self, visitor: str, name: str, now: datetime) -> NewProfile | None:
        """What a visitor has read for a profile of a name; None if it is too long ago."""
        with self._lock:
            read_at, new = self._waiting.get((visitor, name), (now, None))
            if now - read_at >= WAITS_FOR:
                self._waiting.pop((visitor, name), None)
                return None
            return new

    def forget(self, visitor: str, name: str) -> None:
        """Forgets what a visitor has read for a profile of a name, and the key with it."""
        with self._lock:
            self._waiting.pop((visitor, name), None)


def new_profile(request: Request) -> Response:
    """The form."""
    return _form(request)


def change_new_profile(request: Request) -> Response:
    """Reads the account of the key that was typed, or creates the profile of what was read."""
    waiting: WaitingProfiles = request.app.state.waiting_profiles
    if request.state.form.get("action") != "create":
        return _check(request, waiting)
    now = page_settings(request).clock()
    name = request.state.form.get("name", "")
    new = waiting.of(request.state.visitor, name, now)
    if new is None:
        return _form(request, _(_FORGOTTEN))
    try:
        write_new_profile(new, _choices(request, now))
    except WrongEntryError as error:
        return _read(request, new, str(error))
    except NewProfileError as error:
        return _read(request, new, _in_words(error))
    except KeyNotStoredError as error:
        return _read(request, new, written(error.message))
    waiting.forget(request.state.visitor, name)
    # The names that KeyCRM lists, for the form of settings that follows.
    request.app.state.kept_settings.keep_account(name, account_of(new.found, now))
    try:
        dagster_of(request).read_profiles_again()
    except DagsterError:
        return RedirectResponse(f"/profiles/{name}/settings/orders?done=created-alone", 303)
    return RedirectResponse(f"/profiles/{name}/settings/orders?done=created", 303)


def _choices(request: Request, now: datetime) -> Choices:
    """What was chosen for the new profile.

    Raises:
        WrongEntryError: The first day is no day, in the future, or before all orders of KeyCRM.
    """
    form: dict[str, str] = request.state.form
    # Nothing written is as wrong as a day that cannot be.
    first = read_day(form.get("start_date", ""), _("First day")) or date.min
    try:
        check_first_day(first, now.date())
    except WrongDayError as error:
        raise WrongEntryError(str(error)) from None
    return Choices(first, DEFAULT_PARTNER if form.get("has_default_partner") else None)


def _check(request: Request, waiting: WaitingProfiles) -> Response:
    page = page_settings(request)
    form: dict[str, str] = request.state.form
    name = form.get("name", "").strip()
    typed = form.get("key", "")
    is_sandbox = form.get("shop") == "sandbox"
    now = page.clock()
    try:
        connection = Connection(SANDBOX if is_sandbox else page.keycrm_url)
        workspace = new_workspace(name, page.settings, connection, now.date())
        # Without one, a key of the environment is used, as `init` does.
        key = checked_key(typed) if typed.strip() and not is_sandbox else None
        new = read_new_profile(workspace, os.environ, key)
    except MissingKeyError:
        return _form(request, _(_NO_KEY))
    except (NewProfileError, MessageError) as error:
        return _form(request, _in_words(error))
    waiting.keep(request.state.visitor, new, now)
    return _read(request, new)


def _in_words(error: Exception) -> str:
    if isinstance(error, WrongNameError):
        return _(_WRONG_NAME)
    if isinstance(error, NameTakenError):
        return _(_TAKEN)
    if isinstance(error, WrongKeyError):
        return _(_WRONG_KEY)
    if isinstance(error, NewProfileError):
        return _(
            "The profile's file could not be written: check the permissions of the directory of profiles. "
            "Nothing was created."
        )
    return written(error.message) if isinstance(error, MessageError) else str(error)


def _form(request: Request, problem: str = "") -> Response:
    form: dict[str, str] = getattr(request.state, "form", {})
    return render(
        request,
        "new_profile",
        422 if problem else 200,
        problem=problem,
        name=form.get("name", ""),
        is_sandbox=form.get("shop") == "sandbox",
    )


def _read(request: Request, new: NewProfile, problem: str = "") -> Response:
    now = page_settings(request).clock()
    return render(
        request,
        "new_profile_read",
        422 if problem else 200,
        problem=problem,
        new=new.workspace.profile,
        account=account_of(new.found, now),
        default_partner=DEFAULT_PARTNER,
        start_date=default_choices(now.date()).start_date,
        today=now.date(),
        earlier=earlier_books(new.workspace),
    )
