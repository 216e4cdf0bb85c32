"""How names, SKUs, e-mails and characteristics are compared and written (R3, R4, R5)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.names import (
    Skus,
    characteristics,
    email_key,
    name_key,
    names_disagree,
    sku_key,
    tidied,
)
from keycrm_pipeline.profile.models import PLACEHOLDER_SKUS

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


@pytest.mark.parametrize("before", ["\u200b", "\u200e", "\u202a", "\ufeff"])
@pytest.mark.parametrize("after", ["", "\u202c", "\u200b", "\u2069"])
def test_what_nobody_sees_parts_neither_people_nor_articles(before: str, after: str) -> None:
    """A phone puts marks around what is copied from its contacts; there is one card all the same."""
    assert sku_key(f"{before}TS-1{after}") == "ts-1"
    assert name_key(f"{before}Олена{after} Тестова") == "олена тестова"
    assert email_key(f" {before}Olena@example.com{after}") == "olena@example.com"
    assert tidied(f"{before}Олена{after}") == "Олена"


def test_names_disagree() -> None:
    """R3 and R4.1 say when."""
    assert names_disagree("Олена", "Іван")
    assert not names_disagree(" Мар’яна  Т.", "мар'яна т.")
    assert not names_disagree("Олена", None)
    assert not names_disagree("", "Олена")


BLANKS = st.text(alphabet=" \t\n\u00a0\u1680\u2003\u2009\u202f\u3000", min_size=1, max_size=3)


def test_r4_a_sku_is_compared_without_case_and_kinds_of_blanks() -> None:
    """R4.1; that there is a blank is part of the article, which one is not."""
    assert sku_key(" TS-Red-m\u00a0") == sku_key("ts-RED-M")
    assert sku_key("A\u00a01") == sku_key("a \u2009 1") == "a 1"
    assert sku_key("A 1") != sku_key("A1")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["TS", "ЧШ", "01", "m7"]), min_size=1, max_size=3), st.data())
def test_r4_whatever_blanks_and_case_a_sku_is_one(words: list[str], data: st.DataObject) -> None:
    """A space bar, a web page and a spreadsheet give different blanks; the article is the same."""
    typed = "".join(data.draw(BLANKS) + data.draw(st.sampled_from([word, word.lower()])) for word in words)
    skus = Skus(PLACEHOLDER_SKUS)
    assert skus.key(typed + data.draw(BLANKS)) == skus.key(" ".join(words)) == " ".join(words).lower()
    assert skus.tidied(typed) == " ".join(typed.split())


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "-",
            "--",
            "-----",
            "- -",
            "–",
            "—",
            "0",
            "00",
            " 0 ",
            "000",
            "...",
            "?",
            "/",
            "xxx",
            "ХХХ",
            "111",
            "ааааа",
        ),
        *(
            "б/а",
            "Б/А",
            "б / а",
            "без артикула",
            "БЕЗ\u00a0 АРТИКУЛА",
            "Без артикулу",
            "немає",
            "N/A",
            "null",
        ),
    ],
)
def test_r4_a_placeholder_is_no_sku(typed: str) -> None:
    """As if nothing had been typed."""
    skus = Skus(PLACEHOLDER_SKUS)
    assert (skus.key(typed), skus.tidied(typed)) == (None, None)


@pytest.mark.parametrize(
    "typed", ["1", "11", "XX", "A", "0-0", "100", "10", "-5", "0001", "б/а-1", "x-x", "770"]
)
def test_r4_what_only_looks_like_a_placeholder_is_a_sku(typed: str) -> None:
    """Shops that number their goods have 11 and 100."""
    skus = Skus(PLACEHOLDER_SKUS)
    assert (skus.key(typed), skus.tidied(typed)) == (typed.lower(), typed)


def test_r4_the_list_of_placeholders_replaces_the_usual_one() -> None:
    """A shop with an article 777, and one that writes what nobody thought of."""
    own = Skus(["-", "Уточнити"])
    typed = ["-", "--", "уточнити ", "777", "б/а", "0", ""]
    assert [own.key(sku) for sku in typed] == [None, None, None, "777", "б/а", "0", None]
    assert [Skus().key(sku) for sku in typed] == ["-", "--", "уточнити", "777", "б/а", "0", None]
    assert Skus(["***"]).key("777") is None


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
