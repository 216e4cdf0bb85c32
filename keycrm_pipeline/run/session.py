"""One run of an exchange: its lock, its row in the log, and what each step adds to it (R13).

A step that raises closes the exchange as failed, in words, and gives the lock back. An error that the program did
not foresee is told without values, which may be a person's.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from keycrm_pipeline.crm.errors import KeyCrmError
from keycrm_pipeline.profile import MissingKeyError, Profile, ProfileError, Settings, database_path, lock_path
from keycrm_pipeline.run import lock
from keycrm_pipeline.run.errors import ExchangeError, ManyMissingError, StoppedError, unexpected
from keycrm_pipeline.run.memory import give_freed_memory_back
from keycrm_pipeline.warehouse.compaction import compact_when_grown
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.exchanges import (
    ExchangeCounts,
    begin_exchange,
    exchange_of_run,
    fail_exchange,
    finish_step,
)

FORESEEN = (ExchangeError, KeyCrmError, WarehouseError, ProfileError, MissingKeyError)
"""Errors whose text is written for users and holds no one's data."""

COMPACTED_AFTER = ("recent", "sweep")
"""Kinds of exchanges that end with a look at how far the file has grown: those of the night, for which nobody waits."""

_QUERY_INTERRUPTED = "Query interrupted"
"""What DuckDB raises, as a RuntimeError, when Ctrl-C is pressed while it works."""

_failed_steps: dict[str, str] = {}
"""Run -> the step of it that failed in this process."""


CLOSING_WAIT_SECONDS = 5.0
"""How long the row of a command that has failed waits for the file: whoever holds it may be why it failed, and a person
has waited for it already."""


def open_warehouse(profile: Profile, settings: Settings) -> Warehouse:
    """The profile's database."""
    return Warehouse(database_path(profile, settings), profile.timezone)


def give_room_back(warehouse: Warehouse, tell: Callable[[str], None]) -> None:
    """Makes a database file smaller that has grown, and says so; the exchange before it has succeeded either way."""
    try:
        compacted = compact_when_grown(warehouse)
    except WarehouseError as error:
        tell(str(error))
        return
    if compacted is not None:
        tell(
            f"The database file had grown to {compacted.before_bytes / 1e6:,.0f} MB and was copied: it has "
            f"{compacted.after_bytes / 1e6:,.0f} MB now."
        )


@dataclass(frozen=True)
class RunPlan:
    """What a run is going to do.

    Attributes:
        profile: The profile.
        settings: Where profiles and data are.
        run_id: The Dagster run.
        kind: Kind of exchange, see `ops.exchanges.kind`.
        period_from: First day of the period.
        period_to: Last day of the period.
        steps: The steps of the run, by asset name.
        clock: Tells the time, aware.
        open_warehouse: Opens the profile's database; tests keep one connection to it.
        tell: Shows a sentence to whoever watches.
        give_room_back: Makes the file smaller after the last step, see `COMPACTED_AFTER`.
    """

    profile: Profile
    settings: Settings
    run_id: str
    kind: str
    period_from: date | None
    period_to: date | None
    steps: Sequence[str]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    open_warehouse: Callable[[Profile, Settings], Warehouse] = open_warehouse
    tell: Callable[[str], None] = lambda _sentence: None
    give_room_back: Callable[[Warehouse, Callable[[str], None]], None] = give_room_back


@dataclass
class Step:
    """One step of a running exchange.

    What it sets in `counts` is added to the exchange's row. Pages of the walks that it names in `walks`, and of the
    period's, are kept until the exchange has succeeded.
    """

    exchange_id: int
    warehouse: Warehouse
    now: datetime
    counts: ExchangeCounts = field(default_factory=ExchangeCounts)
    walks: set[str] = field(default_factory=set)

    def count(self, **counts: int) -> None:
        """Sets some of the step's counts."""
        self.counts = replace(self.counts, **counts)


