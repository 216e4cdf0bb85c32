"""Column lineage of a profile's assets: from every accounting column down to the fields of KeyCRM's payload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dagster as dg

from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.pipeline.stages import Stage
from keycrm_pipeline.schemas.lineage import ACCOUNTING_SOURCES
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS
from keycrm_pipeline.warehouse.lineage import payload_fields

RAW = "raw_orders"
VALIDATED = "validated_orders"


def column_lineage(assets: ProfileAssets, stage: Stage) -> dg.TableColumnLineage | None:
    """What the columns of a stage's table come from; None for the payloads themselves.

    A column of another table of the same asset has the table's name before it (`order_lines.price`), and a field of
    a payload its path (`payload.buyer.phone`).
    """
    if stage.name == RAW:
        return None
    sources = _validated() if stage.name == VALIDATED else _accounting(stage)
    return dg.TableColumnLineage(
        {
            column: [_dependency(assets, source) for source in named]
            for column, named in sources.items()
            if named
        }
    )


def _dependency(assets: ProfileAssets, source: str) -> dg.TableColumnDep:
    asset, _, column = source.partition(".")
    return dg.TableColumnDep(assets.key(asset), column)


def _validated() -> Mapping[str, Iterable[str]]:
    return {
        name.removeprefix(f"{VALIDATED_ORDERS.name}."): [f"{RAW}.{path}" for path in paths]
        for name, paths in payload_fields().items()
    }


def _accounting(stage: Stage) -> Mapping[str, Iterable[str]]:
    taken_over = {
        name: (f"{VALIDATED}.{name}",)
        for name in stage.table.column_names
        if stage.name == "orders" and name in VALIDATED_ORDERS.column_names
    }
    return {**taken_over, **ACCOUNTING_SOURCES[stage.name]}
