"""What a person sees while a command waits: the real program on a terminal, with a KeyCRM that answers slowly."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from keycrm_pipeline.commands.progress import time_left
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run import lock
from keycrm_pipeline.run.progress import ORDERS, Progress
from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.product import PATIENCE_SECONDS
from keycrm_pipeline_tests.terminal import on_a_terminal

pytestmark = pytest.mark.process

LOAD = ("load", "--from", "2024-03-04", "--to", "2024-03-04")


@pytest.fixture
def keyed(place: Place, account: Account) -> Place:
    """A place with key and profile of an account that takes a quarter of a second for an answer."""
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(base_url=account.url, requests_per_minute=60, default_partner="Покупець")
    account.api.faults.slow_seconds = 0.25
    return place


def test_the_bar_moves_while_orders_are_read(keyed: Place, account: Account) -> None:
    """It stood still during the whole load: Dagster redirects the streams of the process while a run works."""
    for order_id in range(1, 201):
        account.order(order_id)
    was_seen = threading.Event()

    def hold(page: int, path: str) -> None:
        # Only what is shown before the load ends lets it end.
        if path == "/order" and page > 1:
            assert was_seen.wait(PATIENCE_SECONDS)

    account.api.faults.on_page = hold
    with on_a_terminal(LOAD, keyed.environment) as terminal:
        terminal.wait_for("KeyCRM is asked (1 of 8 lists)")
        terminal.wait_for("Orders from KeyCRM (50 of 200)")
        terminal.wait_for("about 0:00:03 left")
        was_seen.set()
        assert terminal.wait() == 0
    assert "KeyCRM is asked (8 of 8 lists)" in terminal.shown
    assert "Orders from KeyCRM (200 of 200)" in terminal.shown
    assert "Documents are prepared (6 of 6 steps)" in terminal.shown
    assert "━━━━━━━━━━" in terminal.shown
    _, summary = terminal.shown.rsplit("steps)", 1)
    assert "Exchange 1 (shop, period, 4 March 2024): succeeded" in summary
    # Bars and summary are on lines of their own.
    assert "\nExchange 1 (" in summary.replace("\r", "")


def test_a_sentence_is_shown_above_the_bar(keyed: Place) -> None:
    """Whom the load waits for is read on the terminal, not in a file of Dagster."""
    path = Workspace(keyed.profile(), keyed.settings).lock
    other_run = ExitStack()
    other_run.enter_context(lock.held(path, "the-other-run"))
    with other_run, on_a_terminal(LOAD, keyed.environment) as terminal:
        terminal.wait_for("Another exchange of this profile is running (run the-other-run, process ")
        other_run.close()
        assert terminal.wait() == 0


def test_a_check_says_that_keycrm_is_asked(keyed: Place) -> None:
    """A minute with a small limit; afterwards only the lists remain on the terminal."""
    with on_a_terminal(["check"], keyed.environment) as terminal:
        terminal.wait_for("KeyCRM is asked (3 of 6 lists)")
        assert terminal.wait() == 0
    assert "Statuses (statuses.stages)" in terminal.shown


@pytest.mark.parametrize(
    ("done", "total", "measured", "requests_per_minute", "words"),
    [
        # 36,000 orders are 720 pages: 700 of them remain, which are 35 minutes whatever the first burst promises.
        (1000, 36000, 120.0, 20, "about 0:35:00 left"),
        (1000, 36000, None, 20, "about 0:35:00 left"),
        # KeyCRM slows down: what is measured counts.
        (1000, 36000, 7200.4, 20, "about 2:00:00 left"),
        # One order more than a page are two requests.
        (0, 51, None, 60, "about 0:00:02 left"),
        (51, 51, 0.0, 60, ""),
        # Orders were deleted while the list was read.
        (52, 51, None, 60, ""),
    ],
)
def test_the_time_that_is_left(
    done: int, total: int, measured: float | None, requests_per_minute: int, words: str
) -> None:
    """By the request limit or by the measured speed, whichever takes longer."""
    assert time_left(Progress(ORDERS, done, total), measured, requests_per_minute) == words
