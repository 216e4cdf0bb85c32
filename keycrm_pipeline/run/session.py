"""One run of an exchange: its lock, its row in the log (R13), and what its stages share while it runs.

An exchange that raises is recorded as failed, with the reason in words, and its lock is released. An error that the
program did not foresee is reported without values, which may be personal data.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import (
    LAKE,
    Profile,
    ProfileError,
    Workspace,
    document_settings,
    read_profile_file,
)
from keycrm_pipeline.reading.databases import warehouse_of
from keycrm_pipeline.run import lock
from keycrm_pipeline.run.errors import BooksMovedError, CeilingError, StoppedError, message_of, unexpected
from keycrm_pipeline.run.leftovers import remove_leftovers
from keycrm_pipeline.run.memory import give_freed_memory_back
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.stopping import close_what_was_closing, is_stop, once, undisturbed
from keycrm_pipeline.warehouse.compaction import compact_when_grown, remove_killed_copy
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.engines.maintenance import maintain
from keycrm_pipeline.warehouse.errors import LakeChangedError, WarehouseError
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts, add_requests, begin_exchange, end_exchange
from keycrm_pipeline.warehouse.publication import publish
from keycrm_pipeline.warehouse.rebuild_due import record_first_settings

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.crm.client import KeyCrmClient
    from keycrm_pipeline.warehouse.engines.catalog_lock import Hold

COMPACTED_AFTER = ("recent", "sweep")
"""Kinds of exchanges after which a file that has grown is compacted, and at whose end a lake is maintained: the nightly
ones, for which nobody waits."""

NOT_BEGUN = 0
"""Number of an exchange that has no row in the log yet."""

CLOSING_WAIT_SECONDS = 5.0
"""How long a failed exchange waits for the file to write its row: the program that holds it may be why it failed."""

_log = logging.getLogger(__name__)


def open_warehouse(workspace: Workspace) -> Warehouse:
    """The profile's database.

    Raises:
        LakeSettingsError: It is in a lake, and the settings do not say where that is.
    """
    return warehouse_of(workspace)


@contextlib.contextmanager
def holding(workspace: Workspace, purpose: str) -> Iterator[Warehouse]:
    """The profile's database while its lock is held; waits as long as an exchange holds it.

    Raises:
        WarehouseError: The lock cannot be taken.
        BooksMovedError: The books were moved while it was waited for.
    """
    with _locked(workspace, purpose) as hold:
        yield replace(open_warehouse(workspace), hold=hold)


@contextlib.contextmanager
def _locked(workspace: Workspace, purpose: str, *, is_on_copy: bool = False) -> Iterator[Hold | None]:
    """Holds the profile's lock, and refuses to write into books that were moved while it was waited for."""
    with lock.held(lock.place_of(workspace), purpose) as hold:
        # A file that is not there or has a mistake by now names no other place.
        with contextlib.suppress(OSError, ProfileError):
            now_in = read_profile_file(workspace.profile.name, workspace.settings).settings.get("database")
            if not is_on_copy and (now_in == LAKE) != workspace.profile.is_in_lake:
                raise BooksMovedError(workspace.profile.name)
        yield hold


def _open_client(workspace: Workspace) -> KeyCrmClient:
    # Definitions import this module, and the HTTP client is slow to load.
    from keycrm_pipeline.run.client import open_client

    return open_client(workspace, os.environ)


