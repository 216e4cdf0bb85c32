"""Документи: the list of orders with its filter and search, and one order as the accountant knows it.

What people type is kept out of addresses: the name of a buyer, a phone, a user, a legal entity (`searches`).
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _
from keycrm_pipeline.page.rendering import query, render
from keycrm_pipeline.page.searches import Searches
from keycrm_pipeline.page.shops import (
    NotFoundError,
    WrongEntryError,
    identifier,
    read_day,
    read_number,
    reading,
    workspace_of,
)
from keycrm_pipeline.warehouse.page import OrderFilter, OrderPlace, choices, order_page, read_order

_COST_KEYS = frozenset({"purchased_price", "margin_sum"})
"""Keys of an order, its lines and their offers."""

PRIVATE = ("text", "responsible", "organisation")
"""Fields of the form that never stand in an address."""


def documents(request: Request) -> Response:
    """The list of orders."""
    workspace = workspace_of(request)
    given = request.query_params
    searches: Searches = request.app.state.searches
    private = searches.find(given.get("search"))
    problem = ""
    if given.get("search") and private is None:
        problem = _("This search is forgotten (the page was restarted). Enter it again.")
    private = private or {}
    first = last = None
    try:
        first = read_day(given.get("from", ""), _("First day"))
        last = read_day(given.get("to", ""), _("Last day"))
    except WrongEntryError as error:
        problem = str(error)
    chosen = OrderFilter(
        first_day=first,
        last_day=last,
        stage=given.get("stage") or None,
        source_id=read_number(given.get("source")),
        responsible=private.get("responsible"),
        organisation=private.get("organisation"),
        partner_id=read_number(given.get("partner")),
        with_difference=bool(given.get("difference")),
        text=private.get("text"),
        product_id=read_number(given.get("product")),
    )
    with reading(workspace) as connection:
        found = order_page(connection, chosen, _place(given.get("after")))
        known = choices(connection)
    kept = [
        (name, given.get(name))
        for name in ("from", "to", "stage", "source", "difference", "search", "partner", "product")
    ]
    following = (
        query(request.url.path, [*kept, ("after", f"{found.after.order_day}_{found.after.order_id}")])
        if found.after
        else None
    )
    return render(
        request,
        "documents",
        profile=workspace.profile,
        found=found,
        chosen=chosen,
        known=known,
        following=following,
        is_first=not given.get("after"),
        first_page=query(request.url.path, kept),
        problem=problem,
    )


def search_documents(request: Request) -> Response:
    """Takes the form of the list and leads to the page with its result."""
    workspace = workspace_of(request)
    form: dict[str, str] = request.state.form
    searches: Searches = request.app.state.searches
    number = searches.keep({name: form.get(name, "") for name in PRIVATE})
    address = query(
        f"/profiles/{workspace.profile.name}/documents",
        [
            *((name, form.get(name, "").strip()[:100]) for name in ("from", "to", "stage", "source")),
            ("difference", 1 if form.get("difference") else None),
            *((name, read_number(form.get(name))) for name in ("partner", "product")),
            ("search", number),
        ],
    )
    return RedirectResponse(address, 303)


def document(request: Request) -> Response:
    """One order, in the books or rejected, with what KeyCRM sent.

    Raises:
        NotFoundError: Nothing is known about the order.
    """
    workspace = workspace_of(request)
    order_id = identifier(request, "order_id")
    with reading(workspace) as connection:
        found = read_order(connection, order_id)
    if found.header is None and found.payload is None:
        raise NotFoundError
    return render(
        request,
        "document",
        profile=workspace.profile,
        order_id=order_id,
        order=found,
        payload=_readable(found.payload, with_cost=workspace.profile.show_cost),
    )


def _readable(payload: str | None, *, with_cost: bool) -> Any:
    """The payload with numbers as they were sent; its text if it is no JSON, as a rejected record may be.

    Without what the shop paid and earns, unless the profile shows that.
    """
    if payload is None:
        return None

    def shown(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if with_cost or name not in _COST_KEYS}

    try:
        return json.loads(payload, parse_float=Decimal, object_hook=shown)
    except (ValueError, RecursionError):
        return payload


def _place(text: str | None) -> OrderPlace | None:
    """Where a page of the list begins; the first page if the address is damaged."""
    day, _, number = (text or "").partition("_")
    order_id = read_number(number)
    try:
        return OrderPlace(date.fromisoformat(day), order_id) if order_id is not None else None
    except ValueError:
        return None
