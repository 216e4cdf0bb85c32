"""The settings of the demo shop's account: statuses, sources, managers, payment methods and so on.

These are the fixed records of KeyCRM's reference routes, and those that orders still refer to although they
are no longer listed. Products are in `catalogue`, buyers in `people`.
"""

from typing import Any, Final

from keycrm_pipeline.sandbox.payloads import (
    STANDARD_STATUS_KEYS,
    Payload,
    source_payload,
    status_payload,
)

_OPENED: Final = "2022-11-01T08:00:00.000000Z"
_CHANGED: Final = "2024-02-12T10:15:00.000000Z"

WAITING_IN_SHOP: Final = 21
"""A custom status of the shop: the parcel is waiting for its buyer in the shop."""
RETURNED: Final = 22
"""A custom status of the shop: the buyer refused the parcel or sent it back."""
DUPLICATE_ORDER: Final = 24
"""A status that was deleted from the account; an old automation still gives it to orders."""

STATUSES: Final[tuple[Payload, ...]] = (
    *(status_payload(status_id, key) for status_id, key in STANDARD_STATUS_KEYS.items()),
    status_payload(
        WAITING_IN_SHOP, "Чекає в магазині", alias="cekaje-v-mahazyni", group_id=4, created_at=_CHANGED
    ),
    status_payload(RETURNED, "Повернення", alias="povernennja", group_id=6, created_at=_CHANGED),
    status_payload(
        DUPLICATE_ORDER,
        "Дубль замовлення",
        alias="dubl-zamovlennja",
        group_id=6,
        is_active=False,
        deleted_at=_CHANGED,
    ),
)
"""Every status an order can have; `/order/status` lists only the active ones, so not the last."""

MAIN_SOURCE: Final = 1
PHONE_SOURCE: Final = 5
"""Phone orders: the source has no currency, so the payment's or the account's currency applies."""
EURO_SOURCE: Final = 6
"""The only source that sells in another currency."""
DELETED_SOURCE: Final = 9
"""A deleted source: orders refer to it, but it is not listed."""

SOURCES: Final[tuple[Payload, ...]] = (
    source_payload(MAIN_SOURCE, "Інтернет-магазин", alias="internet-mahazyn"),
    source_payload(2, "Prom.ua", alias="prom-ua", driver="prom", source_name="prom"),
    source_payload(3, "Rozetka", alias="rozetka", driver="rozetka", source_name="rozetka"),
    source_payload(4, "Instagram", alias="instagram", driver="instagram", source_name="instagram"),
    source_payload(
        PHONE_SOURCE, "Телефон", alias="telefon", driver="manual", source_name=None, currency_code=None
    ),
    source_payload(EURO_SOURCE, "Etsy", alias="etsy", driver="etsy", source_name="etsy", currency_code="EUR"),
)

CASH_METHOD: Final = 1
CARD_METHODS: Final = (2, 3, 4)
CASH_ON_DELIVERY_METHOD: Final = 5
"""Cash on delivery, passed on by the carrier."""
MARKETPLACE_METHOD: Final = 6
NAMELESS_METHOD: Final = 7

PAYMENT_METHODS: Final[tuple[Payload, ...]] = tuple(
    {"id": method_id, "name": name, "alias": alias, "is_active": is_active}
    for method_id, name, alias, is_active in (
        (CASH_METHOD, "Готівка", "cash", True),
        (2, "Рахунок ФОП (IBAN)", "raxunok-fop-iban", True),
        (3, "LiqPay", "liqpay", True),
        (4, "plata by mono", "plata-by-mono", True),
        (CASH_ON_DELIVERY_METHOD, "Післяплата", "pisljaplata", True),
        (MARKETPLACE_METHOD, "Пром-оплата", "prom-oplata", True),
        (NAMELESS_METHOD, None, "metod-7", False),
    )
)

NOVA_POSHTA: Final = 1
UKRPOSHTA: Final = 2
PICKUP: Final = 3

DELIVERY_SERVICES: Final[tuple[Payload, ...]] = (
    {"id": NOVA_POSHTA, "name": "Нова Пошта", "source_name": "novaposhta", "alias": "nova_posta"},
    {"id": UKRPOSHTA, "name": "Укрпошта", "source_name": "ukrposhta", "alias": "ukrposhta"},
    {"id": PICKUP, "name": "Самовивіз", "source_name": None, "alias": "samovyviz"},
)

DELIVERY_EXPENSE: Final = 1
FEE_EXPENSE: Final = 3
MARKETPLACE_EXPENSE: Final = 4
WRAPPING_EXPENSE: Final = 20
"""A kind of the shop's own."""

EXPENSE_TYPES: Final[tuple[Payload, ...]] = tuple(
    {
        "id": type_id,
        "name": name or f"dictionaries.expense_types.{alias}",
        "alias": alias,
        "is_active": True,
        "is_reserved": name is None,
        "by_order": True,
    }
    for type_id, name, alias in (
        (DELIVERY_EXPENSE, None, "delivery"),
        (2, None, "package"),
        (FEE_EXPENSE, None, "payment_fee"),
        (MARKETPLACE_EXPENSE, None, "marketplace_fee"),
        (WRAPPING_EXPENSE, "Стрічки й коробки", "strichky-i-korobky"),
    )
)
"""KeyCRM sends the names of its own types as keys for its interface to translate."""

