"""The sentences of `ops.review` and `ops.rejected_records`: in English, as the tables store them, and in Ukrainian.

Every sentence stored in those tables is defined here, so that none lacks a translation: the code that stores one takes
its English from here, and a report finds the Ukrainian with `in_ukrainian`. What is not here: the words of reports
(`reports.wording`), why an exchange failed (`failures`), and which order gets which sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter as FieldParser

_MONEY = re.compile(r"-?\d+\.\d{2}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence in two languages, with the same values in braces.

    Attributes:
        english: What the table stores.
        ukrainian: What a Ukrainian reader sees.
    """

    english: str
    ukrainian: str

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the values, in the order of the English sentence."""
        return tuple(name for _, name, _, _ in FieldParser().parse(self.english) if name is not None)

    @property
    def positional(self) -> str:
        """The English sentence for DuckDB's `format`, which takes its values by position: in the order of `fields`."""
        return self.english.format(**dict.fromkeys(self.fields, "{}"))


# Reasons of rejected records (R10).

NO_ORDER_ID = Sentence(
    "The record has no readable order id (id).",
    "Номер замовлення (id) відсутній або не читається.",
)
NO_JSON = Sentence("The record is not valid JSON.", "Запис не є правильним текстом JSON.")
NO_DATE = Sentence(
    "The order has no readable date (ordered_at or created_at).",
    "Дата замовлення (ordered_at або created_at) відсутня або не читається.",
)
DATE_UNREADABLE = Sentence(
    "The order date (ordered_at) is not a valid date: «{value}».",
    "Дата замовлення (ordered_at) не є правильною датою: «{value}».",
)
VALUE_UNREADABLE = Sentence("Cannot be read: {value}.", "Не вдалося прочитати: {value}.")
PART_ABSENT = Sentence(
    "KeyCRM sent the order without {part}, although it was requested.",
    "KeyCRM надіслав замовлення без {part}, хоча ці дані було запитано.",
)
PART_NO_OBJECT = Sentence(
    "KeyCRM sent {part} in a form that cannot be read for certain (an object was expected).",
    "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувався об’єкт).",
)
PART_NO_LIST = Sentence(
    "KeyCRM sent {part} in a form that cannot be read for certain (a list was expected).",
    "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувався перелік).",
)
PART_NO_VALUE = Sentence(
    "KeyCRM sent {part} in a form that cannot be read for certain (a single value was expected).",
    "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувалося одне значення).",
)
NO_STATUS = Sentence(
    "The order has no readable status (status_id).",
    "Статус замовлення (status_id) відсутній або не читається.",
)
NO_TOTAL = Sentence(
    "The order has no total (grand_total).",
    "У замовленні немає підсумкової суми (grand_total).",
)
NO_LINES = Sentence(
    "The order has no list of lines (products).",
    "Замовлення надійшло без переліку товарів (products).",
)
NO_PARTNER = Sentence(
    "The order has no buyer, and the profile has no default partner (default_partner).",
    "У замовленні немає покупця, а в профілі не вказано контрагента для таких замовлень (default_partner).",
)
NO_BUYER_ID = Sentence(
    "The buyer has no readable id (buyer.id).",
    "Номер покупця (buyer.id) відсутній або не читається.",
)
NOT_A_NUMBER = Sentence("Not a number: {value}.", "Не число: {value}.")
TOO_MANY_LINES = Sentence("The order has more than 10 000 lines.", "У замовленні більше ніж 10 000 рядків.")
LINE_UNREADABLE = Sentence("Line {line} cannot be read.", "Рядок {line}: його не вдалося прочитати.")
LINE_WITHOUT_NAME = Sentence("Line {line}: the product has no name.", "Рядок {line}: товар не має назви.")
LINE_WITHOUT_QUANTITY = Sentence("Line {line} has no quantity.", "Рядок {line}: немає кількості.")
LINE_QUANTITY_NOT_A_NUMBER = Sentence(
    "Line {line}: the quantity is not a number «{quantity_text}».",
    "Рядок {line}: кількість не є числом «{quantity_text}».",
)
LINE_QUANTITY_TOO_SMALL = Sentence(
    "Line {line}: the quantity is not above zero.",
    "Рядок {line}: кількість не більша за нуль.",
)
LINE_WITHOUT_PRICE = Sentence("Line {line} has no price.", "Рядок {line}: немає ціни.")
LINE_TOO_LARGE = Sentence(
    "Line {line}: the sum is impossibly large.", "Рядок {line}: сума неправдоподібно велика."
)
LINE_NOT_A_NUMBER = Sentence("Line {line}: not a number: {value}.", "Рядок {line}: не число: {value}.")
LINE_VALUE_UNREADABLE = Sentence(
    "Line {line}: cannot be read: {value}.", "Рядок {line}: не вдалося прочитати: {value}."
)
PAYMENT_WITHOUT_AMOUNT = Sentence(
    "Payment {position} has no amount.",
    "Оплата {position}: немає суми.",
)
PAYMENT_NOT_A_NUMBER = Sentence(
    "Payment {position}: the amount is not a number «{amount_text}».",
    "Оплата {position}: сума не є числом «{amount_text}».",
)

