"""What an order of the demo shop contains, and what its record looks like at a given moment.

This module generates lines, discounts of every kind of R6, totals, comments and addresses, and renders the
record with the payments, parcel and status of the order's lifecycle (`lifecycle`). When orders are entered is
in `days`; manual changes are in `shop`.

Money is computed in whole kopiykas, quantities in thousandths.
"""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

from keycrm_pipeline.sandbox.bank import attached_uuid
from keycrm_pipeline.sandbox.catalogue import Article, Catalogue
from keycrm_pipeline.sandbox.dictionaries import (
    CARD_METHODS,
    CASH_METHOD,
    CASH_ON_DELIVERY_METHOD,
    DELIVERY_EXPENSE,
    DELIVERY_SERVICES,
    EURO_SOURCE,
    FEE_EXPENSE,
    LOYALTY_LEVELS,
    MANAGERS,
    MARKETPLACE_EXPENSE,
    MARKETPLACE_METHOD,
    NAMELESS_METHOD,
    NOVA_POSHTA,
    PICKUP,
    STATUSES,
    TAGS,
    UKRPOSHTA,
    WAREHOUSES,
    WRAPPING_EXPENSE,
)
from keycrm_pipeline.sandbox.lifecycle import Action, Lifecycle, State, state_at
from keycrm_pipeline.sandbox.payloads import (
    LINE,
    ORDER,
    PAYMENT,
    SHIPPING,
    Payload,
    blank_timestamp,
    money,
    timestamp,
)
from keycrm_pipeline.sandbox.people import People
from keycrm_pipeline.sandbox.randomness import SeededRandom, WeightedChoice

Discount = Literal[
    "none", "line_percent", "line_amount", "loyalty", "loyalty_and_more", "amount", "percent", "percent_and_amount",
    "lines_and_amount", "lines_and_percent", "lines_and_both", "does_not_add_up",
]  # fmt: skip
"""Where an order's discount is recorded. With all but the last its total is that of its lines less its discount;
with the last it is deliberately off by at least 15 hryvnias, as if somebody had typed it."""

Fault = Literal["quantity_in_words", "line_without_name", "no_total", "total_in_words"]
"""What makes an order impossible to load (R10)."""

_DISCOUNT_CHOICE: Final = WeightedChoice[Discount](
    [
        ("none", 600),
        ("line_percent", 110),
        ("line_amount", 40),
        ("loyalty", 40),
        ("loyalty_and_more", 20),
        ("amount", 80),
        ("percent", 45),
        ("percent_and_amount", 25),
        ("lines_and_amount", 20),
        ("lines_and_percent", 8),
        ("lines_and_both", 7),
        ("does_not_add_up", 5),
    ]
)
_DISCOUNTS_OF_LINES: Final = (
    "line_percent", "line_amount", "loyalty", "loyalty_and_more", "lines_and_amount", "lines_and_percent",
    "lines_and_both",
)  # fmt: skip
_DISCOUNTS_WITH_PERCENT: Final = ("percent", "percent_and_amount", "lines_and_percent", "lines_and_both")
_FAULTS: Final[tuple[Fault, ...]] = (
    "quantity_in_words", "line_without_name", "no_total", "total_in_words",
)  # fmt: skip
_LINE_COUNT_CHOICE: Final = WeightedChoice([(1, 44), (2, 28), (3, 13), (4, 7), (5, 4), (7, 2), (12, 1)])

_HRYVNIAS_PER_EURO: Final = 45
"""The exchange rate for the source that sells in euros."""

_CITIES: Final = (
    ("Київ", "Київська", "01001"),
    ("Львів", "Львівська", "79000"),
    ("Одеса", "Одеська", "65000"),
    ("Харків", "Харківська", "61000"),
    ("Дніпро", "Дніпропетровська", "49000"),
    ("Полтава", "Полтавська", "36000"),
    ("Вінниця", "Вінницька", "21000"),
    ("Кам'янець-Подільський", "Хмельницька", "32300"),
    ("Луцьк", "Волинська", "43000"),
    ("Ужгород", "Закарпатська", "88000"),
    ("Чернівці", "Чернівецька", "58000"),
    ("Ромни", "Сумська", "42000"),
)
_FOREIGN: Final = (
    ("Польща", "PL", "Краків", "30-001", "ul. Zmyślona 4/2"),
    ("Німеччина", "DE", "Берлін", "10115", "Musterstraße 7"),
    ("Чехія", "CZ", "Прага", "110 00", "Vymyšlená 12"),
)
_STREETS: Final = ("вул. Вигадана", "вул. Казкова", "просп. Мрій", "пров. Зразковий", "вул. Лялькова")

