"""What a person waits for: whole commands, each next to a floor that is measured alternately with it.

CPU seconds are those of the process and its children, user and system together: on a shared machine they vary less
than the time that passes. Usage: python -m keycrm_pipeline_tests.benchmarks.waiting NAME DIRECTORY [ARGUMENT ...].
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Any

from keycrm_pipeline_tests.benchmarks.generator import orders_of_days
from keycrm_pipeline_tests.benchmarks.measurements import environment_of

ROUNDS = 5
COMMAND = (sys.executable, "-m", "keycrm_pipeline.cli")
DAY = date(2026, 6, 30)
ORDERS_A_DAY = 50

EMPTY_JOB = """
import dagster as dg

@dg.op
def nothing(): ...

@dg.job(executor_def=dg.in_process_executor)
def empty():
    nothing()

quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
with dg.DagsterInstance.get() as instance:
    assert empty.execute_in_process(instance=instance, run_config=quiet).success
"""

OPEN_FILE = """
import sys
import duckdb

duckdb.connect(sys.argv[1], read_only=True).execute("SELECT 1").fetchall()
"""

DEFINITIONS_OF_A_RUN = """
import dagster as dg
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._grpc.impl import core_execute_run

run = dg.DagsterRun(job_name="bench_load", status=dg.DagsterRunStatus.CANCELED)
module = ModuleCodePointer("keycrm_pipeline.orchestration.definitions", "_code_location")
with dg.DagsterInstance.ephemeral() as instance:
    instance.add_run(run)
    job = ReconstructableJob(ReconstructableRepository(module), "bench_load")
    list(core_execute_run(job, run, instance, inject_env_vars=False))
"""
"""What a run's process does before its first step; Dagster then sees that the run is canceled."""


def cpu_seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """Runs a command and returns the CPU seconds that it took."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:6])} ended with {process.returncode}.")
    return used.ru_utime + used.ru_stime


def _alternately(commands: Mapping[str, tuple[Sequence[str], Mapping[str, str]]]) -> dict[str, float]:
    """Name -> median CPU seconds of a command, each run in turn with the others after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _round in range(ROUNDS + 1):
        for name, (command, variables) in commands.items():
            seconds[name].append(cpu_seconds(command, variables))
    return {name: round(median(each[1:]), 3) for name, each in seconds.items()}


@contextmanager
def shop(
    directory: Path, requests_per_minute: int, *, days: int = 1, first_day: date = DAY
) -> Iterator[dict[str, str]]:
    """The environment of commands for a shop with 50 orders on each day, whose server answers at once."""
    from keycrm_pipeline.sandbox.server import SandboxServer
    from keycrm_pipeline_tests.editable_shop import EditableShop
    from keycrm_pipeline_tests.scripted_api import ScriptedApi

    account = EditableShop.empty(lambda: datetime(2026, 7, 1, 9, tzinfo=UTC))
    for of_a_day in orders_of_days(first_day, days, ORDERS_A_DAY):
        for payload in of_a_day:
            account.add_order(payload)
    with SandboxServer(ScriptedApi(account, requests_per_minute=1000)) as server:
        profile = (
            f"base_url: {server.url}\nstart_date: 2023-01-01\ndefault_partner: Покупець\n"
            f"requests_per_minute: {requests_per_minute}\n"
        )
        with environment_of(directory, profile) as variables:
            yield variables


def load_of_a_day(directory: Path) -> dict[str, Any]:
    """CPU seconds of a load of one day of 50 orders, and of an empty job of Dagster in the same home."""
    with shop(directory / "day", 600) as variables:
        load = (*COMMAND, "load", "--from", str(DAY), "--to", str(DAY), "--json")
        return _alternately(
            {"floor": ((sys.executable, "-c", EMPTY_JOB), variables), "load": (load, variables)}
        )


def answers(directory: Path) -> dict[str, Any]:
    """CPU seconds of `status` and `review`, and of opening the same file with DuckDB; after `load_of_a_day`."""
    with shop(directory / "day", 600) as variables:
        file = Path(variables["KEYCRM_DATA_DIR"]) / "bench.duckdb"
        return _alternately(
            {
                "floor": ((sys.executable, "-c", OPEN_FILE, str(file)), variables),
                "status": ((*COMMAND, "status"), variables),
                "review": ((*COMMAND, "review"), variables),
            }
        )


def check(directory: Path) -> dict[str, Any]:
    """Seconds that `check` takes with an unused budget of 20 requests a minute."""
    with shop(directory / "check", 20) as variables:
        started = time.perf_counter()
        subprocess.run((*COMMAND, "check"), env=variables, check=False, capture_output=True)
        return {"seconds": time.perf_counter() - started}


def definitions_of_a_run(directory: Path, few: int, many: int) -> dict[str, Any]:
    """CPU seconds until a run's process has its job, with few and with many profiles."""
    text = "base_url: sandbox\nstart_date: 2023-01-01\n"
    commands = {}
    for name, profiles in (("few", few), ("many", many)):
        with environment_of(directory / f"run_{name}", text) as variables:
            for number in range(1, profiles):
                (Path(variables["KEYCRM_PROFILES_DIR"]) / f"bench{number}.yaml").write_text(text, "utf-8")
            commands[name] = ((sys.executable, "-c", DEFINITIONS_OF_A_RUN), variables)
    return {"profiles": many, **_alternately(commands)}


MEASUREMENTS: dict[str, Callable[..., dict[str, Any]]] = {
    function.__name__: function for function in (load_of_a_day, answers, check, definitions_of_a_run)
}


if __name__ == "__main__":
    print(json.dumps(MEASUREMENTS[sys.argv[1]](Path(sys.argv[2]), *map(int, sys.argv[3:]))))
