"""Statuses and sources (R9): display names of KeyCRM's standard statuses, groups, and stages of the books."""

from __future__ import annotations

from collections.abc import Mapping

from keycrm_pipeline.kinds import CANCELLED_GROUP, COMPLETED_GROUP, STATUS_GROUP_NAMES

CLOSING_GROUPS = (COMPLETED_GROUP, CANCELLED_GROUP)
"""Orders of these groups are done with: completed, cancelled."""

STANDARD_NAMES: Mapping[str, str] = {
    "new": "Новий",
    "presence_confirmed": "Наявність підтверджено",
    "waiting_for_email_response": "Очікування відповіді",
    "waiting_for_prepayment": "Очікування передоплати",
    "transferred_to_production": "Передано у виробництво",
    "manufacturing": "У виробництві",
    "manufactured": "Виготовлено",
    "delivered_to_delivery": "Передано в доставку",
    "delivered": "Доставлено",
    "departing": "Відправляється",
    "in_transit": "В дорозі",
    "completed": "Виконано",
    "incorrect_data": "Некоректні дані",
    "underbid": "Недодзвон",
    "not_available": "Немає в наявності",
    "bought_elsewhere": "Куплено в іншому місці",
    "delivery_did_not_arrange": "Не влаштувала доставка",
    "did_not_arrange_price": "Не влаштувала ціна",
    "canceled": "Скасовано",
}
"""KeyCRM's standard statuses carry their English key as name until somebody renames them."""


def status_name(name: str | None, alias: str | None) -> str | None:
    """The name to show: the Ukrainian one for an untouched standard status, else its own; None when it has none."""
    if name is None:
        return STANDARD_NAMES.get(alias or "", alias)
    return STANDARD_NAMES.get(name, name)


def group_name(group_id: int | None) -> str | None:
    """The Ukrainian name of a group; None for a group that is not known."""
    return STATUS_GROUP_NAMES.get(group_id) if group_id is not None else None


def source_name(source_id: int, name: str | None) -> str:
    """The name of a source; one without a name is `Джерело <id>` (R9)."""
    return name or f"Джерело {source_id}"
