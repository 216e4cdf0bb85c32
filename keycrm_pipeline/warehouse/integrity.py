"""Invariants that must always hold over the stored tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from keycrm_pipeline.language import message
from keycrm_pipeline.warehouse.statements import statement

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
