"""R12: the cards that the accounting system has already are found, never doubled and never overwritten."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline.pipeline.catalogue_files import CatalogueFilesError
from keycrm_pipeline.sandbox.payloads import category_payload, product_payload
from keycrm_pipeline_tests.payloads import offer_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, kyiv, person


def put(books: Books, name: str, text: str | bytes) -> None:
    """Lays a file of the catalogue where the exchange looks for it."""
    directory = books.directory / "shop" / "catalogue"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(text.encode() if isinstance(text, str) else text)


def products(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("products", "product_id, name, sku, kind, unit, origin, catalogue_id")


def partners(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("partners", "partner_id, name, phone, email, origin, catalogue_id")


def test_lines_find_the_cards_that_were_there_first(books: Books) -> None:
    """By article and by name; a card of the books keeps its own name, number, kind and unit."""
    put(
        books,
        "products.csv",
        "id;name;sku;kind;unit\n501;Горнятко;CUP-1;Товар;\n502;Доставка кур'єром;;Послуга;\nA-7;Тканина;;;м\n",
    )
    books.order(
        1,
        lines=[
            {"sku": "cup-1", "name": "Чашка"},
            {"sku": None, "name": "ДОСТАВКА  КУР’ЄРОМ"},
            {"sku": None, "name": "тканина"},
            {"sku": None, "name": "Ложка"},
        ],
    )
    exchange = books.load()
    assert products(books) == [
        (501, "Горнятко", "CUP-1", "product", None, "catalogue", "501"),
        (502, "Доставка кур'єром", None, "service", None, "catalogue", "502"),
        (503, "Тканина", None, "product", "м", "catalogue", "A-7"),
        (504, "Ложка", None, "product", None, "keycrm", None),
    ]
    assert books.rows("order_lines", "line_no, product_id, name") == [
        (1, 501, "Чашка"),
        (3, 503, "тканина"),
        (4, 504, "Ложка"),
    ]
    assert books.rows("order_services", "line_no, product_id, kind") == [(2, 502, "service")]
    # What was in the books already was not made by the exchange.
    assert exchange.products_created == 1


def test_delivery_has_the_card_that_was_there_first(books: Books) -> None:
    """Of a file without kinds every card is a Товар; delivery was booked without one then, which Odoo refuses."""
    put(books, "products.csv", "id,name,sku\n501,Послуги доставки,\n502,Чашка керамічна,\n")
    books.order(1, shipping_price=60)
    books.load()
    assert books.rows("order_services", "kind, product_id, amount") == [("delivery", 501, 60)]
    assert [card[:4] for card in products(books)] == [
        (501, "Послуги доставки", None, "product"),
        (502, "Чашка керамічна", None, "product"),
    ]


def test_buyers_find_the_cards_that_were_there_first(books: Books) -> None:
    """By phone or e-mail; the name of the books stays, an empty field is filled, a disagreement is reported."""
    put(
        books,
        "partners.csv",
        "id,name,phone,email\n77,ТОВ Ромашка,050 111 22 33,\n78,Іваненко Іван,,Ivan@Example.com\n",
    )
    books.order(1, buyer=person(9, "Олена Тестова", "+380501112233", email="olena@example.com"))
    books.order(2, buyer=person(10, "Іваненко Іван", "+380671234567", email="ivan@example.com"))
    exchange = books.load()
    assert partners(books) == [
        (77, "ТОВ Ромашка", "+380501112233", "olena@example.com", "catalogue", "77"),
        (78, "Іваненко Іван", "+380671234567", "Ivan@Example.com", "catalogue", "78"),
    ]
    assert (books.value(1, "partner_id"), books.value(2, "partner_id")) == (77, 78)
    assert exchange.partners_created == 0
    assert books.review("partner_name_conflict") == ["77"]


def test_the_default_partner_of_the_books_is_taken(books: Books) -> None:
    """Orders without a buyer go to the card that the accountant has for them."""
    put(books, "partners.csv", "id,name\n3,РОЗДРІБНИЙ ПОКУПЕЦЬ\n")
    books.order(1, buyer=None)
    books.load()
    assert books.value(1, "partner_id") == 3
    assert len(partners(books)) == 1


def test_cards_of_the_exchange_become_those_of_a_file_that_comes_later(books: Books) -> None:
    """No second card, and no document moves: the number of the card stays, the file says what stands on it."""
    books.order(
        1,
        buyer=person(9, "Олена Тестова", "+380501112233"),
        lines=[{"sku": "CUP-1", "name": "Чашка"}, {"sku": None, "name": "Ложка"}],
    )
    books.order(2, buyer=None, lines=[{"sku": "CUP-1", "name": "Чашка"}])
    books.load()
    before = books.rows("orders")
    put(books, "products.csv", "id,name,sku,unit\n900,Горнятко,cup-1,\n2,ложка,,пара\n")
    put(books, "partners.csv", "id,name,phone\n55,Тестова О.,0501112233\n56,Роздрібний покупець,\n")
    books.load()
    assert products(books) == [
        (1, "Горнятко", "cup-1", "product", None, "catalogue", "900"),
        (2, "ложка", None, "product", "пара", "catalogue", "2"),
    ]
    assert partners(books) == [
        (1, "Тестова О.", "+380501112233", None, "catalogue", "55"),
        (2, "Роздрібний покупець", None, None, "catalogue", "56"),
    ]
    assert books.rows("orders") == before
    # One phone, two names: a person should look whether it is one person.
    assert books.review("partner_name_conflict") == ["1"]


def test_the_same_file_again_changes_nothing(books: Books) -> None:
    """Not a row and not a time of change, in loads, passes and a rebuild."""
    put(books, "products.csv", "id,name,sku\n501,Горнятко,CUP-1\n")
    put(books, "partners.csv", "id,name,phone\n77,ТОВ Ромашка,0501112233\n")
    books.order(1, buyer=person(9, phone="+380501112233"), lines=[{"sku": "CUP-1"}])
    books.load()
    before = books.tables()
    books.load()
    books.rebuild()
    assert books.tables() == before


def test_a_changed_row_changes_its_card_and_a_vanished_one_leaves_it(books: Books) -> None:
    """The accountant renames an article and moves a SKU; a row taken out of the file takes no card away."""
    put(books, "products.csv", "id,name,sku,unit\n1,Чашка,A-1,\n2,Ложка,A-2,м\n3,Виделка,,\n")
    books.order(1, lines=[{"sku": "A-1"}])
    books.load()
    put(books, "products.csv", "id,name,sku\n1,Чашка нова,A-2\n2,Ложка,A-1\n")
    books.load()
    assert products(books) == [
        (1, "Чашка нова", "A-2", "product", None, "catalogue", "1"),
        (2, "Ложка", "A-1", "product", "м", "catalogue", "2"),
        (3, "Виделка", None, "product", None, "catalogue", "3"),
    ]


def test_a_number_that_is_taken_is_not_taken_twice(books: Books) -> None:
    """Card 1 of the exchange keeps its number; the catalogue's card 1 gets a new one and keeps its id."""
    books.order(1, lines=[{"sku": None, "name": "Ложка"}])
    books.load()
    put(books, "products.csv", "id,name\n1,Чашка\n")
    books.load()
    assert products(books) == [
        (1, "Ложка", None, "product", None, "keycrm", None),
        (2, "Чашка", None, "product", None, "catalogue", "1"),
    ]


