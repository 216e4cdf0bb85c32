"""Cards and variants of order lines (R4), kinds and promotion (R5), cards the books had already (R12)."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.names import Skus, sku_key
from keycrm_pipeline.accounting.origins import CATALOGUE, KEYCRM
from keycrm_pipeline.accounting.products import (
    CatalogueOffer,
    CatalogueProduct,
    Category,
    ProductCard,
    ProductCards,
    ProductLink,
    ProductVariant,
    SharedSku,
    SoldItem,
    needs_catalogue,
)
from keycrm_pipeline.profile.models import PLACEHOLDER_SKUS

SKUS_OF_SHOPS = Skus(PLACEHOLDER_SKUS)
RED, BLUE, BAG = 3302, 3303, 3410
SHIRT, SATCHEL, TAILORING = 1207, 1301, 1400
RED_OPTIONS = "Колір: Червоний; Розмір: M"
BLUE_OPTIONS = "Колір: Синій; Розмір: M"
CATEGORIES = {
    2: Category(2, "Одяг", None),
    6: Category(6, "Футболки", 2),
    7: Category(7, "Послуги", None),
    8: Category(8, "Ательє", 7),
    9: Category(9, "Ремонт", 8),
}


def offer(offer_id: int, sku: str | None = None, options: str | None = None) -> CatalogueOffer:
    return CatalogueOffer(offer_id, sku, None, options)


def product(
    product_id: int, name: str, *offers: CatalogueOffer, category_id: int | None = None
) -> CatalogueProduct:
    """Return a product that has variants when there are several offers or an offer with options."""
    has_offers = len(offers) > 1 or any(one.characteristics for one in offers)
    return CatalogueProduct(product_id, name, None, has_offers, category_id, offers)


SHIRT_WITH_SKUS = product(
    SHIRT,
    "Футболка базова",
    offer(RED, "TS-RED-M", RED_OPTIONS),
    offer(BLUE, "TS-BLUE-M", BLUE_OPTIONS),
    category_id=6,
)
SHIRT_WITHOUT_SKUS = product(
    SHIRT, "Футболка базова", offer(RED, None, RED_OPTIONS), offer(BLUE, None, BLUE_OPTIONS)
)
SHIRT_SHARING_SKU = product(
    SHIRT, "Футболка базова", offer(RED, "TS", RED_OPTIONS), offer(BLUE, "ts ", BLUE_OPTIONS)
)
SHIRT_PARTLY_SKU = product(
    SHIRT, "Футболка базова", offer(RED, "TS-RED-M", RED_OPTIONS), offer(BLUE, "", BLUE_OPTIONS)
)
BAG_WITHOUT_OFFERS = CatalogueProduct(SATCHEL, "Сумка полотняна", None, False, 2, (), "BAG-01")
PLAIN_BAG = product(SATCHEL, "Сумка полотняна", offer(BAG, "BAG-01"), category_id=2)


def item(
    name: str,
    sku: str | None = None,
    offer_id: int | None = None,
    product_id: int | None = None,
    options: str | None = None,
    *,
    barcode: str | None = None,
) -> SoldItem:
    """Return an item whose key is all of it; the offer has the line's SKU."""
    key = f"{name}|{sku}|{offer_id}|{product_id}|{options}"
    offer_sku = sku if offer_id is not None else None
    return SoldItem(
        key,
        sku,
        name,
        None,
        offer_id,
        offer_sku,
        barcode,
        product_id,
        options,
        has_properties=options is not None,
    )


RED_SHIRT = item("Футболка базова", "TS-RED-M", RED, SHIRT, RED_OPTIONS)
BLUE_SHIRT = item("Футболка базова", "TS-BLUE-M", BLUE, SHIRT, BLUE_OPTIONS)
RED_SHIRT_NO_SKU = item("Футболка базова", None, RED, SHIRT, RED_OPTIONS)
BLUE_SHIRT_NO_SKU = item("Футболка базова", None, BLUE, SHIRT, BLUE_OPTIONS)
A_BAG = item("Сумка полотняна", "BAG-01", BAG, SATCHEL)


def card(
    product_id: int, name: str, sku: str | None = None, *, kind: str = "product", origin: str = KEYCRM
) -> ProductCard:
    catalogue_id = f"id-{product_id}" if origin == CATALOGUE else None
    return ProductCard(product_id, name, sku, kind, None, None, None, origin, catalogue_id)


def register(
    *catalogue: CatalogueProduct,
    cards: Iterable[ProductCard] = (),
    variants: Iterable[ProductVariant] = (),
    links: Iterable[ProductLink] = (),
    service_categories: Iterable[int] = (7,),
) -> ProductCards:
    return ProductCards(
        cards,
        variants,
        links,
        catalogue={one.crm_product_id: one for one in catalogue},
        categories=CATEGORIES,
        service_categories=list(service_categories),
        next_product_id=100,
        next_variant_id=500,
        skus=SKUS_OF_SHOPS,
    )


Found = dict[str, tuple[int, int | None]]


class Books:
    """What a database would keep between loads."""

    def __init__(self, cards: Iterable[ProductCard] = (), links: Iterable[ProductLink] = ()) -> None:
        self.cards = {one.product_id: one for one in cards}
        self.variants: dict[int, ProductVariant] = {}
        self.links = {one.offer_id: one for one in links}

    def load(
        self,
        shop: Iterable[CatalogueProduct],
        items: Iterable[SoldItem],
        service_categories: Iterable[int] = (7,),
    ) -> tuple[ProductCards, Found]:
        """Load items as the exchange does, and keep what came of it."""
        books = ProductCards(
            self.cards.values(),
            self.variants.values(),
            self.links.values(),
            catalogue={one.crm_product_id: one for one in shop},
            categories=CATEGORIES,
            service_categories=list(service_categories),
            next_product_id=max(self.cards, default=99) + 1,
            next_variant_id=max(self.variants, default=499) + 1,
            skus=SKUS_OF_SHOPS,
        )
        found = books.meet_all(items)
        self.cards.update({**books.created_cards, **books.updated_cards})
        self.variants.update({**books.created_variants, **books.updated_variants})
        self.links.update({link.offer_id: link for link in books.new_links})
        return books, found


def untouched(books: ProductCards) -> bool:
    """Tell whether a load changed nothing."""
    return not (
        books.created_cards
        or books.updated_cards
        or books.created_variants
        or books.updated_variants
        or books.new_links
        or books.promoted
        or books.became_services
    )


def pairs(books: ProductCards) -> set[tuple[int, int]]:
    """Return the cards and products whose shared SKU a load told; of each pair the first one told is kept."""
    return {(shared.product_id, shared.crm_product_id) for shared in books.shared_skus}


