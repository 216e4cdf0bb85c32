"""Odoo files, read back by a small import that keeps Odoo's rules of External IDs. No live Odoo is asked."""

from __future__ import annotations

import codecs
import copy
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.exports import ExportError, export_period
from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.documents import Documents, Item
from keycrm_pipeline_tests.exports.small_shop import (
    FORMULA_NAME,
    MARCH,
    NOW,
    TOTALS,
    Export,
    SmallShop,
    plain_order,
    shop_in,
)

Record = dict[str, str]

IMPORTABLE = {
    "crm.tag": {"id", "name"},
    "res.partner": {
        *("id", "name", "phone", "email", "ref", "is_company", "company_registry", "parent_id/id", "comment"),
    },
    "product.product": {
        *("id", "name", "default_code", "barcode", "type", "uom_id/id", "list_price", "description"),
    },
    "product.pricelist": {"id", "name", "currency_id", "sequence"},
    "sale.order": {
        *("id", "name", "partner_id/id", "date_order", "client_order_ref", "origin", "note", "tag_ids/id"),
        *("user_id", "pricelist_id/id"),
    },
    "order_line": {"id", "product_id/id", "name", "product_uom_qty", "price_unit"},
    "message_ids": {"id", "body", "model", "message_type", "subtype_id/id"},
    "account.payment": {
        *("id", "date", "payment_type", "partner_type", "partner_id/id", "amount", "currency_id"),
        *("journal_id", "memo"),
    },
}
"""What the import screen of Odoo 18 offers, of the fields that a file of ours could name: it has no `state` of an
order, which is read-only."""

TARGETS = {
    "partner_id": "res.partner",
    "parent_id": "res.partner",
    "product_id": "product.product",
    "pricelist_id": "product.pricelist",
    "tag_ids": "crm.tag",
}
LISTS = ("order_line", "message_ids")
UNITS = {"uom.product_uom_unit", "uom.product_uom_meter", "uom.product_uom_kgm"}
NO_CUSTOMER_SEES = "mail.mt_note"


class RefusedError(Exception):
    """Odoo imported nothing of a file."""


@dataclass
class SmallOdoo:
    """What an import leaves behind: records by model and External ID, as strict as the screen of Odoo 18 was found.

    A row with an External ID that is known updates the record, another one makes it. A row whose own fields
    are all empty carries one more line of the record above. A file is refused as a whole for an unknown or read-only
    field, a reference to an unknown record, a tag or barcode that exists already, and a price list of an order that
    was confirmed. A file without BOM would be read in a guessed encoding.

    Attributes:
        records: Model -> External ID -> fields. Put what a user made in Odoo here.
        created: How many records imports made.
    """

    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    created: int = 0

    def load(self, file: Path) -> None:
        model = re.sub(r".*_odoo_\d+_|-foreign|-notes|-companies|-contacts|\.csv$", "", file.name)
        raw = file.read_bytes()
        if not raw.startswith(codecs.BOM_UTF8):
            raise RefusedError("The encoding is guessed, and one emoji makes it MacRoman.")
        before = copy.deepcopy(self.records), self.created
        try:
            self._load(model, list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline=""))))
        except RefusedError:
            self.records, self.created = before
            raise

    def _load(self, model: str, rows: list[Record]) -> None:
        owner = ""
        for row in rows:
            own = {name: value for name, value in row.items() if name.split("/")[0] not in LISTS}
            if any(own.values()):
                owner = own["id"]
                self._write(model, own)
            for name in LISTS:
                part = {
                    column.removeprefix(f"{name}/"): value
                    for column, value in row.items()
                    if column.startswith(f"{name}/")
                }
                if part.get("id"):
                    self._write(name, part, owner)

    def _write(self, model: str, values: Record, owner: str | None = None) -> None:
        if unknown := set(values) - IMPORTABLE[model]:
            raise RefusedError(f"{model}: no field to import into for {unknown}")
        known = self.records.setdefault(model, {})
        for name, value in values.items():
            target = TARGETS.get(name.removesuffix("/id"))
            for reference in value.split(",") if value and target else ():
                if reference not in self.records.get(target or "", {}):
                    raise RefusedError(f"No matching record found for external id '{reference}'")
            if name == "uom_id/id" and value not in UNITS:
                raise RefusedError(f"No matching record found for external id '{value}'")
            is_unique = (model, name) in {("crm.tag", "name"), ("product.product", "barcode")}
            if is_unique and any(
                value and other.get(name) == value for key, other in known.items() if key != values["id"]
            ):
                raise RefusedError(f"The value for the field '{name}' already exists")
        stored = known.get(values["id"], {})
        if stored.get("state") == "sale" and "pricelist_id/id" in values:
            raise RefusedError("You cannot change the pricelist of a confirmed order !")
        if values["id"] not in known:
            self.created += 1
        known[values["id"]] = stored | values | ({} if owner is None else {"order": owner})

    def total(self, order: str) -> Decimal:
        """The order's total as Odoo computes it: each line rounded half up to kopiykas."""
        return sum(
            (
                (Decimal(line["product_uom_qty"]) * Decimal(line["price_unit"])).quantize(
                    Decimal("0.01"), ROUND_HALF_UP
                )
                for line in self.records["order_line"].values()
                if line["order"] == order
            ),
            Decimal(0),
        )


