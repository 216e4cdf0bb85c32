"""Refuses what the page of another site makes a browser of this machine send, for both of our pages.

A browser lets any page send requests to 127.0.0.1 and adds the cookies and the network position of its user. It says
where a request comes from in `Sec-Fetch-Site` and `Origin`; programs that are no browser say nothing and are answered.

What is not here: the Host header, which is Starlette's `TrustedHostMiddleware`, and the tokens of our forms
(`page.security`).
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
"""Names by which browsers of this machine call a page of it."""


class RefuseOtherSites:
    """ASGI middleware: answers requests and websockets that another site sent with 403.

    Following a link from another site stays possible, since it only shows a page in a window of its own. Frames,
    pictures, scripts, forms, `fetch` and websockets of other sites are refused; so are those of another port of this
    machine, which a browser calls the same site.
    """

    def __init__(
        self,
        app: ASGIApp,
        text: str,
        host_names: Collection[str] = (),
        without_links: Collection[str] = (),
    ) -> None:
        """Wraps an application.

        Args:
            app: The application.
            text: What a refused request is answered.
            host_names: Names by which browsers call the page when a proxy in front of it does not pass their Host on.
            without_links: Ends of paths that are no pages, so that not even a link from another site leads there.
        """
        self._app = app
        self._text = text
        self._host_names = frozenset(name.lower() for name in host_names)
        self._without_links = tuple(without_links)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a request or lets it through."""
        if scope["type"] in ("http", "websocket") and self._is_foreign(scope):
            await PlainTextResponse(self._text, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and not self._is_own(origin, headers.get("host", "")):
            return True
        if headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none"):
            return False
        is_link = (
            scope["type"] == "http"
            and scope["method"] in ("GET", "HEAD")
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        return not is_link or scope["path"].rstrip("/").endswith(self._without_links)

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
            name = parts.hostname
        except ValueError:
            return False
        return parts.netloc.lower() == host.lower() or name in self._host_names
