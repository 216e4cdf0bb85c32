"""What happens to an order as it grows older: the road from new to completed, cancelled or returned.

What belongs here: the scenarios an order can take, and the moments at which its status, payments and parcel
change. What does not: what is in the order and how its record looks (`orders`). A lifecycle is drawn once and for
all from the seed and the order's id; how much of it has happened depends on the moment one looks.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from keycrm_pipeline.sandbox.dictionaries import (
    DUPLICATE_ORDER,
    EURO_SOURCE,
    FORGOTTEN_SOURCE,
    MAIN_SOURCE,
    PHONE_SOURCE,
    RETURNED,
    STATUSES,
    WAITING_IN_SHOP,
)
from keycrm_pipeline.sandbox.people import REGULAR_BUYERS, TWIN_BUYERS, People
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

Action = Literal[
    "note", "pay_all", "pay_more", "pay_part", "pay_cash", "ship", "travel", "arrive", "receive", "collect",
    "cancel", "refuse", "refund", "fix",
]  # fmt: skip
"""What changes besides the status: money, the parcel, or just a note of the manager."""

Scenario = Literal[
    "prepaid", "collected", "part_paid", "produced", "picked_up", "unanswered", "cancelled",
    "paid_and_cancelled", "refused", "returned", "overpaid", "duplicate", "never_finished_paying",
]  # fmt: skip

RANDOM_CANCELLATION: Final = -1
"""Stands in a scenario for one of the standard statuses that cancel."""
_CANCELLING: Final = (13, 14, 15, 16, 17, 18, 19)

_Step = tuple[int, int, int | None, Action | None]
"""Least and most minutes since the step before, the new status (if any), the action (if any)."""

_H: Final = 60

_DISPATCH: Final[tuple[_Step, ...]] = (
    (2 * _H, 30 * _H, 8, "ship"),
    (6 * _H, 20 * _H, 11, "travel"),
    (20 * _H, 60 * _H, 9, "arrive"),
)

_RECEIVED: Final[_Step] = (4 * _H, 72 * _H, 12, "receive")
_COLLECTED: Final[_Step] = (4 * _H, 96 * _H, 12, "collect")
_PAID: Final[_Step] = (5, 3 * _H, None, "pay_all")
_CONFIRMED: Final[_Step] = (_H, 20 * _H, 2, None)

_SCENARIOS: Final[dict[Scenario, tuple[_Step, ...]]] = {
    "prepaid": (_PAID, _CONFIRMED, *_DISPATCH, _RECEIVED),
    "collected": (_CONFIRMED, *_DISPATCH, _COLLECTED),
    "part_paid": ((_H, 10 * _H, 4, None), (2 * _H, 30 * _H, 2, "pay_part"), *_DISPATCH, _COLLECTED),
    "produced": (
        (_H, 8 * _H, 4, None),
        (2 * _H, 24 * _H, 5, "pay_part"),
        (24 * _H, 72 * _H, 6, None),
        (48 * _H, 168 * _H, 7, None),
        *_DISPATCH,
        _COLLECTED,
    ),
    "picked_up": ((_H, 10 * _H, WAITING_IN_SHOP, None), (4 * _H, 96 * _H, 12, "pay_cash")),
    "unanswered": ((_H, 20 * _H, 3, None), (120 * _H, 480 * _H, 14, "cancel")),
    "cancelled": ((_H, 40 * _H, RANDOM_CANCELLATION, "cancel"),),
    "paid_and_cancelled": (_PAID, (10 * _H, 60 * _H, RANDOM_CANCELLATION, "cancel")),
    "refused": (_CONFIRMED, *_DISPATCH, (100 * _H, 170 * _H, RETURNED, "refuse")),
    "returned": (_PAID, _CONFIRMED, *_DISPATCH, _RECEIVED, (72 * _H, 240 * _H, RETURNED, "refund")),
    "overpaid": ((5, 3 * _H, None, "pay_more"), _CONFIRMED, *_DISPATCH, _RECEIVED),
    "duplicate": ((10, 10 * _H, DUPLICATE_ORDER, "cancel"),),
    "never_finished_paying": ((5, 3 * _H, 2, "pay_part"), *_DISPATCH, _RECEIVED),
}

Delivery = Literal["branch", "locker", "courier", "ukrposhta", "pickup", "abroad", "none"]
"""How the goods travel; `none` is an order nobody filled the delivery of."""

_DELIVERY_CHOICE: Final = WeightedChoice[Delivery](
    [("branch", 58), ("locker", 17), ("courier", 8), ("ukrposhta", 12), ("none", 5)]
)

PAYMENT_STATUS_AFTER: Final[dict[Action, str]] = {
    "pay_all": "paid",
    "pay_more": "overpaid",
    "pay_part": "part_paid",
    "pay_cash": "paid",
    "collect": "paid",
    "cancel": "not_paid",
    "refuse": "not_paid",
    "refund": "not_paid",
}
"""What an action makes of the payment status; the others leave it."""

_PARCEL_AFTER: Final[dict[Action, str]] = {
    "ship": "invoice",
    "travel": "transit",
    "arrive": "pickup",
    "receive": "delivered",
    "collect": "cash_received",
    "refuse": "refused",
    "refund": "returned",
}
"""What the carrier calls the parcel after an action."""

GROUP_OF_STATUS: Final[dict[int, int]] = {status["id"]: status["group_id"] for status in STATUSES}
CLOSING_GROUPS: Final = (5, 6)

LONGEST_LIFECYCLE: Final = timedelta(days=31)
"""After this nothing changes any more: the longest scenario takes 500 hours, a manager's note ten days."""

