"""The demo shop in process: an httpx transport, so that a client needs neither a server nor a network.

It passes requests to the API (`api`) and the responses back, including dropped connections and slow pages.
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
        sleep: Waits the given number of seconds before a slow page; a test may pass something faster.
    """

    def __init__(self, api: SandboxApi, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self.api = api
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request.

        Raises:
            httpx.RemoteProtocolError: A fault switch drops the connection.
            httpx.ReadTimeout: A fault switch delays the response beyond the client's timeout.
        """
        answer = self.api.handle(
            request.method, request.url.path, request.url.params.multi_items(), request.headers
        )
        timeout = request.extensions.get("timeout", {}).get("read")
        if answer.delay_seconds:
            is_too_slow = timeout is not None and answer.delay_seconds > timeout
            self._sleep(timeout if is_too_slow else answer.delay_seconds)
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
    """The demo shop of this process, on the real clock."""
    return Shop()


def demo_transport() -> SandboxTransport:
    """A transport to the demo shop of this process, which accepts any non-empty API key."""
    return SandboxTransport(SandboxApi(demo_shop()))
