"""Which partner card a buyer belongs to, and what stands on it (R3, R12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.origins import CATALOGUE, KEYCRM
from keycrm_pipeline.accounting.partners import (
    BuyerOnOrder,
    BuyerTexts,
    NameConflict,
    NoDefaultPartnerError,
    PartnerCard,
    PartnerCards,
    conflict_stands,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
PHONE, OTHER_PHONE = "+380501234567", "+380671234567"


def seen(
    order_id: int,
    buyer_id: int | None,
    name: str | None = None,
    phone: str | None = None,
    email: str | None = None,
) -> BuyerOnOrder:
    """Return the buyer of an order; the order's id is also its hour."""
    return BuyerOnOrder(order_id, NOON + timedelta(hours=order_id), buyer_id, name, phone, email)


def card(
    partner_id: int,
    name: str,
    phone: str | None = None,
    email: str | None = None,
    *,
    origin: str = KEYCRM,
    as_of: int | None = None,
) -> PartnerCard:
    """Return a card that follows the order `as_of`."""
    ordered_at = NOON + timedelta(hours=as_of) if as_of is not None else None
    return PartnerCard(partner_id, name, phone, email, origin, None, ordered_at, as_of)


def register(
    *cards: PartnerCard,
    links: Mapping[int, int] | None = None,
    match_name: bool = False,
    default_partner: str | None = "Роздрібний покупець",
) -> PartnerCards:
    return PartnerCards(
        cards, links or {}, next_partner_id=100, match_name=match_name, default_partner=default_partner
    )


# Which card


def test_a_new_buyer_gets_a_card_with_name_phone_and_email() -> None:
    """Phone normalised, e-mail as typed (F04)."""
    books = register()
    assert books.meet(seen(1, 917, "  Олена  Тестова ", "050 123-45-67", " Olena@Example.com ")) == 100
    assert books.created == {100: card(100, "Олена Тестова", PHONE, "Olena@Example.com", as_of=1)}
    assert books.new_links == {917: 100}
    assert not books.updated
    assert not books.confirmed


def test_the_link_comes_first() -> None:
    """Buyer 917 has card 1 for ever, although its phone stands on card 2."""
    books = register(card(1, "Олена", as_of=1), card(2, "Петро", PHONE), links={917: 1})
    assert books.meet(seen(5, 917, "Олена", PHONE)) == 1
    assert not books.new_links
    assert not books.name_conflicts


def test_the_phone_comes_before_the_email() -> None:
    """Phone of card 2, e-mail of card 1."""
    books = register(card(1, "Олена", None, "o@example.com"), card(2, "Олена", PHONE))
    assert books.meet(seen(5, 917, "Олена", "0501234567", "o@example.com")) == 2


def test_the_email_finds_the_card_when_the_phone_does_not() -> None:
    """Case and blanks make no other address."""
    books = register(card(1, "Олена", OTHER_PHONE, "O@example.com "))
    assert books.meet(seen(5, 917, "Олена", PHONE, " o@EXAMPLE.com")) == 1
    assert books.new_links == {917: 1}


def test_of_several_cards_with_one_phone_the_lowest_id_is_taken() -> None:
    """The books may have doubles from the past; the choice must be the same every time."""
    assert (
        register(card(4, "Олена", PHONE), card(3, "Олена", "0501234567")).meet(seen(5, 917, "Олена", PHONE))
        == 3
    )


@pytest.mark.parametrize("phone", ["0000000000", "12345", "0999999999"])
def test_a_phone_that_is_none_matches_nobody(phone: str) -> None:
    """Two buyers with the phone 0000000000 are two partners, and each card keeps what was typed."""
    books = register()
    assert [books.meet(seen(1, 1, "Олена", phone)), books.meet(seen(2, 2, "Петро", phone))] == [100, 101]
    assert [one.phone for one in books.created.values()] == [phone, phone]


def test_an_email_that_is_none_matches_nobody() -> None:
    """`немає` stays on the card and is no key."""
    books = register()
    assert [
        books.meet(seen(1, 1, "Олена", None, "немає")),
        books.meet(seen(2, 2, "Петро", None, "немає")),
    ] == [100, 101]
    assert books.created[100].email == "немає"


