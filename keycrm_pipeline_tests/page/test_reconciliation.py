"""Звірка on the page: the kinds with their sums, what a person has to look at, and where each line leads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keycrm_pipeline_tests.page.shops import ATTACKS, write_profile
from keycrm_pipeline_tests.page.site import Visitor, rows_of, text_of, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books
from keycrm_pipeline_tests.pipeline.compared_shop import SETTINGS, bank, fill

PATH = "/profiles/shop/reconciliation"
MARCH = f"{PATH}?from=2026-03-01&to=2026-03-31"
PROFILE = {**SETTINGS, "language": "uk", "accounts": {}, "organisations": {}, "managers": {}}


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The shop of R15, in Ukrainian, with money whose purpose is an attack."""
    books = make_books(tmp_path_factory.mktemp("compared"), **{**SETTINGS, "language": "uk"})
    fill(books)
    bank(books, 10, 44, "2026-03-10", description=ATTACKS[0])
    books.load()
    write_profile(books, **PROFILE)
    return books


@pytest.fixture(scope="module")
def visitor(compared: Books) -> Iterator[Visitor]:
    """A visitor of that shop."""
    with visited(compared.settings) as found:
        yield found


def test_kinds_with_their_sums_and_what_is_to_be_looked_at(visitor: Visitor) -> None:
    """Sums by hand: 500 + 250 + 180 + 95 agree; of 400 came 390; 33, 44 and 60 belong to nobody."""
    page = visitor.page(MARCH)
    assert rows_of(page, "Оплати й надходження за результатом") == [
        ["Оплата без надходження", "1", "300,00 ₴", "0,00 ₴", "0,00 ₴"],
        ["Надходження без оплати", "3", "0,00 ₴", "137,00 ₴", "0,00 ₴"],
        ["Розбіжність сум", "1", "400,00 ₴", "390,00 ₴", "20,00 ₴"],
        ["Списання", "1", "0,00 ₴", "−15,00 ₴", "0,00 ₴"],
        ["Суми збігаються", "4", "1 025,00 ₴", "1 025,00 ₴", "12,50 ₴"],
    ]
    lines = rows_of(page, "Рядки звірки")
    assert [(row[1], row[2].split()[0], row[6]) for row in lines] == [
        ("Оплата без надходження", "502", "—"),
        ("Розбіжність сум", "504", "−10,00 ₴"),
        ("Надходження без оплати", "—", "—"),
        ("Надходження без оплати", "—", "—"),
        ("Надходження без оплати", "—", "—"),
    ]
    assert lines[1][7] == "novapay-march.csv, рядок 3"
    links = page.xpath("//div[@aria-label='Рядки звірки']//a/@href")
    assert links == ["/profiles/shop/documents/502", "/profiles/shop/documents/504"]
    assert ATTACKS[0] in text_of(page)
    assert page.xpath("//script[contains(., 'hacked')]") == []


def test_a_kind_leads_to_its_lines(visitor: Visitor) -> None:
    """Also to those that agree, which are not shown otherwise."""
    (address,) = visitor.page(MARCH).xpath("//a[. = 'Суми збігаються']/@href")
    page = visitor.page(address)
    assert [row[2].split()[0] for row in rows_of(page, "Рядки звірки")] == ["501", "503", "505", "506"]
    assert page.xpath("//h2[@id='h-lines']/text()") == ["Суми збігаються · 4"]


def test_an_order_shows_the_day_of_its_money(visitor: Visitor) -> None:
    """504 was paid in KeyCRM on one day and its money came on another; nothing came for 502."""
    dates = {
        number: [
            row[0] for row in rows_of(visitor.page(f"/profiles/shop/documents/{number}"), "Оплати й витрати")
        ]
        for number in (502, 504)
    }
    assert dates == {502: ["2 бер. 2026, 14:00"], 504: ["2 бер. 2026, 14:00 гроші надійшли 4 бер. 2026"]}


def test_a_period_is_chosen_and_a_wrong_one_is_told(visitor: Visitor) -> None:
    """Without days the last thirty; a period that is backwards says so and shows them."""
    sent = visitor.send(PATH, PATH, **{"from": "2026-03-10", "to": "2026-03-12"})
    page = visitor.page(sent.headers["location"])
    assert [row[1] for row in rows_of(page, "Рядки звірки")] == ["Надходження без оплати"] * 3
    wrong = visitor.page(f"{PATH}?from=2026-03-12&to=2026-03-10")
    assert wrong.xpath("//p[@role='alert']")
    assert visitor.page(f"{PATH}?kind=other").xpath("//h1/text()") == ["Звірка"]


def test_a_shop_that_compares_nothing_has_no_such_section(tmp_path: Path) -> None:
    books = make_books(tmp_path)
    books.load()
    write_profile(books, language="uk")
    with visited(books.settings) as visitor:
        assert not visitor.page("/profiles/shop/documents").xpath(f"//nav//a[@href='{PATH}']")
        assert "Ще нічого не звірено." in text_of(visitor.page(PATH))
