"""The profile file: what is read from it, what its mistakes are called, and where the API key may be.

Covers `keycrm_pipeline.profile` and the shipped files that come from it: the JSON Schema and `demo.yaml`.
"""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline import profile as profile_module
from keycrm_pipeline.profile import (
    MissingKeyError,
    Problem,
    Profile,
    ProfileError,
    Settings,
    api_key,
    database_path,
    load_profile,
    load_profiles,
    lock_path,
    profile_json_schema,
    settings_from_environment,
)
from keycrm_pipeline.sandbox.dictionaries import PAYMENT_METHODS, STATUSES

PROJECT = Path(__file__).resolve().parent.parent
START = "start_date: 2024-01-01\n"


@pytest.fixture
def places(tmp_path: Path) -> Settings:
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    return Settings(profiles_directory=profiles, data_directory=tmp_path / "data")


def _write(places: Settings, text: str, name: str = "shop") -> Path:
    path = places.profiles_directory / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def _read(places: Settings, text: str) -> Profile:
    _write(places, text)
    return load_profile("shop", places)


def _problems(places: Settings, text: str) -> dict[str, str]:
    """Each refused setting, and what is said of it."""
    _write(places, text)
    with pytest.raises(ProfileError) as caught:
        load_profile("shop", places)
    assert str(caught.value.file) in str(caught.value)
    return {problem.key: str(problem) for problem in caught.value.problems}


def test_a_start_date_alone_is_a_profile(places: Settings) -> None:
    """Somebody who writes one line gets the defaults that the documentation promises."""
    profile = _read(places, START)
    assert profile.model_dump() == {
        "base_url": "https://openapi.keycrm.app/v1",
        "start_date": date(2024, 1, 1),
        "timezone": "Europe/Kyiv",
        "currency": "UAH",
        "author": "Оператор обміну",
        "default_partner": None,
        "partner_match": "phone",
        "delivery_service": "Послуги доставки",
        "source_number_in_comment": False,
        "account": "Каса",
        "accounts": {},
        "service_categories": (),
        "managers": {},
        "statuses": {"load": "all", "stages": {}, "require_mapping": False},
        "requests_per_minute": 20,
        "database": None,
        "changes": {"enabled": True, "every_minutes": 15, "overlap_minutes": 60},
        "recent": {"days": 14},
        "sweep": {"enabled": True, "weekday": "sunday", "most_missing": 20},
        "schedule": {"enabled": True, "daily_at": "05:30", "most_days_to_complete": 31},
        "alert": {"command": None, "webhook": None},
        "export": {"columns": {}},
        "keycrm_url": None,
        "owners": ("team:accounting",),
    }
    assert profile.name == "shop"
    assert str(profile.zone) == "Europe/Kyiv"


def test_every_setting_is_read_as_written(places: Settings) -> None:
    """The example of the documentation means what it says."""
    profile = _read(
        places,
        """
base_url: https://openapi.keycrm.app/v1/
start_date: "2024-02-29"
currency: EUR
default_partner: "  Роздрібний покупець "
partner_match: phone_and_name
accounts: {2: "ПриватБанк ФОП"}
service_categories: [7, 12]
managers: {5: olena}
statuses: {load: [1, 12], stages: {1: Нове, 12: Виконано}, require_mapping: true}
requests_per_minute: 600
schedule: {daily_at: "20:59"}
export: {columns: {orders: {order_id: Номер, grand_total: Сума}}}
owners: ["team:books", olena@shop.example]
""",
    )
    assert profile.base_url == "https://openapi.keycrm.app/v1"
    assert profile.start_date == date(2024, 2, 29)
    assert profile.default_partner == "Роздрібний покупець"
    assert profile.accounts == {2: "ПриватБанк ФОП"}
    assert profile.service_categories == (7, 12)
    assert profile.managers == {5: "olena"}
    assert profile.statuses.load == (1, 12)
    assert profile.statuses.stages == {1: "Нове", 12: "Виконано"}
    assert list(profile.export.columns["orders"].items()) == [("order_id", "Номер"), ("grand_total", "Сума")]
    assert profile.owners == ("team:books", "olena@shop.example")


