"""Which partner card a buyer belongs to, and what stands on it (R3, R12).

`PartnerCards` meets the buyers of a load one after the other, because each may make the card that the
next one finds. It knows only the cards it is given; looking them up, storing what it made, and the times of
change belong to the packages above.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from keycrm_pipeline.accounting.names import Forms, Remembered, email_key, name_key, names_disagree, tidied
from keycrm_pipeline.accounting.origins import CATALOGUE, KEYCRM
from keycrm_pipeline.accounting.phones import card_phone, normalised_phone


@dataclass(frozen=True, slots=True)
class PartnerCard:
    """One partner card (Контрагент).

    Attributes:
        partner_id: The card's own number; it never changes.
        name: The name; of a buyer without one, the phone or e-mail.
        phone: The phone: `+380...` when it is valid, else as typed; None when there is none.
        email: The e-mail as typed; None when there is none.
        origin: `keycrm` or `catalogue`.
        catalogue_id: The card's id in the accounting system's own file, when it came from there.
        as_of_ordered_at: Date of the order whose buyer the card follows, aware; None when it follows none.
        as_of_order_id: That order.
    """

    partner_id: int
    name: str
    phone: str | None
    email: str | None
    origin: str
    catalogue_id: str | None
    as_of_ordered_at: datetime | None
    as_of_order_id: int | None

    def says_the_same(self, other: PartnerCard) -> bool:
        """Tell whether a reader sees no difference between two states of the card."""
        return (self.name, self.phone, self.email) == (other.name, other.phone, other.email)


@dataclass(frozen=True, slots=True)
class BuyerOnOrder:
    """The buyer of one order as KeyCRM shows it.

    Attributes:
        order_id: The order.
        ordered_at: Its date, aware.
        buyer_id: KeyCRM's buyer id; None for an order without a buyer.
        name: The buyer's name as typed.
        phone: The phone field as typed.
        email: The e-mail as typed.
    """

    order_id: int
    ordered_at: datetime
    buyer_id: int | None
    name: str | None
    phone: str | None
    email: str | None


@dataclass(frozen=True, slots=True)
class NameConflict:
    """A buyer who was given a card by phone or e-mail although its name is another (R3).

    Attributes:
        partner_id: The card.
        buyer_id: The buyer who was linked to it.
        order_id: The order in which that happened.
    """

    partner_id: int
    buyer_id: int
    order_id: int


class NoDefaultPartnerError(LookupError):
    """An order has no buyer and the profile names no `default_partner`."""

    def __init__(self, order_id: int) -> None:
        super().__init__(
            f"order {order_id} has no buyer, and the profile has no default_partner for such orders: "
            "name one in the profile, or choose the buyer in KeyCRM"
        )


def _real_name(name: str | None) -> str | None:
    """Return a name that is one: it has a letter, and is no e-mail. Sites put the phone into its field."""
    shown = tidied(name)
    if shown is None or not any(map(str.isalpha, shown)) or email_key(shown) is not None:
        return None
    return shown


def conflict_stands(names: Iterable[str | None]) -> bool:
    """Tell whether a name conflict of a card still has its cause (R3).

    A card made by the exchange takes the name of its newest buyer, so its name alone tells nothing: the names
    of all buyers linked to it must be compared with each other.

    Args:
        names: The card's name and those of all buyers linked to it, each as last seen.

    Returns:
        True when two of the names disagree. A missing name, or a phone or e-mail in its place, disagrees with
        none.
    """
    return len({name_key(name) for name in names if _real_name(name) is not None}) > 1


class BuyerTexts:
    """The forms of the names, phones and e-mails of some buyers and cards, each worked out once.

    On the way to a card and into its table the same text is looked at half a dozen times. The forms are kept as long
    as this is: hand one to all that looks at the buyers of some days, and let go of it then.

    Attributes:
        name_key: See `books.names.name_key`.
        email_key: See `books.names.email_key`.
        phone_key: See `books.phones.normalised_phone`.
        card_phone: See `books.phones.card_phone`.
        tidied: See `books.names.tidied`.
        real_name: A name that is one: it has a letter, and is no e-mail; else None.
    """

    def __init__(self) -> None:
        self.name_key: Forms = Remembered(name_key).__getitem__
        self.email_key: Forms = Remembered(email_key).__getitem__
        self.phone_key: Forms = Remembered(normalised_phone).__getitem__
        self.card_phone: Forms = Remembered(partial(card_phone, phone_key=self.phone_key)).__getitem__
        self.tidied: Forms = Remembered(tidied).__getitem__
        self.real_name: Forms = Remembered(_real_name).__getitem__

    def name_to_show(self, name: str | None, phone: str | None, email: str | None) -> str | None:
        """A buyer's name as typed, else what stands in for it.

        None for one who has neither name nor phone nor e-mail: no card can be made of it, and it needs a
        `default_partner` unless it is linked to a card already.
        """
        return self.real_name(name) or self.card_phone(phone) or self.tidied(email) or self.tidied(name)


class PartnerCards:
    """Finds or makes the card of each buyer, and keeps the cards up to date (R3).

    Which card: the one the buyer is linked to; else one with the same valid phone; else one with the same
    e-mail; else a new one. Of several cards with the same phone or e-mail the one with the lowest id is
    taken. Phones and e-mails are those that stand on the cards at that moment, as they change during the
    load. The link, once made, stays; a buyer who was merged into another in KeyCRM arrives under the
    survivor's id and so gets the survivor's card (R11).

    What stands on a card made by the exchange follows the buyer of the newest order by `(ordered_at,
    order_id)`; meeting that same order again follows it again. An empty value never overwrites a filled one,
    and an older order only fills what is empty. A name without any letter, or that is an e-mail, counts as
    empty: phone or e-mail stand in for it. Cards from the catalogue only get empty fields filled.

    An order without a buyer gets the default partner: the card of that name with the lowest id that follows no
    buyer, else a card created once. A buyer with nothing but an id is treated the same, and not linked: should
    KeyCRM learn the name, it gets its own card, and its earlier orders do so when they are loaded again
    (`meet_all`).

    The register must be given every card that can be met: those the buyers are linked to, those with their
    phones or e-mails, and those named like the default partner.

    A name conflict is reported when the link is made. Meeting the buyer again reports nothing, because the
    link decides then; so a conflict that is to stand on the review list is kept with the link. It stands as
    long as the names of the card and of all buyers linked to it disagree (`conflict_stands`); when the buyers
    are renamed or merged in KeyCRM, its cause is gone.

    Attributes:
        new_links: Links made, buyer id -> partner id.
        name_conflicts: Matches by phone or e-mail whose names disagree; never any with `match_name`.
    """

    def __init__(
        self,
        cards: Iterable[PartnerCard],
        links: Mapping[int, int],
        *,
        next_partner_id: int,
        match_name: bool,
        default_partner: str | None,
        texts: BuyerTexts | None = None,
    ) -> None:
        """Take over what the books have.

        Args:
            cards: The cards that can be met.
            links: KeyCRM's buyer id -> partner id.
            next_partner_id: Id of the first card to be made.
            match_name: Whether phone and e-mail only count together with the same name
                (`partner_match: phone_and_name`).
            default_partner: Name of the partner of orders without a buyer; None when the profile has none.
            texts: Forms that are worked out already, and kept for who looks at the same texts afterwards.
        """
        self._texts = texts or BuyerTexts()
        self.new_links: dict[int, int] = {}
        self.name_conflicts: list[NameConflict] = []
        self._given: dict[int, PartnerCard] = {}
        self._cards: dict[int, PartnerCard] = {}
        self._links = dict(links)
        self._next_partner_id = next_partner_id
        self._match_name = match_name
        self._default_name = tidied(default_partner)
        self._default_id: int | None = None
        self._as_of: dict[int, tuple[datetime, int]] = {}
        # What the buyer said whom a card followed last, and what an older order last said: nearly every
        # buyer repeats one of them, and then has nothing to add.
        self._followed: dict[int, tuple[str | None, str | None, str | None]] = {}
        self._filled_from: dict[int, tuple[str | None, str | None, str | None]] = {}
        self._by_phone: dict[str, set[int]] = {}
        self._by_email: dict[str, set[int]] = {}
        for card in cards:
            self._given[card.partner_id] = card
            self._put(card)
            if card.as_of_ordered_at is not None and card.as_of_order_id is not None:
                self._as_of[card.partner_id] = (card.as_of_ordered_at, card.as_of_order_id)

    def meet(self, buyer: BuyerOnOrder) -> int:
        """Return the id of the card of an order's buyer; find, make, link and update it (R3).

        Args:
            buyer: The buyer of an order; orders are met by `(ordered_at, order_id)`.

        Raises:
            NoDefaultPartnerError: When the order has no buyer and there is no default partner; validation
                keeps such orders out (R10).
            KeyError: When the buyer is linked to a card that was not given.
        """
        if buyer.buyer_id is None:
            return self._default(buyer)
        moment = (buyer.ordered_at, buyer.order_id)
        partner_id = self._links.get(buyer.buyer_id)
        if partner_id is not None:
            said = (buyer.name, buyer.phone, buyer.email)
            as_of = self._as_of.get(partner_id)
            if self._followed.get(partner_id) == said:
                if as_of is not None and moment > as_of:
                    self._as_of[partner_id] = moment
            elif as_of is None or moment >= as_of or self._filled_from.get(partner_id) != said:
                self._follow(self._cards[partner_id], buyer, moment)
            return partner_id
        name = self._texts.name_to_show(buyer.name, buyer.phone, buyer.email)
        if name is None:
            return self._default(buyer)
        partner_id = self._matched(buyer, name)
        if partner_id is None:
            card = self._blank_card(name)
            partner_id = card.partner_id
            self._follow(card, buyer, moment)
        else:
            if self._disagrees(self._cards[partner_id], buyer):
                self.name_conflicts.append(NameConflict(partner_id, buyer.buyer_id, buyer.order_id))
            self._follow(self._cards[partner_id], buyer, moment)
        self._links[buyer.buyer_id] = partner_id
        self.new_links[buyer.buyer_id] = partner_id
        return partner_id

    def meet_all(self, buyers: Iterable[BuyerOnOrder]) -> list[int]:
        """Return the ids of the cards of many orders' buyers; meeting the same orders again changes nothing.

        The same as `meet` one by one, but for a buyer who has nothing but an id in one order and a name in a
        later one: the earlier order is given the card, too, which it would get at the next load.

        Args:
            buyers: By `(ordered_at, order_id)`.

        Raises:
            NoDefaultPartnerError: See `meet`.
            KeyError: See `meet`.
        """
        met = list(buyers)
        found = [self.meet(buyer) for buyer in met]
        return [
            partner_id if buyer.buyer_id is None else self._links.get(buyer.buyer_id, partner_id)
            for buyer, partner_id in zip(met, found, strict=True)
        ]

    @property
    def created(self) -> dict[int, PartnerCard]:
        """The cards made, as they are now."""
        return {
            partner_id: self._as_it_is(card)
            for partner_id, card in self._cards.items()
            if partner_id not in self._given
        }

    @property
    def updated(self) -> dict[int, PartnerCard]:
        """The given cards on which something else stands now."""
        return {
            partner_id: self._as_it_is(self._cards[partner_id])
            for partner_id, before in self._given.items()
            if not before.says_the_same(self._cards[partner_id])
        }

    @property
    def confirmed(self) -> dict[int, PartnerCard]:
        """The given cards on which the same stands as before, confirmed by a newer order.

        Nothing changed for a reader, so it is no update; but the newer date must be kept, or an order of a
        day between, loaded later, would overwrite what a newer order confirmed.
        """
        now = {
            partner_id: self._as_it_is(self._cards[partner_id])
            for partner_id, before in self._given.items()
            if before.says_the_same(self._cards[partner_id])
        }
        return {partner_id: card for partner_id, card in now.items() if card != self._given[partner_id]}

    def _as_it_is(self, card: PartnerCard) -> PartnerCard:
        """Return the card with the order it follows now."""
        as_of = self._as_of.get(card.partner_id)
        if as_of is None or as_of == (card.as_of_ordered_at, card.as_of_order_id):
            return card
        return PartnerCard(
            card.partner_id, card.name, card.phone, card.email, card.origin, card.catalogue_id, *as_of
        )

    def _put(self, card: PartnerCard) -> None:
        """Keep a card's new state, and find it by its new phone and e-mail only."""
        before = self._cards.get(card.partner_id)
        self._cards[card.partner_id] = card
        if before is None or before.phone != card.phone:
            self._index(
                self._by_phone,
                card.partner_id,
                None if before is None else self._texts.phone_key(before.phone),
                self._texts.phone_key(card.phone),
            )
        if before is None or before.email != card.email:
            self._index(
                self._by_email,
                card.partner_id,
                None if before is None else self._texts.email_key(before.email),
                self._texts.email_key(card.email),
            )

    @staticmethod
    def _index(index: dict[str, set[int]], partner_id: int, before: str | None, now: str | None) -> None:
        """Move a card from one key to another."""
        if before is not None:
            index[before].discard(partner_id)
        if now is not None:
            index.setdefault(now, set()).add(partner_id)

    def _matched(self, buyer: BuyerOnOrder, name: str) -> int | None:
        """Return the card with the buyer's phone, else with its e-mail (R3, steps 2 and 3)."""
        texts = self._texts
        for index, key in (
            (self._by_phone, texts.phone_key(buyer.phone)),
            (self._by_email, texts.email_key(buyer.email)),
        ):
            found = index.get(key) if key is not None else None
            if not found:
                continue
            candidates = [
                partner_id
                for partner_id in found
                if not self._match_name
                or texts.name_key(self._cards[partner_id].name) == texts.name_key(name)
            ]
            if candidates:
                return min(candidates)
        return None

    def _own_name(self, card: PartnerCard) -> str | None:
        """Return the card's name unless it is one of our own making, a phone or e-mail in its place."""
        return (self._texts.tidied if card.origin == CATALOGUE else self._texts.real_name)(card.name)

    def _disagrees(self, card: PartnerCard, buyer: BuyerOnOrder) -> bool:
        """Tell whether the card's name and the buyer's are different people's."""
        return names_disagree(self._own_name(card), self._texts.real_name(buyer.name))

    def _blank_card(self, name: str) -> PartnerCard:
        """Return a card with the next id and nothing but a name; it is not among the cards before it is put."""
        card = PartnerCard(self._next_partner_id, name, None, None, KEYCRM, None, None, None)
        self._next_partner_id += 1
        return card

    def _default(self, buyer: BuyerOnOrder) -> int:
        """Return the default partner's card; the first order that needs it finds or makes it."""
        if self._default_id is None:
            if self._default_name is None:
                raise NoDefaultPartnerError(buyer.order_id)
            key = name_key(self._default_name)
            named = [
                card.partner_id
                for card in self._cards.values()
                if name_key(card.name) == key
                # A buyer may be called so, too; that card takes another name with the buyer's next order.
                and (card.origin == CATALOGUE or card.partner_id not in self._as_of)
            ]
            if named:
                self._default_id = min(named)
            else:
                card = self._blank_card(self._default_name)
                self._default_id = card.partner_id
                self._put(card)
        return self._default_id

    def _follow(self, card: PartnerCard, buyer: BuyerOnOrder, moment: tuple[datetime, int]) -> None:
        """Bring a card, known or new, up to date with a buyer of its buyer."""
        partner_id, texts = card.partner_id, self._texts
        as_of = self._as_of.get(partner_id)
        own_name = self._own_name(card)
        said_name = texts.real_name(buyer.name)
        said_phone, said_email = texts.card_phone(buyer.phone), texts.tidied(buyer.email)
        follows = card.origin != CATALOGUE and (as_of is None or moment >= as_of)
        if follows:
            name, phone, email = said_name or own_name, said_phone or card.phone, said_email or card.email
            shown_name = name or phone or email or texts.tidied(buyer.name) or card.name
        else:
            name, phone, email = own_name or said_name, card.phone or said_phone, card.email or said_email
            shown_name = name or phone or email or card.name
        if (shown_name, phone, email) != (card.name, card.phone, card.email) or partner_id not in self._cards:
            # Not dataclasses.replace: it costs as much as the whole rule on 100,000 cards.
            self._put(
                PartnerCard(
                    partner_id,
                    shown_name,
                    phone,
                    email,
                    card.origin,
                    card.catalogue_id,
                    card.as_of_ordered_at,
                    card.as_of_order_id,
                )
            )
        if follows:
            self._as_of[partner_id] = moment
        remembered = self._followed if follows or card.origin == CATALOGUE else self._filled_from
        remembered[partner_id] = (buyer.name, buyer.phone, buyer.email)
