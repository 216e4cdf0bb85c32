"""The settings that a shop changes in the browser: on which page, under which words, and what is said of a wrong value.

Every text is a message, which whoever shows it translates. What is not here: what a form says about a file
(`setting_forms`), and which values are valid (`profile.models`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from keycrm_pipeline.language import _, message
from keycrm_pipeline.page.wording import PAYMENT_KINDS
from keycrm_pipeline.profile import LEAST_VERSIONS_DAYS, MOST_REQUESTS_PER_MINUTE, Setting

Kind = Literal["text", "number", "day", "time", "tick", "choice", "lines"]


class Limits(NamedTuple):
    """The whole numbers that a setting can have."""

    least: int
    most: int


def refused(refusal: str | Limits) -> str:
    """What is said beside a wrong value, in the current language."""
    if isinstance(refusal, Limits):
        return _("Enter a whole number from {least} to {most}.", least=refusal.least, most=refusal.most)
    return _(refusal)


_NOT_POSSIBLE = message("This value is not possible here.")
_NO_SUCH_NAME = message("This name is not possible.")


@dataclass(frozen=True)
class SettingField:
    """One setting in a form.

    Attributes:
        setting: Where it stands in the file.
        kind: What kind of value it has.
        label: Its name.
        refusal: What is said beside it when its value is wrong, or which whole numbers are right.
        hint: What it does.
        choices: Value -> its name, for a choice.
    """

    setting: Setting
    kind: Kind
    label: str
    refusal: str | Limits = _NOT_POSSIBLE
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
    refusal: str = _NO_SUCH_NAME
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
    refusal: str = _NOT_POSSIBLE


@dataclass(frozen=True)
class MethodChoice:
    """What is chosen from a list for a payment method.

    Attributes:
        label: Its name.
        values: Value -> its name; that of an empty value says what holds without a choice. Without any, a number is
            typed.
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


@dataclass(frozen=True)
class MappedUsers:
    """A section that maps the users of the accounting system, by their names, to something else.

    Attributes:
        setting: Where it stands in the file: below it an entry for each name.
        label: What is entered beside each name.
        hint: What happens with an entry that is left empty.
        refusal: What is said about a wrong entry.
    """

    setting: Setting
    label: str
    hint: str
    refusal: str = _NO_SUCH_NAME


@dataclass(frozen=True)
class Organisations:
    """The legal entities of a shop, and to which of them each account, payment method and source belongs.

    Attributes:
        setting: Where it stands in the file: below it an entry for each name, of several settings.
        hint: What they are for.
    """

    setting: Setting
    hint: str


SettingPart = SettingField | Mapped | PaymentMethods | Chosen | MappedUsers | Organisations


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


_NAME = message("Enter a name.")

_DOCUMENT = SettingGroup(
    message("Document"),
    (
        SettingField(
            ("author",),
            "text",
            message("Author"),
            _NAME,
            message(
                "Who is named as the author of each document; also responsible if the manager is not mapped."
            ),
        ),
        SettingField(
            ("default_partner",),
            "text",
            message("Partner"),
            _NAME,
            message("For orders without a buyer. Without it such orders are rejected."),
        ),
        SettingField(
            ("delivery_service",),
            "text",
            message("Delivery service"),
            _NAME,
            message("The card of the service to which delivery at the buyer's cost is booked."),
        ),
        SettingField(
            ("source_number_in_comment",),
            "tick",
            message("Write the number at the source into the comment"),
        ),
        SettingField(
            ("show_cost",),
            "tick",
            message("Show cost and margin in exports, the report and on these pages"),
        ),
        SettingField(
            ("start_date",),
            "day",
            message("Period: first day"),
            message("Enter a day from 01.01.2000 on, such as 01.01.2024."),
            message("Earlier orders are not loaded."),
        ),
        SettingField(
            ("currency",),
            "text",
            message("Currency"),
            message("Enter three Latin capital letters, such as UAH."),
            message("If neither the source nor the payment names one."),
        ),
    ),
)

