"""Line amounts, discounts and what does not add up (R6). All sums in the examples are worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keycrm_pipeline.accounting.discounts import (
    BILLIONTHS,
    LARGEST_AMOUNT,
    MONEY_RULES,
    NO_RULE,
    LineMoney,
    OrderMoney,
    Settlement,
    Whole,
    line_amounts,
    settle,
    share_by_largest_remainder,
)


def whole(values: Sequence[int]) -> Whole:
    return np.array(values, dtype=np.int64)


def billionths(value: str) -> Whole:
    return whole([int(Decimal(value) * BILLIONTHS)])


COUNTED = st.one_of(
    st.integers(-(10**12), 10**12),
    # Few decimals, as nearly always.
    st.integers(-(10**5), 10**5).map(lambda value: value * 10**7),
    st.integers(-(9 * 10**18), 9 * 10**18),
)
"""Prices and quantities in billionths."""


@dataclass(frozen=True)
class Order:
    """One order in kopiykas; lines as (price x quantity, price sold x quantity)."""

    grand_total: int
    lines: tuple[tuple[int, int], ...]
    shipping: int = 0
    wrap: int = 0
    taxes: int = 0
    discount_amount: int = 0
    discount_percent: int = 0
    total_discount: int = 0


def settled(*orders: Order) -> Settlement:
    return settle(
        OrderMoney(
            grand_total=whole([order.grand_total for order in orders]),
            shipping=whole([order.shipping for order in orders]),
            wrap=whole([order.wrap for order in orders]),
            taxes=whole([order.taxes for order in orders]),
            discount_amount=whole([order.discount_amount for order in orders]),
            discount_percent=whole([order.discount_percent for order in orders]),
            total_discount=whole([order.total_discount for order in orders]),
        ),
        LineMoney(
            order_index=whole([index for index, order in enumerate(orders) for _ in order.lines]),
            listed=whole([listed for order in orders for listed, _ in order.lines]),
            sold=whole([sold for order in orders for _, sold in order.lines]),
        ),
    )


def outcome(order: Order) -> tuple[str | None, int, int, list[int]]:
    """Return rule, discount, difference and line amounts of one order."""
    settlement = settled(order)
    rule = int(settlement.rule[0])
    return (
        None if rule == NO_RULE else MONEY_RULES[rule],
        int(settlement.discount[0]),
        int(settlement.difference[0]),
        settlement.line_amount.tolist(),
    )


@pytest.mark.parametrize(
    ("price", "quantity", "kopiykas"),
    [
        ("475", "2", 95_000),
        ("47.50", "1", 4_750),
        ("10.05", "0.5", 503),  # 5.025
        ("10.03", "0.5", 502),  # 5.015
        ("10.01", "0.5", 501),  # 5.005
        ("0.333333", "3", 100),  # 0.999999
        ("0.004999", "1", 0),
        ("0.005", "1", 1),
        ("0", "5", 0),
        ("-10.01", "0.5", -501),  # taken back: as much as was sold
        ("900", "0.3333", 29_997),  # 299.97, and not 0.333 x 900 = 299.70
        ("0.003333333", "100000", 33_333),  # 333.3333, and not 0.003333 x 100,000 = 333.30
        ("12500", "0.0004", 500),  # a quantity that is shown as 0.000
        ("8123456789.01", "1", 812_345_678_901),
        ("0.000000001", "9000000000", 900),
    ],
)
def test_a_line_costs_price_times_quantity_rounded_half_up(price: str, quantity: str, kopiykas: int) -> None:
    """With all decimals of both. Binary floating point makes 5.02 of 10.05 x 0.5, a kopiyka less than the CRM shows."""
    assert line_amounts(billionths(price), billionths(quantity)).tolist() == [kopiykas]


@settings(deadline=None)
@given(st.lists(st.tuples(COUNTED, COUNTED), max_size=20))
def test_line_amounts_agree_with_decimal_arithmetic(rows: list[tuple[int, int]]) -> None:
    """Also where price x quantity leaves 64 bits."""
    rows = [(price, quantity) for price, quantity in rows if abs(price * quantity) <= LARGEST_AMOUNT * 10**16]
    amounts = line_amounts(whole([price for price, _ in rows]), whole([quantity for _, quantity in rows]))
    expected = [
        int((Decimal(price * quantity) / 10**16).quantize(Decimal(1), ROUND_HALF_UP))
        for price, quantity in rows
    ]
    assert amounts.tolist() == expected


@pytest.mark.parametrize(
    ("price", "quantity"), [(9 * 10**18, 10**15), (2**63 - 1, 2**63 - 1), (-(2**63), 2 * 10**12)]
)
def test_a_line_beyond_a_trillion_hryvnias_is_refused(price: int, quantity: int) -> None:
    """A slip of the keyboard must not wrap round into a small or negative amount."""
    with pytest.raises(OverflowError, match="position 1 is beyond 1,000,000,000,000 hryvnias"):
        line_amounts(whole([10**9, price]), whole([10**9, quantity]))


def test_no_discount_leaves_the_lines_as_sold() -> None:
    """The example order of KeyCRM: 475 x 2 + 380 + 47.50 = 1377.50, the lines already carry their 5 %."""
    order = Order(137_750, ((100_000, 95_000), (40_000, 38_000), (5_000, 4_750)), discount_percent=5_000_000)
    settlement = settled(order)
    assert outcome(order) == ("none", 0, 0, [95_000, 38_000, 4_750])
    assert settlement.line_discount.tolist() == [5_000, 2_000, 250]


def test_discount_amount_is_shared_in_proportion() -> None:
    """100.00 off 300 + 100 + 100: 60, 20, 20. Delivery of 70 stays as it is."""
    lines = ((30_000, 30_000), (10_000, 10_000), (10_000, 10_000))
    order = Order(47_000, lines, shipping=7_000, discount_amount=10_000)
    assert outcome(order) == ("percent_and_amount", 10_000, 0, [24_000, 8_000, 8_000])


def test_discount_percent_of_the_lines_sum() -> None:
    """7.5 % of 199.99 is 14.99925, rounded 15.00: 184.99 to pay; 100.00 bears 7.50 and a bit, 99.99 the rest.

    15.00 x 100.00 / 199.99 = 7.500375, 15.00 x 99.99 / 199.99 = 7.499624: 7.50 + 7.49, the kopiyka left
    goes to the second, whose remainder is larger.
    """
    order = Order(18_499, ((10_000, 10_000), (9_999, 9_999)), discount_percent=7_500_000)
    assert outcome(order) == ("percent_and_amount", 1_500, 0, [9_250, 9_249])


def test_total_discount_less_what_the_lines_show() -> None:
    """List 200, sold 180 (20 off), total discount 50: 30 more, over 90 + 90."""
    order = Order(15_000, ((10_000, 9_000), (10_000, 9_000)), total_discount=5_000)
    assert outcome(order) == ("total_discount_less_lines", 3_000, 0, [7_500, 7_500])
    assert settled(order).line_discount.tolist() == [2_500, 2_500]


def test_the_first_candidate_that_adds_up_is_taken() -> None:
    """KeyCRM's own count first, then percent and amount together, then each alone; what does not fit is passed over."""
    one_line = ((10_000, 10_000),)
    told = Order(9_000, one_line, discount_amount=1_000, total_discount=1_000)
    assert outcome(told)[0] == "total_discount"
    both = Order(8_000, one_line, discount_amount=1_000, discount_percent=10_000_000)
    assert outcome(both) == ("percent_and_amount", 2_000, 0, [8_000])
    either = Order(9_000, one_line, discount_amount=1_000, discount_percent=10_000_000)
    assert outcome(either)[0] == "discount_amount"
    stale = Order(9_000, one_line, discount_amount=7_777, discount_percent=10_000_000)
    assert outcome(stale)[0] == "discount_percent"
    already_in_lines = Order(9_000, ((10_000, 9_000),), discount_amount=1_000, total_discount=1_000)
    assert outcome(already_in_lines)[0] == "none"