_BUYER_COMMENTS: Final = (
    "Подзвоніть перед відправкою",
    "Не дзвонити, все вірно",
    "Подарунок, не вкладайте чек",
    "Терміново, до суботи",
    "=Без коробки, будь ласка",
    "+ листівка",
    "Колір як на фото №2\nрозмір уточню в чаті",
    "Дякую! ❤",
)
_MANAGER_COMMENTS: Final = (
    "Передзвонила, чекає на виплату",
    "Узгодили заміну кольору",
    "Клієнт просить без логотипу",
    "- знижка погоджена",
    "Перевірити оплату",
)
_ONE_OFF_NAMES: Final = (
    "Вишивка за ескізом",
    "Виготовлення за фото",
    "Листівка з підписом",
    "Індивідуальний набір",
    "Ремонт виробу",
)
_CAMPAIGNS: Final = (
    ("google", "cpc", "brand"),
    ("facebook", "paid", "autumn"),
    ("instagram", "story", "new"),
)
_LINE_IDS_PER_ORDER: Final = 100
_PAYMENT_IDS_PER_ORDER: Final = 10
"""How many ids are reserved for the lines and for the payments of each order."""
_OVERPAYMENT: Final = 1000
"""By how many kopiykas a buyer overpays."""
_MARKETPLACE_FEE_PERCENT: Final = 3
_WRAPPING_COST: Final = 1250
"""Kopiykas that the shop pays for ribbon and box."""
_MARKETPLACE_SOURCE: Final = 2
"""The source whose buyers pay through the marketplace."""
_MANAGER_LEFT_ON: Final = 540
"""The day, counted from the first, from which the last of the managers gets no more orders."""
_OLD_RECORDS_BEFORE: Final = 60
"""Orders of the days before this lack header keys that KeyCRM added later."""
_BLANK: Final[list[Any]] = []
"""An empty JSON list, which KeyCRM also writes for an empty object; shared, since it is never changed."""

_STATUS_BY_ID: Final = {status["id"]: status for status in STATUSES}
_SERVICE_BY_ID: Final = {service["id"]: service for service in DELIVERY_SERVICES}


class Facts(NamedTuple):
    """What the filters of `/order` look at. Times in UTC; None if the record has no readable value."""

    order_id: int
    ordered_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    shipped_on: datetime | None
    status_id: int | None
    source_id: int | None
    source_uuid: str | None
    payment_status: str | None
    buyer_phones: tuple[str | None, ...]
    buyer_email: str | None
    has_tracking_code: bool


class Contents(NamedTuple):
    """The parts of an order that do not change over time.

    Attributes:
        header: The header and the other parts that do not change.
        grand_total: The order's total, kopiykas.
        cost: What the shop paid for the goods, kopiykas.
        part: The first payment of scenarios with two payments, kopiykas.
        last_line: What the last line is worth in the total, kopiykas; 0 if the buyer cannot send it back alone,
            because it is the only one or because the order has a discount of its own.
        currency: The order's currency.
        method_id: The payment method of a prepayment.
        shipping: The filled fields of the shipping record, or None.
        fault: What makes the order impossible to load, or None.
        has_text_money: Whether the header's amounts are text.
        has_failed_attempt: Whether a first payment was cancelled.
        has_bank_fee: Whether the payments begin with the bank's fee, an expense.
        expense: The shop's own cost of the delivery, kopiykas; 0 for none.
        note: What the manager may write later.
    """

    header: Payload
    grand_total: int
    cost: int
    part: int
    last_line: int
    currency: str
    method_id: int
    shipping: Payload | None
    fault: Fault | None
    has_text_money: bool
    has_failed_attempt: bool
    has_bank_fee: bool
    expense: int
    note: str