def test_a_key_whose_entries_are_all_comments_counts_as_left_out(places: Settings) -> None:
    """A profile written by `init` lists everything as comments; taking no entry in use must not break it."""
    profile = _read(
        places, f"{START}accounts:\n  # 2: IBAN\nmanagers:\n  5:\n  6: taras\nstatuses:\n  stages:\n"
    )
    assert profile.accounts == {}
    assert profile.managers == {6: "taras"}
    assert profile.statuses.stages == {}


def test_the_demo_shop_is_not_slowed_down(places: Settings) -> None:
    """The demo month would take minutes at the rate of a real account."""
    assert _read(places, f"{START}base_url: sandbox\n").requests_per_minute == 6000
    assert _read(places, f"{START}base_url: sandbox\nrequests_per_minute: 9000\n").requests_per_minute == 9000
    assert _read(places, f"{START}base_url: sandbox\nrequests_per_minute: 30\n").requests_per_minute == 30


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ("acount: Каса", "acount", "account"),
        ("statuses: {stage: {1: Нове}}", "statuses.stage", "stages"),
        ("sweep: {when: sunday}", "sweep.when", "enabled, weekday, most_missing"),
        ("sweep: {weekdays: sunday}", "sweep.weekdays", "weekday, if you mean that"),
        ("sweep: 5", "sweep", "enabled, weekday, most_missing"),
        ("timezone: Kyiv", "timezone", "Europe/Kyiv"),
        ("timezone: right/Europe/Kyiv", "timezone", "Europe/Kyiv"),
        ("timezone: ../../etc/passwd", "timezone", "Europe/Kyiv"),
        ("currency: грн", "currency", "UAH"),
        ("author: '  '", "author", "blank"),
        ("author: 7", "author", "in quotes"),
        ("author: yes", "author", "in quotes"),
        ("partner_match: name", "partner_match", "'phone' or 'phone_and_name'"),
        ("source_number_in_comment: 'true'", "source_number_in_comment", "without quotes"),
        ("source_number_in_comment: 1", "source_number_in_comment", "true or false"),
        ("requests_per_minute: 0", "requests_per_minute", "least that is allowed is 1"),
        ("requests_per_minute: 601", "requests_per_minute", "1 to 600"),
        ("requests_per_minute: true", "requests_per_minute", "whole number"),
        ("requests_per_minute: 20.5", "requests_per_minute", "whole number"),
        ("service_categories: 7", "service_categories", "list"),
        ("service_categories: [true]", "service_categories.0", "whole number"),
        ("service_categories: ['7']", "service_categories.0", "without quotes"),
        ("accounts: [IBAN]", "accounts", "key: value"),
        ("accounts: {2: 26001234}", "accounts.2", "in quotes"),
        ("accounts: {'2': IBAN}", "accounts", "«2» is no id. Ids are whole numbers"),
        ("accounts: {true: IBAN}", "accounts", "true is no id"),
        ("accounts: {0: IBAN}", "accounts", "0 is no id"),
        ("statuses: {load: none}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: ['1']}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: [true]}", "statuses.load", "`all`, or a list of status ids"),
        ("statuses: {load: []}", "statuses.load", "`all`, or a list of status ids"),
        ("changes: {every_minutes: 0}", "changes.every_minutes", "least that is allowed is 1"),
        ("changes: {overlap_minutes: true}", "changes.overlap_minutes", "whole number"),
        ("sweep: {weekday: неділя}", "sweep.weekday", "'sunday'"),
        ("schedule: {daily_at: '04:59'}", "schedule.daily_at", '"05:00" to "20:59"'),
        ("schedule: {daily_at: '21:00'}", "schedule.daily_at", '"05:00" to "20:59"'),
        ("schedule: {daily_at: 12:30}", "schedule.daily_at", "in quotes"),
        ('alert: {command: "mail -s \'x"}', "alert.command", "quote in it is not closed"),
        ("alert: {webhook: hooks.example}", "alert.webhook", "https://"),
        ("keycrm_url: javascript:alert(1)", "keycrm_url", "https://"),
        ("owners: [books]", "owners", "`team:` and a name"),
        ("database: 'md:shop'", "database", "path of a file"),
        ("database: ':memory:'", "database", "path of a file"),
        ("export: {columns: {orders: {order_id: 5}}}", "export.columns.orders.order_id", "in quotes"),
        ("base_url: openapi.keycrm.app", "base_url", "https://"),
        ("base_url: http://openapi.keycrm.app/v1", "base_url", "over the network"),
        ("base_url: https://user:word@openapi.keycrm.app/v1", "base_url", "a user or a password"),
        ("name: other", "name", "the file's name"),
        ("1: 2", "1", "no such setting"),
    ],
)
def test_a_mistake_is_told_with_its_key_and_what_is_allowed(
    places: Settings, line: str, key: str, said: str
) -> None:
    """Who mistypes a setting is told which, and what to write instead; nothing is guessed or left aside."""
    problems = _problems(places, f"{START}{line}\n")
    assert set(problems) == {key}
    assert said in problems[key]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "it is missing"),
        ("start_date: 2024-01-01 10:00", "a day such as 2024-01-01"),
        ("start_date: 20240101", "a day such as 2024-01-01"),
        ("start_date: 01.01.2024", "a day such as 2024-01-01"),
        ("start_date: '2024-02-30'", "there is no such day"),
        ("start_date: 0224-01-01", "from 2000-01-01 on"),
    ],
)
def test_a_first_day_that_is_none_is_refused(places: Settings, line: str, said: str) -> None:
    """A mistyped year would make partitions for centuries."""
    assert said in _problems(places, f"{line}\ncurrency: UAH\n")["start_date"]


