"""How names, SKUs, e-mails and characteristics are compared and written (R3, R4, R5).

A *key* is the form in which two values are compared; it is never shown to anybody. What stands on a card is
decided in the modules of the cards, phone numbers have a module of their own (`phones`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

# The forms in which an apostrophe reaches a shop: typewriter, typographic, the letter apostrophe of Ukrainian
# spelling, and what keyboards without it offer.
_APOSTROPHES = "’ʼ`‘´′"
DIRECTIONS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Marks of the direction of writing, which nobody sees: phones put them around what is copied from their contacts, and
web pages around days and sums."""
# The other characters nobody sees, pasted from web pages: zero width space, word joiner, byte order mark, soft hyphen.
_INVISIBLE = f"\u200b\u2060\ufeff\u00ad{DIRECTIONS}"
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


def names_disagree(one: str | None, other: str | None) -> bool:
    """Tell whether two names are of different people or products (R3, R4.1); a missing name disagrees with none.

    Trimming, blanks, case and forms of the apostrophe make no difference.
    """
    one_key, other_key = name_key(one), name_key(other)
    return one_key is not None and other_key is not None and one_key != other_key


def sku_key(sku: str | None) -> str | None:
    """Return the form in which an article (SKU) is compared (R4.1), placeholders too (`Skus`); None for a blank one.

    Trimmed, case ignored, inner blanks of all kinds collapsed: `A 1` and `A1` are two articles, `A  1` is the first.
    """
    return name_key(sku)


def email_key(email: str | None) -> str | None:
    """Return the form in which an e-mail is compared (R3): trimmed, lower case, nothing unseen.

    None when it does not look like one address (`немає`, `a@b`, two addresses in a field).
    """
    if email is None:
        return None
    address = email.translate(_UNSEEN).strip().lower()
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


Forms = Callable[[str | None], str | None]
"""A form of a text: as it is compared, or as it stands on a card."""


class Remembered(dict[str | None, str | None]):
    """One form of many texts, each worked out once."""

    def __init__(self, form: Forms) -> None:
        super().__init__()
        self._form = form

    def __missing__(self, text: str | None) -> str | None:
        """Work out the form of a text that is met for the first time."""
        found = self[text] = self._form(text)
        return found


ANY_SIGN_REPEATED = "***"
"""The entry of a list of placeholders that stands for any sign repeated: `000`, `---`, `xxx`."""

_REPEATED = 3
"""How often a sign is repeated at least: `11` and `XX` are articles."""


class Skus:
    """The forms of articles (SKUs), each worked out once; a placeholder has none, as if nothing were typed (R4.1).

    Attributes:
        key: The form in which a SKU is compared, see `sku_key`; None for a blank one and a placeholder.
        tidied: The SKU as it is written on a card, see `tidied`; None for a blank one and a placeholder.
    """

    def __init__(self, placeholders: Iterable[str] = ()) -> None:
        """Take over what is no article.

        Args:
            placeholders: Texts that people type because the field must not be empty. Case and blanks make no
                difference; a single sign also stands for any number of it, `ANY_SIGN_REPEATED` for any sign.
        """
        self._placeholders = frozenset(
            key.replace(" ", "") for text in placeholders if (key := sku_key(text)) is not None
        )
        self.key: Forms = Remembered(self._key).__getitem__
        self.tidied: Forms = Remembered(self._tidied).__getitem__

    def _key(self, sku: str | None) -> str | None:
        key = sku_key(sku)
        return None if key is None or self._is_placeholder(key.replace(" ", "")) else key

    def _tidied(self, sku: str | None) -> str | None:
        return tidied(sku) if self.key(sku) is not None else None

    def _is_placeholder(self, typed: str) -> bool:
        if typed in self._placeholders:
            return True
        if typed != typed[0] * len(typed):
            return False
        return typed[0] in self._placeholders or (
            len(typed) >= _REPEATED and ANY_SIGN_REPEATED in self._placeholders
        )


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
