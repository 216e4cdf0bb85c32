"""The bank transactions of KeyCRM's payment gateways, over real HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from keycrm_pipeline.crm.client import KeyCrmClient
from keycrm_pipeline.crm.errors import RequestRefused, UnexpectedAnswer
from keycrm_pipeline_tests.crm.loopback import LoopbackCrm, Reply

ROUTE = "/payments/external-transactions"
MARCH = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)


def transaction(number: int, month: int = 3) -> dict[str, Any]:
    return {
        "id": number,
        "uuid": f"u-{number}",
        "amount": 10.5,
        "transaction_date": f"2026-{month:02d}-{number % 28 + 1:02d} 10:00:00",
    }


def test_all_pages_of_a_window_are_read(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """120 transactions are three requests of fifty, for full times in UTC; how to sort them is not documented."""
    crm.lists[ROUTE] = [transaction(number) for number in range(1, 121)]
    rows = client.external_transactions(MARCH)
    assert sorted(row["id"] for row in rows) == list(range(1, 121))
    assert [request.query for request in crm.requests] == [
        {
            "limit": "50",
            "page": str(page),
            "filter[created_between]": "2026-03-01 00:00:00,2026-03-31 23:59:59",
        }
        for page in (1, 2, 3)
    ]


def test_an_ignored_filter_is_noticed_on_the_first_page(crm: LoopbackCrm, client: KeyCrmClient) -> None:
    """An account of ten thousand transactions is not read page by page because of one unknown filter."""
    crm.lists[ROUTE] = [transaction(number, month=1) for number in range(1, 10_001)]
    with pytest.raises(UnexpectedAnswer, match="external-transactions"):
        client.external_transactions(MARCH)
    assert len(crm.requests) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_is_no_matter_of_the_key(crm: LoopbackCrm, client: KeyCrmClient, status: int) -> None:
    """The next request of the same client still works."""
    crm.faults.append(Reply(status, b'{"message": "This action is not allowed."}'))
    with pytest.raises(RequestRefused):
        client.external_transactions(MARCH)
    crm.lists["/order/status"] = [{"id": 1, "name": "new"}]
    assert [row["id"] for row in client.reference_rows("/order/status")] == [1]