_SCENARIO_CHOICE: Final = WeightedChoice[Scenario](
    [
        ("prepaid", 360),
        ("collected", 270),
        ("part_paid", 50),
        ("produced", 50),
        ("picked_up", 70),
        ("unanswered", 15),
        ("cancelled", 75),
        ("paid_and_cancelled", 20),
        ("refused", 30),
        ("returned", 15),
        ("overpaid", 10),
        ("duplicate", 10),
        ("never_finished_paying", 10),
    ]
)

_SOURCE_CHOICE: Final = WeightedChoice(
    [(MAIN_SOURCE, 46), (2, 20), (3, 12), (4, 13), (PHONE_SOURCE, 5), (EURO_SOURCE, 3), (FORGOTTEN_SOURCE, 1)]
)

_NOTE_PER_MILLE: Final = 150
_SILENT_PER_MILLE: Final = 20
"""Orders one of whose status changes does not move `updated_at`: KeyCRM is suspected of that."""
_FAULTY_IN: Final = 300
"""One order in so many cannot be loaded; half of them are fixed_at in the days after."""
_NO_BUYER_PER_MILLE: Final = 15
_REGULAR_PER_MILLE: Final = 480
_TWIN_PER_MILLE: Final = 40
_RECENT_PER_MILLE: Final = 80
_RECENT_DAYS: Final = 30


class Event(NamedTuple):
    """One change of an order.

    Attributes:
        at: When it happened, UTC.
        status_id: The status from then on, null when it stays.
        action: What else changed.
        is_silent: Whether `updated_at` stays behind.
    """

    at: datetime
    status_id: int | None
    action: Action | None
    is_silent: bool


class Lifecycle(NamedTuple):
    """Everything about an order that a filter may ask for, whatever its contents.

    Attributes:
        order_id: KeyCRM's id.
        day_number: The day it was entered on.
        created_at: When it was entered, UTC.
        ordered_at: Its business date, UTC, or null.
        scenario: The road it takes.
        events: Its changes in order of time, past and future.
        source_id: Where it came from.
        source_uuid: Its number there, or null.
        delivery: How the goods travel.
        buyer_id: Who ordered, or null for an order without a buyer.
        is_faulty: Whether it cannot be loaded (R10), at least until somebody mends it.
    """

    order_id: int
    day_number: int
    created_at: datetime
    ordered_at: datetime | None
    scenario: Scenario
    events: tuple[Event, ...]
    source_id: int
    source_uuid: str | None
    delivery: Delivery
    buyer_id: int | None
    is_faulty: bool


class State(NamedTuple):
    """How far an order has come at a moment.

    Attributes:
        status_id: Its status.
        status_changed_at: Since when, UTC.
        updated_at: When its record last changed, as far as KeyCRM admits it.
        closed_at: When it was completed or cancelled, or null.
        shipped_at: When its parcel was handed over, or null.
        parcel: What the carrier calls the parcel, or null.
        parcel_at: When the parcel got that far, UTC, or null.
        payment_status: How far it is paid.
        is_noted: Whether the manager has written a note.
        is_fixed: Whether somebody has put right what made the order impossible to load.
        happened: The changes so far, in order of time.
    """

    status_id: int
    status_changed_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    shipped_at: datetime | None
    parcel: str | None
    parcel_at: datetime | None
    payment_status: str
    is_noted: bool
    is_fixed: bool
    happened: tuple[Event, ...]


