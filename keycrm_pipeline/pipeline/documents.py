"""Stage `orders`: order documents, of which only what changed is stored (R2, R6, R7, R8).

Then their movements (R14) and the review list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec

from keycrm_pipeline.accounting.documents import DocumentSettings, OrganisationChoice, derive_documents
from keycrm_pipeline.accounting.expenses import expense_type_name
from keycrm_pipeline.accounting.names import name_key
from keycrm_pipeline.crm.values import text
from keycrm_pipeline.kinds import BY_TRANSACTION
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline import movements, review
from keycrm_pipeline.pipeline.refusals import work_on_orders
from keycrm_pipeline.pipeline.results import StageNumbers
from keycrm_pipeline.pipeline.selection import selection
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.schemas.accounting import ORDER_LINES, ORDER_PAYMENTS, ORDER_SERVICES, ORDERS
from keycrm_pipeline.warehouse import days
from keycrm_pipeline.warehouse import documents as store
from keycrm_pipeline.warehouse.batches import batch_orders
from keycrm_pipeline.warehouse.cards import reference_rows, select_orders
from keycrm_pipeline.warehouse.documents import DayCounts
from keycrm_pipeline.warehouse.ranges import OrderRange
from keycrm_pipeline.warehouse.rates import rates_frame
from keycrm_pipeline.warehouse.validated import rejected_by_day

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from keycrm_pipeline.schemas import Table


@dataclass
class DocumentCounts:
    """Documents created, changed and unchanged, by day."""

    days: dict[date, DayCounts] = field(default_factory=dict)

    def add(self, counts: Sequence[DayCounts]) -> None:
        """Adds the counts of a batch; a day with many orders is split over several batches."""
        for count in counts:
            known = self.days.get(count.order_day)
            self.days[count.order_day] = count if known is None else known.plus(count)


def run(session: Session, period: Period | None) -> StageNumbers:
    """Derives the documents of a period and of the orders that this exchange touched, and their movements.

    The days of the period then count as loaded, except in a rebuild.
    """
    with session.warehouse.writing() as connection:
        select_orders(connection, selection(session, period))
        counts = _derive_selected_documents(connection, session)
        movements.refresh(connection, session, period)
        # A rebuild derives the review list once, at its end, and does not make any day count as loaded.
        if not session.is_rebuild:
            if period is not None:
                days.record_loaded(connection, period, exchange_id=session.exchange_id, now=session.now)
            review.refresh(connection, session.profile, now=session.now)
        numbers = _by_day(connection, None if session.is_rebuild else period, counts)
    _count(session, period, counts)
    return StageNumbers(days=numbers)


def _count(session: Session, period: Period | None, counts: DocumentCounts) -> None:
    """Adds the documents to the exchange's row; for days outside the period, only those that were written."""
    inside = [count for day, count in counts.days.items() if period is None or day in period]
    outside = [count for day, count in counts.days.items() if period is not None and day not in period]
    session.add(
        orders_seen=sum(count.created + count.updated for count in outside),
        orders_created=sum(count.created for count in counts.days.values()),
        orders_updated=sum(count.updated for count in counts.days.values()),
        orders_unchanged=sum(count.unchanged for count in inside),
    )


def _by_day(
    connection: duckdb.DuckDBPyConnection, period: Period | None, counts: DocumentCounts
) -> dict[date, dict[str, Any]]:
    """The numbers of each day of a period, and of the other days that were written to."""
    written = {day for day, count in counts.days.items() if count.created or count.updated}
    shown = sorted({*(period.days if period else ()), *written})
    if not shown:
        return {}
    whole = Period(shown[0], shown[-1])
    rejected = rejected_by_day(connection, whole)
    numbers: dict[date, dict[str, Any]] = {}
    for day in shown:
        count = counts.days.get(day, DayCounts(day, 0, 0, 0))
        numbers[day] = {
            "created": count.created,
            "updated": count.updated,
            "unchanged": count.unchanged,
            "rejected": rejected.get(day, 0),
            "rows": 0,
        }
    for total in store.day_totals(connection, whole):
        if total.order_day in numbers:
            numbers[total.order_day]["rows"] += total.orders
            numbers[total.order_day][f"all orders {total.currency}"] = total.grand_total
    return numbers


