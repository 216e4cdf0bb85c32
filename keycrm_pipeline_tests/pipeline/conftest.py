"""Fixtures of the exchange tests: an empty KeyCRM account with empty books, and more of them on demand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, make_books


@pytest.fixture
def new_books(tmp_path: Path) -> MakeBooks:
    """Makes empty accounts, each with a directory of its own; arguments are settings of the profile."""
    numbers = itertools.count(1)

    def make(**settings: Any) -> Books:
        directory = tmp_path / f"books-{next(numbers)}"
        directory.mkdir()
        return make_books(directory, **settings)

    return make


@pytest.fixture
def books(new_books: MakeBooks) -> Books:
    """One empty account with the usual profile."""
    return new_books()
