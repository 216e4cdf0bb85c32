"""Runs a profile's jobs from a command: the same assets, the same Dagster instance as the page.

Imported only by commands that really launch a run, because it imports Dagster.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from keycrm_pipeline.language import _, speaking
from keycrm_pipeline.orchestration.dagster_internals import runs_with_origin
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.history import tidy_when_due
from keycrm_pipeline.orchestration.instance import end_dead_runs, end_dead_runs_of_lake, open_instance
from keycrm_pipeline.orchestration.profile_assets import (
    ProfileAssets,
    command_tags,
    orders_tags,
    period_tags,
)
from keycrm_pipeline.orchestration.remote import orders_config
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace, code_location
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.errors import StoppedError
from keycrm_pipeline.run.marks import under_way
from keycrm_pipeline.run.summary import ExchangeSummary, summarise
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.exchanges import KILLED, exchange_of_run

DEFINITIONS = "keycrm_pipeline.orchestration.definitions"
"""The module that the page and the daemon load, see `workspace.yaml`."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        succeeded: Whether every step did.
        summary: The exchange summary; None when not even the exchange row could be written.
        error: What went wrong, in words; None when nothing did.
        is_stopped: Whether somebody stopped it.
    """

    succeeded: bool
    summary: ExchangeSummary | None
    error: str | None
    is_stopped: bool = False


def run_job(
    workspace: Workspace, job: str, period: Period | None = None, order_ids: Sequence[int] = ()
) -> Outcome:
    """Runs one job of a profile in this process and waits for its end.

    Args:
        workspace: The profile and its places.
        job: The job's name after the profile's: `load`, `changes`…
        period: The days of a load.
        order_ids: The orders of `order`.
    """
    definitions = build_definitions([workspace.profile], workspace.settings)
    run_id = str(uuid.uuid4())
    # Marked before Dagster knows of the run and until it has recorded its end.
    with open_instance() as instance, under_way(workspace, run_id):
        # A load that was killed would keep the profile's place in the queue, and there may be no daemon to end it.
        end_dead_runs(instance, workspace.settings)
        end_dead_runs_of_lake(instance, workspace)
        # What a run stores is the same whoever starts it, in whichever language.
        with (
            runs_with_origin(instance, DEFINITIONS, code_location(os.environ)),
            speaking("en"),
            _stop_as_keyboard_interrupt(),
        ):
            result = definitions.resolve_job_def(f"{workspace.profile.name}_{job}").execute_in_process(
                instance=instance,
                run_id=run_id,
                tags={
                    **(period_tags(period) if period else {}),
                    **(orders_tags(order_ids) if order_ids else {}),
                    **command_tags(),
                },
                run_config={
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                    **(orders_config(workspace.profile.name, order_ids) if order_ids else {}),
                },
                raise_on_error=False,
            )
        tidy_when_due(instance, ProfileAssets(workspace), datetime.now(UTC))
    error = None if result.success else _first_failure(result)
    summary = None
    try:
        with books_of(workspace).reading() as connection:
            exchange = exchange_of_run(connection, result.run_id)
            summary = summarise(connection, exchange) if exchange is not None else None
    except WarehouseError as unreadable:
        error = error or str(unreadable)
    if summary is not None and error is not None and summary.exchange.error == str(KILLED):
        # It lives, but has lost the lock of a lake: the run that took over has found it unfinished.
        summary = replace(summary, exchange=replace(summary.exchange, error=error, error_coded=None))
    if summary is not None and summary.exchange.error:
        error = summary.exchange.error
    return Outcome(
        succeeded=result.success, summary=summary, error=error, is_stopped=error == str(StoppedError())
    )


@contextlib.contextmanager
def _stop_as_keyboard_interrupt() -> Iterator[None]:
    """What Dagster raises when it is stopped before the first step or after the last one is Ctrl-C to a command."""
    try:
        yield
    except dg.DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None


def _first_failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data is not None and failure.user_failure_data.description:
                return failure.user_failure_data.description
            if failure.error is not None:
                cause = failure.error.cause or failure.error
                if cause.cls_name in (
                    KeyboardInterrupt.__name__,
                    dg.DagsterExecutionInterruptedError.__name__,
                ):
                    return str(StoppedError())
                return cause.message.strip()
    return _("The run failed before its first step; see the run in Dagster.")
