"""The demo shop in process: an httpx transport, so that a client needs no server and no network.

What belongs here: carrying requests of httpx to the API and its answers back, dropped connections and slow
pages included. What does not: what is answered (`api`).
"""

import time
from collections.abc import Callable
from functools import cache

import httpx

from keycrm_pipeline.sandbox.api import SandboxApi
from keycrm_pipeline.sandbox.shop import Shop


class SandboxTransport(httpx.BaseTransport):
    """Answers the requests of an httpx client from a sandbox, whatever their host. Thread-safe.

    Args:
        api: The sandbox.
        sleep: How a slow page waits, given the seconds; real waiting unless a test has something quicker.
    """

    def __init__(self, api: SandboxApi, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.api = api
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.RemoteProtocolError: The sandbox was told to drop the connection.
            httpx.ReadTimeout: The sandbox was told to answer later than the client is willing to wait.
        """
        answer = self.api.handle(
            request.method, request.url.path, request.url.params.multi_items(), request.headers
        )
        patience = request.extensions.get("timeout", {}).get("read")
        if answer.delay_seconds:
            is_too_slow = patience is not None and answer.delay_seconds > patience
            self._sleep(patience if is_too_slow else answer.delay_seconds)
            if is_too_slow:
                raise httpx.ReadTimeout("The sandbox answers too late.", request=request)
        if answer.is_dropped:
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            )
        return httpx.Response(
            answer.status, headers=dict(answer.headers), content=answer.body, request=request
        )


@cache
def demo_shop() -> Shop:
    """The one demo shop of this process, on the real clock."""
    return Shop()


def demo_transport() -> SandboxTransport:
    """A transport to the one demo shop of this process; every key that is not empty opens it."""
    return SandboxTransport(SandboxApi(demo_shop()))
