"""The assets of a load: one op per profile that yields a result for each stage as it finishes.

A run is for one day or a range of days, and for all stages or some of them. What a stage does is in `pipeline`; the
assets of exported files and reports are in `files`.
"""

from collections.abc import Generator, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.checks import log_checks
from keycrm_pipeline.orchestration.dagster_internals import tag_run
from keycrm_pipeline.orchestration.failures import RETRY, UNFINISHED_WORK, as_dagster_failure, unfinished_work
from keycrm_pipeline.orchestration.inputs import io_manager_key
from keycrm_pipeline.orchestration.lineage import column_lineage
from keycrm_pipeline.orchestration.profile_assets import (
    PERIOD_TAG,
    ProfileAssets,
    code_reference,
    column_schema,
    run_period,
)
from keycrm_pipeline.pipeline import stages
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES, Stage, StageResult, run_load, stages_named
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.session import Plan, Session
from keycrm_pipeline.stopping import each_once

RUN_DAYS = 31
"""Days of one run of a backfill: a crash loses at most a month of it, and starting the runs costs little."""

HOURS_FOR_A_LOAD = 3
"""After the hour of the daily load; it begins before 21:00, so that this is the same day."""


def _spec(assets: ProfileAssets, stage: Stage) -> dg.AssetSpec:
    return dg.AssetSpec(
        assets.key(stage.name),
        deps=[assets.key(name) for name in stage.needs],
        description=_(stage.description),
        kinds={"python", *stage.kinds},
        # A run may include only some stages.
        skippable=True,
        metadata={
            "dagster/column_schema": column_schema(stage.table),
            "dagster/table_name": f"{assets.workspace.database.stem}.{stage.table.qualified_name}",
            **code_reference(Path(stages.__file__).with_name(f"{stage.module}.py")),
            **_lineage(assets, stage),
            **assets.page_link,
        },
        freshness_policy=_freshness(assets.profile),
        **assets.common,
    ).with_io_manager_key(io_manager_key(assets))


def _lineage(assets: ProfileAssets, stage: Stage) -> dict[str, Any]:
    lineage = column_lineage(assets, stage)
    return {} if lineage is None else {"dagster/column_lineage": lineage}


def _freshness(profile: Profile) -> dg.FreshnessPolicy | None:
    """Something must be written between the daily load and some hours later; None if nothing runs by itself.

    It says that exchanges have stopped. Whether yesterday is complete is what the check says.
    """
    if not profile.schedule.enabled:
        return None
    return _written_daily(profile.schedule.daily_at, profile.timezone)


@cache
def _written_daily(daily_at: str, timezone: str) -> dg.FreshnessPolicy:
    # Dagster computes a thousand moments of each policy to find the shortest time between two (1.13.28): once for all
    # assets it takes nothing, once for each it was half of the time of loading the definitions.
    hour, minute = (int(part) for part in daily_at.split(":"))
    return dg.FreshnessPolicy.cron(
        deadline_cron=f"{minute} {hour + HOURS_FOR_A_LOAD} * * *",
        lower_bound_delta=timedelta(hours=HOURS_FOR_A_LOAD),
        timezone=timezone,
    )


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
        resource_defs={UNFINISHED_WORK: unfinished_work},
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
        work = each_once(results(context))
        getattr(context.resources, UNFINISHED_WORK).append(work)
        yield from work

    def results(context: dg.AssetExecutionContext) -> Generator[dg.MaterializeResult, None, None]:
        period = run_period(context)
        if PERIOD_TAG not in context.run.tags:
            tag_run(context.instance, context.run.run_id, {PERIOD_TAG: str(period)})
        chosen = stages_named({key.path[-1] for key in context.selected_asset_keys})
        plan = Plan("period", context.run.root_run_id or context.run.run_id, period)
        with assets.under_way(context.run), as_dagster_failure(context):
            with exchange(assets.workspace, plan) as session:
                for result in run_load(session, period, chosen):
                    key = assets.key(result.stage.name)
                    for day, numbers in result.numbers.days.items():
                        if day in period:
                            context.add_asset_metadata(
                                day_metadata(numbers), asset_key=key, partition_key=day.isoformat()
                            )
                    # Only on the last day: repeated on each day it would fill the storage.
                    context.add_asset_metadata(
                        _run_metadata(assets, session, result),
                        asset_key=key,
                        partition_key=period.last.isoformat(),
                    )
                    yield dg.MaterializeResult(asset_key=key)
            # Any other job that materializes the asset, as that of the page's own button, executes its checks, too.
            if context.run.job_name == assets.load_job and STAGES[-1] in chosen:
                log_checks(context, assets)

    return load


def day_metadata(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A day's numbers under the names that Dagster knows, sums as numbers so that it draws their course.

    A binary number keeps the kopiykas of sums below ninety trillion.
    """
    return {
        "dagster/partition_row_count" if name == "rows" else name: float(value)
        if isinstance(value, Decimal)
        else value
        for name, value in numbers.items()
    }


def _run_metadata(assets: ProfileAssets, session: Session, result: StageResult) -> dict[str, Any]:
    """What belongs to the whole run: how long the stage took, since the run shows one bar for all, and its numbers."""
    metadata = {
        **result.numbers.totals,
        "seconds": round(result.seconds, 2),
        **_lineage(assets, result.stage),
    }
    if result.stage.name == "orders":
        metadata["summary"] = dg.MetadataValue.md(_summary(session, assets.profile))
    return metadata


def _summary(session: Session, profile: Profile) -> str:
    from keycrm_pipeline.reports.summary import load_summary_markdown, read_load_summary

    if session.plan.period is None:
        raise ValueError("Only a load has a summary.")
    with session.warehouse.reading() as connection:
        summary = read_load_summary(connection, session.plan.period)
    return load_summary_markdown(
        summary, session.counts, language=profile.own_language, word_set=profile.words, with_chart=True
    )
