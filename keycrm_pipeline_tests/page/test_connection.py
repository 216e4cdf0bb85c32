"""Підключення: a key is stored, tested, replaced and removed, and shown nowhere."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Settings
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.page.site import Visitor, text_of, visited
from keycrm_pipeline_tests.scripted_api import ScriptedApi

KEY = "the-key-of-the-tests"
PATH = "/profiles/shop/connection"


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """A profile without a key, of an account that takes the key of the tests."""
    for variable in ("KEYCRM_API_KEY", "KEYCRM_API_KEY_SHOP", "KEYCRM_API_KEY_SHOP_FILE"):
        monkeypatch.delenv(variable, raising=False)
    with SandboxServer(ScriptedApi(EditableShop.empty(), api_key=KEY)) as server:
        (tmp_path / "shop.yaml").write_text(f"start_date: 2026-01-01\nbase_url: {server.url}\n", "utf-8")
        with visited(Settings(tmp_path, tmp_path / "data")) as found:
            yield found


def test_from_no_key_to_one_that_works(
    guest: Visitor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assert "Ключа ще немає" in text_of(guest.page(PATH))
    assert "Ключа API не знайдено." in text_of(guest.page("/profiles/shop/load"))
    done = guest.send(PATH, PATH, action="store", key=f" {KEY}\n")
    assert done.headers["location"] == f"{PATH}?done=stored"
    stored = tmp_path / "data" / "keys" / "shop"
    assert stored.read_text("ascii") == f"{KEY}\n"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert "Ключа API не знайдено." not in text_of(guest.page("/profiles/shop/load"))
    shown = guest.get(f"{PATH}?done=stored")
    assert "Ключ збережено" in shown.text
    tested = guest.send(PATH, PATH, action="test")
    assert tested.status_code == 200
    # The standard statuses of the demo shop.
    assert "Ключ працює: KeyCRM відповів, статусів в акаунті — " in tested.text
    for said in (shown.text, tested.text, caplog.text):
        assert KEY not in said
    assert guest.send(PATH, PATH, action="remove").headers["location"] == f"{PATH}?done=removed"
    assert not stored.exists()
    assert "Ключа ще немає" in text_of(guest.page(PATH))


def test_a_wrong_key_is_told_and_not_repeated(guest: Visitor) -> None:
    guest.send(PATH, PATH, action="store", key="another-key")
    answer = guest.send(PATH, PATH, action="test")
    assert answer.status_code == 422
    assert "KeyCRM не приймає ключ API" in answer.text
    assert "another-key" not in answer.text


@pytest.mark.parametrize("key", ["", "  ", "two words", "ключ"])
def test_what_is_no_key_is_not_stored(guest: Visitor, tmp_path: Path, key: str) -> None:
    answer = guest.send(PATH, PATH, action="store", key=key)
    assert answer.status_code == 422
    assert "не збережено: він порожній або містить пробіли" in answer.text
    assert not (tmp_path / "data" / "keys" / "shop").exists()


def test_a_key_of_the_environment_comes_first(guest: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYCRM_API_KEY_SHOP", KEY)
    page = guest.page(PATH)
    assert "KEYCRM_API_KEY_SHOP" in text_of(page)
    assert not page.xpath("//button[@value='remove']")
    assert KEY not in guest.get(PATH).text


def test_a_key_that_others_can_read_is_refused(guest: Visitor, tmp_path: Path) -> None:
    guest.send(PATH, PATH, action="store", key=KEY)
    (tmp_path / "data" / "keys" / "shop").chmod(0o644)
    text = text_of(guest.page(PATH))
    assert "chmod 600" in text
    assert KEY not in text


def test_the_demo_shop_needs_none(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text("start_date: 2026-01-01\nbase_url: sandbox\n", "utf-8")
    with visited(Settings(tmp_path, tmp_path)) as guest:
        page = guest.page(PATH)
        assert "ключ йому не потрібен" in text_of(page)
        assert not page.xpath("//input[@name='key']")
        assert guest.send(PATH, "/profiles/shop/load", action="store", key=KEY).status_code == 404
    assert not (tmp_path / "keys").exists()


def test_an_unknown_action(guest: Visitor) -> None:
    assert guest.send(PATH, PATH, action="show").status_code == 404
