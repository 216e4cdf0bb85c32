"""The totals under a sheet of the workbook: formulas that follow the filter, with the values they have unfiltered.

What is not here: which columns are money and what must not be added together (`columns`), and the cells (`workbook`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import polars as pl
from xlsxwriter.utility import xl_col_to_name

from keycrm_pipeline.export_tables import ExportTable, Kind


@dataclass(frozen=True)
class Total:
    """One sum: its formula, and its value as long as nothing is filtered out."""

    formula: str
    amount: Decimal


@dataclass(frozen=True)
class TotalRow:
    """The totals of one combination of values, such as a currency.

    Attributes:
        values: Position of a column -> the value that all added rows have in it.
        totals: Position of a money column -> its total; without sums that nobody knows.
    """

    values: Mapping[int, str]
    totals: Mapping[int, Total]


def total_rows(table: ExportTable, frame: pl.DataFrame) -> list[TotalRow]:
    """The total rows of a sheet whose header is in row 1 and whose rows follow it.

    Sums of different currencies are never added: each combination of values in `totals_by` has a row of its own, in the
    order in which they occur. A table with a column map of its own has no totals, because the program that imports it
    would take them for documents.
    """
    if table.is_mapped or not table.totals_by or frame.is_empty():
        return []
    positions = {column.name: position for position, column in enumerate(table.columns)}
    money = [column for column in table.columns if column.kind is Kind.MONEY]
    sums = frame.group_by(table.totals_by, maintain_order=True).agg(
        pl.col(column.name).sum()
        if column.is_known
        else pl.when(pl.col(column.name).count() > 0).then(pl.col(column.name).sum()).alias(column.name)
        for column in money
    )
    last = frame.height + 1
    rows: list[TotalRow] = []
    for row in sums.iter_rows(named=True):
        values = {positions[name]: row[name] or "" for name in table.totals_by}
        conditions = values if sums.height > 1 else {}
        rows.append(
            TotalRow(
                values,
                {
                    position: Total(_formula(position, conditions, last), amount)
                    for position, amount in ((positions[column.name], row[column.name]) for column in money)
                    if amount is not None
                },
            )
        )
    return rows


def _formula(position: int, conditions: Mapping[int, str], last: int) -> str:
    """The sum of the visible cells of a column down to the row `last`, in rows that meet all conditions."""

    def cells(of: int) -> str:
        name = xl_col_to_name(of)
        return f"{name}$2:{name}${last}"

    if not conditions:
        return f"=SUBTOTAL(109,{cells(position)})"
    first = f"{xl_col_to_name(position)}$2"
    # SUBTOTAL leaves out hidden rows but takes no condition, so it is asked for each cell.
    visible = f"SUBTOTAL(109,OFFSET({first},ROW({cells(position)})-ROW({first}),0))"
    tests = [f"--({cells(of)}={_quoted(value)})" for of, value in conditions.items()]
    return f"=SUMPRODUCT({','.join([visible, *tests])})"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
