"""Every kind of data that the accounting rules mention occurs in two months of the demo shop.

The rules' own words are worked out here anew, from the records alone and apart from the code that makes
them: which kind a product is (R5), which candidate makes an order add up (R6), what makes an order impossible
to load (R10).
"""

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

import phonenumbers
import pytest

from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.sandbox.asking import NOW

Record = dict[str, Any]
KOPIYKA = Decimal("0.01")


def _decimal(value: Any) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _kopiykas(value: Decimal) -> Decimal:
    return value.quantize(KOPIYKA, rounding=ROUND_HALF_UP)


def _reasons(order: Record) -> list[str]:
    """Why an order cannot be loaded (R10), worked out from the record."""
    reasons = []
    try:
        if order["grand_total"] is None:
            reasons.append("no total")
        else:
            Decimal(str(order["grand_total"]))
    except InvalidOperation:
        reasons.append("total in words")
    for line in order["products"]:
        if not line["name"]:
            reasons.append("line without name")
        try:
            Decimal(str(line["quantity"]))
        except InvalidOperation:
            reasons.append("quantity in words")
    return reasons


def _candidate(order: Record) -> str:
    """The first candidate of R6 with which an order adds up, and whether there is a remainder."""
    lines = order["products"]
    sold = sum(_kopiykas(_decimal(line["price_sold"]) * _decimal(line["quantity"])) for line in lines)
    listed = sum(_kopiykas(_decimal(line["price"]) * _decimal(line["quantity"])) for line in lines)
    added = sum(_decimal(order[key]) for key in ("shipping_price", "wrap_price", "taxes"))
    percent = _kopiykas(sold * _decimal(order["discount_percent"]) / 100)
    amount = _decimal(order["discount_amount"])
    candidates = {
        "none": Decimal(0),
        "total": _decimal(order.get("total_discount")),
        "percent and amount": percent + amount,
        "amount": amount,
        "percent": percent,
    }
    for name, discount in candidates.items():
        rest = sold - discount + added - _decimal(order["grand_total"])
        if abs(rest) <= KOPIYKA * len(lines):
            lowered = " in lines" if name == "none" and listed != sold else ""
            mixed = " and lines" if name != "none" and listed != sold else ""
            return f"{name}{lowered}{mixed}{' with remainder' if rest else ''}"
    return "does not add up"


def test_every_kind_of_discount_occurs_and_nearly_every_order_adds_up(two_months: list[Record]) -> None:
    """R6: KeyCRM's own count of the discount explains all orders but a few, which are intentional."""
    kinds = Counter(_candidate(order) for order in two_months if not _reasons(order))
    assert {
        "none",
        "none with remainder",
        "none in lines",
        "total",
        "total and lines",
        "does not add up",
    } <= set(kinds)
    assert 2 <= kinds["does not add up"] < len(two_months) / 100


def test_orders_have_their_own_discount_as_live_accounts_compute_it(two_months: list[Record]) -> None:
    """R6: `total_discount` is percentage and amount together, without the lines' own discounts."""
    written: Counter[str] = Counter()
    for order in two_months:
        if _reasons(order):
            continue
        sold = _kopiykas(
            sum(
                (_decimal(line["price_sold"]) * _decimal(line["quantity"]) for line in order["products"]),
                Decimal(0),
            )
        )
        assert _decimal(order["products_total"]) == sold
        percent = _kopiykas(sold * _decimal(order["discount_percent"]) / 100)
        amount, total = _decimal(order["discount_amount"]), _decimal(order["total_discount"])
        has_lines = any(line["price"] != line["price_sold"] for line in order["products"])
        assert total == percent + amount
        if percent and amount:
            # Rounded to whole hryvnias with the amount.
            assert (sold - total) % 1 == 0
            written["both beside lines" if has_lines else "both"] += 1
        elif total:
            written["percent" if percent else "amount"] += 1
    assert set(written) == {"both", "both beside lines", "percent", "amount"}


