"""What people's own assets read: an IO manager for their inputs, and the reader as a resource.

Both only read: a profile's file holds the exchange's own tables, and none of anybody else. What is not here: how a
table is read (`reading`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import dagster as dg

from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.period import Period, contiguous_periods
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.reading import Books, as_pandas, books_of
from keycrm_pipeline.schemas import TABLES
from keycrm_pipeline.warehouse.days import loaded_days

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLE_OF_ASSET = {stage.name: stage.table.qualified_name for stage in STAGES}
"""Last part of an asset's key -> the table that an input of it is read from."""

_WHOLE = {table.qualified_name for table in TABLES if not {"order_day", "order_id"} & {*table.column_names}}
"""Tables whose rows belong to no day: cards and lists."""

_NO_DAY = Period(date.max, date.max)
"""An input without any partition: the table's columns, and no rows."""


class BooksIOManager(dg.IOManager):
    """Gives an asset that takes one of a profile's assets as input the rows of exactly the days that it depends on.

    The input is a pandas frame, or a polars frame or an Arrow table if it is annotated so. Cards (partners, products,
    statuses, sources) belong to no day and come whole. `AssetIn(..., metadata={"columns": [...]})` chooses columns, and
    `metadata={"table": "accounting.order_lines"}` another table of the same days.
    """

    def __init__(self, books: Books) -> None:
        self._books = books

    def load_input(self, context: dg.InputContext) -> Any:
        """The rows of an input.

        Raises:
            WarehouseError: There is no file yet, another program holds it, or no table or column has that name.
        """
        table = context.definition_metadata.get("table") or TABLE_OF_ASSET[context.asset_key.path[-1]]
        with self._books.reading() as connection:
            if not context.has_asset_partitions or table in _WHOLE:
                rows = self._read(connection, context, table, None)
            else:
                days = [date.fromisoformat(key) for key in context.asset_partition_keys]
                _warn_of_days_not_loaded(connection, context, days)
                rows = self._read_days(connection, context, table, days)
        return _as_annotated(rows, context.dagster_type.typing_type)

    def _read_days(
        self,
        connection: duckdb.DuckDBPyConnection,
        context: dg.InputContext,
        table: str,
        days: Sequence[date],
    ) -> pa.Table:
        import pyarrow as pa

        periods = contiguous_periods(days) or [_NO_DAY]
        return pa.concat_tables([self._read(connection, context, table, period) for period in periods])

    def _read(
        self,
        connection: duckdb.DuckDBPyConnection,
        context: dg.InputContext,
        table: str,
        period: Period | None,
    ) -> pa.Table:
        from keycrm_pipeline.warehouse.tables import read_table

        return read_table(
            connection,
            table,
            first_day=period.first if period else None,
            last_day=period.last if period else None,
            columns=context.definition_metadata.get("columns"),
        )

    def handle_output(self, context: dg.OutputContext, obj: object) -> None:
        """Refuses to store what somebody's asset returns.

        Raises:
            Failure: Always, with what to do.
        """
        del obj
        raise dg.Failure(
            description=f"{context.asset_key.to_user_string()} cannot be stored by the IO manager of profile "
            f"{self._books.workspace.profile.name}: the profile's file holds the tables of the exchange and takes no "
            "others. Leave out io_manager_key, or name an IO manager of your own.",
            allow_retries=False,
        )


def _warn_of_days_not_loaded(
    connection: duckdb.DuckDBPyConnection, context: dg.InputContext, days: Sequence[date]
) -> None:
    if not days:
        return
    lacking = sorted({*days} - {*loaded_days(connection, Period(min(days), max(days)))})
    if lacking:
        context.log.warning(
            "%s of the %s days of %s were never loaded to the end, the first of them %s: their rows are missing or "
            "incomplete.",
            len(lacking),
            len(days),
            context.asset_key.to_user_string(),
            lacking[0],
        )


def _as_annotated(rows: pa.Table, annotation: Any) -> Any:
    """The rows in the form that the input is annotated with; pandas if it says nothing else."""
    library = str(getattr(annotation, "__module__", "")).partition(".")[0]
    if library == "pyarrow":
        return rows
    if library == "polars":
        import polars as pl

        return pl.DataFrame(rows)
    return as_pandas(rows)


def io_manager_key(assets: ProfileAssets) -> str:
    """Key of the IO manager of a profile's assets."""
    return f"{assets.name}_io_manager"


def build_resources(assets: ProfileAssets) -> dict[str, object]:
    """What people's assets may ask for: `<profile>_books`, the reader; and the IO manager of the profile's assets."""
    books = books_of(assets.workspace)
    return {f"{assets.name}_books": books, io_manager_key(assets): BooksIOManager(books)}
