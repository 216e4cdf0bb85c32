"""What must hold whatever the shop: loading again changes nothing, and the way of loading makes no difference."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse import batches
from keycrm_pipeline.warehouse.cards import Selection, select_orders
from keycrm_pipeline.warehouse.documents import selected_batches
from keycrm_pipeline.warehouse.ranges import OrderRange
from keycrm_pipeline.warehouse.validated import plan_batches
from keycrm_pipeline_tests.editable_shop import EditableShop
from keycrm_pipeline_tests.payloads import line_payload
from keycrm_pipeline_tests.pipeline.bookkeeping import Books, kyiv, make_books, person, shop_clock

FIRST, LAST = date(2026, 3, 28), date(2026, 3, 31)
"""Four days of the demo shop, the short one among them."""


def demo_books(directory: Path) -> Books:
    """The demo shop with a dozen orders a day; every oddity of KeyCRM occurs in it."""
    return make_books(
        directory,
        EditableShop(shop_clock, orders_per_day=12),
        managers={5: "olena"},
        accounts={2: "ПриватБанк ФОП"},
        statuses={"stages": {1: "Нове"}},
    )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The four days in one load."""
    books = demo_books(tmp_path_factory.mktemp("range"))
    books.load(FIRST, LAST)
    return books


def test_demo_days_are_worth_comparing(loaded: Books) -> None:
    """Goods, services, payments, rejected orders and all kinds of cards occur, so that equal means something."""
    for table in ("order_lines", "order_services", "order_payments", "product_variants", "partner_links"):
        assert loaded.rows(table), table
    assert {kind for (kind,) in loaded.query("SELECT DISTINCT kind FROM accounting.products")} == {
        "product",
        "product_with_sku",
        "service",
    }
    assert len(loaded.rows("orders")) >= 30


def test_loading_again_changes_no_byte(loaded: Books) -> None:
    """Every row of every table stays as it was, times included; only the log records the second load."""
    before = loaded.tables()
    exchange = loaded.load(FIRST, LAST)
    after = loaded.tables()
    assert [table for table in before if before[table] != after[table]] == []
    assert (exchange.orders_created, exchange.orders_updated) == (0, 0)
    assert (exchange.partners_created, exchange.products_created) == (0, 0)


def test_rebuild_equals_what_was_loaded(loaded: Books) -> None:
    """All tables derived again from the payloads are the same, with the same card numbers and times."""
    before = loaded.tables(["accounting", "ops"])
    exchange = loaded.rebuild()
    after = loaded.tables(["accounting", "ops"])
    assert [table for table in before if before[table] != after[table]] == []
    assert (exchange.orders_created, exchange.orders_updated, exchange.requests) == (0, 0, 0)


def test_refreshing_an_unchanged_catalogue_changes_nothing(loaded: Books) -> None:
    """Products and categories read again are those that are there: cards, variants and documents stay."""
    before = loaded.tables(["accounting"])
    loaded.catalogue()
    after = loaded.tables(["accounting"])
    assert [table for table in before if before[table] != after[table]] == []


def test_range_equals_day_by_day(loaded: Books, tmp_path: Path) -> None:
    """One load of four days and four loads of one day make the same books, card numbers and times included."""
    daily = demo_books(tmp_path)
    started = daily.now
    for offset in range((LAST - FIRST).days + 1):
        daily.now = started
        daily.load(FIRST + timedelta(days=offset))
    expected, found = loaded.tables(["accounting"]), daily.tables(["accounting"])
    assert [table for table in expected if expected[table] != found[table]] == []


