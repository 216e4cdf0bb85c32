"""The demo shop as a whole: its generated orders and the lists of the account.

This module finds orders by KeyCRM's filters without generating more of them than necessary, and has the lists
behind the reference routes. HTTP, includes and paging are in `api`; orders are generated in `days`,
`lifecycle` and `orders`.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Final, Literal

from keycrm_pipeline.sandbox import dictionaries
from keycrm_pipeline.sandbox.bank import LONGEST_WAY, transactions_of
from keycrm_pipeline.sandbox.catalogue import CATEGORIES, Catalogue
from keycrm_pipeline.sandbox.days import LONGEST_DELAY, LONGEST_LEAD, ShopCalendar
from keycrm_pipeline.sandbox.lifecycle import (
    CLOSING_GROUPS,
    GROUP_OF_STATUS,
    LONGEST_LIFECYCLE,
    Lifecycle,
    draw_lifecycle,
)
from keycrm_pipeline.sandbox.orders import Facts, OrderBook
from keycrm_pipeline.sandbox.payloads import Payload, timestamp
from keycrm_pipeline.sandbox.people import People

DEFAULT_SEED: Final = 20230101
"""The seed of the default demo shop; another seed gives another shop."""

ListName = Literal[
    "statuses", "sources", "tags", "delivery_services", "payment_methods", "expense_types",
    "product_statuses", "managers", "companies", "custom_fields", "external_transactions", "categories", "products",
    "offers",
]  # fmt: skip
"""The lists of the account."""

CreatedBetween = Literal["created_at", "ordered_at"]
"""The date that `created_between` filters by: what is seen in live accounts is for `created_at`, KeyCRM's
documentation for `ordered_at`."""

Window = tuple[datetime, datetime]
"""A time range, UTC, both ends included."""


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


def read_moment(value: object) -> datetime | None:
    """A date of a record or a filter in UTC; a bare date is its midnight; None for anything that is not a date."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What `/order` can be filtered by; None means any value.

    Attributes:
        created: Range of the date that the shop's `created_between` filters by.
        updated: Range of `updated_at`.
        shipped: Range of the day the parcel was handed over.
        status_ids: Any of these.
        source_id: The source.
        source_uuid: The exact number at the source.
        payment_statuses: Any of these.
        buyer_phones: Any number of the buyer's card, spelled exactly as there, or its digits without the plus sign.
        buyer_emails: Any of these, spelled exactly as in the buyer's record.
        has_tracking_code: True for only orders with a waybill.
    """

    created: Window | None = None
    updated: Window | None = None
    shipped: Window | None = None
    status_ids: frozenset[int] | None = None
    source_id: int | None = None
    source_uuid: str | None = None
    payment_statuses: frozenset[str] | None = None
    buyer_phones: frozenset[str] | None = None
    buyer_emails: frozenset[str] | None = None
    has_tracking_code: bool = False

    @property
    def filters_by_created_only(self) -> bool:
        """Whether the days alone give the result, without looking at the state of the orders."""
        return self == OrderFilter(created=self.created)

    def matches(self, facts: Facts, created_between: CreatedBetween) -> bool:
        """Whether an order passes the filter.

        An order whose date is unreadable goes by its other date, and without one it always passes `created`:
        otherwise it could never be listed.

        Args:
            facts: The order.
            created_between: The date that `created` is a range of.
        """
        dated = facts.ordered_at or facts.created_at
        if created_between == "created_at":
            dated = facts.created_at or facts.ordered_at
        return (
            (dated is None or _within(dated, self.created))
            and _within(facts.updated_at, self.updated)
            and _within(facts.shipped_on, self.shipped)
            and (self.status_ids is None or facts.status_id in self.status_ids)
            and (self.source_id is None or facts.source_id == self.source_id)
            and (self.source_uuid is None or facts.source_uuid == self.source_uuid)
            and (self.payment_statuses is None or facts.payment_status in self.payment_statuses)
            and (self.buyer_phones is None or has_number(facts.buyer_phones, self.buyer_phones))
            and (self.buyer_emails is None or facts.buyer_email in self.buyer_emails)
            and (facts.has_tracking_code or not self.has_tracking_code)
        )


EVERY_ORDER: Final = OrderFilter()


def has_number(phones: Iterable[str | None], wanted: frozenset[str]) -> bool:
    """Whether one of a card's phones is one of the wanted ones, as it is spelled or by its digits."""
    return any(phone in wanted or "".join(filter(str.isdigit, phone)) in wanted for phone in phones if phone)


def _within(moment: datetime | None, window: Window | None) -> bool:
    return window is None or (moment is not None and window[0] <= moment <= window[1])


