"""What the page of another site cannot do to the exchange page, in a real browser."""

from __future__ import annotations

import pytest

from keycrm_pipeline_tests.another_site import (
    another_site,
    follow_link,
    open_socket,
    send,
    send_form,
    show_frame,
    show_picture,
)
from keycrm_pipeline_tests.browser import Browser
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books

pytestmark = pytest.mark.browser

LOAD = "/profiles/shop/load"
DAYS = {"from": "2026-03-02", "to": "2026-03-02"}


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_another_site_starts_no_load(
    small: Books, dagster: tuple[str, NotedDagster], browser: Browser, host: str
) -> None:
    """The browser has been on the page before, so it has the cookie."""
    browser.driver.set_script_timeout(60)
    with visited(small.settings, dagster=dagster[0]) as visitor, another_site() as port:
        address = str(visitor.client.base_url).rstrip("/")
        browser.open(f"{address}{LOAD}")
        browser.open(f"http://{host}:{port}/")
        show_picture(browser, f"{address}{LOAD}?from=2026-03-02&to=2026-03-02")
        show_frame(browser, f"{address}{LOAD}")
        for media_type in ("application/x-www-form-urlencoded", "text/plain"):
            sent = send(browser, f"{address}{LOAD}", "POST", media_type, "from=2026-03-02&to=2026-03-02")
            assert sent in ("sent", "TypeError: Failed to fetch")
        assert open_socket(browser, f"{address.replace('http', 'ws', 1)}{LOAD}", "any") == "refused"
        assert "не з цієї сторінки" in send_form(browser, f"{address}{LOAD}", DAYS)
        browser.open(f"http://{host}:{port}/")
        assert "не з цієї сторінки" not in follow_link(browser, f"{address}{LOAD}")
    assert dagster[1].launched == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_nothing_is_read_into_another_site(visitor: Visitor, headers: dict[str, str]) -> None:
    """Only a link shows a page, in a window of its own."""
    answer = visitor.get("/profiles/shop/documents", **headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_link_shows_a_page(visitor: Visitor) -> None:
    """From Dagster's page, or from a mail."""
    for site in ("cross-site", "same-site", "none"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        assert visitor.get("/profiles/shop/documents", **headers).status_code == 200
