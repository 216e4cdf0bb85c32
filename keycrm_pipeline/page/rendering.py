"""Renders the page's templates: words, numbers, money and dates in the current language, every text escaped.

What is not here: what is shown (the module of each page), and which language that is (`speech`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse

from keycrm_pipeline.formatting import NO_VALUE, current_formatter
from keycrm_pipeline.kinds import RECONCILIATION_WORDS
from keycrm_pipeline.language import LANGUAGES, current_language, gettext, ngettext, speaking
from keycrm_pipeline.page.wording import (
    DOCUMENT_PARTS,
    EXCHANGE_KINDS,
    EXCHANGE_OUTCOMES,
    MOVEMENTS,
    PARCEL_STATES,
    PAYMENT_KINDS,
    PAYMENT_STATES,
    PAYMENT_STATUSES,
    PRODUCT_KINDS,
    RECEIPT_ISSUERS,
    SERVICE_KINDS,
    STATUS_GROUPS,
    STEP_STATES,
)
from keycrm_pipeline.period import Period
from keycrm_pipeline.profile import Profile
from keycrm_pipeline.reports.page import order_address
from keycrm_pipeline.reports.wording import current_wording
from keycrm_pipeline.sentences import Message, Sentence

STATIC_FILES = ("page.css", "htmx.min.js")


@cache
def static_digests() -> Mapping[str, str]:
    """File of `static` -> the beginning of its SHA-256, for addresses that change with the content."""
    folder = resources.files("keycrm_pipeline.page") / "static"
    return {
        name: hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest()[:16] for name in STATIC_FILES
    }


def in_words(sentence: Sentence) -> str:
    """A sentence that exists in both languages, in the current one."""
    return current_wording().of(sentence)


def _worded(text: str) -> str:
    """A stored text of the current language in the words that the profile chooses."""
    return current_wording().in_words(text)


def _translated(text: str) -> str:
    # gettext answers an empty text with the head of its catalogue.
    return gettext(text) if text else text


def written(message: Message) -> str:
    """A message in the current language."""
    return message.text(current_formatter())


def _money(amount: Decimal | None, currency: str) -> str:
    return NO_VALUE if amount is None else current_formatter().money(amount, currency)


def _number(value: Decimal | int) -> str:
    return current_formatter().number(value)


def _instant(instant: datetime | None, profile: Profile) -> str:
    return NO_VALUE if instant is None else current_formatter().instant(instant, profile.timezone)


def _day(day: date | None) -> str:
    return NO_VALUE if day is None else current_formatter().day(day)


def _period(first: date | None, last: date | None) -> str:
    return "" if first is None or last is None else current_formatter().period(Period(first, last))


def _duration(seconds: float | None) -> str:
    return NO_VALUE if seconds is None else current_formatter().duration(seconds)


def _crm_order(order_id: int, profile: Profile) -> str | None:
    return order_address(profile.keycrm_url, order_id)


def _kind_of_value(value: Any) -> str:
    """How a value of a payload is drawn: `object`, `list`, `empty` or `text`."""
    if value is None or value in ("", [], {}):
        return "empty"
    return "object" if isinstance(value, Mapping) else "list" if isinstance(value, list) else "text"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("keycrm_pipeline.page"),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The extension adds this method.
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters |= {
        "money": _money,
        "number": _number,
        "day": _day,
        "month": lambda day: current_formatter().whole_month(day),
        "written_day": lambda written: _day(None if written is None else date.fromisoformat(written)),
        "instant": _instant,
        "duration": _duration,
        "details": lambda item: _worded(item.text(current_formatter())),
        "message": lambda message: _worded(written(message)),
        "reasons": lambda record: [_worded(text) for text in record.reason_texts(current_formatter())],
        "error": lambda exchange: exchange.error_text(current_formatter()),
        # Constants of the code; what stands in a template itself is written there as `_("…")`.
        "translated": _translated,
        "or_dash": lambda text: NO_VALUE if text is None or text == "" else text,
        "kind_of_value": _kind_of_value,
    }
    environment.globals |= {
        "period": _period,
        "crm_order": _crm_order,
        "static": lambda name: f"/static/{name}?v={static_digests()[name]}",
        "language": current_language,
        "product_kinds": PRODUCT_KINDS,
        "service_kinds": SERVICE_KINDS,
        "movement_names": MOVEMENTS,
        "parcel_states": PARCEL_STATES,
        "status_groups": STATUS_GROUPS,
        "step_states": STEP_STATES,
        "reconciliation_kinds": RECONCILIATION_WORDS,
        "exchange_kinds": EXCHANGE_KINDS,
        "exchange_outcomes": EXCHANGE_OUTCOMES,
        "document_parts": DOCUMENT_PARTS,
        "payment_states": PAYMENT_STATES,
        "payment_statuses": PAYMENT_STATUSES,
        "payment_kinds": PAYMENT_KINDS,
        "receipt_issuers": RECEIPT_ISSUERS,
    }
    return environment


def prepare() -> None:
    """Compiles the templates and loads what the first page would otherwise wait for, half a second."""
    environment = _environment()
    for name in environment.list_templates(filter_func=lambda name: name.endswith(".j2")):
        environment.get_template(name)
    static_digests()
    for language in LANGUAGES:
        with speaking(language):
            ngettext("order", "orders", 1)
            current_formatter().instant(datetime.now(UTC), "UTC")
            _money(Decimal(1), "UAH")


def render(request: Request, template: str, status_code: int = 200, **content: Any) -> HTMLResponse:
    """A page, or a part of one.

    Args:
        request: The request; its visitor's token goes into every form.
        template: Name of the template, without its ending.
        status_code: Status of the answer.
        content: What the template shows.
    """
    state = request.app.state
    text = (
        _environment()
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
