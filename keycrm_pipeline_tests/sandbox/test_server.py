"""The shop as a real server: sockets, keep-alive, real faults, command."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from keycrm_pipeline.sandbox.server import SandboxPortError, SandboxServer
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.sandbox.asking import EVERYTHING, KEY, NOW
from keycrm_pipeline_tests.scripted_api import ScriptedApi


@pytest.fixture
def api(empty_shop: EditableShop) -> ScriptedApi:
    """The API of an empty shop."""
    return ScriptedApi(empty_shop)


@pytest.fixture
def server(api: ScriptedApi) -> Iterator[SandboxServer]:
    """A running server of that API."""
    with SandboxServer(api) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    """A client of the running server."""
    with httpx.Client(base_url=server.url, headers=KEY, timeout=10) as opened:
        yield opened


def test_the_server_gives_what_the_shop_in_process_gives() -> None:
    """The demo shop is the same with and without a server, byte for byte."""
    shop = EditableShop(lambda: NOW)
    query: list[tuple[str, str]] = [
        ("limit", "50"),
        ("sort", "id"),
        ("include", EVERYTHING),
        ("filter[status_id]", "8"),
    ]
    api = ScriptedApi(shop)
    with SandboxServer(api) as server, httpx.Client(base_url=server.url, headers=KEY) as client:
        served = client.get("/order", params=dict(query))
    assert served.content == api.handle("GET", "/v1/order", query, KEY).body
    assert len(served.json()["data"]) > 5
    assert served.json()["path"] == f"{server.url}/order"


def test_one_connection_serves_many_requests(server: SandboxServer) -> None:
    """A connection per page would cost a handshake each."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n\r\n")
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            assert head.startswith(b"HTTP/1.1 200 ")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = b""
            while len(body) < length:
                body += connection.recv(length - len(body))


def test_a_dropped_connection_is_really_closed(api: ScriptedApi, client: httpx.Client) -> None:
    """The client gets a disconnect without a byte and can reconnect."""
    api.faults.dropped_connections = 1
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/order")
    assert client.get("/order").status_code == 200


def test_cut_off_json_arrives_whole_by_its_length(api: ScriptedApi, client: httpx.Client) -> None:
    """The connection is intact, only the JSON is not."""
    api.faults.cut_off_bodies = 1
    answer = client.get("/users")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()


def test_a_slow_page_really_waits(api: ScriptedApi, client: httpx.Client) -> None:
    """A delay of a tenth of a second is measurable."""
    api.faults.slow_seconds, api.faults.slow_requests = 0.1, 1
    begun = time.monotonic()
    assert client.get("/order").status_code == 200
    assert time.monotonic() - begun >= 0.1


def test_a_request_under_way_does_not_hold_up_the_end(empty_shop: EditableShop) -> None:
    """A test that ends while a page is delayed by a minute does not take a minute."""
    api = ScriptedApi(empty_shop)
    api.faults.slow_seconds = 60
    arrived = threading.Event()
    api.faults.on_page = lambda _page, _path: arrived.set()
    failures: list[Exception] = []

    def ask(url: str) -> None:
        try:
            httpx.get(f"{url}/order", headers=KEY, timeout=30)
        except httpx.HTTPError as error:
            failures.append(error)

    with SandboxServer(api) as server:
        asker = threading.Thread(target=ask, args=(server.url,))
        asker.start()
        assert arrived.wait(10)
        begun = time.monotonic()
    asker.join(10)
    assert time.monotonic() - begun < 10
    assert not asker.is_alive()
    assert len(failures) == 1


def test_a_port_in_use_is_refused_in_words(api: ScriptedApi, server: SandboxServer) -> None:
    """The message tells the user what to do."""
    with pytest.raises(SandboxPortError, match=rf"Port {server.port} .* is in use .*--port"):
        SandboxServer(api, port=server.port)
    with pytest.raises(SandboxPortError, match="another port"):
        SandboxServer(api, port=70_000)


def test_a_closed_port_is_free_at_once(empty_shop: EditableShop) -> None:
    """The shop can be stopped and started again on its port at once."""
    with SandboxServer(ScriptedApi(empty_shop)) as first:
        httpx.get(f"{first.url}/users", headers=KEY)
    with SandboxServer(ScriptedApi(empty_shop), port=first.port) as second:
        assert httpx.get(f"{second.url}/users", headers=KEY).status_code == 200


def test_a_server_that_never_began_can_be_closed(empty_shop: EditableShop) -> None:
    """Closing does not wait for a loop that never ran."""
    server = SandboxServer(ScriptedApi(empty_shop))
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/users", headers=KEY)


@pytest.mark.parametrize(
    ("number", "options", "date"),
    [
        (signal.SIGINT, [], "created_at"),
        (signal.SIGTERM, ["--created-between", "ordered_at"], "ordered_at"),
    ],
)
def test_the_command_prints_its_address_and_ends_on_a_signal(
    number: signal.Signals, options: list[str], date: str
) -> None:
    """Ctrl-C and `kill` both stop it with exit code 0 and nothing on stderr; the shop is as requested."""
    program = "from keycrm_pipeline.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program, "sandbox", "--port", "0", "--orders-per-day", "2", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        url = line.split(" at ")[1].split(" ")[0]
        week = "2026-03-01 22:00:00,2026-03-08 22:00:00"
        rows = httpx.get(f"{url}/order?filter[created_between]={week}", headers=KEY, timeout=20).json()[
            "data"
        ]
        # 7 days of about 2 orders; a usual week of the demo shop has almost 300.
        assert 5 <= len(rows) < 15
        moment = next(row[date] for row in rows if row["ordered_at"] not in (None, row["created_at"]))
        query = {"filter[created_between]": f"{moment},{moment}"}
        (found,) = httpx.get(f"{url}/order", params=query, headers=KEY, timeout=20).json()["data"]
        assert found[date] == moment
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
