"""A new file has every table as `schemas` says; an older file is upgraded in place; a newer one is refused."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DatabaseNewerError
from keycrm_pipeline.warehouse.migrations import SCHEMA_VERSION, migrate

NEXT_VERSION = SCHEMA_VERSION + 1
MADE_AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that this version made."""
    path = tmp_path_factory.mktemp("new") / "shop.duckdb"
    with Warehouse(path, "Europe/Kyiv").writing():
        pass
    return path


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_tables_columns_types_and_comments_are_those_of_the_schemas(new_file: Path) -> None:
    """What a person reads in a BI tool is what the documentation says, column by column."""
    found = ask(
        new_file,
        "SELECT schema_name || '.' || table_name, column_name, data_type, is_nullable, comment "
        "FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index",
    )
    written: dict[str, list[tuple[Any, ...]]] = {}
    for table, *column in found:
        written.setdefault(table, []).append(tuple(column))
    for table in TABLES:
        expected = [
            (
                column.name,
                column.type.replace("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"),
                column.nullable and column.name not in table.primary_key,
                column.comment,
            )
            for column in table.columns
        ]
        assert written[table.qualified_name] == expected, table.qualified_name


def test_every_table_has_a_primary_key_and_says_what_it_is(new_file: Path) -> None:
    """No table without key, no table or column without a word of explanation, nothing besides the schemas."""
    tables = dict(
        ask(
            new_file,
            "SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() WHERE NOT internal",
        )
    )
    assert set(tables) == {table.qualified_name for table in TABLES} | {"ops.schema_version"}
    assert [name for name, comment in tables.items() if not comment] == []
    keys = dict(
        ask(
            new_file,
            "SELECT schema_name || '.' || table_name, constraint_column_names FROM duckdb_constraints() "
            "WHERE constraint_type = 'PRIMARY KEY'",
        )
    )
    assert set(keys) == set(tables)
    for table in TABLES:
        assert tuple(keys[table.qualified_name]) == table.primary_key
    assert (
        ask(
            new_file,
            """
            SELECT table_name, column_name FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (table_oid)
            WHERE duckdb_columns.comment IS NULL
            """,
        )
        == []
    )


DIE_WITH_NEW_TABLES = """
import os, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse.connection import Warehouse

with Warehouse(Path(sys.argv[1]), "Europe/Kyiv").writing():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_when_the_tables_were_just_made(tmp_path: Path) -> None:
    """Killed with -9 at that moment: `status` and BI tools, which open the file by itself, can still read it."""
    path = tmp_path / "shop.duckdb"
    killed = subprocess.run([sys.executable, "-c", DIE_WITH_NEW_TABLES, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{path}.wal").exists()
    assert ask(path, "SELECT version FROM ops.schema_version") == [(SCHEMA_VERSION,)]


def test_opening_again_writes_nothing(new_file: Path) -> None:
    """A file of this version is left alone."""
    before = ask(new_file, "SELECT version, migrated_at FROM ops.schema_version")
    with Warehouse(new_file, "Europe/Kyiv").writing():
        pass
    assert ask(new_file, "SELECT version, migrated_at FROM ops.schema_version") == before
    assert [row[0] for row in before] == [SCHEMA_VERSION]


def older_file(path: Path) -> Warehouse:
    """A file with a document, from before a column, a table and a comment were thought of."""
    warehouse = Warehouse(path, "Europe/Kyiv")
    with warehouse.writing() as connection:
        connection.execute(
            """
            INSERT INTO accounting.sources VALUES (1, 'Магазин', 'opencart', 'UAH');
            ALTER TABLE accounting.sources DROP COLUMN currency;
            DROP TABLE ops.exported_cards;
            COMMENT ON COLUMN accounting.sources.name IS 'Щось давнє';
            """
        )
    return warehouse


def test_older_file_is_upgraded_in_place(tmp_path: Path) -> None:
    """Missing columns and tables come, steps of the versions between run, comments are new, rows stay."""
    warehouse = older_file(tmp_path / "shop.duckdb")
    steps = {
        NEXT_VERSION: ["UPDATE accounting.sources SET name = name || ' 1'"],
        NEXT_VERSION + 1: ["UPDATE accounting.sources SET name = name || ' 2'"],
        # Not of this upgrade: it is the step to the version that the file has.
        SCHEMA_VERSION: ["UPDATE accounting.sources SET name = name || ' 0'"],
    }
    with warehouse.writing() as connection:
        migrate(connection, warehouse.path, version=NEXT_VERSION + 1, migrations=steps)
        assert connection.execute("FROM accounting.sources").fetchall() == [
            (1, "Магазин 1 2", "opencart", None)
        ]
        assert connection.execute("SELECT count(*) FROM ops.exported_cards").fetchall() == [(0,)]
        assert connection.execute(
            """
            SELECT comment FROM duckdb_columns()
            WHERE schema_name = 'accounting' AND table_name = 'sources' AND column_name = 'name'
            """
        ).fetchall() == [(next(t for t in TABLES if t.name == "sources").column("name").comment,)]
        assert connection.execute("SELECT version FROM ops.schema_version ORDER BY 1").fetchall() == [
            (SCHEMA_VERSION,),
            (NEXT_VERSION + 1,),
        ]


def test_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    """Half an upgrade is none: the file still opens with the program that made it."""
    warehouse = older_file(tmp_path / "shop.duckdb")
    steps = {NEXT_VERSION: ["UPDATE accounting.sources SET name = 'half'", "SELECT * FROM no_such_table"]}
    with warehouse.writing() as connection, pytest.raises(duckdb.CatalogException):
        migrate(connection, warehouse.path, version=NEXT_VERSION, migrations=steps)
    assert ask(warehouse.path, "SELECT name FROM accounting.sources") == [("Магазин",)]
    assert ask(warehouse.path, "SELECT version FROM ops.schema_version") == [(SCHEMA_VERSION,)]
    assert ask(warehouse.path, "FROM duckdb_tables() WHERE table_name = 'exported_cards'") == []


def test_reader_upgrades_an_older_file_too(tmp_path: Path) -> None:
    """`status` after an update works at once, without a load before."""
    path = tmp_path / "shop.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA ops")
    with Warehouse(path, "Europe/Kyiv").reading() as connection:
        assert connection.execute("SELECT count(*) FROM accounting.orders").fetchall() == [(0,)]


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_newer_file_is_refused_and_left_alone(tmp_path: Path, way: str) -> None:
    """An old program must not write into a file whose tables it does not know."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    with warehouse.writing() as connection:
        connection.execute("INSERT INTO ops.schema_version VALUES (999, now())")
    before = warehouse.path.read_bytes()
    with (
        pytest.raises(DatabaseNewerError, match=r"version 999.*Update the program"),
        getattr(warehouse, way)(),
    ):
        pass
    assert warehouse.path.read_bytes() == before
