"""R4 and R5: which product card a line gets, and whether it is Товар, Товар з SKU or Послуга."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from keycrm_pipeline.crm.errors import AuthenticationError
from keycrm_pipeline.pipeline import products
from keycrm_pipeline.pipeline.catalogue import take_over_names
from keycrm_pipeline.sandbox.payloads import product_payload
from keycrm_pipeline.warehouse.review import tick_off_product
from keycrm_pipeline_tests.payloads import line_payload, offer_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, kyiv

MARCH_3 = date(2026, 3, 3)
RED = {"name": "Колір", "value": "Червоний"}
BLUE = {"name": "Колір", "value": "Синій"}
SIZE = {"name": "Розмір", "value": "M"}


def catalogue(books: Books, product_id: int, name: str, *offers: Mapping[str, Any], **more: Any) -> None:
    """Puts a product with its variants (or its one offer) into KeyCRM's catalogue."""
    has_offers = bool(offers) and not offers[0].get("is_default", False)
    books.shop.add_product(product_payload(product_id, name, has_offers=has_offers, **more), offers)


def variant(
    offer_id: int, product_id: int, sku: str | None, *properties: Mapping[str, str], **more: Any
) -> Any:
    return offer_payload(offer_id, product_id, sku=sku, properties=list(properties), is_default=False, **more)


def sell(books: Books, order_id: int, *lines: Mapping[str, Any], day: int = 2) -> None:
    """One order with these lines; orders of a day follow each other by their number."""
    books.order(order_id, kyiv(2026, 3, day, 8, order_id), lines=lines)


