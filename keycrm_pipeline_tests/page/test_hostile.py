"""Hostile names go through every page as text: no script, no handler, no link of theirs comes to life."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from lxml import html
from starlette.routing import Route

from keycrm_pipeline.page.application import create_application
from keycrm_pipeline.page.settings import PageSettings
from keycrm_pipeline_tests.page.shops import ATTACKS
from keycrm_pipeline_tests.page.site import NotedDagster, Visitor, crawl, text_of, visited
from keycrm_pipeline_tests.pipeline.bookkeeping import Books


@pytest.fixture(scope="module")
def pages(hostile: Books) -> Iterator[dict[str, html.HtmlElement]]:
    """Every page that a link of another one leads to, those of searches included."""
    with visited(hostile.settings) as visitor:
        yield crawl(visitor, first_pages(visitor))


def first_pages(visitor: Visitor) -> list[str]:
    """Pages to begin with: those that no link leads to, and those of searches."""
    waiting = ["/", "/login", "/nothing"]
    for cards in ("partners", "products"):
        for attack in ATTACKS:
            sent = visitor.send(f"/profiles/shop/cards/{cards}", f"/profiles/shop/{cards}", text=attack)
            waiting.append(sent.headers["location"])
    for attack in ATTACKS:
        sent = visitor.send(
            "/profiles/shop/documents", "/profiles/shop/documents",
            text=attack, stage=attack, responsible=attack, organisation=attack, **{"from": attack},
        )  # fmt: skip
        waiting.append(sent.headers["location"])
    return waiting


def test_all_routes_were_looked_at(pages: dict[str, html.HtmlElement], hostile: Books) -> None:
    """A page that no link leads to would not have been tested; those of runs have a test of their own."""
    routes = [
        route
        for route in create_application(PageSettings(hostile.settings)).routes
        if isinstance(route, Route)
        and "GET" in (route.methods or ())
        and "{run_id" not in route.path
        # The part of the page above it that changes.
        and route.path != "/profiles/{profile}/rebuild/progress"
    ]
    seen = {urlsplit(path).path for path in pages}
    missed = [
        route.path
        for route in routes
        if not any(route.path_regex.fullmatch(path) for path in seen)
        and not route.path.startswith(("/static/", "/profiles/{profile}/files/{number}"))
        and not route.path.endswith(("/download", "/login"))
    ]
    assert missed == []
    assert len(seen) > 25


def test_nothing_of_them_comes_to_life(pages: dict[str, html.HtmlElement]) -> None:
    for path, page in pages.items():
        sources = page.xpath("//script/@src")
        assert len(page.xpath("//script")) == len(sources) == 1, path
        assert sources[0].startswith("/static/htmx.min.js?v="), path
        assert page.xpath("//img | //svg | //iframe | //object | //style | //base") == [], path
        for element in page.iter(html.etree.Element):
            for name, value in element.attrib.items():
                assert not name.startswith("on"), (path, name, value)
                assert name != "style", (path, value)
                if name in ("href", "src", "action", "formaction") or name.startswith("hx-get"):
                    assert re.match(r"(/|https?://|#|data:,$)", value), (path, name, value)


def test_every_form_has_its_token(pages: dict[str, html.HtmlElement]) -> None:
    for path, page in pages.items():
        for form in page.xpath("//form"):
            assert form.get("method") == "post", path
            assert len(form.xpath(".//input[@name='token']")) == 1, path


def test_they_are_shown_as_they_were_typed(pages: dict[str, html.HtmlElement]) -> None:
    """Escaped once, not twice, and no template language runs in them."""
    documents = text_of(pages["/profiles/shop/documents"])
    for number, attack in enumerate(ATTACKS, start=1):
        assert attack in documents
        order = text_of(pages[f"/profiles/shop/documents/{600 + number}"])
        assert order.count(attack) >= 10
        assert attack in text_of(pages["/profiles/shop/partners"])
        assert attack in text_of(pages["/profiles/shop/products"])
    assert "&lt;" not in documents
    assert "<script>window.hacked=1</script> інша" in text_of(pages["/profiles/shop/attention"])
    assert "broken.yaml" in text_of(pages["/"])


def test_the_page_of_a_run(hostile: Books, dagster: tuple[str, NotedDagster]) -> None:
    """New cards and the error of an exchange are texts of KeyCRM too."""
    address, noted = dagster
    ((run_id,),) = hostile.query("SELECT run_id FROM ops.exchanges WHERE exchange_id = 1")
    noted.run(run_id, "shop_load", "SUCCESS")
    with visited(hostile.settings, dagster=address) as visitor:
        for path in (f"/profiles/shop/runs/{run_id}", f"/profiles/shop/runs/{run_id}/progress"):
            page = html.fromstring(visitor.get(path).text)
            assert page.xpath("//img | //svg | //script[not(@src)]") == []
            assert ATTACKS[1] in text_of(page)