# R4.1: SKU


@pytest.mark.parametrize("typed", ["BAG-01", " bag-01 ", "Bag-01\u00a0"])
def test_a_sku_finds_the_card_whatever_the_name(typed: str) -> None:
    """The article decides (F07); trimmed, case ignored."""
    books = register(cards=[card(1, "Торба", "BAG-01"), card(2, "Сумка")])
    assert books.meet(item("Сумка", typed)) == (1, None)
    assert untouched(books)


def test_a_sku_finds_a_variant() -> None:
    """The line gets the card and the variant that carries the article."""
    books = register(
        cards=[card(1, "Футболка", kind="product_with_sku")],
        variants=[ProductVariant(9, 1, "TS-RED-M", None, RED_OPTIONS, RED)],
    )
    assert books.meet(item("Щось інше", "ts-red-m")) == (1, 9)


def test_the_sku_comes_before_the_link() -> None:
    """The offer is linked to card 1, its line carries the article of card 2: card 2 it is, the link stays."""
    books = register(
        PLAIN_BAG,
        cards=[card(1, "Сумка стара"), card(2, "Сумка нова", "BAG-01")],
        links=[ProductLink(BAG, SATCHEL, 1, None)],
    )
    assert books.meet(A_BAG) == (2, None)
    assert not books.new_links


def test_the_offers_sku_counts_when_the_line_has_none() -> None:
    """Lines of a marketplace often come without SKU although their offer has one."""
    line = SoldItem("k", " ", "Сумка", None, BAG, "BAG-01", None, SATCHEL, None, has_properties=False)
    assert register(cards=[card(1, "Торба", "BAG-01")]).meet(line) == (1, None)
    bare = SoldItem("k", None, "Сумка", None, BAG, None, None, SATCHEL, None, has_properties=False)
    assert register(PLAIN_BAG, cards=[card(1, "Торба", "BAG-01")]).meet(bare) == (1, None)
    assert register(BAG_WITHOUT_OFFERS, cards=[card(1, "Торба", "BAG-01")]).meet(bare) == (1, None)


@pytest.mark.parametrize("placeholder", ["-", "0", "б/а", "Без  артикула", "000", "---", "xxx"])
def test_r4_a_placeholder_makes_no_two_products_one(placeholder: str) -> None:
    """Four products with the same one, none of them in KeyCRM's catalogue, are four cards without SKU."""
    names = ["Кавоварка", "Серветки паперові", "Ліхтарик", "Парасолька"]
    lines = [item(name, placeholder, 2010 + place, 201 + place) for place, name in enumerate(names)]
    books = register()
    assert list(books.meet_all(lines).values()) == [(100, None), (101, None), (102, None), (103, None)]
    assert [(made.name, made.sku) for made in books.created_cards.values()] == [
        (name, None) for name in names
    ]
    assert not books.shared_skus


def test_r4_a_line_with_a_placeholder_takes_the_offers_sku() -> None:
    """The marketplace sends `-`, the offer has its article."""
    line = SoldItem("k", "-", "Сумка", None, BAG, "BAG-01", None, SATCHEL, None, has_properties=False)
    assert register(cards=[card(1, "Торба", "BAG-01")]).meet(line) == (1, None)
    unlike = SoldItem("k", "-", "Сумка", None, BAG, "0", None, SATCHEL, None, has_properties=False)
    assert register(PLAIN_BAG, cards=[card(1, "Торба", "BAG-01")]).meet(unlike) == (1, None)


def test_r4_what_was_linked_by_a_placeholder_before_stays_and_new_products_do_not_join() -> None:
    """No document moves by itself; the card loses what is no SKU, and may get the one of its product."""
    books = Books(
        [card(1, "Кавоварка", "-"), card(2, "Сумка", "000", origin=CATALOGUE)],
        [
            ProductLink(2010, 201, 1, None),
            ProductLink(2020, 202, 1, None),
            ProductLink(BAG, SATCHEL, 2, None),
        ],
    )
    lines = [
        item("Кавоварка", "-", 2010, 201),
        item("Серветки", "-", 2020, 202),
        item("Ліхтарик", "-", 2030, 203),
    ]
    load, found = books.load([PLAIN_BAG], [*lines, A_BAG])
    assert list(found.values()) == [(1, None), (1, None), (3, None), (2, None)]
    assert [books.cards[number].sku for number in (1, 2, 3)] == [None, "BAG-01", None]
    load, _ = books.load([PLAIN_BAG], [*lines, A_BAG])
    assert untouched(load)


def test_r5_a_variant_with_a_placeholder_has_no_sku_and_gets_the_real_one() -> None:
    """Made when `-` still counted as one: the variant of its offer stays that."""
    books = Books([card(1, "Футболка базова", kind="product_with_sku")], [ProductLink(BLUE, SHIRT, 1, 9)])
    books.variants[9] = ProductVariant(9, 1, "-", None, BLUE_OPTIONS, BLUE)
    blue = item("Футболка базова", "-", BLUE, SHIRT, BLUE_OPTIONS)
    _, found = books.load([SHIRT_WITH_PLACEHOLDERS], [blue])
    assert (found, books.variants[9].sku) == ({blue.key: (1, 9)}, None)
    assert books.cards[1].kind == "product_with_sku"
    _, found = books.load([SHIRT_WITH_SKUS], [BLUE_SHIRT])
    assert (found, books.variants[9].sku) == ({BLUE_SHIRT.key: (1, 9)}, "TS-BLUE-M")


def test_r4_a_sku_of_two_products_is_used_and_reported() -> None:
    """77001 on a backpack and on a cap: one card, as the SKU says, and a person sees both names."""
    backpack, cap = item("Рюкзак", "77001", 2050, 205), item("Кепка", " 77001", 2060, 206)
    books = Books()
    load, found = books.load([], [backpack, cap])
    assert found == {backpack.key: (100, None), cap.key: (100, None)}
    assert books.cards[100].name == "Рюкзак"
    assert load.shared_skus == [SharedSku(100, 206, "77001", "Кепка")]
    # It has joined the card; the same load again, and another offer of it, tell nothing new.
    load, _ = books.load([], [backpack, cap, item("Кепка чорна", "77001", 2061, 206)])
    assert not load.shared_skus


def test_r4_the_names_that_disagree_are_those_of_the_products() -> None:
    """What a marketplace writes on the line says nothing when KeyCRM's catalogue has the product."""
    again = product(302, " СУМКА  полотняна", offer(3020, "BAG-01"))
    cap = product(303, "Кепка", offer(3030, "BAG-01"))
    books = register(PLAIN_BAG, again, cap)
    books.meet_all(
        [A_BAG, item("Торба АКЦІЯ", "BAG-01", 3020, 302), item("Сумка полотняна", "BAG-01", 3030, 303)]
    )
    assert books.shared_skus == [SharedSku(100, 303, "BAG-01", "Кепка")]


