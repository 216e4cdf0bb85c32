"""The profile file: one KeyCRM account and how its orders enter the books. Models, loading, JSON Schema.

What is not here: what the settings do to an order (`books`, `exchange`), Dagster, the database. The API key
is never in a file: `api_key` takes it from the environment. A mistake in a file is told with the file, the
key and what is allowed; other profiles go on working.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import shlex
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from keycrm_pipeline.period import Period

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

LAST_DAYS = 30
"""Days of a period that nobody named, today included."""

KEY_VARIABLE = "KEYCRM_API_KEY"
PROFILES_VARIABLE = "KEYCRM_PROFILES_DIR"
DATA_VARIABLE = "KEYCRM_DATA_DIR"

_SECRET_SETTINGS = re.compile(r"(?:.*[_-])?(?:key|apikey|token|secret|password|bearer)", re.IGNORECASE)
_WRONG_ZONES = ("right/", "posix/", "posixrules", "localtime", "Factory")
"""Stand beside the real zones: with leap seconds, or meaning another zone on another machine."""

_DAY_TIME = re.compile(r"(?:0[5-9]|1\d|20):[0-5]\d")
_TEAM_OR_EMAIL = re.compile(r"team:\S.*|[^@\s]+@[^@\s]+\.[^@\s]+")
_SHOWN_FOUND: Final = frozenset(
    {"currency", "daily_at", "load", "name", "partner_match", "timezone", "weekday"}
)
"""Settings whose wrong text an error repeats. Others may hold a person's name, or a secret pasted there."""

_MOST_SHOWN = 60
"""Characters of a wrong value that an error repeats."""

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


@dataclass(frozen=True)
class Problem:
    """One mistake in a profile file.

    Attributes:
        key: Path of the setting, such as `statuses.load`; empty when the whole file is meant.
        what: What is wrong, a sentence without its full stop.
        allowed: What is allowed instead, or what to do; empty when `what` says it all.
    """

    key: str
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        """The mistake in one line."""
        sentence = f"{self.key}: {self.what}" if self.key else self.what
        return f"{sentence}. {self.allowed}." if self.allowed else f"{sentence}."


class ProfileError(Exception):
    """A profile file that cannot be used; the text names the file, each key and what is allowed.

    Attributes:
        file: The file (or the profiles directory, when that is missing).
        problems: Every mistake found in it.
    """

    def __init__(self, file: Path, problems: Sequence[Problem]) -> None:
        self.file = file
        self.problems = list(problems)
        super().__init__(file, self.problems)

    def __str__(self) -> str:
        """All mistakes, one a line."""
        return "\n  - ".join([f"The profile {self.file} cannot be used:", *map(str, self.problems)])


class MissingKeyError(Exception):
    """No usable API key is set for a profile; the text says where to set it."""

    def __init__(self, profile: str, what: str = "No API key is set") -> None:
        super().__init__(
            f"{what} for profile {profile}. Take the key from KeyCRM (Налаштування - Основні - API-ключ) and set "
            f"it in the environment variable {key_variable(profile)}, or in {KEY_VARIABLE} for all profiles."
        )


@dataclass(frozen=True)
class Settings:
    """Where profiles and data are.

    Attributes:
        profiles_directory: Holds `<name>.yaml` for each profile.
        data_directory: Holds `<name>.duckdb` for each profile.
    """

    profiles_directory: Path
    data_directory: Path


def settings_from_environment(environ: Mapping[str, str]) -> Settings:
    """KEYCRM_PROFILES_DIR (default `profiles`) and KEYCRM_DATA_DIR (default `data`), as absolute paths."""
    return Settings(
        profiles_directory=Path(environ.get(PROFILES_VARIABLE) or "profiles").expanduser().absolute(),
        data_directory=Path(environ.get(DATA_VARIABLE) or "data").expanduser().absolute(),
    )


