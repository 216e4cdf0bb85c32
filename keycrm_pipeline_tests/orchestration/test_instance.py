"""The Dagster instance: its location and settings, and runs whose process died.

Covers `keycrm_pipeline.orchestration.instance` and `dagster.yaml`, with a real instance and real processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.dagster_internals import make_pools_known
from keycrm_pipeline.orchestration.instance import (
    end_dead_runs,
    open_instance,
    prepare_dagster_home,
    shipped_configuration,
)
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets, command_tags
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Settings, Workspace, dagster_home
from keycrm_pipeline_tests.orchestration.shop import run_job
from keycrm_pipeline_tests.product import script_at_work

DAY = date(2026, 3, 28)

_WORK = """
import sys
from pathlib import Path
from keycrm_pipeline.run.marks import marked
from keycrm_pipeline_tests.product import script_at_work
with marked(Path(sys.argv[1]), sys.argv[2]):
    print("works", flush=True)
    sys.stdin.read()
"""


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def some_job() -> None:
    """Has a step, so that runs of it can be created."""
    nothing()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "profiles", tmp_path / "data")


def process_of(settings: Settings, run_id: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """A process that does the work of a run with these data until it is killed."""
    return script_at_work(_WORK, str(settings.marks_directory), run_id, says="works")


def _run(
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.STARTED,
) -> str:
    return instance.create_run_for_job(some_job, status=status, tags=tags).run_id


def _status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_the_instance_lives_in_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without DAGSTER_HOME, the whole history would be lost at the end of the command."""
    monkeypatch.chdir(tmp_path)
    assert dagster_home({}) == tmp_path / ".dagster_home"
    assert dagster_home({"DAGSTER_HOME": ""}) == tmp_path / ".dagster_home"
    assert dagster_home({"DAGSTER_HOME": "/srv/dagster"}) == Path("/srv/dagster")


def test_dagster_takes_the_shipped_settings(home: Path) -> None:
    """A setting that Dagster does not know, or interprets differently, would stop the page or block a queue."""
    with open_instance() as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert instance.run_monitoring_max_runtime_seconds > 0
        assert instance.run_monitoring_settings["free_slots_after_run_end_seconds"] > 0
        assert instance.run_retries_enabled
        # A run that was interrupted three times still continues automatically.
        assert instance.run_retries_max_retries > 3
        assert not instance.run_retries_retry_on_asset_or_op_failure
        coordinator = instance.run_coordinator
        assert isinstance(coordinator, dg.QueuedRunCoordinator)
        assert coordinator.dequeue_interval_seconds == 1
        # A day without the code location fails none of the runs that wait for it.
        settings = coordinator.get_run_queue_config()
        assert settings.max_user_code_failure_retries * settings.user_code_failure_retry_delay >= 24 * 60 * 60
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        # The demo shop and some real ones must not wait for each other.
        assert queue.max_concurrent_runs >= 4
        assert list(queue.tag_concurrency_limits) == [
            {"key": "keycrm/profile", "value": {"applyLimitPerUniqueValue": True}, "limit": 1}
        ]
        assert instance.root_directory == str(home)


def test_the_instance_is_for_its_owner_only(home: Path) -> None:
    """The history of runs shows a shop's business to anyone who can read it."""
    with open_instance():
        assert stat.S_IMODE(home.stat().st_mode) == 0o700


def _open_a_new_home(home: str, together: Any, results: Any) -> None:
    os.environ["DAGSTER_HOME"] = home
    together.wait()
    try:
        with open_instance() as instance:
            results.put(str(instance.get_runs_count()))
    except Exception as error:  # noqa: BLE001 - any error is reported to the test
        results.put(f"{type(error).__name__}: {error}")


def test_commands_that_start_together_create_one_home(home: Path) -> None:
    """The first loads of two shops start at the same time: Dagster's files are created once, and no load fails."""
    # Processes that have imported everything start at the same time; with five, the error occurred nearly always.
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    together, results = processes.Barrier(5), processes.Queue()
    started = [
        processes.Process(target=_open_a_new_home, args=(str(home), together, results)) for _ in range(5)
    ]
    for process in started:
        process.start()
    assert [results.get(timeout=60) for _ in started] == ["0"] * 5
    for process in started:
        process.join()
    assert (home / "dagster.yaml").read_bytes() == shipped_configuration().read_bytes()


