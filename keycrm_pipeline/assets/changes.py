"""Assets of the passes between loads: `changes`, `recent`, `sweep`, `catalogue`, `rebuild`. None is partitioned.

A pass touches orders of any day. It tells each touched day by an observation of `orders`, which shows on that day
without claiming that the day was loaded.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dagster as dg

from keycrm_pipeline.assets.stage import ProfileAssets, environment
from keycrm_pipeline.orchestration.failures import RETRY, told_to_dagster
from keycrm_pipeline.run.session import Step, exchange_step

if TYPE_CHECKING:
    from keycrm_pipeline.pipeline.syncs import PassCounts

MOST_OBSERVED_DAYS = 400
"""Observations of one pass: a rebuild after a changed rule may touch every day of years."""

PASSES = {
    "changes": "Orders changed since the last exchange, whatever their day, and orders entered late.",
    "recent": "The recent days and every order that is not closed, compared again whatever KeyCRM says of changes.",
    "sweep": "Orders that KeyCRM no longer has: each is confirmed by id and marked, never deleted.",
    "catalogue": "KeyCRM's categories, and the products and offers that orders have met.",
}
"""Passes that ask KeyCRM -> what the page says of them."""


def _build_pass(
    assets: ProfileAssets,
    name: str,
    description: str,
    run: "Callable[[Step], PassCounts]",
    kinds: set[str],
) -> dg.AssetsDefinition:
    @dg.asset(
        key=assets.key(name),
        group_name=assets.profile.name,
        description=description,
        kinds={"python", *kinds},
        owners=list(assets.profile.owners),
        pool=assets.pool,
        retry_policy=RETRY,
    )
    def pass_asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        with told_to_dagster(context), exchange_step(assets.plan(context, kind=name), name) as step:
            counts = run(step)
        for day in sorted(counts.days, key=lambda count: count.order_day)[-MOST_OBSERVED_DAYS:]:
            context.log_event(
                dg.AssetObservation(
                    asset_key=assets.key("orders"),
                    partition=day.order_day.isoformat(),
                    metadata={"created": day.created, "updated": day.updated, "unchanged": day.unchanged},
                    description=f"Derived again by {name}.",
                )
            )
        return dg.MaterializeResult(metadata=counts.metadata)

    return pass_asset


def build_changes(assets: ProfileAssets) -> list[dg.AssetsDefinition]:
    """The passes of one profile."""

    def asking(name: str) -> "Callable[[Step], PassCounts]":
        def run(step: Step) -> "PassCounts":
            from keycrm_pipeline.pipeline import syncs
            from keycrm_pipeline.run.client import open_client

            work = {
                "changes": syncs.changes,
                "recent": syncs.recent,
                "sweep": syncs.sweep,
                "catalogue": syncs.catalogue,
            }[name]
            with open_client(assets.profile, environment()) as client:
                try:
                    return work(step, assets.profile, client)
                finally:
                    step.count(requests=client.statistics.requests)

        return run

    def rebuild(step: Step) -> "PassCounts":
        from keycrm_pipeline.pipeline import syncs

        return syncs.rebuild(step, assets.profile)

    return [
        *(
            _build_pass(assets, name, description, asking(name), {"keycrm", "duckdb"})
            for name, description in PASSES.items()
        ),
        _build_pass(
            assets,
            "rebuild",
            "All accounting tables derived anew from the raw payloads, without a request, keeping card ids.",
            rebuild,
            {"duckdb"},
        ),
    ]
