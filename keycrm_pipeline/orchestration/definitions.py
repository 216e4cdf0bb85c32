"""What Dagster loads: assets, checks, jobs, schedules and sensors of every profile. Nothing happens at import."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from keycrm_pipeline.assets import build_assets
from keycrm_pipeline.assets.stage import ProfileAssets
from keycrm_pipeline.orchestration.automation import build_jobs, build_schedules, build_sensors
from keycrm_pipeline.orchestration.checks import build_checks
from keycrm_pipeline.profile import Profile, ProfileError, Settings, load_profiles, settings_from_environment

if TYPE_CHECKING:
    # What dg.define_asset_job returns has no public name; needed for types alone.
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition


def build_definitions(
    profiles: Sequence[Profile], settings: Settings, refused: Sequence[ProfileError] = ()
) -> dg.Definitions:
    """The definitions of some profiles.

    Args:
        profiles: Profiles to build for.
        settings: Where profiles and data are.
        refused: Profiles with mistakes: each shows as an asset that says what is wrong, and the others still work.
    """
    # Said once for each asset at every load and every run: backfill policies have been beta for years.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = []
    checks: list[dg.AssetChecksDefinition] = []
    jobs: list[UnresolvedAssetJobDefinition] = []
    schedules: list[dg.ScheduleDefinition] = []
    sensors: list[dg.SensorDefinition] = []
    for profile in profiles:
        profile_assets = ProfileAssets(profile=profile, settings=settings)
        assets += build_assets(profile_assets)
        checks += build_checks(profile_assets)
        jobs += build_jobs(profile_assets)
        schedules += build_schedules(profile_assets)
        sensors += build_sensors(profile_assets)
    for error in refused:
        dg.get_dagster_logger().error(str(error))
        assets.append(
            dg.AssetSpec(
                dg.AssetKey(["refused_profiles", error.file.stem]),
                group_name="refused_profiles",
                description=str(error),
            )
        )
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
        # One writer a file: the steps of a run share one process and one lock.
        executor=dg.in_process_executor,
    )


_built: dict[str, tuple[object, dg.Definitions]] = {}
"""What was built last, and of what. Dagster asks twice in a row when it loads a code location."""


@dg.definitions
def definitions() -> dg.Definitions:
    """All profiles of the profiles directory; evaluated when Dagster loads the code location."""
    settings = settings_from_environment(os.environ)
    profiles, refused = load_profiles(settings)
    source = (profiles, settings, [str(error) for error in refused])
    if "last" not in _built or _built["last"][0] != source:
        _built["last"] = (source, build_definitions(profiles, settings, refused))
    return _built["last"][1]
