"""Reads whole tables and views, and queries of the user's own, as Arrow tables.

Which rows an accountant or a report needs is in the other modules of this package.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from keycrm_pipeline.sentences import Message
from keycrm_pipeline.sentences.failures import Failure, Hint
from keycrm_pipeline.warehouse.errors import WarehouseError
from keycrm_pipeline.warehouse.statements import statement

if TYPE_CHECKING:
    import pyarrow as pa

DAY = "order_day"
ORDER = "order_id"


class UnknownTableError(WarehouseError):
    """There is no such table, view or column, or it has no days to choose from."""


def _hint(wanted: str, known: Sequence[str]) -> Message:
    near = difflib.get_close_matches(wanted, known, n=1)
    return Hint.NEAR.message(name=near[0]) if near else Hint.ALL_KNOWN.message(names=known)


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[str, ...]:
    """The columns of a table or view such as `accounting.orders`, in order.

    Raises:
        UnknownTableError: There is none with that name.
    """
    known = dict(connection.execute(statement("tables", "columns")).fetchall())
    if table not in known:
        raise UnknownTableError(Failure.NO_SUCH_TABLE.message(table=table, hint=_hint(table, sorted(known))))
    return tuple(known[table])


def is_by_day(columns: Sequence[str]) -> bool:
    """Whether rows with these columns belong to a local day: their own, or that of their order."""
    return DAY in columns or ORDER in columns


def read_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    *,
    first_day: date | None,
    last_day: date | None,
    columns: Sequence[str] | None,
) -> pa.Table:
    """The rows of a table or view in the order in which they are stored.

    Args:
        connection: An open connection; reading is enough.
        table: `schema.name`.
        first_day: First local day of the orders; None for no limit.
        last_day: Last local day, included; None for no limit.
        columns: Only these, in this order; None for all.

    Raises:
        UnknownTableError: There is no such table or column, or a table without days was asked for some of them.
    """
    known = columns_of(connection, table)
    for name in columns or ():
        if name not in known:
            raise UnknownTableError(
                Failure.NO_SUCH_COLUMN.message(table=table, column=name, hint=_hint(name, known))
            )
    parameters: dict[str, date] = {}
    kind = "whole"
    if first_day is not None or last_day is not None:
        if not is_by_day(known):
            raise UnknownTableError(Failure.TABLE_WITHOUT_DAYS.message(table=table))
        kind = "of_days" if DAY in known else "of_orders"
        parameters = {"first_day": first_day or date.min, "last_day": last_day or date.max}
    # The names were found in the file's own catalogue.
    query = statement("tables", kind).format(
        table=table, columns=", ".join(f'"{name}"' for name in columns or known)
    )
    return read_query(connection, query, parameters)


def read_query(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[Any] | Mapping[str, Any]
) -> pa.Table:
    """The result of a query."""
    # Two readings of the same books give the same rows in the same order.
    connection.execute("SET preserve_insertion_order = true")
    return connection.execute(query, parameters or None).to_arrow_table()