def test_r4_a_sku_on_a_card_that_is_no_other_products_is_not_reported() -> None:
    """A card of the books, a line typed in by hand, another variant of the product."""
    books = register(SHIRT_SHARING_SKU, cards=[card(7, "Торба", "BAG-01", origin=CATALOGUE)])
    books.meet_all([A_BAG, item("Щось інше", "BAG-01")])
    books.meet_all(
        [item("Футболка M", "TS", RED, SHIRT, RED_OPTIONS), item("Інша", "TS", BLUE, SHIRT, BLUE_OPTIONS)]
    )
    assert not books.shared_skus


# R4.2: known links


def test_an_offer_linked_before_keeps_its_card_under_a_new_name() -> None:
    """The product was renamed in KeyCRM; its card is neither renamed nor made twice."""
    books = register(
        product(SATCHEL, "Торбинка", offer(BAG)),
        cards=[card(1, "Сумка")],
        links=[ProductLink(BAG, SATCHEL, 1, None)],
    )
    assert books.meet(item("Торбинка", None, BAG, SATCHEL)) == (1, None)
    assert untouched(books)


def test_another_offer_of_a_linked_product_finds_its_card() -> None:
    """Variants without SKU share the one card (R5)."""
    books = register(
        SHIRT_WITHOUT_SKUS, cards=[card(1, "Футболка")], links=[ProductLink(RED, SHIRT, 1, None)]
    )
    assert books.meet(item("Футболка синя", None, BLUE, SHIRT, BLUE_OPTIONS)) == (1, None)
    assert books.new_links == [ProductLink(BLUE, SHIRT, 1, None)]


def test_a_further_offer_becomes_a_further_variant() -> None:
    """A red shirt was sold before, now a blue one: same card, second variant."""
    books = register(
        SHIRT_WITH_SKUS,
        cards=[card(1, "Футболка базова", kind="product_with_sku")],
        variants=[ProductVariant(9, 1, "TS-RED-M", None, RED_OPTIONS, RED)],
        links=[ProductLink(RED, SHIRT, 1, 9)],
    )
    assert books.meet(BLUE_SHIRT) == (1, 500)
    assert books.created_variants == {500: ProductVariant(500, 1, "TS-BLUE-M", None, BLUE_OPTIONS, BLUE)}
    assert books.new_links == [ProductLink(BLUE, SHIRT, 1, 500)]


def test_an_offer_with_a_new_sku_becomes_a_further_variant_and_the_old_one_stays() -> None:
    """Old lines keep the old article; the link shows the one the offer has now."""
    renamed = product(SHIRT, "Футболка базова", offer(RED, "TS-RED-M2", RED_OPTIONS))
    books = register(
        renamed,
        cards=[card(1, "Футболка базова", kind="product_with_sku")],
        variants=[ProductVariant(9, 1, "TS-RED-M", None, RED_OPTIONS, RED)],
        links=[ProductLink(RED, SHIRT, 1, 9)],
    )
    new = item("Футболка базова", "TS-RED-M2", RED, SHIRT, RED_OPTIONS)
    assert books.meet_all([new, RED_SHIRT]) == {new.key: (1, 500), RED_SHIRT.key: (1, 9)}
    assert books.new_links == [ProductLink(RED, SHIRT, 1, 500)]
    assert not books.updated_variants


def test_a_plain_product_that_gets_its_first_sku_later() -> None:
    """The card receives it; a card shared with another product does not."""
    plain = product(SATCHEL, "Сумка", offer(BAG, "BAG-01"))
    links = [ProductLink(BAG, SATCHEL, 1, None)]
    books = register(plain, cards=[card(1, "Сумка")], links=links)
    assert books.meet(A_BAG) == (1, None)
    assert books.updated_cards[1].sku == "BAG-01"
    shared = register(plain, cards=[card(1, "Сумка")], links=[*links, ProductLink(77, 78, 1, None)])
    assert shared.meet(A_BAG) == (1, None)
    assert not shared.updated_cards


# R4.3: name


@pytest.mark.parametrize("name", ["  сумка   ПОЛОТНЯНА ", "Сумка\u00a0полотняна"])
def test_a_line_without_sku_finds_the_card_by_name(name: str) -> None:
    """Also one that carries an article: without SKU the name is all there is (F08)."""
    books = register(cards=[card(1, "Сумка полотняна", "BAG-01")])
    assert books.meet(item(name)) == (1, None)
    assert untouched(books)
    assert not books.ambiguous_names


def test_the_first_of_equal_names_is_taken_and_reported() -> None:
    """A person sees the doubtful name once, with the cards in question."""
    books = register(cards=[card(5, "Сумка"), card(3, "СУМКА", "S-1"), card(4, "Торба")])
    lines = [item("Сумка"), item("сумка "), item("Сумка", None, 1, 2)]
    assert set(books.meet_all(lines).values()) == {(3, None)}
    assert books.ambiguous_names == {"сумка": (3, 5)}


def test_cards_of_that_name_made_later_in_the_load_are_in_question_too() -> None:
    """The same load a second time finds them, so the first one names them already."""
    books = register(cards=[card(1, "Сумка", "S-1"), card(2, "Сумка", "S-2")])
    books.meet_all([item("Сумка"), item("Сумка", "S-3")])
    assert books.ambiguous_names == {"сумка": (1, 2, 100)}


def test_a_sku_that_nothing_carries_goes_to_the_empty_card_of_that_name() -> None:
    """And only to an empty one: equal names with different SKUs are different products."""
    books = register(cards=[card(1, "Сумка", "S-1"), card(2, "Сумка"), card(3, "Сумка")])
    assert books.meet(item("Сумка", " S-2 ")) == (2, None)
    assert books.updated_cards[2].sku == "S-2"
    assert books.meet(item("Сумка", "S-3")) == (3, None)
    assert books.meet(item("Сумка", "S-4")) == (100, None)
    assert books.created_cards[100].sku == "S-4"
    assert not books.ambiguous_names


def test_a_card_with_variants_is_not_taken_by_name_for_a_new_sku() -> None:
    """A one-off line of the same name and another article is another product."""
    books = register(
        cards=[card(1, "Футболка", kind="product_with_sku")],
        variants=[ProductVariant(9, 1, "TS-RED-M", None, None, None)],
    )
    assert books.meet(item("Футболка", "OTHER")) == (100, None)
    assert books.meet(item("Футболка")) == (1, None)


