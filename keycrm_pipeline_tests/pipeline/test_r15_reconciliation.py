"""R15: payments of KeyCRM beside the money of its gateways and of registers, in real files; sums worked out by hand."""

from __future__ import annotations

import io
import json
import os
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from keycrm_pipeline.accounting.hand_over import document_changes
from keycrm_pipeline.period import Period
from keycrm_pipeline.pipeline.reconciliation import reconcile_again
from keycrm_pipeline.pipeline.registers import owners_of
from keycrm_pipeline.warehouse.chosen_documents import EVERYTHING, choose_documents
from keycrm_pipeline.warehouse.export import read_export_sources
from keycrm_pipeline.warehouse.hand_over import closed_changes_not_exported
from keycrm_pipeline.warehouse.reconciliation_lines import counts_by_kind, lines_of_period
from keycrm_pipeline.warehouse.statements import statement
from keycrm_pipeline_tests.payloads import payment_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import MARCH_2, Books, MakeBooks, kyiv
from keycrm_pipeline_tests.pipeline.compared_shop import (
    COLUMNS,
    HEADER,
    MARCH,
    NOVA,
    REGISTER,
    SETTINGS,
    bank,
    fill,
    order,
    put,
)


@pytest.fixture
def shop(new_books: MakeBooks) -> Books:
    """One of everything: by bank and by carrier, with and without money."""
    books = new_books(**SETTINGS)
    fill(books)
    return books


def told(books: Books) -> list[tuple[Any, ...]]:
    """The lines of March, without what is in further tests."""
    with books.warehouse.reading() as connection:
        return [
            (line.kind, line.order_id, line.paid, line.received, line.difference, line.fee, line.matched_by)
            for line in lines_of_period(connection, MARCH)
        ]


EXPECTED = [
    ("matched", 501, Decimal(500), Decimal(500), Decimal(0), None, "reference"),
    ("payment_without_money", 502, Decimal(300), None, None, None, None),
    ("matched", 503, Decimal(250), Decimal(250), Decimal(0), Decimal("12.5"), "order"),
    ("sum_differs", 504, Decimal(400), Decimal(390), Decimal(-10), Decimal(20), "order"),
    ("matched", 505, Decimal(180), Decimal(180), Decimal(0), None, "text"),
    ("matched", 506, Decimal(95), Decimal(95), Decimal(0), None, "buyer"),
    ("money_without_payment", None, None, Decimal(33), None, None, None),
    ("outgoing", None, None, Decimal(-15), None, Decimal(0), None),
    ("money_without_payment", None, None, Decimal(60), None, Decimal(0), None),
]
"""Order 507 is cash, for which there is no source of money, so it is not told. Of 502 the bank's money is known for the
seven days after 2 March."""


def test_a_load_compares_payments_and_money(shop: Books) -> None:
    """Transactions are fetched with the load, the register is read with it, and each line is one of the list above."""
    assert shop.load().status == "succeeded"
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)
    with shop.warehouse.reading() as connection:
        by_order = {line.order_id: line for line in lines_of_period(connection, MARCH)}
        counts = {count.kind: count for count in counts_by_kind(connection, MARCH)}
    waybill, bank_line = by_order[503], by_order[501]
    assert (waybill.paid_day, waybill.received_day, waybill.days_in_transit) == (
        MARCH_2,
        date(2026, 3, 3),
        1,
    )
    assert (waybill.source, waybill.file_name, waybill.line, waybill.account) == (
        "novapay", "novapay-march.csv", 2, NOVA,
    )  # fmt: skip
    assert (bank_line.source, bank_line.transaction_id, bank_line.file_name) == ("keycrm", 1, None)
    matched = counts["matched"]
    # 500 + 250 + 180 + 95, and the fee of the waybill.
    assert (matched.lines, matched.paid, matched.received, matched.fee) == (
        4, Decimal(1025), Decimal(1025), Decimal("12.50"),
    )  # fmt: skip
    assert {kind: count.lines for kind, count in counts.items()} == {
        "matched": 4,
        "sum_differs": 1,
        "payment_without_money": 1,
        "money_without_payment": 2,
        "outgoing": 1,
    }
    assert shop.review("reconciliation_unread") == []


