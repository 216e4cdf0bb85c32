"""Exports the documents of a period: reads the books, writes the files, and records what was handed over.

What is not here: how a format is written (one module each), SQL (`warehouse.export`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32
from zoneinfo import ZoneInfo

import polars as pl

from keycrm_pipeline.export_tables import ExportTable
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.exports.commerceml import write_commerceml
from keycrm_pipeline.exports.custom_fields import with_custom_fields
from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.files import put_in_place, stage
from keycrm_pipeline.exports.hand_over import ChangeWriter, HandOver, find_hand_over
from keycrm_pipeline.exports.odoo import write_odoo
from keycrm_pipeline.exports.overview import Overview, held_back_figures, review_rows, sum_figures
from keycrm_pipeline.exports.parquet import write_parquet
from keycrm_pipeline.exports.reconciliation import RECONCILIATION, is_compared, reconciliation_frame
from keycrm_pipeline.exports.separated import write_separated
from keycrm_pipeline.exports.workbook import write_workbook
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.kinds import (
    DECIDING_DAYS,
    EXPORT_FORMATS,
    ORDER_PAYMENT_STATE_NAMES,
    PAYMENT_KIND_NAMES,
    PAYMENT_STATE_NAMES,
    PRODUCT_KIND_NAMES,
    RECEIPT_ISSUER_NAMES,
    SERVICE_LINE_NAMES,
    DecidingDay,
    ExportFormat,
)
from keycrm_pipeline.language import current_language, current_words
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.output import EXPORTS, OutputError, deliver
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.sentences import Sentence, stored_texts
from keycrm_pipeline.sentences.exports import ExportFailure, HeldBackCause
from keycrm_pipeline.warehouse.attention import review_items
from keycrm_pipeline.warehouse.chosen_documents import (
    DocumentChoice,
    choose_documents,
    leave_out_unchanged,
    stages_of_documents,
)
from keycrm_pipeline.warehouse.connection import transaction
from keycrm_pipeline.warehouse.export import ExportSources, read_export_sources, record_exported_cards
from keycrm_pipeline.warehouse.hand_over import HandOverRequest, next_number, record_hand_over
from keycrm_pipeline.warehouse.reconciliation_lines import lines_of_period
from keycrm_pipeline.words import WordSet, in_words_of

if TYPE_CHECKING:
    import duckdb

_CARD_KINDS = {
    "partners": ("partner", "partner_id"),
    "products": ("product", "product_id"),
    "product_variants": ("product_variant", "variant_id"),
}
"""Table of cards -> kind of card and the column of its number."""

_NAMES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "products": {"kind": PRODUCT_KIND_NAMES},
    "order_services": {"kind": SERVICE_LINE_NAMES},
    "orders": {"payment_status": ORDER_PAYMENT_STATE_NAMES},
    "order_payments": {
        "status": PAYMENT_STATE_NAMES,
        "method_kind": PAYMENT_KIND_NAMES,
        "receipt": RECEIPT_ISSUER_NAMES,
    },
}
"""Table -> column with a code -> the names that a further column shows, such as `kind_name` for `kind`."""

_WRITE = Formatter("uk")

_CHANGES = ("changed_after_export", "closed_period_changes")
"""Tables that only say what happened: formats of a fixed content have them as files of their own, unless empty."""

_BY_DAY: Mapping[DecidingDay, str] = {
    "order": "день замовлення",
    "payment": "день оплати",
    "shipment": "день відвантаження",
    "completed": "день виконання",
}

_LONGEST_PART = 35
"""Characters of an organisation or of stages in the name of a file, which must not be longer than 255 bytes."""

_TABLE_FORMATS = ("xlsx", "csv", "parquet")
"""Formats that follow the profile's column map; the others have a fixed content."""

CAUSES = {
    cause.code.removeprefix("held_back_"): Sentence(str(cause.message()), cause.message().text(_WRITE))
    for cause in HeldBackCause
}
"""Cause -> the sentence of the result, and that of the table `held_back`."""


