"""Payments beside the money that came, in the report: only if the profile compares them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from lxml import html

from keycrm_pipeline.language import Language
from keycrm_pipeline.reports.page import render_report
from keycrm_pipeline.schemas.accounting import RECONCILIATION
from keycrm_pipeline_tests.documents import MADE_AT
from keycrm_pipeline_tests.reports.booked_shop import BookedShop, books_in
from keycrm_pipeline_tests.reports.march import MARCH

COMPARED: dict[str, Any] = {"reconciliation": {"external_transactions": True}}


def add_line(shop: BookedShop, number: int, kind: str, day: date = MARCH.first, **columns: Any) -> None:
    """A line of the reconciliation."""
    shop.add(RECONCILIATION, line_key=f"{number}", kind=kind, day=day, **{"currency": "UAH", **columns})


def sections(shop: BookedShop, language: Language = "uk", **settings: Any) -> list[html.HtmlElement]:
    """The section, if the report of March has it."""
    text = render_report(books_in(shop.save(), **settings), MARCH, now=MADE_AT, language=language)
    found: list[html.HtmlElement] = html.fromstring(text).xpath("//section[@id='reconciliation']")
    return found


def rows(section: html.HtmlElement) -> list[list[str]]:
    return [[" ".join(cell.text_content().split()) for cell in row] for row in section.xpath(".//tbody/tr")]


def fill(shop: BookedShop) -> None:
    """Two payments of 500 and 250 whose money came, less 12.50; 300 without money; 60 of nobody; one of April."""
    add_line(shop, 1, "matched", paid=Decimal(500), received=Decimal(500))
    add_line(shop, 2, "matched", paid=Decimal(250), received=Decimal(250), fee=Decimal("12.50"))
    add_line(shop, 3, "payment_without_money", paid=Decimal(300))
    add_line(shop, 4, "money_without_payment", MARCH.last, received=Decimal(60), fee=Decimal(0))
    add_line(shop, 5, "payment_without_money", date(2026, 4, 1), paid=Decimal(999))


def test_lines_of_each_kind_with_their_sums(shop: BookedShop) -> None:
    """750 fit; what somebody has to look at is marked, and the reader is told where the lines are."""
    fill(shop)
    (section,) = sections(shop, **COMPARED)
    assert rows(section) == [
        ["Оплата без надходження", "1", "300,00 ₴", "—", "—"],
        ["Надходження без оплати", "1", "—", "60,00 ₴", "—"],
        ["Суми збігаються", "2", "750,00 ₴", "750,00 ₴", "12,50 ₴"],
    ]
    assert "keycrm-pipeline reconcile" in section.text_content()
    marked = section.xpath(".//td[contains(@class, 'bad')]")
    assert [" ".join(cell.text_content().split()) for cell in marked] == ["1", "1"]


def test_currencies_stand_apart(shop: BookedShop) -> None:
    fill(shop)
    add_line(shop, 6, "matched", paid=Decimal(20), received=Decimal(20), currency="EUR")
    (section,) = sections(shop, "en", **COMPARED)
    assert ["Sums agree", "1", "€20.00", "€20.00", "—"] in rows(section)
    assert ["Sums agree", "2", "₴750.00", "₴750.00", "₴12.50"] in rows(section)


def test_a_profile_that_compares_nothing_has_no_such_section(shop: BookedShop) -> None:
    """Also if lines are left from before it was switched off, and if nothing lies in the period."""
    fill(shop)
    assert sections(shop) == []


def test_a_period_without_payments_and_money_has_no_such_section(shop: BookedShop) -> None:
    add_line(shop, 5, "payment_without_money", date(2026, 4, 1), paid=Decimal(999))
    assert sections(shop, **COMPARED) == []
