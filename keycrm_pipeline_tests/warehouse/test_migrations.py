"""A new file has every table as `schemas` says; an older file is brought up to date; a newer one is refused."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from keycrm_pipeline.schemas import TABLES, Column, Table
from keycrm_pipeline.schemas.raw import RAW_ORDERS
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS
from keycrm_pipeline.warehouse import migrations, report_views
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DatabaseNewerError, DatabaseUnreadableError
from keycrm_pipeline.warehouse.migrations import SCHEMA_VERSION
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.documents import MADE_AT, Documents, Item

INSERT_LINE = """
    INSERT INTO validated.order_lines BY NAME
    SELECT 1 AS order_id, DATE '2026-03-02' AS order_day, ? AS line_no, 'Стрічка' AS name, ? AS quantity, ? AS price,
        price AS price_sold, 'a' AS item_key
"""
NEXT_VERSION = SCHEMA_VERSION + 1
BEFORE_DIGESTS = 2
"""Number of the files of a program that recorded no digest."""


@pytest.fixture(scope="module")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file created by this program."""
    path = tmp_path_factory.mktemp("new") / "shop.duckdb"
    with Warehouse(path, "Europe/Kyiv").writing():
        pass
    return path


def ask(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_tables_columns_types_and_comments_are_those_of_the_schemas(new_file: Path) -> None:
    """A BI tool shows what the documentation says, column by column."""
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


def test_every_table_has_a_primary_key_and_a_comment(new_file: Path) -> None:
    """Every table has a key, every table and column has a comment, and there is nothing besides the schemas."""
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
    without_index = {
        "raw.order_versions",
        "raw.register_rows",
        "accounting.order_movements",
        "accounting.reconciliation",
        "ops.derived_movements",
        "ops.derived_settings",
        "ops.handed_over_documents",
    }
    assert set(keys) == set(tables) - without_index
    for table in TABLES:
        if table.qualified_name not in without_index:
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


DIE_ONCE_THE_FILE_IS_OPEN = """
import os, signal, sys
from pathlib import Path
from keycrm_pipeline.warehouse.connection import Warehouse

with Warehouse(Path(sys.argv[1]), "Europe/Kyiv").writing():
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_killed_when_the_tables_were_just_created(tmp_path: Path) -> None:
    """Killed with -9 at that moment: `status` and BI tools, which open the file on its own, can still read it."""
    path = tmp_path / "shop.duckdb"
    killed = subprocess.run([sys.executable, "-c", DIE_ONCE_THE_FILE_IS_OPEN, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{path}.wal").exists()
    assert ask(path, "SELECT version FROM ops.schema_version") == [(SCHEMA_VERSION,)]


def test_killed_when_the_file_was_just_upgraded(tmp_path: Path) -> None:
    """Killed with -9 after an upgrade: the file still opens, on its own too, and nothing in it is lost."""
    warehouse = older_file(tmp_path / "shop.duckdb")
    killed = subprocess.run(
        [sys.executable, "-c", DIE_ONCE_THE_FILE_IS_OPEN, str(warehouse.path)], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert Path(f"{warehouse.path}.wal").exists()
    assert versions(warehouse.path) == [BEFORE_DIGESTS, SCHEMA_VERSION]
    with warehouse.writing() as connection:
        assert connection.execute("FROM accounting.sources").fetchall() == [(1, "Магазин", "opencart", None)]
        assert connection.execute("SELECT count(*) FROM ops.exported_cards").fetchall() == [(0,)]


Redefine = Callable[..., None]


@pytest.fixture
def redefine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redefine]:
    """Turns this program into another version of itself: `redefine(TABLES=...)`, names as in `migrations`."""

    def change(module: object = migrations, **values: object) -> None:
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)
        migrations.schema_digest.cache_clear()

    yield change
    migrations.schema_digest.cache_clear()


def file_with_a_source(path: Path) -> Warehouse:
    """An up-to-date file with one source."""
    warehouse = Warehouse(path, "Europe/Kyiv")
    with warehouse.writing() as connection:
        connection.execute("INSERT INTO accounting.sources VALUES (1, 'Магазин', 'opencart', 'UAH')")
    return warehouse


def with_source_columns(*columns: Column) -> tuple[Table, ...]:
    """All tables; that of the sources has more columns."""
    return tuple(
        replace(table, columns=table.columns + columns)
        if table.qualified_name == "accounting.sources"
        else table
        for table in TABLES
    )


def open_once(warehouse: Warehouse, way: str) -> None:
    """Opens the file and closes it again."""
    with getattr(warehouse, way)():
        pass


def versions(path: Path) -> list[int]:
    """The numbers recorded in the file."""
    return [row[0] for row in ask(path, "SELECT version FROM ops.schema_version ORDER BY version")]


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_opening_again_writes_nothing(tmp_path: Path, way: str) -> None:
    """A file that is up to date is left alone, byte for byte."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    before = (warehouse.path.read_bytes(), warehouse.path.stat().st_mtime_ns)
    open_once(warehouse, way)
    assert (warehouse.path.read_bytes(), warehouse.path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_new_column_reaches_an_older_file(tmp_path: Path, redefine: Redefine, way: str) -> None:
    """A column that was added without raising any number does not fail the loads of the shops that have a file."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    redefine(TABLES=with_source_columns(Column("colour", "VARCHAR", "Its colour.", nullable=False)))
    open_once(warehouse, way)
    assert ask(warehouse.path, "FROM accounting.sources") == [(1, "Магазин", "opencart", "UAH", None)]
    assert ask(warehouse.path, "SELECT comment FROM duckdb_columns() WHERE column_name = 'colour'") == [
        ("Its colour.",)
    ]
    assert versions(warehouse.path) == [SCHEMA_VERSION]


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_edited_view_reaches_an_older_file(tmp_path: Path, redefine: Redefine, way: str) -> None:
    """A corrected figure is corrected for every shop, not only for new ones."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")

    def edited(file: str, name: str) -> str:
        return statement(file, name).replace("count(*) AS rows", "count(*) + 40 AS rows")

    redefine(report_views, statement=edited)
    open_once(warehouse, way)
    with warehouse.transaction() as connection:
        connection.execute(
            "INSERT INTO ops.review BY NAME SELECT 'rejected_order' AS kind, range AS subject, '' AS details, "
            "now() AS first_seen_at FROM range(2)"
        )
    assert ask(warehouse.path, "SELECT rows FROM reports.review_summary") == [(42,)]


def test_edited_comments_reach_an_older_file(tmp_path: Path, redefine: Redefine) -> None:
    """The comments in the file are those of the program that opened it last."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    comments = {**report_views.COLUMN_COMMENTS, "due": "Debt."}
    redefine(COLUMN_COMMENTS=comments)
    redefine(report_views, COLUMN_COMMENTS=comments)
    redefine(TABLES=tuple(replace(table, comment=f"{table.comment} Edited.") for table in TABLES))
    open_once(warehouse, "writing")
    assert ask(
        warehouse.path,
        "SELECT DISTINCT comment FROM duckdb_columns() WHERE schema_name = 'reports' AND column_name = 'due'",
    ) == [("Debt.",)]
    assert ask(
        warehouse.path,
        "SELECT count(*) FROM duckdb_tables() WHERE comment LIKE '% Edited.'",
    ) == [(len(TABLES),)]


def test_an_upgraded_file_is_upgraded_once(tmp_path: Path, redefine: Redefine) -> None:
    """The digest of the new tables is recorded: the next opening writes nothing."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    redefine(TABLES=with_source_columns(Column("colour", "VARCHAR", "Its colour.")))
    open_once(warehouse, "writing")
    before = warehouse.path.read_bytes()
    open_once(warehouse, "writing")
    open_once(warehouse, "reading")
    assert warehouse.path.read_bytes() == before


def test_older_program_with_the_same_number_damages_nothing(tmp_path: Path, redefine: Redefine) -> None:
    """Columns and tables that it does not know stay with their values, also when it writes, and come back into use."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    redefine(TABLES=with_source_columns(Column("colour", "VARCHAR", "Its colour.")))
    with warehouse.writing() as connection:
        connection.execute("INSERT INTO accounting.sources VALUES (1, 'Магазин', NULL, 'UAH', 'red')")
        connection.execute("CREATE TABLE accounting.shelves AS SELECT 7 AS shelf_id")
        connection.execute("CREATE VIEW reports.own AS SELECT colour FROM accounting.sources")
    redefine(TABLES=TABLES)
    with warehouse.writing() as connection:
        connection.execute("UPDATE accounting.sources SET name = 'Крамниця'")
    redefine(TABLES=with_source_columns(Column("colour", "VARCHAR", "Its colour.")))
    with warehouse.reading() as connection:
        assert connection.execute("SELECT name, colour FROM accounting.sources").fetchall() == [
            ("Крамниця", "red")
        ]
        assert connection.execute("FROM accounting.shelves").fetchall() == [(7,)]
        assert connection.execute("FROM reports.own").fetchall() == [("red",)]


def older_file(path: Path) -> Warehouse:
    """A file with a source, from before digests, a column, a table and a comment."""
    warehouse = file_with_a_source(path)
    with warehouse.writing() as connection:
        connection.execute(
            """
            ALTER TABLE accounting.sources DROP COLUMN currency;
            DROP TABLE ops.exported_cards;
            COMMENT ON COLUMN accounting.sources.name IS 'Щось давнє';
            ALTER TABLE ops.schema_version DROP COLUMN digest;
            """
        )
        connection.execute("UPDATE ops.schema_version SET version = ?", [BEFORE_DIGESTS])
    return warehouse


@pytest.mark.parametrize("way", ["writing", "reading"])
def test_file_from_before_digests_is_upgraded_in_place(tmp_path: Path, way: str) -> None:
    """Missing columns and tables are added, comments are updated, rows stay."""
    warehouse = older_file(tmp_path / "shop.duckdb")
    open_once(warehouse, way)
    assert ask(warehouse.path, "FROM accounting.sources") == [(1, "Магазин", "opencart", None)]
    assert ask(warehouse.path, "SELECT count(*) FROM ops.exported_cards") == [(0,)]
    assert ask(
        warehouse.path,
        """
        SELECT comment FROM duckdb_columns()
        WHERE schema_name = 'accounting' AND table_name = 'sources' AND column_name = 'name'
        """,
    ) == [(next(table for table in TABLES if table.name == "sources").column("name").comment,)]
    assert versions(warehouse.path) == [BEFORE_DIGESTS, SCHEMA_VERSION]


def test_lines_of_an_older_file_take_all_decimals(tmp_path: Path) -> None:
    """Prices and quantities were kept with six and three decimals; what is stored stays, what comes is kept in full."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    with warehouse.writing() as connection:
        connection.execute(
            """
            ALTER TABLE validated.order_lines ALTER COLUMN quantity TYPE DECIMAL(18,3);
            ALTER TABLE validated.order_lines ALTER COLUMN price TYPE DECIMAL(18,6);
            ALTER TABLE validated.order_lines ALTER COLUMN price_sold TYPE DECIMAL(18,6);
            """
        )
        connection.execute(INSERT_LINE, [1, "1.500", "0.333333"])
        connection.execute("UPDATE ops.schema_version SET version = ?, digest = NULL", [BEFORE_DIGESTS])
    with warehouse.writing() as connection:
        connection.execute(INSERT_LINE, [2, "0.3333", "0.003333333"])
    assert ask(warehouse.path, "SELECT quantity, price FROM validated.order_lines ORDER BY line_no") == [
        (Decimal("1.5"), Decimal("0.333333")),
        (Decimal("0.3333"), Decimal("0.003333333")),
    ]


def test_shipments_of_an_older_file_are_read_once(tmp_path: Path) -> None:
    """An export by day of shipment finds in the upgraded file what it found in the payloads before."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    payloads = {
        1: '{"shipping": {"shipping_date_actual": "2026-03-04T00:00:00.000000Z", "was_shipped": true}, '
        '"warehouse": {"id": 1, "name": "Основний"}}',
        2: '{"shipping": null, "warehouse": null}',
        # Its newest payload was rejected: what the document says is of the one before.
        3: '{"shipping": {"shipping_date_actual": "2026-03-05T00:00:00.000000Z", "was_shipped": true}}',
    }
    documents = Documents(warehouse)
    for order_id, payload in payloads.items():
        documents.order(order_id, date(2026, 3, 2), [Item("10.00")])
        documents.add(
            RAW_ORDERS,
            order_id=order_id,
            payload=payload,
            payload_hash="new",
            extracted_at=MADE_AT,
            exchange_id=1,
        )
        documents.add(
            VALIDATED_ORDERS,
            order_id=order_id,
            order_day=date(2026, 3, 2),
            ordered_at=MADE_AT,
            status_id=1,
            shipping_status="transit",
            payload_hash="old" if order_id == 3 else "new",
            exchange_id=1,
            **dict.fromkeys(
                ("grand_total", "shipping_price", "wrap_price", "taxes", "discount_amount", "discount_percent",
                 "total_discount"), Decimal(0)
            ),
        )  # fmt: skip
    documents.save()
    with warehouse.writing() as connection:
        connection.execute("UPDATE ops.schema_version SET version = 5, digest = NULL")
    with warehouse.writing() as connection:
        assert connection.execute(
            "SELECT order_id, shipping_status, was_shipped, shipped_on, warehouse FROM accounting.orders ORDER BY 1"
        ).fetchall() == [
            (1, "transit", True, date(2026, 3, 4), "Основний"),
            (2, "transit", False, None, None),
            (3, "transit", None, None, None),
        ]


def test_migrations_that_a_file_lacks_run_once(tmp_path: Path, redefine: Redefine) -> None:
    """Each number runs in its turn, also when tables change afterwards; numbers that the file has do not run."""
    warehouse = file_with_a_source(tmp_path / "shop.duckdb")
    steps = {
        SCHEMA_VERSION: ["UPDATE accounting.sources SET name = name || ' 0'"],
        NEXT_VERSION: ["UPDATE accounting.sources SET name = name || ' 1'"],
        NEXT_VERSION + 1: ["UPDATE accounting.sources SET name = name || ' 2'"],
    }
    redefine(SCHEMA_VERSION=NEXT_VERSION + 1, MIGRATIONS=steps)
    open_once(warehouse, "writing")
    open_once(warehouse, "writing")
    redefine(TABLES=with_source_columns(Column("colour", "VARCHAR", "Its colour.")))
    open_once(warehouse, "writing")
    assert ask(warehouse.path, "FROM accounting.sources") == [(1, "Магазин 1 2", "opencart", "UAH", None)]
    assert versions(warehouse.path) == [SCHEMA_VERSION, NEXT_VERSION + 1]


def test_new_file_needs_no_migration(tmp_path: Path, redefine: Redefine) -> None:
    """Migrations are for older files only."""
    redefine(SCHEMA_VERSION=NEXT_VERSION, MIGRATIONS={NEXT_VERSION: ["SELECT * FROM no_such_table"]})
    path = tmp_path / "shop.duckdb"
    open_once(Warehouse(path, "Europe/Kyiv"), "writing")
    assert versions(path) == [NEXT_VERSION]


def test_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path: Path, redefine: Redefine) -> None:
    """There is no half upgrade: the file still opens with the program that created it."""
    warehouse = older_file(tmp_path / "shop.duckdb")
    steps = {NEXT_VERSION: ["UPDATE accounting.sources SET name = 'half'", "SELECT * FROM no_such_table"]}
    redefine(SCHEMA_VERSION=NEXT_VERSION, MIGRATIONS=steps)
    with pytest.raises(DatabaseUnreadableError, match="CatalogException"):
        open_once(warehouse, "writing")
    assert ask(warehouse.path, "SELECT name FROM accounting.sources") == [("Магазин",)]
    assert versions(warehouse.path) == [BEFORE_DIGESTS]
    assert ask(warehouse.path, "FROM duckdb_tables() WHERE table_name = 'exported_cards'") == []


def test_reader_creates_the_tables_of_an_empty_file(tmp_path: Path) -> None:
    """A file that a killed program left without tables can be read at once."""
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
        connection.execute("INSERT INTO ops.schema_version VALUES (999, now(), 'unknown')")
    before = warehouse.path.read_bytes()
    with pytest.raises(DatabaseNewerError, match=r"version 999.*Update the program"):
        open_once(warehouse, way)
    assert warehouse.path.read_bytes() == before


VERSION_2 = """
DROP TABLE ops.fetched_days;
ALTER TABLE ops.exchanges ADD COLUMN steps_pending VARCHAR[];
DROP TABLE ops.extraction_pages;
CREATE TABLE ops.extraction_pages (walk VARCHAR, page BIGINT, total BIGINT, order_ids BIGINT[],
    fetched_at TIMESTAMPTZ, PRIMARY KEY (walk, page));
INSERT INTO ops.extraction_pages VALUES ('created 2026-03-01', 1, 0, [], now());
DELETE FROM ops.schema_version;
INSERT INTO ops.schema_version (version, migrated_at) VALUES (2, now());
INSERT INTO ops.exchanges BY NAME
SELECT unnest([1, 2, 3, 4]) AS exchange_id, 'shop' AS profile, 'period' AS kind, 'succeeded' AS status,
    now() AS started_at,
    unnest([DATE '2026-03-01', '2026-03-10', '2026-03-12', '2026-03-12']) AS period_from,
    unnest([DATE '2026-03-02', '2026-03-11', '2026-03-12', '2026-03-12']) AS period_to,
    unnest([7, 0, 4, 0]) AS requests,
    0 AS orders_seen, 0 AS orders_created, 0 AS orders_updated, 0 AS orders_unchanged, 0 AS orders_rejected,
    0 AS partners_created, 0 AS products_created;
INSERT INTO ops.loaded_days BY NAME
SELECT unnest([DATE '2026-03-01', '2026-03-02', '2026-03-10', '2026-03-11', '2026-03-12']) AS order_day,
    unnest([1, 1, 2, 2, 4]) AS exchange_id, now() AS loaded_at, 0 AS orders_seen;
"""
"""A file of version 2: two days of a load, two days of `orders` materialized alone without any request, and one day
that was fetched by one exchange and derived by the next."""


def test_days_that_were_never_fetched_no_longer_count_as_loaded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One click on a day that nobody had fetched called it loaded; such days are found, removed, and named once."""
    path = tmp_path / "shop.duckdb"
    warehouse = Warehouse(path, "Europe/Kyiv")
    with warehouse.writing() as connection:
        connection.execute(VERSION_2)
    for _ in range(2):
        with warehouse.reading() as connection:
            days = connection.execute(
                "SELECT order_day::VARCHAR FROM ops.loaded_days ORDER BY order_day"
            ).fetchall()
        assert [day for (day,) in days] == ["2026-03-01", "2026-03-02", "2026-03-12"]
    (sentence,) = caplog.messages
    assert "never fetched from KeyCRM: 2026-03-10 to 2026-03-11." in sentence
    # The others may be derived again without being fetched again.
    fetched = ask(path, "SELECT order_day::VARCHAR, len(stages) FROM ops.fetched_days ORDER BY order_day")
    assert fetched == [("2026-03-01", 7), ("2026-03-02", 7), ("2026-03-12", 7)]
    assert ask(path, "SELECT count(*) FROM ops.extraction_pages") == [(0,)]
    assert (
        ask(path, "SELECT column_name FROM duckdb_columns() WHERE column_name IN ('walk', 'steps_pending')")
        == []
    )


def test_cards_exported_before_organisations_stay_exported(tmp_path: Path) -> None:
    """A card that the accounting system has already is not announced as new after the update."""
    warehouse = Warehouse(tmp_path / "shop.duckdb", "Europe/Kyiv")
    with warehouse.writing() as connection:
        connection.execute(
            """
            DROP TABLE ops.exported_cards;
            CREATE TABLE ops.exported_cards (format VARCHAR, card_kind VARCHAR, card_id BIGINT, period_from DATE,
                period_to DATE, exported_at TIMESTAMPTZ, PRIMARY KEY (format, card_kind, card_id));
            INSERT INTO ops.exported_cards
            VALUES ('csv', 'partner', 7, DATE '2026-03-01', DATE '2026-03-31', TIMESTAMPTZ '2026-04-01 09:00:00+00');
            UPDATE ops.schema_version SET version = 4, digest = NULL;
            """
        )
    rows = "SELECT format, organisation, card_kind, card_id FROM ops.exported_cards ORDER BY organisation"
    with warehouse.writing() as connection:
        assert connection.execute(rows).fetchall() == [("csv", "", "partner", 7)]
        # The same card is new in the books of one legal entity.
        connection.execute(
            "INSERT INTO ops.exported_cards BY NAME SELECT * REPLACE ('ФОП' AS organisation) FROM ops.exported_cards"
        )
    assert ask(warehouse.path, rows) == [("csv", "", "partner", 7), ("csv", "ФОП", "partner", 7)]
