"""Fixtures of the client's tests: a server for each test, and clients that do not really wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline_tests.crm.loopback import KEY, LoopbackCrm
from keycrm_pipeline_tests.virtual_time import VirtualTime


@pytest.fixture
def virtual_time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def crm() -> Iterator[LoopbackCrm]:
    with LoopbackCrm() as server:
        yield server


@pytest.fixture
def make_client(crm: LoopbackCrm, virtual_time: VirtualTime) -> Iterator[Callable[..., KeyCrmClient]]:
    """Clients of the server; all their waiting is virtual."""
    clients: list[KeyCrmClient] = []

    def make(**overrides: Any) -> KeyCrmClient:
        settings: dict[str, Any] = {
            "base_url": crm.url,
            "api_key": KEY,
            "budget": RequestBudget(60, virtual_time.clock, virtual_time.sleep, jitter=lambda: 0.0),
            **overrides,
        }
        client = KeyCrmClient(**settings)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make_client: Callable[..., KeyCrmClient]) -> KeyCrmClient:
    """One request at a time, so that the server sees them in the order in which they were made."""
    return make_client(concurrency=1)
