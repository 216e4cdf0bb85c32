"""`status` and `review`: what a person sees who asks how the exchange stands, and that the answer comes at once."""

from __future__ import annotations

import csv
import json
import resource
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from keycrm_pipeline.commands import status
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run import lock
from keycrm_pipeline.warehouse.exchanges import begin_exchange
from keycrm_pipeline_tests.commands.place import MARCH_4, Place
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv, make_books, person

HEAVY = ("dagster", "polars", "pandera", "pandas", "numpy", "pyarrow", "httpx")
MOMENT = datetime(2024, 3, 4, 10, tzinfo=UTC)


def sell(books: Books, *order_ids: int, **overrides: object) -> None:
    for order_id in order_ids:
        books.order(order_id, MOMENT, **overrides)


def begin(books: Books, run_id: str) -> None:
    """Writes the row of an exchange that begins and never ends."""
    with books.warehouse.writing() as connection:
        begin_exchange(
            connection,
            profile="shop",
            run_id=run_id,
            kind="period",
            period=Period(MARCH_4, MARCH_4),
            now=books.now,
        )


def report_of(place: Place) -> str:
    """The report of the day, as a command writes it."""
    _, printed = place.json("report", "--from", "2024-03-04", "--to", "2024-03-04")
    return Path(printed["file"]).read_text("utf-8")


def test_nothing_was_loaded_yet(place: Place) -> None:
    """A new shop owner learns so, and how to begin; that is no failure."""
    place.write_profile()
    result = place.run("status")
    assert result.exit_code == 0
    assert result.stdout.startswith("Nothing has been loaded yet for profile shop. Load a period with")
    code, printed = place.json("status")
    assert code == 0
    disk = printed.pop("disk")
    assert (disk["database_bytes"], disk["history_bytes"], disk["is_short"]) == (0, 0, False)
    assert printed == {
        "profile": "shop",
        "last_exchange": None,
        "last_succeeded": None,
        "review": {},
        "rejected": 0,
        "closed_period_changes": 0,
        "days_missing": [],
        "left_out": {"before_start_date": 0, "days_not_loaded": 0},
        "rebuild_due": {"settings": [], "columns": []},
        "created_between": None,
        "lake": None,
        "error": None,
    }
    # Asking changes nothing: no file was made.
    assert not (place.directory / "data").exists()


