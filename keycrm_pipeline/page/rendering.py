"""Renders the page's templates: numbers, money and dates as a Ukrainian reader writes them, every text escaped.

What is not here: what is shown (the module of each page).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse

from keycrm_pipeline.formatting import NO_VALUE, Formatter
from keycrm_pipeline.kinds import (
    MOVEMENT_NAMES,
    PAYMENT_KIND_NAMES,
    PRODUCT_KIND_NAMES,
    RECEIPT_ISSUER_NAMES,
    SERVICE_LINE_NAMES,
)
from keycrm_pipeline.page.wording import (
    DOCUMENT_PARTS,
    EXCHANGE_KINDS,
    EXCHANGE_OUTCOMES,
    PAYMENT_STATES,
    PAYMENT_STATUSES,
)
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.reports.page import order_address
from keycrm_pipeline.sentences import Message
from keycrm_pipeline.words import WORD_SETS, WordSet, in_words_of

_WRITE = Formatter("uk")

STATIC_FILES = ("page.css", "htmx.min.js")


@cache
def static_digests() -> Mapping[str, str]:
    """File of `static` -> the beginning of its SHA-256, for addresses that change with the content."""
    folder = resources.files("keycrm_pipeline.page") / "static"
    return {
        name: hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest()[:16] for name in STATIC_FILES
    }


def written(message: Message) -> str:
    """A message in Ukrainian."""
    return message.text(_WRITE)


def _money(amount: Decimal | None, currency: str) -> str:
    return NO_VALUE if amount is None else _WRITE.money(amount, currency)


def _instant(instant: datetime | None, profile: Profile) -> str:
    return NO_VALUE if instant is None else _WRITE.instant(instant, profile.timezone)


def _day(day: date | None) -> str:
    return NO_VALUE if day is None else _WRITE.day(day)


def _period(first: date | None, last: date | None) -> str:
    return "" if first is None or last is None else _WRITE.period(Period(first, last))


def _duration(seconds: float | None) -> str:
    return NO_VALUE if seconds is None else _WRITE.duration(seconds)


def _crm_order(order_id: int, profile: Profile) -> str | None:
    return order_address(profile.keycrm_url, order_id)


def _kind_of_value(value: Any) -> str:
    """How a value of a payload is drawn: `object`, `list`, `empty` or `text`."""
    if value is None or value in ("", [], {}):
        return "empty"
    return "object" if isinstance(value, Mapping) else "list" if isinstance(value, list) else "text"


class _WordedLoader(PackageLoader):
    """Loads the templates in the words of a set; what a shop typed is put in later, and keeps its own."""

    def __init__(self, words: WordSet) -> None:
        super().__init__("keycrm_pipeline.page")
        self._words = words

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool] | None]:
        source, path, is_current = super().get_source(environment, template)
        return in_words_of(self._words, source), path, is_current


@cache
def _environment(words: WordSet) -> Environment:
    environment = Environment(
        loader=_WordedLoader(words),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "money": _money,
        "number": _WRITE.number,
        "day": _day,
        "instant": _instant,
        "duration": _duration,
        "plural": lambda count, *forms: _WRITE.plural(count, *forms),
        "details": lambda item: in_words_of(words, item.text(_WRITE)),
        "reasons": lambda record: [in_words_of(words, text) for text in record.reason_texts(_WRITE)],
        "worded": lambda text: in_words_of(words, text),
        "error": lambda exchange: exchange.error_text(_WRITE),
        "or_dash": lambda text: NO_VALUE if text is None or text == "" else text,
        "kind_of_value": _kind_of_value,
    }
    environment.globals |= {
        "period": _period,
        "crm_order": _crm_order,
        "static": lambda name: f"/static/{name}?v={static_digests()[name]}",
        "product_kinds": PRODUCT_KIND_NAMES,
        "service_kinds": SERVICE_LINE_NAMES,
        "movement_names": MOVEMENT_NAMES,
        "exchange_kinds": EXCHANGE_KINDS,
        "exchange_outcomes": EXCHANGE_OUTCOMES,
        "document_parts": DOCUMENT_PARTS,
        "payment_states": PAYMENT_STATES,
        "payment_statuses": PAYMENT_STATUSES,
        "payment_kinds": PAYMENT_KIND_NAMES,
        "receipt_issuers": RECEIPT_ISSUER_NAMES,
    }
    return environment


def prepare() -> None:
    """Compiles the templates and loads what the first page would otherwise wait for, half a second."""
    for words in WORD_SETS:
        environment = _environment(words)
        for name in environment.list_templates(filter_func=lambda name: name.endswith(".j2")):
            environment.get_template(name)
    static_digests()
    _WRITE.plural(1, "", "", "")
    _WRITE.instant(datetime.now(UTC), "UTC")
    _WRITE.money(Decimal(1), "UAH")


def render(request: Request, template: str, status_code: int = 200, **content: Any) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        request: The request; its visitor's token goes into every form.
        template: Name of the template, without its ending.
        status_code: Status of the answer.
        content: What the template shows; a `profile` chooses its words.
    """
    state = request.app.state
    profile = content.get("profile")
    text = (
        _environment(profile.words if profile else "bas")
        .get_template(f"{template}.html.j2")
        .render(
            {
                "path": request.url.path,
                "token": getattr(request.state, "token", ""),
                "dagster": state.page.dagster_for(request.url.hostname),
                "dagster_address": state.page.dagster,
                "has_login": state.page.password_file is not None,
                "profile": None,
                **content,
            }
        )
    )
    return HTMLResponse(text, status_code)


def query(path: str, values: Iterable[tuple[str, Any]]) -> str:
    """A path of this page with those values that are set, as an address."""
    address = URL(path)
    given = {name: str(value) for name, value in values if value not in (None, "", False)}
    return str(address.include_query_params(**given)) if given else path