@pytest.mark.parametrize("total_discount", [13_150, 0])
def test_percentage_and_amount_beside_the_discounts_of_the_lines(total_discount: int) -> None:
    """Lines 950.00 and 364.50, together 1314.50; 10 % (131.45) and 0.05 leave 1183.00.

    131.50 x 950 / 1314.50 = 95.0361, the other 36.4639: the kopiyka left goes to the first line.
    """
    order = Order(
        118_300,
        ((100_000, 95_000), (40_500, 36_450)),
        discount_amount=5,
        discount_percent=10_000_000,
        total_discount=total_discount,
    )
    rule = "total_discount" if total_discount else "percent_and_amount"
    assert outcome(order) == (rule, 13_150, 0, [85_496, 32_804])
    assert settled(order).line_discount.tolist() == [14_504, 7_696]


def test_a_discount_beyond_the_lines_lowers_delivery_then_wrap() -> None:
    """Lines 100 and 50, delivery 60, wrap 20: of 230 off, 150 goes to the lines, 60 to the delivery, 20 to the wrap."""
    lines = ((10_000, 10_000), (5_000, 5_000))
    part_of_delivery = settled(Order(3_000, lines, shipping=6_000, discount_amount=18_000))
    assert part_of_delivery.line_amount.tolist() == [0, 0]
    assert (part_of_delivery.shipping_discount[0], part_of_delivery.difference[0]) == (3_000, 0)
    free = settled(Order(0, lines, shipping=6_000, wrap=2_000, discount_amount=23_000))
    assert free.line_amount.tolist() == [0, 0]
    assert (free.discount[0], free.shipping_discount[0], free.wrap_discount[0]) == (15_000, 6_000, 2_000)
    assert free.difference[0] == 0


