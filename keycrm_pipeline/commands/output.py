"""What the commands print: the exchange summary, the status and the check, for users and as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from keycrm_pipeline.commands.streams import is_utf8
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.run.summary import ExchangeSummary, sums_as_json
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.warehouse.days import left_out
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.exchanges import ExchangeCounts
from keycrm_pipeline.warehouse.readings import KnownReading
from keycrm_pipeline.warehouse.sums import OrderSum

if TYPE_CHECKING:
    from keycrm_pipeline.commands.check import AccountCheck

PLAIN_WIDTH = 120
"""Columns of a table that is not printed on a terminal: a file does not need narrow lines."""


def print_json(value: Mapping[str, Any]) -> None:
    """Prints one JSON object on standard output; escapes what the stream cannot carry."""
    escapes = not is_utf8(sys.stdout)
    click.echo(json.dumps(value, ensure_ascii=escapes, indent=2, default=str))


def failed_load(profile: str | None) -> dict[str, Any]:
    """The keys of a load that could not start, all empty."""
    return {
        **dict.fromkeys(("exchange_id", "run_id", "kind", "period_from", "period_to", "started_at")),
        **dict.fromkeys(("finished_at", "seconds")),
        **dict.fromkeys((count.name for count in fields(ExchangeCounts)), 0),
        **sums_as_json({}),
        "review": {},
        "profile": profile,
    }


def money(amount: Decimal) -> str:
    """`1 234 567.80`, with spaces between the thousands."""
    return f"{amount:,.2f}".replace(",", " ")


def reading_as_json(reading: KnownReading | None) -> dict[str, Any] | None:
    """The date that KeyCRM's filter `created_between` goes by, as `--json` prints it; None while nothing is proven."""
    if reading is None:
        return None
    return {"reading": reading.reading, "since": reading.learned_at.isoformat(), "order_id": reading.order_id}


def reading_in_words(reading: KnownReading | None) -> str:
    """The date that KeyCRM's filter `created_between` goes by, for users."""
    if reading is None:
        return "KeyCRM selects a period's orders by created_at or ordered_at: not known yet, loads allow for both."
    return (
        f"KeyCRM selects a period's orders by {reading.reading}: known since {reading.learned_at:%d.%m.%Y %H:%M} "
        f"from order {reading.order_id}."
    )


def print_summary(summary: ExchangeSummary) -> None:
    """Prints the exchange summary: what an exchange did, and what needs attention."""
    print_exchange(summary)
    print_review(summary.review)
    if summary.exchange.error:
        click.echo(f"Error: {summary.exchange.error}", err=True)


def print_left_out(workspace: Workspace, order_ids: Sequence[int]) -> None:
    """Says which of these orders are stored and not in the books, because of their day (R1)."""
    try:
        with books_of(workspace).reading() as connection:
            outside = left_out(connection, workspace.profile.start_date, order_ids)
    except WarehouseError:
        # The exchange has succeeded; another program holds the file.
        return
    if outside.before_start_date:
        click.echo(f"Kept raw, because their day is before start_date: {outside.before_start_date}.")
    if outside.days_not_loaded:
        click.echo(f"Kept raw until their day is loaded (load it with `load`): {outside.days_not_loaded}.")


def print_exchange(summary: ExchangeSummary, shown_status: str | None = None) -> None:
    """Prints what an exchange did.

    Args:
        summary: The exchange.
        shown_status: The status to show instead of the one in the log.
    """
    exchange = summary.exchange
    period = ""
    if exchange.period is not None:
        period = f", {exchange.period.first:%d.%m.%Y} to {exchange.period.last:%d.%m.%Y}"
    status = shown_status or exchange.outcome
    click.echo(f"Exchange {exchange.exchange_id} ({exchange.profile}, {exchange.kind}{period}): {status}")
    if summary.seconds is not None:
        duration = f"{summary.seconds:.1f} s"
    else:
        duration = "still running" if exchange.status == "running" else "interrupted"
    for label, value in (
        ("Orders in KeyCRM", exchange.orders_seen),
        ("  created", exchange.orders_created),
        ("  updated", exchange.orders_updated),
        ("  unchanged", exchange.orders_unchanged),
        ("  rejected", exchange.orders_rejected),
        ("New partners (Контрагент)", exchange.partners_created),
        ("New products (Товар)", exchange.products_created),
        ("Requests to KeyCRM", exchange.requests),
        ("Duration", duration),
    ):
        click.echo(f"{label:<28}{value:>16}")
    for currency, sums in summary.sums.items():
        _print_sum(f"Sales, {currency}", sums.sales)
        _print_sum(f"Cancelled, {currency}", sums.cancelled)
        _print_sum(f"All orders, {currency}", sums.all_orders)
    if summary.sums:
        click.echo("An export of the period:")
    for currency, sums in summary.sums.items():
        _print_sum(f"  Exported, {currency}", sums.exported)
        _print_sum(f"  Held back, {currency}", sums.all_held_back)