_MONEY = SettingGroup(
    message("Payments"),
    (
        SettingField(
            ("account",),
            "text",
            message("Bank account/Cash desk"),
            _NAME,
            message("Unless a payment decides otherwise."),
        ),
        PaymentMethods(
            ("payment_methods",),
            ("accounts",),
            message("Bank account/Cash desk"),
            {
                "kind": MethodChoice(
                    message("Kind of payment"), {"": message("kind not named"), **PAYMENT_KINDS}
                ),
                "receipt": MethodChoice(
                    message("Receipt issued by"),
                    {
                        "": message("no receipt"),
                        "own": message("receipt issued by the shop"),
                        "by_carrier": message("receipt issued by the carrier"),
                    },
                ),
                "date": MethodChoice(
                    message("Day of the payment"),
                    {
                        "": message("day of the payment in KeyCRM"),
                        "transaction": message("day of the money in the reconciliation"),
                    },
                ),
                "fee_percent": MethodChoice(message("Expected fee, %"), {}),
                "organisation": MethodChoice(
                    message("Organisation"), {"": message("organisation not named")}
                ),
            },
            message(
                "A method without an account has the account or cash desk above. The kind “cash on delivery” marks "
                "money that is still with the carrier; with the kind “cash” up to 0.25 hryvnias are rounding and no "
                "debt. If the shop issues the receipt, a posted payment without one is listed under “Needs attention”; "
                "if the carrier does, a payment with a receipt of the shop is. The day of the money and a fee other "
                "than the expected one come from the reconciliation."
            ),
        ),
    ),
)

_STATUSES = SettingGroup(
    message("Order statuses"),
    (
        Chosen(
            ("statuses", "load"),
            "statuses",
            message("Load statuses"),
            message("Tick at least one status, or choose all."),
            message("An order that is already in the documents is updated whatever its status."),
        ),
        Mapped(
            ("statuses", "stages"),
            "statuses",
            message("Stage"),
            message("A status left empty has its name as its stage, and is listed under “Needs attention”."),
            fill=message("Fill empty stages with the names of the statuses"),
        ),
        SettingField(
            ("statuses", "require_mapping"),
            "tick",
            message("Load nothing while a status has no stage"),
        ),
    ),
)

_CATEGORIES = SettingGroup(
    message("Services are in the category"),
    (
        Chosen(
            ("service_categories",),
            "categories",
            message("Services are in the category"),
            message("This category is not possible."),
            message("Products of the ticked categories and their subcategories are services."),
        ),
    ),
)

_USERS = SettingGroup(
    message("Users"),
    (
        Mapped(
            ("managers",),
            "managers",
            message("User of the accounting system"),
            message(
                "For a manager left empty the author is responsible, and the manager is listed under “Needs attention”."
            ),
            fill=message("Fill what is empty with the names from KeyCRM"),
        ),
    ),
)

_SELLERS = SettingGroup(
    message("Sellers in Odoo"),
    (
        MappedUsers(
            ("export", "odoo", "users"),
            message("Login in Odoo"),
            message("For files for Odoo. An order of a user without a login has no seller there."),
        ),
    ),
)

_ORGANISATIONS = SettingGroup(
    message("Organisations"),
    (
        Organisations(
            ("organisations",),
            message(
                "For a shop that sells for several legal entities. The first payment of an order decides by its method "
                "or account, then the source, then the account of the order, then the organisation for everything else."
            ),
        ),
    ),
)

_WEEKDAYS: Mapping[str, str] = {
    "monday": message("Monday"),
    "tuesday": message("Tuesday"),
    "wednesday": message("Wednesday"),
    "thursday": message("Thursday"),
    "friday": message("Friday"),
    "saturday": message("Saturday"),
    "sunday": message("Sunday"),
}

_DAILY = SettingGroup(
    message("Every day"),
    (
        SettingField(
            ("schedule", "enabled"),
            "tick",
            message("Load automatically"),
            hint=message("Without a tick nothing is loaded until somebody presses a button."),
        ),
        SettingField(
            ("schedule", "daily_at"),
            "time",
            message("Daily at"),
            message("Enter a time from 05:00 to 20:59."),
            message("Local time: from 05:00 to 20:59, since clocks are changed earlier in the night."),
        ),
        SettingField(
            ("schedule", "most_days_to_complete"),
            "number",
            message("Most missed days to complete"),
            Limits(0, 366),
        ),
        SettingField(
            ("recent", "days"),
            "number",
            message("Last days to check every night"),
            Limits(1, 366),
        ),
    ),
)

_CHANGES = SettingGroup(
    message("Changes during the day"),
    (
        SettingField(("changes", "enabled"), "tick", message("Load changed orders")),
        SettingField(
            ("changes", "every_minutes"), "number", message("Every so many minutes"), Limits(1, 1440)
        ),
        SettingField(
            ("changes", "overlap_minutes"),
            "number",
            message("Minutes before the last change to begin at"),
            Limits(0, 10080),
        ),
    ),
)

