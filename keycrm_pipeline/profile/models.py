"""The settings of a profile file as pydantic models, with the checks of single settings.

What is not here: reading the file (`loading`), and the words for a mistake that pydantic finds (`problems`).
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from datetime import date
from typing import Annotated, Final, Literal
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

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
"""A profile's name becomes part of asset keys, job names, file names and an environment variable."""

SANDBOX = "sandbox"
"""The `base_url` of the built-in demo shop."""

DEFAULT_BASE_URL = "https://openapi.keycrm.app/v1"
DEFAULT_REQUESTS_PER_MINUTE = 20
"""KeyCRM's own documentation of autumn 2026 names 20; older copies name 60."""

MOST_REQUESTS_PER_MINUTE = 600
"""Ten times what KeyCRM ever allowed: more is a slip of the finger."""

SANDBOX_REQUESTS_PER_MINUTE = 6000
"""The demo shop answers from this process and limits nothing."""

EARLIEST_START = date(2000, 1, 1)
"""Before any order of KeyCRM; an earlier start_date is a mistyped year and would make days without end."""

_WRONG_ZONES = ("right/", "posix/", "posixrules", "localtime", "Factory")
"""Stand beside the real zones: with leap seconds, or meaning another zone on another machine."""

_DAY_TIME = re.compile(r"(?:0[5-9]|1\d|20):[0-5]\d")
_TEAM_OR_EMAIL = re.compile(r"team:\S.*|[^@\s]+@[^@\s]+\.[^@\s]+")

_IDENTIFIER_KEYS: Final[dict[str, JsonValue]] = {"propertyNames": {"pattern": "^[1-9][0-9]*$"}}
"""JSON has text keys only: how an id that is a key looks to an editor."""

Identifier = Annotated[StrictInt, Field(ge=1)]
Text = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]


def _wrong(what: str, allowed: str) -> PydanticCustomError:
    """An error of our own: what is wrong, and what is allowed."""
    return PydanticCustomError("setting", "{what}", {"what": what, "allowed": allowed})


