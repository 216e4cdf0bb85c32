"""The profile file: one KeyCRM account and how its orders enter the books. Models, loading, errors, JSON Schema.

What is not here: the API key (only from the environment), Dagster, the database. A mistake in a file is told with
the file, the key and what is allowed; other profiles go on working.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
SANDBOX = "sandbox"
DEFAULT_BASE_URL = "https://openapi.keycrm.app/v1"
DEFAULT_REQUESTS_PER_MINUTE = 20
"""KeyCRM's own documentation of autumn 2026 names 20; older copies name 60."""

MOST_REQUESTS_PER_MINUTE = 600
SANDBOX_REQUESTS_PER_MINUTE = 6000
_SECRET_WORDS = ("api_key", "apikey", "token", "secret", "password", "bearer", "key")
_DAY_TIME = re.compile(r"(0[5-9]|1\d|2[0-3]):[0-5]\d")

Identifier = Annotated[StrictInt, Field(ge=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class StatusSettings(_Section):
    """Which orders are loaded, and what their statuses are called in the books."""

    load: Literal["all"] | tuple[Identifier, ...] = Field(
        "all", description="`all`, or the ids of the statuses whose orders are loaded (Завантажувати статуси)."
    )
    stages: dict[Identifier, StrictStr] = Field(
        default_factory=dict, description="KeyCRM status id -> stage in the accounting system (Етап)."
    )
    require_mapping: StrictBool = Field(
        False, description="Refuse to load while a status that KeyCRM lists has no stage."
    )


class ChangesSettings(_Section):
    """The pass that picks up changed orders."""

    enabled: StrictBool = Field(True, description="Whether it runs by itself.")
    every_minutes: int = Field(15, ge=1, le=1440, description="How often.")
    overlap_minutes: int = Field(60, ge=0, le=10080, description="How far it looks back behind what is stored.")


class RecentSettings(_Section):
    """The nightly comparison of recent days."""

    days: int = Field(14, ge=1, le=366, description="How many days are compared again every night.")


class SweepSettings(_Section):
    """The weekly search for orders that KeyCRM no longer has."""

    enabled: StrictBool = Field(True, description="Whether it runs by itself.")
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = Field(
        "sunday", description="On which day."
    )
    most_missing: int = Field(
        20, ge=0, le=10000, description="When more orders than this are absent at once, nothing is marked."
    )


class ScheduleSettings(_Section):
    """What runs by itself."""

    enabled: StrictBool = Field(True, description="Whether the schedules are on.")
    daily_at: StrictStr = Field(
        "05:30", description="Local time of the daily load, 05:00 or later (earlier times move with the clock)."
    )
    most_days_to_complete: int = Field(
        31, ge=0, le=366, description="How many missing or failed days one daily load completes."
    )

    @field_validator("daily_at")
    @classmethod
    def _is_late_enough(cls, value: str) -> str:
        if not _DAY_TIME.fullmatch(value):
            raise ValueError('a time of the day from "05:00" to "23:59" is allowed, in quotes')
        return value


class AlertSettings(_Section):
    """Who is told when exchanges begin to fail."""

    command: StrictStr | None = Field(None, description="A command; it gets the text on its standard input.")
    webhook: StrictStr | None = Field(None, description="An address that gets a JSON object with `profile`, `text`.")

    @field_validator("webhook")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://", value):
            raise ValueError("an address that begins with http:// or https:// is allowed")
        return value


class ExportSettings(_Section):
    """How documents to hand over look."""

    columns: dict[StrictStr, dict[StrictStr, StrictStr]] = Field(
        default_factory=dict, description="Table -> column -> header, in the order wanted."
    )


class Profile(_Section):
    """One KeyCRM account and how its orders enter the books (Профіль)."""

    name: StrictStr = Field(exclude=True, description="The file's name without .yaml.")
    base_url: StrictStr = Field(
        DEFAULT_BASE_URL, description="Address of the API; `sandbox` is the built-in demo shop."
    )
    start_date: date = Field(description="First day that can be loaded, YYYY-MM-DD.")
    timezone: StrictStr = Field("Europe/Kyiv", description="Time zone that decides to which day an order belongs.")
    currency: StrictStr = Field(
        "UAH", pattern=r"^[A-Z]{3}$", description="Currency when neither source nor payment names one (Валюта)."
    )
    author: StrictStr = Field("Оператор обміну", min_length=1, description="Author of the documents (Користувач).")
    default_partner: StrictStr | None = Field(
        None,
        min_length=1,
        description="Partner of orders without a buyer (Партнер); leave out to reject such orders.",
    )
    partner_match: Literal["phone", "phone_and_name"] = Field(
        "phone", description="Whether a buyer with a known phone or e-mail must also have the same name."
    )
    delivery_service: StrictStr = Field(
        "Послуги доставки", min_length=1, description="Service card of paid delivery (Послуга з доставки)."
    )
    source_number_in_comment: StrictBool = Field(
        False, description="Put the order's number at its source into the comment (Номер джерела в коментарі)."
    )
    account: StrictStr = Field("Каса", min_length=1, description="Банк. рахунок/Каса when no payment decides.")
    accounts: dict[Identifier, StrictStr] = Field(
        default_factory=dict, description="Payment method id -> Банк. рахунок/Каса."
    )
    service_categories: tuple[Identifier, ...] = Field(
        (), description="Categories whose products, and those below them, are services (Послуга)."
    )
    managers: dict[Identifier, StrictStr] = Field(
        default_factory=dict, description="KeyCRM manager id -> responsible user (Відповідальний)."
    )
    statuses: StatusSettings = Field(default_factory=StatusSettings, description="Statuses and stages.")
    requests_per_minute: Annotated[StrictInt, Field(ge=1, le=SANDBOX_REQUESTS_PER_MINUTE)] = Field(
        DEFAULT_REQUESTS_PER_MINUTE, description="Requests that this key may make in a minute."
    )
    database: StrictStr | None = Field(
        None, description="The DuckDB file; default: <data directory>/<profile>.duckdb."
    )
    changes: ChangesSettings = Field(default_factory=ChangesSettings, description="The changes pass.")
    recent: RecentSettings = Field(default_factory=RecentSettings, description="The nightly comparison.")
    sweep: SweepSettings = Field(default_factory=SweepSettings, description="The search for vanished orders.")
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings, description="What runs by itself.")
    alert: AlertSettings = Field(default_factory=AlertSettings, description="Who is told of failures.")
    export: ExportSettings = Field(default_factory=ExportSettings, description="Documents to hand over.")
    keycrm_url: StrictStr | None = Field(
        None, description="Address of the shop's KeyCRM pages, for links to orders in the report."
    )
    owners: tuple[StrictStr, ...] = Field(
        ("team:accounting",), description="Owners of the assets: `team:name` or an e-mail."
    )

    @property
    def zone(self) -> ZoneInfo:
        """The profile's time zone."""
        return ZoneInfo(self.timezone)

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("a zone name such as Europe/Kyiv is allowed") from error
        return value

    @field_validator("base_url")
    @classmethod
    def _is_api_address(cls, value: str) -> str:
        if value != SANDBOX and not re.match(r"https?://[^/\s]+", value):
            raise ValueError("`sandbox`, or an address that begins with https:// is allowed")
        return value.rstrip("/")

    @field_validator("start_date", mode="before")
    @classmethod
    def _is_day(cls, value: object) -> object:
        if isinstance(value, bool | int | float):
            raise ValueError("a day such as 2024-01-01 is allowed")  # noqa: TRY004 - pydantic wants ValueError
        return value


@dataclass(frozen=True)
class Problem:
    """One mistake in a profile file: where, what, and what is allowed."""

    key: str
    what: str


class ProfileError(Exception):
    """A profile file that cannot be used; the text names the file, each key and what is allowed."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        listed = "".join(
            f"\n  - {problem.key}: {problem.what}" if problem.key else f"\n  - {problem.what}" for problem in problems
        )
        super().__init__(f"The profile {file} cannot be used:{listed}")


class MissingKeyError(Exception):
    """No API key is set for a profile."""

    def __init__(self, profile: str) -> None:
        super().__init__(
            f"No API key is set for profile {profile}. Take it from KeyCRM (Налаштування - Загальні - API) and set "
            f"the environment variable KEYCRM_API_KEY_{profile.upper()} (or KEYCRM_API_KEY for all profiles)."
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
        profiles_directory=Path(environ.get("KEYCRM_PROFILES_DIR") or "profiles").absolute(),
        data_directory=Path(environ.get("KEYCRM_DATA_DIR") or "data").absolute(),
    )


class _UniqueKeyLoader(yaml.SafeLoader):
    """Refuses a key that stands twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        known = ", ".join(_names_in(path.parent)) or "none"
        raise ProfileError(
            path,
            [Problem("", f"there is no such file (profiles there: {known}). Make one with `keycrm-pipeline init`.")],
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(path, [Problem("", f"it cannot be read: {type(error).__name__}.")]) from None
    try:
        value = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ProfileError(path, [Problem("", f"{place}{error.problem} (YAML).")]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ProfileError(path, [Problem("", f"it is no YAML: {type(error).__name__}.")]) from None
    if not isinstance(value, dict):
        raise ProfileError(path, [Problem("", "it must hold keys and values, as in profiles/demo.yaml.")])
    return value


def _fields_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Profile
    for part in location:
        field = model.model_fields.get(part) if isinstance(model, type) and issubclass(model, BaseModel) else None
        annotation = field.annotation if field is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return [name for name in model.model_fields if name != "name"]


def _problem(error: ErrorDetails, profile: str) -> Problem:
    location = tuple(error["loc"])
    key = ".".join(str(part) for part in location if not str(part).startswith(("literal[", "tuple[", "constrained")))
    if error["type"] == "extra_forbidden":
        name = str(location[-1])
        if name.lower() in _SECRET_WORDS:
            return Problem(
                key,
                f"the API key belongs in the environment variable KEYCRM_API_KEY_{profile.upper()}, never in a file.",
            )
        allowed = _fields_at(location[:-1])
        near = difflib.get_close_matches(name, allowed, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Allowed: {', '.join(allowed)}."
        return Problem(key, f"there is no such setting.{hint}")
    if error["type"] == "missing":
        return Problem(key, "it is missing.")
    message = error["msg"].removeprefix("Value error, ")
    shown = repr(error.get("input"))
    return Problem(key, f"{message} (found {shown[:60]}).")


def load_profile(name: str, settings: Settings) -> Profile:
    """Reads one profile.

    Raises:
        ProfileError: The name or the file has mistakes.
    """
    path = settings.profiles_directory / f"{name}.yaml"
    if not NAME_PATTERN.fullmatch(name):
        raise ProfileError(
            path, [Problem("", "the name must begin with a-z and hold only a-z, 0-9 and _ (the file's name).")]
        )
    content = _read(path)
    if "name" in content:
        raise ProfileError(path, [Problem("name", "the file's name is the profile's name; take this key out.")])
    if content.get("base_url") == SANDBOX:
        content.setdefault("requests_per_minute", SANDBOX_REQUESTS_PER_MINUTE)
    try:
        profile = Profile.model_validate({**content, "name": name})
    except ValidationError as error:
        raise ProfileError(path, [_problem(detail, name) for detail in error.errors()]) from None
    if profile.base_url != SANDBOX and profile.requests_per_minute > MOST_REQUESTS_PER_MINUTE:
        raise ProfileError(
            path,
            [Problem("requests_per_minute", f"1 to {MOST_REQUESTS_PER_MINUTE} is allowed.")],
        )
    return profile


def _names_in(directory: Path) -> Iterator[str]:
    if directory.is_dir():
        yield from sorted(path.stem for path in directory.glob("*.yaml"))


def profile_names(settings: Settings) -> list[str]:
    """The names of all profiles, good or not, in order."""
    return list(_names_in(settings.profiles_directory))


def load_profiles(settings: Settings) -> tuple[list[Profile], list[ProfileError]]:
    """All profiles of the directory, in order of their names, and the mistakes of those that cannot be used."""
    profiles: list[Profile] = []
    errors: list[ProfileError] = []
    files: dict[Path, str] = {}
    for name in profile_names(settings):
        try:
            profile = load_profile(name, settings)
        except ProfileError as error:
            errors.append(error)
            continue
        path = database_path(profile, settings)
        if path in files:
            errors.append(
                ProfileError(
                    settings.profiles_directory / f"{name}.yaml",
                    [Problem("database", f"profile {files[path]} already uses this file; each needs its own.")],
                )
            )
            continue
        files[path] = name
        profiles.append(profile)
    return profiles, errors


def database_path(profile: Profile, settings: Settings) -> Path:
    """The profile's DuckDB file; a relative `database` counts from the data directory."""
    return (settings.data_directory / (profile.database or f"{profile.name}.duckdb")).absolute()


def lock_path(profile: Profile, settings: Settings) -> Path:
    """The file whose kernel lock keeps two exchanges of one profile apart."""
    path = database_path(profile, settings)
    return path.with_name(f"{path.name}.lock")


def api_key(profile: Profile, environ: Mapping[str, str]) -> str:
    """The profile's API key: KEYCRM_API_KEY_<NAME>, else KEYCRM_API_KEY; the demo shop needs none.

    Raises:
        MissingKeyError: Neither is set.
    """
    key = (environ.get(f"KEYCRM_API_KEY_{profile.name.upper()}") or environ.get("KEYCRM_API_KEY") or "").strip()
    if key:
        return key
    if profile.base_url == SANDBOX:
        return SANDBOX
    raise MissingKeyError(profile.name)


def profile_json_schema() -> dict[str, Any]:
    """The JSON Schema of a profile file, for editors that complete it."""
    schema = Profile.model_json_schema()
    schema["title"] = "keycrm_pipeline profile"
    schema["properties"].pop("name", None)
    schema["required"] = [name for name in schema.get("required", []) if name != "name"]
    return schema
