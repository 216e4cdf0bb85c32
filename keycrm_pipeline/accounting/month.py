"""The month's end: which of its steps are done and which are open, decided from plain counts.

Pure functions. What is not here: how the counts are read (`exports.month`), the words of a step (`sentences.month`),
and where a step leads (`commands.month`, `page.month`).
"""

from __future__ import annotations

from dataclasses import dataclass

from keycrm_pipeline.kinds import StepName, StepState


@dataclass(frozen=True)
class HandOverCounts:
    """The documents of a month beside what was handed over.

    Attributes:
        unchanged: Handed over, and as they were then.
        new: Ready, and never handed over.
        changed: Handed over, and changed since.
        withdrawn: Handed over, and exported no longer; the next export tells the accountant.
        not_ready: Not ready by the rule of the profile; nobody has to hand them over.
        held_back: Held back until somebody mends them: they do not add up, a card is incomplete, or the accounting
            system does not know their currency.
    """

    unchanged: int = 0
    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    not_ready: int = 0
    held_back: int = 0

    def plus(self, other: HandOverCounts) -> HandOverCounts:
        """Both together."""
        return HandOverCounts(
            self.unchanged + other.unchanged,
            self.new + other.new,
            self.changed + other.changed,
            self.withdrawn + other.withdrawn,
            self.not_ready + other.not_ready,
            self.held_back + other.held_back,
        )

    @property
    def open(self) -> int:
        """Documents of which the accountant does not have what is in the books, and should."""
        return self.new + self.changed + self.withdrawn + self.held_back


@dataclass(frozen=True)
class MonthCounts:
    """What the steps of a month are decided from.

    Attributes:
        days_not_loaded: Days of the month that no load has finished, and days that are not over.
        is_any_day_loaded: Whether a load has finished any day of the month.
        rejected: Orders of the month, or of an unknown day, that could not be loaded.
        unmapped: Statuses without a stage and managers without a user, in orders of the month.
        receipts_expected: Whether the profile says of any payment method who issues its receipts.
        receipt_conflicts: Orders of the month whose receipts do not fit what the profile says.
        is_reconciled: Whether the profile compares payments with the money that came.
        reconciliation_open: Payments and money of the month that do not fit, and what of the money could not be read; 1
            if nothing was compared yet.
        is_period_closed: Whether the profile closes any period.
        closed_changes: Documents that changed in the closed period, whatever its month, and that no export has listed.
        hand_over: The documents of the month beside what was handed over.
    """

    days_not_loaded: int
    is_any_day_loaded: bool
    rejected: int
    unmapped: int
    receipts_expected: bool
    receipt_conflicts: int
    is_reconciled: bool
    reconciliation_open: int
    is_period_closed: bool
    closed_changes: int
    hand_over: HandOverCounts


@dataclass(frozen=True)
class MonthStep:
    """One step of the month's end.

    Attributes:
        name: Which step.
        state: `not_set_up` if the profile asks for nothing that could be open, `not_loaded` if nothing was there to
            check.
        open: How many things are left.
    """

    name: StepName
    state: StepState
    open: int


def month_steps(counts: MonthCounts) -> tuple[MonthStep, ...]:
    """The check list of a month, in the order in which a person works through it."""
    # Nothing found in a month of which nothing was fetched is no work done.
    nothing_left: StepState = "done" if counts.is_any_day_loaded else "not_loaded"
    return (
        _step("days", counts.days_not_loaded),
        _step("rejected", counts.rejected, nothing_left),
        _step("unmapped", counts.unmapped, nothing_left),
        _step(
            "receipts", counts.receipt_conflicts, nothing_left if counts.receipts_expected else "not_set_up"
        ),
        _step(
            "reconciliation",
            counts.reconciliation_open,
            nothing_left if counts.is_reconciled else "not_set_up",
        ),
        _step("closed_period", counts.closed_changes, "done" if counts.is_period_closed else "not_set_up"),
        _step("handed_over", counts.hand_over.open, nothing_left),
    )


def is_month_done(steps: tuple[MonthStep, ...]) -> bool:
    """Whether no step is open; one that is not set up is not, and where nothing is loaded, the days are."""
    return all(step.state != "open" for step in steps)


def _step(name: StepName, left: int, otherwise: StepState = "done") -> MonthStep:
    return MonthStep(name, "open", left) if left else MonthStep(name, otherwise, 0)
