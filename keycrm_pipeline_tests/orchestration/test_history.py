"""How long runs stay in Dagster's history. A real instance with its files, as `keycrm-pipeline up` makes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.history import tidy_history, tidy_when_due
from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline.orchestration.profile_assets import CHANGED_TAG, PROFILE_TAG, ProfileAssets
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline_tests.orchestration.shop import make_workspace, run_job

DAY = date(2026, 3, 28)
NEXT_DAY = DAY + timedelta(days=1)
ENOUGH_SECONDS = 600


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job(name="shop_changes")
def changes_job() -> None:
    """Stands for a sync of the profile."""
    nothing()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAGSTER_HOME."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def kept(home: Path) -> Iterator[dg.DagsterInstance]:
    """An instance that keeps its history in files."""
    del home
    with open_instance() as instance:
        yield instance


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def tidy(instance: dg.DagsterInstance, workspace: Workspace, days: float) -> int:
    """How many runs are deleted when it is done so many days from now."""
    tidied = tidy_history(instance, ProfileAssets(workspace), in_days(days), seconds=ENOUGH_SECONDS)
    assert tidied.left == 0
    return tidied.deleted


def ended_run(
    instance: dg.DagsterInstance, *, failed: bool = False, tags: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A run of the profile's changes that has just ended."""
    run = instance.create_run_for_job(
        changes_job,
        status=dg.DagsterRunStatus.FAILURE if failed else dg.DagsterRunStatus.SUCCESS,
        tags={PROFILE_TAG: "shop", **tags},
    )
    return run.run_id


def unchanged_run(instance: dg.DagsterInstance) -> str:
    return ended_run(instance, tags={CHANGED_TAG: "nothing"})