PAYMENT_FIELD_NOT_A_NUMBER = Sentence(
    "Payment {position}: not a number: {value}.", "Оплата {position}: не число: {value}."
)
PAYMENT_VALUE_UNREADABLE = Sentence(
    "Payment {position}: cannot be read: {value}.", "Оплата {position}: не вдалося прочитати: {value}."
)

# The review list. No names, phones or e-mails of people: the list is shown on the Dagster page. What adds them when a
# person reads the list is `warehouse.attention`.

UNMAPPED_STATUS = Sentence(
    "Status {status_id} «{name}» has no stage (Стадія) in the profile; the status name is used instead. Orders "
    "with this status: {orders}. Add it to statuses.stages.",
    "Статус {status_id} «{name}» не має стадії в профілі, замовлень у ньому: {orders}; стадією поки що є назва "
    "статусу. Додайте його до statuses.stages.",
)
UNMAPPED_MANAGER = Sentence(
    "Manager {manager_id} is not mapped to a user (Відповідальний) in the profile; the author is used instead. "
    "Their orders: {orders}. Add the manager to managers.",
    "Менеджеру {manager_id} у профілі не відповідає жоден користувач, замовлень у нього: {orders}; "
    "відповідальним поки що є автор. Додайте менеджера до managers.",
)
NAMES_DISAGREE = Sentence(
    "Buyer {buyer_ids} was matched to partner {partner_id} by phone or e-mail, but the names differ. Check "
    "whether it is one person; if not, set partner_match: phone_and_name.",
    "Покупець {buyer_ids}: за телефоном чи електронною адресою знайдено картку контрагента {partner_id}, але імена "
    "різні. Перевірте, чи це одна людина; якщо ні, поставте partner_match: phone_and_name.",
)
NAMES_DISAGREE_IN_ORDER = Sentence(
    "Buyer {buyer_ids} was matched to partner {partner_id} by phone or e-mail, but the names differ (first "
    "in order {order_id}). Check whether it is one person; if not, set partner_match: phone_and_name.",
    "Покупець {buyer_ids}: за телефоном чи електронною адресою знайдено картку контрагента {partner_id}, але імена "
    "різні (уперше в замовленні {order_id}). Перевірте, чи це одна людина; якщо ні, поставте partner_match: "
    "phone_and_name.",
)
NAMES_ON_CARD_AND_IN_CRM = Sentence(
    "On the card: «{card_name}»; in KeyCRM: {buyer_names}.",
    "На картці: «{card_name}»; у KeyCRM: {buyer_names}.",
)
AMBIGUOUS_NAME = Sentence(
    "Several cards ({product_ids}) are named «{name}», and lines without a SKU use this name; the first card was "
    "used. Rename the others, or give the product a SKU in KeyCRM.",
    "Назву «{name}» мають кілька карток ({product_ids}), і її вживають рядки без артикулу: береться перша картка. "
    "Перейменуйте решту або дайте товару артикул у KeyCRM.",
)
PRODUCT_PROMOTED = Sentence(
    "Product {product_id} was Товар and is now Товар з SKU: all its variants have their own SKU in KeyCRM. "
    "Check the card in the accounting system, then tick this off.",
    "Картка {product_id} була видом Товар, а тепер — Товар з SKU: у KeyCRM усі її варіанти мають власні "
    "артикули. Перевірте картку в обліку і відзначте це.",
)
SHARED_SKU = Sentence(
    "Product {product_id} «{name}» was found by its SKU «{sku}» for products of KeyCRM with another name: {others}. "
    "Check whether they are one product; if not, give each its own SKU in KeyCRM and a card in products.csv. Then tick "
    "this off.",
    "Картку {product_id} «{name}» за артикулом «{sku}» знайдено й для товарів KeyCRM з іншою назвою: {others}. "
    "Перевірте, чи це один товар; якщо ні, дайте кожному власний артикул у KeyCRM і картку в products.csv. Тоді "
    "відзначте це.",
)
ORDER_DIFFERENCE = Sentence(
    "Order {order_id} does not add up in KeyCRM: its total differs from its lines by {difference} "
    "{currency}. It was loaded as it is and is not exported. Check its discounts there.",
    "Замовлення {order_id}: у KeyCRM розбіжність {difference} {currency} між підсумковою сумою і сумою рядків. "
    "Документ завантажено як є, він не вивантажується. Перевірте в KeyCRM знижки замовлення.",
)
PAID_WITHOUT_PAYMENT = Sentence(
    "Order {order_id} is paid according to KeyCRM, but has no payment in its currency that is paid. Check its "
    "payments there.",
    "Замовлення {order_id} у KeyCRM позначено оплаченим, але проведеної оплати у його валюті немає. Перевірте там "
    "його оплати.",
)
PAYMENT_IN_SEVERAL_ORDERS = Sentence(
    "Payment {payment_id} is booked in several orders: {order_ids}. Check in KeyCRM which order it belongs to, and "
    "load the days of these orders again.",
    "Оплату {payment_id} проведено в кількох замовленнях: {order_ids}. Перевірте в KeyCRM, чия вона, і завантажте "
    "дні цих замовлень ще раз.",
)
LINE_IN_SEVERAL_ORDERS = Sentence(
    "Line {line_id} is booked in several orders: {order_ids}. Check in KeyCRM which order it belongs to, and load "
    "the days of these orders again.",
    "Рядок {line_id} проведено в кількох замовленнях: {order_ids}. Перевірте в KeyCRM, чий він, і завантажте дні "
    "цих замовлень ще раз.",
)
CURRENCY_CONFLICT = Sentence(
    "Order {order_id} was booked in {booked_currency}, but its source now sells in {source_currency}. The document "
    "was not changed. Check the source's currency in KeyCRM.",
    "Замовлення {order_id} проведено у валюті {booked_currency}, а його джерело тепер продає у {source_currency}. "
    "Документ не змінено. Перевірте валюту джерела в KeyCRM.",
)
ORDER_REJECTED = Sentence(
    "Order {order_id} could not be loaded: {reasons} Fix it in KeyCRM; the next load picks it up.",
    "Замовлення {order_id} відхилено: {reasons} Виправте його в KeyCRM: його буде завантажено під час наступного "
    "обміну.",
)
RECORD_REJECTED = Sentence(
    "A record without an id could not be loaded: {reasons} Fix it in KeyCRM; the next load picks it up.",
    "Замовлення без номера відхилено: {reasons} Виправте його в KeyCRM: його буде завантажено під час наступного "
    "обміну.",
)
MISSING_IN_CRM = Sentence(
    "Order {order_id} is in the books but no longer in KeyCRM (it was deleted there). Decide whether to cancel "
    "the document; it was kept.",
    "Замовлення {order_id} є в обліку, але його вже немає в KeyCRM (там його видалено). Вирішіть, чи "
    "скасувати документ; його збережено.",
)
DAY_BEFORE_START = Sentence(
    "Order {order_id} is dated {day}, before the first day of the profile, although it was entered later. No load "
    "reaches that day: correct the order's date in KeyCRM, or move start_date.",
    "Замовлення {order_id} датоване {day}, раніше за перший день профілю, хоча внесене пізніше. Жодне завантаження не "
    "дійде до того дня: виправте дату замовлення в KeyCRM або перенесіть start_date.",
)
DAY_FAR_AHEAD = Sentence(
    "Order {order_id} is dated {day}, more than a year ahead. It will not be loaded before that day: correct the "
    "order's date in KeyCRM.",
    "Замовлення {order_id} датоване {day}, більш ніж на рік наперед. До того дня його не буде завантажено: виправте "
    "дату замовлення в KeyCRM.",
)
CARD_NOT_MADE = Sentence(
    "Card {catalogue_id} in products.csv has the SKU «{sku}», which variant {carrier_variant_id} of product "
    "{carrier_product_id} already has, so no second card was created. Remove the row, or the SKU from it.",
    "Картка {catalogue_id} з products.csv має артикул «{sku}», який уже є у варіанта {carrier_variant_id} товару "
    "{carrier_product_id}, тому другої картки не створено. Приберіть рядок або артикул у ньому.",
)
SKU_OF_A_VARIANT = Sentence(
    "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku}»: variant "
    "{carrier_variant_id} of product {carrier_product_id} already has it. Remove the SKU from the row.",
    "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku}»: його вже має "
    "варіант {carrier_variant_id} товару {carrier_product_id}. Приберіть артикул у рядку.",
)
SKU_OF_ANOTHER_CARD = Sentence(
    "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku}»: product "
    "{carrier_product_id} already has it. Remove the SKU from the row.",
    "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku}»: його вже має "
    "товар {carrier_product_id}. Приберіть артикул у рядку.",
)
CARD_HAS_VARIANTS = Sentence(
    "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku}»: the card has "
    "variants, so the SKUs belong to them. Remove the SKU from the row.",
    "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku}»: картка має "
    "варіанти, і артикули тоді стоять на них. Приберіть артикул у рядку.",
)