LOYALTY_LEVELS: Final[tuple[Payload, ...]] = (
    {"name": "Друзі", "amount": 3000, "discount": 3, "level_id": 1, "loyalty_program_id": 1},
    {"name": "Родина", "amount": 10_000, "discount": 5, "level_id": 2, "loyalty_program_id": 1},
)
"""The levels of the loyalty programme as in `discount_data`; reached with that amount, worth that percentage."""

TAGS: Final[tuple[Payload, ...]] = tuple(
    {"id": tag_id, "name": name, "alias": alias, "color": color, "created_at": _OPENED, "updated_at": _OPENED}
    for tag_id, name, alias, color in (
        (1, "Постійний клієнт", "postiinyi-klijent", "#2E7D32"),
        (2, "Терміново", "terminovo", "#D32F2F"),
        (3, "Подарунок", "podarunok", "#8E24AA"),
        (4, "Оптовий", "optovyi", "#FF0000"),
        (5, "Не дзвонити", "ne-dzvonyty", "#616161"),
    )
)

PRODUCT_STATUSES: Final[tuple[Payload, ...]] = tuple(
    {
        "id": status_id,
        "name": name,
        "alias": name,
        "position": status_id,
        "is_active": True,
        "is_reserved": status_id == 1,
        "created_at": _OPENED,
        "updated_at": _OPENED,
    }
    for status_id, name in ((1, "new"), (2, "reserved"), (3, "shipped"))
)

_MANAGER_PEOPLE: Final = (
    (1, "Власниця", "Вигаденко", "vlasnytsia", "active"),
    (2, "Богдана", "Прикладенко", "bohdana", "active"),
    (3, "Тарас", "Зразченко", "taras", "active"),
    (4, "Соломія", "Пробенко", "solomiia", "active"),
    (5, "Олена", "Тестова", "olena", "active"),
    (6, "Юхим", "Небиленко", "yukhym", "blocked"),
)


def _manager(manager_id: int, first_name: str, last_name: str, username: str, status: str) -> Payload:
    return {
        "id": manager_id,
        "first_name": first_name,
        "last_name": last_name,
        "full_name": f"{first_name} {last_name}",
        "username": username,
        "email": f"{username}@shop.example",
        "phone": f"+38050001990{manager_id}",
        "role_id": 1 if manager_id == 1 else 2,
        "avatar_id": None,
        "status": status,
        "last_logged_at": _CHANGED,
        "is_ready": status == "active",
        "ready_at": None,
        "use_2fa": False,
        "created_at": _OPENED,
        "updated_at": _CHANGED,
        "deleted_at": None,
    }


MANAGERS: Final[tuple[Payload, ...]] = tuple(_manager(*person) for person in _MANAGER_PEOPLE)
"""The users of the account; the last one has left and is blocked, but older orders are still assigned to him."""

WAREHOUSES: Final[tuple[Payload, ...]] = tuple(
    {
        "id": warehouse_id,
        "name": name,
        "description": None,
        "is_active": True,
        "is_default": warehouse_id == 1,
        "address_id": None,
        "created_at": _OPENED,
        "updated_at": _OPENED,
        "deleted_at": None,
    }
    for warehouse_id, name in ((1, "Основний"), (2, "Магазин"))
)

COMPANIES: Final[tuple[Payload, ...]] = tuple(
    {
        "id": company_id,
        "name": name,
        "title": title,
        "notes": None,
        "bank_account": bank_account,
        "manager_id": None,
        "created_at": _OPENED,
        "updated_at": _OPENED,
        "custom_fields": []
        if code is None
        else [{"id": 16, "uuid": "CT_1016", "name": "ЄДРПОУ", "type": "text", "value": code}],
    }
    for company_id, name, title, bank_account, code in (
        (
            1,
            "ТОВ «Вигадка»",
            "Товариство з обмеженою відповідальністю «Вигадка»",
            "UA000000000000000000000000001",
            "00000001",
        ),
        (2, "ФОП Прикладенко", "ФОП Прикладенко Олена Іванівна", None, "0000000002"),
        (3, "ПП «Зразок»", None, "UA000000000000000000000000003", None),
    )
)


def _custom_field(
    field_id: int, uuid: str, name: str, kind: str, options: tuple[str, ...] = ()
) -> dict[str, Any]:
    model = "order" if uuid.startswith("OR_") else "crm_product"
    return {
        "id": field_id,
        "name": name,
        "uuid": uuid,
        "model": model,
        "type": kind,
        "required": False,
        "position": field_id,
        "is_multiple": False,
        "options": [{"id": field_id * 10 + place, "value": value} for place, value in enumerate(options)],
    }


CUSTOM_FIELDS: Final[tuple[Payload, ...]] = (
    _custom_field(12, "OR_1012", "Пакування", "select", ("Коробка", "Пакет", "Подарункове")),
    _custom_field(13, "OR_1013", "Дата свята", "date"),
    _custom_field(14, "CT_1014", "Матеріал", "text"),
    _custom_field(15, "CT_1015", "УКТЗЕД", "text"),
    _custom_field(16, "CT_1016", "ЄДРПОУ", "text"),
)
