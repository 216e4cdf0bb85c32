"""`init`: turns an API key into a commented profile that can be used without changes."""

from __future__ import annotations

import re
import stat
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner, Result

from keycrm_pipeline.commands.init import next_steps, write_profile
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.run.new_profile import Connection
from keycrm_pipeline.sandbox.payloads import status_payload
from keycrm_pipeline_tests.commands.place import KEY, Account, Place


@pytest.fixture
def keyed(place: Place) -> Place:
    """A place whose environment contains the key."""
    place.variables["KEYCRM_API_KEY"] = KEY
    return place


def init(place: Place, account: Account, name: str = "shop") -> Result:
    return place.run(
        "init", "--profile", name, "--base-url", account.url, "--requests-per-minute", "600", "--yes"
    )


def test_the_profile_can_be_used_as_it_is(account: Account, keyed: Place) -> None:
    """It is valid, `check` accepts it, and nothing is mapped yet."""
    result = init(keyed, account)
    assert result.exit_code == 0
    assert "The API key is not in it: keep it in KEYCRM_API_KEY, where it was found." in result.stdout
    profile = keyed.profile()
    assert profile.base_url == account.url
    assert profile.start_date == date(datetime.now(UTC).year, 1, 1)
    assert profile.default_partner == "Роздрібний покупець"
    assert (profile.accounts, profile.managers, profile.statuses.stages) == ({}, {}, {})
    code, found = keyed.json("check")
    assert (code, found["status"], found["problems"]) == (0, "ready", [])


def test_the_period_that_is_proposed_can_be_loaded(place: Place) -> None:
    """In the first days of the year thirty-one days from the first day on would end in the future."""
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Kyiv")).date()
    profile = Profile.model_validate({"name": "shop", "base_url": "sandbox", "start_date": today})
    steps = next_steps(Workspace(profile, place.settings), place.directory / "shop.yaml", {})
    assert f"load --from {today:%d.%m.%Y} --to {today:%d.%m.%Y} --profile shop" in steps


def test_books_of_an_earlier_profile_are_told(account: Account, keyed: Place) -> None:
    """The file of a profile was removed, its books were not: orders of two accounts would get into them."""
    books = keyed.directory / "data" / "shop.duckdb"
    books.parent.mkdir()
    books.touch()
    assert f"{books} has the orders of an earlier profile of this name" in init(keyed, account).stdout
    assert "earlier profile" not in init(keyed, account, "other").stdout


def test_everything_in_the_account_is_listed_ready_to_map(account: Account, keyed: Place) -> None:
    """Each status, manager and payment method is a comment that becomes its mapping when the # is removed."""
    init(keyed, account)
    path = keyed.directory / "profiles" / "shop.yaml"
    text = path.read_text("utf-8")
    found = keyed.json("check")[1]
    for category in found["categories"]:
        assert f"#   {category['id']} {category['name']}" in text
    path.write_text(re.sub(r"^(\s+)# (\d+: )", r"\1\2", text, flags=re.MULTILINE), "utf-8")
    found = keyed.json("check")[1]
    assert (found["unmapped"], found["unknown"], found["problems"]) == ([], [], [])
    assert {row["id"]: row["stage"] for row in found["statuses"]} == {
        row["id"]: row["name"] for row in found["statuses"]
    }


def test_names_that_look_like_yaml(account: Account, keyed: Place) -> None:
    """Quotes, colons, # and line breaks in a name from KeyCRM do not break the profile."""
    account.shop.add_status(status_payload(77, 'Чекає: "склад" # 5\n- так', group_id=2))
    init(keyed, account)
    path = keyed.directory / "profiles" / "shop.yaml"
    path.write_text(path.read_text("utf-8").replace("# 77: ", "77: "), "utf-8")
    assert keyed.profile().statuses.stages == {77: 'Чекає: "склад" # 5 - так'}


def test_rows_without_a_name_in_keycrm(account: Account, keyed: Place) -> None:
    """The line proposes the default and says why; it is valid when the # is removed."""
    account.shop.add_record("payment_methods", {"id": 71, "name": None, "alias": None, "is_active": True})
    account.shop.add_record("managers", {"id": 72, "full_name": " ", "status": "active"})
    init(keyed, account)
    path = keyed.directory / "profiles" / "shop.yaml"
    text = path.read_text("utf-8")
    assert '  # 71: {account: "Каса"}  # has no name in KeyCRM\n' in text
    assert '  # 5: {account: "Післяплата", kind: cash_on_delivery}\n' in text
    assert '  # 1: {account: "Готівка", kind: cash}\n' in text
    assert '  # 72: "Оператор обміну"  # has no name in KeyCRM\n' in text
    path.write_text(text.replace("# 71: ", "71: ").replace("# 72: ", "72: "), "utf-8")
    assert (keyed.profile().method_accounts, keyed.profile().managers) == (
        {71: "Каса"},
        {72: "Оператор обміну"},
    )


def test_a_file_is_never_overwritten(account: Account, keyed: Place) -> None:
    """It may contain hours of mapping."""
    path = keyed.write_profile(author="Олена")
    before = path.read_bytes()
    result = init(keyed, account)
    assert result.exit_code == 2
    assert f"{path} already exists and was not changed." in result.stderr
    assert path.read_bytes() == before


