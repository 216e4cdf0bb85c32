"""What other people's assets get as input: exactly the days that they depend on. Real runs in a real instance."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from keycrm_pipeline import Books as Reader
from keycrm_pipeline.orchestration import exchange_definitions, order_days
from keycrm_pipeline.orchestration.profile_assets import period_tags
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.orchestration.shop import QUIET, make_workspace
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv, make_books

# Backfill policies have been beta for years.
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")

MINE = dg.AssetKey("mine")
ORDERS = dg.AssetIn(["shop", "orders"])

ORDERED_AT = {
    1: kyiv(2026, 3, 28, 23, 59, 59),
    # 23 hours: at 03:00 the clock goes to 04:00.
    2: kyiv(2026, 3, 29, 0, 0),
    3: kyiv(2026, 3, 29, 23, 59, 59),
    4: kyiv(2026, 3, 30, 0, 0),
    5: kyiv(2026, 10, 24, 23, 59, 59),
    # 25 hours: 03:30 comes twice, at 00:30 and at 01:30 UTC.
    6: kyiv(2026, 10, 25, 0, 0),
    7: datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
    8: datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    9: kyiv(2026, 10, 25, 23, 59, 59),
    10: kyiv(2026, 10, 26, 0, 0),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """Orders around both clock changes; every day from the first to the last of each group is loaded."""
    books = make_books(
        tmp_path_factory.mktemp("books"),
        EditableShop.empty(lambda: datetime(2026, 11, 2, 9, 0, tzinfo=UTC)),
        start_date=date(2026, 3, 1),
    )
    books.now = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
    for order_id, moment in ORDERED_AT.items():
        books.order(order_id, moment)
    books.load(date(2026, 3, 28), date(2026, 3, 30))
    books.load(date(2026, 10, 24), date(2026, 10, 26))
    return books


def run(
    books: Books, instance: dg.DagsterInstance, asset: dg.AssetsDefinition, **how: Any
) -> dg.ExecuteInProcessResult:
    """Materializes somebody's asset in a code location with the exchange; `how` says for which partitions."""
    definitions = dg.Definitions.merge(
        exchange_definitions([books.profile], books.settings), dg.Definitions(assets=[asset])
    )
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[MINE], **{"run_config": QUIET, **how}
    )


def given(
    books: Books,
    instance: dg.DagsterInstance,
    asset_in: dg.AssetIn = ORDERS,
    partitions: dg.PartitionsDefinition | None = None,
    annotation: Any = pd.DataFrame,
    **how: Any,
) -> Any:
    """The input that an asset gets which takes one of the profile's assets; `how` as for `run`."""
    found: list[Any] = []

    def mine(rows: Any) -> None:
        found.append(rows)

    mine.__annotations__.update({"rows": annotation, "return": None})
    definition = dg.asset(
        name="mine",
        ins={"rows": asset_in},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )(mine)
    run(books, instance, definition, **how)
    return found[0]


@pytest.mark.parametrize(
    ("day", "order_ids"),
    [
        ("2026-03-28", [1]),
        ("2026-03-29", [2, 3]),
        ("2026-03-30", [4]),
        ("2026-10-24", [5]),
        ("2026-10-25", [6, 7, 8, 9]),
        ("2026-10-26", [10]),
    ],
)
def test_a_day_is_the_local_day(
    books: Books, instance: dg.DagsterInstance, day: str, order_ids: list[int]
) -> None:
    """Also the days of 23 and of 25 hours: no order of a neighbour, and none lacking."""
    frame = given(books, instance, partitions=order_days(books.profile), partition_key=day)
    assert isinstance(frame, pd.DataFrame)
    assert sorted(frame["order_id"]) == order_ids
    assert set(frame["order_day"]) == {date.fromisoformat(day)}
    # Exact decimals, as the reader gives them; a line of 100 hryvnias each.
    assert str(frame["grand_total"].dtype) == "decimal128(18, 2)[pyarrow]"
    assert [str(total) for total in frame["grand_total"]] == ["100.00"] * len(order_ids)


def test_a_range_is_read_as_a_range(books: Books, instance: dg.DagsterInstance) -> None:
    """A run of three days gets the orders of these, in one frame."""
    frame = given(
        books,
        instance,
        partitions=order_days(books.profile),
        tags=period_tags(Period(date(2026, 10, 24), date(2026, 10, 26))),
    )
    assert sorted(frame["order_id"]) == [5, 6, 7, 8, 9, 10]


def test_a_month_is_all_of_its_days(books: Books, instance: dg.DagsterInstance) -> None:
    """A report by month depends on 31 days, on most of which nobody bought anything."""
    months = dg.MonthlyPartitionsDefinition("2026-03-01", timezone="Europe/Kyiv")
    frame = given(books, instance, partitions=months, partition_key="2026-03-01")
    assert sorted(frame["order_id"]) == [1, 2, 3, 4]


@pytest.mark.parametrize("mapping", [None, dg.AllPartitionMapping()], ids=["default", "all partitions"])
def test_an_asset_without_partitions_gets_all(
    books: Books, instance: dg.DagsterInstance, mapping: dg.PartitionMapping | None
) -> None:
    """Every day from the profile's first one to today."""
    frame = given(books, instance, dg.AssetIn(ORDERS.key, partition_mapping=mapping))
    assert sorted(frame["order_id"]) == sorted(ORDERED_AT)


