"""All figures of the exchange report, read at once so that the database is open only for a moment.

SQL is in `warehouse`; the sections that show the figures are listed in `sections`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from keycrm_pipeline.period import Period
from keycrm_pipeline.reports.periods import period_before
from keycrm_pipeline.warehouse import attention, receivables, sales
from keycrm_pipeline.warehouse.exchanges import KILLED
from keycrm_pipeline.warehouse.payments import (
    AccountPayments,
    ExpensesOfKind,
    OrganisationPayments,
    SourceMoney,
    UndatedPayments,
    expenses_by_kind,
    money_by_source,
    payments_by_account,
    payments_by_organisation,
    undated_payments,
)
from keycrm_pipeline.warehouse.reconciliation_lines import KindCount, counts_by_kind
from keycrm_pipeline.warehouse.sums import PeriodSums, count_never_booked, period_sums

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.profile import Profile

MOST_EXCHANGES = 10
MOST_DUE_ORDERS = 25
MOST_REVIEW_ROWS = 25
"""Rows of each kind: longer lists would not be read to the end; the commands show the rest."""
MOST_REJECTED = 50


@dataclass(frozen=True)
class YearFigures:
    """The payments of a year up to the last day of the report, and the limits that the profile sets.

    Attributes:
        period: 1 January to the report's last day.
        currency: Currency of the limits, the profile's own.
        limits: Organisation -> its yearly limit.
        received: Payments received by organisation and currency.
        days_missing: How many days of it no load has finished.
    """

    period: Period
    currency: str
    limits: Mapping[str, Decimal]
    received: list[OrganisationPayments]
    days_missing: int


@dataclass(frozen=True)
class ReportFigures:
    """What the report shows; all sums are by currency and without cancelled orders unless stated.

    Attributes:
        period: The days of the report.
        before: The previous period: as many days, up to the day before.
        today: The shop's local day on which the report is made.
        days_missing: Days of the period up to today that no load has finished.
        days_missing_before: The same for the previous period.
        totals: Currency -> figures of the period.
        totals_before: Currency -> figures of the previous period.
        sums: Currency -> sales, cancelled and all orders, and what an export of the period holds back.
        never_booked: Rejected records of the period that are no order of the books.
        days: Sales by day and currency.
        days_before: The same for the previous period.
        cancelled_days: Day -> cancelled orders.
        sources: Sales by source.
        managers: Sales by responsible person.
        stages: All orders by stage, including the cancelled ones.
        categories: Sales by category.
        products: Sales by card.
        discounts: Discounts.
        delivery: Orders by delivery service.
        payments: Payments received for the period's orders.
        has_organisations: Whether the profile lists legal entities.
        paid: Payments and expenses by day of payment, by organisation and account.
        expenses: Expenses by day of payment, by kind.
        margins: Cost and margin by source; nothing unless the profile shows them.
        source_money: Payments and expenses by day of payment, by source.
        reconciliation: Payments beside the money that came, by kind; nothing unless the profile compares them.
        undated: Payments without a date, of all stored orders.
        year: The year's payments against the profile's limits; None without a limit.
        due: Amounts due by age of the order, for all stored orders.
        oldest_due: The oldest unpaid orders.
        rounded: What rounding cash has added to the totals of all stored orders.
        lost: Cancelled and returned orders.
        buyer_sales: Orders of new and of returning buyers.
        buyers: Numbers of buyers.
        exchanges: The latest exchanges.
        review_counts: Kind -> number of rows of the review list.
        review: The oldest rows of each kind of the review list.
        rejected_count: Number of rejected orders.
        rejected: The orders rejected last.
    """

    period: Period
    before: Period
    today: date
    days_missing: list[date]
    days_missing_before: list[date]
    totals: dict[str, sales.PeriodTotals]
    totals_before: dict[str, sales.PeriodTotals]
    sums: dict[str, PeriodSums]
    never_booked: int
    days: list[sales.DaySales]
    days_before: list[sales.DaySales]
    cancelled_days: dict[date, int]
    sources: list[sales.NamedSales]
    managers: list[sales.NamedSales]
    stages: list[sales.NamedSales]
    categories: list[sales.ItemSales]
    products: list[sales.ItemSales]
    discounts: list[sales.Discounts]
    delivery: list[sales.Delivery]
    payments: list[sales.Payments]
    has_organisations: bool
    paid: list[AccountPayments]
    expenses: list[ExpensesOfKind]
    margins: list[sales.Margins]
    source_money: list[SourceMoney]
    reconciliation: list[KindCount]
    undated: list[UndatedPayments]
    year: YearFigures | None
    due: list[receivables.DueOfAge]
    oldest_due: list[receivables.DueOrder]
    rounded: list[receivables.RoundedCash]
    lost: list[sales.LostSales]
    buyer_sales: list[sales.BuyerSales]
    buyers: sales.Buyers
    exchanges: list[attention.Exchange]
    review_counts: dict[str, int]
    review: list[attention.ReviewItem]
    rejected_count: int
    rejected: list[attention.RejectedRecord]

    @property
    def is_before_known(self) -> bool:
        """Whether any day of the previous period was loaded: otherwise it is unknown, which is not zero (R1)."""
        return len(self.days_missing_before) < len(self.before.days) or bool(self.totals_before)

    @property
    def currencies(self) -> list[str]:
        """The currencies of both periods, beginning with the one of most orders: that is the shop's own."""

        def orders(currency: str) -> int:
            rows = (self.totals.get(currency), self.totals_before.get(currency))
            return sum(row.orders + row.cancelled_orders for row in rows if row)

        return sorted(self.totals.keys() | self.totals_before.keys(), key=lambda name: (-orders(name), name))