def test_a_key_of_the_environment_stays_there_and_the_file_is_for_its_owner(
    account: Account, keyed: Place
) -> None:
    """The file contains managers' names; a key that somebody keeps elsewhere is not copied."""
    result = init(keyed, account)
    assert not (keyed.directory / "data" / "keys").exists()
    path = keyed.directory / "profiles" / "shop.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert KEY not in path.read_text("utf-8") + result.stdout + result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--profile", "My Shop"], 2, "«My Shop» is not a valid profile name."),
        (
            ["--profile", "shop", "--base-url", "http://keycrm.example"],
            2,
            "is not a valid address of KeyCRM's API",
        ),
        ([], 2, "Missing option '--profile'."),
    ],
)
def test_a_profile_that_cannot_be_created(keyed: Place, arguments: list[str], code: int, words: str) -> None:
    """The message says why, and no file is created."""
    result = keyed.run("init", "--yes", *arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert not (keyed.directory / "profiles").exists()


def test_wrong_key_and_no_key(account: Account, place: Place) -> None:
    """Without a terminal, exit code 1 and where to set the key. A refused key creates no file either.

    `keycrm-pipeline key` is not the way: it needs the profile that `init` would make.
    """
    result = place.run("init", "--profile", "shop", "--base-url", account.url)
    assert result.exit_code == 1
    assert "KEYCRM_API_KEY_SHOP" in result.stderr
    assert "--key-stdin" in result.stderr
    assert "keycrm-pipeline key" not in result.stderr
    place.variables["KEYCRM_API_KEY"] = "wrong"
    assert init(place, account).exit_code == 1
    assert not (place.directory / "profiles" / "shop.yaml").exists()


def init_with_key_on_standard_input(place: Place, account: Account, typed: str) -> Result:
    arguments = ("--base-url", account.url, "--requests-per-minute", "600", "--key-stdin")
    return place.run("init", "--profile", "shop", *arguments, typed=typed)


def test_a_script_passes_the_key_on_standard_input(account: Account, place: Place) -> None:
    """It is stored for its owner alone, every later command finds it, and it is printed nowhere."""
    result = init_with_key_on_standard_input(place, account, f"{KEY}\n")
    assert result.exit_code == 0
    stored = place.directory / "data" / "keys" / "shop"
    assert f"but in {stored}, which only you can read." in result.stdout
    assert stored.read_text("ascii").strip() == KEY
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert KEY not in (place.directory / "profiles" / "shop.yaml").read_text("utf-8") + result.output
    assert place.json("check")[0] == 0


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    [("a-wrong-key", 1, "KeyCRM refused the API key"), ("", 2, "it is empty"), ("two words", 2, "spaces")],
)
def test_a_key_that_is_not_accepted_is_not_stored(
    account: Account, place: Place, typed: str, code: int, words: str
) -> None:
    """Neither key nor profile: the next attempt starts anew."""
    result = init_with_key_on_standard_input(place, account, typed)
    assert result.exit_code == code
    assert words in result.stderr
    assert not (place.directory / "data" / "keys").exists()
    assert not (place.directory / "profiles").exists()


def test_a_key_that_cannot_be_stored(account: Account, place: Place) -> None:
    """No profile is left that has no key."""
    (place.directory / "data").write_text("a file in its place", "utf-8")
    result = init_with_key_on_standard_input(place, account, KEY)
    assert result.exit_code == 1
    assert "The API key of profile shop cannot be stored in" in result.stderr
    assert not (place.directory / "profiles").exists()


def asked(place: Place, account: Account, *answers: str) -> Result:
    """`init` with a person at the keyboard."""

    @click.command()
    def command() -> None:
        write_profile("shop", place.settings, {}, Connection(account.url, 600), asks=True)

    return CliRunner().invoke(command, input="\n".join([*answers, ""]), catch_exceptions=False)


def test_a_person_is_asked_for_little(account: Account, place: Place) -> None:
    """The key, hidden and stored for the next commands; then three answers, and a wrong one is asked again."""
    result = asked(place, account, KEY, "30.02.2024", "1.2.2024", "n", "Покупець", "7, 999", "7,12")
    assert KEY not in result.stdout
    assert "There is no 30 February 2024." in result.stdout
    assert "Enter ids from the list above, such as 7, 12." in result.stdout
    profile = place.profile()
    assert (profile.start_date, profile.default_partner) == (date(2024, 2, 1), "Покупець")
    assert profile.service_categories == (7, 12)
    assert place.json("check")[0] == 0


@pytest.mark.parametrize("typed", ["01.01.1926", "01.01.2062"])
def test_a_mistyped_year_is_asked_for_again(account: Account, place: Place, typed: str) -> None:
    """It used to leave a profile that no command accepts, with a stored key, and a name that was taken."""
    result = asked(place, account, KEY, typed, "01.02.2024", "", "")
    assert "from 01.01.2000 to today." in result.stdout
    assert place.profile().start_date == date(2024, 2, 1)


def test_a_person_may_accept_every_default(account: Account, place: Place) -> None:
    """Return three times; orders without a buyer may be rejected instead; a stored key is not asked for again."""
    asked(place, account, KEY, "", "", "")
    assert place.profile().default_partner == "Роздрібний покупець"
    (place.directory / "profiles" / "shop.yaml").unlink()
    asked(place, account, "", "n", "", "")
    assert place.profile().default_partner is None
