"""The assets of a load: one op per profile that yields a result for each stage as it finishes.

A run is for one day or a range of days, and for all stages or some of them. What a stage does is in `pipeline`; the
assets of exported files and reports are in `files`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from keycrm_pipeline.orchestration.dagster_internals import tag_run
from keycrm_pipeline.orchestration.failures import RETRY, as_dagster_failure
from keycrm_pipeline.orchestration.inputs import io_manager_key
from keycrm_pipeline.orchestration.profile_assets import (
    PERIOD_TAG,
    ProfileAssets,
    column_schema,
    run_period,
)
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES, Stage, StageResult, run_load, stages_named
from keycrm_pipeline.run.session import Plan, Session

RUN_DAYS = 31
"""Days of one run of a backfill: a crash loses at most a month of it, and starting the runs costs little."""


def _spec(assets: ProfileAssets, stage: Stage) -> dg.AssetSpec:
    return dg.AssetSpec(
        assets.key(stage.name),
        deps=[assets.key(name) for name in stage.needs],
        description=stage.description,
        kinds={"python", *stage.kinds},
        # A run may include only some stages.
        skippable=True,
        metadata={
            "dagster/column_schema": column_schema(stage.table),
            "dagster/relation_identifier": f"{assets.name}.duckdb/{stage.table.qualified_name}",
        },
        **assets.common,
    ).with_io_manager_key(io_manager_key(assets))


def build_load(assets: ProfileAssets) -> dg.AssetsDefinition:
    """The assets of one profile's stages."""

    @dg.multi_asset(
        name=f"{assets.name}__load",
        specs=[_spec(assets, stage) for stage in STAGES],
        partitions_def=assets.partitions,
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(RUN_DAYS),
        pool=assets.pool,
        retry_policy=RETRY,
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        period = run_period(context)
        if PERIOD_TAG not in context.run.tags:
            tag_run(context.instance, context.run.run_id, {PERIOD_TAG: str(period)})
        stages = stages_named({key.path[-1] for key in context.selected_asset_keys})
        plan = Plan("period", context.run.root_run_id or context.run.run_id, period)
        with as_dagster_failure(context), exchange(assets.workspace, plan) as session:
            for result in run_load(session, period, stages):
                key = assets.key(result.stage.name)
                for day, numbers in result.numbers.days.items():
                    if day in period:
                        context.add_asset_metadata(
                            day_metadata(numbers), asset_key=key, partition_key=day.isoformat()
                        )
                # Only on the last day: repeated on each day it would fill the storage.
                context.add_asset_metadata(
                    _run_metadata(session, result), asset_key=key, partition_key=period.last.isoformat()
                )
                yield dg.MaterializeResult(asset_key=key)

    return load


def day_metadata(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A day's numbers under the names that Dagster knows."""
    return {
        "dagster/partition_row_count" if name == "rows" else name: value for name, value in numbers.items()
    }


def _run_metadata(session: Session, result: StageResult) -> dict[str, Any]:
    """What belongs to the whole run: how long the stage took, since the run shows one bar for all, and its numbers."""
    metadata = {**result.numbers.totals, "seconds": round(result.seconds, 2)}
    if result.stage.name == "orders":
        metadata["summary"] = dg.MetadataValue.md(_summary(session))
    return metadata


def _summary(session: Session) -> str:
    from keycrm_pipeline.reports.summary import load_summary_markdown, read_load_summary

    if session.plan.period is None:
        raise ValueError("Only a load has a summary.")
    with session.warehouse.reading() as connection:
        summary = read_load_summary(connection, session.plan.period)
    return load_summary_markdown(summary, session.counts, language="en", with_chart=True)