@dataclass(frozen=True)
class HeldBack:
    """Orders that are not exported, and why.

    Attributes:
        cause: `rejected`, `difference`, `missing_in_crm`, `incomplete`, `currency`, or why it is not ready: `stage`,
            `unpaid` or `no_receipt`; or `organisation`, if none is determined and that of one was asked for.
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
        files: The files, in the order in which to import them; none in a dry run.
        counts: Table -> exported rows.
        held_back: Orders of the period that are not exported, by cause.
        new_partners: Partner cards that no earlier export of this format, of another period, contained.
        new_products: The same for product cards.
        new_variants: The same for variants.
        days_not_loaded: Days of the period that were never loaded; they may have orders.
        hand_over: What is new, changed or no longer exported beside what was handed over before.
    """

    files: tuple[Path, ...]
    counts: Mapping[str, int]
    held_back: tuple[HeldBack, ...]
    new_partners: int
    new_products: int
    new_variants: int
    days_not_loaded: tuple[date, ...]
    hand_over: HandOver = field(repr=False)

    @property
    def orders_held_back(self) -> int:
        """How many orders of the period are not exported, for any cause."""
        return sum(entry.orders for entry in self.held_back)


def _held_back(frame: pl.DataFrame) -> tuple[HeldBack, ...]:
    entries: list[HeldBack] = []
    for cause, reason in CAUSES.items():
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
    causes = {cause: reason.ukrainian for cause, reason in CAUSES.items()}
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


def _for_file_name(text: str) -> str:
    """Letters of any script are kept, the rest would need quotes; a digest keeps apart what is cut to the same."""
    cleaned = re.sub(r"\W+", "_", text).strip("_")
    if len(cleaned) <= _LONGEST_PART:
        return cleaned
    return f"{cleaned[:_LONGEST_PART]}_{crc32(text.encode()):08x}"


def _stem(profile: Profile, request: HandOverRequest, stages: Sequence[str], number: int) -> str:
    """What the names of the files begin with: exports that were asked for otherwise do not replace each other's."""
    period = request.period
    parts = [
        f"{profile.name}_{period.first}_{period.last}",
        _for_file_name(request.organisation),
        "" if request.decided_by == "order" else f"by_{request.decided_by}",
        _for_file_name("_".join(stages)),
        f"since_last_{number}" if request.since_last else "",
    ]
    return "_".join(filter(None, parts))


def _asked(request: HandOverRequest) -> list[tuple[str, str]]:
    """What the summary says about an export that is not that of all documents by their own days."""
    asked: list[tuple[str, str]] = []
    if request.decided_by != "order":
        asked.append(("Період визначає", _BY_DAY[request.decided_by]))
    if request.stages:
        asked.append(("Стадії", ", ".join(request.stages)))
    if request.since_last:
        asked.append(("Що вивантажено", "лише нове і змінене після попереднього вивантаження"))
    return asked


def _write(
    place: Path,
    profile: Profile,
    export_format: ExportFormat,
    tables: Sequence[ExportTable],
    frames: dict[str, pl.DataFrame],
    overview: Overview,
    hand_over: HandOver,
) -> list[str]:
    """Writes the files of a format and returns their names; `place` is their path up to what a format adds."""
    directory, stem = place.parent, place.name
    timezone = profile.timezone
    changes: list[str] = []
    if export_format not in _TABLE_FORMATS:
        for table in chosen_tables({}, profile.words):
            if table.name in _CHANGES and frames[table.name].height:
                name = f"{stem}_{table.name}.csv"
                write_separated(directory / name, table, frames[table.name], timezone=timezone)
                changes.append(name)
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
                custom_fields=profile.custom_fields,
            )
            return [name, *changes]
        case "odoo":
            discounted = hand_over.orders_handed_over_with_a_discount()
            return write_odoo(directory, stem, frames, profile, discounted) + changes
        case "csv" | "parquet":
            names: list[str] = []
            write_table = write_separated if export_format == "csv" else write_parquet
            for table in tables:
                name = f"{stem}_{table.name}.{export_format}"
                write_table(directory / name, table, frames[table.name], timezone=timezone)
                names.append(name)
            return names


def _currencies(profile: Profile, export_format: str) -> tuple[str, ...] | None:
    """The currencies that a format can carry; None for all: 1C alone books an unknown one as hryvnias, unasked."""
    if export_format != "commerceml":
        return None
    return (profile.currency, *profile.export.commerceml.currencies)


def document_choice(profile: Profile, request: HandOverRequest) -> DocumentChoice:
    """Which orders a request chooses, by the rule of the profile for what is ready."""
    return DocumentChoice(
        decided_by=request.decided_by,
        organisation=request.organisation or None,
        currencies=_currencies(profile, request.export_format),
        stages=request.stages or None,
        must_be_paid=profile.hand_over.paid,
        must_have_receipts=profile.hand_over.receipt,
    )


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


