"""What happens to an order over time: from new to completed, cancelled or returned.

This module has the scenarios and the times at which status, payments and parcel change; the contents and the
record of an order are in `orders`. A lifecycle is determined by the seed and the order's id; how much of it
has happened depends on the current time.
"""

from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from keycrm_pipeline.sandbox.dictionaries import (
    DELETED_SOURCE,
    DUPLICATE_ORDER,
    EURO_SOURCE,
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
    "cancel", "refuse", "refund", "return_part", "fix",
]  # fmt: skip
"""What changes besides the status: payments, the parcel, or just the manager's note."""

Scenario = Literal[
    "prepaid", "collected", "part_paid", "produced", "picked_up", "unanswered", "cancelled",
    "paid_and_cancelled", "refused", "returned", "overpaid", "duplicate", "never_finished_paying",
]  # fmt: skip

RANDOM_CANCELLATION: Final = -1
"""Placeholder in a scenario for a random one of the standard statuses that cancel an order."""
_CANCELLING: Final = (13, 14, 15, 16, 17, 18, 19)

_Step = tuple[int, int, int | None, Action | None]
"""Minimum and maximum minutes since the previous step, the new status (if any), the action (if any)."""

_HOUR: Final = 60

_DISPATCH: Final[tuple[_Step, ...]] = (
    (2 * _HOUR, 30 * _HOUR, 8, "ship"),
    (6 * _HOUR, 20 * _HOUR, 11, "travel"),
    (20 * _HOUR, 60 * _HOUR, 9, "arrive"),
)

_RECEIVED: Final[_Step] = (4 * _HOUR, 72 * _HOUR, 12, "receive")
_COLLECTED: Final[_Step] = (4 * _HOUR, 96 * _HOUR, 12, "collect")
_PAID: Final[_Step] = (5, 3 * _HOUR, None, "pay_all")
_CONFIRMED: Final[_Step] = (_HOUR, 20 * _HOUR, 2, None)

_SCENARIOS: Final[dict[Scenario, tuple[_Step, ...]]] = {
    "prepaid": (_PAID, _CONFIRMED, *_DISPATCH, _RECEIVED),
    "collected": (_CONFIRMED, *_DISPATCH, _COLLECTED),
    "part_paid": (
        (_HOUR, 10 * _HOUR, 4, None),
        (2 * _HOUR, 30 * _HOUR, 2, "pay_part"),
        *_DISPATCH,
        _COLLECTED,
    ),
    "produced": (
        (_HOUR, 8 * _HOUR, 4, None),
        (2 * _HOUR, 24 * _HOUR, 5, "pay_part"),
        (24 * _HOUR, 72 * _HOUR, 6, None),
        (48 * _HOUR, 168 * _HOUR, 7, None),
        *_DISPATCH,
        _COLLECTED,
    ),
    "picked_up": ((_HOUR, 10 * _HOUR, WAITING_IN_SHOP, None), (4 * _HOUR, 96 * _HOUR, 12, "pay_cash")),
    "unanswered": ((_HOUR, 20 * _HOUR, 3, None), (120 * _HOUR, 480 * _HOUR, 14, "cancel")),
    "cancelled": ((_HOUR, 40 * _HOUR, RANDOM_CANCELLATION, "cancel"),),
    "paid_and_cancelled": (_PAID, (10 * _HOUR, 60 * _HOUR, RANDOM_CANCELLATION, "cancel")),
    "refused": (_CONFIRMED, *_DISPATCH, (100 * _HOUR, 170 * _HOUR, RETURNED, "refuse")),
    "returned": (_PAID, _CONFIRMED, *_DISPATCH, _RECEIVED, (72 * _HOUR, 240 * _HOUR, RETURNED, "refund")),
    "overpaid": ((5, 3 * _HOUR, None, "pay_more"), _CONFIRMED, *_DISPATCH, _RECEIVED),
    "duplicate": ((10, 10 * _HOUR, DUPLICATE_ORDER, "cancel"),),
    "never_finished_paying": ((5, 3 * _HOUR, 2, "pay_part"), *_DISPATCH, _RECEIVED),
}

Delivery = Literal["branch", "locker", "courier", "ukrposhta", "pickup", "abroad", "none"]
"""How the goods are delivered; `none` if nobody filled in the delivery."""

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
"""Payment status after an action; other actions do not change it."""

_PARCEL_AFTER: Final[dict[Action, str]] = {
    "ship": "invoice",
    "travel": "transit",
    "arrive": "pickup",
    "receive": "delivered",
    "collect": "cash_received",
    "refuse": "refused",
    "refund": "returned",
}
"""The carrier's status of the parcel after an action."""

GROUP_OF_STATUS: Final[dict[int, int]] = {status["id"]: status["group_id"] for status in STATUSES}
CLOSING_GROUPS: Final = (5, 6)

LONGEST_LIFECYCLE: Final = timedelta(days=31)
"""After this nothing changes: the longest scenario takes 500 hours, a manager's note comes within ten days."""

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
    [(MAIN_SOURCE, 46), (2, 20), (3, 12), (4, 13), (PHONE_SOURCE, 5), (EURO_SOURCE, 3), (DELETED_SOURCE, 1)]
)

