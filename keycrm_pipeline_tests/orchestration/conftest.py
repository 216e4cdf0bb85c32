"""Fixtures of the orchestration tests: a workspace, and a Dagster instance that is gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline_tests.orchestration.shop import make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
