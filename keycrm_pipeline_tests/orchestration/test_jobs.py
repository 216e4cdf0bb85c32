"""Syncs as op jobs: what they wrote is materialized on the touched days, and nothing else."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.launch import run_job as run_command
from keycrm_pipeline.orchestration.profile_assets import COMMAND_TAG, PERIOD_TAG
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline_tests.orchestration.shop import run_job

DAY = date(2026, 3, 28)
ORDERS = dg.AssetKey(["shop", "orders"])


def materializations(result: dg.ExecuteInProcessResult) -> list[tuple[str, str | None]]:
    """Every materialization of a run, by asset and day."""
    return [
        (event.asset_key.path[-1], event.partition)
        for event in result.all_events
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION and event.asset_key is not None
    ]


def test_a_rebuild_that_changes_a_day_materializes_it(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """Automation conditions of other people's assets follow materializations, and ignore observations."""
    run_job(workspace, instance, "load", Period(DAY, DAY + timedelta(days=1)))
    with open_warehouse(workspace).writing() as connection:
        connection.execute(
            "UPDATE accounting.orders SET comment = 'стара' "
            "WHERE order_id = (SELECT min(order_id) FROM accounting.orders WHERE order_day = ?)",
            [DAY],
        )
    result = run_job(workspace, instance, "rebuild")
    assert result.success
    assert materializations(result) == [
        (name, "2026-03-28") for name in ("raw_orders", "validated_orders", "orders")
    ]
    newest = instance.fetch_materializations(ORDERS, limit=1).records[0].asset_materialization
    assert newest is not None
    assert newest.metadata["updated"].value == 1
    assert newest.metadata["all orders UAH"].value
    assert newest.description == "Written to by rebuild."
    said = [entry.user_message for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event]
    assert "documents changed: 1" in "\n".join(said)


def test_a_sync_that_changes_nothing_materializes_nothing(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """A rebuild of what is right already: no day becomes new for anybody."""
    run_job(workspace, instance, "load", Period(DAY, DAY))
    result = run_job(workspace, instance, "rebuild")
    assert result.success
    assert materializations(result) == []


def test_cards_take_new_names_over_only_when_asked_to(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """As after a product was renamed in KeyCRM: the weekly refresh lists the card, the button renames it."""
    run_job(workspace, instance, "load", Period(DAY, DAY))
    with open_warehouse(workspace).writing() as connection:
        ((card, name),) = connection.execute(
            "SELECT link.product_id, product.payload ->> 'name' FROM accounting.product_links AS link "
            "JOIN raw.products AS product USING (crm_product_id) ORDER BY link.product_id LIMIT 1"
        ).fetchall()
        connection.execute(
            "UPDATE accounting.products SET name = 'Стара назва', name_key = 'стара назва' WHERE product_id = ?",
            [card],
        )
    names = "SELECT name FROM accounting.products WHERE product_id = ?"
    listed = "SELECT subject FROM ops.review WHERE kind = 'product_renamed'"
    for config, expected, on_the_list in (
        (None, "Стара назва", [(str(card),)]),
        ({"ops": {"shop__catalogue": {"config": {"rename": True}}}}, name, []),
    ):
        assert run_job(workspace, instance, "catalogue", config=config).success
        with open_warehouse(workspace).reading() as connection:
            assert connection.execute(names, [card]).fetchall() == [(expected,)]
            assert connection.execute(listed).fetchall() == on_the_list


def test_a_sync_before_the_first_load_says_what_to_do(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    """The failure on the page is one sentence for people."""
    result = run_job(workspace, instance, "changes")
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert "load a period first" in str(failure.user_failure_data.description)


def test_the_load_of_a_command_is_a_run_like_all_others(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Overview shows runs of a code location; the tags that find its process are not for people's eyes."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    outcome = run_command(workspace, "load", Period(DAY, DAY))
    assert outcome.succeeded, outcome.error
    with dg.DagsterInstance.get() as kept:
        ((record),) = kept.get_run_records()
        run = record.dagster_run
        origin = run.remote_job_origin
        assert origin is not None
        assert (origin.location_name, origin.repository_origin.repository_name, origin.job_name) == (
            "keycrm_pipeline",
            "__repository__",
            "shop_load",
        )
        assert run.tags[PERIOD_TAG] == "2026-03-28"
        assert COMMAND_TAG.startswith(".dagster/")
        assert COMMAND_TAG in run.tags
        shown = {tag for tag in run.tags if not tag.startswith((".dagster/", "dagster/"))}
        assert shown == {"keycrm/profile", PERIOD_TAG}
        assert record.end_time is not None
        assert datetime.fromtimestamp(record.end_time).year >= 2026  # noqa: DTZ006 - only that it has ended