def test_a_variant_goes_to_the_empty_card_of_that_name() -> None:
    """The card was made by a one-off line; the product's first variant makes it a card with variants."""
    books = register(SHIRT_WITH_SKUS, cards=[card(1, "Футболка базова")])
    assert books.meet(RED_SHIRT) == (1, 500)
    assert books.updated_cards[1].kind == "product_with_sku"
    assert books.updated_cards[1].sku is None
    assert books.promoted == [1]


def test_the_name_in_keycrms_catalogue_finds_the_card_too() -> None:
    """A marketplace sells it under a long name; the card, called as in KeyCRM, must not be doubled."""
    books = register(product(SATCHEL, "Сумка", offer(BAG)), cards=[card(1, "Сумка")])
    assert books.meet(item("Сумка полотняна, нова, АКЦІЯ", None, BAG, SATCHEL)) == (1, None)


# R4.4 and R5: new cards and their kinds


def test_a_new_card_is_named_as_in_keycrms_catalogue() -> None:
    """Not as the marketplace calls it; a line met later never renames it."""
    books = register(PLAIN_BAG)
    assert books.meet(item("Сумка АКЦІЯ", "bag-01", BAG, SATCHEL)) == (100, None)
    assert books.created_cards[100] == ProductCard(
        100, "Сумка полотняна", "BAG-01", "product", None, 2, "Одяг", KEYCRM, None
    )
    books.meet(item("Сумка РОЗПРОДАЖ", "BAG-01", BAG, SATCHEL))
    assert books.created_cards[100].name == "Сумка полотняна"


def test_a_one_off_line_is_a_product_of_its_own_name() -> None:
    """Also with options and a SKU: a line without offer is always Товар."""
    books = register()
    assert books.meet(item(" Вишивка  за ескізом ", "EMB", None, None, "Нитка: золота")) == (100, None)
    assert books.created_cards[100] == card(100, "Вишивка за ескізом", "EMB")
    assert not books.created_variants
    assert not books.new_links


def test_a_product_whose_variants_all_have_their_own_skus() -> None:
    """One card without SKU; each variant met is a row: SKU, barcode, characteristics (F10, F11)."""
    books = register(SHIRT_WITH_SKUS)
    with_barcode = item("Футболка базова", "TS-BLUE-M", BLUE, SHIRT, "Колір: синій", barcode="482000")
    assert books.meet_all([RED_SHIRT, with_barcode]) == {
        RED_SHIRT.key: (100, 500),
        with_barcode.key: (100, 501),
    }
    assert books.created_cards[100].kind == "product_with_sku"
    assert books.created_cards[100].sku is None
    assert books.created_variants == {
        500: ProductVariant(500, 100, "TS-RED-M", None, RED_OPTIONS, RED),
        501: ProductVariant(501, 100, "TS-BLUE-M", "482000", BLUE_OPTIONS, BLUE),
    }
    assert not books.promoted


SHIRT_WITH_PLACEHOLDERS = product(
    SHIRT, "Футболка базова", offer(RED, "TS-RED-M", RED_OPTIONS), offer(BLUE, "-", BLUE_OPTIONS)
)
SHIRT_WITH_ONE_PLACEHOLDER = product(
    SHIRT, "Футболка базова", offer(RED, "б/а", RED_OPTIONS), offer(BLUE, "Б/А", BLUE_OPTIONS)
)


@pytest.mark.parametrize(
    "shirt", [SHIRT_WITHOUT_SKUS, SHIRT_PARTLY_SKU, SHIRT_WITH_PLACEHOLDERS, SHIRT_WITH_ONE_PLACEHOLDER]
)
def test_r5_a_product_whose_variants_have_no_skus_of_their_own_is_one_card(shirt: CatalogueProduct) -> None:
    """No SKU or only some, and a placeholder is none: Товар, one card without SKU and variants for both offers."""
    red = item("Футболка базова", shirt.offers[0].sku, RED, SHIRT, RED_OPTIONS)
    blue = item("Футболка базова", shirt.offers[1].sku, BLUE, SHIRT, BLUE_OPTIONS)
    books = register(shirt)
    assert books.meet_all([red, blue]) == {red.key: (100, None), blue.key: (100, None)}
    assert books.created_cards[100].kind == "product"
    assert books.created_cards[100].sku is None
    assert not books.created_variants
    assert {link.offer_id for link in books.new_links} == {RED, BLUE}


def test_r5_a_sku_shared_by_some_variants_is_not_the_cards() -> None:
    """S, S and L: the card stands for all three."""
    shirt = product(SHIRT, "Футболка", offer(1, "S", "Р: 1"), offer(2, "S", "Р: 2"), offer(3, "L", "Р: 3"))
    books = register(shirt)
    lines = [
        item("Футболка", sku, number, SHIRT, f"Р: {number}") for number, sku in ((1, "S"), (2, "S"), (3, "L"))
    ]
    assert set(books.meet_all(lines).values()) == {(100, None)}
    assert (books.created_cards[100].kind, books.created_cards[100].sku) == ("product", None)


def test_r5_the_sku_that_all_variants_share_is_the_cards() -> None:
    """Товар with that SKU: a line typed in by hand finds it by the SKU, whatever its name."""
    red = item("Футболка базова", "TS", RED, SHIRT, RED_OPTIONS)
    blue = item("Футболка базова", "ts ", BLUE, SHIRT, BLUE_OPTIONS)
    by_hand = item("Футболка зі складу", "TS")
    books = register(SHIRT_SHARING_SKU)
    assert set(books.meet_all([red, blue, by_hand]).values()) == {(100, None)}
    assert books.created_cards == {100: card(100, "Футболка базова", "TS")}
    assert not books.created_variants


def test_r5_a_card_made_before_receives_the_shared_sku() -> None:
    """At the next load that meets the product, unless another card carries the SKU."""
    red = item("Футболка базова", "TS", RED, SHIRT, RED_OPTIONS)
    books = Books([card(1, "Футболка базова")], [ProductLink(RED, SHIRT, 1, None)])
    load, found = books.load([SHIRT_SHARING_SKU], [red])
    assert (found, books.cards[1].sku) == ({red.key: (1, None)}, "TS")
    load, _ = books.load([SHIRT_SHARING_SKU], [red])
    assert untouched(load)
    other = Books([card(1, "Футболка базова"), card(2, "Інша", "TS")], [ProductLink(RED, SHIRT, 1, None)])
    _, found = other.load([SHIRT_SHARING_SKU], [red])
    assert (found, other.cards[1].sku) == ({red.key: (2, None)}, None)


