"""The column lineage that Dagster shows, held against what really moves when one field of a payload changes.

Two shops with the same pairs of orders are loaded. In the second one, each pair's later order differs by one field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.orchestration.lineage import column_lineage
from keycrm_pipeline.orchestration.profile_assets import ProfileAssets
from keycrm_pipeline.pipeline.stages import STAGES
from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline.warehouse.lineage import payload_fields
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.payloads import offer_payload, order_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv, make_books, person

DAY = date(2026, 3, 2)
SERVICE_PRODUCT = 9001
DOLLARS = 50

Row = dict[str, Any]
Pair = tuple[str, str]
"""`asset.column`, and the path of the field that moves it."""


@dataclass(frozen=True)
class Change:
    """A field with another value.

    Attributes:
        path: The field; of a list, the first element's.
        value: Its other value, or what makes it of the first one.
        given: Other fields of both orders of the pair, by path.
        own: Other fields of the later order alone, which is the one that changes.
    """

    path: str
    value: Any
    given: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)


def at(minute: int) -> str:
    return f"2026-03-02T09:{minute:02d}:00.000000Z"


def unlisted(status_id: int) -> dict[str, Any]:
    """A status that KeyCRM's list no longer has: all that is known of it stands in its orders."""
    return {
        "status_id": status_id,
        "status_group_id": 2,
        "status": {"id": status_id, "name": "Нестандартний", "alias": "odd", "group_id": 2},
    }


NO_SKU: dict[str, Any] = {"products.sku": None, "products.offer.sku": None}
NO_SOURCE: dict[str, Any] = {"source_id": None}
CASH_METHOD = 9
IN_CASH: dict[str, Any] = {
    "payments": lambda payments: payments[:1],
    "payments.payment_method_id": CASH_METHOD,
    "payments.amount": 150.2,
    "payments.actual_amount": 150.2,
}
"""150 hryvnias that are paid with 150.20, which is rounding and no overpayment."""


def stranger(buyer_id: int) -> dict[str, Any]:
    """Another buyer of KeyCRM with the same contacts and name."""
    return {"buyer.id": buyer_id, "client_id": buyer_id}


def other_offer(offer_id: int) -> dict[str, Any]:
    """Another offer of another product, with another name on the line."""
    return {
        "products.offer.id": offer_id,
        "products.offer.product_id": offer_id + 1,
        "products.name": f"Новий товар {offer_id}",
    }


