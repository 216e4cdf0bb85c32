"""Stores the rates of the НБУ, and reads them for the document rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import duckdb
import polars as pl

from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.frames import read_frame
from keycrm_pipeline.warehouse.statements import statement


def stored_rates(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, date], Decimal]:
    """The stored rates by currency and day."""
    rows = connection.execute(statement("rates", "rates")).fetchall()
    return {(currency, day): rate for currency, day, rate in rows}


def rates_frame(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The stored rates as `currency`, `rate_date` and `rate` in millionths."""
    return read_frame(connection.execute(statement("rates", "rates")))


def replace_rates(connection: duckdb.DuckDBPyConnection, rates: Mapping[tuple[str, date], Decimal]) -> None:
    """Stores these rates in place of all that are stored."""
    values = {
        "currencies": [currency for currency, _ in rates],
        "days": [day for _, day in rates],
        "rates": [str(rate) for rate in rates.values()],
    }
    with transaction(connection):
        connection.execute(statement("rates", "forget_rates"))
        connection.execute(statement("rates", "store_rates"), values)
