"""A profile of the demo shop, and its Dagster definitions, for the tests of this package."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.profile_assets import period_tags
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.warehouse import days
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts, begin_exchange, end_exchange

NOW = datetime(2026, 3, 30, 9, 0, tzinfo=UTC)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def make_workspace(directory: Path, name: str = "shop", **settings: Any) -> Workspace:
    """A profile of the demo shop with its data in a directory."""
    profile = Profile.model_validate(
        {
            "name": name,
            "language": "en",
            "base_url": "sandbox",
            "start_date": date(2026, 1, 1),
            "default_partner": "Роздрібний покупець",
            **settings,
        }
    )
    return Workspace(profile, Settings(directory / "profiles", directory / "data"))


def run_job(
    workspace: Workspace,
    instance: dg.DagsterInstance,
    job: str,
    period: Period | None = None,
    stages: list[str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> dg.ExecuteInProcessResult:
    """Runs a job of the profile as the daemon would, with some stages or a configuration."""
    name = workspace.profile.name
    return (
        build_definitions([workspace.profile], workspace.settings)
        .resolve_job_def(f"{name}_{job}")
        .execute_in_process(
            instance=instance,
            tags=period_tags(period) if period else {},
            run_config={**QUIET, **(config or {})},
            asset_selection=[dg.AssetKey([name, stage]) for stage in stages] if stages else None,
            raise_on_error=False,
        )
    )


def loaded(workspace: Workspace, *loaded_days: date) -> None:
    """Notes days as loaded, as a load does at its end."""
    with open_warehouse(workspace).writing() as connection:
        for day in loaded_days:
            days.record_loaded(connection, Period(day, day), exchange_id=1, now=NOW)


def write_exchange(
    workspace: Workspace, run_id: str, error: Message | None = None, *, ends: bool = True
) -> None:
    """Writes an exchange into the log, ended unless told otherwise."""
    with open_warehouse(workspace).writing() as connection:
        exchange_id = begin_exchange(
            connection, profile=workspace.profile.name, run_id=run_id, kind="changes", period=None, now=NOW
        )
        if ends:
            end_exchange(connection, exchange_id, ExchangeCounts(), error=error, now=NOW)
