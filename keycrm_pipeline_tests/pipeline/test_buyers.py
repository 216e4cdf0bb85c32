"""Custom fields of buyers: asked for only if the profile names one, once a day, and shown on the card."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from keycrm_pipeline_tests.pipeline.bookkeeping import Books, MakeBooks, kyiv, person

NAMES = {"CT_20": "buyers.discount_card"}
FIELDS = "SELECT partner_id, custom_fields FROM reports.partner_custom_fields ORDER BY partner_id"


def carded(buyer_id: int, card: str | None, **more: Any) -> dict[str, Any]:
    """A buyer with a discount card."""
    fields = [] if card is None else [{"id": 20, "uuid": "CT_20", "name": "Картка", "value": card}]
    return person(buyer_id, custom_fields=fields, **more)


def asked(books: Books) -> list[dict[str, str]]:
    """The requests for buyers."""
    return [dict(request.query) for request in books.api.requests if request.path == "/buyer"]


def test_cards_show_the_fields_of_their_buyers(new_books: MakeBooks) -> None:
    """Two buyers in one request; one has no card, and the company's field stands beside the buyer's."""
    books = new_books(custom_fields=NAMES)
    books.order(1, buyer=carded(1, "0007", company_id=1))
    books.order(2, buyer=carded(2, None))
    books.order(3, buyer=carded(1, "0007", company_id=1))
    books.load()
    assert [(query["filter[buyer_id]"], query["include"]) for query in asked(books)] == [
        ("1,2", "custom_fields")
    ]
    assert books.query(FIELDS) == [(1, '{"CT_1016":"00000001","CT_20":"0007"}')]
    assert books.query("SELECT buyer_id FROM raw.buyers ORDER BY buyer_id") == [(1,), (2,)]


def test_nobody_is_asked_for_without_need(new_books: MakeBooks) -> None:
    """Not without the setting, not twice a day, and not by a rebuild; the next day the new card is read."""
    books = new_books()
    books.order(1, buyer=carded(1, "0007"))
    books.load()
    assert asked(books) == []
    books.profile = books.profile.model_validate(
        books.profile.model_dump() | {"name": "shop", "custom_fields": NAMES}
    )
    books.load()
    books.order(2, kyiv(2026, 3, 2, 11, 0), buyer=carded(1, "0008"))
    books.load()
    books.rebuild()
    assert len(asked(books)) == 1
    assert books.query(FIELDS) == [(1, '{"CT_20":"0007"}')]
    books.now += timedelta(days=1, minutes=1)
    books.load()
    assert len(asked(books)) == 2
    assert books.query(FIELDS) == [(1, '{"CT_20":"0008"}')]


def test_a_key_that_may_not_read_buyers_stops_no_exchange(
    new_books: MakeBooks, caplog: pytest.LogCaptureFixture
) -> None:
    """The orders are booked, and the log says what is missing, without a name."""
    books = new_books(custom_fields=NAMES)
    books.order(1, buyer=carded(1, "0007"))
    books.api.faults.path_prefix = "/buyer"
    books.api.faults.server_errors = 1_000
    assert books.load().status == "succeeded"
    assert books.query(FIELDS) == []
    assert "The custom fields of buyers could not be read" in caplog.text
    assert "Олена" not in caplog.text


def test_a_merged_buyer_is_not_asked_for_again_at_once(new_books: MakeBooks) -> None:
    """KeyCRM no longer has it: that is an answer, too."""
    books = new_books(custom_fields=NAMES)
    books.order(1, buyer=carded(1, "0007"))
    books.shop.remove_buyer(1)
    books.load()
    books.load()
    assert len(asked(books)) == 1
    assert books.query(FIELDS) == []
