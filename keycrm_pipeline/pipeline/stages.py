"""The stages of a load, in order, and the load itself: one function for all entry points.

A period's load, a backfill, the daily schedule, the syncs, a rebuild and the tests all go through `run_load`. What a
stage does is in the module of its name; it is imported when it runs, because it imports slow libraries and Dagster
reads this table in every process.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.language import message
from keycrm_pipeline.period import Period, contiguous_periods
from keycrm_pipeline.pipeline.results import StageNumbers
from keycrm_pipeline.run import progress
from keycrm_pipeline.run.errors import NeverFetchedError, StageSkippedError
from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.accounting import ORDERS, PARTNERS, PRODUCTS, SOURCES, STATUSES
from keycrm_pipeline.schemas.raw import RAW_ORDERS
from keycrm_pipeline.schemas.validated import VALIDATED_ORDERS
from keycrm_pipeline.warehouse import days

if TYPE_CHECKING:
    from keycrm_pipeline.run.session import Session


@dataclass(frozen=True)
class Stage:
    """One stage of a load.

    Attributes:
        name: Its name, which is also the name of its asset.
        table: The table that it fills.
        kinds: What it works with, as shown on the page.
        needs: Stages that must have finished for a day before it.
        module: The module of this package that does its work.
        description: What it does, for accountants; a message.
    """

    name: str
    table: Table
    kinds: frozenset[str]
    needs: tuple[str, ...]
    module: str
    description: str

    def run(self, session: Session, period: Period | None) -> StageNumbers:
        """Does its work for the orders of a period and those that the exchange touched outside of it."""
        numbers: StageNumbers = import_module(f"{__package__}.{self.module}").run(session, period)
        return numbers


STAGES = (
    Stage(
        "raw_orders",
        RAW_ORDERS,
        frozenset({"keycrm", "duckdb"}),
        (),
        "extraction",
        message(
            "KeyCRM orders exactly as they came, each under its own local day.\n\n"
            "A load that was killed continues where it stopped; unchanged payloads are not written again."
        ),
    ),
    Stage(
        "validated_orders",
        VALIDATED_ORDERS,
        frozenset({"duckdb", "pandera"}),
        ("raw_orders",),
        "validation",
        message(
            "Orders that passed validation: header, lines, payments, shipping and buyer as typed rows.\n\n"
            "An order that fails is stored in ops.rejected_records with every reason; the rest of the day is loaded."
        ),
    ),
    Stage(
        "statuses",
        STATUSES,
        frozenset({"duckdb"}),
        ("validated_orders",),
        "statuses",
        message("Order statuses of KeyCRM with their stage (Стадія) in the accounting system."),
    ),
    Stage(
        "sources",
        SOURCES,
        frozenset({"duckdb"}),
        ("validated_orders",),
        "sources",
        message("Sources of orders (Джерело): sites, marketplaces, shops, with their currency."),
    ),
    Stage(
        "partners",
        PARTNERS,
        frozenset({"duckdb"}),
        ("validated_orders",),
        "partners",
        message(
            "Partner cards (Контрагент) of the buyers, found by link, phone or e-mail, or created if there is none."
        ),
    ),
    Stage(
        "products",
        PRODUCTS,
        frozenset({"keycrm", "duckdb"}),
        ("validated_orders",),
        "products",
        message(
            "Product cards: Товар, Товар з SKU with its variants, Послуга.\n\n"
            "KeyCRM's catalogue is queried, 50 products at a time, only for products that are not known yet or that a "
            "line contradicts."
        ),
    ),
    Stage(
        "orders",
        ORDERS,
        frozenset({"duckdb", "pandera"}),
        ("statuses", "sources", "partners", "products"),
        "documents",
        message(
            "Order documents with goods lines, services tab and payments; money adds up to the kopiyka.\n\n"
            "An unchanged document is not written again; a booked document always follows KeyCRM."
        ),
    ),
)
"""All stages, in order."""

DERIVED_STAGES = STAGES[1:]
"""Stages that work on what is stored."""


KEPT_OPEN_SECONDS = 1.0
"""How long the file may be kept open from one stage to the next, and others from it. The stages of a day take less, so
that the load of a day opens it 10 times instead of 24."""


@dataclass(frozen=True)
class StageResult:
    """A stage that has finished.

    Attributes:
        stage: The stage.
        numbers: What it did.
        seconds: How long it took.
    """

    stage: Stage
    numbers: StageNumbers
    seconds: float

    @property
    def days(self) -> dict[date, dict[str, Any]]:
        """Day -> its numbers."""
        return {day: dict(numbers) for day, numbers in self.numbers.days.items()}


def stages_named(names: Collection[str]) -> tuple[Stage, ...]:
    """The stages of these names, in their order."""
    return tuple(stage for stage in STAGES if stage.name in names)


def run_load(
    session: Session, period: Period | None, stages: Sequence[Stage] = STAGES
) -> Iterator[StageResult]:
    """Runs stages one after the other, each for the whole period, and yields what each did as it finishes.

    Later stages accept a day only once its extraction has finished, and a day counts as loaded only once all stages
    have finished for it (R1).

    Args:
        session: The running exchange.
        period: Days whose orders are processed; None for the orders of any day that this exchange touched.
        stages: The stages to run, in their order.

    Raises:
        NeverFetchedError: A day was never fetched, and the stages do not fetch it; nothing was written.
        StageSkippedError: A stage that one of these needs has not finished for a day since it was fetched; nothing
            was written.
    """
    loaded = None if session.is_rebuild else period
    if loaded is not None:
        _require_earlier_stages(session, loaded, stages)
    finished: list[str] = []
    derived = [stage for stage in stages if stage in DERIVED_STAGES]
    try:
        for stage in stages:
            if stage in derived:
                progress.stages(derived.index(stage), len(derived))
            started = time.perf_counter()
            numbers = stage.run(session, period)
            session.warehouse.release(after_seconds=KEPT_OPEN_SECONDS)
            finished.append(stage.name)
            if stage is STAGES[-1]:
                progress.stages(len(derived), len(derived))
                _ask_for_owners(session)
            yield StageResult(stage, numbers, time.perf_counter() - started)
    finally:
        # Also if a later stage fails: a new attempt then need not start with the first stage.
        if loaded is not None and finished:
            with session.warehouse.writing() as connection:
                days.record_stages(connection, loaded, finished)


def _ask_for_owners(session: Session) -> None:
    """Requests the other orders of a payment or a line that this exchange has found in a second document (R10).

    Two old orders were merged, and only one of them was fetched; the other still has what moved.
    """
    from keycrm_pipeline.pipeline.extraction import ExtractionCounts, ask_for
    from keycrm_pipeline.warehouse.review import owners_of_shared

    if session.is_rebuild or session.has_asked_for_owners:
        return
    with session.warehouse.reading() as connection:
        owners = owners_of_shared(connection, now=session.now, most=session.profile.sweep.most_missing)
    if owners:
        session.has_asked_for_owners = True
        with session.client() as client:
            ask_for(session, client, owners, ExtractionCounts())
        for _ in run_load(session, None, DERIVED_STAGES):
            pass


def _require_earlier_stages(session: Session, period: Period, stages: Sequence[Stage]) -> None:
    running: set[str] = set()
    needed: set[str] = set()
    for stage in stages:
        needed |= {name for name in stage.needs if name not in running}
        running.add(stage.name)
    if not needed:
        return
    asked = [stage.name for stage in stages]
    skipped = [stage.name for stage in STAGES if stage.name in needed]
    if STAGES[0].name in running:
        # Fetching the days again discards what earlier runs of the stages between have recorded.
        raise StageSkippedError(asked, skipped, [period])
    with session.warehouse.reading() as connection:
        lacking = days.days_lacking(connection, period, sorted(needed))
    if not lacking:
        return
    never_fetched = [day for day, is_fetched in lacking if not is_fetched]
    if never_fetched:
        raise NeverFetchedError(asked, contiguous_periods(never_fetched), session.profile.name)
    raise StageSkippedError(asked, skipped, contiguous_periods(day for day, _ in lacking))