def test_r5_a_card_with_a_shared_sku_is_promoted_when_each_variant_has_got_its_own() -> None:
    """Old lines keep the shared SKU; it is no variant's own, so its row has no options of one."""
    red, blue = (
        item("Футболка", "TS", RED, SHIRT, RED_OPTIONS),
        item("Футболка", "TS", BLUE, SHIRT, BLUE_OPTIONS),
    )
    books = Books()
    books.load([SHIRT_SHARING_SKU], [red, blue])
    for _ in range(2):
        load, found = books.load([SHIRT_WITH_SKUS], [red, blue, RED_SHIRT, BLUE_SHIRT])
        assert found == {
            red.key: (100, 500),
            blue.key: (100, 500),
            RED_SHIRT.key: (100, 501),
            BLUE_SHIRT.key: (100, 502),
        }
    assert untouched(load)
    assert (books.cards[100].kind, books.cards[100].sku) == ("product_with_sku", None)
    assert books.variants == {
        500: ProductVariant(500, 100, "TS", None, None, None),
        501: ProductVariant(501, 100, "TS-RED-M", None, RED_OPTIONS, RED),
        502: ProductVariant(502, 100, "TS-BLUE-M", None, BLUE_OPTIONS, BLUE),
    }
    assert {link.variant_id for link in books.links.values()} == {501, 502}


@pytest.mark.parametrize(
    ("category_id", "kind"), [(7, "service"), (9, "service"), (6, "product"), (None, "product")]
)
def test_a_category_or_an_ancestor_of_it_makes_a_service(category_id: int | None, kind: str) -> None:
    """Ремонт lies in Ательє in Послуги; only Послуги is in the profile."""
    books = register(product(TAILORING, "Підшивання", offer(1, "SRV-1"), category_id=category_id))
    assert books.meet(item("Підшивання", "SRV-1", 1, TAILORING)) == (100, None)
    assert books.created_cards[100].kind == kind
    assert books.created_cards[100].sku == "SRV-1"


def test_a_service_wins_over_variants() -> None:
    """A product with variants in a category of services is one service card without SKU and variants."""
    tailoring = product(
        TAILORING, "Підшивання", offer(1, "S1", "Виріб: штани"), offer(2, "S2", "Виріб: сукня"), category_id=8
    )
    books = register(tailoring)
    one, two = (
        item("Підшивання", "S1", 1, TAILORING, "Виріб: штани"),
        item("Підшивання", "S2", 2, TAILORING, "Виріб: сукня"),
    )
    assert books.meet_all([one, two]) == {one.key: (100, None), two.key: (100, None)}
    assert books.created_cards[100].kind == "service"
    assert books.created_cards[100].sku is None


def test_categories_in_a_circle_end() -> None:
    """A broken tree of categories must not hang the load."""
    circle = {1: Category(1, "А", 2), 2: Category(2, "Б", 1)}
    bag = product(SATCHEL, "Сумка", offer(BAG), category_id=1)
    books = ProductCards(
        [],
        [],
        [],
        catalogue={SATCHEL: bag},
        categories=circle,
        service_categories=[7],
        next_product_id=1,
        next_variant_id=1,
    )
    assert books.meet(item("Сумка", None, BAG, SATCHEL)) == (1, None)
    assert books.created_cards[1].kind == "product"


@pytest.mark.parametrize(
    ("sku", "options", "kind"),
    [
        ("X-1", "Колір: Синій", "product_with_sku"),
        ("X-1", None, "product"),
        (None, "Колір: Синій", "product"),
    ],
)
def test_without_the_catalogue_the_line_decides(sku: str | None, options: str | None, kind: str) -> None:
    """The product was deleted in KeyCRM; properties and a SKU make Товар з SKU."""
    books = register()
    product_id, variant_id = books.meet(item("Шкарпетки", sku, 41, 42, options))
    assert books.created_cards[product_id].kind == kind
    assert (variant_id is not None) == (kind == "product_with_sku")
    assert books.created_cards[product_id].sku == (sku if kind == "product" else None)


def test_two_lines_of_an_unknown_product_become_variants_of_one_card() -> None:
    """The second article shows that the product has variants, although the first line had no properties."""
    first, second = item("Шкарпетки", "X-1", 41, 42), item("Шкарпетки", "X-2", 43, 42, "Колір: Синій")
    books = register()
    assert books.meet_all([first, second]) == {first.key: (100, 500), second.key: (100, 501)}
    assert books.created_variants[500] == ProductVariant(500, 100, "X-1", None, None, 41)
    assert books.created_variants[501] == ProductVariant(501, 100, "X-2", None, "Колір: Синій", 43)


# R5: promotion


def test_a_card_without_sku_is_promoted_when_all_variants_have_got_skus() -> None:
    """The card keeps its id, each offer its link, and a person sees it on the review list."""
    books = Books()
    _, found = books.load([SHIRT_WITHOUT_SKUS], [RED_SHIRT_NO_SKU, BLUE_SHIRT_NO_SKU])
    assert set(found.values()) == {(100, None)}
    # The third line is an old order's, without SKU: it shows the variant of its offer from now on.
    load, found = books.load([SHIRT_WITH_SKUS], [RED_SHIRT, BLUE_SHIRT, RED_SHIRT_NO_SKU])
    assert found == {RED_SHIRT.key: (100, 500), BLUE_SHIRT.key: (100, 501), RED_SHIRT_NO_SKU.key: (100, 500)}
    assert load.promoted == [100]
    assert books.cards[100].kind == "product_with_sku"
    assert books.links == {RED: ProductLink(RED, SHIRT, 100, 500), BLUE: ProductLink(BLUE, SHIRT, 100, 501)}


def test_the_cards_own_sku_goes_to_the_variant_of_the_offer_that_carried_it() -> None:
    """A plain product got a second offer: the old article keeps meaning the old offer."""
    now = product(
        SATCHEL, "Сумка", offer(BAG, "BAG-01", "Колір: Сірий"), offer(3411, "BAG-02", "Колір: Чорний")
    )
    books = Books()
    books.load([product(SATCHEL, "Сумка", offer(BAG, "BAG-01"))], [A_BAG])
    black = item("Сумка", "BAG-02", 3411, SATCHEL, "Колір: Чорний")
    load, found = books.load([now], [black, A_BAG])
    assert found == {black.key: (100, 501), A_BAG.key: (100, 500)}
    assert books.cards[100].sku is None
    assert books.variants[500] == ProductVariant(500, 100, "BAG-01", None, "Колір: Сірий", BAG)
    assert books.links == {
        BAG: ProductLink(BAG, SATCHEL, 100, 500),
        3411: ProductLink(3411, SATCHEL, 100, 501),
    }
    assert load.promoted == [100]


