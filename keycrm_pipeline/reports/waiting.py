"""Unpaid orders, what needs your attention, rejected and lost orders, and the log of exchanges.

Sales are in `rankings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from keycrm_pipeline.formatting import NO_VALUE, Formatter, without_contacts
from keycrm_pipeline.period import Period
from keycrm_pipeline.reports.elements import (
    ZERO,
    Body,
    Cell,
    Heading,
    Section,
    Table,
    Tone,
    Writer,
    by_currency,
)
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse.receivables import DueAge, DueOfAge
from keycrm_pipeline.warehouse.sales import LostSales, PeriodTotals

_AGES: tuple[DueAge, ...] = ("week", "month", "quarter", "older")


def due_section(figures: ReportFigures, writer: Writer) -> Section:
    """Payments due by age of the order, cash on delivery in transit, and the oldest unpaid orders."""
    words, write = writer.words, writer.write

    def write_rows(currency: str, ages: list[DueOfAge]) -> tuple[list[list[Cell]], list[Cell]]:
        def row(name: str, orders: int, due: Decimal, parcels: int, parcels_due: Decimal) -> list[Cell]:
            return [
                Cell(name),
                Cell(write.number(orders)),
                Cell(write.money(due, currency)),
                Cell(write.number(parcels)),
                Cell(write.money(parcels_due, currency)),
            ]

        by_age = {age.age: age for age in ages}
        rows = [
            row(
                words[f"age_{age}"],
                found.orders,
                found.due,
                found.cash_on_delivery_orders,
                found.cash_on_delivery_due,
            )
            for age in _AGES
            if (found := by_age.get(age))
        ]
        total = row(
            words["total"],
            sum(age.orders for age in ages),
            sum((age.due for age in ages), ZERO),
            sum(age.cash_on_delivery_orders for age in ages),
            sum((age.cash_on_delivery_due for age in ages), ZERO),
        )
        return rows, total

    headings = writer.headings(
        words["order_age"], "orders", "due", "cash_on_delivery_orders", "cash_on_delivery_due"
    )
    table = writer.table(headings, figures.due, figures.currencies, write_rows)
    rounded = [
        words["rounded_cash"].format(
            count=write.plural(row.orders, *words.forms("orders_count")),
            amount=write.money(row.rounding, row.currency),
        )
        for row in figures.rounded
    ]
    if table is None:
        return Section("due", words["due_title"], " ".join(rounded), empty=words["nothing_due"])
    notes = [
        words["due_returned"].format(
            count=write.plural(returned, *words.forms("orders_count")),
            amount=write.money(sum((age.returned_due for age in ages), ZERO), currency),
        )
        for currency, ages in by_currency(figures.due, figures.currencies)
        if (returned := sum(age.returned_orders for age in ages))
    ] + rounded
    tables = [replace(table, note=" ".join(notes))]
    if figures.oldest_due:
        oldest = [
            [
                writer.order(order.order_id),
                Cell(write.day(order.order_day)),
                Cell(
                    order.stage, note=words["cash_on_delivery_out"] if order.is_cash_on_delivery_out else ""
                ),
                Cell(order.delivery_service or NO_VALUE),
                Cell(write.money(order.due, order.currency)),
            ]
            for order in figures.oldest_due
        ]
        tables.append(
            Table(
                [
                    Heading(words["order"], "code"),
                    Heading(words["day"], "short"),
                    Heading(words["stage"], "name"),
                    Heading(words["delivery_service"], "short"),
                    Heading(words["due"]),
                ],
                [Body(oldest)],
                title=words["oldest_due"].format(count=write.number(len(oldest))),
                folded=True,
            )
        )
    return Section(
        "due", words["due_title"], words["due_lead"].format(day=write.day(figures.today)), tables=tables
    )


def lost_section(figures: ReportFigures, writer: Writer) -> Section:
    """Cancelled orders and returned parcels, by stage."""
    words, write = writer.words, writer.write

    def write_rows(currency: str, rows: list[LostSales]) -> tuple[list[list[Cell]], list[Cell]]:
        cells = [
            [
                Cell(row.name, note=words["parcel_returned"] if row.is_returned else ""),
                Cell(write.number(row.orders)),
                Cell(write.money(row.amount, currency)),
                Cell(write.money(row.paid, currency) if row.paid else NO_VALUE, tone="quiet"),
            ]
            for row in rows
        ]
        total = [
            Cell(words["total"]),
            Cell(write.number(sum(row.orders for row in rows))),
            Cell(write.money(sum((row.amount for row in rows), ZERO), currency)),
            Cell(write.money(sum((row.paid for row in rows), ZERO), currency)),
        ]
        return cells, total

    headings = writer.headings(words["stage"], "orders", "amount", "of_it_paid")
    table = writer.table(headings, figures.lost, figures.currencies, write_rows)
    if table is None:
        return Section("lost", words["lost_title"], empty=words["nothing_lost"], is_half=True)
    before = _cancelled_share(figures.totals_before, write)
    lead = words["lost_share" if before == NO_VALUE else "lost_share_before"].format(
        share=_cancelled_share(figures.totals, write), before=before
    )
    return Section("lost", words["lost_title"], lead, tables=[table], is_half=True)


def _cancelled_share(totals: Mapping[str, PeriodTotals], write: Formatter) -> str:
    # Unlike sums, orders may be counted across currencies.
    cancelled = sum(row.cancelled_orders for row in totals.values())
    orders = cancelled + sum(row.orders for row in totals.values())
    return write.percent(Decimal(cancelled) / orders) if orders else NO_VALUE


def exchanges_section(figures: ReportFigures, writer: Writer) -> Section:
    """The latest exchanges of the log."""
    words, write = writer.words, writer.write
    tones: Mapping[str, Tone] = {"succeeded": "good", "failed": "bad", "killed": "bad"}
    rows = []
    for exchange in figures.exchanges:
        period = ""
        if exchange.period_from and exchange.period_to:
            period = write.period(Period(exchange.period_from, exchange.period_to))
        rows.append(
            [
                Cell(str(exchange.exchange_id)),
                Cell(write.instant(exchange.started_at, writer.timezone)),
                Cell(words.get(f"exchange_{exchange.kind}", exchange.kind), note=period),
                Cell(
                    words.get(exchange.outcome, exchange.outcome),
                    note=exchange.error_text(write, without_contacts),
                    tone=tones.get(exchange.outcome, ""),
                ),
                Cell(write.number(exchange.orders_seen)),
                Cell(write.number(exchange.orders_created)),
                Cell(write.number(exchange.orders_updated)),
                Cell(write.number(exchange.orders_unchanged)),
                Cell(write.number(exchange.orders_rejected)),
                Cell(write.number(exchange.requests)),
                Cell(write.duration(exchange.seconds) if exchange.seconds is not None else NO_VALUE),
            ]
        )
    headings = [
        Heading("№"),
        Heading(words["started"], "short"),
        Heading(words["exchange"], "name"),
        Heading(words["result"], "name"),
        *(
            Heading(words[key])
            for key in ("seen", "created", "updated", "unchanged", "rejected", "requests", "took")
        ),
    ]
    return Section(
        "exchanges",
        words["exchanges_title"],
        tables=[Table(headings, [Body(rows)])] if rows else [],
        empty=words["no_exchange"] + ".",
    )


def review_section(figures: ReportFigures, writer: Writer) -> Section:
    """What needs your attention, with what to do about each kind; orders are linked."""
    words, write = writer.words, writer.write
    tables = []
    unknown = sorted(figures.review_counts.keys() - REVIEW_LIST.keys())
    for kind in (*REVIEW_LIST, *unknown):
        count = figures.review_counts.get(kind, 0)
        if not count:
            continue
        known = REVIEW_LIST.get(kind)
        title = f"{words.of(known.title) if known else kind} · {write.number(count)}"
        lead = words.of(known.advice) if known else ""
        if kind == "rejected_order":
            # Their reasons have a section of their own; showing the rows twice would hide the others.
            tables.append(Table((), (), title=title, lead=lead))
            continue
        items = [item for item in figures.review if item.kind == kind]
        rows = [
            [
                Cell(
                    without_contacts(item.subject),
                    href=writer.order_address(item.order_id) if item.order_id is not None else None,
                ),
                Cell(words.in_words(item.text(write, without_contacts))),
                Cell(write.day(item.first_seen_at.date())),
            ]
            for item in items
        ]
        note = ""
        if count > len(rows):
            note = words["more_of_kind"].format(shown=write.number(len(rows)), count=write.number(count))
        headings = [
            Heading(words["review_subject"], "name"),
            Heading(words["review_details"], "long"),
            Heading(words["since"]),
        ]
        tables.append(Table(headings, [Body(rows)], title=title, lead=lead, note=note))
    return Section("review", words["review_title"], tables=tables, empty=words["nothing_to_review"])


def rejected_section(figures: ReportFigures, writer: Writer) -> Section:
    """Orders that could not be loaded, with every reason (R10)."""
    words, write = writer.words, writer.write
    if not figures.rejected:
        return Section("rejected", words["rejected_title"], empty=words["nothing_rejected"])
    rows = [
        [
            writer.order(record.order_id) if record.order_id is not None else Cell(words["no_order_number"]),
            Cell(write.day(record.order_day) if record.order_day else NO_VALUE),
            Cell(words.in_words(" ".join(record.reason_texts(write, without_contacts)))),
            Cell(write.day(record.rejected_at.date())),
        ]
        for record in figures.rejected
    ]
    note = ""
    if figures.rejected_count > len(rows):
        note = words["rejected_more"].format(
            shown=write.number(len(rows)), count=write.number(figures.rejected_count)
        )
    headings = [
        Heading(words["order"], "code"),
        Heading(words["day"], "short"),
        Heading(words["reasons"], "long"),
        Heading(words["since"]),
    ]
    return Section(
        "rejected",
        words["rejected_title"],
        words["rejected_lead"],
        tables=[Table(headings, [Body(rows)], note=note)],
    )
