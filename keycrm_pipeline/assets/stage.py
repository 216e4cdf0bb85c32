"""What all stages share: key, group, partitions, owners, column schema, and the period that a run asks for.

A run may be for one day or for a range of days; the period comes from the partition keys, never from "key plus one
day". In a range run each day gets its own numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg

from keycrm_pipeline.profile import Profile, Settings
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.session import RunPlan
from keycrm_pipeline.schemas import Table

RUN_DAYS = 31
"""Days of one run of a backfill: a year loses at most a month to a crash, and starting runs costs little."""

STEPS = ("raw_orders", "validated_orders", "statuses", "sources", "partners", "products", "orders")
"""The stages of a period's load, in order."""


StageFunction = Callable[[dg.AssetExecutionContext], dg.MaterializeResult]


@dataclass(frozen=True)
class ProfileAssets:
    """One profile, as its assets see it."""

    profile: Profile
    settings: Settings

    def key(self, name: str) -> dg.AssetKey:
        """The key of one of the profile's assets."""
        return dg.AssetKey([self.profile.name, name])

    @property
    def partitions(self) -> dg.DailyPartitionsDefinition:
        """Local days from the profile's start date to today, today included."""
        return dg.DailyPartitionsDefinition(
            start_date=self.profile.start_date.isoformat(), timezone=self.profile.timezone, end_offset=1
        )

    @property
    def pool(self) -> str:
        """Runs of one profile wait for each other in the queue."""
        return f"keycrm_{self.profile.name}"

    def stage(
        self,
        name: str,
        table: Table,
        *,
        kinds: set[str],
        deps: Sequence[str] = (),
        retry_policy: dg.RetryPolicy | None = None,
        description: str | None = None,
    ) -> Callable[[StageFunction], dg.AssetsDefinition]:
        """The decorator of a partitioned stage: `dg.asset` with what all stages have.

        Without a description the docstring of the function is what an accountant reads on the page.
        """
        return dg.asset(
            description=description,
            key=self.key(name),
            group_name=self.profile.name,
            partitions_def=self.partitions,
            backfill_policy=dg.BackfillPolicy.multi_run(RUN_DAYS),
            deps=[self.key(dependency) for dependency in deps],
            kinds={"python", *kinds},
            owners=list(self.profile.owners),
            pool=self.pool,
            retry_policy=retry_policy,
            metadata={
                "dagster/column_schema": column_schema(table),
                "dagster/relation_identifier": f"{self.profile.name}.duckdb/{table.qualified_name}",
            },
        )

    def plan(self, context: dg.AssetExecutionContext, *, kind: str = "period") -> RunPlan:
        """What this run is going to do, for the exchange log."""
        prefix = f"{self.profile.name}__"
        # A run that the page or the daemon launched names steps only when it is a retry; else it does all of its job.
        planned = set(context.run.step_keys_to_execute or context.job_def.graph.node_names())
        steps = [step for step in STEPS if f"{prefix}{step}" in planned]
        first_day, last_day = period(context) if kind == "period" else (None, None)
        return RunPlan(
            profile=self.profile,
            settings=self.settings,
            run_id=context.run.root_run_id or context.run.run_id,
            kind=kind,
            period_from=first_day,
            period_to=last_day,
            steps=steps if kind == "period" else [context.asset_key.path[-1]],
            tell=lambda sentence: tell(context, sentence),
        )


def tell(context: dg.AssetExecutionContext, sentence: str) -> None:
    """Shows a sentence on the page, and on the terminal of a command that started the run."""
    context.log.info(sentence)
    progress.say(sentence)


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


def period(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """First and last local day of a run."""
    days = sorted(date.fromisoformat(key) for key in context.partition_keys)
    return days[0], days[-1]


def report_days(context: dg.AssetExecutionContext, numbers: Callable[[date], Mapping[str, Any]]) -> None:
    """Puts each day's own numbers on that day's materialization, also in a range run."""
    for key in context.partition_keys:
        context.add_asset_metadata(dict(numbers(date.fromisoformat(key))), partition_key=key)


def report_run(context: dg.AssetExecutionContext, metadata: Mapping[str, Any]) -> None:
    """Puts what belongs to the whole run on its last day: repeated on each day it would fill the storage."""
    context.add_asset_metadata(dict(metadata), partition_key=max(context.partition_keys))


def environment() -> Mapping[str, str]:
    """The environment at run time, where the API key is."""
    return os.environ
