"""`load` and the passes as a program calls them: real runs through the assets, exit codes, and the one JSON object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keycrm_pipeline.profile import Workspace
from keycrm_pipeline.run import lock
from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.product import PATIENCE_SECONDS

pytestmark = pytest.mark.process

PROGRAM = Path(sys.executable).with_name("keycrm-pipeline")
DAY = ("--from", "2024-03-04", "--to", "2024-03-04")
KEYS = {
    "exchange_id", "status", "period_from", "period_to", "orders_seen", "orders_created", "orders_updated",
    "orders_unchanged", "orders_rejected", "partners_created", "products_created", "requests", "seconds", "totals",
    "review", "error",
}  # fmt: skip


@pytest.fixture
def keyed(place: Place, account: Account) -> Place:
    """A place with key and profile of the account."""
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(base_url=account.url, requests_per_minute=600, default_partner="Роздрібний покупець")
    return place


def test_one_order_alone(keyed: Place, account: Account) -> None:
    """Its change is in the books; one of a day that was never loaded is kept raw, and the command says so."""
    account.order(1)
    assert keyed.json("load", *DAY)[0] == 0
    account.order(1, grand_total=90, discount_amount=10)
    account.order(2, ordered_at=datetime(2024, 5, 6, 10, tzinfo=UTC))
    code, printed = keyed.json("order", "1")
    assert (code, printed["kind"], printed["orders_updated"]) == (0, "order", 1)
    said = keyed.run("order", "2", "1").output
    assert "Kept raw until their day is loaded (load it with `load`): 1." in said
    code, printed = keyed.json("order", "33")
    assert code == 1
    assert "KeyCRM has no order 33" in printed["error"]
    assert keyed.run("order").exit_code == 2
    assert keyed.run("order", "0").exit_code == 2


def test_a_load_and_what_follows(keyed: Place, account: Account) -> None:
    """Created, then unchanged; status agrees with it; a rebuild changes nothing; text says the same."""
    account.order(1)
    account.order(2, buyer=None)
    code, first = keyed.json("load", *DAY)
    assert code == 0
    assert set(first) >= KEYS
    assert (first["status"], first["error"], first["kind"]) == ("succeeded", None, "period")
    assert (first["period_from"], first["period_to"]) == ("2024-03-04", "2024-03-04")
    assert (first["orders_seen"], first["orders_created"], first["orders_rejected"]) == (2, 2, 0)
    assert (first["partners_created"], first["products_created"]) == (2, 1)
    assert first["totals"] == {"UAH": "200.00"}
    result = keyed.run("load", *DAY)
    assert result.exit_code == 0
    lines = {line.rsplit(None, 1)[0].strip(): line.rsplit(None, 1)[-1] for line in result.stdout.splitlines()}
    assert (lines["created"], lines["updated"], lines["unchanged"]) == ("0", "0", "2")
    code, rebuilt = keyed.json("rebuild")
    assert (code, rebuilt["kind"], rebuilt["requests"]) == (0, "rebuild", 0)
    assert (rebuilt["orders_created"], rebuilt["orders_updated"]) == (0, 0)
    last = keyed.json("status")[1]["last_exchange"]
    assert last == rebuilt


def test_a_wrong_key(keyed: Place) -> None:
    """The real program, as a script calls it: fails at once, asks once, writes nothing but the exchange row."""
    keyed.variables["KEYCRM_API_KEY"] = "a-wrong-key"
    done = subprocess.run(
        [PROGRAM, "load", *DAY, "--json"],
        env={"PATH": "/usr/bin:/bin", **keyed.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 1
    printed = json.loads(done.stdout)
    assert set(printed) >= KEYS
    assert (printed["status"], printed["requests"]) == ("failed", 1)
    assert "KEYCRM_API_KEY" in printed["error"]
    assert "a-wrong-key" not in done.stdout + done.stderr
    assert keyed.json("status")[1]["error"] == printed["error"]


def test_no_key(keyed: Place) -> None:
    """Where to set it; no request, and the exchange row says the same."""
    del keyed.variables["KEYCRM_API_KEY"]
    code, printed = keyed.json("load", *DAY)
    assert (code, printed["status"], printed["requests"]) == (1, "failed", 0)
    assert "set it in the environment variable KEYCRM_API_KEY_SHOP" in printed["error"]
    assert keyed.json("status")[1]["error"] == printed["error"]


def started_load(keyed: Place) -> subprocess.Popen[str]:
    """A load of the day in a process of its own."""
    return subprocess.Popen(
        [PROGRAM, "load", *DAY, "--json"],
        env={"PATH": "/usr/bin:/bin", **keyed.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_load_that_waits_says_for_whom(keyed: Place, account: Account) -> None:
    """Another exchange of the profile runs: a person reads which one, and the load goes on when it has ended."""
    account.order(1)
    path = Workspace(keyed.profile(), keyed.settings).lock
    other_run = ExitStack()
    other_run.enter_context(lock.held(path, "the-other-run"))
    with other_run, started_load(keyed) as waiting:
        assert waiting.stderr is not None
        sentence = waiting.stderr.readline()
        other_run.close()
        printed, _ = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert sentence.startswith("Another exchange of this profile is running (run the-other-run, process ")
    assert waiting.returncode == 0
    assert json.loads(printed)["orders_created"] == 1


def test_a_load_that_misses_many_orders_says_so(keyed: Place, account: Account) -> None:
    """KeyCRM's list lacks more booked orders than the ceiling allows: the load succeeds and reports it."""
    keyed.write_profile(
        base_url=account.url, requests_per_minute=600, default_partner="Покупець", sweep={"most_missing": 1}
    )
    for order_id in (1, 2, 3):
        account.order(order_id)
    assert keyed.json("load", *DAY)[1]["orders_created"] == 3
    for order_id in (2, 3):
        account.shop.delete_order(order_id)
    result = keyed.run("load", *DAY)
    assert result.exit_code == 0
    assert f"KeyCRM's list lacks more than 1 booked orders of {DAY[1]} (sweep.most_missing)." in result.stderr
    assert "missing_in_crm" not in keyed.json("status")[1]["review"]


