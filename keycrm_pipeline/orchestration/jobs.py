"""Jobs of a profile: `<profile>_load` for a period, one op job per sync, and one job per kind of file.

A sync is work, not data, so it is not an asset: the lineage shows only data. What a sync has written is reported as
materializations of the touched partitions, which automation conditions of other assets can follow.
"""

import dagster as dg

from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.assets import day_metadata
from keycrm_pipeline.orchestration.checks import checks_job
from keycrm_pipeline.orchestration.dagster_internals import AssetJob, tag_run
from keycrm_pipeline.orchestration.failures import RETRY, as_dagster_failure
from keycrm_pipeline.orchestration.files import FILE_CONFIGS
from keycrm_pipeline.orchestration.profile_assets import (
    CHANGED_TAG,
    NOTHING,
    ORDERS_TAG,
    PROFILE_TAG,
    ProfileAssets,
    orders_tags,
)
from keycrm_pipeline.pipeline.exchange import exchange
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.pipeline.syncs import SYNCS, Sync
from keycrm_pipeline.run.session import Plan, Session

_TABLES_BY_DAY = ("raw_orders", "validated_orders")
"""Stages whose rows belong to a day, as those of `orders` do."""


def build_jobs(assets: ProfileAssets) -> list[dg.JobDefinition | AssetJob]:
    """The jobs of one profile."""
    tags = {PROFILE_TAG: assets.name}
    return [
        dg.define_asset_job(
            assets.load_job,
            # It logs the outcome of the checks itself, see `checks`.
            selection=dg.AssetSelection.assets(
                *(assets.key(stage.name) for stage in STAGES)
            ).without_checks(),
            description=_("Loads a period: one day, or a range of days in one run."),
            tags=tags,
            metadata=assets.page_link,
            executor_def=dg.in_process_executor,
        ),
        *(_sync_job(assets, sync) for sync in SYNCS),
        checks_job(assets),
        *(
            dg.define_asset_job(
                f"{assets.name}_{name}",
                selection=dg.AssetSelection.assets(assets.key(name)).without_checks(),
                # Every field with its default, so that the launchpad shows what can be chosen.
                config={"ops": {f"{assets.name}__{name}": {"config": config().model_dump()}}},
                tags=tags,
                executor_def=dg.in_process_executor,
            )
            for name, config in FILE_CONFIGS.items()
        ),
    ]


def _sync_job(assets: ProfileAssets, sync: Sync) -> dg.JobDefinition:
    fields: dict[str, dg.Field] = {}
    if sync.takes_orders:
        fields["orders"] = dg.Field(dg.Array(int), description="Numbers of the orders in KeyCRM.")
    if sync.may_rename:
        fields["rename"] = dg.Field(
            bool,
            default_value=False,
            description="Whether cards take over the names of their products in KeyCRM.",
        )

    @dg.op(
        name=f"{assets.name}__{sync.name}",
        description=_(sync.description),
        # No output: it would cost the run three events, and most runs of a sync find nothing.
        out={},
        pool=assets.pool,
        retry_policy=RETRY,
        config_schema=fields or None,
    )
    # Dagster wants the annotation of no outputs, and nothing returned.
    def work(context: dg.OpExecutionContext) -> tuple[()]:  # type: ignore[return]
        order_ids = tuple(context.op_config["orders"]) if sync.takes_orders else ()
        if order_ids and ORDERS_TAG not in context.run.tags:
            tag_run(context.instance, context.run.run_id, orders_tags(order_ids))
        plan = Plan(
            sync.name,
            context.run.root_run_id or context.run.run_id,
            order_ids=order_ids,
            takes_new_names=sync.may_rename and context.op_config["rename"],
        )
        with (
            assets.under_way(context.run),
            as_dagster_failure(context),
            exchange(assets.workspace, plan) as session,
        ):
            try:
                numbers = sync.run(session)
            finally:
                # Also if it fails at its end: what it has written stays written.
                _report_written(context, assets, session)
            if session.has_changed_nothing:
                tag_run(context.instance, context.run.run_id, {CHANGED_TAG: NOTHING})
            else:
                context.log.info("; ".join(f"{label}: {number}" for label, number in numbers.items()))

    @dg.job(
        name=f"{assets.name}_{sync.name}",
        description=_(sync.description),
        tags={PROFILE_TAG: assets.name},
        metadata=assets.page_link,
        executor_def=dg.in_process_executor,
    )
    def job() -> None:
        work()

    return job


def _report_written(context: dg.OpExecutionContext, assets: ProfileAssets, session: Session) -> None:
    """Reports the touched partitions: each day for tables by day, only the newest for cards."""
    days = sorted(session.written_days)
    for day in days:
        for name in (*_TABLES_BY_DAY, "orders"):
            context.log_event(
                dg.AssetMaterialization(
                    assets.key(name),
                    description=f"Written to by {session.plan.kind}.",
                    partition=day.isoformat(),
                    metadata=day_metadata(session.written_days[day]) if name == "orders" else {},
                )
            )
    for name in sorted(session.changed_cards) if days else ():
        context.log_event(
            dg.AssetMaterialization(
                assets.key(name),
                description=f"Written to by {session.plan.kind}.",
                partition=days[-1].isoformat(),
            )
        )
