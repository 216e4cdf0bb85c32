"""Money by the day of its payment in KeyCRM: by account and legal entity, against the user's limits, and expenses.

Payments by the day of their order are in `rankings`, what is still due in `waiting`. No text here says which date is
income, or what follows from a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from keycrm_pipeline.formatting import NO_VALUE
from keycrm_pipeline.reports.elements import ZERO, Body, Cell, Section, Table, Writer, by_currency, share_of
from keycrm_pipeline.reports.figures import ReportFigures, YearFigures
from keycrm_pipeline.warehouse.payments import AccountPayments, ExpensesOfKind, SourceMoney


def money_section(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Payments and expenses by day of payment; no section when there are neither and no limit is set."""
    words, write = writer.words, writer.write
    tables = []
    if figures.paid:
        notes = [
            words["undated"].format(
                count=write.plural(row.payments, *words.forms("payments_count")),
                amount=write.money(row.received, row.currency),
            )
            for row in figures.undated
        ]
        headings = writer.headings(
            words["account"], "payments_number", "received", "received_for_cancelled", "expenses"
        )
        tables.append(Table(headings, _bodies(figures, writer), note=" ".join(notes)))
    if figures.year is not None:
        tables.append(_limits(figures.year, writer))
    if not tables:
        return []
    return [Section("money", words["money_title"], words["money_lead"], tables=tables)]


def _bodies(figures: ReportFigures, writer: Writer) -> list[Body]:
    """Rows by organisation and currency, each with its total, and the total of all organisations of a currency."""
    words = writer.words
    groups = by_currency(figures.paid, figures.currencies)
    bodies = []
    for currency, rows in groups:
        organisations = list(dict.fromkeys(row.organisation for row in rows))
        for organisation in organisations:
            of_one = [row for row in rows if row.organisation == organisation]
            named = [organisation or words["no_organisation"]] if figures.has_organisations else []
            named += [currency] if len(groups) > 1 else []
            cells = [_row(row.account or NO_VALUE, [row], writer) for row in of_one]
            bodies.append(Body(cells, " · ".join(named), _row(words["total"], of_one, writer)))
        if len(organisations) > 1:
            title = words["all_organisations"] + (f" · {currency}" if len(groups) > 1 else "")
            bodies.append(Body([], title, _row(words["total"], rows, writer)))
    return bodies


def _row(name: str, rows: Sequence[AccountPayments], writer: Writer) -> list[Cell]:
    write, currency = writer.write, rows[0].currency

    def money(amounts: Sequence[Decimal]) -> str:
        total = sum(amounts, ZERO)
        return write.money(total, currency) if total else NO_VALUE

    return [
        Cell(name),
        Cell(write.number(sum(row.payments for row in rows))),
        Cell(money([row.received for row in rows])),
        Cell(money([row.received_for_cancelled for row in rows]), tone="quiet"),
        Cell(money([row.expenses for row in rows])),
    ]


def _limits(year: YearFigures, writer: Writer) -> Table:
    words, write = writer.words, writer.write

    def of(organisation: str | None) -> Decimal:
        return sum(
            (
                row.received
                for row in year.received
                if row.organisation == organisation and row.currency == year.currency
            ),
            ZERO,
        )

    rows = []
    for organisation, limit in year.limits.items():
        received = of(organisation)
        left = limit - received
        rows.append(
            [
                Cell(organisation),
                Cell(write.money(received, year.currency)),
                Cell(write.money(limit, year.currency)),
                Cell(write.percent(received / limit), bar=min(share_of(received, limit) or 0.0, 100.0)),
                Cell(write.money(left, year.currency), tone="bad" if left < 0 else ""),
            ]
        )
    notes = [
        words["limit_other_currency"].format(
            organisation=row.organisation, amount=write.money(row.received, row.currency)
        )
        for row in year.received
        if row.organisation in year.limits and row.currency != year.currency
    ]
    if undetermined := of(None):
        notes.append(words["limit_undetermined"].format(amount=write.money(undetermined, year.currency)))
    if year.days_missing:
        days = write.plural(year.days_missing, *words.forms("days_count"))
        notes.append(words["limit_days_missing"].format(days=days))
    return Table(
        writer.headings(words["organisation"], "received", "limit", "limit_share", "limit_left"),
        [Body(rows)],
        title=words["limit_title"].format(period=write.period(year.period)),
        lead=words["limit_lead"],
        note=" ".join(notes),
    )


def expenses_section(figures: ReportFigures, writer: Writer) -> list[Section]:
    """Expenses by kind, and beside the payments of each source; no section without expenses.

    They are shown next to the money that came in, and never taken off the sales.
    """
    if not figures.expenses:
        return []
    words, write = writer.words, writer.write

    def kinds(currency: str, members: list[ExpensesOfKind]) -> tuple[list[list[Cell]], list[Cell]]:
        whole = sum((member.amount for member in members), ZERO)
        rows = [
            [
                Cell(member.kind or words["no_expense_kind"]),
                Cell(write.number(member.expenses)),
                Cell(write.money(member.amount, currency)),
                Cell(
                    write.percent(member.amount / whole) if whole > 0 else NO_VALUE,
                    tone="quiet",
                    bar=share_of(member.amount, whole),
                ),
            ]
            for member in members
        ]
        count = write.number(sum(member.expenses for member in members))
        return rows, [Cell(words["total"]), Cell(count), Cell(write.money(whole, currency)), Cell("")]

    def row(name: str, currency: str, members: Sequence[SourceMoney]) -> list[Cell]:
        received = sum((member.received for member in members), ZERO)
        expenses = sum((member.expenses for member in members), ZERO)
        left = received - expenses
        return [
            Cell(name),
            Cell(write.money(received, currency)),
            Cell(write.money(expenses, currency)),
            Cell(write.money(left, currency), tone="bad" if left < 0 else ""),
        ]

    def sources(currency: str, members: list[SourceMoney]) -> tuple[list[list[Cell]], list[Cell]]:
        rows = [row(member.source or words["no_source"], currency, [member]) for member in members]
        return rows, row(words["total"], currency, members)

    currencies = figures.currencies
    by_kind = writer.table(
        writer.headings(words["expense_kind"], "count", "amount", "share"),
        figures.expenses,
        currencies,
        kinds,
    )
    by_source = writer.table(
        writer.headings(words["source"], "received", "expenses", "left_after_expenses"),
        figures.source_money,
        currencies,
        sources,
    )
    tables = [by_kind] if by_kind else []
    if by_source:
        tables.append(replace(by_source, title=words["by_source_title"], lead=words["by_source_lead"]))
    return [Section("expenses", words["expenses_title"], words["expenses_lead"], tables=tables)]
