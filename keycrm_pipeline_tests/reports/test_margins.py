"""Cost and margin in the report: only if the profile shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lxml import html

from keycrm_pipeline.reports.page import render_report
from keycrm_pipeline_tests.documents import MADE_AT, Item
from keycrm_pipeline_tests.reports.booked_shop import LOST_STATUS, BookedShop, books_in
from keycrm_pipeline_tests.reports.march import MARCH


def report(shop: BookedShop, **settings: Any) -> html.HtmlElement:
    """The report of March."""
    return html.fromstring(render_report(books_in(shop.save(), **settings), MARCH, now=MADE_AT))


def text_of(element: html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def costing(amount: str, cost: str | None, **more: Any) -> Item:
    """A line with its cost."""
    value = None if cost is None else Decimal(cost)
    return Item(amount, columns={"purchased_price": value, "cost": value}, **more)


def shop_with_costs(shop: BookedShop) -> None:
    """Site: 500 and 100, of which 300 and 40 was cost and 50 spent. One line of three has no cost."""
    shop.source(1, "Сайт")
    shop.source(2, "Rozetka")
    shop.order(
        1,
        MARCH.first,
        [costing("400", "300"), costing("100", None)],
        cost_total=Decimal(300),
        expenses_total=Decimal(50),
        margin=Decimal(150),
        margin_in_crm=Decimal(150),
    )
    shop.order(
        2,
        MARCH.first,
        [costing("100", "40")],
        cost_total=Decimal(40),
        margin=Decimal(60),
        margin_in_crm=Decimal("57.50"),
    )
    # Without any cost there is no margin, only another line.
    shop.order(3, MARCH.first, [costing("1000", None)], source_id=2, margin_in_crm=Decimal(1000))
    cancelled: dict[str, Any] = {
        "cost_total": Decimal(10),
        "margin": Decimal(80),
        "margin_in_crm": Decimal(80),
    }
    shop.order(4, MARCH.first, [costing("90", "10")], status_id=LOST_STATUS, **cancelled)


def test_margin_by_source_beside_keycrms_own(shop: BookedShop) -> None:
    """210 of 600 is 35 %; in one order KeyCRM has 2.50 less."""
    shop_with_costs(shop)
    (section,) = report(shop, show_cost=True).xpath("//section[@id='margins']")
    assert [[text_of(cell) for cell in row] for row in section.xpath(".//tbody/tr")] == [
        ["Сайт", "600,00 ₴", "340,00 ₴", "50,00 ₴", "210,00 ₴", "35,0 %", "66,7 %"],
        ["Rozetka", "0,00 ₴", "0,00 ₴", "0,00 ₴", "0,00 ₴", "—", "0,0 %"],
        ["Разом", "600,00 ₴", "340,00 ₴", "50,00 ₴", "210,00 ₴", "35,0 %", "50,0 %"],
    ]
    assert "У KeyCRM маржа інша: 1 замовлення; разом тут більше на 2,50 ₴, ніж там." in text_of(section)


def test_managers_get_no_margin_unless_it_is_switched_on(shop: BookedShop) -> None:
    """The report is sent around."""
    shop_with_costs(shop)
    page = text_of(report(shop))
    assert [word for word in ("Маржа", "маржа", "Собівартість", "340,00") if word in page] == []
