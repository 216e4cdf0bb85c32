"""The two sets of words for what accounting systems call differently: those of BAS, and those of Quincefin.

Ukrainian texts are written in the words of BAS. With `words: quincefin` in the profile the report and the exported
tables are in the others. What is not here: the texts themselves, and headers given in `export.columns`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, get_args

WordSet = Literal["bas", "quincefin"]
"""Whose words the report and the exported tables use."""
WORD_SETS: tuple[WordSet, ...] = get_args(WordSet)

_IN_QUINCEFIN: Mapping[str, str] = {
    # Both are declined alike, so the stem is enough.
    "контрагент": "партнер",
    "номер у джерелі": "зовнішній номер",
    r"автор\b": "користувач",
    r"номенклатура\b": "товар",
    r"номенклатури\b": "товару",
}
"""Word of BAS, as a pattern from the beginning of a word -> word of Quincefin."""

_QUOTED_OR_WORD = re.compile(
    "|".join(["«[^»]*»", *(rf"(\b{word})" for word in _IN_QUINCEFIN)]), re.IGNORECASE
)
_REPLACEMENTS = tuple(_IN_QUINCEFIN.values())


def in_words_of(words: WordSet, text: str) -> str:
    """A Ukrainian text in the words of a set; a capital first letter stays one, and so does what is quoted («…»)."""
    return text if words == "bas" else _QUOTED_OR_WORD.sub(_in_quincefin, text)


def _in_quincefin(found: re.Match[str]) -> str:
    if found.lastindex is None:
        return found[0]
    word = _REPLACEMENTS[found.lastindex - 1]
    return word.capitalize() if found[0][0].isupper() else word