class OrderBook:
    """The records of a shop's own orders."""

    def __init__(self, seed: int, catalogue: Catalogue, people: People) -> None:
        self._seed = seed
        self._catalogue = catalogue
        self._people = people
        self._contents = lru_cache(maxsize=4096)(self._make_contents)

    def facts(self, lifecycle: Lifecycle, now: datetime) -> Facts:
        """What filters look at in an order at a moment; far cheaper than its record."""
        state = state_at(lifecycle, now)
        buyer = None if lifecycle.buyer_id is None else self._people.buyer(lifecycle.buyer_id)
        shipped_on = None
        if state.shipped_at is not None and lifecycle.delivery not in ("none", "pickup"):
            shipped_on = _midnight(state.shipped_at)
        return Facts(
            order_id=lifecycle.order_id,
            ordered_at=lifecycle.ordered_at,
            created_at=lifecycle.created_at,
            updated_at=state.updated_at,
            shipped_on=shipped_on,
            status_id=state.status_id,
            source_id=lifecycle.source_id,
            source_uuid=lifecycle.source_uuid,
            payment_status=state.payment_status,
            buyer_phones=() if buyer is None else (buyer["phone"], *self._people.other_phones(buyer["id"])),
            buyer_email=None if buyer is None else buyer["email"],
            has_tracking_code=shipped_on is not None,
        )

    def record(self, lifecycle: Lifecycle, now: datetime) -> Payload:
        """The order with every include at a moment; callers must not change its parts."""
        contents = self._contents(lifecycle)
        state = state_at(lifecycle, now)
        payments = _payments(lifecycle, contents, state)
        expenses = self._expenses(lifecycle, contents, state)
        paid = sum(payment["amount"] for payment in payments if _is_received(payment))
        spent = sum(_kopiykas(expense["amount"]) for expense in expenses)
        lines: list[Payload] = contents.header["products"]
        returned, cost = 0, contents.cost
        if contents.last_line and any(event.action == "return_part" for event in state.happened):
            lines, returned = lines[:-1], contents.last_line
            cost = _amount_of(lines, "purchased_price")
        record: Payload = {
            **contents.header,
            "status_id": state.status_id,
            "status_group_id": _STATUS_BY_ID[state.status_id]["group_id"],
            "status_changed_at": timestamp(state.status_changed_at),
            "grand_total": money(contents.grand_total - returned),
            "payments_total": paid,
            "expenses_sum": money(spent),
            "margin_sum": money(contents.grand_total - returned - cost - spent),
            "payment_status": state.payment_status,
            "has_reserves": state.shipped_at is None and state.closed_at is None,
            "updated_at": timestamp(state.updated_at),
            # KeyCRM writes some closing dates in its other form.
            "closed_at": (blank_timestamp if lifecycle.order_id % 7 == 0 else timestamp)(state.closed_at),
            "status": _STATUS_BY_ID[state.status_id],
            "payments": payments,
            "expenses": expenses,
            "shipping": self._shipping(lifecycle, contents, state),
            "products": _with_reserve(lines, state),
        }
        if returned and "products_total" in record:
            record["products_total"] = money(_amount_of(lines, "price_sold"))
        if state.is_noted:
            record["manager_comment"] = contents.note
        if lifecycle.day_number < _OLD_RECORDS_BEFORE:
            del record["payments_total"]
        if contents.has_text_money:
            for key in ("grand_total", "products_total", "wrap_price", "taxes"):
                if record.get(key) is not None:
                    record[key] = f"{record[key]:.2f}"
        if contents.fault is not None and not state.is_fixed:
            _corrupt(record, contents.fault)
        return record

    def _make_contents(self, lifecycle: Lifecycle) -> Contents:
        random = SeededRandom(self._seed, "contents", lifecycle.order_id)
        is_euro = lifecycle.source_id == EURO_SOURCE
        lines = [
            self._line(random, lifecycle, place, is_euro) for place in range(_LINE_COUNT_CHOICE.draw(random))
        ]
        fields, goods_total = _discounted(random, lines)
        additions = {"shipping_price": 0, "wrap_price": 0, "taxes": 0}
        if random.happens(130):
            additions["shipping_price"] = random.choice((6000, 7500, 9000, 12050)) // (10 if is_euro else 1)
        if random.happens(45):
            additions["wrap_price"] = random.choice((3000, 4550)) // (10 if is_euro else 1)
        if random.happens(20):
            additions["taxes"] = random.between(200, 9000)
        grand_total = goods_total + sum(additions.values())
        created = timestamp(lifecycle.created_at)
        buyer = None if lifecycle.buyer_id is None else self._people.buyer(lifecycle.buyer_id)
        manager = self._manager(random, lifecycle)
        buyer_comment = random.choice(_BUYER_COMMENTS) if random.happens(220) else None
        # Old integrations fill only the older of the two keys for the buyer's comment.
        is_old_comment = random.happens(120)
        header: Payload = {
            **ORDER,
            "id": lifecycle.order_id,
            "parent_id": lifecycle.order_id - 1 if lifecycle.scenario == "duplicate" else None,
            "source_id": lifecycle.source_id,
            "source_uuid": lifecycle.source_uuid,
            "global_source_uuid": None
            if lifecycle.source_uuid is None
            else str(5_000_000 + lifecycle.order_id),
            "client_id": lifecycle.buyer_id,
            **fields,
            "shipping_price": _shipping_price(additions["shipping_price"], lifecycle),
            "wrap_price": money(additions["wrap_price"]) if additions["wrap_price"] else None,
            "taxes": money(additions["taxes"]) if additions["taxes"] else None,
            "is_gift": bool(additions["wrap_price"]),
            "gift_wrap": bool(additions["wrap_price"]),
            "gift_message": "З днем народження!" if additions["wrap_price"] and random.happens(400) else None,
            "promocode": "ОСІНЬ" if fields["discount_percent"] and random.happens(500) else None,
            "status_on_source": "new" if lifecycle.source_uuid else None,
            "manager_comment": random.choice(_MANAGER_COMMENTS) if random.happens(90) else None,
            "buyer_comment": None if is_old_comment else buyer_comment,
            "client_comment": buyer_comment,
            "ordered_at": timestamp(lifecycle.ordered_at),
            "created_at": created,
            "source_updated_at": timestamp(lifecycle.ordered_at) if lifecycle.source_uuid else None,
            "last_synced_at": blank_timestamp(lifecycle.created_at) if lifecycle.source_uuid else None,
            "warehouse": _warehouse(lifecycle),
            "buyer": buyer,
            "products": lines,
            "manager": manager,
            "assigned": _BLANK
            if manager is None
            else [{**manager, "role": {"id": manager["role_id"], "name": "manager", "alias": "manager"}}],
            "tags": random.sample(TAGS, random.between(1, 2)) if random.happens(120) else _BLANK,
            "marketing": self._marketing(random, lifecycle, created) if random.happens(250) else None,
            "custom_fields": _custom_fields(random),
        }
        if lifecycle.day_number < _OLD_RECORDS_BEFORE:
            del header["products_total"], header["total_discount"]
        method_id = random.choice(CARD_METHODS)
        if lifecycle.source_id == _MARKETPLACE_SOURCE:
            method_id = MARKETPLACE_METHOD
        elif random.happens(12):
            method_id = NAMELESS_METHOD
        return Contents(
            header=header,
            grand_total=grand_total,
            cost=_amount_of(lines, "purchased_price"),
            part=max(1, grand_total * 3 // 10),
            last_line=_worth_of_last_line(lines, goods_total),
            currency="EUR" if is_euro else "UAH",
            method_id=method_id,
            shipping=self._address(random, lifecycle),
            fault=random.choice(_FAULTS) if lifecycle.is_faulty else None,
            has_text_money=random.happens(50),
            has_failed_attempt=random.happens(40),
            has_bank_fee=random.happens(15),
            expense=random.between(5500, 12_000) if random.happens(250) else 0,
            note=random.choice(_MANAGER_COMMENTS),
        )

    def _line(self, random: SeededRandom, lifecycle: Lifecycle, place: int, is_euro: bool) -> Payload:
        """One line before any discount: an article of the catalogue, or a one-off item."""
        if random.happens(45):
            return self._one_off_line(random, lifecycle, place, is_euro)
        article = self._catalogue.article(random)
        price = article.price if not random.happens(80) else article.price * 95 // 100
        purchased_price = article.offer["purchased_price"]
        if is_euro:
            price = max(1, price // _HRYVNIAS_PER_EURO)
            purchased_price = money(_kopiykas(purchased_price) // _HRYVNIAS_PER_EURO)
        sku = article.offer["sku"]
        if sku and random.happens(12):
            sku = f" {sku.lower()} "
        elif sku and random.happens(15):
            sku = None
        return {
            **LINE,
            "id": lifecycle.order_id * _LINE_IDS_PER_ORDER + place,
            "sku": sku,
            "name": f"{article.name} (акція)" if random.happens(25) else article.name,
            "quantity": _quantity(random, article),
            "unit_type": article.unit,
            "price": money(price),
            "price_sold": money(price),
            "purchased_price": purchased_price,
            "upsale": random.happens(40),
            "properties": article.offer["properties"],
            "picture": {"thumbnail": f"https://shop.example/t/{article.offer['id']}.webp"}
            if random.happens(700)
            else _BLANK,
            "shipment_type": None if article.is_service else "warehouse",
            "warehouse": None if article.is_service else _warehouse(lifecycle),
            "offer": article.offer if article.is_linked else None,
            "created_at": timestamp(lifecycle.created_at),
            "updated_at": timestamp(lifecycle.created_at),
        }

    def _one_off_line(self, random: SeededRandom, lifecycle: Lifecycle, place: int, is_euro: bool) -> Payload:
        """A line outside the catalogue: free text, sometimes with options or with a SKU of its site."""
        price = random.between(50, 900) * 100
        if is_euro:
            price = max(1, price // _HRYVNIAS_PER_EURO)
        has_options = random.happens(300)
        return {
            **LINE,
            "id": lifecycle.order_id * _LINE_IDS_PER_ORDER + place,
            "sku": f"SITE-{random.between(1, 40):04d}" if random.happens(250) else None,
            "name": random.choice(_ONE_OFF_NAMES),
            "quantity": 1,
            "price": money(price),
            "price_sold": money(price),
            "properties": [{"name": "Колір ниток", "value": random.choice(("Золотий", "Срібний"))}]
            if has_options
            else _BLANK,
            "shipment_type": None,
            "created_at": timestamp(lifecycle.created_at),
            "updated_at": timestamp(lifecycle.created_at),
        }

    def _manager(self, random: SeededRandom, lifecycle: Lifecycle) -> Payload | None:
        """The order's manager; the last of the managers only during the shop's first year and a half."""
        if random.happens(150):
            return None
        still_here = len(MANAGERS) if lifecycle.day_number < _MANAGER_LEFT_ON else len(MANAGERS) - 1
        return MANAGERS[random.between(1, still_here - 1)]

    def _marketing(self, random: SeededRandom, lifecycle: Lifecycle, created: str | None) -> Payload:
        source, medium, campaign = random.choice(_CAMPAIGNS)
        return {
            "id": lifecycle.order_id,
            "order_id": lifecycle.order_id,
            "utm_source": source,
            "utm_medium": medium,
            "utm_campaign": campaign,
            "utm_term": None,
            "utm_content": None,
            "created_at": created,
            "updated_at": created,
        }

    def _address(self, random: SeededRandom, lifecycle: Lifecycle) -> Payload | None:
        """The fields of the shipping record that the buyer fills."""
        if lifecycle.delivery == "none":
            return None
        if lifecycle.delivery == "pickup":
            return {"delivery_service_id": PICKUP, "shipping_receive_point": "Магазин, вул. Вигадана 1"}
        if lifecycle.delivery == "abroad":
            country, code, city, postcode, street = random.choice(_FOREIGN)
            return {
                "delivery_service_id": UKRPOSHTA,
                "shipping_address_country": country,
                "shipping_address_country_code": code,
                "shipping_address_city": city,
                "shipping_address_zip": postcode,
                "shipping_receive_point": street,
                "full_address": f"{country}, {city}, {postcode}, {street}",
            }
        city, region, postcode = random.choice(_CITIES)
        filled: Payload = {
            "delivery_service_id": UKRPOSHTA if lifecycle.delivery == "ukrposhta" else NOVA_POSHTA,
            "shipping_address_city": city,
            "shipping_address_region": f"{region} обл." if random.happens(800) else None,
        }
        if lifecycle.delivery == "courier":
            place = f"{random.choice(_STREETS)} {random.between(1, 120)}, кв. {random.between(1, 200)}"
            filled["shipping_address"] = place
        elif lifecycle.delivery == "ukrposhta":
            place = f"Відділення {postcode}"
            filled["shipping_address_zip"] = postcode
        else:
            kind = "Відділення" if lifecycle.delivery == "branch" else "Поштомат"
            number = (
                random.between(1, 60) if lifecycle.delivery == "branch" else random.between(20_001, 49_999)
            )
            place = f"{kind} №{number}"
            reference = f"00000000-0000-0000-0000-{number:012d}"
            filled["is_warehouse"] = True
            filled["address_payload"] = {
                "city_ref": "00000000-0000-0000-0001-000000000001",
                "city_desc": city,
                "area_desc": region,
                "warehouse_ref": reference,
                "warehouse_desc": place,
            }
        # The receive point sometimes repeats the city; a document's address must not.
        filled["shipping_receive_point"] = place if not random.happens(30) else f"{city}, {place}"
        filled["shipping_secondary_line"] = "під'їзд 2" if random.happens(30) else None
        filled["full_address"] = f"{city}, {place}"
        if random.happens(100):
            filled["recipient_full_name"], filled["recipient_phone"] = self._people.recipient(random)
        return filled

    def _shipping(self, lifecycle: Lifecycle, contents: Contents, state: State) -> Payload | None:
        """The shipping record with the parcel's progress so far."""
        if contents.shipping is None:
            return None
        service = _SERVICE_BY_ID[contents.shipping["delivery_service_id"]]
        shipping: Payload = {
            **SHIPPING,
            **contents.shipping,
            "address_id": lifecycle.order_id,
            "delivery_service": service,
            "created_at": timestamp(lifecycle.created_at),
            "updated_at": timestamp(state.updated_at),
        }
        if state.shipped_at is None or service["id"] == PICKUP:
            return shipping
        number = (
            f"20{lifecycle.order_id:012d}" if service["id"] == NOVA_POSHTA else f"05{lifecycle.order_id:011d}"
        )
        midnight = _midnight(state.shipped_at)
        moved_at = timestamp(state.parcel_at)
        return {
            **shipping,
            "tracking_code": number,
            "return_tracking_code": f"59{lifecycle.order_id:012d}"
            if state.parcel in ("refused", "returned")
            else None,
            "tracking_code_send_at": timestamp(state.shipped_at),
            "shipping_status": state.parcel,
            "shipping_date": timestamp(midnight),
            "shipping_date_actual": timestamp(midnight),
            "was_shipped": True,
            "last_history_id": lifecycle.order_id,
            "last_history": {
                "id": lifecycle.order_id,
                "tracking_code": number,
                "status_code": state.parcel,
                "description": None,
                "shipping_status": state.parcel,
                "shipping_date": timestamp(midnight),
                "name": None,
                "index": None,
                "country": None,
                "last_office_index": None,
                "created_at": moved_at,
                "updated_at": moved_at,
            },
        }

    def _expenses(self, lifecycle: Lifecycle, contents: Contents, state: State) -> list[Payload]:
        """What the shop itself pays, known once the parcel has been shipped: delivery, marketplace, gift wrap."""
        if state.shipped_at is None:
            return []
        fee = contents.grand_total * _MARKETPLACE_FEE_PERCENT // 100
        spent = (
            (DELIVERY_EXPENSE, contents.expense, None),
            (
                MARKETPLACE_EXPENSE,
                fee if contents.method_id == MARKETPLACE_METHOD else 0,
                "Комісія за замовлення",
            ),
            (
                WRAPPING_EXPENSE,
                _WRAPPING_COST if contents.header["gift_wrap"] else 0,
                "Подарункове пакування",
            ),
        )
        shipped = timestamp(state.shipped_at)
        return [
            {
                **PAYMENT,
                "id": lifecycle.order_id * _PAYMENT_IDS_PER_ORDER + _PAYMENT_IDS_PER_ORDER - place,
                "destination_id": lifecycle.order_id,
                "amount": money(amount),
                "actual_amount": money(amount),
                "source_currency": contents.currency if type_id == MARKETPLACE_EXPENSE else "UAH",
                "actual_currency": contents.currency if type_id == MARKETPLACE_EXPENSE else "UAH",
                "is_expense": True,
                "payment_method_id": None,
                "expense_type_id": type_id,
                "description": description,
                "payment_date": shipped,
                "created_at": shipped,
                "updated_at": shipped,
            }
            for place, (type_id, amount, description) in enumerate(spent, start=1)
            if amount
        ]


class _PaymentList:
    """The payments of one order as its lifecycle proceeds."""

    def __init__(self, lifecycle: Lifecycle, contents: Contents) -> None:
        self._order_id = lifecycle.order_id
        self._currency = contents.currency
        self.records: list[Payload] = []

    def add(
        self, amount: int, method_id: int | None, status: str, at: datetime, *, is_fee: bool = False
    ) -> None:
        """Add a payment in kopiykas, or the bank's fee for one."""
        moment = timestamp(at)
        payment_id = self._order_id * _PAYMENT_IDS_PER_ORDER + len(self.records)
        self.records.append(
            {
                **PAYMENT,
                "id": payment_id,
                "destination_id": self._order_id,
                "amount": money(amount),
                "actual_amount": money(amount),
                "source_currency": self._currency,
                "actual_currency": self._currency,
                "is_expense": is_fee,
                "payment_method_id": method_id,
                "expense_type_id": FEE_EXPENSE if is_fee else None,
                "transaction_uuid": attached_uuid(payment_id, method_id) if status == "paid" else None,
                "description": "Комісія банку" if is_fee else None,
                "status": status,
                "payment_date": moment if status == "paid" else None,
                "created_at": moment,
                "updated_at": moment,
            }
        )

    def collect(self, at: datetime) -> None:
        """Mark the payments that are still due as paid."""
        for payment in self.records:
            if payment["status"] == "not_paid":
                payment["status"] = "paid"
                payment["payment_date"] = payment["updated_at"] = timestamp(at)
                payment["transaction_uuid"] = attached_uuid(payment["id"], payment["payment_method_id"])

    def return_part(self, amount: int, at: datetime) -> None:
        """Cancel what was paid and enter what is left of it, of the same day: nothing else can be changed in KeyCRM."""
        for payment in [payment for payment in self.records if _is_received(payment)]:
            rest = _kopiykas(payment["amount"]) - amount
            payment["status"] = "canceled"
            payment["updated_at"] = timestamp(at)
            self.add(rest, payment["payment_method_id"], "paid", at)
            self.records[-1].update(payment_date=payment["payment_date"], transaction_uuid=None)

    def cancel(self, at: datetime) -> None:
        """Cancel the payments, but not the expenses."""
        for payment in self.records:
            if not payment["is_expense"]:
                payment["status"] = "canceled"
                payment["updated_at"] = timestamp(at)


def _payments(lifecycle: Lifecycle, contents: Contents, state: State) -> list[Payload]:
    """The order's payments so far: made, due or cancelled."""
    payments = _PaymentList(lifecycle, contents)
    # No carrier brings cash home from abroad: buyers there transfer it.
    on_receipt = CASH_ON_DELIVERY_METHOD if contents.currency == "UAH" else CARD_METHODS[0]
    if lifecycle.scenario in ("collected", "refused"):
        payments.add(contents.grand_total, on_receipt, "not_paid", lifecycle.created_at)
    elif contents.has_bank_fee:
        payments.add(150, None, "paid", lifecycle.created_at, is_fee=True)
    elif contents.has_failed_attempt and lifecycle.scenario in ("prepaid", "overpaid"):
        payments.add(contents.grand_total, CARD_METHODS[0], "canceled", lifecycle.created_at)
    paid_by: dict[Action | None, tuple[int, int]] = {
        "pay_all": (contents.grand_total, contents.method_id),
        "pay_more": (contents.grand_total + _OVERPAYMENT, contents.method_id),
        "pay_part": (contents.part, contents.method_id),
        "pay_cash": (contents.grand_total, CASH_METHOD),
    }
    for event in state.happened:
        if event.action in paid_by:
            payments.add(*paid_by[event.action], "paid", event.at)
        elif event.action == "ship" and lifecycle.scenario in ("part_paid", "produced"):
            payments.add(contents.grand_total - contents.part, on_receipt, "not_paid", event.at)
        elif event.action == "collect":
            payments.collect(event.at)
        elif event.action == "return_part" and contents.last_line:
            payments.return_part(contents.last_line, event.at)
        elif event.action in ("cancel", "refuse", "refund"):
            payments.cancel(event.at)
    return payments.records


def _warehouse(lifecycle: Lifecycle) -> Payload:
    """What is picked up leaves from the shop, everything else from the main warehouse."""
    return WAREHOUSES[lifecycle.delivery == "pickup"]


def _with_reserve(lines: list[Payload], state: State) -> list[Payload]:
    """The lines with the state of their reserves: goods are reserved until they leave or the order is closed."""
    if state.status_id == 1:
        return lines
    is_fulfilled = state.shipped_at is not None or _STATUS_BY_ID[state.status_id]["group_id"] == 5
    reserve = "fulfilled" if is_fulfilled else None if state.closed_at else "reserved"
    return [{**line, "stock_status": reserve} if line.get("warehouse") else line for line in lines]


def _midnight(moment: datetime) -> datetime:
    """The day of a moment as KeyCRM writes shipping dates: at midnight UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _is_received(payment: Payload) -> bool:
    """Whether a payment is money received from the buyer."""
    return payment["status"] == "paid" and not payment["is_expense"]


def _quantity(random: SeededRandom, article: Article) -> Any:
    """Pieces, or kilograms and metres with up to three decimals."""
    if article.unit is None:
        return 1 if random.happens(780) else random.between(2, 6)
    thousandths = random.between(2, 30) * 125
    return money(thousandths // 10) if thousandths % 10 == 0 else Decimal(thousandths) / 1000


def _thousandths(quantity: Any) -> int:
    return int(quantity * 1000)


def _kopiykas(amount: Any) -> int:
    return int(amount * 100)


def _amount_of(lines: list[Payload], key: str) -> int:
    """The sum of a price of the lines x their quantity in kopiykas, rounded half up once, as KeyCRM does it."""
    return (sum(_kopiykas(line[key]) * _thousandths(line["quantity"]) for line in lines) + 500) // 1000


def _worth_of_last_line(lines: list[Payload], goods_total: int) -> int:
    """What the goods cost less without the last line; 0 if it is the only one, or the order has its own discount."""
    if len(lines) == 1 or _amount_of(lines, "price_sold") != goods_total:
        return 0
    return goods_total - _amount_of(lines[:-1], "price_sold")


def _shipping_price(amount: int, lifecycle: Lifecycle) -> str | None:
    """What the buyer pays for the delivery, in kopiykas, as KeyCRM writes it: as text, or null.

    Sites send a delivery that costs nothing as well.
    """
    return f"{money(amount):.2f}" if amount or lifecycle.source_uuid else None


def _discount_line(line: Payload, *, percent: int = 0, loyalty: int = 0, amount: int = 0) -> None:
    """Set the price of a line after its own discounts, of a unit each: two percentages and kopiykas.

    KeyCRM stores whole kopiykas per unit, so the percentages are only approximate.
    """
    price = _kopiykas(line["price"])
    price_sold = price - (price * (percent + loyalty) + 50) // 100 - amount
    line["price_sold"] = money(price_sold)
    line["discount_percent"] = percent
    line["loyalty_discount"] = loyalty
    line["discount_amount"] = money(amount)
    line["total_discount"] = money(price - price_sold)


def _discount_lines(random: SeededRandom, lines: list[Payload], kind: Discount, loyalty: int) -> None:
    """Lower the prices of lines for this kind of discount; `loyalty` is the percentage of the buyer's level."""
    percent = random.choice((3, 5, 7, 10, 15, 20))
    for line in lines:
        price = _kopiykas(line["price"])
        if kind == "line_amount":
            _discount_line(line, amount=min(price // 2, random.choice((500, 1000, 2550))))
        elif kind == "loyalty":
            _discount_line(line, loyalty=loyalty)
        elif kind == "loyalty_and_more":
            # Managers round what the percentages leave to tens of kopiykas.
            rest = price - (price * (percent + loyalty) + 50) // 100
            _discount_line(line, percent=percent, loyalty=loyalty, amount=rest % 10)
        elif len(lines) == 1 or random.happens(600):
            _discount_line(line, percent=percent)


def _discounted(random: SeededRandom, lines: list[Payload]) -> tuple[Payload, int]:
    """Apply a random kind of discount, lowering the prices of lines if that kind does.

    Returns:
        The discount fields of the header, and the total of the goods after the discount, kopiykas.
    """
    kind = _DISCOUNT_CHOICE.draw(random)
    level = random.choice(LOYALTY_LEVELS)
    if kind in _DISCOUNTS_OF_LINES:
        _discount_lines(random, lines, kind, level["discount"])
    sold_sum = _amount_of(lines, "price_sold")
    percent, amount, unexplained = 0, 0, 0
    # Small differences, up to a kopiyka per line, would add up without a discount as well.
    is_large_enough = sold_sum >= 2000 * len(lines)
    if kind in ("amount", "lines_and_amount") and is_large_enough:
        amount = max(100 * len(lines), sold_sum * random.between(3, 15) // 10_000 * 100)
    elif kind in _DISCOUNTS_WITH_PERCENT and is_large_enough:
        percent = random.choice((5, 7, 10, 12, 15))
        if kind in ("percent_and_amount", "lines_and_both"):
            # Managers round what the percentage leaves to whole hryvnias.
            amount = (sold_sum - (sold_sum * percent + 50) // 100) % 100
    elif kind == "does_not_add_up":
        unexplained = -random.between(1500, 9000) if sold_sum > 20_000 else random.between(1500, 9000)
    discount = (sold_sum * percent + 50) // 100 + amount
    # What was never filled is null, what was emptied again is 0, and an empty object is an empty list.
    nothing, no_object = random.choice(((0, _BLANK), (None, None)))
    fields: Payload = {
        "discount_percent": percent or nothing,
        "discount_amount": money(amount) if amount else nothing,
        # KeyCRM counts the lines' own discounts in neither of them.
        "products_total": money(sold_sum),
        "total_discount": money(discount),
        "discount_data": {"loyalty": level} if kind in ("loyalty", "loyalty_and_more") else no_object,
    }
    return fields, sold_sum - discount + unexplained


def _custom_fields(random: SeededRandom) -> list[Payload]:
    if not random.happens(140):
        return _BLANK
    if random.happens(600):
        value: Any = [random.choice(("Коробка", "Пакет", "Подарункове"))]
        return [{"id": 12, "uuid": "OR_1012", "name": "Пакування", "type": "select", "value": value}]
    return [{"id": 13, "uuid": "OR_1013", "name": "Дата свята", "type": "date", "value": "2026-12-25"}]


def _corrupt(record: Payload, fault: Fault) -> None:
    """Make a record impossible to load (R10); changes a copy of the line, since records share their parts."""
    if fault == "no_total":
        record["grand_total"] = None
    elif fault == "total_in_words":
        record["grand_total"] = "за домовленістю"
    else:
        changed = {"quantity": "два"} if fault == "quantity_in_words" else {"name": None}
        record["products"] = [{**record["products"][0], **changed}, *record["products"][1:]]
