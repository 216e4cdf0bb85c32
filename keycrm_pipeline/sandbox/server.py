"""The demo shop as a real HTTP server, for programs other than this process.

What belongs here: sockets, threads, signals, and the control routes by which a test in another process
changes the shop and switches faults on. What does not: what KeyCRM answers (`api`).

The control routes, outside `/v1` and without a key, because the server is only ever reached from this machine
unless somebody says otherwise: `POST /sandbox/faults` (JSON of the switches of `Faults`; `{}` switches all
off), `POST /sandbox/orders` (a whole order is added; `{"id": 1, "changes": {...}}` changes one),
`DELETE /sandbox/orders/{id}`, and `GET /sandbox/requests` (how many requests were made, and which).
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
"""How long a connection that asks nothing is kept."""
_POLL_SECONDS: Final = 0.05
"""How often the listening thread looks whether it shall end; what closing a server costs a test."""


class SandboxPortError(Exception):
    """The server cannot listen on the port it was given; the message says why and what to do."""


class SandboxServer:
    """A sandbox that listens on a port, for the time of a `with` block.

    Args:
        api: The sandbox.
        host: The address to listen on; the default is reached from this machine only.
        port: The port; 0 takes a free one.

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
        """The base address a client is given, `/v1` included."""
        return f"http://{self.host}:{self.port}{API_ROOT}"

    @property
    def control_url(self) -> str:
        """Where the control routes begin."""
        return f"http://{self.host}:{self.port}{_CONTROL_ROOT.rstrip('/')}"

    def __enter__(self) -> Self:
        """Start to answer, in threads of its own."""
        self._is_serving = True
        self._thread = threading.Thread(target=self.serve_forever, name="sandbox-server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once; requests still under way lose their connection."""
        self.close()

    def serve_forever(self) -> None:
        """Answer until `close` is called from another thread."""
        self._is_serving = True
        self._server.serve_forever(poll_interval=_POLL_SECONDS)

    def close(self) -> None:
        """Stop answering, cut what is still open, and free the port."""
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
        """Hold an answer back; true when the server is being closed meanwhile."""
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
    """The listening socket; one daemon thread a connection, none of which holds up the end of the process."""

    daemon_threads = True
    block_on_close = False
    # On Linux this lets a port be used again right after its server went, and still refuses one that is in
    # use.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], owner: SandboxServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client that went away go quietly; anything else is a fault of the sandbox and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection, kept open for as many requests as the client likes."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    # Header and body of an answer leave in two writes; waiting for the client's acknowledgement between them
    # would add 40 ms to every page.
    disable_nagle_algorithm = True
    server: _HttpServer

    def setup(self) -> None:
        """Begin a connection."""
        super().setup()
        self.server.owner.opened(self.connection)

    def finish(self) -> None:
        """End a connection."""
        self.server.owner.finished(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the requests are in the API's log."""

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
    """End a connection in both directions now, whoever is still reading from it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was quicker.
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
            f"Port {port} on {host} is in use by another program. Stop it or choose another one with --port."
        )
    if number == errno.EACCES:
        return f"Port {port} on {host} may not be used by this user. Choose a port above 1023 with --port."
    return f"Cannot listen on {host}:{port}: {error}. Choose another port with --port."


def run_sandbox_server(
    port: int, *, requests_per_minute: int | None = None, orders_per_day: int = ORDERS_PER_DAY
) -> None:
    """Run the demo shop as a server until Ctrl-C or SIGTERM, on the real clock; the address is printed first.

    Args:
        port: The port on this machine; 0 takes a free one.
        requests_per_minute: The rate limit; none unless given.
        orders_per_day: How many orders a usual day of the shop has.

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
            print(f"The demo shop answers at {server.url} with any API key. Ctrl-C ends it.", flush=True)
            stop.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
