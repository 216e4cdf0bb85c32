"""The orders of a period added up under the words that every text uses for them.

Sales («Продажі») are the orders that are not cancelled, cancelled («Скасовано») the others, and both together all
orders («Разом замовлень»). An export of the period contains the exported ones («Вивантажено») and holds back the rest
(«Не вивантажено»), cancelled or not. This is an export of all organisations and stages in a format that takes every
currency.
What is not here: what the sales consist of (`sales`), and the exported documents themselves (`export`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from keycrm_pipeline.kinds import CANCELLED_GROUP
from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.statements import period_parameters, single_row, statement, typed_rows

if TYPE_CHECKING:
    import duckdb

HELD_BACK_CAUSES = (
    "rejected",
    "difference",
    "missing_in_crm",
    "incomplete",
    "currency",
    "stage",
    "unpaid",
    "no_receipt",
    "organisation",
    "unchanged",
)
"""Why an export does not contain an order, in the order in which a user would fix them; the first one counts. Those
from `currency` on depend on what the export was asked for."""


class OrderSum(NamedTuple):
    """A number of orders, and the sum of their grand totals in their currency."""

    orders: int = 0
    amount: Decimal = Decimal("0.00")

    def plus(self, other: OrderSum) -> OrderSum:
        """Both together."""
        return OrderSum(self.orders + other.orders, self.amount + other.amount)


@dataclass(frozen=True)
class PeriodSums:
    """The booked orders of a period in one currency: sales and cancelled, or exported and held back, are all of them.

    Attributes:
        currency: The currency of all amounts.
        sales: Orders that are not cancelled.
        cancelled: Orders whose status is in group 6 (Скасовано).
        exported: Orders that an export of the period contains.
        held_back: Cause -> orders that it holds back, in the order of `HELD_BACK_CAUSES`.
    """

    currency: str
    sales: OrderSum
    cancelled: OrderSum
    exported: OrderSum
    held_back: Mapping[str, OrderSum]

    @property
    def all_orders(self) -> OrderSum:
        """Sales and cancelled orders together."""
        return self.sales.plus(self.cancelled)

    @property
    def all_held_back(self) -> OrderSum:
        """What an export holds back, for any cause."""
        return _added(self.held_back.values())


@dataclass(frozen=True)
class _Row:
    currency: str
    is_cancelled: bool
    cause: str | None
    orders: int
    amount: Decimal


def period_sums(connection: duckdb.DuckDBPyConnection, period: Period) -> dict[str, PeriodSums]:
    """Currency -> the sums of the period's booked orders; currencies without orders are left out.

    Args:
        connection: An open connection; reading is enough.
        period: The local days.
    """
    choose_documents(connection, period, EVERYTHING)
    return sums_of_chosen(connection)


def sums_of_chosen(connection: duckdb.DuckDBPyConnection) -> dict[str, PeriodSums]:
    """Currency -> the sums of the orders that `choose_orders` has chosen."""
    found = connection.execute(statement("sums", "period_sums"), {"cancelled_group": CANCELLED_GROUP})
    by_currency: dict[str, list[_Row]] = {}
    for row in typed_rows(_Row, found):
        by_currency.setdefault(row.currency, []).append(row)
    return {
        currency: PeriodSums(
            currency,
            sales=_of(row for row in rows if not row.is_cancelled),
            cancelled=_of(row for row in rows if row.is_cancelled),
            exported=_of(row for row in rows if row.cause is None),
            held_back={
                cause: _of(row for row in rows if row.cause == cause)
                for cause in HELD_BACK_CAUSES
                if any(row.cause == cause for row in rows)
            },
        )
        for currency, rows in by_currency.items()
    }


def _of(rows: Iterable[_Row]) -> OrderSum:
    return _added(OrderSum(row.orders, row.amount) for row in rows)


def _added(sums: Iterable[OrderSum]) -> OrderSum:
    total = OrderSum()
    for one in sums:
        total = total.plus(one)
    return total


def count_never_booked(connection: duckdb.DuckDBPyConnection, period: Period) -> int:
    """How many rejected records of the period are no order of the books: an export cannot contain them either."""
    (records,) = single_row(connection.execute(statement("sums", "never_booked"), period_parameters(period)))
    return int(records)