def test_r4_a_placeholder_in_the_file_matches_nothing(books: Books) -> None:
    """Neither a line finds its card by it, nor a row the card of a line; what counts as one is a setting."""
    put(books, "products.csv", "id,name,sku\n50,Сумка,-\n51,Пояс,-\n52,Шарф,777\n")
    for order_id, (name, sku) in enumerate((("Ніж", "-"), ("Пояс", "б/а"), ("Хустка", "777")), start=1):
        books.order(order_id, kyiv(2026, 3, 2, 8, order_id), lines=[{"name": name, "sku": sku}])
    books.load()
    before = [
        (50, "Сумка", None),
        (51, "Пояс", None),
        (52, "Шарф", None),
        (53, "Ніж", None),
        (54, "Хустка", None),
    ]
    assert books.rows("products", "product_id, name, sku") == before
    assert books.rows("order_lines", "product_id") == [(53,), (51,), (54,)]

    # A shop that has an article 777: the file is read again although it is the same.
    books.profile = books.profile.model_copy(update={"placeholder_skus": ("-", "б/а")})
    books.load()
    assert books.rows("products", "sku", "product_id = 52") == [("777",)]
    assert books.rows("order_lines", "product_id") == [(53,), (51,), (52,)]


def test_a_sku_of_a_variant_makes_no_second_card(books: Books) -> None:
    """It is on the review list, with what to do, and goes when the file is gone or the row is fixed."""
    offers = [
        offer_payload(offer_id, 7, sku=sku, properties=[{"name": "Розмір", "value": size}], is_default=False)
        for offer_id, sku, size in ((71, "TS-S", "S"), (72, "TS-M", "M"))
    ]
    books.shop.add_product(product_payload(7, "Футболка", has_offers=True), offers)
    books.order(1, lines=[{"offer": offers[0], "name": "Футболка"}])
    books.load()
    put(books, "products.csv", "id,name,sku\nТ-1,Футболка S,ts-s\n")
    for _ in range(2):
        books.load()
        assert [card[:4] for card in products(books)] == [(1, "Футболка", None, "product_with_sku")]
        assert books.review("catalogue_conflict") == ["Т-1"]
    (details,) = books.query("SELECT details FROM ops.review WHERE kind = 'catalogue_conflict'")[0]
    assert details == (
        "Card Т-1 in products.csv has the SKU «ts-s», which variant 1 of product 1 already has, so no second card "
        "was created. Remove the row, or the SKU from it."
    )
    (books.directory / "shop" / "catalogue" / "products.csv").unlink()
    books.load()
    assert books.review("catalogue_conflict") == []
    put(books, "products.csv", "id,name,sku\nТ-1,Футболка S,\n")
    books.load()
    assert books.review("catalogue_conflict") == []
    assert products(books)[1] == (2, "Футболка S", None, "product", None, "catalogue", "Т-1")


