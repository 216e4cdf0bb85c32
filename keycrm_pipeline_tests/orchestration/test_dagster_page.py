"""Dagster's page as `keycrm-pipeline up` starts it: what sites that a browser opens cannot do to it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import dagster as dg
import httpx
import pytest

from keycrm_pipeline.orchestration import dagster_page
from keycrm_pipeline_tests.another_site import (
    another_site,
    follow_link,
    open_socket,
    send,
    send_form,
    show_frame,
    show_picture,
)
from keycrm_pipeline_tests.browser import Browser, opened_browser
from keycrm_pipeline_tests.product import free_port, wait_until

pytestmark = [pytest.mark.process, pytest.mark.browser]

PROXY = "exchange.shop.example"
LOGIN = {"Authorization": f"Basic {base64.b64encode(b'accountant:its password').decode()}"}
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
CHANGE = 'mutation { setConcurrencyLimit(concurrencyKey: "%s", limit: 1) }'


@dataclass
class Page:
    """Dagster's page, and the instance that it shows."""

    address: str
    home: Path

    def pools(self) -> set[str]:
        """The pools that have a limit: what `CHANGE` adds one to."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            return set(instance.event_log_storage.get_concurrency_keys())

    def ask(self, pool: str, **headers: str) -> int:
        """Asks to change a pool as the page itself does; the status of the answer."""
        return httpx.post(
            f"{self.address}/graphql",
            json={"query": CHANGE % pool},
            headers=headers,
            trust_env=False,
            timeout=60,
        ).status_code


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of an empty instance, with a proxy's name."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", "utf-8")
    port = free_port()
    command = [
        *(sys.executable, "-m", dagster_page.MODULE, f"{dagster_page.HOST_NAME}={PROXY}"),
        *("--host", "127.0.0.1", "--port", str(port), "--empty-workspace"),
    ]
    shown = Page(f"http://127.0.0.1:{port}", home)
    with subprocess.Popen(command, env={**os.environ, "DAGSTER_HOME": str(home)}) as process:
        try:
            wait_until(lambda: _answers(process, shown.address), "Dagster's page answers")
            yield shown
        finally:
            process.terminate()


def _answers(process: subprocess.Popen[bytes], address: str) -> bool:
    assert process.poll() is None
    try:
        return httpx.get(f"{address}/server_info", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A real browser."""
    with opened_browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.driver.set_script_timeout(60)
        yield opened


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_another_site_changes_nothing(page: Page, browser: Browser, host: str) -> None:
    """A picture, a request, a form and a websocket of a page that the browser opened once started and stopped runs."""
    name = f"attack_{host.replace('.', '_')}"
    query = CHANGE % name
    asked = f"{page.address}/graphql?{urlencode({'query': query})}"
    with another_site() as port:
        browser.open(f"http://{host}:{port}/")
        show_picture(browser, asked)
        show_frame(browser, asked)
        for media_type in ("text/plain", "text/plain; application/json", "application/x-www-form-urlencoded"):
            assert send(browser, asked, "POST", media_type, f'{{"query": "{query}"}}') == "sent"
        assert send(browser, asked, "GET", "", None) == "sent"
        socket = f"{page.address.replace('http', 'ws', 1)}/graphql"
        assert open_socket(browser, socket, "graphql-ws") == "refused"
        assert "Another site" in send_form(browser, asked, {"query": query})
        browser.open(f"http://{host}:{port}/")
        assert "Another site" in follow_link(browser, asked)
    assert name not in page.pools()


def test_a_link_from_another_site_opens_the_page(page: Page, browser: Browser) -> None:
    """An alert in a mailbox may link to a run."""
    with another_site() as port:
        browser.open(f"http://localhost:{port}/")
        assert "Another site" not in follow_link(browser, f"{page.address}/runs")
        assert browser.driver.title.startswith("Dagster") or "Runs" in browser.driver.title


def test_the_page_itself_works(page: Page, browser: Browser) -> None:
    """Its own questions and its own websocket are let through."""
    browser.open(page.address)
    answer = browser.driver.execute_async_script(
        "const [query, done] = arguments; fetch('/graphql', {method: 'POST', body: JSON.stringify({query}),"
        " headers: {'Content-Type': 'application/json'}}).then((a) => a.text()).then(done);",
        CHANGE % "by_the_page",
    )
    assert "errors" not in answer
    assert "by_the_page" in page.pools()
    assert open_socket(browser, f"{page.address.replace('http', 'ws', 1)}/graphql", "graphql-ws") == "open"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", f"{PROXY}.evil.example"])
