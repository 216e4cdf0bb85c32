"""Why an order is not exported, and what of it says so."""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class HeldBackCause(Sentences):
    """Why an order is held back; the name without its beginning is the cause."""

    HELD_BACK_REJECTED = (
        "The order failed validation; see the rejected records for what to fix in KeyCRM.",
        "Замовлення не пройшло перевірку: виправте його в KeyCRM",
    )
    HELD_BACK_DIFFERENCE = (
        "The order does not add up: its lines and services differ from its total in KeyCRM.",
        "Сума рядків і послуг не дорівнює сумі замовлення в KeyCRM",
    )
    HELD_BACK_MISSING_IN_CRM = ("KeyCRM no longer has the order.", "Замовлення більше немає в KeyCRM")
    HELD_BACK_INCOMPLETE = (
        "A card or a sum of the order is incomplete in the books; rebuild them and export again.",
        "Картка або сума замовлення в базі неповна: переформуйте дані й вивантажте ще раз",
    )
    HELD_BACK_CURRENCY = (
        "The accounting system's name of the order's currency is not set; add it to export.commerceml.currencies.",
        "Назву валюти в обліковій системі не вказано: додайте її в export.commerceml.currencies",
    )
    HELD_BACK_STAGE = (
        "The order is not ready: its stage is not one of those that are handed over.",
        "Ще не готове: стадія не з тих, які вивантажуються",
    )
    HELD_BACK_UNPAID = (
        "The order is not ready: it is not paid in full.",
        "Ще не готове: оплачено не повністю",
    )
    HELD_BACK_NO_RECEIPT = (
        "The order is not ready: a paid payment has no receipt, which the shop issues.",
        "Ще не готове: немає чека за проведеною оплатою, який видає магазин",
    )
    HELD_BACK_ORGANISATION = (
        "The profile determines no organisation of the order, so no organisation's export contains it.",
        "Профіль не визначає організації замовлення, тому воно не потрапляє до вивантаження жодної з них",
    )
    HELD_BACK_UNCHANGED = (
        "The order was handed over before and has not changed since.",
        "Уже вивантажено, відтоді без змін",
    )
    HELD_BACK_OTHER_DAYS = (
        "The order no longer belongs to these days.",
        "Замовлення вже не належить до цих днів",
    )
    HELD_BACK_OTHER_ORGANISATION = (
        "The order no longer belongs to this organisation.",
        "Замовлення вже не належить до цієї організації",
    )


class HeldBackDetail(Sentences):
    """What of an order is the cause."""

    DIFFERENCE_OF_ORDER = (
        "Difference {difference:money currency}",
        "Розбіжність {difference:money currency}",
    )
    CURRENCY_OF_ORDER = ("Currency {currency}", "Валюта {currency}")
    STAGE_OF_ORDER = ("Stage «{stage}»", "Стадія «{stage}»")
    PAID_OF_ORDER = (
        "Paid {paid:money currency} of {total:money currency}",
        "Оплачено {paid:money currency} з {total:money currency}",
    )
    PAYMENTS_WITHOUT_RECEIPT = ("Payment {payment_ids}", "Оплата {payment_ids}")


class ClosedChangeWords(Sentences):
    """What changed in a document of the closed period."""

    CLOSED_ORDER_CAME = (
        "Order {order_id} of {day:day} is new: {total:money currency}",
        "Замовлення {order_id} за {day:day} — нове: {total:money currency}",
    )
    CLOSED_ORDER_CHANGED = (
        "Order {order_id} of {day:day}: total {total_before:money currency_before}, now {total:money currency}; paid "
        "{paid_before:money currency_before}, now {paid:money currency}; fields changed: {fields:number}",
        "Замовлення {order_id} за {day:day}: сума була {total_before:money currency_before}, стала "
        "{total:money currency}; оплачено було {paid_before:money currency_before}, стало {paid:money currency}; "
        "змінено реквізитів: {fields:number}",
    )


