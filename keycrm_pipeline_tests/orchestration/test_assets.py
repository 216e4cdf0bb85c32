"""One op, many assets: ranges, single stages, failures in the middle. Real runs in a real instance."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.profile_assets import PERIOD_TAG
from keycrm_pipeline.period import Period, contiguous_periods
from keycrm_pipeline.pipeline import partners
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import Session, open_warehouse
from keycrm_pipeline_tests.orchestration.shop import make_workspace, run_job

PERIOD = Period(date(2026, 3, 28), date(2026, 3, 30))
DAYS = [day.isoformat() for day in PERIOD.days]


def materialized(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """The green days of each stage."""
    return {
        stage.name: sorted(instance.get_materialized_partitions(dg.AssetKey(["shop", stage.name])))
        for stage in STAGES
    }


def failures(result: dg.ExecuteInProcessResult) -> list[str]:
    """What failed, as the page shows it."""
    return [
        data.user_failure_data.description
        for event in result.all_events
        if event.is_step_failure and (data := event.step_failure_data).user_failure_data is not None
        if data.user_failure_data.description is not None
    ]


def loaded_days(workspace: Workspace) -> list[str]:
    with open_warehouse(workspace).reading() as connection:
        return [
            str(day)
            for (day,) in connection.execute(
                "SELECT order_day FROM ops.loaded_days ORDER BY order_day"
            ).fetchall()
        ]


def test_a_range_run_puts_its_own_numbers_on_each_day(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """Three days in one run: each day shows its own orders, and together they are the orders of the books."""
    result = run_job(workspace, instance, "load", PERIOD)
    assert result.success
    with open_warehouse(workspace).reading() as connection:
        booked = dict(
            connection.execute(
                "SELECT order_day::VARCHAR, count(*) FROM accounting.orders GROUP BY order_day"
            ).fetchall()
        )
    assert materialized(instance) == {stage.name: DAYS for stage in STAGES}
    shown = {
        event.partition: event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["shop", "orders"])
    }
    assert {day: metadata["created"].value for day, metadata in shown.items()} == booked
    assert {day: metadata["dagster/partition_row_count"].value for day, metadata in shown.items()} == booked
    assert all(
        {"updated", "unchanged", "rejected", "all orders UAH"} <= set(metadata) for metadata in shown.values()
    )
    # A number, so that Dagster draws its course over the days.
    with open_warehouse(workspace).reading() as connection:
        sums = dict(
            connection.execute(
                "SELECT order_day::VARCHAR, sum(grand_total)::DOUBLE FROM accounting.orders "
                "WHERE currency = 'UAH' GROUP BY order_day"
            ).fetchall()
        )
    assert {day: metadata["all orders UAH"].value for day, metadata in shown.items()} == sums
    assert {type(metadata["all orders UAH"]) for metadata in shown.values()} == {dg.FloatMetadataValue}
    # The whole run's numbers stand on its last day alone.
    assert [day for day, metadata in shown.items() if "summary" in metadata] == [DAYS[-1]]
    assert [day for day, metadata in shown.items() if "dagster/column_lineage" in metadata] == [DAYS[-1]]
    assert loaded_days(workspace) == DAYS
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.tags[PERIOD_TAG] == "2026-03-28 to 2026-03-30"


def test_every_stage_shows_how_long_it_took(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """The page draws one bar for the whole load, so each stage says its own seconds."""
    result = run_job(workspace, instance, "load", Period(PERIOD.first, PERIOD.first))
    seconds = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization.metadata["seconds"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    assert list(seconds) == [stage.name for stage in STAGES]
    assert all(isinstance(value, float) and value >= 0 for value in seconds.values())


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES[1:]])
def test_a_stage_of_a_day_that_was_never_fetched_fails(
    workspace: Workspace, instance: dg.DagsterInstance, stage: str
) -> None:
    """One click on a day that nobody loaded: red, in words, and neither green nor called loaded anywhere."""
    result = run_job(workspace, instance, "load", Period(PERIOD.first, PERIOD.first), [stage])
    assert not result.success
    (description,) = failures(result)
    assert description.startswith(f"These days were never fetched from KeyCRM: 2026-03-28. {stage} ")
    assert "shop_load" in description
    assert not any(materialized(instance).values())
    assert loaded_days(workspace) == []


def test_a_stage_of_a_range_with_a_hole_fails_for_the_hole(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """The days on both sides are loaded; the message names the one between them."""
    for day in (PERIOD.first, PERIOD.last):
        assert run_job(workspace, instance, "load", Period(day, day)).success
    result = run_job(workspace, instance, "load", PERIOD, ["orders"])
    (description,) = failures(result)
    assert "2026-03-29." in description
    assert loaded_days(workspace) == [DAYS[0], DAYS[2]]
    assert materialized(instance)["orders"] == [DAYS[0], DAYS[2]]


def test_a_stage_of_loaded_days_works_alone(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """One asset of a range, as one chooses it on the page: nothing else is materialized or fetched."""
    run_job(workspace, instance, "load", PERIOD)
    result = run_job(workspace, instance, "load", PERIOD, ["orders"])
    assert result.success
    events = result.get_asset_materialization_events()
    assert [(event.asset_key.path[-1], event.partition) for event in events if event.asset_key] == [
        ("orders", day) for day in DAYS
    ]


def test_a_failure_in_a_stage_leaves_those_before_it_green(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fifth stage fails: the first four are done on all days, and the log says why it failed."""

    def fail(_session: Session, _period: Period | None) -> None:
        raise ValueError("card of «Олена Коваль» is odd")

    monkeypatch.setattr(partners, "run", fail)
    result = run_job(workspace, instance, "load", PERIOD)
    assert not result.success
    (description,) = failures(result)
    assert "Unexpected ValueError" in description
    assert "Коваль" not in description
    assert materialized(instance) == {
        stage.name: DAYS if place < 4 else [] for place, stage in enumerate(STAGES)
    }
    assert loaded_days(workspace) == []
    with open_warehouse(workspace).reading() as connection:
        assert connection.execute("SELECT status, error FROM ops.exchanges").fetchall() == [
            ("failed", description)
        ]


def test_orders_of_all_days_or_of_the_missing_ones_call_no_day_loaded(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Ranges "all" and "missing" on the page: one that holds a day never fetched fails; the loaded days stay."""
    workspace = make_workspace(tmp_path, start_date=PERIOD.first - timedelta(days=2))
    assert run_job(workspace, instance, "load", PERIOD).success
    days = [PERIOD.first + timedelta(days=offset) for offset in range(-2, 5)]
    green = instance.get_materialized_partitions(dg.AssetKey(["shop", "orders"]))
    missing = contiguous_periods(day for day in days if day.isoformat() not in green)
    assert len(missing) == 2
    for period in (Period(days[0], days[-1]), *missing):
        result = run_job(workspace, instance, "load", period, ["orders"])
        (description,) = failures(result)
        assert "never fetched" in description
    assert loaded_days(workspace) == DAYS
    assert materialized(instance) == {stage.name: DAYS for stage in STAGES}