def test_what_it_takes_on_the_disk(books: Books, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database, the history and what is free; a disk with less room than needed is said in the same words."""
    sell(books, 1)
    books.load(MARCH_4)
    history = place.directory / "dagster" / "history" / "runs"
    history.mkdir(parents=True)
    for name, size in (("one.db", 2_000_000), ("two.db", 1_500_000)):
        (history / name).write_bytes(bytes(size))
    _, printed = place.json("status")
    disk = printed["disk"]
    assert disk["database_bytes"] == books.warehouse.path.stat().st_size
    assert (disk["history_bytes"], disk["history_files"], disk["is_short"]) == (3_500_000, 2, False)
    assert 0 < disk["free_bytes"] <= shutil.disk_usage(place.directory).total
    shown = place.run("status").stdout
    assert "Dagster's history 4 MB in 2 files, free on the disk " in shown
    assert "almost full" not in shown
    monkeypatch.setattr("keycrm_pipeline.run.space.LEAST_FREE_BYTES", 10**18)
    assert "The disk is almost full: 1,000,000,000,000 MB should be free." in place.run("status").stdout


def test_the_last_exchange_and_what_waits(books: Books, place: Place) -> None:
    """Two orders of 100 and 250 hryvnias, one that has no sum: the numbers of the log and of the tables."""
    sell(books, 1)
    sell(books, 2, lines=[{"name": "Ваза", "price": 250}])
    sell(books, 3, grand_total=None)
    books.load(MARCH_4)
    code, printed = place.json("status")
    assert code == 0
    last = printed["last_exchange"]
    assert (last["exchange_id"], last["kind"], last["status"]) == (1, "period", "succeeded")
    assert (last["period_from"], last["period_to"]) == ("2024-03-04", "2024-03-04")
    assert (last["orders_seen"], last["orders_created"], last["orders_rejected"]) == (3, 2, 1)
    assert last["totals"] == last["sales"] == last["exported"] == {"UAH": "350.00"}
    assert last["cancelled"] == last["held_back"] == {"UAH": "0.00"}
    assert printed["review"] == last["review"] == {"rejected_order": 1, "unmapped_status": 1}
    assert printed["rejected"] == 1
    assert printed["error"] is printed["last_succeeded"] is None
    shown = place.run("status").stdout
    assert "Exchange 1 (shop, period, 4 March 2024): succeeded" in shown
    assert [line.split() for line in shown.splitlines() if "UAH" in line] == [
        ["Sales,", "UAH", "350.00", "2", "orders"],
        ["Cancelled,", "UAH", "0.00", "0", "orders"],
        ["All", "orders,", "UAH", "350.00", "2", "orders"],
        ["Exported,", "UAH", "350.00", "2", "orders"],
        ["Held", "back,", "UAH", "0.00", "0", "orders"],
    ]
    assert "Orders that could not be loaded: 1." in shown
    assert "1  Orders that could not be loaded" in shown


def test_the_sums_are_those_of_the_report_and_of_the_export(books: Books, place: Place) -> None:
    """One month had two sums without a label: the terminal counted cancelled orders, the report did not."""
    sell(books, 1)  # 100
    sell(books, 2, lines=[{"name": "Ваза", "price": 250}])
    sell(books, 3, status_id=19, lines=[{"name": "Ваза", "price": 40}])  # Скасовано
    sell(books, 4, grand_total="112.50")  # does not add up
    books.load(MARCH_4)
    shown = [" ".join(line.split()) for line in place.run("status").stdout.splitlines()]
    assert [line for line in shown if "UAH" in line] == [
        "Sales, UAH 462.50 3 orders",
        "Cancelled, UAH 40.00 1 order",
        "All orders, UAH 502.50 4 orders",
        "Exported, UAH 390.00 3 orders",
        "Held back, UAH 112.50 1 order",
    ]
    report = html.fromstring(report_of(place)).get_element_by_id("figures")
    rows = [[" ".join(cell.text_content().split()) for cell in row] for row in report.xpath(".//tr[td]")]
    assert rows[:6] == [
        ["Продажі", "3", "462,50 ₴"],
        ["Скасовано", "1", "40,00 ₴"],
        ["Разом замовлень", "4", "502,50 ₴"],
        ["Вивантажено", "3", "390,00 ₴"],
        ["Не вивантажено", "1", "112,50 ₴"],
        ["з розбіжністю в KeyCRM", "1", "112,50 ₴"],
    ]
    assert ["Продажі", "462,50 ₴"] in rows
    _, printed = place.json("export", "--from", "2024-03-04", "--to", "2024-03-04", "--format", "csv")
    (file,) = [name for name in printed["files"] if name.endswith("orders.csv")]
    with Path(file).open(encoding="utf-8-sig", newline="") as exported:
        amounts = [row["Сума документа"] for row in csv.DictReader(exported, delimiter=";")]
    assert sorted(amounts) == ["100,00", "250,00", "40,00"]
    assert [(entry["cause"], entry["orders"]) for entry in printed["held_back"]] == [("difference", 1)]


def test_status_says_what_stays_outside_and_which_date_keycrm_goes_by(books: Books, place: Place) -> None:
    """An order of the 1st, entered on the 2nd, comes with the margin: it proves created_at, and stays outside."""
    sell(books, 1)
    books.order(2, "2024-03-01T21:50:00.000000Z", created_at="2024-03-01T22:05:00.000000Z")
    books.load(MARCH_4)
    known = {"reading": "created_at", "since": "2026-04-01T12:00:00+03:00", "order_id": 2}
    _, printed = place.json("status")
    assert printed["left_out"] == {"before_start_date": 0, "days_not_loaded": 1}
    assert printed["created_between"] == known
    shown = place.run("status").stdout
    assert "Orders of days that are not loaded, kept raw until they are: 1." in shown
    assert (
        "KeyCRM selects a period's orders by created_at: known since 1 Apr 2026, 12:00 from order 2." in shown
    )


def test_a_failure_after_a_success_shows_both(books: Books, place: Place) -> None:
    """The error in words, and which exchange was the last good one."""
    sell(books, 1)
    books.load(MARCH_4)
    with pytest.raises(Exception, match="API key"):
        books.load(MARCH_4, key="revoked")
    _, printed = place.json("status")
    assert printed["last_exchange"]["status"] == "failed"
    assert printed["last_succeeded"]["exchange_id"] == 1
    assert printed["error"] == printed["last_exchange"]["error"]
    assert "key" in printed["error"]
    shown = place.run("status").stdout
    assert "(shop, period, 4 March 2024): failed" in shown
    assert f"Error: {printed['error']}" in shown
    assert "Last successful exchange: 1 (period), ended" in shown


def test_a_killed_exchange_is_not_said_to_run(books: Books, place: Place) -> None:
    """The log says "running" and no process does the work: power was cut, or somebody ended the program."""
    begin(books, "killed")
    _, printed = place.json("status")
    assert printed["last_exchange"]["status"] == "failed"
    assert printed["error"].startswith("The exchange was killed before it ended")
    shown = place.run("status").stdout
    assert ": killed" in shown
    assert " interrupted\n" in shown
    report = report_of(place)
    assert "Обмін було обірвано до кінця" in report
    assert "триває" not in report
    assert "No exchange has succeeded yet." in shown


def test_a_running_exchange_runs(books: Books, place: Place) -> None:
    """As long as its process holds the profile's lock."""
    begin(books, "alive")
    with lock.held(Workspace(place.profile(), place.settings).lock, "alive"):
        _, printed = place.json("status")
        report = report_of(place)
    assert "триває" in report
    assert (printed["last_exchange"]["status"], printed["error"]) == ("running", None)


def test_days_that_were_never_loaded(books: Books, place: Place) -> None:
    """A gap between loaded days is named, and so is every day since; days before the first one are not."""
    today = datetime.now(UTC).astimezone(place.profile().zone).date()
    books.load(today - timedelta(days=5))
    books.load(today - timedelta(days=3), today - timedelta(days=2))
    _, printed = place.json("status")
    missing = [date.fromisoformat(day) for day in printed["days_missing"]]
    assert missing == [today - timedelta(days=4), today - timedelta(days=1)]
    assert (
        f"Days not loaded: 2 ({missing[0]:%-d %b %Y}, {missing[1]:%-d %b %Y})." in place.run("status").stdout
    )


def test_a_file_that_another_program_holds(
    books: Books, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A BI tool keeps the file open: `status` fails in words instead of showing nothing."""
    books.load(MARCH_4)
    monkeypatch.setattr(status, "WAIT_SECONDS", 0.0)
    script = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(books.warehouse.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        code, printed = place.json("status")
        holder.communicate()
    assert code == 1
    assert printed["status"] == "failed"
    assert "is held by another program" in printed["error"]


def test_the_answer_comes_at_once(books: Books, place: Place) -> None:
    """Under a second of work, because nothing heavy is loaded on the way."""
    sell(books, 1)
    books.load(MARCH_4)
    script = (
        "import sys\n"
        "from keycrm_pipeline.cli import main\n"
        "try:\n    main(['status', '--json'])\n"
        "except SystemExit as end:\n"
        f"    print(end.code, [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", script], env=place.environment, capture_output=True, text=True, check=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        # Of the processor, not of the clock: the machine may be busy with something else.
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert done.stderr == "0 []\n"
        assert json.loads(done.stdout)["last_exchange"]["orders_created"] == 1
    assert min(seconds) < 1


def test_review_lists_every_thing_with_what_to_do(books: Books, place: Place) -> None:
    """By kind, with the sentence; one kind alone when asked for."""
    sell(books, 1)
    sell(books, 2, grand_total=None)
    books.load(MARCH_4)
    shown = place.run("review").stdout
    assert "Statuses without a stage (Стадія) (unmapped_status):" in shown
    assert "Order 2 could not be loaded: The order has no total (grand_total)." in shown
    code, printed = place.json("review", "--kind", "rejected_order")
    assert code == 0
    assert [(row["kind"], row["subject"]) for row in printed["review"]] == [("rejected_order", "2")]
    code, printed = place.json("review", "--kind", "rejected")
    assert code == 2
    assert printed["error"].startswith("There is no kind rejected. The kinds are unmapped_status, ")


def test_json_quotes_no_rejected_value(books: Books, place: Place) -> None:
    """Somebody typed a buyer into a field of numbers: what programs read and keep has no trace of it, people see it."""
    marker = "Олена Тестова 050 765 43 21 «Ромашка» olena@example.com"
    sell(books, 1, grand_total=marker)
    sell(books, 2, lines=[{"quantity": marker}], payments=[{"amount": marker}])
    books.load(MARCH_4)
    for arguments in (("review",), ("review", "--kind", "rejected_order"), ("status",)):
        code, printed = place.json(*arguments)
        assert code == 0
        shown = json.dumps(printed, ensure_ascii=False)
        assert [part for part in ("Олена", "Тестова", "765 43", "Ромашка", "olena@") if part in shown] == []
    _, printed = place.json("review", "--kind", "rejected_order")
    assert {row["subject"]: row["details"] for row in printed["review"]} == {
        "1": "Order 1 could not be loaded: Not a number: grand_total «…». Fix it in KeyCRM; the next load picks it up.",
        "2": "Order 2 could not be loaded: Line 1: the quantity is not a number «…». Payment 1: the amount is not a "
        "number «…». Fix it in KeyCRM; the next load picks it up.",
    }
    # On the terminal the value shows what to fix in the order.
    assert "grand_total «Олена Тестова" in place.run("review").stdout


def test_people_read_the_names_that_disagree_and_programs_do_not(books: Books, place: Place) -> None:
    """The names decide whether it is one person: the terminal and the report show them, nothing else does."""
    books.order(1, kyiv(2024, 3, 4, 8), buyer=person(1, "Олена Коваль", "0501234567"))
    books.order(2, kyiv(2024, 3, 4, 9), buyer=person(2, "Петро  Мельник", "0501234567"))
    # Not another name; the card has it, being the newest.
    books.order(3, kyiv(2024, 3, 4, 10), buyer=person(3, "ОЛЕНА коваль", "0501234567"))
    books.load(MARCH_4)
    assert "On the card: «ОЛЕНА коваль»; in KeyCRM: «Петро Мельник».\n" in place.run("review").stdout
    assert "На картці: «ОЛЕНА коваль»; у KeyCRM: «Петро Мельник»." in report_of(place)
    code, printed = place.json("review", "--kind", "partner_name_conflict")
    assert (code, [row["subject"] for row in printed["review"]]) == (0, ["1"])
    stored = str(books.query("SELECT subject, details FROM ops.review"))
    for text in (json.dumps(printed, ensure_ascii=False), stored):
        assert [name for name in ("Коваль", "Мельник") if name.lower() in text.lower()] == []


def test_review_of_an_empty_place(place: Place) -> None:
    """Before the first load nothing waits, and nothing can be ticked off."""
    place.write_profile()
    assert place.run("review").stdout == "Nothing needs your attention.\n"
    assert place.run("review", "--done", "1").exit_code == 2


def test_a_promoted_product_is_ticked_off_once(books: Books, place: Place) -> None:
    """It stays on the list until a person says that the card was looked at, and then it stays away (R5)."""
    sell(books, 1)
    books.load(MARCH_4)
    with books.warehouse.writing() as connection:
        connection.execute("INSERT INTO ops.promoted_products VALUES (1)")
    books.rebuild()
    assert [row["subject"] for row in place.json("review", "--kind", "product_promoted")[1]["review"]] == [
        "1"
    ]
    code, printed = place.json("review", "--done", "1")
    assert code == 0
    assert "product_promoted" not in {row["kind"] for row in printed["review"]}
    books.rebuild()
    assert place.json("review", "--kind", "product_promoted")[1]["review"] == []
    code, printed = place.json("review", "--done", "1")
    assert (code, printed["error"]) == (
        2,
        "Product 1 is not on the list as product_promoted, product_renamed or shared_sku.",
    )


def test_changes_in_a_closed_period_wait_until_an_export_tells_them(place: Place) -> None:
    """Order 1 of 200 hryvnias loses its line of 50; nobody may learn that only from the next workbook."""
    closed: dict[str, Any] = {"closed_until": date(2024, 3, 31), "default_partner": "Роздрібний покупець"}
    place.write_profile(**closed)
    directory = place.directory / "data"
    directory.mkdir()
    books = make_books(directory, **closed)
    tea = {"id": 11, "name": "Чай", "price": 150}
    sell(books, 1, lines=[tea, {"id": 12, "name": "Мед", "price": 50}])
    books.load(MARCH_4)
    assert place.json("status")[1]["closed_period_changes"] == 0
    sell(books, 1, lines=[tea], updated_at="2024-04-02T08:00:00.000000Z")
    sell(books, 2, lines=[{"name": "Сир", "price": 30}])
    books.load(MARCH_4)
    _, printed = place.json("review")
    assert [(row["order_id"], row["details"]) for row in printed["closed_period_changes"]] == [
        (
            1,
            "Order 1 of 2024-03-04: total 200.00 UAH, now 150.00 UAH; paid 0.00 UAH, now 0.00 UAH; "
            "fields changed: 3",
        ),
        (2, "Order 2 of 2024-03-04 is new: 30.00 UAH"),
    ]
    assert "Order 2 of 4 Mar 2024 is new: ₴30.00\n" in place.run("review").stdout
    assert place.json("review", "--kind", "rejected_order")[1]["closed_period_changes"] == []
    assert "Documents that changed in the closed period: 2. " in place.run("status").stdout
    april = ("--from", "2024-04-01", "--to", "2024-04-30", "--format", "csv")
    assert place.json("export", *april)[0] == 0
    assert place.json("review")[1]["closed_period_changes"] == []
    assert "closed period" not in place.run("status").stdout
    # What an export told is what the next change is compared with.
    sell(books, 1, lines=[{**tea, "price": 140}], updated_at="2024-04-03T08:00:00.000000Z")
    books.load(MARCH_4)
    (change,) = place.json("review")[1]["closed_period_changes"]
    assert change["details"].startswith("Order 1 of 2024-03-04: total 150.00 UAH, now 140.00 UAH;")