def with_methods(shop: Books, **more: Any) -> None:
    """The same profile, whose carrier's method has further settings."""
    methods = SETTINGS["payment_methods"] | {5: SETTINGS["payment_methods"][5] | more}
    settings = {"name": "shop", "payment_methods": methods}
    shop.profile = shop.profile.model_validate(shop.profile.model_dump() | settings)


def test_a_fee_other_than_the_expected_one_is_told_and_never_booked(shop: Books) -> None:
    """5 % of 250 are the 12.50 that the carrier kept; at 4 % it should have been 10. Orders and payments stay."""
    shop.load()
    booked = shop.tables(("accounting",)) | {"accounting.reconciliation": None}
    found = {}
    for percent in (5, 4):
        with_methods(shop, fee_percent=percent)
        reconcile_again(shop.workspace, now=shop.now)
        with shop.warehouse.reading() as connection:
            found[percent] = {
                line.order_id: (line.kind, line.fee, line.expected_fee)
                for line in lines_of_period(connection, MARCH)
                if line.order_id in (501, 503, 504)
            }
    assert found[5] == {
        501: ("matched", None, None),
        503: ("matched", Decimal("12.50"), Decimal("12.50")),
        504: ("sum_differs", Decimal(20), Decimal("19.50")),
    }
    assert found[4][503] == ("fee_differs", Decimal("12.50"), Decimal(10))
    assert shop.tables(("accounting",)) | {"accounting.reconciliation": None} == booked


def test_a_register_without_fees_is_not_asked_for_them(shop: Books) -> None:
    """Its fee is unknown, not 0."""
    columns = {key: name for key, name in COLUMNS.items() if key != "fee"}
    reconciliation = SETTINGS["reconciliation"] | {
        "registers": {"novapay": {"account": NOVA, "columns": columns}}
    }
    shop.profile = shop.profile.model_validate(
        shop.profile.model_dump() | {"name": "shop", "reconciliation": reconciliation}
    )
    with_methods(shop, fee_percent=4)
    shop.load()
    assert [line[0] for line in told(shop) if line[1] == 503] == ["matched"]


def test_a_payment_can_be_under_the_day_of_its_money(shop: Books) -> None:
    """Orders 503 and 504 were paid on 2 March, and the carrier paid out on the 3rd and the 4th.

    By hand: 500 + 300 + 180 + 95 + 77 stay under the 2nd, and the 40 of order 508, which has no money yet. The
    reconciliation still tells the days in between.
    """
    order(shop, 508, 40, 5)
    shop.load()
    received = "SELECT paid_day, sum(amount) FROM reports.payments_by_day GROUP BY paid_day ORDER BY paid_day"
    assert shop.query(received) == [(MARCH_2, Decimal(1842))]
    with_methods(shop, date="transaction")
    shop.rebuild()
    assert shop.query(received) == [
        (MARCH_2, Decimal(1192)),
        (date(2026, 3, 3), Decimal(250)),
        (date(2026, 3, 4), Decimal(400)),
    ]
    assert shop.query("SELECT days_in_transit FROM accounting.reconciliation WHERE order_id = 504") == [(2,)]
    third = Period(date(2026, 3, 3), date(2026, 3, 3))
    with shop.warehouse.reading() as connection:
        choose_documents(connection, third, replace(EVERYTHING, decided_by="payment"))
        sources = read_export_sources(connection, third, export_format="csv", currency="UAH")
    payments = (
        sources.tables["order_payments"].select("order_id", "paid_at", "crm_paid_at", "dated_by").rows()
    )
    assert payments == [(503, kyiv(2026, 3, 3, 0), kyiv(2026, 3, 2, 14), "transaction")]


