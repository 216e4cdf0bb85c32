"""Payments beside the money that came for them (R15), for profiles that compare them: how many lines of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from keycrm_pipeline.formatting import NO_VALUE
from keycrm_pipeline.kinds import OPEN_RECONCILIATION_KINDS, RECONCILIATION_NAMES
from keycrm_pipeline.reports.elements import Cell, Section, Writer
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.warehouse.reconciliation_lines import KindCount


def reconciliation_section(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Lines of each kind with their sums; no section if the profile compares nothing, or nothing is in the period."""
    words, write = writer.words, writer.write
    order = list(RECONCILIATION_NAMES)

    def money(amount: Decimal, currency: str) -> str:
        return write.money(amount, currency) if amount else NO_VALUE

    def kinds(currency: str, members: list[KindCount]) -> tuple[Sequence[Sequence[Cell]], Sequence[Cell]]:
        rows = [
            [
                Cell(words[f"reconciliation_{member.kind}"]),
                Cell(
                    write.number(member.lines), tone="bad" if member.kind in OPEN_RECONCILIATION_KINDS else ""
                ),
                Cell(money(member.paid, currency)),
                Cell(money(member.received, currency)),
                Cell(money(member.fee, currency), tone="quiet"),
            ]
            for member in sorted(members, key=lambda member: order.index(member.kind))
        ]
        return rows, []

    headings = writer.headings(
        words["reconciliation_kind"], "count", "paid_in_crm", "money_that_came", "fees_kept"
    )
    table = writer.table(headings, figures.reconciliation, figures.currencies, kinds)
    if table is None:
        return []
    lead = words["reconciliation_lead"].format(command="keycrm-pipeline reconcile")
    return [Section("reconciliation", words["reconciliation_title"], lead, tables=[table])]
