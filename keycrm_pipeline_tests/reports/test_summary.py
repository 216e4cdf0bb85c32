"""The summary of a load on the Dagster page."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest
from lxml import etree

from keycrm_pipeline.language import Language
from keycrm_pipeline.reports.summary import (
    DayFigures,
    GroupFigures,
    LoadSummary,
    chart_markdown,
    load_summary_markdown,
    read_load_summary,
    summary_chart_svg,
)
from keycrm_pipeline.sentences.reasons import Reason, ReasonPart
from keycrm_pipeline.warehouse.attention import Rejection
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts
from keycrm_pipeline_tests.reports.march import MARCH


def days(count: int) -> list[DayFigures]:
    return [
        DayFigures(
            date(2023, 1, 1) + timedelta(days=number),
            20 + number * 7 % 31,
            {"UAH": Decimal(30000 + number * 7919 % 50000), "EUR": Decimal(number * 13 % 400)},
        )
        for number in range(count)
    ]


def elements(picture: str) -> list[etree._Element]:
    """The elements of a picture, parsed strictly: browsers do not show invalid XML."""
    return list(etree.fromstring(picture.encode("utf-8")))


@pytest.mark.parametrize("count", [1, 30, 365, 1100])
def test_the_chart_stays_small(count: int) -> None:
    """Dagster stores the picture in its event log: three years of days take less than 100 KB."""
    picture = summary_chart_svg(days(count))
    assert len(chart_markdown(picture, "Chart")) < 100_000
    assert int(etree.fromstring(picture.encode("utf-8")).get("width") or 0) >= 800


def test_the_chart_shows_its_bars() -> None:
    """A day with a sum has a bar in the colour of sums; a day without one has none."""

    def sums(total: str) -> int:
        picture = summary_chart_svg([DayFigures(date(2026, 3, 1), 1, {"UAH": Decimal(total)})])
        return sum(element.get("style") == "fill:#2f6f8f" for element in elements(picture))

    assert (sums("100"), sums("0")) == (1, 0)


def test_the_chart_is_told_in_the_reader_s_language() -> None:
    """Titles, sums and days are in Ukrainian, and an unusual currency is shown as typed."""
    rows = [DayFigures(date(2026, 3, 4), 2, {"UAH": Decimal(250000), '<&"\x07': Decimal(1)})]
    words = {element.text for element in elements(summary_chart_svg(rows))}
    assert words >= {"Замовлення за днями", "Сума, ₴, за днями", "1", "200\u00a0тис.", "4 бер."}
    assert 'Сума, <&", за днями' in words


def test_reading_the_books(march: Warehouse) -> None:
    """The summary of March has the sums of its documents; cancelled orders are only in their group."""
    with march.reading() as connection:
        summary = read_load_summary(connection, MARCH)
    second = next(day for day in summary.days if day.day == date(2026, 3, 2))
    assert (second.orders, second.totals) == (2, {"UAH": Decimal("1080.00")})
    assert GroupFigures("Rozetka", 1, {"UAH": Decimal("1000.00")}) in summary.sources
    assert GroupFigures("—", 1, {"EUR": Decimal("60.00")}) in summary.sources
    groups = {group.name: group for group in summary.status_groups}
    assert groups["Скасовано"].totals == {"UAH": Decimal("400.00")}
    assert groups["Виконано"].totals == {"UAH": Decimal("1230.00"), "EUR": Decimal("60.00")}
    assert summary.cancelled == {"UAH": Decimal("400.00")}
    assert summary.discounts == {"UAH": Decimal("20.00")}
    assert summary.delivery == {"UAH": Decimal("75.00")}
    assert {rejection.reason: rejection.orders for rejection in summary.rejections} == {
        "Line 2: the quantity is not a number «два».": 1,
        str(Reason.NO_PARTNER.message()): 1,
    }


def test_markdown_never_adds_currencies() -> None:
    """Hryvnias and euros of two days are listed next to each other, the shop's own currency first."""
    summary = LoadSummary(
        days=[
            DayFigures(date(2026, 3, 1), 2, {"UAH": Decimal("10.50"), "EUR": Decimal(5)}),
            DayFigures(date(2026, 3, 2), 1, {"UAH": Decimal("0.50")}),
        ],
        cancelled={"UAH": Decimal(4)},
    )
    text = load_summary_markdown(summary, ExchangeCounts(orders_seen=3, orders_created=3), language="en")
    assert "| Sales | ₴11.00 · €5.00 |" in text
    assert "| Cancelled | ₴4.00 |" in text
    assert "| All orders | ₴15.00 · €5.00 |" in text
    assert "| Orders seen | 3 |" in text
    assert "New partners" not in text  # a count of nothing says nothing


def test_markdown_shows_names_as_they_are() -> None:
    """A source called `a|<b>` breaks no table and makes nothing bold."""
    summary = LoadSummary(sources=[GroupFigures("a|<b>\n*x* [y](z)", 1, {"UAH": Decimal(1)})])
    text = load_summary_markdown(summary, ExchangeCounts())
    assert "| a\\|&lt;b&gt; \\*x\\* \\[y\\](z) | 1 |" in text


def test_markdown_leaves_contacts_out() -> None:
    """A reason that quotes a phone or an e-mail is shown without it; a text of an earlier version not at all."""
    reasons = [
        Reason.NOT_A_NUMBER.message(values=[ReasonPart.FIELD_TEXT.message(field="taxes", text=text)])
        for text in ("0501234567 a@example.com", "two")
    ]
    summary = LoadSummary(
        rejections=[
            *(Rejection(str(reason), reason.dump(), 2) for reason in reasons),
            Rejection("Not valid: 0501234567 or a@example.com", None, 1),
        ]
    )
    said: dict[Language, str] = {"uk": "Не число: taxes «…».", "en": "Not a number: taxes «…»."}
    for language, sentence in said.items():
        text = load_summary_markdown(summary, ExchangeCounts(), language=language)
        # Two values of one field are one reason.
        assert f"| {sentence} | 4 |" in text
        assert "0501234567" not in text
        assert "example.com" not in text


def test_a_shop_of_many_sources_keeps_its_sum() -> None:
    """What does not fit is added up in one row, so that the table still adds up to the sales."""
    sources = [GroupFigures(f"Source {number:03}", 1, {"UAH": Decimal(1)}) for number in range(40)]
    text = load_summary_markdown(LoadSummary(sources=sources), ExchangeCounts(), language="en")
    assert "| the rest | 28 | ₴28.00 |" in text


def test_the_chart_stands_inside_the_text() -> None:
    """The page loads no picture: it is embedded in the markdown."""
    text = load_summary_markdown(LoadSummary(days=days(3)), ExchangeCounts(), with_chart=True)
    assert text.startswith("![Замовлення і суми за днями](data:image/svg+xml;base64,")


def test_importing_is_quick() -> None:
    """`status` and the code location import this; babel and DuckDB wait until something is written."""
    script = (
        "import sys, keycrm_pipeline.reports.summary, keycrm_pipeline.formatting;"
        "heavy = ('babel', 'jinja2', 'duckdb', 'polars');"
        "print([name for name in heavy if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