@contextlib.contextmanager
def exchange_step(plan: RunPlan, step: str) -> Iterator[Step]:
    """Runs one step inside the exchange of its run.

    Raises:
        ExchangeError: What went wrong, in words; also when it was not foreseen.
    """
    failed = _failed_steps.get(plan.run_id)
    if failed is not None and failed != step:
        # Else the exchange would be set running again, and nobody would ever end it.
        raise ExchangeError(f"Not begun: {failed} failed before it in this exchange.")
    _failed_steps.pop(plan.run_id, None)
    path = lock_path(plan.profile, plan.settings)
    # Files of an exchange hold people's data: readable by the owner only.
    os.umask(0o077)
    give_freed_memory_back()
    lock.acquire(path, plan.run_id, waiting=plan.tell)
    warehouse = plan.open_warehouse(plan.profile, plan.settings)
    try:
        with _foreseen(), warehouse.writing() as connection:
            exchange_id = begin_exchange(
                connection,
                profile=plan.profile.name,
                run_id=plan.run_id,
                kind=plan.kind,
                period_from=plan.period_from,
                period_to=plan.period_to,
                steps=plan.steps,
                now=plan.clock(),
            )
            # What takes a moment to load is loaded within the exchange: its row says when the work began.
            from keycrm_pipeline.pipeline.catalogue_files import bring_in_catalogue
            from keycrm_pipeline.warehouse.catalogue_files import known_files

            known = known_files(connection)
        running = Step(
            exchange_id=exchange_id, warehouse=warehouse, now=plan.clock(), walks=_walks_of_period(plan)
        )
        try:
            with _foreseen():
                bring_in_catalogue(warehouse, plan.profile, plan.settings, known, now=running.now)
                yield running
                with warehouse.writing() as connection:
                    is_complete = finish_step(
                        connection,
                        exchange_id,
                        step,
                        running.counts,
                        now=plan.clock(),
                        walks=sorted(running.walks),
                    )
        except BaseException as error:
            _close_as_failed(plan, step, running, error)
            raise
    except BaseException:
        _failed_steps[plan.run_id] = step
        lock.release(path, plan.run_id)
        raise
    if is_complete:
        try:
            if plan.kind in COMPACTED_AFTER:
                plan.give_room_back(warehouse, plan.tell)
        finally:
            lock.release(path, plan.run_id)


def _walks_of_period(plan: RunPlan) -> set[str]:
    """The walk that the first step of a load makes; whichever step ends the exchange lets go of its pages."""
    from keycrm_pipeline.pipeline.extraction import period_walk

    if plan.period_from is None or plan.period_to is None:
        return set()
    return {period_walk(plan.profile, plan.period_from, plan.period_to)}


@contextlib.contextmanager
def _foreseen() -> Iterator[None]:
    try:
        yield
    except (*FORESEEN, GeneratorExit, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001 - told without values, whatever it was
        if _QUERY_INTERRUPTED in str(error):
            raise StoppedError from None
        raise unexpected(error) from None
    except BaseException:  # noqa: BLE001 - KeyboardInterrupt, or what Dagster makes of it
        raise StoppedError from None


def close_unfinished(profile: Profile, settings: Settings, run_id: str, error: str) -> None:
    """Closes the exchange of a run that has ended although its row says that it runs, and gives its lock back.

    A run that is stopped between two steps, or fails there, has no step that would do so.

    Args:
        profile: The profile.
        settings: Where profiles and data are.
        run_id: The run.
        error: Why it ended, in words.

    Raises:
        WarehouseError: The database is busy or unreadable.
    """
    warehouse = replace(open_warehouse(profile, settings), wait_seconds=CLOSING_WAIT_SECONDS)
    with warehouse.writing() as connection:
        exchange = exchange_of_run(connection, run_id)
        if exchange is not None:
            fail_exchange(connection, exchange.exchange_id, error, ExchangeCounts(), now=datetime.now(UTC))
    lock.release(lock_path(profile, settings), run_id)


def _close_as_failed(plan: RunPlan, step: str, running: Step, error: BaseException) -> None:
    text = str(error if isinstance(error, Exception) else StoppedError())
    # The reason why the step failed matters more than a log that cannot be written (a full disk, a held file).
    with contextlib.suppress(Exception), running.warehouse.writing() as connection:
        # Requests were made; what the step counted of orders is counted again when it is repeated.
        is_done = isinstance(error, ManyMissingError)
        counts = ExchangeCounts(requests=0 if is_done else running.counts.requests)
        fail_exchange(connection, running.exchange_id, text, counts, now=plan.clock())
        if is_done:
            finish_step(
                connection,
                running.exchange_id,
                step,
                running.counts,
                now=plan.clock(),
                walks=sorted(running.walks),
            )
