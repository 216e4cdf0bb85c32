"""What the command `month` prints: the check list of a month and its sums, for users and as one JSON object."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click

from keycrm_pipeline.commands.output import in_these_words
from keycrm_pipeline.exports.month import MonthEnd
from keycrm_pipeline.formatting import NO_VALUE, current_formatter
from keycrm_pipeline.kinds import StepName
from keycrm_pipeline.language import _, message

LISTS: Final[Mapping[StepName, str]] = {
    "days": "load --profile {profile} --from {first} --to {last}",
    "rejected": "review --profile {profile} --kind rejected_order",
    "unmapped": "review --profile {profile}",
    "receipts": "review --profile {profile} --kind receipt_conflict",
    "reconciliation": "reconcile --profile {profile} --from {first} --to {last}",
    "closed_period": "review --profile {profile}",
    "handed_over": "export --profile {profile} --from {first} --to {last} --format {format} --by {by} --since-last "
    "--dry-run",
}
"""Step -> the command that lists what is open in it."""

_STATES: Final = {
    "done": message("done"),
    "open": message("open"),
    "not_set_up": message("not set up"),
    "not_loaded": message("not loaded"),
}
_STATE_WIDTH: Final = 15


def commands_of(month_end: MonthEnd, step: StepName) -> list[str]:
    """The commands that list what is open in a step: one, or one for each organisation that is handed over alone."""
    days = [day for day in month_end.days_not_loaded if day in month_end.past] if step == "days" else []
    command = "keycrm-pipeline " + LISTS[step].format(
        profile=month_end.profile,
        first=days[0] if days else month_end.past.first,
        last=days[-1] if days else month_end.past.last,
        format=month_end.hand_over.export_format,
        by=month_end.hand_over.decided_by,
    )
    organisations = filter(None, month_end.hand_over.organisations) if step == "handed_over" else ()
    return [f"{command} --organisation {shlex.quote(name)}" for name in organisations] or [command]


def print_month(month_end: MonthEnd, file: Path | None) -> None:
    """Prints the check list, where each open step leads, and the sums by account."""
    write = current_formatter()
    click.echo(
        _(
            "End of the month ({profile}, {period}): {open} of {steps} steps are open",
            profile=month_end.profile,
            period=write.period(month_end.month),
            open=month_end.open_steps,
            steps=len(month_end.lines),
        )
    )
    for line in month_end.lines:
        text = in_these_words(line.message.text(write))
        click.echo(f"  {_(_STATES[line.step.state]):<{_STATE_WIDTH}}{text}")
        if line.step.state == "open":
            for command in commands_of(month_end, line.step.name):
                click.echo(f"  {'':<{_STATE_WIDTH}}{command}")
    click.echo(_("Payments received, by the day of payment in KeyCRM:"))
    for one in month_end.by_account():
        names = " · ".join(filter(None, (one.organisation, one.account))) or NO_VALUE
        click.echo(
            f"  {write.money(one.received, one.currency):>18}  {write.number(one.payments):>7}  {names}"
        )
    if month_end.cancelled:
        click.echo(_("Cancelled payments seen; each may be a refund or a mistake put right:"))
    for gone in month_end.cancelled:
        what = _(
            "{day}: payment {payment} of order {order}",
            day=write.day(gone.seen_day),
            payment=gone.payment_id,
            order=gone.order_id,
        )
        click.echo(f"  {write.money(gone.amount, gone.currency):>18}  {what}")
    if file is not None:
        click.echo(str(file))


def month_as_json(month_end: MonthEnd, file: Path | None) -> dict[str, Any]:
    """The month as `--json` prints it: sums as text, days as in ISO 8601."""
    hand_over = month_end.hand_over
    return {
        "profile": month_end.profile,
        "month": f"{month_end.month.last:%Y-%m}",
        "is_done": month_end.is_done,
        "steps": [
            {
                "name": line.step.name,
                "state": line.step.state,
                "open": line.step.open,
                "text": str(line.message),
                "commands": commands_of(month_end, line.step.name),
            }
            for line in month_end.lines
        ],
        "days_not_loaded": [day.isoformat() for day in month_end.days_not_loaded],
        "hand_over": {
            "format": hand_over.export_format,
            "by": hand_over.decided_by,
            "handed_over_at": None
            if hand_over.handed_over_at is None
            else hand_over.handed_over_at.isoformat(),
            **asdict(hand_over.counts),
            "orders": [asdict(one) for one in hand_over.differences],
            "not_exported": {cause: list(order_ids) for cause, order_ids in hand_over.held_back.items()},
        },
        "payments": [_plain(asdict(one)) for one in month_end.payments],
        "cancelled_payments": [_plain(asdict(one)) for one in month_end.cancelled],
        "reconciliation": [
            _plain(
                {
                    name: getattr(line, name)
                    for name in ("kind", "day", "order_id", "account", "paid", "received", "currency")
                }
            )
            for line in month_end.not_fitting
        ],
        "closed_period_changes": [
            {"order_id": one.order_id, "order_day": one.order_day.isoformat(), "details": str(one.message)}
            for one in month_end.closed
        ],
        "file": None if file is None else str(file),
        "error": None,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if hasattr(value, "isoformat")
        else value
        for name, value in row.items()
    }
