"""Invariants that must always hold over the stored tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from keycrm_pipeline.language import message
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.engines.engine import engine_of
from keycrm_pipeline.warehouse.statements import column_list, single_row, statement

INTEGRITY_CHECKS: Mapping[str, str] = {
    "sums": message("Goods, services and difference add up to the grand total of every order (R6)."),
    "lines_once": message("Each line of every order is in exactly one of goods and services (R7)."),
    "references_exist": message("The partner, products, status and source of every order exist."),
    "skus_once": message("No two cards or variants have the same SKU (R4)."),
    "links_once": message("No buyer is linked twice, and every link leads to a card (R3)."),
    "raw_and_books_agree": message(
        "KeyCRM's payloads and the books hold the same orders, with the same sums and days."
    ),
}
"""Name of a check -> what it states, a message."""


KEYS_ONCE = "keys_once"
"""The check `doubled_keys`, which is about all tables."""


def doubled_keys(connection: duckdb.DuckDBPyConnection) -> Mapping[str, int]:
    """Tables with keys that several rows share -> how many such keys; tables whose keys DuckDB holds are left out.

    Args:
        connection: An open connection.
    """
    engine = engine_of(connection)
    tables = [table for table in TABLES if not (table.has_index and engine.holds_keys)]
    found = {
        table.qualified_name: single_row(
            connection.execute(
                statement("integrity", KEYS_ONCE).format(
                    table=table.qualified_name, key=column_list(table.primary_key)
                )
            )
        )[0]
        for table in tables
    }
    return {table: count for table, count in found.items() if count}


def offenders(
    connection: duckdb.DuckDBPyConnection, check: str, *, status_ids: Sequence[int] | None
) -> list[int]:
    """The ids that violate a check, in order; empty when it holds.

    Args:
        connection: An open connection.
        check: One of `INTEGRITY_CHECKS`.
        status_ids: Statuses whose orders the profile loads; None for all.
    """
    values = (
        {"all_statuses": status_ids is None, "status_ids": list(status_ids or ())}
        if check == "raw_and_books_agree"
        else {}
    )
    return [row[0] for row in connection.execute(statement("integrity", check), values).fetchall()]
