"""What the commands `export` and `report` print, for users and as one JSON object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.output import print_row, written
from keycrm_pipeline.language import _, message
from keycrm_pipeline.period import Period

if TYPE_CHECKING:
    from keycrm_pipeline.exports import ExportResult

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


def print_export(result: ExportResult) -> None:
    """Prints which files were written, what they contain, and which orders were held back and why."""
    write = written()
    for path in result.files:
        click.echo(str(path))
    for label, count in (
        *((_(words), result.counts[table]) for table, words in _TABLE_WORDS.items()),
        (_("New partners (Контрагент)"), result.new_partners),
        (_("New products (Товар)"), result.new_products),
        (_("New variants"), result.new_variants),
    ):
        print_row(label, write.number(count))
    if result.held_back:
        click.echo(_("Orders held back: {count}.", count=write.number(result.orders_held_back)))
        for entry in result.held_back:
            click.echo(f"  {write.number(entry.orders):>6}  {entry.reason}")
    if result.days_not_loaded:
        shown = ", ".join(write.day(day) for day in result.days_not_loaded[:MOST_DAYS_SHOWN])
        click.echo(
            _(
                "Days of the period that were never loaded: {count} ({days}).",
                count=write.number(len(result.days_not_loaded)),
                days=f"{shown}, …" if len(result.days_not_loaded) > MOST_DAYS_SHOWN else shown,
            )
        )


def export_as_json(profile: str, period: Period, result: ExportResult) -> dict[str, Any]:
    """The export as `--json` prints it."""
    return {
        "profile": profile,
        "status": "succeeded",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "files": [str(path) for path in result.files],
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
        "error": None,
    }


def report_as_json(profile: str, period: Period, path: Path) -> dict[str, Any]:
    """The report as `--json` prints it."""
    return {
        "profile": profile,
        "status": "succeeded",
        "period_from": period.first.isoformat(),
        "period_to": period.last.isoformat(),
        "file": str(path),
        "error": None,
    }
