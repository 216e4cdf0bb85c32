"""The command `page`, as a person types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from keycrm_pipeline.cli import main
from keycrm_pipeline.page.passwords import read_password
from keycrm_pipeline_tests.page.shops import small_shop
from keycrm_pipeline_tests.product import PATIENCE_SECONDS, free_port

pytestmark = pytest.mark.process

PASSWORD = "довгий пароль"


def test_it_says_its_address_serves_and_stops(tmp_path: Path) -> None:
    """Nothing is said about who looked at what, and Ctrl-C ends it without a traceback."""
    small_shop(tmp_path)
    port = free_port()
    environment = {**os.environ, "KEYCRM_PROFILES_DIR": str(tmp_path), "KEYCRM_DATA_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "keycrm_pipeline.cli", "page", "--port", str(port)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert line == f"The exchange page: http://127.0.0.1:{port} (Ctrl-C stops it)\n"
        for path in ("/", "/profiles/shop/documents/501", "/nothing"):
            httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=60)
        started.send_signal(signal.SIGINT)
        rest, _nothing = started.communicate(timeout=PATIENCE_SECONDS)
    assert rest == ""
    assert started.returncode == 0


def test_a_password_is_set_by_typing_it_twice(tmp_path: Path) -> None:
    path = tmp_path / "password"
    done = CliRunner().invoke(
        main, ["page", "--set-password", "--password-file", str(path)], input=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    assert read_password(path).matches(PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "typed", "said"),
    [
        (["--set-password"], "", "--password-file FILE"),
        (["--set-password", "--password-file", "short"], "коротко\nкоротко\n", "at least 10 characters"),
        (["--host", "192.0.2.1"], "", "open to everybody"),
        (["--password-file", "missing"], "", "There is no password file"),
        (["--dagster", "dagster"], "", "no address of Dagster"),
        (["--port", "0"], "", "port"),
    ],
)
def test_what_cannot_be_served_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], typed: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["page", *arguments], input=typed)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output
