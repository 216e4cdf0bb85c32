"""What the commands `export` and `report` print, for users and as one JSON object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.output import print_row
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.language import _, message
from keycrm_pipeline.period import Period

if TYPE_CHECKING:
    from keycrm_pipeline.exports import ExportResult
    from keycrm_pipeline.exports.hand_over import HandOver
    from keycrm_pipeline.formatting import Formatter

_TABLE_WORDS = {
    "partners": message("Partners (Контрагент)"),
    "products": message("Products (Товар)"),
    "product_variants": message("Variants of products"),
    "orders": message("Orders"),
    "order_lines": message("Lines of goods"),
    "order_services": message("Lines of services (Послуги)"),
    "order_payments": message("Payments"),
}
MOST_DAYS_SHOWN = 10
MOST_ORDERS_SHOWN = 20


def _numbers(order_ids: Sequence[int]) -> str:
    shown = ", ".join(map(str, order_ids[:MOST_ORDERS_SHOWN]))
    return f"{shown}, …" if len(order_ids) > MOST_ORDERS_SHOWN else shown


def _print_hand_over(hand_over: HandOver, write: Formatter) -> None:
    """Prints what is new or changed beside what was handed over before, and what changed in the closed period."""
    if hand_over.repeated_at is not None:
        click.echo(
            _(
                "Nothing has changed since this was exported on {day}: the files are the same.",
                day=write.day(hand_over.repeated_at.astimezone().date()),
            )
        )
    for label, count in (
        (_("Documents that are new"), hand_over.count("new")),
        (_("Changed documents"), hand_over.count("changed")),
        (_("Unchanged documents"), hand_over.unchanged),
        (_("No longer exported"), hand_over.count("withdrawn")),
        (_("Changes in the closed period"), len(hand_over.closed)),
    ):
        print_row(label, write.number(count))
    for words, order_ids in (
        (_("Changed documents"), [one.order_id for one in hand_over.differences if one.state == "changed"]),
        (
            _("No longer exported"),
            [one.order_id for one in hand_over.differences if one.state == "withdrawn"],
        ),
        (_("Changes in the closed period"), [one.order_id for one, changes in hand_over.closed]),
    ):
        if order_ids:
            click.echo(f"{words}: {_numbers(order_ids)}")


def print_export(result: ExportResult, delivered: Sequence[str]) -> None:
    """Prints which files were written, what they contain, and which orders were held back and why.

    Args:
        result: The export.
        delivered: Where the files were put as well.
    """
    write = current_formatter()
    if not result.files:
        click.echo(_("A dry run: nothing was written."))
    for place in (*result.files, *delivered):
        click.echo(str(place))
    for label, count in (
        *((_(words), result.counts[table]) for table, words in _TABLE_WORDS.items()),
        (_("New partners (Контрагент)"), result.new_partners),
        (_("New products (Товар)"), result.new_products),
        (_("New variants"), result.new_variants),
    ):
        print_row(label, write.number(count))
    _print_hand_over(result.hand_over, write)
    if result.held_back:
        click.echo(_("Orders held back: {count}.", count=write.number(result.orders_held_back)))
        for entry in result.held_back:
            click.echo(f"  {write.number(entry.orders):>6}  {entry.reason}")
            if not result.files and entry.order_ids:
                click.echo(f"          {_numbers(entry.order_ids)}")
    if result.days_not_loaded:
        shown = ", ".join(write.day(day) for day in result.days_not_loaded[:MOST_DAYS_SHOWN])
        click.echo(
            _(
                "Days of the period that were never loaded: {count} ({days}).",
                count=write.number(len(result.days_not_loaded)),
                days=f"{shown}, …" if len(result.days_not_loaded) > MOST_DAYS_SHOWN else shown,
            )
        )


def export_as_json(
    profile: str, period: Period, result: ExportResult, delivered: Sequence[str]
) -> dict[str, Any]:
    """The export as `--json` prints it."""
    return {
        "profile": profile,
        "status": "succeeded",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "files": [str(path) for path in result.files],
        "delivered": list(delivered),
        "counts": dict(result.counts),
        "new_partners": result.new_partners,
        "new_products": result.new_products,
        "new_variants": result.new_variants,
        "held_back": [
            {
                "cause": entry.cause,
                "reason": entry.reason,
                "orders": entry.orders,
                "order_ids": list(entry.order_ids),
            }
            for entry in result.held_back
        ],
        "days_not_loaded": [day.isoformat() for day in result.days_not_loaded],
        "hand_over": {
            "number": None if not result.files else result.hand_over.number,
            "repeated": result.hand_over.repeated_at is not None,
            "new": result.hand_over.count("new"),
            "changed": result.hand_over.count("changed"),
            "unchanged": result.hand_over.unchanged,
            "withdrawn": result.hand_over.count("withdrawn"),
            "closed_period_changes": len(result.hand_over.closed),
            "orders": [
                {"order_id": one.order_id, "state": one.state, "cause": one.cause}
                for one in result.hand_over.differences
            ],
        },
        "error": None,
    }


def report_as_json(profile: str, period: Period, path: Path, delivered: Sequence[str]) -> dict[str, Any]:
    """The report as `--json` prints it."""
    return {
        "profile": profile,
        "status": "succeeded",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "file": str(path),
        "delivered": list(delivered),
        "error": None,
    }
