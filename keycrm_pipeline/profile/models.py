"""The settings of a profile file as pydantic models, with the validation of each setting.

What is not here: reading the file (`loading`), and the wording of the errors that pydantic finds (`problems`).
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from keycrm_pipeline.custom_fields import OF_BUYERS, column_of, is_taken
from keycrm_pipeline.kinds import BY_TRANSACTION, PaymentDate, PaymentKind, ReceiptIssuer
from keycrm_pipeline.language import Language
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.profiles import Allowed, Wrong
from keycrm_pipeline.words import WordSet

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
"""A profile's name becomes part of asset keys, job names, file names and an environment variable."""

LAKE = "lake"
"""Value of `database` for books that are in no file."""

SANDBOX = "sandbox"
"""The `base_url` of the built-in demo shop."""

DEFAULT_BASE_URL = "https://openapi.keycrm.app/v1"
DEFAULT_REQUESTS_PER_MINUTE = 20
"""KeyCRM's documentation as of autumn 2026 says 20; older copies say 60."""

MOST_REQUESTS_PER_MINUTE = 600
"""Ten times what KeyCRM ever allowed: anything above is a typing error."""

SANDBOX_REQUESTS_PER_MINUTE = 6000
"""The demo shop runs in this process and has no limit."""

DEFAULT_TIMEZONE = "Europe/Kyiv"

_ZONES_OF_UKRAINE = ("Europe/Kyiv", "Europe/Kiev", "Europe/Uzhgorod", "Europe/Zaporozhye")
"""Kyiv's zone under its names; the last two are links to it since 2022."""

EARLIEST_START = date(2000, 1, 1)
"""Earlier than any KeyCRM order; an earlier start_date is a mistyped year and would create centuries of partitions."""

LATEST_START = date(2099, 12, 31)
"""A later one is a typing error, and Dagster takes no partitions that begin in the year 9999."""

PLACEHOLDER_SKUS = (
    *("-", "–", "—", "_", ".", "/", "?", "0", "***"),
    *("б/а", "б/н", "н/д", "без артикула", "без артикулу", "без арт", "без арт.", "без sku"),
    *("немає", "немає артикула", "немає артикулу", "нема", "нет", "нет артикула", "відсутній"),
    *("n/a", "no sku", "none", "null", "nan", "undefined"),
)
"""What people and sites put into a SKU field that must not be empty (R4.1)."""

_WRONG_ZONES = ("right/", "posix/", "posixrules", "localtime", "Factory")
"""Listed next to the real zones, but count leap seconds or differ from machine to machine."""