def test_batches_side_by_side_make_the_same_books(
    loaded: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A period of many orders is derived in several batches at a time: the books are those of a single batch.

    Each of the days has more orders than a batch, so that its parts lie in several, and its numbers are their sums.
    """
    monkeypatch.setattr(batches, "BATCH_ORDERS", 5)
    monkeypatch.setattr(batches, "REBUILT_BATCH_ORDERS", 7)
    in_batches = demo_books(tmp_path)
    exchange = in_batches.load(FIRST, LAST)
    assert (exchange.orders_created, exchange.orders_rejected) == (
        len(in_batches.rows("orders")),
        in_batches.query("SELECT count(*) FROM ops.rejected_records")[0][0],
    )
    expected = loaded.tables(["accounting"])
    found = in_batches.tables(["accounting"])
    assert [table for table in expected if expected[table] != found[table]] == []
    in_batches.rebuild()
    rebuilt = in_batches.tables(["accounting"])
    assert [table for table in found if found[table] != rebuilt[table]] == []


def _batches(books: Books, first_day: date, last_day: date, most: int) -> list[list[OrderRange]]:
    """Of a stored period: the batches that are validated together, and those whose documents are made together."""
    with books.warehouse.writing() as connection:
        period = Period(first_day, last_day)
        select_orders(
            connection, Selection(period, None, is_loaded=True, start_date=first_day, status_ids=None)
        )
        planned = plan_batches(connection, period, exchange_id=None, start_date=first_day, batch_orders=most)
        return [
            [batch for batch in planned if isinstance(batch, OrderRange)],
            selected_batches(connection, most),
        ]


def test_large_orders_are_derived_in_smaller_batches(tmp_path: Path) -> None:
    """Six orders of one line fit into a batch of eight; of sixteen lines and 15.5 KB, four do: memory stays flat."""
    days = [date(2026, 3, day) for day in (2, 3, 4)]
    for lines, expected in ((1, [(days[0], days[2])]), (16, [(days[0], days[1]), (days[2], days[2])])):
        directory = tmp_path / str(lines)
        directory.mkdir()
        books = make_books(directory)
        for order_id in range(1, 7):
            books.order(
                order_id,
                kyiv(2026, 3, 2 + order_id % 3),
                buyer=person(order_id),
                products=[line_payload(name=f"Товар {number}", comment="х" * 200) for number in range(lines)],
            )
        books.load(days[0], days[-1])
        assert [
            [(batch.first_day, batch.last_day) for batch in batches_of_step]
            for batches_of_step in _batches(books, days[0], days[-1], 8)
        ] == [expected, expected]


def test_orders_of_a_day_with_ids_far_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days whose order ids lie between those of other days: a rebuild finds the stored rows of each, and what changed.

    Two orders a day of six, in batches of two: 1 and 4, 2 and 5, 3 and 6.
    """
    monkeypatch.setattr(batches, "REBUILT_BATCH_ORDERS", 2)
    books = make_books(tmp_path)
    for order_id in range(1, 7):
        books.order(order_id, kyiv(2026, 3, 1 + (order_id - 1) % 3), buyer=person(order_id))
    books.load(date(2026, 3, 1), date(2026, 3, 3))
    with books.warehouse.writing() as connection:
        connection.execute("DELETE FROM accounting.order_lines WHERE order_id = 4")
        connection.execute("UPDATE validated.orders SET buyer_comment = 'стара' WHERE order_id = 2")
    exchange = books.rebuild()
    assert (exchange.orders_created, exchange.orders_updated, exchange.orders_unchanged) == (0, 1, 5)
    assert len(books.rows("order_lines", where="order_id = 4")) == 1
    assert books.query("SELECT buyer_comment FROM validated.orders WHERE order_id = 2") == [(None,)]
    assert books.rebuild().orders_unchanged == 6


amounts = st.decimals(min_value=0, max_value=50_000, places=2)
prices = st.one_of(
    st.decimals(min_value=0, max_value=50_000, places=3), st.decimals(min_value=0, max_value=1, places=9)
)
quantities = st.one_of(
    st.integers(min_value=1, max_value=30).map(Decimal),
    st.decimals(min_value=Decimal("0.0001"), max_value=30, places=4),
)


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    price = draw(prices)
    return {
        "name": draw(st.sampled_from(("Чашка", "Тарілка", "Ложка"))),
        "price": price,
        "price_sold": draw(st.one_of(st.just(price), prices.filter(lambda sold: sold <= price), st.none())),
        "quantity": draw(quantities),
    }


@st.composite
def orders(draw: st.DrawFn) -> dict[str, Any]:
    order: dict[str, Any] = {"lines": draw(st.lists(lines(), max_size=5))}
    for key in ("shipping_price", "wrap_price", "taxes", "discount_amount", "total_discount"):
        order[key] = draw(st.one_of(st.none(), st.just(0), amounts))
    order["discount_percent"] = draw(st.one_of(st.none(), st.decimals(min_value=0, max_value=100, places=2)))
    if draw(st.booleans()):
        order["grand_total"] = draw(amounts)
    return order


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(orders(), min_size=1, max_size=20))
def test_every_order_adds_up(made: list[dict[str, Any]]) -> None:
    """R6 for ever: lines + services + difference = grand total, the header says the sums of its lines, none below 0."""
    with tempfile.TemporaryDirectory() as directory:
        books = make_books(Path(directory))
        for order_id, order in enumerate(made, start=1):
            books.order(order_id, **order)
        books.load()
        assert books.reasons() == {}
        headers = books.rows(
            "orders", "order_id, goods_total, services_total, discount_total, grand_total, difference"
        )
        assert len(headers) == len(made)
        goods, services = books.rows("order_lines"), books.rows("order_services")
        goods_columns = _sums(books, "order_lines")
        service_columns = _sums(books, "order_services")
        assert goods or services or all(not order["lines"] for order in made)
        for order_id, goods_total, services_total, discount_total, grand_total, difference in headers:
            goods_sum, goods_discount = goods_columns.get(order_id, (Decimal(0), Decimal(0)))
            services_sum, services_discount = service_columns.get(order_id, (Decimal(0), Decimal(0)))
            assert goods_total == goods_sum
            assert services_total == services_sum
            assert discount_total == goods_discount + services_discount
            assert goods_sum + services_sum + difference == grand_total
        assert all(amount >= 0 for amount in _amounts(books))
        differing = [str(row[0]) for row in headers if row[5] != 0]
        assert books.review("order_difference") == sorted(differing)


