"""The books of a very small shop, worked out by hand, for the export tests.

March 2026 has three orders that may go out (101, 102, 103), and one for each reason to hold an order back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from keycrm_pipeline.exports import ExportResult
from keycrm_pipeline.exports.overview import Overview, review_rows
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.schemas.accounting import PARTNERS, PRODUCT_VARIANTS, PRODUCTS, SOURCES, STATUSES
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.documents import Documents, Item, Payment, new_warehouse

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)

FORMULA_NAME = '=HYPERLINK("http://example.org";"Ірина")'
Export = Callable[..., ExportResult]
"""The fixture `export`."""

TOTALS = {101: Decimal("599.99"), 102: Decimal("33.30"), 103: Decimal("48.55")}
"""What each buyer pays, as KeyCRM says."""


@dataclass(frozen=True)
class SmallShop:
    """A profile with its database."""

    workspace: Workspace

    @property
    def warehouse(self) -> Warehouse:
        """The database."""
        return Warehouse(self.workspace.database, self.workspace.profile.timezone)


def shop_in(directory: Path, **settings: Any) -> SmallShop:
    """The shop whose database is in a directory; `settings` are those of its profile."""
    profile = Profile(name="demo", start_date=date(2026, 1, 1), **settings)
    return SmallShop(Workspace(profile, Settings(directory, directory)))


def small_shop(directory: Path) -> SmallShop:
    """Makes the shop's database in a directory."""
    shop = shop_in(directory)
    documents = Documents(new_warehouse(shop.workspace.database))
    _cards(documents)
    _orders_to_hand_over(documents)
    _orders_held_back(documents)
    documents.loaded(Period(date(2026, 3, 1), date(2026, 3, 30)))
    documents.save()
    return shop


def empty_overview() -> Overview:
    """What a workbook of no orders says about itself, for tests of a single sheet."""
    return Overview("demo", None, MARCH, None, (), (), (), review_rows([], ZoneInfo("Europe/Kyiv")))


def _cards(documents: Documents) -> None:
    documents.add(
        PARTNERS,
        partner_id=1,
        name="Коваленко Олена",
        phone="+380501112233",
        email="olena@example.org",
    )
    documents.add(PARTNERS, partner_id=2, name=FORMULA_NAME, phone="-call me", email="@ira")
    documents.add(
        PARTNERS,
        partner_id=3,
        name="Роздрібний покупець",
        origin="catalogue",
        catalogue_id="0000-17",
    )
    documents.add(PARTNERS, partner_id=4, name="Не куплено нічого")
    documents.add(PRODUCTS, product_id=1, name="Чай «Карпати»", sku="0012")
    documents.add(PRODUCTS, product_id=2, name="Футболка", kind="product_with_sku")
    documents.add(PRODUCTS, product_id=3, name="Послуги доставки", kind="service")
    documents.add(
        PRODUCTS,
        product_id=4,
        name="Тканина",
        sku="-5",
        unit="м",
        origin="catalogue",
        catalogue_id="К-4",
    )
    documents.add(
        PRODUCT_VARIANTS,
        variant_id=5,
        product_id=2,
        sku="FB-R-M",
        barcode="4820000000017",
        characteristics="Колір: Червоний; Розмір: M",
        offer_id=50,
    )
    documents.add(
        PRODUCT_VARIANTS,
        variant_id=6,
        product_id=2,
        sku="FB-B-L",
        barcode="4820000000017",
        characteristics="Колір: Синій; Розмір: L",
        offer_id=51,
    )
    documents.add(STATUSES, status_id=1, name="Новий", stage="Нове", group_id=1)
    documents.add(STATUSES, status_id=12, name="Виконано", stage="Виконано", group_id=5)
    documents.add(STATUSES, status_id=19, name="Скасовано", stage="Відмова", group_id=6)
    documents.add(SOURCES, source_id=1, name="Сайт")


