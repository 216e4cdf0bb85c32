"""What is particular about books in a lake: what it says of itself, what keeps it from being used, and S3."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.run.session import holding
from keycrm_pipeline.warehouse.engines import lake as engine
from keycrm_pipeline.warehouse.engines import lake_readers
from keycrm_pipeline.warehouse.errors import (
    LakeElsewhereError,
    LakeFilesError,
    LakeKeysError,
    LakeMissingError,
    LakeNameError,
    LakePackageError,
)
from keycrm_pipeline.warehouse.integrity import doubled_keys
from keycrm_pipeline_tests.lake.books import LakeBooks, commands_of, lake_books
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, kyiv
from keycrm_pipeline_tests.postgres import query


@pytest.fixture
def books(tmp_path: Path, catalog: str) -> LakeBooks:
    """An account with three orders; nothing is loaded yet."""
    made = lake_books(tmp_path, catalog)
    for order_id in (1, 2, 3):
        made.order(order_id, kyiv(2026, 3, 2, 10 + order_id))
    return made


def test_before_the_first_load(books: LakeBooks) -> None:
    """Nothing is there, commands say so, and looking makes nothing."""
    place = commands_of(books)
    assert "Nothing has been loaded yet for profile shop." in place.run("status").output
    assert "Nothing needs your attention." in place.run("review").output
    with pytest.raises(LakeMissingError, match="nothing was loaded for it"):
        books_of(books.workspace).table("accounting.orders")
    assert not is_held(place_of(books.workspace))
    assert query(books.catalog, "SELECT count(*) FROM pg_namespace WHERE nspname = 'shop'") == [(0,)]
    assert not (books.directory / "lakes").exists()


def test_status_says_where_the_books_are(books: LakeBooks) -> None:
    """Not how large a file is that does not exist."""
    books.load()
    place = commands_of(books)
    assert f"The books are in a lake, with its files in {books.place}/shop/." in place.run("status").output
    said = json.loads(place.run("status", "--json").output)
    assert said["lake"] == f"{books.place}/shop/"
    assert said["last_exchange"]["orders_created"] == 3
    file = {"KEYCRM_LAKE_DATA": str(books.directory / "elsewhere")}
    place.variables |= file
    result = place.run("status")
    assert result.exit_code == 1
    assert f"are in {books.place}/shop/, but KEYCRM_LAKE_DATA leads to {books.directory}/elsewhere/shop/" in (
        result.output.replace("\n", " ")
    )


def test_a_reading_sees_one_state(books: LakeBooks) -> None:
    """However long it lasts, and it keeps no exchange from writing meanwhile."""
    books.load()
    with books.warehouse.reading() as connection:
        count = "SELECT count(*) FROM accounting.orders"
        assert connection.execute(count).fetchall() == [(3,)]
        books.order(4)
        assert books.load().orders_created == 1
        assert connection.execute(count).fetchall() == [(3,)]
    assert books.query(count) == [(4,)]


CONNECTIONS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


def test_a_lake_stays_attached_for_the_next_reading(books: LakeBooks) -> None:
    """Readings one after the other share a connection to PostgreSQL, and each sees the newest state."""
    books.load()
    count = "SELECT count(*) FROM accounting.orders"
    assert books.query(count) == [(3,)]
    (connections,) = query(books.catalog, f"SELECT count(*), min(backend_start) {CONNECTIONS}")
    books.order(4)
    books.load()
    assert [books.query(count) for _ in range(3)] == [[(4,)]] * 3
    assert query(books.catalog, f"SELECT count(*), min(backend_start) {CONNECTIONS}") == [connections]


def test_a_reading_after_postgres_was_restarted(books: LakeBooks) -> None:
    """The connection that was kept is gone; whoever reads next notices nothing of it."""
    books.load()
    assert len(books.rows("orders")) == 3
    ended = query(books.catalog, f"SELECT pg_terminate_backend(pid, 5000) {CONNECTIONS}")
    assert ended
    assert len(books.rows("orders")) == 3


def test_only_whoever_holds_the_lock_writes(books: LakeBooks) -> None:
    """A command that writes a little takes the lock for that, and it is free again afterwards."""
    books.load()
    with holding(books.workspace, "test") as warehouse:
        assert is_held(place_of(books.workspace))
        with warehouse.transaction() as connection:
            connection.execute("UPDATE accounting.partners SET updated_at = updated_at")
        busy = books.warehouse.waiting_at_most(0)
        with (
            pytest.raises(Exception, match=r"being written by another exchange \(run test, process"),
            busy.writing(),
        ):
            pass
    assert not is_held(place_of(books.workspace))
    with books.warehouse.transaction() as connection:
        connection.execute("UPDATE accounting.partners SET updated_at = updated_at")


def test_key_that_is_there_twice_is_found(books: LakeBooks) -> None:
    """A lake refuses none, so a check looks for them."""
    books.load()
    with books.warehouse.writing() as connection:
        assert doubled_keys(connection) == {}
        connection.execute("INSERT INTO accounting.orders FROM accounting.orders WHERE order_id < 3")
        assert doubled_keys(connection) == {"accounting.orders": 2}


def test_what_is_missing_is_named(books: LakeBooks, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A package, a name that PostgreSQL can have, files that are gone."""
    books.load()
    shutil.rmtree(books.directory / "lakes")
    with pytest.raises(LakeFilesError, match="cannot be read or written"):
        books.rows("orders")
    with monkeypatch.context() as patched:
        patched.setattr(engine, "_EXTENSIONS", ("ducklake", "quack"))
        with pytest.raises(
            LakePackageError, match="the package duckdb-extension-quack, which is not installed"
        ):
            books.rows("orders")
    for name in ("pg_shop", "public", "s" * 64):
        renamed = books.profile.model_copy(update={"name": name})
        with pytest.raises(LakeNameError, match="PostgreSQL uses that name itself"):
            LakeBooks(
                tmp_path, renamed, books.shop, books.api, catalog=books.catalog, place=books.place
            ).load()
    with pytest.raises(LakeElsewhereError):
        LakeBooks(
            tmp_path,
            books.profile,
            books.shop,
            books.api,
            catalog=books.catalog,
            place=str(tmp_path / "other"),
        ).rows("orders")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a folder in S3, as moto plays it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        boto3.client("s3").create_bucket(
            Bucket="books", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield "s3://books/lakes"
    finally:
        server.stop()


def test_in_s3_the_files_are_encrypted(
    tmp_path: Path, catalog: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's name is in the bucket; without keys, or without the bucket, the error says what is wrong."""
    import boto3

    books = lake_books(tmp_path, catalog, bucket)
    books.order(1)
    assert books.load(MARCH_2, date(2026, 3, 3)).orders_created == 1
    assert len(books.rows("orders")) == 1
    listed = boto3.client("s3").list_objects_v2(Bucket="books")["Contents"]
    assert len(listed) > 10
    for one in listed:
        assert one["Key"].startswith("lakes/shop/")
        content = boto3.client("s3").get_object(Bucket="books", Key=one["Key"])["Body"].read()
        assert content.startswith(b"PARE"), one["Key"]
    assert query(catalog, "SELECT value FROM shop.ducklake_metadata WHERE key = 'encrypted'") == [("true",)]
    gone = lake_books(tmp_path, f"{catalog} application_name=gone", "s3://nowhere/lakes")
    gone = LakeBooks(
        tmp_path,
        gone.profile.model_copy(update={"name": "gone"}),
        books.shop,
        books.api,
        catalog=catalog,
        place="s3://nowhere/lakes",
    )
    with pytest.raises(LakeFilesError, match="s3://nowhere/lakes/gone/ cannot be read or written"):
        gone.load()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    # What was attached with the keys is used for a minute more.
    monkeypatch.setattr(lake_readers, "KEPT_SECONDS", 0.0)
    with pytest.raises(LakeKeysError, match="no usable keys for S3"):
        books.rows("orders")