def test_what_was_handed_over_changes_when_its_money_comes(shop: Books) -> None:
    """A document in the accountant's hands has another day of payment: it is told, and no other one is."""
    with_methods(shop, date="transaction")
    put(shop, "novapay-march.csv", HEADER)
    shop.load()
    found = []
    for register in (HEADER, REGISTER):
        put(shop, "novapay-march.csv", register)
        reconcile_again(shop.workspace, now=shop.now)
        with shop.warehouse.reading() as connection:
            contents = statement("hand_over", "contents")
            connection.execute(contents.format(contents="contents_of_books", orders="accounting.orders"))
            rows = connection.execute("SELECT order_id, content_hash FROM contents_of_books").fetchall()
            found.append(dict(rows))
    assert {order_id for order_id, digest in found[1].items() if found[0][order_id] != digest} == {503, 504}


def test_money_of_later_days_changes_no_closed_month_in_silence(shop: Books) -> None:
    """March was closed with the payment of 504 under the 2nd: its money moves it, and that is told.

    That of 503 had its money when it was loaded for the first time, which is no change.
    """
    with_methods(shop, date="transaction")
    shop.profile = shop.profile.model_copy(update={"closed_until": MARCH.last})
    put(shop, "novapay-march.csv", "\n".join(REGISTER.split("\n")[:2]))
    shop.load()
    put(shop, "novapay-march.csv", REGISTER)
    reconcile_again(shop.workspace, now=shop.now)
    with shop.warehouse.reading() as connection:
        found = closed_changes_not_exported(connection, MARCH.last)
    changes = {
        one.order_id: document_changes(json.loads(one.content_before or ""), json.loads(one.content_after))
        for one in found
    }
    (change,) = changes.pop(504)
    assert (change.field, change.after) == ("paid_at", int(kyiv(2026, 3, 4, 0).timestamp()) * 1_000_000)
    assert not changes


def test_nothing_changes_when_nothing_has_changed(shop: Books) -> None:
    """The same load, the nightly comparison, a rebuild and the command: the same lines, not compared again."""
    shop.load()
    tables = shop.tables(("raw", "accounting"))
    reconciled = shop.query("SELECT digest, reconciled_at FROM ops.reconciled")
    shop.load()
    shop.recent()
    shop.rebuild()
    assert reconcile_again(shop.workspace, now=shop.now) == []
    assert shop.tables(("raw", "accounting")) == tables
    assert shop.query("SELECT digest, reconciled_at FROM ops.reconciled") == reconciled


def test_overlapping_files_are_read_once(shop: Books) -> None:
    """A register of two weeks beside one of three: rows that are in both count once, the further one once more."""
    shop.load()
    before = told(shop)
    longer = REGISTER.replace("Разом", "13.03.2026;45,00;0;;;Ще хтось\nРазом")
    put(shop, "NovaPay all.csv", longer)
    reconcile_again(shop.workspace, now=shop.now)
    new = ("money_without_payment", None, None, Decimal(45), None, Decimal(0), None)
    assert sorted(told(shop), key=str) == sorted([*before, new], key=str)
    (shop.directory / "shop" / "registers" / "NovaPay all.csv").unlink()
    reconcile_again(shop.workspace, now=shop.now)
    assert told(shop) == before


def test_a_workbook_that_ends_whoever_opens_it_stops_nothing(shop: Books) -> None:
    """A space in the last cell of a sheet makes a table of 17 billion cells: the file is told, the load goes on."""
    workbook = openpyxl.Workbook()
    sheet = workbook.worksheets[0]
    sheet.append(HEADER.split(";"))
    sheet["XFD1048576"] = " "
    content = io.BytesIO()
    workbook.save(content)
    put(shop, "novapay far.xlsx", content.getvalue())
    assert shop.load().status == "succeeded"
    assert shop.review("reconciliation_unread") == ["novapay far.xlsx"]
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