def _check_request(profile: Profile, export_format: str, organisation: str | None, decided_by: str) -> None:
    """Raises ExportError for a format, an organisation or a deciding day that does not exist."""
    if export_format not in EXPORT_FORMATS:
        raise ExportError(ExportFailure.NO_SUCH_FORMAT.message(format=export_format, formats=EXPORT_FORMATS))
    if decided_by not in DECIDING_DAYS:
        raise ExportError(ExportFailure.NO_SUCH_DECIDING_DAY.message(day=decided_by, days=DECIDING_DAYS))
    if organisation is not None and organisation not in profile.organisations:
        known = list(profile.organisations)
        raise ExportError(
            ExportFailure.NO_SUCH_ORGANISATION.message(organisation=organisation, organisations=known)
            if known
            else ExportFailure.NO_ORGANISATIONS.message(organisation=organisation)
        )


def _check_stages(profile: Profile, asked: Sequence[str], used: Sequence[str]) -> None:
    """Raises ExportError for a stage that neither the profile nor an order of the books has, such as a mistyped one."""
    known = list(dict.fromkeys((*profile.statuses.stages.values(), *profile.hand_over.stages, *used)))
    for stage_asked in asked:
        if stage_asked not in known:
            raise ExportError(ExportFailure.NO_SUCH_STAGE.message(stage=stage_asked, stages=known))


def export_period(
    workspace: Workspace,
    period: Period,
    *,
    export_format: ExportFormat,
    organisation: str | None = None,
    decided_by: DecidingDay = "order",
    stages: Sequence[str] = (),
    since_last: bool = False,
    dry_run: bool = False,
    directory: Path | None = None,
    now: datetime,
) -> ExportResult:
    """Writes the documents of a period for the accounting system, with the cards they use.

    Only complete, valid orders that are ready (`hand_over` of the profile) are exported; the others are counted with
    the reason and listed in the table `held_back`. The files are made in a private directory and moved into place when
    all are finished, so that nobody ever reads half a file; only their owner can read them. The same books and the
    same request give the same bytes.

    What is handed over is recorded together with the files, so an export that fails has handed nothing over. A card is
    marked as new (`is_new`) when no earlier export of the same format, of another period, contained it. Repeating an
    export repeats its marks and its lists of changes. Cards of the accounting catalogue (R12) are never new.

    Args:
        workspace: The profile with its database and directories.
        period: The local days.
        export_format: One of `EXPORT_FORMATS`.
        organisation: Only the orders of this legal entity of the profile; None for all orders.
        decided_by: Whose day decides whether an order belongs to the period.
        stages: Only orders in these stages; none for those that the profile names.
        since_last: Whether only documents that are new or changed since they were handed over are written.
        dry_run: Whether nothing is written: neither files, nor what was handed over.
        directory: Where the files go; created for its owner only (0700) if it does not exist. By default
            `workspace.exports_directory`, and also where KEYCRM_OUTPUT says.
        now: The time, timezone-aware; recorded with the cards and the documents.

    Raises:
        ColumnMapError: The profile's column map names a table or column that does not exist.
        OutputDirectoryError: The directory cannot be written to.
        ExportError: The place of KEYCRM_OUTPUT cannot be used; nothing was handed over.
        ExportError: The format, the organisation, a stage or the deciding day is unknown, a table has too many rows
            for a sheet, or another export was finished meanwhile.
        WarehouseError: The database is missing, busy or unreadable.
    """
    profile = workspace.profile
    _check_request(profile, export_format, organisation, decided_by)
    tables = [
        table
        for table in chosen_tables(
            profile.export.columns,
            profile.words,
            with_cost=profile.show_cost,
            custom_fields=profile.custom_fields,
        )
        if is_compared(table, profile)
    ]
    request = HandOverRequest(
        period,
        export_format,
        organisation or "",
        decided_by,
        tuple(stages) or profile.hand_over.stages,
        since_last,
        is_for_some=bool(stages) and set(stages) != set(profile.hand_over.stages),
    )
    with books_of(workspace).reading() as connection:
        _check_stages(profile, stages, stages_of_documents(connection))
        choose_documents(connection, period, document_choice(profile, request))
        hand_over = find_hand_over(connection, request, closed_until=profile.closed_until)
        if since_last:
            leave_out_unchanged(connection, hand_over.exported)
        sources = read_export_sources(
            connection,
            period,
            export_format=export_format,
            currency=profile.currency,
            organisation=organisation,
            since_last=since_last,
            repeated_at=hand_over.repeated_at,
        )
        review = review_items(connection)
        compared = lines_of_period(connection, period) if profile.reconciliation.is_used else []
    frames = _frames(sources, hand_over, profile)
    if since_last and export_format == "odoo":
        # Odoo refuses the whole file of payments for one that was posted, though nothing of it changed.
        frames["order_payments"] = _without(frames["order_payments"], hand_over.payments_as_handed_over())
    frames[RECONCILIATION] = reconciliation_frame(compared, organisation)
    overview = Overview(
        profile.name,
        organisation,
        period,
        as_of=None if sources.as_of is None else _local_second(sources.as_of, profile.zone),
        days_not_loaded=sources.days_not_loaded,
        figures=sum_figures(sources.sums, profile.currency),
        held_back=held_back_figures(
            sources.sums, {cause: reason.ukrainian for cause, reason in CAUSES.items()}, sources.never_booked
        ),
        review=review_rows(review, profile.zone, profile.words),
        asked=_asked(request),
    )
    files: tuple[Path, ...] = ()
    if not dry_run:
        is_named = directory is not None
        directory = directory or workspace.exports_directory
        with stage(directory) as staged:
            place = staged / _stem(profile, request, stages, hand_over.number)
            file_names = _write(place, profile, export_format, tables, frames, overview, hand_over)
            cards = _exported_cards(export_format, tables, sources)
            with open_warehouse(workspace).writing() as connection, transaction(connection):
                _record(connection, request, hand_over, cards, file_names, now)
                # Inside the transaction: files that cannot be put in place have handed nothing over. An export that is
                # killed between the two hands the same documents over once more.
                if not is_named:
                    _deliver([staged / name for name in file_names], workspace)
                files = put_in_place(staged, directory, file_names)
    return ExportResult(
        files=files,
        counts={
            name: frame.height
            for name, frame in frames.items()
            if name not in ("held_back", RECONCILIATION, *_CHANGES)
        },
        held_back=_held_back(frames["held_back"]),
        new_partners=int(frames["partners"]["is_new"].sum()),
        new_products=int(frames["products"]["is_new"].sum()),
        new_variants=int(frames["product_variants"]["is_new"].sum()),
        days_not_loaded=sources.days_not_loaded,
        hand_over=hand_over,
    )


