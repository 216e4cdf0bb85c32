"""The exchange page on a port of this machine, a visitor of it, and a Dagster that only notes what it is asked.

What is not here: shops to show (`shops`).
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
from lxml import html

from keycrm_pipeline.page.server import listening
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline.profile import Settings
from keycrm_pipeline_tests.product import free_port

NOW = datetime(2026, 4, 1, 8, 0, tzinfo=UTC)
"""A Wednesday, 11:00 in Kyiv, unless a test moves the clock."""


@dataclass
class Clock:
    """What time it is for the page."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@dataclass
class Visitor:
    """A browser without a screen: keeps its cookie, and sends the forms that it saw.

    Attributes:
        client: For requests that no browser would send.
    """

    client: httpx.Client

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return self.client.get(path, headers=headers)

    def page(self, path: str) -> html.HtmlElement:
        """A page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (
            f"{path}: {answer.status_code} {text_of(html.fromstring(answer.text))}"
        )
        return html.fromstring(answer.text)

    def shown(self, answer: httpx.Response) -> html.HtmlElement:
        """The page of an answer."""
        return html.fromstring(answer.text)

    def token(self, path: str = "/login") -> str:
        """The token of this visitor's forms."""
        found = re.search(r'name="token" value="([0-9a-f]{64})"', self.get(path).text)
        assert found is not None
        return found.group(1)

    def send(self, path: str, seen_at: str, **fields: str) -> httpx.Response:
        """Sends a form as the page at `seen_at` shows it."""
        return self.client.post(path, data={"token": self.token(seen_at), **fields})


@contextlib.contextmanager
def served(page: PageSettings) -> Iterator[str]:
    """Serves the page in a thread, and gives its address."""
    with listening(page) as run:
        thread = threading.Thread(target=run)
        thread.start()
        yield page.address
    thread.join()


@contextlib.contextmanager
def visited(settings: Settings, **more: Any) -> Iterator[Visitor]:
    """Serves the profiles of a directory on a free port, to one visitor; `more` are fields of `PageSettings`."""
    port = free_port()
    values = {"clock": Clock(), "dagster": f"http://127.0.0.1:{free_port()}", **more}
    with (
        served(PageSettings(settings=settings, port=port, **values)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as client,
    ):
        yield Visitor(client)


def crawl(visitor: Visitor, first: Iterable[str]) -> dict[str, html.HtmlElement]:
    """Every page that a link of another one leads to; reports and downloads are left out.

    Args:
        visitor: Who follows the links.
        first: Paths of the pages to begin with.

    Returns:
        Path with its query -> the page.
    """
    waiting = list(first)
    seen: dict[str, html.HtmlElement] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        answer = visitor.get(path)
        if not answer.headers.get("content-type", "").startswith("text/html") or path.endswith("/view"):
            continue
        page = html.fromstring(answer.text)
        seen[path] = page
        for link in page.xpath("//a/@href"):
            address = urlsplit(link)
            if not address.netloc and address.path.startswith("/") and "/download" not in link:
                waiting.append(link)
    return seen


def text_of(element: html.HtmlElement) -> str:
    """The text that a person reads, with single blanks."""
    return " ".join(" ".join(element.itertext()).split())


def rows_of(page: html.HtmlElement, label: str) -> list[list[str]]:
    """The cells of the table with that label."""
    (table,) = page.xpath(f"//div[@aria-label='{label}']/table")
    return [[text_of(cell) for cell in row] for row in table.xpath("tbody/tr")]


@dataclass
class NotedDagster:
    """What was asked of Dagster, and what it answers.

    Attributes:
        launched: Parameters of every launch.
        reloads: How often it was asked to read the profiles again.
        stopped: Runs that were asked to stop.
        runs: Run id -> what the run is answered as.
    """

    launched: list[dict[str, Any]] = field(default_factory=list)
    reloads: int = 0
    stopped: list[str] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The data of an answer."""
        if "launchRun" in query:
            params = variables["params"]
            self.launched.append(params)
            run_id = f"00000000-0000-4000-8000-{len(self.launched):012d}"
            self.run(run_id, params["selector"]["jobName"], "QUEUED", params["executionMetadata"]["tags"])
            return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": run_id}}}
        if "runOrError" in query:
            return {"runOrError": self.runs.get(variables["runId"], {"__typename": "RunNotFoundError"})}
        if "runsOrError" in query:
            statuses = variables["filter"]["statuses"]
            found = [run for run in self.runs.values() if run["status"] in statuses]
            return {"runsOrError": {"__typename": "Runs", "results": found}}
        if "reloadRepositoryLocation" in query:
            self.reloads += 1
            entry = {"__typename": "WorkspaceLocationEntry"}
            return {
                "reloadRepositoryLocation": {
                    **entry,
                    "locationOrLoadError": {"__typename": "RepositoryLocation"},
                }
            }
        self.stopped.append(variables["runId"])
        return {"terminateRun": {"__typename": "TerminateRunSuccess"}}

    def run(self, run_id: str, job: str, status: str, tags: Any = (), stages: Any = ()) -> None:
        """Sets how a run is answered."""
        self.runs[run_id] = {
            "__typename": "Run",
            "runId": run_id,
            "status": status,
            "jobName": job,
            "tags": list(tags),
            "assetMaterializations": [{"assetKey": {"path": ["shop", stage]}} for stage in stages],
        }


@contextlib.contextmanager
def noted_dagster() -> Iterator[tuple[str, NotedDagster]]:
    """A server that speaks the few sentences of Dagster's GraphQL that the page needs, and its address."""
    noted = NotedDagster()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps({"data": noted.answer(asked["query"], asked["variables"])}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", noted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
