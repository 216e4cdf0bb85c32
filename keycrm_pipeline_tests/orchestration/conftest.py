"""Fixtures of the orchestration tests: a workspace, and a Dagster instance that is gone afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.profile import KEY_VARIABLE, Workspace
from keycrm_pipeline_tests.orchestration.shop import make_workspace
from keycrm_pipeline_tests.pipeline.conftest import books, new_books

__all__ = ["books", "instance", "new_books", "workspace"]


@pytest.fixture(autouse=True)
def no_key_of_the_real_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key of the person who runs the tests reaches a profile."""
    for variable in list(os.environ):
        if variable.startswith(KEY_VARIABLE):
            monkeypatch.delenv(variable)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
