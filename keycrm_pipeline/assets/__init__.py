"""Dagster assets, one module a stage: thin wiring that reads its window, calls `exchange`, and reports numbers.

What is not here: rules, SQL, HTTP; jobs and schedules (`automation`), checks (`checks`).

Every run is a process that loads all definitions before it does one of them. So what just one kind of run needs and is
slow to load (workbooks, pandera, numpy, the report) is imported by the asset that uses it, when it runs.
"""

from __future__ import annotations

import dagster as dg

from keycrm_pipeline.assets.changes import build_changes
from keycrm_pipeline.assets.orders import build_orders
from keycrm_pipeline.assets.raw_orders import build_raw_orders
from keycrm_pipeline.assets.registers import build_lists, build_partners, build_products
from keycrm_pipeline.assets.stage import ProfileAssets
from keycrm_pipeline.assets.validated_orders import build_validated_orders
from keycrm_pipeline.orchestration.files import build_exports, build_report


def build_assets(assets: ProfileAssets) -> list[dg.AssetsDefinition]:
    """The assets of one profile."""
    return [
        build_raw_orders(assets),
        build_validated_orders(assets),
        *build_lists(assets),
        build_partners(assets),
        build_products(assets),
        build_orders(assets),
        *build_changes(assets),
        build_exports(assets),
        build_report(assets),
    ]
