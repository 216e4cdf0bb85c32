"""Alerts through real commands and a real web server: what they are given, and what their answers may hold."""

from __future__ import annotations

import shlex
import sys
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from keycrm_pipeline.profile import Profile
from keycrm_pipeline.run.alerts import send_alert

TEXT = "Exchange 5 of profile shop failed: немає зв'язку"


def shop(**alert: str) -> Profile:
    return Profile.model_validate({"name": "shop", "start_date": date(2026, 1, 1), "alert": alert})


def python(script: str) -> str:
    return shlex.join([sys.executable, "-c", script])


@pytest.mark.parametrize(
    "script",
    [
        # Neither what it writes nor a child that keeps its output open is waited for.
        "import sys; sys.stdout.buffer.write(bytes(range(256))); sys.stderr.buffer.write(bytes(range(256)))",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])",
        "import sys; sys.stdout.write('x' * 10_000_000)",
        "import os; os.close(0)",
    ],
)
def test_the_output_of_a_command_is_not_read(script: str) -> None:
    """An alert that was sent counts as sent; before, it failed the sensor or came again every minute."""
    alert = send_alert(shop(command=python(script)), TEXT)
    assert alert.is_delivered
    assert alert.text == f"{TEXT} (the alert command ended with 0)"


def test_a_command_gets_the_text_and_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail program has no need for the key of the account."""
    for name in ("KEYCRM_API_KEY", "KEYCRM_API_KEY_SHOP", "KEYCRM_API_KEY_OTHER_FILE"):
        monkeypatch.setenv(name, "the-secret-key")
    monkeypatch.setenv("KEYCRM_DATA_DIR", "here")
    told = tmp_path / "told"
    script = (
        "import os, sys, pathlib; pathlib.Path(sys.argv[1]).write_bytes("
        "sys.stdin.buffer.read() + os.linesep.join(f'{k}={v}' for k, v in os.environ.items()).encode())"
    )
    assert send_alert(shop(command=f"{python(script)} {told}"), TEXT).is_delivered
    written = told.read_text("utf-8")
    assert written.startswith(TEXT)
    assert "the-secret-key" not in written
    assert "KEYCRM_API_KEY" not in written
    assert "KEYCRM_DATA_DIR=here" in written


@pytest.mark.parametrize(
    "alert",
    [
        {"command": "/nonexistent"},
        {"command": python("raise SystemExit(3)")},
        {"webhook": "http://127.0.0.1:9/"},
    ],
)
def test_a_hook_that_fails_is_told_and_tried_again(alert: dict[str, str]) -> None:
    sent = send_alert(shop(**alert), TEXT)
    assert not sent.is_delivered
    assert sent.text.startswith(TEXT)


class _Endless(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            self.server.was_left.set()  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def test_an_answer_without_end_is_not_read() -> None:
    """Only its status counts."""
    server: Any = HTTPServer(("127.0.0.1", 0), _Endless)
    server.was_left = threading.Event()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert send_alert(shop(webhook=f"http://127.0.0.1:{server.server_port}/"), TEXT).is_delivered
        assert server.was_left.wait(30)
    finally:
        server.shutdown()
        server.server_close()
