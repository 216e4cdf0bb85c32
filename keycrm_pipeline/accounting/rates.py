"""Daily rates of the НБУ: their files, and payments in hryvnias by them (R8).

A file has the fields of the bank's own services: `cc`, `rate` (and `rate_per_unit` if the rate is for several) and
`exchangedate` (dd.mm.yyyy). What is not here: where the files are (`pipeline.rates`).
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import polars as pl

from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.rates import RateMistake

HOME_CURRENCY = "UAH"
MILLIONTHS: Final = 10**6
"""Rates are counted in these in frames."""

_FIELDS: Final = ("cc", "rate", "exchangedate")
_CODE: Final = re.compile(r"[A-Z]{3}")
_DAY_FORMATS: Final = ("%d.%m.%Y", "%Y-%m-%d", "%Y%m%d")
_LARGEST: Final = Decimal(10**9)


@dataclass(frozen=True, slots=True)
class Rate:
    """Hryvnias for one unit of a currency on a day."""

    currency: str
    day: date
    rate: Decimal


class RatesFileError(ValueError):
    """A file of rates cannot be read; `problem` says what is wrong with it."""

    def __init__(self, problem: Message) -> None:
        super().__init__(str(problem))
        self.problem = problem


def rates_of_json(text: str) -> list[Rate]:
    """The rates of a JSON file: a list of records, or a single one.

    Raises:
        RatesFileError: It is none.
    """
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        raise RatesFileError(RateMistake.RATES_NO_JSON.message()) from None
    records = [found] if isinstance(found, dict) else found
    if not isinstance(records, list):
        raise RatesFileError(RateMistake.NO_LIST.message())
    return _rates(records)


def rates_of_csv(text: str) -> list[Rate]:
    """The rates of a CSV file with the fields in its first line, separated by commas or semicolons.

    Raises:
        RatesFileError: It is none.
    """
    first_line = text.partition("\n")[0]
    delimiter = ";" if ";" in first_line else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if not set(_FIELDS) <= set(names):
            raise RatesFileError(RateMistake.NO_FIELDS.message(fields=list(_FIELDS)))
        reader.fieldnames = names
        # Excel ends a table with rows of nothing but separators.
        return _rates(row for row in reader if any(row.values()))
    except csv.Error:
        raise RatesFileError(RateMistake.RATES_NO_CSV.message()) from None


def _rates(records: Iterable[Any]) -> list[Rate]:
    rates = []
    for number, record in enumerate(records, start=1):
        if not isinstance(record, Mapping):
            raise RatesFileError(RateMistake.NO_RECORD.message(number=number))
        currency, day, rate = (
            _code(record.get("cc")),
            _day(record.get("exchangedate")),
            # The bank's service for a range of days has rates for 10 or 100 units of some currencies, and these too.
            _rate(record.get("rate_per_unit") or record.get("rate")),
        )
        if currency is None:
            raise RatesFileError(RateMistake.NO_CURRENCY.message(number=number))
        if day is None:
            raise RatesFileError(RateMistake.RATE_NO_DAY.message(number=number))
        if rate is None:
            raise RatesFileError(RateMistake.NO_RATE.message(number=number))
        rates.append(Rate(currency, day, rate))
    return rates


def _code(value: Any) -> str | None:
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if _CODE.fullmatch(code) else None


def _day(value: Any) -> date | None:
    for form in _DAY_FORMATS:
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _rate(value: Any) -> Decimal | None:
    try:
        rate = Decimal(str(value).strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not (rate.is_finite() and 0 < rate < _LARGEST):
        return None
    # More decimals than the bank gives to any currency.
    return rate if rate == round(rate, 6) else None


def with_rates(payments: pl.DataFrame, rates: pl.DataFrame, timezone: str) -> pl.DataFrame:
    """Adds `rate`, `rate_date` and `amount_uah` to payments: of their local day, where that rate is known.

    No other day's rate stands in for a missing one, and payments in hryvnias have none.

    Args:
        payments: Payments with `paid_at`, `currency` and `amount` in kopiykas.
        rates: `currency`, `rate_date` and `rate` in millionths.
        timezone: IANA zone of the shop.
    """
    product = pl.col("amount").cast(pl.Int128) * pl.col("rate")
    # A sum beyond all money of the world has none in hryvnias.
    rounded = ((product.abs() + MILLIONTHS // 2) // MILLIONTHS).cast(pl.Int64, strict=False)
    return (
        payments.with_columns(rate_date=pl.col("paid_at").dt.convert_time_zone(timezone).dt.date())
        .join(
            rates.filter(pl.col("currency") != HOME_CURRENCY),
            on=["currency", "rate_date"],
            how="left",
            maintain_order="left",
        )
        .with_columns(
            rate_date=pl.when(pl.col("rate").is_not_null()).then("rate_date"),
            # Half a kopiyka goes away from zero, so that a payment and its refund come to nothing.
            amount_uah=pl.when(product < 0).then(-rounded).otherwise(rounded),
        )
    )
