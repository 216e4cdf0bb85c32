"""Two months are handed over and closed, KeyCRM changes them, and nothing of that is silent."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.exports import ExportResult, export_period
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Workspace
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks

JANUARY = Period(date(2026, 1, 1), date(2026, 1, 31))
FEBRUARY = Period(date(2026, 2, 1), date(2026, 2, 28))
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
CLOSED: dict[str, Any] = {"closed_until": "2026-02-28"}
AT = {1: datetime(2026, 1, 15, 10, tzinfo=UTC), 2: datetime(2026, 2, 10, 10, tzinfo=UTC)}


def _line(number: int, price: int) -> dict[str, Any]:
    return {"id": number, "name": f"Чай {number}", "price": price, "quantity": 1}


def _payment(number: int, amount: int, status: str = "paid") -> dict[str, Any]:
    return {"id": number, "amount": amount, "status": status, "payment_date": "2026-02-11T08:00:00.000000Z"}


@pytest.fixture
def closed(new_books: MakeBooks) -> Books:
    """January has order 1 of 150 + 50, February order 2 of 80, paid, March order 3 of 10; two months are closed."""
    books = new_books(**CLOSED)
    books.order(1, AT[1], lines=[_line(11, 150), _line(12, 50)])
    books.order(2, AT[2], lines=[_line(21, 80)], payments=[_payment(71, 80)])
    books.order(3, datetime(2026, 3, 2, 10, tzinfo=UTC), lines=[_line(31, 10)])
    books.load(JANUARY.first, MARCH.last)
    return books


def _export(books: Books, period: Period, export_format: Any = "csv", **asked: Any) -> ExportResult:
    return export_period(
        Workspace(books.profile, books.settings),
        period,
        export_format=export_format,
        directory=books.directory / "out",
        now=books.now,
        **asked,
    )


def _changes(result: ExportResult) -> list[tuple[str, str, str, str, str, str]]:
    (file,) = [file for file in result.files if file.name.endswith("_closed_period_changes.csv")]
    with Path(file).open(encoding="utf-8-sig", newline="") as opened:
        return [
            (
                row["Номер замовлення"],
                row["Рядок"],
                row["Реквізит"],
                row["Було"],
                row["Стало"],
                row["Зміна суми"],
            )
            for row in csv.DictReader(opened, delimiter=";")
        ]


def _change_both_months(books: Books) -> None:
    """Order 1 loses its line of 50, the payment of order 2 is cancelled, and order 4 of 30 was entered late."""
    books.shop.add_order(
        order_payload(1, AT[1], lines=[_line(11, 150)], updated_at="2026-03-20T08:00:00.000000Z")
    )
    books.shop.add_order(
        order_payload(
            2,
            AT[2],
            lines=[_line(21, 80)],
            payments=[_payment(71, 80, "canceled")],
            updated_at="2026-03-20T08:00:00.000000Z",
        )
    )
    books.order(4, datetime(2026, 2, 20, 10, tzinfo=UTC), lines=[_line(41, 30)])
    books.load(JANUARY.first, MARCH.last)


OF_BOTH_MONTHS = [
    ("1", "", "Сума товарів", "200,00", "150,00", "-50,00"),
    ("1", "", "Сума документа", "200,00", "150,00", "-50,00"),
    ("1", "Чай 12", "Увесь рядок", "50,00", "", "-50,00"),
    ("2", "", "Оплачено", "80,00", "0,00", "-80,00"),
    ("2", "", "Стан оплати", "Оплачено", "Не оплачено", ""),
    ("2", "Рахунок ФОП (IBAN)", "Стан", "Оплачено", "Скасовано", ""),
    ("4", "", "Сума документа", "", "30,00", "30,00"),
]
"""The closed months are worth 20 less (-50 + 30), and 80 less was paid."""


def test_closed_months_that_changed_are_handed_over_as_a_correction(closed: Books) -> None:
    """March's export tells it once; the closed months, handed over again, contain what changed and nothing else."""
    for month in (JANUARY, FEBRUARY):
        assert _changes(_export(closed, month)) == []
    _change_both_months(closed)
    march = _export(closed, MARCH, since_last=True)
    assert _changes(march) == OF_BOTH_MONTHS
    assert (march.counts["orders"], march.hand_over.count("new")) == (1, 1)
    totals = [Decimal(row[5].replace(",", ".")) for row in OF_BOTH_MONTHS if row[2] == "Сума документа"]
    booked = closed.query("SELECT sum(grand_total) FROM accounting.orders WHERE order_day < '2026-03-01'")
    assert (sum(totals), booked) == (Decimal(-20), [(Decimal("280.00") - 20,)])
    # The same again on the same books, and nothing new afterwards.
    assert _changes(_export(closed, MARCH, since_last=True)) == OF_BOTH_MONTHS
    assert _changes(_export(closed, MARCH)) == []
    january, february = (_export(closed, month, since_last=True) for month in (JANUARY, FEBRUARY))
    assert [one.order_id for one in january.hand_over.differences] == [1]
    assert [(one.order_id, one.state) for one in february.hand_over.differences] == [
        (2, "changed"),
        (4, "new"),
    ]


def test_another_change_is_compared_with_what_was_told(closed: Books) -> None:
    """The accountant has corrected 200 to 150: a further change to 140 is one of 10, not of 60."""
    _export(closed, JANUARY)
    _change_both_months(closed)
    _export(closed, MARCH)
    closed.shop.add_order(
        order_payload(1, AT[1], lines=[_line(11, 140)], updated_at="2026-03-25T08:00:00.000000Z")
    )
    closed.load(JANUARY.first, JANUARY.last)
    assert [row for row in _changes(_export(closed, MARCH)) if row[2] == "Сума документа"] == [
        ("1", "", "Сума документа", "150,00", "140,00", "-10,00")
    ]


def test_change_that_was_taken_back_is_none(closed: Books) -> None:
    """What stands in KeyCRM as it stood when the month was closed needs no correction."""
    before = closed.shop.order(1)
    _change_both_months(closed)
    assert before is not None
    closed.shop.add_order({**before, "updated_at": "2026-03-26T08:00:00.000000Z"})
    closed.load(JANUARY.first, JANUARY.last)
    assert {row[0] for row in _changes(_export(closed, MARCH))} == {"2", "4"}


def test_first_load_of_a_closed_month_is_no_change(closed: Books) -> None:
    """Whoever closes the past and then loads it has an archive, not corrections."""
    assert closed.rows("ops.closed_documents") == []


def test_each_format_is_told(closed: Books) -> None:
    """1C and Odoo cannot take a correction of a closed month: it stands next to their files."""
    _change_both_months(closed)
    for export_format in ("commerceml", "odoo", "csv"):
        assert _changes(_export(closed, MARCH, export_format)) == OF_BOTH_MONTHS


def test_without_a_closed_period_nothing_is_kept(new_books: MakeBooks) -> None:
    """The books follow KeyCRM, and what was handed over is still compared."""
    books = new_books()
    books.order(1, AT[1], lines=[_line(11, 150)])
    books.load(JANUARY.first, JANUARY.last)
    books.shop.add_order(
        order_payload(1, AT[1], lines=[_line(11, 140)], updated_at="2026-03-25T08:00:00.000000Z")
    )
    books.load(JANUARY.first, JANUARY.last)
    assert books.rows("ops.closed_documents") == []
