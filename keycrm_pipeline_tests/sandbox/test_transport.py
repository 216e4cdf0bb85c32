"""The shop in process: httpx clients get the responses, dropped connections and delays of a real server."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from keycrm_pipeline.sandbox.api import SandboxApi
from keycrm_pipeline.sandbox.faults import Faults
from keycrm_pipeline.sandbox.shop import Shop
from keycrm_pipeline.sandbox.transport import SandboxTransport, demo_transport
from keycrm_pipeline_tests.sandbox.asking import KEY


def test_an_answer_arrives_with_status_headers_and_body(empty_shop: Shop) -> None:
    """Encoded queries are decoded: brackets, spaces and commas of a filter."""
    api = SandboxApi(empty_shop)
    with httpx.Client(transport=SandboxTransport(api), base_url="http://x/v1", headers=KEY) as client:
        answer = client.get(
            "/order", params={"filter[created_between]": "2026-01-01 00:00:00, 2026-02-01 00:00:00"}
        )
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["total"] == 0
    assert api.requests[0].query == (("filter[created_between]", "2026-01-01 00:00:00, 2026-02-01 00:00:00"),)


def test_a_dropped_connection_is_a_protocol_error(empty_shop: Shop) -> None:
    """The same exception as when a real server disconnects."""
    api = SandboxApi(empty_shop, faults=Faults(dropped_connections=1))
    with httpx.Client(transport=SandboxTransport(api), base_url="http://x/v1", headers=KEY) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/order")
        assert client.get("/order").status_code == 200


def test_a_slow_page_waits_only_as_told_and_times_out_as_the_client_wishes(empty_shop: Shop) -> None:
    """Tests of slow pages need not be slow themselves."""
    waited: list[float] = []
    api = SandboxApi(empty_shop, faults=Faults(slow_seconds=2, slow_requests=2))
    transport = SandboxTransport(api, sleep=waited.append)
    with httpx.Client(transport=transport, base_url="http://x/v1", headers=KEY, timeout=5) as client:
        assert client.get("/order").status_code == 200
    with httpx.Client(transport=transport, base_url="http://x/v1", headers=KEY, timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/order")
        assert client.get("/order").status_code == 200
    assert waited == [2, 0.5]


def test_the_demo_shop_is_one_for_the_whole_process_and_is_alive() -> None:
    """Two clients see the same orders, including some of yesterday."""
    one, other = demo_transport(), demo_transport()
    assert one.api.shop is other.api.shop
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with httpx.Client(transport=one, base_url="http://demo/v1", headers=KEY) as client:
        window = f"{yesterday - timedelta(days=1):%Y-%m-%d %H:%M:%S},{yesterday:%Y-%m-%d %H:%M:%S}"
        assert client.get("/order", params={"filter[created_between]": window}).json()["total"] > 10
