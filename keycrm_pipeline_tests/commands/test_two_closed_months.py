"""Two months are handed over and closed, KeyCRM changes them afterwards, and they are handed over again.

Everything by command: real loads over HTTP, files and workbooks. The shop has two entrepreneurs, one with a bank
account and one with cash, and books from 29 January on: Dagster writes down each day of a load. What KeyCRM has at
first, and what it has after both months were closed:

| Order | Day | Of | At first | Afterwards |
|---|---|---|---|---|
| 1 | 29 January | bank | tea 300, honey 200, paid 500, a fee of 7.50 | no honey, 300 paid in place of 500 |
| 2 | 30 January | cash | 120.50, paid on 1 February | the same |
| 3 | 2 February | bank | 80, paid | the payment is cancelled |
| 4 | 4 February | cash | 40, not paid | the same |
| 5 | 3 February | cash | | entered late: 30, paid on 28 February |
"""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline_tests.commands.place import KEY, Account, Place
from keycrm_pipeline_tests.payloads import expense_payload, payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import KYIV, person

pytestmark = pytest.mark.process

BANK, CASH = "IBAN Коваль", "Каса Вишні"
OF_BANK, OF_CASH = "ФОП Коваль О. І.", "ФОП Вишня П. П."
SETTINGS: dict[str, Any] = {
    "start_date": date(2024, 1, 29),
    "default_partner": "Роздрібний покупець",
    "requests_per_minute": 600,
    "statuses": {"stages": {1: "Нове"}},
    "payment_methods": {1: {"account": CASH}, 2: {"account": BANK}},
    "organisations": {OF_BANK: {"accounts": [BANK]}, OF_CASH: {"default": True}},
}
JANUARY = ("--from", "2024-01-29", "--to", "2024-01-31")
FEBRUARY = ("--from", "2024-02-01", "--to", "2024-02-29")
BOTH = ("--from", "2024-01-29", "--to", "2024-02-29")
SOLD = ("--from", "2024-01-29", "--to", "2024-02-04")
"""The days that have orders."""
TEA, HONEY = {"id": 11, "name": "Чай", "price": 300}, {"id": 12, "name": "Мед", "price": 200}
FEE = expense_payload(79, Decimal("7.50"), payment_method_id=2, payment_date="2024-01-30T09:00:00.000000Z")


def _paid(number: int, amount: Any, method: int, day: str, status: str = "paid") -> dict[str, Any]:
    at = f"{day}T08:00:00.000000Z"
    return payment_payload(number, amount, payment_method_id=method, payment_date=at, status=status)


def _sell(
    account: Account, number: int, month: int, day: int, lines: list[Any], *paid: Any, **more: Any
) -> None:
    account.order(
        number,
        ordered_at=datetime(2024, month, day, 10, tzinfo=UTC),
        lines=[{"id": 10 * number + 1, "name": "Чай", **line} for line in lines],
        payments=paid,
        **more,
    )


def _sell_at_first(account: Account) -> None:
    _sell(account, 1, 1, 29, [TEA, HONEY], _paid(71, 500, 2, "2024-01-30"), expenses=[FEE])
    _sell(account, 2, 1, 30, [{"price": Decimal("120.50")}], _paid(72, Decimal("120.50"), 1, "2024-02-01"))
    _sell(account, 3, 2, 2, [{"price": 80}], _paid(73, 80, 2, "2024-02-05"))
    _sell(account, 4, 2, 4, [{"price": 40}])


def _change_afterwards(account: Account) -> None:
    later = "2024-03-10T08:00:00.000000Z"
    cancelled, instead = _paid(71, 500, 2, "2024-01-30", "canceled"), _paid(81, 300, 2, "2024-01-30")
    _sell(account, 1, 1, 29, [TEA], cancelled, instead, expenses=[FEE], updated_at=later)
    _sell(account, 3, 2, 2, [{"price": 80}], _paid(73, 80, 2, "2024-02-05", "canceled"), updated_at=later)
    _sell(account, 5, 2, 3, [{"price": 30}], _paid(75, 30, 1, "2024-02-28"))


def _export(place: Place, *asked: str) -> dict[str, Any]:
    code, printed = place.json("export", *asked, "--format", "csv")
    assert code == 0, printed
    return printed


def _rows(exported: dict[str, Any], table: str) -> list[dict[str, str]]:
    (file,) = [Path(name) for name in exported["files"] if name.endswith(f"_{table}.csv")]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def _orders(exported: dict[str, Any]) -> list[int]:
    return [int(row["Номер"]) for row in _rows(exported, "orders")]