def _imported(files: Sequence[Path], odoo: SmallOdoo | None = None) -> SmallOdoo:
    odoo = odoo or SmallOdoo()
    # The list of changes next to them has no number: it is for people.
    for file in files:
        if "_odoo_" in file.name:
            odoo.load(file)
    return odoo


def _with_settings(shop: SmallShop, directory: Path, **settings: Any) -> Sequence[Path]:
    """The files of March under other settings of the profile; the shop's database is in `directory`."""
    assert shop.workspace.settings.data_directory == directory
    return export_period(
        shop_in(directory, **settings).workspace,
        MARCH,
        export_format="odoo",
        directory=directory / "out",
        now=NOW,
    ).files


def test_files_are_numbered_in_the_order_of_import(export: Export) -> None:
    """Orders before their partners would be refused."""
    assert [file.name.removeprefix("demo_2026-03-01_2026-03-31_") for file in export("odoo").files] == [
        "odoo_1_crm.tag.csv",
        "odoo_2_res.partner.csv",
        "odoo_3_product.product.csv",
        "odoo_4_product.pricelist.csv",
        "odoo_5_sale.order.csv",
        "odoo_6_sale.order-foreign.csv",
        "odoo_7_account.payment.csv",
        "odoo_8_sale.order-notes.csv",
    ]


def test_orders_add_up_to_the_kopiyka(export: Export) -> None:
    """Discounts as percentages would be rounded by Odoo and miss KeyCRM's total."""
    odoo = _imported(export("odoo").files)
    assert {order: odoo.total(order) for order in odoo.records["sale.order"]} == {
        f"keycrm_order_{order_id}": total for order_id, total in TOTALS.items()
    }
    discount = odoo.records["order_line"]["keycrm_order_101_discount"]
    assert (discount["product_id/id"], discount["price_unit"]) == ("keycrm_service_discount", "-20.00")
    assert odoo.records["order_line"]["keycrm_order_103_discount"]["name"] == "Націнка"


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


def test_file_with_an_emoji_is_read_as_it_was_written(shop: SmallShop, export: Export) -> None:
    """Odoo guesses the encoding of a file without BOM, and one emoji turned all its Cyrillic letters into garbage."""
    with shop.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.partners SET name = 'Оленка 🌻' WHERE partner_id = 1")
    files = export("odoo").files
    assert _imported(files).records["res.partner"]["keycrm_partner_1"]["name"] == "Оленка 🌻"
    assert all(file.read_bytes().startswith(codecs.BOM_UTF8) for file in files)


def test_order_carries_what_odoo_has_a_field_for(export: Export) -> None:
    """Number, local time, source number, and what one filters by as tags."""
    odoo = _imported(export("odoo").files)
    order = odoo.records["sale.order"]["keycrm_order_101"]
    assert order["name"] == "101"
    assert order["partner_id/id"] == "keycrm_partner_1"
    assert order["date_order"] == "2026-03-01 00:15:00"
    assert order["client_order_ref"] == "№1042"
    assert _tags(odoo, 101) == {"Стадія: Виконано", "Джерело: Сайт"}


def _tags(odoo: SmallOdoo, order_id: int) -> set[str]:
    tags = odoo.records["sale.order"][f"keycrm_order_{order_id}"]["tag_ids/id"].split(",")
    return {odoo.records["crm.tag"][tag]["name"] for tag in tags}


