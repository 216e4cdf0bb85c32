"""The top of the page: the state of the exchange, warnings, and figures compared with the previous period.

Sales by day are in `timeline`, sales by source or product in `rankings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from keycrm_pipeline.reports.elements import (
    ZERO,
    Body,
    Cell,
    Fact,
    Section,
    Table,
    Tile,
    Tone,
    Writer,
    tone_of,
)
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.warehouse.sales import PeriodTotals
from keycrm_pipeline.warehouse.sums import OrderSum, PeriodSums

MOST_DAYS_NAMED = 8
"""How many missing days a warning lists."""


def facts(figures: ReportFigures, writer: Writer) -> list[Fact]:
    """The strip at the top: the last exchange, and what needs your attention."""
    words, write = writer.words, writer.write
    waiting = sum(count for kind, count in figures.review_counts.items() if kind != "rejected_order")
    if figures.exchanges:
        last = figures.exchanges[0]
        value = f"{words[last.outcome]}, {write.instant(last.started_at, writer.timezone)}"
        exchange_tones: Mapping[str, Tone] = {"succeeded": "good", "failed": "bad", "killed": "bad"}
        exchange = Fact(words["last_exchange"], value, "#exchanges", exchange_tones.get(last.outcome, ""))
    else:
        exchange = Fact(words["last_exchange"], words["no_exchange"], "#exchanges", "quiet")
    return [
        exchange,
        Fact(
            words["needs_attention"],
            write.number(waiting) if waiting else words["nothing"],
            "#review",
            "bad" if waiting else "quiet",
        ),
        Fact(
            words["rejected_short"],
            write.number(figures.rejected_count) if figures.rejected_count else words["nothing"],
            "#rejected",
            "bad" if figures.rejected_count else "quiet",
        ),
    ]


def notices(figures: ReportFigures, writer: Writer) -> list[str]:
    """Warnings about the figures: days that were never loaded (R1)."""
    words, write = writer.words, writer.write
    found = []
    length = sum(day <= figures.today for day in figures.period.days)
    missing = figures.days_missing
    if missing and len(missing) == length and not figures.totals:
        found.append(words["nothing_loaded"])
    elif missing:
        named = ", ".join(write.day(day) for day in missing[:MOST_DAYS_NAMED])
        if len(missing) > MOST_DAYS_NAMED:
            named += " " + words["and_more"].format(count=write.number(len(missing) - MOST_DAYS_NAMED))
        count = write.plural(len(missing), *words.forms("days_count"))
        found.append(
            f"{words['days_missing'].format(days=count)} {words['first_missing'].format(days=named)}."
        )
    if figures.totals and not figures.is_before_known:
        found.append(words["nothing_loaded_before"].format(period=write.period(figures.before)))
    elif figures.days_missing_before and figures.totals:
        count = write.plural(len(figures.days_missing_before), *words.forms("days_count"))
        found.append(words["days_missing_before"].format(days=count))
    return found


def totals_of(figures: ReportFigures, currency: str) -> tuple[PeriodTotals, PeriodTotals]:
    """The totals of one currency in the period and in the previous period; zeros where there are none."""
    nothing = PeriodTotals(currency)
    return figures.totals.get(currency, nothing), figures.totals_before.get(currency, nothing)


def _average(totals: PeriodTotals) -> Decimal:
    return totals.grand_total / totals.orders if totals.orders else ZERO


def tiles(figures: ReportFigures, writer: Writer) -> list[Tile]:
    """The headline figures in the shop's own currency; other currencies are only in the table below."""
    if not figures.currencies:
        return []
    words, write = writer.words, writer.write
    currency = figures.currencies[0]
    now, before = totals_of(figures, currency)

    def tile(label: str, value: Decimal, value_before: Decimal, written: Callable[[Decimal], str]) -> Tile:
        return Tile(
            label,
            written(value),
            writer.change(value, value_before) if figures.is_before_known else "",
            words["was"].format(value=written(value_before))
            if figures.is_before_known and value_before > 0
            else "",
            tone_of(value, value_before, more_is="good") if figures.is_before_known else "",
        )

    def money(amount: Decimal) -> str:
        return write.whole_money(amount, currency)

    orders = words["sales_orders"]
    if len(figures.currencies) > 1:
        orders += f", {currency}"
    return [
        tile(words["sales"], now.grand_total, before.grand_total, money),
        tile(orders, Decimal(now.orders), Decimal(before.orders), write.number),
        tile(words["average_order"], _average(now), _average(before), money),
        tile(words["paid_of_sales"], now.paid_total, before.paid_total, money),
    ]