class Selection:
    """The ids of the orders found by a filter, in ascending order, stored as one run of ids per day.

    A page is found by bisecting the cumulative counts of the days, so listing a year never copies all its ids.
    """

    def __init__(self, runs: Sequence[Sequence[int]]) -> None:
        self._runs = [run for run in runs if run]
        self._ends = list(accumulate(map(len, self._runs)))

    def __len__(self) -> int:
        """The number of orders found."""
        return self._ends[-1] if self._ends else 0

    def ids(self, start: int, stop: int) -> list[int]:
        """The ids at positions `start` to `stop - 1`, counted from 0; fewer at the end."""
        stop = min(stop, len(self))
        found: list[int] = []
        place = bisect_right(self._ends, start)
        while start < stop:
            before = self._ends[place - 1] if place else 0
            found += self._runs[place][start - before : stop - before]
            start = self._ends[place]
            place += 1
        return found

    def newest_first(self, start: int, stop: int) -> list[int]:
        """The same as `ids`, with the highest id at position 0."""
        total = len(self)
        return self.ids(max(0, total - stop), max(0, total - start))[::-1]


ORDERS_PER_DAY = 40
"""Orders of the demo shop on a usual day."""


class Shop:
    """A shop with orders on every day since it opened, up to now.

    The orders of a day depend only on the seed and the date; their state depends on their age at `now`. All
    methods may be called from any thread.

    Args:
        now: The clock, by default the real one. It must return timezone-aware moments.
        seed: The seed of the shop.
        orders_per_day: Orders on a usual day, with more before New Year and fewer on Sundays; 0 for none.
        first_day: The local day (Kyiv) the shop opened.
        created_between: The date that the filter of that name goes by.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = utc_now,
        seed: int = DEFAULT_SEED,
        orders_per_day: int = ORDERS_PER_DAY,
        first_day: date = date(2023, 1, 1),
        created_between: CreatedBetween = "created_at",
    ) -> None:
        self.now = now
        self.created_between: CreatedBetween = created_between
        self._has_generated_orders = orders_per_day > 0
        self._seed = seed
        self._calendar = ShopCalendar(seed, first_day, orders_per_day)
        self._people = People(seed, first_day, max(1, orders_per_day * 3 // 8))
        catalogue = Catalogue(seed)
        self._book = OrderBook(seed, catalogue, self._people)
        # About a year: a listing by date of change uses these days again and again.
        self._lifecycles = lru_cache(maxsize=400)(self._make_lifecycles)
        self._transactions = lru_cache(maxsize=400)(self._make_transactions)
        self._lists: dict[ListName, dict[int, Payload]] = {
            name: {record["id"]: record for record in records} for name, records in _ACCOUNT_LISTS.items()
        }
        self._lists["products"] = catalogue.products
        self._lists["offers"] = catalogue.offers

    def records(self, order_ids: Iterable[int]) -> list[Payload]:
        """The orders with every include as they are now, without ids that do not exist.

        The records share their parts with the shop and must not be changed.
        """
        now = self.now()
        return [self._record(order_id, now) for order_id in order_ids if self._exists(order_id, now)]

    def select(self, wanted: OrderFilter = EVERY_ORDER) -> Selection:
        """The orders that exist now and pass a filter."""
        return Selection(list(self._runs(wanted, self.now()).values()))

    def _runs(self, wanted: OrderFilter, now: datetime) -> dict[int, Sequence[int]]:
        """Number of the day -> the ids of its orders that pass the filter, in ascending order of both."""
        return {
            number: self._generated_matches(number, wanted, now) for number in self._day_numbers(wanted, now)
        }

    def _day_numbers(self, wanted: OrderFilter, now: datetime) -> range:
        """The days whose orders can pass the filter."""
        if not self._has_generated_orders:
            return range(0)
        first, last = 0, self._calendar.number_of(now)
        if wanted.created is not None:
            # A date far in the future, used for "until now", must not overflow the calendar.
            begin, end = map(self._calendar.number_of, (wanted.created[0], min(wanted.created[1], now)))
            if self.created_between == "ordered_at":
                # One day more, because of the two on which the clocks change.
                begin -= LONGEST_LEAD.days + 1
                end += LONGEST_DELAY.days + 1
            first, last = max(first, begin), min(last, end)
        for window in (wanted.updated, wanted.shipped):
            if window is not None:
                reach = max(0, self._calendar.number_of(window[0]) - LONGEST_LIFECYCLE.days)
                first = max(first, reach)
                last = min(last, self._calendar.number_of(window[1]))
        if wanted.status_ids is not None and not any(
            GROUP_OF_STATUS.get(status_id) in CLOSING_GROUPS for status_id in wanted.status_ids
        ):
            # Older orders are completed or cancelled, whatever their scenario.
            first = max(first, self._calendar.number_of(now - LONGEST_LIFECYCLE))
        return range(first, last + 1)

    def _generated_matches(self, number: int, wanted: OrderFilter, now: datetime) -> Sequence[int]:
        """The ids of one day's generated orders that exist now and pass the filter."""
        day = self._calendar.day(number)
        if not day.ids or day.earliest is None or day.latest is None:
            return ()
        count = len(day.ids) if day.created_at[-1] <= now else bisect_right(day.created_at, now)
        if not wanted.filters_by_created_only:
            return [
                lifecycle.order_id
                for lifecycle in self._lifecycles(number)[:count]
                if wanted.matches(self._book.facts(lifecycle, now), self.created_between)
            ]
        dates, earliest, latest = day.business_at, day.earliest, day.latest
        if self.created_between == "created_at":
            dates, earliest, latest = day.created_at, day.created_at[0], day.created_at[-1]
        if wanted.created is None or (wanted.created[0] <= earliest and latest <= wanted.created[1]):
            return day.ids if count == len(day.ids) else day.ids[:count]
        return [
            order_id
            for order_id, moment in zip(day.ids[:count], dates, strict=False)
            if _within(moment, wanted.created)
        ]

    def _make_lifecycles(self, number: int) -> tuple[Lifecycle, ...]:
        day = self._calendar.day(number)
        return tuple(
            draw_lifecycle(self._seed, self._people, order_id, number, created_at, ordered_at)
            for order_id, created_at, ordered_at in zip(day.ids, day.created_at, day.ordered_at, strict=True)
        )

    def _generated_lifecycle(self, order_id: int) -> Lifecycle | None:
        """The lifecycle of a generated order, whether the order exists yet or not."""
        number = self._calendar.number_of_id(order_id)
        if not self._has_generated_orders or order_id < 1:
            return None
        ids = self._calendar.day(number).ids
        place = bisect_right(ids, order_id) - 1
        return self._lifecycles(number)[place] if place >= 0 and ids[place] == order_id else None

    def _exists(self, order_id: int, now: datetime) -> bool:
        # Ids beyond today's block are never generated: their days may lie past the end of the calendar.
        if self._calendar.number_of_id(order_id) > self._calendar.number_of(now):
            return False
        lifecycle = self._generated_lifecycle(order_id)
        return lifecycle is not None and lifecycle.created_at <= now

    def _record(self, order_id: int, now: datetime) -> Payload:
        lifecycle = self._generated_lifecycle(order_id)
        if lifecycle is None:
            raise LookupError(f"the shop has no order {order_id}")
        return self._book.record(lifecycle, now)

    def records_of(self, name: ListName) -> list[Payload]:
        """A list of the account in order of id, including records that KeyCRM no longer lists."""
        records = self._lists[name]
        return [records[record_id] for record_id in sorted(records)]

    def external_transactions(self, created: Window | None) -> list[Payload]:
        """The bank transactions in order of id: at least those that were created in a range."""
        now = self.now()
        listed = {record["id"]: record for record in self.records_of("external_transactions")}
        wanted = OrderFilter(
            created=None if created is None else (created[0] - LONGEST_LIFECYCLE - LONGEST_WAY, created[1])
        )
        moment = timestamp(now)
        for number in self._day_numbers(wanted, now):
            listed |= {row["id"]: row for row in self._transactions(number) if row["created_at"] <= moment}
        return [listed[transaction_id] for transaction_id in sorted(listed)]

    def _make_transactions(self, number: int) -> tuple[Payload, ...]:
        """All that will ever come for the generated orders of a day: what is changed by hand may have any shape."""
        orders = (
            self._book.record(lifecycle, lifecycle.created_at + LONGEST_LIFECYCLE)
            for lifecycle in self._lifecycles(number)
        )
        return tuple(row for order in orders for row in transactions_of(order))

    def buyer_ids(self) -> Sequence[Sequence[int]]:
        """The ids of all buyers now, as ascending runs."""
        if not self._has_generated_orders:
            return []
        return self._people.ids(self._calendar.number_of(self.now()))

    def buyer(self, buyer_id: int) -> Payload | None:
        """A buyer as it appears in an order, or None if there is no such buyer."""
        exists = any(buyer_id in run for run in self.buyer_ids())
        return self._people.buyer(buyer_id) if exists else None

    def other_phones(self, buyer_id: int) -> tuple[str, ...]:
        """The phones of a buyer's card besides the one that orders show."""
        return self._people.other_phones(buyer_id) if self._has_generated_orders else ()


_ACCOUNT_LISTS: Final[dict[ListName, tuple[Payload, ...]]] = {
    "statuses": dictionaries.STATUSES,
    "sources": dictionaries.SOURCES,
    "tags": dictionaries.TAGS,
    "delivery_services": dictionaries.DELIVERY_SERVICES,
    "payment_methods": dictionaries.PAYMENT_METHODS,
    "expense_types": dictionaries.EXPENSE_TYPES,
    "product_statuses": dictionaries.PRODUCT_STATUSES,
    "managers": dictionaries.MANAGERS,
    "companies": dictionaries.COMPANIES,
    "custom_fields": dictionaries.CUSTOM_FIELDS,
    "external_transactions": (),
    "categories": CATEGORIES,
}
