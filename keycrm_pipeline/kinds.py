"""The fixed lists shared by all packages: kinds of cards and lines, status groups, export formats, kinds of exchanges.

Each value and its name is written here once. This module imports little, so that every module may import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from keycrm_pipeline.language import message

PRODUCT = "product"
PRODUCT_WITH_SKU = "product_with_sku"
"""A product whose SKUs are on its variants."""
SERVICE = "service"

PRODUCT_KIND_NAMES: Mapping[str, str] = {
    PRODUCT: "Товар",
    PRODUCT_WITH_SKU: "Товар з SKU",
    SERVICE: "Послуга",
}
"""Kind of a product card -> its name (R5)."""

DELIVERY = "delivery"
WRAP = "wrap"
TAX = "tax"

SERVICE_LINE_NAMES: Mapping[str, str] = {
    SERVICE: PRODUCT_KIND_NAMES[SERVICE],
    DELIVERY: "Доставка",
    WRAP: "Пакування",
    TAX: "Податок",
}
"""Kind of a line in the services tab -> its name, in the order of the lines (R7)."""

STATUS_GROUP_NAMES: Mapping[int, str] = {
    1: "Новий",
    2: "Погодження",
    3: "Виробництво",
    4: "Доставка",
    5: "Виконано",
    6: "Скасовано",
}
"""KeyCRM's six fixed groups of order statuses."""

DELIVERY_GROUP = 4
COMPLETED_GROUP = 5
CANCELLED_GROUP = 6

MOVEMENT_NAMES: Mapping[str, str] = {
    "payment_came": "Надійшла оплата",
    "payment_cancelled": "Оплату скасовано",
    "payment_sum_changed": "Суму оплати змінено",
    "payment_date_changed": "Дату оплати змінено",
    "expense_came": "Внесено витрату",
    "expense_cancelled": "Витрату скасовано",
    "expense_sum_changed": "Суму витрати змінено",
    "expense_date_changed": "Дату витрати змінено",
    "line_added": "Додано рядок",
    "line_removed": "Вилучено рядок",
    "line_changed": "Змінено рядок",
    "sum_changed": "Суму замовлення змінено",
    "order_cancelled": "Замовлення скасовано",
    "order_restored": "Замовлення відновлено",
    "order_completed": "Замовлення виконано",
    "order_reopened": "Замовлення знову в роботі",
    "parcel_sent": "Посилку відправлено",
    "parcel_came_back": "Посилку не отримано",
    "order_vanished": "Замовлення зникло з KeyCRM",
    "order_listed_again": "Замовлення знову є в KeyCRM",
}
"""Kind of a movement of an order -> its name (R14), in the order in which those of one version are shown."""

ORDER_PAYMENT_STATE_NAMES: Mapping[str, str] = {
    "not_paid": "Не оплачено",
    "part_paid": "Оплачено частково",
    "paid": "Оплачено",
    "overpaid": "Переплата",
}
"""How far an order is paid, in KeyCRM's codes -> its name (R8)."""

PAYMENT_STATE_NAMES: Mapping[str, str] = {
    "paid": "Оплачено",
    "not_paid": "Не оплачено",
    "canceled": "Скасовано",
}
"""State of one payment, in KeyCRM's codes -> its name (R8)."""

CASH = "cash"
CASH_ON_DELIVERY = "cash_on_delivery"

PaymentKind = Literal["cash", "card", "transfer", "cash_on_delivery", "marketplace"]

PAYMENT_KIND_NAMES: Mapping[str, str] = {
    "cash": "готівка",
    "card": "картка",
    "transfer": "переказ",
    "cash_on_delivery": "післяплата",
    "marketplace": "маркетплейс",
}
"""Kind of a payment method -> its name (R8)."""

OWN_RECEIPT = "own"
RECEIPT_BY_CARRIER = "by_carrier"

ReceiptIssuer = Literal["own", "by_carrier", "none"]

RECEIPT_ISSUER_NAMES: Mapping[str, str] = {
    "own": "магазин",
    "by_carrier": "перевізник",
    "none": "ніхто",
}
"""Who issues the receipt for payments by a method -> its name (R8)."""

