"""Which phone number a field holds, and in which form it is compared and kept (R3)."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.phones import card_phone, normalised_phone


@pytest.mark.parametrize(
    "typed",
    [
        "+380501234567",
        "380501234567",
        "0501234567",
        " 050 123 45 67 ",
        "(050) 123-45-67",
        "050.123.45.67",
        "+38 (050) 123-45-67",
        "38 050 123 45 67",
        "+380 0501234567",
        "00380501234567",
        "80501234567",
        "8 (050) 123-45-67",
        "+80501234567",
        "501234567",
        "050/123-45-67",
        "050\u00a0123\u00a045\u00a067",
        "０５０１２３４５６７",
        "0501234567 Олена",
        "тел. 0501234567",
        "viber:+380501234567",
        "0501234567 (дзвонити після 18)",
        "0501234567 дім 12",
        "+380501234567 доб. 12",
        "0501234567, 0671234567",
        "0501234567;0671234567",
        "0501234567/0671234567",
        "0501234567 0671234567",
        "0501234567-0671234567",
        "+380501234567+380671234567",
        "050 123 45 67 067 123 45 67",
        "0501234567\n0671234567",
        "12345, 0501234567",
        "5 050 123 45 67",
        "0000000000, 0501234567",
        "немає або 0501234567",
    ],
)
def test_a_ukrainian_number_in_any_writing_is_one_number(typed: str) -> None:
    """A buyer who writes his number in another way must find his card again."""
    assert normalised_phone(typed) == "+380501234567"
    assert card_phone(typed) == "+380501234567"


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+48 501 234 567", "+48501234567"),
        ("0048501234567", "+48501234567"),
        ("+1 650-253-0000", "+16502530000"),
        ("+49 30 123456, 0501234567", "+4930123456"),
        ("044/123-45-67", "+380441234567"),
        ("0800 123 456", "+380800123456"),
    ],
)
def test_other_valid_numbers(typed: str, number: str) -> None:
    """Foreign numbers with a plus are kept; landlines and free numbers are numbers too."""
    assert normalised_phone(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        "0501234",
        "05012345678901",
        "+380050123456",
        "48501234567",
        "050123456A",
        "0100000001",
        "abc",
        "-",
        "+",
        "1 2 3 4 5 6 7 8 9 0 1 2 3",
        "501234567 12",
        "050123 кв. 4567",
    ],
)
def test_what_is_no_valid_number_is_kept_as_typed_and_is_no_key(typed: str) -> None:
    """Nothing is lost from the card, and no two buyers become one by a number that is none."""
    assert normalised_phone(typed) is None
    assert card_phone(f" {typed} ") == typed


@pytest.mark.parametrize(
    "typed",
    [
        "0000000000",
        "+380000000000",
        "0999999999",
        "+380666666666",
        "380333333333",
        "066 666 66 66",
        "+7 777 777 7777",
    ],
)
def test_one_digit_repeated_is_a_placeholder(typed: str) -> None:
    """Managers type 0999999999 where the form wants a phone: a hundred buyers must not share a card by it."""
    assert normalised_phone(typed) is None
    assert card_phone(typed) == typed


@pytest.mark.parametrize("blank", [None, "", "  ", "\u00a0"])
def test_an_empty_field(blank: str | None) -> None:
    """Nothing is nothing, not an empty text on the card."""
    assert normalised_phone(blank) is None
    assert card_phone(blank) is None


NATIONAL = st.from_regex(r"\A[0-9]{9}\Z") | st.from_regex(r"\A(39|44|50|63|67|80|90|93|99)[0-9]{7}\Z")


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(["+380", "380", "0"]), NATIONAL)
def test_the_fast_way_judges_as_the_library_does(prefix: str, national: str) -> None:
    """A number is valid because the library says so, not because of a pattern of ours."""
    valid = phonenumbers.is_valid_number(phonenumbers.parse(f"+380{national}", None))
    # No Ukrainian number begins with a zero; the library takes that one for a second prefix.
    expected = f"+380{national}" if valid and len(set(national)) > 1 else None
    if not national.startswith("0"):
        assert normalised_phone(prefix + national) == expected
    # The blank takes the number off the fast way.
    assert normalised_phone(prefix + national) == normalised_phone(f"{prefix} {national}")


@settings(deadline=None)
@given(st.text(alphabet="0123456789+-() ,;/абв", max_size=40))
def test_any_field_gives_a_valid_number_or_none(typed: str) -> None:
    """And what stands on the card is found again by the next order."""
    number = normalised_phone(typed)
    if number is not None:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number, None))
        assert normalised_phone(number) == number
    assert normalised_phone(card_phone(typed)) == number


def test_a_long_comment_in_the_field_does_not_stop_the_load() -> None:
    """Texts of any length are looked at in bounded time."""
    assert normalised_phone("1 " * 100_000) is None
    assert normalised_phone("0501234567 " + "коментар " * 10_000) == "+380501234567"
