"""The reader of the books: exact values, the days asked for, errors in words, and readings while a load writes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pandera.errors
import pytest

import keycrm_pipeline
from keycrm_pipeline.profile import ProfileError, Settings
from keycrm_pipeline.reading import Books
from keycrm_pipeline.schemas.accounting import ORDERS
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import DatabaseBusyError, DatabaseMissingError, WarehouseError
from keycrm_pipeline_tests.exports.small_shop import shop_in, small_shop
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, script_at_work


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The books of a shop with eight orders in March 2026 and one in February."""
    return keycrm_pipeline.books_of(small_shop(tmp_path_factory.mktemp("books")).workspace)


def test_values_are_exact(books: Books) -> None:
    """No kopiyka becomes a binary float, no integer a float because another row lacks it, no instant loses its zone."""
    order = books.table("accounting.orders", date(2026, 3, 1), date(2026, 3, 1)).iloc[0]
    assert order["grand_total"] == Decimal("599.99")
    assert order["order_day"] == date(2026, 3, 1)
    assert order["ordered_at"] == datetime(2026, 2, 28, 22, 15, tzinfo=UTC)
    assert str(order["ordered_at"]) == "2026-03-01 00:15:00+02:00"
    # Orders without a source have none, and the others keep whole numbers.
    sources = books.table("accounting.orders")["source_id"]
    assert sources.isna().any()
    assert str(sources.dtype) == "int64[pyarrow]"
    assert books.table("accounting.orders", end=date(2026, 3, 29))["grand_total"].sum() > Decimal("633.29")


def test_period_and_columns_are_those_asked_for(books: Books) -> None:
    """Both days are included; a line or a payment belongs to the day of its order."""
    columns = ["grand_total", "order_id"]
    orders = books.table("accounting.orders", date(2026, 3, 29), date(2026, 3, 30), columns)
    assert list(orders.columns) == columns
    assert orders["order_id"].tolist() == [102, 103]
    lines = books.table(
        "accounting.order_lines", date(2026, 3, 29), date(2026, 3, 30), ["order_id", "amount"]
    )
    assert lines.values.tolist() == [[102, Decimal("33.30")], [103, Decimal("45.05")]]
    assert books.table("accounting.orders", start=date(2026, 3, 30))["order_id"].tolist() == [103]
    assert books.table("accounting.orders", date(2026, 4, 1), date(2026, 4, 30)).empty


def test_the_same_rows_in_other_kinds_of_frames(books: Books) -> None:
    """Whoever works with polars or Arrow gets the same rows, not a copy by way of pandas."""
    columns = ["order_id", "grand_total"]
    expected = books.table("accounting.orders", columns=columns).values.tolist()
    assert [list(row) for row in books.polars("accounting.orders", columns=columns).rows()] == expected
    assert [
        list(row.values()) for row in books.arrow("accounting.orders", columns=columns).to_pylist()
    ] == expected


def test_query_with_parameters(books: Books) -> None:
    """Whatever no table shows."""
    query = """
        SELECT currency, sum(grand_total) AS total
        FROM accounting.orders WHERE order_id BETWEEN $first AND $last
        GROUP BY ALL ORDER BY ALL
    """
    result = books.sql(query, {"first": 101, "last": 103})
    assert result.to_dict("records") == [
        {"currency": "EUR", "total": Decimal("48.55")},
        {"currency": "UAH", "total": Decimal("633.29")},
    ]
    assert books.sql("SELECT ? AS answer", [42])["answer"].tolist() == [42]


def test_a_query_cannot_write(books: Books) -> None:
    """What people try in a notebook must not reach the books."""
    with pytest.raises(duckdb.Error, match="read-only"):
        books.sql("DELETE FROM accounting.orders")


@pytest.mark.parametrize(
    ("table", "options", "said"),
    [
        ("accounting.order", {}, r"no table or view 'accounting\.order'\. Did you mean accounting\.orders\?"),
        ("orders; DROP TABLE x", {}, "no table or view"),
        ("accounting.orders", {"columns": ["grand_totl"]}, r"Did you mean grand_total\?"),
        ("accounting.partners", {"start": date(2026, 3, 1)}, "belong to no day"),
    ],
)
def test_mistakes_are_told_in_words(books: Books, table: str, options: dict[str, object], said: str) -> None:
    """A misspelt name is answered with the right one."""
    with pytest.raises(WarehouseError, match=said):
        books.table(table, **options)  # type: ignore[arg-type]