def test_a_register_on_a_disk_that_is_away_keeps_its_rows(shop: Books, tmp_path: Path) -> None:
    """The folder links to a file: while that cannot be reached, it is told, and its money is not forgotten."""
    elsewhere = tmp_path / "share.csv"
    registers = shop.directory / "shop" / "registers"
    (registers / "novapay-march.csv").rename(elsewhere)
    (registers / "novapay-march.csv").symlink_to(elsewhere)
    shop.load()
    before = told(shop)
    elsewhere.rename(tmp_path / "away")
    assert shop.load().status == "succeeded"
    assert (shop.review("reconciliation_unread"), told(shop)) == (["novapay-march.csv"], before)
    (tmp_path / "away").rename(elsewhere)
    shop.load()
    assert (shop.review("reconciliation_unread"), told(shop)) == ([], before)


def test_a_folder_on_a_disk_that_is_away_keeps_the_rows_of_all_registers(shop: Books, tmp_path: Path) -> None:
    """It is told, and nothing counts as removed; an empty folder in its place would be."""
    registers = shop.directory / "shop" / "registers"
    elsewhere = registers.rename(tmp_path / "share")
    registers.symlink_to(elsewhere)
    shop.load()
    before = told(shop)
    elsewhere.rename(tmp_path / "away")
    assert shop.load().status == "succeeded"
    assert (shop.review("reconciliation_unread"), told(shop)) == (["registers"], before)
    (tmp_path / "away").rename(elsewhere)
    shop.load()
    assert (shop.review("reconciliation_unread"), told(shop)) == ([], before)


def test_a_name_that_is_no_text_is_read_all_the_same(shop: Books) -> None:
    """An archive of Windows, unpacked elsewhere: its name cannot be written, but its 45 hryvnias are read."""
    put(shop, "novapay-\udccf.csv", f"{HEADER}\n13.03.2026;45,00;;;;Хтось")
    put(shop, "\udccf.csv", HEADER)
    assert shop.load().status == "succeeded"
    assert shop.query("SELECT amount FROM raw.register_rows WHERE file_name = 'novapay-\\xcf.csv'") == [
        (Decimal(45),)
    ]
    assert shop.review("reconciliation_unread") == ["\\xcf.csv"]


def test_a_payment_that_is_cancelled_leaves_its_money(shop: Books) -> None:
    """The money of the order is told without a payment, with the order that its waybill names."""
    shop.load()
    shop.shop.replace_order(503, {"payments": []})
    shop.sync("order", 503)
    assert ("money_without_payment", 503, None, Decimal(250), None, Decimal("12.5"), None) in told(shop)


def test_a_payment_without_a_day_is_of_no_period(new_books: MakeBooks) -> None:
    """Two sums of 40 name its order: nobody can tell which is its own, and both are told with the order."""
    books = new_books(**SETTINGS)
    order(books, 510, 40, 5)
    payment = payment_payload(5100, 40, payment_method_id=5) | {"payment_date": None, "created_at": None}
    books.shop.replace_order(510, {"payments": [payment]})
    put(books, "novapay.csv", f"{HEADER}\n03.03.2026;40;0;510;;\n04.03.2026;40;0;510;;")
    assert books.load().status == "succeeded"
    assert (
        books.query("SELECT kind, order_id, payment_id, received, candidates FROM accounting.reconciliation")
        == [("several_candidates", 510, None, Decimal(40), "510")] * 2
    )


