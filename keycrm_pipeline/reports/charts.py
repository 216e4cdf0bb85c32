"""Charts of the exchange report as SVG that stands inside the page and takes the page's colours and fonts.

matplotlib draws with marker colours; the finished SVG names the page's CSS variables in their place, so that
one drawing is right in light, dark and print. Text stays text: it is searched, read aloud, and set in the
reader's font. What is not here: the figures (see `figures`), the chart of a load (see `summary`, a PNG for
the Dagster page).
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ACCENT = "#010203"
_SECOND = "#010204"
_LINE = "#010205"
_TEXT = "#010206"
_GRID = "#010207"
_VARIABLES = {
    _ACCENT: "var(--chart-bar)",
    _SECOND: "var(--chart-second)",
    _LINE: "var(--chart-line)",
    _TEXT: "var(--muted)",
    _GRID: "var(--rule)",
}
"""Marker colours that nothing else in a drawing has -> the page's variables."""

_LOCK = threading.Lock()
"""matplotlib reads the setting "text stays text" from a process-wide table, and assets may run in threads."""

_LEFT_OUT = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"^.*?(?=<svg)",  # the XML declaration and the document type
        r"<metadata>.*?</metadata>",
        # It would style the whole page, not just the drawing.
        r"<style[^>]*>.*?</style>",
        r'(?<=<g) id="[^"]*"',
        r"<g/>",
        r" font-family: [^;\"]+;",
        r' transform="rotate\(-0 [^"]*"',
        r'(?<=\d") (?:width|height)="[\d.]+pt"| (?:width|height)="[\d.]+pt"(?= )',
        r"\n *(?=\n)",
    )
)
_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class ChartSize:
    """One drawing size: width and height in CSS pixels, and how many days are named below."""

    width: int
    height: int
    most_ticks: int


WIDE = ChartSize(1040, 240, 10)
"""For screens and paper."""
NARROW = ChartSize(350, 200, 4)
"""For phones: a wide drawing scaled down would have letters of 4 pixels."""

_PIXELS_AN_INCH = 72.0
_FONT_SIZE = 12.0


@dataclass(frozen=True)
class BarChart:
    """Bars over time.

    Attributes:
        key: Distinguishes the drawing's identifiers from those of others on the page.
        labels: What each bar stands for, in order.
        heights: Height of each bar.
        second: Bars that stand on top of the first, or none.
        line: Values of a line to compare with, or none; may be shorter than the bars.
        write_value: Writes a value of the axis.
    """

    key: str
    labels: Sequence[str]
    heights: Sequence[float]
    write_value: Callable[[float], str]
    second: Sequence[float] = ()
    line: Sequence[float] = ()


def bar_chart_svg(chart: BarChart, size: ChartSize) -> str:
    """Draws a chart as an `<svg>` element for the inside of a page."""
    import matplotlib
    from matplotlib.figure import Figure

    with _LOCK, matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": chart.key}):
        figure = Figure(
            figsize=(size.width / _PIXELS_AN_INCH, size.height / _PIXELS_AN_INCH),
            dpi=_PIXELS_AN_INCH,
            layout="constrained",
        )
        figure.patch.set_visible(False)
        axes = figure.subplots()
        _draw(axes, chart, size)
        picture = io.BytesIO()
        figure.savefig(picture, format="svg", metadata={"Date": None, "Creator": None})
    return _for_the_page(picture.getvalue().decode("utf-8"), f"{chart.key}-{size.width}-")


def _draw(axes: Axes, chart: BarChart, size: ChartSize) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.patch.set_visible(False)
    positions = range(len(chart.heights))
    axes.bar(positions, chart.heights, width=0.78, color=_ACCENT, linewidth=0)
    if chart.second:
        axes.bar(positions, chart.second, width=0.78, bottom=list(chart.heights), color=_SECOND, linewidth=0)
    if chart.line:
        axes.plot(
            range(len(chart.line)),
            chart.line,
            color=_LINE,
            linewidth=1.6,
            solid_capstyle="round",
            solid_joinstyle="round",
            marker="o" if len(chart.line) == 1 else None,
            markersize=4,
        )
    axes.set_xlim(-0.6, max(len(chart.heights), len(chart.line), 1) - 0.4)
    highest = max(
        (*chart.heights, *chart.line, *map(sum, zip(chart.heights, chart.second, strict=False))), default=0
    )
    axes.set_ylim(min((0.0, *chart.heights, *chart.line)), highest * 1.06 if highest > 0 else 1.0)
    whole = all(value == int(value) for value in (*chart.heights, *chart.second))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, min_n_ticks=2, integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: chart.write_value(value)))
    step = max(1, -(-len(chart.labels) // size.most_ticks))
    shown = list(range(0, len(chart.labels), step))
    axes.set_xticks(shown, [chart.labels[position] for position in shown])
    axes.grid(axis="y", color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=6, labelsize=_FONT_SIZE, labelcolor=_TEXT)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GRID)


def _for_the_page(svg: str, prefix: str) -> str:
    """Leaves out what only a file of its own needs, and makes colours, fonts and identifiers the page's."""
    for pattern in _LEFT_OUT:
        svg = pattern.sub("", svg)
    svg = _IDENTIFIER.sub(rf"\g<1>{prefix}", svg)
    for marker, variable in _VARIABLES.items():
        svg = svg.replace(marker, variable)
    return svg.strip()
