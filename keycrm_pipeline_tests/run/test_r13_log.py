"""R13: one row of the log for every load, also for one that failed or was killed."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.profile import lock_path
from keycrm_pipeline.run.errors import ExchangeError, StoppedError
from keycrm_pipeline.run.lock import is_held, release
from keycrm_pipeline.run.session import close_unfinished, exchange_step
from keycrm_pipeline.warehouse.exchanges import last_exchange, last_succeeded_exchange
from keycrm_pipeline_tests.pipeline.bookkeeping import KEY, MARCH_2, STEPS, Books, kyiv, person


def test_row_of_a_load_that_succeeded(books: Books) -> None:
    """Profile, period, times and all counts; the cost in requests is told truly."""
    books.order(1, buyer=person(1), lines=[{"name": "Чашка"}], shipping_price=50)
    books.order(2, buyer=None, lines=[{"name": "Чашка"}, {"name": "Тарілка"}])
    books.order(3, grand_total=None)
    started = books.now
    exchange = books.load(date(2026, 3, 1), date(2026, 3, 3))
    assert (exchange.exchange_id, exchange.profile, exchange.kind, exchange.status) == (
        1, "shop", "period", "succeeded",
    )  # fmt: skip
    assert (exchange.period_from, exchange.period_to) == (date(2026, 3, 1), date(2026, 3, 3))
    assert exchange.started_at == started
    assert exchange.finished_at == started
    assert exchange.error is None
    assert (exchange.orders_seen, exchange.orders_created, exchange.orders_updated) == (3, 2, 0)
    assert (exchange.orders_unchanged, exchange.orders_rejected) == (0, 1)
    # The buyer and the default partner; cup, plate and paid delivery.
    assert (exchange.partners_created, exchange.products_created) == (2, 3)
    assert exchange.requests == books.api.request_count


def test_row_of_a_load_with_a_wrong_key(books: Books) -> None:
    """It failed, says why and where the key is set, and does not repeat the key; the books stay as they were."""
    books.order(1)
    books.load()
    before = books.tables()
    with pytest.raises(KeyCrmError) as caught:
        books.load(key="no-such-key-1234567")
    assert books.tables() == before
    with books.warehouse.reading() as connection:
        failed = last_exchange(connection)
        succeeded = last_succeeded_exchange(connection)
    assert failed is not None
    assert succeeded is not None
    assert (failed.exchange_id, failed.status, succeeded.exchange_id) == (2, "failed", 1)
    assert failed.finished_at is not None
    assert failed.error == str(caught.value)
    assert "key" in failed.error.lower()
    assert "no-such-key-1234567" not in failed.error


def test_error_that_nobody_foresaw_is_told_without_anybodys_data(books: Books) -> None:
    """The log names the kind of error and the place; a phone in its text is left out."""
    books.order(1)
    books.api.faults.on_page = lambda _page, _path: _fail()
    with pytest.raises(Exception, match="Unexpected"):
        books.load()
    ((status, error),) = books.rows("ops.exchanges", "status, error")
    assert status == "failed"
    assert "+380501234567" not in error
    assert "Коваль" not in error
    assert "olena@example.com" not in error


def _fail() -> None:
    raise ArithmeticError("buyer 'Олена Коваль' <olena@example.com> +380501234567 is odd")


KILLED = """
import os, signal, sys
from pathlib import Path
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books, STEPS
from keycrm_pipeline.run.session import exchange_step
from datetime import date

