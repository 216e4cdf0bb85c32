"""Attaches a lake: tables in Parquet files that many machines see, and their catalogue in PostgreSQL (DuckLake).

Any number of programs may read while one writes. What keeps two writers apart is in `catalog_lock`. DuckDB's extensions
come as packages of exactly its own version; nothing is downloaded here.
"""

from __future__ import annotations

import importlib.util
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from keycrm_pipeline.warehouse.engines.catalog_lock import Hold, connection_options
from keycrm_pipeline.warehouse.engines.file import quoted
from keycrm_pipeline.warehouse.errors import LakeKeysError, LakePackageError

S3 = "s3://"
_EXTENSIONS = ("ducklake", "postgres_scanner")
_NOT_THERE = "creating a new DuckLake is explicitly disabled"
"""What DuckLake says about a catalogue without tables that is to be read."""

_OTHER_PLACE = re.compile(r'does not match existing data path in the catalog "([^"]*)"')


@dataclass(frozen=True)
class Lake:
    """Where the books of one profile are, if they are in a lake.

    Attributes:
        catalog: What libpq needs to connect to the catalogue, without a password.
        data: Directory of the Parquet files, absolute, or its address in S3; it ends with a slash.
        schema: Schema of the catalogue's tables in PostgreSQL: the name of the profile.
    """

    catalog: str
    data: str
    schema: str

    @property
    def is_in_s3(self) -> bool:
        """Whether the files are in S3, where they are encrypted; the keys are in the catalogue."""
        return self.data.startswith(S3)


def connect_for_lake() -> duckdb.DuckDBPyConnection:
    """A DuckDB instance to which a lake can be attached.

    It does not check the signatures of extensions, which takes a third of a second of the processor each time: they
    come from packages, as DuckDB itself does, and nothing else is loaded. Their version is checked all the same.
    """
    return duckdb.connect(config={"allow_unsigned_extensions": "true"})


def attach_lake(instance: duckdb.DuckDBPyConnection, lake: Lake, alias: str, hold: Hold | None) -> None:
    """Attaches the lake to a DuckDB instance.

    Args:
        instance: The instance.
        lake: The lake.
        alias: Its name in SQL.
        hold: The lock that is held, to write; None to read. A missing lake is made when it is written to.

    Raises:
        LakePackageError: An extension of DuckDB is missing, or is of another version.
        LakeKeysError: There are no keys for S3.
        duckdb.Error: DuckDB refuses it.
    """
    for name in (*_EXTENSIONS, *(("httpfs",) if lake.is_in_s3 else ())):
        instance.execute(f"LOAD '{quoted(_extension(name))}'")
    if lake.is_in_s3:
        _give_keys(instance)
    # Small changes stay files too: rows inside of the catalogue gain nothing here, and have been lost by others.
    options = [
        f"DATA_PATH '{quoted(lake.data)}'",
        f"METADATA_SCHEMA '{quoted(lake.schema)}'",
        "DATA_INLINING_ROW_LIMIT 0",
    ]
    if hold is None:
        options.append("READ_ONLY")
    elif lake.is_in_s3:
        options.append("ENCRYPTED")
    catalog = f"{lake.catalog} {connection_options(hold)}"
    instance.execute(f"ATTACH 'ducklake:postgres:{quoted(catalog)}' AS {alias} ({', '.join(options)})")


def is_not_there(error: Exception) -> bool:
    """Whether DuckLake refused to read because there is no lake yet."""
    return _NOT_THERE in str(error)


def other_place(error: Exception) -> str | None:
    """Where the files of the lake are, if DuckLake refused it because KEYCRM_LAKE_DATA names another place."""
    found = _OTHER_PLACE.search(str(error))
    return found.group(1) if found else None


def check_installed() -> None:
    """Looks for everything that a lake needs besides DuckDB itself.

    Raises:
        LakePackageError: A package is missing, or is for another version of DuckDB.
    """
    for name in _EXTENSIONS:
        _extension(name)
    if importlib.util.find_spec("psycopg2") is None:
        raise LakePackageError("psycopg2-binary", duckdb.__version__)


def _extension(name: str) -> Path:
    """The file of an extension of DuckDB, in the package that has it."""
    package = importlib.util.find_spec(f"duckdb_extension_{name}")
    directory = Path((package and package.origin) or "").parent / "extensions" / f"v{duckdb.__version__}"
    file = directory / f"{name}.duckdb_extension"
    if not file.exists():
        raise LakePackageError(f"duckdb-extension-{name.replace('_', '-')}", duckdb.__version__)
    return file


def _give_keys(instance: duckdb.DuckDBPyConnection) -> None:
    """Gives DuckDB the keys of S3 as boto3 finds them: in the environment, a profile, or the role of the machine."""
    import boto3

    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise LakeKeysError
    keys = credentials.get_frozen_credentials()
    values = {
        "KEY_ID": keys.access_key,
        "SECRET": keys.secret_key,
        "SESSION_TOKEN": keys.token,
        "REGION": session.region_name or "us-east-1",
    }
    address = urlsplit(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    if address.netloc:
        values |= {"ENDPOINT": address.netloc, "URL_STYLE": "path"}
    said = ", ".join(f"{name} '{quoted(value)}'" for name, value in values.items() if value)
    use_ssl = ", USE_SSL false" if address.scheme == "http" else ""
    try:
        instance.execute(f"CREATE SECRET (TYPE s3, {said}{use_ssl})")
    except duckdb.Error:
        # DuckDB quotes the statement, and with it the keys.
        raise LakeKeysError from None
