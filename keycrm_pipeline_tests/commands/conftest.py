"""Fixtures of the command tests: a place to run commands in, an account to ask, and books that are already there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books
from keycrm_pipeline_tests.scripted_api import ScriptedApi


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """An empty place; no key of the real environment reaches it."""
    monkeypatch.delenv("KEYCRM_API_KEY", raising=False)
    # A command makes DAGSTER_HOME known to its process; the next test must not find it.
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    return Place(tmp_path)


@pytest.fixture
def account() -> Iterator[Account]:
    """An account without orders that takes the key of the tests."""
    shop = EditableShop.empty()
    api = ScriptedApi(shop, api_key=KEY)
    with SandboxServer(api) as server:
        yield Account(shop, api, server.url)


@pytest.fixture
def books(place: Place) -> Books:
    """The books of profile `shop` in the place, with an account of their own to load from, without Dagster."""
    place.write_profile(default_partner="Роздрібний покупець")
    directory = place.directory / "data"
    directory.mkdir()
    return make_books(directory)