def test_what_a_discount_cannot_lower_is_the_difference() -> None:
    """Line 100, delivery 60, tax 5, and 170 off: the buyer pays -5.00, which neither lines nor delivery can show."""
    order = Order(-500, ((10_000, 10_000),), shipping=6_000, taxes=500, discount_amount=17_000)
    assert outcome(order) == ("percent_and_amount", 10_000, -1_000, [0])
    assert settled(order).shipping_discount.tolist() == [6_000]


def test_services_of_the_order_count() -> None:
    """Lines 100, delivery 50, wrap 20, taxes 5, 10 off: 165."""
    order = Order(16_500, ((10_000, 10_000),), 5_000, 2_000, 500, discount_amount=1_000)
    assert outcome(order) == ("percent_and_amount", 1_000, 0, [9_000])


@pytest.mark.parametrize(
    ("grand_total", "rule", "discount", "difference", "amounts"),
    [
        (29_998, "none", 2, 0, [9_999, 9_999, 10_000]),  # the first two lines bear it
        (29_997, "none", 3, 0, [9_999, 9_999, 9_999]),
        (30_003, "none", -3, 0, [10_001, 10_001, 10_001]),
        (30_001, "none", -1, 0, [10_001, 10_000, 10_000]),
        (29_996, None, 0, -4, [10_000, 10_000, 10_000]),
        (30_004, None, 0, 4, [10_000, 10_000, 10_000]),
    ],
)
def test_a_kopiyka_a_line_is_rounding_and_more_is_a_difference(
    grand_total: int, rule: str | None, discount: int, difference: int, amounts: list[int]
) -> None:
    """Three lines of 100.00 each: up to 3 kopiykas go into D, so that the order adds up exactly."""
    order = Order(grand_total, ((10_000, 10_000),) * 3)
    assert outcome(order) == (rule, discount, difference, amounts)


def test_the_remainder_goes_into_the_discount_of_any_candidate() -> None:
    """Discount 10.00 written, 10.02 taken by the CRM: both lines together bear 10.02."""
    order = Order(18_998, ((10_000, 10_000), (10_000, 10_000)), discount_amount=1_000)
    assert outcome(order) == ("percent_and_amount", 1_002, 0, [9_499, 9_499])


def test_an_order_that_does_not_add_up_is_left_as_it_is() -> None:
    """Lines 100 + delivery 50, grand total 120, a discount of 5 explains nothing: -30 is kept and shown."""
    order = Order(12_000, ((12_000, 10_000),), shipping=5_000, discount_amount=500)
    assert outcome(order) == (None, 0, -3_000, [10_000])
    assert settled(order).line_discount.tolist() == [2_000]


def test_lines_that_cost_nothing_bear_nothing() -> None:
    """A gift line of 0.00 beside a line of 100.00; 33.33 off."""
    order = Order(6_667, ((5_000, 0), (10_000, 10_000)), discount_amount=3_333)
    assert outcome(order) == ("percent_and_amount", 3_333, 0, [0, 6_667])


def test_when_all_lines_cost_nothing_they_share_equally() -> None:
    """Two gift lines and one kopiyka too much in the total: the first takes it."""
    order = Order(1, ((5_000, 0), (5_000, 0)))
    assert outcome(order) == ("none", -1, 0, [1, 0])


def test_a_line_taken_back_bears_no_discount() -> None:
    """Lines 100.00 and -20.00, 8.00 off: the line above zero bears all of it."""
    order = Order(7_200, ((10_000, 10_000), (-2_000, -2_000)), discount_amount=800)
    assert outcome(order) == ("percent_and_amount", 800, 0, [9_200, -2_000])