def test_buyers_of_one_load_find_each_others_cards() -> None:
    """A site makes a new buyer for each order; the phone brings them together."""
    books = register()
    assert [books.meet(seen(order, order, "Олена", PHONE)) for order in (1, 2, 3)] == [100, 100, 100]
    assert books.new_links == {1: 100, 2: 100, 3: 100}


def test_a_phone_that_left_a_card_finds_it_no_more() -> None:
    """Olena changed her number; who has the old one now is somebody else."""
    books = register()
    books.meet(seen(1, 1, "Олена", PHONE))
    books.meet(seen(2, 1, "Олена", OTHER_PHONE))
    assert books.meet(seen(3, 2, "Петро", PHONE)) == 101
    assert books.meet(seen(4, 3, "Олена", OTHER_PHONE)) == 100


def test_phone_and_name_wants_the_same_name() -> None:
    """A shared phone is not enough then; apostrophe and case make no other name."""
    olena, petro = card(1, "Мар’яна", PHONE), card(2, "Петро", PHONE, "p@example.com")
    assert register(olena, petro, match_name=True).meet(seen(5, 917, "МАР'ЯНА", PHONE)) == 1
    assert register(olena, petro, match_name=True).meet(seen(5, 917, "Петро", PHONE)) == 2
    assert register(olena, petro, match_name=True).meet(seen(5, 917, "Петро", None, "p@example.com")) == 2
    other = register(olena, petro, match_name=True)
    assert other.meet(seen(5, 917, "Іван", PHONE, "p@example.com")) == 100
    assert not other.name_conflicts


# Names that disagree


def test_a_match_with_another_name_is_used_and_reported() -> None:
    """The card follows the newest buyer; a person decides whether they are one."""
    books = register(card(1, "Олена Тестова", PHONE, as_of=1))
    assert books.meet(seen(5, 917, "Іван Тестовий", PHONE)) == 1
    assert books.name_conflicts == [NameConflict(1, 917, 5)]
    assert books.updated == {1: card(1, "Іван Тестовий", PHONE, as_of=5)}
    books.meet(seen(6, 917, "Іван Тестовий", PHONE))
    assert len(books.name_conflicts) == 1


@pytest.mark.parametrize(
    "name", ["олена  тестова", "ОЛЕНА ТЕСТОВА", None, " ", "0501234567", "o@example.com"]
)
def test_names_that_agree_are_not_reported(name: str | None) -> None:
    """Neither is a missing name, nor a phone or e-mail that a site put in its place."""
    books = register(card(1, "Олена Тестова", PHONE))
    books.meet(seen(5, 917, name, PHONE))
    assert not books.name_conflicts


def test_a_name_that_was_only_a_phone_disagrees_with_none() -> None:
    """The card was made without a name; the first real name is no conflict."""
    books = register(card(1, PHONE, PHONE, as_of=1))
    books.meet(seen(5, 917, "Олена", PHONE))
    assert not books.name_conflicts
    assert books.updated[1].name == "Олена"


def test_a_conflict_stands_until_the_buyers_agree() -> None:
    """The card always has its newest buyer's name: the buyers are compared, not each with the card."""
    assert conflict_stands(["Іван", "Олена", "Іван"])
    assert not conflict_stands(["Олена", "олена ", None, "", PHONE, "o@example.com"])
    assert not conflict_stands([])


# What stands on the card


def test_a_card_follows_the_newest_order() -> None:
    """A load of an older day does not bring back the old phone; a newer order brings the new one."""
    books = register(card(1, "Олена", PHONE, as_of=10), links={917: 1})
    books.meet(seen(5, 917, "Олена Стара", OTHER_PHONE))
    assert not books.updated
    books.meet(seen(11, 917, "Олена Нова", OTHER_PHONE))
    assert books.updated == {1: card(1, "Олена Нова", OTHER_PHONE, as_of=11)}


def test_the_same_order_loaded_again_is_followed() -> None:
    """The manager corrected the name in KeyCRM and the day is loaded again."""
    books = register(card(1, "Олна", PHONE, as_of=10), links={917: 1})
    books.meet(seen(10, 917, "Олена", PHONE))
    assert books.updated == {1: card(1, "Олена", PHONE, as_of=10)}


