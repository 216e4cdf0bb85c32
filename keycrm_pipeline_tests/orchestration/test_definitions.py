"""What Dagster loads: names, descriptions, profiles with mistakes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._grpc.impl import core_execute_run

from keycrm_pipeline.orchestration import definitions, exchange_definitions, order_days
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.orchestration.profile_assets import PAGE_VARIABLE, PERIOD_TAG
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.pipeline.syncs import SYNCS
from keycrm_pipeline.profile import ProfileError, Settings, Workspace, load_profiles
from keycrm_pipeline_tests.orchestration.shop import QUIET, make_workspace, run_job

STAGE_NAMES = [stage.name for stage in STAGES]


def test_everything_has_its_name(workspace: Workspace) -> None:
    """Asset keys, jobs, schedules and sensors are public: people's bookmarks and scripts use them."""
    definitions = build_definitions([workspace.profile], workspace.settings)
    # Jobs and ops share their names' room, which is looked at only when everything is loaded.
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    keys = {"/".join(key.path) for key in repository.asset_graph.get_all_asset_keys()}
    # Syncs are work and no data: the lineage does not show them.
    assert keys == {f"shop/{name}" for name in (*STAGE_NAMES, "exports", "report")}
    assert STAGE_NAMES == [
        "raw_orders", "validated_orders", "statuses", "sources", "partners", "products", "orders",
    ]  # fmt: skip
    syncs = ["changes", "recent", "sweep", "order", "catalogue", "rebuild"]
    assert [sync.name for sync in SYNCS] == syncs
    assert set(repository.job_names) >= {
        f"shop_{name}" for name in ("load", *syncs, "checks", "exports", "report")
    }
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "shop_daily", "shop_recent_nightly", "shop_sweep_weekly", "shop_catalogue_weekly",
    }  # fmt: skip
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "shop_changes_sensor",
        "shop_failures",
        "shop_history",
    }


