"""What a workbook says about itself: the content of its sheets «Зведення» and «Потребує уваги».

The words are those of the report, and so are the figures, which `warehouse.sums` adds up for both. What is not here:
the cells and their formats (`workbook`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.period import Period, contiguous_periods
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse.attention import ReviewItem
from keycrm_pipeline.warehouse.sums import OrderSum, PeriodSums
from keycrm_pipeline.words import WordSet, in_words_of

OVERVIEW_TITLE = "Зведення"
OVERVIEW_WIDTHS = (60, 40, 14, 18)
"""Of its columns, in characters."""
OVERVIEW_TEXTS = 2
"""So many columns of words; the others hold numbers."""

_WRITE = Formatter("uk")

_NEVER_BOOKED = "Відхилено, тому немає в жодній із цих сум"

REVIEW_TABLE = ExportTable(
    "review",
    "Потребує уваги",
    (
        ExportColumn("kind", "Що саме"),
        ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
        ExportColumn("details", "Подробиці і що зробити"),
        ExportColumn("first_seen_on", "З якого дня", Kind.DAY),
    ),
)
"""The review list of the profile, whatever the period."""


@dataclass(frozen=True)
class Figure:
    """A number of orders under one name; an amount of None is unknown."""

    name: str
    currency: str
    orders: int
    amount: Decimal | None


@dataclass(frozen=True)
class OverviewRow:
    """One row of the summary.

    Attributes:
        cells: Texts, numbers of orders or rows, amounts and times, from the left; None leaves a cell empty.
        is_heading: Whether it heads the rows below it.
    """

    cells: tuple[str | int | Decimal | datetime | None, ...] = ()
    is_heading: bool = False


@dataclass(frozen=True)
class Overview:
    """What stands on the first sheet and on the last one.

    Attributes:
        profile: Name of the profile.
        organisation: The legal entity whose orders these are; None for all of them.
        period: The local days.
        as_of: When KeyCRM was last asked for changes, as a local time without a zone; None if it never was.
        days_not_loaded: Days of the period that were never loaded.
        figures: Sales, cancelled and all orders, exported and held back, each by currency.
        held_back: Why orders are held back, by currency.
        review: The review list, as rows of `REVIEW_TABLE`.
        asked: What else the export was asked for, and its value.
    """

    profile: str
    organisation: str | None
    period: Period
    as_of: datetime | None
    days_not_loaded: Sequence[date]
    figures: Sequence[Figure]
    held_back: Sequence[Figure]
    review: pl.DataFrame
    asked: Sequence[tuple[str, str]] = ()

    @property
    def heading(self) -> str:
        """The profile, its organisation and the period: what the pages of all sheets have at the foot."""
        return " · ".join(filter(None, (self.profile, self.organisation, written_period(self.period))))


def written_period(period: Period) -> str:
    """`01.10.2026 – 31.10.2026`, or the day alone."""
    first, last = f"{period.first:%d.%m.%Y}", f"{period.last:%d.%m.%Y}"
    return first if first == last else f"{first} – {last}"


def written_days(days: Iterable[date]) -> str:
    """`01.10.2026 – 03.10.2026, 31.10.2026`; empty if there are none."""
    return ", ".join(map(written_period, contiguous_periods(days)))


def overview_rows(overview: Overview, counts: Mapping[str, int]) -> list[OverviewRow]:
    """The whole summary.

    Args:
        overview: What stands on it.
        counts: Title of each other sheet -> its rows, without header and totals.
    """
    missing = written_days(overview.days_not_loaded)
    return [
        OverviewRow(("Вивантаження документів", "", "", ""), is_heading=True),
        OverviewRow(("Профіль", overview.profile)),
        OverviewRow(("Організація", overview.organisation or "усі")),
        OverviewRow(("Період", written_period(overview.period))),
        *map(OverviewRow, overview.asked),
        OverviewRow(("Дані станом на", overview.as_of or "обміну ще не було")),
        OverviewRow(
            ("Дні, які ще не завантажено (їхні замовлення невідомі)", missing or "немає: завантажено всі дні")
        ),
        OverviewRow(),
        OverviewRow(("Показник", "Валюта", "Замовлень", "Сума"), is_heading=True),
        *map(_figure_row, overview.figures),
        OverviewRow(("Продажі + Скасовано = Разом замовлень",)),
        OverviewRow(("Вивантажено + Не вивантажено = Разом замовлень",)),
        OverviewRow(),
        OverviewRow(("Чому не вивантажено", "Валюта", "Замовлень", "Сума"), is_heading=True),
        *map(_figure_row, overview.held_back),
        *([] if overview.held_back else [OverviewRow(("Вивантажено всі замовлення",))]),
        OverviewRow(),
        OverviewRow(("Аркуш", "", "Рядків", ""), is_heading=True),
        *(OverviewRow((title, None, rows)) for title, rows in counts.items()),
    ]


def _figure_row(figure: Figure) -> OverviewRow:
    amount = "невідома" if figure.amount is None else figure.amount
    return OverviewRow((figure.name, figure.currency, figure.orders, amount))


def sum_figures(sums: Mapping[str, PeriodSums], currency: str) -> list[Figure]:
    """The figures of all booked orders of the period, by currency.

    Args:
        sums: Currency -> its sums.
        currency: The profile's currency, which comes first and is never left out.
    """
    currencies = sorted({currency, *sums}, key=lambda name: (name != currency, name))

    def figure(name: str, one: OrderSum, of: str) -> Figure:
        return Figure(name, of, one.orders, one.amount)

    figures: list[Figure] = []
    for of in currencies:
        found = sums.get(of) or PeriodSums(of, OrderSum(), OrderSum(), OrderSum(), {})
        figures += [
            figure("Продажі (без скасованих)", found.sales, of),
            figure("Скасовано", found.cancelled, of),
            figure("Разом замовлень", found.all_orders, of),
            figure("Вивантажено", found.exported, of),
            figure("Не вивантажено", found.all_held_back, of),
        ]
    return figures


def held_back_figures(
    sums: Mapping[str, PeriodSums], reasons: Mapping[str, str], never_booked: int
) -> list[Figure]:
    """Why orders are held back, by currency.

    Args:
        sums: Currency -> its sums.
        reasons: Cause -> the reason in words, in the order in which they are shown.
        never_booked: Rejected orders that never got into the books: nobody knows their sums.
    """
    figures = [
        Figure(reason, currency, held.orders, held.amount)
        for cause, reason in reasons.items()
        for currency, found in sorted(sums.items())
        if (held := found.held_back.get(cause))
    ]
    if never_booked:
        figures.append(Figure(_NEVER_BOOKED, "", never_booked, None))
    return figures


def review_rows(items: Iterable[ReviewItem], zone: ZoneInfo, words: WordSet = "bas") -> pl.DataFrame:
    """The rows of `REVIEW_TABLE`: the kinds in the order of the report, each kind oldest first.

    Args:
        items: The review list.
        zone: Time zone of the days.
        words: Whose words the sentences use.
    """
    order = {kind: position for position, kind in enumerate(REVIEW_LIST)}
    rows = [
        (
            in_words_of(words, known.title.ukrainian) if (known := REVIEW_LIST.get(item.kind)) else item.kind,
            item.order_id,
            in_words_of(words, item.text(_WRITE)),
            item.first_seen_at.astimezone(zone).date(),
        )
        for item in sorted(items, key=lambda item: order.get(item.kind, len(order)))
    ]
    schema = dict(
        zip(
            (column.name for column in REVIEW_TABLE.columns),
            (pl.String(), pl.Int64(), pl.String(), pl.Date()),
            strict=True,
        )
    )
    return pl.DataFrame(rows, schema=schema, orient="row")