def _orders_to_hand_over(documents: Documents) -> None:
    documents.order(
        101,
        date(2026, 3, 1),
        [
            Item(
                "180.00",
                1,
                quantity="2",
                discount="20.00",
                name="Чай «Карпати»",
                columns={"crm_line_id": 9001, "sku": "0012", "price": Decimal("100.00")},
            ),
            Item(
                "349.99",
                2,
                name="Футболка",
                columns={
                    "crm_line_id": 9002,
                    "variant_id": 5,
                    "sku": "FB-R-M",
                    "characteristics": "Колір: Червоний; Розмір: M",
                    "warehouse": "Магазин",
                    "stock_status": "fulfilled",
                },
            ),
            Item("70.00", 3, kind="delivery", name="Послуги доставки"),
        ],
        [
            Payment(
                "599.99",
                method="Картка",
                columns={
                    "payment_id": 71,
                    "method_id": 2,
                    "paid_at": datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
                },
            ),
            Payment(
                "6.10",
                method="Комісія",
                is_expense=True,
                columns={
                    "payment_id": 72,
                    "paid_at": datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
                    "expense_type_id": 3,
                    "expense_type": "Комісія за оплату",
                    "description": "=1+1",
                },
            ),
        ],
        # 00:15 in Kyiv, the day before in UTC.
        ordered_at=datetime(2026, 2, 28, 22, 15, tzinfo=UTC),
        partner_id=1,
        status_id=12,
        stage="Виконано",
        source_number="№1042",
        comment="Номер джерела: №1042\nПодзвонити <до> обіду & після",
        delivery_address="Київська область, м. Київ, Відділення №5",
        recipient_name="Коваленко Петро",
        recipient_phone="+380670000001",
        delivery_service="Нова Пошта",
        tracking_code="20450000000123",
        was_shipped=True,
        shipped_on=date(2026, 3, 2),
        warehouse="Основний",
        goods_total=Decimal("529.99"),
        services_total=Decimal("70.00"),
        discount_total=Decimal("20.00"),
        grand_total=TOTALS[101],
        paid_total=Decimal("599.99"),
    )
    documents.order(
        102,
        date(2026, 3, 29),
        # 0.333 m at 99.99 is 33.29667, rounded half up 33.30.
        [
            Item(
                "33.30",
                4,
                quantity="0.333",
                name="Тканина\x01",
                columns={"sku": "-5", "unit": "м", "price": Decimal("99.99")},
            )
        ],
        # 04:30 in Kyiv; the hour from 03:00 does not exist on this day.
        ordered_at=datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        partner_id=2,
        comment="+cmd|' /C calc'!A0",
        goods_total=Decimal("33.30"),
        grand_total=TOTALS[102],
    )
    documents.order(
        103,
        date(2026, 3, 30),
        [
            # Sold dearer than listed: a surcharge of 5 cents.
            Item(
                "45.05",
                1,
                quantity="3",
                discount="-0.05",
                name="Чай «Карпати»",
                columns={"sku": "0012", "price": Decimal("15.00")},
            ),
            Item("2.00", None, kind="wrap", name="Пакування"),
            Item("1.50", None, kind="tax", name="Податок"),
        ],
        partner_id=3,
        status_id=19,
        stage="Відмова",
        source_id=None,
        currency="EUR",
        goods_total=Decimal("45.05"),
        services_total=Decimal("3.50"),
        discount_total=Decimal("-0.05"),
        grand_total=TOTALS[103],
    )


def plain_order(documents: Documents, order_id: int, day: date, *, product_id: int = 1, **order: Any) -> None:
    """An order of one line of tea for 10 hryvnias."""
    documents.order(order_id, day, [Item("10.00", product_id, name="Чай")], **order)


def _orders_held_back(documents: Documents) -> None:
    day = date(2026, 3, 15)
    reasons = (Reason.LINE_WITHOUT_NAME.message(line=1), Reason.NO_TOTAL.message())
    plain_order(documents, 104, day)
    documents.rejected(104, day, *reasons)
    plain_order(documents, 105, day, difference="5.00")
    plain_order(documents, 106, day, missing_in_crm=True)
    # The document's sum is not that of its lines.
    plain_order(documents, 107, day, goods_total=Decimal("11.00"), grand_total=Decimal("11.00"))
    plain_order(documents, 108, day, partner_id=404)
    # Never got into the books.
    documents.rejected(199, day, *reasons)
    documents.rejected(None, day, *reasons)
    # Not of this period.
    plain_order(documents, 90, date(2026, 2, 27), partner_id=4)
    documents.rejected(91, date(2026, 2, 27), *reasons)
