"""R12: which card a row of the accounting catalogue is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.catalogue_cards import (
    MOST_NUMBER,
    CatalogueConflict,
    EnteredCards,
    enter_partners,
    enter_products,
)
from keycrm_pipeline.accounting.catalogue_files import CataloguePartnerRow, CatalogueProductRow
from keycrm_pipeline.accounting.names import Skus, sku_key
from keycrm_pipeline.accounting.partners import PartnerCard
from keycrm_pipeline.accounting.products import ProductCard, ProductVariant


def product(
    product_id: int,
    name: str = "Чашка",
    sku: str | None = None,
    *,
    kind: str = "product",
    own: str | None = None,
) -> ProductCard:
    """A card; `own` is its id in the catalogue, when it came from there."""
    origin = "keycrm" if own is None else "catalogue"
    return ProductCard(product_id, name, sku, kind, None, None, None, origin, own)


def row(
    catalogue_id: str, name: str = "Чашка", sku: str | None = None, kind: str = "product"
) -> CatalogueProductRow:
    return CatalogueProductRow(2, catalogue_id, name, sku, kind, None)


def partner(partner_id: int, name: str, phone: str | None = None, email: str | None = None) -> PartnerCard:
    return PartnerCard(partner_id, name, phone, email, "keycrm", None, None, None)


def enter(rows: list[CatalogueProductRow], *cards: ProductCard) -> EnteredCards[ProductCard]:
    return enter_products(rows, cards, [], Skus(["-"]))


def test_whole_numbers_become_the_cards_own_ids() -> None:
    """As far as they are free; the others are counted on from the highest, so that no later row is robbed."""
    rows = [row("К-1", "А"), row("007", "Б"), row("3", "В"), row(str(MOST_NUMBER + 1), "Г"), row("0", "Ґ")]
    entered = enter(rows, product(3, "Інша"))
    assert [(card.catalogue_id, card.product_id) for card in entered.created] == [
        ("К-1", 8),
        ("007", 7),
        ("3", 9),
        (str(MOST_NUMBER + 1), 10),
        ("0", 11),
    ]


def test_sku_goes_before_name() -> None:
    """A row joins the card of its SKU although an earlier row has that card's name."""
    entered = enter([row("1", "Ложка"), row("2", "Інша назва", "S-1")], product(10, "Ложка", "S-1"))
    assert [(card.product_id, card.catalogue_id, card.name) for card in entered.changed] == [
        (10, "2", "Інша назва")
    ]
    assert [card.catalogue_id for card in entered.created] == ["1"]
    assert entered.joined == (10,)


def test_equal_names_with_different_skus_are_different_products() -> None:
    """As for lines (R4.3)."""
    entered = enter([row("1", "Чашка", "B-2")], product(10, "Чашка", "A-1"))
    assert entered.changed == ()
    assert [card.sku for card in entered.created] == ["B-2"]


def test_r4_a_placeholder_on_a_card_of_the_books_matches_nothing() -> None:
    """Written there before it counted as none: the row's card loses it, and no row joins a card by it."""
    entered = enter(
        [row("1", "Ложка"), row("2", "Виделка")], product(1, "Ложка", "-", own="1"), product(9, "Ніж", "-")
    )
    assert [(card.product_id, card.name, card.sku) for card in entered.changed] == [(1, "Ложка", None)]
    assert [card.name for card in entered.created] == ["Виделка"]
    filled = enter([row("1", "Ложка", "S-1")], product(9, "Ложка", "--"))
    assert [(card.product_id, card.sku) for card in filled.changed] == [(9, "S-1")]


def test_kinds_only_move_up() -> None:
    """A file that says nothing of the kind makes no product of a service."""
    entered = enter(
        [row("1", "Вишивка"), row("2", "Набір", kind="service")],
        product(5, "Вишивка", kind="service"),
        product(6, "Набір"),
    )
    assert [(card.product_id, card.kind) for card in entered.changed] == [(5, "service"), (6, "service")]