def test_all_mistakes_are_told_at_once(places: Settings) -> None:
    """Nobody wants to mend a file mistake by mistake."""
    problems = _problems(places, "acount: x\ncurrency: грн\nsweep: {weekday: x}\n")
    assert set(problems) == {"acount", "currency", "sweep.weekday", "start_date"}


@pytest.mark.parametrize("key", ["api_key", "token", "keycrm_api_key", "API-KEY", "password"])
def test_a_key_in_the_file_is_refused_and_not_repeated(places: Settings, key: str) -> None:
    """A secret in a file ends in a backup or a repository; in an error it would end in a log."""
    problems = _problems(places, f"{START}{key}: TOP-SECRET\n")
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
    """The error goes to logs and to the page; a person's name or a pasted secret must not go along."""
    assert "Марічка" not in " ".join(_problems(places, f"{START}{line}\n").values())


def test_a_printed_profile_shows_no_people_and_no_hooks(places: Settings) -> None:
    """An unexpected error prints the objects it meets."""
    profile = _read(
        places,
        f"{START}managers: {{5: Марічка}}\nalert: {{command: mail Марічка, webhook: 'https://x.example/Марічка'}}\n",
    )
    assert profile.managers == {5: "Марічка"}
    assert "Марічка" not in repr(profile)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{START}{START}", "line 2: the key start_date stands twice"),
        (f"{START}statuses:\n  stages:\n    1: Нове\n    1: Нове\n", "line 5: the key 1 stands twice"),
        (f"{START}accounts: {{2: a\n", "line 3"),
        (f"{START}author: 'x\n", "line"),
        ("start_date: 2024-02-30\n", "line 1: there is no such day"),
        ("start_date: !!python/object/apply:os.system ['true']\n", "line 1"),
        ("- start_date\n", "keys and values"),
        ("just text\n", "keys and values"),
        ("\tstart_date: 2024-01-01\n", "line 1"),
        ("a: \x00\n", "no YAML"),
        ("[" * 5000, "YAML"),
    ],
)
def test_what_is_no_profile_at_all_is_told_with_its_line(places: Settings, text: str, said: str) -> None:
    """A broken file names the place, and never stops the other profiles."""
    assert said in " ".join(_problems(places, text).values())


def test_an_empty_file_lacks_its_start_date(places: Settings) -> None:
    """An empty file is told like any other that lacks something."""
    assert "start_date: 2024-01-01" in _problems(places, "")["start_date"]


def test_a_file_that_is_not_text_is_told(places: Settings) -> None:
    """A file saved in another encoding must not come in with garbled names."""
    path = _write(places, "")
    path.write_bytes(f"{START}author: Олена\n".encode("cp1251"))
    with pytest.raises(ProfileError, match="UTF-8"):
        load_profile("shop", places)


def test_a_file_of_notepad_is_read(places: Settings) -> None:
    """Windows editors put a mark before the first letter."""
    _write(places, "").write_bytes(b"\xef\xbb\xbf" + START.encode())
    assert load_profile("shop", places).start_date == date(2024, 1, 1)


def test_a_profile_that_is_not_there_names_those_that_are(places: Settings) -> None:
    """A mistyped --profile says what could have been meant, and how a new one is made."""
    _write(places, START, "alpha")
    with pytest.raises(ProfileError, match=r"profiles there: alpha.*init --profile aplha") as caught:
        load_profile("aplha", places)
    assert "KEYCRM_PROFILES_DIR" in str(caught.value)


