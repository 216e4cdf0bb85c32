"""The last step of a load: documents, loaded days, review list; and all local steps together for other passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.accounting.days import days_between
from keycrm_pipeline.accounting.products import SoldItem
from keycrm_pipeline.pipeline import review
from keycrm_pipeline.pipeline.documents import DocumentCounts, derive_selected_documents
from keycrm_pipeline.pipeline.products import derive_products, read_items
from keycrm_pipeline.pipeline.registers import (
    CardCounts,
    chosen_status_ids,
    derive_partners,
    derive_sources,
    derive_statuses,
)
from keycrm_pipeline.pipeline.validation import ValidationCounts, validate_period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.cards import select_orders

if TYPE_CHECKING:
    import duckdb

NO_DAYS = (date(1970, 1, 2), date(1970, 1, 1))
"""A period without days: only the orders that the exchange met are derived."""


def finish_period(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int,
    now: datetime,
) -> DocumentCounts:
    """Derives the documents of a period, notes its days as loaded, and brings the review list up to date."""
    select_orders(
        connection, first_day, last_day, exchange_id=exchange_id, status_ids=chosen_status_ids(profile)
    )
    counts = derive_selected_documents(connection, profile, now=now)
    seen = raw.orders_by_day(connection, first_day, last_day)
    raw.record_loaded_days(
        connection,
        {day: seen.get(day, 0) for day in days_between(first_day, last_day)},
        exchange_id=exchange_id,
        now=now,
    )
    review.refresh(connection, profile, now=now)
    return counts


def select_and_read_items(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int,
) -> list[SoldItem]:
    """Chooses the orders to derive (R2) and returns the distinct items on their lines."""
    select_orders(
        connection, first_day, last_day, exchange_id=exchange_id, status_ids=chosen_status_ids(profile)
    )
    return read_items(connection)


@dataclass(frozen=True)
class DerivedCounts:
    """What a derivation of several steps did."""

    validation: ValidationCounts
    partners: CardCounts
    products: CardCounts
    documents: DocumentCounts


def derive_everything(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    first_day: date,
    last_day: date,
    *,
    exchange_id: int,
    now: datetime,
    compare_all: bool = False,
    with_review: bool = True,
) -> DerivedCounts:
    """All local steps for a period and the orders that this exchange met: from payloads to the review list.

    Needs no request: the catalogue is taken as stored, so products that it lacks are to be fetched before.

    Args:
        connection: A connection for writing.
        profile: The profile.
        first_day: First local day.
        last_day: Last local day.
        exchange_id: The exchange that writes.
        now: Time of the exchange.
        compare_all: Derive also what did not change, for `rebuild`, which takes the memory to be quick.
        with_review: Bring the review list up to date at the end.
    """
    validation = validate_period(
        connection, profile, first_day, last_day, exchange_id=exchange_id, now=now, compare_all=compare_all
    )
    derive_statuses(connection, profile, first_day, last_day, exchange_id=exchange_id)
    derive_sources(connection, first_day, last_day, exchange_id=exchange_id)
    items = select_and_read_items(connection, profile, first_day, last_day, exchange_id=exchange_id)
    partners = derive_partners(connection, profile, now=now, everything=compare_all)
    products = derive_products(connection, profile, items, now=now)
    documents = derive_selected_documents(connection, profile, now=now, everything=compare_all)
    if with_review:
        review.refresh(connection, profile, now=now)
    return DerivedCounts(validation=validation, partners=partners, products=products, documents=documents)