def test_the_own_sku_of_an_offer_that_has_another_now() -> None:
    """The old article is not lost: it stays with the offer that was linked alone."""
    now = product(
        SATCHEL, "Сумка", offer(BAG, "BAG-G", "Колір: Сірий"), offer(3411, "BAG-B", "Колір: Чорний")
    )
    books = Books([card(1, "Сумка", "BAG-01")], [ProductLink(BAG, SATCHEL, 1, None)])
    black = item("Сумка", "BAG-B", 3411, SATCHEL, "Колір: Чорний")
    _, found = books.load([now], [black, A_BAG])
    assert found == {black.key: (1, 501), A_BAG.key: (1, 500)}
    assert (books.variants[500].sku, books.variants[500].offer_id) == ("BAG-01", BAG)


def test_an_unchanged_product_is_not_promoted() -> None:
    """Partly with SKUs is not all."""
    books = Books()
    for _ in range(2):
        load, _ = books.load([SHIRT_PARTLY_SKU], [RED_SHIRT, BLUE_SHIRT_NO_SKU])
        assert not load.promoted
    assert untouched(load)


def test_a_line_alone_does_not_promote_a_card_without_sku() -> None:
    """The product had SKUs on some variants and is gone from KeyCRM: nothing says all have one now."""
    books = register(cards=[card(1, "Футболка базова")], links=[ProductLink(RED, SHIRT, 1, None)])
    assert books.meet(RED_SHIRT) == (1, None)
    assert untouched(books)


def test_a_card_is_never_demoted() -> None:
    """The variants lost their SKUs in KeyCRM: card and variants stay, the next offer is one more variant."""
    books = Books()
    books.load([SHIRT_WITH_SKUS], [RED_SHIRT])
    _, found = books.load([SHIRT_WITHOUT_SKUS], [RED_SHIRT_NO_SKU, BLUE_SHIRT_NO_SKU])
    assert found == {RED_SHIRT_NO_SKU.key: (100, 500), BLUE_SHIRT_NO_SKU.key: (100, 501)}
    assert books.cards[100].kind == "product_with_sku"
    assert books.variants[500].sku == "TS-RED-M"
    assert books.variants[501] == ProductVariant(501, 100, None, None, BLUE_OPTIONS, BLUE)
    # When the offer gets its SKU after all, its variant receives it instead of becoming two.
    _, found = books.load([SHIRT_WITH_SKUS], [BLUE_SHIRT])
    assert found == {BLUE_SHIRT.key: (100, 501)}
    assert books.variants[501].sku == "TS-BLUE-M"


def test_another_products_card_is_not_promoted() -> None:
    """Two products share an article: the plain one's card stays plain, the other's variants get their own."""
    twin = product(
        SHIRT, "Футболка", offer(RED, "BAG-01", RED_OPTIONS), offer(BLUE, "TS-BLUE-M", BLUE_OPTIONS)
    )
    books = Books()
    books.load([PLAIN_BAG], [A_BAG])
    red = item("Футболка", "BAG-01", RED, SHIRT, RED_OPTIONS)
    load, found = books.load([PLAIN_BAG, twin], [red, BLUE_SHIRT, A_BAG])
    assert found == {red.key: (100, None), BLUE_SHIRT.key: (101, 500), A_BAG.key: (100, None)}
    assert books.cards[100].kind == "product"
    assert not load.promoted


def test_an_article_first_sold_by_a_one_off_line_becomes_a_variant() -> None:
    """Nothing else is linked to that card, so the product of the article takes it over, whole."""
    books = Books([card(1, "Футболка червона", "TS-RED-M")])
    load, found = books.load([SHIRT_WITH_SKUS], [RED_SHIRT, BLUE_SHIRT])
    assert found == {RED_SHIRT.key: (1, 500), BLUE_SHIRT.key: (1, 501)}
    assert books.cards[1].name == "Футболка червона"
    assert load.promoted == [1]


# R5: a card that becomes a service


def test_a_card_becomes_a_service_when_its_category_is_one() -> None:
    """The accountant adds the category to the profile later; the card keeps its id."""
    tailoring = product(TAILORING, "Підшивання", offer(1, "SRV-1"), category_id=8)
    line = item("Підшивання", "SRV-1", 1, TAILORING)
    books = Books()
    books.load([tailoring], [line], service_categories=[])
    assert books.cards[100].kind == "product"
    load, found = books.load([tailoring], [line])
    assert found == {line.key: (100, None)}
    assert books.cards[100].kind == "service"
    assert load.became_services == [100]


def test_goods_that_share_an_article_with_a_service_stay_goods() -> None:
    """A slip in KeyCRM's articles must not move goods to the services tab."""
    tailoring = product(TAILORING, "Підшивання", offer(1, "BAG-01"), category_id=8)
    books = Books()
    books.load([PLAIN_BAG], [A_BAG])
    load, _ = books.load([PLAIN_BAG, tailoring], [item("Підшивання", "BAG-01", 1, TAILORING)])
    assert books.links[1].product_id == 100
    assert not load.updated_cards


def test_the_service_card_of_paid_delivery() -> None:
    """Made once; a service of that name is preferred; one-off goods of that name become it."""
    books = register()
    assert books.meet_delivery(" Послуги доставки ") == 100
    assert books.meet_delivery("послуги  доставки") == 100
    assert books.created_cards[100] == card(100, "Послуги доставки", kind="service")
    named = [card(1, "Доставка"), card(2, "Доставка", kind="service")]
    assert register(cards=named).meet_delivery("Доставка") == 2
    goods = register(cards=named[:1])
    assert goods.meet_delivery("Доставка") == 1
    assert goods.updated_cards[1].kind == "service"
    foreign = register(cards=[card(1, "Доставка", origin=CATALOGUE)])
    assert foreign.meet_delivery("Доставка") == 1
    assert untouched(foreign)


# R12: cards the books had already


def test_a_catalogue_card_is_found_and_linked_but_not_changed() -> None:
    """Found by article; it keeps name and kind, and KeyCRM's category fills the empty field."""
    mine = card(7, "Футболка червона M", "TS-RED-M", origin=CATALOGUE)
    books = register(SHIRT_WITH_SKUS, cards=[mine])
    assert books.meet(RED_SHIRT) == (7, None)
    assert books.new_links == [ProductLink(RED, SHIRT, 7, None)]
    changed = books.updated_cards[7]
    assert (changed.name, changed.sku, changed.kind) == (mine.name, mine.sku, mine.kind)
    assert changed.category_name == "Футболки"
    assert not books.promoted


