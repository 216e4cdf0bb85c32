"""The company of a buyer: kept on the order, described by KeyCRM's list, shown on the card."""

from __future__ import annotations

from keycrm_pipeline_tests.pipeline.bookkeeping import MakeBooks, kyiv, person

COLUMNS = "partner_id, company_id, company_name, company_title, company_bank_account"


def test_a_card_shows_the_company_of_its_newest_order(new_books: MakeBooks) -> None:
    """The buyer changed the company; a company that no list names keeps its number; most buyers have none."""
    books = new_books()
    books.order(1, kyiv(2026, 3, 2, 9, 0), buyer=person(1, company_id=2))
    books.order(2, kyiv(2026, 3, 2, 10, 0), buyer=person(1, company_id=1))
    # Her last order was private.
    books.order(3, kyiv(2026, 3, 2, 11, 0), buyer=person(1, company_id=None))
    books.order(4, kyiv(2026, 3, 2, 12, 0), buyer=person(2, company_id=99))
    books.order(5, kyiv(2026, 3, 2, 13, 0), buyer=person(3))
    books.load()
    assert books.rows("orders", "company_id") == [(2,), (1,), (None,), (99,), (None,)]
    assert books.query(f"SELECT {COLUMNS} FROM reports.partner_companies ORDER BY partner_id") == [  # noqa: S608
        (
            1,
            1,
            "ТОВ «Вигадка»",
            "Товариство з обмеженою відповідальністю «Вигадка»",
            "UA000000000000000000000000001",
        ),
        (2, 99, None, None, None),
    ]
    # One company is no reason to share a card, and another one none to part it.
    assert books.query("SELECT count(*) FROM accounting.partners WHERE origin = 'keycrm'") == [(3,)]


def test_companies_are_read_with_their_custom_fields_twice_a_day(new_books: MakeBooks) -> None:
    """One request for fifty companies, and none in the loads of the next hours."""
    books = new_books()
    books.order(1)
    books.load()
    asked = [dict(request.query) for request in books.api.requests if request.path == "/companies"]
    assert [query["include"] for query in asked] == ["custom_fields"]
    books.api.forget_requests()
    books.load()
    assert "/companies" not in [request.path for request in books.api.requests]


def test_an_account_that_refuses_companies_is_loaded(new_books: MakeBooks) -> None:
    """A key without rights to companies stops no exchange."""
    books = new_books()
    books.order(1, buyer=person(1, company_id=1))
    books.api.faults.path_prefix = "/companies"
    books.api.faults.server_errors = 1_000
    assert books.load().status == "succeeded"
    assert books.query("SELECT company_id, company_name FROM reports.partner_companies") == [(1, None)]
