"""The workbook «Закриття місяця»: the check list, the money by organisation, account and day, and what is left.

What is not here: what is read (`month`), and how cells are written (`workbook`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from keycrm_pipeline.export_tables import ExportColumn, ExportTable, Kind
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.exports.documents import CAUSES
from keycrm_pipeline.exports.files import put_in_place, stage
from keycrm_pipeline.exports.hand_over import ChangeWriter
from keycrm_pipeline.exports.month import MonthEnd, PaymentSum
from keycrm_pipeline.exports.overview import OverviewRow, written_period
from keycrm_pipeline.exports.reconciliation import RECONCILIATION, reconciliation_frame
from keycrm_pipeline.exports.workbook import write_sheets
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.kinds import MOVEMENT_NAMES
from keycrm_pipeline.warehouse.month import CancelledPayment, DayPayments
from keycrm_pipeline.words import in_words_of

if TYPE_CHECKING:
    from keycrm_pipeline.profile import Workspace

TITLE: Final = "Закриття місяця"

_WRITE: Final = Formatter("uk")
_STATES: Final = {
    "done": "зроблено",
    "open": "не завершено",
    "not_set_up": "не налаштовано",
    "not_loaded": "не завантажено",
}
_DIFFERENCES: Final = {
    "new": "Ще не вивантажено",
    "changed": "Змінено після вивантаження",
    "withdrawn": "Вивантажено раніше, тепер не вивантажується",
}
_SUMS: Final = (
    ExportColumn("payments", "Оплат", Kind.INTEGER),
    ExportColumn("received", "Надійшло", Kind.MONEY),
    ExportColumn("received_for_cancelled", "З них за скасовані замовлення", Kind.MONEY),
    ExportColumn("expenses", "Витрати", Kind.MONEY),
)
_ORGANISATION: Final = ExportColumn("organisation", "Організація")
_ACCOUNT: Final = ExportColumn("account", "Банк. рахунок/Каса")
_CURRENCY: Final = ExportColumn("currency", "Валюта")

_TABLES: Final = (
    ExportTable("organisations", "За організаціями", (_ORGANISATION, _CURRENCY, *_SUMS), ("currency",)),
    ExportTable("accounts", "За рахунками", (_ORGANISATION, _ACCOUNT, _CURRENCY, *_SUMS), ("currency",)),
    ExportTable(
        "days",
        "За датою оплати в KeyCRM",
        (ExportColumn("day", "Дата оплати", Kind.DAY), _ORGANISATION, _ACCOUNT, _CURRENCY, *_SUMS),
        ("currency",),
    ),
    ExportTable(
        "cancelled",
        "Скасовані оплати",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("order_day", "Дата замовлення", Kind.DAY),
            ExportColumn("payment_id", "Код оплати", Kind.INTEGER),
            ExportColumn("kind_name", "Що змінилося"),
            ExportColumn("paid_day", "Дата оплати", Kind.DAY),
            ExportColumn("seen_day", "Коли помічено", Kind.DAY),
            ExportColumn("crm_at", "Час у KeyCRM", Kind.INSTANT),
            ExportColumn("method", "Спосіб оплати"),
            _ACCOUNT,
            _ORGANISATION,
            ExportColumn("amount_before", "Було", Kind.PRICE),
            ExportColumn("amount_after", "Стало", Kind.PRICE),
            ExportColumn("amount", "Зменшення", Kind.MONEY),
            _CURRENCY,
        ),
        ("currency",),
    ),
    ExportTable(
        "documents",
        "Документи до вивантаження",
        (
            ExportColumn("order_id", "Номер замовлення", Kind.INTEGER),
            ExportColumn("state", "Стан"),
            ExportColumn("reason", "Чому"),
        ),
    ),
)

_TYPES: Final[dict[str, Any]] = {
    "day": pl.Date(),
    "order_day": pl.Date(),
    "paid_day": pl.Date(),
    "seen_day": pl.Date(),
    "crm_at": pl.Datetime("us", "UTC"),
    **dict.fromkeys(("order_id", "payment_id", "payments"), pl.Int64()),
    **dict.fromkeys(
        ("received", "received_for_cancelled", "expenses", "amount_before", "amount_after", "amount"),
        pl.Decimal(18, 2),
    ),
}


def write_month(workspace: Workspace, month_end: MonthEnd, directory: Path | None = None) -> Path:
    """Writes the workbook to a directory, that of the exports by default, and returns its path.

    Raises:
        OutputDirectoryError: The directory cannot be written to.
        ExportError: A table has too many rows for a sheet.
    """
    directory = directory or workspace.exports_directory
    name = f"{workspace.profile.name}_{month_end.month.first}_{month_end.month.last}_month.xlsx"
    with stage(directory) as staged:
        _write(staged / name, workspace, month_end)
        (path,) = put_in_place(staged, directory, [name])
    return path


def month_workbook(workspace: Workspace, month_end: MonthEnd) -> bytes:
    """The bytes of the workbook.

    Raises:
        ExportError: A table has too many rows for a sheet.
    """
    target = BytesIO()
    _write(target, workspace, month_end)
    return target.getvalue()


def _write(target: Path | BytesIO, workspace: Workspace, month_end: MonthEnd) -> None:
    profile = workspace.profile
    known = {table.name: table for table in chosen_tables({}, profile.words)}
    closed, compared = known["closed_period_changes"], known[RECONCILIATION]
    writer = ChangeWriter(profile.zone, profile.words, {})
    changes = [(one.document, list(one.changes)) for one in month_end.closed]
    frames = {
        **_frames(month_end, workspace),
        closed.name: writer.closed_period_changes(changes),
        compared.name: reconciliation_frame(month_end.compared),
    }
    write_sheets(
        target,
        [*_TABLES, *([compared] if profile.reconciliation.is_used else []), closed],
        frames,
        foot=f"{profile.name} · {written_period(month_end.month)}",
        day=month_end.month.last,
        timezone=profile.timezone,
        summary=(TITLE, _summary(month_end, workspace)),
    )


def _summary(month_end: MonthEnd, workspace: Workspace) -> list[OverviewRow]:
    profile = workspace.profile
    as_of = month_end.as_of
    return [
        OverviewRow((TITLE, "", "", ""), is_heading=True),
        OverviewRow(("Профіль", profile.name)),
        OverviewRow(("Період", written_period(month_end.month))),
        OverviewRow(
            (
                "Дані станом на",
                "обміну ще не було"
                if as_of is None
                else as_of.astimezone(profile.zone).replace(tzinfo=None, microsecond=0),
            )
        ),
        OverviewRow(),
        OverviewRow(("Крок", "Стан", "Лишилося", ""), is_heading=True),
        *(
            OverviewRow(
                (
                    in_words_of(profile.words, line.message.text(_WRITE)),
                    _STATES[line.step.state],
                    line.step.open,
                )
            )
            for line in month_end.lines
        ),
        OverviewRow(),
        OverviewRow(("Надійшло за датою оплати в KeyCRM", "Валюта", "Оплат", "Сума"), is_heading=True),
        *(
            OverviewRow((one.organisation or "Без організації", one.currency, one.payments, one.received))
            for one in month_end.by_organisation()
        ),
        *(
            OverviewRow(("Оплати без дати, за весь час", one.currency, one.payments, one.received))
            for one in month_end.undated
        ),
        OverviewRow(),
        OverviewRow(("Скасовані оплати", "Валюта", "Оплат", "Сума"), is_heading=True),
        *_cancelled_rows(month_end.cancelled),
        OverviewRow(
            ("Скасована оплата: гроші повернули або виправили помилку; дані KeyCRM цього не розрізняють",)
        ),
    ]


def _cancelled_rows(cancelled: Sequence[CancelledPayment]) -> Iterable[OverviewRow]:
    currencies = dict.fromkeys(one.currency for one in cancelled)
    for currency in currencies:
        amounts = [one.amount for one in cancelled if one.currency == currency]
        yield OverviewRow(("Помічено за місяць", currency, len(amounts), sum(amounts[1:], amounts[0])))
    if not currencies:
        yield OverviewRow(("Немає",))


def _frames(month_end: MonthEnd, workspace: Workspace) -> dict[str, pl.DataFrame]:
    words = workspace.profile.words
    documents = [
        {"order_id": one.order_id, "state": _DIFFERENCES[one.state], "reason": _reason(one.cause, words)}
        for one in month_end.hand_over.differences
    ]
    differing = {one.order_id for one in month_end.hand_over.differences}
    documents += [
        {"order_id": order_id, "state": "Не вивантажено", "reason": _reason(cause, words)}
        for cause, order_ids in month_end.hand_over.held_back.items()
        for order_id in order_ids
        if order_id not in differing
    ]
    cancelled = [asdict(one) | {"kind_name": MOVEMENT_NAMES[one.kind]} for one in month_end.cancelled]
    return {
        "organisations": _frame([asdict(one) for one in month_end.by_organisation()], _names(PaymentSum)),
        "accounts": _frame([asdict(one) for one in month_end.by_account()], _names(PaymentSum)),
        "days": _frame(
            [asdict(one) for one in sorted(month_end.payments, key=lambda one: one.day)],
            _names(DayPayments),
        ),
        "cancelled": _frame(cancelled, (*_names(CancelledPayment), "kind_name")),
        "documents": _frame(
            sorted(documents, key=lambda row: row["order_id"]), ("order_id", "state", "reason")
        ),
    }


def _reason(cause: str | None, words: Any) -> str | None:
    return None if cause is None else in_words_of(words, CAUSES[cause].ukrainian)


def _names(row_type: Any) -> tuple[str, ...]:
    return tuple(one.name for one in fields(row_type))


def _frame(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> pl.DataFrame:
    schema = {name: _TYPES.get(name, pl.String()) for name in names}
    return pl.DataFrame([{name: row[name] for name in names} for row in rows], schema=schema, orient="row")
