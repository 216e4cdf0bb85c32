"""Whatever a shop sells and types, files add up, follow the schema and can be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from keycrm_pipeline.exports.columns import chosen_tables
from keycrm_pipeline.exports.commerceml import write_commerceml
from keycrm_pipeline.exports.hand_over import ChangeWriter
from keycrm_pipeline.exports.odoo import odoo_tables
from keycrm_pipeline.exports.workbook import write_workbook
from keycrm_pipeline.profile import CommerceMLSettings, Profile
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.export import read_export_sources
from keycrm_pipeline_tests.exports.small_shop import MARCH, empty_overview, small_shop

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("commerceml_order.xsd")))
NAMESPACES = {"c": "urn:1C.ru:commerceml_2"}
KOPIYKA = Decimal("0.01")

PROFILE = Profile(name="demo", start_date=date(2026, 1, 1))

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
LINES = st.lists(
    st.tuples(
        st.decimals(min_value=0, max_value=100_000, places=2),
        st.decimals(min_value=Decimal("0.001"), max_value=1000, places=3),
        st.decimals(min_value=-500, max_value=5000, places=2),
        st.booleans(),
        TEXTS,
    ),
    max_size=6,
)
PROPERTIES = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pl.Schema]:
    """Names and types of the frames as the warehouse gives them."""
    shop = small_shop(tmp_path_factory.mktemp("schemas"))
    with shop.warehouse.reading() as connection:
        choose_documents(connection, MARCH, EVERYTHING)
        sources = read_export_sources(connection, MARCH, export_format="csv", currency="UAH")
    frames = {name: frame.schema for name, frame in sources.tables.items()}
    frames["held_back"] = pl.Schema(
        dict(frames["held_back"]) | {name: pl.String() for name in ("reason", "details")}
    )
    for name in ("products", "order_services"):
        frames[name] = pl.Schema(dict(frames[name]) | {"kind_name": pl.String()})
    frames["orders"] = pl.Schema(dict(frames["orders"]) | {"payment_status_name": pl.String()})
    frames["order_payments"] = pl.Schema(
        dict(frames["order_payments"])
        | {name: pl.String() for name in ("status_name", "method_kind_name", "receipt_name")}
    )
    writer = ChangeWriter(ZoneInfo("Europe/Kyiv"), "bas", {})
    frames["changed_after_export"] = writer.changed_after_export(()).schema
    frames["closed_period_changes"] = writer.closed_period_changes(()).schema
    return frames


def _frame(schema: pl.Schema, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema, orient="row")


def _frames(
    schemas: Mapping[str, pl.Schema], orders: list[list[tuple[Decimal, Decimal, Decimal, bool, str]]]
) -> tuple[dict[str, pl.DataFrame], dict[int, Decimal]]:
    moment = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in schemas}
    rows["partners"].append({"partner_id": 1, "name": "П", "is_new": True})
    rows["products"].append({"product_id": 1, "name": "Т", "kind": "product", "unit": "шт", "is_new": True})
    totals: dict[int, Decimal] = {}
    for order_id, lines in enumerate(orders, start=1):
        totals[order_id] = Decimal(0)
        text = lines[0][4] if lines else "текст"
        for line_no, (price, quantity, discount, is_service, name) in enumerate(lines, start=1):
            listed = (price * quantity).quantize(KOPIYKA, ROUND_HALF_UP)
            amount = listed - discount
            totals[order_id] += amount
            line = {
                "order_id": order_id,
                "order_day": date(2026, 3, 29),
                "line_no": line_no,
                "product_id": 1,
                "name": name,
                "sku": name,
                "characteristics": name,
                "quantity": quantity,
                "price": price,
                "listed_amount": listed,
                "discount": discount,
                "amount": amount,
                "currency": "UAH",
            }
            if is_service:
                rows["order_services"].append(line | {"kind": "service"})
            else:
                rows["order_lines"].append(line | {"unit": name, "barcode": name})
        rows["orders"].append(
            {
                "order_id": order_id,
                "order_day": date(2026, 3, 29),
                "ordered_at": moment,
                "updated_at": moment,
                "partner_id": 1,
                "partner_name": text,
                "partner_phone": text,
                "stage": text,
                "author": text,
                "responsible": text,
                "account": text,
                "comment": text,
                "delivery_address": text,
                "currency": "UAH",
                "is_cancelled": False,
                "grand_total": totals[order_id],
                "paid_total": Decimal(0),
            }
        )
    return {name: _frame(schema, rows[name]) for name, schema in schemas.items()}, totals


@given(orders=st.lists(LINES, max_size=4))
@PROPERTIES
def test_odoo_orders_always_add_up(
    schemas: Mapping[str, pl.Schema], orders: list[list[tuple[Decimal, Decimal, Decimal, bool, str]]]
) -> None:
    """The lines of each order, rounded as Odoo rounds them, make what the buyer pays."""
    frames, totals = _frames(schemas, orders)
    content = odoo_tables(frames, PROFILE)["sale.order"].write_csv()
    sums = dict.fromkeys(totals, Decimal(0))
    order_id = 0
    for row in csv.DictReader(io.StringIO(content, newline="")):
        if row["id"]:
            order_id = int(row["name"])
        if row["order_line/id"]:
            sums[order_id] += (
                Decimal(row["order_line/product_uom_qty"]) * Decimal(row["order_line/price_unit"])
            ).quantize(KOPIYKA, ROUND_HALF_UP)
    assert sums == totals


@given(orders=st.lists(LINES, max_size=4))
@PROPERTIES
def test_commerceml_is_always_valid_and_adds_up(
    schemas: Mapping[str, pl.Schema],
    tmp_path: Path,
    orders: list[list[tuple[Decimal, Decimal, Decimal, bool, str]]],
) -> None:
    """No text that a person can type makes the file unreadable, and no rounding changes a total."""
    frames, totals = _frames(schemas, orders)
    path = tmp_path / "orders.xml"
    settings = CommerceMLSettings(vat=20)
    write_commerceml(path, frames, timezone="Europe/Kyiv", period=MARCH, settings=settings, custom_fields={})
    tree = etree.parse(path)
    assert SCHEMA.validate(tree), SCHEMA.error_log
    for document in tree.xpath("/c:КоммерческаяИнформация/c:Документ", namespaces=NAMESPACES):
        sums = document.xpath("c:Товары/c:Товар/c:Сумма/text()", namespaces=NAMESPACES)
        number = document.findtext("c:Номер", namespaces=NAMESPACES)
        assert sum(map(Decimal, sums)) == totals[int(number)]
        vat = document.xpath("c:Товары/c:Товар/c:Налоги/c:Налог/c:Сумма/text()", namespaces=NAMESPACES)
        assert len(vat) == len(sums)
        assert (
            document.findtext("c:Налоги/c:Налог/c:Сумма", namespaces=NAMESPACES)
            == f"{sum(map(Decimal, vat)):.2f}"
        )


@given(orders=st.lists(LINES, max_size=2))
@settings(PROPERTIES, max_examples=10)
def test_workbook_can_always_be_read(
    schemas: Mapping[str, pl.Schema],
    tmp_path: Path,
    orders: list[list[tuple[Decimal, Decimal, Decimal, bool, str]]],
) -> None:
    """Whatever stands in a name, the workbook opens, and no cell but a total is a formula."""
    frames, totals = _frames(schemas, orders)
    path = tmp_path / "book.xlsx"
    tables = [table for table in chosen_tables({}) if table.name in frames]
    write_workbook(path, tables, frames, empty_overview(), timezone="Europe/Kyiv")
    book = openpyxl.load_workbook(path)
    assert {
        sheet.cell(cell.row, 1).value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    } <= {"Разом"}
    columns = {cell.value: cell.column for cell in book["Замовлення"][1]}
    written = [
        Decimal(str(row[columns["Сума документа"] - 1]))
        for row in book["Замовлення"].iter_rows(min_row=2, max_row=len(totals) + 1, values_only=True)
    ]
    assert written == list(totals.values())