def test_an_empty_value_overwrites_nothing() -> None:
    """A later order without e-mail and name leaves them."""
    books = register(card(1, "Олена", PHONE, "o@example.com", as_of=1), links={917: 1})
    books.meet(seen(5, 917, " ", OTHER_PHONE, ""))
    assert books.updated == {1: card(1, "Олена", OTHER_PHONE, "o@example.com", as_of=5)}


def test_an_older_order_fills_what_is_empty() -> None:
    """And leaves the card with the newer order."""
    books = register(card(1, PHONE, PHONE, as_of=10), links={917: 1})
    books.meet(seen(5, 917, "Олена", OTHER_PHONE, "o@example.com"))
    assert books.updated == {1: card(1, "Олена", PHONE, "o@example.com", as_of=10)}


def test_a_confirmed_card_is_touched_and_not_updated() -> None:
    """Nothing a reader sees has changed, but an order of a day between must not win later."""
    books = register(card(1, "Олена", PHONE, as_of=1), links={917: 1})
    for order in (2, 3):
        books.meet(seen(order, 917, "Олена", "0501234567"))
    assert not books.updated
    assert books.confirmed == {1: card(1, "Олена", PHONE, as_of=3)}


def test_two_buyers_on_one_card() -> None:
    """The card shows the buyer of the newest order, whoever came last in between."""
    books = register()
    for buyer in (
        seen(1, 1, "Олена", PHONE),
        seen(2, 2, "Іван", PHONE),
        seen(3, 1, "Олена", PHONE),
        seen(4, 2, "Іван", PHONE),
        seen(5, 1, "Олена", PHONE),
    ):
        books.meet(buyer)
    assert books.created == {100: card(100, "Олена", PHONE, as_of=5)}


@pytest.mark.parametrize(
    ("phone", "email", "name"),
    [("0501234567", "o@example.com", PHONE), (None, "o@example.com", "o@example.com"), ("123", None, "123")],
)
def test_a_buyer_without_a_name_takes_phone_or_email_as_name(
    phone: str | None, email: str | None, name: str
) -> None:
    """A card must be called something."""
    books = register()
    books.meet(seen(1, 917, "", phone, email))
    assert books.created[100].name == name
    assert not books.name_conflicts


def test_a_name_that_was_only_a_phone_follows_the_phone() -> None:
    """A card called by a number that nobody has any more helps nobody."""
    books = register()
    books.meet(seen(1, 917, None, PHONE))
    books.meet(seen(2, 917, None, OTHER_PHONE))
    assert books.created == {100: card(100, OTHER_PHONE, OTHER_PHONE, as_of=2)}


# Cards from the catalogue (R12)


def test_a_catalogue_card_is_never_changed_but_filled() -> None:
    """Found by the phone as the accountant typed it; name and phone stay, the empty e-mail is filled."""
    mine = card(7, "ФОП Тестова О. П.", "050-123-45-67", origin=CATALOGUE)
    books = register(mine)
    assert books.meet(seen(1, 917, "Олена", PHONE, "o@example.com")) == 7
    assert books.meet(seen(2, 917, "Олена", OTHER_PHONE, "other@example.com")) == 7
    assert books.updated == {7: replace(mine, email="o@example.com")}
    assert books.name_conflicts == [NameConflict(7, 917, 1)]
    assert not books.confirmed


# Orders without a buyer


def test_an_order_without_a_buyer_gets_the_default_partner_made_once() -> None:
    """And the next load finds it by its name (F05)."""
    books = register()
    assert [books.meet(seen(order, None)) for order in (1, 2)] == [100, 100]
    assert books.created == {100: card(100, "Роздрібний покупець")}
    found = register(card(9, "роздрібний  покупець"), card(8, "Роздрібний покупець"))
    assert found.meet(seen(3, None)) == 8
    assert not found.created
    assert not found.updated


def test_a_buyer_with_nothing_but_an_id_gets_the_default_partner_for_the_time_being() -> None:
    """Not linked: once KeyCRM knows the name, the buyer has a card of its own."""
    books = register()
    assert BuyerTexts().name_to_show(" ", None, "") is None
    assert books.meet(seen(1, 917, " ", None, "")) == 100
    assert not books.new_links
    assert books.meet(seen(2, 917, "Олена")) == 101
    assert books.created[100].name == "Роздрібний покупець"
    assert books.meet(seen(3, 917)) == 101
    at_once = register().meet_all([seen(1, 917, " ", None, ""), seen(2, 917, "Олена"), seen(3, None)])
    assert at_once == [101, 101, 100]


