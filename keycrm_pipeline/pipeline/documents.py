"""Derives the order documents of a period and stores what changed (R2, R6, R7, R8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from keycrm_pipeline.accounting.documents import DocumentSettings, derive_documents
from keycrm_pipeline.accounting.names import name_key
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.schemas.accounting import ORDER_LINES, ORDER_PAYMENTS, ORDER_SERVICES, ORDERS
from keycrm_pipeline.warehouse import documents as store
from keycrm_pipeline.warehouse.batches import pace_of, work_on_batches
from keycrm_pipeline.warehouse.documents import DayCounts
from keycrm_pipeline.warehouse.ranges import OrderRange

if TYPE_CHECKING:
    import duckdb


@dataclass
class DocumentCounts:
    """Documents made, changed and right already, by day."""

    days: dict[date, DayCounts] = field(default_factory=dict)

    def add(self, counts: Sequence[DayCounts]) -> None:
        """Adds the counts of a batch; a day of many orders stands in several."""
        for count in counts:
            known = self.days.get(count.order_day)
            self.days[count.order_day] = count if known is None else known.plus(count)

    @property
    def created(self) -> int:
        """Documents made."""
        return sum(count.created for count in self.days.values())

    @property
    def updated(self) -> int:
        """Documents changed."""
        return sum(count.updated for count in self.days.values())

    @property
    def unchanged(self) -> int:
        """Documents that were right already."""
        return sum(count.unchanged for count in self.days.values())


def document_settings(connection: duckdb.DuckDBPyConnection, profile: Profile) -> DocumentSettings:
    """What the profile says about documents, with the card of paid delivery."""
    return DocumentSettings(
        author=profile.author,
        account=profile.account,
        accounts=profile.accounts,
        managers=profile.managers,
        currency=profile.currency,
        source_number_in_comment=profile.source_number_in_comment,
        delivery_service=profile.delivery_service,
        delivery_product_id=store.delivery_product_id(connection, name_key(profile.delivery_service) or ""),
    )


def derive_selected_documents(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    *,
    now: datetime,
    everything: bool = False,
) -> DocumentCounts:
    """Derives the documents of the selected orders in batches; `select_orders` and the registers went before.

    Every frame passes the checks of its table before it is written.

    Args:
        connection: A connection for writing.
        profile: The profile.
        now: Time of the exchange.
        everything: Whether everything is derived anew, for `rebuild`.
    """
    settings = document_settings(connection, profile)
    default_key = name_key(profile.default_partner) if profile.default_partner else None
    default_partner_id = store.default_partner_id(connection, default_key) if default_key else None

    def derive(connection: duckdb.DuckDBPyConnection, batch: OrderRange) -> list[DayCounts]:
        sources = store.read_sources(connection, batch, default_partner_id=default_partner_id)
        documents = derive_documents(sources.orders, sources.lines, sources.payments, settings)
        for table, frame in (
            (ORDERS, documents.orders),
            (ORDER_LINES, documents.order_lines),
            (ORDER_SERVICES, documents.order_services),
            (ORDER_PAYMENTS, documents.order_payments),
        ):
            table.checked(frame)
        return store.replace_documents(
            connection,
            orders=documents.orders,
            order_lines=documents.order_lines,
            order_services=documents.order_services,
            order_payments=documents.order_payments,
            now=now,
        )

    counts = DocumentCounts()
    pace = pace_of(everything=everything)
    batches = store.selected_batches(connection, pace.batch_orders)
    for days in work_on_batches(connection, batches, derive, pace=pace):
        counts.add(days)
    return counts