@pytest.mark.parametrize("name", ["Shop", "2shop", "my-shop", "my shop", "магазин", "../shop", "", "shop\n"])
def test_a_name_that_cannot_be_a_key_is_refused(places: Settings, name: str) -> None:
    """The name becomes part of asset keys, job names and an environment variable."""
    with pytest.raises(ProfileError, match="no name of a profile"):
        load_profile(name, places)


def test_one_bad_profile_leaves_the_others(places: Settings) -> None:
    """A mistake in one shop's file must not stop the exchange of another."""
    _write(places, START, "beta")
    _write(places, START, "alpha")
    _write(places, "acount: x\n", "broken")
    _write(places, START, "Wrong-Name")
    _write(places, START, ".#beta")
    (places.profiles_directory / "old.yml").write_text(START, "utf-8")
    profiles, errors = load_profiles(places)
    assert [profile.name for profile in profiles] == ["alpha", "beta"]
    assert sorted(error.file.name for error in errors) == ["Wrong-Name.yaml", "broken.yaml", "old.yml"]
    assert "old.yaml" in next(str(error) for error in errors if error.file.name == "old.yml")


def test_a_directory_that_is_not_there_is_told(places: Settings, tmp_path: Path) -> None:
    """A mistyped KEYCRM_PROFILES_DIR would otherwise show an empty page without a word."""
    profiles, errors = load_profiles(Settings(tmp_path / "nowhere", places.data_directory))
    assert profiles == []
    assert "KEYCRM_PROFILES_DIR" in str(errors[0])


@pytest.mark.parametrize(
    "other", ["shop.duckdb", "./shop.duckdb", "../data/shop.duckdb", "{data}/shop.duckdb", "{link}"]
)
def test_two_profiles_with_one_file_are_both_refused(places: Settings, tmp_path: Path, other: str) -> None:
    """Two accounts in one file would mix their orders; whose file it is, only a person can say."""
    places.data_directory.mkdir()
    link = tmp_path / "link.duckdb"
    link.symlink_to(places.data_directory / "shop.duckdb")
    _write(places, START)
    _write(places, f"{START}database: {other.format(data=places.data_directory, link=link)}\n", "alpha")
    _write(places, START, "gamma")
    profiles, errors = load_profiles(places)
    assert [profile.name for profile in profiles] == ["gamma"]
    assert sorted(error.file.stem for error in errors) == ["alpha", "shop"]
    for name, named in (("shop", "alpha"), ("alpha", "shop")):
        with pytest.raises(ProfileError, match=f"profile {named} has the same file"):
            load_profile(name, places)
    assert load_profile("gamma", places).name == "gamma"


def test_files_of_a_profile(places: Settings, tmp_path: Path) -> None:
    """The data directory holds one file a profile, unless the profile says otherwise."""
    profile = _read(places, START)
    assert database_path(profile, places) == tmp_path / "data" / "shop.duckdb"
    assert lock_path(profile, places) == tmp_path / "data" / "shop.duckdb.lock"
    assert (
        database_path(_read(places, f"{START}database: x/y.duckdb\n"), places) == tmp_path / "data/x/y.duckdb"
    )
    assert database_path(_read(places, f"{START}database: /var/y.duckdb\n"), places) == Path("/var/y.duckdb")


