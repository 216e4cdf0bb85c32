"""The lists that a load needs are read together with its orders: neither waits for the other, and none is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest

from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import RequestRefused, TransportFailure
from keycrm_pipeline.crm.reference_lists import REFERENCE_ROUTES
from keycrm_pipeline.pipeline.extraction import reading_reference_lists
from keycrm_pipeline.run.session import Session
from keycrm_pipeline.sandbox.transport import SandboxTransport
from keycrm_pipeline.sentences.client import Client
from keycrm_pipeline_tests.crm import loopback
from keycrm_pipeline_tests.crm.loopback import LoopbackCrm
from keycrm_pipeline_tests.pipeline.bookkeeping import BASE_URL, KEY, Books, make_books

PATIENCE = 20.0
"""Seconds that an answer waits for a request that never comes: then the test fails."""


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """An account of three pages of orders."""
    books = make_books(tmp_path)
    for order_id in range(1, 121):
        books.order(order_id)
    return books


def order_pages(books: Books) -> list[int]:
    """Pages of orders that were asked for since this was last called."""
    pages = [int(dict(request.query)["page"]) for request in books.api.requests if request.path == "/order"]
    books.api.forget_requests()
    return sorted(pages)


def test_orders_are_asked_for_while_a_list_is_not_answered(books: Books) -> None:
    """KeyCRM takes its time over the sources: the first page of orders does not wait for them."""
    orders_asked = threading.Event()
    went_on: list[bool] = []

    def at_page(_page: int, path: str) -> None:
        if path == "/order":
            orders_asked.set()
        elif path == "/order/source":
            went_on.append(orders_asked.wait(PATIENCE))

    books.api.faults.on_page = at_page
    assert books.load().orders_created == 120
    assert went_on == [True]
    assert books.rows("raw.reference_lists", "list_name")


def test_statuses_come_first(books: Books) -> None:
    """A wrong key is reported after one refusal: nothing is sent together with the first request."""
    books.load()
    assert books.api.requests[0].path == "/order/status"
    books.api.forget_requests()
    books.api.faults.key_revoked_after = 0
    with pytest.raises(Exception, match="KEYCRM_API_KEY"):
        books.load()
    assert [request.path for request in books.api.requests] == ["/order/status"]


def test_a_list_that_fails_loses_no_page(books: Books) -> None:
    """The load fails with the list's own error; the next one asks for no page of orders again."""
    books.api.faults.path_prefix = "/order/source"
    books.api.faults.server_errors = 1_000
    run_id = str(uuid4())
    with pytest.raises(TransportFailure, match="/order/source"):
        books.load(run_id=run_id)
    assert books.exchange(run_id).status == "failed"
    assert books.rows("raw.reference_lists", "list_name") == []
    assert books.rows("accounting.orders", "order_id") == []
    assert set(order_pages(books)) <= {1, 2, 3}
    stored = len(books.rows("raw.orders", "order_id")) // 50

    books.api.faults.clear()
    assert books.load().orders_created == 120
    assert len(order_pages(books)) <= 3 - stored


def test_lists_that_wait_end_when_the_orders_fail(books: Books) -> None:
    """At one request a minute the other lists waited minutes for their turn after the load had failed."""

    def fail(session: Session, client: KeyCrmClient) -> None:
        with reading_reference_lists(session, client):
            raise TransportFailure(Client.READING_STOPPED.message())

    transport = SandboxTransport(books.api)
    started = time.monotonic()
    with (
        books.session() as session,
        KeyCrmClient(base_url=BASE_URL, api_key=KEY, budget=RequestBudget(1), transport=transport) as client,
        pytest.raises(TransportFailure, match="Reading was stopped"),
    ):
        fail(session, client)
    assert [request.path for request in books.api.requests] == ["/order/status"]
    assert time.monotonic() - started < PATIENCE


def test_orders_that_wait_end_when_a_list_is_refused(books: Books) -> None:
    """At ten requests a minute the sources are refused: nothing else waits minutes for its turn after that."""

    def read_on(session: Session, client: KeyCrmClient, crm: LoopbackCrm) -> None:
        crm.lists = {route: [{"id": 1}] for route in REFERENCE_ROUTES.values() if route != "/order/source"}
        with reading_reference_lists(session, client):
            for _ in range(10):
                client.reference_rows("/order/status")

    started = time.monotonic()
    with (
        LoopbackCrm() as crm,
        books.session() as session,
        KeyCrmClient(base_url=crm.url, api_key=loopback.KEY, budget=RequestBudget(10)) as client,
        pytest.raises(RequestRefused, match="GET /order/source"),
    ):
        read_on(session, client, crm)
    assert time.monotonic() - started < PATIENCE