def test_books_of_a_profile_by_name(tmp_path: Path) -> None:
    """A notebook knows a name; where things are comes from the environment or from the caller."""
    settings = Settings(tmp_path, tmp_path)
    (tmp_path / "shop.yaml").write_text("start_date: 2026-01-01\n", encoding="utf-8")
    with pytest.raises(DatabaseMissingError, match="nothing was loaded"):
        keycrm_pipeline.books_of("shop", settings).table("accounting.orders")
    with pytest.raises(ProfileError, match="shopp"):
        keycrm_pipeline.books_of("shopp", settings)
    with pytest.raises(AttributeError, match="book_of"):
        _ = keycrm_pipeline.book_of


def test_rows_are_validated_on_request(tmp_path: Path) -> None:
    """A total that somebody changed by hand is found; without the request the rows come as they are."""
    books = keycrm_pipeline.books_of(small_shop(tmp_path).workspace)
    valid = books.table("accounting.orders", columns=["order_id", "currency", "grand_total"], validate=True)
    assert len(valid) == 9
    with Warehouse(books.workspace.database, "Europe/Kyiv").writing() as connection:
        connection.execute("UPDATE accounting.orders SET grand_total = 600 WHERE order_id = 101")
    assert len(books.table("accounting.orders")) == 9
    with pytest.raises(
        pandera.errors.SchemaErrors, match=r"goods_total \+ services_total \+ difference is not"
    ):
        books.table("accounting.orders", validate=True)
    with pytest.raises(ValueError, match=r"reports\.sales_by_day is a view"):
        books.table("reports.sales_by_day", validate=True)


def test_schema_for_frames_of_one_s_own(books: Books) -> None:
    """People check what they made of the books with the schema of the books: hryvnias, keys, required values."""
    frame = books.table("accounting.orders", date(2026, 3, 1), date(2026, 3, 1))
    schema = ORDERS.pandas_schema()
    pd.testing.assert_frame_equal(schema.validate(frame.assign(own=1)).drop(columns="own"), frame)
    for wrong, said in (
        (pd.concat([frame, frame], ignore_index=True), "order_id"),
        (frame.assign(currency=pd.Series([None], dtype=frame["currency"].dtype)), "currency"),
        (frame.assign(ordered_at=frame["ordered_at"].dt.tz_localize(None)), "not a time with a zone"),
        (frame.assign(grand_total=599.99), "grand_total"),
    ):
        with pytest.raises(pandera.errors.SchemaErrors, match=said):
            schema.validate(wrong, lazy=True)


def test_file_held_by_another_program_is_named(tmp_path: Path) -> None:
    """A person sees which program to close."""
    small_shop(tmp_path)
    books = Books(shop_in(tmp_path).workspace, wait_seconds=0)
    program = (
        "import duckdb, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with script_at_work(program, str(books.workspace.database), says="open") as holder:
        with pytest.raises(DatabaseBusyError, match="held by another program"):
            books.table("accounting.orders")
        holder.communicate("")
    assert len(books.table("accounting.orders")) == 9


def test_readings_while_a_load_writes(tmp_path: Path) -> None:
    """A dashboard that asks all the time is never refused, sees whole states only, and stops no load."""
    environment = os.environ | {"KEYCRM_DATA_DIR": str(tmp_path), "DAGSTER_HOME": str(tmp_path)}

    def load(first: str, last: str) -> list[str]:
        return [
            *(sys.executable, "-m", "keycrm_pipeline.cli", "load", "--profile", "demo"),
            *("--from", first, "--to", last),
        ]

    subprocess.run(load("2026-03-01", "2026-03-01"), env=environment, check=True, capture_output=True)
    settings = Settings(Path(__file__).parents[2] / "profiles", tmp_path)
    books = keycrm_pipeline.books_of("demo", settings)
    before = len(books.table("accounting.orders"))
    with subprocess.Popen(
        load("2026-03-01", "2026-03-21"), env=environment, stdout=subprocess.DEVNULL
    ) as process:
        seen = [before]
        until = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and time.monotonic() < until:
            seen.append(len(books.table("accounting.orders", columns=["order_id"])))
        assert process.poll() == 0
    after = len(books.table("accounting.orders"))
    assert after > 10 * before
    # Documents of a batch are stored together, so the number only grows.
    assert (seen[1], sorted(seen)) == (before, seen)
    assert seen[-1] <= after
