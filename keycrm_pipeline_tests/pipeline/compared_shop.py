"""A shop whose payments are compared with money (R15): one of everything, with and without money, by bank and carrier.

What is not here: what the tests expect.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from keycrm_pipeline.period import Period
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, person

BANK = "IBAN ФОП"
NOVA = "Розрахунки з НоваПей"
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
COLUMNS = {
    "date": "Дата",
    "sum": "Сума",
    "fee": "Комісія",
    "order": "Замовлення",
    "waybill": "ЕН",
    "text": "Призначення",
}
HEADER = "Дата;Сума;Комісія;Замовлення;ЕН;Призначення"
REGISTER = "\n".join(
    (
        HEADER,
        "03.03.2026;250,00;12,50;;20450000000503;",
        "04.03.2026;390,00;20,00;504;;",
        "12.03.2026;60,00;0;999;;Хтось",
        "12.03.2026;-15,00;0;;;Послуги",
        "Разом;685,00;32,50;;;",
    )
)
SETTINGS: dict[str, Any] = {
    "payment_methods": {
        2: {"account": BANK, "kind": "transfer"},
        5: {"account": NOVA, "kind": "cash_on_delivery"},
        1: {"account": "Каса магазину", "kind": "cash"},
    },
    "reconciliation": {
        "external_transactions": True,
        "gateways": {1: BANK},
        "since": "2026-03-02",
        "registers": {"novapay": {"account": NOVA, "columns": COLUMNS}},
    },
}


def put(books: Books, name: str, content: str | bytes) -> None:
    """Lays a register where the exchange looks for it."""
    directory = books.directory / "shop" / "registers"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(content.encode() if isinstance(content, str) else content)


def bank(books: Books, number: int, amount: Any, moment: str = "2026-03-03", **more: Any) -> None:
    """Money that a gateway brought to KeyCRM."""
    row = {
        "id": number,
        "uuid": f"u-{number}",
        "gateway_id": 1,
        "amount": amount,
        "currency": "UAH",
        "description": "Зарахування",
        "transaction_date": f"{moment}T10:00:00.000000Z",
        "is_attached": False,
        "created_at": f"{moment}T10:05:00.000000Z",
    }
    books.shop.add_record("external_transactions", row | more)


def order(books: Books, order_id: int, amount: Any, method: int, **more: Any) -> None:
    """An order of 2 March that was paid on that day, in hryvnias unless told otherwise."""
    payment = {
        "actual_currency": more.pop("actual_currency", "UAH"),
        "payment_method_id": method,
        "payment_date": "2026-03-02T12:00:00.000000Z",
        "transaction_uuid": more.pop("transaction_uuid", None),
    }
    books.order(
        order_id,
        buyer=person(order_id, more.pop("name", "Олена Тестова")),
        lines=[{"price": amount}],
        payments=[payment_payload(order_id * 10, amount, **payment)],
        **more,
    )


def fill(books: Books) -> None:
    """Puts the orders and the money into KeyCRM, and the register beside the profile.

    501 has 500 hryvnias by bank, attached; 502 has 300 and no money; 503 has 250 by the carrier, less a fee of 12.50;
    504 has 400, of which 390 came; 505 is named in the text of 180, 506 by its buyer in that of 95; 507 is 77 in cash.
    33 at the bank and 60 and minus 15 at the carrier belong to nobody.
    """
    order(books, 501, 500, 2, transaction_uuid="u-1")
    bank(books, 1, "500.00", is_attached=True)
    order(books, 502, 300, 2)
    order(books, 503, 250, 5, shipping={"tracking_code": "2045 0000000503"})
    order(books, 504, 400, 5)
    order(books, 505, 180, 2, source_uuid="№15050")
    bank(books, 2, 180, description="Оплата замовлення 15050 від 02.03.2026")
    order(books, 506, 95, 2, name="Марія Вигадана")
    bank(books, 3, 95, description="Оплата за товар, ВИГАДАНА МАРІЯ")
    order(books, 507, 77, 1)
    bank(books, 9, 33, "2026-03-10", description="Повернення позики")
    put(books, "novapay-march.csv", REGISTER)
