"""The client over real sockets: what it requests, how it reads the answers, and how it reports faults."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from keycrm_pipeline.crm.budget import RequestBudget
from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import (
    AuthenticationError,
    KeyCrmError,
    RequestRefused,
    TransportFailure,
    UnexpectedAnswer,
)
from keycrm_pipeline.crm.pages import OrderPage, PageRecord
from keycrm_pipeline.formatting import Formatter
from keycrm_pipeline.sentences.client import Client
from keycrm_pipeline_tests.crm.loopback import KEY, LoopbackCrm, Reply, SeenRequest
from keycrm_pipeline_tests.payloads import order_payload
from keycrm_pipeline_tests.virtual_time import VirtualTime

MakeClient = Callable[..., KeyCrmClient]

MARCH = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))

FULL_INCLUDE = (
    "buyer,products.offer,manager,tags,status,marketing,payments,shipping.lastHistory,"
    "shipping.deliveryService,expenses,custom_fields,assigned"
)


def ids_of(pages: list[OrderPage]) -> list[int | None]:
    return [row.order_id for page in sorted(pages, key=lambda page: page.page) for row in page.rows]


def record_of(page: OrderPage) -> PageRecord:
    """What a load stores of a page to resume from."""
    order_ids = tuple(row.order_id for row in page.rows if row.order_id is not None)
    return PageRecord(page.page, page.total, order_ids)


# What is requested


def test_a_period_is_requested_in_utc_with_everything_at_once(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """Kyiv's 1 March 2026 begins at 22:00 UTC the day before; both ends are full times."""
    crm.lists["/order"] = [order_payload(7)]
    kyiv = ZoneInfo("Europe/Kyiv")
    window = (datetime(2026, 3, 1, tzinfo=kyiv), datetime(2026, 3, 1, 23, 59, 59, 1, tzinfo=kyiv))
    (page,) = client.orders(created_between=window)
    (request,) = crm.requests
    assert request.path == "/order"
    assert request.query == {
        "limit": "50",
        "page": "1",
        "sort": "id",
        "include": FULL_INCLUDE,
        "filter[created_between]": "2026-02-28 22:00:00,2026-03-01 22:00:00",
    }
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["accept"] == "application/json"
    assert (page.page, page.total, ids_of([page])) == (1, 1, [7])


def test_changes_are_requested_by_updated_between(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    list(client.orders(updated_between=MARCH))
    assert crm.requests[0].query["filter[updated_between]"] == "2026-03-01 00:00:00,2026-03-31 23:59:59"
    assert "filter[created_between]" not in crm.requests[0].query


@pytest.mark.parametrize(
    "window",
    [(MARCH[1], MARCH[0]), (datetime(2026, 3, 1), MARCH[1]), (MARCH[0], datetime(2026, 3, 2))],  # noqa: DTZ001
)
def test_a_window_without_a_zone_or_backwards_is_rejected(
    crm: LoopbackCrm, client: KeyCrmClient, window: tuple[datetime, datetime]
) -> None:
    with pytest.raises(ValueError, match="window"):
        list(client.orders(created_between=window))
    assert crm.requests == []


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (50, 1), (51, 2), (120, 3), (1000, 20)])
@pytest.mark.parametrize("concurrency", [1, 8])
def test_n_orders_cost_n_divided_by_50_requests(
    crm: LoopbackCrm, make_client: MakeClient, count: int, requests: int, concurrency: int
) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(1, count + 1)]
    client = make_client(concurrency=concurrency)
    pages = list(client.orders(created_between=MARCH))
    assert ids_of(pages) == list(range(1, count + 1))
    assert len(crm.requests) == requests
    assert client.statistics.requests == requests
    assert client.statistics.retries == 0