def test_an_unedited_copy_follows_the_shipped_settings(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade new settings take effect, but a person's own settings are never overwritten."""
    shipped = tmp_path / "dagster.yaml"
    shipped.write_text("telemetry: {enabled: false}\n", "utf-8")
    monkeypatch.setattr("keycrm_pipeline.orchestration.instance.shipped_configuration", lambda: shipped)
    copy = home / "dagster.yaml"
    prepare_dagster_home(home)
    assert copy.read_text("utf-8") == "telemetry: {enabled: false}\n"
    shipped.write_text("nux: {enabled: false}\n", "utf-8")
    prepare_dagster_home(home)
    assert copy.read_text("utf-8") == "nux: {enabled: false}\n"
    copy.write_text("# mine\n", "utf-8")
    shipped.write_text("telemetry: {enabled: false}\n", "utf-8")
    prepare_dagster_home(home)
    assert copy.read_text("utf-8") == "# mine\n"


def test_existing_settings_are_left_alone(home: Path) -> None:
    """A home of another Dagster installation keeps its settings."""
    home.mkdir()
    (home / "dagster.yaml").write_text("# theirs\n", "utf-8")
    prepare_dagster_home(home)
    assert (home / "dagster.yaml").read_text("utf-8") == "# theirs\n"
    assert shipped_configuration().read_text("utf-8") != "# theirs\n"


def test_a_living_run_continues(instance: dg.DagsterInstance, settings: Settings) -> None:
    """Starting the page does not end a load that a command is running."""
    run_id = _run(instance, command_tags())
    with process_of(settings, run_id):
        assert end_dead_runs(instance, settings) == []
        assert end_dead_runs(instance, settings, at_start_of_page=True) == []
        assert _status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_run_that_was_killed_before_it_started_is_ended(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    """In a simulated year two commands died so, and the changes sensor then waited for them for months."""
    run_id = _run(instance, command_tags(), dg.DagsterRunStatus.NOT_STARTED)
    with process_of(settings, run_id) as process:
        assert end_dead_runs(instance, settings) == []
        process.kill()
        process.wait()
        assert end_dead_runs(instance, settings) == [run_id]
        assert _status(instance, run_id) == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("is_collected", [True, False])
def test_a_killed_run_is_ended(instance: dg.DagsterInstance, settings: Settings, is_collected: bool) -> None:
    """A load killed with -9 remains `started` in Dagster and would block its profile's queue for ever."""
    run_id = _run(instance, command_tags())
    with process_of(settings, run_id) as process:
        os.kill(process.pid, signal.SIGKILL)
        if is_collected:
            process.wait()
        else:
            # A zombie, as in a container without an init process.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert end_dead_runs(instance, settings) == [run_id]
        assert _status(instance, run_id) == dg.DagsterRunStatus.FAILURE
        messages = [
            entry.message
            for entry in instance.all_logs(run_id)
            if "process no longer exists" in entry.message
        ]
        assert len(messages) == 1
        assert end_dead_runs(instance, settings) == []


def test_a_run_that_was_stopping_when_it_was_killed_is_canceled(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    run_id = _run(instance, {}, dg.DagsterRunStatus.CANCELING)
    with process_of(settings, run_id) as process:
        process.kill()
        process.wait()
        assert end_dead_runs(instance, settings) == [run_id]
        assert _status(instance, run_id) == dg.DagsterRunStatus.CANCELED


def test_a_run_that_reported_its_end_and_was_killed_then_keeps_its_outcome(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    """Its process had recorded the end already; nothing is left of it afterwards."""
    run_id = _run(instance, {}, dg.DagsterRunStatus.SUCCESS)
    with process_of(settings, run_id) as process, process_of(settings, "never-created") as other:
        for each in (process, other):
            each.kill()
            each.wait()
        assert end_dead_runs(instance, settings) == []
        assert _status(instance, run_id) == dg.DagsterRunStatus.SUCCESS
        assert list(settings.marks_directory.iterdir()) == []


def test_runs_of_another_host_go_on(instance: dg.DagsterInstance, settings: Settings, tmp_path: Path) -> None:
    """Two hosts with data of their own share Dagster's storage: what starts on one ends nothing on the other.

    That holds for a run that works, one that is starting, and one whose process is dead, which the other host ends.
    """
    theirs = Settings(settings.profiles_directory, tmp_path / "other-host")
    works, killed, launched = (_run(instance, tags) for tags in (command_tags(), {}, {}))
    starting = _run(instance, {}, dg.DagsterRunStatus.STARTING)
    with process_of(theirs, works), process_of(theirs, killed) as process:
        process.kill()
        process.wait()
        assert end_dead_runs(instance, settings, at_start_of_page=True) == []
        assert end_dead_runs(instance, theirs, at_start_of_page=True) == [killed]
    assert _status(instance, works) == dg.DagsterRunStatus.STARTED
    assert _status(instance, launched) == dg.DagsterRunStatus.STARTED
    assert _status(instance, starting) == dg.DagsterRunStatus.STARTING


def test_runs_of_an_earlier_page_are_ended_at_the_next_start(home: Path, settings: Settings) -> None:
    """The history is this machine's own: after everything was killed, no run that its daemon launched is alive.

    While the page runs, one without a mark may be starting, or be of assets of somebody's own.
    """
    with open_instance() as instance:
        started = _run(instance, {})
        starting = _run(instance, {}, dg.DagsterRunStatus.STARTING)
        canceling = _run(instance, {}, dg.DagsterRunStatus.CANCELING)
        waiting = _run(instance, {}, dg.DagsterRunStatus.NOT_STARTED)
        succeeded = _run(instance, {}, dg.DagsterRunStatus.SUCCESS)
        command = _run(instance, command_tags())
        assert end_dead_runs(instance, settings) == []
        ended = end_dead_runs(instance, settings, at_start_of_page=True)
        assert set(ended) == {started, starting, canceling}
        assert _status(instance, started) == dg.DagsterRunStatus.FAILURE
        assert _status(instance, starting) == dg.DagsterRunStatus.FAILURE
        assert _status(instance, canceling) == dg.DagsterRunStatus.CANCELED
        assert _status(instance, waiting) == dg.DagsterRunStatus.NOT_STARTED
        assert _status(instance, succeeded) == dg.DagsterRunStatus.SUCCESS
        assert _status(instance, command) == dg.DagsterRunStatus.STARTED
    assert home.exists()


def test_every_run_of_a_profile_is_marked_while_it_works(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a sync that waits for another exchange, an export, a report and the checks, which hold no lock."""
    marks = workspace.settings.marks_directory
    seen: list[list[str]] = []
    under_way = ProfileAssets.under_way

    @contextlib.contextmanager
    def watched(assets: ProfileAssets, run: dg.DagsterRun) -> Iterator[None]:
        with under_way(assets, run):
            seen.append([path.name for path in marks.iterdir()])
            yield

    monkeypatch.setattr(ProfileAssets, "under_way", watched)
    # Of an older day, the changes would be those of all the months since.
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    runs = [
        run_job(workspace, instance, "load", Period(yesterday, yesterday)),
        *(run_job(workspace, instance, job) for job in ("changes", "checks", "exports", "report")),
    ]
    assert all(run.success for run in runs)
    checks_of_the_load = [runs[0].run_id] * (len(seen) - len(runs))
    assert [each for (each,) in seen] == [
        runs[0].run_id,
        *checks_of_the_load,
        *(run.run_id for run in runs[1:]),
    ]
    assert list(marks.iterdir()) == []


def test_slots_of_an_ended_run_are_freed(home: Path, settings: Settings) -> None:
    """A profile's pool has one slot: if a dead run kept it, the next load would wait for ever."""
    with open_instance() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots("keycrm_shop", 1)
        run_id = _run(instance, command_tags())
        storage.claim_concurrency_slot("keycrm_shop", run_id, "shop__orders")
        assert storage.get_concurrency_info("keycrm_shop").active_slot_count == 1
        with process_of(settings, run_id) as process:
            process.kill()
            process.wait()
            assert end_dead_runs(instance, settings) == [run_id]
        assert storage.get_concurrency_info("keycrm_shop").active_slot_count == 0
    assert home.exists()


def test_the_first_runs_of_a_profile_wait_for_each_other(home: Path) -> None:
    """A pool has its single slot before the daemon looks at the queue; a limit that a person set is kept."""
    with open_instance() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots("keycrm_other", 3)
        make_pools_known(instance, ["keycrm_shop", "keycrm_other"])
        make_pools_known(instance, ["keycrm_shop"])
        assert storage.get_concurrency_keys() == {"keycrm_shop", "keycrm_other"}
        assert storage.get_concurrency_info("keycrm_shop").slot_count == 1
        assert storage.get_concurrency_info("keycrm_other").slot_count == 3
    assert home.exists()


def test_the_daemon_does_not_retry_the_run_of_a_killed_command(home: Path, settings: Settings) -> None:
    """The person who ran the command sees that it died; Dagster cannot launch such a run again."""
    with open_instance() as instance:
        run_id = _run(instance, command_tags())
        launched = _run(instance, {})
        with process_of(settings, run_id) as process:
            process.kill()
            process.wait()
            end_dead_runs(instance, settings, at_start_of_page=True)
        run, other = instance.get_run_by_id(run_id), instance.get_run_by_id(launched)
        assert run is not None
        assert other is not None
        assert run.tags["dagster/will_retry"] == "false"
        assert other.tags["dagster/will_retry"] == "true"
    assert home.exists()


def test_half_a_configuration_of_a_killed_process_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that died while it copied `dagster.yaml` leaves nothing; one that is at work is not disturbed."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    killed = tmp_path / "dagster.yaml.4194305.part"
    working = tmp_path / f"dagster.yaml.{os.getppid()}.part"
    for part in (killed, working):
        part.write_text("telem", "ascii")
    with open_instance():
        assert not killed.exists()
        assert working.exists()
