"""What Dagster loads: assets, checks, jobs, schedules and sensors of every profile. Nothing happens at import.

Every run is a process that first loads all definitions. So what only one kind of run needs and is slow to import
(workbooks, pandera, numpy, the report) is imported when it runs.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

import dagster as dg

from keycrm_pipeline.orchestration.assets import build_load
from keycrm_pipeline.orchestration.checks import build_checks
from keycrm_pipeline.orchestration.dagster_internals import AssetJob
from keycrm_pipeline.orchestration.files import build_exports, build_report
from keycrm_pipeline.orchestration.jobs import build_jobs
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.orchestration.schedules import build_schedules
from keycrm_pipeline.orchestration.sensors import build_sensors
from keycrm_pipeline.profile import (
    Profile,
    ProfileError,
    Settings,
    Workspace,
    load_profiles,
    settings_from_environment,
)


def build_definitions(
    profiles: Sequence[Profile], settings: Settings, refused: Sequence[ProfileError] = ()
) -> dg.Definitions:
    """The definitions of some profiles.

    Args:
        profiles: Profiles to build for.
        settings: Where profiles and data are.
        refused: Profiles with mistakes: each is shown as an asset that says what is wrong, and the others still work.
    """
    # Printed once for each asset at every load and every run: backfill policies have been beta for years.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = []
    checks: list[dg.AssetChecksDefinition] = []
    jobs: list[dg.JobDefinition | AssetJob] = []
    schedules: list[dg.ScheduleDefinition] = []
    sensors: list[dg.SensorDefinition] = []
    for profile in profiles:
        profile_assets = ProfileAssets(Workspace(profile, settings))
        assets += [build_load(profile_assets), build_exports(profile_assets), build_report(profile_assets)]
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
        # One writer per file: the steps of a run share one process and one lock.
        executor=dg.in_process_executor,
    )


_built: dict[str, tuple[object, dg.Definitions]] = {}
"""What was built last, and from what: Dagster asks twice in a row when it loads a code location."""


@dg.definitions
def definitions() -> dg.Definitions:
    """All profiles of the profiles directory; evaluated when Dagster loads the code location."""
    settings = settings_from_environment(os.environ)
    profiles, refused = load_profiles(settings)
    source = (profiles, settings, [str(error) for error in refused])
    if "last" not in _built or _built["last"][0] != source:
        _built["last"] = (source, build_definitions(profiles, settings, refused))
    return _built["last"][1]
