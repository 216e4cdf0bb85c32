"""Контрагенти and Номенклатура: the cards of the books, their lists, their variants and their orders."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.kinds import PRODUCT_KIND_NAMES
from keycrm_pipeline.language import _
from keycrm_pipeline.page.rendering import query, render
from keycrm_pipeline.page.searches import Searches
from keycrm_pipeline.page.shops import NotFoundError, identifier, read_number, reading, workspace_of
from keycrm_pipeline.warehouse.page import (
    OrderFilter,
    order_page,
    partner_page,
    product_page,
    read_partner,
    read_product,
)


def partners(request: Request) -> Response:
    """The list of partner cards."""
    workspace = workspace_of(request)
    number, text, problem = _search_of(request)
    after = read_number(request.query_params.get("after"))
    with reading(workspace) as connection:
        found, following = partner_page(connection, text, after)
    return render(
        request,
        "partners",
        profile=workspace.profile,
        found=found,
        text=text or "",
        problem=problem,
        following=query(request.url.path, [("search", number), ("after", following)]) if following else None,
        is_first=after is None,
        first_page=query(request.url.path, [("search", number)]),
    )


def partner(request: Request) -> Response:
    """One partner card with its newest orders.

    Raises:
        NotFoundError: There is no such card.
    """
    workspace = workspace_of(request)
    partner_id = identifier(request, "partner_id")
    with reading(workspace) as connection:
        card = read_partner(connection, partner_id)
        if card is None:
            raise NotFoundError
        orders = order_page(connection, OrderFilter(partner_id=partner_id))
    return render(request, "partner", profile=workspace.profile, card=card, found=orders)


def products(request: Request) -> Response:
    """The list of product cards."""
    workspace = workspace_of(request)
    number, text, problem = _search_of(request)
    kind = request.query_params.get("kind")
    kind = kind if kind in PRODUCT_KIND_NAMES else None
    after = read_number(request.query_params.get("after"))
    with reading(workspace) as connection:
        found, following = product_page(connection, text, kind, after)
    kept = [("search", number), ("kind", kind)]
    return render(
        request,
        "products",
        profile=workspace.profile,
        found=found,
        text=text or "",
        kind=kind,
        problem=problem,
        following=query(request.url.path, [*kept, ("after", following)]) if following else None,
        is_first=after is None,
        first_page=query(request.url.path, kept),
    )


def product(request: Request) -> Response:
    """One product card with its variants and newest orders.

    Raises:
        NotFoundError: There is no such card.
    """
    workspace = workspace_of(request)
    product_id = identifier(request, "product_id")
    with reading(workspace) as connection:
        found = read_product(connection, product_id)
        if found is None:
            raise NotFoundError
        orders = order_page(connection, OrderFilter(product_id=product_id))
    card, variants = found
    return render(request, "product", profile=workspace.profile, card=card, variants=variants, found=orders)


def search_cards(request: Request) -> Response:
    """Takes the form of either list and leads to the page with its result."""
    workspace = workspace_of(request)
    form: dict[str, str] = request.state.form
    searches: Searches = request.app.state.searches
    number = searches.keep({"text": form.get("text", "")})
    cards = request.path_params["cards"]
    if cards not in ("partners", "products"):
        raise NotFoundError
    kind = form.get("kind")
    address = query(
        f"/profiles/{workspace.profile.name}/{cards}",
        [("search", number), ("kind", kind if kind in PRODUCT_KIND_NAMES else None)],
    )
    return RedirectResponse(address, 303)


def _search_of(request: Request) -> tuple[str | None, str | None, str]:
    """The number and the text of the search in the address, and what is wrong with it."""
    number = request.query_params.get("search")
    if not number:
        return None, None, ""
    searches: Searches = request.app.state.searches
    values = searches.find(number)
    if values is None:
        return None, None, _("This search is forgotten (the page was restarted). Enter it again.")
    return number, values.get("text"), ""
