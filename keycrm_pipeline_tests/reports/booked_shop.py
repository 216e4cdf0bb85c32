"""The shop of the report tests: its statuses, and its documents with what else a report reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from keycrm_pipeline.profile import Profile, Settings, Workspace
from keycrm_pipeline.reading import Books
from keycrm_pipeline.schemas.accounting import (
    ORDERS,
    PARTNER_LINKS,
    PARTNERS,
    PRODUCTS,
    SOURCES,
    STATUSES,
)
from keycrm_pipeline.schemas.ops import EXCHANGES, REVIEW
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.documents import MADE_AT, Documents, Item, Payment, new_warehouse

KYIV = ZoneInfo("Europe/Kyiv")
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


@dataclass
class BookedShop(Documents):
    """A shop whose documents are collected and then saved together."""

    def card(self, product_id: int, name: str, category: str | None = None, sku: str | None = None) -> None:
        """A product card."""
        self.add(
            PRODUCTS,
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
        self.add(SOURCES, source_id=source_id, name=name)

    def order(
        self,
        order_id: int,
        day: date,
        items: Sequence[Item],
        payments: Sequence[Payment] = (),
        *,
        status_id: int = DONE_STATUS,
        shipping_status: str | None = None,
        **columns: Any,
    ) -> None:
        """An order document of noon in Kyiv, and its validated order; the rest as for any document."""
        columns = {
            "ordered_at": datetime.combine(day, time(12), tzinfo=KYIV),
            "stage": next((row[4] for row in _STATUSES if row[0] == status_id), f"Статус {status_id}"),
            "delivery_service": "Нова пошта",
            **columns,
        }
        super().order(order_id, day, items, payments, status_id=status_id, **columns)
        document = self.rows[ORDERS.qualified_name][-1]
        self.add(
            VALIDATED_ORDERS,
            order_id=order_id,
            order_day=day,
            ordered_at=document["ordered_at"],
            status_id=status_id,
            grand_total=document["grand_total"],
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

    def partner(self, partner_id: int, name: str = "Покупець") -> None:
        """A partner card."""
        self.add(PARTNERS, partner_id=partner_id, name=name)

    def buyer(self, partner_id: int) -> None:
        """A partner card that belongs to a buyer of KeyCRM."""
        self.partner(partner_id)
        self.add(
            PARTNER_LINKS,
            buyer_id=1000 + partner_id,
            partner_id=partner_id,
            name_conflict=False,
            created_at=MADE_AT,
        )

    def exchange(self, exchange_id: int, status: str = "succeeded", error: str | None = None) -> None:
        """A row of the exchange log."""
        started = MADE_AT - timedelta(hours=10 - exchange_id)
        self.add(
            EXCHANGES,
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

    def review(self, kind: str, subject: str, details: Message | str) -> None:
        """A row of the review list, of an earlier version if the details are a text."""
        coded = details.dump() if isinstance(details, Message) else None
        self.add(
            REVIEW,
            kind=kind,
            subject=subject,
            details=str(details),
            details_coded=coded,
            first_seen_at=MADE_AT,
        )

    def rejected(self, order_id: int | None, day: date, *reasons: Message | str) -> None:
        """A rejected order, with its row of the review list."""
        super().rejected(order_id, day, *reasons)
        self.review("rejected_order", str(order_id), "Order could not be loaded.")

    def save(self) -> Warehouse:
        """Stores all collected rows and the statuses."""
        for status_id, name, group_id, group_name, stage in _STATUSES:
            self.add(
                STATUSES,
                status_id=status_id,
                name=name,
                group_id=group_id,
                group_name=group_name,
                stage=stage,
                is_mapped=True,
                is_loaded=True,
            )
        return super().save()


def new_shop(folder: Path) -> BookedShop:
    """A shop without a document."""
    return BookedShop(new_warehouse(folder / "kramnytsia.duckdb"))


def shop_profile(**settings: Any) -> Profile:
    """The profile of the shop."""
    values = {
        "name": "kramnytsia",
        "start_date": date(2026, 1, 1),
        "keycrm_url": "https://kramnytsia.keycrm.app",
    }
    return Profile.model_validate(values | settings)


def books_in(warehouse: Warehouse, **settings: Any) -> Books:
    """The books of the shop whose database this is; `settings` are those of its profile."""
    directory = warehouse.path.parent
    profile = shop_profile(database=str(warehouse.path), **settings)
    return Books(Workspace(profile, Settings(directory, directory)))
