"""Files of the rates of the НБУ, and payments in hryvnias by them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from keycrm_pipeline.accounting.rates import (
    Rate,
    RatesFileError,
    rates_of_csv,
    rates_of_json,
    with_rates,
)

MARCH_2 = date(2026, 3, 2)
EURO = Rate("EUR", MARCH_2, Decimal("51.2345"))

RECORD = '{"r030": 978, "txt": "Євро", "rate": 51.2345, "cc": "EUR", "exchangedate": "02.03.2026"}'


@pytest.mark.parametrize(
    ("reader", "text"),
    [
        (rates_of_json, f"[{RECORD}]"),
        (rates_of_json, RECORD),
        (rates_of_csv, "r030,txt,rate,cc,exchangedate\n978,Євро,51.2345,EUR,02.03.2026\n"),
        (rates_of_csv, 'cc;rate;exchangedate\r\nEUR;"51,2345";02.03.2026\r\n'),
        (rates_of_csv, "CC; Rate ; ExchangeDate\neur; 51.2345 ;2026-03-02"),
        (rates_of_csv, "cc,rate,exchangedate\nEUR,51.2345,20260302"),
        (rates_of_csv, "cc;rate;exchangedate\n;;\nEUR;51,2345;02.03.2026\n;;\n"),
    ],
)
def test_files_as_the_bank_and_people_write_them(reader: Callable[[str], list[Rate]], text: str) -> None:
    """The bank's own service, and what Excel makes of it in Ukraine."""
    assert reader(text) == [EURO]


def test_a_rate_of_several_units_is_taken_for_one() -> None:
    """Of forints the bank tells the rate of 100 in its answer for a range of days: 13.0512 are 0.130512 each."""
    record = """{"exchangedate": "02.03.2026", "r030": 348, "cc": "HUF", "txt": "Форинт", "enname": "Forint",
        "rate": 13.0512, "units": 100, "rate_per_unit": 0.130512, "group": "1", "calcdate": "27.02.2026"}"""
    assert rates_of_json(f"[{record}]") == [Rate("HUF", MARCH_2, Decimal("0.130512"))]


@pytest.mark.parametrize(
    ("reader", "text", "said"),
    [
        (rates_of_json, "<html>", "not valid JSON"),
        (rates_of_json, '"EUR"', "neither a list of rates nor one rate"),
        (rates_of_json, "[1]", "record 1 is no rate"),
        (rates_of_json, f"[{RECORD}, {{}}]", "record 2 has no currency code"),
        (rates_of_json, RECORD.replace("02.03.2026", "2 березня"), "record 1 has no day"),
        (rates_of_json, RECORD.replace("02.03.2026", "31.02.2026"), "record 1 has no day"),
        (rates_of_json, RECORD.replace("51.2345", "0"), "record 1 has no number above zero"),
        (rates_of_json, RECORD.replace("51.2345", "-1"), "record 1 has no number above zero"),
        (rates_of_json, RECORD.replace("51.2345", "1.1234567"), "up to six decimals"),
        (rates_of_json, RECORD.replace("51.2345", "null"), "record 1 has no number above zero"),
        (rates_of_csv, f"cc,rate,exchangedate\n{'1' * 200_000},1,1", "not valid CSV"),
        (rates_of_csv, "", "must name the fields cc, rate, exchangedate"),
        (rates_of_csv, "EUR,51.2345,02.03.2026", "must name the fields cc, rate, exchangedate"),
        (rates_of_csv, "cc,rate,exchangedate\nEUR,,02.03.2026", "record 1 has no number above zero"),
        (rates_of_csv, "cc,rate,exchangedate\nEUR", "record 1 has no day"),
    ],
)
def test_a_mistake_is_told_with_its_record(reader: Callable[[str], list[Rate]], text: str, said: str) -> None:
    """A rate that is misread would be money misstated: nothing is guessed."""
    with pytest.raises(RatesFileError, match=said):
        reader(text)


def test_payments_have_the_rate_of_their_local_day() -> None:
    """45.50 x 51.2345 = 2,331.16975; 0.10 x 0.05 is half a kopiyka, rounded up, and down for its refund."""

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 3, day, hour, tzinfo=UTC)

    payments = pl.DataFrame(
        [
            (1, at(2, 9), "EUR", 4550),
            # Midnight in Kyiv: the day before in UTC.
            (2, at(1, 22), "EUR", 100),
            # Another day has no rate, nor has a currency that is not in the file, nor a payment without a day.
            (3, at(3, 9), "EUR", 100),
            (4, at(2, 9), "PLN", 100),
            (5, None, "EUR", 100),
            (6, at(2, 9), "UAH", 100),
            (7, at(2, 9), "JPY", 10),
            (8, at(2, 9), "JPY", -10),
            (9, at(2, 9), "EUR", 10**13),
        ],
        schema={
            "payment_id": pl.Int64, "paid_at": pl.Datetime("us", "UTC"), "currency": pl.String, "amount": pl.Int64,
        },
        orient="row",
    )  # fmt: skip
    rates = pl.DataFrame(
        {
            "currency": ["EUR", "JPY", "UAH"],
            "rate_date": [MARCH_2] * 3,
            "rate": [51_234_500, 50_000, 1_000_000],
        },
        schema={"currency": pl.String, "rate_date": pl.Date, "rate": pl.Int64},
    )
    found = with_rates(payments, rates, "Europe/Kyiv")
    assert found.select("payment_id", "rate", "rate_date", "amount_uah").rows() == [
        (1, 51_234_500, MARCH_2, 233_117),
        (2, 51_234_500, MARCH_2, 5_123),
        (3, None, None, None),
        (4, None, None, None),
        (5, None, None, None),
        (6, None, None, None),
        (7, 50_000, MARCH_2, 1),
        (8, 50_000, MARCH_2, -1),
        (9, 51_234_500, MARCH_2, 512_345_000_000_000),
    ]
    assert found["amount"].equals(payments["amount"])
