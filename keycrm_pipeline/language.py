"""The language in which the program speaks to a person, and the catalogue of its messages.

English stands in the code and is the key of a message; the Ukrainian is in `locale/uk/LC_MESSAGES`, for gettext.
Each context of execution has a current language, English unless somebody chose another: a command for its process, the
definitions of Dagster for the texts of a profile. Log lines and what tables store are never translated.

What is not here: who chooses (`cli`, `Profile.own_language`), numbers and dates (`formatting`), the sentences
that tables store (`schemas`).
"""

from __future__ import annotations

import contextlib
import gettext as catalogues
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from keycrm_pipeline.words import WordSet, in_words_of

Language = Literal["uk", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

DOMAIN = "keycrm_pipeline"
"""Name of the catalogue."""

LOCALE_DIRECTORY = Path(__file__).with_name("locale")

_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""What names a person's language, the strongest first, as gettext reads them."""

_LANGUAGE_OF_LOCALE: Mapping[str, Language] = {"uk": "uk", "en": "en", "c": "en", "posix": "en"}


class _Speech(NamedTuple):
    language: Language
    words: WordSet


_ENGLISH = _Speech("en", "bas")
_current: ContextVar[_Speech] = ContextVar("language", default=_ENGLISH)


def language_of_environment(environ: Mapping[str, str]) -> Language | None:
    """What the first of LANGUAGE, LC_ALL, LC_MESSAGES and LANG that is set says; None if that is another language."""
    named = next(filter(None, map(environ.get, _VARIABLES)), "")
    locale = named.lower().partition(":")[0].partition(".")[0].partition("_")[0]
    return _LANGUAGE_OF_LOCALE.get(locale)


def current_language() -> Language:
    """The language that is spoken here."""
    return _current.get().language


def current_words() -> WordSet:
    """The set of words of Ukrainian texts here."""
    return _current.get().words


def speak(language: Language, words: WordSet = "bas") -> None:
    """Chooses the language, and the set of words of Ukrainian texts, for the rest of this context."""
    _current.set(_Speech(language, words))


@contextlib.contextmanager
def speaking(language: Language, words: WordSet = "bas") -> Iterator[None]:
    """Chooses the language, and the set of words of Ukrainian texts, for a block."""
    token = _current.set(_Speech(language, words))
    try:
        yield
    finally:
        _current.reset(token)


@cache
def _catalogue(language: Language) -> catalogues.NullTranslations:
    # English stands in the code. A catalogue that is missing is a fault of the installation, and an error.
    if language == "en":
        return catalogues.NullTranslations()
    return catalogues.translation(DOMAIN, LOCALE_DIRECTORY, [language])


def gettext(text: str) -> str:
    """A message in the current language, its placeholders as they are; for Jinja2's extension `i18n` too."""
    return in_words_of(current_words(), _catalogue(current_language()).gettext(text))


def ngettext(singular: str, plural: str, count: int) -> str:
    """The form of a message for a count, its placeholders as they are; for Jinja2's extension `i18n` too."""
    return in_words_of(current_words(), _catalogue(current_language()).ngettext(singular, plural, count))


def message(text: str) -> str:
    """The text itself: marks a constant as a message, which `_` translates where it is shown."""
    return text


def _(text: str, /, **values: object) -> str:
    """A message in the current language.

    Args:
        text: The English message, or a constant that is one.
        values: What its placeholders stand for, as it is shown; never translated.
    """
    found = gettext(text)
    return found.format(**values) if values else found


def counted(singular: str, plural: str, count: int, /, **values: object) -> str:
    """A message that depends on a count: `{count} order`, `{count} orders`.

    Args:
        singular: The English message for one.
        plural: The English message for any other count.
        count: The count that decides; also the value of the placeholder `count`, unless that is given.
        values: What the placeholders stand for.
    """
    return ngettext(singular, plural, count).format(**{"count": count, **values})
