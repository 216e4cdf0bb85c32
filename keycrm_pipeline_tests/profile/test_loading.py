"""Reading profile files: broken files, names, several profiles, and how quickly it is done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline.profile import (
    ProfileError,
    Settings,
    load_profile,
    load_profiles,
    profile_names,
    settings_from_environment,
)
from keycrm_pipeline_tests.profile.files import START, problems_of, read, write


def test_a_key_whose_entries_are_all_comments_counts_as_absent(places: Settings) -> None:
    """A profile written by `init` lists everything as comments; it is valid without uncommenting any."""
    profile = read(
        places, f"{START}accounts:\n  # 2: IBAN\nmanagers:\n  5:\n  6: taras\nstatuses:\n  stages:\n"
    )
    assert profile.accounts == {}
    assert profile.managers == {6: "taras"}
    assert profile.statuses.stages == {}


def test_an_organisation_may_be_nothing_but_its_name(places: Settings) -> None:
    """What is its own may stand at the payment methods; it was no organisation, and the method was refused."""
    profile = read(
        places,
        f"{START}organisations:\n  ФОП Коваль:\n  ТОВ Вишня: {{default: true}}\n"
        "payment_methods: {2: {organisation: ФОП Коваль}}\n",
    )
    assert list(profile.organisations) == ["ФОП Коваль", "ТОВ Вишня"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{START}{START}", "line 2: the key start_date occurs twice"),
        (f"{START}statuses:\n  stages:\n    1: Нове\n    1: Нове\n", "line 5: the key 1 occurs twice"),
        (
            f"{START}payment_methods: {{3: {{fee_percent: 1,5}}}}\n",
            "line 2: between braces 5 stands without a colon",
        ),
        (
            f"{START}accounts:\n  {{2: Каса, Хрещатик}}\n",
            "line 3: between braces Хрещатик stands without a colon",
        ),
        (f"{START}accounts: {{2: a\n", "line 3"),
        (f"{START}author: 'x\n", "line"),
        ("start_date: 2024-02-30\n", "line 1: there is no such date"),
        ("start_date: !!python/object/apply:os.system ['true']\n", "line 1"),
        ("- start_date\n", "keys and values"),
        ("just text\n", "keys and values"),
        ("\tstart_date: 2024-01-01\n", "line 1"),
        ("a: \x00\n", "not readable YAML"),
        ("[" * 5000, "YAML"),
    ],
)
def test_a_broken_file_is_reported_with_its_line(places: Settings, text: str, said: str) -> None:
    """The message names the line, or what the file is instead of a profile."""
    assert said in " ".join(problems_of(places, text).values())


def test_an_empty_file_lacks_its_start_date(places: Settings) -> None:
    """An empty file is reported like any other that lacks a setting."""
    assert "start_date: 2024-01-01" in problems_of(places, "")["start_date"]


def test_a_file_in_another_encoding_is_refused(places: Settings) -> None:
    """It must not be read with garbled names."""
    path = write(places, "")
    path.write_bytes(f"{START}author: Олена\n".encode("cp1251"))
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile("shop", places)


def test_a_file_with_a_byte_order_mark_is_read(places: Settings) -> None:
    """Some Windows editors add one."""
    write(places, "").write_bytes(b"\xef\xbb\xbf" + START.encode())
    assert load_profile("shop", places).start_date == date(2024, 1, 1)


def test_the_error_for_a_missing_profile_names_the_existing_ones(places: Settings) -> None:
    """After a mistyped --profile, the user sees the right names and how to create a profile."""
    write(places, START, "alpha")
    with pytest.raises(ProfileError, match=r"existing profiles: alpha.*init --profile aplha") as caught:
        load_profile("aplha", places)
    assert "KEYCRM_PROFILES_DIR" in str(caught.value)


@pytest.mark.parametrize("name", ["Shop", "2shop", "my-shop", "my shop", "магазин", "../shop", "", "shop\n"])
def test_an_invalid_name_is_refused(places: Settings, name: str) -> None:
    """The name becomes part of asset keys, job names and an environment variable."""
    with pytest.raises(ProfileError, match="is not a valid profile name"):
        load_profile(name, places)


def test_one_invalid_profile_does_not_affect_the_others(places: Settings) -> None:
    """A mistake in one shop's file does not stop the exchange of another."""
    write(places, START, "beta")
    write(places, START, "alpha")
    write(places, "acount: x\n", "broken")
    write(places, START, "Wrong-Name")
    write(places, START, ".#beta")
    (places.profiles_directory / "old.yml").write_text(START, "utf-8")
    profiles, errors = load_profiles(places)
    assert [profile.name for profile in profiles] == ["alpha", "beta"]
    assert sorted(error.file.name for error in errors) == ["Wrong-Name.yaml", "broken.yaml", "old.yml"]
    assert "old.yaml" in next(str(error) for error in errors if error.file.name == "old.yml")


