"""Wrong usage ends with exit code 2 and a sentence; with `--json` with one JSON object and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keycrm_pipeline.cli import main
from keycrm_pipeline.commands import status
from keycrm_pipeline_tests.commands.place import Place


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["load"], "Missing option '--from'."),
        (["load", "--from", "yesterday", "--to", "2024-03-04"], "«yesterday» is not a date. Write it as"),
        (["load", "--from", "01.02.2024", "--to", "30.02.2024"], "There is no 30 February 2024."),
        (["load", "--from", "01.02.2024", "--to", "2024-02-30"], "There is no 30 February 2024."),
        (["load", "--from", "2024-03-05", "--to", "2024-03-04"], "ends before that, on 2024-03-04"),
        (
            ["load", "--from", "2022-12-31", "--to", "2024-03-04"],
            "before the profile's start_date 2023-01-01",
        ),
        (["load", "--from", "2024-03-04", "--to", "2024-03-04", "--profile", "other"], "no such file"),
        (["status", "--profile", "../shop"], "is not a valid profile name"),
        (["status", "--colour"], "No such option"),
        (["export", "--from", "2024-03-04", "--to", "2024-03-04", "--format", "doc"], "'doc' is not one of"),
        (["report", "--from", "2024-03-04", "--to", "2024-03-03"], "ends before that"),
        (["stauts"], "No such command 'stauts'"),
    ],
)
def test_wrong_usage(place: Place, arguments: list[str], words: str) -> None:
    """For a person on the error stream, for a program as JSON; nothing is made either way."""
    place.write_profile()
    result = place.run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    result = place.run(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    printed = json.loads(result.stdout)
    assert printed["status"] == "failed"
    assert words in printed["error"]
    assert not (place.directory / "data").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["load", "--from", "2024-03-05", "--to", "2024-03-04"],
        ["rebuild", "--colour"],
        ["changes", "--profile", "other"],
    ],
)
def test_a_load_that_could_not_begin_prints_the_keys_of_one(place: Place, arguments: list[str]) -> None:
    """A program that reads `orders_seen` of every answer finds it also when the command was called wrongly."""
    place.write_profile()
    code, printed = place.json(*arguments)
    assert code == 2
    assert {
        "exchange_id",
        "period_from",
        "orders_seen",
        "orders_rejected",
        "totals",
        "review",
    } <= printed.keys()
    assert (printed["status"], printed["orders_seen"], printed["exchange_id"]) == ("failed", 0, None)


def test_a_port_that_does_not_exist(place: Place) -> None:
    """As with `page` and `up`, it is wrong usage, and not a port that another program uses."""
    result = place.run("sandbox", "--port", "99999")
    assert result.exit_code == 2
    assert "99999 is not in the range" in result.stderr


def test_a_period_in_the_future(place: Place) -> None:
    """Today can be loaded, tomorrow cannot; today is the profile's own, which JSON names, also behind `--lang`."""
    place.write_profile(timezone="Pacific/Kiritimati")
    tomorrow = datetime.now(UTC).astimezone(place.profile().zone).date() + timedelta(days=1)
    code, printed = place.json("--lang", "en", "load", "--from", str(tomorrow), "--to", str(tomorrow))
    assert (code, printed.get("profile"), printed.get("orders_seen")) == (2, place.profile().name, 0)
    assert printed["error"].startswith(f"The period ends in the future: {tomorrow}. Today is ")
    assert "(Pacific/Kiritimati)" in printed["error"]


def test_a_profile_with_a_mistake(place: Place) -> None:
    """The file, the key and what is allowed."""
    path = place.write_profile(currency="hryvnia")
    code, printed = place.json("check")
    assert code == 2
    assert str(path) in printed["error"]
    assert "currency: it is «hryvnia»" in printed["error"]


