"""Отримати замовлення: starts a load with the same job as Dagster's page, shows its progress, stops it, sums it up.

The run belongs to Dagster: closing the browser or this page stops nothing. What is not here: what a load does.
"""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _, message
from keycrm_pipeline.orchestration.remote import DagsterError, RemoteDagster, RunState
from keycrm_pipeline.page.rendering import render
from keycrm_pipeline.page.shops import (
    NotFoundError,
    WrongEntryError,
    identifier,
    page_settings,
    read_day,
    read_period,
    reading,
    today,
    workspace_of,
)
from keycrm_pipeline.page.wording import JOBS, RUN_STATUSES, STAGES
from keycrm_pipeline.period import DAY, Period, contiguous_periods
from keycrm_pipeline.profile import MissingKeyError, Profile, Workspace
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.run.summary import summarise
from keycrm_pipeline.warehouse.days import LeftOut, left_out, missing_days
from keycrm_pipeline.warehouse.errors import DatabaseMissingError, WarehouseError
from keycrm_pipeline.warehouse.exchanges import Exchange, exchange_of_run
from keycrm_pipeline.warehouse.page import NewCard, PagesStored, cards_created, pages_stored
from keycrm_pipeline.warehouse.sums import PeriodSums

MOST_MISSING_PERIODS = 12
"""Runs that one press of «не завантажені дні» starts; they wait for each other."""

MOST_CARDS = 50
MOST_RUNS = 50
"""Runs whose progress is kept."""

POLL_WAIT_SECONDS = 1.5
"""How long the progress waits while the run writes: it is asked for again anyway."""

_ORDERS_OF_A_PAGE = 50
"""KeyCRM returns at most so many orders for one request."""
_STOP_POLLING = 286
"""htmx stops asking when an answer has this status."""


@dataclass(frozen=True)
class QuickChoice:
    """A period that is chosen with one press."""

    name: str
    title: str
    periods: tuple[Period, ...]

    @property
    def days(self) -> int:
        """How many days it has."""
        return sum(len(period.days) for period in self.periods)


def quick_choices(profile: Profile, today: date, missing: list[date]) -> list[QuickChoice]:
    """The periods that people load most, without days before the profile's first one.

    Args:
        profile: The profile.
        today: The shop's day now.
        missing: Days that no load has finished.
    """
    yesterday = today - DAY
    month_end = today.replace(day=1) - DAY
    found = [
        ("yesterday", message("Yesterday"), ((yesterday, yesterday),)),
        ("week", message("This week"), ((today - timedelta(days=today.weekday()), today),)),
        ("month", message("Last month"), ((month_end.replace(day=1), month_end),)),
        (
            "missing",
            message("Days not loaded yet"),
            tuple((period.first, period.last) for period in contiguous_periods(missing))[
                -MOST_MISSING_PERIODS:
            ],
        ),
    ]
    return [
        QuickChoice(
            name,
            title,
            tuple(
                Period(max(first, profile.start_date), last)
                for first, last in periods
                if last >= profile.start_date
            ),
        )
        for name, title, periods in found
    ]


def _missing(request: Request, workspace: Workspace) -> list[date]:
    try:
        with reading(workspace) as connection:
            return missing_days(connection, today(request, workspace.profile) - DAY)
    except DatabaseMissingError:
        return []


def load(request: Request) -> Response:
    """The form: quick choices and a period."""
    return _form(request, "")


def _form(request: Request, problem: str) -> Response:
    workspace = workspace_of(request)
    profile = workspace.profile
    now = today(request, profile)
    under_way: list[tuple[str, str]] = []
    silent = ""
    try:
        under_way = [
            (run_id, JOBS[kind])
            for run_id, job in dagster_of(request).runs_under_way(profile.name)
            # Others, such as that of the checks, have no progress that could be shown.
            if (kind := job.removeprefix(f"{profile.name}_")) in JOBS
        ]
    except DagsterError as error:
        silent = str(error)
    return render(
        request,
        "load",
        422 if problem else 200,
        profile=profile,
        choices=quick_choices(profile, now, _missing(request, workspace)),
        first=max(profile.start_date, now - timedelta(days=6)),
        last=now,
        under_way=under_way,
        lacks_key=_lacks_key(workspace),
        silent=silent,
        problem=problem,
    )


