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
from keycrm_pipeline.formatting import current_formatter
from keycrm_pipeline.kinds import EXCHANGE_KINDS, EXCHANGE_STATUSES
from keycrm_pipeline.language import _, counted, message
from keycrm_pipeline.profile import Profile, Workspace
from keycrm_pipeline.reading import books_of
from keycrm_pipeline.reports.wording import current_wording
from keycrm_pipeline.run.summary import ExchangeSummary, sums_as_json
from keycrm_pipeline.schemas.review_kinds import REVIEW_LIST
from keycrm_pipeline.sentences import MessageError, Sentence
from keycrm_pipeline.warehouse.days import left_out
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.exchanges import Exchange, ExchangeCounts
from keycrm_pipeline.warehouse.readings import KnownReading
from keycrm_pipeline.warehouse.sums import OrderSum

if TYPE_CHECKING:
    from keycrm_pipeline.commands.check import AccountCheck

_LABEL_WIDTH = 28
_VALUE_WIDTH = 16

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


def in_words(sentence: Sentence) -> str:
    """A stored sentence, or a title, in the current language."""
    return current_wording().of(sentence)


def in_these_words(text: str) -> str:
    """A text in the words that the profile chooses, if it is Ukrainian."""
    return current_wording().in_words(text)


def failure_in_words(exchange: Exchange) -> str:
    """Why an exchange failed, in the current language; empty if it did not."""
    return in_these_words(exchange.error_text(current_formatter()))


def error_in_words(error: str | Exception) -> str:
    """An error in the current language; as it is if it has no other."""
    if isinstance(error, MessageError):
        return in_these_words(error.message.text(current_formatter()))
    return str(error)


def kind_in_words(kind: str) -> str:
    """The name of a kind of exchange."""
    return _(EXCHANGE_KINDS.get(kind, kind))


def print_row(label: str, value: str, rest: str = "") -> None:
    """Prints a label and a value to its right; a long label pushes the value."""
    click.echo(f"{label:<{_LABEL_WIDTH}}{value:>{_VALUE_WIDTH}}{rest}")


def reading_as_json(reading: KnownReading | None) -> dict[str, Any] | None:
    """The date that KeyCRM's filter `created_between` goes by, as `--json` prints it; None while nothing is proven."""
    if reading is None:
        return None
    return {"reading": reading.reading, "since": reading.learned_at.isoformat(), "order_id": reading.order_id}


def reading_in_words(reading: KnownReading | None, timezone: str) -> str:
    """The date that KeyCRM's filter `created_between` goes by, for users; since when in a time zone."""
    if reading is None:
        return _(
            "KeyCRM selects a period's orders by created_at or ordered_at: not known yet, loads allow for both."
        )
    return _(
        "KeyCRM selects a period's orders by {reading}: known since {moment} from order {order_id}.",
        reading=reading.reading,
        moment=current_formatter().instant(reading.learned_at, timezone),
        order_id=reading.order_id,
    )


def print_summary(summary: ExchangeSummary) -> None:
    """Prints the exchange summary: what an exchange did, and what needs attention."""
    print_exchange(summary)
    print_review(summary.review)
    if summary.exchange.error:
        click.echo(_("Error: {message}", message=failure_in_words(summary.exchange)), err=True)


def print_left_out(workspace: Workspace, order_ids: Sequence[int]) -> None:
    """Says which of these orders are stored and not in the books, because of their day (R1)."""
    try:
        with books_of(workspace).reading() as connection:
            outside = left_out(connection, workspace.profile.start_date, order_ids)
    except WarehouseError:
        # The exchange has succeeded; another program holds the file.
        return
    if outside.before_start_date:
        click.echo(
            _(
                "Kept raw, because their day is before start_date: {count}.",
                count=current_formatter().number(outside.before_start_date),
            )
        )
    if outside.days_not_loaded:
        click.echo(
            _(
                "Kept raw until their day is loaded (load it with `load`): {count}.",
                count=current_formatter().number(outside.days_not_loaded),
            )
        )


