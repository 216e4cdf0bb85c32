"""Guards every request: headers of the answer, the visitor's cookie, the token of every form, the login.

Every request that changes something is a POST of a form with the token of its visitor. This is checked here for all
routes alike, so that no route can forget it. There is no route for files from a browser, and a form is small.

What is not here: the check of the Host header, which is Starlette's, requests of other sites (`other_sites`), which
`application` puts around this, and the password (`passwords`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keycrm_pipeline.language import _, message
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline.page.speech import spoken

MOST_FORM_BYTES = 512 * 1024
_MOST_FIELDS = 4000
"""A form of settings has two fields for each status and category of an account."""
TOKEN = "token"  # noqa: S105 - the name of a form's field
LOGIN = "/login"
STATIC = "/static/"

LOGGED_IN_FOR = timedelta(hours=12)
"""Since the last request."""
_MOST_VISITORS = 1000

_FORM = "application/x-www-form-urlencoded"
_SAFE = ("GET", "HEAD")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Other sites learn nothing; forms of this page still name their origin.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Names and phones of buyers stay out of the browser's files.
    "cache-control": "no-store",
}
"""Headers of every answer that does not set them itself."""


@dataclass
class Visitors:
    """Browsers by their cookie: whose form it is, and who is logged in.

    Everything is in memory: after a restart of the page people log in again, and a form opened before is refused.
    """

    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _last_seen: OrderedDict[str, datetime] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def new(self) -> str:
        """The cookie of a browser that has none."""
        return secrets.token_urlsafe(32)

    def token(self, visitor: str) -> str:
        """What every form of a visitor contains; nobody can guess it from outside."""
        return hmac.new(self._secret, visitor.encode("utf-8"), hashlib.sha256).hexdigest()

    def log_in(self, visitor: str, now: datetime) -> None:
        """Records that a visitor gave the password."""
        with self._lock:
            self._last_seen[visitor] = now
            while len(self._last_seen) > _MOST_VISITORS:
                self._last_seen.popitem(last=False)

    def log_out(self, visitor: str) -> None:
        """Forgets a visitor."""
        with self._lock:
            self._last_seen.pop(visitor, None)

    def is_logged_in(self, visitor: str, now: datetime) -> bool:
        """Whether a visitor gave the password and was here within the last hours; being here counts."""
        with self._lock:
            seen = self._last_seen.pop(visitor, None)
            if seen is None or now - seen >= LOGGED_IN_FOR:
                return False
            # Put back as the newest.
            self._last_seen[visitor] = now
            return True


class Guard:
    """The middleware around all routes.

    It sets `request.state.visitor` and `request.state.token`, and for a POST `request.state.form`. An error that no
    route foresaw ends here: the server would write its text, which may quote a buyer, into its log.
    """

    def __init__(
        self,
        app: ASGIApp,
        page: PageSettings,
        visitors: Visitors,
        unforeseen: Callable[[Request, Exception], Response],
    ) -> None:
        self._app = app
        self._page = page
        self._visitors = visitors
        self._unforeseen = unforeseen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or lets a route answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        known = request.cookies.get(self._page.cookie, "")
        visitor = known if _is_cookie(known) else self._visitors.new()
        request.state.visitor = visitor
        request.state.token = self._visitors.token(visitor)
        request.state.set_cookie = None if visitor == known else visitor
        refused = await self._refused(request, visitor)
        answered = self._with_headers(request, send)
        if refused is not None:
            await refused(scope, receive, answered)
            return
        try:
            await self._app(scope, receive, answered)
        except Exception as error:  # noqa: BLE001 - shown and logged without its values, whatever it was
            told = self._unforeseen(request, error)
            # An answer that has begun cannot become another one; the browser notices that it is cut short.
            if not request.state.has_begun:
                await told(scope, receive, answered)

    async def _refused(self, request: Request, visitor: str) -> Response | None:
        """The answer to a request that no route may see; None for every other one."""
        path = request.url.path
        if request.method not in (*_SAFE, "POST"):
            return _refusal(request, message("The page knows no such request."), 405)
        if request.method == "POST":
            problem = await self._read_form(request)
            if problem is not None:
                return problem
        if self._page.password_file is None or path.startswith(STATIC) or path == LOGIN:
            return None
        if self._visitors.is_logged_in(visitor, self._page.clock()):
            return None
        if request.headers.get("hx-request"):
            # htmx follows this itself, and shows the login instead of a part of the page.
            return Response(status_code=204, headers={"hx-redirect": LOGIN})
        return RedirectResponse(LOGIN, 303)

    async def _read_form(self, request: Request) -> Response | None:
        """Reads the form of a POST into `request.state.form`; an answer if it is not a form of this page."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
            return _refusal(request, message("The page accepts only its own forms."), 415)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM_BYTES:
                return _refusal(request, message("The form is too large."), 413)
        try:
            fields = parse_qsl(
                body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            return _refusal(request, message("The form could not be read."), 400)
        form = dict(fields)
        given = form.pop(TOKEN, "")
        if not hmac.compare_digest(given.encode("utf-8"), request.state.token.encode("utf-8")):
            return _refusal(
                request,
                message(
                    "The form was opened before the page was restarted, or was not sent from it. Nothing was done: go "
                    "back, refresh the page and send it again."
                ),
                403,
            )
        request.state.form = form
        return None

    def _with_headers(self, request: Request, send: Send) -> Send:
        request.state.has_begun = False

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                request.state.has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                new = request.state.set_cookie
                if new is not None:
                    secure = "; Secure" if request.url.scheme == "https" else ""
                    headers.append(
                        "set-cookie", f"{self._page.cookie}={new}; Path=/; HttpOnly; SameSite=Lax{secure}"
                    )
            await send(message)

        return answered


@spoken
def _refusal(_request: Request, text: str, status_code: int) -> Response:
    return PlainTextResponse(_(text), status_code)


def _is_cookie(value: str) -> bool:
    return 40 <= len(value) <= 64 and value.isascii() and value.replace("-", "").replace("_", "").isalnum()