def test_a_card_of_the_books_is_never_overwritten(new_books: MakeBooks) -> None:
    """Name and kind of the card stay though KeyCRM's category says service; what is empty is filled."""
    books = new_books(service_categories=[7])
    books.shop.add_category(category_payload(7, "Послуги"))
    books.shop.add_product(
        product_payload(5, "Вишивка", category_id=7, sku="EMB"), [offer_payload(51, 5, sku="EMB")]
    )
    put(books, "products.csv", "id,name,sku\n40,Вишивка на тканині,EMB\n")
    books.order(1, lines=[{"offer": offer_payload(51, 5, sku="EMB"), "name": "Вишивка"}])
    books.load()
    assert products(books) == [(40, "Вишивка на тканині", "EMB", "product", None, "catalogue", "40")]


def test_mistakes_end_the_load_before_anything_is_done(books: Books) -> None:
    """Every mistake of both files in one go, with file, line and column; no request was made."""
    put(books, "products.csv", "id,name,kind\n1,Чашка,посуд\n2,,\n")
    put(books, "partners.csv", f"id,name,phone\n1,Олена\x00Т,\n2,{'я' * 1001},\n")
    books.order(1)
    with pytest.raises(CatalogueFilesError) as caught:
        books.load(run_id="broken")
    text = str(caught.value)
    directory = books.directory / "shop" / "catalogue"
    assert f"{directory / 'products.csv'} was not read; correct it and load again:" in text
    assert "line 2, column kind: it is no kind of product" in text
    assert "line 3, column name: the name is missing" in text
    assert f"{directory / 'partners.csv'} was not read" in text
    assert "line 2, column name: it contains characters that cannot be printed" in text
    assert "line 3, column name: it is longer than 1000 characters" in text
    exchange = books.exchange("broken")
    assert (exchange.status, exchange.error, exchange.requests) == ("failed", text, 0)
    assert partners(books) == products(books) == books.rows("orders") == []


def test_a_file_that_is_not_utf_8(books: Books) -> None:
    """Excel on Windows saves cp1251 unless told otherwise; the line where it shows is named."""
    put(books, "products.csv", "id;name\n1;Cup\n2;Чашка\n".encode("cp1251"))
    with pytest.raises(CatalogueFilesError, match="line 3: it is not in UTF-8; save the file as “CSV UTF-8”"):
        books.load()


