"""The description of a table: its columns, their types, comments and checks, each written once.

From one `Table` are derived the statement that creates it (`warehouse`), the checks that a frame must pass before it
is written (`Table.checked`), the column comments in DuckDB, the column list of the Dagster asset and the table
reference in the docs. SQL, Dagster and accounting rules do not belong here.

In a frame, money is whole kopiykas, quantities are thousandths, percentages millionths, and what is multiplied in full
is billionths (all Int64): Python decimal objects are slow, and binary floats lose kopiykas. The tables themselves use
DECIMAL; the warehouse converts.

pandera and polars are imported only when a frame is checked: a command that just reads the exchange log must answer
at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandera.polars as pa
    import polars as pl

MONEY = "DECIMAL(18,2)"
"""Hryvnias (or the order's own currency) with kopiykas."""
QUANTITY = "DECIMAL(18,3)"
"""A quantity as a document shows it."""
FULL = "DECIMAL(19,9)"
"""A price per unit or a quantity as KeyCRM sent it, to be multiplied in full (R6). Billionths up to nine billion fit
into 64 bits; larger values are rejected."""
PERCENT = "DECIMAL(18,6)"
INSTANT = "TIMESTAMPTZ"
TEXT_LIST = "VARCHAR[]"
INTEGER_LIST = "BIGINT[]"

CheckMaker = Callable[[], "pa.Check"]
"""Creates a pandera check when a frame schema is built."""


@cache
def _frame_types() -> dict[str, Any]:
    import polars as pl

    return {
        "BIGINT": pl.Int64,
        "INTEGER": pl.Int32,
        "UBIGINT": pl.UInt64,
        "VARCHAR": pl.String,
        "JSON": pl.String,
        "BOOLEAN": pl.Boolean,
        "DATE": pl.Date,
        "DOUBLE": pl.Float64,
        INSTANT: pl.Datetime("us", "UTC"),
        MONEY: pl.Int64,
        QUANTITY: pl.Int64,
        FULL: pl.Int64,
        PERCENT: pl.Int64,
        TEXT_LIST: pl.List(pl.String),
        INTEGER_LIST: pl.List(pl.Int64),
    }


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        name: The public name.
        type: The DuckDB type.
        comment: One sentence for readers of the table.
        nullable: Whether the value may be missing.
        checks: Create the pandera checks of the column's values in a frame (money in kopiykas, quantities in
            thousandths).
    """

    name: str
    type: str
    comment: str
    nullable: bool = True
    checks: tuple[CheckMaker, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table of a profile's database.

    Attributes:
        schema: The DuckDB schema: `raw`, `validated`, `accounting` or `ops`.
        name: The table's name.
        comment: What one row is, for readers of the table.
        columns: The columns, in order.
        primary_key: The columns that identify a row.
        frame_checks: Create the pandera checks that involve several columns.
    """

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    frame_checks: tuple[CheckMaker, ...] = field(default=())

    @property
    def qualified_name(self) -> str:
        """`schema.name`, as in SQL."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column with that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same frame, after checking that its columns are those of the table: type, no missing value, all checks.

        Types and missing values are checked for all columns at once, by polars alone. pandera goes through a frame
        column by column, a millisecond each, which was a tenth of a load's work; it only gets the columns with checks.

        Args:
            frame: Rows of this table, units as in the module's docstring; columns may be left out.

        Raises:
            TypeError: A column is not in the table, has another type, or lacks a required value.
            pandera.errors.SchemaErrors: A check failed, or two rows have the same key.
        """
        wrong = [
            name
            for name, column_type in frame.schema.items()
            if name not in self.column_names or column_type != frame_type(self.column(name).type)
        ]
        if wrong:
            raise TypeError(f"Columns that do not match {self.qualified_name}: {', '.join(wrong)}.")
        required = [name for name in frame.columns if not self.column(name).nullable]
        gaps = frame.select(required).null_count().row(0, named=True) if required else {}
        if any(gaps.values()):
            lacking = ", ".join(f"{name} ({count} rows)" for name, count in gaps.items() if count)
            raise TypeError(f"Columns of {self.qualified_name} that lack values: {lacking}.")
        if not frame.is_empty():
            self._value_checks.validate(frame, lazy=True)
        return frame

    @cached_property
    def _value_checks(self) -> pa.DataFrameSchema:
        import pandera.polars as pa

        return pa.DataFrameSchema(
            {
                column.name: pa.Column(
                    checks=[make() for make in column.checks], required=False, nullable=True
                )
                for column in self.columns
                if column.checks
            },
            checks=[make() for make in self.frame_checks],
            unique=list(self.primary_key),
            name=self.qualified_name,
        )

    def __hash__(self) -> int:
        """Tables are identified by their name."""
        return hash(self.qualified_name)


def frame_type(column_type: str) -> Any:
    """The polars type in a frame of a column with that DuckDB type."""
    return _frame_types()[column_type]


def not_below_zero(what: str) -> CheckMaker:
    """A check that a number is not negative; `what` names it in the failure."""

    def make() -> pa.Check:
        import pandera.polars as pa

        return pa.Check.ge(0, error=f"{what} is below zero")

    return make


def one_of(what: str, values: tuple[str, ...]) -> CheckMaker:
    """A check that a text is one of the values; `what` names it in the failure."""

    def make() -> pa.Check:
        import pandera.polars as pa

        return pa.Check.isin(values, error=f"{what} is not one of {', '.join(values)}")

    return make


def adds_up(total: str, parts: tuple[str, ...]) -> CheckMaker:
    """A check that some columns of each row add up to another, in whole kopiykas."""

    def make() -> pa.Check:
        import pandera.polars as pa
        import polars as pl

        def rows_add_up(data: pa.PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.sum_horizontal(parts) == pl.col(total))

        return pa.Check(rows_add_up, error=f"{' + '.join(parts)} is not {total}")

    return make
