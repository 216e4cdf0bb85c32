"""The demo shop as a real HTTP server, for other processes.

This module has the sockets, threads and signals, and the control routes with which a test in another process
changes the shop and switches faults on. The responses of KeyCRM's API are in `api`.

The control routes are outside `/v1` and need no key, because by default the server listens on this machine
only: `POST /sandbox/faults` (JSON of the switches of `Faults`; `{}` switches all off), `POST /sandbox/orders`
(adds a whole order; `{"id": 1, "changes": {...}}` changes one), `DELETE /sandbox/orders/{id}`, and
`GET /sandbox/requests` (the number of requests and their list).
"""

import errno
import json
import signal
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType, TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qsl, urlsplit

from keycrm_pipeline.sandbox.api import API_ROOT, SandboxApi, SandboxResponse
from keycrm_pipeline.sandbox.payloads import Payload, timestamp
from keycrm_pipeline.sandbox.shop import ORDERS_PER_DAY, Shop

LOOPBACK: Final = "127.0.0.1"
_CONTROL_ROOT: Final = "/sandbox/"
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
        host: The address to listen on; the default is reachable from this machine only.
        port: The port; 0 for any free port.

    Raises:
        SandboxPortError: The port is in use or may not be used.
    """

    def __init__(self, api: SandboxApi, host: str = LOOPBACK, port: int = 0) -> None:
        self.api = api
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        try:
            self._server = _HttpServer((host, port), self)
        except (OSError, OverflowError) as error:
            raise SandboxPortError(_port_problem(host, port, error)) from error
        self._is_serving = False
        self._thread: threading.Thread | None = None
        self.host = host
        self.port = int(self._server.server_address[1])
        self.api.public_url = self.url

    @property
    def url(self) -> str:
        """The base URL for clients, including `/v1`."""
        return f"http://{self.host}:{self.port}{API_ROOT}"

    @property
    def control_url(self) -> str:
        """The base URL of the control routes."""
        return f"http://{self.host}:{self.port}{_CONTROL_ROOT.rstrip('/')}"

    def __enter__(self) -> Self:
        """Start serving in the server's own threads."""
        self._is_serving = True
        self._thread = threading.Thread(target=self.serve_forever, name="sandbox-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once; requests in progress lose their connection."""
        self.close()

    def serve_forever(self) -> None:
        """Serve until another thread calls `close`."""
        self._is_serving = True
        self._server.serve_forever(poll_interval=_POLL_SECONDS)

    def close(self) -> None:
        """Stop serving, cut open connections and free the port."""
        self._closing.set()
        if self._is_serving:
            self._server.shutdown()
        self._server.server_close()
        with self._connections_lock:
            for connection in self._connections:
                _cut(connection)
        if self._thread is not None:
            self._thread.join()

    def wait(self, seconds: float) -> bool:
        """Delay a response; True if the server is closed in the meantime."""
        return self._closing.wait(seconds)

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
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        owner = self.server.owner
        if parts.path.startswith(_CONTROL_ROOT):
            answer = _control(owner.api, self.command, parts.path.removeprefix(_CONTROL_ROOT), body)
        else:
            query = parse_qsl(parts.query, keep_blank_values=True)
            answer = owner.api.handle(self.command, parts.path, query, dict(self.headers.items()))
        if answer.delay_seconds and owner.wait(answer.delay_seconds):
            answer = SandboxResponse(0, {}, b"", is_dropped=True)
        if answer.is_dropped:
            self.close_connection = True
            _cut(self.connection)
            return
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


def _control(api: SandboxApi, method: str, path: str, body: bytes) -> SandboxResponse:
    """Answer a control route."""
    try:
        value: Any = json.loads(body) if body else {}
        match method, path.strip("/").split("/"):
            case "POST", ["faults"]:
                if not value:
                    api.faults.clear()
                api.faults.update(value)
                return _control_answer(HTTPStatus.OK, {"faults": repr(api.faults)})
            case "POST", ["orders"] if isinstance(value.get("changes"), dict):
                api.shop.replace_order(value["id"], value["changes"])
                return _control_answer(HTTPStatus.OK, {"id": value["id"]})
            case "POST", ["orders"]:
                return _control_answer(HTTPStatus.CREATED, {"id": api.shop.add_order(value)})
            case "DELETE", ["orders", order_id]:
                existed = api.shop.delete_order(int(order_id))
                status = HTTPStatus.OK if existed else HTTPStatus.NOT_FOUND
                return _control_answer(status, {"id": int(order_id)})
            case "GET", ["requests"]:
                return _control_answer(HTTPStatus.OK, _request_list(api))
            case _:
                return _control_answer(HTTPStatus.NOT_FOUND, {"message": f"no control route {method} {path}"})
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        return _control_answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"message": str(error)})


def _control_answer(status: HTTPStatus, value: Payload) -> SandboxResponse:
    return SandboxResponse(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


def _request_list(api: SandboxApi) -> Payload:
    return {
        "count": api.request_count,
        "requests": [
            {
                "method": record.method,
                "path": record.path,
                "query": [list(pair) for pair in record.query],
                "status": record.status,
                "at": timestamp(record.at),
            }
            for record in api.requests
        ],
    }


def _port_problem(host: str, port: int, error: Exception) -> str:
    """Why a port cannot be listened on, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use by another program. Stop it or choose another port with --port."
        )
    if number == errno.EACCES:
        return f"This user may not listen on port {port} of {host}. Choose a port above 1023 with --port."
    return f"Cannot listen on {host}:{port}: {error}. Choose another port with --port."


def run_sandbox_server(
    port: int, *, requests_per_minute: int | None = None, orders_per_day: int = ORDERS_PER_DAY
) -> None:
    """Print the address and serve the demo shop, on the real clock, until Ctrl-C or SIGTERM.

    Args:
        port: The port on this machine; 0 for any free port.
        requests_per_minute: The rate limit; None for no limit.
        orders_per_day: Number of orders on a usual day of the shop.

    Raises:
        SandboxPortError: The port is in use or may not be used.
    """
    shop = Shop(orders_per_day=orders_per_day)
    server = SandboxServer(SandboxApi(shop, requests_per_minute=requests_per_minute), port=port)
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server:
            print(
                f"The demo shop is at {server.url} and accepts any API key. Press Ctrl-C to stop.", flush=True
            )
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
