"""`check` ("Показати статуси"): everything a profile maps, with ids; what is unmapped; what must be fixed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from keycrm_pipeline.cli import main
from keycrm_pipeline.commands.check import AccountCheck, as_json
from keycrm_pipeline.commands.output import print_check
from keycrm_pipeline.sandbox.payloads import category_payload, status_payload
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.readings import learn_reading
from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.crm import loopback


@pytest.fixture
def keyed(place: Place) -> Place:
    """A place whose environment contains the key."""
    place.variables["KEYCRM_API_KEY_SHOP"] = KEY
    return place


def test_everything_is_listed_with_ids_and_mapping(account: Account, keyed: Place) -> None:
    """One line per status, manager, payment method and category; an unmapped one is named and is no error."""
    keyed.write_profile(
        base_url=account.url,
        requests_per_minute=600,
        statuses={"stages": {1: "Нове", 12: "Готово"}, "load": [1, 12]},
        managers={5: "olena"},
        accounts={2: "ПриватБанк ФОП"},
        service_categories=[7],
    )
    code, found = keyed.json("check")
    assert (code, found["status"], found["error"], found["problems"]) == (0, "ready", None, [])
    statuses = {row["id"]: row for row in found["statuses"]}
    assert statuses[1] == {"id": 1, "name": "Новий", "group": "Новий", "stage": "Нове", "is_loaded": True}
    assert (statuses[2]["stage"], statuses[2]["is_loaded"]) == (None, False)
    assert {row["id"]: row["user"] for row in found["managers"]}[5] == "olena"
    assert {row["id"]: row["account"] for row in found["payment_methods"]}[2] == "ПриватБанк ФОП"
    services = {row["id"] for row in found["categories"] if row["is_service"]}
    # 7 is in the profile; 10 is a subcategory of 7, and 11 of 10.
    assert services == {7, 10, 11}
    assert found["delivery_services"][0]["name"] == "Нова Пошта"
    assert {row["id"] for row in found["sources"]} >= {1}
    assert "manager 1 is not mapped to a user (managers)." in found["unmapped"]
    assert not any(sentence.startswith(("status 1 ", "manager 5 ")) for sentence in found["unmapped"])
    shown = keyed.run("check").stdout
    for text in ("Statuses (statuses.stages)", "Нове", "olena", "ПриватБанк ФОП", "Profile shop is ready"):
        assert text in shown


def test_the_date_that_keycrm_goes_by_is_shown(account: Account, keyed: Place) -> None:
    """Nothing is known before the first load; later it is what the books have learned, and since when."""
    keyed.write_profile(base_url=account.url, requests_per_minute=600)
    assert keyed.json("check")[1]["created_between"] is None
    assert "not known yet" in keyed.run("check").stdout
    (keyed.directory / "data").mkdir(exist_ok=True)
    moment = datetime(2026, 3, 2, 10, tzinfo=UTC)
    with Warehouse(keyed.directory / "data" / "shop.duckdb", "Europe/Kyiv").writing() as connection:
        learn_reading(connection, "created_at", order_id=7, now=moment)
    found = keyed.json("check")[1]["created_between"]
    assert found == {"reading": "created_at", "since": "2026-03-02T12:00:00+02:00", "order_id": 7}
    assert "by created_at: known since 2 Mar 2026, 12:00 from order 7" in keyed.run("check").stdout


def test_names_with_brackets_and_long_names_are_shown_in_full(account: Account, keyed: Place) -> None:
    """A name is text, not markup, and is never truncated."""
    name = "[bold]Очікує [на] склад " + "дуже " * 30 + "довго"
    account.shop.add_status(status_payload(77, name, group_id=2))
    keyed.write_profile(base_url=account.url, requests_per_minute=600)
    shown = keyed.run("check").stdout
    assert "[bold]Очікує [на] склад" in shown
    assert "довго" in shown


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            {"statuses": {"require_mapping": True, "stages": dict.fromkeys(range(2, 100), "Стадія")}},
            "status 1 «Новий» has no stage (statuses.stages), and statuses.require_mapping is true.",
        ),
        ({"statuses": {"load": [1, 999]}}, "statuses.load contains 999, which is not in KeyCRM."),
        (
            {"service_categories": [999]},
            "service_categories contains 999, which is not in KeyCRM.",
        ),
    ],
)
def test_what_is_required_and_missing_is_an_error(
    account: Account, keyed: Place, settings: dict[str, Any], problem: str
) -> None:
    """Exit code 1, and the message names the setting."""
    keyed.write_profile(base_url=account.url, requests_per_minute=600, **settings)
    code, found = keyed.json("check")
    assert (code, found["status"]) == (1, "not_ready")
    assert problem in found["problems"]
    assert problem in found["error"]
    result = keyed.run("check")
    assert result.exit_code == 1
    assert "Fix before loading:" in result.stdout


def test_mapped_ids_that_the_account_does_not_have_are_reported(account: Account, keyed: Place) -> None:
    """A mistyped id maps nothing: its orders would silently get defaults for ever."""
    keyed.write_profile(
        base_url=account.url,
        requests_per_minute=600,
        managers={500: "olena"},
        accounts={600: "Каса"},
        statuses={"stages": {700: "Нове"}},
    )
    code, found = keyed.json("check")
    assert code == 0
    assert found["unknown"] == [
        "statuses.stages contains 700, which is not in KeyCRM.",
        "managers contains 500, which is not in KeyCRM.",
        "accounts contains 600, which is not in KeyCRM.",
    ]


def test_a_category_of_a_category_that_is_its_own_parent(account: Account, keyed: Place) -> None:
    """A cycle in KeyCRM's tree does no harm."""
    account.shop.add_category(category_payload(90, "А", 91))
    account.shop.add_category(category_payload(91, "Б", 90))
    keyed.write_profile(base_url=account.url, requests_per_minute=600, service_categories=[91])
    _, found = keyed.json("check")
    assert {row["id"] for row in found["categories"] if row["is_service"]} == {90, 91}