def test_lines_have_their_own_discounts_per_unit_as_live_accounts_compute_them(
    two_months: list[Record],
) -> None:
    """R6: percentage, loyalty and amount of one unit together; the loyalty is told in the header."""
    written: set[tuple[str, ...]] = set()
    for order in two_months:
        for line in order["products"]:
            price = _decimal(line["price"])
            loyalty, amount = _decimal(line["loyalty_discount"]), _decimal(line["discount_amount"])
            percent = _decimal(line["discount_percent"])
            off = price * (percent + loyalty) / 100 + amount
            assert abs(price - off - _decimal(line["price_sold"])) <= KOPIYKA / 2
            assert _decimal(line["total_discount"]) == price - _decimal(line["price_sold"])
            kinds = {"percent": percent, "loyalty": loyalty, "amount": amount}
            written.add(tuple(kind for kind, value in kinds.items() if value))
            if loyalty:
                assert order["discount_data"]["loyalty"]["discount"] == loyalty
        if not any(line["loyalty_discount"] for line in order["products"]):
            assert order["discount_data"] in ([], None)
    assert {(), ("percent",), ("loyalty",), ("amount",), ("percent", "loyalty", "amount")} <= written


def test_margin_and_expenses_are_what_is_left_and_what_was_spent(two_months: list[Record]) -> None:
    """The total less what the goods cost and less the expenses."""
    has_expenses = False
    for order in two_months:
        if _reasons(order):
            continue
        cost = sum(
            (_decimal(line["purchased_price"]) * _decimal(line["quantity"]) for line in order["products"]),
            Decimal(0),
        )
        spent = sum((_decimal(expense["amount"]) for expense in order["expenses"]), Decimal(0))
        has_expenses = has_expenses or spent > 0
        assert _decimal(order["expenses_sum"]) == spent
        assert _decimal(order["margin_sum"]) == _decimal(order["grand_total"]) - _kopiykas(cost) - spent
    assert has_expenses


def test_orders_that_cannot_be_loaded_occur_now_and_then(two_months: list[Record]) -> None:
    """R10: about one in three hundred, of every kind within half a year, and some are fixed later."""
    assert 1 <= sum(bool(_reasons(order)) for order in two_months) <= len(two_months) / 100
    shop = EditableShop(lambda: NOW)
    total = len(shop.select())
    half_a_year = shop.records(shop.select().ids(total - 7000, total))
    kinds = Counter(reason for order in half_a_year for reason in set(_reasons(order)))
    assert set(kinds) == {"no total", "total in words", "line without name", "quantity in words"}
    assert 7 <= sum(kinds.values()) <= 30


def _kind(product: Record, offers: list[Record], parents: dict[int, int | None]) -> str:
    """The kind of a product by R5, in more detail than the rule needs."""
    category, depth = product["category_id"], 0
    while category is not None:
        if category == 7:
            return f"service {depth} below"
        category, depth = parents[category], depth + 1
    if not product["has_offers"]:
        return "plain" if product["sku"] else "plain without SKU"
    skus = [offer["sku"] for offer in offers]
    filled = [sku for sku in skus if sku]
    if not filled:
        return "variants without SKUs"
    if len(filled) < len(skus):
        return "variants partly with SKUs"
    return "variants with own SKUs" if len(set(skus)) == len(skus) else "variants sharing a SKU"


def test_every_kind_of_product_is_in_the_catalogue_and_is_sold(
    demo_shop: EditableShop, two_months: list[Record]
) -> None:
    """R5: 300 products; each kind is sold within two months, so that the demo shows all of them."""
    parents = {category["id"]: category["parent_id"] for category in demo_shop.records_of("categories")}
    offers: dict[int, list[Record]] = {}
    for offer in demo_shop.records_of("offers"):
        offers.setdefault(offer["product_id"], []).append(offer)
    products = {product["id"]: product for product in demo_shop.records_of("products")}
    assert len(products) == 300
    kinds = {key: _kind(product, offers[key], parents) for key, product in products.items()}
    every_kind = {
        "plain",
        "plain without SKU",
        "variants with own SKUs",
        "variants without SKUs",
        "variants sharing a SKU",
        "variants partly with SKUs",
        "service 0 below",
        "service 1 below",
        "service 2 below",
    }
    assert set(kinds.values()) == every_kind
    sold = [line for order in two_months for line in order["products"]]
    known = [line["offer"]["product_id"] for line in sold if line["offer"] is not None]
    assert {kinds[key] for key in known if key in kinds} == every_kind
    assert any(products[key]["is_archived"] for key in known if key in products)
    assert any(key not in products for key in known), "no line of a product deleted from the catalogue"
    assert any(line["offer"] is None for line in sold), "no one-off line"
    assert any(line["offer"] is None and line["properties"] for line in sold)
    assert any(products[key]["category_id"] is None for key in known if key in products)
    assert any(not isinstance(line["quantity"], (int, str)) for line in sold), "no weighed goods"
    names = Counter(product["name"] for product in products.values())
    assert max(names.values()) == 2


