"""R3: which partner card an order's buyer gets, and what stands on it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from keycrm_pipeline.warehouse import batches
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, kyiv, person

MARCH_1, MARCH_3 = date(2026, 3, 1), date(2026, 3, 3)


def partner_of(books: Books) -> dict[int, int]:
    return dict(books.rows("orders", "order_id, partner_id"))


def cards(books: Books) -> list[tuple[Any, ...]]:
    return books.rows("partners", "name, phone, email")


def test_four_ways_to_a_card(books: Books) -> None:
    """Link, phone, e-mail, new card: in that order, over several loads."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(10, "Олена", "050 123 45 67", email="o@example.com"))
    # Same phone in another form; same e-mail in other letters; nothing in common.
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(11, "Олена", "+380501234567"))
    books.order(3, kyiv(2026, 3, 2, 10), buyer=person(12, "Олена", "", email=" O@Example.com "))
    books.order(4, kyiv(2026, 3, 2, 11), buyer=person(13, "Ігор", "0671112233"))
    exchange = books.load()
    assert partner_of(books) == {1: 1, 2: 1, 3: 1, 4: 2}
    assert exchange.partners_created == 2
    # The link decides from now on: buyer 13 keeps its card although the phone is now that of card 1.
    books.order(5, kyiv(2026, 3, 3, 8), buyer=person(13, "Ігор", "0501234567"))
    exchange = books.load(MARCH_3)
    assert partner_of(books)[5] == 2
    assert exchange.partners_created == 0
    assert books.rows("partner_links", "buyer_id, partner_id") == [(10, 1), (11, 1), (12, 1), (13, 2)]


def test_phones_are_mended_and_nonsense_is_no_key(books: Books) -> None:
    """Typed numbers become +380…; a number that is none stays as typed and joins nobody."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(1, "А", "80501234567"))
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(2, "Б", "0000000000"))
    books.order(3, kyiv(2026, 3, 2, 10), buyer=person(3, "В", "0000000000"))
    books.order(4, kyiv(2026, 3, 2, 11), buyer=person(4, "Г", "", email="не пошта"))
    books.order(5, kyiv(2026, 3, 2, 12), buyer=person(5, "Ґ", "", email="не пошта"))
    books.load()
    assert cards(books) == [
        ("А", "+380501234567", None),
        ("Б", "0000000000", None),
        ("В", "0000000000", None),
        ("Г", None, "не пошта"),
        ("Ґ", None, "не пошта"),
    ]


def test_names_that_disagree_are_shown_and_gone_when_settled(books: Books) -> None:
    """One phone, two names: one card, one entry to review; it goes when the names agree in KeyCRM."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(1, "Олена Коваль", "0501234567"))
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(2, "Петро Мельник", "0501234567"))
    books.order(3, kyiv(2026, 3, 2, 10), buyer=person(3, "  ОЛЕНА   коваль", "0501234567"))
    books.load()
    assert partner_of(books) == {1: 1, 2: 1, 3: 1}
    assert books.review("partner_name_conflict") == ["1"]
    first_seen = books.query("SELECT first_seen_at FROM ops.review")
    books.load()
    assert books.query("SELECT first_seen_at FROM ops.review") == first_seen
    books.shop.replace_order(2, {"buyer": person(2, "Олена Коваль", "0501234567")})
    books.load()
    assert books.review("partner_name_conflict") == []


def test_apostrophes_do_not_disagree(books: Books) -> None:
    """Мар'яна, Мар’яна and Марʼяна are one."""
    for order_id, name in enumerate(("Мар'яна", "Мар’яна", "мАРʼЯНА"), start=1):
        books.order(order_id, kyiv(2026, 3, 2, order_id), buyer=person(order_id, name, "0501234567"))
    books.load()
    assert set(partner_of(books).values()) == {1}
    assert books.review("partner_name_conflict") == []


def test_phone_and_name_must_both_agree_when_the_profile_says_so(new_books: Any) -> None:
    """`partner_match: phone_and_name` makes two cards of one family phone, and nothing to review."""
    books = new_books(partner_match="phone_and_name")
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(1, "Олена Коваль", "0501234567"))
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(2, "Петро Коваль", "0501234567"))
    books.order(3, kyiv(2026, 3, 2, 10), buyer=person(3, "олена коваль", "0501234567"))
    books.load()
    assert partner_of(books) == {1: 1, 2: 2, 3: 1}
    assert books.review("partner_name_conflict") == []


def test_orders_without_a_buyer_share_the_default_partner(books: Books) -> None:
    """One card for all of them, made once, also when a buyer arrives with nothing but an id."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=None)
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(7, None, ""))
    exchange = books.load()
    assert cards(books) == [("Роздрібний покупець", None, None)]
    assert exchange.partners_created == 1
    books.order(3, kyiv(2026, 3, 3), buyer=None)
    assert books.load(MARCH_3).partners_created == 0
    assert partner_of(books) == {1: 1, 2: 1, 3: 1}


def test_a_buyer_called_like_the_default_partner_is_not_the_default_partner(books: Books) -> None:
    """The phone's next order says Олена: the load does not fail, and orders without a buyer are not Олена's."""
    books.order(1, kyiv(2026, 3, 2, 9), buyer=person(1, "Роздрібний покупець", "0501111111"))
    books.order(2, kyiv(2026, 3, 2, 10), buyer=None)
    books.order(3, kyiv(2026, 3, 2, 11), buyer=person(2, "Олена", "0501111111"))
    books.load()
    assert partner_of(books) == {1: 1, 2: 2, 3: 1}
    assert [name for name, *_ in cards(books)] == ["Олена", "Роздрібний покупець"]
    exchange = books.load()
    assert (exchange.partners_created, exchange.orders_updated) == (0, 0)


def test_an_order_that_names_a_buyer_and_brings_none_is_the_default_partners(books: Books) -> None:
    """A buyer deleted in KeyCRM leaves its id on the order: the order is booked, and stops no load."""
    books.order(1, kyiv(2026, 3, 2, 8), client_id=10, buyer=None)
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(11, "Ігор"))
    exchange = books.load()
    assert (exchange.orders_created, exchange.orders_rejected) == (2, 0)
    assert partner_of(books) == {1: 1, 2: 2}
    assert [name for name, *_ in cards(books)] == ["Роздрібний покупець", "Ігор"]
    assert books.rows("partner_links", "buyer_id") == [(11,)]


def test_buyer_without_a_name_is_called_by_phone_or_mail(books: Books) -> None:
    """A card is never nameless."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(1, None, "0501234567"))
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(2, " ", "", email="a@example.com"))
    books.load()
    assert cards(books) == [
        ("+380501234567", "+380501234567", None),
        ("a@example.com", None, "a@example.com"),
    ]


