"""What Dagster loads: assets, checks, jobs, schedules and sensors of every profile. Nothing happens at import.

A code location of somebody else merges `exchange_definitions()` into its own definitions; the one of this product is
this module. What people's own assets read is in `inputs`, and a profile without a file in `component`.

Every run is a process that first loads all definitions. So what only one kind of run needs and is slow to import
(workbooks, pandera, numpy, the report) is imported when it runs.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg

from keycrm_pipeline.orchestration.assets import build_load
from keycrm_pipeline.orchestration.checks import build_checks
from keycrm_pipeline.orchestration.dagster_internals import (
    AssetJob,
    keep_events_off_the_console,
    run_of_this_process,
)
from keycrm_pipeline.orchestration.files import build_exports, build_report
from keycrm_pipeline.orchestration.inputs import build_resources
from keycrm_pipeline.orchestration.jobs import build_jobs
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.orchestration.schedules import build_schedules
from keycrm_pipeline.orchestration.sensors import build_sensors
from keycrm_pipeline.profile import (
    STARTED_BY_UP_VARIABLE,
    Profile,
    ProfileError,
    Settings,
    Workspace,
    load_profile,
    load_profiles,
    profile_names,
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
    resources: dict[str, object] = {}
    for profile in profiles:
        profile_assets = ProfileAssets(Workspace(profile, settings))
        with profile_assets.speaking():
            assets += [
                build_load(profile_assets),
                build_exports(profile_assets),
                build_report(profile_assets),
            ]
            resources |= build_resources(profile_assets)
            checks += build_checks(profile_assets)
            jobs += build_jobs(profile_assets)
            schedules += build_schedules(profile_assets)
            sensors += build_sensors(profile_assets)
    # By name: shop.yml and shop.yaml may both be refused, and two assets of one key would stop all profiles.
    mistakes: dict[str, list[str]] = {}
    for error in refused:
        dg.get_dagster_logger().error(str(error))
        mistakes.setdefault(Path(error.file_name).stem, []).append(str(error))
    assets += [
        dg.AssetSpec(
            dg.AssetKey(["refused_profiles", name]),
            group_name="refused_profiles",
            description="\n\n".join(said),
        )
        for name, said in mistakes.items()
    ]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=jobs,
        schedules=schedules,
        sensors=sensors,
        resources=resources,
    )


def exchange_definitions(
    profiles: Sequence[str | Profile] | None = None, settings: Settings | None = None
) -> dg.Definitions:
    """The exchange, to be merged into a code location by `dg.Definitions.merge`.

    They bring no executor: a code location has one, and two would be refused. Call it inside of `merge`, because
    Dagster refuses a module with two `Definitions` in its variables.

    Args:
        profiles: Names of profile files, or profiles; by default those that KEYCRM_PROFILES names, or else all files of
            the profiles directory. One with mistakes is then shown as an asset that says what is wrong.
        settings: Where profiles and data are; by default what KEYCRM_PROFILES_DIR and KEYCRM_DATA_DIR say.

    Raises:
        ProfileError: One of the named profiles does not exist, or its file has a mistake.
    """
    settings = settings or settings_from_environment(os.environ)
    if profiles is None:
        found, refused = load_profiles(settings)
        return build_definitions(found, settings, refused)
    return build_definitions([_profile(profile, settings) for profile in profiles], settings)


def order_days(profile: str | Profile, settings: Settings | None = None) -> dg.DailyPartitionsDefinition:
    """The partitions of a profile's assets, for an asset that follows them day by day: local days, today included.

    Args:
        profile: Its name, or the profile.
        settings: Where profiles are; by default what KEYCRM_PROFILES_DIR says.

    Raises:
        ProfileError: There is no such profile, or its file has a mistake.
    """
    settings = settings or settings_from_environment(os.environ)
    return ProfileAssets(Workspace(_profile(profile, settings), settings)).partitions


def _profile(profile: str | Profile, settings: Settings) -> Profile:
    return load_profile(profile, settings) if isinstance(profile, str) else profile


def profiles_of_run(run: dg.DagsterRun, names: Sequence[str]) -> tuple[str, ...]:
    """The profiles that a run needs: the others would cost its process time before it begins.

    Args:
        run: The run: of a job of ours, or of assets and checks, which may be of several profiles.
        names: The names of all profiles.

    Returns:
        Its profiles; none if that cannot be told, so that it needs all.
    """
    checked = (check.asset_key for check in run.asset_check_selection or ())
    keys = {*(run.asset_selection or ()), *checked}
    if keys:
        return tuple(name for name in names if any(key.path[0] == name for key in keys))
    # With profiles `shop` and `shop_two`, the job `shop_two_load` loads both.
    return tuple(name for name in names if run.job_name.startswith(f"{name}_"))


def _settings_of_process() -> Settings:
    """Where profiles and data are, and which profiles this process needs."""
    settings = settings_from_environment(os.environ)
    run = run_of_this_process()
    chosen = profiles_of_run(run, profile_names(settings)) if run is not None else ()
    return replace(settings, chosen=chosen) if chosen else settings


_built: dict[str, tuple[object, dg.Definitions]] = {}
"""What was built last, and from what: Dagster asks twice in a row when it loads a code location."""


# With an underscore: where it is imported, Dagster would load it in place of that module's own definitions, and say
# that all is well.
@dg.definitions
def _code_location() -> dg.Definitions:
    """All profiles of this installation; evaluated when Dagster loads the code location."""
    settings = _settings_of_process()
    profiles, refused = load_profiles(settings)
    # How an exchange ended is a line of `up`, in words; the events of its run say all else. In any other installation
    # the console is what Dagster stores of a run, to be read there.
    if STARTED_BY_UP_VARIABLE in os.environ:
        keep_events_off_the_console()
    source = (profiles, settings, [str(error) for error in refused])
    if "last" not in _built or _built["last"][0] != source:
        _built["last"] = (
            source,
            dg.Definitions.merge(
                build_definitions(profiles, settings, refused),
                # One writer per file: the steps of a run share one process.
                dg.Definitions(executor=dg.in_process_executor),
            ),
        )
    return _built["last"][1]
