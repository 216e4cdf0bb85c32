"""What a database can hold besides tables, views and their comments; all SQL that moves rows is the same for all."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from keycrm_pipeline.warehouse.statements import single_row, statement


@dataclass(frozen=True)
class Engine:
    """What one kind of database can hold.

    Attributes:
        holds_keys: Whether it refuses a second row with the same primary key. Where it does not, the check `keys_once`
            finds them.
        holds_compression: Whether a column's compression can be chosen.
        comments_on_view_columns: Whether columns of views have comments.
        commits_side_by_side: Whether two connections of one process may write to one table at the same time.
    """

    holds_keys: bool
    holds_compression: bool
    comments_on_view_columns: bool
    commits_side_by_side: bool


FILE = Engine(
    holds_keys=True, holds_compression=True, comments_on_view_columns=True, commits_side_by_side=True
)
LAKE = Engine(
    holds_keys=False, holds_compression=False, comments_on_view_columns=False, commits_side_by_side=False
)


def engine_of(connection: duckdb.DuckDBPyConnection) -> Engine:
    """The kind of the database that a connection writes to or reads."""
    (kind,) = single_row(connection.execute(statement("migrations", "kind_of_database")))
    return LAKE if kind == "ducklake" else FILE
