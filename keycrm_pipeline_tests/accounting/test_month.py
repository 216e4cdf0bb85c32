"""Which steps of a month are done follows from counts alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keycrm_pipeline.accounting.month import HandOverCounts, MonthCounts, is_month_done, month_steps

NOTHING_LEFT = MonthCounts(
    days_not_loaded=0,
    is_any_day_loaded=True,
    rejected=0,
    unmapped=0,
    receipts_expected=True,
    receipt_conflicts=0,
    is_reconciled=True,
    reconciliation_open=0,
    is_period_closed=True,
    closed_changes=0,
    hand_over=HandOverCounts(unchanged=40, not_ready=2),
)


def test_month_is_done_when_nothing_is_left() -> None:
    """What is not ready by the rule of the profile is nobody's work."""
    steps = month_steps(NOTHING_LEFT)
    assert {step.state for step in steps} == {"done"}
    assert is_month_done(steps)


@pytest.mark.parametrize(
    ("left", "step", "count"),
    [
        ({"days_not_loaded": 3}, "days", 3),
        ({"rejected": 1}, "rejected", 1),
        ({"unmapped": 2}, "unmapped", 2),
        ({"receipt_conflicts": 4}, "receipts", 4),
        ({"reconciliation_open": 6}, "reconciliation", 6),
        ({"closed_changes": 5}, "closed_period", 5),
        ({"hand_over": HandOverCounts(40, new=1, changed=2, withdrawn=3, held_back=4)}, "handed_over", 10),
    ],
)
def test_one_thing_that_is_left_keeps_the_month_open(left: dict[str, object], step: str, count: int) -> None:
    """It opens its own step and no other."""
    steps = month_steps(replace(NOTHING_LEFT, **left))  # type: ignore[arg-type]
    assert [(one.name, one.open) for one in steps if one.state == "open"] == [(step, count)]
    assert not is_month_done(steps)


def test_what_a_shop_does_not_use_is_neither_done_nor_open() -> None:
    """Without any of them a month can still be done; nobody is told that they were checked."""
    unused = {"receipts_expected": False, "is_reconciled": False, "is_period_closed": False}
    steps = month_steps(replace(NOTHING_LEFT, **unused))  # type: ignore[arg-type]
    assert [one.name for one in steps if one.state == "not_set_up"] == [
        "receipts",
        "reconciliation",
        "closed_period",
    ]
    assert is_month_done(steps)


def test_nothing_is_called_done_in_a_month_that_was_never_loaded() -> None:
    """No rejected order among none, and no document to hand over, would read as checked."""
    steps = month_steps(
        replace(NOTHING_LEFT, days_not_loaded=31, is_any_day_loaded=False, reconciliation_open=2)
    )
    assert {one.name: one.state for one in steps} == {
        "days": "open",
        "rejected": "not_loaded",
        "unmapped": "not_loaded",
        "receipts": "not_loaded",
        "reconciliation": "open",
        "closed_period": "done",
        "handed_over": "not_loaded",
    }
    assert not is_month_done(steps)


def test_counts_of_several_organisations_are_added() -> None:
    one = HandOverCounts(1, 2, 3, 4, 5, 6)
    assert one.plus(HandOverCounts(10, 20, 30, 40, 50, 60)) == HandOverCounts(11, 22, 33, 44, 55, 66)
