"""The views of schema reports add up, and count no order twice."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.period import Period
from keycrm_pipeline.warehouse import attention, receivables, report_views, sales
from keycrm_pipeline.warehouse.connection import Warehouse
from keycrm_pipeline_tests.documents import Item, Payment
from keycrm_pipeline_tests.reports.booked_shop import LOST_STATUS, BookedShop, new_shop
from keycrm_pipeline_tests.reports.march import MARCH

SUMMED_VIEWS = {
    "order_facts": "grand_total",
    "order_items": "amount",
    "sales_by_day": "grand_total",
    "sales_by_source": "grand_total",
    "sales_by_manager": "grand_total",
    "sales_by_status": "grand_total",
    "sales_by_product": "amount",
    "sales_by_category": "amount",
    "delivery_by_service": "grand_total",
}
"""View -> the column whose sum by day, currency and cancelled equals that of the orders."""


def query(warehouse: Warehouse, sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with warehouse.reading() as connection:
        return connection.execute(sql, parameters).fetchall()


def order_sums(connection: duckdb.DuckDBPyConnection) -> set[tuple[Any, ...]]:
    sql = "SELECT order_day, currency, status_id = ?, sum(grand_total) FROM accounting.orders GROUP BY ALL"
    return set(connection.execute(sql, [LOST_STATUS]).fetchall())


def view_sums(connection: duckdb.DuckDBPyConnection, view: str, column: str) -> set[tuple[Any, ...]]:
    sql = f"SELECT order_day, currency, is_cancelled, sum({column}) FROM reports.{view} GROUP BY ALL"  # noqa: S608
    return set(connection.execute(sql).fetchall())


@pytest.mark.parametrize(("view", "column"), SUMMED_VIEWS.items())
def test_every_view_adds_up_to_the_orders(march: Warehouse, view: str, column: str) -> None:
    """The sources add up to the sales: no join repeats an order."""
    with march.reading() as connection:
        assert view_sums(connection, view, column) == order_sums(connection)


def test_march_in_hryvnias(march: Warehouse) -> None:
    """The headline figures are those a bookkeeper adds up by hand, with cancelled orders and euros separate."""
    with march.reading() as connection:
        totals = sales.period_totals(connection, MARCH)
    assert set(totals) == {"UAH", "EUR"}
    hryvnias = totals["UAH"]
    assert hryvnias.orders == 5
    assert hryvnias.goods_total == Decimal("2240.00")  # 800 + 1000 + 200 + 90 + 150
    assert hryvnias.services_total == Decimal("75.00")
    assert hryvnias.delivery_total == Decimal("75.00")
    assert hryvnias.difference == Decimal("5.00")
    assert hryvnias.grand_total == Decimal("2320.00")
    assert hryvnias.discount_total == Decimal("20.00")
    assert hryvnias.paid_total == Decimal("1125.00")  # 875 + 100 + 150
    assert hryvnias.due == Decimal("1195.00")  # 1000 + 105 + 90
    assert (hryvnias.cancelled_orders, hryvnias.cancelled_total) == (1, Decimal("400.00"))
    assert (hryvnias.returned_orders, hryvnias.returned_total) == (1, Decimal("90.00"))
    assert totals["EUR"].grand_total == Decimal("60.00")


def test_products_and_the_rest_lose_nothing(march: Warehouse) -> None:
    """Delivery, taxes and differences have their own rows, so that the table adds up to the sales."""
    with march.reading() as connection:
        rows = sales.sales_by_product(connection, MARCH)
    amounts = {(row.item_kind, row.name, row.currency): (row.quantity, row.amount) for row in rows}
    assert amounts == {
        ("goods", "Футболка базова", "UAH"): (Decimal(3), Decimal("1500.00")),
        ("goods", "Чашка", "UAH"): (Decimal(4), Decimal("740.00")),
        ("delivery", "Доставка", "UAH"): (Decimal(1), Decimal("75.00")),
        ("difference", "Розбіжність", "UAH"): (Decimal(0), Decimal("5.00")),
        ("goods", "Футболка базова", "EUR"): (Decimal(1), Decimal("50.00")),
        ("tax", "Податок", "EUR"): (Decimal(1), Decimal("10.00")),
    }


def test_an_order_with_two_lines_of_a_category_is_one_order(shop: BookedShop) -> None:
    """Two shirts in one order count as one order of the category."""
    shop.card(1, "Футболка", category="Одяг")
    shop.order(1, MARCH.first, [Item("10"), Item("20")])
    warehouse = shop.save()
    assert query(warehouse, "SELECT category_name, orders, amount FROM reports.sales_by_category") == [
        ("Одяг", 1, Decimal("30.00"))
    ]


def test_discounts(march: Warehouse) -> None:
    """The share of the discount is computed from list prices: 20 of 2,260 in March."""
    with march.reading() as connection:
        hryvnias = next(row for row in sales.discounts(connection, MARCH) if row.currency == "UAH")
    assert hryvnias.orders_with_discount == 1
    assert hryvnias.list_total == Decimal("2260.00")  # 2240 of goods + 20
    assert hryvnias.discount_total == hryvnias.goods_discount == Decimal("20.00")


def test_payments_leave_expenses_and_cancelled_ones_out(march: Warehouse) -> None:
    """A commission that the shop pays is not money received, nor is a cancelled payment."""
    with march.reading() as connection:
        rows = sales.payments(connection, MARCH)
    assert {(row.name, row.currency, row.payments, row.amount) for row in rows} == {
        ("LiqPay", "UAH", 2, Decimal("1025.00")),
        ("Готівка", "UAH", 1, Decimal("100.00")),
        ("LiqPay", "EUR", 1, Decimal("60.00")),
    }


def test_cash_on_delivery_out(march: Warehouse) -> None:
    """Money that a carrier still owes: the parcel was sent, did not come back, and is not paid."""
    assert query(march, "SELECT order_id, due FROM reports.cash_on_delivery_out") == [
        (1002, Decimal("1000.00"))
    ]


@pytest.mark.parametrize(
    ("kind", "status", "shipping_status", "tracking_code", "is_out"),
    [
        ("cash_on_delivery", 8, None, None, True),
        ("cash_on_delivery", 1, "transit", None, True),
        ("cash_on_delivery", 1, None, "2045", True),
        (None, 8, None, None, False),
        ("card", 8, "cash_on_delivery", None, True),
        ("card", 8, "cash_received", None, True),
        ("card", 8, "transit", "2045", False),
        ("cash_on_delivery", 1, None, None, False),
        ("cash_on_delivery", 8, "refused", "2045", False),
        ("cash_on_delivery", LOST_STATUS, None, "2045", False),
    ],
)
def test_what_counts_as_cash_on_delivery(
    shop: BookedShop,
    kind: str | None,
    status: int,
    shipping_status: str | None,
    tracking_code: str | None,
    is_out: bool,
) -> None:
    """By the method's kind or the parcel's status, never by a name; not before it was sent or after it came back."""
    shop.order(
        1,
        MARCH.first,
        [Item("10")],
        payments=[
            Payment("10", status="not_paid", method="Післяплата", columns={"method_kind": kind}),
        ],
        status_id=status,
        shipping_status=shipping_status,
        tracking_code=tracking_code,
    )
    assert query(shop.save(), "SELECT count(*) FROM reports.cash_on_delivery_out") == [(int(is_out),)]


def test_rounded_cash_is_no_debt(shop: BookedShop) -> None:
    """100.20 for which 100.00 was paid is settled; what was rounded up does not lower another debt."""
    shop.order(1, MARCH.first, [Item("100.20")], [Payment("100")], rounding=Decimal("-0.20"))
    shop.order(2, MARCH.first, [Item("100.30")], [Payment("100.50")], rounding=Decimal("0.20"))
    shop.order(3, MARCH.first, [Item("100.20")], [Payment("100")])
    shop.order(
        4, MARCH.first, [Item("0.30")], [Payment("0.50")], rounding=Decimal("0.20"), status_id=LOST_STATUS
    )
    shop.order(5, MARCH.first, [Item("50.45")], [Payment("50.50")], rounding=Decimal("0.05"))
    warehouse = shop.save()
    assert query(warehouse, "SELECT order_id, due FROM reports.payments_due") == [(3, Decimal("0.20"))]
    with warehouse.reading() as connection:
        # -0.20 + 0.20 + 0.05; the cancelled order is nobody's money.
        assert receivables.rounded_cash(connection) == [receivables.RoundedCash("UAH", 3, Decimal("0.05"))]


def test_due_by_age(march: Warehouse) -> None:
    """On 31 March an order of the 28th is up to 7 days old, one of the 2nd 8 to 30; returned ones are separate."""
    with march.reading() as connection:
        ages = {row.age: row for row in receivables.due_ages(connection, date(2026, 3, 31))}
    assert set(ages) == {"week", "month"}
    assert (ages["week"].orders, ages["week"].due) == (1, Decimal("1000.00"))
    assert ages["week"].cash_on_delivery_due == Decimal("1000.00")
    assert (ages["month"].orders, ages["month"].due) == (1, Decimal("105.00"))
    assert (ages["month"].returned_orders, ages["month"].returned_due) == (1, Decimal("90.00"))


def test_repeat_buyers(march: Warehouse) -> None:
    """The buyer of February comes back twice; an order for the default partner has no buyer."""
    with march.reading() as connection:
        rows = sales.repeat_buyers(connection, MARCH)
        buyers = sales.buyers(connection, MARCH)
    assert {(row.buyer_kind, row.currency, row.orders, row.amount) for row in rows} == {
        ("repeat_order", "UAH", 3, Decimal("1170.00")),  # 1001, 1003 of buyer 1; 1006 of buyer 3 after 1005
        ("first_order", "UAH", 1, Decimal("1000.00")),
        ("first_order", "EUR", 1, Decimal("60.00")),
        ("no_buyer", "UAH", 1, Decimal("150.00")),
    }
    assert (buyers.buyers, buyers.bought_again_in_period, buyers.bought_before) == (3, 2, 1)


def test_an_overpaid_order_owes_nothing(shop: BookedShop) -> None:
    """An overpayment of one buyer does not hide what another owes."""
    shop.order(1, MARCH.first, [Item("10")], payments=[Payment("15")])
    shop.order(2, MARCH.first, [Item("10")], payments=[Payment("4")])
    assert query(shop.save(), "SELECT sum(due) FROM reports.sales_by_day") == [(Decimal("6.00"),)]


def test_an_order_of_an_unknown_status_and_source_is_a_sale(shop: BookedShop) -> None:
    """An order with an unknown status is still counted."""
    shop.order(1, MARCH.first, [Item("10")], status_id=777, source_id=888)
    assert query(shop.save(), "SELECT is_cancelled, orders FROM reports.sales_by_day") == [(False, 1)]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_days_of_payment_are_the_shops_own_wherever_they_are_read(shop: BookedShop, zone: str) -> None:
    """Half past midnight of 1 April in Kyiv is no day of March, also for a dashboard on a server abroad."""
    night = datetime(2026, 3, 31, 21, 30, tzinfo=UTC)
    shop.order(1, MARCH.first, [Item("10")], payments=[Payment("10", columns={"paid_at": night})])
    path = shop.save().path
    with duckdb.connect(str(path), read_only=True) as dashboard:
        dashboard.execute("SET TimeZone = ?", [zone])
        for view in ("payments_by_day", "payments_by_source"):
            days = dashboard.execute(f"SELECT paid_day FROM reports.{view}").fetchall()  # noqa: S608 - ours
            assert days == [(date(2026, 4, 1),)]


def test_a_day_loaded_without_orders_is_not_missing(march: Warehouse) -> None:
    """Days never loaded and days loaded without orders are distinguished (R1)."""
    with march.reading() as connection:
        assert attention.days_not_loaded(connection, MARCH) == [date(2026, 3, 31)]
        assert attention.days_not_loaded(connection, Period(date(2026, 3, 8), date(2026, 3, 9))) == []


def test_review_items_lead_to_an_order(shop: BookedShop) -> None:
    """Each row of the review list about an order names it."""
    shop.order(5, MARCH.first, [Item("10")])
    shop.order(7, MARCH.first, [Item("10")])
    shop.review("unmapped_status", "12", "Status 12.")
    shop.review("order_difference", "5", "Order 5.")
    shop.review("missing_in_crm", "7", "Order 7.")
    shop.review("ambiguous_product_name", "5", "A product that is called 5.")
    shop.rejected(9, MARCH.first, "No sum.")
    with shop.save().reading() as connection:
        items = {item.kind: item.order_id for item in attention.review_items(connection, most=10)}
    assert items == {
        "unmapped_status": 7,
        "order_difference": 5,
        "missing_in_crm": None,  # KeyCRM has no page for it any more
        "ambiguous_product_name": None,
        "rejected_order": 9,
    }


def test_every_view_and_column_says_what_it_is(march: Warehouse) -> None:
    """A BI tool shows the comments; none may be missing."""
    views = query(march, "SELECT view_name, comment FROM duckdb_views() WHERE schema_name = 'reports'")
    assert {name for name, _ in views} == set(report_views.VIEWS)
    assert all(comment for _, comment in views)
    columns = query(
        march, "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'reports'"
    )
    assert {(table, column) for table, column, comment in columns if not comment} == set()
    assert {column for _, column, _ in columns} == set(report_views.COLUMN_COMMENTS)


amounts = st.decimals(min_value=0, max_value=9999, places=2)
orders = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["UAH", "EUR"]),
        st.sampled_from([1, 12, LOST_STATUS]),
        st.lists(
            st.tuples(amounts, st.sampled_from(["goods", "service", "delivery", "wrap", "tax"])), max_size=4
        ),
        st.lists(st.tuples(amounts, st.sampled_from(["paid", "not_paid", "canceled"])), max_size=3),
        st.sampled_from([None, 1, 2]),
        st.sampled_from(["0", "1.01", "-3"]),
    ),
    max_size=8,
)


@settings(deadline=None, max_examples=15)
@given(orders)
def test_whatever_the_orders_are_the_views_add_up(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[Any, ...]]
) -> None:
    """For any mix of lines, payments, currencies and statuses each view has the sums of the orders."""
    shop = new_shop(tmp_path_factory.mktemp("drawn"))
    shop.card(1, "Футболка", category="Одяг")
    for number, (day, currency, status, items, payments, source, difference) in enumerate(drawn, start=1):
        shop.order(
            number,
            MARCH.first + timedelta(days=day),
            [Item(str(amount), kind=kind) for amount, kind in items],
            payments=[Payment(str(amount), status=state) for amount, state in payments],
            status_id=status,
            currency=currency,
            source_id=source,
            difference=difference,
        )
    with shop.save().reading() as connection:
        expected = order_sums(connection)
        for view, column in SUMMED_VIEWS.items():
            # An order without items has no row in a view of items, and nothing to add either.
            sums = {row for row in view_sums(connection, view, column) if row[3] != 0}
            assert sums == {row for row in expected if row[3] != 0}, view
        sql = "SELECT order_day, currency, false, sum(grand_total) FROM reports.repeat_buyers GROUP BY ALL"
        assert set(connection.execute(sql).fetchall()) == {row for row in expected if not row[2]}