def test_shorter_pages_are_read_to_the_end_even_if_no_answer_says_how_long_they_are(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    """No order is lost if the server returns 15 rows instead of 50 and leaves out `per_page`."""

    def replies(rows: list[dict[str, Any]]) -> list[Reply]:
        pages = [rows[first : first + 15] for first in range(0, len(rows), 15)]
        return [Reply(body=json.dumps({"total": len(rows), "data": page}).encode()) for page in pages]

    crm.faults = replies([order_payload(number) for number in range(1, 20)])
    assert ids_of(list(client.orders(created_between=MARCH))) == list(range(1, 20))
    crm.faults = replies([{"id": number} for number in range(1, 41)])
    assert [row.row_id for row in client.reference_rows("/order/source")] == list(range(1, 41))


def test_the_order_text_arrives_as_it_was_sent(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    payload = '{"id":"12","ordered_at":"2026-03-02 08:00:00","total":1.50,"name":"Їжак \\u0456"}'.encode()
    crm.faults = [Reply(body=b'{"total":"1","per_page":50,"data":[' + payload + b"]}")]
    ((row,),) = (page.rows for page in client.orders(created_between=MARCH))
    assert row.payload == payload
    assert (row.order_id, row.ordered_at) == (12, datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


# Changing lists, and resuming


def test_changes_while_paging_lose_no_order(crm: LoopbackCrm, make_client: MakeClient) -> None:
    """Orders are deleted and added while eight threads page: whatever was there all the time arrives."""
    crm.lists["/order"] = [order_payload(number) for number in range(10, 5010, 10)]

    def change(number: int, _request: SeenRequest) -> None:
        rows = crm.lists["/order"]
        if number in (3, 6):
            del rows[number]
        if number == 5:
            rows.append(order_payload(9000))

    crm.before = change
    seen = set(ids_of(list(make_client().orders(created_between=MARCH))))
    assert seen >= {int(row["id"]) for row in crm.lists["/order"]}
    assert len(crm.requests) < 40


def test_a_page_past_the_end_of_a_shortened_list_is_not_an_error(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    """Orders are deleted while 3 pages are read, and KeyCRM answers 404 for a page past the end."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 131)]

    def shorten(number: int, request: SeenRequest) -> None:
        if number == 2:
            del crm.lists["/order"][80:]
        if (int(request.query["page"]) - 1) * 50 >= len(crm.lists["/order"]):
            crm.faults = [Reply(404, b'{"message": "Page not found."}')]

    crm.before = shorten
    assert set(ids_of(list(client.orders(created_between=MARCH)))) >= set(range(1, 81))


def test_a_404_for_a_page_within_the_list_is_an_error(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(1, 131)]

    def refuse(_number: int, request: SeenRequest) -> None:
        if request.query["page"] == "2":
            crm.faults = [Reply(404, b'{"message": "Page not found."}')]

    crm.before = refuse
    with pytest.raises(RequestRefused):
        list(client.orders(created_between=MARCH))


def test_an_interrupted_load_requests_nothing_twice(crm: LoopbackCrm, make_client: MakeClient) -> None:
    """30 pages were stored before the crash; the second load makes the other 10 requests, not 40.

    The last page is among the 30: it is read early, so that it reveals changes to the others.
    """
    crm.lists["/order"] = [order_payload(number) for number in range(1, 2001)]
    stored: dict[int, PageRecord] = {}
    listing = make_client(concurrency=1).orders(created_between=MARCH)
    for page in listing:
        stored[page.page] = record_of(page)
        if len(stored) == 30:
            break
    listing.close()  # type: ignore[attr-defined]
    crm.requests.clear()
    second = list(make_client().orders(created_between=MARCH, pages_done=stored))
    assert sorted(crm.pages_requested) == list(range(30, 40))
    assert sorted(stored | {page.page: record_of(page) for page in second}) == list(range(1, 41))


def test_pages_that_arrived_before_a_failure_are_yielded(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """The key is revoked after two pages: they can be stored, and nothing more is requested."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 501)]

    def revoke(number: int, _request: SeenRequest) -> None:
        if number == 3:
            crm.faults = [Reply(401, b'{"message":"Unauthenticated."}')] * 50

    crm.before = revoke
    pages: list[OrderPage] = []
    with pytest.raises(AuthenticationError):
        # `extend` keeps what came before the error.
        pages.extend(client.orders(created_between=MARCH))
    assert [page.page for page in pages] == [1, 10]
    assert len(crm.requests) <= 4


def test_a_listing_that_is_closed_early_leaves_no_thread(crm: LoopbackCrm, make_client: MakeClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(1, 2001)]
    client = make_client()
    listing = client.orders(created_between=MARCH)
    next(listing)
    next(listing)
    listing.close()  # type: ignore[attr-defined]
    count = len(crm.requests)
    assert count < 40
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keycrm")]
    assert len(crm.requests) == count


def test_a_closed_client_ends_its_listings_and_starts_none(crm: LoopbackCrm, make_client: MakeClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(1, 2001)]
    with make_client() as client:
        listing = client.orders(created_between=MARCH)
        next(listing)
        next(listing)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keycrm")]
    with pytest.raises(KeyCrmError):
        list(listing)
    with pytest.raises(KeyCrmError, match="closed"):
        list(client.order_headers())
    with pytest.raises(KeyCrmError, match="closed"):
        client.reference_rows("/order/status")


# Filters


@pytest.mark.parametrize("name", ["created_between", "updated_between"])
def test_a_filter_that_was_ignored_is_noticed(crm: LoopbackCrm, client: KeyCrmClient, name: str) -> None:
    """Otherwise the whole account would be loaded as if it were March."""
    crm.lists["/order"] = [order_payload(number, "2024-05-05T10:00:00Z") for number in range(1, 101)]
    with pytest.raises(UnexpectedAnswer, match=f"{name} was ignored"):
        list(
            client.orders(created_between=MARCH)
            if name == "created_between"
            else client.orders(updated_between=MARCH)
        )


def test_orders_of_one_status_are_requested_by_it(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number, status_id=8) for number in range(1, 61)]
    rows = [row for page in client.orders(status_id=8) for row in page.rows]
    assert {row.status_id for row in rows} == {8}
    assert len(rows) == 60
    assert crm.requests[0].query["filter[status_id]"] == "8"


def test_a_status_filter_that_was_ignored_is_noticed(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number, status_id=number % 5) for number in range(1, 61)]
    with pytest.raises(UnexpectedAnswer, match="status_id was ignored"):
        list(client.orders(status_id=4))


def test_single_orders_from_outside_the_period_are_kept(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    old = [order_payload(number, "2024-05-05T10:00:00Z") for number in range(1, 26)]
    crm.lists["/order"] = old + [order_payload(number) for number in range(26, 51)]
    assert len(ids_of(list(client.orders(created_between=MARCH)))) == 50


def test_orders_selected_by_either_date_are_within_the_period(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """KeyCRM may select by `created_at`: orders entered in March for January belong to the answer for March."""
    rows = [order_payload(number) | {"ordered_at": "2026-01-05T10:00:00Z"} for number in range(1, 26)]
    rows += [order_payload(number) | {"created_at": "2026-01-05T10:00:00Z"} for number in range(26, 51)]
    crm.lists["/order"] = rows
    assert len(ids_of(list(client.orders(created_between=MARCH)))) == 50


def test_a_few_old_orders_do_not_mean_that_the_filter_was_ignored(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    crm.lists["/order"] = [order_payload(number, "2024-05-05T10:00:00Z") for number in range(1, 4)]
    assert ids_of(list(client.orders(created_between=MARCH))) == [1, 2, 3]


def test_an_order_without_dates_or_id_is_kept_and_counted(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(1, 61)]
    crm.lists["/order"][4] = {"id": None, "ordered_at": "never"}
    pages = list(client.orders(created_between=MARCH))
    assert len(crm.requests) == 2
    assert [row.order_id for row in pages[0].rows][3:6] == [4, None, 6]


def test_unsorted_rows_are_rejected(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(60, 0, -1)]
    with pytest.raises(UnexpectedAnswer, match="sort was ignored"):
        list(client.orders(created_between=MARCH))


# Transient faults


@pytest.mark.parametrize(
    "fault",
    [
        Reply(500, b'{"message": "Server Error"}'),
        Reply(502, b"<html>Bad Gateway</html>"),
        Reply(503, b""),
        Reply(408, b"{}"),
        Reply(200, b"<html>maintenance</html>"),
        Reply(200, b'{"total": 1, "data": [{"id": 1}'),
        Reply(200, b'{"total": 1, "data": []}', cut=True),
        Reply(404, b"<html>nginx</html>"),
        Reply(401, b"<html>firewall</html>"),
        Reply(403, b"<html>firewall</html>"),
        Reply(400, b"oops"),
        Reply(200, b"\x1f\x8bnonsense", {"Content-Encoding": "gzip"}),
        Reply(drop=True),
    ],
    ids=lambda fault: f"{fault.status}-{fault.body[:12]!r}{'-cut' * fault.cut}{'-drop' * fault.drop}",
)
def test_a_transient_fault_costs_a_retry_and_no_order(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime, fault: Reply
) -> None:
    crm.lists["/order"] = [order_payload(1)]
    crm.faults = [fault, fault]
    assert ids_of(list(client.orders(created_between=MARCH))) == [1]
    assert client.statistics.requests == 3
    assert client.statistics.retries == 2
    assert 1 + 2 <= sum(virtual_time.slept) < 1 + 2 + 3 * 1.1


def test_retries_are_bounded_and_the_waits_double(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime
) -> None:
    crm.faults = [Reply(503, b"<h1>Service unavailable</h1> call +380501234567")] * 20
    with pytest.raises(TransportFailure) as caught:
        client.reference_rows("/order/status")
    assert len(crm.requests) == 6
    assert sum(virtual_time.slept) == pytest.approx(1 + 2 + 4 + 8 + 16, abs=1.2)
    message = str(caught.value)
    assert "GET /order/status (page 1)" in message
    assert "6 times" in message
    assert "status 503" in message
    assert "can be repeated" in message
    assert message.endswith(" The answer begins: Service unavailable … [number]")


@pytest.mark.parametrize("key", ["Retry-After", "X-RateLimit-Reset"])
def test_a_refusal_is_waited_out_as_long_as_asked(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime, key: str
) -> None:
    crm.lists["/order"] = [order_payload(1)]
    crm.faults = [Reply(429, b"", {key: "33"})]
    assert ids_of(list(client.orders(created_between=MARCH))) == [1]
    assert sum(virtual_time.slept) == pytest.approx(33, abs=0.1)
    statistics = client.statistics
    assert (statistics.requests, statistics.retries, statistics.refusals) == (2, 1, 1)
    assert statistics.waited_seconds == pytest.approx(33, abs=0.1)


def test_a_storm_of_refusals_is_waited_out_with_growing_pauses(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime
) -> None:
    crm.lists["/order"] = [order_payload(1)]
    crm.faults = [Reply(429, b"Too Many Attempts.")] * 5
    assert ids_of(list(client.orders(created_between=MARCH))) == [1]
    assert sum(virtual_time.slept) == pytest.approx(10 + 20 + 40 + 60 + 60, abs=1)


def test_a_refusal_for_hours_is_reported_instead_of_waited_out(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime
) -> None:
    crm.faults = [Reply(429, b"", {"Retry-After": "7200"})]
    with pytest.raises(TransportFailure, match="120 minutes"):
        list(client.orders(created_between=MARCH))
    assert virtual_time.slept == []


def test_an_answer_that_says_nothing_remains_delays_the_next_one(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime
) -> None:
    crm.lists["/order"] = [order_payload(1)]
    body = b'{"total": 0, "data": []}'
    crm.faults = [Reply(200, body, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "21"})]
    list(client.orders(created_between=MARCH))
    list(client.orders(created_between=MARCH))
    assert sum(virtual_time.slept) == pytest.approx(21, abs=0.1)
    assert client.statistics.refusals == 0


def test_an_unreachable_host_is_reported_with_advice(virtual_time: VirtualTime) -> None:
    """Nothing listens on that port: after six attempts the message names the host and what to check."""
    with LoopbackCrm() as stopped:
        url = stopped.url
    budget = RequestBudget(60, virtual_time.clock, virtual_time.sleep)
    with (
        KeyCrmClient(base_url=url, api_key=KEY, budget=budget) as client,
        pytest.raises(TransportFailure) as caught,
    ):
        list(client.orders(created_between=MARCH))
    assert "did not answer at 127.0.0.1" in str(caught.value)
    assert "network" in str(caught.value)
    assert "tried 6 times" in str(caught.value)


def test_a_mistyped_host_is_reported_with_advice(virtual_time: VirtualTime) -> None:
    """With two dots in a row no host can be looked up: the message says so, and names `base_url`."""
    budget = RequestBudget(60, virtual_time.clock, virtual_time.sleep)
    with (
        KeyCrmClient(base_url="https://crm..invalid/v1", api_key=KEY, budget=budget) as client,
        pytest.raises(TransportFailure) as caught,
    ):
        client.reference_rows("/order/status")
    assert "did not answer at crm..invalid" in str(caught.value)
    assert "base_url" in str(caught.value)


def test_silence_is_a_transient_fault(crm: LoopbackCrm, make_client: MakeClient) -> None:
    crm.lists["/order"] = [order_payload(1)]
    first = threading.Event()

    def hold(number: int, _request: SeenRequest) -> None:
        if number == 1:
            first.wait(0.3)

    crm.before = hold
    client = make_client(timeout=httpx.Timeout(0.1))
    assert ids_of(list(client.orders(created_between=MARCH))) == [1]
    assert client.statistics.retries >= 1


def test_closing_the_client_ends_its_waits_at_once(crm: LoopbackCrm) -> None:
    """Closing during a pause of ten minutes does not take ten minutes."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 501)]
    refused = threading.Event()

    def refuse(number: int, _request: SeenRequest) -> None:
        if number == 3:
            crm.faults = [Reply(429, b"", {"Retry-After": "600"})] * 9
            refused.set()

    crm.before = refuse

    def read_all() -> None:
        with contextlib.suppress(KeyCrmError):
            list(client.orders(created_between=MARCH))

    with KeyCrmClient(base_url=crm.url, api_key=KEY, budget=RequestBudget(6000)) as client:
        reader = threading.Thread(target=read_all)
        reader.start()
        assert refused.wait(10)
        started = time.monotonic()
    reader.join(10)
    assert not reader.is_alive()
    assert time.monotonic() - started < 5


# A total that is wrong


@pytest.mark.parametrize("count", [0, 10, 48, 49, 50, 100, 160])
def test_a_total_that_is_always_two_too_high_does_not_stop_a_load(
    count: int, crm: LoopbackCrm, client: KeyCrmClient, caplog: pytest.LogCaptureFixture
) -> None:
    """All orders are taken once two readings were equal, with a note."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, count + 1)]
    crm.envelope = lambda envelope: envelope.update(total=envelope["total"] + 2)
    assert set(ids_of(list(client.orders(created_between=MARCH)))) == set(range(1, count + 1))
    assert f"has {count + 2} rows, and returned {count}" in caplog.text


def test_a_total_that_is_too_low_does_not_end_a_list(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """60 orders according to `total`, 160 according to `last_page` and `next_page_url`: all 160 are read."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 161)]
    crm.envelope = lambda envelope: envelope.update(total=60)
    assert set(ids_of(list(client.orders(created_between=MARCH)))) == set(range(1, 161))
    crm.envelope = lambda envelope: envelope.update(total=60, last_page=None)
    assert set(ids_of(list(client.orders(created_between=MARCH)))) == set(range(1, 161))
    crm.envelope = lambda envelope: envelope.update(total=60, next_page_url=None)
    assert set(ids_of(list(client.orders(created_between=MARCH)))) == set(range(1, 161))


@pytest.mark.parametrize("kept", [25, 80])
def test_half_a_list_is_never_taken(kept: int, crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """Rows that never come although the total counts them: a page of them, or half, is no miscounted total."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 2 * kept + 1)]

    def cut(envelope: dict[str, Any]) -> None:
        kept_here = max(0, kept - (envelope["current_page"] - 1) * 50)
        envelope["data"] = envelope["data"][:kept_here]

    crm.envelope = cut
    with pytest.raises(TransportFailure, match="wrong number of rows"):
        list(client.orders(created_between=MARCH))


def test_a_reference_list_with_a_wrong_total_is_taken_when_two_readings_are_equal(
    crm: LoopbackCrm, client: KeyCrmClient, caplog: pytest.LogCaptureFixture
) -> None:
    crm.lists["/order/status"] = [{"id": number} for number in range(1, 61)]
    crm.envelope = lambda envelope: envelope.update(total=62)
    assert len(client.reference_rows("/order/status")) == 60
    assert "has 62 rows, and returned 60" in caplog.text
    crm.envelope = lambda envelope: envelope.update(total=50)
    assert len(client.reference_rows("/order/status")) == 60


# Permanent faults


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "Unauthenticated."}', "status 401): Unauthenticated. Store the account's key"),
        (b'{"error": "The key was revoked"}', "status 401): The key was revoked. Store the account's key"),
        (b"{}", "status 401). Store the account's key"),
        (b"", "status 401). Store the account's key"),
    ],
)
def test_a_refused_key_ends_everything_at_once(
    crm: LoopbackCrm, client: KeyCrmClient, virtual_time: VirtualTime, body: bytes, words: str
) -> None:
    """The message shows KeyCRM's own words; no other request is sent with that key."""
    crm.faults = [Reply(401, body)]
    with pytest.raises(AuthenticationError, match="KEYCRM_API_KEY") as caught:
        list(client.orders(created_between=MARCH))
    with pytest.raises(AuthenticationError):
        client.reference_rows("/order/status")
    assert len(crm.requests) == 1
    assert virtual_time.slept == []
    assert words in str(caught.value)


def test_refused_access_is_not_called_a_wrong_key(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """A plan without the API: KeyCRM's own words, shortened and without the key, and whom to ask."""
    message = f"API access is not included in your plan, key {KEY}. " + "Please upgrade. " * 50
    crm.faults = [Reply(403, json.dumps({"message": message}).encode())]
    with pytest.raises(RequestRefused) as caught:
        list(client.orders(created_between=MARCH))
    error = str(caught.value)
    assert (
        "refused access (GET /order (page 1), status 403): API access is not included in your plan, key [key]."
        in error
    )
    assert "The key may be right" in error
    assert "KEYCRM_API_KEY" not in error
    assert len(error) < 500
    assert len(crm.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_the_page_of_a_firewall_is_named(crm: LoopbackCrm, client: KeyCrmClient, status: int) -> None:
    """It says nothing about the key: it is tried again, and then reported as what it is."""
    crm.faults = [Reply(status, b"<html><h1>Access denied</h1></html>")] * 6
    with pytest.raises(TransportFailure) as caught:
        list(client.orders(created_between=MARCH))
    assert len(crm.requests) == 6
    assert f"a web page came instead of KeyCRM's answer (status {status}" in str(caught.value)
    assert "a firewall or a proxy blocks the requests" in str(caught.value)
    assert str(caught.value).endswith("The answer begins: Access denied")


@pytest.mark.parametrize(
    ("body", "words", "in_ukrainian"),
    [
        (
            b'{"status": false, "message": "Account is suspended."}',
            "it answered with an error (status 200): Account is suspended. Nothing was lost",
            "він відповів помилкою (статус 200): Account is suspended. Нічого не втрачено",
        ),
        (
            b'{"status": false, "total": 0, "data": []}',
            "it answered with an error (status 200), without giving a reason. Nothing was lost",
            "він відповів помилкою (статус 200) без пояснення. Нічого не втрачено",
        ),
    ],
    ids=["with its reason", "with an empty list"],
)
@pytest.mark.parametrize("what", ["orders", "headers", "order", "statuses"])
def test_an_error_in_the_answer_is_no_empty_list_and_no_order(
    crm: LoopbackCrm, client: KeyCrmClient, what: str, body: bytes, words: str, in_ukrainian: str
) -> None:
    """Status 200 and yet a failure: tried again, and then reported in the server's own words."""
    ask: dict[str, Callable[[], object]] = {
        "orders": lambda: list(client.orders(created_between=MARCH)),
        "headers": lambda: list(client.order_headers()),
        "order": lambda: client.order(7),
        "statuses": lambda: client.reference_rows("/order/status"),
    }
    crm.faults = [Reply(body=body)] * 6
    with pytest.raises(TransportFailure) as caught:
        ask[what]()
    assert len(crm.requests) == 6
    assert words in str(caught.value)
    assert in_ukrainian in caught.value.message.text(Formatter("uk"))


def test_after_an_error_in_an_answer_the_list_is_read(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """It was a moment's trouble: the next answer counts."""
    crm.lists["/order"] = [order_payload(7)]
    crm.faults = [Reply(body=b'{"status": false}')]
    assert ids_of(list(client.orders(created_between=MARCH))) == [7]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(401, b"{}"), AuthenticationError),
        (Reply(429, b"", {"Retry-After": "7200"}), TransportFailure),
        (Reply(302, b"", {"Location": "/"}), TransportFailure),
    ],
    ids=["key", "for hours", "moved"],
)
def test_after_a_final_refusal_no_other_thread_waits_for_the_pace(
    crm: LoopbackCrm, make_client: MakeClient, reply: Reply, error: type[KeyCrmError]
) -> None:
    """At one request a minute four lists are read at once; the first request is refused for good, and all end."""
    client = make_client(budget=RequestBudget(1))
    crm.faults = [reply]
    started = time.monotonic()
    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(client.reference_rows, "/order/status") for _ in range(4)]
    assert [type(answer.exception()) for answer in answers] == [error] * 4
    assert len(crm.requests) == 1
    assert time.monotonic() - started < 10


def test_pages_that_wait_end_with_the_failure_of_something_else(
    crm: LoopbackCrm, make_client: MakeClient, virtual_time: VirtualTime
) -> None:
    """A reference list that a load needs is refused: no page of orders waits for its turn any longer."""
    crm.lists["/order"] = [order_payload(number) for number in range(1, 501)]
    budget = RequestBudget(1, virtual_time.clock, virtual_time.sleep, jitter=lambda: 0.0)
    client = make_client(budget=budget)
    listing = client.orders(created_between=MARCH)
    next(listing)
    client.end(RequestRefused(Client.READING_STOPPED.message(), status=404))
    started = virtual_time.now
    with pytest.raises(RequestRefused, match="Reading was stopped") as caught:
        list(listing)
    assert caught.value.status is None
    with pytest.raises(RequestRefused):
        # Not None, which would mean that the order was deleted.
        client.order(1)
    assert virtual_time.now - started < 5


@pytest.mark.parametrize(
    ("opening", "endless"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    ],
    ids=["headers", "early hints", "body", "chunks"],
)
def test_an_answer_that_trickles_in_is_given_up_at_the_deadline(
    crm: LoopbackCrm, make_client: MakeClient, opening: bytes, endless: bytes
) -> None:
    """Bytes keep coming, so that no read ever times out; the request ends all the same and is tried again."""
    crm.lists["/order"] = [order_payload(1)]
    crm.faults = [Reply(body=opening, endless=endless)]
    client = make_client(longest_answer=0.3)
    assert ids_of(list(client.orders(created_between=MARCH))) == [1]
    assert client.statistics.retries == 1
    crm.faults = [Reply(body=opening, endless=endless)] * 6
    with pytest.raises(TransportFailure, match="the answer was not complete after 0 s"):
        client.order(1)


# The environment


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/secret-file.pem"),
        ("HTTPS_PROXY", "http://secret@[::1"),
        ("https_proxy", "secret://proxy.example"),
        ("ALL_PROXY", "socks5://secret.example:1080"),
        ("ALL_PROXY", "http://[secret]:port"),
    ],
)
def test_an_unusable_variable_of_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A certificate file that no longer exists, a proxy that cannot be: the variable is named, its value is not."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(KeyCrmError, match=f"The environment variable {variable} is unusable") as caught:
        KeyCrmClient(base_url="https://127.0.0.1:9/v1", api_key=KEY, budget=RequestBudget(60))
    assert "secret" not in str(caught.value)
    told = caught.value.message.text(Formatter("uk"))
    assert told.startswith(f"Змінна середовища {variable} непридатна: ")
    assert "proxy" not in told.replace(variable, "")


