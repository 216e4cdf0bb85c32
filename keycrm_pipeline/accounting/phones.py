"""Phone numbers: which number a field holds, and in which form it is compared and kept (R3).

The `phonenumbers` library (region UA) judges whether a number is valid. What it cannot read is cleaned
up first: several numbers in one field, words around a number, the old trunk prefix 8. Nothing about partners
belongs here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache

import phonenumbers

_REGION = "UA"
_COUNTRY = "380"

_CLEAN_UKRAINIAN = re.compile(r"(?:\+?380|0)([0-9]{9})")
"""The three forms in which nearly every number arrives."""

_TOKEN = re.compile(r"(\+?)\s*(\d+)")
"""A run of digits, with the plus it may begin with."""

_BREAK = re.compile(r"[^\W\d_]")
"""A letter between two runs of digits: they are not one number (`0501234567 дім 12`)."""

_LIST_BREAK = re.compile(r"[,;/\\|\n]")
"""What people put between two numbers, and some inside one (`044/123-45-67`)."""

_SHORTEST, _LONGEST = 7, 17
"""Digits of a number worth asking the library about: E.164 allows 15, the prefix 00 makes it 17."""

_BARE_NATIONAL = 9
"""Digits of a Ukrainian number without any prefix."""

_LONGEST_FIELD = 250
"""Characters looked at; longer texts are comments, not phone fields."""


@cache
def _ukrainian() -> re.Pattern[str]:
    """Return the pattern of valid Ukrainian nine-digit numbers, put together from the library's own metadata.

    The library parses a number in about 30 microseconds; a shop has hundreds of thousands of them. What
    makes a number valid is that it matches the pattern of one of its country's kinds, and that can be asked
    directly.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(_REGION)
    if metadata is None or metadata.general_desc is None:
        raise RuntimeError("the phonenumbers package knows no region UA: install it again")
    kinds = (
        metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate, metadata.shared_cost,
        metadata.personal_number, metadata.voip, metadata.pager, metadata.uan, metadata.voicemail,
    )  # fmt: skip
    patterns = [
        kind.national_number_pattern
        for kind in kinds
        if kind is not None
        and kind.national_number_pattern is not None
        and _BARE_NATIONAL in (kind.possible_length or (_BARE_NATIONAL,))
    ]
    general = metadata.general_desc.national_number_pattern
    return re.compile(f"(?=(?:{general})$)(?:{'|'.join(patterns)})")


def _is_placeholder(national: str) -> bool:
    """Tell whether the number is one digit repeated, typed where a form insisted on a phone."""
    return national.count(national[0]) == len(national)


def _valid(text: str) -> str | None:
    """Return the E.164 form of a number that the library finds valid, unless it is a placeholder."""
    try:
        number = phonenumbers.parse(text, _REGION)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number) or _is_placeholder(
        phonenumbers.national_significant_number(number)
    ):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _read(plus: bool, digits: str, alone: bool) -> str | None:
    """Return the number that the digits are, or None.

    Args:
        plus: Whether a plus stands before them.
        digits: The digits.
        alone: Whether no other digits are next to them. Only then are nine digits without any prefix taken for a
            number: among other digits they may be part of anything.
    """
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return None
    if plus and (found := _valid("+" + digits)) is not None:
        return found
    if digits.startswith("80") and len(digits) == len("80501234567"):
        # The trunk prefix 8 of the old numbering, from people who write 8-050-...
        return _valid(digits[1:])
    if digits.startswith(("0", _COUNTRY)) or (alone and len(digits) == _BARE_NATIONAL):
        return _valid(digits)
    return None


def _chunks(text: str, break_at_lists: bool) -> Iterator[list[tuple[bool, str]]]:
    """Yield the runs of digits that may be one number, chunk by chunk."""
    chunk: list[tuple[bool, str]] = []
    end = 0
    for token in _TOKEN.finditer(text):
        between = text[end : token.start()]
        plus = bool(token[1])
        if chunk and (plus or _BREAK.search(between) or (break_at_lists and _LIST_BREAK.search(between))):
            yield chunk
            chunk = []
        chunk.append((plus, "".join(str(unicodedata.decimal(digit)) for digit in token[2])))
        end = token.end()
    if chunk:
        yield chunk


def _first_number(chunk: list[tuple[bool, str]]) -> str | None:
    """Return the first valid number of a chunk: from each run of digits, the longest sequence that is one."""
    for start, (plus, _) in enumerate(chunk):
        for stop in range(len(chunk), start, -1):
            digits = "".join(run for _, run in chunk[start:stop])
            found = _read(plus, digits, alone=start == 0 and stop == len(chunk))
            if found is not None:
                return found
    return None


def _searched(text: str) -> str | None:
    """Return the first valid number of a text of any form; the slow way."""
    field = text[:_LONGEST_FIELD]
    for break_at_lists in (True, False):
        for chunk in _chunks(field, break_at_lists):
            found = _first_number(chunk)
            if found is not None:
                return found
    return None


def normalised_phone(text: str | None) -> str | None:
    """Return the first valid phone number of a field as it is compared and kept (R3).

    Ukrainian numbers in any usual writing become `+380XXXXXXXXX`: `0501234567`, `80501234567`, `380...`
    without a plus, with blanks, brackets, dashes or words around them. Of several numbers the first valid
    one counts. A valid foreign number is kept when it is written with a plus or 00. One digit repeated
    (`0000000000`, `0999999999`) is a placeholder and no number.

    Returns:
        The number in E.164 form, or None when the field holds no valid one: then it is no key for matching.
    """
    if text is None:
        return None
    field = text.strip()
    clean = _CLEAN_UKRAINIAN.fullmatch(field)
    if clean is not None:
        national = clean[1]
        if _ukrainian().fullmatch(national) is not None:
            return None if _is_placeholder(national) else f"+{_COUNTRY}{national}"
    return _searched(field) if field else None


def card_phone(
    text: str | None, phone_key: Callable[[str | None], str | None] = normalised_phone
) -> str | None:
    """Return the phone as it stands on a card: the valid number of the field, else the field as typed (R3).

    Args:
        text: The field as typed.
        phone_key: `normalised_phone`, or one that remembers what it gave.

    Returns:
        The text, trimmed; None when nothing was typed.
    """
    if text is None:
        return None
    return phone_key(text) or text.strip() or None
