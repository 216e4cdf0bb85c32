"""Cost and margin by source, for profiles that show them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from keycrm_pipeline.formatting import NO_VALUE
from keycrm_pipeline.reports.elements import ZERO, Body, Cell, Section, Table, Writer, by_currency
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.warehouse.sales import Margins


def margins_section(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Cost and margin by source, and by how much KeyCRM's own margin differs; no section without any cost."""
    groups = [
        (currency, rows)
        for currency, rows in by_currency(figures.margins, figures.currencies)
        if any(row.lines_with_cost for row in rows)
    ]
    if not groups:
        return []
    words, write = writer.words, writer.write
    named = [currency for currency, _ in groups]
    bodies = [
        Body(
            [_row(row.source or words["no_source"], [row], writer) for row in rows],
            writer.currency_title(currency, named),
            _row(words["total"], rows, writer),
        )
        for currency, rows in groups
    ]
    notes = [
        words["margin_differs"].format(
            count=write.plural(differing, *words.forms("orders_count")),
            amount=write.money(sum((row.margin_difference for row in rows), ZERO), currency),
        )
        for currency, rows in groups
        if (differing := sum(row.orders_differing for row in rows))
    ]
    headings = writer.headings(
        words["source"], "sales_with_cost", "cost", "expenses", "margin", "margin_share", "lines_with_cost"
    )
    table = Table(headings, bodies, note=" ".join(notes))
    return [Section("margins", words["margins_title"], words["margins_lead"], tables=[table])]


def _row(name: str, rows: Sequence[Margins], writer: Writer) -> list[Cell]:
    write, currency = writer.write, rows[0].currency

    def money(amounts: Sequence[Decimal]) -> str:
        return write.money(sum(amounts, ZERO), currency)

    sales = sum((row.grand_total for row in rows), ZERO)
    margin = sum((row.margin for row in rows), ZERO)
    lines, with_cost = sum(row.lines for row in rows), sum(row.lines_with_cost for row in rows)
    return [
        Cell(name),
        Cell(money([row.grand_total for row in rows])),
        Cell(money([row.cost_total for row in rows])),
        Cell(money([row.expenses_total for row in rows])),
        Cell(write.money(margin, currency), tone="bad" if margin < 0 else ""),
        Cell(write.percent(margin / sales) if sales > 0 else NO_VALUE, tone="quiet"),
        Cell(write.percent(Decimal(with_cost) / lines) if lines else NO_VALUE, tone="quiet"),
    ]
