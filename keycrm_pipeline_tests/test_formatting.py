"""Numbers, money and dates in the notation of each language."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from keycrm_pipeline.formatting import Formatter, without_contacts
from keycrm_pipeline.period import Period

UK, EN = Formatter("uk"), Formatter("en")


def spaced(text: str) -> str:
    """The text with plain spaces instead of non-breaking ones."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize(
    ("amount", "currency", "ukrainian", "english"),
    [
        ("1234567.5", "UAH", "1 234 567,50 ₴", "₴1,234,567.50"),
        ("0", "UAH", "0,00 ₴", "₴0.00"),
        ("-5.25", "EUR", "−5,25 EUR", "−€5.25"),
        ("10", "PLN", "10,00 PLN", "PLN 10.00"),
        ("10", "???", "10,00 ???", "???10.00"),
    ],
)
def test_money(amount: str, currency: str, ukrainian: str, english: str) -> None:
    """An amount shows its kopiykas and its currency, even an unknown one."""
    assert spaced(UK.money(Decimal(amount), currency)) == ukrainian
    assert spaced(EN.money(Decimal(amount), currency)) == english


def test_headline_money_is_rounded_half_up() -> None:
    """1 234,50 is 1 235 in a headline, rounded half up."""
    assert spaced(UK.whole_money(Decimal("1234.50"), "UAH")) == "1 235 ₴"
    assert spaced(UK.whole_money(Decimal("1233.50"), "UAH")) == "1 234 ₴"


def test_numbers_keep_only_the_decimals_they_need() -> None:
    """Three pieces are 3, not 3,000; half a kilo stays half a kilo."""
    assert UK.number(Decimal("3.000")) == "3"
    assert spaced(UK.number(Decimal("12345.500"))) == "12 345,5"
    assert EN.number(12345) == "12,345"


@pytest.mark.parametrize(
    ("share", "signed", "text"),
    [
        ("0.1234", True, "+12,3 %"),
        ("-0.1", True, "−10,0 %"),
        ("0", True, "0,0 %"),
        ("-0.0001", True, "0,0 %"),
        ("12.5", False, "1 250 %"),
    ],
)
def test_percent(share: str, signed: bool, text: str) -> None:
    """A change shows its sign; a very large one has no decimals."""
    assert spaced(UK.percent(Decimal(share), signed=signed)) == text


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 3, 4), date(2026, 3, 4), "4 березня 2026"),
        (date(2026, 3, 1), date(2026, 3, 31), "1–31 березня 2026"),
        (date(2026, 1, 30), date(2026, 2, 28), "30 січня – 28 лютого 2026"),
        (date(2025, 12, 20), date(2026, 1, 5), "20 грудня 2025 – 5 січня 2026"),
    ],
)
def test_periods(first: date, last: date, text: str) -> None:
    """What both ends have in common is written once."""
    assert UK.period(Period(first, last)) == text


def test_instants_are_local() -> None:
    """22:30 in UTC is half past midnight of the next day in Kyiv."""
    assert UK.instant(datetime(2026, 3, 3, 22, 30, tzinfo=UTC), "Europe/Kyiv") == "4 бер. 2026, 00:30"
    assert EN.instant(datetime(2026, 7, 3, 22, 30, tzinfo=UTC), "Europe/Kyiv") == "4 Jul 2026, 01:30"


def test_ukrainian_plurals() -> None:
    """1 and 21 take one form, 2 to 4 another, 5 and 11 a third."""
    forms = ("замовлення", "замовлення!", "замовлень")
    words = [UK.plural(count, *forms).split("\u00a0")[1] for count in (1, 21, 2, 104, 5, 11, 112)]
    assert words == [forms[0], forms[0], forms[1], forms[1], forms[2], forms[2], forms[2]]
    assert spaced(EN.plural(1, "day", "days")) == "1 day"
    assert spaced(EN.plural(21, "day", "days")) == "21 days"


@pytest.mark.parametrize(
    "contact",
    [
        "+380501234567",
        "+38 (050) 123-45-67",
        "380501234567",
        "80501234567",
        "050 123 45 67",
        "0501234567",
        "olena.koval+shop@example.com.ua",
        "+48 22 123 45 67",
    ],
)
def test_contacts_are_left_out(contact: str) -> None:
    """A reason that quotes a buyer's phone or e-mail is shown without it."""
    assert without_contacts(f"Not valid: {contact}. Mend it.") == "Not valid: …. Mend it."


@pytest.mark.parametrize(
    "text", ["Order 4821, waybill 20450000000001", "1 234 567,50 ₴ on 2026-03-04", "Line 2: «два»", ""]
)
def test_order_numbers_waybills_and_sums_stay(text: str) -> None:
    """Anything that is not a contact is unchanged."""
    assert without_contacts(text) == text
