"""Exports the documents of a period: reads the books, writes the files, remembers which cards went out.

What is not here: how a format is written (one module each), SQL (`warehouse.export`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import polars as pl

from keycrm_pipeline.exports.columns import ChosenTable, chosen_tables
from keycrm_pipeline.exports.commerceml import write_commerceml
from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.files import put_in_place, stage
from keycrm_pipeline.exports.odoo import write_odoo
from keycrm_pipeline.exports.parquet import write_parquet
from keycrm_pipeline.exports.separated import write_separated
from keycrm_pipeline.exports.workbook import write_workbook
from keycrm_pipeline.schemas.sentences import in_ukrainian
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.export import ExportSources, read_export_sources, record_exported_cards

FORMATS = ("xlsx", "csv", "parquet", "commerceml", "odoo")
"""Formats of an export, by the names that a person types."""

_CARD_KINDS = {
    "partners": ("partner", "partner_id"),
    "products": ("product", "product_id"),
    "product_variants": ("product_variant", "variant_id"),
}
"""Table of cards -> kind of card and the column of its number."""

_REASONS = {
    "rejected": (
        "The order failed validation; see the rejected records for what to mend in KeyCRM.",
        "Замовлення не пройшло перевірку: виправте його в KeyCRM",
    ),
    "difference": (
        "The order does not add up: its lines and services differ from its total in KeyCRM.",
        "Сума рядків і послуг не дорівнює сумі замовлення в KeyCRM",
    ),
    "missing_in_crm": (
        "KeyCRM no longer has the order.",
        "Замовлення більше немає в KeyCRM",
    ),
    "incomplete": (
        "A card or a sum of the order is not as it should be in the books; rebuild them and export again.",
        "Картка або сума замовлення в базі неповна: перебудуйте базу і вивантажте ще раз",
    ),
}
"""Cause -> the sentence of the result, and the sentence of the table `held_back`."""


class _ColumnMap(Protocol):
    @property
    def columns(self) -> Mapping[str, Mapping[str, str]]: ...


class ExportProfile(Protocol):
    """What an export needs to know of a profile; `keycrm_pipeline.profile.Profile` has it."""

    @property
    def name(self) -> str:
        """The profile's name, which file names carry."""

    @property
    def timezone(self) -> str:
        """IANA zone of days and times."""

    @property
    def export(self) -> _ColumnMap:
        """Its `columns`: table -> column -> header, in order."""


@dataclass(frozen=True)
class HeldBack:
    """Orders that are not handed over, and why.

    Attributes:
        cause: `rejected`, `difference`, `missing_in_crm` or `incomplete`.
        reason: The cause in words.
        orders: How many. An order counts once, under the first cause in the order above.
        order_ids: Their KeyCRM ids; fewer than `orders` when an order came without a readable id.
    """

    cause: str
    reason: str
    orders: int
    order_ids: tuple[int, ...]


@dataclass(frozen=True)
class ExportResult:
    """What an export made.

    Attributes:
        files: The files, in the order in which to import them.
        counts: Table -> rows handed over.
        held_back: Orders of the period that are not handed over, by cause.
        new_partners: Partner cards that no earlier export of this format, of another period, held.
        new_products: The same of product cards.
        new_variants: The same of variants.
        days_not_loaded: Days of the period that were never loaded: they may have orders that nobody has seen
            yet.
    """

    files: tuple[Path, ...]
    counts: Mapping[str, int]
    held_back: tuple[HeldBack, ...]
    new_partners: int
    new_products: int
    new_variants: int
    days_not_loaded: tuple[date, ...]

    @property
    def orders_held_back(self) -> int:
        """How many orders of the period are not handed over, for whatever cause."""
        return sum(entry.orders for entry in self.held_back)


def _held_back(frame: pl.DataFrame) -> tuple[HeldBack, ...]:
    entries: list[HeldBack] = []
    for cause, (reason, _) in _REASONS.items():
        rows = frame.filter(pl.col("cause") == cause)
        if rows.height:
            identifiers = tuple(rows["order_id"].drop_nulls().to_list())
            entries.append(HeldBack(cause, reason, rows.height, identifiers))
    return tuple(entries)


def _with_reasons(frame: pl.DataFrame) -> pl.DataFrame:
    sentences = {cause: ukrainian for cause, (_, ukrainian) in _REASONS.items()}
    details = [None if told is None else " ".join(map(in_ukrainian, told)) for told in frame["details"]]
    return frame.with_columns(
        pl.col("cause").replace_strict(sentences, return_dtype=pl.String).alias("reason"),
        pl.Series("details", details, dtype=pl.String),
    )


