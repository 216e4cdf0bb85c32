"""Names of the kinds of expenses (R8). KeyCRM sends its own kinds as keys, which its interface translates."""

from __future__ import annotations

from collections.abc import Mapping

KEY_PREFIX = "dictionaries.expense_types."
"""What the name of a kind begins with until somebody renames it."""

STANDARD_NAMES: Mapping[str, str] = {
    "delivery": "Доставка",
    "courier_delivery": "Кур’єрська доставка",
    "employee_bonus": "Бонус працівникові",
    "package": "Пакування",
    "payment_fee": "Комісія за оплату",
    "marketplace_fee": "Комісія маркетплейсу",
}
"""Key of a kind -> its name; the list is open, and a key that is not in it is shown as it is."""


def expense_type_name(type_id: int, name: str | None, alias: str | None) -> str:
    """The name to show: Ukrainian for an untouched kind of KeyCRM's, else its own; `Вид витрати <id>` without any."""
    if name is None:
        return STANDARD_NAMES.get(alias or "", alias or f"Вид витрати {type_id}")
    if not name.startswith(KEY_PREFIX):
        return name
    key = name.removeprefix(KEY_PREFIX)
    return STANDARD_NAMES.get(key, key)
