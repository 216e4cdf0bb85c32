"""A disk that is read-only or full: what can be read is read, and what cannot be written is told in words."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keycrm_pipeline.kinds import EXPORT_FORMATS
from keycrm_pipeline.run import lock
from keycrm_pipeline_tests.commands.place import MARCH_4, Account, Place
from keycrm_pipeline_tests.disks import fill, read_only, small_disk
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

MOMENT = datetime(2024, 3, 4, 10, tzinfo=UTC)
DAY = ("--from", "2024-03-04", "--to", "2024-03-04")

_LEAVE_A_LOG = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("SET checkpoint_threshold = '1GB'")
connection.execute("UPDATE ops.exchanges SET orders_seen = 4321")
os._exit(0)
"""
"""A program that is killed before what it changed is in the file: it is in the log next to it."""


def load_a_day(books: Books) -> None:
    books.order(1, MOMENT)
    books.load(MARCH_4, MARCH_4)


def test_a_read_only_disk_is_read(books: Books, place: Place, tmp_path: Path) -> None:
    """A backup that is mounted read-only, with the log of a killed program: `status` and `report` read all of it."""
    load_a_day(books)
    data = place.directory / "data"
    (data / "shop.duckdb.lock").touch()
    subprocess.run([sys.executable, "-c", _LEAVE_A_LOG, str(data / "shop.duckdb")], check=True)
    assert (data / "shop.duckdb.wal").stat().st_size > 0
    with read_only(place.directory, tmp_path.with_name(f"{tmp_path.name}-read-only")) as seen:
        reader = Place(seen)
        code, printed = reader.json("status")
        assert (code, printed["last_exchange"]["orders_seen"]) == (0, 4321)
        written = tmp_path / "report.html"
        done = reader.run("report", *DAY, "--out", str(written), "--lang", "en")
        assert (done.exit_code, done.stdout) == (0, f"{written}\n")
        with lock.held(data / "shop.duckdb.lock", "run-1"):
            assert lock.is_held(seen / "data" / "shop.duckdb.lock")
        assert not lock.is_held(seen / "data" / "shop.duckdb.lock")

        done = reader.run("export", *DAY, "--out", str(tmp_path / "out"), "--lang", "en")
        assert done.exit_code == 1
        assert (
            f"The data directory {seen / 'data'} cannot be written to: the disk is read-only." in done.stderr
        )
        done = reader.run("load", *DAY, "--lang", "en")
        assert done.exit_code == 1
        assert f"history {seen / 'dagster'} cannot be written to: the disk is read-only." in done.stderr


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_an_export_to_a_full_disk(books: Books, place: Place, tmp_path: Path, export_format: str) -> None:
    """Each format is written by another library; nothing of it is left."""
    load_a_day(books)
    with small_disk(tmp_path / "disk", 1) as disk:
        out = disk / "out"
        out.mkdir()
        fill(disk)
        done = place.run("export", *DAY, "--format", export_format, "--out", str(out), "--lang", "en")
        assert done.exit_code == 1
        assert done.stderr.startswith(f"Error: The disk that holds {out} is full.")
        done = place.run("export", *DAY, "--format", export_format, "--out", str(out), "--lang", "uk")
        assert done.stderr.startswith(f"Помилка: На диску, де лежить {out}, немає місця.")
        assert list(out.iterdir()) == []


def test_a_full_disk_of_dagsters_history(place: Place, account: Account, tmp_path: Path) -> None:
    """Told as that, whether the history is new or has runs."""
    account.order(1)
    place.write_profile(base_url=account.url)
    with small_disk(tmp_path / "disk", 16) as disk:
        place.variables |= {"DAGSTER_HOME": str(disk / "home"), "KEYCRM_API_KEY": "the-key-of-the-tests"}
        code, printed = place.json("load", *DAY)
        assert (code, printed["error"]) == (0, None)
        fill(disk)
        code, printed = place.json("load", *DAY)
        assert (code, printed["status"], printed["profile"]) == (1, "failed", place.profile().name)
        assert printed["error"].startswith(f"The disk that holds Dagster's history {disk / 'home'} is full.")
        place.variables["DAGSTER_HOME"] = str(disk / "new")
        done = place.run("load", *DAY, "--lang", "uk")
        assert done.exit_code == 1
        assert f"На диску, де лежить історія Dagster {disk / 'new'}, немає місця." in done.stderr


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_full_disk_under_what_a_command_prints(books: Books, place: Place, form: tuple[str, ...]) -> None:
    """`keycrm-pipeline status > file`: JSON cannot say it either, so it is said beside it, and once."""
    load_a_day(books)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "keycrm_pipeline", "status", *form, "--lang", "en"],
            env={**os.environ, **place.environment},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "Error: What the command says cannot be written: the disk is full. What was stored is safe; "
        "`keycrm-pipeline status` shows the last exchange.\n",
    )
