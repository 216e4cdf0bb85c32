"""What the sandbox tests share: a fixed moment, two months of the demo shop, and a client of an empty one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from keycrm_pipeline.sandbox.api import SandboxApi
from keycrm_pipeline.sandbox.shop import OrderFilter, Shop
from keycrm_pipeline.sandbox.transport import SandboxTransport

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVERYTHING = (
    "buyer,products.offer,manager,tags,status,marketing,payments,shipping.lastHistory,shipping.deliveryService,"
    "expenses,custom_fields,assigned"
)
KEY = {"Authorization": "Bearer any-key"}


@pytest.fixture(scope="session")
def demo_shop() -> Shop:
    """The demo shop at a fixed moment; tests only read it."""
    return Shop(lambda: NOW)


@pytest.fixture(scope="session")
def two_months(demo_shop: Shop) -> list[dict[str, Any]]:
    """The demo shop's orders of the last 60 days."""
    found = demo_shop.select(OrderFilter(created=(NOW - timedelta(days=60), NOW)))
    return demo_shop.records(found.ids(0, len(found)))


@pytest.fixture
def empty_shop() -> Shop:
    """A shop with nothing in it, at a fixed moment."""
    return Shop.empty(lambda: NOW)


@pytest.fixture
def client_of() -> Iterator[Callable[[SandboxApi], httpx.Client]]:
    """Makes clients of a sandbox, with a key that any sandbox without one of its own accepts."""
    opened: list[httpx.Client] = []

    def make(api: SandboxApi) -> httpx.Client:
        client = httpx.Client(transport=SandboxTransport(api), base_url="http://shop/v1", headers=KEY)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()
