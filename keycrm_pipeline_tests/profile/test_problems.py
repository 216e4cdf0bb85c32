"""Mistakes in a profile file: all are reported, and no secret or name is repeated."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.profile import Problem, Profile, ProfileError, Settings, load_profiles
from keycrm_pipeline.sentences.profiles import Allowed, Wrong
from keycrm_pipeline_tests.profile.files import START, problems_of

UK = Formatter("uk")


def test_all_mistakes_are_reported_at_once(places: Settings) -> None:
    """Nobody wants to fix a file one error at a time."""
    problems = problems_of(places, "acount: x\ncurrency: грн\nsweep: {weekday: x}\n")
    assert set(problems) == {"acount", "currency", "sweep.weekday", "start_date"}


@pytest.mark.parametrize("key", ["api_key", "token", "keycrm_api_key", "API-KEY", "password"])
def test_a_key_in_the_file_is_refused_and_not_repeated(places: Settings, key: str) -> None:
    """A secret in a file ends up in a backup or a repository; in an error message it would end up in a log."""
    problems = problems_of(places, f"{START}{key}: TOP-SECRET\n")
    assert "KEYCRM_API_KEY_SHOP" in problems[key]
    assert "TOP-SECRET" not in problems[key]


@pytest.mark.parametrize(
    "line",
    [
        "managers: {Марічка: olena}",
        "managers: {5: [Марічка]}",
        "managers: Марічка",
        "alert: {webhook: Марічка}",
        'alert: {command: "\'Марічка"}',
        "base_url: Марічка",
        "owners: [Марічка]",
        "requests_per_minute: Марічка",
        "accounts: {2: {a: Марічка}}",
    ],
)
def test_names_and_secrets_written_in_the_wrong_place_are_not_repeated(places: Settings, line: str) -> None:
    """Errors go to logs and to the page; a person's name or a pasted secret must not."""
    assert "Марічка" not in " ".join(problems_of(places, f"{START}{line}\n").values())


def test_errors_survive_pickling() -> None:
    """Dagster passes errors between processes; one that cannot be pickled would hide the mistake."""
    error = ProfileError(
        Path("profiles/shop.yaml"),
        [Problem("author", Wrong.IS_BLANK.message(), Allowed.NOT_BLANK.message())],
    )
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (
        str(copy)
        == str(error)
        == "The profile profiles/shop.yaml cannot be used:\n  - author: it is blank. It must be text that is not blank."
    )


@settings(deadline=None, max_examples=200)
@given(
    content=st.dictionaries(
        st.one_of(st.sampled_from(sorted(Profile.model_fields)), st.text(max_size=5), st.integers()),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.dates()),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3),
                st.dictionaries(
                    st.one_of(st.text(max_size=5), st.integers(), st.booleans()), inner, max_size=3
                ),
            ),
            max_leaves=6,
        ),
        max_size=6,
    )
)
def test_any_content_loads_or_is_reported(
    content: dict[Any, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No file content leads to a traceback, and each mistake has a message."""
    places = Settings(tmp_path_factory.mktemp("profiles"), Path("data"))
    (places.profiles_directory / "shop.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    profiles, errors = load_profiles(places)
    assert len(profiles) + len(errors) == 1
    assert all(problem.what for error in errors for problem in error.problems)
    assert all(error.problems for error in errors)
    assert all(re.search("[а-яі]{2}", problem.text(UK)) for error in errors for problem in error.problems)


def test_mistakes_are_told_in_ukrainian(places: Settings) -> None:
    """Each with its setting, and with what is allowed."""
    (places.profiles_directory / "shop.yaml").write_text(
        f"{START}acount: x\ncurrency: грн\nstatuses: {{load: нові}}\nsweep: {{weekday: x}}\nrecent: {{days: 0}}\n",
        "utf-8",
    )
    (error,) = load_profiles(places)[1]
    assert error.message.text(UK).splitlines()[1:] == [
        "  - currency: тут стоїть «грн». Тут мають бути три великі латинські літери, наприклад UAH.",
        "  - statuses.load: такого вибору немає. Дозволено: `all` або перелік номерів статусів (цілі числа), наприклад "
        "[1, 12].",
        "  - recent.days: тут стоїть 0. Найменше значення: 1.",
        "  - sweep.weekday: тут стоїть «x». Тут має бути одне з такого: 'monday', 'tuesday', 'wednesday', 'thursday', "
        "'friday', 'saturday', 'sunday'.",
        "  - acount: такого налаштування немає. Можливо, мало бути account.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2\n", "рядок 2: ключ a стоїть двічі. Зразок: profiles/demo.yaml."),
        ("start_date: 2024-02-30\n", "рядок 1: такої дати немає. Зразок: profiles/demo.yaml."),
        (
            "a: b: c\n",
            "рядок 1: це не YAML (mapping values are not allowed here). Зразок: profiles/demo.yaml.",
        ),
        ("- a\n", "він складається не з ключів зі значеннями. Зразок: profiles/demo.yaml."),
    ],
)
def test_a_file_that_is_no_profile_is_told_in_ukrainian(places: Settings, text: str, told: str) -> None:
    """With the line, where there is one."""
    (places.profiles_directory / "shop.yaml").write_text(text, "utf-8")
    (error,) = load_profiles(places)[1]
    assert [problem.text(UK) for problem in error.problems] == [told]
