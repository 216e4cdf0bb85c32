"""The kinds of the review list (`ops.review`): their names, and what commands, checks and reports say about each.

The details of a single entry are in `sentences.review`; when an entry appears and disappears is in the warehouse's
`review.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keycrm_pipeline.language import message
from keycrm_pipeline.sentences import Sentence


@dataclass(frozen=True, slots=True)
class ReviewKind:
    """One kind of entry.

    Attributes:
        name: The key, as in `ops.review.kind`.
        title: What the entries of this kind are.
        advice: What to do about them.
        assertion: What holds when there is no such entry; the description of the asset check, a message.
        has_typed_subject: Whether the subject is text that somebody typed; otherwise it is an id.
    """

    name: str
    title: Sentence
    advice: Sentence
    assertion: str
    has_typed_subject: bool = False


_KINDS = (
    ReviewKind(
        "unmapped_status",
        title=Sentence("Statuses without a stage (Стадія)", "Статуси без стадії"),
        advice=Sentence(
            "Choose a stage in the settings (statuses.stages of the profile); until then its name is the stage.",
            "Виберіть стадію в налаштуваннях (statuses.stages у профілі); поки що нею є назва статусу.",
        ),
        assertion=message("Every status in the books has a stage (Стадія) in the profile."),
    ),
    ReviewKind(
        "unmapped_manager",
        title=Sentence("Managers without a user (Відповідальний)", "Менеджери без відповідального"),
        advice=Sentence(
            "Name the user in the settings (managers of the profile); until then the author is responsible.",
            "Вкажіть користувача в налаштуваннях (managers у профілі); поки що відповідальним є автор.",
        ),
        assertion=message("Every manager in the books is mapped to a user (Відповідальний) in the profile."),
    ),
    ReviewKind(
        "partner_name_conflict",
        title=Sentence("Same contact, different names", "Один контакт, різні імена"),
        advice=Sentence(
            "Check whether it is one person; if not, have partners found by phone and name (partner_match: "
            "phone_and_name).",
            "Перевірте, чи це одна людина; якщо ні, шукайте контрагентів за телефоном та іменем (partner_match: "
            "phone_and_name).",
        ),
        assertion=message("Buyers matched by phone or e-mail have the same name as the card."),
    ),
    ReviewKind(
        "ambiguous_product_name",
        title=Sentence("Several products with the same name", "Однакові назви товарів"),
        advice=Sentence(
            "The first card with that name was used. Give the product a SKU in KeyCRM, or rename the other cards.",
            "Узято першу картку з такою назвою. Дайте товару артикул у KeyCRM або перейменуйте решту.",
        ),
        assertion=message("Every product name used by a line without a SKU belongs to a single card."),
        has_typed_subject=True,
    ),
    ReviewKind(
        "product_promoted",
        title=Sentence("Products that became Товар з SKU", "Товар став товаром з SKU"),
        advice=Sentence(
            "Check the card in the accounting system, then tick it off (keycrm-pipeline review --done).",
            "Перевірте картку в обліку і відзначте (keycrm-pipeline review --done).",
        ),
        assertion=message("Every product that became Товар з SKU has been checked and ticked off."),
    ),
    ReviewKind(
        "product_renamed",
        title=Sentence("Products renamed in KeyCRM", "Товари, перейменовані в KeyCRM"),
        advice=Sentence(
            "Take the new names over (keycrm-pipeline catalogue --rename). To keep an old one, tick it off "
            "(keycrm-pipeline review --done).",
            "Візьміть нові назви (keycrm-pipeline catalogue --rename). Щоб лишити стару, відзначте картку "
            "(keycrm-pipeline review --done).",
        ),
        assertion="Every card has the name that its product has in KeyCRM.",
    ),
    ReviewKind(
        "shared_sku",
        title=Sentence("Same SKU, different products", "Один артикул, різні товари"),
        advice=Sentence(
            "Check whether it is one product; if not, give each its own SKU in KeyCRM and a card in products.csv. "
            "Then tick it off (keycrm-pipeline review --done).",
            "Перевірте, чи це один товар; якщо ні, дайте кожному власний артикул у KeyCRM і картку в products.csv. "
            "Тоді відзначте (keycrm-pipeline review --done).",
        ),
        assertion=message("Products of KeyCRM that share a SKU have the same name."),
    ),
    ReviewKind(
        "order_difference",
        title=Sentence("Orders that do not add up in KeyCRM", "Замовлення з розбіжністю"),
        advice=Sentence(
            "Check the order's discounts in KeyCRM. The document was loaded as it is, with the difference, and is not "
            "exported.",
            "Перевірте знижки замовлення в KeyCRM. Документ завантажено як є, з розбіжністю, і не вивантажується.",
        ),
        assertion=message("Every order adds up in KeyCRM."),
    ),
    ReviewKind(
        "payment_conflict",
        title=Sentence("Payments that do not fit their orders", "Оплати, що не відповідають замовленням"),
        advice=Sentence(
            "Check the payments and lines in KeyCRM, then load the days of these orders again.",
            "Перевірте оплати й рядки в KeyCRM і завантажте дні цих замовлень ще раз.",
        ),
        assertion=message(
            "Every paid order has a payment, and each payment and line is booked in a single order."
        ),
    ),
    ReviewKind(
        "receipt_conflict",
        title=Sentence("Receipts that do not fit the profile", "Чеки, що не відповідають профілю"),
        advice=Sentence(
            "Check the receipts in KeyCRM. Who issues them is in payment_methods of the profile; after a change there, "
            "rebuild.",
            "Перевірте чеки в KeyCRM. Хто їх видає, вказано в payment_methods профілю; після зміни там потрібне "
            "переформування.",
        ),
        assertion="Paid payments have the receipt that the shop issues, and none that the carrier issues.",
    ),
    ReviewKind(
        "currency_conflict",
        title=Sentence("Orders in another currency than their source", "Валюта замовлення й джерела різна"),
        advice=Sentence(
            "The documents keep the currency they were booked in. Check the source's currency in KeyCRM.",
            "Документи лишаються у валюті, в якій їх проведено. Перевірте валюту джерела в KeyCRM.",
        ),
        assertion=message("Every order is booked in the currency of its source."),
    ),
    ReviewKind(
        "rate_missing",
        title=Sentence("Payments without a rate of the НБУ", "Оплати без курсу НБУ"),
        advice=Sentence(
            "Add the rates of these days to the files in the directory rates, then rebuild.",
            "Додайте курси за ці дні до файлів у теці rates і виконайте переформування.",
        ),
        assertion=message(
            "Every payment in another currency has a rate of the НБУ, if there are rates at all."
        ),
    ),
    ReviewKind(
        "rejected_order",
        title=Sentence("Orders that could not be loaded", "Відхилені замовлення"),
        advice=Sentence(
            "The reasons are in the section below. Fix the orders in KeyCRM; the next load picks them up.",
            "Причини — у розділі нижче. Виправте в KeyCRM: їх буде завантажено під час наступного обміну.",
        ),
        assertion=message("Every order could be loaded."),
    ),
    ReviewKind(
        "day_out_of_reach",
        title=Sentence("Orders of a day that no load reaches", "Замовлення з недосяжною датою"),
        advice=Sentence(
            "Correct the date of the order in KeyCRM; the next sync picks it up.",
            "Виправте дату замовлення в KeyCRM: його буде завантажено під час наступного обміну.",
        ),
        assertion=message("Every order is dated within the days that can be loaded."),
    ),
    ReviewKind(
        "missing_in_crm",
        title=Sentence("Orders that KeyCRM no longer has", "Зникли з KeyCRM"),
        advice=Sentence(
            "The order was deleted in KeyCRM; the document was kept. Decide whether to cancel it.",
            "Замовлення видалено в KeyCRM, документ лишився. Вирішіть, чи скасувати його.",
        ),
        assertion=message("KeyCRM still has every order in the books."),
    ),
    ReviewKind(
        "catalogue_conflict",
        title=Sentence(
            "SKUs in products.csv that are already taken", "Артикули з products.csv, що вже зайняті"
        ),
        advice=Sentence(
            "Another card or variant already has the SKU. Remove it from the row in products.csv.",
            "Артикул уже має інша картка чи варіант. Приберіть його з рядка файлу products.csv.",
        ),
        assertion=message("Every SKU in the accounting catalogue's file could be assigned to its card."),
    ),
    ReviewKind(
        "reconciliation_unread",
        title=Sentence("Money that could not be read", "Надходження, яких не прочитано"),
        advice=Sentence(
            "The reconciliation does without them. Correct the file, or the register in the profile; then: "
            "keycrm-pipeline reconcile.",
            "Звірку зроблено без них. Виправте файл або реєстр у профілі, тоді: keycrm-pipeline reconcile.",
        ),
        assertion=message("Every register and KeyCRM's bank transactions could be read."),
        has_typed_subject=True,
    ),
)

REVIEW_LIST: Mapping[str, ReviewKind] = {kind.name: kind for kind in _KINDS}
"""Every kind by its name, in the order in which they are shown."""
