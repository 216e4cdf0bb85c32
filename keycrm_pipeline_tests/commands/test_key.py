"""`key`: the API key is stored, replaced and removed without a terminal and without a text editor."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.terminal import on_a_terminal


@pytest.fixture
def unkeyed(place: Place, account: Account) -> Place:
    """A place with a profile of the account, and no key."""
    place.write_profile(base_url=account.url, requests_per_minute=600, default_partner="Покупець")
    return place


def stored(place: Place) -> Path:
    return place.directory / "data" / "keys" / "shop"


def test_a_key_is_stored_replaced_and_removed(unkeyed: Place) -> None:
    """Each time the next command uses what is stored, without a restart of anything."""
    assert "No API key is set for profile shop." in unkeyed.run("check").stderr
    result = unkeyed.run("key", typed="a-wrong-key\n")
    assert result.exit_code == 0
    assert f"Stored the API key of profile shop in {stored(unkeyed)}." in result.stdout
    assert "`keycrm-pipeline check --profile shop`" in result.stdout
    assert "KeyCRM refused the API key" in unkeyed.run("check").stderr
    unkeyed.run("key", typed=KEY)
    assert unkeyed.run("check").exit_code == 0
    result = unkeyed.run("key", "--remove")
    assert (result.exit_code, result.stdout) == (0, "Removed the stored API key of profile shop.\n")
    assert unkeyed.run("key", "--remove").stdout == "No API key of profile shop was stored.\n"
    assert unkeyed.run("check").exit_code == 1


def test_a_key_of_the_environment_comes_first(unkeyed: Place) -> None:
    """Somebody stores a key and wonders why another one is used."""
    unkeyed.variables["KEYCRM_API_KEY"] = KEY
    result = unkeyed.run("key", typed="another-key")
    assert "The key that is used comes from KEYCRM_API_KEY: it takes precedence" in result.stdout
    assert unkeyed.run("check").exit_code == 0


def test_as_json(unkeyed: Place) -> None:
    """What was done, and where the key is; never the key."""
    result = unkeyed.run("key", "--json", typed=KEY)
    assert KEY not in result.output
    code, printed = unkeyed.json("key", "--remove")
    assert code == 0
    assert printed == {
        "profile": "shop",
        "action": "removed",
        "path": str(stored(unkeyed)),
        "place": None,
        "error": None,
    }


def test_a_stored_key_is_in_no_other_file(unkeyed: Place, account: Account) -> None:
    """Not in the DuckDB file that people copy, nor in Dagster's history of a load that failed and one that did not."""
    unkeyed.run("key", typed=KEY)
    account.order(1)
    account.api.faults.key_revoked_after = 0
    assert unkeyed.run("load", "--from", "04.03.2024", "--to", "04.03.2024").exit_code == 1
    account.api.faults.key_revoked_after = None
    assert unkeyed.run("load", "--from", "04.03.2024", "--to", "04.03.2024").exit_code == 0
    files = [path for path in unkeyed.directory.rglob("*") if path.is_file()]
    assert unkeyed.directory / "data" / "shop.duckdb" in files
    assert [path for path in files if KEY.encode("ascii") in path.read_bytes()] == [stored(unkeyed)]


@pytest.mark.parametrize("typed", ["", "two words", "пароль"])
def test_what_is_no_key_is_not_stored(unkeyed: Place, typed: str) -> None:
    """Exit code 1, in words that do not repeat it."""
    result = unkeyed.run("key", typed=typed)
    assert result.exit_code == 1
    assert "was not stored: it is empty, or contains spaces or characters" in result.stderr
    assert not typed or typed not in result.stderr
    assert not stored(unkeyed).exists()


def test_the_demo_shop_needs_none(place: Place) -> None:
    """A key of a real account does not belong there."""
    place.write_profile(base_url="sandbox")
    result = place.run("key", typed=KEY)
    assert result.exit_code == 2
    assert "The demo shop needs no key." in result.stderr


def test_a_person_types_the_key_unseen(unkeyed: Place) -> None:
    """The real program on a terminal: it asks, and does not show what is typed."""
    with on_a_terminal(["key"], unkeyed.environment) as terminal:
        terminal.wait_for("hidden as you type")
        terminal.type(f"{KEY}\n")
        assert terminal.wait() == 0
    assert KEY not in terminal.shown
    assert stored(unkeyed).read_text("ascii") == f"{KEY}\n"
    assert stat.S_IMODE(stored(unkeyed).stat().st_mode) == 0o600