OLD = person(1, "Олена Давня", "0501111111", email="olena@example.com")
MIDDLE = person(1, "Олена Середня", "0502222222")
NEW = person(1, "Олена Нова", "", email="")


@pytest.mark.parametrize("days", [(3, 2, 1), (2, 3, 1)])
def test_newest_order_wins_in_whatever_order_days_are_loaded(books: Books, days: tuple[int, ...]) -> None:
    """The card follows the newest order's buyer, and what is empty there is filled from elsewhere.

    Loading an old month later must not bring an old name back.
    """
    for day, buyer in ((1, OLD), (2, MIDDLE), (3, NEW)):
        books.order(day, kyiv(2026, 3, day), buyer=buyer)
    for day in days:
        books.load(date(2026, 3, day))
    name, _phone, email = cards(books)[0]
    assert len(cards(books)) == 1
    assert name == "Олена Нова"
    assert email == "olena@example.com"
    # Reloading an old day changes nothing.
    before = books.tables()
    books.load(MARCH_1)
    assert books.tables() == before


def test_empty_value_never_overwrites_a_filled_one(books: Books) -> None:
    """A phone that KeyCRM lost stays on the card."""
    books.order(1, kyiv(2026, 3, 2), buyer=OLD)
    books.load()
    books.order(2, kyiv(2026, 3, 3), buyer=NEW)
    books.load(MARCH_3)
    assert cards(books) == [("Олена Нова", "+380501111111", "olena@example.com")]


def test_merged_buyers_orders_move_to_the_surviving_card(books: Books) -> None:
    """R11: after a merge in KeyCRM the order has the survivor's id, and goes to the survivor's card."""
    books.order(1, kyiv(2026, 3, 2, 8), buyer=person(1, "Олена", "0501111111"))
    books.order(2, kyiv(2026, 3, 2, 9), buyer=person(2, "Олена К.", "0502222222"))
    books.load()
    assert partner_of(books) == {1: 1, 2: 2}
    books.shop.replace_order(2, {"buyer": person(1, "Олена", "0501111111"), "client_id": 1})
    exchange = books.load()
    assert partner_of(books) == {1: 1, 2: 1}
    assert exchange.orders_updated == 1
    # Cards are never deleted.
    assert len(cards(books)) == 2


def test_a_repeated_buyer_of_a_shared_card_counts_each_time(books: Books) -> None:
    """Two buyers share a phone and take turns; a third is found by the e-mail that stands there at that moment."""
    mother = person(1, "Олена", "0501234567", email="mother@example.com")
    son = person(2, "Олена", "0501234567", email="son@example.com")
    for order_id, buyer in enumerate((mother, son, mother), start=1):
        books.order(order_id, kyiv(2026, 3, 2, 7 + order_id), buyer=buyer)
    books.order(4, kyiv(2026, 3, 2, 11), buyer=person(3, "Олена", "", email="mother@example.com"))
    books.order(5, kyiv(2026, 3, 2, 12), buyer=mother)
    books.load()
    assert partner_of(books) == {1: 1, 2: 1, 3: 1, 4: 1, 5: 1}


def test_address_never_reaches_a_card(books: Books) -> None:
    """F03: where a parcel goes stands on the order only."""
    books.order(1, shipping={"shipping_address_city": "Полтава-тестова"})
    books.load()
    assert books.value(1, "delivery_address") == "Полтава-тестова"
    assert "Полтава" not in str(books.rows("partners"))


def test_long_period_gives_the_cards_of_a_short_one(
    new_books: MakeBooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Years are met some days at a time: cards, links, conflicts and counts are those of all days at once."""
    loaded = []
    for orders_of_a_batch in (50_000, 1):
        monkeypatch.setattr(batches, "BATCH_ORDERS", orders_of_a_batch)
        books = new_books()
        books.order(1, kyiv(2026, 3, 1, 8), buyer=person(1, "Олена", "0501234567"))
        books.order(2, kyiv(2026, 3, 1, 9), buyer=None)
        books.order(3, kyiv(2026, 3, 2, 8), buyer=person(2, "Ігор", "0671112233"))
        # Another name and phone of a known buyer; another buyer with a known phone; nobody once more.
        books.order(4, kyiv(2026, 3, 2, 9), buyer=person(1, "Олена Коваль", "0509999999"))
        books.order(5, kyiv(2026, 3, 3, 8), buyer=person(3, "Петро", "0671112233"))
        books.order(6, kyiv(2026, 3, 3, 9), buyer=None)
        exchange = books.load(MARCH_1, MARCH_3)
        names = ("partners", "partner_links", "orders")
        loaded.append((exchange.partners_created, [books.rows(name) for name in names]))
    assert loaded[0] == loaded[1]
    assert loaded[0][0] == 3
