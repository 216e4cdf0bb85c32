"""One profile as Dagster sees it: keys, partitions, pool and tags, which all its assets, jobs and schedules share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import speaking
from keycrm_pipeline.orchestration.dagster_internals import (
    HIDDEN_TAG_PREFIX,
    MAX_RETRIES_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
)
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import MissingKeyError, Profile, Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.marks import under_way
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.warehouse.errors import DatabaseUnreadableError, WarehouseError

if TYPE_CHECKING:
    import duckdb

PROFILE_TAG = "keycrm/profile"
"""Runs of one profile wait for each other in the queue: `dagster.yaml` limits this tag to one run per value."""

PERIOD_TAG = "keycrm/period"
"""The days of a run, for people to read."""

CHANGED_TAG = "keycrm/changed"
"""What a sync has changed; only set, to `NOTHING`, when it is nothing: such runs leave the history early."""

NOTHING = "nothing"

PAGE_VARIABLE = "KEYCRM_PAGE_URL"
"""Address of the exchange page for browsers, for links from Dagster's page; `up` sets it unless somebody did."""

COMMAND_TAG = f"{HIDDEN_TAG_PREFIX}keycrm_command"
"""Set on a run that a command does itself, while somebody waits for it."""

ORDERS_TAG = "keycrm/orders"
"""The orders that a run loads by their numbers, with blanks between them."""


@dataclass(frozen=True)
class ProfileAssets:
    """One profile, as its assets see it."""

    workspace: Workspace

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.workspace.profile

    @property
    def name(self) -> str:
        """Its name: group of its assets, and first part of the names of its jobs."""
        return self.profile.name

    @property
    def load_job(self) -> str:
        """The name of the job that loads a period."""
        return f"{self.name}_load"

    def key(self, name: str) -> dg.AssetKey:
        """The key of one of the profile's assets."""
        return dg.AssetKey([self.name, name])

    @property
    def partitions(self) -> dg.DailyPartitionsDefinition:
        """Local days from the profile's start date to today, today included."""
        return dg.DailyPartitionsDefinition(
            start_date=self.profile.start_date.isoformat(), timezone=self.profile.timezone, end_offset=1
        )

    @property
    def pool(self) -> str:
        """Runs of one profile wait for each other in the queue."""
        return f"keycrm_{self.name}"

    def speaking(self) -> contextlib.AbstractContextManager[None]:
        """A block whose messages are in the profile's language: what people read on Dagster's page, and alerts."""
        return speaking(self.profile.own_language, self.profile.words)

    def missing_key(self) -> str | None:
        """Why the profile has no usable API key at this moment, in the current language; None if it has one."""
        try:
            self.workspace.api_key(os.environ)
        except MissingKeyError as error:
            return error.message.text(current_formatter())
        return None

    def under_way(self, run: dg.DagsterRun) -> contextlib.AbstractContextManager[None]:
        """A block in which a run counts as alive, see `keycrm_pipeline.run.marks`; a command marks its run itself."""
        if COMMAND_TAG in run.tags:
            return contextlib.nullcontext()
        return under_way(self.workspace, run.run_id)

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The books, for a tick of a sensor or a schedule, which must not fail for anything that is in a database.

        Raises:
            WarehouseError: Whatever went wrong.
        """
        try:
            with books_of(self.workspace).reading() as connection:
                yield connection
        except WarehouseError:
            raise
        except Exception as error:  # noqa: BLE001 - its text may quote what is stored
            reason = Cause.NOT_UNDERSTOOD.message(kind=type(error).__name__)
            raise DatabaseUnreadableError(self.workspace.database, reason) from None

    @property
    def page_link(self) -> dict[str, dg.UrlMetadataValue]:
        """Metadata that leads to the profile on the exchange page; empty if nobody said where that is served."""
        address = os.environ.get(PAGE_VARIABLE, "").rstrip("/")
        return (
            {"exchange page": dg.MetadataValue.url(f"{address}/profiles/{self.name}/documents")}
            if address
            else {}
        )

    @property
    def common(self) -> dict[str, Any]:
        """What every asset of the profile has."""
        return {"group_name": self.name, "owners": list(self.profile.owners)}


def orders_tags(order_ids: Sequence[int]) -> dict[str, str]:
    """The tag of a run that loads single orders."""
    return {ORDERS_TAG: " ".join(map(str, order_ids))}


def command_tags() -> dict[str, str]:
    """The tags of a run that a command does itself.

    Dagster would retry one that crashed by launching it again; the person who ran the command sees that it died.
    """
    return {COMMAND_TAG: "true", MAX_RETRIES_TAG: "0"}


def period_tags(period: Period) -> dict[str, str]:
    """The tags that make one run load a period."""
    return {
        RANGE_START_TAG: period.first.isoformat(),
        RANGE_END_TAG: period.last.isoformat(),
        PERIOD_TAG: str(period),
    }


def run_period(context: dg.AssetExecutionContext) -> Period:
    """The local days of a run, by its first and last partition."""
    days = [date.fromisoformat(key) for key in context.partition_keys]
    return Period(min(days), max(days))


def code_reference(file: str | Path) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Metadata that lets the page open the module that does an asset's work."""
    return {
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[dg.LocalFileCodeReference(file_path=str(file))]
        )
    }


def column_schema(table: Table) -> dg.TableSchema:
    """A table's columns as Dagster shows them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                description=column.comment,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, unique=table.primary_key == (column.name,)
                ),
            )
            for column in table.columns
        ]
    )
