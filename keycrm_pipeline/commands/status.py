"""`status` and `review`: the last exchange, and what needs attention.

Answers at once: reads a few small rows, and imports neither Dagster nor polars, pandera or a drawing library.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.output import (
    failure_in_words,
    in_these_words,
    kind_in_words,
    print_exchange,
    print_review,
    reading_as_json,
    reading_in_words,
    review_title,
)
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import _
from keycrm_pipeline.profile import Profile, Workspace, dagster_home
from keycrm_pipeline.reading import Books
from keycrm_pipeline.reading.closed_period import ClosedPeriodChange, closed_period_changes
from keycrm_pipeline.reading.databases import has_books, lake_of
from keycrm_pipeline.reading.rebuild_due import RebuildDue, rebuild_due
from keycrm_pipeline.run.imports import without_pandas
from keycrm_pipeline.run.lock import is_held, place_of
from keycrm_pipeline.run.session import open_warehouse
from keycrm_pipeline.run.space import Space, read_space
from keycrm_pipeline.run.summary import ExchangeSummary, summarise
from keycrm_pipeline.sentences import as_typed, without_typed
from keycrm_pipeline.warehouse.attention import ReviewItem, review_items
from keycrm_pipeline.warehouse.days import LeftOut, missing_days
from keycrm_pipeline.warehouse.days import left_out as orders_left_out
from keycrm_pipeline.warehouse.errors import DatabaseMissingError
from keycrm_pipeline.warehouse.exchanges import (
    KILLED,
    Exchange,
    last_exchange,
    last_succeeded_exchange,
    rejected_count,
)
from keycrm_pipeline.warehouse.readings import KnownReading, current_reading
from keycrm_pipeline.warehouse.review import tick_off_product

if TYPE_CHECKING:
    import duckdb

WAIT_SECONDS = 10.0
"""How long `status` waits for a file that an exchange or another program holds: writes are short."""

MOST_DAYS_SHOWN = 10
NOTHING_LEFT_OUT = LeftOut(before_start_date=0, days_not_loaded=0)
NOTHING_TO_REBUILD = RebuildDue()


@dataclass(frozen=True)
class ProfileStatus:
    """The status of a profile.

    Attributes:
        profile: Its name.
        timezone: Its time zone, in which moments are shown.
        last: The last exchange; None when nothing has been loaded yet.
        is_killed: Whether the log says that it is running while no process does its work. It is then shown as failed.
        last_succeeded: The last successful exchange, if it is a different one.
        rejected: Orders that could not be loaded.
        days_missing: Local days between the first loaded one and yesterday that were never completely loaded.
        left_out: Stored orders that stay out of the books because of their day.
        reading: The date that KeyCRM's filter `created_between` was found to go by; None while nothing is proven.
        space: What it takes on the disk.
        closed_changes: Documents that changed in the closed period, and that no export has listed.
        rebuild: What only a rebuild would bring to the documents.
        lake: Place of the files, if the books are in a lake.
    """

    profile: str
    timezone: str
    space: Space
    last: ExchangeSummary | None = None
    is_killed: bool = False
    last_succeeded: Exchange | None = None
    rejected: int = 0
    days_missing: tuple[date, ...] = ()
    left_out: LeftOut = NOTHING_LEFT_OUT
    reading: KnownReading | None = None
    closed_changes: int = 0
    rebuild: RebuildDue = NOTHING_TO_REBUILD
    lake: str | None = None


def read_status(workspace: Workspace) -> ProfileStatus:
    """Reads the status of a profile; one whose database does not exist yet has loaded nothing.

    Raises:
        WarehouseError: The database is busy, unreadable, or newer than this program.
    """
    profile = workspace.profile
    space = read_space(workspace, dagster_home(os.environ))
    lake = lake_of(workspace)
    nothing = ProfileStatus(profile.name, profile.timezone, space, lake=lake.data if lake else None)
    # Checked before the log is read: an exchange that ends in between then reads as ended, not as killed.
    is_working = is_held(place_of(workspace))
    try:
        with without_pandas(), Books(workspace, wait_seconds=WAIT_SECONDS).reading() as connection:
            return _read(connection, profile, nothing, is_working=is_working)
    except DatabaseMissingError:
        return nothing


def _read(
    connection: duckdb.DuckDBPyConnection, profile: Profile, nothing: ProfileStatus, *, is_working: bool
) -> ProfileStatus:
    """The status that the log shows."""
    yesterday = datetime.now(UTC).astimezone(profile.zone).date() - timedelta(days=1)
    last = last_exchange(connection)
    if last is None:
        return nothing
    is_killed = last.status == "running" and not is_working
    if is_killed:
        last = replace(last, status="failed", error=str(KILLED), error_coded=KILLED.dump())
    succeeded = last_succeeded_exchange(connection)
    return replace(
        nothing,
        last=summarise(connection, last),
        is_killed=is_killed,
        last_succeeded=None if succeeded is None or succeeded.exchange_id == last.exchange_id else succeeded,
        rejected=rejected_count(connection),
        days_missing=tuple(missing_days(connection, yesterday)),
        left_out=orders_left_out(connection, profile.start_date),
        reading=current_reading(connection),
        closed_changes=len(closed_period_changes(connection, profile)),
        rebuild=rebuild_due(connection, profile),
    )


def status_as_json(status: ProfileStatus) -> dict[str, Any]:
    """The status as `--json` prints it.

    `last_exchange` has the keys of a load and is null when nothing has been loaded yet; `error` is the error
    of the last exchange.
    """
    last, succeeded = status.last, status.last_succeeded
    return {
        "profile": status.profile,
        "last_exchange": None if last is None else last.as_json(),
        "last_succeeded": None if succeeded is None else ExchangeSummary(exchange=succeeded).as_json(),
        "review": {} if last is None else dict(last.review),
        "rejected": status.rejected,
        "closed_period_changes": status.closed_changes,
        "days_missing": [day.isoformat() for day in status.days_missing],
        "left_out": asdict(status.left_out),
        "rebuild_due": asdict(status.rebuild),
        "created_between": reading_as_json(status.reading),
        "lake": status.lake,
        "disk": {**asdict(status.space), "is_short": status.space.is_short},
        "error": None if last is None else last.exchange.error,
    }


def print_status(status: ProfileStatus) -> None:
    """Prints the status of a profile, for users."""
    write = current_formatter()
    if status.last is None:
        click.echo(
            _(
                "Nothing has been loaded yet for profile {profile}. Load a period with "
                "`keycrm-pipeline load --from YYYY-MM-DD --to YYYY-MM-DD --profile {profile}`.",
                profile=status.profile,
            )
        )
        return
    exchange = status.last.exchange
    started = write.instant(exchange.started_at, status.timezone)
    click.echo(_("Last exchange, started {moment}:", moment=started))
    print_exchange(status.last, shown_status="killed" if status.is_killed else None)
    if exchange.error:
        click.echo(_("Error: {message}", message=failure_in_words(exchange)))
    if status.last_succeeded is not None:
        earlier = status.last_succeeded
        click.echo(
            _(
                "Last successful exchange: {number} ({kind}), ended {moment}.",
                number=earlier.exchange_id,
                kind=kind_in_words(earlier.kind),
                moment=write.instant(earlier.finished_at or earlier.started_at, status.timezone),
            )
        )
    elif exchange.status != "succeeded":
        click.echo(_("No exchange has succeeded yet."))
    if status.rejected:
        click.echo(_("Orders that could not be loaded: {count}.", count=write.number(status.rejected)))
    if status.days_missing:
        days = ", ".join(write.day(day) for day in status.days_missing[-MOST_DAYS_SHOWN:])
        count = write.number(len(status.days_missing))
        if len(status.days_missing) > MOST_DAYS_SHOWN:
            click.echo(
                _(
                    "Days not loaded: {count} (the newest: {days}). The daily load completes them.",
                    count=count,
                    days=days,
                )
            )
        else:
            click.echo(
                _("Days not loaded: {count} ({days}). The daily load completes them.", count=count, days=days)
            )
    _print_left_out(status.left_out)
    if status.closed_changes:
        click.echo(
            _(
                "Documents that changed in the closed period: {count}. `keycrm-pipeline review` lists them until an "
                "export has.",
                count=write.number(status.closed_changes),
            )
        )
    _print_rebuild(status)
    click.echo(reading_in_words(status.reading, status.timezone))
    _print_space(status.space, status.lake)
    print_review(status.last.review)


def _print_rebuild(status: ProfileStatus) -> None:
    due = status.rebuild
    if due.settings:
        click.echo(
            _(
                "Settings that were changed and that older documents do not follow yet: {settings}.",
                settings=", ".join(due.settings),
            )
        )
    if due.columns:
        click.echo(
            _(
                "Columns of this version that are empty in older documents: {columns}.",
                columns=", ".join(due.columns),
            )
        )
    if due:
        click.echo(
            _(
                "A rebuild brings them up to date: `keycrm-pipeline rebuild --profile {profile}`; with --dry-run it "
                "only says what would change.",
                profile=status.profile,
            )
        )


def _print_left_out(left_out: LeftOut) -> None:
    if left_out.before_start_date:
        click.echo(
            _(
                "Orders from before start_date, kept raw and not booked: {count}.",
                count=current_formatter().number(left_out.before_start_date),
            )
        )
    if left_out.days_not_loaded:
        click.echo(
            _(
                "Orders of days that are not loaded, kept raw until they are: {count}.",
                count=current_formatter().number(left_out.days_not_loaded),
            )
        )


def _print_space(space: Space, lake: str | None) -> None:
    if lake is not None:
        click.echo(_("The books are in a lake, with its files in {place}.", place=lake))
    click.echo(
        _(
            "Dagster's history {history} in {files} files, free on the disk of this machine {free}.",
            history=_megabytes(space.history_bytes),
            files=current_formatter().number(space.history_files),
            free=_megabytes(space.free_bytes),
        )
        if lake is not None
        else _(
            "Database {database}, Dagster's history {history} in {files} files, free on the disk {free}.",
            database=_megabytes(space.database_bytes),
            history=_megabytes(space.history_bytes),
            files=current_formatter().number(space.history_files),
            free=_megabytes(space.free_bytes),
        )
    )
    if space.is_short:
        click.echo(
            _(
                "The disk is almost full: {needed} should be free. Make room on it.",
                needed=_megabytes(space.needed_bytes),
            )
        )


def _megabytes(size: int) -> str:
    return _("{count} MB", count=current_formatter().number(round(size / 1e6)))


@dataclass(frozen=True)
class ReviewList:
    """What needs attention.

    Attributes:
        rows: The review list, or one kind of it.
        closed_changes: Documents that changed in the closed period; none if one kind was asked for.
    """

    rows: list[ReviewItem]
    closed_changes: list[ClosedPeriodChange]


def read_review(workspace: Workspace, kind: str | None) -> ReviewList:
    """The review list, or one kind of it; empty when nothing has been loaded yet.

    Raises:
        WarehouseError: The database is busy, unreadable, or newer than this program.
    """
    try:
        with without_pandas(), Books(workspace, wait_seconds=WAIT_SECONDS).reading() as connection:
            return ReviewList(
                review_items(connection, kind=kind),
                closed_period_changes(connection, workspace.profile) if kind is None else [],
            )
    except DatabaseMissingError:
        return ReviewList([], [])


def tick_off(workspace: Workspace, product_id: int) -> bool:
    """Takes a promoted product (R5), or one with a shared SKU (R4.1), off the review list; False when it is not on it.

    Raises:
        WarehouseError: The database is busy, unreadable, or newer than this program.
    """
    if not has_books(workspace):
        return False
    with open_warehouse(workspace).waiting_at_most(WAIT_SECONDS).writing() as connection:
        return tick_off_product(connection, product_id)


def review_as_json(profile: Profile, found: ReviewList) -> dict[str, Any]:
    """The review list as `--json` prints it: without names of buyers and values it quotes, which may be personal."""
    return {
        "profile": profile.name,
        "review": [
            {
                "kind": row.kind,
                "subject": row.subject,
                "details": row.plain(without_typed if row.kind == "rejected_order" else as_typed),
                "first_seen_at": row.first_seen_at.isoformat(),
            }
            for row in found.rows
        ],
        "closed_period_changes": [
            {
                "order_id": one.order_id,
                "order_day": one.order_day.isoformat(),
                "details": str(one.message),
                "changed_at": one.changed_at.isoformat(),
            }
            for one in found.closed_changes
        ],
        "error": None,
    }


def print_review_list(found: ReviewList) -> None:
    """Prints the review list for people, kind by kind, with the names that disagree, and then the closed period."""
    if not found.rows and not found.closed_changes:
        click.echo(_("Nothing needs your attention."))
        return
    kind, write = None, current_formatter()
    for row in found.rows:
        if row.kind != kind:
            kind = row.kind
            click.echo(f"{review_title(kind)} ({kind}):")
        click.echo(f"  {write.day(row.first_seen_at):<12}  {in_these_words(row.text(write))}")
    if found.closed_changes:
        click.echo(f"{_('Changes in the closed period')}:")
    for one in found.closed_changes:
        click.echo(f"  {write.day(one.changed_at):<12}  {in_these_words(one.message.text(write))}")