def organisation_choice(profile: Profile) -> OrganisationChoice:
    """Which legal entity an order or a payment belongs to.

    A payment method decides before a source, since the money shows whose sale it was; the account that everything
    without a mapped method gets decides last, or the source would never be asked.
    """
    by_account: dict[str, str] = {}
    by_source: dict[int, str] = {}
    by_method: dict[int, str] = {}
    for name, organisation in profile.organisations.items():
        by_account |= dict.fromkeys(organisation.accounts, name)
        by_source |= dict.fromkeys(organisation.sources, name)
        by_method |= dict.fromkeys(organisation.payment_methods, name)
    by_method |= {
        method: settings.organisation
        for method, settings in profile.payment_methods.items()
        if settings.organisation is not None
    }
    of_accounts = {
        method: by_account[account]
        for method, account in profile.method_accounts.items()
        if account in by_account
    }
    defaults = [name for name, organisation in profile.organisations.items() if organisation.default]
    return OrganisationChoice(
        by_method=of_accounts | by_method,
        by_source=by_source,
        otherwise=by_account.get(profile.account, defaults[0] if defaults else None),
    )


def document_settings(connection: duckdb.DuckDBPyConnection, profile: Profile) -> DocumentSettings:
    """The profile's settings for documents, with the card of paid delivery."""
    return DocumentSettings(
        author=profile.author,
        account=profile.account,
        accounts=profile.method_accounts,
        payment_kinds={
            method: settings.kind
            for method, settings in profile.payment_methods.items()
            if settings.kind is not None
        },
        receipts={
            method: settings.receipt
            for method, settings in profile.payment_methods.items()
            if settings.receipt != "none"
        },
        dated_by_money=[
            method for method, settings in profile.payment_methods.items() if settings.date == BY_TRANSACTION
        ],
        expense_types={
            type_id: expense_type_name(type_id, text(row.get("name")), text(row.get("alias")))
            for type_id, payload, _listed in reference_rows(connection, "expense_types")
            for row in (msgspec.json.decode(payload),)
        },
        organisations=organisation_choice(profile),
        managers=profile.managers,
        currency=profile.currency,
        source_number_in_comment=profile.source_number_in_comment,
        delivery_service=profile.delivery_service,
        delivery_product_id=store.delivery_product_id(connection, name_key(profile.delivery_service) or ""),
        timezone=profile.timezone,
        rates=rates_frame(connection),
    )


def _derive_selected_documents(connection: duckdb.DuckDBPyConnection, session: Session) -> DocumentCounts:
    """Derives the documents of the selected orders in batches; runs after `select_orders` and the card stages.

    Every frame passes the checks of its table before it is written. An order whose document does not is refused.
    """
    profile = session.profile
    settings = document_settings(connection, profile)
    default_key = name_key(profile.default_partner) if profile.default_partner else None
    default_partner_id = store.default_partner_id(connection, default_key) if default_key else None

    def documents_of(connection: duckdb.DuckDBPyConnection, batch: OrderRange) -> dict[Table, pl.DataFrame]:
        # What they are derived from ends with this function: it need not stay in memory while they are written.
        sources = store.read_sources(connection, batch, default_partner_id=default_partner_id)
        documents = derive_documents(sources.orders, sources.lines, sources.payments, settings)
        return {
            ORDERS: ORDERS.checked(documents.orders),
            ORDER_LINES: ORDER_LINES.checked(documents.order_lines),
            ORDER_SERVICES: ORDER_SERVICES.checked(documents.order_services),
            ORDER_PAYMENTS: ORDER_PAYMENTS.checked(documents.order_payments),
        }

    def derive(connection: duckdb.DuckDBPyConnection, batch: OrderRange) -> list[DayCounts]:
        documents = documents_of(connection, batch)
        staged = store.stage_documents(connection, documents)
        documents.clear()
        return store.replace_documents(connection, staged, closed_until=profile.closed_until, now=session.now)

    counts = DocumentCounts()
    batches = store.selected_batches(connection, batch_orders(everything=session.is_rebuild))
    for counted in work_on_orders(session, connection, batches, derive):
        counts.add(counted)
    return counts