def test_an_order_without_lines() -> None:
    """Delivery alone adds up, bears the discount itself, or keeps a difference."""
    assert outcome(Order(5_000, (), shipping=5_000)) == ("none", 0, 0, [])
    discounted = Order(4_500, (), shipping=5_000, discount_amount=500)
    assert outcome(discounted) == ("percent_and_amount", 0, 0, [])
    assert settled(discounted).shipping_discount.tolist() == [500]
    assert outcome(Order(4_499, (), shipping=5_000, discount_amount=500)) == (None, 0, -501, [])


def test_a_negative_delivery_price_shows_as_a_difference() -> None:
    """The services tab holds prices above zero only (R7), so -50 cannot vanish silently."""
    assert outcome(Order(5_000, ((10_000, 10_000),), shipping=-5_000)) == (None, 0, -5_000, [10_000])


def test_orders_do_not_disturb_each_other() -> None:
    """An order without lines between two others, and neither takes the other's discount."""
    settlement = settled(
        Order(9_000, ((10_000, 10_000),), discount_amount=1_000),
        Order(0, ()),
        Order(20_000, ((10_000, 10_000), (10_000, 10_000))),
    )
    assert settlement.line_amount.tolist() == [9_000, 10_000, 10_000]
    assert settlement.discount.tolist() == [1_000, 0, 0]
    assert settlement.difference.tolist() == [0, 0, 0]


def test_no_orders_at_all() -> None:
    """An empty day is settled like any other."""
    settlement = settled()
    assert len(settlement.discount) == len(settlement.line_amount) == 0


def test_sums_beyond_reach_are_refused_in_words() -> None:
    """A grand total of ten trillion is a mistake; it must not be computed on."""
    with pytest.raises(OverflowError, match="grand_total at position 1"):
        settled(Order(0, ()), Order(LARGEST_AMOUNT + 1, ()))
    with pytest.raises(OverflowError, match="a line's price sold x quantity at position 0"):
        settled(Order(0, ((0, -LARGEST_AMOUNT - 1),)))
    with pytest.raises(OverflowError, match="more than 10,000 lines"):
        settled(Order(0, ((0, 0),) * 10_001))


def test_an_absurd_percent_is_no_candidate_and_no_crash() -> None:
    """Percent times sum leaves 64 bits; the order is loaded with what else explains it."""
    order = Order(10**13 - 100, ((10**13, 10**13),), discount_percent=2**62, total_discount=100)
    assert outcome(order) == ("total_discount", 100, 0, [10**13 - 100])


def test_lines_out_of_order_are_refused() -> None:
    """Lines that are not grouped by order would land on the wrong order."""
    with pytest.raises(ValueError, match="in the order of their groups"):
        share_by_largest_remainder(whole([1, 1]), whole([1, 1]), whole([1, 0]))
    with pytest.raises(ValueError, match="in the order of their groups"):
        share_by_largest_remainder(whole([1, 1]), whole([1, 1]), whole([0, 2]))
    with pytest.raises(ValueError, match="a group without rows"):
        share_by_largest_remainder(whole([1, 1]), whole([1]), whole([0]))


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [3, 3, 4], [3, 3, 4]),
        (5, [1, 2, 4], [1, 1, 3]),  # 0.71, 1.43, 2.86: the two left go to 2.86 and 0.71
        (7, [0, 5, 0], [0, 7, 0]),
        (7, [-3, 5], [0, 7]),
        (7, [0, 0], [4, 3]),
        (0, [1, 2], [0, 0]),
    ],
)
def test_shares_by_largest_remainder(total: int, weights: list[int], shares: list[int]) -> None:
    """Worked out by hand."""
    found = share_by_largest_remainder(whole([total]), whole(weights), whole([0] * len(weights)))
    assert found.tolist() == shares


def reference_shares(total: int, weights: list[int]) -> list[int]:
    """Share with fractions, one group at a time."""
    weights = [max(weight, 0) for weight in weights]
    if not any(weights):
        weights = [1] * len(weights)
    exact = [Fraction(abs(total) * weight, sum(weights)) for weight in weights]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda row: (-(exact[row] - shares[row]), row))
    for row in by_remainder[: abs(total) - sum(shares)]:
        shares[row] += 1
    return [-share for share in shares] if total < 0 else shares


AMOUNTS = st.one_of(st.integers(-5, 50), st.integers(-(10**6), 10**8), st.integers(-(10**13), 10**13))


