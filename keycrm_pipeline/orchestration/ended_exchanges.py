"""One line for each exchange that ended, for the terminal of the whole product.

Dagster knows which runs ended, whoever started them; what they did is in the exchange log of their profile. What is not
here: who prints the lines, and what the page shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.kinds import EXCHANGE_KINDS
from keycrm_pipeline.language import _
from keycrm_pipeline.orchestration.profile_assets import PROFILE_TAG
from keycrm_pipeline.profile import Profile, ProfileError, Settings, Workspace, load_profile
from keycrm_pipeline.reading import Books
from keycrm_pipeline.reading.databases import has_books
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.exchanges import Exchange, exchange_of_run

LOOK_BACK = timedelta(minutes=10)
"""How long a run that ended is looked for again: its database may be in use, and its record may come late."""

_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class EndedExchanges:
    """Tells of each exchange once.

    Args:
        instance: The instance that contains the runs.
        settings: Where profiles and data are.
        since: Exchanges that ended earlier are not told of; timezone-aware.
    """

    def __init__(self, instance: dg.DagsterInstance, settings: Settings, since: datetime) -> None:
        self._instance = instance
        self._settings = settings
        self._since = since
        self._told: dict[str, datetime] = {}

    def lines(self, now: datetime) -> list[str]:
        """The exchanges that ended since the last call, oldest first, a line each.

        Args:
            now: The time, timezone-aware.
        """
        earliest = max(self._since, now - LOOK_BACK)
        self._told = {run_id: ended for run_id, ended in self._told.items() if ended >= now - 2 * LOOK_BACK}
        lines = []
        for record in reversed(
            self._instance.get_run_records(dg.RunsFilter(statuses=_ENDED, updated_after=earliest))
        ):
            run = record.dagster_run
            ended = datetime.fromtimestamp(record.end_time or now.timestamp(), UTC)
            if run.run_id in self._told or ended < self._since:
                continue
            try:
                line = self._line(run, ended)
            except WarehouseError:
                # Somebody works with the file at this moment: the next call finds the run again.
                continue
            self._told[run.run_id] = now
            if line is not None:
                lines.append(line)
        return lines

    def _line(self, run: dg.DagsterRun, ended: datetime) -> str | None:
        """The line of a run; None if it was no exchange.

        Raises:
            WarehouseError: The exchange log cannot be read at this moment.
        """
        name = _profile_of(run)
        try:
            profile = load_profile(name, self._settings) if name is not None else None
        except ProfileError:
            profile = None
        if profile is None:
            return None
        workspace = Workspace(profile, self._settings)
        exchange = None
        if has_books(workspace):
            with Books(workspace, wait_seconds=0).reading() as connection:
                exchange = exchange_of_run(connection, run.root_run_id or run.run_id)
        if exchange is not None:
            return exchange_line(exchange, profile, ended)
        if run.status == dg.DagsterRunStatus.FAILURE:
            return _(
                "{moment} {profile}: {job} failed; see its run on Dagster's page",
                moment=current_formatter().instant(ended, profile.timezone),
                profile=profile.name,
                job=run.job_name,
            )
        # An export or a report.
        return None


def exchange_line(exchange: Exchange, profile: Profile, ended: datetime) -> str:
    """What an exchange did, or why it failed, in one line.

    Args:
        exchange: Its row of the log.
        profile: Its profile, whose time zone the line is in.
        ended: When its run ended; timezone-aware.
    """
    write = current_formatter()
    kind = _(EXCHANGE_KINDS.get(exchange.kind, exchange.kind)) if exchange.kind != "period" else _("load")
    values = {
        "moment": write.instant(ended, profile.timezone),
        "profile": profile.name,
        "kind": f"{kind}, {write.period(exchange.period)}" if exchange.period else kind,
    }
    if exchange.status == "running":
        return _("{moment} {profile}: {kind}: was interrupted; the next exchange continues it", **values)
    if exchange.outcome == "stopped":
        return _("{moment} {profile}: {kind}: was stopped; the next exchange continues it", **values)
    if exchange.status != "succeeded":
        error = " ".join(exchange.error_text(write).split())
        return _("{moment} {profile}: {kind}: failed. {error}", **values, error=error).rstrip()
    seconds = (exchange.finished_at - exchange.started_at).total_seconds() if exchange.finished_at else 0
    return _(
        "{moment} {profile}: {kind}: succeeded: orders {seen}, created {created}, updated {updated}, rejected "
        "{rejected} ({duration})",
        **values,
        seen=write.number(exchange.orders_seen),
        created=write.number(exchange.orders_created),
        updated=write.number(exchange.orders_updated),
        rejected=write.number(exchange.orders_rejected),
        duration=write.duration(seconds),
    )


def _profile_of(run: dg.DagsterRun) -> str | None:
    """The profile of a run: by its tag, or, for a run that was started from assets, by their keys."""
    if PROFILE_TAG in run.tags:
        return run.tags[PROFILE_TAG]
    keys: Sequence[dg.AssetKey] = sorted(run.asset_selection or ())
    return keys[0].path[0] if keys else None