class _ProfileLoader(yaml.SafeLoader):
    """YAML that loses nothing silently: a key that stands twice, or an impossible day, is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None,
                    None,
                    f"the key {_shown(key)} stands twice; the second would win silently",
                    key_node.start_mark,
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_existing_day(self, node: yaml.ScalarNode) -> object:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError:
            raise yaml.constructor.ConstructorError(
                None, None, "there is no such day", node.start_mark
            ) from None


_ProfileLoader.add_constructor("tag:yaml.org,2002:timestamp", _ProfileLoader.construct_existing_day)


def _shown(value: object) -> str:
    """A value as it stands in YAML, shortened."""
    written = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return written if len(written) <= _MOST_SHOWN else f"{written[:_MOST_SHOWN]}…"


def _without_empty(value: object) -> object:
    """Leaves out keys without a value, so that a key whose entries are all comments counts as left out."""
    if isinstance(value, dict):
        return {key: _without_empty(part) for key, part in value.items() if part is not None}
    return value


def _read(path: Path) -> dict[Any, Any]:
    """The keys and values of a file.

    Raises:
        ProfileError: It is missing, unreadable, or no YAML with keys and values.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        known = ", ".join(_names_in(path.parent)) or "none"
        raise ProfileError(
            path,
            [
                Problem(
                    "",
                    f"there is no such file (profiles there: {known})",
                    f"Make one with `keycrm-pipeline init --profile {path.stem}`, or set {PROFILES_VARIABLE}",
                )
            ],
        ) from None
    except UnicodeDecodeError:
        raise ProfileError(path, [Problem("", "it is not in UTF-8", "Save it as UTF-8 text")]) from None
    except OSError as error:
        raise ProfileError(path, [Problem("", f"it cannot be read: {error.strerror}")]) from None
    try:
        value = yaml.load(text, Loader=_ProfileLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}" if mark else "it is no YAML"
        raise ProfileError(
            path, [Problem("", f"{place}: {error.problem}", "Look at profiles/demo.yaml")]
        ) from None
    except (yaml.YAMLError, RecursionError):
        raise ProfileError(
            path, [Problem("", "it is no YAML that can be read", "Look at profiles/demo.yaml")]
        ) from None
    value = _without_empty({} if value is None else value)
    if not isinstance(value, dict):
        raise ProfileError(path, [Problem("", "it holds no keys and values", "Look at profiles/demo.yaml")])
    return value


def _section_at(location: Sequence[int | str]) -> type[BaseModel] | None:
    """The model of the settings at a place of the file."""
    model: type[BaseModel] = Profile
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None or not (
            isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        ):
            return None
        model = field.annotation
    return model


def _settings_at(location: Sequence[int | str]) -> list[str]:
    section = _section_at(location)
    return (
        [] if section is None else [name for name in section.model_fields if (*location, name) != ("name",)]
    )


def _found(setting: str, value: object) -> str:
    """What stands in the file, without a text that may be a secret or a person's name."""
    if isinstance(value, bool | int | float):
        return f"it is {_shown(value)}"
    if isinstance(value, str):
        return f"it is «{_shown(value)}»" if setting in _SHOWN_FOUND else "it is text"
    return "it is a list" if isinstance(value, list | tuple) else "it holds keys and values"


_ALLOWED = {
    "int_type": "A whole number is allowed, without quotes",
    "bool_type": "true or false is allowed, without quotes",
    "string_type": "Text is allowed; put it in quotes when it looks like a number, a day, yes or no",
    "string_too_short": "A text is allowed that is not blank",
    "dict_type": "Lines of `key: value` are allowed, indented below it",
    "tuple_type": "A list is allowed, such as [7, 12]",
    "literal_error": "One of these is allowed: {expected}",
    "greater_than_equal": "The least that is allowed is {ge}",
    "less_than_equal": "The most that is allowed is {le}",
    "string_pattern_mismatch": "Allowed is what matches {pattern}",
}
"""What is allowed, by pydantic's kind of error; `{}` are pydantic's own particulars."""

_ALLOWED_PATTERN = {"currency": "Three capital letters are allowed, such as UAH"}


