"""Sales over time: charts and the table behind them.

What is not here: drawing (see `charts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from keycrm_pipeline.reports.charts import NARROW, WIDE, BarChart, bar_chart_svg
from keycrm_pipeline.reports.elements import ZERO, Body, Cell, Chart, Heading, Section, Table, Writer
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.reports.formatting import Formatter
from keycrm_pipeline.reports.periods import Span, days_of, readable_span, span_start
from keycrm_pipeline.warehouse.sales import DaySales


def days_section(figures: ReportFigures, writer: Writer) -> Section:
    """Sales over time: a chart for each currency with the period before, one of orders, and a table."""
    words, write = writer.words, writer.write
    if not figures.totals:
        return Section("days", words["days"], empty=words["empty_period"])
    period = list(days_of(figures.period_from, figures.period_to))
    span = readable_span(len(period))
    starts = sorted({span_start(day, span) for day in period})
    label = write.month if span == "month" else write.short_day
    labels = [label(max(start, figures.period_from)) for start in starts]
    charts = []
    currencies = [currency for currency in figures.currencies if currency in figures.totals]
    sums: dict[str, dict[date, Decimal]] = {}
    for currency in currencies:
        sums[currency] = _sums_by_span(figures.days, currency, span)
        before = _aligned_before(figures, currency, span)
        charts.append(
            _chart(
                labels,
                [float(sums[currency].get(start, ZERO)) for start in starts],
                title=words["sales_in"].format(currency=write.currency_name(currency)),
                description=words["chart_of_sales"].format(
                    currency=write.currency_name(currency), span=words[f"per_{span}"]
                ),
                line=before if any(before) else (),
                legend=[("bar", words["legend_period"])]
                + ([("line", words["legend_before"])] if any(before) else []),
                write=write,
            )
        )
    kept: dict[date, int] = {}
    for row in figures.days:
        start = span_start(row.order_day, span)
        kept[start] = kept.get(start, 0) + row.orders
    cancelled: dict[date, int] = {}
    for day, orders in figures.cancelled_days.items():
        start = span_start(day, span)
        cancelled[start] = cancelled.get(start, 0) + orders
    charts.append(
        _chart(
            labels,
            [float(kept.get(start, 0)) for start in starts],
            title=words["orders"],
            description=words["chart_of_orders"].format(span=words[f"per_{span}"]),
            second=[float(cancelled.get(start, 0)) for start in starts] if cancelled else (),
            legend=[("bar", words["legend_kept"])]
            + ([("second", words["legend_cancelled"])] if cancelled else []),
            write=write,
        )
    )
    return Section(
        "days",
        words["days"],
        charts=charts,
        tables=[_days_table(figures, writer, span, starts, kept, cancelled, sums)],
    )


def _sums_by_span(days: Sequence[DaySales], currency: str, span: Span) -> dict[date, Decimal]:
    sums: dict[date, Decimal] = {}
    for row in days:
        if row.currency == currency:
            start = span_start(row.order_day, span)
            sums[start] = sums.get(start, ZERO) + row.grand_total
    return sums


def _aligned_before(figures: ReportFigures, currency: str, span: Span) -> list[float]:
    """The period before, moved onto this one day by day, so that bars hold the same number of days."""
    moved = figures.period_from - figures.before_from
    rows = [DaySales(row.order_day + moved, row.currency, row.orders, row.grand_total, row.paid_total)
            for row in figures.days_before]  # fmt: skip
    sums = _sums_by_span(rows, currency, span)
    starts = sorted({span_start(day, span) for day in days_of(figures.period_from, figures.period_to)})
    return [float(sums.get(start, ZERO)) for start in starts]


def _chart(
    labels: Sequence[str],
    heights: Sequence[float],
    *,
    title: str,
    description: str,
    write: Formatter,
    second: Sequence[float] = (),
    line: Sequence[float] = (),
    legend: Sequence[tuple[str, str]] = (),
) -> Chart:
    chart = BarChart(labels, heights, write.short_number, second=second, line=line)
    return Chart(title, description, bar_chart_svg(chart, WIDE), bar_chart_svg(chart, NARROW), legend)


def _days_table(
    figures: ReportFigures,
    writer: Writer,
    span: Span,
    starts: Sequence[date],
    kept: Mapping[date, int],
    cancelled: Mapping[date, int],
    sums: Mapping[str, Mapping[date, Decimal]],
) -> Table:
    words, write = writer.words, writer.write
    name = {"day": write.weekday_and_day, "week": write.day, "month": write.month}[span]

    def row(first: str, orders: int, lost: int, amounts: Iterable[tuple[str, Decimal]]) -> list[Cell]:
        return [
            Cell(first),
            Cell(write.number(orders)),
            Cell(write.number(lost), tone="quiet"),
            *(Cell(write.money(amount, currency)) for currency, amount in amounts),
        ]

    rows = [
        row(
            name(max(start, figures.period_from)),
            kept.get(start, 0),
            cancelled.get(start, 0),
            [(currency, of_span.get(start, ZERO)) for currency, of_span in sums.items()],
        )
        for start in starts
    ]
    total = row(
        words["total"],
        sum(kept.values()),
        sum(cancelled.values()),
        [(currency, sum(of_span.values(), ZERO)) for currency, of_span in sums.items()],
    )
    headings = [Heading(words[span], "name"), Heading(words["orders"]), Heading(words["cancelled"])]
    headings += [
        Heading(words["sales_in"].format(currency=write.currency_name(currency))) for currency in sums
    ]
    return Table(headings, [Body(rows, total=total)], title=words["show_table"], folded=True)