books = make_books(Path(sys.argv[1]))
books.order(1)
books.load(date(2026, 3, 2))
plan = books.plan("period", (date(2026, 3, 3), date(2026, 3, 3)), STEPS, "killed", books.warehouse)
with exchange_step(plan, "raw_orders"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_load_that_was_killed_is_shown_as_failed_by_the_next(books: Books) -> None:
    """Kill -9 in the middle: its row still runs; the next load closes it, and its lock is in nobody's way."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(books.directory)], check=False, timeout=120)
    assert done.returncode == -9
    assert books.rows("ops.exchanges", "status, finished_at")[1] == ("running", None)
    books.order(2, kyiv(2026, 3, 3))
    exchange = books.load(date(2026, 3, 3))
    assert exchange.status == "succeeded"
    rows = books.rows("ops.exchanges", "exchange_id, status, error")
    assert [row[:2] for row in rows] == [(1, "succeeded"), (2, "failed"), (3, "succeeded")]
    assert "killed" in rows[1][2]
    assert books.rows("orders", "order_id") == [(1,), (2,)]


def test_retried_step_goes_on_in_the_same_row(books: Books) -> None:
    """A run that is tried again writes no second row, and ends as what it became."""
    books.order(1)
    with pytest.raises(KeyCrmError):
        books.load(run_id="one-run", key="wrong")
    exchange = books.load(run_id="one-run", key=KEY)
    assert exchange.status == "succeeded"
    assert exchange.error is None
    assert len(books.rows("ops.exchanges")) == 1


def test_steps_beside_a_failed_one_do_not_begin(books: Books) -> None:
    """Dagster starts the neighbours of a failed step, too: they must not set the exchange running for ever."""
    plan = books.plan("period", (MARCH_2, MARCH_2), STEPS, "one-run", books.warehouse)
    with pytest.raises(ExchangeError, match="disk is full"), exchange_step(plan, "statuses"):
        raise ExchangeError("The disk is full.")
    with (
        pytest.raises(ExchangeError, match="Not begun: statuses failed before it"),
        exchange_step(plan, "sources"),
    ):
        pytest.fail("the step began")
    assert books.rows("ops.exchanges", "status, error") == [("failed", "The disk is full.")]
    assert not is_held(lock_path(books.profile, books.settings))
    # A retry begins with the step that failed, and the others follow.
    for step in ("statuses", "sources"):
        with exchange_step(plan, step):
            assert books.rows("ops.exchanges", "status, error") == [("running", None)]
    release(lock_path(books.profile, books.settings), "one-run")


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["python", "duckdb"]
)
def test_a_load_that_was_stopped_by_hand_says_so(books: Books, raised: BaseException) -> None:
    """Ctrl-C, as Python raises it and as DuckDB does in the middle of a query: no "unexpected" anything."""
    plan = books.plan("period", (MARCH_2, MARCH_2), STEPS, "one-run", books.warehouse)
    with pytest.raises(StoppedError), exchange_step(plan, "raw_orders"):
        raise raised
    ((status, error),) = books.rows("ops.exchanges", "status, error")
    assert status == "failed"
    assert error.startswith("The exchange was stopped by hand. What was stored is safe")
    assert not is_held(lock_path(books.profile, books.settings))


def test_a_load_that_was_stopped_between_two_steps_is_closed(books: Books) -> None:
    """No step is there to write that it failed; its row must not say for ever that it runs."""
    plan = books.plan("period", (MARCH_2, MARCH_2), STEPS, "one-run", books.warehouse)
    with exchange_step(plan, "raw_orders"):
        pass
    for error in (str(StoppedError()), "A second reason."):
        close_unfinished(books.profile, books.settings, "one-run", error)
    assert books.rows("ops.exchanges", "status, error") == [("failed", str(StoppedError()))]
    assert not is_held(lock_path(books.profile, books.settings))


def test_times_are_those_of_the_exchange(books: Books) -> None:
    """Documents and cards carry the time of the load that made them."""
    books.order(1)
    started: datetime = books.now
    books.load()
    books.load()
    ((document, card),) = books.query(
        "SELECT orders.created_at, partners.created_at FROM accounting.orders, accounting.partners"
    )
    assert document == started
    assert card == started
    assert books.now == started + timedelta(hours=2)


def _kinds(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("ops.exchanges", "kind, status")


def test_every_kind_of_pass_has_its_row(books: Books) -> None:
    """Changes, recent, sweep, catalogue and rebuild are logged like a load."""
    books.order(1)
    books.load(MARCH_2)
    for work in (books.changes, books.recent, books.sweep, books.catalogue, books.rebuild):
        assert work().orders_rejected == 0
    assert _kinds(books) == [
        (kind, "succeeded") for kind in ("period", "changes", "recent", "sweep", "catalogue", "rebuild")
    ]
