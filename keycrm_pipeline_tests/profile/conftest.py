"""Fixtures of the profile tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from keycrm_pipeline.profile import Settings


@pytest.fixture
def places(tmp_path: Path) -> Settings:
    """A directory for profile files, and one for data."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    return Settings(profiles_directory=profiles, data_directory=tmp_path / "data")