def test_a_name_that_was_rebound_to_this_machine_is_not_answered(page: Page, host: str) -> None:
    """Its own site would be this page for the browser, so only the Host header gives it away."""
    assert page.ask("rebound", Host=host, Origin=f"http://{host}") == 400
    assert httpx.get(f"{page.address}/", headers={"Host": host}, trust_env=False).status_code == 400
    assert "rebound" not in page.pools()


@pytest.mark.parametrize("host", [PROXY, None])
def test_a_proxy_whose_name_is_given_is_answered(page: Page, host: str | None) -> None:
    """A proxy passes the browser's Host on only if it is told to."""
    headers = {"Origin": f"https://{PROXY}", "Sec-Fetch-Site": "same-origin"}
    if host is not None:
        headers["Host"] = host
    name = f"by_proxy_{host is None}"
    assert page.ask(name, **headers) == 200
    assert name in page.pools()
    assert page.ask("foreign", **{**headers, "Origin": "https://evil.example"}) == 403


def test_an_old_browser_says_nothing_of_where_a_picture_stands(page: Page) -> None:
    """Then only the method tells; no page of Dagster's asks by GET."""
    answer = httpx.get(
        f"{page.address}/graphql", params={"query": CHANGE % "by_get"}, trust_env=False, timeout=60
    )
    assert answer.status_code == 405
    assert "by_get" not in page.pools()
    sheet = httpx.get(f"{page.address}/graphql", headers={"Accept": "text/html"}, trust_env=False)
    assert sheet.status_code == 200
    assert sheet.headers["x-frame-options"] == "SAMEORIGIN"


def test_programs_without_a_browser_are_answered(page: Page) -> None:
    """The exchange page and scripts name neither an origin nor a site."""
    assert page.ask("by_program") == 200
    assert "by_program" in page.pools()


@contextlib.contextmanager
def nginx_of_the_docs(shown: Page, directory: Path) -> Iterator[str]:
    """A real nginx with the location that docs/operations.md prints; gives its address."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "This test runs the example of docs/operations.md in nginx, and it is not there. Install it once with "
            "`apt-get install -y --no-install-recommends nginx`, then run the test again."
        )
    found = re.search(r"```nginx\n(.*?)```", OPERATIONS.read_text("utf-8"), re.DOTALL)
    assert found is not None
    users = directory / "exchange.users"
    users.write_text("accountant:{PLAIN}its password\n", "utf-8")
    location = found[1].replace("http://127.0.0.1:3000", shown.address)
    location = location.replace("/etc/nginx/exchange.users", str(users))
    assert (shown.address in location, str(users) in location) == (True, True)
    port = free_port()
    parts = " ".join(
        f"{part}_temp_path {directory / part};"
        for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = directory / "nginx.conf"
    configuration.write_text(
        # Otherwise the workers of an nginx that root started could not read the directory of the test.
        f"{'user root; ' if os.geteuid() == 0 else ''}"
        f"daemon off; pid {directory / 'nginx.pid'}; error_log {directory / 'error.log'}; events {{}}\n"
        f"http {{ access_log off; {parts}\n"
        f"server {{ listen 127.0.0.1:{port}; server_name {PROXY};\n{location} }} }}\n",
        "utf-8",
    )
    log = directory / "error.log"
    with subprocess.Popen([program, "-c", str(configuration), "-e", str(log)]) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            wait_until(lambda: _answers_at_all(process, address), "nginx answers")
            yield address
        finally:
            process.terminate()


def _answers_at_all(process: subprocess.Popen[bytes], address: str) -> bool:
    assert process.poll() is None
    try:
        httpx.get(address, trust_env=False)
    except httpx.TransportError:
        return False
    return True


def test_the_example_of_nginx_works(page: Page, tmp_path: Path) -> None:
    """Behind it a login is asked for, a browser's own questions and websocket pass, and other sites stay outside."""
    own = {**LOGIN, "Host": PROXY, "Origin": f"https://{PROXY}", "Sec-Fetch-Site": "same-origin"}
    with nginx_of_the_docs(page, tmp_path) as address:
        proxied = Page(address, page.home)
        without_login = {name: value for name, value in own.items() if name != "Authorization"}
        assert proxied.ask("without_login", **without_login) == 401
        assert proxied.ask("through_nginx", **own) == 200
        foreign = {**own, "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert proxied.ask("foreign_through_nginx", **foreign) == 403
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(b"sixteen bytes...").decode(),
            "Sec-WebSocket-Protocol": "graphql-ws",
        }
        connection.request("GET", "/graphql", headers={**own, **upgrade})
        assert connection.getresponse().status == 101
        connection.close()
    assert {"through_nginx"} == page.pools() & {"without_login", "through_nginx", "foreign_through_nginx"}
