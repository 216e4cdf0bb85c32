"""How the accounting catalogue's cards enter the books (R12): which card is which, and never one of them twice.

A row of the catalogue is its card's own row from then on: the card keeps its number, and follows the file when the
row changes. An empty value of the file never empties a field. A row that vanishes from the file leaves its card.

A row that the books do not know yet may be a card that they have already, because the exchange made it before the
catalogue was there. Then that card becomes the row's card and keeps its number, so that no document moves:

- a product by its SKU, else by its name where R4.3 lets a line take the card;
- a partner by phone, else by e-mail, as a buyer would find it (R3); the default partner by its name.

Otherwise the row makes a new card. Its number is the row's id when that is a whole number and free, else a new one.

Two cards never carry one SKU. Between the catalogue's own cards the newest file decides. A SKU that a variant
carries, or another card that is not in the file, is not put on a second card: that is reported as a conflict, and a row
that would have made a new card makes none.

What is not here: reading the files (`catalogue_files`), storing cards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from keycrm_pipeline.accounting.catalogue_files import CataloguePartnerRow, CatalogueProductRow, id_key
from keycrm_pipeline.accounting.names import Skus, email_key, name_key
from keycrm_pipeline.accounting.origins import CATALOGUE
from keycrm_pipeline.accounting.partners import PartnerCard
from keycrm_pipeline.accounting.phones import card_phone, normalised_phone
from keycrm_pipeline.accounting.products import (
    ProductCard,
    ProductVariant,
)
from keycrm_pipeline.kinds import PRODUCT, PRODUCT_WITH_SKU, SERVICE

Card = TypeVar("Card", PartnerCard, ProductCard)

MOST_NUMBER = 10**15
"""An id above this becomes no number of a card: numbers are counted on from the highest one."""

_RANK = {PRODUCT: 0, PRODUCT_WITH_SKU: 1, SERVICE: 2}
"""Kinds only move up (R5): a card is never demoted silently, by a file neither."""


@dataclass(frozen=True, slots=True)
class CatalogueConflict:
    """A SKU of the catalogue that could not be put on its card.

    Attributes:
        catalogue_id: The row's id.
        sku: The SKU, as the row has it.
        product_id: The row's card; None when the row made none.
        carrier_variant_id: The variant that carries the SKU already.
        carrier_product_id: The card that does, or whose variant does; None when the row's card has variants of its
            own, on which the SKUs stand then.
    """

    catalogue_id: str
    sku: str
    product_id: int | None
    carrier_variant_id: int | None
    carrier_product_id: int | None


@dataclass(frozen=True, slots=True)
class EnteredCards(Generic[Card]):
    """What became of the rows of a file.

    Attributes:
        created: New cards.
        changed: Cards that the books had, as they are now; only those on which something changed.
        joined: Numbers of cards that the exchange had made, or that had left the file, and that are a row's now.
        conflicts: SKUs that would have been carried twice.
    """

    created: tuple[Card, ...]
    changed: tuple[Card, ...]
    joined: tuple[int, ...]
    conflicts: tuple[CatalogueConflict, ...] = ()


def _whole_number(catalogue_id: str) -> int | None:
    """The number that an id is, or None; `id_key` writes 007 and 7 alike."""
    key = id_key(catalogue_id)
    number = int(key) if key is not None and key.isascii() and key.isdigit() else 0
    return number if 0 < number <= MOST_NUMBER else None


def _numbers(catalogue_ids: Sequence[str], taken: Iterable[int]) -> dict[str, int]:
    """The number of each new card: its own id when that is free, else counted on from the highest."""
    used = set(taken)
    numbers: dict[str, int] = {}
    for catalogue_id in catalogue_ids:
        number = _whole_number(catalogue_id)
        if number is not None and number not in used:
            numbers[catalogue_id] = number
            used.add(number)
    highest = max(used, default=0)
    for catalogue_id in catalogue_ids:
        if catalogue_id not in numbers:
            highest += 1
            numbers[catalogue_id] = highest
    return numbers


def _own_cards(cards: Iterable[Card]) -> dict[str, Card]:
    """The cards of the catalogue by the key of their id there."""
    return {
        key: card
        for card in cards
        if card.origin == CATALOGUE and (key := id_key(card.catalogue_id)) is not None
    }


class _Finder:
    """Cards that no row of the file has yet, by one kind of key; the lowest number first."""

    def __init__(self, keys: Iterable[tuple[str | None, int]]) -> None:
        self._numbers: dict[str, list[int]] = {}
        for key, number in keys:
            if key is not None:
                self._numbers.setdefault(key, []).append(number)

    def find(self, key: str | None, claimed: set[int]) -> list[int]:
        """Numbers of the cards with that key that nobody has claimed, lowest first."""
        found = self._numbers.get(key, ()) if key is not None else ()
        return sorted(number for number in found if number not in claimed)


def enter_partners(
    rows: Sequence[CataloguePartnerRow],
    cards: Sequence[PartnerCard],
    *,
    match_name: bool,
    default_partner: str | None,
) -> EnteredCards[PartnerCard]:
    """Decides which partner card each row is, and what stands on it.

    Args:
        rows: The rows of `partners.csv`.
        cards: All partner cards of the books.
        match_name: Whether phone and e-mail only count together with the same name (R3).
        default_partner: Name of the partner of orders without a buyer.
    """
    by_number = {card.partner_id: card for card in cards}
    own = _own_cards(cards)
    found = {
        row.catalogue_id: card.partner_id
        for row in rows
        if (card := own.get(id_key(row.catalogue_id) or "")) is not None
    }
    claimed = set(found.values())
    by_phone = _Finder((normalised_phone(card.phone), card.partner_id) for card in cards)
    by_email = _Finder((email_key(card.email), card.partner_id) for card in cards)
    default_key = name_key(default_partner)
    nameless = _Finder(
        (name_key(card.name), card.partner_id)
        for card in cards
        if not card.phone and not card.email and card.as_of_order_id is None
    )
    joined: list[int] = []
    for row in rows:
        if row.catalogue_id in found:
            continue
        candidates = [
            number
            for number in (
                *by_phone.find(normalised_phone(row.phone), claimed),
                *by_email.find(email_key(row.email), claimed),
            )
            if not match_name or name_key(by_number[number].name) == name_key(row.name)
        ]
        if not candidates and name_key(row.name) == default_key and not row.phone and not row.email:
            candidates = nameless.find(default_key, claimed)
        if candidates:
            found[row.catalogue_id] = candidates[0]
            claimed.add(candidates[0])
            joined.append(candidates[0])
    new_rows = [row for row in rows if row.catalogue_id not in found]
    numbers = _numbers([row.catalogue_id for row in new_rows], by_number)
    created = tuple(
        PartnerCard(
            numbers[row.catalogue_id],
            row.name,
            card_phone(row.phone),
            row.email,
            CATALOGUE,
            row.catalogue_id,
            None,
            None,
        )
        for row in new_rows
    )
    changed = []
    for row in rows:
        if row.catalogue_id in found:
            before = by_number[found[row.catalogue_id]]
            after = replace(
                before,
                name=row.name,
                phone=card_phone(row.phone) or before.phone,
                email=row.email or before.email,
                origin=CATALOGUE,
                catalogue_id=row.catalogue_id,
            )
            if after != before:
                changed.append(after)
    return EnteredCards(created, tuple(changed), tuple(joined))


def enter_products(
    rows: Sequence[CatalogueProductRow],
    cards: Sequence[ProductCard],
    variants: Sequence[ProductVariant],
    skus: Skus,
) -> EnteredCards[ProductCard]:
    """Decides which product card each row is, and what stands on it.

    Args:
        rows: The rows of `products.csv`; a SKU stands in it once.
        cards: All product cards of the books.
        variants: All their variants.
        skus: Forms of SKUs, and what is none.
    """
    return _ProductEntry(rows, cards, variants, skus).entered()


class _ProductEntry:
    """One file of product cards on its way into the books."""

    def __init__(
        self,
        rows: Sequence[CatalogueProductRow],
        cards: Sequence[ProductCard],
        variants: Sequence[ProductVariant],
        skus: Skus,
    ) -> None:
        self._skus = skus
        self._rows = rows
        self._cards = {card.product_id: card for card in cards}
        self._with_variants = {variant.product_id for variant in variants}
        self._variant_of = {
            key: variant for variant in variants if (key := skus.key(variant.sku)) is not None
        }
        self._carriers = _Finder((skus.key(card.sku), card.product_id) for card in cards)
        self._names = _Finder((name_key(card.name), card.product_id) for card in cards)
        self._row_of_sku = {key: row.catalogue_id for row in rows if (key := skus.key(row.sku)) is not None}
        self._conflicts: list[CatalogueConflict] = []
        own = _own_cards(cards)
        self._found = {
            row.catalogue_id: card.product_id
            for row in rows
            if (card := own.get(id_key(row.catalogue_id) or "")) is not None
        }
        self._claimed = set(self._found.values())

    def entered(self) -> EnteredCards[ProductCard]:
        """Join rows to cards, by SKU before any is joined by name, and make the rest."""
        joined = [*self._join(self._by_sku), *self._join(self._by_name)]
        new_rows = [
            row for row in self._rows if row.catalogue_id not in self._found and self._may_be_new(row)
        ]
        numbers = _numbers([row.catalogue_id for row in new_rows], self._cards)
        created = tuple(
            ProductCard(
                numbers[row.catalogue_id],
                row.name,
                row.sku,
                row.kind,
                row.unit,
                None,
                None,
                CATALOGUE,
                row.catalogue_id,
            )
            for row in new_rows
        )
        changed = []
        for row in self._rows:
            if row.catalogue_id in self._found:
                before = self._cards[self._found[row.catalogue_id]]
                after = self._followed(before, row)
                if after != before:
                    changed.append(after)
        return EnteredCards(created, tuple(changed), tuple(joined), tuple(self._conflicts))

    def _join(self, candidates_of: Callable[[CatalogueProductRow], list[int]]) -> list[int]:
        joined = []
        for row in self._rows:
            if row.catalogue_id in self._found:
                continue
            candidates = candidates_of(row)
            if candidates:
                self._found[row.catalogue_id] = candidates[0]
                self._claimed.add(candidates[0])
                joined.append(candidates[0])
        return joined

    def _by_sku(self, row: CatalogueProductRow) -> list[int]:
        return self._carriers.find(self._skus.key(row.sku), self._claimed)

    def _by_name(self, row: CatalogueProductRow) -> list[int]:
        """Cards of that name; with a SKU only one that has neither SKU nor variants (R4.3)."""
        if self._skus.key(row.sku) in self._variant_of:
            return []
        return [
            number
            for number in self._names.find(name_key(row.name), self._claimed)
            if row.sku is None
            or (self._skus.key(self._cards[number].sku) is None and number not in self._with_variants)
        ]

    def _may_be_new(self, row: CatalogueProductRow) -> bool:
        variant = self._variant_of.get(self._skus.key(row.sku) or "")
        if variant is None or row.sku is None:
            return True
        self._conflicts.append(
            CatalogueConflict(row.catalogue_id, row.sku, None, variant.variant_id, variant.product_id)
        )
        return False

    def _followed(self, card: ProductCard, row: CatalogueProductRow) -> ProductCard:
        """The card as the row says."""
        kind = row.kind if _RANK[row.kind] > _RANK[card.kind] else card.kind
        return replace(
            card,
            name=row.name,
            sku=None if kind == PRODUCT_WITH_SKU else self._sku(card, row),
            kind=kind,
            unit=row.unit or card.unit,
            origin=CATALOGUE,
            catalogue_id=row.catalogue_id,
        )

    def _sku(self, card: ProductCard, row: CatalogueProductRow) -> str | None:
        """The SKU of the row, unless another card or variant carries it; else the card's, unless the file moved it."""
        card_key = self._skus.key(card.sku)
        moved_to = self._row_of_sku.get(card_key or "")
        kept = card.sku if card_key is not None and moved_to in (None, row.catalogue_id) else None
        key = self._skus.key(row.sku)
        if key is None or row.sku is None:
            return kept
        variant = self._variant_of.get(key)
        others = [number for number in self._carriers.find(key, self._claimed) if number != card.product_id]
        if variant is not None:
            carrier: tuple[int | None, int | None] = (variant.variant_id, variant.product_id)
        elif card.product_id in self._with_variants:
            carrier = (None, None)
        elif others:
            carrier = (None, others[0])
        else:
            return row.sku
        self._conflicts.append(CatalogueConflict(row.catalogue_id, row.sku, card.product_id, *carrier))
        return kept