_SWEEP = SettingGroup(
    message("Weekly sweep"),
    (
        SettingField(("sweep", "enabled"), "tick", message("Look for orders that KeyCRM no longer has")),
        SettingField(
            ("sweep", "weekday"),
            "choice",
            message("On which day"),
            message("Choose a day of the week."),
            choices=_WEEKDAYS,
        ),
        SettingField(
            ("sweep", "most_missing"),
            "number",
            message("Most missing orders at a time"),
            Limits(0, 10000),
            message("If more orders are missing, none is marked, and the sweep reports an error."),
        ),
        SettingField(
            ("sweep", "most_unseen"),
            "number",
            message("Most orders not yet received at a time"),
            Limits(0, 10000),
            message("If there are more, the sweep names the days to load."),
        ),
    ),
)

_CARDS = SettingGroup(
    message("Cards"),
    (
        SettingField(
            ("partner_match",),
            "choice",
            message("How a partner is found"),
            message("Choose one of the two ways."),
            choices={
                "phone": message("by phone or e-mail"),
                "phone_and_name": message("by phone or e-mail, and name"),
            },
        ),
        SettingField(
            ("placeholder_skus",),
            "lines",
            message("What counts as no SKU"),
            message("Enter one per line."),
            message("One per line. Your own list replaces the default one; empty: the default one."),
        ),
    ),
)

_CONNECTION = SettingGroup(
    message("KeyCRM account"),
    (
        SettingField(
            ("keycrm_url",),
            "text",
            message("Address of KeyCRM's pages"),
            message("Enter an address that begins with https://, without a name and a password."),
            message("For example https://myshop.keycrm.app: then the numbers of orders become links."),
        ),
        SettingField(
            ("requests_per_minute",),
            "number",
            message("Requests per minute"),
            Limits(1, MOST_REQUESTS_PER_MINUTE),
            message("As many as your API key may make."),
        ),
        SettingField(
            ("largest_answer_megabytes",),
            "number",
            message("Largest answer of KeyCRM, MB"),
            Limits(1, 1024),
            message("Unpacked; a larger one is not read to its end."),
        ),
        SettingField(
            ("timezone",),
            "text",
            message("Time zone"),
            message("Enter the IANA name of the zone, such as Europe/Kyiv."),
            message("Decides to which day an order belongs."),
        ),
        SettingField(
            ("created_margin_days",),
            "number",
            message("Spare days around a period"),
            Limits(0, 31),
            message("KeyCRM may select orders by the time they were entered, later than their date."),
        ),
        SettingField(
            ("keep_versions_days",),
            "number",
            message("Days to keep earlier versions of an order"),
            Limits(LEAST_VERSIONS_DAYS, 36_500),
            message("Empty: for good. What changed in the order stays in the books."),
        ),
    ),
)

_FILES = SettingGroup(
    message("Words and files"),
    (
        SettingField(
            ("language",),
            "choice",
            message("Language"),
            message("Choose one of the two languages."),
            message("Language of this page, the report, commands and descriptions in Dagster."),
            choices={"": message("by the time zone"), "uk": message("Ukrainian"), "en": message("English")},
        ),
        SettingField(
            ("words",),
            "choice",
            message("Words of page, report and files"),
            message("Choose one of the two sets."),
            choices={"bas": message("as in BAS and 1C"), "quincefin": message("as in Quincefin")},
        ),
        SettingField(
            ("export", "commerceml", "vat"),
            "number",
            message("VAT rate within prices, %"),
            Limits(0, 100),
            message("For CommerceML files. Empty: the file has no taxes."),
        ),
        SettingField(
            ("export", "commerceml", "tell_namesakes_apart"),
            "tick",
            message("Add the phone to names that occur more than once"),
            hint=message("For CommerceML files."),
        ),
        SettingField(
            ("export", "commerceml", "namespace"),
            "tick",
            message("Write the namespace (xmlns)"),
            hint=message("For CommerceML files; 1C and BAS expect it."),
        ),
        SettingField(
            ("export", "odoo", "currency"),
            "text",
            message("Currency of the company in Odoo"),
            message("Enter three Latin capital letters, such as UAH."),
            message("Empty: that of the profile."),
        ),
        SettingField(
            ("export", "odoo", "notes"),
            "choice",
            message("Comment, delivery and payment in Odoo"),
            message("Choose one of the three."),
            choices={
                "internal": message("in a note for colleagues"),
                "printed": message("in the terms that the buyer sees"),
                "none": message("nowhere"),
            },
        ),
    ),
)

