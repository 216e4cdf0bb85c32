"""Puts the page together: routes, guards, and how each problem is shown.

What is not here: how it is served (`server`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import resources

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keycrm_pipeline.language import _, speaking
from keycrm_pipeline.orchestration.remote import DagsterError, DagsterSlowError, DagsterUnreachableError
from keycrm_pipeline.other_sites import RefuseOtherSites
from keycrm_pipeline.page import (
    attention,
    cards,
    connection,
    documents,
    exchanges,
    files,
    loading,
    login,
    month,
    new_profile,
    profile_settings,
    profiles,
    rebuild,
    reconciliation,
)
from keycrm_pipeline.page.kept_settings import KeptSettings
from keycrm_pipeline.page.passwords import Attempts
from keycrm_pipeline.page.presses import Presses, pressed_once
from keycrm_pipeline.page.rendering import STATIC_FILES, render, written
from keycrm_pipeline.page.searches import Searches
from keycrm_pipeline.page.security import Guard, Visitors
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline.page.shops import NotFoundError, WrongEntryError
from keycrm_pipeline.page.speech import language_without_profile, spoken
from keycrm_pipeline.profile import ProfileError
from keycrm_pipeline.run.errors import unexpected
from keycrm_pipeline.sentences import MessageError
from keycrm_pipeline.warehouse.errors import DatabaseBusyError, DatabaseMissingError, WarehouseError

_LOG = logging.getLogger(__name__)

_PROFILE = "/profiles/{profile}"
_MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def _static(request: Request) -> Response:
    """A file of `static`; its address holds its digest, so browsers keep it."""
    name = request.path_params["name"]
    if name not in STATIC_FILES:
        raise NotFoundError
    content = (resources.files("keycrm_pipeline.page") / "static" / name).read_bytes()
    media_type = _MEDIA_TYPES[name[name.rindex(".") :]]
    return Response(
        content, media_type=media_type, headers={"cache-control": "public, max-age=31536000, immutable"}
    )


def _routes() -> list[Route]:
    def get(path: str, endpoint: Callable[[Request], Response]) -> Route:
        return Route(path, spoken(endpoint), methods=["GET"])

    def post(path: str, endpoint: Callable[[Request], Response]) -> Route:
        return Route(path, spoken(endpoint), methods=["POST"])

    def press(path: str, endpoint: Callable[[Request], Response]) -> Route:
        return post(path, pressed_once(endpoint))

    return [
        get("/", profiles.profiles),
        Route("/static/{name}", _static, methods=["GET"]),
        get(new_profile.PATH, new_profile.new_profile),
        press(new_profile.PATH, new_profile.change_new_profile),
        get("/login", login.login),
        post("/login", login.check_login),
        post("/logout", login.logout),
        get(f"{_PROFILE}/load", loading.load),
        press(f"{_PROFILE}/load", loading.start_load),
        get(f"{_PROFILE}/runs/{{run_id:uuid}}", loading.run_page),
        get(f"{_PROFILE}/runs/{{run_id:uuid}}/progress", loading.run_progress),
        press(f"{_PROFILE}/runs/{{run_id:uuid}}/stop", loading.stop_run),
        get(f"{_PROFILE}/documents", documents.documents),
        post(f"{_PROFILE}/documents", documents.search_documents),
        get(f"{_PROFILE}/documents/{{order_id:int}}", documents.document),
        press(f"{_PROFILE}/documents/{{order_id:int}}/load", loading.load_order),
        get(f"{_PROFILE}/partners", cards.partners),
        get(f"{_PROFILE}/partners/{{partner_id:int}}", cards.partner),
        get(f"{_PROFILE}/products", cards.products),
        get(f"{_PROFILE}/products/{{product_id:int}}", cards.product),
        post(f"{_PROFILE}/cards/{{cards}}", cards.search_cards),
        get(f"{_PROFILE}/attention", attention.attention),
        press(f"{_PROFILE}/attention", attention.tick_off),
        press(f"{_PROFILE}/attention/rename", attention.rename),
        get(f"{_PROFILE}/reconciliation", reconciliation.reconciliation),
        post(f"{_PROFILE}/reconciliation", reconciliation.choose_period),
        get(f"{_PROFILE}/exchanges", exchanges.exchanges),
        get(f"{_PROFILE}/rebuild", rebuild.rebuild),
        press(f"{_PROFILE}/rebuild", rebuild.start_rebuild),
        get(f"{_PROFILE}/rebuild/progress", rebuild.rebuild_progress),
        get(f"{_PROFILE}/connection", connection.connection),
        press(f"{_PROFILE}/connection", connection.change_connection),
        get(f"{_PROFILE}/settings/file", profile_settings.only_in_the_file),
        get(f"{_PROFILE}/settings/{{page}}", profile_settings.settings),
        press(f"{_PROFILE}/settings/{{page}}", profile_settings.change_settings),
        get(f"{_PROFILE}/month", month.month),
        post(f"{_PROFILE}/month", month.choose_month),
        get(f"{_PROFILE}/month/{{month}}/download", month.workbook),
        get(f"{_PROFILE}/files", files.files),
        press(f"{_PROFILE}/files/{{kind}}", files.make_file),
        get(f"{_PROFILE}/files/{{number}}/{{way}}", files.download),
    ]


def _problem(request: Request, status_code: int, title: str, text: str, **more: object) -> Response:
    return render(request, "problem", status_code, title=title, text=text, **{"empty": None, **more})


def _not_found(request: Request, _error: Exception) -> Response:
    return _problem(
        request,
        404,
        _("There is no such page"),
        _("The profile may have been renamed, or the address was mistyped."),
    )


def _http_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code != 404:
        return _problem(
            request, error.status_code, _("That does not work"), _("The page knows no such request.")
        )
    return _not_found(request, error)


def _said(error: Exception) -> str:
    """What an error reports, in the current language."""
    return written(error.message) if isinstance(error, MessageError) else str(error)


def _wrong_entry(request: Request, error: Exception) -> Response:
    return _problem(request, 422, _("That does not work"), str(error))


def _profile_problem(request: Request, error: Exception) -> Response:
    return _problem(request, 409, _("The profile has a mistake"), _said(error))


def _books_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, DatabaseMissingError):
        return _problem(
            request,
            200,
            _("Nothing has been loaded yet"),
            _("Documents appear here after the first exchange."),
            empty=request.path_params.get("profile"),
        )
    if isinstance(error, DatabaseBusyError):
        return _problem(
            request,
            503,
            _("The database is being written"),
            _("An exchange or another program is writing documents. Refresh the page in a few seconds."),
        )
    return _problem(request, 503, _("The database could not be read"), _said(error))


def _dagster_problem(request: Request, error: Exception) -> Response:
    if isinstance(error, DagsterUnreachableError):
        return _problem(
            request,
            502,
            _("Dagster does not answer"),
            _(
                "The buttons of this page start Dagster's jobs, and there is no Dagster at {address}. Start everything "
                "with the command make run and try again; nothing is lost.",
                address=request.app.state.page.dagster,
            ),
        )
    if isinstance(error, DagsterSlowError):
        return _problem(
            request,
            504,
            _("Dagster has not answered yet"),
            _(
                "Dagster is busy. It may still do what it was asked: before you press again, look at the pages “Load "
                "orders” and “Exchanges” whether the work has begun."
            ),
        )
    return _problem(request, 502, _("Dagster did not do what it was asked"), str(error))


def _unforeseen(request: Request, error: Exception) -> Response:
    """An error that nobody foresaw: its text may quote a buyer, so neither the page nor the log repeats it."""
    message = unexpected(error).message
    _LOG.error("%s", message)
    return _problem(request, 500, _("Unforeseen error"), written(message))


def create_application(page: PageSettings) -> Starlette:
    """The page as an ASGI application."""
    visitors = Visitors()
    with speaking(language_without_profile(page.settings, "")):
        refused = _("This request was not sent from this page, so nothing was done.")
    application = Starlette(
        routes=_routes(),
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=page.allowed_hosts, www_redirect=False),
            Middleware(
                RefuseOtherSites,
                text=refused,
                host_names=page.host_names,
            ),
            Middleware(Guard, page=page, visitors=visitors, unforeseen=spoken(_unforeseen)),
        ],
        exception_handlers={
            HTTPException: spoken(_http_problem),
            NotFoundError: spoken(_not_found),
            WrongEntryError: spoken(_wrong_entry),
            ProfileError: spoken(_profile_problem),
            WarehouseError: spoken(_books_problem),
            DagsterError: spoken(_dagster_problem),
        },
    )
    application.state.page = page
    application.state.visitors = visitors
    application.state.attempts = Attempts()
    application.state.presses = Presses()
    application.state.searches = Searches()
    application.state.kept_settings = KeptSettings()
    application.state.waiting_profiles = new_profile.WaitingProfiles()
    application.state.trials = rebuild.Trials()
    application.state.last_progress = loading.LastProgress()
    return application
