"""Where the whole product is installed for a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline_tests.product import Product


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Directories of one installation; whatever runs on them is killed at the end."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    yield tmp_path
    Product(tmp_path / "home", {}).kill()
