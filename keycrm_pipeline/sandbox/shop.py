"""The demo shop as a whole: its generated orders and the changes made by hand.

This module finds orders by KeyCRM's filters without generating more of them than necessary, keeps the changes
made by tests and users (added, replaced and deleted orders, catalogue and dictionaries), and has the lists
behind the reference routes. HTTP, includes and paging are in `api`; orders are generated in `days`,
`lifecycle` and `orders`.
"""

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import accumulate
from typing import Any, Final, Literal

from keycrm_pipeline.sandbox import dictionaries
from keycrm_pipeline.sandbox.catalogue import CATEGORIES, Catalogue
from keycrm_pipeline.sandbox.days import LONGEST_DELAY, ShopCalendar
from keycrm_pipeline.sandbox.lifecycle import (
    CLOSING_GROUPS,
    GROUP_OF_STATUS,
    LONGEST_LIFECYCLE,
    Lifecycle,
    draw_lifecycle,
)
from keycrm_pipeline.sandbox.orders import Facts, OrderBook
from keycrm_pipeline.sandbox.payloads import Payload, product_payload, timestamp
from keycrm_pipeline.sandbox.people import People

DEFAULT_SEED: Final = 20230101
"""The seed of the default demo shop; another seed gives another shop."""

ListName = Literal[
    "statuses", "sources", "tags", "delivery_services", "payment_methods", "expense_types",
    "product_statuses", "managers", "companies", "custom_fields", "categories", "products", "offers",
]  # fmt: skip
"""The lists of the account that can be read and changed."""

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
        created: Range of `ordered_at`, or of `created_at` if that is null, like KeyCRM's `created_between`.
        updated: Range of `updated_at`.
        shipped: Range of the day the parcel was handed over.
        status_id: The status.
        source_id: The source.
        source_uuid: The exact number at the source.
        payment_statuses: Any of these.
        buyer_phones: Any of these, spelled exactly as in the buyer's record.
        buyer_emails: Any of these, spelled exactly as in the buyer's record.
        has_tracking_code: True for only orders with a waybill.
    """

    created: Window | None = None
    updated: Window | None = None
    shipped: Window | None = None
    status_id: int | None = None
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

    def matches(self, facts: Facts) -> bool:
        """Whether an order passes the filter.

        An order without a readable date always passes `created`: otherwise it could never be listed.
        """
        dated = facts.ordered_at or facts.created_at
        return (
            (dated is None or _within(dated, self.created))
            and _within(facts.updated_at, self.updated)
            and _within(facts.shipped_on, self.shipped)
            and (self.status_id is None or facts.status_id == self.status_id)
            and (self.source_id is None or facts.source_id == self.source_id)
            and (self.source_uuid is None or facts.source_uuid == self.source_uuid)
            and (self.payment_statuses is None or facts.payment_status in self.payment_statuses)
            and (self.buyer_phones is None or facts.buyer_phone in self.buyer_phones)
            and (self.buyer_emails is None or facts.buyer_email in self.buyer_emails)
            and (facts.has_tracking_code or not self.has_tracking_code)
        )


EVERY_ORDER: Final = OrderFilter()


def _within(moment: datetime | None, window: Window | None) -> bool:
    return window is None or (moment is not None and window[0] <= moment <= window[1])


class Selection:
    """The ids of the orders found by a filter, in ascending order, stored as one run of ids per day.

    A page is found by bisecting the cumulative counts of the days, so listing a year never copies all its ids.

    Args:
        runs: Ascending ids, day after day.
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


@dataclass(frozen=True, slots=True)
class _ChangedOrder:
    """An order that was set by hand: its record, which no longer changes, and what filters look at."""

    record: Payload
    facts: Facts


ORDERS_PER_DAY = 40
"""Orders of the demo shop on a usual day."""


