"""Where the books of a profile are, and what keeps a lake from being used before it is looked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Profile, Settings, Workspace, settings_from_environment
from keycrm_pipeline.reading.databases import lake_of, warehouse_of
from keycrm_pipeline.warehouse.engines import lake as engine
from keycrm_pipeline.warehouse.errors import LakeNameError, LakePackageError, LakeSettingsError

WORDS = "host=db.example user=keycrm dbname=books"


def workspace(tmp_path: Path, catalog: str | None, data: str | None, **settings: object) -> Workspace:
    """A profile whose books are in a lake, unless told otherwise."""
    profile = Profile.model_validate(
        {"name": "shop", "start_date": date(2023, 1, 1), "database": "lake", **settings}
    )
    return Workspace(profile, Settings(tmp_path, tmp_path, lake_catalog=catalog, lake_data=data))


def test_a_file_needs_no_lake(tmp_path: Path) -> None:
    """Whatever is set for lakes concerns only profiles that say `database: lake`."""
    file = workspace(tmp_path, "password=x", None, database=None)
    assert lake_of(file) is None
    assert warehouse_of(file).name == str(tmp_path / "shop.duckdb")


def test_variables_are_read(tmp_path: Path) -> None:
    """What is empty is not set."""
    environ = {"KEYCRM_DATA_DIR": str(tmp_path), "KEYCRM_LAKE_CATALOG": f" {WORDS} ", "KEYCRM_LAKE_DATA": ""}
    settings = settings_from_environment(environ)
    assert (settings.lake_catalog, settings.lake_data) == (WORDS, None)


@pytest.mark.parametrize(
    ("catalog", "data", "said"),
    [
        (None, "s3://books", "KEYCRM_LAKE_CATALOG is not set"),
        (WORDS, None, "KEYCRM_LAKE_DATA is not set"),
        (
            f"{WORDS} password=hunter2",
            "s3://books",
            "KEYCRM_LAKE_CATALOG holds a password; set it as PGPASSWORD",
        ),
        (f"Password = 'hunter2' {WORDS}", "s3://books", "KEYCRM_LAKE_CATALOG holds a password"),
        ("postgresql://keycrm:hunter2@db.example/books", "s3://books", "KEYCRM_LAKE_CATALOG is an address"),
        (
            WORDS,
            "gs://books",
            "KEYCRM_LAKE_DATA is neither a directory nor an address that begins with s3://",
        ),
    ],
)
def test_settings_that_lead_nowhere(tmp_path: Path, catalog: str | None, data: str | None, said: str) -> None:
    """The variable is named, and what to do; a password that stands in it is not repeated."""
    with pytest.raises(LakeSettingsError) as caught:
        warehouse_of(workspace(tmp_path, catalog, data))
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["public", "information_schema", "pg_shop", "s" * 64])
def test_names_that_postgresql_has_itself(tmp_path: Path, name: str) -> None:
    """A profile's schema there has its name."""
    named = workspace(tmp_path, WORDS, "s3://books", name=name)
    with pytest.raises(LakeNameError, match=f"A lake cannot be named {name}"):
        lake_of(named)


def test_packages_that_are_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named before anything is opened."""
    monkeypatch.setattr(engine, "_EXTENSIONS", ("nothing",))
    with pytest.raises(
        LakePackageError, match="the package duckdb-extension-nothing, which is not installed"
    ):
        warehouse_of(workspace(tmp_path, WORDS, "s3://books"))


def test_each_profile_has_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory is absolute, wherever the command was run; an address in S3 is kept."""
    monkeypatch.setattr(engine, "_EXTENSIONS", ())
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    monkeypatch.chdir(tmp_path)
    shop = workspace(tmp_path, WORDS, "lakes")
    assert warehouse_of(shop).name == f"{tmp_path}/lakes/shop/"
    remote = replace(shop, settings=replace(shop.settings, lake_data="s3://books/lakes/"))
    lake = lake_of(remote)
    assert lake is not None
    assert (lake.data, lake.schema, lake.is_in_s3) == ("s3://books/lakes/shop/", "shop", True)
