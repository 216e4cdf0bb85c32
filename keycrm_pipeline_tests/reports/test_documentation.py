"""docs/reports.md describes the views."""

from __future__ import annotations

import re
from pathlib import Path

from keycrm_pipeline.warehouse import report_views
from keycrm_pipeline.warehouse.connection import Warehouse

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
_ROW = re.compile(r"^\| `(\w+)` \| (.+) \| ((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)


def test_the_page_lists_every_view_with_its_columns(march: Warehouse) -> None:
    """The views have the columns that the page lists, in that order."""
    with march.reading() as connection:
        views = {
            view: (
                comment.rstrip("."),
                [row[0] for row in connection.execute(f"DESCRIBE reports.{view}").fetchall()],
            )
            for view, comment in report_views.VIEWS.items()
        }
    page = {
        name: (comment, re.findall(r"\w+", columns))
        for name, comment, columns in _ROW.findall(PAGE.read_text("utf-8"))
    }
    assert page == views


def test_the_query_of_the_page_runs(march: Warehouse) -> None:
    """The example works as it is."""
    query = re.search(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert query is not None
    with march.reading() as connection:
        rows = connection.execute(query.group(1)).fetchall()
    assert [(row[0], row[1], str(row[2])) for row in rows] == [
        ("Інтернет-магазин", 4, "1320.00"),
        ("Rozetka", 1, "1000.00"),
    ]
