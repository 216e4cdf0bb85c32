"""A small real HTTP server on loopback that pages lists like KeyCRM, with faults and changes on demand.

What belongs here: just enough of the API to test the client over real sockets. What does not: a shop (that is
the sandbox, with its own tests).
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "marker-key-5f0c9a"


@dataclass(frozen=True)
class SeenRequest:
    """One request as the server saw it."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    in_flight: int


@dataclass(frozen=True)
class Reply:
    """What the server sends instead of the list.

    Attributes:
        status: The status of the answer.
        body: The body of the answer.
        headers: More headers.
        drop: The connection is closed without an answer.
        cut: Only half of the body is sent.
        endless: Sent again and again, after `body` and without status or headers, until the client goes away.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    cut: bool = False
    endless: bytes = b""


class LoopbackCrm:
    """The server, and the lists it pages.

    Attributes:
        lists: Route -> rows in the order in which they are paged.
        faults: Replies to give first, one per request.
        before: Called before each answer with the number of the request (from 1) and the request.
        envelope: Changes the envelope of a list before it is sent.
        page_seconds: How long an answer takes.
    """

    def __init__(self) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {"/order": []}
        self.faults: list[Reply] = []
        self.before: Callable[[int, SeenRequest], None] = lambda _number, _request: None
        self.filtered: Callable[[str, dict[str, str], list[dict[str, Any]]], list[dict[str, Any]]] = (
            lambda _route, _query, rows: rows
        )
        self.envelope: Callable[[dict[str, Any]], None] = lambda _envelope: None
        self.page_seconds = 0.0
        self.requests: list[SeenRequest] = []
        self._in_flight = 0
        self._lock = threading.Lock()
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                crm._answer(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> LoopbackCrm:
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop serving; the port is free again."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def pages_requested(self) -> list[int]:
        return [int(request.query["page"]) for request in self.requests]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        with self._lock:
            self._in_flight += 1
            request = SeenRequest(
                parts.path.removeprefix("/v1"),
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in handler.headers.items()},
                self._in_flight,
            )
            self.requests.append(request)
            self.before(len(self.requests), request)
            reply = self.faults.pop(0) if self.faults else self._listed(request)
        if self.page_seconds:
            # A slow page really takes its time; the tests themselves do not wait.
            time.sleep(self.page_seconds)
        with self._lock:
            self._in_flight -= 1
        if reply.drop:
            handler.close_connection = True
            return
        if reply.endless:
            handler.close_connection = True
            self._send_endlessly(handler, reply)
            return
        handler.send_response(reply.status)
        handler.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
        handler.close_connection = handler.close_connection or reply.cut

    def _send_endlessly(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        with contextlib.suppress(OSError):
            handler.wfile.write(reply.body)
            while True:
                handler.wfile.write(reply.endless)
                # Slowly, as a broken proxy does; the client is faster to give up.
                time.sleep(0.02)

    def _listed(self, request: SeenRequest) -> Reply:
        if request.path not in self.lists:
            return Reply(404, b'{"message": "Not found."}')
        rows = self.filtered(request.path, request.query, self.lists[request.path])
        page, limit = int(request.query["page"]), min(50, int(request.query.get("limit", "15")))
        data = rows[(page - 1) * limit : page * limit]
        last_page = max(1, -(-len(rows) // limit))
        envelope = {
            "total": len(rows),
            "current_page": page,
            "per_page": limit,
            "last_page": last_page,
            "next_page_url": f"{self.url}{request.path}?page={page + 1}" if page < last_page else None,
            "data": data,
        }
        self.envelope(envelope)
        return Reply(body=json.dumps(envelope, ensure_ascii=False).encode())