def _deliver(files: Sequence[Path], workspace: Workspace) -> None:
    """Puts finished files where KEYCRM_OUTPUT says as well.

    Raises:
        ExportError: They cannot be put there.
    """
    try:
        deliver(files, workspace.settings, EXPORTS)
    except OutputError as error:
        raise ExportError(error.message) from None


def _frames(sources: ExportSources, hand_over: HandOver, profile: Profile) -> dict[str, pl.DataFrame]:
    """The tables with what they say in words."""
    frames = dict(sources.tables)
    for table, names in _NAMES.items():
        frames[table] = _with_names(frames[table], names)
    for table in ("orders", "products", "partners"):
        frames[table] = with_custom_fields(table, frames[table], profile.custom_fields)
    frames["held_back"] = _with_reasons(frames["held_back"], profile.words)
    causes = {cause: reason.ukrainian for cause, reason in CAUSES.items()}
    writer = ChangeWriter(profile.zone, profile.words, causes)
    frames["changed_after_export"] = writer.changed_after_export(hand_over.changed)
    frames["closed_period_changes"] = writer.closed_period_changes(hand_over.closed)
    return frames


def _without(payments: pl.DataFrame, left_out: Collection[tuple[int, int]]) -> pl.DataFrame:
    keys = pl.DataFrame(list(left_out), schema={"order_id": pl.Int64, "payment_id": pl.Int64}, orient="row")
    return payments.join(keys, on=["order_id", "payment_id"], how="anti", maintain_order="left")


def _record(
    connection: duckdb.DuckDBPyConnection,
    request: HandOverRequest,
    hand_over: HandOver,
    cards: Mapping[str, pl.Series],
    file_names: Sequence[str],
    now: datetime,
) -> None:
    """Records cards and documents; a repeated export has neither new ones nor a number of its own.

    Raises:
        ExportError: Another export has taken the number.
    """
    record_exported_cards(
        connection,
        cards,
        request.period,
        export_format=request.export_format,
        organisation=request.organisation or None,
        now=now,
    )
    if hand_over.repeated_at is None:
        if next_number(connection) != hand_over.number:
            raise ExportError(ExportFailure.EXPORTED_MEANWHILE.message())
        record_hand_over(connection, hand_over.number, request, hand_over.to_record, file_names, now=now)
