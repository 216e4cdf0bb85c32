"""The sheet «Звірка» (R15): payments of KeyCRM beside the money that came, in an export or as a file of its own.

What is not here: how the lines are made (`pipeline.reconciliation`), and the cells (`workbook`, `separated`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from keycrm_pipeline.export_tables import TABLES, ExportTable
from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.exports.errors import ExportError
from keycrm_pipeline.exports.files import put_in_place, stage
from keycrm_pipeline.exports.overview import written_period
from keycrm_pipeline.exports.separated import write_separated
from keycrm_pipeline.exports.workbook import write_sheets
from keycrm_pipeline.kinds import MATCHED_BY_NAMES, RECONCILIATION_NAMES
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.sentences.exports import ExportFailure
from keycrm_pipeline.warehouse.reconciliation_lines import ReconciliationLine

RECONCILIATION = "reconciliation"
"""Name of the table."""

SUFFIXES = (".xlsx", ".csv")
"""How the name of a file of its own ends."""

_MONEY = pl.Decimal(18, 2)
_TYPES: Mapping[str, Any] = {
    **dict.fromkeys(("day", "paid_day", "received_day"), pl.Date),
    **dict.fromkeys(("order_id", "payment_id", "days_in_transit", "transaction_id"), pl.Int64),
    **dict.fromkeys(("paid", "received", "difference", "fee", "expected_fee"), _MONEY),
}
_COLUMNS = tuple(column.name for table in TABLES if table.name == RECONCILIATION for column in table.columns)


def is_compared(table: ExportTable, profile: Profile) -> bool:
    """Whether a table has a place in the files of a profile: one that compares nothing has no reconciliation."""
    return table.name != RECONCILIATION or profile.reconciliation.is_used


def reconciliation_frame(
    lines: Sequence[ReconciliationLine], organisation: str | None = None
) -> pl.DataFrame:
    """The rows of the sheet, with names for the codes.

    Args:
        lines: The lines, in order.
        organisation: Only those of this legal entity, and those of none, which would be lost between them; None for
            all.
    """
    chosen = [line for line in lines if organisation is None or line.organisation in (None, organisation)]
    rows = [_row(line) for line in chosen]
    return pl.DataFrame(
        {name: [row[name] for row in rows] for name in _COLUMNS},
        schema={name: _TYPES.get(name, pl.String) for name in _COLUMNS},
    )


def _row(line: ReconciliationLine) -> dict[str, Any]:
    codes = vars(line)
    return {
        **codes,
        "kind_name": RECONCILIATION_NAMES[line.kind],
        "matched_by_name": None if line.matched_by is None else MATCHED_BY_NAMES[line.matched_by],
        "place": place_of(line),
    }


def place_of(line: ReconciliationLine) -> str | None:
    """Where the money of a line was found: a file with its row, or a transaction of KeyCRM."""
    if line.file_name is not None:
        return f"{line.file_name}, рядок {line.line}"
    return None if line.transaction_id is None else f"KeyCRM, операція {line.transaction_id}"


def write_reconciliation(
    profile: Profile, period: Period, lines: Sequence[ReconciliationLine], path: Path
) -> Path:
    """Writes the lines of a period as a workbook or as CSV, as the name of the file says, and returns its path.

    Raises:
        ExportError: The name ends otherwise, or the directory cannot be written to.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ExportError(ExportFailure.NO_FORMAT_OF_NAME.message(name=path.name, suffixes=SUFFIXES))
    # Whatever the column map of exports leaves out: who asks for this file wants it.
    (table,) = (table for table in chosen_tables({}, profile.words) if table.name == RECONCILIATION)
    frame = reconciliation_frame(lines)
    path = path.absolute()
    with stage(path.parent) as staged:
        if suffix == ".csv":
            write_separated(staged / path.name, table, frame, timezone=profile.timezone)
        else:
            foot = f"{table.title}: {profile.name}, {written_period(period)}"
            write_sheets(
                staged / path.name,
                [table],
                {table.name: frame},
                foot=foot,
                day=period.last,
                timezone=profile.timezone,
            )
        (written,) = put_in_place(staged, path.parent, [path.name])
    return written
