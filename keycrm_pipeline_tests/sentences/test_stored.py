"""What the tables store for people is stored with code and values, and read in either language."""

from __future__ import annotations

import json
from pathlib import Path

import pandera.polars as pa
import pytest

from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.sandbox.payloads import product_payload, source_payload
from keycrm_pipeline.schemas.ops import REVIEW_KINDS
from keycrm_pipeline.schemas.validation import (
    LINE_CHECKS,
    MISSING_REASONS,
    ORDER_CHECKS,
    PAYMENT_CHECKS,
    UNREADABLE_REASONS,
)
from keycrm_pipeline.sentences import read_message, without_typed
from keycrm_pipeline.sentences.catalogue import CatalogueFailure
from keycrm_pipeline.sentences.reasons import Reason
from keycrm_pipeline.sentences.review import Review
from keycrm_pipeline.warehouse.attention import exchanges, rejected_records, review_items
from keycrm_pipeline_tests.payloads import offer_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import kyiv, make_books, person
from keycrm_pipeline_tests.pipeline.test_r10_rejected import BROKEN

UK, EN = Formatter("uk"), Formatter("en")


@pytest.mark.parametrize(
    "schema", [ORDER_CHECKS, LINE_CHECKS, PAYMENT_CHECKS], ids=lambda schema: schema.name
)
def test_every_check_has_a_sentence(schema: pa.DataFrameSchema) -> None:
    """A new check without one would tell a bookkeeper of columns and types, in English."""
    known = {reason.code for reason in Reason}
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
    registers = {"novapay": {"account": "Каса", "columns": {"date": "Дата", "sum": "Сума"}}}
    books = make_books(
        tmp_path,
        default_partner=None,
        payment_methods={2: {"receipt": "own"}},
        reconciliation={"registers": registers},
    )
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
    (tmp_path / "rates").mkdir()
    (tmp_path / "rates" / "nbu.csv").write_text("cc,rate,exchangedate\nEUR,51.2,01.03.2026\n", "utf-8")
    books.order(118, buyer=person(103), payments=[{"id": 950, "actual_currency": "EUR"}])
    books.load()
    books.shop.add_source(source_payload(6, "Shopify", currency_code="USD"))
    books.shop.delete_order(107)
    books.shop.replace_order(114, {"ordered_at": "2028-03-02T10:00:00.000000Z"})
    catalogue = tmp_path / "shop" / "catalogue"
    catalogue.mkdir(parents=True)
    (catalogue / "products.csv").write_text("id,name,sku\nТ-1,Футболка S,ts-s\n", "utf-8")
    (tmp_path / "shop" / "registers").mkdir()
    (tmp_path / "shop" / "registers" / "novapay.csv").write_text("Дата;Сума\n01.03.2026;сто\n", "utf-8")
    with books.warehouse.writing() as connection:
        connection.execute("INSERT INTO ops.promoted_products VALUES (1)")
    books.shop.add_product(product_payload(10, "Келих"), [offer_payload(100, 10, sku="KEL")])
    books.order(117, buyer=person(103), lines=[{"offer": offer_payload(100, 10, sku="KEL"), "name": "Келих"}])
    books.load()
    books.shop.add_product(product_payload(10, "Келих для вина"), [offer_payload(100, 10, sku="KEL")])
    books.catalogue()
    stored = books.query("SELECT kind, details, details_coded::VARCHAR FROM ops.review")
    assert {kind for kind, *_ in stored} == set(REVIEW_KINDS)
    for kind, details, coded in stored:
        message = read_message(coded)
        assert message is not None, (kind, details, coded)
        assert str(message) == details
        known = CatalogueFailure if kind == "reconciliation_unread" else Review
        assert message.code.upper() in known.__members__
    with books.warehouse.reading() as connection:
        items, records = review_items(connection), rejected_records(connection, 1000)
    texts = {item.kind: item.text(UK) for item in items}
    assert texts["catalogue_conflict"].startswith("Картка Т-1 з products.csv має артикул «ts-s», який уже є")
    assert "розбіжність 12,50\u00a0₴ між" in texts["order_difference"]
    assert texts["partner_name_conflict"].endswith("На картці: «Петро Зразок»; у KeyCRM: «Олена Тестова».")
    assert "з іншою назвою: 9 «Товар 9»." in texts["shared_sku"]
    assert [text for item in items for text in [item.text(UK)] if text == item.text(EN)] == []
    for record in records:
        assert [str(message) for message in map(read_message, _each(record.reasons_coded))] == record.reasons
        assert set(record.reason_texts(UK)).isdisjoint(record.reasons)
    (nameless,) = (record for record in records if record.order_id is None)
    assert nameless.reason_texts(UK) == ["Номер замовлення (id) відсутній або не читається."]


def _each(stored: str | None) -> list[str]:
    return [json.dumps(one) for one in json.loads(stored or "[]")]


def test_rows_of_an_earlier_version_show_their_english_until_the_next_exchange(tmp_path: Path) -> None:
    """They have no code. The list is derived anew by the next exchange, reasons by the next load of their day."""
    books = make_books(tmp_path, default_partner=None)
    books.order(1, buyer=None)
    books.order(2, buyer=person(2), grand_total="112.50")
    books.load()
    before = books.query("SELECT kind, subject, first_seen_at FROM ops.review ORDER BY kind")
    with books.warehouse.writing() as connection:
        for table, column in (
            ("review", "details"),
            ("rejected_records", "reasons"),
            ("exchanges", "error"),
        ):
            # As the file of an earlier version, which gets the columns when it is opened.
            connection.execute(f"ALTER TABLE ops.{table} DROP COLUMN {column}_coded")
        connection.execute("UPDATE ops.exchanges SET error = 'It was odd.'")
        connection.execute("UPDATE ops.schema_version SET digest = 'earlier'")
    with books.warehouse.writing():
        pass
    with books.warehouse.reading() as connection:
        items, (record,) = review_items(connection), rejected_records(connection, 10)
        (exchange,) = exchanges(connection, 10)
    assert [item.text(UK) for item in items] == [item.details for item in items]
    assert record.reason_texts(UK) == [str(Reason.NO_PARTNER.message())]
    assert record.reason_texts(UK, without_typed) == ["…"]
    assert exchange.error_text(UK) == "It was odd."
    books.load()
    with books.warehouse.reading() as connection:
        items, (record,) = review_items(connection), rejected_records(connection, 10)
    assert [item.text(UK).split()[0] for item in items] == ["Замовлення", "Замовлення", "Статус"]
    assert record.reason_texts(UK) == [Reason.NO_PARTNER.message().text(UK)]
    assert books.query("SELECT kind, subject, first_seen_at FROM ops.review ORDER BY kind") == before


def test_what_somebody_typed_changes_nothing_around_it(tmp_path: Path) -> None:
    """Quotation marks, braces and the characters that stand between the values on their way out of SQL."""
    typed = "«»; total «1» {0} \x1e a\x1fb <b>"
    books = make_books(tmp_path)
    books.order(1, buyer=person(1), taxes=typed, wrap_price="x", lines=[{"quantity": typed}])
    books.load()
    with books.warehouse.reading() as connection:
        (record,) = rejected_records(connection, 10)
    shown = "«»; total «1» {0} a b <b>"
    assert sorted(record.reason_texts(UK)) == [
        f"Не число: wrap_price «x»; taxes «{shown}».",
        f"Рядок 1: кількість не є числом «{shown}».",
    ]
    assert sorted(record.reason_texts(UK, without_typed)) == [
        "Не число: wrap_price «…»; taxes «…».",
        "Рядок 1: кількість не є числом «…».",
    ]
