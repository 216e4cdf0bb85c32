"""KeyCRM is away: longer than the client has patience, and then for a shorter while during the next load.

Real commands on real servers wait here in real time, so the shops do it side by side, and the tests look at what came
of it. What is not here: faults that need no time (`test_answers`).
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Self

import duckdb
import pytest

from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import (
    CommandLine,
    Contents,
    fill,
    order_pages,
    printed,
    quiet_contents,
    read_contents,
    stored_order_pages,
)
from keycrm_pipeline_tests.product import PATIENCE_SECONDS
from keycrm_pipeline_tests.scripted_api import ScriptedApi

pytestmark = pytest.mark.process

FOR_EVER = 100_000
A_WHILE_SECONDS = 14.0
"""Shorter than the client's patience: it asks five times more, after 1, 2, 4, 8 and 16 seconds."""

STARTING_AT_ONCE = 2
"""A command that starts keeps a processor busy; those that wait for KeyCRM take nothing."""


@dataclass(frozen=True)
class Absence:
    """How KeyCRM is away.

    Attributes:
        counter: The switch of the sandbox that counts such answers.
        at_first: What else is switched when it lasts longer than the client's patience.
        later: What else is switched when it ends before.
        reason: What the error says of it.
    """

    counter: str
    reason: str
    at_first: dict[str, Any] = field(default_factory=dict)
    later: dict[str, Any] = field(default_factory=dict)


ABSENCES = {
    # Without a word of KeyCRM how long to wait, the client would try for four minutes.
    "refusals": Absence("too_many_requests", "because of too many requests (status 429)", {"retry_after": 8}),
    "faults": Absence("server_errors", "an internal error (status 503)", {}, {"server_error_status": 500}),
    "webpages": Absence("html_pages", "was not complete JSON", {}, {"html_status": 502}),
    "broken": Absence("cut_off_bodies", "was not complete JSON"),
    "dropped": Absence("dropped_connections", "the connection was lost"),
}


@dataclass
class Outage:
    """KeyCRM is away from when a page of orders is asked for, as long as it is told or until it is ended.

    Attributes:
        began: Set when the first such answer is due.
        answers: How many requests met it, once it has ended.
    """

    api: ScriptedApi
    absence: Absence
    details: dict[str, Any]
    first_page: int
    seconds: float | None = None
    began: threading.Event = field(default_factory=threading.Event)
    answers: int = 0

    def is_near(self) -> Self:
        """It begins with the page."""
        self.api.faults.on_page = self._on_page
        return self

    def _on_page(self, page: int, path: str) -> None:
        if path != "/order" or page < self.first_page or self.began.is_set():
            return
        self.began.set()
        self.api.faults.update({self.absence.counter: FOR_EVER, "path_prefix": "/order", **self.details})
        if self.seconds is not None:
            threading.Timer(self.seconds, self.end).start()

    def end(self) -> None:
        """KeyCRM is back."""
        self.answers = FOR_EVER - getattr(self.api.faults, self.absence.counter)
        self.api.faults.clear()


@dataclass
class Life:
    """What came of one shop's two loads.

    Attributes:
        first: What the first load printed.
        status: What `status` printed after it.
        booked_meanwhile: Documents in the books after it.
        second: What the second load printed.
        answers: How many requests met the outage of each.
        asked_again: Pages that were stored by the first load and asked for in the second.
        contents: The books at last.
        spans: When its exchanges began and ended.
    """

    first: dict[str, Any]
    status: dict[str, Any]
    booked_meanwhile: int
    second: dict[str, Any]
    answers: tuple[int, int]
    asked_again: set[tuple[str, int]]
    contents: Contents
    spans: list[tuple[Any, Any]]


