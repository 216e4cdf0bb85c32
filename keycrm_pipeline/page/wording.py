"""The names that the page gives to stored codes; each is a message, which the templates translate.

What is not here: sentences (the templates), reasons, review kinds and failures (`sentences`, `schemas`), numbers and
dates (`formatting`).
"""

from __future__ import annotations

from collections.abc import Mapping

from keycrm_pipeline.kinds import DELIVERY, PRODUCT, PRODUCT_WITH_SKU, SERVICE, TAX, WRAP
from keycrm_pipeline.language import message

EXCHANGE_KINDS: Mapping[str, str] = {
    "period": message("Load of a period"),
    "changes": message("Changes"),
    "recent": message("Recent days"),
    "sweep": message("Sweep"),
    "order": message("Single order"),
    "catalogue": message("Catalogue"),
    "rebuild": message("Rebuilding"),
}
"""Kind of an exchange -> its name."""

EXCHANGE_OUTCOMES: Mapping[str, str] = {
    "running": message("Running"),
    "succeeded": message("Succeeded"),
    "failed": message("Failed"),
    "stopped": message("Stopped"),
    "killed": message("Killed"),
}
"""Outcome of an exchange, see `failures.outcome_of` -> its name."""

PAYMENT_STATES: Mapping[str, str] = {
    "not_paid": message("Not paid"),
    "part_paid": message("Partly paid"),
    "paid": message("Paid"),
    "overpaid": message("Overpaid"),
}
"""`payment_status` of an order -> its name."""

PAYMENT_STATUSES: Mapping[str, str] = {
    "paid": message("Posted"),
    "not_paid": message("Not posted"),
    "canceled": message("Cancelled"),
}
"""Status of a payment -> its name."""

STAGES: Mapping[str, str] = {
    "raw_orders": message("Loading orders"),
    "validated_orders": message("Validation"),
    "statuses": message("Order statuses"),
    "sources": message("Sources"),
    "partners": message("Partners"),
    "products": message("Products"),
    "orders": message("Documents"),
}
"""Stage of a load -> the name of the step, in order."""

JOBS: Mapping[str, str] = {
    "load": EXCHANGE_KINDS["period"],
    **EXCHANGE_KINDS,
    "exports": message("Export of files"),
    "report": message("Report"),
}
"""Job of a profile, without the profile's name -> its name."""

RUN_STATUSES: Mapping[str, str] = {
    "QUEUED": message("Queued"),
    "NOT_STARTED": message("Queued"),
    "MANAGED": message("Queued"),
    "STARTING": message("Starting"),
    "STARTED": message("Running"),
    "CANCELING": message("Stopping"),
    "CANCELED": message("Stopped"),
    "SUCCESS": message("Succeeded"),
    "FAILURE": message("Failed"),
}
"""Status of a Dagster run -> its name."""

DOCUMENT_PARTS: Mapping[str, str] = {
    "stage": message("Stage"),
    "responsible": message("Responsible, Author"),
    "account": message("Bank account/Cash desk"),
    "organisation": message("Organisation"),
    "partner": message("Partner"),
    "comment": message("Comment"),
    "sums": message("Sums"),
    "goods": message("Goods"),
    "services": message("Services"),
    "payments": message("Payments and expenses"),
    "other": message("Other"),
}
"""Part of a document that a rebuild changes, see `warehouse.trial.PARTS` -> its name."""

FORMATS: Mapping[str, str] = {
    "xlsx": message("Excel workbook (xlsx)"),
    "csv": message("CSV tables"),
    "parquet": message("Parquet tables"),
    "commerceml": message("CommerceML for 1C and BAS"),
    "odoo": message("Files for Odoo"),
}
"""Export format -> its name."""

PRODUCT_KINDS: Mapping[str, str] = {
    PRODUCT: message("Product"),
    PRODUCT_WITH_SKU: message("Product with SKUs"),
    SERVICE: message("Service"),
}
"""Kind of a product card -> its name (R5)."""

SERVICE_KINDS: Mapping[str, str] = {
    SERVICE: message("Service"),
    DELIVERY: message("Delivery"),
    WRAP: message("Wrapping"),
    TAX: message("Tax"),
}
"""Kind of a line in the services tab -> its name (R7)."""

STATUS_GROUPS: Mapping[int, str] = {
    1: message("New"),
    2: message("Approval"),
    3: message("Production"),
    4: message("Delivery"),
    5: message("Completed"),
    6: message("Cancelled"),
}
"""KeyCRM's group of order statuses -> its name."""

MOVEMENTS: Mapping[str, str] = {
    "payment_came": message("Payment received"),
    "payment_cancelled": message("Payment cancelled"),
    "payment_sum_changed": message("Amount of a payment changed"),
    "payment_date_changed": message("Date of a payment changed"),
    "expense_came": message("Expense entered"),
    "expense_cancelled": message("Expense cancelled"),
    "expense_sum_changed": message("Amount of an expense changed"),
    "expense_date_changed": message("Date of an expense changed"),
    "line_added": message("Line added"),
    "line_removed": message("Line removed"),
    "line_changed": message("Line changed"),
    "sum_changed": message("Total of the order changed"),
    "order_cancelled": message("Order cancelled"),
    "order_restored": message("Order restored"),
    "order_completed": message("Order completed"),
    "order_reopened": message("Order in progress again"),
    "parcel_sent": message("Parcel sent"),
    "parcel_came_back": message("Parcel not collected"),
    "order_vanished": message("Order vanished from KeyCRM"),
    "order_listed_again": message("Order is in KeyCRM again"),
}
"""Kind of a movement of an order -> its name (R14)."""

PAYMENT_KINDS: Mapping[str, str] = {
    "cash": message("cash"),
    "card": message("card payment"),
    "transfer": message("transfer"),
    "cash_on_delivery": message("cash on delivery"),
    "marketplace": message("marketplace"),
}
"""Kind of a payment method -> its name (R8)."""

RECEIPT_ISSUERS: Mapping[str, str] = {
    "own": message("the shop"),
    "by_carrier": message("the carrier"),
    "none": message("nobody"),
}
"""Who issues the receipt for payments by a method -> its name (R8)."""

DIFFERENCE_NAMES: Mapping[str, str] = {
    "new": message("Not exported yet"),
    "changed": message("Changed since the last export"),
    "withdrawn": message("Exported before, and no longer"),
}
"""How a document differs from what was handed over -> its name."""

STEP_STATES: Mapping[str, str] = {
    "done": message("done"),
    "open": message("open"),
    "not_set_up": message("not set up"),
    "not_loaded": message("not loaded"),
}
"""State of a step of the month's end -> its name."""

DECIDING_DAY_NAMES: Mapping[str, str] = {
    "order": message("day of the order"),
    "payment": message("day of the payment"),
    "shipment": message("day of the shipment"),
    "completed": message("day of completion"),
}
"""What decides to which period an exported order belongs -> its name."""

PARCEL_STATES: Mapping[str, str] = {
    "invoice": message("waybill made"),
    "transit": message("on its way"),
    "pickup": message("waits to be collected"),
    "delivered": message("delivered"),
    "cash_on_delivery": message("delivered for cash on delivery"),
    "cash_received": message("cash on delivery received"),
    "return": message("on its way back"),
    "returned": message("come back"),
    "disposal": message("disposed of"),
    "refused": message("refused by the buyer"),
}
"""State of a parcel in KeyCRM (`shipping_status`) -> its name; the list is open, so another one is shown as it is."""