def test_wrong_key_and_no_key(account: Account, place: Place) -> None:
    """Both exit with 1 and say where to set the key; the key itself is never repeated."""
    place.write_profile(base_url=account.url, requests_per_minute=600)
    code, found = place.json("check")
    assert code == 1
    assert "set it in the environment variable KEYCRM_API_KEY_SHOP" in found["error"]
    place.variables["KEYCRM_API_KEY"] = "a-wrong-key"
    code, found = place.json("check")
    assert (code, found["status"], found["profile"]) == (1, "failed", "shop")
    assert "key" in found["error"]
    assert "a-wrong-key" not in found["error"]


def test_files_of_the_accounting_catalogue_are_checked(account: Account, keyed: Place) -> None:
    """Before a load, not during it: cards are counted, a mistake has its file, line and column (R12)."""
    keyed.write_profile(base_url=account.url, requests_per_minute=600)
    directory = keyed.directory / "profiles" / "shop" / "catalogue"
    directory.mkdir(parents=True)
    (directory / "products.csv").write_text("id,name\n1,Чашка\n2,Ложка\n", "utf-8")
    code, found = keyed.json("check")
    assert (code, found["catalogue_cards"]) == (0, {"products.csv": 2})
    (directory / "products.csv").write_text("id,name,kind\n1,Чашка,посуд\n", "utf-8")
    code, found = keyed.json("check")
    assert code == 1
    assert f"{directory / 'products.csv'} was not read" in found["error"]
    assert "line 2, column kind" in found["error"]