PaymentDate = Literal["payment", "transaction"]
"""Which day a payment is booked by: KeyCRM's of the payment, or that of the money."""

BY_TRANSACTION: PaymentDate = "transaction"

ReconciliationKind = Literal[
    "payment_without_money",
    "money_without_payment",
    "sum_differs",
    "fee_differs",
    "several_candidates",
    "awaited",
    "outgoing",
    "order_not_loaded",
    "matched",
]

RECONCILIATION_NAMES: Mapping[str, str] = {
    "payment_without_money": "оплата без надходження",
    "money_without_payment": "надходження без оплати",
    "sum_differs": "розбіжність сум",
    "fee_differs": "розбіжність комісії",
    "several_candidates": "кілька можливих збігів",
    "awaited": "надходження очікується",
    "outgoing": "списання",
    "order_not_loaded": "замовлення не завантажено",
    "matched": "суми збігаються",
}
"""Kind of a line of the reconciliation -> its name (R15), in the order in which they are shown."""

RECONCILIATION_WORDS: Mapping[str, str] = {
    "payment_without_money": message("Payment without money"),
    "money_without_payment": message("Money without payment"),
    "sum_differs": message("Sums differ"),
    "fee_differs": message("Fee differs"),
    "several_candidates": message("Several candidates"),
    "awaited": message("Money awaited"),
    "outgoing": message("Money that went out"),
    "order_not_loaded": message("Order not loaded"),
    "matched": message("Sums agree"),
}
"""The same kinds -> their names, messages."""

OPEN_RECONCILIATION_KINDS: tuple[ReconciliationKind, ...] = (
    "payment_without_money",
    "money_without_payment",
    "sum_differs",
    "fee_differs",
    "several_candidates",
)
"""Kinds about which a person has to do something."""

MatchedBy = Literal["reference", "order", "text", "buyer"]

MATCHED_BY_NAMES: Mapping[str, str] = {
    "reference": "код операції",
    "order": "номер замовлення або ТТН",
    "text": "призначення платежу і сума",
    "buyer": "покупець і сума",
}
"""By what a payment and its money were found to belong together (R15) -> its name."""

ExportFormat = Literal["xlsx", "csv", "parquet", "commerceml", "odoo"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
"""Export formats, by the names users type; the first is the default."""

EXCHANGE_KINDS: Mapping[str, str] = {
    "period": message("period"),
    "changes": message("changes"),
    "recent": message("recent"),
    "sweep": message("sweep"),
    "catalogue": message("catalogue"),
    "rebuild": message("rebuild"),
    "order": message("single orders"),
}
"""Kind of an exchange -> its name, a message."""

EXCHANGE_STATUSES: Mapping[str, str] = {
    "running": message("running"),
    "succeeded": message("succeeded"),
    "failed": message("failed"),
    "killed": message("killed"),
    "stopped": message("stopped"),
}
"""How an exchange stands -> its name, a message; `killed` is not in the log, but found out."""

DecidingDay = Literal["order", "payment", "shipment", "completed"]
DECIDING_DAYS: tuple[DecidingDay, ...] = get_args(DecidingDay)
"""What decides to which period an exported order belongs, by the names users type; the first is the default: its own
day, the day of a payment, the day it was shipped, and the day it was completed."""

HandedOverKind = Literal["document", "withdrawn", "correction"]
HANDED_OVER_KINDS: tuple[HandedOverKind, ...] = get_args(HandedOverKind)
"""How an order was handed over: as a document, as one that is no longer exported, or as a change in a closed period."""


StepName = Literal[
    "days", "rejected", "unmapped", "receipts", "reconciliation", "closed_period", "handed_over"
]
"""Steps of the month's end."""

StepState = Literal["done", "open", "not_set_up", "not_loaded"]
"""How a step of the month's end stands; `not_set_up` if the profile asks for nothing that could be open, `not_loaded`
if no day of the month is loaded, so that there was nothing to check."""


def named_kinds(names: Mapping[str, str]) -> str:
    """`product (Товар), product_with_sku (Товар з SKU) or service (Послуга)`, for a sentence."""
    *most, last = (f"{kind} ({name})" for kind, name in names.items())
    return f"{', '.join(most)} or {last}"
