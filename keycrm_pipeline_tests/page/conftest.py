"""Fixtures of the page's tests: shops that are loaded once for the tests of a module, and a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keycrm_pipeline_tests.browser import Browser, opened_browser
from keycrm_pipeline_tests.page.shops import hostile_shop, small_shop
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, noted_dagster, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The small shop, for tests that only read it."""
    return small_shop(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def visitor(small: Books) -> Iterator[Visitor]:
    """A visitor of the small shop; no Dagster is running."""
    with visited(small.settings) as found:
        yield found


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The hostile shop."""
    return hostile_shop(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def dagster() -> Iterator[tuple[str, NotedDagster]]:
    """A Dagster that only notes what it is asked, and its address."""
    with noted_dagster() as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser for the tests of one module; when none is installed, the test fails and says how to install one."""
    with opened_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened
