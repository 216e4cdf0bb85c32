"""`month`: what is left to do before a month is closed, and its money, on a shop of five orders of March 2024.

| Order | Day | Sum | Payment | Day of payment in Kyiv |
|---|---|---|---|---|
| 1 | 4 March | 100 | 100 to the bank with a receipt, 10 spent from it | 5 March |
| 2 | 10 March | 250 | 250 in cash | 31 March, 23:30 |
| 3 | 20 March | 40 | 40 to the bank, without a receipt at first | 1 April, 00:30 |
| 4 | 12 March, cancelled | 60 | 60 in cash | 12 March |
| 5 | 15 March | 30 | none; at first it has no total and is rejected | |
"""

from __future__ import annotations

import shlex
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline.commands.month import commands_of
from keycrm_pipeline.exports.month import read_month
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.commands.place import Place
from keycrm_pipeline_tests.payloads import expense_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, make_books

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 31)
BANK, CASH = "ПриватБанк ФОП", "Каса магазину"
SETTINGS: dict[str, Any] = {
    "start_date": FIRST,
    "default_partner": "Роздрібний покупець",
    "statuses": {"stages": {1: "Нове", 19: "Відмова"}},
    "payment_methods": {1: {"account": CASH}, 2: {"account": BANK, "receipt": "own"}},
    "organisations": {"ФОП Коваль О. І.": {"accounts": [BANK]}, "ТОВ Вишня": {"default": True}},
}
RECEIPT = {"id": "c7f1", "link": "https://receipts.example/c7f1"}


def _open_shop(place: Place, **settings: Any) -> Books:
    """The shop before anything is loaded; it is 1 April."""
    place.write_profile(**(SETTINGS | settings))
    directory = place.directory / "data"
    directory.mkdir(exist_ok=True)
    books = make_books(directory, **(SETTINGS | settings))
    books.now = datetime(2024, 4, 1, 9, tzinfo=UTC)
    return books


def _sell(books: Books, number: int, day: int, amount: int, *payments: Any, **more: Any) -> None:
    books.order(
        number,
        datetime(2024, 3, day, 10, tzinfo=UTC),
        lines=[{"id": 10 * number, "name": "Чай", "price": amount}],
        payments=payments,
        **more,
    )


def _paid(number: int, amount: int, method: int, at: str, **more: Any) -> dict[str, Any]:
    return payment_payload(number, amount, payment_method_id=method, payment_date=at, **more)


BANK_PAYMENT = _paid(71, 100, 2, "2024-03-05T08:00:00.000000Z", fiscal_result=RECEIPT)
EXPENSE = expense_payload(79, 10, payment_method_id=2, payment_date="2024-03-05T09:00:00.000000Z")


def _fill(books: Books) -> None:
    """The orders of the table, as they are in the end."""
    _sell(books, 1, 4, 100, BANK_PAYMENT, expenses=[EXPENSE])
    _sell(books, 2, 10, 250, _paid(72, 250, 1, "2024-03-31T20:30:00.000000Z"))
    _sell(books, 3, 20, 40, _paid(73, 40, 2, "2024-03-31T21:30:00.000000Z", fiscal_result=RECEIPT))
    _sell(books, 4, 12, 60, _paid(74, 60, 1, "2024-03-12T08:00:00.000000Z"), status_id=19)
    _sell(books, 5, 15, 30)


def _steps(printed: dict[str, Any]) -> dict[str, tuple[str, int]]:
    return {step["name"]: (step["state"], step["open"]) for step in printed["steps"]}


def test_every_open_step_says_where_to_look(place: Place) -> None:
    """One day is not loaded, an order is rejected, a manager has no user, a receipt is missing, nothing is exported."""
    books = _open_shop(place)
    _fill(books)
    _sell(books, 3, 20, 40, _paid(73, 40, 2, "2024-03-31T21:30:00.000000Z"), manager_id=7)
    _sell(books, 5, 15, 30, grand_total=None)
    books.load(FIRST, date(2024, 3, 30))
    code, printed = place.json("month", "2024-03", "--profile", "shop")
    assert code == 1
    assert (printed["month"], printed["is_done"]) == ("2024-03", False)
    assert _steps(printed) == {
        "days": ("open", 1),
        "rejected": ("open", 1),
        "unmapped": ("open", 1),
        "receipts": ("open", 1),
        "reconciliation": ("not_set_up", 0),
        "closed_period": ("not_set_up", 0),
        "handed_over": ("open", 4),
    }
    assert printed["days_not_loaded"] == ["2024-03-31"]
    shown = place.run("month", "03.2024")
    assert shown.exit_code == 1
    assert "End of the month (shop, 1–31 March 2024): 5 of 7 steps are open\n" in shown.stdout
    commands = {step["name"]: step["commands"] for step in printed["steps"]}
    named = [
        line.strip() for line in shown.stdout.splitlines() if line.strip().startswith("keycrm-pipeline ")
    ]
    assert named == [
        command
        for name, (state, _) in _steps(printed).items()
        for command in commands[name]
        if state == "open"
    ]

    def answer(name: str) -> dict[str, Any]:
        (command,) = commands[name]
        return place.json(*shlex.split(command)[1:])[1]

    # They are commands: those that need no KeyCRM list what the step counts.
    assert [row["subject"] for row in answer("rejected")["review"]] == ["5"]
    assert "unmapped_manager" in {row["kind"] for row in answer("unmapped")["review"]}
    assert [row["subject"] for row in answer("receipts")["review"]] == ["3"]
    assert answer("handed_over")["hand_over"]["new"] == 4


def test_day_that_is_not_over_is_not_done(place: Place) -> None:
    """On the evening of 30 March that day is loaded, more orders of it may come, and 31 March cannot be exported."""
    books = _open_shop(place)
    _fill(books)
    books.load(FIRST, date(2024, 3, 30))
    found = read_month(books.workspace, Period(FIRST, LAST), today=date(2024, 3, 30))
    assert found.days_not_loaded == (date(2024, 3, 30), LAST)
    lists = [commands_of(found, line.step.name)[0] for line in found.lines]
    assert lists[0] == "keycrm-pipeline load --profile shop --from 2024-03-30 --to 2024-03-30"
    assert "--from 2024-03-01 --to 2024-03-30" in lists[-1]


def _book(path: str) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(Path(path))
    return {
        sheet.title: [row for row in sheet.iter_rows(min_row=2, values_only=True) if any(row)]
        for sheet in book
    }


def test_month_that_is_done(place: Place) -> None:
    """0, and the money by organisation, account and day of payment: 100 + 250 + 60, not the 40 of April."""
    books = _open_shop(place)
    _fill(books)
    books.load(FIRST, LAST)
    assert place.json("export", "--from", "2024-03-01", "--to", "2024-03-31", "--format", "csv")[0] == 0
    code, printed = place.json("month", "2024-03", "--workbook")
    assert (code, printed["is_done"]) == (0, True)
    assert (printed["hand_over"]["format"], printed["hand_over"]["unchanged"]) == ("csv", 5)
    assert Path(printed["file"]).name == "shop_2024-03-01_2024-03-31_month.xlsx"
    sheets = _book(printed["file"])
    fop, tov = "ФОП Коваль О. І.", "ТОВ Вишня"
    assert sheets["За організаціями"] == [
        (tov, "UAH", 2, 310, 60, 0),
        (fop, "UAH", 1, 100, 0, 10),
        ("Разом", "UAH", None, "=SUBTOTAL(109,D$2:D$3)", "=SUBTOTAL(109,E$2:E$3)", "=SUBTOTAL(109,F$2:F$3)"),
    ]
    assert sheets["За рахунками"][:2] == [
        (tov, CASH, "UAH", 2, 310, 60, 0),
        (fop, BANK, "UAH", 1, 100, 0, 10),
    ]
    assert sheets["За датою оплати в KeyCRM"][:3] == [
        (datetime(2024, 3, 5), fop, BANK, "UAH", 1, 100, 0, 10),  # noqa: DTZ001 - a cell has no zone
        (datetime(2024, 3, 12), tov, CASH, "UAH", 1, 60, 60, 0),  # noqa: DTZ001
        (datetime(2024, 3, 31), tov, CASH, "UAH", 1, 250, 0, 0),  # noqa: DTZ001
    ]
    assert sheets["Скасовані оплати"] == sheets["Документи до вивантаження"] == []
    rows = {row[0]: row[1:] for row in sheets["Закриття місяця"]}
    assert rows["Усі документи вивантажено (csv): 5; ще не готових: 0"] == ("зроблено", 0, None)
    assert rows[fop] == ("UAH", 1, 100)
    april = place.json("month", "2024-04")[1]
    assert [(row["day"], row["account"], row["received"]) for row in april["payments"]] == [
        ("2024-04-01", BANK, "40.00")
    ]
    # Compared with another ledger, nothing was handed over.
    code, printed = place.json("month", "2024-03", "--format", "commerceml")
    assert (code, _steps(printed)["handed_over"]) == (1, ("open", 5))


def test_what_is_not_ready_leaves_nothing_open(place: Place) -> None:
    """The profile hands over what is in the stage Нове: the cancelled order stays where it is, and is told."""
    books = _open_shop(place, hand_over={"stages": ["Нове"]})
    _fill(books)
    books.load(FIRST, LAST)
    assert place.run("export", "--from", "2024-03-01", "--to", "2024-03-31").exit_code == 0
    code, printed = place.json("month", "2024-03")
    assert (code, printed["hand_over"]["not_ready"], printed["hand_over"]["not_exported"]) == (
        0,
        1,
        {"stage": [4]},
    )


def test_each_organisation_has_its_ledger(place: Place) -> None:
    """Who exports one legal entity hands over the other one too. Orders 1 and 3 are of the first."""
    books = _open_shop(place)
    _fill(books)
    books.load(FIRST, LAST)
    days = ("--from", "2024-03-01", "--to", "2024-03-31", "--format", "csv")
    assert place.run("export", *days, "--organisation", "ФОП Коваль О. І.").exit_code == 0
    _, printed = place.json("month", "2024-03")
    assert [(one["order_id"], one["state"]) for one in printed["hand_over"]["orders"]] == [
        (2, "new"),
        (4, "new"),
        (5, "new"),
    ]
    lists = [shlex.split(one)[1:] for one in printed["steps"][-1]["commands"]]
    assert sorted(place.json(*one)[1]["hand_over"]["new"] for one in lists) == [0, 3]
    assert place.run("export", *days, "--organisation", "ТОВ Вишня").exit_code == 0
    assert place.json("month", "2024-03")[0] == 0


def test_money_that_does_not_fit_is_open(place: Place) -> None:
    """The bank has 100 of order 1 in time, 41 in place of the 40 of April, and 15 of nobody in March."""
    register = {"account": BANK, "columns": {"date": "Дата", "sum": "Сума", "order": "Замовлення"}}
    books = _open_shop(place, reconciliation={"since": "2024-03-01", "registers": {"bank": register}})
    _fill(books)
    books.load(FIRST, LAST)
    # Without a register the money of order 1 is awaited, and nobody can do anything about it.
    assert _steps(place.json("month", "2024-03")[1])["reconciliation"] == ("done", 0)
    files = place.directory / "profiles" / "shop" / "registers"
    files.mkdir(parents=True)
    text = "Дата;Сума;Замовлення\n06.03.2024;100,00;1\n02.04.2024;41,00;3\n20.03.2024;15,00;\n"
    (files / "bank.csv").write_text(text, "utf-8")
    days = ("--from", "2024-03-01", "--to", "2024-03-31")
    assert place.json("reconcile", *days)[0] == 0
    _, printed = place.json("month", "2024-03", "--workbook")
    (step,) = [step for step in printed["steps"] if step["name"] == "reconciliation"]
    assert (step["open"], step["text"]) == (
        1,
        "Payments and money that do not fit: 1; registers or transactions that could not be read: 0; money awaited: 0",
    )
    assert [(row["kind"], row["received"]) for row in printed["reconciliation"]] == [
        ("money_without_payment", "15.00")
    ]
    rows = _book(printed["file"])["Звірка"]
    assert [(row[0], row[9], row[10]) for row in rows[:2]] == [
        ("суми збігаються", 100, 100),
        ("надходження без оплати", None, 15),
    ]
    assert _steps(place.json("month", "2024-04")[1])["reconciliation"] == ("open", 1)


def test_closed_month_that_changed_is_open_again(place: Place) -> None:
    """On 3 April KeyCRM cancels the payment of order 1: March is not what was handed over, and April saw 100 go."""
    books = _open_shop(place, closed_until=LAST)
    _fill(books)
    books.load(FIRST, LAST)
    days = ("--from", "2024-03-01", "--to", "2024-03-31", "--format", "csv")
    assert place.run("export", *days).exit_code == 0
    assert place.json("month", "2024-03")[0] == 0
    books.now = datetime(2024, 4, 3, 9, tzinfo=UTC)
    cancelled = {**BANK_PAYMENT, "status": "canceled", "updated_at": "2024-04-02T10:00:00.000000Z"}
    _sell(books, 1, 4, 100, cancelled, expenses=[EXPENSE], updated_at="2024-04-02T10:00:00.000000Z")
    books.load(FIRST, LAST)
    code, printed = place.json("month", "2024-03")
    assert (code, _steps(printed)["closed_period"], _steps(printed)["handed_over"]) == (
        1,
        ("open", 1),
        ("open", 1),
    )
    assert [(one["order_id"], one["state"]) for one in printed["hand_over"]["orders"]] == [(1, "changed")]
    bank = next(row for row in printed["payments"] if row["account"] == BANK)
    assert (bank["received"], bank["expenses"]) == ("0.00", "10.00")
    assert printed["cancelled_payments"] == []
    april = place.json("month", "2024-04", "--workbook", "--out", str(place.directory / "out"))[1]
    ((payment, amount, seen),) = [
        (row["payment_id"], row["amount"], row["seen_day"]) for row in april["cancelled_payments"]
    ]
    assert (payment, amount, seen) == (71, "100.00", "2024-04-03")
    (row, _total) = _book(april["file"])["Скасовані оплати"]
    assert (row[0], row[3], row[7], Decimal(row[12])) == (
        1,
        "Оплату скасовано",
        "Рахунок ФОП (IBAN)",
        Decimal(100),
    )
    shown = place.run("month", "2024-04").stdout
    assert "₴100.00  3 Apr 2024: payment 71 of order 1\n" in shown
    assert place.run("export", *days, "--since-last").exit_code == 0
    assert place.json("month", "2024-03")[0] == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("2024-13", "is not a month"),
        ("2023-01", "start_date"),
        ("9999-01", "has not begun"),
        ("березень", "2024"),
    ],
)
def test_month_that_cannot_be_meant(place: Place, typed: str, said: str) -> None:
    """2, in words."""
    _open_shop(place)
    code, printed = place.json("month", typed)
    assert code == 2
    assert said.replace("2024", "2026-10") in printed["error"]


def test_before_the_first_load(place: Place) -> None:
    """There is nothing to close: 1, as `export` says it."""
    place.write_profile(**SETTINGS)
    code, printed = place.json("month", "2024-03")
    assert (code, printed["profile"]) == (1, "shop")
    assert "nothing was loaded for this profile" in printed["error"]


def test_nothing_is_done_in_a_month_that_was_never_loaded(place: Place) -> None:
    """March is loaded, April is not: that nothing was rejected there is not known."""
    books = _open_shop(place)
    _fill(books)
    books.load(FIRST, LAST)
    code, printed = place.json("month", "2024-04")
    assert code == 1
    assert _steps(printed) == {
        "days": ("open", 30),
        "rejected": ("not_loaded", 0),
        "unmapped": ("not_loaded", 0),
        "receipts": ("not_loaded", 0),
        "reconciliation": ("not_set_up", 0),
        "closed_period": ("not_set_up", 0),
        "handed_over": ("not_loaded", 0),
    }
    shown = place.run("month", "2024-04")
    assert "not loaded     Rejected orders: no day of the month is loaded" in shown.stdout
