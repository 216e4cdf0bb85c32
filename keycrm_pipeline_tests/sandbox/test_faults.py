"""The fault switches: what a client meets, how often, and on which paths."""

import json
from collections.abc import Callable

import httpx
import pytest

from keycrm_pipeline.sandbox.api import SandboxResponse
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.sandbox.asking import KEY
from keycrm_pipeline_tests.scripted_api import Faults, ScriptedApi


def _ask(api: ScriptedApi, path: str = "/v1/order") -> SandboxResponse:
    return api.handle("GET", path, [], KEY)


def test_so_many_answers_are_429_with_and_without_retry_after(empty_shop: EditableShop) -> None:
    """Both kinds of 429 occur in reality."""
    api = ScriptedApi(empty_shop)
    api.faults.too_many_requests = 2
    assert "Retry-After" not in _ask(api).headers
    api.faults.retry_after = 1.5
    refused = _ask(api)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1.5")
    assert _ask(api).status == 200


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_server_errors(empty_shop: EditableShop, status: int) -> None:
    """The error occurs once, then the shop works again."""
    api = ScriptedApi(empty_shop, faults=Faults(server_errors=1, server_error_status=status))
    assert [_ask(api).status, _ask(api).status] == [status, 200]


@pytest.mark.parametrize("status", [200, 502])
def test_a_web_page_instead_of_json(empty_shop: EditableShop, status: int) -> None:
    """With status 200 only the body shows the error."""
    api = ScriptedApi(empty_shop, faults=Faults(html_pages=1, html_status=status))
    page = _ask(api)
    assert (page.status, page.headers["Content-Type"].split(";")[0]) == (status, "text/html")
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert _ask(api).status == 200


def test_cut_off_json(empty_shop: EditableShop) -> None:
    """The beginning of the correct response, with status 200, is not valid JSON."""
    api = ScriptedApi(empty_shop)
    whole = _ask(api).body
    api.faults.cut_off_bodies = 1
    cut = _ask(api)
    assert cut.status == 200
    assert whole.startswith(cut.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.body)
    assert _ask(api).body == whole


def test_a_dropped_request_has_no_answer_and_is_logged(empty_shop: EditableShop) -> None:
    """A server closes the connection when it meets this error."""
    api = ScriptedApi(empty_shop, faults=Faults(dropped_connections=1))
    with pytest.raises(ConnectionResetError):
        _ask(api)
    assert _ask(api).status == 200
    assert [request.status for request in api.requests] == [0, 200]


def test_so_many_answers_are_slow() -> None:
    """All answers are slow when no number is given."""
    faults = Faults(slow_seconds=2.5, slow_requests=2)
    assert [faults.take_delay() for _ in range(3)] == [2.5, 2.5, 0]
    faults.slow_requests = None
    assert [faults.take_delay() for _ in range(3)] == [2.5, 2.5, 2.5]


def test_the_key_can_be_revoked_in_the_middle(empty_shop: EditableShop) -> None:
    """Two pages succeed, the third and all later ones give 401."""
    api = ScriptedApi(empty_shop, faults=Faults(key_revoked_after=2))
    assert [_ask(api).status for _ in range(4)] == [200, 200, 401, 401]
    api.faults.key_revoked_after = None
    assert _ask(api).status == 200


def test_faults_can_be_kept_to_some_paths(empty_shop: EditableShop) -> None:
    """The reference lists succeed while orders fail."""
    api = ScriptedApi(empty_shop, faults=Faults(server_errors=1, path_prefix="/products"))
    assert _ask(api, "/v1/order").status == 200
    assert _ask(api, "/v1/products/categories").status == 503
    assert _ask(api, "/v1/products/categories").status == 200


def test_several_faults_come_one_after_the_other(empty_shop: EditableShop) -> None:
    """Each request has one fault."""
    api = ScriptedApi(empty_shop, faults=Faults(too_many_requests=1, server_errors=2, html_pages=1))
    assert [_ask(api).status for _ in range(5)] == [429, 503, 503, 200, 200]
    assert api.request_count == 5


def test_orders_can_be_inserted_and_deleted_while_paging(
    empty_shop: EditableShop, client_of: Callable[[ScriptedApi], httpx.Client]
) -> None:
    """Order 1 is deleted before page 2: all move up, order 16 moves from page 2 to page 1 and is never seen."""
    for number in range(1, 31):
        empty_shop.add_order(order_payload(order_id=number))
    api = ScriptedApi(empty_shop)
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


def test_all_switches_can_be_turned_off_at_once() -> None:
    """The shop works again."""
    faults = Faults(server_errors=3, slow_seconds=1, path_prefix="/x", on_page=lambda _page, _path: None)
    faults.clear()
    assert faults == Faults()
