"""The demo shop as a real HTTP server, for other processes.

This module has the sockets, threads and signals. The responses of KeyCRM's API are in `api`.
"""

import errno
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType, TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from keycrm_pipeline.language import _
from keycrm_pipeline.sandbox.api import API_ROOT, SandboxApi
from keycrm_pipeline.sandbox.shop import ORDERS_PER_DAY, CreatedBetween, Shop

_LOOPBACK: Final = "127.0.0.1"
"""The server is reachable from this machine only."""
_IDLE_SECONDS: Final = 30.0
"""How long an idle connection is kept."""
_POLL_SECONDS: Final = 0.05
"""How often the listening thread checks whether to stop; closing a server takes a test this long."""


class SandboxPortError(Exception):
    """The server cannot listen on its port; the message says why and what to do."""


class SandboxServer:
    """A sandbox that listens on a port while a `with` block runs.

    Args:
        api: The sandbox.
        port: The port; 0 for any free port.

    Raises:
        SandboxPortError: The port is in use or may not be used.
    """

    def __init__(self, api: SandboxApi, port: int = 0) -> None:
        self.api = api
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        try:
            self._server = _HttpServer((_LOOPBACK, port), self)
        except (OSError, OverflowError) as error:
            raise SandboxPortError(_port_problem(port, error)) from error
        self._thread: threading.Thread | None = None
        self.port = int(self._server.server_address[1])
        self.api.public_url = self.url

    @property
    def url(self) -> str:
        """The base URL for clients, including `/v1`."""
        return f"http://{_LOOPBACK}:{self.port}{API_ROOT}"

    def __enter__(self) -> Self:
        """Start serving in the server's own threads."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="sandbox-server", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once; requests in progress lose their connection."""
        self.close()

    def close(self) -> None:
        """Stop serving, cut open connections and free the port."""
        if self._thread is not None:
            self._server.shutdown()
        self._server.server_close()
        with self._connections_lock:
            for connection in self._connections:
                _cut(connection)
        if self._thread is not None:
            self._thread.join()

    def opened(self, connection: socket.socket) -> None:
        """Remember a connection, so that closing the server can cut it."""
        with self._connections_lock:
            self._connections.add(connection)

    def finished(self, connection: socket.socket) -> None:
        """Forget a connection that has ended."""
        with self._connections_lock:
            self._connections.discard(connection)


class _HttpServer(ThreadingHTTPServer):
    """The listening socket; one daemon thread per connection, so that none keeps the process running."""

    daemon_threads = True
    block_on_close = False
    # On Linux this lets a port be reused right after its server has stopped, and still refuses one in use.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], owner: SandboxServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; anything else is a bug of the sandbox and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept open for any number of requests."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # The headers and the body of a response are two writes; waiting for the client's acknowledgement in
    # between would add 40 ms to every page.
    disable_nagle_algorithm = True
    server: _HttpServer

    def setup(self) -> None:
        """Register a new connection."""
        super().setup()
        self.server.owner.opened(self.connection)

    def finish(self) -> None:
        """Unregister a connection that has ended."""
        self.server.owner.finished(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Print nothing: the requests are in the API's log."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._respond()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names given by the base class

    def _respond(self) -> None:
        # A body that nobody reads would be taken for the next request of the connection.
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = parse_qsl(parts.query, keep_blank_values=True)
        answer = self.server.owner.api.handle(self.command, parts.path, query, dict(self.headers.items()))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


def _cut(connection: socket.socket) -> None:
    """Close a connection in both directions now, even if someone is reading from it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The client has already closed it.
        return


def _port_problem(port: int, error: Exception) -> str:
    """Why a port cannot be listened on, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return _(
            "Port {port} on {host} is in use by another program. Stop it or choose another port with --port.",
            port=port,
            host=_LOOPBACK,
        )
    if number == errno.EACCES:
        return _(
            "This user may not listen on port {port} of {host}. Choose a port above 1023 with --port.",
            port=port,
            host=_LOOPBACK,
        )
    return _(
        "Cannot listen on {host}:{port}: {reason}. Choose another port with --port.",
        host=_LOOPBACK,
        port=port,
        reason=error,
    )


def run_sandbox_server(
    port: int,
    *,
    requests_per_minute: int | None = None,
    orders_per_day: int = ORDERS_PER_DAY,
    created_between: CreatedBetween = "created_at",
) -> None:
    """Print the address and serve the demo shop, on the real clock, until Ctrl-C or SIGTERM.

    Args:
        port: The port on this machine; 0 for any free port.
        requests_per_minute: The rate limit; None for no limit.
        orders_per_day: Number of orders on a usual day of the shop.
        created_between: The date that the filter of that name goes by.

    Raises:
        SandboxPortError: The port is in use or may not be used.
    """
    shop = Shop(orders_per_day=orders_per_day, created_between=created_between)
    server = SandboxServer(SandboxApi(shop, requests_per_minute=requests_per_minute), port=port)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server:
            print(
                _(
                    "The demo shop is at {address} and accepts any API key. Press Ctrl-C to stop.",
                    address=server.url,
                ),
                flush=True,
            )
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
