"""Numbers, money and dates in Ukrainian or English notation.

What is not here: words and sentences. babel is imported only when something is formatted, so that importing this
module is fast.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from keycrm_pipeline.language import LANGUAGES as LANGUAGES
from keycrm_pipeline.language import Language as Language
from keycrm_pipeline.language import current_language
from keycrm_pipeline.period import Period

NO_BREAK_SPACE = "\u00a0"
NO_VALUE = "—"
"""Shown instead of an empty cell, which might look like a mistake."""

_LOCALES: dict[Language, str] = {"uk": "uk_UA", "en": "en_GB"}
"""British English, because European readers expect the day before the month."""

_SIGNS = {"UAH": "₴"}
"""CLDR has only the code in English, but readers of a Ukrainian shop's report know the sign of its currency."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_PHONE = re.compile(
    r"(?<![\w])(?:\+\d[\d\s()\-]{8,}\d|(?:3?8)?\(?0\d{2}\)?[\s-]?\d{3}[\s-]?\d{2}[\s-]?\d{2})(?!\w)"
)


@dataclass(frozen=True)
class Formatter:
    """Formats values for readers of one language."""

    language: Language

    @property
    def locale(self) -> str:
        """The locale for babel."""
        return _LOCALES[self.language]

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount in whole currency units with two decimals and the currency: `1 234,50 ₴`."""
        return self._money(amount, currency, "#,##0.00")

    def whole_money(self, amount: Decimal, currency: str) -> str:
        """An amount rounded to whole units, for headlines: `1 235 ₴`."""
        return self._money(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP), currency, "#,##0")

    def amount(self, amount: Decimal) -> str:
        """An amount with two decimals, without its currency, for columns that name it: `1 234,50`."""
        return f"{'−' if amount < 0 else ''}{self._decimal(abs(amount), '#,##0.00')}"

    def _money(self, amount: Decimal, currency: str, digits: str) -> str:
        sign = self.currency_name(currency)
        number = self._decimal(abs(amount), digits)
        minus = "−" if amount < 0 else ""
        if self.language == "uk":
            return f"{minus}{number}{NO_BREAK_SPACE}{sign}"
        # A space separates a code from the digits, but not a sign.
        return f"{minus}{sign}{NO_BREAK_SPACE if sign.isalpha() else ''}{number}"

    def currency_name(self, currency: str) -> str:
        """The currency's sign, or its code: `₴`, `EUR`."""
        from babel.numbers import get_currency_symbol

        return _SIGNS.get(currency) or str(get_currency_symbol(currency, locale=self.locale))

    def number(self, value: Decimal | int) -> str:
        """A number with separated thousands and only the decimals it needs: `1 234,5`."""
        return self._decimal(value, "#,##0.###")

    def _decimal(self, value: Decimal | float, pattern: str) -> str:
        from babel.numbers import format_decimal

        return str(format_decimal(value, format=pattern, locale=self.locale))

    def short_number(self, value: float) -> str:
        """A number for the axis of a chart: `12 тис.`, `1,5 млн`."""
        from babel.numbers import format_compact_decimal

        if abs(value) < 1000:
            return self._decimal(value, "#,##0.##")
        return str(format_compact_decimal(value, locale=self.locale, fraction_digits=1))

    def percent(self, share: Decimal, *, signed: bool = False) -> str:
        """A fraction in percent: `12,3 %`; a change with its sign: `+12,3 %`."""
        from babel.numbers import format_percent

        gap = NO_BREAK_SPACE if self.language == "uk" else ""
        digits = "#,##0" if abs(share) >= 10 else "#,##0.0"
        text = str(format_percent(abs(share), format=f"{digits}{gap}%", locale=self.locale))
        if not any(digit in text for digit in "123456789"):
            return text
        if share < 0:
            return f"−{text}"
        return f"+{text}" if signed else text

    def day(self, day: date) -> str:
        """A day with the year: `4 бер. 2026`."""
        return self._date(day, "d MMM y")

    def weekday_and_day(self, day: date) -> str:
        """A day with its weekday: `ср, 4 бер.`."""
        return self._date(day, "EEE, d MMM")

    def short_day(self, day: date) -> str:
        """A day for the axis of a chart: `4 бер.`."""
        return self._date(day, "d MMM")

    def month(self, day: date) -> str:
        """A month for the axis of a chart: `бер. 2026`."""
        return self._date(day, "LLL y")

    def whole_month(self, day: date) -> str:
        """A month by its full name: `листопад 2026`."""
        return self._date(day, "LLLL y")

    def period(self, period: Period) -> str:
        """A period: `1–30 листопада 2026`."""
        whole = "d MMMM y"
        last = self._date(period.last, whole)
        if period.first == period.last:
            return last
        if (period.first.year, period.first.month) == (period.last.year, period.last.month):
            return f"{period.first.day}–{last}"
        first_format = "d MMMM" if period.first.year == period.last.year else whole
        return f"{self._date(period.first, first_format)} – {last}"

    def _date(self, day: date, pattern: str) -> str:
        from babel.dates import format_date

        return str(format_date(day, format=pattern, locale=self.locale))

    def instant(self, instant: datetime, timezone: str) -> str:
        """A time in the shop's time zone: `4 бер. 2026, 05:30`."""
        from zoneinfo import ZoneInfo

        from babel.dates import format_datetime

        local = instant.astimezone(ZoneInfo(timezone))
        return str(format_datetime(local, format="d MMM y, HH:mm", tzinfo=local.tzinfo, locale=self.locale))

    def duration(self, seconds: float) -> str:
        """A duration: `0:42`, `12:05`, `1:02:03`."""
        whole = round(seconds)
        hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
        return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"

    def plural(self, count: int, *forms: str) -> str:
        """A number with the matching form of a word: one, few, many in Ukrainian; one, other in English."""
        return f"{self.number(count)}{NO_BREAK_SPACE}{forms[self._plural_index(count, len(forms))]}"

    def _plural_index(self, count: int, forms: int) -> int:
        from babel import Locale

        category = Locale.parse(self.locale).plural_form(count)
        order = ("one", "few", "many") if self.language == "uk" else ("one", "other")
        return min(order.index(category) if category in order else forms - 1, forms - 1)


def current_formatter() -> Formatter:
    """Formats values for whoever is spoken to here (`language`)."""
    return Formatter(current_language())


def without_contacts(text: str) -> str:
    """The text with every e-mail address and phone number replaced by an ellipsis.

    What somebody typed may be anything, but a report is passed around and must not reveal a buyer's contacts. It is
    given those values alone, and texts of earlier versions; numbers and sums of the program are kept.
    """
    return _PHONE.sub("…", _EMAIL.sub("…", text))
