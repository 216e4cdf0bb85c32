"""What each order line costs, how an order's discount is shared, and whether the order adds up (R6).

Everything is computed on columns of whole numbers: money in kopiykas, prices and quantities in billionths,
percents in millionths of a percent, all `int64`. Where a product would not fit into 64 bits, those rows are
computed with whole numbers of any size. Binary floating point is used nowhere.
Which services an order has, and what stands in which table, is not decided here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Whole: TypeAlias = npt.NDArray[np.int64]
"""A column of whole numbers."""

LARGEST_AMOUNT = 10**14
"""Kopiykas; a trillion hryvnias. Within it no sum of an order leaves 64 bits. What is larger is a mistake in
the data.
"""

MOST_LINES = 10_000
"""Lines of one order. KeyCRM's orders have up to a few hundred; the bound keeps an order's sums within 64
bits.
"""

MONEY_RULES = (
    "none",
    "total_discount",
    "percent_and_amount",
    "discount_amount",
    "discount_percent",
    "total_discount_less_lines",
)
"""The candidates of R6 in their order; `Settlement.rule` counts from 0 in this list."""

NO_RULE = -1
"""`Settlement.rule` of an order that adds up with no candidate."""

_LARGEST_WHOLE = 2**63 - 1
BILLIONTHS = 10**9
"""Prices and quantities are counted in these: KeyCRM sends more decimals than a document shows (R6)."""

_PER_KOPIYKA = BILLIONTHS**2 // 100
"""Billionths of a hryvnia times billionths of a unit, in one kopiyka."""
_PLAIN_PRICE = 10**3
"""A price of at most six decimals is a multiple of this."""
_PLAIN_QUANTITY = 10**6
"""A quantity of at most three decimals is a multiple of this."""
_MILLIONTHS_OF_A_PERCENT = 10**8
"""Millionths of a percent in the whole."""
_OUT_OF_REACH = 2**61
"""Stands for a candidate too large to be true: no order within `LARGEST_AMOUNT` adds up with it."""


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """What KeyCRM says about the money of each order; arrays of one length, one element an order.

    Attributes:
        grand_total: What the buyer pays, kopiykas.
        shipping: Delivery, kopiykas, 0 when missing.
        wrap: Gift wrap, kopiykas, 0 when missing.
        taxes: Taxes, kopiykas, 0 when missing.
        discount_amount: Discount of the order as an amount, kopiykas, 0 when missing.
        discount_percent: Discount of the order in millionths of a percent (5 % is 5,000,000), 0 when missing.
        total_discount: KeyCRM's own count of the order's discount, kopiykas, 0 when missing.
    """

    grand_total: Whole
    shipping: Whole
    wrap: Whole
    taxes: Whole
    discount_amount: Whole
    discount_percent: Whole
    total_discount: Whole


@dataclass(frozen=True, slots=True)
class LineMoney:
    """The order lines, goods and services alike; arrays of one length, one element a line.

    Attributes:
        order_index: Position of the line's order in `OrderMoney`, never decreasing: the lines of an order
            stand together, in their own order.
        listed: List price x quantity, kopiykas (see `line_amounts`).
        sold: Price sold (the list price when it is missing) x quantity, kopiykas.
    """

    order_index: Whole
    listed: Whole
    sold: Whole


@dataclass(frozen=True, slots=True)
class Settlement:
    """What R6 makes of the orders; money in kopiykas.

    For every order: sum of its `line_amount` + shipping + wrap + taxes + `difference` = grand_total, where
    shipping, wrap and taxes below zero count as nothing, because no line of the services tab shows them (R7), and
    shipping and wrap are lowered by their discounts.

    Attributes:
        discount: Of each order, the discount D that was shared over its lines.
        shipping_discount: Of each order, the part of its discount that exceeds the lines and lowers the delivery.
        wrap_discount: Of each order, the part that exceeds the delivery too and lowers the wrap.
        difference: Of each order, what is left when no candidate makes it add up, or when its discount exceeds
            everything it could lower; otherwise 0.
        rule: Of each order, which candidate made it add up: an index of `MONEY_RULES`, or `NO_RULE`.
        line_amount: Of each line, what it costs the buyer in total.
        line_discount: Of each line, list price x quantity minus `line_amount`.
    """

    discount: Whole
    shipping_discount: Whole
    wrap_discount: Whole
    difference: Whole
    rule: npt.NDArray[np.int8]
    line_amount: Whole
    line_discount: Whole


def _magnitude(column: Whole) -> npt.NDArray[np.uint64]:
    """Return absolute values; unsigned, because the smallest int64 has no positive twin."""
    return np.abs(column).view(np.uint64)


def _within(column: Whole, bound: int) -> npt.NDArray[np.bool_]:
    """Tell which values lie within -bound..bound."""
    return _magnitude(column) <= np.uint64(bound)


def _product_fits(left: Whole, right: Whole, spare: int) -> npt.NDArray[np.bool_]:
    """Tell where left x right, with `spare` added, stays within 64 bits."""
    divisor = np.maximum(_magnitude(left), np.uint64(1))
    return _magnitude(right) <= np.uint64(_LARGEST_WHOLE - spare) // divisor


def _rounded_share(left: Whole, right: Whole, divisor: int) -> Whole:
    """Return left x right / divisor, rounded half up away from zero; out of reach is cut to `_OUT_OF_REACH`.

    The divisor is even, so that half of it is a whole number.
    """
    half = divisor // 2
    fits = _product_fits(left, right, half)
    product = np.where(fits, left, 0) * np.where(fits, right, 0)
    result: Whole = np.sign(product) * ((np.abs(product) + half) // divisor)
    if not fits.all():
        wide = left[~fits].astype(object) * right[~fits].astype(object)
        exact = np.sign(wide) * ((np.abs(wide) + half) // divisor)
        result[~fits] = np.clip(exact, -_OUT_OF_REACH, _OUT_OF_REACH).astype(np.int64)
    return result


def line_amounts(price: Whole, quantity: Whole) -> Whole:
    """Return price x quantity of each line in kopiykas, rounded half up (R6).

    Half a kopiyka goes away from zero, also for a line of a return with a negative price, so that selling and
    taking back come to nothing.

    Args:
        price: Price per unit in billionths of a hryvnia.
        quantity: Quantity in billionths.

    Raises:
        OverflowError: When a line costs more than `LARGEST_AMOUNT`; a validation rejects such an order (R10).
    """
    # Nearly all prices and quantities have few decimals: counted in larger units, their products fit into 64 bits.
    plain = (price % _PLAIN_PRICE == 0) & (quantity % _PLAIN_QUANTITY == 0)
    amounts = _rounded_share(
        np.where(plain, price // _PLAIN_PRICE, 0),
        np.where(plain, quantity // _PLAIN_QUANTITY, 0),
        _PER_KOPIYKA // (_PLAIN_PRICE * _PLAIN_QUANTITY),
    )
    if not plain.all():
        amounts[~plain] = _rounded_share(price[~plain], quantity[~plain], _PER_KOPIYKA)
    _refuse_beyond("price x quantity", amounts)
    return amounts


def _refuse_beyond(what: str, column: Whole) -> None:
    """Raise when a value is larger than any order can be."""
    beyond = ~_within(column, LARGEST_AMOUNT)
    if beyond.any():
        position = int(np.flatnonzero(beyond)[0])
        raise OverflowError(
            f"{what} at position {position} is beyond {LARGEST_AMOUNT // 100:,} hryvnias; "
            "such an order must be rejected before its money is settled"
        )


def _group_bounds(group_index: Whole, groups: int) -> tuple[Whole, Whole]:
    """Return where the rows of each group start, and how many there are.

    Raises:
        ValueError: When the index decreases or points outside the groups.
    """
    if len(group_index) and (
        group_index[0] < 0 or group_index[-1] >= groups or (np.diff(group_index) < 0).any()
    ):
        raise ValueError(
            f"the rows of {groups} groups must stand in the order of their groups, numbered from 0"
        )
    edges = np.searchsorted(group_index, np.arange(groups + 1))
    return edges[:-1].astype(np.int64), np.diff(edges).astype(np.int64)


def _group_sums(values: Whole, starts: Whole, counts: Whole) -> Whole:
    """Return the sum of each group's rows, 0 for a group without rows."""
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))
    sums: Whole = running[starts + counts] - running[starts]
    return sums


