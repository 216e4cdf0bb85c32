"""The month's end: the check list and the sums of a month, read once for the command, the page and the workbook.

What is not here: which step is done (`accounting.month`), SQL (`warehouse.month`), and how it is shown
(`month_workbook`, `commands.month`, `page.month`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from keycrm_pipeline.accounting.month import (
    HandOverCounts,
    MonthCounts,
    MonthStep,
    is_month_done,
    month_steps,
)
from keycrm_pipeline.exports.documents import document_choice
from keycrm_pipeline.exports.hand_over import DocumentDifference, find_hand_over
from keycrm_pipeline.kinds import (
    DECIDING_DAYS,
    EXPORT_FORMATS,
    OPEN_RECONCILIATION_KINDS,
    DecidingDay,
    ExportFormat,
)
from keycrm_pipeline.period import Period, contiguous_periods
from keycrm_pipeline.reading import Books
from keycrm_pipeline.reading.closed_period import ClosedPeriodChange, closed_period_changes
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.month import MonthWords
from keycrm_pipeline.warehouse.attention import days_not_loaded, review_counts
from keycrm_pipeline.warehouse.chosen_documents import choose_documents
from keycrm_pipeline.warehouse.connection import WAIT_SECONDS
from keycrm_pipeline.warehouse.export import last_asked
from keycrm_pipeline.warehouse.hand_over import HandOverRequest
from keycrm_pipeline.warehouse.month import (
    CancelledPayment,
    DayPayments,
    OpenCounts,
    cancelled_payments,
    day_payments,
    held_back_orders,
    last_hand_over,
    open_counts,
)
from keycrm_pipeline.warehouse.payments import UndatedPayments, undated_payments
from keycrm_pipeline.warehouse.reconciliation_lines import ReconciliationLine, lines_of_period, reconciled_at

if TYPE_CHECKING:
    import duckdb

    from keycrm_pipeline.profile import Profile, Workspace

NOT_READY = ("stage", "unpaid", "no_receipt")
"""Causes for which an order is not ready by the rule of the profile."""

TO_BE_MENDED = ("difference", "incomplete", "currency", "organisation")
"""Causes for which a document waits for somebody. Rejected orders have a step of their own, and whether the document of
an order that KeyCRM no longer has stays in the books is for a person to decide: nothing ends that wait."""


@dataclass(frozen=True)
class MonthHandOver:
    """The documents of a month beside what was handed over.

    Attributes:
        export_format: The format whose ledger they are compared with.
        decided_by: Whose day puts an order into the month.
        organisations: Those that are handed over one by one; an empty text for all orders together.
        handed_over_at: When days of the month were last exported in this format; None if they never were.
        counts: How many documents there are of each state.
        differences: Those that the next export with `since_last` hands over, or tells to be gone.
        held_back: Cause -> the orders that it holds back.
    """

    export_format: ExportFormat
    decided_by: DecidingDay
    organisations: tuple[str, ...]
    handed_over_at: datetime | None
    counts: HandOverCounts
    differences: tuple[DocumentDifference, ...]
    held_back: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Reconciled:
    """The payments of a month beside the money that came (R15).

    Attributes:
        is_made: Whether they were compared at all.
        lines: Lines about which a person has to do something.
        awaited: Payments whose money is awaited.
        unread: Registers and bank transactions that could not be read.
    """

    is_made: bool
    lines: int
    awaited: int
    unread: int

    @property
    def open(self) -> int:
        """How much is left to do."""
        return self.lines + self.unread if self.is_made else 1


@dataclass(frozen=True)
class MonthLine:
    """One line of the check list: the step, and what it says."""

    step: MonthStep
    message: Message


@dataclass(frozen=True)
class PaymentSum:
    """Money of a month under one name, in one currency; the sums are those of `DayPayments`."""

    organisation: str | None
    account: str | None
    currency: str
    payments: int
    received: Decimal
    received_for_cancelled: Decimal
    expenses: Decimal


@dataclass(frozen=True)
class MonthEnd:
    """A month as it stands.

    Attributes:
        profile: Name of the profile.
        month: Its local days, from the profile's first day on.
        today: The shop's day when it was read.
        as_of: When KeyCRM was last asked for changes in the month; None if it never was.
        lines: The check list.
        days_not_loaded: Days that no load has finished, and those that are not over.
        hand_over: The documents beside what was handed over.
        payments: Money by organisation, account and day of payment.
        undated: Payments for which KeyCRM gave no date, of all months.
        cancelled: Payments that were first seen cancelled, or less, in the month.
        compared: Payments of the month beside the money that came; none if the profile compares nothing.
        closed: Documents of the closed period that changed, and that no export has listed.
    """

    profile: str
    month: Period
    today: date
    as_of: datetime | None
    lines: tuple[MonthLine, ...]
    days_not_loaded: tuple[date, ...]
    hand_over: MonthHandOver
    payments: tuple[DayPayments, ...]
    undated: tuple[UndatedPayments, ...]
    cancelled: tuple[CancelledPayment, ...]
    compared: tuple[ReconciliationLine, ...]
    closed: tuple[ClosedPeriodChange, ...]

    @property
    def past(self) -> Period:
        """The days of the month up to today: later ones can be neither loaded nor exported."""
        return Period(self.month.first, max(self.month.first, min(self.month.last, self.today)))

    @property
    def not_fitting(self) -> list[ReconciliationLine]:
        """Payments and money about which a person has to do something."""
        return [line for line in self.compared if line.kind in OPEN_RECONCILIATION_KINDS]

    @property
    def is_done(self) -> bool:
        """Whether no step is open."""
        return is_month_done(tuple(line.step for line in self.lines))

    @property
    def open_steps(self) -> int:
        """How many steps are open."""
        return sum(line.step.state == "open" for line in self.lines)

    def by_account(self) -> list[PaymentSum]:
        """The money by organisation, account and currency."""
        return _added(self.payments, of_account=True)

    def by_organisation(self) -> list[PaymentSum]:
        """The money by organisation and currency; its accounts are None."""
        return _added(self.payments, of_account=False)


def read_month(
    workspace: Workspace,
    month: Period,
    *,
    today: date,
    export_format: ExportFormat | None = None,
    wait_seconds: float = WAIT_SECONDS,
) -> MonthEnd:
    """Reads the check list and the sums of a month.

    Documents are compared with the ledger of the format in which the month was last exported, by the day and the
    organisations of that export; a month that was never exported is compared with that of workbooks.

    Args:
        workspace: The profile with its database.
        month: The local days of the month; days before the profile's first one are left out.
        today: The shop's day now: neither this day nor a later one is over, so none of them is complete.
        export_format: Compare with the ledger of this format.
        wait_seconds: How long to wait while an exchange writes.

    Raises:
        WarehouseError: The database is missing, busy or unreadable.
    """
    profile = workspace.profile
    month = Period(max(month.first, min(profile.start_date, month.last)), month.last)
    with Books(workspace, wait_seconds).reading() as connection:
        missing = days_not_loaded(connection, month)
        not_loaded = tuple(sorted({*missing, *(day for day in month.days if day >= today)}))
        found = open_counts(connection, month, list(profile.managers))
        closed = tuple(closed_period_changes(connection, profile))
        hand_over = _hand_over(connection, profile, month, export_format)
        compares = profile.reconciliation.is_used
        compared = tuple(lines_of_period(connection, month)) if compares else ()
        reconciled = _reconciled(connection, compared) if compares else None
        steps = month_steps(
            MonthCounts(
                days_not_loaded=len(not_loaded),
                is_any_day_loaded=len(missing) < len(month.days),
                rejected=found.rejected,
                unmapped=found.unmapped_statuses + found.unmapped_managers,
                receipts_expected=any(one.receipt != "none" for one in profile.payment_methods.values()),
                receipt_conflicts=found.receipt_conflicts,
                is_reconciled=reconciled is not None,
                reconciliation_open=0 if reconciled is None else reconciled.open,
                is_period_closed=profile.closed_until is not None,
                closed_changes=len(closed),
                hand_over=hand_over.counts,
            )
        )
        messages = _messages(steps, not_loaded, found, hand_over, reconciled)
        return MonthEnd(
            profile=profile.name,
            month=month,
            today=today,
            as_of=last_asked(connection, month),
            lines=tuple(MonthLine(step, messages[step.name]) for step in steps),
            days_not_loaded=not_loaded,
            hand_over=hand_over,
            payments=tuple(day_payments(connection, month)),
            undated=tuple(undated_payments(connection)),
            cancelled=tuple(cancelled_payments(connection, month)),
            compared=compared,
            closed=closed,
        )


def _hand_over(
    connection: duckdb.DuckDBPyConnection,
    profile: Profile,
    month: Period,
    export_format: ExportFormat | None,
) -> MonthHandOver:
    last = last_hand_over(connection, month, export_format)
    of_format = export_format or (EXPORT_FORMATS[0] if last is None else last.format)
    decided_by = DECIDING_DAYS[0] if last is None else last.decided_by
    # Whoever exports one organisation hands over each of them.
    organisations = ("",) if last is None or not last.organisation else tuple(profile.organisations)
    counts = HandOverCounts()
    differences: list[DocumentDifference] = []
    held_back: dict[str, set[int]] = defaultdict(set)
    for organisation in organisations:
        request = HandOverRequest(
            month, of_format, organisation, decided_by, profile.hand_over.stages, since_last=True
        )
        choose_documents(connection, month, document_choice(profile, request))
        # Each organisation holds back what is of none of them.
        for cause, order_ids in held_back_orders(connection).items():
            held_back[cause].update(order_ids)
        found = find_hand_over(connection, request, closed_until=None)
        counts = counts.plus(
            HandOverCounts(
                unchanged=found.unchanged,
                new=found.count("new"),
                changed=found.count("changed"),
                withdrawn=found.count("withdrawn"),
            )
        )
        differences += found.differences
    counts = replace(
        counts,
        not_ready=sum(len(held_back[cause]) for cause in NOT_READY),
        held_back=sum(len(held_back[cause]) for cause in TO_BE_MENDED),
    )
    return MonthHandOver(
        of_format,
        decided_by,
        organisations,
        None if last is None else last.handed_over_at,
        counts,
        tuple(sorted(differences, key=lambda one: one.order_id)),
        {cause: tuple(sorted(order_ids)) for cause, order_ids in held_back.items() if order_ids},
    )


def _reconciled(connection: duckdb.DuckDBPyConnection, compared: Sequence[ReconciliationLine]) -> Reconciled:
    return Reconciled(
        is_made=reconciled_at(connection) is not None,
        lines=sum(line.kind in OPEN_RECONCILIATION_KINDS for line in compared),
        awaited=sum(line.kind == "awaited" for line in compared),
        unread=review_counts(connection).get("reconciliation_unread", 0),
    )


def _messages(
    steps: Sequence[MonthStep],
    not_loaded: Sequence[date],
    found: OpenCounts,
    hand_over: MonthHandOver,
    reconciled: Reconciled | None,
) -> dict[str, Message]:
    """Step -> what it says in its state."""
    counts = hand_over.counts
    values: Mapping[str, Mapping[str, object]] = {
        "days": {"days": contiguous_periods(not_loaded)},
        "reconciliation": {} if reconciled is None else asdict(reconciled),
        "unmapped": {"statuses": found.unmapped_statuses, "managers": found.unmapped_managers},
        "handed_over": {
            "format": hand_over.export_format,
            "new": counts.new,
            "changed": counts.changed,
            "withdrawn": counts.withdrawn,
            "held_back": counts.held_back,
            "unchanged": counts.unchanged,
            "not_ready": counts.not_ready,
        },
    }
    messages: dict[str, Message] = {}
    for step in steps:
        sentence = MonthWords[f"{step.name}_{step.state}".upper()]
        if step.name == "reconciliation" and reconciled is not None and not reconciled.is_made:
            sentence = MonthWords.RECONCILIATION_NOT_MADE
        known = values.get(step.name, {"orders": step.open})
        messages[step.name] = sentence.message(**{name: known[name] for name in sentence.fields})
    return messages


def _added(payments: Sequence[DayPayments], *, of_account: bool) -> list[PaymentSum]:
    sums: dict[tuple[str | None, str | None, str], PaymentSum] = {}
    for one in payments:
        key = (one.organisation, one.account if of_account else None, one.currency)
        before = sums.get(key) or PaymentSum(*key, 0, Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))
        sums[key] = PaymentSum(
            *key,
            before.payments + one.payments,
            before.received + one.received,
            before.received_for_cancelled + one.received_for_cancelled,
            before.expenses + one.expenses,
        )
    return list(sums.values())
