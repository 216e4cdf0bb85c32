"""The words of reports in Ukrainian and in English: every heading and sentence.

Numbers and dates are in `formatting`; what tables store for people is in `sentences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keycrm_pipeline.kinds import (
    DELIVERY,
    RECONCILIATION_NAMES,
    RECONCILIATION_WORDS,
    SERVICE_LINE_NAMES,
    TAX,
    WRAP,
)
from keycrm_pipeline.language import Language, current_language, current_words
from keycrm_pipeline.sentences import Sentence
from keycrm_pipeline.words import WordSet, in_words_of

WORDS: Mapping[str, Sentence] = {
    "load": Sentence("Load", "Завантаження"),
    "count_orders_seen": Sentence("Orders seen", "Отримано з KeyCRM замовлень"),
    "count_orders_created": Sentence("created", "створено"),
    "count_orders_updated": Sentence("updated", "оновлено"),
    "count_orders_unchanged": Sentence("unchanged", "без змін"),
    "count_orders_rejected": Sentence("rejected", "відхилено"),
    "count_partners_created": Sentence("New partners", "Нових карток контрагентів"),
    "count_products_created": Sentence("New products", "Нових карток номенклатури"),
    "count_requests": Sentence("Requests to KeyCRM", "Запитів до KeyCRM"),
    "sums": Sentence("Amounts of the period", "Суми за період"),
    "discounts_of_sales": Sentence("Discounts in the sales", "Знижки в продажах"),
    "delivery_of_sales": Sentence("Delivery in the sales", "Доставка в продажах"),
    "sales": Sentence("Sales", "Продажі"),
    "sum": Sentence("Amount", "Сума"),
    "orders": Sentence("Orders", "Замовлення"),
    "discounts": Sentence("Discounts", "Знижки"),
    "delivery": Sentence("Delivery", "Доставка"),
    "by_source": Sentence("Source", "Джерело"),
    "by_status_group": Sentence("Status group", "Група статусів"),
    "rejected_why": Sentence("Reason for rejection", "Чому відхилено"),
    "and_more_reasons": Sentence("and other reasons", "та інші причини"),
    "the_rest": Sentence("the rest", "решта"),
    "per_day": Sentence("by day", "за днями"),
    "per_week": Sentence("by week", "за тижнями"),
    "per_month": Sentence("by month", "за місяцями"),
    "chart_of_days": Sentence("Orders and sums by day", "Замовлення і суми за днями"),
    "report": Sentence("Exchange report", "Звіт обміну"),
    "compared_with": Sentence("compared with {period}", "порівняно з {period}"),
    "made_at": Sentence("generated {instant}", "складено {instant}"),
    "contents": Sentence("Sections", "Розділи"),
    "attention": Sentence("Attention", "Увага"),
    "days_missing": Sentence(
        "Not all days of the period are loaded: {days} missing. The figures are incomplete.",
        "Завантажено не всі дні періоду: бракує {days}. Цифри неповні.",
    ),
    "days_missing_before": Sentence(
        "The previous period is not fully loaded: {days} missing. The comparison is incomplete.",
        "Попередній період завантажено не повністю: бракує {days}. Порівняння неповне.",
    ),
    "nothing_loaded_before": Sentence(
        "The previous period, {period}, was never loaded, so nothing is compared with it.",
        "Попередній період, {period}, не завантажували, тому порівняння немає.",
    ),
    "first_missing": Sentence("Missing: {days}", "Відсутні: {days}"),
    "and_more": Sentence("and {count} more", "та ще {count}"),
    "nothing_loaded": Sentence("This period has never been loaded.", "Цей період ще не завантажували."),
    "empty_period": Sentence("There are no orders in this period.", "За цей період замовлень немає."),
    "no_exchange": Sentence("No exchange yet", "Обміну ще не було"),
    "last_exchange": Sentence("Last exchange", "Останній обмін"),
    "needs_attention": Sentence("Needs your attention", "Потребує уваги"),
    "rejected_short": Sentence("Rejected", "Відхилено"),
    "nothing": Sentence("nothing", "нічого"),
    "succeeded": Sentence("succeeded", "успішно"),
    "failed": Sentence("failed", "помилка"),
    "stopped": Sentence("stopped", "зупинено"),
    "killed": Sentence("killed", "обірвано"),
    "running": Sentence("running", "триває"),
    "figures": Sentence("Figures", "Показники"),
    "figures_lead": Sentence(
        "Sales are all orders that are not cancelled, by order date. Currencies are never added together.",
        "Продажі — усі нескасовані замовлення за їхнім днем. Валюти не додаються одна до одної.",
    ),
    "figures_compared": Sentence("Compared with the previous period", "Порівняно з попереднім періодом"),
    "figures_alone": Sentence("In detail", "Докладніше"),
    "figure": Sentence("Figure", "Показник"),
    "this_period": Sentence("Period", "Період"),
    "period_before": Sentence("Previous period", "Попередній"),
    "change": Sentence("Change", "Зміна"),
    "was": Sentence("was {value}", "було {value}"),
    "new_figure": Sentence("new", "нове"),
    "average_order": Sentence("Average order", "Середній чек"),
    "paid_of_sales": Sentence("Paid for these sales", "Оплачено за цими продажами"),
    "goods": Sentence("Goods", "Товари"),
    "services_tab": Sentence("Services, including delivery", "Послуги разом із доставкою"),
    "of_it_delivery": Sentence("of which delivery", "у т. ч. доставка"),
    "still_due": Sentence("Outstanding", "Залишок до оплати"),
    "difference": Sentence("Difference (does not add up in KeyCRM)", "Розбіжність у KeyCRM"),
    "sales_orders": Sentence("Orders in sales", "Замовлень у продажах"),
    "cancelled_orders": Sentence("Orders cancelled", "Скасовано замовлень"),
    "all_orders": Sentence("All orders", "Разом замовлень"),
    "order_count": Sentence("Orders", "Замовлень"),
    "exported": Sentence("Exported", "Вивантажено"),
    "held_back": Sentence("Held back", "Не вивантажено"),
    "held_back_rejected": Sentence("newest version rejected", "нову версію відхилено"),
    "held_back_difference": Sentence("do not add up in KeyCRM", "з розбіжністю в KeyCRM"),
    "held_back_missing_in_crm": Sentence("no longer in KeyCRM", "більше немає в KeyCRM"),
    "held_back_incomplete": Sentence("incomplete in the books", "неповні в обліку"),
    "export_note": Sentence(
        "Exported and held back: what an export of this period contains and leaves out, with cancelled orders.",
        "Вивантажено і не вивантажено: що потрапляє і що не потрапляє до вивантаження за цей період, зі скасованими.",
    ),
    "never_booked": Sentence(
        "Rejected and therefore in none of these sums: {count}.",
        "Відхилено, тому немає в жодній із цих сум: {count}.",
    ),
    "returned_orders": Sentence("Returned parcels", "Неотримані посилки"),
    "returned_sum": Sentence("Amount of returned parcels", "Сума неотриманих"),
    "days": Sentence("Sales over time", "Динаміка продажів"),
    "sales_in": Sentence("Sales, {currency}", "Продажі, {currency}"),
    "legend_period": Sentence("this period", "цей період"),
    "legend_before": Sentence("previous period", "попередній період"),
    "legend_kept": Sentence("not cancelled", "нескасовані"),
    "legend_cancelled": Sentence("cancelled", "скасовані"),
    "chart_of_sales": Sentence("Bars: sales, {currency}, {span}.", "Стовпчики: продажі, {currency}, {span}."),
    "chart_of_sales_compared": Sentence(
        "Bars: sales, {currency}, {span}. Line: the previous period.",
        "Стовпчики: продажі, {currency}, {span}. Лінія: попередній період.",
    ),
    "chart_of_orders": Sentence(
        "Bars: orders {span}, not cancelled and cancelled.",
        "Стовпчики: замовлення {span}, нескасовані та скасовані.",
    ),
    "show_table": Sentence("Show as table", "Показати таблицею"),
    "day": Sentence("Day", "День"),
    "week": Sentence("Week of", "Тиждень від"),
    "month": Sentence("Month", "Місяць"),
    "total": Sentence("Total", "Разом"),
    "cancelled": Sentence("Cancelled", "Скасовано"),
    "sources": Sentence("Sources", "Джерела"),
    "source": Sentence("Source", "Джерело"),
    "no_source": Sentence("no source", "без джерела"),
    "managers": Sentence("Managers", "Менеджери"),
    "manager": Sentence("Responsible person", "Відповідальний"),
    "stages": Sentence("Stages", "Стадії"),
    "stages_lead": Sentence(
        "All orders of the period, including cancelled ones.", "Усі замовлення періоду, зі скасованими."
    ),
    "stage": Sentence("Stage", "Стадія"),
    "categories": Sentence("Categories", "Категорії"),
    "category": Sentence("Category", "Категорія"),
    "no_category": Sentence("no category", "без категорії"),
    "products": Sentence("Products and services", "Товари й послуги"),
    "products_lead": Sentence(
        "Including delivery, wrap and taxes, the amounts add up to the sales of the period.",
        "Разом із доставкою, пакуванням і податками суми сходяться з продажами періоду.",
    ),
    "product": Sentence("Name", "Номенклатура"),
    "quantity": Sentence("Quantity", "Кількість"),
    "amount": Sentence("Amount", "Сума"),
    "discount": Sentence("Discount", "Знижка"),
    "share": Sentence("Share", "Частка"),
    "item_delivery": Sentence("Delivery", SERVICE_LINE_NAMES[DELIVERY]),
    "item_wrap": Sentence("Wrap", SERVICE_LINE_NAMES[WRAP]),
    "item_tax": Sentence("Tax", SERVICE_LINE_NAMES[TAX]),
    "item_difference": Sentence("Difference (does not add up in KeyCRM)", "Розбіжність у KeyCRM"),
    "others": Sentence("{count} more", "ще {count}"),
    "list_total": Sentence("At list prices", "За цінами без знижки"),
    "discount_total": Sentence("Total discounts", "Знижки разом"),
    "discount_of_goods": Sentence("on goods", "на товари"),
    "discount_of_services": Sentence("on services", "на послуги"),
    "discount_share": Sentence("Discount rate", "Частка знижки"),
    "orders_with_discount": Sentence("Orders with a discount", "Замовлень зі знижкою"),
    "delivery_lead": Sentence(
        "Sales by delivery service. Returned parcels are counted whatever the status of the order: most of these "
        "orders are cancelled.",
        "Продажі за службами доставки. Неотримані посилки враховано за будь-якого статусу замовлення: здебільшого "
        "такі замовлення скасовано.",
    ),
    "delivery_service": Sentence("Service", "Служба"),
    "no_delivery_service": Sentence("not specified", "не вказано"),
    "with_charge": Sentence("With delivery charge", "З оплатою"),
    "went_back": Sentence("Returned parcels", "Неотримані посилки"),
    "charged": Sentence("Charged to buyers", "Оплачують покупці"),
    "payments": Sentence("Payments for the sales", "Оплати за продажами"),
    "payments_lead": Sentence(
        "By order date: what was paid for the period's sales, by method, without expenses.",
        "За днем замовлення: що оплачено за продажами періоду, за способами оплати, без витрат.",
    ),
    "reconciliation_title": Sentence("Payments and the money that came", "Звірка оплат із надходженнями"),
    "reconciliation_lead": Sentence(
        "Paid payments of the period in KeyCRM beside bank transactions and registers, by the day of the payment, else "
        "of the money. Sums are before fees. Each line: «Звірка» on the exchange page, or {command}.",
        "Проведені в KeyCRM оплати поряд із банківськими операціями й реєстрами, за днем оплати, а без неї — за днем "
        "надходження. Суми до комісії. Кожен рядок — на сторінці «Звірка» або за командою {command}.",
    ),
    "reconciliation_kind": Sentence("Result", "Результат"),
    **{
        f"reconciliation_{kind}": Sentence(RECONCILIATION_WORDS[kind], name.capitalize())
        for kind, name in RECONCILIATION_NAMES.items()
    },
    "paid_in_crm": Sentence("Paid in KeyCRM", "Оплачено в KeyCRM"),
    "money_that_came": Sentence("Came", "Надійшло"),
    "fees_kept": Sentence("Fee", "Комісія"),
    "money_title": Sentence(
        "Payments and expenses by day of payment in KeyCRM", "Оплати й витрати за датою оплати в KeyCRM"
    ),
    "money_lead": Sentence(
        "What is marked as paid in KeyCRM and dated in the period, whatever the day of the order. Payments for orders "
        "that are cancelled are included, and shown apart.",
        "Проведене в KeyCRM із датою оплати в цьому періоді, незалежно від дня замовлення. Оплати за скасованими "
        "замовленнями враховано й показано окремо.",
    ),
    "account": Sentence("Account or cash desk", "Рахунок чи каса"),
    "payments_number": Sentence("Payments", "Оплат"),
    "received": Sentence("Received", "Надійшло оплат"),
    "received_for_cancelled": Sentence("of which for cancelled orders", "у т. ч. за скасованими"),
    "expenses": Sentence("Expenses", "Витрати"),
    "expenses_title": Sentence("Expenses by kind", "Витрати за видами"),
    "expenses_lead": Sentence(
        "Expenses of orders that are marked as paid in KeyCRM and dated in the period, whatever the day and status of "
        "the order. They are not deducted from the sales.",
        "Витрати замовлень, проведені в KeyCRM із датою в цьому періоді, незалежно від дня і статусу замовлення. Від "
        "продажів їх не віднято.",
    ),
    "expense_kind": Sentence("Kind of expense", "Вид витрати"),
    "no_expense_kind": Sentence("no kind", "без виду"),
    "by_source_title": Sentence("Payments less expenses by source", "Оплати без витрат за джерелами"),
    "by_source_lead": Sentence(
        "What came in and what was spent on orders in the same days; the cost of goods is not in it.",
        "Що надійшло і що витрачено на замовлення за ті самі дні; собівартості товарів тут немає.",
    ),
    "left_after_expenses": Sentence("Payments less expenses", "Оплати без витрат"),
    "margins_title": Sentence("Cost and margin", "Собівартість і маржа"),
    "margins_lead": Sentence(
        "Sales of the period by source: what the goods cost as of the order, by KeyCRM, and what is left after cost "
        "and expenses. Orders without any cost are in the share of lines alone.",
        "Продажі періоду за джерелами: скільки товари коштували магазину на момент замовлення, за даними KeyCRM, і що "
        "лишається після собівартості й витрат. Замовлення без собівартості враховано лише в частці рядків.",
    ),
    "sales_with_cost": Sentence("Sales with a cost", "Продажі із собівартістю"),
    "cost": Sentence("Cost", "Собівартість"),
    "margin": Sentence("Margin", "Маржа"),
    "margin_share": Sentence("Share of sales", "Частка продажів"),
    "lines_with_cost": Sentence("Lines with a cost", "Рядків із собівартістю"),
    "margin_differs": Sentence(
        "In KeyCRM the margin is another one in {count}; together it is {amount} more here than there.",
        "У KeyCRM маржа інша: {count}; разом тут більше на {amount}, ніж там.",
    ),
    "undated": Sentence(
        "Without a date in KeyCRM and in no period: {count}, {amount}.",
        "Без дати оплати в KeyCRM, тому в жодному періоді: {count}, {amount}.",
    ),
    "organisation": Sentence("Organisation", "Організація"),
    "no_organisation": Sentence("no organisation", "без організації"),
    "all_organisations": Sentence("All organisations", "Усі організації"),
    "limit_title": Sentence("Payments of {period} and the limit", "Оплати за {period} і ліміт"),
    "limit_lead": Sentence(
        "The limit is the one in the profile (yearly_limit). Payments by day of payment in KeyCRM, without deducting "
        "expenses.",
        "Ліміт — той, що вказано в профілі (yearly_limit). Оплати за датою оплати в KeyCRM, витрат не віднято.",
    ),
    "limit": Sentence("Limit", "Ліміт"),
    "limit_share": Sentence("Share of the limit", "Частка ліміту"),
    "limit_left": Sentence("Left of the limit", "Залишок ліміту"),
    "limit_other_currency": Sentence(
        "Not included, in another currency: {organisation}, {amount}.",
        "Не враховано оплат в іншій валюті: {organisation}, {amount}.",
    ),
    "limit_undetermined": Sentence(
        "Not included, because the profile determines no organisation: {amount}.",
        "Не враховано оплат, для яких профіль не визначає організації: {amount}.",
    ),
    "limit_days_missing": Sentence(
        "Not all days of the year are loaded: {days} missing. The payments are incomplete.",
        "Завантажено не всі дні року: бракує {days}. Оплати неповні.",
    ),
    "method": Sentence("Payment method", "Спосіб оплати"),
    "count": Sentence("Count", "Кількість"),
    "due_title": Sentence(
        "Payments due and cash on delivery in transit", "Залишок до оплати і післяплата в дорозі"
    ),
    "due_lead": Sentence(
        "As of {day}, all orders in the books, regardless of the period.",
        "Станом на {day}, усі замовлення в обліку, незалежно від періоду.",
    ),
    "nothing_due": Sentence("All orders are paid.", "Усі замовлення оплачено."),
    "order_age": Sentence("Age of order", "Давність"),
    "age_week": Sentence("up to 7 days", "до 7 днів"),
    "age_month": Sentence("8–30 days", "8–30 днів"),
    "age_quarter": Sentence("31–90 days", "31–90 днів"),
    "age_older": Sentence("over 90 days", "понад 90 днів"),
    "due": Sentence("Amount due", "Залишок до оплати"),
    "cash_on_delivery_orders": Sentence("Cash on delivery in transit", "Післяплата в дорозі"),
    "cash_on_delivery_due": Sentence("Cash on delivery amount", "Сума післяплати"),
    "due_returned": Sentence(
        "Returned parcels are not included: {count}, {amount}. Their orders should be cancelled in KeyCRM.",
        "Не враховано неотриманих посилок: {count}, {amount}. Їхні замовлення варто скасувати в KeyCRM.",
    ),
    "rounded_cash": Sentence(
        "Rounding of cash ({count}): {amount}; it is not a debt.",
        "Заокруглення готівки ({count}): {amount}; це не борг.",
    ),
    "oldest_due": Sentence("Oldest unpaid orders ({count})", "Найдавніші неоплачені замовлення ({count})"),
    "order": Sentence("Order", "Замовлення"),
    "cash_on_delivery_out": Sentence("cash on delivery in transit", "післяплата в дорозі"),
    "lost_title": Sentence("Cancelled orders and returned parcels", "Скасування і неотримані посилки"),
    "nothing_lost": Sentence(
        "No cancellations or returns in this period.", "Скасувань і неотриманих посилок за цей період немає."
    ),
    "parcel_returned": Sentence("parcel returned", "посилку не отримано"),
    "of_it_paid": Sentence("Amount paid", "Було оплачено"),
    "lost_share": Sentence(
        "{share} of the period's orders are cancelled.", "Скасовано {share} замовлень періоду."
    ),
    "lost_share_before": Sentence(
        "{share} of the period's orders are cancelled; {before} in the previous period.",
        "Скасовано {share} замовлень періоду; попереднього — {before}.",
    ),
    "buyers_title": Sentence("Repeat buyers", "Повторні покупки"),
    "buyers_lead": Sentence(
        "Buyers in the period: {buyers}. Bought before: {before}. Ordered more than once in the period: "
        "{again}.",
        "Покупців за період: {buyers}. Купували раніше: {before}. Замовили в періоді більш як раз: {again}.",
    ),
    "buyers_note": Sentence(
        "A buyer is a partner card; the history is the orders in the books.",
        "Покупець — картка контрагента; історія — замовлення, що є в обліку.",
    ),
    "buyer_kind": Sentence("Orders", "Замовлення"),
    "first_order": Sentence("buyer's first order", "перше замовлення покупця"),
    "repeat_order": Sentence("repeat order", "повторне замовлення"),
    "no_buyer": Sentence("no buyer", "без покупця"),
    "exchanges_title": Sentence("Latest exchanges", "Останні обміни"),
    "exchange": Sentence("Exchange", "Обмін"),
    "started": Sentence("Started", "Початок"),
    "result": Sentence("Result", "Результат"),
    "seen": Sentence("Seen", "Отримано з KeyCRM"),
    "created": Sentence("Created", "Створено"),
    "updated": Sentence("Updated", "Оновлено"),
    "unchanged": Sentence("Unchanged", "Без змін"),
    "rejected": Sentence("Rejected", "Відхилено"),
    "requests": Sentence("Requests", "Запитів"),
    "took": Sentence("Duration", "Тривав"),
    "exchange_period": Sentence("period", "за період"),
    "exchange_changes": Sentence("changes", "зміни"),
    "exchange_recent": Sentence("recent days", "останні дні"),
    "exchange_sweep": Sentence("order id check", "звірка номерів"),
    "exchange_catalogue": Sentence("catalogue", "каталог"),
    "exchange_order": Sentence("single order", "окреме замовлення"),
    "exchange_rebuild": Sentence("rebuild", "переформування"),
    "review_title": Sentence("Needs your attention", "Потребує уваги"),
    "nothing_to_review": Sentence("Nothing needs your attention.", "Немає нічого, що потребувало б уваги."),
    "review_details": Sentence("Details", "Подробиці"),
    "review_subject": Sentence("Subject", "Про що"),
    "since": Sentence("Since", "Відколи"),
    "more_of_kind": Sentence(
        "Showing the oldest {shown} of {count}. For the rest: keycrm-pipeline review.",
        "Показано найдавніші {shown} з {count}. Решта: keycrm-pipeline review.",
    ),
    "rejected_title": Sentence("Rejected orders", "Відхилені замовлення"),
    "rejected_lead": Sentence(
        "These orders were not loaded. Fix them in KeyCRM; the next load picks them up.",
        "Ці замовлення не потрапили в облік. Виправте їх у KeyCRM: їх буде завантажено під час наступного обміну.",
    ),
    "nothing_rejected": Sentence("There are no rejected orders.", "Відхилених замовлень немає."),
    "no_order_number": Sentence("no number", "без номера"),
    "reasons": Sentence("Reasons", "Причини"),
    "rejected_more": Sentence(
        "Showing the last {shown} of {count}; all are in the table ops.rejected_records.",
        "Показано останні {shown} з {count}; усі — у таблиці ops.rejected_records.",
    ),
    "footer": Sentence(
        "Generated from the database {database}. This report contains no phones or e-mails of buyers. "
        "All figures are in the views of schema reports.",
        "Складено з бази {database}. Телефонів і електронних адрес покупців у звіті немає. Усі цифри — у поданнях "
        "схеми reports.",
    ),
}
"""Key -> words."""

PLURALS: Mapping[Language, Mapping[str, tuple[str, ...]]] = {
    "uk": {
        "days_count": ("дня", "днів", "днів"),
        "orders_count": ("замовлення", "замовлення", "замовлень"),
        "payments_count": ("оплата", "оплати", "оплат"),
    },
    "en": {
        "days_count": ("day", "days"),
        "orders_count": ("order", "orders"),
        "payments_count": ("payment", "payments"),
    },
}
"""Language -> key -> forms of a counted word: one, few, many in Ukrainian; one, other in English."""


@dataclass(frozen=True)
class Wording:
    """The words of one language; a missing key is a bug and raises KeyError.

    Attributes:
        language: The language.
        words: Whose words the Ukrainian texts use.
    """

    language: Language
    words: WordSet = "bas"

    def __getitem__(self, key: str) -> str:
        """The words of a key."""
        return self.of(WORDS[key])

    def get(self, key: str, default: str) -> str:
        """The words of a key that is made of data, such as a kind of exchange; else the default."""
        return self[key] if key in WORDS else default

    def of(self, sentence: Sentence) -> str:
        """A sentence that exists in both languages."""
        return self.in_words(sentence.text(self.language))

    def in_words(self, text: str) -> str:
        """A text of this language in the words of the profile."""
        return in_words_of(self.words, text) if self.language == "uk" else text

    def forms(self, key: str) -> tuple[str, ...]:
        """The forms of a counted word, for `Formatter.plural`."""
        return PLURALS[self.language][key]


def current_wording() -> Wording:
    """The words for whoever is spoken to here (`language`)."""
    return Wording(current_language(), current_words())