def test_a_load_goes_on_when_the_file_is_mended(books: Books) -> None:
    """Nothing of the refused file stays behind."""
    put(books, "products.csv", "id,name,kind\n1,Чашка,посуд\n")
    books.order(1, lines=[{"sku": None, "name": "Чашка"}])
    with pytest.raises(CatalogueFilesError):
        books.load()
    put(books, "products.csv", "id,name,kind\n1,Чашка,Товар\n")
    assert books.load().status == "succeeded"
    assert products(books) == [(1, "Чашка", None, "product", None, "catalogue", "1")]


def workbook(rows: Sequence[Sequence[object]]) -> bytes:
    """A workbook as an accounting system exports it; the first sheet counts."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    book.create_sheet("Довідка").append(["id", "не та сторінка"])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def test_workbooks_are_read_like_text_files(books: Books) -> None:
    """Accountants export workbooks: numbers stay whole numbers, zeros of texts stay, blank rows are skipped."""
    put(
        books,
        "products.xlsx",
        workbook(
            [
                ["id", "name", "sku", "kind"],
                [501, "Горнятко", "0012", "Товар"],
                [],
                ["К-7", "Ложка", None, None],
            ]
        ),
    )
    put(books, "partners.xlsx", workbook([["id", "name", "phone"], [77, "ТОВ Ромашка", 380501112233]]))
    books.order(
        1, buyer=person(9, "Олена Тестова", "+380501112233"), lines=[{"sku": "0012", "name": "Чашка"}]
    )
    books.load()
    assert books.rows("products", "product_id, name, sku, catalogue_id") == [
        (501, "Горнятко", "0012", "501"),
        (502, "Ложка", None, "К-7"),
    ]
    assert books.rows("partners", "partner_id, name, phone") == [(77, "ТОВ Ромашка", "+380501112233")]
    assert (books.value(1, "partner_id"), books.rows("order_lines", "product_id")) == (77, [(501,)])


def test_mistakes_in_a_workbook_are_told_by_row_and_column(books: Books) -> None:
    """The row is the one that the spreadsheet shows."""
    put(
        books,
        "products.xlsx",
        workbook([["id", "name", "kind"], [1, "Чашка", "посуд"], [], [2, None, None], [3, "я" * 1001, None]]),
    )
    with pytest.raises(CatalogueFilesError) as caught:
        books.load()
    text = str(caught.value)
    assert "row 2, column kind: it is no kind of product" in text
    assert "row 4, column name: the name is missing" in text
    put(books, "products.xlsx", workbook([["id", "name"], [3, "я" * 1001]]))
    with pytest.raises(CatalogueFilesError, match="row 2, column name: it is longer than 1000 characters"):
        books.load()


@pytest.mark.parametrize("content", [b"", b"id,name\n1,\xd0\xa7\n", b"PK\x03\x04 cut off"])
def test_a_file_that_only_bears_the_name_of_a_workbook(books: Books, content: bytes) -> None:
    """Renaming a file does not make it a workbook; the message says how to save one."""
    put(books, "products.xlsx", content)
    with pytest.raises(CatalogueFilesError, match="it is not an Excel workbook"):
        books.load()


def test_a_file_on_a_disk_that_is_away(books: Books) -> None:
    """A load without the catalogue would make cards of its own for what the accounting system has already."""
    directory = books.directory / "shop" / "catalogue"
    directory.mkdir(parents=True)
    (directory / "products.csv").symlink_to(books.directory / "away.csv")
    books.order(1, lines=[{"sku": None, "name": "Чашка"}])
    with pytest.raises(CatalogueFilesError, match=r"products\.csv"):
        books.load()
    assert products(books) == []


def test_two_files_of_the_same_cards(books: Books) -> None:
    """Nobody knows which one is the newer one."""
    put(books, "products.csv", "id,name\n1,Чашка\n")
    put(books, "products.xlsx", workbook([["id", "name"], [1, "Чашка"]]))
    with pytest.raises(CatalogueFilesError, match=r"both products\.csv and products\.xlsx"):
        books.load()