class Shop:
    """A shop with orders on every day since it opened, up to now.

    The orders of a day depend only on the seed and the date; their state depends on their age at `now`. Orders
    that are added, replaced or deleted by hand take precedence. All methods may be called from any thread.

    Args:
        now: The clock, by default the real one. It must return timezone-aware moments.
        seed: The seed of the shop.
        orders_per_day: Orders on a usual day, with more before New Year and fewer on Sundays; 0 for none.
        first_day: The local day (Kyiv) the shop opened.
        has_products: Whether the catalogue contains the 300 products.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = utc_now,
        seed: int = DEFAULT_SEED,
        orders_per_day: int = ORDERS_PER_DAY,
        first_day: date = date(2023, 1, 1),
        *,
        has_products: bool = True,
    ) -> None:
        self.now = now
        self._has_generated_orders = orders_per_day > 0
        self._seed = seed
        self._calendar = ShopCalendar(seed, first_day, orders_per_day)
        self._people = People(seed, first_day, max(1, orders_per_day * 3 // 8))
        catalogue = Catalogue(seed)
        self._book = OrderBook(seed, catalogue, self._people)
        # About a year: a listing by date of change uses these days again and again.
        self._lifecycles = lru_cache(maxsize=400)(self._make_lifecycles)
        self._lock = threading.RLock()
        self._changed: dict[int, _ChangedOrder | None] = {}
        self._changed_by_day: dict[int, set[int]] = {}
        self._changed_buyers: dict[int, Payload | None] = {}
        self._lists: dict[ListName, dict[int, Payload]] = {
            name: {record["id"]: record for record in records} for name, records in _ACCOUNT_LISTS.items()
        }
        self._lists["products"] = dict(catalogue.products) if has_products else {}
        self._lists["offers"] = dict(catalogue.offers) if has_products else {}

    @classmethod
    def empty(cls, now: Callable[[], datetime] = utc_now, *, has_products: bool = False) -> "Shop":
        """A shop without orders and, by default, without products, for a test to fill.

        Statuses, sources, managers, payment methods, delivery services and categories are those of the demo
        shop.

        Args:
            now: The clock.
            has_products: Whether the demo shop's products are there.
        """
        return cls(now, orders_per_day=0, has_products=has_products)

    # -- reading orders ----------------------------------------------------------------------------

    def order(self, order_id: int) -> Payload | None:
        """A copy of the order with every include as it is now; None if there is no such order."""
        found = self.records([order_id])
        return deepcopy(found[0]) if found else None

    def records(self, order_ids: Iterable[int]) -> list[Payload]:
        """The orders with every include as they are now, without ids that do not exist.

        The records share their parts with the shop and must not be changed; `order` returns a copy.
        """
        now = self.now()
        with self._lock:
            return [self._record(order_id, now) for order_id in order_ids if self._exists(order_id, now)]

    def select(self, wanted: OrderFilter = EVERY_ORDER) -> Selection:
        """The orders that exist now and pass a filter."""
        now = self.now()
        with self._lock:
            runs = {
                number: self._generated_matches(number, wanted, now)
                for number in self._day_numbers(wanted, now)
            }
            for number, order_ids in self._changed_by_day.items():
                kept = [order_id for order_id in runs.get(number, ()) if order_id not in order_ids]
                added = [
                    order_id
                    for order_id in order_ids
                    if (change := self._changed[order_id]) is not None and wanted.matches(change.facts)
                ]
                runs[number] = sorted(kept + added)
            return Selection([runs[number] for number in sorted(runs)])

    def _day_numbers(self, wanted: OrderFilter, now: datetime) -> range:
        """The days whose orders can pass the filter."""
        if not self._has_generated_orders:
            return range(0)
        first, last = 0, self._calendar.number_of(now)
        if wanted.created is not None:
            first = max(first, self._calendar.number_of(wanted.created[0]))
            # A date far in the future, used for "until now", must not overflow the calendar.
            last = min(last, self._calendar.number_of(min(wanted.created[1], now) + LONGEST_DELAY))
        for window in (wanted.updated, wanted.shipped):
            if window is not None:
                reach = max(0, self._calendar.number_of(window[0]) - LONGEST_LIFECYCLE.days)
                first = max(first, reach)
                last = min(last, self._calendar.number_of(window[1]))
        if wanted.status_id is not None and GROUP_OF_STATUS.get(wanted.status_id) not in CLOSING_GROUPS:
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
                if wanted.matches(self._book.facts(lifecycle, now))
            ]
        if wanted.created is None or (wanted.created[0] <= day.earliest and day.latest <= wanted.created[1]):
            return day.ids if count == len(day.ids) else day.ids[:count]
        return [
            order_id
            for order_id, moment in zip(day.ids[:count], day.sorting_at, strict=False)
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
        with self._lock:
            if order_id in self._changed:
                return self._changed[order_id] is not None
        # Ids beyond today's block are never generated: their days may lie past the end of the calendar.
        if self._calendar.number_of_id(order_id) > self._calendar.number_of(now):
            return False
        lifecycle = self._generated_lifecycle(order_id)
        return lifecycle is not None and lifecycle.created_at <= now

    def _record(self, order_id: int, now: datetime) -> Payload:
        change = self._changed.get(order_id)
        if change is not None:
            return change.record
        lifecycle = self._generated_lifecycle(order_id)
        if lifecycle is None:
            raise LookupError(f"the shop has no order {order_id}")
        record = self._book.record(lifecycle, now)
        # A status that was renamed by hand has its new name in the orders as well.
        record["status"] = self._lists["statuses"].get(record["status_id"], record["status"])
        return record

    # -- changing orders ---------------------------------------------------------------------------

    def add_order(self, payload: Mapping[str, Any], order_id: int | None = None) -> int:
        """Add an order, or replace the one with the same id.

        Args:
            payload: The whole order with every include; see `payloads.order_payload`. It need not be valid.
            order_id: The id to store it under, for a payload whose own `id` is missing or not an integer.

        Returns:
            The id it is stored under. It exists from now on, whatever its dates, and no longer changes.

        Raises:
            ValueError: The payload's `id` is not an integer and `order_id` was not given.
        """
        record = deepcopy(dict(payload))
        stored_id = record.get("id") if order_id is None else order_id
        if not isinstance(stored_id, int):
            raise ValueError("the order's id is not an integer: pass order_id")  # noqa: TRY004 - bad input
        with self._lock:
            self._put(stored_id, _ChangedOrder(record, _facts_of(stored_id, record)))
            buyer = record.get("buyer")
            if isinstance(buyer, Mapping) and isinstance(buyer.get("id"), int):
                self._changed_buyers[buyer["id"]] = dict(buyer)
        return stored_id

    def replace_order(self, order_id: int, changes: Mapping[str, Any]) -> Payload:
        """Change keys of an order and set its `updated_at` to now.

        A new `status_id` also sets `status`, `status_group_id` and `status_changed_at` unless they are given;
        sums are not recomputed. To change an order without a new `updated_at`, pass the old value.

        Args:
            order_id: The order.
            changes: Keys with their new values.

        Returns:
            A copy of the changed order. It no longer changes by itself.

        Raises:
            LookupError: There is no such order now.
        """
        with self._lock:
            record = self.order(order_id)
            if record is None:
                raise LookupError(f"the shop has no order {order_id}: nothing was changed")
            moment = timestamp(self.now())
            followed: Payload = {"updated_at": moment}
            status = self._lists["statuses"].get(changes.get("status_id", 0))
            if status is not None:
                followed.update(status=status, status_group_id=status["group_id"], status_changed_at=moment)
            self.add_order({**record, **followed, **changes}, order_id)
            return deepcopy({**record, **followed, **changes})

    def delete_order(self, order_id: int) -> bool:
        """Delete an order without a trace, as KeyCRM does.

        Returns:
            Whether it existed.
        """
        with self._lock:
            existed = self._exists(order_id, self.now())
            self._put(order_id, None)
            return existed

    def _put(self, order_id: int, change: _ChangedOrder | None) -> None:
        self._changed[order_id] = change
        self._changed_by_day.setdefault(self._calendar.number_of_id(order_id), set()).add(order_id)

    # -- lists of the account ----------------------------------------------------------------------

    def records_of(self, name: ListName) -> list[Payload]:
        """A list of the account in order of id, including records that KeyCRM no longer lists."""
        with self._lock:
            records = self._lists[name]
            return [records[record_id] for record_id in sorted(records)]

    def add_record(self, name: ListName, payload: Mapping[str, Any]) -> int:
        """Add a record to a list of the account, or replace the one with the same id.

        Returns:
            Its id.
        """
        with self._lock:
            self._lists[name][payload["id"]] = deepcopy(dict(payload))
        return int(payload["id"])

    def remove_record(self, name: ListName, record_id: int) -> bool:
        """Remove a record from a list of the account; orders that contain it keep it.

        Returns:
            Whether it existed.
        """
        with self._lock:
            return self._lists[name].pop(record_id, None) is not None

    def add_product(self, payload: Mapping[str, Any], offers: Iterable[Mapping[str, Any]] = ()) -> int:
        """Add a product and its offers to the catalogue.

        Args:
            payload: The product; see `payloads.product_payload`. With variants (`has_offers`) it loses the
                keys of plain products.
            offers: Its variants, or the one offer of a plain product; see `payloads.offer_payload`.

        Returns:
            The product's id.
        """
        product = product_payload(payload["id"], payload["name"], **_without(payload, "id", "name"))
        for offer in offers:
            self.add_offer({**offer, "product_id": product["id"]})
        return self.add_record("products", product)

    def remove_product(self, product_id: int) -> bool:
        """Delete a product and its offers; returns whether it existed."""
        with self._lock:
            offers = self._lists["offers"]
            for offer_id in [key for key, offer in offers.items() if offer["product_id"] == product_id]:
                del offers[offer_id]
            return self.remove_record("products", product_id)

    def add_offer(self, payload: Mapping[str, Any]) -> int:
        """Add or replace an offer; returns its id."""
        return self.add_record("offers", payload)

    def add_category(self, payload: Mapping[str, Any]) -> int:
        """Add or replace a category; returns its id."""
        return self.add_record("categories", payload)

    def add_status(self, payload: Mapping[str, Any]) -> int:
        """Add a status, or replace and so rename one; returns its id."""
        return self.add_record("statuses", payload)

    def add_source(self, payload: Mapping[str, Any]) -> int:
        """Add a source, or replace and so rename one; returns its id."""
        return self.add_record("sources", payload)

    # -- buyers ------------------------------------------------------------------------------------

    def buyer_ids(self) -> list[range | list[int]]:
        """The ids of all buyers now, as ascending runs."""
        runs: list[range | list[int]] = []
        if self._has_generated_orders:
            runs += self._people.ids(self._calendar.number_of(self.now()))
        with self._lock:
            removed = {buyer_id for buyer_id, buyer in self._changed_buyers.items() if buyer is None}
            added = [
                key for key in self._changed_buyers.keys() - removed if not any(key in run for run in runs)
            ]
        if removed:
            runs = [[buyer_id for buyer_id in run if buyer_id not in removed] for run in runs]
        return [*runs, sorted(added)] if added else runs

    def buyer(self, buyer_id: int) -> Payload | None:
        """A buyer as it appears in an order, or None if there is no such buyer."""
        with self._lock:
            if buyer_id in self._changed_buyers:
                return self._changed_buyers[buyer_id]
        if not self._has_generated_orders:
            return None
        runs = self._people.ids(self._calendar.number_of(self.now()))
        return self._people.buyer(buyer_id) if any(buyer_id in run for run in runs) else None

    def remove_buyer(self, buyer_id: int) -> None:
        """Delete a buyer's record, as merging two buyers does with one of them; orders keep the buyer."""
        with self._lock:
            self._changed_buyers[buyer_id] = None


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
    "categories": CATEGORIES,
}


def _without(payload: Mapping[str, Any], *keys: str) -> Payload:
    return {key: value for key, value in payload.items() if key not in keys}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _facts_of(order_id: int, record: Mapping[str, Any]) -> Facts:
    """What filters look at in an order that was set by hand, however broken it is."""
    buyer = record.get("buyer")
    buyer = buyer if isinstance(buyer, Mapping) else {}
    shipping = record.get("shipping")
    shipping = shipping if isinstance(shipping, Mapping) else {}
    return Facts(
        order_id=order_id,
        ordered_at=read_moment(record.get("ordered_at")),
        created_at=read_moment(record.get("created_at")),
        updated_at=read_moment(record.get("updated_at")),
        shipped_on=read_moment(shipping.get("shipping_date_actual")),
        status_id=_whole(record.get("status_id")),
        source_id=_whole(record.get("source_id")),
        source_uuid=_text(record.get("source_uuid")),
        payment_status=_text(record.get("payment_status")),
        buyer_phone=_text(buyer.get("phone")),
        buyer_email=_text(buyer.get("email")),
        has_tracking_code=bool(shipping.get("tracking_code")),
    )