def live(line: CommandLine, name: str, api: ScriptedApi, starting: threading.Semaphore) -> Life:
    """A load into which a long outage falls, and one into which a shorter one falls."""
    absence = ABSENCES[name]

    def load(outage: Outage) -> dict[str, Any]:
        with starting:
            process = line.start_load(name)
            wait_for(outage.began, process)
        result = printed(process)
        if outage.seconds is None:
            outage.end()
        return result

    long = Outage(api, absence, absence.at_first, first_page=2).is_near()
    first = load(long)
    assert long.began.is_set(), first
    status = line.run("status", name)
    booked = len(read_contents(line.database(name))["accounting.orders"])
    stored = stored_order_pages(line.database(name))
    api.forget_requests()
    short = Outage(api, absence, absence.later, first_page=1, seconds=A_WHILE_SECONDS).is_near()
    second = load(short)
    with contextlib.closing(duckdb.connect(str(line.database(name)), read_only=True)) as connection:
        spans = connection.execute(
            "SELECT started_at, finished_at FROM ops.exchanges ORDER BY exchange_id"
        ).fetchall()
    return Life(
        first,
        status,
        booked,
        second,
        (long.answers, short.answers),
        stored & set(order_pages(api)),
        read_contents(line.database(name)),
        spans,
    )


def wait_for(began: threading.Event, process: subprocess.Popen[str]) -> None:
    """Waits until the outage has begun, or the command has ended without it."""
    for _ in range(int(PATIENCE_SECONDS * 10)):
        if began.wait(0.1) or process.poll() is not None:
            return
    raise AssertionError("the command did not come as far as the orders")


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Life]]:
    """One shop for each kind of absence, all in one installation and at the same time."""
    with contextlib.ExitStack() as stack:
        line = CommandLine(tmp_path_factory.mktemp("outages"), "")
        stack.callback(line.end)
        apis = {}
        for name in ABSENCES:
            shop = EditableShop.empty()
            fill(shop, 160)
            apis[name] = ScriptedApi(shop)
            line.profile(name, base_url=stack.enter_context(SandboxServer(apis[name])).url)
        starting = threading.Semaphore(STARTING_AT_ONCE)
        with ThreadPoolExecutor(len(ABSENCES)) as side_by_side:
            living = {
                name: side_by_side.submit(live, line, name, api, starting) for name, api in apis.items()
            }
        yield {name: life.result() for name, life in living.items()}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a load without any fault makes of the shop."""
    shop = EditableShop.empty()
    fill(shop, 160)
    return quiet_contents(tmp_path_factory.mktemp("clean"), shop)


@pytest.mark.parametrize("name", ABSENCES)
def test_an_outage_longer_than_the_patience_is_told(lives: dict[str, Life], name: str) -> None:
    """KeyCRM stays away: after six attempts the load fails in words, `status` says the same, nothing is half booked."""
    life = lives[name]
    assert life.first["status"] == "failed"
    assert ABSENCES[name].reason in life.first["error"]
    assert "tried 6 times" in life.first["error"]
    assert life.status["error"] == life.first["error"]
    assert life.booked_meanwhile == 0
    assert life.answers[0] >= 6
    assert life.first["seconds"] >= 30


@pytest.mark.parametrize("name", ABSENCES)
def test_a_shorter_outage_is_only_waited_for(lives: dict[str, Life], clean: Contents, name: str) -> None:
    """KeyCRM is away for a while: the load succeeds, asks for no stored page again, and the books are a quiet one's."""
    life = lives[name]
    assert life.second["status"] == "succeeded", life.second
    assert life.answers[1] >= 2
    assert life.second["seconds"] >= A_WHILE_SECONDS
    assert life.asked_again == set()
    assert life.contents == clean


def test_shops_do_not_wait_for_each_other(lives: dict[str, Life]) -> None:
    """One shop's KeyCRM is away: meanwhile the exchanges of others go on, and those that wait do so side by side."""
    spans = [life.spans[0] for life in lives.values()]
    assert any(
        max(first[0], second[0]) < min(first[1], second[1]) for first, second in combinations(spans, 2)
    )
