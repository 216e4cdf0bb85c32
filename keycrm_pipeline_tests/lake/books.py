"""Books of the test account in a lake, and the same account with its books in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.profile import Settings
from keycrm_pipeline.run.session import Plan, Services, Session
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline_tests.commands.place import Place
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books


@dataclass
class LakeBooks(Books):
    """Books in a lake; each exchange opens it by itself, as those of people do.

    Attributes:
        catalog: What libpq needs to connect to the catalogue.
        place: Directory or address of the files.
    """

    catalog: str = ""
    place: str = ""

    @property
    def settings(self) -> Settings:
        """Where profiles, data and lakes are."""
        return replace(super().settings, lake_catalog=self.catalog, lake_data=self.place)

    @contextlib.contextmanager
    def session(
        self,
        kind: str = "period",
        period: Period | None = None,
        *,
        key: str | None = None,
        run_id: str | None = None,
        order_ids: tuple[int, ...] = (),
    ) -> Iterator[Session]:
        """A running exchange."""
        services = Services(
            clock=lambda: self.now,
            open_client=lambda _workspace: self.client(key) if key else self.client(),
        )
        with exchange(
            self.workspace, Plan(kind, run_id or str(uuid4()), period, order_ids), services
        ) as session:
            yield session


def lake_books(directory: Path, catalog: str, place: str | None = None, **settings: Any) -> LakeBooks:
    """An empty account whose books are to be in a lake, which is not there yet."""
    file = make_books(directory, **settings)
    file.warehouse.path.unlink()
    profile = file.profile.model_copy(update={"database": "lake"})
    return LakeBooks(
        directory, profile, file.shop, file.api, catalog=catalog, place=place or str(directory / "lakes")
    )


def _with_numbers(value: Any) -> Any:
    """JSON has no keys that are numbers; the ids of a profile are."""
    if isinstance(value, dict):
        return {
            int(key) if str(key).isdecimal() else key: _with_numbers(inner) for key, inner in value.items()
        }
    return [_with_numbers(inner) for inner in value] if isinstance(value, list) else value


def commands_of(books: Books) -> Place:
    """Where commands find these books."""
    profiles = books.directory / "profiles"
    profiles.mkdir(exist_ok=True)
    content = _with_numbers(books.profile.model_dump(mode="json", exclude_unset=True, exclude={"name"}))
    (profiles / "shop.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")
    variables = {"KEYCRM_PROFILES_DIR": str(profiles), "KEYCRM_DATA_DIR": str(books.directory)}
    if isinstance(books, LakeBooks):
        variables |= {"KEYCRM_LAKE_CATALOG": books.catalog, "KEYCRM_LAKE_DATA": books.place}
    return Place(books.directory, variables)


NEW_EACH_TIME = ("run_id", "exported_at", "handed_over_at")
"""Columns of what commands did: the id of a run, and the time on the clock."""


def everything(books: Books) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table and view of the reports, but for what is new each time."""
    with books.warehouse.reading() as connection:
        views = connection.execute(
            "SELECT view_name FROM duckdb_views() WHERE schema_name = 'reports' ORDER BY view_name"
        ).fetchall()
        names = [table.qualified_name for table in TABLES] + [f"reports.{name}" for (name,) in views]
        columns = f"COLUMNS(c -> c NOT IN {NEW_EACH_TIME})"
        return {
            name: connection.execute(f"SELECT {columns} FROM {name} ORDER BY ALL").fetchall()  # noqa: S608 - ours
            for name in names
        }
