"""Moves frames into tables and out of them.

A DECIMAL of a table is a whole number in a frame: kopiykas, thousandths, millionths or billionths. The conversion is
made here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import duckdb
import polars as pl
from polars import selectors

from keycrm_pipeline.schemas import Table
from keycrm_pipeline.schemas.columns import FULL, MONEY, PERCENT, QUANTITY
from keycrm_pipeline.stopping import undisturbed
from keycrm_pipeline.warehouse.statements import statement

_SCALES = {MONEY: "0.01", QUANTITY: "0.001", PERCENT: "0.000001", FULL: "0.000000001"}


def _digits(decimal_type: str) -> str:
    """All digits of a DECIMAL type: 18 of DECIMAL(18,2)."""
    return decimal_type.removeprefix("DECIMAL(").partition(",")[0]


def _table_value(table: Table, name: str) -> str:
    column_type = table.column(name).type
    scale = _SCALES.get(column_type)
    if scale is None:
        return f'CAST("{name}" AS {column_type}) AS "{name}"'
    return (
        f'CAST(CAST("{name}" AS DECIMAL({_digits(column_type)}, 0)) * {scale} AS {column_type}) AS "{name}"'
    )


@contextlib.contextmanager
def registered(connection: duckdb.DuckDBPyConnection, view: str, frame: pl.DataFrame) -> Iterator[None]:
    """Lets the SQL inside read a frame as the view `view`; a stop takes effect afterwards.

    Wherever DuckDB calls into Python, be it in one of its own threads, that is an import, and an interruption in the
    middle of one leaves Python's import lock held: DuckDB would then wait for its thread without end.
    """
    with undisturbed():
        connection.register(view, frame)
        try:
            yield
        finally:
            connection.unregister(view)


def frame_of(result: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The rows of a query; a stop takes effect afterwards, as in `registered`."""
    with undisturbed():
        return result.pl()


def read_frame(result: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The rows of a query, each DECIMAL as a whole number of its smallest unit: DECIMAL(18, 2) in kopiykas.

    The number is DuckDB's own internal value, so nothing is computed and nothing can overflow.
    """
    return frame_of(result).with_columns(selectors.decimal().to_physical().cast(pl.Int64))


def stage_frame(connection: duckdb.DuckDBPyConnection, name: str, table: Table, frame: pl.DataFrame) -> None:
    """Creates the temporary table `name` from a frame of `table`, with the types of that table."""
    columns = ", ".join(_table_value(table, column) for column in frame.columns)
    with registered(connection, "frame_to_stage", in_chunks(frame)):
        # Names come only from `schemas` and from this package.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM frame_to_stage"  # noqa: S608
        )


CHUNK_ROWS = 2048
"""DuckDB hands a frame to its threads in chunks; one large chunk would keep only one thread busy."""


def in_chunks(frame: pl.DataFrame) -> pl.DataFrame:
    """The same frame in chunks that several threads can share."""
    if frame.height <= CHUNK_ROWS:
        return frame
    return pl.concat(
        [frame.slice(start, CHUNK_ROWS) for start in range(0, frame.height, CHUNK_ROWS)], rechunk=False
    )


def differing_orders(staged: str, table: Table, columns: Iterable[str], *, orders: str) -> str:
    """The query for the orders whose rows in the table `staged` differ from those of `table`.

    Args:
        staged: A temporary table with the rows of a batch.
        table: The table that stores such rows.
        columns: Columns to compare; NULL is a value like any other.
        orders: A temporary table with the ids of the orders to compare.
    """
    return statement("comparison", "differing_orders").format(
        staged=staged,
        stored=table.qualified_name,
        orders=orders,
        same_key=" AND ".join(f'staged."{name}" = stored."{name}"' for name in table.primary_key),
        any_differs=" OR ".join(f'staged."{name}" IS DISTINCT FROM stored."{name}"' for name in columns),
    )