SENTENCES: Mapping[str, Sentence] = {
    name: value for name, value in globals().items() if isinstance(value, Sentence)
}
"""Every sentence by its name."""


@cache
def _pattern(english: str) -> re.Pattern[str]:
    pattern = "".join(
        # As few characters as possible: what the program wrote takes precedence over what somebody typed.
        re.escape(text) + ("" if name is None else f"(?P<{name}>.*?)")
        for text, name, _, _ in FieldParser().parse(english)
    )
    return re.compile(pattern, re.DOTALL)


def translated(stored: str, sentences: Iterable[Sentence], value: Callable[[str], str]) -> str | None:
    """The Ukrainian of the first sentence that matches a stored text; None when none matches.

    Args:
        stored: The text as it was stored, with its values.
        sentences: The sentences to try, in order.
        value: Converts a value to its Ukrainian form.
    """
    for sentence in sentences:
        match = _pattern(sentence.english).fullmatch(stored)
        if match:
            return sentence.ukrainian.format(
                **{name: value(text) for name, text in match.groupdict().items()}
            )
    return None


def in_ukrainian(stored: str) -> str:
    """A stored sentence in Ukrainian, with its values unchanged; an unknown sentence stays as it is.

    An older version of the program may have stored it; the next load of its order replaces it.
    """
    found = translated(stored, SENTENCES.values(), _value)
    return stored if found is None else found


def _value(text: str) -> str:
    return text.replace(".", ",") if _MONEY.fullmatch(text) else text
