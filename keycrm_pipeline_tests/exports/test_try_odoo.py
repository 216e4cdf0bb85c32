"""How `scripts/try_odoo.py` reads exported files and compares them with what Odoo has.

What is not here: Odoo. The script's calls are tried on a running one, by the script itself.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from keycrm_pipeline_tests.exports.small_shop import TOTALS, Export
from keycrm_pipeline_tests.product import PROJECT

HEAD = "id,partner_id/id,date_order,tag_ids/id"
LINE = "order_line/id,order_line/product_id/id,order_line/product_uom_qty,order_line/price_unit"
ORDERS = f"""{HEAD},{LINE}
keycrm_order_7,keycrm_partner_1,2026-03-31 23:59:00,"keycrm_tag_stage_a,keycrm_tag_cancelled",l1,p1,1.255,99.90
,,,,l2,p2,1.000,-0.37
keycrm_order_8,keycrm_partner_2,2026-03-31 10:00:00,,l3,p1,2.000,10.00
"""
FOREIGN = f"""{HEAD},pricelist_id/id,{LINE}
keycrm_order_9,keycrm_partner_1,2026-03-31 12:00:00,,keycrm_pricelist_eur,l4,p1,1.000,47.00
"""
PRICELISTS = "id,name,currency_id\nkeycrm_pricelist_eur,KeyCRM EUR,EUR\n"
PAYMENTS = """id,date,payment_type,partner_id/id,amount,currency_id,journal_id
keycrm_payment_1,2026-03-31,inbound,keycrm_partner_1,125.00,UAH,IBAN ФОП
"""


@pytest.fixture
def try_odoo(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The script as a module."""
    monkeypatch.syspath_prepend(str(PROJECT / "scripts"))
    yield importlib.import_module("try_odoo")
    sys.modules.pop("try_odoo", None)


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A directory with the files of one export, in no order."""
    texts = {"10_sale.order-foreign": FOREIGN, "9_sale.order": ORDERS, "2_product.pricelist": PRICELISTS}
    for name, text in {**texts, "11_account.payment": PAYMENTS, "1_crm.tag": "id,name\n"}.items():
        (tmp_path / f"shop_2026-03-01_2026-03-31_odoo_{name}.csv").write_text(text, "utf-8-sig")
    (tmp_path / "shop_2026-03-01_2026-03-31.xlsx").touch()
    return tmp_path


def test_files_are_imported_in_the_order_of_their_numbers(try_odoo: ModuleType, exported: Path) -> None:
    """File 10 would be refused before file 2, whose price lists it refers to."""
    files = try_odoo.read_files(exported)
    assert [(file.number, file.model) for file in files] == [
        (1, "crm.tag"),
        (2, "product.pricelist"),
        (9, "sale.order"),
        (10, "sale.order"),
        (11, "account.payment"),
    ]
    assert files[2].identifiers == ["keycrm_order_7", "keycrm_order_8"]


def test_two_exports_in_one_directory_are_not_mixed(try_odoo: ModuleType, exported: Path) -> None:
    """Two periods imported together would look like orders that Odoo lost."""
    (exported / "shop_2026-04-01_2026-04-30_odoo_1_crm.tag.csv").write_text("id,name\n", "utf-8-sig")
    with pytest.raises(try_odoo.NotTriedError, match=r"the files of 2 exports .*Export one period"):
        try_odoo.read_files(exported)


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_a_directory_without_files_says_what_to_do(try_odoo: ModuleType, tmp_path: Path, name: str) -> None:
    with pytest.raises(try_odoo.NotTriedError, match=r"keycrm-pipeline export|--format odoo"):
        try_odoo.read_files(tmp_path / name)


def test_what_the_files_say_of_orders(try_odoo: ModuleType, exported: Path) -> None:
    """1.255 x 99.90 = 125.3745, rounded 125.37, less 0.37; without a price list an order is in the company's money."""
    orders = try_odoo.expected_orders(try_odoo.read_files(exported), "UAH")
    totals = {
        key.removeprefix("keycrm_order_"): (order.total, order.currency) for key, order in orders.items()
    }
    assert totals == {
        "7": (Decimal("125.00"), "UAH"),
        "8": (Decimal("20.00"), "UAH"),
        "9": (Decimal("47.00"), "EUR"),
    }
    seventh = orders["keycrm_order_7"]
    assert seventh.date == "2026-03-31 23:59:00"
    assert seventh.partner == "keycrm_partner_1"
    assert seventh.tags == {"keycrm_tag_stage_a", "keycrm_tag_cancelled"}
    assert list(seventh.lines) == ["l1", "l2"]


def test_the_files_that_the_product_writes_are_understood(try_odoo: ModuleType, export: Export) -> None:
    """A column with a new name would leave nothing to compare."""
    files = try_odoo.read_files(export("odoo").files[0].parent)
    orders = try_odoo.expected_orders(files, "UAH")
    assert {key: order.total for key, order in orders.items()} == {
        f"keycrm_order_{order_id}": total for order_id, total in TOTALS.items()
    }
    assert sum(payment.amount for payment in try_odoo.expected_payments(files).values()) == Decimal("599.99")


def test_each_difference_names_the_order(try_odoo: ModuleType, exported: Path) -> None:
    """An Odoo that counts in hundredths made 1.26 of 1.255; order 8 went to another partner; order 9 is absent."""
    expected = try_odoo.expected_orders(try_odoo.read_files(exported), "UAH")
    seventh, eighth = expected["keycrm_order_7"], expected["keycrm_order_8"]
    rounded = {**seventh.lines, "l1": replace(seventh.lines["l1"], quantity=Decimal("1.26"))}
    actual = {
        "keycrm_order_7": replace(seventh, total=Decimal("125.50"), lines=rounded),
        "keycrm_order_8": replace(eighth, partner="keycrm_partner_1"),
    }
    assert [str(difference) for difference in try_odoo.differences(expected, actual)] == [
        "order 7: total: 125.00, in Odoo 125.50",
        "order 7: lines: l1 1.255 x 99.90 of p1, in Odoo 1.26 x 99.90 of p1",
        "order 8: partner: keycrm_partner_2, in Odoo keycrm_partner_1",
        "order 9: is not in Odoo",
    ]
    assert try_odoo.differences(expected, expected) == []


def test_a_payment_in_another_journal_is_a_difference(try_odoo: ModuleType, exported: Path) -> None:
    expected = try_odoo.expected_payments(try_odoo.read_files(exported))
    actual = {key: replace(payment, journal="Каса магазину") for key, payment in expected.items()}
    assert [str(difference) for difference in try_odoo.differences(expected, actual)] == [
        "payment 1: journal: IBAN ФОП, in Odoo Каса магазину"
    ]


def test_a_refusal_is_said_once_with_the_rows_of_the_file(try_odoo: ModuleType) -> None:
    """Odoo counts from 0, without the header and from the beginning of the batch; a spreadsheet counts from 1."""
    refused = [{"message": "No such journal", "rows": {"from": place, "to": place}} for place in (0, 3)]
    said = try_odoo.in_words([*refused, {"message": "Too many errors"}], 2000)
    assert said == ["No such journal (row 2002, 2005)", "Too many errors"]
