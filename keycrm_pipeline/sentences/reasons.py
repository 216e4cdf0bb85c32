"""Why an order is rejected (R10): the entries of `ops.rejected_records.reasons`, and what a reason consists of."""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class ReasonPart(Sentences):
    """Parts of a reason."""

    FIELD_TEXT = ("{field} «{text:typed}»", "{field} «{text:typed}»")


class Reason(Sentences):
    """Why an order is rejected."""

    NO_ORDER_ID = (
        "The record has no readable order id (id).",
        "Номер замовлення (id) відсутній або не читається.",
    )
    NO_JSON = ("The record is not valid JSON.", "Запис не є правильним текстом JSON.")
    NO_DATE = (
        "The order has no readable date (ordered_at or created_at).",
        "Дата замовлення (ordered_at або created_at) відсутня або не читається.",
    )
    DATE_UNREADABLE = (
        "The order date (ordered_at) is not a valid date: «{value:typed}».",
        "Дата замовлення (ordered_at) не є правильною датою: «{value:typed}».",
    )
    VALUE_UNREADABLE = ("Cannot be read: {values:parts}.", "Не вдалося прочитати: {values:parts}.")
    PART_ABSENT = (
        "KeyCRM sent the order without {part}, although it was requested.",
        "KeyCRM надіслав замовлення без {part}, хоча ці дані було запитано.",
    )
    PART_NO_OBJECT = (
        "KeyCRM sent {part} in a form that cannot be read for certain (an object was expected).",
        "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувався об’єкт).",
    )
    PART_NO_LIST = (
        "KeyCRM sent {part} in a form that cannot be read for certain (a list was expected).",
        "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувався перелік).",
    )
    PART_NO_VALUE = (
        "KeyCRM sent {part} in a form that cannot be read for certain (a single value was expected).",
        "KeyCRM надіслав {part} у вигляді, який не можна прочитати напевно (очікувалося одне значення).",
    )
    UNFORESEEN = (
        "The program failed on this order, which nobody foresaw ({kind} at {places}). Nothing of it was changed in the "
        "books; if nothing is wrong with the order itself, please report it.",
        "Програма не впоралася з цим замовленням: такого ніхто не передбачив ({kind}, {places}). В обліку його не "
        "змінено; якщо в самому замовленні все гаразд, повідомте про це розробникам.",
    )
    NO_STATUS = (
        "The order has no readable status (status_id).",
        "Статус замовлення (status_id) відсутній або не читається.",
    )
    NO_TOTAL = (
        "The order has no total (grand_total).",
        "У замовленні немає підсумкової суми (grand_total).",
    )
    NO_LINES = (
        "The order has no list of lines (products).",
        "Замовлення надійшло без переліку товарів (products).",
    )
    NO_PARTNER = (
        "The order has no buyer, and the profile has no default partner (default_partner).",
        "У замовленні немає покупця, а в профілі не вказано контрагента для таких замовлень (default_partner).",
    )
    NO_BUYER_ID = (
        "The buyer has no readable id (buyer.id).",
        "Номер покупця (buyer.id) відсутній або не читається.",
    )
    NOT_A_NUMBER = ("Not a number: {values:parts}.", "Не число: {values:parts}.")
    TOO_MANY_LINES = ("The order has more than 10 000 lines.", "У замовленні більше ніж 10 000 рядків.")
    LINE_UNREADABLE = ("Line {line} cannot be read.", "Рядок {line}: його не вдалося прочитати.")
    LINE_WITHOUT_NAME = ("Line {line}: the product has no name.", "Рядок {line}: товар не має назви.")
    LINE_WITHOUT_QUANTITY = ("Line {line} has no quantity.", "Рядок {line}: немає кількості.")
    LINE_QUANTITY_NOT_A_NUMBER = (
        "Line {line}: the quantity is not a number «{text:typed}».",
        "Рядок {line}: кількість не є числом «{text:typed}».",
    )
    LINE_QUANTITY_TOO_SMALL = (
        "Line {line}: the quantity is not above zero.",
        "Рядок {line}: кількість не більша за нуль.",
    )
    LINE_WITHOUT_PRICE = ("Line {line} has no price.", "Рядок {line}: немає ціни.")
    LINE_TOO_LARGE = (
        "Line {line}: the sum is impossibly large.",
        "Рядок {line}: сума неправдоподібно велика.",
    )
    LINE_NOT_A_NUMBER = (
        "Line {line}: not a number: {values:parts}.",
        "Рядок {line}: не число: {values:parts}.",
    )
    LINE_VALUE_UNREADABLE = (
        "Line {line}: cannot be read: {values:parts}.",
        "Рядок {line}: не вдалося прочитати: {values:parts}.",
    )
    PAYMENT_WITHOUT_AMOUNT = ("Payment {position} has no amount.", "Оплата {position}: немає суми.")
    PAYMENT_NOT_A_NUMBER = (
        "Payment {position}: the amount is not a number «{text:typed}».",
        "Оплата {position}: сума не є числом «{text:typed}».",
    )
    PAYMENT_FIELD_NOT_A_NUMBER = (
        "Payment {position}: not a number: {values:parts}.",
        "Оплата {position}: не число: {values:parts}.",
    )
    PAYMENT_VALUE_UNREADABLE = (
        "Payment {position}: cannot be read: {values:parts}.",
        "Оплата {position}: не вдалося прочитати: {values:parts}.",
    )
