"""CSV files, read back by Python's csv module as Ukrainian Excel would."""

from __future__ import annotations

import csv
from pathlib import Path

from keycrm_pipeline.exports import ExportResult
from keycrm_pipeline_tests.exports.small_shop import FORMULA_NAME, Export


def _file(result: ExportResult, table: str) -> Path:
    (file,) = [file for file in result.files if file.name == f"demo_2026-03-01_2026-03-31_{table}.csv"]
    return file


def _rows(result: ExportResult, table: str) -> list[dict[str, str]]:
    with _file(result, table).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def test_bytes_are_what_ukrainian_excel_opens(export: Export) -> None:
    """Without the BOM Excel shows Ukrainian letters as garbage, without `;` everything in one column."""
    content = _file(export("csv"), "order_services").read_bytes()
    assert content == (
        b"\xef\xbb\xbf"
        + (
            "Номер замовлення;Дата замовлення;№ рядка;Вид;Код номенклатури;Номенклатура;Артикул;Характеристика;"
            "Кількість;Ціна;Знижка;Сума;Валюта\r\n"
            "101;2026-03-01;3;Доставка;3;Послуги доставки;;;1;70,00;0,00;70,00;UAH\r\n"
            "103;2026-03-30;2;Пакування;;Пакування;;;1;2,00;0,00;2,00;EUR\r\n"
            "103;2026-03-30;3;Податок;;Податок;;;1;1,50;0,00;1,50;EUR\r\n"
        ).encode()
    )


def test_numbers_have_a_decimal_comma(export: Export) -> None:
    """With a point Excel would read 12.05 as the 12th of May, and 2.000 pieces as two thousand."""
    lines = _rows(export("csv"), "order_lines")
    assert [(line["Кількість"], line["Ціна"], line["Знижка"], line["Сума"]) for line in lines] == [
        ("2", "100,00", "20,00", "180,00"),
        ("1", "349,99", "0,00", "349,99"),
        ("0,333", "99,99", "0,00", "33,30"),
        ("3", "15,00", "-0,05", "45,05"),
    ]


def test_what_could_be_a_formula_is_harmless(export: Export) -> None:
    """A name that begins with = would run as a formula at a double click; a phone must stay a phone."""
    result = export("csv")
    first, second, _ = _rows(result, "partners")
    assert first["Телефон"] == "+380501112233"
    assert second["Контрагент"] == "'" + FORMULA_NAME
    assert second["Телефон"] == "'-call me"
    assert second["E-mail"] == "'@ira"
    assert _rows(result, "orders")[1]["Коментар"] == "'+cmd|' /C calc'!A0"
    # A sign and digits is a number, whoever opens it.
    assert _rows(result, "products")[3]["Артикул"] == "-5"


def test_line_ends_and_separators_inside_a_text_survive(export: Export) -> None:
    """A comment of two lines is one cell."""
    result = export("csv")
    assert _rows(result, "orders")[0]["Коментар"] == "Номер джерела: №1042\nПодзвонити <до> обіду & після"
    assert _rows(result, "order_lines")[1]["Характеристика"] == "Колір: Червоний; Розмір: M"


def test_times_are_local(export: Export) -> None:
    """22:15 UTC on 28 February is the first quarter of an hour of March in Kyiv."""
    assert _rows(export("csv"), "orders")[0]["Дата"] == "2026-03-01 00:15:00"


def test_formula_in_a_header_is_harmless(export: Export) -> None:
    """Headers come from the profile; a slip there must not run either."""
    result = export("csv", columns={"partners": {"name": "=Назва"}})
    assert list(_rows(result, "partners")[0]) == ["'=Назва"]