def test_comment_is_for_colleagues_unless_the_profile_says_otherwise(shop: SmallShop, tmp_path: Path) -> None:
    """Odoo prints an order's note for the customer; what a manager typed about them must not be there unasked."""
    odoo = _imported(_with_settings(shop, tmp_path))
    order = odoo.records["sale.order"]["keycrm_order_101"]
    assert "note" not in order
    note = odoo.records["message_ids"]["keycrm_order_101_note"]
    assert (note["order"], note["model"], note["subtype_id/id"]) == (
        "keycrm_order_101",
        "sale.order",
        NO_CUSTOMER_SEES,
    )
    assert "ТТН: 20450000000123<br/>" in note["body"]
    # A shop's text is no markup.
    assert "Подзвонити &lt;до&gt; обіду &amp; після" in note["body"]

    printed = _imported(_with_settings(shop, tmp_path, export={"odoo": {"notes": "printed"}}))
    assert "ТТН: 20450000000123<br/>" in printed.records["sale.order"]["keycrm_order_101"]["note"]
    assert "message_ids" not in printed.records

    nothing = _imported(_with_settings(shop, tmp_path, export={"odoo": {"notes": "none"}}))
    assert not any("ТТН" in value for value in nothing.records["sale.order"]["keycrm_order_101"].values())
    assert "message_ids" not in nothing.records


def test_responsible_user_is_the_salesperson_with_a_login(shop: SmallShop, tmp_path: Path) -> None:
    """Without logins the column stays out, so that an import does not take the salesperson away."""
    assert (
        "user_id" not in _imported(_with_settings(shop, tmp_path)).records["sale.order"]["keycrm_order_101"]
    )
    users = {"olena": "olena@shop.example"}
    odoo = _imported(_with_settings(shop, tmp_path, export={"odoo": {"users": users}}))
    assert odoo.records["sale.order"]["keycrm_order_101"]["user_id"] == "olena@shop.example"


def test_foreign_currency_is_never_imported_as_hryvnias(export: Export) -> None:
    """48.55 euro read as hryvnias would be a loss nobody sees; a price list carries the currency."""
    odoo = _imported(export("odoo").files)
    reference = odoo.records["sale.order"]["keycrm_order_103"]["pricelist_id/id"]
    assert odoo.records["product.pricelist"][reference]["currency_id"] == "EUR"


def test_first_price_list_is_the_company_s(export: Export) -> None:
    """An order without a price list gets the first one; were that the one in euros, hryvnias would become euros."""
    lists = _imported(export("odoo").files).records["product.pricelist"]
    assert sorted((int(row["sequence"]), row["currency_id"]) for row in lists.values()) == [
        (20, "UAH"),
        (100, "EUR"),
    ]


def test_company_with_another_currency(shop: SmallShop, tmp_path: Path) -> None:
    """Odoo may be kept in euros: then the hryvnias are the foreign ones."""
    odoo = _imported(_with_settings(shop, tmp_path, export={"odoo": {"currency": "EUR"}}))
    orders = odoo.records["sale.order"]
    assert "pricelist_id/id" not in orders["keycrm_order_103"]
    assert orders["keycrm_order_101"]["pricelist_id/id"] == "keycrm_pricelist_uah"


def test_second_import_after_orders_were_confirmed(export: Export) -> None:
    """Odoo refuses a file that names the price list of a confirmed order, with everything else in it."""
    odoo = _imported(export("odoo").files)
    odoo.records["sale.order"]["keycrm_order_101"]["state"] = "sale"
    _imported(export("odoo").files, odoo)
    assert odoo.records["sale.order"]["keycrm_order_101"]["state"] == "sale"


def test_cancelled_orders_can_be_found_by_their_tag(export: Export) -> None:
    """Odoo's import cannot cancel an order; a person filters by the tag, selects all and cancels."""
    odoo = _imported(export("odoo").files)
    assert {order_id: "Скасовано в KeyCRM" in _tags(odoo, order_id) for order_id in TOTALS} == {
        101: False,
        102: False,
        103: True,
    }


