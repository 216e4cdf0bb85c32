"""What the commands print: the exchange summary, the status and the check, for people and as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import click

from keycrm_pipeline.exchange.summary import ExchangeSummary

REVIEW_WORDS: Mapping[str, str] = {
    "unmapped_status": "statuses without a stage (Етап)",
    "unmapped_manager": "managers without a user (Відповідальний)",
    "partner_name_conflict": "partners (Партнер) whose names disagree",
    "ambiguous_product_name": "product names carried by several cards (Товар)",
    "product_promoted": "products that became Товар з SKU",
    "order_difference": "orders that do not add up in KeyCRM",
    "rejected_order": "orders that could not be loaded",
    "missing_in_crm": "orders no longer in KeyCRM",
}
"""Kinds of the review list, in words."""


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def money(amount: Decimal) -> str:
    """`1 234 567.80`, with thin blanks for thousands."""
    return f"{amount:,.2f}".replace(",", " ")


def print_summary(summary: ExchangeSummary) -> None:
    """Prints what an exchange did and what waits for a person."""
    exchange = summary.exchange
    period = ""
    if exchange.period_from is not None and exchange.period_to is not None:
        period = f", {exchange.period_from:%d.%m.%Y} to {exchange.period_to:%d.%m.%Y}"
    click.echo(f"Exchange {exchange.exchange_id} ({exchange.profile}, {exchange.kind}{period}): {exchange.status}")
    seconds = f"{summary.seconds:.1f} s" if summary.seconds is not None else "still running"
    for label, value in (
        ("Orders in KeyCRM", exchange.orders_seen),
        ("  created", exchange.orders_created),
        ("  updated", exchange.orders_updated),
        ("  unchanged", exchange.orders_unchanged),
        ("  rejected", exchange.orders_rejected),
        ("New partners (Партнер)", exchange.partners_created),
        ("New products (Товар)", exchange.products_created),
        ("Requests to KeyCRM", exchange.requests),
        ("Duration", seconds),
    ):
        click.echo(f"{label:<28}{value:>16}")
    for currency, total in summary.totals.items():
        click.echo(f"{'Sum of the period, ' + currency:<28}{money(total):>16}")
    print_review(summary.review)
    if exchange.error:
        click.echo(f"Error: {exchange.error}", err=True)


def print_review(review: Mapping[str, int]) -> None:
    """Prints what waits for a person, by kind."""
    if not review:
        click.echo("Nothing waits for a person.")
        return
    click.echo("Waits for a person (see `keycrm-pipeline review`):")
    for kind, count in review.items():
        click.echo(f"  {count:>6}  {REVIEW_WORDS.get(kind, kind)}")
