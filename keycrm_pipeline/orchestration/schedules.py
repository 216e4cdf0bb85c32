"""Schedules of a profile: what runs automatically, and when.

Times are local and at 05:00 or later: an earlier cron moves on the days the clock changes. A profile without an API key
is skipped with the reason, until it has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import dagster as dg

from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets, period_tags
from keycrm_pipeline.period import DAY, contiguous_periods
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.warehouse.days import missing_days
from keycrm_pipeline.warehouse.errors import WarehouseError


def _status(profile: Profile, *, wanted: bool = True) -> dg.DefaultScheduleStatus:
    running = wanted and profile.schedule.enabled
    return dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED


def days_to_load(assets: ProfileAssets, yesterday: date) -> list[date]:
    """Yesterday, and days since the first loaded one that were never loaded to the end, newest first up to a limit.

    After downtime a schedule catches up only a few missed ticks, so the missing days are found in the database.
    """
    profile = assets.profile
    if yesterday < profile.start_date:
        return []
    try:
        with assets.reading() as connection:
            missing = missing_days(connection, yesterday)
    except WarehouseError:
        missing = []
    newest = sorted(missing, reverse=True)[: profile.schedule.most_days_to_complete]
    return sorted({yesterday, *newest})


def build_schedules(assets: ProfileAssets) -> list[dg.ScheduleDefinition]:
    """Daily load, nightly recent window, weekly sweep and weekly refresh of the catalogue."""
    profile = assets.profile
    name = profile.name
    hour, minute = (int(part) for part in profile.schedule.daily_at.split(":"))

    @dg.schedule(
        name=f"{name}_daily",
        job_name=f"{name}_load",
        cron_schedule=f"{minute} {hour} * * *",
        execution_timezone=profile.timezone,
        default_status=_status(profile),
        description=_("Loads yesterday, and completes days that are missing or failed."),
    )
    def daily(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        missing_key = assets.missing_key()
        if missing_key is not None:
            yield dg.SkipReason(missing_key)
            return
        today = context.scheduled_execution_time.astimezone(profile.zone).date()
        for period in contiguous_periods(days_to_load(assets, today - DAY)):
            yield dg.RunRequest(
                run_key=f"{today}:{period.first}:{period.last}",
                tags=period_tags(period),
            )

    def run_with_key(_context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        missing_key = assets.missing_key()
        return dg.RunRequest() if missing_key is None else dg.SkipReason(missing_key)

    later = (hour + 1) % 24
    weekday = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday").index(
        profile.sweep.weekday
    )
    return [
        daily,
        dg.ScheduleDefinition(
            name=f"{name}_recent_nightly",
            job_name=f"{name}_recent",
            cron_schedule=f"{minute} {later} * * *",
            execution_fn=run_with_key,
            execution_timezone=profile.timezone,
            default_status=_status(profile),
            description=_("Compares the recent days and all open orders again."),
        ),
        dg.ScheduleDefinition(
            name=f"{name}_sweep_weekly",
            job_name=f"{name}_sweep",
            cron_schedule=f"{minute} {(hour + 2) % 24} * * {weekday}",
            execution_fn=run_with_key,
            execution_timezone=profile.timezone,
            default_status=_status(profile, wanted=profile.sweep.enabled),
            description=_("Looks for orders that KeyCRM no longer has."),
        ),
        dg.ScheduleDefinition(
            name=f"{name}_catalogue_weekly",
            job_name=f"{name}_catalogue",
            cron_schedule=f"{minute} {(hour + 3) % 24} * * {weekday}",
            execution_fn=run_with_key,
            execution_timezone=profile.timezone,
            default_status=_status(profile),
            description=_("Refreshes products, offers and categories."),
        ),
    ]
