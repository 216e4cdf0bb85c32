"""The names that the page gives to stored codes, in an accountant's Ukrainian.

Sentences stand in the templates; names of kinds of cards and lines in `kinds`; reasons, review kinds and failures in
`schemas`. What is not here: numbers and dates (`formatting`).
"""

from __future__ import annotations

from collections.abc import Mapping

EXCHANGE_KINDS: Mapping[str, str] = {
    "period": "Завантаження за період",
    "changes": "Зміни",
    "recent": "Останні дні",
    "sweep": "Звірка",
    "order": "Окреме замовлення",
    "catalogue": "Каталог",
    "rebuild": "Переформування",
}
"""Kind of an exchange -> its name."""

EXCHANGE_OUTCOMES: Mapping[str, str] = {
    "running": "Триває",
    "succeeded": "Успішно",
    "failed": "Не вдалося",
    "stopped": "Зупинено",
    "killed": "Обірвано",
}
"""Outcome of an exchange, see `failures.outcome_of` -> its name."""

PAYMENT_STATES: Mapping[str, str] = {
    "not_paid": "Не оплачено",
    "part_paid": "Оплачено частково",
    "paid": "Оплачено",
    "overpaid": "Переплата",
}
"""`payment_status` of an order -> its name."""

PAYMENT_STATUSES: Mapping[str, str] = {
    "paid": "Проведено",
    "not_paid": "Не проведено",
    "canceled": "Скасовано",
}
"""Status of a payment -> its name."""

STAGES: Mapping[str, str] = {
    "raw_orders": "Отримання замовлень",
    "validated_orders": "Перевірка",
    "statuses": "Статуси",
    "sources": "Джерела",
    "partners": "Контрагенти",
    "products": "Номенклатура",
    "orders": "Документи",
}
"""Stage of a load -> the name of the step, in order."""

JOBS: Mapping[str, str] = {
    "load": EXCHANGE_KINDS["period"],
    **EXCHANGE_KINDS,
    "exports": "Вивантаження файлів",
    "report": "Звіт",
}
"""Job of a profile, without the profile's name -> its name."""

RUN_STATUSES: Mapping[str, str] = {
    "QUEUED": "У черзі",
    "NOT_STARTED": "У черзі",
    "MANAGED": "У черзі",
    "STARTING": "Запускається",
    "STARTED": "Триває",
    "CANCELING": "Зупиняється",
    "CANCELED": "Зупинено",
    "SUCCESS": "Успішно",
    "FAILURE": "Не вдалося",
}
"""Status of a Dagster run -> its name."""

DOCUMENT_PARTS: Mapping[str, str] = {
    "stage": "Стадія",
    "responsible": "Відповідальний, Автор",
    "account": "Банк. рахунок/Каса",
    "organisation": "Організація",
    "partner": "Контрагент",
    "comment": "Коментар",
    "sums": "Суми",
    "goods": "Товари",
    "services": "Послуги",
    "payments": "Оплати й витрати",
    "other": "Інше",
}
"""Part of a document that a rebuild changes, see `warehouse.trial.PARTS` -> its name."""

FORMATS: Mapping[str, str] = {
    "xlsx": "Книга Excel (xlsx)",
    "csv": "Таблиці CSV",
    "parquet": "Таблиці Parquet",
    "commerceml": "CommerceML для 1С та BAS",
    "odoo": "Файли для Odoo",
}
"""Export format -> its name."""
