"""Units in the codes of the Ukrainian classifier КСПОВО."""

from __future__ import annotations

import pytest

from keycrm_pipeline.exports.unit_codes import unit_code


@pytest.mark.parametrize(
    ("typed", "code", "name"),
    [
        ("шт", "2009", "Штука"),
        ("Шт.", "2009", "Штука"),
        ("пара", "1617", "Пара"),
        ("уп.", "2102", "Паковання"),
        ("пак", "2110", "Пакунок"),
        ("компл.", "2938", "Комплект"),
        ("к-т", "2938", "Комплект"),
        ("набір", "2123", "Набір"),
        ("кг", "0301", "Кілограм"),
        ("г", "0303", "Грам"),
        ("т", "0306", "Тонна"),
        ("л", "0138", "Літр"),
        ("мл", "0144", "Мілілітр"),
        ("м", "0101", "Метр"),
        ("пог. м", "2702", "Погонний метр"),
        ("см", "0104", "Сантиметр"),
        ("м²", "0123", "Квадратний метр"),
        ("кв. м", "0123", "Квадратний метр"),
        ("м3", "0134", "Кубічний метр"),
        ("год", "0175", "Година"),
    ],
)
def test_units_have_the_codes_of_the_classifier(typed: str, code: str, name: str) -> None:
    """BAS finds a unit by its code in КСПОВО, however people spell its sign."""
    known = unit_code(typed)
    assert known is not None
    assert (known.code, known.name) == (code, name)


@pytest.mark.parametrize("typed", ["", " ", "відро", "м4", "2009"])
def test_what_the_classifier_does_not_have_here_has_no_code(typed: str) -> None:
    """A wrong code would book the goods in another unit."""
    assert unit_code(typed) is None
