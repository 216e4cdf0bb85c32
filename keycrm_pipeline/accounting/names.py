"""How names, SKUs, e-mails and characteristics are compared and written (R3, R4, R5).

A *key* is the form in which two values are compared; it is never shown to anybody. What stands on a card is
decided in the modules of the cards, phone numbers have a module of their own (`phones`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# The forms in which an apostrophe reaches a shop: typewriter, typographic, the letter apostrophe of Ukrainian
# spelling, and what keyboards without it offer.
_APOSTROPHES = "’ʼ`‘´′"
# Characters nobody sees, pasted from web pages: zero width space, word joiner, byte order mark, soft hyphen.
_INVISIBLE = "\u200b\u2060\ufeff\u00ad"
_ODD = re.compile(f"[{_APOSTROPHES}{_INVISIBLE}]")
_PLAIN = str.maketrans({**dict.fromkeys(_APOSTROPHES, "'"), **dict.fromkeys(_INVISIBLE, "")})
_UNSEEN = str.maketrans(dict.fromkeys(_INVISIBLE, ""))

# One @, a domain of at least two labels, no character that only stands between addresses. Not the whole of
# RFC 5322: the question is whether two buyers may be taken for one, and an unusual address then simply is no
# key.
_EMAIL = re.compile(
    r"[^\s@,;:<>()\[\]\"\\.]+(?:\.[^\s@,;:<>()\[\]\"\\.]+)*"
    r"@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_](?:[\w-]*[^\W_])?"
)
_LONGEST_EMAIL = 254
"""Longer than that no mail server takes (RFC 5321)."""


def _comparable(text: str) -> str:
    """Return the text as it is compared: one form of each letter, no case, one apostrophe, nothing unseen."""
    # й and ї come as one character or, from Apple devices, as a letter and a mark: they are one letter.
    composed = unicodedata.normalize("NFC", text.translate(_UNSEEN) if _ODD.search(text) else text).casefold()
    return composed.translate(_PLAIN) if _ODD.search(composed) else composed


def name_key(name: str | None) -> str | None:
    """Return the form in which a name of a partner, product or service is compared (R3, R4.3).

    Trimmed, inner blanks (the non-breaking one too) collapsed, case ignored, all apostrophes alike; None when
    nothing but blanks was typed: such a name equals no other.
    """
    if name is None:
        return None
    return " ".join(_comparable(name).split()) or None


def sku_key(sku: str | None) -> str | None:
    """Return the form in which an article (SKU) is compared (R4.1): trimmed, case ignored; None for a blank one.

    Blanks inside are kept: `A 1` and `A1` are two articles.
    """
    if sku is None:
        return None
    return _comparable(sku).strip() or None


def email_key(email: str | None) -> str | None:
    """Return the form in which an e-mail is compared (R3): trimmed, lower case.

    None when it does not look like one address (`немає`, `a@b`, two addresses in a field).
    """
    if email is None:
        return None
    address = email.strip().lower()
    if len(address) > _LONGEST_EMAIL or not _EMAIL.fullmatch(address):
        return None
    return address


def tidied(text: str | None) -> str | None:
    """Return the text as it is written on a card: trimmed, without invisible characters; None if nothing is left.

    Several blanks become one.
    """
    if text is None:
        return None
    return " ".join((text.translate(_UNSEEN) if _ODD.search(text) else text).split()) or None


def characteristics(properties: Sequence[tuple[str | None, str | None]]) -> str | None:
    """Write the chosen options of a line or variant in one text, in the order given (R5).

    Args:
        properties: Pairs of option and value, as KeyCRM gives them.

    Returns:
        `Колір: Червоний; Розмір: M`. An option without a value says nothing and is left out, a value without
        an option stands alone; None when nothing is left.
    """
    parts: list[str] = []
    for option, value in properties:
        said = tidied(value)
        if said is None:
            continue
        named = tidied(option)
        parts.append(said if named is None else f"{named}: {said}")
    return "; ".join(parts) or None
