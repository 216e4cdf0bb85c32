"""Bar charts as SVG: small, quick to draw, sharp at any size, and set in the reader's own font.

A chart of the report stands inside the page and names the page's colours, so that one drawing is right in light, dark
and print. A picture of its own has its colours in itself. Text stays text: it is searched and read aloud. What is not
here: the figures (see `figures`, `summary`), and what is said around a chart.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True)
class Look:
    """Colours of a chart, as CSS writes them, and the size of its letters in pixels."""

    bar: str
    text: str
    grid: str
    second: str = "none"
    line: str = "none"
    letters: int = 12


PAGE_LOOK = Look(
    bar="var(--chart-bar)",
    second="var(--chart-second)",
    line="var(--chart-line)",
    text="var(--muted)",
    grid="var(--rule)",
)
"""The colours of the report's page."""


@dataclass(frozen=True)
class ChartSize:
    """One drawing size: width and height in CSS pixels, and how many bars are named below."""

    width: int
    height: int
    most_labels: int


WIDE = ChartSize(1040, 240, 10)
"""For screens and paper."""
NARROW = ChartSize(350, 200, 4)
"""For phones: a wide drawing scaled down would have letters of 4 pixels."""

_MOST_STEPS = 4
"""Steps of the axis of values; more lines would be read as bars."""

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
"""Steps that a reader counts in, times a power of ten."""

_BAR_SHARE = 0.78
_HEADROOM = 1.06
_LETTER_WIDTH = 0.66
"""Width of a letter for its size, as fonts have it on the whole; a drawing cannot measure."""

_GAP = 6


@dataclass(frozen=True)
class BarChart:
    """Bars over time.

    Attributes:
        labels: What each bar stands for, in order.
        heights: Height of each bar.
        second: Bars that stand on top of the first, or none.
        line: Values of a line to compare with, or none; may be shorter than the bars.
        write_value: Writes a value of the axis.
    """

    labels: Sequence[str]
    heights: Sequence[float]
    write_value: Callable[[float], str]
    second: Sequence[float] = ()
    line: Sequence[float] = ()

    @property
    def slots(self) -> int:
        """Places side by side: one for each bar, and for each point of the line."""
        return max(len(self.heights), len(self.line), 1)

    @property
    def tops(self) -> list[float]:
        """Where the bars end, those on top included."""
        if not self.second:
            return list(self.heights)
        return [height + above for height, above in zip(self.heights, self.second, strict=True)]

    @property
    def bounds(self) -> tuple[float, float]:
        """The lowest and the highest value of the axis; nothing is drawn beyond."""
        values = (*self.heights, *self.tops, *self.line)
        highest = max(values, default=0.0)
        return min((0.0, *values)), highest * _HEADROOM if highest > 0 else 1.0

    @property
    def values(self) -> list[float]:
        """Round values that the axis names. Orders are counted in whole numbers, so no half order is named."""
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
        return [place * step for place in range(ceil(low / step), floor(high / step) + 1)]


@dataclass(frozen=True)
class Frame:
    """The box of a chart's bars in its drawing, in pixels; values stand left of it, labels below."""

    left: float
    top: float
    right: float
    bottom: float


def sides(charts: Sequence[BarChart], width: float, most_labels: int, letters: int) -> tuple[float, float]:
    """Left and right end of the bars of charts that stand below each other, so that all they name has room.

    Args:
        charts: The charts.
        width: Width of the drawing in pixels.
        most_labels: Bars that are named at most.
        letters: Size of the letters in pixels.
    """
    letter = letters * _LETTER_WIDTH
    left = max(len(chart.write_value(value)) for chart in charts for value in chart.values) * letter + _GAP
    right = width - 1
    for chart in charts:
        slot = (right - left) / chart.slots
        for place in _named(chart, most_labels):
            half = len(chart.labels[place]) * letter / 2
            left = max(left, half - (place + 0.5) * slot)
            right = min(right, width - 1 - half + (chart.slots - place - 0.5) * slot)
    return left, right