@pytest.mark.parametrize(
    ("in_keycrm", "in_register"),
    [
        ("20\u00a04500\u00a00000\u00a00510", "20450000000510"),
        ("rb-123456789-ua", "RB123456789UA"),
        ("0504500000510", "504500000510"),
    ],
    ids=["copied from a web page", "typed by hand", "opened in a spreadsheet"],
)
def test_a_waybill_is_known_however_it_is_written(
    new_books: MakeBooks, in_keycrm: str, in_register: str
) -> None:
    """40 came for the parcel of the order."""
    books = new_books(**SETTINGS)
    order(books, 510, 40, 5, shipping={"tracking_code": in_keycrm})
    put(books, "novapay.csv", f"{HEADER}\n03.03.2026;40;0;;{in_register};")
    books.load()
    assert [(line[0], line[1], line[-1]) for line in told(books)] == [("matched", 510, "order")]


def test_another_tolerance_compares_again(shop: Books) -> None:
    """A difference of ten hryvnias that is allowed is none; another setting compares again without a request."""
    shop.load()
    settings = SETTINGS["reconciliation"] | {"tolerance": "10.00"}
    changed = shop.profile.model_validate(
        shop.profile.model_dump() | {"name": "shop", "reconciliation": settings}
    )
    shop.profile = changed
    shop.api.forget_requests()
    reconcile_again(shop.workspace, now=shop.now)
    assert [line[0] for line in told(shop) if line[1] == 504] == ["matched"]
    assert shop.api.requests == []


def test_switched_off_nothing_is_left(shop: Books) -> None:
    """Without the settings nothing is asked for and nothing is told; what was read of KeyCRM stays raw."""
    shop.load()
    shop.profile = shop.profile.model_validate(
        shop.profile.model_dump() | {"name": "shop", "reconciliation": {}}
    )
    shop.api.forget_requests()
    shop.load()
    assert not [request for request in shop.api.requests if "transactions" in request.path]
    assert told(shop) == []
    assert shop.query("SELECT count(*) FROM raw.register_rows") == [(0,)]
    assert shop.query("SELECT count(*) FROM raw.external_transactions") == [(4,)]


@pytest.mark.parametrize("status", [403, 404])
def test_a_key_that_may_not_read_transactions_stops_nothing(shop: Books, status: int) -> None:
    """Noted once, with what to do; once it may, the note goes and the money is there."""
    shop.api.faults.update({"refusal_status": status, "path_prefix": "/payments"})
    assert shop.load().status == "succeeded"
    assert shop.load().status == "succeeded"
    assert shop.review("reconciliation_unread") == ["external_transactions"]
    ((details, first_seen),) = shop.query(
        "SELECT details, first_seen_at FROM ops.review WHERE kind = 'reconciliation_unread'"
    )
    assert f"{status}" in details
    assert "reconciliation.external_transactions: false" in details
    assert first_seen < shop.now
    assert len(shop.rows("orders", "order_id")) == 7
    shop.api.faults.clear()
    shop.load()
    assert shop.review("reconciliation_unread") == []
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


def test_a_transaction_that_cannot_be_read_is_told_and_left_out(shop: Books) -> None:
    """An amount in words, and a date that is none: two of five, by their numbers."""
    bank(shop, 21, "сто")
    bank(shop, 22, 100, transaction_date="учора")
    shop.load()
    assert shop.review("reconciliation_unread") == ["external_transactions"]
    ((details,),) = shop.query("SELECT details FROM ops.review WHERE kind = 'reconciliation_unread'")
    assert "21, 22" in details
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


def test_a_transaction_without_a_number_is_told(shop: Books) -> None:
    """It cannot be told from another, so that it is not stored; nobody may believe that all money is there."""
    bank(shop, 21, 100)
    listed = shop.shop.records_of("external_transactions")
    listed[-1]["id"] = 21.5
    shop.load()
    ((details,),) = shop.query("SELECT details FROM ops.review WHERE kind = 'reconciliation_unread'")
    assert "whose number cannot be read: 1." in details
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


