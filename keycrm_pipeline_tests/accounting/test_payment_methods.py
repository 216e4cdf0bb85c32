"""What kind the name of a payment method suggests: a proposal, so nothing is proposed in doubt."""

from __future__ import annotations

import pytest

from keycrm_pipeline.accounting.payment_methods import proposed_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Готівка", "cash"),
        ("Наличные", "cash"),
        ("Безготівковий розрахунок", "transfer"),
        ("Рахунок ФОП (IBAN)", "transfer"),
        ("Переказ на картку", "transfer"),
        ("Карткою на сайті", "card"),
        ("LiqPay", "card"),
        ("plata by mono", "card"),
        ("Післяплата Нова пошта", "cash_on_delivery"),
        ("Накладений платіж", "cash_on_delivery"),
        ("Наложенный платёж", "cash_on_delivery"),
        ("Готівка при отриманні", "cash_on_delivery"),
        ("COD", "cash_on_delivery"),
        ("Пром-оплата", "marketplace"),
        ("Оплата Rozetka", "marketplace"),
        ("Picodi", None),
        ("Монобанк", None),
        ("Бонуси", None),
        ("", None),
    ],
)
def test_the_kind_that_a_name_suggests(name: str, kind: str | None) -> None:
    assert proposed_kind(name) == kind
