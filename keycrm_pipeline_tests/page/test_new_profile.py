"""Новий профіль: the account is read and shown, then the file and the key are written, or neither."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Settings, load_profile
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.page.site import (
    Clock,
    NotedDagster,
    Visitor,
    noted_dagster,
    rows_of,
    text_of,
    visited,
)
from keycrm_pipeline_tests.scripted_api import ScriptedApi

KEY = "the-key-of-the-tests"
PATH = "/new-profile"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def noted() -> Iterator[tuple[str, NotedDagster]]:
    with noted_dagster() as found:
        yield found


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for variable in ("KEYCRM_API_KEY", "KEYCRM_API_KEY_SHOP", "KEYCRM_API_KEY_SHOP_FILE"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "profiles").mkdir()
    return Settings(tmp_path / "profiles", tmp_path / "data")


@pytest.fixture
def guest(settings: Settings, clock: Clock, noted: tuple[str, NotedDagster]) -> Iterator[Visitor]:
    """No profile yet; an account that takes the key of the tests, with a hostile manager."""
    shop = EditableShop.empty()
    shop.add_status({"id": 77, "name": "<script>window.hacked=1</script>", "alias": "x", "group_id": 1})
    with (
        SandboxServer(ScriptedApi(shop, api_key=KEY)) as server,
        visited(settings, keycrm_url=server.url, clock=clock, dagster=noted[0]) as found,
    ):
        yield found


def test_from_the_key_to_the_profile(
    guest: Visitor, settings: Settings, noted: tuple[str, NotedDagster], caplog: pytest.LogCaptureFixture
) -> None:
    """What the account has is shown; Dagster reads the profiles again; the key is in its file and nowhere else."""
    caplog.set_level(logging.DEBUG)
    assert guest.page("/").xpath(f"//a[@href='{PATH}']")
    read = guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=f" {KEY}\n")
    assert read.status_code == 200
    page = guest.shown(read)
    rows = rows_of(page, "Статуси й пропоновані стадії")
    assert ["<script>window.hacked=1</script>", "Новий", "<script>window.hacked=1</script>"] in rows
    assert f"Статусів {len(rows)} " in text_of(page)
    assert list(settings.profiles_directory.iterdir()) == []
    assert not settings.data_directory.exists()
    done = guest.send(
        PATH, PATH, action="create", name="shop", start_date="2026-02-01", has_default_partner="1"
    )
    assert done.headers["location"] == "/profiles/shop/settings/orders?done=created"
    profile = load_profile("shop", settings)
    assert (str(profile.start_date), profile.default_partner) == ("2026-02-01", "Роздрібний покупець")
    assert stat.S_IMODE((settings.profiles_directory / "shop.yaml").stat().st_mode) == 0o600
    assert (settings.data_directory / "keys" / "shop").read_text("ascii") == f"{KEY}\n"
    assert noted[1].reloads == 1
    started = guest.get(done.headers["location"])
    assert "Профіль створено" in started.text
    # The form is ready to fill: with KeyCRM's names, before anything was loaded.
    (label,) = guest.page(done.headers["location"]).xpath("//label[@for='statuses.stages.12']")
    assert text_of(label) == "Виконано № 12"
    text = (settings.profiles_directory / "shop.yaml").read_text("utf-8")
    for said in (read.text, started.text, text, caplog.text):
        assert KEY not in said
    # A double click is one press; a later one finds nothing to create.
    again = guest.send(
        PATH, PATH, action="create", name="shop", start_date="2026-02-01", has_default_partner="1"
    )
    assert again.headers["location"] == done.headers["location"]
    later = guest.send(PATH, PATH, action="create", name="shop", start_date="2026-02-01")
    assert later.status_code == 422


def test_the_demo_shop_needs_no_key(guest: Visitor, settings: Settings) -> None:
    read = guest.send(PATH, PATH, action="check", name="demo2", shop="sandbox", key=KEY)
    page = guest.shown(read)
    assert ["Новий", "Новий", "Новий"] in rows_of(page, "Статуси й пропоновані стадії")
    assert not page.xpath("//input[@type='password']")
    assert guest.send(PATH, PATH, action="create", name="demo2", start_date="01.02.2026").status_code == 303
    profile = load_profile("demo2", settings)
    assert (profile.base_url, profile.default_partner) == ("sandbox", None)
    assert not (settings.data_directory / "keys").exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Мій магазин", "key": KEY}, "малі латинські літери"),
        ({"name": "../shop", "key": KEY}, "малі латинські літери"),
        ({"name": "taken", "key": KEY}, "вже є"),
        ({"name": "shop", "key": ""}, "Вставте ключ API"),
        ({"name": "shop", "key": "two words"}, "не схоже на ключ"),
        ({"name": "shop", "key": "another-key"}, "KeyCRM не приймає ключ API"),
    ],
    ids=["name", "path", "taken", "no key", "no possible key", "refused"],
)
def test_what_does_not_work_is_said_and_leaves_nothing(
    guest: Visitor, settings: Settings, fields: dict[str, str], words: str
) -> None:
    (settings.profiles_directory / "taken.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    answer = guest.send(PATH, PATH, action="check", shop="keycrm", **fields)
    assert answer.status_code == 422
    assert words in text_of(guest.shown(answer))
    assert not fields["key"] or fields["key"] not in answer.text
    assert [path.name for path in settings.profiles_directory.iterdir()] == ["taken.yaml"]
    assert not settings.data_directory.exists()


def test_a_name_that_was_taken_meanwhile_leaves_no_key(guest: Visitor, settings: Settings) -> None:
    guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=KEY)
    (settings.profiles_directory / "shop.yaml").write_text("start_date: 2026-01-01\n", "utf-8")
    answer = guest.send(PATH, PATH, action="create", name="shop", start_date="2026-02-01")
    assert answer.status_code == 422
    assert "вже є" in answer.text
    assert not settings.data_directory.exists()


def test_books_of_an_earlier_profile_are_told_before_another_account_gets_into_them(
    guest: Visitor, settings: Settings
) -> None:
    """Somebody has tried the demo shop under this name, and has then removed its file: its orders are still there."""
    settings.data_directory.mkdir()
    books = settings.data_directory / "shop.duckdb"
    books.touch()
    for name, is_told in (("shop", True), ("other", False)):
        read = guest.send(PATH, PATH, action="check", name=name, shop="keycrm", key=KEY)
        said = f"У {books} уже є замовлення попереднього профілю з цією назвою"
        assert (said in text_of(guest.shown(read))) is is_told


def test_two_tabs_create_two_profiles(guest: Visitor, settings: Settings) -> None:
    """The first one created what the second had read, with the day that was chosen for its own."""
    for name, shop in (("one", "sandbox"), ("two", "keycrm")):
        guest.send(PATH, PATH, action="check", name=name, shop=shop, key=KEY)
    for name in ("one", "two"):
        assert guest.send(PATH, PATH, action="create", name=name, start_date="2026-02-01").status_code == 303
    assert load_profile("one", settings).base_url == "sandbox"
    assert load_profile("two", settings).base_url.startswith("http://127.0.0.1:")
    assert not (settings.data_directory / "keys" / "one").exists()


def test_a_mistyped_year_leaves_nothing(guest: Visitor, settings: Settings) -> None:
    """1926 for 2026: no profile may begin then, and the form waits for another day."""
    guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=KEY)
    answer = guest.send(PATH, PATH, action="create", name="shop", start_date="1926-02-01")
    assert answer.status_code == 422
    assert "від 01.01.2000 до сьогодні" in answer.text
    assert [*settings.profiles_directory.iterdir()] == []
    assert guest.send(PATH, PATH, action="create", name="shop", start_date="2026-02-01").status_code == 303


def test_a_directory_that_cannot_be_written_to_leaves_no_key(guest: Visitor, settings: Settings) -> None:
    """A file stands where the directory of profiles was."""
    guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=KEY)
    settings.profiles_directory.rmdir()
    settings.profiles_directory.write_text("", "ascii")
    answer = guest.send(PATH, PATH, action="create", name="shop", start_date="2026-02-01")
    assert answer.status_code == 422
    assert "не вдалося записати" in answer.text
    assert not (settings.data_directory / "keys" / "shop").exists()


def test_a_key_does_not_wait_for_ever(guest: Visitor, settings: Settings, clock: Clock) -> None:
    guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=KEY)
    wrong = guest.send(PATH, PATH, action="create", name="shop", start_date="30.02.2026")
    assert "такої дати немає" in wrong.text
    clock.now += timedelta(minutes=31)
    answer = guest.send(PATH, PATH, action="create", name="shop", start_date="2026-02-01")
    assert "Перевірку вже забуто" in answer.text
    assert list(settings.profiles_directory.iterdir()) == []


def test_it_is_said_when_dagster_is_stopped(settings: Settings) -> None:
    with visited(settings) as guest:
        guest.send(PATH, PATH, action="check", name="demo2", shop="sandbox")
        done = guest.send(PATH, PATH, action="create", name="demo2", start_date="2026-02-01")
        assert "Dagster зараз не відповідає" in guest.get(done.headers["location"]).text
    assert load_profile("demo2", settings).base_url == "sandbox"


def test_an_unreachable_keycrm_is_said(settings: Settings) -> None:
    with visited(settings, keycrm_url="http://127.0.0.1:9/v1") as guest:
        answer = guest.send(PATH, PATH, action="check", name="shop", shop="keycrm", key=KEY)
    assert answer.status_code == 422
    assert "KeyCRM не відповідає за адресою" in answer.text
    assert list(settings.profiles_directory.iterdir()) == []
