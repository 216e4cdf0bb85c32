"""What needs attention: the details of each entry of `ops.review`, and what they consist of.

No names, phones or e-mails of people: the list is shown on the Dagster page as well. What adds them when a person reads
the list is `warehouse.attention`. The SQL of the list (`warehouse/sql/review.sql`) names these codes and values.
"""

from __future__ import annotations

from keycrm_pipeline.sentences.messages import Sentences


class ReviewPart(Sentences):
    """Parts of the details."""

    NAME = ("«{name:typed}»", "«{name:typed}»")
    PRODUCT_NAME = ("{product_id} «{name:typed}»", "{product_id} «{name:typed}»")


class Review(Sentences):
    """What needs attention, and what to do."""

    UNMAPPED_STATUS = (
        "Status {status_id} «{name:typed}» has no stage (Стадія) in the profile; the status name is used instead. "
        "Orders with this status: {orders:number}. Choose one in the settings (statuses.stages).",
        "Статус {status_id} «{name:typed}» не має стадії в профілі, замовлень у ньому: {orders:number}; стадією "
        "поки що є назва статусу. Виберіть стадію в налаштуваннях (statuses.stages).",
    )
    UNMAPPED_MANAGER = (
        "Manager {manager_id} is not mapped to a user (Відповідальний) in the profile; the author is used instead. "
        "Their orders: {orders:number}. Name the user in the settings (managers).",
        "Менеджеру {manager_id} у профілі не відповідає жоден користувач, замовлень у нього: {orders:number}; "
        "відповідальним поки що є автор. Вкажіть користувача в налаштуваннях (managers).",
    )
    MANAGER_IN_CRM = ("In KeyCRM this is {name:typed}.", "У KeyCRM це {name:typed}.")
    NAMES_DISAGREE = (
        "Buyer {buyer_ids} was matched to partner {partner_id} by phone or e-mail, but the names differ. Check "
        "whether it is one person; if not, have partners found by phone and name (partner_match: phone_and_name).",
        "Покупець {buyer_ids}: за телефоном чи електронною адресою знайдено картку контрагента {partner_id}, але "
        "імена різні. Перевірте, чи це одна людина; якщо ні, шукайте контрагентів за телефоном та іменем "
        "(partner_match: phone_and_name).",
    )
    NAMES_DISAGREE_IN_ORDER = (
        "Buyer {buyer_ids} was matched to partner {partner_id} by phone or e-mail, but the names differ (first in "
        "order {order_id}). Check whether it is one person; if not, have partners found by phone and name "
        "(partner_match: phone_and_name).",
        "Покупець {buyer_ids}: за телефоном чи електронною адресою знайдено картку контрагента {partner_id}, але "
        "імена різні (уперше в замовленні {order_id}). Перевірте, чи це одна людина; якщо ні, шукайте "
        "контрагентів за телефоном та іменем (partner_match: phone_and_name).",
    )
    NAMES_ON_CARD_AND_IN_CRM = (
        "On the card: «{card_name:typed}»; in KeyCRM: {buyer_names}.",
        "На картці: «{card_name:typed}»; у KeyCRM: {buyer_names}.",
    )
    AMBIGUOUS_NAME = (
        "Several cards ({product_ids}) are named «{name:typed}», and lines without a SKU use this name; the first "
        "card was used. Rename the others, or give the product a SKU in KeyCRM.",
        "Назву «{name:typed}» мають кілька карток ({product_ids}), і її вживають рядки без артикулу: береться перша "
        "картка. Перейменуйте решту або дайте товару артикул у KeyCRM.",
    )
    PRODUCT_PROMOTED = (
        "Product {product_id} was Товар and is now Товар з SKU: all its variants have their own SKU in KeyCRM. "
        "Check the card in the accounting system, then tick this off.",
        "Картка {product_id} була видом Товар, а тепер — Товар з SKU: у KeyCRM усі її варіанти мають власні "
        "артикули. Перевірте картку в обліку і відзначте це.",
    )
    PRODUCT_RENAMED = (
        "Product {product_id} is «{name:typed}» on its card and «{crm_name:typed}» in KeyCRM, where it was renamed. "
        "The card keeps its name. Take the new name over (keycrm-pipeline catalogue --rename), or tick this off to "
        "keep the old one.",
        "Картка {product_id} має назву «{name:typed}», а в KeyCRM товар перейменовано на «{crm_name:typed}». Картка "
        "зберігає свою назву. Візьміть нову (keycrm-pipeline catalogue --rename) або відзначте це, щоб лишити стару.",
    )
    SHARED_SKU = (
        "Product {product_id} «{name:typed}» was found by its SKU «{sku:typed}» for products of KeyCRM with another "
        "name: {others}. Check whether they are one product; if not, give each its own SKU in KeyCRM and a card in "
        "products.csv. Then tick this off.",
        "Картку {product_id} «{name:typed}» за артикулом «{sku:typed}» знайдено й для товарів KeyCRM з іншою "
        "назвою: {others}. Перевірте, чи це один товар; якщо ні, дайте кожному власний артикул у KeyCRM і картку в "
        "products.csv. Тоді відзначте це.",
    )
    ORDER_DIFFERENCE = (
        "Order {order_id} does not add up in KeyCRM: its total differs from its lines by {difference:money "
        "currency}. It was loaded as it is and is not exported. Check its discounts there.",
        "Замовлення {order_id}: у KeyCRM розбіжність {difference:money currency} між підсумковою сумою і сумою "
        "рядків. Документ завантажено як є, він не вивантажується. Перевірте в KeyCRM знижки замовлення.",
    )
    PAID_WITHOUT_PAYMENT = (
        "Order {order_id} is paid according to KeyCRM, but has no payment in its currency that is paid. Check its "
        "payments there.",
        "Замовлення {order_id} у KeyCRM позначено оплаченим, але проведеної оплати у його валюті немає. Перевірте "
        "там його оплати.",
    )
    PAYMENT_IN_SEVERAL_ORDERS = (
        "Payment {payment_id} is booked in several orders: {order_ids}. Check in KeyCRM which order it belongs to, "
        "and load the days of these orders again.",
        "Оплату {payment_id} проведено в кількох замовленнях: {order_ids}. Перевірте в KeyCRM, чия вона, і "
        "завантажте дні цих замовлень ще раз.",
    )
    LINE_IN_SEVERAL_ORDERS = (
        "Line {line_id} is booked in several orders: {order_ids}. Check in KeyCRM which order it belongs to, and "
        "load the days of these orders again.",
        "Рядок {line_id} проведено в кількох замовленнях: {order_ids}. Перевірте в KeyCRM, чий він, і завантажте "
        "дні цих замовлень ще раз.",
    )
    RECEIPT_MISSING = (
        "Order {order_id}: payment {payment_ids} is paid, but has no receipt in KeyCRM, although the profile says that "
        "the shop issues it (payment_methods, receipt: own). Issue it, or correct the profile.",
        "Замовлення {order_id}: оплату {payment_ids} проведено, а чека в KeyCRM немає, хоча за профілем його видає "
        "магазин (payment_methods, receipt: own). Видайте чек або виправте профіль.",
    )
    RECEIPT_DOUBLED = (
        "Order {order_id}: payment {payment_ids} has a receipt of the shop, although the profile says that the carrier "
        "issues it (payment_methods, receipt: by_carrier). Check whether there are two, or correct the profile.",
        "Замовлення {order_id}: оплата {payment_ids} має чек магазину, хоча за профілем його видає перевізник "
        "(payment_methods, receipt: by_carrier). Перевірте, чи чеків не два, або виправте профіль.",
    )
    CURRENCY_CONFLICT = (
        "Order {order_id} was booked in {booked_currency}, but its source now sells in {source_currency}. The "
        "document was not changed. Check the source's currency in KeyCRM.",
        "Замовлення {order_id} проведено у валюті {booked_currency}, а його джерело тепер продає у "
        "{source_currency}. Документ не змінено. Перевірте валюту джерела в KeyCRM.",
    )
    RATE_MISSING = (
        "Payments in {currency} without a rate of the НБУ: {payments:number}, of {days:number} days, the first on "
        "{day:day}. Add the rates of these days to the directory rates, then rebuild.",
        "Оплат у {currency} без курсу НБУ: {payments:number}, днів: {days:number}, перший — {day:day}. Додайте курси "
        "за ці дні до теки rates і виконайте переформування.",
    )
    ORDER_REJECTED = (
        "Order {order_id} could not be loaded: {reasons:sentences} Fix it in KeyCRM; the next load picks it up.",
        "Замовлення {order_id} відхилено: {reasons:sentences} Виправте його в KeyCRM: його буде завантажено під час "
        "наступного обміну.",
    )
    RECORD_REJECTED = (
        "A record without an id could not be loaded: {reasons:sentences} Fix it in KeyCRM; the next load picks it "
        "up.",
        "Замовлення без номера відхилено: {reasons:sentences} Виправте його в KeyCRM: його буде завантажено під час "
        "наступного обміну.",
    )
    MISSING_IN_CRM = (
        "Order {order_id} is in the books but no longer in KeyCRM (it was deleted there). Decide whether to cancel "
        "the document; it was kept.",
        "Замовлення {order_id} є в обліку, але його вже немає в KeyCRM (там його видалено). Вирішіть, чи скасувати "
        "документ; його збережено.",
    )
    DAY_BEFORE_START = (
        "Order {order_id} is dated {day:day}, before the first day of the profile, although it was entered later. "
        "No load reaches that day: correct the order's date in KeyCRM, or move start_date.",
        "Замовлення {order_id} датоване {day:day}, раніше за перший день профілю, хоча внесене пізніше. Жодне "
        "завантаження не дійде до того дня: виправте дату замовлення в KeyCRM або перенесіть start_date.",
    )
    DAY_FAR_AHEAD = (
        "Order {order_id} is dated {day:day}, more than a year ahead. It will not be loaded before that day: "
        "correct the order's date in KeyCRM.",
        "Замовлення {order_id} датоване {day:day}, більш ніж на рік наперед. До того дня його не буде завантажено: "
        "виправте дату замовлення в KeyCRM.",
    )
    CARD_NOT_MADE = (
        "Card {catalogue_id} in products.csv has the SKU «{sku:typed}», which variant {carrier_variant_id} of "
        "product {carrier_product_id} already has, so no second card was created. Remove the row, or the SKU from "
        "it.",
        "Картка {catalogue_id} з products.csv має артикул «{sku:typed}», який уже є у варіанта {carrier_variant_id} "
        "товару {carrier_product_id}, тому другої картки не створено. Приберіть рядок або артикул у ньому.",
    )
    SKU_OF_A_VARIANT = (
        "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku:typed}»: variant "
        "{carrier_variant_id} of product {carrier_product_id} already has it. Remove the SKU from the row.",
        "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku:typed}»: його вже має "
        "варіант {carrier_variant_id} товару {carrier_product_id}. Приберіть артикул у рядку.",
    )
    SKU_OF_ANOTHER_CARD = (
        "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku:typed}»: product "
        "{carrier_product_id} already has it. Remove the SKU from the row.",
        "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku:typed}»: його вже має "
        "товар {carrier_product_id}. Приберіть артикул у рядку.",
    )
    CARD_HAS_VARIANTS = (
        "Card {catalogue_id} in products.csv (product {product_id}) was not given its SKU «{sku:typed}»: the card "
        "has variants, so the SKUs belong to them. Remove the SKU from the row.",
        "Картці {catalogue_id} з products.csv (товар {product_id}) не присвоєно артикул «{sku:typed}»: картка має "
        "варіанти, і артикули тоді стоять на них. Приберіть артикул у рядку.",
    )
