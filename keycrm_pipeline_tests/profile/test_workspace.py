"""Where profiles and data are, and the files of a profile."""

from __future__ import annotations

from pathlib import Path

import pytest

from keycrm_pipeline.profile import (
    MissingKeyError,
    Settings,
    SettingsError,
    Workspace,
    dagster_home,
    settings_from_environment,
)
from keycrm_pipeline_tests.profile.files import START, read


def test_files_of_a_profile(places: Settings, tmp_path: Path) -> None:
    """The data directory contains one file per profile, unless the profile says otherwise."""
    own = Workspace(read(places, START), places)
    assert own.database == tmp_path / "data" / "shop.duckdb"
    assert own.lock == tmp_path / "data" / "shop.duckdb.lock"
    relative = Workspace(read(places, f"{START}database: x/y.duckdb\n"), places)
    assert relative.database == tmp_path / "data" / "x" / "y.duckdb"
    assert relative.lock == tmp_path / "data" / "x" / "y.duckdb.lock"
    absolute = Workspace(read(places, f"{START}database: /var/y.duckdb\n"), places)
    assert absolute.database == Path("/var/y.duckdb")

    lake = Workspace(read(places, f"{START}database: lake\n"), places)
    assert (lake.profile.is_in_lake, lake.database) == (True, tmp_path / "data" / "shop.lake")
    file = Workspace(read(places, f"{START}database: ./lake\n"), places)
    assert (file.profile.is_in_lake, file.database) == (False, tmp_path / "data" / "lake")


def test_a_database_in_the_home_directory(
    places: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`~` means what it means in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    workspace = Workspace(read(places, f"{START}database: ~/shop.duckdb\n"), places)
    assert workspace.database == tmp_path / "home" / "shop.duckdb"


def test_directories_of_a_profile(places: Settings, tmp_path: Path) -> None:
    """Exports and reports are written to the data directory; the catalogue is next to the profile."""
    workspace = Workspace(read(places, START), places)
    assert workspace.exports_directory == tmp_path / "data" / "exports"
    assert workspace.reports_directory == tmp_path / "data" / "reports"
    assert workspace.catalogue_directory == tmp_path / "profiles" / "shop" / "catalogue"


def test_the_key_of_a_workspace_is_its_profiles(places: Settings) -> None:
    """The same rules apply as in `api_key`."""
    workspace = Workspace(read(places, START), places)
    assert workspace.api_key({"KEYCRM_API_KEY_SHOP": "own", "KEYCRM_API_KEY": "common"}) == "own"
    with pytest.raises(MissingKeyError, match="KEYCRM_API_KEY_SHOP"):
        workspace.api_key({"KEYCRM_API_KEY_OTHER": "other"})


def test_directories_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default is below the directory in which the command is run."""
    monkeypatch.chdir(tmp_path)
    assert settings_from_environment({}) == Settings(tmp_path / "profiles", tmp_path / "data")
    assert settings_from_environment({"KEYCRM_PROFILES_DIR": "", "KEYCRM_DATA_DIR": "/srv/data"}) == Settings(
        tmp_path / "profiles", Path("/srv/data")
    )


@pytest.mark.parametrize(
    ("value", "what"),
    [("~nosuchuser/x", "the home directory that ~ stands for is not known"), ("a\0b", "it is not a path")],
)
def test_a_variable_that_holds_no_path(value: str, what: str) -> None:
    """It is refused by its name, before anything is looked for."""
    for variable in ("KEYCRM_PROFILES_DIR", "KEYCRM_DATA_DIR"):
        with pytest.raises(SettingsError) as caught:
            settings_from_environment({variable: value})
        assert str(caught.value) == (
            f"The environment variable {variable} cannot be used: {what}. Set it to the path of a directory."
        )
    with pytest.raises(SettingsError, match="DAGSTER_HOME"):
        dagster_home({"DAGSTER_HOME": value})
