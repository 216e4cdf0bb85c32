"""The exchange log as it is written: what happens to counts when a run is retried (R13)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import (
    ExchangeCounts,
    begin_exchange,
    finish_step,
    read_exchange,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEPS = ("raw_orders", "orders")


def begin(warehouse: Warehouse) -> int:
    """The exchange of one run: the first time a new row, at a retry the same."""
    with warehouse.writing() as connection:
        return begin_exchange(
            connection,
            profile="shop",
            run_id="run",
            kind="period",
            period_from=date(2026, 3, 1),
            period_to=date(2026, 3, 1),
            steps=STEPS,
            now=NOW,
        )


def finish(warehouse: Warehouse, exchange_id: int, step: str, counts: ExchangeCounts) -> bool:
    with warehouse.writing() as connection:
        return finish_step(connection, exchange_id, step, counts, now=NOW)


def test_a_retried_step_counts_its_orders_once(tmp_path: Path) -> None:
    """A run killed between its steps is retried: 40 orders seen stay 40, both times of asking are told."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    exchange_id = begin(warehouse)
    assert not finish(warehouse, exchange_id, "raw_orders", ExchangeCounts(orders_seen=40, requests=7))
    assert begin(warehouse) == exchange_id
    assert not finish(warehouse, exchange_id, "raw_orders", ExchangeCounts(orders_seen=40, requests=2))
    assert finish(warehouse, exchange_id, "orders", ExchangeCounts(orders_created=40))
    with warehouse.reading() as connection:
        exchange = read_exchange(connection, exchange_id)
    assert exchange is not None
    assert (exchange.orders_seen, exchange.orders_created, exchange.requests) == (40, 40, 9)
    assert exchange.status == "succeeded"