@dataclass(frozen=True)
class Services:
    """What an exchange uses from outside; tests provide their own.

    Attributes:
        clock: Returns the current time, aware.
        open_client: Opens a client of the profile's account.
        open_warehouse: Returns the profile's database.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    open_client: Callable[[Workspace], KeyCrmClient] = _open_client
    open_warehouse: Callable[[Workspace], Warehouse] = open_warehouse


@dataclass(frozen=True)
class Plan:
    """What an exchange is going to do.

    Attributes:
        kind: Kind of exchange, see `ops.exchanges.kind`.
        run_id: The run that does it; a retried run continues in its own row of the log.
        period: Days of a load; None for a sync or a rebuild.
        order_ids: Orders that are named by their numbers in KeyCRM; for `order` alone.
        takes_new_names: Whether cards take over the names that their products have in KeyCRM; for `catalogue` alone.
        is_on_copy: Whether it works on a copy of the books, which lies elsewhere than the profile says.
    """

    kind: str
    run_id: str
    period: Period | None = None
    order_ids: tuple[int, ...] = ()
    takes_new_names: bool = False
    is_on_copy: bool = False


@dataclass
class Session:
    """A running exchange.

    Attributes:
        workspace: The profile and its places.
        warehouse: The profile's database.
        plan: What the exchange is doing.
        exchange_id: Its number in the log; `NOT_BEGUN` until it has its row.
        now: When it started, aware: the time of everything that it writes.
        services: What it uses from outside.
        counts: Counts of its finished stages, for its row.
        listings: Names of the listings whose pages are forgotten once it has succeeded.
        written_days: Loaded days whose documents a sync has created or changed -> their numbers.
        changed_cards: Stages of which a sync has created or changed cards.
        has_asked_for_owners: Whether it has requested the other orders of shared payments and lines.
        logged_requests: How many of its requests its row has already.
        open_client: The client that is making requests; None between clients.
    """

    workspace: Workspace
    warehouse: Warehouse
    plan: Plan
    exchange_id: int
    now: datetime
    services: Services
    counts: ExchangeCounts = field(default_factory=ExchangeCounts)
    listings: set[str] = field(default_factory=set)
    written_days: dict[date, Mapping[str, Any]] = field(default_factory=dict)
    changed_cards: set[str] = field(default_factory=set)
    has_asked_for_owners: bool = False
    logged_requests: int = 0
    open_client: KeyCrmClient | None = None

    @property
    def profile(self) -> Profile:
        """The profile."""
        return self.workspace.profile

    @property
    def is_rebuild(self) -> bool:
        """Whether everything that is stored is derived again."""
        return self.plan.kind == "rebuild"

    @property
    def has_changed_nothing(self) -> bool:
        """Whether it has created or changed neither a document nor a card."""
        counts = self.counts
        made = (
            counts.orders_created + counts.orders_updated + counts.partners_created + counts.products_created
        )
        return not (made or self.written_days or self.changed_cards)

    @property
    def has_news(self) -> bool:
        """Whether readers of the books would see something that they did not see before."""
        return self.plan.kind == "period" or bool(self.counts.orders_rejected) or not self.has_changed_nothing

    def add(self, **counts: int) -> None:
        """Adds to the counts of the exchange's row."""
        self.counts = self.counts.plus(ExchangeCounts(**counts))

    def set(self, **counts: int) -> None:
        """Replaces counts of the exchange's row."""
        self.counts = replace(self.counts, **counts)

    @contextlib.contextmanager
    def client(self) -> Iterator[KeyCrmClient]:
        """An open client; the requests it makes are counted, also when something is raised.

        Other programs may open the file meanwhile, between one piece of work and the next.

        Raises:
            MissingKeyError: No API key is set.
        """
        kept = self.warehouse
        with self.services.open_client(self.workspace) as client, kept.released() as self.warehouse:
            self.open_client = client
            try:
                yield client
            finally:
                self.open_client = None
                self.warehouse = kept
                self.add(requests=client.statistics.requests)

    def log_requests(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Adds the requests that were made so far to the row of the log, for whoever watches the exchange."""
        now = self.open_client.statistics.requests if self.open_client is not None else 0
        made = self.counts.requests + now
        add_requests(connection, self.exchange_id, made - self.logged_requests)
        self.logged_requests = made


@contextlib.contextmanager
def open_session(workspace: Workspace, plan: Plan, services: Services | None = None) -> Iterator[Session]:
    """Runs an exchange: holds the profile's lock, writes the row of the log, and completes it however the block ends.

    Raises:
        ExchangeError: What went wrong, in words, even if it was not foreseen.
    """
    services = services or Services()
    # Files of an exchange contain personal data: readable by their owner only.
    os.umask(0o077)
    give_freed_memory_back()
    with once(), _locked(workspace, plan.run_id, is_on_copy=plan.is_on_copy) as hold:
        warehouse = replace(services.open_warehouse(workspace), hold=hold)
        _clean_up(workspace, warehouse, services.clock())
        with warehouse.kept_open() as kept:
            session = Session(workspace, kept, plan, NOT_BEGUN, services.clock(), services)
            try:
                with in_words():
                    _begin(session)
                    yield session
                    if plan.kind in COMPACTED_AFTER and warehouse.lake is not None:
                        _maintain(session)
                    _end(session, None)
            except BaseException as error:
                # The reason for the failure matters more than a log that cannot be written (a full disk, a held file).
                with contextlib.suppress(Exception):
                    close_what_was_closing(error)
                    # What went wrong may have left the file in a state in which nothing can be written.
                    kept.release()
                    _end(session, error)
                raise
        if plan.kind in COMPACTED_AFTER and warehouse.lake is None:
            with in_words():
                _give_room_back(warehouse)
        if workspace.profile.publish and (session.has_news or not workspace.published.exists()):
            with in_words():
                _publish(warehouse, workspace)


def _clean_up(workspace: Workspace, warehouse: Warehouse, now: datetime) -> None:
    """Removes what killed processes left; what keeps it from doing so stops no exchange."""
    if warehouse.lake is None:
        remove_killed_copy(warehouse)
    try:
        removed = remove_leftovers(workspace, now)
    except OSError as error:
        _log.warning("What a killed process left could not be removed: %s.", error.strerror)
        return
    if removed:
        _log.info("Removed unfinished files of killed processes: %s.", len(removed))


def _begin(session: Session) -> None:
    """Writes the row of the log; whoever stops the exchange at this moment stops one that has its row."""
    with session.warehouse.writing() as connection, undisturbed():
        session.exchange_id = begin_exchange(
            connection,
            profile=session.profile.name,
            run_id=session.plan.run_id,
            kind=session.plan.kind,
            period=session.plan.period,
            now=session.now,
        )
        record_first_settings(connection, document_settings(session.profile))


def _end(session: Session, error: BaseException | None) -> None:
    """Completes the row of the log; the pages of its listings are forgotten if there is nothing left to repeat."""
    if session.exchange_id == NOT_BEGUN:
        return
    message = None
    warehouse = session.warehouse
    if error is not None:
        message = message_of(error if isinstance(error, Exception) else StoppedError())
        warehouse = warehouse.waiting_at_most(CLOSING_WAIT_SECONDS)
    is_done = error is None or isinstance(error, CeilingError)
    # A second Ctrl-C, or Dagster's after that of the whole product, must not leave an exchange that seems to run.
    with undisturbed(), warehouse.writing() as connection:
        end_exchange(
            connection,
            session.exchange_id,
            # A retry goes on in the same row, so requests are added to those that it has.
            replace(session.counts, requests=session.counts.requests - session.logged_requests),
            error=message,
            forgotten_listings=sorted(session.listings) if is_done else (),
            now=session.services.clock(),
        )


def _maintain(session: Session) -> None:
    """Keeps a lake small, before the exchange has ended: if rows would be lost, it fails, and somebody is alerted."""
    try:
        with session.warehouse.writing() as connection:
            done = maintain(connection, session.profile.name)
    except LakeChangedError:
        raise
    except WarehouseError as error:
        _log.warning("%s", error)
        return
    if done.has_done_something:
        _log.info(
            "The lake was maintained: %s snapshots forgotten, %s data files fewer, %s files removed.",
            done.snapshots,
            done.files,
            done.removed,
        )


def _give_room_back(warehouse: Warehouse) -> None:
    """Compacts a database file that has grown, and logs it; the exchange has already succeeded either way."""
    try:
        compacted = compact_when_grown(warehouse)
    except WarehouseError as error:
        _log.warning("%s", error)
        return
    if compacted is not None:
        _log.info(
            "The database file had grown to %s MB and was compacted to %s MB.",
            f"{compacted.before_bytes / 1e6:,.0f}",
            f"{compacted.after_bytes / 1e6:,.0f}",
        )


def _publish(warehouse: Warehouse, workspace: Workspace) -> None:
    """Replaces the copy for readers; what keeps it from being made is logged, and the exchange has succeeded."""
    try:
        publish(warehouse, workspace.published)
    except WarehouseError as error:
        _log.warning("%s", error)


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Turns unforeseen errors into ones that may be shown, and every kind of interruption into `StoppedError`."""
    try:
        yield
    except (MessageError, GeneratorExit, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - reported without values, whatever it was
        raise (StoppedError() if is_stop(error) else unexpected(error)) from None
