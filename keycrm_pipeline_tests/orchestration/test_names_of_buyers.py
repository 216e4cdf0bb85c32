"""Names of buyers stay out of Dagster, also where only they decide what needs attention."""

from __future__ import annotations

from datetime import date

import dagster as dg

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse.attention import review_items
from keycrm_pipeline_tests.orchestration.shop import run_job

PERIOD = Period(date(2026, 3, 1), date(2026, 3, 14))


def test_names_that_disagree_are_in_no_event(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """The report and the terminal show the two names of one contact; what a load and its checks record does not."""
    result = run_job(workspace, instance, "load", PERIOD)
    assert result.success
    with open_warehouse(workspace).reading() as connection:
        conflicts = review_items(connection, kind="partner_name_conflict")
        names = {name for (name,) in connection.execute("SELECT name FROM accounting.partners").fetchall()}
    disagreeing = {name for item in conflicts for name in (item.card_name, *item.buyer_names)}
    assert len(disagreeing) >= 2
    logged = "\n".join(str(record) for record in instance.all_logs(result.run_id))
    # What the checks of the review list say is among the events.
    assert "partner_name_conflict" in logged
    assert [name for name in names | disagreeing if str(name) in logged] == []