def test_without_a_default_partner_such_an_order_is_refused_in_words() -> None:
    """Validation rejects it before; here it would be a mistake of ours."""
    with pytest.raises(
        NoDefaultPartnerError, match="order 5 has no buyer, and the profile has no default_partner"
    ):
        register(default_partner=None).meet(seen(5, None))
    with pytest.raises(NoDefaultPartnerError):
        register(default_partner=" ").meet(seen(5, 917))


def test_a_link_to_a_card_that_was_not_given() -> None:
    """Better no load than a second card under a number that exists."""
    with pytest.raises(KeyError):
        register(links={917: 55}).meet(seen(1, 917, "Олена"))


# What holds for any buyers

NAMES = st.sampled_from([None, "", "Олена", "олена ", "Іван", PHONE])
PHONES = st.sampled_from([None, "", PHONE, "0501234567", "0671234567", "0000000000", "12"])
EMAILS = st.sampled_from([None, "", "o@example.com", "O@Example.com", "i@example.com", "немає"])
SIGHTINGS = st.lists(
    st.builds(
        seen,
        st.integers(1, 12),
        st.one_of(st.none(), st.integers(1, 4)),
        NAMES,
        PHONES,
        EMAILS,
    ),
    max_size=10,
    # KeyCRM shows one buyer an order.
    unique_by=lambda buyer: buyer.order_id,
)


class Books:
    """What a database would keep between loads."""

    def __init__(self, cards: Iterable[PartnerCard]) -> None:
        self.cards = {one.partner_id: one for one in cards}
        self.links: dict[int, int] = {}

    def load(self, buyers: Iterable[BuyerOnOrder], *, match_name: bool) -> tuple[PartnerCards, list[int]]:
        """Load buyers as the exchange does, and keep what came of it."""
        books = PartnerCards(
            self.cards.values(),
            self.links,
            next_partner_id=max(self.cards, default=0) + 1,
            match_name=match_name,
            default_partner="Роздрібний покупець",
        )
        found = books.meet_all(sorted(buyers, key=lambda buyer: (buyer.ordered_at, buyer.order_id)))
        for change in (books.created, books.updated, books.confirmed):
            self.cards.update(change)
        self.links.update(books.new_links)
        return books, found


@settings(deadline=None, max_examples=300)
@given(SIGHTINGS, SIGHTINGS, st.booleans(), st.booleans())
def test_whatever_buyers_come(
    first: list[BuyerOnOrder], second: list[BuyerOnOrder], match_name: bool, has_catalogue: bool
) -> None:
    """Loading again changes nothing, links and ids stay, catalogue cards are only filled."""
    mine = [
        card(1, "Олена", "050 123 45 67", origin=CATALOGUE),
        card(2, "Іван", None, "i@example.com", origin=CATALOGUE),
    ]
    books = Books(mine if has_catalogue else [])
    for buyers in (first, second):
        links_before = dict(books.links)
        _, found = books.load(buyers, match_name=match_name)
        assert set(found) <= set(books.cards)
        assert {buyer: books.links[buyer] for buyer in links_before} == links_before
        assert all(one.name for one in books.cards.values())

        again, found_again = books.load(buyers, match_name=match_name)
        assert found_again == found
        assert {**again.created, **again.updated, **again.confirmed, **again.new_links} == {}
        assert again.name_conflicts == []
    for given_card in mine if has_catalogue else []:
        now = books.cards[given_card.partner_id]
        for before, after in (
            (given_card.name, now.name),
            (given_card.phone, now.phone),
            (given_card.email, now.email),
        ):
            assert before in (None, after)


@settings(deadline=None)
@given(SIGHTINGS)
def test_day_by_day_or_at_once_is_the_same(buyers: list[BuyerOnOrder]) -> None:
    """A range loaded in one run and the same days one after the other give the same cards."""
    ordered = sorted(buyers, key=lambda buyer: buyer.order_id)
    at_once, by_day = Books([]), Books([])
    at_once.load(ordered, match_name=False)
    for buyer in ordered:
        by_day.load([buyer], match_name=False)
    assert by_day.cards == at_once.cards
    assert by_day.links == at_once.links
