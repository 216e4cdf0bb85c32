"""Documents of a small shop, written row by row into a real database without a load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.connection import Warehouse

KYIV = ZoneInfo("Europe/Kyiv")
MADE_AT = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
"""When the rows were written, and when the tests make their reports."""
LOST_STATUS = 19
"""Скасовано, of group 6."""
DONE_STATUS = 12
"""Виконано, of group 5."""

_STATUSES = (
    (1, "Новий", 1, "Новий", "Нове"),
    (8, "Передано в доставку", 4, "Доставка", "Відвантажено"),
    (DONE_STATUS, "Виконано", 5, "Виконано", "Закрито"),
    (LOST_STATUS, "Скасовано", 6, "Скасовано", "Скасовано"),
)


@dataclass(frozen=True)
class Item:
    """A line of an order: goods, or a line of the services tab if `kind` says so."""

    amount: str
    product_id: int | None = 1
    kind: str = "goods"
    quantity: str = "1"
    discount: str = "0"
    name: str = "Товар"


@dataclass(frozen=True)
class Payment:
    """A payment of an order."""

    amount: str
    status: str = "paid"
    method: str | None = "LiqPay"
    is_expense: bool = False
    currency: str | None = None


@dataclass
class BookedShop:
    """A shop whose documents are collected and then saved together."""

    warehouse: Warehouse
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        """Collects a row."""
        self.rows.setdefault(table, []).append(values)

    def card(self, product_id: int, name: str, category: str | None = None, sku: str | None = None) -> None:
        """A product card."""
        self.add(
            "accounting.products",
            product_id=product_id,
            name=name,
            sku=sku,
            kind="product",
            category_id=None if category is None else 100 + len(category),
            category_name=category,
            origin="keycrm",
            created_at=MADE_AT,
            updated_at=MADE_AT,
        )

    def source(self, source_id: int, name: str) -> None:
        """A source."""
        self.add("accounting.sources", source_id=source_id, name=name)

    def order(
        self,
        order_id: int,
        day: date,
        items: Sequence[Item],
        *,
        payments: Sequence[Payment] = (),
        status_id: int = DONE_STATUS,
        currency: str = "UAH",
        source_id: int | None = 1,
        partner_id: int = 1,
        responsible: str = "Олена",
        difference: str = "0",
        shipping_status: str | None = None,
        tracking_code: str | None = None,
        delivery_service: str | None = "Нова пошта",
        ordered_at: datetime | None = None,
    ) -> None:
        """An order document; its sums are derived from its items and payments."""
        ordered_at = ordered_at or datetime.combine(day, time(12), tzinfo=KYIV)
        goods = sum((Decimal(item.amount) for item in items if item.kind == "goods"), Decimal(0))
        services = sum((Decimal(item.amount) for item in items if item.kind != "goods"), Decimal(0))
        paid = sum(
            (
                Decimal(payment.amount)
                for payment in payments
                if payment.status == "paid"
                and not payment.is_expense
                and payment.currency in (None, currency)
            ),
            Decimal(0),
        )
        status = next((row for row in _STATUSES if row[0] == status_id), None)
        self.add(
            "accounting.orders",
            order_id=order_id,
            order_day=day,
            ordered_at=ordered_at,
            partner_id=partner_id,
            status_id=status_id,
            stage=status[4] if status else f"Статус {status_id}",
            source_id=source_id,
            author="Оператор обміну",
            responsible=responsible,
            account="Каса",
            currency=currency,
            delivery_service=delivery_service,
            tracking_code=tracking_code,
            goods_total=goods,
            services_total=services,
            discount_total=sum((Decimal(item.discount) for item in items), Decimal(0)),
            grand_total=goods + services + Decimal(difference),
            difference=Decimal(difference),
            paid_total=paid,
            payment_status="paid",
            missing_in_crm=False,
            created_at=MADE_AT,
            updated_at=MADE_AT,
        )
        self.add(
            "validated.orders",
            order_id=order_id,
            order_day=day,
            ordered_at=ordered_at,
            status_id=status_id,
            grand_total=goods + services + Decimal(difference),
            shipping_price=0,
            wrap_price=0,
            taxes=0,
            discount_amount=0,
            discount_percent=0,
            total_discount=0,
            shipping_status=shipping_status,
            payload_hash="-",
            exchange_id=1,
        )
        for number, item in enumerate(items, start=1):
            line = {
                "order_id": order_id,
                "line_no": number,
                "product_id": item.product_id,
                "name": item.name,
                "quantity": Decimal(item.quantity),
                "price": Decimal(item.amount) + Decimal(item.discount),
                "discount": Decimal(item.discount),
                "amount": Decimal(item.amount),
            }
            if item.kind == "goods":
                self.add("accounting.order_lines", **line)
            else:
                self.add("accounting.order_services", kind=item.kind, **line)
        for number, payment in enumerate(payments, start=1):
            self.add(
                "accounting.order_payments",
                order_id=order_id,
                payment_id=number,
                method=payment.method,
                account="Каса",
                amount=Decimal(payment.amount),
                currency=payment.currency or currency,
                status=payment.status,
                is_expense=payment.is_expense,
            )

    def buyer(self, partner_id: int) -> None:
        """A partner card that belongs to a buyer of KeyCRM."""
        self.add(
            "accounting.partner_links",
            buyer_id=1000 + partner_id,
            partner_id=partner_id,
            name_conflict=False,
            created_at=MADE_AT,
        )

    def loaded(self, period: Period) -> None:
        """Marks days as loaded."""
        for day in period.days:
            self.add(
                "ops.loaded_days",
                order_day=day,
                loaded_at=MADE_AT,
                exchange_id=1,
                orders_seen=0,
            )

    def exchange(self, exchange_id: int, status: str = "succeeded", error: str | None = None) -> None:
        """A row of the exchange log."""
        started = MADE_AT - timedelta(hours=10 - exchange_id)
        self.add(
            "ops.exchanges",
            exchange_id=exchange_id,
            profile="kramnytsia",
            kind="period",
            period_from=date(2026, 3, 1),
            period_to=date(2026, 3, 31),
            started_at=started,
            finished_at=started + timedelta(seconds=75),
            status=status,
            orders_seen=12,
            orders_created=3,
            orders_updated=2,
            orders_unchanged=6,
            orders_rejected=1,
            partners_created=2,
            products_created=1,
            requests=7,
            error=error,
        )

    def review(self, kind: str, subject: str, details: str) -> None:
        """A row of the review list."""
        self.add("ops.review", kind=kind, subject=subject, details=details, first_seen_at=MADE_AT)

    def rejected(self, order_id: int, day: date, *reasons: str) -> None:
        """A rejected order, with its row of the review list."""
        self.add(
            "ops.rejected_records",
            record_key=str(order_id),
            order_id=order_id,
            order_day=day,
            reasons=list(reasons),
            payload="{}",
            rejected_at=MADE_AT,
        )
        self.review("rejected_order", str(order_id), "Order could not be loaded.")

    def empty(self) -> None:
        """Deletes every document and register of the file."""
        with self.warehouse.transaction() as connection:
            for table in TABLES:
                if table.schema != "raw":
                    connection.execute(f"DELETE FROM {table.qualified_name}")  # noqa: S608 - our own names

    def save(self) -> Warehouse:
        """Stores all collected rows and the statuses."""
        for status_id, name, group_id, group_name, stage in _STATUSES:
            self.add(
                "accounting.statuses",
                status_id=status_id,
                name=name,
                group_id=group_id,
                group_name=group_name,
                stage=stage,
                is_mapped=True,
                is_loaded=True,
            )
        with self.warehouse.transaction() as connection:
            for table, rows in self.rows.items():
                connection.register("rows_to_save", pl.DataFrame(rows, infer_schema_length=None))
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_save")  # noqa: S608
                connection.unregister("rows_to_save")
        self.rows.clear()
        return self.warehouse


def new_shop(folder: Path) -> BookedShop:
    """A shop without a document."""
    return BookedShop(Warehouse(folder / "kramnytsia.duckdb", "Europe/Kyiv"))


def shop_profile(**settings: Any) -> Profile:
    """The profile of the shop."""
    values = {
        "name": "kramnytsia",
        "start_date": date(2026, 1, 1),
        "keycrm_url": "https://kramnytsia.keycrm.app",
    }
    return Profile.model_validate(values | settings)
