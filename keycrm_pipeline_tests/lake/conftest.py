"""A PostgreSQL for all tests of the lake, and an empty database in it for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline_tests.lake.plain_lake import PlainLake
from keycrm_pipeline_tests.postgres import Server, started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server on loopback."""
    with started() as server:
        yield server


@pytest.fixture
def catalog(postgres: Server) -> str:
    """What libpq needs to connect to an empty database."""
    return postgres.new_database()


@pytest.fixture
def lake(catalog: str, tmp_path: Path) -> PlainLake:
    """A lake with its fence and an empty table `sales`."""
    made = PlainLake(catalog, tmp_path / "lake")
    made.create()
    return made