def _problem(error: ErrorDetails, profile: str) -> Problem:
    """One of pydantic's errors in the words of a shop owner."""
    location = error["loc"]
    kind = error["type"]
    value = error.get("input")
    particulars = error.get("ctx", {})
    key = ".".join(map(str, location))
    setting = str(location[-1]) if location else ""
    if kind == "setting":
        return Problem(key, str(particulars["what"]), f"Allowed: {particulars['allowed']}")
    if kind == "missing":
        return Problem(
            key, "it is missing", "Add a line such as start_date: 2024-01-01" if key == "start_date" else ""
        )
    if setting == "[key]":
        # The id itself is not repeated when it is no number: somebody may have written a person's name there.
        written = f"«{value}»" if isinstance(value, str) and value.isdecimal() else "one of them"
        return Problem(
            ".".join(map(str, location[:-2])),
            f"{written} is no id" if not isinstance(value, int) else f"{_shown(value)} is no id",
            "Ids are whole numbers from 1 on, without quotes; `keycrm-pipeline check` lists them",
        )
    if kind in {"extra_forbidden", "invalid_key"}:
        if _SECRET_SETTINGS.fullmatch(setting):
            return Problem(
                key,
                "a key or password must not stand in a file",
                f"The API key belongs in the environment variable {key_variable(profile)}",
            )
        allowed = _settings_at(location[:-1])
        near = difflib.get_close_matches(setting, allowed, n=1)
        return Problem(
            key,
            "there is no such setting",
            f"Write {near[0]}, if you mean that" if near else f"Allowed: {', '.join(allowed)}",
        )
    if kind in {"model_type", "model_attributes_type"}:
        return Problem(
            key, _found(setting, value), f"Below it are allowed: {', '.join(_settings_at(location))}"
        )
    allowed_here = _ALLOWED_PATTERN.get(setting) if kind == "string_pattern_mismatch" else None
    allowed_here = allowed_here or _ALLOWED.get(kind, error["msg"]).format_map(particulars)
    return Problem(key, "it is blank" if kind == "string_too_short" else _found(setting, value), allowed_here)


def _load_alone(name: str, settings: Settings) -> Profile:
    """Reads one profile without a look at the others."""
    path = settings.profiles_directory / f"{name}.yaml"
    if not NAME_PATTERN.fullmatch(name):
        raise ProfileError(
            path,
            [
                Problem(
                    "",
                    f"«{_shown(name)}» is no name of a profile",
                    "The file's name must begin with a-z, hold only a-z, 0-9 and _, and end in .yaml",
                )
            ],
        )
    content = _read(path)
    if "name" in content:
        raise ProfileError(
            path, [Problem("name", "the file's name is the profile's name", "Take this line out")]
        )
    try:
        return Profile.model_validate({**content, "name": name})
    except ValidationError as error:
        raise ProfileError(
            path, [_problem(detail, name) for detail in error.errors(include_url=False)]
        ) from None


def _shared_file(name: str, others: Sequence[str], settings: Settings) -> ProfileError:
    return ProfileError(
        settings.profiles_directory / f"{name}.yaml",
        [
            Problem(
                "database",
                f"profile {', '.join(others)} has the same file",
                "Each account needs a file of its own, else their orders would be mixed",
            )
        ],
    )


def load_profile(name: str, settings: Settings) -> Profile:
    """Reads one profile.

    A key without a value counts as left out.

    Raises:
        ProfileError: The name or the file has mistakes, or another profile has the same database file.
    """
    profile = _load_alone(name, settings)
    own = _real_path(profile, settings)
    others = [
        other
        for other in _names_in(settings.profiles_directory)
        if other != name and _real_path_of(other, settings) == own
    ]
    if others:
        raise _shared_file(name, others, settings)
    return profile


def _names_in(directory: Path) -> Iterator[str]:
    for path in sorted(directory.glob("*.yaml")):
        # Hidden files are what editors leave behind.
        if not path.name.startswith("."):
            yield path.stem


def profile_names(settings: Settings) -> list[str]:
    """The names of all profiles, good or not, in order."""
    return list(_names_in(settings.profiles_directory))


def load_profiles(settings: Settings) -> tuple[list[Profile], list[ProfileError]]:
    """All profiles of the directory in order of their names, and the mistakes of those that cannot be used.

    Two profiles with one database file are both refused: which of them it belongs to, only a person knows. A
    directory that is missing, and a file that ends in .yml, are mistakes too: they would vanish silently.
    """
    directory = settings.profiles_directory
    if not directory.is_dir():
        missing = Problem("", "there is no such directory", f"Make it, or set {PROFILES_VARIABLE}")
        return [], [ProfileError(directory, [missing])]
    profiles: list[Profile] = []
    errors: list[ProfileError] = [
        ProfileError(path, [Problem("", "its name ends in .yml", f"Rename it to {path.stem}.yaml")])
        for path in sorted(directory.glob("*.yml"))
        if not path.name.startswith(".")
    ]
    for name in profile_names(settings):
        try:
            profiles.append(_load_alone(name, settings))
        except ProfileError as error:
            errors.append(error)
    users: dict[str, list[str]] = {}
    for profile in profiles:
        users.setdefault(_real_path(profile, settings), []).append(profile.name)
    shared = {name: names for names in users.values() if len(names) > 1 for name in names}
    errors += [
        _shared_file(name, [other for other in names if other != name], settings)
        for name, names in shared.items()
    ]
    return [profile for profile in profiles if profile.name not in shared], errors