CHANGES = (
    Change("ordered_at", at(30)),
    Change("created_at", at(31), {"ordered_at": None}),
    Change("updated_at", at(32)),
    Change("status_changed_at", at(33)),
    Change("status_id", 12),
    Change("status.id", 12, {"status_id": None}),
    Change("status.name", "Інша назва", unlisted(701)),
    Change("status.alias", "other", unlisted(702)),
    Change("status.alias", "completed", unlisted(703) | {"status.name": None}),
    Change("status_group_id", 5, unlisted(704)),
    Change("status.group_id", 5, unlisted(705) | {"status_group_id": None}),
    Change("source_id", DOLLARS),
    Change("source_id", 2, {"payments": []}),
    Change("source_uuid", "№ 2"),
    Change("manager_id", 6),
    Change("manager.id", 6, {"manager_id": None}),
    # Who the partner is.
    Change("buyer.id", 801, {"buyer.phone": None, "buyer.email": None}),
    Change("client_id", 802, {"buyer.id": None, "buyer.phone": None, "buyer.email": None}),
    Change("buyer.phone", "+380671112233", {"buyer.email": None}, stranger(803)),
    Change("buyer.email", "other@example.com", {"buyer.phone": None}, stranger(804)),
    Change("buyer.full_name", "Інша Людина", own=stranger(805)),
    Change("buyer.company_id", 8),
    # What stands on the card.
    Change("buyer.full_name", "Інше Ім’я"),
    Change("buyer.phone", "+380671112234", {"buyer.full_name": None, "buyer.email": None}),
    Change("buyer.email", "other2@example.com", {"buyer.full_name": None, "buyer.phone": None}),
    # What the order costs. Two lines, 100 and 50 hryvnias.
    Change("grand_total", 999),
    Change("grand_total", 137, {"discount_amount": 13}),
    Change("discount_amount", 13, {"grand_total": 137}),
    Change("discount_percent", 10, {"grand_total": 135}),
    Change("total_discount", 21, {"grand_total": 129}),
    Change("shipping_price", 55, {"discount_amount": 13, "grand_total": 192}),
    Change("wrap_price", 11, {"discount_amount": 13, "grand_total": 148}),
    Change("taxes", 7, {"discount_amount": 13, "grand_total": 144}),
    Change("products.quantity", 3, {"discount_amount": 13, "grand_total": 337}),
    Change("products.price_sold", 80, {"discount_amount": 13, "grand_total": 117}),
    Change("products.price", 120),
    Change("products.price", 120, {"products.price_sold": None}),
    Change("products.price_sold", 80, {"products.price": None}),
    Change("payment_status", "overpaid"),
    Change("buyer_comment", "Інший коментар"),
    Change("client_comment", "Ще інший", {"buyer_comment": None}),
    Change("manager_comment", "Менеджер каже інше"),
    Change("shipping.delivery_service.name", "Укрпошта"),
    Change("shipping.tracking_code", "20450000000002"),
    Change("shipping.shipping_status", "in_transit"),
    Change("shipping.shipping_date_actual", "2026-03-05T00:00:00.000000Z"),
    Change("shipping.was_shipped", True),
    Change("warehouse.name", "Магазин"),
    Change("custom_fields", [{"uuid": "OR_1", "value": "інше"}]),
    Change("tags.name", "Інший тег"),
    *(
        Change(f"marketing.utm_{mark}", "other")
        for mark in ("source", "medium", "campaign", "term", "content")
    ),
    Change("shipping.shipping_address_country", "Польща", {"shipping.shipping_address_country_code": "PL"}),
    Change("shipping.shipping_address_country_code", "PL", {"shipping.shipping_address_country": "Полтавія"}),
    Change("shipping.shipping_address_region", "Одеська"),
    Change("shipping.shipping_address_city", "Одеса"),
    Change("shipping.shipping_address_zip", "65000"),
    Change("shipping.shipping_receive_point", "Відділення 2"),
    Change("shipping.shipping_address", "вул. Інша, 2"),
    Change("shipping.shipping_secondary_line", "кв. 2"),
    Change("shipping.recipient_full_name", "Інший Отримувач"),
    Change("shipping.recipient_phone", "+380500000009"),
    # Which card a line gets.
    Change("products.sku", "SKU-ІНШИЙ", own=other_offer(901)),
    Change("products.name", "Інший товар", NO_SKU | {"products.offer": None}),
    Change(
        "products.offer.id", 911, NO_SKU | {"products.offer.product_id": None}, {"products.name": "Інший"}
    ),
    Change("products.offer.sku", "OFFER-ІНШИЙ", {"products.sku": None}, other_offer(921)),
    Change(
        "products.offer.product_id",
        932,
        NO_SKU,
        {"products.offer.id": 931, "products.name": "Новий товар 931"},
    ),
    # What stands on a card that nobody else has.
    Change("products.sku", "SKU-941", own=other_offer(941) | {"products.sku": "SKU-942"}),
    Change("products.offer.sku", "OFFER-951", NO_SKU, other_offer(951) | {"products.offer.sku": "OFFER-952"}),
    Change("products.name", "Інший товар", NO_SKU, other_offer(961)),
    Change("products.unit_type", "кг", NO_SKU, other_offer(971)),
    Change("products.offer.product_id", SERVICE_PRODUCT, NO_SKU, other_offer(981)),
    Change("products.id", 424_242),
    Change("products.properties", [{"name": "Колір", "value": "Синій"}]),
    Change("products.offer.barcode", "4820000000002"),
    Change("products.offer.properties", [{"name": "Розмір", "value": "XL"}]),
    # Which payment decides, and how much was paid.
    Change("payments", lambda payments: payments[::-1], NO_SOURCE),
    Change("payments.id", 515_151),
    Change("payments.amount", 77),
    Change("payments.actual_amount", 66, {"payments.source_currency": "EUR"}),
    Change("payments.source_currency", "EUR", {"payments.actual_amount": 3}),
    Change("payments.actual_currency", "EUR", NO_SOURCE),
    Change("payments.actual_currency", "EUR", {"payments.source_currency": None}),
    Change("payments.payment_method_id", 3),
    Change("payments.status", "canceled", NO_SOURCE),
    Change("payments.is_expense", True, NO_SOURCE),
    Change("payments.payment_date", at(40)),
    Change("payments.transaction_uuid", "b7e1"),
    # What the goods cost, and what was spent.
    Change("products.purchased_price", 45),
    Change("margin_sum", 71),
    Change("expenses.amount", 7),
    Change("expenses.actual_amount", 6, {"expenses.source_currency": "EUR"}),
    Change("expenses.source_currency", "EUR", {"expenses.actual_amount": 3}),
    Change("expenses.actual_currency", "EUR", {"expenses.source_currency": None}),
    Change("expenses.status", "canceled"),
    # What is rounding of cash and no debt.
    Change("grand_total", 149, IN_CASH),
    Change("source_id", DOLLARS, IN_CASH),
    Change("payments.amount", 77, IN_CASH),
    Change("payments.actual_amount", 77, IN_CASH | {"payments.source_currency": "EUR"}),
    Change("payments.source_currency", "EUR", IN_CASH | {"payments.actual_amount": 3}),
    Change("payments.actual_currency", "EUR", IN_CASH | NO_SOURCE),
    Change("payments.actual_currency", "EUR", IN_CASH | {"payments.source_currency": None}),
    Change("payments.payment_method_id", 3, IN_CASH),
    Change("payments.status", "canceled", IN_CASH),
    Change("payments.is_expense", True, IN_CASH),
)


