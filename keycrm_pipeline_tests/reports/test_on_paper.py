"""The exchange report as it comes from a printer: a real browser prints it, and the pages are measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from keycrm_pipeline.reports.page import render_report, write_report
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.sentences.review import Review
from keycrm_pipeline_tests.browser import DESKTOP, Browser
from keycrm_pipeline_tests.documents import MADE_AT, Item, Payment
from keycrm_pipeline_tests.paper import Line, paper_size, read_pages
from keycrm_pipeline_tests.reports.booked_shop import LOST_STATUS, books_in, new_shop
from keycrm_pipeline_tests.reports.march import MARCH

pytestmark = pytest.mark.browser

_NUMBERS = """
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = walk.nextNode(); node; node = walk.nextNode()) {
  if (!node.parentElement.getClientRects().length) continue;
  found.push(...node.textContent.split(/[ \\n]+/).filter((word) => /\\d/.test(word)));
}
return found;
"""
"""Every word with a digit that the page shows; a no-break space does not end a word, so a sum is one."""

_HEADINGS = """
const texts = (where) => [...document.querySelectorAll(where)].filter((node) => node.getClientRects().length)
  .map((node) => node.textContent.trim().replace(/[ \\n]+/g, ' '));
const rows = [...document.querySelectorAll('thead tr')].filter((row) => row.getClientRects().length)
  .map((row) => [...row.cells].map((cell) => cell.textContent.trim()).join(' '));
return [...texts('h2, h3, tr.currency, figcaption b'), ...rows];
"""
"""Headings and headers of tables, which must not be the last thing on a page."""
_PUSH = """
const known = document.querySelector('.push');
const block = known ?? document.createElement('div');
if (!known) {
  block.className = 'push';
  document.querySelector('.sections').prepend(block);
}
block.style.height = arguments[0] + 'px';
"""
"""Pushes all sections down, so that pages end elsewhere."""
_LEAD_SIZE = 14
"""Font of the sentence between a heading and its table, in pixels; everything else has another one."""


@dataclass(frozen=True)
class PrintedPage:
    """The report in a browser that is told to print it.

    Attributes:
        browser: The browser; the page believes to be on paper.
        directory: For the files.
    """

    browser: Browser
    directory: Path

    def print(self, push: int = 0) -> list[list[Line]]:
        """The lines of each page but its number, with all sections pushed down by some pixels first."""
        self.browser.run(_PUSH, push)
        path = self.directory / "report.pdf"
        self.browser.print_pdf(path)
        assert paper_size(path) == {(210, 297)}
        pages = read_pages(path)
        numbers = [page.pop().text for page in pages]
        assert numbers == [f"{number} / {len(pages)}" for number in range(1, len(pages) + 1)]
        return pages


@pytest.fixture(scope="module")
def printed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> PrintedPage:
    """The report of a shop with long tables, six-digit order numbers and sums of millions."""
    directory = tmp_path_factory.mktemp("paper")
    shop = new_shop(directory)
    shop.partner(1)
    for number in range(1, 41):
        shop.card(number, f"Наволочка «Полонина» номер {number}", category=f"Домашній текстиль {number % 20}")
    for number in range(1, 12):
        shop.source(number, f"Магазин на вулиці Незалежності, {number}")
    for number in range(1, 60):
        order_id = 183300 + number
        shop.order(
            order_id,
            MARCH.first + timedelta(days=number % 31),
            [Item(f"{number * 12345}.67", number % 40 + 1, quantity="3.125", discount="1234.50")],
            payments=[Payment("1234.50", columns={"paid_at": MADE_AT, "account": f"Рахунок {number % 9}"})],
            source_id=number % 11 + 1,
            responsible=f"менеджер {number % 17}",
            status_id=LOST_STATUS if number % 7 == 0 else 12,
            shipping_status="returned" if number % 14 == 0 else None,
        )
        values = {"order_id": order_id, "difference": f"-{number}24.77", "currency": "UAH"}
        shop.review("order_difference", str(order_id), Review.ORDER_DIFFERENCE.message(**values))
        if number < 20:
            name = f"Рушник вишитий «Сорочинський ярмарок» {number}"
            text = Review.AMBIGUOUS_NAME.message(product_ids=[f"{number}2345", 67890], name=name)
            shop.review("ambiguous_product_name", name.lower(), text)
            shop.rejected(184000 + number, MARCH.first, Reason.NO_TOTAL.message())
    for number in range(1, 11):
        shop.exchange(
            number, "failed" if number % 2 else "succeeded", "KeyCRM answered 401." if number % 2 else None
        )
    path = directory / "report.html"
    write_report(
        path,
        render_report(books_in(shop.save()), MARCH, now=MADE_AT),
    )
    browser.open(path.as_uri(), size=DESKTOP)
    browser.emulate(media="print", dark=False)
    return PrintedPage(browser, directory)


def test_no_number_is_broken(printed: PrintedPage) -> None:
    """An order number stood as 1833 and 22 below it, which reads as two: every number is whole on one line."""
    shown = Counter(printed.browser.run(_NUMBERS))
    on_paper = Counter(
        word
        for page in printed.print()
        for line in page
        for text in line.texts
        for word in text.replace("\n", " ").split(" ")
        if any(char.isdigit() for char in word)
    )
    assert shown["183322"] >= 1
    assert on_paper == shown


def test_no_heading_is_left_alone_at_the_end_of_a_page(printed: PrintedPage) -> None:
    """Wherever the pages end, a heading, its sentence and the header of its table stay with the first row."""
    headings = printed.browser.run(_HEADINGS)
    assert len(headings) > 20
    alone = []
    for push in range(0, 1000, 50):
        for page in printed.print(push)[:-1]:
            last = page[-1]
            if last.text in headings or last.font_size == _LEAD_SIZE:
                alone.append((push, last.text))
    assert alone == []


def test_a_table_has_its_header_on_each_page(printed: PrintedPage) -> None:
    """The rows of a long table are cut off from its header otherwise; and no row is cut in two."""
    pages = printed.print()
    header = "Номенклатура Сума Частка Кількість Знижка"
    assert len([page for page in pages if header in [line.text for line in page]]) >= 2
    # The note of a card is below its name; both are on one page.
    assert all("₴" not in page[0].text for page in pages)