_HAND_OVER = SettingGroup(
    message("Hand-over to the accountant"),
    (
        SettingField(
            ("hand_over", "stages"),
            "lines",
            message("Stages whose orders are exported"),
            message("Enter the stages one per line."),
            message("One per line. Empty: all stages."),
        ),
        SettingField(
            ("hand_over", "paid"),
            "tick",
            message("Export only orders that are fully paid"),
        ),
        SettingField(
            ("hand_over", "receipt"),
            "tick",
            message("Export only orders whose paid payments have the receipts that the shop issues"),
        ),
        SettingField(
            ("closed_until",),
            "day",
            message("The period is closed until"),
            message("Enter a day from 1 January 2000 on, such as 31 October 2026."),
            message(
                "Inclusive. What changes in these days later is listed in “Changes in the closed period”."
            ),
        ),
    ),
)

_RECONCILIATION = SettingGroup(
    message("Reconciliation"),
    (
        SettingField(
            ("reconciliation", "external_transactions"),
            "tick",
            message("Fetch the bank transactions of KeyCRM's payment gateways"),
            hint=message("Fifty transactions cost one of the requests to KeyCRM."),
        ),
        SettingField(
            ("reconciliation", "since"),
            "day",
            message("First day whose payments need money"),
            message("Enter a day from 1 January 2000 on, such as 31 October 2026."),
            message("Empty: the first day of the money of each account."),
        ),
        SettingField(
            ("reconciliation", "days"),
            "number",
            message("Most days between a payment and its money"),
            Limits(0, 60),
        ),
    ),
)

_HISTORY = SettingGroup(
    message("History of runs in Dagster"),
    (
        SettingField(
            ("history", "unchanged_days"),
            "number",
            message("Days to keep runs without changes"),
            Limits(1, 3650),
        ),
        SettingField(
            ("history", "failed_days"), "number", message("Days to keep failed runs"), Limits(1, 3650)
        ),
        SettingField(("history", "days"), "number", message("Days to keep all others"), Limits(1, 3650)),
        SettingField(
            ("history", "most_runs"),
            "number",
            message("Most runs to keep"),
            Limits(50, 1_000_000),
        ),
    ),
)

SETTING_PAGES: Mapping[str, SettingPage] = {
    "orders": SettingPage(message("Orders"), (_DOCUMENT, _MONEY, _STATUSES, _CATEGORIES), shows_account=True),
    "users": SettingPage(message("Users"), (_USERS, _SELLERS), shows_account=True),
    "organisations": SettingPage(message("Organisations"), (_ORGANISATIONS,), shows_account=True),
    "schedule": SettingPage(message("Schedule"), (_DAILY, _CHANGES, _SWEEP)),
    "other": SettingPage(
        message("Other"), (_CARDS, _CONNECTION, _HAND_OVER, _RECONCILIATION, _FILES, _HISTORY)
    ),
}
"""Name of a page in its address -> the page, in order."""


@dataclass(frozen=True)
class FileSetting:
    """A setting that is changed in the profile's file alone.

    Attributes:
        title: What it is.
        text: What it does.
        example: How it is written in the file.
    """

    title: str
    text: str
    example: str


FILE_PAGE = message("Only in the file")
"""Title of the page that describes `ONLY_IN_THE_FILE`."""