def test_variants_that_are_cards_of_their_own_in_the_catalogue() -> None:
    """Two are in the books, the third is not: it does not land on the card of another article."""
    shirt = product(
        SHIRT, "Футболка", offer(RED, "R", "К: Ч"), offer(BLUE, "B", "К: С"), offer(3304, "G", "К: З")
    )
    books = register(
        shirt,
        cards=[
            card(7, "Футболка червона", "R", origin=CATALOGUE),
            card(8, "Футболка синя", "B", origin=CATALOGUE),
        ],
    )
    red, blue = item("Футболка", "R", RED, SHIRT, "К: Ч"), item("Футболка", "B", BLUE, SHIRT, "К: С")
    green = item("Футболка", "G", 3304, SHIRT, "К: З")
    assert books.meet_all([red, blue, green]) == {
        red.key: (7, None),
        blue.key: (8, None),
        green.key: (100, 500),
    }


def test_an_empty_catalogue_card_receives_sku_or_variants_and_keeps_its_kind() -> None:
    """Filling what is empty is allowed (R12); the kind is not empty."""
    books = register(PLAIN_BAG, cards=[card(7, "Сумка полотняна", origin=CATALOGUE)])
    assert books.meet(A_BAG) == (7, None)
    assert books.updated_cards[7].sku == "BAG-01"
    for kind in ("product", "product_with_sku"):
        shirts = register(SHIRT_WITH_SKUS, cards=[card(7, "Футболка базова", kind=kind, origin=CATALOGUE)])
        assert shirts.meet_all([RED_SHIRT, BLUE_SHIRT]) == {RED_SHIRT.key: (7, 500), BLUE_SHIRT.key: (7, 501)}
        assert shirts.updated_cards[7].kind == kind
        assert shirts.updated_cards[7].sku is None
        assert not shirts.promoted


def test_a_catalogue_card_with_variants_receives_the_variant_of_a_one_off_line() -> None:
    """Товар з SKU in the file has no article of its own, so the article becomes a variant."""
    books = register(cards=[card(7, "Футболка", kind="product_with_sku", origin=CATALOGUE)])
    assert books.meet(item("Футболка", "TS-1", None, None, "Колір: Синій")) == (7, 500)
    assert books.created_variants[500] == ProductVariant(500, 7, "TS-1", None, "Колір: Синій", None)
    assert not books.updated_cards


def test_a_catalogue_card_of_goods_does_not_become_a_service() -> None:
    """What the accountant called goods stays goods."""
    tailoring = product(TAILORING, "Підшивання", offer(1), category_id=8)
    books = register(tailoring, cards=[card(7, "Підшивання", origin=CATALOGUE)])
    assert books.meet(item("Підшивання", None, 1, TAILORING)) == (7, None)
    assert books.updated_cards[7].kind == "product"


# What follows KeyCRM's catalogue


def test_variant_and_category_follow_the_catalogue() -> None:
    """Options were reworded and the product was moved; an emptied value overwrites nothing."""
    reworded = CatalogueProduct(
        SHIRT,
        "Футболка",
        None,
        has_offers=True,
        category_id=2,
        offers=(CatalogueOffer(RED, "TS-RED-M", "4820", "Колір: Вишневий"),),
    )
    emptied = CatalogueProduct(
        SHIRT,
        "Футболка",
        None,
        has_offers=True,
        category_id=None,
        offers=(CatalogueOffer(RED, "TS-RED-M", None, None),),
    )
    books = Books()
    books.load([SHIRT_WITH_SKUS], [RED_SHIRT])
    books.load([reworded], [RED_SHIRT])
    assert books.variants == {500: ProductVariant(500, 100, "TS-RED-M", "4820", "Колір: Вишневий", RED)}
    assert books.cards[100].category_name == "Одяг"
    assert books.cards[100].name == "Футболка базова"
    load, _ = books.load([emptied], [RED_SHIRT])
    assert untouched(load)


# When KeyCRM's catalogue is asked


@pytest.mark.parametrize(
    ("line", "known", "asked"),
    [
        (item("Вишивка", "EMB"), [], False),
        (A_BAG, [], True),
        (A_BAG, [PLAIN_BAG], False),
        (item("Сумка", "bag-01 ", BAG, SATCHEL), [PLAIN_BAG], False),
        (item("Сумка", "BAG-02", BAG, SATCHEL), [PLAIN_BAG], True),
        (item("Сумка", "BAG-01", 3411, SATCHEL), [PLAIN_BAG], True),
        (RED_SHIRT, [SHIRT_WITHOUT_SKUS], True),
        (RED_SHIRT_NO_SKU, [SHIRT_WITHOUT_SKUS], False),
        (RED_SHIRT_NO_SKU, [SHIRT_WITH_SKUS], True),
        (item("Сумка", "BAG-01", BAG, None), [PLAIN_BAG], False),
        (A_BAG, [BAG_WITHOUT_OFFERS], False),
        (item("Сумка", "BAG-02", BAG, SATCHEL), [BAG_WITHOUT_OFFERS], True),
        (item("Сумка", "BAG-01", BAG, SATCHEL, "Колір: Сірий"), [BAG_WITHOUT_OFFERS], True),
    ],
)
def test_the_catalogue_is_asked_when_a_line_disagrees_with_it(
    line: SoldItem, known: list[CatalogueProduct], asked: bool
) -> None:
    """Requests are dear; but a product that changed must be asked again, or it would never be promoted."""
    assert needs_catalogue(line, {one.crm_product_id: one for one in known}, Skus(["-"])) is asked


def test_an_old_line_with_an_old_sku_does_not_ask_for_ever() -> None:
    """The offer's own SKU, as the order shows it, is what is known: nothing new to learn."""
    line = SoldItem("k", "OLD", "Сумка", None, BAG, "BAG-01", None, SATCHEL, None, has_properties=False)
    assert not needs_catalogue(line, {SATCHEL: PLAIN_BAG}, Skus())


# What holds for any shop

SKUS = st.sampled_from([None, "", "-", "б/а", "A", "a ", "A 1", "a\u00a0 1", "B", "C", "D"])
OPTIONS = st.sampled_from([None, "Колір: Синій", "Колір: Червоний"])
PRODUCT_NAMES = ["Сумка", "Футболка", "Підшивання"]


@st.composite
def products(draw: st.DrawFn, product_id: int) -> CatalogueProduct:
    """Draw a product with offers product_id * 10 and up."""
    offers = tuple(
        CatalogueOffer(product_id * 10 + number, draw(SKUS), None, draw(OPTIONS))
        for number in range(draw(st.integers(0, 3)))
    )
    return CatalogueProduct(
        product_id,
        draw(st.sampled_from(PRODUCT_NAMES)),
        None,
        draw(st.booleans()),
        draw(st.sampled_from([None, 6, 8])),
        offers,
    )


