"""Odoo files, read back by a small import that keeps Odoo's rules of External IDs. No live Odoo is asked."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.documents import Documents, Item
from keycrm_pipeline_tests.exports.small_shop import (
    FORMULA_NAME,
    TOTALS,
    Export,
    SmallShop,
    plain_order,
)

Record = dict[str, str]


@dataclass
class SmallOdoo:
    """What an import leaves behind: records by model and External ID.

    A row with an External ID that is known updates the record, another one makes it. A row whose own fields
    are all empty carries one more line of the record above. A reference to an unknown one is an error.
    """

    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    created: int = 0

    def load(self, file: Path) -> None:
        model = (
            file.name.split("_odoo_", 1)[1].split("_", 1)[1].removesuffix(".csv").removesuffix(".cancelled")
        )
        with file.open(encoding="utf-8", newline="") as opened:
            order_id = ""
            for row in csv.DictReader(opened):
                own = {name: value for name, value in row.items() if not name.startswith("order_line/")}
                lines = {
                    name.removeprefix("order_line/"): value
                    for name, value in row.items()
                    if name.startswith("order_line/")
                }
                if any(own.values()):
                    order_id = own["id"]
                    self._write(model, own)
                if lines.get("id"):
                    self._write("sale.order.line", lines | {"order": order_id})

    def _write(self, model: str, values: Record) -> None:
        for name, value in values.items():
            if name.endswith("/id") and value:
                target = {
                    "partner_id": "res.partner",
                    "product_id": "product.product",
                    "pricelist_id": "product.pricelist",
                }
                assert value in self.records[target[name.removesuffix("/id")]], f"No external id {value}"
        known = self.records.setdefault(model, {})
        if values["id"] not in known:
            self.created += 1
        known[values["id"]] = known.get(values["id"], {}) | values

    def total(self, order: str) -> Decimal:
        """The order's total as Odoo computes it: each line rounded half up to kopiykas."""
        return sum(
            (
                (Decimal(line["product_uom_qty"]) * Decimal(line["price_unit"])).quantize(
                    Decimal("0.01"), ROUND_HALF_UP
                )
                for line in self.records["sale.order.line"].values()
                if line["order"] == order
            ),
            Decimal(0),
        )


def _imported(files: Sequence[Path], odoo: SmallOdoo | None = None) -> SmallOdoo:
    odoo = odoo or SmallOdoo()
    for file in files:
        odoo.load(file)
    return odoo


def test_files_are_numbered_in_the_order_of_import(export: Export) -> None:
    """Orders before their partners would be refused."""
    assert [file.name.removeprefix("demo_2026-03-01_2026-03-31_") for file in export("odoo").files] == [
        "odoo_1_res.partner.csv",
        "odoo_2_product.product.csv",
        "odoo_3_product.pricelist.csv",
        "odoo_4_sale.order.csv",
        "odoo_5_sale.order.cancelled.csv",
    ]


def test_orders_add_up_to_the_kopiyka(export: Export) -> None:
    """Discounts as percentages would be rounded by Odoo and miss KeyCRM's total."""
    odoo = _imported(export("odoo").files)
    assert {order: odoo.total(order) for order in odoo.records["sale.order"]} == {
        f"keycrm_order_{order_id}": total for order_id, total in TOTALS.items()
    }
    discount = odoo.records["sale.order.line"]["keycrm_order_101_discount"]
    assert (discount["product_id/id"], discount["price_unit"]) == ("keycrm_service_discount", "-20.00")
    assert odoo.records["sale.order.line"]["keycrm_order_103_discount"]["name"] == "Націнка"


def test_second_import_updates(shop: SmallShop, export: Export) -> None:
    """Importing again after a change in KeyCRM must not make a second order."""
    odoo = _imported(export("odoo").files)
    made = odoo.created
    with shop.warehouse.writing() as connection:
        connection.execute(
            "UPDATE accounting.order_lines SET quantity = 1, amount = 80 WHERE order_id = 101 AND line_no = 1"
        )
        connection.execute(
            "UPDATE accounting.orders SET goods_total = 429.99, grand_total = 499.99 WHERE order_id = 101"
        )
    _imported(export("odoo").files, odoo)
    assert odoo.created == made
    assert odoo.total("keycrm_order_101") == Decimal("499.99")


