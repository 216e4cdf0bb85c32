"""Fixtures of the sandbox tests: two months of the demo shop, an empty shop, and clients of a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from keycrm_pipeline.sandbox.shop import OrderFilter
from keycrm_pipeline.sandbox.transport import SandboxTransport
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.sandbox.asking import KEY, NOW
from keycrm_pipeline_tests.scripted_api import ScriptedApi


@pytest.fixture(scope="session")
def demo_shop() -> EditableShop:
    """The demo shop at a fixed moment; tests only read it."""
    return EditableShop(lambda: NOW)


@pytest.fixture(scope="session")
def two_months() -> list[dict[str, Any]]:
    """The demo shop's orders created within the last 60 days."""
    shop = EditableShop(lambda: NOW, created_between="created_at")
    found = shop.select(OrderFilter(created=(NOW - timedelta(days=60), NOW)))
    return shop.records(found.ids(0, len(found)))


@pytest.fixture
def empty_shop() -> EditableShop:
    """A shop with nothing in it, at a fixed moment."""
    return EditableShop.empty(lambda: NOW)


@pytest.fixture
def client_of() -> Iterator[Callable[[ScriptedApi], httpx.Client]]:
    """Makes clients of a sandbox, with a key that any sandbox without one of its own accepts."""
    opened: list[httpx.Client] = []

    def make(api: ScriptedApi) -> httpx.Client:
        client = httpx.Client(transport=SandboxTransport(api), base_url="http://shop/v1", headers=KEY)
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()