def pair_of(number: int, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two orders of one buyer that sell the same, the later one to be changed; nobody else's cards are touched."""
    orders = []
    for offset in (0, 1):
        order = order_payload(
            number * 2 + offset,
            kyiv(2026, 3, 2, 9, 0) + timedelta(seconds=number * 2 + offset),
            buyer=person(number, f"Покупець {number}", email=f"buyer{number}@example.com"),
            lines=[
                {
                    "name": f"Товар {number}",
                    "sku": f"SKU-{number}",
                    "price": 100,
                    "purchased_price": 40,
                    "quantity": 1,
                    "offer": offer_payload(number, 10_000 + number, sku=f"OFFER-{number}"),
                },
                {"name": f"Послуга {number}", "price": 50, "offer": offer_payload(5, SERVICE_PRODUCT)},
            ],
            payments=[
                {"amount": 60, "payment_method_id": 2, "actual_currency": "UAH"},
                {"amount": 40, "payment_method_id": 3, "actual_currency": "USD"},
            ],
            expenses=[{"amount": 5}],
            manager_id=5,
            manager={"id": 5},
            source_uuid="№ 1",
            buyer_comment="Коментар",
            manager_comment="Менеджер",
            warehouse={"id": 1, "name": "Основний"},
            margin_sum=70,
            custom_fields=[{"uuid": "OR_1", "value": "щось"}],
            tags=[{"id": 1, "name": "Тег"}],
            marketing={f"utm_{mark}": mark for mark in ("source", "medium", "campaign", "term", "content")},
            shipping={
                "delivery_service": {"name": "Нова Пошта"},
                "tracking_code": "20450000000001",
                "shipping_status": "new",
                "shipping_address_country": "Україна",
                "shipping_address_country_code": "UA",
                "shipping_address_region": "Київська",
                "shipping_address_city": "Бровари",
                "shipping_address_zip": "07400",
                "shipping_receive_point": "Відділення 1",
                "shipping_address": "вул. Перша, 1",
                "shipping_secondary_line": "кв. 1",
                "recipient_full_name": "Отримувач",
                "recipient_phone": "+380500000008",
                "shipping_date_actual": "2026-03-04T00:00:00.000000Z",
                "was_shipped": False,
            },
        )
        for path, value in {**change.given, **(change.own if offset else {})}.items():
            put(order, path, value)
        orders.append(order)
    return orders[0], orders[1]


def put(payload: dict[str, Any], path: str, value: Any) -> None:
    """Sets a field; of a list, the first element's."""
    *parents, last = path.split(".")
    record: Any = payload
    for name in parents:
        record = record[name]
        record = record[0] if isinstance(record, list) else record
    record[last] = value(record[last]) if callable(value) else value


def loaded(directory: Path, *, changed: bool) -> Books:
    """A shop with all pairs, loaded."""
    directory.mkdir()
    books = make_books(
        directory,
        accounts={2: "Банк А", 3: "Банк Б"},
        payment_methods={CASH_METHOD: {"kind": "cash"}},
        managers={5: "olena", 6: "petro"},
        organisations={
            "ФОП А": {"payment_methods": [2]},
            "ФОП Б": {"payment_methods": [3]},
            "ТОВ В": {"sources": [2]},
        },
        partner_match="phone_and_name",
        statuses={"stages": {1: "Нове"}},
        source_number_in_comment=True,
    )
    books.shop.add_source({"id": DOLLARS, "name": "Shopify", "driver": "shopify", "currency_code": "USD"})
    books.shop.add_product(product_payload(SERVICE_PRODUCT, name="Послуга", category_id=7))
    for number, change in enumerate(CHANGES, start=1):
        earlier, later = pair_of(number, change)
        if changed:
            later = deepcopy(later)
            put(later, change.path, change.value)
        books.shop.add_order(earlier)
        books.shop.add_order(later)
    books.load(DAY)
    assert books.reasons() == {}
    return books


def by_id(books: Books, table: str, key: str) -> dict[Any, Row]:
    with books.warehouse.reading() as connection:
        cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - ours
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row[key]: row for row in rows}


