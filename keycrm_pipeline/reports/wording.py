"""The words of reports in Ukrainian and in English.

What belongs here: every sentence and heading a reader sees. What does not: numbers and dates (see
`formatting`), names and texts that come from the shop, sentences that the tables keep (see
`schemas.sentences` and `schemas.failures`). Both languages have the same keys; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keycrm_pipeline.reports.formatting import Language
from keycrm_pipeline.schemas.failures import error_in_ukrainian
from keycrm_pipeline.schemas.sentences import in_ukrainian

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
    "report": "Звіт обміну",
    "compared_with": "порівняно з {period}",
    "made_at": "складено {instant}",
    "contents": "Розділи",
    "attention": "Увага",
    "days_missing": "Завантажено не всі дні періоду: бракує {days}. Цифри неповні.",
    "days_missing_before": "Попередній період завантажено не повністю: бракує {days}. Порівняння неповне.",
    "first_missing": "Відсутні: {days}",
    "and_more": "та ще {count}",
    "nothing_loaded": "Цей період ще не завантажували.",
    "empty_period": "За цей період замовлень немає.",
    "no_exchange": "Обміну ще не було",
    "last_exchange": "Останній обмін",
    "waits_for_person": "Чекає на людину",
    "rejected_short": "Відхилено",
    "nothing": "нічого",
    "succeeded": "успішно",
    "failed": "помилка",
    "running": "триває",
    "figures": "Показники",
    "figures_lead": "Продажі — усі нескасовані замовлення за їхнім днем. Валюти не додаються одна до одної.",
    "figure": "Показник",
    "this_period": "Період",
    "period_before": "Попередній",
    "change": "Зміна",
    "was": "було {value}",
    "new_figure": "нове",
    "average_order": "Середнє замовлення",
    "received": "Отримано оплат",
    "goods": "Товари",
    "services_tab": "Послуги разом із доставкою",
    "of_it_delivery": "з них доставка",
    "still_due": "Ще до сплати",
    "difference": "Різниця (не сходиться в KeyCRM)",
    "cancelled_orders": "Скасовані замовлення",
    "cancelled_sum": "Сума скасованих",
    "returned_orders": "Повернені посилки",
    "returned_sum": "Сума повернених",
    "days": "Продажі за часом",
    "sales_in": "Продажі, {currency}",
    "legend_period": "цей період",
    "legend_before": "попередній період",
    "legend_kept": "нескасовані",
    "legend_cancelled": "скасовані",
    "chart_of_sales": "Стовпчики: продажі, {currency}, {span}. Лінія: попередній період.",
    "chart_of_orders": "Стовпчики: замовлення {span}, нескасовані та скасовані.",
    "show_table": "Показати таблицею",
    "day": "День",
    "week": "Тиждень від",
    "month": "Місяць",
    "total": "Разом",
    "cancelled": "Скасовано",
    "sources": "Джерела",
    "source": "Джерело",
    "no_source": "без джерела",
    "managers": "Менеджери",
    "manager": "Відповідальний",
    "stages": "Етапи",
    "stages_lead": "Усі замовлення періоду, зі скасованими.",
    "stage": "Етап",
    "categories": "Категорії",
    "category": "Категорія",
    "no_category": "без категорії",
    "products": "Товари й послуги",
    "products_lead": "Разом із доставкою, пакуванням і податками суми сходяться з продажами періоду.",
    "product": "Назва",
    "quantity": "Кількість",
    "amount": "Сума",
    "discount": "Знижка",
    "share": "Частка",
    "item_delivery": "Доставка",
    "item_wrap": "Пакування",
    "item_tax": "Податки",
    "item_difference": "Різниця (не сходиться в KeyCRM)",
    "others": "ще {count}",
    "list_total": "За цінами прайсу",
    "discount_total": "Знижки разом",
    "discount_of_goods": "на товари",
    "discount_of_services": "на послуги",
    "discount_share": "Частка знижки",
    "orders_with_discount": "Замовлень зі знижкою",
    "delivery_lead": "Сума — скільки за доставку платять покупці.",
    "delivery_service": "Служба",
    "no_delivery_service": "не вказано",
    "with_charge": "З оплатою",
    "went_back": "Повернулось",
    "charged": "Сплачують покупці",
    "payments": "Оплати",
    "payments_lead": "Отримані оплати за замовленнями періоду.",
    "method": "Спосіб оплати",
    "count": "Кількість",
    "due_title": "До сплати і післяплата в дорозі",
    "due_lead": "Станом на {day}, усі замовлення в обліку, незалежно від періоду.",
    "nothing_due": "Усі замовлення оплачено.",
    "order_age": "Вік замовлення",
    "age_week": "до 7 днів",
    "age_month": "8–30 днів",
    "age_quarter": "31–90 днів",
    "age_older": "понад 90 днів",
    "due": "До сплати",
    "cash_on_delivery_orders": "Післяплата в дорозі",
    "cash_on_delivery_due": "Сума післяплати",
    "due_returned": (
        "Не враховано повернених посилок: {count}, {amount}. Їхні замовлення варто скасувати в KeyCRM."
    ),
    "oldest_due": "Найдавніші неоплачені замовлення ({count})",
    "order": "Замовлення",
    "cash_on_delivery_out": "післяплата в дорозі",
    "lost_title": "Повернення і скасування",
    "nothing_lost": "Скасувань і повернень за цей період немає.",
    "parcel_returned": "посилка повернулась",
    "of_it_paid": "Було сплачено",
    "lost_share": "Скасовано {share} замовлень періоду.",
    "lost_share_before": "Скасовано {share} замовлень періоду; попереднього — {before}.",
    "buyers_title": "Постійні покупці",
    "buyers_lead": (
        "Покупців за період: {buyers}. Купували раніше: {before}. Замовили в періоді більш як раз: {again}."
    ),
    "buyers_note": "Покупець — картка партнера; історія — замовлення, що є в обліку.",
    "buyer_kind": "Замовлення",
    "first_order": "перше замовлення покупця",
    "repeat_order": "повторне замовлення",
    "no_buyer": "без покупця",
    "exchanges_title": "Останні обміни",
    "exchange": "Обмін",
    "started": "Початок",
    "result": "Результат",
    "seen": "Побачено",
    "created": "Створено",
    "updated": "Оновлено",
    "unchanged": "Без змін",
    "rejected": "Відхилено",
    "requests": "Запитів",
    "took": "Тривав",
    "exchange_period": "за період",
    "exchange_changes": "зміни",
    "exchange_recent": "останні дні",
    "exchange_sweep": "звірка номерів",
    "exchange_catalogue": "каталог",
    "exchange_rebuild": "перерахунок",
    "review_title": "Потребує уваги",
    "nothing_to_review": "Немає нічого, що чекає на людину.",
    "review_details": "Подробиці",
    "review_subject": "Про що",
    "since": "Відколи",
    "more_of_kind": "Показано найдавніші {shown} з {count}. Решта: keycrm-pipeline review.",
    "review_unmapped_status": "Статуси без етапу",
    "todo_unmapped_status": "Додайте статус до statuses.stages у профілі; поки що етапом є назва статусу.",
    "review_unmapped_manager": "Менеджери без відповідального",
    "todo_unmapped_manager": "Додайте менеджера до managers у профілі; поки що відповідальним є автор.",
    "review_partner_name_conflict": "Один контакт, різні імена",
    "todo_partner_name_conflict": (
        "Перевірте, чи це одна людина; якщо ні, поставте partner_match: phone_and_name."
    ),
    "review_ambiguous_product_name": "Однакові назви товарів",
    "todo_ambiguous_product_name": (
        "Узято першу картку з такою назвою. Дайте товару артикул у KeyCRM або перейменуйте решту."
    ),
    "review_product_promoted": "Товар став товаром з SKU",
    "todo_product_promoted": "Перевірте картку в обліку і відзначте: keycrm-pipeline review --done.",
    "review_order_difference": "Замовлення, що не сходяться",
    "todo_order_difference": "Перевірте знижки замовлення в KeyCRM. Документ завантажено, як є, з різницею.",
    "review_rejected_order": "Відхилені замовлення",
    "todo_rejected_order": "Причини — у розділі нижче. Виправте в KeyCRM; наступне завантаження їх забере.",
    "review_missing_in_crm": "Зникли з KeyCRM",
    "todo_missing_in_crm": "Замовлення видалено в KeyCRM, документ лишився. Вирішіть, чи скасувати його.",
    "review_catalogue_conflict": "Артикули з products.csv, що вже зайняті",
    "todo_catalogue_conflict": "Артикул уже має інша картка чи варіант. Приберіть його з рядка файлу products.csv.",
    "rejected_title": "Відхилені записи",
    "rejected_lead": (
        "Ці замовлення не потрапили в облік. Виправте їх у KeyCRM; наступне завантаження їх забере."
    ),
    "nothing_rejected": "Відхилених записів немає.",
    "no_order_number": "без номера",
    "reasons": "Причини",
    "rejected_more": "Показано останні {shown} з {count}; усі — у таблиці ops.rejected_records.",
    "footer": (
        "Складено з бази {database}. Телефонів і пошти покупців у звіті немає. Усі цифри — у "
        "поданнях схеми reports."
    ),
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
    "report": "Exchange report",
    "compared_with": "compared with {period}",
    "made_at": "made {instant}",
    "contents": "Sections",
    "attention": "Attention",
    "days_missing": "Not every day of the period is loaded: {days} missing. The figures are incomplete.",
    "days_missing_before": (
        "The period before is not fully loaded: {days} missing. The comparison is incomplete."
    ),
    "first_missing": "Missing: {days}",
    "and_more": "and {count} more",
    "nothing_loaded": "This period has never been loaded.",
    "empty_period": "There are no orders in this period.",
    "no_exchange": "No exchange yet",
    "last_exchange": "Last exchange",
    "waits_for_person": "Waits for a person",
    "rejected_short": "Rejected",
    "nothing": "nothing",
    "succeeded": "succeeded",
    "failed": "failed",
    "running": "running",
    "figures": "Figures",
    "figures_lead": (
        "Sales are all orders that are not cancelled, by their own day. Currencies are never added together."
    ),
    "figure": "Figure",
    "this_period": "Period",
    "period_before": "Before",
    "change": "Change",
    "was": "was {value}",
    "new_figure": "new",
    "average_order": "Average order",
    "received": "Payments received",
    "goods": "Goods",
    "services_tab": "Services with delivery",
    "of_it_delivery": "of it delivery",
    "still_due": "Still due",
    "difference": "Difference (does not add up in KeyCRM)",
    "cancelled_orders": "Cancelled orders",
    "cancelled_sum": "Sum of cancelled",
    "returned_orders": "Returned parcels",
    "returned_sum": "Sum of returned",
    "days": "Sales over time",
    "sales_in": "Sales, {currency}",
    "legend_period": "this period",
    "legend_before": "period before",
    "legend_kept": "not cancelled",
    "legend_cancelled": "cancelled",
    "chart_of_sales": "Bars: sales, {currency}, {span}. Line: the period before.",
    "chart_of_orders": "Bars: orders {span}, not cancelled and cancelled.",
    "show_table": "Show as a table",
    "day": "Day",
    "week": "Week of",
    "month": "Month",
    "total": "Total",
    "cancelled": "Cancelled",
    "sources": "Sources",
    "source": "Source",
    "no_source": "no source",
    "managers": "Managers",
    "manager": "Responsible",
    "stages": "Stages",
    "stages_lead": "All orders of the period, the cancelled ones too.",
    "stage": "Stage",
    "categories": "Categories",
    "category": "Category",
    "no_category": "no category",
    "products": "Products and services",
    "products_lead": "With delivery, wrap and taxes the amounts add up to the sales of the period.",
    "product": "Name",
    "quantity": "Quantity",
    "amount": "Amount",
    "discount": "Discount",
    "share": "Share",
    "item_delivery": "Delivery",
    "item_wrap": "Wrap",
    "item_tax": "Taxes",
    "item_difference": "Difference (does not add up in KeyCRM)",
    "others": "{count} more",
    "list_total": "At list prices",
    "discount_total": "Discounts in all",
    "discount_of_goods": "on goods",
    "discount_of_services": "on services",
    "discount_share": "Share of discount",
    "orders_with_discount": "Orders with a discount",
    "delivery_lead": "The sum is what buyers pay for the delivery.",
    "delivery_service": "Service",
    "no_delivery_service": "none named",
    "with_charge": "Charged",
    "went_back": "Went back",
    "charged": "Charged to buyers",
    "payments": "Payments",
    "payments_lead": "Payments received for the orders of the period.",
    "method": "Method",
    "count": "Count",
    "due_title": "Payments due and cash on delivery still out",
    "due_lead": "As of {day}, all orders in the books, whatever the period.",
    "nothing_due": "All orders are paid.",
    "order_age": "Age of the order",
    "age_week": "up to 7 days",
    "age_month": "8–30 days",
    "age_quarter": "31–90 days",
    "age_older": "over 90 days",
    "due": "Due",
    "cash_on_delivery_orders": "Cash on delivery out",
    "cash_on_delivery_due": "Its sum",
    "due_returned": (
        "Returned parcels left out: {count}, {amount}. Their orders should be cancelled in KeyCRM."
    ),
    "oldest_due": "Oldest unpaid orders ({count})",
    "order": "Order",
    "cash_on_delivery_out": "cash on delivery out",
    "lost_title": "Returns and cancellations",
    "nothing_lost": "No cancellations or returns in this period.",
    "parcel_returned": "parcel went back",
    "of_it_paid": "Was paid",
    "lost_share": "{share} of the period's orders are cancelled.",
    "lost_share_before": "{share} of the period's orders are cancelled; {before} in the period before.",
    "buyers_title": "Repeat buyers",
    "buyers_lead": (
        "Buyers in the period: {buyers}. Bought before: {before}. Ordered more than once in it: {again}."
    ),
    "buyers_note": "A buyer is a partner card; the history is the orders in the books.",
    "buyer_kind": "Orders",
    "first_order": "buyer's first order",
    "repeat_order": "repeat order",
    "no_buyer": "no buyer",
    "exchanges_title": "Last exchanges",
    "exchange": "Exchange",
    "started": "Started",
    "result": "Result",
    "seen": "Seen",
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "rejected": "Rejected",
    "requests": "Requests",
    "took": "Took",
    "exchange_period": "period",
    "exchange_changes": "changes",
    "exchange_recent": "recent days",
    "exchange_sweep": "sweep",
    "exchange_catalogue": "catalogue",
    "exchange_rebuild": "rebuild",
    "review_title": "Review list",
    "nothing_to_review": "Nothing waits for a person.",
    "review_details": "Details",
    "review_subject": "About",
    "since": "Since",
    "more_of_kind": "The oldest {shown} of {count}. The rest: keycrm-pipeline review.",
    "review_unmapped_status": "Statuses without a stage",
    "todo_unmapped_status": (
        "Add the status to statuses.stages in the profile; until then its name is the stage."
    ),
    "review_unmapped_manager": "Managers without a user",
    "todo_unmapped_manager": (
        "Add the manager to managers in the profile; until then the author is responsible."
    ),
    "review_partner_name_conflict": "One contact, different names",
    "todo_partner_name_conflict": "Check that it is one person; if not, set partner_match: phone_and_name.",
    "review_ambiguous_product_name": "Equal product names",
    "todo_ambiguous_product_name": (
        "The first card of that name was taken. Give the product a SKU in KeyCRM, or rename the others."
    ),
    "review_product_promoted": "Products promoted to Товар з SKU",
    "todo_product_promoted": (
        "Check the card in the accounting system, then tick it off: keycrm-pipeline review --done."
    ),
    "review_order_difference": "Orders that do not add up",
    "todo_order_difference": (
        "Check the order's discounts in KeyCRM. The document is loaded as it is, with the difference."
    ),
    "review_rejected_order": "Rejected orders",
    "todo_rejected_order": (
        "The reasons are in the section below. Mend them in KeyCRM; the next load takes them."
    ),
    "review_missing_in_crm": "No longer in KeyCRM",
    "todo_missing_in_crm": (
        "The order was deleted in KeyCRM, the document is kept. Decide whether to cancel it."
    ),
    "review_catalogue_conflict": "SKUs of products.csv that are taken",
    "todo_catalogue_conflict": (
        "Another card or variant carries the SKU already. Take it off the row of products.csv."
    ),
    "rejected_title": "Rejected records",
    "rejected_lead": "These orders are not in the books. Mend them in KeyCRM; the next load takes them.",
    "nothing_rejected": "There are no rejected records.",
    "no_order_number": "no number",
    "reasons": "Reasons",
    "rejected_more": "The last {shown} of {count}; all are in the table ops.rejected_records.",
    "footer": (
        "Made from the database {database}. No phones or e-mails of buyers are in this report. "
        "Every figure is in the views of schema reports."
    ),
}

PLURALS: Mapping[Language, Mapping[str, tuple[str, ...]]] = {
    "uk": {"days_count": ("дня", "днів", "днів"), "orders_count": ("замовлення", "замовлення", "замовлень")},
    "en": {"days_count": ("day", "days"), "orders_count": ("order", "orders")},
}
"""Language -> key -> forms of a counted word: one, few, many in Ukrainian; one, other in English."""

WORDS: Mapping[Language, Mapping[str, str]] = {"uk": _UKRAINIAN, "en": _ENGLISH}
"""Language -> key -> words."""


@dataclass(frozen=True)
class Wording:
    """Looks words up in one language; a missing key is a mistake of the program and raises KeyError."""

    language: Language

    def __getitem__(self, key: str) -> str:
        """The words of a key."""
        return WORDS[self.language][key]

    def get(self, key: str, default: str) -> str:
        """The words of a key that is made of data, such as a kind of review; else the default."""
        return WORDS[self.language].get(key, default)

    def stored(self, sentence: str) -> str:
        """A sentence of the review list or of a rejected record, which the tables keep in English."""
        return in_ukrainian(sentence) if self.language == "uk" else sentence

    def error(self, stored: str | None) -> str:
        """Why an exchange failed: in Ukrainian as far as it is a well-known failure; empty when it did not."""
        return error_in_ukrainian(stored or "") if self.language == "uk" else stored or ""

    def forms(self, key: str) -> tuple[str, ...]:
        """The forms of a counted word, for `Formatter.plural`."""
        return PLURALS[self.language][key]
