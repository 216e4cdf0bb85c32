"""Documents and cards of a shop, written row by row into a real file, without a load: for tests of exports and reports.

Orders as KeyCRM sends them are built by `keycrm_pipeline_tests.payloads`. What is not here: any particular shop, and
what the tests expect of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import ORDER_LINES, ORDER_PAYMENTS, ORDER_SERVICES, ORDERS
from keycrm_pipeline.schemas.ops import LOADED_DAYS, REJECTED_RECORDS
from keycrm_pipeline.sentences import Message, dump_messages
from keycrm_pipeline.warehouse.connection import Warehouse

MADE_AT: Final = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
"""When the rows were written."""

_DEFAULTS: Final[Mapping[str, Any]] = {
    "origin": "keycrm",
    "created_at": MADE_AT,
    "updated_at": MADE_AT,
    "kind": "product",
    "is_mapped": True,
    "is_loaded": True,
    "author": "Оператор обміну",
    "responsible": "olena",
    "account": "ПриватБанк ФОП",
    "currency": "UAH",
    "source_id": 1,
    "missing_in_crm": False,
}


@dataclass(frozen=True)
class Item:
    """A line of an order: goods, or a row of the services tab when `kind` says so.

    Attributes:
        amount: Hryvnias that the buyer pays for the line.
        product_id: The card.
        kind: `goods`, or the kind of a service.
        quantity: Pieces or units.
        discount: Hryvnias of the line's discount.
        name: The name on the line.
        columns: Further columns of the row, such as `sku` or another `price` than amount and discount together.
    """

    amount: str
    product_id: int | None = 1
    kind: str = "goods"
    quantity: str = "1"
    discount: str = "0"
    name: str = "Товар"
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Payment:
    """A payment of an order, in the order's currency unless another one is given; `columns` are further columns."""

    amount: str
    status: str = "paid"
    method: str | None = "LiqPay"
    is_expense: bool = False
    currency: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Documents:
    """Rows that are collected, and stored together by `save`."""

    warehouse: Warehouse
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: Table, **values: Any) -> None:
        """A row of any table; columns that must have a value get a usual one."""
        usual = {name: _DEFAULTS[name] for name in table.column_names if name in _DEFAULTS}
        self.rows.setdefault(table.qualified_name, []).append(usual | values)

    def order(
        self,
        order_id: int,
        day: date,
        items: Sequence[Item],
        payments: Sequence[Payment] = (),
        *,
        currency: str = "UAH",
        difference: str = "0",
        **columns: Any,
    ) -> None:
        """An order document of noon UTC; its sums follow from its items and payments.

        Args:
            order_id: Its number.
            day: Its day.
            items: Goods and services, numbered in this order.
            payments: Payments, numbered in this order unless they have a number.
            currency: Currency of the order.
            difference: Hryvnias by which the order's total is more than its lines.
            columns: Columns of the document with other values than these.
        """
        goods = _sum(item.amount for item in items if item.kind == "goods")
        services = _sum(item.amount for item in items if item.kind != "goods")
        paid = _sum(
            payment.amount
            for payment in payments
            if payment.status == "paid" and not payment.is_expense and payment.currency in (None, currency)
        )
        header: dict[str, Any] = {
            "ordered_at": datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
            "partner_id": 1,
            "status_id": 1,
            "stage": "Нове",
            "goods_total": goods,
            "services_total": services,
            "discount_total": _sum(item.discount for item in items),
            "grand_total": goods + services + Decimal(difference),
            "difference": Decimal(difference),
            "paid_total": paid,
            "payment_status": "paid" if paid else "not_paid",
        }
        self.add(ORDERS, order_id=order_id, order_day=day, currency=currency, **(header | columns))
        for number, item in enumerate(items, start=1):
            line: dict[str, Any] = {
                "product_id": item.product_id,
                "name": item.name,
                "quantity": Decimal(item.quantity),
                "price": Decimal(item.amount) + Decimal(item.discount),
                "discount": Decimal(item.discount),
                "amount": Decimal(item.amount),
                **item.columns,
            }
            if item.kind == "goods":
                self.add(ORDER_LINES, order_id=order_id, line_no=number, **line)
            else:
                self.add(ORDER_SERVICES, order_id=order_id, line_no=number, kind=item.kind, **line)
        for number, payment in enumerate(payments, start=1):
            values: dict[str, Any] = {
                "payment_id": number,
                "method": payment.method,
                "amount": Decimal(payment.amount),
                "currency": payment.currency or currency,
                "status": payment.status,
                "is_expense": payment.is_expense,
                **payment.columns,
            }
            self.add(ORDER_PAYMENTS, order_id=order_id, **values)

    def rejected(self, order_id: int | None, day: date, *reasons: Message | str) -> None:
        """A rejected record, by an earlier version if reasons are texts; one without a number has a digest as key."""
        messages = [reason for reason in reasons if isinstance(reason, Message)]
        self.add(
            REJECTED_RECORDS,
            record_key="digest" if order_id is None else str(order_id),
            order_id=order_id,
            order_day=day,
            reasons=list(map(str, reasons)),
            reasons_coded=dump_messages(messages) if messages else None,
            payload="{}",
            rejected_at=MADE_AT,
        )

    def loaded(self, period: Period) -> None:
        """Marks the days of a period as loaded."""
        for day in period.days:
            self.add(LOADED_DAYS, order_day=day, loaded_at=MADE_AT, exchange_id=1, orders_seen=0)

    def save(self) -> Warehouse:
        """Stores the collected rows."""
        with self.warehouse.transaction() as connection:
            for table, rows in self.rows.items():
                connection.register("rows_to_save", pl.DataFrame(rows, infer_schema_length=None))
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_save")  # noqa: S608
                connection.unregister("rows_to_save")
        self.rows.clear()
        return self.warehouse


def new_warehouse(path: Path) -> Warehouse:
    """A file with all tables and no rows, copied: making the tables takes longer than most tests."""
    path.write_bytes(_empty_file())
    return Warehouse(path, "Europe/Kyiv")


@cache
def _empty_file() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.duckdb"
        with Warehouse(path, "Europe/Kyiv").writing():
            pass
        return path.read_bytes()


def _sum(amounts: Iterable[str]) -> Decimal:
    return sum(map(Decimal, amounts), Decimal(0))
