"""The demo shop in process: an httpx transport, so that a client needs neither a server nor a network.

It passes requests to the API (`api`) and the responses back.
"""

from functools import cache

import httpx

from keycrm_pipeline.sandbox.api import SandboxApi
from keycrm_pipeline.sandbox.shop import Shop


class SandboxTransport(httpx.BaseTransport):
    """Answers the requests of an httpx client from a sandbox, whatever their host. Thread-safe."""

    def __init__(self, api: SandboxApi) -> None:
        self.api = api

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self.api.handle(
            request.method, request.url.path, request.url.params.multi_items(), request.headers
        )
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )


@cache
def demo_shop() -> Shop:
    """The demo shop of this process, on the real clock."""
    return Shop()


def demo_transport() -> SandboxTransport:
    """A transport to the demo shop of this process, which accepts any non-empty API key."""
    return SandboxTransport(SandboxApi(demo_shop()))
