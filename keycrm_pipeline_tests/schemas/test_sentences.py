"""What the tables say to a person is said in both languages, and no sentence can be added in one of them only."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter as FieldParser

import pandera.polars as pa
import pytest

from keycrm_pipeline.sandbox.payloads import product_payload, source_payload
from keycrm_pipeline.schemas.ops import REVIEW_KINDS
from keycrm_pipeline.schemas.sentences import SENTENCES, in_ukrainian
from keycrm_pipeline.schemas.validation import (
    LINE_CHECKS,
    MISSING_REASONS,
    ORDER_CHECKS,
    PAYMENT_CHECKS,
    UNREADABLE_REASONS,
)
from keycrm_pipeline_tests.payloads import offer_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import kyiv, make_books, person
from keycrm_pipeline_tests.pipeline.test_r10_rejected import BROKEN

TYPED = "Line 2: «кілька», {x} 1.5 \\ і (ще)."
"""What a person may type where something else is expected."""


def fields(text: str) -> list[str]:
    return [name for _, name, _, _ in FieldParser().parse(text) if name is not None]


@pytest.mark.parametrize("name", SENTENCES)
def test_a_stored_sentence_is_found_again_in_ukrainian(name: str) -> None:
    """With the same values, whatever a person typed among them."""
    sentence = SENTENCES[name]
    assert sorted(fields(sentence.english)) == sorted(fields(sentence.ukrainian))
    # Only what came from a person can hold anything; all other values are numbers.
    typed = {
        "value",
        "quantity_text",
        "amount_text",
        "name",
        "sku",
        "others",
        "reasons",
        "card_name",
        "buyer_names",
    }
    values = {
        field: TYPED if field in typed else str(number)
        for number, field in enumerate(fields(sentence.english), start=7)
    }
    assert in_ukrainian(sentence.english.format(**values)) == sentence.ukrainian.format(**values)
    assert re.search("[а-яі]{3}", sentence.ukrainian)


def test_what_an_older_version_stored_stays_as_it_is() -> None:
    """A sentence that was reworded since is shown as it stands in the table, not lost."""
    assert in_ukrainian("Order 5 is odd.") == "Order 5 is odd."


def test_sums_are_written_as_ukrainians_write_them() -> None:
    """With a decimal comma."""
    stored = SENTENCES["ORDER_DIFFERENCE"].english.format(order_id=5, difference="-12.50", currency="UAH")
    assert "розбіжність -12,50 UAH між" in in_ukrainian(stored)


@pytest.mark.parametrize(
    "schema", [ORDER_CHECKS, LINE_CHECKS, PAYMENT_CHECKS], ids=lambda schema: schema.name
)
def test_every_check_has_a_sentence(schema: pa.DataFrameSchema) -> None:
    """A new check without one would tell a bookkeeper of columns and types, in English."""
    known = {sentence.english for sentence in SENTENCES.values()}
    said = {check.error for column in schema.columns.values() for check in column.checks}
    assert said - known == set()
    required = {name for name, column in schema.columns.items() if not column.nullable}
    # These are there by how the frames are made.
    made = {name for name in required if name.startswith(("has_", "is_")) or name.endswith("_has_id")}
    made |= {"line_no", "unreadable_fields", "unreadable_date", "unreadable_values"}
    assert required - made - set(MISSING_REASONS) == set()
    assert set(UNREADABLE_REASONS) <= set(MISSING_REASONS)


def test_every_kind_of_the_list_and_every_reason_can_be_read_in_ukrainian(tmp_path: Path) -> None:
    """Books in which everything is the matter: what a load really stored is found again, kind by kind."""
    books = make_books(tmp_path, default_partner=None)
    for order_id, (parts, _reasons) in BROKEN.items():
        books.order(order_id, **{"buyer": person(order_id), **parts})
    same = "0501234567"
    books.order(101, kyiv(2026, 3, 2, 8), buyer=person(101, "Олена Тестова", same), manager_id=3)
    books.order(102, kyiv(2026, 3, 2, 9), buyer=person(102, "Петро Зразок", same), grand_total="112.50")
    for order_id, sku in ((103, "A"), (104, "B"), (105, None)):
        books.order(order_id, buyer=person(103), lines=[{"sku": sku, "name": "Рушник"}])
    offers = [
        offer_payload(number, 7, sku=sku, properties=[{"name": "Розмір", "value": sku}], is_default=False)
        for number, sku in ((71, "TS-S"), (72, "TS-M"))
    ]
    books.shop.add_product(product_payload(7, "Футболка", has_offers=True), offers)
    books.order(108, buyer=person(103), lines=[{"offer": offers[0], "name": "Футболка"}])
    for order_id, product_id in ((115, 8), (116, 9)):
        shared = offer_payload(product_id * 10, product_id, sku="77001")
        books.order(order_id, buyer=person(103), lines=[{"offer": shared, "name": f"Товар {product_id}"}])
    books.order(106, buyer=person(103))
    books.rewritten[b'"id":106,'] = b'"id":"?",'
    books.order(107, buyer=person(107))
    books.order(109, buyer=person(103), source_id=6, payment_status="paid")
    for order_id in (110, 111):
        books.order(order_id, buyer=person(103), payments=[{"id": 900}])
    for order_id in (112, 113):
        books.order(order_id, buyer=person(103), lines=[{"id": 901}])
    books.order(114, buyer=person(103))
    books.load()
    books.shop.add_source(source_payload(6, "Shopify", currency_code="USD"))
    books.shop.delete_order(107)
    books.shop.replace_order(114, {"ordered_at": "2028-03-02T10:00:00.000000Z"})
    catalogue = tmp_path / "shop" / "catalogue"
    catalogue.mkdir(parents=True)
    (catalogue / "products.csv").write_text("id,name,sku\nТ-1,Футболка S,ts-s\n", "utf-8")
    with books.warehouse.writing() as connection:
        connection.execute("INSERT INTO ops.promoted_products VALUES (1)")
    books.load()
    details = books.query("SELECT kind, details FROM ops.review")
    assert {kind for kind, _ in details} == set(REVIEW_KINDS)
    assert [said for _, said in details if in_ukrainian(said) == said] == []
    reasons = {reason for said in books.reasons().values() for reason in said}
    assert [reason for reason in reasons if in_ukrainian(reason) == reason] == []
    (nameless,) = books.reasons()[None]
    assert in_ukrainian(nameless) == "Номер замовлення (id) відсутній або не читається."