@settings(deadline=None)
@given(st.lists(st.tuples(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=6)), max_size=8))
def test_shares_always_add_up_and_agree_with_fractions(groups: list[tuple[int, list[int]]]) -> None:
    """Whatever the sums, also where total x weight leaves 64 bits, no kopiyka is lost."""
    found = share_by_largest_remainder(
        whole([total for total, _ in groups]),
        whole([weight for _, weights in groups for weight in weights]),
        whole([index for index, (_, weights) in enumerate(groups) for _ in weights]),
    )
    expected = [reference_shares(total, weights) for total, weights in groups]
    assert found.tolist() == [share for shares in expected for share in shares]
    assert [sum(shares) for shares in expected] == [total for total, _ in groups]


def reference_outcome(order: Order) -> tuple[int, int, int, int, list[int]]:
    """R6 read sentence by sentence: D, what lowers delivery and wrap, difference, lines."""
    amounts = [amount for _, amount in order.lines]
    sold = sum(amounts)
    services = sum(max(price, 0) for price in (order.shipping, order.wrap, order.taxes))
    percent = (Decimal(sold * order.discount_percent) / 10**8).quantize(Decimal(1), ROUND_HALF_UP)
    in_lines = sum(listed for listed, _ in order.lines) - sold
    for candidate in (
        0,
        order.total_discount,
        int(percent) + order.discount_amount,
        order.discount_amount,
        int(percent),
        order.total_discount - in_lines,
    ):
        remainder = sold - candidate + services - order.grand_total
        if abs(remainder) <= len(order.lines):
            discount = candidate + remainder
            of_lines = min(discount, sold)
            of_shipping = min(discount - of_lines, max(order.shipping, 0))
            of_wrap = min(discount - of_lines - of_shipping, max(order.wrap, 0))
            shares = reference_shares(of_lines, amounts) if amounts else []
            return (
                of_lines,
                of_shipping,
                of_wrap,
                of_lines + of_shipping + of_wrap - discount,
                [amount - share for amount, share in zip(amounts, shares, strict=True)],
            )
    return 0, 0, 0, order.grand_total - sold - services, amounts


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """Draw an order that adds up by one of the rules, nearly does, or does not at all."""
    money = st.one_of(st.just(0), st.integers(0, 300), st.integers(0, 10**7))
    lines = draw(st.lists(st.tuples(money, money), max_size=5))
    listed, sold = sum(one for one, _ in lines), sum(one for _, one in lines)
    shipping, wrap, taxes = draw(money), draw(money), draw(st.one_of(money, st.just(-100)))
    amount, percent, total = draw(money), draw(st.integers(0, 10**8)), draw(money)
    services = shipping + wrap + max(taxes, 0)
    discount = draw(
        st.sampled_from(
            [
                0,
                total,
                sold * percent // 10**8 + amount,
                amount,
                sold * percent // 10**8,
                total - (listed - sold),
                draw(st.integers(-999, 999)),
            ]
        )
    )
    grand_total = sold - discount + services + draw(st.integers(-7, 7))
    return Order(grand_total, tuple(lines), shipping, wrap, taxes, amount, percent, total)


@settings(deadline=None)
@given(st.lists(orders(), max_size=6))
def test_every_order_is_settled_as_the_rule_says(batch: list[Order]) -> None:
    """The check that stands for ever: lines + services + difference = grand total, for any order."""
    settlement = settled(*batch)
    row = 0
    for index, order in enumerate(batch):
        amounts = settlement.line_amount[row : row + len(order.lines)].tolist()
        discounts = settlement.line_discount[row : row + len(order.lines)].tolist()
        row += len(order.lines)
        difference = int(settlement.difference[index])
        of_shipping = int(settlement.shipping_discount[index])
        of_wrap = int(settlement.wrap_discount[index])
        shipping, wrap = max(order.shipping, 0) - of_shipping, max(order.wrap, 0) - of_wrap
        assert sum(amounts) + shipping + wrap + max(order.taxes, 0) + difference == order.grand_total
        # No line, delivery or wrap is below zero.
        assert all(amount >= 0 for amount in (*amounts, shipping, wrap))
        assert [amount + discount for amount, discount in zip(amounts, discounts, strict=True)] == [
            listed for listed, _ in order.lines
        ]
        found = (int(settlement.discount[index]), of_shipping, of_wrap, difference, amounts)
        assert found == reference_outcome(order)
