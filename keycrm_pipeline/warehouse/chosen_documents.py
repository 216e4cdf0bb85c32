"""Chooses the orders of a period, and decides which of them an export holds back and why.

What is not here: reading them (`export`), adding them up (`sums`), and what was handed over before (`hand_over`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keycrm_pipeline.kinds import COMPLETED_GROUP, DecidingDay
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.statements import period_parameters, statement

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class DocumentChoice:
    """Which orders of a period are exported.

    Attributes:
        decided_by: Whose day decides whether an order belongs to the period.
        organisation: Only the orders of this legal entity; None for all orders.
        currencies: Codes of the currencies whose orders can be exported; None for all.
        stages: Stages whose orders are ready; None for all.
        must_be_paid: Whether only orders that are paid in full are ready.
        must_have_receipts: Whether only orders are ready whose paid payments have the receipts that the shop issues.
    """

    decided_by: DecidingDay = "order"
    organisation: str | None = None
    currencies: Sequence[str] | None = None
    stages: Sequence[str] | None = None
    must_be_paid: bool = False
    must_have_receipts: bool = False


EVERYTHING = DocumentChoice()
"""The orders of all organisations, currencies and stages, by their own days."""


def stages_of_documents(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The stages that some order of the books is in, sorted."""
    return [str(row[0]) for row in connection.execute(statement("export", "stages")).fetchall()]


def choose_documents(connection: duckdb.DuckDBPyConnection, period: Period, choice: DocumentChoice) -> None:
    """Chooses the orders of a period for `read_export_sources`, and decides which of them are held back.

    An order is held back when its newest payload was rejected (R10), when it does not add up (R6), when KeyCRM no
    longer has it (R11), when one of its cards or sums is not as the books require, when its currency is not one of
    those asked for, or when it is not ready: its stage is not one of those asked for, it is not paid, or a receipt is
    missing.

    Args:
        connection: An open connection; reading is enough.
        period: The local days.
        choice: Which orders.
    """
    days = period_parameters(period)
    completed = {"completed_group": COMPLETED_GROUP} if choice.decided_by == "completed" else {}
    connection.execute(statement("export", f"days_by_{choice.decided_by}"), days | completed)
    connection.execute(
        statement("export", "choose_orders"),
        {
            "organisation": choice.organisation or "",
            "currencies": None if choice.currencies is None else list(choice.currencies),
            "stages": None if choice.stages is None else list(choice.stages),
            "must_be_paid": choice.must_be_paid,
            "must_have_receipts": choice.must_have_receipts,
        },
    )


def leave_out_unchanged(connection: duckdb.DuckDBPyConnection, order_ids: Sequence[int]) -> None:
    """Leaves out what the accountant has already: of the chosen orders, only these are exported."""
    connection.execute(statement("export", "leave_out_unchanged"), {"order_ids": list(order_ids)})