def run_ids(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def run_files(home: Path) -> set[str]:
    """The runs that have a file of their own."""
    return {path.stem for path in (home / "history" / "runs").glob("*.db")} - {"index"}


def test_loaded_days_stay_loaded_for_years(
    kept: dg.DagsterInstance, home: Path, workspace: Workspace
) -> None:
    """No day loses its green dot, and no file of a deleted run stays.

    Five years later, of the loads and of the passes that found nothing the newest is left, and the first load, which
    alone loaded the second day.
    """
    both_days = run_job(workspace, kept, "load", Period(DAY, NEXT_DAY)).run_id
    passes = [run_job(workspace, kept, "rebuild").run_id for _ in range(2)]
    replaced = run_job(workspace, kept, "load", Period(DAY, DAY)).run_id
    newest = run_job(workspace, kept, "load", Period(DAY, DAY)).run_id
    assert run_files(home) == {both_days, *passes, replaced, newest}

    assert tidy(kept, workspace, days=5 * 365) == 2
    assert run_ids(kept) == {both_days, passes[-1], newest}
    assert run_files(home) == run_ids(kept)
    assets = ProfileAssets(workspace)
    # Asked for the first time: nothing was remembered from before.
    status = kept.get_status_by_partition(
        assets.key("orders"), [DAY.isoformat(), NEXT_DAY.isoformat()], assets.partitions
    )
    assert status is not None
    assert {day: found and found.name for day, found in status.items()} == {
        "2026-03-28": "MATERIALIZED",
        "2026-03-29": "MATERIALIZED",
    }


def test_a_run_leaves_when_its_time_is_over(kept: dg.DagsterInstance, workspace: Workspace) -> None:
    """Runs that changed nothing after 2 days, all others after 90, and the newest of each kind never."""
    unchanged = [unchanged_run(kept) for _ in range(3)]
    changed = [ended_run(kept) for _ in range(3)]
    failed = [ended_run(kept, failed=True) for _ in range(3)]
    assert tidy(kept, workspace, days=1.9) == 0
    assert tidy(kept, workspace, days=2.1) == 2
    assert run_ids(kept) == {unchanged[-1], *changed, *failed}
    assert tidy(kept, workspace, days=89.9) == 0
    assert tidy(kept, workspace, days=90.1) == 4
    assert run_ids(kept) == {unchanged[-1], changed[-1], failed[-1]}


def test_the_settings_decide(kept: dg.DagsterInstance, tmp_path: Path) -> None:
    """A week for what failed, a day for the rest, and of many runs the newest fifty."""
    workspace = make_workspace(tmp_path, history={"failed_days": 7, "days": 30, "most_runs": 50})
    failed = [ended_run(kept, failed=True) for _ in range(2)]
    changed = [ended_run(kept) for _ in range(52)]
    # Four more than fifty: the oldest, of which one is the newest that failed.
    assert tidy(kept, workspace, days=0) == 3
    assert run_ids(kept) == {failed[1], *changed[2:]}
    assert tidy(kept, workspace, days=29) == 0


def test_only_runs_of_the_profile_that_have_ended(kept: dg.DagsterInstance, workspace: Workspace) -> None:
    """Another profile's runs, those of other people's jobs, and what is still running are not ours to delete."""
    others = [
        kept.create_run_for_job(changes_job, status=status, tags=tags).run_id
        for status, tags in (
            (dg.DagsterRunStatus.SUCCESS, {PROFILE_TAG: "other"}),
            (dg.DagsterRunStatus.SUCCESS, {}),
            (dg.DagsterRunStatus.STARTED, {PROFILE_TAG: "shop"}),
        )
        for _ in range(2)
    ]
    assert tidy(kept, workspace, days=1000) == 0
    assert run_ids(kept) == set(others)


def test_runs_that_were_started_from_assets(kept: dg.DagsterInstance, workspace: Workspace) -> None:
    """Backfills and the button of an asset start runs without the profile's tag."""

    @dg.asset(key=["shop", "orders"])
    def orders() -> None:
        """One of the profile's."""

    @dg.asset(key=["dashboard", "sales"])
    def sales() -> None:
        """Somebody else's."""

    job = dg.Definitions(assets=[orders, sales]).resolve_implicit_global_asset_job_def()

    def materialized(asset: dg.AssetsDefinition) -> str:
        return job.execute_in_process(instance=kept, asset_selection=[asset.key]).run_id

    ours = [materialized(orders) for _ in range(3)]
    theirs = [materialized(sales) for _ in range(3)]
    assert tidy(kept, workspace, days=100) == 2
    assert run_ids(kept) == {ours[-1], *theirs}


def test_goes_on_where_it_stopped(kept: dg.DagsterInstance, home: Path, workspace: Workspace) -> None:
    """A history of years takes several ticks; what a killed one left behind is removed."""
    runs = [unchanged_run(kept) for _ in range(4)]
    left_behind = home / "history" / "runs" / "00000000-0000-4000-8000-000000000000.db"
    left_behind.touch()
    printed = home / "storage" / "00000000-0000-4000-8000-000000000000" / "compute_logs"
    printed.mkdir(parents=True)
    seconds = iter([0.0, 1.0, 2.0])
    tidied = tidy_history(kept, ProfileAssets(workspace), in_days(3), seconds=2, clock=lambda: next(seconds))
    assert (tidied.deleted, tidied.left) == (1, 2)
    assert run_ids(kept) == set(runs[1:])
    assert not left_behind.exists()
    assert not printed.parent.exists()
    assert tidy(kept, workspace, days=3) == 2


def test_commands_tidy_once_a_day(kept: dg.DagsterInstance, workspace: Workspace) -> None:
    """Where nothing runs but commands, they keep the history small; not each of them reads all of it."""
    assets = ProfileAssets(workspace)
    tidy_when_due(kept, assets, in_days(0))
    unchanged = [unchanged_run(kept) for _ in range(3)]
    tidy_when_due(kept, assets, in_days(0.9))
    assert run_ids(kept) == set(unchanged)
    tidy_when_due(kept, assets, in_days(2.5))
    assert run_ids(kept) == {unchanged[-1]}


def test_a_pass_that_finds_nothing_costs_seven_events(kept: dg.DagsterInstance, workspace: Workspace) -> None:
    """No output, no resources: what Dagster writes for every run, and its own files for nothing else."""
    run_job(workspace, kept, "load", Period(DAY, DAY))
    run = run_job(workspace, kept, "rebuild")
    assert [event.event_type_value for event in run.all_events] == [
        "PIPELINE_START",
        "ENGINE_EVENT",
        "LOGS_CAPTURED",
        "STEP_START",
        "STEP_SUCCESS",
        "ENGINE_EVENT",
        "PIPELINE_SUCCESS",
    ]
    stored = kept.get_run_by_id(run.run_id)
    assert stored is not None
    assert stored.tags[CHANGED_TAG] == "nothing"
