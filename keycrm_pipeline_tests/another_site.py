"""Another site on this machine, whose page does to ours what a site of the internet would do, in a real browser.

What is not here: what must not have happened, which each test looks up.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keycrm_pipeline_tests.browser import Browser


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title>")

    def log_message(self, *_arguments: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def another_site() -> Iterator[int]:
    """Serves an empty page to any path and name, and gives the port.

    `http://localhost` is another site than `http://127.0.0.1` for a browser; `http://127.0.0.1` on this port is the
    same site and another origin.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def show_picture(browser: Browser, address: str) -> None:
    """The page shows a picture from an address; returns when the browser has its answer."""
    browser.driver.execute_async_script(
        "const done = arguments[1]; const picture = new Image(); picture.onload = picture.onerror = () => done();"
        "picture.src = arguments[0];",
        address,
    )


def show_frame(browser: Browser, address: str) -> None:
    """The page shows a frame with an address; returns when the browser has loaded something into it."""
    browser.driver.execute_async_script(
        "const done = arguments[1]; const frame = document.createElement('iframe'); frame.onload = () => done();"
        "frame.src = arguments[0]; document.body.append(frame);",
        address,
    )


def send(browser: Browser, address: str, method: str, media_type: str, body: str | None) -> str:
    """A request by `fetch`, without asking for leave to read the answer; `sent`, or the browser's error."""
    return str(
        browser.driver.execute_async_script(
            "const [address, method, type, body, done] = arguments;"
            "fetch(address, {method, body, mode: 'no-cors', credentials: 'include',"
            " headers: body === null ? {} : {'Content-Type': type}}).then(() => done('sent'), (e) => done(String(e)));",
            address,
            method,
            media_type,
            body,
        )
    )


def send_form(browser: Browser, address: str, fields: dict[str, str]) -> str:
    """Sends a form, which opens the answer in the window; returns its text."""
    browser.run(
        "const form = document.createElement('form'); form.method = 'post'; form.action = arguments[0];"
        "for (const [name, value] of Object.entries(arguments[1])) {"
        " const field = document.createElement('input'); field.name = name; field.value = value; form.append(field); }"
        "document.body.append(form); form.submit();",
        address,
        fields,
    )
    return _text_of_the_window(browser, address)


def follow_link(browser: Browser, address: str) -> str:
    """Follows a link; returns the text of the page that opens."""
    browser.run("location.href = arguments[0];", address)
    return _text_of_the_window(browser, address)


def _text_of_the_window(browser: Browser, address: str) -> str:
    from selenium.webdriver.support.ui import WebDriverWait

    origin = "/".join(address.split("/")[:3])
    WebDriverWait(browser.driver, 60).until(
        lambda driver: (
            driver.current_url.startswith(origin)
            and driver.execute_script("return document.readyState") == "complete"
        )
    )
    return str(browser.run("return document.documentElement.textContent"))


def open_socket(browser: Browser, address: str, protocol: str) -> str:
    """Opens a websocket; `open`, or `refused`."""
    return str(
        browser.driver.execute_async_script(
            "const [address, protocol, done] = arguments; const socket = new WebSocket(address, protocol);"
            "socket.onopen = () => done('open'); socket.onerror = () => done('refused');",
            address,
            protocol,
        )
    )
