"""The page for people who build on the exchange: its code is run as it stands there."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
import yaml

from keycrm_pipeline import Books, KeyCrmExchange, books_of
from keycrm_pipeline.orchestration.instance import open_instance
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.faults.scene import CommandLine, command_line, make_order
from keycrm_pipeline_tests.orchestration.shop import QUIET
from keycrm_pipeline_tests.product import Product, free_port, wait_until

pytestmark = pytest.mark.process

PAGE = (Path(__file__).parents[2] / "docs" / "build-on-it.md").read_text("utf-8")
MY_SHOP, ORDER_LINES, CUSTOMERS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
DAYS = ("2026-03-02", "2026-03-03", "2026-03-04")
TURNOVER = dg.AssetKey("turnover")


@dataclass(frozen=True)
class Place:
    """The command, and the shop that it loads."""

    line: CommandLine
    shop: EditableShop


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A shop of three days that was loaded once; the profile is called as on the page."""
    directory = tmp_path_factory.mktemp("build_on_it")
    with command_line(directory, orders=30) as (line, api), pytest.MonkeyPatch.context() as environment:
        for name, value in line.environment().items():
            environment.setenv(name, value)
        line.profile("demo", schedule={"enabled": False})
        assert line.load("demo")["status"] == "succeeded"
        yield Place(line, api.shop)


def namespace_of(*blocks: str) -> dict[str, Any]:
    """What the blocks of the page define, one after the other."""
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "build-on-it.md", "exec"), namespace)  # noqa: S102 - a page of ours
    return namespace


def turnover_of(directory: Path, day: str) -> dict[str, Decimal]:
    """What the page's asset wrote for a day: source -> sum."""
    with (directory / f"turnover-{day}.csv").open(encoding="utf-8") as rows:
        return {row["source_id"]: Decimal(row["grand_total"]) for row in csv.DictReader(rows)}


def booked(day: str) -> dict[str, Decimal]:
    """What the books say of a day: source -> sum."""
    rows = books_of("demo").sql(
        "SELECT source_id, sum(grand_total) AS total FROM accounting.orders WHERE order_day = ? GROUP BY source_id",
        [day],
    )
    return {str(source): total for source, total in zip(rows["source_id"], rows["total"], strict=True)}


def has_looked(instance: dg.DagsterInstance, process: subprocess.Popen[bytes], place: Path) -> bool:
    """Whether the sensor of the page has been evaluated: what it sees first does not count as new."""
    assert process.poll() is None, (place / "said").read_text("utf-8", errors="replace")
    return any(
        state.instigator_name == "automation"
        and state.instigator_data is not None
        and getattr(state.instigator_data, "last_tick_timestamp", None)
        for state in instance.all_instigator_state()
    )


def test_somebody_s_asset_runs_for_the_day_that_changes_has_touched(place: Place, tmp_path: Path) -> None:
    """The daemon runs it for the days of a load, and then for the one day in which an order was changed."""
    (tmp_path / "my_shop.py").write_text(MY_SHOP, "utf-8")
    with (tmp_path / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster", "dev", "-f", "my_shop.py", "--port", str(free_port())],
            cwd=tmp_path,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    product = Product(place.line.directory / "home", {})
    try:
        with open_instance() as instance:

            def runs_of(day: str) -> int:
                found = instance.fetch_materializations(
                    dg.AssetRecordsFilter(TURNOVER, asset_partitions=[day]), limit=10
                )
                return len(found.records)

            wait_until(lambda: has_looked(instance, process, tmp_path), "the conditions were evaluated once")
            assert list(map(runs_of, DAYS)) == [0, 0, 0]
            assert place.line.load("demo")["status"] == "succeeded"
            wait_until(lambda: all(map(runs_of, DAYS)), "the asset has run for all loaded days")
            assert [turnover_of(tmp_path, day) for day in DAYS] == [booked(day) for day in DAYS]
            before = turnover_of(tmp_path, DAYS[1])

            order_id = 4  # of the second day, as make_order has it
            place.shop.replace_order(order_id, make_order(order_id, source_id=2))
            assert place.line.run("changes", "demo")["orders_updated"] == 1
            wait_until(lambda: runs_of(DAYS[1]) == 2, "the asset has run for the changed day")
            assert turnover_of(tmp_path, DAYS[1]) == booked(DAYS[1]) != before
            assert [runs_of(day) for day in DAYS] == [1, 2, 1]
    finally:
        product.kill()
        process.wait()


@pytest.mark.usefixtures("place")
def test_the_other_blocks_of_the_page_run() -> None:
    """The lines of the days as an input, and the reader as a resource."""
    namespace = namespace_of(MY_SHOP, ORDER_LINES, CUSTOMERS)
    found: list[pd.DataFrame] = []

    def lines(rows: pd.DataFrame) -> None:
        found.append(rows)

    lines.__annotations__.update({"rows": pd.DataFrame, "return": None})
    asset = dg.asset(ins={"rows": namespace["order_lines"]}, partitions_def=namespace["order_days"]("demo"))(
        lines
    )
    definitions = dg.Definitions.merge(
        namespace["exchange_definitions"](), dg.Definitions(assets=[asset, namespace["customers"]])
    )
    job = definitions.resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.ephemeral() as instance:
        job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("lines")], partition_key=DAYS[1], run_config=QUIET
        )
        result = job.execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("customers")], run_config=QUIET
        )
    assert [list(frame.columns) for frame in found] == [["order_id", "product_id", "amount"]]
    # Of thirty orders every third is of a day, with one line each.
    assert len(found[0]) == 10
    (event,) = result.get_asset_materialization_events()
    # Thirty orders of thirty buyers.
    assert event.materialization.metadata["repeat buyers"].value == 0


def test_the_component_of_the_page_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pasted into a `defs.yaml`, it is a profile with the reader of its books."""
    monkeypatch.setenv("KEYCRM_DATA_DIR", str(tmp_path))
    (text,) = re.findall(r"^```yaml defs.yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    written = yaml.safe_load(text)
    assert written["type"] == "keycrm_pipeline.KeyCrmExchange"
    component = KeyCrmExchange.from_attributes_dict(attributes=written["attributes"])
    reader = (dg.build_defs_for_component(component).resources or {})["shop_books"]
    assert isinstance(reader, Books)
    assert reader.workspace.database == tmp_path / "shop.duckdb"
