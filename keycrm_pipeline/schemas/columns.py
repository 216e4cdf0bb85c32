"""What a table is: its columns, their types, comments and checks, each written once.

From one `Table` come the statement that creates it (`warehouse`), the checks that a frame must pass before it is
written (`Table.checked`), the column comments in DuckDB, the column list of the Dagster asset and the table
reference of the docs. No SQL, no Dagster and no rule of bookkeeping belongs here.

A frame carries money as whole kopiykas, quantities as thousandths, prices and percents as millionths (all
Int64): decimals as Python objects are slow, and binary floats lose kopiykas. The tables themselves hold
DECIMAL; the warehouse converts at the border.

pandera and polars are imported when a frame is checked, not before: a command that only reads the exchange
log must answer at once.
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
PRICE = "DECIMAL(18,6)"
"""A price per unit as the CRM keeps it: percentages leave more than two decimals."""
PERCENT = "DECIMAL(18,6)"
INSTANT = "TIMESTAMPTZ"
TEXT_LIST = "VARCHAR[]"
INTEGER_LIST = "BIGINT[]"

CheckMaker = Callable[[], "pa.Check"]
"""Makes a pandera check when a frame schema is built."""


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
        PRICE: pl.Int64,
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
        comment: One sentence for the person who reads the table.
        nullable: Whether the value may be missing.
        checks: Make the pandera checks of the column's values in a frame (money in kopiykas, quantities in
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
        comment: What one row is, for the person who reads the table.
        columns: The columns, in order.
        primary_key: The columns that identify a row.
        frame_checks: Make the pandera checks that look at several columns at once.
    """

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    frame_checks: tuple[CheckMaker, ...] = field(default=())

    @property
    def qualified_name(self) -> str:
        """`schema.name`, as SQL writes it."""
        return f"{self.schema}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of all columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def checked(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The same frame, once each of its columns is what the table says: its type, no gap in it, all checks passed.

        Types and gaps are looked at for all columns at once, by polars alone. pandera goes through a frame column by
        column, a millisecond each, which was a tenth of a load's work; it sees those that have checks of their own.

        Args:
            frame: Rows of this table, units as in the module's docstring; columns may be left out.

        Raises:
            TypeError: A column is missing from the table, of another type, or lacks a value that it must have.
            pandera.errors.SchemaErrors: A check failed, or two rows have the same key.
        """
        wrong = [
            name
            for name, column_type in frame.schema.items()
            if name not in self.column_names or column_type != frame_type(self.column(name).type)
        ]
        if wrong:
            raise TypeError(f"Columns that are not as in {self.qualified_name}: {', '.join(wrong)}.")
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
        """Tables are told apart by their name."""
        return hash(self.qualified_name)


def frame_type(column_type: str) -> Any:
    """The polars type in which a frame carries a column of that DuckDB type."""
    return _frame_types()[column_type]


def above_zero(what: str) -> CheckMaker:
    """A check that a number is more than zero; `what` names it in the failure."""

    def make() -> pa.Check:
        import pandera.polars as pa

        return pa.Check.gt(0, error=f"{what} is not above zero")

    return make


def one_of(what: str, values: tuple[str, ...]) -> CheckMaker:
    """A check that a text is one of a few; `what` names it in the failure."""

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