def test_directories_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a word, the directories below the one where the command is run."""
    monkeypatch.chdir(tmp_path)
    assert settings_from_environment({}) == Settings(tmp_path / "profiles", tmp_path / "data")
    assert settings_from_environment({"KEYCRM_PROFILES_DIR": "", "KEYCRM_DATA_DIR": "/srv/data"}) == Settings(
        tmp_path / "profiles", Path("/srv/data")
    )


def test_the_key_of_the_profile_comes_before_the_common_one(places: Settings) -> None:
    """With two accounts, the key of one must never be used for the other."""
    profile = _read(places, START)
    both = {"KEYCRM_API_KEY_SHOP": " own \n", "KEYCRM_API_KEY": "common"}
    assert api_key(profile, both) == "own"
    assert api_key(profile, {**both, "KEYCRM_API_KEY_SHOP": " "}) == "common"
    assert api_key(profile, {"KEYCRM_API_KEY": "common"}) == "common"


def test_a_missing_key_says_where_to_set_it(places: Settings) -> None:
    """Both variables are named, and where the key is in KeyCRM."""
    with pytest.raises(MissingKeyError, match=r"KEYCRM_API_KEY_SHOP, or in KEYCRM_API_KEY for all"):
        api_key(_read(places, START), {"KEYCRM_API_KEY": "  ", "KEYCRM_API_KEY_OTHER": "x"})


@pytest.mark.parametrize("value", ["abc def", "пароль", "abc\ndef", "abc\x00"])
def test_a_key_that_no_request_can_carry_is_refused_without_repeating_it(
    places: Settings, value: str
) -> None:
    """Half a page copied along with the key would otherwise come out in the HTTP client's own error."""
    with pytest.raises(MissingKeyError, match="KEYCRM_API_KEY_SHOP") as caught:
        api_key(_read(places, START), {"KEYCRM_API_KEY_SHOP": value})
    assert value not in str(caught.value)


def test_the_demo_shop_needs_no_key_and_sees_none(places: Settings) -> None:
    """A real account's key in the environment stays out of the demo shop."""
    profile = _read(places, f"{START}base_url: sandbox\n")
    assert api_key(profile, {}) == "sandbox"
    assert api_key(profile, {"KEYCRM_API_KEY": "real"}) == "sandbox"


def test_errors_come_through_process_borders() -> None:
    """Dagster hands errors from process to process; one that cannot travel hides the mistake it tells."""
    error = ProfileError(Path("profiles/shop.yaml"), [Problem("author", "it is blank", "A text is allowed")])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert (
        str(copy)
        == str(error)
        == "The profile profiles/shop.yaml cannot be used:\n  - author: it is blank. A text is allowed."
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
def test_whatever_is_in_the_file_it_loads_or_is_told(
    content: dict[Any, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No content of a file may end in a traceback, and each mistake says something."""
    places = Settings(tmp_path_factory.mktemp("profiles"), Path("data"))
    (places.profiles_directory / "shop.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    profiles, errors = load_profiles(places)
    assert len(profiles) + len(errors) == 1
    assert all(problem.what for error in errors for problem in error.problems)
    assert all(error.problems for error in errors)


def test_the_shipped_schema_is_the_models() -> None:
    """An editor must not complete what the program refuses; `make schema` writes the file anew."""
    shipped = Path(profile_module.__file__).with_name("profile.schema.json")
    assert json.loads(shipped.read_text("utf-8")) == profile_json_schema()


def test_every_setting_of_the_schema_is_described() -> None:
    """An editor shows the description while one types."""
    schema = profile_json_schema()
    sections = {"": schema, **schema["$defs"]}
    undescribed = [
        f"{section}.{name}"
        for section, part in sections.items()
        for name, setting in part["properties"].items()
        # A setting described like its section has the description there.
        if not (setting.get("description") or "$ref" in setting)
    ]
    assert undescribed == []
    assert "name" not in schema["properties"]
    assert schema["required"] == ["start_date"]
    assert all(part["additionalProperties"] is False for part in sections.values())


def test_the_profile_of_the_demo_shop_is_good() -> None:
    """What a newcomer starts from works, and shows an unmapped status and manager on purpose."""
    places = Settings(PROJECT / "profiles", PROJECT / "data")
    profile = load_profile("demo", places)
    assert profile.base_url == "sandbox"
    assert profile.start_date == date(2023, 1, 1)
    assert profile.service_categories == (7,)
    assert profile.default_partner is not None
    listed = {status["id"] for status in STATUSES if status["is_active"]}
    assert len(listed - set(profile.statuses.stages)) == 1
    assert set(profile.statuses.stages) < listed
    assert {1, 2, 3, 4, 5} <= set(profile.managers)
    assert set(profile.accounts) == {method["id"] for method in PAYMENT_METHODS if method["name"]}
    first_line = (places.profiles_directory / "demo.yaml").read_text("utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first_line)
    assert named is not None
    assert (places.profiles_directory / named[1]).is_file()


def test_reading_a_profile_is_quick() -> None:
    """`status` must answer at once, so nothing heavy may come along with the profile."""
    code = (
        "import sys, keycrm_pipeline.profile\n"
        "print(sorted({'dagster', 'duckdb', 'polars', 'pandera', 'numpy', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
