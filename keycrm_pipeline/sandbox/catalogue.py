"""The goods and services of the demo shop: 300 products of every kind that R5 distinguishes.

The kinds: plain products with and without SKU; products whose variants all have SKUs, have none, share one,
or of which only some have one; services in the service category and below it; goods sold by weight and length;
archived products; products of the same name; and two products that were deleted from the catalogue: lines still
show the offers of one, and of the other no offer. Order lines are made from an `Article` in `orders`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import product as combinations
from typing import Final, Literal

from keycrm_pipeline.sandbox.payloads import (
    OFFER,
    Payload,
    category_payload,
    money,
    product_payload,
)
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

SERVICE_CATEGORY: Final = 7
"""The root category of services; its descendants are 10 and 11."""

CATEGORIES: Final[tuple[Payload, ...]] = (
    category_payload(1, "Одяг"),
    category_payload(2, "Футболки", 1),
    category_payload(3, "Худі та світшоти", 1),
    category_payload(4, "Шкарпетки", 1),
    category_payload(5, "Дім"),
    category_payload(6, "Посуд", 5),
    category_payload(SERVICE_CATEGORY, "Послуги"),
    category_payload(8, "Текстиль", 5),
    category_payload(9, "Рушники", 8),
    category_payload(10, "Нанесення", SERVICE_CATEGORY),
    category_payload(11, "Вишивка", 10),
    category_payload(12, "Смаколики"),
    category_payload(13, "Кава", 12),
    category_payload(14, "Чай", 12),
    category_payload(15, "Тканини"),
    category_payload(16, "Подарунки"),
)

Skus = Literal["own", "none", "shared", "partly"]
"""Which offers have a SKU: each its own, none, one SKU for all variants, or only some of them."""


@dataclass(frozen=True, slots=True)
class Article:
    """Something an order line can sell: one offer with the name of its product.

    Attributes:
        name: The product's name in the catalogue.
        offer: The offer as it appears in a line; must not be changed.
        price: The list price, kopiykas per unit.
        unit: The unit the goods are sold in, None for pieces.
        is_service: Whether its category is the root category of services or below it.
        is_linked: Whether lines still show the offer, although its product may have been deleted.
    """

    name: str
    offer: Payload
    price: int
    unit: str | None
    is_service: bool
    is_linked: bool = True


@dataclass(frozen=True, slots=True)
class _AssortmentRow:
    """A row of the assortment: `count` products of one kind, named noun + series; prices in hryvnias."""

    category_id: int | None
    nouns: tuple[str, ...]
    code: str
    count: int
    lowest_price: int
    highest_price: int
    skus: Skus = "own"
    has_variants: bool = False
    unit: str | None = None


_SERIES: Final = (
    "«Карпати»", "«Дніпро»", "«Полонина»", "«Світанок»", "«Мрія»", "«Калина»", "«Веселка»", "«Хвиля»",
    "«Затишок»", "«Барвінок»", "«Сойка»", "«Лелека»", "«Обрій»", "«Жнива»", "«Мальва»", "«Соняшник»",
    "«Тиша»", "«Криниця»", "«Бурштин»", "«П'ять зірок»",
)  # fmt: skip

_ASSORTMENT: Final = (
    _AssortmentRow(2, ("Футболка", "Лонгслів"), "TS", 25, 390, 890, "own", True),
    _AssortmentRow(3, ("Худі",), "HD", 20, 1190, 2490, "own", True),
    _AssortmentRow(4, ("Шкарпетки",), "SK", 14, 79, 149, "none", True),
    _AssortmentRow(2, ("Майка",), "MK", 14, 290, 490, "shared", True),
    _AssortmentRow(3, ("Світшот",), "SW", 14, 990, 1890, "partly", True),
    _AssortmentRow(6, ("Чашка", "Тарілка", "Миска"), "CP", 60, 149, 690),
    _AssortmentRow(9, ("Рушник",), "RS", 20, 199, 749),
    _AssortmentRow(8, ("Плед", "Наволочка"), "TX", 25, 349, 1899),
    _AssortmentRow(13, ("Кава в зернах",), "CF", 15, 560, 990, unit="кг"),
    _AssortmentRow(14, ("Чай",), "TE", 15, 89, 259),
    _AssortmentRow(15, ("Льон",), "LN", 20, 210, 480, unit="м"),
    _AssortmentRow(16, ("Листівка", "Свічка"), "GF", 25, 25, 420),
    _AssortmentRow(16, ("Брелок",), "BR", 8, 60, 180, "none"),
    _AssortmentRow(SERVICE_CATEGORY, ("Подарункове пакування",), "SV", 6, 40, 150),
    _AssortmentRow(10, ("Друк на виробі",), "PR", 5, 120, 400, "none"),
    _AssortmentRow(11, ("Вишивка імені",), "EM", 4, 150, 350),
    _AssortmentRow(11, ("Вишивка монограми",), "EV", 1, 180, 260, "own", True),
    _AssortmentRow(None, ("Дрібничка",), "00", 5, 15, 95),
)
"""Every fifth product gets a price with odd kopiykas later, so that there is something to round."""

_EQUAL_NAMES: Final = (
    ("Набір майстра", "SET-001"),
    ("Набір майстра", "SET-002"),
    ("Сюрприз-бокс", None),
    ("Сюрприз-бокс", None),
)
"""Two pairs of products of the same name: one pair with different SKUs, one without any."""

_COLORS: Final = (("Червоний", "RED"), ("Синій", "BLU"), ("Чорний", "BLK"), ("Молочний", "MLK"))
_SIZES: Final = ("S", "M", "L", "XL")

_FIRST_PRODUCT: Final = 1001
_PRODUCT_STEP: Final = 3
_FIRST_OFFER: Final = 3001
_OFFER_STEP: Final = 2
_ARCHIVED_EVERY: Final = 25
_DELETED_PRODUCTS: Final = 2
_ODD_KOPIYKAS_EVERY: Final = 5

_CUSTOMS: Final = [
    {"id": 15, "uuid": "CT_1015", "name": "УКТЗЕД", "type": "text", "value": "6912 00 29 90"},
]
"""A custom field that some products have; shared, since it is never changed."""


class Catalogue:
    """The catalogue of one shop.

    Args:
        seed: The shop's seed; it determines prices, stock and barcodes, but not the kinds of products.

    Attributes:
        products: Product id -> record as in `/products`; 300 of them.
        offers: Offer id -> record as in `/offers` without `product`.
        articles: What lines can sell, including the offers of the two deleted products.
    """

    def __init__(self, seed: int) -> None:
        self._random = SeededRandom(seed, "catalogue")
        self._next_product = _FIRST_PRODUCT
        self._next_offer = _FIRST_OFFER
        self.products: dict[int, Payload] = {}
        self.offers: dict[int, Payload] = {}
        self.articles: list[Article] = []
        weights: list[tuple[Article, int]] = []
        for product, offers, articles in self._all_products():
            self.products[product["id"]] = product
            self.offers.update((offer["id"], offer) for offer in offers)
            weight = 2 if product["is_archived"] else 24
            weights += [(article, max(1, weight // len(articles))) for article in articles]
            self.articles += articles
        for product_id in list(self.products)[-_DELETED_PRODUCTS:]:
            del self.products[product_id]
            self.offers = {
                offer_id: offer
                for offer_id, offer in self.offers.items()
                if offer["product_id"] != product_id
            }
        self._article_choice = WeightedChoice(weights)

    def article(self, random: SeededRandom) -> Article:
        """A random article; archived products are rare, all others equally likely, whatever their variants."""
        return self._article_choice.draw(random)

    def _all_products(self) -> Iterator[tuple[Payload, list[Payload], list[Article]]]:
        """Every product with its offers and articles, the deleted products last."""
        for row in _ASSORTMENT:
            names = combinations(_SERIES, row.nouns)
            for place, (series, noun) in zip(range(row.count), names, strict=False):
                yield self._product(row, f"{noun} {series}", f"{row.code}-{place + 1:03d}")
        for name, sku in _EQUAL_NAMES:
            row = _AssortmentRow(16, (), "", 1, 450, 990, "own" if sku else "none")
            yield self._product(row, name, sku or "")
        yield self._product(
            _AssortmentRow(3, (), "", 1, 1290, 1690, "own", True), "Кардиган «Спомин»", "KD-900"
        )
        product, offers, articles = self._product(
            _AssortmentRow(6, (), "", 1, 240, 240), "Глечик «Спомин»", "GL-900"
        )
        yield product, offers, [replace(article, is_linked=False) for article in articles]

    def _product(
        self, row: _AssortmentRow, name: str, sku: str
    ) -> tuple[Payload, list[Payload], list[Article]]:
        random = self._random
        product_id = self._next_product
        number = (product_id - _FIRST_PRODUCT) // _PRODUCT_STEP
        self._next_product += _PRODUCT_STEP
        price = random.between(row.lowest_price, row.highest_price) * 100
        if number % _ODD_KOPIYKAS_EVERY == 0:
            price -= random.choice((1, 5, 33, 67))
        is_archived = number % _ARCHIVED_EVERY == _ARCHIVED_EVERY - 1
        offers = [
            self._offer(product_id, offer_sku, properties, price, is_archived)
            for offer_sku, properties in self._variants(row, sku)
        ]
        product = product_payload(
            product_id,
            name,
            description=f"{name}. Зроблено в нашій майстерні.",
            unit_type=row.unit,
            quantity=sum(offer["quantity"] for offer in offers),
            in_reserve=sum(offer["in_reserve"] for offer in offers),
            has_offers=row.has_variants,
            is_archived=is_archived,
            category_id=row.category_id,
            custom_fields=_CUSTOMS if number % 3 == 0 else [],
            sku=offers[0]["sku"],
            barcode=offers[0]["barcode"],
            price=money(price),
            purchased_price=offers[0]["purchased_price"],
            min_price=money(price),
            max_price=money(price),
            weight=offers[0]["weight"],
        )
        is_service = row.category_id in (SERVICE_CATEGORY, 10, 11)
        return product, offers, [Article(name, offer, price, row.unit, is_service) for offer in offers]

    def _variants(self, row: _AssortmentRow, sku: str) -> list[tuple[str | None, list[Payload]]]:
        """SKU and properties of each offer; a plain product has one offer without properties."""
        if not row.has_variants:
            return [(None if row.skus == "none" else sku, [])]
        variants: list[tuple[str | None, list[Payload]]] = []
        chosen = combinations(self._random.sample(_COLORS, 2), self._random.sample(_SIZES, 3))
        for place, ((color, color_code), size) in enumerate(chosen):
            own = f"{sku}-{color_code}-{size}"
            given = {"own": own, "none": None, "shared": sku, "partly": own if place % 2 else ""}[row.skus]
            variants.append((given, [{"name": "Колір", "value": color}, {"name": "Розмір", "value": size}]))
        return variants

    def _offer(
        self, product_id: int, sku: str | None, properties: list[Payload], price: int, is_archived: bool
    ) -> Payload:
        random = self._random
        offer_id = self._next_offer
        self._next_offer += _OFFER_STEP
        return {
            **OFFER,
            "id": offer_id,
            "product_id": product_id,
            "sku": sku,
            "barcode": f"482{random.between(0, 9_999_999_999):010d}" if random.happens(400) else None,
            "price": money(price),
            "purchased_price": money(price * random.between(40, 65) // 100),
            "quantity": random.between(0, 80),
            "in_reserve": random.between(0, 4),
            "weight": Decimal(random.between(1, 15)) / 10 if random.happens(500) else None,
            "properties": properties,
            "is_default": not properties,
            "is_archived": is_archived,
        }
