"""The command `reconcile`: what it prints, writes and ends with, on real files and over real HTTP."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline_tests.commands.place import KEY, MARCH_4, Account, Place
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

MONTH = ("--from", "2024-03-01", "--to", "2024-03-31")
SETTINGS: dict[str, Any] = {
    "account": "Каса",
    "accounts": {2: "IBAN ФОП"},
    "default_partner": "Роздрібний покупець",
    "language": "en",
}
REGISTER = {
    "account": "IBAN ФОП",
    "columns": {"date": "Дата", "sum": "Сума", "fee": "Комісія", "order": "Замовлення", "text": "Текст"},
}


def paid(order_id: int, amount: int) -> dict[str, Any]:
    payment = {"payment_method_id": 2, "payment_date": "2024-03-04T10:00:00.000000Z"}
    return {"lines": [{"price": amount}], "payments": [payment_payload(order_id * 10, amount, **payment)]}


def put(place: Place, name: str, text: str) -> Path:
    path = place.directory / "profiles" / "shop" / "registers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def loaded(books: Books, place: Place) -> Place:
    """Orders of 150, 200 and 90 hryvnias, of which the bank has 150 less a fee of 3 and 199 on the next day."""
    place.write_profile(**SETTINGS, reconciliation={"since": "2024-03-01", "registers": {"bank": REGISTER}})
    books.profile = place.profile()
    for order_id, amount in ((1, 150), (2, 200), (3, 90)):
        books.order(order_id, datetime(2024, 3, 4, 10, tzinfo=UTC), **paid(order_id, amount))
    books.load(MARCH_4)
    put(
        place,
        "bank.csv",
        "Дата;Сума;Комісія;Замовлення;Текст\n05.03.2024;150,00;3,00;1;Олена Тестова\n05.03.2024;199;0;2;\n"
        "20.03.2024;40;;;Хтось\n",
    )
    return place


def test_kinds_sums_and_open_lines_are_printed(loaded: Place) -> None:
    """What agrees is a number; what a person has to look at is a line each, the oldest first."""
    result = loaded.run("reconcile", *MONTH)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "Reconciliation, 1–31 March 2024"
    told = {" ".join(line.split()) for line in lines[1:11]}
    assert {
        "Payment without money 1 ₴90.00",
        "Money without payment 1 ₴40.00",
        "Sums differ 1 ₴200.00",
        "Sums agree 1 ₴150.00",
        "Money awaited 0",
        "Fees ₴3.00",
    } <= told
    assert [line.strip() for line in lines[11:]] == [
        "4 Mar 2024; Sums differ; order 2; paid ₴200.00; received ₴199.00; bank.csv, row 3",
        "4 Mar 2024; Payment without money; order 3; paid ₴90.00",
        "20 Mar 2024; Money without payment; received ₴40.00; bank.csv, row 4",
    ]


def test_programs_get_everything_but_names(loaded: Place) -> None:
    code, printed = loaded.json("reconcile", *MONTH)
    assert code == 0
    assert printed["status"] == "succeeded"
    assert {count["kind"]: (count["lines"], count["paid"], count["fee"]) for count in printed["counts"]} == {
        "matched": (1, "150.00", "3.00"),
        "sum_differs": (1, "200.00", "0.00"),
        "payment_without_money": (1, "90.00", "0.00"),
        "money_without_payment": (1, "0.00", "0.00"),
    }
    assert [(line["kind"], line["order_id"], line["difference"]) for line in printed["lines"]] == [
        ("sum_differs", 2, "-1.00"),
        ("payment_without_money", 3, None),
        ("money_without_payment", None, None),
    ]
    assert "Тестова" not in str(printed)
    assert "Хтось" not in str(printed)


def test_all_lines_go_into_a_workbook_or_a_text(loaded: Place) -> None:
    """For its owner only; the sheet has its words in Ukrainian, sums as numbers, and totals by kind."""
    path = loaded.directory / "звірка.xlsx"
    assert loaded.run("reconcile", *MONTH, "--out", str(path)).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (sheet,) = openpyxl.load_workbook(path).worksheets
    assert sheet.title == "Звірка"
    header, first, second, *_more = sheet.iter_rows(values_only=True)
    named = dict(zip(header, first, strict=True))
    assert (named["Результат"], named["Номер замовлення"], named["Контрагент"]) == (
        "суми збігаються",
        1,
        "Олена Тестова",
    )
    assert (named["Оплата в KeyCRM"], named["Надходження"], named["Комісія"], named["Днів у дорозі"]) == (
        150, 150, 3, 1,
    )  # fmt: skip
    assert (named["За чим знайдено"], named["Де в реєстрі"]) == (
        "номер замовлення або ТТН",
        "bank.csv, рядок 2",
    )
    assert second[header.index("Розбіжність")] == -1
    text = loaded.directory / "звірка.csv"
    assert loaded.run("reconcile", *MONTH, "--out", str(text)).exit_code == 0
    assert "розбіжність сум;2024-03-04;2;" in text.read_text("utf-8-sig")
    wrong = loaded.run("reconcile", *MONTH, "--out", str(loaded.directory / "звірка.pdf"))
    assert wrong.exit_code == 1
    assert "звірка.pdf names no format" in wrong.stderr


def test_a_faulty_file_is_told_and_the_rest_is_compared(loaded: Place) -> None:
    """The command fails, so that a script notices; file, column and row are named, and no cell."""
    put(loaded, "bank-april.csv", "Дата;Сума;Комісія;Замовлення;Текст\n01.04.2024;сорок;;;Іваненко\n")
    result = loaded.run("reconcile", *MONTH)
    assert result.exit_code == 1
    assert "Sums agree" in result.stdout
    assert "bank-april.csv" in result.stderr
    assert "line 2, column Сума: it is not a sum that can be read for certain" in result.stderr
    assert "Іваненко" not in result.output
    code, printed = loaded.json("reconcile", *MONTH)
    assert (code, printed["status"]) == (1, "failed")
    assert "bank-april.csv" in printed["error"]
    assert len(printed["lines"]) == 3


def test_a_profile_that_compares_nothing_says_how_to(place: Place) -> None:
    place.write_profile(language="en")
    result = place.run("reconcile", *MONTH)
    assert result.exit_code == 2
    assert "reconciliation.registers" in result.stderr


@pytest.mark.process
def test_a_load_fetches_the_transactions_over_http(place: Place, account: Account) -> None:
    """KeyCRM's own list, through a socket and the command `load`, then compared without a request."""
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(
        **SETTINGS,
        base_url=account.url,
        requests_per_minute=600,
        reconciliation={"external_transactions": True, "gateways": {7: "IBAN ФОП"}, "since": "2024-03-01"},
    )
    account.order(1, **paid(1, 150))
    account.shop.add_record(
        "external_transactions",
        {
            "id": 11,
            "uuid": "u-11",
            "gateway_id": 7,
            "amount": "150.00",
            "currency": "UAH",
            "description": "за замовлення 1, Тестова Олена",
            "transaction_date": "2024-03-05 09:00:00",
            "created_at": "2024-03-05 09:00:00",
            "is_attached": False,
        },
    )
    code, printed = place.json("load", "--from", "2024-03-04", "--to", "2024-03-04")
    assert code == 0, printed
    asked = [request for request in account.api.requests if "external" in request.path]
    assert [request.status for request in asked] == [200]
    _, compared = place.json("reconcile", *MONTH)
    assert [(count["kind"], count["lines"]) for count in compared["counts"]] == [("matched", 1)]
    assert len([request for request in account.api.requests if "external" in request.path]) == 1