def _amounts(books: Books) -> list[Decimal]:
    return [row[0] for table in ("order_lines", "order_services") for row in books.rows(table, "amount")]


def _sums(books: Books, table: str) -> dict[int, tuple[Decimal, Decimal]]:
    rows = books.query(
        f"SELECT order_id, sum(amount), sum(discount) FROM accounting.{table} GROUP BY order_id"  # noqa: S608
    )
    return {order_id: (amount, discount) for order_id, amount, discount in rows}


BUYERS = (
    person(1, "Олена", "0501111111"),
    person(2, "Петро", "0502222222", email="p@example.com"),
    person(3, "Петро П.", "0502222222"),
    person(4, "Марія", "", email="p@example.com"),
    None,
)
GOODS = (
    {"name": "Чашка"},
    {"name": "чашка", "sku": "CUP"},
    {"name": "Чашка", "sku": "CUP-2"},
    {"name": "Тарілка", "properties": [{"name": "Колір", "value": "Синій"}]},
    {"name": "Ложка", "sku": "spoon"},
    {"name": "Ложка срібна", "sku": "SPOON"},
)
some_orders = st.lists(
    st.tuples(
        st.integers(1, 3),
        st.sampled_from(BUYERS),
        st.lists(st.sampled_from(GOODS), min_size=1, max_size=3),
        st.sampled_from((1, 12, 19)),
    ),
    min_size=1,
    max_size=8,
)


def documents(books: Books) -> dict[str, Any]:
    """All documents, with the buyer's name in place of the card's number, and without times of loads."""
    return {
        "orders": books.query(
            """
            SELECT orders.* EXCLUDE (partner_id, created_at, updated_at)
            FROM accounting.orders AS orders ORDER BY order_id
            """
        ),
        "lines": books.query(
            """
            SELECT line.* EXCLUDE (product_id, variant_id) FROM accounting.order_lines AS line
            ORDER BY order_id, line_no
            """
        ),
        "services": books.query(
            "SELECT * EXCLUDE (product_id) FROM accounting.order_services ORDER BY order_id, line_no"
        ),
        "payments": books.rows("order_payments"),
    }


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(some_orders, st.permutations((1, 2, 3)))
def test_days_may_be_loaded_in_any_order(made: list[Any], days: list[int]) -> None:
    """Backfilling from the newest day or from the oldest gives the same documents."""
    found = []
    for parts in ([(days[0], days[0]), (days[1], days[1]), (days[2], days[2])], [(1, 3)]):
        with tempfile.TemporaryDirectory() as directory:
            books = make_books(Path(directory))
            for order_id, (day, buyer, sold, status_id) in enumerate(made, start=1):
                books.order(
                    order_id,
                    kyiv(2026, 3, day, 9, order_id),
                    buyer=buyer,
                    lines=sold,
                    status_id=status_id,
                    shipping_price=order_id % 2 * 50,
                    payments=[{"amount": 10}],
                )
            for first, last in parts:
                books.load(date(2026, 3, first), date(2026, 3, last))
            found.append(documents(books))
    assert found[0] == found[1]
