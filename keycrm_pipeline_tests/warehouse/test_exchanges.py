"""The exchange log as it is written: what happens to counts when a run is retried (R13)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.failures import Failure
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import (
    ExchangeCounts,
    begin_exchange,
    end_exchange,
    read_exchange,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = date(2026, 3, 1)


def attempt(warehouse: Warehouse, counts: ExchangeCounts, error: Message | None) -> int:
    """One attempt of the same run, from its beginning to its end."""
    with warehouse.writing() as connection:
        exchange_id = begin_exchange(
            connection, profile="shop", run_id="run", kind="period", period=Period(DAY, DAY), now=NOW
        )
        end_exchange(connection, exchange_id, counts, error=error, now=NOW)
    return exchange_id


def test_a_retried_run_counts_its_orders_once(tmp_path: Path) -> None:
    """A run that is retried has seen its 40 orders twice: they stay 40; cards and requests of both attempts count."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    failed = ExchangeCounts(orders_seen=40, partners_created=3, requests=7)
    exchange_id = attempt(warehouse, failed, Failure.DISK_FULL.message(path="shop.duckdb"))
    succeeded = ExchangeCounts(orders_seen=40, orders_created=40, partners_created=1, requests=2)
    assert attempt(warehouse, succeeded, None) == exchange_id
    with warehouse.reading() as connection:
        exchange = read_exchange(connection, exchange_id)
    assert exchange is not None
    assert (exchange.orders_seen, exchange.orders_created) == (40, 40)
    assert (exchange.partners_created, exchange.requests) == (4, 9)
    assert (exchange.status, exchange.error) == ("succeeded", None)