def _parts(total: Whole, weight: Whole, whole: Whole) -> tuple[Whole, Whole]:
    """Return total x weight / whole rounded down, and the remainder; no argument is negative."""
    fits = _product_fits(total, weight, 0)
    product = np.where(fits, total, 0) * np.where(fits, weight, 0)
    quotient, remainder = np.divmod(product, whole)
    if not fits.all():
        wide = total[~fits].astype(object) * weight[~fits].astype(object)
        quotient[~fits] = (wide // whole[~fits]).astype(np.int64)
        remainder[~fits] = (wide % whole[~fits]).astype(np.int64)
    return quotient, remainder


def share_by_largest_remainder(total: Whole, weights: Whole, group_index: Whole) -> Whole:
    """Share each group's total over its rows in proportion to their weights, in whole units, exactly (R6).

    Every row gets its share rounded towards zero; the units left go one each to the rows with the largest
    remainders, to the earlier row when they tie. A negative total is shared as its positive twin and turned
    round. A weight below zero counts as zero; when all weights of a group are zero, its rows get equal
    shares.

    Args:
        total: What to share, one a group.
        weights: One a row.
        group_index: The group of each row, never decreasing.

    Returns:
        One share a row; the shares of a group add up to its total.

    Raises:
        ValueError: When a group without rows has something to share, or `group_index` decreases.
    """
    starts, counts = _group_bounds(group_index, len(total))
    if ((counts == 0) & (total != 0)).any():
        raise ValueError("a group without rows cannot take a share: its total must be 0")
    weight = np.maximum(weights, 0)
    whole = _group_sums(weight, starts, counts)
    weight = np.where((whole == 0)[group_index], 1, weight)
    whole = np.where(whole == 0, np.maximum(counts, 1), whole)

    size = np.abs(total)
    share, remainder = _parts(size[group_index], weight, whole[group_index])
    left = size - _group_sums(share, starts, counts)
    if left.any():
        # Only rows of groups with something left are ranked: sorting is what takes time here.
        open_rows = np.flatnonzero((left > 0)[group_index])
        group = group_index[open_rows]
        ranked = open_rows[np.lexsort((open_rows, -remainder[open_rows], group))]
        # The ranked rows stand group by group as before, so a row's rank is its distance from its group's
        # first one.
        firsts = np.searchsorted(group, group)
        rank = np.arange(len(group)) - firsts
        share[ranked] += rank < left[group]
    shares: Whole = np.sign(total)[group_index] * share
    return shares


def settle(orders: OrderMoney, lines: LineMoney) -> Settlement:
    """Find each order's discount, share it over the lines, and keep what does not add up (R6).

    An order adds up with a discount D when lines' sum - D + shipping + wrap + taxes is its grand total
    within one kopiyka a line. The first candidate of `MONEY_RULES` with which it does is taken, and the
    remainder is put into D. When none does, D is 0 and the order keeps its `difference`: nothing is changed
    to fit.

    No line goes below zero: of a discount larger than the lines' sum, the rest lowers the delivery, then the
    wrap; what still remains is `difference`. So is a surcharge (a discount below zero) of an order without lines.

    Shipping, wrap and taxes below zero count as nothing, because the services tab does not show them (R7);
    such an order shows a `difference` unless a discount explains it.

    Raises:
        OverflowError: When an amount is beyond `LARGEST_AMOUNT` or an order has more than `MOST_LINES` lines.
        ValueError: When the lines are not grouped by order.
    """
    for money in fields(orders):
        if money.name != "discount_percent":
            _refuse_beyond(money.name, getattr(orders, money.name))
    _refuse_beyond("a line's list price x quantity", lines.listed)
    _refuse_beyond("a line's price sold x quantity", lines.sold)
    starts, counts = _group_bounds(lines.order_index, len(orders.grand_total))
    if (counts > MOST_LINES).any():
        raise OverflowError(
            f"an order has more than {MOST_LINES:,} lines; it must be rejected before it is settled"
        )

    sold = _group_sums(lines.sold, starts, counts)
    listed = _group_sums(lines.listed, starts, counts)
    services = sum(
        (np.maximum(price, 0) for price in (orders.shipping, orders.wrap, orders.taxes)),
        start=np.zeros(len(sold), np.int64),
    )
    # What the lines and services come to beyond the grand total: the discount that would make the order add
    # up exactly.
    needed = sold + services - orders.grand_total
    of_percent = _rounded_share(sold, orders.discount_percent, _MILLIONTHS_OF_A_PERCENT)
    candidates = (
        np.zeros_like(needed),
        orders.total_discount,
        of_percent + orders.discount_amount,
        orders.discount_amount,
        of_percent,
        orders.total_discount - (listed - sold),
    )
    rule = np.full(len(needed), NO_RULE, np.int8)
    for position, candidate in reversed(list(enumerate(candidates))):
        # From the last to the first, so that the first one that fits stands in the end.
        rule[np.abs(needed - candidate) <= counts] = position

    adds_up = rule != NO_RULE
    unshared = np.where(adds_up, needed, 0)
    # Below zero it raises the lines: a surcharge, or the remainder of rounding. Without lines there are none to raise.
    discount = np.where(counts == 0, 0, np.minimum(unshared, np.maximum(sold, 0)))
    unshared = unshared - discount
    shipping_discount = np.clip(unshared, 0, np.maximum(orders.shipping, 0))
    wrap_discount = np.clip(unshared - shipping_discount, 0, np.maximum(orders.wrap, 0))
    difference = np.where(adds_up, shipping_discount + wrap_discount - unshared, -needed)
    line_amount = lines.sold - share_by_largest_remainder(discount, lines.sold, lines.order_index)
    return Settlement(
        discount,
        shipping_discount,
        wrap_discount,
        difference,
        rule,
        line_amount,
        lines.listed - line_amount,
    )