def print_exchange(summary: ExchangeSummary, shown_status: str | None = None) -> None:
    """Prints what an exchange did.

    Args:
        summary: The exchange.
        shown_status: The status to show instead of the one in the log.
    """
    exchange = summary.exchange
    write = current_formatter()
    period = "" if exchange.period is None else f", {write.period(exchange.period)}"
    status = shown_status or exchange.outcome
    click.echo(
        _(
            "Exchange {number} ({profile}, {kind}{period}): {status}",
            number=exchange.exchange_id,
            profile=exchange.profile,
            kind=kind_in_words(exchange.kind),
            period=period,
            status=_(EXCHANGE_STATUSES.get(status, status)),
        )
    )
    for label, count in (
        (_("Orders in KeyCRM"), exchange.orders_seen),
        (f"  {_('created')}", exchange.orders_created),
        (f"  {_('updated')}", exchange.orders_updated),
        (f"  {_('unchanged')}", exchange.orders_unchanged),
        (f"  {_('rejected')}", exchange.orders_rejected),
        (_("New partners (Контрагент)"), exchange.partners_created),
        (_("New products (Товар)"), exchange.products_created),
        (_("Requests to KeyCRM"), exchange.requests),
    ):
        print_row(label, write.number(count))
    if summary.seconds is not None:
        duration = _("{seconds} s", seconds=write.number(Decimal(str(summary.seconds))))
    else:
        duration = _("still running") if exchange.status == "running" else _("interrupted")
    print_row(_("Duration"), duration)
    for currency, sums in summary.sums.items():
        _print_sum(f"{_('Sales')}, {currency}", sums.sales)
        _print_sum(f"{_('Cancelled')}, {currency}", sums.cancelled)
        _print_sum(f"{_('All orders')}, {currency}", sums.all_orders)
    if summary.sums:
        click.echo(_("An export of the period:"))
    for currency, sums in summary.sums.items():
        _print_sum(f"  {_('Exported')}, {currency}", sums.exported)
        _print_sum(f"  {_('Held back')}, {currency}", sums.all_held_back)


def _print_sum(label: str, one: OrderSum) -> None:
    write = current_formatter()
    orders = counted("order", "orders", one.orders)
    print_row(label, write.amount(one.amount), f"{write.number(one.orders):>8} {orders}")


def review_title(kind: str) -> str:
    """What the entries of a kind of the review list are; the kind itself when this version does not know it."""
    known = REVIEW_LIST.get(kind)
    return kind if known is None else in_words(known.title)


def print_review(review: Mapping[str, int]) -> None:
    """Prints what needs attention, by kind."""
    if not review:
        click.echo(_("Nothing needs your attention."))
        return
    click.echo(_("Needs your attention (see `keycrm-pipeline review`):"))
    for kind, count in review.items():
        click.echo(f"  {current_formatter().number(count):>6}  {review_title(kind)}")


_CHECK_TABLES: Sequence[tuple[str, str, Mapping[str, str]]] = (
    (
        "statuses",
        message("Statuses (statuses.stages)"),
        {
            "id": message("Id"),
            "name": message("Name"),
            "group": message("Group"),
            "stage": message("Stage (Стадія)"),
            "is_loaded": message("Loaded"),
        },
    ),
    (
        "sources",
        message("Sources"),
        {
            "id": message("Id"),
            "name": message("Name (Джерело)"),
            "driver": message("Kind"),
            "currency": message("Currency"),
        },
    ),
    (
        "categories",
        message("Categories (service_categories)"),
        {
            "id": message("Id"),
            "name": message("Name"),
            "parent_id": message("Parent"),
            "is_service": message("Service (Послуга)"),
        },
    ),
    (
        "managers",
        message("Managers (managers)"),
        {"id": message("Id"), "name": message("Name"), "user": message("User (Відповідальний)")},
    ),
    (
        "payment_methods",
        message("Payment methods (payment_methods)"),
        {
            "id": message("Id"),
            "name": message("Name"),
            "account": message("Account (Банк. рахунок/Каса)"),
            "kind": message("Kind (Вид оплати)"),
        },
    ),
    (
        "delivery_services",
        message("Delivery services"),
        {"id": message("Id"), "name": message("Name (Служба доставки)")},
    ),
)
"""Each list of the account: its name, its title with the setting that maps it, and its columns, as messages."""


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
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
            console.print(
                Text(
                    _(
                        "{title}: KeyCRM gave no list. {reason}",
                        title=_(title),
                        reason=error_in_words(check.refused[name]),
                    )
                )
            )
            continue
        table = Table(title=_(title), title_justify="left", box=box.SIMPLE_HEAD)
        for header in columns.values():
            table.add_column(_(header), overflow="fold")
        for row in check.lists.get(name, []):
            # As plain text: square brackets in a name are not markup.
            table.add_row(*(Text(_cell(row.get(column))) for column in columns))
        console.print(table)
    for file_name, cards in check.catalogue_cards.items():
        console.print(Text(_("Cards of the books in {file}: {cards}", file=file_name, cards=cards)))
    _print_sentences(console, _("Not mapped, so defaults are used"), check.unmapped)
    _print_sentences(console, _("Named in the profile, but not in KeyCRM"), check.unknown)
    _print_sentences(console, _("Fix before loading"), check.problems)
    console.print(Text(reading_in_words(check.reading, profile.timezone)))
    if check.is_ready:
        console.print(Text(_("Profile {profile} is ready: key and connection work.", profile=profile.name)))


def _print_sentences(console: Any, title: str, sentences: Sequence[str]) -> None:
    if sentences:
        console.print(f"{title}:", markup=False)
        for sentence in sentences:
            console.print(f"  - {sentence}", markup=False)
