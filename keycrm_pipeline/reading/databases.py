"""Where the books of a profile are: in its DuckDB file, or in the lake of this installation."""

from __future__ import annotations

import re
from pathlib import Path

from keycrm_pipeline.profile import LAKE_CATALOG_VARIABLE, LAKE_DATA_VARIABLE, Settings, Workspace
from keycrm_pipeline.sentences.failures import Cause
from keycrm_pipeline.warehouse.connection import WAIT_SECONDS, Warehouse
from keycrm_pipeline.warehouse.engines.lake import S3, Lake, check_installed
from keycrm_pipeline.warehouse.errors import LakeNameError, LakeSettingsError

_PASSWORD = re.compile(r"(^|\s)(password|passwd)\s*=", re.IGNORECASE)
_LONGEST_SCHEMA = 63
_TAKEN = ("public", "information_schema")
"""Schemas of PostgreSQL itself; those that begin with pg_ are its own too."""

_ADDRESS = re.compile(r"\w+://")


def warehouse_of(workspace: Workspace, *, wait_seconds: float = WAIT_SECONDS) -> Warehouse:
    """The profile's database.

    Raises:
        LakeSettingsError: It is in a lake, and the settings do not say where that is.
    """
    return Warehouse(
        workspace.database, workspace.profile.timezone, wait_seconds=wait_seconds, lake=lake_of(workspace)
    )


def has_books(workspace: Workspace) -> bool:
    """Whether the profile's database exists: something was loaded once.

    Raises:
        WarehouseError: The lake cannot be reached.
    """
    return warehouse_of(workspace).exists()


def lake_of(workspace: Workspace) -> Lake | None:
    """The profile's lake; None if its books are in a file.

    Raises:
        LakeSettingsError: The settings do not say where the lake is.
    """
    return lake_named(workspace.profile.name, workspace.settings) if workspace.profile.is_in_lake else None


def lake_named(profile: str, settings: Settings) -> Lake:
    """The lake that a profile has or would have: a schema of the catalogue and a directory of its own.

    Raises:
        LakeSettingsError: The settings do not say where the lake is.
        LakeNameError: PostgreSQL has no schema of that name.
        LakePackageError: Something that a lake needs is not installed.
    """
    if len(profile) > _LONGEST_SCHEMA or profile in _TAKEN or profile.startswith("pg_"):
        raise LakeNameError(profile)
    lake = Lake(_catalog(settings.lake_catalog), _data(settings.lake_data) + f"{profile}/", profile)
    check_installed()
    return lake


def _catalog(words: str | None) -> str:
    if words is None:
        raise LakeSettingsError(LAKE_CATALOG_VARIABLE, Cause.NOT_SET.message())
    # Every process of the machine may see what is in the address of a connection, and so may logs.
    if _PASSWORD.search(words):
        raise LakeSettingsError(LAKE_CATALOG_VARIABLE, Cause.HOLDS_PASSWORD.message())
    if _ADDRESS.search(words):
        raise LakeSettingsError(LAKE_CATALOG_VARIABLE, Cause.IS_AN_ADDRESS.message())
    return words


def _data(place: str | None) -> str:
    """The place of all lakes, with a slash at its end."""
    if place is None:
        raise LakeSettingsError(LAKE_DATA_VARIABLE, Cause.NOT_SET.message())
    if place.startswith(S3):
        return place.rstrip("/") + "/"
    if _ADDRESS.search(place):
        raise LakeSettingsError(LAKE_DATA_VARIABLE, Cause.IS_OTHER_PLACE.message())
    return f"{Path(place).expanduser().absolute()}/"
