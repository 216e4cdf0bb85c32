"""Ctrl-C in the first seconds of a command, while it imports: real processes, interrupted at a known import."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.commands.up import Services, StopAskedError, StopRequest, run_everything
from keycrm_pipeline.stopping import STOP_SIGNALS
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, free_port

pytestmark = pytest.mark.process

LOAD = ("load", "--from", "2026-03-02", "--to", "2026-03-02")
STOPPED = "Error: Stopped by hand. What was stored is safe."


def interrupted(directory: Path, arguments: tuple[str, ...], module: str) -> tuple[int, str, list[str]]:
    """Exit code, output and the errors of a command that gets Ctrl-C when it has just imported a module.

    Python itself says on the error stream what it has imported.
    """
    profiles = directory / "profiles"
    profiles.mkdir()
    (profiles / "shop.yaml").write_text("base_url: sandbox\nstart_date: 2026-01-01\n", "utf-8")
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "keycrm_pipeline", *arguments],
        cwd=directory,
        env={
            **os.environ,
            "KEYCRM_DATA_DIR": str(directory / "data"),
            "DAGSTER_HOME": str(directory / "home"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        seen = []
        for line in process.stderr:
            seen.append(line)
            if line.rsplit("|", 1)[-1].strip() == module:
                process.send_signal(signal.SIGINT)
                break
        output, rest = process.communicate(timeout=PATIENCE_SECONDS)
        seen += rest.splitlines(keepends=True)
    said = [line.rstrip() for line in seen if line.strip() and not line.startswith("import time:")]
    return process.returncode, output, said


@pytest.mark.parametrize(
    ("arguments", "module"),
    [
        (("status",), "click.core"),
        (("status",), "pydantic_core"),
        (("status",), "keycrm_pipeline.profile.models"),
        (LOAD, "yaml"),
        (LOAD, "dagster._core.errors"),
        (LOAD, "dagster._core.definitions.decorators"),
        (("check",), "pydantic"),
    ],
)
def test_ctrl_c_during_an_import_is_a_stop(tmp_path: Path, arguments: tuple[str, ...], module: str) -> None:
    """It ended with a traceback, or was swallowed and the command went on."""
    code, output, said = interrupted(tmp_path, arguments, module)
    assert (code, output, said) == (130, "", [STOPPED])


@pytest.mark.parametrize(
    "module", ["keycrm_pipeline.commands.up", "dagster._core.errors", "dagster._core.instance"]
)
def test_a_start_that_is_stopped_in_its_first_seconds(tmp_path: Path, module: str) -> None:
    """It ended with 0, as if it had been asked for nothing; what it says depends on how far it was."""
    code, output, said = interrupted(tmp_path, ("up", "--port", str(free_port())), module)
    assert code == 130, (output, said)
    assert said == [STOPPED] or (said, output.splitlines()[-1]) == ([], "Stopped.")


@pytest.fixture
def stop() -> Iterator[StopRequest]:
    """This process is stopped as the product is."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    asked = StopRequest()
    asked.take_signals()
    yield asked
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_stop_of_the_product_that_a_library_swallows_counts_later(stop: StopRequest) -> None:
    """One in hundreds of starts that were stopped went on; only killing ended it."""
    stop.raise_if_asked()
    with contextlib.suppress(StopAskedError):
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StopAskedError, match="SIGTERM"):
        stop.raise_if_asked()


@pytest.mark.usefixtures("stop")
def test_a_stop_as_signals_are_taken_over_is_a_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a busy machine Ctrl-C in the first second ended with a traceback."""
    take_signals = StopRequest.take_signals

    def take_one(request: StopRequest) -> None:
        take_signals(request)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(StopRequest, "take_signals", take_one)
    run_everything(free_port())
    assert capsys.readouterr().out == "Stopped.\n"


@pytest.mark.usefixtures("stop")
def test_a_stop_while_a_service_is_started_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The daemon ran on after one in a hundred such stops, and held up the next start."""
    started = []

    class Stopped(subprocess.Popen[bytes]):
        def __init__(self, *values: Any, **named: Any) -> None:
            super().__init__(*values, **named)
            started.append(self)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(subprocess, "Popen", Stopped)
    with (tmp_path / "lock").open("w", encoding="ascii") as lock:
        services = Services(lock, os.environ)
        with pytest.raises(StopAskedError):
            services.start("The daemon", ["sleep", "600"])
        services.stop()
    (service,) = started
    assert service.poll() == -signal.SIGTERM


@pytest.mark.parametrize("module", ["click.core", "keycrm_pipeline.orchestration.launch"])
def test_what_the_product_stops_does_not_call_it_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Ctrl-C during the first `make run` told of a load that somebody had stopped, as if that were a mistake."""
    monkeypatch.setenv("KEYCRM_STARTED_BY_UP", "true")
    assert interrupted(tmp_path, ("demo",), module) == (130, "", [])


@pytest.mark.parametrize("module", ["click.core", "dagster._core.errors"])
def test_a_program_reads_it_as_json(tmp_path: Path, module: str) -> None:
    """With the keys that it expects of a load."""
    code, output, said = interrupted(tmp_path, (*LOAD, "--json"), module)
    assert (code, said) == (130, [])
    printed = json.loads(output)
    assert printed["status"] == "failed"
    assert "Stopped by hand" in printed["error"]
    assert "orders_seen" in printed
