"""Which product card an order line belongs to, of which kind it is, and its variants (R4, R5, R12).

`ProductCards` meets the distinct kinds of order lines of a load one after the other, because each may make
the card that the next one finds. It knows only what it is given; looking cards up, asking KeyCRM's catalogue,
storing, and the times of change belong to the packages above. Quantities and money of lines are not known
here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from keycrm_pipeline.accounting.names import Skus, name_key, names_disagree, tidied
from keycrm_pipeline.accounting.origins import CATALOGUE, KEYCRM
from keycrm_pipeline.kinds import PRODUCT, PRODUCT_WITH_SKU, SERVICE


@dataclass(frozen=True, slots=True)
class ProductCard:
    """One product card.

    Attributes:
        product_id: The card's own number; it never changes.
        name: The name; a line met later never changes it.
        sku: The article as typed; None when it has none, and always on a card made here that has variants.
        kind: `product`, `product_with_sku` or `service`.
        unit: Unit of measure; None for pieces.
        category_id: Category in KeyCRM, when known.
        category_name: Its name.
        origin: `keycrm` or `catalogue`.
        catalogue_id: The card's id in the accounting system's own file, when it came from there.
    """

    product_id: int
    name: str
    sku: str | None
    kind: str
    unit: str | None
    category_id: int | None
    category_name: str | None
    origin: str
    catalogue_id: str | None


@dataclass(frozen=True, slots=True)
class ProductVariant:
    """One variant of a card.

    Attributes:
        variant_id: The variant's own number; it never changes.
        product_id: The card.
        sku: The article as typed; None for an offer that has none.
        barcode: The barcode.
        characteristics: The options, `Колір: Червоний; Розмір: M`.
        offer_id: The offer of KeyCRM's catalogue, when one is known.
    """

    variant_id: int
    product_id: int
    sku: str | None
    barcode: str | None
    characteristics: str | None
    offer_id: int | None


Carrier = TypeVar("Carrier", ProductCard, ProductVariant)
"""What carries a SKU."""


@dataclass(frozen=True, slots=True)
class ProductLink:
    """Which card, and which variant of it, an offer of KeyCRM belongs to.

    Attributes:
        offer_id: KeyCRM's offer id.
        crm_product_id: KeyCRM's product id, when known.
        product_id: The card; once linked, the offer stays with it.
        variant_id: The variant; None when the card has none.
    """

    offer_id: int
    crm_product_id: int | None
    product_id: int
    variant_id: int | None


@dataclass(frozen=True, slots=True)
class SoldItem:
    """One distinct kind of order line: all lines whose fields are equal share one.

    Attributes:
        key: What the caller knows it by.
        sku: The line's SKU as typed, else the offer's.
        name: Name as sold.
        unit: Unit of measure; None for pieces.
        offer_id: The offer; None for a one-off line.
        offer_sku: The offer's own SKU as the order carries it.
        offer_barcode: The offer's barcode.
        crm_product_id: The offer's product.
        characteristics: The chosen options.
        has_properties: Whether the line has options.
    """

    key: str
    sku: str | None
    name: str
    unit: str | None
    offer_id: int | None
    offer_sku: str | None
    offer_barcode: str | None
    crm_product_id: int | None
    characteristics: str | None
    has_properties: bool


@dataclass(frozen=True, slots=True)
class CatalogueOffer:
    """One offer (sellable variant) of KeyCRM's catalogue."""

    offer_id: int
    sku: str | None
    barcode: str | None
    characteristics: str | None


