"""March 2026 of a small shop with one case of everything, for the tests that read a report or a view of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from keycrm_pipeline.period import Period
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.sentences.review import Review
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.documents import Item, Payment
from keycrm_pipeline_tests.reports.booked_shop import LOST_STATUS, new_shop

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
"""The period of most tests; the period before it is 29 January to 28 February."""


def march_shop(directory: Path) -> Warehouse:
    """A small shop with one case of everything; the tests work its sums out by hand.

    March, UAH, kept: 1001 (500 + 300 goods, 75 delivery, discount 20, paid 875), 1002 (1000 goods, cash on
    delivery under way), 1003 (200 goods with a difference of 5, paid 100 and expense 40), 1006 (90 goods, its
    parcel went back, unpaid), 1008 (150 goods, no buyer, paid 150). Cancelled: 1004 (400). EUR: 1005 (50
    goods, 10 tax, paid).
    February: 900 (600 goods, paid) by the buyer of 1001.
    """
    shop = new_shop(directory)
    shop.card(1, "Футболка базова", category="Одяг", sku="TS-1")
    shop.card(2, "Чашка")
    shop.card(3, "Послуги доставки")
    shop.source(1, "Інтернет-магазин")
    shop.source(2, "Rozetka")
    for partner_id in (1, 2, 3):
        shop.buyer(partner_id)
    shop.partner(99)
    shop.order(900, date(2026, 2, 10), [Item("600")], payments=[Payment("600")])
    shop.order(
        1001,
        date(2026, 3, 2),
        [
            Item("500", 1, quantity="2", discount="20"),
            Item("300", 2),
            Item("75", 3, kind="delivery", name="Послуги доставки"),
        ],
        # Two payments, one of them cancelled: a join that counts an order twice would show here.
        payments=[Payment("875"), Payment("875", status="canceled")],
    )
    shop.order(
        1002,
        date(2026, 3, 28),
        [Item("1000", 1)],
        payments=[
            Payment(
                "1000",
                status="not_paid",
                method="Накладений платіж",
                columns={"method_kind": "cash_on_delivery"},
            )
        ],
        status_id=8,
        source_id=2,
        partner_id=2,
        tracking_code="20450000000001",
        shipping_status="transit",
    )
    shop.order(
        1003,
        date(2026, 3, 2),
        [Item("200", 2)],
        payments=[Payment("100", method="Готівка"), Payment("40", method="Комісія", is_expense=True)],
        difference="5",
        responsible="Ігор",
        partner_id=1,
    )
    shop.order(1004, date(2026, 3, 3), [Item("400", 1)], status_id=LOST_STATUS, partner_id=3)
    shop.order(
        1005,
        date(2026, 3, 4),
        [Item("50", 1), Item("10", None, kind="tax", name="Податок")],
        payments=[Payment("60")],
        currency="EUR",
        partner_id=3,
        source_id=None,
    )
    shop.order(1006, date(2026, 3, 5), [Item("90", 2)], status_id=8, partner_id=3, shipping_status="returned")
    shop.order(1008, date(2026, 3, 31), [Item("150", 2)], payments=[Payment("150")], partner_id=99)
    shop.loaded(Period(date(2026, 1, 29), date(2026, 3, 30)))
    shop.exchange(1)
    shop.exchange(
        2, status="failed", error="KeyCRM answered 401. Call +38 050 000 12 34 or owner@example.com."
    )
    difference = Review.ORDER_DIFFERENCE.message(order_id=1003, difference="20.00", currency="UAH")
    shop.review("order_difference", "1003", difference)
    shop.review(
        "ambiguous_product_name",
        "чашка",
        Review.AMBIGUOUS_NAME.message(product_ids=[2, 5], name="Чашка"),
    )
    shop.rejected(
        1007,
        date(2026, 3, 6),
        Reason.LINE_QUANTITY_NOT_A_NUMBER.message(line=2, text="два"),
        Reason.NO_PARTNER.message(),
    )
    return shop.save()
