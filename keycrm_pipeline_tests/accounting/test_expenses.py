"""Names of the kinds of expenses, as KeyCRM sends them and as people read them."""

from __future__ import annotations

import pytest

from keycrm_pipeline.accounting.expenses import expense_type_name


@pytest.mark.parametrize(
    ("name", "alias", "shown"),
    [
        ("dictionaries.expense_types.delivery", "delivery", "Доставка"),
        ("dictionaries.expense_types.courier_delivery", "courier_delivery", "Кур’єрська доставка"),
        ("dictionaries.expense_types.employee_bonus", "employee_bonus", "Бонус працівникові"),
        ("dictionaries.expense_types.package", "package", "Пакування"),
        ("dictionaries.expense_types.payment_fee", "payment_fee", "Комісія за оплату"),
        ("dictionaries.expense_types.marketplace_fee", "marketplace_fee", "Комісія маркетплейсу"),
        # A key that is not known yet, and a name that somebody has given.
        ("dictionaries.expense_types.customs", "customs", "customs"),
        ("Логістика", "delivery", "Логістика"),
        (None, "package", "Пакування"),
        (None, "taksi", "taksi"),
        (None, None, "Вид витрати 7"),
    ],
)
def test_kinds_have_names_that_people_read(name: str | None, alias: str | None, shown: str) -> None:
    """Of KeyCRM's own kinds the key, until somebody has renamed them."""
    assert expense_type_name(7, name, alias) == shown
