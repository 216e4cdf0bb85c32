"""Bar charts: what the heights, the axis and the labels show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.reports.charts import NARROW, WIDE, BarChart, ChartSize, bar_chart_svg

WRITE = Formatter("uk").short_number
LETTER = 12 * 0.6


def chart(heights: Sequence[float], **others: Sequence[float]) -> BarChart:
    return BarChart([f"{number + 1} бер." for number in range(len(heights))], heights, WRITE, **others)


def drawn(bars: BarChart, size: ChartSize = WIDE) -> etree._Element:
    return etree.fromstring(bar_chart_svg(bars, size).encode("utf-8"))


def bar_heights(drawing: etree._Element, colour: str = "--chart-bar") -> list[float]:
    """The height in pixels of each bar of a colour."""
    path = drawing.xpath(f"//*[contains(@style, 'fill:var({colour})')]/@d")
    return [
        float(foot) - float(top)
        for foot, top in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)h", "".join(map(str, path)))
    ]


def values(drawing: etree._Element) -> list[str]:
    """The labels of the axis, with plain spaces."""
    return [str(words).replace("\u00a0", " ") for words in drawing.xpath("//*[@text-anchor='end']/text()")]


def test_a_bar_of_twice_the_sum_is_twice_as_high() -> None:
    """For 50, 100 and 0 the second bar is twice as high as the first, and there is no third."""
    first, second = bar_heights(drawn(chart([50.0, 100.0, 0.0])))
    assert abs(second - 2 * first) <= 0.2


def test_cancelled_orders_stand_on_top_of_the_others() -> None:
    """With three orders and one cancelled, its bar is a third as high and starts on top of the others."""
    drawing = drawn(chart([3.0], second=[1.0]))
    (kept,), (cancelled,) = bar_heights(drawing), bar_heights(drawing, "--chart-second")
    assert abs(kept - 3 * cancelled) <= 0.4


def test_nobody_sells_half_an_order() -> None:
    """An axis of orders has whole numbers, an axis of sums has round ones."""
    assert values(drawn(chart([1.0, 2.0]))) == ["0", "1", "2"]
    assert values(drawn(chart([7.0, 10.0]))) == ["0", "5", "10"]
    assert values(drawn(chart([0.3, 0.95]))) == ["0", "0,5", "1"]
    assert values(drawn(chart([123456.78]))) == ["0", "50 тис.", "100 тис."]


def test_an_axis_of_nothing_still_says_so() -> None:
    """A period in which every order was cancelled has an empty chart, not a broken one."""
    drawing = drawn(chart([0.0, 0.0]))
    assert values(drawing) == ["0", "1"]
    assert bar_heights(drawing) == []


def test_the_period_before_of_a_single_day_is_seen() -> None:
    """A line of one point would have no length."""
    (line,) = drawn(chart([5.0], line=[4.0])).xpath("//*[contains(@style, '--chart-line')]/@d")
    first, last = str(line).removeprefix("M").split("L")
    assert first == last


@settings(deadline=None, max_examples=60)
@given(
    heights=st.lists(
        st.decimals(min_value=-50_000, max_value=2_000_000_000, places=2), min_size=1, max_size=170
    ),
    size=st.sampled_from([WIDE, NARROW]),
)
def test_everything_stays_inside_and_can_be_counted(heights: list[Decimal], size: ChartSize) -> None:
    """Whatever the figures, nothing is cut off at the edge and the axis has a few round values."""
    drawing = drawn(chart([float(height) for height in heights]), size)
    assert 1 <= len(values(drawing)) <= 6
    for words in drawing.iter("{*}text"):
        width = len(words.text or "") * LETTER
        before = width if words.get("text-anchor") == "end" else width / 2
        left = float(words.get("x") or 0) - before
        assert left >= -0.2
        assert left + width <= size.width + 0.2
        assert 0 <= float(words.get("y") or 0) <= size.height
    names = drawing.xpath("//*[@text-anchor='middle']")
    assert 1 <= len(names) <= size.most_labels