def test_days_that_are_no_range_are_read_alone(books: Books, instance: dg.DagsterInstance) -> None:
    """A mapping to two days with others between them: those between are not read."""
    chosen = dg.StaticPartitionsDefinition(["clock changes"])
    mapping = dg.SpecificPartitionsPartitionMapping(["2026-03-29", "2026-10-25"])
    frame = given(
        books,
        instance,
        dg.AssetIn(ORDERS.key, partition_mapping=mapping),
        chosen,
        partition_key="clock changes",
    )
    assert sorted(frame["order_id"]) == [2, 3, 6, 7, 8, 9]
    assert list(frame.index) == list(range(6))


def test_an_input_without_partitions_has_columns_and_no_rows(
    books: Books, instance: dg.DagsterInstance
) -> None:
    """A mapping that leads to no day."""
    frame = given(
        books,
        instance,
        dg.AssetIn(ORDERS.key, partition_mapping=dg.SpecificPartitionsPartitionMapping([])),
        dg.StaticPartitionsDefinition(["none"]),
        partition_key="none",
    )
    assert len(frame) == 0
    assert "grand_total" in frame.columns


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_table_asset_can_be_an_input(books: Books, instance: dg.DagsterInstance, stage: Any) -> None:
    """Orders of the day in the three tables by order; cards and lists come whole."""
    frame = given(
        books,
        instance,
        dg.AssetIn(["shop", stage.name]),
        order_days(books.profile),
        partition_key="2026-10-25",
    )
    assert tuple(frame.columns) == stage.table.column_names
    if "order_id" in frame.columns:
        assert sorted(frame["order_id"]) == [6, 7, 8, 9]
    else:
        whole = books.query(f"SELECT count(*) FROM {stage.table.qualified_name}")  # noqa: S608 - ours
        assert [(len(frame),)] == whole


def test_columns_and_another_table_of_the_same_days_can_be_named(
    books: Books, instance: dg.DagsterInstance
) -> None:
    """The lines of the day's orders, two columns of them."""
    frame = given(
        books,
        instance,
        dg.AssetIn(
            ORDERS.key, metadata={"table": "accounting.order_lines", "columns": ["order_id", "amount"]}
        ),
        order_days(books.profile),
        partition_key="2026-03-29",
    )
    assert list(frame.columns) == ["order_id", "amount"]
    assert sorted(frame["order_id"]) == [2, 3]


@pytest.mark.parametrize("kind", [pl.DataFrame, pa.Table], ids=["polars", "Arrow"])
def test_an_annotation_chooses_the_library(
    books: Books, instance: dg.DagsterInstance, kind: type[Any]
) -> None:
    """Whoever works with polars does not convert."""
    rows = given(
        books, instance, partitions=order_days(books.profile), annotation=kind, partition_key="2026-03-29"
    )
    assert isinstance(rows, kind)
    assert sorted(rows["order_id"].to_pylist() if kind is pa.Table else rows["order_id"]) == [2, 3]


def test_days_that_were_never_loaded_are_said(
    books: Books, instance: dg.DagsterInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    """An empty frame of a day that nobody loaded looks like a day without orders."""
    frame = given(
        books,
        instance,
        partitions=order_days(books.profile),
        tags=period_tags(Period(date(2026, 10, 25), date(2026, 10, 28))),
        run_config={},
    )
    assert len(frame) == 5
    assert (
        "2 of the 4 days of shop/orders were never loaded to the end, the first of them 2026-10-27"
        in capfd.readouterr().err
    )


def test_upstream_and_downstream_can_be_one_run(instance: dg.DagsterInstance, tmp_path: Any) -> None:
    """Both chosen on the page: the load runs first, and the input is what it has written."""
    workspace = make_workspace(tmp_path)
    found: list[int] = []

    @dg.asset(
        name="mine",
        ins={"orders": dg.AssetIn(["shop", "orders"])},
        partitions_def=order_days(workspace.profile),
    )
    def mine(orders: pd.DataFrame) -> None:
        found.append(len(orders))

    definitions = dg.Definitions.merge(
        exchange_definitions([workspace.profile], workspace.settings), dg.Definitions(assets=[mine])
    )
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[*(dg.AssetKey(["shop", stage.name]) for stage in STAGES), MINE],
        partition_key="2026-03-28",
        run_config=QUIET,
    )
    assert result.success
    counted = Reader(workspace).sql("SELECT count(*) AS orders FROM accounting.orders")
    assert found == [counted["orders"][0]]
    assert found[0] > 0


def test_the_reader_is_a_resource(books: Books, instance: dg.DagsterInstance) -> None:
    """For everything that is no table of a day: a query over years, another table, several profiles."""
    found: list[int] = []

    @dg.asset(name="mine", deps=[["shop", "orders"]])
    def mine(shop_books: dg.ResourceParam[Reader]) -> None:
        found.extend(
            shop_books.sql("SELECT order_id FROM accounting.orders WHERE order_id > ?", [8])["order_id"]
        )

    assert run(books, instance, mine).success
    assert sorted(found) == [9, 10]


def test_the_profile_s_file_takes_no_tables_of_others(books: Books, instance: dg.DagsterInstance) -> None:
    """Whoever gives their asset the exchange's IO manager is told so, and nothing is written."""

    @dg.asset(name="mine", io_manager_key="shop_io_manager")
    def mine() -> Any:
        return pd.DataFrame({"a": [1]})

    before = books.query("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL")
    result = run(books, instance, mine, raise_on_error=False)
    assert not result.success
    (failure,) = (event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == (
        "mine cannot be stored by the IO manager of profile shop: the profile's file holds the tables of the "
        "exchange and takes no others. Leave out io_manager_key, or name an IO manager of your own."
    )
    assert books.query("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL") == before
