"""What the command `reconcile` prints: payments and the money that came, for users and as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.output import print_row
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.kinds import OPEN_RECONCILIATION_KINDS, RECONCILIATION_NAMES, RECONCILIATION_WORDS
from keycrm_pipeline.language import _
from keycrm_pipeline.period import Period

if TYPE_CHECKING:
    from keycrm_pipeline.formatting import Formatter
    from keycrm_pipeline.sentences import Message
    from keycrm_pipeline.warehouse.reconciliation_lines import KindCount, ReconciliationLine

MOST_LINES_SHOWN = 50


def print_reconciliation(
    period: Period, counts: Sequence[KindCount], lines: Sequence[ReconciliationLine], path: Path | None
) -> None:
    """Prints how many lines of each kind there are, and those that a person has to look at, the oldest first."""
    write = current_formatter()
    if path is not None:
        click.echo(str(path))
    click.echo(_("Reconciliation, {period}", period=write.period(period)))
    by_kind = {kind: [count for count in counts if count.kind == kind] for kind in RECONCILIATION_NAMES}
    for kind, of_kind in by_kind.items():
        sums = ", ".join(write.money(count.paid or count.received, count.currency) for count in of_kind)
        print_row(
            _(RECONCILIATION_WORDS[kind]),
            write.number(sum(count.lines for count in of_kind)),
            f"  {sums}" if sums else "",
        )
    fees = ", ".join(write.money(count.fee, count.currency) for count in _fees(counts))
    if fees:
        print_row(_("Fees"), "", f"  {fees}")
    told = [line for line in lines if line.kind in OPEN_RECONCILIATION_KINDS]
    for line in told[:MOST_LINES_SHOWN]:
        click.echo(f"  {_line_in_words(line, write)}")
    if len(told) > MOST_LINES_SHOWN:
        click.echo(
            _(
                "  … and {count} more: --out reconciliation.xlsx writes all of them.",
                count=write.number(len(told) - MOST_LINES_SHOWN),
            )
        )


def _fees(counts: Sequence[KindCount]) -> list[KindCount]:
    """One count for each currency, with the sum of its fees."""
    found: dict[str, KindCount] = {}
    for count in counts:
        known = found.get(count.currency)
        found[count.currency] = count if known is None else replace(known, fee=known.fee + count.fee)
    return [count for count in found.values() if count.fee]


def _line_in_words(line: ReconciliationLine, write: Formatter) -> str:
    parts = [write.day(line.day), _(RECONCILIATION_WORDS[line.kind])]
    if line.order_id is not None:
        parts.append(_("order {order_id}", order_id=line.order_id))
    if line.paid is not None:
        parts.append(_("paid {sum}", sum=write.money(line.paid, line.currency)))
    if line.received is not None:
        parts.append(_("received {sum}", sum=write.money(line.received, line.received_currency or "")))
    if line.kind == "fee_differs" and line.fee is not None and line.expected_fee is not None:
        fee, expected = (
            write.money(amount, line.received_currency or "") for amount in (line.fee, line.expected_fee)
        )
        parts.append(_("fee {fee}, {expected} expected", fee=fee, expected=expected))
    if line.file_name is not None:
        parts.append(_("{file}, row {row}", file=line.file_name, row=line.line))
    elif line.transaction_id is not None:
        parts.append(_("transaction {transaction_id}", transaction_id=line.transaction_id))
    if line.candidates is not None:
        parts.append(_("possibly {candidates}", candidates=line.candidates))
    return "; ".join(parts)


def reconciliation_as_json(
    profile: str,
    period: Period,
    counts: Sequence[KindCount],
    lines: Sequence[ReconciliationLine],
    path: Path | None,
    problems: Sequence[Message],
) -> dict[str, Any]:
    """The reconciliation as `--json` prints it; sums are texts, and names and purposes of payments are left out."""
    return {
        "profile": profile,
        "status": "failed" if problems else "succeeded",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "file": None if path is None else str(path),
        "counts": [
            {
                "kind": count.kind,
                "currency": count.currency,
                "lines": count.lines,
                "paid": str(count.paid),
                "received": str(count.received),
                "fee": str(count.fee),
            }
            for count in counts
        ],
        "lines": [
            {
                name: str(value) if value is not None and not isinstance(value, int | str) else value
                for name, value in vars(line).items()
                if name not in ("line_key", "text", "partner_name")
            }
            for line in lines
            if line.kind != "matched"
        ],
        "error": "\n".join(map(str, problems)) or None,
    }
