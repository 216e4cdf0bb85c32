"""Stopping an exchange: what counts as a stop, and what the log says whenever it comes."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, cast

import dagster as dg
import duckdb
import polars as pl
import pytest
from dagster._core.errors import raise_execution_interrupts

from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.run.errors import StoppedError, UnexpectedError
from keycrm_pipeline.run.session import Plan, open_session, open_warehouse
from keycrm_pipeline.stopping import each_once, is_stop, once, undisturbed
from keycrm_pipeline.warehouse import closing
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import Exchange, begin_exchange, end_exchange, last_exchange

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    profile = Profile.model_validate({"name": "shop", "start_date": "2026-01-01", "base_url": "sandbox"})
    return Workspace(profile, Settings(tmp_path, tmp_path))


def logged(workspace: Workspace) -> Exchange:
    """The newest row of the log."""
    with open_warehouse(workspace).reading() as connection:
        found = last_exchange(connection)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "interruption",
    [
        KeyboardInterrupt(),
        dg.DagsterExecutionInterruptedError(),
        duckdb.Error("DagsterExecutionInterruptedError: \n\nAt:\n  frames.py(43): read_frame"),
        duckdb.InterruptException("INTERRUPT Error: Interrupted!"),
        RuntimeError("Query interrupted"),
        pl.exceptions.ComputeError("KeyboardInterrupt: "),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_form_of_an_interruption_reads_stopped(
    workspace: Workspace, interruption: BaseException
) -> None:
    with pytest.raises(StoppedError), open_session(workspace, Plan("changes", "1")):
        raise interruption
    found = logged(workspace)
    assert (found.status, found.outcome, found.error) == ("failed", "stopped", str(StoppedError()))


def test_a_panic_of_a_library_is_no_stop(workspace: Workspace) -> None:
    """Polars raises its own faults past `Exception`; nobody stopped anything."""
    panic = pl.exceptions.PanicException("called `Option::unwrap()` on a `None` value")
    with pytest.raises(UnexpectedError), open_session(workspace, Plan("changes", "1")):
        raise panic
    assert logged(workspace).outcome == "failed"
    assert not is_stop(ValueError("Номер"))


def test_a_second_press_does_not_leave_an_exchange_that_seems_to_run(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop of the product reaches a run twice: by its group, and by Dagster, just as it writes that it stopped."""
    pressed = []

    def press_and_end(*values: Any, **named: Any) -> None:
        pressed.append("Ctrl-C")
        os.kill(os.getpid(), signal.SIGINT)
        end_exchange(*values, **named)

    monkeypatch.setattr("keycrm_pipeline.run.session.end_exchange", press_and_end)
    with pytest.raises((StoppedError, KeyboardInterrupt)), open_session(workspace, Plan("changes", "1")):
        raise KeyboardInterrupt
    assert pressed == ["Ctrl-C"]
    assert logged(workspace).outcome == "stopped"


