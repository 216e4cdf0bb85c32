"""The books of a very small shop, worked out by hand, for the tests of exports. No test stands here.

March 2026 has three orders that may go out (101, 102, 103), and one for each cause that holds an order back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from keycrm_pipeline.exports import ExportResult
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import (
    ORDER_LINES,
    ORDER_PAYMENTS,
    ORDER_SERVICES,
    ORDERS,
    PARTNERS,
    PRODUCT_VARIANTS,
    PRODUCTS,
    SOURCES,
    STATUSES,
)
from keycrm_pipeline.schemas.ops import LOADED_DAYS, REJECTED_RECORDS
from keycrm_pipeline.warehouse.connection import Warehouse

MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
MADE = datetime(2026, 4, 1, 6, 0, tzinfo=UTC)
NOW = datetime(2026, 4, 2, 9, 30, tzinfo=UTC)

FORMULA_NAME = '=HYPERLINK("http://example.org";"Ірина")'
Export = Callable[..., ExportResult]
"""The fixture `export`."""

TOTALS = {101: Decimal("599.99"), 102: Decimal("33.30"), 103: Decimal("48.55")}
"""What each buyer pays, as KeyCRM says."""

_DEFAULTS: Mapping[str, Any] = {
    "origin": "keycrm",
    "created_at": MADE,
    "updated_at": MADE,
    "kind": "product",
    "is_mapped": True,
    "is_loaded": True,
    "status_id": 1,
    "stage": "Нове",
    "source_id": 1,
    "author": "Оператор обміну",
    "responsible": "olena",
    "account": "ПриватБанк ФОП",
    "currency": "UAH",
    "goods_total": Decimal(0),
    "services_total": Decimal(0),
    "discount_total": Decimal(0),
    "difference": Decimal(0),
    "paid_total": Decimal(0),
    "payment_status": "not_paid",
    "missing_in_crm": False,
    "quantity": Decimal(1),
    "discount": Decimal(0),
    "is_expense": False,
}


def insert(connection: duckdb.DuckDBPyConnection, table: Table, **values: Any) -> None:
    """One row; what a test does not care about is filled in."""
    row = {name: _DEFAULTS[name] for name in table.column_names if name in _DEFAULTS} | values
    columns = ", ".join(f'"{name}"' for name in row)
    marks = ", ".join("?" for _ in row)
    statement = f"INSERT INTO {table.qualified_name} ({columns}) VALUES ({marks})"  # noqa: S608 - names of ours
    connection.execute(statement, list(row.values()))


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
    with shop.warehouse.writing() as connection:
        _cards(connection)
        _orders_to_hand_over(connection)
        _orders_held_back(connection)
        for day in range(1, 31):
            insert(
                connection,
                LOADED_DAYS,
                order_day=date(2026, 3, day),
                loaded_at=MADE,
                exchange_id=1,
                orders_seen=0,
            )
    return shop


def _cards(connection: duckdb.DuckDBPyConnection) -> None:
    insert(
        connection,
        PARTNERS,
        partner_id=1,
        name="Коваленко Олена",
        phone="+380501112233",
        email="olena@example.org",
    )
    insert(connection, PARTNERS, partner_id=2, name=FORMULA_NAME, phone="-call me", email="@ira")
    insert(
        connection,
        PARTNERS,
        partner_id=3,
        name="Роздрібний покупець",
        origin="catalogue",
        catalogue_id="0000-17",
    )
    insert(connection, PARTNERS, partner_id=4, name="Не куплено нічого")
    insert(connection, PRODUCTS, product_id=1, name="Чай «Карпати»", sku="0012")
    insert(connection, PRODUCTS, product_id=2, name="Футболка", kind="product_with_sku")
    insert(connection, PRODUCTS, product_id=3, name="Послуги доставки", kind="service")
    insert(
        connection,
        PRODUCTS,
        product_id=4,
        name="Тканина",
        sku="-5",
        unit="м",
        origin="catalogue",
        catalogue_id="К-4",
    )
    insert(
        connection,
        PRODUCT_VARIANTS,
        variant_id=5,
        product_id=2,
        sku="FB-R-M",
        barcode="4820000000017",
        characteristics="Колір: Червоний; Розмір: M",
        offer_id=50,
    )
    insert(
        connection,
        PRODUCT_VARIANTS,
        variant_id=6,
        product_id=2,
        sku="FB-B-L",
        barcode="4820000000017",
        characteristics="Колір: Синій; Розмір: L",
        offer_id=51,
    )
    insert(connection, STATUSES, status_id=1, name="Новий", stage="Нове", group_id=1)
    insert(connection, STATUSES, status_id=12, name="Виконано", stage="Виконано", group_id=5)
    insert(connection, STATUSES, status_id=19, name="Скасовано", stage="Відмова", group_id=6)
    insert(connection, SOURCES, source_id=1, name="Сайт")


def _orders_to_hand_over(connection: duckdb.DuckDBPyConnection) -> None:
    insert(
        connection,
        ORDERS,
        order_id=101,
        order_day=date(2026, 3, 1),
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
        goods_total=Decimal("529.99"),
        services_total=Decimal("70.00"),
        discount_total=Decimal("20.00"),
        grand_total=TOTALS[101],
        paid_total=Decimal("599.99"),
        payment_status="paid",
    )
    insert(
        connection,
        ORDER_LINES,
        order_id=101,
        line_no=1,
        crm_line_id=9001,
        product_id=1,
        name="Чай «Карпати»",
        sku="0012",
        quantity=Decimal(2),
        price=Decimal("100.00"),
        discount=Decimal("20.00"),
        amount=Decimal("180.00"),
    )
    insert(
        connection,
        ORDER_LINES,
        order_id=101,
        line_no=2,
        crm_line_id=9002,
        product_id=2,
        variant_id=5,
        name="Футболка",
        sku="FB-R-M",
        characteristics="Колір: Червоний; Розмір: M",
        price=Decimal("349.99"),
        amount=Decimal("349.99"),
    )
    insert(
        connection,
        ORDER_SERVICES,
        order_id=101,
        line_no=3,
        kind="delivery",
        product_id=3,
        name="Послуги доставки",
        price=Decimal("70.00"),
        amount=Decimal("70.00"),
    )
    insert(
        connection,
        ORDER_PAYMENTS,
        order_id=101,
        payment_id=71,
        paid_at=datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
        method_id=2,
        method="Картка",
        account="ПриватБанк ФОП",
        amount=Decimal("599.99"),
        status="paid",
    )
    insert(
        connection,
        ORDER_PAYMENTS,
        order_id=101,
        payment_id=72,
        paid_at=datetime(2026, 3, 1, 9, 0, tzinfo=UTC),
        method="Комісія",
        amount=Decimal("6.10"),
        status="paid",
        is_expense=True,
    )
    insert(
        connection,
        ORDERS,
        order_id=102,
        order_day=date(2026, 3, 29),
        # 04:30 in Kyiv; the hour from 03:00 does not exist on this day.
        ordered_at=datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        partner_id=2,
        comment="+cmd|' /C calc'!A0",
        goods_total=Decimal("33.30"),
        grand_total=TOTALS[102],
    )
    # 0.333 m at 99.99 is 33.29667, rounded half up 33.30.
    insert(
        connection,
        ORDER_LINES,
        order_id=102,
        line_no=1,
        product_id=4,
        name="Тканина\x01",
        sku="-5",
        unit="м",
        quantity=Decimal("0.333"),
        price=Decimal("99.99"),
        amount=Decimal("33.30"),
    )
    insert(
        connection,
        ORDERS,
        order_id=103,
        order_day=date(2026, 3, 30),
        ordered_at=datetime(2026, 3, 30, 12, 0, tzinfo=UTC),
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
    # Sold dearer than listed: a surcharge of 5 cents.
    insert(
        connection,
        ORDER_LINES,
        order_id=103,
        line_no=1,
        product_id=1,
        name="Чай «Карпати»",
        sku="0012",
        quantity=Decimal(3),
        price=Decimal("15.00"),
        discount=Decimal("-0.05"),
        amount=Decimal("45.05"),
    )
    insert(
        connection,
        ORDER_SERVICES,
        order_id=103,
        line_no=2,
        kind="wrap",
        name="Пакування",
        price=Decimal("2.00"),
        amount=Decimal("2.00"),
    )
    insert(
        connection,
        ORDER_SERVICES,
        order_id=103,
        line_no=3,
        kind="tax",
        name="Податок",
        price=Decimal("1.50"),
        amount=Decimal("1.50"),
    )


def plain_order(
    connection: duckdb.DuckDBPyConnection,
    order_id: int,
    day: date,
    *,
    partner_id: int = 1,
    product_id: int = 1,
    **order: Any,
) -> None:
    """An order of one line of 10.00, at noon UTC."""
    amount = Decimal("10.00")
    values: dict[str, Any] = {
        "order_day": day,
        "ordered_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        "partner_id": partner_id,
        "goods_total": amount,
        "grand_total": amount,
    }
    insert(connection, ORDERS, order_id=order_id, **(values | order))
    insert(
        connection,
        ORDER_LINES,
        order_id=order_id,
        line_no=1,
        product_id=product_id,
        name="Чай",
        price=amount,
        amount=amount,
    )


def reject(connection: duckdb.DuckDBPyConnection, order_id: int | None, day: date) -> None:
    """A rejected record."""
    insert(
        connection,
        REJECTED_RECORDS,
        record_key="digest" if order_id is None else str(order_id),
        order_id=order_id,
        order_day=day,
        reasons=["Line 1: the product has no name.", "The order has no total (grand_total)."],
        payload="{}",
        rejected_at=MADE,
    )


def _orders_held_back(connection: duckdb.DuckDBPyConnection) -> None:
    day = date(2026, 3, 15)
    plain_order(connection, 104, day)
    reject(connection, 104, day)
    plain_order(connection, 105, day, grand_total=Decimal("15.00"), difference=Decimal("5.00"))
    plain_order(connection, 106, day, missing_in_crm=True)
    plain_order(connection, 107, day, goods_total=Decimal("11.00"), grand_total=Decimal("11.00"))
    plain_order(connection, 108, day, partner_id=404)
    # Never got into the books.
    reject(connection, 199, day)
    reject(connection, None, day)
    # Not of this period.
    plain_order(connection, 90, date(2026, 2, 27), partner_id=4)
    reject(connection, 91, date(2026, 2, 27))
