"""The whole product as `keycrm-pipeline up` starts it: page, daemon, code servers and runs, in its own directories.

What is not here: what a test does with it.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil

PROJECT = Path(__file__).resolve().parent.parent
AS_INSTALLED = Path(__file__).with_name("as_installed")
"""Modules that hide what only a developer has from the programs that tests start."""

PATIENCE_SECONDS = 300.0
"""Longest wait for anything: a busy machine needs most of it, and a hung product must not hang the tests."""

_POLL_SECONDS = 0.1


@contextlib.contextmanager
def script_at_work(script: str, *arguments: str, says: str) -> Iterator[subprocess.Popen[str]]:
    """A Python script in a process of its own, from the moment it prints a line until the block ends.

    Args:
        script: Its text.
        arguments: Its arguments.
        says: The line that it prints once it works.
    """
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{says}\n"
        yield process
        process.kill()


def free_port() -> int:
    """A port of this machine on which nothing listens, nor on the next one, which the exchange page has.

    Below those that the system gives to whoever asks for any: another test would be given one before it is used.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000, 2)
        with socket.socket() as probe, socket.socket() as beside, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            beside.bind(("127.0.0.1", port + 1))
            return port


def processes_of(home: Path) -> list[int]:
    """The processes whose environment names this DAGSTER_HOME, including children of children."""
    return [
        process.pid
        for process in psutil.process_iter(["environ", "status"])
        # The environment of other users' processes cannot be read.
        if (process.info["environ"] or {}).get("DAGSTER_HOME") == str(home)
        and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def kill_all_of(home: Path) -> None:
    """Kills all processes whose environment names this DAGSTER_HOME, like a power failure."""
    while alive := processes_of(home):
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Polls until a condition is true.

    Raises:
        AssertionError: It is still false after `PATIENCE_SECONDS`; the text contains `what`.
    """
    pause = threading.Event()
    for _ in range(int(PATIENCE_SECONDS / _POLL_SECONDS)):
        if condition():
            return
        pause.wait(_POLL_SECONDS)
    raise AssertionError(f"not true after {PATIENCE_SECONDS} seconds: {what}")


def wait_for_runs(instance: dg.DagsterInstance, said: Callable[[], str]) -> None:
    """Polls until every run has ended, for as long as runs begin and end: a long queue is no hung one.

    Args:
        instance: Of the runs.
        said: What the product has written to the terminal.

    Raises:
        AssertionError: No run began or ended for `PATIENCE_SECONDS`; the text is `said`, its cause names those left.
    """

    def unfinished() -> list[str]:
        runs = [run for run in instance.get_runs() if not run.is_finished]
        return [f"{run.job_name} {run.run_id}: {run.status.value}" for run in runs]

    def has_moved_on(before: list[str]) -> bool:
        return unfinished() != before

    while left := unfinished():
        try:
            wait_until(partial(has_moved_on, left), f"one of these begins or ends: {left}")
        except AssertionError as error:
            raise AssertionError(said()) from error


_LOADED = "query { repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"

_LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""

_BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""


def ask(address: str, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What Dagster's page at an address answers to a question of GraphQL."""
    response = httpx.post(
        f"{address}/graphql", json={"query": query, "variables": variables}, timeout=PATIENCE_SECONDS
    )
    answer: dict[str, Any] = response.json()
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data


def locations(address: str) -> int:
    """How many code locations Dagster's page at an address shows."""
    try:
        return len(ask(address, _LOADED, {})["repositoriesOrError"].get("nodes") or ())
    except httpx.TransportError:
        return 0


def launch_backfill(address: str, assets: Sequence[tuple[str, ...]], days: Sequence[str]) -> str:
    """Launches a backfill of some assets and days like Dagster's page at an address, and returns its id."""
    answer = ask(
        address,
        _BACKFILL,
        {
            "params": {
                "assetSelection": [{"path": list(path)} for path in assets],
                "partitionNames": list(days),
            }
        },
    )["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    return str(answer["backfillId"])


class Product:
    """The running product, and what a person does on the page.

    Args:
        home: DAGSTER_HOME.
        environment: Variables with the profiles and data directories and the key.
        python: The Python of an environment with the package, which then is started in the directory of `home`.
    """

    def __init__(self, home: Path, environment: Mapping[str, str], *, python: Path | None = None) -> None:
        self.home = home
        self._environment = {**os.environ, **environment, "DAGSTER_HOME": str(home)}
        self._python = str(python or sys.executable)
        self._directory = home.parent if python else None
        self._said = home.parent / "said"
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts everything and waits until the page shows the profiles."""
        self._port = free_port()
        with self._said.open("ab") as said:
            self._process = subprocess.Popen(
                [self._python, "-m", "keycrm_pipeline", "up", "--port", str(self._port)],
                cwd=self._directory,
                env=self._environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._shows_profiles, "the page shows the profiles")

    def _shows_profiles(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        return bool(locations(self.address))

    @property
    def address(self) -> str:
        """The address of Dagster's page."""
        return f"http://127.0.0.1:{self._port}"

    def said(self) -> str:
        """Everything written to the terminal so far, in all its starts."""
        return self._said.read_text("utf-8", errors="replace")

    def daemon(self) -> int:
        """The process id of the daemon."""
        # The command, the exchange page, Dagster's page, the daemon.
        return int((self.home / "running.lock").read_text("ascii").split()[3])

    def stop(self) -> None:
        """Presses Ctrl-C."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Kills all its processes, like a power failure."""
        kill_all_of(self.home)
        self.wait()

    def wait(self) -> int:
        """Waits until it has ended and returns the exit code."""
        if self._process is None:
            return 0
        return self._process.wait(PATIENCE_SECONDS)

    def _ask(self, query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        return ask(self.address, query, variables)

    def launch(self, job: str, tags: Mapping[str, str]) -> str:
        """Launches a job like the page's button and returns the id of the queued run."""
        answer = self._ask(
            _LAUNCH,
            {
                "params": {
                    "selector": {
                        "jobName": job,
                        "repositoryName": "__repository__",
                        "repositoryLocationName": "keycrm_pipeline",
                    },
                    "executionMetadata": {
                        "tags": [{"key": key, "value": value} for key, value in tags.items()]
                    },
                }
            },
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def backfill(self, assets: Sequence[tuple[str, ...]], days: Sequence[str]) -> str:
        """Launches a backfill of some assets and days like the page and returns its id."""
        return launch_backfill(self.address, assets, days)