def test_order_carries_what_odoo_has_a_field_for(export: Export) -> None:
    """Number, local time, source number; the rest stands in the note, where a shop's text is no markup."""
    order = _imported(export("odoo").files).records["sale.order"]["keycrm_order_101"]
    assert order["name"] == "101"
    assert order["partner_id/id"] == "keycrm_partner_1"
    assert order["date_order"] == "2026-03-01 00:15:00"
    assert order["client_order_ref"] == "№1042"
    assert "ТТН: 20450000000123<br/>" in order["note"]
    assert "Подзвонити &lt;до&gt; обіду &amp; після" in order["note"]


def test_foreign_currency_is_never_imported_as_hryvnias(export: Export) -> None:
    """48.55 euro read as hryvnias would be a loss nobody sees; a price list carries the currency."""
    odoo = _imported(export("odoo").files)
    reference = odoo.records["sale.order"]["keycrm_order_103"]["pricelist_id/id"]
    assert odoo.records["product.pricelist"][reference]["currency_id"] == "EUR"


def test_cancelled_orders_are_cancelled_there_too(export: Export) -> None:
    """Only they get a state: an order that somebody confirmed in Odoo must not become a draft again."""
    odoo = _imported(export("odoo").files)
    assert {order: record.get("state") for order, record in odoo.records["sale.order"].items()} == {
        "keycrm_order_101": None,
        "keycrm_order_102": None,
        "keycrm_order_103": "cancel",
    }


def test_variants_and_services_are_products(export: Export) -> None:
    """Each variant is a product that a second import finds again; goods and services are told apart."""
    products = _imported(export("odoo").files).records["product.product"]
    assert {name: (record["default_code"], record["type"]) for name, record in products.items()} == {
        "keycrm_product_1": ("0012", "consu"),
        "keycrm_product_3": ("", "service"),
        "keycrm_product_4": ("-5", "consu"),
        "keycrm_variant_5": ("FB-R-M", "consu"),
        "keycrm_service_wrap": ("", "service"),
        "keycrm_service_tax": ("", "service"),
        "keycrm_service_discount": ("", "service"),
    }
    assert products["keycrm_variant_5"]["name"] == "Футболка (Колір: Червоний; Розмір: M)"


def test_shared_barcode_is_given_once(shop: SmallShop, export: Export) -> None:
    """Odoo refuses a whole file in which two products share a barcode."""
    day = date(2026, 5, 1)
    may = Documents(shop.warehouse)
    for order_id, variant_id in ((600, 5), (601, 6)):
        may.order(order_id, day, [Item("10.00", 2, name="Чай", columns={"variant_id": variant_id})])
    may.save()
    products = _imported(export("odoo", Period(day, day)).files).records["product.product"]
    assert products["keycrm_variant_5"]["barcode"] == "4820000000017"
    assert products["keycrm_variant_6"]["barcode"] == ""


def test_line_of_a_promoted_card_without_variant_finds_its_product(shop: SmallShop, export: Export) -> None:
    """An old line of a card that has variants by now (R5) still refers to the card itself."""
    day = date(2026, 5, 1)
    may = Documents(shop.warehouse)
    plain_order(may, 600, day, product_id=2)
    may.save()
    odoo = _imported(export("odoo", Period(day, day)).files)
    assert set(odoo.records["product.product"]) == {"keycrm_product_2"}
    assert odoo.total("keycrm_order_600") == Decimal("10.00")


def test_order_without_lines_is_an_order(shop: SmallShop, export: Export) -> None:
    """A free order of nothing is rare, but it must not shift the lines of its neighbours."""
    day = date(2026, 5, 1)
    may = Documents(shop.warehouse)
    plain_order(may, 600, day)
    may.order(601, day, [])
    plain_order(may, 602, day)
    may.save()
    odoo = _imported(export("odoo", Period(day, day)).files)
    assert [odoo.total(f"keycrm_order_{order_id}") for order_id in (600, 601, 602)] == [10, 0, 10]


def test_formulas_are_harmless_and_phones_usable(export: Export) -> None:
    """Somebody will look into the file with Excel before importing it."""
    partners = _imported(export("odoo").files).records["res.partner"]
    assert partners["keycrm_partner_2"]["name"] == "'" + FORMULA_NAME
    assert partners["keycrm_partner_1"]["phone"] == "+380501112233"
