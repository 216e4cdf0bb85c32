"""A shop's year: schedules, passes, faults, kills, wrong clocks, a restored backup, a lost history, a broken disk.

Exchanges run in this process, as Dagster's jobs on an instance with its files; those that are killed, or meet a broken
disk, run as commands. The year passes as fast as the exchanges are done: the clock of the process is moved on. What is
not here: what is measured and compared (`measures`), and how it is shown (`__main__`).
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import random
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

import keycrm_pipeline
from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.orchestration.dagster_internals import runs_with_origin
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets, command_tags, period_tags
from keycrm_pipeline.orchestration.schedules import build_schedules
from keycrm_pipeline.orchestration.sensors import build_sensors
from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.pipeline import sweep
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES, run_load
from keycrm_pipeline.profile import DEFAULT_LOCATION, Workspace, load_profile, settings_from_environment
from keycrm_pipeline.run import client as opening
from keycrm_pipeline.run.session import Plan
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.jumping_clock import jumping, make_wrong
from keycrm_pipeline_tests.faults.scene import CommandLine
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import KEY, KYIV
from keycrm_pipeline_tests.scripted_api import ScriptedApi
from keycrm_pipeline_tests.soak.measures import Measure, measure
from keycrm_pipeline_tests.virtual_time import VirtualTime

SHOP = "shop"
BRANCH = "branch"
"""The second profile, on the same account; its machine is switched on once a week."""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SMALL_DISK = 40_000
"""No file of a process on the full disk may grow beyond this."""

FAULTS = ("dropped_connections", "too_many_requests", "server_errors", "html_pages", "cut_off_bodies")
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'


@dataclass(frozen=True)
class Scale:
    """How much happens.

    Attributes:
        days: Length of the year.
        every: The machine is switched on every so many days, so that days are missing again and again.
        passes: Passes of `changes` on such a day, at random times.
        busy_days: Days at the end of the year on each of which it is on, with a pass every quarter of an hour: what is
            kept of the newest runs is then what is kept of a whole year of such days.
        orders_per_day: Orders on a usual day.
        kills: Commands that are killed.
        fault_per_mille: How often an exchange meets answers that are no answers.
        revoked_per_mille: How often the key is refused in the middle of an exchange.
        first_day: The first day of the year; its days are loaded as they pass.
        seed: Of everything that is random.
    """

    days: int = 365
    every: int = 3
    passes: int = 1
    busy_days: int = 0
    orders_per_day: int = 8
    kills: int = 24
    fault_per_mille: int = 180
    revoked_per_mille: int = 12
    first_day: date = date(2025, 11, 20)
    seed: int = 20


@dataclass
class Year:
    """The year, and what came of it.

    Attributes:
        directory: Holds profiles, data and Dagster's home.
        scale: How much happens.
        happened: What happened, how often.
        seconds: Job -> the real seconds of each of its runs, in order.
        measures: What the installation took, from time to time.
    """

    directory: Path
    scale: Scale
    happened: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    measures: list[Measure] = field(default_factory=list)
    _ahead: float = 0.0
    _closed_at: datetime | None = None
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @cached_property
    def _dice(self) -> random.Random:
        return random.Random(self.scale.seed)

    def now(self) -> datetime:
        """The simulated time."""
        return datetime.fromtimestamp(time.time(), UTC)

    def run(self) -> None:
        """Lives through the year."""
        scale = self.scale
        _import_everything()
        make_wrong(lambda: self._ahead)
        self._ahead = (
            datetime.combine(scale.first_day, datetime.min.time(), KYIV) - self.now()
        ).total_seconds()
        shop = EditableShop(
            lambda: self._closed_at or self.now(),
            orders_per_day=scale.orders_per_day,
            first_day=scale.first_day - 60 * DAY,
        )
        self.shop, self.api = shop, ScriptedApi(shop)
        with SandboxServer(self.api) as server:
            self.line = CommandLine(self.directory, server.url)
            os.environ.update(self.line.environment())
            _answer_at(server.url)
            for name in (SHOP, BRANCH):
                self._write_profile(name)
            settings = settings_from_environment(os.environ)
            self.workspaces = {
                name: Workspace(load_profile(name, settings), settings) for name in (SHOP, BRANCH)
            }
            definitions = build_definitions([each.profile for each in self.workspaces.values()], settings)
            self.jobs = {
                f"{name}_{job}": definitions.resolve_job_def(f"{name}_{job}")
                for name in self.workspaces
                for job in ("load", "changes", "recent", "sweep", "catalogue")
            }
            try:
                self._open_history()
                self._live()
            finally:
                self.line.end()
                self._stack.close()

    def _write_profile(self, name: str) -> None:
        # In a shorter year the history is kept for as much of it as in a whole one. Busy days stand for the end of one.
        history_days = 90 if self.scale.busy_days else max(1, round(90 * self.scale.days / 365))
        self.line.profile(
            name,
            start_date=str(self.scale.first_day - 30 * DAY),
            service_categories=[7],
            history={"days": history_days, "failed_days": history_days},
        )

    def _live(self) -> None:
        scale = self.scale
        days = [scale.first_day + number * DAY for number in range(scale.days)]
        busy = days[scale.days - scale.busy_days :]
        usual = days[: scale.days - scale.busy_days : scale.every]
        days_on = [*usual, *busy]
        events = self._events(usual)
        self._load(SHOP, Period(days[0] - 7 * DAY, days[0]))
        for number, day in enumerate(days_on):
            self._move_to(datetime.combine(day, datetime.min.time(), KYIV) + timedelta(hours=5, minutes=30))
            self._tick("daily", SHOP)
            # The first day of the week on which the machine is on.
            is_weekly = number == 0 or day.isocalendar().week != days_on[number - 1].isocalendar().week
            if is_weekly:
                self._tick("daily", BRANCH)
            self._after(hours=1)
            self._tick("recent_nightly", SHOP)
            if is_weekly:
                self._after(hours=1)
                self._tick("sweep_weekly", SHOP)
                self._after(hours=1)
                self._tick("catalogue_weekly", SHOP)
            for minute in self._minutes_of_passes(is_busy=day in busy):
                self._move_to(datetime.combine(day, datetime.min.time(), KYIV) + timedelta(minutes=minute))
                self._edit()
                self._pass(SHOP)
            for event in events.get(number, ()):
                getattr(self, f"_{event}")()
                self.happened[event.replace("_", " ")] += 1
            self._sense("history", SHOP)
            self._sense("history", BRANCH)
            if number % max(1, len(days_on) // 8) == 0:
                self._measure(day)
        self._move_to(datetime.combine(days[-1], datetime.min.time(), KYIV) + timedelta(hours=23))
        # Nothing happens in the shop any more: what the last passes see, a fresh load sees too.
        self._closed_at = self.now()
        self._pass(SHOP)
        self._tick("recent_nightly", SHOP)
        self._tick("sweep_weekly", SHOP)
        self._measure(days[-1])

    def _minutes_of_passes(self, *, is_busy: bool) -> Sequence[int]:
        """Minutes of a day, from its beginning, at which passes of `changes` begin."""
        if is_busy:
            # Until shortly before the next day's load.
            return range(9 * 60, 29 * 60, 15)
        return sorted(self._dice.sample(range(9 * 60, 23 * 60), self.scale.passes))

    def _events(self, days: list[date]) -> Mapping[int, list[str]]:
        """Number of the day -> what happens on its evening besides the usual; nothing if there is no day."""
        if not days:
            return {}
        last = len(days) - 1
        events: dict[int, list[str]] = defaultdict(list)
        for share, event in (
            (0.15, "clock_ahead"),
            (0.25, "clock_behind"),
            (0.30, "backup"),
            (0.40, "restored_backup"),
            (0.55, "history_deleted"),
            (0.65, "full_disk"),
            (0.75, "read_only_disk"),
        ):
            events[round(last * share)].append(event)
        for _ in range(self.scale.kills):
            events[self._dice.randrange(last + 1)].append("kill")
        return events

    # Time.

    def _move_to(self, moment: datetime) -> None:
        """Moves the clock on; never back, however long the last exchange took."""
        self._ahead += max(0.0, (moment - self.now()).total_seconds())

    def _after(self, hours: float) -> None:
        self._move_to(self.now() + timedelta(hours=hours))

    # Exchanges in this process.

    def _open_history(self) -> None:
        self._history = contextlib.ExitStack()
        self.instance = self._history.enter_context(open_instance())
        self._stack.callback(self._history.close)

    def _tick(self, schedule: str, name: str) -> None:
        """A tick of a schedule, and the runs that it requests."""
        (found,) = (
            each
            for each in build_schedules(ProfileAssets(self.workspaces[name]))
            if each.name == f"{name}_{schedule}"
        )
        tick = found.evaluate_tick(
            dg.build_schedule_context(instance=self.instance, scheduled_execution_time=self.now())
        )
        for request in tick.run_requests or ():
            self._run(found.job_name, request.tags)

    def _pass(self, name: str) -> None:
        """The tick of the changes sensor, and of the one that ends dead runs."""
        for request in self._sense("changes_sensor", name).run_requests or ():
            self._run(f"{name}_changes", request.tags)
        self._sense("failures", name)

    def _sense(self, sensor: str, name: str) -> Any:
        (found,) = (
            each
            for each in build_sensors(ProfileAssets(self.workspaces[name]))
            if each.name == f"{name}_{sensor}"
        )
        return found.evaluate_tick(dg.build_sensor_context(instance=self.instance))

    def _load(self, name: str, period: Period) -> None:
        self._run(f"{name}_load", period_tags(period))

    def _run(self, job: str, tags: Mapping[str, str]) -> None:
        self._break_something()
        began = time.perf_counter()
        with runs_with_origin(self.instance, "keycrm_pipeline.orchestration.definitions", DEFAULT_LOCATION):
            result = self.jobs[job].execute_in_process(
                instance=self.instance,
                tags={**tags, **command_tags()},
                run_config=QUIET,
                raise_on_error=False,
            )
        self.seconds[job.partition("_")[2]].append(time.perf_counter() - began)
        self.happened[f"{job.partition('_')[2]} {'succeeded' if result.success else 'failed'}"] += 1
        self.api.faults.clear()

    def _break_something(self) -> None:
        """Some answers of the next exchange are none, and now and then the key is refused in the middle."""
        if self._dice.randrange(1000) < self.scale.fault_per_mille:
            self.api.faults.update({self._dice.choice(FAULTS): self._dice.randrange(1, 4)})
            self.happened["broken answers"] += 1
        if self._dice.randrange(1000) < self.scale.revoked_per_mille:
            self.api.faults.update({"key_revoked_after": self._dice.randrange(8)})
            self.happened["revoked keys"] += 1

    # What happens in the shop besides its orders' own lives.

    def _edit(self) -> None:
        self.api.forget_requests()
        chance = self._dice.random()
        order_ids = self.shop.select().newest_first(0, 60)
        if not order_ids:
            return
        order_id = self._dice.choice(list(order_ids))
        if chance < 0.05:
            self.shop.delete_order(order_id)
            self.happened["orders deleted in KeyCRM"] += 1
        elif chance < 0.15:
            order = self.shop.order(order_id)
            if order is not None:
                self.shop.replace_order(
                    order_id, {"manager_comment": f"Подзвонити о {self._dice.randrange(9, 19)}"}
                )
                self.happened["orders changed by hand"] += 1
        elif chance < 0.17:
            number = 900_000_000 + self.happened["orders entered late"]
            self.shop.add_order(
                order_payload(
                    number,
                    ordered_at=self.now() - timedelta(days=self._dice.randrange(1, 6)),
                    created_at=self.now(),
                    updated_at=self.now(),
                )
            )
            self.happened["orders entered late"] += 1
        elif chance < 0.19:
            products = self.shop.records_of("products")
            product = self._dice.choice(products)
            self.shop.add_record("products", {**product, "name": f"{product['name']} (новий)"})
            self.happened["products renamed"] += 1

    # Events.

    def _clock_ahead(self) -> None:
        """The clock is a day ahead for one pass."""
        self._ahead += 26 * 3600
        self._pass(SHOP)
        self._ahead -= 26 * 3600

    def _clock_behind(self) -> None:
        """The clock is three hours behind for one pass."""
        self._ahead -= 3 * 3600
        self._pass(SHOP)
        self._ahead += 3 * 3600

    def _backup(self) -> None:
        """The file is copied while nothing runs."""
        shutil.copy2(self.line.database(SHOP), self.directory / "backup.duckdb")

    def _restored_backup(self) -> None:
        """The old copy is put in its place, then what operations.md says is done."""
        self.line.database(SHOP).with_suffix(".duckdb.wal").unlink(missing_ok=True)
        shutil.copy2(self.directory / "backup.duckdb", self.line.database(SHOP))
        self._run(f"{SHOP}_changes", {})
        self._run(f"{SHOP}_recent", {})
        self._tick("daily", SHOP)

    def _history_deleted(self) -> None:
        """DAGSTER_HOME is removed while nothing runs."""
        self._history.close()
        shutil.rmtree(self.directory / "home")
        self._open_history()

    def _kill(self) -> None:
        """A command is killed with -9 somewhere in its work."""
        runs = self.directory / "home" / "history" / "runs"
        earlier = set(runs.glob("*.db"))
        command = self._dice.choice(("changes", "recent", "sweep"))
        process = self._command(command)
        pause = threading.Event()
        while process.poll() is None and not set(runs.glob("*.db")) - earlier:
            pause.wait(0.02)
        pause.wait(self._dice.uniform(0, 2.5))
        process.kill()
        process.communicate()
        self.happened["killed while at work"] += process.returncode < 0
        self._sense("failures", SHOP)

    def _full_disk(self) -> None:
        """No file can grow; whatever the command could not write, the next pass finds."""
        self._edit()
        process = self._command(
            "recent", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))
        )
        process.communicate()
        self.happened["failed on the full disk"] += process.returncode > 0

    def _read_only_disk(self) -> None:
        """The data directory cannot be written to."""
        found = shutil.which("unshare")
        if found is None:
            print("The read-only disk is left out: this system has no unshare.", file=sys.stderr)
            return
        command = [sys.executable, "-m", "keycrm_pipeline", "changes", "--profile", SHOP, "--json"]
        done = subprocess.run(
            [
                found,
                "--map-root-user",
                "--mount",
                "sh",
                "-c",
                READ_ONLY,
                str(self.directory / "data"),
                *command,
            ],
            env=os.environ | self.line.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if "mount:" in done.stderr or "unshare" in done.stderr:
            print(f"The read-only disk is left out: {done.stderr.strip()}", file=sys.stderr)
            return
        assert "cannot be written" in done.stdout + done.stderr, (done.stdout, done.stderr)

    def _command(self, command: str, **how: Any) -> subprocess.Popen[str]:
        wrong_by = self.directory / "wrong_by"
        wrong_by.write_text(str(self._ahead), "ascii")
        return self.line.start(command, "--profile", SHOP, "--json", begin=jumping(wrong_by), **how)

    # What came of it.

    def _measure(self, day: date) -> None:
        self.measures.append(
            measure(day, self.directory, self.line.database(SHOP), self.instance, self.seconds["changes"])
        )

    def load_afresh(self, database: Path) -> None:
        """Loads the whole year into a new file, with the weekly sweep, as somebody does who begins now."""
        scale = self.scale
        self._write_profile("fresh")
        settings = settings_from_environment(os.environ)
        workspace = Workspace(load_profile("fresh", settings), settings)
        period = Period(scale.first_day - 7 * DAY, scale.first_day + (scale.days - 1) * DAY)
        with SandboxServer(self.api) as server:
            _answer_at(server.url)
            with exchange(workspace, Plan("period", "fresh", period)) as session:
                for _ in run_load(session, period, STAGES):
                    pass
            # Orders that were entered long before or after their own day are found by no load, see R1.
            with exchange(workspace, Plan("sweep", "fresh sweep")) as session:
                sweep.run(session)
        workspace.database.rename(database)


def _answer_at(url: str) -> None:
    """Lets the exchanges of this process ask a server, and wait in a time of their own."""

    def open_client(workspace: Workspace, environ: Mapping[str, str]) -> KeyCrmClient:
        del workspace, environ
        return _patient_client(url)

    opening.open_client = open_client


def _patient_client(url: str) -> KeyCrmClient:
    """A client that waits in a time of its own."""
    patience = VirtualTime()
    return KeyCrmClient(
        base_url=url,
        api_key=KEY,
        budget=RequestBudget(600_000, patience.clock, patience.sleep, jitter=lambda: 0.0),
        concurrency=2,
    )


def _import_everything() -> None:
    """Modules that are imported later would have the real clock."""
    for module in pkgutil.walk_packages(keycrm_pipeline.__path__, "keycrm_pipeline."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
