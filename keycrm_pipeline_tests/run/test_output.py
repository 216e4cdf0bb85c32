"""Finished files are put into a directory or a bucket as well: whole, in words when that fails, without its secrets."""

from __future__ import annotations

import stat
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from upath import UPath

from keycrm_pipeline.exports import ExportError, export_period
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Settings, Workspace, settings_from_environment
from keycrm_pipeline.reports.files import ReportError, report_period
from keycrm_pipeline.run.output import OutputError, deliver, delivered_to
from keycrm_pipeline_tests.pipeline.bookkeeping import make_books

NOW = datetime(2026, 3, 31, 9, 0, tzinfo=UTC)
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))


def settings(tmp_path: Path, output: str | None) -> Settings:
    return Settings(tmp_path / "profiles", tmp_path / "data", output=output)


def made(tmp_path: Path, content: bytes = b"orders") -> Path:
    file = tmp_path / "shop_2026-03-01_2026-03-31.csv"
    file.write_bytes(content)
    return file


def test_the_place_is_named_by_the_environment() -> None:
    directories = {"KEYCRM_PROFILES_DIR": "p", "KEYCRM_DATA_DIR": "d"}
    assert settings_from_environment(directories).output is None
    assert settings_from_environment(directories | {"KEYCRM_OUTPUT": "  "}).output is None
    named = settings_from_environment(directories | {"KEYCRM_OUTPUT": "s3://books/files"})
    assert named.output == "s3://books/files"
    assert delivered_to(named, "reports", ["a.html"]) == ["s3://books/files/reports/a.html"]


def test_files_go_into_a_bucket(tmp_path: Path) -> None:
    """In the memory of this process; S3 was tried by hand."""
    place = settings(tmp_path, "memory://books/files/")
    deliver([made(tmp_path)], place, "exports")
    (address,) = delivered_to(place, "exports", ["shop_2026-03-01_2026-03-31.csv"])
    assert UPath(address).read_bytes() == b"orders"


@pytest.mark.parametrize("written", ["{}", "file://{}", "~/out"])
def test_files_go_into_a_directory_for_their_owner_alone(
    tmp_path: Path, written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    place = settings(tmp_path, written.format(tmp_path / "out"))
    deliver([made(tmp_path)], place, "exports")
    stored = tmp_path / "out" / "exports" / "shop_2026-03-01_2026-03-31.csv"
    assert stored.read_bytes() == b"orders"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_nobody_reads_half_a_file(tmp_path: Path) -> None:
    """A reader that looks all the time sees the old file or the new one."""
    place = settings(tmp_path, str(tmp_path / "out"))
    contents = [bytes([number]) * 3_000_000 for number in (1, 2)]
    deliver([made(tmp_path, contents[0])], place, "exports")
    stored = tmp_path / "out" / "exports" / "shop_2026-03-01_2026-03-31.csv"
    seen: set[bytes] = set()
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            seen.add(stored.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for round_ in range(20):
            deliver([made(tmp_path, contents[round_ % 2])], place, "exports")
    finally:
        is_over.set()
        reader.join()
    assert seen <= set(contents)


def test_what_fails_is_said_in_words_and_without_the_secret(tmp_path: Path) -> None:
    """An address may hold a password; what a library says may quote it."""
    closed = tmp_path / "closed"
    closed.write_text("no directory", "utf-8")
    for output, said in (
        ("ftps3://user:s3cret@host/files", "ValueError"),
        # gcsfs is not installed, neither here nor on the hosts.
        ("gs://user:s3cret@books", r"pip install 'keycrm-pipeline\[distributed\]'"),
        (str(closed), "not a directory|it is a file"),
    ):
        with pytest.raises(OutputError, match=said) as caught:
            deliver([made(tmp_path)], settings(tmp_path, output), "exports")
        assert "KEYCRM_OUTPUT" in str(caught.value)
        assert "s3cret" not in str(caught.value)
        assert caught.value.__cause__ is None


def test_without_a_place_nothing_is_put(tmp_path: Path) -> None:
    deliver([made(tmp_path)], settings(tmp_path, None), "exports")
    assert delivered_to(settings(tmp_path, None), "exports", ["a.csv"]) == []


def loaded(tmp_path: Path, output: Path) -> Workspace:
    """The workspace of books with an order, whose files are put into a directory as well."""
    books = make_books(tmp_path)
    books.order(1)
    books.load()
    return Workspace(books.profile, replace(books.settings, output=str(output)))


def test_exports_and_reports_are_put_there_too(tmp_path: Path) -> None:
    """A worker whose disk is gone afterwards has made them for nothing otherwise."""
    out = tmp_path / "out"
    workspace = loaded(tmp_path, out)
    result = export_period(workspace, MARCH, export_format="csv", now=NOW)
    assert result.files
    for file in result.files:
        assert (out / "exports" / file.name).read_bytes() == file.read_bytes()
    report = report_period(workspace, MARCH, language="uk", now=NOW)
    assert (out / "reports" / report.name).read_bytes() == report.read_bytes()
    # A file that somebody names is for them.
    report_period(workspace, MARCH, language="uk", path=tmp_path / "mine.html", now=NOW)
    export_period(workspace, MARCH, export_format="csv", directory=tmp_path / "mine", now=NOW)
    assert {path.name for path in (out / "reports").iterdir()} == {report.name}
    assert {path.name for path in (out / "exports").iterdir()} == {file.name for file in result.files}


def test_an_export_that_cannot_be_put_there_has_handed_nothing_over(tmp_path: Path) -> None:
    """Otherwise the accounting system would wait for documents that count as handed over."""
    out = tmp_path / "out"
    workspace = loaded(tmp_path, out)
    out.write_text("no directory", "utf-8")
    with pytest.raises(ExportError, match="KEYCRM_OUTPUT"):
        export_period(workspace, MARCH, export_format="csv", now=NOW)
    with pytest.raises(ReportError, match="KEYCRM_OUTPUT"):
        report_period(workspace, MARCH, language="uk", now=NOW)
    assert [path for path in workspace.exports_directory.glob("*") if not path.name.startswith(".")] == []
    out.unlink()
    result = export_period(workspace, MARCH, export_format="csv", now=NOW)
    assert result.hand_over.count("new") == 1
