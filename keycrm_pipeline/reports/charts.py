"""Bar charts as SVG: small, fast to draw, sharp at any size, and in the reader's own font.

A chart inside the report's page uses the page's colour variables, so that one drawing suits light, dark and
print; a separate picture contains its own colours. Text stays text, so it can be searched and read aloud. The
figures are in `figures` and `summary`.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Style:
    """CSS colours of a chart and its font size in pixels."""

    bar: str
    text: str
    grid: str
    second: str = "none"
    line: str = "none"
    font_size: int = 12


PAGE_STYLE = Style(
    bar="var(--chart-bar)",
    second="var(--chart-second)",
    line="var(--chart-line)",
    text="var(--muted)",
    grid="var(--rule)",
)
"""The style of charts in the report's page."""


@dataclass(frozen=True)
class ChartSize:
    """A drawing size: width and height in CSS pixels, and how many bars have a label at most."""

    width: int
    height: int
    most_labels: int


WIDE = ChartSize(1040, 240, 10)
"""For screens and paper."""
NARROW = ChartSize(350, 200, 4)
"""For phones: the text of a wide drawing scaled down would be 4 pixels high."""

_MOST_STEPS = 4
"""Steps of the value axis; more lines would look like bars."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Round steps of the value axis, to be multiplied by a power of ten."""

_BAR_SHARE = 0.78
_HEADROOM = 1.06
_CHARACTER_WIDTH = 0.66
"""Approximate width of a character relative to the font size; SVG cannot measure text."""

_GAP = 6


@dataclass(frozen=True)
class BarChart:
    """Bars over time.

    Attributes:
        labels: The label of each bar, in order.
        heights: Height of each bar.
        write_value: Formats a value of the axis.
        second: Heights of bars stacked on the first ones, or empty.
        line: Values of a line to compare with, or empty; may be shorter than the bars.
    """

    labels: Sequence[str]
    heights: Sequence[float]
    write_value: Callable[[float], str]
    second: Sequence[float] = ()
    line: Sequence[float] = ()

    @property
    def slots(self) -> int:
        """The number of positions for bars and points of the line."""
        return max(len(self.heights), len(self.line), 1)

    @property
    def tops(self) -> list[float]:
        """The upper ends of the bars, including those stacked on top."""
        if not self.second:
            return list(self.heights)
        return [height + above for height, above in zip(self.heights, self.second, strict=True)]

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value of the value axis."""
        values = (*self.heights, *self.tops, *self.line)
        highest = max(values, default=0.0)
        return min((0.0, *values)), highest * _HEADROOM if highest > 0 else 1.0

    @property
    def values(self) -> list[float]:
        """Round values that are labelled on the axis; whole numbers if all heights are, so no half orders."""
        low, high = self.bounds
        power = 10.0 ** (floor(log10((high - low) / _MOST_STEPS)))
        is_whole = all(value == int(value) for value in (*self.heights, *self.second))
        steps = (step * power for step in _STEPS)
        fitting = (
            step
            for step in (*steps, 20 * power)
            if (high - low) / step <= _MOST_STEPS and (not is_whole or step == int(step))
        )
        step = next(fitting, 1.0)
        return [index * step for index in range(ceil(low / step), floor(high / step) + 1)]


@dataclass(frozen=True)
class Frame:
    """The box of a chart's bars in its drawing, in pixels; values are to the left of it, labels below."""

    left: float
    top: float
    right: float
    bottom: float


def sides(charts: Sequence[BarChart], width: float, most_labels: int, font_size: int) -> tuple[float, float]:
    """The left and right end of the bars of vertically aligned charts that leaves room for all their text.

    Args:
        charts: The charts.
        width: Width of the drawing in pixels.
        most_labels: How many bars have a label at most.
        font_size: Font size in pixels.
    """
    character = font_size * _CHARACTER_WIDTH
    left = max(len(chart.write_value(value)) for chart in charts for value in chart.values) * character + _GAP
    right = width - 1
    for chart in charts:
        slot = (right - left) / chart.slots
        for index in _labelled(chart, most_labels):
            half = len(chart.labels[index]) * character / 2
            left = max(left, half - (index + 0.5) * slot)
            right = min(right, width - 1 - half + (chart.slots - index - 0.5) * slot)
    return left, right


