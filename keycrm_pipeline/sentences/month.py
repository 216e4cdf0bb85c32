"""What the check list of the month's end says about each step."""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class MonthWords(Sentences):
    """A step and its state; the name is that of both."""

    DAYS_DONE = ("All days are loaded", "Усі дні завантажено")
    DAYS_OPEN = (
        "Days that are not loaded, or not over: {days:periods}",
        "Дні, яких не завантажено або які ще не минули: {days:periods}",
    )
    REJECTED_DONE = ("No order was rejected", "Відхилених замовлень немає")
    REJECTED_OPEN = ("Rejected orders: {orders:number}", "Відхилених замовлень: {orders:number}")
    REJECTED_NOT_LOADED = (
        "Rejected orders: no day of the month is loaded",
        "Відхилені замовлення: жодного дня місяця не завантажено",
    )
    UNMAPPED_DONE = (
        "Every status has a stage, every manager a user",
        "Усі статуси мають стадію, усі менеджери — користувача",
    )
    UNMAPPED_OPEN = (
        "Without a stage or a user: statuses {statuses:number}, managers {managers:number}",
        "Без стадії або користувача: статусів {statuses:number}, менеджерів {managers:number}",
    )
    UNMAPPED_NOT_LOADED = (
        "Stages and users: no day of the month is loaded",
        "Стадії та користувачі: жодного дня місяця не завантажено",
    )
    RECEIPTS_DONE = ("Payments have the receipts that they should have", "Чеки за оплатами на місці")
    RECEIPTS_OPEN = (
        "Orders whose receipts do not fit the profile: {orders:number}",
        "Замовлень, чеки яких не відповідають профілю: {orders:number}",
    )
    RECEIPTS_NOT_SET_UP = (
        "Receipts are not checked: the profile does not say who issues them",
        "Чеки не перевіряються: у профілі не вказано, хто їх видає",
    )
    RECEIPTS_NOT_LOADED = (
        "Receipts: no day of the month is loaded",
        "Чеки: жодного дня місяця не завантажено",
    )
    RECONCILIATION_DONE = (
        "Every payment has its money; money awaited: {awaited:number}",
        "Усі оплати звірено з надходженнями; очікується надходжень: {awaited:number}",
    )
    RECONCILIATION_OPEN = (
        "Payments and money that do not fit: {lines:number}; registers or transactions that could not be read: "
        "{unread:number}; money awaited: {awaited:number}",
        "Розбіжностей у звірці: {lines:number}; не прочитано реєстрів або операцій: {unread:number}; очікується "
        "надходжень: {awaited:number}",
    )
    RECONCILIATION_NOT_MADE = (
        "Payments were not compared with the money yet",
        "Оплати ще не звірено з надходженнями",
    )
    RECONCILIATION_NOT_LOADED = (
        "Payments and money: no day of the month is loaded",
        "Звірка оплат: жодного дня місяця не завантажено",
    )
    RECONCILIATION_NOT_SET_UP = (
        "Payments are not compared with the money: the profile names neither registers nor bank transactions",
        "Оплати не звіряються з надходженнями: у профілі не вказано ні реєстрів, ні банківських операцій",
    )
    CLOSED_PERIOD_DONE = (
        "Nothing changed in the closed period that no export has listed",
        "У закритому періоді немає змін, яких не показало вивантаження",
    )
    CLOSED_PERIOD_OPEN = (
        "Documents changed in the closed period: {orders:number}",
        "Змінено документів у закритому періоді: {orders:number}",
    )
    CLOSED_PERIOD_NOT_SET_UP = (
        "No period is closed",
        "Закритого періоду немає",
    )
    HANDED_OVER_DONE = (
        "All documents are handed over ({format}): {unchanged:number}; not ready: {not_ready:number}",
        "Усі документи вивантажено ({format}): {unchanged:number}; ще не готових: {not_ready:number}",
    )
    HANDED_OVER_OPEN = (
        "Not handed over ({format}): new {new:number}, changed {changed:number}, no longer exported "
        "{withdrawn:number}, to be mended {held_back:number}; handed over {unchanged:number}, not ready "
        "{not_ready:number}",
        "Не вивантажено ({format}): нових {new:number}, змінених {changed:number}, таких, що більше не "
        "вивантажуються, {withdrawn:number}, таких, що треба виправити, {held_back:number}; вивантажено "
        "{unchanged:number}, ще не готових {not_ready:number}",
    )
    HANDED_OVER_NOT_LOADED = (
        "Hand-over of documents: no day of the month is loaded",
        "Вивантаження документів: жодного дня місяця не завантажено",
    )
