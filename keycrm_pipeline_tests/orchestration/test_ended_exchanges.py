"""The terminal of `make run`: a line for each exchange that ended, however it was started, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from keycrm_pipeline.orchestration.ended_exchanges import EndedExchanges, exchange_line
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.reading import Books
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.warehouse.errors import DatabaseBusyError
from keycrm_pipeline.warehouse.exchanges import Exchange
from keycrm_pipeline_tests.orchestration.shop import make_workspace, run_job

DAY = date(2026, 3, 2)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """The demo shop, with its profile in a file."""
    made = make_workspace(tmp_path)
    directory = made.settings.profiles_directory
    directory.mkdir()
    directory.joinpath("shop.yaml").write_text(
        "base_url: sandbox\nstart_date: 2026-01-01\ndefault_partner: Роздрібний покупець\n", "utf-8"
    )
    return made


@pytest.fixture
def lines(workspace: Workspace, instance: dg.DagsterInstance) -> Callable[[], list[str]]:
    """What the terminal says now, each line without its day and time."""
    told = EndedExchanges(instance, workspace.settings, datetime.now(UTC))

    def new_lines() -> list[str]:
        return [line.split(" ", 4)[4] for line in told.lines(datetime.now(UTC))]

    return new_lines


def test_each_exchange_is_told_once(
    workspace: Workspace, instance: dg.DagsterInstance, lines: Callable[[], list[str]]
) -> None:
    """A failure with its reason, a load with its counts; the report of a period is no exchange."""
    assert lines() == []
    run_job(workspace, instance, "changes")
    assert lines() == [
        "shop: changes: failed. Nothing has been loaded for this profile yet: load a period first, then run changes."
    ]
    run_job(workspace, instance, "load", Period(DAY, DAY))
    run_job(workspace, instance, "report", Period(DAY, DAY))
    (line,) = lines()
    assert line.startswith("shop: load, 2 March 2026: succeeded: orders ")
    with open_warehouse(workspace).reading() as connection:
        (orders,) = connection.execute("SELECT count(*) FROM accounting.orders").fetchall()[0]
    assert f", created {orders}, updated 0, rejected " in line
    assert lines() == []


def test_what_ended_before_the_start_is_not_told(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """The runs of yesterday are on the page."""
    run_job(workspace, instance, "changes")
    now = datetime.now(UTC)
    assert EndedExchanges(instance, workspace.settings, now).lines(now) == []


def test_a_file_in_use_delays_the_line(
    workspace: Workspace,
    instance: dg.DagsterInstance,
    lines: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next exchange of the profile has begun already: nobody waits for its file, and no line is lost."""

    def busy(books: Books) -> None:
        raise DatabaseBusyError(books.workspace.database, "python3", 0.0)

    run_job(workspace, instance, "changes")
    with monkeypatch.context() as patched:
        patched.setattr(Books, "reading", busy)
        assert lines() == []
    assert len(lines()) == 1


def exchange(**changed: object) -> Exchange:
    """A successful load of 1 to 3 March, which took 75 seconds."""
    at = datetime(2026, 3, 29, 2, 30, tzinfo=UTC)
    whole = Exchange(
        exchange_id=1, profile="shop", run_id="1", kind="period", period_from=date(2026, 3, 1),
        period_to=date(2026, 3, 3), started_at=at, finished_at=at + timedelta(seconds=75), status="succeeded",
        error=None, orders_seen=144, orders_created=40, orders_updated=3, orders_rejected=1,
    )  # fmt: skip
    return replace(whole, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            exchange(),
            "load, 1–3 March 2026: succeeded: orders 144, created 40, updated 3, rejected 1 (1:15)",
        ),
        (
            exchange(kind="sweep", period_from=None, period_to=None),
            "sweep: succeeded: orders 144, created 40, updated 3, rejected 1 (1:15)",
        ),
        (
            exchange(status="failed", error="KeyCRM did not answer.\nCheck the network."),
            "load, 1–3 March 2026: failed. KeyCRM did not answer. Check the network.",
        ),
        (
            exchange(status="running", finished_at=None),
            "load, 1–3 March 2026: was interrupted; the next exchange continues it",
        ),
    ],
    ids=["load", "sync", "failed", "killed"],
)
def test_a_line(workspace: Workspace, found: Exchange, words: str) -> None:
    """Local time, which is summer time from three o'clock on; what was loaded; always one line."""
    ended = datetime(2026, 3, 29, 2, 31, tzinfo=UTC)
    assert exchange_line(found, workspace.profile, ended) == f"29 Mar 2026, 05:31 shop: {words}"
