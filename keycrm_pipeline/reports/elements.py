"""What a page of the report is made of: tables, charts, tiles, facts, and the writer of their text.

What belongs here: elements that know nothing of orders. What does not: which figures stand where (see
`sections`), HTML (see `templates/report.html.j2`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, Protocol, TypeVar

from keycrm_pipeline.reports.formatting import NO_VALUE, Formatter
from keycrm_pipeline.reports.wording import Wording

Tone = Literal["", "good", "bad", "quiet"]
"""How a figure is to be taken; colour only repeats what its sign or word says."""
ColumnKind = Literal["name", "number", "short", "long"]
ZERO = Decimal(0)


@dataclass(frozen=True)
class Cell:
    """One cell: its text, what is smaller below it, where it leads, and the length of its bar in percent."""

    text: str
    note: str = ""
    href: str | None = None
    bar: float | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class Heading:
    """The head of a column; numbers stand to the right, short texts are not broken, long ones get room."""

    text: str
    kind: ColumnKind = "number"


@dataclass(frozen=True)
class Body:
    """Rows that belong together, under a heading when there are several bodies, and their total."""

    rows: Sequence[Sequence[Cell]]
    title: str = ""
    total: Sequence[Cell] = ()


@dataclass(frozen=True)
class Table:
    """A table; folded ones are opened by the reader."""

    headings: Sequence[Heading]
    bodies: Sequence[Body]
    title: str = ""
    lead: str = ""
    note: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart in the sizes of a page and of a phone, with its heading, legend and description."""

    title: str
    description: str
    wide: str
    narrow: str
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Section:
    """A section of the page: a sentence, charts, tables, or what is said when there is nothing."""

    key: str
    title: str
    lead: str = ""
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    empty: str = ""
    is_half: bool = False


@dataclass(frozen=True)
class Tile:
    """A headline figure with the period before."""

    label: str
    value: str
    change: str
    before: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Fact:
    """One line of the strip on top: what state the exchange is in."""

    label: str
    value: str
    href: str
    tone: Tone = ""


@dataclass(frozen=True)
class Writer:
    """What the sections write with: formats, words, and the address of an order in KeyCRM.

    Attributes:
        write: Numbers and dates.
        words: Sentences.
        timezone: The shop's zone.
        order_address: Gives the address of an order, or None when the profile names no address.
    """

    write: Formatter
    words: Wording
    timezone: str
    order_address: Callable[[int], str | None] = field(default=lambda _order_id: None)

    def order(self, order_id: int) -> Cell:
        """The number of an order, leading to it."""
        return Cell(str(order_id), href=self.order_address(order_id))

    def currency_title(self, currency: str, currencies: Sequence[str]) -> str:
        """The heading of a currency's rows; none when there is just one currency."""
        return currency if len(currencies) > 1 else ""

    def change(self, now: Decimal, before: Decimal) -> str:
        """How much a figure has changed in percent."""
        if now == before:
            return NO_VALUE if now == 0 else self.write.percent(ZERO)
        if before <= 0:
            return self.words["new_figure"] if before == 0 else NO_VALUE
        return self.write.percent((now - before) / before, signed=True)


def tone_of(now: Decimal, before: Decimal, *, more_is: Tone) -> Tone:
    """Whether a change is to be taken as good or bad; neither when there is nothing to compare with."""
    if now == before or before <= 0 or not more_is:
        return ""
    less_is: Tone = "bad" if more_is == "good" else "good"
    return more_is if now > before else less_is


class InCurrency(Protocol):
    """A row whose sums are in one currency."""

    @property
    def currency(self) -> str:
        """The currency."""
        ...


Item = TypeVar("Item", bound=InCurrency)


def by_currency(rows: Iterable[Item], currencies: Sequence[str]) -> list[tuple[str, list[Item]]]:
    """Rows by currency, the shop's own first; currencies only the payments have come last."""
    groups: dict[str, list[Item]] = {currency: [] for currency in currencies}
    for row in rows:
        groups.setdefault(row.currency, []).append(row)
    return [(currency, members) for currency, members in groups.items() if members]


def share_of(part: Decimal, whole: Decimal) -> float | None:
    """How much of the whole a part is, in percent, for the length of a bar; None when that makes no sense."""
    return float(100 * part / whole) if whole > 0 and part > 0 else None