@dataclass(frozen=True, slots=True)
class CatalogueProduct:
    """One product of KeyCRM's catalogue.

    Attributes:
        crm_product_id: KeyCRM's product id.
        name: Its name.
        unit: Unit of measure; None for pieces.
        has_offers: Whether it has variants.
        category_id: Its category.
        offers: All its offers. A plain product has one, which need not be known.
        sku: The article of a plain product; one with variants has none of its own.
    """

    crm_product_id: int
    name: str | None
    unit: str | None
    has_offers: bool
    category_id: int | None
    offers: tuple[CatalogueOffer, ...]
    sku: str | None = None

    def offer(self, offer_id: int | None) -> CatalogueOffer | None:
        """Return the offer with that id, or None."""
        return next((offer for offer in self.offers if offer.offer_id == offer_id), None)

    def variant_skus(self, skus: Skus) -> list[str | None]:
        """Return the SKUs of its variants as they are compared, None for one without; empty without variants."""
        return [skus.key(offer.sku) for offer in self.offers] if self.has_offers else []


@dataclass(frozen=True, slots=True)
class Category:
    """One category of KeyCRM's catalogue; `parent_id` is None at the root."""

    category_id: int
    name: str | None
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class SharedSku:
    """A product of KeyCRM whose SKU led to the card of another one although its name is another (R4.1).

    Attributes:
        product_id: The card.
        crm_product_id: The product.
        sku: The SKU as typed.
        name: The product's name.
    """

    product_id: int
    crm_product_id: int
    sku: str
    name: str


def needs_catalogue(item: SoldItem, known: Mapping[int, CatalogueProduct], skus: Skus) -> bool:
    """Tell whether KeyCRM must be asked for the item's product (R5).

    It must when the product is not known, or the item's offer is none of those known, or its SKU is another
    one than the order carries: then the product has changed since it was asked. The SKU compared is the
    offer's own, which KeyCRM gives as it is now, and the line's only when the offer has none. A plain product
    whose offer is not listed is compared by its own SKU, and has changed when the line has options.
    """
    if item.offer_id is None or item.crm_product_id is None:
        return False
    product = known.get(item.crm_product_id)
    if product is None:
        return True
    sold_key = skus.key(item.offer_sku) or skus.key(item.sku)
    if not product.has_offers and not product.offers:
        return item.has_properties or sold_key != skus.key(product.sku)
    offer = product.offer(item.offer_id)
    return offer is None or sold_key != skus.key(offer.sku)


