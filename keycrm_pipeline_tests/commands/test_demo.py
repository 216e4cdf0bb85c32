"""The demo shop as somebody meets it: one command, and the accountant's month is in it, with its faults."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.commands.place import Place
from keycrm_pipeline_tests.pipeline.bookkeeping import KYIV

pytestmark = pytest.mark.process

TODAY = datetime.now(UTC).astimezone(KYIV).date()
DAYS = ("--from", f"{TODAY - timedelta(days=29)}", "--to", f"{TODAY}")


def asked(place: Place, sql: str) -> list[tuple[Any, ...]]:
    with Warehouse(
        place.settings.data_directory / "demo.duckdb", timezone="Europe/Kyiv"
    ).reading() as connection:
        return connection.execute(sql).fetchall()


def test_the_demo_shop_lives_the_accountants_month(place: Place) -> None:
    """Registers with faults, fees, refunds, lines sent back, companies, two entrepreneurs, rates of the euro."""
    assert place.run("demo").exit_code == 0
    beside = place.settings.profiles_directory / "demo"
    written = sorted(path.relative_to(beside).as_posix() for path in beside.rglob("*") if path.is_file())
    assert written == [
        "rates/euro.json", "registers/novapay.csv", "registers/novapay_copy.csv", "registers/prom.csv",
    ]  # fmt: skip
    assert {stat.S_IMODE((beside / name).stat().st_mode) for name in written} == {0o600}

    code, compared = place.json("reconcile", "--profile", "demo", *DAYS)
    assert code == 0
    kinds = {count["kind"] for count in compared["counts"]}
    assert {"matched", "sum_differs", "payment_without_money", "money_without_payment", "outgoing"} <= kinds
    by_source = "SELECT DISTINCT source, kind FROM accounting.reconciliation WHERE file_name IS NOT NULL"
    assert {
        ("novapay", "matched"), ("novapay", "sum_differs"), ("novapay", "money_without_payment"),
        ("prom", "matched"), ("prom", "money_without_payment"), ("prom", "outgoing"),
    } <= set(asked(place, by_source))  # fmt: skip
    # The parcel and the order that nobody knows: once, though the carrier's file is there twice.
    strays = "SELECT received, fee FROM accounting.reconciliation WHERE order_id IS NULL AND received IN (640, 1250)"
    assert sorted(map(tuple, (map(str, row) for row in asked(place, strays)))) == [
        ("1250.00", "21.25"),
        ("640.00", "32.80"),
    ]

    euros = "SELECT count(*), count(rate) FROM accounting.order_payments WHERE currency = 'EUR' AND status = 'paid'"
    ((paid, with_rate),) = asked(place, euros)
    assert paid == with_rate > 0
    kept = "SELECT DISTINCT kind FROM ops.review WHERE kind IN ('rate_missing', 'reconciliation_unread')"
    assert asked(place, kept) == []
    # A payment that was cancelled, and what is left of it entered anew: a line was sent back.
    anew = """
        SELECT count(*) FROM accounting.order_payments AS gone JOIN accounting.order_payments AS rest
        ON gone.order_id = rest.order_id AND gone.paid_at = rest.paid_at AND gone.amount > rest.amount
        WHERE gone.status = 'canceled' AND rest.status = 'paid'
    """
    assert asked(place, anew)[0][0] > 0

    code, month = place.json("month", "--profile", "demo", f"{TODAY - timedelta(days=14):%Y-%m}")
    assert code == 1
    assert {step["name"]: step["state"] for step in month["steps"]}["reconciliation"] == "open"
    whole = asked(
        place, "SELECT DISTINCT organisation FROM accounting.order_payments WHERE organisation IS NOT NULL"
    )
    assert sorted(whole) == [("ФОП Коваленко І. В.",), ("ФОП Коваленко О. П.",)]

    code, exported = place.json("export", "--profile", "demo", *DAYS, "--format", "xlsx")
    assert code == 0
    (file,) = exported["files"]
    workbook = openpyxl.load_workbook(Path(file), read_only=True)
    heads = {sheet.title: next(sheet.iter_rows(max_row=1, values_only=True)) for sheet in workbook}
    assert {"Компанія", "edrpou"} <= set(heads["Контрагенти"])
    assert {"Собівартість", "Маржа", "packaging"} <= set(heads["Замовлення"])
    assert {"Комісія", "Де в реєстрі"} <= set(heads["Звірка"])
    codes = {row[-1] for row in workbook["Контрагенти"].iter_rows(min_row=2, values_only=True)} - {None}
    assert codes
    assert codes <= {"00000001", "0000000002"}


def test_a_profile_of_that_name_that_is_another_account_gets_no_files(place: Place) -> None:
    """Somebody called the own shop demo: nothing is laid beside it."""
    place.write_profile("demo")
    place.run("demo")
    assert not (place.settings.profiles_directory / "demo").exists()


def test_files_that_cannot_be_written_are_told(place: Place) -> None:
    """A file stands where the directory should be."""
    place.settings.profiles_directory.mkdir(parents=True)
    (place.settings.profiles_directory / "demo").write_text("")
    result = place.run("demo")
    assert result.exit_code == 2
    assert "novapay.csv cannot be used" in result.stderr
