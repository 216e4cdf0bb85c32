"""What can go wrong when KeyCRM is asked something.

What belongs here: the exceptions of the client, and the cleaning of text from the network before it may become a value
of a message: a firewall's page or KeyCRM's own reason can hold anything, and nothing marks what in it is a name or a
phone. What does not: the sentences (`sentences.client`), deciding which answer is which error (see `connection` and
`client`), and retrying.

No message contains the API key or personal data: an exception ends up in logs, in Dagster's events and on
screens.
"""

from __future__ import annotations

import re

from keycrm_pipeline.sentences import Message, MessageError

EXCERPT_LENGTH = 500
"""Characters of an unusable answer that a message shows: enough to tell a maintenance page from a proxy's."""

_EXCERPT_SOURCE_LENGTH = 20_000
"""Characters of an answer that are cleaned for an excerpt; a page begins with its title and first sentence."""

_SEARCHED_LENGTH = 4_000
"""Characters without markup that are searched for personal data; text without spaces makes the search slow."""

_SILENT_ELEMENTS = re.compile(r"<(style|script|svg)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>?")
_EMAIL = re.compile(r"[^\s@<>\"'=,;:]+@[^\s@<>\"'=,;:]+")
# Seven digits or more, however grouped: every phone number has them, and hardly anything that matters in an
# error page does.
_PHONE = re.compile(r"\+?\d(?:[\s().\-–/]{0,3}\d){6,}")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")

_WORD = re.compile(r"[^\W\d_]+|\d+")
_LEFT_OUT = re.compile(r"…(?:[\s…]*…)?")
_SHORT_NUMBER = 3
"""Digits of the longest number that an excerpt shows: a status, but not an id or part of a phone number."""

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
"""The vocabulary of server, proxy and maintenance pages. Any other word may be someone's name."""

_REFUSALS = (
    "account active added allow allowed api attempts authenticated authorization available billing change changed "
    "content created data date dates day disabled does empty enough entity exist expired field fields filled "
    "filter filters format free given id ids include included includes integer keys lacks least limited longer "
    "maximum may media min minimum missing model must needs new numeric off only option order orders paid "
    "parameter parameters parse payment permission permissions plan present provided query read record relation "
    "renew requested requires resource results revoked right rights route routes s see selected separated should "
    "sort sorting statuses string subscription supported suspended switched tariff tokens trial two type "
    "unauthenticated unauthorized unprocessable unsupported updated upgrade use used user valid validation value "
    "values was what yes zero assigned buyer buyers categories category custom delivery expenses last history "
    "manager managers marketing offer offers page pages per product products service services shipping source "
    "sources tag tags users v1 акаунт акаунта доступно ключ ключа лише невірний неправильний оплатіть підписка "
    "план плану потрібно тариф тарифу"
)
_WORDS_OF_REFUSALS = _WORDS_OF_ERROR_PAGES | frozenset(_REFUSALS.split())
"""The vocabulary in which an API refuses a request, and that of pages."""
_CLEANED = re.compile(r"\[(?:key|e-mail|number)\]")


class KeyCrmError(MessageError):
    """KeyCRM could not be reached, or did not answer as it should."""


class AuthenticationError(KeyCrmError):
    """KeyCRM refused the key (401), or there is no usable key. A person has to act."""


class RequestRefused(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """KeyCRM understood the request and refused it: 400, 403, 404, 422 and other 4xx.

    Attributes:
        status: The HTTP status of the answer.
        is_without_route: Whether KeyCRM said that there is no such route, and not that there is no such thing.
    """

    def __init__(
        self, message: Message, *, status: int | None = None, is_without_route: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.is_without_route = is_without_route


class TransportFailure(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """A fault that survived all attempts: 429, 5xx, timeouts, broken bodies, redirects, a changing list.

    Only for these may the same request succeed later without anyone changing anything.
    """


class UnexpectedAnswer(KeyCrmError):  # noqa: N818 - named for what happened; the project's public name
    """KeyCRM answered in JSON, but not with what was requested: another shape, or an ignored filter."""


def clean_text(text: str, api_key: str = "") -> str:
    """Text from the network, safe to show: without the key, e-mail addresses, phone-like numbers and markup.

    Names and addresses have no pattern by which to remove them. So everything from the first brace on is left
    out: that is where a record would begin if a page of text contains one.

    Args:
        text: What KeyCRM, or something between, sent.
        api_key: The key to leave out, wherever it occurs.

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
    """The part of an unusable body that a message may show; empty if none may be shown.

    A body that begins like JSON is truncated personal data and is never shown. Of other text, only words that
    occur in error pages are shown: an order's page in place of an answer would contain names, and nothing marks
    those.
    """
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text[:1] in ("{", "[", '"'):
        return ""
    shown = _LEFT_OUT.sub("…", _WORD.sub(_shown_word, clean_text(text, api_key)))
    return shown if _WORD.search(shown) else ""


def is_known_sentence(text: str) -> bool:
    """Whether a refusal says only what an API says: every other word, such as of an invalid value, may be a name."""
    words = _WORD.findall(_CLEANED.sub("", text))
    return bool(words) and all(
        len(word) <= _SHORT_NUMBER if word.isdigit() else word.lower() in _WORDS_OF_REFUSALS for word in words
    )


def _shown_word(found: re.Match[str]) -> str:
    word = found.group()
    is_shown = len(word) <= _SHORT_NUMBER if word.isdigit() else word.lower() in _WORDS_OF_ERROR_PAGES
    return word if is_shown else "…"