def shown(books: Books) -> dict[int, dict[str, Row]]:
    """Number of a pair -> asset -> the row that its later order has or uses.

    Numbers of cards say nothing, because the cards of other pairs come between; whether both orders of the pair have
    the same card does.
    """
    orders = by_id(books, "accounting.orders", "order_id")
    lines = dict(
        books.query(
            "SELECT order_id, product_id FROM (SELECT order_id, line_no, product_id FROM accounting.order_lines "
            "UNION ALL SELECT order_id, line_no, product_id FROM accounting.order_services) WHERE line_no = 1"
        )
    )
    tables = {
        stage.name: by_id(books, stage.table.qualified_name, stage.table.primary_key[0])
        for stage in STAGES[2:]
    }
    found = {}
    for number in range(1, len(CHANGES) + 1):
        earlier, later = orders[number * 2], orders[number * 2 + 1]
        product_id = lines[number * 2 + 1]
        same_partner = earlier["partner_id"] == later["partner_id"]
        same_product = lines[number * 2] == product_id
        found[number] = {
            "orders": {**later, "partner_id": same_partner},
            "statuses": tables["statuses"][later["status_id"]],
            "sources": tables["sources"].get(later["source_id"], {}),
            "partners": {**tables["partners"][later["partner_id"]], "partner_id": same_partner},
            "products": {**tables["products"][product_id], "product_id": same_product},
        }
    return found


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> set[Pair]:
    """Every column that some change of a field has moved."""
    directory = tmp_path_factory.mktemp("lineage")
    before, after = (shown(loaded(directory / str(changed), changed=changed)) for changed in (False, True))
    return {
        (f"{asset}.{column}", f"payload.{change.path}")
        for number, change in enumerate(CHANGES, start=1)
        for asset, row in after[number].items()
        for column in _compared(asset, before[number][asset], row)
        if row[column] != before[number][asset].get(column)
    }