def _added(rows: list[dict[str, str]], field: str) -> Decimal:
    """The changes of one sum, added up."""
    return sum(
        (Decimal(row["Зміна суми"].replace(",", ".")) for row in rows if row["Реквізит"] == field), Decimal(0)
    )


def _received(place: Place, month: str, *more: str) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Organisation and account -> what came in and what was spent, as the workbook has them."""
    printed = place.json("month", month, "--workbook", *more)[1]
    rows = openpyxl.load_workbook(printed["file"])["За рахунками"].iter_rows(min_row=2, values_only=True)
    return {
        (str(row[0]), str(row[1])): (Decimal(str(row[4])), Decimal(str(row[6])))
        for row in rows
        if row[0] in (OF_BANK, OF_CASH)
    }


def _open_steps(place: Place, month: str) -> dict[str, int]:
    code, printed = place.json("month", month)
    found = {step["name"]: step["open"] for step in printed["steps"] if step["state"] == "open"}
    assert code == (1 if found else 0)
    return found


def test_two_closed_months_that_changed_are_handed_over_again(place: Place, account: Account) -> None:
    """740.50 booked at first, 570.50 afterwards: -200 (the honey) + 30 (order 5). 280 less is paid for 1 and 3."""
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(base_url=account.url, **SETTINGS)
    _sell_at_first(account)
    code, loaded = place.json("load", *BOTH)
    assert (code, loaded["totals"]) == (0, {"UAH": "740.50"})
    assert _open_steps(place, "2024-01") == {"handed_over": 2}
    assert [_orders(_export(place, *month)) for month in (JANUARY, FEBRUARY)] == [[1, 2], [3, 4]]
    assert _open_steps(place, "2024-01") == _open_steps(place, "2024-02") == {}
    assert _received(place, "2024-01") == {(OF_BANK, BANK): (Decimal(500), Decimal("7.5"))}
    assert _received(place, "2024-02") == {
        (OF_BANK, BANK): (Decimal(80), Decimal(0)),
        (OF_CASH, CASH): (Decimal("120.5"), Decimal(0)),
    }

    place.write_profile(base_url=account.url, closed_until=date(2024, 2, 29), **SETTINGS)
    _change_afterwards(account)
    code, loaded = place.json("load", *SOLD)
    assert (code, loaded["totals"]) == (0, {"UAH": "570.50"})
    assert _open_steps(place, "2024-01") == {"closed_period": 3, "handed_over": 1}
    assert _open_steps(place, "2024-02") == {"closed_period": 3, "handed_over": 2}
    assert {one["order_id"] for one in place.json("review")[1]["closed_period_changes"]} == {1, 3, 5}
    assert _received(place, "2024-01") == {(OF_BANK, BANK): (Decimal(300), Decimal("7.5"))}
    assert _received(place, "2024-02") == {(OF_CASH, CASH): (Decimal("150.5"), Decimal(0))}

    # March tells it as a correction, without the documents of closed months.
    march = _export(place, "--from", "2024-03-01", "--to", "2024-03-31", "--since-last")
    assert _orders(march) == []
    corrections = _rows(march, "closed_period_changes")
    assert {row["Номер замовлення"] for row in corrections} == {"1", "3", "5"}
    assert (_added(corrections, "Сума документа"), _added(corrections, "Оплачено")) == (
        Decimal(-170),
        Decimal(-280),
    )
    assert place.json("review")[1]["closed_period_changes"] == []

    # The months themselves, once more: only what is not as it was.
    assert _open_steps(place, "2024-01") == {"handed_over": 1}
    january, february = (_export(place, *month, "--since-last") for month in (JANUARY, FEBRUARY))
    assert (_orders(january), _orders(february)) == ([1], [3, 5])
    changed = _rows(january, "changed_after_export")
    assert [
        (row["Рядок"], row["Реквізит"], row["Було"], row["Стало"])
        for row in changed
        if row["Де"] != "Замовлення"
    ] == [
        ("Мед", "Увесь рядок", "200,00", ""),
        ("Рахунок ФОП (IBAN)", "Стан", "Оплачено", "Скасовано"),
        ("Рахунок ФОП (IBAN)", "Уся оплата", "", "300,00"),
    ]
    assert (_added(changed, "Сума документа"), _added(changed, "Оплачено")) == (Decimal(-200), Decimal(-200))
    assert _added(_rows(february, "changed_after_export"), "Оплачено") == Decimal(-80)
    assert _open_steps(place, "2024-01") == _open_steps(place, "2024-02") == {}


def test_cancelled_payments_stand_in_the_month_in_which_they_were_seen(
    place: Place, account: Account
) -> None:
    """500 of order 1 and 80 of order 3: refunds or mistakes put right, in this month and not in the closed ones."""
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(base_url=account.url, **SETTINGS)
    _sell_at_first(account)
    assert place.json("load", *SOLD)[0] == 0
    _change_afterwards(account)
    code, loaded = place.json("load", *SOLD)
    assert code == 0
    seen = datetime.fromisoformat(loaded["started_at"]).astimezone(KYIV)
    _, printed = place.json("month", f"{seen:%Y-%m}", "--workbook")
    rows = openpyxl.load_workbook(printed["file"])["Скасовані оплати"].iter_rows(min_row=2, values_only=True)
    assert [(row[0], row[2], row[3], row[8], row[12]) for row in rows if row[2]] == [
        (1, 71, "Оплату скасовано", BANK, 500),
        (3, 73, "Оплату скасовано", BANK, 80),
    ]
    assert place.json("month", "2024-01")[1]["cancelled_payments"] == []


NOVA = "Розрахунки з НоваПей"
COLUMNS = {"date": "Дата", "sum": "Сума", "fee": "Комісія", "order": "Замовлення", "text": "Текст"}
HEADER = "Дата;Сума;Комісія;Замовлення;Текст"
OF_COMPANIES: dict[str, Any] = {
    **SETTINGS,
    "payment_methods": {
        2: {"account": BANK, "kind": "transfer"},
        5: {"account": NOVA, "kind": "cash_on_delivery"},
    },
    # An order whose only payment was cancelled has no account any more.
    "organisations": {OF_BANK: {"default": True}, OF_CASH: {"accounts": [NOVA]}},
    "custom_fields": {"CT_1016": "partners.edrpou"},
    "reconciliation": {
        "since": date(2024, 1, 1),
        "registers": {
            "bank": {"account": BANK, "columns": COLUMNS},
            "nova": {"account": NOVA, "columns": COLUMNS, "sums": "net"},
        },
    },
}


def _put(place: Place, name: str, *rows: str) -> None:
    path = place.directory / "profiles" / "shop" / "registers" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join((HEADER, *rows, "")), "utf-8")


def _compared(place: Place, *period: str) -> dict[str, tuple[int, Decimal, Decimal, Decimal]]:
    """Kind -> lines, paid, received and fee."""
    code, printed = place.json("reconcile", *period)
    assert code == 0, printed
    return {
        count["kind"]: (
            count["lines"],
            Decimal(count["paid"]),
            Decimal(count["received"]),
            Decimal(count["fee"]),
        )
        for count in printed["counts"]
    }


def _sums(*numbers: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


def _taken(place: Place, *asked: str) -> dict[str, list[int]]:
    """Organisation -> the orders of its own export."""
    return {name: _orders(_export(place, *asked, "--organisation", name)) for name in (OF_BANK, OF_CASH)}


def test_companies_two_organisations_and_registers(place: Place, account: Account) -> None:
    """Two entrepreneurs hand over two months each, and the money of both is compared with registers.

    | Order | Day | Of | Buyer of | At first | Afterwards |
    |---|---|---|---|---|---|
    | 1 | 29 January | bank | ТОВ «Вигадка», ЄДРПОУ 00000001 | 500, paid on 30 January | no honey, 300 instead |
    | 2 | 30 January | carrier | | 120.50, paid on 1 February | the same |
    | 3 | 5 February | bank | ФОП Прикладенко, 0000000002 | 80, paid | the payment is cancelled |
    | 4 | 15 February | carrier | | 60, paid on 16 February | the same |

    The bank has 500 less 5 and 80 less 0.80, and in March 200 and 80 went back. The carrier passed on 100.50 after a
    fee of 20 (120.50), 35 after 20 (55, where 60 were paid; the file is put right later) and 30 after 10 (40) for a
    parcel that nobody knows; its file is there twice.
    """
    place.variables["KEYCRM_API_KEY"] = KEY
    place.write_profile(base_url=account.url, **OF_COMPANIES)
    of_1, of_3 = ({"buyer": person(number, company_id=number)} for number in (1, 2))
    _sell(account, 1, 1, 29, [TEA, HONEY], _paid(71, 500, 2, "2024-01-30"), **of_1)
    _sell(account, 2, 1, 30, [{"price": Decimal("120.50")}], _paid(72, Decimal("120.50"), 5, "2024-02-01"))
    _sell(account, 3, 2, 5, [{"price": 80}], _paid(73, 80, 2, "2024-02-05"), **of_3)
    _sell(account, 4, 2, 15, [{"price": 60}], _paid(74, 60, 5, "2024-02-16"))
    _put(place, "bank.csv", "31.01.2024;500,00;5,00;1;", "06.02.2024;80,00;0,80;3;")
    carried = ("03.02.2024;100,50;20,00;2;", "18.02.2024;{};20,00;4;", "20.02.2024;30,00;10,00;;Посилка")
    for name in ("nova.csv", "nova_copy.csv"):
        _put(place, name, *(row.format("35,00") for row in carried))
    assert place.json("load", *BOTH)[0] == 0

    # January: 500. February: 120.50 + 80 fit, fees 20 + 0.80; 60 against 55, and 40 of nobody.
    assert _compared(place, *JANUARY) == {"matched": (1, *_sums("500", "500", "5"))}
    assert _compared(place, *FEBRUARY) == {
        "matched": (2, *_sums("200.50", "200.50", "20.80")),
        "sum_differs": (1, *_sums("60", "55", "20")),
        "money_without_payment": (1, *_sums("0", "40", "10")),
    }
    january, february = _taken(place, *JANUARY), _taken(place, *FEBRUARY)
    assert (january, february) == ({OF_BANK: [1], OF_CASH: [2]}, {OF_BANK: [3], OF_CASH: [4]})
    assert _open_steps(place, "2024-01") == {}
    assert _open_steps(place, "2024-02") == {"reconciliation": 2}
    assert _received(place, "2024-02") == {
        (OF_BANK, BANK): (Decimal(80), Decimal(0)),
        (OF_CASH, NOVA): (Decimal("180.5"), Decimal(0)),
    }
    partners = _rows(_export(place, *BOTH), "partners")
    assert sorted((row["Компанія"], row["edrpou"]) for row in partners if row["Компанія"]) == [
        ("ТОВ «Вигадка»", "00000001"),
        ("ФОП Прикладенко", "0000000002"),
    ]

    place.write_profile(base_url=account.url, closed_until=date(2024, 2, 29), **OF_COMPANIES)
    later = {"updated_at": "2024-03-10T08:00:00.000000Z"}
    cancelled, instead = _paid(71, 500, 2, "2024-01-30", "canceled"), _paid(81, 300, 2, "2024-01-30")
    _sell(account, 1, 1, 29, [TEA], cancelled, instead, **of_1, **later)
    _sell(account, 3, 2, 5, [{"price": 80}], _paid(73, 80, 2, "2024-02-05", "canceled"), **of_3, **later)
    _put(place, "bank_march.csv", "11.03.2024;-200,00;0;;Повернення 1", "11.03.2024;-80,00;0;;Повернення 3")
    for name in ("nova.csv", "nova_copy.csv"):
        _put(place, name, *(row.format("40,00") for row in carried))
    assert place.json("load", *BOTH)[0] == 0

    # The bank's 500 and 80 stay: 300 are left of the first in KeyCRM, none of the second, and 280 went back in March.
    assert _compared(place, *JANUARY) == {"sum_differs": (1, *_sums("300", "500", "5"))}
    assert _compared(place, *FEBRUARY) == {
        "matched": (2, *_sums("180.50", "180.50", "40")),
        "money_without_payment": (2, *_sums("0", "120", "10.80")),
    }
    assert _compared(place, "--from", "2024-03-01", "--to", "2024-03-31") == {
        "outgoing": (2, *_sums("0", "-280", "0"))
    }
    assert _open_steps(place, "2024-01") == {"reconciliation": 1, "closed_period": 2, "handed_over": 1}
    assert _open_steps(place, "2024-02") == {"reconciliation": 2, "closed_period": 2, "handed_over": 1}
    assert _received(place, "2024-01") == {(OF_BANK, BANK): (Decimal(300), Decimal(0))}
    assert _received(place, "2024-02") == {(OF_CASH, NOVA): (Decimal("180.5"), Decimal(0))}

    # Handed over again: only the bank's entrepreneur has anything that changed. Right after it, the same file is made
    # again for whoever lost it; once another was handed over, nothing is left.
    nothing: dict[str, list[int]] = {OF_BANK: [], OF_CASH: []}
    assert _taken(place, *JANUARY, "--since-last") == {**nothing, OF_BANK: [1]}
    assert _taken(place, *FEBRUARY, "--since-last") == {**nothing, OF_BANK: [3]}
    assert _taken(place, *FEBRUARY, "--since-last") == {**nothing, OF_BANK: [3]}
    assert _taken(place, *JANUARY, "--since-last") == nothing
    assert place.json("review")[1]["closed_period_changes"] == []
    assert _open_steps(place, "2024-01") == {"reconciliation": 1}
    assert _open_steps(place, "2024-02") == {"reconciliation": 2}
