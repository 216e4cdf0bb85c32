"""Units of measure in the Ukrainian classifier КСПОВО (ДК 011-96), by which BAS and 1C find a unit.

What is not here: how a file writes them, and the units of other systems.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_IGNORED = re.compile(r"[\s.\-]+")
_POWERS = str.maketrans({"²": "2", "³": "3"})


@dataclass(frozen=True)
class UnitCode:
    """One unit of the classifier.

    Attributes:
        code: Its four digits, such as `2009`.
        name: Its full name, such as `Штука`.
    """

    code: str
    name: str


# Code, full name, and what people type for it; blanks, full stops and hyphens make no difference.
_CLASSIFIER = (
    ("2009", "Штука", "шт штука штуки штук"),
    ("2431", "Одиниця", "од одиниця"),
    ("1617", "Пара", "пара пари пар"),
    ("2938", "Комплект", "компл комплект кт"),
    ("2123", "Набір", "набір наб"),
    ("2102", "Паковання", "уп упак упаковка паков паковання"),
    ("2110", "Пакунок", "пак пакунок"),
    ("2112", "Пачка", "пач пачка"),
    ("2052", "Коробка", "кор коробка"),
    ("2075", "Ящик", "ящ ящик"),
    ("2060", "Мішок", "міш мішок"),
    ("2061", "Пляшка", "пляш пляшка"),
    ("2039", "Банка", "банк банка"),
    ("2070", "Флакон", "флак флакон"),
    ("2120", "Тюбик", "тюб тюбик"),
    ("2116", "Рулон", "рул рулон"),
    ("2082", "Бобіна", "боб бобіна"),
    ("2084", "Бухта", "бухт бухта"),
    ("2122", "Моток", "мот моток"),
    ("1603", "Котушка", "котуш котушка"),
    ("1716", "Аркуш", "арк аркуш"),
    ("1754", "Примірник", "прим примірник"),
    ("2907", "Блок", "блок"),
    ("2136", "Дюжина", "дюжина"),
    ("3011", "Порція", "порц порція"),
    ("0301", "Кілограм", "кг кілограм"),
    ("0303", "Грам", "г гр грам"),
    ("0304", "Міліграм", "мг міліграм"),
    ("0306", "Тонна", "т тонна"),
    ("0138", "Літр", "л літр"),
    ("0144", "Мілілітр", "мл мілілітр"),
    ("0101", "Метр", "м метр"),
    ("2702", "Погонний метр", "погм пм мп мпог"),
    ("0104", "Сантиметр", "см сантиметр"),
    ("0105", "Міліметр", "мм міліметр"),
    ("0123", "Квадратний метр", "м2 квм мкв"),
    ("0126", "Квадратний сантиметр", "см2 квсм"),
    ("0134", "Кубічний метр", "м3 кубм мкуб"),
    ("0175", "Година", "год година"),
    ("0174", "Доба", "доб доба"),
    ("0171", "Місяць", "міс місяць"),
)

_BY_SIGN = {sign: UnitCode(code, name) for code, name, signs in _CLASSIFIER for sign in signs.split()}


def unit_code(unit: str) -> UnitCode | None:
    """The classifier's unit for what a person typed (`шт`, `Уп.`, `кв. м`, `м²`); None if it is not known here."""
    return _BY_SIGN.get(_IGNORED.sub("", unit.translate(_POWERS)).casefold())
