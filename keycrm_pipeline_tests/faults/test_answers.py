"""KeyCRM, the file or the clock misbehave during a load: the next one, if not this one, makes a quiet one's books.

Real commands on a real server. What is not here: KeyCRM that stays away for a while (`test_outages`), and commands that
are killed (`test_processes`).
"""

from __future__ import annotations

import resource
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from keycrm_pipeline.sandbox.payloads import timestamp
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.jumping_clock import jumping
from keycrm_pipeline_tests.faults.scene import (
    CommandLine,
    Contents,
    command_line,
    fill,
    make_order,
    order_pages,
    quiet_contents,
    read_contents,
)
from keycrm_pipeline_tests.scripted_api import ScriptedApi

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    """What a load without any fault makes of the shop."""
    shop = EditableShop.empty()
    fill(shop, 160)
    return quiet_contents(tmp_path_factory.mktemp("clean"), shop)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[tuple[CommandLine, ScriptedApi]]:
    """The command, with a profile of the small shop, and the shop's API."""
    with command_line(tmp_path) as (line, api):
        line.profile("shop", sweep={"most_missing": 100})
        yield line, api


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """A place for the books of a quiet life."""
    directory = tmp_path / "quiet"
    directory.mkdir()
    return directory


def test_key_revoked_in_the_middle(scene: tuple[CommandLine, ScriptedApi], clean: Contents) -> None:
    """The load stops and says where the key is set; with a new key no stored page is asked for again."""
    line, api = scene

    def revoke(page: int, path: str) -> None:
        if path == "/order" and page == 3:
            api.faults.key_revoked_after = 0

    api.faults.on_page = revoke
    result = line.load("shop")
    assert result["status"] == "failed"
    assert "KEYCRM_API_KEY" in result["error"]
    assert line.run("status", "shop")["error"] == result["error"]

    api.faults.clear()
    line.key = "another-key"
    assert line.load("shop")["status"] == "succeeded"
    assert read_contents(line.database("shop")) == clean
    pages = [page for _listing, page in order_pages(api)]
    assert sorted(pages) == [1, 2, 3, 4]


def while_read(api: ScriptedApi, happens: Callable[[EditableShop], None]) -> threading.Event:
    """Lets something happen to the shop once, when the first page was read and the second is asked for."""
    has_happened = threading.Event()

    def at_page(page: int, path: str) -> None:
        if path == "/order" and page == 2 and not has_happened.is_set():
            has_happened.set()
            happens(api.shop)

    api.faults.on_page = at_page
    return has_happened


def booked(line: CommandLine) -> set[int]:
    """The orders that have a document."""
    return {row[0] for row in read_contents(line.database("shop"))["accounting.orders"]}


def test_orders_move_while_the_list_is_read(scene: tuple[CommandLine, ScriptedApi], quiet: Path) -> None:
    """One order is made, one changed and one deleted between two pages: no other order is lost for it.

    One made and one deleted at the same moment leave the total as it was. What changed behind a page that was read is
    found by the next load of the days.
    """
    line, api = scene

    @cache
    def made_at() -> str:
        # As in KeyCRM, the moment it comes in: pages answered side by side before and after it are told apart by that.
        return timestamp(datetime.now(UTC))

    def move(shop: EditableShop) -> None:
        shop.add_order(make_order(900, created_at=made_at()))
        shop.replace_order(
            3, {"manager_comment": "Змінено під час обміну", "updated_at": "2026-04-01T09:00:00.000000Z"}
        )
        shop.delete_order(41)

    before = EditableShop.empty()
    fill(before, 160)
    has_happened = while_read(api, move)
    answer = line.load("shop")
    assert answer["status"] == "succeeded", answer["error"]
    assert has_happened.is_set()
    assert booked(line) >= {*range(1, 161)} - {41}
    assert line.load("shop")["status"] == "succeeded"
    assert read_contents(line.database("shop")) == quiet_contents(quiet, before, move)


