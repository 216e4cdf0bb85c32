"""Which days somebody's asset is asked for after a load and after a sync. Real runs and conditions, no daemon.

The daemon does it in `docs/test_build_on_it`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration import exchange_definitions, order_days
from keycrm_pipeline.period import DAY, Period
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.orchestration.shop import make_workspace, run_job
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import KEY, KYIV
from keycrm_pipeline_tests.scripted_api import ScriptedApi

CONDITIONS = {
    "newest": dg.AutomationCondition.eager(),
    "every": dg.AutomationCondition.any_deps_updated(),
    "whole": dg.AutomationCondition.any_deps_updated(),
}


def test_assets_follow_what_changes_has_touched(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load of two days; then `changes` finds that an order of the first one was changed, and one of today."""
    monkeypatch.setenv("KEYCRM_API_KEY", KEY)
    today = datetime.now(UTC).astimezone(KYIV).date()
    first, yesterday = today - 2 * DAY, today - DAY
    shop = EditableShop.empty()
    for order_id, day in enumerate((first, yesterday), start=1):
        shop.add_order(order_payload(order_id, datetime.combine(day, time(12), tzinfo=KYIV)))
    with SandboxServer(ScriptedApi(shop, api_key=KEY)) as server:
        workspace = make_workspace(tmp_path, base_url=server.url, start_date=today - 30 * DAY)
        days = order_days(workspace.profile)

        def follower(name: str) -> dg.AssetsDefinition:
            @dg.asset(
                name=name,
                deps=[["shop", "orders"]],
                partitions_def=None if name == "whole" else days,
                automation_condition=CONDITIONS[name],
            )
            def follow() -> None: ...

            return follow

        definitions = dg.Definitions.merge(
            exchange_definitions([workspace.profile], workspace.settings),
            dg.Definitions(assets=[follower(name) for name in CONDITIONS]),
        )
        seen = dg.evaluate_automation_conditions(definitions, instance)

        def asked_for() -> dict[str, list[str]]:
            nonlocal seen
            seen = dg.evaluate_automation_conditions(definitions, instance, cursor=seen.cursor)
            return {
                name: sorted(map(str, seen.get_requested_partitions(dg.AssetKey(name))))
                for name in CONDITIONS
            }

        nothing: dict[str, list[str]] = {name: [] for name in CONDITIONS}
        assert run_job(workspace, instance, "load", Period(first, yesterday)).success
        assert asked_for() == {"newest": [], "every": [str(first), str(yesterday)], "whole": ["None"]}
        assert asked_for() == nothing

        shop.replace_order(1, {"manager_comment": "Подзвонити"})
        shop.add_order(order_payload(3, datetime.now(UTC)))
        assert run_job(workspace, instance, "changes").success
        assert asked_for() == {
            "newest": [str(today)], "every": [str(first), str(today)], "whole": ["None"],
        }  # fmt: skip
        assert asked_for() == nothing
