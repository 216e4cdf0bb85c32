"""The exchange report in a real browser: at phone and desktop width, in light, in dark and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest

from keycrm_pipeline.reports.page import render_report, write_report
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests import browser as browser_module
from keycrm_pipeline_tests.browser import DESKTOP, PHONE, Browser, start_browser
from keycrm_pipeline_tests.documents import MADE_AT, Item
from keycrm_pipeline_tests.reports.booked_shop import books_in, new_shop
from keycrm_pipeline_tests.reports.march import MARCH

pytestmark = pytest.mark.browser

NARROWEST = (320, 640)
"""The smallest phone still in use."""

_CONTRAST = """
const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = (colour) => {
  const [red, green, blue] = colour.match(/[\\d.]+/g).map(Number).map(channel);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const ground = (node) => {
  for (let up = node; up; up = up.parentElement) {
    const colour = getComputedStyle(up).backgroundColor;
    if (colour !== 'rgba(0, 0, 0, 0)') return colour;
  }
  return 'rgb(255, 255, 255)';
};
const poor = [];
const texts = 'h1, h2, h3, p, a, dt, dd, td, th, figcaption, summary, svg text, .note';
for (const node of document.querySelectorAll(texts)) {
  if (!node.getClientRects().length || !node.textContent.trim()) continue;
  const style = getComputedStyle(node);
  const svg = node.closest('svg');
  const one = light(svg ? style.fill : style.color), other = light(ground(svg?.parentElement ?? node));
  const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  if (ratio < 4.5) poor.push(node.textContent.trim().slice(0, 40) + ' ' + ratio.toFixed(2));
}
return [...new Set(poor)];
"""
"""Texts whose contrast with their background is below 4.5 to 1, the minimum of WCAG 2.1 AA."""

_CHARTS = """
const shown = [...document.querySelectorAll('.chart svg')].filter((svg) => svg.getClientRects().length);
const swatch = getComputedStyle(document.querySelector('.legend.of-bar'), '::before').backgroundColor;
return shown.map((svg) => {
  const box = svg.getBoundingClientRect();
  const bars = [...svg.querySelectorAll('path')].filter((path) => {
    const style = getComputedStyle(path), bar = path.getBoundingClientRect();
    return style.fill === swatch && bar.height > 2;
  });
  const scale = box.width / svg.viewBox.baseVal.width;
  return {width: box.width, height: box.height, bars: bars.length, letters: 12 * scale};
});
"""


_HIDDEN = """
return [...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth)
  .map((box) => box.getAttribute('aria-label') + ' ' + (box.scrollWidth - box.clientWidth));
"""
"""Tables of which a part is reached only by scrolling sideways."""


@pytest.fixture(scope="module")
def page(march: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of March."""
    path = tmp_path_factory.mktemp("report") / "march.html"
    write_report(
        path,
        render_report(books_in(march), MARCH, now=MADE_AT),
    )
    return path.as_uri()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_can_be_read(browser: Browser, page: str, size: tuple[int, int], dark: bool) -> None:
    """Nothing overflows, every chart has text of a readable size, and every text has enough contrast."""
    browser.open(page, size=size, dark=dark)
    assert browser.overflow() == []
    charts = browser.run(_CHARTS)
    assert len(charts) == 3  # hryvnias, euros, orders
    for chart in charts:
        assert chart["width"] > size[0] * 0.7
        assert chart["height"] > 120
        assert chart["letters"] > 9
        assert chart["bars"] >= 1
    assert browser.run(_CONTRAST) == []
    background = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(18, 22, 20)" if dark else "rgb(245, 246, 244)")


@pytest.mark.parametrize("width", [320, 375, 600, 860, 861, 960, 1080, 1081, 1280])
def test_no_column_is_hidden(browser: Browser, page: str, width: int) -> None:
    """At any width every figure is seen without scrolling sideways, and has its heading next to it or above it."""
    browser.open(page, size=(width, 800))
    browser.run("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert browser.run(_HIDDEN) == []
    label = browser.run(
        "return getComputedStyle(document.querySelector('#sources tbody td:last-child'), '::before').content"
    )
    assert label == ('"Замовлення "' if width <= 860 else "none")


def test_it_asks_for_nothing_and_complains_about_nothing(browser: Browser, page: str) -> None:
    """The file works offline: no request, no error in the console."""
    browser.open(page)
    assert browser.run("return document.title") == "Звіт обміну · kramnytsia · 1–31 березня 2026"
    assert browser.requests() == []
    assert browser.console_errors() == []


def test_the_records_do_record(browser: Browser, tmp_path: Path) -> None:
    """A page that fails to load a picture is noticed; otherwise the test above would prove nothing."""
    path = tmp_path / "bad.html"
    path.write_text('<img src="missing.png"><p style="width: 3000px">x</p>', "utf-8")
    browser.open(path.as_uri())
    assert [address.rsplit("/", 1)[1] for address in browser.requests()] == ["missing.png"]
    assert len(browser.console_errors()) == 1
    assert browser.overflow() != []


def test_the_table_behind_a_chart_opens_by_keyboard(browser: Browser, page: str) -> None:
    """Folded tables can be opened without a mouse."""
    browser.open(page)
    browser.run("document.querySelector('#days summary').focus()")
    browser.driver.switch_to.active_element.send_keys(" ")
    assert browser.run("return document.querySelector('#days details').open")


def test_on_paper(browser: Browser, page: str) -> None:
    """In dark mode it still prints black on white, without the list of sections, and fits on the paper."""
    browser.open(page, size=(794, 1123), dark=True)
    browser.emulate(media="print", dark=True)
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("return document.querySelector('nav').getClientRects().length") == 0
    assert browser.overflow() == []
    assert browser.run(_CONTRAST) == []


def test_very_long_names_stay_in_their_boxes(browser: Browser, tmp_path: Path) -> None:
    """A name of 300 letters without a space and sums of billions do not overflow the smallest phone."""
    shop = new_shop(tmp_path)
    name = "Найдовшийтовар" * 22
    shop.card(1, name, category=name, sku="S" * 200)
    shop.source(1, name)
    shop.order(1, MARCH.first, [Item("8765432109.87")], responsible=name, delivery_service=name)
    shop.review("ambiguous_product_name", name, name)
    shop.rejected(2, MARCH.first, name)
    path = tmp_path / "long.html"
    document = render_report(
        books_in(shop.save(), name="k" * 60),
        MARCH,
        now=MADE_AT,
    )
    write_report(path, document)
    for size in (NARROWEST, DESKTOP):
        browser.open(path.as_uri(), size=size)
        assert browser.overflow() == []


def test_a_missing_browser_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a browser these tests fail with the command that installs it; they are never skipped."""
    monkeypatch.setattr(browser_module, "CHROMIUM", tmp_path / "chromium")
    with pytest.raises(FileNotFoundError, match="apt-get install -y chromium chromium-driver"):
        start_browser(tmp_path)
