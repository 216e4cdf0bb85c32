"""Runs of a lake that died with their host: found by any other host, twice without their lock, and ended once."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.instance import end_dead_runs_of_lake
from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.warehouse.engines import catalog_lock, catalog_marks
from keycrm_pipeline.warehouse.engines.catalog_marks import abandoned, marked
from keycrm_pipeline.warehouse.errors import CatalogUnreachableError
from keycrm_pipeline_tests.lake.plain_lake import PlainLake
from keycrm_pipeline_tests.lake.test_catalog_lock import end_sessions
from keycrm_pipeline_tests.postgres import query
from keycrm_pipeline_tests.product import script_at_work, wait_until

pytestmark = pytest.mark.process

MARKS = "application_name LIKE 'keycrm mark %'"

_WORK = """
import sys
from pathlib import Path
from keycrm_pipeline.warehouse.engines.catalog_marks import marked
from keycrm_pipeline_tests.lake.plain_lake import PlainLake
with marked(PlainLake(sys.argv[1], Path(), "shop"), sys.argv[2]):
    print("works", flush=True)
    sys.stdin.read()
"""


def run_of_another_host(lake: PlainLake, run_id: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """A process that does the work of a run until its standard input is closed."""
    return script_at_work(_WORK, lake.catalog, run_id, says="works")


def marks(lake: PlainLake) -> list[tuple[str, bool]]:
    """The marked runs, and whether each was found without its lock."""
    return query(
        lake.catalog, 'SELECT run_id, missing_since IS NOT NULL FROM "shop".keycrm_runs ORDER BY run_id'
    )


def let_time_pass(lake: PlainLake, seconds: int) -> None:
    """As if runs that were found without their lock had been found so many seconds earlier."""
    query(
        lake.catalog,
        'UPDATE "shop".keycrm_runs SET missing_since = missing_since - make_interval(secs => %s)',
        [seconds],
    )


def kill(process: subprocess.Popen[str], lake: PlainLake) -> None:
    """Kills a run with -9, and waits until PostgreSQL has noticed that its session is gone."""
    process.kill()
    process.wait()
    sessions = f"SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND {MARKS}"  # noqa: S608
    wait_until(lambda: query(lake.catalog, sessions) == [], "the session has ended")


def test_a_run_is_alive_until_it_ends(lake: PlainLake) -> None:
    """It is never ended by others, and leaves nothing behind."""
    with run_of_another_host(lake, "run-1") as process:
        assert marks(lake) == [("run-1", False)]
        for _ in range(2):
            assert list(abandoned(lake)) == []
            let_time_pass(lake, 60)
        process.communicate("")
    assert marks(lake) == []


def test_a_killed_run_is_found_at_the_second_look(lake: PlainLake) -> None:
    """The first one might be in the seconds after PostgreSQL has been started again."""
    with run_of_another_host(lake, "run-1") as process:
        kill(process, lake)
    assert list(abandoned(lake)) == []
    assert marks(lake) == [("run-1", True)]
    let_time_pass(lake, 29)
    assert list(abandoned(lake)) == []
    let_time_pass(lake, 1)
    with marked(lake, "lives"):
        looks = abandoned(lake)
        assert next(looks) == "run-1"
        # Whoever looks at the same time does not report its end as well.
        assert list(abandoned(lake)) == []
        assert list(looks) == []
        assert list(abandoned(lake)) == []
        assert marks(lake) == [("lives", False)]


def test_a_run_whose_session_was_cut_takes_its_lock_again(
    lake: PlainLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL was started again, and the first look came before the run had noticed."""
    monkeypatch.setattr(catalog_marks, "LOOK_SECONDS", 0.1)
    with marked(lake, "run-1"):
        assert end_sessions(lake, MARKS) == 1
        query(lake.catalog, "UPDATE \"shop\".keycrm_runs SET missing_since = now() - INTERVAL '1 hour'")
        wait_until(lambda: marks(lake) == [("run-1", False)], "the run is marked again")
        assert list(abandoned(lake)) == []
    assert marks(lake) == []


def test_the_first_run_of_a_lake_is_marked_once_there_is_a_place_for_it(
    catalog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_marks, "LOOK_SECONDS", 0.1)
    lake = PlainLake(catalog, tmp_path / "lake")
    with pytest.raises(CatalogUnreachableError):
        list(abandoned(lake))
    with marked(lake, "run-1"), catalog_lock.held(lake, "run-1"):
        wait_until(lambda: marks(lake) == [("run-1", False)], "the run is marked")
    assert marks(lake) == []


def test_a_run_begins_and_ends_without_postgresql(lake: PlainLake) -> None:
    """What its work needs of PostgreSQL says so in words."""
    with marked(PlainLake(re.sub(r"port=\d+", "port=1", lake.catalog), lake.data), "run-1"):
        assert marks(lake) == []


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def some_job() -> None:
    """Has a step, so that runs of it can be created."""
    nothing()


def test_any_host_ends_a_run_whose_host_is_gone_with_its_disk(
    lake: PlainLake, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """It would block its profile until somebody presses "Terminate". Runs of other lakes and of files go on."""
    settings = Settings(
        tmp_path / "profiles", tmp_path / "empty-disk", lake_catalog=lake.catalog, lake_data=str(lake.data)
    )

    def ended(name: str, database: str | None) -> list[str]:
        profile = Profile.model_validate(
            {"name": name, "start_date": "2026-01-01", "default_partner": "Покупець", "database": database}
        )
        return end_dead_runs_of_lake(instance, Workspace(profile, settings))

    run_id = instance.create_run_for_job(some_job, status=dg.DagsterRunStatus.STARTED).run_id
    with run_of_another_host(lake, run_id) as process, run_of_another_host(lake, "of-another-dagster"):
        assert ended("shop", "lake") == []
        process.kill()
        process.wait()
        wait_until(lambda: ended("shop", "lake") == [] and (run_id, True) in marks(lake), "it is missed")
        let_time_pass(lake, 30)
        # A lake in which nothing has been stored, and a profile with a file.
        assert ended("other", "lake") == []
        assert ended("shop", None) == []
        assert ended("shop", "lake") == [run_id]
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status == dg.DagsterRunStatus.FAILURE
        assert marks(lake) == [("of-another-dagster", False)]


def test_a_run_that_could_not_be_ended_is_found_again(lake: PlainLake) -> None:
    """While Dagster's database cannot be reached, nothing is forgotten."""
    with run_of_another_host(lake, "run-1") as process:
        kill(process, lake)
    assert list(abandoned(lake)) == []
    let_time_pass(lake, 30)
    for run_id in abandoned(lake):
        assert run_id == "run-1"
        break
    assert list(abandoned(lake)) == ["run-1"]
