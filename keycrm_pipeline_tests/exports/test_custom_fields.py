"""Custom fields of KeyCRM as columns of every format."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import etree

from keycrm_pipeline.exports import ExportResult, export_period
from keycrm_pipeline.exports.errors import ColumnMapError
from keycrm_pipeline.kinds import ExportFormat
from keycrm_pipeline_tests.exports.small_shop import MARCH, NOW, SmallShop, shop_in

NAMES = {"OR_1012": "packaging", "OR_77": "packed_by", "CT_1014": "uktzed", "CT_1016": "partners.edrpou"}

Export = Callable[..., ExportResult]


@pytest.fixture
def described(shop: SmallShop, tmp_path: Path) -> Export:
    """Exports March of the small shop, whose order 101 and tea have custom fields."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            "UPDATE accounting.orders SET custom_fields = ? WHERE order_id = 101",
            ['{"OR_1012":"Коробка; =1+1","OR_99":"не названо"}'],
        )
        # The buyer of 101 orders for a company; the one of 102 for a company that the list does not have.
        connection.execute(
            "UPDATE accounting.orders SET company_id = order_id - 100 WHERE order_id IN (101, 102)"
        )
        company = (
            '{"id": 1, "name": "Вигадка", "title": "ТОВ «Вигадка»", "bank_account": "UA001", '
            '"custom_fields": [{"uuid": "CT_1016", "value": "00000001"}]}'
        )
        connection.execute(
            "INSERT INTO raw.reference_rows VALUES ('companies', 1, ?, now(), true)", [company]
        )
        connection.execute(
            "INSERT INTO accounting.product_links VALUES (10, 100, 1, NULL), (11, 101, 1, NULL)"
        )
        payloads = (
            (100, '{"custom_fields": [{"uuid": "CT_1014", "name": "УКТЗЕД", "value": "0902 30 00 10"}]}'),
            (101, '{"custom_fields": [{"uuid": "CT_1014", "value": "новіше"}]}'),
        )
        for number, payload in payloads:
            connection.execute("INSERT INTO raw.products VALUES (?, ?, now())", [number, payload])

    def run(export_format: ExportFormat, **settings: Any) -> ExportResult:
        workspace = shop_in(tmp_path, **{"custom_fields": NAMES, **settings}).workspace
        return export_period(
            workspace, MARCH, export_format=export_format, directory=tmp_path / "out", now=NOW
        )

    return run


def rows(result: ExportResult, table: str) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    (file,) = [file for file in result.files if file.name.endswith(f"_{table}.csv")]
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened, delimiter=";"))


def test_named_fields_are_columns_of_their_tables(described: Export) -> None:
    """An order's fields stand on orders, a product's on products; of two products of a card the older one counts."""
    result = described("csv")
    assert [(row["packaging"], row["packed_by"]) for row in rows(result, "orders")] == [
        ("Коробка; =1+1", ""), ("", ""), ("", ""),
    ]  # fmt: skip
    assert [(row["Код номенклатури"], row["uktzed"]) for row in rows(result, "products")] == [
        ("1", "0902 30 00 10"), ("2", ""), ("3", ""), ("4", ""),
    ]  # fmt: skip
    assert "uktzed" not in rows(result, "orders")[0]


def test_a_column_map_gives_them_headers(described: Export) -> None:
    """An import form asks for a header of its own."""
    layout = {"columns": {"products": {"product_id": "Код", "uktzed": "Код УКТЗЕД"}}}
    assert rows(described("csv", export=layout), "products")[0] == {"Код": "1", "Код УКТЗЕД": "0902 30 00 10"}


def test_programs_get_them_as_text(described: Export) -> None:
    """Parquet has the technical names, and nothing for what is empty."""
    (file,) = [file for file in described("parquet").files if file.name.endswith("_orders.parquet")]
    found = (
        duckdb.read_parquet(str(file)).project("order_id, packaging, packed_by").order("order_id").fetchall()
    )
    assert found == [(101, "Коробка; =1+1", None), (102, None, None), (103, None, None)]


def test_1c_gets_them_as_requisites(described: Export) -> None:
    """Of the order on its document, of the product on its goods."""
    currencies = {"commerceml": {"currencies": {"EUR": "EUR"}}}
    tree = etree.parse(described("commerceml", export=currencies).files[0])
    name, value = "{*}Наименование", "{*}Значение"
    found = [
        (
            requisite.getparent().getparent().tag.rpartition("}")[2],
            requisite.findtext(name),
            requisite.findtext(value),
        )
        for requisite in tree.iter("{*}ЗначениеРеквизита")
        if requisite.findtext(name) in NAMES.values()
    ]
    assert found == [
        ("Товар", "uktzed", "0902 30 00 10"),
        ("Документ", "packaging", "Коробка; =1+1"),
        ("Товар", "uktzed", "0902 30 00 10"),
    ]


def test_colleagues_in_odoo_read_them_in_the_note(described: Export) -> None:
    """Odoo has no field for them."""
    notes = next(file for file in described("odoo").files if "notes" in file.name)
    assert "packaging: Коробка; =1+1" in notes.read_text("utf-8-sig")


def test_a_name_of_another_column_is_refused(described: Export) -> None:
    """Two columns of one name: no import form could tell them apart."""
    with pytest.raises(ColumnMapError, match="give the field OR_1012 another name"):
        described("csv", custom_fields={"OR_1012": "grand_total"})


def test_partners_show_their_company(described: Export) -> None:
    """An accountant makes out an invoice to the company, with its ЄДРПОУ, which KeyCRM has no field for."""
    shown = ("Код контрагента", "Компанія", "Повна назва компанії", "Банк. рахунок компанії", "edrpou")
    assert [tuple(row[name] for name in shown) for row in rows(described("csv"), "partners")] == [
        ("1", "Вигадка", "ТОВ «Вигадка»", "UA001", "00000001"),
        ("2", "", "", "", ""),
        ("3", "", "", "", ""),
    ]
