"""Movements of orders, derived with their documents (R14): what changed in an order after it was first seen.

They belong to the stage `orders`: a movement is of a document, follows it into the books, and has no day of its own in
Dagster.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from keycrm_pipeline import kinds
from keycrm_pipeline.accounting import discounts, documents, movements, statuses
from keycrm_pipeline.accounting.movements import Versions, derive_movements
from keycrm_pipeline.crm import shapes, values
from keycrm_pipeline.crm.shapes import read_shape
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.refusals import work_on_orders
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.schemas.accounting import ORDER_MOVEMENTS
from keycrm_pipeline.warehouse import movements as store
from keycrm_pipeline.warehouse import raw
from keycrm_pipeline.warehouse.batches import batch_orders
from keycrm_pipeline.warehouse.ranges import OrderRange

if TYPE_CHECKING:
    import duckdb


def refresh(connection: duckdb.DuckDBPyConnection, session: Session, period: Period | None) -> None:
    """Derives the movements of the booked orders of a period, and of those that this exchange fetched.

    All versions of an order are compared again: so the order in which they arrived does not matter, and a rebuild
    finds the same movements. An order is left out while nothing has changed of its versions, of its movements and of
    the rules.
    """
    timezone = session.profile.timezone

    def derive(connection: duckdb.DuckDBPyConnection, batch: OrderRange) -> None:
        read = store.read_versions(connection, batch, mended=_mended)
        found = derive_movements(Versions(read.versions, read.lines, read.payments, read.absences), timezone)
        store.store_movements(connection, ORDER_MOVEMENTS.checked(found))

    batches = store.batches_with_versions(
        connection,
        period,
        rules=_rules(timezone),
        exchange_id=None if session.is_rebuild else session.exchange_id,
        batch_versions=batch_orders(everything=session.is_rebuild),
    )
    work_on_orders(session, connection, batches, derive)


@cache
def _rules(timezone: str) -> str:
    """Digest of the rules that make movements: another program may derive others from the same versions."""
    modules = (movements, discounts, documents, statuses, shapes, values, kinds)
    texts = [Path(str(module.__file__)).read_text("utf-8") for module in modules]
    return sha256("\n".join((timezone, *texts)).encode()).hexdigest()


def forget_old_versions(session: Session) -> None:
    """Forgets versions that were replaced longer ago than the profile keeps them; their movements stay."""
    days = session.profile.keep_versions_days
    if days is not None:
        with session.warehouse.writing() as connection:
            raw.forget_versions(connection, before=session.now - timedelta(days=days))


def _mended(payload: str) -> str | None:
    """The payload with its parts mended; None if one of them cannot be read."""
    shape = read_shape(payload)
    if shape.unreadable:
        return None
    return shape.payload or payload