class ProductCards:
    """Finds or makes the card and variant of each kind of order line (R4), and keeps kinds up to date (R5).

    **Which card** (R4): (1) the one whose SKU, or whose variant's SKU, is the item's; (2) the one its offer,
    then its product, was linked to before; (3) one of the same name; (4) a new one. In step 3 the name on the
    line is tried first, then the product's name in KeyCRM's catalogue, because that is what a card is called.

    Where the rules leave something open:

    - A SKU is carried by one card or variant only. The one SKU that all variants of a product share is its
      card's; one of a product whose variants only partly have SKUs, or share some of them, is never put on its
      card: its lines find the card by their links.
    - A placeholder is no SKU. A card or variant on which one stands, from before it counted as one, loses it when
      it is met; what is linked to it stays there.
    - An offer once linked stays with its card. When its SKU changes, the line's SKU is looked for first as
      always; if nothing carries it, a card with variants gets a further one. Its link then shows the variant
      with the SKU that the offer has in KeyCRM's catalogue now.
    - The link of another offer of the same product does not count when that card carries an article of its
      own, another one than the item's, and cannot become a card with variants: each variant of the product is
      a card of its own in the books then, and this one is not among them.
    - An offer without a SKU that belongs to a card with variants becomes a variant without a SKU, known by
      its offer.
    - A card found by its link that has no SKU receives the one that its product has got since.

    **Kinds only move up** (R5), product -> product_with_sku -> service, and keep the card's id:

    - A card of a product whose variants have all got SKUs is promoted when a line of it is met; its own SKU
      goes to the variant of the offer that carried it, or, when they all did, to one that is no offer's. Without
      knowledge of the catalogue a line alone promotes a card only when it brings a second article, or a first
      variant by name.
    - A card becomes a service when its product's category is one.
    - Neither happens to a card that another product of KeyCRM is linked to as well, nor to cards from the
      catalogue: these keep their kind, also when a variant is put on them, and only get empty fields filled.

    Variants follow the barcode and options in KeyCRM's catalogue; a card made by the exchange follows its
    product's category. Both keep what they have when KeyCRM has nothing.

    The register must be given every card that can be met (by SKU, link or name), with *all* its variants and
    links.

    An ambiguous name is reported when a line is given its card by name. Later the offer's link decides and
    nothing is reported; it stands as long as several cards have that name and one of them has a line without SKU.

    A shared SKU is reported when it brings a product of KeyCRM to the card of another one whose name is another. It
    joins the card then, so nothing is reported again; it stands as long as the two names disagree.

    Attributes:
        promoted: Cards that became `product_with_sku`, in order.
        became_services: Cards that became `service`, in order.
    """

    def __init__(
        self,
        cards: Iterable[ProductCard],
        variants: Iterable[ProductVariant],
        links: Iterable[ProductLink],
        *,
        catalogue: Mapping[int, CatalogueProduct],
        categories: Mapping[int, Category],
        service_categories: Collection[int],
        next_product_id: int,
        next_variant_id: int,
        skus: Skus | None = None,
    ) -> None:
        """Take over what the books and KeyCRM's catalogue have.

        Nine parameters, since cards are found without a database: everything known is passed in.

        Args:
            cards: The cards that can be met.
            variants: All their variants.
            links: All their links.
            catalogue: KeyCRM's products by id, as far as known.
            categories: KeyCRM's categories by id.
            service_categories: Categories whose products, and those of whose descendants, are services.
            next_product_id: Id of the first card to be made.
            next_variant_id: Id of the first variant to be made.
            skus: Forms that are worked out already, and what is no SKU; without it, everything typed is one.
        """
        self._skus = skus or Skus()
        self.promoted: list[int] = []
        self.became_services: list[int] = []
        self._ambiguous_names: set[str] = set()
        self._catalogue = catalogue
        self._categories = categories
        self._service_categories = frozenset(service_categories)
        self._next_product_id = next_product_id
        self._next_variant_id = next_variant_id
        self._given_cards = {card.product_id: card for card in cards}
        self._given_variants = {variant.variant_id: variant for variant in variants}
        self._given_links = {link.offer_id: link for link in links}
        self._cards = {key: self._without_placeholder(card) for key, card in self._given_cards.items()}
        self._variants = {key: self._without_placeholder(one) for key, one in self._given_variants.items()}
        self._links = dict(self._given_links)
        self._lines: dict[str, _Line] = {}
        self._shared_skus: dict[tuple[int, int], SharedSku] = {}
        self._by_name: dict[str, list[int]] = {}
        self._by_sku: dict[str, tuple[int, int | None]] = {}
        self._variants_of: dict[int, list[int]] = {}
        self._products_of: dict[int, set[int]] = {}
        self._cards_of: dict[int, set[int]] = {}
        # By ascending id, so that of two cards given with one SKU the older one has it.
        for product_id in sorted(self._cards):
            self._enter_card(self._cards[product_id])
        for variant_id in sorted(self._variants):
            self._enter_variant(self._variants[variant_id])
        for link in self._links.values():
            self._enter_link(link)

    def meet_all(self, items: Iterable[SoldItem]) -> dict[str, tuple[int, int | None]]:
        """Return card and variant of every item by its key; meeting the same items again changes nothing.

        An item can change what an earlier one finds: a promotion moves the card's SKU to a variant, a new
        card carries a SKU that an earlier line had without a card carrying it. So the items are met again
        until nothing moves, which is once in nearly every load. It ends, because SKUs stay where they are,
        links stay with their cards and kinds only move up. An item that nothing identifies would get a new
        card each time; a bad record must stop a load in words, and never make it run for ever.

        Args:
            items: In the order in which they appear: one order's lines, then orders by `(ordered_at,
                order_id)`.

        Raises:
            ValueError: An item has neither name nor SKU nor offer; validation keeps such lines out (R10).
        """
        distinct = list(items)
        for item in distinct:
            line = self._line(item)
            if not (line.names or line.key or item.offer_id is not None):
                raise ValueError(
                    f"Item {item.key} has no name, no SKU and no offer: no card can be found for it."
                )
        found = {item.key: self.meet(item) for item in distinct}
        while True:
            before = (dict(self._cards), dict(self._variants), dict(self._links))
            again = {item.key: self.meet(item) for item in distinct}
            if again == found and before == (self._cards, self._variants, self._links):
                return found
            found = again

    def meet(self, item: SoldItem) -> tuple[int, int | None]:
        """Return the ids of the item's card and of its variant; find, make, link and update them (R4, R5).

        Returns:
            Product id, and variant id or None. An item met later may change it; see `meet_all`.
        """
        line = self._line(item)
        product_id, by_name = self._found(line)
        if product_id is None:
            product_id = self._new_card(line)
        elif by_name or (line.product is not None and self._belongs_to(product_id, line)):
            self._give_sku(product_id, line)
        self._raise_kind(product_id, line, by_name)
        self._follow_category(product_id, line)
        variant_id = self._variant_of(product_id, line, by_name)
        if variant_id is not None:
            self._follow_offer(variant_id, line)
        self._link(line, product_id, variant_id)
        return product_id, variant_id

    def meet_delivery(self, name: str) -> int:
        """Return the id of the service card of paid delivery (R7); find or make it.

        A service of that name is taken first, then any card of that name: one that the exchange made becomes
        a service, one from the catalogue stays what it is. The lowest id counts.

        Args:
            name: The profile's `delivery_service`, not blank.
        """
        named = sorted(self._by_name.get(name_key(name) or "", ()))
        services = [product_id for product_id in named if self._cards[product_id].kind == SERVICE]
        if named:
            product_id = (services or named)[0]
            if self._cards[product_id].origin != CATALOGUE:
                self._become_service(product_id)
            return product_id
        return self._put_new_card(tidied(name) or name, None, SERVICE, None)

    @property
    def ambiguous_names(self) -> dict[str, tuple[int, ...]]:
        """Names by which a line without SKU was given one of several cards.

        The name as it is compared, and the ids of all cards that carry it now, lowest first; the first one
        was taken. Cards made after that line count, too: the same load a second time finds them.
        """
        return {name: tuple(sorted(self._by_name.get(name, ()))) for name in sorted(self._ambiguous_names)}

    @property
    def shared_skus(self) -> list[SharedSku]:
        """Products of KeyCRM that a SKU brought to the card of another one with another name; each pair once."""
        return list(self._shared_skus.values())

    @property
    def created_cards(self) -> dict[int, ProductCard]:
        """The cards made, as they are now, by id."""
        return {key: card for key, card in self._cards.items() if key not in self._given_cards}

    @property
    def updated_cards(self) -> dict[int, ProductCard]:
        """The given cards on which something else stands now, by id."""
        return {key: self._cards[key] for key, card in self._given_cards.items() if self._cards[key] != card}

    @property
    def created_variants(self) -> dict[int, ProductVariant]:
        """The variants made, as they are now, by id."""
        return {key: variant for key, variant in self._variants.items() if key not in self._given_variants}

    @property
    def updated_variants(self) -> dict[int, ProductVariant]:
        """The given variants on which something else stands now, by id."""
        return {
            key: self._variants[key]
            for key, variant in self._given_variants.items()
            if self._variants[key] != variant
        }

    @property
    def new_links(self) -> list[ProductLink]:
        """The links made or completed; at most one an offer."""
        return [link for key, link in self._links.items() if self._given_links.get(key) != link]

    # What is known of the item

    def _without_placeholder(self, carrier: Carrier) -> Carrier:
        """Return a card or variant without the SKU on it that is none."""
        if carrier.sku is None or self._skus.key(carrier.sku) is not None:
            return carrier
        return replace(carrier, sku=None)

    def _line(self, item: SoldItem) -> _Line:
        """Return what the rules ask of an item; it depends on nothing that an item met before could change."""
        line = self._lines.get(item.key)
        if line is None:
            line = self._lines[item.key] = self._new_line(item)
        return line

    def _new_line(self, item: SoldItem) -> _Line:
        """Put together what the rules ask of an item."""
        skus = self._skus
        product = None
        if item.offer_id is not None and item.crm_product_id is not None:
            product = self._catalogue.get(item.crm_product_id)
        offer = product.offer(item.offer_id) if product is not None else None
        known_sku = None
        if offer is not None:
            known_sku = offer.sku
        elif product is not None and not product.has_offers:
            known_sku = product.sku
        sku = next((sku for sku in (item.sku, item.offer_sku, known_sku) if skus.key(sku)), None)
        key = skus.key(sku)
        if skus.key(known_sku) == key:
            # The catalogue's spelling of the same SKU is the one to put on a card.
            sku = known_sku
        variant_skus = product.variant_skus(skus) if product is not None else []
        kind = self._kind(item, product, variant_skus, has_sku=key is not None)
        has_variants = product is not None and product.has_offers
        is_shared = len(variant_skus) > 1 and set(variant_skus) == {key}
        names = (name_key(item.name), name_key(product.name) if product is not None else None)
        return _Line(
            item=item,
            product=product,
            offer=offer,
            sku=skus.tidied(sku),
            key=key,
            sku_is_the_cards=kind != PRODUCT_WITH_SKU and (not has_variants or is_shared),
            name=(tidied(product.name) if product is not None else None) or tidied(item.name) or item.name,
            names=tuple(dict.fromkeys(name for name in names if name is not None)),
            kind=kind,
        )

    def _kind(
        self,
        item: SoldItem,
        product: CatalogueProduct | None,
        variant_skus: Sequence[str | None],
        *,
        has_sku: bool,
    ) -> str:
        """Return the kind of the item's product (R5)."""
        if product is not None:
            if self._is_service(product.category_id):
                return SERVICE
            all_different = len(set(variant_skus)) == len(variant_skus)
            is_with_sku = bool(variant_skus) and None not in variant_skus and all_different
            return PRODUCT_WITH_SKU if is_with_sku else PRODUCT
        if item.offer_id is not None and item.has_properties and has_sku:
            return PRODUCT_WITH_SKU
        return PRODUCT

    def _is_service(self, category_id: int | None) -> bool:
        """Tell whether the category or an ancestor of it is one of services (R5)."""
        seen: set[int] = set()
        while category_id is not None and category_id not in seen:
            if category_id in self._service_categories:
                return True
            # KeyCRM's tree has no circles, but nothing in its answers proves it.
            seen.add(category_id)
            category = self._categories.get(category_id)
            category_id = category.parent_id if category is not None else None
        return False

    # R4: which card

    def _found(self, line: _Line) -> tuple[int | None, bool]:
        """Return the item's card, and whether only its name led to it (R4, steps 1 to 3)."""
        if line.key is not None and line.key in self._by_sku:
            product_id = self._by_sku[line.key][0]
            self._report_shared_sku(product_id, line)
            return product_id, False
        link = self._links.get(line.item.offer_id) if line.item.offer_id is not None else None
        if link is not None:
            return link.product_id, False
        linked_id = self._found_by_product(line)
        if linked_id is not None:
            return linked_id, False
        return self._found_by_name(line), True

    def _report_shared_sku(self, product_id: int, line: _Line) -> None:
        """Report that the item's SKU led to the card of another product of KeyCRM, when the names disagree."""
        owners = self._products_of.get(product_id)
        crm_product_id = line.item.crm_product_id
        if not owners or crm_product_id is None or crm_product_id in owners or line.sku is None:
            return
        if names_disagree(self._cards[product_id].name, line.name):
            found = SharedSku(product_id, crm_product_id, line.sku, line.name)
            self._shared_skus.setdefault((product_id, crm_product_id), found)

    def _found_by_product(self, line: _Line) -> int | None:
        """Return the card to which another offer of the item's product was linked (R4, step 2)."""
        if line.item.crm_product_id is None:
            return None
        linked = sorted(self._cards_of.get(line.item.crm_product_id, ()))
        return next(
            (product_id for product_id in linked if not self._is_another_article(product_id, line)), None
        )

    def _is_another_article(self, product_id: int, line: _Line) -> bool:
        """Tell whether the card is that of one other variant of the item's product, and must stay so."""
        card = self._cards[product_id]
        return (
            line.kind == PRODUCT_WITH_SKU
            and line.key is not None
            and card.sku is not None
            and not self._may_be_promoted(card, line)
        )

    def _found_by_name(self, line: _Line) -> int | None:
        """Return a card of the item's name (R4, step 3), and report an ambiguous one."""
        for name in line.names:
            named = sorted(self._by_name.get(name, ()))
            if line.key is not None:
                named = [product_id for product_id in named if self._is_blank(product_id)]
            elif len(named) > 1:
                self._ambiguous_names.add(name)
            if named:
                return named[0]
        return None

    def _is_blank(self, product_id: int) -> bool:
        """Tell whether the card has neither a SKU nor variants."""
        return self._cards[product_id].sku is None and not self._variants_of.get(product_id)

    def _new_card(self, line: _Line) -> int:
        """Make the item's card (R4, step 4)."""
        return self._put_new_card(
            line.name,
            line.sku if line.sku_is_the_cards else None,
            line.kind,
            line.product.unit if line.product is not None else line.item.unit,
        )

    def _put_new_card(self, name: str, sku: str | None, kind: str, unit: str | None) -> int:
        """Make a card with the next id."""
        product_id = self._next_product_id
        self._next_product_id += 1
        self._cards[product_id] = ProductCard(product_id, name, sku, kind, unit, None, None, KEYCRM, None)
        self._enter_card(self._cards[product_id])
        return product_id

    def _give_sku(self, product_id: int, line: _Line) -> None:
        """Put the item's SKU, which nothing carries, on a card that has none and can have one."""
        card = self._cards[product_id]
        if (
            line.key is not None
            and line.key not in self._by_sku
            and line.sku_is_the_cards
            and card.kind != PRODUCT_WITH_SKU
            and self._is_blank(product_id)
        ):
            self._cards[product_id] = replace(card, sku=line.sku)
            self._by_sku[line.key] = (product_id, None)

    def _link(self, line: _Line, product_id: int, variant_id: int | None) -> None:
        """Link the item's offer to its card, or complete the link it has with that card."""
        item = line.item
        if item.offer_id is None:
            return
        link = self._links.get(item.offer_id)
        if link is None:
            self._enter_link(ProductLink(item.offer_id, item.crm_product_id, product_id, variant_id))
        elif link.product_id == product_id:
            present_key = self._skus.key(line.offer.sku) if line.offer is not None else None
            carrier = self._by_sku.get(present_key) if present_key is not None else None
            if carrier is not None and carrier[0] == product_id and carrier[1] is not None:
                variant_id = carrier[1]
            else:
                variant_id = link.variant_id or variant_id
            self._enter_link(
                replace(
                    link, variant_id=variant_id, crm_product_id=link.crm_product_id or item.crm_product_id
                )
            )

    # R5: kinds and variants

    def _belongs_to(self, product_id: int, line: _Line) -> bool:
        """Tell whether no other product of KeyCRM is linked to the card."""
        return self._products_of.get(product_id, set()) <= {line.item.crm_product_id}

    def _may_be_promoted(self, card: ProductCard, line: _Line) -> bool:
        """Tell whether a card may become one with variants for the item's sake."""
        return card.origin != CATALOGUE and card.kind == PRODUCT and self._belongs_to(card.product_id, line)

    def _raise_kind(self, product_id: int, line: _Line, by_name: bool) -> None:
        """Move the card's kind up where the item's product demands it."""
        card = self._cards[product_id]
        if line.kind == SERVICE:
            if card.origin != CATALOGUE and self._belongs_to(product_id, line):
                self._become_service(product_id)
        elif line.kind == PRODUCT_WITH_SKU and card.origin != CATALOGUE and card.kind == PRODUCT:
            receives_variant = by_name and line.key is not None
            is_its_own = self._belongs_to(product_id, line)
            if receives_variant or (
                is_its_own and (line.product is not None or self._is_second_article(card, line))
            ):
                self._promote(product_id, line)

    def _is_second_article(self, card: ProductCard, line: _Line) -> bool:
        """Tell whether a new offer brings another article than the card carries: its product has variants."""
        return (
            card.sku is not None
            and line.key != self._skus.key(card.sku)
            and line.item.offer_id not in self._links
        )

    def _become_service(self, product_id: int) -> None:
        """Make the card a service."""
        card = self._cards[product_id]
        if card.kind != SERVICE:
            self._cards[product_id] = replace(card, kind=SERVICE)
            self.became_services.append(product_id)

    def _promote(self, product_id: int, line: _Line) -> None:
        """Make the card one with variants; its own SKU goes to the variant of the offer that carried it."""
        card = self._cards[product_id]
        self._cards[product_id] = replace(card, kind=PRODUCT_WITH_SKU, sku=None)
        self.promoted.append(product_id)
        own_key = self._skus.key(card.sku)
        if own_key is None or self._by_sku.get(own_key) != (product_id, None):
            return
        del self._by_sku[own_key]
        offers = line.product.offers if line.product is not None else ()
        offer = next((offer for offer in offers if self._skus.key(offer.sku) == own_key), None)
        linked = [link for link in self._links.values() if link.product_id == product_id]
        offer_id = offer.offer_id if offer is not None else None
        if offer_id is None and len(linked) == 1:
            # The offer has another SKU now, or is gone; it is still the one that had this.
            offer_id = linked[0].offer_id
        variant_id = self._new_variant(product_id, card.sku, offer_id)
        if offer is not None:
            self._variants[variant_id] = replace(
                self._variants[variant_id], barcode=offer.barcode, characteristics=offer.characteristics
            )
        for link in linked:
            if link.offer_id == offer_id:
                self._enter_link(replace(link, variant_id=variant_id))

    def _takes_variants(self, product_id: int, line: _Line, by_name: bool) -> bool:
        """Tell whether offers of the card are variants of it."""
        card = self._cards[product_id]
        if card.kind == SERVICE:
            return False
        if card.kind == PRODUCT_WITH_SKU or self._variants_of.get(product_id):
            return True
        # A card from the catalogue keeps its kind; an empty one still receives the variants of its product.
        return (
            card.origin == CATALOGUE
            and card.sku is None
            and line.kind == PRODUCT_WITH_SKU
            and (by_name or line.product is not None)
        )

    def _variant_of(self, product_id: int, line: _Line, by_name: bool) -> int | None:
        """Return the item's variant of the card; find it by SKU, then by offer, or make it."""
        if line.key is not None and line.key in self._by_sku:
            return self._by_sku[line.key][1]
        offer_id = line.item.offer_id
        link = self._links.get(offer_id) if offer_id is not None else None
        if (
            line.key is None
            and link is not None
            and link.product_id == product_id
            and link.variant_id is not None
        ):
            return link.variant_id
        if not self._takes_variants(product_id, line, by_name) or (line.key is None and offer_id is None):
            return None
        for variant_id in self._variants_of.get(product_id, ()) if offer_id is not None else ():
            variant = self._variants[variant_id]
            if variant.offer_id == offer_id and (variant.sku is None or line.key is None):
                if variant.sku is None and line.key is not None:
                    self._variants[variant_id] = replace(variant, sku=line.sku)
                    self._by_sku[line.key] = (product_id, variant_id)
                return variant_id
        return self._new_variant(product_id, line.sku, offer_id)

    def _new_variant(self, product_id: int, sku: str | None, offer_id: int | None) -> int:
        """Make a variant with the next id."""
        variant_id = self._next_variant_id
        self._next_variant_id += 1
        self._variants[variant_id] = ProductVariant(variant_id, product_id, sku, None, None, offer_id)
        self._enter_variant(self._variants[variant_id])
        return variant_id

    def _follow_offer(self, variant_id: int, line: _Line) -> None:
        """Bring barcode and options up to date: from KeyCRM's catalogue, else kept, else from the line."""
        variant = self._variants[variant_id]
        item, offer = line.item, line.offer
        if variant.offer_id is None and (offer is None or self._skus.key(offer.sku) in (None, line.key)):
            # An offer with another SKU by now is not what the variant is: its offers once shared its SKU.
            variant = replace(variant, offer_id=item.offer_id)
        if variant.offer_id == item.offer_id:
            barcode = offer.barcode if offer is not None else None
            characteristics = offer.characteristics if offer is not None else None
            variant = replace(
                variant,
                barcode=barcode or variant.barcode or item.offer_barcode,
                characteristics=characteristics or variant.characteristics or item.characteristics,
            )
        self._variants[variant_id] = variant

    def _follow_category(self, product_id: int, line: _Line) -> None:
        """Bring the card's category up to date, or fill it where the card is not the product's alone."""
        card, product = self._cards[product_id], line.product
        if product is None or product.category_id is None:
            return
        follows = card.origin != CATALOGUE and self._belongs_to(product_id, line)
        if card.category_id is not None and not follows:
            return
        category = self._categories.get(product.category_id)
        name = category.name if category is not None else None
        if name is None and card.category_id == product.category_id:
            name = card.category_name
        self._cards[product_id] = replace(card, category_id=product.category_id, category_name=name)

    # What is found by what

    def _enter_card(self, card: ProductCard) -> None:
        """Let a card be found by its SKU and name."""
        key, name = self._skus.key(card.sku), name_key(card.name)
        if key is not None:
            self._by_sku.setdefault(key, (card.product_id, None))
        if name is not None:
            self._by_name.setdefault(name, []).append(card.product_id)

    def _enter_variant(self, variant: ProductVariant) -> None:
        """Let a variant be found by its SKU and card."""
        key = self._skus.key(variant.sku)
        if key is not None:
            self._by_sku.setdefault(key, (variant.product_id, variant.variant_id))
        self._variants_of.setdefault(variant.product_id, []).append(variant.variant_id)

    def _enter_link(self, link: ProductLink) -> None:
        """Keep a link, and let its card be found by the product."""
        self._links[link.offer_id] = link
        if link.crm_product_id is not None:
            self._cards_of.setdefault(link.crm_product_id, set()).add(link.product_id)
            self._products_of.setdefault(link.product_id, set()).add(link.crm_product_id)


@dataclass(frozen=True, slots=True)
class _Line:
    """What the rules ask of an item.

    Attributes:
        item: The item.
        product: Its product in KeyCRM's catalogue, when known.
        offer: Its offer there, when known.
        sku: The SKU that counts: the line's, else the offer's.
        key: That SKU as it is compared.
        sku_is_the_cards: Whether the SKU may stand on a card (R5): not when the product has variants, unless they all
            share it.
        name: What its product is called: in KeyCRM's catalogue, else on the line.
        names: The names by which a card is looked for, as they are compared.
        kind: The kind of the item's product (R5).
    """

    item: SoldItem
    product: CatalogueProduct | None
    offer: CatalogueOffer | None
    sku: str | None
    key: str | None
    sku_is_the_cards: bool
    name: str
    names: tuple[str, ...]
    kind: str
