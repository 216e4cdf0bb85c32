"""Events written in batches read as those that Dagster writes one by one."""

import sqlite3
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from keycrm_pipeline.event_storage import BATCH_VARIABLE, BatchedSqliteEventLogStorage, allow_event_batches
from keycrm_pipeline.instance import HOME_VARIABLE, open_instance

DAYS = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")
PLAIN = "telemetry:\n  enabled: false\n"
EARLIER = dg.AssetKey(["shop", "earlier"])
LATER = dg.AssetKey(["shop", "later"])
OBSERVED = dg.AssetKey(["shop", "observed"])

_partitions = dg.DailyPartitionsDefinition(DAYS[0], end_date="2026-03-31")


def _result(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    for key in context.partition_keys:
        context.add_asset_metadata({"orders": int(key[-2:])}, partition_key=key)
    return dg.MaterializeResult()


@dg.asset(key=EARLIER, partitions_def=_partitions, backfill_policy=dg.BackfillPolicy.single_run())
def _earlier(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return _result(context)


@dg.asset(
    key=LATER, partitions_def=_partitions, backfill_policy=dg.BackfillPolicy.single_run(), deps=[EARLIER]
)
def _later(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    context.log_event(dg.AssetObservation(OBSERVED, metadata={"seen": 1}))
    return _result(context)


@dg.asset_check(asset=LATER)
def _adds_up() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def _load(instance: dg.DagsterInstance, first: str, last: str) -> str:
    definitions = dg.Definitions(
        assets=[_earlier, _later],
        asset_checks=[_adds_up],
        jobs=[dg.define_asset_job("load")],
    )
    result = definitions.resolve_job_def("load").execute_in_process(
        instance=instance,
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
    )
    assert result.success
    return result.run_id


def _what_the_page_reads(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    read: dict[str, Any] = {
        "log": [
            (entry.dagster_event_type, entry.step_key, entry.get_dagster_event().partition)
            for entry in instance.all_logs(run_id)
            if entry.is_dagster_event
        ],
        "observed": len(instance.fetch_observations(OBSERVED, limit=10).records),
        "checks": [
            (record.status, record.event.dagster_event_type if record.event else None)
            for record in instance.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(LATER, "_adds_up"), limit=10
            )
        ],
    }
    for key in (EARLIER, LATER):
        newest = instance.get_latest_materialization_event(key)
        assert newest is not None
        assert newest.asset_materialization is not None
        read[key.to_user_string()] = {
            "days": instance.get_materialized_partitions(key),
            "newest": newest.asset_materialization.partition,
            "tags": len(
                instance.event_log_storage.get_latest_tags_by_partition(
                    key, dg.DagsterEventType.ASSET_MATERIALIZATION, tag_keys=["dagster/data_version"]
                )
            ),
            "numbers": [
                (record.partition_key, record.asset_materialization.metadata["orders"].value)
                for record in instance.fetch_materializations(key, limit=100, ascending=True).records
                if record.asset_materialization is not None
            ],
        }
    return read


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    # Whatever this test or what it runs sets, is gone after it.
    monkeypatch.setenv(BATCH_VARIABLE, "0")
    return tmp_path / "home"


@pytest.mark.parametrize("batch", ["1000", "3"])
def test_the_page_shows_the_same(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, batch: str
) -> None:
    """Days, their numbers, checks and the run's log are as Dagster's own storage keeps them."""
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "dagster.yaml").write_text(PLAIN, "utf-8")
    with dg.DagsterInstance.local_temp(str(tmp_path / "plain")) as plain:
        _load(plain, DAYS[0], DAYS[2])
        expected = _what_the_page_reads(plain, _load(plain, DAYS[1], DAYS[3]))
    monkeypatch.setenv(BATCH_VARIABLE, batch)
    with open_instance() as instance:
        assert isinstance(instance.event_log_storage, BatchedSqliteEventLogStorage)
        _load(instance, DAYS[0], DAYS[2])
        assert _what_the_page_reads(instance, _load(instance, DAYS[1], DAYS[3])) == expected
    assert expected["shop/later"]["days"] == set(DAYS)
    assert expected["shop/later"]["newest"] == DAYS[3]
    assert (DAYS[3], 4) in expected["shop/later"]["numbers"]
    assert (home / "history" / "runs" / "index.db").exists()


def test_an_instance_may_go_back_to_dagsters_own_storage(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are Dagster's: without our line in dagster.yaml the history is still there."""
    monkeypatch.setenv(BATCH_VARIABLE, "1000")
    with open_instance() as instance:
        _load(instance, DAYS[0], DAYS[2])
    (home / "dagster.yaml").write_text(PLAIN, "utf-8")
    with dg.DagsterInstance.get() as plain:
        assert not isinstance(plain.event_log_storage, BatchedSqliteEventLogStorage)
        assert plain.get_materialized_partitions(LATER) == set(DAYS[:3])


def test_a_batch_size_that_somebody_chose_stays() -> None:
    """Zero switches batches off."""
    chosen = {BATCH_VARIABLE: "0"}
    allow_event_batches(chosen)
    assert chosen == {BATCH_VARIABLE: "0"}
    unset: dict[str, str] = {}
    allow_event_batches(unset)
    assert int(unset[BATCH_VARIABLE]) > 1


def test_a_month_of_days_takes_few_transactions(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backfill of years is not held up by its own history: events of a step's days are written together."""
    monkeypatch.setenv(BATCH_VARIABLE, "1000")
    written: list[int] = []
    store = BatchedSqliteEventLogStorage.store_event_batch

    def counting(storage: BatchedSqliteEventLogStorage, events: Any) -> None:
        written.append(len(events))
        store(storage, events)

    monkeypatch.setattr(BatchedSqliteEventLogStorage, "store_event_batch", counting)
    with open_instance() as instance:
        _load(instance, "2026-03-01", "2026-03-30")
    # Planned: both assets and the check; then each asset's days.
    assert written == [61, 30, 30]
    assert home.exists()


def test_the_history_of_many_runs_stays_readable(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page looks into more runs than files are kept open; after all history is deleted it goes on."""
    monkeypatch.setattr("keycrm_pipeline.event_storage.MOST_ENGINES", 2)
    with open_instance() as instance:
        runs = [_load(instance, day, day) for day in DAYS]
        assert [len(instance.all_logs(run_id)) > 10 for run_id in runs] == [True] * len(DAYS)
        assert instance.get_materialized_partitions(LATER) == set(DAYS)
        instance.event_log_storage.wipe()
        assert instance.get_materialized_partitions(LATER) == set()
        _load(instance, DAYS[0], DAYS[0])
        assert instance.get_materialized_partitions(LATER) == {DAYS[0]}
    assert home.exists()


def test_a_file_that_was_cut_off_while_it_was_made_is_made_to_the_end(tmp_path: Path) -> None:
    """A machine that lost its power at the start of a run shows that run's page all the same."""
    with sqlite3.connect(tmp_path / "cut_off.db") as file:
        file.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    storage = BatchedSqliteEventLogStorage(str(tmp_path))
    try:
        assert storage.get_logs_for_run("cut_off") == []
    finally:
        storage.dispose()


def test_a_command_without_a_home_finds_a_place_for_its_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dagster definitions validate` in a fresh checkout: no DAGSTER_HOME is set, and none is needed."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    storage = BatchedSqliteEventLogStorage.from_config_value(None, {})
    assert list(storage.get_logs_for_run("none yet")) == []
    storage.dispose()
