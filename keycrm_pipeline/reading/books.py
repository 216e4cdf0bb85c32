"""`books_of`: a reader of one profile's books.

DuckDB lets one process write and refuses all others meanwhile, so nothing here keeps the file open: each reading opens
it read-only, waits while a load writes, and closes it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from keycrm_pipeline.profile import Settings, Workspace, load_profile, settings_from_environment
from keycrm_pipeline.reading.databases import warehouse_of
from keycrm_pipeline.warehouse.connection import WAIT_SECONDS, Warehouse

if TYPE_CHECKING:
    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from keycrm_pipeline.schemas import Table


@dataclass(frozen=True)
class Books:
    """Reads the books of one profile.

    In every result, money is an exact decimal in the currency of its row, an instant has the profile's time zone, a day
    is a date, and a missing value stays missing in a column of integers too.

    Attributes:
        workspace: The profile and its files.
        wait_seconds: How long a reading waits while a load writes.
        published: Whether the published copy is read, which never waits and is as old as the last exchange that changed
            something.
    """

    workspace: Workspace
    wait_seconds: float = WAIT_SECONDS
    published: bool = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A read-only connection for several readings of one state of the books, closed at the end.

        Raises:
            WarehouseError: There is no file yet, another program holds it longer than `wait_seconds`, or it is
                unreadable; the message says who holds it.
        """
        if self.published:
            timezone = self.workspace.profile.timezone
            warehouse = Warehouse(self.workspace.published, timezone, self.wait_seconds, is_copy=True)
        else:
            warehouse = warehouse_of(self.workspace, wait_seconds=self.wait_seconds)
        with warehouse.reading() as connection:
            yield connection

    def arrow(
        self,
        table: str,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """A table or view as an Arrow table.

        Args:
            table: `schema.name`, as in docs/tables.md: `accounting.orders`, `reports.sales_by_day`.
            start: First local day of the orders; by default from the beginning.
            end: Last local day, included; by default to the end.
            columns: Only these, in this order; by default all.

        Raises:
            WarehouseError: As for `reading`; there is no such table or column; or its rows belong to no day and some
                days were asked for.
        """
        from keycrm_pipeline.warehouse.tables import read_table

        with self.reading() as connection:
            return read_table(connection, table, first_day=start, last_day=end, columns=columns)

    def table(
        self,
        table: str,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
        *,
        validate: bool = False,
    ) -> pd.DataFrame:
        """A table or view as a pandas frame with Arrow types; arguments and errors as for `arrow`.

        Args:
            table: `schema.name`.
            start: First local day.
            end: Last local day, included.
            columns: Only these.
            validate: Whether the rows are checked by the table's pandera schema; views have none.

        Raises:
            WarehouseError: See `arrow`.
            ValueError: A view was to be validated.
            pandera.errors.SchemaErrors: The rows are not as the schema says. The text quotes them.
        """
        frame = as_pandas(self.arrow(table, start, end, columns))
        if validate:
            return _described(table).pandas_schema(columns).validate(frame, lazy=True)
        return frame

    def polars(
        self,
        table: str,
        start: date | None = None,
        end: date | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """A table or view as a polars frame; arguments and errors as for `arrow`."""
        import polars as pl

        return pl.DataFrame(self.arrow(table, start, end, columns))

    def sql(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pd.DataFrame:
        """The result of a query in DuckDB's SQL, as `table` gives it.

        Args:
            query: One statement that reads.
            parameters: Values for `?`, or by name for `$name`.

        Raises:
            WarehouseError: As for `reading`.
            duckdb.Error: The query is wrong, or tries to write.
        """
        from keycrm_pipeline.warehouse.tables import read_query

        with self.reading() as connection:
            return as_pandas(read_query(connection, query, parameters))


def as_pandas(rows: pa.Table) -> pd.DataFrame:
    """The rows as a pandas frame with Arrow types, as `Books.table` gives them."""
    import pandas as pd

    return rows.to_pandas(types_mapper=pd.ArrowDtype)


def _described(name: str) -> Table:
    from keycrm_pipeline.schemas import TABLES

    for table in TABLES:
        if table.qualified_name == name:
            return table
    raise ValueError(f"{name} is a view: only tables have a schema to validate with.")


def books_of(profile: str | Workspace, settings: Settings | None = None, *, published: bool = False) -> Books:
    """The books of a profile.

    Args:
        profile: The profile's name, or the profile with its files.
        settings: Where profiles and data are; by default what KEYCRM_PROFILES_DIR and KEYCRM_DATA_DIR say.
        published: Whether the copy for readers is read (`publish` of the profile) and not the file that loads write.

    Raises:
        ProfileError: There is no such profile, or its file has a mistake.
    """
    if isinstance(profile, Workspace):
        return Books(profile, published=published)
    settings = settings or settings_from_environment(os.environ)
    return Books(Workspace(load_profile(profile, settings), settings), published=published)
