"""The last list price on the cards, without which an accounting system takes no card import."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import openpyxl
import pytest

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas.accounting import PRODUCT_VARIANTS
from keycrm_pipeline_tests.documents import Documents, Item
from keycrm_pipeline_tests.exports.small_shop import Export, SmallShop

CARDS = Period(date(2026, 4, 1), date(2026, 4, 30))
TEA, SHIRT, DELIVERY = 1, 2, 3
RED, BLUE = 5, 6


def _prices(export: Export, sheet: str, key: str) -> dict[object, tuple[object, object]]:
    """Card -> its price and the day of that sale."""
    book = openpyxl.load_workbook(export("xlsx", CARDS).files[0])
    header, *rows = book[sheet].iter_rows(values_only=True)
    columns = {name: position for position, name in enumerate(header)}
    return {
        row[columns[key]]: (row[columns["Ціна без знижки"]], row[columns["Дата ціни"]])
        for row in rows
        if row[columns[key]] is not None
    }


def _sold(price: str, product_id: int, *, kind: str = "goods", **columns: object) -> Item:
    return Item(price, product_id, kind=kind, columns={"price": Decimal(price), **columns})


def _midnight(month: int, day: int) -> datetime:
    return datetime(2026, month, day)  # noqa: DTZ001 - Excel's dates have no zone


@pytest.fixture
def april(shop: SmallShop) -> Documents:
    """April's only order has tea, both shirts and a delivery, at prices older than others."""
    documents = Documents(shop.warehouse)
    documents.order(
        200,
        date(2026, 4, 2),
        [
            _sold("90.00", TEA),
            _sold("300.00", SHIRT, variant_id=RED),
            _sold("310.00", SHIRT, variant_id=BLUE),
            _sold("65.00", DELIVERY, kind="delivery"),
        ],
    )
    return documents


def test_price_is_that_of_the_newest_sale_in_all_books(april: Documents, export: Export) -> None:
    """A card exported for April has the price of May: what was last asked for it is what it costs."""
    april.order(
        190,
        date(2026, 5, 7),
        [
            _sold("95.50", TEA),
            _sold("320.00", SHIRT, variant_id=RED),
            _sold("80.00", DELIVERY, kind="delivery"),
        ],
    )
    april.save()
    assert _prices(export, "Номенклатура", "Код номенклатури") == {
        TEA: (95.5, _midnight(5, 7)),
        SHIRT: (320, _midnight(5, 7)),
        DELIVERY: (80, _midnight(5, 7)),
    }
    assert _prices(export, "Характеристики", "Код характеристики") == {
        RED: (320, _midnight(5, 7)),
        BLUE: (310, _midnight(4, 2)),
    }


def test_list_price_is_before_the_discount(april: Documents, export: Export) -> None:
    """A sale of two for 150 with 30 off has the list price 90, not 75."""
    april.order(
        201,
        date(2026, 4, 3),
        [Item("150.00", TEA, quantity="2", discount="30.00", columns={"price": Decimal("90.00")})],
    )
    april.save()
    assert _prices(export, "Номенклатура", "Код номенклатури")[TEA] == (90, _midnight(4, 3))


def test_sales_that_say_nothing_on_the_price_do_not_count(april: Documents, export: Export) -> None:
    """Newer, but cancelled, in euros, or a gift: none of them is what the card costs in hryvnias."""
    april.order(201, date(2026, 4, 20), [_sold("1.11", TEA)], status_id=19)
    april.order(202, date(2026, 4, 21), [_sold("2.22", TEA)], currency="EUR")
    april.order(203, date(2026, 4, 22), [_sold("0.00", TEA)])
    april.save()
    assert _prices(export, "Номенклатура", "Код номенклатури")[TEA] == (90, _midnight(4, 2))


def test_card_sold_only_in_another_currency_has_no_price(april: Documents, export: Export) -> None:
    """Euros in a column of hryvnias would be forty times too little."""
    april.add(
        PRODUCT_VARIANTS, variant_id=7, product_id=SHIRT, sku="FB-G-S", characteristics="Колір: Зелений"
    )
    april.order(201, date(2026, 4, 20), [_sold("9.00", SHIRT, variant_id=7)], currency="EUR")
    april.save()
    assert _prices(export, "Характеристики", "Код характеристики")[7] == (None, None)


def test_of_two_sales_in_one_second_the_later_order_and_line_counts(april: Documents, export: Export) -> None:
    """A file that depends on the order in which rows are read could not be compared."""
    moment = datetime(2026, 4, 9, 12, tzinfo=UTC)
    april.order(302, date(2026, 4, 9), [_sold("50.00", TEA), _sold("51.00", TEA)], ordered_at=moment)
    april.order(301, date(2026, 4, 9), [_sold("99.00", TEA)], ordered_at=moment)
    april.save()
    assert _prices(export, "Номенклатура", "Код номенклатури")[TEA] == (51, _midnight(4, 9))