def test_an_installation_is_for_its_share_of_the_profiles(places: Settings) -> None:
    """Several hosts have the same files; on the wrong one a command would begin a shop's books a second time."""
    for name in ("alpha", "beta", "gamma"):
        write(places, START, name)
    share = settings_from_environment(
        {
            "KEYCRM_PROFILES_DIR": str(places.profiles_directory),
            "KEYCRM_DATA_DIR": str(places.data_directory),
            "KEYCRM_PROFILES": " gamma,alpha ,, delta",
        }
    )
    assert profile_names(share) == ["alpha", "delta", "gamma"]
    profiles, errors = load_profiles(share)
    assert [profile.name for profile in profiles] == ["alpha", "gamma"]
    assert [error.file.stem for error in errors] == ["delta"]
    assert "there is no such file" in str(errors[0])
    assert load_profile("alpha", share).name == "alpha"
    with pytest.raises(
        ProfileError,
        match=r"not among the profiles of this installation \(KEYCRM_PROFILES: alpha, delta, gamma\)",
    ):
        load_profile("beta", share)


def test_without_a_choice_an_installation_is_for_all_profiles(places: Settings) -> None:
    """An empty line in a file of variables is no choice."""
    write(places, START, "alpha")
    directories = {"KEYCRM_PROFILES_DIR": str(places.profiles_directory), "KEYCRM_DATA_DIR": "data"}
    for chosen in ({}, {"KEYCRM_PROFILES": ""}, {"KEYCRM_PROFILES": " , "}):
        assert profile_names(settings_from_environment(directories | chosen)) == ["alpha"]


def test_a_missing_directory_is_reported(places: Settings, tmp_path: Path) -> None:
    """A mistyped KEYCRM_PROFILES_DIR would otherwise show an empty page without an explanation."""
    profiles, errors = load_profiles(Settings(tmp_path / "nowhere", places.data_directory))
    assert profiles == []
    assert "KEYCRM_PROFILES_DIR" in str(errors[0])


def test_a_directory_that_may_not_be_read_is_not_an_empty_one(
    places: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its shops would be gone from both pages, and the advice would be to create the first one."""
    write(places, START, "alpha")

    def refuse(_path: Path) -> Iterator[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    profiles, errors = load_profiles(places)
    assert (profiles, [str(error).splitlines() for error in errors]) == (
        [],
        [
            [
                f"The profile {places.profiles_directory} cannot be used:",
                "  - it cannot be read: permission denied.",
            ]
        ],
    )
    with pytest.raises(ProfileError, match="permission denied"):
        profile_names(places)


@pytest.mark.parametrize(
    "other", ["shop.duckdb", "./shop.duckdb", "../data/shop.duckdb", "{data}/shop.duckdb", "{link}"]
)
def test_two_profiles_with_one_file_are_both_refused(places: Settings, tmp_path: Path, other: str) -> None:
    """Two accounts in one file would mix their orders; only a person knows whose file it is."""
    places.data_directory.mkdir()
    link = tmp_path / "link.duckdb"
    link.symlink_to(places.data_directory / "shop.duckdb")
    write(places, START)
    write(places, f"{START}database: {other.format(data=places.data_directory, link=link)}\n", "alpha")
    write(places, START, "gamma")
    profiles, errors = load_profiles(places)
    assert [profile.name for profile in profiles] == ["gamma"]
    assert sorted(error.file.stem for error in errors) == ["alpha", "shop"]
    for name, named in (("shop", "alpha"), ("alpha", "shop")):
        with pytest.raises(ProfileError, match=f"profile {named} uses the same file"):
            load_profile(name, places)
    assert load_profile("gamma", places).name == "gamma"


def test_reading_a_profile_is_quick() -> None:
    """`status` answers at once because the profile package imports nothing slow."""
    code = (
        "import sys, keycrm_pipeline.profile\n"
        "print(sorted({'dagster', 'duckdb', 'polars', 'pandera', 'numpy', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