_NOTE_PER_MILLE: Final = 150
_PART_RETURNED_PER_MILLE: Final = 60
"""Prepaid orders of which the buyer sends the last line back, if there are several."""
_SILENT_PER_MILLE: Final = 20
"""Orders in which one status change does not update `updated_at`, as KeyCRM is suspected of doing."""
_FAULTY_IN: Final = 300
"""One in this many orders cannot be loaded; half of those are fixed within the following days."""
_NO_BUYER_PER_MILLE: Final = 15
_REGULAR_PER_MILLE: Final = 480
_TWIN_PER_MILLE: Final = 40
_RECENT_PER_MILLE: Final = 80
_RECENT_DAYS: Final = 30


class Event(NamedTuple):
    """One change of an order.

    Attributes:
        at: When it happened, UTC.
        status_id: The new status, or None if it does not change.
        action: What else changed.
        is_silent: Whether `updated_at` is not updated.
    """

    at: datetime
    status_id: int | None
    action: Action | None
    is_silent: bool


class Lifecycle(NamedTuple):
    """Everything about an order that a filter may need, without its contents.

    Attributes:
        order_id: KeyCRM's id.
        day_number: The day it was entered, counted from the shop's first day.
        created_at: When it was entered, UTC.
        ordered_at: Its business date, UTC, or None.
        scenario: The scenario it follows.
        events: Its changes in order of time, past and future.
        source_id: Its source.
        source_uuid: Its number at the source, or None.
        delivery: How the goods are delivered.
        buyer_id: The buyer, or None for an order without one.
        is_faulty: Whether it cannot be loaded (R10), at least until it is fixed.
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
    """The state of an order at a moment; times are in UTC.

    Attributes:
        status_id: Its status.
        status_changed_at: When it got that status.
        updated_at: When its record last changed, according to KeyCRM.
        closed_at: When it was completed or cancelled, or None.
        shipped_at: When its parcel was handed over, or None.
        parcel: The carrier's status of the parcel, or None.
        parcel_at: When the parcel got that status, or None.
        payment_status: KeyCRM's payment status.
        is_noted: Whether the manager has written a note.
        is_fixed: Whether the mistake that made the order impossible to load has been fixed.
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
    """The state of an order at a moment; the order must have been entered by then."""
    status_id = 1
    status_changed_at = updated_at = lifecycle.created_at
    closed_at = shipped_at = parcel = parcel_at = None
    payment_status = "not_paid"
    happened = tuple(event for event in lifecycle.events if event.at <= now)
    for at, new_status, action, is_silent in happened:
        if not is_silent:
            updated_at = at
        if new_status is not None:
            status_id = new_status
            # KeyCRM writes the record a moment after it registers the change of status.
            status_changed_at = at - timedelta(seconds=lifecycle.order_id % 3)
            if GROUP_OF_STATUS[new_status] in CLOSING_GROUPS:
                closed_at = status_changed_at
        if action is not None:
            payment_status = PAYMENT_STATUS_AFTER.get(action, payment_status)
            if action in _PARCEL_AFTER:
                parcel, parcel_at = _PARCEL_AFTER[action], at
            if action == "ship":
                shipped_at = at
    return State(
        status_id=status_id,
        status_changed_at=status_changed_at,
        updated_at=updated_at,
        closed_at=closed_at,
        shipped_at=shipped_at,
        parcel=parcel,
        parcel_at=parcel_at,
        payment_status=payment_status,
        is_noted=any(event.action == "note" for event in happened),
        is_fixed=any(event.action == "fix" for event in happened),
        happened=happened,
    )


def draw_lifecycle(
    seed: int,
    people: People,
    order_id: int,
    day_number: int,
    created_at: datetime,
    ordered_at: datetime | None,
) -> Lifecycle:
    """Draw the lifecycle of one order."""
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
    # Drawn apart, so that everything else about the order does not depend on it.
    of_return = SeededRandom(seed, "part returned", order_id)
    if scenario == "prepaid" and of_return.happens(_PART_RETURNED_PER_MILLE):
        returned_at = at + timedelta(minutes=of_return.between(24 * 60, 8 * 24 * 60))
        events.append(Event(returned_at, None, "return_part", False))
    events.sort(key=lambda event: event.at)
    return Lifecycle(
        order_id=order_id,
        day_number=day_number,
        created_at=created_at,
        ordered_at=ordered_at,
        scenario=scenario,
        events=tuple(events),
        source_id=source_id,
        source_uuid=_source_number(random, source_id, order_id),
        delivery=_delivery(random, scenario, source_id),
        buyer_id=_buyer_id(random, people, day_number),
        is_faulty=is_faulty,
    )


def _source_number(random: SeededRandom, source_id: int, order_id: int) -> str | None:
    """The order's number at its source; phone orders have none."""
    if source_id == PHONE_SOURCE:
        return None
    return (
        f"№{order_id + 1000}" if source_id == MAIN_SOURCE else str(random.between(200_000_000, 899_999_999))
    )


def _buyer_id(random: SeededRandom, people: People, day_number: int) -> int | None:
    """The buyer: nearly half are regulars, some by their duplicate record; some are a few weeks old."""
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