def test_sources_of_one_name_share_a_tag(shop: SmallShop, export: Export) -> None:
    """Odoo has each tag name once and would refuse the file."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            "INSERT INTO accounting.sources BY NAME SELECT * REPLACE (2 AS source_id) FROM accounting.sources"
        )
        connection.execute("UPDATE accounting.orders SET source_id = 2 WHERE order_id = 102")
    odoo = _imported(export("odoo").files)
    assert "Джерело: Сайт" in _tags(odoo, 101) & _tags(odoo, 102)


def test_payments_are_drafts_of_the_account_s_journal(shop: SmallShop, export: Export) -> None:
    """Money that came, on its local day; expenses and what is not paid are no payments of a buyer."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            """
            INSERT INTO accounting.order_payments BY NAME
            SELECT 102 AS order_id, unnest([-1, 73, 74]) AS payment_id, 'Каса' AS account,
                unnest([33.30, -10, 5]) AS amount, 'UAH' AS currency, unnest(['paid', 'paid', 'not_paid']) AS status,
                false AS is_expense, TIMESTAMPTZ '2026-03-30 22:30:00+00' AS paid_at
            """
        )
    odoo = _imported(export("odoo").files)
    assert odoo.records["account.payment"] == {
        "keycrm_payment_71": {
            "id": "keycrm_payment_71",
            "date": "2026-03-01",
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id/id": "keycrm_partner_1",
            "amount": "599.99",
            "currency_id": "UAH",
            "journal_id": "ПриватБанк ФОП",
            "memo": "KeyCRM 101",
        },
        # 22:30 UTC is 01:30 of the next day in Kyiv.
        "keycrm_order_102_payment_1": {
            "id": "keycrm_order_102_payment_1",
            "date": "2026-03-31",
            "payment_type": "inbound",
            "partner_type": "customer",
            "partner_id/id": "keycrm_partner_2",
            "amount": "33.30",
            "currency_id": "UAH",
            "journal_id": "Каса",
            "memo": "KeyCRM 102",
        },
        "keycrm_payment_73": {
            "id": "keycrm_payment_73",
            "date": "2026-03-31",
            "payment_type": "outbound",
            "partner_type": "customer",
            "partner_id/id": "keycrm_partner_2",
            "amount": "10.00",
            "currency_id": "UAH",
            "journal_id": "Каса",
            "memo": "KeyCRM 102",
        },
    }
    made = odoo.created
    assert _imported(export("odoo").files, odoo).created == made


def test_cards_that_odoo_has_are_referred_to(shop: SmallShop, export: Export) -> None:
    """A card exported from Odoo into the catalogue is found again, not made a second time, and stays as it is there."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            "UPDATE accounting.partners SET catalogue_id = '__export__.res_partner_7_1a2b' WHERE partner_id = 1"
        )
        connection.execute("UPDATE accounting.products SET catalogue_id = 'shop.tea' WHERE product_id = 1")
    own_partner, own_product = {"name": "Олена К.", "phone": "1"}, {"name": "Чай", "barcode": "4820000000017"}
    odoo = SmallOdoo(
        {
            "res.partner": {"__export__.res_partner_7_1a2b": dict(own_partner)},
            "product.product": {"shop.tea": dict(own_product) | {"barcode": "1"}},
        }
    )
    _imported(export("odoo").files, odoo)
    order = odoo.records["sale.order"]["keycrm_order_101"]
    assert order["partner_id/id"] == "__export__.res_partner_7_1a2b"
    assert odoo.records["account.payment"]["keycrm_payment_71"]["partner_id/id"] == order["partner_id/id"]
    assert odoo.records["order_line"]["keycrm_order_101_line_9001"]["product_id/id"] == "shop.tea"
    assert odoo.records["res.partner"]["__export__.res_partner_7_1a2b"] == own_partner
    assert "keycrm_partner_1" not in odoo.records["res.partner"]
    assert "keycrm_product_1" not in odoo.records["product.product"]
    # A code of another system is no id of Odoo's: the card is made, with the code as its reference.
    assert odoo.records["res.partner"]["keycrm_partner_3"]["ref"] == "0000-17"


def test_id_of_a_product_template_is_refused_in_words(shop: SmallShop, export: Export) -> None:
    """Odoo would refuse each order with that product; the list to export the ids from is the one of variants."""
    with shop.warehouse.writing() as connection:
        connection.execute(
            "UPDATE accounting.products SET catalogue_id = '__export__.product_template_9_ab' WHERE product_id = 1"
        )
    with pytest.raises(
        ExportError, match=r"1 products .*__export__\.product_template_9_ab.* Product Variants"
    ):
        export("odoo")


def test_units_and_prices_of_products(export: Export) -> None:
    """Cloth is sold by the metre, and the price of a card is the list price it was last sold at."""
    products = _imported(export("odoo").files).records["product.product"]
    assert {
        name.removeprefix("keycrm_"): (record["uom_id/id"], record["list_price"])
        for name, record in products.items()
    } == {
        # The newest sale was in an order that is held back; 15 euro are newer, but no price in hryvnias.
        "product_1": ("uom.product_uom_unit", "10.00"),
        "product_3": ("uom.product_uom_unit", "70.00"),
        "product_4": ("uom.product_uom_meter", "99.99"),
        "variant_5": ("uom.product_uom_unit", "349.99"),
        "service_wrap": ("uom.product_uom_unit", ""),
        "service_tax": ("uom.product_uom_unit", ""),
        "service_discount": ("uom.product_uom_unit", ""),
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
