"""What can go wrong when KeyCRM is asked something, in words a user can act on.

What belongs here: the exceptions of the client, and the cleaning of foreign text before it may stand in a
message. What does not: deciding which answer is which error (see `client`), and retrying.

No message carries the API key or a person's data: an exception ends up in logs, in Dagster's events and on
screens.
"""

from __future__ import annotations

import re
from typing import ClassVar

NOT_WHAT_WAS_ASKED = (
    "Nothing of this answer was used. When this stays so, KeyCRM's API has changed and the program needs an "
    "update."
)
"""End of the messages about answers that are not what was asked for."""

EXCERPT_LENGTH = 500
"""Characters of an unusable answer that a message shows: enough to tell a maintenance page from a proxy's."""

_EXCERPT_SOURCE_LENGTH = 20_000
"""Characters of an answer that are cleaned for an excerpt; the head of a page holds its title and first
sentence."""

_SEARCHED_LENGTH = 4_000
"""Characters without markup searched for people's data; texts without blanks make the search slow."""

_SILENT_ELEMENTS = re.compile(r"<(style|script|svg)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>?")
_EMAIL = re.compile(r"[^\s@<>\"'=,;:]+@[^\s@<>\"'=,;:]+")
# Seven digits and more, however grouped: every phone number is, and hardly anything in an error page that
# matters.
_PHONE = re.compile(r"\+?\d(?:[\s().\-–/]{0,3}\d){6,}")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")

_WORD = re.compile(r"[^\W\d_]+|\d+")
_LEFT_OUT = re.compile(r"…(?:[\s…]*…)?")
_SHORT_NUMBER = 3
"""Digits of the longest number that an excerpt shows: a status, no id and no part of a phone."""

_ERROR_PAGES = (
    "a access again allowed an and application are at attention backend bad be been blocked body busy by cannot check "
    "closed cloudflare connect connection could database deadline denied down due during e error errors exceeded "
    "exception failed fatal for forbidden from gateway has have header headers host http https in index internal "
    "invalid is it just key keycrm later limit line load mail maintenance many message method minute minutes moment "
    "moved nginx no not number occurred of on openresty origin overloaded page permanently php please proxy query "
    "rate reach reached received refused request requests required reset response retry script security server "
    "service slow something soon stack status syntax temporarily the this time timed timeout to token too trace "
    "try unable unavailable under undefined unexpected unknown upgrade upstream url user varnish wait warning we "
    "went while with wrong you your "
    "будь вебсайт виникла доступ доступу заборонено завантаження забагато запит запитів зачекайте знайдено ласка "
    "немає не недоступний недоступна обслуговування перевантажений перевищено пізніше повторіть помилка помилку "
    "проводяться роботи сайт сервер сервера сервіс спробуйте сторінка сторінку технічна технічне технічні тимчасово "
    "у в на через хвилин"
)
_WORDS_OF_ERROR_PAGES = frozenset(_ERROR_PAGES.split())
"""Words that pages of servers, proxies and maintenance are made of. Any other word may be somebody's name."""


class KeyCrmError(Exception):
    """KeyCRM could not be asked, or did not answer as it should.

    Attributes:
        route: The path that was asked, such as `/order`; empty when no request was made.
        status: The HTTP status of the last answer; None when there was none.
    """

    retry_helps: ClassVar[bool] = False
    """Whether the same request may succeed later, without anybody changing anything."""

    def __init__(self, message: str, *, route: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.route = route
        self.status = status


class AuthenticationError(KeyCrmError):
    """KeyCRM refused the key (401, 403), or there is no usable key. A person has to act."""


class RequestRefused(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """KeyCRM understood the request and refused it: 400, 404, 422 and other 4xx.

    Attributes:
        reason: KeyCRM's own message, cleaned; empty when it gave none.
    """

    def __init__(self, message: str, *, route: str = "", status: int | None = None, reason: str = "") -> None:
        super().__init__(message, route=route, status=status)
        self.reason = reason


class TransportFailure(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """What was still wrong after all attempts: 429, 5xx, timeouts, broken bodies, redirects.

    Attributes:
        attempts: How many times the request was sent.
        excerpt: The first characters of an unusable answer, cleaned; empty when there was none that may be
            shown.
    """

    retry_helps: ClassVar[bool] = True

    def __init__(
        self,
        message: str,
        *,
        route: str = "",
        status: int | None = None,
        attempts: int = 0,
        excerpt: str = "",
    ) -> None:
        super().__init__(message, route=route, status=status)
        self.attempts = attempts
        self.excerpt = excerpt


class UnexpectedAnswer(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """KeyCRM answered in JSON, but not what was asked: another shape, or a filter that was ignored."""


def clean_text(text: str, api_key: str = "") -> str:
    """Foreign text made fit for a message: without the key, e-mail addresses, phone-like numbers and markup.

    Names and addresses have no pattern that could be removed. So everything from the first brace on is left
    out: that is where a record would begin when a page of text carries one.

    Args:
        text: What KeyCRM, or something between, sent.
        api_key: The key to leave out, wherever it stands.

    Returns:
        At most `EXCERPT_LENGTH` characters on one line.
    """
    if api_key:
        text = text.replace(api_key, "[key]")
    text = text[:_EXCERPT_SOURCE_LENGTH]
    text = _SILENT_ELEMENTS.sub(" ", text)
    text = _BLANKS.sub(" ", _TAG.sub(" ", text)).partition("{")[0].strip()
    if len(text) > _SEARCHED_LENGTH:
        # Not in the middle of a number: its first half would no longer look like one.
        text = text[:_SEARCHED_LENGTH].rstrip("+0123456789 ().-–/")
    text = _PHONE.sub("[number]", _EMAIL.sub("[e-mail]", text))
    return text[:EXCERPT_LENGTH]


def body_excerpt(body: bytes, api_key: str) -> str:
    """The part of an unusable body that a message may show; empty when none may be.

    A body that begins like JSON is cut-off data of people and is never shown. Of other text only the words that
    error pages are made of are: an order's page in the place of an answer would carry names, which nothing marks.

    Args:
        body: The body as it came.
        api_key: The key to leave out.
    """
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "[", '"'):
        return ""
    shown = _LEFT_OUT.sub("…", _WORD.sub(_shown_word, clean_text(text, api_key)))
    return shown if _WORD.search(shown) else ""


def _shown_word(found: re.Match[str]) -> str:
    word = found.group()
    is_shown = len(word) <= _SHORT_NUMBER if word.isdigit() else word.lower() in _WORDS_OF_ERROR_PAGES
    return word if is_shown else "…"
