"""Rates of the НБУ from the files of the shop: on payments, missing days told, the original never replaced."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from keycrm_pipeline.pipeline.rates import RatesError
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks

HEAD = "cc,rate,exchangedate\n"
EUROS = {"id": 70, "amount": 45.5, "actual_currency": "EUR", "payment_date": "2026-03-02T09:00:00.000000Z"}
COLUMNS = "payment_id, amount, currency, rate, rate_date, amount_uah"


def put(books: Books, name: str, text: str) -> Path:
    """Writes a file of rates."""
    directory = books.workspace.rates_directory
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(text, "utf-8")
    return path


def test_payments_in_euros_have_their_value_in_hryvnias(new_books: MakeBooks) -> None:
    """45.50 EUR at 51.2345 are 2,331.17. What KeyCRM itself converted by is not the rate of the НБУ."""
    books = new_books()
    put(books, "march.csv", f"{HEAD}EUR,51.2345,02.03.2026\n")
    put(books, "usd.json", '[{"cc": "USD", "rate": 43.81, "exchangedate": "02.03.2026"}]')
    put(books, "readme.txt", "Курси НБУ")
    books.order(
        1,
        source_id=6,
        payments=[EUROS, {"id": 71, "amount": 45.5, "source_currency": "EUR", "actual_amount": 2400,
            "actual_currency": "UAH", "payment_date": EUROS["payment_date"]}, {"id": 72, "amount": 10}],
    )  # fmt: skip
    books.load()
    assert books.rows("order_payments", COLUMNS) == [
        (70, Decimal("45.50"), "EUR", Decimal("51.2345"), date(2026, 3, 2), Decimal("2331.17")),
        (71, Decimal("45.50"), "EUR", Decimal("51.2345"), date(2026, 3, 2), Decimal("2331.17")),
        (72, Decimal(10), "UAH", None, None, None),
    ]
    assert books.review("rate_missing") == []
    assert books.rows("raw.exchange_rates") == [
        ("EUR", date(2026, 3, 2), Decimal("51.234500")),
        ("USD", date(2026, 3, 2), Decimal("43.810000")),
    ]
    # The same files change nothing.
    before = books.tables()
    books.load()
    assert books.tables() == before


def test_a_day_without_a_rate_is_told_until_it_is_there(new_books: MakeBooks) -> None:
    """Two payments of one day: they keep their euros and have no other day's rate."""
    books = new_books()
    put(books, "march.csv", f"{HEAD}EUR,51.2345,01.03.2026\n")
    books.order(1, payments=[EUROS, EUROS | {"id": 71}])
    books.load()
    assert books.rows("order_payments", "amount, rate, amount_uah") == [(Decimal("45.50"), None, None)] * 2
    ((subject, details),) = books.query("SELECT subject, details FROM ops.review WHERE kind = 'rate_missing'")
    assert subject == "EUR"
    assert details.startswith(
        "Payments in EUR without a rate of the НБУ: 2, of 1 days, the first on 2026-03-02."
    )
    put(books, "march.csv", f"{HEAD}EUR,51.2345,02.03.2026\n")
    books.rebuild()
    assert books.rows("order_payments", "amount_uah") == [(Decimal("2331.17"),)] * 2
    assert books.review("rate_missing") == []


def test_a_shop_without_files_has_neither_rates_nor_entries(new_books: MakeBooks) -> None:
    """Nobody who does not ask for hryvnias is told that they are missing."""
    books = new_books()
    books.order(1, payments=[EUROS])
    books.load()
    assert books.rows("order_payments", "rate, amount_uah") == [(None, None)]
    assert books.review("rate_missing") == []


def test_a_file_that_cannot_be_read_stops_the_exchange(new_books: MakeBooks) -> None:
    """With the name of the file and what is wrong in it; the rates of before stay."""
    books = new_books()
    put(books, "march.csv", f"{HEAD}EUR,51.2345,02.03.2026\n")
    books.order(1, payments=[EUROS])
    books.load()
    wrong = put(books, "april.csv", f"{HEAD}EUR,дорого,01.04.2026\n")
    with pytest.raises(RatesError, match=r"april\.csv was not read: record 1 has no number above zero"):
        books.load()
    wrong.write_bytes("cc,rate,exchangedate,txt\nEUR,51.2345,02.03.2026,Євро\n".encode("cp1251"))
    with pytest.raises(RatesError, match=r"april\.csv was not read: it is not encoded in UTF-8"):
        books.load()
    wrong.unlink()
    put(books, "other.csv", f"{HEAD}EUR,51.3,02.03.2026\n")
    with pytest.raises(RatesError, match=r"two rates of EUR for .*, 51\.2345 and 51\.3"):
        books.load()
    assert books.rows("raw.exchange_rates", "rate") == [(Decimal("51.234500"),)]
    assert books.rows("order_payments", "amount_uah") == [(Decimal("2331.17"),)]


def test_a_directory_that_cannot_be_read_takes_no_rates_along(new_books: MakeBooks) -> None:
    """The disk that the directory links to is away: rates that are known must not count as removed."""
    books = new_books()
    elsewhere = books.directory / "disk"
    books.workspace.rates_directory.symlink_to(elsewhere)
    elsewhere.mkdir()
    (elsewhere / "march.csv").write_text("cc;rate;exchangedate\nEUR;51,25;02.03.2026\n", "utf-8")
    books.load()
    known = books.query("SELECT currency, rate FROM raw.exchange_rates")
    assert known == [("EUR", Decimal("51.25"))]
    elsewhere.rename(books.directory / "away")
    with pytest.raises(RatesError, match=r"rates cannot be read"):
        books.load()
    assert books.query("SELECT currency, rate FROM raw.exchange_rates") == known


def test_a_profile_with_rates_of_its_own_uses_those_alone(new_books: MakeBooks) -> None:
    """The invented rates of the demo shop reach no other shop, and it does not need theirs."""
    books = new_books()
    put(books, "march.csv", f"{HEAD}EUR,51.2345,02.03.2026\nUSD,43.81,02.03.2026\n")
    own = books.settings.profiles_directory / books.profile.name / "rates"
    own.mkdir(parents=True)
    (own / "euro.json").write_text('[{"cc": "EUR", "rate": 45.5, "exchangedate": "02.03.2026"}]', "utf-8")
    books.order(1, source_id=6, payments=[EUROS])
    books.load()
    assert books.rows("raw.exchange_rates") == [("EUR", date(2026, 3, 2), Decimal("45.500000"))]
    # 45.50 x 45.50
    assert books.rows("order_payments", "amount_uah") == [(Decimal("2070.25"),)]
