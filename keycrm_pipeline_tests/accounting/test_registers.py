"""R15: days, sums and rows of registers, as carriers, acquirers and banks write them."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from keycrm_pipeline.accounting.catalogue_files import CatalogueFileError
from keycrm_pipeline.accounting.registers import RegisterForm, read_day, read_register, read_sum

FORM = RegisterForm(
    {"date": "Дата", "sum": "Сума", "fee": "Комісія", "order": "Замовлення", "text": "Призначення"}
)
HEADER = ["Дата", "Сума", "Комісія", "Замовлення", "Призначення"]


def rows_of(*rows: list[str]) -> list[tuple[int, list[str]]]:
    return list(enumerate(rows, start=1))


@pytest.mark.parametrize(
    ("text", "kopiykas"),
    [
        ("1234,50", 123450),
        ("1 234,50", 123450),
        ("1\u00a0234.5", 123450),
        ("1,234.50", 123450),
        ("1.234.567,89", 123456789),
        ("12 500 грн", 1250000),
        ("350.00 UAH", 35000),
        ("−12,30", -1230),
        ("0", 0),
        ("12.340000000000002", 1234),
        ("1,234", None),
        ("1.234", None),
        ("12.345", None),
        ("сто", None),
        ("", None),
        ("12,3,4", None),
        ("1e3", None),
        ("12.34567", None),
        ("\u202a1\u202f234,50\u202c", 123450),
        ("99 999 999 999 999 999 999,00", None),
    ],
)
def test_sums_are_read_for_certain_or_not_at_all(text: str, kopiykas: int | None) -> None:
    assert read_sum(text) == kopiykas


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31.10.2026", date(2026, 10, 31)),
        ("1.2.26", date(2026, 2, 1)),
        ("31/10/2026 14:05", date(2026, 10, 31)),
        ("2026-10-31", date(2026, 10, 31)),
        ("2026-10-31 00:00:00", date(2026, 10, 31)),
        ("2026-10-31T23:59:59Z", date(2026, 10, 31)),
        ("\u200e31.10.2026", date(2026, 10, 31)),
        ("31.02.2026", None),
        ("10/31/2026", None),
        ("вчора", None),
        ("46326", None),
    ],
)
def test_days_are_read_as_they_are_written_here(text: str, day: date | None) -> None:
    assert read_day(text) == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-10-31T21:59:59Z", date(2026, 10, 31)),
        ("2026-10-31T22:00:00.000Z", date(2026, 11, 1)),
        ("2026-06-30 21:00:00 +0000", date(2026, 7, 1)),
        ("2026-06-30 21:00:00 UTC", date(2026, 7, 1)),
        ("2026-11-01T00:30:00+03:00", date(2026, 10, 31)),
        ("2026-10-31 23:30:00", date(2026, 10, 31)),
        ("2026-02-30T21:00:00Z", None),
    ],
)
def test_a_moment_with_an_offset_is_of_the_day_of_the_shop(text: str, day: date | None) -> None:
    """22:00 UTC is midnight in Kyiv in winter, 21:00 in summer."""
    assert read_day(text, ZoneInfo("Europe/Kyiv")) == day


def test_balances_with_a_day_are_no_money() -> None:
    """A statement has them as its first and last operation; what a buyer writes about a rest is money."""
    cells = rows_of(
        HEADER,
        ["01.10.2026", "10 000,00", "", "", "Вхідний залишок на 01.10.2026"],
        ["05.10.2026", "500,00", "", "", "Залишок за замовлення 1042"],
        ["31.10.2026", "10 500,00", "", "", "Сальдо на кінець періоду"],
    )
    assert [row.amount for row in read_register(cells, "bank.csv", FORM)] == [500_00]


def test_what_stands_above_and_below_is_left_out() -> None:
    """A title, a blank row and the total are no money; the line of each row is that of the file."""
    cells = rows_of(
        ["Реєстр №7 за жовтень"],
        ["Сума", "усього"],
        HEADER,
        ["05.10.2026", "500,00", "10", "1042", "за товар"],
        ["", "", "", "", ""],
        ["06.10.2026", "300,00", "", "1043", ""],
        ["Разом", "800,00", "10", "", ""],
    )
    (first, second) = read_register(cells, "nova.csv", FORM)
    assert (first.line, first.received_day, first.amount, first.fee, first.order_number, first.text) == (
        4, date(2026, 10, 5), 500_00, 10_00, "1042", "за товар",
    )  # fmt: skip
    assert (second.line, second.amount, second.fee, second.order_number, second.text) == (
        6, 300_00, 0, "1043", None,
    )  # fmt: skip


def test_rows_without_money_are_left_out_wherever_they_stand() -> None:
    """The header once more, as on each printed page, a note below, and a total that does not say so; a dash is no fee.

    A sum without a day that is not the sum of all rows may be money, and is told.
    """
    rows = [
        HEADER,
        ["05.10.2026", "500,00", "–", "1042", "за товар"],
        HEADER,
        ["06.10.2026", "300,00", "5", "1043", ""],
        ["", "800,00", "5", "", ""],
        ["Сформовано 31.10.2026", "", "", "", ""],
    ]
    read = read_register(rows_of(*rows), "nova.csv", FORM)
    assert [(row.line, row.amount, row.fee) for row in read] == [(2, 500_00, 0), (4, 300_00, 5_00)]
    with pytest.raises(CatalogueFileError, match="row 7, column Дата: it is empty"):
        read_register(rows_of(*rows, ["", "800,01", "", "", ""]), "nova.XLS", FORM)


def test_a_statement_with_debit_and_credit_is_one_of_money_that_came() -> None:
    """The sum is the column of what came; rows that have none went out. A file without any sum names another column."""
    form = RegisterForm({"date": "Дата", "sum": "Кредит"})
    header = ["Дата", "Дебет", "Кредит"]
    out, came = ["05.10.2026", "70,00", ""], ["06.10.2026", "", "500,00"]
    assert [row.amount for row in read_register(rows_of(header, out, came), "bank.csv", form)] == [500_00]
    with pytest.raises(CatalogueFileError, match="line 2, column Кредит: it is empty"):
        read_register(rows_of(header, out), "bank.csv", form)


def test_net_sums_are_told_before_the_fee() -> None:
    """490 that came and 10 that were kept are the 500 that the buyer paid; a fee may be written below zero."""
    form = RegisterForm(FORM.columns, is_net=True)
    cells = rows_of(HEADER, ["05.10.2026", "490", "-10", "1", ""])
    (row,) = read_register(cells, "liqpay.csv", form)
    assert (row.amount, row.fee) == (500_00, 10_00)


@pytest.mark.parametrize("sign", [1, -1], ids=["kept fees above zero", "kept fees below zero"])
def test_a_fee_that_is_given_back_is_taken_off(sign: int) -> None:
    """490 and 10 of fee are 500; on their return 490 and the 10 go back, and 3 are kept of another return of 97."""
    form = RegisterForm(FORM.columns, is_net=True)
    cells = rows_of(
        HEADER,
        ["05.10.2026", "490", str(10 * sign), "1", ""],
        ["06.10.2026", "-490", str(-10 * sign), "1", ""],
        ["07.10.2026", "-100", str(3 * sign), "2", ""],
    )
    rows = read_register(cells, "liqpay.csv", form)
    assert [(row.amount, row.fee) for row in rows] == [(500_00, 10_00), (-500_00, -10_00), (-97_00, 3_00)]


def test_balances_of_a_statement_are_no_money() -> None:
    """What a bank writes around and below its operations; a payment for the balance of an order is one."""
    balances = (
        "Вхідний залишок",
        "Обороти за період",
        "Вихідний залишок на 31.10.2026",
        "Залишок:",
        "Підсумок",
    )
    (row,) = read_register(
        rows_of(
            HEADER,
            ["05.10.2026", "500,00", "", "", "Вихідний залишок за замовлення 1042"],
            *([balance, "777,00", "", "", ""] for balance in balances),
        ),
        "bank.csv",
        FORM,
    )
    assert (row.line, row.amount) == (2, 500_00)


def test_equal_rows_are_told_apart_by_their_number() -> None:
    """Two equal payments of a day are two; with a code of the operation, a row listed twice is one."""
    row = ["05.10.2026", "500", "0", "1042", "за товар"]
    keys = [found.row_key for found in read_register(rows_of(HEADER, row, row), "a.csv", FORM)]
    again = [found.row_key for found in read_register(rows_of(["x"], HEADER, row), "b.csv", FORM)]
    assert len(set(keys)) == 2
    assert again == keys[:1]
    form = RegisterForm({"date": "Дата", "sum": "Сума", "reference": "Замовлення"})
    keys = [found.row_key for found in read_register(rows_of(HEADER, row, row), "a.csv", form)]
    assert len(set(keys)) == 1


def test_everything_that_is_wrong_is_told_with_its_place_and_no_cell() -> None:
    """A day, a sum and an empty cell in one reading; what stands in the cells may be about people."""
    cells = rows_of(
        HEADER,
        ["Тестова", "500", "", "1", ""],
        ["05.10.2026", "п'ятсот", "x", "2", "Іваненко"],
        ["", "5", "", "3", ""],
    )
    with pytest.raises(CatalogueFileError) as raised:
        read_register(cells, "nova.csv", FORM)
    assert [(problem.line, problem.column) for problem in raised.value.problems] == [
        (2, "Дата"),
        (3, "Сума"),
        (3, "Комісія"),
        (4, "Дата"),
    ]
    assert "Тестова" not in str(raised.value)
    assert "Іваненко" not in str(raised.value)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([["Дата", "Комісія", "Замовлення", "Призначення"]], "column Сума: there is no such column"),
        ([[*HEADER, "Сума"]], "column Сума: several columns are called so"),
        ([["a", "b"], ["1", "2"]], "line 1: no row names the columns Дата, Сума"),
        ([], "line 1: the file is empty"),
    ],
)
def test_a_header_that_does_not_fit_is_told(rows: list[list[str]], told: str) -> None:
    with pytest.raises(CatalogueFileError, match=told):
        read_register(rows_of(*rows), "nova.csv", FORM)