class _Section(BaseModel):
    """A part of the file: every key must be known, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StatusSettings(_Section):
    """Which orders are loaded, and what their statuses are called in the books."""

    load: Literal["all"] | tuple[Identifier, ...] = Field(
        default="all",
        description="`all`, or the ids of the statuses whose orders are loaded (Завантажувати статуси). An "
        "order that is in the books already is updated whatever its status.",
    )
    stages: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="KeyCRM status id -> stage in the accounting system (Етап).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    require_mapping: StrictBool = Field(
        default=False, description="Refuse to load while a status that KeyCRM lists has no stage."
    )

    @field_validator("load", mode="before")
    @classmethod
    def _is_all_or_ids(cls, value: object) -> object:
        # Checked here, because a choice between text and a list would be told as two mistakes.
        listed = isinstance(value, list | tuple) and all(type(part) is int and part >= 1 for part in value)
        if value != "all" and not (listed and value):
            raise _wrong("it is neither", "`all`, or a list of status ids (whole numbers) such as [1, 12]")
        return tuple(value) if isinstance(value, list) else value


class ChangesSettings(_Section):
    """The pass that picks up changed orders."""

    enabled: StrictBool = Field(default=True, description="Whether it runs by itself.")
    every_minutes: StrictInt = Field(default=15, ge=1, le=1440, description="How often, in minutes.")
    overlap_minutes: StrictInt = Field(
        default=60,
        ge=0,
        le=10080,
        description="How far it looks back behind the newest change that is stored, in minutes.",
    )


class RecentSettings(_Section):
    """The nightly comparison of recent days."""

    days: StrictInt = Field(
        default=14, ge=1, le=366, description="How many days are compared again every night."
    )


class SweepSettings(_Section):
    """The weekly search for orders that KeyCRM no longer has."""

    enabled: StrictBool = Field(default=True, description="Whether it runs by itself.")
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        default="sunday", description="On which day of the week."
    )
    most_missing: StrictInt = Field(
        default=20,
        ge=0,
        le=10000,
        description="When more orders than this are absent at once, nothing is marked and a person is told.",
    )


class ScheduleSettings(_Section):
    """What runs by itself."""

    enabled: StrictBool = Field(default=True, description="Whether the schedules are on.")
    daily_at: Text = Field(
        default="05:30",
        pattern=f"^{_DAY_TIME.pattern}$",
        description="Local time of the daily load, in quotes, 05:00 to 20:59: the clock changes earlier in "
        "the night, and the nightly and weekly passes follow within three hours, on the same day.",
    )
    most_days_to_complete: StrictInt = Field(
        default=31, ge=0, le=366, description="How many missing or failed days one daily load completes."
    )

    @field_validator("daily_at", mode="before")
    @classmethod
    def _is_late_enough(cls, value: object) -> object:
        # YAML reads 12:30 without quotes as a number of base 60: 750.
        if not (isinstance(value, str) and _DAY_TIME.fullmatch(value)):
            raise _wrong("it is no such time", 'a time from "05:00" to "20:59", in quotes')
        return value


class AlertSettings(_Section):
    """Who is told when exchanges begin to fail."""

    command: Text | None = Field(
        default=None,
        repr=False,
        description="A command with its arguments; it gets the text on its standard input.",
    )
    webhook: Text | None = Field(
        default=None, repr=False, description="An address that gets a JSON object with `profile` and `text`."
    )

    @field_validator("command")
    @classmethod
    def _is_command(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                shlex.split(value)
        except ValueError:
            raise _wrong(
                "a quote in it is not closed", "a command as in a terminal, such as mail -s Обмін root"
            ) from None
        return value

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)


class ExportSettings(_Section):
    """How documents to hand over look."""

    columns: dict[Text, dict[Text, Text]] = Field(
        default_factory=dict, description="Table -> column -> header, in the order wanted."
    )


class Profile(_Section):
    """One KeyCRM account and how its orders enter the books (Профіль)."""

    name: Text = Field(
        pattern=f"^{NAME_PATTERN.pattern}$", exclude=True, description="The file's name without .yaml."
    )
    base_url: Text = Field(
        default=DEFAULT_BASE_URL, description="Address of KeyCRM's API; `sandbox` is the built-in demo shop."
    )
    start_date: date = Field(
        description="First day that can be loaded, YYYY-MM-DD; the first daily partition."
    )
    timezone: Text = Field(
        default="Europe/Kyiv", description="Time zone that decides to which day an order belongs."
    )
    currency: Text = Field(
        default="UAH",
        pattern=r"^[A-Z]{3}$",
        description="Currency when neither source nor payment names one (Валюта).",
    )
    author: Text = Field(default="Оператор обміну", description="Author of the documents (Користувач).")
    default_partner: Text | None = Field(
        default=None,
        description="Partner of orders without a buyer (Партнер); leave out to reject such orders.",
    )
    partner_match: Literal["phone", "phone_and_name"] = Field(
        default="phone",
        description="`phone`: a known phone or e-mail finds the partner; `phone_and_name`: the name must "
        "agree too.",
    )
    delivery_service: Text = Field(
        default="Послуги доставки",
        description="Service card that paid delivery is booked on (Послуга з доставки).",
    )
    source_number_in_comment: StrictBool = Field(
        default=False,
        description="Put the order's number at its source into the comment (Номер джерела в коментарі).",
    )
    account: Text = Field(
        default="Каса", description="Bank account or cash desk when no payment decides (Банк. рахунок/Каса)."
    )
    accounts: dict[Identifier, Text] = Field(
        default_factory=dict,
        description="KeyCRM payment method id -> bank account or cash desk (Банк. рахунок/Каса).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    service_categories: tuple[Identifier, ...] = Field(
        default=(),
        description="Ids of the categories whose products, and those of categories below them, are services "
        "(Послуга).",
    )
    managers: dict[Identifier, Text] = Field(
        default_factory=dict,
        repr=False,
        description="KeyCRM user id -> responsible user of the accounting system (Відповідальний).",
        json_schema_extra=_IDENTIFIER_KEYS,
    )
    statuses: StatusSettings = Field(
        default_factory=StatusSettings, description="Which statuses are loaded, and their stages (Етапи)."
    )
    requests_per_minute: StrictInt = Field(
        default=DEFAULT_REQUESTS_PER_MINUTE,
        ge=1,
        description=f"Requests that this key may make in a minute: 1 to {MOST_REQUESTS_PER_MINUTE}; "
        f"the demo shop's default is {SANDBOX_REQUESTS_PER_MINUTE}, and it may be asked faster.",
    )
    database: Text | None = Field(
        default=None,
        description="The DuckDB file, relative to the data directory; default: <profile>.duckdb in it.",
    )
    changes: ChangesSettings = Field(
        default_factory=ChangesSettings, description="The pass that picks up orders changed after their day."
    )
    recent: RecentSettings = Field(
        default_factory=RecentSettings,
        description="The nightly comparison of recent days and of open orders.",
    )
    sweep: SweepSettings = Field(
        default_factory=SweepSettings, description="The weekly search for orders that KeyCRM no longer has."
    )
    schedule: ScheduleSettings = Field(
        default_factory=ScheduleSettings, description="What runs by itself, and when."
    )
    alert: AlertSettings = Field(
        default_factory=AlertSettings, description="Who is told when exchanges begin to fail."
    )
    export: ExportSettings = Field(
        default_factory=ExportSettings, description="How documents to hand over look."
    )
    keycrm_url: Text | None = Field(
        default=None,
        description="Address of the shop's KeyCRM pages, for links to orders in the report; a whole address "
        "with `{order_id}` in it is used as it is.",
    )
    owners: tuple[Text, ...] = Field(
        default=("team:accounting",),
        description="Who owns the assets on the Dagster page: `team:name` or an e-mail.",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The profile's time zone."""
        return ZoneInfo(self.timezone)

    @model_validator(mode="before")
    @classmethod
    def _sandbox_is_not_slowed(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("base_url") == SANDBOX:
            return {"requests_per_minute": SANDBOX_REQUESTS_PER_MINUTE, **value}
        return value

    @field_validator("base_url")
    @classmethod
    def _is_api_address(cls, value: str) -> str:
        if value == SANDBOX:
            return value
        address = urlsplit(_web_address(value))
        if address.scheme == "http" and not _is_this_machine(address.hostname or ""):
            raise _wrong(
                "http:// would send the API key readable over the network",
                "`sandbox`, or an address that begins with https:// (http:// only on this machine)",
            )
        return value.rstrip("/")

    @field_validator("start_date", mode="before")
    @classmethod
    def _is_day(cls, value: object) -> object:
        allowed = "a day such as 2024-01-01"
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                raise _wrong("there is no such day", allowed) from None
        # A datetime is a date too: a time of the day would vanish without a word.
        if type(value) is not date:
            raise _wrong("it is no day", allowed)
        if value < EARLIEST_START:
            raise _wrong(f"{value} is too early", f"a day from {EARLIEST_START} on")
        return value

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
            raise _wrong("there is no such time zone", "a zone name of the IANA list, such as Europe/Kyiv")
        return value

    @field_validator("requests_per_minute")
    @classmethod
    def _is_within_reason(cls, value: int, info: ValidationInfo) -> int:
        if value > MOST_REQUESTS_PER_MINUTE and info.data.get("base_url", SANDBOX) != SANDBOX:
            raise _wrong(f"{value} is too many", f"1 to {MOST_REQUESTS_PER_MINUTE}")
        return value

    @field_validator("database")
    @classmethod
    def _is_file(cls, value: str | None) -> str | None:
        # Else DuckDB's special addresses would become files of odd names in the data directory.
        if value is not None and (":memory:" in value or "://" in value or value.startswith("md:")):
            raise _wrong("it is no file", "the path of a file, such as shop.duckdb")
        return value

    @field_validator("keycrm_url")
    @classmethod
    def _is_page(cls, value: str | None) -> str | None:
        return None if value is None else _web_address(value)

    @field_validator("owners")
    @classmethod
    def _are_owners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_TEAM_OR_EMAIL.fullmatch(owner) for owner in value):
            raise _wrong("one of them is no owner", "`team:` and a name, or an e-mail address")
        return value


def _web_address(value: str) -> str:
    """The address itself, when it is one and holds no password."""
    allowed = "an address that begins with https:// or http://"
    try:
        address = urlsplit(value)
        host = address.hostname
        _ = address.port
    except ValueError:
        raise _wrong("it is no address", allowed) from None
    if address.scheme not in {"http", "https"} or not host or re.search(r"\s", value):
        raise _wrong("it is no address", allowed)
    if address.username is not None or address.password is not None:
        raise _wrong("it holds a user or a password", f"{allowed}, without a user before @")
    return value


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
