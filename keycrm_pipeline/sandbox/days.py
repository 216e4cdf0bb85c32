"""When the demo shop's orders are entered: how many per day, at what times, and with which ids.

A day's orders depend only on the seed and the date, so any day can be generated without the days before it.
Ids grow with time because each day has its own block of ids. What happens to an order afterwards is in
`lifecycle`, what it contains in `orders`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

SHOP_ZONE: Final = ZoneInfo("Europe/Kyiv")

_WEEKDAYS: Final = (1050, 1000, 1000, 1030, 1100, 900, 820)
"""Orders by weekday, Monday first, in thousandths of a usual day."""
_MONTHS: Final = (850, 900, 1000, 950, 950, 900, 880, 950, 1050, 1050, 1300, 1350)
"""Orders by month, January first, in thousandths of a usual day: more before New Year, fewer in summer."""

_HOURS: Final = WeightedChoice(
    [
        (hour, weight)
        for hour, weight in enumerate(
            (6, 3, 2, 1, 1, 2, 6, 14, 28, 45, 58, 62, 58, 52, 50, 50, 52, 54, 58, 66, 72, 60, 36, 16)
        )
    ]
)
_SECONDS_PER_DAY: Final = 24 * 60 * 60

_DELETED_PER_MILLE: Final = 30
"""Ids without an order, because the order was deleted."""
_MINUTE: Final = 60
_WEEK: Final = 7 * _SECONDS_PER_DAY
_ENTERED_AT_ONCE_PER_MILLE: Final = 120
"""Orders that a manager types: `ordered_at` is `created_at`. Those of a site come about a quarter of an hour later."""
_LATE_PER_MILLE: Final = 16
"""Orders entered days after they were placed: `ordered_at` is well before `created_at`."""
_UNDATED_PER_MILLE: Final = 4
"""Orders without `ordered_at`."""
_IMPORTED_PER_MILLE: Final = 4
"""Orders imported weeks after they were placed, and as many dated weeks ahead."""
LONGEST_DELAY: Final = timedelta(weeks=8)
"""The longest time between placing an order and entering it."""
LONGEST_LEAD: Final = timedelta(weeks=6)
"""The longest time between entering an order and the day it is dated."""


@dataclass(frozen=True, slots=True)
class Day:
    """The orders entered on one local day, as parallel columns sorted by id and time.

    Attributes:
        number: Days since the shop opened.
        ids: Order ids.
        created_at: When each order was entered, UTC.
        ordered_at: Its business date, UTC; None for the few orders without one.
        business_at: `ordered_at`, or `created_at` if there is none.
        earliest: The minimum of `business_at`; None on a day without orders.
        latest: The maximum of `business_at`; None on a day without orders.
    """

    number: int
    ids: tuple[int, ...]
    created_at: tuple[datetime, ...]
    ordered_at: tuple[datetime | None, ...]
    business_at: tuple[datetime, ...]
    earliest: datetime | None
    latest: datetime | None


class ShopCalendar:
    """The days of one shop.

    Args:
        seed: The shop's seed.
        first_day: The local day it opened.
        orders_per_day: Number of orders on a usual day; 0 for a shop without orders.
    """

    def __init__(self, seed: int, first_day: date, orders_per_day: int) -> None:
        self._seed = seed
        self._first_day = first_day
        self._orders_per_day = orders_per_day
        # The busiest day has 1.71 times the usual number of orders (weekday x month x chance), plus deleted ids.
        self.ids_per_day = 3 * orders_per_day + 10
        self.day = lru_cache(maxsize=4096)(self._make_day)

    def number_of(self, moment: datetime) -> int:
        """The number of the local day of a moment; negative before the shop opened."""
        return (moment.astimezone(SHOP_ZONE).date() - self._first_day).days

    def number_of_id(self, order_id: int) -> int:
        """The number of the day whose block contains an order id."""
        return (order_id - 1) // self.ids_per_day

    def _make_day(self, number: int) -> Day:
        local = self._first_day + timedelta(days=number)
        random = SeededRandom(self._seed, "day", local.isoformat())
        usual = self._orders_per_day * _WEEKDAYS[local.weekday()] * _MONTHS[local.month - 1]
        count = usual * random.between(850, 1150) // 1000**3
        midnight = datetime.combine(local, time(), SHOP_ZONE).astimezone(UTC)
        next_midnight = datetime.combine(local + timedelta(days=1), time(), SHOP_ZONE).astimezone(UTC)
        # Days on which the clocks change have 23 or 25 hours: the seconds are scaled to fit.
        length = (next_midnight - midnight) // timedelta(seconds=1)
        seconds = sorted(
            (_HOURS.draw(random) * 3600 + random.below(3600)) * length // _SECONDS_PER_DAY
            for _ in range(count)
        )
        ids: list[int] = []
        created: list[datetime] = []
        ordered: list[datetime | None] = []
        order_id = number * self.ids_per_day
        for second in seconds:
            order_id += (
                2
                if random.happens(_DELETED_PER_MILLE)
                and order_id % self.ids_per_day < self.ids_per_day - count
                else 1
            )
            entered = midnight + timedelta(seconds=second)
            delay = _delay(random)
            ids.append(order_id)
            created.append(entered)
            ordered.append(None if delay is None else entered - timedelta(seconds=delay))
        business = tuple(happened or entered for happened, entered in zip(ordered, created, strict=True))
        return Day(
            number,
            tuple(ids),
            tuple(created),
            tuple(ordered),
            business,
            min(business, default=None),
            max(business, default=None),
        )


def _delay(random: SeededRandom) -> int | None:
    """Seconds from `ordered_at` to `created_at`, below zero for an order dated ahead; None without `ordered_at`."""
    fate = random.below(1000)
    if fate < _UNDATED_PER_MILLE:
        return None
    fate -= _UNDATED_PER_MILLE
    if fate < _IMPORTED_PER_MILLE:
        return random.between(2 * _WEEK, 8 * _WEEK)
    fate -= _IMPORTED_PER_MILLE
    if fate < _IMPORTED_PER_MILLE:
        return -random.between(2 * _WEEK, 6 * _WEEK)
    fate -= _IMPORTED_PER_MILLE
    if fate < _LATE_PER_MILLE:
        return random.between(1200 * _MINUTE, 9500 * _MINUTE)
    if fate < _LATE_PER_MILLE + _ENTERED_AT_ONCE_PER_MILLE:
        return 0
    return random.between(12 * _MINUTE, 18 * _MINUTE)
