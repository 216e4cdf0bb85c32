"""The words of reports in Ukrainian and in English.

What belongs here: every sentence and heading a reader sees. What does not: numbers and dates (see `formatting`),
names and texts that come from the shop. Both languages have the same keys; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keycrm_pipeline.reports.formatting import Language

_UKRAINIAN: Mapping[str, str] = {
    "load": "Завантаження",
    "count_orders_seen": "Замовлень побачено",
    "count_orders_created": "створено",
    "count_orders_updated": "оновлено",
    "count_orders_unchanged": "без змін",
    "count_orders_rejected": "відхилено",
    "count_partners_created": "Нових партнерів",
    "count_products_created": "Нових товарів",
    "count_requests": "Запитів до KeyCRM",
    "sums": "Суми без скасованих",
    "sales": "Продажі",
    "sum": "Сума",
    "orders": "Замовлення",
    "discounts": "Знижки",
    "delivery": "Доставка",
    "by_source": "Джерело",
    "by_status_group": "Група статусів",
    "rejected_why": "Чому відхилено",
    "and_more_reasons": "та інші причини",
    "the_rest": "решта",
    "per_day": "за днями",
    "per_week": "за тижнями",
    "per_month": "за місяцями",
    "chart_of_days": "Замовлення і суми за днями",
    "no_orders": "Замовлень немає",
}

_ENGLISH: Mapping[str, str] = {
    "load": "Load",
    "count_orders_seen": "Orders seen",
    "count_orders_created": "created",
    "count_orders_updated": "updated",
    "count_orders_unchanged": "unchanged",
    "count_orders_rejected": "rejected",
    "count_partners_created": "New partners",
    "count_products_created": "New products",
    "count_requests": "Requests to KeyCRM",
    "sums": "Sums without cancelled orders",
    "sales": "Sales",
    "sum": "Sum",
    "orders": "Orders",
    "discounts": "Discounts",
    "delivery": "Delivery",
    "by_source": "Source",
    "by_status_group": "Status group",
    "rejected_why": "Why rejected",
    "and_more_reasons": "and other reasons",
    "the_rest": "the rest",
    "per_day": "by day",
    "per_week": "by week",
    "per_month": "by month",
    "chart_of_days": "Orders and sums by day",
    "no_orders": "No orders",
}

WORDS: Mapping[Language, Mapping[str, str]] = {"uk": _UKRAINIAN, "en": _ENGLISH}
"""Language -> key -> words."""


@dataclass(frozen=True)
class Wording:
    """Looks words up in one language; a missing key is a mistake of the program and raises KeyError."""

    language: Language

    def __getitem__(self, key: str) -> str:
        return WORDS[self.language][key]

    def get(self, key: str, default: str) -> str:
        """The words of a key that is made of data, such as a kind of review; the default when it is not known."""
        return WORDS[self.language].get(key, default)