def _lacks_key(workspace: Workspace) -> bool:
    try:
        workspace.find_key(os.environ)
    except MissingKeyError:
        return True
    return False


def start_load(request: Request) -> Response:
    """Starts the load of a period, or of every period of a quick choice.

    Raises:
        DagsterError: Dagster does not answer.
    """
    workspace = workspace_of(request)
    profile = workspace.profile
    try:
        periods = _asked_periods(request, workspace)
    except WrongEntryError as error:
        return _form(request, str(error))
    run_ids = [dagster_of(request).launch_load(profile.name, period) for period in periods]
    return RedirectResponse(f"/profiles/{profile.name}/runs/{run_ids[0]}", 303)


def load_order(request: Request) -> Response:
    """Starts the load of one order.

    Raises:
        DagsterError: Dagster does not answer.
    """
    workspace = workspace_of(request)
    name = workspace.profile.name
    run_id = dagster_of(request).launch_orders(name, [identifier(request, "order_id")])
    return RedirectResponse(f"/profiles/{name}/runs/{run_id}", 303)


def _asked_periods(request: Request, workspace: Workspace) -> tuple[Period, ...]:
    profile = workspace.profile
    form: dict[str, str] = request.state.form
    if not form.get("choice"):
        first = read_day(form.get("from", ""), _("First day"))
        last = read_day(form.get("to", ""), _("Last day"))
        return (read_period(request, profile, first, last),)
    choices = quick_choices(profile, today(request, profile), _missing(request, workspace))
    for choice in choices:
        if choice.name == form["choice"] and choice.periods:
            return choice.periods
    raise WrongEntryError(_("This choice has no day that can be loaded."))


@dataclass(frozen=True)
class Progress:
    """What is known of a run.

    Attributes:
        run: The run.
        status: Its status in words.
        exchange: Its row of the exchange log; None before it has one, and for files.
        stored: How far the reading of KeyCRM's lists is; None when it is not reading them.
        requests_left: How many requests the rest of the lists takes.
        minutes_left: Whole minutes that they take, by the budget of the key; 0 for less than one.
        is_ending: Whether it has ended in Dagster, but not in the exchange log yet.
        is_busy: Whether the books are being written just now, so that nothing more can be read.
        sums: Sums of the period's orders by currency, once it has ended.
        cards: Cards that it created, once it has ended.
        review: Items that need attention by now.
        left_out: How many of the orders that it loaded by their numbers stay out of the books because of their day.
    """

    run: RunState
    status: str
    exchange: Exchange | None = None
    stored: PagesStored | None = None
    requests_left: int = 0
    minutes_left: int = 0
    is_ending: bool = False
    is_busy: bool = False
    sums: Mapping[str, PeriodSums] = field(default_factory=dict)
    cards: tuple[NewCard, ...] = ()
    review: int = 0
    left_out: LeftOut | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether there is more to come."""
        return self.run.is_under_way or self.is_ending

    @property
    def can_be_stopped(self) -> bool:
        """Whether it goes on, and nobody has stopped it yet."""
        return self.run.is_under_way and self.run.status != "CANCELING"

    @property
    def is_killed(self) -> bool:
        """Whether its process ended before it could write down how it had ended."""
        return self.exchange is not None and self.exchange.status == "running" and not self.is_under_way

    @property
    def is_stopped(self) -> bool:
        """Whether somebody stopped it; Dagster calls a run that was stopped in a terminal a failed one."""
        if self.run.status == "FAILURE" and self.exchange is not None:
            return self.exchange.outcome == "stopped"
        return self.run.status == "CANCELED"

    @property
    def is_load(self) -> bool:
        """Whether it is a load, and not a sync or files."""
        return self.run.job.endswith("_load")

    @property
    def job(self) -> str:
        """What it does, in words."""
        return JOBS.get(self.run.job.rpartition("_")[2], message("Exchange"))

    @property
    def is_file(self) -> bool:
        """Whether it makes a report or an export."""
        return self.run.job.endswith(("_exports", "_report"))

    @property
    def steps(self) -> list[tuple[str, bool]]:
        """Steps of a load in order, and whether each has finished."""
        return [(title, name in self.run.stages) for name, title in STAGES.items()] if self.is_load else []


class LastProgress:
    """What was last read of the runs under way: while one writes, nothing can be read."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Progress] = OrderedDict()
        # Pages are rendered in several threads.
        self._lock = threading.Lock()

    def keep(self, progress: Progress) -> Progress:
        """Keeps and returns what was read."""
        with self._lock:
            self._kept[progress.run.run_id] = progress
            while len(self._kept) > MOST_RUNS:
                self._kept.popitem(last=False)
        return progress

    def of(self, run: RunState) -> Progress | None:
        """What was last read of a run under way; None if nothing was, or if it has ended."""
        with self._lock:
            return self._kept.get(run.run_id) if run.is_under_way else None


