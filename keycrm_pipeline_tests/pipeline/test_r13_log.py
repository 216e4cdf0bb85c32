"""R13: one row of the log for every load, also for one that failed or was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.extraction import created_listing, read_listing
from keycrm_pipeline.pipeline.stages import STAGES, run_load
from keycrm_pipeline.run.errors import ExchangeError, StoppedError
from keycrm_pipeline.run.lock import is_held
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse.exchanges import last_exchange, last_succeeded_exchange
from keycrm_pipeline_tests.pipeline.bookkeeping import KEY, MARCH_2, Books, kyiv, person

PERIOD = Period(MARCH_2, MARCH_2)


def test_row_of_a_load_that_succeeded(books: Books) -> None:
    """Profile, period, times and all counts; the cost in requests is true."""
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
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books
from keycrm_pipeline.period import Period
from datetime import date

books = make_books(Path(sys.argv[1]))
books.order(1)
books.load(date(2026, 3, 2))
with books.session("period", Period(date(2026, 3, 3), date(2026, 3, 3)), run_id="killed"):
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


def test_retried_run_goes_on_in_the_same_row(books: Books) -> None:
    """A run that is tried again writes no second row, and ends as what it became."""
    books.order(1)
    with pytest.raises(KeyCrmError):
        books.load(run_id="one-run", key="wrong")
    exchange = books.load(run_id="one-run", key=KEY)
    assert exchange.status == "succeeded"
    assert exchange.error is None
    assert len(books.rows("ops.exchanges")) == 1


def test_retried_run_counts_its_orders_once_and_all_its_cards(books: Books) -> None:
    """The first attempt fetched two orders and made a card for their buyer before it failed: the row shows both."""
    books.order(1, buyer=person(1))
    books.order(2, buyer=person(1))
    upto_partners = STAGES[: [stage.name for stage in STAGES].index("partners") + 1]

    def fail_after_partners() -> None:
        with books.session("period", PERIOD, run_id="one-run") as session:
            for result in run_load(session, PERIOD, STAGES):
                if result.stage is upto_partners[-1]:
                    raise ExchangeError(Failure.DISK_FULL.message(path="shop.duckdb"))

    with pytest.raises(ExchangeError, match="is full"):
        fail_after_partners()
    ((seen, partners, requests),) = books.rows("ops.exchanges", "orders_seen, partners_created, requests")
    assert (seen, partners) == (2, 1)
    exchange = books.load(run_id="one-run")
    assert (exchange.orders_seen, exchange.orders_created, exchange.orders_unchanged) == (2, 2, 0)
    # The products were made by the second attempt, the partner by the first.
    assert (exchange.partners_created, exchange.products_created) == (1, 1)
    assert exchange.requests == books.api.request_count > requests


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt(), RuntimeError("Query interrupted")], ids=["python", "duckdb"]
)
def test_a_load_that_was_stopped_by_hand_says_so(books: Books, raised: BaseException) -> None:
    """Ctrl-C, as Python raises it and as DuckDB does in the middle of a query: no "unexpected" anything."""
    with pytest.raises(StoppedError), books.session("period", PERIOD):
        raise raised
    ((status, error),) = books.rows("ops.exchanges", "status, error")
    assert status == "failed"
    assert error.startswith("The exchange was stopped by hand. What was stored is safe")
    assert not is_held(books.workspace.lock)


def test_a_load_that_is_abandoned_between_two_stages_is_closed(books: Books) -> None:
    """Dagster lets go of a run between two stages: its row must not say for ever that it runs, nor its lock be held."""
    books.order(1)

    def load() -> Generator[str, None, None]:
        with books.session("period", PERIOD) as session:
            for result in run_load(session, PERIOD, STAGES):
                yield result.stage.name

    abandoned = load()
    assert next(abandoned) == "raw_orders"
    assert is_held(books.workspace.lock)
    abandoned.close()
    assert books.rows("ops.exchanges", "status, error") == [("failed", str(StoppedError()))]
    assert not is_held(books.workspace.lock)


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


def test_the_requests_of_a_running_exchange_are_in_its_row_with_each_page(books: Books) -> None:
    """A person who watches a long load sees them grow; at its end they are what KeyCRM was asked, each counted once."""
    for order_id in range(1, 121):
        books.order(order_id)
    seen: list[int] = []

    listing = created_listing(*PERIOD.instants(books.profile.zone), PERIOD.first)
    run_id = "watched"
    with books.session("period", PERIOD, run_id=run_id) as session, session.client() as client:

        def watch(_done: int, _total: int) -> None:
            with session.warehouse.reading() as connection:
                exchange = last_exchange(connection)
            assert exchange is not None
            seen.append(exchange.requests)

        read_listing(session, client, listing, after_write=watch)
        assert seen == sorted(seen)
        assert 1 <= seen[0] <= seen[-1] == 3
        client.order(1)
    assert books.exchange(run_id).requests == 4 == books.api.request_count