def bar_chart_svg(chart: BarChart, size: ChartSize) -> str:
    """Draw a chart as an `<svg>` element in the style of the report's page."""
    style = PAGE_STYLE
    left, right = sides([chart], size.width, size.most_labels, style.font_size)
    frame = Frame(left, style.font_size / 2, right, size.height - style.font_size - 2 * _GAP)
    drawing = [*draw(chart, frame, style), *draw_labels(chart, frame, style, size.most_labels)]
    return svg(size.width, size.height, drawing)


def svg(width: int, height: int, elements: Sequence[str], *, attributes: str = "") -> str:
    """Combine elements into an `<svg>` that scales with its box."""
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{attributes}>'
    return "\n".join((opening, *elements, "</svg>"))


def draw(chart: BarChart, frame: Frame, style: Style) -> list[str]:
    """The value axis, bars and line of a chart as SVG elements."""
    low, high = chart.bounds
    slot = (frame.right - frame.left) / chart.slots

    def x_of(index: float) -> float:
        return frame.left + (index + 0.5) * slot

    def y_of(value: float) -> float:
        return frame.bottom - (value - low) / (high - low) * (frame.bottom - frame.top)

    elements = []
    for value in chart.values:
        y = y_of(value)
        path = f"M{_pixels(frame.left)} {_pixels(y)}H{_pixels(frame.right)}"
        elements.append(f'<path d="{path}" style="stroke:{style.grid};stroke-width:1"/>')
        position = (frame.left - _GAP, y + style.font_size * 0.35)
        elements.append(text(chart.write_value(value), position, style.text, style.font_size, anchor="end"))

    def bars(starts: Sequence[float], ends: Sequence[float], colour: str) -> None:
        width = slot * _BAR_SHARE
        path = "".join(
            f"M{_pixels(x_of(index) - width / 2)} {_pixels(y_of(start))}V{_pixels(y_of(end))}"
            f"h{_pixels(width)}V{_pixels(y_of(start))}z"
            for index, (start, end) in enumerate(zip(starts, ends, strict=True))
            if start != end
        )
        if path:
            elements.append(f'<path d="{path}" style="fill:{colour}"/>')

    bars([0.0] * len(chart.heights), chart.heights, style.bar)
    if chart.second:
        bars(chart.heights, chart.tops, style.second)
    points = [f"{_pixels(x_of(index))} {_pixels(y_of(value))}" for index, value in enumerate(chart.line)]
    if points:
        # A line of one point has no length, but its round cap is visible.
        path = "M" + "L".join(points if len(points) > 1 else points * 2)
        width = "1.6" if len(points) > 1 else "4"
        elements.append(
            f'<path d="{path}" style="fill:none;stroke:{style.line};stroke-width:{width};'
            'stroke-linecap:round;stroke-linejoin:round"/>'
        )
    return elements


def draw_labels(chart: BarChart, frame: Frame, style: Style, most_labels: int) -> list[str]:
    """Labels below a chart as SVG elements, at regular intervals so that they do not overlap."""
    slot = (frame.right - frame.left) / chart.slots
    y = frame.bottom + _GAP + style.font_size
    return [
        text(
            chart.labels[index],
            (frame.left + (index + 0.5) * slot, y),
            style.text,
            style.font_size,
            anchor="middle",
        )
        for index in _labelled(chart, most_labels)
    ]


def text(
    words: str, position: tuple[float, float], colour: str, font_size: int, *, anchor: str = "start"
) -> str:
    """One line of text as an SVG element, without characters that are not allowed in XML."""
    shown = html.escape("".join(char for char in words if char.isprintable() or char.isspace()))
    return (
        f'<text x="{_pixels(position[0])}" y="{_pixels(position[1])}" text-anchor="{anchor}" '
        f'style="fill:{colour};font-size:{font_size}px">{shown}</text>'
    )


def _labelled(chart: BarChart, most_labels: int) -> range:
    return range(0, len(chart.labels), max(1, -(-len(chart.labels) // most_labels)))


def _pixels(value: float) -> str:
    """A length in pixels, in tenths: precise enough, and short."""
    return f"{value:.1f}".removesuffix(".0")