def run_page(request: Request) -> Response:
    """A run: its progress while it lasts, then its summary."""
    workspace = workspace_of(request)
    progress = _progress(request, workspace)
    return render(request, "run", profile=workspace.profile, progress=progress, is_polled=False)


def run_progress(request: Request) -> Response:
    """The part of that page that changes; asked for again until the run has ended."""
    workspace = workspace_of(request)
    progress = _progress(request, workspace)
    status_code = 200 if progress.is_under_way else _STOP_POLLING
    return render(
        request, "progress", status_code, profile=workspace.profile, progress=progress, is_polled=True
    )


def stop_run(request: Request) -> Response:
    """Asks Dagster to stop a run of this profile.

    Raises:
        NotFoundError: It is not a run of this profile.
        DagsterError: Dagster does not answer.
    """
    workspace = workspace_of(request)
    run = _run(request, workspace)
    dagster_of(request).stop(run.run_id)
    return RedirectResponse(f"/profiles/{workspace.profile.name}/runs/{run.run_id}", 303)


def _run(request: Request, workspace: Workspace) -> RunState:
    run = dagster_of(request).run(str(request.path_params["run_id"]))
    # With profiles `shop` and `shop_two`, the job `shop_two_load` begins with the names of both.
    if run is None or run.job.rpartition("_")[0] != workspace.profile.name:
        raise NotFoundError
    return run


def _progress(request: Request, workspace: Workspace) -> Progress:
    run = _run(request, workspace)
    status = RUN_STATUSES.get(run.status, run.status)
    if run.job.endswith(("_exports", "_report")):
        return Progress(run, status)
    seen: LastProgress = request.app.state.last_progress
    try:
        # Checked before the log is read: an exchange that ends in between then reads as ended.
        is_working = is_held(place_of(workspace))
        with reading(workspace, POLL_WAIT_SECONDS if run.is_under_way else None) as connection:
            exchange = exchange_of_run(connection, run.run_id)
            if exchange is None:
                return Progress(run, status)
            if run.is_under_way:
                stored = pages_stored(connection, exchange.started_at)
                left = math.ceil(max(0, stored.total - stored.orders) / _ORDERS_OF_A_PAGE)
                minutes = round(left / workspace.profile.requests_per_minute)
                return seen.keep(Progress(run, status, exchange, stored, left, minutes))
            if exchange.status == "running" and is_working:
                return Progress(run, RUN_STATUSES["CANCELING"], exchange, is_ending=True)
            summary = summarise(connection, exchange)
            return Progress(
                run,
                status,
                exchange,
                sums=summary.sums,
                cards=tuple(cards_created(connection, exchange.started_at, MOST_CARDS)),
                review=sum(summary.review.values()),
                left_out=left_out(connection, workspace.profile.start_date, run.order_ids)
                if run.order_ids
                else None,
            )
    except DatabaseMissingError:
        return Progress(run, status)
    except WarehouseError:
        # A write is short; the page asks again in a moment, and shows meanwhile what it last saw.
        return replace(seen.of(run) or Progress(run, status), run=run, status=status, is_busy=True)


def dagster_of(request: Request) -> RemoteDagster:
    """The Dagster that this page asks."""
    return RemoteDagster(page_settings(request).dagster)
