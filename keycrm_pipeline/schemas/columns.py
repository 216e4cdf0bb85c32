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

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandas_pa
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
RATE = PERCENT
"""Hryvnias for one unit of another currency."""
INSTANT = "TIMESTAMPTZ"
TEXT_LIST = "VARCHAR[]"
INTEGER_LIST = "BIGINT[]"

CheckMaker = Callable[[], "pa.Check"]
"""Creates a pandera check when a frame schema is built; it works on frames of polars and of pandas."""


@dataclass(frozen=True)
class FrameCheck:
    """A check that involves several columns.

    Attributes:
        columns: Their names.
        make: Creates the check.
    """

    columns: tuple[str, ...]
    make: CheckMaker


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
        frame_checks: The checks that involve several columns.
        has_index: Whether DuckDB holds the primary key. An index takes memory and, in a table of short rows, several
            times their space: without it whoever writes the rows sees to it that they are unique.
    """

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    frame_checks: tuple[FrameCheck, ...] = field(default=())
    has_index: bool = True

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
            checks=[check.make() for check in self.frame_checks],
            unique=list(self.primary_key),
            name=self.qualified_name,
        )

    def pandas_schema(self, columns: Sequence[str] | None = None) -> pandas_pa.DataFrameSchema:
        """The table as a pandera schema for pandas frames with Arrow types, as the reader of the books gives them.

        Types, required values, keys and checks are those of the table; money is in hryvnias (or the currency of the
        row), and an instant may be of any time zone. Further columns of a frame are allowed.

        Args:
            columns: Only these columns; a key or a check of which one is left out is left out too.
        """
        import pandera.pandas as pandas_pa

        chosen = self.column_names if columns is None else tuple(columns)
        return pandas_pa.DataFrameSchema(
            {name: _pandas_column(self.column(name)) for name in chosen},
            checks=[check.make() for check in self.frame_checks if set(check.columns) <= set(chosen)],
            unique=list(self.primary_key) if set(self.primary_key) <= set(chosen) else None,
            name=self.qualified_name,
        )

    def __hash__(self) -> int:
        """Tables are identified by their name."""
        return hash(self.qualified_name)


def frame_type(column_type: str) -> Any:
    """The polars type in a frame of a column with that DuckDB type."""
    return _frame_types()[column_type]


@cache
def _arrow_types() -> dict[str, Any]:
    import pyarrow

    return {
        "BIGINT": pyarrow.int64(),
        "INTEGER": pyarrow.int32(),
        "UBIGINT": pyarrow.uint64(),
        "VARCHAR": pyarrow.string(),
        "JSON": pyarrow.string(),
        "BOOLEAN": pyarrow.bool_(),
        "DATE": pyarrow.date32(),
        "DOUBLE": pyarrow.float64(),
        MONEY: pyarrow.decimal128(18, 2),
        QUANTITY: pyarrow.decimal128(18, 3),
        FULL: pyarrow.decimal128(19, 9),
        PERCENT: pyarrow.decimal128(18, 6),
        TEXT_LIST: pyarrow.list_(pyarrow.string()),
        INTEGER_LIST: pyarrow.list_(pyarrow.int64()),
    }


def _pandas_column(column: Column) -> pandas_pa.Column:
    import pandas as pd
    import pandera.pandas as pandas_pa

    checks = [make() for make in column.checks]
    if column.type == INSTANT:
        # The zone is the profile's, and part of the type.
        has_zone = pandas_pa.Check(
            lambda series: getattr(series.dt, "tz", None) is not None, error="it is not a time with a zone"
        )
        return pandas_pa.Column(checks=[has_zone, *checks], nullable=column.nullable)
    return pandas_pa.Column(
        pd.ArrowDtype(_arrow_types()[column.type]), checks=checks, nullable=column.nullable
    )


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


def adds_up(total: str, parts: tuple[str, ...]) -> FrameCheck:
    """A check that some columns of each row add up to another, exactly."""

    def make() -> pa.Check:
        import pandera.polars as pa
        import polars as pl

        def rows_add_up(data: pa.PolarsData | pd.DataFrame) -> pl.LazyFrame | pd.Series:
            if isinstance(data, pa.PolarsData):
                return data.lazyframe.select(pl.sum_horizontal(parts) == pl.col(total))
            return sum(data[part] for part in parts) == data[total]

        return pa.Check(rows_add_up, error=f"{' + '.join(parts)} is not {total}")

    return FrameCheck((total, *parts), make)