def test_a_page_that_shrinks(scene: tuple[CommandLine, ScriptedApi], quiet: Path) -> None:
    """Forty orders vanish while the list is read: those that stay are all there, and none is marked unasked."""
    line, api = scene
    gone = range(5, 45)

    def lose(shop: EditableShop) -> None:
        for order_id in gone:
            shop.delete_order(order_id)

    before = EditableShop.empty()
    fill(before, 160)
    has_happened = while_read(api, lose)
    assert line.load("shop")["status"] == "succeeded"
    assert has_happened.is_set()
    assert booked(line) >= {*range(1, 161)} - {*gone}
    assert line.load("shop")["status"] == "succeeded"
    assert {request.status for request in api.requests if request.path.startswith("/order/")} >= {200, 404}
    assert read_contents(line.database("shop")) == quiet_contents(
        quiet, before, lose, sweep={"most_missing": 100}
    )


def test_a_clock_that_jumps_loses_no_change(
    scene: tuple[CommandLine, ScriptedApi], clean: Contents, tmp_path: Path, quiet: Path
) -> None:
    """This machine's clock jumps a year ahead in the middle of a load, and back behind its time before the next pass.

    The books of the load are right, and what changed at KeyCRM still arrives, then and later.
    """
    line, api = scene
    wrong_by = tmp_path / "wrong_by"
    wrong_by.write_text("0", "ascii")
    year = timedelta(days=400).total_seconds()

    def jump(page: int, path: str) -> None:
        if path == "/order" and page == 2:
            wrong_by.write_text(f"{year:.0f}", "ascii")

    api.faults.on_page = jump
    result = line.load("shop", begin=jumping(wrong_by))
    assert result["status"] == "succeeded"
    # The exchange began before the jump and ended after it.
    assert result["seconds"] > year
    assert read_contents(line.database("shop")) == clean

    api.faults.clear()
    for wrong, order_id in ((year, 3), (-year, 4), (0, 5)):
        wrong_by.write_text(f"{wrong:.0f}", "ascii")
        api.shop.replace_order(order_id, {"manager_comment": f"Зміна {order_id}"})
        assert line.run("changes", "shop", begin=jumping(wrong_by))["orders_updated"] == 1
    assert read_contents(line.database("shop")) == quiet_contents(quiet, api.shop)


_HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_file_held_by_another_program(scene: tuple[CommandLine, ScriptedApi], clean: Contents) -> None:
    """A notebook has the file open: the load waits, names it and ends; when it is closed, the next load is right."""
    line, api = scene
    path = line.database("shop")
    path.parent.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        result = line.load("shop")
        holder.communicate()
    assert result["status"] == "failed"
    assert f"PID {holder.pid}" in result["error"]
    assert api.request_count == 0
    assert line.load("shop")["status"] == "succeeded"
    assert read_contents(path) == clean


SMALL_DISK = 5_000_000
"""Enough for Dagster's own files, and not for the database of a shop whose buyers write long comments."""


def test_full_disk(tmp_path: Path, quiet: Path) -> None:
    """No room while writing: said in words, the file stays whole, and with room the next load is right.

    No file of the process may grow beyond a size: what a full disk answers, without filling one.
    """

    def write_comments(shop: EditableShop) -> None:
        for order_id in range(1, 161):
            shop.replace_order(order_id, {"buyer_comment": secrets.token_hex(20_000)})

    with command_line(tmp_path, prepare=write_comments) as (line, api):
        line.profile("shop")
        result = line.load(
            "shop", before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (SMALL_DISK, SMALL_DISK))
        )
        assert result["status"] == "failed"
        assert "is full" in result["error"]
        assert "load again" in " ".join(result["error"].split())
        assert booked(line) == set()
        assert line.load("shop")["status"] == "succeeded"
        assert read_contents(line.database("shop")) == quiet_contents(quiet, api.shop)