def test_a_certificate_file_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "certificates.pem"
    file.write_text("no certificate", "utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(KeyCrmError, match="SSL_CERT_FILE"):
        KeyCrmClient(base_url="https://127.0.0.1:9/v1", api_key=KEY, budget=RequestBudget(60))


def test_this_machine_is_reached_past_any_proxy(
    crm: LoopbackCrm, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy could not reach it, and would read the key, which goes to 127.0.0.1 unencrypted."""
    crm.lists["/order"] = [order_payload(1)]
    with LoopbackCrm() as proxy:
        for variable in ("http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(variable, proxy.url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", "[::1,fe80::/10")
        assert ids_of(list(make_client().orders(created_between=MARCH))) == [1]
    assert proxy.requests == []


@pytest.mark.parametrize("is_excepted", [False, True])
def test_a_proxy_is_used_unless_the_address_is_excepted(
    monkeypatch: pytest.MonkeyPatch, virtual_time: VirtualTime, is_excepted: bool
) -> None:
    """`HTTPS_PROXY` carries the requests, and `NO_PROXY` takes an address out; IPv6 addresses there do no harm."""
    del virtual_time
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = proxy.accept()
                    with connection:
                        asked.append(connection.recv(200))

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "[::1,crm.invalid" if is_excepted else "[::1,fe80::/10")
        with (
            KeyCrmClient(
                base_url="https://crm.invalid/v1", api_key=KEY, budget=RequestBudget(60000)
            ) as client,
            pytest.raises(TransportFailure),
        ):
            client.reference_rows("/order/status")
    assert [line.startswith(b"CONNECT crm.invalid:443") for line in asked[:1]] == (
        [] if is_excepted else [True]
    )
    assert KEY.encode() not in b"".join(asked)


def test_a_proxy_that_refuses_is_named(monkeypatch: pytest.MonkeyPatch, virtual_time: VirtualTime) -> None:
    """A proxy that wants another password: nobody waits for KeyCRM, which was never asked."""

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_error(407)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:a-password@127.0.0.1:{proxy.server_port}")
        budget = RequestBudget(60, virtual_time.clock, virtual_time.sleep)
        with (
            KeyCrmClient(base_url="https://crm.invalid/v1", api_key=KEY, budget=budget) as client,
            pytest.raises(TransportFailure, match=r"HTTPS_PROXY\) let no connection through") as caught,
        ):
            client.reference_rows("/order/status")
        proxy.shutdown()
    assert "a-password" not in str(caught.value)


@pytest.mark.parametrize("host", ["crm.example", "10.0.0.5", "127.1", "127.0.0.1.crm.example"])
def test_the_key_is_never_sent_unencrypted(host: str) -> None:
    """Only this machine may be asked by http."""
    with pytest.raises(ValueError, match="https"):
        KeyCrmClient(base_url=f"http://{host}/v1", api_key=KEY, budget=RequestBudget(60))


def test_a_refused_certificate_is_told_at_once(tmp_path: Path, virtual_time: VirtualTime) -> None:
    """It is refused at the next attempt too, and "no connection" would send people to their router."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with (
                        contextlib.suppress(OSError),
                        context.wrap_socket(connection, server_side=True) as secure,
                    ):
                        secure.recv(200)

        threading.Thread(target=answer, daemon=True).start()
        url = f"https://localhost:{server.getsockname()[1]}/v1"
        with (
            KeyCrmClient(base_url=url, api_key=KEY, budget=RequestBudget(60000)) as client,
            pytest.raises(TransportFailure, match="the certificate of its server was refused") as caught,
        ):
            client.reference_rows("/order/status")
    assert "tried once" in str(caught.value)
    assert virtual_time.slept == []


def _gzip_of(megabytes: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_larger_answer_than_the_limit_is_not_read(
    crm: LoopbackCrm, make_client: MakeClient, status: int, encoding: str
) -> None:
    """A megabyte of gzip took 2.4 gigabytes of memory; now a failure says what happened."""
    body = _gzip_of(100) if encoding == "gzip" else bytes(3 * 1024 * 1024)
    assert len(body) < 4 * 1024 * 1024
    crm.faults = [Reply(status, body, {"Content-Encoding": encoding})]
    client = make_client(largest_answer=2 * 1024 * 1024)
    tracemalloc.start()
    with pytest.raises(
        TransportFailure, match=r"larger than 2 MB unpacked \(largest_answer_megabytes"
    ) as caught:
        client.reference_rows("/order/status")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30 * 1024 * 1024
    assert "tried once" in str(caught.value)
    assert len(crm.requests) == 1


def test_a_compressed_answer_is_read(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """KeyCRM compresses what is asked for so; a damaged one is tried again, and one packed twice is not unpacked."""
    good = gzip.compress(b'{"total": 1, "data": [{"id": 7, "name": "x"}]}')
    crm.faults = [
        Reply(200, good[:-12], {"Content-Encoding": "gzip"}),
        Reply(200, good, {"Content-Encoding": "gzip"}),
    ]
    assert len(client.reference_rows("/order/status")) == 1
    assert crm.requests[0].headers["accept-encoding"] == "gzip"
    crm.faults = [Reply(200, gzip.compress(good), {"Content-Encoding": "gzip, gzip"})] * 6
    with pytest.raises(TransportFailure, match="the compressed answer was damaged"):
        client.reference_rows("/order/status")


@pytest.mark.parametrize("status", [400, 401, 403, 422])
@pytest.mark.parametrize(
    "words",
    [
        "The buyer Олена Тестова is invalid.",
        "Order of Marker Person not found",
        "Тестова",
        "The order 4821999 is taken",
    ],
)
def test_names_in_a_refusal_are_not_shown(
    crm: LoopbackCrm, client: KeyCrmClient, status: int, words: str
) -> None:
    """Only sentences of which every word is an API's are shown; of others the status says enough."""
    crm.faults = [Reply(status, json.dumps({"message": words}).encode())]
    with pytest.raises(KeyCrmError, match=f"status {status}") as caught:
        client.reference_rows("/order/status")
    for hidden in ("Тестова", "Marker", "4821999", "invalid.", "taken"):
        assert hidden not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("key", ["", "   ", "ключ", "two words", "line\nbreak"])
def test_an_impossible_key_is_rejected_without_being_shown(key: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        KeyCrmClient(base_url="http://127.0.0.1:1/v1", api_key=key, budget=RequestBudget(60))
    assert not key.strip() or key not in str(caught.value)


def test_a_refused_include_is_reported_with_keycrms_own_message(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    crm.faults = [Reply(400, b'{"message": "Requested include(s) `buyer` are not allowed."}')]
    with pytest.raises(RequestRefused) as caught:
        list(client.orders(created_between=MARCH))
    assert "Requested include(s) `buyer` are not allowed." in str(caught.value)
    assert "status 400" in str(caught.value)
    assert caught.value.status == 400
    assert len(crm.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(crm: LoopbackCrm, client: KeyCrmClient, status: int) -> None:
    """The key must not travel to an address that an answer names."""
    crm.faults = [Reply(status, b"", {"Location": f"{crm.url}/elsewhere"})]
    with pytest.raises(TransportFailure, match="base_url"):
        list(client.orders(created_between=MARCH))
    assert len(crm.requests) == 1


def test_json_of_another_shape_is_not_a_list(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.faults = [Reply(200, b'{"message": "hello"}')]
    with pytest.raises(UnexpectedAnswer, match="GET /order"):
        list(client.orders(created_between=MARCH))
    assert len(crm.requests) == 1


@pytest.mark.parametrize("url", ["openapi.keycrm.app/v1", "ftp://x/v1", "http://", ""])
def test_an_invalid_address_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="base_url"):
        KeyCrmClient(base_url=url, api_key=KEY, budget=RequestBudget(60))


# Secrets


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, f'{{"total": 1, "data": [{{"id": 1, "phone": "+380501112233", "k": "{KEY}"'.encode()),
        Reply(502, f"<p>Bearer {KEY} for Marker@Person.example +38 050 111 22 33</p>".encode()),
        Reply(400, f'{{"message": "Bad {KEY} of +380501112233, Marker@Person.example"}}'.encode()),
        Reply(401, f'{{"message": "Bad {KEY} of +380501112233"}}'.encode()),
        Reply(200, b'{"total": "+380501112233", "data": "Marker@Person.example"}'),
        Reply(
            200, f'PHP Notice {{"phone": "+380501112233", "name": "Marker Person", "k": "{KEY}"}}'.encode()
        ),
        Reply(drop=True),
    ],
)
def test_no_error_shows_the_key_or_a_person(
    crm: LoopbackCrm, client: KeyCrmClient, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    """Whatever KeyCRM returns, neither the key nor a buyer's data reaches messages, causes or the log."""
    caplog.set_level("DEBUG")
    crm.faults = [reply] * 6
    with pytest.raises(KeyCrmError) as caught:
        list(client.orders(created_between=MARCH))
    written = caplog.text + repr(client)
    error: BaseException | None = caught.value
    while error is not None:
        written += f"{error!s} {error!r} {vars(error)}"
        error = error.__cause__ or error.__context__
    for secret in (KEY, "Marker", "501112233", "111 22 33"):
        assert secret not in written


# Single orders, ids, reference lists, products


def test_a_single_order_is_read_with_everything(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.faults = [Reply(200, b'{"id": 4821, "ordered_at": "2026-03-02 08:00:00"}')]
    row = client.order(4821)
    assert row is not None
    assert row.payload == b'{"id": 4821, "ordered_at": "2026-03-02 08:00:00"}'
    assert crm.requests[0].path == "/order/4821"
    assert crm.requests[0].query == {"include": FULL_INCLUDE}


def test_an_order_counts_as_deleted_only_if_the_api_says_so(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    assert client.order(5) is None
    crm.faults = [Reply(404, b"<html>nginx</html>")] * 6
    with pytest.raises(TransportFailure, match="base_url in the profile is wrong"):
        client.order(5)
    crm.faults = [Reply(404, b'{"message": "The route v1/v1/order/5 could not be found."}')]
    with pytest.raises(RequestRefused):
        client.order(5)


def test_a_cut_emoji_in_a_single_order_does_not_stop_the_load(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """A comment that KeyCRM cut in the middle of an emoji is repaired exactly as in a list.

    A single order was not repaired: one such comment made it "not that order", and stopped every `sweep` and
    `recent` that requested the order.
    """
    payload = rb'{"id": 12, "manager_comment": "thanks \ud83d"}'
    crm.faults = [Reply(200, b'{"total": 1, "data": [' + payload + b"]}"), Reply(200, payload)]
    ((listed,),) = (page.rows for page in client.orders(created_between=MARCH))
    single = client.order(12)
    assert single == listed
    assert json.loads(listed.payload) == {"id": 12, "manager_comment": "thanks \ufffd"}


@pytest.mark.parametrize("body", [b'{"id": 6}', b"[]", b'{"message": "hm"}', b"null"])
def test_another_answer_is_not_the_order(crm: LoopbackCrm, client: KeyCrmClient, body: bytes) -> None:
    crm.faults = [Reply(200, body)]
    with pytest.raises(UnexpectedAnswer):
        client.order(5)


def test_the_sweep_reads_headers_without_includes(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order"] = [order_payload(number) for number in range(3, 123)]
    pages = list(client.order_headers())
    assert set(ids_of(pages)) == set(range(3, 123))
    assert [page.total for page in pages] == [120, 120, 120]
    assert crm.requests[0].query == {"limit": "50", "page": "1", "sort": "id"}


def test_a_reference_list_is_read_in_full(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/order/status"] = [{"id": number, "rate": 1.5} for number in range(1, 61)]
    rows = client.reference_rows("/order/status")
    assert [row.row_id for row in rows] == list(range(1, 61))
    assert rows[0]["rate"] == Decimal("1.5")
    assert rows[0].payload == b'{"id": 1, "rate": 1.5}'
    assert [request.query.get("sort") for request in crm.requests] == ["id", "id"]


@pytest.mark.parametrize("route", ["/users", "/products/categories"])
def test_routes_that_do_not_support_sort_are_requested_without_it(
    crm: LoopbackCrm, client: KeyCrmClient, route: str
) -> None:
    crm.lists[route] = [{"id": 3}, {"id": 1}]
    assert [row.row_id for row in client.reference_rows(route)] == [3, 1]
    assert "sort" not in crm.requests[0].query


def test_a_reference_list_that_changed_is_read_again(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    crm.lists["/users"] = [{"id": number} for number in range(1, 61)]

    def insert_at_front(number: int, _request: SeenRequest) -> None:
        if number == 2:
            crm.lists["/users"].insert(0, {"id": 99})

    crm.before = insert_at_front
    rows = client.reference_rows("/users")
    assert {row.row_id for row in rows} == {*range(1, 61), 99}
    assert len(rows) == 61
    assert len(crm.requests) == 4


def test_a_reference_list_that_never_adds_up_is_not_used(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """A missing category would book a service as goods: no list is better than half a list."""
    crm.lists["/products/categories"] = [{"id": number} for number in (*range(1, 61), 1)]
    with pytest.raises(TransportFailure, match="61 rows"):
        client.reference_rows("/products/categories")
    assert len(crm.requests) == 4


def test_a_reference_list_that_repeats_its_page_and_promises_more_is_given_up(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    """Two readings of two equal pages say it; it used to be asked for page after page, without end."""
    users = [{"id": number} for number in range(1, 51)]
    crm.lists["/users"] = users

    def repeat(envelope: dict[str, Any]) -> None:
        envelope.update(total=60, data=users, next_page_url="more" if len(crm.requests) < 20 else None)

    crm.envelope = repeat
    with pytest.raises(TransportFailure, match="60 rows, but reading it twice returned only 50"):
        client.reference_rows("/users")
    assert len(crm.requests) == 4


def test_a_reference_list_of_one_page_may_have_a_row_twice(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """The whole list is on the page, so the duplicate hides nothing; it used to stop every load."""
    crm.lists["/products/categories"] = [{"id": 1}, {"id": 1}, {"id": 2}]
    assert [row.row_id for row in client.reference_rows("/products/categories")] == [1, 2]


def shop_of_products(crm: LoopbackCrm) -> None:
    """120 products, the even ones with two more variants; every tenth is archived and not listed by default."""
    crm.lists["/products"] = [{"id": number, "is_archived": number % 10 == 0} for number in range(1, 121)]
    crm.lists["/offers"] = [
        {"id": number * 10 + variant, "product_id": number, "is_archived": number % 10 == 0}
        for number in range(1, 121)
        for variant in range(3 if number % 2 == 0 else 1)
    ]

    def filtered(route: str, query: dict[str, str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        key = "id" if route == "/products" else "product_id"
        wanted = query.get("filter[product_id]")
        if wanted is not None:
            rows = [row for row in rows if str(row[key]) in wanted.split(",")]
        if query.get("filter[is_archived]") == "true":
            return [row for row in rows if row["is_archived"]]
        return [row for row in rows if not row["is_archived"]]

    crm.filtered = filtered


def test_products_are_requested_fifty_at_a_time_and_archived_ones_once_more(
    crm: LoopbackCrm, client: KeyCrmClient
) -> None:
    shop_of_products(crm)
    rows = client.products([*range(1, 121), 5, 999])
    assert sorted(row["id"] for row in rows) == list(range(1, 121))
    # 121 distinct ids cost three requests; the 12 archived ones and the unknown 999 cost one more.
    assert len(crm.requests) == 4
    assert crm.requests[-1].query["filter[product_id]"] == "10,20,30,40,50,60,70,80,90,100,110,120,999"
    assert all("sort" not in request.query for request in crm.requests)


def test_no_ids_cost_no_request(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    assert client.products([]) == []
    assert client.offers(product_ids=[]) == []
    assert crm.requests == []


def test_offers_come_with_all_variants_over_all_pages(crm: LoopbackCrm, make_client: MakeClient) -> None:
    shop_of_products(crm)
    rows = make_client().offers(product_ids=list(range(1, 51)))
    # 25 odd products with one variant, 25 even ones with three: 100 rows, 15 of them archived.
    assert len(rows) == 100
    assert [row["id"] for row in rows if row["product_id"] == 10] == [100, 101, 102]
    # 85 rows are two pages; the 5 archived products are one more.
    assert len(crm.requests) == 3
    assert crm.requests[0].query["include"] == "product"
    assert crm.requests[0].query["sort"] == "id"


@pytest.mark.parametrize("what", ["products", "offers"])
def test_products_that_were_not_requested_mean_an_ignored_filter(
    crm: LoopbackCrm, client: KeyCrmClient, what: str
) -> None:
    shop_of_products(crm)
    crm.filtered = lambda _route, _query, rows: rows
    with pytest.raises(UnexpectedAnswer, match="product_id was ignored"):
        client.products([1, 2]) if what == "products" else client.offers(product_ids=[1, 2])


# The pace


def test_slow_pages_are_requested_concurrently(crm: LoopbackCrm) -> None:
    """A page takes two intervals of the rate, as 2 s at 60 per minute: one at a time would halve the speed.

    Ten times faster than in reality: pages of 0.2 s, one request every 0.1 s.
    """
    crm.page_seconds = 0.2
    crm.lists["/order"] = [order_payload(number) for number in range(1, 1001)]
    with KeyCrmClient(base_url=crm.url, api_key=KEY, budget=RequestBudget(600)) as client:
        assert len(list(client.orders(created_between=MARCH))) == 20
    # How long it takes is measured in the benchmarks: here the machine may be busy.
    assert max(request.in_flight for request in crm.requests) >= 2
    assert client.statistics.requests == 20
    assert client.statistics.refusals == 0


def test_two_clients_of_one_account_share_the_pace(make_client: MakeClient) -> None:
    time_line = VirtualTime()
    budget = RequestBudget(60, time_line.clock, time_line.sleep)
    first, second = make_client(budget=budget), make_client(budget=budget)
    for _ in range(18):
        list(first.orders(created_between=MARCH))
        list(second.orders(created_between=MARCH))
    # 30 at once; the other 30 share the minute until the first no longer counts, one every 1.95 s.
    assert time_line.now - 1000 == pytest.approx(6 * 60.6 / 31, abs=0.2)
    assert first.statistics.requests == second.statistics.requests == 18


def test_ends_of_a_window_are_never_narrowed(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    start = datetime(2026, 3, 1, 10, 0, 0, 999999, tzinfo=UTC)
    list(client.orders(updated_between=(start, start + timedelta(microseconds=2))))
    assert crm.requests[0].query["filter[updated_between]"] == "2026-03-01 10:00:00,2026-03-01 10:00:02"
