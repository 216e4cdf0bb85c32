"""What the syncs between loads read: open orders, absent ids, known products, stored days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter

import duckdb
import polars as pl

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse.frames import registered
from keycrm_pipeline.warehouse.ranges import ranges_of_days
from keycrm_pipeline.warehouse.statements import statement


@dataclass(frozen=True)
class OpenOrder:
    """A stored order that is still open."""

    order_id: int
    status_id: int
    ordered_at: datetime
    created_at: datetime | None

    @property
    def dates(self) -> list[datetime]:
        """Both its dates, or the only one."""
        return [self.ordered_at] if self.created_at is None else [self.ordered_at, self.created_at]


def open_orders(connection: duckdb.DuckDBPyConnection, closing_groups: Sequence[int]) -> list[OpenOrder]:
    """Stored orders whose status is in none of the closing groups, oldest first."""
    return [
        OpenOrder(*row)
        for row in connection.execute(
            statement("syncs", "open_orders"), {"closing_groups": list(closing_groups)}
        ).fetchall()
    ]


@dataclass(frozen=True)
class ListedOrders:
    """The list of all orders of the account, by columns.

    Attributes:
        order_ids: KeyCRM's ids.
        order_days: The local day of each (R1); None when it has no readable date.
        created_days: The local day on which each was created; None when unreadable.
    """

    order_ids: list[int]
    order_days: list[date | None]
    created_days: list[date | None]


@dataclass(frozen=True)
class UnseenOrder:
    """An order that KeyCRM lists for a loaded day and that no load has returned (R1)."""

    order_id: int
    order_day: date | None
    created_day: date | None


@dataclass(frozen=True)
class ListComparison:
    """How the list of all orders differs from what is stored.

    Attributes:
        absent: Stored orders, not marked as missing, that the list does not have.
        returned: Orders marked as missing that the list has again.
        unseen: Listed orders of loaded days, or of no readable day, that were never stored.
    """

    absent: list[int]
    returned: list[int]
    unseen: list[UnseenOrder]


def compare_with_list(
    connection: duckdb.DuckDBPyConnection, listed: ListedOrders, *, start_date: date
) -> ListComparison:
    """Compares the list of all orders with what is stored; days before `start_date` are not expected to be."""
    frame = pl.DataFrame(
        {
            "order_id": listed.order_ids,
            "order_day": listed.order_days,
            "created_day": listed.created_days,
        },
        schema={"order_id": pl.Int64, "order_day": pl.Date, "created_day": pl.Date},
    ).unique("order_id", keep="last")
    with registered(connection, "seen_frame", frame):
        absent = connection.execute(statement("syncs", "absent_orders")).fetchall()
        returned = connection.execute(statement("syncs", "returned_orders")).fetchall()
        unseen = connection.execute(
            statement("syncs", "unseen_orders"), {"start_date": start_date}
        ).fetchall()
    return ListComparison(
        absent=[row[0] for row in absent],
        returned=[row[0] for row in returned],
        unseen=[UnseenOrder(*row) for row in unseen],
    )


def adopt_unfinished(connection: duckdb.DuckDBPyConnection, exchange_id: int) -> None:
    """Assigns to this exchange what failed exchanges stored but did not derive, so that it is derived now.

    A payload that is already stored looks unchanged when it is fetched again: without this, an exchange that died
    between storing and deriving would leave its orders out of the books until they change once more.
    """
    for name in ("adopt_payloads", "adopt_rows"):
        connection.execute(statement("syncs", name), {"exchange_id": exchange_id})


def first_watermark(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    """The newest updated_at stored that is not after the first exchange began; None when nothing was loaded."""
    row = connection.execute(statement("syncs", "first_watermark")).fetchone()
    return row[0] if row else None


def known_product_ids(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Products of KeyCRM's catalogue that occur in orders."""
    return [row[0] for row in connection.execute(statement("syncs", "known_product_ids")).fetchall()]


def refile_orders(
    connection: duckdb.DuckDBPyConnection,
    timezone: str,
    day_of: Callable[[str | None, str | None], date | None],
) -> None:
    """Files every stored payload under its local day again: the profile's time zone may have been changed (R1).

    Args:
        connection: The open file.
        timezone: Name of the profile's time zone.
        day_of: The day of an order by the texts of its `ordered_at` and `created_at`.
    """
    connection.execute(statement("syncs", "refile_orders"), {"timezone": timezone})
    for order_id, order_day, *dates in connection.execute(
        statement("syncs", "dates_without_rows")
    ).fetchall():
        day = day_of(*dates)
        if day is not None and day != order_day:
            connection.execute(statement("syncs", "refile_order"), {"order_id": order_id, "order_day": day})


def derived_ranges(connection: duckdb.DuckDBPyConnection, most_orders: int) -> list[Period]:
    """Ranges of days that cover the payloads of all loaded days, and of others with orders that were validated.

    Each has at most `most_orders` unless one day is larger.
    """
    stored = connection.execute(statement("syncs", "raw_days")).fetchall()
    return [
        period
        for is_derived, days in groupby(stored, key=itemgetter(1))
        if is_derived
        for period in ranges_of_days([(day, count) for day, _, count in days], most_orders)
    ]