def test_a_transaction_that_keycrm_no_longer_lists_is_no_money(shop: Books) -> None:
    """500 of order 501 were deleted in KeyCRM: it is without money until they are listed again, as they were."""
    shop.load(MARCH_2, date(2026, 3, 3))
    before = told(shop)
    extracted = shop.query("SELECT transaction_id, extracted_at FROM raw.external_transactions ORDER BY ALL")
    shop.shop.remove_record("external_transactions", 1)
    missed_at = shop.now
    shop.load(MARCH_2, date(2026, 3, 3))
    gone = "SELECT transaction_id FROM raw.external_transactions WHERE not_listed_since = ?"
    assert shop.query(gone, [missed_at]) == [(1,)]
    matched = next(line for line in before if line[1] == 501)
    alone = ("payment_without_money", 501, Decimal(500), None, None, None, None)
    assert sorted(told(shop), key=str) == sorted([*(set(before) - {matched}), alone], key=str)
    # The same once more keeps the day on which it was missed.
    marked = shop.tables(("raw", "accounting"))
    shop.load(MARCH_2, date(2026, 3, 3))
    assert shop.tables(("raw", "accounting")) == marked
    bank(shop, 1, "500.00", is_attached=True)
    shop.load(MARCH_2, date(2026, 3, 3))
    assert told(shop) == before
    assert (
        shop.query("SELECT transaction_id, extracted_at FROM raw.external_transactions ORDER BY ALL")
        == extracted
    )


def test_a_list_of_other_days_marks_nothing(shop: Books) -> None:
    """A transaction of 3 March is not missed by a load of January, nor by one that may end before it."""
    shop.load(MARCH_2, date(2026, 3, 3))
    shop.shop.remove_record("external_transactions", 1)
    shop.load(date(2026, 1, 5), date(2026, 1, 6))
    assert shop.query(
        "SELECT count(*) FROM raw.external_transactions WHERE not_listed_since IS NOT NULL"
    ) == [(0,)]


def test_a_list_that_lacks_too_much_marks_nothing(new_books: MakeBooks) -> None:
    """Two of four are absent and the ceiling is one: told on the review list, and the money stays."""
    books = new_books(**SETTINGS, sweep={"most_missing": 1})
    fill(books)
    books.load(MARCH_2, date(2026, 3, 3))
    before = told(books)
    for number in (1, 2):
        books.shop.remove_record("external_transactions", number)
    books.load(MARCH_2, date(2026, 3, 3))
    assert told(books) == before
    assert books.review("reconciliation_unread") == ["external_transactions"]
    ((details,),) = books.query("SELECT details FROM ops.reconciliation_problems")
    assert "2 bank transactions" in details
    assert "sweep.most_missing (1)" in details


def test_a_half_read_list_marks_nothing(shop: Books) -> None:
    """The key may not read the list this time: nothing is missed."""
    shop.load(MARCH_2, date(2026, 3, 3))
    before = told(shop)
    shop.api.faults.update({"refusal_status": 403, "path_prefix": "/payments"})
    shop.load(MARCH_2, date(2026, 3, 3))
    assert told(shop) == before


def test_money_that_is_attached_elsewhere_is_no_open_question(shop: Books) -> None:
    """Of an order from before the loaded days; money of a payment that was cancelled is one, as nobody refunded it."""
    bank(shop, 31, 640, is_attached=True, description="Оплата замовлення 502")
    bank(shop, 32, 80, is_attached=True)
    order(shop, 508, 80, 2, transaction_uuid="u-32")
    paid = shop.shop.order(508)
    assert paid is not None
    shop.shop.replace_order(508, {"payments": [{**paid["payments"][0], "status": "canceled"}]})
    shop.load()
    added = [
        ("money_without_payment", 508, None, Decimal(80), None, None, None),
        ("order_not_loaded", None, None, Decimal(640), None, None, None),
    ]
    assert sorted(told(shop), key=str) == sorted([*EXPECTED, *added], key=str)


