"""The lists of an account read the same from KeyCRM and from what a load has stored."""

from __future__ import annotations

from pathlib import Path

from keycrm_pipeline.run.account import ListedCategory, ListedStatus, account_of, read_account, stored_account
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, make_books


def test_stored_lists_say_what_keycrm_says(tmp_path: Path) -> None:
    books = make_books(tmp_path, service_categories=[7])
    books.shop.add_status({"id": 301, "name": None, "alias": "new", "group_id": 1})
    books.shop.add_status({"id": 302, "name": None, "alias": None, "group_id": 77})
    with books.warehouse.writing() as connection:
        assert stored_account(connection) is None
    books.order(501)
    books.load(MARCH_2)
    with books.warehouse.reading() as connection:
        stored = stored_account(connection)
    assert stored is not None
    with books.client() as client:
        found, refused = read_account(client)
    assert refused == {}
    fetched = account_of(found, stored.read_at)
    by_id = {status.status_id: status for status in fetched.statuses}
    assert by_id[301] == ListedStatus(301, "Новий", 1, "Новий")
    assert by_id[302] == ListedStatus(302, "Статус 302", 77, None)
    assert set(stored.statuses) == set(fetched.statuses)
    assert stored.payment_methods == fetched.payment_methods
    assert stored.managers == fetched.managers
    assert set(stored.categories) == set(fetched.categories)
    assert stored.sources == fetched.sources


def test_a_list_that_keycrm_refuses_and_rows_without_a_name(tmp_path: Path) -> None:
    books = make_books(tmp_path)
    with books.client() as client:
        found, _refused = read_account(client)
    rows = {name: found[name] for name in found if name != "users"}
    rows["categories"] = [{"id": 5, "name": None, "parent_id": 2}]
    rows["payment_methods"] = [{"id": 9, "name": ""}]
    account = account_of(rows, books.now)
    assert account.managers is None
    assert account.categories == (ListedCategory(5, "Категорія 5", 2),)
    assert account.payment_methods == {9: "Спосіб оплати 9"}
