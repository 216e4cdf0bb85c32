"""The profile of a request: its workspace, its books, and what in an address or a form means for it.

What is not here: the pages themselves, and how a problem is shown (`application`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from starlette.requests import Request

from keycrm_pipeline.language import _
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline.period import Period, day_from_text
from keycrm_pipeline.profile import Profile, Workspace, load_profile, profile_names
from keycrm_pipeline.reading import Books

if TYPE_CHECKING:
    import duckdb

WAIT_SECONDS = 5.0
"""How long a page waits while an exchange writes; a write is short, and a person is waiting."""


_LARGEST_ID = 2**63 - 1


class NotFoundError(Exception):
    """There is no such page."""


class WrongEntryError(Exception):
    """Something in a form cannot be meant; the text says what, in the current language."""


def page_settings(request: Request) -> PageSettings:
    """How this page is served."""
    page: PageSettings = request.app.state.page
    return page


def workspace_of(request: Request) -> Workspace:
    """The workspace of the profile in the address.

    Raises:
        NotFoundError: There is no such profile.
        ProfileError: Its file has a mistake.
    """
    known: Workspace | None = getattr(request.state, "workspace", None)
    if known is not None:
        return known
    name = request.path_params["profile"]
    settings = page_settings(request).settings
    if name not in profile_names(settings):
        raise NotFoundError
    # A request is answered by the profile as it was when the request came.
    request.state.workspace = found = Workspace(load_profile(name, settings), settings)
    return found


@contextlib.contextmanager
def reading(workspace: Workspace, wait_seconds: float | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The books, open for one page and closed at its end.

    Args:
        workspace: The profile and its files.
        wait_seconds: How long to wait while an exchange writes; `WAIT_SECONDS` unless given.

    Raises:
        WarehouseError: There are none yet, or they cannot be read now.
    """
    wait = WAIT_SECONDS if wait_seconds is None else wait_seconds
    with Books(workspace, wait).reading() as connection:
        yield connection


def today(request: Request, profile: Profile) -> date:
    """The shop's day now."""
    return page_settings(request).clock().astimezone(profile.zone).date()


def read_day(text: str, what: str) -> date | None:
    """A day as people write it, 26.10.2026 or 2026-10-26; None if nothing was written.

    Raises:
        WrongEntryError: It is no day.
    """
    written = text.strip()
    if not written:
        return None
    try:
        return day_from_text(written)
    except ValueError:
        raise WrongEntryError(
            _("{field}: there is no such date. Write a day like this: 26.10.2026.", field=what)
        ) from None


def identifier(request: Request, name: str) -> int:
    """An id in the path.

    Raises:
        NotFoundError: It is larger than any id.
    """
    found = int(request.path_params[name])
    if found > _LARGEST_ID:
        raise NotFoundError
    return found


def read_number(text: str | None) -> int | None:
    """A whole number of an address; None if it is none, or larger than any id."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 18:
        return None
    return int(text)


def read_period(request: Request, profile: Profile, first: date | None, last: date | None) -> Period:
    """A period that can be loaded or written to files.

    Raises:
        WrongEntryError: A day is missing, or the period is backwards, in the future, or before the profile's first day.
    """
    if first is None or last is None:
        raise WrongEntryError(_("Enter the first and the last day of the period."))
    if last < first:
        raise WrongEntryError(_("The period ends before it begins. Swap the days."))
    now = today(request, profile)
    if last > now:
        raise WrongEntryError(_("The period ends in the future. Today is {day}.", day=f"{now:%d.%m.%Y}"))
    if first < profile.start_date:
        raise WrongEntryError(
            _(
                "The period begins before the profile's first day, {day} (start_date).",
                day=f"{profile.start_date:%d.%m.%Y}",
            )
        )
    return Period(first, last)