def test_what_is_left_of_a_cancelled_payment_is_laid_beside_its_money(shop: Books) -> None:
    """200 came, were cancelled when something was sent back, and 150 were entered, without a code: 50 too much."""
    bank(shop, 33, 200, is_attached=True)
    order(shop, 509, 200, 2, transaction_uuid="u-33")
    paid = shop.shop.order(509)
    assert paid is not None
    (whole,) = paid["payments"]
    left = {**whole, "id": 5099, "amount": 150, "actual_amount": 150, "transaction_uuid": None}
    shop.shop.replace_order(509, {"payments": [{**whole, "status": "canceled"}, left]})
    shop.load()
    added = ("sum_differs", 509, Decimal(150), Decimal(200), Decimal(50), None, "order")
    assert sorted(told(shop), key=str) == sorted([*EXPECTED, added], key=str)


def test_a_transaction_of_the_evening_is_of_the_local_day(shop: Books) -> None:
    """22:30 UTC is half past midnight in Kyiv."""
    bank(shop, 8, 12, transaction_date="2026-03-05T22:30:00.000000Z")
    shop.load()
    with shop.warehouse.reading() as connection:
        (line,) = (line for line in lines_of_period(connection, MARCH) if line.transaction_id == 8)
    assert line.received_day == date(2026, 3, 6)


def workbook(rows: list[list[Any]]) -> bytes:
    import io

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


AS_WRITTEN: Mapping[str, tuple[str, bytes]] = {
    "semicolons with a byte order mark": ("novapay.csv", b"\xef\xbb\xbf" + REGISTER.encode()),
    "Windows": ("novapay.csv", REGISTER.replace("\n", "\r\n").encode("cp1251")),
    "UTF-16": ("novapay.txt", REGISTER.replace(";", "\t").encode("utf-16")),
    "commas in quotes": (
        "novapay.csv",
        "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(";")) for line in REGISTER.splitlines()
        ).encode(),
    ),
    "a title above": ("Novapay березень.csv", f"Реєстр переказів №5\n\n{REGISTER}".encode()),
    "a workbook": (
        "novapay.xlsx",
        workbook(
            [
                ["Реєстр"],
                HEADER.split(";"),
                [date(2026, 3, 3), 250, 12.5, None, "20450000000503", None],
                ["04.03.2026", 390.0, 20, 504, None, None],
                [date(2026, 3, 12), "60,00", 0, "999", None, "Хтось"],
                [date(2026, 3, 12), -15, 0, None, None, "Послуги"],
                ["Разом", 685, 32.5],
            ]
        ),
    ),
}


@pytest.mark.parametrize("form", AS_WRITTEN)
def test_registers_are_read_as_banks_write_them(shop: Books, form: str) -> None:
    """The same rows in each form give the same lines."""
    (shop.directory / "shop" / "registers" / "novapay-march.csv").unlink()
    put(shop, *AS_WRITTEN[form])
    shop.load()
    assert shop.review("reconciliation_unread") == []
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


