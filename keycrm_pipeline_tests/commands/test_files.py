"""`export` and `report`, by command and by the assets of the page: the files appear, and say what they hold."""

from __future__ import annotations

import os
import signal
import stat
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from keycrm_pipeline.exports import documents
from keycrm_pipeline.orchestration.definitions import build_definitions
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline_tests.commands.place import MARCH_4, Place
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

DAY = ("--from", "2024-03-04", "--to", "2024-03-04")


@pytest.fixture
def loaded(books: Books) -> Books:
    """Books with two good orders of 4 March 2024 and a rejected one."""
    for order_id, changes in ((1, {}), (2, {}), (3, {"grand_total": None})):
        books.order(order_id, datetime(2024, 3, 4, 10, tzinfo=UTC), **changes)
    books.load(MARCH_4)
    return books


@pytest.mark.usefixtures("loaded")
def test_an_export_says_what_it_holds_and_what_not(place: Place) -> None:
    """Two orders go out, one is held back with the reason; files are for their owner only."""
    code, printed = place.json("export", *DAY, "--format", "csv")
    assert code == 0
    assert (printed["counts"]["orders"], printed["counts"]["order_lines"]) == (2, 2)
    assert (printed["new_partners"], printed["new_products"]) == (1, 1)
    assert [(entry["cause"], entry["orders"], entry["order_ids"]) for entry in printed["held_back"]] == [
        ("rejected", 1, [3])
    ]
    assert printed["days_not_loaded"] == []
    files = [Path(path) for path in printed["files"]]
    assert {path.parent for path in files} == {place.directory / "data" / "exports"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    shown = place.run("export", *DAY, "--out", str(place.directory / "out")).stdout
    assert str(place.directory / "out" / "shop_2024-03-04_2024-03-04.xlsx") in shown
    assert "Orders held back: 1." in shown


@pytest.mark.usefixtures("loaded")
def test_ctrl_c_during_a_query_is_a_stop(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB makes a RuntimeError of it, which was told as an unexpected one, with 1."""

    def query_for_long(connection: duckdb.DuckDBPyConnection, *_values: Any) -> None:
        threading.Timer(0.1, signal.raise_signal, (signal.SIGINT,)).start()
        connection.execute("SELECT count(*) FROM range(100_000_000_000) WHERE hash(range) = 5")

    monkeypatch.setattr(documents, "choose_documents", query_for_long)
    result = place.run("export", *DAY)
    assert (result.exit_code, result.stderr) == (130, "Error: Stopped by hand. What was stored is safe.\n")


@pytest.mark.usefixtures("loaded")
def test_a_home_directory_that_no_shell_has_replaced(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--out=~/exports` made a directory named `~`, with names and phones in it."""
    monkeypatch.setenv("HOME", str(place.directory))
    monkeypatch.chdir(place.directory)
    assert place.run("export", *DAY, "--out=~/exports").exit_code == 0
    assert place.run("report", *DAY, "--out=~/report.html").exit_code == 0
    assert (place.directory / "exports" / "shop_2024-03-04_2024-03-04.xlsx").exists()
    assert (place.directory / "report.html").exists()


@pytest.mark.usefixtures("loaded")
def test_days_that_were_never_loaded_are_told(place: Place) -> None:
    """An export of a week of which one day was loaded is no export of a week."""
    _, printed = place.json("export", "--from", "2024-03-03", "--to", "2024-03-05")
    assert printed["days_not_loaded"] == ["2024-03-03", "2024-03-05"]
    shown = place.run("export", "--from", "2024-03-03", "--to", "2024-03-05").stdout
    assert "Days of the period that were never loaded: 2 (3 Mar 2024, 5 Mar 2024)." in shown


@pytest.mark.usefixtures("loaded")
def test_a_report_is_one_file(place: Place) -> None:
    """Where it says; for its owner only; in Ukrainian unless English is asked for, and then next to it."""
    code, printed = place.json("report", *DAY)
    path = Path(printed["file"])
    assert (code, path) == (0, place.directory / "data" / "reports" / "shop_2024-03-04_2024-03-04.html")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert '<html lang="uk"' in path.read_text("utf-8")
    english = place.directory / "english.html"
    result = place.run("report", *DAY, "--lang", "en", "--out", str(english))
    assert (result.exit_code, result.stdout) == (0, f"{english}\n")
    assert '<html lang="en"' in english.read_text("utf-8")
    _, printed = place.json("report", *DAY, "--lang", "en")
    assert Path(printed["file"]) == path.with_name("shop_2024-03-04_2024-03-04_en.html")
    assert '<html lang="uk"' in path.read_text("utf-8")


def test_before_the_first_load(place: Place) -> None:
    """There is nothing to hand over: 1, in words, and no empty file."""
    place.write_profile()
    for command in ("export", "report"):
        code, printed = place.json(command, *DAY)
        assert (code, printed["profile"]) == (1, "shop")
        assert "nothing was loaded for this profile" in printed["error"]
    assert not (place.directory / "data").exists()


@pytest.mark.usefixtures("loaded")
def test_a_report_takes_the_place_of_no_device_and_of_no_link(place: Place) -> None:
    """`--out /dev/null` by the administrator made a file of the device, for all programs of the machine."""
    pipe = place.directory / "pipe"
    os.mkfifo(pipe)
    code, printed = place.json("report", *DAY, "--out", str(pipe))
    assert (code, printed["status"]) == (1, "failed")
    assert printed["error"].startswith(f"The report cannot be written to {pipe}: it is not a file.")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    link, target = place.directory / "newest.html", place.directory / "report.html"
    link.symlink_to(target)
    assert place.run("report", *DAY, "--out", str(link)).exit_code == 0
    assert (link.is_symlink(), target.read_text("utf-8").startswith("<!DOCTYPE html>")) == (True, True)


@pytest.mark.usefixtures("loaded")
def test_a_place_that_cannot_be_written_to(place: Place) -> None:
    """A file stands where the directory should be: 1, and which directory."""
    (place.directory / "taken").write_text("", "utf-8")
    out = place.directory / "taken" / "out"
    code, printed = place.json("export", *DAY, "--out", str(out))
    assert code == 1
    assert str(out) in printed["error"]
    code, printed = place.json("report", *DAY, "--out", str(out / "report.html"))
    assert code == 1
    assert "Choose another file with --out." in printed["error"]


@pytest.mark.parametrize(
    ("first", "last", "period"),
    [
        (None, None, ("2024-02-05", "2024-03-05")),
        (None, date(2024, 3, 1), ("2024-02-01", "2024-03-01")),
        (date(2024, 3, 2), None, ("2024-03-02", "2024-03-05")),
        (None, date(2023, 1, 3), ("2023-01-01", "2023-01-03")),
        (None, date(2022, 12, 3), ("2022-12-03", "2022-12-03")),
    ],
)
def test_the_period_that_nobody_named(
    place: Place, first: date | None, last: date | None, period: tuple[str, str]
) -> None:
    """Thirty days up to the local today (the 5th in Kyiv, two hours before it is in London), never before the start."""
    place.write_profile()
    now = datetime(2024, 3, 4, 22, 30, tzinfo=UTC)
    found = Workspace(place.profile(), place.settings).period_or_last_days(first, last, now)
    assert (str(found.first), str(found.last)) == period


def _materialize(place: Place, name: str, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    definitions = build_definitions([place.profile()], place.settings)
    with dg.DagsterInstance.ephemeral() as instance:
        return definitions.resolve_job_def(f"shop_{name}").execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={
                "ops": {f"shop__{name}": {"config": config}},
                "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
            },
        )


@pytest.mark.usefixtures("loaded")
def test_the_page_makes_the_same_files(place: Place) -> None:
    """Assets `exports` and `report`: the path stands in the metadata, the default is the last 30 days."""
    day = {"period_from": "2024-03-04", "period_to": "2024-03-04"}
    result = _materialize(place, "exports", {**day, "format": "parquet"})
    (made,) = result.asset_materializations_for_node("shop__exports")
    assert made.metadata["path"] == dg.MetadataValue.path(str(place.directory / "data" / "exports"))
    assert made.metadata["rows of orders"].value == 2
    assert made.metadata["orders held back"].value == 1
    assert (place.directory / "data" / "exports" / "shop_2024-03-04_2024-03-04_orders.parquet").exists()
    (made,) = _materialize(place, "report", {}).asset_materializations_for_node("shop__report")
    path = made.metadata["path"].value
    assert isinstance(path, str)
    today = datetime.now(UTC).astimezone(place.profile().zone).date()
    assert Path(path).name == f"shop_{today - timedelta(days=29)}_{today}.html"
    assert Path(path).exists()


@pytest.mark.usefixtures("loaded")
def test_the_page_tells_what_is_wrong_in_words(place: Place) -> None:
    """A day that does not exist: one sentence, and no second try."""
    result = _materialize(place, "exports", {"period_from": "2024-02-30"})
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert (
        failure.user_failure_data.description == "A day of the period does not exist. Write it as YYYY-MM-DD."
    )