def figures_section(figures: ReportFigures, writer: Writer) -> Section:
    """The period's figures compared with the previous period, by currency."""
    words, write = writer.words, writer.write
    bodies = []
    is_compared = figures.is_before_known
    for currency in figures.currencies:
        now, before = totals_of(figures, currency)

        def count(label: str, one: int, other: int, more_is: Tone = "") -> list[Cell]:
            return _figure_row(
                writer, label, Decimal(one), Decimal(other) if is_compared else None, write.number, more_is
            )

        def money(
            label: str, one: Decimal, other: Decimal, more_is: Tone = "", currency: str = currency
        ) -> list[Cell]:
            return _figure_row(
                writer,
                label,
                one,
                other if is_compared else None,
                lambda value: write.money(value, currency),
                more_is,
            )

        rows = [
            money(words["sales"], now.grand_total, before.grand_total, "good"),
            count(words["sales_orders"], now.orders, before.orders, "good"),
            money(words["average_order"], _average(now), _average(before), "good"),
            money(words["goods"], now.goods_total, before.goods_total),
            money(words["services_tab"], now.services_total, before.services_total),
            money(words["of_it_delivery"], now.delivery_total, before.delivery_total),
            money(words["discounts"], now.discount_total, before.discount_total),
            money(words["paid_of_sales"], now.paid_total, before.paid_total, "good"),
            money(words["still_due"], now.due, before.due),
            count(words["cancelled_orders"], now.cancelled_orders, before.cancelled_orders, "bad"),
            money(words["cancelled"], now.cancelled_total, before.cancelled_total, "bad"),
            count(words["returned_orders"], now.returned_orders, before.returned_orders, "bad"),
            money(words["returned_sum"], now.returned_total, before.returned_total, "bad"),
        ]
        if now.difference or before.difference:
            rows.insert(6, money(words["difference"], now.difference, before.difference))
        bodies.append(Body(rows, writer.currency_title(currency, figures.currencies)))
    headings = writer.headings(
        words["figure"], "this_period", *(("change", "period_before") if is_compared else ())
    )
    tables = [Table(headings, bodies, title=words["figures_compared" if is_compared else "figures_alone"])]
    return Section(
        "figures",
        words["figures"],
        words["figures_lead"] if bodies else "",
        tables=[*_sums_table(figures, writer), *tables] if bodies else [],
        empty=words["empty_period"],
    )


def _sums_table(figures: ReportFigures, writer: Writer) -> list[Table]:
    """Each sum of the period under its own word: sales, cancelled, all orders, exported and held back."""
    words, write = writer.words, writer.write

    def body(sums: PeriodSums) -> Body:
        def row(label: str, one: OrderSum, tone: Tone = "") -> list[Cell]:
            amount = write.money(one.amount, sums.currency)
            return [
                Cell(label, tone=tone),
                Cell(write.number(one.orders), tone=tone),
                Cell(amount, tone=tone),
            ]

        rows = [
            row(words["sales"], sums.sales),
            row(words["cancelled"], sums.cancelled),
            row(words["all_orders"], sums.all_orders),
            row(words["exported"], sums.exported),
            row(words["held_back"], sums.all_held_back),
        ]
        rows += [row(words[f"held_back_{cause}"], one, "quiet") for cause, one in sums.held_back.items()]
        return Body(rows, writer.currency_title(sums.currency, list(figures.sums)))

    bodies = [body(figures.sums[currency]) for currency in figures.currencies if currency in figures.sums]
    if not bodies:
        return []
    note = words["export_note"]
    if figures.never_booked:
        orders = write.plural(figures.never_booked, *words.forms("orders_count"))
        note += " " + words["never_booked"].format(count=orders)
    return [Table(writer.headings(words["figure"], "order_count", "amount"), bodies, note=note)]


def _figure_row(
    writer: Writer,
    label: str,
    now: Decimal,
    before: Decimal | None,
    written: Callable[[Decimal], str],
    more_is: Tone,
) -> list[Cell]:
    """A row of one figure; `before` is None if the previous period is unknown, which has no columns then."""
    first = [
        Cell(label, tone="quiet" if label == writer.words["of_it_delivery"] else ""),
        Cell(written(now)),
    ]
    if before is None:
        return first
    return [
        *first,
        Cell(writer.change(now, before), tone=tone_of(now, before, more_is=more_is)),
        Cell(written(before), tone="quiet"),
    ]
