"""What Dagster makes of a run that is told to stop: whether it is tried again, and when."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pytest

from keycrm_pipeline.orchestration.failures import RETRY, as_dagster_failure
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG
from keycrm_pipeline.run.errors import StoppedError

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
