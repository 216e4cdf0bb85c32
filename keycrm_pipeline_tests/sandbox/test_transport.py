"""The shop in process: httpx clients get the responses of a real server."""

from datetime import UTC, datetime, timedelta

import httpx

from keycrm_pipeline.sandbox.transport import SandboxTransport, demo_transport
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.sandbox.asking import KEY
from keycrm_pipeline_tests.scripted_api import ScriptedApi


def test_an_answer_arrives_with_status_headers_and_body(empty_shop: EditableShop) -> None:
    """Encoded queries are decoded: brackets, spaces and commas of a filter."""
    api = ScriptedApi(empty_shop)
    with httpx.Client(transport=SandboxTransport(api), base_url="http://x/v1", headers=KEY) as client:
        answer = client.get(
            "/order", params={"filter[created_between]": "2026-01-01 00:00:00, 2026-02-01 00:00:00"}
        )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["total"] == 0
    assert api.requests[0].query == (("filter[created_between]", "2026-01-01 00:00:00, 2026-02-01 00:00:00"),)


def test_the_demo_shop_is_one_for_the_whole_process_and_is_alive() -> None:
    """Two clients see the same orders, including some of yesterday."""
    one, other = demo_transport(), demo_transport()
    assert one.api.shop is other.api.shop
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with httpx.Client(transport=one, base_url="http://demo/v1", headers=KEY) as client:
        window = f"{yesterday - timedelta(days=1):%Y-%m-%d %H:%M:%S},{yesterday:%Y-%m-%d %H:%M:%S}"
        assert client.get("/order", params={"filter[created_between]": window}).json()["total"] > 10