class ExportFailure(Sentences):
    """Why an export or a report could not be written, and what to do."""

    NO_SUCH_FORMAT = (
        "There is no format '{format}'. The formats are {formats}.",
        "Формату '{format}' немає. Формати: {formats}.",
    )
    NO_FORMAT_OF_NAME = (
        "{name} names no format: let it end with one of {suffixes}.",
        "{name} не називає формату: назва має закінчуватися на {suffixes}.",
    )
    NO_SUCH_ORGANISATION = (
        "The profile has no organisation '{organisation}'. Its organisations are {organisations}.",
        "У профілі немає організації '{organisation}'. Його організації: {organisations}.",
    )
    NO_ORGANISATIONS = (
        "The profile has no organisation '{organisation}'. Its organisations are not listed yet: see "
        "docs/settings.md.",
        "У профілі немає організації '{organisation}'. Організацій у ньому ще не вказано: див. docs/settings.md.",
    )
    NO_SUCH_STAGE = (
        "No order is in the stage '{stage}', and the profile has no such stage. The stages are {stages}.",
        "У стадії '{stage}' немає жодного замовлення, і в профілі такої стадії немає. Стадії: {stages}.",
    )
    NO_SUCH_DECIDING_DAY = (
        "There is no day '{day}' to export by. The days are {days}.",
        "За днем '{day}' вивантажити не можна. Дні: {days}.",
    )
    EXPORTED_MEANWHILE = (
        "Another export was finished meanwhile, so nothing was handed over. Export again.",
        "Тим часом завершилося інше вивантаження, тому нічого не передано. Вивантажте ще раз.",
    )
    IDS_OF_TEMPLATES = (
        "{count:number} products of catalogue/products have an id of Odoo's list Products, such as {first}. Orders "
        "refer to product variants: in Odoo, export the list Product Variants instead, with the box for updating "
        "data ticked, use its ids, load again and repeat the export.",
        "Товарів у catalogue/products із номером зі списку Products в Odoo: {count:number}, наприклад {first}. "
        "Замовлення посилаються на варіанти товарів: вивантажте в Odoo список Product Variants із позначкою для "
        "оновлення даних, візьміть номери звідти, завантажте ще раз і повторіть вивантаження.",
    )
    DIRECTORY_CLOSED = (
        "The directory {path} cannot be written to: {reason}. Choose another one, or fix its permissions.",
        "У теку {path} не можна записати: {reason}. Виберіть іншу або виправте права доступу.",
    )
    DISK_OF_FILES_FULL = (
        "The disk that holds {path} is full. The files of earlier exports were left as they are; free some space, or "
        "choose another directory, and export again.",
        "На диску, де лежить {path}, немає місця. Файли попередніх вивантажень лишилися як були; звільніть місце або "
        "виберіть іншу теку й вивантажте ще раз.",
    )
    NOT_DELIVERED = (
        "The file could not be put to {path} ({variable}): {reason}. Correct that, and make the file again.",
        "Файл не вдалося покласти в {path} ({variable}): {reason}. Виправте це й створіть файл ще раз.",
    )
    REPORT_NOT_WRITTEN = (
        "The report cannot be written to {path}: {reason}. Choose another file with --out.",
        "Звіт не вдалося записати у файл {path}: {reason}. Вкажіть інший файл параметром --out.",
    )
    SHEET_TOO_LONG = (
        "The table {table} has {rows} rows; a worksheet can hold {most}. Export a shorter period, or choose the "
        "format csv or parquet.",
        "У таблиці {table} рядків: {rows}, а на аркуш поміщається {most}. Вивантажте коротший період або виберіть "
        "формат csv чи parquet.",
    )
    COLUMN_MAP_UNUSABLE = (
        "The profile's export.columns cannot be used. {problems:sentences}",
        "Налаштування export.columns у профілі непридатне. {problems:sentences}",
    )


class ColumnMistake(Sentences):
    """One thing that is wrong with the column map of a profile."""

    UNKNOWN_EXPORT_TABLE = (
        "There is no table '{table}'. The tables are {tables}.",
        "Таблиці '{table}' немає. Таблиці: {tables}.",
    )
    UNKNOWN_EXPORT_TABLE_NEAR = (
        "There is no table '{table}'. Did you mean {near}? The tables are {tables}.",
        "Таблиці '{table}' немає. Можливо, {near}? Таблиці: {tables}.",
    )
    UNKNOWN_EXPORT_COLUMN = (
        "The table {table} has no column '{column}'. Its columns are {columns}.",
        "У таблиці {table} немає колонки '{column}'. Її колонки: {columns}.",
    )
    UNKNOWN_EXPORT_COLUMN_NEAR = (
        "The table {table} has no column '{column}'. Did you mean {near}? Its columns are {columns}.",
        "У таблиці {table} немає колонки '{column}'. Можливо, {near}? Її колонки: {columns}.",
    )
    HEADER_EMPTY = ("The header of {table}.{column} is empty.", "Заголовок {table}.{column} порожній.")
    HEADER_TWICE = (
        "The header '{header}' appears twice in the table {table}.",
        "Заголовок '{header}' стоїть у таблиці {table} двічі.",
    )
    EVERY_TABLE_LEFT_OUT = ("It leaves out every table.", "Воно пропускає всі таблиці.")