def test_ctrl_c_ends_a_load(keyed: Place, account: Account) -> None:
    """It stops at once, says that nothing is lost, and the same command continues; it does not start by itself."""
    for order_id in range(1, 1001):
        account.order(order_id)
    reading = threading.Event()
    account.api.faults.on_page = lambda _page, path: reading.set() if path == "/order" else None
    with started_load(keyed) as stopped:
        assert reading.wait(PATIENCE_SECONDS)
        stopped.send_signal(signal.SIGINT)
        printed, _ = stopped.communicate(timeout=25)
    assert stopped.returncode == 130
    result = json.loads(printed)
    assert set(result) >= KEYS
    assert result["status"] == "failed"
    assert result["error"].startswith("The exchange was stopped by hand. What was stored is safe")
    assert keyed.json("status")[1]["error"] == result["error"]
    code, again = keyed.json("load", *DAY)
    assert (code, again["orders_created"]) == (0, 1000)


def test_a_file_that_is_no_database(keyed: Place) -> None:
    """Exit code 1, every key of a load, and the file stays as it is."""
    path = keyed.directory / "data" / "shop.duckdb"
    path.parent.mkdir()
    path.write_text("not a database", "utf-8")
    code, printed = keyed.json("load", *DAY)
    assert code == 1
    assert set(printed) >= KEYS
    assert (printed["status"], printed["exchange_id"]) == ("failed", None)
    assert f"The file {path} cannot be opened as a DuckDB database" in printed["error"]
    assert path.read_text("utf-8") == "not a database"
    assert keyed.json("status")[0] == 1


def test_a_data_directory_that_cannot_be_written_to(keyed: Place, account: Account) -> None:
    """A load says so at once; it took it for a fault that passes, waited a minute and a half and reported an errno."""
    directory = keyed.directory / "data"
    directory.write_text("a file in its place", "utf-8")
    for command in (("load", *DAY), ("rebuild",)):
        code, printed = keyed.json(*command)
        assert code == 1
        assert set(printed) >= KEYS
        assert printed["error"] == (
            f"The data directory {directory} cannot be written to: it is a file, not a directory. Fix its "
            "permissions, or set another directory in KEYCRM_DATA_DIR, and load again; nothing was lost."
        )
    assert account.api.request_count == 0


def test_a_load_that_cannot_say_who_it_is(keyed: Place) -> None:
    """Who holds the lock is shown to those who wait; that it cannot be written (a full disk) ends no load."""
    path = Workspace(keyed.profile(), keyed.settings).lock
    path.with_suffix(f"{path.suffix}.holder").mkdir(parents=True)
    assert keyed.json("load", *DAY)[0] == 0


def test_a_load_without_a_stream_for_its_errors(keyed: Place, account: Account) -> None:
    """As some cron tables have it: it failed without a word, since it asked the stream whether it is a terminal."""
    account.order(1)
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-m", "keycrm_pipeline", "load", *DAY],
        env={**os.environ, **keyed.environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, "Orders in KeyCRM                           1" in done.stdout) == (0, True)


def test_a_load_does_without_pandas(keyed: Place, account: Account) -> None:
    """It would take 44 MB and 0.4 s of every load, also where cards of the accounting catalogue are imported (R12)."""
    account.order(1)
    directory = keyed.directory / "profiles" / "shop" / "catalogue"
    directory.mkdir(parents=True)
    (directory / "partners.csv").write_text("id,name\n7,Олена\n", "utf-8")
    script = (
        "import sys\n"
        "from keycrm_pipeline.cli import main\n"
        "try: main(sys.argv[1:])\n"
        'except SystemExit as ended: sys.exit(f\'{ended.code} {sorted({"pandas", "polars"} & set(sys.modules))}\')\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "load", *DAY, "--json"],
        env={**os.environ, **keyed.environment},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stderr.splitlines()[-1] == "0 ['polars']"
    assert json.loads(done.stdout)["orders_created"] == 1


def test_a_broken_file_of_the_catalogue(keyed: Place, account: Account) -> None:
    """The load ends in words before it asks KeyCRM anything (R12)."""
    directory = keyed.directory / "profiles" / "shop" / "catalogue"
    directory.mkdir(parents=True)
    (directory / "partners.csv").write_text("id,name\n1,\n", "utf-8")
    code, printed = keyed.json("load", *DAY)
    assert (code, printed["requests"]) == (1, 0)
    assert f"{directory / 'partners.csv'} was not read" in printed["error"]
    assert "line 2, column name: the name is missing" in printed["error"]
    assert account.api.request_count == 0
