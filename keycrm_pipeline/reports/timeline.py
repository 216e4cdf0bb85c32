"""Sales over time: the charts, and the table with their figures. Charts are drawn in `charts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from keycrm_pipeline.reports.charts import NARROW, WIDE, BarChart, bar_chart_svg
from keycrm_pipeline.reports.elements import ZERO, Body, Cell, Chart, Heading, Section, Table, Writer
from keycrm_pipeline.reports.figures import ReportFigures
from keycrm_pipeline.reports.periods import Span, readable_span, span_starts, sums_by_span
from keycrm_pipeline.warehouse.sales import DaySales


@dataclass(frozen=True)
class _Bars:
    """The figures of each bar, by its first day; bars without figures are missing.

    Attributes:
        span: What one bar stands for.
        starts: First day of each bar.
        orders: Orders that are not cancelled.
        cancelled: Cancelled orders.
        sales: Currency -> sales.
    """

    span: Span
    starts: Sequence[date]
    orders: Mapping[date, int]
    cancelled: Mapping[date, int]
    sales: Mapping[str, Mapping[date, Decimal]]


def days_section(figures: ReportFigures, writer: Writer) -> Section:
    """Sales over time: a chart per currency with the previous period, a chart of orders, and a table."""
    words, write = writer.words, writer.write
    if not figures.totals:
        return Section("days", words["days"], empty=words["empty_period"])
    span = readable_span(len(figures.period.days))
    bars = _Bars(
        span,
        span_starts(figures.period, span),
        sums_by_span(((row.order_day, row.orders) for row in figures.days), span),
        sums_by_span(figures.cancelled_days.items(), span),
        {
            currency: _sales(figures.days, currency, span)
            for currency in figures.currencies
            if currency in figures.totals
        },
    )
    label = write.month if span == "month" else write.short_day
    labels = [label(max(start, figures.period.first)) for start in bars.starts]
    # Moved day by day, so that bars of both periods hold the same number of days.
    moved = figures.period.first - figures.before.first
    charts = []
    for currency, sales in bars.sales.items():
        sales_before = _sales(figures.days_before, currency, span, moved)
        before = _heights(sales_before, bars.starts) if any(sales_before.values()) else []
        charts.append(
            _chart(
                BarChart(labels, _heights(sales, bars.starts), write.short_number, line=before),
                title=words["sales_in"].format(currency=write.currency_name(currency)),
                description=words["chart_of_sales_compared" if before else "chart_of_sales"].format(
                    currency=write.currency_name(currency), span=words[f"per_{span}"]
                ),
                legend=[("bar", words["legend_period"])]
                + ([("line", words["legend_before"])] if before else []),
            )
        )
    cancelled = _heights(bars.cancelled, bars.starts) if bars.cancelled else []
    charts.append(
        _chart(
            BarChart(labels, _heights(bars.orders, bars.starts), write.short_number, second=cancelled),
            title=words["orders"],
            description=words["chart_of_orders"].format(span=words[f"per_{span}"]),
            legend=[("bar", words["legend_kept"])]
            + ([("second", words["legend_cancelled"])] if cancelled else []),
        )
    )
    return Section("days", words["days"], charts=charts, tables=[_days_table(figures, writer, bars)])


def _sales(
    days: Sequence[DaySales], currency: str, span: Span, moved: timedelta = timedelta()
) -> dict[date, Decimal]:
    """Sales in one currency by bar, of days that are moved by some time first."""
    return sums_by_span(
        ((row.order_day + moved, row.grand_total) for row in days if row.currency == currency), span
    )


def _heights(values: Mapping[date, Decimal] | Mapping[date, int], starts: Sequence[date]) -> list[float]:
    """Heights of bars; only these are binary fractions, sums are not computed with them."""
    return [float(values.get(start, 0)) for start in starts]


def _chart(chart: BarChart, *, title: str, description: str, legend: Sequence[tuple[str, str]]) -> Chart:
    return Chart(title, description, bar_chart_svg(chart, WIDE), bar_chart_svg(chart, NARROW), legend)


def _days_table(figures: ReportFigures, writer: Writer, bars: _Bars) -> Table:
    words, write = writer.words, writer.write
    name = {"day": write.weekday_and_day, "week": write.day, "month": write.month}[bars.span]

    def row(first: str, orders: int, cancelled: int, amounts: Iterable[tuple[str, Decimal]]) -> list[Cell]:
        return [
            Cell(first),
            Cell(write.number(orders)),
            Cell(write.number(cancelled), tone="quiet"),
            *(Cell(write.money(amount, currency)) for currency, amount in amounts),
        ]

    rows = [
        row(
            name(max(start, figures.period.first)),
            bars.orders.get(start, 0),
            bars.cancelled.get(start, 0),
            [(currency, sales.get(start, ZERO)) for currency, sales in bars.sales.items()],
        )
        for start in bars.starts
    ]
    total = row(
        words["total"],
        sum(bars.orders.values()),
        sum(bars.cancelled.values()),
        [(currency, sum(sales.values(), ZERO)) for currency, sales in bars.sales.items()],
    )
    headings = [
        Heading(words[bars.span], "name"),
        Heading(words["sales_orders"]),
        Heading(words["cancelled_orders"]),
    ]
    headings += [
        Heading(words["sales_in"].format(currency=write.currency_name(currency))) for currency in bars.sales
    ]
    return Table(headings, [Body(rows, total=total)], title=words["show_table"], folded=True)
