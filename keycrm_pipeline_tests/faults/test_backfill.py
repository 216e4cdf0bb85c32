"""The whole product as `make run` starts it, and a backfill that is cut off twice.

What is not here: a full queue (`test_queue`), and commands without a page (`test_processes`).
"""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path

import dagster as dg
import psutil
import pytest

from keycrm_pipeline.orchestration.dagster_internals import DAEMON_VARIABLES, RANGE_START_TAG
from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.sandbox.server import SandboxServer
from keycrm_pipeline_tests.faults.scene import (
    CommandLine,
    ServedBooks,
    WatchedApi,
    order_pages,
    read_log,
    stored_order_pages,
)
from keycrm_pipeline_tests.faults.winter import (
    BACKFILL_DAYS,
    NEW_YEAR,
    SECOND_RANGE,
    THIRD_RANGE,
    Cut,
    shop_of_a_winter,
)
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, Product, processes_of, wait_until

pytestmark = pytest.mark.process


def test_backfill_goes_on_after_a_power_failure_and_without_a_daemon(places: Path) -> None:
    """Everything is killed in the second month, and the daemon dies in the third.

    The backfill ends completed, the books equal a quiet load's, nothing blocks the queue, and no page that was stored
    is asked for again.
    """
    api = WatchedApi(shop_of_a_winter())
    last_day = NEW_YEAR + timedelta(BACKFILL_DAYS - 1)
    clean = make_books(places, api.shop)
    with SandboxServer(clean.api) as server:
        quiet = ServedBooks(places, clean.profile, clean.shop, clean.api, url=server.url)
        assert quiet.load(NEW_YEAR, last_day).orders_created == 62 * 4 + 8 * 20
        expected = quiet.contents()

    with SandboxServer(api) as server:
        line = CommandLine(places, server.url)
        line.profile("shop", schedule={"enabled": False})
        product = Product(places / "home", line.environment())
        database = line.database("shop")

        power_failure = Cut(api, SECOND_RANGE)
        product.start()
        backfill = product.backfill(
            [("shop", stage.name) for stage in STAGES],
            [str(NEW_YEAR + timedelta(day)) for day in range(BACKFILL_DAYS)],
        )
        assert power_failure.reached.wait(PATIENCE_SECONDS), product.said()
        product.kill()
        power_failure.over.set()
        kept = {1: stored_order_pages(database)}

        stop = Cut(api, THIRD_RANGE)
        product.start()
        assert stop.reached.wait(PATIENCE_SECONDS), product.said()
        # With them, it waits for a code location that does not answer instead of giving the backfill up.
        assert DAEMON_VARIABLES.items() <= psutil.Process(product.daemon()).environ().items()
        os.kill(product.daemon(), signal.SIGKILL)
        stop.over.set()
        # A page without a daemon would take every click and do nothing.
        assert product.wait() == 1
        assert product.said().endswith(
            "The daemon ended unexpectedly (exit code -9); everything else was stopped too.\n"
        )
        assert processes_of(product.home) == []
        kept[2] = stored_order_pages(database)

        product.start()
        with open_instance() as instance:
            wait_until(lambda: _status(instance, backfill) != "REQUESTED", "the backfill ends")
            assert _status(instance, backfill) == "COMPLETED_SUCCESS"
            runs = [record.dagster_run for record in instance.get_run_records()]
            slots = instance.event_log_storage.get_concurrency_info("keycrm_shop")
        product.kill()

    assert ServedBooks(places / "data", clean.profile, clean.shop, clean.api).contents() == expected
    # Three ranges; those that were cut off were done by a second run each.
    assert sorted(run.tags[RANGE_START_TAG] for run in runs if run.is_success) == [
        str(NEW_YEAR),
        str(SECOND_RANGE),
        str(THIRD_RANGE),
    ]
    assert all(run.is_finished for run in runs)
    # The run of the third may have come to its end while the product was stopping.
    assert len(runs) in (4, 5)
    assert (slots.active_slot_count, slots.pending_step_count) == (0, 0)
    asked = order_pages(api)
    assert all(kept.values())
    for listing, page in kept[1] | kept[2]:
        assert asked.count((listing, page)) == 1, (listing, page)
    assert [(status, seen) for status, seen in read_log(database, "status, orders_seen")] == [
        ("succeeded", 31 * 4),
        ("succeeded", 31 * 4),
        ("succeeded", 8 * 20),
    ]


def _status(instance: dg.DagsterInstance, backfill: str) -> str:
    found = instance.get_backfill(backfill)
    assert found is not None
    return found.status.value