FAULTY: Mapping[str, tuple[str, str | bytes, str]] = {
    "a missing column": (
        "novapay-april.csv",
        "Дата;Сума;Комісія;Замовлення;ТТН;Призначення\n01.04.2026;5;;;;Тестова\n",
        "line 1, column ЕН: there is no such column",
    ),
    "an unreadable sum": (
        "novapay-april.csv",
        f"{HEADER}\n01.04.2026;1,500;;;;Тестова\n02.04.2026;7;;;;\n",
        "line 2, column Сума: it is not a sum that can be read for certain",
    ),
    "no day": (
        "novapay-april.xlsx",
        workbook([HEADER.split(";"), ["квітень", 5, None, None, None, "Тестова"]]),
        "row 2, column Дата: it is not a day",
    ),
    "a day of another century": (
        "novapay-april.csv",
        f"{HEADER}\n01.04.1926;5;;;;Тестова\n",
        "line 2, column Дата: the day is before 2000",
    ),
    "no workbook": ("novapay-april.xlsx", "Тестова", "it is neither an Excel workbook"),
    "another kind of file": ("novapay-april.pdf", "Тестова", "it is neither an Excel workbook"),
    "broken quotes": ("novapay-april.csv", f'{HEADER}\n01.04.2026;"5;;;;Тестова\n', "line 2"),
    "quotes inside quotes": (
        "novapay-april.csv",
        f'{HEADER}\n01.04.2026;5,00;;;;Тестова\n01.04.2026;5,00;;;;"ТОВ "Тестова" за товар"\n',
        "line 3: the line cannot be read",
    ),
    "commas for everything": (
        "novapay-april.csv",
        f"{HEADER.replace(';', ',')}\n01.04.2026,801,50,0,504,,Тестова\n",
        "line 2: 7 fields where the header names 6 columns",
    ),
    "no register's": ("privat.csv", "Тестова", "belongs to no register of the profile. Registers: novapay"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_a_faulty_register_is_told_and_stops_nothing(shop: Books, fault: str) -> None:
    """File, line, column and what to do are on the list, but no cell; everything else is compared."""
    name, content, message = FAULTY[fault]
    put(shop, name, content)
    assert shop.load().status == "succeeded"
    assert shop.review("reconciliation_unread") == [name]
    ((details,),) = shop.query("SELECT details FROM ops.review WHERE kind = 'reconciliation_unread'")
    assert message in details
    assert name in details
    assert "Тестова" not in details
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)
    (problem,) = reconcile_again(shop.workspace, now=shop.now)
    assert message in str(problem)
    (shop.directory / "shop" / "registers" / name).unlink()
    assert reconcile_again(shop.workspace, now=shop.now) == []
    assert shop.review("reconciliation_unread") == []


def test_the_name_of_a_register_from_a_mac(shop: Books) -> None:
    """Its й is a letter and a mark: the file belonged to no register, although the names look alike."""
    register = shop.profile.reconciliation.registers["novapay"]
    registers = {"bank": register.model_copy(update={"files": "Райффайзен*"})}
    for form in ("NFC", "NFD"):
        assert owners_of(unicodedata.normalize(form, "РАЙФФАЙЗЕН березень.csv"), registers) == ["bank"]


def test_a_folder_among_the_registers_is_told(shop: Books) -> None:
    """Somebody sorted the registers by months: none of them would be read any more, and nothing would say so."""
    folder = shop.directory / "shop" / "registers" / "2026-03"
    folder.mkdir()
    shop.load()
    assert shop.review("reconciliation_unread") == ["2026-03"]
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)
    (problem,) = reconcile_again(shop.workspace, now=shop.now)
    assert f"put its files into {folder.parent} themselves" in str(problem)
    folder.rmdir()
    assert reconcile_again(shop.workspace, now=shop.now) == []


def test_a_pipe_among_the_registers_is_no_file(shop: Books) -> None:
    """Reading one would wait for somebody who writes into it."""
    shop.load()
    os.mkfifo(shop.directory / "shop" / "registers" / "pipe")
    assert reconcile_again(shop.workspace, now=shop.now) == []


def test_a_file_that_becomes_faulty_keeps_its_rows(shop: Books) -> None:
    """Somebody saved it half done: what it said before stands until it can be read again."""
    shop.load()
    put(shop, "novapay-march.csv", REGISTER.replace("250,00", "двісті"))
    (problem,) = reconcile_again(shop.workspace, now=shop.now)
    assert "line 2, column Сума" in str(problem)
    assert sorted(told(shop), key=str) == sorted(EXPECTED, key=str)


def test_doubled_rows_of_one_file_are_two_pieces_of_money(shop: Books) -> None:
    """Without a code of the operation nobody knows that a row was copied: it is money for which there is no payment."""
    put(shop, "novapay-march.csv", REGISTER.replace("Разом", "12.03.2026;60,00;0;999;;Хтось\nРазом"))
    shop.load()
    sixties = [line for line in told(shop) if line[3] == 60]
    assert len(sixties) == 2
