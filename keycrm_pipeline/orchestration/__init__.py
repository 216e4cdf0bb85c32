"""All of Dagster: definitions, assets, jobs, schedules, sensors, checks, and the instance.

Nothing outside this package imports Dagster; nothing in it knows SQL, HTTP or an accounting rule. What a code location
of somebody else needs is named here: `exchange_definitions` and `order_days`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keycrm_pipeline.orchestration.definitions import exchange_definitions, order_days

__all__ = ["exchange_definitions", "order_days"]


def __getattr__(name: str) -> Any:
    # On demand: a command that opens the instance needs no definitions.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keycrm_pipeline.orchestration import definitions

    return getattr(definitions, name)