def read_figures(
    connection: duckdb.DuckDBPyConnection,
    period: Period,
    *,
    profile: Profile,
    today: date,
    is_working: bool,
) -> ReportFigures:
    """Read all figures of a period, and of the period of the same length before it.

    Args:
        connection: The database.
        period: The days of the report.
        profile: The shop, for its organisations and their limits.
        today: The shop's local day.
        is_working: Whether an exchange may be running. If not, exchanges logged as running were killed, and
            are shown as failed.
    """
    before = period_before(period)

    def days_missing(days: Period) -> list[date]:
        # A day that has not come cannot be missing.
        return [day for day in attention.days_not_loaded(connection, days) if day <= today]

    return ReportFigures(
        period=period,
        before=before,
        today=today,
        days_missing=days_missing(period),
        days_missing_before=days_missing(before),
        totals=sales.period_totals(connection, period),
        totals_before=sales.period_totals(connection, before),
        sums=period_sums(connection, period),
        never_booked=count_never_booked(connection, period),
        days=sales.sales_by_day(connection, period),
        days_before=sales.sales_by_day(connection, before),
        cancelled_days=sales.cancelled_by_day(connection, period),
        sources=sales.sales_by_source(connection, period),
        managers=sales.sales_by_manager(connection, period),
        stages=sales.sales_by_stage(connection, period),
        categories=sales.sales_by_category(connection, period),
        products=sales.sales_by_product(connection, period),
        discounts=sales.discounts(connection, period),
        delivery=sales.delivery(connection, period),
        payments=sales.payments(connection, period),
        has_organisations=bool(profile.organisations),
        paid=payments_by_account(connection, period),
        expenses=expenses_by_kind(connection, period),
        margins=sales.margins(connection, period) if profile.show_cost else [],
        source_money=money_by_source(connection, period),
        reconciliation=counts_by_kind(connection, period) if profile.reconciliation.is_used else [],
        undated=undated_payments(connection),
        year=_year_figures(connection, period, profile, today),
        due=receivables.due_ages(connection, today),
        oldest_due=receivables.oldest_due(connection, MOST_DUE_ORDERS),
        rounded=receivables.rounded_cash(connection),
        lost=sales.returns_and_cancellations(connection, period),
        buyer_sales=sales.repeat_buyers(connection, period),
        buyers=sales.buyers(connection, period),
        exchanges=[
            exchange
            if is_working or exchange.status != "running"
            else replace(exchange, status="failed", error=str(KILLED), error_coded=KILLED.dump())
            for exchange in attention.exchanges(connection, MOST_EXCHANGES)
        ],
        review_counts=attention.review_counts(connection),
        review=attention.review_items(connection, most=MOST_REVIEW_ROWS),
        rejected_count=attention.count_rejected(connection),
        rejected=attention.rejected_records(connection, MOST_REJECTED),
    )


def _year_figures(
    connection: duckdb.DuckDBPyConnection, period: Period, profile: Profile, today: date
) -> YearFigures | None:
    limits = {
        name: organisation.yearly_limit
        for name, organisation in profile.organisations.items()
        if organisation.yearly_limit is not None
    }
    if not limits:
        return None
    year = Period(date(period.last.year, 1, 1), period.last)
    return YearFigures(
        period=year,
        currency=profile.currency,
        limits=limits,
        received=payments_by_organisation(connection, year),
        days_missing=sum(day <= today for day in attention.days_not_loaded(connection, year)),
    )