def database_path(profile: Profile, settings: Settings) -> Path:
    """The profile's DuckDB file, absolute; a relative `database` counts from the data directory."""
    own = Path(profile.database or f"{profile.name}.duckdb").expanduser()
    return (settings.data_directory / own).absolute()


def _real_path(profile: Profile, settings: Settings) -> str:
    """The file behind links and dots, to tell whether two profiles mean the same one."""
    return os.path.realpath(database_path(profile, settings))


def _real_path_of(name: str, settings: Settings) -> str | None:
    """The database file of another profile; None while that profile has mistakes and so writes nowhere."""
    try:
        text = (settings.profiles_directory / f"{name}.yaml").read_bytes()
        if b"database" in text:
            return _real_path(_load_alone(name, settings), settings)
    except (OSError, ProfileError):
        return None
    # Reading twenty profiles in full would be felt in every command.
    return os.path.realpath(settings.data_directory / f"{name}.duckdb")


def lock_path(profile: Profile, settings: Settings) -> Path:
    """The file whose kernel lock keeps two exchanges of one profile apart."""
    path = database_path(profile, settings)
    return path.with_name(f"{path.name}.lock")


@dataclass(frozen=True)
class Workspace:
    """One profile with its places on this machine.

    Attributes:
        profile: The profile.
        settings: Where profiles and data are.
    """

    profile: Profile
    settings: Settings

    @property
    def database(self) -> Path:
        """The profile's DuckDB file, absolute."""
        return database_path(self.profile, self.settings)

    @property
    def lock(self) -> Path:
        """The file whose kernel lock keeps two exchanges of the profile apart."""
        return lock_path(self.profile, self.settings)

    @property
    def exports_directory(self) -> Path:
        """Where exports go when nobody names another directory."""
        return self.settings.data_directory / "exports"

    @property
    def reports_directory(self) -> Path:
        """Where reports go when nobody names another file."""
        return self.settings.data_directory / "reports"

    @property
    def catalogue_directory(self) -> Path:
        """Where the files of the accounting catalogue are (R12)."""
        return self.settings.profiles_directory / self.profile.name / "catalogue"

    def period_or_last_days(self, first: date | None, last: date | None, now: datetime) -> Period:
        """The period, completed where a day is missing: up to today and 30 days long, but not before `start_date`.

        Args:
            first: First local day, if one was named.
            last: Last local day, if one was named.
            now: The time, timezone-aware.

        Raises:
            ValueError: The last day is before the first.
        """
        last = last or now.astimezone(self.profile.zone).date()
        if first is None:
            first = min(last, max(self.profile.start_date, last - timedelta(days=LAST_DAYS - 1)))
        return Period(first, last)

    def api_key(self, environ: Mapping[str, str]) -> str:
        """The profile's API key; see `api_key`.

        Raises:
            MissingKeyError: None is set, or it holds what no key can hold.
        """
        return api_key(self.profile, environ)


def key_variable(profile: str) -> str:
    """The environment variable of a profile's API key: KEYCRM_API_KEY_<NAME> in upper case."""
    return f"{KEY_VARIABLE}_{profile.upper()}"


def api_key(profile: Profile, environ: Mapping[str, str]) -> str:
    """The profile's API key: KEYCRM_API_KEY_<NAME>, else KEYCRM_API_KEY, without blanks around it.

    The demo shop in this process needs none, and never sees the key of a real account.

    Raises:
        MissingKeyError: Neither is set, or it holds what no key can hold.
    """
    if profile.base_url == SANDBOX:
        return SANDBOX
    for variable in (key_variable(profile.name), KEY_VARIABLE):
        key = environ.get(variable, "").strip()
        if key and not (key.isascii() and key.isprintable() and " " not in key):
            # A header cannot carry it; the error of the HTTP client would repeat the key.
            raise MissingKeyError(
                profile.name, f"{variable} holds blanks or letters that no API key has, and is of no use"
            )
        if key:
            return key
    raise MissingKeyError(profile.name)


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, for editors that complete and check it.

    The package ships it as `profile.schema.json`; a test compares the two.
    """
    schema = Profile.model_json_schema()
    del schema["properties"]["name"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Profile of keycrm_pipeline",
        "required": [name for name in schema["required"] if name != "name"],
    }
