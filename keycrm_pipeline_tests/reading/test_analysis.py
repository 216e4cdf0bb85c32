"""The notebook docs/analysis.ipynb: its cells, run in order over books worked out by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.profile.workspace import DATA_VARIABLE, PROFILES_VARIABLE
from keycrm_pipeline_tests.pipeline.bookkeeping import kyiv, make_books, person

NOTEBOOK = Path(__file__).parents[2] / "docs" / "analysis.ipynb"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the cells leave behind: two buyers, of whom one comes back, and one cancelled order."""
    directory = tmp_path_factory.mktemp("analysis")
    books = make_books(directory)
    olena, petro = person(1, "Олена", "+380501112233"), person(2, "Петро", "+380671112233")
    cup = {"sku": "CUP", "name": "Чашка", "price": 100, "purchased_price": 60}
    gift = {"sku": "GIFT", "name": "Листівка", "price": 50, "purchased_price": 0}
    books.order(1, kyiv(2026, 1, 5), buyer=olena, lines=[cup | {"quantity": 2}, gift])
    books.order(2, kyiv(2026, 1, 6), buyer=petro, lines=[cup])
    books.order(3, kyiv(2026, 2, 10), buyer=olena, lines=[cup])
    books.order(4, kyiv(2026, 2, 11), buyer=petro, lines=[cup], status_id=19)
    books.load(kyiv(2026, 1, 5).date(), kyiv(2026, 2, 11).date())
    (directory / "demo.yaml").write_text(
        f"start_date: 2026-01-01\ndatabase: {books.workspace.database}\n", encoding="utf-8"
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(PROFILES_VARIABLE, str(directory))
        environment.setenv(DATA_VARIABLE, str(directory))
        names: dict[str, Any] = {}
        for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)  # noqa: S102 - the project's own notebook
    return names


def test_sales_by_week(results: dict[str, Any]) -> None:
    """Two orders in the first week, one five weeks later; the cancelled one is no sale."""
    weekly = results["weekly"]
    assert [(str(week.start_time.date()), row.orders, row.sales) for week, row in weekly.iterrows()] == [
        ("2026-01-05", 2, Decimal("350.00")),
        ("2026-02-09", 1, Decimal("100.00")),
    ]


def test_cohorts(results: dict[str, Any]) -> None:
    """Of the two buyers of January, one came back after a month."""
    assert results["buyers"].values.tolist() == [[2, 1]]
    assert results["returning"].values.tolist() == [[1.0, 0.5]]


def test_margin(results: dict[str, Any]) -> None:
    """Four cups at 100 that cost 60; the card without a purchase price is left out and told."""
    (cup,) = results["margin"].to_dict("records")
    assert (cup["name"], cup["quantity"], cup["amount"], cup["cost"]) == ("Чашка", 4, 400, 240)
    assert (cup["margin"], cup["share"]) == (160, 0.4)
    assert results["unknown"].sum() == 1