def _write(
    directory: Path,
    stem: str,
    export_format: str,
    tables: Sequence[ChosenTable],
    frames: dict[str, pl.DataFrame],
    *,
    timezone: str,
    period_to: date,
) -> list[str]:
    """Writes the files of a format into a directory and returns their names."""
    match export_format:
        case "xlsx":
            name = f"{stem}.xlsx"
            created = datetime(period_to.year, period_to.month, period_to.day)  # noqa: DTZ001 - a date without a zone
            write_workbook(directory / name, tables, frames, timezone=timezone, created=created)
            return [name]
        case "commerceml":
            name = f"{stem}_commerceml.xml"
            write_commerceml(directory / name, frames, timezone=timezone, period_to=period_to)
            return [name]
        case "odoo":
            return write_odoo(directory, stem, frames, timezone=timezone)
        case _:
            names: list[str] = []
            write_table = write_separated if export_format == "csv" else write_parquet
            for table in tables:
                name = f"{stem}_{table.name}.{export_format}"
                write_table(directory / name, table, frames[table.name], timezone=timezone)
                names.append(name)
            return names


def _handed_over(
    export_format: str, tables: Sequence[ChosenTable], sources: ExportSources
) -> dict[str, pl.Series]:
    """The cards that really stand in the files: a column map may leave a table of cards out."""
    written = (
        {table.name for table in tables} if export_format in ("xlsx", "csv", "parquet") else set(_CARD_KINDS)
    )
    return {
        kind: sources.tables[table][column]
        for table, (kind, column) in _CARD_KINDS.items()
        if table in written
    }


def export_documents(
    *,
    profile: ExportProfile,
    warehouse: Warehouse,
    period_from: date,
    period_to: date,
    export_format: str,
    out_directory: Path,
    now: datetime,
) -> ExportResult:
    """Writes the documents of a period, both days included, with the cards they use.

    Only complete, valid orders are handed over; the rest is counted with the reason and listed in the table
    `held_back`. The files are made beside their places and moved there when all are finished, so that a
    reader never meets half a file; they are for their owner only. The same books and the same period give
    the same bytes.

    A card is marked as new (`is_new`) when no earlier export of the same format, of another period, held it.
    Repeating an export repeats its marks. Cards of the accounting catalogue (R12) are never new.

    Args:
        profile: The profile.
        warehouse: Its database.
        period_from: First local day.
        period_to: Last local day.
        export_format: One of `FORMATS`.
        out_directory: Where the files go; made for its owner only when it is missing.
        now: The time, timezone-aware; remembered with the cards, never written into a file.

    Raises:
        ColumnMapError: The profile's column map names a table or column that does not exist.
        OutputDirectoryError: The directory cannot be written to.
        ExportError: The format is unknown, the period is turned round, or a table is too long for a sheet.
        WarehouseError: The database is missing, busy or unreadable.
    """
    if export_format not in FORMATS:
        raise ExportError(f"There is no format {export_format!r}. The formats are {', '.join(FORMATS)}.")
    if period_from > period_to:
        raise ExportError(
            f"The period begins on {period_from}, after its end on {period_to}. Turn the days round."
        )
    tables = chosen_tables(profile.export.columns)
    with warehouse.reading() as connection:
        sources = read_export_sources(
            connection, period_from=period_from, period_to=period_to, export_format=export_format
        )
    frames = dict(sources.tables)
    frames["held_back"] = _with_reasons(frames["held_back"])
    stem = f"{profile.name}_{period_from}_{period_to}"
    with stage(out_directory) as staged:
        names = _write(
            staged, stem, export_format, tables, frames, timezone=profile.timezone, period_to=period_to
        )
        # Before the files appear: an export that dies here marks the same cards when it is repeated.
        with warehouse.writing() as connection:
            record_exported_cards(
                connection,
                _handed_over(export_format, tables, sources),
                period_from=period_from,
                period_to=period_to,
                export_format=export_format,
                now=now,
            )
        files = put_in_place(staged, out_directory, names)
    return ExportResult(
        files=files,
        counts={name: frame.height for name, frame in frames.items() if name != "held_back"},
        held_back=_held_back(frames["held_back"]),
        new_partners=int(frames["partners"]["is_new"].sum()),
        new_products=int(frames["products"]["is_new"].sum()),
        new_variants=int(frames["product_variants"]["is_new"].sum()),
        days_not_loaded=sources.days_not_loaded,
    )
