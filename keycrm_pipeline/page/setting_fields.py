"""The settings that a shop changes in the browser: on which page, under which words, and what is said of a wrong value.

The words are those of BAS, as in the templates. What is not here: what a form says about a file (`setting_forms`), and
which values are valid (`profile.models`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from keycrm_pipeline.kinds import PAYMENT_KIND_NAMES, RECEIPT_ISSUER_NAMES
from keycrm_pipeline.profile import LEAST_VERSIONS_DAYS, MOST_REQUESTS_PER_MINUTE, Setting

Kind = Literal["text", "number", "day", "time", "tick", "choice", "lines"]


@dataclass(frozen=True)
class SettingField:
    """One setting in a form.

    Attributes:
        setting: Where it stands in the file.
        kind: What kind of value it has.
        label: Its name.
        refusal: What is said beside it when its value is wrong.
        hint: What it does.
        choices: Value -> its name, for a choice.
    """

    setting: Setting
    kind: Kind
    label: str
    refusal: str = "Такого значення тут не може бути."
    hint: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapped:
    """A section that maps what KeyCRM lists to the names of the books.

    Attributes:
        setting: Where it stands in the file: below it an entry for each id.
        of: What is listed: `managers` or `statuses`.
        label: What is entered beside each name.
        hint: What happens with an entry that is left empty.
        refusal: What is said beside a wrong entry.
        fill: The button that enters KeyCRM's own names where nothing is entered; empty for none.
    """

    setting: Setting
    of: Literal["managers", "statuses"]
    label: str
    hint: str
    refusal: str = "Такої назви не може бути."
    fill: str = ""


@dataclass(frozen=True)
class PaymentMethods:
    """What is booked of payments: a line of several fields for each payment method.

    Attributes:
        setting: The section with an entry for each id, of several settings.
        short: The section that maps ids to accounts alone; accounts stay in the one where they stand.
        account: Label of the account.
        choices: Setting of an entry -> what is chosen; organisations are those of the profile.
        hint: What happens with a method that is left empty.
        refusal: What is said beside a wrong entry.
    """

    setting: Setting
    short: Setting
    account: str
    choices: Mapping[str, MethodChoice]
    hint: str
    refusal: str = "Такого значення тут не може бути."


@dataclass(frozen=True)
class MethodChoice:
    """What is chosen from a list for a payment method.

    Attributes:
        label: Its name.
        values: Value -> its name; that of an empty value says what holds without a choice.
    """

    label: str
    values: Mapping[str, str]


@dataclass(frozen=True)
class Chosen:
    """A list of ids that are ticked.

    Attributes:
        setting: Where it stands in the file.
        of: What is listed: `statuses`, where all can be chosen too, or `categories`.
        label: What ticking means.
        refusal: What is said beside a wrong choice.
        hint: What it does.
    """

    setting: Setting
    of: Literal["statuses", "categories"]
    label: str
    refusal: str
    hint: str = ""


SettingPart = SettingField | Mapped | PaymentMethods | Chosen


@dataclass(frozen=True)
class SettingGroup:
    """Settings under one heading."""

    title: str
    parts: tuple[SettingPart, ...]


@dataclass(frozen=True)
class SettingPage:
    """One page of settings.

    Attributes:
        title: Its name.
        groups: Its settings.
        shows_account: Whether it shows what KeyCRM lists.
    """

    title: str
    groups: tuple[SettingGroup, ...]
    shows_account: bool = False

    @property
    def parts(self) -> tuple[SettingPart, ...]:
        """All its settings."""
        return tuple(part for group in self.groups for part in group.parts)


def _whole(least: int, most: int) -> str:
    return f"Потрібне ціле число від {least} до {most}."


_NAME = "Вкажіть назву."

_DOCUMENT = SettingGroup(
    "Документ",
    (
        SettingField(
            ("author",),
            "text",
            "Автор",
            _NAME,
            "Хто вказаний автором кожного документа; також відповідальний, якщо менеджера не зіставлено.",
        ),
        SettingField(
            ("default_partner",),
            "text",
            "Контрагент",
            _NAME,
            "Для замовлень без покупця. Якщо не вказати, такі замовлення відхиляються.",
        ),
        SettingField(
            ("delivery_service",),
            "text",
            "Послуга з доставки",
            _NAME,
            "Картка послуги, на яку записується доставка коштом покупця.",
        ),
        SettingField(
            ("source_number_in_comment",),
            "tick",
            "Записувати номер у джерелі в коментар",
        ),
        SettingField(
            ("start_date",),
            "day",
            "Період: перший день",
            "Вкажіть день від 01.01.2000, наприклад 01.01.2024.",
            "Раніші замовлення не завантажуються.",
        ),
        SettingField(
            ("currency",),
            "text",
            "Валюта",
            "Вкажіть три великі латинські літери, наприклад UAH.",
            "Якщо її не вказано ні в джерелі, ні в оплаті.",
        ),
    ),
)

_MONEY = SettingGroup(
    "Оплати",
    (
        SettingField(
            ("account",),
            "text",
            "Банк. рахунок/Каса",
            _NAME,
            "Коли жодна оплата не визначає інше.",
        ),
        PaymentMethods(
            ("payment_methods",),
            ("accounts",),
            "Банк. рахунок/Каса",
            {
                "kind": MethodChoice("Вид оплати", {"": "вид не вказано", **PAYMENT_KIND_NAMES}),
                "receipt": MethodChoice(
                    "Чек видає",
                    {
                        "": "чека немає",
                        "own": f"чек видає {RECEIPT_ISSUER_NAMES['own']}",
                        "by_carrier": f"чек видає {RECEIPT_ISSUER_NAMES['by_carrier']}",
                    },
                ),
                "organisation": MethodChoice("Організація", {"": "організацію не вказано"}),
            },
            "Для способу без рахунку діє рахунок чи каса, вказані вище. За видом «післяплата» розпізнаються гроші, які "
            "ще в перевізника; за видом «готівка» до 0,25 грн є заокругленням, а не боргом. Якщо чек видає "
            "магазин, проведена оплата без чека потрапляє в перелік «Потребує уваги»; якщо перевізник — оплата з чеком "
            "магазину.",
        ),
    ),
)

_STATUSES = SettingGroup(
    "Статуси",
    (
        Chosen(
            ("statuses", "load"),
            "statuses",
            "Завантажувати статуси",
            "Позначте хоча б один статус або виберіть усі.",
            "Замовлення, яке вже є в документах, оновлюється за будь-якого статусу.",
        ),
        Mapped(
            ("statuses", "stages"),
            "statuses",
            "Стадія",
            "Для незаповненого статусу стадією стає його назва, а статус потрапляє в перелік «Потребує уваги».",
            fill="Заповнити порожні стадії назвами статусів",
        ),
        SettingField(
            ("statuses", "require_mapping"),
            "tick",
            "Не завантажувати нічого, доки хоч один статус без стадії",
        ),
    ),
)

_CATEGORIES = SettingGroup(
    "Послуги знаходяться в категорії",
    (
        Chosen(
            ("service_categories",),
            "categories",
            "Послуги знаходяться в категорії",
            "Такої категорії не може бути.",
            "Товари позначених категорій і їхніх підкатегорій є послугами.",
        ),
    ),
)

_USERS = SettingGroup(
    "Користувачі",
    (
        Mapped(
            ("managers",),
            "managers",
            "Користувач облікової системи",
            "Для незаповненого менеджера відповідальним стає автор, а менеджер потрапляє в перелік «Потребує уваги».",
            fill="Заповнити порожнє іменами з KeyCRM",
        ),
    ),
)

_WEEKDAYS: Mapping[str, str] = {
    "monday": "понеділок",
    "tuesday": "вівторок",
    "wednesday": "середа",
    "thursday": "четвер",
    "friday": "п’ятниця",
    "saturday": "субота",
    "sunday": "неділя",
}

_DAILY = SettingGroup(
    "Щодня",
    (
        SettingField(
            ("schedule", "enabled"),
            "tick",
            "Завантажувати автоматично",
            hint="Без позначки нічого не завантажується, доки хтось не натисне кнопку.",
        ),
        SettingField(
            ("schedule", "daily_at"),
            "time",
            "О котрій щодня",
            "Вкажіть час від 05:00 до 20:59.",
            "За місцевим часом: від 05:00 до 20:59, бо раніше вночі переводять годинник.",
        ),
        SettingField(
            ("schedule", "most_days_to_complete"),
            "number",
            "Скільки пропущених днів довантажувати",
            _whole(0, 366),
        ),
        SettingField(
            ("recent", "days"),
            "number",
            "Скільки останніх днів звіряти щоночі",
            _whole(1, 366),
        ),
    ),
)

_CHANGES = SettingGroup(
    "Зміни протягом дня",
    (
        SettingField(("changes", "enabled"), "tick", "Завантажувати змінені замовлення"),
        SettingField(("changes", "every_minutes"), "number", "Кожні стільки хвилин", _whole(1, 1440)),
        SettingField(
            ("changes", "overlap_minutes"),
            "number",
            "На скільки хвилин раніше за останню зміну починати",
            _whole(0, 10080),
        ),
    ),
)

_SWEEP = SettingGroup(
    "Звірка щотижня",
    (
        SettingField(("sweep", "enabled"), "tick", "Шукати замовлення, яких у KeyCRM більше немає"),
        SettingField(("sweep", "weekday"), "choice", "Якого дня", "Виберіть день тижня.", choices=_WEEKDAYS),
        SettingField(
            ("sweep", "most_missing"),
            "number",
            "Найбільше зниклих за раз",
            _whole(0, 10000),
            "Якщо бракує більше замовлень, жодне не позначається, а звірка повідомляє про помилку.",
        ),
        SettingField(
            ("sweep", "most_unseen"),
            "number",
            "Найбільше ще не отриманих за раз",
            _whole(0, 10000),
            "Якщо їх більше, звірка називає дні, які слід завантажити.",
        ),
    ),
)

_CARDS = SettingGroup(
    "Картки",
    (
        SettingField(
            ("partner_match",),
            "choice",
            "Як знаходити контрагента",
            "Виберіть один із двох способів.",
            choices={
                "phone": "за телефоном або e-mail",
                "phone_and_name": "за телефоном або e-mail та іменем",
            },
        ),
        SettingField(
            ("placeholder_skus",),
            "lines",
            "Що вважати відсутнім артикулом",
            "Вкажіть по одному в рядку.",
            "По одному в рядку. Власний перелік замінює типовий; порожньо: діє типовий.",
        ),
    ),
)

_CONNECTION = SettingGroup(
    "Акаунт KeyCRM",
    (
        SettingField(
            ("keycrm_url",),
            "text",
            "Адреса сторінок KeyCRM",
            "Вкажіть адресу, що починається з https://, без імені та пароля.",
            "Наприклад https://myshop.keycrm.app: тоді номери замовлень стають посиланнями.",
        ),
        SettingField(
            ("requests_per_minute",),
            "number",
            "Запитів за хвилину",
            _whole(1, MOST_REQUESTS_PER_MINUTE),
            "Скільки дозволено вашому ключу API.",
        ),
        SettingField(
            ("largest_answer_megabytes",),
            "number",
            "Найбільша відповідь KeyCRM, МБ",
            _whole(1, 1024),
            "Розпакована; більшу не дочитують.",
        ),
        SettingField(
            ("timezone",),
            "text",
            "Часовий пояс",
            "Вкажіть назву поясу IANA, наприклад Europe/Kyiv.",
            "Визначає, до якого дня належить замовлення.",
        ),
        SettingField(
            ("created_margin_days",),
            "number",
            "Запас днів навколо періоду",
            _whole(0, 31),
            "KeyCRM може добирати замовлення за часом внесення, пізнішим за їхню дату.",
        ),
        SettingField(
            ("keep_versions_days",),
            "number",
            "Скільки днів зберігати попередні версії замовлення",
            _whole(LEAST_VERSIONS_DAYS, 36_500),
            "Порожньо: назавжди. Що в замовленні змінилося, залишається в обліку.",
        ),
    ),
)

_FILES = SettingGroup(
    "Слова і файли",
    (
        SettingField(
            ("language",),
            "choice",
            "Мова",
            "Виберіть одну з двох мов.",
            "Мова звіту, команд і описів у Dagster.",
            choices={"": "за часовим поясом", "uk": "українська", "en": "англійська"},
        ),
        SettingField(
            ("words",),
            "choice",
            "Слова сторінки, звіту й файлів",
            "Виберіть один із двох наборів.",
            choices={"bas": "як у BAS та 1С", "quincefin": "як у Quincefin"},
        ),
        SettingField(
            ("export", "commerceml", "vat"),
            "number",
            "Ставка ПДВ у цінах, %",
            _whole(0, 100),
            "Для файлів CommerceML. Порожньо: податків у файлі немає.",
        ),
        SettingField(
            ("export", "commerceml", "tell_namesakes_apart"),
            "tick",
            "Додавати телефон до імен, що повторюються",
            hint="Для файлів CommerceML.",
        ),
        SettingField(
            ("export", "commerceml", "namespace"),
            "tick",
            "Писати простір імен (xmlns)",
            hint="Для файлів CommerceML; 1С та BAS його очікують.",
        ),
        SettingField(
            ("export", "odoo", "currency"),
            "text",
            "Валюта компанії в Odoo",
            "Вкажіть три великі латинські літери, наприклад UAH.",
            "Порожньо: валюта профілю.",
        ),
        SettingField(
            ("export", "odoo", "notes"),
            "choice",
            "Коментар, доставка й оплата в Odoo",
            "Виберіть одне з трьох.",
            choices={
                "internal": "у нотатці для колег",
                "printed": "в умовах, які бачить покупець",
                "none": "ніде",
            },
        ),
    ),
)

_HISTORY = SettingGroup(
    "Історія запусків у Dagster",
    (
        SettingField(
            ("history", "unchanged_days"),
            "number",
            "Скільки днів зберігати запуски без змін",
            _whole(1, 3650),
        ),
        SettingField(
            ("history", "failed_days"), "number", "Скільки днів зберігати невдалі запуски", _whole(1, 3650)
        ),
        SettingField(("history", "days"), "number", "Скільки днів зберігати решту", _whole(1, 3650)),
        SettingField(
            ("history", "most_runs"),
            "number",
            "Скільки запусків зберігати щонайбільше",
            _whole(50, 1_000_000),
        ),
    ),
)

SETTING_PAGES: Mapping[str, SettingPage] = {
    "orders": SettingPage("Замовлення", (_DOCUMENT, _MONEY, _STATUSES, _CATEGORIES), shows_account=True),
    "users": SettingPage("Користувачі", (_USERS,), shows_account=True),
    "schedule": SettingPage("Розклад", (_DAILY, _CHANGES, _SWEEP)),
    "other": SettingPage("Інше", (_CARDS, _CONNECTION, _FILES, _HISTORY)),
}
"""Name of a page in its address -> the page, in order."""

ONLY_IN_THE_FILE: Mapping[str, str] = {
    "organisations": "організації та що до них належить",
    "export.columns": "стовпці й заголовки таблиць",
    "export.commerceml.currencies": "назви валют в обліковій системі",
    "export.commerceml.requisites": "реквізити замовлення у CommerceML",
    "export.odoo.users": "логіни продавців в Odoo",
    "alert.command": "команда, яка повідомляє про невдалі обміни",
    "alert.webhook": "адреса, яка отримує повідомлення про невдалі обміни",
    "base_url": "адреса API",
    "database": "файл бази",
    "owners": "власники в Dagster",
}
"""Setting that is changed in the file alone -> what it is.

Where the key is sent, which files are written and which commands run is decided by whoever has the machine, not by
everybody who can open the page.
"""

OF_OTHER_PAGES: Mapping[str, str] = {
    "organisations": "Організації (organisations) посилаються на рахунок чи касу, яких більше не буде. Спершу змініть "
    "їх у файлі профілю.",
    "database": "Інший профіль пише в той самий файл бази.",
}
"""Setting -> what is said when a change elsewhere makes it wrong."""

NOT_EDITABLE = (
    "У файлі профілю цей рядок пов’язано з іншими (якір YAML), тому змініть його там текстовим редактором."
)
