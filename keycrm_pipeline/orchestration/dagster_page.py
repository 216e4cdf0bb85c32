"""Dagster's page as `keycrm-pipeline up` starts it: `python -m keycrm_pipeline.orchestration.dagster_page`.

Dagster's own command answers every Host and every origin, and its `/graphql` also changes things by GET, so any site
that a browser of this machine opens could start and stop runs with a picture. Here the webserver has our middleware
around it, and is otherwise the same.

What is not here: how the webserver is given its middleware (`dagster_internals`), and the exchange page (`page`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keycrm_pipeline.other_sites import THIS_MACHINE, RefuseOtherSites

MODULE = "keycrm_pipeline.orchestration.dagster_page"
HOST_NAME = "--host-name"
_GRAPHQL = "/graphql"
_QUESTIONS = ("application/json", "application/graphql")
"""Media types of a question; a browser sends none of them to another site without asking that site first."""


class QuestionsByPost:
    """ASGI middleware: `/graphql` takes questions by POST alone, and nothing of Dagster's is shown in a foreign frame.

    It also holds for old browsers, which do not say that a picture's address belongs to another site.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses a question, or lets it through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refused = _refused(scope)
        if refused is not None:
            await refused(scope, receive, send)
            return

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("x-frame-options", "SAMEORIGIN")
            await send(message)

        await self._app(scope, receive, answered)


def _refused(scope: Scope) -> PlainTextResponse | None:
    if not scope["path"].rstrip("/").endswith(_GRAPHQL):
        return None
    if scope["method"] != "POST":
        # Without a question it is the page on which people try their own.
        has_question = "query" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return PlainTextResponse("Ask by POST.", 405, {"allow": "POST"}) if has_question else None
    media_type = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
    return None if media_type in _QUESTIONS else PlainTextResponse("Send the question as JSON.", 415)


def middleware(host_names: Sequence[str] = ()) -> list[Middleware]:
    """What stands around Dagster's page, the outermost first.

    Args:
        host_names: Names besides those of this machine by which browsers call it, such as that of a proxy.
    """
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=[*THIS_MACHINE, *host_names], www_redirect=False),
        Middleware(
            RefuseOtherSites,
            text="Another site sent this request, so it was not done.",
            host_names=host_names,
            without_links=(_GRAPHQL,),
        ),
        Middleware(QuestionsByPost),
    ]


def main(arguments: Sequence[str]) -> None:
    """Serves the page until it is stopped.

    Args:
        arguments: Those of `dagster-webserver`; `--host-name=NAME` before them, as often as needed, is ours.
    """
    from keycrm_pipeline.orchestration.dagster_internals import serve_dagster_page

    prefix = f"{HOST_NAME}="
    host_names = [argument.removeprefix(prefix) for argument in arguments if argument.startswith(prefix)]
    serve_dagster_page(
        middleware(host_names), [argument for argument in arguments if not argument.startswith(prefix)]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
