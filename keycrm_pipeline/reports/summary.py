"""The summary of a load for the Dagster page: markdown tables and a small chart of orders and sums.

It contains only figures and counts, no personal data. The assets put these texts into their metadata; SQL is in
`warehouse`, charts are drawn in `charts`.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from keycrm_pipeline.formatting import NO_VALUE, Formatter
from keycrm_pipeline.language import Language
from keycrm_pipeline.period import Period
from keycrm_pipeline.reports.charts import BarChart, Frame, Style, draw, draw_labels, sides, svg, text
from keycrm_pipeline.reports.periods import readable_span, span_starts, sums_by_span
from keycrm_pipeline.reports.wording import Wording
from keycrm_pipeline.sentences import without_typed
from keycrm_pipeline.words import WordSet

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.warehouse.attention import Rejection
    from keycrm_pipeline.warehouse.exchanges import ExchangeCounts
    from keycrm_pipeline.warehouse.sales import NamedSales

MOST_ROWS = 12
"""Rows of one table of the summary; the rest is added up, so that even 300 sources fit on the page."""

_CHART_WIDTH = 900
_PANEL_HEIGHT = 180
_TITLE_HEIGHT = 26
_FOOT_HEIGHT = 26
_TITLE = "#1d2733"
_TEXT = "#66717f"
_GRID = "#e3e7ec"
_ORDERS_COLOUR = "#8c9bb0"
_SUM_COLOURS = ("#2f6f8f", "#b3702b", "#5d7d3a", "#7d5a94")
_TITLE_FONT_SIZE = 13
_FONT_SIZE = 11
_MOST_LABELS = 8


@dataclass(frozen=True)
class DayFigures:
    """Orders of one local day; `totals`: currency -> sum of their grand totals, in whole currency units."""

    day: date
    orders: int
    totals: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class GroupFigures:
    """Orders of one source or one group of statuses by its name in the shop; `totals` as in `DayFigures`."""

    name: str
    orders: int
    totals: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class LoadSummary:
    """The stored documents of the days of a load.

    Attributes:
        days: Orders that are not cancelled, by day.
        sources: The same orders by source.
        status_groups: All orders by group of statuses, with the cancelled ones in a row of their own.
        cancelled: Currency -> sum of the cancelled orders.
        discounts: Currency -> discounts of orders that are not cancelled.
        delivery: Currency -> delivery charged in those orders.
        rejections: Why orders of these days were rejected, and how many.
    """

    days: Sequence[DayFigures] = ()
    sources: Sequence[GroupFigures] = ()
    status_groups: Sequence[GroupFigures] = ()
    cancelled: Mapping[str, Decimal] = field(default_factory=dict)
    discounts: Mapping[str, Decimal] = field(default_factory=dict)
    delivery: Mapping[str, Decimal] = field(default_factory=dict)
    rejections: Sequence[Rejection] = ()


def read_load_summary(connection: duckdb.DuckDBPyConnection, period: Period) -> LoadSummary:
    """Reads the summary of a period from the views of schema `reports`."""
    from keycrm_pipeline.warehouse import attention, sales

    days: dict[date, tuple[int, dict[str, Decimal]]] = {}
    for row in sales.sales_by_day(connection, period):
        orders, totals = days.get(row.order_day, (0, {}))
        days[row.order_day] = (orders + row.orders, totals | {row.currency: row.grand_total})
    figures = sales.period_totals(connection, period)
    return LoadSummary(
        days=[DayFigures(day, *figures) for day, figures in sorted(days.items())],
        sources=_groups(sales.sales_by_source(connection, period)),
        status_groups=_groups(sales.orders_by_status_group(connection, period)),
        cancelled={
            currency: row.cancelled_total for currency, row in figures.items() if row.cancelled_orders
        },
        discounts={currency: row.discount_total for currency, row in figures.items() if row.discount_total},
        delivery={currency: row.delivery_total for currency, row in figures.items() if row.delivery_total},
        rejections=attention.rejections_of_period(connection, period),
    )


def _groups(rows: Sequence[NamedSales]) -> list[GroupFigures]:
    groups: dict[str, tuple[int, dict[str, Decimal]]] = {}
    for row in rows:
        name = row.name or NO_VALUE
        known, totals = groups.get(name, (0, {}))
        groups[name] = (known + row.orders, _added(totals, {row.currency: row.amount}))
    return [GroupFigures(name, *figures) for name, figures in groups.items()]


def _added(one: Mapping[str, Decimal], other: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return dict(one) | {
        currency: one.get(currency, Decimal(0)) + amount for currency, amount in other.items()
    }


def load_summary_markdown(
    summary: LoadSummary,
    counts: ExchangeCounts,
    *,
    language: Language = "uk",
    word_set: WordSet = "bas",
    with_chart: bool = False,
) -> str:
    """The summary of a load as markdown for the metadata of a materialization.

    Args:
        summary: The figures of the loaded days.
        counts: What the load did.
        language: Language of words, numbers and dates.
        word_set: Whose words the Ukrainian texts use.
        with_chart: Whether to begin with the chart by day, as an embedded picture.
    """
    write, words = Formatter(language), Wording(language, word_set)
    parts: list[str] = []
    if with_chart and summary.days:
        parts.append(
            chart_markdown(summary_chart_svg(summary.days, language=language), words["chart_of_days"])
        )
    parts.append(
        _markdown_table(
            (words["load"], ""),
            [
                (words[f"count_{name}"], write.number(value))
                for name, value in vars(counts).items()
                if value or name.startswith("orders_")
            ],
        )
    )
    currencies = _currencies(summary.days)
    totals: dict[str, Decimal] = {}
    for day in summary.days:
        totals = _added(totals, day.totals)
    sums = [
        (words[key], _money_list(write, amounts, currencies))
        for key, amounts in (
            ("sales", totals),
            ("cancelled", summary.cancelled),
            ("all_orders", _added(totals, summary.cancelled)),
            ("discounts_of_sales", summary.discounts),
            ("delivery_of_sales", summary.delivery),
        )
    ]
    parts.append(_markdown_table((words["sums"], ""), sums))
    for title, groups in (
        (words["by_source"], summary.sources),
        (words["by_status_group"], summary.status_groups),
    ):
        if groups:
            parts.append(
                _markdown_table(
                    (title, words["orders"], words["sum"]), _group_rows(write, words, groups, currencies)
                )
            )
    if summary.rejections:
        found: Counter[str] = Counter()
        for rejection in summary.rejections:
            found[words.in_words(rejection.text(write, without_typed))] += rejection.orders
        rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        cells = [(reason, write.number(orders)) for reason, orders in rows[:MOST_ROWS]]
        if len(rows) > MOST_ROWS:
            cells.append((words["and_more_reasons"], write.number(len(rows) - MOST_ROWS)))
        parts.append(_markdown_table((words["rejected_why"], words["orders"]), cells))
    return "\n\n".join(parts) + "\n"


def _group_rows(
    write: Formatter, words: Wording, groups: Sequence[GroupFigures], currencies: Sequence[str]
) -> list[tuple[str, str, str]]:
    ordered = sorted(groups, key=lambda group: (-group.orders, group.name))
    rest = ordered[MOST_ROWS:]
    rows = [
        (group.name, write.number(group.orders), _money_list(write, group.totals, currencies))
        for group in ordered[:MOST_ROWS]
    ]
    if rest:
        totals: dict[str, Decimal] = {}
        for group in rest:
            totals = _added(totals, group.totals)
        orders = sum(group.orders for group in rest)
        rows.append((words["the_rest"], write.number(orders), _money_list(write, totals, currencies)))
    return rows


def _money_list(write: Formatter, totals: Mapping[str, Decimal], first: Sequence[str]) -> str:
    order = {currency: place for place, currency in enumerate(first)}
    ordered = sorted(totals.items(), key=lambda item: (order.get(item[0], len(order)), item[0]))
    amounts = [write.money(amount, currency) for currency, amount in ordered]
    return " · ".join(amounts) if amounts else NO_VALUE


def _markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(_markdown_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _markdown_cell(text: str) -> str:
    """Text that markdown shows literally: names come from the shop and may contain pipes, tags or links."""
    flat = " ".join(text.split())
    for char in ("\\", "|", "`", "*", "_", "[", "]"):
        flat = flat.replace(char, f"\\{char}")
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def chart_markdown(picture: str, description: str) -> str:
    """An SVG picture embedded in markdown, so that the page loads nothing."""
    code = base64.b64encode(picture.encode("utf-8")).decode("ascii")
    return f"![{_markdown_cell(description)}](data:image/svg+xml;base64,{code})"


def summary_chart_svg(rows: Sequence[DayFigures], *, language: Language = "uk") -> str:
    """A chart of orders and of the sums in each currency by day, as an SVG picture under 100 KB.

    A bar stands for a day in periods of up to a quarter, for a week in periods of up to three years, else for
    a month; missing days count as days without orders. There is one panel for the orders and one for each
    currency, since currencies are never added together.

    Args:
        rows: Figures by day, at least one, in any order; repeated days are added up.
        language: Language of titles, numbers and dates.
    """
    write, words = Formatter(language), Wording(language)
    period = Period(min(row.day for row in rows), max(row.day for row in rows))
    span = readable_span(len(period.days))
    starts = span_starts(period, span)
    per_span = words[f"per_{span}"]
    write_start = write.short_day if span == "day" else write.month
    labels = [write_start(start) for start in starts]
    orders = sums_by_span(((row.day, row.orders) for row in rows), span)
    panels = [
        (f"{words['orders']} {per_span}", _ORDERS_COLOUR, [float(orders.get(start, 0)) for start in starts])
    ]
    for number, currency in enumerate(_currencies(rows)):
        sums = sums_by_span(((row.day, row.totals.get(currency, Decimal(0))) for row in rows), span)
        panels.append(
            (
                f"{words['sum']}, {write.currency_name(currency)}, {per_span}",
                _SUM_COLOURS[number % len(_SUM_COLOURS)],
                # Only heights of bars are binary fractions; sums are not computed with them.
                [float(sums.get(start, 0)) for start in starts],
            )
        )
    charts = [BarChart(labels, heights, write.short_number) for _, _, heights in panels]
    left, right = sides(charts, _CHART_WIDTH, _MOST_LABELS, _FONT_SIZE)
    height = _PANEL_HEIGHT * len(panels) + _FOOT_HEIGHT
    elements = [f'<rect width="{_CHART_WIDTH}" height="{height}" style="fill:#ffffff"/>']
    for number, (chart, (title, colour, _)) in enumerate(zip(charts, panels, strict=True)):
        top = number * _PANEL_HEIGHT
        frame = Frame(left, top + _TITLE_HEIGHT, right, top + _PANEL_HEIGHT - _FONT_SIZE)
        style = Style(bar=colour, text=_TEXT, grid=_GRID, font_size=_FONT_SIZE)
        elements.append(text(title, (left, top + _TITLE_FONT_SIZE + 3), _TITLE, _TITLE_FONT_SIZE))
        elements += draw(chart, frame, style)
        if number == len(charts) - 1:
            elements += draw_labels(chart, frame, style, _MOST_LABELS)
    size = f' width="{_CHART_WIDTH}" height="{height}" font-family="system-ui, sans-serif"'
    return svg(_CHART_WIDTH, height, elements, attributes=size)


def _currencies(rows: Sequence[DayFigures]) -> list[str]:
    """Currencies, beginning with the one of most days: that is the shop's own."""
    days: dict[str, int] = {}
    for row in rows:
        for currency in row.totals:
            days[currency] = days.get(currency, 0) + 1
    return sorted(days, key=lambda currency: (-days[currency], currency))