def test_dagsters_page_leads_to_the_exchange_page(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From each asset and job; nowhere if nobody said where the exchange page is."""

    def links() -> set[object]:
        definitions = build_definitions([workspace.profile], workspace.settings)
        graph = definitions.resolve_asset_graph()
        found = {graph.get(key).metadata.get("exchange page") for key in graph.get_all_asset_keys()}
        for job in ("load", "changes"):
            found.add(definitions.resolve_job_def(f"shop_{job}").metadata.get("exchange page"))
        return found

    monkeypatch.delenv(PAGE_VARIABLE, raising=False)
    assert links() == {None}
    monkeypatch.setenv(PAGE_VARIABLE, "https://page.shop.example/")
    assert links() == {dg.MetadataValue.url("https://page.shop.example/profiles/shop/documents")}


def test_every_asset_is_described(workspace: Workspace) -> None:
    """Group, kinds, owner and description on each; partitions, policy and columns on each stage."""
    repository = build_definitions([workspace.profile], workspace.settings).get_repository_def()
    for key in repository.asset_graph.get_all_asset_keys():
        node = repository.asset_graph.get(key)
        assert node.group_name == "shop", key
        assert node.kinds, key
        assert node.owners == ["team:accounting"], key
        assert node.description, key
        if key.path[-1] in STAGE_NAMES:
            assert isinstance(node.partitions_def, dg.DailyPartitionsDefinition), key
            assert node.backfill_policy == dg.BackfillPolicy.multi_run(31), key
            assert node.metadata["dagster/column_schema"].columns, key


def test_a_bad_profile_is_shown_and_the_others_work(tmp_path: Path) -> None:
    """One mistake in one file must not take the other shops' exchanges from the page."""
    settings = Settings(tmp_path / "profiles", tmp_path / "data")
    settings.profiles_directory.mkdir()
    (settings.profiles_directory / "good.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n")
    (settings.profiles_directory / "bad.yaml").write_text("base_url: sandbox\nstart: 2026-01-01\n")
    profiles, refused = load_profiles(settings)
    repository = build_definitions(profiles, settings, refused).get_repository_def()
    assert "good_load" in repository.job_names
    node = repository.asset_graph.get(dg.AssetKey(["refused_profiles", "bad"]))
    assert "start_date" in str(node.description)


def test_a_stage_says_where_its_table_and_its_code_are(tmp_path: Path) -> None:
    """Dagster's conventions: catalogues find the table by database, schema and name, and editors the module."""
    workspace = make_workspace(tmp_path, database="books/year.duckdb")
    graph = exchange_definitions([workspace.profile], workspace.settings).resolve_asset_graph()
    found = {stage.name: graph.get(dg.AssetKey(["shop", stage.name])).metadata for stage in STAGES}
    assert {name: metadata["dagster/table_name"] for name, metadata in found.items()} == {
        "raw_orders": "year.raw.orders",
        "validated_orders": "year.validated.orders",
        "statuses": "year.accounting.statuses",
        "sources": "year.accounting.sources",
        "partners": "year.accounting.partners",
        "products": "year.accounting.products",
        "orders": "year.accounting.orders",
    }
    modules = {}
    for name, metadata in found.items():
        (reference,) = metadata["dagster/code_references"].code_references
        assert "def run(session" in Path(reference.file_path).read_text("utf-8")
        modules[name] = Path(reference.file_path).stem
    assert modules["orders"] == "documents"
    for name in ("exports", "report"):
        (reference,) = (
            graph.get(dg.AssetKey(["shop", name])).metadata["dagster/code_references"].code_references
        )
        assert Path(reference.file_path).name == "files.py"


def test_freshness_follows_the_schedule(tmp_path: Path) -> None:
    """Three hours after the daily load begins, in the shop's zone; a shop that loads by hand is never late."""

    def policies(**settings: Any) -> set[dg.FreshnessPolicy | None]:
        workspace = make_workspace(tmp_path, **settings)
        graph = exchange_definitions([workspace.profile], workspace.settings).resolve_asset_graph()
        return {graph.get(dg.AssetKey(["shop", name])).freshness_policy for name in STAGE_NAMES}

    (policy,) = policies(schedule={"daily_at": "20:59"})
    assert isinstance(policy, type(dg.FreshnessPolicy.cron("0 0 * * *", timedelta(hours=1))))
    assert (policy.deadline_cron, policy.lower_bound_delta, policy.timezone) == (
        "59 23 * * *", timedelta(hours=3), "Europe/Kyiv",
    )  # fmt: skip
    assert policies(schedule={"enabled": False}) == {None}


def test_the_launchpad_shows_every_field(workspace: Workspace) -> None:
    """What can be chosen for an export or a report stands there, with its default."""
    definitions = exchange_definitions([workspace.profile], workspace.settings)
    shown = {
        name: (definitions.resolve_job_def(f"shop_{name}").run_config or {})["ops"][f"shop__{name}"]["config"]
        for name in ("exports", "report")
    }
    assert shown == {
        "exports": {
            "period_from": None,
            "period_to": None,
            "format": "xlsx",
            "organisation": None,
            "decided_by": "order",
            "stages": [],
            "since_last": False,
            "dry_run": False,
        },
        "report": {"period_from": None, "period_to": None, "language": "profile"},
    }


def test_a_run_that_writes_files_shows_its_period(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """Like the loads: in the list of runs one sees which days were exported."""
    assert run_job(workspace, instance, "load", Period(date(2026, 3, 2), date(2026, 3, 2))).success
    definitions = exchange_definitions([workspace.profile], workspace.settings)
    days = {"period_from": "2026-03-01", "period_to": "2026-03-02"}
    for name in ("exports", "report"):
        result = definitions.resolve_job_def(f"shop_{name}").execute_in_process(
            instance=instance, run_config={**QUIET, "ops": {f"shop__{name}": {"config": days}}}
        )
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        assert run.tags[PERIOD_TAG] == "2026-03-01 to 2026-03-02"


def test_a_code_location_of_somebody_else_keeps_its_own(tmp_path: Path) -> None:
    """As Dagster loads it from a file: the exchange and their asset, with an executor of theirs."""
    (tmp_path / "shop.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n", "utf-8")
    file = tmp_path / "theirs.py"
    file.write_text(
        """\
import dagster as dg
from keycrm_pipeline.orchestration import exchange_definitions

@dg.asset(deps=[["shop", "orders"]])
def mine() -> None: ...

defs = dg.Definitions.merge(
    exchange_definitions(), dg.Definitions(assets=[mine], executor=dg.multiprocess_executor)
)
""",
        "utf-8",
    )
    listed = subprocess.run(
        [sys.executable, "-m", "dagster", "asset", "list", "-f", str(file)],
        env={**os.environ, "KEYCRM_PROFILES_DIR": str(tmp_path), "DAGSTER_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"mine", "shop/orders", "shop/exports"} <= set(listed)


def test_a_run_loads_its_own_profile_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a hundred shops, each run would otherwise build those of all others before it begins."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    for name in ("shop", "shop_two", "other"):
        (profiles / f"{name}.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n", "utf-8")
    monkeypatch.setenv("KEYCRM_PROFILES_DIR", str(profiles))
    monkeypatch.setenv("KEYCRM_DATA_DIR", str(tmp_path / "data"))
    loaded: list[set[str]] = []

    class CodeLocation(ReconstructableRepository):
        """Ours, asked for by Dagster as in the process that was started for a run."""

        def get_definition(self) -> dg.RepositoryDefinition:
            repository = definitions._code_location().get_repository_def()
            loaded.append({key.path[0] for key in repository.asset_graph.get_all_asset_keys()})
            return repository

    def profiles_of_a_run(job: str, *assets: str, checked: str | None = None) -> set[str]:
        loaded.clear()
        # Dagster first loads the definitions and then sees that the run is not to be executed.
        run = dg.DagsterRun(
            job_name=job,
            status=dg.DagsterRunStatus.CANCELED,
            asset_selection=frozenset(dg.AssetKey([name, "orders"]) for name in assets) or None,
            asset_check_selection=None
            if checked is None
            else frozenset({dg.AssetCheckKey(dg.AssetKey([checked, "orders"]), "totals")}),
        )
        # Dagster remembers what it has loaded, by these names.
        location = CodeLocation(ModuleCodePointer("a_run", run.run_id))
        with dg.DagsterInstance.ephemeral() as instance:
            instance.add_run(run)
            list(core_execute_run(ReconstructableJob(location, job), run, instance, inject_env_vars=False))
        (found,) = loaded
        return found

    assert profiles_of_a_run("other_load") == {"other"}
    assert profiles_of_a_run("shop_changes") == {"shop"}
    # Whose job it is cannot be told from the name; both are few.
    assert profiles_of_a_run("shop_two_changes") == {"shop", "shop_two"}
    # A backfill, a run that was started from assets, or one of checks, which may be of several profiles.
    assert profiles_of_a_run("__ASSET_JOB", "shop") == {"shop"}
    assert profiles_of_a_run("__ASSET_JOB", "shop", checked="other") == {"shop", "other"}
    assert profiles_of_a_run("__ASSET_JOB", checked="shop_two") == {"shop_two"}
    assert profiles_of_a_run("__ASSET_JOB") == {"shop", "shop_two", "other"}
    monkeypatch.setenv("KEYCRM_PROFILES", "shop_two,other")
    assert profiles_of_a_run("__ASSET_JOB") == {"shop_two", "other"}
    assert profiles_of_a_run("shop_two_changes") == {"shop_two"}
    # The page and the sensors are for all of them.
    everything = definitions._code_location().get_repository_def().asset_graph.get_all_asset_keys()
    assert {key.path[0] for key in everything} == {"shop_two", "other"}


def test_the_code_location_cannot_be_imported_by_a_name() -> None:
    """Imported into somebody's module, Dagster would load it instead of their own definitions, without a word."""
    from keycrm_pipeline.orchestration import definitions

    lazy = type(dg.definitions(lambda: dg.Definitions()))
    names = [name for name, value in vars(definitions).items() if isinstance(value, lazy)]
    assert names == ["_code_location"]


def test_profiles_are_chosen_by_name_or_given(tmp_path: Path) -> None:
    """Two of three; and a name that does not exist is an error at once, not a missing asset."""
    settings = Settings(tmp_path, tmp_path / "data")
    for name in ("one", "two", "three"):
        (tmp_path / f"{name}.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n", "utf-8")
    given = make_workspace(tmp_path, name="given").profile
    graph = exchange_definitions(["one", "two", given], settings).resolve_asset_graph()
    assert {key.path[0] for key in graph.get_all_asset_keys()} == {"one", "two", "given"}
    assert order_days("one", settings) == order_days(given, settings)
    with pytest.raises(ProfileError, match="there is no such file"):
        exchange_definitions(["fourth"], settings)


HOSTILE = {
    "alias.yaml": b"start_date: 2024-01-01\nauthor: &a [*a]\n",
    "digits.yaml": b"start_date: 2024-01-01\naccount: " + b"9" * 4300 + b"\n",
    "far.yaml": b"start_date: 9999-12-31\n",
    "home.yaml": b"start_date: 2024-01-01\ndatabase: ~nosuchuser/x\n",
    "nul.yaml": b'start_date: 2024-01-01\ndatabase: "a\\0b"\n',
    "owner.yaml": b"start_date: 2024-01-01\nowners: [a@b.c]\n",
    "surrogate.yaml": b'start_date: 2024-01-01\nowners: ["team:\\ud800"]\n',
    "twice.yaml": b"author: 3\n",
    "twice.yml": b"author: 3\n",
    os.fsdecode(b"\xff.yaml"): b"start_date: 2024-01-01\n",
    "a\nb.yaml": b"",
}
"""Files of which each once stopped all profiles, or could."""


def test_no_file_stops_the_other_profiles(tmp_path: Path) -> None:
    """Dagster shows what is wrong with each, and the assets of the good profile."""
    directory = tmp_path / "profiles"
    directory.mkdir()
    places = Settings(directory, tmp_path / "data")
    (directory / "shop.yaml").write_text("start_date: 2024-01-01\n")
    for name, content in HOSTILE.items():
        (directory / name).write_bytes(content)
    profiles, refused = load_profiles(places)
    assert [profile.name for profile in profiles] == ["shop"]
    assert len(refused) == len(HOSTILE)
    definitions = build_definitions(profiles, places, refused)
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.get_repository_def().asset_graph
    assert dg.AssetKey(["shop", "orders"]) in graph.get_all_asset_keys()
    shown = {
        key.path[1]: graph.get(key).description or ""
        for key in graph.get_all_asset_keys()
        if key.path[0] != "shop"
    }
    assert sorted(shown) == [
        "?", "a\nb", "alias", "digits", "far", "home", "nul", "owner", "surrogate", "twice",
    ]  # fmt: skip
    for said in shown.values():
        assert "cannot be used" in said
        said.encode("utf-8")
    assert "twice.yml" in shown["twice"]
    assert "twice.yaml" in shown["twice"]
