"""The login, when the page has a password."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from keycrm_pipeline.language import _
from keycrm_pipeline.page.passwords import Attempts, read_password
from keycrm_pipeline.page.rendering import render
from keycrm_pipeline.page.security import LOGIN, Visitors
from keycrm_pipeline.page.shops import page_settings


def login(request: Request) -> Response:
    """The form."""
    if page_settings(request).password_file is None:
        return RedirectResponse("/", 303)
    return render(request, "login", problem="")


def check_login(request: Request) -> Response:
    """Compares the password; the right one gives the browser a new cookie.

    Raises:
        PageError: The password file has been damaged meanwhile.
    """
    page = page_settings(request)
    if page.password_file is None:
        return RedirectResponse("/", 303)
    visitors: Visitors = request.app.state.visitors
    attempts: Attempts = request.app.state.attempts
    now = page.clock()
    address = request.client.host if request.client else ""
    if attempts.must_wait(address, now):
        return render(
            request, "login", 429, problem=_("Too many attempts. Wait a quarter of an hour and try again.")
        )
    # Counted first: many attempts at once must not pass together while the hash is computed.
    attempts.record_wrong(address, now)
    if not read_password(page.password_file).matches(request.state.form.get("password", "")):
        return render(request, "login", 403, problem=_("That is not the password."))
    attempts.forget(address)
    # A cookie that somebody planted before the login must not be worth anything after it.
    visitors.log_out(request.state.visitor)
    request.state.set_cookie = visitors.new()
    visitors.log_in(request.state.set_cookie, now)
    return RedirectResponse("/", 303)


def logout(request: Request) -> Response:
    """Forgets that this browser gave the password."""
    visitors: Visitors = request.app.state.visitors
    visitors.log_out(request.state.visitor)
    return RedirectResponse(LOGIN, 303)