def test_a_sku_of_a_card_outside_of_the_file_is_not_doubled() -> None:
    """The exchange made card 9 for an article that the catalogue now puts on another of its cards."""
    entered = enter([row("1", "Чашка", "S-1")], product(1, "Чашка", own="1"), product(9, "Горня", "S-1"))
    assert entered.changed == entered.created == ()
    assert entered.conflicts == (CatalogueConflict("1", "S-1", 1, None, 9),)


def test_a_renumbered_card_is_found_by_its_sku() -> None:
    """The accountant made the card anew under another id: the old card becomes the new row's."""
    entered = enter([row("20", "Чашка", "S-1")], product(1, "Чашка", "S-1", own="10"))
    assert [(card.product_id, card.catalogue_id) for card in entered.changed] == [(1, "20")]


def test_partners_are_joined_as_buyers_would_find_them() -> None:
    """By phone, then by e-mail, each card once; with phone_and_name the names must agree too."""
    cards = [
        partner(1, "Олена", "+380501112233"),
        partner(2, "Олена", "+380501112233"),
        partner(3, "Іван", None, "ivan@example.com"),
    ]
    rows = [
        CataloguePartnerRow(2, "a", "Олена", "050 111-22-33", None),
        CataloguePartnerRow(3, "b", "Ольга", "0501112233", None),
        CataloguePartnerRow(4, "c", "Іван", "0671234567", "IVAN@example.com"),
        CataloguePartnerRow(5, "d", "Олена", "0501112233", None),
    ]
    loose = enter_partners(rows, cards, match_name=False, default_partner=None)
    assert [(card.partner_id, card.catalogue_id) for card in loose.changed] == [(1, "a"), (2, "b"), (3, "c")]
    assert [card.catalogue_id for card in loose.created] == ["d"]
    strict = enter_partners(rows, cards, match_name=True, default_partner=None)
    assert [(card.partner_id, card.catalogue_id) for card in strict.changed] == [(1, "a"), (3, "c"), (2, "d")]
    assert [card.catalogue_id for card in strict.created] == ["b"]


SKUS = st.sampled_from([None, "A", "B", "C", "D"])
NAMES = st.sampled_from(["Чашка", "Ложка", "Набір"])
IDS = st.lists(st.sampled_from(["1", "2", "3", "x", "y"]), unique=True)


@st.composite
def files(draw: st.DrawFn) -> list[CatalogueProductRow]:
    """Rows as the reader lets them pass: every id and every SKU once."""
    rows: list[CatalogueProductRow] = []
    for catalogue_id in draw(IDS):
        sku = draw(SKUS)
        sku = None if sku in {known.sku for known in rows} else sku
        kind = draw(st.sampled_from(["product", "service"] if sku else ["product", "product_with_sku"]))
        rows.append(row(catalogue_id, draw(NAMES), sku, kind))
    return rows


@settings(deadline=None)
@given(st.lists(files(), min_size=1, max_size=4), st.sets(st.sampled_from(["B", "C"])))
def test_never_two_cards_with_one_sku(versions: list[list[CatalogueProductRow]], sold: set[str]) -> None:
    """Whatever the accountant does to the file; and the same file again changes nothing."""
    cards = {
        9: product(9, "Ложка", kind="product_with_sku"),
        8: product(8, "Набір", "C" if "C" in sold else None),
    }
    variants = [ProductVariant(1, 9, "B", None, None, None)] if "B" in sold else []
    for rows in versions:
        entered = enter_products(rows, list(cards.values()), variants, Skus())
        assert not {card.product_id for card in entered.created} & set(cards)
        cards |= {card.product_id: card for card in (*entered.created, *entered.changed)}
        carried = [*(card.sku for card in cards.values()), *(variant.sku for variant in variants)]
        skus = [sku_key(sku) for sku in carried if sku is not None]
        assert len(skus) == len(set(skus))
        own = [card.catalogue_id for card in cards.values() if card.catalogue_id is not None]
        assert len(own) == len(set(own))
        again = enter_products(rows, list(cards.values()), variants, Skus())
        assert (again.created, again.changed, again.joined) == ((), (), ())
