"""Custom fields of KeyCRM as columns of every format."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from lxml import etree

from keycrm_pipeline.custom_fields import is_taken
from keycrm_pipeline.exports import ExportResult, export_period
from keycrm_pipeline.kinds import ExportFormat
from keycrm_pipeline.schemas.accounting import ORDERS, PARTNERS, PRODUCTS
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.export import read_export_sources
from keycrm_pipeline_tests.exports.small_shop import MARCH, NOW, SmallShop, shop_in

NAMES = {"OR_1012": "packaging", "OR_77": "packed_by", "CT_1014": "uktzed", "CT_1016": "partners.edrpou"}

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("commerceml_order.xsd")))

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


def test_1c_gets_the_company_of_a_buyer(described: Export, shop: SmallShop) -> None:
    """A legal entity has its official name and number, a person a full name; the account is a requisite.

    The ЄДРПОУ has eight digits; ten, as a sole proprietor has, are a tax number.
    """
    currencies = {"commerceml": {"currencies": {"EUR": "EUR"}}}
    found = {}
    for number in ("00000001", "1234567890"):
        with shop.warehouse.writing() as connection:
            connection.execute(
                "UPDATE raw.reference_rows SET payload = regexp_replace(payload, '[0-9]{8,10}', ?) "
                "WHERE list_name = 'companies'",
                [number],
            )
        path = described("commerceml", export=currencies).files[0]
        tree = etree.parse(path)
        SCHEMA.assertValid(tree)
        documents = {document.findtext("{*}Номер"): document for document in tree.iter("{*}Документ")}
        (partner,) = documents["101"].iter("{*}Контрагент")
        found[number] = [(part.tag.rpartition("}")[2], part.text) for part in partner if not len(part)]
        requisites = {
            one.findtext("{*}Наименование"): one.findtext("{*}Значение")
            for one in documents["101"].iter("{*}ЗначениеРеквизита")
        }
        assert requisites["Банковский счет контрагента"] == "UA001"
        assert requisites["partner_edrpou"] == number
    name, official = ("Наименование", "Коваленко Олена"), ("ОфициальноеНаименование", "ТОВ «Вигадка»")
    ending = ("Роль", "Покупатель")
    identifier = ("Ид", "keycrm_partner_1")
    assert found == {
        "00000001": [identifier, name, official, ("ЕГРПО", "00000001"), ending],
        "1234567890": [identifier, name, official, ("ИНН", "1234567890"), ending],
    }
    (other,) = documents["102"].iter("{*}Контрагент")
    assert other.find("{*}ОфициальноеНаименование") is None
    assert other.find("{*}ПолноеНаименование") is not None


def test_odoo_gets_the_company_as_a_contact_of_its_own(described: Export) -> None:
    """The buyer is its contact; buyers without a company are in no such file, so theirs in Odoo stays."""
    files = _files_of_odoo(described("odoo"))
    assert files["res.partner-companies.csv"].read_text("utf-8-sig").splitlines() == [
        "id,name,is_company,company_registry",
        "keycrm_company_1,ТОВ «Вигадка»,True,00000001",
    ]
    assert files["res.partner-contacts.csv"].read_text("utf-8-sig").splitlines() == [
        "id,parent_id/id",
        "keycrm_partner_1,keycrm_company_1",
    ]


def test_colleagues_in_odoo_read_them_in_notes(described: Export) -> None:
    """Odoo has no field for them. Of tea, and of the buyer of 101 alone: what a user wrote on other cards stays."""
    files = _files_of_odoo(described("odoo", custom_fields={**NAMES, "CT_1016": "partners.registry"}))
    assert "packaging: Коробка; =1+1" in files["sale.order-notes.csv"].read_text("utf-8-sig")
    assert files["product.product-notes.csv"].read_text("utf-8-sig").splitlines() == [
        "id,description",
        "keycrm_product_1,uktzed: 0902 30 00 10",
    ]
    assert files["res.partner-notes.csv"].read_text("utf-8-sig").splitlines() == [
        "id,comment",
        "keycrm_partner_1,registry: 00000001",
    ]


def test_a_profile_that_wants_no_notes_in_odoo_gets_none(described: Export) -> None:
    """`export.odoo.notes: none`."""
    files = _files_of_odoo(described("odoo", export={"odoo": {"notes": "none"}}))
    assert not [name for name in files if "notes" in name]


def _files_of_odoo(result: ExportResult) -> dict[str, Path]:
    return {file.name.rpartition("_")[2]: file for file in result.files}


def test_every_column_of_the_books_and_of_the_exports_is_taken(shop: SmallShop) -> None:
    """A custom field of that name would stand in another column's place, in silence."""
    with shop.warehouse.reading() as connection:
        choose_documents(connection, MARCH, EVERYTHING)
        sources = read_export_sources(connection, MARCH, export_format="csv", currency="UAH")
    for table in (ORDERS, PARTNERS, PRODUCTS):
        columns = {*(column.name for column in table.columns), *sources.tables[table.name].columns}
        assert {name for name in columns if not is_taken(table.name, name)} == set(), table.name


def test_partners_show_their_company(described: Export) -> None:
    """An accountant makes out an invoice to the company, with its ЄДРПОУ, which KeyCRM has no field for."""
    shown = ("Код контрагента", "Компанія", "Повна назва компанії", "Банк. рахунок компанії", "edrpou")
    assert [tuple(row[name] for name in shown) for row in rows(described("csv"), "partners")] == [
        ("1", "Вигадка", "ТОВ «Вигадка»", "UA001", "00000001"),
        ("2", "", "", "", ""),
        ("3", "", "", "", ""),
    ]
