"""What killed processes leave in the data directory, and that the next exchange removes it and nothing else."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books

UNFINISHED = (
    ".export-a1b2c3d4/orders.csv",
    ".shop.html.x_y_z_12.part",
    ".page-password.abcdefgh",
)
OTHERS = (".gitignore", ".DS_Store", "shop-2026-03.html", "notes.part", "old.duckdb")
DIRECTORIES = ("", "exports", "reports", "keys", "runs")


def write(path: Path, books: Books, hours: float) -> Path:
    """A file that was last written so many hours before the next exchange."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("Олена Тестова", "utf-8")
    moment = (books.now - timedelta(hours=hours)).timestamp()
    for each in (path, path.parent):
        os.utime(each, (moment, moment))
    return path


def test_the_next_exchange_removes_what_killed_ones_left(tmp_path: Path) -> None:
    """Half an export holds names and phones: it must not lie around for ever. What somebody else put there stays."""
    books = make_books(tmp_path)
    data = books.settings.data_directory
    left = [write(data / directory / name, books, 2) for directory in DIRECTORIES for name in UNFINISHED]
    kept = [write(data / directory / name, books, 2) for directory in DIRECTORIES for name in OTHERS]
    copies = [write(data / name, books, 0) for name in ("shop.duckdb.compact", "shop.duckdb.compact.wal")]
    books.order(1)
    books.load()
    assert [path for path in (*left, *copies) if path.exists()] == []
    assert [
        path for path in (data / directory / ".export-a1b2c3d4" for directory in DIRECTORIES) if path.exists()
    ] == []
    assert [path for path in kept if not path.exists()] == []


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    """Another process writes an export at this moment; an exchange must not take it away."""
    books = make_books(tmp_path)
    path = write(books.settings.data_directory / "exports" / UNFINISHED[0], books, 0.9)
    books.order(1)
    books.load()
    assert path.exists()