def test_line_and_offer_agree_on_what_was_copied(two_months: list[Record]) -> None:
    """A line's SKU is the offer's, except for spaces, case and a few lines without one."""
    lines = [line for order in two_months for line in order["products"] if line["offer"] is not None]
    for line in lines:
        if line["sku"] and line["offer"]["sku"]:
            assert line["sku"].strip().upper() == line["offer"]["sku"].upper()
    assert any(line["sku"] is None and line["offer"]["sku"] for line in lines)
    assert any(line["sku"] and line["sku"] != line["sku"].strip() for line in lines)


@pytest.mark.parametrize(
    ("what", "found"),
    [
        ("an order without a buyer", lambda order: order["buyer"] is None),
        ("a buyer without a phone", lambda order: order["buyer"] and not order["buyer"]["phone"]),
        ("a buyer without an e-mail", lambda order: order["buyer"] and not order["buyer"]["email"]),
        ("a buyer without a name", lambda order: order["buyer"] and not order["buyer"]["full_name"]),
        ("an e-mail that is none", lambda order: order["buyer"] and order["buyer"]["email"] == "немає"),
        ("an order without a manager", lambda order: order["manager"] is None),
        ("an order in euros", lambda order: any(p["actual_currency"] == "EUR" for p in order["payments"])),
        ("a source no list names", lambda order: order["source_id"] == 9),
        ("a source without a currency", lambda order: order["source_id"] == 5),
        ("a wrapping price", lambda order: order["wrap_price"] is not None),
        ("taxes", lambda order: order["taxes"] is not None),
        ("a delivery price", lambda order: order["shipping_price"] not in (None, "0.00")),
        ("a free delivery", lambda order: order["shipping_price"] == "0.00"),
        ("no delivery price", lambda order: order["shipping_price"] is None),
        ("money as text", lambda order: isinstance(order["grand_total"], str)),
        ("a branch", lambda order: "Відділення №" in str((order["shipping"] or {}).get("full_address"))),
        ("a parcel locker", lambda order: "Поштомат" in str((order["shipping"] or {}).get("full_address"))),
        ("a courier", lambda order: (order["shipping"] or {}).get("shipping_address")),
        ("the post", lambda order: (order["shipping"] or {}).get("delivery_service_id") == 2),
        ("self pickup", lambda order: (order["shipping"] or {}).get("delivery_service_id") == 3),
        ("an order from the second warehouse", lambda order: (order["warehouse"] or {}).get("id") == 2),
        (
            "goods in reserve",
            lambda order: any(line["stock_status"] == "reserved" for line in order["products"]),
        ),
        (
            "goods that left",
            lambda order: any(line["stock_status"] == "fulfilled" for line in order["products"]),
        ),
        ("a parcel that left", lambda order: (order["shipping"] or {}).get("was_shipped")),
        ("no delivery at all", lambda order: order["shipping"] is None),
        ("another recipient", lambda order: (order["shipping"] or {}).get("recipient_phone")),
        ("part-paid", lambda order: order["payment_status"] == "part_paid"),
        ("overpaid", lambda order: order["payment_status"] == "overpaid"),
        (
            "cash on delivery not paid yet",
            lambda order: any(
                p["status"] == "not_paid" and p["payment_method_id"] == 5 for p in order["payments"]
            ),
        ),
        (
            "a cancelled payment first",
            lambda order: [p["status"] for p in order["payments"]] == ["canceled", "paid"],
        ),
        (
            "a line that was sent back: less is paid, and entered anew",
            lambda order: any(
                gone["status"] == "canceled"
                and left["status"] == "paid"
                and gone["payment_date"] == left["payment_date"]
                and gone["amount"] > left["amount"] == _decimal(order["grand_total"])
                for gone, left in pairwise(order["payments"])
            ),
        ),
        ("an expense first", lambda order: order["payments"] and order["payments"][0]["is_expense"]),
        (
            "a nameless payment method",
            lambda order: any(p["payment_method_id"] == 7 for p in order["payments"]),
        ),
        ("an expense", lambda order: order["expenses"]),
        ("a marketplace's fee", lambda order: any(e["expense_type_id"] == 4 for e in order["expenses"])),
        (
            "an expense of the shop's own kind",
            lambda order: any(e["expense_type_id"] == 20 for e in order["expenses"]),
        ),
        ("a returned order", lambda order: order["status_id"] == 22),
        ("a cancelled order", lambda order: order["status_id"] in range(13, 20)),
        ("a status the list no longer has", lambda order: order["status_id"] == 24),
        ("a status of the shop's own", lambda order: order["status_id"] == 21),
        ("a copied order", lambda order: order["parent_id"] is not None),
        ("a buyer's comment", lambda order: order["buyer_comment"]),
        ("only the older comment", lambda order: order["client_comment"] and not order["buyer_comment"]),
        ("a comment like a formula", lambda order: str(order["buyer_comment"]).startswith("=")),
        ("a manager's comment", lambda order: order["manager_comment"]),
        ("tags", lambda order: order["tags"]),
        ("custom fields", lambda order: order["custom_fields"]),
        ("marketing", lambda order: order["marketing"]),
        (
            "an empty object as a list",
            lambda order: order["shipping"] and order["shipping"]["address_payload"] == [],
        ),
        ("a closing date with a blank", lambda order: order["closed_at"] and " " in order["closed_at"]),
        (
            "a line of a deleted product without its offer",
            lambda order: any(
                line["sku"] == "GL-900" and line["offer"] is None for line in order["products"]
            ),
        ),
        ("a silent change of status", lambda order: order["status_changed_at"] > order["updated_at"]),
    ],
)
def test_the_demo_shows(what: str, found: Any, two_months: list[Record]) -> None:
    """The demo shop has everything that a real shop sends."""
    assert any(found(order) for order in two_months), f"two months without {what}"


