"""Exports the documents of a period: reads the books, writes the files, and records which cards were exported.

What is not here: how a format is written (one module each), SQL (`warehouse.export`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.exports.columns import ExportTable, chosen_tables
from keycrm_pipeline.exports.commerceml import write_commerceml
from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.files import put_in_place, stage
from keycrm_pipeline.exports.odoo import write_odoo
from keycrm_pipeline.exports.overview import Overview, held_back_figures, review_rows, sum_figures
from keycrm_pipeline.exports.parquet import write_parquet
from keycrm_pipeline.exports.separated import write_separated
from keycrm_pipeline.exports.workbook import write_workbook
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.kinds import (
    EXPORT_FORMATS,
    PAYMENT_KIND_NAMES,
    PRODUCT_KIND_NAMES,
    RECEIPT_ISSUER_NAMES,
    SERVICE_LINE_NAMES,
    ExportFormat,
)
from keycrm_pipeline.language import current_language, current_words
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.sentences import Sentence, stored_texts
from keycrm_pipeline.sentences.exports import ExportFailure, HeldBackCause
from keycrm_pipeline.warehouse.attention import review_items
from keycrm_pipeline.warehouse.export import ExportSources, read_export_sources, record_exported_cards
from keycrm_pipeline.words import WordSet, in_words_of

_CARD_KINDS = {
    "partners": ("partner", "partner_id"),
    "products": ("product", "product_id"),
    "product_variants": ("product_variant", "variant_id"),
}
"""Table of cards -> kind of card and the column of its number."""

_NAMES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "products": {"kind": PRODUCT_KIND_NAMES},
    "order_services": {"kind": SERVICE_LINE_NAMES},
    "order_payments": {"method_kind": PAYMENT_KIND_NAMES, "receipt": RECEIPT_ISSUER_NAMES},
}
"""Table -> column with a code -> the names that a further column shows, such as `kind_name` for `kind`."""

_WRITE = Formatter("uk")

_TABLE_FORMATS = ("xlsx", "csv", "parquet")
"""Formats that follow the profile's column map; the others have a fixed content."""

_CAUSES = {
    cause.code.removeprefix("held_back_"): Sentence(str(cause.message()), cause.message().text(_WRITE))
    for cause in HeldBackCause
}
"""Cause -> the sentence of the result, and that of the table `held_back`."""


@dataclass(frozen=True)
class HeldBack:
    """Orders that are not exported, and why.

    Attributes:
        cause: `rejected`, `difference`, `missing_in_crm`, `incomplete` or `currency`.
        reason: The cause in words, in the current language.
        orders: How many. An order counts once, under the first cause in the order above.
        order_ids: Their KeyCRM ids; fewer than `orders` when an order has no readable id.
    """

    cause: str
    reason: str
    orders: int
    order_ids: tuple[int, ...]