def _compared(asset: str, before: Row, after: Row) -> list[str]:
    """Of two different cards nothing but that they are different: the rest is what stands on each."""
    key = {"partners": "partner_id", "products": "product_id"}.get(asset)
    return [key] if key is not None and before[key] != after[key] else list(after)


@pytest.fixture(scope="module")
def lineage(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[str]]:
    """What Dagster is told: column -> the columns that it comes from, each as `asset.column`."""
    assets = ProfileAssets(make_books(tmp_path_factory.mktemp("stated")).workspace)
    return {
        f"{stage.name}.{column}": [f"{dep.asset_key.path[-1]}.{dep.column_name}" for dep in deps]
        for stage in STAGES
        if (found := column_lineage(assets, stage)) is not None
        for column, deps in found.deps_by_column.items()
    }


def fields(lineage: Mapping[str, list[str]], column: str) -> set[str]:
    """The fields of a payload that the lineage of a column leads to."""
    if column.startswith("raw_orders."):
        return {column.removeprefix("raw_orders.")}
    return set().union(*(fields(lineage, source) for source in lineage[column]))


def accounting_columns(lineage: Mapping[str, list[str]]) -> list[str]:
    return [column for column in lineage if not column.startswith("validated_orders.")]


def test_no_column_moves_by_a_field_that_its_lineage_does_not_name(
    moved: set[Pair], lineage: Mapping[str, list[str]]
) -> None:
    """Whoever asks where a figure comes from is shown every field that can change it."""
    stated = {(column, path) for column in accounting_columns(lineage) for path in fields(lineage, column)}
    assert moved - stated == set()


def test_everything_that_a_lineage_names_can_move_the_column(
    moved: set[Pair], lineage: Mapping[str, list[str]]
) -> None:
    """What stopped mattering is not shown for ever."""
    idle = {
        (column, source)
        for column in accounting_columns(lineage)
        for source in lineage[column]
        if any(path.startswith("payload.") for path in fields(lineage, source))
        and not any((column, path) in moved for path in fields(lineage, source))
    }
    # Of an order in the books, the status is always one that is loaded.
    assert idle == {("statuses.is_loaded", "validated_orders.status_id")}


def test_columns_without_a_lineage_come_from_no_payload(lineage: Mapping[str, list[str]]) -> None:
    """Settings of the profile, times of the exchange, and the ids of a catalogue of one's own."""
    lacking = {
        f"{stage.name}.{column}"
        for stage in STAGES[1:]
        for column in stage.table.column_names
        if f"{stage.name}.{column}" not in lineage
    }
    assert lacking == {
        "validated_orders.exchange_id",
        *(f"{card}.{column}" for card in ("partners", "products") for column in ("origin", "catalogue_id")),
        *(f"{asset}.{time}" for asset in ("partners", "products", "orders") for time in ("created_at", "updated_at")),
        "orders.author",
    }  # fmt: skip


def test_every_field_that_is_read_leads_to_a_column() -> None:
    """The statements ask for these fields of a payload; each is in the lineage, or only decides what is rejected."""
    asked: list[str] = []

    def walk(part: Any, path: str) -> None:
        part = part[0] if isinstance(part, list) else part
        # Name and value of an option make one text, and so do custom fields.
        if isinstance(part, dict) and not path.endswith((".properties", ".custom_fields")):
            for name, inner in part.items():
                walk(inner, f"{path}.{name}")
        else:
            asked.append(path)

    walk(json.loads(statement("validation", "structure")), "payload")
    shown = {path for paths in payload_fields().values() for path in paths}
    assert set(asked) - shown == {"payload.deleted_at"}