def test_which_profile(place: Place) -> None:
    """The only one needs no name; of several one must be named; without any, the error says how to make one."""
    code, printed = place.json("status")
    assert code == 2
    assert "Create one with `keycrm-pipeline init --profile NAME`." in printed["error"]
    place.write_profile("north")
    assert place.json("status")[1]["profile"] == "north"
    place.write_profile("south")
    assert place.json("status") == (
        2,
        {"status": "failed", "error": "Name a profile with --profile: north, south."},
    )
    assert place.json("status", "--profile", "south")[1]["profile"] == "south"


def test_what_nobody_foresaw_is_told_without_values(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of the program is a sentence and exit code 1; names and phones in it are left out."""

    def broken(*_arguments: object) -> None:
        raise ValueError("cannot read 'Олена Тестова' of +380501112233")

    place.write_profile()
    monkeypatch.setattr(status, "read_status", broken)
    code, printed = place.json("status")
    assert code == 1
    assert printed["error"].startswith("Unexpected ValueError at test_usage.py:")
    result = place.run("status")
    assert (result.exit_code, result.stdout) == (1, "")
    for text in (printed["error"], result.stderr):
        assert "Олена" not in text
        assert "0501112233" not in text


def test_help_and_version_are_no_errors(place: Place) -> None:
    """Both end with 0; commands are listed in the order of use: a new shop, its documents, what runs by itself."""
    shown = place.run("--help")
    assert shown.exit_code == 0
    names = [
        "up",
        "demo",
        "init",
        "key",
        "check",
        "load",
        "status",
        "review",
        "rebuild",
        "report",
        "export",
        "changes",
        "recent",
        "sweep",
        "catalogue",
        "sandbox",
    ]
    listed = re.findall(r"^  ([a-z]+)  ", shown.stdout.partition("Commands:")[2], re.MULTILINE)
    assert [name for name in listed if name in names] == names
    assert set(listed) == set(main.commands)
    for command in main.commands:
        assert place.run(command, "--help").exit_code == 0
    versions = place.run("--version")
    assert versions.exit_code == 0
    assert re.fullmatch(r"keycrm-pipeline [\d.]+ \(Dagster [\d.]+, DuckDB [\d.]+\)\n", versions.stdout)


def test_a_place_where_nothing_can_be_written(place: Place) -> None:
    """A new installation names the file that it could not write, and the variable that names another place."""
    taken = place.directory / "taken"
    taken.write_text("", "utf-8")
    place.variables["KEYCRM_PROFILES_DIR"] = str(taken / "profiles")
    result = place.run("demo")
    assert result.exit_code == 2
    assert f"{taken / 'profiles' / 'demo.yaml'} cannot be used:" in result.stderr
    assert "it cannot be written: a part of the path is not a directory" in result.stderr
    assert "KEYCRM_PROFILES_DIR" in result.stderr


def test_a_directory_that_was_made_anew(tmp_path: Path) -> None:
    """The terminal stands in the one that was removed: it was an unexpected error without a word of that."""
    directory = tmp_path / "project"
    directory.mkdir()
    done = subprocess.run(
        ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", sys.executable, "-m", "keycrm_pipeline", "status"],
        cwd=directory,
        env={name: value for name, value in os.environ.items() if not name.startswith("KEYCRM_")}
        | {"LANG": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith(
        'Change into the directory of the project again: cd "$PWD", if it was made anew.\n'
    )


def test_the_help_says_whole_sentences(place: Place) -> None:
    """No sentence ends in three dots, however narrow the terminal is."""
    place.variables["COLUMNS"] = "60"
    shown = " ".join(place.run("--help").stdout.partition("Commands:")[2].split())
    assert "..." not in shown
    for command in main.commands.values():
        assert " ".join(str(command.help).split()) in shown
        assert str(command.help).endswith(".")


@pytest.mark.parametrize("name", ["*", "*.shop.example", "https://shop.example", "shop.example:443", ""])
@pytest.mark.parametrize("command", ["up", "page"])
def test_a_name_of_a_proxy_is_one_name(place: Place, command: str, name: str) -> None:
    """A pattern would answer whoever points a name of their own at this machine."""
    result = place.run(command, "--host-name", name)
    assert result.exit_code == 2
    assert "exchange.shop.example" in " ".join(result.stderr.split())
