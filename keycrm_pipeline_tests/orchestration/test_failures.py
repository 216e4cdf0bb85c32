"""What becomes of a run that is told to stop: whether Dagster tries it again, and what its exchange says."""

import os
import signal as signals
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from keycrm_pipeline.orchestration.failures import RETRY, as_dagster_failure
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG
from keycrm_pipeline.period import Period
from keycrm_pipeline.run.errors import StoppedError
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse.exchanges import last_exchange
from keycrm_pipeline_tests.orchestration.shop import make_workspace, run_job

FAILURE_REASON = "dagster/failure_reason"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def stopped_run(
    instance: dg.DagsterInstance, signal: BaseException, tags: dict[str, str]
) -> tuple[dg.DagsterRun, list[str]]:
    """A run whose stage is told to stop while it works; the run as it ended, and the types of its events."""

    @dg.asset(retry_policy=RETRY)
    def stage(context: dg.AssetExecutionContext) -> None:
        with as_dagster_failure(context):
            raise signal

    result = dg.materialize([stage], instance=instance, tags=tags, raise_on_error=False)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run, [event.event_type_value for event in result.all_events]


@pytest.mark.parametrize(
    "signal",
    [
        StoppedError(),
        KeyboardInterrupt(),
        dg.DagsterExecutionInterruptedError(),
        # What DuckDB makes of an interruption while it hands a frame over, and of one while it works.
        duckdb.Error("DagsterExecutionInterruptedError: "),
        RuntimeError("Query interrupted"),
    ],
    ids=lambda signal: type(signal).__name__,
)
def test_a_run_that_ends_with_the_product_is_tried_again_at_the_next_start(
    instance: dg.DagsterInstance, signal: BaseException
) -> None:
    """Stopping `make run` in the middle of a backfill must not take a month out of it, nor wait for a retry first."""
    run, events = stopped_run(instance, signal, {})
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.tags[FAILURE_REASON] == "UNEXPECTED_TERMINATION"
    assert "STEP_UP_FOR_RETRY" not in events


def test_a_load_that_a_person_stopped_stays_stopped(instance: dg.DagsterInstance) -> None:
    """Ctrl-C on the terminal is no fault."""
    run, events = stopped_run(instance, KeyboardInterrupt(), {COMMAND_TAG: "true"})
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert run.tags[FAILURE_REASON] == "STEP_FAILURE"
    assert "STEP_UP_FOR_RETRY" not in events


@pytest.mark.parametrize("number", [signals.SIGINT, signals.SIGTERM], ids=lambda number: number.name)
def test_an_exchange_is_over_when_its_run_is_stopped_between_two_stages(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signals.Signals
) -> None:
    """While Dagster writes what a stage has done, nothing of the exchange runs that could notice the stop."""
    workspace = make_workspace(tmp_path)
    handle = instance.handle_new_event
    stopped: list[dg.EventLogEntry] = []

    def handle_and_stop(event: dg.EventLogEntry, **more: Any) -> Any:
        if (
            event.is_dagster_event
            and event.get_dagster_event().event_type == dg.DagsterEventType.ASSET_MATERIALIZATION
            and not stopped
        ):
            stopped.append(event)
            os.kill(os.getpid(), number)
        return handle(event, **more)

    monkeypatch.setattr(instance, "handle_new_event", handle_and_stop)
    before = signals.getsignal(number)
    run_job(workspace, instance, "load", Period(date(2026, 3, 1), date(2026, 3, 2)))
    assert stopped
    assert signals.getsignal(number) is before
    with open_warehouse(workspace).reading() as connection:
        exchange = last_exchange(connection)
    assert exchange is not None
    assert (exchange.status, exchange.outcome) == ("failed", "stopped")
    assert exchange.requests > 0
    assert not is_held(workspace.lock)
