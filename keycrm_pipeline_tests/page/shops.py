"""The shops that the page shows in tests: a small one whose figures are worked out by hand, and a hostile one.

Both come through a real load. What is not here: how they are served (`site`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from keycrm_pipeline_tests.payloads import (
    line_payload,
    offer_payload,
    payment_payload,
)
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, kyiv, make_books, person
from keycrm_pipeline_tests.pipeline.compared_shop import bank

SETTINGS: dict[str, Any] = {
    "accounts": {2: "IBAN ФОП"},
    "organisations": {"ФОП Коваленко О. П.": {"accounts": ["IBAN ФОП"]}, "ФОП Інший": {"default": True}},
    "keycrm_url": "https://shop.keycrm.example",
    "managers": {1: "olena"},
    "statuses": {"stages": {1: "Нове", 12: "Закрито"}},
}


def write_profile(books: Books, **settings: object) -> None:
    """The profile's file, as the page reads it."""
    content = {
        "base_url": books.profile.base_url,
        "start_date": books.profile.start_date,
        "default_partner": books.profile.default_partner,
        "service_categories": list(books.profile.service_categories),
        **SETTINGS,
        **settings,
    }
    path = books.settings.profiles_directory / f"{books.profile.name}.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), "utf-8")


IN_ENGLISH: dict[str, Any] = {
    "language": "en",
    "accounts": {2: "IBAN"},
    "organisations": {"First Ltd": {"accounts": ["IBAN"]}, "Second Ltd": {"default": True}},
    "statuses": {"stages": {1: "New", 12: "Closed"}},
    "author": "Exchange operator",
    "default_partner": "Retail buyer",
    "delivery_service": "Carriage",
    "account": "Main account",
}
"""Settings of the small shop when it is kept in English."""


def small_shop(directory: Path, *, in_english: bool = False) -> Books:
    """Four orders of 2 and 3 March, and a fifth that is rejected.

    501: two lines of 200 and 100 hryvnias with 10 % off the order, 30 hryvnias: 20 and 10; paid 270 by method 2.
    502: one line of 100 hryvnias, another buyer, a waybill. 503: its total is 5 hryvnias more than its line.
    504: the buyer of 501 again, on 3 March. 505 has no readable total. 501 belongs to ФОП Коваленко, the others not.

    Args:
        directory: Where its files are.
        in_english: Whether its profile is English, and all that was typed in KeyCRM is in Latin letters.
    """
    settings = {**SETTINGS, **IN_ENGLISH} if in_english else SETTINGS
    books = make_books(directory, **settings)
    olena = person(1, "Олена Тестова", "+380501112233")
    ivan = person(2, "Іван Зразковий", "+380674445566")
    books.order(
        501,
        buyer=olena,
        lines=[
            line_payload(name="Чашка", sku="CUP-1", price=100, quantity=2),
            line_payload(name="Ложка", sku="SPOON-9", price=100, quantity=1),
        ],
        discount_percent=10,
        payments=[payment_payload(71, 270)],
        source_uuid="ROZ-77",
        manager_id=1,
        buyer_comment="Подзвоніть",
    )
    books.order(502, buyer=ivan, status_id=12, shipping={"tracking_code": "20450000000001"})
    books.order(503, buyer=ivan, grand_total=105)
    books.order(504, kyiv(2026, 3, 3), buyer=olena)
    books.order(505, grand_total="скільки завгодно")
    if in_english:
        books.shop.spell_in_latin()
    books.load(MARCH_2, kyiv(2026, 3, 3).date())
    write_profile(books, **settings)
    return books


ATTACKS = (
    "<script>window.hacked=1</script>",
    "\"><img src=x onerror='window.hacked=1'>",
    "' onmouseover='window.hacked=1",
    "javascript:window.hacked=1",
    "{{ 7 * 7 }}</textarea></select><svg onload=window.hacked=1>",
)


def hostile_shop(directory: Path) -> Books:
    """One order for each attack, in which every text that a person can type into KeyCRM is that attack."""
    settings: dict[str, Any] = {
        "source_number_in_comment": True,
        "reconciliation": {"external_transactions": True, "gateways": {1: "IBAN ФОП"}},
    }
    books = make_books(directory, **SETTINGS, **settings)
    shop = books.shop
    for number, attack in enumerate(ATTACKS, start=1):
        bank(books, 800 + number, 50 + number, moment="2026-03-02", uuid=attack, description=attack)
        shop.add_status({"id": 200 + number, "name": attack, "alias": attack, "group_id": 1})
        shop.add_source({"id": 200 + number, "name": attack, "driver": "site", "currency_code": "UAH"})
        offer = offer_payload(
            300 + number,
            400 + number,
            sku=f"S{number}{attack}",
            barcode=attack,
            properties=[{"name": attack, "value": attack}],
        )
        books.order(
            600 + number,
            buyer=person(100 + number, attack, f"+38050000000{number}", email=f"{number}@x.example{attack}"),
            lines=[line_payload(name=f"{attack} {number}", offer=offer, unit_type=attack)],
            status_id=200 + number,
            source_id=200 + number,
            source_uuid=attack,
            buyer_comment=attack,
            manager_comment=attack,
            payments=[payment_payload(700 + number, 50)],
            shipping={
                "tracking_code": attack,
                "shipping_address_city": attack,
                "shipping_receive_point": attack,
                "recipient_full_name": attack,
                "recipient_phone": attack,
                "delivery_service": {"id": 1, "name": attack},
            },
        )
        books.order(650 + number, grand_total=attack)
    books.load(MARCH_2)
    # A second buyer with the phone of the first, and the same article on another product: the review list quotes both.
    books.order(691, buyer=person(191, f"{ATTACKS[0]} інша", "+380500000001"))
    books.load(MARCH_2)
    write_profile(books, **settings)
    directory.joinpath("broken.yaml").write_text(
        yaml.safe_dump({"start_date": ATTACKS[0], ATTACKS[1]: ATTACKS[2]}, allow_unicode=True), "utf-8"
    )
    for folder, name in (
        ("reports", "shop_2026-03-01_2026-03-31.html"),
        ("exports", "shop_2026-03-01_2026-03-31.csv"),
    ):
        (directory / folder).mkdir()
        (directory / folder / name).write_text("<h1>Звіт</h1>", "utf-8")
    (directory / "exports" / 'shop_2026-03-01_2026-03-31_"><img src=x onerror=alert(1)>.csv').write_text(
        "x", "utf-8"
    )
    return books
