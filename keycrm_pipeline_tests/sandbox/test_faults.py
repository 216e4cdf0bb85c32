"""The fault switches: what a client meets, how often, and on which paths."""

import json
from collections.abc import Callable

import httpx
import pytest

from keycrm_pipeline.sandbox.api import SandboxApi, SandboxResponse
from keycrm_pipeline.sandbox.faults import Faults
from keycrm_pipeline.sandbox.shop import Shop
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.sandbox.asking import KEY


def _ask(api: SandboxApi, path: str = "/v1/order") -> SandboxResponse:
    return api.handle("GET", path, [], KEY)


def test_so_many_answers_are_429_with_and_without_retry_after(empty_shop: Shop) -> None:
    """Both kinds of 429 occur in reality."""
    api = SandboxApi(empty_shop)
    api.faults.too_many_requests = 2
    assert "Retry-After" not in _ask(api).headers
    api.faults.retry_after = 1.5
    refused = _ask(api)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1.5")
    assert _ask(api).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors(empty_shop: Shop, status: int) -> None:
    """The error occurs once, then the shop works again."""
    api = SandboxApi(empty_shop, faults=Faults(server_errors=1, server_error_status=status))
    assert [_ask(api).status, _ask(api).status] == [status, 200]


@pytest.mark.parametrize("status", [200, 502])
def test_a_web_page_instead_of_json(empty_shop: Shop, status: int) -> None:
    """With status 200 only the body shows the error."""
    api = SandboxApi(empty_shop, faults=Faults(html_pages=1, html_status=status))
    page = _ask(api)
    assert (page.status, page.headers["Content-Type"].split(";")[0]) == (status, "text/html")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert _ask(api).status == 200


def test_cut_off_json(empty_shop: Shop) -> None:
    """The beginning of the correct response, with status 200, is not valid JSON."""
    api = SandboxApi(empty_shop)
    whole = _ask(api).body
    api.faults.cut_off_bodies = 1
    cut = _ask(api)
    assert cut.status == 200
    assert whole.startswith(cut.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.body)
    assert _ask(api).body == whole


def test_dropped_and_slow_answers_are_marked(empty_shop: Shop) -> None:
    """The response tells the transport to drop the connection or to wait."""
    api = SandboxApi(empty_shop, faults=Faults(dropped_connections=1, slow_seconds=2.5, slow_requests=2))
    dropped, slow, quick = _ask(api), _ask(api), _ask(api)
    assert (dropped.is_dropped, dropped.status) == (True, 0)
    assert (slow.delay_seconds, slow.status) == (2.5, 200)
    assert quick.delay_seconds == 0
    api.faults.slow_requests = None
    assert [_ask(api).delay_seconds for _ in range(3)] == [2.5, 2.5, 2.5]


def test_the_key_can_be_revoked_in_the_middle(empty_shop: Shop) -> None:
    """Two pages succeed, the third and all later ones give 401."""
    api = SandboxApi(empty_shop, faults=Faults(key_revoked_after=2))
    assert [_ask(api).status for _ in range(4)] == [200, 200, 401, 401]
    api.faults.key_revoked_after = None
    assert _ask(api).status == 200


def test_faults_can_be_kept_to_some_paths(empty_shop: Shop) -> None:
    """The reference lists succeed while orders fail."""
    api = SandboxApi(empty_shop, faults=Faults(server_errors=1, path_prefix="/products"))
    assert _ask(api, "/v1/order").status == 200
    assert _ask(api, "/v1/products/categories").status == 503
    assert _ask(api, "/v1/products/categories").status == 200


def test_several_faults_come_one_after_the_other(empty_shop: Shop) -> None:
    """Each request has one fault."""
    api = SandboxApi(empty_shop, faults=Faults(too_many_requests=1, server_errors=2, html_pages=1))
    assert [_ask(api).status for _ in range(5)] == [429, 503, 503, 200, 200]
    assert api.request_count == 5


def test_orders_can_be_inserted_and_deleted_while_paging(
    empty_shop: Shop, client_of: Callable[[SandboxApi], httpx.Client]
) -> None:
    """Order 1 is deleted before page 2: all move up, order 16 moves from page 2 to page 1 and is never seen."""
    for number in range(1, 31):
        empty_shop.add_order(order_payload(order_id=number))
    api = SandboxApi(empty_shop)
    seen_pages: list[tuple[int, str]] = []

    def change(page: int, path: str) -> None:
        seen_pages.append((page, path))
        if page == 2:
            empty_shop.delete_order(1)

    api.faults.on_page = change
    client = client_of(api)
    first, second = (client.get("/order", params={"sort": "id", "page": page}).json() for page in (1, 2))
    assert seen_pages == [(1, "/order"), (2, "/order")]
    assert (first["total"], second["total"]) == (30, 29)
    assert 16 not in [row["id"] for row in first["data"] + second["data"]]


def test_switches_are_set_by_name_or_not_at_all() -> None:
    """A misspelt switch is an error that leaves no other switch set."""
    faults = Faults()
    faults.update({"server_errors": 2, "retry_after": 1.5, "path_prefix": "/order", "slow_requests": None})
    assert (faults.server_errors, faults.retry_after, faults.path_prefix) == (2, 1.5, "/order")
    with pytest.raises(ValueError, match="no fault switch 'sever_errors'"):
        faults.update({"html_pages": 1, "sever_errors": 1})
    with pytest.raises(ValueError, match="'many' is not a valid value of the fault switch"):
        faults.update({"html_pages": "many"})
    with pytest.raises(ValueError, match="True is not a valid value of the fault switch"):
        faults.update({"html_pages": True})
    assert faults.html_pages == 0


def test_all_switches_can_be_turned_off_at_once() -> None:
    """The shop works again."""
    faults = Faults(server_errors=3, slow_seconds=1, path_prefix="/x", on_page=lambda _page, _path: None)
    faults.clear()
    assert faults == Faults()