def test_statuses_other_than_the_standard_ones_are_few_and_standard_ones_keep_their_key(
    demo_shop: EditableShop,
) -> None:
    """A standard status is named by its key until it is renamed; custom statuses have ids from 20 on."""
    statuses = {status["id"]: status for status in demo_shop.records_of("statuses")}
    assert all(statuses[number]["name"] == statuses[number]["alias"] for number in range(1, 20))
    assert [number for number in statuses if number > 19] == [21, 22, 24]


def test_buyers_come_again_and_some_under_a_second_record(two_months: list[Record]) -> None:
    """R3: the same phone of two buyer ids, spelled differently, is one card."""
    buyers = {order["buyer"]["id"]: order["buyer"] for order in two_months if order["buyer"]}
    orders = Counter(order["buyer"]["id"] for order in two_months if order["buyer"])
    assert max(orders.values()) >= 4
    spelled: dict[str, dict[int, str]] = {}
    for buyer in buyers.values():
        if buyer["phone"] and len(buyer["phone"]) < 20:
            digits = "".join(filter(str.isdigit, buyer["phone"]))[-9:]
            spelled.setdefault(digits, {})[buyer["id"]] = buyer["phone"]
    shared = [phones for phones in spelled.values() if len(phones) > 1]
    assert any(len(set(phones.values())) > 1 for phones in shared)


def test_phones_are_valid_where_they_look_valid_and_belong_to_nobody(two_months: list[Record]) -> None:
    """The subscriber's seven digits begin with 000 or 001, and yet libphonenumber accepts the number."""
    phones = [order["buyer"]["phone"] for order in two_months if order["buyer"] and order["buyer"]["phone"]]
    plain = [phone for phone in phones if phone.startswith("+380") and len(phone) == 13]
    assert len(plain) > len(phones) / 3
    for phone in plain:
        assert phonenumbers.is_valid_number(phonenumbers.parse(phone, None)), phone
        assert phone[6:9] == "000"
    assert "0000000000" in phones
