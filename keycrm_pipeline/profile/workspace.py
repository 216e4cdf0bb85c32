"""Where profiles and data are on this machine, and the files of a single profile."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile.keys import FoundKey, find_key, stored_key_path
from keycrm_pipeline.profile.models import LAKE, Profile
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.sentences.profiles import ProfileProblem, Wrong

PROFILES_VARIABLE = "KEYCRM_PROFILES_DIR"
DATA_VARIABLE = "KEYCRM_DATA_DIR"
CHOICE_VARIABLE = "KEYCRM_PROFILES"
"""Names of profiles, separated by commas: the share of one host, or of one code location, of a larger directory."""

OUTPUT_VARIABLE = "KEYCRM_OUTPUT"
"""Where finished exports and reports are put besides the data directory."""

LAKE_CATALOG_VARIABLE = "KEYCRM_LAKE_CATALOG"
"""What libpq needs to connect to the catalogue of lakes; a password is never in it."""

LAKE_DATA_VARIABLE = "KEYCRM_LAKE_DATA"
"""Directory or S3 address of the files of lakes."""

LOCATION_VARIABLE = "KEYCRM_CODE_LOCATION"
DEFAULT_LOCATION = "keycrm_pipeline"
"""Name of the code location in `workspace.yaml`."""

HOME_VARIABLE = "DAGSTER_HOME"
DEFAULT_HOME = ".dagster_home"

STARTED_BY_UP_VARIABLE = "KEYCRM_STARTED_BY_UP"
"""Set by `up` for what it starts: its terminal says itself which exchanges ended, and that everything was stopped."""

LAST_DAYS = 30
"""Days of a period that nobody named, today included."""


@dataclass(frozen=True)
class Settings:
    """Where profiles and data are.

    Attributes:
        profiles_directory: Contains `<name>.yaml` for each profile.
        data_directory: Contains `<name>.duckdb` for each profile, and `keys/<name>` where a key is stored.
        chosen: The profiles that this installation is for; None for all that there are.
        output: A directory or an address such as `s3://bucket/folder`, into which exports and reports are put as well.
        lake_catalog: What libpq needs to connect to the catalogue of lakes.
        lake_data: Directory or address of the files of lakes, such as `s3://bucket/folder`.
    """

    profiles_directory: Path
    data_directory: Path
    chosen: tuple[str, ...] | None = None
    output: str | None = None
    lake_catalog: str | None = None
    lake_data: str | None = None

    @property
    def marks_directory(self) -> Path:
        """Contains a file for each run that is under way with these data, see `keycrm_pipeline.run.marks`."""
        return self.data_directory / "runs"


class SettingsError(MessageError):
    """An environment variable that says where something is holds no path; the text says which one."""


def settings_from_environment(environ: Mapping[str, str]) -> Settings:
    """KEYCRM_PROFILES_DIR (`profiles`) and KEYCRM_DATA_DIR (`data`), both absolute, and the others.

    Raises:
        SettingsError: One of the directories holds no path.
    """
    named = [name.strip() for name in environ.get(CHOICE_VARIABLE, "").split(",")]
    return Settings(
        profiles_directory=_directory(environ, PROFILES_VARIABLE, "profiles"),
        data_directory=_directory(environ, DATA_VARIABLE, "data"),
        chosen=tuple(sorted({name for name in named if name})) or None,
        output=environ.get(OUTPUT_VARIABLE, "").strip() or None,
        lake_catalog=environ.get(LAKE_CATALOG_VARIABLE, "").strip() or None,
        lake_data=environ.get(LAKE_DATA_VARIABLE, "").strip() or None,
    )


def dagster_home(environ: Mapping[str, str]) -> Path:
    """DAGSTER_HOME, or `.dagster_home` in the working directory, as an absolute path.

    Raises:
        SettingsError: It holds no path.
    """
    return _directory(environ, HOME_VARIABLE, DEFAULT_HOME)


def code_location(environ: Mapping[str, str]) -> str:
    """The name under which Dagster knows the profiles of this installation: KEYCRM_CODE_LOCATION."""
    return environ.get(LOCATION_VARIABLE) or DEFAULT_LOCATION


def _directory(environ: Mapping[str, str], variable: str, default: str) -> Path:
    value = environ.get(variable) or default
    what = Wrong.NO_PATH.message()
    if "\0" not in value:
        try:
            return Path(value).expanduser().absolute()
        except RuntimeError:
            what = Wrong.NO_HOME.message()
        except FileNotFoundError:
            raise SettingsError(ProfileProblem.NO_CURRENT_DIRECTORY.message()) from None
    raise SettingsError(ProfileProblem.DIRECTORY_VARIABLE_UNUSABLE.message(variable=variable, what=what))


@dataclass(frozen=True)
class Workspace:
    """One profile and its files on this machine."""

    profile: Profile
    settings: Settings

    @property
    def database(self) -> Path:
        """The profile's DuckDB file, absolute; a relative `database` is resolved against the data directory.

        With a lake there is no such file; what belongs to this machine lies beside where it would be.
        """
        if self.profile.is_in_lake:
            return (self.settings.data_directory / f"{self.profile.name}.{LAKE}").absolute()
        own = Path(self.profile.database or f"{self.profile.name}.duckdb").expanduser()
        return (self.settings.data_directory / own).absolute()

    @property
    def published(self) -> Path:
        """The copy of the database for readers, next to it; there is one if the profile says `publish`."""
        return self.database.with_name(f"{self.database.name.removesuffix('.duckdb')}.published.duckdb")

    @property
    def lock(self) -> Path:
        """The file whose kernel lock prevents two exchanges of the profile from running at once.

        It is next to the file that a link leads to: however the database is reached, there is one lock.
        """
        database = Path(os.path.realpath(self.database))
        return database.with_name(f"{database.name}.lock")

    @property
    def own_rates_directory(self) -> Path:
        """Where rates for this profile alone are."""
        return self.settings.profiles_directory / self.profile.name / "rates"

    @property
    def rates_directory(self) -> Path:
        """Where the rates of the НБУ are: the profile's own directory if there is one, else that for all profiles."""
        own = self.own_rates_directory
        return own if own.is_dir() else self.settings.data_directory / "rates"

    @property
    def exports_directory(self) -> Path:
        """Default directory of exports."""
        return self.settings.data_directory / "exports"

    @property
    def reports_directory(self) -> Path:
        """Default directory of reports."""
        return self.settings.data_directory / "reports"

    @property
    def catalogue_directory(self) -> Path:
        """Directory of the accounting catalogue files (R12)."""
        return self.settings.profiles_directory / self.profile.name / "catalogue"

    @property
    def registers_directory(self) -> Path:
        """Directory of the registers of carriers, acquirers and banks (R15)."""
        return self.settings.profiles_directory / self.profile.name / "registers"

    @property
    def stored_key(self) -> Path:
        """The file in which the API key is kept, whether it exists or not."""
        return stored_key_path(self.profile.name, self.settings.data_directory)

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
        """The profile's API key; see `find_key`.

        Raises:
            MissingKeyError: There is no usable key.
        """
        return self.find_key(environ).key

    def find_key(self, environ: Mapping[str, str]) -> FoundKey:
        """The profile's API key and where it was found; see `keys.find_key`.

        Raises:
            MissingKeyError: There is no usable key.
        """
        return find_key(self.profile, environ, self.settings.data_directory)