def cards(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("products", "product_id, name, sku, kind")


def lines(books: Books, order_id: int) -> list[tuple[Any, ...]]:
    return books.rows("order_lines", "product_id, variant_id", f"order_id = {order_id}")


def variants(books: Books) -> Sequence[tuple[Any, ...]]:
    return books.rows("product_variants", "variant_id, product_id, sku, barcode, characteristics")


def test_products_that_came_are_not_asked_for_again(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    """A load that ends in the middle of the catalogue has stored what came; the next one asks for the rest."""
    monkeypatch.setattr(products, "STORED_TOGETHER", 2)
    offers = []
    for number in range(1, 6):
        offers.append(offer_payload(number * 10, number, sku=f"S-{number}"))
        catalogue(books, number, f"Товар {number}", offers[-1], sku=f"S-{number}")
    sell(books, 1, *({"offer": offer} for offer in offers))

    def asked() -> list[str]:
        return [
            dict(request.query)["filter[product_id]"]
            for request in books.api.requests
            if request.path == "/products" and request.status == 200
        ]

    # Categories and the first group; the second one meets a key that was revoked.
    books.api.faults.path_prefix = "/products"
    books.api.faults.key_revoked_after = 2
    with pytest.raises(AuthenticationError):
        books.load()
    books.api.faults.clear()
    books.api.forget_requests()
    books.load()
    assert asked() == ["3,4", "5"]
    assert [card[1] for card in cards(books)] == [f"Товар {number}" for number in range(1, 6)]


def test_article_decides_whatever_the_name(books: Books) -> None:
    """One SKU in other letters and with blanks is one card; equal names with other SKUs are other products."""
    sell(books, 1, {"sku": "CUP-1", "name": "Чашка"}, {"sku": " cup-1 ", "name": "Чашка зі знижкою"})
    sell(books, 2, {"sku": "CUP-2", "name": "Чашка"})
    books.load()
    assert cards(books) == [(1, "Чашка", "CUP-1", "product"), (2, "Чашка", "CUP-2", "product")]
    assert lines(books, 1) == [(1, None), (1, None)]
    assert lines(books, 2) == [(2, None)]
    # The line keeps its own name as sold.
    assert books.rows("order_lines", "name", "order_id = 1") == [("Чашка",), ("Чашка зі знижкою",)]


def test_names_are_compared_as_a_person_reads_them(books: Books) -> None:
    """Blanks, case and forms of the apostrophe make no second card."""
    sell(books, 1, *[{"name": name} for name in ("М'яка  іграшка", " м’яка іграшка ", "Мʼяка ІГРАШКА")])
    books.load()
    assert cards(books) == [(1, "М'яка іграшка", None, "product")]
    assert books.review("ambiguous_product_name") == []


def test_blank_card_of_that_name_receives_the_article(books: Books) -> None:
    """A product that was sold without SKU before keeps its card when it gets one."""
    sell(books, 1, {"name": "Свічка"})
    books.load()
    sell(books, 2, {"name": "свічка", "sku": "CANDLE"}, day=3)
    sell(books, 3, {"name": "Свічка", "sku": "CANDLE-XL"}, day=3)
    books.load(MARCH_3)
    assert cards(books) == [(1, "Свічка", "CANDLE", "product"), (2, "Свічка", "CANDLE-XL", "product")]


def test_line_without_article_takes_the_first_of_equal_names_and_says_so(books: Books) -> None:
    """The lowest card of several equal names, and one entry to review under the name."""
    sell(books, 1, {"sku": "A", "name": "Рушник"}, {"sku": "B", "name": "Рушник"})
    sell(books, 2, {"name": "рушник"})
    books.load()
    assert lines(books, 2) == [(1, None)]
    assert books.review("ambiguous_product_name") == ["рушник"]
    assert books.query("SELECT details FROM ops.review WHERE kind = 'ambiguous_product_name'") == [
        (
            "Several cards (1, 2) are named «Рушник», and lines without a SKU use this name; the first card was used. "
            "Rename the others, or give the product a SKU in KeyCRM.",
        )
    ]
    books.load()
    assert books.review("ambiguous_product_name") == ["рушник"]


def test_name_is_no_longer_ambiguous_once_its_lines_have_articles(books: Books) -> None:
    """What the entry asks for was done: it goes with the order that is read again, and not before the last one is."""
    sell(books, 1, {"sku": "A", "name": "Рушник"}, {"sku": "B", "name": "Рушник"}, {"name": "Мило"})
    sell(books, 2, {"name": "рушник"})
    sell(books, 3, {"name": "Рушник"})
    books.load()
    for order_id, left in ((2, ["рушник"]), (3, [])):
        books.shop.replace_order(order_id, {"products": [line_payload(sku="B", name="Рушник")]})
        books.changes()
        assert lines(books, order_id) == [(2, None)]
        assert books.review("ambiguous_product_name") == left
    sell(books, 4, {"name": "Рушник"})
    books.load()
    assert books.review("ambiguous_product_name") == ["рушник"]


def test_ambiguous_name_of_the_catalogue_stands_under_that_name(books: Books) -> None:
    """The line says `Рушник -20%`; two cards are called as the catalogue calls it, and that is what is told."""
    sell(books, 1, {"sku": "A", "name": "Рушник"}, {"sku": "B", "name": "Рушник"})
    catalogue(books, 7, "Рушник", offer_payload(70, 7))
    sell(books, 2, {"name": "Рушник -20%", "offer": offer_payload(70, 7)})
    books.load()
    assert lines(books, 2) == [(1, None)]
    assert books.review("ambiguous_product_name") == ["рушник"]


def test_ambiguous_name_told_once_is_not_told_anew_by_the_same_load(books: Books) -> None:
    """A card of that name made after the line is among those in question at once."""
    sell(books, 1, {"sku": "A", "name": "Рушник"}, {"name": "рушник"}, {"sku": "B", "name": "Рушник"})
    books.load()
    state = books.tables()
    assert books.review("ambiguous_product_name") == ["рушник"]
    books.load()
    assert books.tables() == state


def test_card_is_named_by_the_catalogue_and_never_renamed_by_a_line(books: Books) -> None:
    """The line says `Футболка -50%`; the card says what the catalogue says."""
    catalogue(books, 7, "Футболка базова", offer_payload(70, 7, sku="TS"), sku="TS")
    sell(books, 1, {"name": "Футболка -50%", "offer": offer_payload(70, 7, sku="TS")})
    sell(books, 2, {"name": "Інша назва", "sku": "TS"})
    books.load()
    assert cards(books) == [(1, "Футболка базова", "TS", "product")]


def renamed(books: Books) -> list[tuple[Any, ...]]:
    """What the review list says of renamed products."""
    return books.query(
        "SELECT subject, details FROM ops.review WHERE kind = 'product_renamed' ORDER BY subject"
    )


def rename_in_crm(books: Books, name: str) -> None:
    """KeyCRM's product 7 gets another name, and the weekly refresh of the catalogue reads it."""
    catalogue(books, 7, name, offer_payload(70, 7, sku="TS"), sku="TS")
    books.catalogue()


def test_r4_a_renamed_product_is_named_once_until_its_card_takes_the_name_over(books: Books) -> None:
    """The card keeps its first name and is on the list once; then it is called as in KeyCRM, its document as sold."""
    catalogue(books, 7, "Футболка базова", offer_payload(70, 7, sku="TS"), sku="TS")
    sell(books, 1, {"name": "Футболка базова", "offer": offer_payload(70, 7, sku="TS")})
    books.load()
    assert renamed(books) == []
    rename_in_crm(books, "Футболка  «Літо»")
    books.load()
    assert cards(books) == [(1, "Футболка базова", "TS", "product")]
    assert renamed(books) == [
        (
            "1",
            "Product 1 is «Футболка базова» on its card and «Футболка «Літо»» in KeyCRM, where it was renamed. The "
            "card keeps its name. Take the new name over (keycrm-pipeline catalogue --rename), or tick this off to "
            "keep the old one.",
        )
    ]
    assert take_over_names(books.workspace, now=books.now) == 1
    assert cards(books) == [(1, "Футболка «Літо»", "TS", "product")]
    assert renamed(books) == []
    assert take_over_names(books.workspace, now=books.now) == 0
    state = books.tables(without=("raw.products", "raw.offers"))
    books.rebuild()
    assert books.tables(without=("raw.products", "raw.offers")) == state
    assert books.rows("order_lines", "name") == [("Футболка базова",)]


def test_r4_a_renamed_product_is_ticked_off_until_it_is_renamed_again(books: Books) -> None:
    """Who wants to keep the old name says so once; another case or blank is no other name."""
    catalogue(books, 7, "Футболка", offer_payload(70, 7, sku="TS"), sku="TS")
    sell(books, 1, {"name": "Футболка", "offer": offer_payload(70, 7, sku="TS")})
    books.load()
    rename_in_crm(books, " ФУТБОЛКА ")
    assert renamed(books) == []
    rename_in_crm(books, "Кепка")
    with books.warehouse.writing() as connection:
        assert tick_off_product(connection, 1)
    books.load()
    assert renamed(books) == []
    rename_in_crm(books, "Шапка")
    assert [subject for subject, _ in renamed(books)] == ["1"]
    rename_in_crm(books, "Футболка")
    assert renamed(books) == []
    assert books.rows("ops.renamed_products") == []


def test_r4_a_card_of_the_accounting_catalogue_is_never_renamed(books: Books) -> None:
    """It is called as in the books it came from, whatever KeyCRM says."""
    file = books.workspace.catalogue_directory / "products.csv"
    file.parent.mkdir(parents=True)
    file.write_text("id,name,sku\nТ-1,Футболка бавовняна,TS\n", "utf-8")
    catalogue(books, 7, "Футболка", offer_payload(70, 7, sku="TS"), sku="TS")
    sell(books, 1, {"name": "Футболка", "offer": offer_payload(70, 7, sku="TS")})
    books.load()
    rename_in_crm(books, "Кепка")
    assert renamed(books) == []
    assert take_over_names(books.workspace, now=books.now) == 0
    assert cards(books) == [(1, "Футболка бавовняна", "TS", "product")]


def test_offer_once_linked_keeps_its_card(books: Books) -> None:
    """A new SKU of the same offer is the same product."""
    catalogue(books, 7, "Ліхтар", offer_payload(70, 7, sku="OLD"), sku="OLD")
    sell(books, 1, {"name": "Ліхтар", "offer": offer_payload(70, 7, sku="OLD")})
    books.load()
    catalogue(books, 7, "Ліхтар", offer_payload(70, 7, sku="NEW"), sku="NEW")
    sell(books, 2, {"name": "Ліхтар новий", "offer": offer_payload(70, 7, sku="NEW")}, day=3)
    books.load(MARCH_3)
    assert len(cards(books)) == 1
    assert lines(books, 2) == [(1, None)]


def test_cards_are_numbered_as_they_are_met(books: Books) -> None:
    """Line by line, then order by order, whatever the ids."""
    books.order(9, kyiv(2026, 3, 2, 8), lines=[{"name": "Перший"}, {"name": "Другий"}])
    books.order(3, kyiv(2026, 3, 2, 9), lines=[{"name": "Третій"}])
    books.load()
    assert books.rows("products", "name") == [("Перший",), ("Другий",), ("Третій",)]


def test_product_whose_variants_all_have_articles_has_variants(books: Books) -> None:
    """Товар з SKU: no SKU of its own; each variant met has SKU, barcode and characteristics."""
    offers = [
        variant(71, 7, "TS-R", RED, SIZE, barcode="4820000000017"),
        variant(72, 7, "TS-B", BLUE, SIZE),
        variant(73, 7, "TS-X"),
    ]
    catalogue(books, 7, "Футболка", *offers)
    sell(books, 1, {"name": "Футболка", "offer": offers[0]}, {"name": "Футболка", "offer": offers[1]})
    books.load()
    assert cards(books) == [(1, "Футболка", None, "product_with_sku")]
    assert variants(books) == [
        (1, 1, "TS-R", "4820000000017", "Колір: Червоний; Розмір: M"),
        (2, 1, "TS-B", None, "Колір: Синій; Розмір: M"),
    ]
    assert lines(books, 1) == [(1, 1), (1, 2)]
    # The document's line shows the article and the characteristics too.
    assert books.rows("order_lines", "sku, characteristics")[0] == ("TS-R", "Колір: Червоний; Розмір: M")


def test_line_with_a_variant_shows_its_article_and_options(books: Books) -> None:
    """Typed in by SKU alone, or sold before the variant had a SKU: what the line lacks is the variant's."""
    catalogue(books, 7, "Футболка", variant(70, 7, "TS-RED-M", RED, SIZE, barcode="4820"))
    sell(books, 1, {"name": "Футболка", "offer": variant(70, 7, "TS-RED-M", RED, SIZE)})
    sell(books, 2, {"name": "Футболка", "sku": "ts-red-m"})
    sell(books, 3, {"name": "Футболка", "offer": variant(70, 7, None, RED), "properties": [SIZE]})
    books.load()
    assert books.rows("order_lines", "order_id, variant_id, sku, characteristics") == [
        (1, 1, "TS-RED-M", "Колір: Червоний; Розмір: M"),
        (2, 1, "ts-red-m", "Колір: Червоний; Розмір: M"),
        (3, 1, "TS-RED-M", "Розмір: M"),
    ]


def test_product_with_missing_articles_is_one_card_without(books: Books) -> None:
    """Variants without SKU, only partly with one, or with a placeholder: Товар; the options stay on the line."""
    for product_id, first, second in ((7, None, None), (8, "S", "-"), (9, "P", None)):
        offers = [
            variant(product_id * 10 + 1, product_id, first, RED),
            variant(product_id * 10 + 2, product_id, second, BLUE),
        ]
        catalogue(books, product_id, f"Річ {product_id}", *offers)
        sell(books, product_id, *[{"name": "Річ", "offer": offer} for offer in offers])
    books.load()
    assert cards(books) == [
        (1, "Річ 7", None, "product"),
        (2, "Річ 8", None, "product"),
        (3, "Річ 9", None, "product"),
    ]
    assert variants(books) == []
    assert books.rows("order_lines", "product_id, characteristics", "order_id = 7") == [
        (1, "Колір: Червоний"),
        (1, "Колір: Синій"),
    ]


def test_service_by_its_category_or_any_above_it(books: Books) -> None:
    """Category 11 Вишивка stands in 10 Нанесення, and that in 7 Послуги: a service. It wins over variants."""
    catalogue(books, 7, "Вишивка", variant(71, 7, "V-1"), variant(72, 7, "V-2"), category_id=11)
    catalogue(books, 8, "Чашка", offer_payload(80, 8), category_id=6)
    sell(
        books,
        1,
        {"name": "Вишивка", "offer": variant(71, 7, "V-1"), "price": 50},
        {"name": "Чашка", "offer": offer_payload(80, 8)},
    )
    books.load()
    assert books.rows("products", "name, kind, category_id, category_name") == [
        ("Вишивка", "service", 11, "Вишивка"),
        ("Чашка", "product", 6, "Посуд"),
    ]
    assert books.rows("order_services", "line_no, kind, product_id, name, amount") == [
        (1, "service", 1, "Вишивка", 50)
    ]
    assert books.rows("order_lines", "line_no, name") == [(2, "Чашка")]


def test_line_decides_when_the_catalogue_forgot_the_product(books: Books) -> None:
    """With options and a SKU it is Товар з SKU, else Товар; a one-off line is always Товар."""
    sell(
        books,
        1,
        {"name": "Сукня", "offer": variant(71, 7, "DRESS-R", RED)},
        {"name": "Ґудзик", "offer": offer_payload(81, 8, sku="BUTTON")},
        {"name": "Разова", "sku": "ONE", "properties": [RED]},
    )
    books.load()
    assert cards(books) == [
        (1, "Сукня", None, "product_with_sku"),
        (2, "Ґудзик", "BUTTON", "product"),
        (3, "Разова", "ONE", "product"),
    ]
    # What the catalogue does not know is asked for once, not in every load.
    asked = [request.path for request in books.api.requests].count("/products")
    books.load()
    assert [request.path for request in books.api.requests].count("/products") == asked


def test_product_whose_variants_got_articles_is_promoted_until_ticked_off(books: Books) -> None:
    """The card keeps its number, the old document its card; a person is told until they say it is done."""
    catalogue(books, 7, "Кросівки", variant(71, 7, None, RED), variant(72, 7, None, BLUE))
    sell(books, 1, {"name": "Кросівки", "offer": variant(71, 7, None, RED)})
    books.load()
    assert cards(books) == [(1, "Кросівки", None, "product")]

    offers = [variant(71, 7, "RUN-R", RED), variant(72, 7, "RUN-B", BLUE)]
    catalogue(books, 7, "Кросівки", *offers)
    sell(books, 2, {"name": "Кросівки", "offer": offers[1]}, day=3)
    books.load(MARCH_3)
    assert cards(books) == [(1, "Кросівки", None, "product_with_sku")]
    assert lines(books, 2) == [(1, 1)]
    assert lines(books, 1) == [(1, None)]
    assert books.review("product_promoted") == ["1"]

    books.load(MARCH_3)
    assert books.review("product_promoted") == ["1"]
    with books.warehouse.writing() as connection:
        assert tick_off_product(connection, 1)
        assert not tick_off_product(connection, 1)
    books.load(MARCH_3)
    assert books.review("product_promoted") == []


def sell_products(books: Books, first_order_id: int, *products: tuple[int, str, str], day: int = 2) -> None:
    """One order for each (KeyCRM product, name, SKU); KeyCRM's catalogue does not have them."""
    for place, (product_id, name, sku) in enumerate(products):
        offer = offer_payload(product_id * 10, product_id, sku=sku)
        sell(books, first_order_id + place, {"name": name, "sku": sku, "offer": offer}, day=day)


COFFEE_MAKER, NAPKINS = (201, "Кавоварка", "-"), (202, "Серветки паперові", "-")
TORCH, UMBRELLA = (203, "Ліхтарик", "0"), (204, "Парасолька", "0")
BACKPACK, CAP = (205, "Рюкзак", "77001"), (206, "Кепка", "77001")


def test_r4_placeholders_match_nothing_and_a_shared_sku_is_told(books: Books) -> None:
    """`-` and `0` on four products are four cards; 77001 on two is one card, and an entry with both names."""
    sell_products(books, 1, COFFEE_MAKER, NAPKINS, TORCH, UMBRELLA, BACKPACK, CAP)
    exchange = books.load()
    assert (exchange.orders_created, exchange.products_created) == (6, 5)
    assert cards(books) == [
        (1, "Кавоварка", None, "product"),
        (2, "Серветки паперові", None, "product"),
        (3, "Ліхтарик", None, "product"),
        (4, "Парасолька", None, "product"),
        (5, "Рюкзак", "77001", "product"),
    ]
    assert [lines(books, order_id)[0][0] for order_id in range(1, 7)] == [1, 2, 3, 4, 5, 5]
    assert books.query("SELECT subject, details FROM ops.review WHERE kind = 'shared_sku'") == [
        (
            "5",
            "Product 5 «Рюкзак» was found by its SKU «77001» for products of KeyCRM with another name: 206 «Кепка». "
            "Check whether they are one product; if not, give each its own SKU in KeyCRM and a card in products.csv. "
            "Then tick this off.",
        )
    ]
    state = books.tables()
    for again in (books.load, books.rebuild):
        again()
        assert books.tables() == state


def test_r4_a_document_shows_no_placeholder(books: Books) -> None:
    """The copy keeps what KeyCRM sent; the document has the SKU of the offer or variant, or none."""
    catalogue(books, 7, "Футболка", variant(70, 7, "TS-RED-M", RED, SIZE))
    red = variant(70, 7, "TS-RED-M", RED, SIZE)
    sell(books, 1, {"name": "Футболка", "sku": "б/а", "offer": red}, {"name": "Ґудзик", "sku": "000"})
    sell(books, 2, {"name": "Футболка", "sku": "-", "offer": {**red, "sku": None}})
    sell(books, 3, {"name": "Чашка", "sku": " cup-1"})
    books.load()
    assert books.rows("order_lines", "order_id, variant_id, sku") == [
        (1, 1, "TS-RED-M"),
        (1, None, None),
        (2, 1, "TS-RED-M"),
        (3, None, "cup-1"),
    ]
    assert books.rows("validated.order_lines", "sku") == [("б/а",), ("000",), ("-",), ("cup-1",)]


def test_r4_a_shared_sku_is_ticked_off_for_good_until_another_product_joins(books: Books) -> None:
    """As a promotion is; the next product with that SKU is told alone."""
    sell_products(books, 1, BACKPACK, CAP)
    books.load()
    assert books.review("shared_sku") == ["1"]
    with books.warehouse.writing() as connection:
        assert tick_off_product(connection, 1)
        assert not tick_off_product(connection, 1)
    assert books.review("shared_sku") == []
    for again in (books.load, books.rebuild):
        again()
        assert books.review("shared_sku") == []
    sell_products(books, 3, (207, "Шарф", "77001"))
    books.load()
    ((details,),) = books.query("SELECT details FROM ops.review WHERE kind = 'shared_sku'")
    assert "206" not in details
    assert "207 «Шарф»" in details


def test_r4_a_shared_sku_is_settled_when_the_names_agree(books: Books) -> None:
    """The cap was a backpack, typed wrongly: renamed in KeyCRM, it leaves the list with the catalogue's refresh."""
    for product_id, name in ((205, "Рюкзак"), (206, "Кепка")):
        catalogue(
            books, product_id, name, offer_payload(product_id * 10, product_id, sku="77001"), sku="77001"
        )
    sell_products(books, 1, BACKPACK, CAP)
    books.load()
    assert books.review("shared_sku") == ["1"]
    books.shop.add_product(product_payload(206, " РЮКЗАК ", has_offers=False, sku="77001"), [])
    books.catalogue()
    books.load()
    assert books.review("shared_sku") == []
    assert books.rows("ops.shared_skus") == []


def test_r4_a_shared_sku_is_parted_by_a_sku_and_a_card_of_its_own(books: Books) -> None:
    """What the books' own file says a SKU is, goes before the link; older documents stay as they were sold."""
    sell_products(books, 1, BACKPACK, CAP)
    books.load()
    directory = books.workspace.catalogue_directory
    directory.mkdir(parents=True)
    (directory / "products.csv").write_text("id,name,sku\n90,Кепка,77002\n", "utf-8")
    sell_products(books, 3, (206, "Кепка", "77002"), day=3)
    books.load(MARCH_3)
    assert [lines(books, order_id) for order_id in (1, 2, 3)] == [[(1, None)], [(1, None)], [(90, None)]]


def test_r4_the_list_of_placeholders_is_a_setting(new_books: MakeBooks) -> None:
    """A shop that sells an article 777, and writes `уточнити` where it has none."""
    sold = ((1, "Кава", "777"), (2, "Какао", "777"), (3, "Чай", "уточнити"), (4, "Цукор", "Уточнити"))
    usual, own = new_books(), new_books(placeholder_skus=["-", "уточнити"])
    for books in (usual, own):
        sell_products(books, 1, *sold)
        books.load()
    assert cards(usual) == [
        (1, "Кава", None, "product"),
        (2, "Какао", None, "product"),
        (3, "Чай", "уточнити", "product"),
    ]
    assert cards(own) == [
        (1, "Кава", "777", "product"),
        (2, "Чай", None, "product"),
        (3, "Цукор", None, "product"),
    ]


def test_r4_products_merged_by_a_placeholder_before_stay_and_are_told(new_books: MakeBooks) -> None:
    """Books of an older version: linked products keep their card, and it loses what is no SKU."""
    books = new_books(placeholder_skus=["nothing"])
    sell_products(books, 1, COFFEE_MAKER, NAPKINS)
    sell(books, 3, {"name": "Пакет", "sku": "-"})
    books.load()
    assert cards(books) == [(1, "Кавоварка", "-", "product")]
    assert books.review("shared_sku") == ["1"]

    books.profile = new_books().profile
    sell_products(books, 4, TORCH, (208, "Мило", "-"))
    books.load()
    # What was typed in by hand has no link to stay by; it is named, and gets the card of that name.
    assert cards(books) == [
        (1, "Кавоварка", None, "product"),
        (2, "Пакет", None, "product"),
        (3, "Ліхтарик", None, "product"),
        (4, "Мило", None, "product"),
    ]
    assert [lines(books, order_id)[0][0] for order_id in range(1, 6)] == [1, 1, 2, 3, 4]
    assert books.review("shared_sku") == ["1"]
    state = books.tables()
    for again in (books.load, books.rebuild):
        again()
        assert books.tables() == state


def test_r4_books_of_the_version_before_say_what_was_merged_and_keep_their_skus(books: Books) -> None:
    """The file as that version left it: merged by `-`, blanks inside of SKUs kept, no list of shared SKUs."""
    sell_products(books, 1, (201, "Кавоварка", "S-1"), (202, "Серветки", "S-1"), (203, "КАВОВАРКА ", "S-1"))
    sell(books, 4, *[{"name": name, "sku": name} for name in ("A 1", "B 2", "C 3")])
    books.load()
    with books.warehouse.writing() as connection:
        connection.execute("ALTER TABLE validated.sold_items DROP COLUMN sku")
        connection.execute("DROP TABLE ops.shared_skus")
        connection.execute("DELETE FROM ops.review")
        for typed, product_id in (("-", 1), ("A\u00a0 1", 2), ("B  2", 3), ("b\u00a02", 4)):
            connection.execute(
                "UPDATE accounting.products SET sku = $sku, sku_key = lower($sku) WHERE product_id = $product_id",
                {"sku": typed, "product_id": product_id},
            )
        connection.execute("UPDATE ops.schema_version SET version = 3, digest = NULL")

    # Lines as they stand, before anything is derived again; then the whole.
    assert books.rows("products", "sku, sku_key") == [
        ("-", "-"),
        ("A\u00a0 1", "a 1"),
        ("B  2", "b 2"),
        (None, None),
    ]
    assert books.query("SELECT DISTINCT sku FROM validated.sold_items ORDER BY ALL") == [
        ("A 1",),
        ("B 2",),
        ("C 3",),
        ("S-1",),
    ]
    sell(books, 5, {"name": "Інша", "sku": "a 1"}, {"name": "Ще інша", "sku": "b 2"})
    books.load()
    assert [line[0] for line in lines(books, 5)] == [2, 3]
    ((details,),) = books.query("SELECT details FROM ops.review WHERE kind = 'shared_sku'")
    assert details.startswith(
        "Product 1 «Кавоварка» was found by its SKU «-» for products of KeyCRM with another name: 202 «Серветки». "
    )
    state = books.tables()
    books.rebuild()
    assert books.tables() == state


def test_r4_kinds_of_blanks_make_no_second_card(books: Books) -> None:
    """A non-breaking space from a web page, two spaces from a keyboard: one article."""
    sell(books, 1, {"name": "Чашка", "sku": "CUP\u00a01"}, {"name": "Горнятко", "sku": "cup  1 "})
    books.load()
    sell(books, 2, {"name": "Кухоль", "sku": "\u2009Cup 1"}, day=3)
    books.load(MARCH_3)
    assert cards(books) == [(1, "Чашка", "CUP 1", "product")]
    assert lines(books, 2) == [(1, None)]


def test_r5_the_sku_that_all_variants_share_is_the_cards_until_each_has_its_own(books: Books) -> None:
    """The card is found by it; when the variants get SKUs, the card is promoted and the old lines keep theirs."""
    shared = [variant(71, 7, "RUN", RED), variant(72, 7, " run", BLUE)]
    catalogue(books, 7, "Кросівки", *shared)
    sell(books, 1, *[{"name": "Кросівки", "offer": one} for one in shared], {"name": "Взуття", "sku": "RUN"})
    books.load()
    assert cards(books) == [(1, "Кросівки", "RUN", "product")]
    assert lines(books, 1) == [(1, None), (1, None), (1, None)]

    own = [variant(71, 7, "RUN-R", RED), variant(72, 7, "RUN-B", BLUE)]
    catalogue(books, 7, "Кросівки", *own)
    sell(books, 2, *[{"name": "Кросівки", "offer": one} for one in own], day=3)
    books.load(MARCH_3)
    assert cards(books) == [(1, "Кросівки", None, "product_with_sku")]
    assert books.review("product_promoted") == ["1"]
    assert books.review("shared_sku") == []
    books.rebuild()
    assert [row[2:] for row in variants(books)] == [
        ("RUN", None, None),
        ("RUN-R", None, "Колір: Червоний"),
        ("RUN-B", None, "Колір: Синій"),
    ]
    assert books.rows("order_lines", "variant_id, sku, characteristics", "order_id = 1") == [
        (1, "RUN", "Колір: Червоний"),
        (1, "run", "Колір: Синій"),
        (1, "RUN", None),
    ]
    assert lines(books, 2) == [(1, 2), (1, 3)]
    state = books.tables()
    books.rebuild()
    assert books.tables() == state


def test_r5_a_card_made_before_receives_the_shared_sku_at_the_next_load(books: Books) -> None:
    """The variants had no SKU when the card was made; all have got the same one since."""
    catalogue(books, 7, "Кросівки", variant(71, 7, None, RED), variant(72, 7, None, BLUE))
    sell(books, 1, {"name": "Кросівки", "offer": variant(71, 7, None, RED)})
    books.load()
    assert cards(books) == [(1, "Кросівки", None, "product")]
    shared = [variant(71, 7, "RUN", RED), variant(72, 7, "RUN", BLUE)]
    catalogue(books, 7, "Кросівки", *shared)
    sell(books, 2, {"name": "Кросівки", "offer": shared[1]}, day=3)
    books.load(MARCH_3)
    assert cards(books) == [(1, "Кросівки", "RUN", "product")]
    assert books.review("product_promoted") == []
    # As a version before left it, with the product known as it is now: a rebuild is enough.
    with books.warehouse.writing() as connection:
        connection.execute("UPDATE accounting.products SET sku = NULL, sku_key = NULL")
    books.rebuild()
    assert cards(books) == [(1, "Кросівки", "RUN", "product")]


def test_catalogue_is_asked_fifty_products_at_a_time(books: Books) -> None:
    """60 new plain products cost two requests, and a second load of them none."""
    sold = []
    for product_id in range(1, 61):
        offer = offer_payload(1000 + product_id, product_id)
        catalogue(books, product_id, f"Товар {product_id}", offer)
        sold.append({"name": f"Товар {product_id}", "offer": offer})
    sell(books, 1, *sold)
    books.load()
    assert [request.path for request in books.api.requests].count("/products") == 2
    books.load()
    assert [request.path for request in books.api.requests].count("/products") == 2


def test_a_product_number_that_is_none_is_asked_for_nowhere(books: Books) -> None:
    """KeyCRM refuses a list of ids with -1 in it as a whole; the line then decides, and the load goes on."""
    sell(books, 1, {"name": "Чашка", "offer": {**variant(70, 7, "CUP-1"), "product_id": -1}})
    exchange = books.load()
    assert (exchange.orders_created, exchange.orders_rejected) == (1, 0)
    assert not any("-1" in str(request.query) for request in books.api.requests)