@st.composite
def sold_items(draw: st.DrawFn) -> SoldItem:
    """Draw a line of one of three products, or a one-off line."""
    name = draw(st.sampled_from([*PRODUCT_NAMES, "сумка ", "Торба"]))
    sku, options = draw(SKUS), draw(OPTIONS)
    if draw(st.booleans()):
        product_id = draw(st.sampled_from([1, 2, 3]))
        return item(name, sku, product_id * 10 + draw(st.integers(0, 2)), product_id, options)
    return item(name, sku, None, None, options)


@st.composite
def shops(draw: st.DrawFn) -> list[CatalogueProduct]:
    """Draw which of three products KeyCRM knows, and how."""
    known = draw(st.sets(st.sampled_from([1, 2, 3])))
    return [draw(products(product_id)) for product_id in sorted(known)]


@st.composite
def catalogue_cards(draw: st.DrawFn) -> list[ProductCard]:
    """Draw a few cards of the accounting catalogue, no two with one SKU."""
    cards: list[ProductCard] = []
    for product_id in range(1, draw(st.integers(0, 3)) + 1):
        kind = draw(st.sampled_from(["product", "product_with_sku", "service"]))
        sku = None if kind == "product_with_sku" else draw(SKUS)
        key = SKUS_OF_SHOPS.key(sku)
        if key is None or key not in {sku_key(one.sku) for one in cards}:
            name = draw(st.sampled_from(PRODUCT_NAMES))
            cards.append(card(product_id, name, sku or None, kind=kind, origin=CATALOGUE))
    return cards


@settings(deadline=None, max_examples=300)
@given(
    catalogue_cards(),
    shops(),
    shops(),
    st.lists(sold_items(), max_size=8),
    st.lists(sold_items(), max_size=8),
)
def test_whatever_a_shop_sells(
    cards: list[ProductCard],
    shop: list[CatalogueProduct],
    later_shop: list[CatalogueProduct],
    items: list[SoldItem],
    later_items: list[SoldItem],
) -> None:
    """Loading twice changes nothing, no article stands twice, every line has a card, ids and links stay.

    A shop's catalogue may change in any way between two loads.
    """
    books = Books(cards)
    for products_now, items_now in ((shop, items), (later_shop, later_items + items)):
        kinds_before = {product_id: one.kind for product_id, one in books.cards.items()}
        links_before = {offer_id: link.product_id for offer_id, link in books.links.items()}
        load, found = books.load(products_now, items_now)
        assert set(found) == {one.key for one in items_now}
        for product_id, variant_id in found.values():
            assert product_id in books.cards
            assert variant_id is None or books.variants[variant_id].product_id == product_id

        skus = [*(card.sku for card in books.cards.values()), *(one.sku for one in books.variants.values())]
        carried = [key for key in map(sku_key, skus) if key is not None]
        assert len(carried) == len(set(carried))

        order = ["product", "product_with_sku", "service"]
        for product_id, kind in kinds_before.items():
            assert order.index(books.cards[product_id].kind) >= order.index(kind)
        for offer_id, product_id in links_before.items():
            assert books.links[offer_id].product_id == product_id
        for one in books.cards.values():
            has_variants = any(variant.product_id == one.product_id for variant in books.variants.values())
            assert one.sku is None or not (has_variants and one.kind != "service")
            assert one.sku is None or one.kind != "product_with_sku"

        made = set(books.cards) - {one.product_id for one in cards}
        assert all(sku_key(books.cards[number].sku) not in ("-", "б/а") for number in made)
        assert all(sku_key(one.sku) not in ("-", "б/а") for one in books.variants.values())

        again, found_again = books.load(products_now, items_now)
        assert untouched(again)
        assert found_again == found
        # An offer that is linked to another card does not join that of its SKU, and is met there each time.
        assert pairs(again) <= pairs(load)

    for given_card in cards:
        now = books.cards[given_card.product_id]
        assert (now.name, now.kind, now.catalogue_id) == (
            given_card.name,
            given_card.kind,
            given_card.catalogue_id,
        )
        assert now.sku == given_card.sku or SKUS_OF_SHOPS.key(given_card.sku) is None


PLACEHOLDERS = st.one_of(
    st.sampled_from(PLACEHOLDER_SKUS),
    st.builds(lambda sign, times: sign * times, st.sampled_from("-0xх_1#Ж"), st.integers(3, 6)),
)


@settings(deadline=None)
@given(st.lists(PLACEHOLDERS, min_size=2, max_size=5), st.data())
def test_r4_whatever_the_placeholder_no_two_products_share_a_card(
    typed: list[str], data: st.DataObject
) -> None:
    """On the line, on the offer or in the catalogue, in any case, twice the same or not."""
    shop = [
        CatalogueProduct(
            number, f"Товар {number}", None, False, None, (), data.draw(st.sampled_from([sku, None]))
        )
        for number, sku in enumerate(typed, start=1)
        if data.draw(st.booleans())
    ]
    lines = [
        item(
            f"Товар {number}",
            data.draw(st.sampled_from([sku, sku.upper(), f" {sku}\u00a0"])),
            number * 10,
            number,
        )
        for number, sku in enumerate(typed, start=1)
    ]
    books = Books()
    load, found = books.load(shop, lines)
    assert len(set(found.values())) == len(lines) == len(books.cards)
    assert {one.sku for one in books.cards.values()} == {None}
    assert not load.shared_skus
    again, found_again = books.load(shop, lines)
    assert untouched(again)
    assert found_again == found


@settings(deadline=None)
@given(st.lists(st.sampled_from([" ", "\u00a0", "\u2009 ", "\t"]), min_size=3, max_size=3), st.booleans())
def test_r4_whatever_blanks_and_case_one_sku_is_one_card(blanks: list[str], is_lower: bool) -> None:
    """Whoever typed it, wherever; the card shows it with single blanks."""
    first, inner, last = blanks
    typed = f"{first}ЧШ{inner}7{last}"
    books = register(cards=[card(1, "Чашка", "чш 7")])
    assert books.meet(item("Інша", typed.lower() if is_lower else typed)) == (1, None)
    fresh = register()
    assert set(fresh.meet_all([item("Чашка", typed), item("Інша", "чш  7")]).values()) == {(100, None)}
    assert fresh.created_cards[100].sku == "ЧШ 7"


def test_an_item_that_nothing_identifies_ends_in_words() -> None:
    """It would get a new card each time it is met, and the load would never end."""
    books = register()
    with pytest.raises(ValueError, match="no name, no SKU and no offer"):
        books.meet_all(
            [SoldItem("k", " ", "\u200b\n", None, None, None, None, None, None, has_properties=False)]
        )