_DAY_TIME = re.compile(r"(?:0[5-9]|1\d|20):[0-5]\d")
_TEAM_OR_EMAIL = re.compile(r"team:\S.*|[A-Za-z0-9_][A-Za-z0-9._%+-]*@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
"""What Dagster takes as an owner; it would refuse all definitions for one that it does not take."""

_LONGEST_NAME = 200
"""Bytes of a file's name; the lock and the copy next to it have longer ones, and systems end at 255."""
_LONGEST_PATH = 2000

_IDENTIFIER_KEYS: Final[dict[str, JsonValue]] = {"propertyNames": {"pattern": "^[1-9][0-9]*$"}}
"""JSON keys are always text: what an id used as a key looks like to an editor."""

LEAST_VERSIONS_DAYS = 90
"""Every change must have reached the books before its versions are given up, also after a long outage."""

Identifier = Annotated[StrictInt, Field(ge=1)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


def language_of_zone(timezone: str) -> Language:
    """The language of a profile that names none: Ukrainian in Kyiv's time zone, otherwise English."""
    return "uk" if timezone in _ZONES_OF_UKRAINE else "en"


def _wrong(what: Message, allowed: Message) -> PydanticCustomError:
    """A validation error of this project: what is wrong, and what is allowed."""
    return PydanticCustomError("setting", "{what}", {"what": what, "allowed": allowed})


class _Section(BaseModel):
    """A section of the file: unknown keys are rejected, and values are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StatusSettings(_Section):
    """Which orders are loaded, and the names of their statuses in the books."""

    load: Literal["all"] | tuple[Identifier, ...] = Field(
        default="all",
        description="`all`, or the ids of the statuses whose orders are loaded (Налаштування фільтру за "
        "статусами). An "
        "order that is already in the books is updated whatever its status.",
    )
    stages: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="KeyCRM status id -> stage in the accounting system (Стадія).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    require_mapping: StrictBool = Field(
        default=False, description="Refuse to load while any status in KeyCRM has no stage."
    )

    @field_validator("load", mode="before")
    @classmethod
    def _is_all_or_ids(cls, value: object) -> object:
        # Checked here because pydantic reports a union of text and list as two errors.
        listed = isinstance(value, list | tuple) and all(type(part) is int and part >= 1 for part in value)
        if value != "all" and not (listed and value):
            raise _wrong(Wrong.NOT_A_CHOICE.message(), Allowed.ALL_OR_STATUS_IDS.message())
        return tuple(value) if isinstance(value, list) else value


class ChangesSettings(_Section):
    """The sync of changed orders."""

    enabled: StrictBool = Field(default=True, description="Whether it runs automatically.")
    every_minutes: StrictInt = Field(default=15, ge=1, le=1440, description="Interval in minutes.")
    overlap_minutes: StrictInt = Field(
        default=60,
        ge=0,
        le=10080,
        description="How far before the newest stored change it looks, in minutes.",
    )


class RecentSettings(_Section):
    """The nightly sync of recent days."""

    days: StrictInt = Field(
        default=14, ge=1, le=366, description="How many recent days are compared every night."
    )


class SweepSettings(_Section):
    """The weekly search for orders that no longer exist in KeyCRM."""

    enabled: StrictBool = Field(default=True, description="Whether it runs automatically.")
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        default="sunday", description="Day of the week on which it runs."
    )
    most_missing: StrictInt = Field(
        default=20,
        ge=0,
        le=10000,
        description="If more orders than this are missing at once, none is marked and an error is reported.",
    )
    most_unseen: StrictInt = Field(
        default=100,
        ge=0,
        le=10000,
        description="If KeyCRM lists more orders of loaded days than this that no load has returned, none is fetched "
        "one by one, and an error says which days to load.",
    )


class ScheduleSettings(_Section):
    """What runs automatically."""

    enabled: StrictBool = Field(default=True, description="Whether anything runs automatically.")
    daily_at: Text = Field(
        default="05:30",
        pattern=f"^{_DAY_TIME.pattern}$",
        description="Local time of the daily load, in quotes, 05:00 to 20:59: clocks change earlier in the "
        "night, and the nightly and weekly syncs follow within three hours, on the same day.",
    )
    most_days_to_complete: StrictInt = Field(
        default=31, ge=0, le=366, description="How many missing or failed days a daily load catches up on."
    )

    @field_validator("daily_at", mode="before")
    @classmethod
    def _is_late_enough(cls, value: object) -> object:
        # YAML reads 12:30 without quotes as a number of base 60: 750.
        if not (isinstance(value, str) and _DAY_TIME.fullmatch(value)):
            raise _wrong(Wrong.NOT_A_TIME.message(), Allowed.TIME_OF_DAY.message())
        return value


class HistorySettings(_Section):
    """How long Dagster's history keeps the profile's runs; the exchange log keeps every exchange."""

    unchanged_days: StrictInt = Field(
        default=2, ge=1, le=3650, description="Days that runs of syncs that changed nothing are kept."
    )
    failed_days: StrictInt = Field(
        default=90, ge=1, le=3650, description="Days that runs that failed or were stopped are kept."
    )
    days: StrictInt = Field(default=90, ge=1, le=3650, description="Days that all other runs are kept.")
    most_runs: StrictInt = Field(
        default=1000,
        ge=50,
        le=1_000_000,
        description="How many runs are kept at most, the newest; older ones go even if they are younger than that.",
    )


class AlertSettings(_Section):
    """Who is notified when exchanges start to fail."""

    command: Text | None = Field(
        default=None,
        repr=False,
        description="A command with its arguments; it receives the text on standard input.",
    )
    webhook: Text | None = Field(
        default=None, repr=False, description="A URL that receives a JSON object with `profile` and `text`."
    )

    @field_validator("command")
    @classmethod
    def _is_command(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                shlex.split(value)
        except ValueError:
            raise _wrong(Wrong.UNCLOSED_QUOTE.message(), Allowed.COMMAND.message()) from None
        return value

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)


class PaymentMethodSettings(_Section):
    """What is booked of the payments by one method."""

    account: Text | None = Field(
        default=None, description="Bank account or cash desk (Банк. рахунок/Каса), if `accounts` has none."
    )
    organisation: Text | None = Field(
        default=None,
        description="Legal entity that receives the money (Організація), one of `organisations`.",
    )
    kind: PaymentKind | None = Field(
        default=None,
        description="`cash`, `card`, `transfer`, `cash_on_delivery` or `marketplace` (Вид оплати).",
    )
    receipt: ReceiptIssuer = Field(
        default="none",
        description="Who issues the receipt (Чек видає): `own` the shop, `by_carrier` the carrier, `none` nobody or "
        "not in KeyCRM. What differs from it goes to the review list.",
    )
    date: PaymentDate = Field(
        default="payment",
        description="Which day a payment is exported and reported by (Дата оплати): `payment` that of KeyCRM, "
        "`transaction` that of the money, once the reconciliation has found it.",
    )
    fee_percent: Decimal | None = Field(
        default=None,
        ge=0,
        le=100,
        max_digits=6,
        decimal_places=3,
        description="Fee in percent that is expected of its money (Комісія); another one is told in the "
        "reconciliation, and nothing is booked of it.",
    )


class OrganisationSettings(_Section):
    """One legal entity of the shop: the orders and payments that belong to its books."""

    accounts: tuple[Text, ...] = Field(
        default=(),
        description="Its bank accounts and cash desks, as in `account`, `accounts` and `payment_methods`.",
    )
    payment_methods: tuple[Identifier, ...] = Field(
        default=(), description="Ids of the payment methods whose money it receives."
    )
    sources: tuple[Identifier, ...] = Field(default=(), description="Ids of the sources that sell for it.")
    default: StrictBool = Field(
        default=False, description="Whether it gets what no account, payment method or source determines."
    )
    yearly_limit: Decimal | None = Field(
        default=None,
        gt=0,
        max_digits=18,
        decimal_places=2,
        description="A sum in the profile's currency with which the report compares the payments since 1 January.",
    )


class OdooSettings(_Section):
    """What the files for Odoo say."""

    currency: Text | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="Currency of the company in Odoo; the profile's currency unless given.",
    )
    notes: Literal["internal", "printed", "none"] = Field(
        default="internal",
        description="Where comment, delivery and payment of an order go: `internal` to a note for colleagues, "
        "`printed` to the terms that the customer sees, `none` nowhere.",
    )
    users: dict[Text, Text] = Field(
        default_factory=dict,
        repr=False,
        description="Responsible user (Відповідальний) -> login of the salesperson in Odoo.",
    )


class RequisiteSettings(_Section):
    """How the value of one requisite of an order is chosen; a text alone is the value for every order."""

    payment_method: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="Id of the payment method -> value.",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    account: dict[Text, Text] = Field(
        default_factory=dict, description="Bank account or cash desk (Банк. рахунок/Каса) -> value."
    )
    source: dict[Identifier, Text] = Field(
        default_factory=dict, description="Id of the source -> value.", json_schema_extra=_IDENTIFIER_KEYS
    )
    default: Text | None = Field(default=None, description="The value of all other orders.")

    @model_validator(mode="before")
    @classmethod
    def _text_is_for_all(cls, value: object) -> object:
        return {"default": value} if isinstance(value, str) else value


REQUISITES = ("Организация", "Склад", "Подразделение", "Вид цен", "Договор контрагента")
"""Requisites of an order that 1C's exchange with a site reads, in the words of the format."""

_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_CUSTOM_FIELD = re.compile(r"[A-Z]{2,8}_[0-9]{1,18}")
_CUSTOM_COLUMN = re.compile(rf"((orders|products|partners|buyers)\.)?{NAME_PATTERN.pattern}")
_LONGEST_COLUMN = 63


def _also_text(schema: dict[str, Any]) -> None:
    """Lets an editor accept a text in place of a section, as the model does."""
    schema["additionalProperties"] = {
        "anyOf": [{"type": "string", "minLength": 1}, schema["additionalProperties"]]
    }
    schema["propertyNames"] = {"enum": list(REQUISITES)}


class CommerceMLSettings(_Section):
    """What a CommerceML file says beyond the orders themselves."""

    vat: StrictInt | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Rate of the VAT (ПДВ) that all prices include, in percent; leave out to write no taxes.",
    )
    currencies: dict[Text, Text] = Field(
        default_factory=dict,
        description="Currency code -> its name in the accounting system, three characters. Orders in other "
        "currencies than these and the profile's own are not exported.",
    )
    requisites: dict[Text, RequisiteSettings] = Field(
        default_factory=dict,
        description="Requisite of an order -> its value, or the values by payment method, account or source.",
        json_schema_extra=_also_text,
    )
    tell_namesakes_apart: StrictBool = Field(
        default=True,
        description="Add the phone to the name of a partner if other cards have that name too.",
    )
    namespace: StrictBool = Field(
        default=True, description="Write the namespace of the format (xmlns); some readers expect none."
    )

    @field_validator("currencies")
    @classmethod
    def _are_currencies(cls, value: dict[str, str]) -> dict[str, str]:
        # The format allows three characters, and 1C refuses the whole file otherwise.
        if not all(_CURRENCY_CODE.fullmatch(code) and len(name) == 3 for code, name in value.items()):
            raise _wrong(Wrong.NOT_A_CURRENCY.message(), Allowed.CURRENCY_NAMES.message())
        return value

    @field_validator("requisites")
    @classmethod
    def _are_requisites(cls, value: dict[str, RequisiteSettings]) -> dict[str, RequisiteSettings]:
        if not set(value) <= set(REQUISITES):
            raise _wrong(Wrong.NOT_A_REQUISITE.message(), Allowed.REQUISITES.message(requisites=REQUISITES))
        return value


class ExportSettings(_Section):
    """The layout of exported documents."""

    columns: dict[Text, dict[Text, Text]] = Field(
        default_factory=dict, description="Table -> column -> header, in the desired order."
    )
    odoo: OdooSettings = Field(default_factory=OdooSettings, description="What the files for Odoo say.")
    commerceml: CommerceMLSettings = Field(
        default_factory=CommerceMLSettings, description="What CommerceML files say beyond the orders."
    )


class HandOverSettings(_Section):
    """When an order is ready to be handed over to the accountant."""

    stages: tuple[Text, ...] = Field(
        default=(), description="Stages (Стадія) whose orders are ready; leave out for all stages."
    )
    paid: StrictBool = Field(default=False, description="Whether an order must be paid in full.")
    receipt: StrictBool = Field(
        default=False,
        description="Whether each paid payment must have its receipt (Чек), if the shop issues it: `receipt: own` of "
        "its payment method.",
    )


class RegisterColumns(_Section):
    """Which column of a register holds what: the names in its first row."""

    date: Text = Field(description="Day of the money.")
    sum: Text = Field(description="Sum; below zero for money that went out.")
    fee: Text | None = Field(default=None, description="What carrier or bank kept (Комісія).")
    order: Text | None = Field(default=None, description="Number of the order, in KeyCRM or at its source.")
    waybill: Text | None = Field(default=None, description="Waybill number (ТТН).")
    reference: Text | None = Field(
        default=None,
        description="Code of the operation: it makes a row the same one however often it is listed.",
    )
    text: Text | None = Field(
        default=None, description="What it was paid for (Призначення платежу), or who paid."
    )


class RegisterSettings(_Section):
    """One register of a carrier, an acquirer or a bank, whose files lie in the folder `registers`."""

    account: Text = Field(
        description="Bank account or cash desk (Банк. рахунок/Каса) whose payments it is compared with."
    )
    files: Text | None = Field(
        default=None,
        description="Which files are its own, such as `vypyska*`; those whose names begin with its name unless given.",
    )
    currency: Text | None = Field(
        default=None, pattern=r"^[A-Z]{3}$", description="Its currency; the profile's currency unless given."
    )
    sums: Literal["gross", "net"] = Field(
        default="gross", description="Whether its sums are before the fee (`gross`) or after it (`net`)."
    )
    columns: RegisterColumns = Field(description="What its columns are called.")


class ReconciliationSettings(_Section):
    """How payments in KeyCRM are compared with the money that came (Звірка)."""

    external_transactions: StrictBool = Field(
        default=False,
        description="Whether the bank transactions of KeyCRM's payment gateways are fetched; 50 cost a request.",
    )
    gateways: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="KeyCRM's payment gateway id -> bank account or cash desk whose payments it is compared with.",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    registers: dict[Text, RegisterSettings] = Field(
        default_factory=dict, description="Name of a register -> its account and its columns."
    )
    since: date | None = Field(
        default=None,
        description="First day whose payments need money, YYYY-MM-DD; unless given, the first day of the money of "
        "their account.",
    )
    days: StrictInt = Field(
        default=7,
        ge=0,
        le=60,
        description="Most days between a payment and its money: how far apart equal sums may be, and how long money "
        "is awaited.",
    )
    tolerance: Decimal = Field(
        default=Decimal(0),
        ge=0,
        max_digits=18,
        decimal_places=2,
        description="Up to which difference two sums are the same.",
    )

    @field_validator("since", mode="before")
    @classmethod
    def _is_day(cls, value: object) -> object:
        return None if value is None else _possible_day(value)

    @property
    def is_used(self) -> bool:
        """Whether there is any money to compare payments with."""
        return self.external_transactions or bool(self.registers)


class Profile(_Section):
    """One KeyCRM account and how its orders enter the books (Профіль)."""

    name: Text = Field(
        pattern=f"^{NAME_PATTERN.pattern}$", exclude=True, description="The file name without .yaml."
    )
    base_url: Text = Field(
        default=DEFAULT_BASE_URL, description="URL of KeyCRM's API; `sandbox` is the built-in demo shop."
    )
    start_date: date = Field(
        description="First day that can be loaded, YYYY-MM-DD; the first daily partition."
    )
    timezone: Text = Field(
        default=DEFAULT_TIMEZONE, description="Time zone that decides which day an order belongs to."
    )
    language: Language | None = Field(
        default=None,
        description="Language of what is written for people about this profile: `uk` or `en`; Ukrainian in Kyiv's time "
        "zone unless given, otherwise English.",
    )
    currency: Text = Field(
        default="UAH",
        pattern=r"^[A-Z]{3}$",
        description="Currency of orders whose source and payments specify none (Валюта).",
    )
    words: WordSet = Field(
        default="bas",
        description="Whose words the Ukrainian texts and the exported tables use: `bas` (контрагент, номенклатура) or "
        "`quincefin` (партнер, товар).",
    )
    author: Text = Field(default="Оператор обміну", description="Author of the documents (Користувач).")
    default_partner: Text | None = Field(
        default=None,
        description="Partner for orders without a buyer (Контрагент); leave out to reject such orders.",
    )
    partner_match: Literal["phone", "phone_and_name"] = Field(
        default="phone",
        description="`phone`: a known phone or e-mail finds the partner; `phone_and_name`: the name must "
        "match too.",
    )
    placeholder_skus: tuple[Text, ...] = Field(
        default=PLACEHOLDER_SKUS,
        description="What counts as no SKU (Артикул), whatever its case and blanks. A single sign stands for any "
        "number of it, and `***` for any sign repeated three times or more.",
    )
    delivery_service: Text = Field(
        default="Послуги доставки",
        description="Service that paid delivery is booked on (Послуга з доставки).",
    )
    source_number_in_comment: StrictBool = Field(
        default=False,
        description="Add the order number from its source to the comment (Записувати номер джерела в коментар).",
    )
    account: Text = Field(
        default="Каса",
        description="Bank account or cash desk when no payment determines it (Банк. рахунок/Каса).",
    )
    accounts: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="KeyCRM payment method id -> bank account or cash desk (Банк. рахунок/Каса).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    payment_methods: dict[Identifier, PaymentMethodSettings] = Field(
        default_factory=dict,
        description="KeyCRM payment method id -> what is booked of its payments; `accounts` is the short form of their "
        "accounts.",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    organisations: dict[Text, OrganisationSettings] = Field(
        default_factory=dict,
        # Also without a section: a payment method may name an organisation.
        validate_default=True,
        description="Legal entity -> what belongs to it (Організація), for a shop of several.",
    )
    service_categories: tuple[Identifier, ...] = Field(
        default=(),
        description="Ids of the categories whose products, including those in subcategories, are services "
        "(Послуга).",
    )
    managers: dict[Identifier, Text] = Field(
        default_factory=dict,
        repr=False,
        description="KeyCRM user id -> responsible user in the accounting system (Відповідальний).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    statuses: StatusSettings = Field(
        default_factory=StatusSettings, description="Which statuses are loaded, and their stages (Стадії)."
    )
    created_margin_days: StrictInt = Field(
        default=2,
        ge=0,
        le=31,
        description="How many days before and after a period a load requests as well: KeyCRM may select orders by "
        "the time they were entered, which is later than their own date.",
    )
    keep_versions_days: StrictInt | None = Field(
        default=None,
        ge=LEAST_VERSIONS_DAYS,
        le=36_500,
        description="How many days an earlier version of an order is kept after another one replaced it; empty: for "
        "good. What changed in the order stays in the books.",
    )
    requests_per_minute: StrictInt = Field(
        default=DEFAULT_REQUESTS_PER_MINUTE,
        ge=1,
        description=f"Requests per minute allowed for this key: 1 to {MOST_REQUESTS_PER_MINUTE}; "
        f"the demo shop's default is {SANDBOX_REQUESTS_PER_MINUTE}, and it has no maximum.",
    )
    largest_answer_megabytes: StrictInt = Field(
        default=64,
        ge=1,
        le=1024,
        description="Most megabytes of one answer of KeyCRM, unpacked; a larger one is not read.",
    )
    database: Text | None = Field(
        default=None,
        description="The DuckDB file, relative to the data directory; default: <profile>.duckdb. Or the word lake: the "
        "books are in DuckLake then, where KEYCRM_LAKE_CATALOG and KEYCRM_LAKE_DATA say.",
    )
    publish: StrictBool = Field(
        default=False,
        description="Whether a copy of the database for readers, <profile>.published.duckdb, is replaced after each "
        "exchange that changed something.",
    )
    changes: ChangesSettings = Field(
        default_factory=ChangesSettings,
        description="The sync of orders that changed after their day was loaded.",
    )
    recent: RecentSettings = Field(
        default_factory=RecentSettings,
        description="The nightly sync of recent days and open orders.",
    )
    sweep: SweepSettings = Field(
        default_factory=SweepSettings,
        description="The weekly search for orders that no longer exist in KeyCRM.",
    )
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="What runs automatically, and when."
    )
    history: HistorySettings = Field(
        default_factory=HistorySettings,
        description="How long Dagster's history keeps runs; days stay marked as loaded.",
    )
    alert: AlertSettings = Field(
        default_factory=AlertSettings, description="Who is notified when exchanges start to fail."
    )
    hand_over: HandOverSettings = Field(
        default_factory=HandOverSettings, description="Which orders are ready to be exported."
    )
    closed_until: date | None = Field(
        default=None,
        description="Last day of the closed period, YYYY-MM-DD: what changes up to it is listed and handed over as a "
        "correction.",
    )
    reconciliation: ReconciliationSettings = Field(
        default_factory=ReconciliationSettings,
        # Also without a section: a payment method may need the day or the fee of its money.
        validate_default=True,
        description="How payments are compared with the money that came (Звірка).",
    )
    export: ExportSettings = Field(
        default_factory=ExportSettings, description="The layout of exported documents."
    )
    custom_fields: dict[Text, Text] = Field(
        default_factory=dict,
        description="Id of a custom field in KeyCRM, such as OR_1012 -> name of its column in exports; "
        "`partners.edrpou` for a field of the buyer's company, `buyers.discount_card` for one of the buyer.",
        json_schema_extra={
            "propertyNames": {"pattern": f"^{_CUSTOM_FIELD.pattern}$"},
            "additionalProperties": {"type": "string", "pattern": f"^{_CUSTOM_COLUMN.pattern}$"},
        },
    )
    show_cost: StrictBool = Field(
        default=False,
        description="Whether exports, the report and the pages show cost and margin (Собівартість, Маржа).",
    )
    keycrm_url: Text | None = Field(
        default=None,
        description="URL of the shop's KeyCRM pages, for links to orders in the report; a URL that contains "
        "`{order_id}` is used as it is.",
    )
    owners: tuple[Text, ...] = Field(
        default=("team:accounting",),
        description="Owners of the assets on the Dagster page: `team:name` or an e-mail address.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The profile's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def is_in_lake(self) -> bool:
        """Whether the books are in a lake and not in a file."""
        return self.database == LAKE

    @property
    def own_language(self) -> Language:
        """The language of what is written for people about this profile, whoever reads it."""
        return self.language or language_of_zone(self.timezone)

    @property
    def method_accounts(self) -> dict[int, str]:
        """Payment method id -> bank account or cash desk, from `accounts` and `payment_methods`."""
        return self.accounts | _method_accounts(self.payment_methods)

    @property
    def names_fields_of_buyers(self) -> bool:
        """Whether a custom field of buyers is a column: then KeyCRM is asked for them."""
        return any(name.startswith(f"{OF_BUYERS}.") for name in self.custom_fields.values())

    @property
    def expected_fees(self) -> dict[int, Decimal]:
        """Payment method id -> fee in percent that is expected of its money."""
        return {
            method: settings.fee_percent
            for method, settings in self.payment_methods.items()
            if settings.fee_percent is not None
        }

    @model_validator(mode="before")
    @classmethod
    def _sandbox_is_not_throttled(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("base_url") == SANDBOX:
            return {"requests_per_minute": SANDBOX_REQUESTS_PER_MINUTE, **value}
        return value

    @field_validator("payment_methods")
    @classmethod
    def _have_one_account(
        cls, value: dict[int, PaymentMethodSettings], info: ValidationInfo
    ) -> dict[int, PaymentMethodSettings]:
        # Of two accounts only a person knows which one is meant.
        for method in sorted(_method_accounts(value).keys() & info.data.get("accounts", {}).keys()):
            raise _wrong(Wrong.TWO_ACCOUNTS.message(method=method), Allowed.ACCOUNT_IN_ONE_PLACE.message())
        return value

    @field_validator("organisations")
    @classmethod
    def _are_apart(
        cls, value: dict[str, OrganisationSettings], info: ValidationInfo
    ) -> dict[str, OrganisationSettings]:
        for setting, is_twice in (
            ("accounts", Wrong.ACCOUNT_LISTED_TWICE),
            ("payment_methods", Wrong.METHOD_LISTED_TWICE),
            ("sources", Wrong.SOURCE_LISTED_TWICE),
        ):
            listed = [part for organisation in value.values() for part in getattr(organisation, setting)]
            if len(listed) > len(set(listed)):
                raise _wrong(is_twice.message(), Allowed.FOR_ONE_ORGANISATION.message())
        if sum(organisation.default for organisation in value.values()) > 1:
            raise _wrong(Wrong.SEVERAL_DEFAULTS.message(), Allowed.ONE_DEFAULT.message())
        for method, settings in info.data.get("payment_methods", {}).items():
            if settings.organisation is None:
                continue
            if settings.organisation not in value:
                raise _wrong(
                    Wrong.UNKNOWN_ORGANISATION.message(method=method), Allowed.NAMED_ORGANISATIONS.message()
                )
            if any(
                method in organisation.payment_methods
                for name, organisation in value.items()
                if name != settings.organisation
            ):
                raise _wrong(Wrong.METHOD_LISTED_TWICE.message(), Allowed.FOR_ONE_ORGANISATION.message())
        _check_accounts(
            (account for organisation in value.values() for account in organisation.accounts), info
        )
        return value

    @field_validator("reconciliation")
    @classmethod
    def _compares_known_accounts(
        cls, value: ReconciliationSettings, info: ValidationInfo
    ) -> ReconciliationSettings:
        of_gateways = set(value.gateways.values())
        of_registers = {register.account for register in value.registers.values()}
        _check_accounts(of_gateways | of_registers, info)
        # The same money would be there twice.
        if of_gateways & of_registers:
            raise _wrong(Wrong.ACCOUNT_OF_TWO_SOURCES.message(), Allowed.GATEWAY_OR_REGISTER.message())
        # Without any money, its day would never come.
        for method, settings in info.data.get("payment_methods", {}).items():
            if not value.is_used and (settings.date == BY_TRANSACTION or settings.fee_percent is not None):
                setting = "date: transaction" if settings.date == BY_TRANSACTION else "fee_percent"
                raise _wrong(
                    Wrong.NO_MONEY_TO_COMPARE.message(method=method, setting=setting),
                    Allowed.SOURCES_OF_MONEY.message(),
                )
        return value

    @field_validator("export")
    @classmethod
    def _names_known_accounts(cls, value: ExportSettings, info: ValidationInfo) -> ExportSettings:
        requisites = value.commerceml.requisites.values()
        _check_accounts((account for requisite in requisites for account in requisite.account), info)
        return value

    @field_validator("base_url")
    @classmethod
    def _is_api_address(cls, value: str) -> str:
        if value == SANDBOX:
            return value
        address = urlsplit(_web_address(value))
        # What is asked for is appended, so nothing behind these would reach KeyCRM as a part of the path.
        if set(value) & set("?#"):
            raise _wrong(Wrong.ADDRESS_WITH_QUERY.message(), Allowed.ENCRYPTED_ADDRESS.message())
        if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
            raise _wrong(Wrong.UNENCRYPTED.message(), Allowed.ENCRYPTED_ADDRESS.message())
        return value.rstrip("/")

    @field_validator("start_date", "closed_until", mode="before")
    @classmethod
    def _is_day(cls, value: object, info: ValidationInfo) -> object:
        return None if value is None and info.field_name == "closed_until" else _possible_day(value)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            known = False
        else:
            known = not value.startswith(_WRONG_ZONES)
        if not known:
            raise _wrong(Wrong.NO_SUCH_ZONE.message(), Allowed.ZONE.message())
        return value

    @field_validator("requests_per_minute")
    @classmethod
    def _is_within_reason(cls, value: int, info: ValidationInfo) -> int:
        if value > MOST_REQUESTS_PER_MINUTE and info.data.get("base_url", SANDBOX) != SANDBOX:
            raise _wrong(
                Wrong.TOO_MANY.message(value=value), Allowed.UP_TO.message(most=MOST_REQUESTS_PER_MINUTE)
            )
        return value

    @field_validator("database")
    @classmethod
    def _is_file(cls, value: str | None) -> str | None:
        if value is None or value == LAKE:
            return value
        allowed = Allowed.FILE_PATH.message()
        # Otherwise DuckDB's special addresses would become oddly named files in the data directory.
        if ":memory:" in value or "://" in value or value.startswith("md:") or "\0" in value:
            raise _wrong(Wrong.NOT_A_FILE.message(), allowed)
        try:
            path = Path(value).expanduser()
        except RuntimeError:
            raise _wrong(Wrong.NO_HOME.message(), allowed) from None
        if path.name in ("", ".."):
            raise _wrong(Wrong.NAMES_A_DIRECTORY.message(), allowed)
        longest = max(len(part.encode()) for part in path.parts)
        if longest > _LONGEST_NAME or len(value.encode()) > _LONGEST_PATH:
            raise _wrong(Wrong.NAME_TOO_LONG.message(), allowed)
        return value

    @field_validator("publish")
    @classmethod
    def _is_a_copy_of_a_file(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("database") == LAKE:
            raise _wrong(Wrong.LAKE_HAS_NO_COPY.message(), Allowed.READ_THE_LAKE.message())
        return value

    @field_validator("custom_fields")
    @classmethod
    def _are_columns(cls, value: dict[str, str]) -> dict[str, str]:
        for field, name in value.items():
            is_name = _CUSTOM_COLUMN.fullmatch(name) and len(name) <= _LONGEST_COLUMN
            if not (_CUSTOM_FIELD.fullmatch(field) and is_name):
                raise _wrong(Wrong.NOT_A_CUSTOM_FIELD.message(), Allowed.CUSTOM_FIELDS.message())
        columns = {field: column_of(field, name) for field, name in value.items()}
        if len(set(columns.values())) < len(columns):
            raise _wrong(Wrong.TWO_FIELDS_OF_ONE_NAME.message(), Allowed.CUSTOM_FIELDS.message())
        for field, (table, column) in columns.items():
            if is_taken(table, column):
                raise _wrong(
                    Wrong.CUSTOM_FIELD_TAKEN.message(field=field, column=column, table=table),
                    Allowed.ANOTHER_NAME.message(field=field, name=f"crm_{column}"),
                )
        return value

    @field_validator("keycrm_url")
    @classmethod
    def _is_page(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)

    @field_validator("owners")
    @classmethod
    def _are_owners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TEAM_OR_EMAIL.fullmatch(owner) for owner in value):
            raise _wrong(Wrong.NOT_AN_OWNER.message(), Allowed.OWNER.message())
        return value


DOCUMENT_SETTINGS = frozenset(
    {
        "account",
        "accounts",
        "author",
        "default_partner",
        "delivery_service",
        "managers",
        "organisations",
        "payment_methods",
        "placeholder_skus",
        "service_categories",
        "source_number_in_comment",
        "statuses.load",
        "statuses.stages",
        "timezone",
    }
)
"""Settings that documents follow at a `rebuild`; what is booked keeps its currency and partner."""


def _possible_day(value: object) -> date:
    """A day of orders, written as in ISO 8601."""
    allowed = Allowed.DATE.message()
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise _wrong(Wrong.NO_SUCH_DATE.message(), allowed) from None
    # A datetime is also a date: its time would be dropped silently.
    if type(value) is not date:
        raise _wrong(Wrong.NOT_A_DATE.message(), allowed)
    if value < EARLIEST_START:
        raise _wrong(Wrong.TOO_EARLY.message(day=value), Allowed.DATE_FROM.message(day=EARLIEST_START))
    if value > LATEST_START:
        raise _wrong(Wrong.TOO_LATE.message(day=value), Allowed.DATE_UP_TO.message(day=LATEST_START))
    return value


def _check_accounts(named: Iterable[str], info: ValidationInfo) -> None:
    """Raises an error if an account is named that the profile gives to no order."""
    known = {
        info.data.get("account"),
        *info.data.get("accounts", {}).values(),
        *_method_accounts(info.data.get("payment_methods", {})).values(),
    }
    if not set(named) <= known:
        raise _wrong(Wrong.UNKNOWN_ACCOUNT.message(), Allowed.NAMED_ACCOUNTS.message())


def _method_accounts(methods: Mapping[int, PaymentMethodSettings]) -> dict[int, str]:
    return {method: settings.account for method, settings in methods.items() if settings.account is not None}


def _web_address(value: str) -> str:
    """The address unchanged, if it is valid and contains no user or password."""
    try:
        address = urlsplit(value)
        host = address.hostname
        _ = address.port
    except ValueError:
        raise _wrong(Wrong.NOT_AN_ADDRESS.message(), Allowed.ADDRESS.message()) from None
    if address.scheme not in {"http", "https"} or not host or re.search(r"\s", value):
        raise _wrong(Wrong.NOT_AN_ADDRESS.message(), Allowed.ADDRESS.message())
    if address.username is not None or address.password is not None:
        raise _wrong(Wrong.ADDRESS_WITH_PASSWORD.message(), Allowed.ADDRESS_WITHOUT_USER.message())
    return value


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
