"""Stores the custom fields of buyers, which KeyCRM does not send with orders.

What is not here: which profile asks for them, and the requests (`pipeline.buyers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl

from keycrm_pipeline.warehouse.frames import registered
from keycrm_pipeline.warehouse.statements import statement


def buyers_to_ask(connection: duckdb.DuckDBPyConnection, *, since: datetime) -> list[int]:
    """Ids of the selected orders' buyers that were not asked for since a moment; call `select_orders` first."""
    found = connection.execute(statement("buyers", "buyers_to_ask"), {"since": since})
    return [buyer_id for (buyer_id,) in found.fetchall()]


def store_buyers(
    connection: duckdb.DuckDBPyConnection, payloads: Mapping[int, str | None], *, now: datetime
) -> None:
    """Stores what KeyCRM answered for some buyers.

    Args:
        connection: The open file.
        payloads: Buyer id -> a JSON object with `custom_fields`; None for a buyer that KeyCRM does not have.
        now: When it was fetched.
    """
    frame = pl.DataFrame(
        {"buyer_id": list(payloads), "payload": list(payloads.values())},
        schema={"buyer_id": pl.Int64, "payload": pl.String},
    )
    with registered(connection, "buyers_frame", frame):
        connection.execute(statement("buyers", "store_buyers"), {"now": now})
