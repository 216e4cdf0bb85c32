"""How names, SKUs, e-mails and characteristics are compared and written (R3, R4, R5)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.names import characteristics, email_key, name_key, sku_key, tidied

LETTERS = st.text(alphabet="абвгґїйєіьАБВҐЇЙЄІ aAzZ 09'’ʼ`\u00a0\t-", max_size=30)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("  Футболка   базова ", "футболка базова"),
        ("Футболка\u00a0базова", "Футболка базова"),
        ("Футболка\n базова", "Футболка базова"),
        ("Мар’яна Дем'яненко", "МАРʼЯНА ДЕМ`ЯНЕНКО"),
        ("В\u200bікторія", "Вікторія"),
        (unicodedata.normalize("NFD", "Її Йод"), unicodedata.normalize("NFC", "її йод")),
        ("STRASSE", "straße"),
    ],
)
def test_names_written_differently_are_one_name(one: str, other: str) -> None:
    """Names that only differ in blanks, case or apostrophe must not make two cards."""
    assert name_key(one) == name_key(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [("Футболка", "Футболки"), ("Сумка М", "СумкаМ"), ("Мар'яна", "Маряна"), ("Ґудзик", "Гудзик")],
)
def test_names_of_different_things_stay_apart(one: str, other: str) -> None:
    """Different words are different products."""
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("blank", [None, "", "   ", "\u00a0\t\n", "\u200b"])
def test_a_blank_is_no_key(blank: str | None) -> None:
    """Two products without a name, SKU or e-mail are not the same product."""
    assert (name_key(blank), sku_key(blank), email_key(blank), tidied(blank)) == (None, None, None, None)


@settings(deadline=None)
@given(LETTERS)
def test_a_key_is_its_own_key(name: str) -> None:
    """A key stored with the card finds it again."""
    key = name_key(name)
    assert name_key(key) == key
    assert sku_key(sku_key(name)) == sku_key(name)


@settings(deadline=None)
@given(LETTERS)
def test_the_way_letters_are_composed_makes_no_difference(name: str) -> None:
    """An iPhone sends й as two characters; the buyer must not get a second card for that."""
    assert name_key(unicodedata.normalize("NFD", name)) == name_key(unicodedata.normalize("NFC", name))


def test_a_sku_is_trimmed_and_its_case_ignored() -> None:
    """R4.1; blanks inside are part of the article."""
    assert sku_key(" TS-Red-m\u00a0") == sku_key("ts-RED-M")
    assert sku_key("A 1") != sku_key("A1")


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        (" Olena@Example.COM ", "olena@example.com"),
        ("o.k+shop@mail.example.ua", "o.k+shop@mail.example.ua"),
        ("олена@пошта.укр", "олена@пошта.укр"),
        ("o'k@example.com", "o'k@example.com"),
        ("немає", None),
        ("a@b", None),
        ("@example.com", None),
        ("olena@", None),
        ("olena@example.com, petro@example.com", None),
        ("olena @example.com", None),
        ("olena@@example.com", None),
        ("olena..k@example.com", None),
        (".olena@example.com", None),
        ("olena@example..com", None),
        ("olena@-example.com", None),
        ("olena@example.com.", None),
        ("olena@127.0.0.1", None),
        ("a" * 250 + "@example.com", None),
    ],
)
def test_only_what_looks_like_one_address_is_a_key(typed: str, key: str | None) -> None:
    """`немає` in the e-mail field of a hundred buyers must not make them one partner (R3)."""
    assert email_key(typed) == key


def test_characteristics_stand_in_the_order_given() -> None:
    """R5 names the form."""
    assert characteristics([("Колір", "Червоний"), ("Розмір", "M")]) == "Колір: Червоний; Розмір: M"
    assert characteristics([("Розмір", "M"), ("Колір", "Червоний")]) == "Розмір: M; Колір: Червоний"


def test_characteristics_leave_out_what_says_nothing() -> None:
    """An option without a value must not leave `Колір: ` on a document."""
    assert characteristics([(" Колір ", " Темно  синій "), ("Розмір", " "), (None, "подарунок")]) == (
        "Колір: Темно синій; подарунок"
    )
    assert characteristics([]) is None
    assert characteristics([("Колір", None)]) is None