def _print_sum(label: str, one: OrderSum) -> None:
    click.echo(
        f"{label:<28}{money(one.amount):>16}{one.orders:>8} {'order' if one.orders == 1 else 'orders'}"
    )


def review_title(kind: str) -> str:
    """What the entries of a kind of the review list are; the kind itself when this version does not know it."""
    known = REVIEW_LIST.get(kind)
    return kind if known is None else known.title.english


def print_review(review: Mapping[str, int]) -> None:
    """Prints what needs attention, by kind."""
    if not review:
        click.echo("Nothing needs your attention.")
        return
    click.echo("Needs your attention (see `keycrm-pipeline review`):")
    for kind, count in review.items():
        click.echo(f"  {count:>6}  {review_title(kind)}")


_CHECK_TABLES: Sequence[tuple[str, str, Mapping[str, str]]] = (
    (
        "statuses",
        "Statuses (statuses.stages)",
        {"id": "Id", "name": "Name", "group": "Group", "stage": "Stage (Стадія)", "is_loaded": "Loaded"},
    ),
    (
        "sources",
        "Sources",
        {"id": "Id", "name": "Name (Джерело)", "driver": "Kind", "currency": "Currency"},
    ),
    (
        "categories",
        "Categories (service_categories)",
        {"id": "Id", "name": "Name", "parent_id": "Parent", "is_service": "Послуга"},
    ),
    (
        "managers",
        "Managers (managers)",
        {"id": "Id", "name": "Name", "user": "User (Відповідальний)"},
    ),
    (
        "payment_methods",
        "Payment methods (accounts)",
        {"id": "Id", "name": "Name", "account": "Account (Банк. рахунок/Каса)"},
    ),
    ("delivery_services", "Delivery services", {"id": "Id", "name": "Name (Служба доставки)"}),
)
"""Each list of the account: its name, its title with the setting that maps it, and its columns."""


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def print_check(profile: Profile, check: AccountCheck) -> None:
    """Prints every list of the account with ids and what the profile maps them to, and what is still missing."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PLAIN_WIDTH)
    for name, title, columns in _CHECK_TABLES:
        if name in check.refused:
            console.print(Text(f"{title}: KeyCRM gave no list. {check.refused[name]}"))
            continue
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for header in columns.values():
            table.add_column(header, overflow="fold")
        for row in check.lists.get(name, []):
            # As plain text: square brackets in a name are not markup.
            table.add_row(*(Text(_cell(row.get(column))) for column in columns))
        console.print(table)
    for file_name, cards in check.catalogue_cards.items():
        console.print(Text(f"Cards of the books in {file_name}: {cards}"))
    _print_sentences(console, "Not mapped, so defaults are used", check.unmapped)
    _print_sentences(console, "Named in the profile, but not in KeyCRM", check.unknown)
    _print_sentences(console, "Fix before loading", check.problems)
    console.print(Text(reading_in_words(check.reading)))
    if check.is_ready:
        console.print(Text(f"Profile {profile.name} is ready: key and connection work."))


def _print_sentences(console: Any, title: str, sentences: Sequence[str]) -> None:
    if sentences:
        console.print(f"{title}:", markup=False)
        for sentence in sentences:
            console.print(f"  - {sentence}", markup=False)