def test_a_list_that_the_key_may_not_read(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A load does not need the managers: the reason is shown instead, and the profile is ready."""
    place.write_profile()
    check = AccountCheck(refused={"managers": "KeyCRM refused the request (403)."})
    print_check(place.profile(), check)
    shown = capsys.readouterr().out
    assert "Managers (managers): KeyCRM gave no list. KeyCRM refused the request (403)." in shown
    assert "Profile shop is ready" in shown
    assert as_json(place.profile(), check)["refused"] == check.refused


def test_an_optional_list_that_is_refused_for_hours_ends_the_check(keyed: Place) -> None:
    """It stood still for ten minutes: the list was passed over, and the next one waited for the request limit."""
    with loopback.LoopbackCrm() as crm:
        routes = ("/order/status", "/order/source", "/products/categories", "/order/payment-method")
        crm.lists = {route: [{"id": 1}] for route in routes}

        def refuse(_number: int, request: loopback.SeenRequest) -> None:
            if request.path == "/users":
                crm.faults = [loopback.Reply(429, b"", {"Retry-After": "7200"})]

        crm.before = refuse
        keyed.write_profile(base_url=crm.url, requests_per_minute=600)
        started = time.monotonic()
        code, found = keyed.json("check")
    assert code == 1
    assert "asked to try again in 120 minutes" in found["error"]
    assert crm.requests[-1].path == "/users"
    assert time.monotonic() - started < 30


def test_a_check_at_the_usual_rate_does_not_wait(account: Account, keyed: Place) -> None:
    """Six requests at 20 per minute took 16 silent seconds."""
    keyed.write_profile(base_url=account.url, requests_per_minute=20)
    started = time.monotonic()
    assert keyed.json("check")[0] == 0
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("variable", "value"),
    [("SSL_CERT_FILE", "/no/such/file.pem"), ("ALL_PROXY", "socks5://proxy.example:1080")],
)
def test_an_unusable_environment_is_an_error_in_words(keyed: Place, variable: str, value: str) -> None:
    """Exit code 1 and the name of the variable, instead of an unexpected error of a library."""
    keyed.write_profile(base_url="https://127.0.0.1:9/v1")
    keyed.variables[variable] = value
    code, found = keyed.json("check")
    assert code == 1
    assert found["error"].startswith(f"The environment variable {variable} is unusable: ")
    keyed.variables["KEYCRM_API_KEY_OTHER"] = KEY
    result = keyed.run("init", "--profile", "other", "--base-url", "https://127.0.0.1:9/v1", "--yes")
    assert result.exit_code == 1
    assert f"Error: The environment variable {variable} is unusable: " in result.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1251"])
def test_a_terminal_that_cannot_show_every_letter(account: Account, keyed: Place, encoding: str) -> None:
    """Letters are lost, the exit code is not; JSON loses nothing."""
    account.shop.add_status(status_payload(77, "Їжак ≠ 🦔", group_id=2))
    keyed.write_profile(base_url=account.url, requests_per_minute=600)
    runner = CliRunner(charset=encoding)
    shown = runner.invoke(main, ["check"], env=keyed.environment)
    assert (shown.exit_code, shown.exception) == (0, None)
    assert "Profile shop is ready" in shown.stdout
    printed = runner.invoke(main, ["check", "--json"], env=keyed.environment)
    assert printed.exit_code == 0
    assert {row["id"]: row["name"] for row in json.loads(printed.stdout)["statuses"]}[77] == "Їжак ≠ 🦔"
    failed = runner.invoke(main, ["load", "--from", "ґ🦔", "--to", "2024-03-04"], env=keyed.environment)
    assert failed.exit_code == 2


def test_a_pipe_in_ascii(account: Account, keyed: Place) -> None:
    """The real process: `PYTHONIOENCODING=ascii` prints the whole check and ends with 0."""
    keyed.write_profile(base_url=account.url, requests_per_minute=600)
    ended = subprocess.run(
        [sys.executable, "-c", "from keycrm_pipeline.cli import main; main()", "check"],
        env=os.environ | keyed.environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"Profile shop is ready" in ended.stdout


def test_rows_with_unexpected_types_are_read_as_in_a_load(keyed: Place) -> None:
    """Numbers as text, invalid names, a row without an id: `check` and `init` show what a load would use."""
    with loopback.LoopbackCrm() as crm:
        crm.lists = {
            "/order/status": [
                {"id": "1", "name": "new", "group_id": "1"},
                {"id": None, "name": "?"},
                {"id": "№3", "name": "?"},
            ],
            "/order/source": [{"id": "4", "name": []}],
            "/order/payment-method": [{"id": 2}],
            "/products/categories": [
                {"id": "7", "name": "Послуги", "parent_id": None},
                {"id": "8", "name": 12, "parent_id": "7"},
            ],
        }
        keyed.write_profile(base_url=crm.url, requests_per_minute=600, service_categories=[7])
        code, found = keyed.json("check")
        assert (code, found["error"]) == (0, None)
        assert [(row["id"], row["name"], row["group"]) for row in found["statuses"]] == [
            (1, "Новий", "Новий")
        ]
        assert [row["name"] for row in found["sources"]] == ["Джерело 4"]
        assert [(row["id"], row["name"]) for row in found["payment_methods"]] == [(2, None)]
        assert [(row["id"], row["is_service"]) for row in found["categories"]] == [(7, True), (8, True)]
        assert set(found["refused"]) == {"managers", "delivery_services"}
        keyed.variables["KEYCRM_API_KEY_OTHER"] = KEY
        written = keyed.run(
            "init", "--profile", "other", "--base-url", crm.url, "--requests-per-minute", "600", "--yes"
        )
        assert written.exit_code == 0
