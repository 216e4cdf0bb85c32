"""The Dagster instance: its location and settings, and runs whose process died.

Covers `keycrm_pipeline.orchestration.instance` and `dagster.yaml`, with a real instance and real processes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.dagster_internals import make_pools_known
from keycrm_pipeline.orchestration.instance import (
    HOST_TAG,
    PROCESS_TAG,
    STARTED_TAG,
    end_orphaned_runs,
    open_instance,
    prepare_dagster_home,
    process_tags,
    shipped_configuration,
)
from keycrm_pipeline.profile import dagster_home

HOST = socket.gethostname()


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
def waiting_process() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


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


def test_a_run_of_a_living_command_continues(
    instance: dg.DagsterInstance, waiting_process: subprocess.Popen[bytes]
) -> None:
    """Starting the page does not end a load that a command is running."""
    run_id = _run(instance, process_tags(waiting_process.pid, HOST))
    assert end_orphaned_runs(instance) == []
    assert end_orphaned_runs(instance, at_start_of_page=True) == []
    assert _status(instance, run_id) == dg.DagsterRunStatus.STARTED


@pytest.mark.parametrize("is_collected", [True, False])
def test_a_run_of_a_killed_command_is_ended(
    instance: dg.DagsterInstance, waiting_process: subprocess.Popen[bytes], is_collected: bool
) -> None:
    """A load killed with -9 remains `started` in Dagster and would block its profile's queue for ever."""
    run_id = _run(instance, process_tags(waiting_process.pid, HOST))
    os.kill(waiting_process.pid, signal.SIGKILL)
    if is_collected:
        waiting_process.wait()
    else:
        # A zombie, as in a container without an init process.
        os.waitid(os.P_PID, waiting_process.pid, os.WEXITED | os.WNOWAIT)
    assert end_orphaned_runs(instance) == [run_id]
    assert _status(instance, run_id) == dg.DagsterRunStatus.FAILURE
    messages = [
        entry.message for entry in instance.all_logs(run_id) if "process no longer exists" in entry.message
    ]
    assert len(messages) == 1
    assert end_orphaned_runs(instance) == []


def test_a_run_is_ended_although_another_process_has_its_number(
    instance: dg.DagsterInstance, waiting_process: subprocess.Popen[bytes]
) -> None:
    """After a restart of the machine or the container, the number belongs to another process."""
    tags = process_tags(waiting_process.pid, HOST)
    since_boot = float(tags[STARTED_TAG])
    earlier = _run(instance, {**tags, STARTED_TAG: f"{since_boot - 0.01:.2f}"})
    before_restart = _run(instance, {**tags, STARTED_TAG: f"{since_boot + 86_400:.2f}"})
    same = _run(instance, tags)
    assert set(end_orphaned_runs(instance)) == {earlier, before_restart}
    assert _status(instance, same) == dg.DagsterRunStatus.STARTED


def test_runs_of_another_machine_are_left_alone(instance: dg.DagsterInstance) -> None:
    """It is unknown here whether a process on another machine is alive."""
    run_id = _run(instance, {PROCESS_TAG: "1", HOST_TAG: f"not-{HOST}"})
    assert end_orphaned_runs(instance, at_start_of_page=True) == []
    assert _status(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_tag_that_is_not_a_process_counts_as_ended(instance: dg.DagsterInstance) -> None:
    """Tags can be edited on the page; an invalid one must not prevent the start."""
    tagged = [
        _run(instance, {PROCESS_TAG: number, HOST_TAG: HOST}) for number in ("x", "-1", "0", "9999999999")
    ]
    assert set(end_orphaned_runs(instance)) == set(tagged)


def test_runs_of_an_earlier_page_are_ended_only_at_the_next_start(instance: dg.DagsterInstance) -> None:
    """While the page is running, its daemon's runs are alive; after everything was killed, none is."""
    started = _run(instance, {})
    starting = _run(instance, {}, dg.DagsterRunStatus.STARTING)
    canceling = _run(instance, {}, dg.DagsterRunStatus.CANCELING)
    waiting = _run(instance, {}, dg.DagsterRunStatus.NOT_STARTED)
    succeeded = _run(instance, {}, dg.DagsterRunStatus.SUCCESS)
    assert end_orphaned_runs(instance) == []
    assert set(end_orphaned_runs(instance, at_start_of_page=True)) == {started, starting, canceling}
    assert _status(instance, started) == dg.DagsterRunStatus.FAILURE
    assert _status(instance, starting) == dg.DagsterRunStatus.FAILURE
    assert _status(instance, canceling) == dg.DagsterRunStatus.CANCELED
    assert _status(instance, waiting) == dg.DagsterRunStatus.NOT_STARTED
    assert _status(instance, succeeded) == dg.DagsterRunStatus.SUCCESS


def test_slots_of_an_ended_run_are_freed(home: Path, waiting_process: subprocess.Popen[bytes]) -> None:
    """A profile's pool has one slot: if a dead run kept it, the next load would wait for ever."""
    with open_instance() as instance:
        storage = instance.event_log_storage
        storage.set_concurrency_slots("keycrm_shop", 1)
        run_id = _run(instance, process_tags(waiting_process.pid, HOST))
        storage.claim_concurrency_slot("keycrm_shop", run_id, "shop__orders")
        assert storage.get_concurrency_info("keycrm_shop").active_slot_count == 1
        waiting_process.kill()
        waiting_process.wait()
        assert end_orphaned_runs(instance) == [run_id]
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


def test_the_daemon_does_not_retry_the_run_of_a_killed_command(
    home: Path, waiting_process: subprocess.Popen[bytes]
) -> None:
    """The person who ran the command sees that it died; Dagster cannot launch such a run again."""
    with open_instance() as instance:
        run_id = _run(instance, process_tags(waiting_process.pid, HOST))
        launched = _run(instance, {})
        waiting_process.kill()
        waiting_process.wait()
        end_orphaned_runs(instance, at_start_of_page=True)
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