ONLY_IN_THE_FILE: Mapping[str, FileSetting] = {
    "reconciliation.gateways": FileSetting(
        message("Accounts of payment gateways"),
        message(
            "Number of a payment gateway in KeyCRM and the bank account or cash desk whose payments its money is "
            "compared with. Money of a gateway that is not listed is compared with payments of every account but "
            "cash."
        ),
        "reconciliation:\n  gateways: {1: IBAN}",
    ),
    "reconciliation.registers": FileSetting(
        message("Registers of carriers and banks"),
        message(
            "For each register its account, and the headers of its columns; of the columns, date and sum are "
            "required. The files, Excel workbooks or CSV, lie in the folder registers of the profile, and their "
            "names begin with that of the register. With sums: net its sums are after the fee."
        ),
        message(
            "reconciliation:\n  registers:\n    novapay:\n      account: IBAN\n      columns: {date: Date, sum: Sum, "
            "fee: Fee, waybill: Waybill}"
        ),
    ),
    "reconciliation.tolerance": FileSetting(
        message("Difference up to which sums agree"),
        message("In the currency of the payment; without it sums agree to the last kopiyka."),
        'reconciliation:\n  tolerance: "0.50"',
    ),
    "custom_fields": FileSetting(
        message("Custom fields of KeyCRM as columns"),
        message(
            "Id of a field in KeyCRM and the name of its column in exported tables, in lower-case Latin letters."
        ),
        "custom_fields: {OR_1012: packaging, CT_1014: uktzed}",
    ),
    "export.columns": FileSetting(
        message("Columns and headers of tables"),
        message(
            "Which columns a table of the Excel workbook, CSV or Parquet has, in which order and under which "
            "headers. A table that is not named has its usual columns; {} leaves it out. A misspelt name stops the "
            "export before it writes anything, and the error lists the right ones."
        ),
        message(
            "export:\n  columns:\n    partners: {partner_id: Code, name: Name, phone: Phone}\n    order_payments: {}"
        ),
    ),
    "export.commerceml.currencies": FileSetting(
        message("Names of currencies in the accounting system"),
        message(
            "Code of a currency and its name there, of three characters. The currency of the profile needs none unless "
            "its name differs. Orders in other currencies without a name are not exported."
        ),
        "export:\n  commerceml:\n    currencies: {EUR: EUR}",
    ),
    "export.commerceml.requisites": FileSetting(
        message("Attributes of an order in CommerceML"),
        message(
            "Values for Организация, Склад, Подразделение, Вид цен and Договор контрагента: one for all orders, or by "
            "payment method, account or source. The names are words of the format and stay in Russian."
        ),
        message(
            "export:\n  commerceml:\n    requisites:\n      Склад: Main warehouse\n      Договор контрагента:\n"
            "        source: {4: Marketplace contract}\n        default: Main contract"
        ),
    ),
    "alert.command": FileSetting(
        message("Command that reports failed exchanges"),
        message("It is run once when exchanges start to fail, and receives the text on its standard input."),
        "alert:\n  command: mail -s KeyCRM accountant@shop.example",
    ),
    "alert.webhook": FileSetting(
        message("Address that receives reports of failed exchanges"),
        message("It receives a JSON object with the profile and the text when exchanges start to fail."),
        "alert:\n  webhook: https://shop.example/hooks/keycrm",
    ),
    "base_url": FileSetting(
        message("Address of the API"),
        message(
            "Where the key is sent. Without it that of KeyCRM; the value sandbox is the demo shop, which needs no key."
        ),
        "base_url: https://openapi.keycrm.app/v1",
    ),
    "database": FileSetting(
        message("Database file"),
        message(
            "Where the documents are stored, if not under the name of the profile in the directory of data. Move the "
            "file yourself before you change this, while no exchange runs. The command keycrm-pipeline move takes the "
            "books to a lake of several machines and back."
        ),
        "database: /srv/books/shop.duckdb",
    ),
    "owners": FileSetting(
        message("Owners in Dagster"),
        message("Who is shown there as the owner of the shop's data: team:name, or an e-mail address."),
        "owners: [team:accounting]",
    ),
    "publish": FileSetting(
        message("Copy of the database for readers"),
        message(
            "Each exchange that changed something then replaces a copy of the database beside it, which a dashboard "
            "may keep open. It takes as much room on the disk again."
        ),
        "publish: true",
    ),
}
"""Setting that is changed in the file alone -> what a page says about it.

Where the key is sent, which files are written and which commands run is decided by whoever has the machine, not by
everybody who can open the page.
"""

OF_OTHER_PAGES: Mapping[str, str] = {
    "organisations": message(
        "The organisations refer to an account or cash desk that would be gone. Change them first: “Settings”, "
        "“Organisations”."
    ),
    "reconciliation": message(
        "The reconciliation (reconciliation) refers to an account or cash desk that would be gone, or compares no "
        "money at all, while a payment method needs its day or its fee. Change it in the profile's file first."
    ),
    "database": message("Another profile writes to the same database file."),
}
"""Setting -> what is said when a change elsewhere makes it wrong."""

NOT_EDITABLE = message(
    "In the profile's file this line is tied to others (a YAML anchor), so change it there with a text editor."
)
