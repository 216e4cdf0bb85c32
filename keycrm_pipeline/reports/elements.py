"""The elements of the report's page: tables, charts, tiles and facts, and the writer of their text.

They know nothing about orders. Which figures are shown where is in `sections`, HTML in
`templates/report.html.j2`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeVar

from keycrm_pipeline.formatting import NO_VALUE, Formatter
from keycrm_pipeline.reports.wording import Wording

Tone = Literal["", "good", "bad", "quiet"]
"""Whether a figure is good or bad news; the colour only repeats what its sign or word says."""
ColumnKind = Literal["name", "code", "number", "short", "long"]
ZERO = Decimal(0)


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a smaller note below it, a link, and the length of its bar in percent."""

    text: str
    note: str = ""
    href: str | None = None
    bar: float | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class Heading:
    """A column heading; numbers are aligned right, codes and short texts do not wrap, long texts get more room."""

    text: str
    kind: ColumnKind = "number"


@dataclass(frozen=True)
class Body:
    """Rows that belong together, their title if the table has several bodies, and their total."""

    rows: Sequence[Sequence[Cell]]
    title: str = ""
    total: Sequence[Cell] = ()


@dataclass(frozen=True)
class Table:
    """A table; folded ones are collapsed until the reader opens them."""

    headings: Sequence[Heading]
    bodies: Sequence[Body]
    title: str = ""
    lead: str = ""
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart for wide screens and for phones, with its heading, legend and description."""

    title: str
    description: str
    wide: str
    narrow: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Section:
    """A section of the page: a lead sentence, charts and tables, or the text for an empty section."""

    key: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    empty: str = ""
    is_half: bool = False


@dataclass(frozen=True)
class Tile:
    """A headline figure compared with the previous period."""

    label: str
    value: str
    change: str
    before: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Fact:
    """One item of the strip at the top, which shows the state of the exchange."""

    label: str
    value: str
    href: str
    tone: Tone = ""


class InCurrency(Protocol):
    """A row whose sums are in one currency."""

    @property
    def currency(self) -> str:
        """The currency."""
        ...


Item = TypeVar("Item", bound=InCurrency)


@dataclass(frozen=True)
class Writer:
    """Formats the text of the sections.

    Attributes:
        write: Formats numbers and dates.
        words: Words and sentences.
        timezone: The shop's time zone.
        order_address: Returns the address of an order in KeyCRM, or None if the profile has no address.
    """

    write: Formatter
    words: Wording
    timezone: str
    order_address: Callable[[int], str | None] = field(default=lambda _order_id: None)

    def order(self, order_id: int) -> Cell:
        """A cell with the number of an order, linked to the order."""
        return Cell(str(order_id), href=self.order_address(order_id))

    def headings(self, name: str, *figures: str) -> list[Heading]:
        """The heading of the names, and those of the figures by the keys of their words."""
        return [Heading(name, "name"), *(Heading(self.words[key]) for key in figures)]

    def table(
        self,
        headings: Sequence[Heading],
        items: Iterable[Item],
        currencies: Sequence[str],
        write_rows: Callable[[str, list[Item]], tuple[Sequence[Sequence[Cell]], Sequence[Cell]]],
    ) -> Table | None:
        """A table with a body for each currency; None if there are no items.

        Args:
            headings: Headings of the columns.
            items: Figures in any order of currencies.
            currencies: The order of the bodies.
            write_rows: Makes the rows and the total of one currency; an empty total is left out.
        """
        groups = by_currency(items, currencies)
        named = [currency for currency, _ in groups]
        bodies = []
        for currency, members in groups:
            rows, total = write_rows(currency, members)
            bodies.append(Body(rows, self.currency_title(currency, named), total))
        return Table(headings, bodies) if bodies else None

    def currency_title(self, currency: str, currencies: Sequence[str]) -> str:
        """The title of a currency's rows; empty if there is only one currency."""
        return currency if len(currencies) > 1 else ""

    def change(self, now: Decimal, before: Decimal) -> str:
        """The change of a figure in percent."""
        if now == before:
            return NO_VALUE if now == 0 else self.write.percent(ZERO)
        if before <= 0:
            return self.words["new_figure"] if before == 0 else NO_VALUE
        return self.write.percent((now - before) / before, signed=True)


def tone_of(now: Decimal, before: Decimal, *, more_is: Tone) -> Tone:
    """Whether a change is good or bad; neither if there is nothing to compare with."""
    if now == before or before <= 0 or not more_is:
        return ""
    less_is: Tone = "bad" if more_is == "good" else "good"
    return more_is if now > before else less_is


def by_currency(rows: Iterable[Item], currencies: Sequence[str]) -> list[tuple[str, list[Item]]]:
    """Rows by currency in the given order of currencies, followed by those that only the rows have."""
    groups: dict[str, list[Item]] = {currency: [] for currency in currencies}
    for row in rows:
        groups.setdefault(row.currency, []).append(row)
    return [(currency, members) for currency, members in groups.items() if members]


def share_of(part: Decimal, whole: Decimal) -> float | None:
    """The share of a part in percent, for the length of a bar; None if either is not positive."""
    return float(100 * part / whole) if whole > 0 and part > 0 else None