def state_at(lifecycle: Lifecycle, now: datetime) -> State:
    """Look at a lifecycle at a moment; the order must have been entered by then.

    Args:
        lifecycle: The whole lifecycle.
        now: The moment, timezone-aware.
    """
    status_id = 1
    status_changed_at = updated_at = lifecycle.created_at
    closed_at = shipped_at = parcel = parcel_at = None
    paid = "not_paid"
    happened = tuple(event for event in lifecycle.events if event.at <= now)
    for at, new_status, action, is_silent in happened:
        if not is_silent:
            updated_at = at
        if new_status is not None:
            status_id = new_status
            # KeyCRM writes the record a moment after it notes the change of status.
            status_changed_at = at - timedelta(seconds=lifecycle.order_id % 3)
            if GROUP_OF_STATUS[new_status] in CLOSING_GROUPS:
                closed_at = status_changed_at
        if action is not None:
            paid = PAYMENT_STATUS_AFTER.get(action, paid)
            if action in _PARCEL_AFTER:
                parcel, parcel_at = _PARCEL_AFTER[action], at
            if action == "ship":
                shipped_at = at
    return State(
        status_id,
        status_changed_at,
        updated_at,
        closed_at,
        shipped_at,
        parcel,
        parcel_at,
        paid,
        any(event.action == "note" for event in happened),
        any(event.action == "fix" for event in happened),
        happened,
    )


def draw_lifecycle(
    seed: int,
    people: People,
    order_id: int,
    day_number: int,
    created_at: datetime,
    ordered_at: datetime | None,
) -> Lifecycle:
    """Draw the lifecycle of one order.

    Args:
        seed: The shop's seed.
        people: The shop's buyers.
        order_id: The order.
        day_number: The day it was entered on, counted from the shop's first.
        created_at: When it was entered, UTC.
        ordered_at: Its business date, UTC, or null.
    """
    random = SeededRandom(seed, "life", order_id)
    scenario = _SCENARIO_CHOICE.draw(random)
    source_id = _SOURCE_CHOICE.draw(random)
    events: list[Event] = []
    at = created_at
    for least, most, status_id, action in _SCENARIOS[scenario]:
        at += timedelta(seconds=random.between(least * 60, most * 60))
        drawn = random.choice(_CANCELLING) if status_id == RANDOM_CANCELLATION else status_id
        events.append(Event(at, drawn, action, False))
    if random.happens(_SILENT_PER_MILLE):
        place = random.below(len(events))
        if events[place].status_id is not None:
            events[place] = events[place]._replace(is_silent=True)
    if random.happens(_NOTE_PER_MILLE):
        noted = created_at + timedelta(minutes=random.between(30, 10 * 24 * 60))
        events.append(Event(noted, None, "note", False))
    is_faulty = random.below(_FAULTY_IN) == 0
    if is_faulty and random.happens(500):
        fixed_at = created_at + timedelta(minutes=random.between(24 * 60, 8 * 24 * 60))
        events.append(Event(fixed_at, None, "fix", False))
    events.sort(key=lambda event: event.at)
    return Lifecycle(
        order_id,
        day_number,
        created_at,
        ordered_at,
        scenario,
        tuple(events),
        source_id,
        _source_number(random, source_id, order_id),
        _delivery(random, scenario, source_id),
        _buyer_id(random, people, day_number),
        is_faulty,
    )


def _source_number(random: SeededRandom, source_id: int, order_id: int) -> str | None:
    """The order's number at its source; orders by phone have none."""
    if source_id == PHONE_SOURCE:
        return None
    return (
        f"№{order_id + 1000}" if source_id == MAIN_SOURCE else str(random.between(200_000_000, 899_999_999))
    )


def _buyer_id(random: SeededRandom, people: People, day_number: int) -> int | None:
    """Who orders: nearly half are regulars, some under their second record; some came a few weeks ago."""
    drawn = random.below(1000)
    if drawn < _NO_BUYER_PER_MILLE:
        return None
    drawn -= _NO_BUYER_PER_MILLE
    if drawn < _REGULAR_PER_MILLE:
        return random.between(1, REGULAR_BUYERS)
    drawn -= _REGULAR_PER_MILLE
    if drawn < _TWIN_PER_MILLE:
        return REGULAR_BUYERS + random.between(1, TWIN_BUYERS)
    came = day_number
    if drawn - _TWIN_PER_MILLE < _RECENT_PER_MILLE:
        came = max(0, day_number - random.between(1, _RECENT_DAYS))
    return people.new_buyer_id(came, random.below(1 << 20))


def _delivery(random: SeededRandom, scenario: Scenario, source_id: int) -> Delivery:
    drawn = _DELIVERY_CHOICE.draw(random)
    if scenario == "picked_up":
        return "pickup"
    return "abroad" if source_id == EURO_SOURCE else drawn