@dataclass(frozen=True)
class ExportResult:
    """The result of an export.

    Attributes:
        files: The files, in the order in which to import them.
        counts: Table -> exported rows.
        held_back: Orders of the period that are not exported, by cause.
        new_partners: Partner cards that no earlier export of this format, of another period, contained.
        new_products: The same for product cards.
        new_variants: The same for variants.
        days_not_loaded: Days of the period that were never loaded; they may have orders.
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
        """How many orders of the period are not exported, for any cause."""
        return sum(entry.orders for entry in self.held_back)


def _held_back(frame: pl.DataFrame) -> tuple[HeldBack, ...]:
    entries: list[HeldBack] = []
    for cause, reason in _CAUSES.items():
        rows = frame.filter(pl.col("cause") == cause)
        if rows.height:
            identifiers = tuple(rows["order_id"].drop_nulls().to_list())
            entries.append(
                HeldBack(
                    cause,
                    in_words_of(current_words(), reason.text(current_language())),
                    rows.height,
                    identifiers,
                )
            )
    return tuple(entries)


def _with_names(frame: pl.DataFrame, names: Mapping[str, Mapping[str, str]]) -> pl.DataFrame:
    return frame.with_columns(
        pl.col(column)
        .replace_strict(dict(known), default=None, return_dtype=pl.String)
        .alias(f"{column}_name")
        for column, known in names.items()
    )


def _with_reasons(frame: pl.DataFrame, words: WordSet) -> pl.DataFrame:
    causes = {cause: reason.ukrainian for cause, reason in _CAUSES.items()}
    details = [
        in_words_of(words, " ".join(stored_texts(texts, coded, _WRITE))) or None
        for texts, coded in frame["details", "details_coded"].iter_rows()
    ]
    return frame.drop("details_coded").with_columns(
        pl.col("cause").replace_strict(causes, return_dtype=pl.String).alias("reason"),
        pl.Series("details", details, dtype=pl.String),
    )


def _local_second(instant: datetime, zone: ZoneInfo) -> datetime:
    """The local time as a workbook writes it: without a zone, and without parts of a second."""
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0)


def _stem(profile: Profile, period: Period, organisation: str | None) -> str:
    """What the names of the files begin with; letters of any script are kept, the rest would need quotes."""
    of_organisation = "" if organisation is None else "_" + re.sub(r"\W+", "_", organisation).strip("_")
    return f"{profile.name}_{period.first}_{period.last}{of_organisation}"


def _write(
    place: Path,
    profile: Profile,
    export_format: ExportFormat,
    tables: Sequence[ExportTable],
    frames: dict[str, pl.DataFrame],
    overview: Overview,
) -> list[str]:
    """Writes the files of a format and returns their names; `place` is their path up to what a format adds."""
    directory, stem = place.parent, place.name
    timezone = profile.timezone
    match export_format:
        case "xlsx":
            name = f"{stem}.xlsx"
            write_workbook(directory / name, tables, frames, overview, timezone=timezone)
            return [name]
        case "commerceml":
            name = f"{stem}_commerceml.xml"
            write_commerceml(
                directory / name,
                frames,
                timezone=timezone,
                period=overview.period,
                settings=profile.export.commerceml,
            )
            return [name]
        case "odoo":
            return write_odoo(directory, stem, frames, profile)
        case "csv" | "parquet":
            names: list[str] = []
            write_table = write_separated if export_format == "csv" else write_parquet
            for table in tables:
                name = f"{stem}_{table.name}.{export_format}"
                write_table(directory / name, table, frames[table.name], timezone=timezone)
                names.append(name)
            return names


def _currencies(profile: Profile, export_format: ExportFormat) -> tuple[str, ...] | None:
    """The currencies that a format can carry; None for all: 1C alone books an unknown one as hryvnias, unasked."""
    if export_format != "commerceml":
        return None
    return (profile.currency, *profile.export.commerceml.currencies)


def _exported_cards(
    export_format: ExportFormat, tables: Sequence[ExportTable], sources: ExportSources
) -> dict[str, pl.Series]:
    """The cards that the files really contain: a column map may leave a table of cards out."""
    written = {table.name for table in tables} if export_format in _TABLE_FORMATS else set(_CARD_KINDS)
    return {
        kind: sources.tables[table][column]
        for table, (kind, column) in _CARD_KINDS.items()
        if table in written
    }


def export_period(
    workspace: Workspace,
    period: Period,
    *,
    export_format: ExportFormat,
    organisation: str | None = None,
    directory: Path | None = None,
    now: datetime,
) -> ExportResult:
    """Writes the documents of a period for the accounting system, with the cards they use.

    Only complete, valid orders are exported; the others are counted with the reason and listed in the table
    `held_back`. The files are made in a private directory and moved into place when all are finished, so that
    nobody ever reads half a file; only their owner can read them. The same books and the same period give the
    same bytes.

    A card is marked as new (`is_new`) when no earlier export of the same format, of another period, contained it.
    Repeating an export repeats its marks. Cards of the accounting catalogue (R12) are never new.

    Args:
        workspace: The profile with its database and directories.
        period: The local days.
        export_format: One of `EXPORT_FORMATS`.
        organisation: Only the orders of this legal entity of the profile; None for all orders.
        directory: Where the files go, `workspace.exports_directory` by default; created for its owner only
            (0700) if it does not exist.
        now: The time, timezone-aware; recorded with the cards, never written into a file.

    Raises:
        ColumnMapError: The profile's column map names a table or column that does not exist.
        OutputDirectoryError: The directory cannot be written to.
        ExportError: The format or the organisation is unknown, or a table has too many rows for a sheet.
        WarehouseError: The database is missing, busy or unreadable.
    """
    if export_format not in EXPORT_FORMATS:
        raise ExportError(ExportFailure.NO_SUCH_FORMAT.message(format=export_format, formats=EXPORT_FORMATS))
    profile = workspace.profile
    if organisation is not None and organisation not in profile.organisations:
        known = list(profile.organisations)
        raise ExportError(
            ExportFailure.NO_SUCH_ORGANISATION.message(organisation=organisation, organisations=known)
            if known
            else ExportFailure.NO_ORGANISATIONS.message(organisation=organisation)
        )
    tables = chosen_tables(profile.export.columns, profile.words)
    with books_of(workspace).reading() as connection:
        sources = read_export_sources(
            connection,
            period,
            export_format=export_format,
            currency=profile.currency,
            organisation=organisation,
            currencies=_currencies(profile, export_format),
        )
        review = review_items(connection)
    frames = dict(sources.tables)
    for table, names in _NAMES.items():
        frames[table] = _with_names(frames[table], names)
    frames["held_back"] = _with_reasons(frames["held_back"], profile.words)
    overview = Overview(
        profile.name,
        organisation,
        period,
        as_of=None if sources.as_of is None else _local_second(sources.as_of, profile.zone),
        days_not_loaded=sources.days_not_loaded,
        figures=sum_figures(sources.sums, profile.currency),
        held_back=held_back_figures(
            sources.sums, {cause: reason.ukrainian for cause, reason in _CAUSES.items()}, sources.never_booked
        ),
        review=review_rows(review, profile.zone, profile.words),
    )
    directory = directory or workspace.exports_directory
    with stage(directory) as staged:
        place = staged / _stem(profile, period, organisation)
        file_names = _write(place, profile, export_format, tables, frames, overview)
        # Before the files appear: an export that is killed here marks the same cards when it is repeated.
        with open_warehouse(workspace).writing() as connection:
            record_exported_cards(
                connection,
                _exported_cards(export_format, tables, sources),
                period,
                export_format=export_format,
                organisation=organisation,
                now=now,
            )
        files = put_in_place(staged, directory, file_names)
    return ExportResult(
        files=files,
        counts={name: frame.height for name, frame in frames.items() if name != "held_back"},
        held_back=_held_back(frames["held_back"]),
        new_partners=int(frames["partners"]["is_new"].sum()),
        new_products=int(frames["products"]["is_new"].sum()),
        new_variants=int(frames["product_variants"]["is_new"].sum()),
        days_not_loaded=sources.days_not_loaded,
    )
