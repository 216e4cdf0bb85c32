"""Профілі: every profile with its last exchange, what needs attention and the days that are not loaded."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from keycrm_pipeline.language import _, message
from keycrm_pipeline.page.rendering import render, written
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline.page.shops import page_settings, reading
from keycrm_pipeline.period import DAY
from keycrm_pipeline.profile import Profile, ProfileError, Workspace, load_profiles
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.warehouse.attention import count_rejected, review_counts
from keycrm_pipeline.warehouse.days import missing_days, newest_loaded_day
from keycrm_pipeline.warehouse.errors import DatabaseBusyError, DatabaseMissingError, WarehouseError
from keycrm_pipeline.warehouse.page import LoggedExchange, exchange_page

WAIT_SECONDS = 0.5
"""How long the list waits for one profile that is being written; the others are behind it."""

BUSY = message("The database is being written; refresh the page in a few seconds.")


@dataclass(frozen=True)
class ProfileState:
    """One profile as the list shows it.

    Attributes:
        profile: The profile.
        last: Its last exchange; None when nothing was loaded yet.
        is_killed: Whether the last exchange is said to run although no process does its work.
        waiting: Items of the review list and rejected orders.
        days_missing: Days from the first loaded one to yesterday that were never loaded; None while none is loaded.
        is_under_way: Whether an exchange works with its books at this moment, so that they cannot be read.
        problem: Why its books cannot be read now, in words.
    """

    profile: Profile
    last: LoggedExchange | None = None
    is_killed: bool = False
    waiting: int = 0
    days_missing: int | None = None
    is_under_way: bool = False
    problem: str = ""


def _state(page: PageSettings, workspace: Workspace) -> ProfileState:
    profile = workspace.profile
    yesterday = page.clock().astimezone(profile.zone).date() - DAY
    is_working = False
    try:
        # Checked before the log is read: an exchange that ends in between then reads as ended, not as killed.
        is_working = is_held(place_of(workspace))
        with reading(workspace, WAIT_SECONDS) as connection:
            logged, _after = exchange_page(connection, most=1)
            counts = review_counts(connection)
            # A rejected order is on the review list as well.
            waiting = sum(counts.values()) or count_rejected(connection)
            has_days = newest_loaded_day(connection) is not None
            missing = len(missing_days(connection, yesterday)) if has_days else None
    except DatabaseMissingError:
        return ProfileState(profile)
    except DatabaseBusyError:
        return ProfileState(profile, is_under_way=is_working, problem=_(BUSY))
    except WarehouseError as error:
        return ProfileState(profile, problem=written(error.message))
    last = logged[0] if logged else None
    is_killed = last is not None and last.status == "running" and not is_working
    return ProfileState(profile, last, is_killed, waiting, missing)


def read_profiles(page: PageSettings) -> tuple[list[ProfileState], list[ProfileError]]:
    """Every profile that works, with its state, and the mistakes of the others."""
    valid, errors = load_profiles(page.settings)
    return [_state(page, Workspace(profile, page.settings)) for profile in valid], errors


def profiles(request: Request) -> Response:
    """The list of profiles; one with a mistake is shown with its mistake."""
    states, errors = read_profiles(page_settings(request))
    return render(request, "profiles", states=states, mistakes=[_mistake(error) for error in errors])


def _mistake(error: ProfileError) -> tuple[str, list[str]]:
    return error.file_name, [written(problem.message) for problem in error.problems]