def bar_chart_svg(chart: BarChart, size: ChartSize) -> str:
    """Draws a chart as an `<svg>` element for the inside of a page, in the page's colours."""
    look = PAGE_LOOK
    left, right = sides([chart], size.width, size.most_labels, look.letters)
    frame = Frame(left, look.letters / 2, right, size.height - look.letters - 2 * _GAP)
    drawing = [*draw(chart, frame, look), *draw_labels(chart, frame, look, size.most_labels)]
    return svg(size.width, size.height, drawing)


def svg(width: int, height: int, elements: Sequence[str], *, attributes: str = "") -> str:
    """Puts elements together to an `<svg>` that scales with its box."""
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"{attributes}>'
    return "\n".join((opening, *elements, "</svg>"))


def draw(chart: BarChart, frame: Frame, look: Look) -> list[str]:
    """Axis of values, bars and line of a chart, as SVG elements."""
    low, high = chart.bounds
    slot = (frame.right - frame.left) / chart.slots

    def across(place: float) -> float:
        return frame.left + (place + 0.5) * slot

    def up(value: float) -> float:
        return frame.bottom - (value - low) / (high - low) * (frame.bottom - frame.top)

    elements = []
    for value in chart.values:
        y = up(value)
        path = f"M{_pixels(frame.left)} {_pixels(y)}H{_pixels(frame.right)}"
        elements.append(f'<path d="{path}" style="stroke:{look.grid};stroke-width:1"/>')
        place = (frame.left - _GAP, y + look.letters * 0.35)
        elements.append(text(chart.write_value(value), place, look.text, look.letters, anchor="end"))

    def bars(starts: Sequence[float], ends: Sequence[float], colour: str) -> None:
        width = slot * _BAR_SHARE
        path = "".join(
            f"M{_pixels(across(place) - width / 2)} {_pixels(up(start))}V{_pixels(up(end))}"
            f"h{_pixels(width)}V{_pixels(up(start))}z"
            for place, (start, end) in enumerate(zip(starts, ends, strict=True))
            if start != end
        )
        if path:
            elements.append(f'<path d="{path}" style="fill:{colour}"/>')

    bars([0.0] * len(chart.heights), chart.heights, look.bar)
    if chart.second:
        bars(chart.heights, chart.tops, look.second)
    points = [f"{_pixels(across(place))} {_pixels(up(value))}" for place, value in enumerate(chart.line)]
    if points:
        # A line of one point has no length; its round end is seen all the same.
        path = "M" + "L".join(points if len(points) > 1 else points * 2)
        width = "1.6" if len(points) > 1 else "4"
        elements.append(
            f'<path d="{path}" style="fill:none;stroke:{look.line};stroke-width:{width};'
            'stroke-linecap:round;stroke-linejoin:round"/>'
        )
    return elements


def draw_labels(chart: BarChart, frame: Frame, look: Look, most_labels: int) -> list[str]:
    """Names of bars below a chart, as SVG elements: every so many, so that they do not touch."""
    slot = (frame.right - frame.left) / chart.slots
    y = frame.bottom + _GAP + look.letters
    return [
        text(
            chart.labels[place],
            (frame.left + (place + 0.5) * slot, y),
            look.text,
            look.letters,
            anchor="middle",
        )
        for place in _named(chart, most_labels)
    ]


def text(words: str, place: tuple[float, float], colour: str, letters: int, *, anchor: str = "start") -> str:
    """One line of text as an SVG element; signs that XML has no place for are left out."""
    shown = html.escape("".join(sign for sign in words if sign.isprintable() or sign.isspace()))
    return (
        f'<text x="{_pixels(place[0])}" y="{_pixels(place[1])}" text-anchor="{anchor}" '
        f'style="fill:{colour};font-size:{letters}px">{shown}</text>'
    )


def _named(chart: BarChart, most_labels: int) -> range:
    return range(0, len(chart.labels), max(1, -(-len(chart.labels) // most_labels)))


def _pixels(value: float) -> str:
    """Tenths of a pixel are fine enough, and short."""
    return f"{value:.1f}".removesuffix(".0")
