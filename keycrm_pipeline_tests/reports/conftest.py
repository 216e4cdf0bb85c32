"""Fixtures of the report tests: shops with documents, and a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.browser import Browser, opened_browser
from keycrm_pipeline_tests.reports.booked_shop import BookedShop, new_shop
from keycrm_pipeline_tests.reports.march import march_shop


@pytest.fixture
def shop(tmp_path: Path) -> BookedShop:
    """A shop without a document."""
    return new_shop(tmp_path)


@pytest.fixture(scope="module")
def march(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """March 2026 of a small shop, for tests that only read it."""
    return march_shop(tmp_path_factory.mktemp("march"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the tests of one module; when none is installed, the test fails and says how to install one."""
    with opened_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