def test_a_stop_as_the_row_is_written_stops_an_exchange_that_has_its_row(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:

    def press_and_begin(*values: Any, **named: Any) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return begin_exchange(*values, **named)

    monkeypatch.setattr("keycrm_pipeline.run.session.begin_exchange", press_and_begin)
    with pytest.raises(StoppedError), open_session(workspace, Plan("changes", "1")):
        pytest.fail("the exchange went on")
    assert logged(workspace).outcome == "stopped"


def test_what_is_undisturbed_ends_first() -> None:
    done = []

    def work() -> None:
        with undisturbed():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("written")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["written"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_stop_as_the_file_begins_to_close_is_written_down(workspace: Workspace) -> None:
    """The context manager never closed it: the log could not be written, and the next exchange called it killed."""

    def press_at_exit(frame: FrameType, event: str, _argument: Any) -> Any:
        asked_by = frame.f_back.f_code if frame.f_back else None
        if event == "call" and frame.f_code.co_name == "__exit__" and asked_by is work.__code__:
            sys.settrace(None)
            raise KeyboardInterrupt
        return None

    def work(warehouse: Warehouse) -> None:
        with warehouse.writing():
            sys.settrace(press_at_exit)

    with pytest.raises(StoppedError), open_session(workspace, Plan("changes", "1")) as session:
        work(session.warehouse)
    assert logged(workspace).outcome == "stopped"


@pytest.fixture
def pressed_at_closing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Presses Ctrl-C while files are closed; what was being done each time."""
    pressed: list[str] = []
    close = closing.close

    def press_and_close(connection: duckdb.DuckDBPyConnection) -> None:
        class Pressed:
            def execute(self, statement: str) -> None:
                os.kill(os.getpid(), signal.SIGINT)
                pressed.append(statement)

            def close(self) -> None:
                connection.close()

        close(cast("duckdb.DuckDBPyConnection", Pressed()))

    monkeypatch.setattr(closing, "close", press_and_close)
    return pressed


def test_a_stop_while_the_file_is_closed_closes_it_first(
    workspace: Workspace, pressed_at_closing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second of two signals interrupted the closing that the first had begun."""
    with pytest.raises(KeyboardInterrupt), open_warehouse(workspace).writing() as connection:
        connection.execute("SELECT 1")
    monkeypatch.undo()
    assert pressed_at_closing
    with open_warehouse(workspace).waiting_at_most(0).writing() as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_stop_while_a_kept_file_is_closed_leaves_it_to_be_opened(
    workspace: Workspace, pressed_at_closing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two stages: what then records how far the exchange came met a closed connection, and it read "failed"."""
    with open_warehouse(workspace).waiting_at_most(0).kept_open() as kept:
        with kept.writing() as connection:
            connection.execute("SELECT 1")
        with pytest.raises(KeyboardInterrupt):
            kept.release()
        monkeypatch.undo()
        assert pressed_at_closing
        with kept.writing() as connection:
            assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_signals_in_a_row_are_one_stop() -> None:
    """The second one would interrupt what the first one has begun."""
    ended = []

    def stop() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def work() -> None:
        with once():
            try:
                stop()
            finally:
                stop()
                ended.append("closed")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert ended == ["closed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_signals_in_a_row_are_one_stop_after_each_result() -> None:
    """Dagster takes the signals over for each result, so that the second one got through after the first result."""
    ended = []

    def work() -> Generator[str, None, None]:
        yield "raw_orders"
        try:
            os.kill(os.getpid(), signal.SIGINT)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            ended.append("closed")

    results = each_once(work())
    with raise_execution_interrupts():
        assert next(results) == "raw_orders"
    with pytest.raises(dg.DagsterExecutionInterruptedError), raise_execution_interrupts():
        next(results)
    assert ended == ["closed"]


def test_work_that_nobody_asks_for_more_results_is_closed() -> None:
    ended = []

    def work() -> Generator[str, None, None]:
        try:
            yield "raw_orders"
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            ended.append("closed")

    results = each_once(work())
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.close()
    assert list(results) == []


@pytest.fixture
def swallowing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that is interrupted while it is imported, and does not care."""
    name = f"swallows_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import os, signal\ntry:\n    os.kill(os.getpid(), signal.SIGINT)\nexcept BaseException:\n    pass\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_a_stop_during_an_import_counts_once_that_has_ended(swallowing: str) -> None:
    """DuckDB swallowed the one that came while it imported pandas, and what was stopped went on for hours."""
    done = []

    def work() -> None:
        with once():
            importlib.import_module(swallowing)
            done.append("more")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == []
    assert swallowing in sys.modules


def test_a_stop_during_an_undisturbed_import_counts_after_it(swallowing: str) -> None:
    done = []

    def work() -> None:
        with once():
            with undisturbed():
                importlib.import_module(swallowing)
                done.append("imported")
            done.append("more")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["imported"]
